//! What Kobuk says of a recorded request, and whether it is what the server said.

use std::collections::{BTreeMap, BTreeSet};

use manifest::Tree;
use model::FileId;
use policy::admission::defaults::{Plugins, Stage, as_seen};
use policy::admission::{Facts, Operation, Request, Sending};
use policy::admission_policy::{Budgets, Flavour, LoadIssue, LoadOptions, PolicySet, Response};
use serde_json::Value;

use crate::recording::{Batch, Case, Recording};

/// What was compared, and what differs.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) requests: usize,
    pub(crate) verdicts: usize,
    pub(crate) warnings: usize,
    pub(crate) annotations: usize,
    pub(crate) refused: usize,
    /// Requests made of the manifest alone.
    pub(crate) manifests: usize,
    pub(crate) manifest_verdicts: usize,
    /// Of these, those with another answer because of what the server makes for each object.
    pub(crate) made_by_server: usize,
    pub(crate) refused_mutations: usize,
    pub(crate) differences: Vec<String>,
}

/// Judges everything of a recording.
pub(crate) fn compare(recording: &Recording, minor: u32) -> Tally {
    let mut tally = Tally::default();
    let facts = facts(&recording.facts);
    for batch in &recording.batches {
        let texts: Vec<String> = batch.documents.iter().map(Value::to_string).collect();
        let (set, issues) = load(&texts, minor);
        for issue in issues.iter().filter(|issue| issue.level == policy::admission_policy::Level::Refused) {
            tally.differences.push(format!("load: the server took {}: {issue}", issue.object));
        }
        for (document, theirs) in &batch.refused {
            tally.refused += 1;
            compare_refusal(document, theirs, minor, &mut tally);
        }
        for case in &batch.cases {
            compare_case(batch, &set, &facts, case, &mut tally);
        }
    }
    tally
}

/// The cluster as it was.
pub(crate) fn facts(objects: &[Value]) -> Facts {
    let mut facts = Facts::new();
    for object in objects {
        let text = object.to_string();
        facts.add(tree(&text).root()).unwrap();
    }
    facts.set_all_complete();
    facts
}

pub(crate) fn tree(text: &str) -> Tree<'_> {
    manifest::json_document(text, FileId(0)).unwrap()
}

/// Policies out of documents.
pub(crate) fn load(texts: &[String], minor: u32) -> (PolicySet, Vec<LoadIssue>) {
    let trees: Vec<Tree<'_>> = texts.iter().map(|text| tree(text)).collect();
    let options = LoadOptions { env: cel::library::kubernetes((1, minor)), bind_all: false };
    PolicySet::load(trees.iter().map(Tree::root), &options)
}

/// A document that the server refused must be refused in the same words.
fn compare_refusal(document: &Value, theirs: &str, minor: u32, tally: &mut Tally) {
    let (_, issues) = load(&[document.to_string()], minor);
    let refused = |issue: &&LoadIssue| issue.level == policy::admission_policy::Level::Refused;
    let ours: Vec<String> =
        issues.iter().filter(refused).map(|issue| format!("{}: {}", issue.field, issue.message)).collect();
    let theirs_short = theirs.split_once(" is invalid: ").map_or(theirs, |(_, rest)| rest);
    let ours_text = match ours.len() {
        1 => ours[0].clone(),
        _ => format!("[{}]", ours.join(", ")),
    };
    if ours_text != theirs_short {
        tally.differences.push(format!("refusal\n  server: {theirs_short}\n  kobuk:  {ours_text}\n  of {document}"));
    }
}

fn compare_case(batch: &Batch, set: &PolicySet, facts: &Facts, case: &Case, tally: &mut Tally) {
    let text = case.review.to_string();
    let tree = tree(&text);
    let request = match Request::from_review(tree.root()) {
        Ok(request) => request,
        Err(error) => {
            tally.differences.push(format!("review: {error}\n{text}"));
            return;
        }
    };
    tally.requests += 1;
    tally.warnings += case.warnings.len();
    let changes = matches!(request.operation, Operation::Create | Operation::Update) && request.sub_resource.is_empty();
    let mutating = set.policies().any(|policy| policy.flavour == Flavour::Mutating);
    if changes && mutating {
        compare_mutation(set, &request, facts, case, tally);
    }
    if set.policies().any(|policy| policy.flavour == Flavour::Validating) {
        tally.annotations += annotations(case).len();
        let wrong = differ(set, &request, facts, case, &mut tally.verdicts);
        report(batch, "", wrong, &text, tally);
        // Where mutating policies are in force, the object of the answer is not that of the manifest.
        if request.operation == Operation::Create && !mutating {
            compare_manifest(batch, set, &request, facts, case, tally);
        }
    }
}

