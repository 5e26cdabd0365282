//! Checks on the manifest itself: fields the API server ignores or refuses, removed API versions.

pub mod apis;
mod confusable;
pub mod fields;
pub mod leftovers;
pub(crate) mod path;
pub mod suppression;
pub mod volumes;

use crate::check::ObjectCheck;

/// Checks on single objects.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] =
    &[apis::CHECK, fields::CHECK, leftovers::CHECK, suppression::CHECK, volumes::CHECK, volumes::PERSISTENT_CHECK];
