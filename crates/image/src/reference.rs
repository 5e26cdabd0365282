//! Names of images, as `docker pull` and kubelet read them.
//!
//! The grammar is that of the distribution project's `reference` package: `[host[:port]/]path[:tag][@digest]`, with
//! Docker Hub as the registry and `library/` as the folder of names that have none. A name that was read is in normal
//! form, so that two names of one repository are equal text, and prefixes are compared component by component.

use std::fmt;
use std::str::FromStr;

use model::digest::{Digest, DigestError};

/// The name of an image in normal form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    registry: Box<str>,
    repository: Box<str>,
    tag: Option<Box<str>>,
    digest: Option<Digest>,
}

/// The text is no name of an image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// Nothing, or nothing before a tag or digest.
    #[error("the name of an image is empty")]
    Empty,
    /// Longer than any name can be.
    #[error("the name of an image is {0} bytes long; {REFERENCE_BYTES_MAX} are allowed")]
    Long(usize),
    /// 64 hexadecimal digits alone name an image on one machine, not in a registry.
    #[error("`{0}` is an image ID, not a name; write NAME@sha256:{0}")]
    Identifier(Box<str>),
    /// Upper case in the repository.
    #[error("repository `{0}` has upper-case letters; names of repositories are lower case")]
    UpperCase(Box<str>),
    /// The registry's host or port.
    #[error("`{0}` is no host name with an optional port")]
    Registry(Box<str>),
    /// The repository's path.
    #[error("`{0}` is no repository: lower-case letters and digits, with `.`, `_`, `__` or dashes between them")]
    Repository(Box<str>),
    /// The path is longer than registries take.
    #[error("the repository is {0} bytes long; {REPOSITORY_BYTES_MAX} are allowed")]
    RepositoryLong(usize),
    /// The tag.
    #[error("`{0}` is no tag: up to 128 letters, digits, `_`, `.` and `-`, not beginning with `.` or `-`")]
    Tag(Box<str>),
    /// The digest.
    #[error("the image's digest cannot be used")]
    Digest(#[source] DigestError),
}

impl Reference {
    /// Host and optional port of the registry in lower case: `docker.io`, `registry.example:5000`, `[::1]:5000`.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Path in the registry: `library/nginx`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag that was written.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest that was written. It names the image where there is a tag too.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// What is asked of the registry: the digest where there is one, else the tag, else `latest`.
    pub fn target(&self) -> &str {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.as_str(),
            (None, Some(tag)) => tag,
            (None, None) => DEFAULT_TAG,
        }
    }

    /// The same repository by another digest; the tag stays as the words of the user.
    pub fn at(&self, digest: Digest) -> Self {
        Reference { digest: Some(digest), ..self.clone() }
    }

    /// The same path in another place: `place` is `host[:port][/path]`, `below` the part of the repository to put there.
    ///
    /// # Errors
    /// Where the result is no name.
    pub fn moved(&self, place: &str, below: &str) -> Result<Self, ReferenceError> {
        let (host, path) = place.split_once('/').unwrap_or((place, ""));
        let registry = registry_host(host)?;
        let joined: Vec<&str> = [path, below].into_iter().map(|part| part.trim_matches('/')).collect();
        let repository = match joined.as_slice() {
            ["", rest] | [rest, ""] => (*rest).to_owned(),
            parts => parts.join("/"),
        };
        check_repository(&repository)?;
        Ok(Reference { registry, repository: repository.into(), ..self.clone() })
    }

    /// Whether the name lies at or below `prefix`, compared by whole components: `docker.io/library` holds
    /// `nginx`, and `registry.example/team` does not hold `registry.example/teammate/app`.
    ///
    /// `prefix` is a host with an optional path, or `*.domain` for every host below a domain.
    pub fn is_within(&self, prefix: &str) -> bool {
        let (host, path) = prefix.split_once('/').unwrap_or((prefix, ""));
        let host = canonical_host(host);
        let same_host = match host.strip_prefix("*.") {
            Some(domain) => {
                self.registry.strip_suffix(domain).is_some_and(|front| front.len() > 1 && front.ends_with('.'))
            }
            None => *self.registry == *host,
        };
        let path = path.trim_end_matches('/');
        let below = self.repository.strip_prefix(path);
        same_host && (path.is_empty() || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.len() > REFERENCE_BYTES_MAX {
            return Err(ReferenceError::Long(text.len()));
        }
        if text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(ReferenceError::Identifier(text.into()));
        }
        let (named, digest) = match text.split_once('@') {
            Some((named, digest)) => (named, Some(digest.parse::<Digest>().map_err(ReferenceError::Digest)?)),
            None => (text, None),
        };
        // The colon of a port stands before the last slash, that of a tag after it.
        let last_slash = named.rfind('/').map_or(0, |at| at + 1);
        let (front, last) = named.split_at(last_slash);
        let (last, tag) = match last.split_once(':') {
            Some((last, tag)) => (last, Some(tag)),
            None => (last, None),
        };
        if last.is_empty() && front.is_empty() {
            return Err(ReferenceError::Empty);
        }
        if let Some(tag) = tag.filter(|tag| !is_tag(tag)) {
            return Err(ReferenceError::Tag(tag.into()));
        }
        let name = [front, last].concat();
        let (registry, repository) = split_registry(&name)?;
        if repository.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(ReferenceError::UpperCase(repository.into()));
        }
        check_repository(&repository)?;
        Ok(Reference { registry, repository: repository.into(), tag: tag.map(Into::into), digest })
    }
}

