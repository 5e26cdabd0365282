//! Names of container images, taken apart the way container runtimes do it.
//!
//! The grammar is the one of the distribution project's `reference` package: an optional registry, a
//! path of lower-case components, an optional tag and an optional digest.

/// Longest name before tag and digest that registries accept.
const NAME_BYTES_MAX: usize = 255;

/// Longest tag.
const TAG_BYTES_MAX: usize = 128;

/// The registry of a name that gives none.
const DEFAULT_REGISTRY: &str = "docker.io";

/// A well-formed image reference. Comparisons ignore the case of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageReference<'t> {
    /// Registry host with its port; `docker.io` when the name gives none or an alias of it.
    pub registry: &'t str,
    /// Whether the name itself gives the registry.
    pub explicit_registry: bool,
    /// Path as written; see [`ImageReference::components`] for the normalised one.
    path: &'t str,
    /// Tag, where there is one.
    pub tag: Option<&'t str>,
    /// Digest with its algorithm, where there is one.
    pub digest: Option<&'t str>,
}

/// Why a text is no image reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// Nothing there.
    #[error("the reference is empty")]
    Empty,
    /// White space or a control character in it.
    #[error("the reference holds white space or control characters")]
    Blank,
    /// The registry is no host with an optional port.
    #[error("the registry is no host name with an optional port")]
    Registry,
    /// A component of the path is empty or has characters that registries refuse.
    #[error("the path is not made of lower-case components")]
    Path,
    /// The name is longer than registries accept.
    #[error("the name is longer than 255 characters")]
    TooLong,
    /// The tag is empty, too long or has other characters than letters, digits, `_`, `.` and `-`.
    #[error("the tag is not well-formed")]
    Tag,
    /// The digest is not `sha256:` and 64 hexadecimal digits, nor of another known algorithm.
    #[error("the digest is not well-formed")]
    Digest,
}

impl<'t> ImageReference<'t> {
    /// Takes a reference apart.
    pub fn parse(text: &'t str) -> Result<Self, ReferenceError> {
        if text.is_empty() {
            return Err(ReferenceError::Empty);
        }
        if text.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err(ReferenceError::Blank);
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) if is_digest(digest) => (rest, Some(digest)),
            Some(_) => return Err(ReferenceError::Digest),
            None => (text, None),
        };
        // A colon after the last slash starts the tag; before it, it starts the port.
        let name_start = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match rest.get(name_start..).and_then(|last| last.find(':')) {
            Some(colon) => {
                let tag = rest.get(name_start + colon + 1..).unwrap_or("");
                if !is_tag(tag) {
                    return Err(ReferenceError::Tag);
                }
                (rest.get(..name_start + colon).unwrap_or(""), Some(tag))
            }
            None => (rest, None),
        };
        if name.len() > NAME_BYTES_MAX {
            return Err(ReferenceError::TooLong);
        }
        let (registry, path) = match name.split_once('/') {
            Some((first, path)) if is_registry_like(first) => (Some(first), path),
            _ => (None, name),
        };
        if registry.is_some_and(|host| !is_registry(host)) {
            return Err(ReferenceError::Registry);
        }
        if path.is_empty() || !path.split('/').all(is_component) {
            return Err(ReferenceError::Path);
        }
        let normal = registry.map_or(DEFAULT_REGISTRY, normal_registry);
        Ok(ImageReference { registry: normal, explicit_registry: registry.is_some(), path, tag, digest })
    }

    /// Components of the path, with the `library` that Docker Hub puts before bare names.
    pub fn components(&self) -> impl Iterator<Item = &'t str> + use<'t> {
        let bare = self.registry == DEFAULT_REGISTRY && !self.path.contains('/');
        bare.then_some("library").into_iter().chain(self.path.split('/'))
    }

    /// Whether the image lies in a registry, or below a path of it such as `docker.io/mycompany`.
    /// Compared component by component, so that neither a longer host nor a longer name slips in.
    pub fn is_in(&self, place: &str) -> bool {
        let place = place.trim_end_matches('/');
        let (host, path) = place.split_once('/').unwrap_or((place, ""));
        if !normal_registry(host).eq_ignore_ascii_case(self.registry) {
            return false;
        }
        let mut mine = self.components();
        path.split('/').filter(|component| !component.is_empty()).all(|component| mine.next() == Some(component))
    }
}

/// Aliases of Docker Hub under its usual name.
fn normal_registry(host: &str) -> &str {
    let hub = ["docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"];
    if hub.iter().any(|alias| alias.eq_ignore_ascii_case(host)) { DEFAULT_REGISTRY } else { host }
}

/// Whether the first component of a name is a registry and no path: it has a dot, a port or an upper-case
/// letter, or is `localhost`.
fn is_registry_like(first: &str) -> bool {
    first == "localhost" || first.bytes().any(|byte| matches!(byte, b'.' | b':' | b'[') || byte.is_ascii_uppercase())
}

fn is_registry(host: &str) -> bool {
    if let Some(bracketed) = host.strip_prefix('[') {
        let Some((address, after)) = bracketed.split_once(']') else { return false };
        let address_ok = address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':');
        return !address.is_empty() && address_ok && (after.is_empty() || after.strip_prefix(':').is_some_and(is_port));
    }
    let (name, port) = match host.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (host, None),
    };
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    name.split('.').all(label) && port.is_none_or(is_port)
}

