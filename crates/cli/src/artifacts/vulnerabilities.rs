//! Packages against the database of advisories.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use advisory::database::{Answers, Database};
use advisory::matching::{Matcher, Options, Remedy, Vulnerability};
use advisory::plan;
use advisory::rules::{EXPLOITED, MALICIOUS, UNMAINTAINED, VULNERABLE};
use advisory::vex::{self, Statement, Status};
use distribute::advisories::{Mapped, StoreError};
use image::facts::Marker;
use model::coverage::GapKind;
use model::package::Need;
use model::report::{AdvisorySource, Upgrade, UpgradeBy};
use model::{FileId, Finding, Location, Package, Rule, Scope, Severity, Subject};

use super::args::ScanArgs;
use super::findings::Gathered;
use super::target::Scanned;
use crate::env;

/// A vulnerability of which no VEX statement says anything.
pub(crate) struct Unanswered {
    vulnerability: Vulnerability,
    /// Package URL of what has it.
    purl: String,
}

/// The database in use.
pub(crate) struct Known {
    mapped: Mapped,
    path: PathBuf,
    ages: Vec<AdvisorySource>,
    now_unix: i64,
    stale_seconds: i64,
    statements: Vec<Statement>,
}

/// Where the database lies unless the user says otherwise.
pub(crate) fn usual_path() -> Option<PathBuf> {
    env::data_dir().map(|folder| folder.join("advisories.kobukdb"))
}

impl Known {
    /// Opens the database that is named, or the usual one where there is one.
    pub(crate) fn open(args: &ScanArgs, now_unix: i64) -> Result<Option<Self>, String> {
        if !args.wants(super::args::LookFor::Vulnerabilities) {
            return Ok(None);
        }
        let stale_seconds = i64::from(args.stale_after) * 86_400;
        let mut statements = Vec::new();
        for path in &args.vex {
            let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
            let read =
                vex::read(&bytes).map_err(|error| format!("{}: {}", path.display(), crate::verbs::chain(&error)));
            statements.extend(read?);
        }
        let with = |mut known: Self| {
            known.statements = statements;
            known
        };
        match (&args.advisories, usual_path()) {
            (Some(path), _) => Known::at(path, now_unix, stale_seconds).map(with).map(Some),
            (None, Some(path)) if path.exists() => Known::at(&path, now_unix, stale_seconds).map(with).map(Some),
            (None, _) => Ok(None),
        }
    }

    fn at(path: &Path, now_unix: i64, stale_seconds: i64) -> Result<Self, String> {
        let fail = |error: StoreError| crate::verbs::chain(&error);
        let mapped = Mapped::open(path).map_err(fail)?;
        let ages = mapped.ages(now_unix, stale_seconds).map_err(fail)?;
        Ok(Known { mapped, path: path.to_owned(), ages, now_unix, stale_seconds, statements: Vec::new() })
    }

    /// The sources, each with its age.
    pub(crate) fn sources(&self) -> &[AdvisorySource] {
        &self.ages
    }

    /// How old the knowledge is, as a line for people.
    pub(crate) fn remark(&self) -> Option<String> {
        let database = self.mapped.database().ok()?;
        let ages = crate::report::advisories_words(&self.ages)?;
        Some(format!("{} {ages}, from {}", database.len(), self.path.display()))
    }
}

