//! A look-up that fails never lets an object pass: wherever a policy needs a fact that nobody gave, the verdict is
//! unknown and names the fact, even under `failurePolicy: Ignore`.

use policy::admission::{Facts, Operation, Ruling, Sending, UserInfo};

use crate::{facts, judge, policies, trees};

/// One way of needing a fact.
struct Need {
    about: &'static str,
    policies: String,
    object: &'static str,
    /// Part of the name of the missing fact.
    fact: &'static str,
    /// Everything else that could be asked for.
    others: &'static str,
}

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop}\n\
                   spec: {containers: [{name: c, image: i}]}\n";
const NAMESPACE: &str = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {team: a}}\n";
const PARAMETER: &str = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: limits, namespace: kube-system}\n";
const ROLE: &str = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: a}\nrules: []\n";

/// A validating policy with a binding. `failure` is its failurePolicy.
fn validating(constraints: &str, spec: &str, binding: &str, failure: &str) -> String {
    format!(
        "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {{name: a}}\nspec:\n  \
         failurePolicy: {failure}\n  matchConstraints:\n    resourceRules: [{{apiGroups: ['*'], apiVersions: ['*'], \
         operations: ['*'], resources: ['*']}}]\n{constraints}{spec}---\n\
         apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata: {{name: a}}\n\
         spec:\n  policyName: a\n  validationActions: [Deny]\n{binding}"
    )
}

/// Without a parameter the request is refused.
fn denied(binding: &str) -> String {
    binding.replace("parameterNotFoundAction: Allow", "parameterNotFoundAction: Deny")
}

fn expression(text: &str) -> String {
    format!("  validations: [{{expression: \"{text}\"}}]\n")
}

/// A template in Rego with one constraint.
fn template(rego: &str, matching: &str) -> String {
    format!(
        "apiVersion: templates.gatekeeper.sh/v1\nkind: ConstraintTemplate\nmetadata: {{name: k8sa}}\nspec:\n  crd: \
         {{spec: {{names: {{kind: K8sA}}}}}}\n  targets:\n  - target: admission.k8s.gatekeeper.sh\n    rego: |\n      \
         package k8sa\n      violation[{{\"msg\": \"no\"}}] {{ {rego} }}\n---\n\
         apiVersion: constraints.gatekeeper.sh/v1beta1\nkind: K8sA\nmetadata: {{name: a}}\nspec: {{match: {{{matching}}}}}\n"
    )
}

fn needs(failure: &str) -> Vec<Need> {
    let selector = "    namespaceSelector: {matchLabels: {team: a}}\n";
    let bound = "  matchResources: {namespaceSelector: {matchLabels: {team: b}}}\n";
    let params = "  paramKind: {apiVersion: v1, kind: ConfigMap}\n";
    let by_name = "  paramRef: {name: limits, namespace: kube-system, parameterNotFoundAction: Allow}\n";
    let by_label =
        "  paramRef: {namespace: kube-system, selector: {matchLabels: {a: b}}, parameterNotFoundAction: Allow}\n";
    let authorized = expression("authorizer.group('').resource('pods').check('get').allowed()");
    let need = |about, policies, fact, others| Need { about, policies, object: POD, fact, others };
    vec![
        need(
            "labels of the namespace, for the policy",
            validating(selector, &expression("true"), "", failure),
            "shop",
            "PR",
        ),
        need(
            "labels of the namespace, for the binding",
            validating("", &expression("true"), bound, failure),
            "shop",
            "PR",
        ),
        need(
            "the namespace, in an expression",
            validating("", &expression("!has(namespaceObject.metadata.labels)"), "", failure),
            "shop",
            "PR",
        ),
        need(
            "the parameter, by name",
            validating("", &format!("{params}{}", expression("!has(params.data)")), by_name, failure),
            "kube-system/limits",
            "NR",
        ),
        need(
            "the parameters, by label",
            validating("", &format!("{params}{}", expression("!has(params.data)")), by_label, failure),
            "ConfigMap",
            "NR",
        ),
        // Nothing in the parameter can break the policy, but that it is not there can.
        need(
            "whether there is the parameter",
            validating("", &format!("{params}{}", expression("params == null || true")), &denied(by_name), failure),
            "kube-system/limits",
            "NR",
        ),
        need(
            "whether there are parameters",
            validating("", &format!("{params}{}", expression("params == null || true")), &denied(by_label), failure),
            "ConfigMap",
            "NR",
        ),
        need("what the user may do", validating("", &authorized, "", failure), "", "NP"),
        need(
            "what the user may do, in a condition",
            validating(
                "",
                &format!(
                    "  matchConditions: [{{name: a, expression: \"authorizer.group('').resource('pods').check('get')\
                     .allowed()\"}}]\n{}",
                    expression("true")
                ),
                "",
                failure,
            ),
            "",
            "NP",
        ),
        Need {
            about: "the definition of the kind",
            policies: validating("", &expression("false"), "", failure)
                .replace("resources: ['*']", "resources: [widgets]"),
            object: "apiVersion: example.test/v1\nkind: Widget\nmetadata: {name: w, namespace: shop}\n",
            fact: "Widget",
            others: "NPR",
        },
        need(
            "labels of the namespace, for a constraint",
            template("true", "namespaceSelector: {matchLabels: {team: b}}"),
            "shop",
            "PR",
        ),
        need(
            "the inventory",
            template("data.inventory.namespace[ns][_].Service[name]; ns == \"nowhere\"; name == \"x\"", ""),
            "",
            "",
        ),
    ]
}

