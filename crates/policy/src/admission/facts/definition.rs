//! CustomResourceDefinitions.

use manifest::{Tree, Value};

use super::FactError;

/// A custom kind.
#[derive(Debug)]
pub struct Definition {
    /// `spec.group`
    pub group: Box<str>,
    /// `spec.names.kind`
    pub kind: Box<str>,
    /// `spec.names.plural`
    pub plural: Box<str>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// Versions that are served, in the order of the definition.
    pub versions: Vec<Version>,
    /// Versions differ in nothing but `apiVersion`.
    pub same_schema: bool,
}

/// A version of a custom kind.
#[derive(Debug)]
pub struct Version {
    /// Name.
    pub name: Box<str>,
    /// `schema.openAPIV3Schema`.
    schema: Option<Tree<'static>>,
    /// Whether there is a `status` subresource.
    pub status: bool,
    /// Whether there is a `scale` subresource.
    pub scale: bool,
}

impl Definition {
    /// Reads a definition of `apiextensions.k8s.io/v1` or `v1beta1`.
    pub fn read(value: Value<'_>) -> Result<Definition, FactError> {
        let spec = value.get("spec").ok_or(FactError::Definition("spec"))?;
        let text = |keys: &[&str], path: &'static str| -> Result<Box<str>, FactError> {
            let text = spec.path(keys).and_then(Value::as_str).filter(|text| !text.is_empty());
            text.map(Box::from).ok_or(FactError::Definition(path))
        };
        let scope = text(&["scope"], "spec.scope")?;
        // The first version of the API had one schema and one list of subresources for all versions.
        let shared = spec;
        let versions = spec.list("versions").filter(|version| version.bool_at("served").unwrap_or(true));
        let mut versions = versions.filter_map(|version| Version::read(version, shared)).collect::<Vec<_>>();
        if versions.is_empty()
            && let Some(name) = spec.str_at("version")
        {
            versions.push(Version::of(name, shared, shared));
        }
        let strategy = spec.path(&["conversion", "strategy"]).and_then(Value::as_str);
        Ok(Definition {
            group: text(&["group"], "spec.group")?,
            kind: text(&["names", "kind"], "spec.names.kind")?,
            plural: text(&["names", "plural"], "spec.names.plural")?,
            namespaced: &*scope == "Namespaced",
            versions,
            same_schema: strategy.is_none_or(|strategy| strategy == "None"),
        })
    }

    /// A version by its name.
    pub fn version(&self, name: &str) -> Option<&Version> {
        self.versions.iter().find(|version| &*version.name == name)
    }
}

impl Version {
    fn read(value: Value<'_>, shared: Value<'_>) -> Option<Version> {
        Some(Version::of(value.str_at("name")?, value, shared))
    }

    fn of(name: &str, own: Value<'_>, shared: Value<'_>) -> Version {
        let schema = own.path(&["schema", "openAPIV3Schema"]);
        let schema = schema.or_else(|| shared.path(&["validation", "openAPIV3Schema"]));
        let sub = |name: &str| own.path(&["subresources", name]).or_else(|| shared.path(&["subresources", name]));
        Version {
            name: name.into(),
            schema: schema.map(Value::to_tree),
            status: sub("status").is_some(),
            scale: sub("scale").is_some(),
        }
    }

    /// Whether there is such a sub-resource; the empty one is the object itself.
    pub fn serves(&self, sub_resource: &str) -> bool {
        match sub_resource {
            "" => true,
            "status" => self.status,
            "scale" => self.scale,
            _ => false,
        }
    }

    /// `schema.openAPIV3Schema`.
    pub fn schema(&self) -> Option<Value<'_>> {
        self.schema.as_ref().map(Tree::root)
    }
}
