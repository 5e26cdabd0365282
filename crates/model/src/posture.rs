//! Posture: what stands, what is violated, and what this input cannot tell, per control.
//!
//! The fold, in this order:
//! 1. *violated*: a finding above `info` serves the control, accepted by an exception or not
//!    (an exception accepts a risk; it does not make the control hold);
//! 2. *satisfied*: every rule that is full proof of the control had something to look at, none of
//!    them found anything or lowered a case to `info` because it could not tell, and nothing in the
//!    input was left unjudged;
//! 3. *not applicable*: there were objects, and none of them could violate the control;
//! 4. *unknown*: everything else. Unknown is never pass.

use std::collections::HashMap;

use crate::catalogue::{self, Control, Input};
use crate::coverage::GapKind;
use crate::rule::{Absence, Proof, Scope};
use crate::{Coverage, Finding, Rule, Severity};

/// State of a control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// At least one finding shows that it does not hold.
    Violated,
    /// This input cannot tell.
    Unknown,
    /// It holds for everything that was looked at, and everything was looked at.
    Satisfied,
    /// Nothing in the input is subject to it.
    NotApplicable,
}

impl State {
    /// All states, worst first.
    pub const ALL: [State; 4] = [State::Violated, State::Unknown, State::Satisfied, State::NotApplicable];

    /// The lower-case word used in every output format.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Violated => "violated",
            State::Unknown => "unknown",
            State::Satisfied => "satisfied",
            State::NotApplicable => "not-applicable",
        }
    }
}

/// State of one control, with the reason.
#[derive(Clone, Debug)]
pub struct Posture {
    /// The control.
    pub control: &'static Control,
    /// Its state.
    pub state: State,
    /// One sentence: what was looked at, or what would tell.
    pub reason: String,
    /// Number of findings that violate it and count.
    pub findings: usize,
    /// Number of findings that violate it and are accepted by an exception.
    pub excepted: usize,
    /// Worst severity among them.
    pub worst: Option<Severity>,
}

