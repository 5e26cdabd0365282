//! Against a real registry and a real client: Debian's `docker-registry` and `skopeo`. Where they are not installed, the
//! test says so and passes.

#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use distribute::credentials::{Credential, Credentials, Secret};
use distribute::registry::{Client, RegistryError, Settings};
use distribute::source::{Image, Location, Opened, Options, SourceError};
use image::manifest::Platform;
use model::digest::Digest;

struct Running(Child, PathBuf);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
        let _ = fs::remove_dir_all(&self.1);
    }
}

#[test]
fn an_image_that_skopeo_pushed_is_read_back_whole() {
    if ["docker-registry", "skopeo"].iter().any(|program| !is_installed(program)) {
        println!("ignored: docker-registry and skopeo are not both installed");
        return;
    }
    let root = std::env::temp_dir().join(format!("kobuk-registry-{}", std::process::id()));
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(&root).expect("a folder");
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let _running = start(&root, port);
    let layer = layout(&root.join("layout"));
    let name = format!("127.0.0.1:{port}/team/app:1");
    skopeo(&["copy", "--dest-creds", "user:secret", "--dest-tls-verify=false"], &root, &format!("docker://{name}"));
    skopeo(&["copy"], &root, &format!("docker-archive:{}:registry.example/app:1", root.join("saved.tar").display()));
    skopeo(&["copy"], &root, &format!("oci-archive:{}:1", root.join("oci.tar").display()));

    let user = |password: &str| {
        let credential = Credential::Basic { user: "user".into(), password: Secret::new(password) };
        client(Credentials::given(credential))
    };
    let from_registry = open(&format!("docker://{name}"), &user("secret")).expect("the image");
    for image in [
        &from_registry,
        &open(&root.join("saved.tar").display().to_string(), &user("")).expect("the image"),
        &open(&root.join("oci.tar").display().to_string(), &user("")).expect("the image"),
        &open(&root.join("layout").display().to_string(), &user("")).expect("the image"),
    ] {
        assert_eq!(image.layers[0].diff_id, layer);
        let mut bytes = Vec::new();
        image.open(0).expect("a layer").read_to_end(&mut bytes).expect("bytes");
        let expected = image.layers[0].digest.as_ref().unwrap_or(&layer);
        assert_eq!(sha256(&bytes), *expected);
    }
    let reference = name.parse().expect("a name");
    assert_eq!(user("secret").tags(&reference).expect("tags"), ["1".into()]);
    assert_eq!(user("secret").head(&reference).ok(), from_registry.manifest_digest);
    assert_eq!(user("secret").referrers(&reference, &layer).expect("referrers"), []);
    for wrong in [user("wrong"), client(Credentials::default())] {
        let error = open(&name, &wrong).expect_err("no permission");
        let SourceError::Registry(_, error) = error else { panic!("{error}") };
        assert!(matches!(*error, RegistryError::Denied { .. }), "{error}");
    }
}

fn client(credentials: Credentials) -> Client {
    Client::new(Settings { credentials, proxy: false, ..Settings::default() }).expect("a client")
}

fn open(text: &str, client: &Client) -> Result<Image, SourceError> {
    let options = Options { platform: Some(Platform::linux("amd64")), ..Options::default() };
    match Location::parse(text)?.open(&options, || Ok(client.clone()))? {
        Opened::Image(image) => Ok(*image),
        other => panic!("{text}: {other:?}"),
    }
}

fn is_installed(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(program).is_file())
}

fn start(root: &Path, port: u16) -> Running {
    // bcrypt of `secret`; this registry takes no other kind.
    fs::write(root.join("htpasswd"), format!("user:{HASH_OF_SECRET}\n")).expect("a file");
    let config = format!(
        "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {root}/data\nhttp:\n  addr: 127.0.0.1:{port}\n\
         auth:\n  htpasswd:\n    realm: test\n    path: {root}/htpasswd\n",
        root = root.display()
    );
    fs::write(root.join("config.yml"), config).expect("a file");
    let log = fs::File::create(root.join("log")).expect("a file");
    let child = Command::new("docker-registry")
        .arg("serve")
        .arg(root.join("config.yml"))
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("docker-registry starts");
    let running = Running(child, root.into());
    let until = Instant::now() + Duration::from_secs(10);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        let log = || fs::read_to_string(root.join("log")).unwrap_or_default();
        assert!(Instant::now() < until, "docker-registry does not listen: {}", log());
        std::thread::sleep(Duration::from_millis(20));
    }
    running
}

fn skopeo(arguments: &[&str], root: &Path, target: &str) {
    let output = Command::new("skopeo")
        .arg("--insecure-policy")
        .args(arguments)
        .arg(format!("oci:{}:1", root.join("layout").display()))
        .arg(target)
        .output()
        .expect("skopeo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Writes an OCI layout of one layer with one file; gives the digest of the layer's tar stream.
fn layout(root: &Path) -> Digest {
    let mut layer = vec![0_u8; 512 * 4];
    let mut put = |at: usize, text: &[u8]| layer[at..at + text.len()].copy_from_slice(text);
    put(0, b"etc/motd");
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, b"00000000003\0");
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    put(512, b"hi\n");
    let sum: u32 = layer[..512].iter().map(|byte| u32::from(*byte)).sum();
    layer[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let layer_digest = sha256(&layer);
    let blobs = root.join("blobs/sha256");
    fs::create_dir_all(&blobs).expect("a folder");
    let write = |bytes: &[u8]| {
        let digest = sha256(bytes);
        fs::write(blobs.join(digest.hex()), bytes).expect("a file");
        format!(r#""digest": "{digest}", "size": {}"#, bytes.len())
    };
    let config = write(
        format!(
            r#"{{"os": "linux", "architecture": "amd64", "config": {{}}, "rootfs": {{"type": "layers", "diff_ids": ["{layer_digest}"]}}}}"#
        )
        .as_bytes(),
    );
    let manifest = write(
        format!(
            r#"{{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": {{"mediaType": "application/vnd.oci.image.config.v1+json", {config}}},
                "layers": [{{"mediaType": "application/vnd.oci.image.layer.v1.tar", {}}}]}}"#,
            write(&layer)
        )
        .as_bytes(),
    );
    let index = format!(
        r#"{{"schemaVersion": 2, "manifests": [{{"mediaType": "application/vnd.oci.image.manifest.v1+json", {manifest},
            "annotations": {{"org.opencontainers.image.ref.name": "1"}}}}]}}"#
    );
    fs::write(root.join("index.json"), index).expect("a file");
    fs::write(root.join("oci-layout"), r#"{"imageLayoutVersion": "1.0.0"}"#).expect("a file");
    layer_digest
}

fn sha256(bytes: &[u8]) -> Digest {
    Digest::of_hash(digest(&SHA256, bytes).as_ref()).expect("a digest")
}

const HASH_OF_SECRET: &str = "$2b$04$PYGJXAhsqIhPTnEoLsBGW.vszizWF0X4ApLAQpkz.8yF20L8QhvFC";
