//! Reads `suite.yaml`.

use manifest::{Data, Value};
use regex::RegexBuilder;

use super::super::report::Report;
use super::assertion::{Assertion, Violations};
use crate::admission_policy::LoadIssue;

/// A suite.
#[derive(Clone, Debug, Default)]
pub struct Suite {
    /// `metadata.name`
    pub name: String,
    /// None of it is run.
    pub skip: bool,
    /// Its tests.
    pub tests: Vec<Test>,
}

/// A template and a constraint with cases.
#[derive(Clone, Debug, Default)]
pub struct Test {
    /// Its name.
    pub name: String,
    /// Path of the ConstraintTemplate.
    pub template: String,
    /// Path of the constraint.
    pub constraint: String,
    /// Path of ExpansionTemplates.
    pub expansion: String,
    /// Its cases.
    pub cases: Vec<Case>,
    /// The constraint must be refused.
    pub invalid: bool,
    /// It is not run.
    pub skip: bool,
}

/// An object and what must come out.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// Path of the object, or of an AdmissionReview.
    pub object: String,
    /// Paths of other objects of the cluster.
    pub inventory: Vec<String>,
    /// What must hold.
    pub assertions: Vec<Assertion>,
    /// It is not run.
    pub skip: bool,
}

/// Reads a suite. `None` for a document of another kind; else also says what is wrong.
pub fn read(root: Value<'_>) -> Option<(Suite, Vec<LoadIssue>)> {
    let is_suite = root.str_at("kind") == Some("Suite")
        && root.str_at("apiVersion").is_some_and(|version| version.starts_with("test.gatekeeper.sh/"));
    if !is_suite {
        return None;
    }
    let mut report = Report::new(root);
    report.known(root, "", &["apiVersion", "kind", "metadata", "skip", "tests"], true);
    let name = root.path(&["metadata", "name"]).and_then(Value::as_str).unwrap_or("").to_owned();
    let tests = report.list(root, "", "tests");
    let tests = tests
        .into_iter()
        .enumerate()
        .map(|(index, item)| test(item, &format!("tests[{index}]"), &mut report))
        .collect();
    Some((Suite { name, skip: root.bool_at("skip") == Some(true), tests }, report.issues))
}

fn test(item: Value<'_>, path: &str, report: &mut Report) -> Test {
    report.known(item, path, &["name", "template", "constraint", "expansion", "cases", "invalid", "skip"], true);
    let mut text = |key| report.text(item, path, key).unwrap_or("").to_owned();
    let (name, template, constraint, expansion) =
        (text("name"), text("template"), text("constraint"), text("expansion"));
    let cases = report.list(item, path, "cases");
    let cases = cases
        .into_iter()
        .enumerate()
        .map(|(index, item)| case(item, &format!("{path}.cases[{index}]"), report))
        .collect();
    let flag = |key| item.bool_at(key) == Some(true);
    Test { name, template, constraint, expansion, cases, invalid: flag("invalid"), skip: flag("skip") }
}

fn case(item: Value<'_>, path: &str, report: &mut Report) -> Case {
    report.known(item, path, &["name", "object", "inventory", "assertions", "skip"], true);
    let mut text = |key| report.text(item, path, key).unwrap_or("").to_owned();
    let (name, object) = (text("name"), text("object"));
    let inventory = report.texts(item, path, "inventory").into_iter().map(str::to_owned).collect();
    let assertions = report.list(item, path, "assertions");
    let assertions = assertions
        .into_iter()
        .enumerate()
        .filter_map(|(index, item)| assertion(item, &format!("{path}.assertions[{index}]"), report))
        .collect();
    Case { name, object, inventory, assertions, skip: item.bool_at("skip") == Some(true) }
}

fn assertion(item: Value<'_>, path: &str, report: &mut Report) -> Option<Assertion> {
    report.known(item, path, &["violations", "message"], true);
    let violations = match item.get("violations").map(Value::data) {
        None | Some(Data::Bool(true)) => Violations::Yes,
        Some(Data::Bool(false)) => Violations::No,
        Some(Data::Int(count)) if *count >= 0 => Violations::Exactly(u32::try_from(*count).unwrap_or(u32::MAX)),
        Some(Data::Str(text)) if text == "yes" => Violations::Yes,
        Some(Data::Str(text)) if text == "no" => Violations::No,
        Some(_) => {
            report.refuse(item, &format!("{path}.violations"), "expected a number, \"yes\" or \"no\"");
            return None;
        }
    };
    let message = match item.get("message").and_then(Value::text) {
        None => None,
        Some(text) => match RegexBuilder::new(&text).size_limit(REGEX_BYTES_MAX).build() {
            Ok(regex) => Some(regex),
            Err(_) => {
                report.refuse(item, &format!("{path}.message"), "is no regular expression");
                return None;
            }
        },
    };
    Some(Assertion { violations, message })
}

/// Memory of a compiled expression; those of published suites need a few kilobytes.
const REGEX_BYTES_MAX: usize = 1 << 20;
