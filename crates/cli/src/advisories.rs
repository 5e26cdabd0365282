//! `kobuk advisories`: the database of known vulnerabilities.

mod watch;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use advisory::record::Source;
use clap::{Args, Subcommand, ValueEnum};
use distribute::advisories::{self as store, Input, Mapped};
use distribute::feeds::Feeds;
use serde_json::json;

use crate::artifacts::usual_database;
use crate::env;
use crate::exit::Exit;
use crate::report::Shown;
use crate::verbs::{chain, clock, remark, talk, usage};

/// Below `kobuk advisories`.
#[derive(Debug, Subcommand)]
pub(crate) enum AdvisoriesCommand {
    /// Build the database from files and folders: OSV, GHSA, RustSec, CSAF, OVAL, secdb, NVD and others, told by content
    Build(BuildArgs),
    /// Fetch what changed in all feeds and build the database anew, or take it from a bundle
    Update(UpdateArgs),
    /// Tell what the database holds, from where, and how old it is
    Status(StatusArgs),
    /// Show an advisory, or what is known of a package
    Show(ShowArgs),
    /// Write all advisories as OSV, one JSON document a line, or the database as a bundle
    Export(ExportArgs),
    /// Tell which images of a fleet advisories affect, from an index of bills of materials
    #[command(subcommand)]
    Watch(watch::WatchCommand),
}

#[derive(Debug, Args)]
pub(crate) struct DatabaseArg {
    /// The database [default: advisories.kobukdb in the user's data folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) database: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// Sources: `NAME=PATH`, or a path whose last component is the name; files, folders, zip archives
    #[arg(value_name = "[NAME=]PATH", required = true)]
    pub(crate) sources: Vec<String>,
    /// Ecosystems that the sources cover wholly, as in `NAME=npm,PyPI`; repeatable. Silence about others is unknown
    #[arg(long, value_name = "NAME=ECOSYSTEM[,…]")]
    pub(crate) covers: Vec<String>,
    /// License of a source, as in `NAME=CC-BY-4.0`; repeatable
    #[arg(long, value_name = "NAME=SPDX")]
    pub(crate) license: Vec<String>,
    /// Ecosystem of a source whose files do not name theirs, as in `NAME=Amazon Linux:2023`; repeatable. updateinfo.xml,
    /// errata.json and the OVAL of Azure Linux need it
    #[arg(long, value_name = "NAME=ECOSYSTEM")]
    pub(crate) ecosystem: Vec<String>,
    #[command(flatten)]
    pub(crate) database: DatabaseArg,
    /// Build although files could not be read
    #[arg(long)]
    pub(crate) allow_problems: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    /// Feeds to use instead of the standard ones, as TOML; `--show-feeds` prints the standard ones as an example
    #[arg(long, value_name = "FILE")]
    pub(crate) feeds: Option<PathBuf>,
    /// Print the standard feeds and do nothing
    #[arg(long)]
    pub(crate) show_feeds: bool,
    /// Take files that a server gives in place of newer ones
    #[arg(long)]
    pub(crate) allow_older: bool,
    /// Take the database of a bundle that `export --bundle` wrote, and fetch nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["feeds", "allow_older"])]
    pub(crate) from: Option<PathBuf>,
    /// Refuse the bundle unless FILE.sig, 64 bytes of Ed25519, is its signature by this public key in PEM
    #[arg(long, value_name = "FILE", requires = "from")]
    pub(crate) key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) database: DatabaseArg,
}

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) database: DatabaseArg,
    /// Sources older than this many days are stale
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    pub(crate) stale_after: u32,
    /// Read every record and compare the digest
    #[arg(long)]
    pub(crate) verify: bool,
    /// Output format
    #[arg(long, short, value_enum, default_value = "text")]
    pub(crate) format: Form,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// CVE-2024-1234, GHSA-…, or ECOSYSTEM/PACKAGE as in npm/lodash and Debian:12/openssl
    pub(crate) what: String,
    #[command(flatten)]
    pub(crate) database: DatabaseArg,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Write one file with the database and its digests for machines without a network, instead of OSV
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) database: DatabaseArg,
}

/// Form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// For people
    Text,
    /// For programs
    Json,
}

