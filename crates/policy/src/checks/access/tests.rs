//! Cases for the rules on access: for each code a manifest that breaks it and one that does not.

use model::{FileId, Finding, Severity};

use crate::check::{InventoryCheck, ObjectCheck};
use crate::{Config, Engine};

/// A code, a manifest that must be reported with it, and one that must not.
pub(crate) type Case = (&'static str, &'static str, &'static str);

/// Everything that the built-in checks say about a text.
pub(crate) fn findings(text: &str) -> Vec<Finding> {
    let config = Config::default();
    let engine = Engine::new(&config);
    let mut worker = engine.worker();
    worker.file(FileId(0), text.len() as u64, text);
    let outcome = engine.finish(vec![worker]);
    for file in &outcome.files {
        assert!(file.gaps.is_empty(), "{:?} in {text}", file.gaps);
    }
    outcome.findings
}

/// Runs a table of cases and checks that it has one for every rule.
pub(crate) fn judge(cases: &[Case], objects: &[ObjectCheck], inventory: &[InventoryCheck]) {
    let has = |text: &str, code: &str| findings(text).iter().any(|finding| finding.rule.code == code);
    for (code, bad, good) in cases {
        assert!(has(bad, code), "{code} is not reported for {bad}");
        assert!(!has(good, code), "{code} is reported for {good}");
    }
    let rules = objects.iter().flat_map(|check| check.rules).chain(inventory.iter().flat_map(|check| check.rules));
    for rule in rules {
        assert!(cases.iter().any(|(code, ..)| *code == rule.code), "no case for {}", rule.code);
        assert!(rule.title.split_whitespace().count() <= 11, "{}: {}", rule.code, rule.title);
        for serves in rule.serves {
            assert!(model::catalogue::control(serves.control).is_some(), "{} serves {}", rule.code, serves.control);
        }
    }
}

fn severity(text: &str, code: &str) -> Option<Severity> {
    findings(text).iter().find(|finding| finding.rule.code == code).map(|finding| finding.severity)
}

fn rbac(text: &str) -> Vec<&'static str> {
    findings(text).iter().map(|finding| finding.rule.code).filter(|code| code.starts_with("rbac-")).collect()
}

fn cluster_role(rule: &str) -> String {
    format!("apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: r}}\nrules:\n- {rule}\n")
}

fn role(rule: &str) -> String {
    cluster_role(rule).replace("ClusterRole", "Role").replace("{name: r}", "{name: r, namespace: shop}")
}

fn bind(role: &str, subject: &str) -> String {
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {{name: b}}\nroleRef: \
         {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {role}}}\nsubjects:\n- {subject}\n"
    )
}