impl fmt::Display for Reference {
    /// The whole name, with `:latest` where neither tag nor digest was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        match (&self.tag, &self.digest) {
            (Some(tag), Some(digest)) => write!(f, ":{tag}@{digest}"),
            (Some(tag), None) => write!(f, ":{tag}"),
            (None, Some(digest)) => write!(f, "@{digest}"),
            (None, None) => write!(f, ":{DEFAULT_TAG}"),
        }
    }
}

/// The first component is a registry when it cannot be anything else: it has a dot, a colon or upper case, or reads
/// `localhost`.
fn split_registry(name: &str) -> Result<(Box<str>, String), ReferenceError> {
    let (registry, repository) = match name.split_once('/') {
        Some((first, rest))
            if first == "localhost"
                || first.contains(['.', ':', '['])
                || first.bytes().any(|byte| byte.is_ascii_uppercase()) =>
        {
            (registry_host(first)?, rest)
        }
        _ => (DEFAULT_REGISTRY.into(), name),
    };
    if *registry == *DEFAULT_REGISTRY && !repository.contains('/') {
        return Ok((registry, format!("{OFFICIAL_FOLDER}/{repository}")));
    }
    Ok((registry, repository.to_owned()))
}

fn registry_host(text: &str) -> Result<Box<str>, ReferenceError> {
    let refused = || ReferenceError::Registry(text.into());
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, after) = rest.split_once(']').ok_or_else(refused)?;
            // The grammar has hexadecimal digits and colons only: no zones, no embedded IPv4.
            let plain = address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':');
            if !plain || address.parse::<std::net::Ipv6Addr>().is_err() {
                return Err(refused());
            }
            let port = if after.is_empty() { None } else { Some(after.strip_prefix(':').ok_or_else(refused)?) };
            (None, port)
        }
        None => match text.split_once(':') {
            Some((host, port)) => (Some(host), Some(port)),
            None => (Some(text), None),
        },
    };
    if host.is_some_and(|host| !host.split('.').all(is_host_label)) {
        return Err(refused());
    }
    // Digits alone are the grammar; a port that no socket has cannot be connected to either.
    if port.is_some_and(|port| !port.bytes().all(|byte| byte.is_ascii_digit()) || port.parse::<u16>().is_err()) {
        return Err(refused());
    }
    Ok(canonical_host(text))
}

fn canonical_host(host: &str) -> Box<str> {
    let lower = host.to_ascii_lowercase();
    // A host that is told from a folder by its upper case alone keeps it: in lower case it would be another image.
    if !lower.contains(['.', ':', '[']) && lower != "localhost" {
        return host.into();
    }
    if lower == LEGACY_REGISTRY { DEFAULT_REGISTRY.into() } else { lower.into() }
}

fn is_host_label(label: &str) -> bool {
    let plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    plain && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
}

fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut bytes = tag.bytes();
    tag.len() <= TAG_BYTES_MAX
        && bytes.next().is_some_and(word)
        && bytes.all(|byte| word(byte) || b".-".contains(&byte))
}

fn check_repository(path: &str) -> Result<(), ReferenceError> {
    if path.len() > REPOSITORY_BYTES_MAX {
        return Err(ReferenceError::RepositoryLong(path.len()));
    }
    if path.is_empty() || !path.split('/').all(is_path_component) {
        return Err(ReferenceError::Repository(path.into()));
    }
    Ok(())
}

/// `[a-z0-9]+` joined by one `.`, one or two `_`, or any number of dashes.
fn is_path_component(component: &str) -> bool {
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = component.as_bytes();
    if !bytes.first().is_some_and(alphanumeric) || !bytes.last().is_some_and(alphanumeric) {
        return false;
    }
    bytes
        .split(alphanumeric)
        .all(|separator| matches!(separator, b"" | b"." | b"_" | b"__") || separator.iter().all(|byte| *byte == b'-'))
}

