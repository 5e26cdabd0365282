use std::io::Write;

use model::Digest;

use super::*;

/// A layer that lies in memory.
struct Memory(Promise, Vec<u8>);

impl Layers for Memory {
    fn count(&self) -> usize {
        1
    }

    fn promise(&self, _: usize) -> Promise {
        self.0.clone()
    }

    fn open(&self, _: usize) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(io::Cursor::new(self.1.clone())))
    }
}

fn digest(bytes: &[u8]) -> Digest {
    Digest::of_hash(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref()).unwrap()
}

fn packed(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn layer(stored: Vec<u8>, unpacked: &[u8]) -> Memory {
    let promise = Promise {
        media_type: "".into(),
        digest: Some(digest(&stored)),
        size: Some(stored.len() as u64),
        diff_id: Some(digest(unpacked)),
    };
    Memory(promise, stored)
}

#[test]
fn what_is_kept_of_a_layer_never_speaks_for_other_bytes() {
    let folder = std::env::temp_dir().join(format!("kobuk-scan-kept-{}", std::process::id()));
    let cache = Cache::new(&folder);
    let settings = Settings { cache: Some(&cache), ..Settings::default() };
    let clean = [0u8; 1024];
    let scanned = |layer: &Memory| {
        let scanned = image(layer, &settings);
        (scanned.cached, scanned.failed.len())
    };
    let honest = layer(packed(&clean, 6), &clean);
    assert_eq!(scanned(&honest), (0, 0));
    assert_eq!(scanned(&honest), (1, 0));
    // A configuration that names the clean layer, and a manifest that names another blob.
    let other = layer(packed(&[1u8; 4096], 6), &clean);
    assert_eq!(scanned(&other), (0, 1));
    // The same files packed otherwise are read once more.
    let repacked = layer(packed(&clean, 0), &clean);
    assert_eq!(scanned(&repacked), (0, 0));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_is_no_file_is_told_and_links_lead_nowhere() {
    let folder = std::env::temp_dir().join(format!("kobuk-scan-walk-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    let (root, outside) = (folder.join("root"), folder.join("outside"));
    fs::create_dir_all(root.join(".git")).unwrap();
    fs::create_dir_all(&outside).unwrap();
    for path in [outside.join("secret"), root.join(".git/config"), root.join("seen")] {
        fs::write(path, "x").unwrap();
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&outside, root.join("link")).unwrap();
        std::os::unix::fs::symlink(outside.join("secret"), root.join("secret")).unwrap();
        std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    }
    let inventory = super::folder(&root, false, &Settings::default()).unwrap().inventory;
    assert_eq!(inventory.files, 1);
    #[cfg(unix)]
    assert_eq!(inventory.damage.iter().map(|damage| &*damage.path).collect::<Vec<_>>(), ["socket"]);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn gitignore_hides_folders_and_files_but_nothing_that_tells_of_packages() {
    let root = std::env::temp_dir().join(format!("kobuk-scan-ignore-{}", std::process::id()));
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(root.join("kept/dist")).unwrap();
    fs::create_dir_all(root.join("build")).unwrap();
    fs::create_dir_all(root.join("sub")).unwrap();
    let lock = |name: &str| {
        format!(r#"{{"lockfileVersion": 3, "packages": {{"": {{}}, "node_modules/{name}": {{"version": "1.0.0"}}}}}}"#)
    };
    for (path, text) in [
        (".gitignore", "*.json\nbuild/\nsub/\nDockerfile*\n!Dockerfile.kept\n".to_owned()),
        ("sub/package-lock.json", lock("below")),
        ("sub/notes.txt", String::new()),
        ("package-lock.json", lock("seen")),
        ("build/package-lock.json", lock("built")),
        ("kept/.gitignore", "dist\n!/notes.json\n".to_owned()),
        ("kept/dist/package-lock.json", lock("packed")),
        ("Dockerfile", "FROM scratch\n".to_owned()),
        ("Dockerfile.kept", "FROM scratch\n".to_owned()),
        ("notes.json", "{}".to_owned()),
        ("kept/notes.json", "{}".to_owned()),
    ] {
        fs::write(root.join(path), text).unwrap();
    }
    let scanned = |no_ignore| {
        let found = super::folder(&root, false, &Settings { no_ignore, ..Settings::default() }).unwrap();
        let names: Vec<String> = found.inventory.packages.iter().map(|package| package.name.to_string()).collect();
        let containerfiles: Vec<String> = found.containerfiles.into_iter().map(|(path, _)| path).collect();
        (names.join(" "), containerfiles.join(" "), found.inventory.files)
    };
    assert_eq!(scanned(false), ("below seen".into(), "Dockerfile.kept".into(), 6));
    assert_eq!(scanned(true), ("below built packed seen".into(), "Dockerfile Dockerfile.kept".into(), 11));
    fs::remove_dir_all(root).unwrap();
}

#[cfg(unix)]
#[test]
fn containerfiles_that_cannot_be_read_are_told_and_links_are_followed_within_the_folder_only() {
    let folder = std::env::temp_dir().join(format!("kobuk-scan-containerfiles-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    let root = folder.join("root");
    fs::create_dir_all(root.join("deploy")).unwrap();
    fs::write(folder.join("secret"), "outside").unwrap();
    fs::write(root.join("deploy/build"), "FROM scratch\n").unwrap();
    std::os::unix::fs::symlink("deploy/build", root.join("Dockerfile")).unwrap();
    std::os::unix::fs::symlink("../secret", root.join("Dockerfile.out")).unwrap();
    std::os::unix::fs::symlink("missing", root.join("Dockerfile.gone")).unwrap();
    std::os::unix::net::UnixListener::bind(root.join("Containerfile")).unwrap();
    let found = super::folder(&root, false, &Settings::default()).unwrap().containerfiles;
    let found: Vec<(String, String)> = found
        .into_iter()
        .map(|(path, content)| {
            (path, content.map_or_else(|error| error.to_string(), |bytes| String::from_utf8(bytes).unwrap()))
        })
        .collect();
    let of = |name: &str| found.iter().find(|(path, _)| path == name).map(|(_, content)| content.as_str()).unwrap();
    assert_eq!(of("Dockerfile"), "FROM scratch\n");
    assert!(of("Dockerfile.out").contains("leads out"));
    assert!(of("Dockerfile.gone").contains("No such file"));
    assert!(of("Containerfile").contains("no regular file"));
    fs::remove_dir_all(folder).unwrap();
}

#[cfg(unix)]
#[test]
fn pipes_are_not_waited_for_and_links_are_not_opened() {
    let folder = std::env::temp_dir().join(format!("kobuk-scan-pipe-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let (pipe, link, file) = (folder.join("package.json"), folder.join("link"), folder.join("file"));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fs::write(&file, "x").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    assert!(open_regular(&pipe).is_err() && open_regular(&link).is_err() && open_regular(&file).is_ok());
    let inventory = super::folder(&folder, true, &Settings::default()).unwrap().inventory;
    assert_eq!(inventory.damage.iter().map(|damage| &*damage.path).collect::<Vec<_>>(), ["package.json"]);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_scan_ends_when_its_time_is_over() {
    let empty = [0u8; 1024];
    let settings = Settings { time_max: Some(Duration::ZERO), ..Settings::default() };
    let scanned = image(&layer(packed(&empty, 6), &empty), &settings);
    assert!(matches!(scanned.failed[..], [(0, LayerError::Limit(LimitError::Time))]), "{:?}", scanned.failed);
    let folder = std::env::temp_dir().join(format!("kobuk-scan-time-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("package.json"), "{}").unwrap();
    let inventory = super::folder(&folder, true, &settings).unwrap().inventory;
    assert!(inventory.damage[0].message.contains("took longer"), "{:?}", inventory.damage);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_form_that_a_manifest_tells_is_compared_with_the_bytes() {
    let empty = [0u8; 1024];
    let mut layer = layer(packed(&empty, 6), &empty);
    layer.0.media_type = media_type(MediaType::TarZstd).into();
    let scanned = image(&layer, &Settings::default());
    assert!(scanned.inventory.damage[0].message.contains("does not fit the bytes"), "{:?}", scanned.inventory.damage);
    layer.0.media_type = media_type(MediaType::TarGzip).into();
    assert_eq!(image(&layer, &Settings::default()).inventory.damage, []);
}

#[cfg(unix)]
#[test]
fn a_database_of_a_folder_that_only_a_link_leads_to_is_told() {
    use std::os::unix::fs::symlink;
    let root = std::env::temp_dir().join(format!("kobuk-scan-linked-{}", std::process::id()));
    let damage = |target: &str, place: &str| {
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("var")).unwrap();
        symlink(target, root.join("var/lib")).unwrap();
        fs::create_dir_all(root.join(place)).unwrap();
        fs::write(root.join(place).join("status"), "").unwrap();
        super::folder(&root, true, &Settings::default()).unwrap().inventory.damage.len()
    };
    assert_eq!(damage("/data", "data/dpkg"), 1);
    assert_eq!(damage("../usr/var/lib", "usr/var/lib/dpkg"), 0);
    assert_eq!(damage("../../../../data", "data/other"), 0);
    assert!(damage("lib", "data") > 0);
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn requirements_take_in_others_whatever_they_are_called() {
    let root = std::env::temp_dir().join(format!("kobuk-scan-includes-{}", std::process::id()));
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(root.join("deps")).unwrap();
    for (path, text) in [
        (".gitignore", "deps/\n"),
        ("requirements.txt", "-r deps/base.in\n-r deps/missing.in\na==1\n"),
        ("deps/base.in", "b==2\n--requirement more.in\n-r ../requirements.txt\n"),
        ("deps/more.in", "c==3\n"),
    ] {
        fs::write(root.join(path), text).unwrap();
    }
    let inventory = super::folder(&root, false, &Settings::default()).unwrap().inventory;
    let names: Vec<&str> = inventory.packages.iter().map(|package| &*package.name).collect();
    assert_eq!(names, ["a", "b", "c"]);
    let damage: Vec<String> = inventory.damage.iter().map(|one| format!("{}: {}", one.path, one.message)).collect();
    assert_eq!(damage.len(), 1, "{damage:?}");
    assert!(damage[0].starts_with("requirements.txt: ") && damage[0].contains("deps/missing.in"), "{damage:?}");
    fs::remove_dir_all(root).unwrap();
}

#[cfg(unix)]
#[test]
fn lock_files_that_are_links_or_empty_are_read_or_told() {
    use std::os::unix::fs::symlink;
    let folder = std::env::temp_dir().join(format!("kobuk-scan-lock-links-{}", std::process::id()));
    let lock = r#"{"lockfileVersion": 3, "packages": {"": {}, "node_modules/a": {"version": "1.0.0"}}}"#;
    let scanned = |make: &dyn Fn(&Path)| {
        let _ = fs::remove_dir_all(&folder);
        let root = folder.join("root");
        fs::create_dir_all(&root).unwrap();
        fs::write(folder.join("outside"), lock).unwrap();
        make(&root);
        let inventory = super::folder(&root, false, &Settings::default()).unwrap().inventory;
        let doubted = inventory.damage.iter().filter(|one| one.doubt == Doubt::Packages).count();
        (inventory.packages.len(), doubted)
    };
    let link = |target: &'static str| move |root: &Path| symlink(target, root.join("package-lock.json")).unwrap();
    let inside = |root: &Path| {
        fs::write(root.join("locked"), lock).unwrap();
        symlink("./locked", root.join("package-lock.json")).unwrap();
    };
    assert_eq!(scanned(&inside), (1, 0));
    assert_eq!(scanned(&link("../outside")), (0, 1));
    assert_eq!(scanned(&link("missing")), (0, 1));
    assert_eq!(scanned(&link("package-lock.json")), (0, 1));
    assert_eq!(scanned(&|root: &Path| fs::write(root.join("package-lock.json"), "").unwrap()), (0, 1));
    assert_eq!(scanned(&|root: &Path| fs::write(root.join("requirements.txt"), "").unwrap()), (0, 0));
    fs::remove_dir_all(folder).unwrap();
}
