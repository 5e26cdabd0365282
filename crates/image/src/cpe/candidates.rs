//! Guesses of CPE names for packages: few, likeliest first.

use model::Package;
use model::package::Kind;

use super::{Cpe, Value};

/// The CPE names that a package may have in the dictionary, at most six. Debian, Red Hat and Alpine tell their
/// vulnerabilities by the names of their packages; for them and for languages the vendor is a guess.
pub fn candidates(package: &Package) -> Vec<Cpe> {
    let version = upstream(package);
    let mut pairs: Vec<(String, String)> = Vec::new();
    let name = package.name.to_lowercase();
    let last = name.rsplit(['/', ':']).next().unwrap_or_default().to_owned();
    if let Some((vendor, product)) =
        KNOWN.iter().find(|(known, ..)| *known == last).map(|(_, vendor, product)| (vendor, product))
    {
        pairs.push(((*vendor).into(), (*product).into()));
    }
    match package.kind {
        Kind::Maven => maven(&name, &mut pairs),
        Kind::Golang | Kind::Swift | Kind::GitHub => {
            let segments: Vec<&str> = name.split('/').collect();
            match segments.as_slice() {
                ["stdlib"] => pairs.push(("golang".into(), "go".into())),
                [_, owner, repository, ..] => pairs.push(((*owner).into(), (*repository).into())),
                [host, repository] => pairs.push(((*host).into(), (*repository).into())),
                _ => {}
            }
        }
        Kind::Composer | Kind::Terraform => {
            if let Some((vendor, product)) = name.split_once('/') {
                pairs.push((vendor.into(), product.replace('/', "_")));
            }
        }
        Kind::Npm => {
            if let Some(scope) = name.strip_prefix('@').and_then(|name| name.split_once('/')).map(|(scope, _)| scope) {
                pairs.push((scope.into(), last.clone()));
            }
            pairs.push((last.clone(), last.clone()));
        }
        Kind::PyPi => {
            pairs.push((format!("python-{last}"), format!("python-{last}")));
            pairs.push((last.clone(), last.clone()));
            pairs.push((format!("{last}_project"), last.clone()));
        }
        _ => pairs.push((last.clone(), last.clone())),
    }
    let mut found: Vec<Cpe> = Vec::new();
    for (vendor, product) in pairs.into_iter().filter(|(vendor, product)| !vendor.is_empty() && !product.is_empty()) {
        let mut cpe = Cpe::application(&vendor, &product, version);
        if let Some(target) = target(package.kind) {
            cpe.attributes[7] = Value::Text(target.into());
        }
        if !found.contains(&cpe) && found.len() < CANDIDATES_MAX {
            found.push(cpe);
        }
    }
    found
}

/// `org.apache.logging.log4j:log4j-core` is `apache:log4j`: the vendor is the second part of the group, the product is
/// the artifact, or its group's last part where the artifact is a module of it.
fn maven(name: &str, pairs: &mut Vec<(String, String)>) {
    let (group, artifact) = name.split_once(':').unwrap_or(("", name));
    let parts: Vec<&str> = group.split('.').collect();
    let vendor = match parts.as_slice() {
        ["com" | "org" | "io" | "net" | "de" | "ch" | "dev", vendor, ..] => vendor,
        [vendor, ..] => vendor,
        [] => "",
    };
    pairs.push((vendor.into(), artifact.into()));
    if let Some(module) = parts.last().filter(|module| artifact.starts_with(**module) && **module != artifact) {
        pairs.push((vendor.into(), (*module).into()));
    }
}

/// Vulnerabilities are told of versions of the makers: no epoch, no revision of a distribution.
fn upstream(package: &Package) -> &str {
    let version = &*package.version;
    match package.kind {
        Kind::Deb | Kind::Rpm | Kind::Alpm | Kind::Opkg => {
            let version = version.split_once(':').map_or(version, |(_, rest)| rest);
            version.rsplit_once('-').map_or(version, |(version, _)| version)
        }
        Kind::Apk | Kind::Portage => version.rsplit_once("-r").map_or(version, |(version, _)| version),
        Kind::Golang => version.trim_start_matches("go").trim_start_matches('v'),
        _ => version,
    }
}

