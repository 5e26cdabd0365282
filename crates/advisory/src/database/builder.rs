//! Makes a database.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};

use super::format::{HEADER, MAGIC, SECTIONS, Section, VERSION, cve_key, hash, put_number, put_sized, put_time, table};
use super::seal::Sums;
use super::view::EXCLUSIVE;
use super::{Database, DatabaseError};
use crate::record::{Advisory, Affected, End, Epss, Exploited, Score, Severity, Source, Status};

/// Why a database cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// More than a section can hold.
    #[error("the advisories take more than 4 GiB")]
    TooLarge,
    /// A record names a source that has not been added.
    #[error("advisory {id} has no source")]
    NoSource {
        /// The record.
        id: Box<str>,
    },
}

/// (Ecosystem, package) → (record, part).
type Pointers = HashMap<(u32, u32), Vec<(u32, u32)>>;
/// What a table is made of.
type Hashes = Vec<(u64, u32)>;

/// Collects records; [`Builder::finish`] gives the file. Holds each record in the form of the file, so that building takes
/// about as much memory as the file and its strings once more.
#[derive(Debug, Default)]
pub struct Builder {
    strings: Vec<u8>,
    places: HashMap<Box<str>, u32>,
    sources: Vec<Source>,
    bodies: Vec<u8>,
    records: Vec<Kept>,
    by_name: HashMap<(u32, u32), usize>,
    exploited: std::collections::BTreeMap<Box<str>, Exploited>,
    epss: std::collections::BTreeMap<u64, (f32, f32)>,
}

/// One record in `bodies`.
#[derive(Debug)]
struct Kept {
    source: u32,
    start: usize,
    length: usize,
    id_hash: u64,
    modified: Option<i64>,
    names: Vec<u64>,
    /// Ecosystem, package, place in the body.
    parts: Vec<(u32, u32, u32)>,
    replaced: bool,
}

impl Builder {
    /// Nothing yet.
    pub fn new() -> Self {
        let mut builder = Self::default();
        builder.string("");
        builder
    }

    /// Adds a source; records name it by the number that this gives.
    pub fn source(&mut self, source: Source) -> usize {
        self.sources.push(source);
        self.sources.len() - 1
    }

    /// Changes what is said about a source, for instance the date that was found while reading it.
    pub fn source_mut(&mut self, source: usize) -> Option<&mut Source> {
        self.sources.get_mut(source)
    }

    /// Adds a record. Of two with the same name in one source the one that changed later counts, the later one of
    /// equals; records without a date stand side by side.
    pub fn add(&mut self, source: usize, advisory: &Advisory) -> Result<(), BuildError> {
        if source >= self.sources.len() {
            return Err(BuildError::NoSource { id: advisory.id.clone() });
        }
        let id = self.string(&advisory.id);
        let number = u32::try_from(source).map_err(|_| BuildError::TooLarge)?;
        let mut body = Vec::with_capacity(256);
        let parts = self.encode(source, id, advisory, &mut body)?;
        if let Some(place) = self.by_name.get(&(number, id))
            && let Some(before) = self.records.get_mut(*place)
        {
            let same = self.bodies.get(before.start..before.start + before.length) == Some(body.as_slice());
            if same || before.modified > advisory.modified_unix {
                return Ok(());
            }
            // Lists of fixes know no dates, and one file of them per release names the same vulnerability: both stay.
            before.replaced = before.modified.is_some();
        }
        let kept = Kept {
            source: number,
            start: self.bodies.len(),
            length: body.len(),
            id_hash: hash(&[&advisory.id]),
            modified: advisory.modified_unix,
            names: advisory.aliases.iter().chain(&advisory.upstream).map(|name| hash(&[name])).collect(),
            parts,
            replaced: false,
        };
        self.bodies.extend_from_slice(&body);
        self.by_name.insert((number, id), self.records.len());
        self.records.push(kept);
        if self.bodies.len() > LENGTH_MAX || self.strings.len() > LENGTH_MAX {
            Err(BuildError::TooLarge)
        } else {
            Ok(())
        }
    }

