//! Defaults, pruning and encoding against a real kube-apiserver.
//!
//! `KUBEBUILDER_ASSETS=… cargo test -p policy --test defaults_apiserver -- --ignored`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

#[path = "../../manifest/tests/envtest/server.rs"]
#[allow(dead_code)]
mod server;

use std::collections::BTreeMap;

use manifest::{Data, Value};
use model::FileId;
use policy::admission::defaults::{Plugins, Stage, as_seen};
use policy::admission::{Facts, resources};

const OBJECTS: &str = include_str!("defaults/objects.yaml");

/// Lines `path = value` of every scalar and empty collection, without what cannot be foreseen.
fn flat(value: Value<'_>, path: &str, out: &mut BTreeMap<String, String>) {
    let foreseen =
        |path: &str| !UNFORESEEN.iter().any(|word| path.ends_with(word) || path.contains(&format!("{word}[")));
    if !foreseen(path) {
        return;
    }
    match value.data() {
        Data::Map(count) if *count > 0 => {
            value.entries().for_each(|(key, value)| flat(value, &format!("{path}.{}", key.as_str().unwrap()), out));
        }
        Data::Seq(count) if *count > 0 => {
            value.items().enumerate().for_each(|(at, item)| flat(item, &format!("{path}[{at}]"), out));
        }
        _ => {
            out.insert(path.to_owned(), value.to_json());
        }
    }
}

const UNFORESEEN: [&str; 13] = [
    ".uid",
    ".creationTimestamp",
    ".managedFields",
    ".resourceVersion",
    ".clusterIP",
    ".clusterIPs",
    ".ipFamilies",
    ".ipFamilyPolicy",
    ".nodePort",
    ".lastPhaseTransitionTime",
    ".controller-uid",
    "/controller-uid",
    ".lastTransitionTime",
];

#[test]
#[ignore = "needs a kube-apiserver"]
fn objects_look_as_the_server_makes_them() {
    let server = server::Server::start();
    let file = std::env::temp_dir().join(format!("kobuk-objects-{}.json", std::process::id()));
    let plugins = Plugins { service_account: false, default_toleration_seconds: false, ..Plugins::default() };
    let (mut compared, mut differences) = (0, 0);
    manifest::documents(OBJECTS, FileId(0), |document| {
        let tree = document.unwrap();
        std::fs::write(&file, tree.root().to_json()).unwrap();
        let arguments = ["create", "--validate=ignore", "--dry-run=server", "-o", "json", "-f"];
        let arguments: Vec<&str> = arguments.into_iter().chain([file.to_str().unwrap()]).collect();
        let answer = server.kubectl(&arguments).unwrap_or_else(|error| panic!("{error}: {}", tree.root().to_json()));
        let theirs = manifest::stream::json_document(&answer, FileId(0)).unwrap();
        let kind = tree.root().str_at("kind").unwrap();
        let api_version = tree.root().str_at("apiVersion").unwrap();
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        let namespaced = resources::of_kind(group, kind).unwrap().namespaced;
        let namespace = if namespaced { "default" } else { "" };
        let ours = as_seen(tree.root(), namespace, Stage::Created, plugins, &Facts::new()).unwrap();
        let (mut a, mut b) = (BTreeMap::new(), BTreeMap::new());
        flat(ours.root(), "", &mut a);
        flat(theirs.root(), "", &mut b);
        compared += 1;
        for (path, value) in &a {
            if b.get(path) != Some(value) {
                differences += 1;
                println!("{api_version} {kind}{path}: ours {value}, theirs {:?}", b.get(path));
            }
        }
        for (path, value) in b.iter().filter(|(path, _)| !a.contains_key(*path)) {
            differences += 1;
            println!("{api_version} {kind}{path}: ours nothing, theirs {value}");
        }
    });
    println!("{compared} objects, {differences} differences");
    assert_eq!(differences, 0);
}
