//! Packages: what software something is made of, as the package managers themselves write it down.

use std::fmt;

/// One installed or declared package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Package {
    /// The package manager.
    pub kind: Kind,
    /// The name as the package manager writes it: `@scope/name` for npm, `group:artifact` for Maven, the module path
    /// for Go, `vendor/name` for Composer. PyPI names keep their spelling; comparing them is the business of who compares.
    pub name: Box<str>,
    /// The whole version as the package manager compares it, epoch and revision included; empty where none is written.
    pub version: Box<str>,
    /// Architecture as written, empty when the package manager knows none.
    pub arch: Box<str>,
    /// The source package that it was built from, where that is a notion of the package manager. `None` means that
    /// nothing was written; for Debian that stands for the same name and version.
    pub source: Option<Source>,
    /// Licences as declared, each an SPDX expression where it could be made one and the declared words otherwise.
    pub licenses: Vec<Box<str>>,
    /// Who made it, as declared; empty when not.
    pub supplier: Box<str>,
    /// Names of packages of the same kind that it declares to need, without version conditions.
    pub depends_on: Vec<Box<str>>,
    /// How a project came to it.
    pub need: Need,
    /// Where it was found. Never empty for a package that something read.
    pub places: Vec<Place>,
    /// More that the package manager writes, in order: `modularitylabel` and `vendor` of rpm, `checksum`, `h1` of Go,
    /// `subpath`, `commit`, `repository_url`.
    pub properties: Vec<(Box<str>, Box<str>)>,
}

/// Name and version of a source package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// The name.
    pub name: Box<str>,
    /// The version, whole; empty where it is not written.
    pub version: Box<str>,
}

/// How a project came to need a package.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// Nothing tells.
    #[default]
    Unstated,
    /// Named by the project itself.
    Direct,
    /// Needed by another package.
    Indirect,
    /// Only for developing, building or testing.
    Development,
}

/// Where a package was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Path below the root of the file system or of the scanned folder, without a leading slash. Inside an archive, the
    /// path of the archive, `!`, and the path in it.
    pub path: Box<str>,
    /// Index of the layer that the file comes from, from 0 at the bottom. `None` outside images.
    pub layer: Option<u32>,
    /// Line from 1, 0 when it has no meaning there.
    pub line: u32,
}

impl Package {
    /// A package of which only kind, name and version are known.
    pub fn new(kind: Kind, name: impl Into<Box<str>>, version: impl Into<Box<str>>) -> Self {
        Package {
            kind,
            name: name.into(),
            version: version.into(),
            arch: "".into(),
            source: None,
            licenses: Vec::new(),
            supplier: "".into(),
            depends_on: Vec::new(),
            need: Need::Unstated,
            places: Vec::new(),
            properties: Vec::new(),
        }
    }

    /// The value of one property.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|(key, _)| &**key == name).map(|(_, value)| &**value)
    }
}

impl Place {
    /// A file in a folder or in a layer that is not known yet.
    pub fn file(path: impl Into<Box<str>>) -> Self {
        Place { path: path.into(), layer: None, line: 0 }
    }
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $variant:ident = $purl:literal, $osv:literal;)*) => {
        /// A package manager, or another authority that gives names and versions.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $($(#[doc = $doc])* $variant,)* }

        impl Kind {
            /// All kinds.
            pub const ALL: &[Kind] = &[$(Kind::$variant,)*];

            /// The type of its package URLs.
            pub fn purl_type(self) -> &'static str {
                match self { $(Kind::$variant => $purl,)* }
            }

            /// The ecosystem of its advisories in the OSV schema; empty where the distribution decides (`Debian:12`) or
            /// the schema names none.
            pub fn osv_ecosystem(self) -> &'static str {
                match self { $(Kind::$variant => $osv,)* }
            }
        }
    };
}

