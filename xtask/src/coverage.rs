//! `docs/coverage.md`: which controls and checklist items the checks serve, and what is missing.

use model::catalogue::{Control, Input, controls};
use model::{Proof, Rule};

/// What manifests and configuration files cannot tell, or what is not judged yet, for controls that list
/// one of them among their inputs. A control without any rule must have a note.
const NOTES: &[(&str, &str)] = &[
    (
        "DV-01",
        "edges and identities are judged one by one (mesh, NetworkPolicy); the share of protected edges needs the live cluster",
    ),
    (
        "DV-03",
        "a threat model is a document in the source repository; comparing it with the manifests comes with the threat-model verb",
    ),
    (
        "DV-08",
        "whether an application forwards the identity of its user stands in its code, not in its manifests; needs people",
    ),
    ("DV-09", "Exceptions are judged; whether defaults are inherited needs the live cluster"),
    ("DV-12", "vulnerable images need the images"),
    ("DE-01", "who may deploy needs the identities of the live cluster; what and where are judged"),
    ("DE-03", "signatures, vulnerabilities and the host need images and nodes; the existence of policies is judged"),
    ("DE-04", "tags and digests are judged; validating provenance instead of digests needs the registry"),
    (
        "DE-08",
        "the webhook's own address and the rights on its configuration are judged; static admission manifests are alpha in v1.36",
    ),
    (
        "DE-11",
        "rollout settings of Deployments, StatefulSets and DaemonSets are judged; canaries of other controllers are not understood",
    ),
    ("DE-12", "files are judged; what the nodes really run needs an agent"),
    ("DI-18", "an image's own user, shells and setuid files need the image; probes that need a shell are told"),
    ("DI-24", "trust policies for signers are read by the verb that verifies signatures, which is not there yet"),
    ("DI-34", "rotation settings of the kubelet are judged; an offline root of trust leaves no trace in a file"),
    (
        "DI-36",
        "hardening tests are runs, not manifests; this tool being run in CI is the evidence, and it is recorded once attestations are",
    ),
    (
        "RA-01",
        "certificates' subjects in CSR objects and bindings are judged; certificates in use need the node or the audit log",
    ),
    ("RA-03", "the path of the signing key is judged; its owner and mode need the node"),
    ("RA-04", "settings for lifetime and rotation are judged; the certificates in use need the node or a probe"),
    ("RA-17", "keys written into configuration files are judged; file owner and mode need the node"),
    ("RA-21", "mounts of the socket by pods are judged; its owner and mode need the node"),
    ("RA-31", "keys in files are told; where a KMS keeps its key needs people"),
    ("RA-35", "listen addresses are judged; reachability from outside needs a probe"),
    (
        "RC-05",
        "node names, tolerations and selectors of pods are judged; taints and labels of nodes need the live cluster",
    ),
    ("RC-08", "profiles asked for are judged; whether they are loaded needs the node"),
    (
        "RC-22",
        "a runtime class is demanded where the settings name sandboxed namespaces; which data may share a kernel only people know",
    ),
    ("RS-03", "the configuration is judged; whether all stored objects were encrypted again needs stored bytes"),
    ("RS-07", "that keys stand in files is told; whether a key can leave its HSM needs the HSM"),
    (
        "NW-02",
        "NetworkPolicy is judged exactly; policies of Cilium and Calico are not evaluated: workloads of their namespaces are told as unknown, not as covered",
    ),
    ("NW-08", "listen addresses are judged; reachability from the Internet needs a probe"),
    ("OB-06", "the audit policy is evaluated on a table of requests; where the log ends up needs the live cluster"),
    ("OB-07", "settings are judged; who can read the log needs the node"),
    ("OB-12", "reports in OSCAL and JSON are made by every run; signing them comes with attestations"),
];

/// Whether manifests or configuration files are among the inputs of a control.
pub fn is_judged_here(control: &Control) -> bool {
    control.judged_from(Input::Manifests) || control.judged_from(Input::ConfigFiles)
}

/// The rules that serve a control, with what their silence means.
pub fn serving(control: &Control) -> Vec<(&'static Rule, Proof)> {
    crate::rules()
        .iter()
        .copied()
        .filter_map(|rule| Some((rule, rule.serves.iter().find(|serves| serves.control == control.id)?.proof)))
        .collect()
}

/// What is missing for a control.
pub fn note(id: &str) -> Option<&'static str> {
    NOTES.iter().find(|(control, _)| *control == id).map(|(_, note)| *note)
}

/// The controls that a checklist item is mapped to.
pub fn item_controls(checklist: &str, number: &str) -> Vec<&'static Control> {
    let has = |control: &&Control| {
        let items = if checklist == "SC" { &control.security_checklist } else { &control.app_checklist };
        items.contains(&number)
    };
    controls().iter().filter(has).collect()
}

