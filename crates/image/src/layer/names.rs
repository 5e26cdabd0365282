//! Names in one layer that are more than the place of a file: folders, and hard links as second names.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::limits::{HARD_LINK_BYTES_MAX, HARD_LINKS_MAX};
use crate::path::{PathHash, ancestry};

/// Hard links by the file that they name.
#[derive(Debug)]
pub(super) struct HardLinks {
    by_target: HashMap<Box<str>, BTreeSet<Box<str>>>,
    count: usize,
    /// Names under which a content was read already, with the file that had it.
    served: HashMap<Box<str>, Box<str>>,
    /// What may still be read under second names, in bytes and names.
    bytes: u64,
    names: usize,
}

impl Default for HardLinks {
    fn default() -> Self {
        HardLinks {
            by_target: HashMap::new(),
            count: 0,
            served: HashMap::new(),
            bytes: HARD_LINK_BYTES_MAX,
            names: HARD_LINKS_MAX,
        }
    }
}

impl HardLinks {
    /// Adds one; tells whether there was room.
    pub(super) fn add(&mut self, target: String, path: &str) -> bool {
        if self.count >= HARD_LINKS_MAX {
            return false;
        }
        self.count += 1;
        self.by_target.entry(target.into()).or_default().insert(path.into());
        true
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_target.is_empty()
    }

    /// The names that a file of so many bytes has later, now that its content comes. None where that would cost too much.
    pub(super) fn serve(&mut self, target: &str, size: u64) -> Vec<Box<str>> {
        let Some(paths) = self.by_target.get(target) else { return Vec::new() };
        let bytes = self.bytes.checked_sub(size.saturating_mul(paths.len() as u64));
        let (Some(bytes), Some(names)) = (bytes, self.names.checked_sub(paths.len())) else {
            paths.iter().for_each(|path| drop(self.served.remove(path)));
            return Vec::new();
        };
        (self.bytes, self.names) = (bytes, names);
        self.served.extend(paths.iter().map(|path| (path.clone(), target.into())));
        paths.iter().cloned().collect()
    }

    pub(super) fn is_served(&self, path: &str) -> bool {
        self.served.contains_key(path)
    }

    /// Another file came under that name, so that what was read for it is gone.
    pub(super) fn replaced(&mut self, path: &str) {
        self.served.remove(path);
    }

    /// The link itself: whether its content was read. From now on its target may change without it.
    pub(super) fn take(&mut self, target: &str, path: &str) -> bool {
        if let Some(paths) = self.by_target.get_mut(target) {
            paths.remove(path);
        }
        self.served.remove(path).is_some_and(|served| *served == *target)
    }
}

/// Folders with and without an entry of their own.
#[derive(Debug, Default)]
pub(super) struct Folders {
    own: HashSet<PathHash>,
    beneath: HashSet<PathHash>,
    last: String,
}

impl Folders {
    /// Something lies in a folder.
    pub(super) fn beneath(&mut self, folder: &str) {
        // Most entries follow another one of their folder.
        if folder == self.last {
            return;
        }
        for step in ancestry(folder) {
            // Whoever is known has all folders above known too.
            if !self.beneath.insert(PathHash::of(step)) {
                break;
            }
        }
        self.last.clear();
        self.last.push_str(folder);
    }

    /// An entry of a folder.
    pub(super) fn add(&mut self, path: &str) {
        self.own.insert(PathHash::of(path));
    }

    /// Another entry takes the place of a folder.
    pub(super) fn remove(&mut self, path: &PathHash) {
        self.own.remove(path);
    }

    /// Whether something lies in it.
    pub(super) fn holds(&self, path: &PathHash) -> bool {
        self.beneath.contains(path)
    }

    /// Folders with an entry of their own, and those without one, each ordered.
    pub(super) fn finish(self) -> (Vec<PathHash>, Vec<PathHash>) {
        let mut implied: Vec<PathHash> = self.beneath.difference(&self.own).copied().collect();
        let mut own: Vec<PathHash> = self.own.into_iter().collect();
        own.sort_unstable();
        implied.sort_unstable();
        (own, implied)
    }
}
