//! Bytes as facts. Anything that does not fit gives nothing.

use image::facts::{Fact, Fault, FileFacts, LayerFacts, Marker, Secret};
use image::path::PathHash;
use model::package::{Doubt, Kind, Need, Package, Place, Source};
use model::{Digest, Distro};

/// Markers by number.
pub(super) const MARKERS: &[Marker] = &[
    Marker::Setuid,
    Marker::Setgid,
    Marker::Capabilities,
    Marker::WorldWritable,
    Marker::Shell,
    Marker::PackageManager,
    Marker::Tool,
    Marker::Device,
    Marker::KnownBad,
    Marker::Loader,
];

/// The facts of a layer.
pub(super) fn facts(bytes: &[u8]) -> Option<LayerFacts> {
    let input = &mut Bytes(bytes);
    let (digest, diff_id) = (input.digest()?, input.digest()?);
    let (size, unpacked, entries, files_seen) = (input.number()?, input.number()?, input.number()?, input.number()?);
    let files = input
        .list(|input| Some(FileFacts { path: input.text()?, damage: input.list(fault)?, facts: input.list(fact)? }))?;
    let (hides, folders, implied) = (input.list(hash)?, input.list(hash)?, input.list(hash)?);
    let (whiteouts, opaque, damage) = (input.texts()?, input.texts()?, input.list(fault)?);
    let links = input.list(|input| Some((input.text()?, input.text()?)))?;
    input.0.is_empty().then_some(LayerFacts {
        digest,
        diff_id,
        size,
        unpacked,
        entries,
        files_seen,
        files,
        hides,
        folders,
        implied,
        whiteouts,
        opaque,
        links,
        damage,
    })
}

fn hash(input: &mut Bytes<'_>) -> Option<PathHash> {
    Some(PathHash::from_bytes(input.take(16)?.try_into().ok()?))
}

fn fault(input: &mut Bytes<'_>) -> Option<Fault> {
    let message = input.text()?;
    let doubt = match input.byte()? {
        0 => Doubt::Packages,
        1 => Doubt::Detail,
        _ => return None,
    };
    Some(Fault { message, doubt })
}

fn fact(input: &mut Bytes<'_>) -> Option<Fact> {
    Some(match input.byte()? {
        0 => Fact::Package(package(input)?),
        1 => Fact::Distro(distro(input)?),
        2 => Fact::Licenses { kind: input.kind()?, package: input.text()?, licenses: input.texts()? },
        3 => Fact::Owns { kind: input.kind()?, package: input.text()?, paths: input.texts()? },
        4 => Fact::Secret(Secret {
            format: input.text()?,
            line: input.small()?,
            column: input.small()?,
            excerpt: input.text()?,
        }),
        5 => Fact::Marker(*MARKERS.get(usize::from(input.byte()?))?),
        6 => {
            let length = usize::try_from(input.number()?).ok()?;
            Fact::Sbom(input.take(length)?.into())
        }
        7 => Fact::RootNames(input.texts()?),
        _ => return None,
    })
}

fn package(input: &mut Bytes<'_>) -> Option<Package> {
    let kind = input.kind()?;
    let (name, version, arch, supplier) = (input.text()?, input.text()?, input.text()?, input.text()?);
    let source = match input.byte()? {
        0 => None,
        1 => Some(Source { name: input.text()?, version: input.text()? }),
        _ => return None,
    };
    let (licenses, depends_on) = (input.texts()?, input.texts()?);
    let need = match input.byte()? {
        0 => Need::Unstated,
        1 => Need::Direct,
        2 => Need::Indirect,
        3 => Need::Development,
        _ => return None,
    };
    let places = input.list(|input| {
        let path = input.text()?;
        let layer = match input.number()? {
            0 => None,
            layer => Some(u32::try_from(layer - 1).ok()?),
        };
        Some(Place { path, layer, line: input.small()? })
    })?;
    let properties = input.list(|input| Some((input.text()?, input.text()?)))?;
    Some(Package { kind, name, version, arch, source, licenses, supplier, depends_on, need, places, properties })
}

fn distro(input: &mut Bytes<'_>) -> Option<Distro> {
    let id_like = input.texts()?;
    let mut field = || input.text();
    let (id, version, codename) = (field()?, field()?, field()?);
    let (pretty_name, cpe, variant, path) = (field()?, field()?, field()?, field()?);
    Some(Distro { id, id_like, version, codename, pretty_name, cpe, variant, path })
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    fn text(&mut self) -> Option<Box<str>> {
        let length = usize::try_from(self.number()?).ok()?;
        std::str::from_utf8(self.take(length)?).ok().map(Into::into)
    }

    fn texts(&mut self) -> Option<Vec<Box<str>>> {
        self.list(Bytes::text)
    }

    fn digest(&mut self) -> Option<Digest> {
        self.text()?.parse().ok()
    }

    fn kind(&mut self) -> Option<Kind> {
        Kind::ALL.get(usize::try_from(self.number()?).ok()?).copied()
    }

    fn list<T>(&mut self, each: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = usize::try_from(self.number()?).ok()?;
        // Every item takes a byte at least, so a forged count cannot ask for more memory than the entry has.
        let mut items = Vec::with_capacity(count.min(self.0.len()));
        for _ in 0..count {
            items.push(each(self)?);
        }
        Some(items)
    }
}
