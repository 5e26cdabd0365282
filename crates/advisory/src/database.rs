//! All advisories in one file that is used where it lies: nothing is unpacked when it is opened.
//!
//! *Expected flow*: [`Builder`] takes sources, records and tables and gives bytes; [`Database::open`] reads the header and the
//! table of checksums (of a file of 200 MB within a fraction of a millisecond), [`Database::verify`] reads everything and
//! compares the digest.
//!
//! *Guarantees*: the same input in the same order gives the same bytes. Every access is checked against the bounds of its
//! section: a damaged or hostile file gives [`DatabaseError::Damaged`], never a panic, and never an answer that is empty
//! because something could not be read. Every block of the file is compared with its checksum before anything in it is
//! believed, so that a byte that changed after the file was made is [`DatabaseError::Digest`] and not another answer.
//!
//! Layout: a header with offsets, then strings (each once), records, packages (pointers to the parts of records that are
//! about them), tables of (hash, offset) in order of the hash for packages, names and aliases, and checksums of all blocks.

mod builder;
mod format;
mod knowledge;
mod seal;
mod view;

pub use builder::{BuildError, Builder, KeepError};
pub use knowledge::Answers;
pub use seal::Content;
pub use view::{AffectedView, EndView, RangeView, RecordView};

use aws_lc_rs::digest::{SHA256, digest};

use crate::record::{Affected, Epss, Exploited, Source};
use format::{
    Cursor, EPSS_ENTRY, HASH_ENTRY, HEADER, MAGIC, SECTIONS, Section, VERSION, cve_key, damaged, hash, under,
};
use seal::{Part, Sealed};

/// Why a file is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseError {
    /// It is something else.
    #[error("this is not a database of advisories")]
    NotADatabase,
    /// Another version of the format.
    #[error("the database has format {found}, and this program reads {VERSION}")]
    Version {
        /// What the file says.
        found: u32,
    },
    /// The file is shorter or longer than its header says.
    #[error("the database has {found} bytes instead of {expected}: it is cut off or has something appended")]
    Length {
        /// By the header.
        expected: u64,
        /// In fact.
        found: u64,
    },
    /// A part cannot be read.
    #[error("the database is damaged: {what}")]
    Damaged {
        /// The part.
        what: &'static str,
    },
    /// A checksum or the digest differs from the one that stands in the file.
    #[error("the database is damaged: its checksums are not those that it was written with; build or update it anew")]
    Digest,
}

/// An opened database. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Database<'a> {
    bytes: &'a [u8],
    sections: [Part<'a>; SECTIONS],
    made_unix: i64,
    records: u64,
}

/// One answer to "what is known about this package".
#[derive(Clone, Copy, Debug)]
pub struct Hit<'a> {
    /// The advisory.
    pub record: RecordView<'a>,
    /// The part of it that is about the package.
    pub affected: AffectedView<'a>,
}

impl<'a> Database<'a> {
    /// Reads the header and the table of checksums; what the sections hold is compared when it is used.
    pub fn open<B: AsRef<[u8]>>(content: &'a Content<B>) -> Result<Self, DatabaseError> {
        let bytes = content.bytes();
        if !bytes.starts_with(&MAGIC) {
            return Err(DatabaseError::NotADatabase);
        }
        let mut header = Cursor { rest: bytes.get(..HEADER).ok_or_else(|| damaged("the header"))? };
        header.take(MAGIC.len())?;
        let version = u32::from_le_bytes(fixed(&mut header)?);
        if version != VERSION {
            return Err(DatabaseError::Version { found: version });
        }
        let sealed = bytes.get(..HEADER - 32).ok_or_else(|| damaged("the header"))?;
        if digest(&SHA256, sealed).as_ref() != bytes.get(HEADER - 32..HEADER).unwrap_or_default() {
            return Err(damaged("the header"));
        }
        let sums_sum = u32::from_le_bytes(fixed(&mut header)?);
        let made_unix = i64::from_le_bytes(fixed(&mut header)?);
        let records = u64::from_le_bytes(fixed(&mut header)?);
        let places = places(&mut header)?;
        let end = places.last().map_or(HEADER as u64, |place| place.1);
        let blocks = (end - HEADER as u64).div_ceil(seal::BLOCK as u64);
        let expected = end.saturating_add(blocks * seal::SUM as u64);
        if expected != bytes.len() as u64 {
            return Err(DatabaseError::Length { expected, found: bytes.len() as u64 });
        }
        let short = || DatabaseError::Length { expected, found: bytes.len() as u64 };
        let (body, sums) = usize::try_from(end)
            .ok()
            .and_then(|end| Some((bytes.get(HEADER..end)?, bytes.get(end..)?)))
            .ok_or_else(short)?;
        if crc32fast::hash(sums) != sums_sum {
            return Err(DatabaseError::Digest);
        }
        let sealed = Sealed::new(body, sums, content.compared())?;
        let mut sections = [sealed.part(0, 0)?; SECTIONS];
        for (section, (start, end)) in sections.iter_mut().zip(places) {
            *section = sealed.part(start as usize - HEADER, end as usize - HEADER)?;
        }
        let database = Self { bytes, sections, made_unix, records };
        let tables = [
            (Section::PackageIndex, HASH_ENTRY),
            (Section::IdIndex, HASH_ENTRY),
            (Section::AliasIndex, HASH_ENTRY),
            (Section::Epss, EPSS_ENTRY),
        ];
        if tables.iter().any(|(section, entry)| !database.section(*section).len().is_multiple_of(*entry)) {
            return Err(damaged("the length of a table"));
        }
        Ok(database)
    }

