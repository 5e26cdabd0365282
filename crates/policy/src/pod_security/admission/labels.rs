//! The pod-security labels of a namespace.

use std::borrow::Cow;

use manifest::{Object, Value};

use super::ModeLevels;
use crate::pod_security::standard::{Level, Version};

/// What the pod-security labels of one namespace ask for. A level or version without a label is left
/// to the defaults of the API server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamespaceLabels {
    enforce: Option<Label<Level>>,
    enforce_version: Option<Version>,
    warn: Option<Level>,
    warn_version: Option<Version>,
    audit: Option<Level>,
    audit_version: Option<Version>,
}

/// A label that may be unreadable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Label<T> {
    value: T,
    readable: bool,
}

/// What all these labels start with.
const PREFIX: &str = "pod-security.kubernetes.io/";

impl NamespaceLabels {
    /// Reads the labels of a Namespace. As admission does, an unreadable level counts as restricted for
    /// enforce and as privileged for the others, an unreadable version as the latest.
    pub fn of(namespace: &Object<'_>) -> Self {
        let mut labels = NamespaceLabels::default();
        for (key, value) in entries(namespace) {
            let Some(name) = key.as_str().and_then(|key| key.strip_prefix(PREFIX)) else { continue };
            let text = text(value);
            let level = || parse_level(&text);
            let version = || Some(parse_version(&text).unwrap_or(Version::LATEST));
            match name {
                "enforce" => {
                    let value = level().unwrap_or(Level::Restricted);
                    labels.enforce = Some(Label { value, readable: level().is_ok() });
                }
                "warn" => labels.warn = Some(level().unwrap_or(Level::Privileged)),
                "audit" => labels.audit = Some(level().unwrap_or(Level::Privileged)),
                "enforce-version" => labels.enforce_version = version(),
                "warn-version" => labels.warn_version = version(),
                "audit-version" => labels.audit_version = version(),
                _ => {}
            }
        }
        labels
    }

    /// Whether the namespace says itself what is enforced.
    pub fn enforces(&self) -> bool {
        self.enforce.is_some()
    }

    /// The levels, completed with defaults.
    pub fn levels(&self, defaults: ModeLevels) -> ModeLevels {
        let mut levels = defaults;
        levels.enforce.level = self.enforce.map_or(defaults.enforce.level, |label| label.value);
        levels.enforce.version = self.enforce_version.unwrap_or(defaults.enforce.version);
        levels.audit.level = self.audit.unwrap_or(defaults.audit.level);
        levels.audit.version = self.audit_version.unwrap_or(defaults.audit.version);
        levels.warn.level = self.warn.unwrap_or(defaults.warn.level);
        levels.warn.version = self.warn_version.unwrap_or(defaults.warn.version);
        // Whoever labels a stricter level to enforce, and none to warn of, is warned of that too.
        let readable = self.enforce.is_some_and(|label| label.readable);
        if self.warn.is_none() && readable && levels.enforce.level > levels.warn.level {
            levels.warn.level = levels.enforce.level;
            if self.warn_version.is_none() {
                levels.warn.version = levels.enforce.version;
            }
        }
        levels
    }
}

/// Labels that admission cannot read: key, value and what is wrong.
pub(in crate::pod_security) fn invalid<'d>(
    namespace: &Object<'d>,
) -> impl Iterator<Item = (Value<'d>, Value<'d>, String)> + use<'d> {
    entries(namespace).filter_map(|(key, value)| {
        let full = key.as_str()?;
        let text = text(value);
        let fault = match full.strip_prefix(PREFIX)? {
            "enforce" | "warn" | "audit" => parse_level(&text).err(),
            "enforce-version" | "warn-version" | "audit-version" => parse_version(&text).err(),
            _ => Some("no label that admission reads".to_owned()),
        };
        Some((key, value, format!("label `{full}`: {}", fault?)))
    })
}

/// Reads a level, or says what it is instead.
pub(in crate::pod_security) fn parse_level(text: &str) -> Result<Level, String> {
    text.parse().map_err(|_| format!("`{text}` is no level; one of privileged, baseline, restricted"))
}

/// Reads a version, or says what it is instead.
pub(in crate::pod_security) fn parse_version(text: &str) -> Result<Version, String> {
    text.parse().map_err(|_| format!("`{text}` is no version; latest, or one like v1.36"))
}

fn entries<'d>(namespace: &Object<'d>) -> impl Iterator<Item = (Value<'d>, Value<'d>)> + use<'d> {
    namespace.metadata.and_then(|metadata| metadata.get("labels")).into_iter().flat_map(Value::entries)
}

fn text<'d>(value: Value<'d>) -> Cow<'d, str> {
    value.text().unwrap_or_default()
}
