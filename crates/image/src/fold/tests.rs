use super::*;
use crate::facts::FileFacts;

fn layer(files: &[(&str, &[Fact])], whiteouts: &[&str], opaque: &[&str]) -> Option<Arc<LayerFacts>> {
    let digest = |byte: u8| Digest::of_hash(&[byte; 32]).unwrap();
    let mut hides: Vec<PathHash> = files.iter().map(|(path, _)| PathHash::of(path)).collect();
    hides.sort();
    let boxed = |list: &[&str]| list.iter().map(|path| (*path).into()).collect();
    Some(Arc::new(LayerFacts {
        digest: digest(1),
        diff_id: digest(2),
        size: 1,
        unpacked: 1,
        entries: 1,
        files_seen: files.len() as u64,
        files: files
            .iter()
            .map(|(path, facts)| FileFacts { path: (*path).into(), facts: facts.to_vec(), damage: Vec::new() })
            .collect(),
        hides,
        folders: Vec::new(),
        implied: Vec::new(),
        whiteouts: boxed(whiteouts),
        opaque: boxed(opaque),
        links: Vec::new(),
        damage: Vec::new(),
    }))
}

fn package(kind: Kind, name: &str, version: &str, path: &str) -> Fact {
    let mut package = Package::new(kind, name, version);
    package.places.push(Place::file(path));
    Fact::Package(package)
}

fn names(inventory: &Inventory) -> Vec<(String, Option<u32>)> {
    let name = |package: &Package| (format!("{} {}", package.name, package.version), package.places[0].layer);
    inventory.packages.iter().map(name).collect()
}

const STATUS: &str = "var/lib/dpkg/status";

#[test]
fn the_upper_database_counts_and_a_package_belongs_to_the_layer_that_brought_it() {
    let base =
        layer(&[(STATUS, &[package(Kind::Deb, "a", "1", STATUS), package(Kind::Deb, "b", "1", STATUS)])], &[], &[]);
    let top =
        layer(&[(STATUS, &[package(Kind::Deb, "a", "1", STATUS), package(Kind::Deb, "c", "1", STATUS)])], &[], &[]);
    let inventory = fold(&[base, None, top]);
    assert_eq!(names(&inventory), [("a 1".into(), Some(0)), ("c 1".into(), Some(2))]);
    assert_eq!(inventory.databases_deleted, []);
}

#[test]
fn whiteouts_opaque_folders_and_files_in_the_place_of_folders_hide() {
    let path = "app/node_modules/x/package.json";
    let base = || layer(&[(path, &[package(Kind::Npm, "x", "1", path)])], &[], &[]);
    for top in [
        layer(&[], &[path], &[]),
        layer(&[], &["app"], &[]),
        layer(&[], &[], &["app/node_modules"]),
        layer(&[], &[], &[""]),
        layer(&[("app/node_modules", &[])], &[], &[]),
        layer(&[(path, &[])], &[], &[]),
    ] {
        assert_eq!(names(&fold(&[base(), top])), []);
    }
    for top in [layer(&[], &["app/node_modules/y"], &["other"]), layer(&[("app/z", &[])], &[], &[])] {
        assert_eq!(names(&fold(&[base(), top])).len(), 1);
    }
    // An opaque folder hides what is below, not what its own layer puts there.
    assert_eq!(names(&fold(&[layer(&[(path, &[package(Kind::Npm, "x", "2", path)])], &[], &["app"])])).len(), 1);
}

#[test]
fn a_deleted_database_is_told_and_never_clean() {
    let base = layer(&[(STATUS, &[package(Kind::Deb, "a", "1", STATUS)])], &[], &[]);
    for top in [layer(&[], &["var/lib/dpkg"], &[]), layer(&[(STATUS, &[])], &[], &[])] {
        let inventory = fold(&[base.clone(), top]);
        assert_eq!(inventory.databases_deleted.len(), 1);
        assert!(!inventory.knows_its_packages());
        assert!(inventory.damage[0].message.contains("by layer 1"), "{:?}", inventory.damage);
    }
}

#[test]
fn secrets_below_are_still_shipped() {
    let secret = Fact::Secret(Secret { format: "x".into(), line: 3, column: 1, excerpt: "".into() });
    let base = layer(&[("a/.env", std::slice::from_ref(&secret))], &[], &[]);
    let gone = fold(&[base.clone(), layer(&[], &["a/.env"], &[])]);
    assert_eq!(gone.secrets.iter().map(|found| found.deleted).collect::<Vec<_>>(), [true]);
    let again = fold(&[base, layer(&[("a/.env", &[secret])], &[], &[])]);
    assert_eq!(again.secrets.iter().map(|found| found.deleted).collect::<Vec<_>>(), [false]);
}

