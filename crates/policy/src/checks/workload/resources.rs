//! Requests and limits: what keeps one container from starving the node.

use std::cmp::Ordering;
use std::collections::HashMap;

use manifest::inventory::{LimitRange, UnboundedContainer, Workload};
use manifest::{Container, ContainerKind, Inventory, Object, PodTemplate, Value};
use model::{Rule, Scope, Serves, Severity};

use super::quantity::Quantity;
use super::{container_noun, listed, on_container};
use crate::check::{Context, InventoryCheck, ObjectCheck};
use crate::sink::Sink;

/// No memory limit, nor a default of the namespace.
pub static MEMORY_LIMIT: Rule = Rule {
    code: "resources-memory-limit-missing",
    title: "A container has no memory limit",
    severity: Severity::Medium,
    scope: Scope::Workload,
    serves: &[Serves::full("RC-04"), Serves::part("RC-24"), Serves::part("DV-12")],
    why: "Memory cannot be taken back. One container that leaks or is made to allocate lets the kernel kill its \
          neighbours, or the kubelet evict them.",
    fix: "Set limits.memory and an equal requests.memory, or give the namespace a LimitRange with defaults.",
    example: "resources:\n  requests: {cpu: 100m, memory: 128Mi}\n  limits: {memory: 128Mi}\n",
};

/// No CPU request, nor a default of the namespace.
pub static CPU_REQUEST: Rule = Rule {
    code: "resources-cpu-request-missing",
    title: "A container has no CPU request",
    severity: Severity::Low,
    scope: Scope::Workload,
    serves: &[Serves::full("RC-04"), Serves::part("RC-24")],
    why: "Without a request the scheduler counts the container as free and the kernel gives it the smallest share, \
          so a busy neighbour can bring it to a halt.",
    fix: "Set requests.cpu to what the container needs under normal load.",
    example: "resources:\n  requests: {cpu: 100m, memory: 128Mi}\n  limits: {memory: 128Mi}\n",
};

/// No CPU limit, nor a default of the namespace.
pub static CPU_LIMIT: Rule = Rule {
    code: "resources-cpu-limit-missing",
    title: "A container has no CPU limit",
    severity: Severity::Info,
    scope: Scope::Workload,
    serves: &[Serves::part("RC-04")],
    why: "A taken-over container may use all idle CPU of the node, for mining for example. For sensitive or \
          untrusted workloads a limit is worth its price in throttling.",
    fix: "Consider limits.cpu where the workload is sensitive or not trusted.",
    example: "resources:\n  requests: {cpu: 100m, memory: 128Mi}\n  limits: {cpu: '1', memory: 128Mi}\n",
};

/// Memory limit above the request.
pub static MEMORY_OVERCOMMIT: Rule = Rule {
    code: "resources-memory-limit-above-request",
    title: "A memory limit is above the request",
    severity: Severity::Low,
    scope: Scope::Workload,
    serves: &[Serves::full("RC-04")],
    why: "The node is filled up by requests, so memory between request and limit may not be there when all use it, \
          and then something is killed.",
    fix: "Set requests.memory to the value of limits.memory.",
    example: "resources:\n  requests: {memory: 128Mi}\n  limits: {memory: 128Mi}\n",
};

/// The container may fill the node's disk.
pub static EPHEMERAL_STORAGE: Rule = Rule {
    code: "resources-ephemeral-storage-limit-missing",
    title: "A container has no limit on ephemeral storage",
    severity: Severity::Info,
    scope: Scope::Workload,
    serves: &[Serves::part("RC-24")],
    why: "Logs and the writable layer lie on the node's disk. When it is full, the kubelet evicts pods.",
    fix: "Set limits.ephemeral-storage.",
    example: "resources:\n  limits: {memory: 128Mi, ephemeral-storage: 1Gi}\n",
};

