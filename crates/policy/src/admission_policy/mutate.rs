//! MutatingAdmissionPolicies change an object: one after the other, and once more if others changed it since.

mod decode;
pub(crate) mod json;
mod json_patch;
mod kinds;
mod merge;
mod patch;

use std::sync::Arc;

use cel::fault::Fact;
use manifest::Tree;
use model::Location;

use super::activation::Given;
use super::budgets::Budgets;
use super::evaluate::{Converted, actions, excluded, inputs};
use super::limits::MATCH_CONDITIONS_COST;
use super::params::{self, Params};
use super::set::{Entry, PolicySet};
use super::spec::{BindingSpec, ParamRef};
use super::trace::{Step, Trace};
use super::validate::{Conditions, Purse, conditions};
use crate::admission::defaults::{Plugins, Stage, as_seen};
use crate::admission::facts::{Facts, with_api_version};
use crate::admission::matching::Match;
use crate::admission::request::{Kind, Operation, Request, Resource};
use crate::admission::verdict::{Actions, PolicyKind, Ruling, Verdict};
use json::Json;
use kinds::Kind as Mergeable;
use patch::Patched;

/// What mutating policies make of a request.
#[derive(Debug)]
pub struct Mutated {
    /// The object after all mutations; `None` when it is as it was.
    pub object: Option<Tree<'static>>,
    /// A verdict for every policy that looks at the request, per binding and parameter object. `Satisfied` says
    /// that all its mutations could be made.
    pub verdicts: Vec<Verdict>,
    /// What each mutation did, in order.
    pub steps: Vec<MutationStep>,
    /// Facts that were missing. With any, the object may come out differently in the cluster.
    pub missing: Vec<Fact>,
}

/// One mutation.
#[derive(Debug)]
pub struct MutationStep {
    /// The policy.
    pub policy: Arc<str>,
    /// The binding.
    pub binding: Option<Arc<str>>,
    /// The parameter object.
    pub params: Option<Arc<str>>,
    /// Index of the mutation in the policy.
    pub index: usize,
    /// Whether it ran because others had changed the object since it ran first.
    pub reinvoked: bool,
    /// What came of it.
    pub outcome: Outcome,
    /// The object after it as JSON, where it changed something.
    pub object: Option<String>,
    /// Values and costs of its expressions, if someone wanted them.
    pub trace: Vec<Step>,
}

/// What came of a mutation.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It changed the object.
    Changed,
    /// The object was as it says already, or a `test` of its patch did not hold.
    Unchanged,
    /// It could not be made, in the API server's words.
    Failed(String),
    /// It depends on facts that nobody gave.
    Unknown(Vec<Fact>),
}

/// A policy that looks at the request, with a binding and a parameter object.
struct Invocation<'p> {
    entry: &'p Entry,
    binding: Option<&'p BindingSpec>,
    params: Given<'p>,
    name: Option<Arc<str>>,
    /// What the policy was matched under.
    kind: Kind<'p>,
    resource: Option<Resource<'p>>,
    ran: bool,
}

impl PolicySet {
    /// Changes the object of a request as the mutating policies say. `traced` asks for values and costs.
    pub fn mutate(&self, request: &Request<'_>, facts: &Facts, budgets: &mut Budgets<'_>, traced: bool) -> Mutated {
        let out = Mutated { object: None, verdicts: Vec::new(), steps: Vec::new(), missing: Vec::new() };
        let handled = matches!(request.operation, Operation::Create | Operation::Update | Operation::Connect);
        if !handled || excluded(request).is_some() || self.mutating.is_empty() {
            return out;
        }
        let object = request.object.map(Json::of);
        let mut run = Run { out, object, tree: None, dirty: false, traced, fatal: false };
        let mut invocations = self.invocations(request, facts, &mut run);
        for invocation in &mut invocations {
            if !run.fatal {
                invocation.ran = run.invoke(invocation, request, facts, budgets, false);
            }
        }
        // The second pass matches the object as it is now.
        if run.dirty
            && !run.fatal
            && invocations.iter().any(|invocation| invocation.ran && invocation.entry.policy.spec.reinvoked)
        {
            let again = run.tree.take();
            let changed = Request { object: again.as_ref().map(Tree::root).or(request.object), ..request.clone() };
            run.tree = None;
            for invocation in &invocations {
                let spec = &invocation.entry.policy.spec;
                let still = matches!(spec.constraints.matches(&changed, facts), Match::Match { .. });
                if invocation.ran && spec.reinvoked && still {
                    run.invoke(invocation, &changed, facts, budgets, true);
                }
            }
            run.tree = run.tree.take().or(again);
        }
        run.out.missing.sort_unstable();
        run.out.missing.dedup();
        run.out.object = run.tree;
        run.out
    }

