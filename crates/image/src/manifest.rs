//! Manifests and indexes of OCI, and Docker's equivalents.
//!
//! What is read here was verified by digest before, and still comes from whoever made the image. A document is either an
//! index or a manifest, never one that some readers take for the other; layers that this reader cannot judge (foreign,
//! encrypted, of unknown types) refuse the image with their names, for an image with a blind spot is not scanned.

pub mod platform;

use serde_json::{Map, Value};

use model::digest::{Digest, DigestError};

use crate::document::{self, DocumentError};
pub use platform::Platform;

/// An index or a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    /// Manifests of several platforms.
    Index(Index),
    /// One image.
    Manifest(Manifest),
}

/// `application/vnd.oci.image.index.v1+json` or Docker's manifest list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// What it lists, in order: manifests and further indexes. Attestations are not among them.
    pub manifests: Vec<Descriptor>,
    /// How many attestations were left out.
    pub attestations: usize,
}

/// `application/vnd.oci.image.manifest.v1+json` or Docker's manifest of schema 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The image configuration.
    pub config: Descriptor,
    /// Layers from the lowest up, at least one.
    pub layers: Vec<Descriptor>,
    /// Annotations in order, as they are.
    pub annotations: Annotations,
}

/// Keys and values in the order of the document.
pub type Annotations = Vec<(Box<str>, Box<str>)>;

/// A name of content: type, digest and size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// What it names.
    pub kind: MediaType,
    /// Digest of the bytes.
    pub digest: Digest,
    /// Size in bytes.
    pub size: u64,
    /// For which platform, where it is in an index.
    pub platform: Option<Platform>,
    /// `org.opencontainers.image.ref.name`, the tag in OCI layouts; else `io.containerd.image.name`'s.
    pub names: Vec<Box<str>>,
    /// Whether it says that the content lies elsewhere too. Those addresses are never asked.
    pub has_urls: bool,
}

/// Media types that images are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MediaType {
    /// An index or manifest list.
    Index,
    /// A manifest.
    Manifest,
    /// An image configuration.
    Config,
    /// A tar archive.
    Tar,
    /// A tar archive in gzip.
    TarGzip,
    /// A tar archive in zstd.
    TarZstd,
}

/// The document is refused.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not a JSON document that every reader understands alike.
    #[error("the manifest cannot be read")]
    Document(#[from] DocumentError),
    /// Docker's schema 1.
    #[error(
        "the image is in Docker's schema 1, which has no digests of what is in its layers; push it again with a Docker of 2016 or later"
    )]
    Schema1,
    /// Both an index and a manifest.
    #[error(
        "the document is an index and a manifest at once (`manifests` beside `{0}`); readers would differ in what it is"
    )]
    Ambiguous(&'static str),
    /// Neither.
    #[error("the document is neither an image index nor an image manifest (media type {0:?})")]
    Neither(Box<str>),
    /// What it says it is differs from what it was announced as.
    #[error("announced as {announced:?}, the document calls itself {own:?}")]
    Announced {
        /// By the registry or the descriptor.
        announced: Box<str>,
        /// By the document.
        own: Box<str>,
    },
    /// `schemaVersion` is not 2.
    #[error("schemaVersion is not 2")]
    SchemaVersion,
    /// A field has another shape than the specification says.
    #[error("{field} is not {expected}")]
    Field {
        /// Where.
        field: Box<str>,
        /// What belongs there.
        expected: &'static str,
    },
    /// A digest.
    #[error("{field} is no digest that can be verified")]
    Digest {
        /// Where.
        field: Box<str>,
        /// Why.
        #[source]
        source: DigestError,
    },
    /// A type that is not known.
    #[error("{field} has the unknown media type {media_type:?}")]
    UnknownType {
        /// Where.
        field: Box<str>,
        /// The type.
        media_type: Box<str>,
    },
    /// Content other than an image, such as a chart or a signature.
    #[error("not an image but an artifact of type {0:?}")]
    Artifact(Box<str>),
    /// A layer that may not be distributed and lies elsewhere.
    #[error("layer {0} is a foreign layer ({1}); what is in it cannot be read from the registry")]
    Foreign(Digest, Box<str>),
    /// A layer that is encrypted.
    #[error("layer {0} is encrypted ({1}); scan the image before it is encrypted")]
    Encrypted(Digest, Box<str>),
    /// No layers.
    #[error("the manifest has no layers")]
    NoLayers,
    /// Too many entries in a list.
    #[error("{field} has {count} entries; at most {max} are read")]
    Many {
        /// Which.
        field: &'static str,
        /// How many.
        count: usize,
        /// The limit.
        max: usize,
    },
}

