//! Kobuk's own JSON, one finding to a line. `docs/schemas/report-v1.schema.json` describes it.

use std::io::{self, Write};

use model::coverage::Gap;
use model::{FileCoverage, Finding, Judgement, Location, Posture, Severity, State};

use super::Render;
use super::stream::Json;
use super::tally::{exception_state, severities, states};

/// Prints the report.
pub(crate) fn write(render: &Render<'_>, out: &mut dyn Write) -> io::Result<()> {
    let report = render.report;
    let mut json = Json::new(out);
    json.object();
    json.field("schemaVersion", SCHEMA_VERSION);
    json.object_at("tool", |json| {
        json.field("name", "kobuk");
        json.field("version", render.version);
        json.field("command", &render.command_line());
    });
    json.field("generatedAt", &render.time());
    json.array_at("findings", |json| {
        for found in &report.findings {
            json.line();
            finding(json, render, found, None);
        }
    });
    json.array_at("excepted", |json| {
        for (found, index) in &report.excepted {
            json.line();
            let name = report.exceptions.get(*index).map_or("", |used| &used.exception.name);
            finding(json, render, found, Some(name));
        }
    });
    exceptions(&mut json, render);
    coverage(&mut json, render);
    json.array_at("posture", |json| {
        for entry in &report.posture {
            json.line();
            posture(json, entry);
        }
    });
    advisories(&mut json, render);
    upgrades(&mut json, render);
    summary(&mut json, render);
    json.end_object();
    json.finish()
}

fn finding(json: &mut Json<'_>, render: &Render<'_>, finding: &Finding, exception: Option<&str>) {
    json.object();
    json.field("code", finding.rule.code);
    json.field("severity", finding.severity.as_str());
    json.field("message", &finding.message);
    json.strings("controls", finding.rule.serves.iter().map(|serves| serves.control));
    json.object_at("subject", |json| {
        json.field("apiVersion", &finding.subject.api_version);
        json.field("kind", &finding.subject.kind);
        json.field("namespace", &finding.subject.namespace);
        json.field("name", &finding.subject.name);
    });
    location(json, render, finding.location);
    json.object_at("properties", |json| {
        for (key, value) in properties(finding) {
            json.field(key, value);
        }
    });
    json.field("fingerprint", &finding.fingerprint());
    if let Some(name) = exception {
        json.field("exception", name);
    }
    json.end_object();
}

/// The properties of a finding, each name once.
pub(crate) fn properties(finding: &Finding) -> impl Iterator<Item = (&'static str, &str)> {
    let list = finding.properties.as_deref().map_or(&[][..], Vec::as_slice);
    list.iter()
        .enumerate()
        .filter(|(at, (key, _))| !list.iter().take(*at).any(|(earlier, _)| earlier == key))
        .map(|(_, (key, value))| (*key, &**value))
}

fn location(json: &mut Json<'_>, render: &Render<'_>, location: Location) {
    json.object_at("location", |json| {
        json.field("file", render.report.path(location.file));
        json.count("line", location.line);
        json.count("column", location.column);
    });
}

fn exceptions(json: &mut Json<'_>, render: &Render<'_>) {
    json.array_at("exceptions", |json| {
        for used in &render.report.exceptions {
            json.line();
            json.object();
            json.field("name", &used.exception.name);
            json.field("owner", &used.exception.owner);
            json.field("reason", &used.exception.reason);
            json.field("expires", &used.exception.expires);
            json.field("state", exception_state(used));
            json.count("matched", used.matched);
            location(json, render, used.exception.location);
            json.end_object();
        }
    });
}

fn coverage(json: &mut Json<'_>, render: &Render<'_>) {
    let coverage = &render.report.coverage;
    json.object_at("coverage", |json| {
        json.count("documents", coverage.documents());
        json.count("objects", coverage.objects());
        json.count("gaps", coverage.gaps().count());
        json.object_at("judgements", |json| {
            for judgement in JUDGEMENTS {
                json.count(judgement.as_str(), coverage.files_with(judgement));
            }
        });
        json.array_at("files", |json| {
            for file in &coverage.files {
                json.line();
                file_coverage(json, render, file);
            }
        });
    });
}

fn file_coverage(json: &mut Json<'_>, render: &Render<'_>, file: &FileCoverage) {
    json.object();
    json.field("path", render.report.path(file.file));
    json.field("judgement", file.judgement.as_str());
    json.count("bytes", file.bytes);
    json.count("documents", file.documents);
    json.count("objects", file.objects);
    json.array_at("gaps", |json| {
        for Gap { kind, location: place, message } in &file.gaps {
            json.object();
            json.field("kind", kind.as_str());
            json.field("message", message);
            location(json, render, *place);
            json.end_object();
        }
    });
    json.end_object();
}

