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
