//! Tests of policies as data: `kobuk.dev/v1alpha1` PolicyTest.
//!
//! ```yaml
//! apiVersion: kobuk.dev/v1alpha1
//! kind: PolicyTest
//! metadata: {name: image-digests}
//! policies: [policy.yaml]      # files and folders, relative to this file
//! facts: [namespaces.yaml]     # what is known about the cluster; a case may give its own
//! complete: [rbac]             # kinds of which the facts hold every object
//! cases:
//! - name: a tag alone
//!   object: {…}                # or the path of a file
//!   operation: CREATE          # UPDATE with oldObject, DELETE, CONNECT
//!   user: {username: alice, groups: [dev]}
//!   expect: deny               # allow, warn, audit, error, unknown; invalid when the policies must be refused
//!   policy: image-digests      # the policy that must say so; any when not given
//!   message: has no digest     # regular expression that a message must match
//!   reason: Forbidden          # reason of a violation
//!   auditAnnotations: {a: b}   # what the policies leave in the audit log, among other things
//! ```
//!
//! This module reads the table and compares; opening files and judging is the caller's.

use manifest::{Data, Object, Value};
use model::Location;

use crate::admission::{Operation, Ruling, Verdict};

/// A PolicyTest.
#[derive(Debug)]
pub struct Table<'d> {
    /// `metadata.name`
    pub name: &'d str,
    /// Files and folders with policies.
    pub policies: Vec<&'d str>,
    /// Files and folders with facts.
    pub facts: Vec<&'d str>,
    /// What the facts are complete in.
    pub complete: Vec<&'d str>,
    /// The cases.
    pub cases: Vec<Case<'d>>,
}

/// One case.
#[derive(Debug)]
pub struct Case<'d> {
    /// Its name.
    pub name: &'d str,
    /// Where it stands.
    pub location: Location,
    /// The object after the request; a whole AdmissionReview is taken as the request.
    pub object: Option<Input<'d>>,
    /// The object before the request.
    pub old_object: Option<Input<'d>>,
    /// What is done.
    pub operation: Option<Operation>,
    /// Plural of the resource, for requests whose object does not tell it (CONNECT).
    pub resource: Option<&'d str>,
    /// For example `ephemeralcontainers`.
    pub sub_resource: &'d str,
    /// Namespace of the request, for objects that do not tell it.
    pub namespace: Option<&'d str>,
    /// Name of the object, for objects that do not tell it.
    pub object_name: Option<&'d str>,
    /// `userInfo` of the request.
    pub user: Option<Value<'d>>,
    /// Facts instead of the table's.
    pub facts: Option<Vec<&'d str>>,
    /// Policies instead of the table's.
    pub policies: Option<Vec<&'d str>>,
    /// What is expected.
    pub expect: Expect,
    /// Which policy must say so.
    pub policy: Option<&'d str>,
    /// Regular expression that one of the messages must match.
    pub message: Option<regex::Regex>,
    /// Reason that one of the violations must have.
    pub reason: Option<&'d str>,
    /// Annotations that the audit log must get, by the keys of the policies.
    pub audit_annotations: Option<Value<'d>>,
    /// Fields that the object must have after mutation.
    pub mutated: Option<Value<'d>>,
}

/// An object of a case.
#[derive(Clone, Copy, Debug)]
pub enum Input<'d> {
    /// Written in the table.
    Inline(Value<'d>),
    /// Path of a file, relative to the table.
    File(&'d str),
}

/// What is expected of the policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Nothing is violated.
    Allow,
    /// The request is refused.
    Deny,
    /// It is violated and warned of, but not refused.
    Warn,
    /// It is violated, but neither refused nor warned of.
    Audit,
    /// A policy fails.
    Error,
    /// A fact is missing.
    Unknown,
    /// The policies are refused when they are loaded.
    Invalid,
}

/// A table cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("`{field}`: {message}")]
pub struct TableError {
    /// Where.
    pub location: Location,
    /// Path of the field.
    pub field: String,
    /// What is wrong and what to do.
    pub message: String,
}

