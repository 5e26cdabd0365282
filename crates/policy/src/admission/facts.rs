//! What is known about the cluster.

mod definition;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use cel::Fact;
use manifest::{Draft, Tree, Value};

use super::authorizer::RbacAuthorizer;
use super::defaults::{Plugins, Stage, as_seen, converted};
use super::resources;
use super::selector::{LabelSet, Selector, Selects};

pub use definition::Definition;

/// Objects of the cluster that policies may look at: namespaces, parameters, custom resource definitions, RBAC
/// objects, inventory. An object that is not here is not known to be missing, unless its kind is
/// [complete](Facts::complete).
#[derive(Debug, Default)]
pub struct Facts {
    objects: Vec<Known>,
    kinds: HashMap<Box<str>, Vec<KindFacts>>,
    definitions: Vec<Arc<Definition>>,
    /// Everything there is in the cluster is here.
    all: bool,
    /// What the RBAC objects allow, once somebody asked.
    authorizer: OnceLock<Arc<RbacAuthorizer>>,
}

/// One object.
#[derive(Debug)]
struct Known {
    tree: Tree<'static>,
    namespace: Box<str>,
    name: Box<str>,
    /// An object of a custom kind in all versions, by `apiVersion`, once somebody asked.
    versions: OnceLock<Vec<(Box<str>, Tree<'static>)>>,
}

/// The objects of one kind of one group.
#[derive(Debug)]
struct KindFacts {
    group: Box<str>,
    /// Namespace, then name, then index of the object. Ordered, as a list from the API server is.
    by_name: BTreeMap<Box<str>, BTreeMap<Box<str>, usize>>,
    complete: bool,
}

/// What is known of one object.
#[derive(Clone, Debug)]
pub enum Lookup<'f> {
    /// It is there.
    Found(Value<'f>),
    /// It is known not to be there.
    Absent,
    /// Nobody said.
    Unknown(Fact),
}

/// Objects of a kind.
#[derive(Clone, Debug)]
pub struct Listing<'f> {
    /// Those that are known, by namespace and name.
    pub items: Vec<Value<'f>>,
    /// What is missing if there may be others.
    pub missing: Option<Fact>,
}

