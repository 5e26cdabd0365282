//! Which requests an admission webhook is called for: too many, or too few.

use manifest::{Object, Value};
use model::{Rule, Scope, Serves, Severity};

use super::matching::{Matching, Selected, has_word};
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// The webhook decides over system components.
pub static KUBE_SYSTEM: Rule = Rule {
    code: "webhook-selects-kube-system",
    title: "An admission webhook decides over kube-system",
    severity: Severity::Medium,
    scope: Scope::Webhook,
    serves: &[Serves::part("DE-06")],
    why: "While the webhook is down, pods of the network, of DNS or of the control plane cannot be replaced, and the \
          outage that stopped the webhook cannot heal.",
    fix: "Leave kube-system out with a namespaceSelector on kubernetes.io/metadata.name.",
    example: SELECTOR_EXAMPLE,
};

/// The webhook decides over its own pods.
pub static OWN_NAMESPACE: Rule = Rule {
    code: "webhook-selects-own-namespace",
    title: "An admission webhook decides over its own pods",
    severity: Severity::Medium,
    scope: Scope::Webhook,
    serves: &[Serves::part("DE-06")],
    why: "When all replicas are gone, the new pod needs the answer of a webhook that does not run. Somebody has to \
          delete the configuration by hand, and with it the protection.",
    fix: "Leave the webhook's own namespace out with a namespaceSelector on kubernetes.io/metadata.name.",
    example: SELECTOR_EXAMPLE,
};

/// The webhook is called for the heartbeats of nodes.
pub static LEASES: Rule = Rule {
    code: "webhook-matches-leases",
    title: "An admission webhook is called for Leases",
    severity: Severity::Medium,
    scope: Scope::Webhook,
    serves: &[Serves::part("DE-06")],
    why: "Every node renews a Lease every ten seconds. A slow webhook lets nodes look dead, and a broken one lets the \
          cluster evict all pods.",
    fix: "Name the resources that the webhook judges, or leave the namespace kube-node-lease out.",
    example: "rules:\n  - apiGroups: [\"\"]\n    apiVersions: [v1]\n    operations: [CREATE, UPDATE]\n    resources: [pods, pods/ephemeralcontainers]\n",
};

/// The webhook is called for requests that only ask.
pub static VIRTUAL: Rule = Rule {
    code: "webhook-matches-virtual-resources",
    title: "An admission webhook is called for token and access reviews",
    severity: Severity::Medium,
    scope: Scope::Webhook,
    serves: &[Serves::part("DE-06")],
    why: "TokenReview and SubjectAccessReview are created for each login and permission question, often by components \
          that the webhook itself needs. The tokens in them are sent to the webhook, and an outage locks everybody out.",
    fix: "Name the resources that the webhook judges instead of `*` in all groups.",
    example: "rules:\n  - apiGroups: [apps]\n    apiVersions: [v1]\n    operations: [CREATE, UPDATE]\n    resources: [deployments]\n",
};

/// The webhook is called for everything and sorts out itself.
pub static CONDITIONS: Rule = Rule {
    code: "webhook-match-conditions",
    title: "The match conditions of a webhook need a look",
    severity: Severity::Info,
    scope: Scope::Webhook,
    serves: &[Serves::part("DE-06")],
    why: "Each call costs time and is one more way to fail. matchConditions let the API server skip calls whose answer \
          is clear, for instance those of system users; at most 64 of them are accepted.",
    fix: "Add matchConditions to webhooks with broad rules, and keep them below 64.",
    example: "matchConditions:\n  - name: not-kubelets\n    expression: '!(\"system:nodes\" in request.userInfo.groups)'\n",
};

