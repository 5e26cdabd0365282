//! What the checks on the admission chain report, and what they accept.

#[path = "door/severities.rs"]
mod door;

use model::Severity;

use crate::door::{accepts, findings, reports};

/// A webhook for pods that nothing is wrong with, with some fields replaced.
fn webhook(kind: &str, changes: &[(&str, &str)]) -> String {
    let mut fields = vec![
        ("name", "pods.example.com"),
        ("sideEffects", "None"),
        ("timeoutSeconds", "3"),
        ("failurePolicy", if kind == "Mutating" { "Ignore" } else { "Fail" }),
        ("matchPolicy", "Equivalent"),
        ("admissionReviewVersions", "[v1]"),
        ("clientConfig", "{caBundle: LS0tLS1CRUdJTiBD, service: {name: webhook, namespace: policy-system}}"),
        (
            "namespaceSelector",
            "{matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [kube-system, policy-system]}]}",
        ),
        ("rules", PODS),
    ];
    if kind == "Mutating" {
        fields.push(("reinvocationPolicy", "IfNeeded"));
    }
    for (key, value) in changes {
        fields.retain(|(name, _)| name != key);
        fields.push((key, value));
    }
    let body: String = fields
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| format!("    {key}: {value}\n"))
        .collect();
    format!(
        "apiVersion: admissionregistration.k8s.io/v1\nkind: {kind}WebhookConfiguration\nmetadata: {{name: w}}\nwebhooks:\n  -\n{body}"
    )
}

const PODS: &str =
    "[{apiGroups: [''], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [pods, pods/ephemeralcontainers]}]";
const EVERYTHING: &str = "[{apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*']}]";

fn validating(changes: &[(&str, &str)]) -> String {
    webhook("Validating", changes)
}

fn mutating(changes: &[(&str, &str)]) -> String {
    webhook("Mutating", changes)
}

#[test]
fn a_careful_webhook_is_accepted_without_findings() {
    for yaml in [validating(&[]), mutating(&[])] {
        let codes: Vec<&str> = findings(&yaml).iter().map(|finding| finding.rule.code).collect();
        assert_eq!(codes, [""; 0]);
    }
}

#[test]
fn every_rule_on_how_a_webhook_is_called_can_be_broken() {
    use Severity::*;
    for (field, value, code, severity) in [
        ("sideEffects", "Some", "webhook-side-effects", Medium),
        ("sideEffects", "", "webhook-side-effects", Medium),
        ("timeoutSeconds", "30", "webhook-timeout", Low),
        ("timeoutSeconds", "60", "webhook-timeout", Medium),
        ("timeoutSeconds", "", "webhook-timeout", Info),
        ("failurePolicy", "Ignore", "webhook-failure-policy", Medium),
        ("admissionReviewVersions", "[v1beta1]", "webhook-review-versions", Medium),
        ("clientConfig", "{url: 'https://a.example.com/x', caBundle: LS0tLS1CRUdJTiBD}", "webhook-called-by-url", Low),
        ("clientConfig", "{url: 'http://a.example.com/x'}", "webhook-transport", High),
        ("clientConfig", "{url: 'https://u@a.example.com/x'}", "webhook-transport", High),
        ("clientConfig", "{caBundle: '???', service: {name: a, namespace: b}}", "webhook-transport", Medium),
        ("clientConfig", "{service: {name: a, namespace: b}}", "webhook-ca-bundle-missing", Info),
        ("clientConfig", "{service: {name: a, namespace: default}}", "webhook-service-in-default-namespace", Medium),
    ] {
        reports(&validating(&[(field, value)]), code, severity);
        accepts(&validating(&[]), code);
    }
    reports(&mutating(&[("failurePolicy", "Fail")]), "webhook-failure-policy", Info);
    reports(&mutating(&[("reinvocationPolicy", "Never")]), "webhook-reinvocation-never", Info);
    accepts(&mutating(&[]), "webhook-reinvocation-never");
    let injected = validating(&[("clientConfig", "{service: {name: a, namespace: b}}")])
        .replace("{name: w}", "{name: w, annotations: {cert-manager.io/inject-ca-from: b/c}}");
    accepts(&injected, "webhook-ca-bundle-missing");
    let many = format!("{}{}", validating(&[]), "  - {name: x, sideEffects: None}\n".repeat(20));
    reports(&many, "webhook-many", Info);
    accepts(&validating(&[]), "webhook-many");
}

