//! What to upgrade, and how old the knowledge of vulnerabilities is.

use std::io::{self, Write};

use super::coverage::{ROWS_MAX, rest};
use crate::report::Render;
use crate::report::escape::Html;
use crate::report::tally::{age_words, grouped, upgrades as ordered};

/// Prints the upgrades, those first that clear most.
pub(crate) fn upgrades(render: &Render<'_>, out: &mut dyn Write) -> io::Result<()> {
    let upgrades = &render.report.upgrades;
    if upgrades.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "<section id=\"upgrades\"><h2>Upgrades</h2><p class=\"muted\">For each package the smallest version that is known to \
         clear its vulnerabilities.</p><div class=\"scroll\"><table><thead><tr><th scope=\"col\">Package</th>\
         <th scope=\"col\">Installed</th><th scope=\"col\">To</th><th scope=\"col\" class=\"n\">Clears</th>\
         <th scope=\"col\" class=\"n\">Without a fix</th><th scope=\"col\">Made in</th><th scope=\"col\">Target</th></tr></thead><tbody>"
    )?;
    for upgrade in ordered(render.report).into_iter().take(ROWS_MAX) {
        writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td class=\"nw\">{}</td><td class=\"nw\">{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td><td class=\"nw\">{}</td><td class=\"path\">{}</td></tr>",
            Html(&upgrade.package),
            Html(&upgrade.installed),
            Html(&upgrade.to),
            grouped(upgrade.clears.len()),
            grouped(upgrade.stays.len()),
            upgrade.by.words(),
            Html(render.report.path(upgrade.file))
        )?;
    }
    writeln!(out, "</tbody></table></div>")?;
    rest(out, upgrades.len())?;
    writeln!(out, "</section>")
}

/// Prints the sources of advisories.
pub(crate) fn sources(render: &Render<'_>, out: &mut dyn Write) -> io::Result<()> {
    let sources = &render.report.advisories;
    if sources.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "<section id=\"advisories\"><h2>Advisories</h2><p class=\"muted\">What vulnerabilities were judged by. The silence of a \
         stale source means nothing.</p><div class=\"scroll\"><table><thead><tr><th scope=\"col\">Source</th>\
         <th scope=\"col\">Of</th><th scope=\"col\">Age</th><th scope=\"col\">State</th><th scope=\"col\">Licence</th></tr></thead><tbody>"
    )?;
    for source in sources.iter().take(ROWS_MAX) {
        let state = if source.stale { "stale" } else { "fresh" };
        writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td class=\"nw\">{}</td><td class=\"nw\">{}</td><td>{state}</td><td>{}</td></tr>",
            Html(&source.name),
            Html(&model::exception::format_date(source.since_unix).replace('T', " ").replace('Z', " UTC")),
            age_words(source),
            Html(&source.license)
        )?;
    }
    writeln!(out, "</tbody></table></div>")?;
    rest(out, sources.len())?;
    writeln!(out, "</section>")
}
