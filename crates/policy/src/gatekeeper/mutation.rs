//! Gatekeeper's mutators: Assign, AssignMetadata, ModifySet and AssignImage.
//!
//! They are applied in the order of kind and name, again and again until nothing changes. Mutators whose locations
//! contradict each other (one takes for a list what another takes for an object) are left out, as in a cluster.

mod conflict;
mod image;
mod location;
mod mutator;
mod set;

use std::sync::Arc;

use cel::fault::Fact;
use manifest::build::{BuildError, Draft};
use manifest::{Tree, Value};

use self::mutator::Mutator;
use self::set::{SetError, same};
use super::matching::{Candidate, Matched, Source};
use super::report::Report;
use crate::admission::facts::Facts;
use crate::admission::request::{Operation, Request};
use crate::admission_policy::LoadIssue;

/// Mutators, in the order in which they are applied.
#[derive(Debug, Default)]
pub struct Mutators {
    list: Vec<Mutator>,
}

/// What mutators made of an object.
#[derive(Debug)]
pub struct Mutation {
    /// The object as it now is; `None` if nothing changed.
    pub object: Option<Tree<'static>>,
    /// Kind and name of the mutators that set something, in order, each once.
    pub applied: Vec<Arc<str>>,
    /// Facts on which it depends whether further mutators look at the object.
    pub missing: Vec<Fact>,
}

/// Why an object cannot be mutated. Gatekeeper refuses the request then.
#[derive(Debug, thiserror::Error)]
pub enum MutationError {
    /// A mutator does not fit the object.
    #[error("mutation by {mutator} failed: {why}")]
    Failed {
        /// Kind and name.
        mutator: Arc<str>,
        /// Why.
        why: String,
    },
    /// Mutators undo each other's work.
    #[error("mutation is not converging: after {iterations} rounds the object still changes")]
    NotConverging {
        /// Rounds that were tried.
        iterations: usize,
    },
    /// The result is too large or too deep.
    #[error("the mutated object is not a document that is read: {0}")]
    Build(#[from] BuildError),
}

impl Mutators {
    /// Loads mutators out of documents; objects of other kinds are passed over. Also says what is wrong; what
    /// Gatekeeper would refuse is left out.
    pub fn load<'d>(documents: impl IntoIterator<Item = Value<'d>>) -> (Mutators, Vec<LoadIssue>) {
        let mut list: Vec<(Mutator, Report, Value<'d>)> = Vec::new();
        let mut issues = Vec::new();
        for root in documents.into_iter().filter(|root| Mutator::is(*root)) {
            let mut report = Report::new(root);
            if root.has_repeated_keys() {
                report.refuse(root, "", "a mapping has the same key twice; readers disagree on it");
            }
            match Mutator::read(root, &mut report).filter(|_| !report.refused()) {
                Some(mutator) if list.iter().any(|(known, ..)| known.id == mutator.id) => {
                    report.refuse(root, "metadata.name", "there is another mutator of this kind and name");
                    issues.append(&mut report.issues);
                }
                Some(mutator) => list.push((mutator, report, root)),
                None => issues.append(&mut report.issues),
            }
        }
        list.sort_by(|(a, ..), (b, ..)| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
        let mut conflicts: Vec<(usize, Arc<str>)> = Vec::new();
        for (index, (mutator, ..)) in list.iter().enumerate() {
            for (other_index, (other, ..)) in list.iter().enumerate().skip(index + 1) {
                if conflict::between(mutator, other) {
                    conflicts.push((index, other.id.clone()));
                    conflicts.push((other_index, mutator.id.clone()));
                }
            }
        }
        let mut mutators = Mutators::default();
        for (index, (mutator, mut report, root)) in list.into_iter().enumerate() {
            let mut kept = true;
            for (_, other) in conflicts.iter().filter(|(at, _)| *at == index) {
                let message = format!("contradicts the location of {other}; neither is applied");
                report.refuse(root, "spec.location", message);
                kept = false;
            }
            if kept {
                mutators.list.push(mutator);
            }
            issues.append(&mut report.issues);
        }
        (mutators, issues)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is no mutator.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Applies all mutators that look at the request. Only what is created or updated is mutated.
    pub fn apply(&self, request: &Request<'_>, facts: &Facts, source: Source) -> Result<Mutation, MutationError> {
        let mut result = Mutation { object: None, applied: Vec::new(), missing: Vec::new() };
        let Some(object) = request.object else { return Ok(result) };
        if !matches!(request.operation, Operation::Create | Operation::Update) {
            return Ok(result);
        }
        let mut current = object.to_tree();
        let rounds = self.list.len() + 1;
        for round in 0..rounds {
            let before = current.root().to_tree();
            for mutator in &self.list {
                let root = current.root();
                if !mutator.applies_to(root, request.operation) {
                    continue;
                }
                let candidate = Candidate { object: root, namespace: &request.namespace, source };
                match mutator.matches.matches(candidate, facts) {
                    Matched::No => continue,
                    Matched::Yes => {}
                    Matched::Unknown(fact) => {
                        if !result.missing.contains(&fact) {
                            result.missing.push(fact);
                        }
                        continue;
                    }
                    Matched::Failed(why) => return Err(failed(mutator, why.to_string())),
                }
                if let Some(next) = mutate(mutator, &current)? {
                    current = next;
                    if !result.applied.contains(&mutator.id) {
                        result.applied.push(mutator.id.clone());
                    }
                }
            }
            if same(before.root(), current.root()) {
                result.object = (!same(object, current.root())).then_some(current);
                return Ok(result);
            }
            if round + 1 == rounds {
                break;
            }
        }
        Err(MutationError::NotConverging { iterations: rounds })
    }
}

fn mutate(mutator: &Mutator, tree: &Tree<'static>) -> Result<Option<Tree<'static>>, MutationError> {
    let setter = mutator.setter(tree.root());
    let mut draft = Draft::from(tree.root());
    let set = set::set(&mutator.location, &mutator.tests, &*setter, &mut draft);
    match set {
        Ok(false) => Ok(None),
        Ok(true) => Ok(Some(draft.build_owned(tree.root().location().file)?)),
        Err(error) => Err(failed(mutator, error.to_string())),
    }
}

fn failed(mutator: &Mutator, why: String) -> MutationError {
    MutationError::Failed { mutator: mutator.id.clone(), why }
}

impl From<&'static str> for SetError {
    fn from(why: &'static str) -> SetError {
        SetError::Value(why)
    }
}

#[cfg(test)]
mod tests;
