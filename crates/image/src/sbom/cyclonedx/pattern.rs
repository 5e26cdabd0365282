//! Patterns and formats of strings in CycloneDX.

/// A pattern that a string must match from end to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    UrnUuid,
    Line,
    Mime,
    Hash,
    Locale,
    BomLinkDocument,
    BomLinkElement,
    Cre,
    Patent,
    Country,
}

/// A format that a string must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    DateTime,
    Date,
    IriReference,
    Uri,
    Email,
}

impl Pattern {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "urn-uuid" => Pattern::UrnUuid,
            "line" => Pattern::Line,
            "mime" => Pattern::Mime,
            "hash" => Pattern::Hash,
            "locale" => Pattern::Locale,
            "bom-link-document" => Pattern::BomLinkDocument,
            "bom-link-element" => Pattern::BomLinkElement,
            "cre" => Pattern::Cre,
            "patent" => Pattern::Patent,
            "country" => Pattern::Country,
            _ => return None,
        })
    }

    pub(super) fn matches(self, text: &str) -> bool {
        match self {
            Pattern::UrnUuid => text.strip_prefix("urn:uuid:").is_some_and(uuid),
            Pattern::Line => !text.contains(['\n', '\r', '\u{2028}', '\u{2029}']),
            Pattern::Mime => text.split_once('/').is_some_and(|(a, b)| media(a) && media(b)),
            Pattern::Hash => {
                matches!(text.len(), 32 | 40 | 64 | 96 | 128) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
            }
            Pattern::Locale => match text.split_once('-') {
                Some((language, country)) => small(language) && large(country),
                None => small(text),
            },
            Pattern::BomLinkDocument => bom_link(text),
            Pattern::BomLinkElement => text.split_once('#').is_some_and(|(document, element)| {
                bom_link(document) && !element.is_empty() && Pattern::Line.matches(element)
            }),
            Pattern::Cre => text
                .strip_prefix("CRE:")
                .and_then(|rest| rest.split_once('-'))
                .is_some_and(|(a, b)| digits(a) && digits(b)),
            Pattern::Patent => patent(text),
            Pattern::Country => large(text),
        }
    }

    /// What it wants, for people.
    pub(super) fn wants(self) -> &'static str {
        match self {
            Pattern::UrnUuid => "`urn:uuid:` and a UUID in lower case",
            Pattern::Line => "a single line",
            Pattern::Mime => "a media type in lower case",
            Pattern::Hash => "32, 40, 64, 96 or 128 hexadecimal digits",
            Pattern::Locale => "a language such as `en` or `en-US`",
            Pattern::BomLinkDocument => "`urn:cdx:`, a UUID, `/` and a version",
            Pattern::BomLinkElement => "`urn:cdx:`, a UUID, `/`, a version, `#` and a reference",
            Pattern::Cre => "`CRE:` and two numbers with a dash",
            Pattern::Patent => "2 to 30 letters, digits, `-`, `/`, `.`, brackets or spaces",
            Pattern::Country => "two capital letters",
        }
    }
}

fn media(text: &str) -> bool {
    let plain = |byte: u8| matches!(byte, b'-' | b'+' | b'a'..=b'z' | b'0'..=b'9' | b'.');
    !text.is_empty() && text.bytes().all(plain)
}

