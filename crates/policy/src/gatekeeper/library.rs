//! Templates and constraints together: loaded once, asked for every request.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use cel::decl::Env;
use cel::fault::Fact;
use manifest::Value;

use super::constraint::{Constraint, Point};
use super::matching::{Candidate, Matched, Source};
use super::native::{Compilers, Native};
use super::rego::{Inventory, Module, Review};
use super::report::Report;
use super::review;
use super::template::{Code, Preference, Template};
use crate::admission::facts::{Facts, Lookup};
use crate::admission::request::Request;
use crate::admission::verdict::{Actions, PolicyKind, Ruling, Verdict, Violation};
use crate::admission_policy::compile::Compiled;
use crate::admission_policy::trace::Trace;
use crate::admission_policy::{Budgets, Explained, LoadIssue};

/// ConstraintTemplates with their constraints, compiled.
#[derive(Debug, Default)]
pub struct Library {
    pub(super) templates: Vec<Template>,
    pub(super) constraints: Vec<Constraint>,
}

/// How templates are loaded.
#[derive(Clone, Debug)]
pub struct Options {
    /// Functions and macros of CEL.
    pub env: Env,
    /// Which code is used where a template has both.
    pub preference: Preference,
}

/// Where a request is judged.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setting<'s> {
    /// The enforcement point.
    pub point: Point,
    /// Where the object comes from.
    pub source: Source,
    /// The objects of the cluster for Rego, if the caller keeps them from one request to the next.
    pub inventory: Option<&'s Inventory>,
    /// Templates see no operation, as they do when an object is checked outside of a request.
    pub plain: bool,
}

