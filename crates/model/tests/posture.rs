//! The catalogue is whole, and the fold never makes a pass of an unknown.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use model::catalogue::{Area, Input, Phase, controls};
use model::coverage::{Gap, GapKind, ScopeCounts};
use model::posture::fold;
use model::{
    Coverage, FileCoverage, FileId, Finding, Judgement, Location, Rule, Scope, Serves, Severity, State, Subject,
};

static FULL: Rule = rule("full", &[Serves::full("RC-10")], Severity::High, Scope::Workload);
static PART: Rule = rule("part", &[Serves::part("RC-10")], Severity::High, Scope::Workload);
static INFO: Rule = rule("info", &[Serves::full("RC-10")], Severity::Info, Scope::Workload);
static VOLUME: Rule = rule("volume", &[Serves::full("RS-09")], Severity::High, Scope::Volume);

const fn rule(code: &'static str, serves: &'static [Serves], severity: Severity, scope: Scope) -> Rule {
    Rule { code, title: "t", severity, scope, serves, why: "w", fix: "f", example: "" }
}

fn finding(rule: &'static Rule) -> Finding {
    Finding {
        rule,
        severity: rule.severity,
        message: "m".into(),
        subject: Arc::new(Subject::default()),
        location: Location::default(),
        properties: None,
    }
}

fn coverage(workloads: usize, gaps: Vec<Gap>) -> Coverage {
    let mut scopes = ScopeCounts::default();
    (0..workloads).for_each(|_| scopes.see(Scope::Workload));
    let file = FileCoverage {
        file: FileId(0),
        bytes: 1,
        documents: 1,
        objects: workloads as u32,
        judgement: Judgement::Judged,
        gaps,
    };
    Coverage { files: vec![file], scopes }
}

fn gap() -> Gap {
    Gap { kind: GapKind::Error, location: Location::default(), message: "broken".into() }
}

fn state(id: &str, rules: &[&'static Rule], findings: &[Finding], excepted: &[Finding], coverage: &Coverage) -> State {
    let posture = fold(rules, &[], findings.iter(), excepted.iter(), coverage);
    assert_eq!(posture.len(), 182);
    posture.into_iter().find(|posture| posture.control.id == id).unwrap().state
}

#[test]
fn the_catalogue_has_182_controls_in_order() {
    let ids: Vec<&str> = controls().iter().map(|control| control.id).collect();
    let mut expected = Vec::new();
    for (prefix, count) in
        [("DV", 29), ("DI", 38), ("DE", 12), ("RA", 36), ("RC", 25), ("RS", 12), ("NW", 15), ("OB", 15)]
    {
        expected.extend((1..=count).map(|number| format!("{prefix}-{number:02}")));
    }
    assert_eq!(ids, expected);
    for control in controls() {
        assert_eq!(control.area.phase(), control.phase, "{}", control.id);
        assert!(
            !control.text.is_empty() && !control.sources.is_empty() && !control.inputs.is_empty(),
            "{}",
            control.id
        );
    }
    assert!(Area::ALL.iter().all(|area| controls().iter().any(|control| control.area == *area)));
    assert!(Phase::ALL.iter().all(|phase| controls().iter().any(|control| control.phase == *phase)));
}

#[test]
fn every_checklist_item_is_served_by_a_control() {
    assert_eq!(model::catalogue::security_checklist().len(), 35);
    assert_eq!(model::catalogue::app_checklist().len(), 24);
    for item in model::catalogue::security_checklist() {
        assert!(controls().iter().any(|control| control.security_checklist.contains(&item.number)), "{}", item.number);
    }
    for item in model::catalogue::app_checklist() {
        assert!(controls().iter().any(|control| control.app_checklist.contains(&item.number)), "{}", item.number);
    }
}

#[test]
fn silence_of_full_proof_over_something_satisfies() {
    assert_eq!(state("RC-10", &[&FULL, &PART], &[], &[], &coverage(3, vec![])), State::Satisfied);
}

#[test]
fn silence_of_part_proof_is_unknown() {
    assert_eq!(state("RC-10", &[&PART], &[], &[], &coverage(3, vec![])), State::Unknown);
}

#[test]
fn silence_over_nothing_is_unknown() {
    assert_eq!(state("RC-10", &[&FULL], &[], &[], &coverage(0, vec![])), State::Unknown);
}

#[test]
fn one_unjudged_part_makes_satisfied_unknown() {
    assert_eq!(state("RC-10", &[&FULL], &[], &[], &coverage(3, vec![gap()])), State::Unknown);
}

#[test]
fn a_finding_violates_whether_accepted_or_not() {
    assert_eq!(state("RC-10", &[&FULL], &[finding(&FULL)], &[], &coverage(3, vec![])), State::Violated);
    assert_eq!(state("RC-10", &[&FULL], &[], &[finding(&FULL)], &coverage(3, vec![])), State::Violated);
}

#[test]
fn a_check_left_out_makes_satisfied_unknown() {
    let posture = fold(&[&FULL], &[&PART], [].iter(), [].iter(), &coverage(3, vec![]));
    assert_eq!(posture.iter().find(|posture| posture.control.id == "RC-10").unwrap().state, State::Unknown);
}

#[test]
fn an_info_finding_never_violates() {
    assert_eq!(state("RC-10", &[&INFO], &[finding(&INFO)], &[], &coverage(3, vec![])), State::Satisfied);
}

#[test]
fn nothing_to_violate_is_not_applicable_unless_something_went_unjudged() {
    assert_eq!(state("RS-09", &[&VOLUME], &[], &[], &coverage(3, vec![])), State::NotApplicable);
    assert_eq!(state("RS-09", &[&VOLUME], &[], &[], &coverage(3, vec![gap()])), State::Unknown);
}

#[test]
fn a_control_that_no_rule_serves_is_unknown_and_names_the_input_that_would_tell() {
    let posture = fold(&[], &[], [].iter(), [].iter(), &coverage(1, vec![]));
    for posture in posture {
        assert_eq!(posture.state, State::Unknown);
        let named = posture.control.inputs.iter().any(|input: &Input| posture.reason.contains(input.noun()));
        assert!(named, "{}: {}", posture.control.id, posture.reason);
    }
}