#[test]
fn files_tell_of_each_others_packages() {
    let metadata = "usr/lib/python3/dist-packages/yaml.dist-info/METADATA";
    let copy = "app/yaml.dist-info/METADATA";
    let licenses = Fact::Licenses { kind: Kind::Deb, package: "a".into(), licenses: vec!["MIT".into()] };
    let owns = Fact::Owns { kind: Kind::Deb, package: "python3-yaml".into(), paths: vec![metadata.into()] };
    let owner = package(Kind::Deb, "python3-yaml", "6-1", STATUS);
    let files: [(&str, &[Fact]); 4] = [
        (STATUS, &[package(Kind::Deb, "a", "1", STATUS), owner]),
        ("usr/share/doc/a/copyright", &[licenses]),
        ("var/lib/dpkg/info/python3-yaml.list", &[owns]),
        (metadata, &[package(Kind::PyPi, "PyYAML", "6", metadata)]),
    ];
    let inventory = fold(&[layer(&files, &[], &[])]);
    assert_eq!(inventory.packages[0].licenses, ["MIT".into()]);
    let yaml = |inventory: &Inventory| inventory.packages.iter().find(|it| it.kind == Kind::PyPi).cloned().unwrap();
    assert_eq!(yaml(&inventory).property("owner"), Some("python3-yaml"));
    let upper = layer(&[(copy, &[package(Kind::PyPi, "PyYAML", "6", copy)])], &[], &[]);
    let inventory = fold(&[layer(&files, &[], &[]), upper]);
    assert_eq!(yaml(&inventory).places.len(), 2);
    assert_eq!(yaml(&inventory).property("owner"), None);
}

#[test]
fn a_list_of_files_without_its_package_owns_nothing() {
    let json = "app/node_modules/x/package.json";
    let owner = |list: &str, kind: Kind, database: &str, name: &str| {
        let owns = Fact::Owns { kind, package: "planted".into(), paths: vec![json.into()] };
        let files: [(&str, &[Fact]); 3] = [
            (database, &[package(kind, name, "1", database)]),
            (list, &[owns]),
            (json, &[package(Kind::Npm, "x", "1", json)]),
        ];
        let inventory = fold(&[layer(&files, &[], &[])]);
        let npm = inventory.packages.iter().find(|it| it.kind == Kind::Npm).unwrap();
        npm.property("owner").map(str::to_owned)
    };
    let list = "var/lib/dpkg/info/planted.list";
    assert_eq!(owner(list, Kind::Deb, STATUS, "planted").as_deref(), Some("planted"));
    assert_eq!(owner(list, Kind::Deb, STATUS, "another"), None);
    // A system in a folder speaks of its own files alone, and the image's of its own.
    assert_eq!(owner(&format!("srv/{list}"), Kind::Deb, STATUS, "planted"), None);
    assert_eq!(owner(list, Kind::Deb, &format!("srv/{STATUS}"), "planted"), None);
    // Another package manager's package of that name is another package.
    assert_eq!(owner(list, Kind::Apk, "lib/apk/db/installed", "another"), None);
    assert_eq!(
        owner("var/lib/pacman/local/planted-1-1/files", Kind::Alpm, "var/lib/pacman/local/a-1-1/desc", "a"),
        None
    );
}

