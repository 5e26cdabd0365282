//! Markdown for a comment on a pull request.

use std::fmt::{self, Display, Formatter};
use std::io::{self, Write};

use model::{Finding, Judgement, Severity, State};

use super::Render;
use super::escape::{Code, Link, Markdown};
use super::tally::{advisories_words, exception_state, plural, rank, severities, states, upgrades as ordered};

/// Prints the report.
pub(crate) fn write(render: &Render<'_>, out: &mut dyn Write) -> io::Result<()> {
    summary(render, out)?;
    if render.assess {
        posture(render, out)?;
    }
    findings(render, out)?;
    upgrades(render, out)?;
    exceptions(render, out)?;
    gaps(render, out)?;
    if let Some(words) = advisories_words(&render.report.advisories) {
        writeln!(out, "\nJudged by {words}.")?;
    }
    writeln!(out, "\n<sub>Kobuk {} · {}</sub>", Markdown(render.version), Code(&render.command_line()))
}

fn summary(render: &Render<'_>, out: &mut dyn Write) -> io::Result<()> {
    let report = render.report;
    let coverage = &report.coverage;
    match report.findings.len() {
        0 => writeln!(out, "## Kobuk: no findings\n")?,
        count => writeln!(out, "## Kobuk: {}\n", plural(count, "finding"))?,
    }
    writeln!(out, "| Critical | High | Medium | Low | Info | Accepted | Objects | Files judged | Not judged |")?;
    writeln!(out, "|---:|---:|---:|---:|---:|---:|---:|---:|---:|")?;
    for count in severities(report.findings.iter()) {
        write!(out, "| {count} ")?;
    }
    let judged = coverage.files_with(Judgement::Judged) + coverage.files_with(Judgement::Partly);
    let unjudged = coverage.files_with(Judgement::NotJudged) + coverage.files_with(Judgement::Partly);
    writeln!(out, "| {} | {} | {judged} | {unjudged} |\n", report.excepted.len(), coverage.objects())
}

fn posture(render: &Render<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "### Posture\n\n| Phase | Violated | Unknown | Satisfied | Not applicable |")?;
    writeln!(out, "|---|---:|---:|---:|---:|")?;
    for phase in model::Phase::ALL {
        let entries = render.report.posture.iter().filter(|entry| entry.control.phase == phase);
        let [violated, unknown, satisfied, absent] = states(entries);
        writeln!(out, "| {} | {violated} | {unknown} | {satisfied} | {absent} |", phase.as_str())?;
    }
    let mut violated: Vec<_> = render.report.posture.iter().filter(|entry| entry.state == State::Violated).collect();
    violated.sort_by_key(|entry| (std::cmp::Reverse(entry.worst), std::cmp::Reverse(entry.findings)));
    if violated.is_empty() {
        return writeln!(out);
    }
    writeln!(out, "\n| Violated control | Worst | |\n|---|---|---|")?;
    for entry in violated.iter().take(CONTROLS_MAX) {
        let worst = entry.worst.map_or("", Severity::as_str);
        let (id, title) = (entry.control.id, Markdown(entry.control.title));
        writeln!(out, "| **{id}** {title} | {worst} | {} |", Markdown(&entry.reason))?;
    }
    more(out, violated.len(), CONTROLS_MAX, "violated control")?;
    writeln!(out)
}

fn findings(render: &Render<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut worst: Vec<&Finding> = Vec::new();
    for severity in Severity::ALL {
        let room = FINDINGS_MAX - worst.len();
        worst.extend(render.report.findings.iter().filter(|finding| finding.severity == severity).take(room));
    }
    if worst.is_empty() {
        return Ok(());
    }
    writeln!(out, "### Findings\n\n| Severity | Finding | Object | Place |\n|---|---|---|---|")?;
    for finding in &worst {
        let path = render.report.path(finding.location.file);
        let shown = path.strip_prefix("./").unwrap_or(path);
        let (colon, hash) = match finding.location.line {
            0 => (String::new(), String::new()),
            line => (format!(":{line}"), format!("#L{line}")),
        };
        let marker = MARKERS.get(rank(finding.severity)).copied().unwrap_or("");
        write!(
            out,
            "| {marker} {} | {}<br><code>{}</code> | ",
            finding.severity,
            Prose(&finding.message),
            finding.rule.code
        )?;
        write!(out, "{} | [{}{colon}](", Markdown(&finding.subject.display()), Markdown(shown))?;
        writeln!(out, "{}{hash}) |", Link(shown.trim_start_matches('/')))?;
    }
    more(out, render.report.findings.len(), FINDINGS_MAX, "finding")?;
    fixes(&worst, out)
}

fn fixes(findings: &[&Finding], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n<details><summary>How to fix</summary>\n")?;
    let mut rules: Vec<_> = findings.iter().map(|finding| finding.rule).collect();
    rules.sort_by_key(|rule| rule.code);
    rules.dedup_by_key(|rule| rule.code);
    for rule in rules {
        writeln!(out, "- <code>{}</code>: {}", rule.code, Prose(rule.fix))?;
    }
    writeln!(out, "\n</details>")
}

