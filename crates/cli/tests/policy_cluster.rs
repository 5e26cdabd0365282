//! `--cluster`: facts out of a real kube-apiserver.
//!
//! Needs openssl and a folder with kube-apiserver, etcd and kubectl that KUBEBUILDER_ASSETS names.

#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

#[path = "../../manifest/tests/envtest/server.rs"]
mod server;

use std::path::Path;
use std::process::Command;

use server::Server;

const POLICY: &str = "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: guarded}
spec:
  matchConstraints:
    namespaceSelector: {matchLabels: {guarded: 'true'}}
    resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  validations:
  - expression: authorizer.group('').resource('pods').namespace('shop').check('bless').allowed()
    message: not blessed
";

const POD: &str = "apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {containers: [{name: c, image: i}]}
";

fn kobuk(folder: &Path, words: &[&str]) -> (i32, String) {
    let assets = std::env::var("KUBEBUILDER_ASSETS").unwrap();
    let path = format!("{assets}:{}", std::env::var("PATH").unwrap_or_default());
    let output = Command::new(env!("CARGO_BIN_EXE_kobuk"))
        .current_dir(folder)
        .env("PATH", path)
        .env("KUBECONFIG", folder.join("kubeconfig"))
        .args(words)
        .output()
        .unwrap();
    let text = [&output.stdout[..], &output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
}

#[test]
#[ignore = "needs KUBEBUILDER_ASSETS"]
fn facts_come_from_the_cluster() {
    let server = Server::start();
    let folder = server.directory().join("cli");
    std::fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("policy.yaml", POLICY);
    write("pod.yaml", POD);
    let config = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts: [{{name: a, context: {{cluster: a, user: a}}}}]\n\
         clusters: [{{name: a, cluster: {{server: '{}', insecure-skip-tls-verify: true}}}}]\n\
         users: [{{name: a, user: {{token: '{}'}}}}]\n",
        server.address(),
        Server::token()
    );
    write("kubeconfig", &config);
    let eval = ["policy", "eval", "pod.yaml", "-p", "policy.yaml", "--user", "alice"];
    let (code, said) = kobuk(&folder, &eval);
    assert!(code == 2 && said.contains("namespace shop"), "{code} {said}");

    server.kubectl(&["create", "namespace", "shop"]).unwrap();
    let online = [&eval[..], &["--cluster"]].concat();
    assert_eq!(kobuk(&folder, &online).0, 0);
    server.kubectl(&["label", "namespace", "shop", "guarded=true"]).unwrap();
    let (code, said) = kobuk(&folder, &online);
    assert!(code == 1 && said.contains("not blessed"), "{code} {said}");
    server.kubectl(&["create", "role", "blesser", "-n", "shop", "--verb=bless", "--resource=pods"]).unwrap();
    server.kubectl(&["create", "rolebinding", "b", "-n", "shop", "--role=blesser", "--user=alice"]).unwrap();
    let (code, said) = kobuk(&folder, &online);
    assert_eq!(code, 0, "{said}");

    write("kubeconfig", &config.replace("https://127.0.0.1", "https://127.0.0.2"));
    let (code, said) = kobuk(&folder, &online);
    assert!(code == 3 && said.contains("hint: check KUBECONFIG"), "{code} {said}");
}
