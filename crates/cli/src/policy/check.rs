//! `kobuk policy check`: mistakes in policies, without any request.

use std::io::{self, Write};

use model::Location;
use policy::admission_policy::limits::PER_CALL_COST;
use policy::admission_policy::{ExpressionCost, Level, LoadIssue, TypeWarning};
use policy::policies::Policies;
use serde_json::{Value as Json, json};

use super::args::{CheckArgs, EvalFormat};
use super::documents::Texts;
use super::eval::{EvalError, plural, printable};
use super::load;
use crate::exit::Exit;

/// What was found.
struct Found {
    texts: Texts,
    /// Files and documents that cannot be read.
    faults: Vec<String>,
    issues: Vec<LoadIssue>,
    types: Vec<TypeWarning>,
    costs: Vec<ExpressionCost>,
    policies: usize,
}

/// `kobuk policy check`.
pub(crate) fn check(args: &CheckArgs, out: &mut dyn Write) -> Result<Exit, EvalError> {
    let texts = load::policy_texts(&args.paths)?;
    let options = load::options(args.engine, load::minor(args.kubernetes_version.as_deref())?);
    let facts = load::facts(&args.facts, &[], &policy::policies::Policies::default())?;
    let (documents, faults) = texts.documents();
    let faults: Vec<String> =
        [texts.faults.clone(), faults, documents.ambiguous(|_| false), documents.untyped()].concat();
    let (policies, issues) = Policies::load(&documents.objects(), &options);
    let found = Found {
        faults,
        issues,
        types: policies.type_check(&facts, &options),
        costs: policies.costs(&options),
        policies: policies.admission.policies().count() + policies.gatekeeper.templates() + policies.mutators.len(),
        texts,
    };
    match args.format {
        EvalFormat::Text => found.text(args.costs, out)?,
        EvalFormat::Json => {
            serde_json::to_writer_pretty(&mut *out, &found.json()).map_err(io::Error::from)?;
            writeln!(out)?;
        }
    }
    Ok(found.exit())
}

// === impl Found ===

impl Found {
    fn errors(&self) -> usize {
        self.issues.iter().filter(|issue| issue.level != Level::Warning).count()
    }

    fn exit(&self) -> Exit {
        match self.errors() {
            0 if !self.faults.is_empty() || self.policies == 0 => Exit::NotJudged,
            0 => Exit::Clean,
            _ => Exit::Findings,
        }
    }

    fn text(&self, costs: bool, out: &mut dyn Write) -> io::Result<()> {
        for fault in &self.faults {
            writeln!(out, "unread   {}", printable(fault))?;
        }
        for issue in &self.issues {
            let message = issue.to_string();
            let mut lines = message.lines();
            let first = lines.next().unwrap_or("");
            writeln!(out, "{:8} {}: {}", word(issue.level), self.texts.place(issue.location), printable(first))?;
            lines.try_for_each(|line| writeln!(out, "           {}", printable(line)))?;
            if let Some(hint) = issue.hint {
                writeln!(out, "           {hint}")?;
            }
        }
        for one in &self.types {
            writeln!(out, "type     {}: {} {}", self.texts.place(one.location), one.policy, one.field)?;
            for line in one.warning.lines().filter(|line| !line.is_empty()) {
                writeln!(out, "           {}", printable(line))?;
            }
        }
        for one in self.costs.iter().filter(|one| costs || one.cost.min > PER_CALL_COST) {
            let (place, most) = (self.texts.place(one.location), most(one));
            writeln!(out, "cost     {place}: {} {}: {} to {most}", one.policy, one.field, one.cost.min)?;
        }
        let warnings = self.issues.len() - self.errors();
        writeln!(
            out,
            "{}: {}, {}, {}{}",
            if self.policies == 1 { String::from("1 policy") } else { format!("{} policies", self.policies) },
            plural(self.errors(), "error"),
            plural(warnings, "warning"),
            plural(self.types.len(), "type warning"),
            if self.faults.is_empty() { String::new() } else { format!(", {} not read", self.faults.len()) },
        )
    }

    fn json(&self) -> Json {
        let issues: Vec<Json> = self
            .issues
            .iter()
            .map(|issue| {
                let mut entry = self.place(issue.location);
                entry["level"] = json!(word(issue.level));
                entry["object"] = json!(&*issue.object);
                entry["field"] = json!(issue.field);
                entry["message"] = json!(issue.message);
                entry["hint"] = json!(issue.hint);
                entry
            })
            .collect();
        let types: Vec<Json> = self
            .types
            .iter()
            .map(|one| {
                let mut entry = self.place(one.location);
                entry["policy"] = json!(&*one.policy);
                entry["field"] = json!(one.field);
                entry["warning"] = json!(one.warning);
                entry
            })
            .collect();
        let costs: Vec<Json> = self
            .costs
            .iter()
            .map(|one| {
                let mut entry = self.place(one.location);
                entry["policy"] = json!(&*one.policy);
                entry["field"] = json!(one.field);
                entry["least"] = json!(one.cost.min);
                entry["most"] = json!((one.cost.max != u64::MAX).then_some(one.cost.max));
                entry
            })
            .collect();
        json!({ "policies": self.policies, "unread": self.faults, "issues": issues, "types": types, "costs": costs })
    }

    fn place(&self, at: Location) -> Json {
        json!({ "file": self.texts.shown(at.file), "line": at.line, "column": at.column })
    }
}

/// The most that an expression may cost. Loops in loops over texts soon reach the largest number.
fn most(one: &ExpressionCost) -> String {
    if one.cost.max == u64::MAX { String::from("no limit") } else { one.cost.max.to_string() }
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Warning => "warning",
        Level::Error => "error",
        Level::Refused => "refused",
    }
}
