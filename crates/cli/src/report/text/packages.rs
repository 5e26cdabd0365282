//! Vulnerabilities of packages as a table, the worst first: what is looked for is a row, not a paragraph.

use std::cmp::Reverse;
use std::io::{self, Write};

use model::Finding;
use unicode_width::UnicodeWidthStr;

use super::style::Style;
use crate::report::escape::Shown;

/// Prints the findings of one image or folder.
pub(super) fn write(findings: &[&Finding], style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut rows: Vec<&Finding> = findings.to_vec();
    rows.sort_by_key(|finding| {
        (Reverse(finding.severity), finding.subject.name.clone(), finding.property("vulnerability").map(str::to_owned))
    });
    let cells: Vec<[String; 4]> = rows.iter().map(|finding| row(finding)).collect();
    let titles = ["vulnerability", "package", "installed", "fixed in"].map(str::to_owned);
    let mut widths = [0; 4];
    for row in cells.iter().chain([&titles]) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width()).min(CELL_MAX);
        }
    }
    let head = line(&titles, widths);
    writeln!(out, "{}", style.dim(format_args!("{:<9}{head}", "severity")))?;
    for (finding, cells) in rows.iter().zip(&cells) {
        let word = format!("{:<9}", finding.severity.as_str());
        let notes = notes(finding);
        let row = line(cells, widths);
        let row = if notes.is_empty() { row.trim_end().to_owned() } else { row };
        writeln!(out, "{}{row}{}", style.severity(finding.severity, word), style.hint(notes))?;
    }
    writeln!(out)
}

fn row(finding: &Finding) -> [String; 4] {
    let property = |name: &str| Shown(finding.property(name).unwrap_or("")).to_string();
    let fixed = match (finding.property("fixed"), finding.property("status")) {
        (Some(fixed), _) if !fixed.is_empty() => Shown(fixed).to_string(),
        (_, Some(status)) if status != "affected" => format!("({})", Shown(status)),
        _ => String::from("-"),
    };
    [property("vulnerability"), Shown(&finding.subject.name).to_string(), property("installed"), fixed]
}

fn line(cells: &[String; 4], widths: [usize; 4]) -> String {
    let mut text = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        text.push_str(cell);
        // A cell that is too long pushes the others aside rather than being cut: it is there to be copied.
        text.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + 2));
    }
    text
}

/// What makes a row more urgent than its severity says.
fn notes(finding: &Finding) -> String {
    let mut notes = Vec::new();
    if let Some(added) = finding.property("exploited") {
        notes.push(format!("exploited since {}", Shown(added)));
    }
    let epss = finding.property("epss").and_then(|epss| epss.parse::<f32>().ok());
    if let Some(epss) = epss.filter(|epss| *epss >= EPSS_SHOWN_MIN) {
        notes.push(format!("EPSS {:.0} %", epss * 100.0));
    }
    notes.join(", ")
}

/// Widest column that is aligned; names of Go modules and Debian versions fit.
const CELL_MAX: usize = 44;

/// Probability of exploitation from which on it is worth a word.
const EPSS_SHOWN_MIN: f32 = 0.1;
