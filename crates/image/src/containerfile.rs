//! Dockerfiles and Containerfiles: read with the place of every instruction, and judged.

use model::{Rule, Severity};

use crate::observation::Observation;

mod checks;
mod parse;
pub mod rules;

pub use parse::{Containerfile, Instruction, Stage, SyntaxError, parse};
pub use rules::RULES;

/// Whether a file name is one of a Containerfile: `Dockerfile`, `Containerfile`, `Dockerfile.prod`, `api.dockerfile`.
pub fn is_containerfile(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let lower = name.to_ascii_lowercase();
    let named = |word: &str| lower == word || lower.strip_prefix(word).is_some_and(|rest| rest.starts_with(['.', '-']));
    let is_other = [".md", ".txt", ".json", ".yaml", ".yml", ".dockerignore", ".sh", ".go", ".rs", ".py", ".js", ".ts"];
    (named("dockerfile")
        || named("containerfile")
        || lower.ends_with(".dockerfile")
        || lower.ends_with(".containerfile"))
        && !is_other.iter().any(|end| lower.ends_with(end))
}

/// Everything wrong with a Containerfile, in the order of its lines.
pub fn check(path: &str, file: &Containerfile) -> Vec<Observation> {
    let mut found = Vec::new();
    for check in checks::ALL {
        check(file, &mut |rule: &'static Rule, severity: Severity, line: u32, message: String| {
            let mut observation = Observation::new(rule, message).at(path, line, 1);
            observation.severity = severity;
            found.push(observation);
        });
    }
    found.sort_by(|a, b| (a.line, a.rule.code, &a.message).cmp(&(b.line, b.rule.code, &b.message)));
    found
}

#[cfg(test)]
mod tests;
