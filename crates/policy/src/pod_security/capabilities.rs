//! `capabilities_baseline` and `capabilities_restricted`.

use manifest::Value;
use model::{Rule, Scope, Serves, Severity};

use super::facts::{Container, Pod};
use super::plan::{Check, Look, Variant};
use super::privileged::parent;
use super::report::{Report, shown};
use super::standard::Level;

/// A container adds a capability beyond the runtime's own set.
pub static CAPABILITIES_BASELINE: Rule = Rule {
    code: "pod-security-capabilities-baseline",
    title: "A container adds capabilities beyond the default set",
    severity: Severity::High,
    scope: Scope::Workload,
    serves: &[Serves::full("RC-01"), Serves::part("RC-10"), Serves::part("RC-25"), Serves::part("DV-12")],
    why: "Each capability is a piece of root. Some are all of it in practice (`SYS_ADMIN`, `SYS_MODULE`), and \
          `NET_RAW` lets a pod forge packets of its neighbours.",
    fix: "Add only what the program fails without, out of the default set; drop `ALL` first.",
    example: "securityContext:\n  capabilities:\n    drop: [ALL]\n    add: [NET_BIND_SERVICE]\n",
};

/// A container keeps or adds capabilities that `restricted` forbids.
pub static CAPABILITIES_RESTRICTED: Rule = Rule {
    code: "pod-security-capabilities-restricted",
    title: "A container keeps or adds capabilities",
    severity: Severity::Medium,
    scope: Scope::Workload,
    serves: &[Serves::full("RC-01"), Serves::part("RC-10"), Serves::part("RC-25"), Serves::part("DV-12")],
    why: "A container that does not drop `ALL` starts with about a dozen capabilities that most programs never \
          use and that help an attacker: changing file owners, faking identities, making device nodes.",
    fix: "Set `securityContext.capabilities.drop: [ALL]` on every container and add back nothing but \
          `NET_BIND_SERVICE`.",
    example: "securityContext:\n  capabilities:\n    drop: [ALL]\n",
};

pub(super) static BASELINE: Check = Check {
    id: "capabilities_baseline",
    rule: &CAPABILITIES_BASELINE,
    level: Level::Baseline,
    replaces: None,
    variants: &[Variant { since: 0, looks_at: &[Look::Container(baseline)] }],
};

pub(super) static RESTRICTED: Check = Check {
    id: "capabilities_restricted",
    rule: &CAPABILITIES_RESTRICTED,
    level: Level::Restricted,
    replaces: Some("capabilities_baseline"),
    variants: &[
        Variant { since: 22, looks_at: &[Look::Container(restricted)] },
        Variant { since: 25, looks_at: &[Look::Container(restricted_on_linux)] },
    ],
};

fn baseline(_: &Pod<'_>, container: &Container<'_>, report: &mut Report<'_, '_>) {
    added(container, ADDED_BY_DEFAULT, report);
}

fn restricted(_: &Pod<'_>, container: &Container<'_>, report: &mut Report<'_, '_>) {
    let field = "securityContext.capabilities.drop";
    let capabilities = container.security.capabilities;
    let drop = capabilities.and_then(|capabilities| capabilities.get("drop"));
    if !drop.into_iter().flat_map(Value::items).any(|name| name.as_str() == Some("ALL")) {
        let at = drop.or(capabilities).map_or_else(|| parent(container), |value| value.location());
        report.container(container, at, field, format!("does not name `ALL` in `{field}`"));
    }
    added(container, &["NET_BIND_SERVICE"], report);
}

fn restricted_on_linux(pod: &Pod<'_>, container: &Container<'_>, report: &mut Report<'_, '_>) {
    if !pod.windows {
        restricted(pod, container, report);
    }
}

/// Reports all added capabilities that are not allowed, as one finding.
fn added(container: &Container<'_>, allowed: &[&str], report: &mut Report<'_, '_>) {
    let Some(add) = container.security.capabilities.and_then(|capabilities| capabilities.get("add")) else { return };
    let field = "securityContext.capabilities.add";
    // The names are compared as they stand, as the Standards do: `CAP_CHOWN` and `chown` are not `CHOWN`.
    let mut bad = add.items().filter(|item| item.as_str().is_none_or(|name| !allowed.contains(&name)));
    let Some(first) = bad.next() else {
        if !add.is_seq() {
            report.container(container, add, field, format!("sets `{field}` to {}, which is no list", shown(add)));
        }
        return;
    };
    let mut names = shown(first).into_owned();
    let mut severity = worst(first);
    let mut at = first;
    for item in bad {
        names = format!("{names}, {}", shown(item));
        severity = severity.max(worst(item));
        at = add;
    }
    let what = format!("adds {names} in `{field}`");
    report.place(super::report::Place::Container(container), at, field, what, Some(severity));
}

fn worst(name: Value<'_>) -> Severity {
    let name = name.as_str().unwrap_or("");
    let name = name.strip_prefix("CAP_").unwrap_or(name);
    if ALMIGHTY.contains(&name) {
        Severity::Critical
    } else if ADDED_BY_DEFAULT.contains(&name) {
        Severity::Medium
    } else {
        Severity::High
    }
}

/// Capabilities that container runtimes grant by default, but for `NET_RAW`.
const ADDED_BY_DEFAULT: &[&str] = &[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// Capabilities with which a process leaves its container without further help.
const ALMIGHTY: &[&str] = &["ALL", "BPF", "DAC_READ_SEARCH", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO"];