#[test]
fn damage_knows_which_installed_package_brought_the_file() {
    let jar = "usr/share/java/tool.jar";
    let owner = |installed: &str| {
        let owns = Fact::Owns { kind: Kind::Deb, package: "tool".into(), paths: vec![jar.into()] };
        let files: [(&str, &[Fact]); 3] = [
            (STATUS, &[package(Kind::Deb, installed, "1", STATUS)]),
            ("var/lib/dpkg/info/tool.list", &[owns]),
            (jar, &[]),
        ];
        let mut layer = layer(&files, &[], &[]);
        let facts = Arc::make_mut(layer.as_mut().unwrap());
        facts.files.iter_mut().find(|file| &*file.path == jar).unwrap().damage.push("has no version".into());
        fold(&[layer]).damage.into_iter().map(|damage| damage.owner).collect::<Vec<_>>()
    };
    assert_eq!(owner("tool"), [Some("tool".into())]);
    assert_eq!(owner("another"), [None]);
    // A program that is known by its own bytes has an owner too, and a system in a folder is not the image's.
    let bash = "usr/bin/bash";
    let owns = Fact::Owns { kind: Kind::Deb, package: "bash".into(), paths: vec!["bin/bash".into()] };
    let elsewhere = "rootfs/var/lib/dpkg/status";
    let files: [(&str, &[Fact]); 4] = [
        (STATUS, &[package(Kind::Deb, "bash", "5.2-1", STATUS)]),
        (elsewhere, &[package(Kind::Deb, "old", "1", elsewhere)]),
        ("var/lib/dpkg/info/bash.list", &[owns]),
        (bash, &[package(Kind::Generic, "bash", "5.2", bash)]),
    ];
    let inventory = fold(&[layer(&files, &[], &[])]);
    let property = |name: &str, kind: Kind, key: &str| {
        let found = inventory.packages.iter().find(|package| *package.name == *name && package.kind == kind);
        found.unwrap().property(key).map(str::to_owned)
    };
    assert_eq!(property("bash", Kind::Generic, "owner").as_deref(), Some("bash"));
    assert_eq!(property("bash", Kind::Deb, "root"), None);
    assert_eq!(property("old", Kind::Deb, "root").as_deref(), Some("rootfs/"));
}

#[test]
fn the_lowest_layer_that_hides_a_database_is_named() {
    let base = layer(&[(STATUS, &[package(Kind::Deb, "a", "1", STATUS)])], &[], &[]);
    let inventory = fold(&[base, layer(&[], &["var/lib"], &[]), layer(&[], &[STATUS], &[])]);
    assert!(inventory.damage[0].message.contains("by layer 1"), "{:?}", inventory.damage);
}

#[test]
fn single_files_of_a_database_may_be_replaced_as_long_as_others_are_left() {
    let [a, b] = ["var/lib/dpkg/status.d/a", "var/lib/dpkg/status.d/b"];
    let facts = |path| [package(Kind::Deb, path, "1", path)];
    let base = layer(&[(a, &facts(a)), (b, &facts(b))], &[], &[]);
    assert_eq!(fold(&[base.clone(), layer(&[], &[a], &[])]).databases_deleted, []);
    assert_eq!(fold(&[base, layer(&[], &[a, b], &[])]).databases_deleted.len(), 2);
}

/// A layer whose symbolic links and folders are given, and whose entries lie in folders without entries of their own.
fn with(
    layer: Option<Arc<LayerFacts>>,
    links: &[(&str, &str)],
    folders: &[&str],
    implied: &[&str],
) -> Option<Arc<LayerFacts>> {
    let mut facts = (*layer.unwrap()).clone();
    facts.links = links.iter().map(|(path, target)| ((*path).into(), (*target).into())).collect();
    facts.hides.extend(links.iter().map(|(path, _)| PathHash::of(path)));
    facts.folders = folders.iter().map(|path| PathHash::of(path)).collect();
    facts.implied = implied.iter().map(|path| PathHash::of(path)).collect();
    [&mut facts.hides, &mut facts.folders, &mut facts.implied].into_iter().for_each(|hashes| hashes.sort());
    facts.links.sort();
    Some(Arc::new(facts))
}

#[test]
fn what_is_called_by_a_link_lies_where_the_link_leads() {
    let [real, linked] = ["usr/lib/x/package.json", "lib/x/package.json"];
    let base = |version: &str| {
        with(layer(&[(real, &[package(Kind::Npm, "x", version, real)])], &[], &[]), &[("lib", "usr/lib")], &[], &[])
    };
    let implied = ["lib", "lib/x"];
    let upper = with(layer(&[(linked, &[package(Kind::Npm, "x", "2", linked)])], &[], &[]), &[], &[], &implied);
    let inventory = fold(&[base("1"), upper]);
    assert_eq!(names(&inventory), [("x 2".into(), Some(1))]);
    assert_eq!(&*inventory.packages[0].places[0].path, real);
    for top in [
        layer(&[], &[linked], &[]),
        layer(&[], &["lib/x"], &[]),
        layer(&[], &[], &["lib/x"]),
        layer(&[], &[], &["lib"]),
        layer(&[(linked, &[])], &[], &[]),
        layer(&[("lib/x", &[])], &[], &[]),
    ] {
        assert_eq!(names(&fold(&[base("1"), with(top, &[], &[], &implied)])), []);
    }
    // A folder of its own in the place of the link, and a layer above that: nothing is meant below `usr`.
    let own = with(layer(&[], &[], &[]), &[], &["lib"], &[]);
    let top = with(layer(&[], &[linked], &[]), &[], &[], &implied);
    assert_eq!(names(&fold(&[base("1"), own, top])).len(), 1);
    // Deleting the link leaves what it led to.
    assert_eq!(names(&fold(&[base("1"), layer(&[], &["lib"], &[])])).len(), 1);
}

