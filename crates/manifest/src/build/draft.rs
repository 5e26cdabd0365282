//! A document that may be changed anywhere.

use std::borrow::Cow;

use model::{FileId, Location};

use super::{BuildError, TreeBuilder, depth};
use crate::limits::{DEPTH_MAX, NODES_MAX};
use crate::tree::{Data, Tree, Value};

/// A value under change. What nobody opens stays a handle on the document it came from.
#[derive(Clone, Debug)]
pub struct Draft<'d> {
    body: Body<'d>,
    place: Option<Location>,
}

#[derive(Clone, Debug)]
enum Body<'d> {
    Kept(Value<'d>),
    Scalar(Data<'d>),
    Seq(Vec<Draft<'d>>),
    Map(Vec<(Cow<'d, str>, Draft<'d>)>),
}

/// One step from a collection to a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'s> {
    /// Entry of a mapping.
    Key(&'s str),
    /// Item of a sequence, from 0.
    Index(usize),
    /// Behind the last item of a sequence.
    End,
}

impl<'d> From<Value<'d>> for Draft<'d> {
    fn from(value: Value<'d>) -> Self {
        Draft { body: Body::Kept(value), place: Some(value.location()) }
    }
}

impl<'d> Draft<'d> {
    /// A scalar; an empty collection for the data of one.
    pub fn scalar(data: Data<'d>) -> Self {
        let body = match data {
            Data::Seq(_) => Body::Seq(Vec::new()),
            Data::Map(_) => Body::Map(Vec::new()),
            data => Body::Scalar(data),
        };
        Draft { body, place: None }
    }

    /// Text.
    pub fn text(text: impl Into<Cow<'d, str>>) -> Self {
        Draft::scalar(Data::Str(text.into()))
    }

    /// An integer.
    pub fn int(value: i64) -> Self {
        Draft::scalar(Data::Int(value))
    }

    /// A boolean.
    pub fn bool(value: bool) -> Self {
        Draft::scalar(Data::Bool(value))
    }

    /// Null.
    pub fn null() -> Self {
        Draft::scalar(Data::Null)
    }

    /// A mapping.
    pub fn map(entries: Vec<(Cow<'d, str>, Draft<'d>)>) -> Self {
        Draft { body: Body::Map(entries), place: None }
    }

    /// A sequence.
    pub fn seq(items: Vec<Draft<'d>>) -> Self {
        Draft { body: Body::Seq(items), place: None }
    }

    /// The same value, reported at a place.
    pub fn at(mut self, place: Location) -> Self {
        self.place = Some(place);
        self
    }

    /// What the value is; counts for collections.
    pub fn data(&self) -> Data<'_> {
        match &self.body {
            Body::Kept(value) => match value.data() {
                Data::Str(text) => Data::Str(Cow::Borrowed(text)),
                data => data.clone(),
            },
            Body::Scalar(Data::Str(text)) => Data::Str(Cow::Borrowed(text)),
            Body::Scalar(data) => data.clone(),
            Body::Seq(items) => Data::Seq(items.len() as u32),
            Body::Map(entries) => Data::Map(entries.len() as u32),
        }
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self.data(), Data::Null)
    }

    /// Its text.
    pub fn as_str(&self) -> Option<&str> {
        match &self.body {
            Body::Kept(value) => value.as_str(),
            Body::Scalar(Data::Str(text)) => Some(text),
            _ => None,
        }
    }

    /// Its integer.
    pub fn as_int(&self) -> Option<i64> {
        if let Data::Int(value) = self.data() { Some(value) } else { None }
    }

    /// Its boolean.
    pub fn as_bool(&self) -> Option<bool> {
        if let Data::Bool(value) = self.data() { Some(value) } else { None }
    }

    /// The entries of a mapping, to be changed; `None` for anything else.
    pub fn entries_mut(&mut self) -> Option<&mut Vec<(Cow<'d, str>, Draft<'d>)>> {
        self.open();
        if let Body::Map(entries) = &mut self.body { Some(entries) } else { None }
    }

    /// The items of a sequence, to be changed; `None` for anything else.
    pub fn items_mut(&mut self) -> Option<&mut Vec<Draft<'d>>> {
        self.open();
        if let Body::Seq(items) = &mut self.body { Some(items) } else { None }
    }

    /// The value of a key, null included.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Draft<'d>> {
        self.entries_mut()?.iter_mut().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// A copy of the value of a key that is not null; handles are copied, not the document.
    pub fn peek(&self, key: &str) -> Option<Draft<'d>> {
        let found = match &self.body {
            Body::Kept(value) => value.get(key).map(Draft::from),
            Body::Map(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone()),
            _ => None,
        };
        found.filter(|value| !value.is_null())
    }

    /// Whether a key is there and not null.
    pub fn has(&self, key: &str) -> bool {
        match &self.body {
            Body::Kept(value) => value.get(key).is_some(),
            Body::Map(entries) => entries.iter().any(|(name, value)| name == key && !value.is_null()),
            _ => false,
        }
    }

    /// Sets a key of a mapping; does nothing to anything else.
    pub fn put(&mut self, key: impl Into<Cow<'d, str>>, value: Draft<'d>) {
        let key = key.into();
        let Some(entries) = self.entries_mut() else { return };
        match entries.iter_mut().find(|(name, _)| *name == key) {
            Some((_, old)) => *old = value,
            None => entries.push((key, value)),
        }
    }

    /// Removes a key of a mapping.
    pub fn take(&mut self, key: &str) -> Option<Draft<'d>> {
        let entries = self.entries_mut()?;
        let at = entries.iter().position(|(name, _)| name == key)?;
        Some(entries.remove(at).1)
    }

    /// The part that a path leads to.
    pub fn part_mut(&mut self, path: &[Step<'_>]) -> Result<&mut Draft<'d>, BuildError> {
        let mut here = self;
        for (index, step) in path.iter().enumerate() {
            let walked = path.get(..=index).unwrap_or(path);
            let collection = matches!(here.data(), Data::Map(_) | Data::Seq(_));
            let next = match step {
                Step::Key(key) => here.get_mut(key),
                Step::Index(at) => here.items_mut().and_then(|items| items.get_mut(*at)),
                Step::End => None,
            };
            let fault = if collection { BuildError::Missing } else { BuildError::Mismatch };
            here = next.ok_or_else(|| fault(spelled(walked)))?;
        }
        Ok(here)
    }

    /// Puts a value where a path leads: sets the key, or inserts before the item. Everything but the last step
    /// must be there.
    pub fn insert(&mut self, path: &[Step<'_>], value: Draft<'d>) -> Result<(), BuildError> {
        value.fits(path.len())?;
        let Some((last, parents)) = path.split_last() else {
            *self = value;
            return Ok(());
        };
        let parent = self.part_mut(parents)?;
        match (last, parent.data()) {
            (Step::Key(key), Data::Map(_)) => parent.put((*key).to_owned(), value),
            (Step::End, Data::Seq(_)) => parent.items_mut().into_iter().for_each(|items| items.push(value.clone())),
            (Step::Index(at), Data::Seq(count)) if *at <= count as usize => {
                if let Some(items) = parent.items_mut() {
                    items.insert(*at, value);
                }
            }
            (Step::Index(_), Data::Seq(_)) => return Err(BuildError::Missing(spelled(path))),
            _ => return Err(BuildError::Mismatch(spelled(path))),
        }
        Ok(())
    }

    /// Replaces what a path leads to. Missing mappings on the way are made.
    pub fn set(&mut self, path: &[Step<'_>], value: Draft<'d>) -> Result<(), BuildError> {
        value.fits(path.len())?;
        let mut here = self;
        for (index, step) in path.iter().enumerate() {
            let walked = path.get(..=index).unwrap_or(path);
            if let Step::Key(key) = step
                && matches!(here.data(), Data::Map(_))
                && !here.has(key)
            {
                here.put((*key).to_owned(), Draft::map(Vec::new()));
            }
            here = here.part_mut(&[*step]).map_err(|error| match error {
                BuildError::Missing(_) => BuildError::Missing(spelled(walked)),
                _ => BuildError::Mismatch(spelled(walked)),
            })?;
        }
        *here = value;
        Ok(())
    }

    /// Removes what a path leads to and returns it.
    pub fn remove(&mut self, path: &[Step<'_>]) -> Result<Draft<'d>, BuildError> {
        let Some((last, parents)) = path.split_last() else { return Ok(std::mem::replace(self, Draft::null())) };
        let parent = self.part_mut(parents)?;
        let removed = match last {
            Step::Key(key) => parent.take(key),
            Step::Index(at) => parent.items_mut().filter(|items| *at < items.len()).map(|items| items.remove(*at)),
            Step::End => None,
        };
        removed.ok_or_else(|| BuildError::Missing(spelled(path)))
    }

    /// The document as it now is.
    pub fn build(&'d self, file: FileId) -> Result<Tree<'d>, BuildError> {
        let mut builder = TreeBuilder::new(file);
        self.write(&mut builder, 0)?;
        builder.finish()
    }

    /// The document as it now is, with texts of its own.
    pub fn build_owned(&self, file: FileId) -> Result<Tree<'static>, BuildError> {
        let mut builder = TreeBuilder::new(file);
        self.write(&mut builder, 0)?;
        builder.finish().map(Tree::into_owned)
    }

    /// Writes the value as the next node of a builder.
    fn write<'b>(&'b self, builder: &mut TreeBuilder<'b>, depth: usize) -> Result<(), BuildError> {
        if depth > DEPTH_MAX {
            return Err(BuildError::TooDeep);
        }
        if let Some(place) = self.place {
            builder.place(place);
        }
        match &self.body {
            Body::Kept(value) => builder.copy(*value),
            Body::Scalar(Data::Str(text)) => builder.text(&**text),
            Body::Scalar(data) => builder.scalar(data.clone()),
            Body::Seq(items) => {
                builder.seq();
                for item in items {
                    item.write(builder, depth + 1)?;
                }
                builder.end();
            }
            Body::Map(entries) => {
                builder.map();
                for (key, value) in entries {
                    builder.text(&**key);
                    value.write(builder, depth + 1)?;
                }
                builder.end();
            }
        }
        Ok(())
    }

    /// Whether the value may stand so deep. Copying a document into itself again and again doubles its depth and
    /// its size; the limits hold at every step, so that no later walk over it runs away.
    fn fits(&self, depth: usize) -> Result<(), BuildError> {
        let (deepest, nodes) = self.measure();
        if depth + deepest > DEPTH_MAX {
            return Err(BuildError::TooDeep);
        }
        if nodes > NODES_MAX { Err(BuildError::TooManyNodes) } else { Ok(()) }
    }

    /// Levels of collections, and nodes.
    fn measure(&self) -> (usize, usize) {
        let (mut deepest, mut nodes) = (0, 1);
        let mut add = |(depth, size): (usize, usize)| {
            deepest = deepest.max(depth);
            nodes += size;
        };
        match &self.body {
            Body::Kept(value) => return (depth(value.subtree()), value.size() as usize),
            Body::Scalar(_) => return (0, 1),
            Body::Seq(items) => items.iter().for_each(|item| add(item.measure())),
            Body::Map(entries) => entries.iter().for_each(|(_, value)| {
                let (depth, size) = value.measure();
                add((depth, size + 1));
            }),
        }
        (deepest + 1, nodes)
    }

    /// Turns a handle on a collection into the collection, one level deep.
    fn open(&mut self) {
        let Body::Kept(value) = self.body else { return };
        self.body = match value.data() {
            Data::Seq(_) => Body::Seq(value.items().map(Draft::from).collect()),
            Data::Map(_) => {
                let name = |key: Value<'d>| Cow::Borrowed(key.as_str().unwrap_or(""));
                Body::Map(value.entries().map(|(key, value)| (name(key), Draft::from(value))).collect())
            }
            _ => return,
        };
    }
}

/// A path as people write it.
fn spelled(path: &[Step<'_>]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(key);
            }
            Step::Index(at) => text.push_str(&format!("[{at}]")),
            Step::End => text.push_str("[-]"),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(text: &str, edit: impl FnOnce(&mut Draft<'_>) -> Result<(), BuildError>) -> String {
        let tree = crate::stream::json_document(text, FileId(0)).unwrap();
        let mut draft = Draft::from(tree.root());
        match edit(&mut draft) {
            Ok(()) => draft.build_owned(FileId(0)).unwrap().root().to_json(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn parts_are_set_inserted_and_removed() {
        use Step::{End, Index, Key};
        let text = r#"{"a":{"b":[1,2]},"c":"x"}"#;
        let set = |path: &[Step<'_>]| edited(text, |draft| draft.set(path, Draft::int(9)));
        assert_eq!(set(&[Key("a"), Key("b"), Index(1)]), r#"{"a":{"b":[1,9]},"c":"x"}"#);
        assert_eq!(set(&[Key("d"), Key("e")]), r#"{"a":{"b":[1,2]},"c":"x","d":{"e":9}}"#);
        assert_eq!(set(&[Key("c"), Key("e")]), "c.e: not the kind of value that has such a part");
        let insert = |path: &[Step<'_>]| edited(text, |draft| draft.insert(path, Draft::int(9)));
        assert_eq!(insert(&[Key("a"), Key("b"), Index(0)]), r#"{"a":{"b":[9,1,2]},"c":"x"}"#);
        assert_eq!(insert(&[Key("a"), Key("b"), End]), r#"{"a":{"b":[1,2,9]},"c":"x"}"#);
        assert_eq!(insert(&[Key("a"), Key("b"), Index(3)]), "a.b[3]: there is no such field or item");
        assert_eq!(insert(&[Key("x"), Key("y")]), "x: there is no such field or item");
        let remove = |path: &[Step<'_>]| edited(text, |draft| draft.remove(path).map(drop));
        assert_eq!(remove(&[Key("a"), Key("b"), Index(0)]), r#"{"a":{"b":[2]},"c":"x"}"#);
        assert_eq!(remove(&[Key("q")]), "q: there is no such field or item");
        assert_eq!(remove(&[]), "null");
    }

    #[test]
    fn a_document_that_was_made_to_grow_too_deep_is_refused() {
        let mut draft = Draft::null();
        for _ in 0..300 {
            draft = Draft::seq(vec![draft]);
        }
        assert_eq!(draft.build_owned(FileId(0)).unwrap_err(), BuildError::TooDeep);
    }

    #[test]
    fn kept_values_keep_their_places() {
        let tree = crate::stream::json_document("{\"a\": 1,\n \"b\": 2}", FileId(0)).unwrap();
        let mut draft = Draft::from(tree.root());
        draft.put("c", Draft::int(3));
        let built = draft.build(FileId(0)).unwrap();
        assert_eq!(built.root().get("b").unwrap().location().line, 2);
    }
}
