//! The built-in checks, by what they look at.

pub mod access;
pub mod admission;
pub mod cluster;
pub mod exceptions;
pub mod manifest;
pub mod network;
pub mod scopes;
pub mod secrets;
pub mod storage;
pub mod tenancy;
pub mod workload;

use crate::check::{InventoryCheck, ObjectCheck};

/// Checks on single objects, by area.
pub(crate) const OBJECT_CHECKS: &[&[ObjectCheck]] = &[
    access::OBJECT_CHECKS,
    admission::OBJECT_CHECKS,
    exceptions::OBJECT_CHECKS,
    manifest::OBJECT_CHECKS,
    network::OBJECT_CHECKS,
    secrets::OBJECT_CHECKS,
    storage::OBJECT_CHECKS,
    tenancy::OBJECT_CHECKS,
    workload::OBJECT_CHECKS,
];

/// Checks across objects, by area.
pub(crate) const INVENTORY_CHECKS: &[&[InventoryCheck]] = &[
    access::INVENTORY_CHECKS,
    admission::INVENTORY_CHECKS,
    network::INVENTORY_CHECKS,
    storage::INVENTORY_CHECKS,
    tenancy::INVENTORY_CHECKS,
    workload::INVENTORY_CHECKS,
];
