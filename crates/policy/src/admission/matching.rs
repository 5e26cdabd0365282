//! Which requests a policy, a binding or a webhook looks at.

mod index;
mod rule;

use cel::Fact;
use manifest::Value;

use super::facts::{Facts, fact};
use super::request::{Kind, Operation, Request, Resource};
use super::resources;
use super::selector::{LabelSet, Selector, SelectorError, Selects};
use rule::{Rule, Target};

pub use index::MatchIndex;

/// `matchConstraints` of an admission policy, `matchResources` of its binding, or the rules of a webhook.
#[derive(Clone, Debug, Default)]
pub struct MatchResources {
    rules: Vec<Rule>,
    excluded: Vec<Rule>,
    /// `matchPolicy: Exact`: other versions of the same objects do not match.
    exact: bool,
    namespaces: Selector,
    objects: Selector,
}

/// Whether a request is looked at.
#[derive(Clone, Debug, PartialEq)]
pub enum Match<'r> {
    /// It is, as this resource and kind: its own, or the one it is to be converted to.
    Match {
        /// The resource that a rule names.
        resource: Option<Resource<'r>>,
        /// The kind under which the policy is to see the object.
        kind: Kind<'r>,
    },
    /// It is not; why, in a few words.
    NoMatch(&'static str),
    /// It depends on facts that nobody gave.
    Unknown(Vec<Fact>),
}

impl MatchResources {
    /// Reads `matchConstraints` or `matchResources`. Missing fields have the defaults of the API server.
    pub fn read(value: Value<'_>) -> Result<MatchResources, SelectorError> {
        Ok(MatchResources {
            rules: value.list("resourceRules").map(Rule::read).collect(),
            excluded: value.list("excludeResourceRules").map(Rule::read).collect(),
            exact: value.str_at("matchPolicy") == Some("Exact"),
            namespaces: Selector::read_optional(value.get("namespaceSelector"))?,
            objects: Selector::read_optional(value.get("objectSelector"))?,
        })
    }

    /// Reads the rules and selectors of a webhook. Without a rule it matches nothing.
    pub fn read_webhook(value: Value<'_>) -> Result<MatchResources, SelectorError> {
        let mut read = MatchResources { rules: value.list("rules").map(Rule::read).collect(), ..Self::read(value)? };
        if read.rules.is_empty() {
            read.rules.push(Rule::default());
        }
        Ok(read)
    }

    /// Whether a request matches, in the order of the API server's checks: namespace, object, excluded rules,
    /// rules. What is known to fail decides, whatever the rest needs.
    pub fn matches<'r>(&self, request: &'r Request<'_>, facts: &'r Facts) -> Match<'r> {
        let mut missing = Vec::new();
        match self.namespace_selected(request, facts, &mut missing) {
            Selects::No => return Match::NoMatch("namespaceSelector does not select the namespace"),
            Selects::Yes | Selects::Unknown => {}
        }
        match self.object_selected(request, &mut missing) {
            Selects::No => return Match::NoMatch("objectSelector does not select the object"),
            Selects::Yes | Selects::Unknown => {}
        }
        let (excluded, _) = self.rule_for(&self.excluded, request, facts);
        if excluded == Selects::Yes {
            return Match::NoMatch("excludeResourceRules leave it out");
        }
        let (selected, target) = if self.rules.is_empty() {
            (Selects::Yes, Target::of(request))
        } else {
            self.rule_for(&self.rules, request, facts)
        };
        if selected == Selects::No {
            return Match::NoMatch("no resource rule matches");
        }
        if selected == Selects::Unknown || excluded == Selects::Unknown {
            missing.push(fact(format!("definition of kind {} in group {}", request.kind.kind, request.kind.group)));
        }
        if missing.is_empty() { target.matched(request, facts) } else { Match::Unknown(missing) }
    }

    fn namespace_selected(&self, request: &Request<'_>, facts: &Facts, missing: &mut Vec<Fact>) -> Selects {
        if self.namespaces.is_empty() {
            return Selects::Yes;
        }
        let plural = request.resource.as_ref().map(|resource| &*resource.resource);
        if plural == Some("namespaces") && request.sub_resource.is_empty() {
            let written = matches!(request.operation, Operation::Create | Operation::Update);
            if let Some(object) = if written { request.object } else { request.old_object } {
                return self.namespaces.selects(&LabelSet::of_namespace(object, &request.name));
            }
        }
        if request.namespace.is_empty() {
            if request.namespaced.is_some() {
                return Selects::Yes;
            }
            missing.push(fact(format!("scope of kind {}", request.kind.kind)));
            return Selects::Unknown;
        }
        let name = &request.namespace;
        let answer = facts.namespace_labels(name).map_or(Selects::Unknown, |labels| self.namespaces.selects(&labels));
        if answer == Selects::Unknown {
            missing.push(fact(format!("labels of namespace {name}")));
        }
        answer
    }

    fn object_selected(&self, request: &Request<'_>, missing: &mut Vec<Fact>) -> Selects {
        if self.objects.is_empty() {
            return Selects::Yes;
        }
        // Options, as `CONNECT` brings them, have no metadata and so no labels to select.
        let labelled = |object: Value<'_>| request.operation != Operation::Connect || object.get("metadata").is_some();
        let selects = |object: Option<Value<'_>>| {
            let object = object.filter(|object| labelled(*object));
            object.is_some_and(|object| self.objects.selects(&LabelSet::of_object(object)) == Selects::Yes)
        };
        if selects(request.object) || selects(request.old_object) {
            return Selects::Yes;
        }
        let has_old = matches!(request.operation, Operation::Update | Operation::Delete);
        if has_old && request.old_object.is_none() {
            missing.push(fact("request.oldObject"));
            return Selects::Unknown;
        }
        Selects::No
    }

    /// Whether one of the rules matches, and as which resource.
    fn rule_for<'r>(&self, rules: &[Rule], request: &'r Request<'_>, facts: &'r Facts) -> (Selects, Target<'r>) {
        let own = Target::of(request);
        let (mut answer, mut unknown) = (Selects::No, None);
        for rule in rules {
            match rule.matches(&own, request) {
                Selects::Yes => return (Selects::Yes, own),
                Selects::Unknown => (answer, unknown) = (Selects::Unknown, Some(own)),
                Selects::No => {}
            }
        }
        if self.exact || rules.is_empty() {
            return (answer, unknown.unwrap_or(own));
        }
        let equivalents = own.equivalents(&request.sub_resource, facts);
        for rule in rules {
            for target in &equivalents {
                match rule.matches(target, request) {
                    Selects::Yes => return (Selects::Yes, *target),
                    Selects::Unknown => (answer, unknown) = (Selects::Unknown, Some(*target)),
                    Selects::No => {}
                }
            }
        }
        (answer, unknown.unwrap_or(own))
    }
}

