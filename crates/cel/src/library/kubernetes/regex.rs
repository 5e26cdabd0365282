//! `find` and `findAll`.

use super::super::arguments::{charge_list, int, owned_text, part, text};
use super::super::pattern::Pattern;
use crate::context::Context;
use crate::decl::Library;
use crate::fault::Fault;
use crate::types::Type;
use crate::value::Value;

/// `find` and `findAll` of Kubernetes.
pub fn regex() -> Library {
    let args = [Type::String, Type::String];
    let limited = [Type::String, Type::String, Type::Int];
    let all = Type::list(Type::String);
    Library::default()
        .method("find", "string_find_string", &args, Type::String, find)
        .method("findAll", "string_find_all_string", &args, all.clone(), find_all)
        .method("findAll", "string_find_all_string_int", &limited, all, find_all)
}

fn pattern(args: &[Value<'_>]) -> Result<Pattern, Fault> {
    Pattern::cached(text(args, 1)?).map_err(|refusal| refusal.fault("Illegal regex: "))
}

fn find<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let whole = owned_text(args, 0)?;
    let found = pattern(args)?.find(whole.as_str()).unwrap_or_default();
    part(context, whole, found)
}

fn find_all<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let whole = owned_text(args, 0)?;
    let limit = if args.len() > 2 { int(args, 2)? } else { -1 };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    for found in pattern(args)?.find_all(whole.as_str()).take(limit) {
        charge_list(context, 1)?;
        parts.push(part(context, whole, found)?);
    }
    Ok(Value::list(parts))
}
