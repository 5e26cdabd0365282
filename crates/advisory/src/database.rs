//! All advisories in one file that is used where it lies: nothing is unpacked when it is opened.
//!
//! *Expected flow*: [`Builder`] takes sources, records and tables and gives bytes; [`Database::open`] reads the header only
//! (a file of 200 MB opens in microseconds), [`Database::verify`] reads everything and compares the digest.
//!
//! *Guarantees*: the same input in the same order gives the same bytes. Every access is checked against the bounds of its
//! section: a damaged or hostile file gives [`DatabaseError::Damaged`], never a panic, and never an answer that is empty
//! because something could not be read.
//!
//! Layout: a header with offsets, then strings (each once), records, packages (pointers to the parts of records that are
//! about them), and tables of (hash, offset) in order of the hash for packages, names and aliases.

mod builder;
mod format;
mod knowledge;
mod view;

pub use builder::{BuildError, Builder, KeepError};
pub use knowledge::Answers;
pub use view::{AffectedView, EndView, RangeView, RecordView};

use aws_lc_rs::digest::{SHA256, digest};

use crate::record::{Affected, Epss, Exploited, Source};
use format::{
    Cursor, EPSS_ENTRY, HASH_ENTRY, HEADER, MAGIC, SECTIONS, Section, VERSION, cve_key, damaged, hash, under,
};

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
    /// The digest differs from the one in the header.
    #[error("the database is damaged: its digest is not the one that it was written with")]
    Digest,
}

/// An opened database. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Database<'a> {
    bytes: &'a [u8],
    sections: [&'a [u8]; SECTIONS],
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
    /// Reads the header. Takes the same short time for every size; what the sections hold is checked when it is used.
    pub fn open(bytes: &'a [u8]) -> Result<Self, DatabaseError> {
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
        header.take(4)?;
        let made_unix = i64::from_le_bytes(fixed(&mut header)?);
        let records = u64::from_le_bytes(fixed(&mut header)?);
        let mut sections = [&[][..]; SECTIONS];
        let mut expected = HEADER as u64;
        for section in &mut sections {
            let (offset, length) = (u64::from_le_bytes(fixed(&mut header)?), u64::from_le_bytes(fixed(&mut header)?));
            if offset != expected {
                return Err(damaged("the header"));
            }
            expected = offset.checked_add(length).ok_or_else(|| damaged("the header"))?;
            let range = usize::try_from(offset).ok().zip(usize::try_from(expected).ok());
            *section = range
                .and_then(|(start, end)| bytes.get(start..end))
                .ok_or(DatabaseError::Length { expected, found: bytes.len() as u64 })?;
        }
        if expected != bytes.len() as u64 {
            return Err(DatabaseError::Length { expected, found: bytes.len() as u64 });
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
        for offset in under(self.section(Section::PackageIndex), hash(&[ecosystem, package])) {
            let mut entry = Cursor::at(self.section(Section::Packages), u64::from(offset))?;
            if entry.string(self.strings())? == ecosystem && entry.string(self.strings())? == package {
                list = Cursor { rest: entry.sized()? };
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
        for offset in under(self.section(Section::IdIndex), hash(&[id])) {
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
        for offset in under(self.section(Section::AliasIndex), hash(&[id])) {
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
    pub fn epss(&self, cve: &str) -> Option<Epss> {
        let key = cve_key(cve)?;
        let (entries, _) = self.section(Section::Epss).as_chunks::<EPSS_ENTRY>();
        let read = |entry: &[u8; EPSS_ENTRY]| {
            let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *entry;
            (
                u64::from_le_bytes([a, b, c, d, e, f, g, h]),
                f32::from_le_bytes([i, j, k, l]),
                f32::from_le_bytes([m, n, o, p]),
            )
        };
        let place = entries.partition_point(|entry| read(entry).0 < key);
        let (found, probability, percentile) = read(entries.get(place)?);
        (found == key && (0.0..=1.0).contains(&probability) && (0.0..=1.0).contains(&percentile)).then(|| Epss {
            id: cve.into(),
            probability,
            percentile,
        })
    }

    /// Whether it is known to be exploited.
    pub fn exploited(&self, cve: &str) -> Result<Option<Exploited>, DatabaseError> {
        // The section is small (some 1,500 entries) and in order of names, but of no fixed width: a table leads it.
        let mut section = Cursor { rest: self.section(Section::Exploited) };
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
        let mut section = Cursor { rest: self.section(Section::Exploited) };
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
    pub fn all_epss(&self) -> impl Iterator<Item = Epss> + use<'a> {
        let (entries, _) = self.section(Section::Epss).as_chunks::<EPSS_ENTRY>();
        entries.iter().map(|entry| {
            let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *entry;
            let key = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
            let id = format!("CVE-{:04}-{:04}", key >> 48, key & ((1 << 48) - 1));
            Epss {
                id: id.into(),
                probability: f32::from_le_bytes([i, j, k, l]),
                percentile: f32::from_le_bytes([m, n, o, p]),
            }
        })
    }

    /// Where the records come from.
    pub fn sources(&self) -> Result<Vec<Source>, DatabaseError> {
        let mut section = Cursor { rest: self.section(Section::Sources) };
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
        let database = *self;
        let mut rest = Cursor { rest: self.section(Section::Packages) };
        std::iter::from_fn(move || {
            if rest.rest.is_empty() {
                return None;
            }
            let mut read = || {
                let names = (rest.string(database.strings())?, rest.string(database.strings())?);
                rest.sized()?;
                Ok(names)
            };
            let names = read();
            if names.is_err() {
                rest.rest = &[];
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

    fn strings(&self) -> &'a [u8] {
        self.section(Section::Strings)
    }

    fn section(&self, section: Section) -> &'a [u8] {
        self.sections.get(section as usize).copied().unwrap_or_default()
    }
}

fn fixed<const N: usize>(cursor: &mut Cursor<'_>) -> Result<[u8; N], DatabaseError> {
    cursor.take(N)?.try_into().map_err(|_| damaged("the header"))
}

#[cfg(test)]
mod tests;
