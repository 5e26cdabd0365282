//! Checks on stored data: volumes, storage classes.

pub mod claims;
pub mod classes;
pub mod drivers;
mod encryption;
pub mod volumes;

use model::Scope;

use crate::check::{InventoryCheck, ObjectCheck};

/// Checks on single objects.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[
    ObjectCheck { scope: Scope::Volume, rules: volumes::RULES, run: volumes::check },
    ObjectCheck { scope: Scope::Volume, rules: &[&claims::SHARED], run: claims::check },
    ObjectCheck { scope: Scope::Workload, rules: volumes::NETWORK_RULES, run: volumes::inline },
    ObjectCheck { scope: Scope::StorageClass, rules: classes::RULES, run: classes::check },
    ObjectCheck { scope: Scope::StorageClass, rules: drivers::RULES, run: drivers::check },
];

/// Checks across objects.
pub(crate) const INVENTORY_CHECKS: &[InventoryCheck] = &[InventoryCheck { rules: claims::RULES, run: claims::classes }];

#[cfg(test)]
mod tests;