/// Judges the packages of one target.
pub(crate) fn judge(
    scanned: &Scanned,
    about: super::Subject,
    file: FileId,
    args: &ScanArgs,
    known: Option<&Known>,
    gathered: &mut Gathered,
) {
    let inventory = &scanned.inventory;
    let packages = &named(&inventory.packages);
    packages.iter().for_each(|_| gathered.coverage.scopes.see(Scope::Package));
    if let Some(why) = unknown_packages(scanned, about) {
        gathered.gap(file, GapKind::Unknown, why);
    }
    let Some(known) = known else {
        let message = "there is no database of advisories, so vulnerabilities are not known; `kobuk advisories update` fetches one, \
                       `kobuk advisories build` makes one of files, and `--look-for` leaves vulnerabilities out";
        gathered.gap(file, GapKind::Unknown, message.into());
        return;
    };
    let database = match known.mapped.database() {
        Ok(database) => database,
        Err(error) => return gathered.gap(file, GapKind::Error, error.to_string()),
    };
    let answers = match Answers::new(database) {
        Ok(answers) => answers,
        Err(error) => return gathered.gap(file, GapKind::Error, error.to_string()),
    };
    let options = Options { now_unix: Some(known.now_unix), stale_seconds: known.stale_seconds, ..Options::default() };
    let matcher = Matcher::new(&answers, options);
    let matches = matcher.match_packages(packages, inventory.distro.as_ref());
    if let Some(fault) = answers.fault() {
        gathered.gap(file, GapKind::Error, fault.to_string());
    }
    for why in &matches.unknown {
        gathered.gap(file, GapKind::Unknown, why.to_string());
    }
    let purl = |package: usize| {
        packages
            .get(package)
            .map_or(String::new(), |package| model::purl::purl(package, inventory.distro.as_ref()).to_string())
    };
    let product = scanned.subject.purl().map(|purl| purl.to_string());
    let statements = vex::applied(&matches.vulnerabilities, &known.statements, product.as_deref(), purl);
    let mut open = Vec::new();
    for (vulnerability, statement) in matches.vulnerabilities.iter().zip(statements) {
        if args.ignore_unfixed && vulnerability.fixed.is_none() {
            continue;
        }
        let Some(package) = packages.get(vulnerability.package) else { continue };
        let informational = informational(&database, vulnerability);
        let mut finding = finding(vulnerability, package, informational, file);
        match statement {
            Some(statement) => apply(statement, &mut finding),
            None => gathered
                .unanswered
                .push(Unanswered { vulnerability: vulnerability.clone(), purl: purl(vulnerability.package) }),
        }
        if !statement.is_some_and(|said| matches!(said.status, Status::NotAffected | Status::Fixed)) {
            open.push(vulnerability.clone());
        }
        gathered.findings.push(finding);
    }
    let again = |package: &Package| {
        let again = matcher.match_packages(std::slice::from_ref(package), inventory.distro.as_ref());
        again.vulnerabilities
    };
    let upgrades = upgrades(packages, &open, scanned.base_layers, &again);
    gathered.upgrades.extend(upgrades.into_iter().map(|upgrade| Upgrade { file, ..upgrade }));
}

/// What to upgrade. Without word of the base image, packages of the system are taken to come with it as far as they lie in
/// the lowest layer that has any: a base is at least that.
fn upgrades(
    packages: &[Package],
    open: &[Vulnerability],
    base_layers: Option<u32>,
    again: &dyn Fn(&Package) -> Vec<Vulnerability>,
) -> Vec<Upgrade> {
    let layer = |package: &Package| package.places.iter().filter_map(|place| place.layer).max();
    let lowest = packages.iter().filter(|package| package.kind.is_of_system()).filter_map(layer).min();
    let base = base_layers.or(lowest.map(|layer| layer.saturating_add(1)));
    let plan = plan::plan(packages, open, base);
    let upgrades = plan.into_iter().filter_map(|upgrade| {
        let package = packages.get(upgrade.package)?;
        let by = match upgrade.need {
            _ if upgrade.in_base == Some(true) => UpgradeBy::Base,
            Need::Indirect => UpgradeBy::Dependent,
            _ => UpgradeBy::Package,
        };
        let (to, left) = settled(package, upgrade.to, again);
        let (mut clears, mut stays): (Vec<Box<str>>, Vec<Box<str>>) = (Vec::new(), left.clone());
        clears.extend(upgrade.clears.into_iter().chain(upgrade.stays).filter(|id| !left.contains(id)));
        clears.sort();
        stays.sort();
        if clears.is_empty() {
            return None;
        }
        let (name, installed) = (package.name.clone(), package.version.clone());
        Some(Upgrade { file: FileId(0), package: name, installed, to, clears, stays, by })
    });
    upgrades.collect()
}

/// The version at which no more fixes are known, and what it still has: the highest of the fixes of one version may itself
/// be affected in its own branch.
fn settled(
    package: &Package,
    mut to: Box<str>,
    again: &dyn Fn(&Package) -> Vec<Vulnerability>,
) -> (Box<str>, Vec<Box<str>>) {
    let mut left = Vec::new();
    for _ in 0..STEPS_MAX {
        let mut upgraded = package.clone();
        upgraded.version = to.clone();
        if let Some(source) = &mut upgraded.source {
            source.version = to.clone();
        }
        let open = again(&upgraded);
        left = open.iter().map(|one| one.id.clone()).collect();
        let scheme = |one: &Vulnerability| advisory::version::Scheme::of_ecosystem(&one.ecosystem);
        let higher = |one: &Vulnerability| {
            let fixed = one.fixed.as_deref()?;
            let order = advisory::version::compare(scheme(one)?, fixed, &to).ok()?;
            order.is_gt().then(|| fixed.to_owned())
        };
        match open.iter().find_map(higher) {
            Some(next) => to = next.into(),
            None => break,
        }
    }
    (to, left)
}

