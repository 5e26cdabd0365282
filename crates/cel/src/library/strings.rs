//! The strings extension: text by code points.

pub(super) mod format;

use std::ops::Range;

use super::arguments::{self, int, list, made_text, owned_text, part, text};
use crate::context::Context;
use crate::decl::{Env, Library, Run};
use crate::fault::Fault;
use crate::types::Type;
use crate::value::Value;

/// The library of one version of the extension; each version adds functions or changes `format`.
pub fn strings(version: u32) -> Library {
    let mut library = positions(version).method("lowerAscii", "string_lower_ascii", &[STRING], STRING, lower_ascii);
    library = library.method("upperAscii", "string_upper_ascii", &[STRING], STRING, upper_ascii);
    library = library.method("trim", "string_trim", &[STRING], STRING, trim);
    library = library
        .method("replace", "string_replace_string_string", &[STRING, STRING, STRING], STRING, replace)
        .method("replace", "string_replace_string_string_int", &[STRING, STRING, STRING, Type::Int], STRING, replace)
        .method("split", "string_split_string", &[STRING, STRING], Type::list(STRING), split)
        .method("split", "string_split_string_int", &[STRING, STRING, Type::Int], Type::list(STRING), split)
        .method("join", "list_join", &[Type::list(STRING)], STRING, join)
        .method("join", "list_join_string", &[Type::list(STRING), STRING], STRING, join);
    if version >= 1 {
        let run = match version {
            ..=3 => format::localized,
            4 => format::plain,
            _ => format::plain_bounded,
        };
        library = library.method("format", "string_format", &[STRING, Type::list(Type::Dyn)], STRING, run).function(
            "strings.quote",
            "strings_quote",
            &[STRING],
            STRING,
            quote,
        );
    }
    if version >= 3 {
        library = library.method("reverse", "string_reverse", &[STRING], STRING, reverse);
    }
    library
}

fn positions(version: u32) -> Library {
    // Where the empty text is found beyond the end changed without a version of its own.
    let (first, last): (Run, Run) = if version < 5 {
        (|_, args| index_of(args, Beyond::Offset), |_, args| last_index_of(args, Beyond::Offset))
    } else {
        (|_, args| index_of(args, Beyond::End), |_, args| last_index_of(args, Beyond::End))
    };
    Library::default()
        .method("charAt", "string_char_at_int", &[STRING, Type::Int], STRING, char_at)
        .method("indexOf", "string_index_of_string", &[STRING, STRING], Type::Int, first)
        .method("indexOf", "string_index_of_string_int", &[STRING, STRING, Type::Int], Type::Int, first)
        .method("lastIndexOf", "string_last_index_of_string", &[STRING, STRING], Type::Int, last)
        .method("lastIndexOf", "string_last_index_of_string_int", &[STRING, STRING, Type::Int], Type::Int, last)
        .method("substring", "string_substring_int", &[STRING, Type::Int], STRING, substring)
        .method("substring", "string_substring_int_int", &[STRING, Type::Int, Type::Int], STRING, substring)
}

/// Replaces what kube-apiserver's version does otherwise than the specification: a search that begins beyond
/// the end of the text is an error.
pub(super) fn as_specified(env: &mut Env) {
    let first: Run = |_, args| within(args).and_then(|()| index_of(args, Beyond::End));
    let last: Run = |_, args| within(args).and_then(|()| last_index_of(args, Beyond::End));
    env.implement("indexOf", "string_index_of_string_int", first);
    env.implement("lastIndexOf", "string_last_index_of_string_int", last);
}

fn within(args: &[Value<'_>]) -> Result<(), Fault> {
    let (whole, offset) = (text(args, 0)?, int(args, 2)?);
    if (0..=count(whole)).contains(&offset) { Ok(()) } else { Err(out_of_range(offset)) }
}

/// Where the empty text is found if the search begins before the start or after the end.
#[derive(Clone, Copy, PartialEq)]
enum Beyond {
    /// There, whatever the text.
    Offset,
    /// An error before the start, the end after it.
    End,
}

const STRING: Type = Type::String;

fn char_at<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let (whole, index) = (owned_text(args, 0)?, int(args, 1)?);
    let start = byte_of(whole.as_str(), index).ok_or_else(|| out_of_range(index))?;
    let end = start + whole.as_str()[start..].chars().next().map_or(0, char::len_utf8);
    part(context, whole, start..end)
}

