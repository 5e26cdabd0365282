//! The parameter objects that a policy is judged with under a binding.

use cel::fault::Fact;
use manifest::Value;

use super::activation::Given;
use super::spec::{ParamKind, ParamRef};
use crate::admission::facts::{Facts, Lookup};
use crate::admission::request::Request;
use crate::admission::selector::Selector;

/// Parameter objects.
#[derive(Debug)]
pub(crate) enum Params<'f> {
    /// The policy is judged once with each. `Given::Null` where policy or binding use none.
    Each(Vec<Given<'f>>),
    /// Some are known; whether there are others is not.
    Some(Vec<Given<'f>>, Fact),
    /// Whether there is one is not known.
    Maybe(Fact),
    /// There is none, and the binding says that nothing is judged then.
    None,
    /// The request is refused without a look at the policy, in the API server's words.
    Failed(String),
    /// Neither kind nor scope of the parameters are known.
    Unknown(Fact),
}

/// Why a policy cannot be used at all: the API server does not have the kind of its parameters. It refuses
/// requests for it whatever bindings there are.
pub(crate) fn lost_kind(kind: Option<&ParamKind>, facts: &Facts) -> Option<String> {
    let kind = kind?;
    let (group, version) = kind.api_version.split_once('/').unwrap_or(("", &kind.api_version));
    let lost =
        facts.scope(group, &kind.kind).is_none() && facts.complete("apiextensions.k8s.io", "CustomResourceDefinition");
    lost.then(|| {
        let name = format!("{group}/{version}, Kind={}", kind.kind);
        format!("failed to configure policy: failed to find resource referenced by paramKind: '{name}'")
    })
}

/// Finds the parameter objects for a request.
pub(crate) fn collect<'f>(
    kind: Option<&ParamKind>,
    reference: Option<&ParamRef>,
    request: &Request<'_>,
    facts: &'f Facts,
) -> Params<'f> {
    let (Some(kind), Some(reference)) = (kind, reference) else {
        return Params::Each(vec![Given::Null]);
    };
    let (group, _) = kind.api_version.split_once('/').unwrap_or(("", &kind.api_version));
    // Gatekeeper makes definitions of constraints, never with a namespace.
    let constraint = || (group == "constraints.gatekeeper.sh").then_some(false);
    let Some(namespaced) = facts.scope(group, &kind.kind).or_else(constraint) else {
        return Params::Unknown(Fact { name: format!("CustomResourceDefinition of {}", kind.kind).into() });
    };
    let namespace: &str = match (namespaced, &*reference.namespace, &*request.namespace) {
        (true, "", "") => {
            return Params::Failed(
                "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources".to_owned(),
            );
        }
        (true, "", own) => own,
        (true, given, _) => given,
        (false, "", _) => "",
        (false, _, _) => {
            return Params::Failed(
                "paramRef.namespace must not be provided for a cluster-scoped `paramKind`".to_owned(),
            );
        }
    };
    match &reference.selector {
        Some(selector) => selected(kind, namespaced.then_some(namespace), selector, reference, facts),
        None => match facts.object(&kind.api_version, &kind.kind, namespace, &reference.name) {
            Lookup::Found(object) => Params::Each(vec![Given::Object(object)]),
            Lookup::Absent => absent(reference),
            Lookup::Unknown(fact) => Params::Maybe(fact),
        },
    }
}

fn selected<'f>(
    kind: &ParamKind,
    namespace: Option<&str>,
    selector: &Selector,
    reference: &ParamRef,
    facts: &'f Facts,
) -> Params<'f> {
    let listing = facts.list(&kind.api_version, &kind.kind, namespace, selector);
    let items: Vec<Given<'f>> = listing.items.into_iter().map(Given::Object).collect();
    match (listing.missing, items.is_empty()) {
        (Some(fact), true) => Params::Maybe(fact),
        (Some(fact), false) => Params::Some(items, fact),
        (None, true) => absent(reference),
        (None, false) => Params::Each(items),
    }
}

fn absent<'f>(reference: &ParamRef) -> Params<'f> {
    if reference.deny_if_missing {
        Params::Failed("no params found for policy binding with `Deny` parameterNotFoundAction".to_owned())
    } else {
        Params::None
    }
}

/// Name of a parameter object, with its namespace if it has one.
pub(crate) fn name_of(params: Value<'_>) -> Box<str> {
    let text = |key| params.path(&["metadata", key]).and_then(Value::as_str).unwrap_or("");
    match (text("namespace"), text("name")) {
        ("", name) => name.into(),
        (namespace, name) => format!("{namespace}/{name}").into(),
    }
}
