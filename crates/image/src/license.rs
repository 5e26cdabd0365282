//! Licences in the words of package managers, as SPDX expressions.

mod detect;

pub use detect::detect;

/// A declared licence as SPDX expressions where it can be made some, and as the declared words otherwise. Nothing gives an
/// empty list.
pub fn normalise(declared: &str) -> Vec<Box<str>> {
    let declared = declared.trim().trim_matches(['"', '\'']).trim();
    if declared.is_empty() || NOTHING.iter().any(|word| declared.eq_ignore_ascii_case(word)) {
        return Vec::new();
    }
    if declared.len() > WORDS_BYTES_MAX {
        return long(declared);
    }
    if let Some(license) = one(declared) {
        return vec![license.into()];
    }
    match expression(declared) {
        Some(expression) => vec![expression],
        None => vec![declared.into()],
    }
}

/// A whole text of a licence where its name belongs, or an expression of many licences.
fn long(declared: &str) -> Vec<Box<str>> {
    if declared.len() <= EXPRESSION_BYTES_MAX
        && let Some(expression) = expression(declared)
    {
        return vec![expression];
    }
    let detected = detect(declared.as_bytes());
    if !detected.is_empty() {
        return detected;
    }
    // Its beginning says more than nothing, and the sign that there is more.
    let end = (0..=WORDS_BYTES_MAX).rev().find(|end| declared.is_char_boundary(*end)).unwrap_or(0);
    vec![format!("{}…", declared.get(..end).unwrap_or("").trim()).into()]
}

/// Declared words as an expression, where they can be made one.
fn expression(declared: &str) -> Option<Box<str>> {
    if spdx::Expression::parse(declared).is_ok() {
        return Some(declared.into());
    }
    // `GPL-2+ and MIT`, `Apache-2.0 OR BSD`: each word by itself, when all of them are known.
    if declared.contains(['(', ')']) {
        // What brackets bind together cannot be told word by word.
        return None;
    }
    let spaced = declared.replace(" / ", " OR ").replace(',', " AND ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut expression: Vec<String> = Vec::new();
    for part in words.split_inclusive(|word| is_operator(word)) {
        let (name, operator) = match part.split_last() {
            Some((last, name)) if is_operator(last) => (name, Some(last.to_ascii_uppercase())),
            _ => (part, None),
        };
        match one(&name.join(" ")) {
            Some(license) => expression.push(license.to_owned()),
            None if name.is_empty() => {}
            None => return None,
        }
        expression.extend(operator);
    }
    let expression = expression.join(" ");
    spdx::Expression::parse(&expression).is_ok().then(|| expression.into())
}

/// One licence by its SPDX identifier or by another name.
fn one(name: &str) -> Option<&'static str> {
    if let Some(id) = spdx::license_id(name) {
        return Some(id.name);
    }
    let key: String = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '.'))
        .collect::<String>()
        .to_ascii_lowercase();
    let key = key.strip_prefix("the").unwrap_or(&key);
    let key = key.replace("version", "v");
    let key = key.strip_suffix("license").or_else(|| key.strip_suffix("licence")).unwrap_or(&key);
    ALIASES.iter().find(|(alias, _)| *alias == key).map(|(_, id)| *id)
}

fn is_operator(word: &str) -> bool {
    word.eq_ignore_ascii_case("and") || word.eq_ignore_ascii_case("or")
}

/// What stands for no statement.
const NOTHING: &[&str] = &["unknown", "none", "noassertion", "n/a", "-", "license", "see license", "other", "custom"];

/// Longer texts are the licence itself, not its name.
const WORDS_BYTES_MAX: usize = 500;

/// Expressions of the packages with the most licences have some two thousand bytes.
const EXPRESSION_BYTES_MAX: usize = 16 << 10;

