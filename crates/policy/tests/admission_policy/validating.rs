//! Verdicts of validating policies.

use policy::admission::Ruling;

use crate::door::{BINDING, Case, POD, pods, policies, policy, review};

fn rule(expression: &str) -> String {
    format!("validations:\n- expression: {expression:?}")
}

#[test]
fn a_validation_that_holds_admits_and_one_that_does_not_denies() {
    pods(&rule("object.spec.containers.size() == 2")).admits();
    pods(&rule("object.spec.containers.size() > 2")).denies("failed expression: object.spec.containers.size() > 2");
    pods(&rule("  !has(object.metadata.labels)  ")).denies("failed expression: !has(object.metadata.labels)");
}

#[test]
fn messages_are_written_or_made() {
    let with = |more: &str| pods(&format!("{}\n  {}", rule("false"), more.replace('\n', "\n  ")));
    with("message: ' too bad '").denies("too bad");
    with("messageExpression: \"'pod ' + object.metadata.name\"").denies("pod web");
    with("message: plain\nmessageExpression: \"string(object.none)\"").denies("plain");
    with("messageExpression: \"string(object.none)\"").denies("failed expression: false");
    with("message: plain\nmessageExpression: \"' '\"").denies("plain");
    with("message: plain\nmessageExpression: \"'a\\\\nb'\"").denies("plain");
    let long = format!("message: plain\nmessageExpression: \"'{}'\"", "x".repeat(5 * 1024 + 1));
    with(&long).denies("plain");
}

#[test]
fn the_reason_decides_the_code() {
    let with = |reason: &str| pods(&format!("{}\n  reason: {reason}", rule("false"))).response();
    assert_eq!((with("Forbidden").code, with("Invalid").code), (Some(403), Some(422)));
    assert_eq!(with("RequestEntityTooLarge").code, Some(413));
    assert_eq!(pods(&rule("false")).response().reason.as_deref(), Some("Invalid"));
}

#[test]
fn errors_refuse_or_pass_as_the_failure_policy_says() {
    let message = "expression 'object.spec.none > 1' resulted in error: no such key: none";
    pods(&rule("object.spec.none > 1")).denies(message);
    let ignored = pods(&format!("failurePolicy: Ignore\n{}", rule("object.spec.none > 1")));
    ignored.admits();
    assert_eq!(ignored.verdict().ruling, Ruling::Failed { messages: vec![message.into()], ignored: true });
}

#[test]
fn match_conditions_come_first() {
    let with = |conditions: &str| pods(&format!("matchConditions:\n{conditions}\n{}", rule("false")));
    with("- {name: a, expression: \"object.metadata.name == 'web'\"}").denies("failed expression: false");
    with("- {name: a, expression: \"object.metadata.name != 'web'\"}").admits();
    let failing = "- {name: a, expression: \"object.none\"}".replace("object.none", "object.none == 1");
    with(&failing).denies("expression 'object.none == 1' resulted in error: no such key: none");
    // One that is false decides, whatever another failed with.
    with(&format!("{failing}\n- {{name: b, expression: \"false\"}}")).admits();
    let both = format!("{failing}\n- {{name: b, expression: \"object.x\"}}").replace("object.x", "object.x == 1");
    with(&both).denies(
        "[expression 'object.none == 1' resulted in error: no such key: none, expression 'object.x == 1' resulted in \
         error: no such key: x]",
    );
    pods(&format!("failurePolicy: Ignore\nmatchConditions:\n{failing}\n{}", rule("false"))).admits();
}

#[test]
fn variables_are_shared_and_their_errors_are_named() {
    let with = |variables: &str, expression: &str| pods(&format!("variables:\n{variables}\n{}", rule(expression)));
    let images = "- {name: images, expression: \"object.spec.containers.map(c, c.image)\"}\n\
                  - {name: first, expression: \"variables.images[0]\"}";
    with(images, "variables.first == 'nginx:1' && variables.images.size() == 2").admits();
    with("- {name: x, expression: \"object.none\"}", "variables.x == 1").denies(
        "expression 'variables.x == 1' resulted in error: composited variable \"x\" fails to evaluate: no such key: none",
    );
    with("- {name: x, expression: \"object.none\"}", "variables.x == 1 || true").admits();
}

#[test]
fn the_request_is_known_and_what_is_not_is_named() {
    pods(&rule("request.operation == 'CREATE' && request.name == 'web' && request.namespace == 'shop'")).admits();
    pods(&rule("request.userInfo.username == 'eve' && 'dev' in request.userInfo.groups")).admits();
    pods(&rule("request.kind.kind == 'Pod' && request.resource.resource == 'pods' && !request.dryRun")).admits();
    pods(&rule("has(request.userInfo.uid)")).denies("failed expression: has(request.userInfo.uid)");
    pods(&rule("oldObject == null")).admits();
    pods(&rule("namespaceObject.metadata.name == 'shop'")).unknown("namespace shop");
    let shop = "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {tier: gold}}}";
    pods(&rule("namespaceObject.metadata.labels['tier'] == 'gold'")).facts(shop).admits();
    pods(&rule("oldObject.metadata.name == 'web'")).request(&review("UPDATE", POD, "")).unknown("oldObject");
    let old = format!(",\"oldObject\":{POD}");
    pods(&rule("oldObject.metadata.name == object.metadata.name")).request(&review("UPDATE", POD, &old)).admits();
}

