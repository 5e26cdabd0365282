//! Python: installed distributions, wheels and eggs, and what projects pin and lock.

mod lock;
mod requirements;

use model::Package;
use model::package::{Kind, Place};

use super::{Cataloguer, Input, Settings, Sink, Wants};
use crate::archive::{Archive, Budget};

/// The readers of Python's files.
pub static CATALOGUERS: &[Cataloguer] = &[
    Cataloguer {
        name: "python-metadata",
        wants: Wants { names: &["METADATA", "PKG-INFO"], filter: is_metadata, ..Wants::NOTHING },
        settings: Settings::Installed,
        bytes_max: METADATA_MAX,
        read: metadata,
    },
    Cataloguer {
        name: "python-egg-info",
        wants: Wants { extensions: &[".egg-info"], ..Wants::NOTHING },
        settings: Settings::Installed,
        bytes_max: METADATA_MAX,
        read: metadata,
    },
    Cataloguer {
        name: "python-archive",
        wants: Wants { extensions: &[".whl", ".egg"], ..Wants::NOTHING },
        settings: Settings::Both,
        bytes_max: ARCHIVE_MAX,
        read: archive,
    },
    Cataloguer {
        name: REQUIREMENTS,
        wants: Wants { extensions: &[".txt"], filter: requirements::is_named, ..Wants::NOTHING },
        settings: Settings::Sources,
        bytes_max: LOCK_MAX,
        read: requirements::read,
    },
    Cataloguer {
        name: "python-setup",
        wants: Wants { names: &["setup.py"], ..Wants::NOTHING },
        settings: Settings::Sources,
        bytes_max: LOCK_MAX,
        read: requirements::setup,
    },
    source("pipenv-lock", &["Pipfile.lock"], lock::pipfile),
    source("pipenv-manifest", &["Pipfile"], lock::pipfile_manifest),
    source("python-lock", &["poetry.lock", "uv.lock", "pdm.lock", "pylock.toml"], lock::toml_lock),
    source("pyproject", &["pyproject.toml"], lock::pyproject),
];

/// The name of the cataloguer of lists of requirements, which take in others.
pub(crate) const REQUIREMENTS: &str = "python-requirements";

const fn source(name: &'static str, names: &'static [&'static str], read: fn(&Input<'_>, &mut Sink)) -> Cataloguer {
    let wants = Wants { names, ..Wants::NOTHING };
    Cataloguer { name, wants, settings: Settings::Sources, bytes_max: LOCK_MAX, read }
}

fn is_metadata(path: &str) -> bool {
    let folder = path.rsplit('/').nth(1).unwrap_or_default();
    folder.ends_with(".dist-info") || folder.ends_with(".egg-info") || folder == "EGG-INFO"
}

fn metadata(input: &Input<'_>, sink: &mut Sink) {
    match distribution(input.bytes) {
        Some(package) => sink.package(package),
        None => sink.damage("the metadata names no distribution with a version"),
    }
}

fn archive(input: &Input<'_>, sink: &mut Sink) {
    let zip = match Archive::open(input.bytes) {
        Ok(zip) => zip,
        Err(error) => return sink.damage(format!("the archive cannot be read: {error}")),
    };
    for entry in zip.entries().iter().filter(|entry| is_metadata(&entry.name)) {
        if !entry.name.ends_with("/METADATA") && !entry.name.ends_with("/PKG-INFO") {
            continue;
        }
        match zip.read(entry, METADATA_MAX, &mut Budget::default()) {
            Ok(bytes) => {
                if let Some(mut package) = distribution(&bytes) {
                    package.places.push(Place::file(format!("{}!{}", input.path, entry.name)));
                    sink.package(package);
                }
            }
            Err(error) => sink.damage(format!("in the archive: {error}")),
        }
    }
}