/// Other names, in lower case without anything but letters, digits, `+` and `.`, and without the word license. Names
/// without a version are those of families, and stay as they were declared.
const ALIASES: &[(&str, &str)] = &[
    ("mit", "MIT"),
    ("expat", "MIT"),
    ("mitx11", "MIT"),
    ("x11", "X11"),
    ("isc", "ISC"),
    ("apachev2.0", "Apache-2.0"),
    ("apachesoftwarev2.0", "Apache-2.0"),
    ("apachesoftwarelicensev2.0", "Apache-2.0"),
    ("apachelicensev2", "Apache-2.0"),
    ("zlib", "Zlib"),
    ("unlicense", "Unlicense"),
    ("apache2", "Apache-2.0"),
    ("apache2.0", "Apache-2.0"),
    ("asl2.0", "Apache-2.0"),
    ("apacheversion2.0", "Apache-2.0"),
    ("apachesoftwareversion2.0", "Apache-2.0"),
    ("apachelicense2.0", "Apache-2.0"),
    ("apachelicenseversion2.0", "Apache-2.0"),
    ("apachelicensev2.0", "Apache-2.0"),
    ("bsd3", "BSD-3-Clause"),
    ("bsd3clause", "BSD-3-Clause"),
    ("newbsd", "BSD-3-Clause"),
    ("modifiedbsd", "BSD-3-Clause"),
    ("bsd2", "BSD-2-Clause"),
    ("bsd2clause", "BSD-2-Clause"),
    ("simplifiedbsd", "BSD-2-Clause"),
    ("bsd4clause", "BSD-4-Clause"),
    ("gpl1", "GPL-1.0-only"),
    ("gpl1+", "GPL-1.0-or-later"),
    ("gpl+", "GPL-1.0-or-later"),
    ("gpl2", "GPL-2.0-only"),
    ("gplv2", "GPL-2.0-only"),
    ("gpl2.0", "GPL-2.0-only"),
    ("gpl2+", "GPL-2.0-or-later"),
    ("gplv2+", "GPL-2.0-or-later"),
    ("gpl2.0+", "GPL-2.0-or-later"),
    ("gpl3", "GPL-3.0-only"),
    ("gplv3", "GPL-3.0-only"),
    ("gpl3.0", "GPL-3.0-only"),
    ("gpl3+", "GPL-3.0-or-later"),
    ("gplv3+", "GPL-3.0-or-later"),
    ("gpl3.0+", "GPL-3.0-or-later"),
    ("lgpl2", "LGPL-2.0-only"),
    ("lgpl2+", "LGPL-2.0-or-later"),
    ("lgplv2", "LGPL-2.0-only"),
    ("lgplv2+", "LGPL-2.0-or-later"),
    ("lgpl2.1", "LGPL-2.1-only"),
    ("lgplv2.1", "LGPL-2.1-only"),
    ("lgpl2.1+", "LGPL-2.1-or-later"),
    ("lgplv2.1+", "LGPL-2.1-or-later"),
    ("lgpl3", "LGPL-3.0-only"),
    ("lgplv3", "LGPL-3.0-only"),
    ("lgpl3+", "LGPL-3.0-or-later"),
    ("lgplv3+", "LGPL-3.0-or-later"),
    ("agpl3", "AGPL-3.0-only"),
    ("agplv3", "AGPL-3.0-only"),
    ("agpl3+", "AGPL-3.0-or-later"),
    ("mpl1.1", "MPL-1.1"),
    ("mpl2", "MPL-2.0"),
    ("mpl2.0", "MPL-2.0"),
    ("mplv2.0", "MPL-2.0"),
    ("mozillapublic2.0", "MPL-2.0"),
    ("artistic", "Artistic-1.0-Perl"),
    ("artistic2", "Artistic-2.0"),
    ("artistic2.0", "Artistic-2.0"),
    ("psf", "PSF-2.0"),
    ("python", "Python-2.0"),
    ("pythonsoftwarefoundation", "PSF-2.0"),
    ("psf2", "PSF-2.0"),
    ("boost", "BSL-1.0"),
    ("bsl1.0", "BSL-1.0"),
    ("cc0", "CC0-1.0"),
    ("cc01.0", "CC0-1.0"),
    ("openssl", "OpenSSL"),
    ("ofl1.1", "OFL-1.1"),
    ("epl1.0", "EPL-1.0"),
    ("eclipsepublic1.0", "EPL-1.0"),
    ("epl2.0", "EPL-2.0"),
    ("eclipsepublicv2.0", "EPL-2.0"),
    ("wtfpl", "WTFPL"),
    ("postgresql", "PostgreSQL"),
    ("ruby", "Ruby"),
    ("vim", "Vim"),
    ("bzip2", "bzip2-1.0.6"),
    ("curl", "curl"),
    ("0bsd", "0BSD"),
    ("gfdl1.3+", "GFDL-1.3-or-later"),
    ("gfdl1.3", "GFDL-1.3-only"),
    ("zpl2.1", "ZPL-2.1"),
    ("hpnd", "HPND"),
];

#[cfg(test)]
mod tests {
    use super::normalise;

    #[test]
    fn other_names_become_expressions_and_unknown_words_stay() {
        for (declared, expect) in [
            ("MIT", "MIT"),
            ("mit license", "MIT"),
            ("The Apache Software License, Version 2.0", "Apache-2.0"),
            ("GPLv2+ and MIT", "GPL-2.0-or-later AND MIT"),
            ("GPL-2+", "GPL-2.0-or-later"),
            ("MIT OR Apache-2.0", "MIT OR Apache-2.0"),
            ("MIT/Apache-2.0", "MIT OR Apache-2.0"),
            ("Expat", "MIT"),
            ("Our Own Terms", "Our Own Terms"),
            ("(GPLv2+ or MIT) and BSD", "(GPLv2+ or MIT) and BSD"),
            ("BSD", "BSD"),
            ("GPL", "GPL"),
            ("LGPL", "LGPL"),
            ("MIT and BSD", "MIT and BSD"),
            ("Apache Software License", "Apache Software License"),
        ] {
            assert_eq!(normalise(declared), [expect.into()], "{declared}");
        }
        let long = ["MIT"; 200].join(" AND ");
        assert_eq!(normalise(&long), [long.as_str().into()]);
        let fedora = ["MIT", "GPLv2+"].repeat(100).join(" and ");
        assert!(normalise(&fedora)[0].ends_with("AND MIT AND GPL-2.0-or-later"));
        let text = format!("Apache License\n Version 2.0, January 2004\n{}", "terms ".repeat(500));
        assert_eq!(normalise(&text), ["Apache-2.0".into()]);
        let own = normalise(&"our own terms ".repeat(100));
        assert!(own[0].ends_with('…') && own[0].len() < 600);
        assert!(normalise("UNKNOWN").is_empty() && normalise(" ").is_empty());
    }
}
