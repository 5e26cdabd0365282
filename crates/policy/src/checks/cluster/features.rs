//! Feature gates and API versions that are switched on or off.

use model::{Location, Severity};

use super::component::Component;
use super::shared::{ALPHA, SECURITY_OFF, SERVING_ROTATION};
use crate::sink::Sink;

/// Judges the feature gates of one component, on its command line or in its file.
pub(super) fn gates(component: &Component<'_>, sink: &mut Sink<'_>) {
    for flag in component.line.all("feature-gates").filter(|flag| !flag.opaque()) {
        for pair in flag.value.split(',') {
            let Some((name, value)) = pair.split_once('=') else { continue };
            let name = name.trim().rsplit(':').next().unwrap_or("");
            gate(component, name, value.trim().eq_ignore_ascii_case("true"), flag.location, "feature-gates", sink);
        }
    }
    for (key, value) in
        component.file.and_then(|file| file.get("featureGates")).into_iter().flat_map(|map| map.entries())
    {
        if let (Some(name), Some(on)) = (key.as_str(), value.as_bool()) {
            gate(component, name, on, value.location(), "featureGates", sink);
        }
    }
    versions(component, sink);
}

fn gate(component: &Component<'_>, name: &str, on: bool, at: Location, field: &'static str, sink: &mut Sink<'_>) {
    let program = component.program;
    let (rule, severity, message) = match (name, on) {
        ("AllAlpha", true) => {
            (&ALPHA, Severity::Medium, format!("feature gate `AllAlpha` of {program} switches on every alpha feature"))
        }
        ("AllBeta", true) => {
            (&ALPHA, Severity::Low, format!("feature gate `AllBeta` of {program} switches on every beta feature"))
        }
        ("RotateKubeletServerCertificate", false) => {
            (&SERVING_ROTATION, Severity::Medium, format!("feature gate `{name}` of {program} is off"))
        }
        (_, true) if ALPHA_GATES.contains(&name) => {
            (&ALPHA, Severity::Low, format!("alpha feature gate `{name}` of {program} is on"))
        }
        (_, false) if PROTECTING_GATES.contains(&name) => {
            (&SECURITY_OFF, Severity::Medium, format!("feature gate `{name}` of {program} is off"))
        }
        _ => return,
    };
    sink.report(rule, at, message).field(field).severity(severity).property("gate", name);
}

/// Judges `--runtime-config` of kube-apiserver.
fn versions(component: &Component<'_>, sink: &mut Sink<'_>) {
    for flag in component.line.all("runtime-config").filter(|flag| !flag.opaque()) {
        for pair in flag.value.split(',') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, "true"));
            let name = name.trim();
            if !value.trim().eq_ignore_ascii_case("true") {
                continue;
            }
            let (severity, what) = match name {
                "api/all" => (Severity::Medium, "every API version, alpha ones too"),
                "api/alpha" => (Severity::Medium, "every alpha API version"),
                "api/beta" => (Severity::Low, "every beta API version"),
                _ if name.contains("alpha") => (Severity::Low, "an alpha API version"),
                _ => continue,
            };
            sink.report(&ALPHA, flag.location, format!("`--runtime-config` entry `{name}` serves {what}"))
                .field("runtime-config")
                .severity(severity);
        }
    }
}

/// Gates that are alpha in the release that the tables describe.
const ALPHA_GATES: &[&str] = &[
    "APIServingWithRoutine",
    "AllowUnsafeMalformedObjectDeletion",
    "CBORServingAndStorage",
    "CPUManagerPolicyAlphaOptions",
    "CRIListStreaming",
    "CSIVolumeHealth",
    "ClientsAllowCBOR",
    "ClientsPreferCBOR",
    "CloudControllerManagerWatchBasedRoutesReconciliation",
    "CloudControllerManagerWebhook",
    "ContainerStopSignals",
    "ControllerManagerReleaseLeaderElectionLockOnExit",
    "CrossNamespaceVolumeDataSource",
    "DRAListTypeAttributes",
    "DRANodeAllocatableResources",
    "DRAResourcePoolStatus",
    "DRAWorkloadResourceClaims",
    "EventedPLEG",
    "GangScheduling",
    "GenericWorkload",
    "HPAScaleToZero",
    "ImageVolumeWithDigest",
    "InPlacePodVerticalScalingExclusiveCPUs",
    "InPlacePodVerticalScalingExclusiveMemory",
    "KubeletInUserNamespace",
    "LoggingAlphaOptions",
    "ManifestBasedAdmissionControlConfig",
    "MemoryQoS",
    "MinimumKubeletVersion",
    "MutablePVNodeAffinity",
    "NativeHistograms",
    "PersistentVolumeClaimUnusedSinceTime",
    "PodAndContainerStatsFromCRI",
    "PodLevelResourceManagers",
    "PodLogsQuerySplitStreams",
    "PodsAPI",
    "QOSReserved",
    "ReduceDefaultCrashLoopBackOffDecay",
    "RouteExternalCertificate",
    "RuntimeClassInImageCriApi",
    "ShardedListAndWatch",
    "StorageCapacityScoring",
    "StoragePerformantSecurityPolicy",
    "StorageVersionAPI",
    "TaintTolerationComparisonOperators",
    "TopologyAwareWorkloadScheduling",
    "TopologyManagerPolicyAlphaOptions",
    "UserNamespacesHostNetworkSupport",
    "VolumeLimitScaling",
    "WindowsCPUAndMemoryAffinity",
    "WorkloadAwarePreemption",
    "WorkloadWithJob",
];

/// Gates that are on by default and guard access or isolation.
const PROTECTING_GATES: &[&str] = &[
    "AnonymousAuthConfigurableEndpoints",
    "AuthorizeNodeWithSelectors",
    "AuthorizePodWebsocketUpgradeCreatePermission",
    "ConstrainedImpersonation",
    "DRAResourceClaimGranularStatusAuthorization",
    "KubeletEnsureSecretPulledImages",
    "KubeletFineGrainedAuthz",
    "LegacyServiceAccountTokenCleanUp",
    "SELinuxMountReadWriteOncePod",
    "ServiceAccountNodeAudienceRestriction",
    "ServiceAccountTokenJTI",
    "ServiceAccountTokenNodeBinding",
    "ServiceAccountTokenNodeBindingValidation",
    "ServiceAccountTokenPodNodeInfo",
    "StructuredAuthorizationConfiguration",
    "UserNamespacesSupport",
];
