//! Documents of policies, facts and tests, read whole: they are few and live as long as the run.

use std::collections::HashSet;
use std::path::PathBuf;

use manifest::decode::decode_owned;
use manifest::object::{Found, objects};
use manifest::{Reading, Tree, Value};
use model::{FileId, Location};

use crate::input::{Content, Source, Walk};

/// Texts of files, in the order of their paths.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    /// Path as shown, and text, by [`FileId`].
    files: Vec<(String, String)>,
    /// What could not be read, one sentence each, with the path in front.
    pub(crate) faults: Vec<String>,
}

/// Their documents.
#[derive(Debug)]
pub(crate) struct Documents<'t> {
    texts: &'t Texts,
    trees: Vec<Tree<'t>>,
}

impl Texts {
    /// Reads all files below some paths.
    pub(crate) fn read(paths: &[PathBuf]) -> Self {
        let mut texts = Texts::default();
        for Source { shown, content } in Walk::everything().sources(paths) {
            let bytes = match content {
                Content::Text(bytes) => Ok(bytes),
                Content::File(path) => crate::input::read(&path),
                Content::Skipped(_, Some((_, message))) => Err(message),
                Content::Skipped(_, None) => continue,
            };
            match bytes.and_then(|bytes| decode_owned(bytes).map_err(|error| error.to_string())) {
                Ok(text) => texts.files.push((shown, text)),
                Err(message) => texts.faults.push(format!("{shown}: {message}")),
            }
        }
        texts
    }

    /// Adds a text that is no file.
    pub(crate) fn push(&mut self, shown: &str, text: String) {
        self.files.push((shown.to_owned(), text));
    }

    /// `file:line:column`, for people.
    pub(crate) fn place(&self, at: Location) -> String {
        let shown = self.shown(at.file);
        if at.line == 0 { shown.to_owned() } else { format!("{shown}:{}:{}", at.line, at.column) }
    }

    /// The path of a file as shown.
    pub(crate) fn shown(&self, file: FileId) -> &str {
        self.files.get(file.0 as usize).map_or("", |(shown, _)| shown)
    }

    /// All documents; those that cannot be read are faults.
    pub(crate) fn documents(&self) -> (Documents<'_>, Vec<String>) {
        let mut trees = Vec::new();
        let mut faults = Vec::new();
        for (index, (_, text)) in self.files.iter().enumerate() {
            manifest::documents(text, FileId(index as u32), |document| match document {
                Ok(tree) => trees.push(tree),
                Err(error) => faults.push(format!("{}: {error}", self.place(error.location()))),
            });
        }
        (Documents { texts: self, trees }, faults)
    }
}

impl<'t> Documents<'t> {
    /// Every object, out of lists too.
    pub(crate) fn objects(&self) -> Vec<Value<'_>> {
        let mut all = Vec::new();
        for tree in &self.trees {
            objects(tree, |found| {
                if let Found::Object(object) = found {
                    all.push(object.value);
                }
            });
        }
        all
    }

    /// What is no object, one sentence each, with the place in front. A policy with a misspelt key is among them.
    pub(crate) fn untyped(&self) -> Vec<String> {
        let mut all = Vec::new();
        for tree in &self.trees {
            objects(tree, |found| {
                let (value, message) = match found {
                    Found::Object(_) => return,
                    // Whoever bundles policies names them in a file beside them, which often has no type.
                    Found::Other(value) if self.is_kustomization(value.location().file) => return,
                    Found::Incomplete(value, missing) => {
                        (value, format!("an object without `{missing}`; add it, or leave the file out"))
                    }
                    Found::NotObject(value) | Found::Other(value) => (
                        value,
                        String::from("no Kubernetes object; add `apiVersion` and `kind`, or leave the file out"),
                    ),
                };
                all.push(format!("{}: {message}", self.texts.place(value.location())));
            });
        }
        all
    }

    fn is_kustomization(&self, file: FileId) -> bool {
        let name = self.texts.shown(file).rsplit(['/', '\\']).next().unwrap_or("");
        matches!(name, "kustomization.yaml" | "kustomization.yml" | "Kustomization")
    }

    /// Every document, under every reading that the API server may have of it.
    pub(crate) fn readings(&self) -> Vec<Tree<'_>> {
        let mut all = Vec::new();
        for tree in &self.trees {
            if tree.has_duplicates() {
                all.extend(Reading::ALL.into_iter().map(|reading| tree.reading(reading)));
            } else {
                all.push(tree.clone());
            }
        }
        all
    }

    /// Documents with a key that stands twice in one mapping: of two readings nobody knows which was meant. Files
    /// that the user was told of already are left out.
    pub(crate) fn ambiguous(&self, told: impl Fn(FileId) -> bool) -> Vec<String> {
        let doubtful = self.trees.iter().filter(|tree| tree.has_duplicates() && !told(tree.root().location().file));
        doubtful
            .map(|tree| {
                let (key, at) = repeated(tree.root()).unwrap_or(("", tree.root().location()));
                format!(
                    "{}: the key `{key}` stands here for the second time; keep one of the two",
                    self.texts.place(at)
                )
            })
            .collect()
    }
}

/// The first key that stands in its mapping for the second time.
fn repeated(value: Value<'_>) -> Option<(&str, Location)> {
    let mut seen = HashSet::new();
    for (key, child) in value.entries() {
        let name = key.as_str().unwrap_or("");
        if !seen.insert(name) {
            return Some((name, key.location()));
        }
        if let Some(found) = repeated(child) {
            return Some(found);
        }
    }
    value.items().find_map(repeated)
}
