//! The Pod Security Standards, natively.

use crate::check::ObjectCheck;

/// How the Pod Security Standards are applied.
#[derive(Clone, Debug, Default)]
pub struct Standard {}

/// The check on workloads.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[];
