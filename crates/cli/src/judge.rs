//! The run: sources in, report out.

use std::borrow::Cow;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use manifest::decode::{DecodeError, decode, decode_owned};
use manifest::stream::{Segment, segments};
use model::coverage::GapKind;
use model::{Coverage, FileId, Finding, Judgement, Report, Severity};
use policy::{Config, Engine, Worker};

use crate::args::JudgeArgs;
use crate::baseline::{Baseline, BaselineError};
use crate::input::{BadGlob, Content, Source, Walk};
use crate::policy::watch::Watch;

/// Size from which on one file is shared between threads, in bytes. Below it, starting to share costs
/// more than it gains.
const SEGMENT_BYTES_MIN: usize = 1 << 20;

/// Size from which on a file counts as large, in bytes.
const LARGE_BYTES_MIN: usize = 2 * SEGMENT_BYTES_MIN;

/// The run cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JudgeError {
    #[error(transparent)]
    Glob(#[from] BadGlob),
    #[error(transparent)]
    Baseline(#[from] BaselineError),
    #[error("--pod-security: {0}")]
    PodSecurity(policy::pod_security::StandardError),
    #[error("--registry `{0}` is no registry; give HOST[:PORT][/PATH] without scheme or patterns")]
    Registry(String),
    #[error("--check `{0}` matches no code; `kobuk explain` lists all of them")]
    NoSuchCheck(String),
    #[error("--check `{0}` matches no policy; codes `policy/NAME` are those of the policies that --policy brings")]
    NoSuchPolicy(String),
    #[error("{0} has no effect without --policy; name policies, or a pack as in `--policy pack:builtin`")]
    NoPolicy(&'static str),
    #[error("--controls `{0}` matches no control; `kobuk controls list` lists all of them")]
    NoSuchControl(String),
    #[error("{0}")]
    Images(String),
    #[error(transparent)]
    Policy(#[from] crate::policy::load::LoadError),
}

/// A finished run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) report: Report,
    /// Rules that ran.
    pub(crate) rules: Vec<&'static model::Rule>,
    /// Sources by file, for excerpts.
    pub(crate) sources: Vec<Source>,
}

/// Judges everything that the flags name.
pub(crate) fn judge(args: &JudgeArgs, now_unix: i64) -> Result<Run, JudgeError> {
    let loaded = policies(args)?;
    let own = loaded.as_ref().map(|loaded| loaded.policies.rules()).unwrap_or_default();
    let mut config = config(args, &own)?;
    let baseline = args.baseline.as_deref().map(Baseline::read).transpose()?;
    let walk = Walk::new(args)?;
    let mut sources = crate::render::render(walk.sources(&args.paths), !args.no_render);
    let judged = sources.len();
    sources.extend(walk.sources(&args.exceptions));
    prepare(&mut config, &sources);
    let mut engine = Engine::new(&config);
    let watch = loaded.as_ref().map(|_| Watch::start());
    if let Some((loaded, watch)) = loaded.as_ref().zip(watch.as_ref()) {
        engine = engine.with_policies(&loaded.policies, &loaded.facts, loaded.inventory.as_ref());
        engine = engine.with_timekeeper(watch);
    }
    let workers = run_workers(&engine, &sources, args);
    let mut outcome = engine.finish(workers);
    if !args.exceptions.is_empty() {
        // With --exceptions only those count: whoever writes a manifest must not write its pardon.
        outcome.exceptions.retain(|exception| exception.location.file.0 as usize >= judged);
    }
    let mut files: Vec<Box<str>> = sources.iter().map(|source| source.shown.as_str().into()).collect();
    let mut coverage = Coverage { files: outcome.files, scopes: outcome.scopes };
    let mut rules = engine.rules();
    let (mut advisories, mut upgrades) = (Vec::new(), Vec::new());
    if !args.beside.images.is_empty() || args.beside.pull {
        let named = images(&sources[..judged]);
        let beside = crate::artifacts::beside_manifests(&args.beside, &named, args.jobs, args.quiet, now_unix);
        let mut gathered = beside.map_err(JudgeError::Images)?;
        gathered.shift(files.len());
        files.append(&mut gathered.files);
        gathered.findings.retain(|finding| config.selects(finding.rule));
        outcome.findings.append(&mut gathered.findings);
        coverage.files.append(&mut gathered.coverage.files);
        coverage.scopes.merge(&gathered.coverage.scopes);
        (advisories, upgrades) = (gathered.advisories, gathered.upgrades);
        rules.extend(crate::rules::of_images().filter(|rule| config.selects(rule)));
    }
    let path_of = |finding: &Finding| files.get(finding.location.file.0 as usize).map_or("", |path| path);
    let (mut findings, excepted, exceptions) =
        model::exception::apply(outcome.findings, outcome.exceptions, now_unix, path_of);
    let whole = args.check.is_empty() && args.skip.is_empty() && args.controls.is_empty() && args.severity.is_none();
    let about = policy::exceptions::findings_about(&exceptions, whole);
    findings.extend(about.into_iter().filter(|finding| config.selects(finding.rule)));
    let posture = model::posture::fold(
        &rules,
        &engine.rules_left_out(),
        findings.iter(),
        excepted.iter().map(|(f, _)| f),
        &coverage,
    )
    .into_iter()
    .filter(|posture| selects_control(args, posture.control.id))
    .collect();
    if let Some(severity) = args.severity {
        findings.retain(|finding| finding.severity >= severity);
    }
    // Dropping what is known of a million objects would cost time shortly before the process ends.
    std::mem::forget(outcome.inventory);
    let baselined = baseline.map_or(0, |baseline| baseline.subtract(&mut findings));
    let report = Report { files, findings, excepted, exceptions, coverage, posture, baselined, advisories, upgrades };
    Ok(Run { report, rules, sources })
}

/// Names of images in the workloads of the sources.
fn images(sources: &[Source]) -> std::collections::BTreeSet<String> {
    let mut names = std::collections::BTreeSet::new();
    for (index, source) in sources.iter().enumerate() {
        let Some(text) = text(source) else { continue };
        manifest::documents(&text, FileId(index as u32), |document| {
            let Ok(tree) = document else { return };
            manifest::object::objects(&tree, |found| {
                if let manifest::object::Found::Object(object) = found {
                    let containers = object.pods.iter().flat_map(manifest::pod::PodTemplate::containers);
                    let images = containers.filter_map(|container| container.value.str_at("image").map(str::to_owned));
                    names.extend(images.filter(|image| !image.is_empty()));
                }
            });
        });
    }
    names
}

/// Exceptions of the given files and folders, for runs that judge no manifests. Their files are added to `names`.
pub(crate) fn exceptions(
    paths: &[std::path::PathBuf],
    names: &mut Vec<Box<str>>,
) -> Result<Vec<model::Exception>, String> {
    let mut exceptions = Vec::new();
    for path in paths {
        let files = match path.is_dir() {
            true => ignore::Walk::new(path)
                .flatten()
                .map(ignore::DirEntry::into_path)
                .filter(|path| path.extension().is_some_and(|end| end == "yaml" || end == "yml" || end == "json"))
                .collect(),
            false => vec![path.clone()],
        };
        for file in files {
            let bytes = std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            let text = decode_owned(bytes).map_err(|error| format!("{}: {error}", file.display()))?;
            let mut fault = None;
            let id = FileId(u32::try_from(names.len()).unwrap_or(u32::MAX));
            names.push(file.to_string_lossy().into());
            manifest::documents(&text, id, |document| {
                let Ok(tree) = document else {
                    fault = Some(format!("{}: it cannot be read as YAML", file.display()));
                    return;
                };
                manifest::object::objects(&tree, |found| {
                    if let manifest::object::Found::Object(object) = found
                        && object.kind == "Exception"
                    {
                        match policy::exceptions::read(&object) {
                            Some(exception) => exceptions.push(exception),
                            None => {
                                fault = Some(format!(
                                    "{}: the Exception `{}` lacks a field or has one that is wrong; `kobuk scan manifests` says which",
                                    file.display(),
                                    object.name()
                                ))
                            }
                        }
                    }
                });
            });
            if let Some(fault) = fault {
                return Err(fault);
            }
        }
    }
    Ok(exceptions)
}

/// The text of a source, for excerpts.
pub(crate) fn text(source: &Source) -> Option<String> {
    let bytes = match &source.content {
        Content::File(path) => crate::input::read(path).ok()?,
        Content::Text(bytes) => bytes.clone(),
        Content::Skipped(..) => return None,
    };
    decode_owned(bytes).ok()
}

/// Worst finding that counts.
pub(crate) fn worst(report: &Report) -> Option<Severity> {
    report.findings.iter().map(|finding| finding.severity).max()
}

/// Users' own policies, with what is known about the cluster.
fn policies(args: &JudgeArgs) -> Result<Option<crate::policy::load::Loaded>, JudgeError> {
    if args.policy.policies.is_empty() {
        let idle = [
            ("--facts", !args.policy.facts.is_empty()),
            ("--complete", !args.policy.complete.is_empty()),
            ("--cluster", args.policy.cluster),
        ];
        let idle = idle.iter().find(|(_, given)| *given);
        return idle.map_or(Ok(None), |(flag, _)| Err(JudgeError::NoPolicy(flag)));
    }
    let loaded = crate::policy::load::load(&args.policy)?;
    if !args.quiet {
        loaded.remarks.iter().for_each(|remark| crate::verbs::remark(remark));
    }
    Ok(Some(loaded))
}

fn config(args: &JudgeArgs, own: &[&'static model::Rule]) -> Result<Config, JudgeError> {
    let boxed = |words: &[String]| words.iter().map(|word| word.as_str().into()).collect();
    let mut config = Config {
        checks: boxed(&args.check),
        skip: boxed(&args.skip),
        controls: boxed(&args.controls),
        registries: boxed(&args.registry),
        ..Config::default()
    };
    if let Some(text) = &args.pod_security {
        config.pod_security = text.parse().map_err(JudgeError::PodSecurity)?;
    }
    config.kubernetes_minor = crate::policy::load::minor(args.policy.kubernetes_version.as_deref())?;
    let host = |text: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-:/[]".contains(c);
        text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
            && text.chars().all(plain)
            && !text.contains("//")
    };
    if let Some(registry) = args.registry.iter().find(|registry| !host(registry)) {
        return Err(JudgeError::Registry(registry.clone()));
    }
    let rules = crate::rules::all();
    let known = |pattern: &str| rules.iter().chain(own).any(|rule| model::exception::glob(pattern, rule.code));
    if let Some(pattern) = args.check.iter().chain(&args.skip).find(|pattern| !known(pattern)) {
        let own = pattern.starts_with(policy::user_rules::CODE_PREFIX);
        return Err(if own { JudgeError::NoSuchPolicy } else { JudgeError::NoSuchCheck }(pattern.clone()));
    }
    let control =
        |pattern: &str| model::catalogue::controls().iter().any(|control| model::exception::glob(pattern, control.id));
    if let Some(pattern) = args.controls.iter().find(|pattern| !control(pattern)) {
        return Err(JudgeError::NoSuchControl(pattern.clone()));
    }
    Ok(config)
}

fn selects_control(args: &JudgeArgs, id: &str) -> bool {
    args.controls.is_empty() || args.controls.iter().any(|pattern| model::exception::glob(pattern, id))
}

/// Reads what checks must know before they see the first object.
fn prepare(config: &mut Config, sources: &[Source]) {
    let Some(admission) = config.pod_security.admission_mut() else { return };
    for (index, source) in sources.iter().enumerate() {
        let Some(text) = text(source) else { continue };
        manifest::documents(&text, FileId(index as u32), |document| {
            let Ok(tree) = document else { return };
            let mut collect = |tree: &manifest::Tree<'_>| {
                manifest::object::objects(tree, |found| {
                    if let manifest::object::Found::Object(object) = found {
                        admission.collect(&object);
                    }
                });
            };
            if tree.has_duplicates() {
                // Of several readings of a label the stricter counts.
                manifest::Reading::ALL.into_iter().for_each(|reading| collect(&tree.reading(reading)));
            } else {
                collect(&tree);
            }
        });
    }
}

/// A piece of work for one thread.
struct Task<'s> {
    file: FileId,
    bytes: u64,
    segment: Segment<'s>,
}

