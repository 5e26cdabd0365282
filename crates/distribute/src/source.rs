//! Where an image comes from, and its parts without unpacking anything.
//!
//! [`Location`] is what a user types; [`Location::open`] resolves it to an [`Image`]: manifest and configuration are
//! verified by digest there and then, layers are streams that whoever reads them verifies ([`Layer::digest`],
//! [`Layer::diff_id`]) before believing what was in them. Archives are indexed once and read by offset.

mod archive;
mod bolt;
mod containerd;
mod docker;
mod layout;
mod podman;
pub mod store;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use image::config::{Config, ConfigError};
use image::manifest::platform::NoPlatform;
use image::manifest::{Manifest, ManifestError, MediaType, Platform};
use image::reference::{Reference, ReferenceError};
use model::digest::{Digest, DigestError};

use crate::registry::{Client, RegistryError};
pub use archive::ArchiveError;
pub use bolt::BoltError;

/// Where an image, or something like one, lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A folder with `oci-layout`, and which image of it.
    OciLayout(PathBuf, Choice),
    /// A tar archive of such a folder.
    OciArchive(PathBuf, Choice),
    /// What `docker save` writes.
    DockerArchive(PathBuf, Choice),
    /// A registry.
    Registry(Reference),
    /// The content store of containerd on this machine.
    Containerd(Reference),
    /// The store of podman, Buildah and CRI-O on this machine: a name or an image ID.
    Podman(Box<str>),
    /// A folder: a root file system or a source tree.
    Folder(PathBuf),
    /// A file that begins as JSON or XML: a bill of materials.
    Document(PathBuf),
}

/// Which image of several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The only one.
    #[default]
    Only,
    /// By tag or full name.
    Name(Box<str>),
    /// By digest of the manifest or index.
    Digest(Digest),
}

/// How locations are opened.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The platform to take; `None` is Linux on the processor of this machine, or the only one there is.
    pub platform: Option<Platform>,
    /// Root of containerd; `None` is `/var/lib/containerd`.
    pub containerd_root: Option<PathBuf>,
    /// Root of containers/storage; `None` is `/var/lib/containers/storage`.
    pub podman_root: Option<PathBuf>,
}

/// What a location holds.
#[derive(Debug)]
pub enum Opened {
    /// An image.
    Image(Box<Image>),
    /// A folder: a root file system or a source tree.
    Folder(PathBuf),
    /// A document.
    Document(PathBuf),
}

/// An image whose manifest and configuration were verified, with layers that can be read.
#[derive(Debug)]
pub struct Image {
    /// The name by which it was asked for or found.
    pub name: Box<str>,
    /// Digest of the manifest. `None` where the source has no manifest: `docker save` of old, and podman's store.
    pub manifest_digest: Option<Digest>,
    /// Digest of the configuration, the image's ID.
    pub config_digest: Digest,
    /// The configuration's bytes.
    pub config_bytes: Box<[u8]>,
    /// The configuration.
    pub config: Config,
    /// Layers from the lowest up, as many as the configuration names.
    pub layers: Vec<Layer>,
    /// What must be said of the source, one sentence each: digests that cannot be verified.
    pub damage: Vec<Box<str>>,
    blobs: Box<dyn Blobs>,
}

/// A layer of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// How its bytes come.
    pub content: Content,
    /// Digest of the bytes as they come, where the source names one.
    pub digest: Option<Digest>,
    /// Digest of the tar stream in them, as the configuration says.
    pub diff_id: Digest,
}

/// How the bytes of a layer come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A stream.
    Blob {
        /// Its form. The manifest says so; readers that look at the first bytes know better.
        kind: MediaType,
        /// How many bytes.
        size: u64,
    },
    /// A folder with the files of the layer. Digests cannot be verified.
    Folder(PathBuf),
}

/// Opens the layers of an image.
pub trait Blobs: Send + Sync + std::fmt::Debug {
    /// The bytes of layer `index`, from their beginning. They are not verified. Reading past the size that was
    /// announced is an error.
    ///
    /// # Errors
    /// Where they cannot be had.
    fn open(&self, index: usize) -> Result<Box<dyn Read + Send>, SourceError>;
}