/// Requests by another API version pass.
pub static EXACT: Rule = Rule {
    code: "webhook-match-policy-exact",
    title: "An admission webhook misses other API versions",
    severity: Severity::Medium,
    scope: Scope::Webhook,
    serves: &[Serves::part("DE-06"), Serves::part("DE-01")],
    why: "With matchPolicy Exact, the same object sent through another version or group of its API is never shown to \
          the webhook.",
    fix: "Set matchPolicy to Equivalent, or leave it out in admissionregistration.k8s.io/v1.",
    example: "webhooks:\n  - name: pods.example.com\n    matchPolicy: Equivalent\n",
};

/// The webhook changes copies of static pods.
pub static MIRROR_PODS: Rule = Rule {
    code: "webhook-mutates-mirror-pods",
    title: "A mutating webhook changes mirror pods",
    severity: Severity::Info,
    scope: Scope::Webhook,
    serves: &[Serves::part("DE-06")],
    why: "A mirror pod is only the image of a static pod. A change to it is refused or leaves API and node telling two \
          different stories.",
    fix: "Skip pods with the annotation kubernetes.io/config.mirror in matchConditions.",
    example: "matchConditions:\n  - name: no-mirror-pods\n    expression: '!(\"kubernetes.io/config.mirror\" in object.metadata.?annotations.orValue({}))'\n",
};

/// Ephemeral containers pass unseen.
pub static SUBRESOURCE: Rule = Rule {
    code: "webhook-misses-ephemeral-containers",
    title: "A webhook for pods misses ephemeral containers",
    severity: Severity::Medium,
    scope: Scope::Webhook,
    serves: &[Serves::part("DE-06"), Serves::part("DE-01")],
    why: "Ephemeral containers are added through pods/ephemeralcontainers. A webhook that sees pods only lets a user add \
          a container to a running pod that would never pass as a new pod.",
    fix: "Add pods/ephemeralcontainers with the operation UPDATE to the rules.",
    example: "rules:\n  - apiGroups: [\"\"]\n    apiVersions: [v1]\n    operations: [CREATE, UPDATE]\n    resources: [pods, pods/ephemeralcontainers]\n",
};

/// An object can be changed into what could not be created.
pub static UPDATE: Rule = Rule {
    code: "webhook-misses-update",
    title: "A validating webhook sees creation but not changes",
    severity: Severity::Low,
    scope: Scope::Webhook,
    serves: &[Serves::part("DE-06"), Serves::part("DE-01")],
    why: "A harmless object is created, and then changed into one that the webhook would have refused.",
    fix: "Add UPDATE to the operations.",
    example: "rules:\n  - apiGroups: [apps]\n    apiVersions: [v1]\n    operations: [CREATE, UPDATE]\n    resources: [deployments]\n",
};

/// The author of an object decides whether it is judged.
pub static OPT_OUT: Rule = Rule {
    code: "webhook-opt-out-label",
    title: "A label keeps objects away from a validating webhook",
    severity: Severity::Medium,
    scope: Scope::Webhook,
    serves: &[Serves::part("DE-06"), Serves::part("DE-01")],
    why: "Whoever writes the object chooses its labels, and so chooses whether the webhook looks at it. Labels of a \
          namespace are as weak where tenants may write them.",
    fix: "Select by kubernetes.io/metadata.name of namespaces, and grant exceptions in the policy engine, not by label.",
    example: SELECTOR_EXAMPLE,
};

/// The check on one configuration.
pub(super) const CHECK: ObjectCheck = ObjectCheck {
    scope: Scope::Webhook,
    rules: &[
        &KUBE_SYSTEM,
        &OWN_NAMESPACE,
        &LEASES,
        &VIRTUAL,
        &CONDITIONS,
        &EXACT,
        &MIRROR_PODS,
        &SUBRESOURCE,
        &UPDATE,
        &OPT_OUT,
    ],
    run: check,
};

const SELECTOR_EXAMPLE: &str = "namespaceSelector:\n  matchExpressions:\n    - key: kubernetes.io/metadata.name\n      operator: NotIn\n      values: [kube-system, policy-system]\n";

