//! What comes out loads, and judges as the template and its constraints judge.

use manifest::{Tree, documents};
use model::FileId;

use crate::admission::{Facts, Request, Ruling, Verdict};
use crate::admission_policy::{Budgets, Level};
use crate::policies::{Options, Policies};

fn trees(text: &str) -> Vec<Tree<'static>> {
    let mut list = Vec::new();
    documents(text, FileId(0), |document| list.push(document.unwrap().root().to_tree()));
    list
}

fn load(text: &str) -> Policies {
    let trees = trees(text);
    let roots: Vec<_> = trees.iter().map(Tree::root).collect();
    let options = Options { kubernetes_minor: 36, bind_all: false, prefer_rego: false };
    let (policies, issues) = Policies::load(&roots, &options);
    assert!(issues.iter().all(|issue| issue.level == Level::Warning), "{issues:#?}\n{text}");
    policies
}

fn review(operation: &str, kind: &str, plural: &str, namespace: &str, objects: &str) -> String {
    format!(
        r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"1",
        "kind":{{"group":"","version":"v1","kind":"{kind}"}},
        "resource":{{"group":"","version":"v1","resource":"{plural}"}},"namespace":"{namespace}",
        "operation":"{operation}","userInfo":{{"username":"eve"}},{objects}}}}}"#
    )
}

