//! From packages to package URLs and back.

use super::text;
use super::{Parts, Purl, Rigour};
use crate::package::{Distro, Kind, Package, Source};

/// The package URL of a package, given the system that it is installed in: what other tools write for it too.
///
/// The name of the distribution is the namespace of packages of operating systems; the source package stands in the
/// qualifier `upstream`, the epoch of rpm in `epoch`. Without a distribution the namespace that nearly all packages of
/// the kind have is taken. Never fails: a package without a name gets the name `unknown`.
pub fn purl(package: &Package, distro: Option<&Distro>) -> Purl {
    let mut draft = Draft { version: &package.version, ..Draft::default() };
    draft.names(package, distro);
    draft.qualifiers(package, distro);
    let qualifiers: Vec<(&str, &str)> = draft.qualifiers.iter().map(|(key, value)| (*key, &**value)).collect();
    let parts = Parts {
        kind: package.kind.purl_type(),
        namespace: &draft.namespace,
        name: if draft.name.trim_matches('/').is_empty() { "unknown" } else { &draft.name },
        version: draft.version,
        qualifiers: &qualifiers,
        subpath: &draft.subpath,
    };
    // Lenient building fails for a wrong type, key or empty name alone, and none of them can be.
    text::build(parts, Rigour::Lenient).unwrap_or_default()
}

/// The package that a package URL names; `None` for types that are no package manager known here, such as `oci`.
pub fn package(purl: &Purl) -> Option<Package> {
    let kind = *Kind::ALL.iter().find(|kind| kind.purl_type() == &*purl.kind)?;
    let mut package = Package::new(kind, name(kind, purl), purl.version.clone());
    package.arch = purl.qualifier("arch").unwrap_or_default().into();
    // Some tools give Debian packages the qualifier too.
    if let (Kind::Rpm | Kind::Deb, Some(epoch)) = (kind, purl.qualifier("epoch"))
        && !purl.version.contains(':')
    {
        package.version = format!("{epoch}:{}", purl.version).into();
    }
    package.source = purl.qualifier("upstream").map(|upstream| source(kind, upstream));
    for (key, value) in &purl.qualifiers {
        if !matches!(&**key, "arch" | "epoch" | "upstream" | "distro") {
            let key = if &**key == "rpmmod" { "modularitylabel" } else { key };
            package.properties.push((key.into(), value.clone()));
        }
    }
    if !purl.subpath.is_empty() && !matches!(kind, Kind::CocoaPods | Kind::GitHub) {
        package.properties.push(("subpath".into(), purl.subpath.clone()));
    }
    Some(package)
}

/// The distribution that the package URL of a package of an operating system tells of.
pub fn distro(purl: &Purl) -> Option<Distro> {
    if !matches!(&*purl.kind, "deb" | "apk" | "rpm" | "alpm" | "opkg") || purl.namespace.is_empty() {
        return None;
    }
    let told = purl.qualifier("distro").unwrap_or_default();
    // `debian-12`, but also `bookworm`, and `opensuse-leap-15.5`: a version begins with a digit.
    let (id, version) = match told.rsplit_once('-') {
        Some((id, version)) if version.starts_with(|c: char| c.is_ascii_digit()) => (id, version),
        _ => ("", ""),
    };
    let codename = if version.is_empty() && !told.contains('-') { told } else { "" };
    let id = match (id, &*purl.namespace) {
        ("", "redhat") => "rhel",
        ("", namespace) => namespace,
        (id, _) => id,
    };
    Some(Distro { id: id.into(), version: version.into(), codename: codename.into(), ..Distro::default() })
}

#[derive(Default)]
struct Draft<'a> {
    namespace: String,
    name: String,
    version: &'a str,
    qualifiers: Vec<(&'static str, String)>,
    subpath: String,
}

