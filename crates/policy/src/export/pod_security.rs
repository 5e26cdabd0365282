//! The Pod Security Standards in CEL.

use super::{Form, Group};
use crate::pod_security::*;

/// Everything that holds a pod spec.
pub(super) const RESOURCES: &[(&str, &[&str])] = &[
    ("", &["pods", "pods/ephemeralcontainers", "podtemplates", "replicationcontrollers"]),
    ("apps", &["daemonsets", "deployments", "replicasets", "statefulsets"]),
    ("batch", &["cronjobs", "jobs"]),
];

pub(super) const POD: (&str, &str) = (
    "pod",
    "object.kind == 'Pod' ? object :
     object.kind == 'PodTemplate' ? object.template :
     object.kind == 'CronJob' ? object.spec.jobTemplate.spec.template :
     object.spec.template",
);
pub(super) const CONTAINERS: (&str, &str) = (
    "containers",
    "variables.pod.spec.containers +
     variables.pod.spec.?initContainers.orValue([]) +
     variables.pod.spec.?ephemeralContainers.orValue([])",
);
pub(super) const CONTEXTS: (&str, &str) = (
    "contexts",
    "[variables.pod.spec.?securityContext.orValue({})] +
     variables.containers.map(c, c.?securityContext.orValue({}))",
);
const LINUX: (&str, &str) = ("linux", "variables.pod.spec.?os.name.orValue('linux') != 'windows'");
const OUTSIDE: (&str, &str) = ("nodeUsers", "variables.pod.spec.?hostUsers.orValue(true)");

/// Level baseline.
pub(super) static BASELINE: Group = Group {
    name: "pod-security-baseline",
    about: "Pod Security Standard baseline: no known way from a pod to its node",
    resources: RESOURCES,
    variables: &[POD, CONTAINERS, CONTEXTS, OUTSIDE],
    forms: &[
        Form {
            rule: &HOST_NAMESPACES,
            expression: "!variables.pod.spec.?hostNetwork.orValue(false) &&
                !variables.pod.spec.?hostPID.orValue(false) &&
                !variables.pod.spec.?hostIPC.orValue(false)",
        },
        Form {
            rule: &PRIVILEGED,
            expression: "variables.containers.all(c, !c.?securityContext.privileged.orValue(false))",
        },
        Form {
            rule: &CAPABILITIES_BASELINE,
            expression: "variables.containers.all(c, c.?securityContext.capabilities.add.orValue([]).all(name,
                name in ['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD',
                'NET_BIND_SERVICE', 'SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT']))",
        },
        Form {
            rule: &HOST_PATH_VOLUMES,
            expression: "variables.pod.spec.?volumes.orValue([]).all(v, !has(v.hostPath))",
        },
        Form {
            rule: &HOST_PORTS,
            expression: "variables.containers.all(c, c.?ports.orValue([]).all(p, p.?hostPort.orValue(0) == 0))",
        },
        Form {
            rule: &HOST_PROBES_AND_HOST_LIFECYCLE,
            expression: "variables.containers.all(c,
                [c.?livenessProbe, c.?readinessProbe, c.?startupProbe, c.?lifecycle.postStart, c.?lifecycle.preStop]
                .all(h, h.?httpGet.host.orValue('') == '' && h.?tcpSocket.host.orValue('') == ''))",
        },
        Form {
            rule: &APP_ARMOR_PROFILE,
            expression: "variables.contexts.all(s, !has(s.appArmorProfile) ||
                s.appArmorProfile.?type.orValue('') in ['RuntimeDefault', 'Localhost']) &&
                variables.pod.?metadata.annotations.orValue({}).all(key, value,
                !key.startsWith('container.apparmor.security.beta.kubernetes.io/') ||
                value in ['', 'runtime/default'] || value.startsWith('localhost/'))",
        },
        Form {
            rule: &SE_LINUX_OPTIONS,
            expression: "variables.contexts.all(s,
                s.?seLinuxOptions.type.orValue('') in ['', 'container_t', 'container_init_t', 'container_kvm_t',
                'container_engine_t'] &&
                s.?seLinuxOptions.user.orValue('') == '' && s.?seLinuxOptions.role.orValue('') == '')",
        },
        Form {
            rule: &PROC_MOUNT,
            expression: "!variables.nodeUsers ||
                variables.containers.all(c, c.?securityContext.procMount.orValue('Default') == 'Default')",
        },
        Form {
            rule: &SECCOMP_PROFILE_BASELINE,
            expression: "variables.contexts.all(s, !has(s.seccompProfile) ||
                s.seccompProfile.?type.orValue('') in ['RuntimeDefault', 'Localhost'])",
        },
        Form {
            rule: &SYSCTLS,
            expression: "variables.pod.spec.?securityContext.sysctls.orValue([]).all(s,
                s.?name.orValue('') in ['kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range',
                'net.ipv4.tcp_syncookies', 'net.ipv4.ping_group_range', 'net.ipv4.ip_unprivileged_port_start',
                'net.ipv4.ip_local_reserved_ports', 'net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout',
                'net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes', 'net.ipv4.tcp_rmem',
                'net.ipv4.tcp_wmem', 'net.ipv4.tcp_slow_start_after_idle', 'net.ipv4.tcp_notsent_lowat'])",
        },
        Form {
            rule: &WINDOWS_HOST_PROCESS,
            expression: "variables.contexts.all(s, !s.?windowsOptions.hostProcess.orValue(false))",
        },
    ],
};

