//! How a kubelet treats its node and the pods on it.

use manifest::Object;
use model::{Rule, Scope, Serves, Severity};

use super::component::{Component, Demand, components, is_true, is_unset};
use super::duration;
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// A kubelet starts pods without a seccomp profile.
pub static SECCOMP: Rule = Rule {
    code: "kubelet-seccomp-default",
    title: "A kubelet starts pods without a seccomp profile",
    severity: Severity::Medium,
    scope: Scope::Kubelet,
    serves: &[Serves::part("RC-07")],
    why: "Pods that name no profile may call every system call of the kernel, the ones with a history of \
          break-outs too.",
    fix: "Set seccompDefault to true.",
    example: "seccompDefault: true\n",
};
/// A kubelet sets no limit on processes of a pod.
pub static PID_LIMIT: Rule = Rule {
    code: "kubelet-pod-pid-limit",
    title: "A kubelet sets no limit on processes of a pod",
    severity: Severity::Medium,
    scope: Scope::Kubelet,
    serves: &[Serves::part("RC-04"), Serves::part("RC-24")],
    why: "One pod can start processes until the node has none left for anybody else.",
    fix: "Set podPidsLimit, for example to 1024.",
    example: "podPidsLimit: 1024\n",
};
/// A kubelet changes kernel settings that differ.
pub static KERNEL_DEFAULTS: Rule = Rule {
    code: "kubelet-kernel-defaults",
    title: "A kubelet changes kernel settings that differ",
    severity: Severity::Low,
    scope: Scope::Kubelet,
    serves: &[Serves::part("DE-12")],
    why: "The kubelet then overwrites the host's own hardening instead of stopping, and nobody notices the \
          difference.",
    fix: "Set protectKernelDefaults to true and prepare the node's sysctls.",
    example: "protectKernelDefaults: true\n",
};
/// A kubelet leaves out its iptables chains.
pub static IPTABLES: Rule = Rule {
    code: "kubelet-iptables-chains",
    title: "A kubelet leaves out its iptables chains",
    severity: Severity::Low,
    scope: Scope::Kubelet,
    serves: &[Serves::part("DE-12"), Serves::part("NW-11")],
    why: "The chains drop packets that misuse local addresses of the node; without them other hosts can reach \
          services that listen on localhost.",
    fix: "Set makeIPTablesUtilChains to true.",
    example: "makeIPTablesUtilChains: true\n",
};
/// A kubelet runs under another name than its host.
pub static HOSTNAME: Rule = Rule {
    code: "kubelet-hostname-override",
    title: "A kubelet runs under another name than its host",
    severity: Severity::Info,
    scope: Scope::Kubelet,
    serves: &[Serves::part("RA-13")],
    why: "Certificates, rights and logs are tied to the node's name; a made-up one makes them harder to match.",
    fix: "Remove --hostname-override unless the cloud provider needs it.",
    example: "",
};
/// A kubelet sends events or pulls images without limit.
pub static EVENT_RATE: Rule = Rule {
    code: "kubelet-rate-limits",
    title: "A kubelet sends events or pulls images without limit",
    severity: Severity::Low,
    scope: Scope::Kubelet,
    serves: &[Serves::part("RC-24")],
    why: "A pod that fails all the time makes the kubelet flood the API server or the registry.",
    fix: "Leave eventRecordQPS and registryPullQPS at positive numbers.",
    example: "eventRecordQPS: 50\nregistryPullQPS: 5\n",
};
/// A kubelet never closes idle sessions.
pub static IDLE_TIMEOUT: Rule = Rule {
    code: "kubelet-idle-timeout",
    title: "A kubelet never closes idle sessions",
    severity: Severity::Low,
    scope: Scope::Kubelet,
    serves: &[Serves::part("RC-24"), Serves::part("RA-18")],
    why: "Forgotten shells into containers stay open, for whoever takes over the terminal.",
    fix: "Set streamingConnectionIdleTimeout to a positive time.",
    example: "streamingConnectionIdleTimeout: 4h0m0s\n",
};
/// A kubelet lets pods set unsafe sysctls.
pub static SYSCTLS: Rule = Rule {
    code: "kubelet-unsafe-sysctls",
    title: "A kubelet lets pods set unsafe sysctls",
    severity: Severity::Medium,
    scope: Scope::Kubelet,
    serves: &[Serves::part("RC-25"), Serves::part("DE-12")],
    why: "Unsafe sysctls can change the kernel for other pods of the node, or be used to break out of one.",
    fix: "Leave allowedUnsafeSysctls empty, or list single names on nodes of their own.",
    example: "allowedUnsafeSysctls: []\n",
};
/// A kubelet runs on a node with swap.
pub static SWAP: Rule = Rule {
    code: "kubelet-swap",
    title: "A kubelet runs on a node with swap",
    severity: Severity::Low,
    scope: Scope::Kubelet,
    serves: &[Serves::part("RC-23")],
    why: "Memory of pods, mounted Secrets with it on older kernels, can be written to the swap device in clear \
          text.",
    fix: "Leave failSwapOn on, or encrypt the swap device and use a kernel of 6.3 or newer.",
    example: "failSwapOn: true\n",
};
/// Pods use private images without credentials.
pub static IMAGE_CREDENTIALS: Rule = Rule {
    code: "kubelet-image-credentials",
    title: "Pods use private images without credentials",
    severity: Severity::Medium,
    scope: Scope::Kubelet,
    serves: &[Serves::part("DI-08")],
    why: "An image that one tenant pulled stays on the node, and any other pod there may run and read it.",
    fix: "Set imagePullCredentialsVerificationPolicy to NeverVerifyPreloadedImages or AlwaysVerify.",
    example: "imagePullCredentialsVerificationPolicy: AlwaysVerify\n",
};

