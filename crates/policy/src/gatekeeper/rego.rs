//! Rego of constraint templates: checked, compiled once, evaluated within budgets.
//!
//! The library's interpreter runs it, with guards on what values weigh and a limit in time. Its virtual machine is not
//! used: there an assignment whose right side is undefined does not end the body, which turns verdicts around.

mod check;
mod functions;
mod guard;
mod names;
mod negation;
mod reach;
mod scales;
mod source;
mod sprintf;
mod syntax;
mod value;
mod variables;
mod weight;

use core::num::{NonZeroU32, NonZeroUsize};
use core::time::Duration;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use manifest::Value as Node;
use regorus::utils::limits::{ExecutionTimerConfig, PolicyLengthConfig};
use regorus::{Engine, Value};

use crate::admission::facts::Facts;
use crate::admission::server_made::Reached;
use crate::admission_policy::trace::{Step, Trace};

/// The Rego of one template, compiled.
pub(super) struct Module {
    entry: String,
    engine: Engine,
    /// Rules without arguments beside it, by name and path, for traces.
    helpers: Vec<(String, String)>,
    /// Whether `data.inventory` is read.
    pub(super) inventory: bool,
    /// Whether the user of the request may be read.
    pub(super) user: bool,
    /// Whether the namespace of the request may be read.
    pub(super) namespace: bool,
    /// What it reads and Gatekeeper never gives.
    pub(super) strays: Vec<RegoError>,
    /// What else it may come to in a review.
    pub(super) reached: Reached,
    /// Parameters that are read by name; `None` when they are also read as a whole.
    pub(super) parameters: Option<BTreeSet<String>>,
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Module").field("entry", &self.entry).field("inventory", &self.inventory).finish_non_exhaustive()
    }
}

/// What is wrong with a module.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RegoError {
    /// The module's index: 0 for `rego`, then `libs`.
    pub(super) module: usize,
    /// What is wrong, with the line.
    pub(super) message: String,
}

/// One violation.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    /// `msg`
    pub(super) message: String,
    /// `details` as JSON, `{}` where the rule gives none.
    pub(super) details: String,
}

/// Parameters of a constraint for Rego.
#[derive(Clone, Debug)]
pub(super) struct Parameters(Value);

/// `input.review`.
#[derive(Clone, Debug)]
pub(super) struct Review(Value);

/// Objects of the cluster for templates that look at them.
#[derive(Clone, Debug)]
pub struct Inventory(Value);

impl Parameters {
    /// Of a constraint; a constraint without parameters has an empty mapping.
    pub(super) fn of(value: Option<Node<'_>>) -> Self {
        Parameters(value.map_or_else(Value::new_object, value::from_node))
    }
}

impl Review {
    /// From the fields of a review: text, or a part of the document, or null.
    pub(super) fn new<'k>(fields: impl IntoIterator<Item = (&'k str, Field<'k>)>) -> Self {
        Review(value::map(fields.into_iter().map(|(key, field)| (key, field.into_value()))))
    }
}

