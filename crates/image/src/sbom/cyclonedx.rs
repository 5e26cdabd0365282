//! CycloneDX: writing 1.6 and 1.7 in JSON, reading all versions in JSON and XML, validating 1.2 to 1.7 in JSON.

mod pattern;
mod place;
mod read;
mod structure;
mod validate;
mod write;
mod xml;

pub use place::locate;
pub(super) use read::read;
pub use validate::{FAULTS_MAX, Fault, validate};
pub use write::{Version, write};
pub(super) use xml::{is_one as is_xml, read as read_xml};

/// Whether a text is an identifier of the license list that the schemas refer to, letter by letter.
pub(super) fn license_id(text: &str) -> bool {
    let listed = spdx::license_id(text).is_some_and(|license| license.name == text)
        || spdx::exception_id(text).is_some_and(|exception| exception.name == text);
    listed && !NEWER_LICENSES.contains(&text)
}

/// Identifiers that the license list knows and the list of CycloneDX does not yet.
const NEWER_LICENSES: &[&str] = &[
    "BSD-2-Clause-pos-unchanged",
    "BSD-3-Clause-OpenWebUI",
    "BSD-Source-Code-no-disclaimer",
    "BSD-Source-alt-GPL",
    "BSD-ask-to-endorse",
    "Brian-Gladman-3-Clause-no-conversion",
    "Bugroff",
    "CC-BY-NC-3.0-IGO",
    "FDK-MPEG-H",
    "GFDL-1.1-invariants",
    "GFDL-1.1-no-invariants",
    "GFDL-1.2-invariants",
    "GFDL-1.2-no-invariants",
    "GFDL-1.3-invariants",
    "GFDL-1.3-no-invariants",
    "Google-Patent-WebM",
    "Hippocratic-3.0-core",
    "Informatica",
    "MVT-1.1",
    "NOASSERTION",
    "Spelling-Provider-LGPL-exception",
    "atc-game",
];
