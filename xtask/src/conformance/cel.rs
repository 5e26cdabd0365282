//! The conformance tests of CEL, in the JSON form of their protobuf messages.
//!
//! A test is an expression with the value or the type that it must have, or the statement that it must fail
//! when it runs. The classes of the score are those two: expressions with a value and expressions that fail.
//! Tests that need messages of protobuf are not run, because documents of Kubernetes have none.

mod protobuf;
mod wire;

use std::path::Path;

use cel::checker::Checked;
use cel::context::BUDGET_DEFAULT;
use cel::plan::Program;
use cel::{Activation, Ast, Context, Env, Fault, Type, Value};
use serde_json::Value as Json;

use super::{Score, Tally};
use crate::files_below;

/// Scores all files of a folder.
pub(super) fn score(folder: &Path) -> Option<Score> {
    let env = cel::library::conformance();
    let mut tally = Tally::default();
    let mut skipped = 0;
    for path in files_below(folder, &[".json"]) {
        let Some(file) = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<Json>(&bytes).ok()) else {
            continue;
        };
        for (section, test) in tests(&file) {
            if protobuf::needed(test, &env.syntax) {
                skipped += 1;
                continue;
            }
            let outcome = run(&env, test);
            let has_value = test.get("evalError").is_none();
            let passed = outcome.is_ok();
            tally.case(has_value, has_value == passed, || {
                let (name, expr) = (text(test, "name"), text(test, "expr"));
                format!("{} {section}/{name}: {expr}: {}", path.display(), first_line(&outcome))
            });
        }
    }
    let note = format!("{skipped} tests of protobuf messages not run: documents of Kubernetes have none");
    (tally.all != [0, 0]).then(|| tally.score("cel-spec", note))
}

/// All tests of a file with the names of their sections.
fn tests(file: &Json) -> impl Iterator<Item = (&str, &Json)> {
    let sections = file.get("section").and_then(Json::as_array).into_iter().flatten();
    sections.flat_map(|section| {
        let tests = section.get("test").and_then(Json::as_array).into_iter().flatten();
        tests.map(move |test| (text(section, "name"), test))
    })
}

/// Issues have several lines, of which the first says it.
fn first_line(outcome: &Result<(), String>) -> &str {
    outcome.as_ref().err().and_then(|message| message.lines().next()).unwrap_or_default()
}

fn text<'j>(json: &'j Json, key: &str) -> &'j str {
    json.get(key).and_then(Json::as_str).unwrap_or_default()
}

fn flag(json: &Json, key: &str) -> bool {
    json.get(key).and_then(Json::as_bool).unwrap_or_default()
}

/// Runs one test; an error says what is not as it must be.
fn run(env: &Env, test: &Json) -> Result<(), String> {
    let (env, values) = environment(env, test)?;
    let ast = cel::parse(text(test, "expr"), &env.syntax).map_err(|issues| issues.to_string())?;
    let program = if flag(test, "disableCheck") {
        Program::unchecked(&env, &ast)
    } else {
        let checked = match check(&env, ast) {
            // Some tests of errors are of expressions that a checker refuses. They demand an error, not the
            // moment at which it is found.
            Err(_) if expected(test).is_none() => return Ok(()),
            checked => checked?,
        };
        expect_type(&checked, test)?;
        if flag(test, "checkOnly") {
            return Ok(());
        }
        Program::new(&env, &checked)
    };
    let mut context = Context::new(BUDGET_DEFAULT);
    let outcome = match &program {
        Ok(program) => program.eval(&Values(values), &mut context),
        Err(fault) => Err(fault.clone()),
    };
    match (outcome, expected(test)) {
        (Err(Fault::Error(_)), None) => Ok(()),
        (Ok(value), Some(expect)) if wire::matches(&value, &expect) => Ok(()),
        (outcome, expect) => Err(format!("got {outcome:?}, wanted {expect:?}")),
    }
}

fn check(env: &Env, ast: Ast) -> Result<Checked, String> {
    cel::checker::check(env, ast).map_err(|issues| issues.to_string())
}

/// The value that a test demands; none if it must fail. A test that says nothing wants `true`.
fn expected(test: &Json) -> Option<Json> {
    if test.get("evalError").is_some() {
        return None;
    }
    let value = test.get("value").or_else(|| test.get("typedResult")?.get("result"));
    Some(value.cloned().unwrap_or_else(|| serde_json::json!({ "boolValue": true })))
}

fn expect_type(checked: &Checked, test: &Json) -> Result<(), String> {
    let Some(json) = test.get("typedResult").and_then(|result| result.get("deducedType")) else { return Ok(()) };
    let expect = wire::parse_type(json).ok_or_else(|| format!("type {json} is unknown"))?;
    let found = checked.result();
    if *found == expect { Ok(()) } else { Err(format!("type {found}, wanted {expect}")) }
}

/// The environment of a test and the values of its variables by slot.
fn environment(env: &Env, test: &Json) -> Result<(Env, Vec<Option<Value<'static>>>), String> {
    let mut env = env.clone();
    env.container = text(test, "container").into();
    for declaration in test.get("typeEnv").and_then(Json::as_array).into_iter().flatten() {
        let name = text(declaration, "name");
        if let Some(of) = declaration.get("ident").and_then(|ident| ident.get("type")) {
            let of = wire::parse_type(of).ok_or_else(|| format!("type {of} is unknown"))?;
            env.declare(name, of);
        } else if let Some(function) = declaration.get("function") {
            wire::declare_function(&mut env, name, function).ok_or("a function's types are unknown")?;
        }
    }
    let bindings = test.get("bindings").and_then(Json::as_object);
    for name in bindings.into_iter().flat_map(|bindings| bindings.keys()) {
        if !env.variables.iter().any(|(declared, _)| **declared == **name) {
            env.declare(name, Type::Dyn);
        }
    }
    let value_of = |name: &str| {
        let json = bindings?.get(name)?.get("value")?;
        wire::parse_value(json)
    };
    let values = env.variables.iter().map(|(name, _)| value_of(name)).collect();
    Ok((env, values))
}

/// Values by slot.
struct Values(Vec<Option<Value<'static>>>);

impl<'v> Activation<'v> for Values {
    fn variable(&self, slot: usize, _: &mut Context<'_>) -> Result<Value<'v>, Fault> {
        let value = self.0.get(slot).cloned().flatten();
        value.ok_or_else(|| Fault::error(format!("no value for variable {slot}")))
    }
}
