//! For people at a terminal: findings by file and object, then a summary. Readable without colour.

mod assess;
mod packages;
mod style;
mod summary;

use std::collections::HashMap;
use std::io::{self, Write};

use model::{Finding, Rule, Scope};
use unicode_width::UnicodeWidthStr;

use self::style::Style;
use super::Render;
use super::escape::Shown;
use super::excerpt::{Excerpt, Sources, printable};
use super::tally::plural;

/// Prints the report.
pub(crate) fn write(render: &Render<'_>, out: &mut dyn Write) -> io::Result<()> {
    let style = Style::new(render.color, render.width);
    if render.assess {
        assess::write(render, style, out)?;
    } else {
        let mut printer = Printer::new(render, style);
        let mut first = true;
        for file in render.report.findings.chunk_by(|a, b| a.location.file == b.location.file) {
            let (packages, others): (Vec<&Finding>, Vec<&Finding>) =
                file.iter().partition(|finding| finding.rule.scope == Scope::Package);
            if let Some(finding) = packages.first() {
                printer.head(finding.location.file, first, out)?;
                packages::write(&packages, style, out)?;
                first = false;
            }
            for group in groups_of(&others) {
                printer.group(group, first, out)?;
                first = false;
            }
        }
    }
    summary::write(render, style, out)
}

/// Prints groups of findings and remembers what the reader was told already.
struct Printer<'r> {
    render: &'r Render<'r>,
    style: Style,
    sources: Sources<'r>,
    /// How many excerpts of each rule were shown.
    shown: HashMap<&'static str, usize>,
    file: Option<model::FileId>,
    /// Where the last finding stood; its line is not shown twice in a row.
    last: Option<model::Location>,
}

/// Findings of the same rule on the same object, which stand next to each other in a file.
type Group<'f> = Vec<&'f Finding>;

/// Findings in file order; within one object those of the same rule become one group at the place of the
/// first. Memory is bounded by the findings of one file.
fn groups(findings: &[Finding]) -> impl Iterator<Item = Group<'_>> {
    findings
        .chunk_by(|a, b| a.location.file == b.location.file)
        .flat_map(|file| groups_of(&file.iter().collect::<Vec<_>>()))
}

/// The groups of one file.
fn groups_of<'f>(file: &[&'f Finding]) -> Vec<Group<'f>> {
    let mut index: HashMap<(&str, &model::Subject), usize> = HashMap::new();
    let mut order: Vec<Vec<Group<'f>>> = Vec::new();
    let mut subjects: HashMap<&model::Subject, usize> = HashMap::new();
    for finding in file {
        let subject = &*finding.subject;
        let place = *subjects.entry(subject).or_insert_with(|| {
            order.push(Vec::new());
            order.len() - 1
        });
        let Some(groups) = order.get_mut(place) else { continue };
        let at = *index.entry((finding.rule.code, subject)).or_insert(groups.len());
        match groups.get_mut(at) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    order.into_iter().flatten().collect()
}

impl<'r> Printer<'r> {
    fn new(render: &'r Render<'r>, style: Style) -> Self {
        Printer { render, style, sources: Sources::new(render), shown: HashMap::new(), file: None, last: None }
    }

    /// Prints a group, below the name of its file when that is a new one.
    fn group(&mut self, group: Group<'_>, first: bool, out: &mut dyn Write) -> io::Result<()> {
        let file = group.first().map(|finding| finding.location.file);
        let Some(file) = file.filter(|_| self.file != file) else { return self.headless(group, first, out) };
        self.head(file, first, out)?;
        self.headless(group, true, out)
    }

    /// Prints the name of a file.
    fn head(&mut self, file: model::FileId, first: bool, out: &mut dyn Write) -> io::Result<()> {
        if !first {
            writeln!(out)?;
        }
        self.file = Some(file);
        let style = self.style;
        let path = Shown(self.render.report.path(file)).to_string();
        let line = "─".repeat(style.width.saturating_sub(path.width() + 4));
        writeln!(out, "{} {} {}\n", style.dim("──"), style.bold(path), style.dim(line))
    }

    /// Prints a group on its own.
    fn headless(&mut self, group: Group<'_>, first: bool, out: &mut dyn Write) -> io::Result<()> {
        let Some((finding, others)) = group.split_first() else { return Ok(()) };
        if !first {
            writeln!(out)?;
        }
        let style = self.style;
        let word = finding.severity.as_str();
        let message = Shown(&finding.message).to_string();
        let lead = word.len() + 2;
        writeln!(out, "{}: {}", style.severity(finding.severity, word), style.bold(style.wrap(&message, lead, 2)))?;
        let subject = finding.subject.display();
        let place = self.render.place(finding.location);
        writeln!(out, "  {} {place}  {}", style.dim("-->"), style.dim(Shown(&subject)))?;
        let shown = self.shown.entry(finding.rule.code).or_insert(0);
        *shown += 1;
        let shown = *shown;
        let again = self.last.replace(finding.location) == Some(finding.location);
        if shown <= EXCERPTS_PER_RULE_MAX
            && !again
            && let Some(excerpt) = self.sources.excerpt(finding, style.width.saturating_sub(12))
        {
            self.excerpt(finding, &excerpt, out)?;
        }
        self.others(others, out)?;
        self.rule(finding.rule, shown, out)
    }

