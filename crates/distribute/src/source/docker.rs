//! What `docker save` writes: `manifest.json` with a configuration and layers by path, since Docker 25 with an OCI layout
//! beside it.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use image::config::Config;
use image::manifest::MediaType;
use model::digest::{Algorithm, Digest};

use super::archive::Archive;
use super::store::digest_of;
use super::{Blobs, Choice, Content, Image, Layer, Options, SourceError, io_error, layout, shown};

#[derive(Deserialize)]
struct Saved {
    #[serde(rename = "Config")]
    config: String,
    #[serde(rename = "RepoTags")]
    names: Option<Vec<String>>,
    #[serde(rename = "Layers")]
    layers: Vec<String>,
}

pub(super) fn open(path: &Path, choice: &Choice, options: &Options) -> Result<Image, SourceError> {
    let archive = Arc::new(Archive::open(path)?);
    let saved: Vec<Saved> = serde_json::from_slice(&archive.small("manifest.json")?)
        .map_err(|_| SourceError::Metadata(shown(&path.join("manifest.json")), "docker save"))?;
    if !archive.has("oci-layout") || !archive.has("index.json") {
        return of_saved(path, archive, &saved, choice)?.on(options.platform.as_ref());
    }
    let image = layout::of_archive(path, Arc::clone(&archive), choice, options)?;
    // Old readers load manifest.json, new ones index.json. Both must lead to this image.
    for entry in &saved {
        let bytes = archive.small(&entry.config)?;
        if *bytes == *image.config_bytes && entry.layers.len() == image.layers.len() {
            return Ok(image);
        }
    }
    Err(SourceError::Ambiguous(shown(path)))
}

fn of_saved(path: &Path, archive: Arc<Archive>, saved: &[Saved], choice: &Choice) -> Result<Image, SourceError> {
    let entry = choose(path, saved, choice)?;
    let place = shown(&path.join(&entry.config));
    let config_bytes = archive.small(&entry.config)?;
    let config_digest = digest_of(Algorithm::Sha256, &config_bytes);
    // The file's name is the digest of its bytes: `HEX.json`, or `blobs/sha256/HEX`.
    let file = entry.config.rsplit('/').next().unwrap_or_default();
    let hex = file.strip_suffix(".json").unwrap_or(file);
    if let Ok(named) = format!("sha256:{hex}").parse::<Digest>()
        && named != config_digest
    {
        let (named, actual) = (named.as_str().into(), config_digest.as_str().into());
        return Err(SourceError::Mismatch { place, named, actual });
    }
    let config = Config::read(&config_bytes, entry.layers.len());
    let config = config.map_err(|error| SourceError::Config(place, error))?;
    let mut layers = Vec::with_capacity(entry.layers.len());
    for (file, diff_id) in entry.layers.iter().zip(&config.diff_ids) {
        let section = archive.read(file)?;
        let kind = match section.start().map_err(|error| io_error(path, error))? {
            [0x1f, 0x8b, ..] => MediaType::TarGzip,
            [0x28, 0xb5, 0x2f, 0xfd] => MediaType::TarZstd,
            _ => MediaType::Tar,
        };
        let content = Content::Blob { kind, size: section.size() };
        layers.push(Layer { content, digest: None, diff_id: diff_id.clone() });
    }
    Ok(Image {
        name: entry.names.iter().flatten().next().map_or_else(|| shown(path), |name| name.as_str().into()),
        manifest_digest: None,
        config_digest,
        config_bytes: config_bytes.into(),
        config,
        layers,
        damage: Vec::new(),
        blobs: Box::new(SavedLayers { archive, files: entry.layers.clone() }),
    })
}

fn choose<'a>(path: &Path, saved: &'a [Saved], choice: &Choice) -> Result<&'a Saved, SourceError> {
    let names = || -> Box<str> {
        let all: Vec<&str> = saved.iter().flat_map(|entry| entry.names.iter().flatten()).map(String::as_str).collect();
        if all.is_empty() { "images without names".into() } else { all.join(", ").into() }
    };
    let wanted = match choice {
        Choice::Only => {
            return match saved {
                [only] => Ok(only),
                [] => Err(SourceError::NoImage { place: shown(path), wanted: "".into(), names: names() }),
                _ => Err(SourceError::Several { place: shown(path), names: names() }),
            };
        }
        Choice::Name(name) => name.to_string(),
        Choice::Digest(digest) => digest.as_str().to_owned(),
    };
    let mut fitting = saved.iter().filter(|entry| {
        let named = entry.names.iter().flatten().any(|own| layout::same_name(own, &wanted));
        named || wanted.strip_prefix("sha256:").is_some_and(|hex| entry.config.contains(hex))
    });
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => Err(SourceError::Several { place: shown(path), names: names() }),
        (None, _) => Err(SourceError::NoImage { place: shown(path), wanted: wanted.into(), names: names() }),
    }
}

#[derive(Debug)]
struct SavedLayers {
    archive: Arc<Archive>,
    files: Vec<String>,
}

impl Blobs for SavedLayers {
    fn open(&self, index: usize) -> Result<Box<dyn Read + Send>, SourceError> {
        let missing = || SourceError::Missing("image".into(), format!("layer {index}").into());
        Ok(Box::new(self.archive.read(self.files.get(index).ok_or_else(missing)?)?))
    }
}
