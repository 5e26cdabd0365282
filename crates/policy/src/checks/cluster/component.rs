//! A cluster component with the settings it runs with, whichever kind of file they stand in.

use std::borrow::Cow;

use manifest::pod::Container;
use manifest::{Object, Value};
use model::{Location, Rule, Scope};

use super::command_line::{CommandLine, shell_words};
use super::kubeadm;
use crate::checks::scopes;
use crate::sink::{Entry, Sink};

/// One component with its flags, or with its configuration file.
#[derive(Debug)]
pub struct Component<'d> {
    /// Name of the program.
    pub program: &'static str,
    /// Flags on the command line.
    pub line: CommandLine<'d>,
    /// Configuration file, for components that have one.
    pub file: Option<Value<'d>>,
    /// Flags that the tool that starts the component passes when nobody else does.
    pub passed: &'static [(&'static str, &'static str)],
    /// Flags that are not here may be set in a place that is not shown.
    pub partial: bool,
    /// Where to point when a flag is missing.
    pub location: Location,
    /// Path of the flags from the object's root.
    pub field: String,
    /// Name of the container, empty outside a pod.
    pub container: &'d str,
}

/// What a component is told about one thing.
#[derive(Debug)]
pub struct Setting<'c> {
    /// Name of the flag, or path of the field.
    pub label: &'static str,
    /// Value that counts; empty when there is none.
    pub text: Cow<'c, str>,
    /// Where it is written, or where it is missing.
    pub at: Location,
    /// Whether somebody wrote it, so that it is no default.
    pub written: bool,
    /// Whether it is a flag and no field of a file.
    pub flag: bool,
}

/// What a setting must be.
#[derive(Debug)]
pub struct Demand {
    /// Reported when it is not.
    pub rule: &'static Rule,
    /// Name of the flag; empty when there is none.
    pub flag: &'static str,
    /// What the program takes when the flag is missing.
    pub flag_default: &'static str,
    /// Path of the field in the configuration file; empty when there is none.
    pub path: &'static str,
    /// What the program takes when the field is missing.
    pub path_default: &'static str,
    /// Whether a value is good.
    pub accepts: fn(&str) -> bool,
}

/// Calls `each` for every component of the given scope that the object starts or configures.
pub fn components<'d>(object: &Object<'d>, scope: Scope, mut each: impl FnMut(&Component<'d>)) {
    for pod in &object.pods {
        for container in pod.containers() {
            if let Some((program, words)) = started(&container).filter(|(program, _)| scope_of(program) == Some(scope))
            {
                each(&of_container(&container, program, words, pod.field(&container.path(""))));
            }
        }
    }
    kubeadm::components(object, scope, &mut each);
    let file = match scope {
        Scope::Kubelet if object.is("kubelet.config.k8s.io", "KubeletConfiguration") => Some("kubelet"),
        Scope::Scheduler if object.is("kubescheduler.config.k8s.io", "KubeSchedulerConfiguration") => {
            Some("kube-scheduler")
        }
        _ => None,
    };
    if let Some(program) = file {
        let mut component = Component::new(program, object.location());
        component.file = Some(object.value);
        each(&component);
    }
}

fn scope_of(program: &str) -> Option<Scope> {
    scopes::PROGRAMS.iter().find(|(name, _)| *name == program).map(|(_, scope)| *scope)
}

type Words<'d> = Vec<(Cow<'d, str>, Location)>;

/// The component that a container starts, with the words after its name.
fn started<'d>(container: &Container<'d>) -> Option<(&'static str, Words<'d>)> {
    let program = scopes::program(container)?;
    let all = container.value.list("command").chain(container.value.list("args"));
    let mut words: Words<'d> = Vec::new();
    let mut found = false;
    for value in all {
        let Some(text) = value.text() else { continue };
        if found {
            words.push((text, value.location()));
        } else if base(&text) == program {
            found = true;
        } else if text.contains(char::is_whitespace) {
            let mut script = shell_words(&text).into_iter().skip_while(|word| base(word) != program).peekable();
            found = script.next().is_some();
            words.extend(script.take_while(|word| word != ";").map(|word| (Cow::Owned(word), value.location())));
            if found {
                break;
            }
        }
    }
    if !found {
        // The image starts the program, and the words are its flags.
        words = container
            .value
            .list("args")
            .filter_map(|value| value.text().map(|text| (text, value.location())))
            .collect();
    }
    Some((program, words))
}

