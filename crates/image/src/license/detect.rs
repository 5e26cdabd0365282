//! Which licences a text is, or grants: told by phrases that only that licence has.
//!
//! A text is brought to its words in lower case, so that line breaks, bullets and quotes do not matter. One automaton finds
//! all phrases in one pass; then each licence asks for the phrases that it needs and for those that make it another one.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

/// The licences of a text, as SPDX identifiers, in the order in which they appear. Nothing known gives an empty list. Only
/// the first half a megabyte is read.
pub fn detect(text: &[u8]) -> Vec<Box<str>> {
    let words = words(text.get(..TEXT_BYTES_MAX).unwrap_or(text));
    let mut first: Vec<Option<usize>> = vec![None; PHRASES.len()];
    if let Some(automaton) = &*AUTOMATON {
        for hit in automaton.find_overlapping_iter(&words) {
            if let Some(place) = first.get_mut(hit.pattern().as_usize()) {
                place.get_or_insert(hit.start());
            }
        }
    }
    let place = |phrase: &str| first.get(PHRASES.iter().position(|known| *known == phrase)?).copied().flatten();
    let mut found: Vec<(usize, String)> = Vec::new();
    for rule in RULES {
        let places: Option<Vec<usize>> = rule.needs.iter().map(|phrase| place(phrase)).collect();
        if let Some(at) = places.and_then(|places| places.into_iter().min())
            && rule.but.iter().all(|phrase| place(phrase).is_none())
        {
            found.push((at, rule.id.to_owned()));
        }
    }
    grants(&words, &mut found);
    found.sort();
    let mut licenses: Vec<Box<str>> = Vec::new();
    for (_, id) in found {
        if !licenses.iter().any(|known| **known == *id) && licenses.len() < LICENSES_MAX {
            licenses.push(id.into());
        }
    }
    // A grant of any later version says more than the text of the one that comes with it.
    let later: Vec<String> = licenses.iter().filter_map(|id| Some(id.strip_suffix("-or-later")?.to_owned())).collect();
    licenses.retain(|id| id.strip_suffix("-only").is_none_or(|stem| !later.iter().any(|later| later == stem)));
    licenses
}

/// Letters and digits in lower case, everything else as one blank.
fn words(text: &[u8]) -> String {
    let mut words = String::with_capacity(text.len());
    let mut blank = true;
    for byte in text {
        match byte.is_ascii_alphanumeric() {
            true => words.push(byte.to_ascii_lowercase() as char),
            false if !blank => words.push(' '),
            false => {}
        }
        blank = !byte.is_ascii_alphanumeric();
    }
    words
}

/// What the GNU licences are granted by: a version, and whether later ones may be taken too. Their own texts show how to
/// write that, at their end, which is no grant.
fn grants(words: &str, found: &mut Vec<(usize, String)>) {
    let end = words.find(HOW_TO_APPLY).unwrap_or(words.len());
    let words = words.get(..end).unwrap_or(words);
    for (at, _) in words.match_indices(" of the license or at your option any later version").take(GRANTS_MAX) {
        grant(words, at, "-or-later", found);
    }
    for (at, _) in words.match_indices(" of the license ").take(GRANTS_MAX) {
        if !words.get(at..).is_some_and(|rest| rest.starts_with(" of the license or ")) {
            grant(words, at, "-only", found);
        }
    }
}

/// `… general public license as published by the free software foundation either version 2` stands before.
fn grant(words: &str, at: usize, suffix: &str, found: &mut Vec<(usize, String)>) {
    let before = words.get(at.saturating_sub(GRANT_BYTES)..at).unwrap_or_default();
    let Some(version) = before.rfind(" version ").and_then(|from| before.get(from + " version ".len()..)) else {
        return;
    };
    let version = match version {
        "1" => "1.0",
        "2" | "2 0" => "2.0",
        "2 1" => "2.1",
        "3" | "3 0" => "3.0",
        _ => return,
    };
    let name = NAMES.iter().filter_map(|(name, id)| Some((before.rfind(name)?, *id))).max_by_key(|(place, _)| *place);
    let Some((_, id)) = name else { return };
    let known =
        matches!((id, version), ("GPL", "1.0" | "2.0" | "3.0") | ("LGPL", "2.0" | "2.1" | "3.0") | ("AGPL", "3.0"));
    if known {
        found.push((at, format!("{id}-{version}{suffix}")));
    }
}

/// A licence by its phrases.
struct Rule {
    id: &'static str,
    needs: &'static [&'static str],
    but: &'static [&'static str],
}

