//! Pod templates, wherever they are embedded, and their containers.

use crate::tree::Value;

/// A pod spec with its metadata and the path to it.
#[derive(Clone, Debug)]
pub struct PodTemplate<'d> {
    /// The PodSpec.
    pub spec: Value<'d>,
    /// The metadata that goes with it, where there is one.
    pub metadata: Option<Value<'d>>,
    /// Path of the spec from the object's root, for example `spec.template.spec`.
    pub path: Box<str>,
    /// Whether the kind is built in, so that the API server itself knows the template.
    pub builtin: bool,
}

/// Which list of a pod spec a container stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContainerKind {
    /// `initContainers`.
    Init,
    /// `containers`.
    Regular,
    /// `ephemeralContainers`.
    Ephemeral,
}

/// One container of a pod spec.
#[derive(Clone, Copy, Debug)]
pub struct Container<'d> {
    /// The container.
    pub value: Value<'d>,
    /// The list that it stands in.
    pub kind: ContainerKind,
    /// Position in that list.
    pub index: usize,
}

// === impl ContainerKind ===

impl ContainerKind {
    /// All lists, in the order in which the API server visits them.
    pub const ALL: [ContainerKind; 3] = [ContainerKind::Init, ContainerKind::Regular, ContainerKind::Ephemeral];

    /// Field name of the list.
    pub fn field(self) -> &'static str {
        match self {
            ContainerKind::Init => "initContainers",
            ContainerKind::Regular => "containers",
            ContainerKind::Ephemeral => "ephemeralContainers",
        }
    }
}

// === impl Container ===

impl<'d> Container<'d> {
    /// `name`, empty when not given.
    pub fn name(&self) -> &'d str {
        self.value.str_at("name").unwrap_or("")
    }

    /// `securityContext`.
    pub fn security_context(&self) -> Option<Value<'d>> {
        self.value.get("securityContext")
    }

    /// Path of a field below the container: `containers[0].securityContext.privileged`.
    pub fn path(&self, field: &str) -> String {
        let dot = if field.is_empty() { "" } else { "." };
        format!("{}[{}]{dot}{field}", self.kind.field(), self.index)
    }
}

// === impl PodTemplate ===

impl<'d> PodTemplate<'d> {
    /// Init, regular and ephemeral containers, in that order.
    pub fn containers(&self) -> impl Iterator<Item = Container<'d>> + use<'d> {
        let spec = self.spec;
        ContainerKind::ALL.into_iter().flat_map(move |kind| {
            spec.list(kind.field()).enumerate().map(move |(index, value)| Container { value, kind, index })
        })
    }

    /// `securityContext` of the pod.
    pub fn security_context(&self) -> Option<Value<'d>> {
        self.spec.get("securityContext")
    }

    /// `spec.serviceAccountName`, or the deprecated `serviceAccount`; `default` when neither is given.
    pub fn service_account(&self) -> &'d str {
        let name = self.spec.str_at("serviceAccountName").or_else(|| self.spec.str_at("serviceAccount"));
        name.filter(|name| !name.is_empty()).unwrap_or("default")
    }

    /// Path from the object's root of a field below the pod spec.
    pub fn field(&self, below: &str) -> String {
        if self.path.is_empty() { below.to_owned() } else { format!("{}.{below}", self.path) }
    }

    /// Whether `spec.os.name` is `windows`.
    pub fn is_windows(&self) -> bool {
        self.spec.get("os").and_then(|os| os.str_at("name")) == Some("windows")
    }
}

/// Where a built-in kind holds its pod spec; `None` for kinds that hold none, or that are not built in.
pub fn pod_path(group: &str, kind: &str) -> Option<&'static [&'static str]> {
    match (group, kind) {
        ("", "Pod") => Some(&["spec"]),
        ("", "PodTemplate") => Some(&["template", "spec"]),
        ("", "ReplicationController")
        | ("apps" | "extensions", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet")
        | ("batch" | "extensions", "Job") => Some(&["spec", "template", "spec"]),
        ("batch", "CronJob") => Some(&["spec", "jobTemplate", "spec", "template", "spec"]),
        _ => None,
    }
}

/// Finds the pod templates of an object, and an image outside all of them.
pub(crate) fn pod_templates<'d>(
    value: Value<'d>,
    group: &str,
    kind: &str,
) -> (Vec<PodTemplate<'d>>, Option<Value<'d>>) {
    if let Some(path) = pod_path(group, kind) {
        return (builtin_template(value, path).into_iter().collect(), None);
    }
    if is_builtin_group(group) {
        return (Vec::new(), None);
    }
    let mut search = Search { found: Vec::new(), stray: None, path: String::new() };
    search.visit(value, None);
    (search.found, search.stray)
}

/// The template at a path of a built-in kind, where it is a mapping.
fn builtin_template<'d>(value: Value<'d>, path: &[&str]) -> Option<PodTemplate<'d>> {
    let (last, above) = path.split_last()?;
    let parent = value.path(above)?;
    let spec = parent.get(last).filter(|spec| spec.is_map())?;
    Some(PodTemplate { spec, metadata: parent.get("metadata"), path: path.join(".").into(), builtin: true })
}

/// Groups whose kinds are all known, so that only the kinds named above hold pod templates.
fn is_builtin_group(group: &str) -> bool {
    matches!(group, "" | "apps" | "batch" | "extensions" | "autoscaling" | "policy")
        || group.ends_with(".k8s.io") && !group.ends_with(".x-k8s.io") && !group.ends_with(".sigs.k8s.io")
        || group.ends_with(".config.k8s.io")
}

/// Depth-first search of a custom resource.
struct Search<'d> {
    found: Vec<PodTemplate<'d>>,
    stray: Option<Value<'d>>,
    path: String,
}

impl<'d> Search<'d> {
    fn visit(&mut self, value: Value<'d>, metadata: Option<Value<'d>>) {
        if value.is_seq() {
            for (index, item) in value.items().enumerate() {
                if !item.is_empty() {
                    self.descend(&format!("[{index}]"), item, None);
                }
            }
            return;
        }
        if is_pod_spec(value) {
            self.found.push(PodTemplate { spec: value, metadata, path: self.path.as_str().into(), builtin: false });
            return;
        }
        for (key, child) in value.entries() {
            let Some(name) = key.as_str() else { continue };
            if child.is_map() || child.is_seq() {
                let metadata = if name == "spec" { value.get("metadata") } else { None };
                self.descend(name, child, metadata);
            } else if name == "image" && self.stray.is_none() && child.as_str().is_some_and(|text| !text.is_empty()) {
                self.stray = Some(child);
            }
        }
    }

    fn descend(&mut self, step: &str, value: Value<'d>, metadata: Option<Value<'d>>) {
        let length = self.path.len();
        if !self.path.is_empty() && !step.starts_with('[') {
            self.path.push('.');
        }
        self.path.push_str(step);
        self.visit(value, metadata);
        self.path.truncate(length);
    }
}

/// A mapping with a list of containers that name images is a pod spec, whatever the kind around it.
fn is_pod_spec(value: Value<'_>) -> bool {
    ContainerKind::ALL.iter().any(|kind| value.list(kind.field()).any(|item| item.get("image").is_some()))
}
