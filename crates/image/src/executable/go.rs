//! The build information that the Go linker puts into every program.

use model::Package;
use model::package::{Kind, Need};

use crate::catalog::Sink;

use super::Reading;

/// Go version and module list.
#[derive(Debug)]
pub(super) struct BuildInfo {
    pub(super) version: Box<str>,
    pub(super) modules: Box<str>,
}

/// Reads what follows the magic. Programs of Go before 1.18 keep pointers instead of strings there.
pub(super) fn read(bytes: &[u8]) -> Reading<BuildInfo> {
    let Some(flags) = bytes.get(15) else { return Reading::Short };
    if flags & 2 == 0 {
        return Reading::Nothing;
    }
    let mut rest = bytes.get(32..).unwrap_or_default();
    let (Some(version), Some(modules)) = (string(&mut rest), string(&mut rest)) else {
        return Reading::Short;
    };
    // Two sentinels of 16 bytes stand around the list.
    let inner = modules.len().checked_sub(16).and_then(|end| modules.get(16..end)).unwrap_or_default();
    if !version.starts_with(b"go") && !version.starts_with(b"devel") {
        return Reading::Nothing;
    }
    Reading::Found(BuildInfo {
        version: String::from_utf8_lossy(version).into(),
        modules: String::from_utf8_lossy(inner).into(),
    })
}

/// The standard library, the main module, and all modules it was built from.
pub(super) fn packages(info: &BuildInfo, sink: &mut Sink) {
    let version = info.version.split_whitespace().next().unwrap_or_default();
    if let Some(version) = version.strip_prefix("go") {
        sink.package(Package::new(Kind::Golang, "stdlib", version));
    }
    let mut modules: Vec<Package> = Vec::new();
    let mut main: Option<Package> = None;
    let (mut flags, mut revision, mut time) = ("", "", "");
    for line in info.modules.lines() {
        let mut fields = line.split('\t');
        let tag = fields.next().unwrap_or_default();
        let (first, second, third) =
            (fields.next().unwrap_or_default(), fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        match tag {
            "mod" => main = Some(module(first, second, third)),
            "dep" => modules.push(module(first, second, third)),
            // A folder that stands in for a module has no version; the module keeps its own name and version then.
            "=>" if !second.is_empty() => {
                if let Some(old) = modules.last_mut() {
                    let mut new = module(first, second, third);
                    new.properties.push(("replaces".into(), format!("{}@{}", old.name, old.version).into()));
                    *old = new;
                }
            }
            "build" => match first.split_once('=') {
                Some(("-ldflags", value)) => flags = value,
                Some(("vcs.revision", value)) => revision = value,
                Some(("vcs.time", value)) => time = value,
                _ => {}
            },
            _ => {}
        }
    }
    finish(main, modules, flags, (time, revision), sink);
}

fn finish(main: Option<Package>, modules: Vec<Package>, flags: &str, (time, revision): (&str, &str), sink: &mut Sink) {
    if let Some(mut main) = main {
        if main.version.is_empty() {
            let linked = linked_version(flags).map(Box::from);
            main.version = linked.or_else(|| pseudo_version(time, revision)).unwrap_or_default();
        }
        if !revision.is_empty() {
            main.properties.push(("commit".into(), revision.into()));
        }
        main.need = Need::Direct;
        sink.package(main);
    }
    modules.into_iter().for_each(|package| sink.package(package));
}

fn module(path: &str, version: &str, sum: &str) -> Package {
    let version = if version == "(devel)" { "" } else { version };
    let mut package = Package::new(Kind::Golang, path, version);
    if !sum.is_empty() {
        package.properties.push(("h1".into(), sum.into()));
    }
    package
}

/// The version that Go gives a commit without a tag: `v0.0.0-20240123173857-d7fd1ad35715`.
fn pseudo_version(time: &str, revision: &str) -> Option<Box<str>> {
    let digits: String = time.strip_suffix('Z')?.chars().filter(char::is_ascii_digit).collect();
    let revision = revision.get(..12).filter(|start| start.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    (digits.len() == 14).then(|| format!("v0.0.0-{digits}-{revision}").into())
}

/// The version that the builder wrote into a variable named `version` (`-X main.version=v1.2.3`).
fn linked_version(flags: &str) -> Option<&str> {
    flags.split([' ', '"', '\'']).filter_map(|word| word.split_once('=')).find_map(|(name, value)| {
        let variable = name.rsplit('.').next().unwrap_or_default();
        let digits = value.strip_prefix('v').unwrap_or(value);
        let dotted = digits.starts_with(|first: char| first.is_ascii_digit()) && digits.contains('.');
        (variable.to_ascii_lowercase().ends_with("version") && dotted).then_some(value)
    })
}

fn string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut length = 0usize;
    for (at, byte) in rest.iter().enumerate().take(4) {
        length |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            let value = rest.get(at + 1..)?.get(..length)?;
            *rest = rest.get(at + 1 + length..)?;
            return Some(value);
        }
    }
    None
}

pub(super) const MAGIC: &[u8] = b"\xff Go buildinf:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_without_a_tag_has_the_version_that_go_gives_it() {
        let of = |time: &str, revision: &str| pseudo_version(time, revision).map(String::from);
        let revision = "d7fd1ad35715cda76eb33343b7c07b275e402a2e";
        assert_eq!(of("2024-01-23T17:38:57Z", revision).as_deref(), Some("v0.0.0-20240123173857-d7fd1ad35715"));
        for (time, revision) in [("2024-01-23T17:38:57+01:00", revision), ("2024-01-23Z", revision), ("", revision)] {
            assert_eq!(of(time, revision), None);
        }
        assert_eq!(of("2024-01-23T17:38:57Z", "abc"), None);
        assert_eq!(of("2024-01-23T17:38:57Z", "not-a-revision"), None);
    }
}
