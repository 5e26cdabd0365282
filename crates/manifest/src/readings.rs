//! The readings that a document with duplicate keys allows.
//!
//! Decoders disagree on `{"a": 1, "a": 2}`: some take the first value, most the last, and the Go
//! decoder of kube-apiserver merges the second into the first where both are objects or arrays. A
//! verdict is taken on all three.

use crate::tree::{Data, Node, Tree, Value};

/// How duplicate keys are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The first value counts.
    First,
    /// The last value counts.
    Last,
    /// Later values are decoded into what the earlier ones left, as Go does.
    Merged,
}

impl Reading {
    /// All readings.
    pub const ALL: [Reading; 3] = [Reading::Merged, Reading::First, Reading::Last];
}

impl<'t> Tree<'t> {
    /// The tree under one reading, without duplicate keys.
    pub fn reading(&'t self, reading: Reading) -> Tree<'t> {
        let mut nodes = Vec::with_capacity(self.nodes.len());
        if !self.is_empty() {
            emit(&[self.root()], reading, &mut nodes);
        }
        Tree { nodes, file: self.file, duplicates: false }
    }
}

/// Writes the value that results from decoding `layers` one over the other.
fn emit<'t>(layers: &[Value<'t>], reading: Reading, out: &mut Vec<Node<'t>>) {
    let Some(&last) = layers.last() else { return };
    // Only the layers of the last one's shape, without a gap, are decoded into each other.
    let run = layers.iter().rev().take_while(|layer| same_shape(**layer, last)).count();
    let layers = &layers[layers.len() - run..];
    let at = out.len();
    out.push(last.subtree()[0].clone());
    match last.data() {
        Data::Map(_) => {
            let mut entries: Vec<(Value<'t>, Vec<Value<'t>>)> = Vec::new();
            for (key, value) in layers.iter().flat_map(|layer| layer.entries()) {
                match entries.iter_mut().find(|(name, _)| name.data() == key.data()) {
                    None => entries.push((key, vec![value])),
                    Some((_, values)) if reading == Reading::Merged => values.push(value),
                    Some((name, values)) if reading == Reading::Last => {
                        *name = key;
                        *values = vec![value];
                    }
                    Some(_) => {}
                }
            }
            out[at].data = Data::Map(entries.len() as u32);
            for (key, values) in entries {
                out.push(key.subtree()[0].clone());
                emit(&values, reading, out);
            }
        }
        Data::Seq(_) => {
            for (index, item) in last.items().enumerate() {
                let mut stack: Vec<Value<'t>> =
                    layers[..layers.len() - 1].iter().filter_map(|layer| layer.items().nth(index)).collect();
                stack.push(item);
                emit(&stack, reading, out);
            }
        }
        _ => {}
    }
    out[at].size = (out.len() - at) as u32;
}

fn same_shape(a: Value<'_>, b: Value<'_>) -> bool {
    std::mem::discriminant(a.data()) == std::mem::discriminant(b.data())
}
