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

#[cfg(test)]
mod tests {
    use model::package::{Kind, Place};

    use super::*;
    use crate::matching::Remedy;

    fn found(package: usize, id: &str, fixed: Option<&str>) -> Vulnerability {
        Vulnerability {
            package,
            id: id.into(),
            aliases: Vec::new(),
            ecosystem: "npm".into(),
            summary: "".into(),
            severity: None,
            fixed: fixed.map(Box::from),
            remedy: if fixed.is_some() { Remedy::Fixed } else { Remedy::NotFixed },
            references: Vec::new(),
            cwes: Vec::new(),
            epss: None,
            exploited: None,
        }
    }

    fn package(name: &str, layer: Option<u32>) -> Package {
        let mut package = Package::new(Kind::Npm, name, "1.0.0");
        package.need = Need::Indirect;
        package.places = vec![Place { layer, ..Place::file("package.json") }];
        package
    }

    #[test]
    fn a_package_goes_to_the_highest_of_its_fixes_and_what_has_none_stays() {
        let packages = [package("a", Some(3)), package("b", Some(0)), package("c", None)];
        let vulnerabilities = [
            found(0, "CVE-3", Some("1.9.0")),
            found(0, "CVE-1", Some("1.10.0")),
            found(0, "CVE-2", None),
            found(1, "CVE-4", Some("2.0.0")),
            found(2, "CVE-5", None),
            found(9, "CVE-6", Some("2.0.0")),
        ];
        let plan = plan(&packages, &vulnerabilities, Some(2));
        let [a, b] = &plan[..] else { panic!("{plan:?}") };
        assert_eq!((a.package, &*a.to, a.in_base, a.need), (0, "1.10.0", Some(false), Need::Indirect));
        assert_eq!((&*a.clears.join(" "), &*a.stays.join(" ")), ("CVE-1 CVE-3", "CVE-2"));
        assert_eq!((b.package, &*b.to, b.in_base), (1, "2.0.0", Some(true)));
    }

    #[test]
    fn whether_it_comes_from_the_base_is_unknown_without_layers() {
        let vulnerabilities = [found(0, "CVE-1", Some("2.0.0"))];
        assert_eq!(plan(&[package("a", Some(0))], &vulnerabilities, None)[0].in_base, None);
        assert_eq!(plan(&[package("a", None)], &vulnerabilities, Some(2))[0].in_base, None);
        // In the base and above it: a newer base alone does not clear it.
        let mut both = package("a", Some(0));
        both.places.push(Place { layer: Some(4), ..Place::file("b") });
        assert_eq!(plan(&[both], &vulnerabilities, Some(2))[0].in_base, Some(false));
    }
}
