//! `hostPorts`: ports of the node.

use manifest::Value;
use model::{Rule, Scope, Serves, Severity};

use super::facts::{Container, Pod};
use super::plan::{Check, Look, Variant};
use super::report::{Report, shown};
use super::standard::Level;

/// A container takes a port of its node.
pub static HOST_PORTS: Rule = Rule {
    code: "pod-security-host-ports",
    title: "A container takes a port of its node",
    severity: Severity::Medium,
    scope: Scope::Workload,
    serves: &[Serves::full("RC-01"), Serves::part("DV-12")],
    why: "A port of the node is reachable by everyone who reaches the node, past Services, Ingresses and their \
          checks; it can also answer in place of a service of the node.",
    fix: "Remove `hostPort` and publish the port by a Service or an Ingress.",
    example: "ports:\n  - containerPort: 8443\n",
};

pub(super) static CHECK: Check = Check {
    id: "hostPorts",
    rule: &HOST_PORTS,
    level: Level::Baseline,
    replaces: None,
    variants: &[Variant { since: 0, looks_at: &[Look::Container(check)] }],
};

fn check(_: &Pod<'_>, container: &Container<'_>, report: &mut Report<'_, '_>) {
    for (index, port) in container.ports.into_iter().flat_map(Value::items).enumerate() {
        if let Some(value) = port.get("hostPort").filter(|value| value.as_i64() != Some(0)) {
            let field = format!("ports[{index}].hostPort");
            let what = format!("sets `{field}` to {}", shown(value));
            report.container(container, value, &field, what);
        }
    }
}
