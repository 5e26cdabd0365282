//! Where pods run: nodes, namespaces, priorities.

use manifest::{Object, PodTemplate, Value};
use model::exception::glob;
use model::{Rule, Scope, Serves, Severity};

use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// The pod may run beside the control plane.
pub static CONTROL_PLANE: Rule = Rule {
    code: "placement-control-plane-toleration",
    title: "A pod tolerates the taint of control plane nodes",
    severity: Severity::Low,
    scope: Scope::Workload,
    serves: &[Serves::part("RC-05")],
    why: "On a control plane node, a break-out from the container reaches etcd and the keys of the cluster. The \
          taint keeps ordinary workloads away until a toleration lets them in.",
    fix: "Remove the toleration, or name the taints of the worker nodes that are meant instead of all.",
    example: "tolerations:\n- key: dedicated\n  operator: Equal\n  value: batch\n  effect: NoSchedule\n",
};

/// The pod picks its node.
pub static NODE_NAME: Rule = Rule {
    code: "placement-node-name",
    title: "A pod names its node",
    severity: Severity::Low,
    scope: Scope::Workload,
    serves: &[Serves::part("RC-05")],
    why: "nodeName goes past the scheduler: taints that keep pods off a node, free resources and priorities are \
          not looked at.",
    fix: "Use a node selector or affinity and let the scheduler place the pod.",
    example: "nodeSelector:\n  node-restriction.kubernetes.io/tier: sensitive\n",
};

/// Isolation by a label that the node itself can set.
pub static SELF_ASSIGNED_LABEL: Rule = Rule {
    code: "placement-self-assigned-label",
    title: "A pod is placed by a label that nodes can give themselves",
    severity: Severity::Info,
    scope: Scope::Workload,
    serves: &[Serves::part("RC-05")],
    why: "A kubelet may set most labels of its own Node. One that an attacker holds can label itself to attract \
          pods with secrets. Labels below node-restriction.kubernetes.io are closed to kubelets by NodeRestriction.",
    fix: "Where the placement is for isolation, use labels with the prefix node-restriction.kubernetes.io.",
    example: "nodeSelector:\n  node-restriction.kubernetes.io/tier: sensitive\n",
};

/// Priority of the cluster's own components.
pub static SYSTEM_PRIORITY: Rule = Rule {
    code: "placement-system-priority",
    title: "A pod claims the priority of system components",
    severity: Severity::Low,
    scope: Scope::Workload,
    serves: &[Serves::part("RC-24"), Serves::part("RC-03")],
    why: "Pods of system-node-critical and system-cluster-critical push others off the node and are evicted last, \
          so an ordinary workload with them can starve the cluster's own.",
    fix: "Make a PriorityClass for the workload below the system ones.",
    example: "priorityClassName: business-critical\n",
};

/// Deployed into `default`.
pub static NAMESPACE_DEFAULT: Rule = Rule {
    code: "workload-namespace-default",
    title: "A workload is deployed into the default namespace",
    severity: Severity::Low,
    scope: Scope::Workload,
    serves: &[Serves::part("RA-33"), Serves::part("RA-28")],
    why: "Everything that names no namespace ends up in `default`, so rights, quotas and network rules there cannot \
          be made to fit one workload.",
    fix: "Give the workload a namespace of its own.",
    example: "metadata:\n  name: web\n  namespace: shop\n",
};

/// Deployed among the cluster's components.
pub static NAMESPACE_SYSTEM: Rule = Rule {
    code: "workload-namespace-system",
    title: "A workload is deployed into a system namespace",
    severity: Severity::Low,
    scope: Scope::Workload,
    serves: &[Serves::part("RA-26"), Serves::part("RA-25")],
    why: "System namespaces hold powerful accounts and are often exempt from policy. Whatever runs there can be \
          made to use them, and who may change it is close to ruling the cluster.",
    fix: "Deploy into a namespace of the workload's own; keep system namespaces for the cluster's components.",
    example: "metadata:\n  name: web\n  namespace: shop\n",
};

/// The check on workloads.
pub(crate) const CHECK: ObjectCheck = ObjectCheck {
    scope: Scope::Workload,
    rules: &[&CONTROL_PLANE, &NODE_NAME, &SELF_ASSIGNED_LABEL, &SYSTEM_PRIORITY, &NAMESPACE_DEFAULT, &NAMESPACE_SYSTEM],
    run: check,
};

/// Labels that the cloud or the kubelet set and NodeRestriction watches, or that isolate nothing.
const WELL_KNOWN_LABELS: &[&str] =
    &["kubernetes.io/os", "kubernetes.io/arch", "beta.kubernetes.io/os", "beta.kubernetes.io/arch"];

fn check(object: &Object<'_>, context: Context<'_>, sink: &mut Sink<'_>) {
    if object.pods.is_empty() {
        return;
    }
    let system = context.config.system_namespaces.iter().any(|pattern| glob(pattern, object.namespace()));
    let component = object.pods.iter().any(super::is_component);
    judge_namespace(object, system && !component, sink);
    for pod in &object.pods {
        if !system {
            judge_tolerations(object, pod, sink);
            judge_priority(pod, sink);
        }
        if let Some(node) = pod.spec.get("nodeName").filter(|node| node.as_str().is_some_and(|name| !name.is_empty())) {
            let message = format!("the pod sets `nodeName` to `{}`", node.as_str().unwrap_or(""));
            sink.report(&NODE_NAME, node, message).field(pod.field("nodeName"));
        }
        judge_selector(pod, sink);
    }
}

