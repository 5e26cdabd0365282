//! OSCAL 1.1 assessment results, and the control catalogue as an OSCAL catalog.
//!
//! OSCAL findings are satisfied or not; there is no third state. A control that this input cannot tell
//! gets no finding: it is named in an observation of its own, so that unknown is never read as pass.

mod catalogue;

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};

use model::{Finding, Posture, Rule, Severity, State, posture};

use super::Render;
use super::escape::{Link, Shown};
use super::identity::uuid;
use super::stream::Json;

pub(crate) use self::catalogue::oscal_catalogue;

/// Prints assessment results.
pub(crate) fn write(render: &Render<'_>, out: &mut dyn Write) -> io::Result<()> {
    let results = Results::collect(render);
    let mut json = Json::new(out);
    json.object();
    json.object_at("assessment-results", |json| {
        json.field("uuid", &results.id("assessment-results", ""));
        metadata(json, "Kobuk assessment results", &render.time(), render.version);
        let plan = results.id("plan", "");
        json.object_at("import-ap", |json| json.field_of("href", format_args!("#{plan}")));
        json.array_at("results", |json| {
            json.object();
            results.write(json, render);
            json.end_object();
        });
        json.object_at("back-matter", |json| {
            json.array_at("resources", |json| {
                json.object();
                json.field("uuid", &plan);
                json.field("title", "Assessment plan");
                json.field("description", "Every control of the Kobuk catalogue, judged from the given files alone.");
                json.end_object();
            });
        });
    });
    json.end_object();
    json.finish()
}

/// The `metadata` object that all OSCAL documents start with.
fn metadata(json: &mut Json<'_>, title: &str, time: &str, version: &str) {
    json.object_at("metadata", |json| {
        json.field("title", title);
        json.field("last-modified", time);
        json.field("version", version);
        json.field("oscal-version", OSCAL_VERSION);
    });
}

/// The id of a control as an OSCAL token.
fn control_id(id: &str) -> String {
    id.to_ascii_lowercase()
}

/// Titles and property values hold no line breaks.
fn one_line(text: &str) -> String {
    Shown(&text.split_whitespace().collect::<Vec<_>>().join(" ")).to_string()
}

/// A property in Kobuk's namespace. Values must not be empty or end in white space.
fn prop(json: &mut Json<'_>, name: &str, value: &str) {
    let value = one_line(value);
    if value.is_empty() {
        return;
    }
    json.object();
    json.field("name", name);
    json.field("ns", NAMESPACE);
    json.field("value", &value);
    json.end_object();
}

/// What the one result holds.
struct Results<'r> {
    run: String,
    posture: Vec<Posture>,
    listed: Vec<(&'r Finding, Option<usize>)>,
    by_control: HashMap<&'static str, Vec<usize>>,
    left_out: usize,
}

impl<'r> Results<'r> {
    fn collect(render: &Render<'r>) -> Self {
        let report = render.report;
        let excepted = || report.excepted.iter().map(|(finding, index)| (finding, Some(*index)));
        let posture = if report.posture.is_empty() {
            posture::fold(
                render.rules,
                &left_out(render),
                report.findings.iter(),
                excepted().map(|(f, _)| f),
                &report.coverage,
            )
        } else {
            report.posture.clone()
        };
        let total = report.findings.len() + report.excepted.len();
        let mut listed: Vec<(&Finding, Option<usize>)> = Vec::new();
        for severity in Severity::ALL {
            let all = report.findings.iter().map(|finding| (finding, None)).chain(excepted());
            let room = OBSERVATIONS_MAX - listed.len();
            listed.extend(all.filter(|(finding, _)| finding.severity == severity).take(room));
        }
        let mut by_control: HashMap<&'static str, Vec<usize>> = HashMap::new();
        for (at, (finding, _)) in listed.iter().enumerate() {
            for serves in finding.rule.serves {
                by_control.entry(serves.control).or_default().push(at);
            }
        }
        let run = uuid(&[render.version, render.command, &render.time(), &total.to_string()]);
        Results { run, posture, left_out: total - listed.len(), listed, by_control }
    }

    /// An id that is unique within this run and the same for the same run.
    fn id(&self, kind: &str, name: &str) -> String {
        uuid(&[&self.run, kind, name])
    }

    fn observation_id(&self, index: usize) -> String {
        self.id("observation", &index.to_string())
    }

    fn with(&self, state: State) -> impl Iterator<Item = &Posture> {
        self.posture.iter().filter(move |entry| entry.state == state)
    }

