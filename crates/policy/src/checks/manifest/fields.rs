//! Fields that the API server does not know, under another spelling or of another type.

use manifest::schema::{self, Expect, Leaf, Shape, TypeRef};
use manifest::{Data, Object, Value};
use model::{Rule, Scope, Serves, Severity};

use super::confusable::{disguise, skeleton};
use super::path::{Path, shown};
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;
use crate::spelling;

/// A field that the kind does not have.
pub static FIELD_UNKNOWN: Rule = Rule {
    code: "manifest-field-unknown",
    title: "A field that the kind does not have",
    severity: Severity::Low,
    scope: Scope::Object,
    serves: &[Serves::part("DV-12"), Serves::part("DV-11")],
    why: "kubectl refuses the object, but controllers, GitOps tools and most clients get at most a warning while the \
          API server drops the field. Whatever it was meant to set stays at its default.",
    fix: "Correct the name, move the field to where it belongs, or delete it.",
    example: "",
};

/// A security setting outside the place where it counts.
pub static FIELD_MISPLACED: Rule = Rule {
    code: "manifest-field-misplaced",
    title: "A security setting stands where it has no effect",
    severity: Severity::Medium,
    scope: Scope::Object,
    serves: &[Serves::part("DV-12"), Serves::part("DV-11"), Serves::part("RC-10")],
    why: "The setting exists, but not at this level of the object. The API server drops it, so the workload runs \
          without the protection that a reader of the manifest sees.",
    fix: "Move the setting to the place that the message names.",
    example: "spec:\n  securityContext:\n    runAsNonRoot: true\n  containers:\n    - name: app\n      securityContext:\n        readOnlyRootFilesystem: true\n        capabilities: {drop: [ALL]}\n",
};

/// A field in another spelling.
pub static FIELD_CASE: Rule = Rule {
    code: "manifest-field-case",
    title: "A field name differs only by case or hyphens",
    severity: Severity::High,
    scope: Scope::Object,
    serves: &[Serves::part("DV-12"), Serves::part("DV-11"), Serves::part("DE-01")],
    why: "Field names are case-sensitive: the API server drops `runAsNonroot` without an error, while reviewers and \
          tools that compare loosely believe that it counts.",
    fix: "Write the field exactly as the API spells it.",
    example: "securityContext:\n  runAsNonRoot: true\n",
};

/// A field name made to look like another.
pub static FIELD_LOOK_ALIKE: Rule = Rule {
    code: "manifest-field-look-alike",
    title: "A field name only looks like a known field",
    severity: Severity::High,
    scope: Scope::Object,
    serves: &[Serves::part("DV-12"), Serves::part("DV-11"), Serves::part("DE-01")],
    why: "Invisible characters, white space or letters of another alphabet make the name a different one. A reviewer \
          sees a protection that the API server never gets; nobody types this by accident more than once.",
    fix: "Type the field name anew in plain ASCII, and ask where the line came from.",
    example: "",
};

/// A value of another type than the field takes.
pub static FIELD_TYPE: Rule = Rule {
    code: "manifest-field-type",
    title: "A value of the wrong type",
    severity: Severity::Medium,
    scope: Scope::Object,
    serves: &[Serves::part("DV-12"), Serves::part("DV-11")],
    why: "The API server refuses the whole object, so nothing of it takes effect, policies included. Unquoted `yes`, \
          `on` and numbers in annotations and environment variables are the usual cause.",
    fix: "Write a value of the type that the message names; put quotes around strings that look like booleans or numbers, and take them off booleans and numbers.",
    example: "metadata:\n  annotations:\n    example.com/enabled: \"true\"\n",
};