const TABLE_FIELDS: &[&str] = &["apiVersion", "kind", "metadata", "policies", "facts", "complete", "cases"];
const CASE_FIELDS: &[&str] = &[
    "name",
    "object",
    "oldObject",
    "operation",
    "resource",
    "subResource",
    "namespace",
    "objectName",
    "user",
    "facts",
    "policies",
    "expect",
    "policy",
    "message",
    "reason",
    "auditAnnotations",
    "mutated",
];

/// Size from which on a pattern is refused, in bytes of its compiled form. Patterns of tests are short.
const PATTERN_BYTES_MAX: usize = 1 << 20;

// === impl Table ===

impl<'d> Table<'d> {
    /// Reads a PolicyTest object.
    pub fn read(object: &Object<'d>) -> Result<Self, TableError> {
        let root = object.value;
        if root.has_repeated_keys() {
            return Err(error(root, "", "a key stands twice in the document; keep one entry per key"));
        }
        if object.version != "v1alpha1" {
            return Err(error(root, "apiVersion", "the only version of PolicyTest is kobuk.dev/v1alpha1"));
        }
        known(root, "", TABLE_FIELDS)?;
        let cases = root.get("cases").ok_or_else(|| error(root, "cases", "is missing; list at least one case"))?;
        let table = Table {
            name: object.metadata.and_then(|metadata| metadata.str_at("name")).unwrap_or(""),
            policies: words(root, "policies")?.unwrap_or_default(),
            facts: words(root, "facts")?.unwrap_or_default(),
            complete: words(root, "complete")?.unwrap_or_default(),
            cases: cases.items().enumerate().map(|(index, case)| Case::read(case, index)).collect::<Result<_, _>>()?,
        };
        if table.policies.is_empty() {
            return Err(error(root, "policies", "is empty; name the files with the policies under test"));
        }
        if table.cases.is_empty() {
            return Err(error(cases, "cases", "is empty; list at least one case"));
        }
        Ok(table)
    }
}

// === impl Case ===

