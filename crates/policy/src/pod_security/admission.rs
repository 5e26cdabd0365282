//! The built-in admission of pods as an input describes it: labels of namespaces, defaults and
//! exemptions of the API server.
//!
//! Expected flow: [`Admission::collect`] for every object of the input, then judging.
//!
//! Guarantees: where the input describes a namespace or the API server twice, the stricter level
//! counts, and an exemption only if all agree on it. Users cannot be known from manifests, so
//! exemptions of users have no effect.

mod labels;

use std::collections::HashMap;

use manifest::{Object, Value};
use model::{Rule, Scope, Serves, Severity};

pub use labels::NamespaceLabels;
pub(super) use labels::{invalid, parse_level, parse_version};

use super::standard::{Level, LevelVersion, Version};
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// The level that admission enforces on a pod is not in the input.
pub static LEVEL_UNKNOWN: Rule = Rule {
    code: "pod-admission-level-unknown",
    title: "The level that admission enforces is not in the input",
    severity: Severity::Low,
    scope: Scope::Workload,
    serves: &[Serves::full("RC-01")],
    why: "Judged by the labels of namespaces, a pod whose namespace is not in the input, or carries no enforce label \
          while the defaults of the API server are not in the input either, was not judged against any level.",
    fix: "Add the Namespace with its pod-security labels to the input, or name a level to judge all pods by.",
    example: "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels:\n    pod-security.kubernetes.io/enforce: restricted\n",
};

/// A pod-security label that admission cannot read.
pub static LABEL_INVALID: Rule = Rule {
    code: "pod-admission-label-invalid",
    title: "A pod-security label of a Namespace is invalid",
    severity: Severity::Medium,
    scope: Scope::Namespace,
    serves: &[Serves::part("RC-01")],
    why: "The API server refuses to create a Namespace with such a value. On one that exists it falls back to \
          restricted for enforce and to nothing at all for audit and warn; a misspelt key has no effect.",
    fix: "Use privileged, baseline or restricted for enforce, audit and warn, and latest or v1.N for their versions.",
    example: "metadata:\n  labels:\n    pod-security.kubernetes.io/enforce: restricted\n    pod-security.kubernetes.io/enforce-version: v1.36\n",
};

/// A PodSecurityConfiguration that the API server cannot read.
pub static CONFIGURATION_INVALID: Rule = Rule {
    code: "pod-admission-configuration-invalid",
    title: "A PodSecurityConfiguration has an invalid default",
    severity: Severity::Medium,
    scope: Scope::AdmissionConfig,
    serves: &[Serves::part("RC-01")],
    why: "The API server does not start with an unknown level or version, and silently ignores an unknown field, so \
          that the default is not what its author thinks.",
    fix: "Use privileged, baseline or restricted for enforce, audit and warn, and latest or v1.N for their versions.",
    example: "apiVersion: pod-security.admission.config.k8s.io/v1\nkind: PodSecurityConfiguration\ndefaults:\n  enforce: baseline\n  enforce-version: latest\n",
};

/// What an input says about the admission of pods.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    namespaces: HashMap<Box<str>, Vec<NamespaceLabels>>,
    configurations: Vec<Configuration>,
}

/// How admission answers a pod that a level forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The pod is refused.
    Enforce,
    /// Whoever sends it is warned.
    Warn,
    /// The audit log mentions it.
    Audit,
}

/// The levels of all modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModeLevels {
    /// What is refused.
    pub enforce: LevelVersion,
    /// What is warned of.
    pub warn: LevelVersion,
    /// What is noted in the audit log.
    pub audit: LevelVersion,
}

/// What admission does in one namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The levels. Where the input tells none, the built-in default `privileged`.
    pub levels: ModeLevels,
    /// Whether the input tells the enforced level.
    pub enforce_known: bool,
}

/// One PodSecurityConfiguration.
#[derive(Clone, Debug)]
struct Configuration {
    defaults: ModeLevels,
    namespaces: Vec<Box<str>>,
    runtime_classes: Vec<Box<str>>,
}

/// The checks on what admission is told.
pub(super) const OBJECT_CHECKS: [ObjectCheck; 2] = [
    ObjectCheck { scope: Scope::Namespace, rules: &[&LABEL_INVALID], run: check_labels },
    ObjectCheck { scope: Scope::AdmissionConfig, rules: &[&CONFIGURATION_INVALID], run: check_configuration },
];

// === impl Admission ===

impl Admission {
    /// Takes in what an object says, if it says anything.
    pub fn collect(&mut self, object: &Object<'_>) {
        if object.is("", "Namespace") {
            let labels = NamespaceLabels::of(object);
            self.namespaces.entry(object.name().into()).or_default().push(labels);
        }
        self.configurations.extend(configurations(object).map(Configuration::of));
    }

    /// Takes in what another part of the input says.
    pub fn merge(&mut self, other: Admission) {
        for (name, labels) in other.namespaces {
            self.namespaces.entry(name).or_default().extend(labels);
        }
        self.configurations.extend(other.configurations);
    }

    /// What admission does in a namespace; the empty name stands for `default`.
    pub fn applied(&self, namespace: &str) -> Applied {
        let name = if namespace.is_empty() { "default" } else { namespace };
        let configured = self.configurations.iter().map(|configuration| configuration.defaults);
        let defaults = configured.reduce(ModeLevels::stricter);
        let fallback = defaults.unwrap_or(ModeLevels::PRIVILEGED);
        let labels = self.namespaces.get(name).map_or(&[][..], Vec::as_slice);
        let levels = labels.iter().map(|labels| labels.levels(fallback)).reduce(ModeLevels::stricter);
        Applied {
            levels: levels.unwrap_or(fallback),
            enforce_known: defaults.is_some() || labels.iter().any(NamespaceLabels::enforces),
        }
    }

