//! Secrets in files: tokens, keys and passwords that somebody left where everybody who pulls the image can read them.
//!
//! A format is known by words that stand in it or beside it. One Aho-Corasick automaton finds the words of all formats in
//! a single pass; only around a hit the pattern of that format is tried, on one line and a few hundred bytes. So the cost
//! of a file without secrets is that of the automaton. Nothing is ever verified online, and no value is ever kept.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind, Span};
use memchr::{memchr, memchr_iter, memrchr};
use regex::bytes::{Regex, RegexBuilder};

use crate::facts::Secret;

mod formats;
mod gate;
mod judge;
mod stream;

use formats::Shape;
pub use formats::{Format, Group, groups};
pub use stream::{Encoding, Search};

/// All formats, in the order of their names.
pub fn formats() -> &'static [&'static Format] {
    &RULES.formats
}

/// The format of that name.
pub fn format(id: &str) -> Option<&'static Format> {
    RULES.formats.binary_search_by(|format| format.id.cmp(id)).ok().map(|index| RULES.formats[index])
}

/// What a user allows.
#[derive(Clone, Debug, Default)]
pub struct Allow {
    /// Ends of paths, at a slash, whose files are not searched.
    pub paths: Vec<Box<str>>,
    /// Names of formats that are not looked for.
    pub formats: Vec<Box<str>>,
    /// Values that are none, each matched as a whole word of the value.
    pub values: Vec<Box<str>>,
}

impl Allow {
    pub(crate) fn path(&self, path: &str) -> bool {
        let below = |end: &str| path.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
        self.paths.iter().any(|end| below(end) || path.starts_with(&format!("{}/", end.trim_end_matches('/'))))
    }

    fn value(&self, format: &Format, value: &[u8]) -> bool {
        self.formats.iter().any(|id| &**id == format.id)
            || self.values.iter().any(|allowed| allowed.as_bytes() == value)
    }
}

