//! The regex extension: `regex.extract`, `regex.extractAll`, `regex.replace`.

use super::arguments::{charge_list, go_quote, int, owned_text, part, text};
use super::pattern::Pattern;
use crate::context::Context;
use crate::decl::Library;
use crate::fault::Fault;
use crate::types::Type;
use crate::value::Value;

/// The extension.
pub fn regex() -> Library {
    let two = [Type::String, Type::String];
    let three = [Type::String, Type::String, Type::String];
    let counted = [Type::String, Type::String, Type::String, Type::Int];
    Library::default()
        .function("regex.extract", "regex_extract_string_string", &two, Type::optional(Type::String), extract)
        .function("regex.extractAll", "regex_extractAll_string_string", &two, Type::list(Type::String), extract_all)
        .function("regex.replace", "regex_replace_string_string_string", &three, Type::String, replace)
        .function("regex.replace", "regex_replace_string_string_string_int", &counted, Type::String, replace)
}

/// The pattern, which may have one group at most.
fn simple_pattern(args: &[Value<'_>]) -> Result<Pattern, Fault> {
    let source = text(args, 1)?;
    let pattern = Pattern::cached(source).map_err(|refusal| refusal.fault(""))?;
    if pattern.groups() > 1 {
        return Err(Fault::error(format!(
            "regular expression has more than one capturing group: {}",
            go_quote(source)
        )));
    }
    Ok(pattern)
}

fn extract<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let (whole, pattern) = (owned_text(args, 0)?, simple_pattern(args)?);
    let Some(found) = pattern.captures_all(whole.as_str()).next() else { return Ok(Value::none()) };
    let range = found.get(pattern.groups()).cloned().flatten().unwrap_or_default();
    if pattern.groups() == 1 && range.is_empty() {
        return Ok(Value::none());
    }
    part(context, whole, range).map(Value::some)
}

fn extract_all<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let (whole, pattern) = (owned_text(args, 0)?, simple_pattern(args)?);
    let mut parts = Vec::new();
    for found in pattern.captures_all(whole.as_str()) {
        let range = found.get(pattern.groups()).cloned().flatten().unwrap_or_default();
        if pattern.groups() == 0 || !range.is_empty() {
            charge_list(context, 1)?;
            parts.push(part(context, whole, range)?);
        }
    }
    Ok(Value::list(parts))
}

fn replace<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let (whole, replacement) = (owned_text(args, 0)?, text(args, 2)?);
    let limit = if args.len() > 3 { int(args, 3)? } else { -1 };
    if limit == 0 {
        return Ok(Value::Str(whole.clone()));
    }
    let pattern = Pattern::cached(text(args, 1)?).map_err(|refusal| refusal.fault(""))?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let source = whole.as_str();
    let mut replaced = String::new();
    let mut end = 0;
    for found in pattern.captures_all(source).take(limit) {
        let Some(range) = found.first().cloned().flatten() else { continue };
        context.allocate(range.start - end)?;
        replaced.push_str(&source[end..range.start]);
        expand(context, replacement, source, &found, &mut replaced)?;
        end = range.end;
    }
    context.allocate(source.len() - end)?;
    replaced.push_str(&source[end..]);
    Ok(Value::string(replaced))
}

/// Adds a replacement; `\1` is a group, `\\` a backslash.
fn expand(
    context: &mut Context<'_>,
    replacement: &str,
    source: &str,
    groups: &[Option<std::ops::Range<usize>>],
    out: &mut String,
) -> Result<(), Fault> {
    context.allocate(replacement.len())?;
    let invalid = |why: &str| Fault::error(format!("invalid replacement string: '{replacement}' \\ {why}"));
    let mut chars = replacement.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            out.push(char);
            continue;
        }
        match chars.next() {
            None => return Err(invalid("not allowed at end")),
            Some('\\') => out.push('\\'),
            Some(digit) => {
                let group = digit.to_digit(10).ok_or_else(|| invalid("must be followed by a digit or \\"))? as usize;
                let count = groups.len().saturating_sub(1);
                let range = groups.get(group).ok_or_else(|| {
                    Fault::error(format!(
                        "replacement string references group {group} but regex has only {count} group(s)"
                    ))
                })?;
                let text = range.clone().and_then(|range| source.get(range)).unwrap_or_default();
                context.allocate(text.len())?;
                out.push_str(text);
            }
        }
    }
    Ok(())
}
