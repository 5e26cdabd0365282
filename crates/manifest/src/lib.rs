//! Kubernetes objects from YAML and JSON, read as kube-apiserver reads them, with the place of every field.
//!
//! In scope: decoding bytes to text, splitting into documents, the YAML 1.1 reading of scalars,
//! merge keys, aliases, duplicate keys and the readings they allow, objects and lists, pod templates
//! wherever they are embedded, the [`schema`] of the built-in kinds, and the [`Inventory`] of facts that
//! checks across objects need.
//!
//! Out of scope: opening files (`cli`), deciding what is wrong (`policy`).
//!
//! Every limit on outside input is in [`limits`].

pub mod base64;
mod breaks;
pub mod build;
pub mod decode;
pub mod inventory;
mod json;
pub mod limits;
pub mod object;
pub mod pod;
mod readings;
mod scalar;
pub mod schema;
mod split;
pub mod stream;
pub mod tree;
mod yaml;

pub use build::{BuildError, Draft, Step, TreeBuilder};
pub use inventory::Inventory;
pub use object::Object;
pub use pod::{Container, ContainerKind, PodTemplate};
pub use readings::Reading;
pub use stream::{Document, ReadError, documents, json_document};
pub use tree::{Data, Key, Tree, Value};
