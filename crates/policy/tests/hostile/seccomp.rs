//! Profiles of the pod and of its containers, in all combinations and for every kind of container.

use policy::admission::{Facts, Operation, Sending};
use policy::export::{Style, write};
use policy::{Config, Engine};
use serde_json::{Value, json};

use crate::{judge, policies, said, trees};

const PROFILES: [Option<&str>; 3] = [None, Some("RuntimeDefault"), Some("Unconfined")];
const LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

fn context(profile: Option<&str>) -> Value {
    profile.map_or_else(|| json!({}), |kind| json!({"seccompProfile": {"type": kind}}))
}

fn pod(of_pod: Option<&str>, of_container: Option<&str>, list: &str) -> String {
    let judged = json!({"name": "judged", "image": "a", "securityContext": context(of_container)});
    let fine = json!({"name": "fine", "image": "a", "securityContext": context(Some("RuntimeDefault"))});
    let mut spec = json!({"securityContext": context(of_pod), "containers": [fine]});
    spec[list] = json!([judged]);
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "shop"}, "spec": spec}).to_string()
}

fn built_in(level: &str, code: &str, text: &str) -> bool {
    let config = Config { checks: vec![code.into()], pod_security: level.parse().unwrap(), ..Config::default() };
    let engine = Engine::new(&config);
    let mut worker = engine.worker();
    worker.file(model::FileId(0), text.len() as u64, text);
    !engine.finish(vec![worker]).findings.is_empty()
}

fn exported(code: &str, text: &str) -> bool {
    let policies = policies(&write(Style { actions: &["Deny"], prefix: "" }, |rule| rule.code == code).0);
    let sending = Sending { operation: Some(Operation::Create), ..Sending::default() };
    let judged = judge(&policies, &trees(text)[0], sending, &Facts::new());
    let said = said(&judged.verdicts);
    assert_eq!(said.len(), 1, "{said:?}");
    said[0].contains("Violated")
}

#[test]
fn the_profile_of_the_pod_and_of_each_container_count() {
    for list in LISTS {
        for of_pod in PROFILES {
            for of_container in PROFILES {
                let text = pod(of_pod, of_container, list);
                let unconfined = of_pod == Some("Unconfined") || of_container == Some("Unconfined");
                let baseline = "pod-security-seccomp-profile-baseline";
                assert_eq!(built_in("baseline", baseline, &text), unconfined, "{text}");
                assert_eq!(exported(baseline, &text), unconfined, "{text}");
                let bad = unconfined || of_pod.or(of_container).is_none();
                let restricted = "pod-security-seccomp-profile-restricted";
                assert_eq!(built_in("restricted", restricted, &text), bad, "{text}");
                assert_eq!(exported(restricted, &text), bad, "{text}");
            }
        }
    }
}
