//! ValidatingAdmissionPolicy, MutatingAdmissionPolicy and their bindings.

use manifest::{Object, Value};
use model::{Rule, Scope, Serves, Severity};

use super::matching::{Matching, has_word, selector_is_empty};
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// Errors of the policy let requests through.
pub static FAILS_OPEN: Rule = Rule {
    code: "admission-policy-fails-open",
    title: "An admission policy admits what it cannot judge",
    severity: Severity::Medium,
    scope: Scope::AdmissionPolicy,
    serves: &[Serves::part("DE-06"), Serves::part("DE-01")],
    why: "With failurePolicy Ignore, an object shaped so that the expression fails is admitted unjudged, and who writes \
          objects chooses their shape.",
    fix: "Set failurePolicy to Fail, or leave it out, and make expressions cope with missing fields.",
    example: "spec:\n  failurePolicy: Fail\n",
};

/// The policy matches nothing.
pub static MATCHES_NOTHING: Rule = Rule {
    code: "admission-policy-matches-nothing",
    title: "An admission policy names no resources",
    severity: Severity::Medium,
    scope: Scope::AdmissionPolicy,
    serves: &[Serves::part("DE-06"), Serves::part("DE-01")],
    why: "Without resourceRules the policy is called for no request at all.",
    fix: "List the resources in spec.matchConstraints.resourceRules.",
    example: CONSTRAINTS_EXAMPLE,
};

/// A wide exclusion takes the policy away again.
pub static BROAD_EXCLUSION: Rule = Rule {
    code: "admission-policy-broad-exclusion",
    title: "An exclusion takes away most of an admission policy",
    severity: Severity::Medium,
    scope: Scope::AdmissionPolicy,
    serves: &[Serves::part("DE-06"), Serves::part("DE-01")],
    why: "excludeResourceRules win over resourceRules. A star in them silently switches the policy off for all it covers.",
    fix: "Exclude single resources by name.",
    example: "",
};

/// Ephemeral containers pass unseen.
pub static SUBRESOURCE: Rule = Rule {
    code: "admission-policy-misses-ephemeral-containers",
    title: "An admission policy for pods misses ephemeral containers",
    severity: Severity::Medium,
    scope: Scope::AdmissionPolicy,
    serves: &[Serves::part("DE-06"), Serves::part("DE-01")],
    why: "Ephemeral containers are added through pods/ephemeralcontainers. A policy that matches pods only lets a user \
          add a container to a running pod that would never pass as a new pod.",
    fix: "Add pods/ephemeralcontainers with the operation UPDATE to resourceRules.",
    example: CONSTRAINTS_EXAMPLE,
};

/// An object can be changed into what could not be created.
pub static UPDATE: Rule = Rule {
    code: "admission-policy-misses-update",
    title: "An admission policy sees creation but not changes",
    severity: Severity::Low,
    scope: Scope::AdmissionPolicy,
    serves: &[Serves::part("DE-06"), Serves::part("DE-01")],
    why: "A harmless object is created, and then changed into one that the policy would have refused.",
    fix: "Add UPDATE to the operations.",
    example: CONSTRAINTS_EXAMPLE,
};

/// Requests by another API version pass.
pub static EXACT: Rule = Rule {
    code: "admission-policy-match-policy-exact",
    title: "An admission policy misses other API versions",
    severity: Severity::Medium,
    scope: Scope::AdmissionPolicy,
    serves: &[Serves::part("DE-06"), Serves::part("DE-01")],
    why: "With matchPolicy Exact, the same object sent through another version or group of its API is never judged.",
    fix: "Set matchPolicy to Equivalent, or leave it out.",
    example: "spec:\n  matchConstraints:\n    matchPolicy: Equivalent\n",
};

/// The author of an object decides whether it is judged.
pub static OPT_OUT: Rule = Rule {
    code: "admission-policy-opt-out-label",
    title: "A label keeps objects away from an admission policy",
    severity: Severity::Medium,
    scope: Scope::AdmissionPolicy,
    serves: &[Serves::part("DE-06"), Serves::part("DE-01")],
    why: "Whoever writes the object chooses its labels, and so chooses whether the policy looks at it. Labels of a \
          namespace are as weak where tenants may write them.",
    fix: "Select namespaces by kubernetes.io/metadata.name, and let the expression itself decide about exceptions.",
    example: "matchConstraints:\n  namespaceSelector:\n    matchExpressions:\n      - key: kubernetes.io/metadata.name\n        operator: NotIn\n        values: [kube-system]\n",
};

