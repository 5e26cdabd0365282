//! The authorizer: may this user do that?
//!
//! An expression builds a question step by step
//! (`authorizer.group('apps').resource('deployments').namespace('shop').check('create')`); who embeds the
//! evaluator answers it behind [`Authorizer`].

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::arguments::{made_text, opaque, text};
use super::kubernetes::check_service_account;
use crate::context::Context;
use crate::decl::Library;
use crate::fault::Fault;
use crate::types::Type;
use crate::value::{Opaque, Value};

/// Answers questions of authorization.
pub trait Authorizer: fmt::Debug + Send + Sync {
    /// Decides; a fault if the facts to decide by are not known.
    fn decide(&self, attributes: &Attributes) -> Result<Decision, Fault>;
}

/// Who wants to do what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Who.
    pub user: User,
    /// The verb, for example `create`, or the method of a path in lower case.
    pub verb: Arc<str>,
    /// What.
    pub target: Target,
}

/// A user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// Name.
    pub name: Arc<str>,
    /// Unique identifier, if there is one.
    pub uid: Arc<str>,
    /// Groups.
    pub groups: Vec<Arc<str>>,
    /// Other facts.
    pub extra: BTreeMap<Arc<str>, Vec<Arc<str>>>,
}

/// What a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A path that is no resource, for example `/healthz`.
    Path(Arc<str>),
    /// A resource.
    Resource(Resource),
}

/// A resource. What is not said is empty; the version of the API is any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resource {
    /// API group; empty is the core group.
    pub group: Arc<str>,
    /// Name of the resource, for example `pods`.
    pub resource: Arc<str>,
    /// Subresource.
    pub subresource: Arc<str>,
    /// Namespace.
    pub namespace: Arc<str>,
    /// Name of the object.
    pub name: Arc<str>,
    /// Field selector, not yet read: one that cannot be read counts as none.
    pub field_selector: Arc<str>,
    /// Label selector, not yet read: one that cannot be read counts as none.
    pub label_selector: Arc<str>,
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Someone allowed it and nobody denied it before.
    pub allowed: bool,
    /// Someone denied it. What nobody has an opinion on is neither allowed nor denied.
    pub denied: bool,
    /// Why, for people.
    pub reason: Arc<str>,
    /// What went wrong while deciding.
    pub error: Option<Arc<str>>,
}

/// The variable `authorizer`.
pub fn authorizer<'v>(user: User, authorizer: Arc<dyn Authorizer>) -> Value<'v> {
    Value::opaque(Asker { user: Arc::new(user), authorizer })
}

/// The variable `authorizer.requestResource`: the resource of the request, to be asked about at once.
pub fn request_resource<'v>(user: User, authorizer: Arc<dyn Authorizer>, resource: Resource) -> Value<'v> {
    Value::opaque(ResourceCheck { asker: Asker { user: Arc::new(user), authorizer }, resource })
}

/// Type of the variable `authorizer`.
pub fn authorizer_type() -> Type {
    Type::opaque(AUTHORIZER)
}

/// Type of the variable `authorizer.requestResource`.
pub fn resource_check_type() -> Type {
    Type::opaque(RESOURCE_CHECK)
}

/// Functions of the authorizer.
pub fn authz() -> Library {
    let (asker, path) = (Type::opaque(AUTHORIZER), Type::opaque(PATH_CHECK));
    let (group, resource, decision) = (Type::opaque(GROUP_CHECK), Type::opaque(RESOURCE_CHECK), Type::opaque(DECISION));
    let with_text = |of: &Type| [of.clone(), Type::String];
    let answer = [decision.clone()];
    Library::default()
        .method("path", "authorizer_path", &with_text(&asker), path.clone(), |_, args| {
            let (asker, path) = (opaque::<Asker>(args, 0)?.clone(), required(args, "path must not be empty")?);
            Ok(Value::opaque(PathCheck { asker, path }))
        })
        .method("group", "authorizer_group", &with_text(&asker), group.clone(), |_, args| {
            Ok(Value::opaque(GroupCheck { asker: opaque::<Asker>(args, 0)?.clone(), group: text(args, 1)?.into() }))
        })
        .method(
            "serviceAccount",
            "authorizer_serviceaccount",
            &[asker.clone(), Type::String, Type::String],
            asker,
            service_account,
        )
        .method("resource", "groupcheck_resource", &with_text(&group), resource.clone(), |_, args| {
            let GroupCheck { asker, group } = opaque::<GroupCheck>(args, 0)?.clone();
            let resource = required(args, "resource must not be empty")?;
            Ok(Value::opaque(ResourceCheck { asker, resource: Resource { group, resource, ..Resource::default() } }))
        })
        .method("subresource", "resourcecheck_subresource", &with_text(&resource), resource.clone(), |_, args| {
            refined(args, |resource, text| resource.subresource = text)
        })
        .method("namespace", "resourcecheck_namespace", &with_text(&resource), resource.clone(), |_, args| {
            refined(args, |resource, text| resource.namespace = text)
        })
        .method("name", "resourcecheck_name", &with_text(&resource), resource.clone(), |_, args| {
            refined(args, |resource, text| resource.name = text)
        })
        .method("check", "pathcheck_check", &with_text(&path), decision.clone(), |_, args| {
            let check = opaque::<PathCheck>(args, 0)?;
            check.asker.ask(text(args, 1)?, Target::Path(check.path.clone()))
        })
        .method("check", "resourcecheck_check", &with_text(&resource), decision, |_, args| {
            let check = opaque::<ResourceCheck>(args, 0)?;
            check.asker.ask(text(args, 1)?, Target::Resource(check.resource.clone()))
        })
        .method("errored", "decision_errored", &answer, Type::Bool, |_, args| {
            Ok(Value::Bool(opaque::<Decision>(args, 0)?.error.is_some()))
        })
        .method("error", "decision_error", &answer, Type::String, |context, args| {
            made_text(context, opaque::<Decision>(args, 0)?.error.clone().unwrap_or_default())
        })
        .method("allowed", "decision_allowed", &answer, Type::Bool, |_, args| {
            Ok(Value::Bool(opaque::<Decision>(args, 0)?.allowed))
        })
        .method("reason", "decision_reason", &answer, Type::String, |context, args| {
            made_text(context, opaque::<Decision>(args, 0)?.reason.clone())
        })
}

