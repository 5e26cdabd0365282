//! All policies of a run: loaded, compiled, and grouped by the resources they match.

use cel::Env;
use manifest::Value;

use super::compile::{Broken, Compiled, Compiler, Unused};
use super::evaluate::excluded;
use super::issue::{Level, LoadIssue};
use super::load::{Loaded, quote, sort_issues};
use super::server_made;
use super::spec::{BindingSpec, Flavour, PolicySpec};
use crate::admission::matching::MatchIndex;
use crate::admission::request::Request;
use crate::admission::server_made::Reached;

/// Policies and their bindings, ready to be evaluated. Shared between threads.
#[derive(Debug, Default)]
pub struct PolicySet {
    /// By name.
    pub(crate) validating: Vec<Entry>,
    /// By name.
    pub(crate) mutating: Vec<Entry>,
    /// Which of `validating` may look at a request.
    pub(crate) by_resource: MatchIndex,
}

/// A policy with its bindings.
#[derive(Debug)]
pub(crate) struct Entry {
    pub policy: Compiled,
    /// By name. `None` where the policy is judged as if it were bound.
    pub bindings: Vec<Option<BindingSpec>>,
    /// Fields that it may come to and that the API server makes.
    pub reached: Reached,
}

/// How policies are loaded.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Functions and macros of the Kubernetes version that the policies are for.
    pub env: Env,
    /// Policies that no binding names are judged as if a binding said `Deny`. Without this they are not in
    /// force, as in a cluster.
    pub bind_all: bool,
}

impl Default for LoadOptions {
    /// What the newest Kubernetes that is known has; only bound policies are in force.
    fn default() -> Self {
        LoadOptions { env: cel::library::kubernetes(KUBERNETES), bind_all: false }
    }
}

impl PolicySet {
    /// Loads policies and bindings out of documents; objects of other kinds are passed over. Also says what is
    /// wrong. An object that the API server would refuse is left out, so whoever gets an issue of the level
    /// [`Level::Refused`] must not take the silence of that policy for consent.
    pub fn load<'d>(
        documents: impl IntoIterator<Item = Value<'d>>,
        options: &LoadOptions,
    ) -> (PolicySet, Vec<LoadIssue>) {
        let mut loaded = Loaded::default();
        for document in documents {
            loaded.read(document, 0);
        }
        let mut compiler = Compiler::new(options.env.clone());
        let mut set = PolicySet::default();
        let policies = std::mem::take(&mut loaded.policies);
        let bindings = std::mem::take(&mut loaded.bindings);
        check_bindings(&policies, &bindings, &mut loaded);
        for spec in policies {
            let own: Vec<Option<BindingSpec>> = bindings
                .iter()
                .filter(|binding| binding.flavour == spec.flavour && binding.policy == spec.name)
                .map(|binding| Some(binding.clone()))
                .collect();
            set.add(spec, own, &mut compiler, options, &mut loaded);
        }
        for spec in std::mem::take(&mut loaded.broken) {
            let object = format!("{} {}", spec.flavour.policy_kind(), spec.name);
            if let Err(broken) = compiler.compile(spec) {
                report_broken(&object, broken, &mut loaded);
            }
        }
        set.finish();
        sort_issues(&mut loaded.issues);
        (set, loaded.issues)
    }

    /// Whether there is no policy.
    pub fn is_empty(&self) -> bool {
        self.validating.is_empty() && self.mutating.is_empty()
    }

    /// Whether any policy may look at such requests, whatever the object.
    pub fn looks_at(&self, request: &Request<'_>) -> bool {
        excluded(request).is_none() && (!self.mutating.is_empty() || !self.by_resource.candidates(request).is_empty())
    }

    /// What every policy says, validating ones first, by name.
    pub fn policies(&self) -> impl Iterator<Item = &PolicySpec> {
        self.validating.iter().chain(&self.mutating).map(|entry| &entry.policy.spec)
    }

    /// The bindings of a policy.
    pub fn bindings(&self, flavour: Flavour, policy: &str) -> impl Iterator<Item = &BindingSpec> {
        let list = if flavour == Flavour::Validating { &self.validating } else { &self.mutating };
        let entry = list.iter().find(|entry| &*entry.policy.spec.name == policy);
        entry.into_iter().flat_map(|entry| entry.bindings.iter().flatten())
    }

    fn add(
        &mut self,
        spec: PolicySpec,
        mut bindings: Vec<Option<BindingSpec>>,
        compiler: &mut Compiler,
        options: &LoadOptions,
        loaded: &mut Loaded,
    ) {
        let object = format!("{} {}", spec.flavour.policy_kind(), spec.name);
        let (flavour, name, location) = (spec.flavour, spec.name.clone(), spec.location);
        match compiler.compile(spec) {
            Err(broken) => {
                loaded.refused.insert((flavour, name));
                report_broken(&object, broken, loaded);
            }
            Ok((policy, unused)) => {
                for unused in unused {
                    report_unused(&object, &policy, &unused, loaded);
                }
                if bindings.is_empty() {
                    if options.bind_all {
                        bindings.push(None);
                    } else {
                        let message = "no binding names the policy, so it is not in force".to_owned();
                        loaded.issue(Level::Warning, object, ("", location), message, Some(HINT_UNBOUND));
                    }
                }
                bindings.sort_by(|a, b| name_of(a).cmp(name_of(b)));
                let reached = server_made::reached(&policy);
                let entry = Entry { policy, bindings, reached };
                if flavour == Flavour::Validating { self.validating.push(entry) } else { self.mutating.push(entry) }
            }
        }
    }

    fn finish(&mut self) {
        let by_name = |a: &Entry, b: &Entry| a.policy.spec.name.cmp(&b.policy.spec.name);
        self.validating.sort_by(by_name);
        self.mutating.sort_by(by_name);
        self.by_resource = MatchIndex::new(self.validating.iter().map(|entry| &entry.policy.spec.constraints));
    }
}