/// Last step of a path.
fn base(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

fn of_container<'d>(
    container: &Container<'d>,
    program: &'static str,
    words: Words<'d>,
    field: String,
) -> Component<'d> {
    let list = if container.value.get("command").is_some() { "command" } else { "args" };
    let place = container.value.get(list).map_or(container.value.location(), Value::location);
    let mut component = Component::new(program, place);
    component.field = format!("{field}.{list}");
    component.container = container.name();
    component.line = CommandLine::parse(words);
    if program == "etcd" {
        component.line = with_environment(container, &component.line);
    }
    component.partial = match program {
        "etcd" => component.line.last("config-file").is_some(),
        "kubelet" => component.line.last("config").is_some() || component.line.last("config-dir").is_some(),
        _ => false,
    };
    component
}

/// etcd takes `ETCD_CLIENT_CERT_AUTH` for `--client-cert-auth` where the flag is missing.
fn with_environment<'d>(container: &Container<'d>, flags: &CommandLine<'d>) -> CommandLine<'d> {
    let mut line = CommandLine::default();
    for entry in container.value.list("env") {
        if let Some(name) = entry.str_at("name").and_then(|name| name.strip_prefix("ETCD_")) {
            let value = entry.get("value").and_then(Value::text).unwrap_or(Cow::Borrowed("$(unknown)"));
            line.push(name.to_ascii_lowercase(), value, entry.get("value").unwrap_or(entry).location());
        }
    }
    for flag in flags.flags() {
        line.push(flag.name.clone(), flag.value.clone(), flag.location);
    }
    line
}

// === impl Component ===

impl<'d> Component<'d> {
    /// A component without any flag.
    pub fn new(program: &'static str, location: Location) -> Self {
        Component {
            program,
            line: CommandLine::default(),
            file: None,
            passed: &[],
            partial: false,
            location,
            field: String::new(),
            container: "",
        }
    }

    /// What a flag is set to; `None` when that cannot be known here.
    pub fn flag(&self, name: &'static str, default: &'static str) -> Option<Setting<'_>> {
        if self.file.is_some() {
            return None;
        }
        let setting = |text, at, written| Some(Setting { label: name, text, at, written, flag: true });
        if let Some(flag) = self.line.last(name) {
            return if flag.opaque() { None } else { setting(Cow::Borrowed(&*flag.value), flag.location, true) };
        }
        if self.partial {
            return None;
        }
        let passed = self.passed.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        setting(Cow::Borrowed(passed.unwrap_or(default)), self.location, false)
    }

    /// What a field of the configuration file is set to; `None` for a component without a file.
    pub fn field(&self, path: &'static str, default: &'static str) -> Option<Setting<'d>> {
        let value = path.split('.').try_fold(self.file?, |value, key| value.get(key));
        let (text, at) = match value {
            Some(value) if value.is_seq() => (Cow::Owned(joined(value)), value.location()),
            Some(value) => (value.text()?, value.location()),
            None => (Cow::Borrowed(default), self.location),
        };
        Some(Setting { label: path, text, at, written: value.is_some(), flag: false })
    }

    /// What a setting is, in the file or among the flags.
    pub fn setting(&self, demand: &Demand) -> Option<Setting<'_>> {
        if self.file.is_some() {
            if demand.path.is_empty() { None } else { self.field(demand.path, demand.path_default) }
        } else if demand.flag.is_empty() {
            None
        } else {
            self.flag(demand.flag, demand.flag_default)
        }
    }

    /// Items of a list flag over all its occurrences; `None` when they cannot be known here.
    pub fn items(&self, name: &'static str, default: &'static str) -> Option<Vec<&str>> {
        let setting = self.flag(name, default)?;
        let parts = |text: &'static str| text.split(',').filter(|item| !item.is_empty()).collect();
        if !setting.written {
            return Some(parts(self.passed.iter().find(|(key, _)| *key == name).map_or(default, |(_, value)| *value)));
        }
        if self.line.all(name).any(super::command_line::Flag::opaque) {
            return None;
        }
        let items = self.line.all(name).flat_map(|flag| flag.value.split(','));
        Some(items.map(str::trim).filter(|item| !item.is_empty()).collect())
    }

    /// Whether a flag is on the command line, or passed by the tool that starts the component.
    pub fn has(&self, name: &str) -> bool {
        self.line.last(name).is_some_and(|flag| !flag.value.is_empty())
            || self.passed.iter().any(|(key, value)| *key == name && !value.is_empty())
    }

    /// Reports a rule about one setting.
    pub fn report<'s>(
        &self,
        sink: &'s mut Sink<'_>,
        rule: &'static Rule,
        setting: &Setting<'_>,
        message: impl Into<Box<str>>,
    ) -> Entry<'s> {
        let entry = sink.report(rule, setting.at, message);
        let entry = if setting.flag {
            entry.field(self.field.as_str()).property("flag", setting.label)
        } else {
            entry.field(setting.label)
        };
        if self.container.is_empty() { entry } else { entry.container(self.container) }
    }

    /// Reports every demand that is not met.
    pub fn demand(&self, sink: &mut Sink<'_>, demands: &[Demand]) {
        for demand in demands {
            if let Some(setting) = self.setting(demand).filter(|setting| !(demand.accepts)(&setting.text)) {
                self.report(sink, demand.rule, &setting, setting.says(self.program));
            }
        }
    }
}

