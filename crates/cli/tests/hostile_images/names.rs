//! Names, links and whiteouts that mean to reach out of the image, and headers that can be read in two ways.

use super::{LODASH_JSON, LODASH_PATH, OS_RELEASE, STATUS, above_base, base, folder, lodash, scan};
use crate::image::{Image, Tar, gaps};

#[test]
fn names_that_leave_the_image_are_told_and_the_rest_is_found() {
    let folder = folder("hostile-names");
    let long = vec![b'a'; 5000];
    let deep = "d/".repeat(1500) + "x";
    let names: [&[u8]; 9] = [
        b"../evil.txt",
        b"../../../../../../../../tmp/evil.txt",
        b"app/../../evil.txt",
        b"/../evil.txt",
        b"./././../evil.txt",
        b"..",
        b"app/..",
        &long,
        deep.as_bytes(),
    ];
    for name in names {
        let outcome = above_base(&folder, lodash().file(name, "x").file("z/after", "x").layer());
        let shown = String::from_utf8_lossy(&name[..name.len().min(40)]).into_owned();
        assert_eq!(outcome.names(), ["CVE-2021-23337", "CVE-2024-5535"], "{shown}: {}", outcome.says());
        if name.starts_with(b"..") || name.contains(&b'.') {
            assert!(!gaps(&outcome.report).is_empty(), "{shown} is not told");
        }
    }
}

#[test]
fn absolute_names_are_names_inside_the_image() {
    let folder = folder("hostile-absolute");
    for prefix in ["/", "//", "./", ".//./"] {
        let outcome = above_base(&folder, Tar::default().file(format!("{prefix}{LODASH_PATH}"), LODASH_JSON).layer());
        assert_eq!(outcome.names(), ["CVE-2021-23337", "CVE-2024-5535"], "{prefix}");
    }
}

#[test]
fn names_with_nul_or_bytes_that_are_no_text_do_not_hide_what_follows() {
    let folder = folder("hostile-bytes");
    for name in [&b"app/\xff\xfe/x"[..], b"app/\xc0\xaf../x", b"\n\r\t", b" ", b""] {
        let outcome = above_base(&folder, Tar::default().file(name, "x").file(LODASH_PATH, LODASH_JSON).layer());
        assert_eq!(outcome.names(), ["CVE-2021-23337", "CVE-2024-5535"], "{name:?}: {}", outcome.says());
    }
    // A name in an extended header that goes on after its end.
    let path = format!("{LODASH_PATH}\0.txt");
    let layer = Tar::default().pax(&[("path", path.as_bytes())]).file("x", LODASH_JSON).layer();
    let outcome = above_base(&folder, layer);
    assert!(outcome.names().contains(&"CVE-2024-5535".to_owned()));
    assert!(outcome.code == 2 || outcome.names().len() == 2, "{}", outcome.says());
}

#[test]
fn links_out_of_the_image_lead_nowhere() {
    let folder = folder("hostile-links");
    for kind in [b'1', b'2'] {
        for target in
            ["../../../../etc/passwd", "/etc/passwd", "..", "/", ".", "app/link", "app/node_modules", "/proc/self/mem"]
        {
            let layer = Tar::default()
                .link(kind, "app/link", target)
                .file("app/link/evil.txt", "x")
                .file("app/link/../../evil.txt", "x")
                .file(LODASH_PATH, LODASH_JSON)
                .layer();
            let outcome = above_base(&folder, layer);
            let names = outcome.names();
            assert!(names.contains(&"CVE-2021-23337".to_owned()), "{target}: {}", outcome.says());
            assert!(names.contains(&"CVE-2024-5535".to_owned()), "{target}: {}", outcome.says());
        }
    }
}

