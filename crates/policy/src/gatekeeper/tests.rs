use manifest::Tree;
use model::FileId;

use super::*;
use crate::admission::{Facts, Request, Ruling};
use crate::admission_policy::{Budgets, LoadIssue};

mod reach;

fn trees(text: &str) -> Vec<Tree<'_>> {
    let mut trees = Vec::new();
    manifest::documents(text, FileId(0), |document| trees.push(document.unwrap()));
    trees
}

fn load(text: &str, preference: Preference) -> (Library, Vec<LoadIssue>) {
    let trees = trees(text);
    let options = Options { env: cel::library::kubernetes((1, 36)), preference };
    Library::load(trees.iter().map(Tree::root), &options)
}

/// A template of the kind `T` with parameters `p` and `q`, and what stands below its target.
fn template(target: &str) -> String {
    let target: String = target.lines().map(|line| format!("    {line}\n")).collect();
    format!(
        "apiVersion: templates.gatekeeper.sh/v1\nkind: ConstraintTemplate\nmetadata: {{name: t}}\nspec:\n  crd: {{spec: \
         {{names: {{kind: T}}, validation: {{openAPIV3Schema: {{type: object, properties: {{p: {{type: string}}, q: \
         {{type: integer, default: 7}}}}}}}}}}}}\n  targets:\n  - target: admission.k8s.gatekeeper.sh\n{target}---\n"
    )
}

fn rego(text: &str) -> String {
    let text: String = text.lines().map(|line| format!("  {line}\n")).collect();
    template(&format!("rego: |\n  package t\n{text}"))
}

fn constraint(spec: &str) -> String {
    format!("apiVersion: constraints.gatekeeper.sh/v1beta1\nkind: T\nmetadata: {{name: c}}\nspec: {spec}\n---\n")
}

/// The ruling on an object or on a review, or the issues.
fn judge_with(policies: &str, object: &str, facts: &Facts, setting: &Setting<'_>) -> String {
    let (library, issues) = load(policies, Preference::Native);
    if !issues.is_empty() {
        return issues.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    }
    let documents = trees(object);
    let root = documents[0].root();
    let request = if crate::admission::review::is_review(root) {
        Request::from_review(root).unwrap()
    } else {
        suite::plain(root, "object").unwrap()
    };
    let verdicts = library.evaluate(&request, facts, setting, &mut Budgets::default());
    let [verdict] = verdicts.as_slice() else { return format!("{} verdicts", verdicts.len()) };
    match &verdict.ruling {
        Ruling::Satisfied => "satisfied".to_owned(),
        Ruling::NotApplicable(why) => format!("not applicable: {why}"),
        Ruling::Unknown(facts) => format!("unknown: {}", facts[0].name),
        Ruling::Failed { messages, .. } => format!("failed: {}", messages[0]),
        Ruling::Violated(list) => {
            list.iter().map(|violation| violation.message.to_string()).collect::<Vec<_>>().join("; ")
        }
    }
}

fn judge(policies: &str, object: &str) -> String {
    judge_with(policies, object, &Facts::new(), &Setting::default())
}

fn facts(text: &str) -> Facts {
    let mut facts = Facts::new();
    for tree in trees(text) {
        facts.add(tree.root()).unwrap();
    }
    facts
}

const POD: &str =
    "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop, labels: {app: web}}\nspec: {num: 3}\n";

const ALWAYS: &str = "violation[{\"msg\": \"no\"}] { true }";

#[test]
fn rego_sees_review_and_parameters_with_defaults() {
    let text = "violation[{\"msg\": msg, \"details\": {\"a\": 1}}] {\n  input.review.object.spec.num < input.parameters.q\n  \
                msg := sprintf(\"%v %v %v\", [input.review.kind.kind, input.review.namespace, input.parameters.p])\n}";
    let policies = rego(text) + &constraint("{parameters: {p: x}}");
    assert_eq!(judge(&policies, POD), "Pod shop x");
    let (library, _) = load(&policies, Preference::Rego);
    let documents = trees(POD);
    let request = suite::plain(documents[0].root(), "pod").unwrap();
    let verdicts = library.evaluate(&request, &Facts::new(), &Setting::default(), &mut Budgets::default());
    let Ruling::Violated(list) = &verdicts[0].ruling else { panic!() };
    assert_eq!(list[0].details.as_deref(), Some("{\"a\":1}"));
    assert_eq!((&*verdicts[0].policy, verdicts[0].binding.as_deref()), ("t", Some("c")));
    assert!(verdicts[0].actions.deny);
}

