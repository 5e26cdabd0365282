//! Facts as bytes: numbers as LEB128, texts and lists with their length in front.

use image::facts::{Fact, Fault, FileFacts, LayerFacts, Marker, Secret};
use model::package::{Doubt, Kind, Need, Package, Place, Source};
use model::{Digest, Distro};

type Out = Vec<u8>;

/// Appends the facts of a layer.
pub(super) fn facts(facts: &LayerFacts, out: &mut Out) {
    text(facts.digest.as_str(), out);
    digest(&facts.diff_id, out);
    for value in [facts.size, facts.unpacked, facts.entries, facts.files_seen] {
        number(value, out);
    }
    list(&facts.files, out, file);
    for hashes in [&facts.hides, &facts.folders, &facts.implied] {
        number(hashes.len() as u64, out);
        hashes.iter().for_each(|hash| out.extend_from_slice(hash.bytes()));
    }
    for paths in [&facts.whiteouts, &facts.opaque] {
        texts(paths, out);
    }
    list(&facts.damage, out, fault);
    list(&facts.links, out, |(path, target), out| {
        text(path, out);
        text(target, out);
    });
}

fn digest(digest: &Digest, out: &mut Out) {
    text(digest.as_str(), out);
}

fn file(file: &FileFacts, out: &mut Out) {
    text(&file.path, out);
    list(&file.damage, out, fault);
    let kept: Vec<&Fact> = file.facts.iter().filter(|fact| !matches!(fact, Fact::Project(_))).collect();
    list(&kept, out, |one, out| fact(one, out));
}

fn fault(fault: &Fault, out: &mut Out) {
    text(&fault.message, out);
    out.push(match fault.doubt {
        Doubt::Packages => 0,
        Doubt::Detail => 1,
    });
}

fn fact(fact: &Fact, out: &mut Out) {
    match fact {
        Fact::Package(one) => {
            out.push(0);
            package(one, out);
        }
        Fact::Distro(one) => {
            out.push(1);
            distro(one, out);
        }
        Fact::Licenses { kind, package, licenses } => {
            out.push(2);
            kind_of(*kind, out);
            text(package, out);
            texts(licenses, out);
        }
        Fact::Owns { kind, package, paths } => {
            out.push(3);
            kind_of(*kind, out);
            text(package, out);
            texts(paths, out);
        }
        Fact::Secret(one) => {
            out.push(4);
            secret(one, out);
        }
        Fact::Marker(marker) => {
            out.push(5);
            out.push(marker_number(*marker));
        }
        Fact::RootNames(names) => {
            out.push(7);
            texts(names, out);
        }
        Fact::Sbom(bytes) => {
            out.push(6);
            number(bytes.len() as u64, out);
            out.extend_from_slice(bytes);
        }
        // Only source trees have such, and `file` leaves them out.
        Fact::Project(_) => {}
    }
}

fn package(package: &Package, out: &mut Out) {
    kind_of(package.kind, out);
    for field in [&package.name, &package.version, &package.arch, &package.supplier] {
        text(field, out);
    }
    match &package.source {
        None => out.push(0),
        Some(Source { name, version }) => {
            out.push(1);
            text(name, out);
            text(version, out);
        }
    }
    texts(&package.licenses, out);
    texts(&package.depends_on, out);
    out.push(match package.need {
        Need::Unstated => 0,
        Need::Direct => 1,
        Need::Indirect => 2,
        Need::Development => 3,
    });
    list(&package.places, out, place);
    list(&package.properties, out, |(name, value), out| {
        text(name, out);
        text(value, out);
    });
}

fn place(place: &Place, out: &mut Out) {
    text(&place.path, out);
    number(place.layer.map_or(0, |layer| u64::from(layer) + 1), out);
    number(u64::from(place.line), out);
}

fn distro(distro: &Distro, out: &mut Out) {
    texts(&distro.id_like, out);
    for field in
        [&distro.id, &distro.version, &distro.codename, &distro.pretty_name, &distro.cpe, &distro.variant, &distro.path]
    {
        text(field, out);
    }
}

fn secret(secret: &Secret, out: &mut Out) {
    text(&secret.format, out);
    number(u64::from(secret.line), out);
    number(u64::from(secret.column), out);
    text(&secret.excerpt, out);
}

/// Package managers by their place in the list, which only grows within a version of the cache.
fn kind_of(kind: Kind, out: &mut Out) {
    let index = Kind::ALL.iter().position(|known| *known == kind).unwrap_or(0);
    number(index as u64, out);
}

fn marker_number(marker: Marker) -> u8 {
    super::decode::MARKERS.iter().position(|known| *known == marker).unwrap_or(0) as u8
}

fn texts(texts: &[Box<str>], out: &mut Out) {
    list(texts, out, |one, out| text(one, out));
}

fn list<T>(items: &[T], out: &mut Out, each: impl Fn(&T, &mut Out)) {
    number(items.len() as u64, out);
    items.iter().for_each(|item| each(item, out));
}

fn text(text: &str, out: &mut Out) {
    number(text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

fn number(mut value: u64, out: &mut Out) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
