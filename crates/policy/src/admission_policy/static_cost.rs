//! What expressions may cost, before any request is known.

use std::sync::Arc;

use cel::Env;
use cel::cost::{self, CostRange, Path, SizeRange, Sizes};
use cel::types::Type;
use model::Location;

use super::compile::{Compiled, Expression};
use super::set::PolicySet;

/// What one expression may cost. The API server does not ask for this of policies; it ends an evaluation that spends
/// too much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpressionCost {
    /// The policy.
    pub policy: Arc<str>,
    /// Path of the expression, for example `spec.validations[0].expression`.
    pub field: String,
    /// Where the expression stands.
    pub location: Location,
    /// Least and most, variables of the policy not counted: they are paid where they are first used.
    pub cost: CostRange,
}

impl PolicySet {
    /// What every expression of every policy may cost. `env` is what the policies were compiled with.
    pub fn costs(&self, env: &Env) -> Vec<ExpressionCost> {
        self.validating.iter().chain(&self.mutating).flat_map(|entry| of(&entry.policy, env)).collect()
    }
}

/// What the expressions of a policy may cost.
pub(crate) fn of(policy: &Compiled, env: &Env) -> Vec<ExpressionCost> {
    let mut env = env.clone();
    if !policy.mutations.is_empty() {
        env.add(cel::library::kubernetes::jsonpatch());
    }
    let lists = [&policy.match_conditions, &policy.variables, &policy.validations, &policy.audit_annotations];
    let all = lists.into_iter().flatten().chain(policy.messages.iter().flatten()).chain(&policy.mutations);
    all.map(|expression: &Expression| ExpressionCost {
        policy: policy.spec.name.clone(),
        field: expression.source.field.clone(),
        location: expression.source.location,
        cost: cost::estimate(&env, &expression.checked, &Largest),
    })
    .collect()
}

/// Everything in a request may be as large as the request.
struct Largest;

impl Sizes for Largest {
    fn size(&self, path: &Path, of: &Type) -> Option<SizeRange> {
        let sized = matches!(of, Type::String | Type::Bytes | Type::List(_) | Type::Map(..) | Type::Dyn);
        (sized && !path.steps().is_empty()).then_some(SizeRange { min: 0, max: REQUEST_BYTES_MAX })
    }
}

/// Longest request body that the API server reads.
const REQUEST_BYTES_MAX: u64 = 3 * 1024 * 1024;
