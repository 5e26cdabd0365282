//! Texts of licences beside packages that may not name theirs.

use model::package::Kind;

use super::{Cataloguer, Input, Settings, Sink, Wants};
use crate::facts::Fact;
use crate::license::detect;

/// Texts in the folders of npm packages and of installed Python packages.
pub static CATALOGUERS: &[Cataloguer] = &[Cataloguer {
    name: "license-text",
    wants: Wants {
        names: &[
            "LICENSE",
            "LICENSE.md",
            "LICENSE.txt",
            "LICENSE.rst",
            "LICENSE-MIT",
            "LICENSE-MIT.txt",
            "LICENSE-APACHE",
            "LICENSE.MIT",
            "LICENSE.APACHE",
            "LICENSE.BSD",
            "LICENCE",
            "LICENCE.md",
            "LICENCE.txt",
            "License",
            "License.md",
            "License.txt",
            "license",
            "license.md",
            "license.txt",
            "COPYING",
            "COPYING.md",
            "COPYING.txt",
            "COPYING.LESSER",
            "COPYING.LIB",
            "UNLICENSE",
        ],
        filter: |path| package(path).is_some(),
        ..Wants::NOTHING
    },
    settings: Settings::Both,
    bytes_max: 16 << 20,
    read,
}];

fn read(input: &Input<'_>, sink: &mut Sink) {
    let Some((kind, folder)) = package(input.path) else { return };
    let licenses = detect(input.bytes);
    if !licenses.is_empty() {
        sink.facts.push(Fact::Licenses { kind, package: folder.into(), licenses });
    }
}

/// The folder of the package that a text belongs to.
fn package(path: &str) -> Option<(Kind, &str)> {
    let (folder, _) = path.rsplit_once('/')?;
    let info = folder.strip_suffix("/licenses").unwrap_or(folder);
    if info.ends_with(".dist-info") || info.ends_with(".egg-info") {
        return Some((Kind::PyPi, info));
    }
    let (parent, _) = folder.rsplit_once('/')?;
    let scope = parent.rsplit_once('/').filter(|(_, scope)| scope.starts_with('@'));
    let parent = scope.map_or(parent, |(parent, _)| parent);
    (parent == "node_modules" || parent.ends_with("/node_modules")).then_some((Kind::Npm, folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_belong_to_the_package_whose_folder_they_lie_in() {
        for (path, expect) in [
            ("a/node_modules/x/LICENSE", Some((Kind::Npm, "a/node_modules/x"))),
            ("node_modules/@s/x/LICENSE", Some((Kind::Npm, "node_modules/@s/x"))),
            ("node_modules/x/lib/LICENSE", None),
            ("s/x-1.dist-info/LICENSE", Some((Kind::PyPi, "s/x-1.dist-info"))),
            ("s/x-1.dist-info/licenses/LICENSE", Some((Kind::PyPi, "s/x-1.dist-info"))),
            ("LICENSE", None),
        ] {
            assert_eq!(package(path), expect, "{path}");
        }
        let mut sink = Sink::default();
        read(&Input { path: "node_modules/x/LICENSE", bytes: b"Apache License\nVersion 2.0, January 2004" }, &mut sink);
        assert!(matches!(&sink.facts[..], [Fact::Licenses { licenses, .. }] if *licenses == ["Apache-2.0".into()]));
    }
}
