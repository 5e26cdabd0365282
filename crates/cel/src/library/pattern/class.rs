//! Classes of characters: brackets, escapes, names of Unicode and POSIX.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind};

use super::Refusal;
use super::syntax::{CLASS_RANGE, ESCAPE, MISSING_BRACKET, TRAILING_BACKSLASH, refusal};

/// Code points as ranges.
#[derive(Clone, Debug)]
pub(super) struct Ranges(ClassUnicode);

impl Default for Ranges {
    fn default() -> Self {
        Ranges(ClassUnicode::empty())
    }
}

impl Ranges {
    pub(super) fn one(code: u32) -> Ranges {
        let mut ranges = Ranges::default();
        ranges.add(code, code);
        ranges
    }

    /// With everything that differs in case only.
    pub(super) fn folded(mut self) -> Ranges {
        // It fails only if the tables were left out of the build; then nothing is folded.
        _ = self.0.try_case_fold_simple();
        self
    }

    pub(super) fn hir(self) -> Hir {
        Hir::class(Class::Unicode(self.0))
    }

    fn add(&mut self, low: u32, high: u32) {
        // Surrogates are in no text.
        let low = if SURROGATES.contains(&low) { 0xe000 } else { low };
        let high = if SURROGATES.contains(&high) { 0xd7ff } else { high };
        if low <= high
            && let (Some(low), Some(high)) = (char::from_u32(low), char::from_u32(high))
        {
            self.0.push(ClassUnicodeRange::new(low, high));
        }
    }

    fn of_bytes(pairs: &[(u8, u8)]) -> Ranges {
        let mut ranges = Ranges::default();
        for (low, high) in pairs {
            ranges.add(u32::from(*low), u32::from(*high));
        }
        ranges
    }

    fn oriented(mut self, negated: bool, fold: bool) -> Ranges {
        if fold {
            self = self.folded();
        }
        if negated {
            self.0.negate();
        }
        self
    }
}

const SURROGATES: std::ops::RangeInclusive<u32> = 0xd800..=0xdfff;

/// `[…]` at the start of a text, and the text after it.
pub(super) fn bracketed(source: &str, fold: bool) -> Result<(Ranges, &str), Refusal> {
    let mut rest = &source[1..];
    let negated = rest.starts_with('^');
    if negated {
        rest = &rest[1..];
    }
    let mut ranges = Ranges::default();
    let mut first = true;
    while first || !rest.starts_with(']') {
        first = false;
        if rest.len() > 2
            && rest.starts_with("[:")
            && let Some(end) = rest[2..].find(":]")
        {
            let (name, after) = rest.split_at(end + 4);
            ranges.0.union(
                &posix(name).ok_or_else(|| refusal(CLASS_RANGE, name))?.oriented(name.starts_with("[:^"), fold).0,
            );
            rest = after;
            continue;
        }
        if let Some((more, after)) = escaped(rest, fold)? {
            ranges.0.union(&more.0);
            rest = after;
            continue;
        }
        let start = rest;
        let (low, after) = class_char(rest, source)?;
        let mut high = low;
        rest = after;
        if rest.len() >= 2 && rest.starts_with('-') && rest.as_bytes().get(1) != Some(&b']') {
            (high, rest) = class_char(&rest[1..], source)?;
            if high < low {
                return Err(refusal(CLASS_RANGE, &start[..start.len() - rest.len()]));
            }
        }
        let mut more = Ranges::default();
        more.add(low, high);
        ranges.0.union(&more.oriented(false, fold).0);
    }
    if negated {
        ranges.0.negate();
    }
    Ok((ranges, &rest[1..]))
}

fn class_char<'s>(source: &'s str, whole: &str) -> Result<(u32, &'s str), Refusal> {
    match source.chars().next() {
        None => Err(refusal(MISSING_BRACKET, whole)),
        Some('\\') => escaped_char(source),
        Some(char) => Ok((char as u32, &source[char.len_utf8()..])),
    }
}

/// `\d`, `\pL`, `\p{Greek}` and the like at the start of a text, and the text after it; `None` if it is
/// something else.
pub(super) fn escaped(source: &str, fold: bool) -> Result<Option<(Ranges, &str)>, Refusal> {
    let Some(letter) = source.strip_prefix('\\').and_then(|rest| rest.chars().next()) else { return Ok(None) };
    let pairs: &[(u8, u8)] = match letter {
        'd' | 'D' => DIGITS,
        's' | 'S' => SPACES,
        'w' | 'W' => WORDS,
        'p' | 'P' => return unicode(source, letter == 'P', fold).map(Some),
        _ => return Ok(None),
    };
    Ok(Some((Ranges::of_bytes(pairs).oriented(letter.is_ascii_uppercase(), fold), &source[2..])))
}

