//! Paths inside of images, in the one form in which they are compared.

/// A name of an archive without `.`, empty components and a leading slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// A path below the root; empty is the root itself.
    Path(String),
    /// It leaves the root, or cannot be the name of a file.
    Hostile(&'static str),
}

/// Reads the name of an entry. Bytes that are no UTF-8 become U+FFFD.
pub fn normalise(name: &[u8]) -> Name {
    if name.len() > crate::limits::PATH_BYTES_MAX {
        return Name::Hostile("is longer than a path can be");
    }
    if memchr::memchr(0, name).is_some() {
        return Name::Hostile("has a NUL in it");
    }
    let text = String::from_utf8_lossy(name);
    // Nearly all names are in this form already.
    let plain = !text.starts_with(['/', '.']) && !text.ends_with('/') && !text.contains("//") && !text.contains("/.");
    if plain {
        return Name::Path(text.into_owned());
    }
    let mut path = String::with_capacity(text.len());
    for component in text.split('/') {
        match component {
            "" | "." => {}
            ".." => return Name::Hostile("leaves the image's root"),
            component => {
                if !path.is_empty() {
                    path.push('/');
                }
                path.push_str(component);
            }
        }
    }
    Name::Path(path)
}

/// The path that a name means which stands in the file of another path: `../a.txt` in `b/c/d.txt` is `b/a.txt`.
pub fn beside(path: &str, name: &str) -> Name {
    if name.starts_with('/') {
        return Name::Hostile("is absolute");
    }
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.pop().is_none() => return Name::Hostile("leaves the root"),
            ".." => {}
            part => parts.push(part),
        }
    }
    normalise(parts.join("/").as_bytes())
}

/// A digest of a path that nobody can forge: layers have too many paths to keep them all as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathHash([u8; 16]);

impl PathHash {
    /// The digest of a path.
    pub fn of(path: &str) -> Self {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, path.as_bytes());
        let mut first = [0; 16];
        first.iter_mut().zip(hash.as_ref()).for_each(|(to, from)| *to = *from);
        PathHash(first)
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Bytes that were kept.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        PathHash(bytes)
    }
}

/// The path and all folders above it, the path first, the root not.
pub fn ancestry(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path).filter(|path| !path.is_empty()), |path| {
        path.rsplit_once('/').map(|(folder, _)| folder)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_into_one_form_or_are_hostile() {
        for (name, expect) in [
            ("a/b", "a/b"),
            ("./a//b/", "a/b"),
            ("/etc/./x", "etc/x"),
            ("./", ""),
            ("a/.b", "a/.b"),
            ("..a/b", "..a/b"),
        ] {
            assert_eq!(normalise(name.as_bytes()), Name::Path(expect.to_owned()), "{name}");
        }
        for name in ["../a", "a/../../b", "a/..", "..", "a\0b"] {
            assert!(matches!(normalise(name.as_bytes()), Name::Hostile(_)), "{name}");
        }
        assert_eq!(normalise(b"a\xff"), Name::Path("a\u{fffd}".to_owned()));
        assert!(matches!(normalise(&[b'a'; 5000]), Name::Hostile(_)));
    }

    #[test]
    fn ancestry_goes_up_to_the_first_folder() {
        assert_eq!(ancestry("a/b/c").collect::<Vec<_>>(), ["a/b/c", "a/b", "a"]);
        assert_eq!(ancestry("").count(), 0);
    }
}
