//! The Pod Security Standards, natively.
//!
//! Nineteen checks on pods and on every template of pods, as of each minor release. A level at a
//! version is resolved once into a plan, a list of functions; a pod is read once into facts, and the
//! functions look at those. Nothing is allocated before something is wrong.
//!
//! Where the API server would refuse to decode a value, such as a string for a boolean, the value is
//! not proven to be harmless and is reported as if it were the forbidden one.

mod admission;
mod app_armor;
mod capabilities;
mod facts;
mod host_namespaces;
mod host_ports;
mod host_probes;
mod malformed;
mod plan;
mod privileged;
mod proc_mount;
mod report;
mod run_as;
mod se_linux;
mod seccomp;
mod standard;
mod sysctls;
mod volumes;
mod windows;

use manifest::{Object, PodTemplate};
use model::{Rule, Scope};

pub use admission::{
    Admission, Applied, CONFIGURATION_INVALID, LABEL_INVALID, LEVEL_UNKNOWN, Mode, ModeLevels, NamespaceLabels,
};
pub use app_armor::APP_ARMOR_PROFILE;
pub use capabilities::{CAPABILITIES_BASELINE, CAPABILITIES_RESTRICTED};
pub use host_namespaces::HOST_NAMESPACES;
pub use host_ports::HOST_PORTS;
pub use host_probes::HOST_PROBES_AND_HOST_LIFECYCLE;
pub use malformed::NOT_JUDGED;
pub use privileged::{ALLOW_PRIVILEGE_ESCALATION, PRIVILEGED};
pub use proc_mount::{PROC_MOUNT, PROC_MOUNT_RESTRICTED};
pub use run_as::{RUN_AS_NON_ROOT, RUN_AS_USER};
pub use se_linux::SE_LINUX_OPTIONS;
pub use seccomp::{SECCOMP_PROFILE_BASELINE, SECCOMP_PROFILE_RESTRICTED};
pub use standard::{Level, LevelVersion, MINOR_MAX, Standard, StandardError, Version};
pub use sysctls::SYSCTLS;
pub use volumes::{HOST_PATH_VOLUMES, RESTRICTED_VOLUMES};
pub use windows::WINDOWS_HOST_PROCESS;

use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;
use facts::Pod;
use plan::{CHECKS, Plan};
use report::Report;

/// The checks on workloads and on what admission is told.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[
    ObjectCheck { scope: Scope::Workload, rules: RULES, run: judge },
    malformed::OBJECT_CHECK,
    admission::OBJECT_CHECKS[0],
    admission::OBJECT_CHECKS[1],
];

const RULES: &[&Rule] = &[
    &ALLOW_PRIVILEGE_ESCALATION,
    &APP_ARMOR_PROFILE,
    &CAPABILITIES_BASELINE,
    &CAPABILITIES_RESTRICTED,
    &HOST_NAMESPACES,
    &HOST_PATH_VOLUMES,
    &HOST_PORTS,
    &HOST_PROBES_AND_HOST_LIFECYCLE,
    &LEVEL_UNKNOWN,
    &NOT_JUDGED,
    &PRIVILEGED,
    &PROC_MOUNT,
    &PROC_MOUNT_RESTRICTED,
    &RESTRICTED_VOLUMES,
    &RUN_AS_NON_ROOT,
    &RUN_AS_USER,
    &SECCOMP_PROFILE_BASELINE,
    &SECCOMP_PROFILE_RESTRICTED,
    &SE_LINUX_OPTIONS,
    &SYSCTLS,
    &WINDOWS_HOST_PROCESS,
];

fn judge(object: &Object<'_>, context: Context<'_>, sink: &mut Sink<'_>) {
    match &context.config.pod_security {
        Standard::Fixed(policy) => {
            let Some(plan) = Plan::of(*policy) else { return };
            for template in &object.pods {
                let mut report = Report::new(sink, template, CHECKS[0]);
                report.version = policy.version;
                plan.run(&Pod::of(template), &mut report);
            }
        }
        Standard::Labels(admission) => judge_as_admission(object, admission, sink),
    }
}

/// Judges as the API server would: what is sent to it as a pod is refused, warned of and logged; what
/// holds a template of pods is only warned of and logged.
fn judge_as_admission(object: &Object<'_>, admission: &Admission, sink: &mut Sink<'_>) {
    let namespace = object.namespace();
    let exempt = |template: &PodTemplate<'_>| admission.exempts(namespace, template.spec.str_at("runtimeClassName"));
    if object.pods.iter().all(exempt) {
        return;
    }
    let applied = admission.applied(namespace);
    if !applied.enforce_known {
        let name = if namespace.is_empty() { "default" } else { namespace };
        let message = format!("the level enforced in namespace `{name}` is not in the input");
        // Lowered to `info`: nothing is violated, but what the rule proves stays open.
        sink.report(&LEVEL_UNKNOWN, object.location(), message)
            .property("namespace", name)
            .severity(model::Severity::Info);
    }
    let is_pod = object.is("", "Pod");
    for template in object.pods.iter().filter(|template| !exempt(template)) {
        let pod = Pod::of(template);
        let mut report = Report::new(sink, template, CHECKS[0]);
        for (mode, policy) in applied.levels.modes() {
            if let Some(plan) = Plan::of(policy).filter(|_| is_pod || mode != Mode::Enforce) {
                report.mode = Some(mode);
                report.version = policy.version;
                plan.run(&pod, &mut report);
            }
        }
    }
}
