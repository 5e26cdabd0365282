//! What the input would need for the unknown controls to be told.

use std::collections::BTreeMap;

use model::catalogue::Input;
use model::{Absence, Posture, State};

use super::Render;

/// The unknown controls, each once, by what would tell them, as a phrase. Manifests that could be added
/// come first, then other inputs, the most telling first.
pub(crate) fn groups<'r>(render: &Render<'r>) -> Vec<(String, Vec<&'r Posture>)> {
    let unknown = render.report.posture.iter().filter(|entry| entry.state == State::Unknown).collect();
    let (scopes, blocked, rest) = missing(render, unknown);
    let mut groups = Vec::new();
    if !blocked.is_empty() {
        groups.push(("nothing found, but parts of the input could not be judged".into(), blocked));
    }
    groups.extend(scopes.into_iter().map(|(noun, entries)| (format!("add {noun} to the input"), entries)));
    groups.extend(cover(rest).into_iter().map(|(input, entries)| match input {
        Input::Manifests => ("would need more manifests than these".into(), entries),
        input => (format!("would need {}", input.noun()), entries),
    }));
    groups
}

type Missing<'p> = (Vec<(&'static str, Vec<&'p Posture>)>, Vec<&'p Posture>, Vec<&'p Posture>);

/// Unknown controls that more manifests would tell, by what is missing; those that unjudged parts hold
/// back; and those that only other inputs tell.
fn missing<'p>(render: &Render<'_>, unknown: Vec<&'p Posture>) -> Missing<'p> {
    let coverage = &render.report.coverage;
    let mut scopes: BTreeMap<&'static str, Vec<&Posture>> = BTreeMap::new();
    let (mut blocked, mut rest) = (Vec::new(), Vec::new());
    for entry in unknown {
        let serving = || render.rules.iter().filter(|rule| rule.serves.iter().any(|s| s.control == entry.control.id));
        let absent = serving()
            .map(|rule| rule.scope)
            .find(|scope| coverage.scopes.count(*scope) == 0 && scope.absence() == Absence::Unknown);
        match absent {
            Some(scope) => scopes.entry(scope.noun()).or_default().push(entry),
            None if entry.reason.contains("could not be judged") => blocked.push(entry),
            None => rest.push(entry),
        }
    }
    let mut scopes: Vec<_> = scopes.into_iter().collect();
    scopes.sort_by_key(|(noun, entries)| (std::cmp::Reverse(entries.len()), *noun));
    (scopes, blocked, rest)
}

/// Assigns each control to one input that tells it, taking the most telling inputs first.
fn cover(mut entries: Vec<&Posture>) -> Vec<(Input, Vec<&Posture>)> {
    let mut groups = Vec::new();
    while !entries.is_empty() {
        let mut counts: Vec<(Input, usize)> = Vec::new();
        for input in entries.iter().flat_map(|entry| others(entry)) {
            match counts.iter_mut().find(|(known, _)| *known == input) {
                Some((_, count)) => *count += 1,
                None => counts.push((input, 1)),
            }
        }
        let Some((best, _)) = counts.into_iter().max_by_key(|(input, count)| (*count, std::cmp::Reverse(*input))) else {
            break;
        };
        let (told, rest) = entries.into_iter().partition(|entry| others(entry).any(|input| input == best));
        groups.push((best, told));
        entries = rest;
    }
    groups
}

/// Inputs other than manifests; manifests when there is no other.
fn others(entry: &Posture) -> impl Iterator<Item = Input> {
    let inputs = &entry.control.inputs;
    let only_manifests = inputs.iter().all(|input| *input == Input::Manifests);
    inputs.iter().copied().filter(move |input| only_manifests || *input != Input::Manifests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unknown_control_is_told_once() {
        let posture = model::posture::fold(&[], [].iter(), [].iter(), &model::Coverage::default());
        let groups = cover(posture.iter().collect());
        assert_eq!(groups.iter().map(|(_, entries)| entries.len()).sum::<usize>(), posture.len());
        assert!(groups.len() <= 12);
    }
}
