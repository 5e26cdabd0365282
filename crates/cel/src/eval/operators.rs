//! Operators and calls.

use super::glimpse::{Glimpse, Plain};
use super::{Evaluation, Outcome};
use crate::fault::Fault;
use crate::plan::{Call, In, InSet, Kind, Matches, Node, Order, traversal};
use crate::standard;
use crate::value::{List, Value, code_points};

// === impl Evaluation ===

impl<'v> Evaluation<'v, '_, '_> {
    /// A step in a place where only a boolean fits. Steps that can be nothing else make no value of it.
    pub(super) fn truth(&mut self, node: &'v Node) -> Result<bool, Fault> {
        if self.context.trace.is_some() {
            return boolean(self.eval(node)?);
        }
        let mut outcome = match &node.kind {
            Kind::And(terms) => self.and(terms),
            Kind::Or(terms) => self.or(terms),
            Kind::Not(arg) => self.not(arg),
            Kind::Equal(args) => self.equal(args),
            Kind::NotEqual(args) => self.equal(args).map(|equal| !equal),
            Kind::InSet(membership) => self.in_set(membership),
            Kind::Quantifier(quantifier) => self.quantifier(quantifier),
            Kind::Attribute(attribute) => self.attribute_truth(attribute),
            Kind::OptionalOrValue(args) => match self.or_value(args) {
                Ok(Some(value)) => value.truth(),
                Ok(None) => return self.truth(&args[1]),
                Err(fault) => Err(fault),
            },
            Kind::Const(Value::Bool(value)) => return Ok(*value),
            _ => return boolean(self.eval(node)?),
        };
        if let Err(fault) = &mut outcome {
            super::at(fault, node);
        }
        outcome
    }

    pub(super) fn in_set(&mut self, membership: &'v InSet) -> Result<bool, Fault> {
        let item = self.glimpse(&membership.item)?;
        Ok(match item.plain() {
            Plain::Str(text) => membership.set.contains_str(text),
            _ => membership.set.contains(&item.into_value()),
        })
    }

    pub(super) fn and(&mut self, terms: &'v [Node; 2]) -> Result<bool, Fault> {
        let first = match self.truth(&terms[0]) {
            Ok(false) => return Ok(false),
            Ok(true) => return self.truth(&terms[1]),
            Err(fault) => absorbable(fault)?,
        };
        match self.truth(&terms[1]) {
            Ok(false) => Ok(false),
            Ok(true) => Err(first),
            Err(second) => Err(first.merge(second)),
        }
    }

    pub(super) fn or(&mut self, terms: &'v [Node; 2]) -> Result<bool, Fault> {
        let first = match self.truth(&terms[0]) {
            Ok(true) => return Ok(true),
            Ok(false) => return self.truth(&terms[1]),
            Err(fault) => absorbable(fault)?,
        };
        match self.truth(&terms[1]) {
            Ok(true) => Ok(true),
            Ok(false) => Err(first),
            Err(second) => Err(first.merge(second)),
        }
    }

    pub(super) fn not(&mut self, arg: &'v Node) -> Result<bool, Fault> {
        let value = self.truth(arg);
        self.context.spend(1)?;
        value.map(|value| !value)
    }

