//! What was found in images and folders, in the words that all reports know.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use image::eol::{self, Support};
use image::facts::Marker;
use image::hardening::{self, Configured};
use image::observation::Observation;
use image::sbom::Bill;
use model::coverage::GapKind;
use model::package::{Damage, Doubt, Place};
use model::report::{AdvisorySource, Upgrade};
use model::{Coverage, FileCoverage, FileId, Finding, Judgement, Location, Rule, Scope, Severity, Subject as About};

use super::Subject;
use super::args::{LookFor, ScanArgs};
use super::target::Scanned;
use super::vulnerabilities::{self, Known, Unanswered};

/// Findings and coverage of all targets so far.
#[derive(Default)]
pub(crate) struct Gathered {
    pub(crate) files: Vec<Box<str>>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) coverage: Coverage,
    /// Upgrades that clear vulnerabilities.
    pub(crate) upgrades: Vec<Upgrade>,
    /// What vulnerabilities were judged by.
    pub(crate) advisories: Vec<AdvisorySource>,
    /// Vulnerabilities of the last target of which no VEX statement says anything, for a draft.
    pub(crate) unanswered: Vec<Unanswered>,
    /// Files of folders by path.
    known: BTreeMap<Box<str>, FileId>,
}

/// Rules that such a scan may report.
pub(crate) fn rules() -> Vec<&'static Rule> {
    let mut rules: Vec<&'static Rule> = crate::rules::of_images().collect();
    rules.sort_by_key(|rule| rule.code);
    rules
}

/// Judges one target.
pub(crate) fn judge(
    scanned: &Scanned,
    subject: Subject,
    args: &ScanArgs,
    known: Option<&Known>,
    now_unix: i64,
    gathered: &mut Gathered,
) {
    let file = gathered.file(&scanned.name, 1);
    let about = Arc::new(About { kind: kind(subject).into(), name: scanned.name.as_str().into(), ..About::default() });
    gathered.damage(file, &scanned.failed, true, &HashSet::new());
    let judged =
        if args.wants(LookFor::Vulnerabilities) { vulnerabilities::judged(scanned, known) } else { HashSet::new() };
    gathered.damage(file, &scanned.inventory.damage, false, &judged);
    for message in &scanned.remarks {
        gathered.gap(file, GapKind::NotUnderstood, message.clone());
    }
    for message in scanned.config.iter().flat_map(|config| &config.damage) {
        gathered.gap(file, GapKind::NotUnderstood, message.to_string());
    }
    gathered.coverage.scopes.see(scope(subject));
    if args.wants(LookFor::Vulnerabilities) {
        vulnerabilities::judge(scanned, subject, file, args, known, gathered);
    }
    let mut observations = Vec::new();
    if args.wants(LookFor::Secrets) {
        secrets(scanned, subject, &mut observations);
    }
    if subject == Subject::Image {
        configuration_checks(scanned, args, &mut observations);
        if args.wants(LookFor::Hardening) {
            end_of_life(scanned, now_unix, &mut observations, file, gathered);
            bills(scanned, &mut observations);
            file_checks(scanned, &mut observations);
        }
    }
    if args.wants(LookFor::Secrets) || args.wants(LookFor::Hardening) {
        containerfiles(scanned, args, &mut observations, file, gathered);
    }
    for observation in observations {
        let finding = finding(observation, scanned, &about, file, gathered);
        gathered.findings.push(finding);
    }
}

fn secrets(scanned: &Scanned, subject: Subject, observations: &mut Vec<Observation>) {
    for found in &scanned.inventory.secrets {
        let mut observation = hardening::secret_in_file(&found.secret, &found.place, found.deleted);
        if subject == Subject::Source {
            observation.rule = &hardening::rules::SOURCE_SECRET;
        }
        observations.push(observation);
    }
}

/// Whether the operating system still gets fixes; longer support, which not everybody has, makes it less bad.
fn end_of_life(
    scanned: &Scanned,
    now_unix: i64,
    observations: &mut Vec<Observation>,
    file: FileId,
    gathered: &mut Gathered,
) {
    let Some(distro) = &scanned.inventory.distro else { return };
    let today = model::exception::format_date(now_unix);
    let today = today.get(..10).unwrap_or("");
    let (until, more) = match eol::support(distro, today) {
        Support::Ended(until, more) => (until, more),
        Support::Unknown => {
            let message = format!("until when {} {} gets fixes is not known", distro.id, distro.version);
            return gathered.gap(file, GapKind::NotUnderstood, message);
        }
        Support::Until(_) | Support::Rolling => return,
    };
    let longer = more.filter(|more| *more >= today);
    let mut observation = match longer {
        Some(more) => Observation::new(
            &hardening::rules::END_OF_LIFE,
            format!("{} {} gets fixes only under longer support, until {more}", distro.id, distro.version),
        ),
        None => Observation::new(
            &hardening::rules::END_OF_LIFE,
            format!("{} {} has had no fixes since {}", distro.id, distro.version, more.unwrap_or(until)),
        ),
    };
    if longer.is_some() {
        observation.severity = Severity::Low;
    }
    observations.push(observation);
}

