//! `yarn.lock` of the classic form and of berry.

use std::collections::HashSet;

use model::Package;
use model::package::Kind;

use super::split_at_version;
use crate::catalog::document::{check_version, lock_text, locks, shown};
use crate::catalog::{Input, Sink};

pub(super) fn read(input: &Input<'_>, sink: &mut Sink) {
    locks(Kind::Npm, sink);
    let text = lock_text(input, sink);
    let mut state = State::default();
    for line in text.lines() {
        if let Some(version) = line.strip_prefix("# yarn lockfile v") {
            state.versions += 1;
            check_version(Some(&version.trim().into()), &["1"], sink);
        }
        if !line.trim().is_empty() && !line.starts_with('#') {
            state.line(line, sink);
        }
    }
    state.finish(sink);
    if state.odd > 0 {
        sink.damage(format!("{} lines are no part of a lock file of yarn", state.odd));
    }
    if state.versions == 0 && !text.trim().is_empty() {
        sink.damage("it tells no version of its format");
    }
    if !text.is_empty() && !text.ends_with('\n') {
        sink.damage("the last line does not end: the file may be cut off");
    }
}

#[derive(Default)]
struct State<'a> {
    seen: HashSet<&'a str>,
    entry: Option<Package>,
    /// Block whose lines at four spaces are being read.
    block: &'a str,
    of_format: bool,
    versions: usize,
    odd: usize,
}

impl<'a> State<'a> {
    fn line(&mut self, line: &'a str, sink: &mut Sink) {
        let indent = line.len() - line.trim_start().len();
        let line = line.trim();
        if indent == 0 {
            self.finish(sink);
            self.header(line, sink);
            return;
        }
        let (key, value) = match line.split_once(": ").or_else(|| line.split_once(' ')) {
            Some((key, value)) => (key.trim_matches('"'), value.trim().trim_matches('"')),
            None => (line.trim_end_matches(':'), ""),
        };
        if indent == 2 {
            self.block = if value.is_empty() { key } else { "" };
        }
        if self.of_format && (indent, key) == (2, "version") {
            self.versions += 1;
            check_version(Some(&value.into()), &["1", "2", "3", "4", "5", "6", "7", "8", "9"], sink);
        }
        let Some(package) = self.entry.as_mut() else { return };
        match (indent, key) {
            (2, "version") if package.version.is_empty() => package.version = value.into(),
            (2, "version") => sink.damage(format!("{} has two versions; the first one counts", shown(&package.name))),
            (2, "resolution") => match split_at_version(value) {
                Some((_, at)) if at.starts_with("workspace:") => self.entry = None,
                Some((name, _)) => package.name = name.into(),
                None => {}
            },
            (2, "integrity" | "checksum") => package.properties.push(("checksum".into(), value.into())),
            (4, name) if matches!(self.block, "dependencies" | "optionalDependencies") => {
                package.depends_on.push(name.into());
            }
            _ => {}
        }
    }

    fn header(&mut self, line: &'a str, sink: &mut Sink) {
        let Some(keys) = line.strip_suffix(':') else {
            self.odd += 1;
            return;
        };
        self.of_format = keys == "__metadata";
        if self.of_format {
            return;
        }
        if !self.seen.insert(keys) {
            sink.damage(format!("the entry {} stands twice", shown(keys)));
        }
        let first = keys.split(',').next().unwrap_or_default().trim().trim_matches('"');
        let Some((mut name, wanted)) = split_at_version(first) else {
            self.odd += 1;
            return;
        };
        if let Some(("", alias)) = wanted.split_once("npm:") {
            name = split_at_version(alias).map_or(name, |(other, _)| other);
        }
        if !wanted.starts_with("link:") && !wanted.starts_with("workspace:") {
            self.entry = Some(Package::new(Kind::Npm, name, ""));
        }
    }

    fn finish(&mut self, sink: &mut Sink) {
        match self.entry.take() {
            Some(package) if package.version.is_empty() => {
                sink.damage(format!("{} has no version and was left out", shown(&package.name)));
            }
            Some(package) => sink.package(package),
            None => {}
        }
    }
}
