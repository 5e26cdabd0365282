//! The binary `kobuk`.
//!
//! In scope: the command line, opening and walking files, running renderers, output formats, exit codes.
//!
//! Out of scope: reading YAML (`manifest`), deciding what is wrong (`policy`), the vocabulary (`model`).
//! Standard output is data, standard error is talk.

mod args;
mod baseline;
mod catalogue;
mod env;
mod exit;
mod input;
mod judge;
mod render;
mod report;
mod settings;
mod verbs;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match args::Cli::try_parse() {
        Ok(cli) => verbs::run(cli).into(),
        Err(error) => {
            // A closed pipe leaves nobody to tell.
            let _ = error.print();
            if error.use_stderr() { exit::Exit::Usage.into() } else { ExitCode::SUCCESS }
        }
    }
}
