//! What a user may set. Every check's settings are one field here.

use crate::pod_security::Standard;

/// Settings of all checks. The defaults are what `kobuk` runs with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Codes to run, as patterns with `*`; empty means all.
    pub checks: Vec<Box<str>>,
    /// Codes not to run, as patterns with `*`.
    pub skip: Vec<Box<str>>,
    /// Controls to judge, as ids or patterns with `*`; empty means all. A rule runs when it serves one.
    pub controls: Vec<Box<str>>,
    /// How the Pod Security Standards are applied.
    pub pod_security: Standard,
    /// Registries (with optional path) that images may come from, compared component by component;
    /// empty means that no list is enforced.
    pub registries: Vec<Box<str>>,
    /// Namespaces of the cluster's own components, as patterns with `*`.
    pub system_namespaces: Vec<Box<str>>,
    /// Namespaces whose pods must name a RuntimeClass, as patterns with `*`; empty means none.
    pub sandboxed_namespaces: Vec<Box<str>>,
    /// Least entropy, in bits for each character, from which a long value counts as a secret.
    pub secret_entropy_min: f32,
    /// Values that are known not to be secrets, as patterns with `*`.
    pub secrets_allowed: Vec<Box<str>>,
    /// Kubernetes minor version that the manifests are for, for example 36 for v1.36.
    pub kubernetes_minor: u32,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            checks: Vec::new(),
            skip: Vec::new(),
            controls: Vec::new(),
            pod_security: Standard::default(),
            registries: Vec::new(),
            system_namespaces: vec!["kube-*".into()],
            sandboxed_namespaces: Vec::new(),
            secret_entropy_min: 3.5,
            secrets_allowed: Vec::new(),
            kubernetes_minor: KUBERNETES_MINOR,
        }
    }
}

impl Config {
    /// Whether a rule is switched on by the patterns.
    pub fn selects(&self, rule: &model::Rule) -> bool {
        let matches =
            |patterns: &[Box<str>], text: &str| patterns.iter().any(|pattern| model::exception::glob(pattern, text));
        (self.checks.is_empty() || matches(&self.checks, rule.code))
            && !matches(&self.skip, rule.code)
            && !self.pod_security.leaves_out(rule)
            && (self.controls.is_empty() || rule.serves.iter().any(|serves| matches(&self.controls, serves.control)))
    }
}

/// The Kubernetes release that the built-in tables describe.
pub const KUBERNETES_MINOR: u32 = 36;