/// Rules of a ClusterRole: code, a rule that breaks it, and one that does not.
const RULES: &[Case] = &[
    (
        "rbac-wildcard-all",
        "{apiGroups: ['*'], resources: ['*'], verbs: ['*']}",
        "{apiGroups: [apps], resources: ['*'], verbs: ['*']}",
    ),
    (
        "rbac-wildcard-resources",
        "{apiGroups: [apps], resources: ['*'], verbs: [get]}",
        "{apiGroups: [apps], resources: [deployments], verbs: [get]}",
    ),
    (
        "rbac-wildcard-verbs",
        "{apiGroups: [policy], resources: [poddisruptionbudgets], verbs: ['*']}",
        "{apiGroups: [policy], resources: [poddisruptionbudgets], verbs: [get]}",
    ),
    (
        "rbac-wildcard-groups",
        "{apiGroups: ['*'], resources: [widgets], verbs: [get]}",
        "{apiGroups: [example.com], resources: [widgets], verbs: [get]}",
    ),
    ("rbac-wildcard-urls", "{nonResourceURLs: ['*'], verbs: [get]}", "{nonResourceURLs: [/metrics], verbs: [get]}"),
    ("rbac-server-logs", "{nonResourceURLs: [/logs/*], verbs: [get]}", "{nonResourceURLs: [/healthz], verbs: [get]}"),
    (
        "rbac-rule-without-effect",
        "{apiGroups: [apps], resources: [secrets], verbs: [list]}",
        "{apiGroups: [''], resources: [configmaps], verbs: [list]}",
    ),
    (
        "rbac-escalate",
        "{apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [escalate]}",
        "{apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [get]}",
    ),
    (
        "rbac-bind",
        "{apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [bind]}",
        "{apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], resourceNames: [view], verbs: [bind]}",
    ),
    (
        "rbac-write-roles",
        "{apiGroups: [rbac.authorization.k8s.io], resources: [rolebindings], verbs: [create]}",
        "{apiGroups: [rbac.authorization.k8s.io], resources: [rolebindings], verbs: [list]}",
    ),
    (
        "rbac-impersonate",
        "{apiGroups: [''], resources: [users], verbs: [impersonate]}",
        "{apiGroups: [''], resources: [users], resourceNames: [support], verbs: [impersonate]}",
    ),
    (
        "rbac-mint-tokens",
        "{apiGroups: [''], resources: [serviceaccounts/token], verbs: [create]}",
        "{apiGroups: [''], resources: [serviceaccounts/token], resourceNames: [a], verbs: [create]}",
    ),
    (
        "rbac-approve-certificates",
        "{apiGroups: [certificates.k8s.io], resources: [signers], resourceNames: ['kubernetes.io/*'], verbs: [approve]}",
        "{apiGroups: [certificates.k8s.io], resources: [signers], resourceNames: [example.com/serving], verbs: [approve]}",
    ),
    (
        "rbac-sign-certificates",
        "{apiGroups: [certificates.k8s.io], resources: [signers], verbs: [sign]}",
        "{apiGroups: [certificates.k8s.io], resources: [signers], resourceNames: [example.com/serving], verbs: [sign]}",
    ),
    (
        "rbac-write-trust-bundles",
        "{apiGroups: [certificates.k8s.io], resources: [clustertrustbundles], verbs: [update]}",
        "{apiGroups: [certificates.k8s.io], resources: [clustertrustbundles], verbs: [watch]}",
    ),
    (
        "rbac-read-secrets",
        "{apiGroups: [''], resources: [secrets], verbs: [list]}",
        "{apiGroups: [''], resources: [secrets], resourceNames: [a], verbs: [get]}",
    ),
    (
        "rbac-write-secrets",
        "{apiGroups: [''], resources: [secrets], verbs: [create]}",
        "{apiGroups: [''], resources: [configmaps], verbs: [create]}",
    ),
    (
        "rbac-create-persistent-volumes",
        "{apiGroups: [''], resources: [persistentvolumes], verbs: [create]}",
        "{apiGroups: [''], resources: [persistentvolumeclaims], verbs: [create]}",
    ),
    (
        "rbac-node-proxy",
        "{apiGroups: [''], resources: [nodes/proxy], verbs: [get]}",
        "{apiGroups: [''], resources: [nodes/metrics], verbs: [get]}",
    ),
    (
        "rbac-exec-into-pods",
        "{apiGroups: [''], resources: ['*/exec'], verbs: [create]}",
        "{apiGroups: [''], resources: [pods, pods/log], verbs: [get]}",
    ),
    (
        "rbac-debug-pods",
        "{apiGroups: [''], resources: [pods/ephemeralcontainers], verbs: [patch]}",
        "{apiGroups: [''], resources: [pods], verbs: [patch]}",
    ),
    (
        "rbac-forward-to-pods",
        "{apiGroups: [''], resources: [pods/portforward], verbs: [create]}",
        "{apiGroups: [''], resources: [pods/log], verbs: [get]}",
    ),
    (
        "rbac-create-workloads",
        "{apiGroups: [argoproj.io], resources: [rollouts], verbs: [patch]}",
        "{apiGroups: [apps], resources: [deployments], resourceNames: [a], verbs: [patch]}",
    ),
    (
        "rbac-write-nodes",
        "{apiGroups: [''], resources: [nodes], verbs: [patch]}",
        "{apiGroups: [''], resources: [nodes], verbs: [get]}",
    ),
    (
        "rbac-write-webhooks",
        "{apiGroups: [admissionregistration.k8s.io], resources: [mutatingwebhookconfigurations], verbs: [delete]}",
        "{apiGroups: [admissionregistration.k8s.io], resources: [mutatingwebhookconfigurations], resourceNames: [a], verbs: [patch]}",
    ),
    (
        "rbac-write-policies",
        "{apiGroups: [kobuk.dev], resources: [exceptions], verbs: [create]}",
        "{apiGroups: [kobuk.dev], resources: [exceptions], verbs: [get]}",
    ),
    (
        "rbac-patch-namespaces",
        "{apiGroups: [''], resources: [namespaces], verbs: [patch]}",
        "{apiGroups: [''], resources: [namespaces], verbs: [list]}",
    ),
    (
        "rbac-write-apiservices",
        "{apiGroups: [apiregistration.k8s.io], resources: [apiservices], verbs: [create]}",
        "{apiGroups: [apiregistration.k8s.io], resources: [apiservices], verbs: [get]}",
    ),
    (
        "rbac-write-crds",
        "{apiGroups: [apiextensions.k8s.io], resources: [customresourcedefinitions], verbs: [patch]}",
        "{apiGroups: [apiextensions.k8s.io], resources: [customresourcedefinitions], verbs: [watch]}",
    ),
    (
        "rbac-write-classes",
        "{apiGroups: [node.k8s.io], resources: [runtimeclasses], verbs: [create]}",
        "{apiGroups: [node.k8s.io], resources: [runtimeclasses], verbs: [get]}",
    ),
    (
        "rbac-write-network-policies",
        "{apiGroups: [networking.k8s.io], resources: [networkpolicies], verbs: [delete]}",
        "{apiGroups: [networking.k8s.io], resources: [networkpolicies], verbs: [get]}",
    ),
    (
        "rbac-write-endpoints",
        "{apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [create]}",
        "{apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [get]}",
    ),
    (
        "rbac-write-device-claims",
        "{apiGroups: [resource.k8s.io], resources: [resourceclaims/driver], verbs: ['arbitrary-node:update']}",
        "{apiGroups: [resource.k8s.io], resources: [resourceclaims/driver], resourceNames: [gpu.example.com], verbs: ['associated-node:update']}",
    ),
    (
        "rbac-delete-events",
        "{apiGroups: [''], resources: [events], verbs: [delete]}",
        "{apiGroups: [''], resources: [events], verbs: [create, patch]}",
    ),
    (
        "rbac-delete-backups",
        "{apiGroups: [velero.io], resources: [backups], verbs: [delete]}",
        "{apiGroups: [velero.io], resources: [backups], verbs: [create]}",
    ),
    (
        "rbac-write-quotas",
        "{apiGroups: [''], resources: [resourcequotas], verbs: [patch]}",
        "{apiGroups: [''], resources: [resourcequotas], verbs: [get]}",
    ),
];

