//! Every form in which a run can be printed.
//!
//! Expected flow: the caller folds a [`model::Report`], fills a [`Render`] and calls [`write()`] once.
//!
//! Guarantees: the same input gives the same bytes (time and version are passed in); memory does not grow
//! with the number of findings; every string that comes from a manifest is escaped for the place it is
//! printed in, and excerpts never show what looks like a credential.
//!
//! Assumptions: findings are ordered by file, so that the text of each file is asked for once.

mod escape;
mod excerpt;
mod github;
mod html;
mod identity;
mod json;
mod junit;
mod markdown;
mod openreports;
mod oscal;
mod sarif;
mod stream;
mod tally;
mod text;
mod unknown;

use std::io::{self, BufWriter, Write};

use model::{FileId, Report, Rule, Severity};

pub(crate) use self::escape::Shown;
pub(crate) use self::oscal::oscal_catalogue;
pub(crate) use self::tally::advisories_words;

#[cfg(test)]
mod sample;

/// Everything that a format may need.
pub(crate) struct Render<'a> {
    /// What the run found.
    pub(crate) report: &'a Report,
    /// Rules that ran.
    pub(crate) rules: &'a [&'static Rule],
    /// The decoded text of a file for excerpts; `None` when it is gone or was never text.
    pub(crate) source: &'a dyn Fn(FileId) -> Option<String>,
    /// Whether the terminal shows colour.
    pub(crate) color: bool,
    /// Width of the terminal in columns.
    pub(crate) width: usize,
    /// Whether the posture is wanted.
    pub(crate) assess: bool,
    /// The time of the run, in seconds since 1970.
    pub(crate) now_unix: i64,
    /// Version of Kobuk.
    pub(crate) version: &'a str,
    /// How long the run took.
    pub(crate) elapsed_ms: u64,
    /// The verb of the command line, for example `scan manifests`.
    pub(crate) command: &'a str,
    /// Findings of this severity or worse make the run fail.
    pub(crate) fail_on: Severity,
}

/// Form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people at a terminal.
    Text,
    /// Kobuk's own JSON, described by `docs/schemas/report-v1.schema.json`.
    Json,
    /// SARIF 2.1.0 for code scanning.
    Sarif,
    /// JUnit XML for build servers.
    Junit,
    /// Markdown for a comment on a pull request.
    Markdown,
    /// Annotations of GitHub Actions.
    Github,
    /// One HTML file that needs nothing else.
    Html,
    /// `openreports.io` Report and ClusterReport objects.
    Openreports,
    /// OSCAL assessment results.
    Oscal,
}

/// Prints the report in one format.
pub(crate) fn write(format: Format, render: &Render<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, out);
    match format {
        Format::Text => text::write(render, &mut out),
        Format::Json => json::write(render, &mut out),
        Format::Sarif => sarif::write(render, &mut out),
        Format::Junit => junit::write(render, &mut out),
        Format::Markdown => markdown::write(render, &mut out),
        Format::Github => github::write(render, &mut out),
        Format::Html => html::write(render, &mut out),
        Format::Openreports => openreports::write(render, &mut out),
        Format::Oscal => oscal::write(render, &mut out),
    }?;
    out.flush()
}

// === impl Render ===

impl Render<'_> {
    /// Whether the findings alone make the run fail.
    fn fails(&self) -> bool {
        self.report.findings.iter().any(|finding| finding.severity >= self.fail_on)
    }

    /// The command that made the report.
    fn command_line(&self) -> String {
        format!("kobuk {}", self.command)
    }

    /// A place as `path:line:column`; the path alone where a line has no meaning.
    fn place(&self, location: model::Location) -> String {
        let path = self.report.path(location.file);
        match location.line {
            0 => escape::Shown(path).to_string(),
            line => format!("{}:{line}:{}", escape::Shown(path), location.column),
        }
    }

    /// The time of the run in RFC 3339.
    fn time(&self) -> String {
        model::exception::format_date(self.now_unix)
    }
}

const BUFFER_BYTES: usize = 64 * 1024;
