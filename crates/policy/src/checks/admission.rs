//! Checks on the admission chain: webhooks and admission policies.

pub mod policy;
pub mod reach;
pub mod webhook;
pub mod wiring;

mod matching;

use crate::check::{InventoryCheck, ObjectCheck};

/// Checks on single objects.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[policy::CHECK, reach::CHECK, webhook::CHECK];

/// Checks across objects.
pub(crate) const INVENTORY_CHECKS: &[InventoryCheck] = &[wiring::CHECK];
