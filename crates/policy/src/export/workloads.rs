//! Checks on workloads beyond the Pod Security Standards.

use super::pod_security::{CONTAINERS, CONTEXTS, POD, RESOURCES};
use super::{Form, Group};
use crate::checks::workload::availability::{ROLLOUT, SINGLE_REPLICA, SPREAD};
use crate::checks::workload::confinement::{
    HOST_ALIASES, HOST_USERS, INTERACTIVE, MAC_UNSET, ROOT_FILESYSTEM, ROOT_GROUP, SECCOMP_LOCALHOST, SHARED_PROCESSES,
    USER_OF_SYSTEM, USER_UNSET,
};
use crate::checks::workload::host_path::{PROPAGATION, SUB_PATH};
use crate::checks::workload::placement::{NAMESPACE_DEFAULT, NODE_NAME};
use crate::checks::workload::probe::{EXEC, LIVENESS, READINESS};
use crate::checks::workload::resources::{EMPTY_DIR, EPHEMERAL_STORAGE, MEMORY_OVERCOMMIT};
use crate::checks::workload::secret_use::{ENV_VAR, SHARED, VOLUME_MODE};
use crate::checks::workload::service_account::{TOKEN_AUDIENCE, TOKEN_LIFETIME};

const LINUX: (&str, &str) = ("linux", "variables.pod.spec.?os.name.orValue('linux') != 'windows'");

const CONTEXT: (&str, &str) = ("podContext", "variables.pod.spec.?securityContext.orValue({})");

/// Tokens that somebody asks for. The one that the API server gives every pod is not the pod's own: it is told by its
/// name together with the life that no manifest would write.
const TOKENS: (&str, &str) = (
    "tokens",
    "variables.projected.filter(v, !v.name.startsWith('kube-api-access-') ||
     !v.projected.sources.exists(s, s.?serviceAccountToken.expirationSeconds.orValue(0) == 3607))
     .map(v, v.projected.sources).flatten()
     .filter(s, has(s.serviceAccountToken)).map(s, s.serviceAccountToken)",
);

/// Volumes with sources. The API server shows none as null.
const PROJECTED: (&str, &str) =
    ("projected", "variables.pod.spec.?volumes.orValue([]).filter(v, v.?projected.sources.orValue(null) != null)");

/// Volumes that hold a Secret, by itself or beside others.
const SECRETS: (&str, &str) = (
    "secrets",
    "variables.volumes.filter(v, has(v.secret)) +
     variables.projected.filter(v, v.projected.sources.exists(s, has(s.secret)))",
);

const VOLUMES: (&str, &str) = ("volumes", "variables.pod.spec.?volumes.orValue([])");

/// Hardening of workloads.
pub(super) static HARDENING: Group = Group {
    name: "workload-hardening",
    about: "Workloads are hardened beyond the Pod Security Standards",
    resources: RESOURCES,
    variables: &[POD, CONTAINERS, LINUX, CONTEXT, CONTEXTS, PROJECTED, TOKENS, VOLUMES, SECRETS],
    forms: &[
        Form {
            rule: &ROOT_FILESYSTEM,
            expression: "!variables.linux ||
                variables.containers.all(c, c.?securityContext.readOnlyRootFilesystem.orValue(false))",
        },
        Form {
            rule: &ROOT_GROUP,
            expression: "!variables.linux ||
                variables.podContext.?runAsGroup.orValue(1) != 0 && variables.podContext.?fsGroup.orValue(1) != 0 &&
                !(0 in variables.podContext.?supplementalGroups.orValue([])) &&
                variables.containers.all(c, c.?securityContext.runAsGroup.orValue(1) != 0)",
        },
        Form {
            rule: &USER_UNSET,
            expression: "!variables.linux || has(variables.podContext.runAsUser) ||
                variables.containers.all(c, has(c.securityContext) && has(c.securityContext.runAsUser))",
        },
        Form { rule: &HOST_USERS, expression: "!variables.linux || !variables.pod.spec.?hostUsers.orValue(true)" },
        Form {
            rule: &INTERACTIVE,
            expression: "variables.pod.spec.containers.all(c, !c.?stdin.orValue(false) && !c.?tty.orValue(false))",
        },
        Form { rule: &SHARED_PROCESSES, expression: "!variables.pod.spec.?shareProcessNamespace.orValue(false)" },
        Form { rule: &HOST_ALIASES, expression: "size(variables.pod.spec.?hostAliases.orValue([])) == 0" },
        Form { rule: &NODE_NAME, expression: "variables.pod.spec.?nodeName.orValue('') == ''" },
        Form {
            rule: &TOKEN_LIFETIME,
            expression: "variables.tokens.all(t, t.?expirationSeconds.orValue(3600) <= 86400)",
        },
        Form { rule: &TOKEN_AUDIENCE, expression: "variables.tokens.all(t, t.?audience.orValue('') != '')" },
        Form {
            rule: &USER_OF_SYSTEM,
            expression: "!variables.linux || variables.containers.all(c, !(c.?securityContext.runAsUser
                .or(variables.podContext.?runAsUser).optMap(user, user > 0 && user < 1000).orValue(false)))",
        },
        Form {
            rule: &MAC_UNSET,
            expression: "!variables.linux ||
                variables.contexts.exists(s, has(s.appArmorProfile) || has(s.seLinuxOptions)) ||
                variables.pod.?metadata.annotations.orValue({}).exists(key,
                key.startsWith('container.apparmor.security.beta.kubernetes.io/'))",
        },
        Form {
            rule: &SECCOMP_LOCALHOST,
            expression: "!variables.linux ||
                variables.contexts.all(s, s.?seccompProfile.type.orValue('') != 'Localhost')",
        },
        Form {
            rule: &ENV_VAR,
            expression: "variables.containers.all(c,
                c.?env.orValue([]).all(e, !has(e.valueFrom) || !has(e.valueFrom.secretKeyRef)) &&
                c.?envFrom.orValue([]).all(e, !has(e.secretRef)))",
        },
        Form {
            // The bits of 0133 in the last three octal digits.
            rule: &VOLUME_MODE,
            expression: "variables.secrets.map(v, has(v.secret) ? v.secret.?defaultMode.orValue(0) :
                v.projected.?defaultMode.orValue(0)).all(mode,
                mode % 4 == 0 && mode / 8 % 4 == 0 && mode / 64 % 2 == 0)",
        },
        Form {
            rule: &SHARED,
            expression: "size(variables.pod.spec.containers) < 2 || variables.secrets.all(v,
                !variables.pod.spec.containers.all(c, c.?volumeMounts.orValue([]).exists(m, m.name == v.name)))",
        },
        Form {
            rule: &PROPAGATION,
            expression: "variables.containers.all(c, c.?volumeMounts.orValue([]).all(m,
                m.?mountPropagation.orValue('') != 'Bidirectional'))",
        },
        Form {
            rule: &SUB_PATH,
            expression: "variables.containers.all(c, c.?volumeMounts.orValue([]).all(m,
                m.?subPath.orValue('') == '' && m.?subPathExpr.orValue('') == '' ||
                !variables.volumes.exists(v, v.name == m.name && has(v.hostPath))))",
        },
    ],
};