/// Whole manifests.
const CASES: &[Case] = &[
    (
        "rbac-create-system-workloads",
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: r, namespace: kube-system}\nrules:\n- {apiGroups: [apps], resources: [deployments], verbs: [create]}\n",
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: r, namespace: shop}\nrules:\n- {apiGroups: [apps], resources: [deployments], verbs: [create]}\n",
    ),
    (
        "rbac-aggregation-widens-role",
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r, labels: {rbac.authorization.k8s.io/aggregate-to-view: 'true'}}\nrules:\n- {apiGroups: [''], resources: [secrets], verbs: [get]}\n",
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r, labels: {rbac.authorization.k8s.io/aggregate-to-view: 'true'}}\nrules:\n- {apiGroups: [example.com], resources: [widgets], verbs: [get]}\n",
    ),
    (
        "rbac-aggregates-every-role",
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\naggregationRule: {clusterRoleSelectors: [{}]}\nrules: []\n",
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\naggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}}]}\nrules: []\n",
    ),
    (
        "service-account-default-automount",
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: default, namespace: shop}\n",
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: default, namespace: shop}\nautomountServiceAccountToken: false\n",
    ),
    (
        "service-account-automount",
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\nautomountServiceAccountToken: true\n",
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\n",
    ),
    (
        "service-account-lists-secrets",
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\nsecrets: [{name: a-token-x}]\n",
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\nsecrets: []\n",
    ),
    (
        "secret-in-default-namespace",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: default}\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n",
    ),
    (
        "csr-lifetime",
        "apiVersion: certificates.k8s.io/v1\nkind: CertificateSigningRequest\nmetadata: {name: a}\nspec: {signerName: kubernetes.io/kube-apiserver-client, expirationSeconds: 100000000}\n",
        "apiVersion: certificates.k8s.io/v1\nkind: CertificateSigningRequest\nmetadata: {name: a}\nspec: {signerName: kubernetes.io/kube-apiserver-client, expirationSeconds: 86400}\n",
    ),
    (
        "csr-usages",
        "apiVersion: certificates.k8s.io/v1\nkind: CertificateSigningRequest\nmetadata: {name: a}\nspec: {signerName: a.example/b, usages: [cert sign]}\n",
        "apiVersion: certificates.k8s.io/v1\nkind: CertificateSigningRequest\nmetadata: {name: a}\nspec: {signerName: a.example/b, usages: [client auth]}\n",
    ),
    (
        "csr-legacy-signer",
        "apiVersion: certificates.k8s.io/v1beta1\nkind: CertificateSigningRequest\nmetadata: {name: a}\nspec: {signerName: kubernetes.io/legacy-unknown}\n",
        "apiVersion: certificates.k8s.io/v1\nkind: CertificateSigningRequest\nmetadata: {name: a}\nspec: {signerName: a.example/b}\n",
    ),
    (
        "trust-bundle-unlinked",
        "apiVersion: certificates.k8s.io/v1beta1\nkind: ClusterTrustBundle\nmetadata: {name: a}\nspec: {trustBundle: x}\n",
        "apiVersion: certificates.k8s.io/v1beta1\nkind: ClusterTrustBundle\nmetadata: {name: 'a:b:c'}\nspec: {signerName: a/b, trustBundle: x}\n",
    ),
];