impl Document {
    /// Reads the bytes of an index or a manifest.
    ///
    /// `announced` is the media type by which a registry or a descriptor gave them, if any. A document's own type counts
    /// where it has one, and the two must not differ.
    ///
    /// # Errors
    /// Where the document is none, is ambiguous, or names content that cannot be judged.
    pub fn read(bytes: &[u8], announced: Option<&str>) -> Result<Self, ManifestError> {
        let map = document::object(bytes, MANIFEST_BYTES_MAX, &KEYS)?;
        let announced = announced.map(media_type_of_header).filter(|text| !is_vague(text));
        let own = match map.get("mediaType") {
            None => None,
            Some(Value::String(own)) => Some(own.clone()),
            Some(_) => return Err(field("mediaType", "text")),
        };
        let names_schema1 = |text: &str| SCHEMA1_TYPES.contains(&text);
        let schema1 = map.contains_key("fsLayers") || map.get("schemaVersion").and_then(Value::as_u64) == Some(1);
        if schema1 || own.as_deref().is_some_and(names_schema1) || announced.as_deref().is_some_and(names_schema1) {
            return Err(ManifestError::Schema1);
        }
        if let (Some(announced), Some(own)) = (&announced, &own)
            && announced != own
        {
            let (announced, own) = (announced.as_str().into(), own.as_str().into());
            return Err(ManifestError::Announced { announced, own });
        }
        if map.get("schemaVersion").and_then(Value::as_u64) != Some(2) {
            return Err(ManifestError::SchemaVersion);
        }
        let media_type = own.or(announced);
        let said = media_type.as_deref().map(MediaType::of);
        let has_manifests = map.contains_key("manifests");
        if let Some(other) = ["layers", "config"].into_iter().find(|key| has_manifests && map.contains_key(*key)) {
            return Err(ManifestError::Ambiguous(other));
        }
        let neither = || ManifestError::Neither(media_type.as_deref().unwrap_or_default().into());
        match (said, has_manifests) {
            (None | Some(Ok(MediaType::Index)), true) => Index::of(&map).map(Document::Index),
            (None | Some(Ok(MediaType::Manifest)), false) if map.contains_key("config") => {
                Manifest::of(&map).map(Document::Manifest)
            }
            _ => Err(neither()),
        }
    }
}

impl Index {
    fn of(map: &Map<String, Value>) -> Result<Self, ManifestError> {
        let list = list(map, "manifests", MANIFESTS_MAX)?;
        let mut index = Index { manifests: Vec::with_capacity(list.len()), attestations: 0 };
        for (at, value) in list.iter().enumerate() {
            let place = format!("manifests[{at}]");
            let raw = RawDescriptor::of(value, &place)?;
            // BuildKit lists its attestations as manifests of the platform unknown/unknown.
            if raw.is_attestation() {
                index.attestations += 1;
                continue;
            }
            match MediaType::of(raw.media_type) {
                Ok(kind @ (MediaType::Index | MediaType::Manifest)) => index.manifests.push(raw.with(kind)),
                _ if SCHEMA1_TYPES.contains(&raw.media_type) => return Err(ManifestError::Schema1),
                _ => return Err(unknown(&place, raw.media_type)),
            }
        }
        Ok(index)
    }
}

