//! The cost model: what an expression may cost at most and at least, and what a call did cost.
//!
//! Units are those of cel-go and kube-apiserver, and so is the arithmetic: unsigned 64-bit numbers that stop
//! at the largest one. Costs of one step of an evaluation:
//!
//! | step | cost |
//! |---|---|
//! | literal | 0 |
//! | variable, constant name | [`IDENT`] |
//! | each field or index of a chain that begins with a variable | [`SELECT`] |
//! | `has(a.b)` | that of `a` and nothing for the test |
//! | call | what [`actual()`] says, after its arguments |
//! | `&&`, `\|\|`, `?:` | 0 besides the operands that were evaluated |
//! | list, map, message literal | [`LIST`], [`MAP`], [`STRUCT`] |
//! | comprehension | its parts as often as they were evaluated |

mod actual;
mod calls;
mod estimate;
mod kubernetes;
mod path;
mod range;
mod sizes;

pub use actual::{Actual, actual};
pub use estimate::estimate;
pub use path::Path;
pub use range::{CostRange, Range, SizeRange};
pub use sizes::{NoSizes, Sizes};

/// Cost of a variable.
pub const IDENT: u64 = 1;
/// Cost of a field or an index.
pub const SELECT: u64 = 1;
/// Cost of a list literal besides its elements.
pub const LIST: u64 = 10;
/// Cost of a map literal besides its entries.
pub const MAP: u64 = 30;
/// Cost of a message literal besides its fields.
pub const STRUCT: u64 = 40;
/// Cost of looking at one code point or byte of a text.
pub const TRAVERSAL: f64 = 0.1;
/// Cost of one code point of a pattern, for every unit that walking through the text costs.
pub const PATTERN: f64 = 0.25;
/// Cost of asking the authorizer: two questions fit into the budget of an expression.
pub const AUTHORIZER_CHECK: u64 = 350_000;
/// Length that patterns of named formats are taken to have.
pub const FORMAT_PATTERN_SIZE: u64 = 128;
/// Length that names of formats may have.
pub const FORMAT_NAME_SIZE: u64 = 64;

#[cfg(test)]
mod tests;
