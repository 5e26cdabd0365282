//! How the checks say what they found.

use std::borrow::Cow;

use manifest::pod::ContainerKind;
use manifest::{PodTemplate, Value};
use model::{Location, Severity};

use super::admission::Mode;
use super::facts::Container;
use super::malformed::NOT_JUDGED;
use super::plan::Check;
use super::standard::Version;
use crate::Sink;

/// Longest value that a message repeats, in characters.
const SHOWN_MAX: usize = 80;

/// Where findings of one pod go.
#[derive(Debug)]
pub(super) struct Report<'r, 's> {
    /// The check that runs now.
    pub(super) check: &'static Check,
    /// Version and mode of the policy that is applied.
    pub(super) version: Version,
    pub(super) mode: Option<Mode>,
    sink: &'r mut Sink<'s>,
    pod: &'r PodTemplate<'r>,
    /// What was said already under a stricter mode, as family of the check and field. Kept only where
    /// several modes are judged.
    said: Vec<(&'static str, Box<str>)>,
}

/// Whose `securityContext` it is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'c, 'd> {
    /// The pod's.
    Pod,
    /// A container's.
    Container(&'c Container<'d>),
}

impl<'r, 's> Report<'r, 's> {
    /// For one pod; `check` is set before each check runs.
    pub(super) fn new(sink: &'r mut Sink<'s>, pod: &'r PodTemplate<'r>, check: &'static Check) -> Self {
        Report { check, version: Version::LATEST, mode: None, sink, pod, said: Vec::new() }
    }

    /// Something of the pod. `field` is the path below the pod spec; `what` goes on after "the pod".
    pub(super) fn pod(&mut self, at: impl Into<Location>, field: &str, what: impl AsRef<str>) {
        let field = self.pod.field(field);
        self.report(at.into(), field, None, format!("the pod {}", what.as_ref()), None);
    }

    /// Something of a container. `field` is the path below it; `what` goes on after its name.
    pub(super) fn container(
        &mut self,
        container: &Container<'_>,
        at: impl Into<Location>,
        field: &str,
        what: impl AsRef<str>,
    ) {
        self.place(Place::Container(container), at, field, what, None);
    }

    /// Something of a pod or a container, perhaps worse than the rule usually is.
    pub(super) fn place(
        &mut self,
        place: Place<'_, '_>,
        at: impl Into<Location>,
        field: &str,
        what: impl AsRef<str>,
        severity: Option<Severity>,
    ) {
        let what = what.as_ref();
        match place {
            Place::Pod => {
                let field = self.pod.field(field);
                self.report(at.into(), field, None, format!("the pod {what}"), severity);
            }
            Place::Container(container) => {
                let listed = &container.listed;
                let field = self.pod.field(&listed.path(field));
                let kind = match listed.kind {
                    ContainerKind::Init => "init container",
                    ContainerKind::Regular => "container",
                    ContainerKind::Ephemeral => "ephemeral container",
                };
                let name = listed.name();
                let message = match name {
                    "" => format!("{kind} number {} {what}", listed.index + 1),
                    name => format!("{kind} `{}` {what}", cut(name)),
                };
                self.report(at.into(), field, Some(name), message, severity);
            }
        }
    }

    /// An annotation of the pod, about one of its containers or about all of it.
    pub(super) fn annotation(&mut self, key: &str, value: Value<'_>, container: Option<&str>) {
        let field = self.beside_spec(&format!("metadata.annotations[{key}]"));
        let message = format!("the pod sets the annotation `{}` to {}", cut(key), shown(value));
        self.report(value.location(), field, container, message, None);
    }

    /// Path of a field that stands beside the pod spec, as the metadata does.
    fn beside_spec(&self, field: &str) -> String {
        format!("{}{field}", self.pod.path.strip_suffix("spec").unwrap_or(""))
    }

    /// A part that is of the wrong type, so that nothing below it was judged.
    pub(super) fn not_judged(&mut self, place: Place<'_, '_>, at: Value<'_>, field: &str, what: &str) {
        let (path, container) = match place {
            Place::Pod if field.starts_with("metadata.") => (self.beside_spec(field), None),
            Place::Pod => (self.pod.field(field), None),
            Place::Container(c) => (self.pod.field(&c.listed.path(field)), Some(c.listed.name())),
        };
        if self.says_first(NOT_JUDGED.code, &path) {
            let entry = self.sink.report(&NOT_JUDGED, at, format!("`{path}` {what}")).field(path);
            if let Some(name) = container {
                entry.container(name);
            }
        }
    }

    /// A pod without a container. A custom resource may leave them to its controller.
    pub(super) fn lacks_containers(&mut self, at: Location) {
        let path = self.pod.field("containers");
        if self.pod.builtin && self.says_first(NOT_JUDGED.code, &path) {
            self.sink.report(&NOT_JUDGED, at, format!("`{path}` names no container")).field(path);
        }
    }

    /// Whether this was not said yet; always true where only one policy is applied.
    fn says_first(&mut self, family: &'static str, field: &str) -> bool {
        if self.mode.is_none() {
            return true;
        }
        let first = !self.said.iter().any(|(other, path)| *other == family && **path == *field);
        if first {
            self.said.push((family, field.into()));
        }
        first
    }

    fn report(
        &mut self,
        at: Location,
        field: String,
        container: Option<&str>,
        message: String,
        severity: Option<Severity>,
    ) {
        let check = self.check;
        if !self.says_first(check.family(), &field) {
            return;
        }
        let severity = severity.unwrap_or(check.rule.severity);
        let mut entry = self
            .sink
            .report(check.rule, at, message)
            .severity(self.mode.map_or(severity, |mode| mode.severity(severity)))
            .property("check", check.id)
            .property("level", check.level.as_str())
            .property("version", self.version.to_string())
            .field(field);
        if let Some(name) = container {
            entry = entry.container(name);
        }
        if let Some(mode) = self.mode {
            entry.property("mode", mode.as_str());
        }
    }
}

/// The value as a message repeats it.
pub(super) fn shown(value: Value<'_>) -> Cow<'static, str> {
    match value.text() {
        Some(text) if text.is_empty() => Cow::Borrowed("the empty string"),
        Some(text) if value.as_str().is_some() => Cow::Owned(format!("`{}`", cut(&text))),
        Some(text) => Cow::Owned(text.into_owned()),
        None if value.is_map() => Cow::Borrowed("a mapping"),
        None if value.is_seq() => Cow::Borrowed("a list"),
        None => Cow::Borrowed("null"),
    }
}

fn cut(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(SHOWN_MAX) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
    }
}
