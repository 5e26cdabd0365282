//! Manifests as the API server would see them if somebody applied them: the request, with its objects decoded,
//! defaulted and encoded again.

use ::manifest::{Tree, TreeBuilder, Value};
use model::FileId;

use super::defaults::{Plugins, Stage, as_seen};
use super::facts::Facts;
use super::manifest_request::Sending;
use super::request::{Operation, Request, Resource};
use super::resources;
use super::review::RequestError;

/// A request and the objects that policies see in it.
#[derive(Debug)]
pub struct Manifest<'d> {
    request: Request<'d>,
    object: Option<Tree<'static>>,
    old_object: Option<Tree<'static>>,
    options: Option<Tree<'static>>,
}

impl<'d> Manifest<'d> {
    /// Takes an object; of a DELETE the one that goes.
    ///
    /// # Errors
    /// When a field has the wrong type, so that the API server would refuse the object, or the document is no object.
    pub fn new(object: Value<'d>, sending: Sending<'d>, facts: &Facts) -> Result<Self, RequestError> {
        Manifest::of(Request::from_manifest(object, sending, facts)?, facts)
    }

    /// The request to create an object, from a client that names no namespace of its own, if anybody wants it:
    /// decoding and defaulting the object is most of the work.
    ///
    /// # Errors
    /// As [`Manifest::new`].
    pub fn create_if(
        object: Value<'d>,
        facts: &Facts,
        wanted: impl FnOnce(&Request<'d>) -> bool,
    ) -> Result<Option<Self>, RequestError> {
        let sending = Sending { namespace: Some("default"), ..Sending::default() };
        let request = Request::from_manifest(object, sending, facts)?;
        if wanted(&request) { Manifest::of(request, facts).map(Some) } else { Ok(None) }
    }

    fn of(request: Request<'d>, facts: &Facts) -> Result<Self, RequestError> {
        let stage = if request.operation == Operation::Create { Stage::Created } else { Stage::Stored };
        let seen = |value: Option<Value<'d>>, stage| match value {
            None => Ok(None),
            // Options of a connection are of no kind that is stored.
            Some(value) if request.operation == Operation::Connect => Ok(Some(value.to_tree())),
            Some(value) => as_seen(value, &request.namespace, stage, Plugins::default(), facts).map(Some),
        };
        let object = seen(request.object, stage)?;
        let old_object = seen(request.old_object, Stage::Stored)?;
        let options = if request.options.is_some() { None } else { options(request.operation) };
        Ok(Manifest { request, object, old_object, options })
    }

    /// The request to create an object, from a client that names no namespace of its own.
    ///
    /// # Errors
    /// As [`Manifest::new`].
    pub fn create(object: Value<'d>, facts: &Facts) -> Result<Self, RequestError> {
        Manifest::new(object, Sending { namespace: Some("default"), ..Sending::default() }, facts)
    }

    /// The request.
    pub fn request(&self) -> Request<'_> {
        Request {
            object: self.object.as_ref().map(Tree::root),
            old_object: self.old_object.as_ref().map(Tree::root),
            options: self.options.as_ref().map(Tree::root).or(self.request.options),
            ..self.request.clone()
        }
    }
}

/// The resource that somebody names as `PLURAL` or `PLURAL.GROUP`.
pub fn named_resource(named: &str, facts: &Facts) -> Resource<'static> {
    let (plural, group) = named.split_once('.').unwrap_or((named, ""));
    let built_in = if group.is_empty() { resources::named(plural) } else { resources::of_plural(group, plural) };
    let group = built_in.map_or(group, |entry| entry.group).to_owned();
    let served = resources::served(&group, plural).first().map(|(_, version)| (*version).to_owned());
    let defined = || facts.definition_of(&group, plural)?.versions.first().map(|version| version.name.to_string());
    let version = served.or_else(defined).unwrap_or_else(|| "v1".to_owned());
    Resource { group: group.into(), version: version.into(), resource: plural.to_owned().into() }
}

/// `options` as a client sends them that sets none.
fn options(operation: Operation) -> Option<Tree<'static>> {
    let kind = match operation {
        Operation::Create => "CreateOptions",
        Operation::Update => "UpdateOptions",
        Operation::Delete => "DeleteOptions",
        Operation::Connect => return None,
    };
    let mut builder = TreeBuilder::new(FileId::default());
    builder.map();
    for (key, value) in [("kind", kind), ("apiVersion", "meta.k8s.io/v1")] {
        builder.text(key);
        builder.text(value);
    }
    builder.end();
    builder.finish().ok()
}
