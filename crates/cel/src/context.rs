//! What an evaluation may spend, and where its variables come from.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::fault::Fault;
use crate::value::Value;

/// Gives the variables of an evaluation.
pub trait Activation<'v> {
    /// The value of the variable that was declared as number `slot` of the environment (see
    /// [`Env::variables`](crate::decl::Env::variables)). Asked again for every use: whoever computes values
    /// keeps them.
    fn variable(&self, slot: usize, context: &mut Context<'_>) -> Result<Value<'v>, Fault>;
}

/// Limits of one evaluation.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// In units of CEL's cost model, which grow with the time spent.
    pub cost: u64,
    /// Bytes of text, lists and maps that expressions may make.
    pub bytes: u64,
}

/// What an evaluation has spent. One per request; several programs may share it.
#[derive(Debug)]
pub struct Context<'c> {
    /// Limits.
    pub budget: Budget,
    /// Cost so far, in units of CEL's cost model.
    pub cost: u64,
    /// Bytes made so far.
    pub bytes: u64,
    /// Set by another thread to call the evaluation off.
    pub cancel: Option<&'c AtomicBool>,
    /// Values of subexpressions, if someone wants to see them.
    pub trace: Option<Vec<Traced>>,
}

/// The value of a subexpression.
#[derive(Clone, Debug)]
pub struct Traced {
    /// Its number in the tree.
    pub expr: crate::ast::ExprId,
    /// The value as text, or the fault.
    pub value: Result<String, Fault>,
}

/// Cost and bytes of one evaluation when nobody says otherwise: kube-apiserver's limit for one expression.
pub const BUDGET_DEFAULT: Budget = Budget { cost: 1_000_000, bytes: 64 << 20 };

impl<'c> Context<'c> {
    /// Nothing spent yet.
    pub fn new(budget: Budget) -> Self {
        Context { budget, cost: 0, bytes: 0, cancel: None, trace: None }
    }

    /// Adds cost; an error once the budget is spent.
    #[inline]
    pub fn spend(&mut self, cost: u64) -> Result<(), Fault> {
        self.cost = self.cost.saturating_add(cost);
        if self.cost > self.budget.cost { Err(Fault::CostExceeded) } else { Ok(()) }
    }

    /// Counts bytes that are about to be made; an error once the limit is reached. Call it before the
    /// memory is taken.
    #[inline]
    pub fn allocate(&mut self, bytes: usize) -> Result<(), Fault> {
        self.bytes = self.bytes.saturating_add(bytes as u64);
        if self.bytes > self.budget.bytes {
            return Err(Fault::LimitExceeded(&"the expression makes more text, lists and maps than the limit allows"));
        }
        Ok(())
    }

    /// Whether someone called it off. Asked once per turn of a loop.
    #[inline]
    pub fn check(&self) -> Result<(), Fault> {
        match self.cancel {
            Some(cancel) if cancel.load(Ordering::Relaxed) => Err(Fault::Cancelled),
            _ => Ok(()),
        }
    }
}
