//! The permissions that lead to more than they say.

use model::{Rule, Severity};

use super::grant::{Grant, covers};
use super::{guards, identity, pods, secrets};

/// A permission by which its holder gains more rights, other people's data, or a node.
#[derive(Debug)]
pub(super) struct Power {
    /// The rule it breaks.
    pub(super) rule: &'static Rule,
    /// What the holder may do, as in "may read Secrets".
    pub(super) phrase: &'static str,
    /// Powers of one family say the same of one rule; the first that matches speaks for them.
    pub(super) family: &'static str,
    /// Groups, as bits.
    pub(super) groups: u32,
    /// Resources in these groups.
    pub(super) resources: &'static [&'static str],
    /// Any of these verbs suffices, as bits.
    pub(super) verbs: u32,
    /// Severity in a Role; `None` where a Role cannot grant it, as the resource has no namespace.
    pub(super) in_role: Option<Severity>,
    /// Severity when limited by `resourceNames` of which one is risky; `None` where names take the danger away.
    pub(super) named: Option<Severity>,
    /// Which names are risky.
    pub(super) risky: fn(&str) -> bool,
}

impl Power {
    /// The severity with which a rule of a role grants this power.
    pub(super) fn granted(&self, grant: &Grant<'_>, cluster: bool) -> Option<Severity> {
        if grant.verbs & self.verbs == 0 || grant.groups & self.groups == 0 {
            return None;
        }
        let severity = if cluster { self.rule.severity } else { self.in_role? };
        if !grant.any_resource(|word| self.resources.iter().any(|resource| covers(word, resource))) {
            return None;
        }
        if !grant.is_named() {
            return Some(severity);
        }
        self.named.filter(|_| grant.any_name(self.risky)).map(|named| named.min(severity))
    }
}

/// For powers that a name does not limit.
pub(super) fn any_name(_: &str) -> bool {
    true
}

/// All powers, a family after the other.
pub(super) fn all() -> impl Iterator<Item = &'static Power> {
    [identity::POWERS, secrets::POWERS, pods::POWERS, guards::POWERS].into_iter().flatten()
}

/// All rules of powers.
pub(super) const RULES: &[&Rule] = &[
    &identity::ESCALATE,
    &identity::BIND,
    &identity::WRITE_RBAC,
    &identity::IMPERSONATE,
    &identity::MINT_TOKENS,
    &identity::APPROVE_CERTIFICATES,
    &identity::SIGN_CERTIFICATES,
    &identity::WRITE_TRUST_BUNDLES,
    &secrets::READ_SECRETS,
    &secrets::WRITE_SECRETS,
    &secrets::CREATE_VOLUMES,
    &pods::NODE_PROXY,
    &pods::EXEC,
    &pods::DEBUG,
    &pods::FORWARD,
    &pods::CREATE_WORKLOADS,
    &pods::CREATE_SYSTEM_WORKLOADS,
    &pods::WRITE_NODES,
    &guards::WRITE_WEBHOOKS,
    &guards::WRITE_POLICIES,
    &guards::PATCH_NAMESPACES,
    &guards::WRITE_APISERVICES,
    &guards::WRITE_CRDS,
    &guards::WRITE_CLASSES,
    &guards::WRITE_NETWORK_POLICIES,
    &guards::WRITE_ENDPOINTS,
    &guards::WRITE_DEVICES,
    &guards::ERASE_EVENTS,
    &guards::DELETE_BACKUPS,
    &guards::WRITE_QUOTAS,
];