/// An object that cannot be a fact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FactError {
    /// It lacks one of these.
    #[error("an object of the cluster needs `{0}`")]
    Lacks(&'static str),
    /// Its keys are ambiguous.
    #[error("a mapping has the same key twice")]
    RepeatedKey,
    /// There are two of that name.
    #[error("{0} is given twice")]
    Twice(String),
    /// It is no definition that a server would take.
    #[error("the CustomResourceDefinition lacks `{0}`")]
    Definition(&'static str),
}

impl Facts {
    /// Nothing known.
    pub fn new() -> Self {
        Facts::default()
    }

    /// Takes in an object of the cluster, or all items of a list.
    pub fn add(&mut self, value: Value<'_>) -> Result<(), FactError> {
        if value.has_repeated_keys() {
            return Err(FactError::RepeatedKey);
        }
        let is_list = value.str_at("kind").is_some_and(|kind| kind.ends_with("List"));
        match value.get("items").filter(|items| is_list && items.is_seq()) {
            Some(items) => items.items().try_for_each(|item| self.add_object(item)),
            None => self.add_object(value),
        }
    }

    fn add_object(&mut self, value: Value<'_>) -> Result<(), FactError> {
        self.authorizer.take();
        let text = |key| value.str_at(key).filter(|text| !text.is_empty());
        let api_version = text("apiVersion").ok_or(FactError::Lacks("apiVersion"))?;
        let kind = text("kind").ok_or(FactError::Lacks("kind"))?;
        let name = value.path(&["metadata", "name"]).and_then(Value::as_str).filter(|name| !name.is_empty());
        let name = name.ok_or(FactError::Lacks("metadata.name"))?;
        let group = group_of(api_version);
        let namespaced = self.scope(group, kind);
        let namespace = match value.path(&["metadata", "namespace"]).and_then(Value::as_str) {
            Some(_) if namespaced == Some(false) => "",
            Some(namespace) if !namespace.is_empty() => namespace,
            _ if namespaced == Some(true) => DEFAULT_NAMESPACE,
            _ => "",
        };
        let known = self.kind(group, kind).and_then(|facts| facts.by_name.get(namespace));
        if known.is_some_and(|names| names.contains_key(name)) {
            return Err(FactError::Twice(format!("{kind} {}", qualified(namespace, name))));
        }
        if (group, kind) == ("apiextensions.k8s.io", "CustomResourceDefinition") {
            self.definitions.push(Arc::new(Definition::read(value)?));
            self.objects.iter_mut().for_each(|known| drop(known.versions.take()));
        }
        let index = self.objects.len();
        self.kind_mut(group, kind).by_name.entry(namespace.into()).or_default().insert(name.into(), index);
        self.objects.push(Known {
            tree: value.to_tree(),
            namespace: namespace.into(),
            name: name.into(),
            versions: OnceLock::new(),
        });
        Ok(())
    }

    /// Says that every object of a kind is here.
    pub fn set_complete(&mut self, group: &str, kind: &str) {
        self.authorizer.take();
        self.kind_mut(group, kind).complete = true;
    }

    /// Whether everything in the cluster is here.
    pub fn all_complete(&self) -> bool {
        self.all
    }

    /// Says that everything in the cluster is here, as in a test table that stands for one.
    pub fn set_all_complete(&mut self) {
        self.authorizer.take();
        self.all = true;
    }

    /// What the RBAC objects allow. Taken apart once, when somebody asks first.
    pub fn authorizer(&self) -> &Arc<RbacAuthorizer> {
        self.authorizer.get_or_init(|| Arc::new(RbacAuthorizer::new(self)))
    }

    /// Whether there is such a kind: built in, defined, or of an object that is known.
    pub fn has_kind(&self, group: &str, kind: &str) -> bool {
        let is_known = |facts: &KindFacts| !facts.by_name.is_empty();
        resources::of_kind(group, kind).is_some()
            || self.definition(group, kind).is_some()
            || self.kind(group, kind).is_some_and(is_known)
    }

    /// Whether every object of a kind is known.
    pub fn complete(&self, group: &str, kind: &str) -> bool {
        self.all || self.kind(group, kind).is_some_and(|facts| facts.complete)
    }

    /// One object. `namespace` is empty for objects of the cluster.
    pub fn object(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Lookup<'_> {
        let group = group_of(api_version);
        let unknown = || Lookup::Unknown(fact(format!("{kind} {}", qualified(namespace, name))));
        let index = self.kind(group, kind).and_then(|facts| facts.by_name.get(namespace)?.get(name));
        match index.and_then(|index| self.objects.get(*index)) {
            Some(known) => match self.in_version(known, api_version) {
                Some(object) => Lookup::Found(object),
                None => Lookup::Unknown(fact(format!("{kind} {} in {api_version}", qualified(namespace, name)))),
            },
            None if self.complete(group, kind) => Lookup::Absent,
            None => unknown(),
        }
    }

    /// The objects of a kind, of one namespace or of all, that a selector selects.
    pub fn list(&self, api_version: &str, kind: &str, namespace: Option<&str>, selector: &Selector) -> Listing<'_> {
        let group = group_of(api_version);
        let of_namespace = |facts: &'_ KindFacts| -> Vec<usize> {
            match namespace {
                Some(namespace) => {
                    facts.by_name.get(namespace).into_iter().flat_map(|names| names.values().copied()).collect()
                }
                None => facts.by_name.values().flat_map(|names| names.values().copied()).collect(),
            }
        };
        let indices = self.kind(group, kind).map(of_namespace).unwrap_or_default();
        let known = indices.into_iter().filter_map(|index| self.objects.get(index));
        let mut other_version = false;
        let mut items = Vec::new();
        for known in known {
            let Some(root) = self.in_version(known, api_version) else {
                other_version = true;
                continue;
            };
            if selector.selects(&LabelSet::of_object(root)) == Selects::Yes {
                items.push(root);
            }
        }
        let within = namespace.map(|namespace| format!(" in namespace {namespace}")).unwrap_or_default();
        let missing =
            (other_version || !self.complete(group, kind)).then(|| fact(format!("all {kind} objects{within}")));
        Listing { items, missing }
    }

    /// Everything that is known, with namespace and name: the inventory of Gatekeeper.
    pub fn objects(&self) -> impl Iterator<Item = (&str, &str, Value<'_>)> {
        self.objects.iter().map(|known| (&*known.namespace, &*known.name, known.tree.root()))
    }

    /// An object in a version. One of a custom kind is as the server has it once it is stored, with the defaults of
    /// its own version. Conversions by others than the API server are not known.
    fn in_version<'f>(&'f self, known: &'f Known, api_version: &str) -> Option<Value<'f>> {
        let root = known.tree.root();
        let own = root.str_at("apiVersion")?;
        let group = group_of(own);
        let Some(definition) = self.definition(group, root.str_at("kind")?) else {
            return (own == api_version).then_some(root);
        };
        let versions = known.versions.get_or_init(|| {
            let stored = as_seen(root, "", Stage::Stored, Plugins::default(), self);
            let stored = stored.unwrap_or_else(|_| root.to_tree());
            let others = definition.versions.iter().map(|version| format!("{group}/{}", version.name));
            let others = others.filter(|other| other != own);
            let mut versions: Vec<(Box<str>, Tree<'static>)> = others
                .filter_map(|other| converted(stored.root(), &other, self).map(|tree| (other.into(), tree)))
                .collect();
            versions.push((own.into(), stored));
            versions
        });
        versions.iter().find(|(version, _)| **version == *api_version).map(|(_, tree)| tree.root())
    }

    /// All known objects of a kind of a group, in whatever version.
    pub fn of_kind(&self, group: &str, kind: &str) -> impl Iterator<Item = Value<'_>> {
        let names = self.kind(group, kind).into_iter().flat_map(|facts| facts.by_name.values());
        names.flat_map(BTreeMap::values).filter_map(|index| self.objects.get(*index)).map(|known| known.tree.root())
    }

    /// A namespace.
    pub fn namespace(&self, name: &str) -> Lookup<'_> {
        match self.object("v1", "Namespace", "", name) {
            Lookup::Unknown(_) => Lookup::Unknown(fact(format!("namespace {name}"))),
            known => known,
        }
    }

    /// The labels of a namespace. Its name as a label is a fact about every namespace.
    pub fn namespace_labels<'f>(&'f self, name: &'f str) -> Option<LabelSet<'f>> {
        match self.namespace(name) {
            Lookup::Found(namespace) => Some(LabelSet::of_namespace(namespace, name)),
            Lookup::Unknown(_) => Some(LabelSet::of_unknown_namespace(name)),
            Lookup::Absent => None,
        }
    }

    /// The definition of a custom kind.
    pub fn definition(&self, group: &str, kind: &str) -> Option<&Arc<Definition>> {
        self.definitions.iter().find(|definition| &*definition.group == group && &*definition.kind == kind)
    }

    /// The definition of a custom resource.
    pub fn definition_of(&self, group: &str, plural: &str) -> Option<&Arc<Definition>> {
        self.definitions.iter().find(|definition| &*definition.group == group && &*definition.plural == plural)
    }

    /// All definitions.
    pub fn definitions(&self) -> impl Iterator<Item = &Definition> {
        self.definitions.iter().map(|definition| &**definition)
    }

    /// Whether objects of a kind live in namespaces. `None` when unknown.
    pub fn scope(&self, group: &str, kind: &str) -> Option<bool> {
        resources::of_kind(group, kind)
            .map(|entry| entry.namespaced)
            .or_else(|| self.definition(group, kind).map(|definition| definition.namespaced))
    }

    /// Groups of which nothing is built in and no definition is known.
    pub fn unknown_groups<'g>(&self, groups: impl Iterator<Item = &'g str>) -> HashSet<&'g str> {
        groups
            .filter(|group| !manifest::schema::has_group(group))
            .filter(|group| !self.definitions.iter().any(|definition| &*definition.group == *group))
            .collect()
    }

    fn kind(&self, group: &str, kind: &str) -> Option<&KindFacts> {
        self.kinds.get(kind)?.iter().find(|facts| &*facts.group == group)
    }

    fn kind_mut(&mut self, group: &str, kind: &str) -> &mut KindFacts {
        let groups = self.kinds.entry(kind.into()).or_default();
        let at = groups.iter().position(|facts| &*facts.group == group).unwrap_or(groups.len());
        if at == groups.len() {
            groups.push(KindFacts { group: group.into(), by_name: BTreeMap::new(), complete: false });
        }
        &mut groups[at]
    }
}

