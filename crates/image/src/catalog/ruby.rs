//! Ruby: `Gemfile.lock`, and the literal values of installed specifications, which are never evaluated.

use std::collections::BTreeSet;

use model::Package;
use model::package::{Kind, Need};

use super::document::{LOCK_BYTES_MAX, lock_text, locks, named, shown, text};
use super::{Cataloguer, Input, Settings, Sink, Wants};

/// All of Ruby.
pub static CATALOGUERS: &[Cataloguer] = &[
    Cataloguer {
        name: "gemfile-lock",
        wants: Wants { names: &["Gemfile.lock", "gems.locked"], ..Wants::NOTHING },
        settings: Settings::Sources,
        bytes_max: LOCK_BYTES_MAX,
        read: gemfile_lock,
    },
    Cataloguer {
        name: "gemspec",
        wants: Wants { extensions: &[".gemspec"], filter: |path| path.contains("specifications/"), ..Wants::NOTHING },
        settings: Settings::Installed,
        bytes_max: 1 << 20,
        read: gemspec,
    },
];

fn gemfile_lock(input: &Input<'_>, sink: &mut Sink) {
    locks(Kind::Gem, sink);
    let text = lock_text(input, sink);
    let has = |section: &str| text.lines().any(|line| line.trim_end() == section);
    if !text.trim().is_empty() && !has("DEPENDENCIES") {
        sink.damage("the section DEPENDENCIES behind the packages is missing: it is cut off, or something else");
    }
    if text.lines().any(|line| ["<<<<<<<", "=======", ">>>>>>>"].iter().any(|mark| line.starts_with(mark))) {
        sink.damage("it has marks of a merge that is not done");
    }
    let mut seen = BTreeSet::new();
    let mut direct = BTreeSet::new();
    let mut section = "";
    for line in text.lines() {
        if !line.starts_with(' ') {
            section = line.trim();
        } else if section == "DEPENDENCIES" {
            direct.extend(line.split_whitespace().next().map(|name| name.trim_end_matches('!')));
        }
    }
    let mut packages: Vec<Package> = Vec::new();
    let mut section = "";
    for line in text.lines() {
        if !line.starts_with(' ') {
            section = line.trim();
        }
        if !matches!(section, "GEM" | "GIT" | "PATH" | "PLUGIN SOURCE") {
            continue;
        }
        let depth = line.len() - line.trim_start_matches(' ').len();
        let mut words = line.split_whitespace();
        let Some(name) = words.next() else { continue };
        let rest = words.next();
        if depth == 4 {
            let Some(version) = rest.and_then(|word| word.strip_prefix('(')?.strip_suffix(')')) else {
                sink.damage(format!("{name} has no version and was left out"));
                continue;
            };
            // `1.16.0-x86_64-linux`: versions of gems have no hyphen, so the first one begins the platform.
            let (version, platform) = version.split_once('-').unwrap_or((version, ""));
            let Some(mut package) = named(sink, Kind::Gem, name, version) else { continue };
            if !seen.insert((name, version, platform)) {
                sink.damage(format!("{} stands twice", shown(name)));
            }
            package.arch = platform.into();
            package.need = if direct.contains(name) { Need::Direct } else { Need::Indirect };
            packages.push(package);
        } else if depth == 6
            && let Some(package) = packages.last_mut()
        {
            package.depends_on.push(name.trim_end_matches('!').into());
        }
    }
    packages.into_iter().for_each(|package| sink.package(package));
}

fn gemspec(input: &Input<'_>, sink: &mut Sink) {
    let text = text(input, sink);
    let (mut name, mut version, mut licenses) = ("", "", Vec::new());
    for line in text.lines() {
        let Some((key, value)) = line.trim().strip_prefix("s.").and_then(|line| line.split_once('=')) else { continue };
        match key.trim() {
            "name" => name = literal(value).unwrap_or_default(),
            "version" => version = literal(value).unwrap_or_default(),
            "license" | "licenses" => licenses = literals(value),
            _ => {}
        }
    }
    if name.is_empty() || version.is_empty() {
        sink.damage("name or version is not a literal, and specifications are not evaluated");
        return;
    }
    let mut package = Package::new(Kind::Gem, name, version);
    package.licenses = licenses;
    sink.package(package);
}

fn literal(value: &str) -> Option<&str> {
    let value = value.trim();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let (inner, rest) = value.get(1..)?.split_once(quote)?;
    let plain = rest.trim().trim_start_matches(".freeze").trim_start();
    ((plain.is_empty() || plain.starts_with('#')) && !inner.contains("#{")).then_some(inner)
}

fn literals(value: &str) -> Vec<Box<str>> {
    value.split(['"', '\'']).skip(1).step_by(2).map(Into::into).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_tells_versions_platforms_and_who_asked() {
        let bytes = b"GEM\n  specs:\n    a (1.0-java)\n      b (>= 1)\n    b (2.0)\n    c\n\nDEPENDENCIES\n  a!\n";
        let mut sink = Sink::default();
        gemfile_lock(&Input { path: "Gemfile.lock", bytes }, &mut sink);
        let packages: Vec<&Package> = sink
            .facts
            .iter()
            .filter_map(|fact| match fact {
                crate::facts::Fact::Package(package) => Some(package),
                _ => None,
            })
            .collect();
        assert_eq!((packages.len(), sink.damage.len()), (2, 1));
        let package = packages[0];
        assert_eq!((&*package.version, &*package.arch, package.need), ("1.0", "java", Need::Direct));
    }

    #[test]
    fn a_specification_is_never_evaluated() {
        let mut sink = Sink::default();
        gemspec(&Input { path: "x", bytes: b"s.name = \"a\".freeze\ns.version = `id`\n" }, &mut sink);
        assert_eq!((sink.facts.len(), sink.damage.len()), (0, 1));
    }
}
