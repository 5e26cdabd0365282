//! Named formats: names, labels and the formats of OpenAPI.

use std::any::Any;

use super::super::arguments::{opaque, text};
use super::super::encoders::decode_standard;
use super::url;
use crate::decl::{Library, Run};
use crate::fault::Fault;
use crate::types::Type;
use crate::value::{Opaque, Value};

/// `format.named`, `validate`, and a function for every format.
pub fn formats() -> Library {
    let of = Type::opaque(TYPE);
    let problems = Type::optional(Type::list(Type::String));
    let mut library = Library::default()
        .method("validate", "format-validate", &[of.clone(), Type::String], problems, |context, args| {
            let (format, source) = (opaque::<Format>(args, 0)?, text(args, 1)?);
            let problems = (format.problems)(source);
            if problems.is_empty() {
                return Ok(Value::none());
            }
            context.allocate(problems.iter().map(String::len).sum())?;
            Ok(Value::some(Value::list(problems.into_iter().map(Value::string).collect::<Vec<_>>())))
        })
        .function("format.named", "format-named", &[Type::String], Type::optional(of.clone()), |_, args| {
            let name = text(args, 0)?;
            let found = FORMATS.iter().find(|(short, ..)| *short == name);
            Ok(found.map_or(Value::none(), |(_, format, _)| Value::some(Value::opaque(*format))))
        });
    for (name, (_, _, run)) in FUNCTIONS.iter().zip(&FORMATS) {
        library = library.function(name, name, &[], of.clone(), *run);
    }
    library
}

const TYPE: &str = "kubernetes.NamedFormat";

/// A format.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    name: &'static str,
    /// What is wrong with a text; nothing if it has the format.
    problems: fn(&str) -> Vec<String>,
    /// Length of the regular expression that the cost of a check is estimated by.
    pub regex_size: u64,
}

impl Opaque for Format {
    fn type_name(&self) -> &'static str {
        TYPE
    }

    fn equals(&self, other: &dyn Opaque) -> bool {
        other.as_any().downcast_ref::<Format>().is_some_and(|other| self.name == other.name)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn describe(&self) -> String {
        format!(
            "format.{}()",
            FORMATS.iter().find(|(_, format, _)| format.name == self.name).map_or("", |found| found.0)
        )
    }
}

