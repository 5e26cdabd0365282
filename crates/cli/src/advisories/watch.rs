//! `kobuk advisories watch`: which images of a fleet new advisories affect, from the index and without a scan.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use advisory::database::RecordView;
use advisory::matching::{Verdict, judge};
use advisory::record::{Advisory, Affected};
use advisory::version::Scheme;
use clap::{Args, Subcommand, ValueEnum};
use distribute::fleet::{Fleet, Installed, Member};
use distribute::webhook::{Endpoint, Mode, Sender};
use image::sbom::Bill;
use model::package::Kind;

use super::{DatabaseArg, now, open};
use crate::env;
use crate::exit::Exit;
use crate::report::Shown;
use crate::verbs::{chain, remark, talk};

/// Below `kobuk advisories watch`.
#[derive(Debug, Subcommand)]
pub(crate) enum WatchCommand {
    /// Take bills of materials into the index, each in place of an earlier one of the same image
    Add(AddArgs),
    /// Take images out of the index, by digest
    Remove(RemoveArgs),
    /// List the images of the index
    List(IndexArg),
    /// Tell which images advisories affect, as CloudEvents, one a line; 1 when there are any
    Affected(AffectedArgs),
    /// Send what was not sent yet to a webhook; 1 when something was sent, 2 when something waits for the next round
    Notify(NotifyArgs),
}

#[derive(Debug, Args)]
pub(crate) struct IndexArg {
    /// The index [default: fleet.redb in the user's data folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) index: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// CycloneDX or SPDX documents
    #[arg(required = true)]
    pub(crate) bills: Vec<PathBuf>,
    /// Who runs the images, as NAMESPACE/KIND/NAME; repeatable
    #[arg(long, value_name = "WORKLOAD")]
    pub(crate) workload: Vec<String>,
    #[command(flatten)]
    pub(crate) index: IndexArg,
}

#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    /// Digests as `list` prints them
    #[arg(required = true)]
    pub(crate) digests: Vec<String>,
    #[command(flatten)]
    pub(crate) index: IndexArg,
}

#[derive(Debug, Args)]
pub(crate) struct AffectedArgs {
    /// Only these advisories [default: all of the database]
    pub(crate) advisories: Vec<String>,
    /// Only advisories that changed on this day or later
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) since: Option<String>,
    #[command(flatten)]
    pub(crate) index: IndexArg,
    #[command(flatten)]
    pub(crate) database: DatabaseArg,
}

/// Form of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EventMode {
    /// The whole event as the body
    Structured,
    /// Its data as the body, its attributes as headers
    Binary,
}

#[derive(Debug, Args)]
pub(crate) struct NotifyArgs {
    /// Where to send: https, or http to this machine or without a token. Redirects are not followed
    #[arg(long, value_name = "URL")]
    pub(crate) url: String,
    /// Form of the events, CloudEvents 1.0
    #[arg(long, value_enum, default_value = "structured")]
    pub(crate) mode: EventMode,
    /// File with the key of the header `Kobuk-Signature: sha256=…`, HMAC-SHA-256 of the body
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// File with the token of the header `Authorization: Bearer …`
    #[arg(long, value_name = "FILE")]
    pub(crate) bearer_file: Option<PathBuf>,
    /// How often an event is tried before it waits for the next round
    #[arg(long, value_name = "COUNT", default_value_t = 4)]
    pub(crate) attempts: u32,
    /// What one attempt may take
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub(crate) timeout: u64,
    #[command(flatten)]
    pub(crate) affected: AffectedArgs,
}

