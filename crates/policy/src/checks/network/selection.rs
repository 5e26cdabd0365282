//! Which selectors select a set of labels, without trying every selector on every pod.

use std::collections::HashMap;

use manifest::inventory::{Labels, SelectorOperator, SelectorRequirement};

/// Selectors of many objects, by namespace and by the label that tells them apart best.
#[derive(Debug, Default)]
pub(super) struct Selection<'i> {
    namespaces: HashMap<&'i str, Group<'i>>,
}

/// One selector to put in the index.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'i> {
    /// Namespace that the selector works in.
    pub(super) namespace: &'i str,
    /// Labels that must be equal.
    pub(super) labels: &'i Labels,
    /// Further requirements.
    pub(super) requirements: &'i [SelectorRequirement],
}

/// Selectors of one namespace, each in the narrowest list that every match must be found through.
#[derive(Debug, Default)]
struct Group<'i> {
    by_label: HashMap<(&'i str, &'i str), Vec<usize>>,
    by_key: HashMap<&'i str, Vec<usize>>,
    others: Vec<usize>,
}

/// How many entries ask for a label, or for a key with any value, by namespace.
type Uses<'i> = HashMap<(&'i str, &'i str, Option<&'i str>), usize>;

// === impl Selection ===

impl<'i> Selection<'i> {
    /// An index of the entries, numbered in their order.
    pub(super) fn new(entries: impl Iterator<Item = Entry<'i>> + Clone) -> Self {
        let mut uses = Uses::new();
        for entry in entries.clone() {
            for (key, value) in entry.terms().flatten() {
                *uses.entry((entry.namespace, key, value)).or_default() += 1;
            }
        }
        let mut selection = Selection::default();
        for (index, entry) in entries.enumerate() {
            let group = selection.namespaces.entry(entry.namespace).or_default();
            let cost = |(key, value)| uses.get(&(entry.namespace, key, value)).copied().unwrap_or(0);
            // Every match must meet each term, so the one that fewest entries share finds it soonest.
            match entry.terms().min_by_key(|term| term.clone().map(cost).sum::<usize>()) {
                Some(term) => group.add(term, index),
                None => group.others.push(index),
            }
        }
        selection
    }

    /// Whether the namespace has any entry.
    pub(super) fn knows(&self, namespace: &str) -> bool {
        self.namespaces.contains_key(namespace)
    }

    /// Numbers of the entries that may select an object with these labels; no other entry does.
    pub(super) fn candidates<'s>(&'s self, namespace: &str, labels: &'s Labels) -> impl Iterator<Item = usize> + 's {
        self.namespaces.get(namespace).into_iter().flat_map(move |group| {
            let labelled = labels.0.iter().flat_map(|(key, value)| {
                let equal = group.by_label.get(&(&**key, &**value));
                equal.into_iter().chain(group.by_key.get(&**key)).flatten()
            });
            group.others.iter().chain(labelled).copied()
        })
    }
}

// === impl Entry ===

impl<'i> Entry<'i> {
    /// Terms that a pod must meet, each by one of several labels; a key without value stands for any.
    fn terms(self) -> impl Iterator<Item = impl Iterator<Item = (&'i str, Option<&'i str>)> + Clone> {
        let equal = self.labels.0.iter().map(|(key, value)| (&**key, std::slice::from_ref(value), false));
        let asked = self.requirements.iter().filter_map(|requirement| match requirement.operator {
            SelectorOperator::In => Some((&*requirement.key, &*requirement.values, false)),
            SelectorOperator::Exists => Some((&*requirement.key, &[][..], true)),
            _ => None,
        });
        equal.chain(asked).map(|(key, values, any)| {
            values.iter().map(move |value| (key, Some(&**value))).chain(any.then_some((key, None)))
        })
    }
}

// === impl Group ===

impl<'i> Group<'i> {
    fn add(&mut self, term: impl Iterator<Item = (&'i str, Option<&'i str>)>, index: usize) {
        for (key, value) in term {
            match value {
                Some(value) => self.by_label.entry((key, value)).or_default().push(index),
                None => self.by_key.entry(key).or_default().push(index),
            }
        }
    }
}