impl Manifest {
    fn of(map: &Map<String, Value>) -> Result<Self, ManifestError> {
        let config = map.get("config").ok_or_else(|| field("config", "a descriptor"))?;
        let config = RawDescriptor::of(config, "config")?;
        if let Some(kind) = map.get("artifactType").and_then(Value::as_str)
            && !CONFIG_TYPES.contains(&kind)
        {
            return Err(ManifestError::Artifact(kind.into()));
        }
        if MediaType::of(config.media_type) != Ok(MediaType::Config) {
            return Err(ManifestError::Artifact(config.media_type.into()));
        }
        let config = config.with(MediaType::Config);
        if config.size > CONFIG_BYTES_MAX {
            return Err(field("config.size", "at most 4 MiB"));
        }
        let list = list(map, "layers", LAYERS_MAX)?;
        if list.is_empty() {
            return Err(ManifestError::NoLayers);
        }
        let layer = |(at, value): (usize, &Value)| layer(value, &format!("layers[{at}]"));
        let layers = list.iter().enumerate().map(layer).collect::<Result<_, _>>()?;
        Ok(Manifest { config, layers, annotations: annotations(map)? })
    }
}

impl MediaType {
    /// The type by its name.
    ///
    /// # Errors
    /// Why no image is made of it.
    fn of(text: &str) -> Result<Self, Odd> {
        Ok(match text {
            OCI_INDEX | DOCKER_LIST => MediaType::Index,
            OCI_MANIFEST | DOCKER_MANIFEST => MediaType::Manifest,
            text if CONFIG_TYPES.contains(&text) => MediaType::Config,
            "application/vnd.oci.image.layer.v1.tar" | "application/vnd.docker.image.rootfs.diff.tar" => MediaType::Tar,
            "application/vnd.oci.image.layer.v1.tar+gzip" | "application/vnd.docker.image.rootfs.diff.tar.gzip" => {
                MediaType::TarGzip
            }
            "application/vnd.oci.image.layer.v1.tar+zstd" | "application/vnd.docker.image.rootfs.diff.tar.zstd" => {
                MediaType::TarZstd
            }
            text if text.ends_with("+encrypted") => return Err(Odd::Encrypted),
            text if FOREIGN_PREFIXES.iter().any(|prefix| text.starts_with(prefix)) => return Err(Odd::Foreign),
            _ => return Err(Odd::Unknown),
        })
    }
}

/// Why no image is made of content of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Odd {
    Encrypted,
    Foreign,
    Unknown,
}

struct RawDescriptor<'a> {
    media_type: &'a str,
    digest: Digest,
    size: u64,
    platform: Option<Platform>,
    annotations: Option<&'a Map<String, Value>>,
    has_urls: bool,
}

impl<'a> RawDescriptor<'a> {
    fn of(value: &'a Value, place: &str) -> Result<Self, ManifestError> {
        let map = value.as_object().ok_or_else(|| field(place, "a descriptor"))?;
        let text = |key: &str| map.get(key).and_then(Value::as_str).ok_or_else(|| field(&within(place, key), "text"));
        let digest = text("digest")?.parse();
        let digest =
            digest.map_err(|source| ManifestError::Digest { field: within(place, "digest").into(), source })?;
        let size = map.get("size").and_then(Value::as_u64).filter(|size| *size <= BLOB_BYTES_MAX);
        Ok(RawDescriptor {
            media_type: text("mediaType")?,
            digest,
            size: size.ok_or_else(|| field(&within(place, "size"), "a number of bytes below 1 TiB"))?,
            platform: match map.get("platform") {
                None | Some(Value::Null) => None,
                Some(value) => {
                    Some(Platform::of_json(value).ok_or_else(|| field(&within(place, "platform"), "a platform"))?)
                }
            },
            annotations: map.get("annotations").and_then(Value::as_object),
            has_urls: map.get("urls").is_some_and(|urls| !matches!(urls.as_array(), Some(list) if list.is_empty())),
        })
    }

    fn annotation(&self, key: &str) -> Option<&'a str> {
        self.annotations.and_then(|map| map.get(key)).and_then(Value::as_str)
    }

    fn is_attestation(&self) -> bool {
        self.annotation("vnd.docker.reference.type") == Some("attestation-manifest")
            || self
                .platform
                .as_ref()
                .is_some_and(|platform| &*platform.os == "unknown" && &*platform.architecture == "unknown")
    }

    fn with(self, kind: MediaType) -> Descriptor {
        let names = NAME_ANNOTATIONS.iter().filter_map(|key| self.annotation(key)).map(Into::into).collect();
        let RawDescriptor { digest, size, platform, has_urls, .. } = self;
        Descriptor { kind, digest, size, platform, names, has_urls }
    }
}