const fn rule(id: &'static str, needs: &'static [&'static str], but: &'static [&'static str]) -> Rule {
    Rule { id, needs, but }
}

const MIT_GRANT: &str =
    "permission is hereby granted free of charge to any person obtaining a copy of this software and associated";
const MIT_NOTICE: &str = "the above copyright notice and this permission notice shall be included in all copies";
const MIT_NOTICE_OLD: &str =
    "the above copyright notice and this permission notice including the next paragraph shall be included";
const X11_NAME: &str =
    "shall not be used in advertising or otherwise to promote the sale use or other dealings in this software";
const ISC_GRANT: &str = "permission to use copy modify and or distribute this software for any purpose with or without fee is hereby granted";
const ISC_GRANT_OLD: &str =
    "permission to use copy modify and distribute this software for any purpose with or without fee is hereby granted";
const ISC_NOTICE: &str = "the above copyright notice and this permission notice appear in all copies";
const BSD_SOURCE: &str = "redistributions of source code must retain the above copyright notice";
const BSD_BINARY: &str = "redistributions in binary form must reproduce the above copyright notice";
const BSD_NAME: &str = "to endorse or promote products derived from this software";
const BSD_ADVERTISING: &str = "all advertising materials mentioning features or use of this software";
const ZLIB_MARKED: &str = "altered source versions must be plainly marked as such";
const ZLIB_ORIGIN: &str = "the origin of this software must not be misrepresented";
const PYTHON_BEOPEN: &str = "beopen python open source license agreement version 1";
const PSF: &str = "python software foundation license version 2";
const APACHE_HEAD: &str = "apache license version 2 0 january 2004";
const APACHE_GRANT: &str = "licensed under the apache license version 2 0";
const BSL_HEAD: &str = "boost software license version 1 0";
const BSL_GRANT: &str =
    "free of charge to any person or organization obtaining a copy of the software and accompanying documentation";

const RULES: &[Rule] = &[
    rule("MIT", &[MIT_GRANT, MIT_NOTICE], &[X11_NAME]),
    rule("MIT", &[MIT_GRANT, MIT_NOTICE_OLD], &[X11_NAME]),
    rule("X11", &[MIT_GRANT, X11_NAME], &[]),
    rule("MIT-0", &[MIT_GRANT], &[MIT_NOTICE, MIT_NOTICE_OLD, X11_NAME]),
    rule("ISC", &[ISC_GRANT, ISC_NOTICE], &[]),
    rule("ISC", &[ISC_GRANT_OLD, ISC_NOTICE], &[]),
    rule("0BSD", &[ISC_GRANT], &[ISC_NOTICE]),
    rule("BSD-2-Clause", &[BSD_SOURCE, BSD_BINARY], &[BSD_NAME, BSD_ADVERTISING]),
    rule("BSD-3-Clause", &[BSD_SOURCE, BSD_BINARY, BSD_NAME], &[BSD_ADVERTISING]),
    rule("BSD-4-Clause", &[BSD_SOURCE, BSD_BINARY, BSD_NAME, BSD_ADVERTISING], &[]),
    rule("Apache-2.0", &[APACHE_HEAD], &[]),
    rule("Apache-2.0", &[APACHE_GRANT], &[]),
    rule("Apache-1.1", &["the apache software license version 1 1"], &[]),
    rule("GPL-1.0-only", &["gnu general public license version 1 february 1989"], &[]),
    rule("GPL-2.0-only", &["gnu general public license version 2 june 1991"], &[]),
    rule("GPL-3.0-only", &["gnu general public license version 3 29 june 2007"], &[]),
    rule("LGPL-2.0-only", &["gnu library general public license version 2 june 1991"], &[]),
    rule("LGPL-2.1-only", &["gnu lesser general public license version 2 1 february 1999"], &[]),
    rule("LGPL-3.0-only", &["gnu lesser general public license version 3 29 june 2007"], &[]),
    rule("AGPL-3.0-only", &["gnu affero general public license version 3 19 november 2007"], &[]),
    rule("MPL-2.0", &["mozilla public license version 2 0"], &[]),
    rule("MPL-2.0", &["terms of the mozilla public license v 2 0"], &[]),
    rule("MPL-1.1", &["mozilla public license version 1 1"], &[]),
    rule("Zlib", &[ZLIB_ORIGIN, ZLIB_MARKED], &[]),
    rule("Unlicense", &["this is free and unencumbered software released into the public domain"], &[]),
    rule("CC0-1.0", &["cc0 1 0 universal"], &[]),
    rule("CC-BY-4.0", &["creative commons attribution 4 0 international"], &[]),
    rule("CC-BY-SA-4.0", &["creative commons attribution sharealike 4 0 international"], &[]),
    rule("BSL-1.0", &[BSL_HEAD], &[]),
    rule("BSL-1.0", &[BSL_GRANT], &[]),
    rule("Python-2.0", &[PSF, PYTHON_BEOPEN], &[]),
    rule("PSF-2.0", &[PSF], &[PYTHON_BEOPEN]),
    rule("EPL-1.0", &["eclipse public license v 1 0"], &[]),
    rule("EPL-2.0", &["eclipse public license v 2 0"], &[]),
    rule("Artistic-2.0", &["the artistic license 2 0"], &[]),
    rule("WTFPL", &["do what the fuck you want to public license"], &[]),
    rule("OFL-1.1", &["sil open font license version 1 1"], &[]),
    rule(
        "PostgreSQL",
        &["postgresql database management system", "without a written agreement is hereby granted"],
        &[],
    ),
    rule("Unicode-3.0", &["unicode license v3"], &[]),
    rule("BlueOak-1.0.0", &["blue oak model license version 1 0 0"], &[]),
];

/// Names of the GNU licences as grants write them. None is the end of another one.
const NAMES: &[(&str, &str)] = &[
    ("gnu general public license", "GPL"),
    ("gnu lesser general public license", "LGPL"),
    ("gnu library general public license", "LGPL"),
    ("gnu affero general public license", "AGPL"),
];

/// Behind this the texts of the GNU licences show how they are applied to a program.
const HOW_TO_APPLY: &str = "how to apply these terms to your new";

/// All phrases, each once.
static PHRASES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut phrases: Vec<&str> = RULES.iter().flat_map(|rule| rule.needs.iter().chain(rule.but)).copied().collect();
    phrases.sort_unstable();
    phrases.dedup();
    phrases
});