#[test]
fn cel_sees_the_object_and_parameters() {
    let source = "code:\n- engine: K8sNativeValidation\n  source:\n    variables: [{name: num, expression: \
                  variables.anyObject.spec.num}]\n    validations:\n    - {expression: 'variables.num >= variables.params.q', \
                  messageExpression: '\"n is \" + string(variables.num)'}\n";
    assert_eq!(judge(&(template(source) + &constraint("{parameters: {q: 5}}")), POD), "n is 3");
    let source = source.replace("matchCondition", "x").replace("variables: [{name: num,", "variables: [{name: params,");
    assert!(judge(&(template(&source) + &constraint("{}")), POD).contains("reserved keyword"));
}

#[test]
fn where_both_languages_are_there_cel_is_used_unless_told_otherwise() {
    let both = template(
        "code:\n- engine: Rego\n  source: {rego: 'package t\n\n    violation[{\"msg\": \"rego\"}] { true }'}\n- engine: \
         K8sNativeValidation\n  source: {validations: [{expression: 'false', message: cel}]}\n",
    ) + &constraint("{}");
    assert_eq!(judge(&both, POD), "cel");
    let (library, issues) = load(&both, Preference::Rego);
    assert_eq!(issues, []);
    let documents = trees(POD);
    let request = suite::plain(documents[0].root(), "pod").unwrap();
    let verdicts = library.evaluate(&request, &Facts::new(), &Setting::default(), &mut Budgets::default());
    assert!(matches!(&verdicts[0].ruling, Ruling::Violated(list) if &*list[0].message == "rego"));
}

#[test]
fn matches_are_those_of_gatekeeper() {
    for (spec, expect) in [
        ("{match: {kinds: [{apiGroups: [''], kinds: [Pod]}]}}", "no"),
        ("{match: {kinds: [{apiGroups: [apps], kinds: ['*']}]}}", "0 verdicts"),
        ("{match: {namespaces: ['sh*']}}", "no"),
        ("{match: {namespaces: ['*op'], excludedNamespaces: ['*ho*']}}", "0 verdicts"),
        ("{match: {scope: Cluster}}", "0 verdicts"),
        ("{match: {scope: Namespaced, name: 'w*'}}", "no"),
        ("{match: {labelSelector: {matchExpressions: [{key: app, operator: In, values: [x]}]}}}", "0 verdicts"),
        ("{match: {namespaceSelector: {matchLabels: {tier: gold}}}}", "unknown: labels of namespace shop"),
        ("{match: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: other}}}}", "0 verdicts"),
        ("{match: {source: Generated}}", "0 verdicts"),
    ] {
        let setting = Setting { source: Source::Original, ..Setting::default() };
        let policies = rego(ALWAYS) + &constraint(spec);
        assert_eq!(judge_with(&policies, POD, &Facts::new(), &setting), expect, "{spec}");
    }
    let namespace = facts("{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {tier: gold}}}");
    let policies = rego(ALWAYS) + &constraint("{match: {namespaceSelector: {matchLabels: {tier: gold}}}}");
    assert_eq!(judge_with(&policies, POD, &namespace, &Setting::default()), "no");
}

#[test]
fn scoped_actions_hold_where_they_say() {
    let spec = "{enforcementAction: scoped, scopedEnforcementActions: [{action: warn, enforcementPoints: [{name: \
                audit.gatekeeper.sh}]}, {action: deny, enforcementPoints: [{name: gator.gatekeeper.sh}]}]}";
    let policies = rego(ALWAYS) + &constraint(spec);
    for (point, expect) in [(Point::Webhook, "0 verdicts"), (Point::Audit, "no"), (Point::Gator, "no")] {
        let setting = Setting { point, ..Setting::default() };
        assert_eq!(judge_with(&policies, POD, &Facts::new(), &setting), expect, "{point:?}");
    }
}

#[test]
fn missing_facts_are_unknown_and_never_a_pass() {
    let inventory = rego(
        "violation[{\"msg\": \"twin\"}] {\n  other := data.inventory.namespace[_][_].Pod[_]\n  \
                          other.metadata.name != input.review.object.metadata.name\n}",
    ) + &constraint("{}");
    assert_eq!(judge(&inventory, POD), "unknown: inventory (data.inventory)");
    let known = facts("{apiVersion: v1, kind: Pod, metadata: {name: twin, namespace: shop}}");
    assert_eq!(judge_with(&inventory, POD, &known, &Setting::default()), "twin");
    let none = "{apiVersion: v1, kind: Namespace, metadata: {name: other}}";
    manifest::documents(none, FileId(7), |document| {
        let mut facts = Facts::new();
        facts.add(document.unwrap().root()).unwrap();
        let unknown = "unknown: the whole inventory, said with --complete all";
        assert_eq!(judge_with(&inventory, POD, &facts, &Setting::default()), unknown);
    });
    let user = rego("violation[{\"msg\": \"who\"}] { input.review.userInfo.username == \"eve\" }") + &constraint("{}");
    let review = "apiVersion: admission.k8s.io/v1\nkind: AdmissionReview\nrequest: {operation: CREATE, object: \
                  {apiVersion: v1, kind: Pod, metadata: {name: a, namespace: shop}}}\n";
    assert_eq!(judge(&user, review), "unknown: request.userInfo");
}