fn layer(value: &Value, place: &str) -> Result<Descriptor, ManifestError> {
    let raw = RawDescriptor::of(value, place)?;
    let kind = match MediaType::of(raw.media_type) {
        Ok(kind @ (MediaType::Tar | MediaType::TarGzip | MediaType::TarZstd)) => kind,
        Err(Odd::Encrypted) => return Err(ManifestError::Encrypted(raw.digest, raw.media_type.into())),
        Err(Odd::Foreign) => return Err(ManifestError::Foreign(raw.digest, raw.media_type.into())),
        _ => return Err(unknown(place, raw.media_type)),
    };
    Ok(raw.with(kind))
}

fn list<'a>(map: &'a Map<String, Value>, key: &'static str, max: usize) -> Result<&'a [Value], ManifestError> {
    let list = map.get(key).and_then(Value::as_array).ok_or_else(|| field(key, "a list"))?;
    match list.len() {
        count if count > max => Err(ManifestError::Many { field: key, count, max }),
        _ => Ok(list),
    }
}

fn annotations(map: &Map<String, Value>) -> Result<Annotations, ManifestError> {
    let entries = match map.get("annotations") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(value) => value.as_object().ok_or_else(|| field("annotations", "an object"))?,
    };
    let text = |(key, value): (&String, &Value)| match value.as_str() {
        Some(value) => Ok((key.as_str().into(), value.into())),
        None => Err(field(&within("annotations", key), "text")),
    };
    entries.iter().map(text).collect()
}

/// `Content-Type` without parameters, in lower case.
fn media_type_of_header(text: &str) -> String {
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Types by which plain servers give every file.
fn is_vague(text: &str) -> bool {
    matches!(text, "" | "application/json" | "application/octet-stream" | "text/plain")
}

fn within(place: &str, key: &str) -> String {
    format!("{place}.{key}")
}

fn field(field: &str, expected: &'static str) -> ManifestError {
    ManifestError::Field { field: field.into(), expected }
}

fn unknown(place: &str, media_type: &str) -> ManifestError {
    ManifestError::UnknownType { field: place.into(), media_type: media_type.into() }
}

/// `application/vnd.oci.image.index.v1+json`.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// `application/vnd.oci.image.manifest.v1+json`.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Docker's index.
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// Docker's manifest of schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// What the specification of distribution wants registries to take at least (4 MiB); larger ones are an attack.
pub const MANIFEST_BYTES_MAX: usize = 4 << 20;
/// Configurations are not limited by a specification. Those of real images stay below 100 KiB; the limit of manifests
/// leaves room for long histories.
pub const CONFIG_BYTES_MAX: u64 = 4 << 20;
/// How deep indexes may lie in indexes. Tools make one level; two are seen where archives hold several images.
pub const INDEX_DEPTH_MAX: usize = 3;

const CONFIG_TYPES: [&str; 2] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];
const SCHEMA1_TYPES: [&str; 2] = [
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
];
const FOREIGN_PREFIXES: [&str; 2] =
    ["application/vnd.docker.image.rootfs.foreign.diff.", "application/vnd.oci.image.layer.nondistributable.v1."];
const NAME_ANNOTATIONS: [&str; 2] = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];
const KEYS: [&str; 11] = [
    "schemaVersion",
    "mediaType",
    "manifests",
    "config",
    "layers",
    "fsLayers",
    "annotations",
    "artifactType",
    "subject",
    "history",
    "signatures",
];
/// Registries are asked for one platform; the widest official images have about 20 with as many attestations. OCI
/// layouts list every tag they hold here.
const MANIFESTS_MAX: usize = 1000;
/// overlayfs takes 500 lower folders and Docker 127 layers; build tools go up to a few hundred.
const LAYERS_MAX: usize = 1000;
/// No blob is as large, and sums of a thousand of them stay within 64 bits.
const BLOB_BYTES_MAX: u64 = 1 << 40;

#[cfg(test)]
mod tests;
