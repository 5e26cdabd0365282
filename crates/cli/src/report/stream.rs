//! JSON written value by value, so that a million findings need no tree in memory.

use std::fmt::Display;
use std::io::{self, Write};

/// A JSON writer. Errors of the output are kept and told by [`Json::finish`].
pub(crate) struct Json<'w> {
    out: &'w mut dyn Write,
    buffer: Vec<u8>,
    comma: bool,
    result: io::Result<()>,
}

impl<'w> Json<'w> {
    pub(crate) fn new(out: &'w mut dyn Write) -> Self {
        Json { out, buffer: Vec::with_capacity(2 * FLUSH_BYTES), comma: false, result: Ok(()) }
    }

    pub(crate) fn object(&mut self) {
        self.open(b'{');
    }

    pub(crate) fn end_object(&mut self) {
        self.close(b'}');
    }

    pub(crate) fn array(&mut self) {
        self.open(b'[');
    }

    pub(crate) fn end_array(&mut self) {
        self.close(b']');
    }

    /// Puts the next value of the array on its own line.
    pub(crate) fn line(&mut self) {
        if std::mem::take(&mut self.comma) {
            self.buffer.push(b',');
        }
        self.buffer.push(b'\n');
    }

    /// A key: a name out of the program, which needs no escapes.
    pub(crate) fn key(&mut self, key: &'static str) {
        debug_assert!(!key.bytes().any(suspicious), "{key}");
        self.separate();
        self.buffer.push(b'"');
        self.buffer.extend_from_slice(key.as_bytes());
        self.buffer.extend_from_slice(b"\":");
        self.comma = false;
    }

    pub(crate) fn string(&mut self, text: &str) {
        self.separate();
        self.buffer.push(b'"');
        escape(text, &mut self.buffer);
        self.buffer.push(b'"');
        self.flush_when_full();
    }

    pub(crate) fn number(&mut self, number: impl TryInto<u64>) {
        self.separate();
        let mut number: u64 = number.try_into().unwrap_or(0);
        let first = self.buffer.len();
        loop {
            self.buffer.push(b'0' + (number % 10) as u8);
            number /= 10;
            if number == 0 {
                break;
            }
        }
        if let Some(digits) = self.buffer.get_mut(first..) {
            digits.reverse();
        }
    }

    pub(crate) fn boolean(&mut self, value: bool) {
        self.separate();
        self.buffer.extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// A key with a string.
    pub(crate) fn field(&mut self, key: &'static str, text: &str) {
        self.key(key);
        self.string(text);
    }

    /// A key with a string made of anything that can be printed.
    pub(crate) fn field_of(&mut self, key: &'static str, text: impl Display) {
        self.field(key, &text.to_string());
    }

    /// A key with a count.
    pub(crate) fn count(&mut self, key: &'static str, number: impl TryInto<u64>) {
        self.key(key);
        self.number(number);
    }

    /// A key with a list of strings.
    pub(crate) fn strings<'s>(&mut self, key: &'static str, items: impl Iterator<Item = &'s str>) {
        self.key(key);
        self.array();
        for item in items {
            self.string(item);
        }
        self.end_array();
    }

    /// A key with an object that `fill` fills.
    pub(crate) fn object_at(&mut self, key: &'static str, fill: impl FnOnce(&mut Self)) {
        self.key(key);
        self.object();
        fill(self);
        self.end_object();
    }

    /// A key with a list that `fill` fills.
    pub(crate) fn array_at(&mut self, key: &'static str, fill: impl FnOnce(&mut Self)) {
        self.key(key);
        self.array();
        fill(self);
        self.end_array();
    }

    /// Ends the text with a line break and tells whether all of it could be written.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.buffer.push(b'\n');
        self.flush();
        self.result
    }

    fn open(&mut self, bracket: u8) {
        self.separate();
        self.buffer.push(bracket);
        self.comma = false;
    }

    fn close(&mut self, bracket: u8) {
        self.buffer.push(bracket);
        self.comma = true;
        self.flush_when_full();
    }

    fn separate(&mut self) {
        if std::mem::replace(&mut self.comma, true) {
            self.buffer.push(b',');
        }
    }

    fn flush_when_full(&mut self) {
        if self.buffer.len() >= FLUSH_BYTES {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if self.result.is_ok() {
            self.result = self.out.write_all(&self.buffer);
        }
        self.buffer.clear();
    }
}

/// Escapes what JSON demands, and also what could act on a terminal that shows the JSON as it is.
fn escape(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    // Most texts need no escape; this loop has no exit, so it takes many bytes at a time.
    if !bytes.iter().fold(false, |any, byte| any | suspicious(*byte)) {
        return out.extend_from_slice(bytes);
    }
    let (mut done, mut at) = (0, 0);
    while let Some(step) = bytes.get(at..).and_then(|rest| rest.iter().position(|byte| suspicious(*byte))) {
        at += step;
        let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) else { break };
        let next = at + c.len_utf8();
        if c.is_ascii() || super::escape::hostile(c) {
            out.extend_from_slice(bytes.get(done..at).unwrap_or(&[]));
            escape_char(c, out);
            done = next;
        }
        at = next;
    }
    out.extend_from_slice(bytes.get(done..).unwrap_or(&[]));
}

/// First bytes of characters that may need an escape.
fn suspicious(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\' || byte == 0x7f || byte >= 0xc2
}

fn escape_char(c: char, out: &mut Vec<u8>) {
    match c {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\t' => out.extend_from_slice(b"\\t"),
        c => {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
}

const FLUSH_BYTES: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn written(fill: impl FnOnce(&mut Json<'_>)) -> String {
        let mut out = Vec::new();
        let mut json = Json::new(&mut out);
        fill(&mut json);
        json.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn any_string_survives_a_round_trip_and_is_harmless_on_a_terminal() {
        for text in ["", "plain", "\"\\\n\t\r\u{0}\u{1b}[31m", "ü\u{85}\u{202e}日本\u{feff}🦀\u{e0041}", "\u{7f}é"]
        {
            let json = written(|json| json.string(text));
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
            assert!(!json.trim_end().chars().any(super::super::escape::hostile), "{json:?}");
        }
    }

    #[test]
    fn commas_stand_between_values_only() {
        let json = written(|json| {
            json.object();
            json.array_at("a", |json| {
                for item in ["x", "y"] {
                    json.line();
                    json.object();
                    json.field("k", item);
                    json.end_object();
                }
            });
            json.strings("b", [].into_iter());
            json.count("n", 3_usize);
            json.end_object();
        });
        assert_eq!(json, "{\"a\":[\n{\"k\":\"x\"},\n{\"k\":\"y\"}],\"b\":[],\"n\":3}\n");
    }
}
