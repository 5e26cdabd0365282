//! Functions whose results can be far larger than their arguments, with a limit.

use std::cell::Cell;

use cel::library::pattern::Pattern;
use regorus::{Engine, Value};

use super::scales;
use super::weight::{TEXT_BYTES, WEIGHT_MAX, WEIGHT_SMALL_MAX, weigh};

/// Puts guarded versions before the library's own.
pub(super) fn install(engine: &mut Engine) -> Result<(), String> {
    let mut add = |name: &str, count: u8, run: fn(&[Value]) -> Result<Value, Limit>| {
        let call = move |arguments: Vec<Value>| Ok(run(&arguments)?);
        engine.add_extension(name.to_owned(), count, Box::new(call)).map_err(|error| error.to_string())
    };
    add("numbers.range", 2, range)?;
    add(scales::WEIGHED, 1, |arguments| weighed(arguments, WEIGHT_MAX))?;
    add(scales::SMALL, 1, |arguments| weighed(arguments, WEIGHT_SMALL_MAX))?;
    add("any", 1, |arguments| truths(arguments, |list| list.contains(&&Value::Bool(true))))?;
    add("all", 1, |arguments| truths(arguments, |list| list.iter().all(|item| **item == Value::Bool(true))))?;
    add("re_match", 2, matches)?;
    add("regex.match", 2, matches)?;
    add("regex.is_valid", 1, is_valid)?;
    add("regex.find_n", 3, find)?;
    add("regex.split", 2, split)?;
    add("sprintf", 2, sprintf)?;
    add("concat", 2, concat)?;
    add("replace", 3, replace)?;
    add("array.concat", 2, array_concat)
}

/// Begins an evaluation on this thread with a whole budget.
pub(super) fn begin() {
    LEFT.set(WORK_MAX);
}

thread_local! {
    /// What the evaluation on this thread may still make, in weights.
    static LEFT: Cell<usize> = const { Cell::new(WORK_MAX) };
}

fn spend(weight: usize) -> Result<(), Limit> {
    match LEFT.get().checked_sub(weight) {
        Some(left) => {
            LEFT.set(left);
            Ok(())
        }
        None => Err(Limit("the values of one evaluation become too large".to_owned())),
    }
}

/// A result would be too large.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Limit(String);

fn range(arguments: &[Value]) -> Result<Value, Limit> {
    let number = |index: usize| arguments.get(index).and_then(|value| value.as_i64().ok());
    let (Some(first), Some(last)) = (number(0), number(1)) else { return Ok(Value::Undefined) };
    let count = last.abs_diff(first).saturating_add(1);
    if count > ITEMS_MAX as u64 {
        return Err(Limit(format!("numbers.range: more than {ITEMS_MAX} numbers")));
    }
    let sign = if last >= first { 1 } else { -1 };
    Ok(Value::from((0..count as i64).map(|index| Value::from(first + index * sign)).collect::<Vec<_>>()))
}

fn sprintf(arguments: &[Value]) -> Result<Value, Limit> {
    let [pattern, values] = arguments else { return Ok(Value::Undefined) };
    let (Ok(pattern), Ok(values)) = (pattern.as_string(), values.as_array()) else { return Ok(Value::Undefined) };
    match super::sprintf::format(pattern, &values.to_vec(), BYTES_MAX) {
        Ok(text) => {
            spend(text.len() / TEXT_BYTES)?;
            Ok(Value::from(text))
        }
        Err(()) => Err(Limit(format!("sprintf: more than {BYTES_MAX} bytes"))),
    }
}

fn concat(arguments: &[Value]) -> Result<Value, Limit> {
    let [separator, parts] = arguments else { return Ok(Value::Undefined) };
    let Ok(separator) = separator.as_string() else { return Ok(Value::Undefined) };
    let parts: Vec<&Value> = match parts {
        Value::Array(items) => items.iter().collect(),
        Value::Set(items) => items.iter().collect(),
        _ => return Ok(Value::Undefined),
    };
    let mut texts = Vec::with_capacity(parts.len());
    let mut bytes = separator.len().saturating_mul(parts.len());
    for part in parts {
        let Ok(text) = part.as_string() else { return Ok(Value::Undefined) };
        bytes = bytes.saturating_add(text.len());
        texts.push(&**text);
    }
    within("concat", bytes)?;
    Ok(Value::from(texts.join(separator)))
}

fn replace(arguments: &[Value]) -> Result<Value, Limit> {
    let text = |index: usize| arguments.get(index).and_then(|value| value.as_string().ok());
    let (Some(text), Some(old), Some(new)) = (text(0), text(1), text(2)) else { return Ok(Value::Undefined) };
    let count = if old.is_empty() { text.chars().count() + 1 } else { text.matches(&**old).count() };
    within("replace", text.len().saturating_add(count.saturating_mul(new.len())))?;
    Ok(Value::from(text.replace(&**old, new)))
}

