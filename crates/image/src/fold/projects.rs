//! What the files of one project tell each other: a lock file fixes what the manifests beside and below it ask for, and
//! manifests tell which of it is needed only for development.

use std::collections::{BTreeMap, HashMap, HashSet};

use model::package::{Damage, Doubt, Kind, Need, Package, Place};

use crate::catalog::javascript::reached;
use crate::facts::{Fact, FileFacts, Manifest, Project};
use crate::path::ancestry;

/// The projects of a tree.
#[derive(Default)]
pub(super) struct Projects<'a> {
    /// Folders of lock files.
    locked: HashSet<(Kind, &'a str)>,
    manifests: Vec<(&'a str, &'a Manifest)>,
    /// Manifests at and below a folder, as indexes.
    below: HashMap<&'a str, Vec<usize>>,
    /// Sums of modules, by the folder of the file.
    sums: HashMap<&'a str, HashMap<(&'a str, &'a str), &'a str>>,
    /// Folders whose `go.mod` does not name all modules.
    short: HashSet<&'a str>,
    /// Names of fixed packages, by folder.
    fixed: HashSet<(Kind, &'a str, String)>,
    /// Packages that count only without a lock file, by the folder of the project.
    hints: Vec<(&'a str, &'a [Package])>,
    /// For a lock file that does not tell it itself: names of what is needed to run.
    needed: HashMap<&'a str, HashSet<String>>,
}

impl<'a> Projects<'a> {
    /// The projects that the files of a tree belong to.
    pub(super) fn of(files: &'a [FileFacts]) -> Self {
        let mut projects = Projects::default();
        for file in files {
            let folder = folder(&file.path);
            for fact in &file.facts {
                match fact {
                    Fact::Project(Project::Locks(kind)) => drop(projects.locked.insert((*kind, folder))),
                    Fact::Project(Project::Manifest(manifest)) => {
                        let index = projects.manifests.len();
                        projects.manifests.push((&file.path, manifest));
                        for above in ancestry(folder).chain([""]) {
                            projects.below.entry(above).or_default().push(index);
                        }
                    }
                    Fact::Project(Project::Hints(packages)) => {
                        projects.hints.push((self::folder(folder), packages));
                    }
                    Fact::Project(Project::ShortGoMod) => drop(projects.short.insert(folder)),
                    Fact::Project(Project::Sums(sums)) => {
                        let sums = sums.iter().map(|[name, version, sum]| ((&**name, &**version), &**sum));
                        projects.sums.entry(folder).or_default().extend(sums);
                    }
                    Fact::Package(package) => {
                        projects.fixed.insert((package.kind, folder, plain(package.kind, &package.name)));
                    }
                    _ => {}
                }
            }
        }
        projects.needed = files.iter().filter_map(|file| Some((&*file.path, projects.needed_of(file)?))).collect();
        projects
    }

    /// Names of what the manifests at and below a lock file need to run, where it does not tell them itself.
    fn needed_of(&self, file: &FileFacts) -> Option<HashSet<String>> {
        let name = file.path.rsplit('/').next()?;
        let (_, kind) = SILENT.iter().find(|(silent, _)| *silent == name)?;
        let root = folder(&file.path);
        let mut own: HashSet<String> = HashSet::new();
        let mut roots: Vec<String> = Vec::new();
        let below = self.below.get(root).into_iter().flatten().filter_map(|index| self.manifests.get(*index));
        // Lists of requirements tell no more than names without a need.
        for (_, manifest) in below.filter(|(_, manifest)| manifest.kind == *kind && manifest.lockable) {
            own.insert(plain(*kind, &manifest.name));
            roots.extend(manifest.needs.iter().map(|name| plain(*kind, name)));
        }
        if roots.is_empty() {
            return None;
        }
        let packages = file.facts.iter().filter_map(|fact| match fact {
            Fact::Package(package) => Some(package),
            _ => None,
        });
        let mut named: Vec<(String, Vec<String>)> = Vec::new();
        for package in packages {
            let name = plain(*kind, &package.name);
            if own.contains(&name) {
                continue; // The manifest tells more exactly what it needs.
            }
            if package.need == Need::Direct {
                roots.push(name.clone());
            }
            named.push((name, package.depends_on.iter().map(|name| plain(*kind, name)).collect()));
        }
        let mut edges: HashMap<&str, Vec<&str>> = HashMap::new();
        for (name, needs) in &named {
            edges.entry(name).or_default().extend(needs.iter().map(String::as_str));
        }
        let mut needed: HashSet<String> =
            reached(roots.iter().map(String::as_str), &edges).into_iter().map(String::from).collect();
        needed.extend(own);
        Some(needed)
    }

    /// A package of a file, as the files beside it know it.
    pub(super) fn adjust(&self, path: &str, package: &mut Package) {
        if package.kind == Kind::Golang
            && let Some(sum) =
                self.sums.get(folder(path)).and_then(|sums| sums.get(&(&*package.name, &*package.version)))
            && package.property("h1").is_none()
        {
            package.properties.push(("h1".into(), (*sum).into()));
        }
        let unneeded = |needed: &HashSet<String>| !needed.contains(&plain(package.kind, &package.name));
        if self.needed.get(path).is_some_and(unneeded) {
            package.need = Need::Development;
        }
    }

    /// Modules that take part in the build of a short `go.mod` and stand only in `go.sum`: of each the highest version.
    pub(super) fn modules(&self) -> Vec<Package> {
        let mut found: BTreeMap<(&str, &str), (&str, &str)> = BTreeMap::new();
        for (folder, sums) in self.sums.iter().filter(|(folder, _)| self.short.contains(*folder)) {
            for ((name, version), sum) in sums {
                if self.fixed.contains(&(Kind::Golang, folder, plain(Kind::Golang, name))) {
                    continue;
                }
                let known = found.entry((folder, name)).or_insert((version, sum));
                if order(version) > order(known.0) {
                    *known = (version, sum);
                }
            }
        }
        let package = |((folder, name), (version, sum)): ((&str, &str), (&str, &str))| {
            let mut package = Package::new(Kind::Golang, name, version);
            let path = if folder.is_empty() { "go.sum".to_owned() } else { format!("{folder}/go.sum") };
            package.places.push(Place::file(path));
            package.need = Need::Indirect;
            package.properties.push(("h1".into(), sum.into()));
            package
        };
        found.into_iter().map(package).collect()
    }

    /// Packages of projects of which no lock file, above or below, tells what they use.
    pub(super) fn hints(&self) -> Vec<Package> {
        let locked = |root: &str, kind: Kind| {
            let above = ancestry(root).chain([""]).any(|folder| self.locked.contains(&(kind, folder)));
            let below = |folder: &str| folder.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'));
            above || self.locked.iter().any(|(other, folder)| *other == kind && (root.is_empty() || below(folder)))
        };
        // All packages of one file are of one kind.
        let open = self
            .hints
            .iter()
            .filter(|(root, packages)| packages.first().is_some_and(|package| !locked(root, package.kind)));
        open.flat_map(|(_, packages)| packages.iter().cloned()).collect()
    }

    /// What manifests ask for and nothing fixes.
    pub(super) fn damage(&self) -> Vec<Damage> {
        let damage = |(path, manifest): &(&str, &Manifest)| {
            let here = folder(path);
            let above = || ancestry(here).chain([""]);
            if manifest.lockable && above().any(|folder| self.locked.contains(&(manifest.kind, folder))) {
                return None;
            }
            let open: Vec<&str> = manifest
                .open
                .iter()
                .filter(|name| {
                    let name = plain(manifest.kind, name);
                    !above().any(|folder| self.fixed.contains(&(manifest.kind, folder, name.clone())))
                })
                .map(|name| &**name)
                .collect();
            if open.is_empty() {
                return None;
            }
            let shown: Vec<&str> = open.iter().take(NAMES_SHOWN).copied().collect();
            let (lock, more) =
                (if manifest.lockable { " and no lock file does" } else { "" }, open.len() - shown.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let shown = shown.join(", ").escape_debug().to_string();
            let message = format!("it fixes no version of {shown}{more}{lock}; what they bring is not known");
            Some(Damage {
                path: (*path).into(),
                layer: None,
                message: message.into(),
                doubt: Doubt::Packages,
                owner: None,
            })
        };
        self.manifests.iter().filter_map(damage).collect()
    }
}

/// A name as the package manager compares it.
fn plain(kind: Kind, name: &str) -> String {
    match kind {
        Kind::PyPi => name.to_lowercase().replace(['_', '.'], "-"),
        Kind::Cargo => name.replace('_', "-"),
        _ => name.to_owned(),
    }
}

/// Numbers of a version of a module, and what stands behind them: versions without are later than those with.
fn order(version: &str) -> ([u64; 3], bool, &str) {
    let version = version.trim_start_matches('v').split('+').next().unwrap_or_default();
    let (numbers, before) = version.split_once('-').unwrap_or((version, ""));
    let mut parts = numbers.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    ([next(), next(), next()], before.is_empty(), before)
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Lock files that do not tell what is for development.
const SILENT: [(&str, Kind); 3] = [("yarn.lock", Kind::Npm), ("poetry.lock", Kind::PyPi), ("Cargo.lock", Kind::Cargo)];

/// Names told in one message.
const NAMES_SHOWN: usize = 5;
