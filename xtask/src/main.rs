//! `cargo xtask`: the project's chores, one file per task.

mod codegen;

use std::process::ExitCode;

/// What a task ends with; the message goes to stderr.
pub(crate) type Done = Result<(), Box<dyn std::error::Error>>;

/// One chore.
struct Task {
    name: &'static str,
    usage: &'static str,
    run: fn(&[String]) -> Done,
}

const TASKS: &[Task] =
    &[Task { name: "codegen", usage: "schema --openapi FILE   writes tables from published facts", run: codegen::run }];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let task = words.first().and_then(|word| TASKS.iter().find(|task| task.name == word));
    let Some(task) = task else {
        eprintln!("usage: cargo xtask TASK\n");
        for task in TASKS {
            eprintln!("  {} {}", task.name, task.usage);
        }
        return ExitCode::from(2);
    };
    match (task.run)(&words[1..]) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's root, wherever the task is started from.
pub(crate) fn root() -> std::path::PathBuf {
    let own = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}
