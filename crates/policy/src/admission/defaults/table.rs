//! Defaults that depend on nothing but the field being empty.

use std::collections::HashMap;
use std::sync::LazyLock;

use manifest::schema::{Presence, TypeRef};
use manifest::{Data, Draft};

use crate::admission::typed;

/// Fills in the fields of one type.
pub(super) fn fill(draft: &mut Draft<'_>, kind: TypeRef) {
    for (field, value) in TABLE.get(kind.name()).into_iter().flatten() {
        // A pointer that was set stays, be it to an empty value.
        let is_set = match draft.get_mut(field) {
            Some(value) => kind.presence(field) == Presence::Pointer || !typed::is_zero(value),
            None => false,
        };
        if !is_set && kind.field(field).is_some() {
            draft.put(*field, made(value));
        }
    }
}

/// A default as the table writes it.
#[derive(Clone, Copy, Debug)]
enum Written {
    Text(&'static str),
    Int(i64),
    Bool(bool),
    Empty,
    List(&'static str),
    Strategy(&'static str),
}

fn made<'d>(value: &Written) -> Draft<'d> {
    match value {
        Written::Text(text) => Draft::text(*text),
        Written::Int(value) => Draft::int(*value),
        Written::Bool(value) => Draft::bool(*value),
        Written::Empty => Draft::scalar(Data::Map(0)),
        Written::List(text) => Draft::seq(vec![Draft::text(*text)]),
        Written::Strategy(text) => Draft::map(vec![("strategy".into(), Draft::text(*text))]),
    }
}

fn written(text: &'static str) -> Option<Written> {
    let quoted = |text: &'static str| text.strip_prefix('"')?.strip_suffix('"');
    Some(match text {
        "{}" => Written::Empty,
        "true" => Written::Bool(true),
        "false" => Written::Bool(false),
        _ if text.starts_with('"') => Written::Text(quoted(text)?),
        _ if text.starts_with('[') => Written::List(quoted(text.strip_prefix('[')?.strip_suffix(']')?)?),
        _ if text.starts_with('{') => {
            Written::Strategy(quoted(text.strip_prefix("{\"strategy\":")?.strip_suffix('}')?)?)
        }
        number => Written::Int(number.parse().ok()?),
    })
}

static TABLE: LazyLock<HashMap<&str, Vec<(&'static str, Written)>>> = LazyLock::new(|| {
    let mut table: HashMap<&str, Vec<(&'static str, Written)>> = HashMap::new();
    for line in TEXT.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.splitn(3, ' ');
        if let (Some(kind), Some(field), Some(value)) = (words.next(), words.next(), words.next().and_then(written)) {
            table.entry(kind).or_default().push((field, value));
        }
    }
    table
});

const TEXT: &str = include_str!("../../../data/defaults.txt");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read() {
        let lines = TEXT.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(TABLE.values().map(Vec::len).sum::<usize>(), lines);
    }
}