impl<'a> Draft<'a> {
    fn names(&mut self, package: &'a Package, distro: Option<&Distro>) {
        let name = &*package.name;
        self.name = name.to_owned();
        match package.kind {
            Kind::Deb => self.namespace = vendor(distro, "debian"),
            Kind::Apk => self.namespace = vendor(distro, "alpine"),
            Kind::Rpm => self.namespace = vendor(distro, "redhat"),
            Kind::Alpm => self.namespace = vendor(distro, "arch"),
            Kind::Opkg => self.namespace = vendor(distro, "openwrt"),
            Kind::Maven => {
                let (group, artifact) = name.split_once(':').unwrap_or(("", name));
                (self.namespace, self.name) = (group.to_owned(), artifact.to_owned());
            }
            Kind::CocoaPods => self.head_and_subpath(name, 1),
            Kind::GitHub => self.head_and_subpath(name, 2),
            Kind::PyPi
            | Kind::Cargo
            | Kind::Gem
            | Kind::NuGet
            | Kind::Pub
            | Kind::Cran
            | Kind::Conda
            | Kind::Generic => {}
            _ => self.split_last(name),
        }
        if let (Kind::Rpm, Some((epoch, rest))) = (package.kind, self.version.split_once(':')) {
            self.version = rest;
            if epoch != "0" && !epoch.is_empty() {
                self.qualifiers.push(("epoch", epoch.to_owned()));
            }
        }
        if let Some(subpath) = package.property("subpath") {
            subpath.clone_into(&mut self.subpath);
        }
    }

    fn split_last(&mut self, name: &str) {
        if let Some((namespace, name)) = name.trim_matches('/').rsplit_once('/') {
            (self.namespace, self.name) = (namespace.to_owned(), name.to_owned());
        }
    }

    /// The first segments are namespace and name, the rest is a path inside.
    fn head_and_subpath(&mut self, name: &str, head: usize) {
        let segments: Vec<&str> = name.split('/').filter(|segment| !segment.is_empty()).collect();
        let (head, rest) = segments.split_at(head.min(segments.len()));
        self.subpath = rest.join("/");
        self.name = head.join("/");
        self.split_last(&head.join("/"));
    }

    fn qualifiers(&mut self, package: &Package, distro: Option<&Distro>) {
        let system = matches!(package.kind, Kind::Deb | Kind::Apk | Kind::Rpm | Kind::Alpm | Kind::Opkg);
        let arched = system || matches!(package.kind, Kind::Bitnami | Kind::Conda);
        if arched && !package.arch.is_empty() {
            self.qualifiers.push(("arch", package.arch.to_string()));
        }
        if let (true, Some(distro)) = (system, distro) {
            self.qualifiers.push(("distro", release(distro)));
        }
        if let Some(source) = &package.source {
            self.upstream(package, source);
        }
        for (property, key) in PROPERTIES {
            if let Some(value) = package.property(property) {
                self.qualifiers.push((key, value.to_owned()));
            }
        }
    }

    fn upstream(&mut self, package: &Package, source: &Source) {
        let same_version = source.version.is_empty() || source.version == package.version;
        if source.name.is_empty() || (source.name == package.name && same_version) {
            return;
        }
        let version = source.version.split_once(':').map_or(&*source.version, |(_, rest)| rest);
        let text = match package.kind {
            // Tools that read rpm write the name of the file of the source package.
            Kind::Rpm if !version.is_empty() => format!("{}-{version}.src.rpm", source.name),
            _ if same_version => source.name.to_string(),
            _ => format!("{}@{}", source.name, source.version),
        };
        self.qualifiers.push(("upstream", text));
    }
}

/// The namespace of the packages of a distribution.
fn vendor(distro: Option<&Distro>, otherwise: &str) -> String {
    match distro.map(|distro| &*distro.id) {
        None | Some("") => otherwise.to_owned(),
        Some("rhel") => "redhat".to_owned(),
        Some(id) if id.starts_with("opensuse") => "opensuse".to_owned(),
        Some(id) => id.to_owned(),
    }
}

fn release(distro: &Distro) -> String {
    let told = if distro.version.is_empty() { &distro.codename } else { &distro.version };
    if told.is_empty() { distro.id.to_string() } else { format!("{}-{told}", distro.id) }
}

fn name(kind: Kind, purl: &Purl) -> Box<str> {
    let joined = |separator: &str, tail: &str| -> Box<str> {
        let mut name = String::new();
        for part in [&*purl.namespace, &*purl.name, tail].into_iter().filter(|part| !part.is_empty()) {
            if !name.is_empty() {
                name.push_str(separator);
            }
            name.push_str(part);
        }
        name.into()
    };
    match kind {
        Kind::Deb | Kind::Apk | Kind::Rpm | Kind::Alpm | Kind::Opkg => purl.name.clone(),
        Kind::Maven => joined(":", ""),
        Kind::CocoaPods | Kind::GitHub => joined("/", &purl.subpath),
        _ => joined("/", ""),
    }
}

