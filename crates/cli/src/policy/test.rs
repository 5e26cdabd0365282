//! `kobuk policy test`: PolicyTest tables and Gatekeeper's suites.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use manifest::{Object, Tree, Value};
use policy::admission::Facts;
use policy::admission_policy::Level;
use policy::gatekeeper::{self, Preference, suite};
use policy::policies::{Judged, Options};
use policy::test_table::{Case, Input, Table};
use serde_json::json;

use super::args::{Engine, EvalFormat, RequestArgs, TestArgs};
use super::documents::Texts;
use super::eval::{EvalError, printable};
use super::load::{self, LoadError};
use super::requests;
use super::watch::Watch;
use crate::exit::Exit;

/// How one case ended.
#[derive(Debug)]
struct Ended {
    /// `file: table: case`
    name: String,
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    Passed,
    Skipped(String),
    /// Why.
    Failed(String),
    /// The test itself cannot be run.
    Broken(String),
}

/// `kobuk policy test`.
pub(crate) fn test(args: &TestArgs, out: &mut dyn Write) -> Result<Exit, EvalError> {
    let minor = load::minor(args.kubernetes_version.as_deref())?;
    let texts = Texts::read(&args.paths);
    let mut ended: Vec<Ended> = Vec::new();
    let mut run = Run { args, minor, watch: Watch::start(), ended: &mut ended };
    for fault in &texts.faults {
        run.broken(fault.clone());
    }
    // A file that cannot be read is no concern of this verb unless it says that it is a test.
    let (documents, _) = texts.documents();
    let mut tests = 0;
    for value in documents.objects() {
        let Some(object) = Object::at(value) else { continue };
        let file = texts.shown(value.location().file).to_owned();
        if object.is("kobuk.dev", "PolicyTest") {
            tests += 1;
            run.table(&object, &file, &texts);
        } else if object.is("test.gatekeeper.sh", "Suite") {
            tests += 1;
            run.suite(value, &file, &texts);
        }
    }
    Ok(report(args, &ended, tests, out)?)
}

fn report(args: &TestArgs, ended: &[Ended], tests: usize, out: &mut dyn Write) -> io::Result<Exit> {
    let count = |test: fn(&Outcome) -> bool| ended.iter().filter(|one| test(&one.outcome)).count();
    let passed = count(|outcome| matches!(outcome, Outcome::Passed));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_)));
    let broken = count(|outcome| matches!(outcome, Outcome::Broken(_)));
    let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
    if args.format == EvalFormat::Json {
        let cases: Vec<_> = ended.iter().map(Ended::json).collect();
        let summary = json!({ "passed": passed, "failed": failed + broken, "skipped": skipped, "cases": cases });
        serde_json::to_writer_pretty(&mut *out, &summary)?;
        writeln!(out)?;
    } else {
        for one in ended {
            let (word, why) = one.words();
            if args.verbose || !matches!(one.outcome, Outcome::Passed | Outcome::Skipped(_)) {
                writeln!(out, "{word:7} {}", printable(&one.name))?;
                for line in why.lines() {
                    writeln!(out, "        {}", printable(line))?;
                }
            }
        }
        writeln!(out, "{passed} passed, {} failed, {skipped} skipped", failed + broken)?;
    }
    Ok(if tests == 0 || broken > 0 || ended.is_empty() {
        if tests == 0 && ended.is_empty() {
            crate::verbs::remark("no PolicyTest and no Suite in the given paths");
        }
        Exit::NotJudged
    } else if failed > 0 {
        Exit::Findings
    } else {
        Exit::Clean
    })
}

impl Ended {
    fn words(&self) -> (&'static str, &str) {
        match &self.outcome {
            Outcome::Passed => ("ok", ""),
            Outcome::Skipped(why) => ("skipped", why),
            Outcome::Failed(why) => ("FAILED", why),
            Outcome::Broken(why) => ("BROKEN", why),
        }
    }