#[test]
fn every_rule_on_what_a_webhook_matches_can_be_broken() {
    use Severity::*;
    let conditions = format!("[{}]", "{name: a, expression: 'true'}, ".repeat(65));
    let creates = PODS.replace("CREATE, UPDATE", "CREATE");
    let pods_only = PODS.replace(", pods/ephemeralcontainers", "");
    for (field, value, code, severity) in [
        ("namespaceSelector", "", "webhook-selects-kube-system", Medium),
        ("namespaceSelector", "", "webhook-selects-own-namespace", Medium),
        ("rules", EVERYTHING, "webhook-matches-leases", Medium),
        ("rules", EVERYTHING, "webhook-matches-virtual-resources", Medium),
        ("rules", EVERYTHING, "webhook-match-conditions", Info),
        ("matchConditions", conditions.as_str(), "webhook-match-conditions", Medium),
        ("matchPolicy", "Exact", "webhook-match-policy-exact", Medium),
        ("rules", pods_only.as_str(), "webhook-misses-ephemeral-containers", Medium),
        ("rules", creates.as_str(), "webhook-misses-update", Low),
        (
            "objectSelector",
            "{matchExpressions: [{key: skip, operator: DoesNotExist}]}",
            "webhook-opt-out-label",
            Medium,
        ),
        ("namespaceSelector", "{matchLabels: {policy: on}}", "webhook-opt-out-label", Info),
    ] {
        reports(&validating(&[(field, value)]), code, severity);
        accepts(&validating(&[]), code);
    }
    let pods = [("namespaceSelector", "")];
    reports(&mutating(&pods), "webhook-mutates-mirror-pods", Info);
    let skip = "[{name: a, expression: '!has(object.metadata.annotations[\"kubernetes.io/config.mirror\"])'}]";
    accepts(&mutating(&[pods[0], ("matchConditions", skip)]), "webhook-mutates-mirror-pods");
}

#[test]
fn a_webhook_for_custom_resources_may_see_all_namespaces() {
    let rules = "[{apiGroups: [example.com], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [shops]}]";
    let yaml = validating(&[("rules", rules), ("namespaceSelector", "")]);
    accepts(&yaml, "webhook-selects-kube-system");
    accepts(&yaml, "webhook-selects-own-namespace");
}

#[test]
fn a_webhook_with_one_replica_is_reported() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: webhook, namespace: policy-system}\nspec: {selector: {app: w}}\n";
    let behind = |replicas: &str| {
        let deployment = format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: d, namespace: policy-system}}\nspec: {{{replicas} template: {{metadata: {{labels: {{app: w}}}}, spec: {{containers: [{{name: w, image: i}}]}}}}}}\n"
        );
        format!("{}---\n{service}---\n{deployment}", validating(&[]))
    };
    reports(&behind("replicas: 1,"), "webhook-single-replica", Severity::Medium);
    reports(&behind(""), "webhook-single-replica", Severity::Low);
    accepts(&behind("replicas: 2,"), "webhook-single-replica");
}

fn policy(kind: &str, spec: &str) -> String {
    format!("apiVersion: admissionregistration.k8s.io/v1\nkind: {kind}\nmetadata: {{name: p}}\nspec: {{{spec}}}\n")
}

