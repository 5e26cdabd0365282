//! How large values may be that an expression is given.

use crate::cost::{Path, SizeRange};
use crate::types::Type;

/// Knows limits of sizes, for example from a schema.
pub trait Sizes {
    /// Size of the value at a path, `None` if nothing is known. The path is empty for values that do not come
    /// from a variable; their type may say something about their size.
    fn size(&self, path: &Path, of: &Type) -> Option<SizeRange>;

    /// Whether `has(a.b)` costs one unit. It is free in kube-apiserver.
    fn presence_has_cost(&self) -> bool {
        false
    }
}

/// Knows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSizes;

impl Sizes for NoSizes {
    fn size(&self, _path: &Path, _of: &Type) -> Option<SizeRange> {
        None
    }
}