fn posture(json: &mut Json<'_>, entry: &Posture) {
    json.object();
    json.field("control", entry.control.id);
    json.field("state", entry.state.as_str());
    json.field("reason", &entry.reason);
    json.field("phase", entry.control.phase.as_str());
    json.field("area", entry.control.area.as_str());
    json.field("title", entry.control.title);
    json.count("findings", entry.findings);
    json.count("excepted", entry.excepted);
    if let Some(worst) = entry.worst {
        json.field("worst", worst.as_str());
    }
    json.end_object();
}

/// The sources that vulnerabilities were judged by, with their age in seconds.
fn advisories(json: &mut Json<'_>, render: &Render<'_>) {
    json.array_at("advisories", |json| {
        for source in &render.report.advisories {
            json.line();
            json.object();
            json.field("source", &source.name);
            json.field("license", &source.license);
            json.field("since", &model::exception::format_date(source.since_unix));
            if let Some(age) = source.age_s {
                json.count("ageSeconds", age.max(0));
            }
            json.key("stale");
            json.boolean(source.stale);
            json.end_object();
        }
    });
}

fn upgrades(json: &mut Json<'_>, render: &Render<'_>) {
    json.array_at("upgrades", |json| {
        for upgrade in &render.report.upgrades {
            json.line();
            json.object();
            json.field("file", render.report.path(upgrade.file));
            json.field("package", &upgrade.package);
            json.field("installed", &upgrade.installed);
            json.field("to", &upgrade.to);
            json.field("by", upgrade.by.as_str());
            json.strings("clears", upgrade.clears.iter().map(|id| &**id));
            json.strings("stays", upgrade.stays.iter().map(|id| &**id));
            json.end_object();
        }
    });
}

fn summary(json: &mut Json<'_>, render: &Render<'_>) {
    let report = render.report;
    json.object_at("summary", |json| {
        json.count("findings", report.findings.len());
        json.object_at("severities", |json| {
            for (severity, count) in Severity::ALL.iter().zip(severities(report.findings.iter())) {
                json.count(severity.as_str(), count);
            }
        });
        json.count("excepted", report.excepted.len());
        json.count("baselined", report.baselined);
        json.object_at("states", |json| {
            for (state, count) in State::ALL.iter().zip(states(report.posture.iter())) {
                json.count(state.as_str(), count);
            }
        });
        json.count("rules", render.rules.len());
        json.field("failOn", render.fail_on.as_str());
        json.key("fails");
        json.boolean(render.fails());
        json.count("elapsedMs", render.elapsed_ms);
    });
}

const SCHEMA_VERSION: &str = "1";

