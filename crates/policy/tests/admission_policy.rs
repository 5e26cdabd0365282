//! ValidatingAdmissionPolicies and MutatingAdmissionPolicies: what they say about requests, in the API server's
//! words, and which documents are refused.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "admission_policy/door.rs"]
mod door;
#[path = "admission_policy/loading.rs"]
mod loading;
#[path = "admission_policy/mutating.rs"]
mod mutating;
#[path = "admission_policy/typing.rs"]
mod typing;
#[path = "admission_policy/validating.rs"]
mod validating;