/// Most match conditions that the API server accepts.
const CONDITIONS_MAX: usize = 64;

/// From this minor version on the API server leaves virtual resources out by itself.
const VIRTUAL_LEFT_OUT_MINOR: u32 = 37;

/// One webhook with what its checks need to know.
struct Webhook<'d> {
    value: Value<'d>,
    matching: Matching<'d>,
    path: String,
    mutating: bool,
    fails_closed: bool,
    v1: bool,
}

fn check(object: &Object<'_>, context: Context<'_>, sink: &mut Sink<'_>) {
    let v1 = object.version == "v1";
    for (index, value) in object.value.list("webhooks").enumerate() {
        let webhook = Webhook {
            value,
            matching: Matching { holder: value, rules: value.get("rules") },
            path: format!("webhooks[{index}]"),
            mutating: object.kind.starts_with("Mutating"),
            fails_closed: value.str_at("failurePolicy").map_or(v1, |word| word == "Fail"),
            v1,
        };
        webhook.check_namespaces(sink);
        webhook.check_breadth(context, sink);
        webhook.check_conditions(sink);
        webhook.check_gaps(sink);
        webhook.check_opt_out(sink);
    }
}

// === impl Webhook ===

impl Webhook<'_> {
    fn check_namespaces(&self, sink: &mut Sink<'_>) {
        let pods = || self.matching.matches("", "pods", "CREATE");
        let workloads =
            || ["deployments", "daemonsets", "replicasets"].iter().any(|r| self.matching.matches("apps", r, "CREATE"));
        if self.matching.selects_objects() || !(pods() || workloads()) {
            return;
        }
        let at = self.value.get("namespaceSelector").unwrap_or(self.value);
        let field = format!("{}.namespaceSelector", self.path);
        if self.matching.selects_namespace("kube-system") == Selected::Yes {
            let severity = if self.fails_closed { Severity::Medium } else { Severity::Low };
            sink.report(&KUBE_SYSTEM, at, format!("`{field}` does not leave out kube-system"))
                .field(field.as_str())
                .severity(severity)
                .property("rule", "AW-04");
        }
        let own = self.value.path(&["clientConfig", "service", "namespace"]).and_then(Value::as_str);
        let Some(own) = own.filter(|own| self.fails_closed && *own != "kube-system") else { return };
        if self.matching.selects_namespace(own) == Selected::Yes {
            sink.report(
                &OWN_NAMESPACE,
                at,
                format!("`{field}` does not leave out the webhook's own namespace `{own}`"),
            )
            .field(field)
            .property("rule", "AW-14");
        }
    }

    fn check_breadth(&self, context: Context<'_>, sink: &mut Sink<'_>) {
        let renews =
            |rule: &Value<'_>| has_word(*rule, "operations", "UPDATE") && rule.str_at("scope") != Some("Cluster");
        let lease = self.matching.rules_for("coordination.k8s.io", "leases").find(renews);
        let spared =
            self.matching.selects_objects() || self.matching.selects_namespace("kube-node-lease") != Selected::Yes;
        if let Some(rule) = lease.filter(|_| !spared && !self.has_conditions()) {
            sink.report(&LEASES, rule, format!("`{}.rules` match Leases, also those in kube-node-lease", self.path))
                .field(format!("{}.rules", self.path))
                .property("rule", "AW-05");
        }
        if context.config.kubernetes_minor >= VIRTUAL_LEFT_OUT_MINOR || self.has_conditions() {
            return;
        }
        let reviews = [("authentication.k8s.io", "tokenreviews"), ("authorization.k8s.io", "subjectaccessreviews")];
        let created =
            |rule: &Value<'_>| has_word(*rule, "operations", "CREATE") && rule.str_at("scope") != Some("Namespaced");
        let hit =
            reviews.into_iter().find_map(|(group, resource)| self.matching.rules_for(group, resource).find(created));
        // An objectSelector never matches objects without labels, unless it only asks for their absence.
        if let Some(rule) = hit.filter(|_| !self.matching.selects_objects()) {
            sink.report(&VIRTUAL, rule, format!("`{}.rules` match TokenReview or SubjectAccessReview", self.path))
                .field(format!("{}.rules", self.path))
                .property("rule", "AW-06");
        }
    }

    fn check_conditions(&self, sink: &mut Sink<'_>) {
        let conditions = self.value.get("matchConditions").map_or(0, Value::len);
        let field = format!("{}.matchConditions", self.path);
        if conditions > CONDITIONS_MAX {
            sink.report(
                &CONDITIONS,
                self.value,
                format!("`{field}` has {conditions} entries; at most {CONDITIONS_MAX} are accepted"),
            )
            .field(field)
            .severity(Severity::Medium)
            .property("rule", "AW-07");
        } else if let Some(rule) = self.matching.everything().filter(|_| conditions == 0) {
            sink.report(&CONDITIONS, rule, format!("`{field}` is missing although the rules match every resource"))
                .field(field)
                .property("rule", "AW-07");
        }
    }

    fn check_gaps(&self, sink: &mut Sink<'_>) {
        let policy = self.value.get("matchPolicy");
        if policy.map_or(!self.v1, |policy| policy.as_str() == Some("Exact")) {
            let at = policy.unwrap_or(self.value);
            sink.report(&EXACT, at, format!("`{}.matchPolicy` is Exact", self.path))
                .field(format!("{}.matchPolicy", self.path))
                .property("rule", "AW-08");
        }
        let pods = self.matching.rules_for("", "pods").find(|rule| has_word(*rule, "operations", "CREATE"));
        if self.mutating {
            let skips = self
                .value
                .list("matchConditions")
                .filter_map(|c| c.str_at("expression"))
                .any(|e| e.contains("config.mirror"));
            let system = self.matching.selects_namespace("kube-system") == Selected::Yes;
            if let Some(rule) = pods.filter(|_| system && !skips && !self.matching.selects_objects()) {
                sink.report(&MIRROR_PODS, rule, format!("`{}.rules` match pods, mirror pods included", self.path))
                    .field(format!("{}.matchConditions", self.path))
                    .property("rule", "AW-17");
            }
            return;
        }
        if let Some(rule) = pods.filter(|_| !self.matching.matches("", "pods/ephemeralcontainers", "UPDATE")) {
            sink.report(
                &SUBRESOURCE,
                rule,
                format!("`{}.rules` match pods but not pods/ephemeralcontainers", self.path),
            )
            .field(format!("{}.rules", self.path));
        }
        let rules = || self.matching.rules.into_iter().flat_map(Value::items);
        let creates = rules().find(|rule| has_word(*rule, "operations", "CREATE"));
        if let Some(rule) = creates.filter(|_| !rules().any(|rule| has_word(rule, "operations", "UPDATE"))) {
            sink.report(&UPDATE, rule, format!("`{}.rules` match CREATE but never UPDATE", self.path))
                .field(format!("{}.rules", self.path));
        }
    }

    fn check_opt_out(&self, sink: &mut Sink<'_>) {
        if self.mutating {
            return;
        }
        let guards_pods = self.matching.rules_for("", "pods").next().is_some();
        let by_object = if guards_pods { Severity::Medium } else { Severity::Low };
        for (selector, severity) in [("objectSelector", by_object), ("namespaceSelector", Severity::Info)] {
            if let Some((at, key)) = self.matching.opt_out(selector) {
                let field = format!("{}.{selector}", self.path);
                sink.report(&OPT_OUT, at, format!("`{field}` goes by the label `{key}`"))
                    .field(field)
                    .severity(severity);
            }
        }
    }

    fn has_conditions(&self) -> bool {
        self.value.get("matchConditions").is_some_and(|conditions| !conditions.is_empty())
    }
}
