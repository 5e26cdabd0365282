//! Counts that several formats show.

use model::catalogue::Area;
use model::report::{AdvisorySource, Upgrade, UpgradeBy};
use model::{ExceptionUse, Finding, Posture, Report, Severity, State};

/// Number of findings of each severity, in the order of [`Severity::ALL`].
pub(crate) fn severities<'f>(findings: impl Iterator<Item = &'f Finding>) -> [usize; 5] {
    let mut counts = [0; 5];
    for finding in findings {
        if let Some(count) = counts.get_mut(rank(finding.severity)) {
            *count += 1;
        }
    }
    counts
}

/// 0 for critical to 4 for info.
pub(crate) fn rank(severity: Severity) -> usize {
    Severity::ALL.iter().position(|s| *s == severity).unwrap_or(0)
}

/// Number of controls in each state, in the order of [`State::ALL`].
pub(crate) fn states<'p>(posture: impl Iterator<Item = &'p Posture>) -> [usize; 4] {
    let mut counts = [0; 4];
    for entry in posture {
        if let Some(count) = State::ALL.iter().position(|s| *s == entry.state).and_then(|at| counts.get_mut(at)) {
            *count += 1;
        }
    }
    counts
}

/// The controls of one area, worst first, then in catalogue order.
pub(crate) fn area(report: &Report, area: Area) -> Vec<&Posture> {
    let mut entries: Vec<&Posture> = report.posture.iter().filter(|entry| entry.control.area == area).collect();
    entries.sort_by_key(|entry| (entry.state, std::cmp::Reverse(entry.worst)));
    entries
}

/// The heading of an area.
pub(crate) fn area_title(area: Area) -> &'static str {
    match area {
        Area::Develop => "Develop",
        Area::Distribute => "Distribute",
        Area::Deploy => "Deploy",
        Area::Access => "Access",
        Area::Compute => "Compute",
        Area::Storage => "Storage",
        Area::Network => "Network",
        Area::Observability => "Observability",
    }
}

/// `active`, `expired` or `unused`.
pub(crate) fn exception_state(used: &ExceptionUse) -> &'static str {
    match (used.expired, used.matched) {
        (true, _) => "expired",
        (false, 0) => "unused",
        (false, _) => "active",
    }
}

/// How many sources vulnerabilities were judged by, and how old they are; nothing where there was none.
pub(crate) fn advisories_words(sources: &[AdvisorySource]) -> Option<String> {
    let oldest = sources.iter().map(|source| source.age_s.unwrap_or(0)).max()?.max(0) / DAY_S;
    let mut text = format!("advisories of {}, the oldest {} old", plural(sources.len(), "source"), days(oldest));
    match sources.iter().filter(|source| source.stale).count() {
        0 => {}
        stale => text.push_str(&format!(", {} of them stale", grouped(stale))),
    }
    Some(text)
}

/// The age of a source in days; nothing tells it where it is from the future.
pub(crate) fn age_words(source: &AdvisorySource) -> String {
    source.age_s.map_or_else(|| "from the future".into(), |age| days(age.max(0) / DAY_S))
}

fn days(count: i64) -> String {
    plural(usize::try_from(count).unwrap_or(0), "day")
}

/// The upgrades, those first that clear most.
pub(crate) fn upgrades(report: &Report) -> Vec<&Upgrade> {
    let mut order: Vec<&Upgrade> = report.upgrades.iter().collect();
    order.sort_by_key(|upgrade| std::cmp::Reverse(upgrade.clears.len()));
    order
}

/// Where an upgrade is made, as the end of a sentence; nothing where that goes without saying.
pub(crate) fn upgrade_words(by: UpgradeBy) -> &'static str {
    match by {
        UpgradeBy::Package => "",
        UpgradeBy::Dependent => "; through what needs it",
        UpgradeBy::Base => "; by a newer base image",
    }
}

const DAY_S: i64 = 86_400;

/// `1 finding`, `2 findings`.
pub(crate) fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{} {noun}s", grouped(count)) }
}

/// A number with thin groups of three digits, `12,345`.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_grouped_by_three_digits() {
        assert_eq!([0, 999, 1000, 1_234_567].map(super::grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
