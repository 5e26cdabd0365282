//! Where expressions get their variables from: the request, read in place, and the policy's own variables,
//! each evaluated when it is first asked for and kept.

use std::cell::{Cell, OnceCell, RefCell};
use std::sync::Arc;

use cel::context::{Activation, Budget, Context, Traced};
use cel::fault::{Fact, Fault};
use cel::library::authorizer::{self, User};
use cel::value::{Entries, Value};
use manifest::Value as Node;

use super::compile::{Compiled, Expression};
use super::environment::{
    AUTHORIZER, NAMESPACE_OBJECT, OBJECT, OLD_OBJECT, OWN, PARAMS, Part, REQUEST, REQUEST_PATHS, REQUEST_RESOURCE,
    VARIABLES,
};
use super::limits::{PER_CALL_COST, VARIABLE_DEPTH_MAX};
use crate::admission::facts::{Facts, Lookup};
use crate::admission::request::{Kind, Request, Resource, UserInfo};

/// What all expressions of one invocation of a policy see.
#[derive(Clone, Debug)]
pub(crate) struct Inputs<'v> {
    /// The request.
    pub request: &'v Request<'v>,
    /// The kind that the policy was matched under.
    pub kind: &'v Kind<'v>,
    /// The resource that the policy was matched under.
    pub resource: Option<&'v Resource<'v>>,
    /// `object`
    pub object: Given<'v>,
    /// `oldObject`
    pub old_object: Given<'v>,
    /// `params`
    pub params: Given<'v>,
    /// Where `namespaceObject` and `authorizer` come from.
    pub facts: &'v Facts,
}

/// An object that may not be known.
#[derive(Clone, Debug)]
pub(crate) enum Given<'v> {
    /// `null`
    Null,
    /// The object.
    Object(Node<'v>),
    /// It was not given.
    Unknown(Fact),
}

/// The variables of one group of expressions. Match conditions, validations, messages and audit annotations
/// have one each, as in the API server, so that costs are counted alike.
pub(crate) struct Frame<'v, 'i> {
    policy: &'v Compiled,
    inputs: &'i Inputs<'v>,
    /// Whether `authorizer` has a value. The API server leaves it out for messages and audit annotations.
    authorized: bool,
    /// Whether `namespaceObject` has a value. The API server leaves it null in match conditions.
    namespace: bool,
    variables: Vec<OnceCell<Result<Value<'v>, Fault>>>,
    groups: OnceCell<Value<'v>>,
    authorizer: OnceCell<Result<Value<'v>, Fault>>,
    request_resource: OnceCell<Result<Value<'v>, Fault>>,
    /// Cost of variables since it was last taken.
    cost: Cell<u64>,
    depth: Cell<u32>,
    /// What variables came out as, if someone wants to see it.
    trace: Option<RefCell<Vec<VariableTrace>>>,
}

/// How a variable was evaluated.
#[derive(Clone, Debug)]
pub(crate) struct VariableTrace {
    /// Its index in the policy.
    pub index: usize,
    /// Its own cost, without that of variables that it uses.
    pub cost: u64,
    /// Its value as text, or the fault.
    pub value: Result<String, Fault>,
    /// Values of its subexpressions.
    pub steps: Vec<Traced>,
}

impl<'v, 'i> Frame<'v, 'i> {
    /// A frame in which no variable was evaluated yet.
    pub(crate) fn new(
        policy: &'v Compiled,
        inputs: &'i Inputs<'v>,
        authorizer: bool,
        namespace: bool,
        traced: bool,
    ) -> Self {
        Frame {
            policy,
            inputs,
            authorized: authorizer,
            namespace,
            variables: policy.variables.iter().map(|_| OnceCell::new()).collect(),
            groups: OnceCell::new(),
            authorizer: OnceCell::new(),
            request_resource: OnceCell::new(),
            cost: Cell::new(0),
            depth: Cell::new(0),
            trace: traced.then(RefCell::default),
        }
    }

    /// The cost of variables since the last call.
    pub(crate) fn take_cost(&self) -> u64 {
        self.cost.take()
    }

    /// What variables came out as since the last call.
    pub(crate) fn take_trace(&self) -> Vec<VariableTrace> {
        self.trace.as_ref().map(|trace| trace.take()).unwrap_or_default()
    }

