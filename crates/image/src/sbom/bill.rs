//! One bill of materials in memory, whatever it came from.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::digest::hex;
use model::package::{Kind, Place};
use model::{Digest, Distro, Package, Purl};

use crate::cpe;

/// A bill of materials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bill {
    /// Where the bill came from.
    pub origin: Origin,
    /// What it is the bill of.
    pub subject: Subject,
    /// The operating system.
    pub distro: Option<Distro>,
    /// The packages. Those of [`Bill::new`] are sorted by package URL and each stands once.
    pub entries: Vec<Entry>,
    /// What could not be read, one sentence each without a trailing period.
    pub damage: Vec<Box<str>>,
}

/// A package in a bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name by which the document refers to it: `bom-ref`, `SPDXID`. [`Bill::new`] takes the package URL.
    pub id: Box<str>,
    /// The package.
    pub package: Package,
    /// Its package URL.
    pub purl: Purl,
    /// CPE 2.3 names, likeliest first.
    pub cpes: Vec<Box<str>>,
    /// Hashes as declared: algorithm as CycloneDX writes it (`SHA-256`), lower-case hexadecimal digits.
    pub hashes: Vec<(Box<str>, Box<str>)>,
    /// Indices of the entries that it needs, ascending, each once.
    pub needs: Vec<usize>,
}

/// Where a bill came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The format.
    pub format: Format,
    /// Version of the format: `1.6`, `2.3`; empty for a scan.
    pub version: Box<str>,
    /// Who made it: `syft 1.0`, in order.
    pub tools: Vec<Box<str>>,
    /// When, as written; empty when not.
    pub created: Box<str>,
    /// Serial number or namespace of the document; empty when there is none.
    pub id: Box<str>,
}

/// The format of a bill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// None: made by looking.
    #[default]
    Scan,
    /// CycloneDX in JSON.
    CycloneDxJson,
    /// CycloneDX in XML.
    CycloneDxXml,
    /// SPDX 2 in JSON.
    SpdxJson,
    /// SPDX 2 as lines of tags and values.
    SpdxTagValue,
    /// SPDX 3 in JSON-LD.
    SpdxJsonLd,
}

/// What a bill is the bill of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// What kind of thing.
    pub kind: SubjectKind,
    /// Its name: the repository of an image with its registry, the path of a folder.
    pub name: Box<str>,
    /// Tag of an image, version of other things; empty where there is none.
    pub version: Box<str>,
    /// Digest of the manifest of an image.
    pub digest: Option<Digest>,
    /// Architecture of an image as OCI writes it; empty when unknown.
    pub arch: Box<str>,
    /// Digests of the uncompressed layers, bottom first.
    pub layers: Vec<Digest>,
}

/// What kind of thing a bill describes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectKind {
    /// A container image.
    #[default]
    Image,
    /// A folder or a root file system.
    Folder,
    /// Anything else.
    Other,
}

impl Bill {
    /// The bill of what a scan found. Packages with the same package URL become one entry with all places.
    pub fn new(subject: Subject, distro: Option<&Distro>, packages: &[Package]) -> Self {
        let mut merged: BTreeMap<String, (Purl, Package)> = BTreeMap::new();
        for package in packages {
            let purl = model::purl::purl(package, distro);
            match merged.entry(purl.to_string()) {
                std::collections::btree_map::Entry::Vacant(slot) => {
                    slot.insert((purl, package.clone()));
                }
                std::collections::btree_map::Entry::Occupied(mut slot) => join(&mut slot.get_mut().1, package),
            }
        }
        let mut entries: Vec<Entry> = Vec::with_capacity(merged.len());
        for (id, (purl, mut package)) in merged {
            unique(&mut package.places);
            unique(&mut package.licenses);
            unique(&mut package.depends_on);
            entries.push(Entry {
                id: id.into(),
                cpes: cpe::candidates(&package).iter().map(|cpe| cpe.to_string().into()).collect(),
                hashes: hashes(&package),
                package,
                purl,
                needs: Vec::new(),
            });
        }
        resolve(&mut entries);
        Bill { subject, distro: distro.cloned(), entries, ..Bill::default() }
    }