fn name_of(binding: &Option<BindingSpec>) -> &str {
    binding.as_ref().map_or("", |binding| &binding.name)
}

/// Bindings that cannot be meant.
fn check_bindings(policies: &[PolicySpec], bindings: &[BindingSpec], loaded: &mut Loaded) {
    for binding in bindings {
        let object = format!("{} {}", binding.flavour.binding_kind(), binding.name);
        let policy = policies.iter().find(|policy| policy.flavour == binding.flavour && policy.name == binding.policy);
        let Some(policy) = policy else {
            if !loaded.refused.contains(&(binding.flavour, binding.policy.clone())) {
                let message = format!("there is no {} {}", binding.flavour.policy_kind(), quote(&binding.policy));
                loaded.issue(Level::Error, object, ("spec.policyName", binding.location), message, Some(HINT_NAME));
            }
            continue;
        };
        match (&policy.param_kind, &binding.param_ref) {
            (None, Some(_)) => {
                let message = "the policy has no paramKind, so paramRef has no effect".to_owned();
                loaded.issue(Level::Error, object, ("spec.paramRef", binding.location), message, Some(HINT_REF));
            }
            (Some(_), None) => {
                let message = "the policy has a paramKind, but without paramRef its params are null".to_owned();
                loaded.issue(Level::Warning, object, ("spec", binding.location), message, Some(HINT_KIND));
            }
            _ => {}
        }
    }
}

fn report_broken(object: &str, broken: Vec<Broken>, loaded: &mut Loaded) {
    // An empty expression was reported as missing.
    for broken in broken.into_iter().filter(|broken| !broken.source.text.trim().is_empty()) {
        // What only comes out when the program is made, the API server takes for a fault of its own.
        let message = match broken.message.starts_with("program instantiation failed") {
            true => format!("Internal error: {}", broken.message),
            false => format!("Invalid value: {}: {}", quote(&broken.shown), broken.message),
        };
        let at = (&*broken.source.field, broken.source.location);
        loaded.issue(Level::Refused, object.to_owned(), at, message, None);
    }
}

fn report_unused(object: &str, policy: &Compiled, unused: &Unused, loaded: &mut Loaded) {
    match unused {
        Unused::Params => {
            let at = ("spec.paramKind", policy.spec.location);
            let message = "no expression uses params".to_owned();
            loaded.issue(Level::Error, object.to_owned(), at, message, Some(HINT_PARAMS));
        }
        Unused::Variable(index) => {
            let Some(variable) = policy.spec.variables.get(*index) else { return };
            let message = format!("no expression uses the variable {}", quote(&variable.name));
            let field = format!("spec.variables[{index}]");
            let at = (field.as_str(), variable.source.location);
            loaded.issue(Level::Warning, object.to_owned(), at, message, Some(HINT_VARIABLE));
        }
    }
}

/// The Kubernetes whose API server the evaluation follows.
const KUBERNETES: (u32, u32) = (1, 36);

const HINT_UNBOUND: &str = "Add a binding that names it, or ask for unbound policies to be judged.";
const HINT_NAME: &str = "Correct spec.policyName, or add the policy.";
const HINT_REF: &str = "Delete spec.paramRef, or give the policy a spec.paramKind.";
const HINT_KIND: &str = "Add spec.paramRef to the binding.";
const HINT_PARAMS: &str = "Use params in an expression, or delete spec.paramKind.";
const HINT_VARIABLE: &str = "Use it, or delete it.";
