//! Layers laid over each other: what a container would see, and what everybody can still take out from below.
//!
//! Guarantees: the order of everything given is fixed by the layers alone. A package database that a later layer deletes is
//! told, because an image without one is not an image without packages.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use model::package::{Damage, Doubt, Kind, Package, Place};
use model::{Digest, Distro};

use crate::facts::{Fact, Fault, LayerFacts, Marker, Secret};
use crate::path::{PathHash, ancestry};
use crate::scanner::Found;

mod packages;
mod projects;

/// What an image or a folder is found to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The operating system, where something tells.
    pub distro: Option<Distro>,
    /// Packages, ordered by kind, name and version; each once, with all its places.
    pub packages: Vec<Package>,
    /// Secrets, ordered by place.
    pub secrets: Vec<FoundSecret>,
    /// Files that matter for hardening, ordered.
    pub markers: Vec<(Marker, Place)>,
    /// Bills of materials that lie in it.
    pub sboms: Vec<(Place, Box<[u8]>)>,
    /// What could not be read.
    pub damage: Vec<Damage>,
    /// Places of package databases that lower layers have and that are gone in the image.
    pub databases_deleted: Vec<Place>,
    /// Layers, bottom first.
    pub layers: Vec<LayerSummary>,
    /// Regular files.
    pub files: u64,
    /// Bytes, unpacked.
    pub bytes: u64,
}

/// A secret with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundSecret {
    /// The secret.
    pub secret: Secret,
    /// Where.
    pub place: Place,
    /// Whether a later layer deletes or replaces the file.
    pub deleted: bool,
}

/// A layer of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerSummary {
    /// Digest as stored.
    pub digest: Digest,
    /// Digest unpacked.
    pub diff_id: Digest,
    /// Bytes stored.
    pub size: u64,
}

impl Inventory {
    /// Whether anything tells what the system is made of.
    pub fn knows_its_packages(&self) -> bool {
        self.databases_deleted.is_empty() && (self.distro.is_some() || !self.packages.is_empty())
    }
}

/// Folds the layers of an image, bottom first. A layer that could not be read is `None`; the caller tells why.
pub fn fold(layers: &[Option<Arc<LayerFacts>>]) -> Inventory {
    let mut inventory = Inventory::default();
    let mut collected = packages::Collected::default();
    let mut told: HashSet<(Box<str>, Secret)> = HashSet::new();
    let mut databases: BTreeMap<Box<str>, Database> = BTreeMap::new();
    let mut above = Above::default();
    // From the top, so that what is visible comes before its older versions.
    for (index, layer) in layers.iter().enumerate().rev() {
        let Some(layer) = layer else { continue };
        let number = u32::try_from(index).unwrap_or(u32::MAX);
        for file in &layer.files {
            let hidden_by = above.hides(&file.path);
            let visible = hidden_by.is_none();
            let place = Place { path: file.path.clone(), layer: Some(number), line: 0 };
            if visible {
                inventory.damage.extend(damage(&file.damage, &place));
            }
            for fact in &file.facts {
                match fact {
                    Fact::Secret(secret)
                        if !told.insert((file.path.clone(), Secret { line: 0, column: 0, ..secret.clone() })) => {}
                    Fact::Secret(secret) => {
                        let (secret, place) = (secret.clone(), place.clone());
                        inventory.secrets.push(FoundSecret { secret, place, deleted: !visible });
                    }
                    Fact::Package(package) => {
                        collected.package(package, &file.path, number, visible);
                        if package.kind.is_of_system() {
                            // The topmost comes first; what is visible is never below it.
                            databases.entry(file.path.clone()).or_insert(Database { layer: number, hidden_by });
                        }
                    }
                    fact if visible => simple(fact, &place, &mut inventory, &mut collected),
                    _ => {}
                }
            }
        }
        inventory.damage.extend(damage(&layer.damage, &Place { path: "".into(), layer: Some(number), line: 0 }));
        if index > 0 {
            above.add(layer, number);
        }
        inventory.files += layer.files_seen;
        inventory.bytes += layer.unpacked;
    }
    deleted(&databases, &mut inventory);
    let summary = |layer: &Arc<LayerFacts>| LayerSummary {
        digest: layer.digest.clone(),
        diff_id: layer.diff_id.clone(),
        size: layer.size,
    };
    inventory.layers = layers.iter().flatten().map(summary).collect();
    finish(inventory, collected)
}