/// A field of a review.
#[derive(Clone, Debug)]
pub(super) enum Field<'k> {
    /// A part of the document.
    Node(Option<Node<'k>>),
    /// Text.
    Text(&'k str),
    /// True or false.
    Bool(bool),
    /// Texts by name.
    Texts(Vec<(&'k str, &'k str)>),
    /// Anything, by name.
    Map(Vec<(&'k str, Field<'k>)>),
    /// A list of texts.
    List(Vec<&'k str>),
}

impl Field<'_> {
    fn into_value(self) -> Value {
        match self {
            Field::Node(node) => node.map_or(Value::Null, value::from_node),
            Field::Text(text) => Value::from(text),
            Field::Bool(value) => Value::Bool(value),
            Field::Texts(texts) => value::map(texts.into_iter().map(|(key, text)| (key, Value::from(text)))),
            Field::Map(fields) => value::map(fields.into_iter().map(|(key, field)| (key, field.into_value()))),
            Field::List(texts) => Value::from(texts.into_iter().map(Value::from).collect::<Vec<_>>()),
        }
    }
}

impl Inventory {
    /// All objects that are known, as Gatekeeper lays them out below `data.inventory`.
    pub fn of(facts: &Facts) -> Inventory {
        let mut inventory = Value::new_object();
        for (_, name, object) in facts.objects() {
            let version = object.str_at("apiVersion").unwrap_or("");
            let kind = object.str_at("kind").unwrap_or("");
            let namespace = object.path(&["metadata", "namespace"]).and_then(Node::as_str).unwrap_or("");
            let value = value::from_node(object);
            if namespace.is_empty() {
                value::put(&mut inventory, &["cluster", version, kind, name], value);
            } else {
                value::put(&mut inventory, &["namespace", namespace, version, kind, name], value);
            }
        }
        Inventory(value::map([("inventory", inventory)]))
    }
}

impl Module {
    /// Compiles a template's Rego: the module with the rule `violation`, and its libraries.
    pub(super) fn compile(main: &str, libraries: &[&str], version_1: bool) -> Result<Module, Vec<RegoError>> {
        // The library keeps no state between calls, so nothing is left half done when it panics.
        catch_unwind(AssertUnwindSafe(|| compile(main, libraries, version_1)))
            .unwrap_or_else(|_| Err(vec![RegoError { module: 0, message: "cannot be compiled".to_owned() }]))
    }

    /// Evaluates `violation`. An error is Gatekeeper's, or says which budget was spent.
    pub(super) fn evaluate(
        &self,
        review: &Review,
        parameters: &Parameters,
        inventory: Option<&Inventory>,
        trace: &mut Trace,
    ) -> Result<Vec<Found>, String> {
        let given = [("review", review.0.clone()), ("parameters", parameters.0.clone())];
        let input = value::map(given);
        let result = catch_unwind(AssertUnwindSafe(|| self.interpret(input, inventory, trace)));
        found(&result.unwrap_or_else(|_| Err("the evaluation broke off".to_owned()))?)
    }

    fn interpret(&self, input: Value, inventory: Option<&Inventory>, trace: &mut Trace) -> Result<Value, String> {
        guard::begin();
        let mut engine = self.engine.clone();
        if let Some(inventory) = inventory {
            engine.add_data(inventory.0.clone()).map_err(|error| one_line(&error.to_string()))?;
        }
        engine.set_execution_timer_config(TIMER);
        // What `print` says is gathered and dropped with the engine; else it would go to the standard error.
        engine.set_gather_prints(true);
        engine.set_input(input);
        let value = engine.eval_rule(self.entry.clone()).map_err(|error| one_line(&format!("{error:#}")));
        if trace.on() {
            let helpers = self.helpers.iter().take(HELPERS_MAX).map(|(name, path)| {
                let value = engine.eval_rule(path.clone()).map_err(|error| one_line(&format!("{error:#}")));
                step(name, &value, Vec::new())
            });
            let helpers = helpers.collect();
            trace.push(step("violation", &value, helpers));
        }
        value
    }
}

/// What a rule came out as.
fn step(name: &str, value: &Result<Value, String>, variables: Vec<Step>) -> Step {
    let value = match value {
        Ok(Value::Undefined) => Ok("undefined".to_owned()),
        Ok(value) => Ok(compact(&value.to_json_str().unwrap_or_default())),
        Err(error) => Err(cel::Fault::error(error.as_str())),
    };
    Step { field: name.to_owned(), text: String::new(), cost: 0, value, parts: Vec::new(), variables }
}

fn compile(main: &str, libraries: &[&str], version_1: bool) -> Result<Module, Vec<RegoError>> {
    let fail = |module: usize, message: String| vec![RegoError { module, message }];
    let mentions = |word: &str| std::iter::once(&main).chain(libraries).any(|text| text.contains(word));
    let mut texts = Vec::new();
    for (index, text) in std::iter::once(&main).chain(libraries).enumerate() {
        texts.push(source::prepare(text).map_err(|error| fail(index, error.to_string()))?);
    }
    let (_, mut entry, mut trees) = parse(&texts, version_1)?;
    let mut counter = 0;
    for _ in 0..NEGATION_PASSES {
        let mut changed = false;
        let names = check::names(&trees);
        for (index, names) in names.iter().enumerate() {
            let Some(tree) = trees.get(index).and_then(|module| module.get("ast")) else { continue };
            let Some(text) = texts.get_mut(index) else { continue };
            if let Some(new) = negation::rewrite(tree, text, names, &mut counter) {
                *text = new;
                changed = true;
            }
        }
        if !changed {
            break;
        }
        (_, entry, trees) = parse(&texts, version_1)?;
    }
    let findings = check::check(&trees);
    let told = |faults: Vec<check::Fault>| -> Vec<RegoError> {
        let message = |fault: &check::Fault| format!("line {}: {}", fault.line, fault.message);
        faults.iter().map(|fault| RegoError { module: fault.module, message: message(fault) }).collect()
    };
    if !findings.faults.is_empty() {
        return Err(told(findings.faults));
    }
    let engine = interpreter(&trees, &texts, version_1)?;
    let reached = reach::reached(&trees);
    let helpers = names::Names::of(&trees).values(&trees).filter(|(_, path)| *path != entry).collect();
    Ok(Module {
        entry,
        engine,
        helpers,
        inventory: findings.inventory,
        user: reached.user() || mentions("userInfo"),
        namespace: reached.namespace() || mentions("namespaceObject") || mentions("_unstable"),
        reached,
        strays: told(findings.strays),
        parameters: findings.parameters,
    })
}

/// The modules for the interpreter, which weighs values.
fn interpreter(trees: &serde_json::Value, texts: &[String], version_1: bool) -> Result<Engine, Vec<RegoError>> {
    let fail = |module: usize, message: String| vec![RegoError { module, message }];
    let modules: Vec<&serde_json::Value> =
        trees.as_array().into_iter().flatten().filter_map(|module| module.get("ast")).collect();
    let collecting = modules.iter().flat_map(|module| scales::collecting(module)).collect();
    let mut weighed = Vec::new();
    for (index, (tree, text)) in modules.iter().zip(texts).enumerate() {
        let text = scales::install(tree, text, &collecting);
        weighed.push(text.ok_or_else(|| fail(index, "cannot be bounded".to_owned()))?);
    }
    let (mut engine, entry, _) = parse(&weighed, version_1)?;
    guard::install(&mut engine).map_err(|error| fail(0, error))?;
    engine.compile_with_entrypoint(&entry.as_str().into()).map_err(|error| fail(0, one_line(&format!("{error:#}"))))?;
    Ok(engine)
}

/// The engine with the modules, the path of the main rule, and the syntax trees.
fn parse(texts: &[String], version_1: bool) -> Result<(Engine, String, serde_json::Value), Vec<RegoError>> {
    let fail = |module: usize, message: String| vec![RegoError { module, message }];
    let mut engine = Engine::new();
    engine.set_rego_v0(!version_1);
    engine.set_strict_builtin_errors(false);
    engine.set_policy_length_config(LENGTHS);
    let mut entry = String::new();
    for (index, text) in texts.iter().enumerate() {
        let name = if index == 0 { "rego".to_owned() } else { format!("libs[{}]", index - 1) };
        let package =
            engine.add_policy(name, text.clone()).map_err(|error| fail(index, one_line(&error.to_string())))?;
        if index == 0 {
            entry = format!("{package}.violation");
        }
    }
    let trees = engine.get_ast_as_json().map_err(|error| fail(0, one_line(&error.to_string())))?;
    let trees = serde_json::from_str(&trees).map_err(|_| fail(0, "expressions are nested too deep".to_owned()))?;
    Ok((engine, entry, trees))
}

/// Reads the set `violation`: objects with a text `msg`. OPA leaves out results without one.
fn found(value: &Value) -> Result<Vec<Found>, String> {
    let one = |item: &Value| -> Result<Option<Found>, String> {
        let Some(message) = value::get(item, "msg") else { return Ok(None) };
        let Ok(message) = message.as_string() else {
            return Err("the rule `violation` gives a `msg` that is no text".to_owned());
        };
        let details = value::get(item, "details").map_or(Ok("{}".to_owned()), Value::to_json_str);
        let details = details.map_err(|error| error.to_string())?;
        Ok(Some(Found { message: message.to_string(), details: compact(&details) }))
    };
    let mut list = Vec::new();
    match value {
        Value::Undefined => {}
        Value::Set(items) => {
            for item in items.iter() {
                list.extend(one(item)?);
            }
        }
        Value::Array(items) => {
            for item in items.iter() {
                list.extend(one(item)?);
            }
        }
        Value::Object(items) => {
            // A rule with keys and values: the values are the results.
            for item in items.values() {
                list.extend(one(item)?);
            }
        }
        _ => return Err("the rule `violation` is no set".to_owned()),
    }
    Ok(list)
}

fn compact(json: &str) -> String {
    serde_json::from_str::<serde_json::Value>(json).map_or_else(|_| json.to_owned(), |value| value.to_string())
}

/// Errors of the library draw the line, with what we wrote into it, below `--> module:line:column`; verdicts want
/// the place and the message.
fn one_line(error: &str) -> String {
    let place = error.lines().find_map(|line| line.trim().strip_prefix("--> "));
    let message = error.rsplit_once("error: ").map(|(_, message)| message);
    if let (Some(place), Some(message)) = (place, message) {
        let place = place.rsplit_once(':').map_or(place, |(place, _)| place);
        return format!("{place}: {}", message.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    error.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;

/// Time of one evaluation. The API server waits at most thirty seconds for all webhooks together, and three by
/// Gatekeeper's default.
const TIMER: ExecutionTimerConfig =
    ExecutionTimerConfig { limit: Duration::from_secs(1), check_interval: NonZeroU32::new(16).unwrap() };

/// Rules whose values a trace shows. Templates have fewer than ten.
const HELPERS_MAX: usize = 50;

/// Negations within negated calls; each pass writes one level out.
const NEGATION_PASSES: usize = 4;

/// Lines may be long: a policy that was generated or packed is still a policy. Bytes are bounded before.
const LENGTHS: PolicyLengthConfig = PolicyLengthConfig {
    max_col: NonZeroU32::new(64 << 10).unwrap(),
    max_file_bytes: NonZeroUsize::new(2 * source::BYTES_MAX).unwrap(),
    max_lines: NonZeroUsize::new(20_000).unwrap(),
};
