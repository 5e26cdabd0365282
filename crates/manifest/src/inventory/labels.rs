//! Labels and label selectors.

use crate::tree::Value;

/// A set of labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(pub Box<[(Box<str>, Box<str>)]>);

/// A label selector. The empty one selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// `matchLabels`.
    pub labels: Labels,
    /// `matchExpressions`.
    pub requirements: Vec<SelectorRequirement>,
}

/// One of `matchExpressions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectorRequirement {
    /// Label key.
    pub key: Box<str>,
    /// Operator.
    pub operator: SelectorOperator,
    /// Values of `In` and `NotIn`.
    pub values: Vec<Box<str>>,
}

/// Operator of a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectorOperator {
    /// The label has one of the values.
    In,
    /// The label is missing or has none of the values.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is missing.
    DoesNotExist,
    /// No operator that the API server knows; matches nothing.
    Invalid,
}

// === impl Labels ===

impl Labels {
    /// Reads a mapping of strings.
    pub fn of(value: Option<Value<'_>>) -> Self {
        let entries = value.into_iter().flat_map(Value::entries);
        Labels(
            entries
                .filter_map(|(key, value)| Some((key.as_str()?.into(), value.text().unwrap_or_default().into())))
                .collect(),
        )
    }

    /// The value of one label.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| &**name == key).map(|(_, value)| &**value)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

// === impl Selector ===

impl Selector {
    /// Reads a LabelSelector. A missing one reads like an empty one; whether that selects everything or
    /// nothing depends on the field, so callers look first.
    pub fn of(value: Option<Value<'_>>) -> Self {
        let Some(value) = value else { return Selector::default() };
        let requirements = value
            .list("matchExpressions")
            .map(|item| SelectorRequirement {
                key: item.str_at("key").unwrap_or("").into(),
                operator: match item.str_at("operator") {
                    Some("In") => SelectorOperator::In,
                    Some("NotIn") => SelectorOperator::NotIn,
                    Some("Exists") => SelectorOperator::Exists,
                    Some("DoesNotExist") => SelectorOperator::DoesNotExist,
                    _ => SelectorOperator::Invalid,
                },
                values: item.list("values").filter_map(|value| Some(value.text()?.into())).collect(),
            })
            .collect();
        Selector { labels: Labels::of(value.get("matchLabels")), requirements }
    }

    /// Whether the selector selects everything.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.requirements.is_empty()
    }

    /// Whether the selector selects an object with these labels.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.labels.0.iter().all(|(key, value)| labels.get(key) == Some(value))
            && self.requirements.iter().all(|requirement| requirement.matches(labels))
    }
}

impl SelectorRequirement {
    fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        let listed = || value.is_some_and(|value| self.values.iter().any(|candidate| &**candidate == value));
        match self.operator {
            SelectorOperator::In => listed(),
            SelectorOperator::NotIn => !listed(),
            SelectorOperator::Exists => value.is_some(),
            SelectorOperator::DoesNotExist => value.is_none(),
            SelectorOperator::Invalid => false,
        }
    }
}
