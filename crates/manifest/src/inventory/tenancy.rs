//! Facts about namespaces, workloads and the limits set on them.

use super::{Labels, Origin, Selector};
use crate::object::Object;
use crate::pod::{ContainerKind, PodTemplate};
use crate::tree::Value;

/// A Namespace.
#[derive(Clone, Debug)]
pub struct Namespace {
    /// The object.
    pub origin: Origin,
    /// Labels.
    pub labels: Labels,
}

/// Something with a pod template.
#[derive(Clone, Debug)]
pub struct Workload {
    /// The object.
    pub origin: Origin,
    /// Labels of the pods.
    pub pod_labels: Labels,
    /// `spec.serviceAccountName`, `default` when not given.
    pub service_account: Box<str>,
    /// `spec.automountServiceAccountToken`.
    pub automount: Option<bool>,
    /// `spec.hostNetwork`.
    pub host_network: bool,
    /// `spec.replicas` of the controller.
    pub replicas: Option<i64>,
    /// `spec.runtimeClassName`.
    pub runtime_class: Option<Box<str>>,
    /// Where the pod spec stands.
    pub pod: model::Location,
    /// Path of the pod spec from the object's root.
    pub path: Box<str>,
    /// Containers without some request or limit of their own.
    pub unbounded: Box<[UnboundedContainer]>,
}

/// A container that leaves requests or limits to the defaults of its namespace.
#[derive(Clone, Debug)]
pub struct UnboundedContainer {
    /// Where it stands.
    pub location: model::Location,
    /// The list that it stands in.
    pub kind: ContainerKind,
    /// Position in that list.
    pub index: u32,
    /// Name.
    pub name: Box<str>,
    /// It has no memory limit.
    pub memory_limit: bool,
    /// It has no CPU limit.
    pub cpu_limit: bool,
    /// It has no CPU request and no CPU limit, which a request would be taken from.
    pub cpu_request: bool,
}

/// A PodDisruptionBudget.
#[derive(Clone, Debug)]
pub struct DisruptionBudget {
    /// The object.
    pub origin: Origin,
    /// `spec.selector`.
    pub pods: Selector,
}

/// A ResourceQuota.
#[derive(Clone, Debug)]
pub struct ResourceQuota {
    /// The object.
    pub origin: Origin,
    /// Keys of `spec.hard`.
    pub hard: Box<[Box<str>]>,
    /// Whether `spec.scopes` or `spec.scopeSelector` limit it to some pods.
    pub scoped: bool,
}

/// A LimitRange.
#[derive(Clone, Debug)]
pub struct LimitRange {
    /// The object.
    pub origin: Origin,
    /// Whether a `Container` entry sets a default memory limit, which a maximum does too.
    pub default_memory: bool,
    /// Whether a `Container` entry sets a default CPU limit, which a maximum does too.
    pub default_cpu: bool,
    /// Whether a `Container` entry sets a default CPU request; any other setting of CPU does.
    pub default_cpu_request: bool,
}

/// A StorageClass.
#[derive(Clone, Debug)]
pub struct StorageClass {
    /// The object.
    pub origin: Origin,
    /// `provisioner`.
    pub provisioner: Box<str>,
    /// Whether it is annotated as the default class.
    pub default: bool,
}

/// A PersistentVolumeClaim.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The object.
    pub origin: Origin,
    /// `spec.storageClassName`; `None` asks for the default class, an empty one for no class.
    pub class: Option<Box<str>>,
    /// Whether the claim names the volume it wants.
    pub names_volume: bool,
}

/// A PeerAuthentication.
#[derive(Clone, Debug)]
pub struct MeshPolicy {
    /// The object.
    pub origin: Origin,
    /// `spec.mtls.mode`, empty when not given.
    pub mode: Box<str>,
    /// Whether it selects single workloads.
    pub selects_pods: bool,
}

impl Namespace {
    pub(super) fn of(object: &Object<'_>) -> Self {
        Namespace {
            origin: Origin::of(object),
            labels: Labels::of(object.metadata.and_then(|metadata| metadata.get("labels"))),
        }
    }
}

