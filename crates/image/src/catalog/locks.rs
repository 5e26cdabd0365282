//! Lock files that are JSON, YAML or TOML, or one line per package: PHP, .NET, Dart, Elixir, Conan, Swift, CocoaPods,
//! Julia, R, Terraform, Gradle, sbt, Conda.

use model::Package;
use model::package::{Kind, Need};
use serde_json::Value;

use super::document::{LOCK_BYTES_MAX, elements, entries, found, json, member, text, toml, yaml};
use super::{Cataloguer, Input, Settings, Sink, Wants};

/// All of these.
pub static CATALOGUERS: &[Cataloguer] = &[
    lock("composer-lock", &["composer.lock"], Settings::Sources, composer),
    Cataloguer {
        wants: Wants { names: &["installed.json"], ..Wants::NOTHING },
        ..lock("composer-installed", &[], Settings::Both, composer)
    },
    Cataloguer {
        wants: Wants { filter: |path| path.ends_with(".deps.json"), extensions: &[".json"], ..Wants::NOTHING },
        ..lock("dotnet-deps", &[], Settings::Both, dotnet_deps)
    },
    lock("nuget-lock", &["packages.lock.json"], Settings::Sources, nuget_lock),
    lock("pubspec-lock", &["pubspec.lock"], Settings::Sources, pubspec),
    lock("mix-lock", &["mix.lock"], Settings::Sources, mix),
    lock("conan-lock", &["conan.lock"], Settings::Sources, conan),
    lock("swift-resolved", &["Package.resolved"], Settings::Sources, swift),
    lock("podfile-lock", &["Podfile.lock"], Settings::Sources, podfile),
    lock("julia-manifest", &["Manifest.toml"], Settings::Both, julia),
    lock("renv-lock", &["renv.lock"], Settings::Sources, renv),
    lock("terraform-lock", &[".terraform.lock.hcl"], Settings::Sources, terraform),
    Cataloguer {
        wants: Wants { filter: |path| path.ends_with("gradle.lockfile"), extensions: &[".lockfile"], ..Wants::NOTHING },
        ..lock("gradle-lock", &[], Settings::Sources, gradle)
    },
    lock("sbt-lock", &["build.sbt.lock"], Settings::Sources, sbt),
    Cataloguer {
        wants: Wants { folders: &["conda-meta"], filter: |path| path.ends_with(".json"), ..Wants::NOTHING },
        ..lock("conda-meta", &[], Settings::Both, conda_meta)
    },
];

const fn lock(
    name: &'static str,
    names: &'static [&'static str],
    settings: Settings,
    read: fn(&Input<'_>, &mut Sink),
) -> Cataloguer {
    Cataloguer { name, wants: Wants { names, ..Wants::NOTHING }, settings, bytes_max: LOCK_BYTES_MAX, read }
}

/// `composer.lock`, and `installed.json` as an object (version 2) or an array (version 1).
fn composer(input: &Input<'_>, sink: &mut Sink) {
    let Some(document) = json(input, sink) else { return };
    let developing: Vec<&str> = elements(&document, "dev-package-names").filter_map(Value::as_str).collect();
    let developing: std::collections::BTreeSet<&str> = developing.into_iter().collect();
    let first = document.as_array().into_iter().flatten().chain(elements(&document, "packages"));
    let entries_all = first.map(|entry| (entry, false)).chain(elements(&document, "packages-dev").map(|e| (e, true)));
    for (entry, dev) in entries_all {
        let name = member(entry, "name");
        let version = member(entry, "version");
        let mut package = Package::new(Kind::Composer, name, version.strip_prefix('v').unwrap_or(version));
        if name.is_empty() {
            sink.damage("an entry has no name and was left out");
            continue;
        }
        if dev || developing.contains(name) {
            package.need = Need::Development;
        }
        package.licenses = elements(entry, "license").filter_map(Value::as_str).map(Into::into).collect();
        package.depends_on = entries(entry, "require")
            .map(|(name, _)| name.as_str())
            .filter(|n| n.contains('/'))
            .map(Into::into)
            .collect();
        sink.package(package);
    }
}

fn dotnet_deps(input: &Input<'_>, sink: &mut Sink) {
    let Some(document) = json(input, sink) else { return };
    for (key, entry) in entries(&document, "libraries") {
        if !member(entry, "type").eq_ignore_ascii_case("package") {
            continue;
        }
        match key.split_once('/') {
            Some((name, version)) => found(sink, Kind::NuGet, name, version, Need::Unstated),
            None => sink.damage(format!("library {key} has no version and was left out")),
        }
    }
}

fn nuget_lock(input: &Input<'_>, sink: &mut Sink) {
    let Some(document) = json(input, sink) else { return };
    let mut seen = std::collections::BTreeSet::new();
    for (_, framework) in entries(&document, "dependencies") {
        for (name, entry) in framework.as_object().into_iter().flatten() {
            let (how, version) = (member(entry, "type"), member(entry, "resolved"));
            if how != "Project" && seen.insert((name, version)) {
                let need = if how == "Direct" { Need::Direct } else { Need::Indirect };
                found(sink, Kind::NuGet, name, version, need);
            }
        }
    }
}

