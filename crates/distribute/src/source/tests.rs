use std::fs;
use std::io::Read;
use std::path::PathBuf;

use super::*;
use crate::registry::Settings;
use crate::source::store::digest_of;
use model::digest::Algorithm;

/// A small image: blobs by digest, its manifest, and an index that names it `registry.example/app:1`.
pub(crate) struct Sample {
    pub(crate) blobs: Vec<(Digest, Vec<u8>)>,
    pub(crate) manifest: Vec<u8>,
    pub(crate) digest: Digest,
    pub(crate) layer: Digest,
}

pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    digest_of(Algorithm::Sha256, bytes)
}

/// A tar archive of files, written here so that tests know every byte.
pub(crate) fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, bytes) in files {
        archive.extend(header(name, bytes.len(), b'0', ""));
        archive.extend_from_slice(bytes);
        archive.resize(archive.len().div_ceil(512) * 512, 0);
    }
    archive.extend([0; 1024]);
    archive
}

fn header(name: &str, size: usize, kind: u8, link: &str) -> [u8; 512] {
    let mut header = [0_u8; 512];
    let mut put = |at: usize, text: &[u8]| header[at..at + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(100, b"0000644\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(148, b"        ");
    put(156, &[kind]);
    put(157, link.as_bytes());
    put(257, b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

pub(crate) fn sample(files: &[(&str, &[u8])]) -> Sample {
    let layer = tar(files);
    let layer_digest = sha256(&layer);
    let config = format!(
        r#"{{"os": "linux", "architecture": "amd64", "config": {{"User": "app"}},
            "rootfs": {{"type": "layers", "diff_ids": ["{layer_digest}"]}}}}"#
    )
    .into_bytes();
    let config_digest = sha256(&config);
    let manifest = format!(
        r#"{{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {{"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "{config_digest}", "size": {}}},
            "layers": [{{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": "{layer_digest}", "size": {}}}]}}"#,
        config.len(),
        layer.len()
    )
    .into_bytes();
    let digest = sha256(&manifest);
    let blobs = vec![(config_digest, config), (layer_digest.clone(), layer)];
    Sample { blobs, manifest, digest, layer: layer_digest }
}

impl Sample {
    fn index(&self, others: &str) -> String {
        format!(
            r#"{{"schemaVersion": 2, "manifests": [{{"mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": "{}", "size": {}, "annotations": {{"org.opencontainers.image.ref.name": "registry.example/app:1"}}}}{others}]}}"#,
            self.digest,
            self.manifest.len()
        )
    }

    fn files(&self, index: &str) -> Vec<(String, Vec<u8>)> {
        let blob = |digest: &Digest| format!("blobs/sha256/{}", digest.hex());
        let mut files = vec![
            ("oci-layout".to_owned(), br#"{"imageLayoutVersion": "1.0.0"}"#.to_vec()),
            ("index.json".to_owned(), index.as_bytes().to_vec()),
            (blob(&self.digest), self.manifest.clone()),
        ];
        files.extend(self.blobs.iter().map(|(digest, bytes)| (blob(digest), bytes.clone())));
        files
    }

    fn saved(&self) -> Vec<(String, Vec<u8>)> {
        let (config, layer) = (&self.blobs[0], &self.blobs[1]);
        let manifest = format!(
            r#"[{{"Config": "{}.json", "RepoTags": ["registry.example/app:1"], "Layers": ["aa/layer.tar"]}}]"#,
            config.0.hex()
        );
        vec![
            ("manifest.json".to_owned(), manifest.into_bytes()),
            (format!("{}.json", config.0.hex()), config.1.clone()),
            ("aa/layer.tar".to_owned(), layer.1.clone()),
        ]
    }
}

/// A folder that is removed at the end of the test.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("kobuk-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        Scratch(path)
    }

    fn archive(&self, name: &str, files: &[(String, Vec<u8>)]) -> PathBuf {
        let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        let path = self.0.join(name);
        fs::write(&path, tar(&files)).expect("a file");
        path
    }

    fn folder(&self, name: &str, files: &[(String, Vec<u8>)]) -> PathBuf {
        let root = self.0.join(name);
        for (name, bytes) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, bytes).expect("a file");
        }
        root
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn open(text: &str) -> Result<Image, SourceError> {
    let client = Client::new(Settings { proxy: false, ..Settings::default() }).expect("a client");
    match Location::parse(text)?.open(&Options::default(), || Ok(client.clone()))? {
        Opened::Image(image) => Ok(*image),
        other => panic!("{text}: {other:?}"),
    }
}

#[track_caller]
fn accepts(text: &str, sample: &Sample) {
    let image = open(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
    let mut bytes = Vec::new();
    image.open(0).expect("a layer").read_to_end(&mut bytes).expect("bytes");
    assert_eq!((image.layers.len(), sha256(&bytes), &*image.config.user), (1, sample.layer.clone(), "app"), "{text}");
}

#[track_caller]
fn rejects(text: &str, words: &str) {
    let error = open(text).expect_err(text);
    let mut chain = error.to_string();
    let mut at: &dyn std::error::Error = &error;
    while let Some(source) = at.source() {
        chain = format!("{chain}: {source}");
        at = source;
    }
    assert!(chain.contains(words), "{text}: {chain}");
}

#[test]
fn an_image_is_read_from_layouts_and_archives_without_unpacking() {
    let scratch = Scratch::new("read");
    let sample = sample(&[("etc/os-release", b"ID=debian\n")]);
    let files = sample.files(&sample.index(""));
    let folder = scratch.folder("layout", &files);
    let archive = scratch.archive("layout.tar", &files);
    let saved = scratch.archive("saved.tar", &sample.saved());
    let both = scratch.archive("both.tar", &[files.clone(), sample.saved()].concat());
    for path in [&folder, &archive, &saved, &both] {
        accepts(&path.display().to_string(), &sample);
    }
    accepts(&format!("oci:{}:registry.example/app:1", folder.display()), &sample);
    accepts(&format!("oci:{}:1", folder.display()), &sample);
    accepts(&format!("oci-archive:{}@{}", archive.display(), sample.digest), &sample);
    accepts(&format!("docker-archive:{}:registry.example/app:1", saved.display()), &sample);
    rejects(&format!("docker-archive:{}:registry.example/other:1", saved.display()), "registry.example/app:1");
    rejects(&format!("oci:{}:2", folder.display()), "holds no image");
    assert!(matches!(Location::parse(&scratch.0.display().to_string()), Ok(Location::Folder(_))));
}

#[test]
fn several_images_need_a_name_and_the_names_are_told() {
    let scratch = Scratch::new("several");
    let (one, two) = (sample(&[("a", b"1")]), sample(&[("a", b"2")]));
    let other = format!(
        r#", {{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "{}", "size": {},
            "annotations": {{"org.opencontainers.image.ref.name": "registry.example/two:1"}}}}"#,
        two.digest,
        two.manifest.len()
    );
    let files = [one.files(&one.index(&other)), two.files("").split_off(2)].concat();
    let folder = scratch.folder("layout", &files);
    rejects(&folder.display().to_string(), "registry.example/app:1, registry.example/two:1");
    accepts(&format!("oci:{}:registry.example/two:1", folder.display()), &two);
    accepts(&format!("oci:{}:registry.example/app:1", folder.display()), &one);
}

#[test]
fn bytes_that_are_not_those_that_were_named_are_refused() {
    let scratch = Scratch::new("named");
    let sample = sample(&[("a", b"1")]);
    let change = |name: &str, at: usize, change: &dyn Fn(&mut Vec<u8>)| {
        let mut files = sample.files(&sample.index(""));
        change(&mut files[at].1);
        scratch.archive(name, &files).display().to_string()
    };
    rejects(&change("manifest", 2, &|bytes| bytes[20] ^= 1), "was named");
    rejects(&change("config", 3, &|bytes| bytes[20] ^= 1), "was named");
    rejects(&change("longer", 3, &|bytes| bytes.push(b' ')), "was named");
    rejects(&change("shorter", 3, &|bytes| bytes.truncate(bytes.len() - 1)), "was named");
    rejects(&change("marker", 0, &|bytes| bytes.clear()), "OCI layout");
    let image = open(&change("layer", 4, &|bytes| bytes.truncate(bytes.len() - 1))).expect("layers are read later");
    let read = image.open(0).expect("a layer").read_to_end(&mut Vec::new());
    assert!(read.is_err_and(|error| error.to_string().contains("fewer bytes")));
    let image = open(&change("layer", 4, &|bytes| bytes.push(0))).expect("layers are read later");
    let read = image.open(0).expect("a layer").read_to_end(&mut Vec::new());
    assert!(read.is_err_and(|error| error.to_string().contains("more bytes")));
}

#[test]
fn archives_that_readers_understand_differently_are_refused() {
    let scratch = Scratch::new("odd");
    let (one, two) = (sample(&[("a", b"1")]), sample(&[("a", b"2")]));
    let both = scratch.archive("both.tar", &[one.files(&one.index("")), two.saved()].concat());
    rejects(&both.display().to_string(), "different images");
    let files = one.files(&one.index(""));
    let twice = scratch.archive("twice.tar", &[files.clone(), files.clone()].concat());
    rejects(&format!("oci-archive:{}", twice.display()), "stands twice");
    let whole = fs::read(scratch.archive("whole.tar", &files)).expect("a file");
    for (cut, words) in [(whole.len() - 1024, "after the end"), (700, "after the end"), (1500, "after the end")] {
        let path = scratch.0.join("cut.tar");
        fs::write(&path, &whole[..cut]).expect("a file");
        rejects(&format!("oci-archive:{}", path.display()), words);
    }
    let path = scratch.0.join("packed.tar");
    fs::write(&path, [0x1f, 0x8b, 8, 0]).expect("a file");
    rejects(&path.display().to_string(), "gunzip");
    fs::write(&path, "words").expect("a file");
    rejects(&path.display().to_string(), "neither an image archive");
    let folder = scratch.folder("links", &files);
    let blob = folder.join(format!("blobs/sha256/{}", one.digest.hex()));
    fs::rename(&blob, scratch.0.join("elsewhere")).expect("moved");
    std::os::unix::fs::symlink(scratch.0.join("elsewhere"), &blob).expect("a link");
    rejects(&folder.display().to_string(), "not a regular file");
}

#[test]
fn layers_of_old_archives_may_be_links_within_them() {
    let scratch = Scratch::new("links");
    let sample = sample(&[("a", b"1")]);
    let mut files = sample.saved();
    files[2].0 = "bb/layer.tar".to_owned();
    let path = scratch.archive("saved.tar", &files);
    let with = |target: &str| {
        let mut bytes = header("aa/layer.tar", 0, b'2', target).to_vec();
        bytes.extend(fs::read(&path).expect("a file"));
        let path = scratch.0.join("linked.tar");
        fs::write(&path, bytes).expect("a file");
        path.display().to_string()
    };
    accepts(&with("../bb/layer.tar"), &sample);
    rejects(&with("../../../etc/passwd"), "leads to no file in it");
    rejects(&with("layer.tar"), "leads to no file in it");
}

#[test]
fn folders_of_podmans_store_are_layers_of_which_nothing_vouches() {
    let scratch = Scratch::new("podman");
    let sample = sample(&[("a", b"1")]);
    let (id, config) = (sample.blobs[0].0.hex().to_owned(), sample.blobs[0].1.clone());
    let key = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("sha256:{id}"));
    let images = format!(r#"[{{"id": "{id}", "names": ["registry.example/app:1"], "layer": "l1"}}]"#);
    let text = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
    let root = scratch.folder(
        "storage",
        &[
            text("overlay-images/images.json", &images),
            text("overlay-layers/layers.json", r#"[{"id": "l1"}, {"id": "l2", "parent": "l2"}]"#),
            (format!("overlay-images/{id}/={key}"), config),
            text("overlay/l1/diff/a", "1"),
        ],
    );
    let client = Client::new(Settings::default()).expect("a client");
    let options = Options { podman_root: Some(root.clone()), ..Options::default() };
    for name in ["registry.example/app:1", &id[..12]] {
        let Ok(Opened::Image(image)) = Location::Podman(name.into()).open(&options, || Ok(client.clone())) else {
            panic!("{name}")
        };
        assert_eq!(image.layers[0].content, Content::Folder(root.join("overlay/l1/diff")));
        assert_eq!(image.damage.len(), 1);
    }
    assert!(Location::Podman("registry.example/b:1".into()).open(&options, || Ok(client.clone())).is_err());
    fs::write(root.join("overlay-images/images.json"), images.replace("l1", "l2")).expect("a file");
    assert!(matches!(
        Location::Podman(id.into()).open(&options, || Ok(client.clone())),
        Err(SourceError::Metadata(..))
    ));
}

#[test]
fn what_a_user_types_is_one_location() {
    let name = |text: &str| match Location::parse(text) {
        Ok(Location::Registry(name)) => name.to_string(),
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(name("no-such-path/app"), "docker.io/no-such-path/app:latest");
    assert_eq!(name("docker://registry.example:5000/app:1"), "registry.example:5000/app:1");
    assert_eq!(name("registry:nginx"), "docker.io/library/nginx:latest");
    assert_eq!(name("registry:2.8"), "docker.io/library/registry:2.8");
    assert!(matches!(Location::parse("containerd:app"), Ok(Location::Containerd(_))));
    assert!(matches!(Location::parse("podman:app"), Ok(Location::Podman(_))));
    assert!(matches!(Location::parse("dir:/"), Ok(Location::Folder(_))));
    assert!(matches!(Location::parse("/"), Ok(Location::Folder(_))));
    for bad in
        ["docker://", "docker://App", "oci:/no/such/folder:1", "/no/such/file", "oci-archive:", "https://a.example/b"]
    {
        assert!(Location::parse(bad).is_err(), "{bad}");
    }
    assert!(matches!(Location::parse("/dev/null"), Err(SourceError::NotRegular(_))));
}
