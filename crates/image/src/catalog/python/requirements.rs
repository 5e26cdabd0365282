//! `requirements.txt` and the requirements in `setup.py`: only what is pinned has a version.

use model::Package;
use model::package::{Kind, Need, Place};

use crate::catalog::{Input, Sink};

/// `requirements.txt`, `requirements-dev.txt`, `dev-requirements.txt`.
pub(super) fn is_named(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|file| file.contains("requirements"))
}

pub(super) fn read(input: &Input<'_>, sink: &mut Sink) {
    let text = String::from_utf8_lossy(input.bytes);
    let (mut joined, mut start) = (String::new(), 0);
    for (at, line) in text.lines().enumerate() {
        if joined.is_empty() {
            start = at + 1;
        }
        if let Some(more) = line.strip_suffix('\\') {
            joined.push_str(more);
            continue;
        }
        joined.push_str(line);
        if let Some(mut package) = pinned(&joined) {
            package.places.push(Place { path: input.path.into(), layer: None, line: start as u32 });
            sink.package(package);
        }
        joined.clear();
    }
}

/// Strings of a `setup.py` that pin something.
pub(super) fn setup(input: &Input<'_>, sink: &mut Sink) {
    let text = String::from_utf8_lossy(input.bytes);
    for line in text.lines().filter(|line| line.contains("==") && !line.trim_start().starts_with("if ")) {
        line.split(['"', '\'']).skip(1).step_by(2).filter_map(pinned).for_each(|package| sink.package(package));
    }
}

/// The package of a requirement with `==` or `===` and a whole version.
pub(super) fn pinned(requirement: &str) -> Option<Package> {
    let code = requirement.split(" #").next()?.split(" --").next()?.split(';').next()?.trim();
    if code.starts_with(['#', '-']) || code.contains(',') && !code.contains('[') {
        return None;
    }
    let (left, version) = code.split_once("==")?;
    let version = version.trim_start_matches('=').trim();
    let name = name(left);
    let whole =
        !name.is_empty() && !version.is_empty() && !version.contains(['*', ' ', ',', '<', '>', '!', '$', '{', '%']);
    if !whole || left.contains(['<', '>', '!', '~', '@']) {
        return None;
    }
    let mut package = Package::new(Kind::PyPi, name, version);
    package.need = Need::Direct;
    Some(package)
}

/// The name that a requirement begins with.
pub(super) fn name(requirement: &str) -> &str {
    let text = requirement.trim_start();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}