    /// Adds an entry about exploitation; the last one of a name counts.
    pub fn exploited(&mut self, entry: Exploited) {
        self.exploited.insert(entry.id.clone(), entry);
    }

    /// Whether a figure of EPSS has the name of a CVE and numbers between 0 and 1.
    pub fn accepts(entry: &Epss) -> bool {
        let unit = 0.0..=1.0;
        cve_key(&entry.id).is_some() && unit.contains(&entry.probability) && unit.contains(&entry.percentile)
    }

    /// Adds a figure of EPSS. `false` says that it is not one that [`Builder::accepts`].
    pub fn epss(&mut self, entry: &Epss) -> bool {
        match cve_key(&entry.id) {
            Some(key) if Self::accepts(entry) => {
                self.epss.insert(key, (entry.probability, entry.percentile));
                true
            }
            _ => false,
        }
    }

    /// Forgets all records of a source, as if none had been added.
    pub fn forget(&mut self, source: usize) {
        let Ok(number) = u32::try_from(source) else { return };
        for record in self.records.iter_mut().filter(|record| record.source == number) {
            record.replaced = true;
        }
        self.by_name.retain(|(owner, _), _| *owner != number);
    }

    /// Whether no entry about exploitation was added.
    pub fn knows_no_exploitation(&self) -> bool {
        self.exploited.is_empty()
    }

    /// Whether no figure of EPSS was added.
    pub fn knows_no_epss(&self) -> bool {
        self.epss.is_empty()
    }