/// An emptyDir without bound.
pub static EMPTY_DIR: Rule = Rule {
    code: "resources-empty-dir-unlimited",
    title: "An emptyDir volume has no size limit",
    severity: Severity::Low,
    scope: Scope::Workload,
    serves: &[Serves::part("RC-24"), Serves::part("RC-04")],
    why: "An emptyDir grows on the node's disk, or in its memory, until the node runs out and pods are evicted.",
    fix: "Set sizeLimit on the volume.",
    example: "volumes:\n- name: tmp\n  emptyDir:\n    sizeLimit: 64Mi\n",
};

/// Not an amount.
pub static QUANTITY_INVALID: Rule = Rule {
    code: "resources-quantity-invalid",
    title: "An amount of a resource is not well-formed",
    severity: Severity::Medium,
    scope: Scope::Workload,
    serves: &[Serves::part("RC-04")],
    why: "The API server refuses the object, or a tool that rewrites it drops the field, and the container runs \
          without the bound that was meant.",
    fix: "Write a non-negative number with one of the suffixes m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei or none.",
    example: "resources:\n  limits: {memory: 128Mi}\n",
};

/// The check on workloads.
pub(crate) const CHECK: ObjectCheck = ObjectCheck {
    scope: Scope::Workload,
    rules: &[&MEMORY_OVERCOMMIT, &EPHEMERAL_STORAGE, &EMPTY_DIR, &QUANTITY_INVALID],
    run: check,
};

/// The check on missing bounds, which a LimitRange may supply.
pub(crate) const LIMIT_CHECK: InventoryCheck =
    InventoryCheck { rules: &[&MEMORY_LIMIT, &CPU_REQUEST, &CPU_LIMIT], run: check_limits };

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    for pod in &object.pods {
        for container in pod.containers().filter(|container| container.kind != ContainerKind::Ephemeral) {
            judge_container(pod, &container, sink);
        }
        if let Some(resources) = pod.spec.get("resources") {
            for list in ["limits", "requests"] {
                for (key, value) in resources.get(list).into_iter().flat_map(Value::entries) {
                    if let Some(message) = invalid(key, value, "the pod") {
                        sink.report(&QUANTITY_INVALID, value, message).field(pod.field(&format!("resources.{list}")));
                    }
                }
            }
        }
        for (place, volume) in listed(pod.spec, "volumes").filter(|(_, volume)| volume.entry("emptyDir").is_some()) {
            judge_empty_dir(pod, &place, volume, sink);
        }
    }
}

fn judge_container(pod: &PodTemplate<'_>, container: &Container<'_>, sink: &mut Sink<'_>) {
    let resources = container.value.get("resources");
    let amounts = |list: &str| resources.and_then(|resources| resources.get(list));
    for list in ["limits", "requests"] {
        for (key, value) in amounts(list).into_iter().flat_map(Value::entries) {
            if let Some(message) = invalid(key, value, &container_noun(container.kind, container.name())) {
                let below = format!("resources.{list}.{}", key.as_str().unwrap_or(""));
                on_container(sink, &QUANTITY_INVALID, value, (pod, container), &below, |_| message);
            }
        }
    }
    let amount = |list: &str, key: &str| amounts(list).and_then(|list| list.get(key));
    if let (Some(limit), Some(request)) = (amount("limits", "memory"), amount("requests", "memory"))
        && let (Some(most), Some(asked)) = (Quantity::of(limit), Quantity::of(request))
        && most.compare(asked) == Ordering::Greater
    {
        on_container(sink, &MEMORY_OVERCOMMIT, limit, (pod, container), "resources.limits.memory", |noun| {
            let (limit, request) = (limit.text().unwrap_or_default(), request.text().unwrap_or_default());
            format!("{noun} may use {limit} of memory but requests {request}")
        });
    }
    if container.kind == ContainerKind::Regular && amount("limits", "ephemeral-storage").is_none() {
        let below = "resources.limits.ephemeral-storage";
        on_container(sink, &EPHEMERAL_STORAGE, container.value, (pod, container), below, |noun| {
            format!("{noun} has no limit on `ephemeral-storage`")
        });
    }
}

