//! Verdicts of validating policies on one request.

use std::sync::Arc;

use cel::fault::Fact;
use manifest::{Tree, Value};

use super::activation::{self, Given, Inputs};
use super::budgets::Budgets;
use super::params::{self, Params};
use super::set::{Entry, PolicySet};
use super::spec::{Action, BindingSpec, Flavour};
use super::trace::{Explained, Trace};
use super::validate::{self, Judgement};
use crate::admission::facts::{Facts, with_api_version};
use crate::admission::matching::{Match, is_exempt_from_policies};
use crate::admission::request::{Kind, Operation, Request, Resource};
use crate::admission::verdict::{Actions, PolicyKind, Ruling, Verdict};

impl PolicySet {
    /// Judges a request: a verdict for every validating policy that looks at it, per binding and parameter
    /// object, in the order of their names.
    pub fn evaluate(&self, request: &Request<'_>, facts: &Facts, budgets: &mut Budgets<'_>) -> Vec<Verdict> {
        let mut out = Out { verdicts: Vec::new(), explained: None };
        self.run(request, facts, budgets, &mut out);
        out.verdicts
    }

    /// Judges a request and says how: all policies, also those that do not look at it, with the value and the
    /// cost of every expression.
    pub fn explain(&self, request: &Request<'_>, facts: &Facts, budgets: &mut Budgets<'_>) -> Vec<Explained> {
        let mut out = Out { verdicts: Vec::new(), explained: Some(Vec::new()) };
        self.run(request, facts, budgets, &mut out);
        out.explained.unwrap_or_default()
    }

    /// Policies of a flavour that do not look at a request, and bindings that leave it out, with the reason.
    pub fn unmatched(&self, request: &Request<'_>, facts: &Facts, flavour: Flavour) -> Vec<Verdict> {
        let (entries, kind) = match flavour {
            Flavour::Validating => (&self.validating, PolicyKind::Validating),
            Flavour::Mutating => (&self.mutating, PolicyKind::Mutating),
        };
        let mut out = Out { verdicts: Vec::new(), explained: None };
        let deleted = flavour == Flavour::Mutating && request.operation == Operation::Delete;
        let excluded = excluded(request).or_else(|| deleted.then_some("nothing is left to change"));
        for entry in entries {
            let spec = &entry.policy.spec;
            let mut pass = |name, actions, why: &str| out.push(&spec.name, name, None, actions, not_applicable(why));
            let converted;
            let request = match (excluded, spec.constraints.matches(request, facts)) {
                (Some(why), _) | (None, Match::NoMatch(why)) => {
                    pass(None, Actions::default(), why);
                    continue;
                }
                (None, Match::Unknown(_)) => continue,
                (None, Match::Match { kind, .. }) => {
                    converted = Converted::new(request, &kind);
                    converted.of(request)
                }
            };
            for binding in entry.bindings.iter().flatten() {
                let matched = binding.constraints.as_ref().map(|constraints| constraints.matches(&request, facts));
                if let Some(Match::NoMatch(why)) = matched {
                    pass(Some(&binding.name), actions(Some(binding)), why);
                }
            }
        }
        out.verdicts.iter_mut().for_each(|verdict| verdict.kind = kind);
        out.verdicts
    }

    fn run(&self, request: &Request<'_>, facts: &Facts, budgets: &mut Budgets<'_>, out: &mut Out) {
        let excluded = excluded(request);
        if out.explained.is_none() {
            if excluded.is_some() {
                return;
            }
            for index in self.by_resource.candidates(request) {
                if let Some(entry) = self.validating.get(index) {
                    judge(entry, request, facts, budgets, out);
                }
            }
            return;
        }
        for entry in &self.validating {
            match excluded {
                Some(why) => {
                    out.push(&entry.policy.spec.name, None, None, Actions::default(), Ruling::NotApplicable(why.into()))
                }
                None => judge(entry, request, facts, budgets, out),
            }
        }
    }
}

/// Collects verdicts.
struct Out {
    verdicts: Vec<Verdict>,
    explained: Option<Vec<Explained>>,
}