/// Whether the file can hold secrets, as far as its name and size tell: it is none of those that are public by nature.
pub fn may_search(path: &str, size: u64) -> bool {
    if size < VALUE_BYTES_MIN as u64 {
        return false;
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    if PUBLIC_EXTENSIONS.iter().any(|public| public.eq_ignore_ascii_case(extension)) {
        return false;
    }
    !PUBLIC_FOLDERS.iter().any(|folder| path.starts_with(folder))
}

/// The secrets in one text, ordered by place. No more than a hundred of one file are told, and one more where there are
/// more.
pub fn search(path: &str, text: &[u8], allow: &Allow) -> Vec<Secret> {
    if allow.path(path) {
        return Vec::new();
    }
    let found = find(text, allow, 0..text.len());
    let mut secrets = tell(text, &found, Origin::default(), &mut 0);
    secrets.truncate(SECRETS_MAX + 1);
    secrets
}

/// Secrets that begin in a part of a text.
fn find(text: &[u8], allow: &Allow, part: Range<usize>) -> BTreeMap<usize, Hit> {
    let mut found: BTreeMap<usize, Hit> = BTreeMap::new();
    let mut tried: Vec<usize> = vec![0; RULES.formats.len()];
    for hit in RULES.words.find_overlapping_iter(text) {
        for &index in &RULES.owners[hit.pattern().as_usize()] {
            let format = RULES.formats[index];
            // The line was tried already for this format from an earlier word.
            if hit.start() < tried[index] || found.len() > SECRETS_MAX || !RULES.likely(index, text, hit.span()) {
                continue;
            }
            let (start, end) = window(text, hit.start(), hit.end(), format);
            tried[index] = end;
            for captures in RULES.pattern(index).captures_iter(&text[start..end]) {
                let Some(value) = captures.get(1).or_else(|| captures.get(0)) else { continue };
                let place = start + value.start();
                if part.contains(&place)
                    && judge::is_secret(format, value.as_bytes())
                    && !allow.value(format, value.as_bytes())
                {
                    let better = found.get(&place).is_none_or(|other| other.format.weight() < format.weight());
                    if better {
                        found.insert(place, Hit { format, end: start + value.end() });
                    }
                }
            }
        }
    }
    found
}

/// Parts of a value of the configuration of an image, such as `PASSWORD=…` of its environment.
pub fn search_assignment(name: &str, value: &str, allow: &Allow) -> Vec<Secret> {
    let mut found = search("", format!("{name}={value}\n").as_bytes(), allow);
    if found.is_empty() && judge::names_secret(name) && judge::is_plain_value(value.as_bytes()) {
        found.push(Secret {
            format: "assigned-password".into(),
            line: 1,
            column: 1,
            excerpt: format!("{name}={BLANK}").into(),
        });
    }
    found
}

struct Hit {
    format: &'static Format,
    end: usize,
}

/// The bytes around a word in which the pattern is tried: its line, or for keys of several lines what follows.
fn window(text: &[u8], start: usize, end: usize, format: &Format) -> (usize, usize) {
    let floor = start.saturating_sub(BEFORE_BYTES);
    let from = memrchr(b'\n', &text[floor..start]).map_or(floor, |index| floor + index + 1);
    // The mark of UTF-8 at the front of a text is no part of its first word.
    let from = if from == 0 && start >= 3 && text.starts_with(b"\xef\xbb\xbf") { 3 } else { from };
    if format.lines {
        return (from, (end + LINES_BYTES).min(text.len()));
    }
    let ceiling = (end + AFTER_BYTES).min(text.len());
    let to = memchr(b'\n', &text[end..ceiling]).map_or(ceiling, |index| end + index);
    (from, to)
}

/// Where a text begins in its file.
#[derive(Clone, Copy, Debug, Default)]
struct Origin {
    /// Lines before.
    lines: u32,
    /// Characters before, of the line that goes on.
    characters: u32,
}

impl Origin {
    /// The place behind a text.
    fn after(self, text: &[u8]) -> Origin {
        let (start, lines) = match memrchr(b'\n', text) {
            Some(last) => (last + 1, memchr_iter(b'\n', text).count() as u32),
            None => (0, 0),
        };
        let rest = text.get(start..).unwrap_or_default();
        // Every byte begins a character but those that go on with one.
        let characters = rest.iter().filter(|byte| **byte & 0xc0 != 0x80).count() as u32;
        let before = if lines == 0 { self.characters } else { 0 };
        Origin { lines: self.lines.saturating_add(lines), characters: before.saturating_add(characters) }
    }
}

/// In words. A value that begins before `covered` is inside another one, and the same secret.
fn tell(text: &[u8], found: &BTreeMap<usize, Hit>, mut origin: Origin, covered: &mut usize) -> Vec<Secret> {
    let mut secrets: Vec<Secret> = Vec::new();
    let mut counted = 0usize;
    for (&start, hit) in found {
        if start < *covered {
            continue;
        }
        *covered = hit.end;
        origin = origin.after(text.get(counted..start).unwrap_or_default());
        counted = start;
        let floor = start.saturating_sub(BEFORE_BYTES);
        let line_start = memrchr(b'\n', &text[floor..start]).map_or(floor, |index| floor + index + 1);
        let before = String::from_utf8_lossy(&text[line_start..start]);
        secrets.push(Secret {
            format: hit.format.id.into(),
            line: origin.lines.saturating_add(1),
            column: origin.characters.saturating_add(1),
            excerpt: format!("{}{BLANK}", label(&before)).into(),
        });
    }
    secrets
}

/// What of the text before a value may be shown: the name that it is assigned to. Anything more could be a secret too.
fn label(before: &str) -> String {
    let trimmed = before.trim_end_matches(['"', '\'', '`', ' ']);
    let Some(sign) = trimmed.chars().next_back().filter(|c| matches!(c, '=' | ':')) else { return String::new() };
    let names = trimmed.trim_end_matches([sign, ' ', '"', '\'', ':']);
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let tail: Vec<char> = names.chars().rev().take_while(|c| is_name(*c)).take(LABEL_CHARS).collect();
    let name: String = tail.iter().rev().collect();
    if name.is_empty() { name } else { format!("{name}{sign}") }
}

struct Rules {
    formats: Vec<&'static Format>,
    patterns: Vec<OnceLock<Regex>>,
    words: AhoCorasick,
    /// Formats by word.
    owners: Vec<Vec<usize>>,
    /// What tokens begin with, by format; `None` where that is not known.
    beginnings: Vec<Option<Vec<Vec<u8>>>>,
}

impl Rules {
    #[expect(clippy::expect_used, reason = "patterns and words are data of the program; a test compiles each")]
    fn new() -> Self {
        let mut formats: Vec<&'static Format> = formats::ALL.iter().flat_map(|group| group.iter()).collect();
        formats.sort_by_key(|format| format.id);
        let mut owners: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, format) in formats.iter().enumerate() {
            for word in format.words {
                owners.entry(word.to_ascii_lowercase()).or_default().push(index);
            }
        }
        let words = AhoCorasickBuilder::new()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            // The automaton sees every byte of every text, so its speed is worth the megabyte.
            .kind(Some(AhoCorasickKind::DFA))
            .build(owners.keys())
            .expect("the words of all formats fit an automaton");
        let patterns = formats.iter().map(|_| OnceLock::new()).collect();
        let beginnings = formats.iter().map(|format| gate::beginnings(format)).collect();
        Rules { formats, patterns, words, owners: owners.into_values().collect(), beginnings }
    }

    /// Whether the pattern of a format can match where one of its words stands.
    fn likely(&self, index: usize, text: &[u8], word: Span) -> bool {
        match &self.beginnings[index] {
            Some(beginnings) => gate::begins(text, word.start, beginnings),
            None => (self.formats[index].after)(&text[word.end..]),
        }
    }

    #[expect(clippy::expect_used, reason = "patterns are data of the program; a test compiles each")]
    fn pattern(&self, index: usize) -> &Regex {
        self.patterns[index].get_or_init(|| {
            RegexBuilder::new(&pattern(self.formats[index]))
                .unicode(false)
                .multi_line(true)
                .size_limit(PATTERN_BYTES_MAX)
                .build()
                .expect("a pattern of a format is a regular expression")
        })
    }
}

