//! Exceptions: one owner accepts named findings on named objects until a date.
//!
//! Expected flow: parse every Exception of the input, then ask [`apply`] once with all findings.
//!
//! Guarantees: a finding is accepted only if one single exception covers all of it, so two
//! exceptions never add up to more than each allows. An exception past its date accepts nothing.
//! An exception that accepted nothing is reported as unused.
//!
//! Assumptions: the caller supplies the time; this crate has no clock.

use crate::finding::{Finding, Location};

/// One accepted risk, as written in a `kobuk.dev/v1alpha1` `Exception` object.
#[derive(Clone, Debug, Default)]
pub struct Exception {
    /// `metadata.name`.
    pub name: Box<str>,
    /// `spec.owner`: who answers for it.
    pub owner: Box<str>,
    /// `spec.reason`: why the risk is accepted.
    pub reason: Box<str>,
    /// `spec.expires` as written.
    pub expires: Box<str>,
    /// The same instant in seconds since 1970-01-01T00:00:00Z.
    pub expires_unix: i64,
    /// `spec.findings`: finding codes or names of vulnerabilities, exact or with `*`.
    pub findings: Vec<Box<str>>,
    /// `spec.controls`: control ids.
    pub controls: Vec<Box<str>>,
    /// `spec.scope`: all given lists must match; an empty list is no constraint.
    pub scope: ExceptionScope,
    /// Where the object stands.
    pub location: Location,
}

/// Which objects an exception is about. Patterns are exact or contain `*`.
#[derive(Clone, Debug, Default)]
pub struct ExceptionScope {
    /// `scope.kinds`.
    pub kinds: Vec<Box<str>>,
    /// `scope.namespaces`.
    pub namespaces: Vec<Box<str>>,
    /// `scope.names`.
    pub names: Vec<Box<str>>,
    /// `scope.containers`: names of containers, where the finding is about one.
    pub containers: Vec<Box<str>>,
    /// `scope.files`: path patterns.
    pub files: Vec<Box<str>>,
}

/// What one exception did in this run.
#[derive(Clone, Debug)]
pub struct ExceptionUse {
    /// The exception.
    pub exception: Exception,
    /// Whether its date has passed.
    pub expired: bool,
    /// Number of findings that it accepted, or would have accepted had it not expired.
    pub matched: usize,
}

impl Exception {
    /// Whether this exception alone covers the finding.
    pub fn covers(&self, finding: &Finding, path: &str) -> bool {
        let vulnerability = finding.property("vulnerability").unwrap_or(finding.rule.code);
        let named =
            self.findings.iter().any(|pattern| {
                let aliases =
                    finding.property("aliases").unwrap_or_default().split(' ').filter(|alias| !alias.is_empty());
                glob(pattern, finding.rule.code)
                    || glob(pattern, vulnerability)
                    || aliases.into_iter().any(|alias| glob(pattern, alias))
            }) || self.controls.iter().any(|id| finding.rule.serves.iter().any(|s| s.control.eq_ignore_ascii_case(id)));
        let scope = &self.scope;
        let subject = &finding.subject;
        named
            && any(&scope.kinds, &subject.kind)
            && any(&scope.namespaces, &subject.namespace)
            && any(&scope.names, &subject.name)
            && any(&scope.files, path)
            && (scope.containers.is_empty()
                || finding.property("container").is_some_and(|name| any(&scope.containers, name)))
    }
}

