//! Sets values along a location, with the tests of what must or must not exist.

use std::borrow::Cow;

use manifest::build::Draft;
use manifest::{Data, Value};

use super::location::{Key, Location, Step};

/// What is done at the end of a location.
pub(super) trait Setter {
    /// Changes a field of an object. `Ok(false)` when there was nothing to change.
    fn field<'d>(&'d self, object: &mut Draft<'d>, key: &'d str) -> Result<(), SetError>;
    /// The object for a keyed list, if the location may end in one.
    fn item<'d>(&'d self) -> Option<Draft<'d>> {
        None
    }
}

/// Why a value cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SetError {
    /// The document has another shape than the location.
    #[error("mismatch between the location and the object: expected {expected} at step {step}")]
    Mismatch {
        /// What the location says.
        expected: &'static str,
        /// At which step, from 1.
        step: usize,
    },
    /// The value is not what the mutator can change.
    #[error("{0}")]
    Value(&'static str),
}

/// What must be there or must not be there, step by step.
#[derive(Clone, Debug, Default)]
pub(super) struct Tests {
    /// By index of the step: whether it must exist.
    pub(super) must_exist: Vec<(usize, bool)>,
}

impl Tests {
    fn exists_okay(&self, step: usize) -> bool {
        self.of(step).unwrap_or(true)
    }

    fn missing_okay(&self, step: usize) -> bool {
        !self.of(step).unwrap_or(false)
    }

    fn of(&self, step: usize) -> Option<bool> {
        self.must_exist.iter().rev().find(|(at, _)| *at == step).map(|(_, must)| *must)
    }
}

/// Sets along a location. `Ok(true)` when something was set, even if to what it was.
pub(super) fn set<'d>(
    location: &'d Location,
    tests: &Tests,
    setter: &'d dyn Setter,
    document: &mut Draft<'d>,
) -> Result<bool, SetError> {
    Walk { location, tests, setter }.step(document, 0)
}

struct Walk<'w, 'd> {
    location: &'d Location,
    tests: &'w Tests,
    setter: &'d dyn Setter,
}

impl<'d> Walk<'_, 'd> {
    fn step(&self, current: &mut Draft<'d>, index: usize) -> Result<bool, SetError> {
        let last = index + 1 == self.location.steps.len();
        match self.location.steps.get(index) {
            None => Ok(false),
            Some(Step::Field(name)) => self.field(current, name, index, last),
            Some(Step::Items { key, value }) => self.items(current, key, value, index, last),
        }
    }

    fn field(&self, current: &mut Draft<'d>, name: &'d str, index: usize, last: bool) -> Result<bool, SetError> {
        if !matches!(current.data(), Data::Map(_)) {
            return Err(SetError::Mismatch { expected: "an object", step: index + 1 });
        }
        let exists = current.get_mut(name).is_some();
        let okay = if exists { self.tests.exists_okay(index) } else { self.tests.missing_okay(index) };
        if !okay {
            return Ok(false);
        }
        if last {
            self.setter.field(current, name)?;
            return Ok(true);
        }
        if let Some(next) = current.get_mut(name) {
            return self.step(next, index + 1);
        }
        let mut next = self.empty(index + 1);
        let set = self.step(&mut next, index + 1)?;
        if set {
            current.put(name, next);
        }
        Ok(set)
    }

    fn items(
        &self,
        current: &mut Draft<'d>,
        key: &'d str,
        value: &'d Key,
        index: usize,
        last: bool,
    ) -> Result<bool, SetError> {
        let Some(items) = current.items_mut() else {
            return Err(SetError::Mismatch { expected: "a list", step: index + 1 });
        };
        if last {
            return self.last_item(items, key, value, index);
        }
        if *value == Key::Any && !self.tests.exists_okay(index) {
            return Ok(false);
        }
        let (mut set, mut found) = (false, false);
        for item in items.iter_mut() {
            if *value != Key::Any {
                if !has_key(item, key, value) {
                    continue;
                }
                if !self.tests.exists_okay(index) {
                    return Ok(false);
                }
            }
            found = true;
            set |= self.step(item, index + 1)?;
        }
        if *value == Key::Any || found {
            return Ok(set);
        }
        if !self.tests.missing_okay(index) {
            return Ok(false);
        }
        let mut next = Draft::map(vec![(Cow::Borrowed(key), key_value(value))]);
        // A new item stays, whatever comes of the steps below it.
        let below = self.step(&mut next, index + 1)?;
        items.push(next);
        Ok(set | below)
    }

    fn last_item(&self, items: &mut Vec<Draft<'d>>, key: &str, value: &Key, index: usize) -> Result<bool, SetError> {
        let Some(new) = self.setter.item() else {
            return Err(SetError::Value("the mutator does not understand keyed lists"));
        };
        for item in items.iter_mut() {
            if !matches!(item.data(), Data::Map(_)) {
                return Err(SetError::Mismatch { expected: "objects in the list", step: index + 1 });
            }
            if has_key(item, key, value) {
                if !self.tests.exists_okay(index) {
                    return Ok(false);
                }
                *item = new;
                return Ok(true);
            }
        }
        if !self.tests.missing_okay(index) {
            return Ok(false);
        }
        items.push(new);
        Ok(true)
    }

    /// An empty value for what the step expects.
    fn empty(&self, index: usize) -> Draft<'d> {
        match self.location.steps.get(index) {
            Some(Step::Items { .. }) => Draft::seq(Vec::new()),
            _ => Draft::map(Vec::new()),
        }
    }
}

fn has_key(item: &mut Draft<'_>, key: &str, value: &Key) -> bool {
    match (item.get_mut(key), value) {
        (Some(_), Key::Any) => true,
        (Some(found), Key::Text(text)) => found.as_str() == Some(text),
        (Some(found), Key::Int(number)) => found.as_int() == Some(*number),
        (None, _) => false,
    }
}

fn key_value(value: &Key) -> Draft<'_> {
    match value {
        Key::Any => Draft::null(),
        Key::Text(text) => Draft::text(&**text),
        Key::Int(number) => Draft::int(*number),
    }
}

/// Whether two values are the same JSON.
pub(super) fn same(a: Value<'_>, b: Value<'_>) -> bool {
    match (a.data(), b.data()) {
        (Data::Map(_), Data::Map(_)) => {
            a.len() == b.len()
                && a.entries().all(|(key, value)| {
                    key.as_str().and_then(|key| b.entry(key)).is_some_and(|(_, other)| same(value, other))
                })
        }
        (Data::Seq(_), Data::Seq(_)) => a.len() == b.len() && a.items().zip(b.items()).all(|(a, b)| same(a, b)),
        (a, b) => a == b,
    }
}
