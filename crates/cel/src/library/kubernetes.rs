//! The libraries of Kubernetes, and which of them each version has.

mod decimal;
mod formats;
mod jsonpatch;
mod lists;
mod quantity;
mod regex;
mod semver;
mod url;

pub use formats::{Format, formats};
pub use jsonpatch::jsonpatch;
pub use lists::lists;
pub use quantity::{Quantity, Refusal, quantity};
pub use regex::regex;
pub use semver::{Semver, semver};
pub use url::{Url, urls};

pub(super) use formats::check_service_account;

use super::authorizer::{authz, authz_selectors};
use super::{comprehensions, network, sets, strings};
use crate::decl::{Env, Syntax};
use crate::standard;

/// The base environment of an API server for expressions that are new in a version: every expression of
/// Kubernetes is compiled in an extension of it. Mutations add [`jsonpatch()`].
pub fn environment(version: (u32, u32)) -> Env {
    let since = |minor| version >= (1, minor);
    let mut env = Env {
        syntax: Syntax {
            optionals: since(28),
            two_variables: since(32),
            sort_by: since(34),
            valid_literals: since(29),
            ..Syntax::default()
        },
        ..Env::default()
    };
    let mut base = standard::library();
    if !since(28) {
        base.overloads.retain(|(_, overload)| !compares_types(overload.id));
    }
    env.add(base);
    for library in [urls(), regex(), lists(), strings(if since(29) { 2 } else { 0 })] {
        env.add(library);
    }
    if since(27) {
        env.add(authz());
    }
    if since(28) {
        env.add(standard::optionals());
        env.add(standard::optionals_extra());
        env.add(quantity());
    }
    if since(29) {
        env.add(sets());
    }
    if since(30) {
        env.add(network::ip());
        env.add(network::cidr());
    }
    if since(31) {
        env.add(formats());
        env.add(authz_selectors());
    }
    if since(32) {
        env.add(comprehensions::two_variable_comprehensions());
    }
    if since(33) {
        env.add(semver());
    }
    if since(34) {
        env.add(super::lists(3));
    }
    env
}

/// Whether an overload of an order takes numbers of two types: `less_int64_double`.
fn compares_types(id: &str) -> bool {
    let Some(types) =
        ["less_equals_", "greater_equals_", "less_", "greater_"].iter().find_map(|order| id.strip_prefix(order))
    else {
        return false;
    };
    types.split_once('_').is_some_and(|(a, b)| a != b)
}
