//! A request made from manifests: what the API server would be asked if somebody applied them.

use std::borrow::Cow;

use ::manifest::{Object, Tree, TreeBuilder, Value};
use model::FileId;

use super::defaults::{Plugins, Stage, as_seen};
use super::facts::Facts;
use super::request::{Kind, Operation, Request, Resource, UserInfo};
use super::resources;
use super::review::{RequestError, error, kind_of};

/// What a manifest does not say about the request that brings it.
#[derive(Clone, Debug)]
pub struct Circumstances<'c> {
    /// What is done.
    pub operation: Operation,
    /// Namespace of objects that name none and live in one.
    pub namespace: &'c str,
    /// Plural of the resource, with its group after a dot, where the object does not tell it (`deployments.apps`).
    pub resource: Option<&'c str>,
    /// For example `ephemeralcontainers`; empty for the object itself.
    pub sub_resource: &'c str,
    /// Name of the object, where it does not tell it.
    pub name: Option<&'c str>,
    /// Who asks. `None` when nobody knows.
    pub user: Option<UserInfo<'c>>,
    /// Built-in plug-ins that run before policies.
    pub plugins: Plugins,
}

impl Default for Circumstances<'_> {
    fn default() -> Self {
        Circumstances {
            operation: Operation::Create,
            namespace: "default",
            resource: None,
            sub_resource: "",
            name: None,
            user: None,
            plugins: Plugins::default(),
        }
    }
}

/// The parts of a request, as policies see them.
#[derive(Debug)]
pub struct Manifest<'c> {
    circumstances: Circumstances<'c>,
    object: Option<Tree<'static>>,
    old_object: Option<Tree<'static>>,
    options: Option<Tree<'static>>,
    kind: Kind<'c>,
    resource: Option<Resource<'c>>,
    namespaced: Option<bool>,
    namespace: String,
    name: String,
}

impl<'c> Manifest<'c> {
    /// Takes an object, and for an UPDATE the one before it. Of a DELETE the object is the one that goes.
    ///
    /// # Errors
    /// When a field has the wrong type, or nothing tells what the request is about.
    pub fn new(
        object: Option<Value<'c>>,
        old_object: Option<Value<'c>>,
        circumstances: Circumstances<'c>,
        facts: &Facts,
    ) -> Result<Self, RequestError> {
        let (object, old_object) = match circumstances.operation {
            Operation::Create | Operation::Connect => (object, None),
            Operation::Update => (object, old_object),
            Operation::Delete => (None, old_object.or(object)),
        };
        let Some(main) = object.or(old_object) else {
            let message = String::from("missing; a request needs an object, or the object before it");
            return Err(RequestError { location: model::Location::default(), field: String::from("object"), message });
        };
        let kind = kind_of(main).ok_or_else(|| error(main, "kind", "expected an object with apiVersion and kind"))?;
        let (resource, namespaced) = resource(&kind, circumstances.resource, facts);
        let text = |value: Option<Value<'c>>, key| value?.get("metadata")?.str_at(key);
        let namespace = match namespaced {
            Some(false) => "",
            Some(true) => text(Some(main), "namespace").unwrap_or(circumstances.namespace),
            None => text(Some(main), "namespace").unwrap_or(""),
        };
        let name = circumstances.name.or_else(|| text(object, "name")).or_else(|| text(old_object, "name"));
        let new = if circumstances.operation == Operation::Create { Stage::Created } else { Stage::Stored };
        let seen = |value: Option<Value<'c>>, stage| match value {
            None => Ok(None),
            // What is sent to a connection or to `scale` is of no type of its own in the table.
            Some(value) if circumstances.operation == Operation::Connect => Ok(Some(value.to_tree())),
            Some(value) => as_seen(value, namespace, stage, circumstances.plugins, facts).map(Some),
        };
        Ok(Manifest {
            object: seen(object, new)?,
            old_object: seen(old_object, Stage::Stored)?,
            options: options(circumstances.operation),
            kind,
            resource,
            namespaced,
            namespace: namespace.to_owned(),
            name: name.unwrap_or("").to_owned(),
            circumstances,
        })
    }

    /// A request to create an object, under circumstances that nobody told.
    ///
    /// # Errors
    /// When a field has the wrong type.
    pub fn create(object: &Object<'c>, facts: &Facts) -> Result<Self, RequestError> {
        Manifest::new(Some(object.value), None, Circumstances::default(), facts)
    }

    /// The request.
    pub fn request(&self) -> Request<'_> {
        Request {
            uid: Cow::Borrowed(""),
            operation: self.circumstances.operation,
            kind: self.kind.clone(),
            resource: self.resource.clone(),
            sub_resource: Cow::Borrowed(self.circumstances.sub_resource),
            request_kind: Some(self.kind.clone()),
            request_resource: self.resource.clone(),
            request_sub_resource: Some(Cow::Borrowed(self.circumstances.sub_resource)),
            name: Cow::Borrowed(&self.name),
            namespace: Cow::Borrowed(&self.namespace),
            namespaced: self.namespaced,
            user: self.circumstances.user.clone(),
            object: self.object.as_ref().map(Tree::root),
            old_object: self.old_object.as_ref().map(Tree::root),
            options: self.options.as_ref().map(Tree::root),
            dry_run: false,
        }
    }
}

/// The resource of a request, and whether its objects live in namespaces.
fn resource<'c>(kind: &Kind<'c>, named: Option<&'c str>, facts: &Facts) -> (Option<Resource<'c>>, Option<bool>) {
    if let Some(named) = named {
        let (plural, group) = named.split_once('.').unwrap_or((named, ""));
        let built_in = if group.is_empty() { resources::named(plural) } else { resources::of_plural(group, plural) };
        let group = built_in.map_or(group, |entry| entry.group);
        let definition = facts.definition_of(group, plural);
        let version = resources::served(group, plural).first().map(|(_, version)| Cow::Borrowed(*version));
        let version = version.unwrap_or_else(|| kind.version.clone());
        let namespaced = built_in.map(|entry| entry.namespaced).or(definition.map(|known| known.namespaced));
        return (Some(Resource { group: group.into(), version, resource: plural.into() }), namespaced);
    }
    let plural = match resources::of_kind(&kind.group, &kind.kind) {
        Some(entry) => Some(Cow::Borrowed(entry.plural)),
        None => facts.definition(&kind.group, &kind.kind).map(|known| Cow::Owned(known.plural.to_string())),
    };
    let resource =
        plural.map(|resource| Resource { group: kind.group.clone(), version: kind.version.clone(), resource });
    (resource, facts.scope(&kind.group, &kind.kind))
}

/// `options` of a request without any.
fn options(operation: Operation) -> Option<Tree<'static>> {
    let kind = match operation {
        Operation::Create => "CreateOptions",
        Operation::Update => "UpdateOptions",
        Operation::Delete => "DeleteOptions",
        Operation::Connect => "",
    };
    let mut builder = TreeBuilder::new(FileId::default());
    builder.map();
    if !kind.is_empty() {
        for (key, value) in [("kind", kind), ("apiVersion", "meta.k8s.io/v1")] {
            builder.text(key);
            builder.text(value);
        }
    }
    builder.end();
    builder.finish().ok()
}
