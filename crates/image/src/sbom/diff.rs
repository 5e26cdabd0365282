//! Two bills side by side.

use std::collections::BTreeMap;

use model::package::Kind;

use super::bill::{Bill, Entry};

/// What differs between two bills. Everything is sorted by package URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Package URLs that only the second has.
    pub added: Vec<Box<str>>,
    /// Package URLs that only the first has.
    pub removed: Vec<Box<str>>,
    /// Packages that both have in other versions.
    pub changed: Vec<Change>,
    /// Packages that both have in the same version, under other licenses.
    pub relicensed: Vec<Change>,
    /// Packages that both have, alike.
    pub same: usize,
}

/// A package that differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// Its package URL without version, qualifiers and subpath.
    pub package: Box<str>,
    /// Versions or licenses in the first bill, sorted.
    pub before: Vec<Box<str>>,
    /// Versions or licenses in the second bill, sorted.
    pub after: Vec<Box<str>>,
}

impl Difference {
    /// Whether both bills tell of the same packages.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty() && self.relicensed.is_empty()
    }
}

/// What the second bill has otherwise than the first.
pub fn diff(first: &Bill, second: &Bill) -> Difference {
    side_by_side(first, second, |_| true)
}

/// A bill that lies in an image or is attached to it, against what was found: `removed` is declared and was not found,
/// `added` was found and is not declared, `changed` was found in another version.
///
/// Only the kinds of packages that the declared bill has at all are compared: a bill of the Go modules of a program says
/// nothing of the packages of the system around it. An empty bill declares that there is nothing.
pub fn compare(declared: &Bill, found: &Bill) -> Difference {
    let kinds: std::collections::BTreeSet<Kind> = declared.packages().map(|package| package.kind).collect();
    side_by_side(declared, found, |kind| kinds.is_empty() || kinds.contains(&kind))
}

fn side_by_side(first: &Bill, second: &Bill, concerns: impl Fn(Kind) -> bool) -> Difference {
    let mut all: BTreeMap<Box<str>, [Vec<&Entry>; 2]> = BTreeMap::new();
    for (side, bill) in [first, second].into_iter().enumerate() {
        for entry in bill.entries.iter().filter(|entry| concerns(entry.package.kind)) {
            let sides = all.entry(key(entry)).or_default();
            if let Some(entries) = sides.get_mut(side) {
                entries.push(entry);
            }
        }
    }
    let mut difference = Difference::default();
    for (package, [before, after]) in all {
        let versions = |entries: &[&Entry]| sorted(entries.iter().map(|entry| &entry.package.version));
        let licenses = |entries: &[&Entry]| sorted(entries.iter().flat_map(|entry| &entry.package.licenses));
        let (old, new) = (versions(&before), versions(&after));
        if before.is_empty() {
            difference.added.extend(new.iter().map(|version| at(&package, version)));
        } else if after.is_empty() {
            difference.removed.extend(old.iter().map(|version| at(&package, version)));
        } else if old != new {
            difference.changed.push(Change { package, before: old, after: new });
        } else {
            let (old, new) = (licenses(&before), licenses(&after));
            if old == new {
                difference.same += 1;
            } else {
                difference.relicensed.push(Change { package, before: old, after: new });
            }
        }
    }
    difference
}

/// Namespaces of distributions are left out: one tool writes `redhat`, the other `rhel`.
fn key(entry: &Entry) -> Box<str> {
    let mut purl = entry.purl.unversioned();
    if entry.package.kind.is_of_system() {
        purl.namespace = "".into();
    }
    purl.to_string().into()
}

fn at(package: &str, version: &str) -> Box<str> {
    if version.is_empty() { package.into() } else { format!("{package}@{version}").into() }
}

fn sorted<'a>(texts: impl Iterator<Item = &'a Box<str>>) -> Vec<Box<str>> {
    let mut all: Vec<Box<str>> = texts.cloned().collect();
    all.sort();
    all.dedup();
    all
}