/// `fieldSelector` and `labelSelector`.
pub fn authz_selectors() -> Library {
    let of = Type::opaque(RESOURCE_CHECK);
    let args = [of.clone(), Type::String];
    Library::default()
        .method("fieldSelector", "authorizer_fieldselector", &args, of.clone(), |_, args| {
            refined(args, |resource, text| resource.field_selector = text)
        })
        .method("labelSelector", "authorizer_labelselector", &args, of, |_, args| {
            refined(args, |resource, text| resource.label_selector = text)
        })
}

const AUTHORIZER: &str = "kubernetes.authorization.Authorizer";
const PATH_CHECK: &str = "kubernetes.authorization.PathCheck";
const GROUP_CHECK: &str = "kubernetes.authorization.GroupCheck";
const RESOURCE_CHECK: &str = "kubernetes.authorization.ResourceCheck";
const DECISION: &str = "kubernetes.authorization.Decision";

/// Somebody on whose behalf questions are asked.
#[derive(Clone, Debug)]
struct Asker {
    user: Arc<User>,
    authorizer: Arc<dyn Authorizer>,
}

#[derive(Clone, Debug)]
struct PathCheck {
    asker: Asker,
    path: Arc<str>,
}

#[derive(Clone, Debug)]
struct GroupCheck {
    asker: Asker,
    group: Arc<str>,
}

#[derive(Clone, Debug)]
struct ResourceCheck {
    asker: Asker,
    resource: Resource,
}

impl Asker {
    fn ask<'v>(&self, verb: &str, target: Target) -> Result<Value<'v>, Fault> {
        let attributes = Attributes { user: (*self.user).clone(), verb: verb.into(), target };
        self.authorizer.decide(&attributes).map(Value::opaque)
    }
}

fn required(args: &[Value<'_>], otherwise: &'static str) -> Result<Arc<str>, Fault> {
    let text = text(args, 1)?;
    if text.trim().is_empty() { Err(Fault::error(otherwise)) } else { Ok(text.into()) }
}

fn refined<'v>(args: &[Value<'v>], set: fn(&mut Resource, Arc<str>)) -> Result<Value<'v>, Fault> {
    let mut check = opaque::<ResourceCheck>(args, 0)?.clone();
    set(&mut check.resource, text(args, 1)?.into());
    Ok(Value::opaque(check))
}

/// On behalf of a service account, with the groups that every service account is in.
fn service_account<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let (namespace, name) = (text(args, 1)?, text(args, 2)?);
    check_service_account(namespace, name)?;
    let user = User {
        name: format!("system:serviceaccount:{namespace}:{name}").into(),
        groups: vec!["system:serviceaccounts".into(), format!("system:serviceaccounts:{namespace}").into()],
        ..User::default()
    };
    Ok(Value::opaque(Asker { user: Arc::new(user), authorizer: opaque::<Asker>(args, 0)?.authorizer.clone() }))
}

/// None of these values is equal to another one: in the API server, comparing two is an error.
macro_rules! opaque_values {
    ($($type:ty => $name:expr),*) => {$(
        impl Opaque for $type {
            fn type_name(&self) -> &'static str {
                $name
            }

            fn equals(&self, _: &dyn Opaque) -> bool {
                false
            }

            fn comparable(&self, _: &Value<'_>) -> bool {
                false
            }

            fn as_any(&self) -> &dyn Any {
                self
            }

            fn describe(&self) -> String {
                $name.to_owned()
            }
        }
    )*};
}

opaque_values!(
    Asker => AUTHORIZER,
    PathCheck => PATH_CHECK,
    GroupCheck => GROUP_CHECK,
    ResourceCheck => RESOURCE_CHECK,
    Decision => DECISION
);