fn run_workers<'e>(engine: &'e Engine<'e>, sources: &[Source], args: &JudgeArgs) -> Vec<Worker<'e>> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = args.jobs.map_or(cores, usize::from).min(sources.len().max(1) * 4).max(1);
    let progress = progress_bar(args, sources.len());
    let next = AtomicUsize::new(0);
    let large = Mutex::new(Vec::new());
    let small = |worker: &mut Worker<'e>| {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(source) = sources.get(index) else { return };
            read_source(worker, FileId(index as u32), source, &large);
            progress.inc(1);
        }
    };
    let mut workers: Vec<Worker<'e>> = (0..threads).map(|_| engine.worker()).collect();
    // A thread for one small file would cost more than the file.
    let starting = threads.min(sources.len().max(1));
    in_parallel(workers.get_mut(..starting).unwrap_or_default(), small);
    // Files too large for one thread, one after the other, each shared by all threads.
    let large = large.into_inner().unwrap_or_else(PoisonError::into_inner);
    for (file, bytes, text) in large {
        let tasks: Vec<Task<'_>> =
            segments(&text, SEGMENT_BYTES_MIN).into_iter().map(|segment| Task { file, bytes, segment }).collect();
        let next = AtomicUsize::new(0);
        in_parallel(&mut workers, |worker| {
            while let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                worker.segment(task.file, task.bytes, task.segment);
            }
        });
    }
    progress.finish_and_clear();
    workers
}

