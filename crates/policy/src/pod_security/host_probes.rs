//! `hostProbesAndHostLifecycle`: probes and lifecycle handlers that name a host.

use manifest::Value;
use model::{Rule, Scope, Serves, Severity};

use super::facts::{Container, PROBES, Pod};
use super::plan::{Check, Look, Variant};
use super::report::{Report, shown};
use super::standard::Level;

/// A probe or lifecycle handler sends the kubelet to another host.
pub static HOST_PROBES_AND_HOST_LIFECYCLE: Rule = Rule {
    code: "pod-security-host-probes-and-host-lifecycle",
    title: "A probe or lifecycle handler names a host",
    severity: Severity::Medium,
    scope: Scope::Workload,
    serves: &[Serves::full("RC-01"), Serves::part("DV-12")],
    why: "The kubelet sends these requests from the node's network. With a host of the author's choice it becomes \
          a proxy into networks that the pod itself cannot reach, such as a cloud metadata service.",
    fix: "Remove `host`, so that the request goes to the pod; use an `exec` probe where something else is asked.",
    example: "livenessProbe:\n  httpGet:\n    path: /healthz\n    port: 8080\n",
};

pub(super) static CHECK: Check = Check {
    id: "hostProbesAndHostLifecycle",
    rule: &HOST_PROBES_AND_HOST_LIFECYCLE,
    level: Level::Baseline,
    replaces: None,
    variants: &[Variant { since: 34, looks_at: &[Look::Container(check)] }],
};

fn check(_: &Pod<'_>, container: &Container<'_>, report: &mut Report<'_, '_>) {
    for (name, probe) in PROBES.into_iter().zip(container.probes) {
        handler(container, probe, name, report);
    }
    if let Some(lifecycle) = container.lifecycle {
        handler(container, lifecycle.get("postStart"), "lifecycle.postStart", report);
        handler(container, lifecycle.get("preStop"), "lifecycle.preStop", report);
    }
}

fn handler(container: &Container<'_>, handler: Option<Value<'_>>, path: &str, report: &mut Report<'_, '_>) {
    for (key, action) in handler.into_iter().flat_map(Value::entries) {
        let Some(name @ ("httpGet" | "tcpSocket")) = key.as_str() else { continue };
        if let Some(host) = action.get("host").filter(|host| host.as_str() != Some("")) {
            let field = format!("{path}.{name}.host");
            let what = format!("sets `{field}` to {}", shown(host));
            report.container(container, host, &field, what);
        }
    }
}
