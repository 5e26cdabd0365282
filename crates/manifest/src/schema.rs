//! The built-in kinds of Kubernetes and their fields, as a real kube-apiserver publishes them.
//!
//! The table (`data/schema.txt`, made by `cargo xtask codegen schema`) has one line per type, numbered
//! from 0, then an empty line, then one line per kind:
//!
//! ```text
//! Container args:[s image:s securityContext:316 …
//!
//! apps/v1 Deployment 90
//! ```
//!
//! A field's shape is any number of layers — `[` a list, `{` a map with free keys, `?` a schema or
//! something else in its place — and then a letter or the number of a type.

mod presence;

use std::sync::LazyLock;

pub use presence::Presence;

/// One built-in type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeRef(u16);

/// What a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Outermost layer in the lowest two bits.
    layers: u8,
    leaf: Leaf,
}

/// What a field takes, one layer at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// A list.
    List(Shape),
    /// A mapping with free keys.
    Map(Shape),
    /// The inner shape, or something else that is judged nowhere.
    Maybe(Shape),
    /// A mapping with fields, or a scalar.
    Leaf(Leaf),
}

/// The innermost part of a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// A mapping with the fields of a type.
    Fields(TypeRef),
    /// A string.
    String,
    /// Bytes, written as a string in base64.
    Bytes,
    /// A time, written as a string.
    Time,
    /// A boolean.
    Bool,
    /// An integer of 32 bits.
    Int32,
    /// An integer of 64 bits.
    Int64,
    /// A number.
    Number,
    /// A quantity: a number or a string.
    Quantity,
    /// An integer of 32 bits or a string.
    IntOrString,
    /// Anything.
    Any,
}

/// The whole table; its texts are those of the file.
#[derive(Debug)]
struct Schema {
    types: Vec<Type>,
    fields: Vec<Field>,
    /// Ordered by `apiVersion`, then kind.
    kinds: Vec<(&'static str, &'static str, TypeRef)>,
    pod_spec: Option<TypeRef>,
    object_meta: Option<TypeRef>,
}

#[derive(Debug)]
struct Type {
    name: &'static str,
    from: u32,
    to: u32,
}

#[derive(Debug)]
struct Field {
    name: &'static str,
    shape: Shape,
}

/// The type of a built-in kind. `None` when the API server of the table does not know it.
pub fn kind(group: &str, version: &str, kind: &str) -> Option<TypeRef> {
    let kinds = &SCHEMA.kinds;
    let key = |entry: &(&'static str, &'static str, TypeRef)| {
        let (entry_group, entry_version) = entry.0.split_once('/').unwrap_or(("", entry.0));
        entry_group.cmp(group).then_with(|| entry_version.cmp(version)).then_with(|| entry.1.cmp(kind))
    };
    kinds.binary_search_by(key).ok().and_then(|at| kinds.get(at)).map(|entry| entry.2)
}

/// Whether some version of the group is built in.
pub fn has_group(group: &str) -> bool {
    SCHEMA.kinds.iter().any(|(api_version, ..)| api_version.split_once('/').map_or("", |(group, _)| group) == group)
}

/// Versions under which the API server of the table knows a kind of a group.
pub fn versions(group: &str, kind: &str) -> impl Iterator<Item = &'static str> {
    SCHEMA.kinds.iter().filter_map(move |(api_version, name, _)| {
        let (entry_group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        (entry_group == group && *name == kind).then_some(version)
    })
}

/// The type of a pod spec.
pub fn pod_spec() -> Option<TypeRef> {
    SCHEMA.pod_spec
}

/// The type of `metadata`.
pub fn object_meta() -> Option<TypeRef> {
    SCHEMA.object_meta
}

// === impl TypeRef ===

impl TypeRef {
    /// Short name, for example `PodSecurityContext`.
    pub fn name(self) -> &'static str {
        SCHEMA.types.get(usize::from(self.0)).map_or("", |kind| kind.name)
    }

    /// What a field takes; `None` when the type has no such field.
    pub fn field(self, name: &str) -> Option<Shape> {
        let fields = self.slice();
        let at = fields.binary_search_by(|field| order(field.name, name)).ok()?;
        fields.get(at).map(|field| field.shape)
    }

    /// Names of all fields.
    pub fn fields(self) -> impl Iterator<Item = &'static str> {
        self.slice().iter().map(|field| field.name)
    }

    fn slice(self) -> &'static [Field] {
        let schema = &*SCHEMA;
        let range = schema.types.get(usize::from(self.0)).map(|kind| kind.from as usize..kind.to as usize);
        range.and_then(|range| schema.fields.get(range)).unwrap_or_default()
    }
}

// === impl Shape ===

impl Shape {
    /// The outermost layer.
    pub fn expect(self) -> Expect {
        let inner = Shape { layers: self.layers >> 2, leaf: self.leaf };
        match self.layers & 0b11 {
            LIST => Expect::List(inner),
            MAP => Expect::Map(inner),
            MAYBE => Expect::Maybe(inner),
            _ => Expect::Leaf(self.leaf),
        }
    }