/// Runs one verb.
pub(crate) fn run(command: &AdvisoriesCommand, out: &mut dyn Write) -> Exit {
    let ended = match command {
        AdvisoriesCommand::Build(args) => return build(args),
        AdvisoriesCommand::Update(args) => update(args, out),
        AdvisoriesCommand::Status(args) => status(args, out),
        AdvisoriesCommand::Show(args) => show(args, out),
        AdvisoriesCommand::Export(args) => export(args, out),
        AdvisoriesCommand::Watch(command) => watch::run(command, out),
    };
    match ended.and_then(|exit| out.flush().map(|()| exit).map_err(|error| error.to_string())) {
        Ok(exit) => exit,
        Err(message) if message.contains("Broken pipe") => Exit::Clean,
        Err(message) => {
            talk("error", &message);
            Exit::NotJudged
        }
    }
}

fn path(given: &DatabaseArg) -> Result<PathBuf, String> {
    let missing = || String::from("no data folder is known; name the database with --database");
    given.database.clone().or_else(usual_database).ok_or_else(missing)
}

fn now() -> i64 {
    env::source_date_epoch().unwrap_or_else(clock)
}

fn build(args: &BuildArgs) -> Exit {
    let inputs = match args.sources.iter().map(|source| input(source, args)).collect::<Result<Vec<_>, String>>() {
        Ok(inputs) => inputs,
        Err(message) => return usage(&message),
    };
    let names = |name: &str| inputs.iter().any(|input| &*input.source.name == name);
    for given in args.covers.iter().chain(&args.license).chain(&args.ecosystem) {
        if !given.split_once('=').is_some_and(|(name, _)| names(name)) {
            return usage(&format!(
                "`{given}` names no source of this build; give NAME=… with a name from the command line"
            ));
        }
    }
    let path = match path(&args.database) {
        Ok(path) => path,
        Err(message) => return usage(&message),
    };
    let (bytes, report) = match store::build(&inputs, now()) {
        Ok(built) => built,
        Err(error) => {
            talk("error", &chain(&error));
            return Exit::NotJudged;
        }
    };
    for problem in report.problems.iter().take(PROBLEMS_SHOWN_MAX) {
        talk("warning", &format!("{}: {}", Shown(&problem.file), Shown(&why(problem))));
    }
    if report.problems.len() > PROBLEMS_SHOWN_MAX {
        talk("warning", &format!("{} more files with problems", report.problems.len() - PROBLEMS_SHOWN_MAX));
    }
    if !report.problems.is_empty() && !args.allow_problems {
        talk(
            "error",
            "files could not be read, so the database was not put in place; mend them or use --allow-problems",
        );
        return Exit::NotJudged;
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty())
        && let Err(error) = fs::create_dir_all(folder)
    {
        talk("error", &format!("{}: {error}", folder.display()));
        return Exit::NotJudged;
    }
    match store::install(&path, &bytes, now()) {
        Ok(()) => {
            remark(&format!("{} records of {} files in {}", report.records, report.files, path.display()));
            coverage(&bytes);
            Exit::Clean
        }
        Err(error) => {
            talk("error", &chain(&error));
            Exit::NotJudged
        }
    }
}