fn array_concat(arguments: &[Value]) -> Result<Value, Limit> {
    let [a, b] = arguments else { return Ok(Value::Undefined) };
    let (Ok(a), Ok(b)) = (a.as_array(), b.as_array()) else { return Ok(Value::Undefined) };
    if a.len() + b.len() > ITEMS_MAX {
        return Err(Limit(format!("array.concat: more than {ITEMS_MAX} items")));
    }
    Ok(Value::from(a.iter().chain(b.iter()).cloned().collect::<Vec<_>>()))
}

/// `any` and `all`, which the library does not have.
fn truths(arguments: &[Value], ask: fn(&[&Value]) -> bool) -> Result<Value, Limit> {
    Ok(match arguments.first() {
        Some(Value::Array(items)) => Value::Bool(ask(&items.iter().collect::<Vec<_>>())),
        Some(Value::Set(items)) => Value::Bool(ask(&items.iter().collect::<Vec<_>>())),
        _ => Value::Undefined,
    })
}

fn weighed(arguments: &[Value], max: usize) -> Result<Value, Limit> {
    let Some(value) = arguments.first() else { return Ok(Value::Undefined) };
    match weigh(value, max) {
        Some(weight) => {
            spend(weight)?;
            Ok(value.clone())
        }
        None => Err(Limit("a value becomes too large, too deep or too long".to_owned())),
    }
}

// Patterns are RE2's, as in Go; classes like `\w` are those of ASCII.

fn matches(arguments: &[Value]) -> Result<Value, Limit> {
    let Some((pattern, text)) = pattern_and_text(arguments)? else { return Ok(Value::Undefined) };
    Ok(Value::Bool(pattern.is_match(text)))
}

fn is_valid(arguments: &[Value]) -> Result<Value, Limit> {
    let pattern = arguments.first().and_then(|pattern| pattern.as_string().ok());
    Ok(Value::Bool(pattern.is_some_and(|pattern| pattern.len() <= PATTERN_BYTES_MAX && Pattern::new(pattern).is_ok())))
}

fn find(arguments: &[Value]) -> Result<Value, Limit> {
    let Some((pattern, text)) = pattern_and_text(arguments)? else { return Ok(Value::Undefined) };
    let Some(count) = arguments.get(2).and_then(|count| count.as_i64().ok()) else { return Ok(Value::Undefined) };
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let found = pattern.find_all(text).take(count);
    Ok(Value::from(found.map(|range| Value::from(text.get(range).unwrap_or(""))).collect::<Vec<_>>()))
}

fn split(arguments: &[Value]) -> Result<Value, Limit> {
    let Some((pattern, text)) = pattern_and_text(arguments)? else { return Ok(Value::Undefined) };
    let (mut parts, mut start, mut end) = (Vec::new(), 0, 0);
    for found in pattern.find_all(text) {
        end = found.start;
        // Nothing stands before an empty match at the start.
        if found.end != 0 {
            parts.push(Value::from(text.get(start..end).unwrap_or("")));
        }
        start = found.end;
    }
    if end != text.len() || text.is_empty() {
        parts.push(Value::from(text.get(start..).unwrap_or("")));
    }
    Ok(Value::from(parts))
}

fn pattern_and_text(arguments: &[Value]) -> Result<Option<(Pattern, &str)>, Limit> {
    let text = |index: usize| arguments.get(index).and_then(|value| value.as_string().ok());
    let (Some(pattern), Some(text)) = (text(0), text(1)) else { return Ok(None) };
    let repeats = if pattern.contains('{') { REPETITION_FACTOR } else { 1 };
    let work = pattern.len().saturating_mul(repeats).saturating_mul(text.len());
    if pattern.len() > PATTERN_BYTES_MAX || work > PATTERN_WORK_MAX {
        return Err(Limit("a pattern is too long for its text".to_owned()));
    }
    Ok(Pattern::cached(pattern).ok().map(|pattern| (pattern, &**text)))
}

fn within(name: &str, bytes: usize) -> Result<(), Limit> {
    if bytes > BYTES_MAX {
        return Err(Limit(format!("{name}: more than {BYTES_MAX} bytes")));
    }
    spend(bytes / TEXT_BYTES)
}

/// Bytes of one text. An object has at most 3 MiB, so has any text in it.
const BYTES_MAX: usize = 4 << 20;

/// Items of one list. A pod may have 10,000 containers.
const ITEMS_MAX: usize = 100_000;

/// Weight of all values that one evaluation makes, again for each time they are weighed: 256 MiB of text. A pod of
/// ten thousand containers needs less than a million.
const WORK_MAX: usize = 1 << 24;

/// Bytes of a pattern.
const PATTERN_BYTES_MAX: usize = 4 << 10;

/// Bytes of a pattern times bytes of a text: the time of the slowest way to match, about a quarter of a second.
const PATTERN_WORK_MAX: usize = 32 << 20;

/// What a repetition with a count may add to the length of a pattern, roughly.
const REPETITION_FACTOR: usize = 16;
