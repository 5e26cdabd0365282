//! What is wrong when the type of the object is known.

use crate::door::{BINDING, policies, policy};

#[track_caller]
fn warns(spec: &str, facts: &str, wanted: &[(&str, &str)]) {
    let case = policies(&format!("{}\n{BINDING}", policy(spec))).facts(facts);
    let warnings = case.type_check();
    let found: Vec<(&str, &str)> =
        warnings.iter().map(|warning| (warning.field.as_str(), warning.warning.as_str())).collect();
    assert_eq!(found, wanted);
}

#[test]
fn fields_of_built_in_kinds_are_known() {
    warns("validations:\n- expression: \"object.spec.containers.all(c, c.image.startsWith('a'))\"", "", &[]);
    warns(
        "validations:\n- expression: \"object.spec.replicas > 1\"",
        "",
        &[(
            "spec.validations[0].expression",
            "/v1, Kind=Pod: ERROR: <input>:1:12: undefined field 'replicas'\n | object.spec.replicas > 1\n | ...........^\n",
        )],
    );
    warns(
        "variables:\n- {name: many, expression: \"object.spec.containers\"}\nvalidations:\n- expression: \"variables.many == 1\"",
        "",
        &[(
            "spec.validations[0].expression",
            "/v1, Kind=Pod: ERROR: <input>:1:16: found no matching overload for '_==_' applied to '(list(dyn), int)'\n \
             | variables.many == 1\n | ...............^\n",
        )],
    );
}

#[test]
fn types_are_those_of_the_server() {
    // Reserved words name fields with and without underscores; objects of any kind have no fields.
    let fine =
        "object.metadata.namespace == object.metadata.__namespace__ && has(object.metadata.managedFields[0].fieldsV1)";
    warns(&format!("validations:\n- expression: \"{fine}\""), "", &[]);
    // Quantities have no type there, so fields that hold them are not known.
    warns(
        "validations:\n- expression: \"has(object.spec.overhead)\"",
        "",
        &[(
            "spec.validations[0].expression",
            "/v1, Kind=Pod: ERROR: <input>:1:4: undefined field 'overhead'\n | has(object.spec.overhead)\n | ...^\n",
        )],
    );
}
