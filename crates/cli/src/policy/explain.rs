//! `kobuk policy explain`: how policies come to their verdicts.

use std::collections::HashSet;
use std::io::{self, Write};

use policy::admission::{Request, Ruling};
use policy::admission_policy::{Explained, MutationStep, Outcome, Part, Step};
use serde_json::{Value as Json, json};

use super::args::{EvalFormat, ExplainArgs};
use super::documents::Texts;
use super::eval::{EvalError, not_judged, printable, said, title};
use super::load::load;
use super::requests::{Requests, Skipped};
use super::watch::Watch;
use crate::exit::Exit;

/// Longest value that is shown, in characters.
const VALUE_CHARS_MAX: usize = 160;

/// Most values of subexpressions that are shown of one expression; a loop makes one per turn.
const PARTS_MAX: usize = 60;

/// `kobuk policy explain`.
pub(crate) fn explain(args: &ExplainArgs, out: &mut dyn Write) -> Result<Exit, EvalError> {
    let loaded = load(&args.policy)?;
    loaded.remarks.iter().for_each(|remark| crate::verbs::remark(remark));
    loaded.type_remarks().iter().for_each(|remark| crate::verbs::remark(remark));
    let texts = Texts::read(&args.paths);
    let requests = Requests::new(&args.request, &loaded.facts)?;
    let watch = Watch::start();
    let with_secrets = loaded.policies.admission.policies().filter(|spec| {
        spec.param_kind.as_ref().is_some_and(|kind| (&*kind.api_version, &*kind.kind) == ("v1", "Secret"))
    });
    let secret_params: HashSet<&str> = with_secrets.map(|spec| &*spec.name).collect();
    let mut entries = Vec::new();
    let skipped = requests.each(&texts, &mut |place, request| {
        let mut explanation = watch.bounded(|budgets| loaded.policies.explain(request, &loaded.facts, budgets));
        let secret = |policy: &str| request.kind.kind == "Secret" || secret_params.contains(policy);
        let explained = explanation.explained.iter_mut().filter(|one| secret(&one.verdict.policy));
        explained.flat_map(|one| &mut one.steps).for_each(redact);
        let mutations = explanation.steps.iter_mut().filter(|step| secret(&step.policy));
        mutations.flat_map(|step| &mut step.trace).for_each(redact);
        let listed: Vec<&Explained> = explanation
            .explained
            .iter()
            .filter(|one| args.all || !matches!(one.verdict.ruling, Ruling::NotApplicable(_)))
            .collect();
        match args.format {
            EvalFormat::Text => request_text(place, request, &explanation.steps, &listed, out)?,
            EvalFormat::Json => {
                let policies: Vec<Json> = listed.iter().map(|one| explained_json(one)).collect();
                let mutations: Vec<Json> = explanation.steps.iter().map(mutation_json).collect();
                entries.push(json!({ "place": place, "mutations": mutations, "policies": policies }));
            }
        }
        Ok::<(), io::Error>(())
    })?;
    match args.format {
        EvalFormat::Json => {
            serde_json::to_writer_pretty(&mut *out, &json!({ "requests": entries, "notJudged": not_judged(&skipped) }))
                .map_err(io::Error::from)?;
            writeln!(out)?;
        }
        EvalFormat::Text => {
            for Skipped { place, message } in &skipped {
                writeln!(out, "not judged  {place}: {message}")?;
            }
        }
    }
    Ok(if skipped.is_empty() { Exit::Clean } else { Exit::NotJudged })
}

/// Takes the values out: what an expression computes over a Secret may be the secret, whole or in part. Whether
/// something holds stays, as the verdict tells it anyway.
fn redact(step: &mut Step) {
    let hide = |value: &mut Result<String, cel::Fault>| {
        let shown = match value {
            Ok(text) => matches!(text.as_str(), "true" | "false" | "null"),
            // Faults of conversions quote what they cannot read.
            Err(fault) => !fault.to_string().contains('"'),
        };
        if !shown {
            *value = Ok(String::from("(of a Secret, not shown)"));
        }
    };
    hide(&mut step.value);
    step.parts.iter_mut().for_each(|part| hide(&mut part.value));
    step.variables.iter_mut().for_each(redact);
}

