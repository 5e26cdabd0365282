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

// === impl Selection ===

impl<'i> Selection<'i> {
    /// An index of the entries, numbered in their order.
    pub(super) fn new(entries: impl Iterator<Item = Entry<'i>> + Clone) -> Self {
        let mut uses: HashMap<(&str, &str, &str), usize> = HashMap::new();
        for entry in entries.clone() {
            for (key, value) in &entry.labels.0 {
                *uses.entry((entry.namespace, key, value)).or_default() += 1;
            }
        }
        let mut selection = Selection::default();
        for (index, entry) in entries.enumerate() {
            let group = selection.namespaces.entry(entry.namespace).or_default();
            let rarest =
                entry.labels.0.iter().min_by_key(|(key, value)| uses.get(&(entry.namespace, &**key, &**value)));
            if let Some((key, value)) = rarest {
                group.by_label.entry((key, value)).or_default().push(index);
            } else {
                group.add_by_requirement(entry.requirements, index);
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

// === impl Group ===

impl<'i> Group<'i> {
    fn add_by_requirement(&mut self, requirements: &'i [SelectorRequirement], index: usize) {
        let listed = requirements.iter().find(|requirement| requirement.operator == SelectorOperator::In);
        if let Some(requirement) = listed {
            for value in &requirement.values {
                self.by_label.entry((&requirement.key, value)).or_default().push(index);
            }
            return;
        }
        let present = requirements.iter().find(|requirement| requirement.operator == SelectorOperator::Exists);
        match present {
            Some(requirement) => self.by_key.entry(&requirement.key).or_default().push(index),
            None => self.others.push(index),
        }
    }
}
