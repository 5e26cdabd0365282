//! The text of package URLs: reading, checking, writing.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::types::{self, Type};
use super::{BYTES_MAX, Parts, Purl, PurlError, Rigour};

/// The parts as they stand in a text, decoded.
#[derive(Default)]
struct Decoded<'a> {
    namespace: Vec<Cow<'a, str>>,
    name: Cow<'a, str>,
    version: Cow<'a, str>,
    qualifiers: BTreeMap<Box<str>, Box<str>>,
    subpath: Vec<Cow<'a, str>>,
}

/// From right to left, as the standard's guide tells.
pub(super) fn parse(text: &str, rigour: Rigour) -> Result<Purl, PurlError> {
    if text.len() > BYTES_MAX {
        return Err(PurlError::Long(text.len()));
    }
    let (rest, subpath) = text.rsplit_once('#').unwrap_or((text, ""));
    // A question mark that nobody encoded belongs to the value of a qualifier, as in every URL.
    let (rest, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
    let (scheme, rest) = rest.split_once(':').ok_or_else(|| PurlError::Scheme(text.into()))?;
    if !scheme.eq_ignore_ascii_case("pkg") {
        return Err(PurlError::Scheme(text.into()));
    }
    let rest = rest.trim_start_matches('/');
    let (kind, rest) = rest.split_once('/').unwrap_or((rest, ""));
    let kind = type_name(kind)?;
    let (path, version) = split_version(rest);
    if rigour == Rigour::Strict && !version.is_empty() && path.ends_with('/') {
        return Err(PurlError::Name);
    }
    let path = path.trim_matches('/');
    let (namespace, name) = path.rsplit_once('/').unwrap_or(("", path));
    let decoded = Decoded {
        namespace: segments(namespace, rigour)?,
        name: decode(name, rigour)?,
        version: decode(version, rigour)?,
        qualifiers: read_qualifiers(qualifiers, rigour)?,
        subpath: segments(subpath, rigour)?,
    };
    finish(kind, decoded, rigour)
}

pub(super) fn build(parts: Parts<'_>, rigour: Rigour) -> Result<Purl, PurlError> {
    let mut qualifiers = BTreeMap::new();
    for (key, value) in parts.qualifiers {
        add(&mut qualifiers, key, (*value).into(), rigour)?;
    }
    let split =
        |text: &str| text.split('/').filter(|part| !part.is_empty()).map(|part| Cow::Owned(part.into())).collect();
    let decoded = Decoded {
        namespace: split(parts.namespace),
        name: parts.name.trim_matches('/').into(),
        version: parts.version.into(),
        qualifiers,
        subpath: split(parts.subpath),
    };
    finish(type_name(parts.kind)?, decoded, rigour)
}

fn type_name(text: &str) -> Result<Box<str>, PurlError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    if !text.starts_with(|c: char| c.is_ascii_alphabetic()) || !text.chars().all(plain) {
        return Err(PurlError::Type(text.into()));
    }
    Ok(text.to_ascii_lowercase().into())
}

/// An at sign that begins a segment, with further segments after it, is the scope of npm and no separator.
fn split_version(path: &str) -> (&str, &str) {
    let Some(at) = path.rfind('@') else { return (path, "") };
    let (before, after) = (path.get(..at).unwrap_or(""), path.get(at + 1..).unwrap_or(""));
    let begins = before.is_empty() || before.ends_with('/');
    if begins && after.contains('/') { (path, "") } else { (before, after) }
}

fn segments(text: &str, rigour: Rigour) -> Result<Vec<Cow<'_, str>>, PurlError> {
    let mut all = Vec::new();
    for segment in text.split('/').filter(|segment| !segment.is_empty()) {
        let segment = decode(segment, rigour)?;
        match rigour {
            _ if !segment.contains('/') => all.push(segment),
            Rigour::Strict => return Err(PurlError::Segment(segment.as_ref().into())),
            Rigour::Lenient => {
                all.extend(segment.split('/').filter(|part| !part.is_empty()).map(|part| Cow::Owned(part.to_owned())))
            }
        }
    }
    Ok(all)
}

