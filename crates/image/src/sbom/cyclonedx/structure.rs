//! The table of what each version of CycloneDX demands, as a graph of forms.

use std::collections::HashMap;
use std::sync::OnceLock;

use serde_json::Value;

use super::pattern::{Format, Pattern};

/// What a value must be like. All that is given must hold.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// Allowed types; any where it is empty.
    pub(super) types: Vec<Type>,
    pub(super) one_of_values: Vec<Value>,
    pub(super) pattern: Option<Pattern>,
    pub(super) format: Option<Format>,
    /// Least and most characters.
    pub(super) length: (usize, Option<usize>),
    /// Least and most items.
    pub(super) count: (usize, Option<usize>),
    pub(super) least: Option<f64>,
    pub(super) most: Option<f64>,
    pub(super) items: Option<Box<Node>>,
    pub(super) unique: bool,
    pub(super) closed: bool,
    pub(super) needs: Vec<&'static str>,
    pub(super) fields: HashMap<&'static str, Node>,
    pub(super) spdx: bool,
    /// Index of another form.
    pub(super) form: Option<usize>,
    pub(super) one: Vec<Node>,
    pub(super) any: Vec<Node>,
    pub(super) all: Vec<Node>,
    pub(super) not: Option<Box<Node>>,
    pub(super) condition: Option<Box<(Node, Node)>>,
}

/// A JSON type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    String,
    Integer,
    Number,
    Boolean,
    Object,
    Array,
}

impl Type {
    pub(super) fn name(self) -> &'static str {
        match self {
            Type::String => "a string",
            Type::Integer => "a whole number",
            Type::Number => "a number",
            Type::Boolean => "true or false",
            Type::Object => "an object",
            Type::Array => "a list",
        }
    }
}

/// All forms of one version; the first is the document itself.
#[derive(Debug, Default)]
pub(super) struct Structure {
    pub(super) forms: Vec<Node>,
}

/// The structure of version `1.minor`; empty for versions without a JSON schema.
pub(super) fn of(minor: u8) -> &'static Structure {
    static ALL: [OnceLock<Structure>; 6] = [const { OnceLock::new() }; 6];
    static NONE: Structure = Structure { forms: Vec::new() };
    let slot = usize::from(minor).checked_sub(2).and_then(|index| ALL.get(index));
    slot.map_or(&NONE, |slot| slot.get_or_init(|| Reader { minor, forms: form_names(minor) }.structure()))
}

struct Reader {
    minor: u8,
    forms: HashMap<&'static str, usize>,
}

fn lines() -> impl Iterator<Item = &'static str> {
    TABLE.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}

/// A line of the table apart: name, whether the version has it, expression.
fn columns(line: &'static str, minor: u8) -> (&'static str, bool, &'static str) {
    let (name, rest) = line.split_once(' ').unwrap_or((line, "*"));
    match rest.split_once(' ') {
        Some((versions, expression)) if versions.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b',')) => {
            (name, has(versions, minor), expression)
        }
        _ => (name, true, rest),
    }
}

/// Whether `2-4,7` has the version.
fn has(versions: &str, minor: u8) -> bool {
    versions.split(',').any(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        first.parse().is_ok_and(|first: u8| first <= minor) && last.parse().is_ok_and(|last: u8| minor <= last)
    })
}

fn form_names(minor: u8) -> HashMap<&'static str, usize> {
    let heads = lines().filter_map(|line| line.strip_prefix("= "));
    let present = heads.map(|line| columns(line, minor)).filter(|(_, present, _)| *present);
    present.enumerate().map(|(index, (name, ..))| (name, index)).collect()
}

impl Reader {
    fn structure(&self) -> Structure {
        let mut forms: Vec<Node> = Vec::new();
        let mut skipped = "";
        for line in lines() {
            if let Some(head) = line.strip_prefix("= ") {
                let (name, present, expression) = columns(head, self.minor);
                if present {
                    forms.push(self.node(expression));
                    skipped = "";
                } else if forms.len() != self.forms.get(name).map_or(usize::MAX, |index| index + 1) {
                    skipped = name;
                }
                continue;
            }
            let (name, present, expression) = columns(line, self.minor);
            let Some(form) = forms.last_mut().filter(|_| present && skipped.is_empty()) else { continue };
            let name = match name.strip_suffix('!') {
                Some(name) => {
                    form.needs.push(name);
                    name
                }
                None => name,
            };
            form.fields.insert(name, self.node(expression));
        }
        Structure { forms }
    }

