//! An object gets the same verdict whichever way it comes: created, updated from another one, updated while it is being
//! deleted, through the sub-resource for ephemeral containers.

use policy::admission::{Facts, Operation, Sending};
use serde_json::{Value, json};

use crate::random::Random;
use crate::{builtin, judge, objects, outside, pack, policies, said, trees};

const KINDS: &[(&str, &str)] = &[
    ("v1", "Pod"),
    ("apps/v1", "Deployment"),
    ("batch/v1", "CronJob"),
    ("v1", "Service"),
    ("networking.k8s.io/v1", "Ingress"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("v1", "Namespace"),
    ("v1", "Secret"),
];

const PAIRS: usize = 60;

fn as_is<'d>(operation: Operation) -> Sending<'d> {
    Sending { operation: Some(operation), namespace: Some("shop"), ..Sending::default() }
}

/// Two objects with one name.
fn pair(random: &mut Random, api_version: &'static str, kind: &'static str, number: usize) -> [String; 2] {
    let text = objects::object(random, api_version, kind, number);
    let other = objects::object(random, api_version, kind, number);
    let mut old: Value = serde_json::from_str(&other).unwrap();
    let new: Value = serde_json::from_str(&text).unwrap();
    for key in ["name", "namespace"] {
        if let Some(own) = new["metadata"].get(key) {
            old["metadata"][key] = own.clone();
        }
    }
    [text, old.to_string()]
}

fn every_way_is_the_same(policies: &policy::policies::Policies) {
    let mut random = Random(0x1234_5678_9abc_def1);
    let facts = crate::facts(&outside::definitions());
    for (api_version, kind) in KINDS {
        for number in 0..PAIRS {
            let [text, old] = pair(&mut random, api_version, kind, number);
            let (new, old) = (trees(&text).remove(0), trees(&old).remove(0));
            let created = said(&judge(policies, &new, as_is(Operation::Create), &facts).verdicts);
            let update = Sending { old_object: Some(old.root()), ..as_is(Operation::Update) };
            let updated = said(&judge(policies, &new, update.clone(), &facts).verdicts);
            assert_eq!(created, updated, "created, updated: {text}");
            let mut dying: Value = serde_json::from_str(&text).unwrap();
            dying["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
            dying["metadata"]["finalizers"] = json!(["example.com/wait"]);
            let dying = trees(&dying.to_string()).remove(0);
            assert_eq!(created, said(&judge(policies, &dying, update.clone(), &facts).verdicts), "dying: {text}");
            if *kind == "Pod" {
                let debugging = Sending { sub_resource: "ephemeralcontainers", ..update };
                let debugged = said(&judge(policies, &new, debugging, &facts).verdicts);
                assert_eq!(created, debugged, "through ephemeralcontainers: {text}");
            }
        }
    }
}

#[test]
fn built_in_checks_as_policies() {
    every_way_is_the_same(&builtin());
}

#[test]
fn packs_that_do_not_compare_objects() {
    every_way_is_the_same(&policies(&pack("image-digests")));
}

/// A bad container is found in every list of containers, on every way.
#[test]
fn every_kind_of_container_counts_on_every_way() {
    let policies = builtin();
    let facts = Facts::new();
    let fine = json!({
        "name": "fine", "image": "a", "securityContext": {"privileged": false, "capabilities": {"drop": ["ALL"]}},
    });
    for (bad, code) in [
        (json!({"securityContext": {"privileged": true}}), "pod-security-privileged"),
        (json!({"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}), "pod-security-capabilities-baseline"),
        (json!({"securityContext": {"procMount": "Unmasked"}}), "pod-security-proc-mount"),
        (json!({"securityContext": {"seLinuxOptions": {"type": "spc_t"}}}), "pod-security-se-linux-options"),
        (
            json!({"securityContext": {"seccompProfile": {"type": "Unconfined"}}}),
            "pod-security-seccomp-profile-baseline",
        ),
        (json!({"securityContext": {"runAsUser": 0}}), "pod-security-run-as-user"),
        (json!({"securityContext": {"allowPrivilegeEscalation": true}}), "pod-security-allow-privilege-escalation"),
        (json!({"securityContext": {"windowsOptions": {"hostProcess": true}}}), "pod-security-windows-host-process"),
        (json!({"ports": [{"containerPort": 1, "hostPort": 1}]}), "pod-security-host-ports"),
        (json!({"env": [{"name": "a", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]}), "secret-env-var"),
        (json!({"envFrom": [{"secretRef": {"name": "s"}}]}), "secret-env-var"),
    ] {
        for list in ["containers", "initContainers", "ephemeralContainers"] {
            let mut evil = bad.clone();
            evil["name"] = "evil".into();
            evil["image"] = "a".into();
            let mut spec = json!({"containers": [fine]});
            match list {
                "containers" => spec["containers"] = json!([fine, evil]),
                _ => spec[list] = json!([evil]),
            }
            let text = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "shop"}, "spec": spec});
            let pod = trees(&text.to_string()).remove(0);
            let old = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "shop"}, "spec": {"containers": [fine]}});
            let old = trees(&old.to_string()).remove(0);
            let update = Sending { old_object: Some(old.root()), ..as_is(Operation::Update) };
            let debugging = Sending { sub_resource: "ephemeralcontainers", ..update.clone() };
            for sending in [as_is(Operation::Create), update, debugging] {
                let way = format!("{:?} {}", sending.operation, sending.sub_resource);
                let said = said(&judge(&policies, &pod, sending, &facts).verdicts).join("\n");
                assert!(said.contains(&format!("{code}: ")), "{code} in {list}, {way}: {said}");
            }
        }
    }
}