#[test]
fn a_deleted_object_is_the_object() {
    let policies =
        rego("violation[{\"msg\": msg}] {\n  msg := input.review.object.metadata.name\n}") + &constraint("{}");
    let review = "apiVersion: admission.k8s.io/v1\nkind: AdmissionReview\nrequest: {operation: DELETE, oldObject: \
                  {apiVersion: v1, kind: Pod, metadata: {name: gone, namespace: shop}}}\n";
    assert_eq!(judge(&policies, review), "gone");
}

/// A field that nobody reads, a value of the wrong type, a match of nothing: each is told when policies are loaded.
#[test]
fn fields_without_effect_are_load_errors() {
    let uses = rego("violation[{\"msg\": input.parameters.p}] { true }");
    for (spec, expect) in [
        ("{parameters: {p: 1}}", "spec.parameters.p: must be of type string, found integer"),
        ("{parameters: {r: x}}", "spec.parameters.r: unknown field"),
        ("{parameters: {p: x, q: 1}}", "spec.parameters.q: the template never reads this parameter"),
        ("{param: {}}", "spec.param: unknown field"),
        ("{match: {kind: []}}", "spec.match.kind: unknown field"),
        ("{match: {namespaces: [Shop]}}", "is no name with `*`"),
        ("{match: {kinds: []}}", "spec.match.kinds: is empty"),
        ("{match: {labelSelector: {}}}", "spec.match.labelSelector: is empty"),
        ("{match: {scope: cluster}}", "unknown scope `cluster`"),
        ("{enforcementAction: Deny}", "none of deny, warn, dryrun, scoped"),
        ("{enforcementAction: scoped}", "spec.scopedEnforcementActions: is required"),
    ] {
        let told = judge(&format!("{uses}{}", constraint(spec)), POD);
        assert!(told.contains(expect), "{spec}: {told}");
    }
    assert!(judge(&constraint("{}"), POD).contains("there is no template for the kind T"));
    let other = rego(ALWAYS).replace("name: t}", "name: other}");
    assert!(judge(&other, POD).contains("must be the kind in lower case"));
    let both =
        "code:\n- engine: K8sNativeValidation\n  source: {matchConditions: [], validations: [{expression: 'x'}]}\n";
    assert!(judge(&template(both), POD).contains("matchConditions: unknown field"));
}

/// Templates can neither call out nor look at what they are not given: functions are allowed by name.
#[test]
fn templates_cannot_call_out() {
    for (text, expect) in [
        ("violation[{\"msg\": m}] { m := http.send({\"url\": \"http://169.254.169.254\"}).body }", "`http.send`"),
        ("violation[{\"msg\": m}] { m := opa.runtime().env.TOKEN }", "`opa.runtime`"),
        ("violation[{\"msg\": m}] { m := net.lookup_ip_addr(\"x\")[_] }", "`net.lookup_ip_addr`"),
        ("violation[{\"msg\": m}] { m := sprintf(\"%v\", [time.now_ns()]) }", "`time.now_ns`"),
        ("violation[{\"msg\": m}] { m := external_data({}) }", "`external_data`"),
        ("violation[{\"msg\": m}] { m := data.other.secret }", "`data` may be read below `inventory` and `lib`"),
        ("violation[{\"msg\": m}] { x := data[\"other\"]; m := x.y }", "`data` may be read below"),
        ("violation[{\"msg\": m}] { d := data; m := d.x }", "`data` may be read below"),
        ("import data.other\nviolation[{\"msg\": m}] { m := other.x }", "imports may name"),
        (
            "violation[{\"msg\": \"x\"}] { count([1]) == 2 with count as http.send }",
            "`with` may replace parts of `input`",
        ),
        (
            "violation[{\"msg\": \"x\"}] { f with data.inventory as {} }\nf { true }",
            "`with` may replace parts of `input`",
        ),
        ("import future.keywords.not\nviolation[{\"msg\": \"x\"}] { true }", "imports may name"),
        ("violation[{\"msg\": \"x\"}] { [p, v] := walk(input) }", "must have a pattern"),
        ("violation[{\"msg\": \"x\"}] { count([1], n); n > 0 }", "`count` has too many arguments"),
        ("deny[{\"msg\": \"x\"}] { true }", "there is no rule `violation`"),
        ("violation[{\"msg\": \"x\"}] { undefined_function(1) }", "line 2: the function `undefined_function`"),
        ("violation[{\"msg\": \"x\"}] {", "rego:"),
    ] {
        let told = judge(&(rego(text) + &constraint("{}")), POD);
        assert!(told.contains(expect), "{text}: {told}");
    }
}

