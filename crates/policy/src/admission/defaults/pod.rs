//! Pods: defaults that pod templates do not get, what the server sets when it makes a pod, and what built-in
//! admission plugins add.

use std::borrow::Cow;

use manifest::{Data, Draft};

use super::{Plugins, Stage, is, put_if_empty};

pub(super) fn fill(pod: &mut Draft<'_>, stage: Stage, plugins: Plugins) {
    let Some(spec) = pod.get_mut("spec") else { return };
    let host_network = spec.peek("hostNetwork").and_then(|value| value.as_bool()) == Some(true);
    for list in ["containers", "initContainers"] {
        for container in items(spec, list) {
            requests_from_limits(container);
            if host_network {
                host_ports(container);
            }
        }
    }
    put_if_empty(spec, "enableServiceLinks", || Draft::bool(true));
    if stage == Stage::Created {
        plugin(spec, plugins);
        let quality = quality(spec);
        let mut status = Draft::map(Vec::new());
        status.put("phase", Draft::text("Pending"));
        status.put("qosClass", Draft::text(quality));
        pod.put("status", status);
    }
}

/// What a container may use at most is what it asks for, unless it says otherwise.
fn requests_from_limits(container: &mut Draft<'_>) {
    let Some(resources) = container.get_mut("resources") else { return };
    let Some(mut limits) = resources.peek("limits") else { return };
    put_if_empty(resources, "requests", || Draft::map(Vec::new()));
    let Some(requests) = resources.get_mut("requests") else { return };
    for (name, value) in limits.entries_mut().into_iter().flatten() {
        if requests.get_mut(name).is_none() {
            requests.put(name.clone(), value.clone());
        }
    }
}

/// With the host's network a container's port is the host's.
fn host_ports(container: &mut Draft<'_>) {
    for port in items(container, "ports") {
        let number = port.peek("containerPort").and_then(|port| port.as_int());
        if let Some(number) = number.filter(|number| *number != 0 && !port.has("hostPort")) {
            port.put("hostPort", Draft::int(number));
        }
    }
}

fn plugin(spec: &mut Draft<'_>, plugins: Plugins) {
    if plugins.service_account {
        put_if_empty(spec, "serviceAccountName", || Draft::text("default"));
        super::kinds::service_account_alias(spec);
    }
    if plugins.priority {
        let value = match spec.peek("priorityClassName").as_ref().and_then(|name| name.as_str()) {
            None => Some(0),
            Some("system-cluster-critical") => Some(2_000_000_000),
            Some("system-node-critical") => Some(2_000_001_000),
            Some(_) => None,
        };
        if let Some(value) = value {
            put_if_empty(spec, "priority", || Draft::int(value));
            put_if_empty(spec, "preemptionPolicy", || Draft::text("PreemptLowerPriority"));
        }
    }
    if plugins.default_toleration_seconds {
        tolerations(spec);
    }
}

/// Tolerates nodes in trouble for a while, unless the pod has its own idea.
fn tolerations(spec: &mut Draft<'_>) {
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let known = items(spec, "tolerations").iter().any(|toleration| {
            let any_key = !toleration.has("key");
            (any_key || is(toleration, "key", key))
                && (!toleration.has("effect") || is(toleration, "effect", "NoExecute"))
        });
        if known {
            continue;
        }
        let text = |text: &'static str| Draft::text(text);
        let entry = |name: &'static str, value| (Cow::Borrowed(name), value);
        let toleration = Draft::map(vec![
            entry("key", text(key)),
            entry("operator", text("Exists")),
            entry("effect", text("NoExecute")),
            entry("tolerationSeconds", Draft::int(300)),
        ]);
        put_if_empty(spec, "tolerations", || Draft::seq(Vec::new()));
        if let Some(list) = spec.get_mut("tolerations").and_then(|list| list.items_mut()) {
            list.push(toleration);
        }
    }
}

/// The class of service quality: guaranteed when every container has limits for processor and memory that equal
/// its requests, best effort when none has any.
fn quality(spec: &mut Draft<'_>) -> &'static str {
    let (mut any, mut guaranteed) = (false, true);
    for list in ["containers", "initContainers"] {
        for container in items(spec, list) {
            let part = |part: &str, name: &str| {
                let value = container.peek("resources")?.peek(part)?.peek(name)?;
                value.as_str().filter(|text| *text != "0").map(str::to_owned)
            };
            for name in ["cpu", "memory"] {
                let (limit, request) = (part("limits", name), part("requests", name));
                any |= limit.is_some() || request.is_some();
                guaranteed &= limit.is_some() && limit == request;
            }
        }
    }
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

fn items<'a, 'd>(draft: &'a mut Draft<'d>, list: &str) -> &'a mut [Draft<'d>] {
    match draft.get_mut(list) {
        Some(value) if matches!(value.data(), Data::Seq(_)) => value.items_mut().map_or(&mut [], |items| items),
        _ => &mut [],
    }
}
