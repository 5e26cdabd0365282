//! Layers laid over each other: what a container would see, and what everybody can still take out from below.
//!
//! Guarantees: the order of everything given is fixed by the layers alone. A package database that a later layer deletes is
//! told, because an image without one is not an image without packages.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use model::package::{Damage, Doubt, Kind, Package, Place};
use model::{Digest, Distro};

use crate::facts::{Fact, Fault, FileFacts, LayerFacts, Marker, Secret};
use crate::limits::DAMAGE_MAX;
use crate::path::{PathHash, ancestry};
use crate::scanner::Found;

mod links;
mod packages;
mod projects;

use links::{Links, Through};

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
    /// Names of users other than `root` that stand for root.
    pub root_names: Vec<Box<str>>,
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
    let links = Links::of(layers);
    collected.follow(in_several(layers, &links));
    let mut above = Above::default();
    // From the top, so that what is visible comes before its older versions.
    for (index, layer) in layers.iter().enumerate().rev() {
        let Some(layer) = layer else { continue };
        let number = u32::try_from(index).unwrap_or(u32::MAX);
        let through = links.through(index);
        for file in &layer.files {
            let file = &*lying(file, through);
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
            above.add(layer, number, through);
        }
        inventory.files += layer.files_seen;
        inventory.bytes += layer.unpacked;
    }
    deleted(&databases, &mut inventory);
    elsewhere(&links, &mut inventory);
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
    let left_out = found.left_out();
    // Only source trees have files that tell each other something.
    let of_projects = |file: &FileFacts| file.facts.iter().any(|fact| matches!(fact, Fact::Project(_)));
    let kept = if found.files.iter().any(of_projects) { found.files.clone() } else { Vec::new() };
    let projects = projects::Projects::of(&kept);
    projects.modules().into_iter().chain(projects.hints()).for_each(|package| collected.found(package));
    inventory.damage.extend(projects.damage());
    for file in found.files {
        let place = Place::file(file.path);
        inventory.damage.extend(damage(&file.damage, &place));
        for fact in file.facts {
            match fact {
                Fact::Secret(secret) => {
                    inventory.secrets.push(FoundSecret { secret, place: place.clone(), deleted: false });
                }
                Fact::Package(mut package) => {
                    projects.adjust(&place.path, &mut package);
                    collected.found(package);
                }
                fact => simple(&fact, &place, &mut inventory, &mut collected),
            }
        }
    }
    inventory.damage.extend(damage(&left_out, &Place::file("")));
    finish(inventory, collected)
}

fn simple(fact: &Fact, place: &Place, inventory: &mut Inventory, collected: &mut packages::Collected) {
    match fact {
        Fact::Distro(distro) => collected.distros.push(distro.clone()),
        Fact::Licenses { kind, package, licenses } => collected.licenses(*kind, package, licenses),
        Fact::Owns { kind, package, paths } => collected.owns(*kind, package, &place.path, paths),
        Fact::RootNames(names) => inventory.root_names.extend_from_slice(names),
        Fact::Marker(marker) => inventory.markers.push((*marker, place.clone())),
        Fact::Sbom(bytes) => inventory.sboms.push((place.clone(), bytes.clone())),
        Fact::Package(_) | Fact::Secret(_) | Fact::Project(_) => {}
    }
}

fn finish(mut inventory: Inventory, collected: packages::Collected) -> Inventory {
    (inventory.packages, inventory.distro) = collected.finish(&mut inventory.damage);
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
        owner: None,
    })
}

/// A package database of the operating system: the topmost layer that has it, and the one that hides it there.
struct Database {
    layer: u32,
    hidden_by: Option<u32>,
}

/// Hashes of tables of path digests. Digests are spread already; the key keeps whoever chooses the paths from choosing
/// the place in the table too.
#[derive(Clone)]
struct Keyed([u64; 2]);

/// One digest, mixed with the key.
struct Mixed([u64; 2], u64);

impl Default for Keyed {
    fn default() -> Self {
        let random = RandomState::new();
        Keyed([random.hash_one(0), random.hash_one(1)])
    }
}

impl BuildHasher for Keyed {
    type Hasher = Mixed;

    fn build_hasher(&self) -> Mixed {
        Mixed(self.0, 0)
    }
}

impl Hasher for Mixed {
    fn write(&mut self, bytes: &[u8]) {
        for half in bytes.chunks(16) {
            let mut whole = [0; 16];
            whole.iter_mut().zip(half).for_each(|(to, from)| *to = *from);
            let whole = u128::from_le_bytes(whole);
            let (low, high) = (whole as u64 ^ self.0[0], (whole >> 64) as u64 ^ self.0[1]);
            let product = u128::from(low) * u128::from(high);
            self.1 = self.1.rotate_left(5) ^ product as u64 ^ (product >> 64) as u64;
        }
    }

    // The length, which is the same for all.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.1
    }
}

