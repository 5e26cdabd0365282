//! Estimates of calls of kube-apiserver's libraries.

use crate::cost::calls::{Estimate, int};
use crate::cost::estimate::{Estimator, Node};
use crate::cost::{self, CostRange, PATTERN, Range, SizeRange, TRAVERSAL};
use crate::types::Type;

impl<'c> Estimator<'c> {
    /// Functions of kube-apiserver's libraries, by name of the function.
    pub(super) fn kubernetes(
        &self,
        function: &str,
        overload: &str,
        target: Option<&Node<'c>>,
        args: &[Node<'c>],
    ) -> Option<Estimate> {
        if is_nominal(function) {
            return Some(Estimate::of(Range::ONE));
        }
        match (function, target, args) {
            ("check", ..) => Some(Estimate::of(Range::exactly(cost::AUTHORIZER_CHECK))),
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

/// Functions of kube-apiserver's libraries that look at what they have: accessors, and builders of questions
/// to the authorizer.
pub(super) fn is_nominal(function: &str) -> bool {
    matches!(
        function,
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
            | "getQuery"
    )
}

/// Parsing a selector makes a list, and a structure and a list for each of its requirements, which are at
/// least two code points long.
pub(super) fn selector_cost(size: SizeRange) -> CostRange {
    let requirements = size.scaled(0.5).scaled((cost::LIST + cost::STRUCT) as f64);
    Range::exactly(cost::LIST).plus(size.scaled(TRAVERSAL)).plus(requirements)
}

fn unwrapped(of: &Type) -> &Type {
    if let Type::Wrapper(inner) = of { inner } else { of }
}

/// The quotient, rounded up. Go computes it with doubles; one too large for 64 bits becomes 2^63 on the
/// machines that kube-apiserver runs on.
fn divided(value: u64, by: u64) -> u64 {
    let quotient = (value as f64 / by as f64).ceil();
    if quotient >= 18_446_744_073_709_551_616.0 { 1 << 63 } else { quotient as u64 }
}