    /// Compares everything with the digest that it was written with, and reads every record once. Takes about a second
    /// per gigabyte for the digest; done when a file arrives, not when it is used.
    pub fn verify(&self) -> Result<(), DatabaseError> {
        let body = self.bytes.get(HEADER..).unwrap_or_default();
        let sealed = self.bytes.get(HEADER - 64..HEADER - 32).unwrap_or_default();
        if digest(&SHA256, body).as_ref() != sealed {
            return Err(DatabaseError::Digest);
        }
        for section in self.sections {
            section.whole()?;
        }
        let mut count = 0u64;
        for record in self.records() {
            record?.read()?;
            count += 1;
        }
        self.sources()?;
        if count == self.records { Ok(()) } else { Err(damaged("the number of records")) }
    }

    /// When it was built; seconds since 1970.
    pub fn made_unix(&self) -> i64 {
        self.made_unix
    }

    /// How many advisories it holds.
    pub fn len(&self) -> u64 {
        self.records
    }

    /// Whether it holds no advisory. An empty database answers nothing: whoever asks must say so.
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// What is known about a package, by OSV's name of the ecosystem and the name of the package in it, both compared byte
    /// by byte: names are brought into normal form by importers and by whoever asks.
    pub fn affected(
        &self,
        ecosystem: &str,
        package: &str,
    ) -> Result<impl Iterator<Item = Result<Hit<'a>, DatabaseError>> + use<'a>, DatabaseError> {
        let mut list = Cursor { rest: &[] };
        let (packages, strings) = (self.section(Section::Packages), self.strings());
        for offset in self.section(Section::PackageIndex).under(hash(&[ecosystem, package]))? {
            let (ecosystem_at, next) = packages.number(u64::from(offset))?;
            let (package_at, next) = packages.number(next as u64)?;
            if strings.text(ecosystem_at)? == ecosystem && strings.text(package_at)? == package {
                list = Cursor { rest: packages.sized(next as u64)?.0 };
                break;
            }
        }
        let database = *self;
        let mut offset = 0u64;
        Ok(std::iter::from_fn(move || {
            if list.rest.is_empty() {
                return None;
            }
            let hit = database.hit(&mut list, &mut offset);
            if hit.is_err() {
                list.rest = &[];
            }
            Some(hit)
        }))
    }