/// What level restricted adds to baseline.
pub(super) static RESTRICTED: Group = Group {
    name: "pod-security-restricted",
    about: "Pod Security Standard restricted, beyond baseline: hardening that ordinary applications can take",
    resources: RESOURCES,
    variables: &[POD, CONTAINERS, CONTEXTS, LINUX, OUTSIDE],
    forms: &[
        Form {
            rule: &RESTRICTED_VOLUMES,
            expression: "variables.pod.spec.?volumes.orValue([]).all(v, v.all(source, source in ['name', 'configMap',
                'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'image', 'persistentVolumeClaim', 'projected',
                'secret']))",
        },
        Form {
            rule: &ALLOW_PRIVILEGE_ESCALATION,
            expression: "!variables.linux ||
                variables.containers.all(c, !c.?securityContext.allowPrivilegeEscalation.orValue(true))",
        },
        Form {
            rule: &RUN_AS_NON_ROOT,
            expression: "!variables.nodeUsers ||
                (variables.pod.spec.?securityContext.runAsNonRoot.orValue(true) && variables.containers.all(c,
                c.?securityContext.runAsNonRoot.orValue(
                variables.pod.spec.?securityContext.runAsNonRoot.orValue(false))))",
        },
        Form {
            rule: &RUN_AS_USER,
            expression: "!variables.nodeUsers || variables.contexts.all(s, s.?runAsUser.orValue(1) != 0)",
        },
        Form {
            rule: &SECCOMP_PROFILE_RESTRICTED,
            expression: "!variables.linux || (variables.contexts.all(s, !has(s.seccompProfile) ||
                s.seccompProfile.?type.orValue('') in ['RuntimeDefault', 'Localhost']) &&
                (has(variables.pod.spec.securityContext) && has(variables.pod.spec.securityContext.seccompProfile) ||
                variables.containers.all(c, has(c.securityContext) && has(c.securityContext.seccompProfile))))",
        },
        Form {
            rule: &CAPABILITIES_RESTRICTED,
            expression: "!variables.linux || variables.containers.all(c,
                'ALL' in c.?securityContext.capabilities.drop.orValue([]) &&
                c.?securityContext.capabilities.add.orValue([]).all(name, name == 'NET_BIND_SERVICE'))",
        },
        Form {
            rule: &PROC_MOUNT_RESTRICTED,
            expression: "variables.containers.all(c, c.?securityContext.procMount.orValue('Default') == 'Default')",
        },
    ],
};
