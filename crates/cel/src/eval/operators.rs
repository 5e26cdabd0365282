//! Operators and calls.

use super::attribute::{Resolved, State};
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
        match &node.kind {
            Kind::And(terms) => self.and(terms),
            Kind::Or(terms) => self.or(terms),
            Kind::Not(arg) => self.not(arg),
            Kind::Equal(args) => self.equal(args),
            Kind::NotEqual(args) => self.equal(args).map(|equal| !equal),
            Kind::InSet(membership) => self.in_set(membership),
            Kind::Quantifier(quantifier) => self.quantifier(quantifier),
            Kind::Attribute(attribute) => self.attribute(attribute).and_then(boolean),
            Kind::OptionalOrValue(args) => match self.or_value(args) {
                Ok(Some(value)) => boolean(value),
                Ok(None) => return self.truth(&args[1]),
                Err(fault) => Err(fault),
            },
            Kind::Const(Value::Bool(value)) => return Ok(*value),
            _ => return boolean(self.eval(node)?),
        }
        .map_err(|fault| super::at(fault, node))
    }

    pub(super) fn in_set(&mut self, membership: &'v InSet) -> Result<bool, Fault> {
        Ok(membership.set.contains(&self.eval(&membership.item)?))
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
        if let Kind::Const(Value::Str(text)) = &args[1].kind
            && self.context.trace.is_none()
        {
            return self.equal_text(&args[0], text.as_str());
        }
        let [left, right] = match self.operands(args) {
            Ok(operands) => operands,
            Err((fault, sizes)) => {
                let size = sizes.left.cost_size().min(sizes.right.cost_size());
                return Err(self.charged(traversal(size), fault));
            }
        };
        self.equal_values(&left, &right)
    }

    fn equal_values(&mut self, left: &Value<'v>, right: &Value<'v>) -> Result<bool, Fault> {
        let (equal, cost) = match (left, right) {
            (Value::Str(left), Value::Str(right)) => {
                let (left, right) = (left.as_str(), right.as_str());
                (left == right, traversal(shorter(left, right)))
            }
            (Value::Bool(left), Value::Bool(right)) => (left == right, 1),
            (Value::Int(left), Value::Int(right)) => (left == right, 1),
            (left, right) => (left.equals(right), traversal(left.cost_size().min(right.cost_size()))),
        };
        self.context.spend(cost)?;
        match left {
            Value::Opaque(left) if !matches!(right, Value::Null) && !left.comparable(right) => {
                Err(Fault::no_such_overload())
            }
            _ => Ok(equal),
        }
    }

    /// Equality with a constant text.
    fn equal_text(&mut self, arg: &'v Node, text: &'v str) -> Result<bool, Fault> {
        let left = match self.eval(arg) {
            Ok(left) => left,
            Err(fault) => return Err(self.charged(traversal(code_points(text).min(1)), fault)),
        };
        let Value::Str(left) = &left else { return self.equal_values(&left, &Value::str(text)) };
        let left = left.as_str();
        self.context.spend(traversal(shorter(left, text)))?;
        Ok(left == text)
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

    pub(super) fn optional_or_value(&mut self, args: &'v [Node; 2]) -> Outcome<'v> {
        match self.or_value(args)? {
            Some(value) => Ok(value),
            None => self.eval(&args[1]),
        }
    }

    /// The value of an optional, without making one where the optional comes of a selection.
    #[inline]
    fn or_value(&mut self, args: &'v [Node; 2]) -> Result<Option<Value<'v>>, Fault> {
        if let Kind::Attribute(attribute) = &args[0].kind
            && !attribute.qualifiers.is_empty()
            && !attribute.presence
            && self.context.trace.is_none()
        {
            let Resolved { state, value } = self.resolve(attribute)?;
            return match state {
                State::Present => Ok(Some(value)),
                State::Absent => Ok(None),
                State::Plain => inside(value),
            };
        }
        self.eval(&args[0]).and_then(inside)
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

/// What is inside an optional; a value that is none stands for itself.
fn inside(value: Value<'_>) -> Result<Option<Value<'_>>, Fault> {
    match value {
        Value::Optional(inner) => inner.map(|value| value.taken_out()).transpose(),
        value => Ok(Some(value)),
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
