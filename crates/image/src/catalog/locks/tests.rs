//! Every lock file that is read: good ones tell names and versions and no damage, all others tell that they are damaged.

use model::Package;
use model::package::Doubt;

use crate::catalog::{Cataloguer, Input, Sink, all};
use crate::facts::Fact;

/// A format by the name of its cataloguer, the name of the file, a good one, and what it tells.
struct Good(&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);

const GOOD: &[Good] = &[
    Good(
        "composer-lock",
        "composer.lock",
        r#"{"packages":[{"name":"a/b","version":"v1"}],"packages-dev":[]}"#,
        &[("a/b", "1")],
    ),
    Good("composer-installed", "vendor/composer/installed.json", r#"[{"name":"a/b","version":"1"}]"#, &[("a/b", "1")]),
    Good(
        "nuget-lock",
        "packages.lock.json",
        r#"{"version":1,"dependencies":{"net6.0":{"A":{"type":"Direct","resolved":"1"}}}}"#,
        &[("A", "1")],
    ),
    Good(
        "pubspec-lock",
        "pubspec.lock",
        "packages:\n  a:\n    dependency: \"direct main\"\n    version: \"1\"\nsdks:\n  dart: \">=3\"\n",
        &[("a", "1")],
    ),
    Good(
        "stack-lock",
        "stack.yaml.lock",
        "packages:\n- completed:\n    hackage: a-b-1.0@sha256:00,613\n- completed:\n    name: c\n    version: 2.0.1\n\
            snapshots: []\n",
        &[("a-b", "1.0"), ("c", "2.0.1")],
    ),
    Good(
        "conan-text",
        "conanfile.txt",
        "# ours\n[requires]\nzlib/1.2.13#r1 # why\npoco/[>1.0 <1.9]\n[tool_requires]\ncmake/3.23.0\n[options]\nx/*:shared=True\n",
        &[("zlib", "1.2.13"), ("cmake", "3.23.0")],
    ),
    Good("mix-lock", "mix.lock", "%{\n \"a\": {:hex, :a, \"1\", \"x\"},\n}", &[("a", "1")]),
    Good("conan-lock", "conan.lock", r#"{"version":"0.5","requires":["a/1#r%2"]}"#, &[("a", "1")]),
    Good(
        "swift-resolved",
        "Package.resolved",
        r#"{"version":2,"pins":[{"location":"https://h/a/b.git","state":{"version":"1"}}]}"#,
        &[("h/a/b", "1")],
    ),
    Good(
        "podfile-lock",
        "Podfile.lock",
        "PODS:\n  - A (1):\n    - B\n  - B (2)\n\nCOCOAPODS: 1.16.2\n",
        &[("A", "1"), ("B", "2")],
    ),
    Good("julia-manifest", "Manifest.toml", "manifest_format = \"2.0\"\n[[deps.A]]\nversion = \"1\"\n", &[("A", "1")]),
    Good(
        "renv-lock",
        "renv.lock",
        r#"{"R":{"Version":"4"},"Packages":{"a":{"Package":"a","Version":"1"}}}"#,
        &[("a", "1")],
    ),
    Good("terraform-lock", ".terraform.lock.hcl", "provider \"h/a/b\" {\n  version = \"1\"\n}\n", &[("h/a/b", "1")]),
    Good("gradle-lock", "gradle.lockfile", "# x\ng:a:1=classpath\nempty=\n", &[("g:a", "1")]),
    Good(
        "sbt-lock",
        "build.sbt.lock",
        r#"{"lockVersion":1,"dependencies":[{"org":"g","name":"a","version":"1"}]}"#,
        &[("g:a", "1")],
    ),
    Good("conda-meta", "conda-meta/a.json", r#"{"name":"a","version":"1"}"#, &[("a", "1")]),
    Good("gemfile-lock", "Gemfile.lock", "GEM\n  specs:\n    a (1.0)\n\nDEPENDENCIES\n  a\n", &[("a", "1.0")]),
    Good(
        "cargo-lock",
        "Cargo.lock",
        "version = 4\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+x\"\nchecksum = \"00\"\n",
        &[("a", "1.0.0")],
    ),
    Good(
        "npm-lock",
        "package-lock.json",
        r#"{"lockfileVersion":3,"packages":{"":{},"node_modules/a":{"version":"1.0.0"}}}"#,
        &[("a", "1.0.0")],
    ),
    Good("yarn-lock", "yarn.lock", "# yarn lockfile v1\n\na@^1.0.0:\n  version \"1.1.0\"\n", &[("a", "1.1.0")]),
    Good(
        "pnpm-lock",
        "pnpm-lock.yaml",
        "lockfileVersion: '9.0'\npackages:\n  'a@1.0.0':\n    resolution: {}\nsnapshots:\n  'a@1.0.0': {}\n",
        &[("a", "1.0.0")],
    ),
    Good(
        "bun-lock",
        "bun.lock",
        "{ \"lockfileVersion\": 1, \"workspaces\": {\"\": {}}, \"packages\": { \"a\": [\"a@1.0.0\", \"\", {}, \"sha512-x\"], }, }",
        &[("a", "1.0.0")],
    ),
    Good(
        "pipenv-lock",
        "Pipfile.lock",
        r#"{"_meta":{"pipfile-spec":6},"default":{"a":{"version":"==1"}},"develop":{}}"#,
        &[("a", "1")],
    ),
    Good(
        "python-lock",
        "poetry.lock",
        "[[package]]\nname = \"a\"\nversion = \"1\"\n\n[metadata]\nlock-version = \"2.0\"\ncontent-hash = \"0\"\n",
        &[("a", "1")],
    ),
    Good(
        "python-lock",
        "uv.lock",
        "version = 1\n[[package]]\nname = \"a\"\nversion = \"1\"\nsource = { registry = \"x\" }\n",
        &[("a", "1")],
    ),
    Good("python-requirements", "requirements.txt", "a==1\n# more\n", &[("a", "1")]),
];

fn cataloguer(name: &str) -> &'static Cataloguer {
    all().find(|cataloguer| cataloguer.name == name).unwrap_or_else(|| panic!("no cataloguer {name}"))
}

/// Packages, and the damage that may hide some.
fn run(name: &str, path: &str, bytes: &[u8]) -> (Vec<Package>, Vec<String>) {
    of(cataloguer(name), path, bytes)
}

fn of(cataloguer: &Cataloguer, path: &str, bytes: &[u8]) -> (Vec<Package>, Vec<String>) {
    let mut sink = Sink::default();
    (cataloguer.read)(&Input { path, bytes }, &mut sink);
    let packages = sink.facts.into_iter().filter_map(|fact| match fact {
        Fact::Package(package) => Some(package),
        _ => None,
    });
    let told = sink.damage.into_iter().filter(|fault| fault.doubt == Doubt::Packages);
    (packages.collect(), told.map(|fault| fault.message.into()).collect())
}

fn read(good: &Good, bytes: &[u8]) -> (Vec<(String, String)>, Vec<String>) {
    let (packages, damage) = run(good.0, good.1, bytes);
    (packages.iter().map(|package| (package.name.to_string(), package.version.to_string())).collect(), damage)
}

#[test]
fn every_format_tells_names_and_versions_and_no_damage() {
    for good in GOOD {
        let (packages, damage) = read(good, good.2.as_bytes());
        let packages: Vec<(&str, &str)> = packages.iter().map(|(name, version)| (&**name, &**version)).collect();
        assert_eq!(packages, good.3, "{}: {damage:?}", good.1);
        assert_eq!(damage, Vec::<String>::new(), "{}", good.1);
    }
}

#[test]
fn what_is_no_such_file_is_never_an_empty_one() {
    let deep = "[".repeat(100_000);
    for good in GOOD {
        for bad in ["", "[1, 2]", "\"text\"", "{]", "garbage\nof two lines\n", "\u{0}\u{1}\u{2}", &deep] {
            // Requirements are names, line by line: this is one, without a version, and a list of two is told by name.
            let (packages, damage) = read(good, bad.as_bytes());
            let empty_is_fine = bad.is_empty() && ["requirements.txt", "gradle.lockfile"].contains(&good.1);
            assert!(packages.is_empty(), "{} of {:?}", good.1, bad.get(..20));
            assert!(
                !damage.is_empty() || empty_is_fine || good.0 == "python-requirements",
                "{} of {:?}",
                good.1,
                bad.get(..20)
            );
        }
    }
}

#[test]
fn a_file_that_is_cut_off_in_its_packages_is_damaged() {
    for good in GOOD.iter().filter(|good| good.2.starts_with(['{', '[', '%'])) {
        let text = good.2.trim_end();
        for end in [text.len() / 2, text.len() - 1] {
            let (_, damage) = read(good, &text.as_bytes()[..end]);
            let cut = &text[..end];
            // TOML is whole at every end of a line; what then lacks is told by the formats that end with something.
            assert!(!damage.is_empty() || good.1 == "poetry.lock" && cut.ends_with(']'), "{} cut to {cut:?}", good.1);
        }
    }
}

#[test]
fn a_version_of_the_format_that_nobody_knows_is_told() {
    for (name, file, text) in [
        (
            "npm-lock",
            "package-lock.json",
            r#"{"lockfileVersion":9,"packages":{"":{},"node_modules/a":{"version":"1"}}}"#,
        ),
        ("pnpm-lock", "pnpm-lock.yaml", "lockfileVersion: '99.0'\npackages:\n  'a@1.0.0': {}\n"),
        ("bun-lock", "bun.lock", r#"{"lockfileVersion": 7, "packages": {"a": ["a@1.0.0"]}}"#),
        ("cargo-lock", "Cargo.lock", "version = 99\n[[package]]\nname = \"a\"\nversion = \"1\"\n"),
        ("nuget-lock", "packages.lock.json", r#"{"version":99,"dependencies":{"net6.0":{"A":{"resolved":"1"}}}}"#),
        ("conan-lock", "conan.lock", r#"{"version":"99","requires":["a/1"]}"#),
        (
            "swift-resolved",
            "Package.resolved",
            r#"{"version":99,"pins":[{"location":"https://h/a","state":{"version":"1"}}]}"#,
        ),
        ("julia-manifest", "Manifest.toml", "manifest_format = \"99.0\"\n[[deps.A]]\nversion = \"1\"\n"),
        ("pipenv-lock", "Pipfile.lock", r#"{"_meta":{"pipfile-spec":99},"default":{"a":{"version":"==1"}}}"#),
        (
            "python-lock",
            "poetry.lock",
            "[[package]]\nname = \"a\"\nversion = \"1\"\n[metadata]\nlock-version = \"99.0\"\n",
        ),
        ("python-lock", "uv.lock", "version = 99\n[[package]]\nname = \"a\"\nversion = \"1\"\n"),
    ] {
        let (_, damage) = run(name, file, text.as_bytes());
        assert!(!damage.is_empty(), "{file}: {damage:?}");
    }
    // The binary lock of bun is told, not read.
    let (packages, damage) = run("bun-lock-binary", "bun.lockb", b"#!/usr/bin/env bun\nbun-lockfile-format-v0\n");
    assert_eq!((packages.len(), damage.len()), (0, 1));
}

#[test]
fn what_has_no_version_or_a_key_twice_is_told() {
    for (name, file, text) in [
        ("npm-lock", "package-lock.json", r#"{"lockfileVersion":3,"packages":{"node_modules/a":{}}}"#),
        (
            "npm-lock",
            "package-lock.json",
            r#"{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1","version":"2"}}}"#,
        ),
        ("composer-lock", "composer.lock", r#"{"packages":[{"name":"a/b"}]}"#),
        ("stack-lock", "stack.yaml.lock", "packages:\n- completed:\n    name: c\n"),
        ("stack-lock", "stack.yaml.lock", "packages: []\nsnapshots:\n- original: lts-21.0\n"),
        ("vcpkg-info", "vcpkg/info/zlib.list", "x64-linux/\n"),
        ("conan-text", "conanfile.txt", "[requires]\nzlib\n"),
        ("gradle-verification", "gradle/verification-metadata.xml", "<verification-metadata><components>"),
        ("pubspec-lock", "pubspec.lock", "packages:\n  a:\n    version: \"\"\n"),
        ("gemfile-lock", "Gemfile.lock", "GEM\n  specs:\n    a\n"),
        ("cargo-lock", "Cargo.lock", "version = 4\n[[package]]\nname = \"a\"\n"),
        ("npm-installed", "node_modules/a/package.json", r#"{"name":"a","version":"1.0.0","version":"2.0.0"}"#),
        ("npm-installed", "node_modules/a/package.json", r#"{"name":"a","version":""}"#),
        ("npm-installed", "node_modules/a/package.json", r#"{"name":"a","version":1}"#),
        ("npm-installed", "node_modules/a/package.json", r#"{"name":"a"}"#),
        ("python-requirements", "requirements.txt", "-r ../../../etc/passwd\n"),
    ] {
        let (packages, damage) = run(name, file, text.as_bytes());
        assert!(!damage.is_empty(), "{file} {text}: {damage:?}");
        assert!(packages.iter().all(|package| !package.version.is_empty()), "{file} {text}");
    }
}