    fn write(&self, json: &mut Json<'_>, render: &Render<'_>) {
        json.field("uuid", &self.id("result", ""));
        json.field("title", "Kubernetes manifests against the Kobuk control catalogue");
        json.field("description", "What the given files prove, and what they cannot tell.");
        let started = render.now_unix - i64::try_from(render.elapsed_ms / 1000).unwrap_or(0);
        json.field("start", &model::exception::format_date(started));
        json.field("end", &render.time());
        json.array_at("props", |json| {
            for state in State::ALL {
                prop(json, &format!("controls-{}", state.as_str()), &self.with(state).count().to_string());
            }
            prop(json, "observations-not-listed", &self.left_out.to_string());
        });
        self.reviewed(json);
        self.observations(json, render);
        self.risks(json, render);
        let judged = || self.with(State::Violated).chain(self.with(State::Satisfied));
        if judged().next().is_some() {
            json.array_at("findings", |json| judged().for_each(|entry| self.finding(json, entry)));
        }
    }

    fn reviewed(&self, json: &mut Json<'_>) {
        let unknown = |entry: &&Posture| entry.state == State::Unknown;
        json.object_at("reviewed-controls", |json| {
            json.array_at("control-selections", |json| {
                json.object();
                json.object_at("include-all", |_| ());
                if self.posture.iter().any(|entry| unknown(&entry)) {
                    json.array_at("exclude-controls", |json| {
                        for entry in self.posture.iter().filter(unknown) {
                            json.object();
                            json.field("control-id", &control_id(entry.control.id));
                            json.end_object();
                        }
                    });
                }
                json.end_object();
            });
        });
    }

    fn observations(&self, json: &mut Json<'_>, render: &Render<'_>) {
        json.array_at("observations", |json| {
            for (index, (finding, _)) in self.listed.iter().enumerate() {
                json.line();
                self.observation(json, render, index, finding);
            }
            for (state, title) in [
                (State::Unknown, "Controls that this input cannot tell"),
                (State::NotApplicable, "Controls that nothing in this input is subject to"),
                (State::Satisfied, "Controls that hold for everything looked at"),
            ] {
                json.line();
                self.group(json, render, state, title);
            }
        });
    }

    fn observation(&self, json: &mut Json<'_>, render: &Render<'_>, index: usize, finding: &Finding) {
        let path = render.report.path(finding.location.file);
        json.object();
        json.field("uuid", &self.observation_id(index));
        json.field("title", finding.rule.title);
        json.field_of("description", format_args!("{}: {}", finding.subject.display(), finding.message));
        json.array_at("props", |json| {
            prop(json, "code", finding.rule.code);
            prop(json, "severity", finding.severity.as_str());
            prop(json, "fingerprint", &finding.fingerprint());
        });
        json.strings("methods", ["TEST"].into_iter());
        json.strings("types", ["finding"].into_iter());
        json.array_at("relevant-evidence", |json| {
            json.object();
            json.field_of("href", format_args!("{}#L{}", Link(path), finding.location.line));
            json.field_of("description", format_args!("{path}, line {}", finding.location.line));
            json.end_object();
        });
        json.field("collected", &render.time());
        json.field("remarks", finding.rule.fix);
        json.end_object();
    }

    /// One observation that names all controls of a state, each with its reason.
    fn group(&self, json: &mut Json<'_>, render: &Render<'_>, state: State, title: &str) {
        json.object();
        json.field("uuid", &self.id("state", state.as_str()));
        json.field("title", title);
        let mut text = format!("{} controls.", self.with(state).count());
        for entry in self.with(state) {
            text.push_str(&format!("\n\n{} {}: {}", entry.control.id, entry.control.title, entry.reason));
        }
        json.field("description", &text);
        json.strings("methods", ["TEST"].into_iter());
        json.field("collected", &render.time());
        json.end_object();
    }

    fn risks(&self, json: &mut Json<'_>, render: &Render<'_>) {
        let in_force =
            || render.report.exceptions.iter().enumerate().filter(|(_, used)| !used.expired && used.matched > 0);
        if in_force().next().is_none() {
            return;
        }
        json.array_at("risks", |json| {
            for (index, used) in in_force() {
                let exception = &used.exception;
                json.line();
                json.object();
                json.field("uuid", &self.id("risk", &index.to_string()));
                json.field("title", &one_line(&format!("Exception {}", exception.name)));
                json.field_of("description", format_args!("{} findings accepted by {}", used.matched, exception.owner));
                json.field("statement", &exception.reason);
                json.field("status", "deviation-approved");
                json.field("deadline", &model::exception::format_date(exception.expires_unix));
                json.end_object();
            }
        });
    }

