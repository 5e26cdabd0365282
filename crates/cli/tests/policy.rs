//! `kobuk policy` and `--policy` as a user meets them: exit codes, messages, requests, reports.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "door/binary.rs"]
mod binary;
#[path = "policy/loading.rs"]
mod loading;
#[path = "policy/packs.rs"]
mod packs;
#[path = "policy/plain_words.rs"]
mod plain_words;
#[path = "policy/reports.rs"]
mod reports;
#[path = "policy/requests.rs"]
mod requests;
#[path = "policy/spellings.rs"]
mod spellings;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::binary::{folder, kobuk};

/// A run: exit code, data and talk.
struct Ran {
    code: i32,
    out: String,
    talk: String,
}

impl Ran {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.out, self.talk))
    }

    /// It ended so, and said all of this, in whatever order.
    #[track_caller]
    fn says(self, code: i32, words: &[&str]) -> Ran {
        let all = format!("{}{}", self.out, self.talk);
        assert_eq!(self.code, code, "{all}");
        words.iter().for_each(|word| assert!(all.contains(word), "`{word}` is missing:\n{all}"));
        self
    }
}

fn run(folder: &Path, words: &[&str]) -> Ran {
    let output = kobuk(folder, words);
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), talk: text(&output.stderr) }
}

/// A folder with a pod on the host network, and policies.
fn shop(name: &str) -> PathBuf {
    let folder = folder(name);
    for (file, text) in [("pod.yaml", POD), ("host.yaml", HOST_NETWORK), ("old.yaml", OLD)] {
        write(&folder, file, text);
    }
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

const POD: &str = "apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  hostNetwork: true
  containers: [{name: c, image: nginx}]
";

const HOST_NETWORK: &str = "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: no-host-network
  annotations: {kobuk.dev/title: The network of the node, kobuk.dev/severity: critical, kobuk.dev/controls: 'NW-12, DE-01'}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [pods]}]
  validations:
  - expression: '!object.spec.?hostNetwork.orValue(false)'
    message: no host network
";

/// Looks at the object before, and at who asks.
const OLD: &str = "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: changes}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [''], apiVersions: [v1], operations: ['*'], resources: [pods, pods/ephemeralcontainers]}
  validations:
  - expression: request.operation != 'UPDATE' || oldObject.spec.containers == object.spec.containers
    message: containers stay as they are
  - expression: request.userInfo.username != 'eve' || 'ops' in request.userInfo.groups
    messageExpression: \"'not ' + request.userInfo.username\"
";
