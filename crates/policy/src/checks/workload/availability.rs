//! What keeps a workload up: controllers, replicas, spreading, rollouts.

use manifest::{Object, PodTemplate, Value};
use model::{Rule, Scope, Serves, Severity};

use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// Nothing brings the pod back.
pub static NAKED_POD: Rule = Rule {
    code: "workload-naked-pod",
    title: "A pod has no controller",
    severity: Severity::Low,
    scope: Scope::Workload,
    serves: &[Serves::part("RC-24")],
    why: "A pod by itself is gone when its node is, and cannot be rolled out, scaled or rolled back.",
    fix: "Deploy the pod by a Deployment, StatefulSet, DaemonSet or Job.",
    example: "",
};

/// One copy only.
pub static SINGLE_REPLICA: Rule = Rule {
    code: "workload-single-replica",
    title: "A Deployment has a single replica",
    severity: Severity::Info,
    scope: Scope::Workload,
    serves: &[Serves::part("RC-24")],
    why: "Every drain of a node, eviction or crash is an outage.",
    fix: "Run two or more replicas, or let an autoscaler set the number.",
    example: "spec:\n  replicas: 3\n",
};

/// All copies may be in one place.
pub static SPREAD: Rule = Rule {
    code: "workload-spread-missing",
    title: "Replicas are not told to spread over nodes",
    severity: Severity::Info,
    scope: Scope::Workload,
    serves: &[Serves::part("RC-24")],
    why: "The scheduler spreads replicas only by preference. All of them may end up on one node and fall with it.",
    fix: "Add topologySpreadConstraints or a podAntiAffinity.",
    example: "topologySpreadConstraints:\n- maxSkew: 1\n  topologyKey: kubernetes.io/hostname\n  whenUnsatisfiable: ScheduleAnyway\n  labelSelector:\n    matchLabels: {app: web}\n",
};

/// A rollout stops everything first.
pub static ROLLOUT: Rule = Rule {
    code: "workload-rollout-disruptive",
    title: "A rollout stops all replicas at once",
    severity: Severity::Low,
    scope: Scope::Workload,
    serves: &[Serves::part("DE-11"), Serves::part("RC-24")],
    why: "All old pods are stopped before a new one has shown that it works, so a bad release is an outage and not \
          a stalled rollout.",
    fix: "Use RollingUpdate with maxUnavailable well below 100%.",
    example: "strategy:\n  type: RollingUpdate\n  rollingUpdate: {maxUnavailable: 25%, maxSurge: 25%}\n",
};

/// The check on workloads.
pub(crate) const CHECK: ObjectCheck =
    ObjectCheck { scope: Scope::Workload, rules: &[&NAKED_POD, &SINGLE_REPLICA, &SPREAD, &ROLLOUT], run: check };

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    match (object.group, object.kind) {
        ("", "Pod") => judge_pod(object, sink),
        ("apps" | "extensions", "Deployment" | "StatefulSet" | "ReplicaSet") => {
            judge_replicas(object, sink);
            judge_rollout(object, sink);
        }
        ("apps" | "extensions", "DaemonSet") => judge_rollout(object, sink),
        _ => {}
    }
}

fn judge_pod(object: &Object<'_>, sink: &mut Sink<'_>) {
    let owned = object.metadata.is_some_and(|metadata| metadata.list("ownerReferences").next().is_some());
    let mirror = object.annotation("kubernetes.io/config.mirror").is_some()
        || object.annotation("kubernetes.io/config.source").is_some_and(|source| source != "api")
        || object.pods.iter().any(super::is_component);
    let hook = object.annotation("helm.sh/hook").is_some();
    let ends = object.spec().is_some_and(|spec| matches!(spec.str_at("restartPolicy"), Some("Never" | "OnFailure")));
    if !owned && !mirror && !hook && !ends {
        sink.report(&NAKED_POD, object.location(), "the pod has no controller that would replace it");
    }
}