/// Bindings of a subject to a role of that name.
#[allow(clippy::type_complexity)] // code, bad (kind, yaml), good (kind, yaml)
const BINDINGS: &[(&str, (&str, &str), (&str, &str))] = &[
    ("rbac-cluster-admin-bound", ("cluster-admin", TOOL), ("view", TOOL)),
    ("rbac-masters-bound", ("view", "{kind: Group, name: 'system:masters'}"), ("view", "{kind: Group, name: admins}")),
    ("rbac-anonymous-bound", ("view", "{kind: User, name: 'system:anonymous'}"), ("view", TOOL)),
    (
        "rbac-everyone-bound",
        ("view", "{kind: Group, name: 'system:serviceaccounts:shop'}"),
        ("system:discovery", "{kind: Group, name: 'system:authenticated'}"),
    ),
    ("rbac-default-account-bound", ("view", "{kind: ServiceAccount, name: default, namespace: shop}"), ("view", TOOL)),
    ("rbac-nodes-bound", ("system:node", "{kind: Group, name: 'system:nodes'}"), ("view", TOOL)),
    ("rbac-system-user-bound", ("view", "{kind: User, name: 'system:serviceaccount:shop:tool'}"), ("view", TOOL)),
    ("rbac-subject-invalid", ("view", "{kind: Users, name: a}"), ("view", "{kind: User, name: a}")),
    ("rbac-cluster-wide-edit", ("edit", TOOL), ("view", TOOL)),
];

const TOOL: &str = "{kind: ServiceAccount, name: tool, namespace: shop}";

