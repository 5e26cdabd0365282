//! Layers laid over each other: what a container would see, and what everybody can still take out from below.
//!
//! Guarantees: the order of everything given is fixed by the layers alone. A package database that a later layer deletes is
//! told, because an image without one is not an image without packages.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use model::package::{Damage, Kind, Package, Place};
use model::{Digest, Distro};

use crate::facts::{Fact, LayerFacts, Marker, Secret};
use crate::path::{PathHash, ancestry};
use crate::scanner::Found;

mod packages;

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
    let mut databases: BTreeMap<Box<str>, (u32, bool)> = BTreeMap::new();
    // From the top, so that what is visible comes before its older versions.
    for (index, layer) in layers.iter().enumerate().rev() {
        let Some(layer) = layer else { continue };
        let number = u32::try_from(index).unwrap_or(u32::MAX);
        let above: Vec<&LayerFacts> = layers[index + 1..].iter().flatten().map(|layer| &**layer).collect();
        for file in &layer.files {
            let visible = !above.iter().any(|upper| hides(upper, &file.path));
            let place = Place { path: file.path.clone(), layer: Some(number), line: 0 };
            if visible {
                inventory.damage.extend(damage(&file.damage, &place));
            }
            for fact in &file.facts {
                match fact {
                    Fact::Secret(secret) => {
                        let (plain, place) = (Secret { line: 0, column: 0, ..secret.clone() }, place.clone());
                        let found = FoundSecret { secret: secret.clone(), place, deleted: !visible };
                        inventory.secrets.extend(told.insert((file.path.clone(), plain)).then_some(found));
                    }
                    Fact::Package(package) => {
                        collected.package(package, &file.path, number, visible);
                        if is_of_system(package.kind) {
                            let known = databases.entry(file.path.clone()).or_insert((number, visible));
                            known.1 |= visible;
                        }
                    }
                    fact if visible => simple(fact, &place, &mut inventory, &mut collected),
                    _ => {}
                }
            }
        }
        inventory.damage.extend(layer.damage.iter().map(|message| Damage {
            path: "".into(),
            layer: Some(number),
            message: message.clone(),
        }));
        inventory.files += layer.files_seen;
        inventory.bytes += layer.unpacked;
    }
    deleted(layers, &databases, &mut inventory);
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
    for file in &found.files {
        let place = Place::file(file.path.clone());
        inventory.damage.extend(damage(&file.damage, &place));
        for fact in &file.facts {
            match fact {
                Fact::Secret(secret) => {
                    let (secret, place) = (secret.clone(), place.clone());
                    inventory.secrets.push(FoundSecret { secret, place, deleted: false });
                }
                Fact::Package(package) => collected.found(package),
                fact => simple(fact, &place, &mut inventory, &mut collected),
            }
        }
    }
    if found.damage_left_out > 0 {
        let message = format!("{} more faults of files are not told", found.damage_left_out);
        inventory.damage.push(Damage { path: "".into(), layer: None, message: message.into() });
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
        Fact::Package(_) | Fact::Secret(_) => {}
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

fn damage<'a>(messages: &'a [Box<str>], place: &'a Place) -> impl Iterator<Item = Damage> + 'a {
    messages.iter().map(|message| Damage { path: place.path.clone(), layer: place.layer, message: message.clone() })
}

/// Whether a layer hides what lower layers have at a path.
fn hides(upper: &LayerFacts, path: &str) -> bool {
    let listed = |list: &[Box<str>], path: &str| list.binary_search_by(|known| (**known).cmp(path)).is_ok();
    let opaque_root = listed(&upper.opaque, "");
    opaque_root
        || ancestry(path).enumerate().any(|(up, step)| {
            listed(&upper.whiteouts, step)
                || up > 0 && listed(&upper.opaque, step)
                || upper.hides.binary_search(&PathHash::of(step)).is_ok()
        })
}

/// Package databases that are gone: where they were visible nowhere, and nothing of their kind took their place.
fn deleted(layers: &[Option<Arc<LayerFacts>>], databases: &BTreeMap<Box<str>, (u32, bool)>, inventory: &mut Inventory) {
    for (path, (layer, visible)) in databases {
        if *visible {
            continue;
        }
        let above = layers.iter().enumerate().skip(*layer as usize + 1);
        let by =
            above.filter_map(|(index, layer)| Some((index, layer.as_ref()?))).find(|(_, layer)| hides(layer, path));
        // One file per package, as distroless images and pacman have it: upgrades replace single files.
        let single = path.contains("/status.d/") || path.ends_with("/desc");
        let others = || databases.iter().any(|(other, (_, visible))| *visible && folder(other) == folder(path));
        if single && others() {
            continue;
        }
        let by = by.map_or(String::new(), |(index, _)| format!(" by layer {index}"));
        let message = format!(
            "this package database of layer {layer} is deleted or emptied{by}; what it listed may still be there"
        );
        let place = Place { path: path.clone(), layer: Some(*layer), line: 0 };
        inventory.damage.push(Damage { path: path.clone(), layer: Some(*layer), message: message.into() });
        inventory.databases_deleted.push(place);
    }
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Whether packages of the kind belong to the operating system.
pub fn is_of_system(kind: Kind) -> bool {
    matches!(kind, Kind::Deb | Kind::Apk | Kind::Rpm | Kind::Alpm | Kind::Opkg | Kind::Portage)
}

/// Joins by name; of the tables of [`packages`].
type ByName<T> = HashMap<(Kind, Box<str>), T>;

#[cfg(test)]
mod tests;
