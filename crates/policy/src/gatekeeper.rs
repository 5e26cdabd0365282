//! Gatekeeper's documents, evaluated as Gatekeeper evaluates them.
//!
//! ```text
//! documents ─load─► Library (templates compiled, constraints checked) ─evaluate─► Verdict per constraint
//! suite.yaml ─run─► the same library, case by case
//! ```
//!
//! In scope: ConstraintTemplates in Rego and in CEL, constraints with their match and enforcement actions, the
//! review and the inventory that templates see, test suites, mutators. Templates cannot call out: what is not known to be
//! harmless is refused when it is loaded.
//!
//! Out of scope: the language Rego itself (the crate `regorus`), CEL (`cel`), requests and facts
//! ([`crate::admission`]), reading files.

mod constraint;
mod convert;
mod library;
mod matching;
pub mod mutation;
mod native;
mod rego;
mod report;
mod review;
mod schema;
pub mod suite;
mod template;

pub use constraint::Point;
pub use convert::{Conversion, Left};
pub use library::{Library, Options, Setting};
pub use matching::Source;
pub use rego::Inventory;
pub use template::Preference;

#[cfg(test)]
mod tests;
