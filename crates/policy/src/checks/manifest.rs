//! Checks on the manifest itself: fields the API server ignores or refuses, removed API versions.

use crate::check::ObjectCheck;

/// Checks on single objects.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[];