    fn json(&self) -> serde_json::Value {
        let (word, why) = self.words();
        json!({ "name": self.name, "outcome": word.to_lowercase(), "why": why })
    }
}

struct Run<'a> {
    args: &'a TestArgs,
    minor: u32,
    watch: Watch,
    ended: &'a mut Vec<Ended>,
}

impl Run<'_> {
    fn broken(&mut self, why: String) {
        self.end(String::from("test"), Outcome::Broken(why));
    }

    fn end(&mut self, name: String, outcome: Outcome) {
        self.ended.push(Ended { name, outcome });
    }

    fn wanted(&self, name: &str) -> bool {
        self.args.run.as_ref().is_none_or(|text| name.contains(text.as_str()))
    }

    fn table(&mut self, object: &Object<'_>, file: &str, texts: &Texts) {
        let table = match Table::read(object) {
            Ok(table) => table,
            Err(error) => return self.broken(format!("{}: {error}", texts.place(error.location))),
        };
        let base = Path::new(file).parent().unwrap_or(Path::new("")).to_owned();
        let options = load::options(self.args.engine, self.minor);
        // Loading takes longer than judging; most cases share the policies of the table.
        let shared = Set::load(&base, &table.policies, &options);
        for case in &table.cases {
            let name = format!("{file}: {}: {}", table.name, case.name);
            if !self.wanted(&name) {
                continue;
            }
            let own = case.policies.as_ref().map(|policies| Set::load(&base, policies, &options));
            let outcome = self.case(case, &table, own.as_ref().unwrap_or(&shared), &base);
            let name = format!("{name} ({})", texts.place(case.location));
            self.end(name, outcome);
        }
    }

    fn suite(&mut self, root: Value<'_>, file: &str, texts: &Texts) {
        let Some((suite, issues)) = suite::read(root) else { return };
        if let Some(issue) = issues.iter().find(|issue| issue.level == Level::Refused) {
            return self.broken(format!("{}: {issue}", texts.place(issue.location)));
        }
        let base = Path::new(file).parent().unwrap_or(Path::new("")).to_owned();
        let mut files = |name: &str| {
            let bytes = crate::input::read(&base.join(name))?;
            manifest::decode::decode_owned(bytes).map_err(|error| error.to_string())
        };
        let preference = if self.args.engine == Engine::Rego { Preference::Rego } else { Preference::Native };
        let options = gatekeeper::Options { env: cel::library::kubernetes((1, self.minor)), preference };
        for result in suite.run(&options, &mut files) {
            let name = format!("{file}: {}", result.name);
            if result.skipped && self.wanted(&name) {
                self.end(name, Outcome::Skipped(String::from("the suite says so")));
            } else if let Some(error) = result.error {
                self.end(name, Outcome::Failed(error));
            } else {
                self.suite_cases(&name, result.cases);
            }
        }
    }

    fn suite_cases(&mut self, test: &str, cases: Vec<suite::CaseResult>) {
        for case in cases {
            let name = format!("{test}: {}", case.name);
            if !self.wanted(&name) {
                continue;
            }
            let outcome = match case.error {
                _ if case.skipped => Outcome::Skipped(String::from("the suite says so")),
                None => Outcome::Passed,
                Some(error) if case.messages.is_empty() => Outcome::Failed(error),
                Some(error) => Outcome::Failed(format!("{error}; found: {}", case.messages.join("; "))),
            };
            self.end(name, outcome);
        }
    }

    fn case(&self, case: &Case<'_>, table: &Table<'_>, set: &Set, base: &Path) -> Outcome {
        let issues = set.issues();
        if let Some(why) = case.compare_issues(&issues) {
            return if matches!(set.policies, Err(LoadError::Policies(_)) | Ok(_)) {
                Outcome::Failed(why)
            } else {
                Outcome::Broken(why)
            };
        }
        let Ok(policies) = &set.policies else { return Outcome::Passed };
        let facts = case.facts.as_ref().unwrap_or(&table.facts);
        let paths: Vec<PathBuf> = facts.iter().map(|path| base.join(path)).collect();
        let complete: Vec<String> = table.complete.iter().map(|word| (*word).to_owned()).collect();
        let facts = match load::facts(&paths, &complete, policies) {
            Ok(facts) => facts,
            Err(error) => return Outcome::Broken(error.to_string()),
        };
        let judge = |object: Option<Value<'_>>, old: Option<Value<'_>>| {
            judge_case(case, (object, old), &facts, &self.watch, policies)
        };
        let result =
            with_object(case.object, base, |object| with_object(case.old_object, base, |old| judge(object, old)));
        match result.and_then(|result| result).and_then(|result| result) {
            Err(why) => Outcome::Broken(why),
            Ok(None) => Outcome::Passed,
            Ok(Some(why)) => Outcome::Failed(why),
        }
    }
}

