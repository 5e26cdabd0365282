//! What the input would need for the unknown controls to be told.

use std::collections::BTreeMap;

use model::catalogue::Input;
use model::{Absence, Posture, State};

use super::Render;

/// The unknown controls, each once, by what would tell them, as a phrase. Manifests that could be added
/// come first, then other inputs, the most telling first.
pub(crate) fn groups<'r>(render: &Render<'r>) -> Vec<(String, Vec<&'r Posture>)> {
    let coverage = &render.report.coverage;
    let mut scopes: BTreeMap<&'static str, Vec<&Posture>> = BTreeMap::new();
    let (mut unjudged, mut left_out, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    for entry in render.report.posture.iter().filter(|entry| entry.state == State::Unknown) {
        let serving = || render.rules.iter().filter(|rule| rule.serves.iter().any(|s| s.control == entry.control.id));
        let absent = serving()
            .map(|rule| rule.scope)
            .find(|scope| coverage.scopes.count(*scope) == 0 && scope.absence() == Absence::Unknown);
        match absent {
            _ if entry.reason.ends_with("left out of this run") => left_out.push(entry),
            Some(scope) => scopes.entry(scope.noun()).or_default().push(entry),
            None if entry.reason.contains("could not be judged") => unjudged.push(entry),
            None => rest.push(entry),
        }
    }
    let mut scopes: Vec<_> =
        scopes.into_iter().map(|(noun, list)| (format!("add {noun} to the input"), list)).collect();
    scopes.sort_by_key(|(_, entries)| std::cmp::Reverse(entries.len()));
    let mut groups: Vec<(String, Vec<&Posture>)> = vec![
        ("checks left out of this run by the settings".into(), left_out),
        ("nothing found, but parts of the input could not be judged".into(), unjudged),
    ];
    groups.retain(|(_, entries)| !entries.is_empty());
    groups.extend(scopes);
    groups.extend(cover(rest).into_iter().map(|(input, entries)| match input {
        Input::Manifests => ("would need more manifests than these".into(), entries),
        input => (format!("would need {}", input.noun()), entries),
    }));
    groups
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
        let Some((best, _)) = counts.into_iter().max_by_key(|(input, count)| (*count, std::cmp::Reverse(*input)))
        else {
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
        let posture = model::posture::fold(&[], &[], [].iter(), [].iter(), &model::Coverage::default());
        let groups = cover(posture.iter().collect());
        assert_eq!(groups.iter().map(|(_, entries)| entries.len()).sum::<usize>(), posture.len());
        assert!(groups.len() <= 12);
    }
}
