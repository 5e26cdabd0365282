//! One HTML file that needs nothing else: no network, no other file, and no script to be readable.
//!
//! The content security policy allows exactly the one style and the one script below, by hash, so that a
//! string that slipped through the escaping still could not run or load anything.

mod advice;
mod coverage;
mod findings;
mod overview;
mod posture;

use std::fmt::{self, Display, Formatter};
use std::io::{self, Write};

use model::{Severity, State};

use super::Render;
use super::escape::Html;
use super::identity::csp_hash;
use super::tally::{grouped, plural, severities, states};

/// Prints the page.
pub(crate) fn write(render: &Render<'_>, out: &mut dyn Write) -> io::Result<()> {
    let title = if render.assess { "Security posture" } else { "Scan report" };
    let shown = findings::choose(render);
    writeln!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src {}; script-src {}; \
         base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>Kobuk: {title}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
        csp_hash(STYLE),
        csp_hash(SCRIPT)
    )?;
    writeln!(out, "<a class=\"skip\" href=\"#main\">Skip to content</a>")?;
    header(render, title, out)?;
    writeln!(out, "<main id=\"main\">")?;
    tiles(render, out)?;
    if render.assess {
        overview::write(render, out)?;
        posture::write(render, &shown, out)?;
    }
    findings::write(render, &shown, out)?;
    advice::upgrades(render, out)?;
    coverage::exceptions(render, out)?;
    coverage::write(render, out)?;
    advice::sources(render, out)?;
    findings::rules(render, &shown, out)?;
    writeln!(out, "</main>")?;
    writeln!(
        out,
        "<footer><p>Kobuk {} judged what it was given and nothing else. <em>Unknown</em> is never a pass.</p></footer>",
        Html(render.version)
    )?;
    writeln!(out, "<script>{SCRIPT}</script>\n</body>\n</html>")
}

fn header(render: &Render<'_>, title: &str, out: &mut dyn Write) -> io::Result<()> {
    let coverage = &render.report.coverage;
    let objects = usize::try_from(coverage.objects()).unwrap_or(usize::MAX);
    writeln!(
        out,
        "<header class=\"top\"><div class=\"bar\"><p class=\"brand\">{LOGO}<span>Kobuk</span></p><nav aria-label=\"Sections\">"
    )?;
    if render.assess {
        write!(out, "<a href=\"#overview\">Overview</a><a href=\"#posture\">Controls</a>")?;
    }
    write!(out, "<a href=\"#findings\">Findings</a>")?;
    if !render.report.exceptions.is_empty() {
        write!(out, "<a href=\"#exceptions\">Exceptions</a>")?;
    }
    if !render.report.upgrades.is_empty() {
        write!(out, "<a href=\"#upgrades\">Upgrades</a>")?;
    }
    write!(out, "<a href=\"#coverage\">Coverage</a>")?;
    if !render.report.advisories.is_empty() {
        write!(out, "<a href=\"#advisories\">Advisories</a>")?;
    }
    writeln!(out, "</nav></div>")?;
    writeln!(
        out,
        "<div class=\"bar head\"><h1>{title}</h1><p class=\"meta\"><code>{}</code><span>{}</span><span>{}, {}</span>\
         <span>{}</span></p></div></header>",
        Html(&render.command_line()),
        Html(&render.time().replace('T', " ").replace('Z', " UTC")),
        plural(coverage.files.len(), "file"),
        plural(objects, "object"),
        plural(render.rules.len(), "rule"),
    )
}

fn tiles(render: &Render<'_>, out: &mut dyn Write) -> io::Result<()> {
    let report = render.report;
    writeln!(out, "<section class=\"tiles\" aria-label=\"Summary\">")?;
    if render.assess {
        for (state, count) in State::ALL.into_iter().zip(states(report.posture.iter())) {
            writeln!(
                out,
                "<a class=\"tile\" href=\"#posture\" data-show=\"{0}\"><b>{1}</b><span class=\"state {0}\">{2}</span></a>",
                state.as_str(),
                grouped(count),
                state_words(state)
            )?;
        }
    }
    writeln!(out, "<div class=\"tile wide\"><b>{}</b><ul class=\"counts\">", plural(report.findings.len(), "finding"))?;
    for (severity, count) in Severity::ALL.into_iter().zip(severities(report.findings.iter())) {
        let none = if count == 0 { " none" } else { "" };
        writeln!(out, "<li class=\"sev {severity}{none}\"><b>{}</b> {severity}</li>", grouped(count))?;
    }
    writeln!(out, "</ul>")?;
    let mut notes = Vec::new();
    if !report.excepted.is_empty() {
        notes.push(format!("{} accepted by exceptions", grouped(report.excepted.len())));
    }
    if report.baselined > 0 {
        notes.push(format!("{} in the baseline", grouped(report.baselined)));
    }
    let gaps = report.coverage.gaps().count();
    if gaps > 0 {
        notes.push(format!("<a href=\"#coverage\">{} not judged</a>", plural(gaps, "part")));
    }
    if !notes.is_empty() {
        writeln!(out, "<p class=\"note\">{}</p>", notes.join(" · "))?;
    }
    writeln!(out, "</div></section>")
}

