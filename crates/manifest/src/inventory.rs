//! Compact facts about all objects of an input, for checks that look across objects.
//!
//! Trees are dropped after the checks on single objects; what stays is here, owned and small.

mod access;
mod admission;
mod labels;
mod mesh;
mod network;
mod tenancy;

use std::sync::Arc;

use model::{Location, Subject};

pub use access::{Binding, BindingSubject, PolicyRule, Role, ServiceAccount};
pub use admission::{AdmissionBinding, AdmissionPolicy, WebhookService};
pub use labels::{Labels, Selector, SelectorOperator, SelectorRequirement};
pub use mesh::{MeshAuthorization, RequestAuthentication};
pub use network::{
    ClusterNetworkPolicy, ForeignNetworkPolicy, Gateway, HttpRoute, IpBlock, NetworkPolicy, PeerSummary, PlainListener,
    PolicyDirection, RouteParent, Service,
};
pub use tenancy::{
    Claim, DisruptionBudget, LimitRange, MeshPolicy, Namespace, ResourceQuota, StorageClass, UnboundedContainer,
    Workload,
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
    /// Persistent volume claims.
    pub claims: Vec<Claim>,
    /// Istio and Linkerd objects that set mutual TLS.
    pub mesh_policies: Vec<MeshPolicy>,
    /// Policies over many namespaces from policy.networking.k8s.io.
    pub cluster_network_policies: Vec<ClusterNetworkPolicy>,
    /// Network policies that only a certain network plugin understands.
    pub foreign_network_policies: Vec<ForeignNetworkPolicy>,
    /// Gateways of the Gateway API.
    pub gateways: Vec<Gateway>,
    /// HTTP routes of the Gateway API.
    pub http_routes: Vec<HttpRoute>,
    /// Istio request authentications.
    pub request_authentications: Vec<RequestAuthentication>,
    /// Istio authorization policies.
    pub mesh_authorizations: Vec<MeshAuthorization>,
    /// Validating and mutating admission policies.
    pub admission_policies: Vec<AdmissionPolicy>,
    /// Bindings of admission policies.
    pub admission_bindings: Vec<AdmissionBinding>,
    /// Services that admission webhooks are called at.
    pub webhook_services: Vec<WebhookService>,
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
            ("", "PersistentVolumeClaim") => self.claims.push(Claim::of(object)),
            ("node.k8s.io", "RuntimeClass") => self.runtime_classes.push(Origin::of(object)),
            ("security.istio.io", "PeerAuthentication") => self.mesh_policies.push(MeshPolicy::of(object)),
            ("policy.networking.k8s.io", _) => {
                self.cluster_network_policies.extend(ClusterNetworkPolicy::of(object));
            }
            ("gateway.networking.k8s.io", "Gateway") => self.gateways.push(Gateway::of(object)),
            ("gateway.networking.k8s.io", "HTTPRoute") => self.http_routes.push(HttpRoute::of(object)),
            ("security.istio.io", "RequestAuthentication") => {
                self.request_authentications.push(RequestAuthentication::of(object));
            }
            ("security.istio.io", "AuthorizationPolicy") => {
                self.mesh_authorizations.push(MeshAuthorization::of(object))
            }
            ("admissionregistration.k8s.io", _) => self.add_admission(object),
            _ if ForeignNetworkPolicy::covers(object) => {
                self.foreign_network_policies.push(ForeignNetworkPolicy::of(object));
            }
            _ => {}
        }
    }

    fn add_admission(&mut self, object: &Object<'_>) {
        self.admission_policies.extend(AdmissionPolicy::of(object));
        self.admission_bindings.extend(AdmissionBinding::of(object));
        self.webhook_services.extend(WebhookService::all_of(object));
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
        self.claims.extend(other.claims);
        self.mesh_policies.extend(other.mesh_policies);
        self.cluster_network_policies.extend(other.cluster_network_policies);
        self.foreign_network_policies.extend(other.foreign_network_policies);
        self.gateways.extend(other.gateways);
        self.http_routes.extend(other.http_routes);
        self.request_authentications.extend(other.request_authentications);
        self.mesh_authorizations.extend(other.mesh_authorizations);
        self.admission_policies.extend(other.admission_policies);
        self.admission_bindings.extend(other.admission_bindings);
        self.webhook_services.extend(other.webhook_services);
        self.runtime_classes.extend(other.runtime_classes);
    }

    /// Puts the facts in the order of the input, whichever worker gathered them.
    pub fn sort(&mut self) {
        in_order(&mut self.namespaces, |fact| &fact.origin);
        in_order(&mut self.workloads, |fact| &fact.origin);
        in_order(&mut self.service_accounts, |fact| &fact.origin);
        in_order(&mut self.roles, |fact| &fact.origin);
        in_order(&mut self.bindings, |fact| &fact.origin);
        in_order(&mut self.network_policies, |fact| &fact.origin);
        in_order(&mut self.services, |fact| &fact.origin);
        in_order(&mut self.disruption_budgets, |fact| &fact.origin);
        in_order(&mut self.quotas, |fact| &fact.origin);
        in_order(&mut self.limit_ranges, |fact| &fact.origin);
        in_order(&mut self.storage_classes, |fact| &fact.origin);
        in_order(&mut self.claims, |fact| &fact.origin);
        in_order(&mut self.mesh_policies, |fact| &fact.origin);
        in_order(&mut self.cluster_network_policies, |fact| &fact.origin);
        in_order(&mut self.foreign_network_policies, |fact| &fact.origin);
        in_order(&mut self.gateways, |fact| &fact.origin);
        in_order(&mut self.http_routes, |fact| &fact.origin);
        in_order(&mut self.request_authentications, |fact| &fact.origin);
        in_order(&mut self.mesh_authorizations, |fact| &fact.origin);
        in_order(&mut self.admission_policies, |fact| &fact.origin);
        in_order(&mut self.admission_bindings, |fact| &fact.origin);
        in_order(&mut self.webhook_services, |fact| &fact.origin);
        in_order(&mut self.runtime_classes, |fact| fact);
    }

    /// The namespace object of that name.
    pub fn namespace(&self, name: &str) -> Option<&Namespace> {
        self.namespaces.iter().find(|namespace| namespace.origin.name() == name)
    }
}

/// Facts of one object keep the order in which they were added.
fn in_order<T>(facts: &mut [T], origin: impl Fn(&T) -> &Origin) {
    facts.sort_by_key(|fact| origin(fact).location);
}
