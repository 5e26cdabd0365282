use image::facts::{Fact, FileFacts, Marker, Secret};
use image::path::PathHash;
use model::Distro;
use model::package::{Kind, Need, Package, Place, Source};

use super::*;

fn sample() -> LayerFacts {
    let digest = |byte: u8| Digest::of_hash(&[byte; 32]).unwrap();
    let mut package = Package::new(Kind::Deb, "a", "1:2-3");
    package.source = Some(Source { name: "s".into(), version: "".into() });
    package.licenses = vec!["MIT".into()];
    package.need = Need::Indirect;
    package.places = vec![Place { path: "var/lib/dpkg/status".into(), layer: Some(0), line: 7 }, Place::file("x")];
    package.properties = vec![("k".into(), "v".into())];
    let facts = vec![
        Fact::Package(package),
        Fact::Distro(Distro { id: "debian".into(), id_like: vec!["x".into()], ..Distro::default() }),
        Fact::Licenses { kind: Kind::Deb, package: "a".into(), licenses: vec!["ISC".into()] },
        Fact::Owns { kind: Kind::Apk, package: "a".into(), paths: vec!["p".into()] },
        Fact::Secret(Secret { format: "f".into(), line: 300, column: 1, excerpt: "e".into() }),
        Fact::Marker(Marker::KnownBad),
        Fact::RootNames(vec!["toor".into()]),
        Fact::Sbom(b"{}".as_slice().into()),
    ];
    LayerFacts {
        digest: digest(1),
        diff_id: digest(2),
        size: 1 << 40,
        unpacked: 2,
        entries: 3,
        files_seen: 4,
        files: vec![FileFacts { path: "var/lib/dpkg/status".into(), facts, damage: vec!["d".into()] }],
        hides: vec![PathHash::of("a"), PathHash::of("b")],
        folders: vec![PathHash::of("c")],
        implied: vec![PathHash::of("d"), PathHash::of("e")],
        whiteouts: vec!["w".into()],
        opaque: vec!["o".into()],
        links: vec![("l".into(), "t".into())],
        damage: vec!["x".into()],
    }
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("kobuk-cache-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    folder
}

#[test]
fn what_was_kept_comes_back_equal() {
    let cache = Cache::new(folder("equal"));
    let facts = sample();
    assert_eq!(cache.load(&facts.diff_id, "all"), None);
    cache.store(&facts, "all").unwrap();
    assert_eq!(cache.load(&facts.diff_id, "all"), Some(facts.clone()));
    assert_eq!(cache.load(&facts.diff_id, "packages"), None);
    let files = fs::read_dir(cache.path(&facts.diff_id, "all").parent().unwrap()).unwrap().count();
    assert_eq!(files, 1, "a draft was left");
    fs::remove_dir_all(cache.folder()).unwrap();
}

#[test]
fn cut_changed_and_foreign_entries_are_as_if_they_were_not_there() {
    let cache = Cache::new(folder("damage"));
    let facts = sample();
    cache.store(&facts, "all").unwrap();
    let path = cache.path(&facts.diff_id, "all");
    let good = fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, bad).unwrap();
        assert_eq!(cache.load(&facts.diff_id, "all"), None, "byte {at}");
        fs::write(&path, &good[..at]).unwrap();
        assert_eq!(cache.load(&facts.diff_id, "all"), None, "cut at {at}");
    }
    // An entry under the name of another layer.
    fs::write(&path, &good).unwrap();
    let other = Digest::of_hash(&[9; 32]).unwrap();
    fs::create_dir_all(cache.path(&other, "all").parent().unwrap()).unwrap();
    fs::copy(&path, cache.path(&other, "all")).unwrap();
    assert_eq!(cache.load(&other, "all"), None);
    fs::remove_dir_all(cache.folder()).unwrap();
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_and_leaves_nothing() {
    let file = folder("file");
    fs::write(&file, b"x").unwrap();
    assert!(Cache::new(file.join("below")).store(&sample(), "all").is_err());
    fs::remove_file(&file).unwrap();
}

#[test]
fn forged_counts_ask_for_no_memory() {
    let mut bytes = Vec::new();
    encode::facts(&sample(), &mut bytes);
    for at in 0..bytes.len() {
        let mut bad = bytes.clone();
        bad[at] = 0xff;
        let _ = decode::facts(&bad);
        let _ = decode::facts(&bytes[..at]);
    }
}
