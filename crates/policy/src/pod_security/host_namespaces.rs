//! `hostNamespaces`: sharing the node's network, process or IPC namespace.

use model::{Rule, Scope, Serves, Severity};

use super::facts::Pod;
use super::plan::{Check, Look, Variant};
use super::report::{Report, shown};
use super::standard::Level;

/// The pod shares a namespace with its node.
pub static HOST_NAMESPACES: Rule = Rule {
    code: "pod-security-host-namespaces",
    title: "A pod shares a namespace with its node",
    severity: Severity::High,
    scope: Scope::Workload,
    serves: &[Serves::full("RC-01"), Serves::part("NW-12"), Serves::part("RC-25"), Serves::part("DV-12")],
    why: "In the node's network namespace a pod listens on the node's addresses, reaches services bound to \
          localhost and escapes network policy; in its process namespace it sees and can signal every process \
          and read their environment; in its IPC namespace it reads their shared memory.",
    fix: "Remove `hostNetwork`, `hostPID` and `hostIPC`; publish ports by a Service, and keep node agents in a \
          namespace of their own with a reviewed exception.",
    example: "spec:\n  hostNetwork: false\n  hostPID: false\n  hostIPC: false\n",
};

pub(super) static CHECK: Check = Check {
    id: "hostNamespaces",
    rule: &HOST_NAMESPACES,
    level: Level::Baseline,
    replaces: None,
    variants: &[Variant { since: 0, looks_at: &[Look::Pod(check)] }],
};

fn check(pod: &Pod<'_>, report: &mut Report<'_, '_>) {
    for (field, value) in [("hostNetwork", pod.host_network), ("hostPID", pod.host_pid), ("hostIPC", pod.host_ipc)] {
        // What is no boolean is refused by the API server, and not proven to be harmless.
        if let Some(value) = value.filter(|value| value.as_bool() != Some(false)) {
            report.pod(value, field, format!("sets `{field}` to {}", shown(value)));
        }
    }
}
