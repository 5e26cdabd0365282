//! `kobuk scan image|fs|repo` and `kobuk sbom`: images and folders in, findings and bills of materials out.

pub(crate) mod args;
mod bill;
mod findings;
mod target;
mod vulnerabilities;

use std::cmp::Reverse;

use std::io::Write;
use std::time::Instant;

use model::{Finding, Report};

use self::args::{FolderArgs, ImageArgs, ScanArgs, SourceArgs};
use self::findings::Gathered;
use crate::exit::{Allow, Exit};
use crate::report::Render;
use crate::verbs::{self, remark, usage};
use crate::{baseline, env};

pub(crate) use bill::run as sbom;
pub(crate) use vulnerabilities::usual_path as usual_database;

/// What a scan is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Images.
    Image,
    /// Root file systems.
    Root,
    /// Source trees.
    Source,
}

/// `kobuk scan image`.
pub(crate) fn scan_image(args: &ImageArgs, out: &mut dyn Write) -> Exit {
    let scan_args = ScanArgs { base: args.base.clone(), ..args.scan.clone() };
    scan(&args.targets, Subject::Image, Some(&args.source), &scan_args, out)
}

/// `kobuk scan fs` and `kobuk scan repo`.
pub(crate) fn scan_folder(args: &FolderArgs, subject: Subject, out: &mut dyn Write) -> Exit {
    let targets: Vec<String> = args.targets.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    let args = ScanArgs { no_ignore: args.no_ignore, ..args.scan.clone() };
    scan(&targets, subject, None, &args, out)
}

fn scan(
    targets: &[String],
    subject: Subject,
    source: Option<&SourceArgs>,
    args: &ScanArgs,
    out: &mut dyn Write,
) -> Exit {
    let begun = Instant::now();
    let now_unix = env::source_date_epoch().unwrap_or_else(verbs::clock);
    if let Err(message) = sensible(targets, args) {
        return usage(&message);
    }
    let mut gathered = match gather(targets, subject, source, args, now_unix) {
        Ok(gathered) => gathered,
        Err(message) => return usage(&message),
    };
    if let Some(path) = &args.vex_draft
        && let Err(message) = vulnerabilities::draft(path, &gathered.unanswered, now_unix)
    {
        return usage(&message);
    }
    gathered.filter(args);
    let exceptions = match crate::judge::exceptions(&args.exceptions, &mut gathered.files) {
        Ok(exceptions) => exceptions,
        Err(message) => return usage(&message),
    };
    let files = std::mem::take(&mut gathered.files);
    let path_of = |finding: &Finding| files.get(finding.location.file.0 as usize).map_or("", |path| path);
    let findings = std::mem::take(&mut gathered.findings);
    let (mut findings, excepted, exceptions) = model::exception::apply(findings, exceptions, now_unix, path_of);
    // What nobody wants to hear of needs no upgrade.
    let told = |upgrade: &model::report::Upgrade, id: &str| {
        findings.iter().any(|finding| {
            finding.location.file == upgrade.file
                && finding.property("vulnerability") == Some(id)
                && *finding.subject.name == *upgrade.package
        })
    };
    for upgrade in &mut gathered.upgrades {
        let clears = std::mem::take(&mut upgrade.clears);
        upgrade.clears = clears.into_iter().filter(|id| told(upgrade, id)).collect();
    }
    gathered.upgrades.retain(|upgrade| !upgrade.clears.is_empty());
    findings.extend(about_exceptions(&exceptions, args));
    // In an image nothing stands before anything else, so the worst comes first.
    let key =
        |finding: &Finding| (finding.location, Reverse(finding.severity), finding.rule.code, finding.message.clone());
    findings.sort_by_cached_key(key);
    let baselined = match args.baseline.as_deref().map(baseline::Baseline::read).transpose() {
        Ok(known) => known.map_or(0, |known| known.subtract(&mut findings)),
        Err(error) => return usage(&error.to_string()),
    };
    let report = Report {
        files,
        findings,
        excepted,
        exceptions,
        coverage: gathered.coverage,
        posture: Vec::new(),
        baselined,
        advisories: gathered.advisories,
        upgrades: gathered.upgrades,
    };
    let command = match subject {
        Subject::Image => "scan image",
        Subject::Root => "scan fs",
        Subject::Source => "scan repo",
    };
    finish(&report, args, command, now_unix, begun, out)
}

