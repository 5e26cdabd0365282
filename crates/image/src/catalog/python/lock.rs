//! Lock files of pipenv, poetry, uv, pdm, and the common one.

use model::Package;
use model::package::{Kind, Need};
use serde_json::Value;

use super::requirements::pinned;
use crate::catalog::{Input, Sink};

pub(super) fn pipfile(input: &Input<'_>, sink: &mut Sink) {
    let root: Value = match serde_json::from_slice(input.bytes) {
        Ok(root) => root,
        Err(error) => return sink.damage(format!("it is no JSON: {error}")),
    };
    for (section, need) in [("default", Need::Unstated), ("develop", Need::Development)] {
        for (name, entry) in root.get(section).and_then(Value::as_object).into_iter().flatten() {
            // Without a version it comes from a folder or a repository.
            let Some(version) = entry.get("version").and_then(Value::as_str) else { continue };
            let mut package = Package::new(Kind::PyPi, name.as_str(), version.trim_start_matches('='));
            package.need = need;
            sink.package(package);
        }
    }
}

pub(super) fn toml_lock(input: &Input<'_>, sink: &mut Sink) {
    let Some(root) = table(input.bytes, sink) else { return };
    let entries = ["package", "packages"].into_iter().filter_map(|key| root.get(key)?.as_array()).flatten();
    for entry in entries {
        let text = |key: &str| entry.get(key).and_then(toml::Value::as_str);
        let (Some(name), Some(version)) = (text("name"), text("version")) else { continue };
        let mut package = Package::new(Kind::PyPi, name, version);
        let source = |key| entry.get("source").and_then(|source| source.get(key)).is_some();
        if text("category") == Some("dev") {
            package.need = Need::Development;
        } else if source("virtual") || source("editable") {
            package.need = Need::Direct;
        }
        package.depends_on = match entry.get("dependencies") {
            Some(toml::Value::Table(table)) => table.keys().map(|key| key.as_str().into()).collect(),
            Some(toml::Value::Array(list)) => list.iter().filter_map(dependency).collect(),
            _ => Vec::new(),
        };
        sink.package(package);
    }
}

pub(super) fn pyproject(input: &Input<'_>, sink: &mut Sink) {
    let Some(root) = table(input.bytes, sink) else { return };
    let project = root.get("project");
    let list = project.and_then(|project| project.get("dependencies")).and_then(toml::Value::as_array);
    let pins = list.into_iter().flatten().filter_map(|value| pinned(value.as_str()?));
    pins.for_each(|package| sink.package(package));
}

fn dependency(value: &toml::Value) -> Option<Box<str>> {
    let text = value.as_str().map(super::requirements::name);
    text.or_else(|| value.get("name")?.as_str()).map(Into::into)
}

fn table(bytes: &[u8], sink: &mut Sink) -> Option<toml::Table> {
    let parsed = toml::from_str(&String::from_utf8_lossy(bytes));
    parsed.map_err(|error| sink.damage(format!("it is no TOML: {}", error.message()))).ok()
}
