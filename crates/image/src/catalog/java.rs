//! Java archives: jars and their kin, and the archives in them.

use std::collections::HashSet;

use model::Package;
use model::package::{Kind, Place};

use super::{Cataloguer, Input, Settings, Sink, Wants};
use crate::archive::{Archive, Budget, Entry};

/// The reader of Java archives.
pub static CATALOGUERS: &[Cataloguer] = &[Cataloguer {
    name: "java-archive",
    wants: Wants { extensions: EXTENSIONS, ..Wants::NOTHING },
    settings: Settings::Both,
    bytes_max: BYTES_MAX,
    read: jar,
}];

fn jar(input: &Input<'_>, sink: &mut Sink) {
    archive(input.path, input.bytes, 0, &mut Budget::default(), sink);
}

fn archive(path: &str, bytes: &[u8], depth: usize, budget: &mut Budget, sink: &mut Sink) {
    let zip = match Archive::open(bytes) {
        Ok(archive) => archive,
        Err(error) => return sink.damage(format!("the archive {path:?} cannot be read: {error}")),
    };
    let file = path.rsplit('/').next().unwrap_or(path);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let mut found = Vec::new();
    let mut manifest = Vec::new();
    let (mut classes, mut nested) = (false, false);
    // Folders whose properties told who lies there; of the others the project description does.
    let mut told: HashSet<&str> = HashSet::new();
    let mut poms: Vec<(&str, &Entry)> = Vec::new();
    for entry in zip.entries() {
        let name = &*entry.name;
        let maven = name.strip_prefix("META-INF/maven/").and_then(|_| name.rsplit_once('/'));
        let properties = matches!(maven, Some((_, "pom.properties")));
        let inner = is_archive(name);
        classes |= name.ends_with(".class");
        nested |= inner;
        if let Some((folder, "pom.xml")) = maven {
            poms.push((folder, entry));
        }
        if !properties && !inner && name != "META-INF/MANIFEST.MF" {
            continue;
        }
        if inner && depth >= DEPTH_MAX {
            sink.damage(format!("archives in {path:?} are nested deeper than {DEPTH_MAX}; they are not read"));
            continue;
        }
        match zip.read(entry, if inner { INNER_BYTES_MAX } else { TEXT_MAX }, budget) {
            Err(error) => sink.damage(format!("in the archive {path:?}: {error}")),
            Ok(bytes) if inner => archive(&format!("{path}!{name}"), &bytes, depth + 1, budget, sink),
            Ok(bytes) if properties => {
                if let Some(artifact) = self::maven(&bytes) {
                    told.extend(maven.map(|(folder, _)| folder));
                    found.push(artifact);
                }
            }
            Ok(bytes) => manifest = attributes(&bytes),
        }
    }
    for (_, entry) in poms.into_iter().filter(|(folder, _)| !told.contains(folder)) {
        match zip.read(entry, TEXT_MAX, budget) {
            Ok(bytes) => found.extend(super::xml_packages::coordinates(&bytes)),
            Err(error) => sink.damage(format!("in the archive {path:?}: {error}")),
        }
    }
    // The archive itself is the artifact that its name begins with; the others were shaded into it.
    let own = found.iter().any(|[_, artifact, _]| found.len() == 1 || stem.starts_with(artifact.as_str()));
    if !own {
        found.push(by_manifest(&manifest, stem));
    }
    let alone = classes && !nested && found.len() == 1;
    for artifact in found {
        package(artifact, path, stem, bytes, alone, sink);
    }
}

/// An artifact that lies in the archive, or is it. `alone` tells that the archive holds code and nothing else that is
/// known.
fn package(
    [group, artifact, version]: [String; 3],
    path: &str,
    stem: &str,
    bytes: &[u8],
    alone: bool,
    sink: &mut Sink,
) {
    if version.is_empty() {
        // What holds archives or shaded artifacts is told by them.
        let message = format!(
            "neither the name nor anything in the archive {path:?} tells its version; an Implementation-Version in its manifest would"
        );
        return if alone { sink.damage(message) } else { sink.remark(message) };
    }
    let name = if group.is_empty() { artifact.clone() } else { format!("{group}:{artifact}") };
    let mut package = Package::new(Kind::Maven, name, version);
    package.places.push(Place::file(path));
    if stem.starts_with(artifact.as_str()) {
        let sum = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
        let sum: String = sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        package.properties.push(("sha1".into(), sum.into()));
    }
    sink.package(package);
}

