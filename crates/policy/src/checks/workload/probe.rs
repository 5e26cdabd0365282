//! Health probes of workloads that run for long.

use manifest::{ContainerKind, Object};
use model::{Rule, Scope, Serves, Severity};

use super::{is_long_running, on_container};
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// Traffic is sent before the program can take it.
pub static READINESS: Rule = Rule {
    code: "probe-readiness-missing",
    title: "A container with ports has no readiness probe",
    severity: Severity::Low,
    scope: Scope::Workload,
    serves: &[Serves::part("RC-24"), Serves::part("DE-11")],
    why: "Services send traffic to the pod as soon as its process runs, and a rollout of a broken version goes on \
          to the last replica, since nothing says that the first one does not work.",
    fix: "Add a readinessProbe that succeeds when the program can serve.",
    example: "containers:\n- name: web\n  readinessProbe:\n    httpGet: {path: /ready, port: 8080}\n",
};

/// A program that hangs goes on hanging.
pub static LIVENESS: Rule = Rule {
    code: "probe-liveness-missing",
    title: "A container has no liveness probe",
    severity: Severity::Info,
    scope: Scope::Workload,
    serves: &[Serves::part("RC-24")],
    why: "A program that is stuck but has not exited stays as it is until someone notices.",
    fix: "Add a livenessProbe where a restart mends a hang; leave it out where it would only restart a busy program.",
    example: "containers:\n- name: web\n  livenessProbe:\n    httpGet: {path: /live, port: 8080}\n",
};

/// A probe that starts a process.
pub static EXEC: Rule = Rule {
    code: "probe-exec",
    title: "A probe runs a command in the container",
    severity: Severity::Info,
    scope: Scope::Workload,
    serves: &[Serves::part("DI-18"), Serves::part("RC-14")],
    why: "A probe by command needs a shell or tool in the image, which an attacker finds useful too, and makes \
          new processes there look normal.",
    fix: "Use httpGet, tcpSocket or grpc.",
    example: "livenessProbe:\n  grpc: {port: 9090}\n",
};

/// The check on workloads.
pub(crate) const CHECK: ObjectCheck =
    ObjectCheck { scope: Scope::Workload, rules: &[&READINESS, &LIVENESS, &EXEC], run: check };

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    for pod in &object.pods {
        let long_running = is_long_running(object, pod);
        for container in pod.containers() {
            for key in ["livenessProbe", "readinessProbe", "startupProbe"] {
                let Some(probe) = container.value.get(key) else { continue };
                if let Some(exec) = probe.get("exec") {
                    on_container(sink, &EXEC, exec, (pod, &container), &format!("{key}.exec"), |noun| {
                        format!("{noun} has a `{key}` that runs a command")
                    });
                }
            }
            if !long_running || container.kind != ContainerKind::Regular {
                continue;
            }
            let ports = container.value.get("ports").is_some_and(|ports| !ports.is_empty());
            if ports && container.value.get("readinessProbe").is_none() {
                on_container(sink, &READINESS, container.value, (pod, &container), "readinessProbe", |noun| {
                    format!("{noun} has `ports` but no `readinessProbe`")
                });
            }
            if container.value.get("livenessProbe").is_none() {
                on_container(sink, &LIVENESS, container.value, (pod, &container), "livenessProbe", |noun| {
                    format!("{noun} has no `livenessProbe`")
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::door::{accepts, container, deployment, reports};

    #[test]
    fn services_have_probes() {
        let bare = deployment("containers:\n- name: web\n  ports: [{containerPort: 80}]");
        reports(&bare, "probe-readiness-missing");
        reports(&bare, "probe-liveness-missing");
        let probed = "containers:\n- name: web\n  ports: [{containerPort: 80}]\n  readinessProbe: {grpc: {port: 1}}\n  livenessProbe: {grpc: {port: 1}}";
        for code in ["probe-readiness-missing", "probe-liveness-missing", "probe-exec"] {
            accepts(&deployment(probed), code);
        }
        accepts(&deployment("containers:\n- name: web"), "probe-readiness-missing");
    }

    #[test]
    fn jobs_and_init_containers_need_none() {
        let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec:\n  template:\n    spec:\n      containers:\n      - name: a\n        ports: [{containerPort: 80}]\n";
        accepts(job, "probe-readiness-missing");
        accepts(job, "probe-liveness-missing");
        accepts(&deployment("initContainers:\n- name: a\n  ports: [{containerPort: 80}]"), "probe-readiness-missing");
    }

    #[test]
    fn probes_by_command_are_noted() {
        reports(&container("startupProbe: {exec: {command: [sh]}}"), "probe-exec");
    }
}
