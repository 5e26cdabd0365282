//! Estimates of calls: those of the extension libraries first, then those of kube-apiserver, then those of
//! the language.

use crate::ast::{ExprId, ExprKind, Literal};
use crate::cost::estimate::{Estimator, Node};
use crate::cost::{self, CostRange, PATTERN, Range, SizeRange, TRAVERSAL};

/// What a call may cost, and how large its result may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Estimate {
    pub(super) cost: CostRange,
    pub(super) size: Option<SizeRange>,
}

impl Estimate {
    pub(super) fn of(cost: CostRange) -> Estimate {
        Estimate { cost, size: None }
    }

    pub(super) fn sized(cost: CostRange, size: SizeRange) -> Estimate {
        Estimate { cost, size: Some(size) }
    }
}

impl<'c> Estimator<'c> {
    pub(super) fn estimate_call(
        &mut self,
        id: ExprId,
        function: &str,
        overload: &str,
        target: Option<&Node<'c>>,
        args: &[Node<'c>],
        costs: &[CostRange],
    ) -> Estimate {
        let all = costs.iter().fold(Range::default(), |sum, cost| sum.plus(*cost));
        let with_args = |estimate: Estimate| Estimate { cost: estimate.cost.plus(all), ..estimate };
        if let Some(estimate) = self.extension(overload, target, args) {
            return with_args(estimate);
        }
        if let Some(estimate) = self.kubernetes(function, overload, target, args) {
            return with_args(estimate);
        }
        match (overload, costs) {
            ("logical_or" | "logical_and", [left, right]) => {
                // The right side may not be evaluated.
                Estimate::of(Range { min: left.min, max: left.plus(*right).max })
            }
            ("conditional", [condition, then, otherwise]) => {
                let size = args.iter().skip(1).map(known_or_any).reduce(Range::union).unwrap_or(Range::UNKNOWN);
                if let [_, then, otherwise] = args {
                    let entries = self.entries_of(then.expr).zip(self.entries_of(otherwise.expr));
                    self.set_entries(id, entries.map(|(then, otherwise)| then.union(otherwise)));
                }
                Estimate::sized(condition.plus(then.union(*otherwise)), size)
            }
            _ => with_args(self.standard(id, overload, target, args)),
        }
    }

    /// Functions of the language.
    fn standard(&mut self, id: ExprId, overload: &str, target: Option<&Node<'c>>, args: &[Node<'c>]) -> Estimate {
        match (overload, target, args) {
            ("string_format", Some(target), _) => Estimate::of(known_or_any(target).scaled(TRAVERSAL)),
            ("string_to_bytes", _, [arg]) => {
                // At most four bytes to a code point. These three products wrap around, as cel-go's do.
                let size = known_or_any(arg);
                Estimate::sized(size.scaled(TRAVERSAL), Range { min: size.min, max: size.max.wrapping_mul(4) })
            }
            ("bytes_to_string", _, [arg]) => {
                let size = known_or_any(arg);
                Estimate::sized(size.scaled(TRAVERSAL), Range { min: size.min / 4, max: size.max })
            }
            ("strings_quote", _, [arg]) => {
                let size = known_or_any(arg);
                let (min, max) = (size.min.wrapping_add(2), size.max.wrapping_mul(2).wrapping_add(2));
                Estimate::sized(size.scaled(TRAVERSAL), Range { min, max })
            }
            ("starts_with_string" | "ends_with_string", _, [arg]) => Estimate::of(known_or_any(arg).scaled(TRAVERSAL)),
            ("in_list", _, [_, list]) => Estimate::of(known_or_any(list)),
            ("matches_string", Some(target), [pattern]) => {
                let text = known_or_any(target).plus(Range::ONE).scaled(TRAVERSAL);
                Estimate::of(text.times(known_or_any(pattern).scaled(PATTERN)))
            }
            ("contains_string", Some(target), [part]) => {
                Estimate::of(known_or_any(target).scaled(TRAVERSAL).times(known_or_any(part).scaled(TRAVERSAL)))
            }
            ("add_string" | "add_bytes" | "add_list", _, [left, right]) => {
                let size = known_or_any(left).plus(known_or_any(right));
                let entries = self.entries_of(left.expr).zip(self.entries_of(right.expr));
                self.set_entries(id, entries.map(|(left, right)| left.union(right)));
                let cost = if overload == "add_list" { Range::ONE } else { size.scaled(TRAVERSAL) };
                Estimate::sized(cost, size)
            }
            (
                "less_string"
                | "greater_string"
                | "less_equals_string"
                | "greater_equals_string"
                | "less_bytes"
                | "greater_bytes"
                | "less_equals_bytes"
                | "greater_equals_bytes"
                | "equals"
                | "not_equals",
                _,
                [left, right],
            ) => {
                let max = known_or_any(left).max.min(known_or_any(right).max);
                Estimate::of(Range { min: max.min(1), max }.scaled(TRAVERSAL))
            }
            _ => Estimate::of(Range::ONE),
        }
    }

