//! Colour and line breaking for the terminal.

use std::fmt::{self, Display, Formatter};

use model::{Severity, State};
use unicode_width::UnicodeWidthStr;

/// Whether and how wide to print.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    pub(crate) color: bool,
    pub(crate) width: usize,
}

/// Text in a colour, plain where colour is off.
pub(crate) struct Painted<T>(T, Option<&'static str>);

impl Style {
    pub(crate) fn new(color: bool, width: usize) -> Self {
        Style { color, width: width.clamp(WIDTH_MIN, WIDTH_MAX) }
    }

    fn paint<T>(self, code: &'static str, text: T) -> Painted<T> {
        Painted(text, self.color.then_some(code))
    }

    pub(crate) fn bold<T>(self, text: T) -> Painted<T> {
        self.paint("1", text)
    }

    pub(crate) fn dim<T>(self, text: T) -> Painted<T> {
        self.paint("2", text)
    }

    pub(crate) fn hint<T>(self, text: T) -> Painted<T> {
        self.paint("36", text)
    }

    pub(crate) fn good<T>(self, text: T) -> Painted<T> {
        self.paint("32", text)
    }

    pub(crate) fn severity<T>(self, severity: Severity, text: T) -> Painted<T> {
        self.paint(
            match severity {
                Severity::Critical => "1;35",
                Severity::High => "1;31",
                Severity::Medium => "1;33",
                Severity::Low => "1;34",
                Severity::Info => "1",
            },
            text,
        )
    }

    pub(crate) fn state<T>(self, state: State, text: T) -> Painted<T> {
        self.paint(
            match state {
                State::Violated => "31",
                State::Unknown => "33",
                State::Satisfied => "32",
                State::NotApplicable => "2",
            },
            text,
        )
    }

    /// Breaks text at spaces so that each line fits behind `indent` columns; `first` columns of the first
    /// line are taken already. Words that are too long stay whole, so that paths can be copied.
    pub(crate) fn wrap(self, text: &str, first: usize, indent: usize) -> String {
        let mut out = String::with_capacity(text.len() + 16);
        let mut column = first;
        for (at, word) in text.split(' ').enumerate() {
            let width = word.width();
            if at > 0 && column + 1 + width > self.width && column > indent {
                out.push('\n');
                out.extend(std::iter::repeat_n(' ', indent));
                column = indent;
            } else if at > 0 {
                out.push(' ');
                column += 1;
            }
            out.push_str(word);
            column += width;
        }
        out
    }
}

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.1 {
            None => self.0.fmt(f),
            Some(code) => {
                write!(f, "\u{1b}[{code}m")?;
                self.0.fmt(f)?;
                f.write_str("\u{1b}[0m")
            }
        }
    }
}

const WIDTH_MIN: usize = 60;
/// Longer lines are hard to read; wide terminals keep a margin.
const WIDTH_MAX: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_and_long_words_stay_whole() {
        let style = Style::new(false, 60);
        let text = style.wrap(&format!("{} {} end", "a".repeat(50), "b".repeat(70)), 4, 4);
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        assert_eq!(lines, [&*"a".repeat(50), &*"b".repeat(70), "end"]);
    }
}
