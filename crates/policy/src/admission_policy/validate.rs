//! A ValidatingAdmissionPolicy judges one request with one parameter object: conditions, validations, messages
//! and audit annotations, in the order, with the budgets and in the words of the API server.

use std::sync::Arc;

use cel::context::{Budget, Context};
use cel::fault::{Fact, Fault};
use cel::value::Value;

use super::activation::{Frame, Inputs};
use super::budgets::Budgets;
use super::compile::{Compiled, Expression};
use super::limits::{AUDIT_VALUE_BYTES_MAX, BINDING_COST, MATCH_CONDITIONS_COST, MESSAGE_BYTES_MAX, PER_CALL_COST};
use super::trace::{Step, Trace};
use crate::admission::verdict::Violation;

/// What came out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Judgement {
    /// Why the policy does not look at the request.
    pub not_applicable: Option<Arc<str>>,
    /// Broken validations and errors that count as such, in the order of the policy.
    pub denials: Vec<Violation>,
    /// Errors that `failurePolicy: Ignore` passes over.
    pub ignored: Vec<Arc<str>>,
    /// Errors of audit annotations, which refuse the request whatever the binding's actions are.
    pub audit_errors: Vec<Arc<str>>,
    /// Facts that were asked for and not given.
    pub missing: Vec<Fact>,
    /// Annotations, with the policy's name before the key.
    pub annotations: Vec<(Arc<str>, Arc<str>)>,
    /// Cost of everything.
    pub cost: u64,
}

/// How one expression ended: a value, an error in the API server's words, or a missing fact.
pub(crate) enum Ended<'v> {
    Value(Value<'v>),
    Error(String),
    Unknown(Arc<[Fact]>),
}

/// The rest of a budget, over several expressions.
pub(crate) struct Purse<'b, 'c> {
    /// What is left of it.
    pub left: u64,
    /// What was spent.
    pub spent: u64,
    /// The budgets of the request.
    pub budgets: &'b mut Budgets<'c>,
}

/// The budget of a group of expressions is spent.
pub(crate) struct Spent;

/// Judges a request.
pub(crate) fn judge<'v>(
    policy: &'v Compiled,
    inputs: &Inputs<'v>,
    budgets: &mut Budgets<'_>,
    trace: &mut Trace,
) -> Judgement {
    let mut out = Judgement::default();
    let mut purse = Purse { left: MATCH_CONDITIONS_COST, spent: 0, budgets };
    let met = conditions(policy, inputs, &mut purse, trace);
    out.cost = purse.spent;
    match met {
        Conditions::Met => {}
        Conditions::NotMet(name) => {
            out.not_applicable = Some(format!("match condition '{name}' is false").into());
            return out;
        }
        Conditions::Unknown(facts) => {
            out.missing = facts;
            return out;
        }
        Conditions::Failed(message) => {
            if policy.spec.ignores_failure {
                out.ignored.push(message.into());
                out.not_applicable = Some("a match condition failed, and failurePolicy is Ignore".into());
            } else {
                out.denials.push(error(0, message));
            }
            return out;
        }
    }
    if validations(policy, inputs, &mut out, budgets, trace) {
        audit_annotations(policy, inputs, &mut out, budgets, trace);
    }
    out
}

/// Whether match conditions are met.
pub(crate) enum Conditions {
    Met,
    NotMet(Arc<str>),
    Unknown(Vec<Fact>),
    Failed(String),
}

/// Evaluates match conditions: one that is false decides, however others failed.
pub(crate) fn conditions<'v>(
    policy: &'v Compiled,
    inputs: &Inputs<'v>,
    purse: &mut Purse<'_, '_>,
    trace: &mut Trace,
) -> Conditions {
    if policy.match_conditions.is_empty() {
        return Conditions::Met;
    }
    let frame = Frame::new(policy, inputs, true, false, trace.on());
    let (mut unmet, mut errors, mut missing) = (None, Vec::new(), Vec::new());
    for (condition, named) in policy.match_conditions.iter().zip(&policy.spec.match_conditions) {
        match purse.evaluate(condition, &frame, trace) {
            Err(Spent) => return Conditions::Failed(OUT_OF_BUDGET.to_owned()),
            Ok(Ended::Value(Value::Bool(false))) => {
                unmet.get_or_insert_with(|| named.name.clone());
            }
            Ok(Ended::Value(_)) => {}
            Ok(Ended::Error(message)) => errors.push(message),
            Ok(Ended::Unknown(facts)) => missing.extend(facts.iter().cloned()),
        }
    }
    match unmet {
        Some(name) => Conditions::NotMet(name),
        // The fact could make a condition false, and then errors of others do not count.
        None if !missing.is_empty() => Conditions::Unknown(missing),
        None if errors.is_empty() => Conditions::Met,
        None => Conditions::Failed(aggregate(&errors)),
    }
}

