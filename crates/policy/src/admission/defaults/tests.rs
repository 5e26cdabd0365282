use model::FileId;

use super::*;

/// The object as policies see it, or the error; without the fields that every object of its kind gets.
fn seen(text: &str, stage: Stage, facts: &str) -> String {
    let mut known = Facts::new();
    manifest::documents(facts, FileId(0), |document| known.add(document.unwrap().root()).unwrap());
    let mut json = String::new();
    manifest::documents(text, FileId(0), |document| {
        let tree = document.unwrap();
        json = match as_seen(tree.root(), "shop", stage, Plugins::default(), &known) {
            Ok(seen) => seen.root().to_json(),
            Err(error) => error.to_string(),
        };
    });
    json
}

fn created(text: &str) -> String {
    seen(text, Stage::Created, "")
}

#[test]
fn unknown_and_empty_fields_are_gone_and_structures_are_there() {
    let json = created(
        "{apiVersion: v1, kind: Pod, metadata: {name: a, creationTimestamp: null}, spec: {hostNetwork: false, odd: 1, \
         tolerations: [], containers: [{name: c, image: x, command: [], stdin: false, securityContext: {}}]}}",
    );
    for gone in ["odd", "hostNetwork", "command", "stdin", "creationTimestamp"] {
        assert!(!json.contains(gone), "{gone}: {json}");
    }
    for there in [
        r#""resources":{}"#,
        r#""securityContext":{}"#,
        r#""imagePullPolicy":"Always""#,
        r#""serviceAccountName":"default","#,
        r#""serviceAccount":"default""#,
        r#""qosClass":"BestEffort""#,
        r#""namespace":"shop""#,
        r#""key":"node.kubernetes.io/not-ready""#,
    ] {
        assert!(json.contains(there), "{there}: {json}");
    }
}

#[test]
fn pod_templates_are_no_pods() {
    let json = created(
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {selector: {}, template: {spec: {containers: \
         [{name: c, image: 'x:1', resources: {limits: {cpu: 1000m}}}]}}}}",
    );
    assert!(json.contains(r#""resources":{"limits":{"cpu":"1"}}"#), "{json}");
    assert!(json.contains(r#""strategy":{"type":"RollingUpdate","rollingUpdate":{"#), "{json}");
    assert!(json.contains(r#""status":{}"#) && json.contains(r#""metadata":{}"#), "{json}");
    assert!(!json.contains("enableServiceLinks") && !json.contains("serviceAccount"), "{json}");
}

#[test]
fn what_is_stored_keeps_its_system_fields() {
    let text =
        "{apiVersion: v1, kind: Pod, metadata: {name: a, uid: u}, spec: {containers: []}, status: {phase: Running}}";
    let stored = seen(text, Stage::Stored, "");
    assert!(
        stored.contains(r#""uid":"u""#) && stored.contains("Running") && !stored.contains("serviceAccount"),
        "{stored}"
    );
    let made = created(text);
    assert!(!made.contains(r#""uid""#) && made.contains("Pending"), "{made}");
}

#[test]
fn a_secret_holds_its_texts_as_data() {
    let json =
        created("{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {k: eA==}, stringData: {k: abcd, l: a}}");
    assert!(json.contains(r#""data":{"k":"YWJjZA==","l":"YQ=="}"#) && !json.contains("stringData"), "{json}");
}

#[test]
fn custom_objects_follow_their_definition() {
    let properties = "{size: {type: integer, default: 3}, \
        list: {type: array, items: {type: object, properties: {up: {type: boolean, default: true}}}}, \
        free: {type: object, x-kubernetes-preserve-unknown-fields: true}, \
        nested: {type: object, default: {}, properties: {a: {default: {b: [1]}}}}}";
    let definition = format!(
        "{{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {{name: widgets.example.com}}, \
         spec: {{group: example.com, scope: Namespaced, names: {{kind: Widget, plural: widgets}}, versions: [{{name: v1, \
         served: true, schema: {{openAPIV3Schema: {{type: object, properties: {{spec: {{type: object, \
         properties: {properties}}}}}}}}}}}]}}}}"
    );
    let text = "{apiVersion: example.com/v1, kind: Widget, metadata: {name: a}, spec: {odd: 1, list: [{x: 1}], free: {w: {z: 1}}}}";
    let json = seen(text, Stage::Created, &definition);
    assert_eq!(
        json,
        r#"{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"a","namespace":"shop","generation":1},"spec":{"list":[{"up":true}],"free":{"w":{"z":1}},"size":3,"nested":{"a":{"b":[1]}}}}"#
    );
    // Without a definition nothing is known to be wrong.
    assert!(created(text).contains("odd"));
}

#[test]
fn wrong_types_are_refused_with_the_field() {
    let pod = |spec: &str| created(&format!("{{apiVersion: v1, kind: Pod, metadata: {{name: a}}, spec: {spec}}}"));
    assert_eq!(pod("[]"), "spec: expected a mapping");
    assert_eq!(pod("{containers: {}}"), "spec.containers: expected a list");
    assert_eq!(pod("{containers: [{name: 1}]}"), "spec.containers[0].name: expected a string");
    assert_eq!(pod("{priority: 3000000000}"), "spec.priority: expected an integer");
    assert_eq!(
        pod("{containers: [{resources: {limits: {cpu: lots}}}]}"),
        "spec.containers[0].resources.limits.cpu: expected a quantity"
    );
    assert_eq!(created("{apiVersion: v1, kind: Pod, metadata: []}"), "metadata: expected a mapping");
    assert_eq!(created("{apiVersion: v1}"), "kind: expected an object with apiVersion and kind");
}

#[test]
fn what_was_filled_in_stays_as_it_is() {
    manifest::documents(include_str!("../../../tests/defaults/objects.yaml"), FileId(0), |document| {
        let tree = document.unwrap();
        for stage in [Stage::Created, Stage::Stored] {
            let again = |object| as_seen(object, "", stage, Plugins::default(), &Facts::new()).unwrap();
            let once = again(tree.root());
            assert_eq!(again(once.root()).len(), once.len(), "{}", once.root().to_json());
        }
    });
}

#[test]
fn deep_and_wide_objects_are_no_trouble() {
    let nested = format!("{}{}", "{a: ".repeat(190), "}".repeat(190));
    let text = format!("{{apiVersion: example.com/v1, kind: Widget, metadata: {{name: a}}, spec: {nested}}}");
    assert!(created(&text).contains(r#""generation":1"#));
    let containers = "{name: c, image: x}, ".repeat(20_000);
    let text = format!("{{apiVersion: v1, kind: Pod, metadata: {{name: a}}, spec: {{containers: [{containers}]}}}}");
    assert!(created(&text).len() > 2_000_000);
}
