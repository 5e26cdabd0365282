//! Comprehensions.

use std::ops::ControlFlow;

use manifest::Value as DocumentNode;

use super::attribute::go_type;
use super::collections::ITEM_BYTES;
use super::glimpse::Glimpse;
use super::{Evaluation, Local, Outcome};
use crate::fault::Fault;
use crate::plan::{Collect, Fold, Into, Kind, LoopVars, Node, Quantifier, Which};
use crate::value::{Entries, List, Map, Value};

// === impl Evaluation ===

impl<'v> Evaluation<'v, '_, '_> {
    /// `all`, `exists` and `exists_one`.
    pub(super) fn quantifier(&mut self, quantifier: &'v Quantifier) -> Result<bool, Fault> {
        let range = self.range(&quantifier.range)?;
        if quantifier.which == Which::ExistsOne {
            return self.exists_one(quantifier, range);
        }
        // `all` ends at the first false, `exists` at the first true.
        let (end, turn_cost) = match quantifier.which {
            Which::All => (false, ALL_TURN_COST),
            _ => (true, EXISTS_TURN_COST),
        };
        let mut fault: Option<Fault> = None;
        let mut ended = false;
        self.walk(range, quantifier.vars, |this| {
            // The condition is evaluated once more after the turn that ends the loop.
            this.context.spend(turn_cost)?;
            if ended {
                return Ok(ControlFlow::Break(()));
            }
            this.context.spend(1)?;
            match this.truth(&quantifier.predicate) {
                Ok(value) if value == end => ended = true,
                Ok(_) => {}
                Err(found) if !found.is_absorbable() => return Err(found),
                Err(found) => {
                    fault = Some(fault.take().map_or_else(|| found.clone(), |first| first.merge(found.clone())))
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        self.context.spend(1)?;
        match fault {
            _ if ended => Ok(end),
            Some(fault) => Err(fault),
            None => Ok(!end),
        }
    }

    fn exists_one(&mut self, quantifier: &'v Quantifier, range: Range<'v>) -> Result<bool, Fault> {
        let (mut count, mut fault) = (0_u64, None);
        self.walk(range, quantifier.vars, |this| {
            match this.truth(&quantifier.predicate) {
                Ok(true) => {
                    count += 1;
                    this.context.spend(2)?;
                }
                Ok(false) => {}
                Err(found) if !found.is_absorbable() => return Err(found),
                Err(found) => fault = Some(found),
            }
            Ok(ControlFlow::Continue(()))
        })?;
        self.context.spend(2)?;
        fault.map_or(Ok(count == 1), Err)
    }

    /// `map`, `filter` and the transforming macros.
    pub(super) fn collect(&mut self, collect: &'v Collect) -> Outcome<'v> {
        let range = self.range(&collect.range)?;
        self.context.spend(collect.init_cost)?;
        let mut collected = Collected { items: Vec::new(), entries: Entries::default(), fault: None };
        self.walk(range, collect.vars, |this| {
            if let Some(filter) = &collect.filter {
                match this.truth(filter) {
                    Ok(true) => {}
                    Ok(false) => return Ok(ControlFlow::Continue(())),
                    Err(fault) if !fault.is_absorbable() => return Err(fault),
                    Err(fault) => {
                        collected.fault = Some(fault);
                        return Ok(ControlFlow::Continue(()));
                    }
                }
            }
            match this.turn(&collect.into, &mut collected) {
                Err(fault) if !fault.is_absorbable() => return Err(fault),
                Err(fault) if collected.fault.is_none() => collected.fault = Some(fault),
                _ => {}
            }
            Ok(ControlFlow::Continue(()))
        })?;
        self.context.spend(1)?;
        match (collected.fault, &collect.into) {
            (Some(fault), _) => Err(fault),
            (None, Into::List { .. }) => Ok(Value::list(collected.items)),
            (None, _) => Ok(Value::map(collected.entries)),
        }
    }

    fn turn(&mut self, into: &'v Into, collected: &mut Collected<'v>) -> Result<(), Fault> {
        match into {
            Into::List { item, cost, optional } => {
                let item = self.eval(item);
                self.context.spend(*cost)?;
                let item = match (item?, optional) {
                    (item, false) => item,
                    (Value::Optional(None), true) => return Ok(()),
                    (Value::Optional(Some(item)), true) => (*item).clone(),
                    (item, true) => {
                        return Err(Fault::error(format!(
                            "cannot initialize optional list element from non-optional value {item}"
                        )));
                    }
                };
                self.context.allocate(ITEM_BYTES)?;
                collected.items.push(item);
                Ok(())
            }
            Into::Entry { key, value, cost } => {
                // The call stops at its first argument in fault.
                self.context.spend(*cost)?;
                if collected.fault.is_some() {
                    return Ok(());
                }
                let (key, value) = (self.eval(key)?, self.eval(value)?);
                self.context.spend(1)?;
                self.context.allocate(2 * ITEM_BYTES)?;
                insert(&mut collected.entries, key, value)
            }
            Into::Entries { entries, cost } => {
                let entries = self.eval(entries);
                self.context.spend(*cost)?;
                let Value::Map(map) = entries? else { return Err(Fault::no_such_overload()) };
                self.context.allocate(map.len().saturating_mul(2 * ITEM_BYTES))?;
                map.iter().try_for_each(|(key, value)| insert(&mut collected.entries, key, value))
            }
        }
    }

    /// A comprehension of no known shape.
    pub(super) fn fold(&mut self, fold: &'v Fold) -> Outcome<'v> {
        let range = self.range(&fold.range)?;
        self.set(fold.accu, Local::Unset);
        self.walk(range, fold.vars, |this| {
            match this.eval(&fold.condition) {
                Ok(Value::Bool(false)) => return Ok(ControlFlow::Break(())),
                Err(fault) if !fault.is_absorbable() => return Err(fault),
                _ => {}
            }
            let next = match this.eval(&fold.step) {
                Ok(value) => Local::Value(value),
                Err(fault) if !fault.is_absorbable() => return Err(fault),
                Err(fault) => Local::Fault(fault),
            };
            this.set(fold.accu, next);
            Ok(ControlFlow::Continue(()))
        })?;
        self.eval(&fold.result)
    }

    /// What a loop walks through. A list that is written there is not made a value.
    fn range(&mut self, node: &'v Node) -> Result<Range<'v>, Fault> {
        match &node.kind {
            Kind::List(list) if self.context.trace.is_none() => {
                let mut outcome = self.written(list);
                if let Err(fault) = &mut outcome {
                    super::at(fault, node);
                }
                outcome.map(Range::Items)
            }
            _ => self.glimpse(node).map(Range::Seen),
        }
    }

    /// Sets the variables of a loop to each element in turn.
    fn walk(
        &mut self,
        range: Range<'v>,
        vars: LoopVars,
        mut turn: impl FnMut(&mut Self) -> Result<ControlFlow<()>, Fault>,
    ) -> Result<(), Fault> {
        if let Range::Seen(Glimpse::Node(node)) = &range
            && node.is_seq()
        {
            return self.walk_nodes(*node, vars, turn);
        }
        let made;
        let value: &Value<'v> = match range {
            Range::Items(items) => {
                return each(items.into_iter().enumerate(), |(at, value)| {
                    self.enter(vars, at, Local::Value(value))?;
                    turn(self)
                });
            }
            Range::Seen(Glimpse::Const(value)) => value,
            Range::Seen(seen) => {
                made = seen.into_value();
                &made
            }
        };
        match value {
            Value::List(List::Node(node)) => self.walk_nodes(*node, vars, turn),
            Value::List(List::Items(items)) => each(items.iter().enumerate(), |(at, value)| {
                self.enter(vars, at, local(value))?;
                turn(self)
            }),
            Value::Map(Map::Node(node)) => each(node.entries(), |(key, value)| {
                self.enter_entry(vars, Local::Node(key), || Local::Node(value))?;
                turn(self)
            }),
            Value::Map(Map::Entries(entries)) => each(entries.iter(), |(key, value)| {
                self.enter_entry(vars, local(key), || local(value))?;
                turn(self)
            }),
            other if vars.second.is_some() => {
                Err(Fault::error(format!("unsupported comprehension range type: {}", go_type(other))))
            }
            other => Err(Fault::error(format!("got '{}', expected iterable type", go_type(other)))),
        }
    }

    fn walk_nodes(
        &mut self,
        list: DocumentNode<'v>,
        vars: LoopVars,
        mut turn: impl FnMut(&mut Self) -> Result<ControlFlow<()>, Fault>,
    ) -> Result<(), Fault> {
        each(list.items().enumerate(), |(at, node)| {
            self.enter(vars, at, Local::Node(node))?;
            turn(self)
        })
    }

    /// Begins a turn with an item of a list; of two variables the first is its index.
    #[inline]
    fn enter(&mut self, vars: LoopVars, at: usize, item: Local<'v>) -> Result<(), Fault> {
        self.context.check()?;
        match vars.second {
            None => self.set(vars.first, item),
            Some(slot) => {
                self.set(vars.first, Local::Value(Value::Int(at as i64)));
                self.set(slot, item);
            }
        }
        Ok(())
    }

    /// Begins a turn with an entry of a map.
    #[inline]
    fn enter_entry(&mut self, vars: LoopVars, key: Local<'v>, value: impl FnOnce() -> Local<'v>) -> Result<(), Fault> {
        self.context.check()?;
        self.set(vars.first, key);
        if let Some(slot) = vars.second {
            self.set(slot, value());
        }
        Ok(())
    }
}

/// What a loop walks through.
enum Range<'v> {
    Seen(Glimpse<'v>),
    /// The items of a list that is written in the expression.
    Items(Vec<Value<'v>>),
}

/// A variable of a loop that has this value.
#[inline]
fn local<'v>(value: &Value<'v>) -> Local<'v> {
    match value {
        Value::Map(Map::Node(node)) => Local::Node(*node),
        value => Local::Value(value.clone()),
    }
}

/// What a loop has collected so far.
struct Collected<'v> {
    items: Vec<Value<'v>>,
    entries: Entries<'v>,
    fault: Option<Fault>,
}

fn each<T>(
    items: impl Iterator<Item = T>,
    mut turn: impl FnMut(T) -> Result<ControlFlow<()>, Fault>,
) -> Result<(), Fault> {
    for item in items {
        if turn(item)?.is_break() {
            break;
        }
    }
    Ok(())
}

/// Adds an entry that must be new.
pub(crate) fn insert<'v>(entries: &mut Entries<'v>, key: Value<'v>, value: Value<'v>) -> Result<(), Fault> {
    if entries.get(&key).is_some() {
        return Err(Fault::error(format!("insert failed: key {key} already exists")));
    }
    entries.insert(key, value).map(|_| ())
}

/// A turn of `all`: reading the accumulator, and `@not_strictly_false`.
const ALL_TURN_COST: u64 = 2;

/// A turn of `exists` has a `!` beside these.
const EXISTS_TURN_COST: u64 = 3;
