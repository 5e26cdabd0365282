//! Functions whose results can be far larger than their arguments, with a limit.

use regorus::{Engine, Value};

/// Puts guarded versions before the library's own.
pub(super) fn install(engine: &mut Engine) -> Result<(), String> {
    let mut add = |name: &str, count: u8, run: fn(&[Value]) -> Result<Value, Limit>| {
        let call = move |arguments: Vec<Value>| Ok(run(&arguments)?);
        engine.add_extension(name.to_owned(), count, Box::new(call)).map_err(|error| error.to_string())
    };
    add("numbers.range", 2, range)?;
    add("numbers.range_step", 3, range)?;
    add("sprintf", 2, sprintf)?;
    add("concat", 2, concat)?;
    add("replace", 3, replace)?;
    add("array.concat", 2, array_concat)
}

/// A result would be too large.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Limit(String);

fn range(arguments: &[Value]) -> Result<Value, Limit> {
    let number = |index: usize| arguments.get(index).and_then(|value| value.as_i64().ok());
    let (Some(first), Some(last)) = (number(0), number(1)) else { return Ok(Value::Undefined) };
    let step = if arguments.len() > 2 { number(2).filter(|step| *step > 0) } else { Some(1) };
    let Some(step) = step else { return Ok(Value::Undefined) };
    let count = last.abs_diff(first) / step.unsigned_abs() + 1;
    if count > ITEMS_MAX as u64 {
        return Err(Limit(format!("numbers.range: more than {ITEMS_MAX} numbers")));
    }
    let sign = if last >= first { step } else { -step };
    Ok(Value::from((0..count as i64).map(|index| Value::from(first + index * sign)).collect::<Vec<_>>()))
}

fn sprintf(arguments: &[Value]) -> Result<Value, Limit> {
    let [pattern, values] = arguments else { return Ok(Value::Undefined) };
    let (Ok(pattern), Ok(values)) = (pattern.as_string(), values.as_array()) else { return Ok(Value::Undefined) };
    match super::sprintf::format(pattern, &values.to_vec(), BYTES_MAX) {
        Ok(text) => Ok(Value::from(text)),
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

fn within(name: &str, bytes: usize) -> Result<(), Limit> {
    if bytes > BYTES_MAX { Err(Limit(format!("{name}: more than {BYTES_MAX} bytes"))) } else { Ok(()) }
}

/// Bytes of one text. An object has at most 3 MiB, so has any text in it.
const BYTES_MAX: usize = 4 << 20;

/// Items of one list. A pod may have 10,000 containers.
const ITEMS_MAX: usize = 100_000;
