//! Nix: the folders of its store are named by hash, package and version, and nothing in them says more.

use model::Package;
use model::package::Kind;

/// The folder of the store that a file lies in, by its name: `HASH-NAME-VERSION`. Files that lie in the store itself are
/// sources, patches and derivations, not packages.
pub(crate) fn folder(path: &str) -> Option<&str> {
    let at = memchr::memmem::find(path.as_bytes(), STORE)?;
    if at > 0 && path.as_bytes().get(at - 1) != Some(&b'/') {
        return None;
    }
    let (folder, _) = path.get(at + STORE.len()..)?.split_once('/')?;
    (folder.len() <= NAME_BYTES_MAX && is_hash(folder.get(..HASH_LENGTH)?)).then_some(folder)
}

/// The package that a folder of the store is named by; none where the name has no version, as those of wrappers, hooks
/// and environments, whose content lies in other folders.
pub(crate) fn package(folder: &str) -> Option<Package> {
    let hash = folder.get(..HASH_LENGTH)?;
    let rest = folder.get(HASH_LENGTH..)?.strip_prefix('-')?;
    // The rule of Nix itself: the version begins behind the first dash that a digit follows.
    let at = rest.match_indices('-').map(|(at, _)| at).find(|at| {
        rest.get(at + 1..).is_some_and(|version| version.starts_with(|first: char| first.is_ascii_digit()))
    })?;
    let (mut name, mut version) = (rest.get(..at)?, rest.get(at + 1..)?.to_owned());
    // Snapshots without a release: `name-unstable-2024-01-31`.
    if let Some(before) = name.strip_suffix("-unstable") {
        name = before;
        version.insert_str(0, "unstable-");
    }
    let mut output = "";
    let whole = version.clone();
    let mut kept = whole.as_str();
    while let Some((before, last)) = kept.rsplit_once('-').filter(|(_, last)| is_output(last)) {
        (kept, output) = (before, last);
    }
    if name.is_empty() {
        return None;
    }
    let mut package = Package::new(Kind::Nix, name, kept);
    package.properties.push(("outputhash".into(), hash.into()));
    if !output.is_empty() {
        package.properties.push(("output".into(), output.into()));
    }
    Some(package)
}

/// Packages are split into outputs, `bin`, `dev`, `getent`, whose names are free but never have digits.
fn is_output(word: &str) -> bool {
    !word.is_empty()
        && word.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && !PRE_RELEASES.contains(&word.to_ascii_lowercase().as_str())
}

/// 160 bits in the digits of Nix, which leave out `e`, `o`, `t` and `u`.
fn is_hash(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase() && !matches!(byte, b'e' | b'o' | b't' | b'u'))
}

/// Folders of one layer or tree. A desktop system has some 5,000.
pub(crate) const FOLDERS_MAX: usize = 200_000;

const STORE: &[u8] = b"nix/store/";

const HASH_LENGTH: usize = 32;

/// Nix allows 211 bytes of name.
const NAME_BYTES_MAX: usize = 255;

/// Ends of versions that are no outputs.
const PRE_RELEASES: &[&str] = &["alpha", "beta", "rc", "pre", "preview", "snapshot", "final", "git", "release"];

#[cfg(test)]
mod tests {
    use super::{folder, package};

    const HASH: &str = "h0cnbmfcn93xm5dg2x27ixhag1cwndga";

    #[test]
    fn names_in_the_store_are_taken_apart() {
        for (name, expected) in [
            ("glibc-2.34-210-bin", Some("glibc 2.34-210 bin")),
            ("python3.11-requests-2.31.0", Some("python3.11-requests 2.31.0 ")),
            ("openssl-3.0.13", Some("openssl 3.0.13 ")),
            ("foo-unstable-2024-01-31", Some("foo unstable-2024-01-31 ")),
            ("foo-1.0-rc", Some("foo 1.0-rc ")),
            ("foo-1.0-lib-debug", Some("foo 1.0 lib")),
            ("perl5.38.2-URI-5.21-devdoc", Some("perl5.38.2-URI 5.21 devdoc")),
            ("user-environment", None),
            ("-1.0", None),
        ] {
            let found = package(&format!("{HASH}-{name}")).map(|package| {
                format!("{} {} {}", package.name, package.version, package.property("output").unwrap_or_default())
            });
            assert_eq!(found.as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn only_folders_of_the_store_are_packages() {
        let own = format!("{HASH}-a-1");
        assert_eq!(folder(&format!("nix/store/{own}/bin/a")), Some(&*own));
        assert_eq!(folder(&format!("mnt/nix/store/{own}/x")), Some(&*own));
        for other in ["nix/store/{}", "unix/store/{}/x", "nix/store/short-a-1/x", "nix/store/{}.drv"] {
            assert_eq!(folder(&other.replace("{}", &own)), None, "{other}");
        }
        assert_eq!(folder("nix/store/\u{e9}0cnbmfcn93xm5dg2x27ixhag1cwndga-a-1/x"), None);
    }
}