/// The page.
pub fn page() -> String {
    let mut text = String::from(
        "# Coverage\n\nMade by `cargo xtask codegen`. *Proof* counts the codes whose silence is part of the proof that a control holds; \
         *part* counts codes that can only violate it. A control without proof codes never becomes *satisfied* from manifests and \
         configuration files alone.\n\n## Controls that manifests or configuration files can judge\n\n\
         | control | title | other inputs that would tell | proof | part | what is missing, and why |\n|---|---|---|---|---|---|\n",
    );
    for control in controls().iter().filter(|control| is_judged_here(control)) {
        text.push_str(&control_row(control));
    }
    text.push_str("\n## Controls that need other inputs, served in part all the same\n\n| control | title | part |\n|---|---|---|\n");
    for control in controls().iter().filter(|control| !is_judged_here(control)) {
        let rules = serving(control);
        if !rules.is_empty() {
            text.push_str(&format!("| {} | {} | {} |\n", control.id, control.title, rules.len()));
        }
    }
    text.push_str(&checklist("Kubernetes Security Checklist", "SC", &model::catalogue::security_checklist()));
    text.push_str(&checklist("Kubernetes Application Security Checklist", "ASC", &model::catalogue::app_checklist()));
    text.push_str(LIMITS);
    text
}

fn control_row(control: &Control) -> String {
    let rules = serving(control);
    let proof = rules.iter().filter(|(_, proof)| *proof == Proof::Full).count();
    let others: Vec<&str> = control
        .inputs
        .iter()
        .filter(|input| !matches!(input, Input::Manifests | Input::ConfigFiles))
        .map(|input| input.noun())
        .collect();
    format!(
        "| {} | {} | {} | {proof} | {} | {} |\n",
        control.id,
        control.title,
        others.join(", "),
        rules.len() - proof,
        note(control.id).unwrap_or("")
    )
}

fn checklist(title: &str, name: &str, items: &[model::catalogue::ChecklistItem]) -> String {
    let mut text =
        format!("\n## {title}\n\n| item | asks for | controls | codes | judged here |\n|---|---|---|---|---|\n");
    for item in items {
        let served = item_controls(name, item.number);
        let ids: Vec<&str> = served.iter().map(|control| control.id).collect();
        let mut codes: Vec<&str> = served.iter().flat_map(|c| serving(c)).map(|(rule, _)| rule.code).collect();
        codes.sort_unstable();
        codes.dedup();
        let needs: Vec<&str> =
            served.iter().flat_map(|control| control.inputs.iter().map(|input| input.noun())).collect();
        let judged =
            if codes.is_empty() { format!("no: needs {}", unique(needs).join(", ")) } else { "yes".to_owned() };
        text.push_str(&format!(
            "| {} | {} | {} | {} | {judged} |\n",
            item.number,
            item.text,
            ids.join(", "),
            codes.len()
        ));
    }
    text
}

fn unique(words: Vec<&str>) -> Vec<&str> {
    let mut seen = Vec::new();
    for word in words {
        if !seen.contains(&word) {
            seen.push(word);
        }
    }
    seen
}

/// What the checks leave out, by area.
const LIMITS: &str = "
## Admission webhook good practices

| rule | code, or why there is none |
|---|---|
| AW-01 | webhook-side-effects |
| AW-02 | webhook-timeout |
| AW-03 | webhook-failure-policy |
| AW-04 | webhook-selects-kube-system |
| AW-05 | webhook-matches-leases |
| AW-06 | webhook-matches-virtual-resources |
| AW-07 | webhook-match-conditions |
| AW-08 | webhook-match-policy-exact |
| AW-09, AW-10, AW-11 | none: what a webhook patches stands in its code |
| AW-12 | webhook-reinvocation-never |
| AW-13 | none: whether something validates the mutated object cannot be told from the configuration |
| AW-14 | webhook-selects-own-namespace |
| AW-15, AW-16 | none: dependency loops and self-triggering need the webhook's behaviour |
| AW-17 | webhook-mutates-mirror-pods |
| AW-18 | webhook-called-by-url, webhook-single-replica |
| AW-19 | webhook-many |
| AW-20, AW-21 | none: tolerance of new fields and the design of CRDs are code |
| AW-22, AW-24 | none: staged roll-out and tests on upgrades are process and audit log |
| AW-23 | rbac-write-webhooks |

## What is not read

- etcd's own configuration file, `kind` patches, k3s and rke2 arguments, kube-proxy command lines, and component configuration inside
  ConfigMaps. They count as not Kubernetes, or as plain ConfigMaps.
- Files that .gitignore or .ignore leave out are not listed; --no-ignore reads them.
- Helm charts are rendered with their default values; what other values switch on is not judged.
- Custom resources that run containers in another shape than a pod spec: reported as *not understood* when they name an image.
- Comments: they are never looked at, so they can neither silence nor explain.
";
