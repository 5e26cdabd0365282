//! Checks on identities and what they may do: RBAC, service accounts, certificate requests.

pub mod accounts;
pub mod bindings;
pub mod certificates;
mod grant;
pub mod graph;
pub mod guards;
pub mod identity;
pub mod pods;
mod power;
mod reach;
pub mod roles;
pub mod secrets;

use crate::check::{InventoryCheck, ObjectCheck};

use model::Scope;

/// Checks on single objects.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[
    ObjectCheck { scope: Scope::Role, rules: roles::RULES, run: roles::check },
    ObjectCheck { scope: Scope::Role, rules: power::RULES, run: roles::powers },
    ObjectCheck { scope: Scope::RoleBinding, rules: bindings::RULES, run: bindings::check },
    ObjectCheck { scope: Scope::ServiceAccount, rules: accounts::RULES, run: accounts::check },
    ObjectCheck { scope: Scope::Secret, rules: &[&accounts::SECRET_IN_DEFAULT], run: accounts::secret },
    ObjectCheck { scope: Scope::Certificate, rules: certificates::RULES, run: certificates::check },
];

/// Checks across objects.
pub(crate) const INVENTORY_CHECKS: &[InventoryCheck] = &[InventoryCheck { rules: graph::RULES, run: graph::check }];

#[cfg(test)]
pub(crate) mod tests;