fn judge_namespace(object: &Object<'_>, system: bool, sink: &mut Sink<'_>) {
    let Some(namespace) = object.metadata.and_then(|metadata| metadata.get("namespace")) else { return };
    let (rule, what) = match object.namespace() {
        "default" => (&NAMESPACE_DEFAULT, "default"),
        _ if system => (&NAMESPACE_SYSTEM, "system"),
        _ => return,
    };
    let message = format!("the workload is deployed into the {what} namespace `{}`", object.namespace());
    sink.report(rule, namespace, message).field("metadata.namespace");
}

fn judge_tolerations(object: &Object<'_>, pod: &PodTemplate<'_>, sink: &mut Sink<'_>) {
    for (place, toleration) in super::listed(pod.spec, "tolerations") {
        // NoExecute alone lets the pod stay on a node, but not be placed there.
        if toleration.str_at("effect").is_some_and(|effect| effect == "NoExecute" || effect == "PreferNoSchedule") {
            continue;
        }
        let what = match toleration.str_at("key").unwrap_or("") {
            "" if toleration.str_at("operator") == Some("Exists") => "every taint",
            key @ ("node-role.kubernetes.io/control-plane" | "node-role.kubernetes.io/master") => key,
            _ => continue,
        };
        let message = format!("the pod tolerates `{what}`, so it may run on control plane nodes");
        let entry = sink.report(&CONTROL_PLANE, toleration, message).field(pod.field(&place));
        // Agents of a DaemonSet are meant for every node.
        if object.kind == "DaemonSet" {
            entry.severity(Severity::Info);
        }
        return;
    }
}

fn judge_priority(pod: &PodTemplate<'_>, sink: &mut Sink<'_>) {
    if let Some(class) = pod.spec.get("priorityClassName")
        && let Some(name) = class.as_str().filter(|name| name.starts_with("system-"))
    {
        sink.report(&SYSTEM_PRIORITY, class, format!("the pod sets `priorityClassName` to `{name}`"))
            .field(pod.field("priorityClassName"));
    }
}

fn judge_selector(pod: &PodTemplate<'_>, sink: &mut Sink<'_>) {
    let selector = pod.spec.get("nodeSelector").into_iter().flat_map(Value::entries).map(|(key, _)| key);
    let affinity = pod.spec.path(&["affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"]);
    let terms = affinity.into_iter().flat_map(|required| required.list("nodeSelectorTerms"));
    let expressions =
        terms.flat_map(|term| term.list("matchExpressions")).filter_map(|expression| expression.get("key"));
    for key in selector.chain(expressions) {
        let Some(label) = key.as_str() else { continue };
        let domain = label.split_once('/').map_or("", |(domain, _)| domain);
        let guarded = domain == "node-restriction.kubernetes.io" || domain.ends_with(".node-restriction.kubernetes.io");
        let watched = domain == "node-role.kubernetes.io" || domain.ends_with("topology.kubernetes.io");
        if !guarded && !watched && !WELL_KNOWN_LABELS.contains(&label) {
            let message = format!("the pod is placed by the node label `{label}`, which a node can set on itself");
            sink.report(&SELF_ASSIGNED_LABEL, key, message).field(pod.field("nodeSelector"));
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::door::{accepts, deployment, pod, reports};
    use super::*;

    fn in_namespace(namespace: &str, spec: &str) -> String {
        deployment(spec).replace("namespace: shop", &format!("namespace: {namespace}"))
    }

    #[test]
    fn tolerations_of_the_control_plane_are_reported() {
        let code = "placement-control-plane-toleration";
        for toleration in [
            "{operator: Exists}",
            "{key: '', operator: Exists, effect: NoSchedule}",
            "{key: node-role.kubernetes.io/control-plane, operator: Exists}",
            "{key: node-role.kubernetes.io/master, effect: NoSchedule}",
        ] {
            let yaml = deployment(&format!("tolerations: [{toleration}]"));
            assert_eq!(reports(&yaml, code).severity, Severity::Low);
            assert_eq!(reports(&yaml.replace("Deployment", "DaemonSet"), code).severity, Severity::Info);
            accepts(&in_namespace("kube-system", &format!("tolerations: [{toleration}]")), code);
        }
        accepts(&deployment("tolerations: [{key: dedicated, operator: Exists}]"), code);
        accepts(&deployment("tolerations: [{operator: Exists, effect: NoExecute}]"), code);
    }

    #[test]
    fn nodes_are_not_picked_by_name_or_by_loose_labels() {
        reports(&pod("nodeName: n1"), "placement-node-name");
        accepts(&pod("nodeName: ''"), "placement-node-name");
        let code = "placement-self-assigned-label";
        reports(&pod("nodeSelector: {tier: secret}"), code);
        accepts(&pod("nodeSelector: {node-restriction.kubernetes.io/tier: a, kubernetes.io/os: linux}"), code);
        reports(
            &pod(
                "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: tier, operator: Exists}]}]}}}",
            ),
            code,
        );
    }

    #[test]
    fn system_priority_and_namespaces_are_for_the_system() {
        reports(&deployment("priorityClassName: system-node-critical"), "placement-system-priority");
        accepts(&in_namespace("kube-system", "priorityClassName: system-node-critical"), "placement-system-priority");
        accepts(&deployment("priorityClassName: mine"), "placement-system-priority");
        reports(&in_namespace("kube-system", "containers: []"), "workload-namespace-system");
        reports(&in_namespace("kube-node-lease", "containers: []"), "workload-namespace-system");
        accepts(&deployment("containers: []"), "workload-namespace-system");
        reports(&in_namespace("default", "containers: []"), "workload-namespace-default");
        accepts(&pod("containers: []"), "workload-namespace-default");
        let component = "containers: [{name: a, command: [kube-apiserver]}]";
        accepts(&in_namespace("kube-system", component), "workload-namespace-system");
    }
}