impl Library {
    /// Loads templates and constraints out of documents, in whatever order; objects of other kinds are passed over.
    /// Also says what is wrong. What Gatekeeper would refuse is left out, so whoever gets an issue of the level
    /// [`Refused`](crate::admission_policy::Level::Refused) must not take the silence of that policy for consent.
    pub fn load<'d>(documents: impl IntoIterator<Item = Value<'d>>, options: &Options) -> (Library, Vec<LoadIssue>) {
        let mut library = Library::default();
        let mut issues = Vec::new();
        let mut compilers = Compilers::new(options.env.clone());
        let documents: Vec<Value<'d>> = documents.into_iter().collect();
        // Refused templates by kind: their constraints are not blamed for them.
        let mut kinds: HashMap<Box<str>, Option<usize>> = HashMap::new();
        for root in documents.iter().copied().filter(|root| Template::is(*root)) {
            let mut report = Report::new(root);
            let kind = root.path(&["spec", "crd", "spec", "names", "kind"]).and_then(Value::as_str).unwrap_or("");
            if kinds.contains_key(kind) {
                report.refuse(
                    root,
                    "spec.crd.spec.names.kind",
                    format!("there is another template for the kind {kind}"),
                );
            } else if root.has_repeated_keys() {
                report.refuse(root, "", "a mapping has the same key twice; readers disagree on it");
                kinds.insert(kind.into(), None);
            } else {
                let template = Template::read(root, options.preference, &mut compilers, &mut report);
                kinds.insert(kind.into(), template.is_some().then_some(library.templates.len()));
                library.templates.extend(template);
            }
            issues.append(&mut report.issues);
        }
        for root in documents.iter().copied().filter(|root| Constraint::is(*root)) {
            let mut report = Report::new(root);
            library.add(root, &kinds, &mut report);
            issues.append(&mut report.issues);
        }
        library.constraints.sort_by(|a, b| (&a.kind, &a.name).cmp(&(&b.kind, &b.name)));
        (library, issues)
    }

    fn add(&mut self, root: Value<'_>, kinds: &HashMap<Box<str>, Option<usize>>, report: &mut Report) {
        let kind = root.str_at("kind").unwrap_or("");
        let index = match kinds.get(kind) {
            Some(Some(index)) => *index,
            Some(None) => {
                report.refuse(root, "kind", format!("the template of the kind {kind} is refused"));
                return;
            }
            None => {
                report.refuse(root, "kind", format!("there is no template for the kind {kind}"));
                return;
            }
        };
        let Some(template) = self.templates.get(index) else { return };
        if root.has_repeated_keys() {
            report.refuse(root, "", "a mapping has the same key twice; readers disagree on it");
            return;
        }
        let Some(constraint) = Constraint::read(root, (index, template), report) else { return };
        if self.constraints.iter().any(|known| known.kind == constraint.kind && known.name == constraint.name) {
            report.refuse(root, "metadata.name", format!("there is another constraint {kind} {}", constraint.name));
            return;
        }
        self.constraints.push(constraint);
    }

    /// Whether there is no constraint.
    pub fn is_empty(&self) -> bool {
        self.constraints.is_empty()
    }

    /// Kind and name of every constraint, in the order of verdicts.
    pub fn constraints(&self) -> impl Iterator<Item = (&str, &str)> {
        self.constraints.iter().map(|constraint| (&*constraint.kind, &*constraint.name))
    }

    /// Templates in CEL, compiled.
    pub(crate) fn natives(&self) -> impl Iterator<Item = &Compiled> {
        self.templates.iter().filter_map(|template| match &template.code {
            Code::Native(native) => Some(native.policy()),
            Code::Rego(_) => None,
        })
    }

    /// How many templates there are.
    pub fn templates(&self) -> usize {
        self.templates.len()
    }

    /// The kinds of the templates' constraints.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = &str> {
        self.templates.iter().map(|template| &*template.kind)
    }

    /// Whether some template looks at other objects of the cluster.
    pub fn uses_inventory(&self) -> bool {
        self.templates.iter().any(|template| matches!(&template.code, Code::Rego(module) if module.inventory))
    }

    /// Judges a request: a verdict for every constraint that looks at it, by kind and name.
    pub fn evaluate(
        &self,
        request: &Request<'_>,
        facts: &Facts,
        setting: &Setting<'_>,
        budgets: &mut Budgets<'_>,
    ) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        self.each(request, facts, setting, &mut |shared, look| {
            if let Some(ruling) = shared.rule(look, budgets, &mut Trace::default()) {
                verdicts.push(look.verdict(ruling));
            }
        });
        verdicts
    }

    /// Judges a request and says how: all constraints, also those that do not look at it.
    pub fn explain(
        &self,
        request: &Request<'_>,
        facts: &Facts,
        setting: &Setting<'_>,
        budgets: &mut Budgets<'_>,
    ) -> Vec<Explained> {
        let mut explained = Vec::new();
        self.each(request, facts, setting, &mut |shared, look| {
            let mut trace = Trace::collecting();
            let ruling = shared.rule(look, budgets, &mut trace).unwrap_or_else(|| look.passed_over());
            explained.push(Explained { verdict: look.verdict(ruling), steps: trace.into_steps() });
        });
        explained
    }

    /// Constraints that do not look at a request, and why.
    pub fn unmatched(&self, request: &Request<'_>, facts: &Facts, setting: &Setting<'_>) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        self.each(request, facts, setting, &mut |_, look| {
            if matches!(look.matched, Matched::No) {
                verdicts.push(look.verdict(look.passed_over()));
            }
        });
        verdicts
    }

    fn each(
        &self,
        request: &Request<'_>,
        facts: &Facts,
        setting: &Setting<'_>,
        each: &mut dyn FnMut(&mut Shared<'_>, &Look<'_>),
    ) {
        let Some(object) = request.object.or(request.old_object) else { return };
        let mut shared = Shared { request, facts, setting, review: None, inventory: None };
        for constraint in &self.constraints {
            let Some(template) = self.templates.get(constraint.template) else { continue };
            let operation = if setting.plain { "" } else { request.operation.as_str() };
            let look = match constraint.actions(setting.point) {
                None => Look { template, constraint, actions: None, matched: Matched::No },
                actions if setting.point == Point::Webhook && !template.has_operation(operation) => {
                    Look { template, constraint, actions, matched: Matched::No }
                }
                actions => {
                    let matched = matched(constraint, request, object, facts, setting.source);
                    Look { template, constraint, actions, matched }
                }
            };
            each(&mut shared, &look);
        }
    }
}

/// A constraint before a request.
struct Look<'l> {
    template: &'l Template,
    constraint: &'l Constraint,
    /// `None` where it is not enforced.
    actions: Option<Actions>,
    matched: Matched,
}

impl Look<'_> {
    fn passed_over(&self) -> Ruling {
        Ruling::NotApplicable(match self.actions {
            None => "no action is taken at admission".into(),
            Some(_) => "match, or operations of the template, leave it out".into(),
        })
    }

    fn verdict(&self, ruling: Ruling) -> Verdict {
        Verdict {
            kind: PolicyKind::Template,
            policy: self.template.name.clone(),
            binding: Some(self.constraint.name.clone()),
            params: None,
            actions: self.actions.unwrap_or_default(),
            ruling,
            audit_annotations: Vec::new(),
            cost: 0,
        }
    }
}

/// A constraint looks at a request if it looks at the object or at the old one.
fn matched(
    constraint: &Constraint,
    request: &Request<'_>,
    object: Value<'_>,
    facts: &Facts,
    source: Source,
) -> Matched {
    let namespace = &*request.namespace;
    let first = constraint.matches.matches(Candidate { object, namespace, source }, facts);
    match (first, request.old_object) {
        (Matched::Yes, _) => Matched::Yes,
        (first, Some(object)) if request.object.is_some() => {
            match (first, constraint.matches.matches(Candidate { object, namespace, source }, facts)) {
                (_, Matched::Yes) => Matched::Yes,
                (Matched::No, second) => second,
                (first, _) => first,
            }
        }
        (first, _) => first,
    }
}

