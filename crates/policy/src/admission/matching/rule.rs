//! One of `resourceRules`.

use manifest::Value;

use crate::admission::request::{Operation, Request};
use crate::admission::selector::Selects;

/// A rule, taken apart once.
#[derive(Clone, Debug, Default)]
pub(super) struct Rule {
    groups: Words,
    versions: Words,
    /// Resource and subresource; `None` stands for `*`, an empty subresource for the resource itself.
    pub(super) resources: Vec<(Word, Word)>,
    names: Vec<Box<str>>,
    /// One bit per operation.
    operations: u8,
    scope: Scope,
}

/// A word of a rule; `None` stands for `*`.
type Word = Option<Box<str>>;

/// A list of words of which `*` stands for any.
#[derive(Clone, Debug, Default)]
struct Words {
    any: bool,
    words: Vec<Box<str>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Scope {
    #[default]
    All,
    Namespaced,
    Cluster,
    /// A word that the API server refuses; matches nothing.
    Invalid,
}

/// A resource as which a request may be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target<'r> {
    pub(super) group: &'r str,
    pub(super) version: &'r str,
    /// `None` when nobody knows it.
    pub(super) plural: Option<&'r str>,
}

impl Rule {
    pub(super) fn read(value: Value<'_>) -> Rule {
        let operations = value.list("operations").filter_map(Value::as_str).map(|word| match word {
            "*" => u8::MAX,
            "CREATE" => bit(Operation::Create),
            "UPDATE" => bit(Operation::Update),
            "DELETE" => bit(Operation::Delete),
            "CONNECT" => bit(Operation::Connect),
            _ => 0,
        });
        let star = |word: &str| (word != "*").then(|| Box::from(word));
        Rule {
            groups: Words::read(value, "apiGroups"),
            versions: Words::read(value, "apiVersions"),
            resources: value
                .list("resources")
                .filter_map(Value::as_str)
                .map(|word| word.split_once('/').unwrap_or((word, "")))
                .map(|(resource, sub)| (star(resource), star(sub)))
                .collect(),
            names: value.list("resourceNames").filter_map(Value::as_str).map(Box::from).collect(),
            operations: operations.fold(0, |all, one| all | one),
            scope: match value.str_at("scope") {
                None | Some("*") => Scope::All,
                Some("Namespaced") => Scope::Namespaced,
                Some("Cluster") => Scope::Cluster,
                Some(_) => Scope::Invalid,
            },
        }
    }

    /// Whether the rule matches a request as one resource.
    pub(super) fn matches(&self, target: &Target<'_>, request: &Request<'_>) -> Selects {
        let known = self.operations & bit(request.operation) != 0
            && self.groups.holds(target.group)
            && self.versions.holds(target.version)
            && (self.names.is_empty() || self.names.iter().any(|name| **name == *request.name));
        if !known {
            return Selects::No;
        }
        match (self.in_scope(target, request), self.names_resource(target, &request.sub_resource)) {
            (Selects::No, _) | (_, Selects::No) => Selects::No,
            (Selects::Yes, Selects::Yes) => Selects::Yes,
            _ => Selects::Unknown,
        }
    }

    fn in_scope(&self, target: &Target<'_>, request: &Request<'_>) -> Selects {
        let itself = (target.group, target.plural) == ("", Some("namespaces")) && target.version == "v1";
        let cluster = match (itself, request.namespaced) {
            (true, _) => true,
            (false, None) if request.namespace.is_empty() && self.scope != Scope::All => return Selects::Unknown,
            (false, _) => request.namespace.is_empty(),
        };
        let yes = match self.scope {
            Scope::All => true,
            Scope::Namespaced => !cluster,
            Scope::Cluster => cluster,
            Scope::Invalid => false,
        };
        if yes { Selects::Yes } else { Selects::No }
    }

    fn names_resource(&self, target: &Target<'_>, sub_resource: &str) -> Selects {
        let mut answer = Selects::No;
        for (resource, sub) in &self.resources {
            if sub.as_deref().is_some_and(|sub| sub != sub_resource) {
                continue;
            }
            match (resource, target.plural) {
                (None, _) => return Selects::Yes,
                (Some(resource), Some(plural)) if **resource == *plural => return Selects::Yes,
                (Some(_), Some(_)) => {}
                (Some(_), None) => answer = Selects::Unknown,
            }
        }
        answer
    }
}

impl Words {
    fn read(value: Value<'_>, key: &str) -> Words {
        let words: Vec<Box<str>> = value.list(key).filter_map(Value::as_str).map(Box::from).collect();
        Words { any: words.iter().any(|word| &**word == "*"), words }
    }

    fn holds(&self, wanted: &str) -> bool {
        self.any || self.words.iter().any(|word| &**word == wanted)
    }
}

fn bit(operation: Operation) -> u8 {
    match operation {
        Operation::Create => 1,
        Operation::Update => 2,
        Operation::Delete => 4,
        Operation::Connect => 8,
    }
}