/// What the layers above hide, all together: asking them one by one would cost files times layers.
#[derive(Default)]
struct Above<'a> {
    /// Paths that are no folders, with the lowest layer that has them.
    replaced: HashMap<PathHash, u32, Keyed>,
    /// Paths that are folders, with the lowest layer that has them; they replace files.
    folders: HashMap<PathHash, u32, Keyed>,
    whiteouts: HashMap<Cow<'a, str>, u32>,
    opaque: HashMap<Cow<'a, str>, u32>,
    /// What hides folders that were asked about since the last layer was added: files of one folder come together.
    asked: RefCell<HashMap<Box<str>, Option<u32>>>,
    /// Layers whose entries go through links, the lowest last.
    through: Vec<(u32, &'a LayerFacts, &'a Through)>,
}

impl<'a> Above<'a> {
    /// Adds the next lower layer.
    fn add(&mut self, layer: &'a LayerFacts, number: u32, through: &'a Through) {
        self.asked.take();
        self.replaced.extend(layer.hides.iter().map(|hash| (*hash, number)));
        self.folders.extend(layer.folders.iter().map(|hash| (*hash, number)));
        self.whiteouts.extend(layer.whiteouts.iter().map(|path| (through.place(path), number)));
        self.opaque.extend(layer.opaque.iter().map(|path| (through.folder(path), number)));
        if !through.is_empty() {
            self.through.push((number, layer, through));
        }
    }

    /// The lowest layer that hides what the layers below have at a path.
    fn hides(&self, path: &str) -> Option<u32> {
        if self.replaced.is_empty() && self.folders.is_empty() && self.whiteouts.is_empty() && self.opaque.is_empty() {
            return None;
        }
        let hash = PathHash::of(path);
        let itself = [self.whiteouts.get(path), self.replaced.get(&hash), self.folders.get(&hash)];
        let above = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let named = itself.into_iter().flatten().copied().chain(self.hides_folder(above)).min();
        let mut through = self.through.iter().rev();
        let linked = through.find(|(_, layer, through)| links::hides(layer, path, through)).map(|(number, ..)| *number);
        named.into_iter().chain(linked).min()
    }

    /// The lowest layer that hides everything that the layers below have in a folder.
    fn hides_folder(&self, folder: &str) -> Option<u32> {
        if let Some(known) = self.asked.borrow().get(folder) {
            return *known;
        }
        let steps = ancestry(folder)
            .flat_map(|step| [self.whiteouts.get(step), self.replaced.get(&PathHash::of(step)), self.opaque.get(step)]);
        let hidden = steps.chain([self.opaque.get("")]).flatten().min().copied();
        self.asked.borrow_mut().insert(folder.into(), hidden);
        hidden
    }
}

/// Files with packages that lie in more than one layer.
fn in_several(layers: &[Option<Arc<LayerFacts>>], links: &Links<'_>) -> impl Iterator<Item = Box<str>> {
    let mut seen: HashMap<Box<str>, bool> = HashMap::new();
    for (index, layer) in layers.iter().enumerate() {
        for file in layer.iter().flat_map(|layer| &layer.files) {
            if file.facts.iter().any(|fact| matches!(fact, Fact::Package(_))) {
                let path = links.through(index).place(&file.path);
                match seen.get_mut(&*path) {
                    Some(again) => *again = true,
                    None => drop(seen.insert(path.into(), false)),
                }
            }
        }
    }
    seen.into_iter().filter(|(_, again)| *again).map(|(path, _)| path)
}

/// A file where it lies, with the places of what it tells.
fn lying<'a>(file: &'a FileFacts, through: &Through) -> Cow<'a, FileFacts> {
    let Cow::Owned(path) = through.place(&file.path) else { return Cow::Borrowed(file) };
    let mut moved = file.clone();
    for fact in &mut moved.facts {
        match fact {
            Fact::Package(package) => package.places.iter_mut().for_each(|place| {
                if let Some(rest) = place.path.strip_prefix(&*file.path) {
                    place.path = format!("{path}{rest}").into();
                }
            }),
            Fact::Distro(distro) if distro.path == file.path => distro.path = path.as_str().into(),
            _ => {}
        }
    }
    moved.path = path.into();
    Cow::Owned(moved)
}

/// Package databases in places that only links lead to, and what of links could not be followed.
fn elsewhere(links: &Links<'_>, inventory: &mut Inventory) {
    for (database, place) in links.databases_elsewhere() {
        let message = format!(
            "links lead from here to `{}`, where the package database was not read; what it lists is not known",
            place.escape_debug()
        );
        inventory.damage.push(Damage {
            path: database.into(),
            layer: None,
            message: message.into(),
            doubt: Doubt::Packages,
            owner: None,
        });
    }
    let told = links.damage.iter().take(DAMAGE_MAX).map(|(layer, message)| Damage {
        path: "".into(),
        layer: Some(*layer),
        message: message.as_str().into(),
        doubt: Doubt::Packages,
        owner: None,
    });
    inventory.damage.extend(told);
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
            owner: None,
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
