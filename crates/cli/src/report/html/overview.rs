//! The picture of the posture: five phases, their areas, one mark for each control.

use std::io::{self, Write};

use model::catalogue::{Area, Phase};
use model::{Posture, State};

use super::state_words;
use crate::report::Render;
use crate::report::escape::Html;
use crate::report::tally::{area, area_title, states};
use crate::report::unknown;

/// Prints the overview section.
pub(crate) fn write(render: &Render<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section id=\"overview\"><h2>The lifecycle at a glance</h2>")?;
    symbols(out)?;
    writeln!(out, "<div class=\"phases\">")?;
    for phase in Phase::ALL {
        writeln!(out, "<div class=\"phase {}\"><h3>{}</h3><div class=\"areas\">", phase.as_str(), phase_title(phase))?;
        for part in Area::ALL.into_iter().filter(|part| part.phase() == phase) {
            self::part(render, part, out)?;
        }
        writeln!(out, "</div></div>")?;
    }
    writeln!(out, "</div>")?;
    legend(out)?;
    missing(render, out)?;
    writeln!(out, "</section>")
}

fn part(render: &Render<'_>, part: Area, out: &mut dyn Write) -> io::Result<()> {
    let entries = area(render.report, part);
    let counts = states(entries.iter().copied());
    writeln!(out, "<div class=\"part\">")?;
    // A phase that is one area repeats its name, unseen, so that all bars stand in one line.
    let silent = if part.phase() == Phase::Runtime { "" } else { " aria-hidden=\"true\"" };
    writeln!(out, "<h4{silent}>{}</h4>", area_title(part))?;
    let [violated, ..] = counts;
    writeln!(out, "<p class=\"tally\"><b>{violated}</b> of {} violated</p>", entries.len())?;
    proportions(part, counts, out)?;
    marks(part, &entries, out)?;
    writeln!(out, "</div>")
}

/// One bar with the share of each state.
fn proportions(part: Area, counts: [usize; 4], out: &mut dyn Write) -> io::Result<()> {
    let total = counts.iter().sum::<usize>().max(1);
    let words: Vec<String> =
        State::ALL.into_iter().zip(counts).map(|(state, count)| format!("{count} {}", state_words(state))).collect();
    write!(
        out,
        "<svg class=\"share\" viewBox=\"0 0 1000 6\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}: {}\">",
        area_title(part),
        words.join(", ")
    )?;
    let mut x = 0;
    for (state, count) in State::ALL.into_iter().zip(counts) {
        let width = count * 1000 / total;
        if width > 0 {
            write!(out, "<rect class=\"f {}\" x=\"{x}\" width=\"{width}\" height=\"6\"/>", state.as_str())?;
        }
        x += width;
    }
    writeln!(out, "</svg>")
}

/// One mark for each control, worst first, each a link to its details.
fn marks(part: Area, entries: &[&Posture], out: &mut dyn Write) -> io::Result<()> {
    let rows = entries.len().div_ceil(COLUMNS).max(1);
    let (width, height) = (COLUMNS * PITCH - GAP, rows * PITCH - GAP);
    writeln!(
        out,
        "<svg class=\"marks\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         aria-label=\"Controls of {}\">",
        area_title(part)
    )?;
    for (at, entry) in entries.iter().enumerate() {
        let (x, y) = (at % COLUMNS * PITCH, at / COLUMNS * PITCH);
        let state = entry.state.as_str();
        writeln!(
            out,
            "<a href=\"#c-{0}\" class=\"f {state}\"><title>{0} {1} — {2}</title><use href=\"#m-{state}\" x=\"{x}\" y=\"{y}\"/></a>",
            entry.control.id,
            Html(entry.control.title),
            state_words(entry.state)
        )?;
    }
    writeln!(out, "</svg>")
}

/// The marks differ in shape, not only in colour.
fn symbols(out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "<svg class=\"defs\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>\
         <g id=\"m-violated\"><rect width=\"17\" height=\"17\" rx=\"3.5\"/><path class=\"cut\" d=\"M5.5 5.5l6 6m0-6l-6 6\"/></g>\
         <g id=\"m-unknown\"><rect class=\"hollow\" x=\".75\" y=\".75\" width=\"15.5\" height=\"15.5\" rx=\"3\"/></g>\
         <g id=\"m-satisfied\"><rect width=\"17\" height=\"17\" rx=\"3.5\"/><path class=\"cut\" d=\"M4.8 8.8l2.6 2.6 4.8-5.2\"/></g>\
         <g id=\"m-not-applicable\"><rect class=\"hit\" width=\"17\" height=\"17\"/><circle cx=\"8.5\" cy=\"8.5\" r=\"2.6\"/></g>\
         </defs></svg>"
    )
}

fn legend(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<ul class=\"legend\">")?;
    for state in State::ALL {
        writeln!(
            out,
            "<li><svg width=\"17\" height=\"17\" aria-hidden=\"true\"><g class=\"f {0}\"><use href=\"#m-{0}\"/></g></svg>{1}</li>",
            state.as_str(),
            state_words(state)
        )?;
    }
    writeln!(out, "</ul>")
}

/// What the reader could add next.
fn missing(render: &Render<'_>, out: &mut dyn Write) -> io::Result<()> {
    let groups = unknown::groups(render);
    if groups.is_empty() {
        return Ok(());
    }
    writeln!(out, "<h3>What this input cannot tell</h3><ul class=\"missing\">")?;
    for (what, entries) in groups {
        let noun = if entries.len() == 1 { "control" } else { "controls" };
        writeln!(
            out,
            "<li><details><summary><b>{}</b> <span>{noun}:</span> {}</summary><p class=\"chips\">",
            entries.len(),
            Html(&what)
        )?;
        for entry in entries {
            write!(out, "<a href=\"#c-{0}\" title=\"{1}\">{0}</a> ", entry.control.id, Html(entry.control.title))?;
        }
        writeln!(out, "</p></details></li>")?;
    }
    writeln!(out, "</ul>")
}

pub(super) fn phase_title(phase: Phase) -> &'static str {
    match phase {
        Phase::Develop => "Develop",
        Phase::Distribute => "Distribute",
        Phase::Deploy => "Deploy",
        Phase::Runtime => "Runtime",
        Phase::Observability => "Observability",
    }
}

const COLUMNS: usize = 6;
const PITCH: usize = 20;
const GAP: usize = 3;
