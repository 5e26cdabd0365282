//! Test suites: `suite.yaml` of `test.gatekeeper.sh/v1alpha1`.

mod assertion;
mod read;

use manifest::{Tree, Value};
use model::FileId;

use super::constraint::Point;
use super::library::{Library, Options, Setting};
use super::matching::Source;
use super::rego::Inventory;
use crate::admission::facts::Facts;
use crate::admission::request::{Kind, Operation, Request, UserInfo};
use crate::admission::review;
use crate::admission::verdict::{Ruling, Verdict};
use crate::admission_policy::{Budgets, Level, LoadIssue};

pub use assertion::{Assertion, Violations};
pub use read::{Case, Suite, Test, read};

/// How one test of a suite ended.
#[derive(Clone, Debug)]
pub struct TestResult {
    /// Its name.
    pub name: String,
    /// `skip`
    pub skipped: bool,
    /// Why it could not be run, or did not find an invalid constraint.
    pub error: Option<String>,
    /// Its cases, in order; none where the test itself failed.
    pub cases: Vec<CaseResult>,
}

/// How one case ended.
#[derive(Clone, Debug)]
pub struct CaseResult {
    /// Its name.
    pub name: String,
    /// `skip`
    pub skipped: bool,
    /// Why it failed.
    pub error: Option<String>,
    /// What was found, also where that is what the case expects.
    pub messages: Vec<String>,
    /// The assertion that was the first not to hold, or the first of the case: whether it wants violations.
    pub wants_violations: bool,
}

impl TestResult {
    /// Whether the test and all its cases ended as they should.
    pub fn passed(&self) -> bool {
        self.error.is_none() && self.cases.iter().all(|case| case.error.is_none())
    }
}

/// Gives the text of a file that a suite names. An error says why it cannot be read.
pub type Files<'f> = dyn FnMut(&str) -> Result<String, String> + 'f;

impl Suite {
    /// Runs every test. Paths are as the suite writes them, relative to its own folder.
    pub fn run(&self, options: &Options, files: &mut Files<'_>) -> Vec<TestResult> {
        let skipped =
            |test: &Test| TestResult { name: test.name.clone(), skipped: true, error: None, cases: Vec::new() };
        self.tests
            .iter()
            .map(|test| if self.skip || test.skip { skipped(test) } else { run_test(test, options, files) })
            .collect()
    }
}

fn run_test(test: &Test, options: &Options, files: &mut Files<'_>) -> TestResult {
    let mut result = TestResult { name: test.name.clone(), skipped: false, error: None, cases: Vec::new() };
    let loaded = load(test, options, files);
    match (loaded, test.invalid) {
        (Err(error), _) => result.error = Some(error),
        (Ok((_, issues)), true) => {
            if !issues.iter().any(|issue| issue.level == Level::Refused) {
                result.error = Some("the constraint is valid, but the test says that it is not".to_owned());
            }
        }
        (Ok((library, issues)), false) => match issues.iter().find(|issue| issue.level == Level::Refused) {
            Some(issue) => result.error = Some(issue.to_string()),
            None if library.is_empty() => result.error = Some("there is no constraint to test".to_owned()),
            None => result.cases = test.cases.iter().map(|case| run_case(case, test, &library, files)).collect(),
        },
    }
    result
}

fn load(test: &Test, options: &Options, files: &mut Files<'_>) -> Result<(Library, Vec<LoadIssue>), String> {
    let (template, constraint) =
        (text(&test.template, "template", files)?, text(&test.constraint, "constraint", files)?);
    let mut trees = documents(&test.template, &template)?;
    trees.extend(documents(&test.constraint, &constraint)?);
    let loaded = Library::load(trees.iter().map(Tree::root), options);
    if loaded.0.templates.is_empty() && loaded.1.is_empty() {
        return Err(format!("{}: there is no ConstraintTemplate", test.template));
    }
    Ok(loaded)
}

fn run_case(case: &Case, test: &Test, library: &Library, files: &mut Files<'_>) -> CaseResult {
    let wants_violations = case.assertions.first().is_some_and(|assertion| assertion.violations.wants_some());
    let name = case.name.clone();
    let mut result = CaseResult { name, skipped: case.skip, error: None, messages: Vec::new(), wants_violations };
    if case.skip {
        return result;
    }
    match judge(case, test, library, files) {
        Err(error) => result.error = Some(error),
        Ok(messages) => {
            if case.assertions.is_empty() {
                result.error = Some("the case has no assertion".to_owned());
            }
            for assertion in &case.assertions {
                if let Err(error) = assertion.check(&messages) {
                    result.wants_violations = assertion.violations.wants_some();
                    result.error = Some(error);
                    break;
                }
            }
            result.messages = messages;
        }
    }
    result
}

