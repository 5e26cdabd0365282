//! ValidatingAdmissionPolicy and MutatingAdmissionPolicy with their bindings: loaded strictly, compiled once and
//! evaluated as kube-apiserver evaluates them.
//!
//! ```text
//! documents ─load─► PolicySpec, BindingSpec ─compile─► PolicySet
//! Request + Facts ─┬─ PolicySet::mutate ───► the object as policies change it
//!                  └─ PolicySet::evaluate ─► Verdict per policy, binding and parameter object
//! ```
//!
//! In scope: everything that the API server's two admission plugins decide, in their words: which documents are
//! refused, what matches, parameters, costs, messages, audit annotations, patches, reinvocation and the type
//! checking of `status.typeChecking`.
//!
//! Out of scope: the expression language (`cel`), requests and facts ([`crate::admission`]).

pub(crate) mod activation;
mod budgets;
pub(crate) mod compile;
mod environment;
pub(crate) mod evaluate;
mod issue;
pub mod limits;
mod load;
mod mutate;
mod params;
mod response;
mod schema_types;
pub(crate) mod server_made;
mod set;
mod spec;
pub(crate) mod static_cost;
pub(crate) mod trace;
mod type_check;
pub(crate) mod validate;

pub use budgets::Budgets;
pub use issue::{Level, LoadIssue};
pub use mutate::{Mutated, MutationStep, Outcome};
pub use response::{Response, forbidden, refusal, warning};
pub use set::{LoadOptions, PolicySet};
pub use spec::{
    Action, BindingSpec, Flavour, Mutation, Named, ParamKind, ParamRef, PatchType, PolicySpec, Source, Validation,
};
pub use static_cost::ExpressionCost;
pub use trace::{Explained, Part, Step};
pub use type_check::TypeWarning;