#[test]
fn every_rule_reports_the_bad_form_and_accepts_the_good_one() {
    let leak = |text: String| -> &'static str { text.leak() };
    let mut cases: Vec<Case> = CASES.to_vec();
    cases.extend(RULES.iter().map(|(code, bad, good)| (*code, leak(cluster_role(bad)), leak(cluster_role(good)))));
    cases
        .extend(BINDINGS.iter().map(|(code, bad, good)| (*code, leak(bind(bad.0, bad.1)), leak(bind(good.0, good.1)))));
    cases.extend(graphs().into_iter().map(|(code, bad, good)| (code, leak(bad), leak(good))));
    for (code, pem) in [("csr-system-masters", "system:masters"), ("csr-system-identity", "system:kube-scheduler")] {
        cases.push((code, leak(request(pem)), leak(request("jane"))));
    }
    judge(&cases, super::OBJECT_CHECKS, super::INVENTORY_CHECKS);
}

/// Manifests whose objects are judged together.
fn graphs() -> Vec<(&'static str, String, String)> {
    let powerful = cluster_role("{apiGroups: [''], resources: [secrets], verbs: [list]}");
    let harmless = cluster_role("{apiGroups: [example.com], resources: [widgets], verbs: [list]}");
    let writer = cluster_role("{apiGroups: [apps], resources: [deployments], verbs: [update]}");
    let all = |parts: &[&str]| parts.join("---\n");
    let default = bind("r", "{kind: ServiceAccount, name: default, namespace: shop}");
    let tool = bind("r", TOOL);
    let daemon = workload("DaemonSet");
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: shop}\nspec: {type: LoadBalancer, selector: {app: tool}}\n";
    let account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: tool, namespace: shop}\n";
    let other = account.replace("tool", "other");
    let local = |namespace: &str, from: &str| {
        bind("r", &TOOL.replace("shop", from))
            .replace("ClusterRoleBinding", "RoleBinding")
            .replace("{name: b}", &format!("{{name: b, namespace: {namespace}}}"))
    };
    let dashboard = bind("r", "{kind: ServiceAccount, name: web-dashboard, namespace: shop}");
    vec![
        ("rbac-powerful-role-for-everyone", all(&[&powerful, &default]), all(&[&harmless, &default])),
        ("rbac-powerful-daemonset", all(&[&powerful, &tool, &daemon]), all(&[&harmless, &tool, &daemon])),
        (
            "rbac-powerful-exposed-workload",
            all(&[&powerful, &tool, &workload("Deployment"), service]),
            all(&[&powerful, &tool, &workload("Deployment"), &service.replace("LoadBalancer", "ClusterIP")]),
        ),
        ("rbac-role-not-found", all(&[&harmless, &bind("other", TOOL)]), all(&[&harmless, &tool])),
        ("rbac-account-not-found", all(&[&tool, &other]), all(&[&tool, account])),
        (
            "rbac-cross-namespace-subject",
            all(&[&powerful, &local("shop", "tools")]),
            all(&[&powerful, &local("shop", "shop")]),
        ),
        ("rbac-cross-environment-subject", local("shop-prod", "shop-dev"), local("shop-prod", "bank-prod")),
        ("rbac-cluster-wide-binding", all(&[&writer, &tool]), all(&[&writer, &local("shop", "shop")])),
        ("rbac-dashboard-writes", all(&[&writer, &dashboard]), all(&[&harmless, &dashboard])),
        (
            "service-account-unused",
            all(&[
                &tool,
                account,
                &workload("Deployment").replace("serviceAccountName: tool", "serviceAccountName: x"),
            ]),
            all(&[&tool, account, &workload("Deployment")]),
        ),
    ]
}

fn workload(kind: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: tool, namespace: shop}}\nspec:\n  template:\n    \
         metadata: {{labels: {{app: tool}}}}\n    spec: {{serviceAccountName: tool, containers: [{{name: a, image: a}}]}}\n"
    )
}

