//! Which of many policies may look at a request, without asking each.

use std::collections::HashMap;

use super::MatchResources;
use crate::admission::request::Request;

/// Policies by the resources that their rules name.
#[derive(Clone, Debug, Default)]
pub struct MatchIndex {
    /// Those that name a resource, by its plural.
    by_plural: HashMap<Box<str>, Vec<usize>>,
    /// Those with a rule for all resources.
    any: Vec<usize>,
    count: usize,
}

impl MatchIndex {
    /// Indexes policies in their order.
    pub fn new<'m>(all: impl IntoIterator<Item = &'m MatchResources>) -> MatchIndex {
        let mut index = MatchIndex::default();
        for (at, matching) in all.into_iter().enumerate() {
            index.add(at, matching);
            index.count = at + 1;
        }
        index
    }

    /// Policies that may match the request, in their order: all that do match are among them. A plural is the same
    /// in every group and version in which objects are served, so it alone decides.
    pub fn candidates(&self, request: &Request<'_>) -> Vec<usize> {
        let Some(resource) = &request.resource else { return (0..self.count).collect() };
        let named = self.by_plural.get(&*resource.resource).map_or(&[][..], |named| named);
        let mut candidates = Vec::with_capacity(named.len() + self.any.len());
        let (mut named, mut any) = (named.iter().copied().peekable(), self.any.iter().copied().peekable());
        loop {
            let next = match (named.peek(), any.peek()) {
                (Some(a), Some(b)) if a <= b => named.next(),
                (Some(_), None) => named.next(),
                (_, Some(_)) => any.next(),
                (None, None) => return candidates,
            };
            candidates.extend(next.filter(|next| candidates.last() != Some(next)));
        }
    }

    fn add(&mut self, at: usize, matching: &MatchResources) {
        let resources = || matching.rules.iter().flat_map(|rule| &rule.resources);
        if matching.rules.is_empty() || resources().any(|(resource, _)| resource.is_none()) {
            return self.any.push(at);
        }
        for plural in resources().filter_map(|(resource, _)| resource.as_deref()) {
            let named = self.by_plural.entry(plural.into()).or_default();
            if named.last() != Some(&at) {
                named.push(at);
            }
        }
    }
}