/// What is wrong with an amount, if anything.
fn invalid(key: Value<'_>, value: Value<'_>, noun: &str) -> Option<String> {
    let wrong = match Quantity::of(value) {
        None if value.is_null() => return None,
        None => "is no quantity",
        Some(quantity) if quantity.is_negative() => "is below zero",
        Some(_) => return None,
    };
    let text = value.text().unwrap_or_default();
    // A template that was not rendered is told elsewhere.
    if text.contains("{{") || text.contains("$(") || text.contains("${") {
        return None;
    }
    Some(format!("{noun} sets `{}` to `{text}`, which {wrong}", key.as_str().unwrap_or("")))
}

fn judge_empty_dir(pod: &PodTemplate<'_>, place: &str, volume: Value<'_>, sink: &mut Sink<'_>) {
    let Some((key, dir)) = volume.entry("emptyDir") else { return };
    if dir
        .get("sizeLimit")
        .is_some_and(|limit| Quantity::of(limit).is_some_and(|most| most.compare(Quantity::ZERO) == Ordering::Greater))
    {
        return;
    }
    let memory = dir.str_at("medium") == Some("Memory");
    let kind = if memory { " in memory" } else { "" };
    let message = format!("volume `{}` is an emptyDir{kind} without `sizeLimit`", volume.str_at("name").unwrap_or(""));
    sink.report(&EMPTY_DIR, key, message)
        .field(pod.field(&format!("{place}.emptyDir.sizeLimit")))
        .severity(if memory { Severity::Medium } else { EMPTY_DIR.severity });
}

fn check_limits(inventory: &Inventory, _: Context<'_>, sink: &mut Sink<'_>) {
    let mut ranges: HashMap<&str, Vec<&LimitRange>> = HashMap::new();
    for range in &inventory.limit_ranges {
        ranges.entry(range.origin.namespace()).or_default().push(range);
    }
    for workload in &inventory.workloads {
        let here: &[&LimitRange] = ranges.get(workload.origin.namespace()).map_or(&[], Vec::as_slice);
        let sets = |default: fn(&LimitRange) -> bool| here.iter().any(|range| default(range));
        let memory = sets(|range| range.default_memory);
        let cpu = sets(|range| range.default_cpu);
        let cpu_request = sets(|range| range.default_cpu_request);
        for container in &workload.unbounded {
            if container.memory_limit && !memory {
                report_missing(workload, container, &MEMORY_LIMIT, "limits.memory", sink);
            }
            if container.cpu_request && !cpu_request {
                report_missing(workload, container, &CPU_REQUEST, "requests.cpu", sink);
            }
            if container.cpu_limit && !cpu {
                report_missing(workload, container, &CPU_LIMIT, "limits.cpu", sink);
            }
        }
    }
}

fn report_missing(
    workload: &Workload,
    container: &UnboundedContainer,
    rule: &'static Rule,
    field: &str,
    sink: &mut Sink<'_>,
) {
    if !sink.wants(rule) {
        return;
    }
    let noun = container_noun(container.kind, &container.name);
    let dot = if workload.path.is_empty() { "" } else { "." };
    let list = container.kind.field();
    sink.report_on(
        &workload.origin.subject,
        rule,
        container.location,
        format!("{noun} does not set `resources.{field}`, and no LimitRange here does"),
    )
    .field(format!("{}{dot}{list}[{}].resources.{field}", workload.path, container.index))
    .container(&container.name);
}

#[cfg(test)]
mod tests {
    use super::super::door::{accepts, container, deployment, pod, reports};
    use super::*;

    const GOOD: &str = "image: a\nresources:\n  requests: {cpu: 100m, memory: 128Mi}\n  limits: {cpu: 1, memory: 128Mi, ephemeral-storage: 1Gi}";

    #[test]
    fn a_bounded_container_is_accepted() {
        for rule in [&MEMORY_LIMIT, &CPU_REQUEST, &CPU_LIMIT, &MEMORY_OVERCOMMIT, &EPHEMERAL_STORAGE, &QUANTITY_INVALID]
        {
            accepts(&container(GOOD), rule.code);
        }
    }