/// The check.
pub(crate) const CHECK: ObjectCheck = ObjectCheck {
    scope: Scope::Object,
    rules: &[&FIELD_UNKNOWN, &FIELD_MISPLACED, &FIELD_CASE, &FIELD_LOOK_ALIKE, &FIELD_TYPE],
    run: check,
};

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    if let Some(own) = schema::kind(object.group, object.version, object.kind) {
        let mut walk = Walk { sink, known: true, grave: narrows(object) };
        walk.fields(object.value, own, &Path::ROOT);
        return;
    }
    // Custom resources and versions that are gone: what looks like a built-in part is compared by spelling only.
    disguised(object.value, &Path::ROOT, sink);
    let mut walk = Walk { sink, known: false, grave: false };
    if let (Some(metadata), Some(own)) = (object.metadata, schema::object_meta()) {
        walk.fields(metadata, own, &Path::ROOT.key("metadata"));
    }
    for pod in &object.pods {
        if let Some(own) = schema::pod_spec() {
            walk.fields(pod.spec, own, &Path::ROOT.key(&pod.path));
        }
    }
}

/// Reports keys of unknown mappings that mix ASCII with characters that only look like it.
fn disguised(value: Value<'_>, path: &Path<'_>, sink: &mut Sink<'_>) {
    for (key, child) in value.entries() {
        let name = key.as_str().unwrap_or("");
        let here = path.key(name);
        if let Some(plain) = disguise(name) {
            let message = format!("the key `{}` only looks like `{plain}`", shown(name));
            sink.report(&FIELD_LOOK_ALIKE, key, message).field(here.to_string());
        }
        disguised(child, &here, sink);
    }
    for (index, item) in value.items().enumerate() {
        disguised(item, &path.index(index), sink);
    }
}

/// Whether a lost field makes the object allow more than its author wrote.
fn narrows(object: &Object<'_>) -> bool {
    matches!(
        (object.group, object.kind),
        ("networking.k8s.io", "NetworkPolicy") | ("rbac.authorization.k8s.io" | "admissionregistration.k8s.io", _)
    )
}

/// Walks a value along its type.
struct Walk<'w, 's> {
    sink: &'w mut Sink<'s>,
    /// Whether all fields are known, so that an unknown one can be told.
    known: bool,
    /// Whether a lost field makes the object allow more.
    grave: bool,
}

impl Walk<'_, '_> {
    fn fields(&mut self, value: Value<'_>, own: TypeRef, path: &Path<'_>) {
        for (key, child) in value.entries() {
            let name = key.as_str().unwrap_or("");
            // Nothing a manifest says in `status` takes effect, and kinds have lost theirs.
            if path.is_root() && name == "status" {
                continue;
            }
            match own.field(name) {
                Some(shape) => self.value(child, shape, &path.key(name)),
                None => self.stray(key, name, own, path),
            }
        }
    }

    fn value(&mut self, value: Value<'_>, shape: Shape, path: &Path<'_>) {
        match (shape.expect(), value.data()) {
            (_, Data::Null) => {}
            (Expect::List(inner), Data::Seq(_)) => {
                for (index, item) in value.items().enumerate() {
                    self.value(item, inner, &path.index(index));
                }
            }
            (Expect::Map(inner), Data::Map(_)) => {
                for (key, child) in value.entries() {
                    self.value(child, inner, &path.key(key.as_str().unwrap_or("")));
                }
            }
            (Expect::Maybe(inner), data) => {
                if matches!(data, Data::Map(_)) {
                    self.value(value, inner, path);
                }
            }
            (Expect::Leaf(Leaf::Fields(own)), Data::Map(_)) => self.fields(value, own, path),
            (Expect::Leaf(leaf), data) if accepts(leaf, data) => {}
            _ if self.known && !is_placeholder(value) => self.wrong_type(value, shape, path),
            _ => {}
        }
    }

