//! Goes through an object once and looks at every text where secrets can be.

use std::fmt::Write as _;

use manifest::{Object, Value};
use model::Severity;
use model::exception::glob;

use super::detect::{Hit, credentials};
use super::words::{Literal, Promise, is_placeholder, is_reference, literal, promise};
use super::{CREDENTIAL, DEFAULT_PASSWORD, HIGH_ENTROPY, LITERAL, base64_text};
use crate::check::Context;
use crate::config::Config;
use crate::sink::Sink;

/// Longest text that is taken for a list of settings, line by line. The API server keeps ConfigMaps
/// below 1 MiB.
const SETTINGS_BYTES_MAX: usize = 1 << 20;

/// Where a named value stands, which tells how far its name can be trusted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Environment variables, arguments, settings: names chosen by the application.
    Setting,
    /// Any other field.
    Field,
    /// Annotations and labels, whose keys are often about secrets without holding them.
    Note,
}

/// One step of the way from the root.
#[derive(Clone, Copy)]
enum Step<'d> {
    Key(&'d str),
    Index(usize),
}

struct Walk<'w, 'd, 's> {
    config: &'w Config,
    sink: &'w mut Sink<'s>,
    steps: Vec<Step<'d>>,
    container: Option<&'d str>,
    /// Names and values of the object mean what they say; not so in schemas.
    pairs: bool,
}

pub(super) fn check(object: &Object<'_>, context: Context<'_>, sink: &mut Sink<'_>) {
    let is_secret = object.is("", "Secret");
    // In schemas and policies, names and defaults are about other objects.
    let pairs = !is_secret && !matches!(object.group, "apiextensions.k8s.io" | "admissionregistration.k8s.io");
    let mut walk = Walk { config: context.config, sink, steps: Vec::with_capacity(16), container: None, pairs };
    let holds_settings = object.is("", "ConfigMap");
    for (key, value) in object.value.entries() {
        let name = key.as_str().unwrap_or("");
        walk.steps.push(Step::Key(name));
        match name {
            "data" | "stringData" if is_secret => walk.secret(value, name == "data"),
            "data" if holds_settings => walk.settings(value),
            "binaryData" if holds_settings => walk.binary(value),
            _ => walk.visit(name, value, Place::Field),
        }
        walk.steps.pop();
    }
}

impl<'d> Walk<'_, 'd, '_> {
    fn visit(&mut self, key: &'d str, value: Value<'d>, place: Place) {
        if let Some(text) = value.as_str() {
            self.bytes(value, text.as_bytes());
            if self.pairs && !key.is_empty() {
                self.pair(key, value, text, place);
            }
        } else if value.is_map() {
            self.map(value, place);
        } else if value.is_seq() {
            if self.pairs && matches!(key, "command" | "args") {
                self.arguments(value);
            }
            let containers = matches!(key, "containers" | "initContainers" | "ephemeralContainers");
            for (index, item) in value.items().enumerate() {
                self.steps.push(Step::Index(index));
                if containers {
                    self.container = item.str_at("name");
                }
                self.visit("", item, place);
                self.steps.pop();
            }
            if containers {
                self.container = None;
            }
        }
    }

    fn map(&mut self, map: Value<'d>, place: Place) {
        let (mut name, mut literal) = (None, None);
        for (key, value) in map.entries() {
            let key = key.as_str().unwrap_or("");
            match key {
                "name" => name = value.as_str(),
                "value" => literal = Some(value),
                _ => {}
            }
            let place = if matches!(key, "annotations" | "labels" | "matchLabels") { Place::Note } else { place };
            self.steps.push(Step::Key(key));
            self.visit(key, value, place);
            self.steps.pop();
        }
        // A name and a value side by side: an environment variable, or a parameter of a chart.
        if let (Some(name), Some(value), true) = (name, literal, self.pairs)
            && let Some(text) = value.text()
        {
            self.steps.push(Step::Key("value"));
            self.pair(name, value, &text, Place::Setting);
            self.steps.pop();
        }
    }

