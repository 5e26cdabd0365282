//! Output formats.
use std::io::{self, Write};
/// Formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
    Sarif,
    Junit,
    Markdown,
    Github,
    Html,
    Openreports,
    Oscal,
}
pub(crate) fn oscal_catalogue(_out: &mut dyn Write) -> io::Result<()> {
    Ok(())
}
pub(crate) struct Render<'a> {
    pub report: &'a model::Report,
    pub rules: &'a [&'static model::Rule],
    pub source: &'a dyn Fn(model::FileId) -> Option<String>,
    pub color: bool,
    pub width: usize,
    pub assess: bool,
    pub now_unix: i64,
    pub version: &'a str,
    pub elapsed_ms: u64,
    pub command: &'a str,
    pub fail_on: model::Severity,
}
pub(crate) fn write(_f: Format, r: &Render<'_>, out: &mut dyn Write) -> io::Result<()> {
    for f in &r.report.findings {
        writeln!(
            out,
            "{}:{}:{} {} {} {}",
            r.report.path(f.location.file),
            f.location.line,
            f.location.column,
            f.severity,
            f.rule.code,
            f.message
        )?;
    }
    for g in r.report.coverage.gaps() {
        writeln!(
            out,
            "GAP {}:{}:{} {} {}",
            r.report.path(g.location.file),
            g.location.line,
            g.location.column,
            g.kind.as_str(),
            g.message
        )?;
    }
    Ok(())
}
