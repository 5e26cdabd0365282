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
    /// A key that the API server takes for `apiVersion` or `kind` in spite of its spelling, as `Kind`;
    /// most other readers do not.
    pub odd_type_key: Option<Value<'d>>,
}

/// What a document holds.
#[derive(Debug)]
pub enum Found<'d> {
    /// An object.
    Object(Object<'d>),
    /// A mapping that lacks `kind`, `apiVersion` or, named like an object, both; with what it lacks.
    Incomplete(Value<'d>, &'static str),
    /// An item of a List that is no mapping.
    NotObject(Value<'d>),
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
    let types = Types::of(value);
    if types.odd.is_some() {
        for (api_version, kind) in types.pairs(inherited) {
            unfold_typed(value, (api_version, kind), types.odd, depth, each);
        }
        return;
    }
    let api_version = value.str_at("apiVersion").unwrap_or(inherited.0);
    let kind = value.str_at("kind").unwrap_or(inherited.1);
    unfold_typed(value, (api_version, kind), None, depth, each);
}

fn unfold_typed<'d>(
    value: Value<'d>,
    (api_version, kind): (&'d str, &'d str),
    odd: Option<Value<'d>>,
    depth: usize,
    each: &mut impl FnMut(Found<'d>),
) {
    match (api_version.is_empty(), kind.is_empty()) {
        (true, true) if is_named_object(value) => return each(Found::Incomplete(value, "apiVersion` and `kind")),
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
            if item.is_map() {
                unfold(item, inherited, depth + 1, each);
            } else {
                each(Found::NotObject(item));
            }
        }
        return;
    }
    each(Found::Object(Object { odd_type_key: odd, ..Object::new(value, api_version, kind) }));
}

/// Whether a mapping without a type still has the rest of an object: the API server takes the type
/// of such a one from the address that it is posted to.
fn is_named_object(value: Value<'_>) -> bool {
    let named = |metadata: Value<'_>| metadata.get("name").or_else(|| metadata.get("generateName")).is_some();
    value.get("spec").is_some_and(Value::is_map) && value.get("metadata").is_some_and(named)
}

/// The values that the API server may take for the type of an object. It reads these two keys in any
/// case, the last of several winning, or the last in the order of their letters.
struct Types<'d> {
    api_versions: Vec<&'d str>,
    kinds: Vec<&'d str>,
    odd: Option<Value<'d>>,
}

impl<'d> Types<'d> {
    fn of(value: Value<'d>) -> Self {
        let mut types = Types { api_versions: Vec::new(), kinds: Vec::new(), odd: None };
        for (key, _) in value.entries() {
            let name = key.as_str().unwrap_or("");
            let odd = match name.len() {
                4..=6 => name != "kind" && folds_to(name, "kind"),
                10..=12 => name != "apiVersion" && folds_to(name, "apiversion"),
                _ => false,
            };
            if odd && types.odd.is_none() {
                types.odd = Some(key);
            }
        }
        if types.odd.is_some() {
            types.gather(value);
        }
        types
    }

    fn gather(&mut self, value: Value<'d>) {
        for (key, value) in value.entries() {
            let name = key.as_str().unwrap_or("");
            let types = match name.len() {
                4..=6 if folds_to(name, "kind") => &mut self.kinds,
                10..=12 if folds_to(name, "apiversion") => &mut self.api_versions,
                _ => continue,
            };
            let Some(text) = value.as_str().filter(|text| !text.is_empty()) else { continue };
            if types.len() < TYPES_MAX && !types.contains(&text) {
                types.push(text);
            }
        }
    }

    /// Every type that the object may have.
    fn pairs(&self, inherited: (&'d str, &'d str)) -> Vec<(&'d str, &'d str)> {
        let or = |own: &[&'d str], inherited| if own.is_empty() { vec![inherited] } else { own.to_vec() };
        let kinds = or(&self.kinds, inherited.1);
        let pair = |api_version| kinds.iter().map(move |kind| (api_version, *kind));
        or(&self.api_versions, inherited.0).into_iter().flat_map(pair).collect()
    }
}

/// Most spellings of one type key that are told apart.
const TYPES_MAX: usize = 4;

/// Whether a key equals a lower-case name under the case folding of Go's decoder, which also knows
/// the Kelvin sign and the long s.
fn folds_to(key: &str, name: &str) -> bool {
    key.chars()
        .map(|c| match c {
            '\u{212a}' => 'k',
            '\u{17f}' => 's',
            c => c.to_ascii_lowercase(),
        })
        .eq(name.chars())
}

// === impl Object ===

impl<'d> Object<'d> {
    /// The object at a node, as it is: a List stays one object. `None` without `apiVersion` or `kind`.
    pub fn at(value: Value<'d>) -> Option<Self> {
        let (api_version, kind) = (value.str_at("apiVersion")?, value.str_at("kind")?);
        let typed = !api_version.is_empty() && !kind.is_empty();
        typed.then(|| Object::new(value, api_version, kind))
    }

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
        Object { value, subject, group, version, kind, metadata, pods, stray_image, odd_type_key: None }
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

#[cfg(test)]
mod tests {
    use model::FileId;

    use super::*;

    fn types(text: &str) -> Vec<String> {
        let mut types = Vec::new();
        crate::documents(text, FileId(0), |document| {
            objects(&document.unwrap(), |found| {
                types.push(match found {
                    Found::Object(object) => {
                        let odd = if object.odd_type_key.is_some() { " by an odd key" } else { "" };
                        format!("{} {}{odd}", object.version, object.kind)
                    }
                    Found::Incomplete(_, missing) => format!("lacks {missing}"),
                    Found::NotObject(_) | Found::Other(_) => String::from("other"),
                });
            });
        });
        types
    }

    #[test]
    fn the_type_is_found_in_any_case() {
        assert_eq!(types(r#"{"Kind": "Pod", "apiVersion": "v1"}"#), ["v1 Pod by an odd key"]);
        assert_eq!(types("APIVERSION: v1\n\u{212a}IND: Pod\n"), ["v1 Pod by an odd key"]);
        assert_eq!(types("kind: Pod\napiVersion: v1\nkinds: x\n"), ["v1 Pod"]);
    }

    #[test]
    fn every_type_that_a_server_may_see_is_judged() {
        let text = r#"{"apiVersion": "v1", "kind": "ConfigMap", "KIND": "Pod"}"#;
        assert_eq!(types(text), ["v1 ConfigMap by an odd key", "v1 Pod by an odd key"]);
    }

    #[test]
    fn objects_without_a_type_are_told_from_other_documents() {
        assert_eq!(types("metadata: {name: t}\nspec: {containers: []}\n"), ["lacks apiVersion` and `kind"]);
        assert_eq!(types("image: {name: t}\nspec: {}\n"), ["other"]);
    }
}
