//! Kubernetes objects inside documents.

use std::sync::Arc;

use model::{Location, Subject};

use crate::pod::{PodTemplate, pod_templates};
use crate::tree::{Tree, Value};

/// Deepest nesting of lists in lists that is unfolded.
const LIST_DEPTH_MAX: usize = 16;

/// One Kubernetes object, or a configuration file of a component: anything with `apiVersion` and `kind`.
#[derive(Debug)]
pub struct Object<'d> {
    /// The object's root.
    pub value: Value<'d>,
    /// Its identity.
    pub subject: Arc<Subject>,
    /// API group; empty for the core group.
    pub group: &'d str,
    /// API version without the group.
    pub version: &'d str,
    /// Kind.
    pub kind: &'d str,
    /// `metadata`, where there is one.
    pub metadata: Option<Value<'d>>,
    /// Pod templates in it, wherever they are embedded.
    pub pods: Vec<PodTemplate<'d>>,
    /// An image that the object names outside any pod template that is understood.
    pub stray_image: Option<Value<'d>>,
}

/// What a document holds.
#[derive(Debug)]
pub enum Found<'d> {
    /// An object.
    Object(Object<'d>),
    /// A mapping that has a `kind` or an `apiVersion` but not both.
    Incomplete(Value<'d>, &'static str),
    /// No Kubernetes object.
    Other(Value<'d>),
}

/// Unfolds a document into its objects: lists into their items, nested lists too.
pub fn objects<'d>(tree: &'d Tree<'_>, mut each: impl FnMut(Found<'d>)) {
    if !tree.is_empty() {
        unfold(tree.root(), ("", ""), 0, &mut each);
    }
}

fn unfold<'d>(value: Value<'d>, inherited: (&'d str, &'d str), depth: usize, each: &mut impl FnMut(Found<'d>)) {
    // A sequence at the top, as `kubectl get -o json | jq .items` leaves it.
    if value.is_seq() && depth < LIST_DEPTH_MAX {
        for item in value.items() {
            unfold(item, inherited, depth + 1, each);
        }
        return;
    }
    let api_version = value.str_at("apiVersion").unwrap_or(inherited.0);
    let kind = value.str_at("kind").unwrap_or(inherited.1);
    match (api_version.is_empty(), kind.is_empty()) {
        (true, true) => return each(Found::Other(value)),
        (true, false) => return each(Found::Incomplete(value, "apiVersion")),
        (false, true) => return each(Found::Incomplete(value, "kind")),
        (false, false) => {}
    }
    if let (Some(item_kind), Some(items)) = (kind.strip_suffix("List"), value.get("items"))
        && items.is_seq()
        && depth < LIST_DEPTH_MAX
    {
        let inherited = if item_kind.is_empty() { ("", "") } else { (api_version, item_kind) };
        for item in items.items() {
            unfold(item, inherited, depth + 1, each);
        }
        return;
    }
    each(Found::Object(Object::new(value, api_version, kind)));
}

// === impl Object ===

impl<'d> Object<'d> {
    fn new(value: Value<'d>, api_version: &'d str, kind: &'d str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let metadata = value.get("metadata").filter(|metadata| metadata.is_map());
        let text = |key| metadata.and_then(|metadata| metadata.get(key)).and_then(Value::text);
        let name = match (text("name"), text("generateName")) {
            (Some(name), _) => name.into(),
            (None, Some(prefix)) => format!("{prefix}*").into(),
            (None, None) => Box::default(),
        };
        let subject = Arc::new(Subject {
            api_version: api_version.into(),
            kind: kind.into(),
            namespace: text("namespace").unwrap_or_default().into(),
            name,
        });
        let (pods, stray_image) = pod_templates(value, group, kind);
        Object { value, subject, group, version, kind, metadata, pods, stray_image }
    }

    /// Whether the object is of the given group and kind, in any version.
    pub fn is(&self, group: &str, kind: &str) -> bool {
        self.kind == kind && self.group == group
    }

    /// `spec`.
    pub fn spec(&self) -> Option<Value<'d>> {
        self.value.get("spec")
    }

    /// `metadata.namespace`, empty when not given.
    pub fn namespace(&self) -> &str {
        &self.subject.namespace
    }

    /// `metadata.name`, empty when not given.
    pub fn name(&self) -> &str {
        &self.subject.name
    }

    /// One of `metadata.labels`.
    pub fn label(&self, key: &str) -> Option<&'d str> {
        self.metadata?.get("labels")?.str_at(key)
    }

    /// One of `metadata.annotations`.
    pub fn annotation(&self, key: &str) -> Option<&'d str> {
        self.metadata?.get("annotations")?.str_at(key)
    }

    /// Where to point when the object as a whole is meant: its `kind`, else its start.
    pub fn location(&self) -> Location {
        self.value.get("kind").unwrap_or(self.value).location()
    }
}
