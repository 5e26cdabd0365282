//! From a descriptor to an image in any store that gives bytes by digest.

use std::io::Read;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256, SHA512};

use image::manifest::{Descriptor, Document, INDEX_DEPTH_MAX, Index, MANIFEST_BYTES_MAX, MediaType, Platform};
use model::digest::{Algorithm, Digest};

use super::{Blobs, Image, Options, SourceError, machine};

/// A place that gives bytes by digest. What it gives is not believed.
pub trait Store: Send + Sync + std::fmt::Debug {
    /// The bytes that a descriptor names.
    ///
    /// # Errors
    /// Where it has none.
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, SourceError>;
}

/// The bytes of a descriptor, whole and verified: as many as announced, with the digest that names them.
///
/// # Errors
/// Where they are missing, too many or others.
pub fn verified(store: &dyn Store, descriptor: &Descriptor) -> Result<Vec<u8>, SourceError> {
    let place: Box<str> = descriptor.digest.as_str().into();
    let mismatch = |named: String, actual: String| SourceError::Mismatch {
        place: place.clone(),
        named: named.into(),
        actual: actual.into(),
    };
    if descriptor.size > MANIFEST_BYTES_MAX as u64 {
        return Err(mismatch(format!("at most {MANIFEST_BYTES_MAX} bytes"), format!("{} bytes", descriptor.size)));
    }
    let mut bytes = Vec::new();
    let read = store.open(descriptor)?.take(descriptor.size + 1).read_to_end(&mut bytes);
    read.map_err(|source| SourceError::Io { path: place.clone(), source })?;
    if bytes.len() as u64 != descriptor.size {
        let more = if bytes.len() as u64 > descriptor.size { "or more " } else { "" };
        return Err(mismatch(format!("{} bytes", descriptor.size), format!("{} {more}bytes", bytes.len())));
    }
    let actual = digest_of(descriptor.digest.algorithm(), &bytes);
    match actual == descriptor.digest {
        true => Ok(bytes),
        false => Err(mismatch(descriptor.digest.as_str().to_owned(), actual.as_str().to_owned())),
    }
}

/// The digest of bytes.
pub fn digest_of(algorithm: Algorithm, bytes: &[u8]) -> Digest {
    let function = match algorithm {
        Algorithm::Sha256 => &SHA256,
        Algorithm::Sha512 => &SHA512,
    };
    let mut context = Context::new(function);
    context.update(bytes);
    let hash = context.finish();
    // Both functions have a length that digests have; the empty one equals no digest that was read.
    Digest::of_hash(hash.as_ref()).unwrap_or_else(|| unreachable!("hashes of 32 and 64 bytes are digests"))
}

/// The image at `start`, an index or a manifest.
///
/// # Errors
/// Where nothing is for the platform, something is missing or not what was named.
pub fn image(name: &str, store: Arc<dyn Store>, start: Descriptor, options: &Options) -> Result<Image, SourceError> {
    let mut at = start;
    for _ in 0..=INDEX_DEPTH_MAX {
        let bytes = verified(&*store, &at)?;
        let document = read(&at, &bytes)?;
        match document {
            Document::Index(index) => at = select(name, &index, options.platform.as_ref())?.clone(),
            Document::Manifest(manifest) => {
                let config = verified(&*store, &manifest.config)?;
                let blobs = Layers { store, layers: manifest.layers.clone() };
                let image = Image::of_manifest(name, at.digest, &manifest, config, Box::new(blobs))?;
                return image.on(options.platform.as_ref());
            }
        }
    }
    Err(SourceError::Depth(name.into()))
}

/// The entry for the platform, or the only one where none was asked for.
pub(crate) fn select<'a>(
    name: &str,
    index: &'a Index,
    wanted: Option<&Platform>,
) -> Result<&'a Descriptor, SourceError> {
    match (index.manifests.as_slice(), wanted) {
        ([only], None) => Ok(only),
        (_, wanted) => {
            let wanted = wanted.cloned().unwrap_or_else(machine);
            index.select(&wanted).map_err(|error| SourceError::Platform(name.into(), error))
        }
    }
}

/// Bytes that a descriptor names; they must be what it says, where it says so.
fn read(descriptor: &Descriptor, bytes: &[u8]) -> Result<Document, SourceError> {
    let refused = |error| SourceError::Manifest(descriptor.digest.as_str().into(), error);
    let document = Document::read(bytes, None).map_err(refused)?;
    let kind = match document {
        Document::Index(_) => MediaType::Index,
        Document::Manifest(_) => MediaType::Manifest,
    };
    if kind != descriptor.kind {
        let text = |kind: MediaType| if kind == MediaType::Index { "an index" } else { "a manifest" };
        return Err(SourceError::Mismatch {
            place: descriptor.digest.as_str().into(),
            named: text(descriptor.kind).into(),
            actual: text(kind).into(),
        });
    }
    Ok(document)
}

#[derive(Debug)]
struct Layers {
    store: Arc<dyn Store>,
    layers: Vec<Descriptor>,
}

impl Blobs for Layers {
    fn open(&self, index: usize) -> Result<Box<dyn Read + Send>, SourceError> {
        let descriptor = self.layers.get(index);
        let descriptor =
            descriptor.ok_or_else(|| SourceError::Missing("image".into(), format!("layer {index}").into()))?;
        Ok(Box::new(Bounded { inner: self.store.open(descriptor)?, left: descriptor.size }))
    }
}

/// A stream of exactly so many bytes: neither an end before nor bytes after them pass for the end.
pub(crate) struct Bounded<R> {
    pub(crate) inner: R,
    pub(crate) left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let odd = |text: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, text.to_owned());
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.left == 0 {
            return match self.inner.read(&mut [0])? {
                0 => Ok(0),
                _ => Err(odd("the layer has more bytes than its descriptor says")),
            };
        }
        let room = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let count = self.inner.read(buffer.get_mut(..room).unwrap_or_default())?;
        if count == 0 {
            return Err(odd("the layer has fewer bytes than its descriptor says"));
        }
        self.left = self.left.saturating_sub(count as u64);
        Ok(count)
    }
}
