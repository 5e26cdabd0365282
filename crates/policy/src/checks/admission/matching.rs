//! Which requests the rules of a webhook or an admission policy match.

use manifest::Value;

use crate::checks::network::NAMESPACE_NAME_LABEL;

/// The rules of one webhook, or of the matchConstraints of one policy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matching<'d> {
    /// What holds `namespaceSelector`, `objectSelector` and `matchPolicy`.
    pub(super) holder: Value<'d>,
    /// The list of rules.
    pub(super) rules: Option<Value<'d>>,
}

/// What a namespace selector says about one namespace of which only the name is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Selected {
    /// It selects the namespace.
    Yes,
    /// It leaves the namespace out.
    No,
    /// It depends on labels that are not shown.
    Unknown,
}

impl<'d> Matching<'d> {
    /// Rules that match a resource of a group, `pods` or `pods/exec` for instance.
    pub(super) fn rules_for(self, group: &'static str, resource: &'static str) -> impl Iterator<Item = Value<'d>> {
        self.rules.into_iter().flat_map(Value::items).filter(move |rule| {
            has_word(*rule, "apiGroups", group) && rule.list("resources").any(|word| resource_matches(word, resource))
        })
    }

    /// Whether some rule matches the resource for an operation.
    pub(super) fn matches(self, group: &'static str, resource: &'static str, operation: &str) -> bool {
        self.rules_for(group, resource).any(|rule| has_word(rule, "operations", operation))
    }

    /// A rule for all resources of all groups.
    pub(super) fn everything(self) -> Option<Value<'d>> {
        self.rules.into_iter().flat_map(Value::items).find(|rule| {
            let starred = |key: &str, words: &[&str]| {
                rule.list(key).any(|word| word.as_str().is_some_and(|text| words.contains(&text)))
            };
            starred("apiGroups", &["*"]) && starred("resources", &["*", "*/*"])
        })
    }

    /// Whether requests in the namespace are matched as far as `namespaceSelector` says.
    pub(super) fn selects_namespace(self, name: &str) -> Selected {
        let Some(selector) = self.holder.get("namespaceSelector") else { return Selected::Yes };
        let mut answer = Selected::Yes;
        for (key, value) in selector.get("matchLabels").into_iter().flat_map(Value::entries) {
            match key.as_str() {
                Some(NAMESPACE_NAME_LABEL) if value.as_str() != Some(name) => return Selected::No,
                Some(NAMESPACE_NAME_LABEL) => {}
                _ => answer = Selected::Unknown,
            }
        }
        for expression in selector.list("matchExpressions") {
            if expression.str_at("key") != Some(NAMESPACE_NAME_LABEL) {
                answer = Selected::Unknown;
                continue;
            }
            let listed = expression.list("values").any(|value| value.as_str() == Some(name));
            match expression.str_at("operator") {
                Some("In") if !listed => return Selected::No,
                Some("NotIn") if listed => return Selected::No,
                Some("DoesNotExist") => return Selected::No,
                _ => {}
            }
        }
        answer
    }

    /// Whether `objectSelector` asks for anything.
    pub(super) fn selects_objects(self) -> bool {
        self.holder.get("objectSelector").is_some_and(|selector| !selector_is_empty(selector))
    }

    /// A term of a selector that lets whoever sets or removes a label stay out: its place and key.
    pub(super) fn opt_out(self, selector: &str) -> Option<(Value<'d>, &'d str)> {
        let selector = self.holder.get(selector)?;
        let asked = selector.get("matchLabels").into_iter().flat_map(Value::entries);
        let labels = asked.filter_map(|(key, _)| Some((key, key.as_str()?)));
        let expressions = selector.list("matchExpressions").filter_map(|term| Some((term, term.str_at("key")?)));
        labels.chain(expressions).find(|(_, key)| *key != NAMESPACE_NAME_LABEL)
    }
}

/// Whether a LabelSelector selects everything.
pub(super) fn selector_is_empty(selector: Value<'_>) -> bool {
    ["matchLabels", "matchExpressions"].iter().all(|key| selector.get(key).is_none_or(Value::is_empty))
}

/// Whether a list of words has the word or a star.
pub(super) fn has_word(rule: Value<'_>, key: &str, wanted: &str) -> bool {
    rule.list(key).any(|word| matches!(word.as_str(), Some(text) if text == "*" || text == wanted))
}

/// `*` stands for all resources without subresources, `*/*` for everything, `pods/*` for a resource's
/// subresources and `*/scale` for one subresource of all.
fn resource_matches(word: Value<'_>, resource: &str) -> bool {
    let Some(word) = word.as_str() else { return false };
    match (word.split_once('/'), resource.split_once('/')) {
        (None, None) => word == "*" || word == resource,
        (Some((name, sub)), Some((wanted, wanted_sub))) => {
            (name == "*" || name == wanted) && (sub == "*" || sub == wanted_sub)
        }
        // `*/*` covers resources and subresources alike.
        (Some(("*", "*")), None) => true,
        _ => false,
    }
}
