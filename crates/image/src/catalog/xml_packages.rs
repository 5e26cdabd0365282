//! Packages declared in XML: `pom.xml`, `packages.config`, `Directory.Packages.props`, `verification-metadata.xml`.

use std::collections::BTreeMap;

use model::package::{Kind, Need, Place};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::document::{LOCK_BYTES_MAX, found, lock_text, named};
use super::{Cataloguer, Input, Settings, Sink, Wants};
use crate::facts::{Fact, Project};

/// All of these.
pub static CATALOGUERS: &[Cataloguer] = &[
    Cataloguer {
        name: "pom",
        wants: Wants { names: &["pom.xml"], ..Wants::NOTHING },
        settings: Settings::Sources,
        bytes_max: LOCK_BYTES_MAX,
        read: pom,
    },
    Cataloguer {
        name: "nuget-declared",
        wants: Wants { names: &["packages.config", "Directory.Packages.props", "Packages.props"], ..Wants::NOTHING },
        settings: Settings::Sources,
        bytes_max: LOCK_BYTES_MAX,
        read: nuget,
    },
    Cataloguer {
        name: "gradle-verification",
        wants: Wants { path_ends: &["gradle/verification-metadata.xml"], ..Wants::NOTHING },
        settings: Settings::Sources,
        bytes_max: LOCK_BYTES_MAX,
        read: verification,
    },
];

#[derive(Default)]
struct Artifact {
    group: String,
    name: String,
    version: String,
    scope: String,
}

#[derive(Default)]
struct Pom {
    own: Artifact,
    parent: Artifact,
    properties: BTreeMap<String, String>,
    managed: Vec<Artifact>,
    declared: Vec<Artifact>,
}

fn pom(input: &Input<'_>, sink: &mut Sink) {
    let text = lock_text(input, sink);
    let pom = parse(&text, sink);
    if pom.own.name.is_empty() && !text.trim().is_empty() {
        sink.damage("it has no artifactId: it is cut off, or another format than its name says");
    }
    report(&pom, sink);
}

/// Group, artifact and version of the project that a `pom.xml` describes.
pub(super) fn coordinates(bytes: &[u8]) -> Option<[String; 3]> {
    let pom = parse(&String::from_utf8_lossy(bytes), &mut Sink::default());
    let either = |own: &str, parent: &str| resolve(&pom, if own.is_empty() { parent } else { own });
    let group = either(&pom.own.group, &pom.parent.group)?;
    let version = either(&pom.own.version, &pom.parent.version)?;
    let all = [group, resolve(&pom, &pom.own.name)?, version];
    all.iter().all(|text| !text.is_empty()).then_some(all)
}

fn parse(text: &str, sink: &mut Sink) -> Pom {
    let mut pom = Pom::default();
    let mut path: Vec<String> = Vec::new();
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event() {
            Ok(Event::Start(_)) if path.len() == DEPTH_MAX => {
                sink.damage("elements are nested too deeply; what follows was not read");
                break;
            }
            Ok(Event::Start(start)) => {
                path.push(start.local_name().as_ref().to_owned());
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                match path.as_slice() {
                    ["project", "dependencies", "dependency"] => pom.declared.push(Artifact::default()),
                    ["project", "dependencyManagement", "dependencies", "dependency"] => {
                        pom.managed.push(Artifact::default());
                    }
                    _ => {}
                }
            }
            Ok(Event::End(_)) => drop(path.pop()),
            Ok(Event::Text(text)) => place(&mut pom, &path, text.trim()),
            Ok(Event::Eof) => {
                if !path.is_empty() {
                    sink.damage("the document ends inside an element: it is cut off");
                }
                break;
            }
            Ok(_) => {}
            Err(error) => {
                sink.damage(format!("not readable as XML: {error}; what follows was not read"));
                break;
            }
        }
    }
    pom
}

fn place(pom: &mut Pom, path: &[String], text: &str) {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let (artifact, field) = match path.as_slice() {
        ["project", "properties", key] => {
            pom.properties.entry((*key).to_owned()).or_default().push_str(text);
            return;
        }
        ["project", "parent", field] => (Some(&mut pom.parent), *field),
        ["project", field] => (Some(&mut pom.own), *field),
        ["project", "dependencies", "dependency", field] => (pom.declared.last_mut(), *field),
        ["project", "dependencyManagement", "dependencies", "dependency", field] => (pom.managed.last_mut(), *field),
        _ => return,
    };
    let Some(artifact) = artifact else { return };
    match field {
        "groupId" => artifact.group.push_str(text),
        "artifactId" => artifact.name.push_str(text),
        "version" => artifact.version.push_str(text),
        "scope" => artifact.scope.push_str(text),
        _ => {}
    }
}