/// A short name, the format, and the function that returns it.
type Named = (&'static str, Format, Run);

macro_rules! named {
    ($short:literal, $name:literal, $size:literal, $problems:expr) => {{
        const FORMAT: Format = Format { name: $name, problems: $problems, regex_size: $size };
        ($short, FORMAT, |_, _| Ok(Value::opaque(FORMAT)))
    }};
}

const FORMATS: [Named; 13] = [
    named!("dns1123Label", "DNS1123Label", 30, dns1123_label),
    named!("dns1123Subdomain", "DNS1123Subdomain", 60, dns1123_subdomain),
    named!("dns1035Label", "DNS1035Label", 30, dns1035_label),
    named!("qualifiedName", "QualifiedName", 60, qualified_name),
    named!("dns1123LabelPrefix", "DNS1123LabelPrefix", 30, |source| dns1123_label(&masked(source))),
    named!("dns1123SubdomainPrefix", "DNS1123SubdomainPrefix", 60, |source| dns1123_subdomain(&masked(source))),
    named!("dns1035LabelPrefix", "DNS1035LabelPrefix", 30, |source| dns1035_label(&masked(source))),
    named!("labelValue", "LabelValue", 40, label_value),
    named!("uri", "URI", 1103, |source| url::check_request(source).err().into_iter().collect()),
    named!("uuid", "uuid", 84, |source| unless(is_uuid(source), "does not match the UUID format")),
    named!("byte", "byte", 84, |source| unless(is_base64(source), "invalid base64")),
    named!("date", "date", 92, |source| unless(is_date(source), "invalid date")),
    named!("datetime", "datetime", 92, |source| unless(is_datetime(source), "invalid datetime")),
];

/// Names of the functions, in the order of [`FORMATS`].
const FUNCTIONS: [&str; 13] = [
    "format.dns1123Label",
    "format.dns1123Subdomain",
    "format.dns1035Label",
    "format.qualifiedName",
    "format.dns1123LabelPrefix",
    "format.dns1123SubdomainPrefix",
    "format.dns1035LabelPrefix",
    "format.labelValue",
    "format.uri",
    "format.uuid",
    "format.byte",
    "format.date",
    "format.datetime",
];

fn unless(right: bool, problem: &str) -> Vec<String> {
    if right { Vec::new() } else { vec![problem.to_owned()] }
}

/// A dash at the end of a prefix takes a letter's place, for something follows. As there, the letter before
/// it is lost.
fn masked(source: &str) -> String {
    match source.strip_suffix('-') {
        Some(rest) if !rest.is_empty() => {
            let mut masked = rest.to_owned();
            masked.pop();
            masked.push('a');
            masked
        }
        _ => source.to_owned(),
    }
}

/// `[a-z0-9]([-a-z0-9]*[a-z0-9])?`
fn is_label(source: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    edge(source.as_bytes().first())
        && edge(source.as_bytes().last())
        && source.bytes().all(|byte| byte == b'-' || byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn is_subdomain(source: &str) -> bool {
    source.split('.').all(is_label)
}

/// `([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]`
fn is_name(source: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    edge(source.as_bytes().first())
        && edge(source.as_bytes().last())
        && source.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// What is wrong with a label of DNS.
pub(crate) fn dns1123_label(source: &str) -> Vec<String> {
    let mut problems = too_long(source, LABEL_MAX, "characters");
    if !is_label(source) {
        problems.push(if is_subdomain(source) {
            "must not contain dots".to_owned()
        } else {
            unlike(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end \
                 with an alphanumeric character",
                LABEL,
                "'my-name',  or '123-abc', ",
            )
        });
    }
    problems
}

/// What is wrong with a subdomain.
pub(crate) fn dns1123_subdomain(source: &str) -> Vec<String> {
    subdomain(source, "characters")
}

fn subdomain(source: &str, unit: &str) -> Vec<String> {
    let mut problems = too_long(source, SUBDOMAIN_MAX, unit);
    if !is_subdomain(source) {
        let rule = format!("{LABEL}(\\.{LABEL})*");
        problems.push(unlike(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and \
             end with an alphanumeric character",
            &rule,
            "'example.com', ",
        ));
    }
    problems
}

fn dns1035_label(source: &str) -> Vec<String> {
    let mut problems = too_long(source, LABEL_MAX, "characters");
    if !is_label(source) || !source.starts_with(|char: char| char.is_ascii_lowercase()) {
        problems.push(unlike(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and \
             end with an alphanumeric character",
            "[a-z]([-a-z0-9]*[a-z0-9])?",
            "'my-name',  or 'abc-123', ",
        ));
    }
    problems
}

fn qualified_name(source: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let rule = || {
        unlike(
            "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
            NAME,
            "'MyName',  or 'my.name',  or '123-abc', ",
        )
    };
    let name = match source.split_once('/') {
        None => source,
        Some((_, name)) if name.contains('/') => {
            return vec![format!(
                "a valid label key {} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
                rule()
            )];
        }
        Some(("", name)) => {
            problems.push("prefix part must be non-empty".to_owned());
            name
        }
        Some((prefix, name)) => {
            problems.extend(subdomain(prefix, "bytes").iter().map(|problem| format!("prefix part {problem}")));
            name
        }
    };
    if name.is_empty() {
        problems.push("name part must be non-empty".to_owned());
    }
    problems.extend(too_long(name, LABEL_MAX, "bytes").iter().map(|problem| format!("name part {problem}")));
    if !is_name(name) {
        problems.push(format!("name part {}", rule()));
    }
    problems
}

fn label_value(source: &str) -> Vec<String> {
    let mut problems = too_long(source, LABEL_MAX, "bytes");
    if !source.is_empty() && !is_name(source) {
        problems.push(unlike(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and \
             end with an alphanumeric character",
            &format!("({NAME})?"),
            "'MyValue',  or 'my_value',  or '12345', ",
        ));
    }
    problems
}

fn too_long(source: &str, max: usize, unit: &str) -> Vec<String> {
    unless(source.len() <= max, &format!("must be no more than {max} {unit}"))
}

fn unlike(rule: &str, regex: &str, examples: &str) -> String {
    format!("{rule} (e.g. {examples}regex used for validation is '{regex}')")
}

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const NAME: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL_MAX: usize = 63;
const SUBDOMAIN_MAX: usize = 253;

/// 32 hexadecimal digits, with hyphens or without after the 8th, 12th, 16th and 20th.
fn is_uuid(source: &str) -> bool {
    let mut rest = source;
    for (index, digits) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if index > 0 {
            rest = rest.strip_prefix('-').unwrap_or(rest);
        }
        let Some((group, after)) = rest.split_at_checked(digits) else { return false };
        if !group.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return false;
        }
        rest = after;
    }
    rest.is_empty()
}

/// Whole groups, the last one padded; nothing is no base64.
fn is_base64(source: &str) -> bool {
    !source.is_empty() && !source.contains(['\n', '\r']) && decode_standard(source.as_bytes(), true).is_ok()
}

/// `2006-01-02`, a day that there is.
fn is_date(source: &str) -> bool {
    let bytes = source.as_bytes();
    let digits = |range: std::ops::Range<usize>| -> Option<i64> {
        let part = source.get(range)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten()
    };
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return false;
    }
    let (Some(year), Some(month), Some(day)) = (digits(0..4), digits(5..7), digits(8..10)) else { return false };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}

/// A date, `t` and `12:34:56`, a fraction after any character, and `z` or `+12:34`.
fn is_datetime(source: &str) -> bool {
    let lower = source.to_lowercase();
    let mut parts = lower.split('t');
    let (Some(date), Some(time)) = (parts.next(), parts.next()) else { return false };
    if source.len() < 4 || !is_date(date) {
        return false;
    }
    let two = |text: &str, max: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit()) && text <= max;
    let clock = |text: &str, most: &str| -> bool {
        let mut fields = text.split(':');
        fields.next().is_some_and(|hour| two(hour, most))
            && fields.all(|field| two(field, if most == "23" { "59" } else { most }))
    };
    let Some((hms, rest)) = time.split_at_checked(8) else { return false };
    if hms.matches(':').count() != 2 || !clock(hms, "23") {
        return false;
    }
    let is_zone = |zone: &str| {
        zone == "z"
            || zone
                .strip_prefix(['+', '-'])
                .is_some_and(|zone| zone.len() == 5 && zone.matches(':').count() == 1 && clock(zone, "99"))
    };
    let mut chars = rest.chars();
    let fraction = chars.next().filter(|char| *char != '\n').map(|_| chars.as_str());
    let after_digits = fraction.map(|digits| (digits, digits.trim_start_matches(|char: char| char.is_ascii_digit())));
    is_zone(rest) || after_digits.is_some_and(|(digits, zone)| digits.len() > zone.len() && is_zone(zone))
}

