//! Estimates of calls: those of kube-apiserver first, then those of the language.

use crate::ast::{ExprId, ExprKind, Literal};
use crate::cost::estimate::{Estimator, Node};
use crate::cost::{self, CostRange, PATTERN, Range, SizeRange, TRAVERSAL};
use crate::types::Type;

/// What a call may cost, and how large its result may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Estimate {
    pub(super) cost: CostRange,
    pub(super) size: Option<SizeRange>,
}

impl Estimate {
    fn of(cost: CostRange) -> Estimate {
        Estimate { cost, size: None }
    }

    fn sized(cost: CostRange, size: SizeRange) -> Estimate {
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

    /// Functions of kube-apiserver's libraries, by name of the function.
    fn kubernetes(
        &self,
        function: &str,
        overload: &str,
        target: Option<&Node<'c>>,
        args: &[Node<'c>],
    ) -> Option<Estimate> {
        match (function, target, args) {
            ("check", ..) => Some(Estimate::of(Range::exactly(cost::AUTHORIZER_CHECK))),
            (
                "serviceAccount"
                | "path"
                | "group"
                | "resource"
                | "subresource"
                | "namespace"
                | "name"
                | "allowed"
                | "reason"
                | "error"
                | "errored"
                | "masked"
                | "prefixLength"
                | "family"
                | "isUnspecified"
                | "isLoopback"
                | "isLinkLocalMulticast"
                | "isLinkLocalUnicast"
                | "isGlobalUnicast"
                | "format.named"
                | "sign"
                | "asInteger"
                | "isInteger"
                | "asApproximateFloat"
                | "isGreaterThan"
                | "isLessThan"
                | "compareTo"
                | "add"
                | "sub"
                | "major"
                | "minor"
                | "patch"
                | "getScheme"
                | "getHostname"
                | "getHost"
                | "getPort"
                | "getEscapedPath"
                | "getQuery",
                ..,
            ) => Some(Estimate::of(Range::ONE)),
            ("fieldSelector" | "labelSelector", _, [selector]) => {
                Some(Estimate::of(selector_cost(self.size_of(selector))))
            }
            ("isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf", Some(target), _) => {
                Some(self.walk(target))
            }
            ("url" | "jsonpatch.escapeKey", _, [text]) => {
                let size = self.size_of(text);
                Some(Estimate::sized(size.scaled(TRAVERSAL), size))
            }
            ("lowerAscii" | "upperAscii" | "substring" | "trim", Some(target), _) => {
                let size = self.size_of(target);
                Some(Estimate::sized(size.scaled(TRAVERSAL), size))
            }
            ("replace", Some(target), [from, to, ..]) => Some(self.replace(target, from, to)),
            ("split", Some(target), _) => {
                let size = self.size_of(target);
                let max = args.get(1).and_then(int).map_or(size.max, |limit| limit as u64);
                Some(Estimate::sized(size.scaled(2.0 * TRAVERSAL), Range { min: 0, max }))
            }
            ("join", Some(target), _) => Some(self.join(target, args.first())),
            ("find" | "findAll", Some(target), [pattern, ..]) => {
                let size = self.size_of(target);
                let text = size.plus(Range::ONE).scaled(TRAVERSAL);
                let cost = text.times(self.size_of(pattern).scaled(PATTERN));
                Some(Estimate::sized(cost, Range { min: 0, max: size.max }))
            }
            ("ip", ..) if overload == "cidr_ip" => Some(Estimate::of(Range::ONE)),
            ("cidr" | "isIP" | "isCIDR" | "ip" | "quantity" | "isQuantity" | "semver" | "isSemver", _, [text, ..]) => {
                Some(Estimate::of(self.size_of(text).scaled(TRAVERSAL)))
            }
            ("ip.isCanonical", _, [text, ..]) => Some(Estimate::of(self.size_of(text).scaled(2.0 * TRAVERSAL))),
            ("containsIP" | "containsCIDR", _, [other, ..]) => Some(self.contains_address(overload, other)),
            ("validate", _, [text, ..]) => {
                let pattern = cost::FORMAT_PATTERN_SIZE as f64 * PATTERN;
                Some(Estimate::of(self.size_of(text).scaled(TRAVERSAL).scaled(pattern)))
            }
            ("_==_", _, [left, right]) => equality(left, right),
            _ => None,
        }
    }

    /// A walk through a list with one comparison for each element, or through a text.
    fn walk(&self, target: &Node<'c>) -> Estimate {
        let size = self.size_of(target);
        let Some((element, element_size)) = self.element(target) else { return Estimate::of(size.scaled(TRAVERSAL)) };
        let mut each = Range::ONE;
        if matches!(unwrapped(element), Type::String | Type::Bytes) {
            each = each.plus(element_size.scaled(TRAVERSAL));
        }
        Estimate::of(size.times(each))
    }

    fn replace(&self, target: &Node<'c>, from: &Node<'c>, to: &Node<'c>) -> Estimate {
        let (size, from, to) = (self.size_of(target), self.size_of(from), self.size_of(to));
        let (mut count, mut retained) = (Range::default(), Range::default());
        // The longest result: replacing nothing puts the replacement around every code point.
        if from.min == 0 {
            count.max = size.max.saturating_add(1);
            retained.max = size.max;
        } else if to.max <= from.min {
            retained.max = size.max;
        } else {
            count.max = divided(size.max, from.min);
        }
        // The shortest result.
        if from.max == 0 {
            count.min = size.min.saturating_add(1);
            retained.min = size.min;
        } else if from.max <= to.min {
            retained.min = size.min;
        } else {
            count.min = divided(size.min, from.max);
        }
        Estimate::sized(size.scaled(2.0 * TRAVERSAL), count.times(to).plus(retained))
    }

    fn join(&self, target: &Node<'c>, separator: Option<&Node<'c>>) -> Estimate {
        let list = self.size_of(target);
        let mut size = self.element(target).map_or(Range::default(), |(_, element)| list.times(element));
        if let Some(separator) = separator {
            let gaps = Range { min: list.min.saturating_sub(1), max: list.max.saturating_sub(1) };
            size = size.plus(self.size_of(separator).times(gaps));
        }
        Estimate::sized(size.scaled(TRAVERSAL), size)
    }

    fn contains_address(&self, overload: &str, other: &Node<'c>) -> Estimate {
        // Addresses have 4 or 16 bytes, and two of them are compared.
        let address = Range { min: 4, max: 16 };
        let mut cost = address.plus(address).scaled(TRAVERSAL);
        if overload.starts_with("cidr_contains_cidr") {
            // The address is masked first.
            cost = cost.plus(address.scaled(TRAVERSAL)).plus(Range::ONE);
        }
        if overload.ends_with("_string") {
            cost = cost.plus(self.size_of(other).scaled(TRAVERSAL));
        }
        Estimate::of(cost)
    }

    fn size_of(&self, node: &Node<'c>) -> SizeRange {
        node.size.or_else(|| self.sizes().size(&node.path, node.of)).unwrap_or(Range::UNKNOWN)
    }

    /// Type and size of the elements of a list.
    fn element(&self, list: &Node<'c>) -> Option<(&'c Type, SizeRange)> {
        let of = match list.of {
            Type::List(of) | Type::Map(of, _) | Type::Optional(of) | Type::Type(of) => &**of,
            _ => return None,
        };
        let path = if list.path.steps().is_empty() { list.path.clone() } else { list.path.step(self.items()) };
        Some((of, self.sizes().size(&path, of).unwrap_or(Range::UNKNOWN)))
    }
}

/// Types of kube-apiserver are compared in one step, whatever their size.
fn equality(left: &Node<'_>, right: &Node<'_>) -> Option<Estimate> {
    let (Type::Opaque(name) | Type::Struct(name)) = left.of else { return None };
    if name.as_ref() != right.of.name() {
        return None;
    }
    match &**name {
        "net.IP"
        | "net.CIDR"
        | "kubernetes.Quantity"
        | "kubernetes.Semver"
        | "kubernetes.authorization.Authorizer"
        | "kubernetes.authorization.PathCheck"
        | "kubernetes.authorization.GroupCheck"
        | "kubernetes.authorization.ResourceCheck"
        | "kubernetes.authorization.Decision" => Some(Estimate::of(Range::ONE)),
        "kubernetes.NamedFormat" => Some(Estimate::of(Range { min: 1, max: cost::FORMAT_NAME_SIZE }.scaled(TRAVERSAL))),
        "kubernetes.URL" => {
            let max = right.size.map_or(1, |size| size.max);
            Some(Estimate::of(Range { min: 1, max }.scaled(TRAVERSAL)))
        }
        _ => None,
    }
}

/// Parsing a selector makes a list, and a structure and a list for each of its requirements, which are at
/// least two code points long.
pub(super) fn selector_cost(size: SizeRange) -> CostRange {
    let requirements = size.scaled(0.5).scaled((cost::LIST + cost::STRUCT) as f64);
    Range::exactly(cost::LIST).plus(size.scaled(TRAVERSAL)).plus(requirements)
}

fn known_or_any(node: &Node<'_>) -> SizeRange {
    node.size.unwrap_or(Range::UNKNOWN)
}

fn unwrapped(of: &Type) -> &Type {
    if let Type::Wrapper(inner) = of { inner } else { of }
}

fn int(node: &Node<'_>) -> Option<i64> {
    if let ExprKind::Literal(Literal::Int(value)) = &node.expr.kind { Some(*value) } else { None }
}

/// The value of an integer literal, 0 if negative.
fn int_or(node: &Node<'_>, otherwise: u64) -> u64 {
    int(node).map_or(otherwise, |value| u64::try_from(value).unwrap_or(0))
}

/// The quotient, rounded up. Go computes it with doubles; one too large for 64 bits becomes 2^63 on the
/// machines that kube-apiserver runs on.
fn divided(value: u64, by: u64) -> u64 {
    let quotient = (value as f64 / by as f64).ceil();
    if quotient >= 18_446_744_073_709_551_616.0 { 1 << 63 } else { quotient as u64 }
}
