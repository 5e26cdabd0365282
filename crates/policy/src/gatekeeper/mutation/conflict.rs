//! Mutators imply a part of the schema of what they change. Two that imply different ones cannot both be right.

use super::location::{Location, Step};
use super::mutator::{Action, Mutator};

/// Whether two mutators contradict each other for some kind of object.
pub(super) fn between(a: &Mutator, b: &Mutator) -> bool {
    a.shares_kind_with(b) && contradict((&a.location, terminal(a)), (&b.location, terminal(b)))
}

/// What a step leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Object,
    List,
    Set,
    Text,
    Unknown,
}

fn terminal(mutator: &Mutator) -> Shape {
    match mutator.action {
        Action::Value(_) | Action::Metadata(_) => Shape::Unknown,
        Action::Merge(_) | Action::Prune(_) => Shape::Set,
        Action::Image(_) => Shape::Text,
    }
}

fn contradict((a, end_a): (&Location, Shape), (b, end_b): (&Location, Shape)) -> bool {
    let mut in_list = false;
    for (index, (step_a, step_b)) in a.steps.iter().zip(&b.steps).enumerate() {
        if key(step_a) != key(step_b) {
            // A list has one key field.
            return in_list;
        }
        let (shape_a, shape_b) = (shape(a, index, end_a), shape(b, index, end_b));
        if shape_a != shape_b {
            return shape_a != Shape::Unknown && shape_b != Shape::Unknown;
        }
        in_list = shape_a == Shape::List;
    }
    false
}

fn key(step: &Step) -> &str {
    match step {
        Step::Field(name) => name,
        Step::Items { key, .. } => key,
    }
}

fn shape(location: &Location, index: usize, end: Shape) -> Shape {
    match location.steps.get(index + 1) {
        None => end,
        Some(Step::Field(_)) => Shape::Object,
        Some(Step::Items { .. }) => Shape::List,
    }
}
