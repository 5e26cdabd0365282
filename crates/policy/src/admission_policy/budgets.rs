//! What the evaluation of one request may spend beyond the limits that the API server sets.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use cel::context::BUDGET_DEFAULT;

/// Budgets of one request, and what was spent.
#[derive(Debug)]
pub struct Budgets<'c> {
    /// Bytes of text, lists and maps that one expression may make.
    pub bytes: u64,
    /// Cost spent so far by all policies.
    pub cost: u64,
    /// Cost that all policies together may spend; further bindings are then not judged and end as failed.
    pub cost_max: u64,
    /// Set by another thread to call the evaluation off.
    pub cancel: Option<&'c AtomicBool>,
    /// Limits of Kobuk's own that the policy at hand ran into. Whatever it says after that is no verdict.
    pub limits: Vec<Arc<str>>,
}

impl Default for Budgets<'_> {
    fn default() -> Self {
        Budgets { bytes: BUDGET_DEFAULT.bytes, cost: 0, cost_max: COST_MAX, cancel: None, limits: Vec::new() }
    }
}

impl Budgets<'_> {
    /// Whether another policy may be evaluated.
    pub(crate) fn is_spent(&self) -> bool {
        self.cost > self.cost_max
    }
}

/// A hundred bindings that each spend all that the API server lets them; about as many seconds there, where
/// the time limit of the request ends it earlier.
const COST_MAX: u64 = 1_000_000_000;