/// Bills of materials in the image against what was found in it. A bill of one program says nothing of the system around
/// it, so only kinds of packages that it has are compared, and only what it lacks or has otherwise counts.
fn bills(scanned: &Scanned, observations: &mut Vec<Observation>) {
    let inventory = &scanned.inventory;
    if inventory.sboms.is_empty() {
        return;
    }
    let found = Bill::new(scanned.subject.clone(), inventory.distro.as_ref(), &inventory.packages);
    for (place, bytes) in inventory.sboms.iter().take(BILLS_MAX) {
        let Ok(declared) = image::sbom::read(bytes) else { continue };
        let difference = image::sbom::compare(&declared, &found);
        if declared.entries.len() < 2 || difference.removed.is_empty() && difference.changed.is_empty() {
            continue;
        }
        let example = difference.removed.first().or(difference.changed.first().map(|change| &change.package));
        let message = format!(
            "`{}` declares {} packages that were not found and {} in other versions, such as {}",
            place.path,
            difference.removed.len(),
            difference.changed.len(),
            example.map_or("", |purl| purl)
        );
        observations.push(Observation::new(&hardening::rules::SBOM_DIFFERS, message).at(&place.path, 0, 0));
    }
}

/// What the configuration says, where there is one.
fn configuration_checks(scanned: &Scanned, args: &ScanArgs, observations: &mut Vec<Observation>) {
    let Some(config) = &scanned.config else { return };
    let configured = Configured {
        user: &config.user,
        root_names: scanned.inventory.root_names.iter().map(|name| &**name).collect(),
        env: config.env.iter().map(|variable| &**variable).collect(),
        labels: config.labels.iter().map(|(name, value)| (&**name, &**value)).collect(),
        ports: config.exposed_ports.iter().map(|port| &**port).collect(),
        history: config.history.iter().map(|step| &*step.created_by).collect(),
        healthcheck: config.healthcheck.as_ref().is_some_and(|test| test.first().is_some_and(|word| &**word != "NONE")),
    };
    let wanted = |observation: &Observation| match observation.rule.code == hardening::rules::CONFIG_SECRET.code {
        true => args.wants(LookFor::Secrets),
        false => args.wants(LookFor::Hardening),
    };
    observations.extend(hardening::check_configuration(&configured).into_iter().filter(wanted));
}

fn file_checks(scanned: &Scanned, observations: &mut Vec<Observation>) {
    let mut markers: BTreeMap<Marker, Vec<&Place>> = BTreeMap::new();
    for (marker, place) in &scanned.inventory.markers {
        markers.entry(*marker).or_default().push(place);
    }
    for (marker, places) in markers {
        observations.extend(hardening::check_marker(marker, &places));
    }
    if !scanned.inventory.knows_its_packages() {
        let message = match scanned.inventory.databases_deleted.first() {
            Some(place) => format!("the package database `{}` was deleted", place.path),
            None => String::from("neither a package database nor packages of a language were found"),
        };
        observations.push(Observation::new(&hardening::rules::NO_PACKAGE_DATABASE, message));
    }
}

/// Containerfiles of a source tree.
fn containerfiles(
    scanned: &Scanned,
    args: &ScanArgs,
    observations: &mut Vec<Observation>,
    file: FileId,
    gathered: &mut Gathered,
) {
    let secret = image::containerfile::rules::SECRET.code;
    for (path, content) in &scanned.containerfiles {
        gathered.coverage.scopes.see(Scope::Containerfile);
        let text = match content {
            Ok(bytes) => String::from_utf8_lossy(bytes),
            Err(error) => {
                gathered.gap(file, GapKind::Unreadable, format!("{path}: cannot be read: {error}"));
                continue;
            }
        };
        match image::containerfile::parse(&text) {
            Ok(parsed) => {
                let wanted = |observation: &Observation| match observation.rule.code == secret {
                    true => args.wants(LookFor::Secrets),
                    false => args.wants(LookFor::Hardening),
                };
                observations.extend(image::containerfile::check(path, &parsed).into_iter().filter(wanted));
            }
            Err(error) => {
                let location = Location { file, ..Location::default() };
                let message = format!("{path}: {error}");
                if let Some(coverage) = gathered.coverage.files.get_mut(file.0 as usize) {
                    coverage.gap(GapKind::NotUnderstood, location, message.clone());
                }
                observations.push(Observation::new(&image::containerfile::rules::SYNTAX, message).at(path, 0, 0));
            }
        }
    }
}

