//! The source line that a finding is about, with the marked span, cut to size and free of credentials.

use model::{FileId, Finding};

use super::Render;
use super::escape::hostile;

/// The texts of files, one at a time, each loaded once while findings go through in file order.
pub(crate) struct Sources<'a> {
    load: &'a dyn Fn(FileId) -> Option<String>,
    current: Option<(FileId, Option<Lines>)>,
}

/// One text with the place where each line starts.
#[derive(Debug)]
pub(crate) struct Lines {
    text: String,
    starts: Vec<usize>,
}

/// One line around a marked span. The parts are raw: print them through [`super::escape`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Excerpt {
    /// Line, from 1.
    pub(crate) line: u32,
    /// What stands before the span, starting with `…` where it was cut.
    pub(crate) before: String,
    /// The span, at least one column wide.
    pub(crate) marked: String,
    /// What stands after the span, ending with `…` where it was cut.
    pub(crate) after: String,
}

// === impl Sources ===

impl<'a> Sources<'a> {
    pub(crate) fn new(render: &Render<'a>) -> Self {
        Sources { load: render.source, current: None }
    }

    /// The lines of a file.
    pub(crate) fn file(&mut self, file: FileId) -> Option<&Lines> {
        if self.current.as_ref().is_none_or(|(id, _)| *id != file) {
            self.current = Some((file, (self.load)(file).map(Lines::new)));
        }
        self.current.as_ref().and_then(|(_, lines)| lines.as_ref())
    }

    /// The line of a finding, at most about `width` characters of it.
    pub(crate) fn excerpt(&mut self, finding: &Finding, width: usize) -> Option<Excerpt> {
        self.file(finding.location.file)?.excerpt(finding, width)
    }
}

// === impl Lines ===

impl Lines {
    fn new(text: String) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let starts = std::iter::once(0).chain(breaks).collect();
        Lines { text, starts }
    }

    fn line(&self, number: u32) -> Option<(usize, &str)> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        let start = *self.starts.get(index)?;
        let end = self.starts.get(index + 1).copied().unwrap_or(self.text.len());
        Some((start, self.text.get(start..end)?.trim_end_matches(['\n', '\r'])))
    }

    /// The marked span of a finding as byte offsets into its line; never empty unless the line ends.
    ///
    /// The byte offsets of the location are used where they fall into the line, because counting columns
    /// from its start would take quadratic time on a file that is one long line of JSON.
    fn span<'l>(&'l self, finding: &Finding) -> Option<(&'l str, usize, usize)> {
        let location = finding.location;
        let (first, line) = self.line(location.line)?;
        let offset = |byte: u32| usize::try_from(byte).ok()?.checked_sub(first);
        let (start, end) = match offset(location.start).filter(|at| *at < line.len() && line.is_char_boundary(*at)) {
            Some(start) => (start, offset(location.end).unwrap_or(start).min(line.len())),
            None => {
                let column = usize::try_from(location.column).ok()?.saturating_sub(1);
                let start = line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
                (start, start)
            }
        };
        let end = if end > start && line.is_char_boundary(end) {
            end
        } else {
            start + line.get(start..)?.chars().next().map_or(0, char::len_utf8)
        };
        let marked = line.get(start..end)?.trim_end();
        Some((line, start, if marked.is_empty() { end } else { start + marked.len() }))
    }

    /// The column after the marked span, in characters from 1.
    pub(crate) fn end_column(&self, finding: &Finding) -> Option<u32> {
        let (line, start, end) = self.span(finding)?;
        let marked = line.get(start..end)?.chars().count();
        Some(finding.location.column.saturating_add(u32::try_from(marked).ok()?))
    }

    /// The line of a finding, at most about `width` characters of it.
    pub(crate) fn excerpt(&self, finding: &Finding, width: usize) -> Option<Excerpt> {
        let (line, start, end) = self.span(finding)?;
        let value = [secret_start(finding, line, start), named_secret(line, start), named_secret(line, end)];
        let value = value.into_iter().flatten().min().unwrap_or(line.len());
        let masked = |text: &str, at: usize| mask_opaque(&mask_from(text, value.saturating_sub(at).min(text.len())));
        let (before, marked, after) = (last_of(line.get(..start)?), line.get(start..end)?, first_of(line.get(end..)?));
        let (before, marked, after) =
            (masked(before, start - before.len()), masked(first_of(marked), start), masked(after, end));
        let marked_width = width.saturating_sub(CONTEXT_MIN).max(CONTEXT_MIN);
        let marked = cut_end(&marked, marked_width);
        let rest = width.saturating_sub(marked.chars().count());
        let before = cut_start(&before, rest.max(CONTEXT_MIN).min(rest.saturating_sub(8).max(8)));
        let after = cut_end(&after, rest.saturating_sub(before.chars().count()));
        Some(Excerpt { line: finding.location.line, before, marked, after })
    }
}

