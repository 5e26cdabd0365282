//! Which checks a level consists of at a version.
//!
//! A check has variants; a policy of version V runs the newest variant that is not younger than V.
//! `restricted` runs all checks of `baseline` but those that one of its own replaces.

use std::sync::LazyLock;

use model::Rule;

use super::facts::{Container, Pod, SecurityContext};
use super::report::{Place, Report};
use super::standard::{Level, LevelVersion, MINOR_MAX};
use super::{
    app_armor, capabilities, host_namespaces, host_ports, host_probes, malformed, privileged, proc_mount, run_as,
    se_linux, seccomp, sysctls, volumes, windows,
};

/// One check of the Pod Security Standards.
#[derive(Debug)]
pub(super) struct Check {
    /// The id in the Standards.
    pub(super) id: &'static str,
    /// What it reports.
    pub(super) rule: &'static Rule,
    /// The level that it belongs to.
    pub(super) level: Level,
    /// Id of the check of `baseline` that it replaces.
    pub(super) replaces: Option<&'static str>,
    /// By version, oldest first.
    pub(super) variants: &'static [Variant],
}

/// A check as of a minor release.
#[derive(Debug)]
pub(super) struct Variant {
    pub(super) since: u32,
    pub(super) looks_at: &'static [Look],
}

/// What a variant is called for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Look {
    /// The pod as a whole.
    Pod(PodFn),
    /// Each container.
    Container(ContainerFn),
    /// The `securityContext` of the pod, then of each container, there or not.
    Security(SecurityFn),
}

