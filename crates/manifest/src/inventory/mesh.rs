//! Facts about service meshes.

use super::{Origin, Selector};
use crate::object::Object;
use crate::tree::Value;

/// An Istio RequestAuthentication.
#[derive(Clone, Debug)]
pub struct RequestAuthentication {
    /// The object.
    pub origin: Origin,
    /// Labels of the pods that it is about.
    pub pods: Selector,
}

/// An Istio AuthorizationPolicy.
#[derive(Clone, Debug)]
pub struct MeshAuthorization {
    /// The object.
    pub origin: Origin,
    /// Labels of the pods that it is about.
    pub pods: Selector,
    /// Whether some rule asks for an authenticated request, so that calls without a token are refused.
    pub asks_for_token: bool,
}

impl RequestAuthentication {
    pub(super) fn of(object: &Object<'_>) -> Self {
        RequestAuthentication { origin: Origin::of(object), pods: pods(object) }
    }
}

impl MeshAuthorization {
    pub(super) fn of(object: &Object<'_>) -> Self {
        MeshAuthorization {
            origin: Origin::of(object),
            pods: pods(object),
            asks_for_token: object.spec().into_iter().flat_map(|spec| spec.list("rules")).any(asks_for_token),
        }
    }
}

fn pods(object: &Object<'_>) -> Selector {
    Selector::of(object.spec().and_then(|spec| spec.get("selector")))
}

fn asks_for_token(rule: Value<'_>) -> bool {
    let named = |source: Value<'_>| {
        ["requestPrincipals", "notRequestPrincipals"].iter().any(|key| source.get(key).is_some_and(|v| !v.is_empty()))
    };
    rule.list("from").any(|from| from.get("source").is_some_and(named))
        || rule.list("when").any(|when| when.str_at("key").is_some_and(|key| key.starts_with("request.auth.")))
}
