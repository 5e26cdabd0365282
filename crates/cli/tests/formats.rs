//! Every format can be read by what it is for, and two runs print the same bytes.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "door/binary.rs"]
mod binary;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::binary::kobuk;

const FORMATS: [&str; 9] = ["text", "json", "sarif", "junit", "markdown", "github", "html", "openreports", "oscal"];

/// Names and values that break formats that do not escape.
const HOSTILE: &str = "apiVersion: v1
kind: Pod
metadata:
  name: \"<b>&]]>|`%0A::error\\u001b[31m\\\"'\\u202e\"
  namespace: \"a,b\\n::warning file=x::y\"
spec:
  hostNetwork: true
  containers:
  - name: \"c]]><script>alert(1)</script>\"
    image: \"nginx<!-- -->&amp;\"
    securityContext: {privileged: true}
";

const EXCEPTED: &str = "apiVersion: v1
kind: Pod
metadata: {name: tool, namespace: shop}
spec:
  containers: [{name: tool, image: 'registry.example.com/tool:1', securityContext: {privileged: true}}]
---
apiVersion: kobuk.dev/v1alpha1
kind: Exception
metadata: {name: tool}
spec: {owner: us, reason: legacy, expires: 2027-01-01, findings: [pod-security-privileged], scope: {names: [tool]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: all}
rules: [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]
";

/// A folder with findings, an exception, a broken file and one that is no manifest.
fn folder(name: &str) -> PathBuf {
    let folder = binary::folder(name);
    std::fs::write(folder.join("hostile.yaml"), HOSTILE).unwrap();
    std::fs::write(folder.join("excepted.yaml"), EXCEPTED).unwrap();
    std::fs::write(folder.join("broken & <odd>.yaml"), "apiVersion: v1\nkind: Pod\n  spec: [\n").unwrap();
    std::fs::write(folder.join("other.json"), "{\"compilerOptions\": {}}").unwrap();
    folder
}

fn printed(folder: &Path, verb: &[&str], format: &str) -> String {
    let output = kobuk(folder, &[verb, &[".", "--format", format]].concat());
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn read(folder: &Path, format: &str) -> Value {
    serde_json::from_str(&printed(folder, &["assess"], format)).unwrap()
}

fn length(value: &Value) -> usize {
    value.as_array().unwrap().len()
}

#[test]
fn json_is_what_the_published_schema_describes() {
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schemas/report-v1.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
    let folder = folder("formats-json");
    for verb in [&["scan", "manifests"][..], &["assess"][..]] {
        let report: Value = serde_json::from_str(&printed(&folder, verb, "json")).unwrap();
        let mut complaints = Vec::new();
        names(&schema, &schema, &report, "$", &mut complaints);
        assert!(complaints.is_empty(), "{complaints:#?}");
        assert_eq!(report["summary"]["findings"].as_u64().unwrap() as usize, length(&report["findings"]));
        assert!(length(&report["findings"]) > 10 && length(&report["excepted"]) == 1);
        assert_eq!(length(&report["coverage"]["files"]), 4);
    }
}

/// Complains about names that the schema requires and the report lacks, and about names beyond it.
fn names(root: &Value, schema: &Value, value: &Value, path: &str, complaints: &mut Vec<String>) {
    if let Some(target) = schema["$ref"].as_str() {
        return names(root, root.pointer(target.trim_start_matches('#')).unwrap(), value, path, complaints);
    }
    for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(key).is_none() {
            complaints.push(format!("{path} lacks {key}"));
        }
    }
    for (key, child) in value.as_object().into_iter().flatten() {
        match (&schema["properties"][key], &schema["additionalProperties"]) {
            (Value::Null, Value::Bool(false)) => complaints.push(format!("{path} has {key}")),
            (Value::Null, _) => {}
            (known, _) => names(root, known, child, &format!("{path}.{key}"), complaints),
        }
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        names(root, &schema["items"], item, &format!("{path}[{index}]"), complaints);
    }
}

#[test]
fn sarif_holds_every_finding_with_its_rule_and_place() {
    let folder = folder("formats-sarif");
    let (report, sarif) = (read(&folder, "json"), read(&folder, "sarif"));
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    assert_eq!(length(&sarif["runs"]), 1);
    let all = run["results"].as_array().unwrap();
    let (excepted, results): (Vec<_>, Vec<_>) =
        all.iter().partition(|result| result["suppressions"].as_array().is_some_and(|list| !list.is_empty()));
    assert_eq!(results.len(), length(&report["findings"]));
    assert!(excepted.is_empty() || excepted.len() == length(&report["excepted"]));
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for result in all {
        let rule = &rules[result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(result["message"]["text"].as_str().is_some_and(|text| !text.is_empty()), "{result}");
        let place = &result["locations"][0]["physicalLocation"];
        assert!(place["artifactLocation"]["uri"].is_string(), "{result}");
    }
}

#[test]
fn junit_is_well_formed_and_its_numbers_are_right() {
    let folder = folder("formats-junit");
    let text = printed(&folder, &["scan", "manifests"], "junit");
    let counts = elements(&text);
    let attribute = |name: &str| {
        let start = text.split_once("<testsuites").unwrap().1;
        let value = start.split_once(&format!("{name}=\"")).unwrap().1;
        value.split_once('"').unwrap().0.parse::<usize>().unwrap()
    };
    let of = |name: &str| counts.iter().filter(|found| *found == name).count();
    assert!(of("failure") > 10);
    assert_eq!((attribute("tests"), attribute("failures")), (of("testcase"), of("failure")));
}

/// Names of the elements of an XML text; fails when it is not well-formed.
fn elements(text: &str) -> Vec<String> {
    assert!(text.chars().all(|c| c >= ' ' || matches!(c, '\n' | '\t' | '\r')), "a character that XML forbids");
    let (mut names, mut open, mut rest) = (Vec::new(), Vec::new(), text);
    while let Some((before, tag)) = rest.split_once('<') {
        references(before);
        if let Some(after) = tag.strip_prefix("![CDATA[") {
            rest = after.split_once("]]>").unwrap().1;
            continue;
        }
        let (tag, after) = tag.split_once('>').unwrap();
        rest = after;
        references(tag);
        assert!(tag.matches('"').count() % 2 == 0, "a tag with an open quote: {tag}");
        if tag.starts_with('?') {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name.trim()));
            continue;
        }
        let name: String = tag.chars().take_while(|c| c.is_alphanumeric()).collect();
        assert!(!name.is_empty(), "a tag without a name: {tag}");
        if !tag.ends_with('/') {
            open.push(name.clone());
        }
        names.push(name);
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "open at the end: {open:?} {rest}");
    names
}

