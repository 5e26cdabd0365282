//! What a policy says about a request.

use std::sync::Arc;

use cel::Fact;

/// What one policy, under one of its bindings or constraints, says about one request.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What kind of policy it is of.
    pub kind: PolicyKind,
    /// The policy: name of the ValidatingAdmissionPolicy, MutatingAdmissionPolicy or ConstraintTemplate.
    pub policy: Arc<str>,
    /// Name of the binding or constraint. `None` where the policy itself says it does not apply, or has none.
    pub binding: Option<Arc<str>>,
    /// The parameter object it was judged with, as `namespace/name` or `name`.
    pub params: Option<Arc<str>>,
    /// What is to be done about a violation.
    pub actions: Actions,
    /// The answer.
    pub ruling: Ruling,
    /// Annotations for the audit log, in the order of the policy.
    pub audit_annotations: Vec<(Arc<str>, Arc<str>)>,
    /// Cost of all its expressions, in units of CEL's cost model; 0 where nothing was counted.
    pub cost: u64,
}

/// Kinds of policies. Policies of different kinds may have one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyKind {
    /// ValidatingAdmissionPolicy
    Validating,
    /// MutatingAdmissionPolicy
    Mutating,
    /// ConstraintTemplate
    Template,
    /// One of Gatekeeper's mutators, or all of them.
    Mutator,
}

impl PolicyKind {
    /// The kind as manifests write it.
    pub fn as_str(self) -> &'static str {
        match self {
            PolicyKind::Validating => "ValidatingAdmissionPolicy",
            PolicyKind::Mutating => "MutatingAdmissionPolicy",
            PolicyKind::Template => "ConstraintTemplate",
            PolicyKind::Mutator => "mutator",
        }
    }
}

/// The answer. Ordered from mild to severe.
#[derive(Clone, Debug, PartialEq)]
pub enum Ruling {
    /// The policy does not look at such requests; why, in a few words.
    NotApplicable(Arc<str>),
    /// Nothing is wrong.
    Satisfied,
    /// It depends on facts that nobody gave.
    Unknown(Arc<[Fact]>),
    /// The policy could not be evaluated.
    Failed {
        /// The API server's words, for example `expression '…' resulted in error: no such key: x`.
        messages: Vec<Arc<str>>,
        /// Whether the policy says to go on in spite of that (`failurePolicy: Ignore`).
        ignored: bool,
    },
    /// The request breaks the policy. Other parts of the policy may have failed or be unknown beside it.
    Violated(Vec<Violation>),
}

/// One broken rule of a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// The message for the user, as the API server or Gatekeeper would give it.
    pub message: Arc<str>,
    /// `Invalid`, `Forbidden`, `Unauthorized` or `RequestEntityTooLarge`; `Forbidden` for constraints.
    pub reason: Arc<str>,
    /// Index of the validation in the policy, from 0.
    pub index: usize,
    /// `details` of a Rego violation as JSON.
    pub details: Option<Arc<str>>,
    /// The violation is an error of the expression that `failurePolicy: Fail` turns into a refusal.
    pub from_error: bool,
}

/// What is to be done about a violation: `validationActions`, or `enforcementAction` and its scoped form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Actions {
    /// The request is refused.
    pub deny: bool,
    /// The client is warned.
    pub warn: bool,
    /// The audit log is told (`Audit`), or the audit of a Gatekeeper reports it (`dryrun`).
    pub audit: bool,
}

// === impl Verdict ===

impl Verdict {
    /// Whether the API server would refuse the request because of it. `None` when that is unknown.
    pub fn refuses(&self) -> Option<bool> {
        match &self.ruling {
            Ruling::NotApplicable(_) | Ruling::Satisfied => Some(false),
            Ruling::Unknown(_) if self.actions.deny => None,
            Ruling::Unknown(_) => Some(false),
            Ruling::Failed { ignored, .. } => Some(!ignored && self.actions.deny),
            Ruling::Violated(_) => Some(self.actions.deny),
        }
    }
}
