//! The settings file `kobuk.yaml`. Flags on the command line win over it.

use std::path::{Path, PathBuf};

use manifest::{Data, Value};
use model::FileId;

use crate::args::JudgeArgs;

/// The settings file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// It cannot be read.
    #[error("{}: {message}", path.display())]
    Unreadable { path: PathBuf, message: String },
    /// A field is unknown or has a wrong value.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Field { path: PathBuf, line: u32, column: u32, message: String },
}

/// Name of the file that is read when it stands in the present folder.
pub(crate) const DEFAULT_NAME: &str = "kobuk.yaml";

const FIELDS: &str = "apiVersion, kind, checks, skip, controls, podSecurity, registries, kubernetesVersion, \
                      include, exclude, exceptions, baseline, failOn, severity, format";

/// Completes the flags with what the settings file says. Returns the path of the file that was read.
pub(crate) fn complete(args: &mut JudgeArgs) -> Result<Option<PathBuf>, SettingsError> {
    let path = match &args.config {
        Some(path) => path.clone(),
        None if Path::new(DEFAULT_NAME).is_file() => PathBuf::from(DEFAULT_NAME),
        None => return Ok(None),
    };
    let unreadable = |message: String| SettingsError::Unreadable { path: path.clone(), message };
    let bytes = crate::input::read(&path).map_err(unreadable)?;
    let text = manifest::decode::decode(&bytes).map_err(|error| unreadable(error.to_string()))?;
    let mut outcome = Ok(());
    let mut documents = 0;
    manifest::documents(&text, FileId(0), |document| {
        documents += 1;
        if outcome.is_ok() {
            outcome = match document {
                Ok(_) if documents > 1 => Err(unreadable("more than one document; keep one".to_owned())),
                Ok(tree) => apply(args, tree.root(), &path),
                Err(error) => Err(field_error(&path, error.location(), error.to_string())),
            };
        }
    });
    outcome.map(|()| Some(path))
}

fn apply(args: &mut JudgeArgs, root: Value<'_>, path: &Path) -> Result<(), SettingsError> {
    if root.has_repeated_keys() {
        return Err(field_error(path, root.location(), "a key stands twice".to_owned()));
    }
    for (key, value) in root.entries() {
        let name = key.as_str().unwrap_or("");
        let fail = |message: String| field_error(path, value.location(), message);
        let words = || words(value).ok_or_else(|| fail(format!("`{name}` takes a string or a list of strings")));
        let word = || value.as_str().ok_or_else(|| fail(format!("`{name}` takes a string")));
        let relative = |file: &str| path.parent().unwrap_or(Path::new("")).join(file);
        match name {
            "apiVersion" | "kind" => {}
            "checks" => merge(&mut args.check, words()?),
            "skip" => merge(&mut args.skip, words()?),
            "controls" => merge(&mut args.controls, words()?),
            "registries" => merge(&mut args.registry, words()?),
            "include" => merge(&mut args.include, words()?),
            "exclude" => merge(&mut args.exclude, words()?),
            "exceptions" if args.exceptions.is_empty() => {
                args.exceptions = words()?.iter().map(|file| relative(file)).collect();
            }
            "podSecurity" => set(&mut args.pod_security, word()?.to_owned()),
            "kubernetesVersion" => set(&mut args.policy.kubernetes_version, word()?.to_owned()),
            "baseline" => set(&mut args.baseline, relative(word()?)),
            "failOn" => set(&mut args.fail_on, word()?.parse().map_err(fail)?),
            "severity" => {
                let severity = word()?.parse().map_err(|e: model::severity::UnknownSeverity| fail(e.to_string()))?;
                set(&mut args.severity, severity);
            }
            "format" => {
                let format = clap::ValueEnum::from_str(word()?, false).map_err(fail)?;
                set(&mut args.format, format);
            }
            "exceptions" => {}
            _ => return Err(field_error(path, key.location(), format!("no setting `{name}`; known are {FIELDS}"))),
        }
    }
    Ok(())
}

fn words(value: Value<'_>) -> Option<Vec<String>> {
    match value.data() {
        Data::Str(text) => Some(vec![text.to_string()]),
        Data::Seq(_) => value.items().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

fn merge(flags: &mut Vec<String>, words: Vec<String>) {
    if flags.is_empty() {
        *flags = words;
    }
}

fn set<T>(flag: &mut Option<T>, value: T) {
    flag.get_or_insert(value);
}

fn field_error(path: &Path, at: model::Location, message: String) -> SettingsError {
    SettingsError::Field { path: path.to_owned(), line: at.line, column: at.column, message }
}
