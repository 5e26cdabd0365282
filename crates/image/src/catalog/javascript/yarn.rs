//! `yarn.lock` of the classic form and of berry.

use model::Package;
use model::package::Kind;

use super::split_at_version;
use crate::catalog::{Input, Sink};

pub(super) fn read(input: &Input<'_>, sink: &mut Sink) {
    let text = String::from_utf8_lossy(input.bytes);
    let mut entry: Option<Package> = None;
    let mut needs = false;
    for line in text.lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let line = line.trim();
        let (key, value) = match line.split_once(": ").or_else(|| line.split_once(' ')) {
            Some((key, value)) => (key.trim_matches('"'), value.trim().trim_matches('"')),
            None => (line.trim_end_matches(':'), ""),
        };
        if indent == 0 {
            finish(entry.take(), sink);
            entry = header(line);
            continue;
        }
        let Some(package) = entry.as_mut() else { continue };
        match (indent, key) {
            (2, "version") => package.version = value.into(),
            (2, "resolution") => match split_at_version(value) {
                Some((_, at)) if at.starts_with("workspace:") => entry = None,
                Some((name, _)) => package.name = name.into(),
                None => {}
            },
            (2, "integrity" | "checksum") => package.properties.push(("checksum".into(), value.into())),
            (2, _) => needs = key == "dependencies",
            (4, name) if needs => package.depends_on.push(name.into()),
            _ => {}
        }
    }
    finish(entry, sink);
}

fn header(line: &str) -> Option<Package> {
    let first = line.trim_end_matches(':').split(',').next()?.trim().trim_matches('"');
    let (mut name, wanted) = split_at_version(first)?;
    if let Some(("", alias)) = wanted.split_once("npm:") {
        name = split_at_version(alias).map_or(name, |(other, _)| other);
    }
    if wanted.starts_with("link:") || wanted.starts_with("workspace:") {
        return None;
    }
    Some(Package::new(Kind::Npm, name, ""))
}

fn finish(entry: Option<Package>, sink: &mut Sink) {
    entry.filter(|entry| !entry.version.is_empty()).into_iter().for_each(|entry| sink.package(entry));
}
