//! Regular expressions as Go's `regexp` package reads them, the dialect of RE2.
//!
//! The pattern is read here, so that what the API server refuses is refused here, in its words, and `\d`,
//! `\w`, `\b` and the others mean what they mean there (ASCII). The search itself takes time linear in the
//! text, as there; both prefer the leftmost match and, of several, the one that a backtracking search would
//! find first.

mod class;
mod syntax;

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use regex_automata::meta::{Config, Regex};

use crate::fault::Fault;

/// A compiled expression. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
    groups: usize,
}

/// Why a pattern is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// It does not follow the syntax; in Go's words (``error parsing regexp: missing closing ): `(` ``).
    #[error("{0}")]
    Syntax(Arc<str>),
    /// It would take more memory than allowed.
    #[error("{0}")]
    Limit(&'static &'static str),
}

impl Pattern {
    /// Reads a pattern.
    pub fn new(source: &str) -> Result<Pattern, Refusal> {
        if source.len() > SOURCE_MAX {
            return Err(Refusal::Limit(&"a regular expression is limited to 16 KiB"));
        }
        let parsed = syntax::parse(source)?;
        let config = Config::new()
            .nfa_size_limit(Some(NFA_BYTES_MAX))
            .onepass_size_limit(Some(CACHE_BYTES_MAX))
            .hybrid_cache_capacity(CACHE_BYTES_MAX)
            .utf8_empty(true);
        let regex = Regex::builder()
            .configure(config)
            .build_from_hir(&parsed.hir)
            .map_err(|_| Refusal::Limit(&"a regular expression compiles to more than 8 MiB"))?;
        Ok(Pattern { regex, groups: parsed.groups })
    }

    /// Reads a pattern, or takes it from those that this thread read before. A pattern that an expression
    /// has as a literal is read once.
    pub fn cached(source: &str) -> Result<Pattern, Refusal> {
        CACHE.with_borrow_mut(|cache| {
            if let Some(found) = cache.get(source) {
                return found.clone();
            }
            // Dropping all is as good as dropping the oldest for a cache that is seldom full.
            if cache.len() >= CACHED_MAX {
                cache.clear();
            }
            let made = Pattern::new(source);
            if source.len() <= CACHED_SOURCE_MAX {
                cache.insert(source.into(), made.clone());
            }
            made
        })
    }

    /// Whether the pattern occurs in a text.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// The first match.
    pub fn find(&self, text: &str) -> Option<Range<usize>> {
        self.regex.find(text).map(|found| found.range())
    }

    /// All matches from left to right that do not overlap; an empty one right behind another is none.
    pub fn find_all(&self, text: &str) -> impl Iterator<Item = Range<usize>> {
        self.regex.find_iter(text).map(|found| found.range())
    }

    /// Like [`Pattern::find_all`], each match with its groups; group 0 is the match.
    pub fn captures_all(&self, text: &str) -> impl Iterator<Item = Vec<Option<Range<usize>>>> {
        self.regex.captures_iter(text).map(|found| found.iter().map(|group| group.map(|span| span.range())).collect())
    }

    /// How many groups `( )` the pattern has.
    pub fn groups(&self) -> usize {
        self.groups
    }
}

impl Refusal {
    /// As an error of the evaluation, with words in front. A limit of ours is none of the expression's
    /// errors.
    pub fn fault(self, before: &str) -> Fault {
        match self {
            Refusal::Syntax(message) => Fault::error(format!("{before}{message}")),
            Refusal::Limit(limit) => Fault::LimitExceeded(limit),
        }
    }
}

thread_local! {
    static CACHE: RefCell<HashMap<Box<str>, Result<Pattern, Refusal>>> = RefCell::default();
}

/// Patterns kept per thread: those of the policies of a cluster, with room.
const CACHED_MAX: usize = 256;

/// Longer patterns are made by nobody by hand and not kept.
const CACHED_SOURCE_MAX: usize = 4096;

/// The API server has no limit of its own but that of an expression's length.
const SOURCE_MAX: usize = 16 << 10;

/// What `(?:\w{1,1000})` takes, ten times. Go's own limit is 128 MiB; what lies between ends as a limit of
/// ours, not as an error of the expression.
const NFA_BYTES_MAX: usize = 8 << 20;

