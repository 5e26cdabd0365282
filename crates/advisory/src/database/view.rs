//! Records as they lie in the file, read piece by piece.

use super::DatabaseError;
use super::format::{Cursor, damaged};
use super::seal::Part;
use crate::record::{Advisory, Affected, End, Range, Score, Severity, Status};

/// An advisory in the file.
#[derive(Clone, Copy, Debug)]
pub struct RecordView<'a> {
    strings: Part<'a>,
    offset: u64,
    end: u64,
    body: &'a [u8],
}

/// What an advisory says about one package, in the file.
#[derive(Clone, Copy, Debug)]
pub struct AffectedView<'a> {
    strings: Part<'a>,
    ecosystem: &'a str,
    package: &'a str,
    flags: u8,
    ranges: &'a [u8],
    versions: &'a [u8],
    rest: Cursor<'a>,
}

/// A range of versions, in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeView<'a> {
    /// First affected version; `None` means from the beginning.
    pub introduced: Option<&'a str>,
    /// Whether that version itself is not.
    pub exclusive: bool,
    /// Where it ends.
    pub end: EndView<'a>,
}

/// Where a range ends, in the file; see [`End`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndView<'a> {
    /// It does not.
    Open,
    /// First version that is not affected any more.
    Fixed(&'a str),
    /// Last affected version.
    LastAffected(&'a str),
    /// Version before which it ends, without being a fix.
    Before(&'a str),
}

impl<'a> RecordView<'a> {
    pub(super) fn at(strings: Part<'a>, records: Part<'a>, offset: u64) -> Result<Self, DatabaseError> {
        let (body, end) = records.sized(offset)?;
        if body.is_empty() {
            return Err(damaged("an empty record"));
        }
        Ok(Self { strings, offset, end: end as u64, body })
    }

    /// Where it stands: a number that tells records of one file apart.
    pub fn place(&self) -> u64 {
        self.offset
    }

    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Its source, as a place in [`super::Database::sources`].
    pub fn source(&self) -> Result<usize, DatabaseError> {
        usize::try_from(self.cursor().number()?).map_err(|_| damaged("a source"))
    }

    /// Its own name.
    pub fn id(&self) -> Result<&'a str, DatabaseError> {
        let mut cursor = self.cursor();
        cursor.number()?;
        cursor.string(self.strings)
    }

    /// When it was withdrawn; such a record matches nothing.
    pub fn withdrawn_unix(&self) -> Result<Option<i64>, DatabaseError> {
        let mut cursor = self.cursor();
        cursor.number()?;
        cursor.number()?;
        cursor.time()
    }

    /// When it last changed, or was published where that is all it tells.
    pub fn changed_unix(&self) -> Result<Option<i64>, DatabaseError> {
        let mut cursor = self.cursor();
        cursor.number()?;
        cursor.number()?;
        let (_, published, modified) = (cursor.time()?, cursor.time()?, cursor.time()?);
        Ok(modified.or(published))
    }

    /// Everything.
    pub fn read(&self) -> Result<Advisory, DatabaseError> {
        let (mut advisory, mut cursor) = self.read_head()?;
        let count = cursor.count()?;
        advisory.affected = (0..count)
            .map(|_| AffectedView::read_from(self.strings, cursor.sized()?)?.read())
            .collect::<Result<_, _>>()?;
        Ok(advisory)
    }

    /// Everything but what is affected, and where that begins.
    pub(super) fn read_head(&self) -> Result<(Advisory, Cursor<'a>), DatabaseError> {
        let (mut cursor, strings) = (self.cursor(), self.strings);
        cursor.number()?;
        let id = cursor.string(strings)?.into();
        let (withdrawn_unix, published_unix, modified_unix) = (cursor.time()?, cursor.time()?, cursor.time()?);
        let summary = cursor.inline()?.into();
        let informational = cursor.string(strings)?.into();
        let (aliases, upstream) = (cursor.list(strings)?, cursor.list(strings)?);
        let severities = severities(&mut cursor, strings)?;
        let cwes = cursor.list(strings)?;
        let references = (0..cursor.count()?).map(|_| url(&mut cursor, strings)).collect::<Result<_, _>>()?;
        let advisory = Advisory {
            id,
            aliases,
            upstream,
            summary,
            informational,
            published_unix,
            modified_unix,
            withdrawn_unix,
            severities,
            cwes,
            references,
            affected: Vec::new(),
        };
        Ok((advisory, cursor))
    }

    pub(super) fn affected_at(&self, offset: u64) -> Result<AffectedView<'a>, DatabaseError> {
        AffectedView::read_from(self.strings, Cursor::at(self.body, offset)?.sized()?)
    }

    fn cursor(&self) -> Cursor<'a> {
        Cursor { rest: self.body }
    }
}

impl<'a> AffectedView<'a> {
    fn read_from(strings: Part<'a>, body: &'a [u8]) -> Result<Self, DatabaseError> {
        let mut cursor = Cursor { rest: body };
        let (ecosystem, package) = (cursor.string(strings)?, cursor.string(strings)?);
        let flags = cursor.byte()?;
        let (ranges, versions) = (cursor.sized()?, cursor.sized()?);
        Ok(Self { strings, ecosystem, package, flags, ranges, versions, rest: cursor })
    }