impl Out {
    fn trace(&self) -> Trace {
        if self.explained.is_some() { Trace::collecting() } else { Trace::default() }
    }

    fn push(
        &mut self,
        policy: &Arc<str>,
        binding: Option<&Arc<str>>,
        params: Option<Arc<str>>,
        actions: Actions,
        ruling: Ruling,
    ) {
        let verdict = Verdict {
            kind: PolicyKind::Validating,
            policy: policy.clone(),
            binding: binding.cloned(),
            params,
            actions,
            ruling,
            audit_annotations: Vec::new(),
            cost: 0,
        };
        self.add(verdict, Trace::default());
    }

    fn add(&mut self, verdict: Verdict, trace: Trace) {
        match &mut self.explained {
            Some(list) => list.push(Explained { verdict, steps: trace.into_steps() }),
            None => self.verdicts.push(verdict),
        }
    }
}

fn not_applicable(why: &str) -> Ruling {
    Ruling::NotApplicable(why.into())
}

/// Why policies never see such requests.
pub(crate) fn excluded(request: &Request<'_>) -> Option<&'static str> {
    let resource = request.request_resource.as_ref().or(request.resource.as_ref())?;
    is_exempt_from_policies(&resource.group, &resource.resource).then_some("policies do not judge such objects")
}

/// Everything refuses whatever the actions of a binding are.
const DENY: Actions = Actions { deny: true, warn: false, audit: false };

fn judge(entry: &Entry, request: &Request<'_>, facts: &Facts, budgets: &mut Budgets<'_>, out: &mut Out) {
    let spec = &entry.policy.spec;
    let (kind, resource) = match entry.policy.spec.constraints.matches(request, facts) {
        Match::Match { resource, kind } => (kind, resource),
        Match::NoMatch(why) => {
            if out.explained.is_some() {
                out.push(&spec.name, None, None, Actions::default(), Ruling::NotApplicable(why.into()));
            }
            return;
        }
        Match::Unknown(missing) => {
            let missing: Arc<[Fact]> = missing.into();
            // Whether any binding refuses is as unknown as whether the policy looks at the request.
            for binding in &entry.bindings {
                let actions = actions(binding.as_ref());
                out.push(&spec.name, binding_name(binding), None, actions, Ruling::Unknown(missing.clone()));
            }
            return;
        }
    };
    let converted = Converted::new(request, &kind);
    let request = &converted.of(request);
    if let Some(message) = params::lost_kind(spec.param_kind.as_ref(), facts) {
        let ruling = Ruling::Failed { messages: vec![message.into()], ignored: spec.ignores_failure };
        return out.push(&spec.name, None, None, DENY, ruling);
    }
    for binding in &entry.bindings {
        let (name, actions) = (binding_name(binding), actions(binding.as_ref()));
        let matched = binding.as_ref().and_then(|binding| binding.constraints.as_ref());
        match matched.map(|constraints| constraints.matches(request, facts)) {
            None | Some(Match::Match { .. }) => {}
            Some(Match::NoMatch(why)) => {
                if out.explained.is_some() {
                    out.push(&spec.name, name, None, actions, Ruling::NotApplicable(why.into()));
                }
                continue;
            }
            Some(Match::Unknown(missing)) => {
                out.push(&spec.name, name, None, actions, Ruling::Unknown(missing.into()));
                continue;
            }
        }
        if budgets.is_spent() {
            let messages = vec!["the cost budget of the request is spent".into()];
            out.push(&spec.name, name, None, actions, Ruling::Failed { messages, ignored: false });
            continue;
        }
        with_params(entry, binding.as_ref(), (&kind, resource.as_ref()), request, facts, budgets, out);
    }
}

/// The objects of a request in the version that a policy was matched under. Where one is to be had at all, it
/// differs in `apiVersion` only: [`Match`] says of others that they are not known.
pub(crate) struct Converted {
    object: Option<Tree<'static>>,
    old_object: Option<Tree<'static>>,
}

impl Converted {
    pub(crate) fn new(request: &Request<'_>, kind: &Kind<'_>) -> Converted {
        if *kind == request.kind {
            return Converted { object: None, old_object: None };
        }
        let version = kind.api_version();
        let convert = |object: Option<Value<'_>>| object.and_then(|object| with_api_version(object, &version));
        Converted { object: convert(request.object), old_object: convert(request.old_object) }
    }

    pub(crate) fn of<'r>(&'r self, request: &'r Request<'r>) -> Request<'r> {
        let root = |tree: &'r Option<Tree<'static>>| tree.as_ref().map(Tree::root);
        let (object, old_object) = (root(&self.object), root(&self.old_object));
        Request { object: object.or(request.object), old_object: old_object.or(request.old_object), ..request.clone() }
    }
}

