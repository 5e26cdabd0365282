//! Cataloguers: each reads one kind of file and says which packages it tells of.
//!
//! A cataloguer is plain data and a function from bytes to facts. It never looks at other files: what belongs together is
//! joined when the layers are folded. It never fails as a whole either: what it cannot read it reports as damage, and goes
//! on with the rest.

use model::Package;
use model::package::Doubt;

use crate::facts::{Fact, Fault};

pub mod accounts;
pub mod alpm;
pub mod apk;
pub mod bill;
mod document;
pub mod dotnet;
pub mod dpkg;
pub mod erlang;
pub mod golang;
pub mod installed;
pub mod java;
pub mod javascript;
pub mod kernel;
pub mod licenses;
pub mod lines;
pub mod locks;
pub mod luarocks;
pub(crate) mod nix;
pub mod opam;
pub mod os_release;
pub mod perl;
pub mod programs;
pub mod python;
pub mod rpm;
pub mod ruby;
pub mod rust;
mod stanza;
pub mod wordpress;
pub mod xml_packages;

/// All cataloguers.
pub fn all() -> impl Iterator<Item = &'static Cataloguer> {
    [
        accounts::CATALOGUERS,
        alpm::CATALOGUERS,
        apk::CATALOGUERS,
        bill::CATALOGUERS,
        dotnet::CATALOGUERS,
        dpkg::CATALOGUERS,
        erlang::CATALOGUERS,
        golang::CATALOGUERS,
        installed::CATALOGUERS,
        java::CATALOGUERS,
        javascript::CATALOGUERS,
        kernel::CATALOGUERS,
        licenses::CATALOGUERS,
        lines::CATALOGUERS,
        locks::CATALOGUERS,
        luarocks::CATALOGUERS,
        opam::CATALOGUERS,
        os_release::CATALOGUERS,
        perl::CATALOGUERS,
        programs::CATALOGUERS,
        python::CATALOGUERS,
        rpm::CATALOGUERS,
        ruby::CATALOGUERS,
        rust::CATALOGUERS,
        wordpress::CATALOGUERS,
        xml_packages::CATALOGUERS,
    ]
    .into_iter()
    .flatten()
}

/// Where package databases of systems lie, files and folders, below the root of the system.
pub fn databases() -> impl Iterator<Item = &'static str> {
    OTHER_DATABASES.iter().chain(rpm::DATABASES).copied()
}

/// Those of all package managers but rpm.
const OTHER_DATABASES: &[&str] = &[
    "var/lib/dpkg/status",
    "var/lib/dpkg/status.d",
    "lib/apk/db/installed",
    "var/lib/pacman/local",
    "usr/lib/opkg/status",
    "var/lib/opkg/status",
];

/// Whether a cataloguer of a language may read the file, or it is a program that is known by its own bytes, so that it
/// matters who installed it.
pub(crate) fn is_of_language(path: &str) -> bool {
    let path = path.trim_end();
    [
        ".dist-info/METADATA",
        ".egg-info/PKG-INFO",
        ".egg-info",
        "/package.json",
        ".gemspec",
        ".jar",
        ".war",
        "/composer.json",
        "/installed.json",
        ".deps.json",
        "/DESCRIPTION",
        "/release",
    ]
    .iter()
    .any(|end| path.ends_with(end))
        || crate::executable::is_known(path)
}

/// Reader of one kind of file.
#[derive(Debug)]
pub struct Cataloguer {
    /// Unique name, for evidence and messages: `dpkg-status`.
    pub name: &'static str,
    /// Which files it reads.
    pub wants: Wants,
    /// Where it is asked.
    pub settings: Settings,
    /// Larger files are not read but reported as damage, in bytes.
    pub bytes_max: u64,
    /// Reads one file.
    pub read: fn(&Input<'_>, &mut Sink),
}

/// Which files a cataloguer reads: those that meet any of the lists, and pass the filter. All names are compared in
/// bytes; paths have no leading slash.
#[derive(Debug)]
pub struct Wants {
    /// Last component of the path: `package.json`.
    pub names: &'static [&'static str],
    /// End of the last component, from its last dot on, in lower case: `.jar`.
    pub extensions: &'static [&'static str],
    /// End of the whole path at a slash: `var/lib/dpkg/status`, `dist-info/METADATA` does not end at one.
    pub path_ends: &'static [&'static str],
    /// Folder that holds the file directly, as the end of a path at a slash: `var/lib/dpkg/status.d`.
    pub folders: &'static [&'static str],
    /// Asked last, with the whole path.
    pub filter: fn(&str) -> bool,
}