    fn node(&self, expression: &'static str) -> Node {
        let mut node = Node::default();
        for part in split(expression, '&') {
            self.part(part, &mut node);
        }
        node
    }

    fn nodes(&self, expressions: &'static str) -> Vec<Node> {
        split(expressions, ';').map(|expression| self.node(expression)).collect()
    }

    fn part(&self, part: &'static str, node: &mut Node) {
        if let Some((word, inner)) = part.strip_suffix(')').and_then(|part| part.split_once('(')) {
            match word {
                "enum" => node.one_of_values = split(inner, ' ').map(literal).collect(),
                "need" => node.needs.extend(inner.split(' ')),
                "one" => node.one = self.nodes(inner),
                "any" => node.any = self.nodes(inner),
                "all" => node.all = self.nodes(inner),
                "not" => node.not = Some(Box::new(self.node(inner))),
                _ => {
                    let mut both = self.nodes(inner).into_iter();
                    node.condition = both.next().zip(both.next()).map(Box::new);
                }
            }
        } else if let Some(inner) = part.strip_prefix('[') {
            node.items = Some(Box::new(self.node(inner.strip_suffix(']').unwrap_or(inner))));
        } else if let Some(name) = part.strip_prefix('@') {
            node.form = self.forms.get(name).copied();
        } else if let Some(name) = part.strip_prefix('/') {
            node.pattern = Pattern::named(name);
        } else if let Some(name) = part.strip_prefix('~') {
            node.format = Format::named(name);
        } else if !bound(part, node) {
            match part {
                "uniq" => node.unique = true,
                "closed" => node.closed = true,
                "spdx" => {
                    node.spdx = true;
                    node.types.push(Type::String);
                }
                types => node.types.extend(types.split('+').filter_map(type_named)),
            }
        }
    }
}

fn bound(part: &str, node: &mut Node) -> bool {
    let number = |prefix: &str| part.strip_prefix(prefix).and_then(|rest| rest.parse::<usize>().ok());
    let real = |prefix: &str| part.strip_prefix(prefix).and_then(|rest| rest.parse::<f64>().ok());
    if let Some(least) = number("len>=") {
        node.length.0 = least;
    } else if let Some(most) = number("len<=") {
        node.length.1 = Some(most);
    } else if let Some(least) = number("items>=") {
        node.count.0 = least;
    } else if let Some(most) = number("items<=") {
        node.count.1 = Some(most);
    } else if let Some(least) = real("min") {
        node.least = Some(least);
    } else if let Some(most) = real("max") {
        node.most = Some(most);
    } else {
        return false;
    }
    true
}

fn type_named(name: &str) -> Option<Type> {
    Some(match name {
        "str" => Type::String,
        "int" => Type::Integer,
        "num" => Type::Number,
        "bool" => Type::Boolean,
        "obj" => Type::Object,
        "arr" => Type::Array,
        _ => return None,
    })
}

fn literal(word: &'static str) -> Value {
    match word {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        word if word.starts_with(['"', '-']) || word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => {
            serde_json::from_str(word).unwrap_or_else(|_| word.into())
        }
        word => word.into(),
    }
}

/// Splits at a character that stands neither in brackets nor in quotes.
fn split(text: &'static str, at: char) -> impl Iterator<Item = &'static str> {
    let (mut depth, mut quoted) = (0_usize, false);
    text.split(move |c: char| {
        match c {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == at && depth == 0 && !quoted
    })
}

const TABLE: &str = include_str!("structure.txt");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_table_has_a_meaning_in_every_version() {
        let words = ["str", "int", "num", "bool", "obj", "arr", "uniq", "closed", "spdx", "*"];
        for minor in 2..=7 {
            let reader = Reader { minor, forms: form_names(minor) };
            assert_eq!(reader.structure().forms.len(), reader.forms.len(), "1.{minor}: a form stands twice");
            for line in lines() {
                let (_, present, expression) = columns(line.trim_start_matches("= "), minor);
                for part in split(expression, '&').filter(|_| present) {
                    if let Some(name) = part.strip_prefix('/') {
                        assert!(Pattern::named(name).is_some(), "{line}");
                    } else if let Some(name) = part.strip_prefix('~') {
                        assert!(Format::named(name).is_some(), "{line}");
                    } else if !part.contains(['@', '(', '[', '<', '>'])
                        && !part.starts_with("min")
                        && !part.starts_with("max")
                    {
                        assert!(part.split('+').all(|word| words.contains(&word)), "{line}: {part}");
                    }
                }
            }
        }
        assert!(of(1).forms.is_empty() && of(8).forms.is_empty());
    }
}