/// Steps from fix to fix; releases of one package that each bring a new fault are few.
const STEPS_MAX: usize = 16;

/// The packages, programs with the name that the NVD gives them.
fn named(packages: &[Package]) -> Vec<Package> {
    let mut packages = packages.to_vec();
    for package in packages.iter_mut().filter(|package| package.kind.osv_ecosystem().is_empty()) {
        if !package.kind.is_of_system()
            && package.property("cpe").is_none()
            && let Some(cpe) = image::cpe::candidates(package).first()
        {
            package.properties.push(("cpe".into(), cpe.to_string().into()));
        }
    }
    packages
}

/// Packages of the system that brought damaged files and that the distribution is known to judge.
pub(crate) fn judged<'s>(scanned: &'s Scanned, known: Option<&Known>) -> HashSet<&'s str> {
    let inventory = &scanned.inventory;
    let owners: HashSet<&str> = inventory.damage.iter().filter_map(|damage| damage.owner.as_deref()).collect();
    let answers =
        known.filter(|_| !owners.is_empty()).and_then(|known| known.mapped.database().ok().map(|it| (known, it)));
    let Some((known, database)) = answers else { return HashSet::new() };
    let Ok(answers) = Answers::new(database) else { return HashSet::new() };
    let options = Options { now_unix: Some(known.now_unix), stale_seconds: known.stale_seconds, ..Options::default() };
    Matcher::new(&answers, options).judges(&owners, &inventory.packages, inventory.distro.as_ref())
}

/// Why it is not known what the target is made of, where it is not. Nothing found is not the same as nothing there.
fn unknown_packages(scanned: &Scanned, about: super::Subject) -> Option<String> {
    let inventory = &scanned.inventory;
    let (none, system) = (inventory.packages.is_empty(), has_system(&inventory.packages));
    if about == super::Subject::Source {
        let message = "no lock file or manifest of packages was found, so vulnerabilities are not known; `--look-for` leaves \
                       them out";
        return none.then(|| message.into());
    }
    let runs = |marker: &Marker| matches!(marker, Marker::Shell | Marker::PackageManager | Marker::Loader);
    match &inventory.distro {
        Some(distro) if !system => Some(format!(
            "this is {}, and no package database tells what of it is installed, so its vulnerabilities are not known",
            distro.id
        )),
        Some(_) => None,
        None if none => Some("no packages were found, so vulnerabilities are not known".into()),
        None if system => {
            Some("nothing tells which operating system this is, so its vulnerabilities are not known".into())
        }
        None => inventory.markers.iter().find(|(marker, _)| runs(marker)).map(|(_, place)| {
            format!(
                "`{}` belongs to an operating system, and nothing tells which one or what of it is installed, so its \
                 vulnerabilities are not known",
                place.path
            )
        }),
    }
}

/// Writes a draft of statements about what was found, for people to fill in.
pub(crate) fn draft(path: &Path, unanswered: &[Unanswered], now_unix: i64) -> Result<(), String> {
    let time = model::exception::format_date(now_unix);
    let vulnerabilities: Vec<Vulnerability> = unanswered.iter().map(|one| one.vulnerability.clone()).collect();
    let purls: BTreeMap<usize, &str> = unanswered.iter().map(|one| (one.vulnerability.package, &*one.purl)).collect();
    let purl = |package: usize| purls.get(&package).copied().unwrap_or_default().to_owned();
    let cyclonedx = path.to_string_lossy().ends_with(".cdx.json");
    let text = match cyclonedx {
        true => vex::draft_cyclonedx(&vulnerabilities, DRAFT_AUTHOR, &time, purl),
        false => vex::draft(&vulnerabilities, DRAFT_AUTHOR, &time, purl),
    };
    std::fs::write(path, text).map_err(|error| format!("--vex-draft {}: {error}", path.display()))
}

/// Whoever fills the draft in puts their name here.
const DRAFT_AUTHOR: &str = "unknown author";