    /// Takes over the records of one source of another database, under `source` of this one. Gives their number.
    pub fn keep(&mut self, from: &Database<'_>, name: &str, source: usize) -> Result<u64, KeepError> {
        let sources = from.sources()?;
        let mut count = 0;
        for record in from.records() {
            let record = record?;
            if sources.get(record.source()?).is_some_and(|known| *known.name == *name) {
                self.add(source, &record.read()?)?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.records.iter().filter(|record| !record.replaced).count()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The file.
    pub fn finish(self, made_unix: i64) -> Result<Vec<u8>, BuildError> {
        let (mut records, mut ids, mut aliases, mut count) =
            (Vec::with_capacity(self.bodies.len()), Vec::new(), Vec::new(), 0u64);
        let mut packages = Pointers::new();
        for record in self.records.iter().filter(|record| !record.replaced) {
            let offset = u32::try_from(records.len()).map_err(|_| BuildError::TooLarge)?;
            put_sized(&mut records, self.bodies.get(record.start..record.start + record.length).unwrap_or_default());
            ids.push((record.id_hash, offset));
            aliases.extend(record.names.iter().map(|name| (*name, offset)));
            for (ecosystem, package, part) in &record.parts {
                packages.entry((*ecosystem, *package)).or_default().push((offset, *part));
            }
            count += 1;
        }
        let ecosystems = self.ecosystems(&packages);
        let (packages, package_index) = self.packages(packages)?;
        let sections: [Vec<u8>; SECTIONS] = [
            self.strings,
            records,
            packages,
            table(package_index),
            table(ids),
            table(aliases),
            exploited(&self.exploited)?,
            epss(&self.epss),
            sources(&self.sources),
            ecosystems,
        ];
        debug_assert_eq!(sections.len(), Section::ALL.len());
        Ok(file(&sections, made_unix, count))
    }

    /// The ecosystems that records speak of, in order.
    fn ecosystems(&self, packages: &Pointers) -> Vec<u8> {
        let names: std::collections::BTreeSet<&str> =
            packages.keys().map(|(ecosystem, _)| self.text(*ecosystem)).collect();
        let mut out = Vec::new();
        names.into_iter().for_each(|name| put_sized(&mut out, name.as_bytes()));
        out
    }

    fn packages(&self, packages: Pointers) -> Result<(Vec<u8>, Hashes), BuildError> {
        let mut named: Vec<_> = packages
            .into_iter()
            .map(|((ecosystem, package), list)| (self.text(ecosystem), self.text(package), ecosystem, package, list))
            .collect();
        named.sort_unstable();
        let (mut out, mut index) = (Vec::new(), Vec::new());
        for (ecosystem_text, package_text, ecosystem, package, list) in named {
            let offset = u32::try_from(out.len()).map_err(|_| BuildError::TooLarge)?;
            index.push((hash(&[ecosystem_text, package_text]), offset));
            put_number(&mut out, u64::from(ecosystem));
            put_number(&mut out, u64::from(package));
            let (mut pointers, mut before) = (Vec::new(), 0);
            for (record, part) in list {
                put_number(&mut pointers, u64::from(record - before));
                put_number(&mut pointers, u64::from(part));
                before = record;
            }
            put_sized(&mut out, &pointers);
        }
        Ok((out, index))
    }

    fn text(&self, place: u32) -> &str {
        super::format::Cursor::at(&self.strings, u64::from(place))
            .and_then(|mut cursor| cursor.inline())
            .unwrap_or_default()
    }

    fn encode(
        &mut self,
        source: usize,
        id: u32,
        advisory: &Advisory,
        out: &mut Vec<u8>,
    ) -> Result<Vec<(u32, u32, u32)>, BuildError> {
        put_number(out, source as u64);
        put_number(out, u64::from(id));
        put_time(out, advisory.withdrawn_unix);
        put_time(out, advisory.published_unix);
        put_time(out, advisory.modified_unix);
        put_sized(out, advisory.summary.as_bytes());
        self.put(out, &advisory.informational);
        self.put_list(out, &advisory.aliases);
        self.put_list(out, &advisory.upstream);
        self.put_severities(out, &advisory.severities);
        self.put_list(out, &advisory.cwes);
        put_number(out, advisory.references.len() as u64);
        for url in &advisory.references {
            let (start, end) = url.split_at(url.rfind('/').map_or(0, |slash| slash + 1));
            self.put(out, start);
            put_sized(out, end.as_bytes());
        }
        put_number(out, advisory.affected.len() as u64);
        let mut parts = Vec::with_capacity(advisory.affected.len());
        for affected in &advisory.affected {
            let place = u32::try_from(out.len()).map_err(|_| BuildError::TooLarge)?;
            let part = self.affected(affected);
            put_sized(out, &part);
            parts.push((self.string(&affected.ecosystem), self.string(&affected.package), place));
        }
        Ok(parts)
    }

    fn affected(&mut self, affected: &Affected) -> Vec<u8> {
        let (mut out, mut piece) = (Vec::new(), Vec::new());
        self.put(&mut out, &affected.ecosystem);
        self.put(&mut out, &affected.package);
        let status = match affected.status {
            Status::Affected => 0,
            Status::WontFix => 1,
            Status::FixDeferred => 2,
            Status::EndOfLife => 3,
            Status::UnderInvestigation => 4,
            Status::NotAffected => 5,
        };
        out.push(status << 1 | u8::from(affected.of_source));
        for range in &affected.ranges {
            match &range.introduced {
                None => piece.push(0),
                Some(version) => {
                    let place = self.string(version);
                    put_number(&mut piece, u64::from(place) + 1);
                }
            }
            let (kind, version) = match &range.end {
                End::Open => (0, None),
                End::Fixed(version) => (1, Some(version)),
                End::LastAffected(version) => (2, Some(version)),
                End::Before(version) => (3, Some(version)),
            };
            piece.push(if range.exclusive { kind | EXCLUSIVE } else { kind });
            if let Some(version) = version {
                self.put(&mut piece, version);
            }
        }
        put_sized(&mut out, &piece);
        piece.clear();
        for version in &affected.versions {
            self.put(&mut piece, version);
        }
        put_sized(&mut out, &piece);
        self.put(&mut out, &affected.module);
        self.put_list(&mut out, &affected.arches);
        self.put_severities(&mut out, &affected.severities);
        self.put_list(&mut out, &affected.symbols);
        out
    }

    fn put_severities(&mut self, out: &mut Vec<u8>, severities: &[Severity]) {
        put_number(out, severities.len() as u64);
        for severity in severities {
            let (kind, text) = match &severity.score {
                Score::Cvss(text) => (0, text),
                Score::Word(text) => (1, text),
            };
            out.push(kind);
            self.put(out, &severity.by);
            self.put(out, text);
        }
    }

    fn put_list(&mut self, out: &mut Vec<u8>, list: &[Box<str>]) {
        put_number(out, list.len() as u64);
        for text in list {
            self.put(out, text);
        }
    }

    fn put(&mut self, out: &mut Vec<u8>, text: &str) {
        let place = self.string(text);
        put_number(out, u64::from(place));
    }

    /// The place of a text. Past the limit places repeat the last one that fits; `add` has refused by then.
    fn string(&mut self, text: &str) -> u32 {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        let place = u32::try_from(self.strings.len()).unwrap_or(u32::MAX);
        put_sized(&mut self.strings, text.as_bytes());
        self.places.insert(text.into(), place);
        place
    }
}

/// Why records of another database cannot be taken over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeepError {
    /// The other one cannot be read.
    #[error(transparent)]
    Read(#[from] DatabaseError),
    /// This one cannot take them.
    #[error(transparent)]
    Build(#[from] BuildError),
}

fn exploited(entries: &std::collections::BTreeMap<Box<str>, Exploited>) -> Result<Vec<u8>, BuildError> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let (mut rows, mut index) = (Vec::new(), Vec::new());
    for entry in entries.values() {
        index.push((hash(&[&entry.id]), u32::try_from(rows.len()).map_err(|_| BuildError::TooLarge)?));
        for text in [&entry.id, &entry.added, &entry.due] {
            put_sized(&mut rows, text.as_bytes());
        }
        rows.push(u8::from(entry.ransomware));
    }
    let mut out = Vec::new();
    put_sized(&mut out, &table(index));
    out.extend_from_slice(&rows);
    Ok(out)
}

fn epss(entries: &std::collections::BTreeMap<u64, (f32, f32)>) -> Vec<u8> {
    let mut out = Vec::new();
    for (key, (probability, percentile)) in entries {
        out.extend_from_slice(&key.to_le_bytes());
        out.extend_from_slice(&probability.to_le_bytes());
        out.extend_from_slice(&percentile.to_le_bytes());
    }
    out
}

fn sources(sources: &[Source]) -> Vec<u8> {
    let mut out = Vec::new();
    for source in sources {
        for text in [&source.name, &source.url, &source.license] {
            put_sized(&mut out, text.as_bytes());
        }
        put_time(&mut out, source.made_unix);
        put_time(&mut out, Some(source.fetched_unix));
        put_number(&mut out, source.covers.len() as u64);
        for cover in &source.covers {
            put_sized(&mut out, cover.as_bytes());
        }
    }
    out
}

fn file(sections: &[Vec<u8>; SECTIONS], made_unix: i64, count: u64) -> Vec<u8> {
    let mut sums = Sums::new();
    sections.iter().for_each(|section| sums.update(section));
    let sums = sums.finish();
    let mut out = Vec::with_capacity(HEADER + sections.iter().map(Vec::len).sum::<usize>() + sums.len());
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(&sums).to_le_bytes());
    out.extend_from_slice(&made_unix.to_le_bytes());
    out.extend_from_slice(&count.to_le_bytes());
    let mut offset = HEADER as u64;
    for section in sections {
        out.extend_from_slice(&offset.to_le_bytes());
        out.extend_from_slice(&(section.len() as u64).to_le_bytes());
        offset += section.len() as u64;
    }
    let mut context = aws_lc_rs::digest::Context::new(&SHA256);
    sections.iter().chain(std::iter::once(&sums)).for_each(|section| context.update(section));
    out.extend_from_slice(context.finish().as_ref());
    let seal = digest(&SHA256, &out);
    out.extend_from_slice(seal.as_ref());
    sections.iter().chain(std::iter::once(&sums)).for_each(|section| out.extend_from_slice(section));
    out
}

/// Offsets in a section are 32 bits.
const LENGTH_MAX: usize = u32::MAX as usize - (1 << 24);
