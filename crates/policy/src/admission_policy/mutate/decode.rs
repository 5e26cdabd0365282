//! Whether a patched object can be read as its kind, as the API server reads it strictly.

use manifest::schema::{Expect, Leaf, Shape, TypeRef};

use super::json::Json;
use crate::admission_policy::load::quote;

/// What is wrong with an object of a built-in kind, in the API server's words.
pub(crate) fn check(object: &Json, own: TypeRef) -> Result<(), String> {
    let mut unknown = Vec::new();
    let root = own.name();
    fields(object, own, root, "", &mut unknown)?;
    if unknown.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = unknown.iter().map(|path| format!("unknown field {}", quote(path))).collect();
    Err(format!("Internal error occurred: strict decoding error: {}", list.join(", ")))
}

fn fields(value: &Json, own: TypeRef, root: &str, path: &str, unknown: &mut Vec<String>) -> Result<(), String> {
    let Json::Map(entries) = value else { return mismatch(value, root, path, own.name()) };
    for (name, child) in entries {
        let here = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
        match own.field(name) {
            Some(shape) => shaped(child, shape, own.name(), &here, unknown)?,
            None => unknown.push(here),
        }
    }
    Ok(())
}

fn shaped(value: &Json, shape: Shape, owner: &str, path: &str, unknown: &mut Vec<String>) -> Result<(), String> {
    match (shape.expect(), value) {
        (_, Json::Null) => Ok(()),
        (Expect::List(inner), Json::Seq(items)) => {
            for (index, item) in items.iter().enumerate() {
                shaped(item, inner, owner, &format!("{path}[{index}]"), unknown)?;
            }
            Ok(())
        }
        (Expect::Map(inner), Json::Map(entries)) => {
            for (key, child) in entries {
                scalar_in(child, inner, owner, path, &format!("{path}.{key}"), unknown)?;
            }
            Ok(())
        }
        (Expect::Leaf(Leaf::Fields(own)), Json::Map(_)) => fields(value, own, owner, path, unknown),
        (Expect::Leaf(leaf), value) if fits(leaf, value) => Ok(()),
        (Expect::Maybe(_), _) => Ok(()),
        (expect, value) => mismatch(value, owner, path, go_name(expect)),
    }
}

/// A value of a map: the API server names the field that holds the map.
fn scalar_in(
    value: &Json,
    shape: Shape,
    owner: &str,
    field: &str,
    path: &str,
    unknown: &mut Vec<String>,
) -> Result<(), String> {
    match (shape.expect(), value) {
        (_, Json::Null) => Ok(()),
        (Expect::Leaf(Leaf::Fields(_)) | Expect::List(_) | Expect::Map(_), Json::Map(_) | Json::Seq(_)) => {
            shaped(value, shape, owner, path, unknown)
        }
        (Expect::Leaf(leaf), value) if fits(leaf, value) => Ok(()),
        (Expect::Maybe(_), _) => Ok(()),
        (expect, value) => mismatch(value, owner, field, go_name(expect)),
    }
}

fn fits(leaf: Leaf, value: &Json) -> bool {
    matches!(
        (leaf, value),
        (Leaf::Any, _)
            | (Leaf::String | Leaf::Bytes | Leaf::Time | Leaf::Quantity | Leaf::IntOrString, Json::Str(_))
            | (Leaf::Bool, Json::Bool(_))
            | (Leaf::Int32 | Leaf::Int64 | Leaf::Number | Leaf::Quantity | Leaf::IntOrString, Json::Int(_))
            | (Leaf::Number | Leaf::Quantity, Json::Float(_))
    )
}

fn mismatch(value: &Json, owner: &str, path: &str, wanted: &str) -> Result<(), String> {
    let found = match value {
        Json::Null => "null",
        Json::Bool(_) => "bool",
        Json::Int(_) | Json::Float(_) => "number",
        Json::Str(_) => "string",
        Json::Seq(_) => "array",
        Json::Map(_) => "object",
    };
    let mut plain = String::with_capacity(path.len());
    let mut inside = false;
    for char in path.chars() {
        match char {
            '[' => inside = true,
            ']' => inside = false,
            char if !inside => plain.push(char),
            _ => {}
        }
    }
    let field = format!("{owner}.{plain}");
    Err(format!(
        "Internal error occurred: json: cannot unmarshal {found} into Go struct field {field} of type {wanted}"
    ))
}

fn go_name(expect: Expect) -> &'static str {
    match expect {
        Expect::List(_) => "[]interface {}",
        Expect::Map(_) => "map[string]interface {}",
        Expect::Maybe(_) => "interface {}",
        Expect::Leaf(leaf) => match leaf {
            Leaf::Fields(own) => own.name(),
            Leaf::Bytes => "[]uint8",
            Leaf::Time => "v1.Time",
            Leaf::Bool => "bool",
            Leaf::Int32 => "int32",
            Leaf::Int64 => "int64",
            Leaf::Number => "float64",
            Leaf::Quantity => "resource.Quantity",
            Leaf::IntOrString => "intstr.IntOrString",
            Leaf::String | Leaf::Any => "string",
        },
    }
}
