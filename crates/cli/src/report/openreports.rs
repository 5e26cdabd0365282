//! `openreports.io/v1alpha1` objects: one Report for each namespace, one ClusterReport for the rest.
//!
//! An object of the API server holds about 1.5 MiB, so each report lists at most
//! [`RESULTS_PER_REPORT_MAX`] results, the worst first; its summary counts all of them, and an annotation
//! tells how many are not listed.

use std::collections::BTreeMap;
use std::io::{self, Write};

use model::coverage::Gap;
use model::{Finding, Severity};

use super::Render;
use super::json::properties;
use super::stream::Json;

/// Prints a `List` of all reports.
pub(crate) fn write(render: &Render<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut json = Json::new(out);
    json.object();
    json.field("apiVersion", "v1");
    json.field("kind", "List");
    json.array_at("items", |json| {
        for (namespace, entries) in &group(render) {
            json.line();
            report(json, render, namespace, entries);
        }
    });
    json.end_object();
    json.finish()
}

/// One line of a report, by where it stands in the run.
#[derive(Clone, Copy)]
enum Entry<'r> {
    Finding(&'r Finding),
    Excepted(&'r Finding, usize),
    Gap(&'r Gap),
}

/// What one report holds and counts.
#[derive(Default)]
struct Group<'r> {
    listed: Vec<Entry<'r>>,
    left_out: usize,
    fail: usize,
    warn: usize,
    error: usize,
    skip: usize,
}

/// Everything by namespace; the empty name is the ClusterReport, which is always there.
fn group<'r>(render: &Render<'r>) -> BTreeMap<&'r str, Group<'r>> {
    let report = render.report;
    let mut groups: BTreeMap<&str, Group<'_>> = BTreeMap::new();
    let cluster = groups.entry("").or_default();
    for gap in report.coverage.gaps() {
        cluster.error += 1;
        cluster.list(Entry::Gap(gap));
    }
    for severity in Severity::ALL {
        for finding in report.findings.iter().filter(|finding| finding.severity == severity) {
            let group = groups.entry(namespace(finding)).or_default();
            *(if severity == Severity::Info { &mut group.warn } else { &mut group.fail }) += 1;
            group.list(Entry::Finding(finding));
        }
    }
    for (finding, index) in &report.excepted {
        let group = groups.entry(namespace(finding)).or_default();
        group.skip += 1;
        group.list(Entry::Excepted(finding, *index));
    }
    groups
}

impl<'r> Group<'r> {
    fn list(&mut self, entry: Entry<'r>) {
        if self.listed.len() < RESULTS_PER_REPORT_MAX {
            self.listed.push(entry);
        } else {
            self.left_out += 1;
        }
    }
}

/// The namespace that the report of a finding can live in; empty for names that no namespace can have.
fn namespace(finding: &Finding) -> &str {
    let name = &*finding.subject.namespace;
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let fine = name.len() <= 63 && name.bytes().all(inner) && !name.starts_with('-') && !name.ends_with('-');
    if fine { name } else { "" }
}

fn report(json: &mut Json<'_>, render: &Render<'_>, namespace: &str, group: &Group<'_>) {
    json.object();
    json.field("apiVersion", "openreports.io/v1alpha1");
    json.field("kind", if namespace.is_empty() { "ClusterReport" } else { "Report" });
    json.object_at("metadata", |json| {
        json.field("name", "kobuk");
        if !namespace.is_empty() {
            json.field("namespace", namespace);
        }
        json.object_at("labels", |json| json.field("app.kubernetes.io/managed-by", "kobuk"));
        json.object_at("annotations", |json| {
            json.field("kobuk.dev/version", render.version);
            json.field_of("kobuk.dev/results-not-listed", group.left_out);
        });
    });
    json.field("source", "kobuk");
    json.object_at("configuration", |json| {
        json.object_at("limits", |json| json.count("maxResults", RESULTS_PER_REPORT_MAX));
    });
    json.object_at("summary", |json| {
        json.count("pass", 0_usize);
        json.count("fail", group.fail);
        json.count("warn", group.warn);
        json.count("error", group.error);
        json.count("skip", group.skip);
    });
    json.array_at("results", |json| {
        for entry in &group.listed {
            json.line();
            json.object();
            match entry {
                Entry::Finding(finding) => result(json, render, finding, None),
                Entry::Excepted(finding, index) => result(json, render, finding, Some(*index)),
                Entry::Gap(gap) => unjudged(json, render, gap),
            }
            json.object_at("timestamp", |json| {
                json.count("seconds", render.now_unix);
                json.count("nanos", 0_usize);
            });
            json.end_object();
        }
    });
    json.end_object();
}