/// The binding only talks.
pub static NOT_DENYING: Rule = Rule {
    code: "admission-binding-not-denying",
    title: "A policy binding does not deny",
    severity: Severity::Low,
    scope: Scope::AdmissionPolicy,
    serves: &[Serves::part("DE-06"), Serves::part("DE-01")],
    why: "With Warn or Audit alone, objects that break the policy are admitted. That suits the days of a roll-out, and \
          is easily forgotten.",
    fix: "Add Deny to validationActions once the warnings have stopped.",
    example: "spec:\n  validationActions: [Deny, Audit]\n",
};

/// The binding is refused.
pub static INVALID_ACTIONS: Rule = Rule {
    code: "admission-binding-invalid-actions",
    title: "The validationActions of a policy binding are not valid",
    severity: Severity::Medium,
    scope: Scope::AdmissionPolicy,
    serves: &[Serves::part("DE-06"), Serves::part("DV-12")],
    why: "The API server refuses the binding, so the policy does not apply anywhere.",
    fix: "List at least one of Deny, Warn and Audit, each once, and not Deny together with Warn.",
    example: "spec:\n  validationActions: [Deny, Audit]\n",
};

/// Missing parameters switch the policy off.
pub static PARAMETERS_OPTIONAL: Rule = Rule {
    code: "admission-binding-parameters-optional",
    title: "An admission policy is skipped when its parameters are missing",
    severity: Severity::Medium,
    scope: Scope::AdmissionPolicy,
    serves: &[Serves::part("DE-06"), Serves::part("DE-01")],
    why: "With parameterNotFoundAction Allow, whoever deletes the parameter object switches the policy off.",
    fix: "Set parameterNotFoundAction to Deny.",
    example: "spec:\n  paramRef:\n    name: limits\n    parameterNotFoundAction: Deny\n",
};

/// The check on one object.
pub(super) const CHECK: ObjectCheck = ObjectCheck {
    scope: Scope::AdmissionPolicy,
    rules: &[
        &FAILS_OPEN,
        &MATCHES_NOTHING,
        &BROAD_EXCLUSION,
        &SUBRESOURCE,
        &UPDATE,
        &EXACT,
        &OPT_OUT,
        &NOT_DENYING,
        &INVALID_ACTIONS,
        &PARAMETERS_OPTIONAL,
    ],
    run: check,
};

const CONSTRAINTS_EXAMPLE: &str = "spec:\n  matchConstraints:\n    resourceRules:\n      - apiGroups: [\"\"]\n        apiVersions: [v1]\n        operations: [CREATE, UPDATE]\n        resources: [pods, pods/ephemeralcontainers]\n";

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    let Some(spec) = object.spec() else { return };
    match object.kind {
        "ValidatingAdmissionPolicy" => check_policy(object, spec, false, sink),
        "MutatingAdmissionPolicy" => check_policy(object, spec, true, sink),
        "ValidatingAdmissionPolicyBinding" => {
            check_actions(object, spec, sink);
            check_binding(spec, false, sink);
        }
        "MutatingAdmissionPolicyBinding" => check_binding(spec, true, sink),
        _ => {}
    }
}

fn check_policy(object: &Object<'_>, spec: Value<'_>, mutating: bool, sink: &mut Sink<'_>) {
    if let Some(policy) = spec.get("failurePolicy").filter(|policy| !mutating && policy.as_str() == Some("Ignore")) {
        sink.report(&FAILS_OPEN, policy, "`spec.failurePolicy` is Ignore").field("spec.failurePolicy");
    }
    let constraints = spec.get("matchConstraints");
    let rules = constraints.and_then(|constraints| constraints.get("resourceRules")).filter(|rules| !rules.is_empty());
    let (Some(constraints), Some(rules)) = (constraints, rules) else {
        let at = constraints.map_or_else(|| object.location(), Value::location);
        sink.report(&MATCHES_NOTHING, at, "`spec.matchConstraints.resourceRules` is missing or empty")
            .field("spec.matchConstraints.resourceRules");
        return;
    };
    check_narrowing(constraints, "spec.matchConstraints", mutating, sink);
    let matching = Matching { holder: constraints, rules: Some(rules) };
    if mutating {
        return;
    }
    let pods = matching.rules_for("", "pods").find(|rule| has_word(*rule, "operations", "CREATE"));
    if let Some(rule) =
        pods.filter(|_| judges_containers(spec) && !matching.matches("", "pods/ephemeralcontainers", "UPDATE"))
    {
        sink.report(
            &SUBRESOURCE,
            rule,
            "`spec.matchConstraints.resourceRules` match pods but not pods/ephemeralcontainers",
        )
        .field("spec.matchConstraints.resourceRules");
    }
    let creates = rules.items().find(|rule| has_word(*rule, "operations", "CREATE"));
    if let Some(rule) = creates.filter(|_| !rules.items().any(|rule| has_word(rule, "operations", "UPDATE"))) {
        sink.report(&UPDATE, rule, "`spec.matchConstraints.resourceRules` match CREATE but never UPDATE")
            .field("spec.matchConstraints.resourceRules");
    }
}

