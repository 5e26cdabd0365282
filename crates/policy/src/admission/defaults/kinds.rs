//! Defaults that depend on other fields, by type and by kind, and what the server sets when it makes an object.

use std::borrow::Cow;

use manifest::schema::TypeRef;
use manifest::{Data, Draft, base64};

use super::{Plugins, is, is_filled, put_if_empty};
use crate::admission::request::Kind;
use crate::checks::workload::image_reference::ImageReference;

/// Defaults of one type, wherever it stands.
pub(super) fn fill_type(draft: &mut Draft<'_>, kind: TypeRef) {
    match kind.name() {
        "Container" | "EphemeralContainer" => pull_policy(draft, "image", "imagePullPolicy"),
        "ImageVolumeSource" => pull_policy(draft, "reference", "pullPolicy"),
        "PodSpec" => service_account_alias(draft),
        "Volume" if draft.entries_mut().is_some_and(|entries| entries.iter().all(|(key, _)| key == "name")) => {
            draft.put("emptyDir", map());
        }
        "Subject" if kind.field("apiGroup").is_some() && (is(draft, "kind", "User") || is(draft, "kind", "Group")) => {
            put_if_empty(draft, "apiGroup", || Draft::text("rbac.authorization.k8s.io"));
        }
        "ServicePort" => {
            let port = draft.peek("port").and_then(|port| port.as_int());
            let unset = draft.get_mut("targetPort").is_none_or(|target| crate::admission::typed::is_zero(target));
            if let Some(port) = port.filter(|_| unset) {
                draft.put("targetPort", Draft::int(port));
            }
        }
        "DeploymentStrategy" | "DaemonSetUpdateStrategy" if is(draft, "type", "RollingUpdate") => {
            put_if_empty(draft, "rollingUpdate", map);
        }
        "StatefulSetUpdateStrategy" if !draft.has("type") => {
            draft.put("type", Draft::text("RollingUpdate"));
            put_if_empty(draft, "rollingUpdate", map);
        }
        "ExactDeviceRequest" | "DeviceSubRequest" if is(draft, "allocationMode", "ExactCount") => {
            put_if_empty(draft, "count", || Draft::int(1));
        }
        "LimitRangeItem" if is(draft, "type", "Container") => limits(draft),
        _ => {}
    }
}

/// Defaults of one kind.
pub(super) fn fill<'d>(draft: &mut Draft<'d>, kind: &Kind<'_>) {
    match (&*kind.group, &*kind.kind) {
        ("", "Secret") => secret(draft),
        ("", "Service") => service(draft),
        ("", "Namespace") => namespace(draft),
        ("", "ReplicationController") => {
            let labels = template_labels(draft);
            if let (Some(labels), Some(spec)) = (labels.clone(), draft.get_mut("spec")) {
                put_if_empty(spec, "selector", || labels);
            }
            own_labels(draft, labels);
        }
        ("batch", "Job") => {
            let labels = template_labels(draft);
            own_labels(draft, labels);
            draft.get_mut("spec").into_iter().for_each(job);
        }
        ("apps", "StatefulSet") => {
            let claims = draft.get_mut("spec").and_then(|spec| spec.get_mut("volumeClaimTemplates"));
            for claim in claims.and_then(|claims| claims.items_mut()).into_iter().flatten() {
                put_if_empty(claim, "apiVersion", || Draft::text("v1"));
                put_if_empty(claim, "kind", || Draft::text("PersistentVolumeClaim"));
            }
        }
        ("networking.k8s.io", "NetworkPolicy") => {
            let Some(spec) = draft.get_mut("spec") else { return };
            if !is_filled(spec, "policyTypes") {
                let mut types = vec![Draft::text("Ingress")];
                types.extend(is_filled(spec, "egress").then(|| Draft::text("Egress")));
                spec.put("policyTypes", Draft::seq(types));
            }
        }
        ("autoscaling", "HorizontalPodAutoscaler") => autoscaler(draft, &kind.version),
        ("discovery.k8s.io", "EndpointSlice") => {
            for port in draft.get_mut("ports").and_then(|ports| ports.items_mut()).into_iter().flatten() {
                put_if_empty(port, "name", || Draft::text(""));
            }
        }
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(draft),
        _ => {}
    }
}

