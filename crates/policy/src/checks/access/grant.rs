//! One rule of a role, with its verbs and API groups folded into bits.

use manifest::Value;
use manifest::inventory::PolicyRule;

/// What one rule of a role grants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grant<'a> {
    /// Bits of [`verb`].
    pub(super) verbs: u32,
    /// Bits of [`group`].
    pub(super) groups: u32,
    words: Words<'a>,
}

/// Where the words of the rule stand.
#[derive(Clone, Copy, Debug)]
enum Words<'a> {
    Tree(Value<'a>),
    Facts(&'a PolicyRule),
}

// === impl Grant ===

impl<'a> Grant<'a> {
    /// Reads an item of `rules`.
    pub(super) fn of(rule: Value<'a>) -> Self {
        let bits = |key, bit: fn(&str) -> u32| rule.list(key).filter_map(Value::as_str).fold(0, |all, w| all | bit(w));
        Grant { verbs: bits("verbs", verb::bit), groups: bits("apiGroups", group::bit), words: Words::Tree(rule) }
    }

    /// Reads a fact.
    pub(super) fn of_fact(rule: &'a PolicyRule) -> Self {
        let bits = |words: &[Box<str>], bit: fn(&str) -> u32| words.iter().fold(0, |all, word| all | bit(word));
        Grant { verbs: bits(&rule.verbs, verb::bit), groups: bits(&rule.groups, group::bit), words: Words::Facts(rule) }
    }

    /// Whether some word of `resources` passes the test.
    pub(super) fn any_resource(&self, mut test: impl FnMut(&str) -> bool) -> bool {
        match self.words {
            Words::Tree(rule) => rule.list("resources").filter_map(Value::as_str).any(test),
            Words::Facts(rule) => rule.resources.iter().any(|word| test(word)),
        }
    }

    /// Whether some word of `resourceNames` passes the test.
    pub(super) fn any_name(&self, mut test: impl FnMut(&str) -> bool) -> bool {
        match self.words {
            Words::Tree(rule) => rule.list("resourceNames").filter_map(Value::as_str).any(test),
            Words::Facts(rule) => rule.names.iter().any(|word| test(word)),
        }
    }

    /// Whether the rule is limited to objects of given names.
    pub(super) fn is_named(&self) -> bool {
        self.any_name(|_| true)
    }

    /// Whether `*` stands among the resources.
    pub(super) fn any_kind(&self) -> bool {
        self.any_resource(|word| word == "*")
    }

    /// Whether the rule allows everything on everything.
    pub(super) fn is_everything(&self) -> bool {
        self.verbs & verb::ANY != 0 && self.groups & group::ANY != 0 && self.any_kind() && !self.is_named()
    }

    /// Whether no verb of the rule changes anything.
    pub(super) fn reads_only(&self) -> bool {
        self.verbs & !verb::READ == 0
    }
}

/// Whether a word of `resources` covers a resource: `*`, the resource itself, or `*/sub`. A resource
/// that ends in `/` stands for all its subresources.
pub(super) fn covers(word: &str, resource: &str) -> bool {
    if word == "*" || word == resource {
        return true;
    }
    if resource.ends_with('/') {
        return word.starts_with(resource);
    }
    match (word.strip_prefix("*/"), resource.split_once('/')) {
        (Some(sub), Some((_, wanted))) => sub == wanted,
        _ => false,
    }
}

/// Bits of verbs.
pub(super) mod verb {
    pub(in super::super) const GET: u32 = 1;
    pub(in super::super) const LIST: u32 = 1 << 1;
    pub(in super::super) const WATCH: u32 = 1 << 2;
    pub(in super::super) const CREATE: u32 = 1 << 3;
    pub(in super::super) const UPDATE: u32 = 1 << 4;
    pub(in super::super) const PATCH: u32 = 1 << 5;
    pub(in super::super) const DELETE: u32 = 1 << 6;
    pub(in super::super) const DELETE_COLLECTION: u32 = 1 << 7;
    pub(in super::super) const ESCALATE: u32 = 1 << 8;
    pub(in super::super) const BIND: u32 = 1 << 9;
    pub(in super::super) const IMPERSONATE: u32 = 1 << 10;
    pub(in super::super) const APPROVE: u32 = 1 << 11;
    pub(in super::super) const SIGN: u32 = 1 << 12;
    pub(in super::super) const ATTEST: u32 = 1 << 13;
    pub(in super::super) const ARBITRARY_NODE: u32 = 1 << 14;
    /// Any verb that is not in this list.
    pub(in super::super) const OTHER: u32 = 1 << 15;
    /// The word `*`, which sets all bits.
    pub(in super::super) const ANY: u32 = 1 << 31;

    pub(in super::super) const READ: u32 = GET | LIST | WATCH;
    pub(in super::super) const CHANGE: u32 = CREATE | UPDATE | PATCH;
    pub(in super::super) const WRITE: u32 = CHANGE | DELETE | DELETE_COLLECTION;

    pub(super) fn bit(word: &str) -> u32 {
        match word {
            "get" => GET,
            "list" => LIST,
            "watch" => WATCH,
            "create" => CREATE,
            "update" => UPDATE,
            "patch" => PATCH,
            "delete" => DELETE,
            "deletecollection" => DELETE_COLLECTION,
            "escalate" => ESCALATE,
            "bind" => BIND,
            "impersonate" => IMPERSONATE,
            "approve" => APPROVE,
            "sign" => SIGN,
            "attest" => ATTEST,
            "*" => u32::MAX,
            _ if word.starts_with("arbitrary-node:") => ARBITRARY_NODE,
            // Constrained impersonation names what may be impersonated after the colon.
            _ if word.starts_with("impersonate:") => IMPERSONATE,
            _ => OTHER,
        }
    }
}

/// Bits of API groups.
pub(super) mod group {
    pub(in super::super) const CORE: u32 = 1;
    pub(in super::super) const APPS: u32 = 1 << 1;
    pub(in super::super) const BATCH: u32 = 1 << 2;
    pub(in super::super) const RBAC: u32 = 1 << 3;
    pub(in super::super) const AUTHENTICATION: u32 = 1 << 4;
    pub(in super::super) const CERTIFICATES: u32 = 1 << 5;
    pub(in super::super) const ADMISSION: u32 = 1 << 6;
    pub(in super::super) const API_EXTENSIONS: u32 = 1 << 7;
    pub(in super::super) const API_REGISTRATION: u32 = 1 << 8;
    pub(in super::super) const NETWORKING: u32 = 1 << 9;
    pub(in super::super) const DISCOVERY: u32 = 1 << 10;
    pub(in super::super) const STORAGE: u32 = 1 << 11;
    pub(in super::super) const NODE: u32 = 1 << 12;
    pub(in super::super) const SCHEDULING: u32 = 1 << 13;
    pub(in super::super) const RESOURCE: u32 = 1 << 14;
    pub(in super::super) const EVENTS: u32 = 1 << 15;
    /// Policy engines, policy reports and exceptions from policies.
    pub(in super::super) const POLICY: u32 = 1 << 16;
    /// Groups whose kinds embed a pod template.
    pub(in super::super) const RUNNERS: u32 = 1 << 17;
    /// Any other group of Kubernetes itself.
    pub(in super::super) const BUILTIN: u32 = 1 << 18;
    /// Any group that is not in this list.
    pub(in super::super) const OTHER: u32 = 1 << 19;
    /// Groups of snapshots and backups.
    pub(in super::super) const BACKUPS: u32 = 1 << 20;
    /// The word `*`, which sets all bits.
    pub(in super::super) const ANY: u32 = 1 << 31;

    /// Groups outside Kubernetes.
    pub(in super::super) const FOREIGN: u32 = OTHER | POLICY | RUNNERS | BACKUPS;

    pub(super) fn bit(word: &str) -> u32 {
        match word {
            "" => CORE,
            "apps" | "extensions" => APPS | NETWORKING,
            "batch" => BATCH,
            "rbac.authorization.k8s.io" => RBAC,
            "authentication.k8s.io" => AUTHENTICATION,
            "certificates.k8s.io" => CERTIFICATES,
            "admissionregistration.k8s.io" => ADMISSION,
            "apiextensions.k8s.io" => API_EXTENSIONS,
            "apiregistration.k8s.io" => API_REGISTRATION,
            "networking.k8s.io" => NETWORKING,
            "discovery.k8s.io" => DISCOVERY,
            "storage.k8s.io" => STORAGE,
            "node.k8s.io" => NODE,
            "scheduling.k8s.io" => SCHEDULING,
            "resource.k8s.io" => RESOURCE,
            "events.k8s.io" => EVENTS,
            "kobuk.dev"
            | "kyverno.io"
            | "policies.kyverno.io"
            | "constraints.gatekeeper.sh"
            | "templates.gatekeeper.sh"
            | "wgpolicyk8s.io"
            | "policies.kubewarden.io"
            | "policy.sigstore.dev" => POLICY,
            "argoproj.io"
            | "tekton.dev"
            | "serving.knative.dev"
            | "batch.volcano.sh"
            | "kubeflow.org"
            | "ray.io"
            | "sparkoperator.k8s.io" => RUNNERS,
            "policy"
            | "autoscaling"
            | "coordination.k8s.io"
            | "authorization.k8s.io"
            | "flowcontrol.apiserver.k8s.io" => BUILTIN,
            "snapshot.storage.k8s.io" | "velero.io" | "longhorn.io" => BACKUPS,
            "*" => u32::MAX,
            _ => OTHER,
        }
    }
}