/// Every judgement, in the order in which reports count them.
pub(crate) const JUDGEMENTS: [Judgement; 6] = [
    Judgement::Judged,
    Judgement::Partly,
    Judgement::NotJudged,
    Judgement::NotKubernetes,
    Judgement::Rendered,
    Judgement::Excluded,
];

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::report::{Format, sample};

    #[test]
    fn the_published_schema_describes_every_report() {
        let schema: Value =
            serde_json::from_str(include_str!("../../../../docs/schemas/report-v1.schema.json")).unwrap();
        for report in [sample::empty(), sample::typical(), sample::vulnerable(), sample::hostile()] {
            let output: Value = serde_json::from_str(&sample::printed(Format::Json, &report)).unwrap();
            let mut errors = Vec::new();
            validate(&schema, &schema, &output, "$", &mut errors);
            assert!(errors.is_empty(), "{errors:#?}");
        }
    }

    #[test]
    fn the_schema_refuses_what_it_does_not_describe() {
        let schema: Value =
            serde_json::from_str(include_str!("../../../../docs/schemas/report-v1.schema.json")).unwrap();
        let good: Value = serde_json::from_str(&sample::printed(Format::Json, &sample::typical())).unwrap();
        for (pointer, bad) in [
            ("/findings/0/severity", Value::from("awful")),
            ("/findings/0/location/line", Value::from("9")),
            ("/posture/0/state", Value::from("passed")),
            ("/findings", Value::from(1)),
            ("/summary/severities", serde_json::json!({"high": 1})),
        ] {
            let mut output = good.clone();
            *output.pointer_mut(pointer).unwrap() = bad;
            let mut errors = Vec::new();
            validate(&schema, &schema, &output, "$", &mut errors);
            assert!(!errors.is_empty(), "{pointer}");
        }
    }

    #[test]
    fn upgrades_and_the_age_of_advisories_are_told() {
        let output: Value = serde_json::from_str(&sample::printed(Format::Json, &sample::vulnerable())).unwrap();
        assert_eq!(output["advisories"][0]["source"], "debian");
        assert_eq!(
            (&output["advisories"][0]["stale"], &output["advisories"][1]["stale"]),
            (&false.into(), &true.into())
        );
        assert_eq!(output["advisories"][1]["ageSeconds"], 30 * 86_400);
        let upgrade = &output["upgrades"][0];
        assert_eq!(
            (&upgrade["package"], &upgrade["to"], &upgrade["by"]),
            (&"openssl".into(), &"3.0.15-1".into(), &"base-image".into())
        );
        assert_eq!(upgrade["clears"], serde_json::json!(["CVE-2026-0001", "CVE-2026-0002"]));
    }

    #[test]
    fn a_finding_carries_everything_that_was_promised() {
        let output: Value = serde_json::from_str(&sample::printed(Format::Json, &sample::typical())).unwrap();
        let finding = output["findings"].as_array().unwrap().iter().find(|f| f["severity"] == "critical").unwrap();
        assert_eq!(finding["code"], "sample-privileged");
        assert_eq!(finding["controls"], serde_json::json!(["RC-10", "RC-11"]));
        assert_eq!(finding["subject"]["kind"], "Deployment");
        assert_eq!(finding["location"]["file"], "deploy/web.yaml");
        assert_eq!(finding["properties"]["container"], "web");
        assert_eq!(output["posture"].as_array().unwrap().len(), 182);
        assert_eq!(output["exceptions"][0]["state"], "active");
    }

    /// The part of JSON Schema 2020-12 that the published schema uses. Unknown keywords are an error, so the
    /// schema cannot quietly grow past this.
    fn validate(root: &Value, schema: &Value, value: &Value, path: &str, errors: &mut Vec<String>) {
        let Some(keywords) = schema.as_object() else { return errors.push(format!("{path}: no schema object")) };
        for (keyword, wanted) in keywords {
            let fine = match keyword.as_str() {
                "$schema" | "$id" | "$defs" | "title" | "description" => true,
                "$ref" => {
                    let target = root.pointer(wanted.as_str().unwrap().trim_start_matches('#')).unwrap();
                    validate(root, target, value, path, errors);
                    true
                }
                "type" => match wanted.as_str().unwrap() {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "integer" => value.is_u64() || value.is_i64(),
                    "boolean" => value.is_boolean(),
                    other => panic!("type {other}"),
                },
                "const" => value == wanted,
                "enum" => wanted.as_array().unwrap().contains(value),
                "minimum" => value.as_i64() >= wanted.as_i64(),
                "minItems" => value.as_array().unwrap().len() as u64 >= wanted.as_u64().unwrap(),
                "pattern" => pattern(wanted.as_str().unwrap(), value.as_str().unwrap_or("")),
                "required" => wanted.as_array().unwrap().iter().all(|key| value.get(key.as_str().unwrap()).is_some()),
                "items" => {
                    for (at, item) in value.as_array().into_iter().flatten().enumerate() {
                        validate(root, wanted, item, &format!("{path}[{at}]"), errors);
                    }
                    true
                }
                "properties" => {
                    for (key, sub) in wanted.as_object().unwrap() {
                        if let Some(child) = value.get(key) {
                            validate(root, sub, child, &format!("{path}.{key}"), errors);
                        }
                    }
                    true
                }
                "additionalProperties" => {
                    let known = schema.get("properties").and_then(Value::as_object);
                    for (key, child) in value.as_object().into_iter().flatten() {
                        if known.is_none_or(|known| !known.contains_key(key)) {
                            match wanted {
                                Value::Bool(allowed) if *allowed => {}
                                Value::Bool(_) => errors.push(format!("{path}: {key} is not described")),
                                sub => validate(root, sub, child, &format!("{path}.{key}"), errors),
                            }
                        }
                    }
                    true
                }
                other => panic!("the validator does not know {other}"),
            };
            if !fine {
                errors.push(format!("{path}: {keyword} {wanted} refuses {value}"));
            }
        }
    }

    /// The three patterns that the schema uses.
    fn pattern(pattern: &str, text: &str) -> bool {
        match pattern {
            "^[0-9a-f]{32}$" => text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
            "^[A-Z]{2}-[0-9]{2}$" => {
                text.len() == 5 && text.as_bytes()[2] == b'-' && text[..2].bytes().all(|b| b.is_ascii_uppercase())
            }
            "^[a-z0-9]+(-[a-z0-9]+)*$" => {
                text.split('-').all(|w| !w.is_empty() && w.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9')))
            }
            other => panic!("pattern {other}"),
        }
    }
}
