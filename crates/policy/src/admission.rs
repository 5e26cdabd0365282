//! What users' own policies judge: a request to the API server, and what is known about the cluster.
//!
//! A request is read from an AdmissionReview or made from a manifest, as if it were about to be created.
//! Whatever nobody gave stays unknown: a policy that asks for it has no verdict, and says what is missing.

pub mod authorizer;
pub mod defaults;
pub mod facts;
pub mod manifest;
mod manifest_request;
pub mod matching;
pub mod request;
pub mod resources;
pub mod review;
pub mod selector;
pub(crate) mod server_made;
mod typed;
pub mod verdict;

pub use self::manifest::{Manifest, named_resource};
pub use authorizer::RbacAuthorizer;
pub use facts::{Facts, Lookup};
pub use manifest_request::Sending;
pub use matching::{Match, MatchIndex, MatchResources};
pub use request::{Kind, Operation, Request, Resource, UserInfo};
pub use review::{RequestError, is_review};
pub use selector::{LabelSet, Selector, Selects};
pub use verdict::{Actions, PolicyKind, Ruling, Verdict, Violation};