/// Headers as in mail, up to the first empty line; bytes that are not UTF-8 do not matter for the rest.
fn distribution(bytes: &[u8]) -> Option<Package> {
    let text = String::from_utf8_lossy(bytes);
    let mut package = Package::new(Kind::PyPi, "", "");
    let (mut expression, mut license, mut classified) = (None, String::new(), Vec::<Box<str>>::new());
    let (mut key, mut author) = (String::new(), String::new());
    for line in text.lines().take_while(|line| !line.trim().is_empty()) {
        // Only licences are folded in practice, and of a folded licence, its whole text, the first line is enough.
        if line.starts_with([' ', '\t']) {
            continue;
        }
        let Some((name, value)) = line.split_once(':') else { continue };
        key.clear();
        key.push_str(&name.to_ascii_lowercase());
        let value = value.trim();
        match key.as_str() {
            "name" if package.name.is_empty() => package.name = value.into(),
            "version" if package.version.is_empty() => package.version = value.into(),
            "license-expression" => expression = Some(value.into()),
            "license" if value.len() <= LICENSE_MAX => license = value.to_owned(),
            "classifier" => classified.extend(licence_of(value)),
            "author" => author = value.to_owned(),
            "author-email" if author.is_empty() => author = value.to_owned(),
            "requires-dist" => {
                let name = requirements::name(value);
                if !name.is_empty() && !package.depends_on.iter().any(|other| **other == *name) {
                    package.depends_on.push(name.into());
                }
            }
            _ => {}
        }
    }
    if package.name.is_empty() || package.version.is_empty() || author == "UNKNOWN" && package.name.is_empty() {
        return None;
    }
    package.supplier = author.into();
    package.licenses = match expression {
        Some(expression) => vec![expression],
        None if !license.is_empty() && license != "UNKNOWN" => vec![license.into()],
        None => classified,
    };
    Some(package)
}

fn licence_of(classifier: &str) -> Option<Box<str>> {
    let rest = classifier.strip_prefix("License ::")?;
    let last = rest.rsplit("::").next()?.trim();
    (last != "OSI Approved").then(|| last.into())
}

/// Metadata with a whole README behind the headers reaches 1 MB.
const METADATA_MAX: u64 = 16 << 20;

/// Lock files of the largest projects reach some MB.
const LOCK_MAX: u64 = 32 << 20;

/// Wheels of machine learning reach 900 MB, but none is left installed in an image as a wheel.
const ARCHIVE_MAX: u64 = 512 << 20;

/// Longer values are whole texts of licences.
const LICENSE_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::{archive, lock, metadata, requirements};
    use crate::archive::tests::zip;
    use crate::catalog::{Input, Sink, listed};

    type Case = (fn(&Input<'_>, &mut Sink), &'static [u8], &'static [&'static str]);

    #[test]
    fn distributions_are_read_from_every_form() {
        let cases: &[Case] = &[
            (metadata, b"Metadata-Version: 2.1\nName: A_b\nAuthor: J\xe9\nVersion: 1.0\n\nVersion: 2.0\n", &["A_b 1.0"]),
            (
                requirements::read,
                b"# c\na==1.0 \\\n  --hash=sha256:x\nB[x,y] == 2.0 ; python_version > '3' # why\nc>=1\n-r other.txt\nd===3.0\ne==1.*\n",
                &["a 1.0", "B 2.0", "d 3.0"],
            ),
            (requirements::setup, b"setup(install_requires=['a==1.0', \"b>=2\", 'c == 3'])", &["a 1.0", "c 3"]),
            (lock::pipfile, br#"{"default":{"a":{"version":"==1.0"}},"develop":{"b":{"version":"==2.0"}}}"#, &["a 1.0", "b 2.0"]),
            (lock::toml_lock, b"[[package]]\nname = \"a\"\nversion = \"1.0\"\n[package.dependencies]\nb = \"*\"\n", &["a 1.0"]),
            (
                lock::toml_lock,
                b"[[package]]\nname = \"root\"\nversion = \"0\"\nsource = { virtual = \".\" }\n[[package]]\nname = \"a\"\nversion = \"1.0\"\n",
                &["root 0", "a 1.0"],
            ),
            (lock::toml_lock, b"[[packages]]\nname = \"a\"\nversion = \"1.0\"\n", &["a 1.0"]),
            (lock::pyproject, b"[project]\ndependencies = [\"a==1.0\", \"b>1\"]\n", &["a 1.0"]),
        ];
        for (read, text, expected) in cases {
            assert_eq!(listed(*read, "f", text), *expected, "{}", String::from_utf8_lossy(text));
        }
        let wheel = zip(&[("a-1.0.dist-info/METADATA", b"Name: a\nVersion: 1.0\n")]);
        assert_eq!(listed(archive, "a.whl", &wheel), ["a 1.0"]);
    }
}
