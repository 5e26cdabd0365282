//! The search through a text that is not held whole: large files, and texts of two bytes a character.

use super::{
    AFTER_BYTES, Allow, BEFORE_BYTES, FILE_BYTES_MAX, HEAD_BYTES, LINES_BYTES, Origin, SECRETS_MAX, find, tell,
};
use crate::facts::Secret;

/// How the characters of a text are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// ASCII, UTF-8 and the others that have ASCII's characters as they are.
    Plain,
    /// UTF-16, the lower byte first.
    Utf16Little,
    /// UTF-16, the upper byte first.
    Utf16Big,
}

impl Encoding {
    /// The encoding of a text that begins like this; `None` for what is no text.
    pub fn of(head: &[u8]) -> Option<Self> {
        let head = head.get(..HEAD_BYTES).unwrap_or(head);
        match head {
            [0xff, 0xfe, 0, 0, ..] => return None,
            [0xff, 0xfe, ..] => return Some(Encoding::Utf16Little),
            [0xfe, 0xff, ..] => return Some(Encoding::Utf16Big),
            _ => {}
        }
        // Most files have no NUL, or many.
        if memchr::memchr(0, head).is_none() {
            return Some(Encoding::Plain);
        }
        let pairs = head.chunks_exact(2);
        let half = |first: fn(&[u8]) -> bool| pairs.clone().filter(|pair| first(pair)).count() * 10 >= pairs.len() * 9;
        let long = head.len() >= UTF16_BYTES_MIN;
        if long && half(|pair| matches!(pair, [letter, 0] if is_letter(*letter))) {
            return Some(Encoding::Utf16Little);
        }
        if long && half(|pair| matches!(pair, [0, letter] if is_letter(*letter))) {
            return Some(Encoding::Utf16Big);
        }
        // Logs that were cut while they were written begin with zeros; what is mostly letters is a text with a few zeros.
        let zeros = head.iter().all(|byte| *byte == 0);
        let letters = head.iter().filter(|byte| is_letter(**byte)).count();
        (zeros || letters * 10 >= head.len() * 8).then_some(Encoding::Plain)
    }
}

fn is_letter(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r')
}

/// Takes a text in pieces and tells its secrets. Memory is that of one window.
#[derive(Debug)]
pub struct Search<'a> {
    allow: &'a Allow,
    encoding: Encoding,
    window: Vec<u8>,
    /// Bytes at the front of the window in which no secret begins that was not told.
    done: usize,
    /// How far the last secret reaches into the window.
    covered: usize,
    origin: Origin,
    /// Bytes of the text, as they came.
    taken: u64,
    /// Half a character of UTF-16.
    half: Option<u8>,
    surrogate: Option<u16>,
    secrets: Vec<Secret>,
}

impl<'a> Search<'a> {
    /// Nothing seen yet.
    pub fn new(encoding: Encoding, allow: &'a Allow) -> Self {
        Search {
            allow,
            encoding,
            window: Vec::new(),
            done: 0,
            covered: 0,
            origin: Origin::default(),
            taken: 0,
            half: None,
            surrogate: None,
            secrets: Vec::new(),
        }
    }

    /// The next piece. What comes after [`FILE_BYTES_MAX`] bytes is not searched.
    pub fn push(&mut self, piece: &[u8]) {
        let room = usize::try_from(FILE_BYTES_MAX.saturating_sub(self.taken)).unwrap_or(usize::MAX);
        self.taken = self.taken.saturating_add(piece.len() as u64);
        for part in piece.get(..room).unwrap_or(piece).chunks(WINDOW_BYTES / 4) {
            match self.encoding {
                Encoding::Plain => self.window.extend_from_slice(part),
                Encoding::Utf16Little => self.decode(part, u16::from_le_bytes),
                Encoding::Utf16Big => self.decode(part, u16::from_be_bytes),
            }
            if self.window.len() >= WINDOW_BYTES {
                self.step(self.window.len().saturating_sub(OVERLAP_BYTES));
            }
        }
    }

    /// The secrets, and how many bytes at the end of the text were not searched.
    pub fn finish(mut self) -> (Vec<Secret>, u64) {
        self.step(self.window.len());
        (self.secrets, self.taken.saturating_sub(FILE_BYTES_MAX))
    }