fn read_qualifiers(text: &str, rigour: Rigour) -> Result<BTreeMap<Box<str>, Box<str>>, PurlError> {
    let mut all = BTreeMap::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some((key, value)) => add(&mut all, key, decode(value, rigour)?, rigour)?,
            None if rigour == Rigour::Strict => return Err(PurlError::Key(pair.into())),
            None => {}
        }
    }
    Ok(all)
}

fn add(
    all: &mut BTreeMap<Box<str>, Box<str>>,
    key: &str,
    value: Cow<'_, str>,
    rigour: Rigour,
) -> Result<(), PurlError> {
    // Keys are lower case. The tests of the types refuse `Platform` and `Arch` but put `repositorY_url` right: only the
    // first letter tells what was meant to be another key.
    let lower = key.to_ascii_lowercase();
    if rigour == Rigour::Strict && key.starts_with(|c: char| c.is_ascii_uppercase()) {
        return Err(PurlError::Key(key.into()));
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
    if !lower.starts_with(|c: char| c.is_ascii_lowercase()) || !lower.chars().all(plain) {
        return Err(PurlError::Key(key.into()));
    }
    if all.contains_key(lower.as_str()) {
        return if rigour == Rigour::Strict { Err(PurlError::Twice(key.into())) } else { Ok(()) };
    }
    if !value.is_empty() {
        all.insert(lower.into(), value.into());
    }
    Ok(())
}

/// Applies the rules of the type.
fn finish(kind: Box<str>, parts: Decoded<'_>, rigour: Rigour) -> Result<Purl, PurlError> {
    let rules = types::of(&kind);
    let host = parts.qualifiers.get("repository_url").map_or("", |url| &**url);
    let (namespace, name) = if rules.name_is_path {
        path_name(parts.namespace, &parts.name)
    } else {
        (parts.namespace.join("/"), parts.name.into_owned())
    };
    let namespace = rules.namespace.apply(&namespace);
    let name = rules.name_of(&name, host);
    let version = rules.version.apply(&parts.version);
    let subpath: Vec<_> =
        parts.subpath.iter().filter(|part| !matches!(&***part, "." | "..")).map(|part| &**part).collect();
    let subpath = rules.subpath.apply(&subpath.join("/"));
    if name.is_empty() {
        return Err(PurlError::Name);
    }
    let purl = Purl {
        kind,
        namespace: namespace.into(),
        name: name.into(),
        version: version.into(),
        qualifiers: parts.qualifiers,
        subpath: subpath.into(),
    };
    if rigour == Rigour::Strict {
        check(&purl, rules)?;
    }
    Ok(purl)
}

/// Only the first segment is the namespace, all others are the name.
fn path_name(segments: Vec<Cow<'_, str>>, name: &str) -> (String, String) {
    let mut segments = segments.into_iter();
    let namespace = segments.next().unwrap_or_default().into_owned();
    let mut path: Vec<Cow<'_, str>> = segments.collect();
    path.push(name.into());
    (namespace, path.join("/"))
}

fn check(purl: &Purl, rules: &Type) -> Result<(), PurlError> {
    let kind = || purl.kind.clone();
    match rules.namespaced {
        types::Need::Required if purl.namespace.is_empty() => {
            return Err(PurlError::Missing { kind: kind(), part: "namespace" });
        }
        types::Need::Prohibited if !purl.namespace.is_empty() => return Err(PurlError::Namespace(kind())),
        _ => {}
    }
    if purl.namespace.split('/').count() > rules.segments_max {
        return Err(PurlError::Characters { kind: kind(), part: "namespace", value: purl.namespace.clone() });
    }
    for key in rules.qualifiers {
        if purl.qualifier(key).is_none() {
            return Err(PurlError::Missing { kind: kind(), part: key });
        }
    }
    if !(rules.name_permits)(&purl.name) {
        return Err(PurlError::Characters { kind: kind(), part: "name", value: purl.name.clone() });
    }
    if !purl.version.is_empty() && !(rules.version_permits)(&purl.version) {
        return Err(PurlError::Characters { kind: kind(), part: "version", value: purl.version.clone() });
    }
    Ok(())
}

fn decode(text: &str, rigour: Rigour) -> Result<Cow<'_, str>, PurlError> {
    if !text.contains('%') {
        return Ok(text.into());
    }
    match percent_decode(text) {
        Some(decoded) => Ok(decoded.into()),
        None if rigour == Rigour::Strict => Err(PurlError::Encoding(text.into())),
        None => Ok(text.into()),
    }
}