/// Evaluates validations and their messages. `false` when nothing after them is evaluated.
fn validations<'v>(
    policy: &'v Compiled,
    inputs: &Inputs<'v>,
    out: &mut Judgement,
    budgets: &mut Budgets<'_>,
    trace: &mut Trace,
) -> bool {
    let frame = Frame::new(policy, inputs, true, true, trace.on());
    let mut purse = Purse { left: BINDING_COST, spent: 0, budgets };
    let mut results = Vec::with_capacity(policy.validations.len());
    for validation in &policy.validations {
        match purse.evaluate(validation, &frame, trace) {
            Ok(ended) => results.push(ended),
            Err(Spent) => {
                out.cost += purse.spent;
                out.fail(policy, 0, OUT_OF_BUDGET.to_owned());
                return false;
            }
        }
    }
    let passed = results.iter().all(|ended| matches!(ended, Ended::Value(Value::Bool(true))));
    // Messages of validations that passed only matter for what they cost.
    let needed = !passed || policy.messages.iter().flatten().any(|message| message.heavy);
    let messages = if needed { messages(policy, inputs, &mut purse, trace) } else { Ok(Vec::new()) };
    out.cost += purse.spent;
    for (index, ended) in results.into_iter().enumerate() {
        match (ended, &messages) {
            (Ended::Error(message), _) => out.fail(policy, index, message),
            (_, Err(Spent)) => out.fail(policy, index, format!("failed messageExpression: {OUT_OF_BUDGET}")),
            (Ended::Unknown(facts), _) => out.missing.extend(facts.iter().cloned()),
            (Ended::Value(Value::Bool(true)), _) => {}
            (Ended::Value(_), Ok(messages)) => {
                out.deny(policy, index, messages.get(index).and_then(|message| message.as_deref()));
            }
        }
    }
    true
}

/// Evaluates message expressions: the text for each validation that has a usable one.
fn messages<'v>(
    policy: &'v Compiled,
    inputs: &Inputs<'v>,
    purse: &mut Purse<'_, '_>,
    trace: &mut Trace,
) -> Result<Vec<Option<String>>, Spent> {
    let frame = Frame::new(policy, inputs, false, true, trace.on());
    let mut list = Vec::with_capacity(policy.messages.len());
    for message in &policy.messages {
        let Some(expression) = message else {
            list.push(None);
            continue;
        };
        let ended = purse.evaluate(expression, &frame, trace)?;
        let Ended::Value(value) = ended else {
            list.push(None);
            continue;
        };
        let text = value.as_str().map(str::trim);
        let usable = text.filter(|text| !text.is_empty() && text.len() <= MESSAGE_BYTES_MAX && !text.contains('\n'));
        list.push(usable.map(str::to_owned));
    }
    Ok(list)
}

fn audit_annotations<'v>(
    policy: &'v Compiled,
    inputs: &Inputs<'v>,
    out: &mut Judgement,
    budgets: &mut Budgets<'_>,
    trace: &mut Trace,
) {
    if policy.audit_annotations.is_empty() {
        return;
    }
    let frame = Frame::new(policy, inputs, false, true, trace.on());
    let mut purse = Purse { left: BINDING_COST, spent: 0, budgets };
    let mut annotations = Vec::new();
    let (mut errors, mut missing) = (Vec::new(), Vec::new());
    for (expression, named) in policy.audit_annotations.iter().zip(&policy.spec.audit_annotations) {
        match purse.evaluate(expression, &frame, trace) {
            Err(Spent) => {
                // The API server then forgets the validations too.
                out.cost += purse.spent;
                out.denials.clear();
                out.ignored.clear();
                out.missing.clear();
                out.fail(policy, 0, OUT_OF_BUDGET.to_owned());
                return;
            }
            Ok(Ended::Value(value)) => {
                let text = value.as_str().map(str::trim).filter(|text| !text.is_empty());
                if let Some(text) = text {
                    let key = format!("{}/{}", policy.spec.name, named.name);
                    annotations.push((key.into(), cut(text, AUDIT_VALUE_BYTES_MAX).into()));
                }
            }
            Ok(Ended::Error(message)) if !policy.spec.ignores_failure => errors.push(message.into()),
            Ok(Ended::Error(_)) => {}
            Ok(Ended::Unknown(facts)) => missing.extend(facts.iter().cloned()),
        }
    }
    out.cost += purse.spent;
    out.annotations = annotations;
    out.audit_errors = errors;
    // A missing fact can only turn into a refusal if errors count.
    if !policy.spec.ignores_failure {
        out.missing.extend(missing);
    }
}