    fn finding(&self, json: &mut Json<'_>, entry: &Posture) {
        let violated = entry.state == State::Violated;
        let id = control_id(entry.control.id);
        json.line();
        json.object();
        json.field("uuid", &self.id("finding", &id));
        json.field_of("title", format_args!("{} {}", entry.control.id, entry.control.title));
        json.field("description", &entry.reason);
        json.object_at("target", |json| {
            json.field("type", "statement-id");
            json.field_of("target-id", format_args!("{id}_smt"));
            json.object_at("status", |json| {
                json.field("state", if violated { "not-satisfied" } else { "satisfied" });
                json.field("reason", if violated { "fail" } else { "pass" });
            });
        });
        self.related(json, entry);
        json.end_object();
    }

    fn related(&self, json: &mut Json<'_>, entry: &Posture) {
        let listed = self.by_control.get(entry.control.id).map_or(&[][..], Vec::as_slice);
        let references: Vec<String> = match entry.state {
            State::Violated => listed.iter().map(|index| self.observation_id(*index)).collect(),
            state => vec![self.id("state", state.as_str())],
        };
        // OSCAL has no empty arrays; none is listed when worse findings took all the room.
        if !references.is_empty() {
            json.array_at("related-observations", |json| {
                for reference in references {
                    json.object();
                    json.field("observation-uuid", &reference);
                    json.end_object();
                }
            });
        }
        let mut risks: Vec<usize> = listed.iter().filter_map(|at| self.listed.get(*at)?.1).collect();
        risks.sort_unstable();
        risks.dedup();
        if !risks.is_empty() {
            json.array_at("related-risks", |json| {
                for index in risks {
                    json.object();
                    json.field("risk-uuid", &self.id("risk", &index.to_string()));
                    json.end_object();
                }
            });
        }
    }
}

/// Rules that the settings kept from running: what they would judge stays unknown.
fn left_out(render: &Render<'_>) -> Vec<&'static Rule> {
    let ran: HashSet<&str> = render.rules.iter().map(|rule| rule.code).collect();
    crate::rules::all().iter().copied().filter(|rule| !ran.contains(rule.code)).collect()
}

/// Assessment results are read by people and by tools that load them whole; the worst findings come first.
const OBSERVATIONS_MAX: usize = 10_000;
const OSCAL_VERSION: &str = "1.1.2";
const NAMESPACE: &str = "https://kobuk.dev/ns/oscal";

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::report::{Format, sample};

    fn results(report: &sample::Sample) -> Value {
        let mut document: Value = serde_json::from_str(&sample::printed(Format::Oscal, report)).unwrap();
        document["assessment-results"]["results"][0].take()
    }

    #[test]
    fn a_violated_control_is_not_satisfied_and_points_at_what_was_seen() {
        let results = results(&sample::typical());
        let finding =
            results["findings"].as_array().unwrap().iter().find(|f| f["target"]["target-id"] == "rc-10_smt").unwrap();
        assert_eq!(finding["target"]["status"]["state"], "not-satisfied");
        let seen = finding["related-observations"][0]["observation-uuid"].as_str().unwrap();
        let observation = results["observations"].as_array().unwrap().iter().find(|o| o["uuid"] == seen).unwrap();
        assert_eq!(observation["relevant-evidence"][0]["href"], "deploy/web.yaml#L13");
        assert_eq!(finding["related-risks"][0]["risk-uuid"], results["risks"][0]["uuid"]);
    }

    #[test]
    fn unknown_is_never_a_finding() {
        let results = results(&sample::empty());
        assert!(results.get("findings").is_none());
        let unknown = results["props"].as_array().unwrap().iter().find(|p| p["name"] == "controls-unknown").unwrap();
        assert!(unknown["value"].as_str().unwrap().parse::<usize>().unwrap() > 100);
    }

    #[test]
    fn ids_are_unique_and_the_same_for_the_same_run() {
        let text = sample::printed(Format::Oscal, &sample::hostile());
        assert_eq!(text, sample::printed(Format::Oscal, &sample::hostile()));
        let mut ids: Vec<&str> = text.split("\"uuid\":\"").skip(1).filter_map(|rest| rest.get(..36)).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }
}