    fn wrong_type(&mut self, value: Value<'_>, shape: Shape, path: &Path<'_>) {
        let found = match (shape.expect(), value.data()) {
            (Expect::Leaf(Leaf::Bytes), Data::Str(_)) => "no valid base64",
            (Expect::Leaf(Leaf::Int32 | Leaf::IntOrString), Data::Int(_)) => "out of the range of 32 bits",
            (_, data) => noun(data),
        };
        let takes = shape.noun();
        let hint = match (shape.expect(), value.data()) {
            (Expect::Leaf(Leaf::String), Data::Bool(_) | Data::Int(_) | Data::Float(_)) => "; put it in quotes",
            (Expect::Leaf(Leaf::Bool | Leaf::Int32 | Leaf::Int64 | Leaf::Number), Data::Str(_)) => {
                "; write it without quotes"
            }
            _ => "",
        };
        self.sink
            .report(&FIELD_TYPE, value, format!("`{path}` is {found}, but the field takes {takes}{hint}"))
            .field(path.to_string());
    }

    /// A key that is no field of the type.
    fn stray(&mut self, key: Value<'_>, name: &str, own: TypeRef, path: &Path<'_>) {
        // Directives of strategic merge patches, templates, and what SOPS adds and takes away again.
        if name.starts_with('$') || name.contains("{{") || path.is_root() && name == "sops" {
            return;
        }
        let here = path.key(name);
        let within = own.name();
        if let Some(plain) = skeleton(name)
            && let Some(field) = own.fields().find(|field| loosely_equal(field, &plain))
        {
            let message = format!("the key `{}` of {within} only looks like `{field}`", shown(name));
            // Elsewhere all keys were looked at before.
            if self.known {
                self.sink.report(&FIELD_LOOK_ALIKE, key, message).field(here.to_string());
            }
            return;
        }
        if let Some(field) = own.fields().find(|field| loosely_equal(field, name)) {
            let message = format!("`{here}` has no effect: the field of {within} is spelt `{field}`");
            self.sink.report(&FIELD_CASE, key, message).field(here.to_string());
            return;
        }
        if !self.known {
            return;
        }
        if let Some((_, home)) = HOMES.iter().find(|(field, _)| *field == name)
            && in_pod(own)
        {
            let message = format!("`{here}` has no effect: `{name}` is no field of {within} and belongs in {home}");
            self.sink.report(&FIELD_MISPLACED, key, message).field(here.to_string());
            return;
        }
        let message = match nearest(name, own) {
            Some(field) => format!("`{here}` is no field of {within}; did you mean `{field}`"),
            None => format!("`{here}` is no field of {within}"),
        };
        let entry = self.sink.report(&FIELD_UNKNOWN, key, message).field(here.to_string());
        if self.grave || own.name() == "LabelSelector" {
            entry.severity(Severity::Medium);
        }
    }
}

fn accepts(leaf: Leaf, data: &Data<'_>) -> bool {
    match leaf {
        Leaf::Any => true,
        Leaf::String | Leaf::Time => matches!(data, Data::Str(_)),
        Leaf::Bytes => matches!(data, Data::Str(text) if is_base64(text)),
        Leaf::Bool => matches!(data, Data::Bool(_)),
        Leaf::Int64 => matches!(data, Data::Int(_)),
        Leaf::Int32 => matches!(data, Data::Int(value) if i32::try_from(*value).is_ok()),
        Leaf::Number => matches!(data, Data::Int(_) | Data::Float(_)),
        Leaf::Quantity => matches!(data, Data::Int(_) | Data::Float(_) | Data::Str(_)),
        Leaf::IntOrString => matches!(data, Data::Str(_)) || accepts(Leaf::Int32, data),
        Leaf::Fields(_) => false,
    }
}