fn source(kind: Kind, upstream: &str) -> Source {
    let file = upstream.strip_suffix(".src.rpm").filter(|_| kind == Kind::Rpm);
    // name-version-release.src.rpm
    let split = file.and_then(|file| {
        let (rest, release) = file.rsplit_once('-')?;
        let (name, version) = rest.rsplit_once('-')?;
        Some((name, format!("{version}-{release}")))
    });
    match (split, upstream.rsplit_once('@')) {
        (Some((name, version)), _) => Source { name: name.into(), version: version.into() },
        (None, Some((name, version))) => Source { name: name.into(), version: version.into() },
        (None, None) => Source { name: upstream.into(), version: "".into() },
    }
}

/// Properties of packages that are qualifiers of their package URLs.
const PROPERTIES: &[(&str, &str)] = &[
    ("build", "build"),
    ("channel", "channel"),
    ("classifier", "classifier"),
    ("download_url", "download_url"),
    ("modularitylabel", "rpmmod"),
    ("platform", "platform"),
    ("port_version", "port_version"),
    ("repository_url", "repository_url"),
    ("rrev", "rrev"),
    ("subdir", "subdir"),
    ("type", "type"),
    ("user", "user"),
    ("uuid", "uuid"),
    ("vcs_url", "vcs_url"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(package: &Package, distro: Option<&Distro>, expected: &str) {
        let made = purl(package, distro);
        assert_eq!(made.to_string(), expected);
        let read = super::package(&Purl::parse_lenient(expected).expect(expected)).expect(expected);
        assert_eq!(
            (read.kind, &read.name, &read.version),
            (package.kind, &package.name, &package.version),
            "{expected}"
        );
    }

    #[test]
    fn packages_of_operating_systems_carry_distribution_architecture_and_source() {
        let debian = Distro { id: "debian".into(), version: "12".into(), ..Distro::default() };
        let mut bash = Package::new(Kind::Deb, "libbash", "1:5.2-2+b7");
        bash.arch = "amd64".into();
        bash.source = Some(Source { name: "bash".into(), version: "5.2-2".into() });
        let expected = "pkg:deb/debian/libbash@1:5.2-2%2Bb7?arch=amd64&distro=debian-12&upstream=bash%405.2-2";
        check(&bash, Some(&debian), expected);
        let read = Purl::parse(expected).expect("valid");
        assert_eq!(super::package(&read).and_then(|read| read.source), bash.source);
        assert_eq!(distro(&read).map(|distro| (distro.id, distro.version)), Some(("debian".into(), "12".into())));

        let rhel = Distro { id: "rhel".into(), version: "9.4".into(), ..Distro::default() };
        let mut dbus = Package::new(Kind::Rpm, "dbus-libs", "1:1.12.20-8.el9");
        dbus.source = Some(Source { name: "dbus".into(), version: "1.12.20-8.el9".into() });
        let expected =
            "pkg:rpm/redhat/dbus-libs@1.12.20-8.el9?distro=rhel-9.4&epoch=1&upstream=dbus-1.12.20-8.el9.src.rpm";
        check(&dbus, Some(&rhel), expected);
        let read = super::package(&Purl::parse(expected).expect("valid"));
        assert_eq!(read.and_then(|read| read.source), dbus.source);
        check(&Package::new(Kind::Apk, "musl", "1.2.5-r0"), None, "pkg:apk/alpine/musl@1.2.5-r0");
    }

    #[test]
    fn names_are_split_where_their_package_manager_splits_them() {
        for (kind, name, expected) in [
            (Kind::Npm, "@babel/core", "pkg:npm/%40babel/core@1"),
            (Kind::Golang, "github.com/a/b/v2", "pkg:golang/github.com/a/b/v2@1"),
            (Kind::Golang, "stdlib", "pkg:golang/stdlib@1"),
            (Kind::Maven, "org.x:y", "pkg:maven/org.x/y@1"),
            (Kind::Composer, "laravel/framework", "pkg:composer/laravel/framework@1"),
            (Kind::Swift, "github.com/Alamofire/Alamofire", "pkg:swift/github.com/Alamofire/Alamofire@1"),
            (Kind::CocoaPods, "ShareKit/Twitter", "pkg:cocoapods/ShareKit@1#Twitter"),
            (Kind::GitHub, "actions/cache/save", "pkg:github/actions/cache@1#save"),
            (Kind::PyPi, "zope-interface", "pkg:pypi/zope-interface@1"),
        ] {
            check(&Package::new(kind, name, "1"), None, expected);
        }
        assert_eq!(purl(&Package::new(Kind::Npm, "/", "1"), None).to_string(), "pkg:npm/unknown@1");
    }
}
