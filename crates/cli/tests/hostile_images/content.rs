//! Package databases that are damaged: the rest is still found, and the damage is told.

use super::{LODASH_JSON, LODASH_PATH, OS_RELEASE, STATUS, above_base, folder, scan};
use crate::image::{Image, Tar, gaps};

#[test]
fn a_damaged_database_of_the_system_is_never_clean() {
    let folder = folder("hostile-databases");
    let many = "Package: a\nStatus: install ok installed\n\n".repeat(3);
    let statuses: Vec<(&str, String)> = vec![
        ("no text", "\u{0}\u{1}\u{2}".repeat(500)),
        ("no fields", "this is not a database of packages\n".repeat(10)),
        ("packages without versions", many),
    ];
    for (what, status) in statuses {
        let tar = Tar::default()
            .file("etc/os-release", OS_RELEASE)
            .file("var/lib/dpkg/status", status)
            .file(LODASH_PATH, LODASH_JSON);
        let outcome = scan(&folder, &Image::of(vec![tar.layer()]));
        assert_eq!(outcome.code, 2, "{what}: {:?} {}", gaps(&outcome.report), outcome.talk);
        assert!(outcome.names().contains(&"CVE-2021-23337".to_owned()), "{what}");
    }
    let wreck: Vec<u8> = (0..8192u32).map(|number| (number * 7 % 251) as u8).collect();
    let sqlite = [&b"SQLite format 3\0"[..], &wreck].concat();
    let ndb = [&b"RpmP"[..], &[0, 0, 0, 0], &wreck].concat();
    let bdb = [&[0u8; 12][..], &0x0006_1561u32.to_le_bytes(), &wreck].concat();
    for (path, bytes) in [
        ("var/lib/rpm/rpmdb.sqlite", &sqlite),
        ("usr/lib/sysimage/rpm/Packages.db", &ndb),
        ("var/lib/rpm/Packages", &bdb),
        ("var/lib/rpm/Packages", &wreck),
        ("lib/apk/db/installed", &wreck),
    ] {
        let tar = Tar::default()
            .file("etc/os-release", "ID=fedora\nVERSION_ID=40\n")
            .file(path, bytes)
            .file(LODASH_PATH, LODASH_JSON);
        let outcome = scan(&folder, &Image::of(vec![tar.layer()]));
        assert_eq!(outcome.code, 2, "{path}: {:?} {}", gaps(&outcome.report), outcome.talk);
        assert!(outcome.names().contains(&"CVE-2021-23337".to_owned()), "{path}");
    }
}

#[test]
fn one_damaged_stanza_leaves_the_others() {
    let folder = folder("hostile-stanza");
    let status = format!("Package: broken\nStatus: install ok installed\nVersion\n\u{1}\n\n{STATUS}");
    let tar = Tar::default().file("etc/os-release", OS_RELEASE).file("var/lib/dpkg/status", status);
    let outcome = scan(&folder, &Image::of(vec![tar.layer()]));
    assert!(outcome.names().contains(&"CVE-2024-5535".to_owned()), "{}", outcome.says());
}

#[test]
fn damaged_files_of_languages_leave_the_rest() {
    let folder = folder("hostile-languages");
    let deep = "[".repeat(100_000);
    let nested = format!("{{\"name\":\"x\",\"version\":{}1{}}}", "{\"a\":".repeat(5000), "}".repeat(5000));
    let files: Vec<(&str, Vec<u8>)> = vec![
        ("app/node_modules/a/package.json", deep.into_bytes()),
        ("app/node_modules/b/package.json", nested.into_bytes()),
        ("app/node_modules/c/package.json", b"{\"name\": 7, \"version\": []}".to_vec()),
        ("usr/lib/python3/site-packages/x-1.dist-info/METADATA", b"Name: \xff\xfe\nVersion: \xff\n".to_vec()),
        ("usr/lib/python3/site-packages/y-1.dist-info/METADATA", Vec::new()),
        ("app/lib/a.jar", b"PK\x03\x04 and no more".to_vec()),
        ("app/lib/b.jar", vec![0; 4096]),
        ("app/Cargo.lock", b"[[package]]\nname = ".to_vec()),
        ("app/bin/program", [&b"\x7fELF\x02\x01\x01"[..], &[0xff; 200]].concat()),
        ("app/bin/go", [&b"\x7fELF\x02\x01\x01"[..], &[0; 57], b"\xff Go buildinf:", &[0xff; 64]].concat()),
    ];
    for (path, bytes) in &files {
        let tar = Tar::default().file(path, bytes).file(LODASH_PATH, LODASH_JSON);
        let outcome = above_base(&folder, tar.layer());
        assert_eq!(outcome.names(), ["CVE-2021-23337", "CVE-2024-5535"], "{path}: {}", outcome.says());
    }
    let tar = files.iter().fold(Tar::default(), |tar, (path, bytes)| tar.file(path, bytes));
    let outcome = above_base(&folder, tar.file(LODASH_PATH, LODASH_JSON).layer());
    assert_eq!(outcome.names(), ["CVE-2021-23337", "CVE-2024-5535"]);
    assert!(gaps(&outcome.report).len() >= 4, "{:?}", gaps(&outcome.report));
}
