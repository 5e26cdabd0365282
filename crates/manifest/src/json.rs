//! Builds trees from JSON, one value at a time, keeping places and duplicate keys.
//!
//! RFC 8259. Numbers with a fraction or an exponent stay floats; see [`crate::Value::as_i64`].

use std::borrow::Cow;

use model::FileId;

use crate::limits::{DEPTH_MAX, NODES_MAX};
use crate::stream::{Fault, Place};
use crate::tree::{Data, Node, Tree, any_equal, spare_nodes};
use crate::yaml::{BYTES_PER_NODE, Base};

/// A run of JSON values, as `kubectl` reads them from one stream.
pub(crate) struct Values<'t> {
    reader: Reader<'t>,
    file: FileId,
}

impl<'t> Values<'t> {
    /// The values of a text.
    pub(crate) fn new(text: &'t str, base: Base, file: FileId) -> Self {
        let mut reader = Reader {
            text,
            at: 0,
            line: 0,
            column_from: 0,
            column: 0,
            ascii: text.is_ascii(),
            base,
            nodes: spare_nodes(),
            open: Vec::with_capacity(16),
            keys: Vec::with_capacity(64),
            duplicates: false,
        };
        reader.marked_space();
        Values { reader, file }
    }

    /// Where something stands after the values read so far, if anything does.
    pub(crate) fn rest(&mut self) -> Option<Place> {
        self.reader.peek()?;
        Some(self.reader.place(self.reader.at))
    }
}

impl<'t> Iterator for Values<'t> {
    type Item = Result<Tree<'t>, Fault>;

    /// The next value; nothing follows after a fault.
    fn next(&mut self) -> Option<Self::Item> {
        let reader = &mut self.reader;
        reader.peek()?;
        reader.nodes.reserve(((reader.text.len() - reader.at) / BYTES_PER_NODE).clamp(8, 4096));
        if let Err(fault) = reader.value() {
            reader.at = reader.text.len();
            return Some(Err(fault));
        }
        reader.marked_space();
        let nodes = std::mem::take(&mut reader.nodes);
        Some(Ok(Tree { nodes, file: self.file, duplicates: std::mem::take(&mut reader.duplicates) }))
    }
}

