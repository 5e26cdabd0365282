//! Who can do what, over all roles and bindings of an input.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use manifest::Inventory;
use manifest::inventory::{Binding, BindingSubject, PolicyRule, Role};
use model::Severity;

use super::grant::{Grant, group, verb};
use super::power;

/// Roles and bindings by name.
#[derive(Debug)]
pub(super) struct Graph<'i> {
    inventory: &'i Inventory,
    roles: HashMap<(bool, &'i str, &'i str), &'i Role>,
    /// The worst that is bound to each service account, by namespace and name.
    accounts: HashMap<(&'i str, &'i str), Option<(Reach, &'i Binding)>>,
    /// What is known of roles, so that many bindings of one large role cost its rules once.
    known: RefCell<HashMap<*const Role, Summary>>,
    /// Roles that may still be compared with aggregation selectors.
    comparisons: Cell<usize>,
}

/// The worst that a role allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reach {
    /// Its severity.
    pub(super) severity: Severity,
    /// What the holder may do.
    pub(super) phrase: &'static str,
}

/// What all rules of a role come to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Summary {
    /// The worst when bound in the cluster.
    cluster: Option<Reach>,
    /// The worst when bound in a namespace.
    local: Option<Reach>,
    /// Some rule changes something.
    writes: bool,
    /// Some rule covers more than well-known resources in namespaces.
    beyond_namespaces: bool,
    /// Some rule changes or deletes objects of any name.
    pub(super) changes_any: bool,
}

// === impl Graph ===

impl<'i> Graph<'i> {
    /// Indexes an inventory.
    pub(super) fn of(inventory: &'i Inventory) -> Self {
        let mut graph = Graph {
            inventory,
            roles: HashMap::new(),
            accounts: HashMap::new(),
            known: RefCell::default(),
            comparisons: Cell::new(AGGREGATION_COMPARISONS_MAX),
        };
        for role in &inventory.roles {
            let namespace = if role.cluster { "" } else { role.origin.namespace() };
            graph.roles.insert((role.cluster, namespace, role.origin.name()), role);
        }
        for binding in &inventory.bindings {
            let reach = graph.reach(binding);
            for account in binding.subjects.iter().filter_map(|subject| account(binding, subject)) {
                let worst = graph.accounts.entry(account).or_default();
                if let Some(reach) = reach
                    && worst.is_none_or(|(worst, _)| reach.severity > worst.severity)
                {
                    *worst = Some((reach, binding));
                }
            }
        }
        graph
    }

    /// The role that a binding refers to, where the input has it.
    pub(super) fn role(&self, binding: &'i Binding) -> Option<&'i Role> {
        let cluster = &*binding.role_kind == "ClusterRole";
        let namespace = if cluster { "" } else { binding.origin.namespace() };
        self.roles.get(&(cluster, namespace, &*binding.role_name)).copied()
    }

    /// Whether some binding names the service account.
    pub(super) fn is_bound(&self, namespace: &'i str, account: &'i str) -> bool {
        self.accounts.contains_key(&(namespace, account))
    }

    /// The worst that is bound to a service account, and by which binding.
    pub(super) fn worst(&self, namespace: &'i str, account: &'i str) -> Option<(Reach, &'i Binding)> {
        self.accounts.get(&(namespace, account)).copied().flatten()
    }

    /// The worst that a binding allows; `None` for nothing dangerous, or when the role is not known.
    pub(super) fn reach(&self, binding: &'i Binding) -> Option<Reach> {
        match (&*binding.role_kind, &*binding.role_name) {
            ("ClusterRole", "cluster-admin") => {
                let severity = if binding.cluster { Severity::Critical } else { Severity::High };
                Some(Reach { severity, phrase: "do everything" })
            }
            ("ClusterRole", "admin" | "edit") => {
                let severity = if binding.cluster { Severity::High } else { Severity::Medium };
                Some(Reach { severity, phrase: "read Secrets and create workloads" })
            }
            _ => {
                let summary = self.summary(self.role(binding)?);
                if binding.cluster { summary.cluster } else { summary.local }
            }
        }
    }

    /// What the rules of a role come to, those that it aggregates included.
    pub(super) fn summary(&self, role: &'i Role) -> Summary {
        let key = std::ptr::from_ref(role);
        if let Some(summary) = self.known.borrow().get(&key) {
            return *summary;
        }
        let mut summary = Summary::default();
        role.rules.iter().for_each(|rule| summary.add(rule));
        if !role.aggregates.is_empty() {
            self.aggregated(role).for_each(|rule| summary.add(rule));
        }
        self.known.borrow_mut().insert(key, summary);
        summary
    }

    /// Rules of other roles that a role selects by label.
    fn aggregated<'g>(&'g self, role: &'i Role) -> impl Iterator<Item = &'i PolicyRule> + use<'g, 'i> {
        let others = self
            .inventory
            .roles
            .iter()
            .filter(move |other| other.cluster && !other.labels.is_empty() && !std::ptr::eq(*other, role));
        others
            .take_while(|_| {
                let left = self.comparisons.get();
                self.comparisons.set(left.saturating_sub(1));
                left > 0
            })
            .filter(|other| role.aggregates.iter().any(|selector| selector.matches(&other.labels)))
            .flat_map(|other| &other.rules)
    }
}

// === impl Summary ===

impl Summary {
    /// Whether the role changes things, but only such as live in namespaces.
    pub(super) fn writes_only_in_namespaces(&self) -> bool {
        self.writes && !self.beyond_namespaces
    }

