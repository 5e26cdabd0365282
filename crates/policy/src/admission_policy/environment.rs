//! What expressions of admission policies may use: variables, their types and their slots.
//!
//! Slots are the same in every environment: a variable that is not declared leaves its slot to a name that no
//! expression can spell. Fields of `request` have slots of their own, so an expression that asks for
//! `request.operation` makes no map, and one that asks for an unknown `request.userInfo` is told so while the
//! rest of the request stays known.

use std::sync::Arc;

use cel::decl::{Env, TypeProvider};
use cel::fault::Fault;
use cel::types::Type;
use cel::value::{Struct, Value};

/// Which variables an environment has beyond those that all have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Extras {
    /// `params`
    pub params: bool,
    /// `authorizer` and `authorizer.requestResource`
    pub authorizer: bool,
}

/// `object`
pub(crate) const OBJECT: usize = 0;
/// `oldObject`
pub(crate) const OLD_OBJECT: usize = 1;
/// `namespaceObject`
pub(crate) const NAMESPACE_OBJECT: usize = 2;
/// `params`
pub(crate) const PARAMS: usize = 3;
/// `authorizer`
pub(crate) const AUTHORIZER: usize = 4;
/// `authorizer.requestResource`
pub(crate) const REQUEST_RESOURCE: usize = 5;
/// `variables`
pub(crate) const VARIABLES: usize = 6;
/// The first of [`REQUEST_PATHS`].
pub(crate) const REQUEST: usize = 7;

/// `request` and everything in it that has a slot, in order.
pub(crate) const REQUEST_PATHS: [(&str, Part); 29] = [
    ("request", Part::Whole),
    ("request.kind", Part::Kind),
    ("request.kind.group", Part::KindGroup),
    ("request.kind.version", Part::KindVersion),
    ("request.kind.kind", Part::KindKind),
    ("request.resource", Part::Resource),
    ("request.resource.group", Part::ResourceGroup),
    ("request.resource.version", Part::ResourceVersion),
    ("request.resource.resource", Part::ResourceResource),
    ("request.subResource", Part::SubResource),
    ("request.requestKind", Part::RequestKind),
    ("request.requestKind.group", Part::RequestKindGroup),
    ("request.requestKind.version", Part::RequestKindVersion),
    ("request.requestKind.kind", Part::RequestKindKind),
    ("request.requestResource", Part::RequestResource),
    ("request.requestResource.group", Part::RequestResourceGroup),
    ("request.requestResource.version", Part::RequestResourceVersion),
    ("request.requestResource.resource", Part::RequestResourceResource),
    ("request.requestSubResource", Part::RequestSubResource),
    ("request.name", Part::Name),
    ("request.namespace", Part::Namespace),
    ("request.operation", Part::Operation),
    ("request.userInfo", Part::UserInfo),
    ("request.userInfo.username", Part::Username),
    ("request.userInfo.uid", Part::UserUid),
    ("request.userInfo.groups", Part::UserGroups),
    ("request.userInfo.extra", Part::UserExtra),
    ("request.dryRun", Part::DryRun),
    ("request.options", Part::Options),
];

/// First slot of a policy's own variables.
pub(crate) const OWN: usize = REQUEST + REQUEST_PATHS.len();

/// A part of `request`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    Kind,
    KindGroup,
    KindVersion,
    KindKind,
    Resource,
    ResourceGroup,
    ResourceVersion,
    ResourceResource,
    SubResource,
    RequestKind,
    RequestKindGroup,
    RequestKindVersion,
    RequestKindKind,
    RequestResource,
    RequestResourceGroup,
    RequestResourceVersion,
    RequestResourceResource,
    RequestSubResource,
    Name,
    Namespace,
    Operation,
    UserInfo,
    Username,
    UserUid,
    UserGroups,
    UserExtra,
    DryRun,
    Options,
}