fn is_archive(name: &str) -> bool {
    let extension = name.rfind('.').and_then(|at| name.get(at..)).unwrap_or_default().to_ascii_lowercase();
    EXTENSIONS.contains(&extension.as_str())
}

fn maven(bytes: &[u8]) -> Option<[String; 3]> {
    let text = String::from_utf8_lossy(bytes);
    let value = |key: &str| {
        let lines = text.lines().filter_map(|line| line.split_once(['=', ':']));
        lines.into_iter().find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim().to_owned())
    };
    let [group, artifact, version] = [value("groupId")?, value("artifactId")?, value("version")?];
    (!artifact.is_empty() && !version.contains("${")).then_some([group, artifact, version])
}

/// Attributes of the main section, folded lines joined.
fn attributes(bytes: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(bytes);
    let mut attributes: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        if line.trim().is_empty() {
            break;
        }
        match (line.strip_prefix(' '), attributes.last_mut()) {
            (Some(more), Some((_, value))) => value.push_str(more),
            _ => attributes.extend(line.split_once(':').map(|(key, value)| (key.to_owned(), value.trim().to_owned()))),
        }
    }
    attributes
}

fn by_manifest(attributes: &[(String, String)], stem: &str) -> [String; 3] {
    let first = |keys: &[&str]| {
        let mut values =
            keys.iter().filter_map(|key| attributes.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)));
        values.find(|(_, value)| !value.is_empty() && !value.contains("${")).map(|(_, value)| value.clone())
    };
    let symbolic = first(&["Bundle-SymbolicName"]).map(|name| name.split(';').next().unwrap_or_default().to_owned());
    let is_group = |name: &String| name.contains('.') && !name.contains(' ');
    let group = first(&["Implementation-Vendor-Id"]).filter(is_group).or(symbolic.filter(is_group)).unwrap_or_default();
    let (name, version) = split_name(stem);
    let written = ["Implementation-Version", "Bundle-Version", "Specification-Version", "Plugin-Version"];
    // An empty version says that it is not known.
    let version = version.map(str::to_owned).or_else(|| first(&written)).unwrap_or_default();
    // Bundles are named by group and artifact in one.
    match name.rsplit_once('.').filter(|_| group == name) {
        Some((group, artifact)) => [group.to_owned(), artifact.to_owned(), version],
        None => [group, name.to_owned(), version],
    }
}

/// Artifact and version of a file name: the version begins at the first dash before a digit.
fn split_name(stem: &str) -> (&str, Option<&str>) {
    let dashes = stem.match_indices('-').map(|(at, _)| at);
    let mut splits = dashes.filter_map(|at| Some((stem.get(..at)?, stem.get(at + 1..)?)));
    match splits.find(|(_, version)| version.starts_with(|c: char| c.is_ascii_digit())) {
        Some((name, version)) => (name, Some(version)),
        None => (stem, None),
    }
}

const EXTENSIONS: &[&str] = &[".jar", ".war", ".ear", ".par", ".sar", ".nar", ".jpi", ".hpi", ".kar", ".lpkg"];

/// Fat archives of servers reach 400 MB.
const BYTES_MAX: u64 = 512 << 20;

/// Bytes of an archive in another one, which are held beside it. The largest libraries have some 100 MB.
const INNER_BYTES_MAX: u64 = 128 << 20;

/// Manifests that sign every class reach some MB.
const TEXT_MAX: u64 = 16 << 20;

/// An application in a server in an installer is three deep; more than twice that.
const DEPTH_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::jar;
    use crate::archive::tests::zip;
    use crate::catalog::listed;

    #[test]
    fn artifacts_come_from_properties_manifest_and_name() {
        let pom = b"groupId=org.example\nartifactId=inner\nversion=2.0\n";
        let inner = zip(&[("META-INF/maven/org.example/inner/pom.properties", pom)]);
        let manifest = b"Manifest-Version: 1.0\r\nImplementation-Vendor-Id: com.\r\n example\r\n";
        let outer = zip(&[("META-INF/MANIFEST.MF", manifest), ("lib/inner-2.0.jar", &inner)]);
        assert_eq!(listed(jar, "a/outer-1.2.3.war", &outer), ["org.example:inner 2.0", "com.example:outer 1.2.3"]);
    }

    #[test]
    fn deep_nests_end_in_damage() {
        let mut bytes = zip(&[("x", b"")]);
        for _ in 0..50 {
            bytes = zip(&[("a-1.0.jar", &bytes)]);
        }
        let found = listed(jar, "a-1.0.jar", &bytes);
        assert!(found.iter().any(|line| line.contains("nested deeper")), "{found:?}");
    }
}
