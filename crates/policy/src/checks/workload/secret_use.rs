//! How pods take Secrets, and how Secrets are kept.

use manifest::{Container, ContainerKind, Object, PodTemplate, Value};
use model::{Rule, Scope, Serves, Severity};

use super::{listed, on_container};
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// Secret values in environment variables.
pub static ENV_VAR: Rule = Rule {
    code: "secret-env-var",
    title: "A container takes Secrets as environment variables",
    severity: Severity::Low,
    scope: Scope::Workload,
    serves: &[Serves::full("RS-08"), Serves::part("RA-32")],
    why: "The environment is inherited by every child process, shown in crash reports and debug pages, and never \
          updated when the Secret is rotated.",
    fix: "Mount the Secret as a volume and read the file, or fetch it from a secret store at run time.",
    example: "volumes:\n- name: db\n  secret:\n    secretName: db\ncontainers:\n- name: web\n  volumeMounts:\n  - name: db\n    mountPath: /etc/db\n    readOnly: true\n",
};

/// One Secret in all containers of a pod.
pub static SHARED: Rule = Rule {
    code: "secret-shared-between-containers",
    title: "Every container of a pod mounts the same Secret",
    severity: Severity::Info,
    scope: Scope::Workload,
    serves: &[Serves::part("RS-08")],
    why: "A Secret that only one container needs should not fall when a sidecar falls.",
    fix: "Mount the Secret only where it is used.",
    example: "",
};

/// The files of a Secret are open to everyone in the pod.
pub static VOLUME_MODE: Rule = Rule {
    code: "secret-volume-mode",
    title: "Files of a Secret are writable or executable for everyone",
    severity: Severity::Low,
    scope: Scope::Workload,
    serves: &[Serves::part("RS-08")],
    why: "A mode with rights that nobody needs lets any process in the container use the files in ways they were \
          not meant for.",
    fix: "Set defaultMode to 0400 or 0440 and give access by fsGroup.",
    example: "volumes:\n- name: db\n  secret:\n    secretName: db\n    defaultMode: 0440\n",
};

/// A Secret that can be edited in place.
pub static MUTABLE: Rule = Rule {
    code: "secret-mutable",
    title: "A Secret is not immutable",
    severity: Severity::Info,
    scope: Scope::Secret,
    serves: &[Serves::part("RS-08")],
    why: "Whoever may update the Secret replaces what running pods will read next. An immutable Secret is changed \
          by making a new one, which the workload must be pointed at.",
    fix: "Set immutable to true and rotate by a new name.",
    example: "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db-2027-01\nimmutable: true\n",
};

/// A token of a ServiceAccount that never expires.
pub static LONG_LIVED_TOKEN: Rule = Rule {
    code: "secret-service-account-token",
    title: "A Secret asks for a ServiceAccount token without expiry",
    severity: Severity::Medium,
    scope: Scope::Secret,
    serves: &[Serves::full("RA-15"), Serves::part("RA-11")],
    why: "The controller fills such a Secret with a token that works until the Secret is deleted, from anywhere, \
          bound to no pod. Backups and everyone who may read Secrets have it.",
    fix: "Delete the Secret and use projected tokens or `kubectl create token`.",
    example: "",
};

/// The check on workloads.
pub(crate) const CHECK: ObjectCheck =
    ObjectCheck { scope: Scope::Workload, rules: &[&ENV_VAR, &SHARED, &VOLUME_MODE], run: check };

/// The check on Secrets.
pub(crate) const SECRET_CHECK: ObjectCheck =
    ObjectCheck { scope: Scope::Secret, rules: &[&MUTABLE, &LONG_LIVED_TOKEN], run: check_secret };

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    for pod in &object.pods {
        for container in pod.containers() {
            judge_environment(pod, &container, sink);
        }
        for (place, volume) in listed(pod.spec, "volumes") {
            judge_volume(pod, &place, volume, sink);
        }
    }
}

fn judge_environment(pod: &PodTemplate<'_>, container: &Container<'_>, sink: &mut Sink<'_>) {
    let from_key = listed(container.value, "env")
        .filter_map(|(place, var)| Some((place, "valueFrom.secretKeyRef", var.path(&["valueFrom", "secretKeyRef"])?)));
    let from_all = listed(container.value, "envFrom")
        .filter_map(|(place, from)| Some((place, "secretRef", from.get("secretRef")?)));
    let mut refs = from_key.chain(from_all);
    let Some((place, field, first)) = refs.next() else { return };
    let others = refs.count();
    on_container(sink, &ENV_VAR, first, (pod, container), &format!("{place}.{field}"), |noun| {
        let name = first.str_at("name").unwrap_or("");
        match others {
            0 => format!("{noun} takes the Secret `{name}` into its environment"),
            _ => format!("{noun} takes the Secret `{name}` into its environment, and {others} more"),
        }
    });
}

