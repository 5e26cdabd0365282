//! `kobuk policy convert`: policies in another form.

use std::io::Write;

use policy::export::{Style, write};

use super::args::{ConvertArgs, Engine};
use super::eval::plural;
use super::load::{self, LoadError, policy_texts};
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
pub(crate) fn convert(args: &ConvertArgs, out: &mut dyn Write) -> Result<Exit, ConvertError> {
    let actions: Vec<&str> = args.action.iter().map(String::as_str).collect();
    if args.builtin {
        let actions: &[&str] = if actions.is_empty() { &["Deny"] } else { &actions };
        return builtin(args, Style { actions, prefix: args.prefix.as_deref().unwrap_or("kobuk-") }, out);
    }
    let style = Style { actions: &actions, prefix: args.prefix.as_deref().unwrap_or("gatekeeper-") };
    templates(args, style, out)
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

fn templates(args: &ConvertArgs, style: Style<'_>, out: &mut dyn Write) -> Result<Exit, ConvertError> {
    let texts = policy_texts(&args.paths)?;
    let options = load::options(Engine::Cel, load::minor(args.kubernetes_version.as_deref())?);
    let (policies, remarks) = load::policies(&texts, options)?;
    let conversion = policies.gatekeeper.convert(style.prefix, style.actions);
    out.write_all(conversion.yaml.as_bytes())?;
    remarks.iter().for_each(|remark| crate::verbs::remark(remark));
    for left in &conversion.left {
        crate::verbs::remark(&format!("{} is not converted: {}", left.object, left.reason));
    }
    crate::verbs::remark(&format!(
        "{} as ValidatingAdmissionPolicies, {} as bindings",
        plural(conversion.policies, "template"),
        plural(conversion.bindings, "constraint")
    ));
    let complete = conversion.left.is_empty() && conversion.policies > 0;
    Ok(if complete { Exit::Clean } else { Exit::NotJudged })
}