fn in_parallel<'e>(workers: &mut [Worker<'e>], work: impl Fn(&mut Worker<'e>) + Sync) {
    let Some((own, others)) = workers.split_first_mut() else { return };
    std::thread::scope(|scope| {
        for worker in others {
            scope.spawn(|| work(worker));
        }
        work(own);
    });
}

fn read_source(worker: &mut Worker<'_>, file: FileId, source: &Source, large: &Mutex<Vec<(FileId, u64, String)>>) {
    let bytes = match &source.content {
        Content::Skipped(judgement, gap) => return worker.unjudged(file, 0, *judgement, gap.clone()),
        Content::Text(bytes) => Cow::Borrowed(bytes.as_slice()),
        Content::File(path) => match crate::input::read(path) {
            Ok(bytes) => Cow::Owned(bytes),
            Err(message) => {
                return worker.unjudged(file, 0, Judgement::NotJudged, Some((GapKind::Unreadable, message)));
            }
        },
    };
    let length = bytes.len() as u64;
    let faulty = |worker: &mut Worker<'_>, error: DecodeError| {
        worker.unjudged(file, length, Judgement::NotJudged, Some((GapKind::Error, error.to_string())));
    };
    if bytes.len() >= LARGE_BYTES_MIN {
        match decode_owned(bytes.into_owned()) {
            Ok(text) => large.lock().unwrap_or_else(PoisonError::into_inner).push((file, length, text)),
            Err(error) => faulty(worker, error),
        }
        return;
    }
    match decode(&bytes) {
        Ok(text) => worker.file(file, length, &text),
        Err(error) => faulty(worker, error),
    }
}

fn progress_bar(args: &JudgeArgs, files: usize) -> indicatif::ProgressBar {
    if args.quiet || !std::io::stderr().is_terminal() || files < 50 {
        return indicatif::ProgressBar::hidden();
    }
    let bar = indicatif::ProgressBar::new(files as u64);
    let style = indicatif::ProgressStyle::with_template("judging [{bar:40}] {pos}/{len} files");
    bar.with_style(style.unwrap_or_else(|_| indicatif::ProgressStyle::default_bar()))
}