    pub(super) fn not_strictly_false(&mut self, arg: &'v Node) -> Outcome<'v> {
        let value = self.eval(arg);
        self.context.spend(1)?;
        match value {
            Ok(Value::Bool(value)) => Ok(Value::Bool(value)),
            Err(fault) => absorbable(fault).map(|_| Value::Bool(true)),
            Ok(_) => Ok(Value::Bool(true)),
        }
    }

    pub(super) fn conditional(&mut self, branches: &'v [Node; 3]) -> Outcome<'v> {
        let [condition, then, otherwise] = branches;
        let branch = if self.truth(condition)? { then } else { otherwise };
        match self.eval(branch)? {
            Value::Optional(Some(inner)) if !selects(branch) => Ok(Value::some(inner.unpacked())),
            value => Ok(value),
        }
    }

    /// Both operands, or their fault. Both are evaluated, and charged for, even if one fails.
    #[inline]
    fn operands(&mut self, args: &'v [Node; 2]) -> Result<[Value<'v>; 2], (Fault, Sizes)> {
        match (self.eval(&args[0]), self.eval(&args[1])) {
            (Ok(left), Ok(right)) => Ok([left, right]),
            (left, right) => Err(failed(left, right)),
        }
    }

    pub(super) fn equal(&mut self, args: &'v [Node; 2]) -> Result<bool, Fault> {
        match (self.glimpse(&args[0]), self.glimpse(&args[1])) {
            (Ok(left), Ok(right)) => self.equal_glimpses(left, right),
            (left, right) => Err(self.unequal(left, right)),
        }
    }

    /// The fault of a comparison of which an operand failed.
    #[cold]
    fn unequal(&mut self, left: Result<Glimpse<'v>, Fault>, right: Result<Glimpse<'v>, Fault>) -> Fault {
        let (fault, sizes) = failed(left.map(Glimpse::into_value), right.map(Glimpse::into_value));
        let size = sizes.left.cost_size().min(sizes.right.cost_size());
        self.charged(traversal(size), fault)
    }

    #[inline]
    fn equal_glimpses(&mut self, left: Glimpse<'v>, right: Glimpse<'v>) -> Result<bool, Fault> {
        let (equal, cost) = match (left.plain(), right.plain()) {
            (Plain::Str(left), Plain::Str(right)) => (left == right, traversal(shorter(left, right))),
            (Plain::Bool(left), Plain::Bool(right)) => (left == right, 1),
            (Plain::Int(left), Plain::Int(right)) => (left == right, 1),
            _ => return self.equal_values(&left.into_value(), &right.into_value()),
        };
        self.context.spend(cost)?;
        Ok(equal)
    }

    fn equal_values(&mut self, left: &Value<'v>, right: &Value<'v>) -> Result<bool, Fault> {
        let equal = left.equals(right);
        self.context.spend(traversal(left.cost_size().min(right.cost_size())))?;
        match left {
            Value::Opaque(left) if !matches!(right, Value::Null) && !left.comparable(right) => {
                Err(Fault::no_such_overload())
            }
            _ => Ok(equal),
        }
    }

    pub(super) fn order(&mut self, order: &'v Order) -> Outcome<'v> {
        let operands = match self.operands(&order.args) {
            Ok(operands) => operands,
            Err((fault, sizes)) => return Err(self.charge_failed(&order.price, fault, sizes)),
        };
        let [left, right] = &operands;
        if let (Value::Int(left), Value::Int(right)) = (left, right) {
            self.context.spend(1)?;
            return Ok(Value::Bool((order.accepts)(left.cmp(right))));
        }
        self.context.spend(order.price.charge(&operands, &Value::Null))?;
        if !standard::has_order(left) {
            return Err(Fault::error(format!("no such overload: {}", order.name)));
        }
        Ok(Value::Bool((order.accepts)(left.compare(right)?)))
    }

    pub(super) fn membership(&mut self, membership: &'v In) -> Outcome<'v> {
        let operands = match self.operands(&membership.args) {
            Ok(operands) => operands,
            Err((fault, sizes)) => return Err(self.charge_failed(&membership.price, fault, sizes)),
        };
        self.context.spend(membership.price.charge(&operands, &Value::Null))?;
        let [item, range] = &operands;
        match range {
            Value::List(list) => Ok(Value::Bool(contains(list, item))),
            Value::Map(map) => Ok(Value::Bool(map.contains(item))),
            _ => Err(Fault::no_such_overload()),
        }
    }

    pub(super) fn matches(&mut self, matches: &'v Matches) -> Outcome<'v> {
        // As in cel-go's plan for constant patterns: a fault of the text leaves the call uncharged.
        let [text, pattern] = &matches.args;
        let operands = [self.eval(text)?, self.eval(pattern)?];
        self.context.spend(matches.price.charge(&operands, &Value::Null))?;
        match &operands[0] {
            Value::Str(text) => Ok(Value::Bool(matches.regex.is_match(text.as_str()))),
            _ => Err(Fault::no_such_overload()),
        }
    }

    pub(super) fn optional_or(&mut self, args: &'v [Node; 2]) -> Outcome<'v> {
        match self.eval(&args[0])? {
            Value::Optional(None) => self.eval(&args[1]),
            value => Ok(value),
        }
    }

    pub(super) fn call(&mut self, call: &'v Call) -> Outcome<'v> {
        match &*call.args {
            [] => self.apply(call, &[]),
            [arg] => match self.eval(arg) {
                Ok(arg) => self.apply(call, &[arg]),
                Err(fault) => Err(self.last_failed(call, &[Value::Null], fault)),
            },
            [left, right] if !call.in_sequence => match (self.eval(left), self.eval(right)) {
                (Ok(left), Ok(right)) => self.apply(call, &[left, right]),
                (left, right) => {
                    let (fault, sizes) = failed(left, right);
                    Err(self.charge_failed(&call.price, fault, sizes))
                }
            },
            [first, second] => {
                let first = self.eval(first)?;
                match self.eval(second) {
                    Ok(second) => self.apply(call, &[first, second]),
                    Err(fault) => Err(self.last_failed(call, &[first, Value::Null], fault)),
                }
            }
            [first, second, third] => {
                let (first, second) = (self.eval(first)?, self.eval(second)?);
                match self.eval(third) {
                    Ok(third) => self.apply(call, &[first, second, third]),
                    Err(fault) => Err(self.last_failed(call, &[first, second, Value::Null], fault)),
                }
            }
            [args @ .., last] => {
                let mut args = args.iter().map(|arg| self.eval(arg)).collect::<Result<Vec<_>, _>>()?;
                let last = self.eval(last);
                let (last, fault) = last.map_or_else(|fault| (Value::Null, Some(fault)), |last| (last, None));
                args.push(last);
                match fault {
                    None => self.apply(call, &args),
                    Some(fault) => Err(self.last_failed(call, &args, fault)),
                }
            }
        }
    }

    fn apply(&mut self, call: &'v Call, args: &[Value<'v>]) -> Outcome<'v> {
        let outcome = call.target.run(&call.name, self.context, args);
        let null = Value::Null;
        let cost = call.price.charge(args, outcome.as_ref().unwrap_or(&null));
        self.context.spend(cost)?;
        outcome
    }

    /// The fault of a call of which the last argument failed.
    #[cold]
    fn last_failed(&mut self, call: &Call, args: &[Value<'v>], fault: Fault) -> Fault {
        match call.price.breakdown(&fault) {
            Some(breakdown) => breakdown,
            None => self.charged(call.price.charge(args, &Value::Null), fault),
        }
    }

    #[cold]
    fn charge_failed(&mut self, price: &crate::plan::Price, fault: Fault, sizes: Sizes) -> Fault {
        let cost = price.charge(&[sizes.left, sizes.right], &Value::Null);
        self.charged(cost, fault)
    }

    /// A fault, or that of a budget which the charge exceeds.
    fn charged(&mut self, cost: u64, fault: Fault) -> Fault {
        match self.context.spend(cost) {
            Err(exceeded) if fault.is_absorbable() => exceeded,
            _ => fault,
        }
    }
}

fn boolean(value: Value<'_>) -> Result<bool, Fault> {
    if let Value::Bool(value) = value { Ok(value) } else { Err(Fault::no_such_overload()) }
}

/// Stand-ins for operands of which one has failed, for the price.
struct Sizes {
    left: Value<'static>,
    right: Value<'static>,
}

/// Whether an expression is a variable with something selected from it.
fn selects(node: &Node) -> bool {
    matches!(&node.kind, Kind::Attribute(attribute) if !attribute.qualifiers.is_empty())
}

#[cold]
fn failed(left: Outcome<'_>, right: Outcome<'_>) -> (Fault, Sizes) {
    let sizes = Sizes { left: stand_in(&left), right: stand_in(&right) };
    let fault = match (left, right) {
        (Err(left), Err(right)) => left.merge(right),
        (Err(fault), Ok(_)) | (Ok(_), Err(fault)) => fault,
        (Ok(_), Ok(_)) => Fault::no_such_overload(),
    };
    (fault, sizes)
}

/// A value of the same size, for the price of a call that is not made.
fn stand_in(outcome: &Outcome<'_>) -> Value<'static> {
    let Ok(value) = outcome else { return Value::Null };
    match value {
        Value::Str(text) => Value::string(text.as_str()),
        Value::Bytes(bytes) => Value::Bytes(bytes.clone()),
        Value::List(list) => Value::list(vec![Value::Null; list.len()]),
        Value::Map(map) => Value::list(vec![Value::Null; map.len()]),
        Value::Opaque(value) => Value::Opaque(value.clone()),
        _ => Value::Null,
    }
}

fn absorbable(fault: Fault) -> Result<Fault, Fault> {
    if fault.is_absorbable() { Ok(fault) } else { Err(fault) }
}

/// Number of code points of the shorter text.
#[inline]
fn shorter(left: &str, right: &str) -> u64 {
    let (short, long) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    let size = code_points(short);
    // A code point has at most four bytes, so a text four times as long cannot have fewer.
    if long.len() as u64 >= size * 4 { size } else { size.min(code_points(long)) }
}

/// Whether an item of a list is equal to a value.
#[inline]
pub(crate) fn contains(list: &List<'_>, item: &Value<'_>) -> bool {
    match (list, item) {
        (List::Node(node), Value::Str(text)) => node.items().any(|item| item.as_str() == Some(text.as_str())),
        (List::Items(items), item) => items.iter().any(|other| other.equals(item)),
        (list, item) => list.iter().any(|other| other.equals(item)),
    }
}
