//! Whether a document has only the fields that its kind has, each of the right type.

use manifest::Value;
use manifest::schema::{Expect, Leaf, Shape, TypeRef};

use super::report::{At, Report, noun};

/// Reports unknown fields and values of the wrong type.
pub(super) fn check(at: &At<'_>, own: TypeRef, report: &mut Report) {
    let Some(value) = at.value else { return };
    if !value.is_map() {
        mismatch(at, value, "a mapping", report);
        return;
    }
    let mut seen: Vec<&str> = Vec::with_capacity(value.len());
    for (key, child) in value.entries() {
        let name = key.as_str().unwrap_or("");
        let mut here = at.child(name);
        if seen.contains(&name) {
            here.location = key.location();
            report.error_with(&here, format!("duplicate field \"{}\"", here.path), "Keep one of the two.");
        }
        seen.push(name);
        // What somebody else writes into `status` and bookkeeping of the server is not judged.
        if at.path.is_empty() && name == "status" {
            continue;
        }
        match own.field(name) {
            Some(shape) if !child.is_null() => shaped(&here, child, shape, report),
            Some(_) => {}
            None => {
                here.location = key.location();
                let path = here.path.clone();
                report.error_with(&here, format!("unknown field \"{path}\""), HINT_UNKNOWN);
            }
        }
    }
}

fn shaped(at: &At<'_>, value: Value<'_>, shape: Shape, report: &mut Report) {
    match shape.expect() {
        Expect::List(inner) if value.is_seq() => {
            for item in at.items() {
                match item.value {
                    Some(value) if !value.is_null() => shaped(&item, value, inner, report),
                    _ => {}
                }
            }
        }
        Expect::Map(inner) if value.is_map() => {
            for (key, child) in value.entries() {
                let here = At {
                    value: Some(child),
                    location: child.location(),
                    path: format!("{}[{}]", at.path, key.as_str().unwrap_or("")),
                };
                if !child.is_null() {
                    shaped(&here, child, inner, report);
                }
            }
        }
        Expect::Leaf(Leaf::Fields(own)) if value.is_map() => check(at, own, report),
        Expect::Leaf(leaf) if fits(leaf, value) => {}
        Expect::Maybe(_) => {}
        _ => mismatch(at, value, shape.noun(), report),
    }
}

fn fits(leaf: Leaf, value: Value<'_>) -> bool {
    use manifest::Data;
    matches!(
        (leaf, value.data()),
        (Leaf::Any, _)
            | (Leaf::String | Leaf::Bytes | Leaf::Time | Leaf::Quantity | Leaf::IntOrString, Data::Str(_))
            | (Leaf::Bool, Data::Bool(_))
            | (Leaf::Int32 | Leaf::Int64 | Leaf::Number | Leaf::Quantity | Leaf::IntOrString, Data::Int(_))
            | (Leaf::Number | Leaf::Quantity, Data::Float(_))
    )
}

fn mismatch(at: &At<'_>, value: Value<'_>, wanted: &str, report: &mut Report) {
    report.error(at, format!("must be {wanted}, not {}", noun(value)));
}

const HINT_UNKNOWN: &str = "Correct the name, move the field to where it belongs, or delete it.";