/// An open collection: its node, whether it is an object, and its children so far.
struct Open {
    at: usize,
    map: bool,
    children: u32,
    /// Where this object's keys start among [`Reader::keys`].
    keys_from: usize,
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    /// Lines passed.
    line: u32,
    /// A byte of the present line, and the characters before it.
    column_from: usize,
    column: u32,
    /// No character takes more than one byte, so that columns are a subtraction.
    ascii: bool,
    base: Base,
    nodes: Vec<Node<'t>>,
    open: Vec<Open>,
    /// Indices of the keys of all open objects.
    keys: Vec<u32>,
    duplicates: bool,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(byte) = self.peek() {
            // Compact JSON has none: one comparison, not a jump.
            if byte > b' ' {
                break;
            }
            if byte == b'\n' {
                self.line += 1;
                self.column_from = self.at + 1;
                self.column = 0;
            } else if !matches!(byte, b' ' | b'\t' | b'\r') {
                break;
            }
            self.at += 1;
        }
    }

    /// White space and byte-order marks between values.
    fn marked_space(&mut self) {
        self.space();
        while let Some(rest) = self.text[self.at..].strip_prefix('\u{feff}') {
            self.at = self.text.len() - rest.len();
            self.space();
        }
    }

    /// One value, without recursion: collections wait on a stack of their own.
    fn value(&mut self) -> Result<(), Fault> {
        loop {
            match self.peek() {
                Some(bracket @ (b'{' | b'[')) => {
                    if self.collection(bracket == b'{')? {
                        continue;
                    }
                }
                Some(_) => self.scalar()?,
                None => return Err(self.fault("the JSON text ends in the middle of a value")),
            }
            if !self.after_value()? {
                return Ok(());
            }
        }
    }

    /// Opens an object or an array; false when it is empty, and so complete.
    fn collection(&mut self, map: bool) -> Result<bool, Fault> {
        if self.open.len() >= DEPTH_MAX {
            return Err(self.fault(&format!("nested deeper than {DEPTH_MAX} levels; flatten it")));
        }
        self.push(if map { Data::Map(0) } else { Data::Seq(0) }, self.at)?;
        self.open.push(Open { at: self.nodes.len() - 1, map, children: 0, keys_from: self.keys.len() });
        self.at += 1;
        self.space();
        if self.peek() == Some(if map { b'}' } else { b']' }) {
            self.at += 1;
            self.close();
            return Ok(false);
        }
        if map {
            self.key()?;
        }
        Ok(true)
    }

    /// Goes on after a value, in the collection around it; false when there is none.
    fn after_value(&mut self) -> Result<bool, Fault> {
        loop {
            let Some(inner) = self.open.last_mut() else { return Ok(false) };
            inner.children += 1;
            let map = inner.map;
            self.space();
            match (self.peek(), map) {
                (Some(b','), _) => {
                    self.at += 1;
                    self.space();
                    if map {
                        self.key()?;
                    }
                    return Ok(true);
                }
                (Some(b'}'), true) | (Some(b']'), false) => {
                    self.at += 1;
                    self.close();
                }
                (None, _) => return Err(self.fault("the JSON text ends in the middle of a value")),
                (Some(_), true) => return Err(self.fault("expected a comma or } after an object's value")),
                (Some(_), false) => return Err(self.fault("expected a comma or ] after an array's item")),
            }
        }
    }

    fn close(&mut self) {
        let Some(done) = self.open.pop() else { return };
        if done.map {
            let nodes = &self.nodes;
            let name = |at: &u32| if let Data::Str(text) = &nodes[*at as usize].data { &**text } else { "" };
            self.duplicates |= any_equal(&self.keys[done.keys_from..], name);
            self.keys.truncate(done.keys_from);
        }
        let size = (self.nodes.len() - done.at) as u32;
        let end = self.at as u32 + self.base.byte;
        let node = &mut self.nodes[done.at];
        node.data = if done.map { Data::Map(done.children) } else { Data::Seq(done.children) };
        node.size = size;
        node.end = end;
    }

    fn key(&mut self) -> Result<(), Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.fault("expected a key in double quotes"));
        }
        self.keys.push(self.nodes.len() as u32);
        self.string()?;
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.fault("expected a colon after the key"));
        }
        self.at += 1;
        self.space();
        Ok(())
    }

    fn scalar(&mut self) -> Result<(), Fault> {
        let from = self.at;
        let rest = &self.text[from..];
        let (data, length) = match rest.as_bytes().first() {
            Some(b'"') => return self.string(),
            Some(b't') if rest.starts_with("true") => (Data::Bool(true), 4),
            Some(b'f') if rest.starts_with("false") => (Data::Bool(false), 5),
            Some(b'n') if rest.starts_with("null") => (Data::Null, 4),
            Some(b'-' | b'0'..=b'9') => self.number(rest)?,
            _ => return Err(self.fault("expected a JSON value")),
        };
        self.at += length;
        self.push(data, from)
    }

    fn number(&mut self, rest: &str) -> Result<(Data<'t>, usize), Fault> {
        let length = rest
            .bytes()
            .position(|byte| !matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
            .unwrap_or(rest.len());
        let digits = &rest[..length];
        let unsigned = digits.strip_prefix('-').unwrap_or(digits);
        let mut lead = unsigned.bytes();
        let leading_zero = lead.next() == Some(b'0') && lead.next().is_some_and(|byte| byte.is_ascii_digit());
        if leading_zero || unsigned.starts_with('.') || unsigned.ends_with('.') {
            return Err(self.fault("not a JSON number"));
        }
        if let Ok(value) = digits.parse::<i64>() {
            return Ok((Data::Int(value), length));
        }
        match digits.parse::<f64>() {
            Ok(value) => Ok((Data::Float(value), length)),
            Err(_) => Err(self.fault("not a JSON number")),
        }
    }

    fn string(&mut self) -> Result<(), Fault> {
        let from = self.at;
        let bytes = self.text.as_bytes();
        let mut at = from + 1;
        let mut escaped = false;
        loop {
            at += plain(bytes.get(at..).unwrap_or_default());
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    at += 2;
                }
                Some(byte) if *byte < 0x20 => {
                    self.at = at;
                    return Err(self.fault("a control character inside a string; escape it"));
                }
                Some(_) => at += 1,
                None => return Err(self.fault("the JSON text ends inside a string")),
            }
        }
        let raw = &self.text[from + 1..at];
        let text = if escaped {
            match unescape(raw) {
                Some(text) => Cow::Owned(text),
                None => return Err(self.fault("an escape that JSON does not know")),
            }
        } else {
            Cow::Borrowed(raw)
        };
        self.at = at + 1;
        self.push(Data::Str(text), from)
    }

    fn push(&mut self, data: Data<'t>, from: usize) -> Result<(), Fault> {
        if self.nodes.len() >= NODES_MAX {
            return Err(self.fault(&format!("more than {NODES_MAX} nodes in one document; split the document")));
        }
        let place = self.place(from);
        self.nodes.push(Node {
            data,
            start: place.byte,
            end: self.at as u32 + self.base.byte,
            line: place.line,
            column: place.column,
            size: 1,
        });
        Ok(())
    }

    /// The place of a byte at or after the last one asked for.
    fn place(&mut self, at: usize) -> Place {
        if self.ascii {
            self.column += at.saturating_sub(self.column_from) as u32;
            self.column_from = self.column_from.max(at);
        } else if let Some(between) = self.text.get(self.column_from..at) {
            self.column += between.chars().count() as u32;
            self.column_from = at;
        }
        Place { byte: at as u32 + self.base.byte, line: self.line + 1 + self.base.line, column: self.column + 1 }
    }

    fn fault(&mut self, message: &str) -> Fault {
        Fault { place: self.place(self.at.min(self.text.len())), message: message.to_owned() }
    }
}