fn noun(data: &Data<'_>) -> &'static str {
    match data {
        Data::Null => "null",
        Data::Bool(true) => "the boolean true",
        Data::Bool(false) => "the boolean false",
        Data::Int(_) => "an integer",
        Data::Float(value) if value.fract() == 0.0 => "a number beyond 64 bits",
        Data::Float(_) => "a number with a fraction",
        Data::Str(_) => "a string",
        Data::Seq(_) => "a list",
        Data::Map(_) => "a mapping",
    }
}

/// A value that something else fills in before the object is applied.
fn is_placeholder(value: Value<'_>) -> bool {
    value.as_str().is_some_and(|text| {
        ["{{", "${", "$("].iter().any(|mark| text.contains(mark))
            || ["ENC[", "ref+", "<"].iter().any(|mark| text.starts_with(mark))
    })
}

/// Base64 as the API server takes it: padded, in the standard alphabet, with line breaks.
fn is_base64(text: &str) -> bool {
    let mut length = 0_usize;
    let mut padding = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'\r' | b'\n' => continue,
            b'=' => padding += 1,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' if padding == 0 => {}
            _ => return false,
        }
        length += 1;
    }
    length.is_multiple_of(4) && padding <= 2
}

/// Equal but for letter case, hyphens and underscores.
fn loosely_equal(a: &str, b: &str) -> bool {
    fn plain(text: &str) -> impl Iterator<Item = u8> {
        text.bytes().filter(|byte| !matches!(byte, b'-' | b'_')).map(|byte| byte.to_ascii_lowercase())
    }
    a.len().abs_diff(b.len()) <= SEPARATORS_MAX && plain(a).eq(plain(b))
}

/// Whether the type is part of a pod spec or stands right around one.
fn in_pod(own: TypeRef) -> bool {
    let name = own.name();
    name.ends_with("SecurityContext")
        || name.ends_with("Container")
        || matches!(
            name,
            "Pod"
                | "PodSpec"
                | "PodTemplateSpec"
                | "PodTemplate"
                | "DeploymentSpec"
                | "StatefulSetSpec"
                | "DaemonSetSpec"
                | "ReplicaSetSpec"
                | "ReplicationControllerSpec"
                | "JobSpec"
                | "CronJobSpec"
                | "JobTemplateSpec"
                | "Deployment"
                | "StatefulSet"
                | "DaemonSet"
                | "Job"
                | "CronJob"
        )
}

/// The field of the type whose name is the least number of edits away.
fn nearest(name: &str, own: TypeRef) -> Option<&'static str> {
    if name.len() > NAME_COMPARED_MAX {
        return None;
    }
    spelling::nearest(name, own.fields())
}

/// Security settings and where they count.
const HOMES: &[(&str, &str)] = &[
    ("allowPrivilegeEscalation", "the container's securityContext"),
    ("capabilities", "the container's securityContext"),
    ("privileged", "the container's securityContext"),
    ("procMount", "the container's securityContext"),
    ("readOnlyRootFilesystem", "the container's securityContext"),
    ("appArmorProfile", "the securityContext of the pod or the container"),
    ("runAsGroup", "the securityContext of the pod or the container"),
    ("runAsNonRoot", "the securityContext of the pod or the container"),
    ("runAsUser", "the securityContext of the pod or the container"),
    ("seLinuxOptions", "the securityContext of the pod or the container"),
    ("seccompProfile", "the securityContext of the pod or the container"),
    ("fsGroup", "the pod's securityContext"),
    ("supplementalGroups", "the pod's securityContext"),
    ("sysctls", "the pod's securityContext"),
    ("automountServiceAccountToken", "the pod spec"),
    ("hostIPC", "the pod spec"),
    ("hostNetwork", "the pod spec"),
    ("hostPID", "the pod spec"),
    ("hostUsers", "the pod spec"),
    ("imagePullSecrets", "the pod spec"),
    ("runtimeClassName", "the pod spec"),
    ("securityContext", "the pod spec or the container"),
    ("serviceAccountName", "the pod spec"),
    ("shareProcessNamespace", "the pod spec"),
];

/// The longest field name has about 50 characters.
const NAME_COMPARED_MAX: usize = 64;

/// More separators than the longest field name has words.
const SEPARATORS_MAX: usize = 8;
