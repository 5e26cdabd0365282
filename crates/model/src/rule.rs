//! A rule: one thing that can be wrong, with its stable code and the words that explain it.

use crate::Severity;

/// One thing that can be wrong. Rules are `static` data owned by the check that reports them.
#[derive(Debug)]
pub struct Rule {
    /// Stable kebab-case code, unique over the whole product; also the name of the docs page.
    pub code: &'static str,
    /// What is wrong, in at most about ten words, without a trailing period.
    pub title: &'static str,
    /// Severity of the finding unless the check raises or lowers it for one case.
    pub severity: Severity,
    /// What the rule looks at; tells how much of the input it could judge.
    pub scope: Scope,
    /// Controls of the catalogue that the rule serves. Never empty.
    pub serves: &'static [Serves],
    /// Why it matters: what an attacker gains, or what breaks. One to three sentences.
    pub why: &'static str,
    /// What to do about it, as an instruction. One or two sentences.
    pub fix: &'static str,
    /// A YAML fragment that passes, or an empty string where no fragment helps.
    pub example: &'static str,
}

/// That a rule serves a control, and how far an absence of findings proves the control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Serves {
    /// Catalogue id, for example `RC-10`.
    pub control: &'static str,
    /// What it means when the rule looked and found nothing.
    pub proof: Proof,
}

/// What it means for a control that a rule looked and found nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// With all other full rules of the control silent too, the control is satisfied for this input.
    Full,
    /// The rule can show a violation, but its silence proves nothing by itself.
    Part,
}

impl Serves {
    /// The rule, when silent, is part of the proof that the control holds.
    pub const fn full(control: &'static str) -> Self {
        Serves { control, proof: Proof::Full }
    }

    /// The rule can only violate the control.
    pub const fn part(control: &'static str) -> Self {
        Serves { control, proof: Proof::Part }
    }
}

/// What a rule looks at. One object or file can be in several scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Every Kubernetes object.
    Object,
    /// Every source file.
    File,
    /// Anything with a pod template: Pods, built-in controllers, custom resources that embed one.
    Workload,
    /// Role and ClusterRole.
    Role,
    /// RoleBinding and ClusterRoleBinding.
    RoleBinding,
    /// ServiceAccount.
    ServiceAccount,
    /// Secret.
    Secret,
    /// ConfigMap.
    ConfigMap,
    /// Namespace.
    Namespace,
    /// ResourceQuota and LimitRange.
    Quota,
    /// NetworkPolicy and the policy.networking.k8s.io kinds.
    NetworkPolicy,
    /// Service.
    Service,
    /// Ingress, Gateway and routes.
    Ingress,
    /// PersistentVolume and PersistentVolumeClaim.
    Volume,
    /// StorageClass, CSIDriver and VolumeSnapshotClass.
    StorageClass,
    /// PodDisruptionBudget.
    DisruptionBudget,
    /// ValidatingWebhookConfiguration and MutatingWebhookConfiguration.
    Webhook,
    /// ValidatingAdmissionPolicy, MutatingAdmissionPolicy and their bindings.
    AdmissionPolicy,
    /// RuntimeClass.
    RuntimeClass,
    /// CertificateSigningRequest, ClusterTrustBundle and PodCertificateRequest.
    Certificate,
    /// Node.
    Node,
    /// Istio, Linkerd and other mesh objects.
    Mesh,
    /// A kube-apiserver command line.
    ApiServer,
    /// A kube-controller-manager command line.
    ControllerManager,
    /// A kube-scheduler command line or KubeSchedulerConfiguration.
    Scheduler,
    /// A kubelet command line or KubeletConfiguration.
    Kubelet,
    /// An etcd command line or configuration file.
    Etcd,
    /// EncryptionConfiguration.
    Encryption,
    /// AuthenticationConfiguration.
    Authentication,
    /// AuthorizationConfiguration.
    Authorization,
    /// An audit Policy.
    AuditPolicy,
    /// AdmissionConfiguration and plugin configurations.
    AdmissionConfig,
    /// Container images.
    Image,
    /// Packages that were found, in an image or a folder.
    Package,
    /// Dockerfiles and Containerfiles.
    Containerfile,
    /// Folders of source code.
    SourceTree,
    /// Kobuk's own Exception objects.
    Exception,
}

impl Scope {
    /// Number of scopes; the size of a counter table.
    pub const COUNT: usize = Scope::Exception as usize + 1;

    /// What the user must provide for a rule of this scope to have something to look at.
    pub fn noun(self) -> &'static str {
        match self {
            Scope::Object => "Kubernetes objects",
            Scope::File => "files",
            Scope::Workload => "workloads",
            Scope::Role => "Roles or ClusterRoles",
            Scope::RoleBinding => "RoleBindings or ClusterRoleBindings",
            Scope::ServiceAccount => "ServiceAccounts",
            Scope::Secret => "Secrets",
            Scope::ConfigMap => "ConfigMaps",
            Scope::Namespace => "Namespaces",
            Scope::Quota => "ResourceQuotas or LimitRanges",
            Scope::NetworkPolicy => "NetworkPolicies",
            Scope::Service => "Services",
            Scope::Ingress => "Ingresses or Gateways",
            Scope::Volume => "PersistentVolumes or claims",
            Scope::StorageClass => "StorageClasses",
            Scope::DisruptionBudget => "PodDisruptionBudgets",
            Scope::Webhook => "admission webhook configurations",
            Scope::AdmissionPolicy => "admission policies",
            Scope::RuntimeClass => "RuntimeClasses",
            Scope::Certificate => "certificate requests",
            Scope::Node => "Nodes",
            Scope::Mesh => "service mesh objects",
            Scope::ApiServer => "a kube-apiserver command line",
            Scope::ControllerManager => "a kube-controller-manager command line",
            Scope::Scheduler => "a kube-scheduler command line or configuration",
            Scope::Kubelet => "a KubeletConfiguration or kubelet command line",
            Scope::Etcd => "an etcd command line",
            Scope::Encryption => "an EncryptionConfiguration",
            Scope::Authentication => "an AuthenticationConfiguration",
            Scope::Authorization => "an AuthorizationConfiguration",
            Scope::AuditPolicy => "an audit Policy",
            Scope::AdmissionConfig => "an AdmissionConfiguration",
            Scope::Image => "images",
            Scope::Package => "packages",
            Scope::Containerfile => "Containerfiles",
            Scope::SourceTree => "source code",
            Scope::Exception => "Exceptions",
        }
    }

    /// What it means that the input holds nothing in this scope.
    pub fn absence(self) -> Absence {
        use Scope::*;
        match self {
            Secret | ConfigMap | Service | Ingress | Volume | StorageClass | Webhook | AdmissionPolicy
            | RuntimeClass | Certificate | Mesh | DisruptionBudget | Exception => Absence::NotApplicable,
            _ => Absence::Unknown,
        }
    }
}

/// What it means for a control that the input holds nothing that the rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// There is nothing here that could violate the control.
    NotApplicable,
    /// The thing surely exists somewhere, but it was not shown.
    Unknown,
}
