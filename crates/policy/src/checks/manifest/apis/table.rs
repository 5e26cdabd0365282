//! Which API versions were deprecated and removed, and when.
//!
//! Sources: the life cycle methods of the published API types, release notes of Kubernetes, and of
//! kubeadm and the components for their configuration files. Versions count only as removed when a
//! release without them exists or is announced by the types themselves.

/// What became of an API version.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fate {
    group: &'static str,
    version: &'static str,
    /// `*` for all kinds of the version that have no row of their own.
    kind: &'static str,
    /// Minor release of Kubernetes that deprecated it.
    pub(super) deprecated: u32,
    /// Minor release that no longer has it.
    pub(super) removed: Option<u32>,
    /// What to use; may be empty.
    pub(super) instead: &'static str,
}

/// What became of a kind in a version. `None` when nothing did.
pub(super) fn fate(group: &str, version: &str, kind: &str) -> Option<Fate> {
    let rows = || FATES.iter().filter(|fate| fate.group == group && fate.version == version);
    rows().find(|fate| fate.kind == kind).or_else(|| rows().find(|fate| fate.kind == "*")).copied()
}

/// Whether a stable version of a kind is in the table.
pub(super) fn has_stable(kind: &str) -> bool {
    matches!(kind, "ComponentStatus" | "Endpoints")
}

const fn gone(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    deprecated: u32,
    removed: u32,
    instead: &'static str,
) -> Fate {
    Fate { group, version, kind, deprecated, removed: Some(removed), instead }
}

const fn going(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    deprecated: u32,
    instead: &'static str,
) -> Fate {
    Fate { group, version, kind, deprecated, removed: None, instead }
}

