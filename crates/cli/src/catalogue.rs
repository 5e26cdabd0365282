//! `kobuk controls` and `kobuk explain`.

use std::io::{self, Write};

use model::catalogue::{Control, Phase, controls};
use model::{Proof, Rule};
use serde_json::{Value, json};

use crate::args::{CatalogueFormat, ExplainFormat};

/// Nothing of that name.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookupError {
    #[error("no control `{0}`; `kobuk controls list` lists all of them")]
    Control(String),
    #[error("no phase `{0}`; one of develop, distribute, deploy, runtime, observability")]
    Phase(String),
    #[error("no code `{0}`; `kobuk explain` lists all of them")]
    Code(String),
    #[error("`{0}` is the code of a policy of your own; `kobuk policy explain` shows how it judges an object")]
    Policy(String),
    #[error("cannot write the output")]
    Write(#[from] io::Error),
}

/// `kobuk controls list`.
pub(crate) fn list(format: CatalogueFormat, phase: Option<&str>, out: &mut dyn Write) -> Result<(), LookupError> {
    if let Some(phase) = phase
        && !Phase::ALL.iter().any(|known| known.as_str() == phase)
    {
        return Err(LookupError::Phase(phase.to_owned()));
    }
    let chosen = || controls().iter().filter(|control| phase.is_none_or(|phase| control.phase.as_str() == phase));
    match format {
        CatalogueFormat::Text => {
            let mut area = None;
            for control in chosen() {
                if area != Some(control.area) {
                    let gap = if area.is_some() { "\n" } else { "" };
                    writeln!(out, "{gap}{}", heading(control))?;
                    area = Some(control.area);
                }
                writeln!(out, "  {:6} {}", control.id, control.title)?;
            }
        }
        CatalogueFormat::Json => {
            let all: Vec<Value> = chosen().map(control_json).collect();
            write_json(&json!({ "controls": all }), out)?;
        }
        CatalogueFormat::Oscal => crate::report::oscal_catalogue(out)?,
    }
    Ok(())
}

/// `kobuk controls show`.
pub(crate) fn show(id: &str, format: CatalogueFormat, out: &mut dyn Write) -> Result<(), LookupError> {
    let control = model::catalogue::control(id).ok_or_else(|| LookupError::Control(id.to_owned()))?;
    match format {
        CatalogueFormat::Json => write_json(&control_json(control), out)?,
        CatalogueFormat::Oscal => crate::report::oscal_catalogue(out)?,
        CatalogueFormat::Text => show_text(control, out)?,
    }
    Ok(())
}

/// `kobuk explain`.
pub(crate) fn explain(code: Option<&str>, format: ExplainFormat, out: &mut dyn Write) -> Result<(), LookupError> {
    let rules = crate::rules::all();
    let Some(code) = code else {
        if format == ExplainFormat::Json {
            let all: Vec<Value> = rules.iter().map(|rule| rule_json(rule)).collect();
            return Ok(write_json(&json!({ "codes": all }), out)?);
        }
        for rule in rules {
            writeln!(out, "{:8} {:45} {}", rule.severity, rule.code, rule.title)?;
        }
        return Ok(());
    };
    let missing = || match code.starts_with(policy::user_rules::CODE_PREFIX) {
        true => LookupError::Policy(code.to_owned()),
        false => LookupError::Code(code.to_owned()),
    };
    let rule = rules.iter().find(|rule| rule.code == code).ok_or_else(missing)?;
    match format {
        ExplainFormat::Json => write_json(&rule_json(rule), out)?,
        ExplainFormat::Text | ExplainFormat::Markdown => write!(out, "{}", policy::docs::page(rule))?,
    }
    Ok(())
}

fn heading(control: &Control) -> String {
    let (phase, area) = (control.phase.as_str(), control.area.as_str());
    if phase == area { phase.to_uppercase() } else { format!("{}: {area}", phase.to_uppercase()) }
}

fn show_text(control: &Control, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}  {}\n", control.id, control.title)?;
    writeln!(out, "{}\n", control.text)?;
    let mut line = |name: &str, words: &[&str]| {
        if words.is_empty() { Ok(()) } else { writeln!(out, "{name:22}{}", words.join(", ")) }
    };
    line("phase", &[&heading(control).to_lowercase()])?;
    line("sources", &control.sources)?;
    line("Security Checklist", &control.security_checklist)?;
    line("Application Checklist", &control.app_checklist)?;
    line("CNSC", &control.cnsc)?;
    line("NIST SP 800-53r5", &control.nist)?;
    let inputs: Vec<&str> = control.inputs.iter().map(|input| input.as_str()).collect();
    line("judged from", &inputs)?;
    line("told by", &[control.judged_by])?;
    line("enforced by", &control.enforce)?;
    if !control.generate.is_empty() {
        line("can be generated", &[control.generate])?;
    }
    let serving = serving(control);
    if serving.is_empty() {
        return writeln!(out, "\nNo check on manifests or configuration files serves it; see docs/coverage.md.");
    }
    writeln!(out, "\nCodes that serve it:")?;
    for (rule, proof) in serving {
        let proof = if proof == Proof::Full { "proof" } else { "part" };
        writeln!(out, "  {:8} {proof:5} {:45} {}", rule.severity, rule.code, rule.title)?;
    }
    Ok(())
}

fn serving(control: &Control) -> Vec<(&'static Rule, Proof)> {
    crate::rules::all()
        .iter()
        .copied()
        .filter_map(|rule| Some((rule, rule.serves.iter().find(|serves| serves.control == control.id)?.proof)))
        .collect()
}

fn control_json(control: &Control) -> Value {
    let codes: Vec<&str> = serving(control).iter().map(|(rule, _)| rule.code).collect();
    let inputs: Vec<&str> = control.inputs.iter().map(|input| input.as_str()).collect();
    json!({
        "id": control.id,
        "phase": control.phase.as_str(),
        "area": control.area.as_str(),
        "title": control.title,
        "text": control.text,
        "sources": control.sources,
        "securityChecklist": control.security_checklist,
        "applicationSecurityChecklist": control.app_checklist,
        "cnsc": control.cnsc,
        "nist80053r5": control.nist,
        "inputs": inputs,
        "judgedBy": control.judged_by,
        "enforce": control.enforce,
        "generate": control.generate,
        "codes": codes,
    })
}

fn rule_json(rule: &Rule) -> Value {
    let controls: Vec<&str> = rule.serves.iter().map(|serves| serves.control).collect();
    json!({
        "code": rule.code,
        "title": rule.title,
        "severity": rule.severity.as_str(),
        "looksAt": rule.scope.noun(),
        "controls": controls,
        "why": rule.why,
        "fix": rule.fix,
        "example": rule.example,
    })
}

fn write_json(value: &Value, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}
