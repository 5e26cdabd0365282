//! What the checks look at, picked out of a pod in one pass over its fields.
//!
//! Nineteen checks would otherwise look for the same `securityContext` nineteen times. Nothing is
//! copied: every fact is the value itself, and a null counts as absent.

use manifest::pod::{Container as Listed, ContainerKind};
use manifest::{PodTemplate, Value};

/// The facts of a pod.
#[derive(Debug)]
pub(super) struct Pod<'d> {
    pub(super) host_network: Option<Value<'d>>,
    pub(super) host_pid: Option<Value<'d>>,
    pub(super) host_ipc: Option<Value<'d>>,
    pub(super) volumes: Option<Value<'d>>,
    pub(super) annotations: Option<Value<'d>>,
    pub(super) security: SecurityContext<'d>,
    /// `os.name` is `windows`.
    pub(super) windows: bool,
    /// `hostUsers` is false: root in the container is nobody on the node.
    pub(super) user_namespace: bool,
    /// Init, regular and ephemeral containers as they stand.
    pub(super) lists: [Option<Value<'d>>; 3],
    pub(super) spec: Value<'d>,
}

/// The facts of a container.
#[derive(Debug)]
pub(super) struct Container<'d> {
    pub(super) listed: Listed<'d>,
    pub(super) ports: Option<Value<'d>>,
    /// `livenessProbe`, `readinessProbe` and `startupProbe`.
    pub(super) probes: [Option<Value<'d>>; 3],
    pub(super) lifecycle: Option<Value<'d>>,
    pub(super) security: SecurityContext<'d>,
}

/// The facts of the `securityContext` of a pod or a container.
#[derive(Debug, Default)]
pub(super) struct SecurityContext<'d> {
    pub(super) at: Option<Value<'d>>,
    pub(super) privileged: Option<Value<'d>>,
    pub(super) allow_privilege_escalation: Option<Value<'d>>,
    pub(super) capabilities: Option<Value<'d>>,
    pub(super) run_as_non_root: Option<Value<'d>>,
    pub(super) run_as_user: Option<Value<'d>>,
    pub(super) seccomp_profile: Option<Value<'d>>,
    pub(super) app_armor_profile: Option<Value<'d>>,
    pub(super) se_linux_options: Option<Value<'d>>,
    pub(super) windows_options: Option<Value<'d>>,
    pub(super) proc_mount: Option<Value<'d>>,
    pub(super) sysctls: Option<Value<'d>>,
}

/// Field names of [`Container::probes`].
pub(super) const PROBES: [&str; 3] = ["livenessProbe", "readinessProbe", "startupProbe"];

// === impl Pod ===

impl<'d> Pod<'d> {
    /// Reads a pod template.
    pub(super) fn of(template: &PodTemplate<'d>) -> Self {
        let mut pod = Pod {
            host_network: None,
            host_pid: None,
            host_ipc: None,
            volumes: None,
            annotations: template.metadata.and_then(|metadata| metadata.get("annotations")),
            security: SecurityContext::default(),
            windows: false,
            user_namespace: false,
            lists: [None; 3],
            spec: template.spec,
        };
        for (key, value) in template.spec.entries() {
            let value = Some(value).filter(|value| !value.is_null());
            match key.as_str().unwrap_or("") {
                "containers" => pod.lists[1] = value,
                "initContainers" => pod.lists[0] = value,
                "ephemeralContainers" => pod.lists[2] = value,
                "volumes" => pod.volumes = value,
                "securityContext" => pod.security = SecurityContext::of(value),
                "hostNetwork" => pod.host_network = value,
                "hostPID" => pod.host_pid = value,
                "hostIPC" => pod.host_ipc = value,
                "hostUsers" => pod.user_namespace = value.and_then(Value::as_bool) == Some(false),
                "os" => pod.windows = value.and_then(|os| os.str_at("name")) == Some("windows"),
                _ => {}
            }
        }
        pod
    }

    /// Init, regular and ephemeral containers, in that order.
    pub(super) fn containers(&self) -> impl Iterator<Item = Container<'d>> + use<'d> {
        ContainerKind::ALL.into_iter().zip(self.lists).flat_map(|(kind, list)| {
            let items = list.into_iter().flat_map(Value::items).enumerate();
            items.map(move |(index, value)| Container::of(Listed { value, kind, index }))
        })
    }
}

// === impl Container ===

impl<'d> Container<'d> {
    fn of(listed: Listed<'d>) -> Self {
        let mut container =
            Container { listed, ports: None, probes: [None; 3], lifecycle: None, security: SecurityContext::default() };
        for (key, value) in listed.value.entries() {
            let value = Some(value).filter(|value| !value.is_null());
            match key.as_str().unwrap_or("") {
                "securityContext" => container.security = SecurityContext::of(value),
                "ports" => container.ports = value,
                "livenessProbe" => container.probes[0] = value,
                "readinessProbe" => container.probes[1] = value,
                "startupProbe" => container.probes[2] = value,
                "lifecycle" => container.lifecycle = value,
                _ => {}
            }
        }
        container
    }
}

// === impl SecurityContext ===

impl<'d> SecurityContext<'d> {
    fn of(value: Option<Value<'d>>) -> Self {
        let mut context = SecurityContext { at: value, ..SecurityContext::default() };
        for (key, value) in value.into_iter().flat_map(Value::entries) {
            let fact = match key.as_str().unwrap_or("") {
                "privileged" => &mut context.privileged,
                "allowPrivilegeEscalation" => &mut context.allow_privilege_escalation,
                "capabilities" => &mut context.capabilities,
                "runAsNonRoot" => &mut context.run_as_non_root,
                "runAsUser" => &mut context.run_as_user,
                "seccompProfile" => &mut context.seccomp_profile,
                "appArmorProfile" => &mut context.app_armor_profile,
                "seLinuxOptions" => &mut context.se_linux_options,
                "windowsOptions" => &mut context.windows_options,
                "procMount" => &mut context.proc_mount,
                "sysctls" => &mut context.sysctls,
                _ => continue,
            };
            *fact = Some(value).filter(|value| !value.is_null());
        }
        context
    }
}