/// Splits findings into those that count and those that an exception accepts.
///
/// `now` is in seconds since 1970. Returns the findings that count, the accepted ones with the index
/// of the exception that accepts each, and what every exception did.
pub fn apply<'p>(
    findings: Vec<Finding>,
    exceptions: Vec<Exception>,
    now: i64,
    path: impl Fn(&Finding) -> &'p str,
) -> (Vec<Finding>, Vec<(Finding, usize)>, Vec<ExceptionUse>) {
    let mut uses: Vec<ExceptionUse> = exceptions
        .into_iter()
        .map(|exception| ExceptionUse { expired: exception.expires_unix < now, exception, matched: 0 })
        .collect();
    if uses.is_empty() {
        return (findings, Vec::new(), uses);
    }
    let mut counting = Vec::with_capacity(findings.len());
    let mut accepted = Vec::new();
    for finding in findings {
        let mut by = None;
        for (index, used) in uses.iter_mut().enumerate() {
            if used.exception.covers(&finding, path(&finding)) {
                used.matched += 1;
                if !used.expired && by.is_none() {
                    by = Some(index);
                }
            }
        }
        match by {
            Some(index) => accepted.push((finding, index)),
            None => counting.push(finding),
        }
    }
    (counting, accepted, uses)
}

/// Reads `YYYY-MM-DD` (the end of that day, UTC) or an RFC 3339 timestamp as seconds since 1970.
pub fn parse_date(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to)?;
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    if bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') || !(1..=12).contains(&month) {
        return None;
    }
    if day < 1 || day > days_in_month(year, month) {
        return None;
    }
    let midnight = days_from_civil(year, month, day) * 86_400;
    if bytes.len() == 10 {
        return Some(midnight + 86_399);
    }
    if !matches!(bytes.get(10), Some(b'T' | b't' | b' '))
        || bytes.get(13) != Some(&b':')
        || bytes.get(16) != Some(&b':')
    {
        return None;
    }
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let rest = text.get(19..)?;
    let zone = rest.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let offset = match zone.as_bytes() {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let at = text.len() - 5;
            let minutes = number(at, at + 2)? * 60 + number(at + 3, at + 5)?;
            if *sign == b'-' { -minutes * 60 } else { minutes * 60 }
        }
        _ => return None,
    };
    Some(midnight + hour * 3600 + minute * 60 + second - offset)
}

/// Formats seconds since 1970 as `YYYY-MM-DDTHH:MM:SSZ`.
pub fn format_date(unix: i64) -> String {
    let days = unix.div_euclid(86_400);
    let second = unix.rem_euclid(86_400);
    let (year, month, day) = civil_from_days(days);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

/// Whether `text` matches `pattern`, in which `*` stands for any run of characters. Linear time.
pub fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(first) = parts.next() else { return false };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut last = None;
    for part in parts {
        if let Some(middle) = last.replace(part) {
            let middle: &str = middle;
            let Some(at) = rest.find(middle) else { return false };
            rest = &rest[at + middle.len()..];
        }
    }
    match last {
        None => rest.is_empty(),
        Some(end) => rest.ends_with(end),
    }
}

fn any(patterns: &[Box<str>], text: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| glob(pattern, text))
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, counting years from March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_means_the_end_of_that_day() {
        assert_eq!(parse_date("1970-01-01"), Some(86_399));
        assert_eq!(parse_date("2027-01-31T12:00:00Z"), Some(1_801_396_800));
        assert_eq!(parse_date("2027-01-31T12:00:00.5+02:00"), Some(1_801_396_800 - 7200));
        assert_eq!(format_date(1_801_396_800), "2027-01-31T12:00:00Z");
    }

    #[test]
    fn nonsense_dates_are_refused() {
        for text in [
            "",
            "never",
            "2027-02-29",
            "2027-13-01",
            "27-01-01",
            "2027-01-01T25:00:00Z",
            "2027-01-01T10:00:00",
            "２０２７-01-01",
        ] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }

    #[test]
    fn globs_match_whole_words() {
        assert!(glob("pod-security-*", "pod-security-host-ports"));
        assert!(glob("*", ""));
        assert!(glob("a*b*c", "axxbyyc"));
        assert!(!glob("a*b*c", "axxbyy"));
        assert!(!glob("abc", "abcd"));
        assert!(!glob("a*a", "a"));
    }
}