/// Checks on what the kubelet does for its node.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[ObjectCheck {
    scope: Scope::Kubelet,
    rules: &[
        &SECCOMP,
        &PID_LIMIT,
        &KERNEL_DEFAULTS,
        &IPTABLES,
        &HOSTNAME,
        &EVENT_RATE,
        &IDLE_TIMEOUT,
        &SYSCTLS,
        &SWAP,
        &IMAGE_CREDENTIALS,
    ],
    run: check,
}];

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    components(object, Scope::Kubelet, |component| {
        component.demand(sink, DEMANDS);
        unsafe_sysctls(component, sink);
    });
}

const DEMANDS: &[Demand] = &[
    Demand::flag(&SECCOMP, "seccomp-default", "false", is_true).or_field("seccompDefault", "false"),
    Demand::flag(&PID_LIMIT, "pod-max-pids", "-1", positive).or_field("podPidsLimit", "-1"),
    Demand::flag(&KERNEL_DEFAULTS, "protect-kernel-defaults", "false", is_true)
        .or_field("protectKernelDefaults", "false"),
    Demand::flag(&IPTABLES, "make-iptables-util-chains", "true", is_true).or_field("makeIPTablesUtilChains", "true"),
    Demand::flag(&HOSTNAME, "hostname-override", "", is_unset),
    Demand::flag(&EVENT_RATE, "event-qps", "50", positive).or_field("eventRecordQPS", "50"),
    Demand::flag(&EVENT_RATE, "registry-qps", "5", positive).or_field("registryPullQPS", "5"),
    Demand::flag(&IDLE_TIMEOUT, "streaming-connection-idle-timeout", "4h0m0s", lasting)
        .or_field("streamingConnectionIdleTimeout", "4h0m0s"),
    Demand::flag(&SWAP, "fail-swap-on", "true", is_true).or_field("failSwapOn", "true"),
    Demand::flag(&IMAGE_CREDENTIALS, "", "", |policy| policy != "NeverVerify")
        .or_field("imagePullCredentialsVerificationPolicy", "NeverVerifyPreloadedImages"),
];

fn positive(number: &str) -> bool {
    number.parse::<i64>().is_ok_and(|number| number > 0)
}

fn lasting(time: &str) -> bool {
    duration::seconds(time).is_some_and(|seconds| seconds > 0.0)
}

const UNSAFE_SYSCTLS: Demand =
    Demand::flag(&SYSCTLS, "allowed-unsafe-sysctls", "", is_unset).or_field("allowedUnsafeSysctls", "");

/// A sysctl of the pod's own network namespace is a lesser matter than one of the whole kernel.
fn unsafe_sysctls(component: &Component<'_>, sink: &mut Sink<'_>) {
    let Some(setting) = component.setting(&UNSAFE_SYSCTLS).filter(|setting| !setting.text.is_empty()) else { return };
    let narrow = setting.text.split(',').all(|name| name.starts_with("net.") && !name.contains('*'));
    let severity = if narrow { Severity::Low } else { Severity::Medium };
    component.report(sink, &SYSCTLS, &setting, setting.says(component.program)).severity(severity);
}