fn pubspec(input: &Input<'_>, sink: &mut Sink) {
    let Some(document) = yaml(input, sink) else { return };
    for (name, entry) in entries(&document, "packages") {
        let need = match member(entry, "dependency") {
            "direct main" | "direct overridden" => Need::Direct,
            "direct dev" => Need::Development,
            "transitive" => Need::Indirect,
            _ => Need::Unstated,
        };
        found(sink, Kind::Pub, name, member(entry, "version"), need);
    }
}

/// `"name": {:hex, :name, "1.0.0", …}`; what comes from git has no version.
fn mix(input: &Input<'_>, sink: &mut Sink) {
    for line in text(input, sink).lines() {
        let Some((name, rest)) = line.trim().strip_prefix('"').and_then(|line| line.split_once("\":")) else {
            continue;
        };
        let Some(rest) = rest.trim_start().strip_prefix("{:hex,") else { continue };
        match rest.split('"').nth(1) {
            Some(version) => found(sink, Kind::Hex, name, version, Need::Unstated),
            None => sink.damage(format!("{name} has no version and was left out")),
        }
    }
}

/// Version 1 has a graph of nodes with `ref`, version 2 lists of references.
fn conan(input: &Input<'_>, sink: &mut Sink) {
    let Some(document) = json(input, sink) else { return };
    let nodes = document.get("graph_lock").map(|graph| entries(graph, "nodes").collect::<Vec<_>>()).unwrap_or_default();
    let direct: std::collections::BTreeSet<&str> = nodes
        .iter()
        .filter(|(_, node)| !member(node, "path").is_empty())
        .flat_map(|(_, node)| elements(node, "requires").filter_map(Value::as_str))
        .collect();
    for (id, node) in &nodes {
        // A node with a path is the project itself.
        if member(node, "path").is_empty() && !member(node, "ref").is_empty() {
            let need = if direct.contains(id.as_str()) { Need::Direct } else { Need::Indirect };
            conan_reference(member(node, "ref"), need, sink);
        }
    }
    let lists =
        [("requires", Need::Unstated), ("build_requires", Need::Development), ("python_requires", Need::Development)];
    for (list, need) in lists {
        elements(&document, list).filter_map(Value::as_str).for_each(|text| conan_reference(text, need, sink));
    }
}

fn conan_reference(reference: &str, need: Need, sink: &mut Sink) {
    let plain = reference.split(['#', '@', '%', ':']).next().unwrap_or_default();
    match plain.split_once('/') {
        Some((name, version)) => found(sink, Kind::Conan, name, version, need),
        None => sink.damage(format!("reference {reference} has no version and was left out")),
    }
}

fn swift(input: &Input<'_>, sink: &mut Sink) {
    let Some(document) = json(input, sink) else { return };
    let first = document.get("object").into_iter().flat_map(|object| elements(object, "pins"));
    for pin in first.chain(elements(&document, "pins")) {
        let address = [member(pin, "location"), member(pin, "repositoryURL")].concat();
        let name = address.split_once("://").map_or(address.as_str(), |(_, rest)| rest).trim_end_matches(".git");
        let state = pin.get("state").unwrap_or(&Value::Null);
        let version = [member(state, "version"), member(state, "branch"), member(state, "revision")];
        let version = version.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
        found(sink, Kind::Swift, name, version, Need::Unstated);
    }
}

fn podfile(input: &Input<'_>, sink: &mut Sink) {
    let Some(document) = yaml(input, sink) else { return };
    for entry in elements(&document, "PODS") {
        let line = entry.as_str().or_else(|| entry.as_object()?.keys().next().map(String::as_str)).unwrap_or_default();
        match line.split_once(" (").and_then(|(name, version)| Some((name, version.strip_suffix(')')?))) {
            Some((name, version)) => found(sink, Kind::CocoaPods, name, version, Need::Unstated),
            None => sink.damage("a pod has no version and was left out"),
        }
    }
}

/// Version 1 has the packages at the top, version 2 below `deps`. Parts of the standard library may have no version.
fn julia(input: &Input<'_>, sink: &mut Sink) {
    let Some(document) = toml(input, sink) else { return };
    let top = if document.get("manifest_format").is_some() { document.get("deps") } else { Some(&document) };
    let default = member(&document, "julia_version");
    for (name, list) in top.and_then(Value::as_object).into_iter().flatten() {
        for entry in list.as_array().into_iter().flatten() {
            let version = member(entry, "version");
            let mut package =
                Package::new(Kind::Julia, name.as_str(), if version.is_empty() { default } else { version });
            package.properties.push(("uuid".into(), member(entry, "uuid").into()));
            sink.package(package);
        }
    }
}

fn renv(input: &Input<'_>, sink: &mut Sink) {
    let Some(document) = json(input, sink) else { return };
    for (name, entry) in entries(&document, "Packages") {
        found(sink, Kind::Cran, name, member(entry, "Version"), Need::Unstated);
    }
}

