//! A database in one file for machines without a network: what it is and its digests, then the packed database.
//!
//! Layout: a line `KOBUK-ADVISORIES 1`, a line of JSON (the [`Manifest`]), the database packed by Zstandard. A signature, when
//! one is wanted, is Ed25519 over all bytes of the file and stands beside it.

use std::io::Read;

use advisory::database::{Content, Database, DatabaseError};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine;
use model::digest::hex;
use serde::{Deserialize, Serialize};

/// What a bundle says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// When the database was made; seconds since 1970.
    pub made_unix: i64,
    /// How many advisories it has.
    pub records: u64,
    /// Its sources.
    pub sources: Vec<BundledSource>,
    /// Length and digest of the database.
    pub database: Piece,
    /// Length and digest of what follows the manifest.
    pub packed: Piece,
}

/// A source of a bundled database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundledSource {
    /// Its name.
    pub name: String,
    /// When it was made, or fetched where it does not say; seconds since 1970.
    pub made_unix: i64,
    /// Licence of its data.
    pub license: String,
}

/// Bytes by their length and digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// How many.
    pub length: u64,
    /// SHA-256 in hexadecimal digits.
    pub sha256: String,
}

/// Why a bundle is refused.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Something else, or another version.
    #[error("this is no bundle of advisories, or one of another version")]
    NotABundle,
    /// The manifest.
    #[error("the manifest of the bundle cannot be read")]
    Manifest(#[from] serde_json::Error),
    /// Bytes that are not those of the manifest.
    #[error("the bundle is damaged: {what} is not what its manifest says")]
    Damaged {
        /// Which.
        what: &'static str,
    },
    /// Packing or unpacking.
    #[error("the bundle cannot be packed or unpacked")]
    Packing(#[source] std::io::Error),
    /// The database in it, or the one that it should be made of.
    #[error("the database of the bundle is refused")]
    Database(#[from] DatabaseError),
    /// The key.
    #[error("the key is no public key of Ed25519 in PEM; `openssl pkey -in KEY -pubout` gives one")]
    Key,
    /// The signature is not one of these bytes by that key.
    #[error("the signature of the bundle is wrong")]
    Signature,
}

/// Makes a bundle of the bytes of a database, which are verified first.
pub fn bundle(bytes: &[u8]) -> Result<Vec<u8>, BundleError> {
    let content = Content::new(bytes);
    let database = Database::open(&content)?;
    database.verify()?;
    let packed = zstd::encode_all(bytes, LEVEL).map_err(BundleError::Packing)?;
    let sources = database.sources()?.into_iter().map(|source| BundledSource {
        name: source.name.into(),
        made_unix: source.made_unix.unwrap_or(source.fetched_unix),
        license: source.license.into(),
    });
    let manifest = Manifest {
        made_unix: database.made_unix(),
        records: database.len(),
        sources: sources.collect(),
        database: Piece::of(bytes),
        packed: Piece::of(&packed),
    };
    let mut out = MAGIC.to_vec();
    serde_json::to_writer(&mut out, &manifest)?;
    out.push(b'\n');
    out.extend_from_slice(&packed);
    Ok(out)
}

/// The database of a bundle, after all digests were compared, and what the bundle says of itself.
pub fn unbundle(bytes: &[u8]) -> Result<(Vec<u8>, Manifest), BundleError> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(BundleError::NotABundle)?;
    let head = rest.get(..rest.len().min(MANIFEST_MAX)).unwrap_or_default();
    let end = head.iter().position(|byte| *byte == b'\n').ok_or(BundleError::NotABundle)?;
    let (manifest, packed) = rest.split_at(end);
    let manifest: Manifest = serde_json::from_slice(manifest)?;
    let packed = packed.get(1..).unwrap_or_default();
    if Piece::of(packed) != manifest.packed {
        return Err(BundleError::Damaged { what: "the packed database" });
    }
    let mut database = Vec::new();
    let decoder = zstd::Decoder::new(packed).map_err(BundleError::Packing)?;
    decoder
        .take(manifest.database.length.saturating_add(1))
        .read_to_end(&mut database)
        .map_err(BundleError::Packing)?;
    if Piece::of(&database) != manifest.database {
        return Err(BundleError::Damaged { what: "the database" });
    }
    Ok((database, manifest))
}

/// Compares a signature, the 64 bytes of Ed25519, with a bundle. `key` is a public key in PEM.
pub fn verify_signature(bytes: &[u8], signature: &[u8], key: &str) -> Result<(), BundleError> {
    let body: String = key.lines().map(str::trim).filter(|line| !line.starts_with("-----")).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(body).map_err(|_| BundleError::Key)?;
    let raw = der.strip_prefix(&SPKI_ED25519).filter(|raw| raw.len() == 32).ok_or(BundleError::Key)?;
    UnparsedPublicKey::new(&ED25519, raw).verify(bytes, signature).map_err(|_| BundleError::Signature)
}

impl Piece {
    fn of(bytes: &[u8]) -> Self {
        Self { length: bytes.len() as u64, sha256: hex(digest(&SHA256, bytes).as_ref()) }
    }
}

const MAGIC: &[u8] = b"KOBUK-ADVISORIES 1\n";
/// Two hundred sources take some 20 KB.
const MANIFEST_MAX: usize = 1 << 20;
/// Packs 150 MB in about a second.
const LEVEL: i32 = 6;
/// What stands before the 32 bytes of a key in a SubjectPublicKeyInfo of Ed25519 (RFC 8410).
const SPKI_ED25519: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

#[cfg(test)]
mod tests {
    use advisory::database::Builder;
    use advisory::record::{Advisory, Source};
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

    use super::*;

    fn database() -> Vec<u8> {
        let mut builder = Builder::new();
        let source = builder.source(Source { name: "npm".into(), license: "MIT".into(), ..Source::default() });
        builder.add(source, &Advisory { id: "A".into(), ..Advisory::default() }).unwrap();
        builder.finish(42).unwrap()
    }

    #[test]
    fn a_bundle_gives_its_database_back_and_no_flipped_byte_does() {
        let bytes = bundle(&database()).unwrap();
        let (inner, manifest) = unbundle(&bytes).unwrap();
        assert_eq!((inner, manifest.made_unix, &*manifest.sources[0].name), (database(), 42, "npm"));
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 0x21;
            // What the manifest says for people only may differ; the database never does.
            assert!(unbundle(&damaged).map_or(true, |(inner, _)| inner == database()), "{place}");
            assert!(unbundle(&bytes[..place]).is_err(), "{place}");
        }
    }

    #[test]
    fn a_signature_holds_for_its_bytes_and_its_key_only() {
        let bytes = bundle(&database()).unwrap();
        let key = |seed: u8| Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let pem = |pair: &Ed25519KeyPair| {
            let der = [&SPKI_ED25519, pair.public_key().as_ref()].concat();
            let body = base64::engine::general_purpose::STANDARD.encode(der);
            format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
        };
        let signature = key(1).sign(&bytes);
        assert!(verify_signature(&bytes, signature.as_ref(), &pem(&key(1))).is_ok());
        assert!(matches!(verify_signature(&bytes, signature.as_ref(), &pem(&key(2))), Err(BundleError::Signature)));
        assert!(matches!(
            verify_signature(&bytes[1..], signature.as_ref(), &pem(&key(1))),
            Err(BundleError::Signature)
        ));
        assert!(matches!(verify_signature(&bytes, signature.as_ref(), "nonsense"), Err(BundleError::Key)));
    }
}