const LASTING: (&str, &str) = (
    "lasting",
    "object.kind in ['Job', 'CronJob', 'PodTemplate'] ||
     variables.pod.spec.?restartPolicy.orValue('Always') in ['Never', 'OnFailure'] ? [] :
     variables.pod.spec.containers",
);

const REPLICAS: (&str, &str) =
    ("replicas", "object.kind in ['Deployment', 'StatefulSet', 'ReplicaSet'] ? object.spec.?replicas.orValue(1) : 0");

const STRATEGY: (&str, &str) = (
    "strategy",
    "object.kind == 'Deployment' ? object.spec.?strategy.orValue({}) :
     object.kind in ['StatefulSet', 'DaemonSet'] ? object.spec.?updateStrategy.orValue({}) : {}",
);

/// What keeps workloads running.
pub(super) static OPERATION: Group = Group {
    name: "workload-operation",
    about: "Workloads are watched, bounded and replicated",
    resources: RESOURCES,
    variables: &[POD, CONTAINERS, LASTING, REPLICAS, STRATEGY],
    forms: &[
        Form {
            rule: &READINESS,
            expression: "variables.lasting.all(c, size(c.?ports.orValue([])) == 0 || has(c.readinessProbe))",
        },
        Form { rule: &LIVENESS, expression: "variables.lasting.all(c, has(c.livenessProbe))" },
        Form {
            rule: &EXEC,
            expression: "variables.containers.all(c, [c.?livenessProbe, c.?readinessProbe, c.?startupProbe]
                .all(p, !p.?exec.hasValue()))",
        },
        Form {
            rule: &EPHEMERAL_STORAGE,
            expression: "variables.pod.spec.containers.all(c, 'ephemeral-storage' in c.?resources.limits.orValue({}))",
        },
        Form {
            rule: &MEMORY_OVERCOMMIT,
            expression: "(variables.pod.spec.containers + variables.pod.spec.?initContainers.orValue([])).all(c,
                !c.?resources.limits.memory.hasValue() || !c.?resources.requests.memory.hasValue() ||
                quantity(string(c.resources.limits.memory)).compareTo(quantity(string(c.resources.requests.memory)))
                <= 0)",
        },
        Form {
            rule: &EMPTY_DIR,
            expression: "variables.pod.spec.?volumes.orValue([]).all(v, !has(v.emptyDir) ||
                has(v.emptyDir.sizeLimit) && sign(quantity(string(v.emptyDir.sizeLimit))) > 0)",
        },
        Form { rule: &NAMESPACE_DEFAULT, expression: "object.metadata.?namespace.orValue('') != 'default'" },
        Form { rule: &SINGLE_REPLICA, expression: "object.kind != 'Deployment' || variables.replicas != 1" },
        Form {
            rule: &SPREAD,
            expression: "variables.replicas <= 1 ||
                size(variables.pod.spec.?topologySpreadConstraints.orValue([])) > 0 ||
                size(variables.pod.spec.?affinity.podAntiAffinity.orValue({})) > 0",
        },
        Form {
            rule: &ROLLOUT,
            expression: "variables.strategy.?type.orValue('') != 'Recreate' &&
                variables.strategy.?rollingUpdate.maxUnavailable.orValue('') != '100%'",
        },
    ],
};
