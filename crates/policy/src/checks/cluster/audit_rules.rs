//! Evaluates an audit policy as kube-apiserver does: the first rule that matches decides, and a request
//! that none matches is not recorded.

use manifest::Value;
use model::Location;

/// How much of a request is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Nothing.
    None,
    /// Who, what and when.
    Metadata,
    /// The request's body too.
    Request,
    /// The answer too.
    RequestResponse,
}

/// A request to ask a policy about.
#[derive(Debug)]
pub(super) struct Request {
    verb: &'static str,
    group: &'static str,
    /// Resource with its subresource.
    resource: &'static str,
}

/// What a policy says about a request.
#[derive(Debug)]
pub(super) struct Verdict {
    /// Level of the rule that matches, or none.
    pub(super) level: Level,
    /// That rule.
    pub(super) rule: Option<usize>,
}

/// The rules of a policy.
#[derive(Debug)]
pub(super) struct Policy<'d> {
    rules: Vec<Value<'d>>,
}

// === impl Level ===

impl Level {
    /// Reads a level; `None` when there is none of that name.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "None" => Level::None,
            "Metadata" => Level::Metadata,
            "Request" => Level::Request,
            "RequestResponse" => Level::RequestResponse,
            _ => return None,
        })
    }

    /// Its name.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Level::None => "None",
            Level::Metadata => "Metadata",
            Level::Request => "Request",
            Level::RequestResponse => "RequestResponse",
        }
    }
}

// === impl Request ===

impl Request {
    /// A request for a resource in some namespace.
    pub(super) const fn new(verb: &'static str, group: &'static str, resource: &'static str) -> Self {
        Request { verb, group, resource }
    }

    /// Verb and resource, as one would say them.
    pub(super) fn describe(&self) -> String {
        format!("{} {}", self.verb, self.resource)
    }
}

// === impl Policy ===

impl<'d> Policy<'d> {
    /// The policy in a document.
    pub(super) fn of(root: Value<'d>) -> Self {
        Policy { rules: root.list("rules").collect() }
    }

    /// Whether there is no rule.
    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Where a rule stands.
    pub(super) fn location(&self, index: usize) -> Location {
        self.rules.get(index).map_or(Location::default(), |rule| rule.location())
    }

    /// What the policy records of a request by a user. A rule for certain namespaces or names counts as
    /// no match: the request may be for others.
    pub(super) fn ask(&self, request: &Request, user: &str, groups: &[&str]) -> Verdict {
        let found = self.rules.iter().position(|rule| matches(*rule, request, user, groups));
        let level = found.and_then(|index| self.rules.get(index)).and_then(|rule| rule.str_at("level"));
        // A level that does not exist is reported elsewhere; the rule then counts as one that records.
        let level = level.map_or(Level::None, |level| Level::parse(level).unwrap_or(Level::Metadata));
        Verdict { level, rule: found }
    }
}

fn matches(rule: Value<'_>, request: &Request, user: &str, groups: &[&str]) -> bool {
    let allows = |key: &str, wanted: &[&str]| {
        let mut words = rule.list(key).peekable();
        words.peek().is_none() || words.filter_map(Value::as_str).any(|word| wanted.contains(&word))
    };
    if !allows("users", &[user]) || !allows("userGroups", groups) || !allows("verbs", &[request.verb]) {
        return false;
    }
    if rule.list("namespaces").next().is_some() {
        return false;
    }
    if rule.list("resources").next().is_some() {
        return rule.list("resources").any(|group| matches_group(group, request));
    }
    rule.list("nonResourceURLs").next().is_none()
}

fn matches_group(group: Value<'_>, request: &Request) -> bool {
    if group.str_at("group").unwrap_or("") != request.group {
        return false;
    }
    if group.list("resources").next().is_none() {
        return true;
    }
    if group.list("resourceNames").next().is_some() {
        return false;
    }
    let (resource, subresource) = request.resource.split_once('/').unwrap_or((request.resource, ""));
    group.list("resources").filter_map(Value::as_str).any(|word| {
        word == "*"
            || word == request.resource
            || word.strip_prefix("*/").is_some_and(|rest| !subresource.is_empty() && rest == subresource)
            || word.strip_suffix("/*").is_some_and(|rest| rest == resource)
    })
}