fn report(pom: &Pom, sink: &mut Sink) {
    let managed: BTreeMap<(String, String), &Artifact> = pom
        .managed
        .iter()
        .filter_map(|one| Some(((resolve(pom, &one.group)?, resolve(pom, &one.name)?), one)))
        .collect();
    let own = [pom.own.version.as_str(), pom.parent.version.as_str()].into_iter().find(|text| !text.is_empty());
    let group = [pom.own.group.as_str(), pom.parent.group.as_str()].into_iter().find(|text| !text.is_empty());
    if let (Some(group), false) = (group.and_then(|text| resolve(pom, text)), pom.own.name.is_empty()) {
        let version = own.and_then(|text| resolve(pom, text)).unwrap_or_default();
        // The project itself may have none where its parent lies elsewhere.
        if !version.is_empty() {
            found(sink, Kind::Maven, &format!("{group}:{}", pom.own.name), &version, Need::Unstated);
        }
    }
    for one in &pom.declared {
        let (Some(group), Some(name)) = (resolve(pom, &one.group), resolve(pom, &one.name)) else {
            sink.damage(format!("name of dependency {}:{} not known", one.group, one.name));
            continue;
        };
        let key = (group, name);
        let over = managed.get(&key);
        let written = if one.version.is_empty() { over.map_or("", |over| &over.version) } else { &one.version };
        let scope = if one.scope.is_empty() { over.map_or("", |over| &over.scope) } else { &one.scope };
        let version = resolve(pom, written).filter(|version| !version.is_empty());
        let name = format!("{}:{}", key.0, key.1);
        let Some(version) = version else {
            sink.damage(format!("version of {name} from parent pom not known"));
            continue;
        };
        let need = if scope == "test" { Need::Development } else { Need::Direct };
        found(sink, Kind::Maven, &name, &version, need);
    }
}

/// Puts properties in, which may name others; `None` where one is not known or the text grows without end.
fn resolve(pom: &Pom, text: &str) -> Option<String> {
    let mut text = text.to_owned();
    for _ in 0..REPLACEMENTS_MAX {
        let Some((before, rest)) = text.split_once("${") else { return Some(text) };
        let (key, after) = rest.split_once('}')?;
        let either = |own: &str, parent: &str| if own.is_empty() { parent.to_owned() } else { own.to_owned() };
        let value = match key.strip_prefix("project.").or_else(|| key.strip_prefix("pom.")).unwrap_or(key) {
            "version" if !pom.properties.contains_key(key) => either(&pom.own.version, &pom.parent.version),
            "groupId" => either(&pom.own.group, &pom.parent.group),
            "artifactId" => pom.own.name.clone(),
            "parent.version" => pom.parent.version.clone(),
            "parent.groupId" => pom.parent.group.clone(),
            _ => pom.properties.get(key)?.clone(),
        };
        if value.is_empty() || before.len() + value.len() + after.len() > TEXT_BYTES_MAX {
            return None;
        }
        text = [before, &value, after].concat();
    }
    None
}

fn nuget(input: &Input<'_>, sink: &mut Sink) {
    each_element(input, sink, nuget_element);
}

/// Everything that Gradle ever verified for a project, plug-ins and what they need among it: `<component group="g" name="a"
/// version="1">`.
fn verification(input: &Input<'_>, sink: &mut Sink) {
    let mut hints = Vec::new();
    each_element(input, sink, |start, sink| {
        if start.local_name().as_ref() != "component" {
            return;
        }
        let [group, name, version] = ["group", "name", "version"].map(|key| attribute(start, key).unwrap_or_default());
        if group.is_empty() || name.is_empty() {
            return sink.damage("a component has no group or no name and was left out");
        }
        let Some(mut package) = named(sink, Kind::Maven, &format!("{group}:{name}"), &version) else { return };
        package.places.push(Place::file(input.path));
        hints.push(package);
    });
    sink.facts.push(Fact::Project(Project::Hints(hints)));
}

