use model::FileId;

use super::*;
use crate::gatekeeper::suite;

fn trees(text: &str) -> Vec<Tree<'_>> {
    let mut trees = Vec::new();
    manifest::documents(text, FileId(0), |document| trees.push(document.unwrap()));
    trees
}

/// A mutator with a short spec: `Assign a spec.x` and the parameters.
fn mutator(kind: &str, name: &str, location: &str, parameters: &str) -> String {
    let apply =
        if kind == "AssignMetadata" { "" } else { "  applyTo: [{groups: [''], versions: [v1], kinds: [Pod]}]\n" };
    format!(
        "apiVersion: mutations.gatekeeper.sh/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:\n{apply}  \
         location: '{location}'\n  parameters: {parameters}\n---\n"
    )
}

/// What becomes of a pod, as JSON without what every pod has; or the issues; or the error.
fn becomes(mutators: &str, pod: &str) -> String {
    let documents = trees(mutators);
    let (mutators, issues) = Mutators::load(documents.iter().map(Tree::root));
    if !issues.is_empty() {
        return issues.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    }
    let text = format!("{{apiVersion: v1, kind: Pod, metadata: {{name: web, namespace: shop}}, {pod}}}");
    let documents = trees(&text);
    let request = suite::plain(documents[0].root(), "pod").unwrap();
    match mutators.apply(&request, &Facts::new(), Source::Original) {
        Err(error) => error.to_string(),
        Ok(mutation) => match mutation.object {
            None => "unchanged".to_owned(),
            Some(tree) => tree.root().get("spec").or(tree.root().get("metadata")).unwrap().to_json(),
        },
    }
}