    fn excerpt(&self, finding: &Finding, excerpt: &Excerpt, out: &mut dyn Write) -> io::Result<()> {
        let style = self.style;
        let (before, marked, after) =
            (printable(&excerpt.before), printable(&excerpt.marked), printable(&excerpt.after));
        let number = excerpt.line.to_string();
        let gutter = number.len().max(4);
        let carets = "^".repeat(marked.width().max(1));
        writeln!(out, "  {:gutter$} {}", "", style.dim("|"))?;
        writeln!(out, "  {} {} {before}{marked}{after}", style.dim(format_args!("{number:>gutter$}")), style.dim("|"))?;
        let indent = before.width();
        writeln!(out, "  {:gutter$} {} {:indent$}{}", "", style.dim("|"), "", style.severity(finding.severity, carets))
    }

    /// The same rule on the same object again: a line each, then a count.
    fn others(&self, others: &[&Finding], out: &mut dyn Write) -> io::Result<()> {
        for finding in others.iter().take(REPEATS_MAX) {
            let message = Shown(&finding.message);
            let text = match finding.location.line {
                0 => format!("also: {message}"),
                line => format!("also line {line}: {message}"),
            };
            writeln!(out, "  {}", self.style.wrap(&text, 2, 7))?;
        }
        match others.len().checked_sub(REPEATS_MAX) {
            None | Some(0) => Ok(()),
            Some(rest) => writeln!(out, "  and {} of the same kind on this object", plural(rest, "more finding")),
        }
    }

    /// The code and the controls always; the hint while it is news.
    fn rule(&self, rule: &Rule, shown: usize, out: &mut dyn Write) -> io::Result<()> {
        let style = self.style;
        if shown <= HINTS_PER_RULE_MAX {
            writeln!(out, "  {} {}", style.hint("hint:"), style.wrap(rule.fix, 8, 8))?;
        }
        let controls: Vec<&str> = rule.serves.iter().map(|serves| serves.control).collect();
        writeln!(out, "  {}", style.dim(format_args!("[{}] {}", rule.code, controls.join(", "))))
    }
}

/// After this many, the reader knows what the line looks like.
const EXCERPTS_PER_RULE_MAX: usize = 50;
/// After this many, the reader knows what to do.
const HINTS_PER_RULE_MAX: usize = 3;
const REPEATS_MAX: usize = 5;

#[cfg(test)]
mod tests {
    use crate::report::escape::hostile;
    use crate::report::{Format, sample};

    #[test]
    fn findings_stand_by_file_with_the_marked_line_and_a_hint() {
        insta::assert_snapshot!("text_scan", sample::printed(Format::Text, &sample::typical()));
    }

    #[test]
    fn an_assessment_goes_phase_by_phase() {
        let text = sample::printed_with(Format::Text, &sample::typical(), |render| render.assess = true);
        insta::assert_snapshot!("text_assess", text);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for assess in [false, true] {
            let text = sample::printed_with(Format::Text, &sample::typical(), |render| {
                (render.width, render.assess) = (80, assess);
            });
            for line in text.lines() {
                assert!(unicode_width::UnicodeWidthStr::width(line) <= 80, "{line}");
            }
        }
    }

    #[test]
    fn hostile_strings_reach_no_terminal() {
        for assess in [false, true] {
            let text = sample::printed_with(Format::Text, &sample::hostile(), |render| render.assess = assess);
            assert!(!text.chars().any(|c| c != '\n' && hostile(c)), "{text:?}");
            assert!(!text.lines().any(|line| line.starts_with("::")));
        }
    }

    #[test]
    fn colour_is_only_decoration() {
        let plain = sample::printed(Format::Text, &sample::typical());
        let mut painted = sample::printed_with(Format::Text, &sample::typical(), |render| render.color = true);
        assert!(painted.contains("\u{1b}[1;35mcritical\u{1b}[0m"));
        while let Some(at) = painted.find('\u{1b}') {
            let end = at + painted[at..].find('m').unwrap();
            painted.replace_range(at..=end, "");
        }
        assert_eq!(painted, plain);
    }

    #[test]
    fn many_findings_of_one_rule_keep_few_hints() {
        let text = sample::printed(Format::Text, &sample::crowd(200));
        assert_eq!((text.matches("hint:").count(), text.matches("^^^^").count()), (3, 50));
    }

    #[test]
    fn nothing_read_is_not_called_clean() {
        let text = sample::printed(Format::Text, &sample::empty());
        assert!(text.contains("nothing was judged"), "{text}");
    }
}