fn index_of<'v>(args: &[Value<'v>], beyond: Beyond) -> Result<Value<'v>, Fault> {
    let (whole, wanted) = (text(args, 0)?, text(args, 1)?);
    let offset = if args.len() > 2 { int(args, 2)? } else { 0 };
    if wanted.is_empty() && beyond == Beyond::Offset {
        return Ok(Value::Int(offset));
    }
    if offset < 0 {
        return Err(out_of_range(offset));
    }
    let Some(start) = byte_of(whole, offset) else {
        // Beyond the end the empty text is found at the end.
        return Ok(Value::Int(if wanted.is_empty() { count(whole) } else { -1 }));
    };
    let found = whole[start..].find(wanted).map(|at| offset + count(&whole[start..start + at]));
    Ok(Value::Int(found.unwrap_or(-1)))
}

fn last_index_of<'v>(args: &[Value<'v>], beyond: Beyond) -> Result<Value<'v>, Fault> {
    let (whole, wanted) = (text(args, 0)?, text(args, 1)?);
    let offset = if args.len() > 2 { Some(int(args, 2)?) } else { None };
    if let (Some(offset), Beyond::Offset, true) = (offset, beyond, wanted.is_empty()) {
        return Ok(Value::Int(offset));
    }
    if let Some(offset) = offset.filter(|offset| *offset < 0) {
        return Err(out_of_range(offset));
    }
    let length = count(whole);
    if wanted.is_empty() {
        return Ok(Value::Int(offset.unwrap_or(length).min(length)));
    }
    if offset.is_some_and(|offset| offset >= length) {
        return Ok(Value::Int(-1));
    }
    // The match may begin at the offset at the latest, so it ends at most its own length after it.
    let end = match offset.and_then(|offset| byte_of(whole, offset)) {
        Some(start) => boundary_before(whole, start.saturating_add(wanted.len())),
        None => whole.len(),
    };
    let found = whole[..end].rfind(wanted).map(|at| count(&whole[..at]));
    Ok(Value::Int(found.unwrap_or(-1)))
}

fn substring<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let (whole, start) = (owned_text(args, 0)?, int(args, 1)?);
    let end = if args.len() > 2 { Some(int(args, 2)?) } else { None };
    if let Some(end) = end.filter(|end| start > *end) {
        return Err(Fault::error(format!("invalid substring range. start: {start}, end: {end}")));
    }
    let range: Range<usize> = {
        let whole = whole.as_str();
        let first = byte_of(whole, start).ok_or_else(|| out_of_range(start))?;
        let last = match end {
            Some(end) => first + byte_of(&whole[first..], end - start).ok_or_else(|| out_of_range(end))?,
            None => whole.len(),
        };
        first..last
    };
    part(context, whole, range)
}

fn lower_ascii<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let whole = owned_text(args, 0)?;
    if !whole.as_str().bytes().any(|byte| byte.is_ascii_uppercase()) {
        return part(context, whole, 0..whole.as_str().len());
    }
    context.allocate(whole.as_str().len())?;
    Ok(Value::string(whole.as_str().to_ascii_lowercase()))
}

fn upper_ascii<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let whole = owned_text(args, 0)?;
    if !whole.as_str().bytes().any(|byte| byte.is_ascii_lowercase()) {
        return part(context, whole, 0..whole.as_str().len());
    }
    context.allocate(whole.as_str().len())?;
    Ok(Value::string(whole.as_str().to_ascii_uppercase()))
}

/// White space is Unicode's; zero-width spaces stay.
fn trim<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let whole = owned_text(args, 0)?;
    let start = whole.as_str().len() - whole.as_str().trim_start().len();
    let end = start + whole.as_str()[start..].trim_end().len();
    part(context, whole, start..end)
}