fn percent_decode(text: &str) -> Option<String> {
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let value = digit(rest.next())? * 16 + digit(rest.next())?;
            bytes.push(u8::try_from(value).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

impl FromStr for Purl {
    type Err = PurlError;

    fn from_str(text: &str) -> Result<Self, PurlError> {
        Purl::parse(text)
    }
}

impl fmt::Display for Purl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pkg:{}/", self.kind)?;
        if !self.namespace.is_empty() {
            encode_path(f, &self.namespace)?;
            f.write_str("/")?;
        }
        if types::of(&self.kind).name_is_path {
            encode_path(f, &self.name)?
        } else {
            encode(f, &self.name)?
        }
        if !self.version.is_empty() {
            f.write_str("@")?;
            encode(f, &self.version)?;
        }
        for (index, (key, value)) in self.qualifiers.iter().enumerate() {
            f.write_str(if index == 0 { "?" } else { "&" })?;
            write!(f, "{key}=")?;
            encode(f, value)?;
        }
        if !self.subpath.is_empty() {
            f.write_str("#")?;
            encode_path(f, &self.subpath)?;
        }
        Ok(())
    }
}

fn encode_path(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for (index, segment) in text.split('/').enumerate() {
        if index > 0 {
            f.write_str("/")?;
        }
        encode(f, segment)?;
    }
    Ok(())
}

fn encode(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~' | b':');
    if text.bytes().all(plain) {
        return f.write_str(text);
    }
    for byte in text.bytes() {
        if plain(byte) {
            write!(f, "{}", char::from(byte))?;
        } else {
            write!(f, "%{byte:02X}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str, expected: &str) {
        let purl = Purl::parse_lenient(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(purl.to_string(), expected);
        assert_eq!(Purl::parse_lenient(expected), Ok(purl), "{expected}");
    }

    #[test]
    fn the_canonical_form_is_lower_case_sorted_and_encoded() {
        for (text, expected) in [
            ("pkg://PyPI/Zope_Interface@1.0B1", "pkg:pypi/zope-interface@1.0b1"),
            ("pkg:npm/%40scope/name@1", "pkg:npm/%40scope/name@1"),
            ("pkg:npm/@scope/name@1", "pkg:npm/%40scope/name@1"),
            ("pkg:npm/@scope/name", "pkg:npm/%40scope/name"),
            ("pkg:deb/Debian/bash@1:5+b1?Distro=d&arch=arm64&x=", "pkg:deb/debian/bash@1:5%2Bb1?arch=arm64&distro=d"),
            ("pkg:generic/a?download_url=https://h/?q=1", "pkg:generic/a?download_url=https:%2F%2Fh%2F%3Fq%3D1"),
            ("pkg:git/codeberg.org/a/b@c", "pkg:git/codeberg.org/a/b@c"),
            ("pkg:generic//ns//a/#/./b/../%C3%A9/", "pkg:generic/ns/a#b/%C3%A9"),
        ] {
            canonical(text, expected);
        }
    }

    #[test]
    fn what_the_standard_or_the_type_forbids_is_refused() {
        for text in [
            "",
            "pkg:",
            "pkg:npm",
            "pkg:npm/",
            "gem:x/y",
            "pkg:9p/name",
            "pkg:npm/a%zz",
            "pkg:npm/a%ff",
            "pkg:npm/a%",
            "pkg:npm/n%2Fs/a",
            "pkg:npm/a?key",
            "pkg:npm/a?Key=1",
            "pkg:npm/a?k%65y=1",
            "pkg:npm/a?k=1&k=2",
            "pkg:cargo/ns/a",
            "pkg:swift/a",
            "pkg:julia/a",
            "pkg:cpan/A::B",
            &format!("pkg:npm/{}", "a".repeat(BYTES_MAX)),
        ] {
            assert!(Purl::parse(text).is_err(), "{text}");
        }
    }
}