/// What constraints of one request share: values are converted once.
struct Shared<'r> {
    request: &'r Request<'r>,
    facts: &'r Facts,
    setting: &'r Setting<'r>,
    review: Option<Review>,
    inventory: Option<Inventory>,
}

impl Shared<'_> {
    /// What a constraint says; `None` where it does not look.
    fn rule(&mut self, look: &Look<'_>, budgets: &mut Budgets<'_>, trace: &mut Trace) -> Option<Ruling> {
        Some(match &look.matched {
            Matched::No => return None,
            Matched::Yes => self.judge(look.template, look.constraint, budgets, trace),
            Matched::Unknown(fact) => Ruling::Unknown(Arc::new([fact.clone()])),
            Matched::Failed(message) => Ruling::Failed { messages: vec![message.clone()], ignored: false },
        })
    }

    fn judge(
        &mut self,
        template: &Template,
        constraint: &Constraint,
        budgets: &mut Budgets<'_>,
        trace: &mut Trace,
    ) -> Ruling {
        match &template.code {
            Code::Rego(module) => {
                // The evaluation itself is bounded by its own time, so it is enough to ask before it.
                if budgets.cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed)) {
                    return Ruling::Failed { messages: vec!["the evaluation was cancelled".into()], ignored: false };
                }
                self.rego(module, constraint, trace)
            }
            Code::Native(native) => self.native(native, constraint, budgets, trace),
        }
    }

    fn rego(&mut self, module: &Module, constraint: &Constraint, trace: &mut Trace) -> Ruling {
        let mut missing = Vec::new();
        if module.user && self.request.user.is_none() && !self.setting.plain {
            missing.push(Fact { name: "request.userInfo".into() });
        }
        let namespace = &*self.request.namespace;
        if module.namespace
            && !namespace.is_empty()
            && let Lookup::Unknown(fact) = self.facts.namespace(namespace)
        {
            missing.push(fact);
        }
        if !self.setting.plain {
            missing.extend(module.reached.missing(self.request).iter().flat_map(|facts| facts.iter().cloned()));
        }
        let given = self.setting.inventory.is_some();
        let nothing = self.facts.objects().next().is_none() && !self.facts.complete("", "");
        if module.inventory && !given && nothing {
            missing.push(Fact { name: "inventory (data.inventory)".into() });
        }
        if !missing.is_empty() {
            return Ruling::Unknown(missing.into());
        }
        if module.inventory && !given && self.inventory.is_none() {
            self.inventory = Some(Inventory::of(self.facts));
        }
        let inventory = self.setting.inventory.or(self.inventory.as_ref()).filter(|_| module.inventory);
        let (request, facts, plain) = (self.request, self.facts, self.setting.plain);
        let review = self.review.get_or_insert_with(|| review::of(request, facts, plain));
        match module.evaluate(review, &constraint.parameters, inventory, trace) {
            Err(message) => Ruling::Failed { messages: vec![message.into()], ignored: false },
            // An object that nobody gave could be the one that is looked for. A violation found among some objects stands.
            Ok(found) if found.is_empty() && module.inventory && !self.facts.all_complete() => {
                Ruling::Unknown(Arc::new([Fact { name: "the whole inventory, said with --complete all".into() }]))
            }
            Ok(found) if found.is_empty() => Ruling::Satisfied,
            Ok(found) => Ruling::Violated(
                found
                    .into_iter()
                    .enumerate()
                    .map(|(index, found)| Violation {
                        message: found.message.into(),
                        reason: "Forbidden".into(),
                        index,
                        details: Some(found.details.into()),
                        from_error: false,
                    })
                    .collect(),
            ),
        }
    }

    fn native(&self, native: &Native, constraint: &Constraint, budgets: &mut Budgets<'_>, trace: &mut Trace) -> Ruling {
        let judged = native.judge(self.request, constraint.tree.root(), self.facts, budgets, trace);
        if !self.setting.plain
            && let Some(missing) = native.reached.missing(self.request)
        {
            return Ruling::Unknown(missing);
        }
        let mut denials = judged.denials;
        for denial in &mut denials {
            denial.reason = "Forbidden".into();
        }
        if !denials.is_empty() {
            Ruling::Violated(denials)
        } else if !judged.missing.is_empty() {
            let mut missing = judged.missing;
            missing.sort_unstable();
            missing.dedup();
            Ruling::Unknown(missing.into())
        } else if !judged.ignored.is_empty() {
            Ruling::Failed { messages: judged.ignored, ignored: true }
        } else {
            judged.not_applicable.map_or(Ruling::Satisfied, Ruling::NotApplicable)
        }
    }
}