#[test]
fn links_in_links_are_followed_and_circles_end() {
    let real = "opt/real/x/package.json";
    let base = with(
        layer(&[(real, &[package(Kind::Npm, "x", "1", real)])], &[], &[]),
        &[("a", "/usr/a"), ("usr/a/b", "../../opt/real"), ("c", "d"), ("d", "c")],
        &[],
        &[],
    );
    let implied = ["a", "a/b", "a/b/x"];
    let top = with(layer(&[], &["a/b/x/package.json"], &[]), &[], &[], &implied);
    assert_eq!(names(&fold(&[base.clone(), top])), []);
    let top = with(layer(&[("c/f", &[])], &[], &[]), &[], &[], &["c"]);
    let inventory = fold(&[base, top]);
    assert_eq!(names(&inventory).len(), 1);
    assert!(inventory.damage[0].message.contains("circle"), "{:?}", inventory.damage);
}

#[test]
fn a_folder_takes_the_place_of_a_file_below() {
    let path = "app/package.json";
    let base = layer(&[(path, &[package(Kind::Npm, "x", "1", path)])], &[], &[]);
    let top = with(layer(&[], &[], &[]), &[], &["app", path], &[]);
    assert_eq!(names(&fold(&[base.clone(), top])), []);
    let top = with(layer(&[], &[], &[]), &[], &["app"], &[]);
    assert_eq!(names(&fold(&[base, top])).len(), 1);
}

#[test]
fn a_database_that_only_a_link_leads_to_is_told() {
    let base = |links: &[(&str, &str)], file: &str| {
        fold(&[with(layer(&[(file, &[])], &[], &[]), links, &[], &[])]).damage.len()
    };
    assert_eq!(base(&[("var/lib", "/data/lib")], "data/lib/dpkg/status"), 1);
    assert_eq!(base(&[("var/lib/dpkg/status", "../../../status")], "status"), 1);
    assert_eq!(base(&[("var/lib", "/data/lib")], "data/lib/other"), 0);
    // Where the database is looked for under the other name too.
    assert_eq!(base(&[("var/lib/rpm", "../../usr/lib/sysimage/rpm")], "usr/lib/sysimage/rpm/rpmdb.sqlite"), 0);
    assert_eq!(base(&[("lib", "usr/lib")], "usr/lib/apk/db/installed"), 0);
}

#[test]
fn hints_count_only_where_no_lock_file_of_the_project_tells_more() {
    use crate::facts::Project;
    let Fact::Package(hint) = package(Kind::Maven, "g:a", "1", "p/gradle/verification-metadata.xml") else { panic!() };
    let hints = vec![Fact::Project(Project::Hints(vec![hint]))];
    for (lock, kind, expected) in [
        ("p/gradle.lockfile", Kind::Maven, 0),
        ("gradle.lockfile", Kind::Maven, 0),
        ("p/app/gradle.lockfile", Kind::Maven, 0),
        ("p/yarn.lock", Kind::Npm, 1),
        ("p2/gradle.lockfile", Kind::Maven, 1),
    ] {
        let file = |path: &str, facts: Vec<Fact>| FileFacts { path: path.into(), facts, damage: Vec::new() };
        let files = vec![
            file("p/gradle/verification-metadata.xml", hints.clone()),
            file(lock, vec![Fact::Project(Project::Locks(kind))]),
        ];
        let inventory = fold_folder(crate::scanner::Found { files, ..Default::default() });
        assert_eq!(inventory.packages.len(), expected, "{lock}");
    }
}

#[test]
fn packages_of_julia_with_one_name_are_told_apart_by_their_uuids() {
    let one = |uuid: &str| {
        let mut package = Package::new(Kind::Julia, "B", "1.9.0");
        package.properties.push(("uuid".into(), uuid.into()));
        package.places.push(Place::file("Manifest.toml"));
        Fact::Package(package)
    };
    let facts = vec![one("f41f7b98"), one("edca9bc6"), one("f41f7b98")];
    let file = FileFacts { path: "Manifest.toml".into(), facts, damage: Vec::new() };
    let inventory = fold_folder(crate::scanner::Found { files: vec![file], ..Default::default() });
    let uuids: Vec<_> = inventory.packages.iter().map(|package| package.property("uuid").unwrap()).collect();
    assert_eq!(uuids, ["edca9bc6", "f41f7b98"]);
}
