//! Whether a policy or a binding looks at a request.

use std::sync::Arc;

use cel::fault::Fact;
use manifest::Value;

use crate::admission::facts::Facts;
use crate::admission::request::{Kind, Request, Resource};
use crate::admission::selector::{LabelSet, Selector, Selects};

/// `matchConstraints` or `matchResources`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Constraints {
    rules: Vec<Rule>,
    exclude: Vec<Rule>,
    namespaces: Selector,
    objects: Selector,
}

#[derive(Clone, Debug)]
struct Rule {
    groups: Vec<Box<str>>,
    versions: Vec<Box<str>>,
    resources: Vec<Box<str>>,
    operations: Vec<Box<str>>,
    names: Vec<Box<str>>,
}

/// Whether a request is looked at.
#[derive(Clone, Debug)]
pub(crate) enum Matched<'r> {
    /// It is, as this kind and resource.
    Yes(&'r Kind<'r>, Option<&'r Resource<'r>>),
    /// It is not; why.
    No(Arc<str>),
    /// It depends on facts.
    Unknown(Arc<[Fact]>),
    /// The API server could not tell, in its words.
    #[allow(dead_code)]
    Failed(String),
}

impl Constraints {
    pub(crate) fn read(value: Option<Value<'_>>) -> Constraints {
        let Some(value) = value else { return Constraints::default() };
        let texts = |rule: Value<'_>, key| rule.list(key).filter_map(Value::as_str).map(Box::from).collect();
        let rules = |key| {
            value
                .list(key)
                .map(|rule| Rule {
                    groups: texts(rule, "apiGroups"),
                    versions: texts(rule, "apiVersions"),
                    resources: texts(rule, "resources"),
                    operations: texts(rule, "operations"),
                    names: texts(rule, "resourceNames"),
                })
                .collect()
        };
        Constraints {
            rules: rules("resourceRules"),
            exclude: rules("excludeResourceRules"),
            namespaces: Selector::read_optional(value.get("namespaceSelector")).unwrap_or_default(),
            objects: Selector::read_optional(value.get("objectSelector")).unwrap_or_default(),
        }
    }

    pub(crate) fn plurals(&self) -> Option<Vec<&str>> {
        let mut list = Vec::new();
        for resource in self.rules.iter().flat_map(|rule| &rule.resources) {
            let plural = resource.split('/').next().unwrap_or("");
            if plural == "*" {
                return None;
            }
            list.push(plural);
        }
        Some(list)
    }

    pub(crate) fn matches<'r>(&self, request: &'r Request<'r>, facts: &Facts) -> Matched<'r> {
        let no = |why: &str| Matched::No(why.into());
        if self.exclude.iter().any(|rule| rule.matches(request)) {
            return no("an excludeResourceRule matches");
        }
        if !self.rules.is_empty() && !self.rules.iter().any(|rule| rule.matches(request)) {
            return no("no resourceRule matches");
        }
        let objects: Vec<LabelSet<'_>> =
            [request.object, request.old_object].into_iter().flatten().map(LabelSet::of_object).collect();
        if !self.objects.is_empty() && !objects.iter().any(|labels| self.objects.selects(labels) == Selects::Yes) {
            return no("objectSelector does not select the object");
        }
        if !self.namespaces.is_empty() && !request.namespace.is_empty() {
            if let Some(labels) = facts.namespace_labels(&request.namespace) {
                match self.namespaces.selects(&labels) {
                    Selects::Yes => {}
                    Selects::No => return no("namespaceSelector does not select the namespace"),
                    Selects::Unknown => {
                        let name = format!("labels of namespace {}", request.namespace);
                        return Matched::Unknown(Arc::new([Fact { name: name.into() }]));
                    }
                }
            }
        }
        Matched::Yes(&request.kind, request.resource.as_ref())
    }
}

impl Rule {
    fn matches(&self, request: &Request<'_>) -> bool {
        let has = |list: &[Box<str>], word: &str| list.iter().any(|own| **own == *word || **own == *"*");
        let Some(resource) = &request.resource else { return false };
        let whole = if request.sub_resource.is_empty() {
            resource.resource.to_string()
        } else {
            format!("{}/{}", resource.resource, request.sub_resource)
        };
        has(&self.groups, &resource.group)
            && has(&self.versions, &resource.version)
            && has(&self.resources, &whole)
            && has(&self.operations, request.operation.as_str())
            && (self.names.is_empty() || self.names.iter().any(|name| **name == *request.name))
    }
}