fn result(json: &mut Json<'_>, render: &Render<'_>, finding: &Finding, exception: Option<usize>) {
    let scored = finding.severity > Severity::Info;
    json.field("source", "kobuk");
    json.field("policy", finding.rule.code);
    let control = finding.rule.serves.first().and_then(|serves| model::catalogue::control(serves.control));
    json.field("category", control.map_or("", |control| control.area.as_str()));
    json.field("severity", finding.severity.as_str());
    json.field(
        "result",
        match (exception, scored) {
            (Some(_), _) => "skip",
            (None, true) => "fail",
            (None, false) => "warn",
        },
    );
    json.key("scored");
    json.boolean(scored);
    json.field("message", &finding.message);
    if !finding.subject.kind.is_empty() {
        json.array_at("resources", |json| {
            json.object();
            json.field("apiVersion", &finding.subject.api_version);
            json.field("kind", &finding.subject.kind);
            if !finding.subject.namespace.is_empty() {
                json.field("namespace", &finding.subject.namespace);
            }
            json.field("name", &finding.subject.name);
            json.end_object();
        });
    }
    json.object_at("properties", |json| {
        for (key, value) in properties(finding).filter(|(key, _)| !OWN_PROPERTIES.contains(key)) {
            json.field(key, value);
        }
        let controls: Vec<&str> = finding.rule.serves.iter().map(|serves| serves.control).collect();
        json.field("controls", &controls.join(","));
        json.field("file", render.report.path(finding.location.file));
        json.field_of("line", finding.location.line);
        if let Some(used) = exception.and_then(|index| render.report.exceptions.get(index)) {
            json.field("exception", &used.exception.name);
        }
    });
}

fn unjudged(json: &mut Json<'_>, render: &Render<'_>, gap: &Gap) {
    json.field("source", "kobuk");
    json.field("policy", "coverage");
    json.field("rule", gap.kind.as_str());
    json.field("result", "error");
    json.key("scored");
    json.boolean(gap.kind.fails_run());
    json.field("message", &gap.message);
    json.object_at("properties", |json| {
        json.field("file", render.report.path(gap.location.file));
        json.field_of("line", gap.location.line);
    });
}

/// A result takes about 600 bytes; 1,000 of them stay well below the limit of one object.
pub(crate) const RESULTS_PER_REPORT_MAX: usize = 1_000;
const OWN_PROPERTIES: &[&str] = &["controls", "file", "line", "exception"];

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::report::{Format, sample};

    fn items(report: &sample::Sample) -> Vec<Value> {
        let list: Value = serde_json::from_str(&sample::printed(Format::Openreports, report)).unwrap();
        list["items"].as_array().unwrap().clone()
    }

    #[test]
    fn each_namespace_has_its_report() {
        let items = items(&sample::typical());
        let names: Vec<_> =
            items.iter().map(|i| (i["kind"].as_str().unwrap(), i["metadata"]["namespace"].as_str())).collect();
        assert_eq!(names, [("ClusterReport", None), ("Report", Some("legacy")), ("Report", Some("shop"))]);
        assert_eq!(items[2]["summary"], serde_json::json!({"pass": 0, "fail": 4, "warn": 1, "error": 0, "skip": 0}));
        assert_eq!(items[1]["results"][0]["result"], "skip");
        assert_eq!(items[0]["results"][0]["result"], "error");
    }

    #[test]
    fn a_report_lists_a_thousand_and_counts_all() {
        let items = items(&sample::crowd(6_000));
        for report in &items[1..] {
            assert_eq!(report["results"].as_array().unwrap().len(), 1_000);
            assert_eq!(report["summary"]["fail"], 2_000);
            assert_eq!(report["metadata"]["annotations"]["kobuk.dev/results-not-listed"], "1000");
        }
    }

    #[test]
    fn a_name_that_no_namespace_can_have_goes_to_the_cluster_report() {
        let items = items(&sample::hostile());
        assert!(items.iter().all(|i| i["metadata"]["namespace"].as_str().is_none_or(|n| n == "legacy")), "{items:?}");
    }

    #[test]
    fn nothing_found_replaces_an_older_report() {
        let items = items(&sample::empty());
        assert_eq!((items.len(), &items[0]["results"]), (1, &serde_json::json!([])));
    }
}
