//! Label selectors over labels of which some may be unknown.

use manifest::Value;
use model::Location;

/// A LabelSelector. The empty one selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    requirements: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: Box<str>,
    operator: Operator,
    values: Vec<Box<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

/// What a selector says about labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selects {
    /// It selects them.
    Yes,
    /// It does not.
    No,
    /// It depends on labels that nobody gave.
    Unknown,
}

/// The labels of an object.
#[derive(Clone, Copy, Debug)]
pub struct LabelSet<'l> {
    labels: Option<Value<'l>>,
    /// A label that follows from the name.
    implied: Option<(&'static str, &'l str)>,
    /// There may be others.
    open: bool,
}

/// What is wrong with a selector.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct SelectorError {
    /// Where.
    pub location: Location,
    /// What.
    pub message: String,
}

// === impl Selector ===

impl Selector {
    /// Reads a LabelSelector, with the checks of the API server.
    pub fn read(value: Value<'_>) -> Result<Selector, SelectorError> {
        let fail = |value: Value<'_>, message: String| SelectorError { location: value.location(), message };
        if !value.is_map() {
            return Err(fail(value, String::from("a label selector is a mapping")));
        }
        if let Some((key, _)) =
            value.entries().find(|(key, _)| !matches!(key.as_str(), Some("matchLabels" | "matchExpressions")))
        {
            return Err(fail(key, format!("a label selector has no field {:?}", key.as_str().unwrap_or(""))));
        }
        let mut requirements = Vec::new();
        let labels = value.get("matchLabels");
        if labels.is_some_and(|labels| !labels.is_map()) {
            return Err(fail(value, String::from("matchLabels is a mapping")));
        }
        for (key, label) in labels.into_iter().flat_map(Value::entries) {
            let name = key.as_str().unwrap_or("");
            let text = label.as_str().ok_or_else(|| fail(label, format!("the label {name:?} must be a string")))?;
            check_key(name).map_err(|message| fail(key, message))?;
            check_value(text).map_err(|message| fail(label, message))?;
            requirements.push(Requirement { key: name.into(), operator: Operator::In, values: vec![text.into()] });
        }
        if let Some(list) = value.get("matchExpressions").filter(|list| !list.is_seq()) {
            return Err(fail(list, String::from("matchExpressions is a list")));
        }
        for item in value.list("matchExpressions") {
            requirements.push(Requirement::read(item).map_err(|(at, message)| fail(at, message))?);
        }
        Ok(Selector { requirements })
    }

    /// Reads a selector that may be missing, which selects everything.
    pub fn read_optional(value: Option<Value<'_>>) -> Result<Selector, SelectorError> {
        value.map_or_else(|| Ok(Selector::default()), Selector::read)
    }

    /// A selector of exactly these labels.
    pub fn labels<'l>(labels: impl IntoIterator<Item = (&'l str, &'l str)>) -> Selector {
        let requirements = labels.into_iter().map(|(key, value)| Requirement {
            key: key.into(),
            operator: Operator::In,
            values: vec![value.into()],
        });
        Selector { requirements: requirements.collect() }
    }

    /// Whether it selects everything.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether it selects these labels. A requirement that is known to fail decides, whatever the others need.
    pub fn selects(&self, labels: &LabelSet<'_>) -> Selects {
        let mut answer = Selects::Yes;
        for requirement in &self.requirements {
            match requirement.selects(labels) {
                Selects::Yes => {}
                Selects::No => return Selects::No,
                Selects::Unknown => answer = Selects::Unknown,
            }
        }
        answer
    }
}

impl Requirement {
    fn read(item: Value<'_>) -> Result<Requirement, (Value<'_>, String)> {
        let key = item.str_at("key").unwrap_or("");
        check_key(key).map_err(|message| (item.get("key").unwrap_or(item), message))?;
        let operator = match item.str_at("operator") {
            Some("In") => Operator::In,
            Some("NotIn") => Operator::NotIn,
            Some("Exists") => Operator::Exists,
            Some("DoesNotExist") => Operator::DoesNotExist,
            other => {
                let at = item.get("operator").unwrap_or(item);
                return Err((at, format!("{:?} is not a valid label selector operator", other.unwrap_or(""))));
            }
        };
        let mut values = Vec::new();
        for value in item.list("values") {
            let text = value.as_str().ok_or_else(|| (value, String::from("values of a label are strings")))?;
            check_value(text).map_err(|message| (value, message))?;
            values.push(text.into());
        }
        let listing = matches!(operator, Operator::In | Operator::NotIn);
        if listing && values.is_empty() {
            return Err((item, String::from("values: must be specified when `operator` is 'In' or 'NotIn'")));
        }
        if !listing && !values.is_empty() {
            let message = "values: may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            return Err((item, message.to_owned()));
        }
        Ok(Requirement { key: key.into(), operator, values })
    }

    fn selects(&self, labels: &LabelSet<'_>) -> Selects {
        let value = labels.get(&self.key);
        if value.is_none() && labels.open {
            return Selects::Unknown;
        }
        let listed = || value.is_some_and(|value| self.values.iter().any(|candidate| &**candidate == value));
        let yes = match self.operator {
            Operator::In => listed(),
            Operator::NotIn => !listed(),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        };
        if yes { Selects::Yes } else { Selects::No }
    }
}

