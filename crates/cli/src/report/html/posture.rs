//! Every control with its state and what it rests on.

use std::collections::HashMap;
use std::io::{self, Write};

use model::catalogue::{Area, Phase};
use model::{Posture, Severity, State};

use super::findings::Shown;
use super::overview::phase_title;
use super::{Prose, state_words};
use crate::report::Render;
use crate::report::escape::Html;
use crate::report::tally::{area, area_title, grouped, plural};

/// Prints the controls section.
pub(crate) fn write(render: &Render<'_>, shown: &[Shown<'_>], out: &mut dyn Write) -> io::Result<()> {
    let mut by_control: HashMap<&str, Vec<&Shown<'_>>> = HashMap::new();
    for finding in shown {
        for serves in finding.finding.rule.serves {
            let listed = by_control.entry(serves.control).or_default();
            if listed.len() < FINDINGS_PER_CONTROL_MAX {
                listed.push(finding);
            }
        }
    }
    writeln!(out, "<section id=\"posture\"><h2>Controls</h2>")?;
    filters(out)?;
    writeln!(out, "<div id=\"controls\">")?;
    for part in Area::ALL {
        let title = match part.phase() {
            Phase::Runtime => format!("Runtime: {}", area_title(part).to_lowercase()),
            _ => area_title(part).into(),
        };
        writeln!(out, "<section class=\"group\"><h3>{title}</h3>")?;
        for entry in area(render.report, part) {
            let findings = by_control.get(entry.control.id).map_or(&[][..], Vec::as_slice);
            control(entry, findings, out)?;
        }
        writeln!(out, "</section>")?;
    }
    writeln!(out, "</div></section>")
}

fn filters(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<form class=\"filters\" data-for=\"controls\" hidden><fieldset><legend>State</legend>")?;
    for state in State::ALL {
        let (word, words) = (state.as_str(), state_words(state));
        writeln!(out, "<label><input type=\"checkbox\" name=\"state\" value=\"{word}\" checked> {words}</label>")?;
    }
    writeln!(out, "</fieldset><label>Phase <select name=\"phase\"><option value=\"\">all</option>")?;
    for phase in Phase::ALL {
        writeln!(out, "<option value=\"{}\">{}</option>", phase.as_str(), phase_title(phase))?;
    }
    writeln!(out, "</select></label><label>Worst <select name=\"severity\"><option value=\"\">any</option>")?;
    for severity in Severity::ALL {
        writeln!(out, "<option value=\"{severity}\">{severity}</option>")?;
    }
    writeln!(
        out,
        "</select></label><label class=\"search\">Search <input type=\"search\" name=\"text\" autocomplete=\"off\"></label>\
         <output></output></form>"
    )
}

fn control(entry: &Posture, findings: &[&Shown<'_>], out: &mut dyn Write) -> io::Result<()> {
    let control = entry.control;
    let (id, state) = (control.id, entry.state.as_str());
    let worst = entry.worst.map_or("", Severity::as_str);
    writeln!(
        out,
        "<details class=\"item control\" id=\"c-{id}\" data-state=\"{state}\" data-phase=\"{}\" data-severity=\"{worst}\">",
        control.phase.as_str()
    )?;
    write!(
        out,
        "<summary><span class=\"state {state}\">{}</span><span class=\"id\">{id}</span><span class=\"name\">{}</span>",
        state_words(entry.state),
        Html(control.title)
    )?;
    if let Some(worst) = entry.worst {
        write!(out, "<span class=\"sev {worst}\">{worst}</span>")?;
    }
    if entry.findings + entry.excepted > 0 {
        write!(out, "<span class=\"count\">{}</span>", plural(entry.findings + entry.excepted, "finding"))?;
    }
    writeln!(out, "</summary><div class=\"body\"><p>{}</p><dl>", Html(control.text))?;
    row(out, "This input", &entry.reason)?;
    row(out, "Judged by", control.judged_by)?;
    let inputs: Vec<&str> = control.inputs.iter().map(|input| input.noun()).collect();
    row(out, "Told by", &inputs.join(", "))?;
    row(out, "NIST SP 800-53", &control.nist.join(", "))?;
    row(out, "Sources", &control.sources.join("; "))?;
    writeln!(out, "</dl>")?;
    if !findings.is_empty() {
        writeln!(out, "<ul class=\"seen\">")?;
        for shown in findings {
            let finding = shown.finding;
            writeln!(
                out,
                "<li><span class=\"sev {0}\">{0}</span> <a href=\"#f-{1}\">{2}</a> <span class=\"muted\">{3}</span></li>",
                finding.severity,
                shown.number,
                Prose(&finding.message),
                Html(&finding.subject.display())
            )?;
        }
        writeln!(out, "</ul>")?;
        if let Some(rest) = entry.findings.checked_sub(findings.len()).filter(|rest| *rest > 0) {
            writeln!(out, "<p class=\"muted\">and {} more below</p>", grouped(rest))?;
        }
    }
    writeln!(out, "</div></details>")
}

fn row(out: &mut dyn Write, name: &str, value: &str) -> io::Result<()> {
    if value.is_empty() {
        return Ok(());
    }
    writeln!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", Html(value))
}

const FINDINGS_PER_CONTROL_MAX: usize = 10;