type PodFn = fn(&Pod<'_>, &mut Report<'_, '_>);
type ContainerFn = fn(&Pod<'_>, &Container<'_>, &mut Report<'_, '_>);
type SecurityFn = fn(&Pod<'_>, Place<'_, '_>, &SecurityContext<'_>, &mut Report<'_, '_>);

/// The checks of one level at one version, ready to run.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pod: Vec<(&'static Check, PodFn)>,
    container: Vec<(&'static Check, ContainerFn)>,
    security: Vec<(&'static Check, SecurityFn)>,
}

/// All checks, `baseline` first.
pub(super) static CHECKS: [&Check; 19] = [
    &host_namespaces::CHECK,
    &privileged::CHECK,
    &capabilities::BASELINE,
    &volumes::HOST_PATH,
    &host_ports::CHECK,
    &host_probes::CHECK,
    &app_armor::CHECK,
    &se_linux::CHECK,
    &proc_mount::BASELINE,
    &seccomp::BASELINE,
    &sysctls::CHECK,
    &windows::CHECK,
    &volumes::RESTRICTED,
    &privileged::ESCALATION,
    &run_as::NON_ROOT,
    &run_as::USER,
    &seccomp::RESTRICTED,
    &capabilities::RESTRICTED,
    &proc_mount::RESTRICTED,
];

// === impl Check ===

impl Check {
    fn at(&self, minor: u32) -> Option<&Variant> {
        self.variants.iter().rev().find(|variant| variant.since <= minor)
    }

    /// The idea that a check shares with the one it replaces.
    pub(super) fn family(&self) -> &'static str {
        self.replaces.unwrap_or(self.id)
    }
}

// === impl Plan ===

impl Plan {
    /// The plan of a level at a version; `None` for `privileged`, which forbids nothing.
    pub(super) fn of(policy: LevelVersion) -> Option<&'static Plan> {
        static PLANS: LazyLock<[Vec<Plan>; 2]> = LazyLock::new(|| {
            [Level::Baseline, Level::Restricted]
                .map(|level| (0..=MINOR_MAX).map(|minor| Plan::build(level, minor)).collect())
        });
        let minor = policy.version.known_minor() as usize;
        match policy.level {
            Level::Privileged => None,
            Level::Baseline => PLANS[0].get(minor),
            Level::Restricted => PLANS[1].get(minor),
        }
    }

    /// Runs all checks on one pod.
    pub(super) fn run(&self, pod: &Pod<'_>, report: &mut Report<'_, '_>) {
        for (check, run) in &self.pod {
            report.check = check;
            run(pod, report);
        }
        for (check, run) in &self.security {
            report.check = check;
            run(pod, Place::Pod, &pod.security, report);
        }
        malformed::pod(pod, report);
        for container in pod.containers() {
            for (check, run) in &self.container {
                report.check = check;
                run(pod, &container, report);
            }
            for (check, run) in &self.security {
                report.check = check;
                run(pod, Place::Container(&container), &container.security, report);
            }
            malformed::container(&container, report);
        }
    }

    fn build(level: Level, minor: u32) -> Plan {
        let chosen = CHECKS.into_iter().filter(|check| check.level <= level && check.at(minor).is_some());
        let replaced: Vec<&str> = chosen.clone().filter_map(|check| check.replaces).collect();
        let mut plan = Plan::default();
        for check in chosen.filter(|check| !replaced.contains(&check.id)) {
            for look in check.at(minor).into_iter().flat_map(|variant| variant.looks_at) {
                match look {
                    Look::Pod(run) => plan.pod.push((check, *run)),
                    Look::Container(run) => plan.container.push((check, *run)),
                    Look::Security(run) => plan.security.push((check, *run)),
                }
            }
        }
        plan
    }

    /// Ids of the checks, for tests.
    #[cfg(test)]
    fn ids(&self) -> std::collections::BTreeSet<&'static str> {
        let pod = self.pod.iter().map(|(check, _)| check.id);
        let container = self.container.iter().map(|(check, _)| check.id);
        pod.chain(container).chain(self.security.iter().map(|(check, _)| check.id)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pod_security::Version;

    fn ids(level: Level, minor: u32) -> std::collections::BTreeSet<&'static str> {
        Plan::of(LevelVersion { level, version: Version::minor(minor) }).unwrap().ids()
    }

    #[test]
    fn a_level_has_as_many_checks_as_its_version_says() {
        for (level, minor, count) in [
            (Level::Baseline, 0, 11),
            (Level::Baseline, 33, 11),
            (Level::Baseline, 34, 12),
            (Level::Baseline, 37, 12),
            (Level::Restricted, 0, 12),
            (Level::Restricted, 8, 13),
            (Level::Restricted, 22, 13),
            (Level::Restricted, 23, 14),
            (Level::Restricted, 34, 15),
            (Level::Restricted, 37, 15),
        ] {
            assert_eq!(ids(level, minor).len(), count, "{level}:v1.{minor}: {:?}", ids(level, minor));
        }
        assert!(Plan::of(LevelVersion { level: Level::Privileged, version: Version::LATEST }).is_none());
    }

    #[test]
    fn restricted_replaces_checks_of_baseline_from_the_version_that_does() {
        for (baseline, restricted, since) in [
            ("hostPathVolumes", "restrictedVolumes", 0),
            ("seccompProfile_baseline", "seccompProfile_restricted", 19),
            ("capabilities_baseline", "capabilities_restricted", 22),
            ("procMount", "procMount_restricted", 35),
        ] {
            for minor in 0..=MINOR_MAX {
                let ids = ids(Level::Restricted, minor);
                assert_eq!(ids.contains(baseline), minor < since, "{baseline} at {minor}");
                assert_eq!(ids.contains(restricted), minor >= since, "{restricted} at {minor}");
            }
        }
    }

    #[test]
    fn ids_and_codes_are_unique_and_variants_in_order() {
        let mut ids: Vec<&str> = CHECKS.iter().map(|check| check.id).collect();
        let mut codes: Vec<&str> = CHECKS.iter().map(|check| check.rule.code).collect();
        ids.sort_unstable();
        ids.dedup();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!((ids.len(), codes.len()), (CHECKS.len(), CHECKS.len()));
        for check in CHECKS {
            assert!(check.variants.is_sorted_by_key(|variant| variant.since), "{}", check.id);
            assert!(check.rule.code.starts_with("pod-security-"), "{}", check.id);
        }
    }
}
