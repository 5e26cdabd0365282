//! How the parts of an object are merged: what server-side apply knows of a type.
//!
//! Built-in types come from the schema table and a second table (`data/merge.txt`) with one line per type that
//! has lists or mappings out of the ordinary:
//!
//! ```text
//! Container env=name ports=containerPort:0,protocol:TCP
//! LabelSelector !
//! ```
//!
//! `field=keys` is a list whose items are told apart by the values of these keys (with the value that a missing
//! key stands for, if it is not the empty text), `field=*` a set, `field=!` a mapping that is replaced as a whole,
//! `field=+` one that is merged although its type is not; a lone `!` says of a type that it is replaced as a whole. A type may be restricted to one `apiVersion` (`Type@group/version`).
//! All other lists are replaced as a whole, all other mappings are merged.

use std::collections::HashMap;
use std::sync::LazyLock;

use manifest::Value as Node;
use manifest::schema::{self, Expect, Leaf, Shape, TypeRef};

use super::json::Json;

/// What is known of the type of a value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind<'s> {
    /// A type of the table with its name.
    Fields(TypeRef, &'s str),
    /// A field of a type of the table.
    Shaped(Shape, Note, &'s str),
    /// A part of a structural schema.
    Structural(Node<'s>),
    /// The root of a custom resource.
    Custom(Node<'s>),
    /// Nothing: mappings are merged, lists are replaced.
    Unknown,
}

/// What the second table says of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Note {
    /// Nothing.
    Plain,
    /// A set.
    Set,
    /// A list with these keys.
    Keys(&'static [(&'static str, Default)]),
    /// Replaced as a whole.
    Atomic,
    /// Merged, although the type is replaced elsewhere.
    Granular,
}

/// What a missing key stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Default {
    /// A text.
    Text(&'static str),
    /// A number.
    Number(i64),
}

/// How a list is merged.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Relation {
    /// Replaced as a whole.
    Atomic,
    /// Each value once.
    Set,
    /// Items with the same values of these keys are one; with what a missing key stands for.
    Keyed(Vec<(String, Option<Json>)>),
}

/// The scalars that a type takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    Numeric,
    String,
    Boolean,
    Any,
}

/// A mapping type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MapKind<'s> {
    of: Kind<'s>,
    /// Replaced as a whole.
    pub atomic: bool,
}

impl<'s> Kind<'s> {
    /// The type of a built-in kind under its `apiVersion`.
    pub(crate) fn built_in(group: &str, version: &str, kind: &str, api_version: &'s str) -> Option<Kind<'s>> {
        schema::kind(group, version, kind).map(|own| Kind::Fields(own, api_version))
    }

    /// The type of the table, at the root of an object.
    pub(crate) fn built_in_type(self) -> Option<TypeRef> {
        if let Kind::Fields(own, _) = self { Some(own) } else { None }
    }

    /// Which scalars the type takes.
    pub(crate) fn scalar(self) -> Option<Scalar> {
        match self {
            Kind::Unknown => Some(Scalar::Any),
            Kind::Fields(..) | Kind::Custom(_) => None,
            Kind::Shaped(shape, ..) => match shape.expect() {
                Expect::Leaf(Leaf::String | Leaf::Bytes | Leaf::Time) => Some(Scalar::String),
                Expect::Leaf(Leaf::Bool) => Some(Scalar::Boolean),
                Expect::Leaf(Leaf::Int32 | Leaf::Int64 | Leaf::Number) => Some(Scalar::Numeric),
                Expect::Leaf(Leaf::Quantity | Leaf::IntOrString | Leaf::Any) | Expect::Maybe(_) => Some(Scalar::Any),
                Expect::Leaf(Leaf::Fields(_)) | Expect::List(_) | Expect::Map(_) => None,
            },
            Kind::Structural(node) => match node.str_at("type") {
                _ if node.bool_at("x-kubernetes-int-or-string") == Some(true) => Some(Scalar::Any),
                Some("string") => Some(Scalar::String),
                Some("boolean") => Some(Scalar::Boolean),
                Some("integer" | "number") => Some(Scalar::Numeric),
                Some(_) => None,
                None => Some(Scalar::Any),
            },
        }
    }

    /// How lists of the type are merged, and the type of their items.
    pub(crate) fn list(self) -> Option<(Relation, Kind<'s>)> {
        match self {
            Kind::Unknown => Some((Relation::Atomic, Kind::Unknown)),
            Kind::Fields(..) | Kind::Custom(_) => None,
            Kind::Shaped(shape, note, version) => match shape.expect() {
                Expect::List(inner) => {
                    let relation = match note {
                        Note::Plain | Note::Atomic | Note::Granular => Relation::Atomic,
                        Note::Set => Relation::Set,
                        Note::Keys(keys) => Relation::Keyed(
                            keys.iter().map(|(name, default)| ((*name).to_owned(), Some(default.json()))).collect(),
                        ),
                    };
                    Some((relation, Kind::Shaped(inner, Note::Plain, version).resolved()))
                }
                Expect::Leaf(Leaf::Any) | Expect::Maybe(_) => Some((Relation::Atomic, Kind::Unknown)),
                _ => None,
            },
            Kind::Structural(node) if node.str_at("type") == Some("array") => {
                let items = node.get("items").map_or(Kind::Unknown, Kind::Structural);
                Some((structural_relation(node), items))
            }
            Kind::Structural(node) if node.str_at("type").is_none() => Some((Relation::Atomic, Kind::Unknown)),
            Kind::Structural(_) => None,
        }
    }

    /// The type as a mapping.
    pub(crate) fn map(self) -> Option<MapKind<'s>> {
        let atomic = match self {
            Kind::Unknown | Kind::Custom(_) => false,
            Kind::Fields(own, version) => is_atomic(own.name(), version),
            Kind::Shaped(shape, note, version) => match shape.expect() {
                Expect::Map(_) => note == Note::Atomic,
                Expect::Leaf(Leaf::Any) | Expect::Maybe(_) => false,
                Expect::Leaf(Leaf::Fields(own)) => {
                    note == Note::Atomic || (note != Note::Granular && is_atomic(own.name(), version))
                }
                _ => return None,
            },
            Kind::Structural(node) => match node.str_at("type") {
                Some("object") | None if node.bool_at("x-kubernetes-int-or-string") != Some(true) => {
                    node.str_at("x-kubernetes-map-type") == Some("atomic")
                }
                _ => return None,
            },
        };
        Some(MapKind { of: self, atomic })
    }

