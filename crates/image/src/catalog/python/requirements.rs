//! `requirements.txt` and the requirements in `setup.py`: only what is pinned has a version, the rest is told.

use model::Package;
use model::package::{Kind, Need, Place};

use crate::catalog::document::{shown, text};
use crate::catalog::locks::declares;
use crate::catalog::{Input, Sink};
use crate::facts::{Fact, Manifest, Project};
use crate::path::{Name, beside};

/// `requirements.txt`, `requirements-dev.txt`, `dev-requirements.txt`, `requirements/dev.txt`.
pub(super) fn is_named(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    parts.next().is_some_and(|file| file.contains("requirements") || file.contains("constraints"))
        || parts.next() == Some("requirements")
}

pub(super) fn read(input: &Input<'_>, sink: &mut Sink) {
    let content = text(input, sink);
    let (mut joined, mut start) = (String::new(), 0);
    let mut open = Vec::new();
    let lines = content.lines().chain(content.ends_with('\\').then_some(""));
    for (at, line) in lines.enumerate() {
        if joined.is_empty() {
            start = at + 1;
        }
        if let Some(more) = line.strip_suffix('\\') {
            joined.push_str(more);
            continue;
        }
        joined.push_str(line);
        let logical = std::mem::take(&mut joined);
        requirement(&logical, start, input, &mut open, sink);
    }
    if !open.is_empty() {
        declares(Manifest { kind: Kind::PyPi, name: "".into(), needs: Vec::new(), open, lockable: false }, sink);
    }
}

fn requirement(line: &str, number: usize, input: &Input<'_>, open: &mut Vec<Box<str>>, sink: &mut Sink) {
    let code = without_comment(line).trim();
    if code.is_empty() {
        return;
    }
    if code.starts_with('-') {
        return option(code, number, input, open, sink);
    }
    if let Some(mut package) = pinned(code) {
        package.places.push(Place { path: input.path.into(), layer: None, line: number as u32 });
        return sink.package(package);
    }
    let name = name(code);
    let rest = code.get(name.len()..).unwrap_or_default().trim_start();
    // A path or an address instead of a name.
    let is_place = code.starts_with(['.', '/']) || rest.starts_with([':', '/', '+', '\\']);
    if is_place && code.starts_with('.') && !code.contains("..") {
        return; // A folder or archive of this tree, which is looked at like every other.
    }
    if is_place {
        return sink.damage(format!("line {number}: what {} holds is not known", shown(code)));
    }
    match name {
        "" => sink.damage(format!("line {number} is no requirement: {}", shown(code))),
        name => open.push(name.into()),
    }
}

/// `-r other.txt`, `-e git+https://…`, and settings of pip that name no package.
fn option(code: &str, number: usize, input: &Input<'_>, open: &mut Vec<Box<str>>, sink: &mut Sink) {
    let value = |names: [&str; 2]| {
        let [short, long] = names;
        let rest = code.strip_prefix(long).filter(|rest| rest.starts_with(['=', ' ', '\t']));
        let rest = rest.or_else(|| code.strip_prefix(short).filter(|_| !code.starts_with("--")))?;
        Some(rest.trim_start_matches(['=', ' ', '\t']).trim().trim_matches(['"', '\'']))
    };
    let included = value(["-r", "--requirement"]).or_else(|| value(["-c", "--constraint"]));
    if let Some(other) = included {
        return match beside(input.path, other) {
            _ if other.contains("://") => {
                sink.damage(format!("line {number}: {} lies on a server and was not followed", shown(other)));
            }
            Name::Path(path) if !other.is_empty() => sink.facts.push(Fact::Project(Project::Includes(path.into()))),
            _ => sink.damage(format!("line {number}: {} lies outside and was not followed", shown(other))),
        };
    }
    if let Some(place) = value(["-e", "--editable"]) {
        let egg = place.split_once("#egg=").map(|(_, egg)| name(egg)).filter(|egg| !egg.is_empty());
        match egg {
            Some(egg) => open.push(egg.into()),
            None if place.starts_with('.') && !place.contains("..") => {}
            None => sink.damage(format!("line {number}: what {} holds is not known", shown(place))),
        }
    }
}

/// Strings of a `setup.py` that pin something, and the requirements that do not.
pub(super) fn setup(input: &Input<'_>, sink: &mut Sink) {
    let text = String::from_utf8_lossy(input.bytes);
    for line in text.lines().filter(|line| line.contains("==") && !line.trim_start().starts_with("if ")) {
        line.split(['"', '\'']).skip(1).step_by(2).filter_map(pinned).for_each(|package| sink.package(package));
    }
    let mut open: Vec<Box<str>> = Vec::new();
    for (at, key) in text.match_indices("install_requires") {
        let rest = text.get(at + key.len()..).unwrap_or_default().trim_start();
        let Some(value) = rest.strip_prefix('=').filter(|rest| !rest.starts_with('=')).map(str::trim_start) else {
            continue;
        };
        let end = value.find([']', ')']).unwrap_or(value.len());
        match value.strip_prefix('[').and_then(|_| value.get(1..end)) {
            Some(list) => {
                let list: Vec<&str> = list.lines().map(without_comment).collect();
                let list = list.join("\n");
                let strings = list.split(['"', '\'']).skip(1).step_by(2);
                open.extend(strings.filter(|text| pinned(text).is_none()).map(|text| name(text).into()));
            }
            None => open.push("what setup.py computes".into()),
        }
    }
    if !open.is_empty() {
        declares(Manifest { kind: Kind::PyPi, name: "".into(), needs: Vec::new(), open, lockable: true }, sink);
    }
}

/// The package of a requirement with `==` or `===` and a whole version, or of a wheel with its version in the name.
pub(super) fn pinned(requirement: &str) -> Option<Package> {
    let code = without_comment(requirement).split(" --").next()?.split(';').next()?.trim();
    if code.starts_with(['#', '-']) {
        return None;
    }
    let name = name(code);
    if name.is_empty() {
        return None;
    }
    let rest = code.get(name.len()..)?.trim_start();
    let rest = rest.strip_prefix('[').map_or(Some(rest), |rest| Some(rest.split_once(']')?.1.trim_start()))?;
    let version = match rest.strip_prefix('@') {
        Some(address) => version_of_wheel(address.trim().split('#').next()?.rsplit('/').next()?)?,
        None => {
            let inner = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(rest);
            inner.split(',').find_map(|clause| {
                let version = clause.trim().strip_prefix("==")?.trim_start_matches('=').trim();
                let odd = ['*', ' ', '<', '>', '!', '$', '{', '%', '=', '~'];
                (!version.is_empty() && !version.contains(odd)).then_some(version)
            })?
        }
    };
    let mut package = Package::new(Kind::PyPi, name, version);
    package.need = Need::Direct;
    Some(package)
}

/// The version in the name of a wheel: `name-1.0-py3-none-any.whl`.
pub(super) fn version_of_wheel(file: &str) -> Option<&str> {
    file.strip_suffix(".whl")?.split('-').nth(1).filter(|version| version.starts_with(|c: char| c.is_ascii_digit()))
}

/// The name that a requirement begins with.
pub(super) fn name(requirement: &str) -> &str {
    let text = requirement.trim_start();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with('#') {
        return "";
    }
    line.split(" #").next().unwrap_or_default().split("\t#").next().unwrap_or_default()
}
