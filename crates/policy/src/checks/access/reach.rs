//! Who can do what, over all roles and bindings of an input.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use manifest::Inventory;
use manifest::inventory::{Binding, BindingSubject, PolicyRule, Role};
use model::Severity;

use super::grant::Grant;
use super::power;

/// Roles and bindings by name.
#[derive(Debug)]
pub(super) struct Graph<'i> {
    inventory: &'i Inventory,
    roles: HashMap<(bool, &'i str, &'i str), &'i Role>,
    /// Bindings by namespace and name of the service accounts that they name.
    accounts: HashMap<(&'i str, &'i str), Vec<&'i Binding>>,
    /// Answers of [`Graph::reach`] by role, and whether it is bound cluster-wide.
    known: RefCell<HashMap<(*const Role, bool), Option<Reach>>>,
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
            for subject in &binding.subjects {
                if let Some(account) = account(binding, subject) {
                    graph.accounts.entry(account).or_default().push(binding);
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

    /// Bindings that name a service account.
    pub(super) fn bindings<'g>(&'g self, namespace: &'g str, account: &'g str) -> &'g [&'i Binding] {
        self.accounts.get(&(namespace, account)).map_or(&[], Vec::as_slice)
    }

    /// The worst that a binding allows; `None` for nothing dangerous, or when the role is not known.
    pub(super) fn reach(&self, binding: &'i Binding) -> Option<Reach> {
        let known = match (&*binding.role_kind, &*binding.role_name) {
            ("ClusterRole", "cluster-admin") => {
                let severity = if binding.cluster { Severity::Critical } else { Severity::High };
                Some(Reach { severity, phrase: "do everything" })
            }
            ("ClusterRole", "admin" | "edit") => {
                let severity = if binding.cluster { Severity::High } else { Severity::Medium };
                Some(Reach { severity, phrase: "read Secrets and create workloads" })
            }
            _ => None,
        };
        known.or_else(|| {
            let role = self.role(binding)?;
            let key = (std::ptr::from_ref(role), binding.cluster);
            if let Some(reach) = self.known.borrow().get(&key) {
                return *reach;
            }
            let mut worst: Option<Reach> = None;
            self.each_rule(role, &mut |rule| {
                let reach = reach_of(rule, binding.cluster);
                if reach.map(|reach| reach.severity) > worst.map(|worst| worst.severity) {
                    worst = reach;
                }
            });
            self.known.borrow_mut().insert(key, worst);
            worst
        })
    }

    /// Calls `each` for the rules of a role, those that it aggregates included.
    pub(super) fn each_rule(&self, role: &'i Role, each: &mut impl FnMut(&'i PolicyRule)) {
        role.rules.iter().for_each(&mut *each);
        if role.aggregates.is_empty() {
            return;
        }
        for other in &self.inventory.roles {
            if !other.cluster || other.labels.is_empty() || std::ptr::eq(other, role) {
                continue;
            }
            let left = self.comparisons.get();
            if left == 0 {
                return;
            }
            self.comparisons.set(left - 1);
            if role.aggregates.iter().any(|selector| selector.matches(&other.labels)) {
                other.rules.iter().for_each(&mut *each);
            }
        }
    }
}

/// Comparing 1,000 aggregating roles with 1,000 labelled ones is ample for a real cluster; hostile input
/// with more of both would otherwise take quadratic time.
const AGGREGATION_COMPARISONS_MAX: usize = 1_000_000;

/// Namespace and name of a subject that is a service account.
pub(super) fn account<'i>(binding: &'i Binding, subject: &'i BindingSubject) -> Option<(&'i str, &'i str)> {
    if &*subject.kind != "ServiceAccount" {
        return None;
    }
    let namespace = if subject.namespace.is_empty() { binding.origin.namespace() } else { &subject.namespace };
    Some((namespace, &subject.name))
}

/// The worst that one rule allows when bound in the cluster or in a namespace.
fn reach_of(rule: &PolicyRule, cluster: bool) -> Option<Reach> {
    let grant = Grant::of_fact(rule);
    if grant.is_everything() {
        let severity = if cluster { Severity::Critical } else { Severity::High };
        return Some(Reach { severity, phrase: "do everything" });
    }
    let mut worst: Option<Reach> = None;
    for power in power::all() {
        if let Some(severity) = power.granted(&grant, cluster)
            && worst.is_none_or(|worst| severity > worst.severity)
        {
            worst = Some(Reach { severity, phrase: power.phrase });
        }
    }
    worst
}
