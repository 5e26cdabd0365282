//! The distribute phase: where images and advisories come from, and what is done with them.
//!
//! In scope: the registry client, images in folders, archives and stores, the scan of an image with its threads and its
//! cache, updates of the advisory database, the index of a fleet's bills of materials.
//!
//! Out of scope: what the bytes mean (`image`, `advisory`), the command line and the reports (`cli`).

pub mod advisories;
pub mod cache;
pub mod credentials;
pub mod registry;
pub mod scan;
pub mod source;
mod tls;
pub mod webhook;

pub mod feeds;
pub mod fleet;
