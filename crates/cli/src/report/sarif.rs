//! SARIF 2.1.0, for code hosts and editors. Section numbers refer to the OASIS standard.

use std::collections::HashMap;
use std::io::{self, Write};

use model::coverage::{Gap, GapKind};
use model::{Finding, Rule, Severity};

use super::Render;
use super::excerpt::Sources;
use super::json::properties;
use super::stream::Json;

/// Prints the report.
pub(crate) fn write(render: &Render<'_>, out: &mut dyn Write) -> io::Result<()> {
    let rules = Rules::collect(render);
    let mut json = Json::new(out);
    json.object();
    json.field("$schema", SCHEMA);
    json.field("version", "2.1.0");
    json.array_at("runs", |json| {
        json.object();
        json.object_at("tool", |json| json.object_at("driver", |json| driver(json, render, &rules)));
        json.array_at("invocations", |json| invocation(json, render));
        // §3.14.17: Kobuk counts characters, not UTF-16 units.
        json.field("columnKind", "unicodeCodePoints");
        json.object_at("originalUriBaseIds", |json| {
            json.object_at(BASE_ID, |json| {
                json.object_at("description", |json| json.field("text", "The directory that the run started in."));
            });
        });
        json.array_at("results", |json| results(json, render, &rules));
        json.end_object();
    });
    json.end_object();
    json.finish()
}

/// Rules in the order of their index.
struct Rules {
    list: Vec<&'static Rule>,
    index: HashMap<&'static str, usize>,
}

impl Rules {
    /// Rules that ran, and any other that a finding names.
    fn collect(render: &Render<'_>) -> Self {
        let mut rules = Rules { list: Vec::new(), index: HashMap::new() };
        let found = render.report.findings.iter().chain(render.report.excepted.iter().map(|(finding, _)| finding));
        for rule in render.rules.iter().copied().chain(found.map(|finding| finding.rule)) {
            if !rules.index.contains_key(rule.code) {
                rules.index.insert(rule.code, rules.list.len());
                rules.list.push(rule);
            }
        }
        rules
    }
}

fn driver(json: &mut Json<'_>, render: &Render<'_>, rules: &Rules) {
    json.field("name", "Kobuk");
    json.field("semanticVersion", render.version);
    json.field("informationUri", "https://kobuk.dev");
    json.array_at("rules", |json| {
        for rule in &rules.list {
            json.line();
            self::rule(json, rule);
        }
    });
}

fn rule(json: &mut Json<'_>, rule: &Rule) {
    json.object();
    json.field("id", rule.code);
    json.object_at("shortDescription", |json| json.field("text", rule.title));
    json.object_at("fullDescription", |json| json.field("text", rule.why));
    json.object_at("help", |json| {
        let controls: Vec<&str> = rule.serves.iter().map(|serves| serves.control).collect();
        let controls = controls.join(", ");
        let (text, markdown) = (
            format!("{}\n\n{}\n\nControls: {controls}", rule.why, rule.fix),
            format!("{}\n\n**Fix:** {}\n\n**Controls:** {controls}", rule.why, rule.fix),
        );
        if rule.example.is_empty() {
            json.field("text", &text);
            json.field("markdown", &markdown);
        } else {
            let example = rule.example.trim_end();
            json.field("text", &format!("{text}\n\n{example}"));
            json.field("markdown", &format!("{markdown}\n\n```yaml\n{example}\n```"));
        }
    });
    json.field_of("helpUri", format_args!("docs/findings/{}.md", rule.code));
    json.object_at("defaultConfiguration", |json| json.field("level", level(rule.severity)));
    json.object_at("properties", |json| {
        json.field("security-severity", rule.severity.score());
        json.field("precision", "high");
        let controls = rule.serves.iter().map(|serves| serves.control);
        json.strings("tags", ["security", "kubernetes"].into_iter().chain(controls));
    });
    json.end_object();
}

fn invocation(json: &mut Json<'_>, render: &Render<'_>) {
    let coverage = &render.report.coverage;
    json.object();
    json.field("commandLine", &render.command_line());
    json.key("executionSuccessful");
    json.boolean(!coverage.gaps().any(|gap| gap.kind.fails_run()));
    json.field("endTimeUtc", &render.time());
    json.array_at("toolExecutionNotifications", |json| {
        for gap in coverage.gaps() {
            json.line();
            notification(json, render, gap);
        }
    });
    json.end_object();
}

fn notification(json: &mut Json<'_>, render: &Render<'_>, gap: &Gap) {
    json.object();
    json.object_at("descriptor", |json| json.field("id", gap.kind.as_str()));
    json.field("level", if gap.kind.fails_run() { "error" } else { "warning" });
    let prefix = if gap.kind == GapKind::Truncated { "not all listed" } else { "not judged" };
    json.object_at("message", |json| json.field("text", &format!("{prefix}: {}", gap.message)));
    json.array_at("locations", |json| {
        json.object();
        json.object_at("physicalLocation", |json| {
            artifact(json, render.report.path(gap.location.file));
            if gap.location.line > 0 {
                json.object_at("region", |json| {
                    json.count("startLine", gap.location.line);
                    json.count("startColumn", gap.location.column.max(1));
                });
            }
        });
        json.end_object();
    });
    json.end_object();
}