#[test]
fn values_are_assigned_along_locations() {
    let assign = mutator("Assign", "a", "spec.containers[name: *].tty", "{assign: {value: true}}");
    assert_eq!(
        becomes(&assign, "spec: {containers: [{name: a}, {name: b, tty: false}]}"),
        r#"{"containers":[{"name":"a","tty":true},{"name":"b","tty":true}]}"#
    );
    let item = mutator("Assign", "a", "spec.containers[name: x]", "{assign: {value: {name: x, image: web}}}");
    assert_eq!(becomes(&item, "spec: {}"), r#"{"containers":[{"name":"x","image":"web"}]}"#);
    let new = mutator("Assign", "a", "spec.containers[name: x].image", "{assign: {value: web}}");
    assert_eq!(becomes(&new, "spec: {containers: []}"), r#"{"containers":[{"name":"x","image":"web"}]}"#);
    let from = mutator("Assign", "a", "spec.hostname", "{assign: {fromMetadata: {field: namespace}}}");
    assert_eq!(becomes(&from, "spec: {}"), r#"{"hostname":"shop"}"#);
    let mismatch = mutator("Assign", "a", "spec.x.y", "{assign: {value: 1}}");
    assert!(becomes(&mismatch, "spec: {x: [1]}").contains("Assign a failed: mismatch"));
}

#[test]
fn path_tests_decide() {
    let with = |condition: &str| {
        let tests = format!("{{assign: {{value: 1}}, pathTests: [{{subPath: spec.a, condition: {condition}}}]}}");
        mutator("Assign", "a", "spec.a.b", &tests)
    };
    assert_eq!(becomes(&with("MustExist"), "spec: {}"), "unchanged");
    assert_eq!(becomes(&with("MustExist"), "spec: {a: {}}"), r#"{"a":{"b":1}}"#);
    assert_eq!(becomes(&with("MustNotExist"), "spec: {a: {}}"), "unchanged");
    assert_eq!(becomes(&with("MustNotExist"), "spec: {}"), r#"{"a":{"b":1}}"#);
}

#[test]
fn labels_are_only_added() {
    let label = mutator("AssignMetadata", "a", "metadata.labels.tier", "{assign: {value: gold}}");
    assert_eq!(becomes(&label, "x: 1"), r#"{"name":"web","namespace":"shop","labels":{"tier":"gold"}}"#);
    let refused = mutator("AssignMetadata", "a", "metadata.name", "{assign: {value: gold}}");
    assert!(becomes(&refused, "").contains("must be `metadata.labels"));
}

#[test]
fn sets_are_merged_and_pruned() {
    let merge = mutator("ModifySet", "a", "spec.l", "{operation: merge, values: {fromList: [a, {b: 1}]}}");
    assert_eq!(becomes(&merge, "spec: {l: [{b: 1}]}"), r#"{"l":[{"b":1},"a"]}"#);
    assert_eq!(becomes(&merge, "spec: {}"), r#"{"l":["a",{"b":1}]}"#);
    let prune = mutator("ModifySet", "a", "spec.l", "{operation: prune, values: {fromList: [a]}}");
    assert_eq!(becomes(&prune, "spec: {l: [a, b, a]}"), r#"{"l":["b"]}"#);
    assert!(becomes(&prune, "spec: {l: 1}").contains("is no list"));
}

#[test]
fn images_are_rewritten() {
    let image = mutator("AssignImage", "a", "spec.containers[name: *].image", "{assignDomain: r.io}");
    assert_eq!(
        becomes(&image, "spec: {containers: [{name: a, image: 'nginx:1'}]}"),
        r#"{"containers":[{"name":"a","image":"r.io/nginx:1"}]}"#
    );
}

#[test]
fn mutators_that_contradict_each_other_are_left_out() {
    let list = mutator("Assign", "a", "spec.x[name: b].c", "{assign: {value: 1}}");
    let object = mutator("Assign", "b", "spec.x.c", "{assign: {value: 1}}");
    let told = becomes(&format!("{list}{object}"), "spec: {}");
    assert!(told.contains("Assign a: spec.location: contradicts the location of Assign b"), "{told}");
    assert!(told.contains("Assign b: spec.location: contradicts the location of Assign a"), "{told}");
    let other_key = mutator("Assign", "b", "spec.x[port: 1].c", "{assign: {value: 1}}");
    assert!(becomes(&format!("{list}{other_key}"), "spec: {}").contains("contradicts"));
}

#[test]
fn mutators_run_until_nothing_changes_and_no_longer() {
    let first = mutator(
        "Assign",
        "a",
        "spec.a",
        "{assign: {value: 1}, pathTests: [{subPath: spec.a, condition: MustNotExist}]}",
    );
    let second = mutator("Assign", "b", "spec.b", "{assign: {value: 2}}");
    assert_eq!(becomes(&format!("{second}{first}"), "spec: {}"), r#"{"a":1,"b":2}"#);
    let merge = mutator("ModifySet", "a", "spec.l", "{operation: merge, values: {fromList: [x]}}");
    let prune = mutator("ModifySet", "b", "spec.l", "{operation: prune, values: {fromList: [x]}}");
    assert_eq!(becomes(&format!("{merge}{prune}"), "spec: {l: []}"), "unchanged");
    let one = mutator("Assign", "a", "spec.c", "{assign: {value: 1}}");
    let two = mutator("Assign", "b", "spec.c", "{assign: {value: 2}}");
    assert_eq!(becomes(&format!("{one}{two}"), "spec: {}"), r#"{"c":2}"#);
}

#[test]
fn what_cannot_be_meant_or_calls_out_is_refused() {
    for (text, expect) in [
        (mutator("Assign", "a", "metadata.x", "{assign: {value: 1}}"), "cannot change metadata"),
        (mutator("Assign", "a", "metadata.name", "{assign: {value: x}}"), "cannot change metadata"),
        (mutator("Assign", "a", "\"metadata\".name", "{assign: {value: x}}"), "cannot change metadata"),
        (mutator("ModifySet", "a", "metadata.finalizers", "{values: {fromList: [x]}}"), "cannot change metadata"),
        (mutator("Assign", "a", "kind", "{assign: {value: Secret}}"), "cannot change what kind of object"),
        (mutator("Assign", "a", "\"apiVersion\"", "{assign: {value: v2}}"), "cannot change what kind of object"),
        (mutator("AssignImage", "a", "kind", "{assignTag: ':x'}"), "cannot change what kind of object"),
        (mutator("Assign", "a", "spec.x[n: y].n", "{assign: {value: 1}}"), "cannot change the key"),
        (mutator("Assign", "a", "spec.x", "{assign: {externalData: {provider: p}}}"), "cannot call out"),
        (mutator("Assign", "a", "spec.x", "{assign: {}}"), "exactly one of value and fromMetadata"),
        (mutator("Assign", "a", "spec.x", "{assign: {value: 1}, pathTest: []}"), "unknown field"),
        (mutator("Assign", "a", "spec.x[n: y]", "{assign: {value: {n: z}}}"), "not the one of the location"),
        (mutator("ModifySet", "a", "spec.x[n: y]", "{values: {fromList: []}}"), "cannot end in an item"),
        (mutator("AssignImage", "a", "spec.x", "{assignPath: 'r.io/x'}"), "looks like a domain"),
    ] {
        let told = becomes(&text, "spec: {}");
        assert!(told.contains(expect), "{told}");
    }
}
