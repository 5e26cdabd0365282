//! Rules of users' policies.
//!
//! A policy that somebody brings gets a rule like the built-in checks have one, so that reports, exceptions
//! and controls need no second notion of it. Its code is `policy/` and the policy's name; title, severity and
//! controls come from the annotations `kobuk.dev/title`, `kobuk.dev/severity` and `kobuk.dev/controls`. Where policies
//! of several kinds have one name, the code of a MutatingAdmissionPolicy has `mutating:` before the name, that of a
//! ConstraintTemplate `template:`.
//! Policies are loaded once in a process and their rules live as long as it does.

use manifest::Object;
use model::{Rule, Scope, Serves, Severity, catalogue};

/// Put before the name of a policy to make the code of its rule.
pub const CODE_PREFIX: &str = "policy/";

/// Severity of a policy that names none.
const SEVERITY: Severity = Severity::Medium;

/// The control of a policy that names none: only what is allowed comes in.
const CONTROL: &str = "DE-01";

/// An annotation that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnnotationError {
    /// No such severity.
    #[error("`kobuk.dev/severity: {0}` is no severity; use info, low, medium, high or critical")]
    Severity(String),
    /// No such control.
    #[error("`kobuk.dev/controls` names `{0}`, which is no control; `kobuk controls list` lists all of them")]
    Control(String),
}

/// Makes the rule of a policy. `code` is what stands behind [`CODE_PREFIX`].
pub fn rule(object: &Object<'_>, code: &str) -> Result<&'static Rule, AnnotationError> {
    let note = |key: &str| object.annotation(key).map(str::trim).filter(|text| !text.is_empty());
    let name = object.name();
    let severity = match note("kobuk.dev/severity") {
        None => SEVERITY,
        Some(word) => word.parse().map_err(|_| AnnotationError::Severity(word.to_owned()))?,
    };
    let mut serves = Vec::new();
    for word in note("kobuk.dev/controls").unwrap_or(CONTROL).split([',', ' ']).filter(|word| !word.is_empty()) {
        let control = catalogue::control(word).ok_or_else(|| AnnotationError::Control(word.to_owned()))?;
        // The silence of a policy that somebody wrote proves nothing about a control of the catalogue.
        serves.push(Serves::part(control.id));
    }
    let title = note("kobuk.dev/title").or_else(|| note("metadata.gatekeeper.sh/title"));
    let why = note("kobuk.dev/description").or_else(|| note("description"));
    let title = title.map_or_else(|| format!("The policy {name} is violated"), str::to_owned);
    let why = why.map_or_else(|| String::from("A policy of this organisation says so."), str::to_owned);
    Ok(Box::leak(Box::new(Rule {
        code: leak(format!("{CODE_PREFIX}{code}")),
        title: leak(title),
        severity,
        scope: Scope::Object,
        serves: Box::leak(serves.into_boxed_slice()),
        why: leak(why),
        fix: "Change the object as the message says, or talk to the owner of the policy.",
        example: "",
    })))
}

fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}