fn finding(
    observation: Observation,
    scanned: &Scanned,
    about: &Arc<About>,
    file: FileId,
    gathered: &mut Gathered,
) -> Finding {
    let mut properties: Vec<(&'static str, Box<str>)> = Vec::new();
    let location = match (&scanned.folder, observation.path.is_empty()) {
        (Some(folder), false) => {
            let shown = folder.join(&*observation.path).to_string_lossy().into_owned();
            let file = gathered.inner(&shown);
            Location { file, line: observation.line, column: observation.column, start: 0, end: 0 }
        }
        (None, false) => {
            properties.push(("field", observation.path.clone()));
            properties.push(("path", observation.path.clone()));
            if observation.line > 0 {
                properties.push(("line", observation.line.to_string().into()));
            }
            Location { file, ..Location::default() }
        }
        (_, true) => Location { file, ..Location::default() },
    };
    properties.extend(observation.properties);
    Finding {
        rule: observation.rule,
        severity: observation.severity,
        message: observation.message,
        subject: Arc::clone(about),
        location,
        properties: (!properties.is_empty()).then(|| Box::new(properties)),
    }
}

/// Bills compared of one image; images of many programs bring one each.
const BILLS_MAX: usize = 200;

fn kind(subject: Subject) -> &'static str {
    match subject {
        Subject::Image => "Image",
        Subject::Root => "RootFileSystem",
        Subject::Source => "SourceTree",
    }
}

fn scope(subject: Subject) -> Scope {
    match subject {
        Subject::Image | Subject::Root => Scope::Image,
        Subject::Source => Scope::SourceTree,
    }
}

impl Gathered {
    /// A target, or a file of one.
    fn file(&mut self, shown: &str, objects: u32) -> FileId {
        let file = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(shown.into());
        self.coverage.files.push(FileCoverage {
            file,
            bytes: 0,
            documents: 0,
            objects,
            judgement: Judgement::Judged,
            gaps: Vec::new(),
        });
        file
    }

    fn inner(&mut self, shown: &str) -> FileId {
        if let Some(file) = self.known.get(shown) {
            return *file;
        }
        let file = self.file(shown, 0);
        self.known.insert(shown.into(), file);
        file
    }

    /// A target that could not be opened.
    pub(crate) fn failed(&mut self, target: &str, message: String) {
        let file = self.file(target, 0);
        self.gap(file, GapKind::Unreadable, message);
    }

    /// A part of a target that could not be judged.
    pub(crate) fn gap(&mut self, file: FileId, kind: GapKind, message: String) {
        let location = Location { file, ..Location::default() };
        if let Some(coverage) = self.coverage.files.get_mut(file.0 as usize) {
            coverage.judgement = Judgement::Partly;
            coverage.gap(kind, location, message);
        }
    }

    /// What could not be read. Of a layer or a system's database it leaves the whole in doubt, and so does everything that
    /// may hide packages.
    fn damage(&mut self, file: FileId, damage: &[Damage], failed: bool, judged: &HashSet<&str>) {
        for one in damage {
            let system = one.path.is_empty() || SYSTEM_DATABASES.iter().any(|part| one.path.contains(part));
            let kind = match one.doubt {
                _ if failed => GapKind::Error,
                Doubt::Detail => GapKind::NotUnderstood,
                // What the distribution brought, the distribution patches; its package is judged in its own place.
                Doubt::Packages if one.owner.as_ref().is_some_and(|owner| judged.contains(&**owner)) => {
                    GapKind::NotUnderstood
                }
                Doubt::Packages if system => GapKind::Error,
                Doubt::Packages => GapKind::Unknown,
            };
            let layer = one.layer.map_or(String::new(), |layer| format!("layer {layer}: "));
            let path = if one.path.is_empty() { String::new() } else { format!("{}: ", one.path) };
            self.gap(file, kind, format!("{layer}{path}{}", one.message));
        }
    }

    /// Names of images that a run should have scanned and did not.
    pub(crate) fn not_scanned(&mut self, name: &str, message: String) {
        let file = self.file(name, 0);
        self.gap(file, GapKind::Unknown, message);
    }

    /// Moves all files behind those of another report.
    pub(crate) fn shift(&mut self, by: usize) {
        let by = u32::try_from(by).unwrap_or(u32::MAX);
        let move_file = |file: &mut FileId| file.0 = file.0.saturating_add(by);
        self.findings.iter_mut().for_each(|finding| move_file(&mut finding.location.file));
        for coverage in &mut self.coverage.files {
            move_file(&mut coverage.file);
            coverage.gaps.iter_mut().for_each(|gap| move_file(&mut gap.location.file));
        }
        self.upgrades.iter_mut().for_each(|upgrade| move_file(&mut upgrade.file));
    }

    /// Leaves what the user asked for.
    pub(crate) fn filter(&mut self, args: &ScanArgs) {
        let matches = |patterns: &[String], code: &str| patterns.iter().any(|glob| model::exception::glob(glob, code));
        self.findings.retain(|finding| {
            let code = finding.rule.code;
            (args.check.is_empty() || matches(&args.check, code))
                && !matches(&args.skip, code)
                && args.severity.is_none_or(|severity| finding.severity >= severity)
        });
    }
}

/// Parts of the paths of databases that tell what the system is made of.
const SYSTEM_DATABASES: [&str; 8] = [
    "dpkg/status",
    "apk/db/installed",
    "lib/rpm/",
    "sysimage/rpm/",
    "pacman/local",
    "opkg/status",
    "db/pkg/",
    "os-release",
];
