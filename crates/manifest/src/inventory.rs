//! Compact facts about all objects of an input, for checks that look across objects.
//!
//! Trees are dropped after the checks on single objects; what stays is here, owned and small.

mod access;
mod labels;
mod network;
mod tenancy;

use std::sync::Arc;

use model::{Location, Subject};

pub use access::{Binding, BindingSubject, PolicyRule, Role, ServiceAccount};
pub use labels::{Labels, Selector, SelectorOperator, SelectorRequirement};
pub use network::{NetworkPolicy, PeerSummary, PolicyDirection, Service};
pub use tenancy::{
    DisruptionBudget, LimitRange, MeshPolicy, Namespace, ResourceQuota, StorageClass, UnboundedContainer, Workload,
};

use crate::object::Object;

/// Which object a fact is about, and where it stands.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The object.
    pub subject: Arc<Subject>,
    /// Where to point.
    pub location: Location,
}

impl Origin {
    /// Points at the object as a whole.
    pub fn of(object: &Object<'_>) -> Self {
        Origin { subject: Arc::clone(&object.subject), location: object.location() }
    }

    /// The namespace, `default` when the manifest names none.
    pub fn namespace(&self) -> &str {
        if self.subject.namespace.is_empty() { "default" } else { &self.subject.namespace }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.subject.name
    }
}

/// Facts about all objects of an input.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// Namespaces.
    pub namespaces: Vec<Namespace>,
    /// Everything with a pod template.
    pub workloads: Vec<Workload>,
    /// Service accounts.
    pub service_accounts: Vec<ServiceAccount>,
    /// Roles and cluster roles.
    pub roles: Vec<Role>,
    /// Role bindings and cluster role bindings.
    pub bindings: Vec<Binding>,
    /// Network policies.
    pub network_policies: Vec<NetworkPolicy>,
    /// Services.
    pub services: Vec<Service>,
    /// Pod disruption budgets.
    pub disruption_budgets: Vec<DisruptionBudget>,
    /// Resource quotas.
    pub quotas: Vec<ResourceQuota>,
    /// Limit ranges.
    pub limit_ranges: Vec<LimitRange>,
    /// Storage classes.
    pub storage_classes: Vec<StorageClass>,
    /// Istio and Linkerd objects that set mutual TLS.
    pub mesh_policies: Vec<MeshPolicy>,
    /// Runtime classes.
    pub runtime_classes: Vec<Origin>,
}

impl Inventory {
    /// Takes in what other checks will need of one object.
    pub fn add(&mut self, object: &Object<'_>) {
        for pod in &object.pods {
            self.workloads.push(Workload::of(object, pod));
        }
        match (object.group, object.kind) {
            ("", "Namespace") => self.namespaces.push(Namespace::of(object)),
            ("", "ServiceAccount") => self.service_accounts.push(ServiceAccount::of(object)),
            ("", "Service") => self.services.push(Service::of(object)),
            ("", "ResourceQuota") => self.quotas.push(ResourceQuota::of(object)),
            ("", "LimitRange") => self.limit_ranges.push(LimitRange::of(object)),
            ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => self.roles.push(Role::of(object)),
            ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
                self.bindings.push(Binding::of(object));
            }
            ("networking.k8s.io" | "extensions", "NetworkPolicy") => {
                self.network_policies.push(NetworkPolicy::of(object));
            }
            ("policy", "PodDisruptionBudget") => self.disruption_budgets.push(DisruptionBudget::of(object)),
            ("storage.k8s.io", "StorageClass") => self.storage_classes.push(StorageClass::of(object)),
            ("node.k8s.io", "RuntimeClass") => self.runtime_classes.push(Origin::of(object)),
            ("security.istio.io", "PeerAuthentication") => self.mesh_policies.push(MeshPolicy::of(object)),
            _ => {}
        }
    }

    /// Takes in the facts of another worker.
    pub fn merge(&mut self, other: Inventory) {
        self.namespaces.extend(other.namespaces);
        self.workloads.extend(other.workloads);
        self.service_accounts.extend(other.service_accounts);
        self.roles.extend(other.roles);
        self.bindings.extend(other.bindings);
        self.network_policies.extend(other.network_policies);
        self.services.extend(other.services);
        self.disruption_budgets.extend(other.disruption_budgets);
        self.quotas.extend(other.quotas);
        self.limit_ranges.extend(other.limit_ranges);
        self.storage_classes.extend(other.storage_classes);
        self.mesh_policies.extend(other.mesh_policies);
        self.runtime_classes.extend(other.runtime_classes);
    }

    /// The namespace object of that name.
    pub fn namespace(&self, name: &str) -> Option<&Namespace> {
        self.namespaces.iter().find(|namespace| namespace.origin.name() == name)
    }
}