/// Memory of the automaton that is built while searching.
const CACHE_BYTES_MAX: usize = 2 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern::new(pattern).map(|pattern| pattern.is_match(text)) == Ok(true)
    }

    fn refuses(pattern: &str, words: &str) {
        let refusal = Pattern::new(pattern).map(|_| ()).map_err(|refusal| refusal.to_string());
        assert_eq!(refusal, Err(format!("error parsing regexp: {words}")), "{pattern}");
    }

    #[test]
    fn classes_are_ascii_unless_unicode_is_asked_for() {
        assert!(matches(r"^\d+$", "123"));
        assert!(!matches(r"^\d+$", "١٢٣"));
        assert!(!matches(r"^\w$", "é"));
        assert!(matches(r"^\pL$", "é"));
        assert!(matches(r"^\p{Greek}+$", "αβγ"));
        assert!(matches(r"^\p{^Greek}+$", "abc"));
        assert!(matches(r"^\P{^Greek}+$", "αβγ"));
        assert!(matches(r"^[[:word:][:^ascii:]]+$", "aé"));
        assert!(!matches(r"\bé", "é"));
        assert!(matches(r"é\B", "é"));
        assert!(matches(r"(?i)^straSSE$", "STRAſſe"));
        assert!(matches(r"(?i)^k$", "\u{212a}"));
    }

    #[test]
    fn flags_and_literals() {
        assert!(!matches("^b$", "a\nb\nc"));
        assert!(matches("(?m)^b$", "a\nb\nc"));
        assert!(!matches("a.b", "a\nb"));
        assert!(matches("(?s)a.b", "a\nb"));
        assert!(matches("(?s:a.b)", "a\nb"));
        assert!(!matches("(?:(?i)a)b", "AB"));
        assert!(matches(r"^\Q.*\E+$", ".***"));
        assert!(matches(r"^\x41\x{1F600}\101\n$", "A😀A\n"));
        assert!(matches("^a{,2}$", "a{,2}"));
        assert!(matches("^[]a-]+$", "]-a"));
        assert!(matches(r"\Aa\z", "a"));
        assert!(!matches(r"a$", "a\n"));
        let lazy = Pattern::new("(?U)a+").ok().and_then(|pattern| pattern.find("aaa"));
        assert_eq!(lazy, Some(0..1));
    }

    #[test]
    fn refusals_are_in_the_words_of_go() {
        refuses("(", "missing closing ): `(`");
        refuses("a)", "unexpected ): `a)`");
        refuses("[a", "missing closing ]: `[a`");
        refuses("a**", "invalid nested repetition operator: `**`");
        refuses("*", "missing argument to repetition operator: `*`");
        refuses("a{1001}", "invalid repeat count: `{1001}`");
        refuses("(a{100}){11}", "invalid repeat count: `{11}`");
        refuses("(?<n", "invalid named capture: `(?<n`");
        refuses("(?=a)", "invalid or unsupported Perl syntax: `(?=`");
        refuses(r"\p{Alphabetic}", r"invalid character class range: `\p{Alphabetic}`");
        refuses(r"\p{Old_Italic}", r"invalid character class range: `\p{Old_Italic}`");
        refuses("[b-a]", "invalid character class range: `b-a`");
        refuses("[[:foo:]]", "invalid character class range: `[:foo:]`");
        refuses(r"\8", r"invalid escape sequence: `\8`");
        refuses(r"\C", r"invalid escape sequence: `\C`");
        refuses(r"\Z", r"invalid escape sequence: `\Z`");
        refuses(r"a\", "trailing backslash at end of expression: ``");
    }

    #[test]
    fn hostile_patterns_end_at_a_limit() {
        for pattern in ["(".repeat(5000) + &")".repeat(5000), r"[\pL\pN]{1000}".repeat(20), "x*".repeat(20_000)] {
            assert!(matches!(Pattern::new(&pattern), Err(Refusal::Limit(_) | Refusal::Syntax(_))), "{pattern:.20}");
        }
        let text = "a".repeat(20_000);
        assert!(!matches("(a*)*b", &text));
        assert!(!matches("(a|aa)+$b", &text));
    }
}