const DEFAULT_REGISTRY: &str = "docker.io";
const LEGACY_REGISTRY: &str = "index.docker.io";
const OFFICIAL_FOLDER: &str = "library";
const DEFAULT_TAG: &str = "latest";
/// `RepositoryNameTotalLengthMax` of the distribution project.
const REPOSITORY_BYTES_MAX: usize = 255;
/// From the grammar of tags.
const TAG_BYTES_MAX: usize = 128;
/// Host of DNS (253) with port, path (255), tag (128) and a SHA-512 digest (135), rounded up.
const REFERENCE_BYTES_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[track_caller]
    fn accepts(text: &str, normal: &str) {
        let reference: Reference = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(reference.to_string(), normal, "{text}");
        assert_eq!(normal.parse::<Reference>().map(|again| again.to_string()), Ok(normal.to_owned()), "{text}");
    }

    #[test]
    fn names_are_completed_as_docker_completes_them() {
        accepts("nginx", "docker.io/library/nginx:latest");
        accepts("nginx:1.27", "docker.io/library/nginx:1.27");
        accepts("team/app", "docker.io/team/app:latest");
        accepts("docker.io/nginx", "docker.io/library/nginx:latest");
        accepts("index.docker.io/nginx", "docker.io/library/nginx:latest");
        accepts("INDEX.docker.io/team/app", "docker.io/team/app:latest");
        accepts("localhost/app", "localhost/app:latest");
        accepts("localhost:5000/app:v1", "localhost:5000/app:v1");
        accepts("Registry/app", "Registry/app:latest");
        accepts("Registry.Example/app", "registry.example/app:latest");
        accepts("registry.example/app", "registry.example/app:latest");
        accepts("registry.example:5000/a/b/c:x", "registry.example:5000/a/b/c:x");
        accepts("[2001:db8::1]:5000/app", "[2001:db8::1]:5000/app:latest");
        accepts("[::1]/app", "[::1]/app:latest");
        accepts("a__b/c---d/e.f", "docker.io/a__b/c---d/e.f:latest");
        accepts(&format!("app@sha256:{HEX}"), &format!("docker.io/library/app@sha256:{HEX}"));
        accepts(&format!("h.example/app:1@sha256:{HEX}"), &format!("h.example/app:1@sha256:{HEX}"));
        accepts(&format!("{HEX}:tag"), &format!("docker.io/library/{HEX}:tag"));
    }

    #[test]
    fn what_is_outside_the_grammar_is_refused() {
        let long = format!("registry.example/{}", "a/".repeat(128) + "b");
        for bad in [
            "",
            ":tag",
            "@sha256:00",
            "/app",
            "app/",
            "a//b",
            "App",
            "team/App",
            "registry.example/App",
            "-a/b.c",
            "a_-b",
            "a___b",
            "a..b",
            "a.",
            ".a",
            "app:",
            "app:.x",
            "app: x",
            "app:é",
            "h:70000/app",
            "h:x/app",
            "h:/app",
            "-h.example/app",
            "h..example/app",
            "[::1/app",
            "[::1%eth0]/app",
            "[::1]x/app",
            "app@",
            "app@sha256:xyz",
            "app@md5:d41d8cd98f00b204e9800998ecf8427e",
            "a b",
            "a\nb",
            "a?b",
            "registry.example/../x",
            HEX,
            &long,
            "https://registry.example/app",
            "user@registry.example/app",
        ] {
            assert!(bad.parse::<Reference>().is_err(), "{bad}");
        }
        assert_eq!("team/App:1".parse::<Reference>(), Err(ReferenceError::UpperCase("team/App".into())));
    }

    #[test]
    fn prefixes_hold_whole_components_only() {
        #[track_caller]
        fn check(name: &str, prefix: &str, expect: bool) {
            assert_eq!(name.parse::<Reference>().expect(name).is_within(prefix), expect, "{name} in {prefix}");
        }
        check("nginx", "docker.io/library", true);
        check("nginx", "index.docker.io", true);
        check("registry.example/team/app", "registry.example/team", true);
        check("registry.example/team", "registry.example/team/", true);
        check("registry.example/teammate/app", "registry.example/team", false);
        check("registry.example.evil.example/app", "registry.example", false);
        check("registry.example:5000/app", "registry.example", false);
        check("a.registry.example/app", "*.registry.example", true);
        check("registry.example/app", "*.registry.example", false);
        check("evilregistry.example/app", "*.registry.example", false);
    }

    #[test]
    fn a_name_moves_to_a_mirror_with_its_digest() {
        let name: Reference = "nginx:1".parse().expect("a name");
        let moved = name.moved("mirror.example:5000/hub", "library/nginx").expect("a name");
        assert_eq!(moved.to_string(), "mirror.example:5000/hub/library/nginx:1");
        assert!(name.moved("mirror.example/Hub", "x").is_err());
        assert!(name.moved("user:secret@mirror.example", "x").is_err());
    }
}
