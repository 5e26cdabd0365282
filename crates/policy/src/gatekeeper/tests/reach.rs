//! What a template may come to and a manifest does not say, and what is never there.

use super::*;
use crate::admission::Manifest;

const WEB: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop, labels: {app: web}}\n\
                   spec: {containers: [{name: c, image: registry.example/web}]}\n";

/// The ruling on the creation of an object from a manifest.
fn planned(policies: &str, object: &str) -> String {
    let (library, issues) = load(policies, Preference::Native);
    assert_eq!(issues, [], "{policies}");
    let (documents, facts) = (trees(object), Facts::new());
    let made = Manifest::create(documents[0].root(), &facts).unwrap();
    let verdicts = library.evaluate(&made.request(), &facts, &Setting::default(), &mut Budgets::default());
    match &verdicts[0].ruling {
        Ruling::Satisfied => "satisfied".to_owned(),
        Ruling::Unknown(facts) => facts.iter().map(|fact| &*fact.name).collect::<Vec<_>>().join(", "),
        Ruling::Violated(list) => format!("violated: {}", list[0].message),
        other => format!("{other:?}"),
    }
}

fn of_rego(rules: &str) -> String {
    planned(&(rego(rules) + &constraint("{}")), WEB)
}

/// A rule with this body.
fn of_body(body: &str) -> String {
    of_rego(&format!("import future.keywords\nviolation[{{\"msg\": \"no\"}}] {{ {body} }}"))
}

#[test]
fn whatever_way_leads_to_the_user_or_the_namespace_makes_the_verdict_unknown() {
    let user = "request.userInfo";
    for body in [
        "some k; input.review[k].username == \"root\"",
        "x := input.review; y := x.userInfo; y.username == \"root\"",
        "x := input.review; x[concat(\"\", [\"user\", \"Info\"])].username == \"root\"",
        "object.get(input.review, concat(\"\", [\"user\", \"Info\"]), {}) == {}",
        "object.get(input, [\"review\", concat(\"\", [\"user\", \"Info\"]), \"username\"], \"\") == \"root\"",
        "walk(input.review, [path, value]); value == \"system:masters\"",
        "walk(input, [_, value]); value == \"system:masters\"",
        "some k, v in input.review; v.username == \"root\"",
        "x := [input.review]; x[_][k].username == \"root\"",
        "{\"review\": r} = input; r[k].username == \"root\"",
        "{\"msg\": 1}[input.review[_].username]",
        "contains(json.marshal(input.review), \"root\")",
        "sprintf(\"%v\", [input.review]) == \"x\"",
        "every v in [input.review] { v[_].username == \"root\" }",
        "not input.review[\"user\\u0049nfo\"]",
    ] {
        let said = of_body(body);
        assert!(said.starts_with(user), "{body}: {said}");
        assert!(
            !body.contains("some k") || said.contains("namespaceObject") || said.contains("namespace shop"),
            "{said}"
        );
    }
    for rules in [
        "violation[{\"msg\": \"no\"}] { name(input.review) == \"root\" }\nname(r) = n { n := r[_].username }",
        "violation[{\"msg\": \"no\"}] { parts[p]; p.username == \"root\" }\nparts[p] { p := input.review[_] }",
        "violation[{\"msg\": \"no\"}] { whole[_].username == \"root\" }\nwhole = input.review",
        "violation[{\"msg\": \"no\"}] { review.a[_].username == \"root\" }\nreview[\"a\"] = x { x := input.review }",
        "violation[{\"msg\": \"no\"}] { all[_][_].username == \"root\" }\nall = [r | r := input.review]",
    ] {
        assert!(of_rego(rules).starts_with(user), "{rules}");
    }
}

