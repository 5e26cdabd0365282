//! What an image holds: packages, secrets, hardening, and the bill of materials made of them.
//!
//! In scope: names of images, manifests and configurations of OCI and Docker, the walk through the tar stream of a layer
//! with its digests, the cataloguers that read package databases and lock files, the fold of layers into one file system,
//! secrets, checks of image configurations and Containerfiles, CycloneDX and SPDX in and out.
//!
//! Out of scope: opening files, talking to registries, caches, threads (`distribute`), vulnerabilities (`advisory`).
//! Nothing in this crate opens a file or asks for the time; bytes come through `std::io::Read`.

pub mod archive;
pub mod catalog;
pub mod compression;
pub mod config;
pub mod containerfile;
pub mod cpe;
pub mod document;
pub mod eol;
pub mod executable;
pub mod facts;
pub mod fold;
pub mod hardening;
pub mod layer;
pub mod license;
pub mod limits;
pub mod malware;
pub mod manifest;
pub mod observation;
pub mod path;
pub mod reference;
pub mod sbom;
pub mod scanner;
pub mod secrets;
pub mod tar;

/// All rules of this crate.
pub fn rules() -> impl Iterator<Item = &'static model::Rule> {
    hardening::RULES.iter().chain(containerfile::RULES).copied()
}
