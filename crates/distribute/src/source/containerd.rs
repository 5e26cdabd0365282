//! The content store of containerd on this machine: names from its metadata, blobs by digest.
//!
//! What the kubelet pulled is here while containerd keeps packed layers. With `discard_unpacked_layers` it does not, and
//! a layer is then told as missing; snapshots are not read in its place. Names are looked for in the namespaces of
//! Kubernetes, of `ctr` and `nerdctl`, and of Docker.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::manifest::{DOCKER_LIST, DOCKER_MANIFEST, Descriptor, MediaType, OCI_INDEX, OCI_MANIFEST};
use image::reference::Reference;

use super::bolt::Bolt;
use super::layout::blob_path;
use super::store::{self, Store};
use super::{Image, Options, SourceError, io_error, shown};

pub(super) fn open(name: &Reference, options: &Options) -> Result<Image, SourceError> {
    let root = options.containerd_root.clone().unwrap_or_else(|| DEFAULT_ROOT.into());
    let database = root.join("io.containerd.metadata.v1.bolt/meta.db");
    let start = target(&database, name)?;
    let content = Content { root: root.join("io.containerd.content.v1.content") };
    store::image(&name.to_string(), Arc::new(content), start, options)
}

/// The descriptor to which containerd's metadata leads from a name.
fn target(database: &Path, name: &Reference) -> Result<Descriptor, SourceError> {
    let damaged = |error| SourceError::Bolt(shown(database), error);
    let odd = || SourceError::Metadata(shown(database), "containerd");
    let bolt = Bolt::open(database).map_err(damaged)?;
    let named = name.to_string();
    for namespace in NAMESPACES {
        let path = [b"v1", namespace.as_bytes(), b"images", named.as_bytes(), b"target"];
        let Some(bucket) = bolt.bucket(&path.map(|part: &[u8]| part)).map_err(damaged)? else { continue };
        let text = |key: &str| {
            let value = bolt.value(&bucket, key.as_bytes()).map_err(damaged)?;
            value.and_then(|value| String::from_utf8(value).ok()).ok_or_else(odd)
        };
        let kind = match text("mediatype")?.as_str() {
            OCI_INDEX | DOCKER_LIST => MediaType::Index,
            OCI_MANIFEST | DOCKER_MANIFEST => MediaType::Manifest,
            _ => return Err(odd()),
        };
        let digest = text("digest")?.parse().map_err(|error| SourceError::Choice(named.as_str().into(), error))?;
        let size = bolt.value(&bucket, b"size").map_err(damaged)?.and_then(|value| zigzag(&value)).ok_or_else(odd)?;
        return Ok(Descriptor { kind, digest, size, platform: None, names: Vec::new(), has_urls: false });
    }
    let names = format!("none of that name in the namespaces {}", NAMESPACES.join(", "));
    Err(SourceError::NoImage { place: shown(database), wanted: named.into(), names: names.into() })
}

/// Go's signed numbers of variable length, where they are not negative.
fn zigzag(bytes: &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for (at, byte) in bytes.iter().take(9).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return (number & 1 == 0).then_some(number >> 1);
        }
    }
    None
}

#[derive(Debug)]
struct Content {
    root: PathBuf,
}

impl Store for Content {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, SourceError> {
        let path = self.root.join(blob_path(descriptor));
        match File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(SourceError::Missing(shown(&self.root), descriptor.digest.as_str().into()))
            }
            other => Ok(Box::new(other.map_err(|error| io_error(&path, error))?)),
        }
    }
}

const DEFAULT_ROOT: &str = "/var/lib/containerd";
/// Kubernetes', that of `ctr` and `nerdctl`, Docker's.
const NAMESPACES: [&str; 3] = ["k8s.io", "default", "moby"];

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::bolt::tests::{Entry, database, inline, leaf_page};
    use super::super::tests::{Scratch, sample};
    use super::*;

    #[test]
    fn an_image_is_read_by_the_name_that_kubernetes_gave_it() {
        let scratch = Scratch::new("containerd");
        let sample = sample(&[("a", b"1")]);
        let text = |text: &str| Entry::Value(text.as_bytes().to_vec());
        let doubled = sample.manifest.len() as u64 * 2;
        let size = vec![(doubled & 0x7f) as u8 | 0x80, (doubled >> 7) as u8];
        let target = inline(&[
            ("digest", text(sample.digest.as_str())),
            ("mediatype", text(OCI_MANIFEST)),
            ("size", Entry::Value(size)),
        ]);
        let named = inline(&[("docker.io/library/app:1", inline(&[("target", target)]))]);
        let root = leaf_page(3, &[("v1", inline(&[("k8s.io", inline(&[("images", named)]))]))]);
        let metadata = scratch.0.join("io.containerd.metadata.v1.bolt");
        let blobs = scratch.0.join("io.containerd.content.v1.content/blobs/sha256");
        fs::create_dir_all(&metadata).and_then(|()| fs::create_dir_all(&blobs)).expect("folders");
        fs::write(metadata.join("meta.db"), database(&[root])).expect("a file");
        fs::write(blobs.join(sample.digest.hex()), &sample.manifest).expect("a file");
        for (digest, bytes) in &sample.blobs {
            fs::write(blobs.join(digest.hex()), bytes).expect("a file");
        }
        let options = Options { containerd_root: Some(scratch.0.clone()), ..Options::default() };
        let image = open(&"app:1".parse().expect("a name"), &options).expect("an image");
        assert_eq!((image.manifest_digest.as_ref(), image.layers.len()), (Some(&sample.digest), 1));
        fs::remove_file(blobs.join(sample.layer.hex())).expect("removed");
        assert!(matches!(image.open(0), Err(SourceError::Missing(..))));
        assert!(open(&"app:2".parse().expect("a name"), &options).is_err());
        assert_eq!(zigzag(&[0x80; 12]), None);
    }
}
