//! `sysctls`: kernel parameters set by a pod.

use manifest::Value;
use model::{Rule, Scope, Serves, Severity};

use super::facts::Pod;
use super::plan::{Check, Look, Variant};
use super::report::{Report, shown};
use super::standard::Level;

/// A pod sets a kernel parameter that is not known to stay within the pod.
pub static SYSCTLS: Rule = Rule {
    code: "pod-security-sysctls",
    title: "A pod sets an unsafe kernel parameter",
    severity: Severity::High,
    scope: Scope::Workload,
    serves: &[Serves::full("RC-01"), Serves::part("DV-12")],
    why: "A sysctl outside the safe set changes the kernel for all pods of the node, or switches a protection off.",
    fix: "Remove the sysctl, or set it on a dedicated node; those that stay within the pod are allowed.",
    example: "securityContext:\n  sysctls:\n    - name: net.ipv4.ip_unprivileged_port_start\n      value: \"0\"\n",
};

pub(super) static CHECK: Check = Check {
    id: "sysctls",
    rule: &SYSCTLS,
    level: Level::Baseline,
    replaces: None,
    variants: &[
        Variant { since: 0, looks_at: &[Look::Pod(|pod, report| check(pod, 5, report))] },
        Variant { since: 27, looks_at: &[Look::Pod(|pod, report| check(pod, 6, report))] },
        Variant { since: 29, looks_at: &[Look::Pod(|pod, report| check(pod, 10, report))] },
        Variant { since: 32, looks_at: &[Look::Pod(|pod, report| check(pod, 12, report))] },
        Variant { since: 37, looks_at: &[Look::Pod(|pod, report| check(pod, 14, report))] },
    ],
};

/// The safe ones, in the order in which versions of the Standards took them in.
const SAFE: [&str; 14] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
    "net.ipv4.tcp_slow_start_after_idle",
    "net.ipv4.tcp_notsent_lowat",
];

fn check(pod: &Pod<'_>, safe: usize, report: &mut Report<'_, '_>) {
    for (index, sysctl) in pod.security.sysctls.into_iter().flat_map(Value::items).enumerate() {
        let name = sysctl.get("name");
        let known = name.and_then(Value::as_str).is_some_and(|name| SAFE.iter().take(safe).any(|known| *known == name));
        if !known {
            let field = format!("securityContext.sysctls[{index}].name");
            let what = format!("sets the sysctl {}", name.map_or("without a name".into(), shown));
            report.pod(name.unwrap_or(sysctl), &field, what);
        }
    }
}