/// The same request made of the manifest alone: what the server would have filled in is filled in here.
fn compare_manifest(
    batch: &Batch,
    set: &PolicySet,
    review: &Request<'_>,
    facts: &Facts,
    case: &Case,
    tally: &mut Tally,
) {
    let text = case.manifest.as_ref().unwrap().to_string();
    let written = tree(&text);
    let plugins = Plugins { service_account: false, default_toleration_seconds: false, ..Plugins::default() };
    let seen = match as_seen(written.root(), &review.namespace, Stage::Created, plugins, facts) {
        Ok(seen) => seen,
        Err(error) => {
            tally.differences.push(format!("manifest: {error}\n{text}"));
            return;
        }
    };
    let (user, options) = (review.user.clone(), review.options);
    let sending = Sending { user, options, dry_run: review.dry_run, ..Sending::default() };
    let request = Request::from_manifest(seen.root(), sending, facts).unwrap();
    let wrong = differ(set, &request, facts, case, &mut tally.manifest_verdicts);
    tally.manifests += 1;
    // What is made anew for every object cannot be known from the manifest.
    let excused = |line: &String| {
        let named = involved(batch, std::slice::from_ref(line));
        MADE_BY_SERVER.iter().any(|field| named.contains(field))
    };
    if !wrong.is_empty() && wrong.iter().all(|line| line.starts_with("  unknown:") || excused(line)) {
        tally.made_by_server += 1;
    } else {
        report(batch, "from the manifest\n", wrong, &text, tally);
    }
}

/// What of Kobuk's answer is not the server's.
fn differ(set: &PolicySet, request: &Request<'_>, facts: &Facts, case: &Case, count: &mut usize) -> Vec<String> {
    let verdicts = set.evaluate(request, facts, &mut Budgets::default());
    *count += verdicts.len();
    let ours = set.response(request, &verdicts);
    let mut wrong = Vec::new();
    differ_in_verdict(set, request, &verdicts, &ours, case, &mut wrong);
    differ_in_warnings(&ours, case, &mut wrong);
    differ_in_audit(&ours, case, &mut wrong);
    if !wrong.is_empty() {
        let unknown = verdicts.iter().filter(|v| matches!(v.ruling, policy::admission::Ruling::Unknown(_)));
        let unknown: Vec<String> = unknown.map(|v| format!("{}: {:?}", v.policy, v.ruling)).collect();
        wrong.push(format!("  unknown: {unknown:?}"));
    }
    wrong
}

fn report(batch: &Batch, title: &str, wrong: Vec<String>, request: &str, tally: &mut Tally) {
    if !wrong.is_empty() {
        let policies = involved(batch, &wrong);
        tally.differences.push(format!("{title}{}\n  request: {request}\n{policies}", wrong.join("\n")));
    }
}

/// The object must come out as the server's answer shows it, or be refused in the same words.
fn compare_mutation(set: &PolicySet, request: &Request<'_>, facts: &Facts, case: &Case, tally: &mut Tally) {
    let mutated = set.mutate(request, facts, &mut Budgets::default(), false);
    tally.verdicts += mutated.verdicts.len();
    let refusals: Vec<&str> = (mutated.verdicts.iter())
        .filter(|verdict| verdict.refuses() == Some(true))
        .flat_map(|verdict| match &verdict.ruling {
            policy::admission::Ruling::Failed { messages, .. } => messages.as_slice(),
            _ => &[],
        })
        .map(|message| &**message)
        .collect();
    let before = &case.review["request"]["object"];
    let steps: Vec<String> = mutated.steps.iter().map(|step| format!("{:?}", step.outcome)).collect();
    if case.status >= 400 {
        // Beside policies there is the validation of what they made of the object, which is not Kobuk's business.
        let by_policy = case.message.contains("denied request: ");
        if by_policy && !refusals.iter().any(|message| case.message.ends_with(message)) {
            tally.differences.push(format!(
                "  mutation refused: server {}\n  kobuk {refusals:?} {steps:?}\n  request: {before}",
                case.message
            ));
        }
        tally.refused_mutations += 1;
        return;
    }
    let ours: Value = match &mutated.object {
        Some(tree) => serde_json::from_str(&tree.root().to_json()).unwrap(),
        None => before.clone(),
    };
    let mut wrong = Vec::new();
    differ_in_object("", &compared(&ours), &compared(&case.answer), &mut wrong);
    if !refusals.is_empty() {
        wrong.push(format!("  mutation: refused by kobuk only: {refusals:?}"));
    }
    if !wrong.is_empty() {
        let wrong = wrong.join("\n");
        let policy = &set.policies().next().unwrap().mutations[0].source.text;
        tally.differences.push(format!("{wrong}\n  mutation {policy} {steps:?}\n  request: {before}"));
    }
}

/// An object without what differs from one request to the next.
fn compared(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for field in ["uid", "creationTimestamp", "managedFields", "generation", "resourceVersion"] {
            metadata.remove(field);
        }
    }
    object.as_object_mut().unwrap().remove("status");
    // Node ports are handed out anew on every request.
    for port in object["spec"]["ports"].as_array_mut().into_iter().flatten() {
        port.as_object_mut().unwrap().remove("nodePort");
    }
    object
}

fn differ_in_object(path: &str, ours: &Value, theirs: &Value, wrong: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let (left, right) = (a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null));
                differ_in_object(&format!("{path}.{key}"), left, right, wrong);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (left, right)) in a.iter().zip(b).enumerate() {
                differ_in_object(&format!("{path}[{index}]"), left, right, wrong);
            }
        }
        _ if ours != theirs => wrong.push(format!("  mutated {path}: server {theirs}, kobuk {ours}")),
        _ => {}
    }
}