/// What the server sets when it makes an object.
pub(super) fn create(draft: &mut Draft<'_>, kind: &Kind<'_>, plugins: Plugins) {
    let counted = matches!(
        (&*kind.group, &*kind.kind),
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
            | ("batch", _)
            | ("", "Pod" | "ReplicationController")
            | ("networking.k8s.io", "Ingress" | "IngressClass" | "NetworkPolicy")
            | ("policy", "PodDisruptionBudget")
            | ("admissionregistration.k8s.io" | "apiextensions.k8s.io", _)
            | ("discovery.k8s.io", "EndpointSlice")
            | ("scheduling.k8s.io", "PriorityClass")
            | ("flowcontrol.apiserver.k8s.io", _)
    );
    if counted && let Some(metadata) = draft.get_mut("metadata") {
        metadata.put("generation", Draft::int(1));
    }
    match (&*kind.group, &*kind.kind) {
        ("apiextensions.k8s.io", "CustomResourceDefinition") => stored_versions(draft),
        ("apps", "DaemonSet") => {
            let Some(metadata) = draft.get_mut("metadata") else { return };
            put_if_empty(metadata, "annotations", map);
            let annotations = metadata.get_mut("annotations").into_iter();
            annotations.for_each(|all| all.put("deprecated.daemonset.template.generation", Draft::text("1")));
        }
        ("batch", "Job") => job_labels(draft),
        ("", "PersistentVolumeClaim") if plugins.storage_object_in_use_protection => {
            finalizer(draft, "kubernetes.io/pvc-protection");
        }
        ("", "PersistentVolume") if plugins.storage_object_in_use_protection => {
            finalizer(draft, "kubernetes.io/pv-protection");
        }
        ("", "Node") if plugins.taint_nodes_by_condition => taint(draft),
        _ => {}
    }
}

fn finalizer(draft: &mut Draft<'_>, name: &'static str) {
    let Some(metadata) = draft.get_mut("metadata") else { return };
    append(metadata, "finalizers", Draft::text(name), |known| known.as_str() == Some(name));
}

/// A node is not ready until it says so.
fn taint(draft: &mut Draft<'_>) {
    let Some(spec) = draft.get_mut("spec") else { return };
    let key = "node.kubernetes.io/not-ready";
    let taint = Draft::map(vec![("key".into(), Draft::text(key)), ("effect".into(), Draft::text("NoSchedule"))]);
    append(spec, "taints", taint, |known| is(known, "key", key) && is(known, "effect", "NoSchedule"));
}

/// The pods of a job carry its name. They carry its uid too, which nobody knows before it is made.
fn job_labels(draft: &mut Draft<'_>) {
    let Some(name) = draft.peek("metadata").and_then(|metadata| metadata.peek("name")) else { return };
    let manual = |spec: &Draft<'_>| spec.peek("manualSelector").and_then(|manual| manual.as_bool()) == Some(true);
    let Some(spec) = draft.get_mut("spec").filter(|spec| !manual(spec)) else { return };
    let template = spec.get_mut("template").and_then(|template| template.get_mut("metadata"));
    let Some(template) = template else { return };
    // The server shares the labels of the template with the job that has none of its own.
    let own = template.peek("labels");
    put_if_empty(template, "labels", map);
    let labelled = template.get_mut("labels").map(|labels| {
        JOB_NAME_LABELS.iter().for_each(|label| labels.put(*label, name.clone()));
        labels.clone()
    });
    let Some(metadata) = draft.get_mut("metadata") else { return };
    let same = |labels: &Draft<'_>| own.as_ref().is_some_and(|own| texts(own) == texts(labels));
    if let (Some(labelled), Some(labels)) = (labelled, metadata.get_mut("labels"))
        && same(labels)
    {
        *labels = labelled;
    }
}

/// Keys and texts of a mapping, in order.
fn texts(draft: &Draft<'_>) -> Vec<(String, String)> {
    let mut draft = draft.clone();
    let entries = draft.entries_mut().into_iter().flatten();
    let mut texts: Vec<_> =
        entries.map(|(key, value)| (key.to_string(), value.as_str().unwrap_or("").to_owned())).collect();
    texts.sort_unstable();
    texts
}

/// Adds an item to a list that lacks it.
fn append<'d>(draft: &mut Draft<'d>, list: &'static str, item: Draft<'d>, is_it: impl Fn(&Draft<'d>) -> bool) {
    put_if_empty(draft, list, || Draft::seq(Vec::new()));
    if let Some(items) = draft.get_mut(list).and_then(|list| list.items_mut())
        && !items.iter().any(is_it)
    {
        items.push(item);
    }
}

