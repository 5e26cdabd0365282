//! Checks on namespaces, secrets, storage and priorities.

use super::{Form, Group};
use crate::checks::access::accounts::SECRET_IN_DEFAULT;
use crate::checks::storage::claims::SHARED;
use crate::checks::storage::drivers::{FS_GROUP, SNAPSHOT_DELETE, TOKEN_AUDIENCE, TOKEN_STALE};
use crate::checks::storage::volumes::{HOST_PATH, LOCAL, RECYCLE};
use crate::checks::tenancy::namespaces::{
    DEVICE_ADMIN, POD_SECURITY_PRIVILEGED, POD_SECURITY_SILENT, POD_SECURITY_UNPINNED, POD_SECURITY_UNSET,
};
use crate::checks::tenancy::priority::{EXEMPT_FLOW, GLOBAL_DEFAULT, SYSTEM_VALUE};
use crate::checks::workload::secret_use::{LONG_LIVED_TOKEN, MUTABLE};

/// Namespaces of the cluster itself are passed over.
pub(super) static NAMESPACES: Group = Group {
    name: "namespaces",
    about: "Namespaces enforce a Pod Security level",
    resources: &[("", &["namespaces"])],
    variables: &[
        ("system", "object.metadata.name in ['kube-system', 'kube-public', 'kube-node-lease']"),
        ("labels", "object.metadata.?labels.orValue({})"),
        ("level", "variables.labels[?'pod-security.kubernetes.io/enforce']"),
    ],
    forms: &[
        Form {
            rule: &DEVICE_ADMIN,
            expression: "variables.system ||
                variables.labels[?'resource.kubernetes.io/admin-access'].orValue('') != 'true'",
        },
        Form { rule: &POD_SECURITY_UNSET, expression: "variables.system || variables.level.hasValue()" },
        Form {
            rule: &POD_SECURITY_PRIVILEGED,
            expression: "variables.system || variables.level.orValue('') != 'privileged'",
        },
        Form {
            rule: &POD_SECURITY_UNPINNED,
            expression: "variables.system || variables.level.orValue('privileged') == 'privileged' ||
                variables.labels[?'pod-security.kubernetes.io/enforce-version'].orValue('latest') != 'latest'",
        },
        Form {
            rule: &POD_SECURITY_SILENT,
            expression: "variables.system || !(variables.level.orValue('') in ['privileged', 'baseline']) ||
                'pod-security.kubernetes.io/warn' in variables.labels ||
                'pod-security.kubernetes.io/audit' in variables.labels",
        },
    ],
};

pub(super) static SECRETS: Group = Group {
    name: "secrets",
    about: "Secrets hold no tokens without expiry, and do not change",
    resources: &[("", &["secrets"])],
    variables: &[("type", "object.?type.orValue('Opaque')")],
    forms: &[
        Form { rule: &LONG_LIVED_TOKEN, expression: "variables.type != 'kubernetes.io/service-account-token'" },
        Form {
            rule: &MUTABLE,
            expression: "variables.type == 'kubernetes.io/service-account-token' ||
                object.?immutable.orValue(false)",
        },
        Form { rule: &SECRET_IN_DEFAULT, expression: "object.metadata.?namespace.orValue('') != 'default'" },
    ],
};

pub(super) static VOLUMES: Group = Group {
    name: "volumes",
    about: "Volumes are no directories of nodes",
    resources: &[("", &["persistentvolumes", "persistentvolumeclaims"])],
    variables: &[("volume", "object.kind == 'PersistentVolume' ? object.spec : {}")],
    forms: &[
        Form { rule: &HOST_PATH, expression: "!has(variables.volume.hostPath)" },
        Form { rule: &LOCAL, expression: "!has(variables.volume.local)" },
        Form { rule: &RECYCLE, expression: "variables.volume.?persistentVolumeReclaimPolicy.orValue('') != 'Recycle'" },
        Form {
            rule: &SHARED,
            expression: "object.kind != 'PersistentVolumeClaim' ||
                !('ReadWriteMany' in object.spec.?accessModes.orValue([]))",
        },
    ],
};

pub(super) static DRIVERS: Group = Group {
    name: "storage-drivers",
    about: "Storage drivers get tokens for themselves only, and leave owners of files alone",
    resources: &[("storage.k8s.io", &["csidrivers"]), ("snapshot.storage.k8s.io", &["volumesnapshotclasses"])],
    variables: &[("tokens", "object.?spec.tokenRequests.orValue([])")],
    forms: &[
        Form { rule: &TOKEN_AUDIENCE, expression: "variables.tokens.all(t, t.?audience.orValue('') != '')" },
        Form {
            rule: &TOKEN_STALE,
            expression: "size(variables.tokens) == 0 || object.spec.?requiresRepublish.orValue(false)",
        },
        Form { rule: &FS_GROUP, expression: "object.?spec.fsGroupPolicy.orValue('') != 'File'" },
        Form {
            rule: &SNAPSHOT_DELETE,
            expression: "object.kind != 'VolumeSnapshotClass' || object.?deletionPolicy.orValue('') != 'Delete'",
        },
    ],
};

pub(super) static PRIORITIES: Group = Group {
    name: "priorities",
    about: "Nobody goes before everyone else by default",
    resources: &[
        ("scheduling.k8s.io", &["priorityclasses"]),
        ("flowcontrol.apiserver.k8s.io", &["flowschemas", "prioritylevelconfigurations"]),
    ],
    variables: &[("value", "object.kind == 'PriorityClass' ? object.?value.orValue(0) : 0")],
    forms: &[
        Form { rule: &GLOBAL_DEFAULT, expression: "variables.value <= 0 || !object.?globalDefault.orValue(false)" },
        Form {
            rule: &SYSTEM_VALUE,
            expression: "variables.value <= 1000000000 || object.metadata.name.startsWith('system-')",
        },
        Form {
            rule: &EXEMPT_FLOW,
            expression: "object.kind == 'FlowSchema' ?
                object.?spec.priorityLevelConfiguration.name.orValue('') != 'exempt' ||
                object.metadata.name in ['exempt', 'probes'] :
                object.kind != 'PriorityLevelConfiguration' || object.?spec.type.orValue('') != 'Exempt' ||
                object.metadata.name == 'exempt'",
        },
    ],
};