/// What a folder is found to hold.
pub fn fold_folder(found: Found) -> Inventory {
    let mut inventory = Inventory { files: found.files_seen, bytes: found.bytes_seen, ..Inventory::default() };
    let mut collected = packages::Collected::default();
    let projects = projects::Projects::of(&found.files);
    projects.modules().iter().for_each(|package| collected.found(package));
    inventory.damage.extend(projects.damage());
    for file in &found.files {
        let place = Place::file(file.path.clone());
        inventory.damage.extend(damage(&file.damage, &place));
        for fact in &file.facts {
            match fact {
                Fact::Secret(secret) => {
                    let (secret, place) = (secret.clone(), place.clone());
                    inventory.secrets.push(FoundSecret { secret, place, deleted: false });
                }
                Fact::Package(package) => {
                    let mut package = package.clone();
                    projects.adjust(&file.path, &mut package);
                    collected.found(&package);
                }
                fact => simple(fact, &place, &mut inventory, &mut collected),
            }
        }
    }
    if found.damage_left_out > 0 {
        let message = format!("{} more faults of files are not told", found.damage_left_out);
        inventory.damage.push(Damage { path: "".into(), layer: None, message: message.into(), doubt: Doubt::Packages });
    }
    finish(inventory, collected)
}

fn simple(fact: &Fact, place: &Place, inventory: &mut Inventory, collected: &mut packages::Collected) {
    match fact {
        Fact::Distro(distro) => collected.distros.push(distro.clone()),
        Fact::Licenses { kind, package, licenses } => collected.licenses(*kind, package, licenses),
        Fact::Owns { kind: _, package, paths } => collected.owns(package, paths),
        Fact::Marker(marker) => inventory.markers.push((*marker, place.clone())),
        Fact::Sbom(bytes) => inventory.sboms.push((place.clone(), bytes.clone())),
        Fact::Package(_) | Fact::Secret(_) | Fact::Project(_) => {}
    }
}

fn finish(mut inventory: Inventory, collected: packages::Collected) -> Inventory {
    (inventory.packages, inventory.distro) = collected.finish();
    inventory.secrets.sort_by(|a, b| {
        (&a.place, a.secret.line, a.secret.column, &a.secret.format).cmp(&(
            &b.place,
            b.secret.line,
            b.secret.column,
            &b.secret.format,
        ))
    });
    inventory.markers.sort();
    inventory.sboms.sort();
    inventory.damage.sort();
    inventory
}

fn damage<'a>(faults: &'a [Fault], place: &'a Place) -> impl Iterator<Item = Damage> + 'a {
    faults.iter().map(|fault| Damage {
        path: place.path.clone(),
        layer: place.layer,
        message: fault.message.clone(),
        doubt: fault.doubt,
    })
}

/// A package database of the operating system: the topmost layer that has it, and the one that hides it there.
struct Database {
    layer: u32,
    hidden_by: Option<u32>,
}

/// What the layers above hide, all together: asking them one by one would cost files times layers.
#[derive(Default)]
struct Above<'a> {
    /// Paths that are no folders, with the lowest layer that has them.
    replaced: HashMap<PathHash, u32>,
    whiteouts: HashMap<&'a str, u32>,
    opaque: HashMap<&'a str, u32>,
}

impl<'a> Above<'a> {
    /// Adds the next lower layer.
    fn add(&mut self, layer: &'a LayerFacts, number: u32) {
        self.replaced.extend(layer.hides.iter().map(|hash| (*hash, number)));
        self.whiteouts.extend(layer.whiteouts.iter().map(|path| (&**path, number)));
        self.opaque.extend(layer.opaque.iter().map(|path| (&**path, number)));
    }

    /// The lowest layer that hides what the layers below have at a path.
    fn hides(&self, path: &str) -> Option<u32> {
        if self.replaced.is_empty() && self.whiteouts.is_empty() && self.opaque.is_empty() {
            return None;
        }
        let steps = ancestry(path).enumerate().flat_map(|(up, step)| {
            let folder = if up > 0 { self.opaque.get(step) } else { None };
            [self.whiteouts.get(step), self.replaced.get(&PathHash::of(step)), folder]
        });
        steps.chain([self.opaque.get("")]).flatten().min().copied()
    }
}

/// Package databases that are gone: where they were visible nowhere, and nothing of their kind took their place.
fn deleted(databases: &BTreeMap<Box<str>, Database>, inventory: &mut Inventory) {
    let kept: HashSet<&str> =
        databases.iter().filter(|(_, it)| it.hidden_by.is_none()).map(|(path, _)| folder(path)).collect();
    for (path, Database { layer, hidden_by }) in databases {
        let Some(by) = hidden_by else { continue };
        // One file per package, as distroless images and pacman have it: upgrades replace single files.
        let single = path.contains("/status.d/") || path.ends_with("/desc");
        if single && kept.contains(folder(path)) {
            continue;
        }
        let message = format!(
            "this package database of layer {layer} is deleted or emptied by layer {by}; what it listed may still be there"
        );
        let place = Place { path: path.clone(), layer: Some(*layer), line: 0 };
        inventory.damage.push(Damage {
            path: path.clone(),
            layer: Some(*layer),
            message: message.into(),
            doubt: Doubt::Packages,
        });
        inventory.databases_deleted.push(place);
    }
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Joins by name; of the tables of [`packages`].
type ByName<T> = HashMap<(Kind, Box<str>), T>;

#[cfg(test)]
mod tests;