fn with_params(
    entry: &Entry,
    binding: Option<&BindingSpec>,
    (kind, resource): (&Kind<'_>, Option<&Resource<'_>>),
    request: &Request<'_>,
    facts: &Facts,
    budgets: &mut Budgets<'_>,
    out: &mut Out,
) {
    let spec = &entry.policy.spec;
    let (name, actions) = (binding.map(|binding| &binding.name), actions(binding));
    let reference = binding.and_then(|binding| binding.param_ref.as_ref());
    let mut inputs = inputs(request, kind, resource, facts);
    let collected = match (binding, &spec.param_kind) {
        // Judged without a binding, a policy with parameters lacks them.
        (None, Some(kind)) => Params::Maybe(Fact { name: format!("params of kind {}", kind.kind).into() }),
        _ => params::collect(spec.param_kind.as_ref(), reference, request, facts),
    };
    if let Some(message) = lost_namespace(request, facts) {
        let ruling = Ruling::Failed { messages: vec![message.into()], ignored: false };
        return out.push(&spec.name, name, None, DENY, ruling);
    }
    let mut one = |given: Given<'_>, unsure: Option<&Fact>, inputs: &mut Inputs<'_>, out: &mut Out| {
        let params = if let Given::Object(node) = &given { Some(Arc::from(params::name_of(*node))) } else { None };
        let mut inputs = Inputs { params: given, ..inputs.clone() };
        verdict(entry, (name, params, actions), &mut inputs, (reference, unsure), budgets, out);
    };
    match collected {
        Params::Each(list) => list.into_iter().for_each(|given| one(given, None, &mut inputs, out)),
        Params::Some(list, fact) => {
            list.into_iter().for_each(|given| one(given, None, &mut inputs, out));
            out.push(&spec.name, name, None, actions, Ruling::Unknown(Arc::new([fact])));
        }
        Params::Maybe(fact) => one(Given::Unknown(fact.clone()), Some(&fact), &mut inputs, out),
        Params::None => {
            let why = "there is no parameter object, and parameterNotFoundAction is Allow";
            out.push(&spec.name, name, None, actions, Ruling::NotApplicable(why.into()));
        }
        Params::Failed(message) => {
            let message = format!("failed to configure binding: {message}").into();
            let ruling = Ruling::Failed { messages: vec![message], ignored: spec.ignores_failure };
            out.push(&spec.name, name, None, DENY, ruling);
        }
        Params::Unknown(fact) => out.push(&spec.name, name, None, actions, Ruling::Unknown(Arc::new([fact]))),
    }
}

type Label<'l> = (Option<&'l Arc<str>>, Option<Arc<str>>, Actions);

