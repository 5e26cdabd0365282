//! JUnit XML for build servers: a suite for each file, a failing case for each finding, a passing case for
//! each file without findings, an error for each part that could not be judged.

use std::io::{self, Write};

use model::{FileCoverage, Finding, Judgement};

use super::Render;
use super::escape::Xml;
use super::tally::plural;

/// Prints the report.
pub(crate) fn write(render: &Render<'_>, out: &mut dyn Write) -> io::Result<()> {
    let report = render.report;
    let (failures, errors) = (report.findings.len(), report.coverage.gaps().count());
    let clean = suites(render).filter(|suite| suite.findings.is_empty() && suite.file.gaps.is_empty()).count();
    let tests = failures + errors + clean + report.excepted.len();
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(
        out,
        "<testsuites name=\"kobuk\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{}\" \
         time=\"{}\">",
        report.excepted.len(),
        seconds(render.elapsed_ms)
    )?;
    for suite in suites(render) {
        suite.write(render, out)?;
    }
    writeln!(out, "</testsuites>")
}

/// One file with its findings.
struct Suite<'r> {
    file: &'r FileCoverage,
    findings: &'r [Finding],
    excepted: &'r [(Finding, usize)],
}

/// The suites in file order. Findings and files are both ordered, so each finding is looked at once.
fn suites<'r>(render: &Render<'r>) -> impl Iterator<Item = Suite<'r>> + use<'r> {
    let report = render.report;
    let mut findings = report.findings.as_slice();
    let mut excepted = report.excepted.as_slice();
    report.coverage.files.iter().filter_map(move |file| {
        let (mine, rest) = findings.split_at(findings.partition_point(|f| f.location.file <= file.file));
        findings = rest;
        let (accepted, rest) = excepted.split_at(excepted.partition_point(|(f, _)| f.location.file <= file.file));
        excepted = rest;
        let silent = matches!(file.judgement, Judgement::NotKubernetes | Judgement::Excluded | Judgement::Rendered);
        let empty = mine.is_empty() && accepted.is_empty() && file.gaps.is_empty();
        (!(silent && empty)).then_some(Suite { file, findings: mine, excepted: accepted })
    })
}

impl Suite<'_> {
    fn write(&self, render: &Render<'_>, out: &mut dyn Write) -> io::Result<()> {
        let path = render.report.path(self.file.file);
        let clean = usize::from(self.findings.is_empty() && self.file.gaps.is_empty());
        writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" timestamp=\"{}\">",
            Xml(path),
            self.findings.len() + self.excepted.len() + self.file.gaps.len() + clean,
            self.findings.len(),
            self.file.gaps.len(),
            self.excepted.len(),
            render.time().trim_end_matches('Z')
        )?;
        if clean == 1 {
            let objects = usize::try_from(self.file.objects).unwrap_or(usize::MAX);
            let name = format!("{} without findings that count", plural(objects, "object"));
            writeln!(out, "    <testcase classname=\"{}\" name=\"{}\"/>", Xml(path), Xml(&name))?;
        }
        for finding in self.findings {
            failure(path, finding, out)?;
        }
        for (finding, index) in self.excepted {
            let name = render.report.exceptions.get(*index).map_or("", |used| &used.exception.name);
            case(path, finding, out)?;
            writeln!(out, "      <skipped message=\"accepted by exception {}\"/>\n    </testcase>", Xml(name))?;
        }
        for gap in &self.file.gaps {
            let (line, column) = (gap.location.line, gap.location.column);
            writeln!(out, "    <testcase classname=\"{}\" name=\"{}:{line}:{column}\">", Xml(path), gap.kind.as_str())?;
            writeln!(
                out,
                "      <error type=\"{}\" message=\"{}\"/>\n    </testcase>",
                gap.kind.as_str(),
                Xml(&gap.message)
            )?;
        }
        writeln!(out, "  </testsuite>")
    }
}

fn case(path: &str, finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let subject = finding.subject.display();
    let (line, column) = (finding.location.line, finding.location.column);
    write!(out, "    <testcase classname=\"{}\" name=\"{}: {}", Xml(path), finding.rule.code, Xml(&subject))?;
    match (line, finding.property("vulnerability")) {
        (0, Some(id)) => writeln!(out, " ({})\" file=\"{}\">", Xml(id), Xml(path)),
        (0, None) => writeln!(out, "\" file=\"{}\">", Xml(path)),
        _ => writeln!(out, " ({line}:{column})\" file=\"{}\" line=\"{line}\">", Xml(path)),
    }
}

fn failure(path: &str, finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    case(path, finding, out)?;
    writeln!(out, "      <failure type=\"{}\" message=\"{}\">", finding.severity, Xml(&finding.message))?;
    let controls: Vec<&str> = finding.rule.serves.iter().map(|serves| serves.control).collect();
    let place = match finding.location.line {
        0 => path.to_owned(),
        line => format!("{path}:{line}:{}", finding.location.column),
    };
    writeln!(
        out,
        "{}\n{}\nfix: {}\ncontrols: {}</failure>\n    </testcase>",
        Xml(&place),
        Xml(&finding.message),
        Xml(finding.rule.fix),
        controls.join(", ")
    )
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

#[cfg(test)]
mod tests {
    use crate::report::escape::hostile;
    use crate::report::{Format, sample};

    #[test]
    fn findings_fail_gaps_are_errors_and_exceptions_are_skipped() {
        let xml = sample::printed(Format::Junit, &sample::typical());
        assert!(xml.contains("tests=\"8\" failures=\"5\" errors=\"1\" skipped=\"1\" time=\"0.042\""), "{xml}");
        assert_eq!(xml.matches("<failure ").count(), 5);
        assert!(xml.contains("<error type=\"not-rendered\""));
        assert!(xml.contains("accepted by exception legacy-root"));
    }

    #[test]
    fn hostile_strings_are_neither_markup_nor_forbidden_characters() {
        let xml = sample::printed(Format::Junit, &sample::hostile());
        assert!(!xml.contains("<img") && !xml.contains("]]>"));
        assert!(!xml.chars().any(|c| c != '\n' && hostile(c)));
    }

    #[test]
    fn nothing_found_is_still_a_document() {
        let xml = sample::printed(Format::Junit, &sample::empty());
        assert!(xml.ends_with("<testsuites name=\"kobuk\" tests=\"0\" failures=\"0\" errors=\"0\" skipped=\"0\" time=\"0.042\">\n</testsuites>\n"));
    }
}