#[test]
fn a_database_behind_a_link_is_not_lost_in_silence() {
    let folder = folder("hostile-linked-database");
    // The link takes the place of the folder of the base.
    for (kind, target) in [(b'2', "/nowhere"), (b'2', "../../../.."), (b'1', "etc/os-release"), (b'2', "dpkg")] {
        let outcome = above_base(&folder, Tar::default().link(kind, "var/lib/dpkg", target).layer());
        let found = outcome.names().contains(&"CVE-2024-5535".to_owned());
        assert!(outcome.code == 2 || found, "{target}: {}", outcome.says());
        let outcome = above_base(&folder, Tar::default().link(kind, "var/lib/dpkg/status", target).layer());
        let found = outcome.names().contains(&"CVE-2024-5535".to_owned());
        assert!(outcome.code == 2 || found, "{target}: {}", outcome.says());
    }
    // A system whose database lies behind a link of its own.
    let tar = Tar::default()
        .file("etc/os-release", OS_RELEASE)
        .link(b'2', "var/lib/dpkg", "../../usr/lib/dpkg")
        .file("usr/lib/dpkg/status", STATUS);
    let outcome = scan(&folder, &Image::of(vec![tar.layer()]));
    let found = outcome.names().contains(&"CVE-2024-5535".to_owned());
    assert!(outcome.code == 2 || found, "{}", outcome.says());
}

#[test]
fn whiteouts_take_away_what_they_name_and_nothing_else() {
    let folder = folder("hostile-whiteouts");
    let two = || vec![base().layer(), lodash().layer()];
    let with = |tar: Tar| {
        let mut layers = two();
        layers.push(tar.layer());
        Image::of(layers)
    };
    // Honest ones.
    for path in
        ["app/.wh.node_modules", ".wh.app", "app/node_modules/.wh..wh..opq", "app/node_modules/lodash/.wh.package.json"]
    {
        let outcome = scan(&folder, &with(Tar::default().file(path, "")));
        assert_eq!(outcome.names(), ["CVE-2024-5535"], "{path}: {}", outcome.says());
        assert_eq!(outcome.code, 1, "{path}: {}", outcome.says());
    }
    // Those that mean to reach further.
    for path in [
        ".wh.",
        ".wh..",
        ".wh...",
        "app/.wh..",
        "app/.wh...",
        ".wh../app",
        "../.wh.app",
        ".wh.app/../var",
        ".wh.*",
        "app/.wh.wh.x",
    ] {
        let outcome = scan(&folder, &with(Tar::default().file(path, "")));
        let names = outcome.names();
        assert!(
            outcome.code == 2 || names == ["CVE-2021-23337", "CVE-2024-5535"],
            "{path} hides in silence: {}",
            outcome.says()
        );
    }
    // What a layer takes away and brings anew is there.
    let tar = Tar::default().file("app/.wh.node_modules", "").file(LODASH_PATH, LODASH_JSON);
    assert_eq!(scan(&folder, &with(tar)).names(), ["CVE-2021-23337", "CVE-2024-5535"]);
    let tar = Tar::default().file(LODASH_PATH, LODASH_JSON).file("app/node_modules/.wh..wh..opq", "");
    assert_eq!(scan(&folder, &with(tar)).names(), ["CVE-2021-23337", "CVE-2024-5535"]);
}

#[test]
fn a_whiteout_behind_a_link_hides_nothing_elsewhere() {
    let folder = folder("hostile-linked-whiteout");
    let layers = vec![
        base().layer(),
        lodash().link(b'2', "trap", "var/lib").layer(),
        Tar::default().file("trap/.wh.dpkg", "").layer(),
    ];
    let outcome = scan(&folder, &Image::of(layers));
    let found = outcome.names().contains(&"CVE-2024-5535".to_owned());
    assert!(outcome.code == 2 || found, "{}", outcome.says());
}

