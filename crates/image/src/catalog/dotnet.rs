//! .NET: what a restore resolved, and specifications of packages that lie in a folder of packages.

use std::collections::BTreeSet;

use model::package::{Kind, Need};
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

use super::document::{
    LOCK_BYTES_MAX, check_version, entries, json, keys, lock_text, locks, member, named, needs_one_of, shown,
};
use super::locks::lock;
use super::{Cataloguer, Input, Settings, Sink, Wants};

/// All of these.
pub static CATALOGUERS: &[Cataloguer] = &[
    lock("nuget-assets", &["project.assets.json"], Settings::Both, assets),
    Cataloguer {
        name: "nuspec",
        wants: Wants { extensions: &[".nuspec"], ..Wants::NOTHING },
        settings: Settings::Installed,
        bytes_max: LOCK_BYTES_MAX,
        read: nuspec,
    },
];

/// `libraries` holds what was resolved as `Name/1.0.0`, packages and projects; `targets` what each of them needs, and
/// `projectFileDependencyGroups` what the project itself names.
fn assets(input: &Input<'_>, sink: &mut Sink) {
    locks(Kind::NuGet, sink);
    let Some(document) = json(input, sink) else { return };
    check_version(document.get("version"), &["1", "2", "3", "4"], sink);
    needs_one_of(&document, &["libraries"], sink);
    let mut direct: BTreeSet<String> = BTreeSet::new();
    for (_, group) in entries(&document, "projectFileDependencyGroups", sink) {
        // `Name >= 1.0.0`.
        let lines = group.as_array().into_iter().flatten().filter_map(Value::as_str);
        direct.extend(lines.filter_map(|line| line.split_whitespace().next()).map(str::to_ascii_lowercase));
    }
    for (key, entry) in entries(&document, "libraries", sink) {
        match member(entry, "type") {
            "package" => {}
            "" => sink.damage(format!("{} tells no type; it may be a package and was left out", shown(key))),
            _ => continue,
        }
        let (name, version) = key.split_once('/').unwrap_or((key, ""));
        let Some(mut package) = named(sink, Kind::NuGet, name, version) else { continue };
        let named = direct.contains(&name.to_ascii_lowercase());
        package.need = if named { Need::Direct } else { Need::Indirect };
        let mut needs: BTreeSet<&str> = BTreeSet::new();
        for target in document.get("targets").and_then(Value::as_object).into_iter().flatten() {
            needs.extend(target.1.get(key).into_iter().flat_map(|entry| keys(entry, "dependencies")));
        }
        package.depends_on = needs.into_iter().map(Into::into).collect();
        sink.package(package);
    }
}

/// `package/metadata` with `id`, `version`, `license` and `authors`.
fn nuspec(input: &Input<'_>, sink: &mut Sink) {
    let text = lock_text(input, sink);
    let [mut id, mut version, mut license, mut authors] = [const { String::new() }; 4];
    let mut path: Vec<String> = Vec::new();
    let mut reader = Reader::from_str(&text);
    loop {
        match reader.read_event() {
            Ok(Event::Start(_)) if path.len() == DEPTH_MAX => break sink.damage("elements are nested too deeply"),
            Ok(Event::Start(start)) => path.push(start.local_name().as_ref().to_owned()),
            Ok(Event::End(_)) => drop(path.pop()),
            Ok(Event::Text(text)) => {
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                let ["package", "metadata", field] = path.as_slice() else { continue };
                match *field {
                    "id" => id.push_str(text.trim()),
                    "version" => version.push_str(text.trim()),
                    "license" => license.push_str(text.trim()),
                    "authors" => authors.push_str(text.trim()),
                    _ => {}
                }
            }
            Ok(Event::Eof) if path.is_empty() => break,
            Ok(Event::Eof) => break sink.damage("the document ends inside an element: it is cut off"),
            Ok(_) => {}
            Err(error) => break sink.damage(format!("not readable as XML: {error}; what follows was not read")),
        }
    }
    if id.contains('$') || version.contains('$') {
        // A template, whose values are put in when a package is built.
        return sink.remark(format!("the values of {} are put in later; it is no package", shown(&id)));
    }
    let Some(mut package) = named(sink, Kind::NuGet, &id, &version) else { return };
    // A file with the text of the licence says nothing of its name.
    package.licenses = crate::license::normalise(license.as_str());
    package.licenses.retain(|name| !name.to_ascii_lowercase().ends_with(".txt") && !name.ends_with(".md"));
    package.supplier = authors.into();
    sink.package(package);
}

/// Metadata stand at a depth of three, dependencies at five.
const DEPTH_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::{assets, nuspec};
    use crate::catalog::{listed, packages_read};

    #[test]
    fn what_a_restore_resolved_is_told_with_its_needs() {
        let bytes = br#"{"version":3,"targets":{"net8.0":{"A/1.0.0":{"type":"package","dependencies":{"B":"2.0.0"}}}},
            "libraries":{"A/1.0.0":{"type":"package"},"B/2.0.0":{"type":"package"},"P/1.0.0":{"type":"project"}},
            "projectFileDependencyGroups":{"net8.0":["a >= 1.0.0"]}}"#;
        let (packages, damage) = packages_read(assets, "obj/project.assets.json", bytes);
        let told: Vec<String> = packages.iter().map(|p| format!("{} {} {:?}", p.name, p.version, p.need)).collect();
        assert_eq!(told, ["A 1.0.0 Direct", "B 2.0.0 Indirect"]);
        assert_eq!((&*packages[0].depends_on, damage.len()), (&["B".into()][..], 0));
        for (bytes, expected) in [
            (r#"{"version":3}"#, "none of `libraries`"),
            (r#"{"version":9,"libraries":{}}"#, "not known"),
            (r#"{"version":3,"libraries":{"A":{"type":"package"}}}"#, "no version"),
            (r#"{"version":3,"libraries":{"A/1":{}}}"#, "tells no type"),
        ] {
            let found = listed(assets, "project.assets.json", bytes.as_bytes());
            assert!(found.iter().any(|line| line.contains(expected)), "{bytes} {found:?}");
        }
    }

    #[test]
    fn a_specification_tells_its_package_and_a_template_tells_none() {
        let text = "<package xmlns=\"x\"><metadata><id>A.B</id><version>1.2</version><license type=\"expression\">MIT</license>\
            <dependencies><dependency id=\"C\" version=\"1\" /></dependencies></metadata></package>";
        let (packages, damage) = packages_read(nuspec, "root/.nuget/packages/a.b/1.2/a.b.nuspec", text.as_bytes());
        assert_eq!((&*packages[0].name, &*packages[0].version, packages.len(), damage.len()), ("A.B", "1.2", 1, 0));
        assert_eq!(&*packages[0].licenses, ["MIT".into()]);
        let cut = listed(nuspec, "a.nuspec", &text.as_bytes()[..text.len() - 10]);
        assert!(cut.iter().any(|line| line.contains("cut off")), "{cut:?}");
        let template = text.replace("1.2", "$version$");
        assert!(listed(nuspec, "a.nuspec", template.as_bytes())[0].contains("put in later"));
        assert!(!listed(nuspec, "a.nuspec", b"").is_empty());
        assert!(
            listed(nuspec, "a.nuspec", b"<package><metadata><id>A</id></metadata></package>")[0].contains("no version")
        );
    }
}
