//! The findings by file, with their source lines, and the rules behind them.

use std::collections::HashMap;
use std::io::{self, Write};

use model::{Finding, Rule, Severity};

use super::Prose;
use crate::report::Render;
use crate::report::escape::Html;
use crate::report::excerpt::{Excerpt, Sources};
use crate::report::tally::{grouped, plural};

/// A finding that the page shows, with its number for links.
pub(crate) struct Shown<'f> {
    pub(super) finding: &'f Finding,
    pub(super) number: usize,
}

/// The worst findings that fit the page, in file order.
pub(crate) fn choose<'r>(render: &Render<'r>) -> Vec<Shown<'r>> {
    let findings = &render.report.findings;
    let mut room = FINDINGS_MAX;
    let mut limits: HashMap<Severity, usize> = HashMap::new();
    for severity in Severity::ALL {
        let count = findings.iter().filter(|finding| finding.severity == severity).count().min(room);
        limits.insert(severity, count);
        room -= count;
    }
    let fits = |finding: &&Finding| {
        let Some(left) = limits.get_mut(&finding.severity).filter(|left| **left > 0) else { return false };
        *left -= 1;
        true
    };
    findings.iter().filter(fits).enumerate().map(|(number, finding)| Shown { finding, number }).collect()
}

/// Prints the findings section.
pub(crate) fn write(render: &Render<'_>, shown: &[Shown<'_>], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section id=\"findings\"><h2>Findings</h2>")?;
    if shown.is_empty() {
        return writeln!(out, "<p class=\"empty\">No findings.</p></section>");
    }
    filters(out)?;
    if let Some(rest) = render.report.findings.len().checked_sub(shown.len()).filter(|rest| *rest > 0) {
        let (are, noun) = if rest == 1 { ("is", "finding") } else { ("are", "findings") };
        writeln!(
            out,
            "<p class=\"limit\">This page shows the worst {} findings. {} more {noun} {are} not shown; the JSON report has all.</p>",
            grouped(shown.len()),
            grouped(rest)
        )?;
    }
    writeln!(out, "<div id=\"list\">")?;
    let mut sources = Sources::new(render);
    let mut excerpts: HashMap<&str, usize> = HashMap::new();
    for file in shown.chunk_by(|a, b| a.finding.location.file == b.finding.location.file) {
        let Some(first) = file.first() else { continue };
        writeln!(
            out,
            "<section class=\"group\"><h3><span class=\"path\">{}</span> <span class=\"muted\">{}</span></h3>",
            Html(render.report.path(first.finding.location.file)),
            plural(file.len(), "finding")
        )?;
        for shown in file {
            let used = excerpts.entry(shown.finding.rule.code).or_default();
            *used += 1;
            let excerpt = match *used {
                used if used <= EXCERPTS_PER_RULE_MAX => sources.excerpt(shown.finding, EXCERPT_WIDTH),
                _ => None,
            };
            article(render, shown, excerpt.as_ref(), out)?;
        }
        writeln!(out, "</section>")?;
    }
    writeln!(out, "</div></section>")
}

fn filters(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<form class=\"filters\" data-for=\"list\" hidden><fieldset><legend>Severity</legend>")?;
    for severity in Severity::ALL {
        writeln!(
            out,
            "<label><input type=\"checkbox\" name=\"severity\" value=\"{severity}\" checked> {severity}</label>"
        )?;
    }
    writeln!(
        out,
        "</fieldset><label class=\"search\">Search <input type=\"search\" name=\"text\" autocomplete=\"off\"></label><output></output></form>"
    )
}

fn article(render: &Render<'_>, shown: &Shown<'_>, excerpt: Option<&Excerpt>, out: &mut dyn Write) -> io::Result<()> {
    let finding = shown.finding;
    let (severity, place) = (finding.severity, finding.location);
    writeln!(
        out,
        "<article class=\"item finding {severity}\" id=\"f-{}\" data-severity=\"{severity}\">\
         <h4><span class=\"sev {severity}\">{severity}</span> <span>{}</span></h4>",
        shown.number,
        Prose(&finding.message)
    )?;
    write!(out, "<p class=\"where\"><span>{}</span>", Html(&finding.subject.display()))?;
    if place.line > 0 {
        write!(out, "<span>line {}</span>", place.line)?;
    }
    if let Some(field) = finding.property("field") {
        write!(out, "<code>{}</code>", Html(field))?;
    }
    writeln!(out, "</p>")?;
    if let Some(excerpt) = excerpt {
        writeln!(
            out,
            "<pre><span class=\"no\">{}</span>{}<mark>{}</mark>{}</pre>",
            excerpt.line,
            Html(&excerpt.before),
            Html(&excerpt.marked),
            Html(&excerpt.after)
        )?;
    }
    writeln!(out, "<p class=\"fix\"><b>Fix</b> {}</p>", Prose(finding.rule.fix))?;
    write!(out, "<p class=\"chips\"><a class=\"code\" href=\"#r-{0}\">{0}</a> ", finding.rule.code)?;
    for serves in finding.rule.serves {
        match render.assess {
            true => write!(out, "<a href=\"#c-{0}\">{0}</a> ", serves.control)?,
            false => write!(out, "<span>{}</span> ", serves.control)?,
        }
    }
    writeln!(out, "</p></article>")
}

/// Prints why each rule that found something exists.
pub(crate) fn rules(render: &Render<'_>, shown: &[Shown<'_>], out: &mut dyn Write) -> io::Result<()> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for finding in &render.report.findings {
        *counts.entry(finding.rule.code).or_default() += 1;
    }
    let mut rules: Vec<&Rule> = shown.iter().map(|shown| shown.finding.rule).collect();
    rules.sort_by_key(|rule| (std::cmp::Reverse(rule.severity), rule.code));
    rules.dedup_by_key(|rule| rule.code);
    if rules.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section id=\"rules\"><h2>Rules behind the findings</h2><div class=\"group\">")?;
    for rule in rules {
        writeln!(
            out,
            "<details class=\"item control\" id=\"r-{0}\"><summary><span class=\"sev {1}\">{1}</span><span class=\"name\">{2}</span>\
             <span class=\"id\">{0}</span><span class=\"count\">{3}</span></summary><div class=\"body\">",
            rule.code,
            rule.severity,
            Html(rule.title),
            plural(counts.get(rule.code).copied().unwrap_or(0), "finding")
        )?;
        writeln!(out, "<p>{}</p><p class=\"fix\"><b>Fix</b> {}</p>", Prose(rule.why), Prose(rule.fix))?;
        if !rule.example.is_empty() {
            writeln!(out, "<pre>{}</pre>", Html(rule.example.trim_end()))?;
        }
        writeln!(out, "</div></details>")?;
    }
    writeln!(out, "</div></section>")
}

/// A browser stays quick with this many; more is for machines.
const FINDINGS_MAX: usize = 5_000;
const EXCERPTS_PER_RULE_MAX: usize = 50;
const EXCERPT_WIDTH: usize = 140;
