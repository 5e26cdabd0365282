//! What is known about the cluster.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Objects of the cluster that policies may look at: namespaces, parameters, custom resource definitions,
/// RBAC objects, inventory. An object that is not here is not known to be missing, unless its kind is
/// [complete](Facts::complete).
#[derive(Debug, Default)]
pub struct Facts {
    /// Text of documents, each one JSON object, by API version, kind, namespace and name.
    objects: BTreeMap<Reference, Arc<str>>,
    /// Kinds of which every object is here, so that absence is a fact.
    complete: Vec<(String, String)>,
}

/// Names one object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// `apps/v1`, `v1`
    pub api_version: Box<str>,
    /// `ConfigMap`
    pub kind: Box<str>,
    /// Empty for objects of the cluster.
    pub namespace: Box<str>,
    /// Name.
    pub name: Box<str>,
}

impl Facts {
    /// Nothing known.
    pub fn new() -> Self {
        Facts::default()
    }

    /// Whether every object of a kind is known.
    pub fn complete(&self, api_version: &str, kind: &str) -> bool {
        self.complete.iter().any(|(version, name)| version == api_version && name == kind)
    }

    /// The text of one object.
    pub fn object(&self, reference: &Reference) -> Option<&Arc<str>> {
        self.objects.get(reference)
    }
}
