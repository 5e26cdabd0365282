//! Merge keys: what `<<` brings into a mapping.
//!
//! kube-apiserver's YAML library sets keys in document order, so a merge that stands after a key
//! replaces it; of several merged mappings the first one wins. Other libraries let the explicit key
//! win wherever it stands. Where the two differ, both values stay, as duplicates, and the verdict is
//! taken on both.

use std::collections::HashMap;

use crate::tree::{Data, Node};

/// An entry of the mapping that results: its key's index in the body, and whether a merge brought it.
struct Entry {
    key: usize,
    merged: bool,
    replaced: bool,
}

/// Replaces the `<<` entries of a mapping by the entries that they bring in.
///
/// `body` holds the mapping's entries and `is_merge` says which indices of it are merge keys. Returns
/// the number of entries, or which of the merge keys has a value that cannot be merged.
pub(super) fn merge<'t>(
    mut body: Vec<Node<'t>>,
    is_merge: impl Fn(usize) -> bool,
    out: &mut Vec<Node<'t>>,
) -> Result<u32, usize> {
    let entries = resulting_entries(&body, is_merge)?;
    let mut count = 0;
    for entry in entries.iter().filter(|entry| !entry.replaced) {
        count += 1;
        for index in entry.key..=entry.key + body[entry.key + 1].size as usize {
            let data = std::mem::replace(&mut body[index].data, Data::Null);
            out.push(Node { data, ..body[index] });
        }
    }
    Ok(count)
}

fn resulting_entries(body: &[Node<'_>], is_merge: impl Fn(usize) -> bool) -> Result<Vec<Entry>, usize> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut latest: HashMap<&str, usize> = HashMap::new();
    let mut add = |entries: &mut Vec<Entry>, key: usize, merged: bool| {
        if let Some(before) = latest.insert(name(&body[key]), entries.len()) {
            // All libraries agree that an explicit key replaces what was merged before it, and that a
            // merge replaces an earlier one.
            entries[before].replaced |= entries[before].merged;
        }
        entries.push(Entry { key, merged, replaced: false });
    };
    let mut merges = 0usize;
    let mut key = 0;
    while key < body.len() {
        let value = key + 1;
        if is_merge(key) {
            for source in merged_keys(body, value).ok_or(merges)? {
                add(&mut entries, source, true);
            }
            merges += 1;
        } else {
            add(&mut entries, key, false);
        }
        key = value + body[value].size as usize;
    }
    Ok(entries)
}

/// Indices of the keys that the value of a merge key brings in. `None` for a value that is neither a
/// mapping nor a sequence of mappings.
fn merged_keys(body: &[Node<'_>], value: usize) -> Option<Vec<usize>> {
    let mut keys = Vec::new();
    match body[value].data {
        Data::Map(_) => keys.extend(keys_of(body, value)),
        Data::Seq(_) => {
            // The first mapping that has a key wins.
            let mut owner: HashMap<&str, usize> = HashMap::new();
            let end = value + body[value].size as usize;
            let mut item = value + 1;
            while item < end {
                if !matches!(body[item].data, Data::Map(_)) {
                    return None;
                }
                keys.extend(keys_of(body, item).filter(|key| *owner.entry(name(&body[*key])).or_insert(item) == item));
                item += body[item].size as usize;
            }
        }
        _ => return None,
    }
    Some(keys)
}

fn keys_of(body: &[Node<'_>], map: usize) -> impl Iterator<Item = usize> {
    let end = map + body[map].size as usize;
    let next = move |key: usize| (key < end).then_some(key);
    std::iter::successors(next(map + 1), move |key| next(key + 1 + body[key + 1].size as usize))
}

fn name<'n>(key: &'n Node<'_>) -> &'n str {
    if let Data::Str(text) = &key.data { text } else { "" }
}