fn upgrades(render: &Render<'_>, out: &mut dyn Write) -> io::Result<()> {
    let upgrades = &render.report.upgrades;
    if upgrades.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n<details><summary>{}</summary>\n\n| Package | Installed | To | Clears | Without a fix | Made in |\n|---|---|---|---:|---:|---|",
        plural(upgrades.len(), "upgrade")
    )?;
    for upgrade in ordered(render.report).into_iter().take(UPGRADES_MAX) {
        write!(out, "| {} | {} ", Markdown(&upgrade.package), Markdown(&upgrade.installed))?;
        let (clears, stays) = (upgrade.clears.len(), upgrade.stays.len());
        writeln!(out, "| {} | {clears} | {stays} | {} |", Markdown(&upgrade.to), upgrade.by.words())?;
    }
    more(out, upgrades.len(), UPGRADES_MAX, "upgrade")?;
    writeln!(out, "\n</details>")
}

fn exceptions(render: &Render<'_>, out: &mut dyn Write) -> io::Result<()> {
    let uses = &render.report.exceptions;
    if uses.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n### Exceptions\n\n| Exception | State | Owner | Until | Findings | Reason |\n|---|---|---|---|---:|---|"
    )?;
    for used in uses.iter().take(EXCEPTIONS_MAX) {
        let exception = &used.exception;
        write!(out, "| {} | {} | {} ", Markdown(&exception.name), exception_state(used), Markdown(&exception.owner))?;
        writeln!(out, "| {} | {} | {} |", Markdown(&exception.expires), used.matched, Markdown(&exception.reason))?;
    }
    more(out, uses.len(), EXCEPTIONS_MAX, "exception")
}

fn gaps(render: &Render<'_>, out: &mut dyn Write) -> io::Result<()> {
    let count = render.report.coverage.gaps().count();
    if count == 0 {
        return Ok(());
    }
    writeln!(out, "\n### Not judged\n\n| Place | Why |\n|---|---|")?;
    for gap in render.report.coverage.gaps().take(GAPS_MAX) {
        let path = render.report.path(gap.location.file);
        let (line, kind) = (gap.location.line, gap.kind.as_str());
        writeln!(out, "| {}:{line} | {kind}: {} |", Markdown(path), Prose(&gap.message))?;
    }
    more(out, count, GAPS_MAX, "part")
}

fn more(out: &mut dyn Write, count: usize, shown: usize, noun: &str) -> io::Result<()> {
    match count.checked_sub(shown) {
        None | Some(0) => Ok(()),
        Some(rest) => writeln!(out, "\n… and {}.", plural(rest, &format!("more {noun}"))),
    }
}

/// A sentence in which `code` between backticks stays code.
struct Prose<'a>(&'a str);

impl Display for Prose<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // An odd number of backticks has no pairs to trust.
        if self.0.matches('`').count() % 2 == 1 {
            return Markdown(self.0).fmt(f);
        }
        for (at, part) in self.0.split('`').enumerate() {
            if at % 2 == 0 { Markdown(part).fmt(f)? } else { Code(part).fmt(f)? }
        }
        Ok(())
    }
}

/// Comments hold 65,536 characters; a row takes up to about 400, so these together stay below.
const FINDINGS_MAX: usize = 80;
const CONTROLS_MAX: usize = 30;
const EXCEPTIONS_MAX: usize = 20;
const GAPS_MAX: usize = 20;
const UPGRADES_MAX: usize = 30;
const MARKERS: [&str; 5] = ["🟥", "🟧", "🟨", "🟦", "⬜"];

#[cfg(test)]
mod tests {
    use crate::report::{Format, sample};

    #[test]
    fn rows_link_to_the_line() {
        let text = sample::printed_with(Format::Markdown, &sample::typical(), |render| render.assess = true);
        assert!(text.starts_with("## Kobuk: 5 findings\n"));
        assert!(text.contains("](deploy/web.yaml#L13) |"), "{text}");
        assert!(text.contains("| runtime | "));
        assert!(text.contains("| legacy-root | active |"));
    }

    #[test]
    fn a_hostile_string_adds_no_cell_no_tag_and_no_mention() {
        let text = sample::printed(Format::Markdown, &sample::hostile());
        for line in text.lines().filter(|line| line.starts_with("| ") && line.contains("sample-")) {
            assert_eq!(line.matches('|').count(), 5, "{line}");
        }
        for forbidden in ["<img", "</script", "@all", "javascript:", "](x"] {
            assert!(!text.contains(forbidden), "{forbidden} in {text}");
        }
    }

    #[test]
    fn long_lists_end_with_a_count() {
        let text = sample::printed(Format::Markdown, &sample::crowd(100));
        assert!(text.contains("… and 20 more findings."));
        assert!(text.len() < 65_536);
    }

    #[test]
    fn nothing_found_says_so() {
        assert!(sample::printed(Format::Markdown, &sample::empty()).starts_with("## Kobuk: no findings\n"));
    }
}
