//! What is wrong with an expression, as cel-go prints it.

use std::fmt;
use std::sync::Arc;

use crate::ast::Span;

/// Errors of the parser or the type checker. `Display` prints one after the other in order of their
/// places, each with its line of the source and a caret below the place.
#[derive(Clone, Debug)]
pub struct Issues {
    source: Arc<str>,
    list: Vec<Issue>,
    /// Those that were not kept because there were too many.
    truncated: usize,
}

/// One error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Where it is; limits that the whole expression breaks have no place.
    pub span: Option<Span>,
    /// What it is, for example `undeclared reference to 'x' (in container '')`.
    pub message: String,
}

impl Issues {
    /// No errors yet.
    pub fn new(source: &Arc<str>) -> Self {
        Issues { source: source.clone(), list: Vec::new(), truncated: 0 }
    }

    /// Adds an error at a place.
    pub fn report(&mut self, span: Span, message: impl Into<String>) {
        self.push(Issue { span: Some(span), message: message.into() });
    }

    /// Adds an error of the whole expression.
    pub fn report_whole(&mut self, message: impl Into<String>) {
        self.push(Issue { span: None, message: message.into() });
    }

    /// Whether there is no error.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Errors in the order in which they were found, at most a hundred.
    pub fn list(&self) -> &[Issue] {
        &self.list
    }

    /// Line from 1 and column from 1 of an error, in characters.
    pub fn position(&self, issue: &Issue) -> Option<(usize, usize)> {
        let span = issue.span?;
        let (line, column) = locate(&self.source, span.start as usize);
        Some((line, column + 1))
    }

    /// `self` if there are errors, otherwise the value.
    pub fn or<T>(self, value: T) -> Result<T, Issues> {
        if self.list.is_empty() { Ok(value) } else { Err(self) }
    }

    fn push(&mut self, issue: Issue) {
        if self.list.len() < REPORTED_MAX { self.list.push(issue) } else { self.truncated += 1 }
    }
}

impl fmt::Display for Issues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted: Vec<&Issue> = self.list.iter().collect();
        sorted.sort_by_key(|issue| issue.span.map(|span| span.start));
        for (index, issue) in sorted.into_iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write_issue(f, &self.source, issue)?;
        }
        if self.truncated > 0 { write!(f, "\n{} more errors were truncated", self.truncated) } else { Ok(()) }
    }
}

impl std::error::Error for Issues {}

fn write_issue(f: &mut fmt::Formatter<'_>, source: &str, issue: &Issue) -> fmt::Result {
    let Some(span) = issue.span else { return write!(f, "ERROR: <input>:-1:0: {}", issue.message) };
    if source.is_empty() {
        // That is how cel-go counts where there is nothing.
        return write!(f, "ERROR: <input>:1:0: {}", issue.message);
    }
    let (line, column) = locate(source, span.start as usize);
    write!(f, "ERROR: <input>:{line}:{}: {}", column + 1, issue.message)?;
    let Some(text) = source.split('\n').nth(line - 1) else { return Ok(()) };
    if text.len() > SNIPPET_MAX {
        return Ok(());
    }
    f.write_str("\n | ")?;
    for character in text.chars() {
        fmt::Write::write_char(f, if character == '\t' { ' ' } else { character })?;
    }
    f.write_str("\n | ")?;
    let mut characters = text.chars();
    for character in characters.by_ref().take(column) {
        f.write_str(if character.is_ascii() { "." } else { DOT_WIDE })?;
    }
    f.write_str(if characters.next().is_none_or(|character| character.is_ascii()) { "^" } else { CARET_WIDE })
}

/// Line from 1 and column from 0, in characters, of a byte.
fn locate(source: &str, byte: usize) -> (usize, usize) {
    let before = source.get(..byte).unwrap_or(source);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |text| text.chars().count());
    (line, column)
}

/// As many errors as cel-go keeps of one expression; more help nobody.
const REPORTED_MAX: usize = 100;

/// Longest line, in bytes, that is shown below an error, as in cel-go.
const SNIPPET_MAX: usize = 16_384;

/// Dots and the caret below characters that are not ASCII, which are often twice as wide.
const DOT_WIDE: &str = "\u{ff0e}";
const CARET_WIDE: &str = "\u{ff3e}";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, places: &[(u32, &str)], expect: &str) {
        let mut issues = Issues::new(&source.into());
        for (start, message) in places {
            issues.report(Span { start: *start, end: *start }, *message);
        }
        assert_eq!(issues.to_string(), expect);
    }

    #[test]
    fn errors_are_printed_in_order_with_their_line_and_a_caret() {
        check(
            "a +\n\tb",
            &[(5, "second"), (0, "first")],
            "ERROR: <input>:1:1: first\n | a +\n | ^\nERROR: <input>:2:2: second\n |  b\n | .^",
        );
        check("'é' + ü", &[(7, "wide")], "ERROR: <input>:1:7: wide\n | 'é' + ü\n | .\u{ff0e}....\u{ff3e}");
        check("a", &[(1, "end")], "ERROR: <input>:1:2: end\n | a\n | .^");
        check("", &[(0, "nothing")], "ERROR: <input>:1:0: nothing");
    }

    #[test]
    fn a_long_line_is_not_shown_and_a_hundred_errors_are_enough() {
        check(&"a".repeat(20_000), &[(3, "long")], "ERROR: <input>:1:4: long");
        let mut issues = Issues::new(&"a".into());
        for _ in 0..103 {
            issues.report_whole("limit");
        }
        assert_eq!(issues.list().len(), 100);
        assert!(issues.to_string().ends_with("ERROR: <input>:-1:0: limit\n3 more errors were truncated"));
    }
}
