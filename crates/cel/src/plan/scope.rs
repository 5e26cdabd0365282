//! Names of comprehension variables while a program is built.

use std::sync::Arc;

use super::{Node, Root};

/// Names that are visible, innermost last.
#[derive(Default)]
pub(super) struct Scope {
    names: Vec<(Arc<str>, usize, Option<Arc<Node>>)>,
    /// Slots handed out. Every variable has its own: what is computed late must find the slots of the
    /// place where it was written, whatever has been entered since.
    slots: usize,
}

// === impl Scope ===

impl Scope {
    /// A slot for a variable that is not visible yet.
    pub(super) fn slot(&mut self) -> usize {
        self.slots += 1;
        self.slots - 1
    }

    /// Slots handed out so far.
    pub(super) fn slots(&self) -> usize {
        self.slots
    }

    /// Makes a variable visible.
    pub(super) fn enter(&mut self, name: &Arc<str>, slot: usize, init: Option<Arc<Node>>) {
        self.names.push((name.clone(), slot, init));
    }

    /// Hides the last variables.
    pub(super) fn leave(&mut self, count: usize) {
        self.names.truncate(self.names.len().saturating_sub(count));
    }

    /// The innermost variable of a name.
    pub(super) fn find(&self, name: &str) -> Option<Root> {
        let (_, slot, init) = self.names.iter().rev().find(|(visible, ..)| **visible == *name)?;
        Some(match init {
            Some(init) => Root::Lazy(*slot, init.clone()),
            None => Root::Local(*slot),
        })
    }
}