fn small(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn large(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn uuid(text: &str) -> bool {
    let hex = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    text.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && text.split('-').all(hex)
}

fn bom_link(text: &str) -> bool {
    let Some((id, version)) = text.strip_prefix("urn:cdx:").and_then(|rest| rest.split_once('/')) else { return false };
    uuid(id) && digits(version) && !version.starts_with('0')
}

fn patent(text: &str) -> bool {
    let end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '/' | '.' | '(' | ')') || c.is_whitespace();
    let count = text.chars().count();
    (2..=30).contains(&count) && end(text.chars().next()) && end(text.chars().next_back()) && text.chars().all(inner)
}

impl Format {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "date-time" => Format::DateTime,
            "date" => Format::Date,
            "iri-reference" => Format::IriReference,
            "uri" => Format::Uri,
            "idn-email" => Format::Email,
            _ => return None,
        })
    }

    pub(super) fn matches(self, text: &str) -> bool {
        match self {
            Format::DateTime => date_time(text),
            Format::Date => date(text),
            Format::IriReference => iri_reference(text),
            Format::Uri => text.is_ascii() && iri_reference(text) && scheme(text),
            Format::Email => text.split_once('@').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty()),
        }
    }

    /// What it wants, for people.
    pub(super) fn wants(self) -> &'static str {
        match self {
            Format::DateTime => "a time such as `2024-02-29T12:00:00Z`",
            Format::Date => "a day such as `2024-02-29`",
            Format::IriReference => "an address",
            Format::Uri => "an address with its scheme",
            Format::Email => "an e-mail address",
        }
    }
}

/// RFC 3339, letters in either case, without leap seconds.
fn date_time(text: &str) -> bool {
    let Some((day, time)) = text.split_once(['T', 't']) else { return false };
    let Some(clock) = time.get(..8) else { return false };
    let rest = time.get(8..).unwrap_or_default();
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => {
            let end = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
            if end == 0 {
                return false;
            }
            fraction.get(end..).unwrap_or_default()
        }
        None => rest,
    };
    let zone = match rest.strip_prefix(['+', '-']) {
        Some(offset) => hours_minutes(offset),
        None => rest.eq_ignore_ascii_case("z"),
    };
    let seconds = clock.get(5..).is_some_and(|text| text.starts_with(':') && two(text.get(1..), 59));
    date(day) && clock.get(..5).is_some_and(hours_minutes) && seconds && zone
}

fn hours_minutes(text: &str) -> bool {
    text.split_once(':').is_some_and(|(hours, minutes)| two(Some(hours), 23) && two(Some(minutes), 59))
}

fn two(text: Option<&str>, most: u32) -> bool {
    text.is_some_and(|text| text.len() == 2 && digits(text) && text.parse::<u32>().is_ok_and(|number| number <= most))
}

fn date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    if !(digits(year) && digits(month) && digits(day) && year.len() == 4 && month.len() == 2 && day.len() == 2) {
        return false;
    }
    let (Ok(year), Ok(month), Ok(day)) = (year.parse::<u32>(), month.parse::<u32>(), day.parse::<u32>()) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => return false,
    };
    year > 0 && (1..=last).contains(&day)
}

/// RFC 3987: only characters that an address has, percent signs with two digits, at most one `#`, and no colon in the
/// first segment that is not the end of a scheme. Brackets are for IP addresses behind `//` alone.
fn iri_reference(text: &str) -> bool {
    let bytes = text.as_bytes();
    let hex = |index: usize| bytes.get(index).is_some_and(u8::is_ascii_hexdigit);
    let Some(literal) = ip_literal(text) else { return false };
    let (mut fragments, mut in_query) = (0, false);
    for (index, c) in text.char_indices() {
        let fine = match c {
            '%' => hex(index + 1) && hex(index + 2),
            '#' => {
                fragments += 1;
                fragments == 1
            }
            '?' => {
                in_query = true;
                true
            }
            '[' | ']' => literal.contains(&index),
            c if c.is_ascii() => c.is_ascii_alphanumeric() || "-._~:/@!$&'()*+,;=".contains(c),
            c => beyond_ascii(c, in_query && fragments == 0),
        };
        if !fine {
            return false;
        }
    }
    let segment = text.split(['/', '?', '#']).next().unwrap_or_default();
    !segment.contains(':') || scheme(text)
}

