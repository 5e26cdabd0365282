//! Everything that users bring to judge requests with, behind one door: admission policies of the API server and
//! Gatekeeper's documents.
//!
//! ```text
//! documents ─load─► Policies ─judge(Request, Facts)─► Judged { verdicts, object after mutation }
//!                            └─findings─► Finding, Undecided: what a scan reports
//! ```

mod mutation;
mod stray;

use std::collections::HashMap;
use std::sync::Arc;

use cel::Fact;
use manifest::{Object, Tree, Value};
use model::{Finding, Location, Rule, Severity, Subject};

use crate::admission::{Facts, PolicyKind, Request, Ruling, Verdict};
use crate::admission_policy::{
    Budgets, Explained, ExpressionCost, Flavour, Level, LoadIssue, LoadOptions, MutationStep, PolicySet, Response,
    TypeWarning, static_cost,
};
use crate::gatekeeper::mutation::Mutators;
use crate::gatekeeper::{self, Inventory, Library, Preference, Setting};
use crate::user_rules;

/// Policies, ready to judge. Shared between threads.
#[derive(Debug, Default)]
pub struct Policies {
    /// ValidatingAdmissionPolicies and MutatingAdmissionPolicies.
    pub admission: PolicySet,
    /// ConstraintTemplates and constraints.
    pub gatekeeper: Library,
    /// Gatekeeper's mutators.
    pub mutators: Mutators,
    /// By kind and name of the policy.
    rules: HashMap<(PolicyKind, Arc<str>), &'static Rule>,
}

/// How policies are loaded.
#[derive(Clone, Debug)]
pub struct Options {
    /// Kubernetes minor version that the policies are for, for example 36.
    pub kubernetes_minor: u32,
    /// Policies that no binding names are judged as if a binding said `Deny`.
    pub bind_all: bool,
    /// Of a ConstraintTemplate that has both, the Rego is run and not the CEL.
    pub prefer_rego: bool,
}

/// What all policies say about one request.
#[derive(Debug, Default)]
pub struct Judged {
    /// A verdict per policy, binding and parameter object: mutating policies, mutators, validating policies,
    /// constraints.
    pub verdicts: Vec<Verdict>,
    /// How many of them are not of constraints.
    pub own: usize,
    /// The object as mutating policies and mutators leave it; `None` when it is as it was.
    pub object: Option<Tree<'static>>,
    /// Why Gatekeeper cannot mutate the object, which refuses the request before anything else is asked.
    pub refusal: Option<String>,
}

