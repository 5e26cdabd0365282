//! Types of documents for the type checker: out of the schema table for built-in kinds, out of the structural
//! schema for custom ones. A type is named by its path (`Deployment.spec.template`), so nothing is built ahead.

use cel::decl::TypeProvider;
use cel::types::Type;
use manifest::schema::{self, Expect, Leaf, Shape, TypeRef};
use manifest::{Tree, Value as Node};

/// Types of a few kinds.
#[derive(Debug, Default)]
pub(crate) struct SchemaTypes {
    roots: Vec<(String, Root)>,
}

/// Where the type of a kind comes from.
#[derive(Debug)]
pub(crate) enum Root {
    /// The table.
    BuiltIn(TypeRef),
    /// `openAPIV3Schema` of a version of a CustomResourceDefinition.
    Custom(Tree<'static>),
}

/// A place in a type.
#[derive(Clone, Copy)]
enum At<'s> {
    Fields(TypeRef),
    Shaped(Shape),
    Structural(Node<'s>),
    /// The root of a resource, which always has `apiVersion`, `kind` and `metadata`.
    Resource(Node<'s>),
    /// `metadata` of a resource whose schema does not describe it.
    Names,
    Text,
}

impl SchemaTypes {
    /// Adds a kind and returns its type.
    pub(crate) fn add(&mut self, kind: &str, root: Root) -> Type {
        let mut name = kind.to_owned();
        while self.roots.iter().any(|(own, _)| *own == name) {
            name.push('1');
        }
        let of = Type::object(&name);
        self.roots.push((name, root));
        of
    }

    fn at(&self, name: &str) -> Option<At<'_>> {
        let mut segments = name.split('.');
        let first = segments.next()?;
        let root = self.roots.iter().find(|(own, _)| own == first).map(|(_, root)| root)?;
        let start = match root {
            Root::BuiltIn(own) => At::Fields(*own),
            Root::Custom(tree) => At::Resource(tree.root()),
        };
        segments.try_fold(start, |at, segment| at.step(segment))
    }
}

impl TypeProvider for SchemaTypes {
    fn has(&self, name: &str) -> bool {
        self.at(name).is_some_and(At::is_object)
    }

    fn field(&self, name: &str, field: &str) -> Option<Type> {
        let at = self.at(name).filter(|at| at.is_object())?;
        at.step(field)?.of(&format!("{name}.{field}"))
    }

    fn fields(&self, name: &str) -> Vec<String> {
        self.at(name).map(At::names).unwrap_or_default()
    }
}

impl<'s> At<'s> {
    /// A field under its escaped name, or the items of a list (`@idx`) or a map (`@elem`).
    fn step(self, segment: &str) -> Option<At<'s>> {
        match self {
            // Values of any kind within a schema have no type of their own, other than objects of any kind elsewhere.
            At::Fields(own) if own.name() == "JSONSchemaProps" && JSON_FIELDS.contains(&segment) => None,
            At::Fields(own) => own.field(&unescape(segment)).map(At::Shaped),
            At::Shaped(shape) => match (shape.expect(), segment) {
                (Expect::List(inner), "@idx") | (Expect::Map(inner), "@elem") => Some(At::Shaped(inner)),
                (Expect::Leaf(Leaf::Fields(own)), _) => At::Fields(own).step(segment),
                _ => None,
            },
            At::Resource(node) => {
                let described = node.path(&["properties", &unescape(segment)]);
                match segment {
                    "apiVersion" | "kind" => Some(At::Text),
                    "metadata" => match described.filter(|metadata| metadata.get("properties").is_some()) {
                        Some(metadata) => Some(At::Structural(metadata)),
                        None => schema::object_meta().map(At::Fields).or(Some(At::Names)),
                    },
                    _ => described.map(At::of_node),
                }
            }
            At::Structural(node) => match segment {
                "@idx" => node.get("items").map(At::of_node),
                "@elem" => node.get("additionalProperties").filter(|rest| rest.is_map()).map(At::of_node),
                _ => node.path(&["properties", &unescape(segment)]).map(At::of_node),
            },
            At::Names => matches!(segment, "name" | "generateName").then_some(At::Text),
            At::Text => None,
        }
    }

