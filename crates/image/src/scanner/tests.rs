use super::*;
use crate::catalog::Wants;
use model::Package;
use model::package::Kind;

struct Bytes<'a>(&'a [u8], Vec<u8>);

impl Content for Bytes<'_> {
    fn chunk(&mut self) -> io::Result<&[u8]> {
        let (piece, rest) = self.0.split_at(self.0.len().min(10));
        (self.0, self.1) = (rest, piece.to_vec());
        Ok(&self.1)
    }
}

static TEST: Cataloguer = Cataloguer {
    name: "test",
    wants: Wants {
        names: &["package.json"],
        extensions: &[".jar"],
        path_ends: &["lib/dpkg/status"],
        folders: &["status.d"],
        filter: |path| !path.contains("/not/"),
    },
    settings: Settings::Both,
    bytes_max: 100,
    read: |input, sink| {
        sink.package(Package::new(Kind::Generic, String::from_utf8_lossy(input.bytes).into_owned(), "1"));
    },
};

fn scan(files: &[(&str, u32, &[u8])], secrets: bool) -> Found {
    let table = Table::new([&TEST], true);
    let options = Options {
        table: &table,
        secrets,
        allow: Allow::default(),
        known_bad: None,
        markers: true,
        executables: None,
        over: None,
    };
    let mut scanner = Scanner::new(&options);
    for (path, mode, bytes) in files {
        let meta = Meta { path, size: bytes.len() as u64, mode: *mode, capabilities: false };
        scanner.file(meta, &mut Bytes(bytes, Vec::new())).unwrap();
    }
    scanner.finish()
}

#[test]
fn files_go_to_those_who_want_them_whole() {
    let names = |path| {
        let found = scan(&[(path, 0o644, b"the whole content of it")], false);
        found.files.iter().flat_map(|file| &file.facts).count()
    };
    for path in ["package.json", "a/package.json", "a/B.JAR", "var/lib/dpkg/status", "x/status.d/base"] {
        assert_eq!(names(path), 1, "{path}");
    }
    for path in
        ["xpackage.json", "a/jar", "notlib/dpkg/status", "a/not/package.json", "status.d/deep/x", "package.json/x"]
    {
        assert_eq!(names(path), 0, "{path}");
    }
    let found = scan(&[("a/package.json", 0o644, b"the whole content of it")], false);
    let Fact::Package(package) = &found.files[0].facts[0] else { panic!() };
    assert_eq!((&*package.name, &*package.places[0].path), ("the whole content of it", "a/package.json"));
}

#[test]
fn what_is_too_large_is_damage() {
    let found = scan(&[("package.json", 0o644, &[b'x'; 101])], false);
    assert_eq!(found.files[0].facts, []);
    assert!(found.files[0].damage[0].message.contains("101 bytes"));
}

#[test]
fn modes_and_places_are_marked() {
    let markers = |path, mode| {
        let found = scan(&[(path, mode, b"x")], false);
        found.files.into_iter().flat_map(|file| file.facts).collect::<Vec<_>>()
    };
    assert_eq!(markers("usr/bin/passwd", 0o4755), [Fact::Marker(Marker::Setuid)]);
    assert_eq!(markers("srv/x", 0o666), [Fact::Marker(Marker::WorldWritable)]);
    assert_eq!(markers("bin/sh", 0o755), [Fact::Marker(Marker::Shell)]);
    assert_eq!(markers("usr/bin/apt", 0o755), [Fact::Marker(Marker::PackageManager)]);
    assert_eq!(markers("home/bin/sh", 0o755), []);
    for loader in ["lib64/ld-linux-x86-64.so.2", "usr/lib/x86_64-linux-gnu/ld-2.31.so", "lib/ld-musl-aarch64.so.1"] {
        assert_eq!(markers(loader, 0o755), [Fact::Marker(Marker::Loader)], "{loader}");
    }
    for other in ["usr/lib/ld-helper.py", "srv/ld-2.31.so", "etc/ld.so.conf", "usr/lib/ld.so.cache"] {
        assert_eq!(markers(other, 0o755), [], "{other}");
    }
    assert_eq!(markers("bin/sh", 0o644), []);
}