/// Bytes before the next quote, backslash or control character, as far as whole words of eight tell; the
/// caller looks at what is left byte by byte.
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let mut at = 0;
    let (words, _) = bytes.as_chunks::<8>();
    for word in words {
        let word = u64::from_le_bytes(*word);
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let special = control | zero(word ^ (ONES * u64::from(b'"'))) | zero(word ^ (ONES * u64::from(b'\\')));
        if special != 0 {
            // The lowest mark is exact; those above it may be carries.
            return at + (special.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    at
}

fn unescape(raw: &str) -> Option<String> {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let code = *rest.as_bytes().get(at + 1)?;
        let mut used = at + 2;
        match code {
            b'"' | b'\\' | b'/' => text.push(char::from(code)),
            b'b' => text.push('\u{8}'),
            b'f' => text.push('\u{c}'),
            b'n' => text.push('\n'),
            b'r' => text.push('\r'),
            b't' => text.push('\t'),
            b'u' => {
                let high = hex4(rest.get(used..used + 4)?)?;
                used += 4;
                let low = rest.get(used..used + 6).and_then(|next| hex4(next.strip_prefix("\\u")?));
                match (high, low) {
                    (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) => {
                        used += 6;
                        text.push(char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))?);
                    }
                    // A lone surrogate becomes the replacement character, as in Go.
                    _ => text.push(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER)),
                }
            }
            _ => return None,
        }
        rest = rest.get(used..)?;
    }
    text.push_str(rest);
    Some(text)
}

fn hex4(digits: &str) -> Option<u32> {
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
}
