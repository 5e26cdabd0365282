//! Collects what is wrong with one object, and checks that its fields are known.

use std::sync::Arc;

use manifest::{Data, Value};

use crate::admission_policy::{Level, LoadIssue};

/// Collects what is wrong with one object.
#[derive(Debug)]
pub(super) struct Report {
    /// Kind and name.
    object: Arc<str>,
    /// What was found so far.
    pub(super) issues: Vec<LoadIssue>,
}

impl Report {
    /// For the object of a document.
    pub(super) fn new(root: Value<'_>) -> Self {
        let kind = root.str_at("kind").unwrap_or("object");
        let name = root.path(&["metadata", "name"]).and_then(Value::as_str).unwrap_or("");
        Report { object: format!("{kind} {name}").into(), issues: Vec::new() }
    }

    /// Whether the object cannot be used.
    pub(super) fn refused(&self) -> bool {
        self.issues.iter().any(|issue| issue.level == Level::Refused)
    }

    /// Gatekeeper would refuse the object, or Kobuk must.
    pub(super) fn refuse(&mut self, at: Value<'_>, field: &str, message: impl Into<String>) {
        self.push(Level::Refused, at, field, message.into(), None);
    }

    /// Something that has no effect, so it cannot be meant.
    pub(super) fn useless(&mut self, at: Value<'_>, field: &str, message: impl Into<String>) {
        self.push(Level::Error, at, field, message.into(), None);
    }

    /// Something worth a look, with advice.
    pub(super) fn warn(&mut self, at: Value<'_>, field: &str, message: impl Into<String>, hint: &'static str) {
        self.push(Level::Warning, at, field, message.into(), Some(hint));
    }

    /// Reports keys of a mapping that nobody reads. They refuse the object where `refuse` is set.
    pub(super) fn known(&mut self, value: Value<'_>, path: &str, known: &[&str], refuse: bool) {
        for (key, _) in value.entries() {
            let name = key.as_str().unwrap_or("");
            if known.contains(&name) {
                continue;
            }
            let field = join(path, name);
            let message = format!("unknown field; known are {}", known.join(", "));
            let level = if refuse { Level::Refused } else { Level::Error };
            self.push(level, key, &field, message, None);
        }
    }

    /// The text of a field; a value of another type refuses the object.
    pub(super) fn text<'d>(&mut self, value: Value<'d>, path: &str, key: &str) -> Option<&'d str> {
        let field = value.get(key)?;
        let text = field.as_str();
        if text.is_none() {
            self.refuse(field, &join(path, key), format!("expected text, found {}", shape(field)));
        }
        text
    }

    /// The texts of a list; a value of another type refuses the object.
    pub(super) fn texts<'d>(&mut self, value: Value<'d>, path: &str, key: &str) -> Vec<&'d str> {
        let mut texts = Vec::new();
        for (index, item) in self.list(value, path, key).into_iter().enumerate() {
            match item.as_str() {
                Some(text) => texts.push(text),
                None => {
                    let field = format!("{}[{index}]", join(path, key));
                    self.refuse(item, &field, format!("expected text, found {}", shape(item)));
                }
            }
        }
        texts
    }

    /// The items of a list; another type refuses the object.
    pub(super) fn list<'d>(&mut self, value: Value<'d>, path: &str, key: &str) -> Vec<Value<'d>> {
        let Some(list) = value.get(key) else { return Vec::new() };
        if !list.is_seq() {
            self.refuse(list, &join(path, key), format!("expected a list, found {}", shape(list)));
        }
        list.items().collect()
    }

    /// A mapping; another type refuses the object.
    pub(super) fn map<'d>(&mut self, value: Value<'d>, path: &str, key: &str) -> Option<Value<'d>> {
        let map = value.get(key)?;
        if !map.is_map() {
            self.refuse(map, &join(path, key), format!("expected a mapping, found {}", shape(map)));
            return None;
        }
        Some(map)
    }

    fn push(&mut self, level: Level, at: Value<'_>, field: &str, message: String, hint: Option<&'static str>) {
        let (object, field) = (self.object.clone(), field.to_owned());
        self.issues.push(LoadIssue { level, object, field, message, hint, location: at.location() });
    }
}

/// The path of a field.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// What a value is, as JSON schemas call it.
pub(super) fn shape(value: Value<'_>) -> &'static str {
    match value.data() {
        Data::Null => "null",
        Data::Bool(_) => "boolean",
        Data::Int(_) => "integer",
        Data::Float(_) => "number",
        Data::Str(_) => "string",
        Data::Seq(_) => "array",
        Data::Map(_) => "object",
    }
}