/// Where the secret part of a line starts: in Secret objects, behind keys that name a credential, and at
/// what a rule about credentials points at.
fn secret_start(finding: &Finding, line: &str, marked: usize) -> Option<usize> {
    let name_end = line.find(':').unwrap_or(0);
    let name = line.get(..name_end).unwrap_or("").trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let value = line.get(name_end..)?;
    let value_start = name_end + value.find(|c: char| c != ':' && c != ' ').unwrap_or(value.len());
    let flow = value.contains(['{', ',']);
    if &*finding.subject.kind == "Secret" {
        // One of these keys to a line is safe to show; anything else of a Secret may be data.
        let plain = PLAIN_KEYS.contains(&name) && !flow;
        return (!plain).then_some(value_start);
    }
    if about_credentials(finding) {
        return (name != "name" || flow).then_some(marked.min(value_start.max(name_end)));
    }
    let lower = name.to_ascii_lowercase();
    let names_credential = CREDENTIAL_WORDS.iter().any(|word| lower.ends_with(word));
    names_credential.then_some(value_start)
}

/// Where, near a place in a line, stands what a word before it calls a credential: in flow style and in
/// JSON the neighbours of a span are other fields.
fn named_secret(line: &str, place: usize) -> Option<usize> {
    let first = place.checked_sub(last_of(line.get(..place)?).len())?;
    let window = line.get(first..place + first_of(line.get(place..)?).len())?;
    let in_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let mut at = 0;
    while let Some(start) = window.get(at..)?.find(in_word).map(|offset| at + offset) {
        let end = window.get(start..)?.find(|c| !in_word(c)).map_or(window.len(), |offset| start + offset);
        let next = window.get(end..)?.find(|c: char| c.is_ascii_alphanumeric()).map(|offset| end + offset)?;
        let word = window.get(start..end)?.to_ascii_lowercase();
        let harmless = ["true", "false", "null"]
            .iter()
            .any(|harmless| window.get(next..).is_some_and(|text| text.starts_with(harmless)));
        if !harmless
            && CREDENTIAL_WORDS.iter().any(|name| word.ends_with(name))
            && !window.get(end..next)?.contains('{')
        {
            return Some(first + next);
        }
        at = end;
    }
    None
}

/// Whether the marked span of the finding may be a credential itself.
fn about_credentials(finding: &Finding) -> bool {
    let code = finding.rule.code;
    finding.property("secret").is_some()
        || CREDENTIAL_RULES.contains(&code)
        || ["-inline", "-guessable", "-reused"].iter().any(|ending| code.ends_with(ending))
}

/// Hides words that no one writes by hand: long runs of mixed letters and digits, and passwords in URLs.
/// Digests and plain names stay.
fn mask_opaque(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(in_token) {
        let (gap, tail) = rest.split_at(start);
        let end = tail.find(|c| !in_token(c)).unwrap_or(tail.len());
        let (word, next) = tail.split_at(end);
        out.push_str(gap);
        let password = gap.ends_with(':') && next.starts_with('@');
        if password || opaque(word) {
            out.push_str(&mask_from(word, 0))
        } else {
            out.push_str(word)
        }
        rest = next;
    }
    out.push_str(rest);
    out
}

/// Whether a word is long, mixes letters of both cases with digits, and is not joined from short names.
fn opaque(word: &str) -> bool {
    let mixes = |text: &str, tests: &[fn(&u8) -> bool]| tests.iter().all(|test| text.bytes().any(|byte| test(&byte)));
    let key_id = word.starts_with("AKIA") || word.starts_with("ASIA");
    let mixed = mixes(word, &[u8::is_ascii_digit, u8::is_ascii_uppercase])
        && (key_id || mixes(word, &[u8::is_ascii_lowercase]));
    let long_part = |part: &str| {
        part.len() >= OPAQUE_PART_CHARS_MIN
            && (mixes(part, &[u8::is_ascii_uppercase, u8::is_ascii_lowercase])
                || mixes(part, &[u8::is_ascii_digit, u8::is_ascii_alphabetic]))
    };
    word.len() >= OPAQUE_CHARS_MIN && mixed && word.split(['-', '_', '/', '+', '=']).any(long_part)
}

