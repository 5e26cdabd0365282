//! Packages of all files, joined with what other files tell of them.

use std::collections::{BTreeMap, HashMap, HashSet};

use model::Distro;
use model::package::{Kind, Package, Place};

use super::ByName;

/// Everything about packages that was found so far.
#[derive(Default)]
pub(super) struct Collected {
    visible: Vec<Package>,
    /// The lowest layer in which each version stands in each file.
    first: HashMap<InFile, u32>,
    licenses: ByName<Vec<Box<str>>>,
    owners: HashMap<Box<str>, Box<str>>,
    pub(super) distros: Vec<Distro>,
}

/// A file, and the kind, name and version of a package in it.
type InFile = (Box<str>, Kind, Box<str>, Box<str>);

/// What makes two packages the same one.
type Identity = (Kind, Box<str>, Box<str>, Box<str>);

impl Collected {
    /// A package of a layer.
    pub(super) fn package(&mut self, package: &Package, path: &str, layer: u32, visible: bool) {
        let key = (path.into(), package.kind, package.name.clone(), package.version.clone());
        let first = self.first.entry(key).or_insert(layer);
        *first = (*first).min(layer);
        if visible {
            let mut package = package.clone();
            package.places.iter_mut().for_each(|place| place.layer = Some(layer));
            self.visible.push(package);
        }
    }

    /// A package of a folder.
    pub(super) fn found(&mut self, package: &Package) {
        self.visible.push(package.clone());
    }

    pub(super) fn licenses(&mut self, kind: Kind, package: &str, licenses: &[Box<str>]) {
        self.licenses.entry((kind, package.into())).or_default().extend_from_slice(licenses);
    }

    pub(super) fn owns(&mut self, package: &str, paths: &[Box<str>]) {
        for path in paths {
            self.owners.insert(path.clone(), package.into());
        }
    }

    /// The packages, each once, and the operating system.
    pub(super) fn finish(self) -> (Vec<Package>, Option<Distro>) {
        let Collected { visible, first, licenses, owners, mut distros } = self;
        let mut merged: BTreeMap<Identity, Package> = BTreeMap::new();
        for mut package in visible {
            for place in &mut package.places {
                let file = place.path.split('!').next().unwrap_or(&place.path);
                let key = (file.into(), package.kind, package.name.clone(), package.version.clone());
                if let (Some(layer), Some(lowest)) = (&mut place.layer, first.get(&key)) {
                    *layer = *lowest;
                }
            }
            if package.licenses.is_empty()
                && let Some(known) = licenses.get(&(package.kind, package.name.clone()))
            {
                package.licenses = known.clone();
            }
            if !package.kind.is_of_system()
                && let Some(owner) = package.places.iter().find_map(|place| owners.get(&place.path))
                && package.property("owner").is_none()
            {
                package.properties.push(("owner".into(), owner.clone()));
            }
            let key = (package.kind, package.name.clone(), package.version.clone(), package.arch.clone());
            match merged.get_mut(&key) {
                Some(known) => join(known, package),
                None => drop(merged.insert(key, package)),
            }
        }
        let mut packages: Vec<Package> = merged.into_values().collect();
        for package in &mut packages {
            package.places.sort();
            package.places.dedup();
            package.places.truncate(PLACES_MAX);
            distinct(&mut package.licenses);
            distinct(&mut package.depends_on);
        }
        distros.sort_by_key(|distro| (rank(&distro.path), distro.path.clone()));
        (packages, distros.into_iter().next())
    }
}

/// The same package in another place. It is the distribution's only where all copies are.
fn join(known: &mut Package, other: Package) {
    let owned = |package: &Package| package.property("owner").is_some();
    if owned(known) && !owned(&other) {
        known.properties.retain(|(name, _)| &**name != "owner");
    }
    let places: Vec<Place> = other.places;
    known.places.extend(places);
    known.licenses.extend(other.licenses);
    known.depends_on.extend(other.depends_on);
    if known.source.is_none() {
        known.source = other.source;
    }
    known.need = known.need.min(other.need);
}

/// Leaves the first of equal texts, in order.
fn distinct(texts: &mut Vec<Box<str>>) {
    let mut seen = HashSet::new();
    let first: Vec<bool> = texts.iter().map(|text| seen.insert(text.clone())).collect();
    let mut first = first.into_iter();
    texts.retain(|_| first.next().unwrap_or(false));
}

/// Files that tell of the operating system, the most exact first.
fn rank(path: &str) -> u8 {
    match path {
        "etc/os-release" => 0,
        "usr/lib/os-release" => 1,
        path if path.ends_with("os-release") => 2,
        _ => 3,
    }
}

/// Places kept of one package. A package in more folders is in every folder.
const PLACES_MAX: usize = 200;