/// Each of these fells an engine without limits. None may pass, panic, or run on.
#[test]
fn bombs_stop_within_their_budget() {
    let cross = "violation[{\"msg\": \"x\"}] {\n  l := input.review.object.spec.l\n  a := l[_]; b := l[_]; c := l[_]; d := \
                 l[_]\n  a + b + c + d == 0\n}";
    let list: Vec<String> = (1..200).map(|index| index.to_string()).collect();
    let pod = format!("{{apiVersion: v1, kind: Pod, metadata: {{name: a}}, spec: {{l: [{}]}}}}", list.join(","));
    let told = judge(&(rego(cross) + &constraint("{}")), &pod);
    assert!(told.starts_with("failed: "), "{told}");
    let range = "violation[{\"msg\": \"x\"}] { count(numbers.range(1, 1000000000)) > 0 }";
    assert!(judge(&(rego(range) + &constraint("{}")), POD).contains("numbers.range: more than"));
    let text = "f(s) = r { r := concat(\"\", [s, s, s, s, s, s, s, s, s, s]) }\nviolation[{\"msg\": m}] { m := \
                f(f(f(f(f(f(f(f(f(\"aaaaaaaaaa\"))))))))) }";
    assert!(judge(&(rego(text) + &constraint("{}")), POD).contains("concat: more than"));
    let text = "f(s) = r { r := sprintf(\"%v%v\", [s, s]) }\nviolation[{\"msg\": m}] { m := f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(\
                f(f(f(f(f(f(f(f(\"aa\")))))))))))))))))))))))) }";
    let told = judge(&(rego(text) + &constraint("{}")), POD);
    assert!(told.contains("sprintf: more than"), "{}", &told[..told.len().min(200)]);
}

#[test]
fn recursion_and_nesting_are_refused_before_they_run() {
    let recursive = "f(x) = y { y := g(x) }\ng(x) = y { y := f(x) }\nviolation[{\"msg\": m}] { m := f(1) }";
    assert!(judge(&(rego(recursive) + &constraint("{}")), POD).contains("is recursive"));
    let own = "violation[{\"msg\": m}] { violation[x]; m := x.msg }";
    assert!(judge(&(rego(own) + &constraint("{}")), POD).contains("is recursive"));
    let chain: String = (0..200).map(|index| format!("f{index}(x) = y {{ y := f{}(x) }}\n", index + 1)).collect();
    let chain = format!("{chain}f200(x) = x {{ true }}\nviolation[{{\"msg\": m}}] {{ m := f0(1) }}");
    assert!(judge(&(rego(&chain) + &constraint("{}")), POD).contains("in a chain of more than"));
    for (open, close) in [("{", "}"), ("[", "]"), ("(", ")")] {
        let text = format!("violation[{{\"msg\": \"x\"}}] {{ y := {}1{} }}", open.repeat(5000), close.repeat(5000));
        assert!(judge(&(rego(&text) + &constraint("{}")), POD).contains("nested deeper"), "{open}");
    }
    let minus = format!("violation[{{\"msg\": \"x\"}}] {{ y := {}1 }}", "-".repeat(5000));
    let told = judge(&(rego(&minus) + &constraint("{}")), POD);
    assert!(told.contains("more than 50 operators"), "{told}");
}

/// Two constraints forbid what each forbids: one never loosens another.
#[test]
fn constraints_never_weaken_each_other() {
    let text = "violation[{\"msg\": input.parameters.p}] { input.review.object.spec.num > input.parameters.q }";
    let second = constraint("{parameters: {p: b, q: 100}}").replace("name: c}", "name: d}");
    let (library, issues) =
        load(&(rego(text) + &constraint("{parameters: {p: a, q: 1}}") + &second), Preference::Native);
    assert_eq!(issues, []);
    let documents = trees(POD);
    let request = suite::plain(documents[0].root(), "pod").unwrap();
    let verdicts = library.evaluate(&request, &Facts::new(), &Setting::default(), &mut Budgets::default());
    let violated = |index: usize| matches!(verdicts[index].ruling, Ruling::Violated(_));
    assert_eq!((verdicts.len(), violated(0), violated(1)), (2, true, false));
}