    fn invocations<'p>(&'p self, request: &'p Request<'p>, facts: &'p Facts, run: &mut Run) -> Vec<Invocation<'p>> {
        let mut list = Vec::new();
        for entry in &self.mutating {
            let spec = &entry.policy.spec;
            let (kind, resource) = match spec.constraints.matches(request, facts) {
                Match::Match { resource, kind } => (kind, resource),
                Match::NoMatch(_) => continue,
                Match::Unknown(missing) => {
                    run.unknown(entry, None, None, &missing);
                    continue;
                }
            };
            if let Some(message) = params::lost_kind(spec.param_kind.as_ref(), facts) {
                run.failed(entry, None, None, message);
                continue;
            }
            for binding in &entry.bindings {
                bound(entry, binding.as_ref(), (&kind, &resource), (request, facts), run, &mut list);
            }
        }
        list
    }
}

fn bound<'p>(
    entry: &'p Entry,
    binding: Option<&'p BindingSpec>,
    (kind, resource): (&Kind<'p>, &Option<Resource<'p>>),
    (request, facts): (&'p Request<'p>, &'p Facts),
    run: &mut Run,
    list: &mut Vec<Invocation<'p>>,
) {
    let name = binding.map(|binding| binding.name.clone());
    let matched = binding.and_then(|binding| binding.constraints.as_ref());
    match matched.map(|constraints| constraints.matches(request, facts)) {
        None | Some(Match::Match { .. }) => {}
        Some(Match::NoMatch(_)) => return,
        Some(Match::Unknown(missing)) => return run.unknown(entry, name, None, &missing),
    }
    let reference: Option<&ParamRef> = binding.and_then(|binding| binding.param_ref.as_ref());
    let spec = &entry.policy.spec;
    let mut add = |params: Given<'p>| {
        let name = if let Given::Object(node) = &params { Some(Arc::from(params::name_of(*node))) } else { None };
        let (kind, resource) = (kind.clone(), resource.clone());
        list.push(Invocation { entry, binding, params, name, kind, resource, ran: false });
    };
    match (binding, &spec.param_kind) {
        (None, Some(kind)) => {
            let fact = Fact { name: format!("params of kind {}", kind.kind).into() };
            run.unknown(entry, name, None, &[fact]);
        }
        _ => match params::collect(spec.param_kind.as_ref(), reference, request, facts) {
            Params::Each(each) => each.into_iter().for_each(add),
            Params::Some(each, fact) => {
                each.into_iter().for_each(&mut add);
                run.unknown(entry, name, None, &[fact]);
            }
            Params::Maybe(fact) | Params::Unknown(fact) => run.unknown(entry, name, None, &[fact]),
            Params::None => {}
            Params::Failed(message) => run.failed(entry, name, None, format!("failed to configure binding: {message}")),
        },
    }
}

/// The state of one request.
struct Run {
    out: Mutated,
    object: Option<Json>,
    /// The object as a document, once something changed it.
    tree: Option<Tree<'static>>,
    /// Some mutation was made, whether it changed something or not.
    dirty: bool,
    traced: bool,
    /// The API server refuses the request at once.
    fatal: bool,
}

