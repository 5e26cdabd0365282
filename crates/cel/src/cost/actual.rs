//! What a call did cost.

use crate::cost::kubernetes::{is_nominal, selector_cost};
use crate::cost::{self, PATTERN, Range, TRAVERSAL};
use crate::library::Format;
use crate::value::{Value, downcast};

/// Cost of a call, of its arguments (a method's receiver first) and its result.
pub type Actual = for<'a, 'v> fn(&'a [Value<'v>], &'a Value<'v>) -> u64;

/// How the cost of a call is found, to be asked once per call of a program.
///
/// `overload` is the identifier of its overload if the type checker left exactly one; `None` if several may
/// fit, in which case neither cel-go nor this function knows whether it walks through a text.
pub fn actual(function: &str, overload: Option<&str>) -> Actual {
    let overload = overload.unwrap_or_default();
    extension(overload).or_else(|| kubernetes(function, overload)).unwrap_or_else(|| standard(overload))
}

/// Functions of the extension libraries that have costs of their own.
fn extension(overload: &str) -> Option<Actual> {
    Some(match overload {
        "list_slice" | "lists_range" | "list_reverse" => |_, result| allocated(1.0, size(result)),
        "list_flatten" | "list_flatten_int" => |args, _| {
            let depth = if let Some(Value::Int(depth)) = args.get(1) { *depth as f64 } else { 1.0 };
            allocated(depth, size_of(args, 0))
        },
        "list_distinct" => |args, _| self_compared(args.first()),
        "list_sets_contains_list" | "list_sets_intersects_list" => {
            |args, _| size_of(args, 0).saturating_mul(size_of(args, 1)).saturating_add(1)
        }
        "list_sets_equivalent_list" => {
            |args, _| size_of(args, 0).saturating_mul(size_of(args, 1)).saturating_mul(2).saturating_add(1)
        }
        "regex_extract_string_string" => |args, result| (1.0 + search(args) + size(result) as f64).ceil() as u64,
        "regex_extractAll_string_string" => {
            |args, result| (1.0 + search(args) + size(result) as f64 + cost::LIST as f64).ceil() as u64
        }
        "regex_replace_string_string_string" | "regex_replace_string_string_string_int" => {
            |args, result| (1.0 + search(args) + size(result) as f64) as u64
        }
        _ => match overload.strip_prefix("list_") {
            Some(sort) if sort.ends_with("_sort") => |args, _| self_compared(args.first()),
            Some(sort) if sort.ends_with("_sortByAssociatedKeys") => |args, _| self_compared(args.get(1)),
            _ => return None,
        },
    })
}

/// Functions of kube-apiserver's libraries, by name of the function.
fn kubernetes(function: &str, overload: &str) -> Option<Actual> {
    Some(match function {
        "check" => |_, _| cost::AUTHORIZER_CHECK,
        nominal if is_nominal(nominal) => |_, _| 1,
        "fieldSelector" | "labelSelector" => |args, _| selector_cost(Range::exactly(size_of(args, 1))).max,
        "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" => |args, _| args.first().map_or(0, walk),
        "ip" if overload == "cidr_ip" => |_, _| 1,
        "url"
        | "lowerAscii"
        | "upperAscii"
        | "substring"
        | "trim"
        | "jsonpatch.escapeKey"
        | "cidr"
        | "isIP"
        | "isCIDR"
        | "ip"
        | "quantity"
        | "isQuantity"
        | "semver"
        | "isSemver" => |args, _| scaled(size_of(args, 0), TRAVERSAL),
        "replace" | "split" | "ip.isCanonical" => |args, _| scaled(size_of(args, 0), 2.0 * TRAVERSAL),
        "join" => |_, result| scaled(size(result), 2.0 * TRAVERSAL),
        "find" | "findAll" => |args, _| matched(size_of(args, 0), size_of(args, 1)),
        "containsIP" if overload == "cidr_contains_ip_string" => {
            |args, _| compared(args) + scaled(size_of(args, 1), TRAVERSAL)
        }
        "containsIP" => |args, _| compared(args),
        "containsCIDR" if overload == "cidr_contains_cidr_string" => {
            |args, _| compared(args) + masked(args) + scaled(size_of(args, 1), TRAVERSAL)
        }
        "containsCIDR" => |args, _| compared(args) + masked(args),
        "validate" => |args, _| {
            let pattern = args.first().and_then(downcast::<Format>).map(|format| format.regex_size);
            pattern.map_or(1, |pattern| matched(size_of(args, 1), pattern))
        },
        "_==_" => |args, _| if is_of_kubernetes(args.first()) { 1 } else { smaller(args) },
        _ => return None,
    })
}

