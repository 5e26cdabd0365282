//! Requests out of AdmissionReviews.

use std::borrow::Cow;

use manifest::{Data, Value};
use model::Location;

use super::request::{Kind, Operation, Request, Resource, UserInfo};
use super::resources;

/// What is wrong with an AdmissionReview, or with what a request is to be made of.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct RequestError {
    /// Where it stands.
    pub location: Location,
    /// The field, for example `request.kind.version`.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

/// Whether a document says that it is an AdmissionReview, of whatever version.
pub fn is_review(root: Value<'_>) -> bool {
    root.str_at("kind") == Some("AdmissionReview")
        && root.str_at("apiVersion").is_some_and(|version| version.starts_with(GROUP_PREFIX))
}

impl<'d> Request<'d> {
    /// Reads an AdmissionReview of `admission.k8s.io/v1` or `v1beta1`. Nothing is copied but escaped texts.
    ///
    /// The API server sets every field. Reviews that people write for tests often name just the operation and the
    /// object: what follows from the object is taken from there, and what does not stays unknown. A field that is
    /// there must be right.
    pub fn from_review(root: Value<'d>) -> Result<Request<'d>, RequestError> {
        let mut request = Request::from_review_as_is(root)?;
        has_namespace(root, &request)?;
        // The server gives every request a uid. Who wrote a review by hand wrote no more of the object than people do.
        request.planned = request.uid.is_empty();
        Ok(request)
    }

    /// As [`Request::from_review`], of a namespaced object without a namespace too: Gatekeeper's suites have such.
    pub(crate) fn from_review_as_is(root: Value<'d>) -> Result<Request<'d>, RequestError> {
        if !is_review(root) {
            return Err(error(root, "kind", "expected an AdmissionReview of admission.k8s.io/v1 or v1beta1"));
        }
        match root.str_at("apiVersion") {
            Some("admission.k8s.io/v1" | "admission.k8s.io/v1beta1") => {}
            _ => return Err(error(root, "apiVersion", "expected admission.k8s.io/v1 or admission.k8s.io/v1beta1")),
        }
        if root.has_repeated_keys() {
            return Err(error(
                root,
                "request",
                "a mapping in the review has the same key twice; readers disagree on it",
            ));
        }
        let request = At { value: root, path: "" }.map("request")?;
        let request = request.ok_or_else(|| error(root, "request", "missing; the review asks nothing"))?;
        read(At { value: request, path: "request." })
    }
}

/// A mapping and how its fields are called.
#[derive(Clone, Copy)]
struct At<'d> {
    value: Value<'d>,
    path: &'static str,
}

fn read(at: At<'_>) -> Result<Request<'_>, RequestError> {
    let operation = match at.text("operation")? {
        Some("CREATE") => Operation::Create,
        Some("UPDATE") => Operation::Update,
        Some("DELETE") => Operation::Delete,
        Some("CONNECT") => Operation::Connect,
        Some(_) => return Err(at.error("operation", "expected CREATE, UPDATE, DELETE or CONNECT")),
        None => return Err(at.error("operation", "missing")),
    };
    let (object, old_object) = (at.map("object")?, at.map("oldObject")?);
    match operation {
        Operation::Create | Operation::Update if object.is_none() => {
            return Err(at.error("object", &format!("missing; {} brings an object", operation.as_str())));
        }
        Operation::Delete if old_object.is_none() && object.is_none() => {
            return Err(at.error("oldObject", "missing; DELETE names what is to be deleted"));
        }
        _ => {}
    }
    let shown = object.or(old_object);
    let kind = match kind(at, "kind")? {
        Some(kind) => kind,
        None => shown.and_then(kind_of).ok_or_else(|| at.error("kind", "missing, and the object does not tell it"))?,
    };
    agrees(at, &kind, [object, old_object])?;
    let sub_resource = at.text("subResource")?.unwrap_or("");
    let built_in = resources::of_kind(&kind.group, &kind.kind);
    let resource = match resource(at, "resource")? {
        Some(resource) => Some(resource),
        // The kind of a subresource says nothing of the resource it belongs to.
        None if !sub_resource.is_empty() => return Err(at.error("resource", "missing; subResource needs it")),
        None => built_in.map(|entry| Resource {
            group: kind.group.clone(),
            version: kind.version.clone(),
            resource: Cow::Borrowed(entry.plural),
        }),
    };
    let metadata = shown.and_then(|object| object.get("metadata"));
    let name = at.text("name")?.or_else(|| metadata?.str_at("name")).unwrap_or("");
    let namespace = at.text("namespace")?.or_else(|| metadata?.str_at("namespace")).unwrap_or("");
    let served = resource.as_ref().and_then(|resource| resources::of_plural(&resource.group, &resource.resource));
    let namespaced = match served {
        Some(entry) => Some(entry.namespaced),
        None if at.value.get("resource").is_some() => Some(!namespace.is_empty()),
        None => None,
    };
    // The API server takes a Namespace for part of itself.
    let own_namespace =
        namespace.is_empty() && served.is_some_and(|entry| (entry.group, entry.kind) == ("", "Namespace"));
    Ok(Request {
        uid: at.text("uid")?.unwrap_or("").into(),
        operation,
        request_kind: self::kind(at, "requestKind")?,
        request_resource: self::resource(at, "requestResource")?,
        request_sub_resource: at.text("requestSubResource")?.map(Cow::Borrowed),
        kind,
        resource,
        sub_resource: sub_resource.into(),
        name: name.into(),
        namespace: if own_namespace { name } else { namespace }.into(),
        namespaced,
        user: user(at)?,
        object,
        old_object,
        options: at.map("options")?,
        dry_run: at.bool("dryRun")?.unwrap_or(false),
        planned: false,
    })
}

/// An object of a namespaced kind names its namespace. Taken for one of the cluster, it would slip past every selector
/// of namespaces.
fn has_namespace(root: Value<'_>, request: &Request<'_>) -> Result<(), RequestError> {
    let resource = request.resource.as_ref();
    let served = resource.and_then(|resource| resources::of_plural(&resource.group, &resource.resource));
    if request.namespace.is_empty() && served.is_some_and(|entry| entry.namespaced) {
        let message = format!("missing; objects of kind {} are in a namespace", request.kind.kind);
        return Err(error(root.get("request").unwrap_or(root), "request.namespace", &message));
    }
    Ok(())
}

/// The kind of the request is that of its objects: the API server converts them before it asks. Of a review that
/// says otherwise nobody knows which half is meant.
fn agrees(at: At<'_>, kind: &Kind<'_>, objects: [Option<Value<'_>>; 2]) -> Result<(), RequestError> {
    for object in objects.into_iter().flatten() {
        if kind_of(object).is_some_and(|own| (&own.group, &own.kind) != (&kind.group, &kind.kind)) {
            return Err(at.error("kind", "does not agree with apiVersion and kind of the object; correct one of them"));
        }
    }
    Ok(())
}

/// Group, version and kind under a key, all in one mapping.
fn kind<'d>(at: At<'d>, key: &'static str) -> Result<Option<Kind<'d>>, RequestError> {
    let Some(value) = at.map(key)? else { return Ok(None) };
    let path = if key == "kind" { "request.kind." } else { "request.requestKind." };
    let inner = At { value, path };
    Ok(Some(Kind {
        group: inner.text("group")?.unwrap_or("").into(),
        version: inner.required("version")?.into(),
        kind: inner.required("kind")?.into(),
    }))
}

fn resource<'d>(at: At<'d>, key: &'static str) -> Result<Option<Resource<'d>>, RequestError> {
    let Some(value) = at.map(key)? else { return Ok(None) };
    let path = if key == "resource" { "request.resource." } else { "request.requestResource." };
    let inner = At { value, path };
    Ok(Some(Resource {
        group: inner.text("group")?.unwrap_or("").into(),
        version: inner.required("version")?.into(),
        resource: inner.required("resource")?.into(),
    }))
}

fn user(at: At<'_>) -> Result<Option<UserInfo<'_>>, RequestError> {
    let Some(value) = at.map("userInfo")? else { return Ok(None) };
    UserInfo::read(value).map(Some)
}

impl<'d> UserInfo<'d> {
    /// Reads a `userInfo`: `username`, `uid`, `groups`, `extra`.
    pub fn read(value: Value<'d>) -> Result<UserInfo<'d>, RequestError> {
        let inner = At { value, path: "request.userInfo." };
        let groups = inner.seq("groups")?.into_iter().flat_map(Value::items).map(|group| {
            group
                .as_str()
                .map(Cow::Borrowed)
                .ok_or_else(|| error(group, "request.userInfo.groups", "expected a string"))
        });
        let groups = groups.collect::<Result<Vec<_>, _>>()?;
        let extra = inner.map("extra")?.into_iter().flat_map(Value::entries);
        for (key, values) in extra {
            let texts = values.is_seq() && values.items().all(|text| text.as_str().is_some());
            if !texts && !values.is_null() {
                return Err(error(key, "request.userInfo.extra", "expected lists of strings"));
            }
        }
        Ok(UserInfo {
            username: inner.text("username")?.unwrap_or("").into(),
            uid: inner.text("uid")?.unwrap_or("").into(),
            groups,
            node: Some(value),
        })
    }
}

/// The kind that an object says it is.
pub(super) fn kind_of<'d>(object: Value<'d>) -> Option<Kind<'d>> {
    let api_version = object.str_at("apiVersion").filter(|text| !text.is_empty())?;
    let kind = object.str_at("kind").filter(|text| !text.is_empty())?;
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    Some(Kind { group: group.into(), version: version.into(), kind: kind.into() })
}

// === impl At ===

impl<'d> At<'d> {
    fn map(self, key: &'static str) -> Result<Option<Value<'d>>, RequestError> {
        self.typed(key, "a mapping", |value| value.is_map().then_some(value))
    }

    fn seq(self, key: &'static str) -> Result<Option<Value<'d>>, RequestError> {
        self.typed(key, "a list", |value| value.is_seq().then_some(value))
    }

    fn text(self, key: &'static str) -> Result<Option<&'d str>, RequestError> {
        self.typed(key, "a string", Value::as_str)
    }

    fn bool(self, key: &'static str) -> Result<Option<bool>, RequestError> {
        self.typed(key, "a boolean", |value| if let Data::Bool(value) = value.data() { Some(*value) } else { None })
    }

    fn required(self, key: &'static str) -> Result<&'d str, RequestError> {
        self.text(key)?.filter(|text| !text.is_empty()).ok_or_else(|| self.error(key, "missing"))
    }

    fn typed<T>(
        self,
        key: &'static str,
        noun: &'static str,
        read: impl Fn(Value<'d>) -> Option<T>,
    ) -> Result<Option<T>, RequestError> {
        let Some(value) = self.value.get(key) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| error(value, &format!("{}{key}", self.path), &format!("expected {noun}")))
    }

    fn error(self, key: &str, message: &str) -> RequestError {
        let value = self.value.get(key).unwrap_or(self.value);
        error(value, &format!("{}{key}", self.path), message)
    }
}

pub(super) fn error(value: Value<'_>, field: &str, message: &str) -> RequestError {
    RequestError { location: value.location(), field: field.to_owned(), message: message.to_owned() }
}

const GROUP_PREFIX: &str = "admission.k8s.io/";

#[cfg(test)]
mod tests {
    use model::FileId;

    use super::*;

    /// The request in a few words, or the error.
    fn reads(text: &str) -> String {
        let mut read = String::new();
        manifest::documents(text, FileId(0), |document| {
            let tree = document.unwrap();
            read = match Request::from_review(tree.root()) {
                Err(error) => error.to_string(),
                Ok(request) => {
                    let resource = request.resource.as_ref().map_or("?", |resource| &resource.resource);
                    format!(
                        "{} {resource}/{} {}/{} by {}",
                        request.operation.as_str(),
                        request.sub_resource,
                        request.namespace,
                        request.name,
                        request.user.as_ref().map_or("?", |user| &user.username)
                    )
                }
            };
        });
        read
    }

    fn review(request: &str) -> String {
        reads(&format!(r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{request}}}"#))
    }

    #[test]
    fn a_whole_review_is_read() {
        let text = r#"{"uid":"1","kind":{"group":"","version":"v1","kind":"Pod"},
          "resource":{"group":"","version":"v1","resource":"pods"},"subResource":"ephemeralcontainers",
          "requestKind":{"group":"","version":"v1","kind":"Pod"},"name":"web","namespace":"shop",
          "operation":"UPDATE","userInfo":{"username":"alice","groups":["a"],"extra":{"k":["v"]}},
          "object":{},"oldObject":{},"dryRun":true,"options":{"kind":"UpdateOptions"}}"#;
        assert_eq!(review(text), "UPDATE pods/ephemeralcontainers shop/web by alice");
    }

    #[test]
    fn what_follows_from_the_object_need_not_be_said() {
        let text = "apiVersion: admission.k8s.io/v1beta1\nkind: AdmissionReview\nrequest:\n  operation: UPDATE\n  \
                    object: {apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}}\n";
        assert_eq!(reads(text), "UPDATE deployments/ shop/web by ?");
        let text =
            r#"{"operation":"DELETE","oldObject":{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop"}}}"#;
        assert_eq!(review(text), "DELETE namespaces/ shop/shop by ?");
        let text = r#"{"operation":"CREATE","object":{"apiVersion":"example.com/v1","kind":"Widget"}}"#;
        assert_eq!(review(text), "CREATE ?/ / by ?");
    }

    #[test]
    fn errors_name_the_field() {
        assert_eq!(review("{}"), "request.operation: missing");
        let other = r#"{"operation":"CREATE","kind":{"group":"","version":"v1","kind":"ConfigMap"},
            "object":{"apiVersion":"v1","kind":"Pod"}}"#;
        let words = "request.kind: does not agree with apiVersion and kind of the object; correct one of them";
        assert_eq!(review(other), words);
        assert_eq!(review("null"), "request: missing; the review asks nothing");
        assert_eq!(review("[]"), "request: expected a mapping");
        assert_eq!(
            review(r#"{"operation":"create"}"#),
            "request.operation: expected CREATE, UPDATE, DELETE or CONNECT"
        );
        assert_eq!(review(r#"{"operation":"CREATE"}"#), "request.object: missing; CREATE brings an object");
        assert_eq!(
            review(r#"{"operation":"DELETE"}"#),
            "request.oldObject: missing; DELETE names what is to be deleted"
        );
        assert_eq!(review(r#"{"operation":"CREATE","object":[]}"#), "request.object: expected a mapping");
        assert_eq!(
            review(r#"{"operation":"CREATE","object":{}}"#),
            "request.kind: missing, and the object does not tell it"
        );
        let with = |more: &str| {
            review(&format!(r#"{{"operation":"CREATE","object":{{"apiVersion":"v1","kind":"Pod"}},{more}}}"#))
        };
        assert_eq!(with(r#""kind":{"group":"apps"}"#), "request.kind.version: missing");
        assert_eq!(with(r#""resource":{"version":"v1"}"#), "request.resource.resource: missing");
        assert_eq!(with(r#""userInfo":"alice""#), "request.userInfo: expected a mapping");
        assert_eq!(with(r#""userInfo":{"groups":[1]}"#), "request.userInfo.groups: expected a string");
        assert_eq!(with(r#""userInfo":{"extra":{"k":"v"}}"#), "request.userInfo.extra: expected lists of strings");
        assert_eq!(with(r#""dryRun":"true""#), "request.dryRun: expected a boolean");
        assert_eq!(with(r#""subResource":"exec""#), "request.resource: missing; subResource needs it");
        assert_eq!(with(r#""name":"a""#), "request.namespace: missing; objects of kind Pod are in a namespace");
        assert!(with(r#""name":"a","name":"b""#).contains("same key twice"));
        assert!(reads("kind: AdmissionReview\napiVersion: admission.k8s.io/v2\n").starts_with("apiVersion: "));
        assert!(reads("kind: Pod\napiVersion: v1\n").starts_with("kind: "));
    }
}
