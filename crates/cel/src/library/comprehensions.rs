//! What macros of two variables become.

use super::arguments::{any, charge_list};
use crate::context::Context;
use crate::decl::Library;
use crate::fault::Fault;
use crate::types::Type;
use crate::value::{Entries, Map, Value};

/// `cel.@mapInsert`
pub fn two_variable_comprehensions() -> Library {
    let (key, value) = (Type::param("K"), Type::param("V"));
    let map = Type::map(key.clone(), value.clone());
    Library::default()
        .function("cel.@mapInsert", "@mapInsert_map_key_value", &[map.clone(), key, value], map.clone(), insert)
        .function("cel.@mapInsert", "@mapInsert_map_map", &[map.clone(), map.clone()], map, insert_all)
}

fn insert<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let mut entries = copied(context, any(args, 0)?)?;
    add(&mut entries, any(args, 1)?.clone(), any(args, 2)?.clone())?;
    Ok(Value::map(entries))
}

fn insert_all<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let mut entries = copied(context, any(args, 0)?)?;
    for (key, value) in map(any(args, 1)?)?.iter() {
        add(&mut entries, key, value)?;
    }
    Ok(Value::map(entries))
}

fn map<'a, 'v>(value: &'a Value<'v>) -> Result<&'a Map<'v>, Fault> {
    if let Value::Map(map) = value { Ok(map) } else { Err(Fault::no_such_overload()) }
}

fn copied<'v>(context: &mut Context<'_>, value: &Value<'v>) -> Result<Entries<'v>, Fault> {
    let source = map(value)?;
    charge_list(context, source.len().saturating_add(1).saturating_mul(2))?;
    let mut entries = Entries::with_capacity(source.len() + 1);
    for (key, value) in source.iter() {
        entries.insert(key, value)?;
    }
    Ok(entries)
}

fn add<'v>(entries: &mut Entries<'v>, key: Value<'v>, value: Value<'v>) -> Result<(), Fault> {
    if entries.get(&key).is_some() {
        return Err(Fault::error(format!("insert failed: key {key} already exists")));
    }
    entries.insert(key, value).map(drop)
}
