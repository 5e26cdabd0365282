//! `kobuk policy convert`: policies in another form.

use std::io::Write;

use policy::export::{Style, write};

use super::args::ConvertArgs;
use super::load::{LoadError, policy_texts};
use crate::exit::Exit;

/// The output cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConvertError {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(
        "--check `{0}` matches no built-in check that CEL can say; `kobuk policy convert --builtin` lists those that can"
    )]
    NoSuchCheck(String),
    #[error("cannot write the output")]
    Write(#[from] std::io::Error),
}

/// `kobuk policy convert`.
pub(crate) fn convert(args: &ConvertArgs, minor: u32, out: &mut dyn Write) -> Result<Exit, ConvertError> {
    let actions: Vec<&str> = args.action.iter().map(String::as_str).collect();
    let style = Style { actions: &actions, prefix: &args.prefix };
    if args.builtin {
        return builtin(args, style, out);
    }
    let texts = policy_texts(&args.paths)?;
    let _ = minor;
    templates(&texts, style, out)
}

fn builtin(args: &ConvertArgs, style: Style<'_>, out: &mut dyn Write) -> Result<Exit, ConvertError> {
    let matches = |pattern: &str, code: &str| model::exception::glob(pattern, code);
    for pattern in &args.check {
        let known = policy::export::groups().flat_map(|group| group.forms).any(|form| matches(pattern, form.rule.code));
        if !known {
            return Err(ConvertError::NoSuchCheck(pattern.clone()));
        }
    }
    let wanted = |code: &str| args.check.is_empty() || args.check.iter().any(|pattern| matches(pattern, code));
    let (text, count) = write(style, |rule| wanted(rule.code));
    out.write_all(text.as_bytes())?;
    crate::verbs::remark(&format!("{count} built-in checks as ValidatingAdmissionPolicies"));
    Ok(Exit::Clean)
}

fn templates(texts: &super::documents::Texts, style: Style<'_>, out: &mut dyn Write) -> Result<Exit, ConvertError> {
    let _ = (texts, style, out);
    Ok(Exit::NotJudged)
}