/// Runs one verb.
pub(super) fn run(command: &WatchCommand, out: &mut dyn Write) -> Result<Exit, String> {
    match command {
        WatchCommand::Add(args) => add(args),
        WatchCommand::Remove(args) => {
            let digests: Vec<&str> = args.digests.iter().map(String::as_str).collect();
            fleet(&args.index)?.remove(&digests).map_err(|error| chain(&error))?;
            Ok(Exit::Clean)
        }
        WatchCommand::List(index) => {
            for member in fleet(index)?.list().map_err(|error| chain(&error))? {
                let line = format!("{} {} {}", member.digest, member.names.join(" "), member.workloads.join(" "));
                writeln!(out, "{}", Shown(line.trim_end())).map_err(|error| error.to_string())?;
            }
            Ok(Exit::Clean)
        }
        WatchCommand::Affected(args) => {
            let mut exit = Exit::Clean;
            let fleet = fleet(&args.index)?;
            affected(args, &fleet, &mut |event| {
                exit = Exit::Findings;
                writeln!(out, "{event}").map_err(|error| error.to_string())
            })?;
            Ok(exit)
        }
        WatchCommand::Notify(args) => notify(args),
    }
}

fn fleet(index: &IndexArg) -> Result<Fleet, String> {
    let usual = || env::data_dir().map(|folder| folder.join("fleet.redb"));
    let path = index.index.clone().or_else(usual).ok_or("no data folder is known; name the index with --index")?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    Fleet::open(&path).map_err(|error| format!("{}: {}", path.display(), chain(&error)))
}

fn add(args: &AddArgs) -> Result<Exit, String> {
    let mut members = Vec::with_capacity(args.bills.len());
    for path in &args.bills {
        let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let bill = image::sbom::read(&bytes).map_err(|error| format!("{}: {}", path.display(), chain(&error)))?;
        let name =
            if bill.subject.name.is_empty() { path.display().to_string() } else { bill.subject.name.to_string() };
        let digest = bill.subject.digest.as_ref().map_or_else(|| name.clone(), ToString::to_string);
        let packages = installed(&bill);
        members.push(Member { digest, names: vec![name], workloads: args.workload.clone(), packages });
    }
    fleet(&args.index)?.add(&members).map_err(|error| chain(&error))?;
    let packages: usize = members.iter().map(|member| member.packages.len()).sum();
    remark(&format!("{} images with {packages} packages in the index", members.len()));
    Ok(Exit::Clean)
}

/// The packages of a bill by the names under which advisories may speak of them.
fn installed(bill: &Bill) -> Vec<Installed> {
    let systems = bill.distro.as_ref().and_then(advisory::ecosystem::ecosystems).unwrap_or_default();
    let mut installed = Vec::new();
    for package in bill.packages() {
        let mut push = |ecosystem: &str, name: &str, version: &str| {
            installed.push(Installed { ecosystem: ecosystem.into(), package: name.into(), version: version.into() });
        };
        if matches!(package.kind, Kind::Deb | Kind::Apk | Kind::Rpm | Kind::Alpm) {
            for ecosystem in &systems {
                push(ecosystem, &package.name, &package.version);
                if let Some(source) = &package.source {
                    let version = if source.version.is_empty() { &package.version } else { &source.version };
                    push(ecosystem, &source.name, version);
                }
            }
            continue;
        }
        let ecosystem = package.kind.osv_ecosystem();
        if !ecosystem.is_empty() {
            push(ecosystem, &advisory::import::package_name(ecosystem, &package.name), &package.version);
        }
    }
    installed.sort();
    installed.dedup();
    installed
}

