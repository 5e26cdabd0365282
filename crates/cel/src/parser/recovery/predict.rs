//! Which alternative of the grammar the next tokens take: ANTLR's look ahead, first without and, if that
//! leaves a conflict, with the rules that are open.

use std::collections::HashMap;

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

/// What was predicted before, by decision, precedence and the next tokens, and the work spent on it.
#[derive(Default)]
pub(super) struct Predictions {
    known: HashMap<(State, u8, [Kind; LOOK_AHEAD]), usize>,
    work: usize,
}

impl Recovery<'_> {
    /// Index of the alternative to take at a decision.
    pub(super) fn predict(&mut self, decision: State) -> Result<usize, Break> {
        let ahead = std::array::from_fn(|distance| self.token_at(self.at + distance).kind);
        let key = (decision, self.precedence(), ahead);
        if let Some(known) = self.predictions.known.get(&key) {
            return Ok(*known);
        }
        let Some((alternative, seen)) = self.simulate(decision, None)? else {
            let mut callers = self.follow_states();
            callers.reverse();
            return Ok(self.simulate(decision, Some(callers))?.map_or(0, |(alternative, _)| alternative));
        };
        if seen <= LOOK_AHEAD {
            self.predictions.known.insert(key, alternative);
        }
        Ok(alternative)
    }

    fn precedence(&self) -> u8 {
        self.calls.last().map_or(0, |(_, precedence)| *precedence)
    }

    /// Follows all alternatives until one is left, and says how many tokens that took. None if a conflict
    /// needs the open rules (`callers`).
    fn simulate(&mut self, decision: State, callers: Option<Vec<State>>) -> Result<Option<(usize, usize)>, Break> {
        let full = callers.is_some();
        let base = callers.unwrap_or_default();
        let mut threads = Vec::new();
        for (alternative, edge) in self.grammar.edges(decision).iter().enumerate() {
            if let Edge::Empty(state) = edge {
                let thread = Thread { alternative, state: *state, stack: base.clone(), outside: false };
                self.close(thread, base.len(), full, &mut threads)?;
            }
        }
        for seen in 1.. {
            let at = self.at + seen - 1;
            let kind = self.token_at(at).kind;
            let mut reached = Vec::new();
            for thread in &threads {
                for edge in self.grammar.edges(thread.state) {
                    if let Edge::Token(set, to) = edge
                        && set.has(kind)
                    {
                        self.close(Thread { state: *to, ..thread.clone() }, base.len(), full, &mut reached)?;
                    }
                }
            }
            let Some(first) = reached.first().map(|thread| thread.alternative) else {
                let outside = threads.iter().filter(|thread| thread.outside).map(|thread| thread.alternative);
                let alternative = outside.min().ok_or(Break::NoAlternative(self.at, at))?;
                return Ok(Some((alternative, seen)));
            };
            if reached.iter().all(|thread| thread.alternative == first) {
                return Ok(Some((first, seen)));
            }
            if let Some(alternative) = if full { same_minimum(&reached) } else { None } {
                return Ok(Some((alternative, seen)));
            }
            if !full && conflict(&reached) {
                return Ok(None);
            }
            if kind == Kind::End {
                return Ok(reached.iter().map(|thread| thread.alternative).min().map(|least| (least, seen)));
            }
            threads = reached;
        }
        Ok(None)
    }

    /// Goes everywhere that needs no token.
    fn close(&mut self, thread: Thread, base: usize, full: bool, out: &mut Vec<Thread>) -> Result<(), Break> {
        let mut todo = vec![thread];
        while let Some(thread) = todo.pop() {
            self.predictions.work += 1 + thread.stack.len();
            if self.predictions.work > WORK_MAX {
                self.issues.report_whole("Syntax error: too many mistakes to tell them all");
                return Err(Break::Limit);
            }
            if out.contains(&thread) {
                continue;
            }
            self.predictions.work += out.len();
            out.push(thread.clone());
            if let Some(rule) = self.grammar.ended(thread.state) {
                let mut stack = thread.stack.clone();
                let outside = thread.outside || stack.len() <= base;
                if let Some(state) = stack.pop() {
                    todo.push(Thread { state, stack, outside, ..thread });
                } else if !full {
                    let callers = self.grammar.callers(rule);
                    todo.extend(callers.map(|state| Thread { state, stack: Vec::new(), outside: true, ..thread }));
                }
                continue;
            }
            for edge in self.grammar.edges(thread.state) {
                match edge {
                    Edge::Empty(to) => todo.push(Thread { state: *to, ..thread.clone() }),
                    Edge::Precedence(level, to) => {
                        // Only the rule of the decision itself knows its precedence.
                        let here = thread.stack.len() == base && !thread.outside;
                        if !here || *level >= self.precedence() {
                            todo.push(Thread { state: *to, ..thread.clone() });
                        }
                    }
                    Edge::Rule(rule, behind) => {
                        let mut stack = thread.stack.clone();
                        stack.push(*behind);
                        todo.push(Thread { state: self.grammar.first(*rule), stack, ..thread.clone() });
                    }
                    Edge::Token(..) => {}
                }
            }
        }
        Ok(())
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

/// Most decisions of the grammar need no more tokens than these.
const LOOK_AHEAD: usize = 6;

/// Steps that predictions may take for one expression: some seconds in the worst case, while an expression
/// of the greatest length with an ordinary mistake needs a hundredth.
const WORK_MAX: usize = 200_000_000;