impl Lookup<'_> {
    /// Whether it is known to be there.
    pub fn is_found(&self) -> bool {
        matches!(self, Lookup::Found(_))
    }
}

/// The object with another `apiVersion`.
pub(crate) fn with_api_version(object: Value<'_>, api_version: &str) -> Option<Tree<'static>> {
    let mut draft = Draft::from(object);
    draft.put("apiVersion", Draft::text(api_version.to_owned()));
    draft.build_owned(object.location().file).ok()
}

/// A fact by its name.
pub(super) fn fact(name: impl Into<Arc<str>>) -> Fact {
    Fact { name: name.into() }
}

fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

fn qualified(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
}

/// Where an object without a namespace ends up if `kubectl` is not told otherwise.
pub const DEFAULT_NAMESPACE: &str = "default";

#[cfg(test)]
mod tests {
    use model::FileId;

    use super::*;

    fn facts(text: &str) -> Result<Facts, FactError> {
        let mut facts = Facts::new();
        let mut result = Ok(());
        manifest::documents(text, FileId(0), |document| {
            if result.is_ok() {
                result = facts.add(document.unwrap().root());
            }
        });
        result.map(|()| facts)
    }

    const SHOP: &str = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {tier: gold}}\n---\n\
        apiVersion: v1\nkind: ConfigMapList\nitems:\n\
        - {apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: shop, labels: {a: b}}}\n\
        - {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n";

    #[test]
    fn objects_are_found_absent_or_unknown() {
        let mut facts = facts(SHOP).unwrap();
        assert!(facts.object("v1", "ConfigMap", "shop", "b").is_found());
        assert!(facts.object("v1", "ConfigMap", "default", "a").is_found());
        let Lookup::Unknown(missing) = facts.object("v1", "ConfigMap", "shop", "c") else { panic!() };
        assert_eq!(&*missing.name, "ConfigMap shop/c");
        assert!(matches!(facts.object("v2", "ConfigMap", "shop", "b"), Lookup::Unknown(_)));
        facts.set_complete("", "ConfigMap");
        assert!(matches!(facts.object("v1", "ConfigMap", "shop", "c"), Lookup::Absent));
        assert!(matches!(facts.namespace("other"), Lookup::Unknown(_)));
    }

    #[test]
    fn lists_are_selected_and_say_what_may_be_missing() {
        let mut facts = facts(SHOP).unwrap();
        let all = facts.list("v1", "ConfigMap", None, &Selector::default());
        assert_eq!(all.items.len(), 2);
        assert_eq!(&*all.missing.unwrap().name, "all ConfigMap objects");
        facts.set_all_complete();
        let selector = Selector::labels([("a", "b")]);
        let some = facts.list("v1", "ConfigMap", Some("shop"), &selector);
        assert_eq!((some.items.len(), some.missing), (1, None));
        assert!(facts.list("v1", "ConfigMap", Some("default"), &selector).items.is_empty());
    }

    #[test]
    fn what_is_no_object_of_a_cluster_is_refused() {
        assert_eq!(facts("kind: ConfigMap\n").unwrap_err(), FactError::Lacks("apiVersion"));
        assert_eq!(facts("apiVersion: v1\nkind: ConfigMap\n").unwrap_err(), FactError::Lacks("metadata.name"));
        assert_eq!(facts(&format!("{SHOP}---\n{SHOP}")).unwrap_err(), FactError::Twice("Namespace shop".into()));
        assert_eq!(facts("a: 1\na: 2\n").unwrap_err(), FactError::RepeatedKey);
    }

    #[test]
    fn custom_objects_are_found_in_every_version() {
        let facts = facts(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: caps.example.com}\nspec:\n  \
             group: example.com\n  scope: Cluster\n  names: {kind: Cap, plural: caps}\n  versions:\n  \
             - {name: v1, schema: {openAPIV3Schema: {type: object, properties: {old: {type: string}, most: {type: integer, default: 4}}}}}\n  \
             - {name: v2, schema: {openAPIV3Schema: {type: object, properties: {new: {default: a}, most: {type: integer, default: 7}}}}}\n\
             ---\n{apiVersion: example.com/v1, kind: Cap, metadata: {name: c}, old: x}\n",
        )
        .unwrap();
        let found = |version: &str| match facts.object(version, "Cap", "", "c") {
            Lookup::Found(object) => object.to_json(),
            other => format!("{other:?}"),
        };
        let of = |version: &str, rest: &str| {
            format!(
                "{{\"apiVersion\":\"example.com/{version}\",\"kind\":\"Cap\",\"metadata\":{{\"name\":\"c\"}},{rest}}}"
            )
        };
        assert_eq!(found("example.com/v1"), of("v1", "\"old\":\"x\",\"most\":4"));
        assert_eq!(found("example.com/v2"), of("v2", "\"most\":4"));
        assert!(found("example.com/v3").starts_with("Unknown"));
    }

    #[test]
    fn facts_are_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Facts>();
    }
}