/// Labels by which the pods of a job are found, the old one and the new one.
const JOB_NAME_LABELS: [&str; 2] = ["batch.kubernetes.io/job-name", "job-name"];

/// The older name of `serviceAccountName` says the same.
pub(super) fn service_account_alias(spec: &mut Draft<'_>) {
    let name = spec.peek("serviceAccountName").or_else(|| spec.peek("serviceAccount"));
    if let Some(name) = name {
        spec.put("serviceAccount", name.clone());
        spec.put("serviceAccountName", name);
    }
}

/// The tag `latest`, be it written or not, is always pulled.
fn pull_policy(draft: &mut Draft<'_>, image: &str, policy: &'static str) {
    let image = draft.peek(image);
    let image = image.as_ref().and_then(|image| image.as_str()).unwrap_or("");
    let (tagged, digest) = image.split_once('@').map_or((image, false), |(tagged, _)| (tagged, true));
    let name = tagged.rsplit_once('/').map_or(tagged, |(_, name)| name);
    let latest = name.split_once(':').map_or(!digest && !image.is_empty(), |(_, tag)| tag == "latest");
    // What is no image reference has no tag.
    let word = if latest && ImageReference::parse(image).is_ok() { "Always" } else { "IfNotPresent" };
    put_if_empty(draft, policy, || Draft::text(word));
}

/// Text is an easier way to write data; it replaces data of the same name.
fn secret(draft: &mut Draft<'_>) {
    let Some(mut texts) = draft.take("stringData") else { return };
    put_if_empty(draft, "data", map);
    let Some(data) = draft.get_mut("data") else { return };
    for (name, text) in texts.entries_mut().into_iter().flatten() {
        let encoded = base64::encode(text.as_str().unwrap_or("").as_bytes());
        data.put(name.clone(), Draft::text(encoded));
    }
}

fn service(draft: &mut Draft<'_>) {
    let Some(spec) = draft.get_mut("spec") else { return };
    if is(spec, "sessionAffinity", "None") {
        spec.take("sessionAffinityConfig");
    } else if is(spec, "sessionAffinity", "ClientIP") {
        let client = spec.peek("sessionAffinityConfig").and_then(|config| config.peek("clientIP"));
        if client.is_none_or(|client| !client.has("timeoutSeconds")) {
            spec.put("sessionAffinityConfig", entry("clientIP", entry("timeoutSeconds", Draft::int(10_800))));
        }
    }
    let balanced = is(spec, "type", "LoadBalancer");
    let outside = balanced || is(spec, "type", "NodePort");
    if outside || is_filled(spec, "externalIPs") && is(spec, "type", "ClusterIP") {
        put_if_empty(spec, "externalTrafficPolicy", || Draft::text("Cluster"));
    }
    if outside || is(spec, "type", "ClusterIP") {
        put_if_empty(spec, "internalTrafficPolicy", || Draft::text("Cluster"));
    }
    if balanced {
        put_if_empty(spec, "allocateLoadBalancerNodePorts", || Draft::bool(true));
    }
}

fn namespace(draft: &mut Draft<'_>) {
    if let Some(spec) = draft.get_mut("spec") {
        put_if_empty(spec, "finalizers", || Draft::seq(vec![Draft::text("kubernetes")]));
    }
    let Some(metadata) = draft.get_mut("metadata") else { return };
    if let Some(name) = metadata.peek("name") {
        put_if_empty(metadata, "labels", map);
        metadata
            .get_mut("labels")
            .into_iter()
            .for_each(|labels| labels.put("kubernetes.io/metadata.name", name.clone()));
    }
}

fn job(spec: &mut Draft<'_>) {
    if !spec.has("completions") && !spec.has("parallelism") {
        spec.put("completions", Draft::int(1));
    }
    put_if_empty(spec, "parallelism", || Draft::int(1));
    let tries = if spec.has("backoffLimitPerIndex") { i64::from(i32::MAX) } else { 6 };
    put_if_empty(spec, "backoffLimit", || Draft::int(tries));
    put_if_empty(spec, "completionMode", || Draft::text("NonIndexed"));
    put_if_empty(spec, "suspend", || Draft::bool(false));
    let replaced = if spec.has("podFailurePolicy") { "Failed" } else { "TerminatingOrFailed" };
    put_if_empty(spec, "podReplacementPolicy", || Draft::text(replaced));
    put_if_empty(spec, "manualSelector", || Draft::bool(false));
}

