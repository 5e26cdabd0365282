//! Checks on the admission chain: webhooks and admission policies.

use crate::check::ObjectCheck;

/// Checks on single objects.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[];