fn joined(list: Value<'_>) -> String {
    let mut text = String::new();
    for item in list.items().filter_map(Value::text) {
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(&item);
    }
    text
}

// === impl Setting ===

impl Setting<'_> {
    /// One sentence: what the setting is and whether somebody chose it.
    pub fn says(&self, program: &str) -> String {
        let dashes = if self.flag { "--" } else { "" };
        let label = self.label;
        match (self.written, self.text.is_empty()) {
            (true, true) => format!("`{dashes}{label}` of {program} is empty"),
            (true, false) => format!("`{dashes}{label}` of {program} is `{}`", shown(&self.text)),
            (false, true) => format!("`{dashes}{label}` of {program} is not set"),
            (false, false) => format!("`{dashes}{label}` of {program} is not set and stands for `{}`", self.text),
        }
    }

    /// Whether the value is true.
    pub fn is_true(&self) -> bool {
        is_true(&self.text)
    }
}

// === impl Demand ===

impl Demand {
    /// A demand on a flag.
    pub const fn flag(
        rule: &'static Rule,
        flag: &'static str,
        flag_default: &'static str,
        accepts: fn(&str) -> bool,
    ) -> Self {
        Demand { rule, flag, flag_default, path: "", path_default: "", accepts }
    }

    /// The same demand on a field of the configuration file.
    pub const fn or_field(mut self, path: &'static str, path_default: &'static str) -> Self {
        self.path = path;
        self.path_default = path_default;
        self
    }
}

/// A value as it may stand in a message: short, and without credentials of a URL.
pub fn shown(text: &str) -> String {
    let text = match (text.find("://"), text.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => format!("{}…{}", &text[..scheme + 3], &text[at..]),
        _ => text.to_owned(),
    };
    if text.chars().count() <= SHOWN_MAX {
        return text;
    }
    let mut short: String = text.chars().take(SHOWN_MAX).collect();
    short.push('…');
    short
}

/// Whether a flag's value is true, as Go reads booleans.
pub fn is_true(text: &str) -> bool {
    matches!(text, "true" | "True" | "TRUE" | "t" | "T" | "1")
}

/// Whether a flag's value is false, as Go reads booleans.
pub fn is_false(text: &str) -> bool {
    matches!(text, "false" | "False" | "FALSE" | "f" | "F" | "0")
}

/// Whether there is any value.
pub fn is_set(text: &str) -> bool {
    !text.is_empty()
}

/// Whether there is no value.
pub fn is_unset(text: &str) -> bool {
    text.is_empty()
}

/// Whether an address can be reached from the same machine only.
pub fn is_loopback(address: &str) -> bool {
    let host = address.strip_prefix('[').and_then(|rest| rest.split(']').next()).unwrap_or(address);
    host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
        || host.split_once(':').is_some_and(|(host, port)| {
            !port.contains(':')
                && (host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()))
        })
}

/// Whether an address stands for every interface.
pub fn is_wildcard(address: &str) -> bool {
    let host = address.strip_prefix('[').and_then(|rest| rest.split(']').next()).unwrap_or(address);
    let host = if host.matches(':').count() == 1 { host.split(':').next().unwrap_or(host) } else { host };
    matches!(host, "0.0.0.0" | "::" | "*" | "")
}

/// Longest value in a message; longer ones are cut. Three suite names or one long path fit.
const SHOWN_MAX: usize = 120;