    /// Looks for credentials of known formats.
    fn bytes(&mut self, at: Value<'d>, bytes: &[u8]) {
        let mut seen: Option<usize> = None;
        credentials(bytes, |hit| {
            // One credential may have the anchors of two formats.
            if seen.is_none_or(|end| hit.range.start >= end) {
                seen = Some(hit.range.end);
                self.hit(at, bytes, &hit);
            }
        });
    }

    fn hit(&mut self, at: Value<'d>, bytes: &[u8], hit: &Hit) {
        let Some(found) = bytes.get(hit.range.clone()).and_then(|found| std::str::from_utf8(found).ok()) else {
            return;
        };
        if self.allowed(found) {
            return;
        }
        let named = hit.format.name;
        if hit.format.anchor == "://" {
            let severity = match literal(Promise::Password, found, self.config.secret_entropy_min) {
                Literal::No => return,
                Literal::Default => Severity::Medium,
                Literal::Yes => Severity::High,
            };
            let rule = if severity == Severity::Medium { &DEFAULT_PASSWORD } else { &CREDENTIAL };
            let message = format!("`{}` holds {named} of {} characters", self.label(), found.len());
            self.report(rule, at, message, Some(severity));
            return;
        }
        let rest = found.get(hit.format.anchor.len().min(found.len())..).unwrap_or("");
        let is_key = hit.format.anchor.contains("PRIVATE KEY");
        if !is_key && is_reference(found) {
            return;
        }
        let example = !is_key && (is_placeholder(rest) || distinct(rest) < 6 && rest.len() >= 12);
        let severity = example.then_some(Severity::Low);
        let kind = if example { "what looks like an example of " } else { "" };
        let message = if is_key {
            format!("`{}` holds {named}", self.label())
        } else {
            let head: String = found.chars().take(4).collect();
            format!("`{}` holds {kind}{named}: `{head}…`, {} characters", self.label(), found.len())
        };
        self.report(&CREDENTIAL, at, message, severity);
    }

    /// Looks at a value whose name may promise a secret.
    fn pair(&mut self, name: &str, at: Value<'d>, value: &str, place: Place) {
        let name = if place == Place::Note { name.rsplit('/').next().unwrap_or(name) } else { name };
        let Some(promise) = promise(name) else { return };
        match (place, promise) {
            (Place::Setting, _)
            | (Place::Field, Promise::Password | Promise::Token)
            | (Place::Note, Promise::Password) => {}
            _ => return,
        }
        let verdict = literal(promise, value, self.config.secret_entropy_min);
        // Fields of custom resources often name the Secret, or the key in it, that holds the password.
        if verdict == Literal::No || place != Place::Setting && is_object_name(value) || self.allowed(value) {
            return;
        }
        // What is recognised by its format was reported by that.
        let mut known = false;
        credentials(value.as_bytes(), |_| known = true);
        if known {
            return;
        }
        let length = value.trim().chars().count();
        let (rule, message) = match (verdict, promise) {
            (Literal::Default, _) => (&DEFAULT_PASSWORD, format!("`{name}` is set to a well-known password")),
            (_, Promise::Mention) => {
                (&HIGH_ENTROPY, format!("`{name}` is set to a random value of {length} characters"))
            }
            (_, Promise::Password) => (&LITERAL, format!("`{name}` is set to a literal of {length} characters")),
            (_, Promise::Token) => (&LITERAL, format!("`{name}` is set to a literal key of {length} characters")),
        };
        self.report(rule, at, message, None);
    }

