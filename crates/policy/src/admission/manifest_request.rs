//! Requests out of manifests, as if they were sent to the API server.

use std::borrow::Cow;

use manifest::Value;

use super::facts::Facts;
use super::request::{Kind, Operation, Request, Resource, UserInfo};
use super::resources;
use super::review::{RequestError, error, kind_of};

/// How a manifest is sent.
#[derive(Clone, Debug, Default)]
pub struct Sending<'d> {
    /// What is done; CREATE if not said.
    pub operation: Option<Operation>,
    /// The object before an UPDATE.
    pub old_object: Option<Value<'d>>,
    /// The namespace of an object that names none. Without one it stays unknown.
    pub namespace: Option<&'d str>,
    /// The name where the object has none of its own, as for the options of CONNECT.
    pub name: Option<&'d str>,
    /// The resource where the kind does not tell it: subresources with kinds of their own.
    pub resource: Option<Resource<'d>>,
    /// For example `scale`.
    pub sub_resource: &'d str,
    /// Who asks, if that is known.
    pub user: Option<UserInfo<'d>>,
    /// `options`.
    pub options: Option<Value<'d>>,
    /// Whether nothing is to be stored.
    pub dry_run: bool,
}

impl<'d> Request<'d> {
    /// The request that sends a manifest. For DELETE the manifest is what is deleted.
    pub fn from_manifest(object: Value<'d>, sending: Sending<'d>, facts: &Facts) -> Result<Request<'d>, RequestError> {
        if let Some(doubtful) = [Some(object), sending.old_object].into_iter().flatten().find(|o| o.has_repeated_keys())
        {
            return Err(error(doubtful, "", "a mapping has the same key twice; readers disagree on it"));
        }
        let kind =
            kind_of(object).ok_or_else(|| error(object, "kind", "expected an object with apiVersion and kind"))?;
        let operation = sending.operation.unwrap_or(Operation::Create);
        let resource = match (&sending.resource, sending.sub_resource) {
            (Some(resource), _) => Some(resource.clone()),
            (None, "") | (None, "status") => resource_of(&kind, facts),
            (None, _) => implied(&kind, sending.sub_resource).or_else(|| resource_of(&kind, facts)),
        };
        let metadata = object.get("metadata");
        let text = |key: &str| metadata.and_then(|metadata| metadata.str_at(key)).filter(|text| !text.is_empty());
        let name = text("name").or(sending.name).unwrap_or("");
        let known = resource.as_ref().and_then(|resource| scope(resource, facts));
        let namespaced = known.or_else(|| text("namespace").map(|_| true));
        let is_namespace =
            resource.as_ref().is_some_and(|resource| (&*resource.group, &*resource.resource) == ("", "namespaces"));
        let namespace = match namespaced {
            Some(false) if is_namespace => name,
            Some(false) => "",
            Some(true) => text("namespace").or(sending.namespace).unwrap_or(""),
            None => "",
        };
        let (object, old_object) = match operation {
            Operation::Delete => (None, Some(object)),
            _ => (Some(object), sending.old_object),
        };
        Ok(Request {
            uid: Cow::Borrowed(""),
            operation,
            request_kind: None,
            request_resource: None,
            request_sub_resource: None,
            kind,
            resource,
            sub_resource: sending.sub_resource.into(),
            name: name.into(),
            namespace: namespace.into(),
            namespaced,
            user: sending.user,
            object,
            old_object,
            options: sending.options,
            dry_run: sending.dry_run,
            planned: true,
        })
    }
}

/// The resource of a kind: built in, or of a definition among the facts.
fn resource_of<'d>(kind: &Kind<'d>, facts: &Facts) -> Option<Resource<'d>> {
    let plural = match resources::of_kind(&kind.group, &kind.kind) {
        Some(entry) => Cow::Borrowed(entry.plural),
        None => Cow::Owned(facts.definition(&kind.group, &kind.kind)?.plural.to_string()),
    };
    Some(Resource { group: kind.group.clone(), version: kind.version.clone(), resource: plural })
}

/// The resource that a kind made for one subresource belongs to.
fn implied<'d>(kind: &Kind<'_>, sub_resource: &str) -> Option<Resource<'d>> {
    let plural = match (&*kind.kind, sub_resource) {
        ("PodExecOptions", "exec")
        | ("PodAttachOptions", "attach")
        | ("PodPortForwardOptions", "portforward")
        | ("PodProxyOptions", "proxy")
        | ("Binding", "binding")
        | ("Eviction", "eviction") => "pods",
        ("ServiceProxyOptions", "proxy") => "services",
        ("NodeProxyOptions", "proxy") => "nodes",
        ("TokenRequest", "token") => "serviceaccounts",
        _ => return None,
    };
    Some(Resource { group: "".into(), version: "v1".into(), resource: plural.into() })
}

/// Whether objects of a resource live in namespaces.
fn scope(resource: &Resource<'_>, facts: &Facts) -> Option<bool> {
    let built_in = resources::of_plural(&resource.group, &resource.resource).map(|entry| entry.namespaced);
    let custom = || facts.definition_of(&resource.group, &resource.resource).map(|definition| definition.namespaced);
    built_in.or_else(custom)
}

#[cfg(test)]
mod tests {
    use model::FileId;

    use super::*;

    /// Resource, namespace and scope of the request that a manifest becomes.
    fn sent(object: &str, sending: Sending<'static>) -> String {
        let mut facts = Facts::new();
        let definition = "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: widgets.example.com}, \
            spec: {group: example.com, scope: Namespaced, names: {kind: Widget, plural: widgets}, versions: [{name: v1}]}}";
        manifest::documents(definition, FileId(0), |document| facts.add(document.unwrap().root()).unwrap());
        let mut words = String::new();
        manifest::documents(object, FileId(0), |document| {
            let tree = document.unwrap();
            words = match Request::from_manifest(tree.root(), sending.clone(), &facts) {
                Err(error) => error.to_string(),
                Ok(request) => {
                    let resource = request.resource.as_ref().map_or("?", |resource| &resource.resource);
                    format!("{resource} {}/{} {:?}", request.namespace, request.name, request.namespaced)
                }
            };
        });
        words
    }

    #[test]
    fn kinds_become_resources() {
        let default = || Sending { namespace: Some("default"), ..Sending::default() };
        let pod = "{apiVersion: v1, kind: Pod, metadata: {name: a}}";
        assert_eq!(sent(pod, default()), "pods default/a Some(true)");
        assert_eq!(sent(pod, Sending::default()), "pods /a Some(true)");
        assert_eq!(
            sent("{apiVersion: v1, kind: Namespace, metadata: {name: a}}", default()),
            "namespaces a/a Some(false)"
        );
        let widget = "{apiVersion: example.com/v1, kind: Widget, metadata: {name: a, namespace: b}}";
        assert_eq!(sent(widget, default()), "widgets b/a Some(true)");
        assert_eq!(sent(&widget.replace("Widget", "Gadget"), default()), "? b/a Some(true)");
        assert_eq!(sent("{apiVersion: example.com/v1, kind: Gadget, metadata: {name: a}}", default()), "? /a None");
        let exec =
            Sending { sub_resource: "exec", name: Some("web"), operation: Some(Operation::Connect), ..default() };
        assert_eq!(sent("{apiVersion: v1, kind: PodExecOptions}", exec), "pods default/web Some(true)");
        assert_eq!(sent("{kind: Pod}", default()), "kind: expected an object with apiVersion and kind");
        assert!(sent("{apiVersion: v1, kind: Pod, kind: Pod}", default()).contains("same key twice"));
    }
}