/// A pod of ten thousand containers with an annotation of a megabyte is judged, in bounded time.
#[test]
fn huge_objects_are_judged() {
    let mut pod = format!(
        "{{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{{\"name\":\"a\",\"annotations\":{{\"x\":\"{}\"}}}},\"spec\":{{\"containers\":[",
        "y".repeat(1 << 20)
    );
    let containers: Vec<String> = (0..10_000).map(|index| format!("{{\"name\":\"c{index}\"}}")).collect();
    pod.push_str(&containers.join(","));
    pod.push_str("]}}");
    let text = "violation[{\"msg\": msg}] {\n  c := input.review.object.spec.containers[_]\n  not c.image\n  msg := \
                sprintf(\"%v has no image\", [c.name])\n}";
    let told = judge(&(rego(text) + &constraint("{}")), &pod);
    // A busy machine may spend the second that an evaluation has; that is a failure and no pass.
    assert!(told.split("; ").count() == 10_000 || told.starts_with("failed: "), "{}", told.len());
}

/// OPA evaluates references among a negated call's arguments first. Policies depend on it.
#[test]
fn negation_is_that_of_opa() {
    let helpers = "f(\"R\", _) { true }\nh(x, y) { x == y }\n";
    for (body, violated) in [
        ("not f(\"R\", input.parameters.a)", false),
        ("not f(\"Q\", input.parameters.a)", false),
        ("not f(\"Q\", 1)", true),
        ("not input.parameters.a == 1", true),
        ("not startswith(input.parameters.a, \"x\")", false),
        ("not input.parameters.a > 1", false),
        ("not h([input.parameters.a], 1)", false),
        ("not input.parameters.a[input.parameters.b]", false),
        ("not input.parameters.a == input.parameters.b", true),
        ("not h(input.review.object.spec.num, 4)", true),
        ("not startswith([\"xa\", \"b\"][_], \"x\")", true),
    ] {
        let policies = rego(&format!("{helpers}violation[{{\"msg\": \"no\"}}] {{ {body} }}")) + &constraint("{}");
        assert_eq!(judge(&policies, POD), if violated { "no" } else { "satisfied" }, "{body}");
    }
}

#[test]
fn conflicting_values_are_a_failure_and_not_a_pass() {
    let text = "r = 1 { true }\nr = 2 { true }\nviolation[{\"msg\": \"x\"}] { r == 3 }";
    assert!(judge(&(rego(text) + &constraint("{}")), POD).starts_with("failed: "));
}

#[test]
fn parameters_of_cel_are_those_of_variables() {
    let source = |expression: &str| {
        template(&format!(
            "code:\n- engine: K8sNativeValidation\n  source: {{validations: [{{expression: '{expression}', message: 'no'}}]}}\n"
        ))
    };
    for (expression, expect) in [
        ("variables.params.p == \"x\"", "satisfied"),
        ("variables.params[\"p\"] == \"x\"", "satisfied"),
        ("has(variables.params.p)", "satisfied"),
        ("size(variables.params) > 0", "satisfied"),
        ("variables.params.q == 7", "spec.parameters.p: the template never reads this parameter"),
        ("params.spec.parameters.p == \"x\"", "undeclared reference to 'params'"),
    ] {
        let told = judge(&(source(expression) + &constraint("{parameters: {p: x}}")), POD);
        assert!(told.contains(expect), "{expression}: {told}");
    }
}

#[test]
fn required_parameters_are_missed_in_constraints_without_any() {
    let text = rego("violation[{\"msg\": input.parameters.p}] { true }")
        .replace("type: object,", "type: object, required: [p],");
    let told = judge(&(text.clone() + &constraint("{}")), POD);
    assert!(told.contains("spec.parameters.p: is required"), "{told}");
    assert!(judge(&(text + &constraint("{parameters: {q: 1}}")), POD).contains("spec.parameters.p: is required"));
}

#[test]
fn cancelled_evaluations_fail() {
    let (library, _) = load(&(rego(ALWAYS) + &constraint("{}")), Preference::Rego);
    let documents = trees(POD);
    let request = suite::plain(documents[0].root(), "pod").unwrap();
    let cancel = std::sync::atomic::AtomicBool::new(true);
    let mut budgets = Budgets { cancel: Some(&cancel), ..Budgets::default() };
    let verdicts = library.evaluate(&request, &Facts::new(), &Setting::default(), &mut budgets);
    assert!(matches!(verdicts[0].ruling, Ruling::Failed { .. }));
}