fn in_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '_' | '-')
}

/// The start of a long text, without the word that the cut went through.
fn first_of(text: &str) -> &str {
    match (0..WINDOW_BYTES).rev().find(|at| text.len() > WINDOW_BYTES && text.is_char_boundary(*at)) {
        Some(at) => text.get(..at).unwrap_or("").trim_end_matches(in_token),
        None => text,
    }
}

/// The end of a long text, without the word that the cut went through.
fn last_of(text: &str) -> &str {
    let Some(least) = text.len().checked_sub(WINDOW_BYTES) else { return text };
    match (least..text.len()).find(|at| text.is_char_boundary(*at)) {
        Some(at) => text.get(at..).unwrap_or("").trim_start_matches(in_token),
        None => text,
    }
}

/// Hides what follows the first characters after `from`; short words such as `true` stay.
fn mask_from(text: &str, from: usize) -> String {
    let (head, tail) = match text.get(..from).zip(text.get(from..)) {
        Some(parts) => parts,
        None if from >= text.len() => return text.into(),
        None => ("", text),
    };
    let word = tail.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    if tail.chars().nth(MASK_SHOWN_CHARS_MAX).is_none() || matches!(word, "true" | "false" | "null") {
        return text.into();
    }
    let shown: String = tail.chars().take(MASK_SHOWN_CHARS_MAX).collect();
    format!("{head}{shown}[redacted]")
}

fn cut_end(text: &str, width: usize) -> String {
    match text.char_indices().nth(width) {
        None => text.into(),
        Some(_) => {
            let mut cut: String = text.chars().take(width.saturating_sub(1)).collect();
            cut.push('…');
            cut
        }
    }
}

fn cut_start(text: &str, width: usize) -> String {
    let count = text.chars().count();
    if count <= width {
        return text.into();
    }
    std::iter::once('…').chain(text.chars().skip(count + 1 - width.max(1))).collect()
}

/// Expands tabs and spells hostile characters, so that carets below line up.
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push_str("    "),
            c if hostile(c) => out.push_str(&super::escape::Shown(c.encode_utf8(&mut [0; 4])).to_string()),
            c => out.push(c),
        }
    }
    out
}

/// More of a line is never looked at; no excerpt is wider.
const WINDOW_BYTES: usize = 1_024;
/// Characters kept around a marked span that fills the line by itself.
const CONTEXT_MIN: usize = 16;
/// A redacted value shows this much, as the messages of findings do.
const MASK_SHOWN_CHARS_MAX: usize = 4;
const PLAIN_KEYS: &[&str] =
    &["apiVersion", "kind", "metadata", "name", "namespace", "type", "immutable", "data", "stringData", "labels"];
/// Shorter runs of mixed characters are too often names.
const OPAQUE_CHARS_MIN: usize = 20;
/// Names of cipher suites and flags are long, but their parts are short.
const OPAQUE_PART_CHARS_MIN: usize = 14;
/// Endings of keys whose value is a credential.
const CREDENTIAL_WORDS: &[&str] =
    &["secret", "credentials", "password", "passwd", "passphrase", "token", "private-key", "privatekey", "private_key"];