/// Bounds evaluations in time. Nothing here looks at a clock.
pub trait Timekeeper: std::fmt::Debug + Sync {
    /// Runs the evaluation of one request, once, with budgets that may be called off while it runs.
    fn bounded(&self, run: &mut dyn FnMut(&mut Budgets<'_>));
}

/// How all policies judge one request.
#[derive(Debug)]
pub struct Explanation {
    /// What each mutation did.
    pub steps: Vec<MutationStep>,
    /// Validating policies, with every expression.
    pub explained: Vec<Explained>,
}

/// A policy that had no answer for one object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Undecided {
    /// The policy.
    pub policy: Arc<str>,
    /// What was missing.
    pub facts: Arc<[Fact]>,
}

impl Policies {
    /// Loads policies, bindings, templates, constraints and mutators out of documents; objects of other groups are
    /// passed over. Also says what is wrong. What the API server would refuse is left out.
    pub fn load(documents: &[Value<'_>], options: &Options) -> (Policies, Vec<LoadIssue>) {
        let env = cel::library::kubernetes((1, options.kubernetes_minor));
        let load = LoadOptions { env, bind_all: options.bind_all };
        let preference = if options.prefer_rego { Preference::Rego } else { Preference::Native };
        let templates = gatekeeper::Options { env: load.env.clone(), preference };
        let (admission, mut issues) = PolicySet::load(documents.iter().copied(), &load);
        let (gatekeeper, more) = Library::load(documents.iter().copied(), &templates);
        issues.extend(more);
        let (mutators, more) = Mutators::load(documents.iter().copied());
        issues.extend(more);
        stray::issues(documents, &mut issues);
        let mut policies = Policies { admission, gatekeeper, mutators, rules: HashMap::new() };
        let objects = documents.iter().filter_map(|document| Object::at(*document));
        let own: Vec<(PolicyKind, Object<'_>)> =
            objects.filter_map(|object| Some((policy_kind(&object)?, object))).collect();
        let mut first: HashMap<&str, PolicyKind> = HashMap::new();
        for (kind, object) in &own {
            first.entry(object.name()).and_modify(|known| *known = (*kind).min(*known)).or_insert(*kind);
        }
        for (kind, object) in &own {
            let shared = first.get(object.name()).is_some_and(|first| first != kind);
            policies.add_rule(*kind, object, shared, &mut issues);
        }
        (policies, issues)
    }

    /// What the API server would write into `status.typeChecking` of validating policies.
    pub fn type_check(&self, facts: &Facts, options: &Options) -> Vec<TypeWarning> {
        let env = cel::library::kubernetes((1, options.kubernetes_minor));
        self.admission.type_check(facts, &LoadOptions { env, bind_all: options.bind_all })
    }

    /// What every expression in CEL may cost.
    pub fn costs(&self, options: &Options) -> Vec<ExpressionCost> {
        let env = cel::library::kubernetes((1, options.kubernetes_minor));
        let mut costs = self.admission.costs(&env);
        costs.extend(self.gatekeeper.natives().flat_map(|policy| static_cost::of(policy, &env)));
        costs
    }

    /// Whether there is no policy.
    pub fn is_empty(&self) -> bool {
        self.admission.is_empty() && self.gatekeeper.is_empty() && self.mutators.is_empty()
    }

    /// Whether any policy may look at such requests. The object in the request does not matter yet.
    pub fn look_at(&self, request: &Request<'_>) -> bool {
        !self.gatekeeper.is_empty() || self.admission.looks_at(request)
    }

    /// The facts as templates in Rego see them, to be made once for many requests; nothing where no template looks.
    pub fn inventory(&self, facts: &Facts) -> Option<Inventory> {
        // Without any fact the inventory is not empty, but unknown.
        let given = facts.objects().next().is_some();
        (given && self.gatekeeper.uses_inventory()).then(|| Inventory::of(facts))
    }

    /// Whether a policy takes parameters of a kind, or it is the kind of constraints of a template.
    pub fn names_kind(&self, group: &str, kind: &str) -> bool {
        let group_of = |api_version: &str| api_version.rsplit_once('/').map_or("", |(group, _)| group).to_owned();
        let params = self.admission.policies().filter_map(|spec| spec.param_kind.as_ref());
        let mut kinds = params.map(|params| (group_of(&params.api_version), &*params.kind));
        let of_template = || group == "constraints.gatekeeper.sh" && self.gatekeeper.kinds().any(|own| own == kind);
        kinds.any(|(own, name)| own == group && name == kind) || of_template()
    }

    /// The rules of all policies, ordered by code.
    pub fn rules(&self) -> Vec<&'static Rule> {
        let mut rules: Vec<&'static Rule> = self.rules.values().copied().collect();
        rules.sort_unstable_by_key(|rule| rule.code);
        rules
    }

    /// Judges a request as the API server does: mutating policies change the object, validating ones judge what
    /// they leave.
    pub fn judge(
        &self,
        request: &Request<'_>,
        facts: &Facts,
        inventory: Option<&Inventory>,
        budgets: &mut Budgets<'_>,
    ) -> Judged {
        let changed = self.mutate(request, facts, budgets, false);
        // What refuses is the last of them and not the API server's own.
        let own = changed.verdicts.len() - usize::from(changed.refusal.is_some());
        let mut judged = Judged { verdicts: changed.verdicts, own, object: changed.object, refusal: changed.refusal };
        if judged.refusal.is_some() {
            return judged;
        }
        let changed = judged.object.as_ref().map(|tree| Request { object: Some(tree.root()), ..request.clone() });
        let request = changed.as_ref().unwrap_or(request);
        let verdicts = self.admission.evaluate(request, facts, budgets);
        let constraints = self.constraints(request, facts, inventory, budgets);
        judged.verdicts.extend(verdicts);
        judged.own = judged.verdicts.len();
        judged.verdicts.extend(constraints);
        judged
    }

    /// What constraints say.
    fn constraints(
        &self,
        request: &Request<'_>,
        facts: &Facts,
        inventory: Option<&Inventory>,
        budgets: &mut Budgets<'_>,
    ) -> Vec<Verdict> {
        if self.gatekeeper.is_empty() {
            return Vec::new();
        }
        let setting = Setting { inventory, ..Setting::default() };
        self.gatekeeper.evaluate(request, facts, &setting, budgets)
    }

    /// What the client and the audit log would see of the verdicts on a request.
    pub fn response(&self, request: &Request<'_>, judged: &Judged) -> Response {
        let (own, constraints) = judged.verdicts.split_at(judged.own.min(judged.verdicts.len()));
        let mut response = self.admission.response(request, own);
        for verdict in constraints {
            add_constraint(verdict, &mut response);
        }
        if let Some(message) = &judged.refusal {
            mutation::refuse(message, &mut response);
        }
        response
    }

    /// Judges a request as [`Policies::judge`] does, and says how.
    pub fn explain(&self, request: &Request<'_>, facts: &Facts, budgets: &mut Budgets<'_>) -> Explanation {
        let passed_over = self.admission.unmatched(request, facts, Flavour::Mutating);
        let mut explained: Vec<Explained> =
            passed_over.into_iter().map(|verdict| Explained { verdict, steps: Vec::new() }).collect();
        let mutated = self.mutate(request, facts, budgets, true);
        let changed = mutated.object.as_ref().map(|tree| Request { object: Some(tree.root()), ..request.clone() });
        let request = changed.as_ref().unwrap_or(request);
        if mutated.refusal.is_some() {
            return Explanation { steps: mutated.steps, explained };
        }
        explained.extend(self.admission.explain(request, facts, budgets));
        explained.extend(self.gatekeeper.explain(request, facts, &Setting::default(), budgets));
        Explanation { steps: mutated.steps, explained }
    }

    /// Policies, bindings and constraints that do not look at a request, and why. `judged` is what the others say.
    pub fn unmatched(&self, request: &Request<'_>, judged: &Judged, facts: &Facts) -> Vec<Verdict> {
        let mut verdicts = self.admission.unmatched(request, facts, Flavour::Mutating);
        let changed = judged.object.as_ref().map(|tree| Request { object: Some(tree.root()), ..request.clone() });
        let request = changed.as_ref().unwrap_or(request);
        verdicts.extend(self.admission.unmatched(request, facts, Flavour::Validating));
        verdicts.extend(self.gatekeeper.unmatched(request, facts, &Setting::default()));
        verdicts
    }

    /// What a scan reports of verdicts on an object: a finding per violation and per failure, and what could not be
    /// decided.
    ///
    /// A violation that would be refused has the severity of the policy. One that is only warned of is `low`, one
    /// that is only logged `info`, as the policy's owner wants them to pass.
    pub fn findings(
        &self,
        verdicts: &[Verdict],
        (subject, location): (&Arc<Subject>, Location),
        findings: &mut Vec<Finding>,
        undecided: &mut Vec<Undecided>,
    ) {
        for verdict in verdicts {
            let Some(rule) = self.rules.get(&(verdict.kind, verdict.policy.clone())).copied() else {
                undecided.extend(without_rule(verdict));
                continue;
            };
            let severity = match (verdict.actions.deny, verdict.actions.warn) {
                (true, _) => rule.severity,
                (false, true) => rule.severity.min(Severity::Low),
                (false, false) => Severity::Info,
            };
            let mut report = |severity, message: &str| {
                findings.push(Finding {
                    rule,
                    severity,
                    message: message.trim_end_matches('.').into(),
                    subject: Arc::clone(subject),
                    location,
                    properties: Some(Box::new(properties(verdict))),
                });
            };
            match &verdict.ruling {
                Ruling::NotApplicable(_) | Ruling::Satisfied => {}
                Ruling::Violated(violations) => violations.iter().for_each(|one| report(severity, &one.message)),
                Ruling::Failed { messages, ignored } => {
                    let severity = if *ignored { Severity::Info } else { severity };
                    messages.iter().for_each(|message| report(severity, message));
                }
                Ruling::Unknown(facts) => {
                    undecided.push(Undecided { policy: verdict.policy.clone(), facts: facts.clone() });
                }
            }
        }
    }

    fn add_rule(&mut self, kind: PolicyKind, object: &Object<'_>, shared: bool, issues: &mut Vec<LoadIssue>) {
        let code = match kind {
            PolicyKind::Mutating if shared => format!("mutating:{}", object.name()),
            PolicyKind::Template if shared => format!("template:{}", object.name()),
            _ => object.name().to_owned(),
        };
        match user_rules::rule(object, &code) {
            Ok(rule) => {
                self.rules.insert((kind, object.name().into()), rule);
            }
            Err(error) => issues.push(LoadIssue {
                level: Level::Refused,
                object: format!("{} {}", object.kind, object.name()).into(),
                field: String::from("metadata.annotations"),
                message: error.to_string(),
                hint: None,
                location: object
                    .metadata
                    .and_then(|metadata| metadata.get("annotations"))
                    .unwrap_or(object.value)
                    .location(),
            }),
        }
    }
}

/// Mutators have no rule, because they find nothing. Where they fail or lack a fact, nobody knows the object.
fn without_rule(verdict: &Verdict) -> Option<Undecided> {
    let facts: Arc<[Fact]> = match &verdict.ruling {
        Ruling::Unknown(facts) => facts.clone(),
        Ruling::Failed { messages, .. } => messages.iter().map(|message| Fact { name: message.clone() }).collect(),
        Ruling::NotApplicable(_) | Ruling::Satisfied | Ruling::Violated(_) => return None,
    };
    Some(Undecided { policy: verdict.policy.clone(), facts })
}

/// Adds what the webhook of Gatekeeper answers to what the API server says itself.
fn add_constraint(verdict: &Verdict, response: &mut Response) {
    match (verdict.refuses(), response.allowed) {
        (Some(true), _) => response.allowed = Some(false),
        (None, Some(true)) => response.allowed = None,
        _ => {}
    }
    let Ruling::Violated(violations) = &verdict.ruling else { return };
    let name = verdict.binding.as_deref().unwrap_or("");
    for violation in violations {
        let message = format!("[{name}] {}", violation.message);
        if verdict.actions.deny {
            let webhook = "admission webhook \"validation.gatekeeper.sh\" denied the request: ";
            let own = response.message.get_or_insert_with(|| webhook.to_owned());
            if own.starts_with(webhook) {
                let gap = if own.len() == webhook.len() { "" } else { "\n" };
                own.push_str(&format!("{gap}{message}"));
                response.reason.get_or_insert_with(|| "Forbidden".into());
                response.code.get_or_insert(403);
            }
        } else if verdict.actions.warn {
            response.warnings.push(message);
        }
    }
}

/// The kind of an object that gets a rule of its own.
fn policy_kind(object: &Object<'_>) -> Option<PolicyKind> {
    match (object.group, object.kind) {
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy") => Some(PolicyKind::Validating),
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicy") => Some(PolicyKind::Mutating),
        ("templates.gatekeeper.sh", "ConstraintTemplate") => Some(PolicyKind::Template),
        _ => None,
    }
}

fn properties(verdict: &Verdict) -> Vec<(&'static str, Box<str>)> {
    let actions = [(verdict.actions.deny, "deny"), (verdict.actions.warn, "warn"), (verdict.actions.audit, "audit")];
    let actions: Vec<&str> = actions.into_iter().filter(|(on, _)| *on).map(|(_, word)| word).collect();
    let mut properties: Vec<(&'static str, Box<str>)> = Vec::with_capacity(3);
    if let Some(binding) = &verdict.binding {
        properties.push(("binding", (**binding).into()));
    }
    if let Some(params) = &verdict.params {
        properties.push(("params", (**params).into()));
    }
    properties.push(("actions", actions.join(",").into()));
    properties
}
