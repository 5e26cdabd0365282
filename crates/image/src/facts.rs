//! What one file, and one layer, is found to hold.

use std::fmt;

use model::Digest;
use model::package::{Doubt, Kind};
use model::{Distro, Package};

use crate::path::PathHash;

/// Something that a file tells about the system it lies in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A package.
    Package(Package),
    /// The operating system.
    Distro(Distro),
    /// Licences of packages whose database does not name them, such as Debian's `copyright` files.
    Licenses {
        /// Package manager of the package.
        kind: Kind,
        /// Name of the package, or the folder in which its own files lie.
        package: Box<str>,
        /// SPDX expressions, or the declared words.
        licenses: Vec<Box<str>>,
    },
    /// Files that a package of the operating system put there, of those that a cataloguer of languages reads too. What
    /// the distribution installs, the distribution patches.
    Owns {
        /// Package manager of the owner.
        kind: Kind,
        /// Name of the owner.
        package: Box<str>,
        /// Paths without a leading slash.
        paths: Vec<Box<str>>,
    },
    /// Names of users other than `root` that stand for root in this system, ordered.
    RootNames(Vec<Box<str>>),
    /// A secret.
    Secret(Secret),
    /// Something that hardening wants to know of.
    Marker(Marker),
    /// A bill of materials that lies in the image, as it is.
    Sbom(Box<[u8]>),
    /// What a file of a project tells the files beside it. Only source trees have such, so no layer keeps it.
    Project(Project),
}

/// What files of one project tell each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Project {
    /// A lock file: the versions of what the manifests of that package manager, beside it and below, ask for stand here.
    Locks(Kind),
    /// A manifest.
    Manifest(Manifest),
    /// Another file of requirements that this one takes in: its path below the root.
    Includes(Box<str>),
    /// Modules that `go.sum` knows: name, version, sum.
    Sums(Vec<[Box<str>; 3]>),
    /// Packages that a project may use, and more: they count only where no lock file of its tells which it uses. The file
    /// lies in a folder below the project.
    Hints(Vec<Package>),
    /// A `go.mod` of Go before 1.17, which does not name what its requirements require.
    ShortGoMod,
}

/// What a project asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The package manager.
    pub kind: Kind,
    /// The name that it gives itself; empty where it gives none.
    pub name: Box<str>,
    /// Names of packages that it needs to run.
    pub needs: Vec<Box<str>>,
    /// Those of `needs`, or needed for development, of which it fixes no version.
    pub open: Vec<Box<str>>,
    /// Whether a lock file beside or above it fixes them; otherwise only a fixed version of the same name does.
    pub lockable: bool,
}

/// A secret in a file. The value itself is never kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Secret {
    /// Name of the format: `aws-access-key-id`.
    pub format: Box<str>,
    /// Line from 1.
    pub line: u32,
    /// Column in characters from 1.
    pub column: u32,
    /// The line around it with the value blanked.
    pub excerpt: Box<str>,
}

/// A file that matters for hardening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Marker {
    /// Setuid bit on an executable file.
    Setuid,
    /// Setgid bit on an executable file.
    Setgid,
    /// File capabilities.
    Capabilities,
    /// Writable by everyone, without the sticky bit where it is a folder.
    WorldWritable,
    /// A shell.
    Shell,
    /// A package manager.
    PackageManager,
    /// A tool that helps an attacker: compilers, debuggers, network tools.
    Tool,
    /// A device node.
    Device,
    /// A file whose hash stands in a list of known malware.
    KnownBad,
    /// The loader of a C library: programs of some operating system can run.
    Loader,
}

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fault {
    /// One sentence naming what and where, without a trailing period.
    pub message: Box<str>,
    /// What it leaves in doubt.
    pub doubt: Doubt,
}

impl Fault {
    /// A fault behind which every package is still there.
    pub fn detail(message: impl Into<Box<str>>) -> Self {
        Fault { message: message.into(), doubt: Doubt::Detail }
    }
}

/// Packages may be missing: what nobody thought about is never harmless.
impl<T: Into<Box<str>>> From<T> for Fault {
    fn from(message: T) -> Self {
        Fault { message: message.into(), doubt: Doubt::Packages }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Everything that one file tells. The path has no leading slash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileFacts {
    /// The path.
    pub path: Box<str>,
    /// What it tells.
    pub facts: Vec<Fact>,
    /// What could not be read.
    pub damage: Vec<Fault>,
}

/// Everything that one layer tells, apart from the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerFacts {
    /// Digest of the layer as it is stored.
    pub digest: Digest,
    /// Digest of the layer unpacked.
    pub diff_id: Digest,
    /// Bytes stored.
    pub size: u64,
    /// Bytes unpacked.
    pub unpacked: u64,
    /// Entries of the archive.
    pub entries: u64,
    /// Regular files.
    pub files_seen: u64,
    /// Files that tell something, ordered by path; each path once.
    pub files: Vec<FileFacts>,
    /// Paths of everything but folders, ordered: what of lower layers has one of them as its path or above it is hidden.
    pub hides: Vec<PathHash>,
    /// Folders that have an entry of their own, ordered: what lower layers have at one of these paths and is no folder is
    /// replaced.
    pub folders: Vec<PathHash>,
    /// Folders that something lies in and that have no entry of their own, ordered. Where lower layers have a symbolic link
    /// there, what lies in it goes where the link leads.
    pub implied: Vec<PathHash>,
    /// Paths that the layer deletes, ordered.
    pub whiteouts: Vec<Box<str>>,
    /// Folders whose lower content the layer deletes, ordered.
    pub opaque: Vec<Box<str>>,
    /// Symbolic links with their targets, ordered by path.
    pub links: Vec<(Box<str>, Box<str>)>,
    /// What could not be read and belongs to no file.
    pub damage: Vec<Fault>,
}
