//! Extension libraries: those that come with CEL and those of Kubernetes.
//!
//! Each is a table of declarations with the implementation beside it. Identifiers of overloads are those of
//! the originals, because the cost model is keyed by them.

mod arguments;
mod encoders;
mod lists;
mod math;
pub mod pattern;
mod sets;
mod strings;

pub use encoders::encoders;
pub use lists::lists;
pub use math::math;
pub use sets::sets;
pub use strings::strings;