/// Whether the flags can have an effect: a misspelt code must not make a scan clean.
fn sensible(targets: &[String], args: &ScanArgs) -> Result<(), String> {
    let rules = crate::rules::all();
    let known = |pattern: &str| rules.iter().any(|rule| model::exception::glob(pattern, rule.code));
    for (flag, patterns) in [("--check", &args.check), ("--skip", &args.skip)] {
        if let Some(pattern) = patterns.iter().find(|pattern| !known(pattern)) {
            return Err(format!("{flag} `{pattern}` matches no code; `kobuk explain` lists all of them"));
        }
    }
    let ours = findings::rules();
    let runs = |pattern: &String| ours.iter().any(|rule| model::exception::glob(pattern, rule.code));
    if !args.check.is_empty() && !args.check.iter().any(runs) {
        return Err(format!(
            "--check `{}` matches no check of such a scan; it is one of manifests",
            args.check.join(",")
        ));
    }
    if args.vex_draft.is_some() && targets.len() != 1 {
        return Err("--vex-draft writes about one image; name one".into());
    }
    Ok(())
}

/// Exceptions that expired, and those that accept nothing here though they are about what such scans find.
fn about_exceptions(exceptions: &[model::ExceptionUse], args: &ScanArgs) -> Vec<Finding> {
    let whole = args.check.is_empty()
        && args.skip.is_empty()
        && args.severity.is_none()
        && args.look_for.is_empty()
        && !args.ignore_unfixed;
    let of_manifests =
        |pattern: &str| policy::check::rules().iter().any(|rule| model::exception::glob(pattern, rule.code));
    let ours = |used: &model::ExceptionUse| {
        let exception = &used.exception;
        exception.controls.is_empty() && !exception.findings.iter().any(|pattern| of_manifests(pattern))
    };
    let (ours, others): (Vec<_>, Vec<_>) = exceptions.iter().cloned().partition(ours);
    let mut findings = policy::exceptions::findings_about(&ours, whole);
    findings.extend(policy::exceptions::findings_about(&others, false));
    findings
}

/// Images beside manifests, for `kobuk assess`: those that the user names, and with `pull` those that the manifests name.
/// Images that manifests name and nobody scanned are told as unknown.
pub(crate) fn beside_manifests(
    args: &args::BesideArgs,
    named: &std::collections::BTreeSet<String>,
    jobs: Option<u16>,
    quiet: bool,
    now_unix: i64,
) -> Result<Gathered, String> {
    let mut targets = args.images.clone();
    if args.pull {
        targets.extend(named.iter().filter(|name| !args.images.contains(name)).map(|name| format!("registry:{name}")));
    }
    let scan = ScanArgs { advisories: args.advisories.clone(), jobs, quiet, ..ScanArgs::default() };
    let mut gathered = gather(&targets, Subject::Image, Some(&SourceArgs::default()), &scan, now_unix)?;
    if !args.pull {
        let plain = |given: &str| {
            let given = given.strip_prefix("docker://").unwrap_or(given);
            let stores = ["registry:", "containerd:", "podman:"];
            stores.iter().find_map(|store| given.strip_prefix(store)).unwrap_or(given).to_owned()
        };
        let given: Vec<String> = args.images.iter().map(|given| plain(given)).collect();
        for name in named.iter().filter(|name| !given.contains(name)) {
            let message =
                "the manifests name this image and it was not scanned; name it with --image, or let --pull fetch it";
            gathered.not_scanned(name, message.into());
        }
    }
    Ok(gathered)
}

/// Everything that the targets are found to hold.
fn gather(
    targets: &[String],
    subject: Subject,
    source: Option<&SourceArgs>,
    args: &ScanArgs,
    now_unix: i64,
) -> Result<Gathered, String> {
    let means = target::Means::new(args, source)?;
    let known = vulnerabilities::Known::open(args, now_unix)?;
    if let (Some(text), false) = (known.as_ref().and_then(vulnerabilities::Known::remark), args.quiet) {
        remark(&text);
    }
    let mut gathered = Gathered::default();
    gathered.advisories = known.as_ref().map_or_else(Vec::new, |known| known.sources().to_vec());
    for target in targets {
        let scanned = match subject {
            Subject::Image => means.image(target),
            Subject::Root => means.folder(target, true),
            Subject::Source => means.folder(target, false),
        };
        match scanned {
            Ok(scanned) => findings::judge(&scanned, subject, args, known.as_ref(), now_unix, &mut gathered),
            Err(message) => gathered.failed(target, message),
        }
    }
    Ok(gathered)
}

fn finish(report: &Report, args: &ScanArgs, command: &str, now_unix: i64, begun: Instant, out: &mut dyn Write) -> Exit {
    let fail_on = args.fail_on.unwrap_or(verbs::FAIL_ON);
    let allow = Allow { unrendered: false, unknown: args.allow_unknown };
    let exit = Exit::of(report, fail_on, allow);
    let render = Render {
        report,
        rules: &findings::rules(),
        source: &|_| None,
        color: args.output.is_none() && verbs::colored(args.color),
        width: verbs::width(),
        assess: false,
        now_unix,
        version: env!("CARGO_PKG_VERSION"),
        elapsed_ms: verbs::elapsed_ms(begun),
        command,
        fail_on: fail_on.severity(),
    };
    let delivered = verbs::deliver(args.format, &render, args.output.as_deref(), out);
    if delivered { exit } else { Exit::NotJudged }
}
