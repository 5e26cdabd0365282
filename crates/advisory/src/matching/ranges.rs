//! One version against the versions of one record.

use std::cmp::Ordering;

use crate::record::{Affected, End, Range, Status};
use crate::version::{Scheme, VersionError, compare};

/// What one record says of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Unaffected,
    /// The publisher says that it is not affected, whatever others say.
    Cleared,
    /// Affected until the version, if one is known.
    Affected(Option<Box<str>>),
}

/// Judges a version. An error names a version that cannot be compared.
pub fn judge(scheme: Scheme, version: &str, affected: &Affected) -> Result<Verdict, VersionError> {
    let everything = affected.ranges.is_empty() && affected.versions.is_empty();
    let hit = match containing(scheme, version, affected)? {
        Some(range) => Some(fix(scheme, range, affected)?),
        None if everything || affected.versions.iter().any(|one| same(scheme, one, version)) => Some(None),
        None => None,
    };
    Ok(match (hit, affected.status) {
        (None, _) => Verdict::Unaffected,
        (Some(_), Status::NotAffected) => Verdict::Cleared,
        (Some(fixed), _) => Verdict::Affected(fixed),
    })
}

fn containing<'a>(scheme: Scheme, version: &str, affected: &'a Affected) -> Result<Option<&'a Range>, VersionError> {
    for range in &affected.ranges {
        if contains(scheme, version, range)? {
            return Ok(Some(range));
        }
    }
    Ok(None)
}

fn contains(scheme: Scheme, version: &str, range: &Range) -> Result<bool, VersionError> {
    // OSV writes the beginning as `0`, which some ecosystems would place after pre-releases of nothing.
    if let Some(introduced) = range.introduced.as_deref().filter(|start| *start != "0") {
        let order = compare(scheme, version, introduced)?;
        if order.is_lt() || order.is_eq() && range.exclusive {
            return Ok(false);
        }
    }
    match &range.end {
        End::Open => Ok(true),
        End::Fixed(end) | End::Before(end) => Ok(compare(scheme, version, end)?.is_lt()),
        End::LastAffected(end) => Ok(compare(scheme, version, end)?.is_le()),
    }
}

/// The end of the range, or of those that it runs into. Each range is entered at most once.
fn fix(scheme: Scheme, range: &Range, affected: &Affected) -> Result<Option<Box<str>>, VersionError> {
    let End::Fixed(mut fixed) = range.end.clone() else { return Ok(None) };
    for _ in 0..OVERLAPS_MAX {
        match containing(scheme, &fixed, affected)?.map(|next| &next.end) {
            None => return Ok(Some(fixed)),
            Some(End::Fixed(next)) => fixed = next.clone(),
            Some(_) => return Ok(None),
        }
    }
    Ok(None)
}

fn same(scheme: Scheme, a: &str, b: &str) -> bool {
    a == b || compare(scheme, a, b) == Ok(Ordering::Equal)
}

/// Ranges of sound records do not overlap; a few that do are followed, hostile chains are not.
const OVERLAPS_MAX: usize = 16;
