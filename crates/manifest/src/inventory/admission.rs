//! Facts about the admission chain.

use super::Origin;
use crate::object::Object;
use crate::tree::Value;

/// A ValidatingAdmissionPolicy or MutatingAdmissionPolicy.
#[derive(Clone, Debug)]
pub struct AdmissionPolicy {
    /// The object.
    pub origin: Origin,
    /// Whether it mutates.
    pub mutating: bool,
    /// Whether it has a `spec.paramKind`.
    pub parameters: bool,
}

/// A binding of an admission policy.
#[derive(Clone, Debug)]
pub struct AdmissionBinding {
    /// The object.
    pub origin: Origin,
    /// Whether it binds a MutatingAdmissionPolicy.
    pub mutating: bool,
    /// `spec.policyName`.
    pub policy: Box<str>,
    /// Whether it has a `spec.paramRef`.
    pub parameters: bool,
}

/// The Service that one webhook is called at.
#[derive(Clone, Debug)]
pub struct WebhookService {
    /// The webhook configuration; the location is that of the service reference.
    pub origin: Origin,
    /// Name of the webhook.
    pub webhook: Box<str>,
    /// Namespace of the Service.
    pub namespace: Box<str>,
    /// Name of the Service.
    pub name: Box<str>,
    /// Whether requests are refused while the webhook is down.
    pub fails_closed: bool,
}

impl AdmissionPolicy {
    pub(super) fn of(object: &Object<'_>) -> Option<Self> {
        let mutating = match object.kind {
            "ValidatingAdmissionPolicy" => false,
            "MutatingAdmissionPolicy" => true,
            _ => return None,
        };
        let parameters = object.spec().is_some_and(|spec| spec.get("paramKind").is_some());
        Some(AdmissionPolicy { origin: Origin::of(object), mutating, parameters })
    }
}

impl AdmissionBinding {
    pub(super) fn of(object: &Object<'_>) -> Option<Self> {
        let mutating = match object.kind {
            "ValidatingAdmissionPolicyBinding" => false,
            "MutatingAdmissionPolicyBinding" => true,
            _ => return None,
        };
        let spec = object.spec();
        Some(AdmissionBinding {
            origin: Origin::of(object),
            mutating,
            policy: spec.and_then(|spec| spec.str_at("policyName")).unwrap_or("").into(),
            parameters: spec.is_some_and(|spec| spec.get("paramRef").is_some()),
        })
    }
}

impl WebhookService {
    pub(super) fn all_of<'o>(object: &'o Object<'_>) -> impl Iterator<Item = WebhookService> + use<'o> {
        let fails_closed_unless_set = object.version == "v1";
        let is_webhook = matches!(object.kind, "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration");
        is_webhook.then(|| object.value.list("webhooks")).into_iter().flatten().filter_map(move |webhook| {
            let service: Value<'_> = webhook.get("clientConfig")?.get("service")?;
            Some(WebhookService {
                origin: Origin { location: service.location(), ..Origin::of(object) },
                webhook: webhook.str_at("name").unwrap_or("").into(),
                namespace: service.str_at("namespace").unwrap_or("").into(),
                name: service.str_at("name").unwrap_or("").into(),
                fails_closed: webhook.str_at("failurePolicy").map_or(fails_closed_unless_set, |word| word == "Fail"),
            })
        })
    }
}
