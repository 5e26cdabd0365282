//! Checks on identities and what they may do: RBAC, service accounts, certificate requests.

use crate::check::{InventoryCheck, ObjectCheck};

/// Checks on single objects.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[];

/// Checks across objects.
pub(crate) const INVENTORY_CHECKS: &[InventoryCheck] = &[];