fn pod(operation: &str, namespace: &str, name: &str, labels: &str) -> String {
    let object = format!(
        r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{{name},"namespace":"{namespace}","labels":{labels}}}}}"#
    );
    let objects = match operation {
        "DELETE" => format!(r#""object":null,"oldObject":{object}"#),
        "UPDATE" => format!(r#""object":{object},"oldObject":{object}"#),
        _ => format!(r#""object":{object}"#),
    };
    review(operation, "Pod", "pods", namespace, &objects)
}

fn requests() -> Vec<String> {
    let mut list = Vec::new();
    for namespace in ["shop", "shop-test", "kube-system", "other"] {
        for name in [r#""name":"web""#, r#""name":"web-1""#, r#""generateName":"web-""#] {
            for labels in ["{}", r#"{"owner":"me"}"#, r#"{"owner":"me","tier":"front"}"#] {
                for operation in ["CREATE", "UPDATE"] {
                    list.push(pod(operation, namespace, name, labels));
                }
            }
        }
        let object =
            format!(r#""object":{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"{namespace}"}}}}"#);
        list.push(review("CREATE", "Namespace", "namespaces", namespace, &object));
        let object = format!(
            r#""object":{{"apiVersion":"v1","kind":"Service","metadata":{{"name":"web","namespace":"{namespace}"}}}}"#
        );
        list.push(review("CREATE", "Service", "services", namespace, &object));
    }
    let node = r#""object":{"apiVersion":"v1","kind":"Node","metadata":{"name":"web"}}"#;
    list.push(review("CREATE", "Node", "nodes", "", node));
    list
}

/// Name of the constraint, and the messages of its violation; nothing for what does not refuse.
fn outcome(verdicts: &[Verdict], name: impl Fn(&Verdict) -> String) -> Vec<(String, Vec<String>, bool, bool, bool)> {
    let mut list: Vec<_> = verdicts
        .iter()
        .filter_map(|verdict| {
            let messages: Vec<String> = match &verdict.ruling {
                Ruling::Violated(list) => list.iter().map(|one| format!("{} {}", one.reason, one.message)).collect(),
                Ruling::NotApplicable(_) | Ruling::Satisfied => return None,
                other => vec![format!("{other:?}")],
            };
            let actions = verdict.actions;
            Some((name(verdict), messages, actions.deny, actions.warn, actions.audit))
        })
        .collect();
    list.sort();
    list
}

#[test]
fn converted_policies_judge_as_constraints_do() {
    let mut refused = 0;
    for constraint in CONSTRAINTS {
        let constraint = format!(
            "apiVersion: constraints.gatekeeper.sh/v1beta1\nkind: Owned\nmetadata: {{name: all}}\nspec:\n{constraint}"
        );
        let own = load(&format!("{TEMPLATE}---\n{constraint}"));
        let conversion = own.gatekeeper.convert("gatekeeper-", &[]);
        assert_eq!((conversion.policies, conversion.bindings, conversion.left.len()), (1, 1, 0), "{conversion:?}");
        let converted = load(&conversion.yaml);
        let mut facts = Facts::new();
        let objects = format!("{constraint}---\n{NAMESPACES}");
        trees(&objects).iter().for_each(|tree| facts.add(tree.root()).unwrap());
        for text in requests() {
            let trees = trees(&text);
            let request = Request::from_review(trees[0].root()).unwrap();
            let judge = |policies: &Policies| policies.judge(&request, &facts, None, &mut Budgets::default()).verdicts;
            let expected = outcome(&judge(&own), |verdict| verdict.binding.as_deref().unwrap_or("").to_owned());
            let found = outcome(&judge(&converted), |verdict| verdict.params.as_deref().unwrap_or("").to_owned());
            assert_eq!(found, expected, "{constraint}\n{text}\n{}", conversion.yaml);
            refused += expected.len();
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn what_has_no_such_form_is_told() {
    let text = format!(
        "{TEMPLATE}---\n{REGO}---\n{}",
        "apiVersion: constraints.gatekeeper.sh/v1beta1\nkind: Owned\nmetadata: {name: made}\nspec: {match: {source: Generated}}\n"
    );
    let conversion = load(&text).gatekeeper.convert("", &["Audit"]);
    let left: Vec<String> = conversion.left.iter().map(|left| format!("{}: {}", left.object, left.reason)).collect();
    assert_eq!(
        left,
        [
            "Owned made: it looks only at objects that Gatekeeper's expansion makes",
            "ConstraintTemplate never: it has Rego only, which has no form as a ValidatingAdmissionPolicy",
        ]
    );
    assert_eq!((conversion.policies, conversion.bindings), (1, 0));
}

#[test]
fn texts_survive() {
    let trees = trees(&format!("a: {}\nb: {}", super::quoted("é\"\\\n\t\u{7f}\u{85}"), super::text("'\u{9}' + 'x'")));
    let root = trees[0].root();
    assert_eq!(root.str_at("a"), Some("é\"\\\n\t\u{7f}\u{85}"));
    assert_eq!(root.str_at("b"), Some("'\u{9}' + 'x'"));
}

const CONSTRAINTS: [&str; 12] = [
    "  match: {}\n",
    "  enforcementAction: warn\n  match: {kinds: [{apiGroups: [''], kinds: [Pod]}]}\n",
    "  enforcementAction: dryrun\n  match: {kinds: [{apiGroups: [apps], kinds: ['*']}, {apiGroups: ['*'], kinds: [Service]}]}\n",
    "  match: {scope: Cluster}\n",
    "  match: {scope: Namespaced}\n",
    "  match: {namespaces: [shop*, other]}\n",
    "  match: {excludedNamespaces: [kube-*, '*-test']}\n",
    "  match: {name: web-*}\n",
    "  match: {name: web}\n",
    "  match: {labelSelector: {matchLabels: {tier: front}}}\n  parameters: {label: team}\n",
    "  match: {namespaceSelector: {matchExpressions: [{key: env, operator: NotIn, values: [test]}]}}\n",
    "  parameters: {label: tier}\n  enforcementAction: scoped\n  scopedEnforcementActions:\n  - {action: deny, enforcementPoints: [{name: '*'}]}\n",
];

const NAMESPACES: &str = "
{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {env: live}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: shop-test, labels: {env: test}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: kube-system}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: other, labels: {env: live}}}
";

const TEMPLATE: &str = r#"
apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata:
  name: owned
  annotations:
    kobuk.dev/severity: high
spec:
  crd:
    spec:
      names: {kind: Owned}
      validation:
        openAPIV3Schema:
          type: object
          properties:
            label: {type: string}
  targets:
  - target: admission.k8s.gatekeeper.sh
    code:
    - engine: K8sNativeValidation
      source:
        matchCondition:
        - name: not-for-robots
          expression: request.userInfo.username != 'robot'
        variables:
        - name: label
          expression: |
            variables.params == null || !has(variables.params.label) ?
              'owner' : variables.params.label
        validations:
        - expression: has(variables.anyObject.metadata.labels) && variables.label in variables.anyObject.metadata.labels
          messageExpression: "'no label \"' + variables.label + '\"'"
        - expression: variables.anyObject.metadata.?labels.owner.orValue('') != 'nobody'
          message: "'nobody' owns nothing"
"#;

const REGO: &str = r#"
apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata:
  name: never
spec:
  crd:
    spec:
      names: {kind: Never}
  targets:
  - target: admission.k8s.gatekeeper.sh
    rego: |
      package never
      violation[{"msg": "never"}] { true }
"#;