/// The messages of all violations of a case.
fn judge(case: &Case, test: &Test, library: &Library, files: &mut Files<'_>) -> Result<Vec<String>, String> {
    if !test.expansion.is_empty() {
        return Err("expansions are not supported".to_owned());
    }
    let object = text(&case.object, "object", files)?;
    let trees = documents(&case.object, &object)?;
    let [tree] = trees.as_slice() else {
        return Err(format!("{}: expected one object, found {}", case.object, trees.len()));
    };
    let mut facts = Facts::new();
    for path in &case.inventory {
        let text = text(path, "inventory", files)?;
        for tree in documents(path, &text)? {
            facts.add(tree.root()).map_err(|error| format!("{path}: {error}"))?;
        }
    }
    facts.set_all_complete();
    let root = tree.root();
    let is_review = review::is_review(root);
    let request = if is_review {
        let mut request = Request::from_review_as_is(root).map_err(|error| format!("{}: {error}", case.object))?;
        if request.user.is_none() {
            request.user = Some(nobody());
        }
        request
    } else {
        plain(root, &case.object)?
    };
    let inventory = Inventory::of(&facts);
    let setting =
        Setting { point: Point::Gator, source: Source::Original, inventory: Some(&inventory), plain: !is_review };
    let verdicts = library.evaluate(&request, &facts, &setting, &mut Budgets::default());
    let mut messages = Vec::new();
    for verdict in &verdicts {
        collect(verdict, &mut messages)?;
    }
    messages.sort();
    Ok(messages)
}

/// Failures count as violations, with the error as the message, as in Gatekeeper.
fn collect(verdict: &Verdict, messages: &mut Vec<String>) -> Result<(), String> {
    match &verdict.ruling {
        Ruling::NotApplicable(_) | Ruling::Satisfied | Ruling::Failed { ignored: true, .. } => {}
        Ruling::Violated(list) => messages.extend(list.iter().map(|violation| violation.message.to_string())),
        Ruling::Failed { messages: list, .. } => messages.extend(list.iter().map(|message| message.to_string())),
        Ruling::Unknown(facts) => {
            let names: Vec<&str> = facts.iter().map(|fact| &*fact.name).collect();
            return Err(format!("unknown: {}", names.join(", ")));
        }
    }
    Ok(())
}

/// An object outside of a request, as Gatekeeper's command line reviews it.
pub(super) fn plain<'d>(root: Value<'d>, path: &str) -> Result<Request<'d>, String> {
    let text = |key| root.str_at(key).filter(|text| !text.is_empty());
    let version = text("apiVersion").ok_or_else(|| format!("{path}: the object has no apiVersion"))?;
    let kind = text("kind").ok_or_else(|| format!("{path}: the object has no kind"))?;
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    let metadata = |key| root.path(&["metadata", key]).and_then(Value::as_str).unwrap_or("");
    Ok(Request {
        uid: "".into(),
        operation: Operation::Create,
        kind: Kind { group: group.into(), version: version.into(), kind: kind.into() },
        resource: None,
        sub_resource: "".into(),
        request_kind: None,
        request_resource: None,
        request_sub_resource: None,
        name: metadata("name").into(),
        namespace: metadata("namespace").into(),
        namespaced: None,
        user: Some(nobody()),
        object: Some(root),
        old_object: None,
        options: None,
        dry_run: false,
        planned: false,
    })
}

fn nobody<'d>() -> UserInfo<'d> {
    UserInfo { username: "".into(), uid: "".into(), groups: Vec::new(), node: None }
}

fn text(path: &str, what: &str, files: &mut Files<'_>) -> Result<String, String> {
    if path.is_empty() {
        return Err(format!("the suite names no {what}"));
    }
    files(path).map_err(|error| format!("{path}: {error}"))
}

fn documents<'t>(path: &str, text: &'t str) -> Result<Vec<Tree<'t>>, String> {
    let mut trees = Vec::new();
    let mut fault = None;
    manifest::documents(text, FileId(0), |document| match document {
        Ok(tree) if tree.is_empty() || tree.root().is_null() => {}
        Ok(tree) => trees.push(tree),
        Err(error) => fault = Some(format!("{path}: {error}")),
    });
    fault.map_or(Ok(trees), Err)
}