fn unicode(source: &str, negated: bool, fold: bool) -> Result<(Ranges, &str), Refusal> {
    let Some(letter) = source[2..].chars().next() else { return Err(refusal(CLASS_RANGE, source)) };
    let (name, after) = if letter == '{' {
        source[3..].split_once('}').ok_or_else(|| refusal(CLASS_RANGE, source))?
    } else {
        source[2..].split_at(letter.len_utf8())
    };
    let whole = &source[..source.len() - after.len()];
    let (name, negated) = name.strip_prefix('^').map_or((name, negated), |name| (name, !negated));
    let ranges = named(&canonical(name)).ok_or_else(|| refusal(CLASS_RANGE, whole))?;
    Ok((ranges.oriented(negated, fold), after))
}

/// A first letter in upper case, the others in lower case; no underscores, hyphens and spaces.
fn canonical(name: &str) -> String {
    let mut out = String::new();
    for char in name.chars().filter(|char| !matches!(char, '_' | '-' | ' ')) {
        out.push(if out.is_empty() { char.to_ascii_uppercase() } else { char.to_ascii_lowercase() });
    }
    out
}

/// A category or script by its canonical name. Scripts of more than one word have no name that Go finds.
fn named(name: &str) -> Option<Ranges> {
    match name {
        "Any" => return Some(every()),
        "Ascii" => return Some(Ranges::of_bytes(&[(0, 0x7f)])),
        "Assigned" => return property("gc=Cn").map(|ranges| ranges.oriented(true, false)),
        _ => {}
    }
    if CATEGORIES.contains(&name) {
        return property(&format!("gc={name}"));
    }
    SCRIPTS.split(' ').any(|script| script == name).then(|| property(&format!("sc={name}"))).flatten()
}

fn every() -> Ranges {
    let mut ranges = Ranges::default();
    ranges.add(0, 0x10_ffff);
    ranges
}

fn property(query: &str) -> Option<Ranges> {
    let hir = regex_syntax::Parser::new().parse(&format!("\\p{{{query}}}")).ok()?;
    match hir.into_kind() {
        HirKind::Class(Class::Unicode(class)) => Some(Ranges(class)),
        // A single code point, for example the line separator.
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            text.chars().next().map(|char| Ranges::one(char as u32))
        }
        _ => None,
    }
}

/// The code point of an escape of one character, and the text after it.
pub(super) fn escaped_char(source: &str) -> Result<(u32, &str), Refusal> {
    let mut chars = source[1..].chars();
    let Some(first) = chars.next() else { return Err(refusal(TRAILING_BACKSLASH, "")) };
    let after = chars.as_str();
    let code = match first {
        'a' => 7,
        'f' => 12,
        'n' => 10,
        'r' => 13,
        't' => 9,
        'v' => 11,
        '0'..='7' => return octal(source, first, after),
        'x' => return hexadecimal(source, after),
        other if other.is_ascii() && !other.is_ascii_alphanumeric() => other as u32,
        _ => return Err(refusal(ESCAPE, &source[..source.len() - after.len()])),
    };
    Ok((code, after))
}

fn octal<'s>(source: &'s str, first: char, after: &'s str) -> Result<(u32, &'s str), Refusal> {
    let more = after.bytes().take(2).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    if first != '0' && more == 0 {
        // A reference to a group, which there is none of.
        return Err(refusal(ESCAPE, &source[..source.len() - after.len()]));
    }
    let digits = &source[1..2 + more];
    Ok((u32::from_str_radix(digits, 8).unwrap_or(0), &after[more..]))
}

fn hexadecimal<'s>(source: &'s str, after: &'s str) -> Result<(u32, &'s str), Refusal> {
    let failed = |rest: &str| Err(refusal(ESCAPE, &source[..source.len() - rest.len()]));
    let mut chars = after.chars();
    let Some(first) = chars.next() else { return failed(after) };
    let mut code = 0;
    if first != '{' {
        let Some(second) = chars.next() else {
            return Err(refusal("invalid UTF-8", ""));
        };
        return match (first.to_digit(16), second.to_digit(16)) {
            (Some(high), Some(low)) => Ok((high * 16 + low, chars.as_str())),
            _ => failed(chars.as_str()),
        };
    }
    let mut digits = 0;
    while let Some(char) = chars.next() {
        match (char, char.to_digit(16)) {
            ('}', _) if digits > 0 => return Ok((code, chars.as_str())),
            (_, Some(digit)) if code * 16 + digit <= 0x10_ffff => code = code * 16 + digit,
            _ => return failed(chars.as_str()),
        }
        digits += 1;
    }
    failed("")
}

