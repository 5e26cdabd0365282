//! Whether the reader agrees with a row of the table.

use manifest::{Reading, Tree, decode, documents};
use model::FileId;

use crate::table::Row;
use crate::typed;

/// What is wrong with the reading of a row.
pub(crate) fn complaint(row: &Row) -> Option<String> {
    let complain = |what: String| Some(format!("line {}: {} {}: {what}", row.line, row.kind, row.spelling));
    let Ok(text) = decode::decode(&row.body) else {
        return if row.reads == "unread" { None } else { complain("not decoded".into()) };
    };
    let mut trees: Vec<Tree<'_>> = Vec::new();
    let mut errors = Vec::new();
    documents(&text, FileId(0), |document| match document {
        Ok(tree) => trees.push(tree),
        Err(error) => errors.push(format!("{}:{} {error}", error.location().line, error.location().column)),
    });
    if (trees.len(), errors.len()) != row.documents {
        return complain(format!("{} documents, errors {errors:?}, expected {:?}", trees.len(), row.documents));
    }
    if matches!(row.reads.as_str(), "unread" | "lenient") {
        return None;
    }
    let tree = &trees[0];
    let agrees = |reading: Reading| {
        let tree = tree.reading(reading);
        row.facts().iter().all(|(path, expected)| typed::agrees(row, typed::at(tree.root(), path), expected))
    };
    // The server takes the last of several values in YAML and merges them in JSON.
    let found = if row.is_json() { Reading::ALL.into_iter().any(agrees) } else { agrees(Reading::Last) };
    if found { None } else { complain(format!("read as {:?}, expected {}", tree.root(), row.reads)) }
}
