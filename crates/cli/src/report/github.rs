//! Annotations of GitHub Actions: one workflow command for each finding.
//!
//! GitHub shows at most ten annotations of each type for a step, so the worst come first and a notice
//! says how many are left.

use std::io::{self, Write};

use model::{Finding, Severity};

use super::Render;
use super::escape::Shown;
use super::tally::plural;

/// Prints the report.
pub(crate) fn write(render: &Render<'_>, out: &mut dyn Write) -> io::Result<()> {
    let report = render.report;
    let failing_gaps = report.coverage.gaps().filter(|gap| gap.kind.fails_run()).count();
    let mut left = 0;
    for (level, severities) in LEVELS {
        // The error that says what could not be judged takes one of the ten places.
        let reserved = usize::from(*level == "error" && failing_gaps > 0) + usize::from(*level == "notice");
        let mut room = ANNOTATIONS_PER_TYPE_MAX - reserved;
        for severity in *severities {
            for finding in report.findings.iter().filter(|finding| finding.severity == *severity) {
                match room.checked_sub(1) {
                    Some(rest) => room = rest,
                    None => {
                        left += 1;
                        continue;
                    }
                }
                annotation(render, level, finding, out)?;
            }
        }
    }
    if let Some(gap) = report.coverage.gaps().find(|gap| gap.kind.fails_run()) {
        let text =
            format!("{} of the input could not be judged. The first: {}", plural(failing_gaps, "part"), gap.message);
        command(
            out,
            "error",
            render.report.path(gap.location.file),
            gap.location.line,
            gap.location.column,
            "not judged",
            &text,
        )?;
    }
    if left > 0 {
        let text =
            format!("{} not shown here; run `{}` to see all", plural(left, "more finding"), render.command_line());
        writeln!(out, "::notice title=kobuk::{}", Data(&text))?;
    }
    Ok(())
}

fn annotation(render: &Render<'_>, level: &str, finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let place = finding.location;
    let title = format!("{} {}", finding.severity, finding.rule.code);
    let text = format!("{}: {}\n{}", finding.subject.display(), finding.message, finding.rule.fix);
    command(out, level, render.report.path(place.file), place.line, place.column, &title, &text)
}

fn command(
    out: &mut dyn Write,
    level: &str,
    path: &str,
    line: u32,
    column: u32,
    title: &str,
    text: &str,
) -> io::Result<()> {
    write!(out, "::{level} file={}", Property(path.strip_prefix("./").unwrap_or(path)))?;
    if line > 0 {
        write!(out, ",line={line},col={}", column.max(1))?;
    }
    writeln!(out, ",title={}::{}", Property(title), Data(text))
}

/// The message of a workflow command.
struct Data<'a>(&'a str);

/// A property of a workflow command, which also ends at `:` and `,`.
struct Property<'a>(&'a str);

impl std::fmt::Display for Data<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        encode(f, self.0, false)
    }
}

impl std::fmt::Display for Property<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        encode(f, self.0, true)
    }
}

fn encode(f: &mut std::fmt::Formatter<'_>, text: &str, property: bool) -> std::fmt::Result {
    for c in text.chars() {
        match c {
            '%' | '\r' | '\n' => write!(f, "%{:02X}", u32::from(c))?,
            ':' | ',' if property => write!(f, "%{:02X}", u32::from(c))?,
            c => write!(f, "{}", Shown(c.encode_utf8(&mut [0; 4])))?,
        }
    }
    Ok(())
}

const ANNOTATIONS_PER_TYPE_MAX: usize = 10;
const LEVELS: &[(&str, &[Severity])] = &[
    ("error", &[Severity::Critical, Severity::High]),
    ("warning", &[Severity::Medium]),
    ("notice", &[Severity::Low, Severity::Info]),
];

#[cfg(test)]
mod tests {
    use crate::report::{Format, sample};

    #[test]
    fn the_worst_come_first_with_file_line_and_column() {
        let text = sample::printed(Format::Github, &sample::typical());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "::error file=deploy/web.yaml,line=13,col=23,title=critical sample-privileged::Deployment/web in shop: \
             container `web` sets `securityContext.privileged` to true%0ARemove `privileged`, and add only the \
             capabilities that the process needs."
        );
        assert!(lines[1].starts_with("::error file=rbac/role.yaml,line=7,col=14,title=high"), "{}", lines[1]);
        assert!(lines.iter().any(|line| line.contains("title=not judged::1 part of the input could not be judged")));
    }

    #[test]
    fn ten_of_a_type_are_shown_and_the_rest_is_counted() {
        let text = sample::printed(Format::Github, &sample::crowd(25));
        assert_eq!(text.matches("::error ").count(), 10);
        assert!(
            text.ends_with("::notice title=kobuk::15 more findings not shown here; run `kobuk assess` to see all\n"),
            "{text}"
        );
    }

    #[test]
    fn a_hostile_string_starts_no_second_command() {
        let text = sample::printed(Format::Github, &sample::hostile());
        for line in text.lines() {
            assert!(line.starts_with("::error ") || line.starts_with("::warning "), "{line}");
            let properties = line.trim_start_matches("::").split("::").next().unwrap();
            assert_eq!(properties.matches(',').count(), 3, "{properties}");
        }
        assert!(!text.chars().any(|c| c != '\n' && crate::report::escape::hostile(c)));
    }

    #[test]
    fn nothing_found_prints_nothing() {
        assert_eq!(sample::printed(Format::Github, &sample::empty()), "");
    }
}
