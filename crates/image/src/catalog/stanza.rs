//! Stanzas of `Field: value` lines with continuation lines, as dpkg, opkg and Python metadata write them.

use super::Sink;

/// One stanza: fields in order, continuation lines joined with a newline.
#[derive(Debug, Default)]
pub(super) struct Stanza<'a> {
    fields: Vec<(&'a str, String)>,
}

impl<'a> Stanza<'a> {
    /// The first value of a field, compared without regard to case, without blanks and empty lines around it.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// Whether it has no field.
    pub(super) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

/// All stanzas of a text, each with its first line; lines that are no fields are told with their number.
pub(super) fn stanzas<'a>(text: &'a str, mut each: impl FnMut(Stanza<'a>, u32), mut bad: impl FnMut(u32)) {
    let (mut stanza, mut first) = (Stanza::default(), 1);
    for (line, number) in text.lines().zip(1u32..) {
        if line.trim_end().is_empty() {
            if !stanza.is_empty() {
                each(std::mem::take(&mut stanza), first);
            }
            continue;
        }
        if stanza.is_empty() {
            first = number;
        }
        if line.starts_with([' ', '\t']) {
            match stanza.fields.last_mut() {
                Some((_, value)) if value.len() < VALUE_BYTES_MAX => {
                    value.push('\n');
                    value.push_str(line.trim());
                }
                Some(_) => {}
                None => bad(number),
            }
            continue;
        }
        match line.split_once(':') {
            Some((name, value)) if !name.is_empty() && !name.contains(' ') => {
                if stanza.fields.len() < FIELDS_MAX {
                    stanza.fields.push((name, value.trim().to_owned()));
                }
            }
            _ => bad(number),
        }
    }
    if !stanza.is_empty() {
        each(stanza, first);
    }
}

/// Lines that are no fields, which are told together.
#[derive(Debug, Default)]
pub(super) struct OddLines {
    count: u32,
    first: u32,
}

impl OddLines {
    /// One more.
    pub(super) fn add(&mut self, line: u32) {
        if self.count == 0 {
            self.first = line;
        }
        self.count += 1;
    }

    /// Tells of them, where there are any.
    pub(super) fn tell(&self, sink: &mut Sink) {
        if self.count > 0 {
            sink.damage(format!("{} lines are no fields, the first is line {}", self.count, self.first));
        }
    }
}

/// Longest value; Debian's longest list of files has some hundred kilobytes.
const VALUE_BYTES_MAX: usize = 4 << 20;

/// Fields of one stanza.
const FIELDS_MAX: usize = 1000;