// === impl Purse ===

impl Purse<'_, '_> {
    /// Evaluates one expression and takes its cost, and that of variables it used, from the budget.
    pub(crate) fn evaluate<'v>(
        &mut self,
        expression: &'v Expression,
        frame: &Frame<'v, '_>,
        trace: &mut Trace,
    ) -> Result<Ended<'v>, Spent> {
        let mut context = Context::new(Budget { cost: PER_CALL_COST, bytes: self.budgets.bytes });
        context.cancel = self.budgets.cancel;
        context.trace = trace.on().then(Vec::new);
        let result = expression.program.eval(frame, &mut context);
        let (variables, own) = (frame.take_cost(), context.cost);
        if trace.on() {
            let step = Step::new(expression, own, &result, context.trace.take().unwrap_or_default());
            trace.push(step.with_variables(frame.take_trace(), frame.variables()));
        }
        for cost in [variables, own] {
            self.spent = self.spent.saturating_add(cost);
            self.budgets.cost = self.budgets.cost.saturating_add(cost);
            if cost > self.left {
                return Err(Spent);
            }
            self.left -= cost;
        }
        Ok(match result {
            Ok(value) => Ended::Value(value),
            Err(Fault::Unknown(missing)) => Ended::Unknown(missing.facts),
            // Limits of ours say nothing about the request, so they must not end as an error that is passed over.
            Err(fault @ (Fault::LimitExceeded(_) | Fault::Cancelled)) => {
                self.budgets.limits.push(fault.to_string().into());
                Ended::Unknown(Arc::new([Fact { name: fault.to_string().into() }]))
            }
            Err(fault) => Ended::Error(format!("expression '{}' resulted in error: {fault}", expression.source.text)),
        })
    }
}

// === impl Judgement ===

impl Judgement {
    /// An error, which `failurePolicy` turns into a refusal or passes over.
    pub(crate) fn fail(&mut self, policy: &Compiled, index: usize, message: String) {
        if policy.spec.ignores_failure {
            self.ignored.push(message.into());
        } else {
            self.denials.push(error(index, message));
        }
    }

    fn deny(&mut self, policy: &Compiled, index: usize, made: Option<&str>) {
        let Some(validation) = policy.spec.validations.get(index) else { return };
        let written = || validation.message.as_deref().map(str::trim).filter(|text| !text.is_empty());
        let message = match made.or_else(written) {
            Some(text) => text.into(),
            None => format!("failed expression: {}", validation.source.text.trim()).into(),
        };
        let reason = validation.reason.clone().unwrap_or_else(|| "Invalid".into());
        self.denials.push(Violation { message, reason, index, details: None, from_error: false });
    }
}

fn error(index: usize, message: String) -> Violation {
    Violation { message: message.into(), reason: "Invalid".into(), index, details: None, from_error: true }
}

/// Several errors as Go's aggregate prints them: alone as it is, else in brackets, each text once.
fn aggregate(errors: &[String]) -> String {
    let mut distinct: Vec<&str> = Vec::new();
    for error in errors {
        if !distinct.contains(&error.as_str()) {
            distinct.push(error);
        }
    }
    match distinct.as_slice() {
        [only] => (*only).to_owned(),
        _ => format!("[{}]", distinct.join(", ")),
    }
}

/// The start of a text, cut between characters.
fn cut(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or(text)
}

/// The API server's words for a spent budget.
pub(crate) const OUT_OF_BUDGET: &str =
    "validation failed due to running out of cost budget, no further validation rules will be run";
