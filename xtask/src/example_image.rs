//! Builds an OCI image layout from a folder that describes it: `image.json` beside the folders of its layers.
//!
//! The bytes depend on the description alone: files in order, times at zero, no compression dictionary.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// Writes the image that `from` describes as an OCI layout into the tar archive `to`.
pub fn write(from: &Path, to: &Path) -> io::Result<()> {
    let described: Value = serde_json::from_slice(&fs::read(from.join("image.json"))?)?;
    let mut blobs: Vec<(String, Vec<u8>)> = Vec::new();
    let (mut layers, mut diff_ids, mut history) = (Vec::new(), Vec::new(), Vec::new());
    for layer in described["layers"].as_array().into_iter().flatten() {
        let folder = from.join(layer["folder"].as_str().unwrap_or(""));
        let tar = layer_tar(&folder, &layer["modes"])?;
        diff_ids.push(json!(digest(&tar)));
        let packed = gzip(&tar)?;
        layers.push(descriptor("application/vnd.oci.image.layer.v1.tar+gzip", &packed));
        blobs.push((digest(&packed), packed));
        history.push(json!({ "created_by": layer["created_by"] }));
    }
    let config = serde_json::to_vec(&json!({
        "architecture": "amd64", "os": "linux", "config": described["config"],
        "rootfs": { "type": "layers", "diff_ids": diff_ids }, "history": history,
    }))?;
    let manifest = serde_json::to_vec(&json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("application/vnd.oci.image.config.v1+json", &config), "layers": layers,
    }))?;
    let index = serde_json::to_vec(&json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [descriptor("application/vnd.oci.image.manifest.v1+json", &manifest)],
    }))?;
    blobs.push((digest(&config), config));
    blobs.push((digest(&manifest), manifest));
    let mut archive = Archive::default();
    archive.file("oci-layout", 0o644, br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    archive.file("index.json", 0o644, &index)?;
    for (digest, bytes) in &blobs {
        archive.file(&format!("blobs/{}", digest.replace(':', "/")), 0o644, bytes)?;
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(to, archive.end())
}

fn layer_tar(folder: &Path, modes: &Value) -> io::Result<Vec<u8>> {
    let mut paths = BTreeMap::new();
    collect(folder, folder, &mut paths)?;
    let mut archive = Archive::default();
    for (name, path) in paths {
        let mode = modes[&name].as_str().and_then(|mode| u32::from_str_radix(mode, 8).ok()).unwrap_or(0o644);
        match path.is_dir() {
            true => archive.folder(&name)?,
            false => archive.file(&name, mode, &fs::read(&path)?)?,
        }
    }
    Ok(archive.end())
}

fn collect(root: &Path, folder: &Path, paths: &mut BTreeMap<String, PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        if path.is_dir() {
            collect(root, &path, paths)?;
        }
        paths.insert(name, path);
    }
    Ok(())
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": digest(bytes), "size": bytes.len() })
}

fn digest(bytes: &[u8]) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    model::Digest::of_hash(hash.as_ref()).map(|digest| digest.to_string()).unwrap_or_default()
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// A tar archive in the form of POSIX 1988, enough for short names.
#[derive(Default)]
struct Archive(Vec<u8>);

impl Archive {
    fn folder(&mut self, name: &str) -> io::Result<()> {
        self.entry(&format!("{name}/"), 0o755, b'5', &[])
    }

    fn file(&mut self, name: &str, mode: u32, bytes: &[u8]) -> io::Result<()> {
        self.entry(name, mode, b'0', bytes)
    }

    fn entry(&mut self, name: &str, mode: u32, kind: u8, bytes: &[u8]) -> io::Result<()> {
        let mut header = [0u8; 512];
        let (prefix, short) =
            split(name).ok_or_else(|| io::Error::other(format!("`{name}` is too long for a tar header")))?;
        let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
        put(0, short);
        put(100, &format!("{mode:07o}"));
        put(108, "0000000");
        put(116, "0000000");
        put(124, &format!("{:011o}", bytes.len()));
        put(136, "00000000000");
        put(148, "        ");
        put(257, "ustar\u{0}00");
        put(345, prefix);
        header[156] = kind;
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\u{0}").as_bytes());
        self.0.extend_from_slice(&header);
        self.0.extend_from_slice(bytes);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        Ok(())
    }

    fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }
}

/// A name as its prefix and its last hundred bytes.
fn split(name: &str) -> Option<(&str, &str)> {
    if name.len() <= 100 {
        return Some(("", name));
    }
    let cuts = name.match_indices('/').map(|(at, _)| (&name[..at], &name[at + 1..]));
    cuts.into_iter().find(|(prefix, short)| prefix.len() <= 155 && short.len() <= 100)
}