    /// The policy's variables.
    pub(crate) fn variables(&self) -> &'v [Expression] {
        &self.policy.variables
    }

    fn own(&self, index: usize, context: &mut Context<'_>) -> Result<Value<'v>, Fault> {
        let Some(cell) = self.variables.get(index) else { return Err(Fault::error("no such variable")) };
        if let Some(kept) = cell.get() {
            return kept.clone();
        }
        let result = self.evaluate(index, context);
        cell.get_or_init(|| result).clone()
    }

    fn evaluate(&self, index: usize, context: &mut Context<'_>) -> Result<Value<'v>, Fault> {
        let (Some(variable), Some(named)) = (self.policy.variables.get(index), self.policy.spec.variables.get(index))
        else {
            return Err(Fault::error("no such variable"));
        };
        if self.depth.get() >= VARIABLE_DEPTH_MAX {
            return Err(Fault::LimitExceeded(&"variables use each other more deeply than the limit allows"));
        }
        self.depth.set(self.depth.get() + 1);
        let mut inner = Context::new(Budget { cost: PER_CALL_COST, bytes: context.budget.bytes });
        inner.bytes = context.bytes;
        inner.cancel = context.cancel;
        inner.trace = self.trace.as_ref().map(|_| Vec::new());
        let result = variable.program.eval(self, &mut inner);
        self.depth.set(self.depth.get() - 1);
        context.bytes = inner.bytes;
        self.cost.set(self.cost.get().saturating_add(inner.cost));
        if let Some(trace) = &self.trace {
            trace.borrow_mut().push(VariableTrace {
                index,
                cost: inner.cost,
                value: result.as_ref().map(|value| value.outline()).map_err(Clone::clone),
                steps: inner.trace.unwrap_or_default(),
            });
        }
        result.map_err(|fault| match fault {
            Fault::Error(_) | Fault::CostExceeded => {
                Fault::error(format!("composited variable \"{}\" fails to evaluate: {fault}", named.name))
            }
            other => other,
        })
    }

    /// `authorizer`, or `authorizer.requestResource`.
    fn asker(&self, about_request: bool) -> Result<Value<'v>, Fault> {
        let info = self.user()?;
        let texts = |node: Node<'_>| node.items().filter_map(Node::as_str).map(Arc::from).collect();
        let extra = extra(info).into_iter().flat_map(Node::entries);
        let user = User {
            name: (&*info.username).into(),
            uid: (&*info.uid).into(),
            groups: info.groups.iter().map(|group| Arc::from(&**group)).collect(),
            extra: extra.map(|(key, values)| (key.as_str().unwrap_or("").into(), texts(values))).collect(),
        };
        let decides = self.inputs.facts.authorizer().clone();
        if !about_request {
            return Ok(authorizer::authorizer(user, decides));
        }
        let (request, own) = (self.inputs.request, self.own_resource()?);
        let resource = authorizer::Resource {
            group: (&*own.group).into(),
            resource: (&*own.resource).into(),
            subresource: own_sub_resource(request).into(),
            namespace: (&*request.namespace).into(),
            name: (&*request.name).into(),
            ..authorizer::Resource::default()
        };
        Ok(authorizer::request_resource(user, decides, resource))
    }

    /// `variables` as a whole.
    fn all(&self, context: &mut Context<'_>) -> Result<Value<'v>, Fault> {
        let mut entries = Entries::with_capacity(self.variables.len());
        for (index, named) in self.policy.spec.variables.iter().enumerate() {
            let value = self.own(index, context)?;
            entries.remove(&Value::str(&named.name));
            entries.insert(Value::str(&named.name), value)?;
        }
        Ok(Value::map(entries))
    }

    fn part(&self, part: Part) -> Result<Value<'v>, Fault> {
        let request = self.inputs.request;
        let kind = self.inputs.kind;
        let own_kind = request.request_kind.as_ref().unwrap_or(&request.kind);
        Ok(match part {
            Part::Whole => return self.whole(),
            Part::Kind => kind_value(kind)?,
            Part::KindGroup => Value::str(&kind.group),
            Part::KindVersion => Value::str(&kind.version),
            Part::KindKind => Value::str(&kind.kind),
            Part::Resource => resource_value(self.resource()?)?,
            Part::ResourceGroup => Value::str(&self.resource()?.group),
            Part::ResourceVersion => Value::str(&self.resource()?.version),
            Part::ResourceResource => Value::str(&self.resource()?.resource),
            Part::SubResource => text("subResource", &request.sub_resource)?,
            Part::RequestKind => kind_value(own_kind)?,
            Part::RequestKindGroup => Value::str(&own_kind.group),
            Part::RequestKindVersion => Value::str(&own_kind.version),
            Part::RequestKindKind => Value::str(&own_kind.kind),
            Part::RequestResource => resource_value(self.own_resource()?)?,
            Part::RequestResourceGroup => Value::str(&self.own_resource()?.group),
            Part::RequestResourceVersion => Value::str(&self.own_resource()?.version),
            Part::RequestResourceResource => Value::str(&self.own_resource()?.resource),
            Part::RequestSubResource => text("requestSubResource", own_sub_resource(request))?,
            Part::Name => text("name", &request.name)?,
            Part::Namespace => text("namespace", &request.namespace)?,
            Part::Operation => Value::str(request.operation.as_str()),
            Part::UserInfo => return self.user_info(),
            Part::Username => text("username", &self.user()?.username)?,
            Part::UserUid => text("uid", &self.user()?.uid)?,
            Part::UserGroups if self.user()?.groups.is_empty() => return Err(missing("groups")),
            Part::UserGroups => self.groups(self.user()?),
            Part::UserExtra => Value::node(extra(self.user()?).ok_or_else(|| missing("extra"))?),
            Part::DryRun => Value::Bool(request.dry_run),
            Part::Options => Value::node(self.options()?.ok_or_else(|| missing("options"))?),
        })
    }

    fn user(&self) -> Result<&'v UserInfo<'v>, Fault> {
        self.inputs.request.user.as_ref().ok_or_else(|| Fault::unknown("request.userInfo"))
    }

    fn resource(&self) -> Result<&'v Resource<'v>, Fault> {
        self.inputs.resource.ok_or_else(|| Fault::unknown("request.resource"))
    }

    fn own_resource(&self) -> Result<&'v Resource<'v>, Fault> {
        let request = self.inputs.request;
        let own = request.request_resource.as_ref().or(request.resource.as_ref());
        own.ok_or_else(|| Fault::unknown("request.requestResource"))
    }

    /// A manifest says nothing about options, a review without them had none.
    fn options(&self) -> Result<Option<Node<'v>>, Fault> {
        let request = self.inputs.request;
        if request.options.is_none() && request.user.is_none() {
            return Err(Fault::unknown("request.options"));
        }
        Ok(request.options)
    }

    fn groups(&self, user: &'v UserInfo<'v>) -> Value<'v> {
        let make = || Value::list(user.groups.iter().map(|group| Value::str(group)).collect::<Vec<_>>());
        self.groups.get_or_init(make).clone()
    }

    fn user_info(&self) -> Result<Value<'v>, Fault> {
        let user = self.user()?;
        let mut entries = Entries::with_capacity(4);
        for (name, value) in [("username", &user.username), ("uid", &user.uid)] {
            if !value.is_empty() {
                entries.insert(Value::str(name), Value::str(value))?;
            }
        }
        if !user.groups.is_empty() {
            entries.insert(Value::str("groups"), self.groups(user))?;
        }
        if let Some(extra) = extra(user) {
            entries.insert(Value::str("extra"), Value::node(extra))?;
        }
        Ok(Value::map(entries))
    }

    /// All of `request`; empty fields are left out, as the API server leaves them out.
    fn whole(&self) -> Result<Value<'v>, Fault> {
        let request = self.inputs.request;
        let mut entries = Entries::with_capacity(12);
        for (path, part) in REQUEST_PATHS {
            let Some(name) = path.strip_prefix("request.").filter(|name| !name.contains('.')) else { continue };
            let absent = match part {
                Part::SubResource => request.sub_resource.is_empty(),
                Part::RequestSubResource => own_sub_resource(request).is_empty(),
                Part::Name => request.name.is_empty(),
                Part::Namespace => request.namespace.is_empty(),
                Part::Options => self.options()?.is_none(),
                _ => false,
            };
            if !absent {
                entries.insert(Value::str(name), self.part(part)?)?;
            }
        }
        Ok(Value::map(entries))
    }
}

