//! Checks on namespaces and the limits set on them.

pub mod namespaces;
pub mod priority;
pub mod quotas;

use model::Scope;

use crate::check::{InventoryCheck, ObjectCheck};

/// Checks on single objects.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[
    ObjectCheck { scope: Scope::Namespace, rules: namespaces::RULES, run: namespaces::check },
    ObjectCheck { scope: Scope::Quota, rules: &[&quotas::LIMIT_RANGE_INCOMPLETE], run: quotas::limit_range },
    ObjectCheck { scope: Scope::Object, rules: priority::RULES, run: priority::check },
];

/// Checks across objects.
pub(crate) const INVENTORY_CHECKS: &[InventoryCheck] = &[InventoryCheck { rules: quotas::RULES, run: quotas::check }];

/// Namespaces that the cluster itself brings.
pub(crate) fn is_system_namespace(name: &str) -> bool {
    matches!(name, "kube-system" | "kube-public" | "kube-node-lease")
}

#[cfg(test)]
mod tests;
