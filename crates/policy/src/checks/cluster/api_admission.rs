//! Which admission plugins kube-apiserver runs.

use manifest::Object;
use model::{Rule, Scope, Serves, Severity};

use super::component::{Component, components};
use crate::check::{Context, ObjectCheck};
use crate::config::KUBERNETES_MINOR;
use crate::sink::Sink;

/// kube-apiserver does not restrict what kubelets change.
pub static NODE_RESTRICTION: Rule = Rule {
    code: "api-server-node-restriction",
    title: "kube-apiserver does not restrict what kubelets change",
    severity: Severity::Medium,
    scope: Scope::ApiServer,
    serves: &[Serves::full("DE-05"), Serves::part("RA-13")],
    why: "A kubelet, or whoever takes over one node, can relabel other nodes and change pods that run \
          elsewhere, drawing sensitive workloads to itself.",
    fix: "Add NodeRestriction to --enable-admission-plugins.",
    example: "command:\n  - kube-apiserver\n  - --enable-admission-plugins=NodeRestriction,DenyServiceExternalIPs\n",
};
/// Services may claim any external IP address.
pub static EXTERNAL_IPS: Rule = Rule {
    code: "api-server-external-ips",
    title: "Services may claim any external IP address",
    severity: Severity::Medium,
    scope: Scope::ApiServer,
    serves: &[Serves::full("DE-05"), Serves::part("NW-10")],
    why: "Whoever can create a Service can take over traffic that nodes and pods send to any address.",
    fix: "Add DenyServiceExternalIPs to --enable-admission-plugins, or refuse spec.externalIPs by an admission \
          policy.",
    example: "command:\n  - kube-apiserver\n  - --enable-admission-plugins=NodeRestriction,DenyServiceExternalIPs\n",
};
/// The AlwaysAdmit plugin is enabled.
pub static ALWAYS_ADMIT: Rule = Rule {
    code: "api-server-always-admit",
    title: "The AlwaysAdmit plugin is enabled",
    severity: Severity::High,
    scope: Scope::ApiServer,
    serves: &[Serves::full("DE-05")],
    why: "The plugin stands for no check at all and is there for tests.",
    fix: "Remove AlwaysAdmit from --enable-admission-plugins.",
    example: "",
};
/// A protecting admission plugin is switched off.
pub static PLUGIN_OFF: Rule = Rule {
    code: "api-server-admission-disabled",
    title: "A protecting admission plugin is switched off",
    severity: Severity::Medium,
    scope: Scope::ApiServer,
    serves: &[Serves::full("DE-05")],
    why: "The plugin guards pods, certificates, quotas or the policies of the cluster; without it the objects \
          that it refuses are stored.",
    fix: "Remove the plugin from --disable-admission-plugins.",
    example: "command:\n  - kube-apiserver\n  - --disable-admission-plugins=DefaultStorageClass\n",
};
/// Optional admission plugins are not enabled.
pub static CONSIDER: Rule = Rule {
    code: "api-server-admission-consider",
    title: "Optional admission plugins are not enabled",
    severity: Severity::Info,
    scope: Scope::ApiServer,
    serves: &[Serves::part("DE-05")],
    why: "AlwaysPullImages keeps pods from using private images cached on the node by others; EventRateLimit \
          keeps one client from flooding the API server with events.",
    fix: "Consider adding them to --enable-admission-plugins.",
    example: "",
};
/// An admission plugin does not exist in this release.
pub static UNKNOWN_PLUGIN: Rule = Rule {
    code: "api-server-admission-unknown",
    title: "An admission plugin does not exist in this release",
    severity: Severity::Medium,
    scope: Scope::ApiServer,
    serves: &[Serves::part("DE-05")],
    why: "kube-apiserver refuses to start with an unknown plugin, and a control that was counted on is not \
          there.",
    fix: "Correct the name, or replace a removed plugin by its successor.",
    example: "",
};
/// An admission plugin runs without its configuration.
pub static NO_CONFIGURATION: Rule = Rule {
    code: "api-server-admission-config",
    title: "An admission plugin runs without its configuration",
    severity: Severity::Low,
    scope: Scope::ApiServer,
    serves: &[Serves::part("DE-05"), Serves::part("DE-06")],
    why: "EventRateLimit, ImagePolicyWebhook and similar plugins do nothing, or keep the API server from \
          starting, without a configuration.",
    fix: "Set --admission-control-config-file.",
    example: "",
};

/// Checks on admission plugins.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[ObjectCheck {
    scope: Scope::ApiServer,
    rules: &[
        &NODE_RESTRICTION,
        &EXTERNAL_IPS,
        &ALWAYS_ADMIT,
        &PLUGIN_OFF,
        &CONSIDER,
        &UNKNOWN_PLUGIN,
        &NO_CONFIGURATION,
    ],
    run: check,
}];

fn check(object: &Object<'_>, context: Context<'_>, sink: &mut Sink<'_>) {
    components(object, Scope::ApiServer, |component| {
        enabled(component, sink);
        disabled(component, sink);
        if context.config.kubernetes_minor == KUBERNETES_MINOR {
            unknown(component, sink);
        }
    });
}