impl<'v> Activation<'v> for Frame<'v, '_> {
    fn variable(&self, slot: usize, context: &mut Context<'_>) -> Result<Value<'v>, Fault> {
        match slot {
            OBJECT => self.inputs.object.value(),
            OLD_OBJECT => self.inputs.old_object.value(),
            NAMESPACE_OBJECT if !self.namespace => Ok(Value::Null),
            NAMESPACE_OBJECT => match namespace_of(self.inputs.request).map(|name| self.inputs.facts.namespace(name)) {
                None | Some(Lookup::Absent) => Ok(Value::Null),
                Some(Lookup::Found(object)) => Ok(Value::node(object)),
                Some(Lookup::Unknown(fact)) => Err(Fault::missing(Arc::new([fact]))),
            },
            PARAMS => self.inputs.params.value(),
            AUTHORIZER | REQUEST_RESOURCE if !self.authorized => {
                let name = if slot == AUTHORIZER { "authorizer" } else { "authorizer.requestResource" };
                Err(Fault::error(format!("no such attribute(s): {name}")))
            }
            AUTHORIZER => self.authorizer.get_or_init(|| self.asker(false)).clone(),
            REQUEST_RESOURCE => self.request_resource.get_or_init(|| self.asker(true)).clone(),
            VARIABLES => self.all(context),
            _ if slot >= OWN => {
                // The step from `variables` to its field.
                context.spend(1)?;
                self.own(slot - OWN, context)
            }
            _ => {
                let Some((path, part)) = REQUEST_PATHS.get(slot - REQUEST) else {
                    return Err(Fault::error("no such attribute(s)"));
                };
                // One step for each field on the way.
                context.spend(path.bytes().filter(|byte| *byte == b'.').count() as u64)?;
                self.part(*part)
            }
        }
    }
}

impl<'v> Given<'v> {
    fn value(&self) -> Result<Value<'v>, Fault> {
        match self {
            Given::Null => Ok(Value::Null),
            Given::Object(node) => Ok(Value::node(*node)),
            Given::Unknown(fact) => Err(Fault::missing(Arc::new([fact.clone()]))),
        }
    }
}

