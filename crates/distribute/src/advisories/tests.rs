use super::*;
use advisory::record::Source;

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("kobuk-advisories-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("in")).unwrap();
    fs::write(folder.join("in/a.json"), r#"{"id":"A","modified":"2024-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"x"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"2"}]}]}]}"#).unwrap();
    fs::write(folder.join("in/b.txt"), "nothing known").unwrap();
    folder
}

fn built(folder: &Path, made: i64) -> (Vec<u8>, Report) {
    let source = Source { name: "s".into(), license: "MIT".into(), fetched_unix: made, ..Source::default() };
    build(&[Input { source, path: folder.join("in"), ..Input::default() }], made).unwrap()
}

#[test]
fn a_database_is_built_installed_and_exported() {
    let folder = folder("install");
    let (bytes, report) = built(&folder, 2_000_000_000);
    assert_eq!((report.files, report.records, report.problems.len()), (1, 1, 1));
    let path = folder.join("db/advisories.kdb");
    install(&path, &bytes, 2_000_000_000).unwrap();
    let mapped = Mapped::open(&path).unwrap();
    let mut out = Vec::new();
    osv(&mapped.database().unwrap(), &mut out).unwrap();
    assert!(String::from_utf8(out).unwrap().contains("\"fixed\":\"2\""));
    // A source whose newest record is of 2024 is quiet, not old; what was fetched long ago is.
    assert!(!mapped.ages(2_000_000_000, 86_400).unwrap()[0].stale);
    assert!(mapped.ages(2_000_100_000, 86_400).unwrap()[0].stale);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn rolled_back_future_cut_and_empty_databases_are_refused() {
    let folder = folder("refuse");
    let path = folder.join("advisories.kdb");
    assert!(matches!(Mapped::open(&path), Err(StoreError::Missing { .. })));
    let (bytes, _) = built(&folder, 2_000);
    install(&path, &bytes, 2_000).unwrap();
    assert!(matches!(install(&path, &built(&folder, 1_000).0, 2_000), Err(StoreError::RolledBack { .. })));
    assert!(matches!(install(&path, &built(&folder, 9_000).0, 2_000), Err(StoreError::FromTheFuture { .. })));
    assert!(matches!(install(&path, &bytes[..bytes.len() - 1], 2_000), Err(StoreError::Database { .. })));
    assert!(matches!(install(&path, &build(&[], 2_000).unwrap().0, 2_000), Err(StoreError::Empty)));
    assert_eq!(fs::read(&path).unwrap(), bytes);
    fs::remove_dir_all(folder).unwrap();
}

fn source(name: &str, fetched: i64, path: PathBuf) -> Input {
    let covers = vec![["eco-", name].concat().into()];
    let source = Source { name: name.into(), fetched_unix: fetched, covers, ..Source::default() };
    Input { source, path, ..Input::default() }
}

fn record(id: &str) -> String {
    format!(
        r#"{{"id":"{id}","modified":"2024-01-01T00:00:00Z","affected":[{{"package":{{"ecosystem":"npm","name":"x"}},"versions":["1"]}}]}}"#
    )
}

#[test]
fn a_source_that_fails_keeps_its_records_and_its_age_and_the_others_move_on() {
    let folder = folder("keep");
    let (a, b) = (folder.join("a.json"), folder.join("b.json"));
    let kev = folder.join("kev.json");
    fs::write(&a, record("A-1")).unwrap();
    fs::write(&b, record("B-1")).unwrap();
    fs::write(&kev, r#"{"catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-2024-0001","dateAdded":"2024-01-01"}]}"#)
        .unwrap();
    let inputs = |time| [source("a", time, a.clone()), source("b", time, b.clone()), source("kev", time, kev.clone())];
    let (before, _) = build(&inputs(100), 100).unwrap();
    let content = Content::new(&before);
    let before = Database::open(&content).unwrap();
    for broken in ["", "{\"id\":", "<html></html>"] {
        fs::write(&a, broken).unwrap();
        fs::write(&b, record("B-2")).unwrap();
        let _ = fs::remove_file(&kev);
        let (after, report) = build_on(&inputs(200), 200, Some(&before), false).unwrap();
        let names: Vec<_> = report.kept.iter().map(|kept| (&*kept.source, kept.records)).collect();
        assert_eq!(names, [("a", 1), ("kev", 0)], "{broken}");
        let content = Content::new(&after);
        let after = Database::open(&content).unwrap();
        assert_eq!((after.advisory("A-1").unwrap().len(), after.advisory("B-2").unwrap().len()), (1, 1));
        assert_eq!(after.advisory("B-1").unwrap().len(), 0);
        assert!(after.exploited("CVE-2024-0001").unwrap().is_some());
        let ages: Vec<_> =
            after.sources().unwrap().iter().map(|source| (source.fetched_unix, source.covers.len())).collect();
        assert_eq!(ages, [(100, 1), (200, 1), (100, 1)], "what is kept is as old as it was");
    }
    let (after, _) = build(&inputs(200), 200).unwrap();
    let content = Content::new(&after);
    let sources = Database::open(&content).unwrap().sources().unwrap();
    assert!(
        sources.iter().all(|source| &*source.name == "b" || source.covers.is_empty()),
        "silence means nothing there"
    );
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_one_source_of_an_ecosystem_did_not_give_the_others_do_not_cover() {
    let folder = folder("cover");
    let (main, community) = (folder.join("main.json"), folder.join("community.json"));
    fs::write(&main, record("A-1")).unwrap();
    let covers = |mut input: Input| {
        input.source.covers = vec!["Alpine:v3.20".into()];
        input
    };
    let inputs = [covers(source("main", 1, main)), covers(source("community", 1, community))];
    let (bytes, _) = build(&inputs, 1).unwrap();
    let content = Content::new(&bytes);
    assert!(Database::open(&content).unwrap().sources().unwrap().iter().all(|source| source.covers.is_empty()));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn an_older_file_is_not_taken_unless_it_is_allowed() {
    let folder = folder("older");
    let path = folder.join("kube.json");
    let feed = |day: u32, id: &str| {
        format!(
            r#"{{"_kubernetes_io":{{"updated_at":"2024-01-{day:02}T00:00:00Z"}},"items":[{{"id":"{id}","content_text":"Affected Versions\n- kubelet v1.1.0"}}]}}"#
        )
    };
    fs::write(&path, feed(20, "CVE-2024-0001")).unwrap();
    let inputs = [source("kube", 1, path.clone())];
    let (before, _) = build(&inputs, 1).unwrap();
    let content = Content::new(&before);
    let before = Database::open(&content).unwrap();
    fs::write(&path, feed(10, "CVE-2024-0002")).unwrap();
    for (allowed, id) in [(false, "CVE-2024-0001"), (true, "CVE-2024-0002")] {
        let (after, report) = build_on(&inputs, 2, Some(&before), allowed).unwrap();
        assert_eq!(report.kept.len(), usize::from(!allowed));
        let content = Content::new(&after);
        assert_eq!(Database::open(&content).unwrap().advisory(id).unwrap().len(), 1);
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn packed_files_and_digests_beside_them_are_read() {
    let folder = folder("packed");
    let text = record("A-1");
    let mut tar = vec![0u8; 512];
    tar[..6].copy_from_slice(b"a.json");
    tar[100..108].copy_from_slice(b"0000644\0");
    tar[124..136].copy_from_slice(format!("{:011o}\0", text.len()).as_bytes());
    tar[257..263].copy_from_slice(b"ustar\0");
    tar[148..156].fill(b' ');
    let sum: u32 = tar.iter().map(|byte| u32::from(*byte)).sum();
    tar[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    tar.extend_from_slice(text.as_bytes());
    tar.resize(tar.len().next_multiple_of(512) + 1024, 0);
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(text.as_bytes()).unwrap();
    let packed = [
        bzip2.finish().unwrap(),
        zstd::encode_all(text.as_bytes(), 1).unwrap(),
        zstd::encode_all(tar.as_slice(), 1).unwrap(),
        tar,
    ];
    for bytes in packed {
        let path = folder.join("x");
        fs::write(&path, &bytes).unwrap();
        let (_, report) = build(&[source("x", 1, path)], 1).unwrap();
        assert_eq!((report.records, report.problems.len()), (1, 0), "{:?}", report.problems);
    }
    let path = folder.join("y.json");
    fs::write(&path, &text).unwrap();
    let right = model::digest::hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()).as_ref());
    for (beside, problems) in [(format!("{right}  y.json\n"), 0), ("0".repeat(64), 1), ("nothing".into(), 1)] {
        fs::write(folder.join("y.json.sha256"), &beside).unwrap();
        let (_, report) = build(&[source("y", 1, path.clone())], 1).unwrap();
        assert_eq!(report.problems.len(), problems, "{beside}");
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn whatever_write_fails_the_old_file_stays_whole() {
    let folder = folder("fault");
    let path = folder.join("advisories.kdb");
    let (bytes, _) = built(&folder, 2_000);
    install(&path, &bytes, 2_000).unwrap();
    for after in (0..bytes.len()).step_by(97) {
        let mut cut = |file: &mut File| {
            file.write_all(&bytes[..after])?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        };
        assert!(replace(&path, &mut cut).is_err());
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
    let left =
        fs::read_dir(&folder).unwrap().flatten().filter(|entry| entry.file_name().to_string_lossy().contains("new."));
    assert_eq!(left.count(), 0, "nothing is left beside it");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
#[ignore = "mounts a file system of 64 KiB, which needs root"]
fn a_full_disk_leaves_the_old_database() {
    let folder = folder("full");
    let disk = folder.join("disk");
    fs::create_dir_all(&disk).unwrap();
    let run = |program: &str, arguments: &[&std::ffi::OsStr]| {
        assert!(std::process::Command::new(program).args(arguments).status().unwrap().success());
    };
    let word = std::ffi::OsStr::new;
    run("mount", &[word("-t"), word("tmpfs"), word("-o"), word("size=64k"), word("none"), disk.as_os_str()]);
    let path = disk.join("advisories.kdb");
    let (small, _) = built(&folder, 2_000);
    install(&path, &small, 2_000).unwrap();
    let many: Vec<_> = (0..2000).map(|number| record(&format!("A-{number}"))).collect();
    fs::write(folder.join("in/a.json"), many.join("\n")).unwrap();
    let (large, _) = built(&folder, 2_001);
    let refused = install(&path, &large, 2_001);
    let whole = fs::read(&path).unwrap() == small && Mapped::open(&path).unwrap().database().unwrap().verify().is_ok();
    run("umount", &[disk.as_os_str()]);
    assert!(matches!(refused, Err(StoreError::Io { .. })), "{refused:?}");
    assert!(whole);
    fs::remove_dir_all(folder).unwrap();
}
