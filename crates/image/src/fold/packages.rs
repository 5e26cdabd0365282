//! Packages of all files, joined with what other files tell of them.

use std::collections::{BTreeMap, HashMap, HashSet};

use model::Distro;
use model::package::{Damage, Kind, Package, Place};

use super::ByName;

/// Everything about packages that was found so far.
#[derive(Default)]
pub(super) struct Collected {
    visible: Vec<Package>,
    /// By file, the lowest layer in which each version stands in it.
    first: HashMap<Box<str>, HashMap<Versioned, u32>>,
    licenses: ByName<Vec<Box<str>>>,
    /// By path: everybody who claims to have put the file there.
    owners: HashMap<Box<str>, Vec<Owner>>,
    pub(super) distros: Vec<Distro>,
}

/// Kind, name and version.
type Versioned = (Kind, Box<str>, Box<str>);

/// A package of a system, and the folder in which that system lies; empty for the image's own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Owner {
    kind: Kind,
    root: Box<str>,
    name: Box<str>,
}

/// What makes two packages the same one: kind, name, version, architecture, and the UUID where names are not unique.
type Identity = (Kind, Box<str>, Box<str>, Box<str>, Box<str>);

/// Two packages of Julia may have one name, also in one project; the UUID tells them apart.
fn identity(package: &Package) -> Identity {
    let uuid = package.property("uuid").filter(|_| package.kind == Kind::Julia).unwrap_or_default();
    (package.kind, package.name.clone(), package.version.clone(), package.arch.clone(), uuid.into())
}

impl Collected {
    /// Packages of these files are followed to the lowest layer that has them. Of files that lie in one layer alone that is
    /// no question, and a database of a hundred thousand packages need not be kept once more for it.
    pub(super) fn follow(&mut self, files: impl Iterator<Item = Box<str>>) {
        self.first.extend(files.map(|path| (path, HashMap::new())));
    }

    /// A package of a layer.
    pub(super) fn package(&mut self, package: &Package, path: &str, layer: u32, visible: bool) {
        if let Some(followed) = self.first.get_mut(path) {
            let key = (package.kind, package.name.clone(), package.version.clone());
            let first = followed.entry(key).or_insert(layer);
            *first = (*first).min(layer);
        }
        if visible {
            let mut package = package.clone();
            package.places.iter_mut().for_each(|place| place.layer = Some(layer));
            self.visible.push(package);
        }
    }

    /// A package of a folder.
    pub(super) fn found(&mut self, package: Package) {
        self.visible.push(package);
    }

    pub(super) fn licenses(&mut self, kind: Kind, package: &str, licenses: &[Box<str>]) {
        self.licenses.entry((kind, package.into())).or_default().extend_from_slice(licenses);
    }

    /// A list of files, which stands at `list`. It counts only where its package is installed too: a list alone is no proof
    /// that the distribution brought the files, and what the distribution brought is matched against its advisories alone.
    pub(super) fn owns(&mut self, kind: Kind, package: &str, list: &str, paths: &[Box<str>]) {
        let Some(root) = root_of(list) else { return };
        for path in paths {
            let owners = self.owners.entry(format!("{root}{path}").into()).or_default();
            if owners.len() < OWNERS_MAX {
                owners.push(Owner { kind, root: root.into(), name: package.into() });
            }
        }
    }

    /// The packages, each once, and the operating system. Damage learns which package of the system brought the file.
    pub(super) fn finish(self, damage: &mut [Damage]) -> (Vec<Package>, Option<Distro>) {
        let Collected { visible, first, licenses, owners, mut distros } = self;
        let installed = installed(&visible);
        let listed = |path: &str| owners.get(path)?.iter().find(|owner| installed.contains(*owner));
        // Lists of systems whose `/bin` and `/lib` are links into `/usr` still name the files by the links.
        let owner = |path: &str| listed(path).or_else(|| listed(path.strip_prefix("usr/")?));
        for one in damage.iter_mut() {
            one.owner = owner(&one.path).map(|owner| owner.name.clone());
        }
        let mut merged: BTreeMap<Identity, Package> = BTreeMap::new();
        for mut package in visible {
            for place in &mut package.places {
                let Some(followed) = first.get(place.path.split('!').next().unwrap_or(&place.path)) else { continue };
                let key = (package.kind, package.name.clone(), package.version.clone());
                if let (Some(layer), Some(lowest)) = (&mut place.layer, followed.get(&key)) {
                    *layer = *lowest;
                }
            }
            if package.kind.is_of_system()
                && let Some(root) = elsewhere(&package)
            {
                package.properties.push(("root".into(), root));
            }
            if package.licenses.is_empty() {
                let folders = package.places.iter().filter_map(|place| Some(place.path.rsplit_once('/')?.0));
                let mut names = std::iter::once(&*package.name).chain(folders);
                let known = names.find_map(|name| licenses.get(&(package.kind, name.into())));
                package.licenses = known.cloned().unwrap_or_default();
            }
            if !package.kind.is_of_system()
                && let Some(owner) = package.places.iter().find_map(|place| owner(&place.path))
                && package.property("owner").is_none()
            {
                package.properties.push(("owner".into(), owner.name.clone()));
            }
            let key = identity(&package);
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

/// The folder of the system that a package belongs to, where that is not the image's own.
fn elsewhere(package: &Package) -> Option<Box<str>> {
    let mut roots = package.places.iter().map(|place| root_of(&place.path).unwrap_or_default());
    let first = roots.next()?;
    (!first.is_empty() && roots.all(|root| !root.is_empty())).then(|| first.into())
}

/// The packages of systems that are installed, each in its system.
fn installed(visible: &[Package]) -> HashSet<Owner> {
    let of_system = visible.iter().filter(|package| package.kind.is_of_system());
    let owners = of_system.flat_map(|package| {
        let roots = package.places.iter().filter_map(|place| root_of(&place.path));
        roots.map(|root| Owner { kind: package.kind, root: root.into(), name: package.name.clone() })
    });
    owners.collect()
}

/// The folder of the system whose database has a file at this path, with a slash at its end, or empty.
fn root_of(path: &str) -> Option<&str> {
    let at = DATABASE_FOLDERS.iter().filter_map(|folder| {
        let at = path.match_indices(folder).map(|(at, _)| at);
        at.filter(|at| *at == 0 || path.as_bytes().get(at - 1) == Some(&b'/')).last()
    });
    path.get(..at.min()?)
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
        "etc/lsb-release" => 3,
        // Derivatives of Debian keep the version of Debian that they were made from.
        "etc/debian_version" => 5,
        _ => 4,
    }
}

/// Folders of package databases, below the root of their system.
const DATABASE_FOLDERS: &[&str] = &[
    "var/lib/dpkg/",
    "usr/lib/apk/db/",
    "lib/apk/db/",
    "var/lib/apk/db/",
    "var/lib/rpm/",
    "var/lib/rpmmanifest/",
    "usr/lib/sysimage/rpm/",
    "usr/share/rpm/",
    "var/lib/pacman/local/",
    "usr/lib/opkg/",
    "var/lib/opkg/",
    "var/db/pkg/",
];

/// Packages that claim one path. Diversions and alternatives have two.
const OWNERS_MAX: usize = 16;

/// Places kept of one package. A package in more folders is in every folder.
const PLACES_MAX: usize = 200;