    #[test]
    fn an_unbounded_container_is_reported_with_its_path() {
        let yaml = deployment("initContainers:\n- name: setup\n  image: a");
        let finding = reports(&yaml, "resources-memory-limit-missing");
        assert_eq!(finding.property("field"), Some("spec.template.spec.initContainers[0].resources.limits.memory"));
        assert!(finding.message.starts_with("init container `setup`"));
        reports(&yaml, "resources-cpu-request-missing");
        reports(&yaml, "resources-cpu-limit-missing");
        reports(&container("image: a"), "resources-ephemeral-storage-limit-missing");
        accepts(&pod("ephemeralContainers:\n- name: debug\n  image: a"), "resources-memory-limit-missing");
    }

    #[test]
    fn a_limit_stands_for_a_missing_request_and_the_pod_for_its_containers() {
        accepts(&container("image: a\nresources: {limits: {cpu: 1}}"), "resources-cpu-request-missing");
        let whole = pod("resources: {limits: {memory: 1Gi}}\ncontainers:\n- name: web\n  image: a");
        accepts(&whole, "resources-memory-limit-missing");
    }

    #[test]
    fn a_limit_range_of_the_namespace_supplies_what_is_missing() {
        let yaml = |namespace: &str, entry: &str| {
            format!(
                "{}---\napiVersion: v1\nkind: LimitRange\nmetadata: {{name: l, namespace: {namespace}}}\nspec:\n  limits:\n  - {entry}\n",
                deployment("containers:\n- name: web\n  image: a")
            )
        };
        let code = "resources-memory-limit-missing";
        accepts(&yaml("shop", "{type: Container, default: {memory: 1Gi}}"), code);
        accepts(&yaml("shop", "{type: Container, max: {memory: 1Gi}}"), code);
        reports(&yaml("other", "{type: Container, default: {memory: 1Gi}}"), code);
        reports(&yaml("shop", "{type: Pod, max: {memory: 1Gi}}"), code);
        reports(&yaml("shop", "{type: Container, default: {cpu: 1}}"), code);
        accepts(&yaml("shop", "{type: Container, min: {cpu: 1}}"), "resources-cpu-request-missing");
    }

    #[test]
    fn amounts_are_compared_by_value() {
        let memory = |request: &str, limit: &str| {
            container(&format!("resources: {{requests: {{memory: {request}}}, limits: {{memory: {limit}}}}}"))
        };
        let code = "resources-memory-limit-above-request";
        reports(&memory("128Mi", "1Gi"), code);
        accepts(&memory("1Gi", "1024Mi"), code);
        accepts(&memory("1073741824", "1Gi"), code);
    }

    #[test]
    fn broken_amounts_are_reported() {
        for amount in ["1GB", "128 Mi", "ten", "-1", "[]"] {
            let yaml = container(&format!("resources: {{limits: {{memory: {amount}}}}}"));
            reports(&yaml, "resources-quantity-invalid");
        }
        for amount in ["1.5", "1e3", "'2'", "128Mi", "null", "'{{ .Values.memory }}'"] {
            let yaml = container(&format!("resources: {{limits: {{memory: {amount}}}}}"));
            accepts(&yaml, "resources-quantity-invalid");
        }
    }

    #[test]
    fn empty_dirs_are_bounded() {
        let dir = |fields: &str| pod(&format!("volumes:\n- name: tmp\n  emptyDir: {fields}"));
        assert_eq!(reports(&dir("{}"), "resources-empty-dir-unlimited").severity, Severity::Low);
        assert_eq!(reports(&dir(""), "resources-empty-dir-unlimited").severity, Severity::Low);
        assert_eq!(reports(&dir("{medium: Memory}"), "resources-empty-dir-unlimited").severity, Severity::Medium);
        accepts(&dir("{sizeLimit: 1Gi}"), "resources-empty-dir-unlimited");
        reports(&dir("{sizeLimit: 0}"), "resources-empty-dir-unlimited");
    }
}
