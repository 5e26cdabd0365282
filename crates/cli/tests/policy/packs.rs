//! Every part of every policy pack is held by its tests: whoever blanks a field turns them red.

use std::path::{Path, PathBuf};

use manifest::Tree;
use serde_json::Value;

use crate::binary::folder;
use crate::run;

fn packs() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    let mut packs: Vec<PathBuf> =
        std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    packs.sort();
    packs
}

fn documents(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut list = Vec::new();
    manifest::documents(&text, model::FileId(0), |document: Result<Tree<'_>, _>| {
        list.push(serde_json::from_str(&document.unwrap().root().to_json()).unwrap());
    });
    list
}

/// Paths of all fields below a value.
fn fields(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let path = format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
                found.push(path.clone());
                fields(inner, &path, found);
            }
        }
        Value::Array(list) => {
            for (index, inner) in list.iter().enumerate() {
                fields(inner, &format!("{path}/{index}"), found);
            }
        }
        _ => {}
    }
}

fn without(document: &Value, path: &str) -> Value {
    let mut document = document.clone();
    let (parent, key) = path.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    document.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(&key);
    document
}

/// A field whose default is what it says: taking it away changes nothing.
fn says_the_default(document: &Value, path: &str) -> bool {
    let value = document.pointer(path);
    path.ends_with("/failurePolicy") && value == Some(&"Fail".into())
        || path.ends_with("/reason") && value == Some(&"Invalid".into())
}

#[test]
fn each_field_is_held_by_a_test() {
    let base = folder("pack-mutations");
    let mut mutants = Vec::new();
    for pack in packs() {
        let name = pack.file_name().unwrap().to_str().unwrap().to_owned();
        let documents = documents(&pack.join("policy.yaml"));
        for (number, document) in documents.iter().enumerate() {
            let mut paths = Vec::new();
            fields(&document["spec"], "/spec", &mut paths);
            for path in paths.into_iter().filter(|path| !says_the_default(document, path)) {
                let mut changed = documents.clone();
                changed[number] = without(document, &path);
                let place = base.join(format!("m{}", mutants.len()));
                std::fs::create_dir(&place).unwrap();
                for entry in std::fs::read_dir(&pack).unwrap() {
                    let entry = entry.unwrap();
                    std::fs::copy(entry.path(), place.join(entry.file_name())).unwrap();
                }
                let text: String = changed.iter().map(|document| format!("---\n{document}\n")).collect();
                std::fs::write(place.join("policy.yaml"), text).unwrap();
                mutants.push(format!("{name}: {} {path}", document["kind"].as_str().unwrap()));
            }
        }
    }
    assert!(mutants.len() > 80, "{}", mutants.len());
    let report = run(&base, &["policy", "test", ".", "--format", "json"]).json();
    let mut killed = vec![false; mutants.len()];
    for case in report["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let place = name.trim_start_matches("./").split('/').next().unwrap();
        let number: usize = place.trim_start_matches('m').parse().unwrap_or_else(|_| panic!("{name}"));
        killed[number] |= case["outcome"] != "ok";
    }
    let alive: Vec<&String> =
        mutants.iter().zip(&killed).filter(|(_, killed)| !**killed).map(|(name, _)| name).collect();
    assert!(alive.is_empty(), "no test notices that these are gone: {alive:#?}");
}