#[test]
fn a_broken_rule_beats_an_unknown_one() {
    let both = format!("{}\n- expression: \"false\"", rule("namespaceObject.metadata.name == 'x'"));
    pods(&both).denies("failed expression: false");
}

/// A policy with parameters of kind ConfigMap and a binding with this `paramRef`.
fn with_params(expression: &str, reference: &str) -> Case {
    let spec = format!("paramKind: {{apiVersion: v1, kind: ConfigMap}}\n{}", rule(expression));
    policies(&format!("{}\n{BINDING}  paramRef: {reference}\n", policy(&spec)))
}

const LIMITS: &str = "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}\n---\n\
    {apiVersion: v1, kind: ConfigMap, metadata: {name: p1, namespace: shop, labels: {s: 'y'}}, data: {max: '2'}}\n---\n\
    {apiVersion: v1, kind: ConfigMap, metadata: {name: p2, namespace: shop, labels: {s: 'y'}}, data: {max: '3'}}\n";

#[test]
fn parameters_are_found_by_name_and_by_labels() {
    let named = "{name: p1, parameterNotFoundAction: Deny}";
    with_params("params.data.max == '2' && params.kind == 'ConfigMap'", named).facts(LIMITS).admits();
    with_params("params.data.max != '2'", named).facts(LIMITS).denies("failed expression: params.data.max != '2'");
    let labelled = "{selector: {matchLabels: {s: 'y'}}, parameterNotFoundAction: Deny}";
    let each = with_params("params.data.max != '3'", labelled).facts(LIMITS).complete();
    each.denies("failed expression: params.data.max != '3'");
    let names: Vec<_> = each.verdicts().iter().map(|verdict| verdict.params.clone().unwrap_or_default()).collect();
    assert_eq!(names, ["shop/p1".into(), "shop/p2".into()]);
    // There may be others.
    with_params("params.data.max != '9'", labelled).facts(LIMITS).unknown("all ConfigMap objects in namespace shop");
}

#[test]
fn missing_parameters_refuse_or_pass_as_the_binding_says() {
    let deny = "{name: none, parameterNotFoundAction: Deny}";
    let message = "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction";
    with_params("params.x == 1", deny).facts(LIMITS).complete().denies(message);
    with_params("params.x == 1", deny).facts(LIMITS).unknown("ConfigMap shop/none");
    let allow = "{name: none, parameterNotFoundAction: Allow}";
    with_params("params.x == 1", allow).facts(LIMITS).complete().admits();
    with_params("params.x == 1", allow).facts(LIMITS).unknown("ConfigMap shop/none");
    // Whether it exists does not matter where the outcome is the same either way.
    with_params("params.x == 1 || true", allow).facts(LIMITS).admits();
    with_params("params.x == 1 && false", deny).facts(LIMITS).denies("failed expression: params.x == 1 && false");
}

#[test]
fn audit_annotations_are_published_under_the_policys_name() {
    let with = |more: &str| {
        pods(&format!(
            "{more}auditAnnotations:\n- {{key: k, valueExpression: \"'v ' + object.metadata.name\"}}\n- {{key: l, valueExpression: 'null'}}"
        ))
    };
    assert_eq!(with("").response().audit_annotations, [("demo/k".to_owned(), "v web".to_owned())]);
    let failing = "auditAnnotations:\n- {key: k, valueExpression: \"string(object.none)\"}";
    pods(failing).denies("expression 'string(object.none)' resulted in error: no such key: none");
    pods(&format!("failurePolicy: Ignore\n{failing}")).admits();
    let asking =
        "auditAnnotations:\n- {key: k, valueExpression: \"string(authorizer.path('/x').check('get').allowed())\"}";
    pods(asking).denies(
        "expression 'string(authorizer.path('/x').check('get').allowed())' resulted in error: no such attribute(s): authorizer",
    );
}

#[test]
fn bindings_warn_and_audit() {
    let binding = BINDING.replace("[Deny]", "[Warn, Audit]");
    let case = policies(&format!("{}\n{binding}", policy(&format!("{}\n  message: no <b>", rule("false")))));
    let response = case.response();
    assert_eq!(response.allowed, Some(true));
    assert_eq!(
        response.warnings,
        ["Validation failed for ValidatingAdmissionPolicy 'demo' with binding 'all': no <b>"]
    );
    let annotation = r#"[{"message":"no \u003cb\u003e","policy":"demo","binding":"all","expressionIndex":0,"validationActions":["Warn","Audit"]}]"#;
    let key = "validation.policy.admission.k8s.io/validation_failure";
    assert_eq!(response.audit_annotations, [(key.to_owned(), annotation.to_owned())]);
}

#[test]
fn a_spent_budget_refuses() {
    let list = "[1,2,3,4,5,6,7,8,9,10]";
    let bomb = "abcdefg"
        .chars()
        .rev()
        .fold("object.metadata.name != ''".to_owned(), |inner, name| format!("{list}.all({name}, {inner})"));
    let message = format!("expression '{bomb}' resulted in error: operation cancelled: actual cost limit exceeded");
    pods(&rule(&bomb)).denies(&message);
    let many: String = (0..12).map(|number| format!("- expression: \"{bomb} || {number} == {number}\"\n")).collect();
    pods(&format!("validations:\n{many}"))
        .denies("validation failed due to running out of cost budget, no further validation rules will be run");
}