fn replace<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let (whole, from, to) = (owned_text(args, 0)?, text(args, 1)?, text(args, 2)?);
    let limit = if args.len() > 3 { int(args, 3)? } else { -1 };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let found = whole.as_str().match_indices(from).take(limit).count();
    if found == 0 || from == to {
        return part(context, whole, 0..whole.as_str().len());
    }
    let grown = found.saturating_mul(to.len()).saturating_add(whole.as_str().len()) - found * from.len();
    context.allocate(grown)?;
    Ok(Value::string(whole.as_str().replacen(from, to, limit)))
}

fn split<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let (whole, separator) = (owned_text(args, 0)?, text(args, 1)?);
    let limit = if args.len() > 2 { int(args, 2)? } else { -1 };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if limit == 0 {
        return Ok(Value::list([]));
    }
    let source = whole.as_str();
    let cuts: Vec<Range<usize>> = if separator.is_empty() {
        arguments::charge_list(context, source.len().min(limit))?;
        characters(source, limit)
    } else {
        arguments::charge_list(context, source.matches(separator).count().saturating_add(1).min(limit))?;
        let mut cuts = Vec::new();
        let mut start = 0;
        for (at, found) in source.match_indices(separator).take(limit - 1) {
            cuts.push(start..at);
            start = at + found.len();
        }
        cuts.push(start..source.len());
        cuts
    };
    let mut parts = Vec::with_capacity(cuts.len());
    for cut in cuts {
        parts.push(part(context, whole, cut)?);
    }
    Ok(Value::list(parts))
}

/// Places of the single characters; the last of `limit` is all the rest.
fn characters(source: &str, limit: usize) -> Vec<Range<usize>> {
    let mut cuts = Vec::new();
    for (at, char) in source.char_indices() {
        if cuts.len() + 1 == limit {
            cuts.push(at..source.len());
            break;
        }
        cuts.push(at..at + char.len_utf8());
    }
    cuts
}

fn join<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let items = list(args, 0)?;
    let separator = if args.len() > 1 { text(args, 1)? } else { "" };
    let mut joined = String::new();
    for (index, item) in items.iter().enumerate() {
        let item = item.as_str().ok_or_else(|| Fault::error(format!("join: invalid input: {item}")))?;
        let separator = if index == 0 { "" } else { separator };
        context.allocate(separator.len().saturating_add(item.len()))?;
        joined.push_str(separator);
        joined.push_str(item);
    }
    Ok(Value::string(joined))
}

fn reverse<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let whole = text(args, 0)?;
    context.allocate(whole.len())?;
    Ok(Value::string(whole.chars().rev().collect::<String>()))
}

/// With double quotes around and the escapes of CEL inside.
fn quote<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let whole = text(args, 0)?;
    let mut quoted = String::with_capacity(whole.len() + 2);
    quoted.push('"');
    for char in whole.chars() {
        match char {
            '\x07' => quoted.push_str("\\a"),
            '\x08' => quoted.push_str("\\b"),
            '\x0c' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\x0b' => quoted.push_str("\\v"),
            '\\' => quoted.push_str("\\\\"),
            '"' => quoted.push_str("\\\""),
            char => quoted.push(char),
        }
    }
    quoted.push('"');
    made_text(context, quoted)
}

/// The byte at which the code point of an index begins; the length of the text is one past the last.
fn byte_of(whole: &str, index: i64) -> Option<usize> {
    let index = usize::try_from(index).ok()?;
    if whole.is_ascii() {
        return (index <= whole.len()).then_some(index);
    }
    whole.char_indices().map(|(at, _)| at).chain([whole.len()]).nth(index)
}

fn count(text: &str) -> i64 {
    i64::try_from(crate::value::code_points(text)).unwrap_or(i64::MAX)
}

fn boundary_before(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn out_of_range(index: i64) -> Fault {
    Fault::error(format!("index out of range: {index}"))
}