    fn of_node(node: Node<'s>) -> At<'s> {
        if node.bool_at("x-kubernetes-embedded-resource") == Some(true) {
            At::Resource(node)
        } else {
            At::Structural(node)
        }
    }

    /// The type of what is here; `None` when expressions do not see it.
    fn of(self, name: &str) -> Option<Type> {
        match self {
            At::Fields(_) | At::Resource(_) | At::Names => Some(Type::object(name)),
            At::Text => Some(Type::String),
            At::Shaped(shape) => Some(match shape.expect() {
                Expect::List(_) => Type::list(self.step("@idx")?.of(&format!("{name}.@idx"))?),
                Expect::Map(_) => Type::map(Type::String, self.step("@elem")?.of(&format!("{name}.@elem"))?),
                Expect::Maybe(_) => return None,
                Expect::Leaf(leaf) => match leaf {
                    Leaf::Fields(_) => Type::object(name),
                    Leaf::String => Type::String,
                    Leaf::Bytes => Type::Bytes,
                    Leaf::Time => Type::Timestamp,
                    Leaf::Bool => Type::Bool,
                    Leaf::Int32 | Leaf::Int64 => Type::Int,
                    Leaf::Number => Type::Double,
                    Leaf::IntOrString => Type::Dyn,
                    // An object without fields.
                    Leaf::Any => Type::object(name),
                    // A union that the API server's types do not describe: it leaves such fields out.
                    Leaf::Quantity => return None,
                },
            }),
            At::Structural(node) => {
                if node.bool_at("x-kubernetes-int-or-string") == Some(true) {
                    return Some(Type::Dyn);
                }
                Some(match node.str_at("type")? {
                    "array" => Type::list(self.step("@idx")?.of(&format!("{name}.@idx"))?),
                    "object" => match self.step("@elem") {
                        Some(inner) => Type::map(Type::String, inner.of(&format!("{name}.@elem"))?),
                        None => Type::object(name),
                    },
                    "string" => match node.str_at("format") {
                        Some("byte") => Type::Bytes,
                        Some("duration") => Type::Duration,
                        Some("date" | "date-time") => Type::Timestamp,
                        _ => Type::String,
                    },
                    "boolean" => Type::Bool,
                    "number" => Type::Double,
                    "integer" => Type::Int,
                    _ => return None,
                })
            }
        }
    }

    fn is_object(self) -> bool {
        match self {
            At::Fields(_) | At::Resource(_) | At::Names => true,
            At::Text => false,
            At::Shaped(shape) => matches!(shape.expect(), Expect::Leaf(Leaf::Fields(_) | Leaf::Any)),
            At::Structural(node) => {
                node.str_at("type") == Some("object") && !node.get("additionalProperties").is_some_and(Node::is_map)
            }
        }
    }

    fn names(self) -> Vec<String> {
        match self {
            At::Fields(own) => own.fields().filter_map(escape).collect(),
            At::Shaped(shape) => match shape.expect() {
                Expect::Leaf(Leaf::Fields(own)) => At::Fields(own).names(),
                _ => Vec::new(),
            },
            At::Resource(node) | At::Structural(node) => {
                let fields = node.get("properties").into_iter().flat_map(Node::entries);
                fields.filter_map(|(key, _)| escape(key.as_str()?)).collect()
            }
            At::Names => vec!["name".to_owned(), "generateName".to_owned()],
            At::Text => Vec::new(),
        }
    }
}

/// The name under which expressions see a field; `None` for one that they cannot name.
pub(crate) fn escape(name: &str) -> Option<String> {
    let first = name.bytes().next()?;
    if first.is_ascii_digit() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte)) {
        return None;
    }
    if cel::is_reserved(name) {
        return Some(format!("__{name}__"));
    }
    let escaped = name.replace("__", "__underscores__");
    Some(escaped.replace('.', "__dot__").replace('-', "__dash__").replace('/', "__slash__"))
}

/// The field behind an escaped name.
fn unescape(name: &str) -> String {
    let inner = name.strip_prefix("__").and_then(|rest| rest.strip_suffix("__"));
    if let Some(word) = inner.filter(|word| cel::is_reserved(word)) {
        return word.to_owned();
    }
    // The type checker takes a reserved word without its underscores too.
    if cel::is_reserved(name) {
        return name.to_owned();
    }
    let plain = name.replace("__dot__", ".").replace("__dash__", "-").replace("__slash__", "/");
    plain.replace("__underscores__", "__")
}

/// Fields of `JSONSchemaProps` that hold values of any kind.
const JSON_FIELDS: [&str; 3] = ["default", "enum", "example"];
