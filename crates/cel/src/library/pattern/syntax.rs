//! The syntax of patterns: a parser without recursion, with a stack of its own.

use super::class::{self, Ranges};

use regex_syntax::hir::{Capture, Dot, Hir, Look, Repetition};

use super::Refusal;

/// A pattern that was read.
pub(super) struct Parsed {
    pub(super) hir: Hir,
    pub(super) groups: usize,
}

/// What stands on the stack.
enum Item {
    Node(Node),
    /// An opened group: its number if it captures, and the flags to be restored at its end. Names are
    /// checked and dropped: nothing asks for them, and the same name may come twice.
    Open(Option<u32>, Flags),
    Bar,
}

struct Node {
    hir: Hir,
    /// How often counted repetitions copy the innermost thing.
    copies: u32,
    height: u32,
}

#[derive(Clone, Copy, Default)]
struct Flags {
    fold_case: bool,
    multi_line: bool,
    dot_all: bool,
    lazy: bool,
}

struct Parser<'s> {
    whole: &'s str,
    rest: &'s str,
    stack: Vec<Item>,
    flags: Flags,
    groups: u32,
}

/// Reads a pattern.
pub(super) fn parse(source: &str) -> Result<Parsed, Refusal> {
    let mut parser = Parser { whole: source, rest: source, stack: Vec::new(), flags: Flags::default(), groups: 0 };
    // The last repetition operator and what follows it, if it has just been read.
    let mut last_repeat: Option<&str> = None;
    while let Some(first) = parser.rest.chars().next() {
        let before = parser.rest;
        last_repeat = match first {
            '*' | '+' | '?' => {
                let (min, max) = match first {
                    '*' => (0, None),
                    '+' => (1, None),
                    _ => (0, Some(1)),
                };
                parser.rest = &before[1..];
                parser.repeat(min, max, before, last_repeat, false)?;
                Some(before)
            }
            '{' => match counts(before) {
                Some((counts, after)) => {
                    parser.rest = after;
                    let Some((min, max)) = counts else {
                        return Err(refusal(REPEAT_SIZE, &before[..before.len() - after.len()]));
                    };
                    parser.repeat(min, max, before, last_repeat, true)?;
                    Some(before)
                }
                None => {
                    parser.rest = &before[1..];
                    parser.literal('{');
                    None
                }
            },
            _ => {
                parser.step(first)?;
                None
            }
        };
    }
    parser.end()
}

impl<'s> Parser<'s> {
    /// Anything but a repetition.
    fn step(&mut self, first: char) -> Result<(), Refusal> {
        let before = self.rest;
        let after = &before[first.len_utf8()..];
        match first {
            '(' if after.starts_with('?') => return self.flags_or_name(),
            '(' => {
                self.groups += 1;
                self.stack.push(Item::Open(Some(self.groups), self.flags));
            }
            '|' => {
                let branch = self.concat()?;
                self.stack.push(Item::Node(branch));
                self.stack.push(Item::Bar);
            }
            ')' => self.close()?,
            '^' => self.push(Hir::look(if self.flags.multi_line { Look::StartLF } else { Look::Start })),
            '$' => self.push(Hir::look(if self.flags.multi_line { Look::EndLF } else { Look::End })),
            '.' => self.push(Hir::dot(if self.flags.dot_all { Dot::AnyChar } else { Dot::AnyCharExceptLF })),
            '[' => {
                let (ranges, after) = class::bracketed(before, self.flags.fold_case)?;
                self.push(ranges.hir());
                self.rest = after;
                return Ok(());
            }
            '\\' => return self.escape(),
            other => self.literal(other),
        }
        self.rest = after;
        Ok(())
    }

    fn escape(&mut self) -> Result<(), Refusal> {
        let before = self.rest;
        let after = before.get(2..);
        let look = match before.as_bytes().get(1) {
            Some(b'A') => Some(Look::Start),
            Some(b'z') => Some(Look::End),
            Some(b'b') => Some(Look::WordAscii),
            Some(b'B') => Some(Look::WordAsciiNegate),
            Some(b'C') => return Err(refusal(ESCAPE, &before[..2])),
            Some(b'Q') => {
                let quoted = after.unwrap_or_default();
                let (literal, rest) = quoted.split_once("\\E").unwrap_or((quoted, ""));
                for char in literal.chars() {
                    self.literal(char);
                }
                self.rest = rest;
                return Ok(());
            }
            _ => None,
        };
        if let (Some(look), Some(after)) = (look, after) {
            self.push(Hir::look(look));
            self.rest = after;
            return Ok(());
        }
        if let Some((ranges, after)) = class::escaped(before, self.flags.fold_case)? {
            self.push(ranges.hir());
            self.rest = after;
            return Ok(());
        }
        let (code, after) = class::escaped_char(before)?;
        match char::from_u32(code) {
            Some(char) => self.literal(char),
            // A surrogate: no text has it.
            None => self.push(Hir::fail()),
        }
        self.rest = after;
        Ok(())
    }