impl Workload {
    pub(super) fn of(object: &Object<'_>, pod: &PodTemplate<'_>) -> Self {
        Workload {
            origin: Origin::of(object),
            pod_labels: Labels::of(pod.metadata.and_then(|metadata| metadata.get("labels"))),
            service_account: pod.service_account().into(),
            automount: pod.spec.bool_at("automountServiceAccountToken"),
            host_network: pod.spec.bool_at("hostNetwork").unwrap_or(false),
            replicas: object.spec().and_then(|spec| spec.i64_at("replicas")),
            runtime_class: pod.spec.str_at("runtimeClassName").map(Into::into),
            pod: pod.spec.location(),
            path: pod.path.clone(),
            unbounded: unbounded(pod).collect(),
        }
    }
}

/// Containers without some request or limit. Ephemeral ones may not have any.
fn unbounded<'d>(pod: &PodTemplate<'d>) -> impl Iterator<Item = UnboundedContainer> + use<'d> {
    let whole = pod.spec.get("resources");
    pod.containers().filter(|container| container.kind != ContainerKind::Ephemeral).filter_map(move |container| {
        let own = container.value.get("resources");
        let sets = |list: &str, resource: &str| {
            [own, whole].into_iter().flatten().any(|level| level.path(&[list, resource]).is_some())
        };
        let memory_limit = !sets("limits", "memory");
        let cpu_limit = !sets("limits", "cpu");
        let cpu_request = cpu_limit && !sets("requests", "cpu");
        (memory_limit || cpu_limit).then(|| UnboundedContainer {
            location: container.value.location(),
            kind: container.kind,
            index: u32::try_from(container.index).unwrap_or(u32::MAX),
            name: container.name().into(),
            memory_limit,
            cpu_limit,
            cpu_request,
        })
    })
}

impl DisruptionBudget {
    pub(super) fn of(object: &Object<'_>) -> Self {
        DisruptionBudget {
            origin: Origin::of(object),
            pods: Selector::of(object.spec().and_then(|spec| spec.get("selector"))),
        }
    }
}

impl ResourceQuota {
    pub(super) fn of(object: &Object<'_>) -> Self {
        let hard = object.spec().and_then(|spec| spec.get("hard")).into_iter().flat_map(Value::entries);
        ResourceQuota {
            origin: Origin::of(object),
            hard: hard.filter_map(|(key, _)| Some(key.as_str()?.into())).collect(),
            scoped: object.spec().is_some_and(|spec| {
                ["scopes", "scopeSelector"].iter().any(|key| spec.get(key).is_some_and(|value| !value.is_empty()))
            }),
        }
    }
}

impl LimitRange {
    pub(super) fn of(object: &Object<'_>) -> Self {
        // The API server takes a missing default from the maximum, and a missing default request from
        // the default, else the minimum.
        let sets = |resource: &str, keys: &[&str]| {
            object.spec().into_iter().flat_map(|spec| spec.list("limits")).any(|limit| {
                limit.str_at("type") == Some("Container")
                    && keys.iter().any(|key| limit.path(&[key, resource]).is_some())
            })
        };
        LimitRange {
            origin: Origin::of(object),
            default_memory: sets("memory", &["default", "max"]),
            default_cpu: sets("cpu", &["default", "max"]),
            default_cpu_request: sets("cpu", &["defaultRequest", "default", "max", "min"]),
        }
    }
}

impl StorageClass {
    pub(super) fn of(object: &Object<'_>) -> Self {
        StorageClass {
            origin: Origin::of(object),
            provisioner: object.value.str_at("provisioner").unwrap_or("").into(),
            default: object.annotation("storageclass.kubernetes.io/is-default-class") == Some("true"),
        }
    }
}

impl Claim {
    pub(super) fn of(object: &Object<'_>) -> Self {
        let text = |key| object.spec().and_then(|spec| spec.str_at(key));
        let beta = object.annotation("volume.beta.kubernetes.io/storage-class");
        Claim {
            origin: Origin::of(object),
            class: beta.or_else(|| text("storageClassName")).map(Into::into),
            names_volume: text("volumeName").is_some_and(|name| !name.is_empty()),
        }
    }
}

impl MeshPolicy {
    pub(super) fn of(object: &Object<'_>) -> Self {
        let spec = object.spec();
        MeshPolicy {
            origin: Origin::of(object),
            mode: spec.and_then(|spec| spec.get("mtls")).and_then(|mtls| mtls.str_at("mode")).unwrap_or("").into(),
            selects_pods: spec.is_some_and(|spec| spec.get("selector").is_some()),
        }
    }
}
