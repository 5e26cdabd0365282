use std::io::Write;

use super::*;
use crate::catalog::{Cataloguer, Settings, Wants};
use crate::facts::Fact;
use crate::scanner::Table;
use crate::secrets::Allow;
use model::Package;
use model::package::Kind;

static TEST: Cataloguer = Cataloguer {
    name: "test",
    wants: Wants { names: &["wanted"], ..Wants::NOTHING },
    settings: Settings::Both,
    bytes_max: 1 << 20,
    read: |input, sink| sink.package(Package::new(Kind::Generic, format!("{}", input.bytes.len()), "1")),
};

fn tar(entries: &[(&str, u8, &[u8], &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, kind, content, link) in entries {
        let mut block = vec![0u8; 512];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[100..107].copy_from_slice(b"0000644");
        block[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        block[148..156].copy_from_slice(b"        ");
        block[156] = *kind;
        block[157..157 + link.len()].copy_from_slice(link.as_bytes());
        block[257..263].copy_from_slice(b"ustar\0");
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        bytes.extend(block);
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.extend([0; 1024]);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn sha256(bytes: &[u8]) -> Digest {
    Digest::of_hash(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref()).unwrap()
}

fn promise(packed: &[u8], unpacked: &[u8]) -> Promise {
    Promise {
        media_type: "application/vnd.oci.image.layer.v1.tar+gzip".into(),
        digest: Some(sha256(packed)),
        size: Some(packed.len() as u64),
        diff_id: Some(sha256(unpacked)),
    }
}

fn scanned(bytes: impl Read, promise: &Promise) -> Result<LayerFacts, LayerError> {
    let table = Table::new([&TEST], true);
    let options = Options {
        table: &table,
        secrets: false,
        allow: Allow::default(),
        known_bad: None,
        markers: false,
        executables: None,
        over: None,
    };
    scan(bytes, promise, &options)
}

#[test]
fn a_layer_tells_its_files_links_and_deletions() {
    let unpacked = tar(&[
        ("a/", b'5', b"", ""),
        ("a/wanted", b'0', b"12345", ""),
        ("a/other", b'0', b"1", ""),
        ("lib", b'2', b"", "usr/lib"),
        ("b/.wh.gone", b'0', b"", ""),
        (".wh.top", b'0', b"", ""),
        ("c/.wh..wh..opq", b'0', b"", ""),
    ]);
    let packed = gzip(&unpacked);
    let facts = scanned(&packed[..], &promise(&packed, &unpacked)).unwrap();
    assert_eq!((facts.entries, facts.files_seen, facts.hides.len()), (7, 2, 3));
    assert_eq!(facts.whiteouts, ["b/gone".into(), "top".into()]);
    assert_eq!(facts.opaque, ["c".into()]);
    assert_eq!(facts.links, [("lib".into(), "usr/lib".into())]);
    let Fact::Package(package) = &facts.files[0].facts[0] else { panic!() };
    assert_eq!((&*package.name, &*package.places[0].path), ("5", "a/wanted"));
    assert_eq!(facts.damage, []);
}

#[test]
fn nothing_is_believed_of_other_bytes_than_promised() {
    let unpacked = tar(&[("wanted", b'0', b"1", "")]);
    let packed = gzip(&unpacked);
    let good = promise(&packed, &unpacked);
    let other = Some(sha256(b"other"));
    let fails = |promise: Promise| scanned(&packed[..], &promise).unwrap_err().to_string();
    assert!(fails(Promise { digest: other.clone(), ..good.clone() }).contains("was promised"));
    assert!(fails(Promise { diff_id: other, ..good.clone() }).contains("unpacked"));
    assert!(scanned(&packed[..], &Promise { size: Some(3), ..good.clone() }).is_err());
    assert!(fails(Promise { size: Some(9999), ..good.clone() }).contains("9999 were promised"));
    assert!(scanned(&packed[..packed.len() - 4], &good).is_err());
}

#[test]
fn an_endless_source_is_left_after_what_was_promised() {
    let unpacked = tar(&[("wanted", b'0', b"1", "")]);
    let mut promise = promise(&unpacked, &unpacked);
    promise.media_type = "application/vnd.oci.image.layer.v1.tar".into();
    let endless = (&unpacked[..]).chain(std::io::repeat(0));
    assert!(matches!(scanned(endless, &promise), Err(LayerError::Size { .. })));
}

#[test]
fn a_bomb_ends_at_the_ratio() {
    let gigabytes = std::io::repeat(0).take(RATIO_FREE_BYTES + (64 << 20));
    let packed = zstd::stream::encode_all(gigabytes, 1).unwrap();
    let mut promise = promise(&packed, &[]);
    promise.diff_id = None;
    // Zeros end the archive at once, but everything must be unpacked to be digested.
    assert!(matches!(scanned(&packed[..], &promise), Err(LayerError::Limit(LimitError::Ratio))));
}

#[test]
fn hostile_names_and_doubles_are_told_and_the_rest_is_found() {
    let unpacked = tar(&[
        ("../../etc/wanted", b'0', b"1", ""),
        ("x/wanted", b'0', b"1", ""),
        ("x/wanted", b'0', b"22", ""),
        ("y/wanted", b'1', b"", "x/other"),
        ("/abs/wanted", b'0', b"333", ""),
    ]);
    let packed = gzip(&unpacked);
    let facts = scanned(&packed[..], &promise(&packed, &unpacked)).unwrap();
    let found: Vec<(&str, usize, usize)> =
        facts.files.iter().map(|file| (&*file.path, file.facts.len(), file.damage.len())).collect();
    assert_eq!(found, [("abs/wanted", 1, 0), ("x/wanted", 1, 0), ("y/wanted", 0, 1)]);
    assert_eq!(facts.damage.len(), 2, "{:?}", facts.damage);
}

#[test]
fn a_damaged_archive_under_a_right_digest_is_told_with_what_came_before() {
    let mut unpacked = tar(&[("wanted", b'0', b"1", ""), ("b", b'0', b"1", "")]);
    unpacked[1024] ^= 1;
    let packed = gzip(&unpacked);
    let facts = scanned(&packed[..], &promise(&packed, &unpacked)).unwrap();
    assert_eq!(facts.files.len(), 1);
    assert!(facts.damage[0].message.contains("checksum"), "{:?}", facts.damage);
}

#[test]
fn hard_links_give_their_names_to_what_came_before() {
    let unpacked = tar(&[
        ("store/1", b'0', b"12345", ""),
        ("a/wanted", b'1', b"", "./store/1"),
        ("store/1", b'0', b"1234567", ""),
        ("b/wanted", b'1', b"", "store/1"),
        ("a/first/wanted", b'0', b"1", ""),
        ("c/wanted", b'1', b"", "a/first/wanted"),
        ("d/wanted", b'1', b"", "lower/file"),
        ("e/wanted", b'0', b"12", ""),
        ("e/wanted", b'1', b"", "later"),
        ("later", b'0', b"123", ""),
    ]);
    let table = Table::new([&TEST], true);
    let allow = Allow::default();
    let options = Options {
        table: &table,
        secrets: false,
        allow,
        known_bad: None,
        markers: false,
        executables: None,
        over: None,
    };
    let facts =
        scan_twice(|| Ok(&unpacked[..]), &Promise { media_type: "".into(), ..promise(&unpacked, &unpacked) }, &options)
            .unwrap();
    let found: Vec<(&str, String)> = facts
        .files
        .iter()
        .map(|file| match &file.facts[..] {
            [Fact::Package(package)] => (&*file.path, package.name.to_string()),
            facts => (&*file.path, format!("{} {}", facts.len(), file.damage.len())),
        })
        .collect();
    let expect = [
        ("a/first/wanted", "1"),
        ("a/wanted", "5"),
        ("b/wanted", "7"),
        ("c/wanted", "1"),
        ("d/wanted", "0 1"),
        ("e/wanted", "0 1"),
    ];
    assert_eq!(found, expect.map(|(path, told)| (path, told.to_owned())));
    // The same at once tells that it was not read.
    assert_eq!(
        scan(&unpacked[..], &Promise { media_type: "".into(), ..promise(&unpacked, &unpacked) }, &options)
            .unwrap()
            .files
            .iter()
            .filter(|file| !file.damage.is_empty())
            .count(),
        5
    );
}

#[test]
fn folders_are_told_apart_by_whether_they_have_an_entry() {
    let unpacked = tar(&[
        ("a/", b'5', b"", ""),
        ("a/b/wanted", b'0', b"1", ""),
        ("lib", b'2', b"", "usr/lib"),
        ("lib/x", b'0', b"1", ""),
        ("d/x", b'0', b"1", ""),
        ("d", b'2', b"", "a"),
        ("lib2", b'2', b"", "x"),
        ("lib2/", b'5', b"", ""),
    ]);
    let facts = scanned(&unpacked[..], &Promise { media_type: "".into(), ..promise(&unpacked, &unpacked) }).unwrap();
    let hashes = |paths: &[&str]| {
        let mut hashes: Vec<PathHash> = paths.iter().map(|path| PathHash::of(path)).collect();
        hashes.sort();
        hashes
    };
    assert_eq!(facts.folders, hashes(&["a", "lib2"]));
    assert_eq!(facts.implied, hashes(&["a/b", "lib", "d"]));
    assert_eq!(facts.links, [("d".into(), "a".into()), ("lib".into(), "usr/lib".into())]);
    assert!(facts.damage[0].message.contains("`d` takes the place of a folder"), "{:?}", facts.damage);
}

#[test]
fn a_link_that_hides_a_wanted_name_is_told_and_a_second_name_is_marked() {
    let damage = |name: &str, target: &str| {
        let tar = tar(&[("a/wanted", b'0', b"x", ""), (name, b'2', b"", target)]);
        let packed = gzip(&tar);
        let facts = scanned(&packed[..], &promise(&packed, &tar)).unwrap();
        facts.files.iter().find(|file| &*file.path == name).map_or(0, |file| file.damage.len())
    };
    assert_eq!(damage("b/wanted", "../store/blob"), 1);
    assert_eq!(damage("b/wanted", "/store/blob"), 1);
    assert_eq!(damage("b/wanted", "../../../up"), 1);
    assert_eq!(damage("b/wanted", "../a/wanted"), 0);
    assert_eq!(damage("b/other", "../store/blob"), 0);
}