    /// The packages.
    pub fn packages(&self) -> impl Iterator<Item = &Package> {
        self.entries.iter().map(|entry| &entry.package)
    }
}

impl Subject {
    /// The package URL of an image; `None` for everything else and for images without a digest.
    pub fn purl(&self) -> Option<Purl> {
        let digest = self.digest.as_ref().filter(|_| self.kind == SubjectKind::Image)?;
        let name = self.name.rsplit('/').next().unwrap_or_default();
        let mut qualifiers = vec![("repository_url", &*self.name)];
        for (key, value) in [("tag", &*self.version), ("arch", &*self.arch)] {
            if !value.is_empty() {
                qualifiers.push((key, value));
            }
        }
        let parts = model::purl::Parts {
            kind: "oci",
            name,
            version: digest.as_str(),
            qualifiers: &qualifiers,
            ..model::purl::Parts::default()
        };
        Purl::build(parts).ok()
    }
}

fn join(package: &mut Package, other: &Package) {
    package.places.extend(other.places.iter().cloned());
    package.licenses.extend(other.licenses.iter().cloned());
    package.depends_on.extend(other.depends_on.iter().cloned());
    // Named by the project itself at one place is named by it; needed in earnest at one place is no development.
    package.need = match (package.need, other.need) {
        (model::package::Need::Unstated, need) | (need, model::package::Need::Unstated) => need,
        (a, b) => a.min(b),
    };
}

fn unique<T: Ord>(items: &mut Vec<T>) {
    items.sort();
    items.dedup();
}

/// Finds the packages that the declared names stand for: those of the same package manager in the same file, else all of
/// that name.
fn resolve(entries: &mut [Entry]) {
    let mut by_name: HashMap<(Kind, &str), Vec<usize>> = HashMap::new();
    let mut by_place: HashMap<(Kind, &str, &str), Vec<usize>> = HashMap::new();
    for (index, entry) in entries.iter().enumerate() {
        let package = &entry.package;
        by_name.entry((package.kind, &package.name)).or_default().push(index);
        for Place { path, .. } in &package.places {
            by_place.entry((package.kind, &package.name, path)).or_default().push(index);
        }
    }
    let mut all = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let package = &entry.package;
        let mut needs = BTreeSet::new();
        for name in &package.depends_on {
            let near = package
                .places
                .iter()
                .take(TWINS_MAX)
                .filter_map(|place| by_place.get(&(package.kind, &**name, &*place.path)));
            let before = needs.len();
            near.for_each(|near| needs.extend(near.iter().take(TWINS_MAX)));
            if needs.len() == before
                && let Some(named) = by_name.get(&(package.kind, &**name))
            {
                needs.extend(named.iter().take(TWINS_MAX));
            }
        }
        needs.remove(&index);
        all.push(needs.into_iter().collect());
    }
    for (entry, needs) in entries.iter_mut().zip(all) {
        entry.needs = needs;
    }
}

/// Hashes that the package manager declares: `sha256:` and digits, or `sha512-` and base64 as npm writes them.
fn hashes(package: &Package) -> Vec<(Box<str>, Box<str>)> {
    let declared = package.properties.iter().filter(|(key, _)| matches!(&**key, "checksum" | "integrity"));
    declared.flat_map(|(_, value)| value.split_whitespace()).filter_map(hash).collect()
}

fn hash(text: &str) -> Option<(Box<str>, Box<str>)> {
    let (algorithm, digits) = match text.split_once(':') {
        Some((algorithm, digits)) => (algorithm, digits.to_ascii_lowercase()),
        None => {
            let (algorithm, encoded) = text.split_once('-')?;
            (algorithm, hex(&super::base64::decode(encoded)?))
        }
    };
    let (name, length) = match algorithm.to_ascii_lowercase().as_str() {
        "md5" => ("MD5", 32),
        "sha1" => ("SHA-1", 40),
        "sha256" => ("SHA-256", 64),
        "sha384" => ("SHA-384", 96),
        "sha512" => ("SHA-512", 128),
        _ => return None,
    };
    (digits.len() == length && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .then(|| (name.into(), digits.into()))
}

/// Packages of one name that a declared dependency can stand for: versions of an npm package installed side by side.
/// More of them are hostile, and would make the graph quadratic.
const TWINS_MAX: usize = 16;