/// Whether a name may be that of a service account, and a namespace that of one.
pub(crate) fn check_service_account(namespace: &str, name: &str) -> Result<(), Fault> {
    if !dns1123_subdomain(name).is_empty() {
        return Err(Fault::error("Invalid service account name"));
    }
    if !dns1123_label(namespace).is_empty() {
        return Err(Fault::error("Invalid service account namespace"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_api_server() {
        assert_eq!(dns1123_label("a.b"), ["must not contain dots"]);
        assert_eq!(
            dns1123_label("A"),
            [
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end \
              with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
              '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
            ]
        );
        assert_eq!(dns1123_subdomain(&"a".repeat(254)), ["must be no more than 253 characters"]);
        assert_eq!(label_value(&"a".repeat(64)), ["must be no more than 63 bytes"]);
        assert_eq!(qualified_name("/a"), ["prefix part must be non-empty"]);
    }

    #[test]
    fn dates_and_times() {
        assert!(is_date("2024-02-29") && !is_date("2023-02-29") && !is_date("2023-2-28"));
        for right in ["2021-01-01T00:00:00Z", "2021-01-01t23:59:59.123z", "2021-01-01T00:00:00+99:99"] {
            assert!(is_datetime(right), "{right}");
        }
        for wrong in [
            "2021-01-01",
            "2021-01-01T24:00:00Z",
            "2021-01-01T00:00:60Z",
            "2021-01-01T00:00:00",
            "2021-01-01T00:00:00.Z",
        ] {
            assert!(!is_datetime(wrong), "{wrong}");
        }
        assert!(is_uuid("123e4567e89b-12d3A456-426614174000") && !is_uuid("123e4567--e89b-12d3-a456-426614174000"));
        assert!(is_base64("aGVsbG8=") && !is_base64("aGVsbG8") && !is_base64(""));
    }
}