/// A request whose encoding holds a name; the rest of it is no certificate request, which nobody checks.
fn request(name: &str) -> String {
    let pem = format!(
        "-----BEGIN CERTIFICATE REQUEST-----\n{}\n-----END CERTIFICATE REQUEST-----\n",
        encode(format!("\u{0}\u{1}{name}\u{2}").as_bytes())
    );
    format!(
        "apiVersion: certificates.k8s.io/v1\nkind: CertificateSigningRequest\nmetadata: {{name: a}}\nspec:\n  \
         signerName: kubernetes.io/kube-apiserver-client\n  expirationSeconds: 3600\n  request: {}\n",
        encode(pem.as_bytes())
    )
}

fn encode(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for index in 0..4 {
            let padded = index > chunk.len();
            text.push(if padded { '=' } else { ALPHABET[(bits >> (18 - 6 * index) & 63) as usize] as char });
        }
    }
    text
}

#[test]
fn a_rule_that_allows_everything_is_reported_once() {
    assert_eq!(rbac(&cluster_role("{apiGroups: ['*'], resources: ['*'], verbs: ['*']}")), ["rbac-wildcard-all"]);
    let text = cluster_role("{apiGroups: ['*'], resources: ['*'], verbs: ['*']}")
        + "- {nonResourceURLs: ['*'], verbs: [get]}\n";
    assert_eq!(rbac(&text), ["rbac-wildcard-all"]);
}

#[test]
fn all_resources_of_the_core_group_include_secrets() {
    let text = cluster_role("{apiGroups: [''], resources: ['*'], verbs: [get, list]}");
    assert_eq!(severity(&text, "rbac-wildcard-resources"), Some(Severity::High));
    assert_eq!(rbac(&text), ["rbac-wildcard-resources"]);
    let text = cluster_role("{apiGroups: [example.com], resources: ['*'], verbs: [get, list]}");
    assert_eq!(severity(&text, "rbac-wildcard-resources"), Some(Severity::Low));
}

#[test]
fn names_limit_reading_but_not_when_there_are_none() {
    assert_eq!(
        rbac(&cluster_role("{apiGroups: [''], resources: [secrets], resourceNames: [a], verbs: [list, watch]}")),
        [""; 0]
    );
    let text = cluster_role("{apiGroups: [''], resources: [secrets], resourceNames: [], verbs: [list]}");
    assert_eq!(severity(&text, "rbac-read-secrets"), Some(Severity::High));
    let text = cluster_role("{apiGroups: [''], resources: [secrets], verbs: [get]}");
    assert_eq!(severity(&text, "rbac-read-secrets"), Some(Severity::Medium));
}

#[test]
fn a_star_among_verbs_includes_impersonation_of_service_accounts() {
    let text = cluster_role("{apiGroups: [''], resources: [serviceaccounts], verbs: ['*']}");
    assert_eq!(severity(&text, "rbac-impersonate"), Some(Severity::High));
}

#[test]
fn a_role_cannot_grant_what_has_no_namespace() {
    assert_eq!(rbac(&role("{apiGroups: [''], resources: [nodes/proxy], verbs: [get]}")), ["rbac-rule-without-effect"]);
    assert_eq!(
        severity(&role("{apiGroups: [''], resources: [pods/exec], verbs: [create]}"), "rbac-exec-into-pods"),
        Some(Severity::Medium)
    );
}

#[test]
fn binding_a_powerful_role_by_name_is_no_limit() {
    let rule = "{apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], resourceNames: [cluster-admin], verbs: [bind]}";
    assert_eq!(severity(&cluster_role(rule), "rbac-bind"), Some(Severity::High));
}

#[test]
fn roles_and_bindings_of_the_api_server_are_left_alone() {
    let own = |text: String| text.replace("{name: r}", OWN).replace("{name: b}", OWN);
    const OWN: &str = "{name: cluster-admin, labels: {kubernetes.io/bootstrapping: rbac-defaults}}";
    assert_eq!(rbac(&own(cluster_role("{apiGroups: ['*'], resources: ['*'], verbs: ['*']}"))), [""; 0]);
    assert_eq!(rbac(&own(bind("cluster-admin", "{kind: Group, name: 'system:masters'}"))), [""; 0]);
    // The label alone excuses nothing.
    let text = cluster_role("{apiGroups: ['*'], resources: ['*'], verbs: ['*']}")
        .replace("{name: r}", "{name: r, labels: {kubernetes.io/bootstrapping: rbac-defaults}}");
    assert_eq!(rbac(&text), ["rbac-wildcard-all"]);
}

