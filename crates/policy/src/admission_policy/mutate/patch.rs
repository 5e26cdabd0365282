//! One mutation of one policy: its expression is evaluated and what it says is applied.

use std::sync::Arc;

use cel::fault::Fact;
use cel::value::{Struct, Value};

use super::super::activation::{Frame, Inputs};
use super::super::budgets::Budgets;
use super::super::compile::Compiled;
use super::super::limits::BINDING_COST;
use super::super::load::quote;
use super::super::spec::PatchType;
use super::super::trace::Trace;
use super::super::validate::{Ended, OUT_OF_BUDGET, Purse, Spent};
use super::decode;
use super::json::{Json, Rules};
use super::json_patch::{self, Operation, Refused};
use super::kinds::Kind;
use super::merge;

/// What a mutation did.
#[derive(Debug)]
pub(crate) enum Patched {
    /// The object after it. It may be the same as before.
    Object(Json),
    /// A `test` of a JSON patch did not hold.
    TestFailed,
    /// It failed, in the API server's words.
    Failed(String),
    /// It failed in a way that refuses the request whatever `failurePolicy` says.
    Fatal(String),
    /// It depends on facts that nobody gave.
    Unknown(Arc<[Fact]>),
}

/// Runs one mutation on an object. Its cost is added to `cost`.
pub(crate) fn run<'v>(
    policy: &'v Compiled,
    index: usize,
    inputs: &Inputs<'v>,
    object: &Json,
    kind: Option<Kind<'_>>,
    (budgets, cost): (&mut Budgets<'_>, &mut u64),
    trace: &mut Trace,
) -> Patched {
    let (Some(expression), Some(mutation)) = (policy.mutations.get(index), policy.spec.mutations.get(index)) else {
        return Patched::Failed("no such mutation".to_owned());
    };
    let frame = Frame::new(policy, inputs, true, true, trace.on());
    let mut purse = Purse { left: BINDING_COST, spent: 0, budgets };
    let ended = purse.evaluate(expression, &frame, trace);
    *cost = cost.saturating_add(purse.spent);
    let value = match ended {
        Err(Spent) => return Patched::Failed(OUT_OF_BUDGET.to_owned()),
        Ok(Ended::Error(message)) => return Patched::Failed(message),
        Ok(Ended::Unknown(facts)) => return Patched::Unknown(facts),
        Ok(Ended::Value(value)) => value,
    };
    let result = match mutation.patch {
        PatchType::ApplyConfiguration => match kind {
            Some(kind) => apply_configuration(&value, object, kind),
            None => {
                let name =
                    format!("schema of {}", object.get("kind").and_then(Json::as_str).unwrap_or("the object's kind"));
                return Patched::Unknown(Arc::new([Fact { name: name.into() }]));
            }
        },
        PatchType::JsonPatch => match operations(&value) {
            Ok(operations) => match json_patch::apply(object, &operations) {
                Ok(after) => match kind.and_then(Kind::built_in_type) {
                    Some(own) => match decode::check(&after, own) {
                        Ok(()) => Ok(after),
                        Err(message) => return Patched::Fatal(message),
                    },
                    None => Ok(after),
                },
                Err(Refused::TestFailed) => return Patched::TestFailed,
                Err(Refused::Failed(message)) => Err(format!("JSON Patch: {message}")),
            },
            Err(message) => Err(message),
        },
    };
    result.map_or_else(Patched::Failed, Patched::Object)
}

fn apply_configuration(value: &Value<'_>, object: &Json, kind: Kind<'_>) -> Result<Json, String> {
    let Value::Struct(made) = value else {
        let of = value.type_of();
        return Err(format!("unsupported return type from ApplyConfiguration expression: {}", of.name()));
    };
    check_names(made)?;
    let mut patch = Json::from_cel(value, Rules::Apply)?;
    for key in ["apiVersion", "kind"] {
        if let Some(own) = object.get(key) {
            patch.set(key, own.clone());
        }
    }
    merge::apply(object, &patch, kind).map_err(|error| format!("error applying patch: {error}"))
}

/// The operations of a list of `JSONPatch`.
fn operations(value: &Value<'_>) -> Result<Vec<Operation>, String> {
    let Value::List(list) = value else {
        return Err("type mismatch: JSONPatchType.expression should evaluate to array".to_owned());
    };
    let mut operations = Vec::with_capacity(list.len());
    for item in list.iter() {
        let Value::Struct(made) = item else {
            return Err("type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch".to_owned());
        };
        let mut operation = Operation { op: String::new(), path: String::new(), from: String::new(), value: None };
        for (name, value) in &made.fields {
            let text = || value.as_str().unwrap_or("").to_owned();
            match &**name {
                "op" => operation.op = text(),
                "path" => operation.path = text(),
                "from" => operation.from = text(),
                _ => {
                    if let Value::Struct(inner) = value {
                        check_names(inner)?;
                    }
                    let json = Json::from_cel(value, Rules::Patch).map_err(|error| {
                        format!("JSONPath valueExpression evaluated to a type that could not marshal to JSON: {error}")
                    })?;
                    operation.value = Some(json);
                }
            }
        }
        operations.push(operation);
    }
    Ok(operations)
}

/// Whether message types inside an object are named after the fields in which they stand.
fn check_names(made: &Struct<'_>) -> Result<(), String> {
    let mut errors = Vec::new();
    names(made, &made.name, &mut errors);
    if errors.is_empty() { Ok(()) } else { Err(format!("type mismatch: {}", errors.join("\n"))) }
}

fn names(made: &Struct<'_>, path: &str, errors: &mut Vec<String>) {
    if *made.name != *path {
        errors.push(format!(
            "unexpected type name {}, expected {}, which matches field name path from root Object type",
            quote(&made.name),
            quote(path)
        ));
    }
    for (name, value) in &made.fields {
        inner_names(value, &format!("{path}.{name}"), errors);
    }
}

fn inner_names(value: &Value<'_>, path: &str, errors: &mut Vec<String>) {
    match value {
        Value::Struct(made) => names(made, path, errors),
        // Values of the document hold no message types.
        Value::List(list @ cel::value::List::Items(_)) => list.iter().for_each(|item| inner_names(&item, path, errors)),
        Value::Map(map @ cel::value::Map::Entries(_)) => {
            map.iter().for_each(|(_, value)| inner_names(&value, path, errors));
        }
        _ => {}
    }
}
