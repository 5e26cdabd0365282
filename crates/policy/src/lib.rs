//! Judging: Kubernetes objects in, findings out.
//!
//! In scope: the Pod Security Standards ([`pod_security`]) and the built-in checks ([`checks`]), each a
//! triple of what a user may set (`cfg`, gathered in [`Config`]), a pure decision (`check`) and its codes
//! and words (`diags`); and the [`Engine`] that runs them over documents and folds the outcome.
//!
//! Out of scope: reading files and printing reports (`cli`), the YAML reading itself (`manifest`).
//! `policy` decides; it never opens files, calls out or reads the clock.

pub mod admission;
pub mod admission_policy;
pub mod check;
pub mod checks;
pub mod config;
pub mod docs;
pub mod engine;
pub mod exceptions;
pub mod export;
pub mod gatekeeper;
pub mod pod_security;
pub mod policies;
pub mod sink;
mod spelling;
pub mod test_table;
pub mod user_rules;

pub use check::{Context, InventoryCheck, ObjectCheck};
pub use config::Config;
pub use engine::{Engine, Outcome, Worker};
pub use sink::Sink;
