//! `size`, `contains`, `startsWith`, `endsWith`, `matches`.

use crate::context::Context;
use crate::decl::Library;
use crate::fault::Fault;
use crate::library::pattern::Pattern;
use crate::types::Type;
use crate::value::Value;

type Outcome<'v> = Result<Value<'v>, Fault>;

pub(super) fn declare(library: Library) -> Library {
    let (list, map) = (Type::list(Type::param("A")), Type::map(Type::param("A"), Type::param("B")));
    let text = || [Type::String, Type::String];
    library
        .function("size", "size_bytes", &[Type::Bytes], Type::Int, size)
        .method("size", "bytes_size", &[Type::Bytes], Type::Int, size)
        .function("size", "size_list", std::slice::from_ref(&list), Type::Int, size)
        .method("size", "list_size", &[list], Type::Int, size)
        .function("size", "size_map", std::slice::from_ref(&map), Type::Int, size)
        .method("size", "map_size", &[map], Type::Int, size)
        .function("size", "size_string", &[Type::String], Type::Int, size)
        .method("size", "string_size", &[Type::String], Type::Int, size)
        .method("contains", "contains_string", &text(), Type::Bool, contains)
        .method("endsWith", "ends_with_string", &text(), Type::Bool, ends_with)
        .method("startsWith", "starts_with_string", &text(), Type::Bool, starts_with)
        .function("matches", "matches", &text(), Type::Bool, matches)
        .method("matches", "matches_string", &text(), Type::Bool, matches)
}

pub(super) fn size<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    let size = args.first().and_then(Value::size).ok_or_else(|| Fault::error("no such overload: size"))?;
    Ok(Value::Int(i64::try_from(size).unwrap_or(i64::MAX)))
}

pub(super) fn contains<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    texts(args).map(|(text, part)| Value::Bool(text.contains(part)))
}

pub(super) fn starts_with<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    texts(args).map(|(text, start)| Value::Bool(text.starts_with(start)))
}

pub(super) fn ends_with<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    texts(args).map(|(text, end)| Value::Bool(text.ends_with(end)))
}

pub(super) fn matches<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    if !matches!(args.first(), Some(Value::Str(_))) {
        return Err(Fault::error("no such overload: matches"));
    }
    let (text, pattern) = texts(args)?;
    let regex = Pattern::cached(pattern).map_err(|refusal| refusal.fault(""))?;
    Ok(Value::Bool(regex.is_match(text)))
}

fn texts<'a>(args: &'a [Value<'_>]) -> Result<(&'a str, &'a str), Fault> {
    match args {
        [Value::Str(left), Value::Str(right)] => Ok((left.as_str(), right.as_str())),
        _ => Err(Fault::no_such_overload()),
    }
}