/// One round: what is new goes into the outbox, and what lies there is sent. It stays there until the receiver has it.
fn notify(args: &NotifyArgs) -> Result<Exit, String> {
    let text = |path: &PathBuf| {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        match text.trim() {
            "" => Err(format!("{} is empty", path.display())),
            text => Ok(text.to_owned()),
        }
    };
    let endpoint = Endpoint {
        url: args.url.clone(),
        mode: if args.mode == EventMode::Binary { Mode::Binary } else { Mode::Structured },
        secret: args.secret_file.as_ref().map(text).transpose()?.map(String::into_bytes),
        bearer: args.bearer_file.as_ref().map(text).transpose()?,
        attempts: args.attempts,
        pause: PAUSE,
        timeout: Duration::from_secs(args.timeout.max(1)),
    };
    let sender = Sender::new(endpoint).map_err(|error| chain(&error))?;
    let fleet = fleet(&args.affected.index)?;
    let mut events = Vec::new();
    affected(&args.affected, &fleet, &mut |event| {
        events.push(event);
        Ok(())
    })?;
    let fail = |error: distribute::fleet::FleetError| chain(&error);
    fleet.post(&args.url, &events).map_err(fail)?;
    let waiting = fleet.waiting(&args.url).map_err(fail)?;
    let (mut sent, mut refused) = (0usize, 0usize);
    for event in &waiting {
        let id = event.get("id").and_then(|id| id.as_str()).unwrap_or_default();
        match sender.deliver(event, &mut std::thread::sleep) {
            Ok(()) => {
                fleet.delivered(&args.url, &[id], now()).map_err(fail)?;
                sent += 1;
            }
            Err(error) => {
                talk("warning", &format!("{}: {}", Shown(id), Shown(&chain(&error))));
                refused += 1;
                // A receiver that is away is away for all of them, and each would be waited for.
                if error.may_pass() {
                    break;
                }
            }
        }
    }
    let left = waiting.len() - sent;
    remark(&format!("{sent} events sent, {left} wait for the next round"));
    Ok(match (left, sent) {
        (0, 0) => Exit::Clean,
        (0, _) => Exit::Findings,
        _ => {
            debug_assert!(refused > 0);
            Exit::NotJudged
        }
    })
}

/// Gives the event of each image that an advisory affects.
fn affected(
    args: &AffectedArgs,
    fleet: &Fleet,
    give: &mut dyn FnMut(serde_json::Value) -> Result<(), String>,
) -> Result<(), String> {
    let since = match &args.since {
        None => None,
        Some(day) => Some(
            model::exception::parse_date(day).ok_or_else(|| format!("--since `{day}` is no day; write YYYY-MM-DD"))?
                - 86_399,
        ),
    };
    let (mapped, _) = open(&args.database)?;
    let database = mapped.database().map_err(|error| chain(&error))?;
    let time = model::exception::format_date(now());
    let mut tell = |advisories: &[Advisory]| -> Result<(), String> {
        for impact in fleet.affected(advisories, applies).map_err(|error| chain(&error))? {
            give(impact.event("kobuk", &time))?;
        }
        Ok(())
    };
    let fail = |error: advisory::database::DatabaseError| error.to_string();
    let new = |record: &RecordView<'_>| -> Result<bool, String> {
        let changed = record.changed_unix().map_err(fail)?;
        Ok(since.zip(changed).is_none_or(|(since, changed)| changed >= since))
    };
    if !args.advisories.is_empty() {
        let mut records = Vec::new();
        for name in &args.advisories {
            records.extend(database.advisory(name).map_err(fail)?);
            records.extend(database.mentioning(name).map_err(fail)?);
        }
        records.sort_by_key(RecordView::place);
        records.dedup_by_key(|record| record.place());
        let mut asked = Vec::with_capacity(records.len());
        for record in records {
            if new(&record)? {
                asked.push(record.read().map_err(fail)?);
            }
        }
        return tell(&asked);
    }
    let mut batch = Vec::with_capacity(BATCH);
    for record in database.records() {
        let record = record.map_err(fail)?;
        if new(&record)? {
            batch.push(record.read().map_err(fail)?);
        }
        if batch.len() == BATCH {
            tell(&batch)?;
            batch.clear();
        }
    }
    tell(&batch)
}

/// Whether an advisory says that a version is affected. What cannot be compared counts, because silence would hide it.
fn applies(affected: &Affected, version: &str) -> bool {
    let Some(scheme) = Scheme::of_ecosystem(&affected.ecosystem) else { return true };
    !matches!(judge(scheme, version, affected), Ok(Verdict::Unaffected | Verdict::Cleared))
}

/// The first pause between attempts; it doubles.
const PAUSE: Duration = Duration::from_secs(1);
/// Advisories that are asked of the index at once.
const BATCH: usize = 1000;