impl<'d> Case<'d> {
    fn read(case: Value<'d>, index: usize) -> Result<Self, TableError> {
        let path = format!("cases[{index}]");
        let field = |name: &str| format!("{path}.{name}");
        if !case.is_map() {
            return Err(error(case, &path, "must be a mapping"));
        }
        known(case, &path, CASE_FIELDS)?;
        let text = |name: &str| match case.get(name) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or_else(|| error(value, &field(name), "must be a string")),
        };
        let expect = text("expect")?.ok_or_else(|| error(case, &field("expect"), EXPECT))?;
        let operation = match text("operation")? {
            None => None,
            Some(word) => Some(
                Operation::parse(word)
                    .ok_or_else(|| error(case, &field("operation"), "must be CREATE, UPDATE, DELETE or CONNECT"))?,
            ),
        };
        let message = match text("message")? {
            None => None,
            Some(pattern) => Some(
                regex::RegexBuilder::new(pattern)
                    .size_limit(PATTERN_BYTES_MAX)
                    .build()
                    .map_err(|_| error(case, &field("message"), "is no regular expression, or too large a one"))?,
            ),
        };
        Ok(Case {
            name: text("name")?.unwrap_or(""),
            location: case.location(),
            object: input(case, "object", &path)?,
            old_object: input(case, "oldObject", &path)?,
            operation,
            resource: text("resource")?,
            sub_resource: text("subResource")?.unwrap_or(""),
            namespace: text("namespace")?,
            object_name: text("objectName")?,
            user: case.get("user"),
            facts: words(case, "facts")?,
            policies: words(case, "policies")?,
            expect: Expect::parse(expect).ok_or_else(|| error(case, &field("expect"), EXPECT))?,
            policy: text("policy")?,
            message,
            reason: text("reason")?,
            audit_annotations: case.get("auditAnnotations"),
            mutated: case.get("mutated"),
        })
    }

    /// Whether something is expected to be wrong with the request.
    pub fn expects_refusal(&self) -> bool {
        self.expect != Expect::Allow
    }

    /// Compares what was expected with what is wrong with the policies themselves.
    pub fn compare_issues(&self, issues: &[String]) -> Option<String> {
        match (self.expect == Expect::Invalid, issues.is_empty()) {
            (true, true) => Some(String::from("the policies load, but must not")),
            (true, false) => self.unmatched(issues),
            (false, false) => Some(format!("the policies do not load: {}", issues.join("; "))),
            (false, true) => None,
        }
    }

    /// Says so when no message matches the pattern.
    fn unmatched(&self, said: &[String]) -> Option<String> {
        let pattern = self.message.as_ref()?;
        let matched = said.iter().any(|message| pattern.is_match(message));
        (!matched).then(|| format!("no message matches `{pattern}`; the messages are: {}", said.join("; ")))
    }

    /// Says so when no violation has the reason.
    fn unfounded(&self, verdicts: &[&Verdict]) -> Option<String> {
        let wanted = self.reason?;
        let mut reasons = Vec::new();
        for verdict in verdicts {
            if let Ruling::Violated(violations) = &verdict.ruling {
                reasons.extend(violations.iter().map(|violation| &*violation.reason));
            }
        }
        let why = if reasons.is_empty() { String::from("none") } else { reasons.join(", ") };
        (!reasons.contains(&wanted)).then(|| format!("no violation has the reason {wanted}; the reasons are: {why}"))
    }

    /// Says so when the audit log would not get an annotation.
    fn unlogged(&self, verdicts: &[&Verdict]) -> Option<String> {
        for (key, wanted) in self.audit_annotations?.entries() {
            let (key, wanted) = (key.as_str().unwrap_or(""), wanted.as_str().unwrap_or(""));
            // The API server puts the name of the policy before the key.
            let own = |found: &str| found == key || found.rsplit('/').next() == Some(key);
            let mut all =
                verdicts.iter().flat_map(|verdict| &verdict.audit_annotations).filter(|(found, _)| own(found));
            if !all.any(|(_, value)| &**value == wanted) {
                return Some(format!("the audit log gets no annotation `{key}` of `{wanted}`"));
            }
        }
        None
    }

    /// Compares what was expected with what the policies say. `None` when all is as expected, else one
    /// sentence that says what is not.
    pub fn compare(&self, verdicts: &[Verdict], mutated: Option<Value<'_>>) -> Option<String> {
        let asked: Vec<&Verdict> =
            verdicts.iter().filter(|verdict| self.policy.is_none_or(|name| *verdict.policy == *name)).collect();
        if self.policy.is_some() && asked.is_empty() {
            return Some(format!("no policy `{}` was asked", self.policy.unwrap_or("")));
        }
        let found = Expect::of(&asked);
        let said = messages(&asked);
        if found != self.expect {
            let why = if said.is_empty() { String::new() } else { format!(": {}", said.join("; ")) };
            return Some(format!("expected {}, found {}{why}", self.expect.as_str(), found.as_str()));
        }
        let unmatched = self.unmatched(&said).or_else(|| self.unfounded(&asked)).or_else(|| self.unlogged(&asked));
        if unmatched.is_some() {
            return unmatched;
        }
        let wanted = self.mutated?;
        match mutated {
            None => Some(String::from("nothing was mutated")),
            Some(object) => differs(wanted, object, &mut String::new()),
        }
    }
}

// === impl Expect ===

