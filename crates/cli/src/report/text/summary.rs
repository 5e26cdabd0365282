//! The last lines of a run: counts, what could not be judged, exceptions.

use std::io::{self, Write};

use model::{Judgement, Severity};

use super::style::Style;
use crate::report::Render;
use crate::report::escape::Shown;
use crate::report::tally::{
    advisories_words, age_words, exception_state, grouped, plural, severities, upgrade_words, upgrades as ordered,
};

/// Prints the summary.
pub(crate) fn write(render: &Render<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let report = render.report;
    if render.assess || !report.findings.is_empty() || !report.upgrades.is_empty() {
        writeln!(out, "\n{}", style.dim("─".repeat(style.width)))?;
    }
    gaps(render, style, out)?;
    exceptions(render, style, out)?;
    upgrades(render, style, out)?;
    advisories(render, style, out)?;
    findings(render, style, out)?;
    files(render, style, out)
}

fn gaps(render: &Render<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let count = render.report.coverage.gaps().count();
    if count == 0 {
        return Ok(());
    }
    writeln!(out, "{} ({count})", style.bold("Not judged"))?;
    for gap in render.report.coverage.gaps().take(GAPS_MAX) {
        let path = Shown(render.report.path(gap.location.file)).to_string();
        let place = match gap.location.line {
            0 => path,
            line => format!("{path}:{line}:{}", gap.location.column),
        };
        writeln!(out, "  {}  {}", gap.kind.as_str(), place)?;
        writeln!(out, "    {}", style.wrap(&Shown(&gap.message).to_string(), 4, 4))?;
    }
    more(out, count, GAPS_MAX)?;
    writeln!(out)
}

fn exceptions(render: &Render<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let uses = &render.report.exceptions;
    if uses.is_empty() {
        return Ok(());
    }
    writeln!(out, "{} ({})", style.bold("Exceptions"), uses.len())?;
    // Those that need somebody's attention first.
    let mut order: Vec<_> = uses.iter().collect();
    order.sort_by_key(|used| (!used.expired, used.matched > 0));
    for used in order.into_iter().take(EXCEPTIONS_MAX) {
        let exception = &used.exception;
        let what = match (used.expired, used.matched) {
            (true, count) => format!("would accept {}", plural(count, "finding")),
            (false, 0) => "accepts nothing; remove it".into(),
            (false, count) => format!("accepts {}", plural(count, "finding")),
        };
        let state = format!("{:<7}", exception_state(used));
        let state = if used.expired { style.severity(Severity::Medium, state) } else { style.bold(state) };
        let head = format!("{} until {}: {what}", Shown(&exception.name), Shown(&exception.expires));
        writeln!(out, "  {state}  {}", style.wrap(&head, 11, 11))?;
        let who = format!("{}: {}", Shown(&exception.owner), Shown(&exception.reason));
        writeln!(out, "           {}", style.dim(style.wrap(&who, 11, 11)))?;
    }
    more(out, uses.len(), EXCEPTIONS_MAX)?;
    writeln!(out)
}

/// Upgrades, those first that clear most.
fn upgrades(render: &Render<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let upgrades = &render.report.upgrades;
    if upgrades.is_empty() {
        return Ok(());
    }
    writeln!(out, "{} ({})", style.bold("Upgrades"), upgrades.len())?;
    for upgrade in ordered(render.report).into_iter().take(UPGRADES_MAX) {
        let mut text = format!(
            "{} {} → {}: clears {}",
            Shown(&upgrade.package),
            Shown(&upgrade.installed),
            Shown(&upgrade.to),
            plural(upgrade.clears.len(), "finding")
        );
        if !upgrade.stays.is_empty() {
            text.push_str(&format!(", {} without a fix", grouped(upgrade.stays.len())));
        }
        text.push_str(upgrade_words(upgrade.by));
        writeln!(out, "  {}", style.wrap(&text, 2, 4))?;
    }
    more(out, upgrades.len(), UPGRADES_MAX)?;
    writeln!(out)
}

/// How old the knowledge is; silence of a stale source means nothing.
fn advisories(render: &Render<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let Some(words) = advisories_words(&render.report.advisories) else { return Ok(()) };
    let text = format!("Judged by {words}");
    let stale: Vec<String> = render
        .report
        .advisories
        .iter()
        .filter(|source| source.stale)
        .map(|source| format!("{} ({})", Shown(&source.name), age_words(source)))
        .collect();
    let text = if stale.is_empty() { text } else { format!("{text}: {}", stale.join(", ")) };
    writeln!(out, "{}", style.dim(style.wrap(&text, 0, 2)))
}

fn findings(render: &Render<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let report = render.report;
    let counts = severities(report.findings.iter());
    if report.findings.is_empty() {
        match report.coverage.objects() {
            0 => write!(out, "{}: nothing was judged", style.bold("No findings"))?,
            objects => write!(out, "{} in {}", style.good("No findings"), plural(size(objects), "object"))?,
        }
    } else {
        write!(out, "{}: ", style.bold(plural(report.findings.len(), "finding")))?;
        let mut separator = "";
        for (severity, count) in Severity::ALL.into_iter().zip(counts).filter(|(_, count)| *count > 0) {
            write!(out, "{separator}{}", style.severity(severity, format_args!("{} {severity}", grouped(count))))?;
            separator = ", ";
        }
    }
    if !report.excepted.is_empty() {
        write!(out, "; {} accepted by exceptions", grouped(report.excepted.len()))?;
    }
    if report.baselined > 0 {
        write!(out, "; {} in the baseline", grouped(report.baselined))?;
    }
    writeln!(out)
}

fn files(render: &Render<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let coverage = &render.report.coverage;
    let mut parts = Vec::new();
    for (judgement, words) in [
        (Judgement::Judged, "judged"),
        (Judgement::Partly, "judged in part"),
        (Judgement::NotJudged, "not judged"),
        (Judgement::NotKubernetes, "not Kubernetes"),
        (Judgement::Rendered, "judged as rendered"),
        (Judgement::Excluded, "left out"),
    ] {
        let count = coverage.files_with(judgement);
        if count > 0 || judgement == Judgement::Judged {
            parts.push(format!("{} {words}", grouped(count)));
        }
    }
    let seconds = format!("{}.{:02} s", render.elapsed_ms / 1000, render.elapsed_ms % 1000 / 10);
    let text = format!(
        "{}: {}; {}, {}; {seconds}",
        plural(coverage.files.len(), "file"),
        parts.join(", "),
        plural(size(coverage.objects()), "object"),
        plural(render.rules.len(), "rule"),
    );
    writeln!(out, "{}", style.dim(style.wrap(&text, 0, 2)))
}

fn size(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn more(out: &mut dyn Write, count: usize, shown: usize) -> io::Result<()> {
    match count.checked_sub(shown) {
        None | Some(0) => Ok(()),
        Some(rest) => writeln!(out, "  … and {} more", grouped(rest)),
    }
}

const GAPS_MAX: usize = 20;
const EXCEPTIONS_MAX: usize = 20;
const UPGRADES_MAX: usize = 10;