fn update(args: &UpdateArgs, out: &mut dyn Write) -> Result<Exit, String> {
    if args.show_feeds {
        out.write_all(Feeds::STANDARD.as_bytes()).map_err(|error| error.to_string())?;
        return Ok(Exit::Clean);
    }
    if let Some(bundle) = &args.from {
        return from_bundle(bundle, args);
    }
    let feeds = match &args.feeds {
        None => Feeds::standard(),
        Some(path) => Feeds::read(&fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?),
    };
    let feeds = feeds.map_err(|error| chain(&error))?;
    let path = path(&args.database)?;
    let folder = path.with_extension("feeds");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let fetched = distribute::feeds::update(&feeds, &folder, now(), args.allow_older);
    for (name, error) in &fetched.failures {
        talk("warning", &format!("{}: {}", Shown(name), Shown(&chain(error))));
    }
    let before = Mapped::open(&path).ok();
    let before = before.as_ref().and_then(|before| before.database().ok());
    if before.is_none() && fetched.inputs.iter().all(|input| !input.path.exists()) {
        return Err("no feed could be fetched and none was fetched before; the database is left as it is".into());
    }
    let (bytes, report) =
        store::build_on(&fetched.inputs, now(), before.as_ref(), args.allow_older).map_err(|error| chain(&error))?;
    let failed = |name: &str| fetched.failures.iter().any(|(failed, _)| failed == name);
    for problem in report.problems.iter().take(PROBLEMS_SHOWN_MAX) {
        talk("warning", &format!("{}: {}", Shown(&problem.file), Shown(&why(problem))));
    }
    for kept in &report.kept {
        let reason = if failed(&kept.source) { "it could not be fetched" } else { &kept.why };
        let what = match kept.records {
            0 => String::from("nothing was known of it before"),
            count => format!("its {count} records and their age are kept"),
        };
        talk("warning", &format!("{}: {reason}; {what}", Shown(&kept.source)));
    }
    store::install(&path, &bytes, now()).map_err(|error| chain(&error))?;
    let kept: u64 = report.kept.iter().map(|kept| kept.records).sum();
    remark(&format!(
        "{} feeds changed, {} records in {}",
        fetched.changed.len(),
        report.records + kept,
        path.display()
    ));
    // A feed that failed keeps its old records with their old date; whoever asks is told when they are stale.
    let whole = fetched.failures.is_empty() && report.problems.is_empty() && report.kept.is_empty();
    Ok(if whole { Exit::Clean } else { Exit::NotJudged })
}

/// Puts the database of a bundle in place, when all digests and, where a key is given, the signature are right.
fn from_bundle(bundle: &Path, args: &UpdateArgs) -> Result<Exit, String> {
    let read = |path: &Path| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    let bytes = read(bundle)?;
    let fail = |error: store::BundleError| format!("{}: {}", bundle.display(), chain(&error));
    if let Some(key) = &args.key {
        let mut beside = bundle.as_os_str().to_owned();
        beside.push(".sig");
        let key = fs::read_to_string(key).map_err(|error| format!("{}: {error}", key.display()))?;
        store::verify_signature(&bytes, &read(Path::new(&beside))?, &key).map_err(fail)?;
    }
    let (database, manifest) = store::unbundle(&bytes).map_err(fail)?;
    let path = path(&args.database)?;
    store::install(&path, &database, now()).map_err(|error| chain(&error))?;
    let made = model::exception::format_date(manifest.made_unix);
    let sources = manifest.sources.len();
    remark(&format!("{} records of {sources} sources, made {made}, in {}", manifest.records, path.display()));
    Ok(Exit::Clean)
}

fn why(problem: &store::FileReport) -> String {
    match &problem.outcome {
        Err(why) => why.to_string(),
        Ok(stats) => format!("{stats:?}"),
    }
}

/// Tells which ecosystems have records but no source that answers for all of them.
fn coverage(bytes: &[u8]) {
    let content = advisory::database::Content::new(bytes);
    let Ok(database) = advisory::database::Database::open(&content) else { return };
    let covers: Vec<Box<str>> =
        database.sources().unwrap_or_default().into_iter().flat_map(|source| source.covers).collect();
    let mut loose: Vec<&str> = database
        .packages()
        .flatten()
        .map(|(ecosystem, _)| ecosystem)
        .filter(|name| !covers.iter().any(|covered| **covered == **name || Some(&**covered) == name.split(':').next()))
        .collect();
    loose.sort_unstable();
    loose.dedup();
    if !loose.is_empty() {
        let names = loose.iter().take(8).copied().collect::<Vec<_>>().join(", ");
        let more = if loose.len() > 8 { format!(" and {} more", loose.len() - 8) } else { String::new() };
        remark(&format!(
            "no source says that it covers {names}{more}: what is not found there stays unknown; say so with --covers NAME=ECOSYSTEM"
        ));
    }
}