#[rustfmt::skip]
const FATES: &[Fate] = &[
    // Objects of the API server.
    going("", "v1", "ComponentStatus", 19, "the health endpoints of the components"),
    going("", "v1", "Endpoints", 33, "discovery.k8s.io/v1 EndpointSlice"),
    gone("admissionregistration.k8s.io", "v1alpha1", "InitializerConfiguration", 13, 14, "admission webhooks"),
    gone("admissionregistration.k8s.io", "v1alpha1", "ValidatingAdmissionPolicy", 29, 32, "admissionregistration.k8s.io/v1"),
    gone("admissionregistration.k8s.io", "v1alpha1", "ValidatingAdmissionPolicyBinding", 29, 32, "admissionregistration.k8s.io/v1"),
    gone("admissionregistration.k8s.io", "v1alpha1", "MutatingAdmissionPolicy", 35, 38, "admissionregistration.k8s.io/v1"),
    gone("admissionregistration.k8s.io", "v1alpha1", "MutatingAdmissionPolicyBinding", 35, 38, "admissionregistration.k8s.io/v1"),
    gone("admissionregistration.k8s.io", "v1beta1", "ValidatingWebhookConfiguration", 16, 22, "admissionregistration.k8s.io/v1"),
    gone("admissionregistration.k8s.io", "v1beta1", "MutatingWebhookConfiguration", 16, 22, "admissionregistration.k8s.io/v1"),
    gone("admissionregistration.k8s.io", "v1beta1", "ValidatingAdmissionPolicy", 31, 34, "admissionregistration.k8s.io/v1"),
    gone("admissionregistration.k8s.io", "v1beta1", "ValidatingAdmissionPolicyBinding", 31, 34, "admissionregistration.k8s.io/v1"),
    gone("admissionregistration.k8s.io", "v1beta1", "MutatingAdmissionPolicy", 37, 40, "admissionregistration.k8s.io/v1"),
    gone("admissionregistration.k8s.io", "v1beta1", "MutatingAdmissionPolicyBinding", 37, 40, "admissionregistration.k8s.io/v1"),
    gone("apiextensions.k8s.io", "v1beta1", "*", 16, 22, "apiextensions.k8s.io/v1"),
    gone("apiregistration.k8s.io", "v1beta1", "*", 19, 22, "apiregistration.k8s.io/v1"),
    gone("apps", "v1beta1", "Scale", 8, 16, "autoscaling/v1"),
    gone("apps", "v1beta1", "*", 8, 16, "apps/v1"),
    gone("apps", "v1beta2", "Scale", 9, 16, "autoscaling/v1"),
    gone("apps", "v1beta2", "*", 9, 16, "apps/v1"),
    gone("auditregistration.k8s.io", "v1alpha1", "*", 19, 19, "an audit policy file and the webhook backend of kube-apiserver"),
    gone("authentication.k8s.io", "v1alpha1", "SelfSubjectReview", 29, 32, "authentication.k8s.io/v1"),
    gone("authentication.k8s.io", "v1beta1", "SelfSubjectReview", 30, 33, "authentication.k8s.io/v1"),
    gone("authentication.k8s.io", "v1beta1", "*", 19, 22, "authentication.k8s.io/v1"),
    gone("authorization.k8s.io", "v1beta1", "*", 19, 22, "authorization.k8s.io/v1"),
    gone("autoscaling", "v2beta1", "*", 22, 25, "autoscaling/v2"),
    gone("autoscaling", "v2beta2", "*", 23, 26, "autoscaling/v2"),
    gone("batch", "v1beta1", "*", 21, 25, "batch/v1"),
    gone("batch", "v2alpha1", "*", 8, 21, "batch/v1"),
    gone("certificates.k8s.io", "v1alpha1", "ClusterTrustBundle", 34, 37, "certificates.k8s.io/v1beta1, or v1 from 1.37 on"),
    gone("certificates.k8s.io", "v1beta1", "CertificateSigningRequest", 19, 22, "certificates.k8s.io/v1"),
    gone("certificates.k8s.io", "v1beta1", "ClusterTrustBundle", 37, 40, "certificates.k8s.io/v1"),
    gone("certificates.k8s.io", "v1beta1", "PodCertificateRequest", 37, 40, "certificates.k8s.io/v1"),
    gone("coordination.k8s.io", "v1alpha1", "LeaseCandidate", 32, 32, "coordination.k8s.io/v1beta1"),
    gone("coordination.k8s.io", "v1alpha2", "LeaseCandidate", 35, 38, "coordination.k8s.io/v1beta1"),
    gone("coordination.k8s.io", "v1beta1", "Lease", 19, 22, "coordination.k8s.io/v1"),
    gone("discovery.k8s.io", "v1beta1", "*", 21, 25, "discovery.k8s.io/v1"),
    gone("events.k8s.io", "v1beta1", "*", 22, 25, "events.k8s.io/v1"),
    gone("extensions", "v1beta1", "NetworkPolicy", 9, 16, "networking.k8s.io/v1"),
    gone("extensions", "v1beta1", "Ingress", 14, 22, "networking.k8s.io/v1"),
    gone("extensions", "v1beta1", "PodSecurityPolicy", 11, 16, "the Pod Security Standards by namespace label"),
    gone("extensions", "v1beta1", "ThirdPartyResource", 7, 8, "apiextensions.k8s.io/v1 CustomResourceDefinition"),
    gone("extensions", "v1beta1", "HorizontalPodAutoscaler", 2, 16, "autoscaling/v2"),
    gone("extensions", "v1beta1", "Job", 2, 16, "batch/v1"),
    gone("extensions", "v1beta1", "Scale", 2, 16, "autoscaling/v1"),
    gone("extensions", "v1beta1", "*", 8, 16, "apps/v1"),
    gone("flowcontrol.apiserver.k8s.io", "v1alpha1", "*", 20, 21, "flowcontrol.apiserver.k8s.io/v1"),
    gone("flowcontrol.apiserver.k8s.io", "v1beta1", "*", 23, 26, "flowcontrol.apiserver.k8s.io/v1"),
    gone("flowcontrol.apiserver.k8s.io", "v1beta2", "*", 26, 29, "flowcontrol.apiserver.k8s.io/v1"),
    gone("flowcontrol.apiserver.k8s.io", "v1beta3", "*", 29, 32, "flowcontrol.apiserver.k8s.io/v1"),
    gone("networking.k8s.io", "v1beta1", "Ingress", 19, 22, "networking.k8s.io/v1"),
    gone("networking.k8s.io", "v1beta1", "IngressClass", 19, 22, "networking.k8s.io/v1"),
    gone("networking.k8s.io", "v1beta1", "IPAddress", 34, 37, "networking.k8s.io/v1"),
    gone("networking.k8s.io", "v1beta1", "ServiceCIDR", 34, 37, "networking.k8s.io/v1"),
    gone("networking.k8s.io", "v1alpha1", "IPAddress", 30, 33, "networking.k8s.io/v1"),
    gone("networking.k8s.io", "v1alpha1", "ServiceCIDR", 30, 33, "networking.k8s.io/v1"),
    gone("networking.k8s.io", "v1alpha1", "ClusterCIDR", 29, 29, ""),
    gone("node.k8s.io", "v1alpha1", "*", 20, 22, "node.k8s.io/v1"),
    gone("node.k8s.io", "v1beta1", "*", 22, 25, "node.k8s.io/v1"),
    gone("policy", "v1beta1", "PodSecurityPolicy", 21, 25, "the Pod Security Standards by namespace label"),
    gone("policy", "v1beta1", "Eviction", 22, 25, "policy/v1"),
    gone("policy", "v1beta1", "*", 21, 25, "policy/v1"),
    gone("rbac.authorization.k8s.io", "v1alpha1", "*", 17, 22, "rbac.authorization.k8s.io/v1"),
    gone("rbac.authorization.k8s.io", "v1beta1", "*", 17, 22, "rbac.authorization.k8s.io/v1"),
    gone("resource.k8s.io", "v1alpha1", "*", 27, 27, "resource.k8s.io/v1"),
    gone("resource.k8s.io", "v1alpha2", "*", 31, 31, "resource.k8s.io/v1"),
    gone("resource.k8s.io", "v1alpha3", "DeviceTaintRule", 36, 39, "resource.k8s.io/v1beta2, or v1 from 1.37 on"),
    gone("resource.k8s.io", "v1beta1", "*", 35, 38, "resource.k8s.io/v1"),
    gone("resource.k8s.io", "v1beta2", "DeviceTaintRule", 39, 42, "resource.k8s.io/v1"),
    gone("resource.k8s.io", "v1beta2", "*", 36, 39, "resource.k8s.io/v1"),
    gone("scheduling.k8s.io", "v1alpha1", "PriorityClass", 14, 22, "scheduling.k8s.io/v1"),
    gone("scheduling.k8s.io", "v1alpha1", "Workload", 36, 36, "scheduling.k8s.io/v1alpha2, or v1beta1 from 1.37 on"),
    gone("scheduling.k8s.io", "v1alpha2", "*", 37, 37, "scheduling.k8s.io/v1beta1"),
    gone("scheduling.k8s.io", "v1beta1", "PriorityClass", 14, 22, "scheduling.k8s.io/v1"),
    gone("settings.k8s.io", "v1alpha1", "*", 20, 20, "a MutatingAdmissionPolicy or webhook"),
    gone("storage.k8s.io", "v1alpha1", "VolumeAttributesClass", 32, 35, "storage.k8s.io/v1"),
    gone("storage.k8s.io", "v1alpha1", "*", 21, 24, "storage.k8s.io/v1"),
    gone("storage.k8s.io", "v1beta1", "CSIStorageCapacity", 24, 27, "storage.k8s.io/v1"),
    gone("storage.k8s.io", "v1beta1", "VolumeAttributesClass", 34, 37, "storage.k8s.io/v1"),
    gone("storage.k8s.io", "v1beta1", "*", 19, 22, "storage.k8s.io/v1"),
    gone("storagemigration.k8s.io", "v1beta1", "*", 37, 40, "storagemigration.k8s.io/v1"),
    // Messages between the API server and webhooks, and configuration files of components.
    gone("admission.k8s.io", "v1beta1", "*", 19, 22, "admission.k8s.io/v1"),
    going("apiserver.k8s.io", "v1alpha1", "AdmissionConfiguration", 17, "apiserver.config.k8s.io/v1"),
    gone("audit.k8s.io", "v1alpha1", "*", 21, 24, "audit.k8s.io/v1"),
    gone("audit.k8s.io", "v1beta1", "*", 21, 24, "audit.k8s.io/v1"),
    gone("client.authentication.k8s.io", "v1alpha1", "*", 22, 24, "client.authentication.k8s.io/v1"),
    gone("kubeadm.k8s.io", "v1alpha1", "*", 11, 12, "kubeadm.k8s.io/v1beta4"),
    gone("kubeadm.k8s.io", "v1alpha2", "*", 12, 13, "kubeadm.k8s.io/v1beta4"),
    gone("kubeadm.k8s.io", "v1alpha3", "*", 13, 15, "kubeadm.k8s.io/v1beta4"),
    gone("kubeadm.k8s.io", "v1beta1", "*", 17, 22, "kubeadm.k8s.io/v1beta4"),
    gone("kubeadm.k8s.io", "v1beta2", "*", 22, 27, "kubeadm.k8s.io/v1beta4"),
    going("kubeadm.k8s.io", "v1beta3", "*", 31, "kubeadm.k8s.io/v1beta4"),
    gone("kubescheduler.config.k8s.io", "v1alpha1", "*", 18, 19, "kubescheduler.config.k8s.io/v1"),
    gone("kubescheduler.config.k8s.io", "v1alpha2", "*", 19, 21, "kubescheduler.config.k8s.io/v1"),
    gone("kubescheduler.config.k8s.io", "v1beta1", "*", 22, 23, "kubescheduler.config.k8s.io/v1"),
    gone("kubescheduler.config.k8s.io", "v1beta2", "*", 25, 28, "kubescheduler.config.k8s.io/v1"),
    gone("kubescheduler.config.k8s.io", "v1beta3", "*", 26, 29, "kubescheduler.config.k8s.io/v1"),
];