fn validating_policy(constraints: &str, rest: &str) -> String {
    let expression = "validations: [{expression: 'object.spec.containers.all(c, true)'}]";
    policy("ValidatingAdmissionPolicy", &format!("matchConstraints: {{{constraints}}}, {expression}{rest}"))
}

fn binding(rest: &str) -> String {
    policy("ValidatingAdmissionPolicyBinding", &format!("policyName: p, {rest}"))
}

#[test]
fn a_careful_policy_with_its_binding_is_accepted_without_findings() {
    let rules = format!("resourceRules: {PODS}");
    let yaml = format!("{}---\n{}", validating_policy(&rules, ""), binding("validationActions: [Deny, Audit]"));
    let codes: Vec<&str> = findings(&yaml).iter().map(|finding| finding.rule.code).collect();
    assert_eq!(codes, [""; 0]);
}

#[test]
fn every_rule_on_policies_can_be_broken() {
    use Severity::*;
    let rules = format!("resourceRules: {PODS}");
    let good = validating_policy(&rules, "");
    let cases = [
        (validating_policy(&rules, ", failurePolicy: Ignore"), "admission-policy-fails-open", Medium),
        (validating_policy("", ""), "admission-policy-matches-nothing", Medium),
        (
            validating_policy(&format!("{rules}, excludeResourceRules: [{{resources: ['*']}}]"), ""),
            "admission-policy-broad-exclusion",
            Medium,
        ),
        (
            validating_policy(&rules.replace(", pods/ephemeralcontainers", ""), ""),
            "admission-policy-misses-ephemeral-containers",
            Medium,
        ),
        (validating_policy(&rules.replace("CREATE, UPDATE", "CREATE"), ""), "admission-policy-misses-update", Low),
        (validating_policy(&format!("{rules}, matchPolicy: Exact"), ""), "admission-policy-match-policy-exact", Medium),
        (
            validating_policy(&format!("{rules}, objectSelector: {{matchLabels: {{judge: yes}}}}"), ""),
            "admission-policy-opt-out-label",
            Medium,
        ),
        (
            validating_policy(&format!("{rules}, namespaceSelector: {{matchLabels: {{judge: yes}}}}"), ""),
            "admission-policy-opt-out-label",
            Info,
        ),
    ];
    for (yaml, code, severity) in cases {
        reports(&yaml, code, severity);
        accepts(&good, code);
    }
    reports(&good, "admission-policy-unbound", Medium);
    accepts(&format!("{good}---\n{}", binding("validationActions: [Deny]")), "admission-policy-unbound");
}

#[test]
fn every_rule_on_bindings_can_be_broken() {
    use Severity::*;
    let good = binding("validationActions: [Deny]");
    reports(&binding("validationActions: [Warn, Audit]"), "admission-binding-not-denying", Low);
    accepts(&good, "admission-binding-not-denying");
    for actions in ["[Deny, Warn]", "[]", "[Deny, Deny]", "[deny]"] {
        reports(&binding(&format!("validationActions: {actions}")), "admission-binding-invalid-actions", Medium);
    }
    accepts(&good, "admission-binding-invalid-actions");
    let lenient = "validationActions: [Deny], paramRef: {name: a, parameterNotFoundAction: Allow}";
    reports(&binding(lenient), "admission-binding-parameters-optional", Medium);
    accepts(&binding(&lenient.replace("Allow", "Deny")), "admission-binding-parameters-optional");
    reports(&good, "admission-binding-orphan", Info);
    let rules = format!("resourceRules: {PODS}");
    let expecting = validating_policy(&rules, ", paramKind: {apiVersion: v1, kind: ConfigMap}");
    reports(&format!("{expecting}---\n{good}"), "admission-binding-parameters", Medium);
    let with = binding("validationActions: [Deny], paramRef: {name: a, parameterNotFoundAction: Deny}");
    accepts(&format!("{expecting}---\n{with}"), "admission-binding-parameters");
    accepts(&format!("{expecting}---\n{with}"), "admission-binding-orphan");
}
