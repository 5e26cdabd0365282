//! Go: `go.mod`, `go.sum`, `vendor/modules.txt`.

use std::collections::BTreeMap;

use model::Package;
use model::package::{Kind, Need, Place};

use super::document::shown;
use super::{Cataloguer, Input, Settings, Sink, Wants};
use crate::facts::{Fact, Project};

/// The readers of Go's files.
pub static CATALOGUERS: &[Cataloguer] = &[
    Cataloguer {
        name: "go-mod",
        wants: Wants { names: &["go.mod"], ..Wants::NOTHING },
        settings: Settings::Sources,
        bytes_max: BYTES_MAX,
        read: go_mod,
    },
    Cataloguer {
        name: "go-sum",
        wants: Wants { names: &["go.sum"], ..Wants::NOTHING },
        settings: Settings::Sources,
        bytes_max: BYTES_MAX,
        read: go_sum,
    },
    Cataloguer {
        name: "go-vendor",
        wants: Wants { path_ends: &["vendor/modules.txt"], ..Wants::NOTHING },
        settings: Settings::Sources,
        bytes_max: BYTES_MAX,
        read: vendor,
    },
];

fn go_mod(input: &Input<'_>, sink: &mut Sink) {
    let text = String::from_utf8_lossy(input.bytes);
    let mut required: BTreeMap<(String, String), Package> = BTreeMap::new();
    let mut replaced: Vec<[String; 4]> = Vec::new();
    let (mut block, mut go, mut toolchain) = (String::new(), String::new(), String::new());
    let mut module = false;
    for (at, line) in text.lines().enumerate() {
        let (code, comment) = line.split_once("//").unwrap_or((line, ""));
        let code = code.trim();
        let mut words: Vec<&str> = code.split_whitespace().map(|word| word.trim_matches(['"', '`'])).collect();
        if code.ends_with('(') {
            block = words.first().unwrap_or(&"").trim_end_matches('(').to_owned();
            continue;
        }
        if code.starts_with(')') {
            block.clear();
            continue;
        }
        let verb = if block.is_empty() && !words.is_empty() { words.remove(0) } else { block.as_str() };
        match (verb, words.as_slice()) {
            ("module", [name, ..]) if !name.is_empty() => {
                let mut package = package(name, "", input.path, at);
                package.need = Need::Direct;
                sink.package(package);
                module = true;
            }
            ("go", [version, ..]) => go = (*version).to_owned(),
            ("toolchain", [version, ..]) => toolchain = version.trim_start_matches("go").to_owned(),
            ("require", [name, version, ..]) if !name.is_empty() && !version.is_empty() => {
                let mut package = package(name, version, input.path, at);
                let indirect = comment.trim().split([' ', ';']).next() == Some("indirect");
                package.need = if indirect { Need::Indirect } else { Need::Direct };
                required.insert(((*name).to_owned(), (*version).to_owned()), package);
            }
            ("require", ["", ..]) => sink.damage("an entry has no name and was left out"),
            ("require", [name, ..]) => sink.damage(format!("{} has no version and was left out", shown(name))),
            ("replace", words) => replaced.extend(replacement(words)),
            _ => {}
        }
    }
    if !module {
        sink.damage("it has no line `module`: it is empty, or another format than its name says");
    }
    if !block.is_empty() {
        sink.damage(format!("the block `{}` does not end: the file is cut off", shown(&block)));
    }
    for [old, version, new, new_version] in replaced {
        for ((name, at), package) in &mut required {
            // A folder that stands in for a module has no version, and nothing is known of it.
            if *name == old && (version.is_empty() || *at == version) && !new.is_empty() && !new_version.is_empty() {
                package.name = new.as_str().into();
                package.version = new_version.as_str().into();
                package.properties.push(("replaces".into(), format!("{name}@{at}").into()));
            }
        }
    }
    if is_short(&go) {
        sink.facts.push(Fact::Project(Project::ShortGoMod));
    }
    let version = if toolchain.is_empty() { go } else { toolchain };
    if !version.is_empty() {
        sink.package(package("stdlib", &version, input.path, 0));
    }
    required.into_values().for_each(|package| sink.package(package));
}

/// Whether `go` is below 1.17, from which on all modules that take part stand in the file.
fn is_short(go: &str) -> bool {
    let mut parts = go.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) < (1, 17)
}