/// The namespace that `namespaceObject` is about; none for objects of the cluster and for namespaces themselves.
pub(crate) fn namespace_of<'v>(request: &'v Request<'_>) -> Option<&'v str> {
    let is_namespace = request.kind.group.is_empty() && request.kind.kind == "Namespace";
    Some(&*request.namespace).filter(|name| !name.is_empty() && !is_namespace)
}

fn own_sub_resource<'v>(request: &'v Request<'v>) -> &'v str {
    request.request_sub_resource.as_deref().unwrap_or(&request.sub_resource)
}

fn extra<'v>(user: &UserInfo<'v>) -> Option<Node<'v>> {
    user.node?.get("extra").filter(|extra| !extra.is_empty())
}

fn text<'v>(name: &str, value: &'v str) -> Result<Value<'v>, Fault> {
    if value.is_empty() { Err(missing(name)) } else { Ok(Value::str(value)) }
}

fn missing(name: &str) -> Fault {
    Fault::error(format!("no such key: {name}"))
}

fn kind_value<'v>(kind: &'v Kind<'v>) -> Result<Value<'v>, Fault> {
    texts([("group", &kind.group), ("version", &kind.version), ("kind", &kind.kind)])
}

fn resource_value<'v>(resource: &'v Resource<'v>) -> Result<Value<'v>, Fault> {
    texts([("group", &resource.group), ("version", &resource.version), ("resource", &resource.resource)])
}

fn texts<'v>(fields: [(&'static str, &'v str); 3]) -> Result<Value<'v>, Fault> {
    let mut entries = Entries::with_capacity(fields.len());
    for (name, value) in fields {
        entries.insert(Value::str(name), Value::str(value))?;
    }
    Ok(Value::map(entries))
}