fn state_words(state: State) -> &'static str {
    match state {
        State::NotApplicable => "not applicable",
        state => state.as_str(),
    }
}

/// A message in which `code` between backticks stands out.
struct Prose<'a>(&'a str);

impl Display for Prose<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // An odd number of backticks has no pairs to trust.
        if self.0.matches('`').count() % 2 == 1 {
            return Html(self.0).fmt(f);
        }
        for (at, part) in self.0.split('`').enumerate() {
            match at % 2 {
                0 => Html(part).fmt(f)?,
                _ => write!(f, "<code>{}</code>", Html(part))?,
            }
        }
        Ok(())
    }
}

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");
const LOGO: &str = "<svg viewBox=\"0 0 24 24\" width=\"22\" height=\"22\" aria-hidden=\"true\"><path class=\"logo\" \
    d=\"M12 1.8 3.5 5v6.2c0 5.2 3.5 9 8.5 11 5-2 8.5-5.8 8.5-11V5z\"/><path class=\"logo-mark\" \
    d=\"M6.8 15.6c2.2 0 2.2-2.4 4.4-2.4s2.2 2.4 4.4 2.4 1.2-.6 1.9-1.2M6.8 10.4c2.2 0 2.2-2.4 4.4-2.4s2.2 2.4 4.4 2.4 \
    1.2-.6 1.9-1.2\"/></svg>";

#[cfg(test)]
mod tests {
    use crate::report::escape::hostile;
    use crate::report::{Format, sample};

    fn page(report: &sample::Sample) -> String {
        sample::printed_with(Format::Html, report, |render| render.assess = true)
    }

    #[test]
    fn the_page_loads_nothing_and_runs_only_its_own_script() {
        let page = page(&sample::typical());
        assert!(page.contains("default-src 'none'; style-src 'sha256-"));
        assert!(!page.contains("unsafe-inline") && !page.contains(" style=\"") && !page.contains(" onclick="));
        for outside in ["src=", "http://", "https://", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert_eq!(page.matches("<script").count(), 1);
    }

    #[test]
    fn hostile_strings_stay_text_in_every_field() {
        let page = page(&sample::hostile());
        assert_eq!((page.matches("<script").count(), page.matches("</script").count()), (1, 1));
        assert!(!page.contains("<img"));
        assert!(!page.chars().any(|c| c != '\n' && hostile(c)));
        let parsed = page.replace("&lt;", "").replace("&quot;", "").replace("&#39;", "");
        for tag in parsed.split('<').skip(1) {
            assert_eq!(tag.split('>').next().unwrap().matches('"').count() % 2, 0, "{tag}");
        }
    }

    #[test]
    fn every_link_inside_the_page_has_its_target() {
        let page = page(&sample::vulnerable());
        for target in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(page.contains(&format!("id=\"{target}\"")), "{target}");
        }
        let mut ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }

    #[test]
    fn tags_are_balanced() {
        for report in [sample::empty(), sample::typical(), sample::vulnerable(), sample::hostile()] {
            let page = page(&report);
            for tag in [
                "section", "details", "summary", "div", "ul", "li", "table", "tr", "svg", "article", "pre", "p", "a",
                "span",
            ] {
                let open = page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
                assert_eq!(open, page.matches(&format!("</{tag}>")).count(), "{tag}");
            }
        }
    }

    #[test]
    fn big_reports_are_cut_with_a_note() {
        let page = sample::printed(Format::Html, &sample::crowd(5_100));
        assert_eq!((page.matches("<article").count(), page.matches("<pre").count()), (5_000, 51));
        assert!(page.contains("100 more findings are not shown"));
    }

    #[test]
    fn nothing_found_is_still_a_page() {
        assert!(page(&sample::empty()).contains("No findings."));
    }
}
