//! Checks on pods beyond the Pod Security Standards: images, secrets, resources, placement.

pub mod availability;
pub mod confinement;
pub mod disruption_budget;
#[cfg(test)]
pub(crate) mod door;
pub mod host_path;
pub mod image;
pub mod image_reference;
pub mod placement;
pub mod probe;
pub mod quantity;
pub mod resources;
pub mod runtime_class;
pub mod secret_use;
pub mod service_account;

use manifest::{Container, ContainerKind, Object, PodTemplate, Value};
use model::{Location, Rule};

use crate::check::{InventoryCheck, ObjectCheck};
use crate::sink::{Entry, Sink};

/// Checks on single objects.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[
    availability::CHECK,
    confinement::CHECK,
    disruption_budget::CHECK,
    host_path::CHECK,
    image::CHECK,
    placement::CHECK,
    probe::CHECK,
    resources::CHECK,
    runtime_class::CHECK,
    secret_use::CHECK,
    secret_use::SECRET_CHECK,
    service_account::CHECK,
];

/// Checks across objects.
pub(crate) const INVENTORY_CHECKS: &[InventoryCheck] = &[
    disruption_budget::COVERAGE_CHECK,
    resources::LIMIT_CHECK,
    runtime_class::EXISTENCE_CHECK,
    service_account::TOKEN_CHECK,
];

/// Reports a rule broken by one container, with its name and the path of the field.
fn on_container<'s>(
    sink: &'s mut Sink<'_>,
    rule: &'static Rule,
    at: impl Into<Location>,
    (pod, container): (&PodTemplate<'_>, &Container<'_>),
    below: &str,
    message: impl FnOnce(&str) -> String,
) -> Option<Entry<'s>> {
    if !sink.wants(rule) {
        return None;
    }
    let message = message(&container_noun(container.kind, container.name()));
    let field = pod.field(&container.path(below));
    Some(sink.report(rule, at, message).field(field).container(container.name()))
}

/// How a message calls a container.
fn container_noun(kind: ContainerKind, name: &str) -> String {
    let noun = match kind {
        ContainerKind::Init => "init container",
        ContainerKind::Regular => "container",
        ContainerKind::Ephemeral => "ephemeral container",
    };
    if name.is_empty() { format!("a {noun} without a name") } else { format!("{noun} `{name}`") }
}

/// An entry of a list field with its path: `volumes[2]`.
fn listed<'d>(parent: Value<'d>, key: &'static str) -> impl Iterator<Item = (String, Value<'d>)> + use<'d> {
    parent.list(key).enumerate().map(move |(index, value)| (format!("{key}[{index}]"), value))
}

/// Whether the pods are meant to run until someone stops them, as those of Deployments are.
fn is_long_running(object: &Object<'_>, pod: &PodTemplate<'_>) -> bool {
    match (object.group, object.kind) {
        ("batch", _) | ("", "PodTemplate") => false,
        _ => !matches!(pod.spec.str_at("restartPolicy"), Some("Never" | "OnFailure")),
    }
}

/// Whether the object is a pod that the control plane's own machinery runs: a static pod of a component.
fn is_component(pod: &PodTemplate<'_>) -> bool {
    pod.containers().any(|container| crate::checks::scopes::program(&container).is_some())
}