/// Judges with one parameter object. `unsure` is the fact on which it depends whether there is one.
fn verdict<'v>(
    entry: &'v Entry,
    (binding, params, actions): Label<'_>,
    inputs: &mut Inputs<'v>,
    (reference, unsure): (Option<&super::spec::ParamRef>, Option<&Fact>),
    budgets: &mut Budgets<'_>,
    out: &mut Out,
) {
    let spec = &entry.policy.spec;
    let mut trace = out.trace();
    let judged = validate::judge(&entry.policy, inputs, budgets, &mut trace);
    let audit_errors = judged.audit_errors.clone();
    let annotations = judged.annotations.clone();
    let cost = judged.cost;
    let limits = std::mem::take(&mut budgets.limits);
    let mut ruling = match ruling(judged) {
        // No fact would help: the policy was not judged to its end.
        Ruling::Unknown(_) if !limits.is_empty() => Ruling::Failed { messages: limits, ignored: false },
        ruling => ruling,
    };
    let mut sure = true;
    if let Some(fact) = unsure {
        let denies = reference.is_some_and(|reference| reference.deny_if_missing);
        sure = match &ruling {
            Ruling::Satisfied | Ruling::NotApplicable(_) | Ruling::Failed { ignored: true, .. } => !denies,
            Ruling::Violated(_) | Ruling::Failed { ignored: false, .. } => denies && actions.deny,
            Ruling::Unknown(_) => true,
        };
        if !sure {
            ruling = Ruling::Unknown(Arc::new([fact.clone()]));
        }
    }
    if !matches!(ruling, Ruling::Failed { ignored: false, .. })
        && let Some(missing) = entry.reached.missing(inputs.request)
    {
        (ruling, sure) = (Ruling::Unknown(missing), false);
    }
    let audit_annotations = if sure { annotations } else { Vec::new() };
    let (policy, binding) = (spec.name.clone(), binding.cloned());
    let kind = PolicyKind::Validating;
    out.add(Verdict { kind, policy, binding, params: params.clone(), actions, ruling, audit_annotations, cost }, trace);
    if !audit_errors.is_empty() && sure {
        let ruling = Ruling::Failed { messages: audit_errors, ignored: false };
        let binding = out.last_binding();
        out.push(&spec.name, binding.as_ref(), params, DENY, ruling);
    }
}

impl Out {
    fn last_binding(&self) -> Option<Arc<str>> {
        let last = self
            .explained
            .as_ref()
            .map_or_else(|| self.verdicts.last(), |list| list.last().map(|explained| &explained.verdict));
        last.and_then(|verdict| verdict.binding.clone())
    }
}

fn ruling(judged: Judgement) -> Ruling {
    if !judged.denials.is_empty() {
        return Ruling::Violated(judged.denials);
    }
    if !judged.missing.is_empty() {
        let mut missing = judged.missing;
        missing.sort_unstable();
        missing.dedup();
        return Ruling::Unknown(missing.into());
    }
    if !judged.ignored.is_empty() {
        return Ruling::Failed { messages: judged.ignored, ignored: true };
    }
    match judged.not_applicable {
        Some(why) => Ruling::NotApplicable(why),
        None => Ruling::Satisfied,
    }
}

/// The API server's answer to a request into a namespace that does not exist.
pub(crate) fn lost_namespace(request: &Request<'_>, facts: &Facts) -> Option<String> {
    let name = activation::namespace_of(request).filter(|_| facts.complete("", "Namespace"))?;
    (!facts.namespace(name).is_found()).then(|| format!("namespaces \"{name}\" not found"))
}

/// What expressions see, without parameters.
pub(crate) fn inputs<'v>(
    request: &'v Request<'v>,
    kind: &'v Kind<'v>,
    resource: Option<&'v Resource<'v>>,
    facts: &'v Facts,
) -> Inputs<'v> {
    let needs_old = matches!(request.operation, Operation::Update | Operation::Delete);
    let old_object = match request.old_object {
        Some(object) => Given::Object(object),
        None if needs_old => Given::Unknown(Fact { name: "oldObject".into() }),
        None => Given::Null,
    };
    Inputs {
        request,
        kind,
        resource,
        object: request.object.map_or(Given::Null, Given::Object),
        old_object,
        params: Given::Null,
        facts,
    }
}

fn binding_name(binding: &Option<BindingSpec>) -> Option<&Arc<str>> {
    binding.as_ref().map(|binding| &binding.name)
}

/// What a binding says is to be done; without one, what `Deny` says.
pub(crate) fn actions(binding: Option<&BindingSpec>) -> Actions {
    match binding {
        Some(binding) if binding.flavour == Flavour::Validating => Actions {
            deny: binding.actions.contains(&Action::Deny),
            warn: binding.actions.contains(&Action::Warn),
            audit: binding.actions.contains(&Action::Audit),
        },
        _ => DENY,
    }
}