#[test]
fn damage_is_bounded_and_counted() {
    let files: Vec<(&str, u32, &[u8])> = vec![("package.json", 0o644, &[b'x'; 200]); 1000];
    let found = scan(&files, false);
    assert_eq!(found.files.len() as u64 + found.damage_left_out, 1000);
    assert_eq!(found.files.len(), DAMAGE_MAX);
}

#[test]
fn the_last_of_many_files_of_one_name_counts_without_quadratic_work() {
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
    let mut scanner = Scanner::new(&options);
    let paths: Vec<String> = (0..20_000).map(|index| format!("{index}/package.json")).collect();
    for content in ["first", "last"] {
        for path in &paths {
            assert_eq!(scanner.forget(path), content == "last");
            let meta = Meta { path, size: 5, mode: 0o644, capabilities: false };
            scanner.file(meta, &mut Bytes(content.as_bytes(), Vec::new())).unwrap();
        }
    }
    let found = scanner.finish();
    assert_eq!(found.files.len(), paths.len());
    let last = |file: &FileFacts| matches!(&file.facts[..], [Fact::Package(package)] if &*package.name == "last");
    assert!(found.files.iter().all(last));
}

#[test]
fn large_texts_and_wide_ones_are_searched_for_secrets() {
    let line = "password = \"q8fJ2kD9sK1xVb7Zt0Lm\"\n";
    let large = format!("{}{line}", "nothing here\n".repeat(WHOLE_BYTES_MAX as usize / 13 + 1));
    let wide: Vec<u8> = format!("\u{feff}{line}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let zeros = format!("\0{}", line.repeat(2));
    let marked = format!("\u{feff}{line}");
    for bytes in [large.as_bytes(), &wide, zeros.as_bytes(), marked.as_bytes()] {
        let found = scan(&[("app/config", 0o644, bytes)], true);
        assert!(!found.files.is_empty(), "{} bytes", bytes.len());
        assert!(matches!(found.files[0].facts[0], Fact::Secret(_)));
    }
    let many = (0..200).map(|n| format!("password = \"q8fJ{n}kD9sK1xVb7Zt0Lm\"\n")).collect::<String>();
    let found = scan(&[("app/config", 0o644, many.as_bytes())], true);
    assert_eq!((found.files[0].facts.len(), found.files[0].damage.len()), (SECRETS_MAX, 1));
    assert_eq!(found.files[0].damage[0].doubt, Doubt::Detail);
}

#[test]
fn folders_of_a_nix_store_are_told_once_each_and_again_when_their_first_file_is_replaced() {
    let folder = "nix/store/h0cnbmfcn93xm5dg2x27ixhag1cwndga-glibc-2.38-44-bin";
    let (first, second) = (format!("{folder}/bin/getent"), format!("{folder}/bin/ldd"));
    let found = scan(&[(&first, 0o444, b"x"), (&second, 0o444, b"")], false);
    let [Fact::Package(package)] = &found.files[0].facts[..] else { panic!("{found:?}") };
    assert_eq!((package.kind, &*package.name, &*package.version), (Kind::Nix, "glibc", "2.38-44"));
    assert_eq!((found.files.len(), &*package.places[0].path), (1, &*first));
    for (installed, expected) in [(true, 1), (false, 0)] {
        let table = Table::new([&TEST], installed);
        let (allow, executables, known_bad, over) = (Allow::default(), None, None, None);
        let options = Options { table: &table, secrets: false, allow, known_bad, markers: false, executables, over };
        let mut scanner = Scanner::new(&options);
        scanner.name(&first);
        scanner.forget(&first);
        scanner.name(&first);
        assert_eq!(scanner.finish().files.len(), expected);
    }
}
