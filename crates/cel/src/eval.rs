//! Runs programs.

use manifest::Value as DocumentNode;

use crate::context::{Activation, Context, Traced};
use crate::fault::Fault;
use crate::plan::{Kind, Node};
use crate::value::Value;

mod attribute;
mod collections;
mod glimpse;
mod loops;
mod operators;

pub(crate) use collections::ITEM_BYTES;

/// What a step ends with.
pub(crate) type Outcome<'v> = Result<Value<'v>, Fault>;

/// Runs the root of a program that has so many local variables.
pub(crate) fn run<'v>(
    root: &'v Node,
    locals: usize,
    activation: &dyn Activation<'v>,
    context: &mut Context<'_>,
) -> Outcome<'v> {
    if locals <= INLINE_LOCALS {
        let mut locals = [const { Local::Unset }; INLINE_LOCALS];
        return Evaluation { activation, context, locals: &mut locals }.eval(root);
    }
    let mut locals: Vec<Local<'v>> = std::iter::repeat_with(|| Local::Unset).take(locals).collect();
    Evaluation { activation, context, locals: &mut locals }.eval(root)
}

/// Programs of up to so many variables keep them on the stack.
const INLINE_LOCALS: usize = 6;

/// A program that is running.
pub(crate) struct Evaluation<'v, 'e, 'c> {
    activation: &'e dyn Activation<'v>,
    context: &'e mut Context<'c>,
    locals: &'e mut [Local<'v>],
}

/// A variable of a comprehension.
#[derive(Clone)]
pub(crate) enum Local<'v> {
    /// Not yet computed.
    Unset,
    /// Being computed, to notice one that needs itself.
    Busy,
    /// An element of a document.
    Node(DocumentNode<'v>),
    Value(Value<'v>),
    Fault(Fault),
}

// === impl Evaluation ===

impl<'v> Evaluation<'v, '_, '_> {
    /// Runs a step.
    #[inline]
    fn eval(&mut self, node: &'v Node) -> Outcome<'v> {
        let mut outcome = self.step(node);
        // In place: taking the outcome apart to map the fault would copy the value.
        if let Err(fault) = &mut outcome {
            at(fault, node);
        }
        if self.context.trace.is_some() {
            self.record(node, &outcome);
        }
        outcome
    }

    fn step(&mut self, node: &'v Node) -> Outcome<'v> {
        match &node.kind {
            Kind::Const(value) => Ok(constant(value)),
            Kind::Attribute(attribute) => self.attribute(attribute),
            Kind::OptionalOrValue(args) => self.or_value_owned(args),
            Kind::And(terms) => self.and(terms).map(Value::Bool),
            Kind::Or(terms) => self.or(terms).map(Value::Bool),
            Kind::Not(arg) => self.not(arg).map(Value::Bool),
            Kind::Equal(args) => self.equal(args).map(Value::Bool),
            Kind::NotEqual(args) => self.equal(args).map(|equal| Value::Bool(!equal)),
            Kind::InSet(membership) => self.in_set(membership).map(Value::Bool),
            Kind::Quantifier(quantifier) => self.quantifier(quantifier).map(Value::Bool),
            Kind::Conditional(branches) => self.conditional(branches),
            _ => self.other(node),
        }
    }

    /// Steps that take so long that a call more is nothing.
    #[inline(never)]
    fn other(&mut self, node: &'v Node) -> Outcome<'v> {
        match &node.kind {
            Kind::Order(order) => self.order(order),
            Kind::In(membership) => self.membership(membership),
            Kind::Call(call) => self.call(call),
            Kind::Matches(matches) => self.matches(matches),
            Kind::NotStrictlyFalse(arg) => self.not_strictly_false(arg),
            Kind::OptionalOr(args) => self.optional_or(args),
            Kind::List(list) => self.list(list),
            Kind::Map(map) => self.map(map),
            Kind::Struct(message) => self.message(message),
            Kind::Collect(collect) => self.collect(collect),
            Kind::Fold(fold) => self.fold(fold),
            Kind::Let(binding) => {
                self.context.spend(binding.cost)?;
                for local in self.locals.get_mut(binding.slots.clone()).into_iter().flatten() {
                    *local = Local::Unset;
                }
                self.eval(&binding.body)
            }
            _ => Err(Fault::no_such_overload()),
        }
    }

    #[cold]
    fn record(&mut self, node: &Node, outcome: &Outcome<'v>) {
        if matches!(node.kind, Kind::Const(_)) {
            return;
        }
        self.record_value(node.id, outcome);
    }

    #[cold]
    fn record_value(&mut self, expr: crate::ast::ExprId, outcome: &Outcome<'v>) {
        if let Some(trace) = &mut self.context.trace
            && trace.len() < TRACE_MAX
        {
            let value = outcome.as_ref().map(Value::outline).map_err(Fault::clone);
            trace.push(Traced { expr, value });
        }
    }

    #[inline]
    fn set(&mut self, slot: usize, value: Local<'v>) {
        if let Some(local) = self.locals.get_mut(slot) {
            *local = value;
        }
    }
}

/// A trace longer than this cannot be read; loops over large lists would fill the memory with it.
const TRACE_MAX: usize = 10_000;

/// A constant of the program. Text is borrowed, so nothing is counted.
#[inline]
fn constant<'v>(value: &'v Value<'static>) -> Value<'v> {
    if let Value::Str(text) = value { Value::str(text.as_str()) } else { value.clone() }
}

/// Names the step at which an error came up, unless a step inside has already.
#[cold]
fn at(fault: &mut Fault, node: &Node) {
    if let Fault::Error(error) = fault
        && error.at == 0
    {
        error.at = node.id;
    }
}
