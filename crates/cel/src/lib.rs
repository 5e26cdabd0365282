//! The Common Expression Language as kube-apiserver speaks it: parsed, type-checked, priced, compiled once
//! and evaluated over documents in place.
//!
//! ```text
//! source ─parser─► Ast ─checker─► Checked ─plan─► Program ─eval(Activation)─► Value | Fault
//!                                    └─cost::estimate─► CostRange
//! ```
//!
//! An [`Env`] says which variables, functions, macros and types an expression may use. It is made of
//! [`Library`] tables: declarations with their types and, beside each, its implementation. Documents enter
//! as [`manifest::Value`] and are read where they lie; integers of JSON are `int`.
//!
//! **In scope:** the language, its extensions and the libraries of kube-apiserver; types, cost, budgets and
//! cancellation.
//!
//! **Out of scope:** what is evaluated when and what follows from it, and the values of `request` and
//! `authorizer` (crate `policy`); reading documents (crate `manifest`).
//!
//! Evaluation has three ends besides a value ([`Fault`]): an error of the expression, a fact that is not
//! known, or a budget that is spent. `&&`, `||`, `all` and `exists` absorb the first two as CEL says.

pub mod ast;
pub mod checker;
pub mod context;
pub mod cost;
pub mod decl;
mod eval;
pub mod fault;
pub mod issues;
mod lexer;
pub mod library;
mod parser;
pub mod plan;
pub mod standard;
pub mod types;
pub mod value;

pub use ast::{Ast, Expr, ExprKind, Span};
pub use checker::{Checked, Reference, check};
pub use context::{Activation, Budget, Context};
pub use decl::{Env, Function, Library, Overload, Rules};
pub use fault::{Fact, Fault};
pub use issues::{Issue, Issues};
pub use parser::{is_reserved, parse};
pub use plan::Program;
pub use types::Type;
pub use value::Value;