/// Modules whose content takes part have a sum of their own besides that of their `go.mod`.
fn go_sum(input: &Input<'_>, sink: &mut Sink) {
    let text = String::from_utf8_lossy(input.bytes);
    let (mut sums, mut odd) = (Vec::new(), 0);
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            [name, version, sum] if sum.starts_with("h1:") => {
                if !version.ends_with("/go.mod") {
                    sums.push([(*name).into(), (*version).into(), (*sum).into()]);
                }
            }
            _ => odd += 1,
        }
    }
    if odd > 0 {
        sink.damage(format!("{odd} lines are not module, version and sum"));
    }
    sink.facts.push(Fact::Project(Project::Sums(sums)));
}

fn replacement(words: &[&str]) -> Option<[String; 4]> {
    let arrow = words.iter().position(|word| *word == "=>")?;
    let word = |at: usize| words.get(at).map(|word| (*word).to_owned()).unwrap_or_default();
    let version = if arrow > 1 { word(1) } else { String::new() };
    Some([word(0), version, word(arrow + 1), word(arrow + 2)])
}

fn vendor(input: &Input<'_>, sink: &mut Sink) {
    let text = String::from_utf8_lossy(input.bytes);
    if !text.trim().is_empty() && !text.contains("# ") {
        sink.damage("it lists no modules: it is another format than its name says");
    }
    for (at, line) in text.lines().enumerate() {
        let Some(rest) = line.strip_prefix("# ") else { continue };
        let words: Vec<&str> = rest.split_whitespace().collect();
        match words.as_slice() {
            [_, _, "=>", name, version] | [_, "=>", name, version] | [name, version, ..] if *version != "=>" => {
                sink.package(package(name, version, input.path, at));
            }
            [name] => sink.damage(format!("{} has no version and was left out", shown(name))),
            _ => {}
        }
    }
}

fn package(name: &str, version: &str, path: &str, line: usize) -> Package {
    let mut package = Package::new(Kind::Golang, name, version);
    package.places.push(Place { path: path.into(), layer: None, line: line as u32 + 1 });
    package
}

/// The largest `go.mod` and module lists known are below 1 MB.
const BYTES_MAX: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use super::{go_mod, vendor};
    use crate::catalog::{Input, Sink, listed};
    use crate::facts::Fact;

    #[test]
    fn requirements_replacements_and_the_go_version_are_read() {
        let text = b"module example.com/a\ngo 1.21\nrequire (\n\texample.com/b v1.0.0 // indirect\n\texample.com/c v1.1.0\n)\n\
            replace example.com/c => example.com/d v2.0.0\nrequire example.com/e v0.1.0 // why\n";
        let expected =
            ["example.com/a ", "stdlib 1.21", "example.com/b v1.0.0", "example.com/d v2.0.0", "example.com/e v0.1.0"];
        assert_eq!(listed(go_mod, "go.mod", text), expected);
        let text =
            b"# example.com/b v1.0.0\n## explicit\nexample.com/b/x\n# example.com/c v1 => example.com/d v2.0.0\n";
        assert_eq!(listed(vendor, "vendor/modules.txt", text), ["example.com/b v1.0.0", "example.com/d v2.0.0"]);
    }

    #[test]
    fn quoted_nothing_is_no_module_and_is_told() {
        for (line, told) in [
            ("module \"\"", "it has no line `module`: it is empty, or another format than its name says"),
            ("module a\nrequire `` v1.0.0", "an entry has no name and was left out"),
            ("module a\nrequire b \"\"", "b has no version and was left out"),
        ] {
            let mut sink = Sink::default();
            go_mod(&Input { path: "go.mod", bytes: line.as_bytes() }, &mut sink);
            let damage: Vec<_> = sink.damage.iter().map(|fault| &*fault.message).collect();
            assert_eq!(damage, [told], "{line}");
            let named = |fact: &Fact| matches!(fact, Fact::Package(package) if package.name.is_empty() || &*package.name == "b");
            assert!(!sink.facts.iter().any(named), "{line}");
        }
        let text = b"module a\nrequire b v1.0.0\nreplace b => \"\" v2.0.0\n";
        assert_eq!(listed(go_mod, "go.mod", text), ["a ", "b v1.0.0"]);
    }
}