/// The server asks policies in no particular order and shows the first refusal.
fn differ_in_verdict(
    set: &PolicySet,
    request: &Request<'_>,
    verdicts: &[policy::admission::Verdict],
    ours: &Response,
    case: &Case,
    wrong: &mut Vec<String>,
) {
    let by_policy = case.message.contains("denied request: ") && case.status >= 400;
    let allowed = !by_policy;
    if ours.allowed != Some(allowed) {
        wrong.push(format!(
            "  allowed: server {allowed} ({}), kobuk {:?} ({:?})",
            case.message, ours.allowed, ours.message
        ));
        return;
    }
    if !allowed {
        let every: Vec<Response> =
            verdicts.iter().map(|verdict| set.response(request, std::slice::from_ref(verdict))).collect();
        let same = |ours: &&Response| ours.message.as_deref() == Some(&case.message);
        match every.iter().find(same) {
            Some(found) if found.reason.as_deref() == Some(&case.reason) && found.code == Some(case.status) => {}
            Some(found) => wrong.push(format!(
                "  reason: server {} {}, kobuk {:?} {:?}",
                case.status, case.reason, found.code, found.reason
            )),
            None => {
                let all: Vec<&str> = every.iter().filter_map(|ours| ours.message.as_deref()).collect();
                wrong.push(format!(
                    "  message: server {}\n           kobuk  {}",
                    case.message,
                    all.join("\n                  ")
                ));
            }
        }
    }
}

fn differ_in_warnings(ours: &Response, case: &Case, wrong: &mut Vec<String>) {
    // Headers cannot carry control characters; the server drops such warnings.
    let mut ours: BTreeSet<String> =
        ours.warnings.iter().filter(|text| !text.chars().any(char::is_control)).cloned().collect();
    let (theirs, others): (BTreeSet<String>, BTreeSet<String>) =
        case.warnings.iter().cloned().partition(|text: &String| text.starts_with("Validation failed for Validating"));
    let total: usize = ours.iter().chain(&others).map(|text| text.chars().count()).sum();
    if total > WARNINGS_RUNES {
        // Too many are cut short and then left out, in an order of the server's.
        ours = ours.iter().map(|text| text.chars().take(WARNING_RUNES).collect()).collect();
        if theirs.is_subset(&ours) {
            return;
        }
    }
    for text in ours.difference(&theirs) {
        wrong.push(format!("  warning of kobuk only:  {text}"));
    }
    for text in theirs.difference(&ours) {
        wrong.push(format!("  warning of server only: {text}"));
    }
}

/// What policies told the audit log.
fn annotations(case: &Case) -> BTreeMap<&str, &str> {
    let of_policies = |key: &str| !SERVERS_OWN.iter().any(|prefix| key.starts_with(prefix));
    case.audit.iter().filter(|(k, _)| of_policies(k)).map(|(k, v)| (k.as_str(), v.as_str().unwrap())).collect()
}

fn differ_in_audit(ours: &Response, case: &Case, wrong: &mut Vec<String>) {
    let failure = "validation.policy.admission.k8s.io/validation_failure";
    let ours: BTreeMap<&str, &str> = ours.audit_annotations.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let theirs = annotations(case);
    let keys: BTreeSet<&str> = ours.keys().chain(theirs.keys()).copied().collect();
    for key in keys {
        // Only one failure is kept, of whichever policy comes first.
        let same = if key == failure {
            ours.contains_key(key) == theirs.contains_key(key)
        } else {
            ours.get(key) == theirs.get(key)
        };
        if !same {
            wrong.push(format!("  audit {key}: server {:?}, kobuk {:?}", theirs.get(key), ours.get(key)));
        }
    }
}

/// The policies that a difference names.
fn involved(batch: &Batch, wrong: &[String]) -> String {
    let text = wrong.join("\n");
    let named = |document: &&Value| {
        let name = document["metadata"]["name"].as_str().unwrap();
        text.contains(&format!("'{name}'"))
            || text.contains(&format!("{name}/"))
            || text.contains(&format!("\"{name}\\\""))
    };
    let short = |document: &Value| {
        let spec = serde_json::to_string(&document["spec"]).unwrap();
        format!("  {} {spec}\n", document["metadata"]["name"].as_str().unwrap())
    };
    batch.documents.iter().filter(named).map(short).collect()
}

/// Fields that chance, time or the state of the cluster fill in before policies are asked.
const MADE_BY_SERVER: [&str; 5] = ["metadata.uid", "creationTimestamp", "clusterIP", "ipFamilyPolicy", "nodePort"];

/// Annotations that the server makes of every event.
const SERVERS_OWN: [&str; 4] =
    ["authorization.k8s.io/", "pod-security.kubernetes.io/", "apiserver.latency.k8s.io/", "mutation.webhook.admission"];

/// The server's limits of warnings: of all together, and of one when there are too many.
const WARNINGS_RUNES: usize = 4096;
const WARNING_RUNES: usize = 256;