fn request_text(
    place: &str,
    request: &Request<'_>,
    mutations: &[MutationStep],
    explained: &[&Explained],
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "{} {}  {place}", request.operation.as_str(), title(request))?;
    for step in mutations {
        let came = match &step.outcome {
            Outcome::Changed => String::from("changed the object"),
            Outcome::Unchanged => String::from("changed nothing"),
            Outcome::Failed(message) => format!("failed: {message}"),
            Outcome::Unknown(facts) => {
                let names: Vec<&str> = facts.iter().map(|fact| &*fact.name).collect();
                format!("unknown, needs {}", names.join(", "))
            }
        };
        let again = if step.reinvoked { ", once more" } else { "" };
        writeln!(out, "\n  {} mutation {}{again}: {}", step.policy, step.index + 1, printable(&came))?;
        step.trace.iter().try_for_each(|inner| step_text(inner, 4, &mut HashSet::new(), out))?;
    }
    if explained.is_empty() && mutations.is_empty() {
        writeln!(out, "  no policy looks at this request; --all says why")?;
    }
    for one in explained {
        let verdict = &one.verdict;
        let binding = verdict.binding.as_ref().map(|binding| format!(" with {binding}")).unwrap_or_default();
        let (word, lines) = said(verdict);
        writeln!(out, "\n  {}{binding}: {word}, cost {}", verdict.policy, verdict.cost)?;
        lines.iter().try_for_each(|line| writeln!(out, "    {}", printable(line)))?;
        let mut told = HashSet::new();
        one.steps.iter().try_for_each(|step| step_text(step, 4, &mut told, out))?;
    }
    writeln!(out)
}

/// One expression. What `told` has was shown before: messages and annotations evaluate the same variables again.
fn step_text(step: &Step, indent: usize, told: &mut HashSet<String>, out: &mut dyn Write) -> io::Result<()> {
    let pad = " ".repeat(indent);
    let again = !told.insert(step.field.clone());
    let above = if again { "  as above" } else { "" };
    writeln!(out, "{pad}{} = {}  (cost {}){above}", step.field, value(&step.value), step.cost)?;
    if again {
        return Ok(());
    }
    for line in step.text.lines() {
        writeln!(out, "{pad}  | {}", printable(line.trim_end()))?;
    }
    let parts = shown(step);
    for part in parts.iter().take(PARTS_MAX) {
        let text = step.text.get(part.start..part.end).unwrap_or("");
        let text: Vec<&str> = text.split_whitespace().collect();
        writeln!(out, "{pad}    {} = {}", printable(&cut(&text.join(" "))), value(&part.value))?;
    }
    if parts.len() > PARTS_MAX {
        writeln!(out, "{pad}    … {} more values", parts.len() - PARTS_MAX)?;
    }
    step.variables.iter().try_for_each(|variable| step_text(variable, indent + 4, told, out))
}

/// Parts that say more than their text does: not the whole expression again, not literals, nothing twice.
fn shown(step: &Step) -> Vec<&Part> {
    let whole = step.text.trim();
    let mut seen: Vec<&Part> = Vec::new();
    for part in &step.parts {
        let text = step.text.get(part.start..part.end).unwrap_or("").trim();
        // The turns of a loop show in what they compute; its bare names would be noise.
        let name = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let plain = name || text == whole || part.value.as_deref() == Ok(text);
        let again =
            seen.iter().any(|other| (other.start, other.end, &other.value) == (part.start, part.end, &part.value));
        if !plain && !again {
            seen.push(part);
        }
    }
    seen
}

fn value(value: &Result<String, cel::Fault>) -> String {
    match value {
        Ok(text) => printable(&cut(text)),
        Err(fault) => format!("error: {}", printable(&fault.to_string())),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or(text)),
    }
}

fn explained_json(one: &Explained) -> Json {
    let steps: Vec<Json> = one.steps.iter().map(step_json).collect();
    let (word, lines) = said(&one.verdict);
    json!({
        "policy": &*one.verdict.policy,
        "kind": one.verdict.kind.as_str(),
        "binding": one.verdict.binding.as_deref(),
        "params": one.verdict.params.as_deref(),
        "ruling": word,
        "messages": lines,
        "cost": one.verdict.cost,
        "expressions": steps,
    })
}

fn mutation_json(step: &MutationStep) -> Json {
    let trace: Vec<Json> = step.trace.iter().map(step_json).collect();
    json!({
        "policy": &*step.policy,
        "binding": step.binding.as_deref(),
        "index": step.index,
        "reinvoked": step.reinvoked,
        "changed": step.outcome == Outcome::Changed,
        "error": if let Outcome::Failed(message) = &step.outcome { Some(message.to_string()) } else { None },
        "expressions": trace,
    })
}

fn step_json(step: &Step) -> Json {
    let outcome = |value: &Result<String, cel::Fault>| match value {
        Ok(text) => json!({ "value": text }),
        Err(fault) => json!({ "error": fault.to_string() }),
    };
    let parts: Vec<Json> = step
        .parts
        .iter()
        .map(|part| json!({ "text": step.text.get(part.start..part.end), "result": outcome(&part.value) }))
        .collect();
    let variables: Vec<Json> = step.variables.iter().map(step_json).collect();
    json!({
        "field": step.field,
        "text": step.text,
        "cost": step.cost,
        "result": outcome(&step.value),
        "parts": parts,
        "variables": variables,
    })
}