impl Wants {
    /// Nothing; to be filled in with `..Wants::NOTHING`.
    pub const NOTHING: Wants = Wants { names: &[], extensions: &[], path_ends: &[], folders: &[], filter: |_| true };
}

/// Where a cataloguer is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settings {
    /// Only in images and root file systems: what is installed.
    Installed,
    /// Only in source trees: what is declared or locked.
    Sources,
    /// In both.
    Both,
}

/// One file.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Path without a leading slash.
    pub path: &'a str,
    /// The whole content.
    pub bytes: &'a [u8],
}

/// Takes what a cataloguer finds.
#[derive(Debug, Default)]
pub struct Sink {
    /// Facts in the order in which they were found.
    pub facts: Vec<Fact>,
    /// What could not be read.
    pub damage: Vec<Fault>,
    /// Faults behind which packages may be missing, and details, that were too many to be told one by one.
    pub left_out: [u64; 2],
}

impl Sink {
    /// A package that stands in the file which is read. Its place is filled in by the caller of the cataloguer where the
    /// cataloguer gave none.
    pub fn package(&mut self, package: Package) {
        self.facts.push(Fact::Package(package));
    }

    /// Something that could not be read, so that packages may be missing: one sentence without a trailing period, naming
    /// what and where.
    pub fn damage(&mut self, message: impl Into<Box<str>>) {
        self.fault(Fault::from(message));
    }

    /// Something that could not be read and hides no package.
    pub fn remark(&mut self, message: impl Into<Box<str>>) {
        self.fault(Fault::detail(message));
    }

    fn fault(&mut self, fault: Fault) {
        match self.damage.len() < FAULTS_MAX {
            true => self.damage.push(fault),
            false => self.left_out[usize::from(fault.doubt == Doubt::Detail)] += 1,
        }
    }

    /// All that could not be read, and how much more there was.
    pub(crate) fn faults(&mut self) -> Vec<Fault> {
        let mut faults = std::mem::take(&mut self.damage);
        let [packages, details] = std::mem::take(&mut self.left_out);
        if packages > 0 {
            faults.push(Fault::from(format!("and {packages} more faults like these")));
        }
        if details > 0 {
            faults.push(Fault::detail(format!("and {details} more remarks like these")));
        }
        faults
    }
}

/// Faults that are told of one file: the first ones show what is wrong with it.
const FAULTS_MAX: usize = 20;

/// Names of packages that one is told to need. Packages that only collect others name a few thousand.
const NEEDS_MAX: usize = 10_000;

/// Paths of other files that one database is told to own, in bytes. All the Python and Ruby packages of a distribution
/// have a hundredth of that.
const OWNED_BYTES_MAX: usize = 64 << 20;

/// Packages of one database. A distribution has some 70,000, and no image has them all.
const PACKAGES_MAX: usize = 100_000;

/// What a cataloguer finds in one file: packages and damage.
#[cfg(test)]
pub(crate) fn packages_of(cataloguer: &Cataloguer, path: &str, bytes: &[u8]) -> (Vec<Package>, Vec<Box<str>>) {
    packages_read(cataloguer.read, path, bytes)
}

/// Name and version of each package of one file, and then the damage.
#[cfg(test)]
pub(crate) fn listed(read: fn(&Input<'_>, &mut Sink), path: &str, bytes: &[u8]) -> Vec<String> {
    let (packages, damage) = packages_read(read, path, bytes);
    let packages = packages.iter().map(|package| format!("{} {}", package.name, package.version));
    packages.chain(damage.iter().map(|damage| damage.to_string())).collect()
}

#[cfg(test)]
fn packages_read(read: fn(&Input<'_>, &mut Sink), path: &str, bytes: &[u8]) -> (Vec<Package>, Vec<Box<str>>) {
    let mut sink = Sink::default();
    read(&Input { path, bytes }, &mut sink);
    let faults = sink.faults();
    let packages = sink.facts.into_iter().filter_map(|fact| match fact {
        Fact::Package(package) => Some(package),
        _ => None,
    });
    (packages.collect(), faults.into_iter().map(|fault| fault.message).collect())
}