/// Findings that count and those that are accepted, merged by place so that each file is read once.
fn results(json: &mut Json<'_>, render: &Render<'_>, rules: &Rules) {
    let mut sources = Sources::new(render);
    let mut accepted = render.report.excepted.iter().peekable();
    let mut counting = render.report.findings.iter().peekable();
    loop {
        let take_accepted = match (counting.peek(), accepted.peek()) {
            (None, None) => return,
            (Some(_), None) => false,
            (None, Some(_)) => true,
            (Some(finding), Some((other, _))) => other.location < finding.location,
        };
        let (finding, exception) = match take_accepted {
            true => accepted.next().map(|(finding, index)| (finding, Some(*index))),
            false => counting.next().map(|finding| (finding, None)),
        }
        .unzip();
        let Some(finding) = finding else { return };
        json.line();
        result(json, render, rules, finding, exception.flatten(), &mut sources);
    }
}

fn result(
    json: &mut Json<'_>,
    render: &Render<'_>,
    rules: &Rules,
    finding: &Finding,
    exception: Option<usize>,
    sources: &mut Sources<'_>,
) {
    json.object();
    json.field("ruleId", finding.rule.code);
    json.count("ruleIndex", rules.index.get(finding.rule.code).copied().unwrap_or(0));
    json.field("level", level(finding.severity));
    json.object_at("message", |json| json.field("text", &message(&finding.message)));
    json.array_at("locations", |json| location(json, render, finding, sources));
    json.object_at("partialFingerprints", |json| json.field("kobuk/v1", &finding.fingerprint()));
    json.object_at("properties", |json| {
        json.field("security-severity", finding.severity.score());
        for (key, value) in properties(finding) {
            json.field(key, value);
        }
    });
    // §3.27.23: one suppressed result obliges every result to say whether it is.
    json.array_at("suppressions", |json| {
        let Some(used) = exception.and_then(|index| render.report.exceptions.get(index)) else { return };
        let exception = &used.exception;
        json.object();
        json.field("kind", "external");
        json.field("status", "accepted");
        let text = format!(
            "{} (exception {}, {}, until {})",
            exception.reason, exception.name, exception.owner, exception.expires
        );
        json.field("justification", &text);
        json.end_object();
    });
    json.end_object();
}

fn location(json: &mut Json<'_>, render: &Render<'_>, finding: &Finding, sources: &mut Sources<'_>) {
    let place = finding.location;
    json.object();
    json.object_at("physicalLocation", |json| {
        artifact(json, render.report.path(place.file));
        if place.line > 0 {
            if place.line == 0 {
                return;
            }
            json.object_at("region", |json| {
                json.count("startLine", place.line);
                json.count("startColumn", place.column.max(1));
                if let Some(end) = sources.file(place.file).and_then(|lines| lines.end_column(finding)) {
                    json.count("endLine", place.line);
                    json.count("endColumn", end.max(place.column.max(1)));
                }
            });
        }
    });
    if !finding.subject.kind.is_empty() {
        json.array_at("logicalLocations", |json| {
            json.object();
            json.field("name", &finding.subject.name);
            json.field("fullyQualifiedName", &finding.subject.display());
            json.field("kind", "resource");
            json.end_object();
        });
    }
    json.end_object();
}

/// A file as a relative URI reference; §3.4.3 asks for percent-encoding.
fn artifact(json: &mut Json<'_>, path: &str) {
    json.object_at("artifactLocation", |json| {
        let path = path.replace('\\', "/");
        let path = path.strip_prefix("./").unwrap_or(&path);
        if let Some(absolute) = path.strip_prefix('/') {
            json.field_of("uri", format_args!("file:///{}", super::escape::Link(absolute)));
        } else {
            json.field_of("uri", super::escape::Link(path));
            json.field("uriBaseId", BASE_ID);
        }
    });
}

/// §3.11.5 and §3.11.6: brackets and braces of a plain message are links and placeholders unless escaped.
fn message(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '[' | ']' | '\\' => out.extend(['\\', c]),
            '{' => out.push_str("{{"),
            '}' => out.push_str("}}"),
            c => out.push(c),
        }
    }
    out
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
const BASE_ID: &str = "%SRCROOT%";

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::report::{Format, sample};

    fn run(report: &sample::Sample) -> Value {
        let mut log: Value = serde_json::from_str(&sample::printed(Format::Sarif, report)).unwrap();
        log["runs"][0].take()
    }

    #[test]
    fn a_result_points_at_its_rule_and_its_columns() {
        let run = run(&sample::typical());
        let results = run["results"].as_array().unwrap();
        let result = results.iter().find(|r| r["ruleId"] == "sample-privileged").unwrap();
        let index = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
        assert_eq!(result["level"], "error");
        let region = &result["locations"][0]["physicalLocation"]["region"];
        assert_eq!(region["endColumn"].as_u64().unwrap() - region["startColumn"].as_u64().unwrap(), 4);
    }

    #[test]
    fn accepted_findings_are_suppressed_and_others_are_not() {
        let run = run(&sample::typical());
        let results = run["results"].as_array().unwrap();
        let suppressed = results.iter().filter(|r| !r["suppressions"].as_array().unwrap().is_empty()).count();
        assert_eq!((results.len() - suppressed, suppressed), (5, 1));
        assert_eq!(run["invocations"][0]["executionSuccessful"], false);
        assert_eq!(run["invocations"][0]["toolExecutionNotifications"][0]["descriptor"]["id"], "not-rendered");
    }

    #[test]
    fn hostile_strings_are_no_links_and_no_placeholders() {
        let run = run(&sample::hostile());
        let result = &run["results"][0];
        let text = result["message"]["text"].as_str().unwrap();
        assert!(text.contains("\\[x\\]") && text.contains("{{0}}"), "{text}");
        let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
        assert!(uri.bytes().all(|b| b.is_ascii_graphic() && !b"<>\"'`".contains(&b)), "{uri}");
    }

    #[test]
    fn no_findings_is_an_empty_list_not_a_missing_one() {
        assert_eq!(run(&sample::empty())["results"], serde_json::json!([]));
    }
}