fn is_port(port: &str) -> bool {
    !port.is_empty() && port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Lower-case letters and digits, with `.`, `_`, `__` or dashes between them.
fn is_component(component: &str) -> bool {
    let mut after_alphanumeric = false;
    let mut separator: &[u8] = b"";
    let bytes = component.as_bytes();
    let mut start = 0;
    for (index, byte) in bytes.iter().enumerate() {
        if byte.is_ascii_lowercase() || byte.is_ascii_digit() {
            let known = matches!(separator, b"" | b"." | b"_" | b"__") || separator.iter().all(|byte| *byte == b'-');
            if !known || !separator.is_empty() && !after_alphanumeric {
                return false;
            }
            after_alphanumeric = true;
            start = index + 1;
            separator = b"";
        } else if matches!(byte, b'.' | b'_' | b'-') {
            separator = bytes.get(start..=index).unwrap_or(b"");
        } else {
            return false;
        }
    }
    after_alphanumeric && separator.is_empty()
}

fn is_tag(tag: &str) -> bool {
    tag.len() <= TAG_BYTES_MAX
        && tag.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

fn is_digest(digest: &str) -> bool {
    let length = match digest.split_once(':') {
        Some(("sha256", hex)) => (hex, 64),
        Some(("sha384", hex)) => (hex, 96),
        Some(("sha512", hex)) => (hex, 128),
        _ => return false,
    };
    let lower_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    length.0.len() == length.1 && length.0.bytes().all(lower_hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn parts(text: &str) -> (String, String, Option<&str>, Option<&str>) {
        let image = ImageReference::parse(text).unwrap();
        (image.registry.to_owned(), image.components().collect::<Vec<_>>().join("/"), image.tag, image.digest)
    }

    #[test]
    fn names_are_taken_apart_as_runtimes_do() {
        let cases = [
            ("nginx", "docker.io", "library/nginx", None),
            ("nginx:1.27", "docker.io", "library/nginx", Some("1.27")),
            ("docker.io/nginx", "docker.io", "library/nginx", None),
            ("index.docker.io/library/nginx", "docker.io", "library/nginx", None),
            ("bitnami/redis:7", "docker.io", "bitnami/redis", Some("7")),
            ("localhost/app", "localhost", "app", None),
            ("localhost:5000/app:v1", "localhost:5000", "app", Some("v1")),
            ("quay.io/a/b/c_d__e--f.g:v1", "quay.io", "a/b/c_d__e--f.g", Some("v1")),
            ("REG.example.com/app", "REG.example.com", "app", None),
            ("[2001:db8::1]:5000/app:v1", "[2001:db8::1]:5000", "app", Some("v1")),
            ("host:5000/app", "host:5000", "app", None),
        ];
        for (text, registry, path, tag) in cases {
            assert_eq!(parts(text), (registry.to_owned(), path.to_owned(), tag, None), "{text}");
        }
        let pinned = format!("ghcr.io/a/b:v1@{SHA}");
        assert_eq!(parts(&pinned), ("ghcr.io".to_owned(), "a/b".to_owned(), Some("v1"), Some(SHA)));
    }

    #[test]
    fn hostile_names_are_refused_with_the_step_that_failed() {
        use ReferenceError::*;
        let cases = [
            ("", Empty),
            ("ng inx", Blank),
            ("nginx\n", Blank),
            ("Nginx", Path),
            ("a//b", Path),
            ("a/", Path),
            ("/a", Path),
            ("a/../b", Path),
            ("a/-b", Path),
            ("a/b-", Path),
            ("a/b...c", Path),
            ("nginx:", Tag),
            ("nginx:-x", Tag),
            ("nginx:a:b", Tag),
            ("nginx@sha256:abc", Digest),
            ("nginx@", Digest),
            ("nginx@md5:0123", Digest),
            ("exa_mple.com/x", Registry),
            ("host:port/x", Registry),
            ("[::1/x", Registry),
            ("a:1:2/x", Registry),
        ];
        for (text, error) in cases {
            assert_eq!(ImageReference::parse(text), Err(error), "{text}");
        }
        assert_eq!(ImageReference::parse(&"a".repeat(256)), Err(TooLong));
        assert!(ImageReference::parse(&format!("a@{SHA}@{SHA}")).is_err());
        assert!(ImageReference::parse("ünïcode").is_err());
    }

    #[test]
    fn places_are_compared_component_by_component() {
        let is_in = |image: &str, place: &str| ImageReference::parse(image).unwrap().is_in(place);
        assert!(is_in("myreg.io/app", "myreg.io"));
        assert!(is_in("MYREG.io/app", "myreg.io"));
        assert!(is_in("myreg.io/team/app", "myreg.io/team/"));
        assert!(is_in("mycompany/app", "docker.io/mycompany"));
        assert!(is_in("nginx", "index.docker.io/library"));
        assert!(!is_in("myreg.io.evil.com/app", "myreg.io"));
        assert!(!is_in("myreg.io:5000/app", "myreg.io"));
        assert!(!is_in("mycompanyevil/app", "docker.io/mycompany"));
        assert!(!is_in("myreg.io/teamevil/app", "myreg.io/team"));
        assert!(!is_in("evil.com/myreg.io/app", "myreg.io"));
        assert!(!is_in("myreg.io", "myreg.io"));
    }
}
