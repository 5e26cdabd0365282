//! The sets extension: lists as sets.

use super::arguments::{affordable, list};
use crate::context::Context;
use crate::decl::Library;
use crate::fault::Fault;
use crate::types::Type;
use crate::value::{Entries, List, Value};

/// `sets.contains`, `sets.equivalent`, `sets.intersects`.
pub fn sets() -> Library {
    let of = Type::list(Type::param("T"));
    let args = [of.clone(), of];
    Library::default()
        .function("sets.contains", "list_sets_contains_list", &args, Type::Bool, contains)
        .function("sets.equivalent", "list_sets_equivalent_list", &args, Type::Bool, equivalent)
        .function("sets.intersects", "list_sets_intersects_list", &args, Type::Bool, intersects)
}

fn contains<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let (whole, part) = (list(args, 0)?, list(args, 1)?);
    affordable(context, product(whole, part))?;
    Ok(Value::Bool(Members::of(whole).all(part)))
}

fn equivalent<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let (a, b) = (list(args, 0)?, list(args, 1)?);
    affordable(context, product(a, b))?;
    Ok(Value::Bool(Members::of(a).all(b) && Members::of(b).all(a)))
}

fn intersects<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let (a, b) = (list(args, 0)?, list(args, 1)?);
    affordable(context, product(a, b))?;
    let members = Members::of(b);
    Ok(Value::Bool(a.iter().any(|item| members.has(&item))))
}

/// What the cost model takes for such a call.
fn product(a: &List<'_>, b: &List<'_>) -> u64 {
    (a.len() as u64).saturating_mul(b.len() as u64)
}

/// The members of a list, to be asked often: those that may be keys of a map by hash, the others one after
/// the other.
#[derive(Debug, Default)]
pub(super) struct Members<'v> {
    keys: Entries<'v>,
    others: Vec<Value<'v>>,
}

impl<'v> Members<'v> {
    pub(super) fn of(list: &List<'v>) -> Self {
        let mut members = Members::default();
        for item in list.iter() {
            members.add(item);
        }
        members
    }

    /// Adds a member, whether it is there or not.
    pub(super) fn add(&mut self, item: Value<'v>) {
        if is_rough(&item) || self.keys.insert(item.clone(), Value::Null).is_err() {
            self.others.push(item);
        }
    }

    pub(super) fn has(&self, item: &Value<'_>) -> bool {
        (if is_rough(item) { self.keys.iter().any(|(key, _)| key.equals(item)) } else { self.keys.get(item).is_some() })
            || self.others.iter().any(|other| other.equals(item))
    }

    fn all(&self, list: &List<'_>) -> bool {
        list.iter().all(|item| self.has(&item))
    }
}

/// Doubles that equal nothing, or several integers: a hash does not know them.
fn is_rough(value: &Value<'_>) -> bool {
    matches!(value, Value::Double(double) if double.is_nan() || double.abs() >= EXACT_MAX)
}

/// From 2^53 on, doubles are sparser than integers.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