    /// The type itself instead of a field that holds nothing but it.
    fn resolved(self) -> Kind<'s> {
        match self {
            Kind::Shaped(shape, Note::Plain, version) => match shape.expect() {
                Expect::Leaf(Leaf::Fields(own)) => Kind::Fields(own, version),
                _ => self,
            },
            _ => self,
        }
    }
}

impl<'s> MapKind<'s> {
    /// Whether the mapping declares fields by name.
    pub(crate) fn has_fields(self) -> bool {
        match self.of {
            Kind::Fields(..) | Kind::Custom(_) => true,
            Kind::Shaped(shape, ..) => matches!(shape.expect(), Expect::Leaf(Leaf::Fields(_))),
            Kind::Structural(node) => node.get("properties").is_some(),
            Kind::Unknown => false,
        }
    }

    /// The type of a field or of any value of the mapping; `None` where the mapping has no such field.
    pub(crate) fn field(self, name: &str) -> Option<Kind<'s>> {
        match self.of {
            Kind::Unknown => Some(Kind::Unknown),
            Kind::Fields(own, version) => declared(own, name, version),
            Kind::Shaped(shape, _, version) => match shape.expect() {
                Expect::Leaf(Leaf::Fields(own)) => declared(own, name, version),
                Expect::Map(inner) => Some(Kind::Shaped(inner, Note::Plain, version).resolved()),
                _ => Some(Kind::Unknown),
            },
            Kind::Custom(node) => match name {
                "apiVersion" | "kind" => Some(Kind::Unknown),
                "metadata" => schema::object_meta().map(|own| Kind::Fields(own, "v1")),
                _ => structural_field(node, name),
            },
            Kind::Structural(node) => structural_field(node, name),
        }
    }
}

fn declared<'s>(own: TypeRef, name: &str, version: &'s str) -> Option<Kind<'s>> {
    let shape = own.field(name)?;
    let note = TABLE.get(own.name()).and_then(|fields| fields.get(name)).copied().unwrap_or(Note::Plain);
    Some(Kind::Shaped(shape, note, version).resolved())
}

impl Default {
    fn json(self) -> Json {
        match self {
            Default::Text(text) => Json::Str(text.into()),
            Default::Number(number) => Json::Int(number),
        }
    }
}