/// The location cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The name of an image.
    #[error("{0:?} is no name of an image")]
    Reference(Box<str>, #[source] ReferenceError),
    /// The digest after `@`.
    #[error("{0:?} does not end in a digest")]
    Choice(Box<str>, #[source] DigestError),
    /// A file.
    #[error("{path}: cannot be read")]
    Io {
        /// Which.
        path: Box<str>,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// An archive in a wrapping that has no offsets.
    #[error(
        "{0}: a compressed archive of an image would have to be unpacked once for each layer; hint: decompress it first ({1})"
    )]
    Compressed(Box<str>, &'static str),
    /// Nothing that is known.
    #[error("{0}: neither an image archive nor a bill of materials")]
    Unknown(Box<str>),
    /// A link or a device where a file belongs.
    #[error("{0}: not a regular file")]
    NotRegular(Box<str>),
    /// The archive's own tar structure.
    #[error("{path}: the archive is damaged")]
    Archive {
        /// Which.
        path: Box<str>,
        /// Why.
        #[source]
        source: ArchiveError,
    },
    /// Something that belongs in it is not there.
    #[error("{0}: {1} is missing")]
    Missing(Box<str>, Box<str>),
    /// Bytes that are not those that were named.
    #[error("{place}: {named} was named, {actual} is there")]
    Mismatch {
        /// Where.
        place: Box<str>,
        /// Digest or size.
        named: Box<str>,
        /// What is there.
        actual: Box<str>,
    },
    /// A metadata file of the store.
    #[error("{0}: not as {1} writes it")]
    Metadata(Box<str>, &'static str),
    /// Two descriptions that differ.
    #[error("{0}: manifest.json and index.json describe different images; readers would differ in which one they load")]
    Ambiguous(Box<str>),
    /// Several images.
    #[error("{place} holds several images; name one of: {names}")]
    Several {
        /// Where.
        place: Box<str>,
        /// Names, separated by commas.
        names: Box<str>,
    },
    /// No such image.
    #[error("{place} holds no image {wanted:?}; there are: {names}")]
    NoImage {
        /// Where.
        place: Box<str>,
        /// What was asked for.
        wanted: Box<str>,
        /// Names, separated by commas.
        names: Box<str>,
    },
    /// The platform.
    #[error("{0}: another platform")]
    Platform(Box<str>, #[source] NoPlatform),
    /// Indexes in indexes.
    #[error("{0}: indexes lie in indexes more than {max} levels deep", max = image::manifest::INDEX_DEPTH_MAX)]
    Depth(Box<str>),
    /// A manifest.
    #[error("{0}: refused")]
    Manifest(Box<str>, #[source] ManifestError),
    /// A configuration.
    #[error("{0}: refused")]
    Config(Box<str>, #[source] ConfigError),
    /// containerd's database.
    #[error("{0}: the database is damaged")]
    Bolt(Box<str>, #[source] BoltError),
    /// A registry.
    #[error("the registry did not give {0}")]
    Registry(Box<str>, #[source] Box<RegistryError>),
}

impl Location {
    /// What a user types: `oci:DIR[:TAG|@DIGEST]`, `oci-archive:FILE[:TAG|@DIGEST]`, `docker-archive:FILE[:NAME]`,
    /// `docker://NAME`, `registry:NAME`, `containerd:NAME`, `podman:NAME`, `dir:PATH`, `sbom:FILE`, a path that exists,
    /// or the name of an image in a registry.
    ///
    /// # Errors
    /// Where it is none of them, or a file cannot be read to tell what it is.
    pub fn parse(text: &str) -> Result<Self, SourceError> {
        let name = |name: &str| name.parse().map_err(|error| SourceError::Reference(name.into(), error));
        if let Some(rest) = text.strip_prefix("docker://") {
            return Ok(Location::Registry(name(rest)?));
        }
        match text.split_once(':') {
            Some(("oci", rest)) => choice(rest).map(|(path, choice)| Location::OciLayout(path, choice)),
            Some(("oci-archive", rest)) => choice(rest).map(|(path, choice)| Location::OciArchive(path, choice)),
            Some(("docker-archive", rest)) => choice(rest).map(|(path, choice)| Location::DockerArchive(path, choice)),
            Some(("registry", rest)) if !is_tag_of_image(rest) => Ok(Location::Registry(name(rest)?)),
            Some(("containerd", rest)) => Ok(Location::Containerd(name(rest)?)),
            Some(("podman", rest)) => Ok(Location::Podman(rest.into())),
            Some(("dir", rest)) => Ok(Location::Folder(rest.into())),
            Some(("sbom", rest)) => Ok(Location::Document(rest.into())),
            _ if is_path(text) => detect(Path::new(text)),
            _ => Ok(Location::Registry(name(text)?)),
        }
    }

    /// Resolves it to the one image, reading manifest and configuration. `client` is made where a registry has to be
    /// asked: reading the system's certificates takes longer than a scan whose layers are known.
    ///
    /// # Errors
    /// Where there is no such image, it is ambiguous, or its parts are not those that were named.
    pub fn open(
        &self,
        options: &Options,
        client: impl FnOnce() -> Result<Client, RegistryError>,
    ) -> Result<Opened, SourceError> {
        let image = match self {
            Location::OciLayout(path, choice) => layout::open_folder(path, choice, options),
            Location::OciArchive(path, choice) => layout::open_archive(path, choice, options),
            Location::DockerArchive(path, choice) => docker::open(path, choice, options),
            Location::Registry(name) => {
                let told = |error| SourceError::Registry(name.to_string().into(), Box::new(error));
                client().map_err(told)?.open(name, options.platform.as_ref())
            }
            Location::Containerd(name) => containerd::open(name, options),
            Location::Podman(name) => podman::open(name, options),
            Location::Folder(path) => return Ok(Opened::Folder(path.clone())),
            Location::Document(path) => return Ok(Opened::Document(path.clone())),
        };
        image.map(|image| Opened::Image(Box::new(image)))
    }
}

impl Image {
    /// The bytes of layer `index`; see [`Blobs::open`].
    ///
    /// # Errors
    /// Where they cannot be had, or the layer is a folder.
    pub fn open(&self, index: usize) -> Result<Box<dyn Read + Send>, SourceError> {
        self.blobs.open(index)
    }

    /// An image of a verified manifest.
    pub(crate) fn of_manifest(
        name: &str,
        digest: Digest,
        manifest: &Manifest,
        config_bytes: Vec<u8>,
        blobs: Box<dyn Blobs>,
    ) -> Result<Self, SourceError> {
        let config = Config::read(&config_bytes, manifest.layers.len());
        let config = config.map_err(|error| SourceError::Config(manifest.config.digest.as_str().into(), error))?;
        let pairs = manifest.layers.iter().zip(&config.diff_ids);
        let layers = pairs.map(|(descriptor, diff_id)| Layer {
            content: Content::Blob { kind: descriptor.kind, size: descriptor.size },
            digest: Some(descriptor.digest.clone()),
            diff_id: diff_id.clone(),
        });
        Ok(Image {
            name: name.into(),
            manifest_digest: Some(digest),
            config_digest: manifest.config.digest.clone(),
            config_bytes: config_bytes.into(),
            layers: layers.collect(),
            config,
            damage: Vec::new(),
            blobs,
        })
    }

    /// The image, where it is for the platform that was asked for. What its maker wrote counts.
    pub(crate) fn on(self, wanted: Option<&Platform>) -> Result<Self, SourceError> {
        match wanted {
            Some(wanted) if self.config.platform.distance(wanted).is_none() => {
                let found = self.config.platform.to_string().into();
                Err(SourceError::Platform(self.name, NoPlatform { wanted: wanted.clone(), found }))
            }
            _ => Ok(self),
        }
    }
}

/// Linux on the processor of this machine.
pub(crate) fn machine() -> Platform {
    Platform::linux(std::env::consts::ARCH)
}

fn choice(text: &str) -> Result<(PathBuf, Choice), SourceError> {
    // A path that exists is that path, whatever characters are in it.
    if Path::new(text).exists() {
        return Ok((text.into(), Choice::Only));
    }
    if let Some((path, digest)) = text.rsplit_once('@')
        && Path::new(path).exists()
    {
        let digest = digest.parse().map_err(|error| SourceError::Choice(text.into(), error))?;
        return Ok((path.into(), Choice::Digest(digest)));
    }
    // Names have colons and paths may: the first cut that leaves a path is meant.
    let cuts = text.match_indices(':').map(|(at, _)| text.split_at(at));
    let mut pairs = cuts.map(|(path, name)| (path, name.get(1..).unwrap_or_default()));
    match pairs.find(|(path, _)| Path::new(path).exists()) {
        Some((path, name)) => Ok((path.into(), Choice::Name(name.into()))),
        None => Err(io_error(Path::new(text), io::ErrorKind::NotFound.into())),
    }
}

/// `registry:2` is an image of Docker Hub, and there is no image that is called `2`.
fn is_tag_of_image(rest: &str) -> bool {
    let plain = !rest.contains(['/', ':', '@']);
    plain && (rest == "latest" || rest.starts_with(|first: char| first.is_ascii_digit()))
}

fn is_path(text: &str) -> bool {
    text == "."
        || text == ".."
        || ["/", "./", "../"].iter().any(|start| text.starts_with(start))
        || Path::new(text).exists()
}

/// Tells by content what lies at a path.
fn detect(path: &Path) -> Result<Location, SourceError> {
    let metadata = std::fs::metadata(path).map_err(|error| io_error(path, error))?;
    if metadata.is_dir() {
        let layout = path.join("oci-layout").is_file() && path.join("index.json").is_file();
        let location =
            if layout { Location::OciLayout(path.into(), Choice::Only) } else { Location::Folder(path.into()) };
        return Ok(location);
    }
    if !metadata.is_file() {
        return Err(SourceError::NotRegular(shown(path)));
    }
    let mut start = Vec::new();
    let file = File::open(path).map_err(|error| io_error(path, error))?;
    file.take(512).read_to_end(&mut start).map_err(|error| io_error(path, error))?;
    refuse_compressed(path, &start)?;
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start).trim_ascii_start();
    if matches!(text.first(), Some(b'{' | b'<')) {
        return Ok(Location::Document(path.into()));
    }
    let archive = archive::Archive::open(path).map_err(|_| SourceError::Unknown(shown(path)))?;
    match (archive.has("manifest.json"), archive.has("oci-layout")) {
        (true, _) => Ok(Location::DockerArchive(path.into(), Choice::Only)),
        (false, true) => Ok(Location::OciArchive(path.into(), Choice::Only)),
        (false, false) => Err(SourceError::Unknown(shown(path))),
    }
}

fn refuse_compressed(path: &Path, start: &[u8]) -> Result<(), SourceError> {
    let hint = match start {
        [0x1f, 0x8b, ..] => "gunzip",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "zstd -d",
        [0xfd, b'7', b'z', b'X', b'Z', ..] => "unxz",
        [b'B', b'Z', b'h', ..] => "bunzip2",
        _ => return Ok(()),
    };
    Err(SourceError::Compressed(shown(path), hint))
}

/// Opens what lies at a path itself: no link is followed, and no pipe is waited for.
#[cfg(unix)]
fn open_as_it_is(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)
}

#[cfg(not(unix))]
fn open_as_it_is(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Opens a file that was a regular one when it was listed: a pipe that took its place would hold the scan for ever, and a
/// link would lead out of the folder.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    let file = open_as_it_is(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is no regular file any more")),
    }
}

pub(crate) fn shown(path: &Path) -> Box<str> {
    path.to_string_lossy().into()
}

pub(crate) fn io_error(path: &Path, source: io::Error) -> SourceError {
    SourceError::Io { path: shown(path), source }
}

#[cfg(test)]
pub(crate) mod tests;
