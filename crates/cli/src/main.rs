//! The binary `kobuk`.
//!
//! In scope: the command line, opening and walking files, running renderers, output formats, exit codes.
//!
//! Out of scope: reading YAML (`manifest`), deciding what is wrong (`policy`, `image`, `advisory`), images and feeds
//! (`distribute`), the vocabulary (`model`).
//! Standard output is data, standard error is talk.

mod args;
mod baseline;
mod catalogue;
mod env;
mod exit;
mod input;
mod judge;
mod policy;
mod render;
mod report;
mod rules;
mod settings;
mod verbs;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // A panic message can quote the input, and the input can hold a secret: print the place alone. The
    // engine reports the object on which a check failed.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(io::stderr().lock(), "error: an internal fault at {place}; please report it");
    }));
    match args::Cli::try_parse() {
        Ok(cli) => verbs::run(cli).into(),
        Err(error) => {
            // A closed pipe leaves nobody to tell.
            let _ = error.print();
            if error.use_stderr() { exit::Exit::Usage.into() } else { ExitCode::SUCCESS }
        }
    }
}
