//! What each expression of a policy came out as, for people who want to know why.

use cel::context::Traced;
use cel::fault::Fault;
use cel::value::Value;

use super::activation::VariableTrace;
use super::compile::Expression;
use crate::admission::verdict::Verdict;

/// Collects steps if someone wants them.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    steps: Option<Vec<Step>>,
}

/// A verdict and how it came about.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The verdict.
    pub verdict: Verdict,
    /// Every expression that was evaluated for it, in order.
    pub steps: Vec<Step>,
}

/// One evaluated expression.
#[derive(Clone, Debug)]
pub struct Step {
    /// Path of its field, for example `spec.validations[0].expression`.
    pub field: String,
    /// Its text.
    pub text: String,
    /// Its own cost, without that of variables.
    pub cost: u64,
    /// Its value as text, or the fault.
    pub value: Result<String, Fault>,
    /// Values of its subexpressions, in the order in which they were evaluated.
    pub parts: Vec<Part>,
    /// Variables that were evaluated for it; an earlier expression may have evaluated others already.
    pub variables: Vec<Step>,
}

/// The value of a subexpression.
#[derive(Clone, Debug)]
pub struct Part {
    /// First byte of the place in the text that names it.
    pub start: usize,
    /// Byte after the last one.
    pub end: usize,
    /// Its value as text, or the fault.
    pub value: Result<String, Fault>,
}

impl Trace {
    /// A trace that collects.
    pub(crate) fn collecting() -> Self {
        Trace { steps: Some(Vec::new()) }
    }

    /// What was collected.
    pub(crate) fn into_steps(self) -> Vec<Step> {
        self.steps.unwrap_or_default()
    }

    pub(crate) fn on(&self) -> bool {
        self.steps.is_some()
    }

    pub(crate) fn push(&mut self, step: Step) {
        if let Some(steps) = &mut self.steps {
            steps.push(step);
        }
    }
}

impl Step {
    pub(crate) fn new(
        expression: &Expression,
        cost: u64,
        value: &Result<Value<'_>, Fault>,
        steps: Vec<Traced>,
    ) -> Self {
        Step {
            field: expression.source.field.clone(),
            text: expression.source.text.to_string(),
            cost,
            value: value.as_ref().map(Value::outline).map_err(Clone::clone),
            parts: parts(expression, steps),
            variables: Vec::new(),
        }
    }

    pub(crate) fn with_variables(mut self, variables: Vec<VariableTrace>, own: &[Expression]) -> Self {
        self.variables = variables
            .into_iter()
            .filter_map(|variable| {
                let expression = own.get(variable.index)?;
                Some(Step {
                    field: expression.source.field.clone(),
                    text: expression.source.text.to_string(),
                    cost: variable.cost,
                    value: variable.value,
                    parts: parts(expression, variable.steps),
                    variables: Vec::new(),
                })
            })
            .collect();
        self
    }
}

fn parts(expression: &Expression, steps: Vec<Traced>) -> Vec<Part> {
    let extents = &expression.checked.ast.extents;
    let part = |step: Traced| {
        let span = extents.get(step.expr as usize)?;
        Some(Part { start: span.start as usize, end: span.end as usize, value: step.value })
    };
    steps.into_iter().filter_map(part).collect()
}
