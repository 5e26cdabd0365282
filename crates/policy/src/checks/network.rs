//! Checks on traffic: NetworkPolicy coverage, Services, Ingress and Gateway, service meshes.

pub mod cluster_policy;
pub mod coverage;
pub mod gateway;
pub mod ingress;
pub mod istio;
pub mod linkerd;
pub mod mesh_coverage;
pub mod mesh_routing;
pub mod policy;
pub mod service;
pub mod sidecar;
pub mod telemetry;

mod cidr;
mod selection;

use crate::check::{InventoryCheck, ObjectCheck};

/// Checks on single objects.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[
    cluster_policy::CHECK,
    gateway::CHECK,
    ingress::CHECK,
    istio::CHECK,
    linkerd::CHECK,
    linkerd::NAMESPACE_CHECK,
    linkerd::POD_CHECK,
    mesh_routing::CHECK,
    mesh_routing::CONFIG_CHECK,
    policy::CHECK,
    service::CHECK,
    sidecar::CHECK,
    sidecar::NAMESPACE_CHECK,
    telemetry::SCRAPE_CHECK,
    telemetry::SERVICE_CHECK,
    telemetry::INGRESS_CHECK,
];

/// Checks across objects.
pub(crate) const INVENTORY_CHECKS: &[InventoryCheck] =
    &[coverage::CHECK, gateway::REDIRECT_CHECK, mesh_coverage::CHECK, service::TARGET_CHECK];

/// The label that the API server itself puts on every namespace; nobody can give it another value.
pub(crate) const NAMESPACE_NAME_LABEL: &str = "kubernetes.io/metadata.name";