    fn literal(&mut self, char: char) {
        if self.flags.fold_case {
            self.push(Ranges::one(char as u32).folded().hir());
        } else {
            let mut utf8 = [0; 4];
            self.push(Hir::literal(char.encode_utf8(&mut utf8).as_bytes()));
        }
    }

    fn push(&mut self, hir: Hir) {
        self.stack.push(Item::Node(Node { hir, copies: 1, height: 1 }));
    }

    fn repeat(
        &mut self,
        min: u32,
        max: Option<u32>,
        before: &'s str,
        last_repeat: Option<&'s str>,
        counted: bool,
    ) -> Result<(), Refusal> {
        let mut greedy = !self.flags.lazy;
        if let Some(after) = self.rest.strip_prefix('?') {
            self.rest = after;
            greedy = !greedy;
        }
        if let Some(last) = last_repeat {
            return Err(refusal(REPEAT_OPERATOR, &last[..last.len() - self.rest.len()]));
        }
        let operator = &before[..before.len() - self.rest.len()];
        let Some(Item::Node(node)) = self.stack.pop() else { return Err(refusal(REPEAT_ARGUMENT, operator)) };
        let copies = match max {
            Some(0) if counted => 1,
            _ if counted => node.copies.saturating_mul(max.unwrap_or(min).max(1)),
            _ => node.copies,
        };
        if copies > REPEAT_MAX {
            return Err(refusal(REPEAT_SIZE, operator));
        }
        let hir = Hir::repetition(Repetition { min, max, greedy, sub: Box::new(node.hir) });
        self.stack.push(Item::Node(Node { hir, copies, height: limited(node.height + 1)? }));
        Ok(())
    }

    /// Joins what stands above the last bar or opened group.
    fn concat(&mut self) -> Result<Node, Refusal> {
        let from = self.stack.iter().rposition(|item| !matches!(item, Item::Node(_))).map_or(0, |at| at + 1);
        join(self.stack.drain(from..), Hir::concat)
    }

    /// Joins the branches down to the opened group.
    fn alternate(&mut self) -> Result<Node, Refusal> {
        let last = self.concat()?;
        self.stack.push(Item::Node(last));
        let from = self.stack.iter().rposition(|item| matches!(item, Item::Open(..))).map_or(0, |at| at + 1);
        join(self.stack.drain(from..), Hir::alternation)
    }

    fn close(&mut self) -> Result<(), Refusal> {
        let inner = self.alternate()?;
        let Some(Item::Open(group, flags)) = self.stack.pop() else {
            return Err(refusal(UNEXPECTED_PAREN, self.whole));
        };
        self.flags = flags;
        self.stack.push(Item::Node(match group {
            Some(index) => Node {
                hir: Hir::capture(Capture { index, name: None, sub: Box::new(inner.hir) }),
                copies: inner.copies,
                height: limited(inner.height + 1)?,
            },
            None => inner,
        }));
        Ok(())
    }

    fn end(mut self) -> Result<Parsed, Refusal> {
        let whole = self.alternate()?;
        if !self.stack.is_empty() {
            return Err(refusal(MISSING_PAREN, self.whole));
        }
        Ok(Parsed { hir: whole.hir, groups: self.groups as usize })
    }