/// Folds findings and coverage over the whole catalogue.
///
/// `rules` are all rules that ran, `left_out` those that the user deselected; `excepted` are findings
/// accepted by an exception.
pub fn fold<'f>(
    rules: &[&'static Rule],
    left_out: &[&'static Rule],
    findings: impl Iterator<Item = &'f Finding>,
    excepted: impl Iterator<Item = &'f Finding>,
    coverage: &Coverage,
) -> Vec<Posture> {
    let mut tally: HashMap<&'static str, Tally> = HashMap::new();
    for (finding, counts) in findings.map(|f| (f, true)).chain(excepted.map(|f| (f, false))) {
        if finding.severity == Severity::Info {
            if finding.rule.severity > Severity::Info {
                for serves in finding.rule.serves.iter().filter(|serves| serves.proof == Proof::Full) {
                    tally.entry(serves.control).or_default().doubts += 1;
                }
            }
            continue;
        }
        for serves in finding.rule.serves {
            let entry = tally.entry(serves.control).or_default();
            *(if counts { &mut entry.findings } else { &mut entry.excepted }) += 1;
            entry.worst = entry.worst.max(Some(finding.severity));
        }
    }
    // What a user's policy could not decide takes nothing from the proof that built-in checks give.
    let aside = |kind: GapKind| matches!(kind, GapKind::Truncated | GapKind::Undecided | GapKind::Unknown);
    let unjudged = coverage.gaps().filter(|gap| !aside(gap.kind)).count();
    let unknown = coverage.gaps().filter(|gap| gap.kind == GapKind::Unknown).count();
    // What is not known of images leaves the proofs alone that do not rest on images.
    let rests_on_images = |control: &str| {
        rules.iter().any(|rule| {
            matches!(rule.scope, Scope::Image | Scope::Package)
                && rule.serves.iter().any(|serves| serves.control == control)
        })
    };
    catalogue::controls()
        .iter()
        .map(|control| {
            let tally = tally.remove(control.id).unwrap_or_default();
            let unknown = if rests_on_images(control.id) { unknown } else { 0 };
            judge(control, rules, left_out, tally, coverage, unjudged + unknown)
        })
        .collect()
}

/// Findings of one control.
#[derive(Default)]
struct Tally {
    findings: usize,
    excepted: usize,
    worst: Option<Severity>,
    /// Findings of full proof lowered to `info`: places where the rule could not tell.
    doubts: usize,
}

fn judge(
    control: &'static Control,
    rules: &[&'static Rule],
    left_out: &[&'static Rule],
    tally: Tally,
    coverage: &Coverage,
    unjudged: usize,
) -> Posture {
    let (state, reason) = if tally.findings + tally.excepted > 0 {
        (State::Violated, violated_reason(&tally))
    } else {
        let mut serving = Serving::collect(control.id, rules, coverage);
        serving.left_out = left_out.iter().filter(|rule| rule.serves.iter().any(|s| s.control == control.id)).count();
        match serving.decide(control, unjudged, coverage.objects()) {
            (State::Satisfied, _) if tally.doubts > 0 => {
                (State::Unknown, format!("nothing violated, but {} could not be told", plural(tally.doubts, "case")))
            }
            decided => decided,
        }
    };
    Posture { control, state, reason, findings: tally.findings, excepted: tally.excepted, worst: tally.worst }
}

fn violated_reason(tally: &Tally) -> String {
    match (tally.findings, tally.excepted) {
        (n, 0) => plural(n, "finding"),
        (0, n) => format!("{}, accepted by exception", plural(n, "finding")),
        (n, m) => format!("{}, and {m} accepted by exception", plural(n, "finding")),
    }
}

/// The rules that serve one control, sorted by what they had to look at.
#[derive(Default)]
struct Serving {
    rules: usize,
    full: usize,
    full_looked: usize,
    full_seen: usize,
    looked: u64,
    missing: Vec<&'static str>,
    absent: bool,
    left_out: usize,
}

impl Serving {
    fn collect(control: &str, rules: &[&'static Rule], coverage: &Coverage) -> Self {
        let mut serving = Serving { absent: true, ..Serving::default() };
        for rule in rules {
            let Some(serves) = rule.serves.iter().find(|serves| serves.control == control) else { continue };
            let seen = coverage.scopes.count(rule.scope);
            serving.rules += 1;
            serving.looked = serving.looked.max(seen);
            serving.absent &= seen == 0 && rule.scope.absence() == Absence::NotApplicable;
            if seen == 0 && !serving.missing.contains(&rule.scope.noun()) {
                serving.missing.push(rule.scope.noun());
            }
            if serves.proof == Proof::Full {
                serving.full += 1;
                serving.full_seen += usize::from(seen > 0);
                serving.full_looked += usize::from(seen > 0 || rule.scope.absence() == Absence::NotApplicable);
            }
        }
        serving
    }

    fn decide(&self, control: &Control, unjudged: usize, objects: u64) -> (State, String) {
        if self.left_out > 0 {
            return (
                State::Unknown,
                format!("{} of this control left out of this run", plural(self.left_out, "check")),
            );
        }
        if self.rules == 0 {
            return (State::Unknown, format!("needs {}: {}", nouns(control, None), control.judged_by));
        }
        if self.absent && unjudged == 0 && objects > 0 {
            return (State::NotApplicable, format!("no {} in this input", self.missing.join(", ")));
        }
        if self.full > 0 && self.full == self.full_looked && self.full_seen > 0 {
            if unjudged == 0 {
                return (
                    State::Satisfied,
                    format!("{} looked at, nothing found", plural(self.looked as usize, "object")),
                );
            }
            return (
                State::Unknown,
                format!("nothing found, but {} of the input could not be judged", plural(unjudged, "part")),
            );
        }
        if self.looked == 0 {
            return (State::Unknown, format!("no {} in this input", self.missing.join(", ")));
        }
        let other = nouns(control, Some(Input::Manifests));
        let reason = match (self.full > 0, other.is_empty()) {
            (true, _) if self.missing.is_empty() => format!("nothing found: {}", control.judged_by),
            (true, _) => format!("nothing found, but this input has no {}", self.missing.join(", ")),
            (false, false) => format!("nothing found here; {other} would tell: {}", control.judged_by),
            (false, true) => format!("nothing found, which alone proves nothing: {}", control.judged_by),
        };
        (State::Unknown, reason)
    }
}

fn nouns(control: &Control, but: Option<Input>) -> String {
    let words: Vec<&str> =
        control.inputs.iter().filter(|input| Some(**input) != but).map(|input| input.noun()).collect();
    words.join(" or ")
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