    fn add(&mut self, rule: &PolicyRule) {
        let grant = Grant::of_fact(rule);
        self.cluster = worse(self.cluster, reach_of(&grant, true));
        self.local = worse(self.local, reach_of(&grant, false));
        self.writes |= !grant.reads_only();
        let namespaced = |word: &str| NAMESPACED.contains(&word.split('/').next().unwrap_or(word));
        let inside =
            rule.urls.is_empty() && !rule.resources.is_empty() && rule.resources.iter().all(|word| namespaced(word));
        self.beyond_namespaces |= !inside || grant.groups & group::FOREIGN != 0;
        // Reviews of access only ask.
        let asks = grant.any_resource(|word| word.ends_with("reviews"));
        let changes = verb::UPDATE | verb::PATCH | verb::DELETE | verb::DELETE_COLLECTION;
        self.changes_any |= !grant.is_named() && !asks && grant.verbs & changes != 0;
    }
}

fn worse(one: Option<Reach>, other: Option<Reach>) -> Option<Reach> {
    if other.map(|reach| reach.severity) > one.map(|reach| reach.severity) { other } else { one }
}

/// Comparing 100 aggregating roles with 1,000 labelled ones is ample for a real cluster; hostile input
/// with more of both would otherwise take quadratic time.
const AGGREGATION_COMPARISONS_MAX: usize = 100_000;

/// Namespace and name of a subject that is a service account.
pub(super) fn account<'i>(binding: &'i Binding, subject: &'i BindingSubject) -> Option<(&'i str, &'i str)> {
    if &*subject.kind != "ServiceAccount" {
        return None;
    }
    let namespace = if subject.namespace.is_empty() { binding.origin.namespace() } else { &subject.namespace };
    Some((namespace, &subject.name))
}

/// The worst that one rule allows when bound in the cluster or in a namespace.
fn reach_of(grant: &Grant<'_>, cluster: bool) -> Option<Reach> {
    if grant.is_everything() {
        let severity = if cluster { Severity::Critical } else { Severity::High };
        return Some(Reach { severity, phrase: "do everything" });
    }
    power::all().fold(None, |worst, power| {
        let severity = power.granted(grant, cluster);
        worse(worst, severity.map(|severity| Reach { severity, phrase: power.phrase }))
    })
}

/// Resources that live in namespaces and that applications often change.
const NAMESPACED: &[&str] = &[
    "pods",
    "services",
    "configmaps",
    "secrets",
    "serviceaccounts",
    "persistentvolumeclaims",
    "events",
    "endpoints",
    "endpointslices",
    "replicationcontrollers",
    "deployments",
    "replicasets",
    "statefulsets",
    "daemonsets",
    "jobs",
    "cronjobs",
    "ingresses",
    "networkpolicies",
    "leases",
    "roles",
    "rolebindings",
    "poddisruptionbudgets",
    "horizontalpodautoscalers",
];