/// Whether an expression or variable of the policy speaks about containers.
fn judges_containers(spec: Value<'_>) -> bool {
    ["validations", "variables", "matchConditions"]
        .iter()
        .flat_map(|key| spec.list(key))
        .filter_map(|entry| entry.str_at("expression"))
        .any(|expression| expression.contains("ontainers"))
}

fn check_binding(spec: Value<'_>, mutating: bool, sink: &mut Sink<'_>) {
    if let Some(resources) = spec.get("matchResources") {
        check_narrowing(resources, "spec.matchResources", mutating, sink);
    }
    let action = spec.path(&["paramRef", "parameterNotFoundAction"]);
    if let Some(action) = action.filter(|action| !mutating && action.as_str() == Some("Allow")) {
        sink.report(&PARAMETERS_OPTIONAL, action, "`spec.paramRef.parameterNotFoundAction` is Allow")
            .field("spec.paramRef.parameterNotFoundAction");
    }
}

/// What a policy and its binding share: selectors, exclusions and the match policy.
fn check_narrowing(holder: Value<'_>, path: &str, mutating: bool, sink: &mut Sink<'_>) {
    if let Some(policy) = holder.get("matchPolicy").filter(|policy| policy.as_str() == Some("Exact")) {
        sink.report(&EXACT, policy, format!("`{path}.matchPolicy` is Exact")).field(format!("{path}.matchPolicy"));
    }
    for (index, rule) in holder.list("excludeResourceRules").enumerate() {
        let named = rule.get("resourceNames").is_some_and(|names| !names.is_empty());
        let star = |word: Value<'_>| matches!(word.as_str(), Some("*" | "*/*" | "pods" | "pods/*"));
        if let Some(word) = rule.list("resources").find(|word| star(*word)).filter(|_| !named) {
            let field = format!("{path}.excludeResourceRules[{index}]");
            sink.report(&BROAD_EXCLUSION, word, format!("`{field}.resources` has `{}`", word.as_str().unwrap_or("")))
                .field(format!("{field}.resources"));
        }
    }
    if mutating {
        return;
    }
    let matching = Matching { holder, rules: None };
    for (selector, severity) in [("objectSelector", Severity::Medium), ("namespaceSelector", Severity::Info)] {
        let narrow = holder.get(selector).is_some_and(|selector| !selector_is_empty(selector));
        if let Some((at, key)) = matching.opt_out(selector).filter(|_| narrow) {
            let field = format!("{path}.{selector}");
            sink.report(&OPT_OUT, at, format!("`{field}` goes by the label `{key}`")).field(field).severity(severity);
        }
    }
}

fn check_actions(object: &Object<'_>, spec: Value<'_>, sink: &mut Sink<'_>) {
    let actions = spec.get("validationActions").filter(|actions| !actions.is_empty());
    let Some(actions) = actions else {
        sink.report(&INVALID_ACTIONS, object.location(), "`spec.validationActions` is missing or empty")
            .field("spec.validationActions");
        return;
    };
    let count = |wanted: &str| actions.items().filter(|word| word.as_str() == Some(wanted)).count();
    let (deny, warn, audit) = (count("Deny"), count("Warn"), count("Audit"));
    let problem = if deny + warn + audit != actions.len() {
        Some("holds a word that is not Deny, Warn or Audit")
    } else if deny > 1 || warn > 1 || audit > 1 {
        Some("names an action twice")
    } else if deny > 0 && warn > 0 {
        Some("has both Deny and Warn")
    } else {
        None
    };
    if let Some(problem) = problem {
        sink.report(&INVALID_ACTIONS, actions, format!("`spec.validationActions` {problem}"))
            .field("spec.validationActions");
    } else if deny == 0 {
        sink.report(&NOT_DENYING, actions, "`spec.validationActions` leaves out Deny").field("spec.validationActions");
    }
}
