//! The lists extension: parts, order and shape of lists.

use std::cmp::Ordering;
use std::slice;

use super::arguments::{affordable, charge_list, int, list};
use super::sets::Members;
use crate::context::Context;
use crate::decl::Library;
use crate::fault::Fault;
use crate::types::Type;
use crate::value::{List, Value};

/// The library of one version of the extension. The macro `sortBy` becomes `@sortByAssociatedKeys`.
pub fn lists(version: u32) -> Library {
    let of = Type::list(Type::param("T"));
    let mut library =
        Library::default().method("slice", "list_slice", &[of.clone(), Type::Int, Type::Int], of.clone(), part);
    if version >= 1 {
        let (nested, any) = (Type::list(of.clone()), Type::list(Type::Dyn));
        library = library.method("flatten", "list_flatten", &[nested], of.clone(), flatten).method(
            "flatten",
            "list_flatten_int",
            &[any.clone(), Type::Int],
            any,
            flatten,
        );
    }
    if version >= 2 {
        for (sort_id, sort_by_id, key) in ORDERED {
            let keys = Type::list(key);
            library = library.method("sort", sort_id, slice::from_ref(&keys), keys.clone(), sort).method(
                "@sortByAssociatedKeys",
                sort_by_id,
                &[of.clone(), keys],
                of.clone(),
                sort_by_keys,
            );
        }
        library = library
            .function("lists.range", "lists_range", &[Type::Int], Type::list(Type::Int), range)
            .method("reverse", "list_reverse", slice::from_ref(&of), of.clone(), reverse)
            .method("distinct", "list_distinct", slice::from_ref(&of), of.clone(), distinct);
    }
    library
}

/// Types with an order: identifiers of `sort` and `@sortByAssociatedKeys`.
const ORDERED: [(&str, &str, Type); 8] = [
    ("list_int_sort", "list_int_sortByAssociatedKeys", Type::Int),
    ("list_uint_sort", "list_uint_sortByAssociatedKeys", Type::Uint),
    ("list_double_sort", "list_double_sortByAssociatedKeys", Type::Double),
    ("list_bool_sort", "list_bool_sortByAssociatedKeys", Type::Bool),
    ("list_google.protobuf.Duration_sort", "list_google.protobuf.Duration_sortByAssociatedKeys", Type::Duration),
    ("list_google.protobuf.Timestamp_sort", "list_google.protobuf.Timestamp_sortByAssociatedKeys", Type::Timestamp),
    ("list_string_sort", "list_string_sortByAssociatedKeys", Type::String),
    ("list_bytes_sort", "list_bytes_sortByAssociatedKeys", Type::Bytes),
];

fn part<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let (items, start, end) = (list(args, 0)?, int(args, 1)?, int(args, 2)?);
    let cannot = |why: String| Fault::error(format!("cannot slice({start}, {end}), {why}"));
    let (Ok(first), Ok(last)) = (usize::try_from(start), usize::try_from(end)) else {
        return Err(cannot("negative indexes not supported".to_owned()));
    };
    if first > last {
        return Err(cannot("start index must be less than or equal to end index".to_owned()));
    }
    if last > items.len() {
        return Err(cannot(format!("list is length {}", items.len())));
    }
    charge_list(context, last - first)?;
    Ok(Value::list(items.iter().skip(first).take(last - first).collect::<Vec<_>>()))
}

fn flatten<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let depth = if args.len() > 1 { int(args, 1)? } else { 1 };
    let depth = usize::try_from(depth).map_err(|_| Fault::error("level must be non-negative"))?;
    let mut flat = Vec::new();
    let Some(Value::List(items)) = args.first() else {
        let of = args.first().map(Value::type_of).unwrap_or(Type::Dyn);
        let of = if let Type::Map(..) = of { "map(dyn, dyn)" } else { of.name() };
        let depth = if args.len() > 1 { "int" } else { "" };
        return Err(Fault::error(format!("no such overload: {of}.flatten({depth})")));
    };
    flatten_into(context, items, depth, FLATTEN_DEPTH_MAX, &mut flat)?;
    Ok(Value::list(flat))
}

fn flatten_into<'v>(
    context: &mut Context<'_>,
    items: &List<'v>,
    depth: usize,
    deeper_max: usize,
    flat: &mut Vec<Value<'v>>,
) -> Result<(), Fault> {
    if deeper_max == 0 {
        return Err(Fault::LimitExceeded(&"flatten is limited to lists of 256 levels"));
    }
    for item in items.iter() {
        match &item {
            Value::List(inner) if depth > 0 => flatten_into(context, inner, depth - 1, deeper_max - 1, flat)?,
            _ => {
                charge_list(context, 1)?;
                flat.push(item);
            }
        }
    }
    Ok(())
}

fn sort<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let items = list(args, 0)?;
    sorted(context, items, items)
}

fn sort_by_keys<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    sorted(context, list(args, 0)?, list(args, 1)?)
}

fn sorted<'v>(context: &mut Context<'_>, items: &List<'v>, keys: &List<'v>) -> Result<Value<'v>, Fault> {
    if items.len() != keys.len() {
        return Err(Fault::error(format!(
            "@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got {} and {} \
             elements respectively",
            items.len(),
            keys.len()
        )));
    }
    charge_list(context, items.len().saturating_mul(2))?;
    let mut pairs: Vec<(Value<'v>, Value<'v>)> = keys.iter().zip(items.iter()).collect();
    let Some((first, _)) = pairs.first() else { return Ok(Value::List(items.clone())) };
    if !crate::standard::has_order(first) {
        return Err(Fault::error("list elements must be comparable"));
    }
    let kind = std::mem::discriminant(first);
    if pairs.iter().any(|(key, _)| std::mem::discriminant(key) != kind) {
        return Err(Fault::error("list elements must have the same type"));
    }
    pairs.sort_by(|a, b| order(&a.0, &b.0));
    Ok(Value::list(pairs.into_iter().map(|(_, item)| item).collect::<Vec<_>>()))
}

/// Order of two keys of one type; NaN, which has none, comes last, for a sort needs a total order.
fn order(a: &Value<'_>, b: &Value<'_>) -> Ordering {
    match (a, b) {
        (Value::Double(a), Value::Double(b)) => a.partial_cmp(b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan())),
        _ => a.compare(b).unwrap_or(Ordering::Equal),
    }
}

fn range<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let end = int(args, 0)?.max(0);
    affordable(context, end as u64)?;
    charge_list(context, usize::try_from(end).unwrap_or(usize::MAX))?;
    Ok(Value::list((0..end).map(Value::Int).collect::<Vec<_>>()))
}

fn reverse<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let items = list(args, 0)?;
    charge_list(context, items.len())?;
    let mut items: Vec<Value<'v>> = items.iter().collect();
    items.reverse();
    Ok(Value::list(items))
}

fn distinct<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let items = list(args, 0)?;
    let count = items.len() as u64;
    affordable(context, count.saturating_mul(count))?;
    charge_list(context, items.len().saturating_mul(2))?;
    let mut seen = Members::default();
    let mut kept = Vec::new();
    for item in items.iter() {
        if !seen.has(&item) {
            seen.add(item.clone());
            kept.push(item);
        }
    }
    Ok(Value::list(kept))
}

/// Deeper than any object of Kubernetes, shallow enough for the stack.
const FLATTEN_DEPTH_MAX: usize = 256;