/// Rules that point at a credential.
const CREDENTIAL_RULES: &[&str] = &[
    "secret-credential",
    "secret-default-password",
    "secret-high-entropy",
    "secret-in-manifest",
    "secret-last-applied",
    "secret-literal",
];

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::{Location, Rule, Scope, Serves, Severity, Subject};

    use super::*;

    static PLAIN: Rule = Rule {
        code: "sample-plain",
        title: "Sample",
        severity: Severity::Low,
        scope: Scope::Object,
        serves: &[Serves::part("RC-10")],
        why: "",
        fix: "",
        example: "",
    };
    static LEAK: Rule = Rule { code: "secret-literal", ..PLAIN };

    fn finding(rule: &'static Rule, kind: &str, text: &str, marked: &str) -> Finding {
        let start = text.find(marked).unwrap();
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Finding {
            rule,
            severity: rule.severity,
            message: "m".into(),
            subject: Arc::new(Subject { kind: kind.into(), ..Subject::default() }),
            location: Location {
                file: FileId(0),
                line: before.matches('\n').count() as u32 + 1,
                column: text[line_start..start].chars().count() as u32 + 1,
                start: start as u32,
                end: (start + marked.len()) as u32,
            },
            properties: None,
        }
    }

    fn excerpt(rule: &'static Rule, kind: &str, text: &str, marked: &str) -> Excerpt {
        Lines::new(text.into()).excerpt(&finding(rule, kind, text, marked), 80).unwrap()
    }

    #[test]
    fn the_span_is_marked_on_its_line() {
        let found = excerpt(&PLAIN, "Pod", "a: 1\nprivileged: true # x\nb: 2\n", "true");
        assert_eq!((found.line, &*found.before, &*found.marked, &*found.after), (2, "privileged: ", "true", " # x"));
    }

    #[test]
    fn a_span_over_many_lines_stops_at_the_end_of_its_first() {
        let found = excerpt(&PLAIN, "Pod", "a:\n  b: 1\r\n  c: 2\n", "b: 1\r\n  c: 2");
        assert_eq!(found.marked, "b: 1");
    }

    #[test]
    fn long_lines_are_cut_around_the_span() {
        let text = format!("{}needle{}", "x ".repeat(50_000), " y".repeat(50_000));
        let found = excerpt(&PLAIN, "Pod", &text, "needle");
        assert!(found.before.starts_with('…') && found.after.ends_with('…'));
        assert_eq!(found.marked, "needle");
        assert!(found.before.chars().count() + found.after.chars().count() < 90);
    }

    #[test]
    fn values_of_secrets_are_masked() {
        for (rule, kind, text, marked) in [
            (&PLAIN, "Secret", "data:\n  pass: aHVudGVyMg==\n", "aHVudGVyMg=="),
            (&PLAIN, "Secret", "data:\n  pass: aHVudGVyMg==\n", "pass"),
            (&PLAIN, "Secret", "{\"kind\":\"Secret\",\"data\":{\"a\":\"aHVudGVyMg==\"}}", "aHVudGVyMg=="),
            (&LEAK, "Pod", "- value: aHVudGVyMg==\n", "aHVudGVyMg=="),
            (&LEAK, "Pod", "- {name: A, value: aHVudGVyMg==}\n", "A"),
            (&LEAK, "Pod", "aHVudGVyMg==\n", "aHVudGVyMg=="),
            (&PLAIN, "ConfigMap", "  db_password: aHVudGVyMg==\n", "db_password"),
            (&PLAIN, "Pod", "- \"--key=8aHVudGVyMgAbCdEfGhIjK\"\n", "- "),
            (&PLAIN, "Pod", "url: postgres://app:VudGVyMg@db/x\n", "url"),
        ] {
            let found = excerpt(rule, kind, text, marked);
            let whole = format!("{}{}{}", found.before, found.marked, found.after);
            assert!(!whole.contains("VudGVyMg"), "{whole}");
            assert!(whole.contains("[redacted]"), "{whole}");
        }
    }

    #[test]
    fn what_is_no_credential_is_shown() {
        let digest = format!("image: registry.example.com/a@sha256:{}", "0a1b2c3d".repeat(8));
        for (rule, kind, text) in [
            (&PLAIN, "Pod", "automountServiceAccountToken: true"),
            (&PLAIN, "Pod", "secretName: registry-credentials-of-the-team"),
            (&LEAK, "Pod", "- name: DB_PASSWORD"),
            (&PLAIN, "Secret", "type: kubernetes.io/service-account-token"),
            (&PLAIN, "Pod", "containers:"),
            (&PLAIN, "Pod", "- --tls-cipher-suites=TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
            (&PLAIN, "Pod", "- --tls-min-version=VersionTLS10"),
            (&PLAIN, "Pod", &digest),
        ] {
            let found = excerpt(rule, kind, text, text.split(':').next().unwrap());
            let whole = format!("{}{}{}", found.before, found.marked, found.after);
            assert!(!whole.contains("[redacted]"), "{whole}");
        }
    }

    #[test]
    fn places_outside_the_text_have_no_excerpt() {
        let lines = Lines::new("a: 1\n".into());
        let mut lost = finding(&PLAIN, "Pod", "a: 1\n", "1");
        lost.location.line = 9;
        assert_eq!(lines.excerpt(&lost, 80), None);
        lost.location = Location { line: 1, column: 900, start: 77, end: 4, ..lost.location };
        assert_eq!(lines.excerpt(&lost, 80).unwrap().marked, "");
    }
}
