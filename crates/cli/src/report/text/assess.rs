//! The posture on a terminal: phase by phase, then what this input cannot tell, then the worst findings.

use std::io::{self, Write};

use model::catalogue::{Area, Phase};
use model::{Finding, Posture, Severity, State};

use super::style::Style;
use super::{Printer, groups};
use crate::report::Render;
use crate::report::tally::{area, area_title, grouped, plural, states};
use crate::report::unknown;

/// Prints the posture and the worst findings.
pub(crate) fn write(render: &Render<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    head(render, style, out)?;
    overview(render, style, out)?;
    for part in Area::ALL {
        violated(render, style, part, out)?;
    }
    unknown(render, style, out)?;
    worst(render, style, out)
}

fn head(render: &Render<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let [violated, unknown, satisfied, absent] = states(render.report.posture.iter());
    let count = render.report.posture.len();
    writeln!(out, "{}", style.bold(format_args!("Posture of {count} controls")))?;
    writeln!(
        out,
        "{} violated, {} unknown, {} satisfied, {} not applicable",
        style.state(State::Violated, violated),
        style.state(State::Unknown, unknown),
        style.state(State::Satisfied, satisfied),
        absent
    )
}

/// One bar for each area, with a different glyph for each state.
fn overview(render: &Render<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let bar_width = style.width.saturating_sub(58).clamp(16, 40);
    let titles = "violated  unknown  satisfied  not appl.";
    writeln!(out, "\n{:16}{:bar_width$}  {}", "", "", style.dim(titles))?;
    for part in Area::ALL {
        if part == Area::Access {
            writeln!(out, "Runtime")?;
        }
        let indent = if part.phase() == Phase::Runtime { 2 } else { 0 };
        let title = area_title(part);
        let counts = states(render.report.posture.iter().filter(|entry| entry.control.area == part));
        let [violated, unknown, satisfied, absent] = counts;
        write!(out, "{:indent$}{title:<width$}", "", width = 16 - indent)?;
        for ((state, cells), glyph) in State::ALL.into_iter().zip(cells(counts, bar_width)).zip(GLYPHS) {
            write!(out, "{}", style.state(state, glyph.repeat(cells)))?;
        }
        writeln!(out, "  {violated:>8}  {unknown:>7}  {satisfied:>9}  {absent:>9}")?;
    }
    let legend = "█ violated  ░ unknown  ▓ satisfied  · not applicable";
    writeln!(out, "{:16}{}", "", style.dim(legend))
}

/// Cells of a bar for each count: every count above zero gets one, and together they fill the bar.
fn cells(counts: [usize; 4], width: usize) -> [usize; 4] {
    let total: usize = counts.iter().sum();
    if total == 0 {
        return [0; 4];
    }
    let mut cells = counts.map(|count| if count == 0 { 0 } else { (count * width / total).max(1) });
    while cells.iter().sum::<usize>() != width {
        let grow = cells.iter().sum::<usize>() < width;
        // The state whose share is furthest from its cells gives or takes one.
        let error = |at: usize| {
            let (want, have) =
                (counts.get(at).copied().unwrap_or(0) * width, cells.get(at).copied().unwrap_or(0) * total);
            if grow { want.saturating_sub(have) } else { have.saturating_sub(want) }
        };
        let Some(at) =
            (0..4).filter(|at| grow || cells.get(*at).is_some_and(|cell| *cell > 1)).max_by_key(|at| error(*at))
        else {
            break;
        };
        if let Some(cell) = cells.get_mut(at) {
            *cell = if grow { *cell + 1 } else { *cell - 1 };
        }
    }
    cells
}