// === impl LabelSet ===

impl<'l> LabelSet<'l> {
    /// `metadata.labels` of an object.
    pub fn of_object(object: Value<'l>) -> Self {
        LabelSet { labels: object.path(&["metadata", "labels"]), implied: None, open: false }
    }

    /// The labels of a namespace; the API server sets the one with its name.
    pub fn of_namespace(namespace: Value<'l>, name: &'l str) -> Self {
        LabelSet { implied: Some((NAME_LABEL, name)), ..LabelSet::of_object(namespace) }
    }

    /// A namespace of which nothing but the name is known.
    pub fn of_unknown_namespace(name: &'l str) -> Self {
        LabelSet { labels: None, implied: Some((NAME_LABEL, name)), open: true }
    }

    /// One label.
    pub fn get(&self, key: &str) -> Option<&'l str> {
        if let Some((name, value)) = self.implied
            && name == key
        {
            return Some(value);
        }
        self.labels?.str_at(key)
    }
}

/// A label's key: a name, perhaps behind a DNS subdomain and a slash.
fn check_key(key: &str) -> Result<(), String> {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let subdomain = |text: &str| {
        text.len() <= SUBDOMAIN_BYTES_MAX
            && text.split('.').all(|label| {
                is_bounded_by(label, |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
                    && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            })
    };
    if name.is_empty() || !is_name(name) || prefix.is_some_and(|prefix| !subdomain(prefix)) {
        return Err(format!("{key:?} is no valid label key"));
    }
    Ok(())
}

fn check_value(value: &str) -> Result<(), String> {
    if value.is_empty() || is_name(value) { Ok(()) } else { Err(format!("{value:?} is no valid label value")) }
}

fn is_name(text: &str) -> bool {
    text.len() <= NAME_BYTES_MAX
        && is_bounded_by(text, |byte| byte.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

fn is_bounded_by(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    matches!((text.bytes().next(), text.bytes().last()), (Some(first), Some(last)) if allowed(first) && allowed(last))
}

/// The label that the API server gives every namespace.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// Longest name part of a label's key, and longest value, as the API server checks them.
const NAME_BYTES_MAX: usize = 63;

/// Longest DNS subdomain.
const SUBDOMAIN_BYTES_MAX: usize = 253;

#[cfg(test)]
mod tests {
    use model::FileId;

    use super::*;

    /// What a selector says about an object's labels and about a namespace `shop` that nobody described.
    fn selects(selector: &str) -> Result<(Selects, Selects), String> {
        let object =
            manifest::stream::json_document(r#"{"metadata":{"labels":{"app":"web","tier":"gold"}}}"#, FileId(0))
                .unwrap();
        let selector = manifest::stream::json_document(selector, FileId(0)).unwrap();
        let selector = Selector::read(selector.root()).map_err(|error| error.to_string())?;
        let known = selector.selects(&LabelSet::of_object(object.root()));
        Ok((known, selector.selects(&LabelSet::of_unknown_namespace("shop"))))
    }

    #[test]
    fn every_operator_selects() {
        use Selects::{No, Unknown, Yes};
        let expression = |operator: &str, values: &str| {
            selects(&format!(r#"{{"matchExpressions":[{{"key":"app","operator":"{operator}"{values}}}]}}"#)).unwrap().0
        };
        assert_eq!(expression("In", r#","values":["web"]"#), Yes);
        assert_eq!(expression("NotIn", r#","values":["web"]"#), No);
        assert_eq!(expression("Exists", ""), Yes);
        assert_eq!(expression("DoesNotExist", ""), No);
        assert_eq!(selects("{}"), Ok((Yes, Yes)));
        assert_eq!(selects(r#"{"matchLabels":{"app":"web","tier":"x"}}"#), Ok((No, Unknown)));
        assert_eq!(selects(r#"{"matchLabels":{"kubernetes.io/metadata.name":"shop"}}"#), Ok((No, Yes)));
        assert_eq!(selects(r#"{"matchLabels":{"kubernetes.io/metadata.name":"x","a":"b"}}"#), Ok((No, No)));
    }

    #[test]
    fn what_the_api_server_refuses_is_refused() {
        let error = |text: &str| selects(text).unwrap_err();
        assert!(error(r#"{"matchLabel":{}}"#).contains("no field"));
        assert!(error(r#"{"matchLabels":{"-a":"b"}}"#).contains("label key"));
        assert!(error(r#"{"matchLabels":{"A.b/c/d":"b"}}"#).contains("label key"));
        assert!(error(r#"{"matchLabels":{"a":"b c"}}"#).contains("label value"));
        assert!(
            error(r#"{"matchExpressions":[{"key":"a","operator":"in"}]}"#)
                .contains("not a valid label selector operator")
        );
        assert!(error(r#"{"matchExpressions":[{"key":"a","operator":"In"}]}"#).contains("must be specified"));
        assert!(
            error(r#"{"matchExpressions":[{"key":"a","operator":"Exists","values":["x"]}]}"#).contains("may not be")
        );
    }
}
