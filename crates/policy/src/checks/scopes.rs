//! Which scopes an object is in.

use manifest::pod::Container;
use manifest::{Object, PodTemplate, Value};
use model::Scope;

/// Calls `each` for every scope of the object but [`Scope::Object`], which every object is in.
pub fn scopes(object: &Object<'_>, mut each: impl FnMut(Scope)) {
    if !object.pods.is_empty() {
        each(Scope::Workload);
        for pod in &object.pods {
            components(pod, &mut each);
        }
    }
    if let Some(scope) = kind_scope(object.group, object.kind) {
        each(scope);
    }
    if object.group == "kubeadm.k8s.io" {
        kubeadm(object, each);
    }
}

/// One kubeadm object configures several components.
fn kubeadm(object: &Object<'_>, mut each: impl FnMut(Scope)) {
    match object.kind {
        "ClusterConfiguration" => {
            each(Scope::ControllerManager);
            each(Scope::Scheduler);
            if object.value.path(&["etcd", "external"]).is_none() {
                each(Scope::Etcd);
            }
        }
        "InitConfiguration" | "JoinConfiguration"
            if object.value.path(&["nodeRegistration", "kubeletExtraArgs"]).is_some() =>
        {
            each(Scope::Kubelet);
        }
        _ => {}
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
        ("apiserver.config.k8s.io", "EncryptionConfiguration") | ("", "EncryptionConfig") => Scope::Encryption,
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

/// Programs of cluster components.
pub const PROGRAMS: [(&str, Scope); 5] = [
    ("kube-apiserver", Scope::ApiServer),
    ("kube-controller-manager", Scope::ControllerManager),
    ("kube-scheduler", Scope::Scheduler),
    ("kubelet", Scope::Kubelet),
    ("etcd", Scope::Etcd),
];

/// The scopes of the cluster components that a pod runs, told by the programs its containers start.
pub fn components(pod: &PodTemplate<'_>, mut each: impl FnMut(Scope)) {
    let mut seen = [false; PROGRAMS.len()];
    for container in pod.containers() {
        let Some(name) = program(&container) else { continue };
        for (seen, (_, scope)) in seen.iter_mut().zip(PROGRAMS).filter(|(_, (program, _))| *program == name) {
            if !std::mem::replace(seen, true) {
                each(scope);
            }
        }
    }
}

/// The component program that a container starts: its first word, the word after a wrapper, or a word
/// of a shell script. A Kubernetes image with flags and no command starts the program of its own name.
pub fn program(container: &Container<'_>) -> Option<&'static str> {
    let mut words = container.value.list("command").chain(container.value.list("args")).filter_map(Value::as_str);
    let first = words.next()?;
    let named = |word: &str| {
        let base = word.rsplit('/').next().unwrap_or(word);
        PROGRAMS.iter().find(|(program, _)| *program == base).map(|(program, _)| *program)
    };
    match first.rsplit('/').next().unwrap_or(first) {
        "go-runner" | "hyperkube" | "env" | "nice" | "exec" | "tini" | "dumb-init" => words.find_map(named),
        "sh" | "bash" | "ash" | "dash" => words.find_map(|word| {
            if word.contains(char::is_whitespace) { word.split_whitespace().find_map(named) } else { named(word) }
        }),
        flag if flag.starts_with('-') && container.value.get("command").is_none() => {
            let image = container.value.str_at("image")?.rsplit('/').next()?;
            named(image.split([':', '@']).next()?).filter(|program| program.starts_with("kube-"))
        }
        _ => named(first),
    }
}