/// The old flag names the whole list; the new one adds to the defaults.
fn enabling_flag(component: &Component<'_>) -> &'static str {
    if component.line.last("admission-control").is_some() { "admission-control" } else { "enable-admission-plugins" }
}

fn enabled(component: &Component<'_>, sink: &mut Sink<'_>) {
    let name = enabling_flag(component);
    component.opaque(sink, &NODE_RESTRICTION, name);
    let (Some(setting), Some(plugins)) = (component.flag(name, ""), component.items(name, "")) else { return };
    for (plugin, rule) in [("NodeRestriction", &NODE_RESTRICTION), ("DenyServiceExternalIPs", &EXTERNAL_IPS)] {
        if !plugins.contains(&plugin) {
            component.report(sink, rule, &setting, format!("`--{name}` of kube-apiserver lacks `{plugin}`"));
        }
    }
    if plugins.contains(&"AlwaysAdmit") {
        component.report(sink, &ALWAYS_ADMIT, &setting, format!("`--{name}` of kube-apiserver names `AlwaysAdmit`"));
    }
    let absent: Vec<&str> = OPTIONAL.iter().copied().filter(|plugin| !plugins.contains(plugin)).collect();
    if !absent.is_empty() {
        let message = format!("`--{name}` of kube-apiserver does not name {}", absent.join(" or "));
        component.report(sink, &CONSIDER, &setting, message);
    }
    if let Some(plugin) = CONFIGURED.iter().find(|plugin| plugins.contains(*plugin))
        && !component.has("admission-control-config-file")
    {
        let message = format!("`{plugin}` is enabled and `--admission-control-config-file` is not set");
        component.report(sink, &NO_CONFIGURATION, &setting, message);
    }
}

fn disabled(component: &Component<'_>, sink: &mut Sink<'_>) {
    let name = "disable-admission-plugins";
    component.opaque(sink, &PLUGIN_OFF, name);
    let (Some(setting), Some(plugins)) = (component.flag(name, ""), component.items(name, "")) else { return };
    for (plugin, severity) in KEEPERS.iter().filter(|(plugin, _)| plugins.contains(plugin)) {
        component
            .report(sink, &PLUGIN_OFF, &setting, format!("`--{name}` of kube-apiserver switches off `{plugin}`"))
            .severity(*severity)
            .property("plugin", *plugin);
    }
    if enabling_flag(component) == "admission-control"
        && let (Some(setting), Some(plugins)) =
            (component.flag("admission-control", ""), component.items("admission-control", ""))
    {
        for (plugin, severity) in KEEPERS.iter().filter(|(plugin, _)| !plugins.contains(plugin)) {
            component
                .report(
                    sink,
                    &PLUGIN_OFF,
                    &setting,
                    format!("`--admission-control` of kube-apiserver lacks `{plugin}`"),
                )
                .severity(*severity)
                .property("plugin", *plugin);
        }
    }
}

fn unknown(component: &Component<'_>, sink: &mut Sink<'_>) {
    for name in ["enable-admission-plugins", "disable-admission-plugins", "admission-control"] {
        let (Some(setting), Some(plugins)) = (component.flag(name, ""), component.items(name, "")) else { continue };
        for plugin in plugins.into_iter().filter(|plugin| !PLUGINS.contains(plugin)) {
            let message =
                format!("`--{name}` names `{plugin}`, which kube-apiserver 1.{KUBERNETES_MINOR} does not have");
            component.report(sink, &UNKNOWN_PLUGIN, &setting, message).property("plugin", plugin);
        }
    }
}

/// Worth having in many clusters.
const OPTIONAL: &[&str] = &["AlwaysPullImages", "EventRateLimit"];

/// Need a configuration to do anything.
const CONFIGURED: &[&str] = &["EventRateLimit", "ImagePolicyWebhook"];

/// On by default, and part of the cluster's protection.
const KEEPERS: &[(&str, Severity)] = &[
    ("CertificateApproval", Severity::High),
    ("CertificateSigning", Severity::High),
    ("CertificateSubjectRestriction", Severity::High),
    ("ClusterTrustBundleAttest", Severity::Medium),
    ("LimitRanger", Severity::Medium),
    ("MutatingAdmissionPolicy", Severity::Medium),
    ("MutatingAdmissionWebhook", Severity::High),
    ("NamespaceLifecycle", Severity::Medium),
    ("NodeRestriction", Severity::High),
    ("PodSecurity", Severity::High),
    ("Priority", Severity::Medium),
    ("ResourceQuota", Severity::Medium),
    ("RuntimeClass", Severity::Medium),
    ("ServiceAccount", Severity::High),
    ("ValidatingAdmissionPolicy", Severity::High),
    ("ValidatingAdmissionWebhook", Severity::High),
];

/// Plugins of the release that the tables describe.
pub(super) const PLUGINS: &[&str] = &[
    "AlwaysAdmit",
    "AlwaysDeny",
    "AlwaysPullImages",
    "CertificateApproval",
    "CertificateSigning",
    "CertificateSubjectRestriction",
    "ClusterTrustBundleAttest",
    "DefaultIngressClass",
    "DefaultStorageClass",
    "DefaultTolerationSeconds",
    "DenyServiceExternalIPs",
    "EventRateLimit",
    "ExtendedResourceToleration",
    "ImagePolicyWebhook",
    "JobValidation",
    "LimitPodHardAntiAffinityTopology",
    "LimitRanger",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionWebhook",
    "NamespaceAutoProvision",
    "NamespaceExists",
    "NamespaceLifecycle",
    "NodeDeclaredFeatureValidator",
    "NodeRestriction",
    "OwnerReferencesPermissionEnforcement",
    "PersistentVolumeClaimResize",
    "PodGroupProtection",
    "PodGroupWorkloadExists",
    "PodNodeSelector",
    "PodResizeValidator",
    "PodSecurity",
    "PodTolerationRestriction",
    "PodTopologyLabels",
    "Priority",
    "ResourceQuota",
    "RuntimeClass",
    "ServiceAccount",
    "StorageObjectInUseProtection",
    "TaintNodesByCondition",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionWebhook",
];
