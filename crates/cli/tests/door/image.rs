//! Images and folders made in a test, and the binary run on them with a cache and a database of the test's own.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

/// The time of every run, in seconds since 1970: 2026-11-23.
pub(crate) const NOW: u64 = 1_795_392_000;

/// A command of the binary whose cache, data and home lie in `folder`.
pub(crate) fn command(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kobuk"));
    command
        .current_dir(folder)
        .env("SOURCE_DATE_EPOCH", NOW.to_string())
        .env("KOBUK_CACHE_DIR", folder.join("cache"))
        .env("KOBUK_DATA_DIR", folder.join("data"))
        .env("HOME", folder.join("home"))
        .env_remove("DOCKER_CONFIG")
        .env_remove("XDG_RUNTIME_DIR")
        .env_remove("CLICOLOR_FORCE")
        .args(words);
    command
}

/// Runs it.
pub(crate) fn kobuk(folder: &Path, words: &[&str]) -> Output {
    command(folder, words).output().unwrap()
}

/// Runs it and wants this exit code.
pub(crate) fn expect(folder: &Path, words: &[&str], code: i32) -> String {
    let output = kobuk(folder, words);
    let (out, talk) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{words:?}\n{out}\n{talk}");
    out.into_owned()
}

/// What it said on standard error, with this exit code.
pub(crate) fn complaint(folder: &Path, words: &[&str], code: i32) -> String {
    let output = kobuk(folder, words);
    let (out, talk) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{words:?}\n{out}\n{talk}");
    talk.into_owned()
}

/// A JSON report of a scan with this exit code.
pub(crate) fn report(folder: &Path, words: &[&str], code: i32) -> Value {
    let text = expect(folder, &[words, &["--format", "json"]].concat(), code);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The codes of a report's findings, with repetitions.
pub(crate) fn codes(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

/// One property of every finding that has it, in order.
pub(crate) fn properties(report: &Value, name: &str) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap();
    let mut all: Vec<String> =
        findings.iter().filter_map(|finding| finding["properties"][name].as_str()).map(str::to_owned).collect();
    all.sort();
    all
}

/// Kind and message of everything that could not be judged.
pub(crate) fn gaps(report: &Value) -> Vec<String> {
    let files = report["coverage"]["files"].as_array().unwrap();
    let gaps = files.iter().flat_map(|file| file["gaps"].as_array().unwrap());
    gaps.map(|gap| format!("{}: {}", gap["kind"].as_str().unwrap(), gap["message"].as_str().unwrap())).collect()
}

/// Writes files of advisories, all of this day, and builds the usual database of `folder` from them.
pub(crate) fn advisories(folder: &Path, documents: &[(&str, &str)], covers: &str) {
    let feed = folder.join("feed");
    for (name, text) in documents {
        put(&feed.join(name), text.as_bytes());
    }
    let covers = format!("feed={covers}");
    expect(folder, &["advisories", "build", "feed", "--covers", &covers, "--license", "feed=CC0-1.0"], 0);
}

/// Writes a file of this day, and the folders above it.
pub(crate) fn put(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut file = std::fs::File::create(path).unwrap();
    file.write_all(bytes).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_secs(NOW)).unwrap();
}

/// Every file below a folder, with a slash at the end of folders that are empty.
pub(crate) fn listing(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    list(folder, folder, &mut all);
    all.sort();
    all
}

fn list(root: &Path, folder: &Path, all: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
        match path.symlink_metadata().unwrap().is_dir() {
            true => list(root, &path, all),
            false => all.push(name),
        }
    }
}

/// A tar archive whose headers can lie.
#[derive(Clone, Default)]
pub(crate) struct Tar(Vec<u8>);

impl Tar {
    /// A regular file.
    pub(crate) fn file(self, name: impl AsRef<[u8]>, bytes: impl AsRef<[u8]>) -> Self {
        self.entry(name.as_ref(), b'0', b"", bytes.as_ref())
    }

    /// A link: `1` is a hard one, `2` a symbolic one.
    pub(crate) fn link(self, kind: u8, name: &str, target: &str) -> Self {
        self.entry(name.as_bytes(), kind, target.as_bytes(), b"")
    }

    /// An extended header for the next entry.
    pub(crate) fn pax(self, records: &[(&str, &[u8])]) -> Self {
        let mut body = Vec::new();
        for (key, value) in records {
            let rest = key.len() + value.len() + 3;
            let mut length = rest + 1;
            while rest + length.to_string().len() != length {
                length += 1;
            }
            body.extend_from_slice(format!("{length} {key}=").as_bytes());
            body.extend_from_slice(value);
            body.push(b'\n');
        }
        self.entry(b"pax", b'x', b"", &body)
    }