/// Declares the variables of admission policies in an environment that has the functions.
pub(crate) fn declare(env: &mut Env, extras: Extras, object: &Type, params: &Type) {
    env.declare("object", object.clone());
    env.declare("oldObject", object.clone());
    env.declare("namespaceObject", Type::object("kubernetes.Namespace"));
    env.declare(if extras.params { "params" } else { "@params" }, params.clone());
    let authorizer = Type::opaque("kubernetes.authorization.Authorizer");
    let check = Type::opaque("kubernetes.authorization.ResourceCheck");
    let names = ["authorizer", "authorizer.requestResource"];
    let hidden = ["@authorizer", "@authorizer.requestResource"];
    let [first, second] = if extras.authorizer { names } else { hidden };
    env.declare(first, authorizer);
    env.declare(second, check);
    env.declare("@variables", Type::object(VARIABLES_TYPE));
    for (path, _) in REQUEST_PATHS {
        let of = request_type(path);
        env.declare(path, of);
    }
}

/// Type of `request` or one of its parts.
fn request_type(path: &str) -> Type {
    let mut of = Type::object("kubernetes.AdmissionRequest");
    for field in path.split('.').skip(1) {
        of = match &of {
            Type::Struct(name) => fixed_field(name, field).unwrap_or(Type::Dyn),
            _ => Type::Dyn,
        };
    }
    of
}

/// The types of `request`, `namespaceObject` and `variables`, and optionally those of patches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Types {
    /// Whether `Object{}` and `JSONPatch{}` are known.
    pub patches: bool,
    /// Fields of `variables`; `None` where there are no variables.
    pub variables: Option<Vec<(Arc<str>, Type)>>,
    /// Types of documents, when their schemas are known.
    pub schemas: Option<Arc<dyn TypeProvider>>,
}

impl TypeProvider for Types {
    fn has(&self, name: &str) -> bool {
        fixed_fields(name).is_some()
            || (name == VARIABLES_TYPE && self.variables.is_some())
            || (self.patches && (name == "JSONPatch" || is_object_name(name)))
            || self.schemas.as_ref().is_some_and(|schemas| schemas.has(name))
    }

    fn field(&self, name: &str, field: &str) -> Option<Type> {
        if let Some(fields) = fixed_fields(name) {
            return fields.contains(&field).then(|| fixed_field(name, field)).flatten();
        }
        if name == VARIABLES_TYPE {
            let variables = self.variables.as_ref()?;
            return variables.iter().rev().find(|(own, _)| **own == *field).map(|(_, of)| of.clone());
        }
        if self.patches && name == "JSONPatch" {
            return match field {
                "op" | "path" | "from" => Some(Type::String),
                "value" => Some(Type::Dyn),
                // The API server's type has every field; those that mean nothing have a type without a name.
                _ => Some(Type::object("")),
            };
        }
        if self.patches && is_object_name(name) {
            return Some(Type::Dyn);
        }
        self.schemas.as_ref()?.field(name, field)
    }

    fn fields(&self, name: &str) -> Vec<String> {
        if let Some(fields) = fixed_fields(name) {
            return fields.iter().map(|field| (*field).to_owned()).collect();
        }
        if name == VARIABLES_TYPE {
            return self.variables.iter().flatten().map(|(name, _)| name.to_string()).collect();
        }
        self.schemas.as_ref().map(|schemas| schemas.fields(name)).unwrap_or_default()
    }

    fn make<'v>(&self, value: Struct<'v>) -> Result<Value<'v>, Fault> {
        if &*value.name == "JSONPatch" {
            for (name, field) in &value.fields {
                match &**name {
                    "op" | "path" | "from" if field.as_str().is_some() => {}
                    "op" | "path" | "from" => {
                        let found = go_type(field);
                        let message = format!("unexpected type {found} for JSONPatchType '{name}' field");
                        return Err(Fault::error(message));
                    }
                    "value" => {}
                    other => return Err(Fault::error(format!("unexpected JSONPatchType field: {other}"))),
                }
            }
        }
        Ok(Value::Struct(Arc::new(value)))
    }
}

/// Whether a name is that of a dynamic object type: `Object`, `Object.spec`, …
fn is_object_name(name: &str) -> bool {
    name == "Object" || name.strip_prefix("Object.").is_some()
}

