//! Which documents are refused, and with which words.

use policy::admission_policy::Level;

use crate::door::{BINDING, pods, policies, policy};

#[test]
fn a_sound_policy_is_taken_without_a_word() {
    assert_eq!(pods("validations:\n- expression: \"true\"").issues, []);
}

#[test]
fn expressions_are_refused_with_the_place_of_the_mistake() {
    pods("validations:\n- expression: \"object.x ==\"").refuses(
        "spec.validations[0].expression",
        "Invalid value: \"object.x ==\": compilation failed: ERROR: <input>:1:12: Syntax error: mismatched input '<EOF>' \
         expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, \
         IDENTIFIER}\n | object.x ==\n | ...........^",
    );
    pods("validations:\n- expression: \"1\"")
        .refuses("spec.validations[0].expression", "Invalid value: \"1\": must evaluate to bool but got int");
    pods("validations:\n- expression: \"params.x\"").refuses(
        "spec.validations[0].expression",
        "Invalid value: \"params.x\": compilation failed: ERROR: <input>:1:1: undeclared reference to 'params' (in \
         container '')\n | params.x\n | ^",
    );
    pods("auditAnnotations:\n- {key: a, valueExpression: \"1\"}").refuses(
        "spec.auditAnnotations[0].valueExpression",
        "Invalid value: \"1\": must evaluate to one of [string null_type] but got int",
    );
}

#[test]
fn fields_are_checked() {
    let case =
        pods("failurePolicy: Maybe\nvalidations:\n- {expression: \"true\", reason: Unauthorized, message: \"a\\nb\"}");
    case.refuses("spec.failurePolicy", "Unsupported value: \"Maybe\": supported values: \"Fail\", \"Ignore\"");
    case.refuses(
        "spec.validations[0].reason",
        "Unsupported value: \"Unauthorized\": supported values: \"Forbidden\", \"Invalid\", \"RequestEntityTooLarge\"",
    );
    case.refuses("spec.validations[0].message", "Invalid value: \"a\\nb\": must not contain line breaks");
    let none = pods("variables: []");
    none.refuses("spec.validations", "Required value: validations or auditAnnotations must contain at least one item");
    pods("validations:\n- {expression: true}")
        .refuses("spec.validations[0].expression", "must be a string, not a boolean");
}

#[test]
fn what_has_no_effect_is_an_error() {
    let case =
        pods("validation:\n- x\nparamKind: {apiVersion: v1, kind: ConfigMap}\nvalidations:\n- expression: \"true\"");
    case.issue(Level::Error, "spec.validation", "unknown field \"spec.validation\"");
    case.issue(Level::Error, "spec.paramKind", "no expression uses params");
    let lone = policies(BINDING);
    lone.issue(Level::Error, "spec.policyName", "there is no ValidatingAdmissionPolicy \"demo\"");
    let unbound = policies(&policy("variables:\n- {name: x, expression: \"1\"}\nvalidations:\n- expression: \"true\""));
    unbound.issue(Level::Warning, "", "no binding names the policy, so it is not in force");
    unbound.issue(Level::Warning, "spec.variables[0]", "no expression uses the variable \"x\"");
}