fn structural_field<'s>(node: Node<'s>, name: &str) -> Option<Kind<'s>> {
    if let Some(field) = node.path(&["properties", name]) {
        return Some(Kind::Structural(field));
    }
    if let Some(rest) = node.get("additionalProperties") {
        return match rest.as_bool() {
            Some(false) => None,
            Some(true) => Some(Kind::Unknown),
            None => Some(Kind::Structural(rest)),
        };
    }
    if node.bool_at("x-kubernetes-embedded-resource") == Some(true) {
        match name {
            "apiVersion" | "kind" => return Some(Kind::Unknown),
            "metadata" => return schema::object_meta().map(|own| Kind::Fields(own, "v1")),
            _ => {}
        }
    }
    let open = node.bool_at("x-kubernetes-preserve-unknown-fields") == Some(true) || node.str_at("type").is_none();
    open.then_some(Kind::Unknown)
}

fn structural_relation(node: Node<'_>) -> Relation {
    match node.str_at("x-kubernetes-list-type") {
        Some("set") => Relation::Set,
        Some("map") => {
            let keys = node.list("x-kubernetes-list-map-keys").filter_map(Node::as_str);
            let default = |key: &str| node.path(&["items", "properties", key, "default"]).map(Json::of);
            Relation::Keyed(keys.map(|key| (key.to_owned(), default(key))).collect())
        }
        _ => Relation::Atomic,
    }
}

fn is_atomic(name: &str, version: &str) -> bool {
    let whole = |name: &str| TABLE.get(name).is_some_and(|fields| fields.contains_key(""));
    whole(name) || (RESTRICTED.contains(&name) && whole(&format!("{name}@{version}")))
}

/// Types of which the table has lines for one `apiVersion` only.
const RESTRICTED: [&str; 2] = ["CrossVersionObjectReference", "Subject"];

type Fields = HashMap<&'static str, Note>;

static TABLE: LazyLock<HashMap<&'static str, Fields>> = LazyLock::new(|| {
    let mut table = HashMap::new();
    for line in include_str!("../../../data/merge.txt").lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split(' ');
        let name = words.next().unwrap_or("");
        let mut fields = Fields::new();
        for word in words {
            match word.split_once('=') {
                Some((field, "*")) => fields.insert(field, Note::Set),
                Some((field, "!")) => fields.insert(field, Note::Atomic),
                Some((field, "+")) => fields.insert(field, Note::Granular),
                Some((field, keys)) => fields.insert(field, Note::Keys(read_keys(keys))),
                None => fields.insert("", Note::Atomic),
            };
        }
        table.insert(name, fields);
    }
    table
});

/// Made once, for as long as the process lives.
fn read_keys(text: &'static str) -> &'static [(&'static str, Default)] {
    let key = |word: &'static str| {
        let (name, default) = word.split_once(':').unwrap_or((word, ""));
        (name, default.parse().map_or(Default::Text(default), Default::Number))
    };
    Vec::leak(text.split(',').map(key).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_and_field_of_the_table_is_known() {
        let mut seen = 0;
        for (api_version, kind) in [("v1", "Pod"), ("apps/v1", "Deployment"), ("v1", "Service")] {
            let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
            let root = Kind::built_in(group, version, kind, api_version).unwrap();
            seen += usize::from(root.map().unwrap().field("spec").is_some());
        }
        assert_eq!(seen, 3);
    }

    #[test]
    fn lists_are_told_apart() {
        let pod = Kind::built_in("", "v1", "Pod", "v1").unwrap().map().unwrap().field("spec").unwrap();
        let (relation, container) = pod.map().unwrap().field("containers").unwrap().list().unwrap();
        assert_eq!(relation, Relation::Keyed(vec![("name".into(), Some(Json::Str("".into())))]));
        let (relation, _) = container.map().unwrap().field("ports").unwrap().list().unwrap();
        let keys =
            vec![("containerPort".into(), Some(Json::Int(0))), ("protocol".into(), Some(Json::Str("TCP".into())))];
        assert_eq!(relation, Relation::Keyed(keys));
        assert_eq!(container.map().unwrap().field("args").unwrap().list().unwrap().0, Relation::Atomic);
        let deployment = Kind::built_in("apps", "v1", "Deployment", "apps/v1").unwrap();
        let selector = deployment.map().unwrap().field("spec").unwrap().map().unwrap().field("selector").unwrap();
        assert!(selector.map().unwrap().atomic);
        assert!(pod.map().unwrap().field("nodeSelector").unwrap().map().unwrap().atomic);
        assert!(pod.map().unwrap().field("none").is_none());
    }
}