/// What a statement makes of a finding. It stays listed, with who says what.
fn apply(statement: &Statement, finding: &mut Finding) {
    let says = match statement.status {
        Status::NotAffected => "not affected",
        Status::Fixed => "fixed",
        Status::Affected => "affected",
        Status::UnderInvestigation => "under investigation",
    };
    let properties = finding.properties.get_or_insert_default();
    properties.push(("vex", format!("{says}, by {}: {}", statement.author, statement.justification).into()));
    if matches!(statement.status, Status::NotAffected | Status::Fixed) {
        finding.severity = Severity::Info;
        properties.retain(|(name, _)| *name != "status" && *name != "fixed");
        properties.push(("status", format!("{says} by VEX").into()));
    }
}

fn has_system(packages: &[Package]) -> bool {
    packages.iter().any(|package| package.kind.is_of_system())
}

/// Whether the advisory is about maintenance rather than a fault.
fn informational(database: &Database<'_>, vulnerability: &Vulnerability) -> bool {
    let names = std::iter::once(&vulnerability.id).chain(&vulnerability.aliases);
    let records =
        names.filter(|id| id.starts_with("RUSTSEC-")).flat_map(|id| database.advisory(id).unwrap_or_default());
    records.filter_map(|record| record.read().ok()).any(|record| !record.informational.is_empty())
}

fn finding(vulnerability: &Vulnerability, package: &Package, informational: bool, file: FileId) -> Finding {
    let malicious = std::iter::once(&vulnerability.id).chain(&vulnerability.aliases).any(|id| id.starts_with("MAL-"));
    let rule: &'static Rule = match () {
        () if malicious => &MALICIOUS,
        () if vulnerability.exploited.is_some() => &EXPLOITED,
        () if informational => &UNMAINTAINED,
        () => &VULNERABLE,
    };
    let severity = match rule.code {
        code if code == VULNERABLE.code => vulnerability.severity.unwrap_or(Severity::Medium),
        _ => rule.severity.max(vulnerability.severity.unwrap_or(Severity::Info)),
    };
    let fixed = vulnerability.fixed.as_deref().unwrap_or("");
    let what = if vulnerability.summary.is_empty() { String::new() } else { format!(": {}", vulnerability.summary) };
    let remedy = if fixed.is_empty() { String::from("no fixed version is known") } else { format!("fixed in {fixed}") };
    let message = format!("{} in {} {}{what} ({remedy})", vulnerability.id, package.name, package.version);
    let mut properties: Vec<(&'static str, Box<str>)> = vec![
        ("field", vulnerability.id.clone()),
        ("vulnerability", vulnerability.id.clone()),
        ("package", package.name.clone()),
        ("installed", package.version.clone()),
        ("ecosystem", vulnerability.ecosystem.clone()),
        ("status", status(vulnerability.remedy).into()),
    ];
    let mut more = |name, value: String| {
        if !value.is_empty() {
            properties.push((name, value.into()));
        }
    };
    more("fixed", fixed.to_owned());
    more("aliases", vulnerability.aliases.join(" "));
    if vulnerability.severity.is_none() {
        more("severity", "unrated".into());
    }
    more("epss", vulnerability.epss.as_ref().map_or(String::new(), |epss| format!("{:.5}", epss.probability)));
    more("exploited", vulnerability.exploited.as_ref().map_or(String::new(), |known| known.added.to_string()));
    let place = package.places.first();
    more("path", place.map_or(String::new(), |place| place.path.to_string()));
    more("layer", place.and_then(|place| place.layer).map_or(String::new(), |layer| layer.to_string()));
    more("cwes", vulnerability.cwes.join(" "));
    more("references", vulnerability.references.iter().take(REFERENCES_MAX).cloned().collect::<Vec<_>>().join(" "));
    let subject = Subject {
        kind: "Package".into(),
        namespace: package.kind.purl_type().into(),
        name: package.name.clone(),
        ..Subject::default()
    };
    Finding {
        rule,
        severity,
        message: message.into(),
        subject: Arc::new(subject),
        location: Location { file, ..Location::default() },
        properties: Some(Box::new(properties)),
    }
}

fn status(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::Fixed => "fixed",
        Remedy::NotFixed => "affected",
        Remedy::WontFix => "will not fix",
        Remedy::Deferred => "fix deferred",
        Remedy::EndOfLife => "end of life",
        Remedy::UnderInvestigation => "under investigation",
    }
}

/// Web pages told of one vulnerability.
const REFERENCES_MAX: usize = 5;
