//! Licenses as bills of materials write them: identifiers, expressions, and words that are neither.

/// What a declared license is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum License<'a> {
    /// An identifier of the SPDX list.
    Id(&'a str),
    /// An SPDX expression of several.
    Expression(&'a str),
    /// Other words.
    Words(&'a str),
}

/// Tells them apart. Expressions are what the SPDX grammar accepts in strict mode.
pub(super) fn license(text: &str) -> License<'_> {
    let text = text.trim();
    if super::cyclonedx::license_id(text) {
        License::Id(text)
    } else if text.len() <= EXPRESSION_BYTES_MAX && spdx::Expression::parse(text).is_ok() {
        License::Expression(text)
    } else {
        License::Words(text)
    }
}

/// All licenses as one SPDX expression, where words become `LicenseRef-…`. `None` where there are none.
pub(super) fn expression(licenses: &[Box<str>]) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    for text in licenses.iter().filter(|text| !text.trim().is_empty()) {
        let part = match license(text) {
            License::Id(id) => id.to_owned(),
            License::Expression(expression) if licenses.len() > 1 && expression.contains(' ') => {
                format!("({expression})")
            }
            License::Expression(expression) => expression.to_owned(),
            License::Words(words) => reference(words),
        };
        if !parts.contains(&part) && parts.len() < PARTS_MAX {
            parts.push(part);
        }
    }
    (!parts.is_empty()).then(|| parts.join(" AND "))
}

/// The `LicenseRef-…` of words: their letters and digits, and enough of their hash that no two are the same.
pub(super) fn reference(words: &str) -> String {
    let mut name = String::new();
    for c in words.chars().take(REFERENCE_CHARS_MAX) {
        match c {
            c if c.is_ascii_alphanumeric() || c == '.' => name.push(c),
            _ if name.ends_with('-') || name.is_empty() => {}
            _ => name.push('-'),
        }
    }
    format!("LicenseRef-{}-{}", name.trim_matches('-'), super::identity::short(words)).replace("--", "-")
}

/// The longest expressions of real packages have some thousand characters.
const EXPRESSION_BYTES_MAX: usize = 4 * 1024;
/// Copyright files of Debian name up to some dozens; an expression of more tells nobody anything.
const PARTS_MAX: usize = 256;
/// Characters of a license's words that its reference keeps.
const REFERENCE_CHARS_MAX: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_expressions_and_words_are_told_apart() {
        assert_eq!(license("MIT"), License::Id("MIT"));
        assert_eq!(license("MIT OR Apache-2.0"), License::Expression("MIT OR Apache-2.0"));
        assert_eq!(license("LicenseRef-x"), License::Expression("LicenseRef-x"));
        assert_eq!(license("Perl Artistic"), License::Words("Perl Artistic"));
        let all = expression(&["MIT OR ISC".into(), "MIT".into(), "Do what\u{1b}[31m".into()]).unwrap_or_default();
        assert!(all.starts_with("(MIT OR ISC) AND MIT AND LicenseRef-Do-what-31m-"), "{all}");
        assert!(spdx::Expression::parse(&all).is_ok(), "{all}");
        assert!(spdx::Expression::parse(&reference("\u{1f600}")).is_ok(), "{}", reference("\u{1f600}"));
    }
}