#[test]
fn a_deleted_or_emptied_database_is_unknown_and_never_clean() {
    let folder = folder("hostile-deleted-database");
    for path in
        [".wh.var", "var/lib/.wh.dpkg", "var/lib/dpkg/.wh.status", "var/lib/dpkg/.wh..wh..opq", "var/.wh..wh..opq"]
    {
        let outcome = above_base(&folder, Tar::default().file(path, "").layer());
        assert_eq!(outcome.code, 2, "{path}: {}", outcome.says());
        assert!(outcome.says().contains("package database"), "{path}: {}", outcome.says());
        let outcome = above_base(&folder, lodash().file(path, "").layer());
        assert_eq!((outcome.code, outcome.names()), (2, vec!["CVE-2021-23337".to_owned()]), "{path}");
    }
    let outcome = above_base(&folder, Tar::default().file("var/lib/dpkg/status", "").layer());
    assert_eq!(outcome.code, 2, "{}", outcome.says());
    // Deleted in the same layer that brings the system: nothing but the system's name is left.
    let outcome = scan(&folder, &Image::of(vec![Tar::default().file("etc/os-release", OS_RELEASE).layer()]));
    assert_eq!(outcome.code, 2, "{}", outcome.says());
}

#[test]
fn of_two_entries_of_one_name_none_is_lost_in_silence() {
    let folder = folder("hostile-twice");
    for statuses in [[STATUS, ""], ["", STATUS]] {
        let mut tar = Tar::default().file("etc/os-release", OS_RELEASE);
        for status in statuses {
            tar = tar.file("var/lib/dpkg/status", status);
        }
        let outcome = scan(&folder, &Image::of(vec![tar.layer()]));
        let found = outcome.names().contains(&"CVE-2024-5535".to_owned());
        assert!(outcome.code == 2 || found, "{}", outcome.says());
    }
}

#[test]
fn headers_that_disagree_about_a_size_hide_nothing() {
    let folder = folder("hostile-sizes");
    // The extended header says that the file is empty, so that its bytes would be read as further entries; the other way
    // round an entry would be swallowed.
    let inner = Tar::default().file(LODASH_PATH, LODASH_JSON).end();
    for size in ["0", "512", "1", "99999999999999999999", "-1", "1e3", " 5"] {
        let layer = Tar::default().pax(&[("size", size.as_bytes())]).file("blob", &inner).file("z", "x").layer();
        let outcome = above_base(&folder, layer);
        let told = outcome.code == 2 && outcome.report["coverage"]["gaps"] != 0;
        // Read as the extended header says, as tar does: then the entries inside count.
        let read = outcome.names().contains(&"CVE-2021-23337".to_owned());
        assert!(told || read, "size {size:?}: {}", outcome.says());
        assert!(outcome.names().contains(&"CVE-2024-5535".to_owned()), "size {size:?}: {}", outcome.says());
    }
    for records in [&b"13 path=\n"[..], b"999999 path=x\n", b"-5 path=x\n", b"0 \n", b"path=x\n", b"5 a=b"] {
        let layer = lodash().entry(b"pax", b'x', b"", records).file("x", "x").layer();
        let outcome = above_base(&folder, layer);
        assert_eq!(outcome.code, 2, "{records:?}: {}", outcome.says());
        assert!(outcome.names().contains(&"CVE-2024-5535".to_owned()));
    }
}

#[test]
fn headers_with_wrong_sums_numbers_or_ends_are_told() {
    let folder = folder("hostile-headers");
    for (at, byte) in [(0, b'X'), (148, b'9'), (124, b'9'), (124, b'z'), (156, b'7'), (257, b'X')] {
        let mut tar = lodash();
        tar.bytes()[at] = byte;
        let outcome = above_base(&folder, tar.layer());
        assert_eq!(outcome.code, 2, "byte {at}: {}", outcome.says());
        assert!(outcome.names().contains(&"CVE-2024-5535".to_owned()));
    }
    // Cut in the middle of an entry, without the two empty blocks, and with something after them.
    let whole = lodash().end();
    for cut in [100, 512, 530, 700] {
        let mut tar = Tar::default();
        *tar.bytes() = whole[..cut].to_vec();
        let layer = crate::packed::plain(tar.bytes());
        let outcome = above_base(&folder, layer);
        assert_eq!(outcome.code, 2, "cut at {cut}: {}", outcome.says());
    }
    let mut after = whole.clone();
    after.extend(Tar::default().file("var/lib/dpkg/.wh.status", "").end());
    let outcome = above_base(&folder, crate::packed::plain(&after));
    assert!(outcome.names().contains(&"CVE-2024-5535".to_owned()), "{}", outcome.says());
}
