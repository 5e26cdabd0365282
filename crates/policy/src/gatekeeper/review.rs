//! `input.review` as Gatekeeper's target builds it.

use super::rego::{Field, Review};
use crate::admission::facts::{Facts, Lookup};
use crate::admission::request::{Kind, Operation, Request, Resource, UserInfo};

/// The review of a request: the fields of an AdmissionRequest, those included that are empty and always written.
/// On DELETE the object is the old one. `plain` is for an object outside of a request: there is no operation.
pub(super) fn of(request: &Request<'_>, facts: &Facts, plain: bool) -> Review {
    let deleted = request.operation == Operation::Delete;
    let object = if deleted { request.old_object.or(request.object) } else { request.object };
    let namespace = match facts.namespace(&request.namespace) {
        Lookup::Found(namespace) if !request.namespace.is_empty() => Some(namespace),
        _ => None,
    };
    let mut fields = vec![
        ("uid", Field::Text(&request.uid)),
        ("kind", kind(&request.kind)),
        ("resource", resource(request.resource.as_ref().filter(|_| !plain))),
        ("operation", Field::Text(if plain { "" } else { request.operation.as_str() })),
        ("userInfo", user(request.user.as_ref())),
        ("object", Field::Node(object)),
        ("oldObject", Field::Node(request.old_object)),
        ("options", Field::Node(request.options)),
        ("namespaceObject", Field::Node(namespace)),
        ("_unstable", Field::Map(vec![("namespace", Field::Node(namespace))])),
    ];
    let texts = [
        ("subResource", &*request.sub_resource),
        ("requestSubResource", request.request_sub_resource.as_deref().unwrap_or("")),
        ("name", &*request.name),
        ("namespace", &*request.namespace),
    ];
    fields.extend(texts.into_iter().filter(|(_, text)| !text.is_empty()).map(|(key, text)| (key, Field::Text(text))));
    if let Some(own) = &request.request_kind {
        fields.push(("requestKind", kind(own)));
    }
    if request.request_resource.is_some() {
        fields.push(("requestResource", resource(request.request_resource.as_ref())));
    }
    if !plain {
        fields.push(("dryRun", Field::Bool(request.dry_run)));
    }
    Review::new(fields)
}

fn kind<'r>(kind: &'r Kind<'_>) -> Field<'r> {
    Field::Texts(vec![("group", &*kind.group), ("version", &*kind.version), ("kind", &*kind.kind)])
}

fn resource<'r>(resource: Option<&'r Resource<'_>>) -> Field<'r> {
    let part = |text: fn(&'r Resource<'_>) -> &'r str| resource.map_or("", text);
    Field::Texts(vec![
        ("group", part(|resource| &resource.group)),
        ("version", part(|resource| &resource.version)),
        ("resource", part(|resource| &resource.resource)),
    ])
}

fn user<'r>(user: Option<&'r UserInfo<'_>>) -> Field<'r> {
    let Some(user) = user else { return Field::Map(Vec::new()) };
    if user.node.is_some() {
        return Field::Node(user.node);
    }
    let mut fields = vec![];
    for (key, text) in [("username", &*user.username), ("uid", &*user.uid)] {
        if !text.is_empty() {
            fields.push((key, Field::Text(text)));
        }
    }
    if !user.groups.is_empty() {
        fields.push(("groups", Field::List(user.groups.iter().map(|group| &**group).collect())));
    }
    Field::Map(fields)
}
