//! The readings that a document with duplicate keys allows.
//!
//! Decoders disagree on `{"a": 1, "a": 2}`: some take the first value, most the last, and the Go
//! decoder of kube-apiserver merges the second into the first where both are objects or arrays. A
//! verdict is taken on all of them.

use std::collections::HashMap;

use crate::tree::{Data, Node, Tree, Value};

/// How duplicate keys are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The first value counts.
    First,
    /// The last value counts.
    Last,
    /// Later values are decoded into what the earlier ones left, as Go does; null changes nothing, as
    /// in a field that holds a string, a number or a structure.
    Merged,
    /// As [`Reading::Merged`], but null empties what stood before, as in a field that holds a list, a
    /// map or a pointer.
    Emptied,
}

impl Reading {
    /// All readings.
    pub const ALL: [Reading; 4] = [Reading::Merged, Reading::Emptied, Reading::First, Reading::Last];
}

impl<'t> Tree<'t> {
    /// The tree under one reading, without duplicate keys.
    pub fn reading(&'t self, reading: Reading) -> Tree<'t> {
        let mut nodes = Vec::with_capacity(self.nodes.len());
        if !self.is_empty() {
            emit(&mut vec![self.root()], reading, &mut nodes);
        }
        Tree { nodes, file: self.file, duplicates: false }
    }
}

/// Writes the value that results from decoding `layers` one over the other. At most as many calls
/// nest as documents may.
fn emit<'t>(layers: &mut Vec<Value<'t>>, reading: Reading, out: &mut Vec<Node<'t>>) {
    keep_effective(layers, reading);
    let Some(&last) = layers.last() else { return };
    let at = out.len();
    out.push(last.subtree()[0].clone());
    match last.data() {
        Data::Map(_) => {
            let entries = entries(layers, reading);
            out[at].data = Data::Map(entries.len() as u32);
            for (key, mut values) in entries {
                out.push(key.subtree()[0].clone());
                emit(&mut values, reading, out);
            }
        }
        Data::Seq(_) => {
            // Items that a shorter array hid keep their place in memory: a later, longer array is
            // decoded into them.
            let mut items: Vec<_> = layers.iter().map(|layer| layer.items()).collect();
            for _ in 0..last.len() {
                let mut stack: Vec<Value<'t>> = items.iter_mut().filter_map(Iterator::next).collect();
                emit(&mut stack, reading, out);
            }
        }
        _ => {}
    }
    out[at].size = (out.len() - at) as u32;
}

/// Drops the layers that later ones undo: those of another shape than the last, and for lists those
/// before an empty one.
fn keep_effective(layers: &mut Vec<Value<'_>>, reading: Reading) {
    if layers.len() < 2 {
        return;
    }
    if reading == Reading::Merged && layers.iter().any(|layer| !layer.is_null()) {
        layers.retain(|layer| !layer.is_null());
    }
    let Some(&last) = layers.last() else { return };
    let run = layers.iter().rev().take_while(|layer| same_shape(**layer, last)).count();
    layers.drain(..layers.len() - run);
    if let Some(emptied) = layers.iter().rposition(|layer| layer.is_seq() && layer.is_empty()) {
        layers.drain(..emptied);
    }
}

/// The distinct keys of some mappings, each with the values that count.
fn entries<'t>(layers: &[Value<'t>], reading: Reading) -> Vec<(Value<'t>, Vec<Value<'t>>)> {
    let mut entries: Vec<(Value<'t>, Vec<Value<'t>>)> = Vec::new();
    let mut index: HashMap<&str, usize> = HashMap::new();
    for (key, value) in layers.iter().flat_map(|layer| layer.entries()) {
        let slot = *index.entry(key.as_str().unwrap_or("")).or_insert(entries.len());
        match (entries.get_mut(slot), reading) {
            (None, _) => entries.push((key, vec![value])),
            (Some(_), Reading::First) => {}
            (Some(entry), Reading::Last) => *entry = (key, vec![value]),
            (Some((_, values)), Reading::Merged | Reading::Emptied) => values.push(value),
        }
    }
    entries
}

fn same_shape(a: Value<'_>, b: Value<'_>) -> bool {
    std::mem::discriminant(a.data()) == std::mem::discriminant(b.data())
}

#[cfg(test)]
mod tests {
    use model::FileId;

    use super::*;

    fn reads(text: &str, reading: Reading) -> String {
        let mut read = String::new();
        crate::documents(text, FileId(0), |document| read = format!("{:?}", document.unwrap().reading(reading).root()));
        read
    }

    #[test]
    fn duplicate_keys_have_four_readings() {
        let text = r#"{"a": {"b": 1}, "a": null, "a": {"c": 2}}"#;
        assert_eq!(reads(text, Reading::First), reads(r#"{"a": {"b": 1}}"#, Reading::First));
        assert_eq!(reads(text, Reading::Last), reads(r#"{"a": {"c": 2}}"#, Reading::First));
        assert_eq!(reads(text, Reading::Merged), reads(r#"{"a": {"b": 1, "c": 2}}"#, Reading::First));
        assert_eq!(reads(text, Reading::Emptied), reads(r#"{"a": {"c": 2}}"#, Reading::First));
    }

    #[test]
    fn items_hidden_by_a_shorter_list_come_back() {
        let text = r#"{"l": [{"a": 1}, {"p": true}], "l": [{}], "l": [{}, {"n": "x"}]}"#;
        let merged = r#"{"l": [{"a": 1}, {"p": true, "n": "x"}]}"#;
        assert_eq!(reads(text, Reading::Merged), reads(merged, Reading::First));
    }
}
