//! Checks on command lines and configuration files of cluster components.

use crate::check::ObjectCheck;

/// Checks on single objects.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[];
