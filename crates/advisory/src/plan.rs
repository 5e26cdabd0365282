//! What to upgrade: for each package the smallest version known to clear its vulnerabilities.

use std::collections::BTreeMap;

use model::Package;
use model::package::Need;

use crate::matching::Vulnerability;
use crate::version::{Scheme, compare};

/// One upgrade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// Index into the packages.
    pub package: usize,
    /// Version to go to.
    pub to: Box<str>,
    /// Names of vulnerabilities that it clears, in order.
    pub clears: Vec<Box<str>>,
    /// Names of those that stay because no fix is known, in order.
    pub stays: Vec<Box<str>>,
    /// Whether the package comes from the base image, so that a newer base is the way. `None` when the number of layers
    /// of the base or the layer of the package is not known.
    pub in_base: Option<bool>,
    /// How the project came to the package: what is not named by itself is upgraded through who needs it.
    pub need: Need,
}

/// The upgrades, in the order of the packages. Packages none of whose vulnerabilities have a fix need none.
pub fn plan(packages: &[Package], vulnerabilities: &[Vulnerability], base_layers: Option<u32>) -> Vec<Upgrade> {
    let mut by_package: BTreeMap<usize, Vec<&Vulnerability>> = BTreeMap::new();
    for vulnerability in vulnerabilities {
        by_package.entry(vulnerability.package).or_default().push(vulnerability);
    }
    by_package
        .into_iter()
        .filter_map(|(index, found)| upgrade(index, packages.get(index)?, &found, base_layers))
        .collect()
}

fn upgrade(index: usize, package: &Package, found: &[&Vulnerability], base_layers: Option<u32>) -> Option<Upgrade> {
    let mut to: Option<&str> = None;
    let (mut clears, mut stays) = (Vec::new(), Vec::new());
    for vulnerability in found {
        let Some(fixed) = vulnerability.fixed.as_deref() else {
            stays.push(vulnerability.id.clone());
            continue;
        };
        clears.push(vulnerability.id.clone());
        let scheme = Scheme::of_ecosystem(&vulnerability.ecosystem)?;
        if to.is_none_or(|best| compare(scheme, best, fixed).is_ok_and(|order| order.is_lt())) {
            to = Some(fixed);
        }
    }
    clears.sort();
    stays.sort();
    let layer = package.places.iter().filter_map(|place| place.layer).max();
    let in_base = base_layers.zip(layer).map(|(count, layer)| layer < count);
    Some(Upgrade { package: index, to: to?.into(), clears, stays, in_base, need: package.need })
}
