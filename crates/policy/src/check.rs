//! The door that all checks share.

use std::sync::LazyLock;

use manifest::{Inventory, Object};
use model::{Rule, Scope};

use crate::{Config, Sink};

/// What a check may know besides the object.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The user's settings.
    pub config: &'a Config,
}

/// A check on one object.
#[derive(Clone, Copy, Debug)]
pub struct ObjectCheck {
    /// Which objects it is called for.
    pub scope: Scope,
    /// The rules it may report.
    pub rules: &'static [&'static Rule],
    /// The decision. It must not keep state between calls.
    pub run: fn(&Object<'_>, Context<'_>, &mut Sink<'_>),
}

/// A check across all objects of the input, called once after all of them were read.
#[derive(Clone, Copy, Debug)]
pub struct InventoryCheck {
    /// The rules it may report.
    pub rules: &'static [&'static Rule],
    /// The decision.
    pub run: fn(&Inventory, Context<'_>, &mut Sink<'_>),
}

/// All rules of all checks, ordered by code.
pub fn rules() -> &'static [&'static Rule] {
    static RULES: LazyLock<Vec<&'static Rule>> = LazyLock::new(|| {
        let mut rules: Vec<&'static Rule> = object_checks()
            .flat_map(|check| check.rules)
            .chain(inventory_checks().flat_map(|check| check.rules))
            .chain(crate::engine::RULES)
            .copied()
            .collect();
        rules.sort_unstable_by_key(|rule| rule.code);
        rules.dedup_by_key(|rule| rule.code);
        rules
    });
    &RULES
}

/// All checks on single objects.
pub fn object_checks() -> impl Iterator<Item = &'static ObjectCheck> {
    [crate::pod_security::OBJECT_CHECKS]
        .into_iter()
        .chain(crate::checks::OBJECT_CHECKS.iter().copied())
        .chain(crate::checks::cluster::OBJECT_CHECKS.iter().copied())
        .flatten()
}

/// All checks across objects.
pub fn inventory_checks() -> impl Iterator<Item = &'static InventoryCheck> {
    crate::checks::INVENTORY_CHECKS.iter().copied().flatten()
}
