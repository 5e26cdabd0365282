//! `kobuk policy eval` and `kobuk policy explain`.

use std::io::{self, Write};
use std::path::PathBuf;

use manifest::Value;
use policy::admission::{Request, Ruling, Verdict};
use policy::admission_policy::Response;
use policy::policies::Judged;
use serde_json::{Value as Json, json};

use super::args::{EvalArgs, EvalFormat};
use super::documents::Texts;
use super::load::load;
use super::requests::{Requests, Skipped};
use super::watch::Watch;
use crate::exit::Exit;

/// The run cannot start, or its output cannot be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EvalError {
    #[error(transparent)]
    Load(#[from] super::load::LoadError),
    #[error(transparent)]
    Old(#[from] super::requests::OldError),
    #[error("cannot write the output")]
    Write(#[from] io::Error),
    #[error("--mutated {0} cannot be written: {1}")]
    Mutated(PathBuf, io::Error),
}

/// What became of all requests.
#[derive(Debug, Default)]
struct Tally {
    requests: usize,
    refused: usize,
    unknown: usize,
    failed: usize,
    skipped: usize,
}

/// `kobuk policy eval`.
pub(crate) fn eval(args: &EvalArgs, out: &mut dyn Write) -> Result<Exit, EvalError> {
    let loaded = load(&args.policy)?;
    loaded.remarks.iter().for_each(|remark| crate::verbs::remark(remark));
    loaded.type_remarks().iter().for_each(|remark| crate::verbs::remark(remark));
    let texts = Texts::read(&args.paths);
    let requests = Requests::new(&args.request, &loaded.facts)?;
    let mut tally = Tally::default();
    let mut entries = Vec::new();
    let mut mutated = String::new();
    let watch = Watch::start();
    let result = requests.each(&texts, &mut |place, request| {
        let mut judged = watch.judge(&loaded, request);
        let answer = loaded.policies.response(request, &judged);
        tally.add(&answer, &judged);
        if args.all {
            judged.verdicts.extend(loaded.policies.unmatched(request, &judged, &loaded.facts));
        }
        match args.format {
            EvalFormat::Text => text(place, request, &judged, &answer, args.all, out)?,
            EvalFormat::Json => entries.push(entry(place, request, &judged, &answer)),
        }
        if args.mutated.is_some() {
            let object = judged.object.as_ref().map(|tree| tree.root()).or(request.object);
            mutated.push_str(&object.map(|object| format!("---\n{}\n", object.to_json())).unwrap_or_default());
        }
        Ok::<(), io::Error>(())
    })?;
    tally.skipped = result.len();
    finish(args, &tally, entries, &result, out)?;
    if tally.requests == 0 && tally.skipped == 0 {
        crate::verbs::remark("no manifest and no AdmissionReview in the given paths");
    }
    if let Some(path) = &args.mutated {
        std::fs::write(path, mutated).map_err(|error| EvalError::Mutated(path.clone(), error))?;
    }
    Ok(tally.exit(args.allow_unknown))
}

/// What stands at the end of the output.
fn finish(
    args: &EvalArgs,
    tally: &Tally,
    entries: Vec<Json>,
    skipped: &[Skipped],
    out: &mut dyn Write,
) -> io::Result<()> {
    match args.format {
        EvalFormat::Json => {
            let skipped = not_judged(skipped);
            serde_json::to_writer_pretty(&mut *out, &json!({ "requests": entries, "notJudged": skipped }))?;
            writeln!(out)
        }
        EvalFormat::Text => {
            for Skipped { place, message } in skipped {
                writeln!(out, "not judged  {place}: {message}")?;
            }
            writeln!(
                out,
                "{} judged: {} refused, {} unknown, {} with a policy that failed{}",
                plural(tally.requests, "request"),
                tally.refused,
                tally.unknown,
                tally.failed,
                if tally.skipped > 0 { format!(", {} not judged", tally.skipped) } else { String::new() },
            )
        }
    }
}

/// `1 request`, `2 requests`.
pub(crate) fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// What was not judged, for programs.
pub(crate) fn not_judged(skipped: &[Skipped]) -> Vec<Json> {
    skipped.iter().map(|one| json!({ "place": one.place, "message": one.message })).collect()
}

/// One request for people.
fn text(
    place: &str,
    request: &Request<'_>,
    judged: &Judged,
    answer: &Response,
    all: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let shown: Vec<&Verdict> = judged
        .verdicts
        .iter()
        .filter(|verdict| all || !matches!(verdict.ruling, Ruling::NotApplicable(_) | Ruling::Satisfied))
        .collect();
    let word = match answer.allowed {
        Some(true) => "allowed",
        Some(false) => "refused",
        None => "unknown",
    };
    if shown.is_empty() && !all && judged.object.is_none() && answer.audit_annotations.is_empty() {
        return Ok(());
    }
    let changed = if judged.object.is_some() { ", changed by mutating policies" } else { "" };
    writeln!(out, "{word:8}{} {}  {place}{changed}", request.operation.as_str(), title(request))?;
    for verdict in shown {
        let binding = verdict.binding.as_ref().map(|binding| format!(" with {binding}")).unwrap_or_default();
        let params = verdict.params.as_ref().map(|params| format!(", {params}")).unwrap_or_default();
        let (word, lines) = said(verdict);
        writeln!(out, "  {word:9} {}{binding}{params}", verdict.policy)?;
        for line in lines {
            writeln!(out, "            {}", printable(&line))?;
        }
    }
    for (key, value) in &answer.audit_annotations {
        writeln!(out, "  audit     {}: {}", printable(key), printable(value))?;
    }
    Ok(())
}

/// `Pod p in shop`.
pub(crate) fn title(request: &Request<'_>) -> String {
    let name = if request.name.is_empty() { "(no name)" } else { &*request.name };
    let sub = if request.sub_resource.is_empty() { String::new() } else { format!("/{}", request.sub_resource) };
    let within = if request.namespace.is_empty() { String::new() } else { format!(" in {}", request.namespace) };
    printable(&format!("{}{sub} {name}{within}", request.kind.kind))
}

/// A verdict in a word, and what it says.
pub(crate) fn said(verdict: &Verdict) -> (&'static str, Vec<String>) {
    match &verdict.ruling {
        Ruling::NotApplicable(why) => ("no match", vec![why.to_string()]),
        Ruling::Satisfied => ("satisfied", Vec::new()),
        Ruling::Unknown(facts) => {
            ("unknown", facts.iter().map(|fact| format!("needs {}; {}", fact.name, remedy(&fact.name))).collect())
        }
        Ruling::Failed { messages, ignored } => {
            let word = if *ignored { "ignored" } else { "failed" };
            (word, messages.iter().map(ToString::to_string).collect())
        }
        Ruling::Violated(violations) => {
            let word = match verdict.actions {
                actions if actions.deny => "deny",
                actions if actions.warn => "warn",
                _ => "audit",
            };
            (word, violations.iter().map(|violation| violation.message.to_string()).collect())
        }
    }
}

/// What to do about a fact that is missing.
fn remedy(fact: &str) -> &'static str {
    match fact {
        "request.userInfo" => "name who asks with --user and --group",
        "oldObject" | "request.oldObject" => "give the object before the request with --old",
        "RBAC objects" => "give them with --facts, and say with --complete rbac that these are all",
        _ if fact.starts_with("all ") => "give them with --facts, and say with --complete KIND that these are all",
        _ if fact.starts_with("object as ") => "write the manifest for that version",
        "request.uid" => "the API server makes it; judge an AdmissionReview",
        _ if fact.starts_with("object.") => "the API server makes it; judge an AdmissionReview",
        _ if fact.starts_with("the cost budget") => "judge with fewer policies at a time",
        _ => "give it with --facts",
    }
}

/// Text of documents with control characters made visible: a terminal must not obey it.
pub(crate) fn printable(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

/// One request for programs.
fn entry(place: &str, request: &Request<'_>, judged: &Judged, answer: &Response) -> Json {
    let verdicts: Vec<Json> = judged.verdicts.iter().map(verdict_json).collect();
    let audit: serde_json::Map<String, Json> =
        answer.audit_annotations.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
    json!({
        "place": place,
        "operation": request.operation.as_str(),
        "kind": request.kind.kind,
        "group": request.kind.group,
        "version": request.kind.version,
        "subResource": request.sub_resource,
        "namespace": request.namespace,
        "name": request.name,
        "allowed": answer.allowed,
        "message": answer.message,
        "reason": answer.reason.as_deref(),
        "code": answer.code,
        "warnings": answer.warnings,
        "auditAnnotations": audit,
        "mutated": judged.object.as_ref().and_then(|tree| object_json(tree.root())),
        "verdicts": verdicts,
    })
}

fn object_json(value: Value<'_>) -> Option<Json> {
    serde_json::from_str(&value.to_json()).ok()
}

fn verdict_json(verdict: &Verdict) -> Json {
    let (word, said) = said(verdict);
    let details: Vec<Json> = match &verdict.ruling {
        Ruling::Violated(violations) => violations
            .iter()
            .map(|one| {
                let details = one.details.as_deref().and_then(|text| serde_json::from_str::<Json>(text).ok());
                json!({ "message": &*one.message, "reason": &*one.reason, "index": one.index, "details": details })
            })
            .collect(),
        _ => Vec::new(),
    };
    let missing: Vec<&str> = match &verdict.ruling {
        Ruling::Unknown(facts) => facts.iter().map(|fact| &*fact.name).collect(),
        _ => Vec::new(),
    };
    json!({
        "policy": &*verdict.policy,
        "kind": verdict.kind.as_str(),
        "binding": verdict.binding.as_deref(),
        "params": verdict.params.as_deref(),
        "ruling": word,
        "messages": said,
        "violations": details,
        "missing": missing,
        "deny": verdict.actions.deny,
        "warn": verdict.actions.warn,
        "audit": verdict.actions.audit,
        "cost": verdict.cost,
    })
}

// === impl Tally ===

impl Tally {
    fn add(&mut self, answer: &Response, judged: &Judged) {
        self.requests += 1;
        self.refused += usize::from(answer.allowed == Some(false));
        let any = |test: fn(&Ruling) -> bool| judged.verdicts.iter().any(|verdict| test(&verdict.ruling));
        self.unknown += usize::from(any(|ruling| matches!(ruling, Ruling::Unknown(_))));
        self.failed += usize::from(any(|ruling| matches!(ruling, Ruling::Failed { .. })));
    }

    /// A refusal is certain whatever else is unknown; what could not be judged comes next.
    fn exit(&self, allow_unknown: bool) -> Exit {
        if self.skipped > 0 || self.requests == 0 || self.failed > 0 || self.unknown > 0 && !allow_unknown {
            return Exit::NotJudged;
        }
        if self.refused > 0 { Exit::Findings } else { Exit::Clean }
    }
}