fn posix(name: &str) -> Option<Ranges> {
    let name = name.strip_prefix("[:")?.strip_suffix(":]")?;
    Some(Ranges::of_bytes(match name.strip_prefix('^').unwrap_or(name) {
        "alnum" => &[(b'0', b'9'), (b'A', b'Z'), (b'a', b'z')],
        "alpha" => &[(b'A', b'Z'), (b'a', b'z')],
        "ascii" => &[(0, 0x7f)],
        "blank" => &[(b'\t', b'\t'), (b' ', b' ')],
        "cntrl" => &[(0, 0x1f), (0x7f, 0x7f)],
        "digit" => DIGITS,
        "graph" => &[(b'!', b'~')],
        "lower" => &[(b'a', b'z')],
        "print" => &[(b' ', b'~')],
        "punct" => &[(b'!', b'/'), (b':', b'@'), (b'[', b'`'), (b'{', b'~')],
        "space" => &[(b'\t', b'\r'), (b' ', b' ')],
        "upper" => &[(b'A', b'Z')],
        "word" => WORDS,
        "xdigit" => &[(b'0', b'9'), (b'A', b'F'), (b'a', b'f')],
        _ => return None,
    }))
}

const DIGITS: &[(u8, u8)] = &[(b'0', b'9')];
const SPACES: &[(u8, u8)] = &[(b'\t', b'\n'), (0x0c, b'\r'), (b' ', b' ')];
const WORDS: &[(u8, u8)] = &[(b'0', b'9'), (b'A', b'Z'), (b'_', b'_'), (b'a', b'z')];

/// General categories, short and long, in canonical form.
const CATEGORIES: &[&str] = &[
    "C",
    "Cc",
    "Cf",
    "Cn",
    "Co",
    "Cs",
    "L",
    "Lc",
    "Ll",
    "Lm",
    "Lo",
    "Lt",
    "Lu",
    "M",
    "Mc",
    "Me",
    "Mn",
    "N",
    "Nd",
    "Nl",
    "No",
    "P",
    "Pc",
    "Pd",
    "Pe",
    "Pf",
    "Pi",
    "Po",
    "Ps",
    "S",
    "Sc",
    "Sk",
    "Sm",
    "So",
    "Z",
    "Zl",
    "Zp",
    "Zs",
    "Casedletter",
    "Closepunctuation",
    "Combiningmark",
    "Connectorpunctuation",
    "Control",
    "Currencysymbol",
    "Dashpunctuation",
    "Decimalnumber",
    "Enclosingmark",
    "Finalpunctuation",
    "Format",
    "Initialpunctuation",
    "Letter",
    "Letternumber",
    "Lineseparator",
    "Lowercaseletter",
    "Mark",
    "Mathsymbol",
    "Modifierletter",
    "Modifiersymbol",
    "Nonspacingmark",
    "Number",
    "Openpunctuation",
    "Other",
    "Otherletter",
    "Othernumber",
    "Otherpunctuation",
    "Othersymbol",
    "Paragraphseparator",
    "Privateuse",
    "Punctuation",
    "Separator",
    "Spaceseparator",
    "Spacingmark",
    "Surrogate",
    "Symbol",
    "Titlecaseletter",
    "Unassigned",
    "Uppercaseletter",
    "Cntrl",
    "Digit",
    "Punct",
];

/// Scripts of one word in Unicode 15, the version of Go's tables.
const SCRIPTS: &str = "Adlam Ahom Arabic Armenian Avestan Balinese Bamum Batak Bengali Bhaiksuki Bopomofo Brahmi Braille \
    Buginese Buhid Carian Chakma Cham Cherokee Chorasmian Common Coptic Cuneiform Cypriot Cyrillic Deseret Devanagari \
    Dogra Duployan Elbasan Elymaic Ethiopic Georgian Glagolitic Gothic Grantha Greek Gujarati Gurmukhi Han Hangul \
    Hanunoo Hatran Hebrew Hiragana Inherited Javanese Kaithi Kannada Katakana Kawi Kharoshthi Khmer Khojki Khudawadi \
    Lao Latin Lepcha Limbu Lisu Lycian Lydian Mahajani Makasar Malayalam Mandaic Manichaean Marchen Medefaidrin Miao \
    Modi Mongolian Mro Multani Myanmar Nabataean Nandinagari Newa Nko Nushu Ogham Oriya Osage Osmanya Palmyrene \
    Phoenician Rejang Runic Samaritan Saurashtra Sharada Shavian Siddham Sinhala Sogdian Soyombo Sundanese Syriac \
    Tagalog Tagbanwa Takri Tamil Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Toto Ugaritic Vai Vithkuqi \
    Wancho Yezidi Yi";