fn input(text: &str, args: &BuildArgs) -> Result<Input, String> {
    let (name, path) = match text.split_once('=') {
        Some((name, path)) if !Path::new(text).exists() => (name.to_owned(), PathBuf::from(path)),
        _ => {
            let path = PathBuf::from(text);
            let name = path.file_stem().map(|name| name.to_string_lossy().into_owned());
            (name.ok_or_else(|| format!("`{text}` has no name; give NAME=PATH"))?, path)
        }
    };
    if !path.exists() {
        return Err(format!("{} does not exist", path.display()));
    }
    let given = |list: &[String]| -> Option<String> {
        list.iter()
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.to_owned())
    };
    let covers = given(&args.covers).unwrap_or_default();
    let source = Source {
        name: name.as_str().into(),
        url: format!("file:{}", path.display()).into(),
        license: given(&args.license).unwrap_or_default().into(),
        made_unix: None,
        fetched_unix: newest(&path).unwrap_or_else(now).min(now()),
        covers: covers.split(',').filter(|word| !word.is_empty()).map(Into::into).collect(),
    };
    let ecosystem = given(&args.ecosystem).map(Into::into);
    Ok(Input { source, path, format: None, ecosystem })
}

/// When the newest file of a source was written: that long ago at least it was fetched.
fn newest(path: &Path) -> Option<i64> {
    let written = |path: &Path| {
        let time = fs::metadata(path).ok()?.modified().ok()?;
        time.duration_since(std::time::UNIX_EPOCH).ok().map(|since| since.as_secs() as i64)
    };
    match path.is_dir() {
        true => ignore::WalkBuilder::new(path)
            .standard_filters(false)
            .build()
            .flatten()
            .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
            .filter_map(|entry| written(entry.path()))
            .max(),
        false => written(path),
    }
}

fn open(given: &DatabaseArg) -> Result<(Mapped, PathBuf), String> {
    let path = path(given)?;
    let mapped = Mapped::open(&path).map_err(|error| {
        let hint = "`kobuk advisories build` makes one";
        format!("{}; {hint}", chain(&error))
    })?;
    Ok((mapped, path))
}

fn status(args: &StatusArgs, out: &mut dyn Write) -> Result<Exit, String> {
    let (mapped, path) = open(&args.database)?;
    let database = mapped.database().map_err(|error| chain(&error))?;
    if args.verify {
        database.verify().map_err(|error| error.to_string())?;
    }
    let sources = database.sources().map_err(|error| error.to_string())?;
    let stale_s = i64::from(args.stale_after) * 86_400;
    let ages = mapped.ages(now(), stale_s).map_err(|error| chain(&error))?;
    let write = |error: io::Error| error.to_string();
    let made = model::exception::format_date(database.made_unix());
    if args.format == Form::Json {
        let list: Vec<_> = sources
            .iter()
            .zip(&ages)
            .map(|(source, age)| {
                json!({
                    "name": source.name, "url": source.url, "license": source.license, "covers": source.covers,
                    "madeUnix": source.made_unix, "fetchedUnix": source.fetched_unix, "ageSeconds": age.age_s, "stale": age.stale,
                })
            })
            .collect();
        let value = json!({ "path": path, "madeAt": made, "advisories": database.len(), "sources": list });
        serde_json::to_writer_pretty(&mut *out, &value).map_err(|error| error.to_string())?;
        writeln!(out).map_err(write)?;
    } else {
        writeln!(out, "{}: {} advisories, built {made}", path.display(), database.len()).map_err(write)?;
        for (source, age) in sources.iter().zip(&ages) {
            let days =
                age.age_s.map_or(String::from("of unknown age"), |seconds| format!("{} days old", seconds / 86_400));
            let stale = if age.stale { ", stale" } else { "" };
            let license = if source.license.is_empty() { "no license stated" } else { &source.license };
            let covers = if source.covers.is_empty() {
                String::from("covers nothing wholly")
            } else {
                format!("covers {}", source.covers.join(", "))
            };
            let line = format!("  {}: {days}{stale}; {license}; {covers}", source.name);
            writeln!(out, "{}", Shown(&line)).map_err(write)?;
        }
    }
    let stale = ages.iter().any(|age| age.stale);
    Ok(if stale { Exit::NotJudged } else { Exit::Clean })
}