/// The whole pattern of a format; its first group is the value.
fn pattern(format: &Format) -> String {
    match format.shape {
        Shape::Token(token) => format!(r"(?:^|[^A-Za-z0-9_\-])({token})(?:$|[^A-Za-z0-9_\-])"),
        Shape::Near(value) => {
            let words = format.words.iter().map(|word| regex::escape(word)).collect::<Vec<_>>().join("|");
            format!(
                r#"(?i:{words})[A-Za-z0-9_.\- ]{{0,24}}["'`]?[ \t]{{0,4}}(?:=>|:=|=|:|,|\|\|)[ \t]{{0,4}}["'`]?({value})(?:$|[^A-Za-z0-9_/+=\-])"#
            )
        }
        Shape::Whole(whole) => whole.to_owned(),
    }
}

static RULES: LazyLock<Rules> = LazyLock::new(Rules::new);

/// What stands for a value.
const BLANK: &str = "********";

/// Bytes of one text that are searched; what of a file comes behind them is told. Dumps of databases and logs of this size
/// are searched in less than a second.
pub const FILE_BYTES_MAX: u64 = 256 << 20;

/// Texts up to this are held whole while they are searched, which is how nearly all of them are. In bytes.
pub const WHOLE_BYTES_MAX: u64 = 4 << 20;

/// The shortest value of any format, in bytes.
const VALUE_BYTES_MIN: usize = 8;

/// So many first bytes tell whether a file is a text, as Git and grep decide it.
const HEAD_BYTES: usize = 8192;

/// Bytes before a word that belong to the window: the longest token that has its word in the middle.
const BEFORE_BYTES: usize = 128;

/// Bytes after a word that belong to the window: the longest token of one line, a JSON web token with its claims.
const AFTER_BYTES: usize = 1024;

/// Bytes after the first line of a key of several lines: an RSA key of 16,384 bits has about 12,700.
const LINES_BYTES: usize = 16 * 1024;

/// Secrets told of one file; that there are more is told too. More of them are one problem, and a report of a million lines is none.
pub const SECRETS_MAX: usize = 100;

/// Longest name shown before a blanked value, in characters.
const LABEL_CHARS: usize = 40;

/// Size of one compiled pattern; the largest of ours needs a fifth of it.
const PATTERN_BYTES_MAX: usize = 4 << 20;

/// Files that are public by their nature: pictures as text, licences, translations, source maps, style sheets, manuals.
const PUBLIC_EXTENSIONS: &[&str] = &[
    "svg", "css", "po", "pot", "mo", "map", "ttf", "woff", "woff2", "eot", "pyi", "rst", "1", "3", "5", "7", "8", "sum",
];

/// Folders of documentation and of data about time zones, words and characters.
const PUBLIC_FOLDERS: &[&str] = &[
    "usr/share/doc/",
    "usr/share/man/",
    "usr/share/info/",
    "usr/share/locale/",
    "usr/share/zoneinfo/",
    "usr/share/i18n/",
    "usr/share/perl/",
    "usr/share/common-licenses/",
    "usr/share/mime/",
    "usr/share/icons/",
    "var/lib/dpkg/info/",
    "usr/share/unicode/",
    "usr/share/ca-certificates/",
    "etc/ssl/certs/",
    "usr/share/zsh/",
    "usr/share/vim/",
];

#[cfg(test)]
mod tests;