/// Letters of other scripts; characters for private use in the query alone.
fn beyond_ascii(c: char, in_query: bool) -> bool {
    let code = u32::from(c);
    match code {
        0xa0..=0xd7ff | 0xf900..=0xfdcf | 0xfdf0..=0xffef => true,
        0xe000..=0xf8ff | 0xf_0000..=0x10_ffff => in_query && code & 0xffff < 0xfffe,
        0x1_0000.. => code & 0xffff < 0xfffe && !(0xe_0000..0xe_1000).contains(&code),
        _ => false,
    }
}

/// The authority of an address with its place in the text, where there is one: behind `//` at the start or after the
/// scheme.
fn authority(text: &str) -> Option<(usize, &str)> {
    let start = if scheme(text) { text.find(':').map_or(0, |at| at + 1) } else { 0 };
    let rest = text.get(start..)?.strip_prefix("//")?;
    Some((start + 2, rest.split(['/', '?', '#']).next().unwrap_or_default()))
}

/// Whether an authority is one, and where the brackets of an IP address stand in the text.
fn ip_literal(text: &str) -> Option<std::ops::Range<usize>> {
    let Some((start, authority)) = authority(text) else { return Some(0..0) };
    let (user, address) = authority.split_once('@').unwrap_or(("", authority));
    let start = start + authority.len() - address.len();
    let (end, port) = if address.starts_with('[') {
        let end = address.find(']')?;
        let inner = address.get(1..end).unwrap_or_default();
        if !inner.contains(':') || !inner.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, ':' | '.')) {
            return None;
        }
        (end + 1, address.get(end + 1..).unwrap_or_default())
    } else {
        (0, address.find(':').and_then(|at| address.get(at..)).unwrap_or_default())
    };
    let port_fine =
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    (port_fine && !address.contains('@') && !user.contains('[')).then_some(start..start + end)
}

fn scheme(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once(':') else { return false };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_and_formats_take_what_they_name() {
        let id = "0123abcd-0123-0123-0123-0123456789ab";
        for (pattern, good, bad) in [
            (Pattern::UrnUuid, format!("urn:uuid:{id}"), format!("urn:uuid:{}", id.to_uppercase())),
            (Pattern::Line, "one".into(), "one\ntwo".into()),
            (Pattern::Mime, "text/x-y+z".into(), "text/".into()),
            (Pattern::Hash, "aF".repeat(16), "aF".repeat(17)),
            (Pattern::Locale, "en-US".into(), "en-us".into()),
            (Pattern::BomLinkDocument, format!("urn:cdx:{id}/1"), format!("urn:cdx:{id}/01")),
            (Pattern::BomLinkElement, format!("urn:cdx:{id}/1#a"), format!("urn:cdx:{id}/1#")),
            (Pattern::Cre, "CRE:1-2".into(), "CRE:1-".into()),
            (Pattern::Patent, "US 10/1".into(), "-1".into()),
            (Pattern::Country, "US".into(), "USA".into()),
        ] {
            assert!(pattern.matches(&good) && !pattern.matches(&bad), "{pattern:?}");
        }
        for (format, good, bad) in [
            (Format::DateTime, "2024-02-29t12:00:00.5+01:30", "2023-02-29T12:00:00Z"),
            (Format::DateTime, "2024-12-31T23:59:59Z", "2024-12-31T23:59:59"),
            (Format::DateTime, "2024-12-31T23:59:59Z", "2024-12-31T23:59:59é"),
            (Format::Date, "2024-02-29", "2024-2-29"),
            (Format::IriReference, "../a?b#c", "a b"),
            (Format::IriReference, "https://[::1]:80/%C3", "https://x/%C"),
            (Format::IriReference, "https://u@[::1]", "https://["),
            (Format::IriReference, "https://x:/a:b", "https://x:80https://x"),
            (Format::IriReference, "//x/a", "1:a"),
            (Format::Uri, "urn:x", "x"),
            (Format::Email, "a@b", "a"),
        ] {
            assert!(format.matches(good) && !format.matches(bad), "{format:?}");
        }
    }
}
