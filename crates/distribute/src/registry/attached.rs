//! Bills of materials that somebody attached to an image in its registry.

use std::io::Read;
use std::sync::Arc;

use image::document;
use image::manifest::MANIFEST_BYTES_MAX;
use image::reference::Reference;
use model::digest::Digest;
use serde_json::Value;

use super::{Client, RegistryError, blob};
use crate::source::store::digest_of;

/// A document that is attached to an image, verified by the digest that its manifest names. Nobody but who could write to
/// the repository vouches for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// Digest of the manifest that attaches it.
    pub manifest: Digest,
    /// Digest of the document.
    pub digest: Digest,
    /// The document.
    pub bytes: Vec<u8>,
}

impl Client {
    /// Bills of materials in CycloneDX or SPDX that refer to the manifest `digest` in the repository of `name`: by the
    /// referrers API, or by the tag `sha256-….sbom` that came before it. At most `ATTACHED_MAX` (8).
    ///
    /// # Errors
    /// Where one is announced and cannot be had; none is an empty list.
    pub fn bills(&self, name: &Reference, digest: &Digest) -> Result<Vec<Attached>, RegistryError> {
        let referrers = self.referrers(name, digest)?;
        let bills = referrers.iter().filter(|referrer| is_bill(&referrer.artifact_type)).take(ATTACHED_MAX);
        let mut found = Vec::new();
        for referrer in bills {
            let fetched = self.fetch(name, referrer.digest.as_str(), false)?;
            self.documents(name, &fetched.digest, &fetched.bytes, &mut found)?;
        }
        if found.is_empty() {
            let tag = format!("{}.sbom", digest.as_str().replace(':', "-"));
            match self.fetch(name, &tag, false) {
                Ok(fetched) => self.documents(name, &fetched.digest, &fetched.bytes, &mut found)?,
                Err(RegistryError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// The documents that are the layers of an artifact.
    fn documents(
        &self,
        name: &Reference,
        manifest: &Digest,
        bytes: &[u8],
        found: &mut Vec<Attached>,
    ) -> Result<(), RegistryError> {
        let unreadable = || RegistryError::List(manifest.as_str().into());
        let map = document::object(bytes, MANIFEST_BYTES_MAX, &["layers"]).map_err(|_| unreadable())?;
        let layers = map.get("layers").and_then(Value::as_array).ok_or_else(unreadable)?;
        for layer in layers.iter().take(ATTACHED_MAX) {
            if !layer.get("mediaType").and_then(Value::as_str).is_some_and(is_bill) {
                continue;
            }
            let digest: Digest = layer
                .get("digest")
                .and_then(Value::as_str)
                .and_then(|text| text.parse().ok())
                .ok_or_else(unreadable)?;
            let size = layer.get("size").and_then(Value::as_u64).ok_or_else(unreadable)?;
            let held: usize = found.iter().map(|bill| bill.bytes.len()).sum();
            if found.len() >= ATTACHED_MAX || found.iter().any(|bill| bill.digest == digest) {
                continue;
            }
            if size.saturating_add(held as u64) > BILL_BYTES_MAX {
                return Err(RegistryError::Large { origin: digest.as_str().into(), max: BILL_BYTES_MAX as usize });
            }
            let bytes = self.document(name, &digest, size)?;
            found.push(Attached { manifest: manifest.clone(), digest, bytes });
        }
        Ok(())
    }

    fn document(&self, name: &Reference, digest: &Digest, size: u64) -> Result<Vec<u8>, RegistryError> {
        let mut blob = blob::Blob::open(Arc::clone(&self.transport), name.clone(), false, digest, size)?;
        let mut bytes = Vec::new();
        let broken = |error: std::io::Error| RegistryError::Connection {
            origin: name.registry().into(),
            why: error.to_string().into(),
        };
        blob.read_to_end(&mut bytes).map_err(broken)?;
        let actual = digest_of(digest.algorithm(), &bytes);
        match actual == *digest {
            true => Ok(bytes),
            false => {
                Err(RegistryError::Digest { origin: name.registry().into(), named: digest.as_str().into(), actual })
            }
        }
    }
}

fn is_bill(media_type: &str) -> bool {
    let text = media_type.to_ascii_lowercase();
    text.contains("cyclonedx") || text.contains("spdx")
}

/// Builds attach one or two; a flood of them must not make an image costly to look at.
const ATTACHED_MAX: usize = 8;
/// All of one image together. The largest bills known have some ten megabytes.
const BILL_BYTES_MAX: u64 = 64 << 20;
