//! Extension libraries: those that come with CEL and those of Kubernetes.
//!
//! Each is a table of declarations with the implementation beside it. Identifiers of overloads are those of
//! the originals, because the cost model is keyed by them. [`kubernetes()`] and [`conformance`] put them
//! together to environments.

mod arguments;
pub mod authorizer;
mod comprehensions;
mod encoders;
pub mod kubernetes;
mod lists;
mod math;
mod network;
pub mod pattern;
mod regex;
mod sets;
mod strings;
#[cfg(test)]
mod tests;

pub use comprehensions::two_variable_comprehensions;
pub use encoders::encoders;
pub use kubernetes::{Format, environment as kubernetes};
pub use lists::lists;
pub use math::math;
pub use network::{Cidr, Ip, network};
pub use regex::regex;
pub use sets::sets;
pub use strings::strings;

use crate::decl::{Env, Rules, Syntax};
use crate::standard;

/// Everything that CEL's conformance tests use, and as the specification has it where kube-apiserver differs.
pub fn conformance() -> Env {
    let mut env = Env {
        syntax: Syntax {
            optionals: true,
            bind: true,
            block: true,
            strict_scopes: true,
            two_variables: true,
            math: true,
            sort_by: true,
            quoted_fields: true,
            extensions: true,
            mixed_literals: true,
            valid_literals: false,
        },
        rules: Rules {
            unoptimised: true,
            strict_maps: true,
            strict_presence: true,
            null_yields: true,
            presence_has_cost: true,
        },
        ..Env::default()
    };
    for library in [
        standard::library(),
        standard::optionals(),
        standard::optionals_extra(),
        strings(LATEST),
        math(LATEST),
        lists(LATEST),
        sets(),
        encoders(),
        regex(),
        network(),
        two_variable_comprehensions(),
    ] {
        env.add(library);
    }
    standard::as_specified(&mut env);
    strings::as_specified(&mut env);
    network::as_specified(&mut env);
    env
}

/// All functions that a library has by now.
const LATEST: u32 = u32::MAX;