/// Functions of the language.
fn standard(overload: &str) -> Actual {
    match overload {
        "starts_with_string" | "ends_with_string" | "string_to_bytes" | "bytes_to_string" | "strings_quote"
        | "string_format" => |args, _| scaled(inner_size_of(args, 0), TRAVERSAL),
        "in_list" => |args, _| inner_size_of(args, 1),
        "less_string"
        | "greater_string"
        | "less_equals_string"
        | "greater_equals_string"
        | "less_bytes"
        | "greater_bytes"
        | "less_equals_bytes"
        | "greater_equals_bytes"
        | "equals"
        | "not_equals" => |args, _| smaller(args),
        "add_string" | "add_bytes" => {
            |args, _| scaled(inner_size_of(args, 0).saturating_add(inner_size_of(args, 1)), TRAVERSAL)
        }
        "matches_string" => |args, _| matched(inner_size_of(args, 0), inner_size_of(args, 1)),
        "contains_string" => |args, _| {
            scaled(inner_size_of(args, 0), TRAVERSAL).saturating_mul(scaled(inner_size_of(args, 1), TRAVERSAL))
        },
        _ => |_, _| 1,
    }
}

/// Size of a value as the libraries count it: 1 for values without one.
fn size(value: &Value<'_>) -> u64 {
    if let Value::Optional(_) = value { 1 } else { value.cost_size() }
}

fn size_of(args: &[Value<'_>], index: usize) -> u64 {
    args.get(index).map_or(1, size)
}

/// Size as the language counts it: that of what is inside an optional.
fn inner_size_of(args: &[Value<'_>], index: usize) -> u64 {
    args.get(index).map_or(1, Value::cost_size)
}

fn scaled(size: u64, factor: f64) -> u64 {
    (size as f64 * factor).ceil() as u64
}

/// Comparing two values looks at the smaller one.
fn smaller(args: &[Value<'_>]) -> u64 {
    scaled(inner_size_of(args, 0).min(inner_size_of(args, 1)), TRAVERSAL)
}

fn matched(text: u64, pattern: u64) -> u64 {
    let text = ((1.0 + text as f64) * TRAVERSAL).ceil() as u64;
    text.saturating_mul(scaled(pattern, PATTERN))
}

/// Searching a text with the `regex` extension.
fn search(args: &[Value<'_>]) -> f64 {
    let (text, pattern) = (size_of(args, 0) + 1, size_of(args, 1) + 1);
    (text as f64 * TRAVERSAL) * (pattern as f64 * PATTERN)
}

/// Comparing two addresses up to the length of the prefix.
fn compared(args: &[Value<'_>]) -> u64 {
    let prefix = size_of(args, 0);
    scaled(prefix + prefix, TRAVERSAL)
}

fn masked(args: &[Value<'_>]) -> u64 {
    scaled(size_of(args, 0), TRAVERSAL) + 1
}

/// A call that makes a list.
fn allocated(factor: f64, size: u64) -> u64 {
    let size = size as f64 * factor;
    if size < 0.0 {
        // A negative depth wraps around, as in Go.
        return (size as i64 as u64).wrapping_add(1 + cost::LIST);
    }
    (size as u64).saturating_add(1 + cost::LIST)
}

/// Comparing every element of a list with every other.
fn self_compared(list: Option<&Value<'_>>) -> u64 {
    let Some(Value::List(list)) = list else { return allocated(2.0, 0) };
    let text = matches!(list.get(0), Some(Value::Str(_) | Value::Bytes(_)));
    let size = list.len() as u64;
    allocated(if text { 2.0 + TRAVERSAL } else { 2.0 }, size.saturating_mul(size))
}

/// A walk through a value with all its parts.
fn walk(value: &Value<'_>) -> u64 {
    match value {
        Value::Str(text) => (text.as_str().len() as f64 * TRAVERSAL) as u64,
        Value::Bytes(bytes) => (bytes.len() as f64 * TRAVERSAL) as u64,
        Value::List(list) => list.iter().fold(0, |sum, item| sum.saturating_add(walk(&item))),
        Value::Map(map) => {
            map.iter().fold(0, |sum, (key, value)| sum.saturating_add(walk(&key)).saturating_add(walk(&value)))
        }
        _ => 1,
    }
}

/// Values of kube-apiserver's own types are compared in one step.
fn is_of_kubernetes(value: Option<&Value<'_>>) -> bool {
    matches!(value, Some(Value::Opaque(_)))
}