    /// `(?P<name>`, `(?<name>`, `(?flags)` or `(?flags:`.
    fn flags_or_name(&mut self) -> Result<(), Refusal> {
        let before = self.rest;
        let named = before.strip_prefix("(?P<").filter(|name| !name.is_empty());
        if let Some(name) = named.or_else(|| before.strip_prefix("(?<").filter(|name| !name.is_empty())) {
            let Some((name, after)) = name.split_once('>') else { return Err(refusal(NAMED_CAPTURE, before)) };
            if name.is_empty() || !name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric()) {
                return Err(refusal(NAMED_CAPTURE, &before[..before.len() - after.len()]));
            }
            self.groups += 1;
            self.stack.push(Item::Open(Some(self.groups), self.flags));
            self.rest = after;
            return Ok(());
        }
        let mut flags = self.flags;
        let (mut on, mut seen) = (true, false);
        let mut chars = before[2..].chars();
        while let Some(char) = chars.next() {
            match char {
                'i' => flags.fold_case = on,
                'm' => flags.multi_line = on,
                's' => flags.dot_all = on,
                'U' => flags.lazy = on,
                '-' if on => {
                    (on, seen) = (false, false);
                    continue;
                }
                ':' | ')' if on || seen => {
                    if char == ':' {
                        self.stack.push(Item::Open(None, self.flags));
                    }
                    self.flags = flags;
                    self.rest = chars.as_str();
                    return Ok(());
                }
                _ => return Err(refusal(PERL, &before[..before.len() - chars.as_str().len()])),
            }
            seen = true;
        }
        Err(refusal(PERL, before))
    }
}

fn join(items: impl Iterator<Item = Item>, make: fn(Vec<Hir>) -> Hir) -> Result<Node, Refusal> {
    let (mut parts, mut copies, mut height) = (Vec::new(), 1, 0);
    for item in items {
        if let Item::Node(node) = item {
            copies = copies.max(node.copies);
            height = height.max(node.height);
            parts.push(node.hir);
        }
    }
    // An empty group, or an empty branch, is empty text.
    let height = if parts.len() == 1 { height } else { limited(height + 1)? };
    Ok(Node { hir: make(parts), copies, height })
}

fn limited(height: u32) -> Result<u32, Refusal> {
    if height > HEIGHT_MAX {
        return Err(Refusal::Limit(&"a regular expression is limited to 250 levels"));
    }
    Ok(height)
}

/// Least and greatest number of copies.
type Counts = (u32, Option<u32>);

/// `{2}`, `{2,}`, `{2,3}` and the text after it; `Some((None, _))` if the numbers are too large. Anything
/// else is no repetition.
fn counts(source: &str) -> Option<(Option<Counts>, &str)> {
    let (min, rest) = count(source.strip_prefix('{')?)?;
    let (max, rest) = match rest.strip_prefix(',') {
        None => (Some(min), rest),
        Some(rest) if rest.starts_with('}') => (None, rest),
        Some(rest) => {
            let (max, rest) = count(rest)?;
            (Some(max), rest)
        }
    };
    let rest = rest.strip_prefix('}')?;
    let fits = min <= REPEAT_MAX && max.is_none_or(|max| max <= REPEAT_MAX && min <= max);
    Some((fits.then_some((min, max)), rest))
}

fn count(source: &str) -> Option<(u32, &str)> {
    let rest = source.trim_start_matches(|char: char| char.is_ascii_digit());
    let digits = &source[..source.len() - rest.len()];
    if digits.is_empty() || (digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    Some((digits.parse().unwrap_or(u32::MAX), rest))
}

pub(super) fn refusal(why: &str, at: &str) -> Refusal {
    Refusal::Syntax(format!("error parsing regexp: {why}: `{at}`").into())
}

pub(super) const CLASS_RANGE: &str = "invalid character class range";
pub(super) const ESCAPE: &str = "invalid escape sequence";
const NAMED_CAPTURE: &str = "invalid named capture";
const PERL: &str = "invalid or unsupported Perl syntax";
const REPEAT_OPERATOR: &str = "invalid nested repetition operator";
const REPEAT_SIZE: &str = "invalid repeat count";
pub(super) const MISSING_BRACKET: &str = "missing closing ]";
const MISSING_PAREN: &str = "missing closing )";
const REPEAT_ARGUMENT: &str = "missing argument to repetition operator";
pub(super) const TRAILING_BACKSLASH: &str = "trailing backslash at end of expression";
const UNEXPECTED_PAREN: &str = "unexpected )";

/// RE2's limit of one counted repetition, and of those inside each other multiplied.
const REPEAT_MAX: u32 = 1000;

/// Go allows 1000; the compiler of the automaton goes down one frame of the stack per level.
const HEIGHT_MAX: u32 = 250;