impl Run {
    /// Runs the mutations of a policy. `false` when the policy does not look at the object after all.
    fn invoke(
        &mut self,
        invocation: &Invocation<'_>,
        request: &Request<'_>,
        facts: &Facts,
        budgets: &mut Budgets<'_>,
        reinvoked: bool,
    ) -> bool {
        let (entry, spec) = (invocation.entry, &invocation.entry.policy.spec);
        let binding = invocation.binding.map(|binding| binding.name.clone());
        let mut cost = 0;
        let met = {
            let own = self.tree.take();
            let current = Request { object: own.as_ref().map(Tree::root).or(request.object), ..request.clone() };
            let converted = Converted::new(&current, &invocation.kind);
            let current = converted.of(&current);
            let mut trace = self.trace();
            let mut given = inputs(&current, &invocation.kind, invocation.resource.as_ref(), facts);
            given.params = invocation.params.clone();
            let mut purse = Purse { left: MATCH_CONDITIONS_COST, spent: 0, budgets };
            let met = conditions(&entry.policy, &given, &mut purse, &mut trace);
            cost += purse.spent;
            self.tree = own;
            met
        };
        match met {
            Conditions::Met => {}
            Conditions::NotMet(_) => return false,
            Conditions::Unknown(facts) => {
                self.unknown(entry, binding, invocation.name.clone(), &facts);
                return false;
            }
            Conditions::Failed(message) => {
                if !spec.ignores_failure {
                    self.failed(entry, binding, invocation.name.clone(), message);
                }
                return false;
            }
        }
        let (mut failures, mut missing) = (Vec::new(), Vec::new());
        for index in 0..spec.mutations.len() {
            match self.one(invocation, index, request, facts, (&mut *budgets, &mut cost), reinvoked) {
                Outcome::Changed | Outcome::Unchanged => {}
                Outcome::Failed(message) => {
                    failures.push(message.into());
                    if self.fatal {
                        break;
                    }
                }
                Outcome::Unknown(facts) => missing.extend(facts),
            }
        }
        let limits = std::mem::take(&mut budgets.limits);
        let ruling = match (failures.is_empty(), missing.is_empty()) {
            (_, false) if !limits.is_empty() => Ruling::Failed { messages: limits, ignored: false },
            (false, true) => Ruling::Failed { messages: failures, ignored: spec.ignores_failure && !self.fatal },
            (false, false) if !spec.ignores_failure || self.fatal => {
                Ruling::Failed { messages: failures, ignored: false }
            }
            (_, false) => Ruling::Unknown(missing.clone().into()),
            (true, true) => Ruling::Satisfied,
        };
        self.out.missing.extend(missing);
        self.verdict(entry, binding, invocation.name.clone(), ruling, cost);
        true
    }