    /// Whether admission leaves out a pod of this namespace and runtime class.
    pub fn exempts(&self, namespace: &str, runtime_class: Option<&str>) -> bool {
        let name = if namespace.is_empty() { "default" } else { namespace };
        let lists = |list: &[Box<str>], name: &str| list.iter().any(|listed| &**listed == name);
        !self.configurations.is_empty()
            && self.configurations.iter().all(|configuration| {
                lists(&configuration.namespaces, name)
                    || runtime_class.is_some_and(|class| lists(&configuration.runtime_classes, class))
            })
    }
}

// === impl Mode ===

impl Mode {
    /// The word used in labels and in the property `mode`.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Enforce => "enforce",
            Mode::Warn => "warn",
            Mode::Audit => "audit",
        }
    }

    /// Severity of a finding in this mode: what is only told cannot be worse than medium, what is only
    /// logged not worse than low.
    pub(super) fn severity(self, severity: Severity) -> Severity {
        match self {
            Mode::Enforce => severity,
            Mode::Warn => severity.min(Severity::Medium),
            Mode::Audit => severity.min(Severity::Low),
        }
    }
}

// === impl ModeLevels ===

impl ModeLevels {
    /// The built-in default.
    const PRIVILEGED: ModeLevels = {
        let nothing = LevelVersion { level: Level::Privileged, version: Version::LATEST };
        ModeLevels { enforce: nothing, warn: nothing, audit: nothing }
    };

    /// The levels with their modes, most serious first.
    pub(super) fn modes(self) -> [(Mode, LevelVersion); 3] {
        [(Mode::Enforce, self.enforce), (Mode::Warn, self.warn), (Mode::Audit, self.audit)]
    }

    fn stricter(self, other: ModeLevels) -> ModeLevels {
        let max = |a: LevelVersion, b: LevelVersion| {
            let rank = |policy: LevelVersion| (policy.level, policy.version.known_minor());
            if rank(b) > rank(a) { b } else { a }
        };
        ModeLevels {
            enforce: max(self.enforce, other.enforce),
            warn: max(self.warn, other.warn),
            audit: max(self.audit, other.audit),
        }
    }
}

// === impl Configuration ===

impl Configuration {
    fn of(value: Value<'_>) -> Self {
        let defaults = value.get("defaults");
        let policy = |level_key: &str, version_key: &str| {
            let text = |key| defaults.and_then(|defaults| defaults.get(key)).and_then(Value::text);
            let level = text(level_key).filter(|text| !text.is_empty());
            let version = text(version_key).filter(|text| !text.is_empty());
            LevelVersion {
                // The API server does not start with an unknown word; judge by the strictest reading.
                level: level.map_or(Level::Privileged, |text| text.parse().unwrap_or(Level::Restricted)),
                version: version.map_or(Version::LATEST, |text| text.parse().unwrap_or(Version::LATEST)),
            }
        };
        let exemptions = |key: &str| {
            let list = value.get("exemptions").into_iter().flat_map(|exemptions| exemptions.list(key));
            list.filter_map(|item| Some(item.text()?.into())).collect()
        };
        Configuration {
            defaults: ModeLevels {
                enforce: policy("enforce", "enforce-version"),
                warn: policy("warn", "warn-version"),
                audit: policy("audit", "audit-version"),
            },
            namespaces: exemptions("namespaces"),
            runtime_classes: exemptions("runtimeClasses"),
        }
    }
}

/// The PodSecurityConfigurations in an object: itself, or the configurations of its plugins.
fn configurations<'d>(object: &Object<'d>) -> impl Iterator<Item = Value<'d>> + use<'d> {
    let own = object.is(GROUP, "PodSecurityConfiguration").then_some(object.value);
    let outer = object.is("apiserver.config.k8s.io", "AdmissionConfiguration").then_some(object.value);
    let plugins = outer.into_iter().flat_map(|outer| outer.list("plugins"));
    let inline = plugins
        .filter(|plugin| plugin.str_at("name") == Some("PodSecurity"))
        .filter_map(|plugin| plugin.get("configuration"));
    own.into_iter().chain(inline)
}

const GROUP: &str = "pod-security.admission.config.k8s.io";

fn check_labels(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    for (key, value, what) in invalid(object) {
        let field = format!("metadata.labels[{}]", key.as_str().unwrap_or(""));
        sink.report(&LABEL_INVALID, value, what).field(field);
    }
}

fn check_configuration(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    for configuration in configurations(object) {
        for (key, value) in configuration.get("defaults").into_iter().flat_map(Value::entries) {
            let name = key.as_str().unwrap_or("");
            let text = value.text().unwrap_or_default();
            let fault = match name {
                // Empty means the built-in default.
                _ if text.is_empty() && !value.is_map() && !value.is_seq() => None,
                "enforce" | "audit" | "warn" => parse_level(&text).err(),
                "enforce-version" | "audit-version" | "warn-version" => parse_version(&text).err(),
                _ => Some("no field of the defaults".to_owned()),
            };
            if let Some(fault) = fault {
                sink.report(&CONFIGURATION_INVALID, value, format!("`defaults.{name}`: {fault}"))
                    .field(format!("defaults.{name}"));
            }
        }
    }
}