    /// Ecosystem of the package.
    pub fn ecosystem(&self) -> &'a str {
        self.ecosystem
    }

    /// Name of the package.
    pub fn package(&self) -> &'a str {
        self.package
    }

    /// Whether the name is one of a source package.
    pub fn of_source(&self) -> bool {
        self.flags & OF_SOURCE != 0
    }

    /// What the publisher says of it. A value that this program does not know counts as affected.
    pub fn status(&self) -> Status {
        match self.flags >> 1 {
            1 => Status::WontFix,
            2 => Status::FixDeferred,
            3 => Status::EndOfLife,
            4 => Status::UnderInvestigation,
            5 => Status::NotAffected,
            _ => Status::Affected,
        }
    }

    /// Whether neither ranges nor versions are named: all versions.
    pub fn is_unbounded(&self) -> bool {
        self.ranges.is_empty() && self.versions.is_empty()
    }

    /// The ranges.
    pub fn ranges(&self) -> impl Iterator<Item = Result<RangeView<'a>, DatabaseError>> + use<'a> {
        let strings = self.strings;
        pieces(self.ranges, move |cursor| {
            let introduced = match cursor.number()? {
                0 => None,
                offset => Some(strings.text(offset - 1)?),
            };
            let kind = cursor.byte()?;
            let end = match kind & !EXCLUSIVE {
                0 => EndView::Open,
                1 => EndView::Fixed(cursor.string(strings)?),
                2 => EndView::LastAffected(cursor.string(strings)?),
                3 => EndView::Before(cursor.string(strings)?),
                _ => return Err(damaged("the end of a range")),
            };
            Ok(RangeView { introduced, exclusive: kind & EXCLUSIVE != 0, end })
        })
    }

    /// The versions that are named one by one.
    pub fn versions(&self) -> impl Iterator<Item = Result<&'a str, DatabaseError>> + use<'a> {
        let strings = self.strings;
        pieces(self.versions, move |cursor| cursor.string(strings))
    }

    /// Module stream of rpm; empty means none.
    pub fn module(&self) -> Result<&'a str, DatabaseError> {
        let mut cursor = self.rest;
        cursor.string(self.strings)
    }

    /// Everything.
    pub fn read(&self) -> Result<Affected, DatabaseError> {
        let ranges = self.ranges().map(|range| range.map(|range| range.read())).collect::<Result<_, _>>()?;
        let versions = self.versions().map(|version| version.map(Box::from)).collect::<Result<_, _>>()?;
        let mut cursor = self.rest;
        let module = cursor.string(self.strings)?.into();
        let arches = cursor.list(self.strings)?;
        let severities = severities(&mut cursor, self.strings)?;
        let symbols = cursor.list(self.strings)?;
        Ok(Affected {
            ecosystem: self.ecosystem.into(),
            package: self.package.into(),
            of_source: self.of_source(),
            ranges,
            versions,
            status: self.status(),
            severities,
            arches,
            module,
            symbols,
        })
    }
}

impl RangeView<'_> {
    /// The range by itself.
    pub fn read(&self) -> Range {
        let end = match self.end {
            EndView::Open => End::Open,
            EndView::Fixed(version) => End::Fixed(version.into()),
            EndView::LastAffected(version) => End::LastAffected(version.into()),
            EndView::Before(version) => End::Before(version.into()),
        };
        Range { introduced: self.introduced.map(Box::from), exclusive: self.exclusive, end }
    }
}

/// Reads pieces until nothing is left; the first that cannot be read is the last.
fn pieces<'a, T>(
    bytes: &'a [u8],
    mut read: impl FnMut(&mut Cursor<'a>) -> Result<T, DatabaseError>,
) -> impl Iterator<Item = Result<T, DatabaseError>> {
    let mut cursor = Cursor { rest: bytes };
    std::iter::from_fn(move || {
        if cursor.rest.is_empty() {
            return None;
        }
        let piece = read(&mut cursor);
        if piece.is_err() {
            cursor.rest = &[];
        }
        Some(piece)
    })
}

fn severities<'a>(cursor: &mut Cursor<'a>, strings: Part<'a>) -> Result<Vec<Severity>, DatabaseError> {
    let count = cursor.count()?;
    let mut all = Vec::new();
    for _ in 0..count {
        let kind = cursor.byte()?;
        let by = cursor.string(strings)?.into();
        let text = cursor.string(strings)?.into();
        all.push(Severity { by, score: if kind == 0 { Score::Cvss(text) } else { Score::Word(text) } });
    }
    Ok(all)
}

/// An address: its beginning up to the last slash, which many share, and its own end.
fn url<'a>(cursor: &mut Cursor<'a>, strings: Part<'a>) -> Result<Box<str>, DatabaseError> {
    let (start, end) = (cursor.string(strings)?, cursor.inline()?);
    Ok([start, end].concat().into())
}

const OF_SOURCE: u8 = 1;
/// Beside the kind of end of a range: its beginning is not affected.
pub(super) const EXCLUSIVE: u8 = 4;