impl Expect {
    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Expect::Allow => "allow",
            Expect::Deny => "deny",
            Expect::Warn => "warn",
            Expect::Audit => "audit",
            Expect::Error => "error",
            Expect::Unknown => "unknown",
            Expect::Invalid => "invalid",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        use Expect::{Allow, Audit, Deny, Error, Invalid, Unknown, Warn};
        [Allow, Deny, Warn, Audit, Error, Unknown, Invalid].into_iter().find(|expect| expect.as_str() == word)
    }

    /// What verdicts amount to: the most severe of them.
    pub fn of(verdicts: &[&Verdict]) -> Self {
        let any = |test: &dyn Fn(&Verdict) -> bool| verdicts.iter().any(|verdict| test(verdict));
        let violated = |verdict: &Verdict| matches!(verdict.ruling, Ruling::Violated(_));
        if any(&|verdict| violated(verdict) && verdict.actions.deny) {
            Expect::Deny
        } else if any(&|verdict| matches!(verdict.ruling, Ruling::Failed { .. })) {
            Expect::Error
        } else if any(&|verdict| matches!(verdict.ruling, Ruling::Unknown(_))) {
            Expect::Unknown
        } else if any(&|verdict| violated(verdict) && verdict.actions.warn) {
            Expect::Warn
        } else if any(&violated) {
            Expect::Audit
        } else {
            Expect::Allow
        }
    }
}

const EXPECT: &str = "must be allow, deny, warn, audit, error, unknown or invalid";

/// Everything that the verdicts say.
fn messages(verdicts: &[&Verdict]) -> Vec<String> {
    let mut said = Vec::new();
    for verdict in verdicts {
        match &verdict.ruling {
            Ruling::Violated(violations) => said.extend(violations.iter().map(|one| one.message.to_string())),
            Ruling::Failed { messages, .. } => said.extend(messages.iter().map(ToString::to_string)),
            Ruling::Unknown(facts) => said.extend(facts.iter().map(|fact| fact.name.to_string())),
            Ruling::NotApplicable(_) | Ruling::Satisfied => {}
        }
    }
    said
}

/// The first field in which an object lacks what is wanted; lists must be equal, mappings may have more.
fn differs(wanted: Value<'_>, found: Value<'_>, path: &mut String) -> Option<String> {
    if !wanted.is_map() {
        return (wanted != found).then(|| format!("`{}` is {found:?}, not {wanted:?}", path.trim_start_matches('.')));
    }
    for (key, value) in wanted.entries() {
        let name = key.as_str().unwrap_or("");
        let length = path.len();
        path.push('.');
        path.push_str(name);
        let Some((_, inner)) = found.entry(name) else {
            return Some(format!("`{}` is missing after mutation", path.trim_start_matches('.')));
        };
        let difference = differs(value, inner, path);
        if difference.is_some() {
            return difference;
        }
        path.truncate(length);
    }
    None
}

fn input<'d>(case: Value<'d>, name: &str, path: &str) -> Result<Option<Input<'d>>, TableError> {
    let Some(value) = case.get(name) else { return Ok(None) };
    match value.data() {
        Data::Str(file) => Ok(Some(Input::File(file))),
        Data::Map(_) => Ok(Some(Input::Inline(value))),
        _ => Err(error(value, &format!("{path}.{name}"), "must be an object, or the path of a file")),
    }
}

fn words<'d>(value: Value<'d>, name: &str) -> Result<Option<Vec<&'d str>>, TableError> {
    let Some(list) = value.get(name) else { return Ok(None) };
    let all: Option<Vec<&str>> = list.items().map(Value::as_str).collect();
    match all {
        Some(words) if list.is_seq() => Ok(Some(words)),
        _ => Err(error(list, name, "must be a list of strings")),
    }
}

fn known(value: Value<'_>, path: &str, fields: &[&str]) -> Result<(), TableError> {
    match value.entries().find(|(key, _)| !fields.contains(&key.as_str().unwrap_or(""))) {
        None => Ok(()),
        Some((key, _)) => {
            let name = key.as_str().unwrap_or("");
            let field = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            Err(error(key, &field, &format!("is no field; known are {}", fields.join(", "))))
        }
    }
}

fn error(at: Value<'_>, field: &str, message: &str) -> TableError {
    TableError { location: at.location(), field: field.to_owned(), message: message.to_owned() }
}
