//! Pods of a shape that no check can judge. Unknown is never pass.

use manifest::pod::{ContainerKind, pod_path};
use manifest::{Object, Value};
use model::{Rule, Scope, Serves, Severity};

use super::facts::{Container, PROBES, Pod, SecurityContext};
use super::report::{Place, Report};
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// A pod that cannot be judged.
pub static NOT_JUDGED: Rule = Rule {
    code: "pod-not-judged",
    title: "A pod is malformed and cannot be judged",
    severity: Severity::Medium,
    scope: Scope::Object,
    serves: &[Serves::part("RC-01"), Serves::part("DV-12")],
    why: "Where the pod spec or a part of it is missing or of the wrong type, nothing can be said about its \
          security, and the API server refuses the object or reads something else than its author meant.",
    fix: "Give the object the shape that its kind has in the Kubernetes API; a fragment that is only merged into \
          something else belongs out of the judged files.",
    example: "",
};

/// The check on objects that should hold a pod and do not.
pub(super) const OBJECT_CHECK: ObjectCheck =
    ObjectCheck { scope: Scope::Object, rules: &[&NOT_JUDGED], run: without_pods };

fn without_pods(object: &Object<'_>, context: Context<'_>, sink: &mut Sink<'_>) {
    if !object.pods.is_empty() || !context.config.pod_security.judges_pods() {
        return;
    }
    // A strategic merge patch that deletes an object has nothing to run.
    if object.value.str_at("$patch") == Some("delete") {
        return;
    }
    if let Some(path) = pod_path(object.group, object.kind) {
        let at = (0..path.len()).rev().find_map(|length| object.value.path(path.get(..length)?));
        let path = path.join(".");
        let at = at.filter(|at| at.start() != object.value.start()).map_or_else(|| object.location(), Value::location);
        sink.report(&NOT_JUDGED, at, format!("the {} has no pod spec at `{path}`", object.kind)).field(path);
    } else if let Some(containers) = misplaced(object) {
        let message = format!("`{}` in `{}` is not known to run pods", object.kind, object.subject.api_version);
        sink.report(&NOT_JUDGED, containers, message).field("kind");
    }
}

/// Parts of a pod spec that are there and not of the type that they must have.
pub(super) fn pod(pod: &Pod<'_>, report: &mut Report<'_, '_>) {
    context(Place::Pod, &pod.security, report);
    if let Some(annotations) = pod.annotations.filter(|value| !value.is_map()) {
        report.not_judged(Place::Pod, annotations, "metadata.annotations", "is not a mapping");
    }
    if let Some(volumes) = pod.volumes {
        if !volumes.is_seq() {
            report.not_judged(Place::Pod, volumes, "volumes", "is not a list");
        }
        for volume in volumes.items().filter(|volume| !volume.is_map() && !volume.is_null()) {
            report.not_judged(Place::Pod, volume, "volumes", "holds what is not a mapping");
        }
    }
    for (kind, list) in ContainerKind::ALL.into_iter().zip(pod.lists) {
        match list {
            Some(list) if !list.is_seq() => report.not_judged(Place::Pod, list, kind.field(), "is not a list"),
            Some(list) if kind == ContainerKind::Regular && list.is_empty() => report.lacks_containers(list.location()),
            None if kind == ContainerKind::Regular => report.lacks_containers(pod.spec.location()),
            _ => {}
        }
    }
}

/// Parts of a container that are there and not of the type that they must have.
pub(super) fn container(container: &Container<'_>, report: &mut Report<'_, '_>) {
    let place = Place::Container(container);
    if !container.listed.value.is_map() {
        report.not_judged(place, container.listed.value, "", "is not a mapping");
    }
    if let Some(ports) = container.ports.filter(|value| !value.is_seq()) {
        report.not_judged(place, ports, "ports", "is not a list");
    }
    let handlers = PROBES.into_iter().zip(container.probes).chain([("lifecycle", container.lifecycle)]);
    for (field, handler) in handlers {
        if let Some(handler) = handler.filter(|value| !value.is_map()) {
            report.not_judged(place, handler, field, "is not a mapping");
        }
    }
    context(place, &container.security, report);
}

/// A `securityContext`, or a part of it, that is not a mapping where it must be one.
fn context(place: Place<'_, '_>, context: &SecurityContext<'_>, report: &mut Report<'_, '_>) {
    // Profiles of a wrong type are reported by their own checks.
    for (field, part) in [
        ("securityContext", context.at),
        ("securityContext.capabilities", context.capabilities),
        ("securityContext.seLinuxOptions", context.se_linux_options),
        ("securityContext.windowsOptions", context.windows_options),
    ] {
        if let Some(part) = part.filter(|value| !value.is_map()) {
            report.not_judged(place, part, field, "is not a mapping");
        }
    }
    if let Some(sysctls) = context.sysctls.filter(|value| !value.is_seq()) {
        report.not_judged(place, sysctls, "securityContext.sysctls", "is not a list");
    }
}

/// Containers in an object of a kind that has none: a wrong `apiVersion`, most often.
fn misplaced<'d>(object: &Object<'d>) -> Option<Value<'d>> {
    let spec = object.spec()?;
    [
        &["containers"][..],
        &["template", "spec", "containers"],
        &["jobTemplate", "spec", "template", "spec", "containers"],
    ]
    .into_iter()
    .find_map(|path| spec.path(path))
    .filter(|containers| containers.items().any(|container| container.get("image").is_some()))
}