#[test]
fn whatever_way_leads_to_a_field_that_the_server_makes_makes_the_verdict_unknown() {
    for body in [
        "input.review.object.metadata.uid == \"\"",
        "not input.review.object.metadata.uid",
        "m := input.review.object.metadata; not m.uid",
        "not has_uid(input.review.object)",
        "count(input.review.object.metadata) == 3",
        "object.get(input.review.object, [\"metadata\", \"uid\"], \"none\") == \"none\"",
        "count({k | input.review.object.metadata[k]}) == 3",
        "input.review.object.metadata == {\"name\": \"web\"}",
        "walk(input.review.object, [path, value]); path[count(path) - 1] == \"uid\"",
        "some k, _ in input.review.object.metadata; k == \"uid\"",
    ] {
        let said = of_rego(&format!(
            "import future.keywords\nviolation[{{\"msg\": \"no\"}}] {{ {body} }}\nhas_uid(o) {{ o.metadata.uid }}"
        ));
        assert!(said.contains("object.metadata.uid"), "{body}: {said}");
    }
    assert_eq!(of_body("input.review.uid == \"x\""), "request.uid");
    let native = |expression: &str| {
        let source = format!(
            "code:\n- engine: K8sNativeValidation\n  source:\n    variables: [{{name: m, expression: variables.anyObject.metadata}}]\n    \
             validations:\n    - {{expression: \"{expression}\", message: 'no'}}\n"
        );
        planned(&(template(&source) + &constraint("{}")), WEB)
    };
    assert_eq!(native("has(variables.m.uid)"), "object.metadata.uid");
    assert_eq!(native("'uid' in variables.m"), "object.metadata.uid");
    assert_eq!(native("variables.m.name == 'web'"), "satisfied");
}

/// A review by hand is no more than a manifest; one of the server has everything that the server makes.
#[test]
fn a_review_without_a_uid_lacks_what_the_server_makes() {
    let policies = rego("violation[{\"msg\": \"no\"}] { not input.review.object.metadata.uid }") + &constraint("{}");
    let review = |uid: &str| {
        format!(
            "apiVersion: admission.k8s.io/v1\nkind: AdmissionReview\nrequest: {{{uid} operation: CREATE, object: {{apiVersion: v1, \
             kind: Pod, metadata: {{name: a, namespace: shop}}}}}}\n"
        )
    };
    assert_eq!(judge(&policies, &review("")), "unknown: object.metadata.uid");
    assert_eq!(judge(&policies, &review("uid: x,")), "no");
}

#[test]
fn ordinary_rules_have_a_verdict() {
    for body in [
        "not input.review.object.metadata.labels.app",
        "c := input.review.object.spec.containers[_]; not startswith(c.image, \"registry.example/\")",
        "fields := [\"containers\", \"initContainers\"]; c := input.review.object.spec[fields[_]][_]; c.privileged",
        "input.review.operation == \"UPDATE\"; input.review.object.spec != input.review.oldObject.spec",
        "walk(input.review.object.spec, [_, value]); value == \"x\"",
        "count({l | input.review.object.metadata.labels[l]}) == 0",
        "object.get(input.review.object, [\"metadata\", \"labels\", \"app\"], \"none\") == \"none\"",
        "object.get(input.review, \"operation\", \"\") == \"DELETE\"",
        "not is_object(input.review.object.metadata)",
        "r := input.review; r.kind.kind == \"Service\"",
    ] {
        assert_eq!(of_body(body), "satisfied", "{body}");
    }
}

#[test]
fn a_part_of_the_input_that_is_never_there_is_told_with_its_line_and_the_right_name() {
    for (body, message) in [
        ("input.parametres.p", "line 3: `input.parametres` is never there; `input.parameters` is"),
        ("input[\"parametres\"].p", "line 3: `input.parametres` is never there; `input.parameters` is"),
        ("input.revew.object.spec", "line 3: `input.revew` is never there; `input.review` is"),
        ("input.review.objct.spec", "line 3: `input.review.objct` is never there; `input.review.object` is"),
        ("input.request.object", "line 3: `input.request` is never there; `input` has review, parameters"),
        ("x := input.review.userinfo; x", "line 3: `input.review.userinfo` is never there; `input.review.userInfo` is"),
    ] {
        let (_, issues) = load(&rego(&format!("violation[{{\"msg\": \"no\"}}] {{\n {body} }}")), Preference::Native);
        let [issue] = issues.as_slice() else { panic!("{body}: {issues:?}") };
        assert_eq!(issue.level, crate::admission_policy::Level::Error, "{body}");
        assert_eq!(issue.message, message, "{body}");
    }
}