    fn decode(&mut self, piece: &[u8], unit: fn([u8; 2]) -> u16) {
        for &byte in piece {
            let Some(first) = self.half.take() else {
                self.half = Some(byte);
                continue;
            };
            let unit = unit([first, byte]);
            let units = self.surrogate.take().into_iter().chain([unit]);
            if (0xd800..0xdc00).contains(&unit) {
                self.surrogate = Some(unit);
                continue;
            }
            for read in char::decode_utf16(units) {
                let letter = read.unwrap_or(char::REPLACEMENT_CHARACTER);
                // The mark of the order of bytes is no part of the text.
                if letter == '\u{feff}' {
                    continue;
                }
                self.window.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }

    /// Tells secrets that begin before `end`, and lets go of what is before that.
    fn step(&mut self, end: usize) {
        if self.secrets.len() <= SECRETS_MAX {
            let found = find(&self.window, self.allow, self.done..end);
            self.secrets.extend(tell(&self.window, &found, self.origin, &mut self.covered));
            self.secrets.truncate(SECRETS_MAX + 1);
        }
        let gone = end.saturating_sub(KEPT_BYTES);
        self.origin = self.origin.after(self.window.get(..gone).unwrap_or_default());
        self.window.drain(..gone);
        self.done = end - gone;
        self.covered = self.covered.saturating_sub(gone);
    }
}

/// Bytes searched at once: large enough that what is searched twice at the ends does not count.
const WINDOW_BYTES: usize = 1 << 20;

/// Bytes at the end of a window that the next one searches, with all that belongs to a secret that begins there.
const OVERLAP_BYTES: usize = LINES_BYTES + AFTER_BYTES + 2 * BEFORE_BYTES;

/// Bytes kept before those, for the name that a value is assigned to and the word that its format is known by.
const KEPT_BYTES: usize = 4096;

/// Shorter texts may have zeros at every other place by chance.
const UTF16_BYTES_MIN: usize = 16;

#[cfg(test)]
mod tests {
    use super::super::search;
    use super::super::tests::{WORD, noise};
    use super::*;

    fn streamed(encoding: Encoding, bytes: &[u8], piece: usize) -> Vec<Secret> {
        let allow = Allow::default();
        let mut search = Search::new(encoding, &allow);
        bytes.chunks(piece).for_each(|piece| search.push(piece));
        search.finish().0
    }

    /// A password that no scanner takes for a real one.
    fn line(number: usize) -> String {
        format!("naïve password = \"{number}{}\"\n", noise(WORD, 20))
    }

    #[test]
    fn a_large_text_tells_the_same_as_one_that_is_held_whole() {
        let token = format!("token: ghp_{}\n", noise(WORD, 36));
        let filler = "nothing to see on this line\n".repeat(100);
        // Around the end of the first window, and twice as far.
        for at in
            [WINDOW_BYTES - 20, WINDOW_BYTES - OVERLAP_BYTES - 12, WINDOW_BYTES - OVERLAP_BYTES, 2 * WINDOW_BYTES - 9]
        {
            let mut text = filler.repeat(at / filler.len());
            text.push_str(&"x".repeat(at - text.len()));
            text.push_str(&line(1));
            text.push_str(&filler);
            text.push_str(&token);
            let whole = search("f", text.as_bytes(), &Allow::default());
            assert_eq!(whole.len(), 2, "{at}");
            assert_eq!(streamed(Encoding::Plain, text.as_bytes(), 100_000), whole, "{at}");
        }
    }

    #[test]
    fn texts_of_two_bytes_a_character_are_decoded() {
        let text = format!("first\n{}𝄞\n{}", line(1), line(2));
        let expect = search("f", text.as_bytes(), &Allow::default());
        assert_eq!(expect.len(), 2);
        for mark in ["", "\u{feff}"] {
            let text = format!("{mark}{text}");
            let units: Vec<u16> = text.encode_utf16().collect();
            let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
            for (bytes, encoding) in [(little, Encoding::Utf16Little), (big, Encoding::Utf16Big)] {
                assert_eq!(Encoding::of(&bytes), Some(encoding));
                assert_eq!(streamed(encoding, &bytes, 7), expect);
            }
        }
    }

    #[test]
    fn programs_are_no_text_and_a_few_zeros_make_none() {
        let text = line(1).repeat(4);
        for head in [text.clone(), format!("\0{text}"), "\0".repeat(100)] {
            assert_eq!(Encoding::of(head.as_bytes()), Some(Encoding::Plain));
        }
        let program: Vec<u8> = [&b"\x7fELF\x02\x01\x01"[..], &[0; 60], b"GLIBC_2.34"].concat();
        let packed: Vec<u8> = (0..2000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        for head in [program, packed] {
            assert_eq!(Encoding::of(&head), None);
        }
    }

    #[test]
    fn what_was_not_searched_is_counted() {
        let allow = Allow::default();
        let mut search = Search::new(Encoding::Plain, &allow);
        search.taken = FILE_BYTES_MAX - line(1).len() as u64;
        search.push(format!("{}{}", line(1), line(2)).as_bytes());
        let (secrets, left) = search.finish();
        assert_eq!((secrets.len(), left), (1, line(2).len() as u64));
        let secrets = streamed(Encoding::Plain, (0..200).map(line).collect::<String>().as_bytes(), 1000);
        assert_eq!(secrets.len(), SECRETS_MAX + 1);
    }
}
