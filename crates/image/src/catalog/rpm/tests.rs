use super::*;
use crate::catalog::packages_of;

/// A package header with texts and numbers.
fn header(texts: &[(u32, &[&str])], numbers: &[(u32, &[u32])]) -> Vec<u8> {
    let (mut index, mut data) = (Vec::new(), Vec::new());
    let mut entry = |tag: u32, kind: u32, offset: usize, count: usize| {
        for word in [tag, kind, offset as u32, count as u32] {
            index.extend(word.to_be_bytes());
        }
    };
    for (tag, list) in texts {
        entry(*tag, if list.len() == 1 { 6 } else { 8 }, data.len(), list.len());
        list.iter().for_each(|text| data.extend(text.bytes().chain([0])));
    }
    for (tag, list) in numbers {
        entry(*tag, 4, data.len(), list.len());
        list.iter().for_each(|value| data.extend(value.to_be_bytes()));
    }
    let mut bytes = ((index.len() / 16) as u32).to_be_bytes().to_vec();
    bytes.extend((data.len() as u32).to_be_bytes());
    bytes.extend(index);
    bytes.extend(data);
    bytes
}

fn bash() -> Vec<u8> {
    let texts: &[(u32, &[&str])] = &[
        (header::NAME, &["bash"]),
        (header::VERSION, &["5.1.8"]),
        (header::RELEASE, &["6.el9"]),
        (header::ARCH, &["x86_64"]),
        (header::LICENSE, &["GPLv3+"]),
        (header::SOURCE_RPM, &["bash-5.1.8-6.el9.src.rpm"]),
        (header::REQUIRE_NAME, &["glibc", "rpmlib(CompressedFileNames)", "libc.so.6()(64bit)"]),
        (header::DIR_NAMES, &["/usr/lib/python3/site-packages/x.dist-info/", "/usr/bin/"]),
        (header::BASE_NAMES, &["METADATA", "bash"]),
    ];
    header(texts, &[(header::EPOCH, &[2]), (header::DIR_INDEXES, &[0, 1])])
}

fn ndb(blobs: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![0u8; 4096];
    bytes[..4].copy_from_slice(b"RpmP");
    bytes[12] = 1;
    bytes[32..].chunks_exact_mut(16).for_each(|slot| slot[..4].copy_from_slice(b"Slot"));
    for (number, blob) in blobs.iter().enumerate() {
        let at = bytes.len();
        let slot = 32 + number * 16;
        bytes[slot + 4..slot + 8].copy_from_slice(&(number as u32 + 1).to_le_bytes());
        bytes[slot + 8..slot + 12].copy_from_slice(&((at / 16) as u32).to_le_bytes());
        bytes.extend(b"BlbS");
        bytes.extend((number as u32 + 1).to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend((blob.len() as u32).to_le_bytes());
        bytes.extend(blob);
        bytes.resize(bytes.len().next_multiple_of(16), 0);
    }
    bytes
}

/// A hash page with one value on overflow pages of 512 bytes.
fn bdb(blob: &[u8], circle: bool) -> Vec<u8> {
    let size = 512;
    let mut bytes = vec![0u8; size * 2];
    bytes[12..16].copy_from_slice(&0x0006_1561u32.to_le_bytes());
    bytes[20..24].copy_from_slice(&(size as u32).to_le_bytes());
    bytes[size + 25] = 13;
    bytes[size + 20] = 2;
    bytes[size + 26..size + 30].copy_from_slice(&[100, 0, 120, 0]);
    bytes[size + 120] = 3;
    bytes[size + 124] = 2;
    let pieces: Vec<&[u8]> = blob.chunks(size - 26).collect();
    for (number, piece) in pieces.iter().enumerate() {
        let mut page = vec![0u8; size];
        page[25] = 7;
        let last = number + 1 == pieces.len();
        let next = if last && circle {
            2
        } else if last {
            0
        } else {
            number as u32 + 3
        };
        page[16..20].copy_from_slice(&next.to_le_bytes());
        page[22..24].copy_from_slice(&(piece.len() as u16).to_le_bytes());
        page[26..26 + piece.len()].copy_from_slice(piece);
        bytes.extend(page);
    }
    bytes
}

fn read_all(bytes: &[u8]) -> (Vec<Package>, Vec<Box<str>>) {
    packages_of(&CATALOGUERS[0], "var/lib/rpm/Packages", bytes)
}

#[test]
fn all_forms_give_the_same_package() {
    for bytes in [ndb(&[bash()]), bdb(&bash(), false)] {
        let (packages, damage) = read_all(&bytes);
        assert_eq!(damage, Vec::<Box<str>>::new());
        let package = &packages[0];
        assert_eq!((&*package.name, &*package.version, &*package.arch), ("bash", "2:5.1.8-6.el9", "x86_64"));
        assert_eq!(package.source, Some(Source { name: "bash".into(), version: "2:5.1.8-6.el9".into() }));
        assert_eq!(package.depends_on, ["glibc".into()]);
        assert_eq!(package.licenses, ["GPL-3.0-or-later".into()]);
    }
    let mut sink = Sink::default();
    (CATALOGUERS[0].read)(&Input { path: "x", bytes: &ndb(&[bash()]) }, &mut sink);
    let Fact::Owns { paths, .. } = &sink.facts[1] else { panic!("{:?}", sink.facts) };
    assert_eq!(paths, &["usr/lib/python3/site-packages/x.dist-info/METADATA".into(), "usr/bin/bash".into()]);
}

#[test]
fn damage_is_told_and_the_rest_is_found() {
    let (packages, damage) = read_all(&ndb(&[bash(), b"no header".to_vec(), bash()]));
    assert_eq!((packages.len(), damage.len()), (2, 1));
    let (_, damage) = read_all(&bdb(&bash(), true));
    assert!(damage[0].contains("circle"), "{damage:?}");
    for bytes in [&b""[..], b"SQLite format 3\0", b"RpmP", b"nothing of this"] {
        assert_eq!(read_all(bytes).1.len(), 1, "{bytes:?}");
    }
}

#[test]
fn a_broken_slot_or_chain_costs_its_own_package_alone() {
    let mut slots = ndb(&[bash(), bash(), bash()]);
    slots[32 + 16] = b'X';
    let (packages, damage) = read_all(&slots);
    assert_eq!((packages.len(), damage.len()), (2, 1), "{damage:?}");
    let mut blobs = ndb(&[bash(), bash()]);
    blobs[4096] = b'X';
    assert_eq!(read_all(&blobs).0.len(), 1);
    // Two entries, of which the first leads nowhere.
    let mut chains = bdb(&bash(), false);
    chains[512 + 20] = 4;
    let entries = [100u8, 0, 130, 0, 100, 0, 120, 0];
    chains[512 + 26..512 + 34].copy_from_slice(&entries);
    chains[512 + 130] = 3;
    chains[512 + 134..512 + 138].copy_from_slice(&99u32.to_le_bytes());
    let (packages, damage) = read_all(&chains);
    assert_eq!((packages.len(), damage.len()), (1, 1), "{damage:?}");
    assert!(damage[0].contains("1 of its records"), "{damage:?}");
}

#[test]
fn no_cut_or_changed_database_does_harm() {
    for good in [ndb(&[bash()]), bdb(&bash(), false)] {
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0xff;
            let _ = read_all(&bad);
            let _ = read_all(&good[..at]);
        }
    }
}