fn violated(render: &Render<'_>, style: Style, part: Area, out: &mut dyn Write) -> io::Result<()> {
    let entries = area(render.report, part);
    let violated: Vec<&&Posture> = entries.iter().filter(|entry| entry.state == State::Violated).collect();
    if violated.is_empty() {
        return Ok(());
    }
    let title = match part.phase() {
        Phase::Runtime => format!("Runtime: {}", area_title(part).to_lowercase()),
        _ => area_title(part).into(),
    };
    writeln!(out, "\n{} — {}", style.bold(title), plural(violated.len(), "violated control"))?;
    for entry in violated.iter().take(VIOLATED_PER_AREA_MAX) {
        let worst = entry.worst.unwrap_or(Severity::Info);
        let count = grouped(entry.findings + entry.excepted);
        let room = style.width.saturating_sub(2 + 10 + 7 + 10);
        let title: String = match entry.control.title.chars().count() > room {
            true => entry.control.title.chars().take(room.saturating_sub(1)).chain(['…']).collect(),
            false => entry.control.title.into(),
        };
        let note = if entry.findings == 0 { " accepted" } else { "" };
        let worst = style.severity(worst, format!("{worst:<8}"));
        writeln!(out, "  {worst}  {}  {title:<room$}{count:>7}{note}", entry.control.id)?;
    }
    match violated.len().checked_sub(VIOLATED_PER_AREA_MAX) {
        None | Some(0) => Ok(()),
        Some(rest) => writeln!(out, "  … and {rest} more"),
    }
}

/// The unknown controls by what would have to be given, so that the reader sees what to add next.
fn unknown(render: &Render<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let groups = unknown::groups(render);
    let count = groups.iter().map(|(_, entries)| entries.len()).sum();
    if count == 0 {
        return Ok(());
    }
    writeln!(out, "\n{} — {}", style.bold("What this input cannot tell"), plural(count, "control"))?;
    groups.iter().try_for_each(|(what, entries)| list(style, what, entries, out))
}

fn list(style: Style, what: &str, entries: &[&Posture], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "  {:>4}  {}", entries.len(), style.wrap(what, 8, 8))?;
    let ids: Vec<&str> = entries.iter().map(|entry| entry.control.id).collect();
    writeln!(out, "        {}", style.dim(style.wrap(&ids.join(" "), 8, 8)))
}

/// The worst findings in full, one of each rule first.
fn worst(render: &Render<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let all: Vec<Vec<&Finding>> = groups(&render.report.findings).collect();
    if all.is_empty() {
        return Ok(());
    }
    let mut picked: Vec<(Severity, usize)> = Vec::new();
    let mut codes = std::collections::HashSet::new();
    for severity in Severity::ALL.into_iter().filter(|severity| *severity > Severity::Info) {
        for (at, group) in all.iter().enumerate() {
            let Some(first) = group.first().filter(|first| first.severity == severity) else { continue };
            if picked.len() < FINDINGS_MAX && codes.insert(first.rule.code) {
                picked.push((severity, at));
            }
        }
    }
    if !picked.is_empty() {
        writeln!(out, "\n{}\n", style.bold("The worst findings, one of each kind"))?;
    }
    let mut printer = Printer::new(render, style);
    let mut shown = 0;
    for (count, (_, at)) in picked.iter().enumerate() {
        let Some(group) = all.get(*at) else { continue };
        shown += group.len();
        printer.headless(group.clone(), count == 0, out)?;
    }
    match render.report.findings.len().checked_sub(shown) {
        None | Some(0) => Ok(()),
        Some(rest) => {
            let count = plural(rest, "more finding");
            writeln!(out, "\n… {count}: {}", style.hint("kobuk scan manifests"))
        }
    }
}

const GLYPHS: [&str; 4] = ["█", "░", "▓", "·"];
const VIOLATED_PER_AREA_MAX: usize = 12;
const FINDINGS_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_always_full_and_hides_no_state() {
        for counts in [[1, 28, 0, 0], [0, 0, 0, 31], [1, 1, 1, 100], [7, 7, 7, 7], [30, 1, 1, 1], [1, 1, 1, 1]] {
            for width in [16, 17, 40] {
                let cells = cells(counts, width);
                assert_eq!(cells.iter().sum::<usize>(), width, "{counts:?}");
                for (cell, count) in cells.iter().zip(counts) {
                    assert_eq!(*cell == 0, count == 0, "{counts:?} {cells:?}");
                }
            }
        }
        assert_eq!(cells([0; 4], 16), [0; 4]);
    }
}