fn terraform(input: &Input<'_>, sink: &mut Sink) {
    let text = text(input, sink);
    let mut provider = "";
    for line in text.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("provider ") {
            provider = rest.split('"').nth(1).unwrap_or_default();
        } else if let Some(("version", value)) = line.split_once('=').map(|(key, value)| (key.trim(), value)) {
            found(sink, Kind::Terraform, provider, value.trim().trim_matches('"'), Need::Unstated);
        }
    }
}

/// `group:artifact:version=configuration,…`.
fn gradle(input: &Input<'_>, sink: &mut Sink) {
    for line in text(input, sink).lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') || line.starts_with("empty=") {
            continue;
        }
        let (place, used_by) = line.split_once('=').unwrap_or((line, ""));
        let Some((name, version)) = place.rsplit_once(':').filter(|(name, _)| name.contains(':')) else {
            sink.damage("a line is not group:artifact:version and was left out");
            continue;
        };
        let testing = !used_by.is_empty() && used_by.split(',').all(|name| name.starts_with("test"));
        found(sink, Kind::Maven, name, version, if testing { Need::Development } else { Need::Unstated });
    }
}

fn sbt(input: &Input<'_>, sink: &mut Sink) {
    let Some(document) = json(input, sink) else { return };
    for entry in elements(&document, "dependencies") {
        let name = format!("{}:{}", member(entry, "org"), member(entry, "name"));
        let mut used_by = elements(entry, "configurations").filter_map(Value::as_str).peekable();
        let testing = used_by.peek().is_some() && used_by.all(|name| name.contains("test"));
        let need = if testing { Need::Development } else { Need::Unstated };
        found(sink, Kind::Maven, &name, member(entry, "version"), need);
    }
}

fn conda_meta(input: &Input<'_>, sink: &mut Sink) {
    let Some(document) = json(input, sink) else { return };
    let name = member(&document, "name");
    if name.is_empty() {
        sink.damage("the package has no name");
        return;
    }
    let mut package = Package::new(Kind::Conda, name, member(&document, "version"));
    package.licenses.extend(Some(member(&document, "license")).filter(|text| !text.is_empty()).map(Into::into));
    sink.package(package);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::packages_of;

    fn check(name: &str, bytes: &str, expected: &[(&str, &str)]) {
        let cataloguer = CATALOGUERS.iter().find(|cataloguer| cataloguer.name == name).unwrap();
        let (packages, damage) = packages_of(cataloguer, "x", bytes.as_bytes());
        let got: Vec<_> = packages.iter().map(|package| (&*package.name, &*package.version)).collect();
        assert_eq!(got, expected, "{name}: {damage:?}");
    }

    #[test]
    fn every_format_tells_names_and_versions() {
        check("composer-lock", r#"{"packages":[{"name":"a/b","version":"v1"}]}"#, &[("a/b", "1")]);
        check("composer-installed", r#"[{"name":"a/b","version":"1"}]"#, &[("a/b", "1")]);
        check("dotnet-deps", r#"{"libraries":{"A/1":{"type":"package"},"B/1":{"type":"project"}}}"#, &[("A", "1")]);
        check("nuget-lock", r#"{"dependencies":{"net6":{"A":{"type":"Direct","resolved":"1"}}}}"#, &[("A", "1")]);
        check("pubspec-lock", "packages:\n  a:\n    version: \"1\"\n", &[("a", "1")]);
        check("mix-lock", "%{\n \"a\": {:hex, :a, \"1\", \"x\"},\n}", &[("a", "1")]);
        check("conan-lock", r#"{"version":"0.5","requires":["a/1#r%2"]}"#, &[("a", "1")]);
        check("conan-lock", r#"{"graph_lock":{"nodes":{"1":{"ref":"a/1@u/c"}}}}"#, &[("a", "1")]);
        check(
            "swift-resolved",
            r#"{"pins":[{"location":"https://h/a/b.git","state":{"version":"1"}}]}"#,
            &[("h/a/b", "1")],
        );
        check("podfile-lock", "PODS:\n  - A (1):\n    - B\n  - B (2)\n", &[("A", "1"), ("B", "2")]);
        check("julia-manifest", "manifest_format = \"2.0\"\n[[deps.A]]\nversion = \"1\"\n", &[("A", "1")]);
        check("renv-lock", r#"{"Packages":{"a":{"Version":"1"}}}"#, &[("a", "1")]);
        check("terraform-lock", "provider \"h/a/b\" {\n  version = \"1\"\n}\n", &[("h/a/b", "1")]);
        check("gradle-lock", "# x\ng:a:1=classpath\nempty=\n", &[("g:a", "1")]);
        check("sbt-lock", r#"{"dependencies":[{"org":"g","name":"a","version":"1"}]}"#, &[("g:a", "1")]);
        check("conda-meta", r#"{"name":"a","version":"1"}"#, &[("a", "1")]);
    }

    #[test]
    fn hostile_bytes_are_never_packages() {
        let deep = "[".repeat(100_000);
        for cataloguer in CATALOGUERS {
            check(cataloguer.name, &deep, &[]);
        }
    }
}
