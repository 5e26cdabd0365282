//! Checks on who goes first: PriorityClasses for pods, FlowSchemas for API requests.

use manifest::Object;
use model::{Rule, Scope, Serves, Severity};

use crate::check::Context;
use crate::sink::Sink;

/// Every pod gets this priority.
pub static GLOBAL_DEFAULT: Rule = Rule {
    code: "priority-class-global-default",
    title: "A PriorityClass above zero is everyone's default",
    severity: Severity::Low,
    scope: Scope::Object,
    serves: &[Serves::part("RC-03"), Serves::part("RA-33")],
    why: "Pods that name no class get this priority and may evict those that name a lower one, so nothing is left to \
          tell important pods from others.",
    fix: "Set globalDefault on a class with value 0 or below, or on none.",
    example: "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata:\n  name: batch\nvalue: -10\nglobalDefault: true\n",
};

/// The value belongs to system classes.
pub static SYSTEM_VALUE: Rule = Rule {
    code: "priority-class-system-value",
    title: "A PriorityClass uses a value reserved for the system",
    severity: Severity::Low,
    scope: Scope::Object,
    serves: &[Serves::part("RC-03")],
    why: "Values above one billion belong to the system classes. The API server refuses others; if it did not, tenants \
          could evict the cluster's own pods.",
    fix: "Use a value of at most 1000000000.",
    example: "",
};

/// Requests of tenants are not limited.
pub static EXEMPT_FLOW: Rule = Rule {
    code: "flow-schema-exempt",
    title: "A FlowSchema exempts callers from request limits",
    severity: Severity::Medium,
    scope: Scope::Object,
    serves: &[Serves::part("RA-33"), Serves::part("RC-24")],
    why: "Exempt requests are never queued or refused. One such caller in a loop takes the API server away from \
          everyone else.",
    fix: "Use a priority level with a share of its own, such as workload-low.",
    example: "spec:\n  priorityLevelConfiguration:\n    name: workload-low\n",
};

/// Rules of [`check`].
pub(super) const RULES: &[&Rule] = &[&GLOBAL_DEFAULT, &SYSTEM_VALUE, &EXEMPT_FLOW];

/// Judges one object, when it is of one of the kinds.
pub(super) fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    match (object.group, object.kind) {
        ("scheduling.k8s.io", "PriorityClass") => priority_class(object, sink),
        ("flowcontrol.apiserver.k8s.io", "FlowSchema") => flow_schema(object, sink),
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration") => {
            let kind = object.spec().and_then(|spec| spec.get("type"));
            if let Some(kind) = kind.filter(|kind| kind.as_str() == Some("Exempt") && object.name() != "exempt") {
                sink.report(&EXEMPT_FLOW, kind, "`spec.type` is `Exempt`").field("spec.type");
            }
        }
        _ => {}
    }
}

fn priority_class(object: &Object<'_>, sink: &mut Sink<'_>) {
    let Some(value) = object.value.get("value") else { return };
    let Some(number) = value.as_i64() else { return };
    if number > USER_VALUE_MAX && !object.name().starts_with("system-") {
        sink.report(&SYSTEM_VALUE, value, format!("`value` is {number}")).field("value");
    }
    if let Some(default) = object.value.get("globalDefault")
        && default.as_bool() == Some(true)
        && number > 0
    {
        sink.report(&GLOBAL_DEFAULT, default, format!("`globalDefault` is true for the value {number}"))
            .field("globalDefault");
    }
}

fn flow_schema(object: &Object<'_>, sink: &mut Sink<'_>) {
    let level = object.spec().and_then(|spec| spec.path(&["priorityLevelConfiguration", "name"]));
    // The API server brings `exempt` for system:masters and `probes` for health checks.
    if let Some(level) = level.filter(|level| level.as_str() == Some("exempt"))
        && !matches!(object.name(), "exempt" | "probes")
    {
        sink.report(&EXEMPT_FLOW, level, "`spec.priorityLevelConfiguration.name` is `exempt`")
            .field("spec.priorityLevelConfiguration.name");
    }
}

/// The largest value that the API server accepts from users.
const USER_VALUE_MAX: i64 = 1_000_000_000;