/// Every `&` starts a reference that XML knows.
fn references(text: &str) {
    for after in text.split('&').skip(1) {
        let name = after.split_once(';').map_or("", |(name, _)| name);
        assert!(matches!(name, "amp" | "lt" | "gt" | "quot" | "apos") || name.starts_with('#'), "&{after}");
    }
}

#[test]
fn openreports_and_oscal_are_json_of_their_kinds() {
    let folder = folder("formats-other");
    let report = read(&folder, "json");
    let oscal = read(&folder, "oscal");
    let results = &oscal["assessment-results"];
    assert!(results["uuid"].is_string() && results["metadata"]["oscal-version"].is_string(), "{results}");
    assert!(length(&results["results"]) > 0);
    let reports = printed(&folder, &["scan", "manifests"], "openreports");
    let reports: Value = serde_json::from_str(&reports).unwrap();
    assert_eq!(reports["kind"], "List");
    let items = reports["items"].as_array().unwrap();
    let results: usize = items.iter().map(|item| length(&item["results"])).sum();
    assert!(results >= length(&report["findings"]), "{results}");
    for item in items {
        assert!(item["apiVersion"].as_str().unwrap().starts_with("openreports.io/"), "{item}");
        assert!(matches!(item["kind"].as_str(), Some("Report" | "ClusterReport")), "{item}");
    }
}

#[test]
fn annotations_are_single_lines_and_nothing_hostile_is_printed_raw() {
    let folder = folder("formats-github");
    for line in printed(&folder, &["scan", "manifests"], "github").lines() {
        let known = ["::error ", "::warning ", "::notice "].iter().any(|start| line.starts_with(start));
        assert!(!line.starts_with("::") || known, "{line}");
        assert!(!line.starts_with("::warning file=x::"), "{line}");
    }
    for format in FORMATS {
        let text = printed(&folder, &["assess"], format);
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{format}");
    }
    assert!(!printed(&folder, &["assess"], "html").contains("<script>alert"));
}

#[test]
fn two_runs_print_the_same_bytes() {
    let folder = folder("formats-twice");
    for verb in [&["scan", "manifests"][..], &["assess"][..]] {
        for format in FORMATS {
            let run = |jobs: &str| kobuk(&folder, &[verb, &[".", "--format", format, "--jobs", jobs]].concat()).stdout;
            let first = run("1");
            assert!(first == run("1") && first == run("4"), "{verb:?} {format}");
        }
    }
}