/// Whether admission policies in CEL are never asked about a resource: reviews of identities and rights, which are
/// not stored, and the policies themselves.
pub fn is_exempt_from_policies(group: &str, resource: &str) -> bool {
    match group {
        "authentication.k8s.io" => matches!(resource, "selfsubjectreviews" | "tokenreviews"),
        "authorization.k8s.io" => matches!(
            resource,
            "localsubjectaccessreviews"
                | "selfsubjectaccessreviews"
                | "selfsubjectrulesreviews"
                | "subjectaccessreviews"
        ),
        "admissionregistration.k8s.io" => matches!(
            resource,
            "validatingadmissionpolicies"
                | "validatingadmissionpolicybindings"
                | "mutatingadmissionpolicies"
                | "mutatingadmissionpolicybindings"
        ),
        _ => false,
    }
}

impl<'r> Target<'r> {
    fn of(request: &'r Request<'_>) -> Target<'r> {
        match &request.resource {
            Some(resource) => {
                Target { group: &resource.group, version: &resource.version, plural: Some(&resource.resource) }
            }
            None => Target { group: &request.kind.group, version: &request.kind.version, plural: None },
        }
    }

    /// Other groups and versions of the same objects, where they have the sub-resource.
    fn equivalents(self, sub_resource: &str, facts: &'r Facts) -> Vec<Target<'r>> {
        let Some(plural) = self.plural else { return Vec::new() };
        let built_in = resources::served(self.group, plural).iter().map(|(group, version)| (*group, *version));
        let custom = facts.definition_of(self.group, plural).into_iter();
        let custom = custom.flat_map(|definition| {
            let versions = definition.versions.iter().filter(|version| version.serves(sub_resource));
            versions.map(|version| (&*definition.group, &*version.name))
        });
        built_in
            .chain(custom)
            .filter(|(group, version)| (*group, *version) != (self.group, self.version))
            .map(|(group, version)| Target { group, version, plural: Some(plural) })
            .collect()
    }

    /// Whether the built-in kind has other fields in this version.
    fn differs_from(self, kind: &Kind<'_>) -> bool {
        let own = manifest::schema::kind(&kind.group, &kind.version, &kind.kind);
        let other = manifest::schema::kind(self.group, self.version, &kind.kind);
        own.is_some_and(|own| other.is_some_and(|other| own != other))
    }

    fn matched(self, request: &'r Request<'_>, facts: &Facts) -> Match<'r> {
        let own = Target::of(request);
        let resource = self.plural.map(|plural| Resource {
            group: self.group.into(),
            version: self.version.into(),
            resource: plural.into(),
        });
        let kind = |group: &'r str, version: &'r str| Kind {
            group: group.into(),
            version: version.into(),
            kind: (*request.kind.kind).into(),
        };
        if self == own {
            return Match::Match { resource, kind: kind(&request.kind.group, &request.kind.version) };
        }
        // The kind of a subresource is one of its own, whatever version the resource has.
        if !request.sub_resource.is_empty() && request.sub_resource != "status" {
            return Match::Match { resource, kind: kind(&request.kind.group, &request.kind.version) };
        }
        let custom = self.plural.and_then(|plural| facts.definition_of(self.group, plural));
        if custom.is_some_and(|definition| !definition.same_schema) || self.differs_from(&request.kind) {
            let name = format!("{} converted to {}/{}", request.kind.kind, self.group, self.version);
            return Match::Unknown(vec![fact(name)]);
        }
        Match::Match { resource, kind: kind(self.group, self.version) }
    }
}

#[cfg(test)]
mod tests;