fn each_element(input: &Input<'_>, sink: &mut Sink, mut each: impl FnMut(&BytesStart<'_>, &mut Sink)) {
    let text = lock_text(input, sink);
    let mut reader = Reader::from_str(&text);
    let (mut depth, mut elements) = (0i64, 0u64);
    loop {
        match reader.read_event() {
            Ok(event @ (Event::Start(_) | Event::Empty(_))) => {
                elements += 1;
                if let Event::Start(start) | Event::Empty(start) = &event {
                    each(start, sink);
                }
                depth += i64::from(matches!(event, Event::Start(_)));
            }
            Ok(Event::End(_)) => depth -= 1,
            Ok(Event::Eof) => {
                if depth != 0 || elements == 0 && !text.trim().is_empty() {
                    sink.damage("it is no whole XML document: it is cut off, or another format than its name says");
                }
                return;
            }
            Ok(_) => {}
            Err(error) => {
                sink.damage(format!("not readable as XML: {error}; what follows was not read"));
                return;
            }
        }
    }
}

fn nuget_element(start: &BytesStart<'_>, sink: &mut Sink) {
    let (names, version): (&[&str], _) = match start.local_name().as_ref() {
        "package" => (&["id"], "version"),
        "PackageVersion" | "PackageReference" | "GlobalPackageReference" => (&["Include", "Update"], "Version"),
        _ => return,
    };
    let attribute = |name: &str| attribute(start, name);
    let Some(name) = names.iter().find_map(|name| attribute(name)) else { return };
    let version = attribute(version).unwrap_or_default();
    if version.is_empty() || name.contains("$(") || version.contains("$(") {
        sink.damage(format!("version of {name} not known: it is computed or missing"));
        return;
    }
    let need = match attribute("developmentDependency").as_deref() {
        Some("true") => Need::Development,
        _ => Need::Unstated,
    };
    found(sink, Kind::NuGet, &name, version.trim_matches(['[', ']']), need);
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    start.try_get_attribute(name).ok().flatten().map(|found| found.value.trim().to_owned())
}

/// Maven's own elements end at a depth of about ten, plug-in configuration at twenty.
const DEPTH_MAX: usize = 128;
/// Properties that name properties: five are many. A circle ends here.
const REPLACEMENTS_MAX: usize = 32;
/// Names and versions are below 200 bytes; a text that doubles with each property ends here.
const TEXT_BYTES_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::packages_read;

    #[test]
    fn properties_are_resolved_and_what_the_parent_knows_is_not_guessed() {
        let bytes = b"<project><groupId>g</groupId><artifactId>a</artifactId><version>1</version><properties><v>2</v>\
            <c>${c}</c></properties><dependencies><dependency><groupId>h</groupId><artifactId>b</artifactId>\
            <version>${v}</version></dependency><dependency><groupId>h</groupId><artifactId>c</artifactId>\
            <version>${c}</version></dependency></dependencies></project>";
        let (packages, damage) = packages_read(pom, "pom.xml", bytes);
        let got: Vec<_> = packages.iter().map(|package| (&*package.name, &*package.version)).collect();
        assert_eq!(got, [("g:a", "1"), ("h:b", "2")]);
        assert_eq!(damage.len(), 1);
    }

    #[test]
    fn what_gradle_verified_is_a_hint_and_damage_in_it_is_told() {
        let text = "<verification-metadata><components><component group=\"g\" name=\"a\" version=\"1\">\
            <artifact name=\"a-1.jar\"/></component></components></verification-metadata>";
        let read = |text: &str| {
            let mut sink = Sink::default();
            verification(&Input { path: "gradle/verification-metadata.xml", bytes: text.as_bytes() }, &mut sink);
            let Some(Fact::Project(Project::Hints(hints))) = sink.facts.pop() else { panic!("{text}") };
            let hints: Vec<String> = hints.iter().map(|hint| format!("{} {}", hint.name, hint.version)).collect();
            (hints, sink.damage.len())
        };
        assert_eq!(read(text), (vec!["g:a 1".to_owned()], 0));
        assert_eq!(read(&text[..text.len() - 30]), (vec!["g:a 1".to_owned()], 1));
        for bad in [text.replace("group", "grp"), text.replace(" version", " v"), String::new(), "x".to_owned()] {
            assert!(matches!(read(&bad), (hints, 1) if hints.is_empty()), "{bad}");
        }
    }
}