fn judge_volume(pod: &PodTemplate<'_>, place: &str, volume: Value<'_>, sink: &mut Sink<'_>) {
    let projected = || {
        let mut sources = volume.get("projected").into_iter().flat_map(|projected| projected.list("sources"));
        sources.any(|source| source.get("secret").is_some())
    };
    let holder = ["secret", "projected"].into_iter().find_map(|key| Some((key, volume.get(key)?)));
    let Some((key, source)) = holder.filter(|(key, _)| *key == "secret" || projected()) else { return };
    let name = volume.str_at("name").unwrap_or("");
    if let Some(mode) = source.get("defaultMode")
        && let Some(bits) = mode.as_i64().filter(|bits| bits & 0o133 != 0)
    {
        sink.report(&VOLUME_MODE, mode, format!("volume `{name}` gives the files of a Secret the mode {bits:04o}"))
            .field(pod.field(&format!("{place}.{key}.defaultMode")));
    }
    let regular = || pod.containers().filter(|container| container.kind == ContainerKind::Regular);
    let mounts = |container: &Container<'_>| {
        container.value.list("volumeMounts").any(|mount| mount.str_at("name") == Some(name))
    };
    if regular().nth(1).is_some() && regular().all(|container| mounts(&container)) {
        let message = format!("volume `{name}` with a Secret is mounted in all {} containers", regular().count());
        sink.report(&SHARED, volume, message).field(pod.field(place));
    }
}

fn check_secret(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    if let Some(kind) =
        object.value.get("type").filter(|kind| kind.as_str() == Some("kubernetes.io/service-account-token"))
    {
        let account = object.annotation("kubernetes.io/service-account.name").unwrap_or("");
        let message = format!("the Secret holds a token of the ServiceAccount `{account}` that does not expire");
        sink.report(&LONG_LIVED_TOKEN, kind, message).field("type");
    } else if object.value.bool_at("immutable") != Some(true) {
        sink.report(&MUTABLE, object.location(), "the Secret does not set `immutable` to true").field("immutable");
    }
}

#[cfg(test)]
mod tests {
    use super::super::door::{accepts, container, pod, reports};
    use super::*;

    #[test]
    fn both_ways_into_the_environment_count_in_every_kind_of_container() {
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            for source in [
                "env: [{name: P, valueFrom: {secretKeyRef: {name: db, key: p}}}]",
                "envFrom: [{configMapRef: {name: c}}, {secretRef: {name: db}}]",
            ] {
                let finding = reports(&pod(&format!("{list}:\n- name: web\n  {source}")), "secret-env-var");
                assert!(finding.message.contains("`db`"));
            }
        }
        let many = container(
            "env:\n- {name: P, valueFrom: {secretKeyRef: {name: db, key: p}}}\nenvFrom: [{secretRef: {name: x}}]",
        );
        assert!(reports(&many, "secret-env-var").message.ends_with("and 1 more"));
        accepts(&container("env: [{name: P, valueFrom: {configMapKeyRef: {name: c, key: p}}}]"), "secret-env-var");
    }

    #[test]
    fn secrets_in_all_containers_are_noted() {
        let two = |second: &str| {
            pod(&format!(
                "containers:\n- name: a\n  volumeMounts: [{{name: s, mountPath: /s}}]\n- name: b\n  volumeMounts: [{second}]\nvolumes:\n- name: s\n  secret: {{secretName: db}}"
            ))
        };
        reports(&two("{name: s, mountPath: /s}"), "secret-shared-between-containers");
        accepts(&two(""), "secret-shared-between-containers");
    }

    #[test]
    fn modes_beyond_reading_are_reported() {
        let mode = |mode: &str| pod(&format!("volumes:\n- name: s\n  secret: {{secretName: db, defaultMode: {mode}}}"));
        for bits in ["0777", "511", "0666", "0755"] {
            reports(&mode(bits), "secret-volume-mode");
        }
        for bits in ["0400", "0440", "420", "0600"] {
            accepts(&mode(bits), "secret-volume-mode");
        }
    }

    #[test]
    fn secrets_are_immutable_and_no_tokens() {
        let secret = |fields: &str| format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\n{fields}\n");
        assert_eq!(reports(&secret(""), "secret-mutable").severity, Severity::Info);
        accepts(&secret("immutable: true"), "secret-mutable");
        reports(&secret("type: kubernetes.io/service-account-token"), "secret-service-account-token");
        accepts(&secret("type: Opaque"), "secret-service-account-token");
    }
}