#[test]
fn who_holds_cluster_admin_decides_how_bad_it_is() {
    assert_eq!(severity(&bind("cluster-admin", TOOL), "rbac-cluster-admin-bound"), Some(Severity::Critical));
    assert_eq!(
        severity(&bind("cluster-admin", "{kind: Group, name: ops}"), "rbac-cluster-admin-bound"),
        Some(Severity::High)
    );
    let default = bind("cluster-admin", "{kind: ServiceAccount, name: default, namespace: shop}");
    assert_eq!(rbac(&default), ["rbac-default-account-bound"]);
    assert_eq!(severity(&default, "rbac-default-account-bound"), Some(Severity::Critical));
}

#[test]
fn a_workload_without_a_token_is_not_powerful() {
    let (_, bad, _) = graphs().into_iter().find(|(code, ..)| *code == "rbac-powerful-daemonset").unwrap();
    assert!(rbac(&bad).contains(&"rbac-powerful-daemonset"));
    let text =
        bad.replace("{serviceAccountName: tool,", "{serviceAccountName: tool, automountServiceAccountToken: false,");
    assert!(!rbac(&text).contains(&"rbac-powerful-daemonset"));
}

#[test]
fn anonymous_callers_may_hold_what_kubernetes_gives_everyone() {
    let anonymous = "{kind: User, name: 'system:anonymous'}";
    assert_eq!(severity(&bind("system:discovery", anonymous), "rbac-anonymous-bound"), Some(Severity::Low));
    assert_eq!(severity(&bind("something", anonymous), "rbac-anonymous-bound"), Some(Severity::High));
    assert_eq!(severity(&bind("edit", anonymous), "rbac-anonymous-bound"), Some(Severity::Critical));
}

#[test]
fn a_tenants_custom_group_is_not_taken_for_a_runner_of_pods() {
    let text = cluster_role("{apiGroups: [argoproj.io], resources: [appprojects], verbs: [create]}");
    assert_eq!(rbac(&text), [""; 0]);
}

#[test]
fn broken_roles_and_bindings_are_read_without_harm() {
    for text in [
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: []\nrules: [1, null, {verbs: x, resources: {a: b}}]\n",
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: 7}\nroleRef: [x]\nsubjects: [1, null, {kind: 5}]\n",
        "apiVersion: certificates.k8s.io/v1\nkind: CertificateSigningRequest\nmetadata: {name: a}\nspec: {request: '!!', usages: x, signerName: 3}\n",
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: a}\nprovisioner: 5\nparameters: [x]\n",
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: a}\nspec: {nfs: x, iscsi: [], mountOptions: y, csi: 3}\n",
    ] {
        findings(text);
    }
}

#[test]
fn aggregated_rules_count_as_rules_of_the_role() {
    let text = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\naggregationRule: {clusterRoleSelectors: [{matchLabels: {to: r}}]}\n---\n".to_owned()
        + &cluster_role("{apiGroups: [''], resources: [nodes/proxy], verbs: [get]}").replace("{name: r}", "{name: part, labels: {to: r}}")
        + "---\n"
        + &bind("r", "{kind: ServiceAccount, name: default, namespace: shop}");
    assert_eq!(severity(&text, "rbac-powerful-role-for-everyone"), Some(Severity::High));
}

#[test]
fn the_place_is_the_word_that_matters() {
    let text = cluster_role("{apiGroups: [''], resources: [pods, secrets], verbs: [list]}");
    let findings = findings(&text);
    let found = findings.iter().find(|finding| finding.rule.code == "rbac-read-secrets").unwrap();
    assert_eq!(&text[found.location.start as usize..found.location.end as usize], "secrets");
    assert_eq!(found.property("field"), Some("rules[0].resources"));
}