    /// Functions of the extension libraries that have estimates of their own.
    fn extension(&self, overload: &str, target: Option<&Node<'c>>, args: &[Node<'c>]) -> Option<Estimate> {
        let list = |factor: f64, size: SizeRange| {
            let cost = size.scaled(factor).plus(Range::exactly(1 + cost::LIST));
            Some(Estimate::sized(cost, size))
        };
        match (overload, target, args) {
            ("list_slice", Some(target), [start, end]) => {
                let end = int_or(end, self.size_of(target).max);
                list(1.0, Range::exactly(end.wrapping_sub(int_or(start, 0))))
            }
            ("lists_range", None, [count]) => list(1.0, Range::exactly(int_or(count, u64::MAX))),
            ("list_reverse", Some(target), []) => list(1.0, self.size_of(target)),
            ("list_flatten" | "list_flatten_int", Some(target), []) => list(1.0, self.size_of(target)),
            ("list_flatten" | "list_flatten_int", Some(target), [depth]) => {
                list(int_or(depth, u64::MAX) as f64, self.size_of(target))
            }
            ("list_distinct", Some(target), []) => {
                let size = self.size_of(target);
                list(2.0, size.times(size))
            }
            ("list_sets_contains_list" | "list_sets_intersects_list", _, [a, b]) => {
                Some(Estimate::of(self.size_of(a).times(self.size_of(b)).plus(Range::ONE)))
            }
            ("list_sets_equivalent_list", _, [a, b]) => {
                Some(Estimate::of(self.size_of(a).times(self.size_of(b)).scaled(2.0).plus(Range::ONE)))
            }
            ("regex_extract_string_string" | "regex_extractAll_string_string", _, [text, pattern]) => {
                let size = Range { min: 0, max: self.size_of(text).max };
                let base = if overload == "regex_extractAll_string_string" { cost::LIST } else { 0 };
                let allocation = size.plus(Range::exactly(base));
                Some(Estimate::sized(self.search(text, pattern).plus(allocation), size))
            }
            (
                "regex_replace_string_string_string" | "regex_replace_string_string_string_int",
                _,
                [text, pattern, replacement, ..],
            ) => {
                let (text_size, with) = (self.size_of(text), self.size_of(replacement));
                let (all, none) = (text_size.max.wrapping_mul(with.max), text_size.max);
                let size = if with.max == 0 { Range { min: all, max: none } } else { Range { min: none, max: all } };
                Some(Estimate::sized(self.search(text, pattern).plus(size), size))
            }
            _ => {
                let kind = overload.strip_prefix("list_")?;
                let (kind, sorted) = match (kind.strip_suffix("_sort"), target, args) {
                    (Some(kind), Some(target), []) => (kind, target),
                    (_, Some(_), [keys]) => (kind.strip_suffix("_sortByAssociatedKeys")?, keys),
                    _ => return None,
                };
                let size = self.size_of(sorted);
                let text = if matches!(kind, "string" | "bytes") { TRAVERSAL } else { 0.0 };
                list(2.0 + text, size.times(size))
            }
        }
    }

    /// Cost of searching a text with a pattern of the `regex` extension.
    fn search(&self, text: &Node<'c>, pattern: &Node<'c>) -> CostRange {
        let text = self.size_of(text).plus(Range::ONE).scaled(TRAVERSAL);
        text.times(self.size_of(pattern).plus(Range::ONE).scaled(PATTERN))
    }

    pub(super) fn size_of(&self, node: &Node<'c>) -> SizeRange {
        node.size.or_else(|| self.sizes().size(&node.path, node.of)).unwrap_or(Range::UNKNOWN)
    }
}

fn known_or_any(node: &Node<'_>) -> SizeRange {
    node.size.unwrap_or(Range::UNKNOWN)
}

pub(super) fn int(node: &Node<'_>) -> Option<i64> {
    if let ExprKind::Literal(Literal::Int(value)) = &node.expr.kind { Some(*value) } else { None }
}

/// The value of an integer literal, 0 if negative.
fn int_or(node: &Node<'_>, otherwise: u64) -> u64 {
    int(node).map_or(otherwise, |value| u64::try_from(value).unwrap_or(0))
}
