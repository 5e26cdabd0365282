//! The table of built-in kinds and their fields, out of a kube-apiserver's `/openapi/v2`.
//!
//! Take the document from an API server with all feature gates and all API versions switched on, so
//! that a field behind a gate is known too. `manifest::schema` describes the format.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Map, Value};

/// One built-in type with its fields, named by other types' full names until they get numbers.
struct Type {
    display: String,
    fields: BTreeMap<String, Shape>,
}

/// A field's shape: `layers` of `[` (list) and `{` (map), then a leaf code or a type.
#[derive(Clone)]
struct Shape {
    layers: String,
    leaf: Leaf,
}

#[derive(Clone)]
enum Leaf {
    Code(char),
    Type(String),
}

/// Writes the table from an OpenAPI v2 document.
pub fn write(root: &std::path::Path, openapi: &std::path::Path) -> Result<(), String> {
    let text = std::fs::read_to_string(openapi).map_err(|error| format!("{}: {error}", openapi.display()))?;
    let table = table(&text).map_err(|error| error.to_string())?;
    std::fs::write(root.join("crates/manifest/data/schema.txt"), table).map_err(|error| error.to_string())
}

/// The whole table as text.
pub(crate) fn table(openapi: &str) -> Result<String, Box<dyn std::error::Error>> {
    let document: Value = serde_json::from_str(openapi)?;
    let definitions = document.get("definitions").and_then(Value::as_object).ok_or("no `definitions`")?;
    let version = document.pointer("/info/version").and_then(Value::as_str).unwrap_or("unknown");
    let kinds = kinds(definitions);
    let types = reachable(definitions, &kinds)?;
    let names = merged(&types);
    let numbers: BTreeMap<&str, usize> = {
        let kept: BTreeSet<&str> = names.values().map(String::as_str).collect();
        kept.into_iter().enumerate().map(|(number, name)| (name, number)).collect()
    };
    let number = |name: &str| names.get(name).and_then(|kept| numbers.get(kept.as_str())).copied();

    let mut out = format!("# kube-apiserver {version}; written by `cargo xtask codegen schema`, do not edit\n");
    for name in numbers.keys() {
        let Some(kind) = types.get(*name) else { continue };
        out.push_str(&kind.display);
        for (field, shape) in &kind.fields {
            let _ = write!(out, " {field}:{}", shape.layers);
            match &shape.leaf {
                Leaf::Code(code) => out.push(*code),
                Leaf::Type(target) => {
                    let target = number(target).ok_or_else(|| format!("{target} was lost"))?;
                    let _ = write!(out, "{target}");
                }
            }
        }
        out.push('\n');
    }
    out.push('\n');
    for ((group, version, kind), name) in &kinds {
        let number = number(name).ok_or_else(|| format!("{name} was lost"))?;
        let slash = if group.is_empty() { "" } else { "/" };
        let _ = writeln!(out, "{group}{slash}{version} {kind} {number}");
    }
    Ok(out)
}

/// Group, version and kind to type; without lists and without the kinds that every group serves.
fn kinds(definitions: &Map<String, Value>) -> BTreeMap<(String, String, String), String> {
    let mut kinds = BTreeMap::new();
    for (name, definition) in definitions {
        let served = definition.get("x-kubernetes-group-version-kind").and_then(Value::as_array);
        let served = served.map(Vec::as_slice).unwrap_or_default();
        for entry in served.iter().filter(|_| served.len() == 1) {
            let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
            if !text("kind").ends_with("List") {
                kinds.insert((text("group"), text("version"), text("kind")), name.clone());
            }
        }
    }
    kinds
}

/// All types that the kinds hold, directly or not.
fn reachable(
    definitions: &Map<String, Value>,
    kinds: &BTreeMap<(String, String, String), String>,
) -> Result<BTreeMap<String, Type>, String> {
    let mut types = BTreeMap::new();
    let mut queue: Vec<String> = kinds.values().cloned().collect();
    while let Some(name) = queue.pop() {
        if types.contains_key(&name) {
            continue;
        }
        let definition = definitions.get(&name).ok_or_else(|| format!("{name} is not defined"))?;
        let mut fields = BTreeMap::new();
        for (field, schema) in definition.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let shape = shape(definitions, schema)?;
            if let Leaf::Type(target) = &shape.leaf {
                queue.push(target.clone());
            }
            fields.insert(field.clone(), shape);
        }
        let display = name.rsplit('.').next().unwrap_or(&name).to_owned();
        types.insert(name, Type { display, fields });
    }
    Ok(types)
}

fn shape(definitions: &Map<String, Value>, schema: &Value) -> Result<Shape, String> {
    let code = |code| Ok(Shape { layers: String::new(), leaf: Leaf::Code(code) });
    let wrapped = |layer: char, inner: &Value| {
        shape(definitions, inner).map(|inner| Shape { layers: format!("{layer}{}", inner.layers), leaf: inner.leaf })
    };
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let name = reference.rsplit('/').next().unwrap_or(reference);
        return match name.rsplit('.').next().unwrap_or(name) {
            "Quantity" => code('q'),
            "IntOrString" => code('x'),
            "Time" | "MicroTime" => code('t'),
            "JSON" | "RawExtension" | "FieldsV1" => code('a'),
            // A schema, or something else in its place: a boolean, a list of schemas or of names.
            "JSONSchemaPropsOrArray" | "JSONSchemaPropsOrBool" | "JSONSchemaPropsOrStringArray" => {
                Ok(Shape { layers: "?".into(), leaf: Leaf::Type(name.split("Or").next().unwrap_or(name).into()) })
            }
            _ if definitions.contains_key(name) => Ok(Shape { layers: String::new(), leaf: Leaf::Type(name.into()) }),
            _ => Err(format!("{name} is not defined")),
        };
    }
    match (schema.get("type").and_then(Value::as_str), schema.get("format").and_then(Value::as_str)) {
        (Some("string"), Some("byte")) => code('y'),
        (Some("string"), _) => code('s'),
        (Some("boolean"), _) => code('b'),
        (Some("integer"), Some("int64")) => code('l'),
        (Some("integer"), _) => code('i'),
        (Some("number"), _) => code('n'),
        (Some("array"), _) => wrapped('[', schema.get("items").ok_or("an array without items")?),
        (Some("object"), _) => match schema.get("additionalProperties") {
            Some(inner) => wrapped('{', inner),
            None => code('a'),
        },
        (other, _) => Err(format!("a field of type {other:?}")),
    }
}

/// Full name of every type to the first one that says the same under the same display name.
fn merged(types: &BTreeMap<String, Type>) -> BTreeMap<String, String> {
    let mut names: BTreeMap<String, String> = types.keys().map(|name| (name.clone(), name.clone())).collect();
    loop {
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        let mut next = BTreeMap::new();
        for (name, kind) in types {
            let mut text = kind.display.clone();
            for (field, shape) in &kind.fields {
                let leaf = match &shape.leaf {
                    Leaf::Code(code) => code.to_string(),
                    Leaf::Type(target) => names.get(target).cloned().unwrap_or_default(),
                };
                let _ = write!(text, " {field}:{}{leaf}", shape.layers);
            }
            next.insert(name.clone(), (*seen.entry(text).or_insert(name)).to_owned());
        }
        if next == names {
            return names;
        }
        names = next;
    }
}
