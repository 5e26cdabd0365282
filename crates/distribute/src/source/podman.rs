//! The store of podman, Buildah and CRI-O (containers/storage with the overlay driver): layers are folders.
//!
//! The files of a layer are what was unpacked once. Their digests cannot be computed again without the record of how the
//! tar stream looked, so nothing vouches for them; [`Image::damage`] says so.

use std::io::Read;
use std::path::Path;

use base64::Engine;
use serde::Deserialize;

use image::config::Config;
use image::reference::Reference;
use model::digest::Algorithm;

use super::store::digest_of;
use super::{Blobs, Content, Image, Layer, Options, SourceError, io_error, shown};

#[derive(Deserialize)]
struct StoredImage {
    id: String,
    #[serde(default)]
    names: Vec<String>,
    layer: String,
}

#[derive(Deserialize)]
struct StoredLayer {
    id: String,
    #[serde(default)]
    parent: String,
}

pub(super) fn open(name: &str, options: &Options) -> Result<Image, SourceError> {
    let root = options.podman_root.clone().unwrap_or_else(|| DEFAULT_ROOT.into());
    let images: Vec<StoredImage> = read(&root.join("overlay-images/images.json"))?;
    let layers: Vec<StoredLayer> = read(&root.join("overlay-layers/layers.json"))?;
    let wanted = name.parse::<Reference>().map(|name| name.to_string());
    let is_wanted = |image: &&StoredImage| {
        let by_id = name.len() >= 12 && image.id.starts_with(name);
        by_id
            || image
                .names
                .iter()
                .any(|own| own.parse::<Reference>().is_ok_and(|own| wanted.as_ref() == Ok(&own.to_string())))
    };
    let names =
        || images.iter().flat_map(|image| &image.names).take(50).map(String::as_str).collect::<Vec<_>>().join(", ");
    let mut found = images.iter().filter(is_wanted);
    let image = match (found.next(), found.next()) {
        (Some(image), None) => image,
        (Some(_), Some(_)) => return Err(SourceError::Several { place: shown(&root), names: names().into() }),
        (None, _) => {
            return Err(SourceError::NoImage { place: shown(&root), wanted: name.into(), names: names().into() });
        }
    };
    of_stored(&root, name, image, &layers)?.on(options.platform.as_ref())
}

fn of_stored(root: &Path, name: &str, image: &StoredImage, layers: &[StoredLayer]) -> Result<Image, SourceError> {
    // The configuration lies under its digest, which is the image's ID, in base64 for its colon.
    plain_name(root, &image.id)?;
    let key = base64::engine::general_purpose::STANDARD.encode(format!("sha256:{}", image.id));
    let file = root.join("overlay-images").join(&image.id).join(format!("={key}"));
    let config_bytes = bounded(&file, image::manifest::CONFIG_BYTES_MAX)?;
    let config_digest = digest_of(Algorithm::Sha256, &config_bytes);
    if config_digest.hex() != image.id {
        let (named, actual) = (image.id.as_str().into(), config_digest.as_str().into());
        return Err(SourceError::Mismatch { place: shown(&file), named, actual });
    }
    let by_id: std::collections::HashMap<&str, &StoredLayer> =
        layers.iter().map(|layer| (layer.id.as_str(), layer)).collect();
    let mut folders = Vec::new();
    let mut at = image.layer.as_str();
    while !at.is_empty() {
        let layer = by_id.get(at).ok_or_else(|| SourceError::Missing(shown(root), format!("layer {at}").into()))?;
        plain_name(root, &layer.id)?;
        folders.push(root.join("overlay").join(&layer.id).join("diff"));
        // A chain that is longer than there are layers goes in a circle.
        if folders.len() > layers.len() {
            return Err(SourceError::Metadata(shown(root), "containers/storage"));
        }
        at = &layer.parent;
    }
    folders.reverse();
    let config = Config::read(&config_bytes, folders.len());
    let config = config.map_err(|error| SourceError::Config(shown(&file), error))?;
    let pairs = folders.into_iter().zip(&config.diff_ids);
    let layers = pairs.map(|(folder, diff_id)| Layer {
        content: Content::Folder(folder),
        digest: None,
        diff_id: diff_id.clone(),
    });
    Ok(Image {
        name: name.into(),
        manifest_digest: None,
        config_digest,
        config_bytes: config_bytes.into(),
        layers: layers.collect(),
        config,
        damage: vec!["the layers lie unpacked in the store, so their digests cannot be verified".into()],
        blobs: Box::new(Folders),
    })
}

#[derive(Debug)]
struct Folders;

impl Blobs for Folders {
    fn open(&self, index: usize) -> Result<Box<dyn Read + Send>, SourceError> {
        Err(SourceError::Missing("podman".into(), format!("a stream of layer {index}, which is a folder,").into()))
    }
}

/// IDs become parts of paths.
fn plain_name(root: &Path, id: &str) -> Result<(), SourceError> {
    match !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        true => Ok(()),
        false => Err(SourceError::Metadata(shown(root), "containers/storage")),
    }
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Vec<T>, SourceError> {
    let bytes = bounded(path, METADATA_BYTES_MAX)?;
    serde_json::from_slice(&bytes).map_err(|_| SourceError::Metadata(shown(path), "containers/storage"))
}

fn bounded(path: &Path, max: u64) -> Result<Vec<u8>, SourceError> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| io_error(path, error))?;
    file.take(max + 1).read_to_end(&mut bytes).map_err(|error| io_error(path, error))?;
    match bytes.len() as u64 > max {
        true => Err(SourceError::Metadata(shown(path), "containers/storage")),
        false => Ok(bytes),
    }
}

const DEFAULT_ROOT: &str = "/var/lib/containers/storage";
/// About 1 KiB for each layer; 64 MiB are as many layers as no machine holds.
const METADATA_BYTES_MAX: u64 = 64 << 20;
