//! OCI layouts: folders with `oci-layout`, `index.json` and `blobs/`, and tar archives of them.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::manifest::{Descriptor, Document, Index, MANIFEST_BYTES_MAX};
use image::reference::Reference;

use super::archive::Archive;
use super::store::{self, Store};
use super::{Choice, Image, Options, SourceError, io_error, shown};

pub(super) fn open_folder(path: &Path, choice: &Choice, options: &Options) -> Result<Image, SourceError> {
    let folder = Folder { root: path.into() };
    let small = |name: &str| {
        let mut bytes = Vec::new();
        let at = path.join(name);
        let read = folder.file(&at)?.take(MANIFEST_BYTES_MAX as u64 + 1).read_to_end(&mut bytes);
        read.map(|_| bytes).map_err(|error| io_error(&at, error))
    };
    let (marker, index) = (small("oci-layout")?, small("index.json")?);
    open(path, &marker, &index, Arc::new(Folder { root: path.into() }), choice, options)
}

pub(super) fn open_archive(path: &Path, choice: &Choice, options: &Options) -> Result<Image, SourceError> {
    of_archive(path, Arc::new(Archive::open(path)?), choice, options)
}

pub(super) fn of_archive(
    path: &Path,
    archive: Arc<Archive>,
    choice: &Choice,
    options: &Options,
) -> Result<Image, SourceError> {
    let (marker, index) = (archive.small("oci-layout")?, archive.small("index.json")?);
    open(path, &marker, &index, archive, choice, options)
}

fn open(
    path: &Path,
    marker: &[u8],
    index: &[u8],
    store: Arc<dyn Store>,
    choice: &Choice,
    options: &Options,
) -> Result<Image, SourceError> {
    let marker: Option<serde_json::Value> = serde_json::from_slice(marker).ok();
    let version = marker.as_ref().and_then(|marker| marker.get("imageLayoutVersion")?.as_str());
    if !version.is_some_and(|version| version.starts_with("1.")) {
        return Err(SourceError::Metadata(shown(&path.join("oci-layout")), "an OCI layout of version 1"));
    }
    let place = shown(&path.join("index.json"));
    let document = Document::read(index, Some(image::manifest::OCI_INDEX));
    let Document::Index(index) = document.map_err(|error| SourceError::Manifest(place.clone(), error))? else {
        return Err(SourceError::Metadata(place, "an OCI layout"));
    };
    let start = choose(path, &index, choice, options)?;
    let name = start.names.first().map_or_else(|| shown(path), Clone::clone);
    store::image(&name, store, start.clone(), options)
}

/// The entry of `index.json` that was asked for.
fn choose<'a>(
    path: &Path,
    index: &'a Index,
    choice: &Choice,
    options: &Options,
) -> Result<&'a Descriptor, SourceError> {
    let mut fitting: Vec<&Descriptor> = match choice {
        Choice::Only => index.manifests.iter().collect(),
        Choice::Digest(digest) => index.manifests.iter().filter(|entry| entry.digest == *digest).collect(),
        Choice::Name(name) => {
            let named = |entry: &&Descriptor| entry.names.iter().any(|own| same_name(own, name));
            index.manifests.iter().filter(named).collect()
        }
    };
    // The same content under several names is one image.
    fitting.sort_by(|a, b| a.digest.cmp(&b.digest));
    fitting.dedup_by(|a, b| a.digest == b.digest);
    let names = || -> Box<str> {
        let name = |entry: &Descriptor| entry.names.first().map_or(entry.digest.as_str(), |name| name).to_owned();
        let mut names: Vec<String> = index.manifests.iter().map(name).collect();
        names.truncate(NAMES_SHOWN_MAX);
        names.join(", ").into()
    };
    match fitting.as_slice() {
        [] => {
            let wanted = match choice {
                Choice::Only => "".into(),
                Choice::Name(name) => name.clone(),
                Choice::Digest(digest) => digest.as_str().into(),
            };
            Err(SourceError::NoImage { place: shown(path), wanted, names: names() })
        }
        [only] => Ok(only),
        // One name, or none at all, for several platforms.
        several if one_of_each_platform(several) => {
            let digest = {
                let index = Index { manifests: several.iter().copied().cloned().collect(), attestations: 0 };
                store::select(&shown(path), &index, options.platform.as_ref())?.digest.clone()
            };
            let entry = several.iter().find(|entry| entry.digest == digest);
            entry.copied().ok_or_else(|| SourceError::Several { place: shown(path), names: names() })
        }
        _ => Err(SourceError::Several { place: shown(path), names: names() }),
    }
}

fn one_of_each_platform(entries: &[&Descriptor]) -> bool {
    let mut platforms: Vec<_> = entries.iter().filter_map(|entry| entry.platform.as_ref()).collect();
    platforms.sort();
    platforms.dedup();
    let same_names = entries.windows(2).all(|pair| matches!(pair, [a, b] if a.names == b.names));
    platforms.len() == entries.len() && same_names
}

/// Names of layouts are tags or whole names; `app:1` and `docker.io/library/app:1` are the same.
pub(super) fn same_name(own: &str, wanted: &str) -> bool {
    let parse = |text: &str| text.parse::<Reference>().ok().map(|name| name.to_string());
    let tag =
        own.rsplit_once(':').is_some_and(|(name, tag)| tag == wanted && !name.is_empty() && !wanted.contains('/'));
    own == wanted || tag || parse(own).is_some_and(|own| parse(wanted).is_some_and(|wanted| own == wanted))
}

#[derive(Debug)]
struct Folder {
    root: PathBuf,
}

impl Folder {
    /// A file of the layout. A link may lead anywhere, and is not followed.
    fn file(&self, path: &Path) -> Result<File, SourceError> {
        let metadata = std::fs::symlink_metadata(path).map_err(|error| io_error(path, error))?;
        if !metadata.is_file() {
            return Err(SourceError::NotRegular(shown(path)));
        }
        super::open_regular(path).map_err(|error| io_error(path, error))
    }
}

impl Store for Folder {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, SourceError> {
        Ok(Box::new(self.file(&self.root.join(blob_path(descriptor)))?))
    }
}

impl Store for Archive {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, SourceError> {
        Ok(Box::new(self.read(&blob_path(descriptor))?))
    }
}

/// `blobs/sha256/…`. Digests are hexadecimal digits, so the path leads nowhere else.
pub(super) fn blob_path(descriptor: &Descriptor) -> String {
    let (algorithm, hex) = descriptor.digest.as_str().split_once(':').unwrap_or_default();
    format!("blobs/{algorithm}/{hex}")
}

/// An error that a person reads.
const NAMES_SHOWN_MAX: usize = 50;
