//! Which scopes an object is in.

use manifest::{Object, PodTemplate, Value};
use model::Scope;

/// Calls `each` for every scope of the object but [`Scope::Object`], which every object is in.
pub fn scopes(object: &Object<'_>, mut each: impl FnMut(Scope)) {
    if !object.pods.is_empty() {
        each(Scope::Workload);
        for pod in &object.pods {
            if let Some(component) = component(pod) {
                each(component);
            }
        }
    }
    if let Some(scope) = kind_scope(object.group, object.kind) {
        each(scope);
    }
}

/// The scope of a kind.
pub fn kind_scope(group: &str, kind: &str) -> Option<Scope> {
    Some(match (group, kind) {
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => Scope::Role,
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => Scope::RoleBinding,
        ("", "ServiceAccount") => Scope::ServiceAccount,
        ("", "Secret") => Scope::Secret,
        ("", "ConfigMap") => Scope::ConfigMap,
        ("", "Namespace") => Scope::Namespace,
        ("", "ResourceQuota" | "LimitRange") => Scope::Quota,
        ("", "Service") => Scope::Service,
        ("", "PersistentVolume" | "PersistentVolumeClaim") => Scope::Volume,
        ("", "Node") => Scope::Node,
        ("networking.k8s.io" | "extensions", "NetworkPolicy") | ("policy.networking.k8s.io", _) => Scope::NetworkPolicy,
        ("networking.k8s.io" | "extensions", "Ingress") | ("gateway.networking.k8s.io", _) => Scope::Ingress,
        ("storage.k8s.io", "StorageClass" | "CSIDriver") | ("snapshot.storage.k8s.io", _) => Scope::StorageClass,
        ("policy", "PodDisruptionBudget") => Scope::DisruptionBudget,
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration") => {
            Scope::Webhook
        }
        ("admissionregistration.k8s.io", _) => Scope::AdmissionPolicy,
        ("node.k8s.io", "RuntimeClass") => Scope::RuntimeClass,
        ("certificates.k8s.io", _) => Scope::Certificate,
        ("security.istio.io" | "networking.istio.io" | "policy.linkerd.io" | "install.istio.io" | "cilium.io", _) => {
            Scope::Mesh
        }
        ("kubeadm.k8s.io", "ClusterConfiguration") => Scope::ApiServer,
        ("kubescheduler.config.k8s.io", _) => Scope::Scheduler,
        ("kubelet.config.k8s.io", "KubeletConfiguration") => Scope::Kubelet,
        ("apiserver.config.k8s.io", "EncryptionConfiguration") => Scope::Encryption,
        ("apiserver.config.k8s.io", "AuthenticationConfiguration") => Scope::Authentication,
        ("apiserver.config.k8s.io", "AuthorizationConfiguration") => Scope::Authorization,
        ("apiserver.config.k8s.io", "AdmissionConfiguration") | ("pod-security.admission.config.k8s.io", _) => {
            Scope::AdmissionConfig
        }
        ("eventratelimit.admission.k8s.io" | "imagepolicy.k8s.io" | "resourcequota.admission.k8s.io", _) => {
            Scope::AdmissionConfig
        }
        ("audit.k8s.io", "Policy") => Scope::AuditPolicy,
        ("kobuk.dev", "Exception") => Scope::Exception,
        _ => return None,
    })
}

/// The cluster component that a pod runs, told by the program its container starts.
pub fn component(pod: &PodTemplate<'_>) -> Option<Scope> {
    pod.containers().find_map(|container| {
        let mut words = container.value.list("command").chain(container.value.list("args")).filter_map(Value::as_str);
        let program = words.next()?.rsplit('/').next()?;
        match program {
            "kube-apiserver" => Some(Scope::ApiServer),
            "kube-controller-manager" => Some(Scope::ControllerManager),
            "kube-scheduler" => Some(Scope::Scheduler),
            "kubelet" => Some(Scope::Kubelet),
            "etcd" => Some(Scope::Etcd),
            _ => None,
        }
    })
}