/// `None` only where there is no memory for it; a test builds it.
static AUTOMATON: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).build(PHRASES.iter()).ok());

/// Collections of the licences of hundreds of libraries are larger; what follows repeats what was there.
const TEXT_BYTES_MAX: usize = 512 << 10;

/// Licences told of one text.
const LICENSES_MAX: usize = 60;

/// Grants looked at in one text.
const GRANTS_MAX: usize = 2000;

/// Bytes between the name of a licence and the end of its version in a grant.
const GRANT_BYTES: usize = 180;

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        detect(text.as_bytes()).into_iter().map(String::from).collect()
    }

    #[test]
    fn short_licences_are_known_by_their_terms() {
        let bsd = format!("Copyright x\n * {BSD_SOURCE},\n * {BSD_BINARY}\n");
        for (text, expect) in [
            (format!("MIT\n\n{MIT_GRANT} documentation\n\n{MIT_NOTICE} or"), "MIT"),
            (format!("{MIT_GRANT}; {MIT_NOTICE}; {X11_NAME}"), "X11"),
            (MIT_GRANT.to_owned(), "MIT-0"),
            (format!("{ISC_GRANT}, provided that\n{ISC_NOTICE}."), "ISC"),
            (ISC_GRANT.replace("and or", "and/or"), "0BSD"),
            (bsd.clone(), "BSD-2-Clause"),
            (format!("{bsd} nor the names may be used {BSD_NAME} without"), "BSD-3-Clause"),
            (format!("{bsd} {BSD_ADVERTISING} must {BSD_NAME}"), "BSD-4-Clause"),
            ("Apache License\n    Version 2.0, January 2004\n".into(), "Apache-2.0"),
            ("Licensed under the Apache License, Version 2.0 (the \"License\")".into(), "Apache-2.0"),
            ("Mozilla Public License Version 2.0\n====".into(), "MPL-2.0"),
            (format!("1. {ZLIB_ORIGIN}; 2. {ZLIB_MARKED},"), "Zlib"),
            ("This is free and unencumbered software released into the public domain.".into(), "Unlicense"),
            ("Creative Commons Legal Code\n\nCC0 1.0 Universal".into(), "CC0-1.0"),
            ("Boost Software License - Version 1.0 - August 17th, 2003".into(), "BSL-1.0"),
            ("PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2\n----".into(), "PSF-2.0"),
        ] {
            assert_eq!(told(&text), [expect], "{text}");
        }
        assert_eq!(told("Our own terms. All rights reserved."), [""; 0]);
        assert!(AUTOMATON.is_some());
    }

    #[test]
    fn grants_tell_versions_and_texts_show_how_to_write_them() {
        let grant = |name: &str, version: &str, later: &str| {
            format!(
                "you can modify it under the terms of the {name} as published by\nthe Free Software Foundation; {version} of the License{later}.\n"
            )
        };
        let later = ", or\n(at your option) any later version";
        for (text, expect) in [
            (grant("GNU General Public License", "either version 2", later), vec!["GPL-2.0-or-later"]),
            (grant("GNU General Public License", "version 2", ""), vec!["GPL-2.0-only"]),
            (grant("GNU Lesser General Public License", "either version 2.1", later), vec!["LGPL-2.1-or-later"]),
            (grant("GNU Library General Public License", "either version 2", later), vec!["LGPL-2.0-or-later"]),
            (grant("GNU Affero General Public License", "either version 3", later), vec!["AGPL-3.0-or-later"]),
            (grant("Some License", "either version 2", later), vec![]),
        ] {
            assert_eq!(told(&text), expect, "{text}");
        }
        let show = grant("GNU General Public License", "either version 2", later);
        let text = format!(
            "GNU GENERAL PUBLIC LICENSE\n Version 2, June 1991\n\nHow to Apply These Terms to Your New Programs\n{show}"
        );
        assert_eq!(told(&text), ["GPL-2.0-only"]);
        assert_eq!(told(&format!("{show}{text}")), ["GPL-2.0-or-later"]);
    }

    #[test]
    fn hostile_texts_end_soon() {
        let many =
            " gnu general public license version 2 of the license or at your option any later version".repeat(50_000);
        assert_eq!(told(&many), ["GPL-2.0-or-later"]);
        assert_eq!(told(&"permission is hereby granted free of charge ".repeat(50_000)), [""; 0]);
    }
}