    /// The advisories of that name, one per source that has it.
    pub fn advisory(&self, id: &str) -> Result<Vec<RecordView<'a>>, DatabaseError> {
        let mut found = Vec::new();
        for offset in self.section(Section::IdIndex).under(hash(&[id]))? {
            let record = self.record_at(u64::from(offset))?;
            if record.id()? == id {
                found.push(record);
            }
        }
        Ok(found)
    }

    /// The advisories that name `id` as another name of theirs (`aliases`) or as what they are about (`upstream`).
    pub fn mentioning(&self, id: &str) -> Result<Vec<RecordView<'a>>, DatabaseError> {
        let mut found = Vec::new();
        for offset in self.section(Section::AliasIndex).under(hash(&[id]))? {
            let record = self.record_at(u64::from(offset))?;
            let whole = record.read()?;
            if whole.aliases.iter().chain(&whole.upstream).any(|name| **name == *id) {
                found.push(record);
            }
        }
        Ok(found)
    }

    /// All names of the same vulnerability, `id` left out, in order. `upstream` does not make two names the same.
    pub fn aliases(&self, id: &str) -> Result<Vec<Box<str>>, DatabaseError> {
        let mut names = std::collections::BTreeSet::new();
        for record in self.advisory(id)? {
            names.extend(record.read()?.aliases);
        }
        for record in self.mentioning(id)? {
            let whole = record.read()?;
            if whole.aliases.iter().any(|name| **name == *id) {
                names.insert(whole.id);
                names.extend(whole.aliases);
            }
        }
        names.remove(id);
        Ok(names.into_iter().collect())
    }

    /// How probable its exploitation is; `None` where EPSS has no figure.
    pub fn epss(&self, cve: &str) -> Result<Option<Epss>, DatabaseError> {
        let Some(key) = cve_key(cve) else { return Ok(None) };
        let table = self.section(Section::Epss);
        let count = table.len() / EPSS_ENTRY;
        let read = |place: usize| {
            let entry = table.bytes(place * EPSS_ENTRY, EPSS_ENTRY)?;
            entry.as_array().map(figures).ok_or_else(|| damaged("a table"))
        };
        let place = table.place(count, |place| Ok(read(place)?.0 < key))?;
        if place == count {
            return Ok(None);
        }
        let (found, probability, percentile) = read(place)?;
        let sound = (0.0..=1.0).contains(&probability) && (0.0..=1.0).contains(&percentile);
        Ok((found == key && sound).then(|| Epss { id: cve.into(), probability, percentile }))
    }

    /// Whether it is known to be exploited.
    pub fn exploited(&self, cve: &str) -> Result<Option<Exploited>, DatabaseError> {
        // The section is small (some 1,500 entries) and in order of names, but of no fixed width: a table leads it.
        let mut section = Cursor { rest: self.section(Section::Exploited).whole()? };
        if section.rest.is_empty() {
            return Ok(None);
        }
        let index = section.sized()?;
        for offset in under(index, hash(&[cve])) {
            let mut entry = Cursor::at(section.rest, u64::from(offset))?;
            let id = entry.inline()?;
            if id == cve {
                let (added, due) = (entry.inline()?.into(), entry.inline()?.into());
                return Ok(Some(Exploited { id: id.into(), added, due, ransomware: entry.byte()? == 1 }));
            }
        }
        Ok(None)
    }

    /// All entries about exploited vulnerabilities, in order of their names.
    pub fn all_exploited(&self) -> Result<Vec<Exploited>, DatabaseError> {
        let mut section = Cursor { rest: self.section(Section::Exploited).whole()? };
        let mut found = Vec::new();
        if !section.rest.is_empty() {
            section.sized()?;
        }
        while !section.rest.is_empty() {
            let (id, added, due) = (section.inline()?.into(), section.inline()?.into(), section.inline()?.into());
            found.push(Exploited { id, added, due, ransomware: section.byte()? == 1 });
        }
        Ok(found)
    }

    /// All figures of EPSS, in order.
    pub fn all_epss(&self) -> Result<impl Iterator<Item = Epss> + use<'a>, DatabaseError> {
        let (entries, _) = self.section(Section::Epss).whole()?.as_chunks::<EPSS_ENTRY>();
        Ok(entries.iter().map(|entry| {
            let (key, probability, percentile) = figures(entry);
            let id = format!("CVE-{:04}-{:04}", key >> 48, key & ((1 << 48) - 1));
            Epss { id: id.into(), probability, percentile }
        }))
    }

    /// All ecosystems that records speak of, in order.
    pub fn ecosystems(&self) -> Result<Vec<&'a str>, DatabaseError> {
        let mut section = Cursor { rest: self.section(Section::Ecosystems).whole()? };
        let mut names = Vec::new();
        while !section.rest.is_empty() {
            names.push(section.inline()?);
        }
        Ok(names)
    }

    /// Where the records come from.
    pub fn sources(&self) -> Result<Vec<Source>, DatabaseError> {
        let mut section = Cursor { rest: self.section(Section::Sources).whole()? };
        let mut sources = Vec::new();
        while !section.rest.is_empty() {
            let (name, url, license) = (section.inline()?.into(), section.inline()?.into(), section.inline()?.into());
            let (made_unix, fetched_unix) = (section.time()?, section.time()?.unwrap_or_default());
            let count = section.count()?;
            let covers = (0..count).map(|_| section.inline().map(Box::from)).collect::<Result<_, _>>()?;
            sources.push(Source { name, url, license, made_unix, fetched_unix, covers });
        }
        Ok(sources)
    }

    /// All advisories, in the order in which they were added.
    pub fn records(&self) -> impl Iterator<Item = Result<RecordView<'a>, DatabaseError>> + use<'a> {
        let database = *self;
        let length = self.section(Section::Records).len() as u64;
        let mut offset = 0u64;
        std::iter::from_fn(move || {
            if offset >= length {
                return None;
            }
            let record = database.record_at(offset);
            offset = record.as_ref().map_or(length, RecordView::end);
            Some(record)
        })
    }

    /// All packages that advisories are about, as (ecosystem, name), in order.
    pub fn packages(&self) -> impl Iterator<Item = Result<(&'a str, &'a str), DatabaseError>> + use<'a> {
        let (packages, strings) = (self.section(Section::Packages), self.strings());
        let mut offset = 0;
        std::iter::from_fn(move || {
            if offset >= packages.len() {
                return None;
            }
            let mut read = || {
                let (ecosystem, next) = packages.number(offset as u64)?;
                let (package, next) = packages.number(next as u64)?;
                offset = packages.sized(next as u64)?.1;
                Ok((strings.text(ecosystem)?, strings.text(package)?))
            };
            let names = read();
            if names.is_err() {
                offset = packages.len();
            }
            Some(names)
        })
    }

    /// The parts of all advisories of one name, read out: what `show` prints and what tests compare.
    pub fn affected_by(&self, id: &str) -> Result<Vec<Affected>, DatabaseError> {
        let mut all = Vec::new();
        for record in self.advisory(id)? {
            all.extend(record.read()?.affected);
        }
        Ok(all)
    }

    fn hit(&self, list: &mut Cursor<'a>, offset: &mut u64) -> Result<Hit<'a>, DatabaseError> {
        *offset = offset.checked_add(list.number()?).ok_or_else(|| damaged("an offset"))?;
        let record = self.record_at(*offset)?;
        let affected = record.affected_at(list.number()?)?;
        Ok(Hit { record, affected })
    }

    pub(crate) fn record_at(&self, offset: u64) -> Result<RecordView<'a>, DatabaseError> {
        RecordView::at(self.strings(), self.section(Section::Records), offset)
    }

    fn strings(&self) -> Part<'a> {
        self.section(Section::Strings)
    }

    fn section(&self, section: Section) -> Part<'a> {
        let [strings, records, packages, package_index, ids, aliases, exploited, epss, sources, ecosystems] =
            self.sections;
        match section {
            Section::Strings => strings,
            Section::Records => records,
            Section::Packages => packages,
            Section::PackageIndex => package_index,
            Section::IdIndex => ids,
            Section::AliasIndex => aliases,
            Section::Exploited => exploited,
            Section::Epss => epss,
            Section::Sources => sources,
            Section::Ecosystems => ecosystems,
        }
    }
}

/// Where each section begins and ends, one behind the other from the end of the header on.
fn places(header: &mut Cursor<'_>) -> Result<[(u64, u64); SECTIONS], DatabaseError> {
    let (mut places, mut expected) = ([(0, 0); SECTIONS], HEADER as u64);
    for place in &mut places {
        let (offset, length) = (u64::from_le_bytes(fixed(header)?), u64::from_le_bytes(fixed(header)?));
        let end = offset.checked_add(length).filter(|_| offset == expected).ok_or_else(|| damaged("the header"))?;
        *place = (offset, end);
        expected = end;
    }
    Ok(places)
}

/// An entry of the table of EPSS: key, probability, percentile.
fn figures(entry: &[u8; EPSS_ENTRY]) -> (u64, f32, f32) {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *entry;
    (u64::from_le_bytes([a, b, c, d, e, f, g, h]), f32::from_le_bytes([i, j, k, l]), f32::from_le_bytes([m, n, o, p]))
}

fn fixed<const N: usize>(cursor: &mut Cursor<'_>) -> Result<[u8; N], DatabaseError> {
    cursor.take(N)?.try_into().map_err(|_| damaged("the header"))
}

#[cfg(test)]
mod tests;