fn show(args: &ShowArgs, out: &mut dyn Write) -> Result<Exit, String> {
    let (mapped, _) = open(&args.database)?;
    let database = mapped.database().map_err(|error| chain(&error))?;
    let fail = |error: advisory::database::DatabaseError| error.to_string();
    let mut records = database.advisory(&args.what).map_err(fail)?;
    records.extend(database.mentioning(&args.what).map_err(fail)?);
    if records.is_empty()
        && let Some((ecosystem, package)) = args.what.split_once('/')
    {
        for hit in database.affected(ecosystem, package).map_err(fail)? {
            records.push(hit.map_err(fail)?.record);
        }
    }
    records.dedup_by_key(|record| record.place());
    if records.is_empty() {
        return Err(format!("nothing is known of `{}`; name an advisory, or a package as in npm/lodash", args.what));
    }
    for record in records {
        let advisory = record.read().map_err(fail)?;
        text(&advisory, &database, out).map_err(|error| error.to_string())?;
    }
    Ok(Exit::Clean)
}

fn text(
    advisory: &advisory::record::Advisory,
    database: &advisory::database::Database<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "{}  {}", Shown(&advisory.id), Shown(&advisory.summary))?;
    let names: Vec<&str> = advisory.aliases.iter().chain(&advisory.upstream).map(|name| &**name).collect();
    if !names.is_empty() {
        writeln!(out, "  also {}", Shown(&names.join(", ")))?;
    }
    if advisory.withdrawn_unix.is_some() {
        writeln!(out, "  withdrawn")?;
    }
    for severity in &advisory.severities {
        let score = match &severity.score {
            advisory::record::Score::Cvss(vector) => match advisory::cvss::score(vector) {
                Ok(score) => format!("{score:.1}  {vector}"),
                Err(_) => vector.to_string(),
            },
            advisory::record::Score::Word(word) => word.to_string(),
        };
        writeln!(out, "  severity {}", Shown(&score))?;
    }
    for id in std::iter::once(&advisory.id).chain(&advisory.aliases).chain(&advisory.upstream) {
        if let Some(epss) = database.epss(id).map_err(io::Error::other)? {
            writeln!(out, "  EPSS {:.2} % (above {:.0} % of all)", epss.probability * 100.0, epss.percentile * 100.0)?;
        }
        if let Some(known) = database.exploited(id).map_err(io::Error::other)? {
            writeln!(out, "  exploited, known since {}", Shown(&known.added))?;
        }
    }
    for affected in &advisory.affected {
        let ranges: Vec<String> = affected.ranges.iter().map(range).collect();
        let versions = if ranges.is_empty() && affected.versions.is_empty() {
            String::from("all versions")
        } else {
            ranges.join(", ")
        };
        let more = if affected.versions.is_empty() {
            String::new()
        } else {
            format!(" {} listed versions", affected.versions.len())
        };
        let line = format!("  {}/{}: {versions}{more}", affected.ecosystem, affected.package);
        writeln!(out, "{}", Shown(&line))?;
    }
    for reference in advisory.references.iter().take(5) {
        writeln!(out, "  {}", Shown(reference))?;
    }
    Ok(())
}

fn range(range: &advisory::record::Range) -> String {
    use advisory::record::End;
    let from = range
        .introduced
        .as_ref()
        .map_or(String::new(), |version| format!("{} {version} ", if range.exclusive { "after" } else { "from" }));
    let to = match &range.end {
        End::Open => String::from("without a fix"),
        End::Fixed(version) => format!("fixed in {version}"),
        End::LastAffected(version) => format!("up to {version}"),
        End::Before(version) => format!("before {version}"),
    };
    format!("{from}{to}")
}

fn export(args: &ExportArgs, out: &mut dyn Write) -> Result<Exit, String> {
    let (mapped, _) = open(&args.database)?;
    if let Some(path) = &args.bundle {
        let bytes = store::bundle(mapped.bytes()).map_err(|error| chain(&error))?;
        store::write(path, &bytes).map_err(|error| chain(&error))?;
        remark(&format!("{} bytes in {}", bytes.len(), path.display()));
        return Ok(Exit::Clean);
    }
    let database = mapped.database().map_err(|error| chain(&error))?;
    let mut out = out;
    store::osv(&database, &mut out).map_err(|error| chain(&error))?;
    Ok(Exit::Clean)
}

/// Files with problems that are named one by one.
const PROBLEMS_SHOWN_MAX: usize = 20;
