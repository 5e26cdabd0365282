//! Records of the same vulnerability become one finding.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

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

/// Names that mean the same, by union of sets.
#[derive(Default)]
struct Groups<'h> {
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
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.parents.len();
        self.parents.push(number);
        self.numbers.insert(name, number);
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

    fn sorted(mut self) -> Vec<(BTreeSet<&'h str>, Vec<usize>)> {
        let mut groups: HashMap<usize, (BTreeSet<&'h str>, Vec<usize>)> = HashMap::new();
        for (number, hit) in std::mem::take(&mut self.members) {
            groups.entry(self.root(number)).or_default().1.push(hit);
        }
        for (_, hits) in groups.values_mut() {
            hits.sort_unstable();
            hits.dedup();
        }
        for (name, number) in std::mem::take(&mut self.numbers) {
            if let Some(group) = groups.get_mut(&self.root(number)) {
                group.0.insert(name);
            }
        }
        groups.into_values().collect()
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
    mut names: BTreeSet<&'h str>,
    members: &[usize],
    hits: &'h [Hit<'_>],
) -> Option<Vulnerability> {
    let hits: Vec<&'h Hit<'_>> = members.iter().filter_map(|index| hits.get(*index)).collect();
    if hits.iter().any(|hit| hit.verdict == Verdict::Cleared) {
        return None;
    }
    let id = names.iter().find(|name| name.starts_with("CVE-")).or_else(|| names.first()).copied()?;
    let fixed = fix(context.scheme, &hits);
    let (mut references, mut cwes, mut seen) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for hit in &hits {
        names.insert(&hit.advisory.id);
        references.extend(hit.advisory.references.iter().filter(|page| seen.insert(&***page)).cloned());
        cwes.extend(hit.advisory.cwes.iter());
    }
    names.remove(id);
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
        references,
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
