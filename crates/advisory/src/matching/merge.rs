//! Records of the same vulnerability become one finding.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Entry, Knowledge, Options, Remedy, Verdict, Vulnerability};
use crate::cvss;
use crate::record::{Advisory, Status};
use crate::version::{Scheme, compare};

pub(super) struct Context<'a> {
    pub(super) knowledge: &'a dyn Knowledge,
    pub(super) options: &'a Options,
    pub(super) scheme: Scheme,
    pub(super) ecosystem: &'a str,
    pub(super) levels: &'a RefCell<cvss::Levels>,
}

struct Hit<'a> {
    entry: Entry<'a>,
    verdict: Verdict,
    advisory: std::borrow::Cow<'a, Advisory>,
}

pub(super) fn vulnerabilities(
    context: &Context<'_>,
    package: usize,
    hits: Vec<(Entry<'_>, Verdict)>,
    unknown: &mut BTreeSet<Box<str>>,
) -> Vec<Vulnerability> {
    let mut read = Vec::new();
    for (entry, verdict) in hits {
        match context.knowledge.advisory(entry.advisory) {
            Some(advisory) if advisory.withdrawn_unix.is_none() => read.push(Hit { entry, verdict, advisory }),
            Some(_) => {}
            None => {
                let package = &entry.affected.package;
                let why = format!("an advisory of {} about {package} cannot be read", context.ecosystem);
                unknown.insert(why.into());
            }
        }
    }
    let hits = read;
    let mut groups = Groups::default();
    for (index, hit) in hits.iter().enumerate() {
        groups.add(index, &hit.advisory);
    }
    groups.sorted().into_iter().filter_map(|(names, members)| one(context, package, names, &members, &hits)).collect()
}

/// Names that mean the same, by union of sets. A package has a few names as a rule, which are compared one by one; where
/// there are many, a table finds them.
#[derive(Default)]
struct Groups<'h> {
    names: Vec<&'h str>,
    numbers: HashMap<&'h str, usize>,
    parents: Vec<usize>,
    members: Vec<(usize, usize)>,
}

impl<'h> Groups<'h> {
    fn add(&mut self, hit: usize, advisory: &'h Advisory) {
        // Distributions put their name in front of a CVE that they speak of: `DEBIAN-CVE-2024-1`.
        let bare = |name: &'h str| name.find("-CVE-").and_then(|place| name.get(place + 1..));
        let names = || std::iter::once(&advisory.id).chain(&advisory.aliases);
        // An advisory about several vulnerabilities stands for each of them, and is not another one.
        if !names().any(|name| name.starts_with("CVE-")) && !advisory.upstream.is_empty() {
            for name in &advisory.upstream {
                let number = self.number(name);
                self.same(number, bare(name));
                self.members.push((number, hit));
            }
            return;
        }
        let first = self.number(&advisory.id);
        for name in names() {
            self.same(first, Some(name));
            self.same(first, bare(name));
        }
        self.members.push((first, hit));
    }

    /// Notes that a name means what a number stands for.
    fn same(&mut self, number: usize, name: Option<&'h str>) {
        let Some(name) = name else { return };
        let other = self.number(name);
        let (a, b) = (self.root(other), self.root(number));
        if let Some(parent) = self.parents.get_mut(a) {
            *parent = b;
        }
    }

    fn number(&mut self, name: &'h str) -> usize {
        let known = match self.names.len() {
            0..=COMPARED_MAX => self.names.iter().position(|known| *known == name),
            _ => self.numbers.get(name).copied(),
        };
        if let Some(number) = known {
            return number;
        }
        let number = self.parents.len();
        self.parents.push(number);
        self.names.push(name);
        match self.names.len().cmp(&(COMPARED_MAX + 1)) {
            Ordering::Less => {}
            Ordering::Equal => self.numbers.extend(self.names.iter().enumerate().map(|(number, name)| (*name, number))),
            Ordering::Greater => drop(self.numbers.insert(name, number)),
        }
        number
    }

    /// The representative; paths are halved on the way.
    fn root(&mut self, mut number: usize) -> usize {
        while let Some(parent) = self.parents.get(number).copied().filter(|parent| *parent != number) {
            let above = self.parents.get(parent).copied().unwrap_or(parent);
            if let Some(slot) = self.parents.get_mut(number) {
                *slot = above;
            }
            number = above;
        }
        number
    }

