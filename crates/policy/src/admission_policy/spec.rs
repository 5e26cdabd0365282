//! What policies and bindings say, read from their documents and owned.

use std::sync::Arc;

use model::Location;

use crate::admission::matching::MatchResources;
use crate::admission::selector::Selector;

/// A ValidatingAdmissionPolicy or a MutatingAdmissionPolicy.
#[derive(Clone, Debug)]
pub struct PolicySpec {
    /// Which of the two.
    pub flavour: Flavour,
    /// `metadata.name`
    pub name: Arc<str>,
    /// Where the object stands.
    pub location: Location,
    /// `metadata.annotations`, in order.
    pub annotations: Vec<(Arc<str>, Arc<str>)>,
    /// `spec.failurePolicy: Ignore`
    pub ignores_failure: bool,
    /// `spec.paramKind`
    pub param_kind: Option<ParamKind>,
    /// `spec.matchConstraints`
    pub constraints: MatchResources,
    /// Resources that rules name without wildcards, rule by rule: group, version, plural.
    pub named_resources: Vec<Vec<(String, String, String)>>,
    /// `spec.matchConditions`
    pub match_conditions: Vec<Named>,
    /// `spec.variables`
    pub variables: Vec<Named>,
    /// `spec.validations`
    pub validations: Vec<Validation>,
    /// `spec.auditAnnotations`
    pub audit_annotations: Vec<Named>,
    /// `spec.mutations`
    pub mutations: Vec<Mutation>,
    /// `spec.reinvocationPolicy: IfNeeded`
    pub reinvoked: bool,
}

/// Which kind of policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flavour {
    /// ValidatingAdmissionPolicy
    Validating,
    /// MutatingAdmissionPolicy
    Mutating,
}

/// An expression as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Its text.
    pub text: Arc<str>,
    /// Path of its field, for example `spec.validations[0].expression`.
    pub field: String,
    /// Where it stands.
    pub location: Location,
}

/// An expression with a name: a match condition, a variable, an audit annotation.
#[derive(Clone, Debug)]
pub struct Named {
    /// Its name or key.
    pub name: Arc<str>,
    /// The expression.
    pub source: Source,
}

/// One of `spec.validations`.
#[derive(Clone, Debug)]
pub struct Validation {
    /// `expression`
    pub source: Source,
    /// `message`
    pub message: Option<Arc<str>>,
    /// `messageExpression`
    pub message_source: Option<Source>,
    /// `reason`
    pub reason: Option<Arc<str>>,
}

/// One of `spec.mutations`.
#[derive(Clone, Debug)]
pub struct Mutation {
    /// How the result of the expression is applied.
    pub patch: PatchType,
    /// The expression.
    pub source: Source,
}

/// How a mutation is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchType {
    /// A partial object is merged, as server-side apply merges.
    ApplyConfiguration,
    /// A list of operations.
    JsonPatch,
}

/// `spec.paramKind`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamKind {
    /// `apiVersion`
    pub api_version: Arc<str>,
    /// `kind`
    pub kind: Arc<str>,
}

/// A ValidatingAdmissionPolicyBinding or a MutatingAdmissionPolicyBinding.
#[derive(Clone, Debug)]
pub struct BindingSpec {
    /// Which kind of policy it binds.
    pub flavour: Flavour,
    /// `metadata.name`
    pub name: Arc<str>,
    /// Where the object stands.
    pub location: Location,
    /// `spec.policyName`
    pub policy: Arc<str>,
    /// `spec.matchResources`
    pub constraints: Option<MatchResources>,
    /// `spec.paramRef`
    pub param_ref: Option<ParamRef>,
    /// `spec.validationActions` in order, each once; empty for mutating policies.
    pub actions: Vec<Action>,
}

/// `spec.paramRef`
#[derive(Clone, Debug)]
pub struct ParamRef {
    /// `name`; empty where objects are selected by labels.
    pub name: Arc<str>,
    /// `namespace`; empty for that of the request.
    pub namespace: Arc<str>,
    /// `selector`
    pub selector: Option<Selector>,
    /// `parameterNotFoundAction: Deny`
    pub deny_if_missing: bool,
}

/// One of `spec.validationActions`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The request is refused.
    Deny,
    /// The client is warned.
    Warn,
    /// The audit log is told.
    Audit,
}

// === impl Flavour ===

impl Flavour {
    /// The policy's kind.
    pub fn policy_kind(self) -> &'static str {
        match self {
            Flavour::Validating => "ValidatingAdmissionPolicy",
            Flavour::Mutating => "MutatingAdmissionPolicy",
        }
    }

    /// The binding's kind.
    pub fn binding_kind(self) -> &'static str {
        match self {
            Flavour::Validating => "ValidatingAdmissionPolicyBinding",
            Flavour::Mutating => "MutatingAdmissionPolicyBinding",
        }
    }
}

// === impl Action ===

impl Action {
    /// As written in bindings.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Deny => "Deny",
            Action::Warn => "Warn",
            Action::Audit => "Audit",
        }
    }
}