fn judge_replicas(object: &Object<'_>, sink: &mut Sink<'_>) {
    let replicas = object.spec().and_then(|spec| spec.get("replicas"));
    let count = replicas.and_then(Value::as_i64).unwrap_or(1);
    if count == 1 && object.kind == "Deployment" {
        let at = replicas.map_or(object.location(), Value::location);
        sink.report(&SINGLE_REPLICA, at, "the Deployment runs one replica").field("spec.replicas");
    }
    if count > 1
        && let Some(pod) = object.pods.first().filter(|pod| !spreads(pod))
    {
        let message = format!("{count} replicas have neither `topologySpreadConstraints` nor `podAntiAffinity`");
        sink.report(&SPREAD, pod.spec, message).field(pod.field("topologySpreadConstraints"));
    }
}

fn spreads(pod: &PodTemplate<'_>) -> bool {
    pod.spec.list("topologySpreadConstraints").next().is_some()
        || pod
            .spec
            .path(&["affinity", "podAntiAffinity"])
            .is_some_and(|anti| anti.entries().any(|(_, v)| !v.is_empty()))
}

fn judge_rollout(object: &Object<'_>, sink: &mut Sink<'_>) {
    let Some(spec) = object.spec() else { return };
    let key = if object.kind == "Deployment" { "strategy" } else { "updateStrategy" };
    let Some(strategy) = spec.get(key) else { return };
    if let Some(kind) = strategy.get("type").filter(|kind| kind.as_str() == Some("Recreate")) {
        // One replica with a volume for itself cannot be replaced in any other way.
        let severity = if spec.i64_at("replicas").unwrap_or(1) > 1 { Severity::Low } else { Severity::Info };
        sink.report(&ROLLOUT, kind, "the rollout strategy is Recreate")
            .field(format!("spec.{key}.type"))
            .severity(severity);
    }
    if let Some(most) = strategy.path(&["rollingUpdate", "maxUnavailable"]).filter(|most| most.as_str() == Some("100%"))
    {
        sink.report(&ROLLOUT, most, "the rollout may stop 100% of the replicas at once")
            .field(format!("spec.{key}.rollingUpdate.maxUnavailable"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::door::{accepts, deployment, pod, reports};
    use super::*;

    fn with_spec(lines: &str, pod: &str) -> String {
        deployment(pod).replace("\nspec:\n  template", &format!("\nspec:\n  {lines}\n  template"))
    }

    #[test]
    fn pods_have_controllers_unless_they_end_or_are_static() {
        reports(&pod("containers: []"), "workload-naked-pod");
        accepts(&pod("restartPolicy: Never"), "workload-naked-pod");
        accepts(&pod("containers: [{name: a, command: [etcd]}]"), "workload-naked-pod");
        accepts(&deployment("containers: []"), "workload-naked-pod");
    }

    #[test]
    fn replicas_are_several_and_apart() {
        reports(&deployment("containers: []"), "workload-single-replica");
        reports(&with_spec("replicas: 1", "containers: []"), "workload-single-replica");
        accepts(&with_spec("replicas: 3", "containers: []"), "workload-single-replica");
        reports(&with_spec("replicas: 3", "containers: []"), "workload-spread-missing");
        accepts(&with_spec("replicas: 3", "topologySpreadConstraints: [{maxSkew: 1}]"), "workload-spread-missing");
        let anti =
            "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: zone}]}}";
        accepts(&with_spec("replicas: 3", anti), "workload-spread-missing");
        let empty = "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: []}}";
        reports(&with_spec("replicas: 3", empty), "workload-spread-missing");
    }

    #[test]
    fn rollouts_keep_something_running() {
        let code = "workload-rollout-disruptive";
        assert_eq!(reports(&with_spec("strategy: {type: Recreate}", "containers: []"), code).severity, Severity::Info);
        let two = with_spec("replicas: 2\n  strategy: {type: Recreate}", "containers: []");
        assert_eq!(reports(&two, code).severity, Severity::Low);
        reports(&with_spec("strategy: {rollingUpdate: {maxUnavailable: 100%}}", "containers: []"), code);
        accepts(&with_spec("strategy: {rollingUpdate: {maxUnavailable: 25%}}", "containers: []"), code);
    }
}
