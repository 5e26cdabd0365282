//! Where a value comes from.

use std::sync::Arc;

/// A path from a variable to the value of a node, for example `self`, `spec`, `containers`, `@items`. Steps
/// are names of fields, `@items`, `@keys`, `@values` and `@indices`. Empty if the value does not come from a
/// variable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(Option<Arc<[Arc<str>]>>);

impl Path {
    /// A path that begins here.
    pub(super) fn root(name: &Arc<str>) -> Path {
        Path(Some(Arc::new([name.clone()])))
    }

    /// One step further. A path that gets too long leads nowhere: no schema is that deep.
    pub(super) fn step(&self, name: &Arc<str>) -> Path {
        let steps = self.steps();
        if steps.len() >= STEPS_MAX {
            return Path(Some(Arc::new(["".into()])));
        }
        Path(Some(steps.iter().chain(std::iter::once(name)).cloned().collect()))
    }

    /// The steps.
    pub fn steps(&self) -> &[Arc<str>] {
        self.0.as_deref().unwrap_or_default()
    }
}

/// Steps of a path. Schemas of Kubernetes nest some fifteen levels deep; copying longer paths node by node
/// would make the estimate quadratic.
const STEPS_MAX: usize = 64;