    /// Arguments of a command: `--name=value`, `--name value`, `NAME=value`, also inside of scripts.
    fn arguments(&mut self, list: Value<'d>) {
        let mut flag: Option<&str> = None;
        for (index, item) in list.items().enumerate() {
            let Some(text) = item.as_str() else { continue };
            self.steps.push(Step::Index(index));
            for word in text.split_ascii_whitespace() {
                if let Some((name, value)) = word.split_once('=') {
                    let name = name.trim_start_matches('-');
                    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
                        self.pair(name, item, value, Place::Setting);
                    }
                    flag = None;
                } else if let Some(name) = word.strip_prefix("--") {
                    flag = Some(name);
                } else if let Some(name) = flag.take() {
                    self.pair(name, item, word, Place::Setting);
                }
            }
            self.steps.pop();
        }
    }

    /// Data of a ConfigMap: names with values, and files with settings line by line.
    fn settings(&mut self, data: Value<'d>) {
        for (key, value) in data.entries() {
            let name = key.as_str().unwrap_or("");
            let Some(text) = value.text() else { continue };
            self.steps.push(Step::Key(name));
            self.bytes(value, text.as_bytes());
            if !text.contains('\n') {
                self.pair(name, value, &text, Place::Setting);
            } else if text.len() <= SETTINGS_BYTES_MAX {
                for (name, setting) in text.lines().filter_map(setting) {
                    self.pair(name, value, setting, Place::Setting);
                }
            }
            self.steps.pop();
        }
    }

    fn binary(&mut self, data: Value<'d>) {
        for (key, value) in data.entries() {
            let Some(bytes) = value.as_str().and_then(base64_text) else { continue };
            self.steps.push(Step::Key(key.as_str().unwrap_or("")));
            self.bytes(value, &bytes);
            self.steps.pop();
        }
    }

    /// Data of a Secret. That there is a value is for the check on Secrets to report.
    fn secret(&mut self, data: Value<'d>, encoded: bool) {
        for (key, value) in data.entries() {
            let (Some(name), Some(text)) = (key.as_str(), value.as_str()) else { continue };
            let decoded = if encoded { base64_text(text) } else { None };
            let bytes = decoded.as_deref().unwrap_or(text.as_bytes());
            self.steps.push(Step::Key(name));
            self.bytes(value, bytes);
            if let (Some(promise), Ok(plain)) = (promise(name), std::str::from_utf8(bytes))
                && literal(promise, plain, self.config.secret_entropy_min) == Literal::Default
                && !self.allowed(plain)
            {
                let message = format!("`{name}` is set to a well-known password");
                self.report(&DEFAULT_PASSWORD, value, message, None);
            }
            self.steps.pop();
        }
    }

    fn allowed(&self, value: &str) -> bool {
        self.config.secrets_allowed.iter().any(|pattern| glob(pattern, value))
    }

    fn report(&mut self, rule: &'static model::Rule, at: Value<'d>, message: String, severity: Option<Severity>) {
        let field = self.path();
        let mut entry = self.sink.report(rule, at, message).field(field);
        if let Some(name) = self.container {
            entry = entry.container(name);
        }
        if let Some(severity) = severity {
            entry.severity(severity);
        }
    }

    /// What a message calls the text: its key, or the list that it stands in.
    fn label(&self) -> &'d str {
        let keys = self.steps.iter().rev().filter_map(|step| match step {
            Step::Key(key) => Some(*key),
            Step::Index(_) => None,
        });
        keys.into_iter().next().unwrap_or("")
    }

    fn path(&self) -> String {
        let mut path = String::new();
        for step in &self.steps {
            // Writing to a String cannot fail.
            let _ = match step {
                Step::Key(key) if path.is_empty() => write!(path, "{key}"),
                Step::Key(key) => write!(path, ".{key}"),
                Step::Index(index) => write!(path, "[{index}]"),
            };
        }
        path
    }
}

/// A line `name = value` or `name: value` of a file with settings, quotes and commas taken off.
fn setting(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    if line.starts_with(['#', ';', '/', '*', '<']) {
        return None;
    }
    let at = line.find([':', '='])?;
    let (name, value) = line.split_at_checked(at)?;
    let name = name.trim().trim_start_matches("export ").trim_start_matches("- ").trim_matches(['"', '\'']);
    let value = value.trim_start_matches([':', '=']).trim().trim_end_matches([',', ';']).trim_matches(['"', '\'']);
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    (plain && !name.is_empty() && !value.is_empty() && value.len() <= 1024).then_some((name, value))
}

/// Whether a value could be the name of an object: lower-case words with dashes.
fn is_object_name(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'-' | b'.' | b'_' | b'/'))
}

/// Number of different bytes, as far as sixteen.
fn distinct(text: &str) -> usize {
    let mut seen = [0_u8; 16];
    let mut count = 0;
    for byte in text.bytes() {
        let known = seen.iter().take(count).any(|other| *other == byte);
        if !known {
            let Some(slot) = seen.get_mut(count) else { break };
            *slot = byte;
            count += 1;
        }
    }
    count
}