/// Names of the Go types behind values, as error messages of the API server name them.
fn go_type(value: &Value<'_>) -> &'static str {
    match value {
        Value::Null => "structpb.NullValue",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int64",
        Value::Uint(_) => "uint64",
        Value::Double(_) => "float64",
        Value::Str(_) => "string",
        Value::Bytes(_) => "[]uint8",
        Value::List(_) => "[]interface {}",
        Value::Map(_) => "map[string]interface {}",
        Value::Duration(_) => "time.Duration",
        Value::Timestamp(_) => "time.Time",
        Value::Type(_) => "string",
        Value::Optional(_) | Value::Struct(_) | Value::Opaque(_) => "map[string]interface {}",
    }
}

/// Name of the type of `variables`.
pub(crate) const VARIABLES_TYPE: &str = "kubernetes.variables";

/// Fields of the types of `request` and `namespaceObject`.
fn fixed_fields(name: &str) -> Option<&'static [&'static str]> {
    Some(match name {
        "kubernetes.GroupVersionKind" => &["group", "version", "kind"],
        "kubernetes.GroupVersionResource" => &["group", "version", "resource"],
        "kubernetes.UserInfo" => &["username", "uid", "groups", "extra"],
        "kubernetes.AdmissionRequest" => &[
            "kind",
            "resource",
            "subResource",
            "requestKind",
            "requestResource",
            "requestSubResource",
            "name",
            "namespace",
            "operation",
            "userInfo",
            "dryRun",
            "options",
        ],
        "kubernetes.Namespace" => &["metadata", "spec", "status"],
        "kubernetes.NamespaceSpec" => &["finalizers"],
        "kubernetes.NamespaceStatus" => &["conditions", "phase"],
        "kubernetes.NamespaceCondition" => &["status", "type", "lastTransitionTime", "message", "reason"],
        "kubernetes.NamespaceMetadata" => &[
            "name",
            "generateName",
            "namespace",
            "labels",
            "annotations",
            "UID",
            "creationTimestamp",
            "deletionGracePeriodSeconds",
            "deletionTimestamp",
            "generation",
            "resourceVersion",
            "finalizers",
        ],
        _ => return None,
    })
}

fn fixed_field(name: &str, field: &str) -> Option<Type> {
    let texts = || Type::map(Type::String, Type::String);
    Some(match (name, field) {
        ("kubernetes.AdmissionRequest", "kind" | "requestKind") => Type::object("kubernetes.GroupVersionKind"),
        ("kubernetes.AdmissionRequest", "resource" | "requestResource") => {
            Type::object("kubernetes.GroupVersionResource")
        }
        ("kubernetes.AdmissionRequest", "userInfo") => Type::object("kubernetes.UserInfo"),
        ("kubernetes.AdmissionRequest", "dryRun") => Type::Bool,
        ("kubernetes.AdmissionRequest", "options") => Type::Dyn,
        ("kubernetes.UserInfo", "groups")
        | ("kubernetes.NamespaceSpec" | "kubernetes.NamespaceMetadata", "finalizers") => Type::list(Type::String),
        ("kubernetes.UserInfo", "extra") => Type::map(Type::String, Type::list(Type::String)),
        ("kubernetes.Namespace", "metadata") => Type::object("kubernetes.NamespaceMetadata"),
        ("kubernetes.Namespace", "spec") => Type::object("kubernetes.NamespaceSpec"),
        ("kubernetes.Namespace", "status") => Type::object("kubernetes.NamespaceStatus"),
        ("kubernetes.NamespaceStatus", "conditions") => Type::list(Type::object("kubernetes.NamespaceCondition")),
        ("kubernetes.NamespaceMetadata", "labels" | "annotations") => texts(),
        ("kubernetes.NamespaceMetadata", "deletionGracePeriodSeconds" | "generation") => Type::Int,
        ("kubernetes.NamespaceMetadata", "creationTimestamp" | "deletionTimestamp")
        | ("kubernetes.NamespaceCondition", "lastTransitionTime") => Type::Timestamp,
        _ if fixed_fields(name)?.contains(&field) => Type::String,
        _ => return None,
    })
}
