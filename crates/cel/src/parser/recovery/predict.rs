//! Which alternative of the grammar the next tokens take: ANTLR's look ahead, first without and, if that
//! leaves a conflict, with the rules that are open.

use super::grammar::{Edge, State};
use super::{Break, Recovery};
use crate::lexer::Kind;

/// A place in the grammar that an alternative has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Thread {
    alternative: usize,
    state: State,
    /// Where rules go on that were entered since the decision, the innermost last.
    stack: Vec<State>,
    /// Whether it has left the rule of the decision.
    outside: bool,
}

impl Recovery<'_> {
    /// Index of the alternative to take at a decision.
    pub(super) fn predict(&self, decision: State) -> Result<usize, Break> {
        match self.simulate(decision, None)? {
            Some(alternative) => Ok(alternative),
            None => {
                let mut callers = self.follow_states();
                callers.reverse();
                Ok(self.simulate(decision, Some(callers))?.unwrap_or(0))
            }
        }
    }

    /// Follows all alternatives until one is left. None if a conflict needs the open rules (`callers`).
    fn simulate(&self, decision: State, callers: Option<Vec<State>>) -> Result<Option<usize>, Break> {
        let full = callers.is_some();
        let base = callers.unwrap_or_default();
        let mut threads = Vec::new();
        for (alternative, edge) in self.grammar.edges(decision).iter().enumerate() {
            if let Edge::Empty(state) = edge {
                let thread = Thread { alternative, state: *state, stack: base.clone(), outside: false };
                self.close(thread, base.len(), full, &mut threads);
            }
        }
        for at in self.at.. {
            let kind = self.token_at(at).kind;
            let mut reached = Vec::new();
            for thread in &threads {
                for edge in self.grammar.edges(thread.state) {
                    if let Edge::Token(set, to) = edge
                        && set.has(kind)
                    {
                        self.close(Thread { state: *to, ..thread.clone() }, base.len(), full, &mut reached);
                    }
                }
            }
            let Some(first) = reached.first().map(|thread| thread.alternative) else {
                let outside = threads.iter().filter(|thread| thread.outside).map(|thread| thread.alternative);
                return outside.min().map(Some).ok_or(Break::NoAlternative(self.at, at));
            };
            if reached.iter().all(|thread| thread.alternative == first) {
                return Ok(Some(first));
            }
            if let Some(alternative) = if full { same_minimum(&reached) } else { None } {
                return Ok(Some(alternative));
            }
            if !full && conflict(&reached) {
                return Ok(None);
            }
            if kind == Kind::End || reached.len() > THREADS_MAX {
                return Ok(reached.iter().map(|thread| thread.alternative).min());
            }
            threads = reached;
        }
        Ok(None)
    }

    /// Goes everywhere that needs no token.
    fn close(&self, thread: Thread, base: usize, full: bool, out: &mut Vec<Thread>) {
        if out.contains(&thread) {
            return;
        }
        out.push(thread.clone());
        if let Some(rule) = self.grammar.ended(thread.state) {
            let mut stack = thread.stack.clone();
            let outside = thread.outside || stack.len() <= base;
            if let Some(state) = stack.pop() {
                return self.close(Thread { state, stack, outside, ..thread }, base, full, out);
            }
            if !full {
                for state in self.grammar.callers(rule) {
                    let next = Thread { state, stack: Vec::new(), outside: true, ..thread.clone() };
                    self.close(next, base, full, out);
                }
            }
            return;
        }
        for edge in self.grammar.edges(thread.state) {
            match edge {
                Edge::Empty(to) => self.close(Thread { state: *to, ..thread.clone() }, base, full, out),
                Edge::Precedence(level, to) => {
                    // Only the rule of the decision itself knows its precedence.
                    let here = thread.stack.len() == base && !thread.outside;
                    let precedence = self.calls.last().map_or(0, |(_, precedence)| *precedence);
                    if !here || *level >= precedence {
                        self.close(Thread { state: *to, ..thread.clone() }, base, full, out);
                    }
                }
                Edge::Rule(rule, behind) => {
                    let mut stack = thread.stack.clone();
                    stack.push(*behind);
                    let state = self.grammar.first(*rule);
                    self.close(Thread { state, stack, ..thread.clone() }, base, full, out);
                }
                Edge::Token(..) => {}
            }
        }
    }
}

/// The least alternative at every place, if it is the same at all of them.
fn same_minimum(threads: &[Thread]) -> Option<usize> {
    let least = |thread: &Thread| {
        let same = threads.iter().filter(|other| other.state == thread.state && other.stack == thread.stack);
        same.map(|other| other.alternative).min()
    };
    let first = least(threads.first()?)?;
    threads.iter().all(|thread| least(thread) == Some(first)).then_some(first)
}

/// Whether more tokens cannot tell alternatives apart without knowing the open rules: some are at the same
/// place, and no state belongs to one alternative alone.
fn conflict(threads: &[Thread]) -> bool {
    let differs = |one: &Thread, other: &Thread| one.state == other.state && one.alternative != other.alternative;
    threads.iter().any(|one| threads.iter().any(|other| differs(one, other) && one.stack == other.stack))
        && threads.iter().all(|one| threads.iter().any(|other| differs(one, other)))
}

/// More places than the grammar can reach at once; a belt for the braces.
const THREADS_MAX: usize = 10_000;