fn others(letters: &str) -> Facts {
    let mut text = String::new();
    for (letter, document) in [('N', NAMESPACE), ('P', PARAMETER), ('R', ROLE)] {
        if letters.contains(letter) {
            text.push_str(document);
        }
    }
    facts(&text)
}

fn unknown(need: &Need, facts: &Facts, user: Option<UserInfo<'_>>) {
    let policies = policies(&need.policies);
    let object = trees(need.object).remove(0);
    let sending = Sending { operation: Some(Operation::Create), user, ..Sending::default() };
    let judged = judge(&policies, &object, sending, facts);
    let named = judged.verdicts.iter().any(|verdict| match &verdict.ruling {
        Ruling::Unknown(facts) => facts.iter().any(|fact| fact.name.contains(need.fact)),
        _ => false,
    });
    assert!(named, "{}: {:#?}", need.about, judged.verdicts);
    let passed = judged.verdicts.iter().any(|verdict| verdict.refuses() == Some(false));
    assert!(!passed, "{}: {:#?}", need.about, judged.verdicts);
}

fn alice() -> UserInfo<'static> {
    UserInfo { username: "alice".into(), uid: "".into(), groups: Vec::new(), node: None }
}

#[test]
fn nothing_is_known() {
    for failure in ["Fail", "Ignore"] {
        needs(failure).iter().for_each(|need| unknown(need, &Facts::new(), Some(alice())));
    }
}

#[test]
fn everything_else_is_known() {
    for failure in ["Fail", "Ignore"] {
        needs(failure).iter().for_each(|need| unknown(need, &others(need.others), Some(alice())));
    }
}

#[test]
fn nobody_said_who_asks() {
    for text in ["request.userInfo.username != 'eve'", "!('dev' in request.userInfo.groups)"] {
        let need = Need {
            about: "the user",
            policies: validating("", &expression(text), "", "Ignore"),
            object: POD,
            fact: "request.userInfo",
            others: "NPR",
        };
        unknown(&need, &others(need.others), None);
    }
}

/// With the fact there is a verdict: the cases above are unknown for the want of it, and for nothing else.
#[test]
fn with_the_fact_there_is_a_verdict() {
    let mut all = facts(&format!(
        "{NAMESPACE}{PARAMETER}{ROLE}---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n\
         metadata: {{name: widgets.example.test}}\nspec:\n  group: example.test\n  scope: Namespaced\n  names: {{kind: \
         Widget, plural: widgets}}\n  versions:\n  - {{name: v1, served: true, storage: true, schema: \
         {{openAPIV3Schema: {{type: object}}}}}}\n"
    ));
    all.set_all_complete();
    for need in needs("Fail") {
        let object = trees(need.object).remove(0);
        let sending = Sending { operation: Some(Operation::Create), user: Some(alice()), ..Sending::default() };
        let judged = judge(&policies(&need.policies), &object, sending, &all);
        let undecided = judged.verdicts.iter().any(|verdict| matches!(verdict.ruling, Ruling::Unknown(_)));
        assert!(!undecided, "{}: {:#?}", need.about, judged.verdicts);
    }
}
