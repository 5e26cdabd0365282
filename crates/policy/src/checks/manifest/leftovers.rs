//! Annotations and node labels of earlier releases.

use manifest::{Object, Value};
use model::{Rule, Scope, Serves, Severity};

use super::path::Path;
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// An annotation that no release in use reads.
pub static ANNOTATION_DEAD: Rule = Rule {
    code: "manifest-annotation-dead",
    title: "An annotation that Kubernetes no longer reads",
    severity: Severity::Medium,
    scope: Scope::Object,
    serves: &[Serves::part("DV-12"), Serves::part("DV-11"), Serves::part("RC-07")],
    why: "The annotation once switched on a protection or a setting and was replaced by a field. On the target release \
          it is plain text: the workload runs without what its manifest seems to ask for.",
    fix: "Set the field that the message names and delete the annotation.",
    example: "spec:\n  securityContext:\n    seccompProfile:\n      type: RuntimeDefault\n",
};

/// An annotation or node label that still works.
pub static METADATA_DEPRECATED: Rule = Rule {
    code: "manifest-metadata-deprecated",
    title: "An annotation or node label is deprecated",
    severity: Severity::Low,
    scope: Scope::Object,
    serves: &[Serves::part("DV-12"), Serves::part("DV-11")],
    why: "It still works, but a field or another name has taken its place and support ends with a later release, \
          mostly without an error.",
    fix: "Use what the message names.",
    example: "spec:\n  nodeSelector:\n    kubernetes.io/arch: amd64\n",
};

/// The check.
pub(crate) const CHECK: ObjectCheck =
    ObjectCheck { scope: Scope::Object, rules: &[&ANNOTATION_DEAD, &METADATA_DEPRECATED], run: check };

fn check(object: &Object<'_>, context: Context<'_>, sink: &mut Sink<'_>) {
    let minor = context.config.kubernetes_minor;
    if let Some(metadata) = object.metadata {
        annotations(metadata, &Path::ROOT.key("metadata"), minor, sink);
    }
    for pod in &object.pods {
        // A Pod's own metadata was just looked at.
        let above = pod.path.rsplit_once('.').map(|(above, _)| above);
        if let (Some(metadata), Some(above)) = (pod.metadata, above) {
            annotations(metadata, &Path::ROOT.key(above).key("metadata"), minor, sink);
        }
        let labels = pod.spec.get("nodeSelector").into_iter().flat_map(Value::entries);
        for (key, _) in labels {
            let name = key.as_str().unwrap_or("");
            if let Some((_, instead)) = NODE_LABELS.iter().find(|(label, _)| *label == name) {
                let path = Path::ROOT.key(&pod.path).key("nodeSelector").key(name).to_string();
                let message = format!("the node label `{name}` is deprecated; use `{instead}`");
                sink.report(&METADATA_DEPRECATED, key, message).field(path);
            }
        }
    }
}

fn annotations(metadata: Value<'_>, path: &Path<'_>, minor: u32, sink: &mut Sink<'_>) {
    let Some(annotations) = metadata.get("annotations") else { return };
    for (key, _) in annotations.entries() {
        let name = key.as_str().unwrap_or("");
        // All leftovers end a prefix with one of these.
        if !name.contains("alpha.") && !name.contains("beta.") && !name.contains("kubernetes.io/") {
            continue;
        }
        let Some(leftover) = LEFTOVERS.iter().find(|leftover| leftover.covers(name)) else { continue };
        let field = path.key("annotations").key(name).to_string();
        let instead = leftover.instead;
        match leftover.dead {
            Some(dead) if dead <= minor => {
                let message = format!("the annotation `{name}` has no effect any more; use {instead}");
                let entry = sink.report(&ANNOTATION_DEAD, key, message).field(field);
                if !leftover.protects {
                    entry.severity(Severity::Low);
                }
            }
            _ => {
                sink.report(&METADATA_DEPRECATED, key, format!("the annotation `{name}` is deprecated; use {instead}"))
                    .field(field);
            }
        }
    }
}

/// An annotation with a successor.
struct Leftover {
    /// The whole key, or its beginning when it ends with a slash.
    key: &'static str,
    /// Minor release that no longer reads it.
    dead: Option<u32>,
    /// Whether a protection is lost with it.
    protects: bool,
    instead: &'static str,
}

impl Leftover {
    fn covers(&self, name: &str) -> bool {
        if self.key.ends_with('/') { name.starts_with(self.key) } else { name == self.key }
    }
}

const fn protection(key: &'static str, dead: u32, instead: &'static str) -> Leftover {
    Leftover { key, dead: Some(dead), protects: true, instead }
}

const fn dead(key: &'static str, dead: u32, instead: &'static str) -> Leftover {
    Leftover { key, dead: Some(dead), protects: false, instead }
}

const fn alive(key: &'static str, instead: &'static str) -> Leftover {
    Leftover { key, dead: None, protects: false, instead }
}

#[rustfmt::skip]
const LEFTOVERS: &[Leftover] = &[
    protection("seccomp.security.alpha.kubernetes.io/pod", 27, "`securityContext.seccompProfile` of the pod"),
    protection("container.seccomp.security.alpha.kubernetes.io/", 27, "`securityContext.seccompProfile` of the container"),
    protection("net.beta.kubernetes.io/network-policy", 8, "a NetworkPolicy that selects all pods"),
    protection("security.alpha.kubernetes.io/sysctls", 11, "`securityContext.sysctls` of the pod"),
    protection("security.alpha.kubernetes.io/unsafe-sysctls", 11, "`securityContext.sysctls` of the pod"),
    dead("scheduler.alpha.kubernetes.io/critical-pod", 16, "`priorityClassName`"),
    dead("scheduler.alpha.kubernetes.io/affinity", 8, "`affinity`"),
    dead("scheduler.alpha.kubernetes.io/tolerations", 8, "`tolerations`"),
    dead("scheduler.alpha.kubernetes.io/name", 8, "`schedulerName`"),
    dead("scheduler.alpha.kubernetes.io/taints", 8, "`spec.taints` of the Node"),
    dead("pod.alpha.kubernetes.io/init-containers", 8, "`initContainers`"),
    dead("pod.beta.kubernetes.io/init-containers", 8, "`initContainers`"),
    dead("pod.beta.kubernetes.io/hostname", 8, "`hostname`"),
    dead("pod.beta.kubernetes.io/subdomain", 8, "`subdomain`"),
    dead("volume.alpha.kubernetes.io/storage-class", 8, "`storageClassName`"),
    alive("container.apparmor.security.beta.kubernetes.io/", "`securityContext.appArmorProfile`"),
    alive("kubernetes.io/ingress.class", "`spec.ingressClassName`"),
    alive("kubernetes.io/enforce-mountable-secrets", "a namespace of its own for each set of Secrets"),
    alive("service.kubernetes.io/topology-aware-hints", "`spec.trafficDistribution`"),
    alive("storageclass.beta.kubernetes.io/is-default-class", "`storageclass.kubernetes.io/is-default-class`"),
    alive("volume.beta.kubernetes.io/mount-options", "`spec.mountOptions`"),
    alive("volume.beta.kubernetes.io/storage-class", "`storageClassName`"),
];

const NODE_LABELS: &[(&str, &str)] = &[
    ("beta.kubernetes.io/arch", "kubernetes.io/arch"),
    ("beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type"),
    ("beta.kubernetes.io/os", "kubernetes.io/os"),
    ("failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"),
    ("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"),
    ("node-role.kubernetes.io/master", "node-role.kubernetes.io/control-plane"),
];
