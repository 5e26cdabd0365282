//! Checks on workloads beyond the Pod Security Standards.

use super::pod_security::{CONTAINERS, POD, RESOURCES};
use super::{Form, Group};
use crate::checks::workload::confinement::{
    HOST_ALIASES, HOST_USERS, INTERACTIVE, ROOT_FILESYSTEM, ROOT_GROUP, SHARED_PROCESSES, USER_UNSET,
};
use crate::checks::workload::placement::NODE_NAME;
use crate::checks::workload::service_account::{TOKEN_AUDIENCE, TOKEN_LIFETIME};

const LINUX: (&str, &str) = ("linux", "variables.pod.spec.?os.name.orValue('linux') != 'windows'");

const CONTEXT: (&str, &str) = ("podContext", "variables.pod.spec.?securityContext.orValue({})");

const TOKENS: (&str, &str) = (
    "tokens",
    "variables.pod.spec.?volumes.orValue([])
     .map(v, v.?projected.sources.orValue([])).flatten()
     .filter(s, has(s.serviceAccountToken)).map(s, s.serviceAccountToken)",
);

/// Hardening of workloads.
pub(super) static GROUP: Group = Group {
    name: "workload-hardening",
    about: "Workloads are hardened beyond the Pod Security Standards",
    resources: RESOURCES,
    variables: &[POD, CONTAINERS, LINUX, CONTEXT, TOKENS],
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
    ],
};