#[test]
fn distroless_lists_are_read() {
    let line = "openssl\t3.3.0-1.azl3\t1\t1\tMicrosoft\t(none)\t1\tx86_64\t7\topenssl-3.3.0-1.azl3.src.rpm\n";
    let (packages, damage) = packages_of(&CATALOGUERS[2], "x", format!("{line}broken\n").as_bytes());
    assert_eq!((packages.len(), damage.len()), (1, 1));
    assert_eq!(&*packages[0].version, "7:3.3.0-1.azl3");
}

/// A table of packages in pages of 1,024 bytes, with `pointers` to one cell whose overflow page leads to itself.
fn sqlite_circle(pointers: usize) -> Vec<u8> {
    let mut bytes = vec![0u8; 3 * 1024];
    bytes[..16].copy_from_slice(b"SQLite format 3\0");
    bytes[16..18].copy_from_slice(&1024u16.to_be_bytes());
    let cell: &[u8] = &[19, 1, 5, 23, 29, 0, 1];
    bytes[100] = 13;
    bytes[103..105].copy_from_slice(&1u16.to_be_bytes());
    bytes[108..110].copy_from_slice(&900u16.to_be_bytes());
    bytes[900..907].copy_from_slice(cell);
    bytes[907..912].copy_from_slice(b"table");
    bytes[912..920].copy_from_slice(b"Packages");
    bytes[920] = 2;
    bytes[1024] = 13;
    bytes[1027..1029].copy_from_slice(&(pointers as u16).to_be_bytes());
    for index in 0..pointers {
        let at = 1024 + 8 + index * 2;
        bytes[at..at + 2].copy_from_slice(&900u16.to_be_bytes());
    }
    // 50,000 bytes, of which 103 lie in the page.
    bytes[1024 + 900..1024 + 904].copy_from_slice(&[0x83, 0x86, 0x50, 1]);
    bytes[1024 + 1007..1024 + 1011].copy_from_slice(&3u32.to_be_bytes());
    bytes[2048..2052].copy_from_slice(&3u32.to_be_bytes());
    bytes
}

#[test]
fn overflow_pages_that_lead_to_themselves_end_at_once() {
    let (packages, damage) = read_all(&sqlite_circle(400));
    assert_eq!(packages, []);
    assert!(damage[0].contains("circle"), "{damage:?}");
}
