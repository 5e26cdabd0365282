//! What each verb does.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use clap::CommandFactory;
use model::Severity;

use crate::args::{Cli, Color, Command, ControlsCommand, FailOn, GenerateCommand, JudgeArgs, ScanCommand};
use crate::artifacts::Subject;
use crate::exit::{Allow, Exit};
use crate::report::{Format, Render};
use crate::{catalogue, env, judge, report, settings};

/// Severity from which on findings fail a run when the user names none: all but the merely informative.
pub(crate) const FAIL_ON: FailOn = FailOn::From(Severity::Low);

/// Width of text output when nothing tells the terminal's.
const COLUMNS: usize = 100;

/// Runs one verb.
pub(crate) fn run(cli: Cli) -> Exit {
    let out = &mut BufWriter::new(io::stdout().lock());
    let outcome = match cli.command {
        Command::Assess(args) => return assess(args, true, out),
        Command::Scan(ScanCommand::Manifests(args)) => return assess(args, false, out),
        Command::Scan(ScanCommand::Image(args)) => return crate::artifacts::scan_image(&args, out),
        Command::Scan(ScanCommand::Fs(args)) => return crate::artifacts::scan_folder(&args, Subject::Root, out),
        Command::Scan(ScanCommand::Repo(args)) => return crate::artifacts::scan_folder(&args, Subject::Source, out),
        Command::Sbom(args) => return crate::artifacts::sbom(&args, out),
        Command::Advisories(command) => return crate::advisories::run(&command, out),
        Command::Policy(command) => {
            let ended = crate::policy::run(&command, out);
            return match ended.and_then(|exit| out.flush().map(|()| exit).map_err(Into::into)) {
                Ok(exit) => exit,
                Err(error) if broken_pipe(&*error) => Exit::Clean,
                Err(error) => usage(&chain(&*error)),
            };
        }
        Command::Controls(ControlsCommand::List { format, phase }) => {
            catalogue::list(format, phase.as_deref(), out).map_err(|error| chain(&error))
        }
        Command::Controls(ControlsCommand::Show { id, format }) => {
            catalogue::show(&id, format, out).map_err(|error| chain(&error))
        }
        Command::Explain(args) => {
            catalogue::explain(args.code.as_deref(), args.format, out).map_err(|error| chain(&error))
        }
        Command::Generate(GenerateCommand::Crd) => {
            out.write_all(policy::exceptions::CRD.as_bytes()).map_err(|error| chain(&error))
        }
        Command::Generate(GenerateCommand::Reference) => {
            out.write_all(reference().as_bytes()).map_err(|error| chain(&error))
        }
        Command::Generate(GenerateCommand::Man { dir }) => man_pages(&dir).map_err(|error| chain(&error)),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "kobuk", out);
            Ok(())
        }
    };
    match outcome.and_then(|()| out.flush().map_err(|error| chain(&error))) {
        Ok(()) => Exit::Clean,
        Err(message) => usage(&message),
    }
}

/// `kobuk assess` and `kobuk scan manifests`.
fn assess(mut args: JudgeArgs, assess: bool, out: &mut dyn Write) -> Exit {
    let begun = Instant::now();
    match settings::complete(&mut args) {
        Ok(Some(path)) if args.config.is_none() && !args.quiet => {
            remark(&format!("settings from {}", path.display()));
        }
        Ok(_) => {}
        Err(error) => return usage(&chain(&error)),
    }
    let now_unix = env::source_date_epoch().unwrap_or_else(clock);
    let run = match judge::judge(&args, now_unix) {
        Ok(run) => run,
        Err(error) => return usage(&chain(&error)),
    };
    let fail_on = args.fail_on.unwrap_or(FAIL_ON);
    let allow = Allow { unrendered: args.allow_unrendered, unknown: args.allow_unknown };
    let exit = Exit::of(&run.report, fail_on, allow);
    let command = if assess { "assess" } else { "scan manifests" };
    let render = Render {
        report: &run.report,
        rules: &run.rules,
        source: &|file| run.sources.get(file.0 as usize).and_then(judge::text),
        color: args.output.is_none() && colored(args.color),
        width: width(),
        assess,
        now_unix,
        version: env!("CARGO_PKG_VERSION"),
        elapsed_ms: elapsed_ms(begun),
        command,
        fail_on: fail_on.severity(),
    };
    if !deliver(args.format, &render, args.output.as_deref(), out) {
        return Exit::NotJudged;
    }
    if run.report.coverage.files.is_empty() && !args.quiet {
        remark("no YAML or JSON file in the given paths; see --include and --no-ignore");
    }
    // The process ends here; giving back a million findings one by one would only cost time.
    std::mem::forget(run);
    exit
}

/// Writes a report to a file or to standard output. Tells whether it arrived; when not, the user was told why.
pub(crate) fn deliver(format: Option<Format>, render: &Render<'_>, output: Option<&Path>, out: &mut dyn Write) -> bool {
    let format = format.unwrap_or(Format::Text);
    let written = match output {
        None => report::write(format, render, out).and_then(|()| out.flush()),
        Some(path) => File::create(path).map(BufWriter::new).and_then(|mut file| {
            report::write(format, render, &mut file)?;
            file.flush()
        }),
    };
    match written {
        Ok(()) => true,
        // `kobuk … | head` is no failure.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => true,
        Err(error) => {
            talk("error", &format!("cannot write the report: {error}"));
            false
        }
    }
}

/// How long a run took. One at a fixed time takes none, so that its report can be compared byte by byte.
pub(crate) fn elapsed_ms(begun: Instant) -> u64 {
    if env::source_date_epoch().is_some() { 0 } else { begun.elapsed().as_millis() as u64 }
}

/// Whether an error, or what caused it, is a reader that went away: `kobuk … | head` is no failure.
fn broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        if cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            return true;
        }
        next = cause.source();
    }
    false
}

/// The reference of all commands, as Markdown.
fn reference() -> String {
    fn section(command: &mut clap::Command, path: &str, text: &mut String) {
        let help = command.clone().term_width(100).render_long_help().to_string();
        let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
        text.push_str(&format!("\n## {path}\n\n```text\n{}\n```\n", lines.join("\n").trim_end()));
        for sub in command.get_subcommands_mut() {
            let path = format!("{path} {}", sub.get_name());
            section(sub, &path, text);
        }
    }
    let mut command = Cli::command();
    command.build();
    let mut text = String::from("# Commands\n\nMade by `kobuk generate reference`.\n");
    section(&mut command, "kobuk", &mut text);
    text
}

fn man_pages(dir: &Path) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    clap_mangen::generate_to(Cli::command(), dir)
}

pub(crate) fn colored(color: Color) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => !env::no_color() && (env::force_color() || io::stdout().is_terminal()),
    }
}

pub(crate) fn width() -> usize {
    env::columns().unwrap_or(COLUMNS).clamp(60, 160)
}

pub(crate) fn clock() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}

pub(crate) fn usage(message: &str) -> Exit {
    talk("error", message);
    Exit::Usage
}

/// Says something that is worth knowing on standard error.
pub(crate) fn remark(message: &str) {
    talk("note", message);
}

pub(crate) fn talk(word: &str, message: &str) {
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(io::stderr().lock(), "{word}: {message}");
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