    /// What the field takes, in words.
    pub fn noun(self) -> &'static str {
        match self.expect() {
            Expect::List(_) => "a list",
            Expect::Map(_) => "a mapping",
            Expect::Maybe(_) => "a schema",
            Expect::Leaf(leaf) => match leaf {
                Leaf::Fields(_) => "a mapping",
                Leaf::String => "a string",
                Leaf::Bytes => "a string in base64",
                Leaf::Time => "a time as a string",
                Leaf::Bool => "a boolean",
                Leaf::Int32 | Leaf::Int64 => "an integer",
                Leaf::Number => "a number",
                Leaf::Quantity => "a quantity",
                Leaf::IntOrString => "an integer or a string",
                Leaf::Any => "anything",
            },
        }
    }

    fn parse(text: &str) -> Option<Shape> {
        let leaf_at = text.bytes().position(|byte| !matches!(byte, b'[' | b'{' | b'?'))?;
        let (prefix, rest) = text.split_at(leaf_at);
        let layers = prefix.bytes().rev().fold(0, |layers, byte| {
            layers << 2
                | match byte {
                    b'[' => LIST,
                    b'{' => MAP,
                    _ => MAYBE,
                }
        });
        let leaf = match rest {
            "s" => Leaf::String,
            "y" => Leaf::Bytes,
            "t" => Leaf::Time,
            "b" => Leaf::Bool,
            "i" => Leaf::Int32,
            "l" => Leaf::Int64,
            "n" => Leaf::Number,
            "q" => Leaf::Quantity,
            "x" => Leaf::IntOrString,
            "a" => Leaf::Any,
            number => Leaf::Fields(TypeRef(number.parse().ok()?)),
        };
        Some(Shape { layers, leaf })
    }
}

// === impl Schema ===

impl Schema {
    fn parse(text: &'static str) -> Schema {
        let mut schema = Schema {
            types: Vec::with_capacity(640),
            fields: Vec::with_capacity(2600),
            kinds: Vec::with_capacity(160),
            pod_spec: None,
            object_meta: None,
        };
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        for line in lines.by_ref().take_while(|line| !line.is_empty()) {
            schema.add_type(line);
        }
        for line in lines {
            let mut words = line.split(' ');
            if let (Some(api_version), Some(kind), Some(Ok(number))) =
                (words.next(), words.next(), words.next().map(str::parse))
            {
                schema.kinds.push((api_version, kind, TypeRef(number)));
            }
        }
        schema
    }

    fn add_type(&mut self, line: &'static str) {
        let mut words = line.split(' ');
        let name = words.next().unwrap_or("");
        let from = self.fields.len();
        for word in words {
            if let Some((name, shape)) = word.split_once(':')
                && let Some(shape) = Shape::parse(shape)
            {
                self.fields.push(Field { name, shape });
            }
        }
        if let Some(fields) = self.fields.get_mut(from..) {
            fields.sort_unstable_by(|a, b| order(a.name, b.name));
        }
        let own = Some(TypeRef(self.types.len() as u16));
        match name {
            "PodSpec" => self.pod_spec = own,
            "ObjectMeta" => self.object_meta = own,
            _ => {}
        }
        self.types.push(Type { name, from: from as u32, to: self.fields.len() as u32 });
    }
}

/// Lengths first: most comparisons need no look at the bytes.
fn order(a: &str, b: &str) -> std::cmp::Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

const LIST: u8 = 0b01;
const MAP: u8 = 0b10;
const MAYBE: u8 = 0b11;

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::parse(include_str!("../data/schema.txt")));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read() {
        let text = include_str!("../data/schema.txt");
        let (types, kinds) = text.split_once("\n\n").unwrap();
        let schema = Schema::parse(text);
        assert_eq!(schema.types.len(), types.lines().count() - 1);
        assert_eq!(schema.kinds.len(), kinds.lines().count());
        assert_eq!(schema.fields.len(), types.lines().skip(1).map(|line| line.split(' ').count() - 1).sum::<usize>());
        for field in &schema.fields {
            if let Leaf::Fields(TypeRef(number)) = field.shape.leaf {
                assert!(usize::from(number) < schema.types.len(), "{}", field.name);
            }
        }
        assert!(text.len() <= 100 << 10);
    }

    #[test]
    fn every_kind_is_found_by_its_own_name() {
        for (api_version, name, own) in &SCHEMA.kinds {
            let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
            assert_eq!(kind(group, version, name), Some(*own), "{api_version} {name}");
            assert!(own.field("apiVersion").is_some());
        }
        assert_eq!(kind("apps", "v1beta1", "Deployment"), None);
        assert_eq!(kind("example.com", "v1", "Deployment"), None);
        assert_eq!(versions("batch", "CronJob").collect::<Vec<_>>(), ["v1"]);
        assert!(has_group("") && has_group("apps") && !has_group("extensions"));
    }

    #[test]
    fn fields_lead_down_to_their_types() {
        let pod = kind("", "v1", "Pod").unwrap();
        let Expect::Leaf(Leaf::Fields(spec)) = pod.field("spec").unwrap().expect() else { panic!() };
        assert_eq!(Some(spec), pod_spec());
        assert_eq!(spec.name(), "PodSpec");
        let Expect::List(container) = spec.field("containers").unwrap().expect() else { panic!() };
        let Expect::Leaf(Leaf::Fields(container)) = container.expect() else { panic!() };
        assert_eq!(container.field("image").unwrap().noun(), "a string");
        assert_eq!(container.field("Image"), None);
        let review = kind("authentication.k8s.io", "v1", "TokenReview").unwrap();
        let Expect::Leaf(Leaf::Fields(status)) = review.field("status").unwrap().expect() else { panic!() };
        let Expect::Leaf(Leaf::Fields(user)) = status.field("user").unwrap().expect() else { panic!() };
        // A map of lists of strings.
        let Expect::Map(list) = user.field("extra").unwrap().expect() else { panic!() };
        let Expect::List(text) = list.expect() else { panic!() };
        assert_eq!(text.expect(), Expect::Leaf(Leaf::String));
    }

    #[test]
    #[ignore = "a measurement: cargo test --release -- --ignored --nocapture"]
    fn the_table_is_read_quickly() {
        let started = std::time::Instant::now();
        let schema = Schema::parse(include_str!("../data/schema.txt"));
        println!("{} types, {} fields in {:?}", schema.types.len(), schema.fields.len(), started.elapsed());
    }
}