kinds! {
    /// Debian and its derivatives.
    Deb = "deb", "";
    /// Alpine, Wolfi, Chainguard.
    Apk = "apk", "";
    /// Red Hat, SUSE, Amazon, Oracle and the others that build on rpm.
    Rpm = "rpm", "";
    /// Arch Linux.
    Alpm = "alpm", "";
    /// OpenWrt and other users of opkg.
    Opkg = "opkg", "";
    /// Gentoo.
    Portage = "ebuild", "";
    /// npm, yarn, pnpm, bun.
    Npm = "npm", "npm";
    /// Python.
    PyPi = "pypi", "PyPI";
    /// Conda.
    Conda = "conda", "";
    /// Go modules; the standard library is `stdlib`.
    Golang = "golang", "Go";
    /// Rust.
    Cargo = "cargo", "crates.io";
    /// Java and everything else in Maven repositories.
    Maven = "maven", "Maven";
    /// Ruby.
    Gem = "gem", "RubyGems";
    /// PHP.
    Composer = "composer", "Packagist";
    /// .NET.
    NuGet = "nuget", "NuGet";
    /// Dart and Flutter.
    Pub = "pub", "Pub";
    /// Erlang and Elixir.
    Hex = "hex", "Hex";
    /// Applications of Erlang/OTP and Elixir that come with them.
    Otp = "otp", "";
    /// C and C++ by Conan.
    Conan = "conan", "ConanCenter";
    /// C and C++ by vcpkg.
    Vcpkg = "vcpkg", "vcpkg";
    /// Swift packages, named by the address of their repository.
    Swift = "swift", "SwiftURL";
    /// CocoaPods, which the schema does not name; its own name stands for it.
    CocoaPods = "cocoapods", "CocoaPods";
    /// Nix.
    Nix = "nix", "";
    /// R.
    Cran = "cran", "CRAN";
    /// Julia.
    Julia = "julia", "Julia";
    /// Haskell.
    Hackage = "hackage", "Hackage";
    /// OCaml.
    Opam = "opam", "opam";
    /// Lua.
    LuaRocks = "luarocks", "";
    /// Perl.
    Cpan = "cpan", "";
    /// WordPress plug-ins and themes.
    WordPress = "wordpress", "";
    /// Packages of Bitnami.
    Bitnami = "bitnami", "Bitnami";
    /// GitHub Actions and other things that are named by their repository.
    GitHub = "github", "GitHub Actions";
    /// Terraform providers and modules.
    Terraform = "terraform", "";
    /// Parts of Kubernetes itself.
    Kubernetes = "k8s", "Kubernetes";
    /// The operating system, the kernel, and programs known by a version in their own bytes.
    Generic = "generic", "";
}

impl Kind {
    /// Whether its packages belong to an operating system rather than to a language or a program.
    pub fn is_of_system(self) -> bool {
        matches!(self, Kind::Deb | Kind::Apk | Kind::Rpm | Kind::Alpm | Kind::Opkg | Kind::Portage)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.purl_type())
    }
}

/// What `os-release` and its forerunners say.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Distro {
    /// `ID`, lower case: `debian`, `alpine`, `rhel`, `opensuse-leap`.
    pub id: Box<str>,
    /// `ID_LIKE`, in order.
    pub id_like: Vec<Box<str>>,
    /// `VERSION_ID`: `12`, `3.20.1`, `9.4`; empty for rolling releases.
    pub version: Box<str>,
    /// `VERSION_CODENAME`: `bookworm`; empty where there is none.
    pub codename: Box<str>,
    /// `PRETTY_NAME`.
    pub pretty_name: Box<str>,
    /// `CPE_NAME`.
    pub cpe: Box<str>,
    /// `VARIANT_ID`.
    pub variant: Box<str>,
    /// Path of the file that tells so.
    pub path: Box<str>,
}

/// A limit of what could be read, said of a whole or of one file: unknown is never clean.
#[derive(Default, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Damage {
    /// Path of the file; empty when it concerns the whole.
    pub path: Box<str>,
    /// Layer, where there are layers.
    pub layer: Option<u32>,
    /// One sentence naming what is wrong and what follows, without a trailing period.
    pub message: Box<str>,
    /// What it leaves in doubt.
    pub doubt: Doubt,
    /// The installed package of the system that brought the file. Where the distribution judges that package, nothing is
    /// in doubt.
    pub owner: Option<Box<str>>,
}

/// What damage leaves in doubt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Doubt {
    /// Packages may be missing, or have another name or version than was read. What is said of the whole is unknown then,
    /// so this is what holds where nothing else is said.
    #[default]
    Packages,
    /// Only a detail: every package that the file tells of is there, or the file tells of none.
    Detail,
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn every_package_url_type_names_one_kind() {
        let mut seen = std::collections::BTreeSet::new();
        for kind in Kind::ALL {
            assert!(seen.insert(kind.purl_type()), "{kind}");
        }
    }
}