fn limits(item: &mut Draft<'_>) {
    for (to, from) in [("default", "max"), ("defaultRequest", "default"), ("defaultRequest", "min")] {
        let Some(mut source) = item.peek(from) else { continue };
        put_if_empty(item, to, map);
        let Some(target) = item.get_mut(to) else { continue };
        for (name, value) in source.entries_mut().into_iter().flatten() {
            if target.get_mut(name).is_none() {
                target.put(name.clone(), value.clone());
            }
        }
    }
}

fn autoscaler(draft: &mut Draft<'_>, version: &str) {
    let Some(spec) = draft.get_mut("spec") else { return };
    if version == "v1" {
        return put_if_empty(spec, "targetCPUUtilizationPercentage", || Draft::int(80));
    }
    if !is_filled(spec, "metrics") {
        let target = Draft::map(vec![
            ("type".into(), Draft::text("Utilization")),
            ("averageUtilization".into(), Draft::int(80)),
        ]);
        let resource = Draft::map(vec![("name".into(), Draft::text("cpu")), ("target".into(), target)]);
        let metric = Draft::map(vec![("type".into(), Draft::text("Resource")), ("resource".into(), resource)]);
        spec.put("metrics", Draft::seq(vec![metric]));
    }
    let Some(behavior) = spec.get_mut("behavior") else { return };
    for direction in ["scaleUp", "scaleDown"] {
        put_if_empty(behavior, direction, map);
        let Some(rules) = behavior.get_mut(direction) else { continue };
        put_if_empty(rules, "selectPolicy", || Draft::text("Max"));
        let policy = |kind: &'static str, value| {
            Draft::map(vec![
                ("type".into(), Draft::text(kind)),
                ("value".into(), Draft::int(value)),
                ("periodSeconds".into(), Draft::int(15)),
            ])
        };
        let mut policies = vec![policy("Percent", 100)];
        if direction == "scaleUp" {
            put_if_empty(rules, "stabilizationWindowSeconds", || Draft::int(0));
            policies.insert(0, policy("Pods", 4));
        }
        put_if_empty(rules, "policies", || Draft::seq(policies));
    }
}

fn definition(draft: &mut Draft<'_>) {
    let Some(names) = draft.get_mut("spec").and_then(|spec| spec.get_mut("names")) else { return };
    let Some(kind) = names.peek("kind").and_then(|kind| kind.as_str().map(str::to_owned)) else { return };
    // A definition without a kind is invalid, but has no kind of list either.
    if kind.is_empty() {
        return;
    }
    put_if_empty(names, "singular", || Draft::text(kind.to_ascii_lowercase()));
    put_if_empty(names, "listKind", || Draft::text(format!("{kind}List")));
}

/// The version that objects are stored in is remembered from the start.
fn stored_versions(draft: &mut Draft<'_>) {
    let Some(mut versions) = draft.peek("spec").and_then(|spec| spec.peek("versions")) else { return };
    let stored = versions
        .items_mut()
        .into_iter()
        .flatten()
        .filter(|version| version.peek("storage").and_then(|storage| storage.as_bool()) == Some(true));
    // A version without a name has the empty one once it is encoded.
    let names = stored.map(|version| version.peek("name").unwrap_or_else(|| Draft::text(""))).collect();
    put_if_empty(draft, "status", map);
    draft.get_mut("status").into_iter().for_each(|status| status.put("storedVersions", Draft::seq(Vec::clone(&names))));
}

fn template_labels<'d>(draft: &Draft<'d>) -> Option<Draft<'d>> {
    let labels = draft.peek("spec")?.peek("template")?.peek("metadata")?.peek("labels")?;
    (!matches!(labels.data(), Data::Map(0))).then_some(labels)
}

fn own_labels<'d>(draft: &mut Draft<'d>, labels: Option<Draft<'d>>) {
    if let (Some(labels), Some(metadata)) = (labels, draft.get_mut("metadata")) {
        put_if_empty(metadata, "labels", || labels);
    }
}

fn map<'d>() -> Draft<'d> {
    Draft::map(Vec::new())
}

fn entry<'d>(name: &'static str, value: Draft<'d>) -> Draft<'d> {
    Draft::map(vec![(Cow::Borrowed(name), value)])
}