    /// Any entry. Names of more than a hundred bytes come as GNU writes them.
    pub(crate) fn entry(mut self, name: &[u8], kind: u8, link: &[u8], bytes: &[u8]) -> Self {
        if name.len() > 100 {
            let mut long = name.to_vec();
            long.push(0);
            self = self.entry(b"././@LongLink", b'L', b"", &long);
        }
        let mut header = [0u8; 512];
        let mut put = |at: usize, value: &[u8]| {
            let value = &value[..value.len().min(100)];
            header[at..at + value.len()].copy_from_slice(value);
        };
        put(0, name);
        put(100, b"0000644");
        put(108, b"0000000");
        put(116, b"0000000");
        put(124, format!("{:011o}", bytes.len()).as_bytes());
        put(136, b"00000000000");
        put(157, link);
        put(257, b"ustar\x0000");
        header[156] = kind;
        self.sealed(header, bytes)
    }

    /// A header as it is, but for its checksum, and what follows it.
    pub(crate) fn sealed(self, mut header: [u8; 512], bytes: &[u8]) -> Self {
        header[148..156].copy_from_slice(b"        ");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        self.raw(&header).raw(bytes).padded()
    }

    /// Bytes as they are.
    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn padded(mut self) -> Self {
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    /// The whole.
    pub(crate) fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }

    /// As a layer, packed with gzip.
    pub(crate) fn layer(self) -> Layer {
        let tar = self.end();
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&tar).unwrap();
        Layer { packed: encoder.finish().unwrap(), diff_id: digest(&tar), form: "tar+gzip" }
    }

    /// The header of the last entry, and where it stands.
    pub(crate) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

/// One layer of an image, and what its configuration promises of it.
#[derive(Clone)]
pub(crate) struct Layer {
    pub(crate) packed: Vec<u8>,
    pub(crate) diff_id: String,
    pub(crate) form: &'static str,
}

/// Files of a layout by path.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// An image, written as an OCI layout whose documents can lie.
pub(crate) struct Image {
    pub(crate) layers: Vec<Layer>,
    /// The part `config` of the configuration.
    pub(crate) config: Value,
    /// What is done to the manifest before it is written.
    pub(crate) manifest: Box<dyn Fn(&mut Value)>,
    /// What is done to the files of the layout before they are written.
    pub(crate) files: Box<dyn Fn(&mut Files)>,
}

impl Image {
    pub(crate) fn of(layers: Vec<Layer>) -> Self {
        let config = json!({ "User": "10001", "Healthcheck": { "Test": ["CMD", "/ok"] } });
        Image { layers, config, manifest: Box::new(|_| ()), files: Box::new(|_| ()) }
    }

    /// Writes the layout.
    pub(crate) fn write(&self, folder: &Path) {
        for (name, bytes) in self.layout() {
            put(&folder.join(name), &bytes);
        }
    }

    fn layout(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut blob = |media_type: &str, bytes: Vec<u8>| {
            let digest = digest(&bytes);
            let described = json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() });
            files.insert(format!("blobs/{}", digest.replace(':', "/")), bytes);
            described
        };
        let diff_ids: Vec<&str> = self.layers.iter().map(|layer| layer.diff_id.as_str()).collect();
        let layers: Vec<Value> = self
            .layers
            .iter()
            .map(|layer| blob(&format!("application/vnd.oci.image.layer.v1.{}", layer.form), layer.packed.clone()))
            .collect();
        let config = json!({
            "architecture": "amd64", "os": "linux", "config": self.config,
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
        });
        let config = blob("application/vnd.oci.image.config.v1+json", config.to_string().into_bytes());
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let mut manifest = json!({ "schemaVersion": 2, "mediaType": media_type, "config": config, "layers": layers });
        (self.manifest)(&mut manifest);
        let manifest = blob(media_type, manifest.to_string().into_bytes());
        let media_type = "application/vnd.oci.image.index.v1+json";
        let index = json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": [manifest] });
        files.insert("index.json".into(), index.to_string().into_bytes());
        files.insert("oci-layout".into(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec());
        (self.files)(&mut files);
        files
    }
}

/// `sha256:…` of some bytes.
pub(crate) fn digest(bytes: &[u8]) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let hex: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}