/// Judges one case under every reading of its object, and says what is not as expected under the worst one.
fn judge_case(
    case: &Case<'_>,
    (object, old): (Option<Value<'_>>, Option<Value<'_>>),
    facts: &Facts,
    watch: &Watch,
    policies: &policy::policies::Policies,
) -> Result<Option<String>, String> {
    let args = RequestArgs {
        operation: case.operation,
        old: None,
        resource: case.resource.map(str::to_owned),
        sub_resource: Some(case.sub_resource.to_owned()).filter(|name| !name.is_empty()),
        namespace: case.namespace.unwrap_or("default").to_owned(),
        user: None,
        groups: Vec::new(),
    };
    let mut outcome = None;
    let inventory = policies.inventory(facts);
    requests::of_case(case, (object, old), &args, facts, &mut |request| {
        let judged: Judged = watch.bounded(|budgets| policies.judge(request, facts, inventory.as_ref(), budgets));
        let changed = judged.object.as_ref().map(Tree::root).or(request.object);
        let compared = case.compare(&judged.verdicts, changed);
        // Of several readings one that is as expected is enough where a refusal is expected, and all must be so where
        // the object is to be let through.
        outcome = match outcome.take() {
            None => Some(compared),
            Some(earlier) if case.expects_refusal() => Some(if compared.is_none() { None } else { earlier }),
            Some(earlier) => Some(earlier.or(compared)),
        };
    })?;
    Ok(outcome.flatten())
}

/// Hands over the object of a case, out of its file if it stands in one.
fn with_object<T>(
    input: Option<Input<'_>>,
    base: &Path,
    then: impl FnOnce(Option<Value<'_>>) -> T,
) -> Result<T, String> {
    match input {
        None => Ok(then(None)),
        Some(Input::Inline(value)) => Ok(then(Some(value))),
        Some(Input::File(path)) => {
            let path = base.join(path);
            let texts = Texts::read(std::slice::from_ref(&path));
            let (documents, faults) = texts.documents();
            if let Some(fault) = texts.faults.iter().chain(&faults).next() {
                return Err(fault.clone());
            }
            match documents.objects().as_slice() {
                [object] => Ok(then(Some(*object))),
                many => Err(format!("{}: holds {} objects; a case takes one", path.display(), many.len())),
            }
        }
    }
}

/// The policies of a table or a case.
struct Set {
    policies: Result<policy::policies::Policies, LoadError>,
}

impl Set {
    fn load(base: &Path, paths: &[&str], options: &Options) -> Self {
        let paths: Vec<PathBuf> = paths.iter().map(|path| base.join(path)).collect();
        let loaded = load::policy_texts(&paths).and_then(|texts| load::policies(&texts, options.clone()));
        Set { policies: loaded.map(|(policies, _)| policies) }
    }

    fn issues(&self) -> Vec<String> {
        match &self.policies {
            Ok(_) => Vec::new(),
            Err(LoadError::Policies(issues)) => issues.clone(),
            Err(other) => vec![other.to_string()],
        }
    }
}