fn target(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Npm => Some("node.js"),
        Kind::PyPi => Some("python"),
        Kind::Gem => Some("ruby"),
        Kind::Cargo => Some("rust"),
        Kind::WordPress => Some("wordpress"),
        _ => None,
    }
}

/// Names of packages whose vendor or product in the dictionary differs from their name.
const KNOWN: &[(&str, &str, &str)] = &[
    ("apache2", "apache", "http_server"),
    ("bash", "gnu", "bash"),
    ("binutils", "gnu", "binutils"),
    ("busybox", "busybox", "busybox"),
    ("coreutils", "gnu", "coreutils"),
    ("curl", "haxx", "curl"),
    ("django", "djangoproject", "django"),
    ("flask", "palletsprojects", "flask"),
    ("git", "git-scm", "git"),
    ("glibc", "gnu", "glibc"),
    ("go", "golang", "go"),
    ("grep", "gnu", "grep"),
    ("gzip", "gnu", "gzip"),
    ("haproxy", "haproxy", "haproxy"),
    ("httpd", "apache", "http_server"),
    ("jinja2", "palletsprojects", "jinja"),
    ("libc6", "gnu", "glibc"),
    ("libcurl4", "haxx", "libcurl"),
    ("libssl3", "openssl", "openssl"),
    ("libxml2", "xmlsoft", "libxml2"),
    ("lodash", "lodash", "lodash"),
    ("mariadb", "mariadb", "mariadb"),
    ("musl", "musl-libc", "musl"),
    ("mysql", "oracle", "mysql"),
    ("nginx", "f5", "nginx"),
    ("node", "nodejs", "node.js"),
    ("nodejs", "nodejs", "node.js"),
    ("openssh", "openbsd", "openssh"),
    ("openssl", "openssl", "openssl"),
    ("perl", "perl", "perl"),
    ("php", "php", "php"),
    ("postgresql", "postgresql", "postgresql"),
    ("python", "python", "python"),
    ("python3", "python", "python"),
    ("redis", "redis", "redis"),
    ("ruby", "ruby-lang", "ruby"),
    ("sqlite3", "sqlite", "sqlite"),
    ("tar", "gnu", "tar"),
    ("wget", "gnu", "wget"),
    ("zlib", "zlib", "zlib"),
    ("zlib1g", "zlib", "zlib"),
];

/// More guesses than this match by chance rather than by right.
const CANDIDATES_MAX: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likely_vendor_stands_first_and_revisions_of_distributions_are_left_out() {
        for (kind, name, version, expected) in [
            (Kind::Deb, "libssl3", "3.0.11-1~deb12u2", "cpe:2.3:a:openssl:openssl:3.0.11:*:*:*:*:*:*:*"),
            (Kind::Apk, "busybox", "1.36.1-r5", "cpe:2.3:a:busybox:busybox:1.36.1:*:*:*:*:*:*:*"),
            (Kind::Golang, "stdlib", "go1.22.1", "cpe:2.3:a:golang:go:1.22.1:*:*:*:*:*:*:*"),
            (Kind::Golang, "github.com/gin-gonic/gin", "v1.9.0", "cpe:2.3:a:gin-gonic:gin:1.9.0:*:*:*:*:*:*:*"),
            (Kind::Npm, "@angular/core", "17.0.0", "cpe:2.3:a:angular:core:17.0.0:*:*:*:*:node.js:*:*"),
            (
                Kind::Maven,
                "org.apache.logging.log4j:log4j-core",
                "2.14.1",
                "cpe:2.3:a:apache:log4j-core:2.14.1:*:*:*:*:*:*:*",
            ),
        ] {
            let found = candidates(&Package::new(kind, name, version));
            assert_eq!(found.first().map(ToString::to_string).as_deref(), Some(expected), "{name}");
            assert!(found.len() <= CANDIDATES_MAX);
        }
        let log4j = candidates(&Package::new(Kind::Maven, "org.apache.logging.log4j:log4j-core", "2.14.1"));
        assert!(log4j.iter().any(|cpe| cpe.product() == "log4j"));
    }
}
