//! Exceptions, and what was and was not judged.

use std::io::{self, Write};

use model::Judgement;

use super::Prose;
use crate::report::Render;
use crate::report::escape::Html;
use crate::report::json::JUDGEMENTS;
use crate::report::tally::{exception_state, grouped};

/// Prints the exceptions section.
pub(crate) fn exceptions(render: &Render<'_>, out: &mut dyn Write) -> io::Result<()> {
    let uses = &render.report.exceptions;
    if uses.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "<section id=\"exceptions\"><h2>Exceptions</h2><p class=\"muted\">An exception accepts a risk; it does not make the \
         control hold.</p><div class=\"scroll\"><table><thead><tr><th scope=\"col\">Exception</th><th scope=\"col\">State</th>\
         <th scope=\"col\">Owner</th><th scope=\"col\">Until</th><th scope=\"col\" class=\"n\">Findings</th>\
         <th scope=\"col\">Reason</th></tr></thead><tbody>"
    )?;
    for used in uses.iter().take(ROWS_MAX) {
        let (exception, state) = (&used.exception, exception_state(used));
        writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td><span class=\"use {state}\">{state}</span></td><td>{}</td><td class=\"nw\">{}</td>\
             <td class=\"n\">{}</td><td>{}</td></tr>",
            Html(&exception.name),
            Html(&exception.owner),
            Html(&exception.expires),
            grouped(used.matched),
            Html(&exception.reason)
        )?;
    }
    writeln!(out, "</tbody></table></div>")?;
    rest(out, uses.len())?;
    writeln!(out, "</section>")
}

/// Prints the coverage section.
pub(crate) fn write(render: &Render<'_>, out: &mut dyn Write) -> io::Result<()> {
    let coverage = &render.report.coverage;
    writeln!(out, "<section id=\"coverage\"><h2>Coverage</h2><ul class=\"facts\">")?;
    for judgement in JUDGEMENTS {
        let count = coverage.files_with(judgement);
        if count > 0 || judgement == Judgement::Judged {
            writeln!(out, "<li><b>{}</b> files {}</li>", grouped(count), words(judgement))?;
        }
    }
    for (count, noun) in [(coverage.documents(), "documents read"), (coverage.objects(), "objects judged")] {
        writeln!(out, "<li><b>{}</b> {noun}</li>", grouped(usize::try_from(count).unwrap_or(usize::MAX)))?;
    }
    writeln!(out, "</ul>")?;
    gaps(render, out)?;
    files(render, out)?;
    writeln!(out, "</section>")
}

fn gaps(render: &Render<'_>, out: &mut dyn Write) -> io::Result<()> {
    let count = render.report.coverage.gaps().count();
    if count == 0 {
        return writeln!(out, "<p class=\"empty\">Everything that was given could be judged.</p>");
    }
    writeln!(
        out,
        "<h3>Not judged</h3><div class=\"scroll\"><table><thead><tr><th scope=\"col\">Place</th><th scope=\"col\">Why</th>\
         <th scope=\"col\">What to do</th></tr></thead><tbody>"
    )?;
    for gap in render.report.coverage.gaps().take(ROWS_MAX) {
        let path = Html(render.report.path(gap.location.file));
        write!(out, "<tr><th scope=\"row\" class=\"path\">{path}")?;
        if gap.location.line > 0 {
            write!(out, ":{}", gap.location.line)?;
        }
        writeln!(out, "</th><td class=\"nw\">{}</td><td>{}</td></tr>", gap.kind.as_str(), Prose(&gap.message))?;
    }
    writeln!(out, "</tbody></table></div>")?;
    rest(out, count)
}

fn files(render: &Render<'_>, out: &mut dyn Write) -> io::Result<()> {
    let files = &render.report.coverage.files;
    if files.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "<details class=\"files\"><summary>All files</summary><div class=\"scroll\"><table><thead><tr><th scope=\"col\">File</th>\
         <th scope=\"col\">Outcome</th><th scope=\"col\" class=\"n\">Documents</th><th scope=\"col\" class=\"n\">Objects</th></tr>\
         </thead><tbody>"
    )?;
    for file in files.iter().take(ROWS_MAX) {
        writeln!(
            out,
            "<tr><th scope=\"row\" class=\"path\">{}</th><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            Html(render.report.path(file.file)),
            words(file.judgement),
            file.documents,
            file.objects
        )?;
    }
    writeln!(out, "</tbody></table></div>")?;
    rest(out, files.len())?;
    writeln!(out, "</details>")
}

fn words(judgement: Judgement) -> &'static str {
    match judgement {
        Judgement::Judged => "judged",
        Judgement::Partly => "judged in part",
        Judgement::NotJudged => "not judged",
        Judgement::NotKubernetes => "not Kubernetes",
        Judgement::Rendered => "judged as rendered",
        Judgement::Excluded => "left out",
    }
}

pub(super) fn rest(out: &mut dyn Write, count: usize) -> io::Result<()> {
    match count.checked_sub(ROWS_MAX) {
        None | Some(0) => Ok(()),
        Some(rest) => writeln!(out, "<p class=\"limit\">{} more rows are not shown.</p>", grouped(rest)),
    }
}

pub(super) const ROWS_MAX: usize = 1_000;