    fn one(
        &mut self,
        invocation: &Invocation<'_>,
        index: usize,
        request: &Request<'_>,
        facts: &Facts,
        spent: (&mut Budgets<'_>, &mut u64),
        reinvoked: bool,
    ) -> Outcome {
        let Some(object) = self.object.take() else { return Outcome::Unchanged };
        let own = self.tree.take();
        let current = Request { object: own.as_ref().map(Tree::root).or(request.object), ..request.clone() };
        let (version, foreign) = (request.kind.api_version(), request.kind != invocation.kind);
        let converted = Converted::new(&current, &invocation.kind);
        let current = converted.of(&current);
        let mut trace = self.trace();
        let kind = kind_of(&invocation.kind, &current, facts);
        let mut given = inputs(&current, &invocation.kind, invocation.resource.as_ref(), facts);
        given.params = invocation.params.clone();
        let before = current.object.filter(|_| foreign).map(Json::of);
        let before = before.as_ref().unwrap_or(&object);
        let patched = patch::run(&invocation.entry.policy, index, &given, before, kind, spent, &mut trace);
        let place = request.object.map(manifest::Value::location).unwrap_or_default();
        let (outcome, after, tree) = match patched {
            Patched::Object(after) if after == *before => (Outcome::Unchanged, object, own),
            Patched::Object(after) => match defaulted(&after, place, facts) {
                Ok(tree) => {
                    let back = if foreign { with_api_version(tree.root(), &version) } else { None };
                    let tree = back.unwrap_or(tree);
                    let after = Json::of(tree.root());
                    let outcome = if after.same(&object) { Outcome::Unchanged } else { Outcome::Changed };
                    (outcome, after, Some(tree))
                }
                Err(error) => (Outcome::Failed(error), object, own),
            },
            Patched::TestFailed => (Outcome::Unchanged, object, own),
            Patched::Failed(message) => (Outcome::Failed(message), object, own),
            Patched::Fatal(message) => {
                self.fatal = true;
                (Outcome::Failed(message), object, own)
            }
            Patched::Unknown(facts) => (Outcome::Unknown(facts.to_vec()), object, own),
        };
        self.dirty |= matches!(outcome, Outcome::Changed | Outcome::Unchanged);
        let shown = (outcome == Outcome::Changed).then(|| {
            let mut text = String::new();
            after.write(&mut text);
            text
        });
        self.object = Some(after);
        self.tree = tree;
        self.out.steps.push(MutationStep {
            policy: invocation.entry.policy.spec.name.clone(),
            binding: invocation.binding.map(|binding| binding.name.clone()),
            params: invocation.name.clone(),
            index,
            reinvoked,
            outcome: outcome.clone(),
            object: shown,
            trace: trace.into_steps(),
        });
        outcome
    }

    fn trace(&self) -> Trace {
        if self.traced { Trace::collecting() } else { Trace::default() }
    }

    fn unknown(&mut self, entry: &Entry, binding: Option<Arc<str>>, params: Option<Arc<str>>, missing: &[Fact]) {
        self.out.missing.extend_from_slice(missing);
        self.verdict(entry, binding, params, Ruling::Unknown(missing.into()), 0);
    }

    fn failed(&mut self, entry: &Entry, binding: Option<Arc<str>>, params: Option<Arc<str>>, message: String) {
        let ignored = entry.policy.spec.ignores_failure;
        self.verdict(entry, binding, params, Ruling::Failed { messages: vec![message.into()], ignored }, 0);
    }

    fn verdict(
        &mut self,
        entry: &Entry,
        binding: Option<Arc<str>>,
        params: Option<Arc<str>>,
        ruling: Ruling,
        cost: u64,
    ) {
        let actions: Actions = actions(None);
        let policy = entry.policy.spec.name.clone();
        self.out.verdicts.push(Verdict {
            kind: PolicyKind::Mutating,
            policy,
            binding,
            params,
            actions,
            ruling,
            audit_annotations: Vec::new(),
            cost,
        });
    }
}

/// A changed object with the defaults of what was added to it.
fn defaulted(after: &Json, place: Location, facts: &Facts) -> Result<Tree<'static>, String> {
    let made = after.to_tree(place).map_err(|error| error.to_string())?;
    // The namespace stays as the patch left it: the server refuses an object that was moved.
    let seen = as_seen(made.root(), "", Stage::Stored, Plugins::default(), facts);
    seen.map_err(|error| error.to_string())
}

/// How the object of a request is merged.
fn kind_of<'k>(kind: &'k Kind<'_>, request: &'k Request<'_>, facts: &'k Facts) -> Option<Mergeable<'k>> {
    let api_version = request.object.and_then(|object| object.str_at("apiVersion")).unwrap_or("");
    Mergeable::built_in(&kind.group, &kind.version, &kind.kind, api_version).or_else(|| {
        let definition = facts.definition(&kind.group, &kind.kind)?;
        definition.version(&kind.version)?.schema().map(Mergeable::Custom)
    })
}