    /// The groups that have members, each with its names in order.
    fn sorted(mut self) -> Vec<(Vec<&'h str>, Vec<usize>)> {
        let mut places = vec![None; self.parents.len()];
        let mut groups: Vec<(Vec<&'h str>, Vec<usize>)> = Vec::new();
        for (number, hit) in std::mem::take(&mut self.members) {
            let root = self.root(number);
            let Some(slot) = places.get_mut(root) else { continue };
            let place = *slot.get_or_insert_with(|| {
                groups.push((Vec::new(), Vec::new()));
                groups.len() - 1
            });
            if let Some(group) = groups.get_mut(place) {
                group.1.push(hit);
            }
        }
        for (number, name) in std::mem::take(&mut self.names).into_iter().enumerate() {
            let root = self.root(number);
            if let Some(group) = places.get(root).copied().flatten().and_then(|place| groups.get_mut(place)) {
                group.0.push(name);
            }
        }
        for (names, hits) in &mut groups {
            names.sort_unstable();
            hits.sort_unstable();
            hits.dedup();
        }
        groups
    }
}

/// The smallest version that some record names as fixed and that no record of the vulnerability calls affected.
fn fix(scheme: Scheme, hits: &[&Hit<'_>]) -> Option<Box<str>> {
    let clears = |candidate: &str| {
        hits.iter().all(|hit| {
            matches!(super::judge(scheme, candidate, &hit.entry.affected), Ok(Verdict::Unaffected | Verdict::Cleared))
        })
    };
    let mut best: Option<&Box<str>> = None;
    for hit in hits {
        if let Verdict::Affected(Some(candidate)) = &hit.verdict
            && best.is_none_or(|best| compare(scheme, candidate, best).is_ok_and(|order| order.is_lt()))
            && clears(candidate)
        {
            best = Some(candidate);
        }
    }
    best.cloned()
}

fn one<'h>(
    context: &Context<'_>,
    package: usize,
    mut names: Vec<&'h str>,
    members: &[usize],
    hits: &'h [Hit<'_>],
) -> Option<Vulnerability> {
    let hits: Vec<&'h Hit<'_>> = members.iter().filter_map(|index| hits.get(*index)).collect();
    if hits.iter().any(|hit| hit.verdict == Verdict::Cleared) {
        return None;
    }
    let id = names.iter().find(|name| name.starts_with("CVE-")).or_else(|| names.first()).copied()?;
    let fixed = fix(context.scheme, &hits);
    let (mut references, mut cwes) = (Vec::new(), Vec::new());
    for hit in &hits {
        names.push(&hit.advisory.id);
        references.extend(hit.advisory.references.iter());
        cwes.extend(hit.advisory.cwes.iter());
    }
    if hits.len() > 1 {
        let mut seen = HashSet::new();
        references.retain(|page| seen.insert(*page));
    }
    cwes.sort_unstable();
    cwes.dedup();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| *name != id);
    // The publisher's opinion of the package is more exact than that of the whole record.
    let of_packages = hits.iter().flat_map(|hit| &hit.entry.affected.severities);
    let of_records = hits.iter().flat_map(|hit| &hit.advisory.severities);
    let mut levels = context.levels.borrow_mut();
    let severity = match context.options.severity {
        cvss::Policy::VendorFirst => levels
            .severity(of_packages, cvss::Policy::VendorFirst)
            .or_else(|| levels.severity(of_records, cvss::Policy::VendorFirst)),
        policy => levels.severity(of_packages.chain(of_records), policy),
    };
    let summary = hits.iter().map(|hit| &hit.advisory.summary).find(|summary| !summary.is_empty());
    Some(Vulnerability {
        package,
        summary: summary.cloned().unwrap_or_default(),
        severity,
        remedy: remedy(fixed.is_some(), &hits),
        fixed,
        references: references.into_iter().cloned().collect(),
        cwes: cwes.into_iter().cloned().collect(),
        epss: context.knowledge.epss(id),
        exploited: context.knowledge.exploited(id),
        ecosystem: context.ecosystem.into(),
        aliases: names.into_iter().map(Box::from).collect(),
        id: id.into(),
    })
}

fn remedy(fixed: bool, hits: &[&Hit<'_>]) -> Remedy {
    let worst = hits.iter().map(|hit| hit.entry.affected.status).max().unwrap_or_default();
    match worst {
        _ if fixed => Remedy::Fixed,
        Status::WontFix => Remedy::WontFix,
        Status::FixDeferred => Remedy::Deferred,
        Status::EndOfLife => Remedy::EndOfLife,
        Status::UnderInvestigation => Remedy::UnderInvestigation,
        Status::Affected | Status::NotAffected => Remedy::NotFixed,
    }
}

/// Names that are compared one by one; beyond, hostile records would make that quadratic.
const COMPARED_MAX: usize = 32;
