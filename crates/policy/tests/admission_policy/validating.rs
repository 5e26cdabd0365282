//! Verdicts of validating policies.

use policy::admission::Ruling;

use crate::door::{POD, pods, review};

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
