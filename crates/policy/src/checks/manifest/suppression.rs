//! Marks by which a manifest asks other tools, or the cluster's own admission, to look away.

use manifest::{Object, Value};
use model::{Rule, Scope, Serves, Severity};

use super::path::{Path, shown};
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// A mark that silences another scanner.
pub static SUPPRESSION: Rule = Rule {
    code: "manifest-suppression",
    title: "The manifest asks a scanner to look away",
    severity: Severity::Info,
    scope: Scope::Object,
    serves: &[Serves::part("DV-09")],
    why: "Whoever writes the manifest also decides here which of its faults are seen, without an owner or a date. The \
          mark has no effect on Kobuk; marks in comments are not part of the object and are not listed.",
    fix: "Mend what the mark hides, or move it to an Exception with an owner, a reason and an expiry date.",
    example: "",
};

/// A label that takes an object out of admission.
pub static ADMISSION_OPT_OUT: Rule = Rule {
    code: "manifest-admission-opt-out",
    title: "A label takes objects out of admission control",
    severity: Severity::Medium,
    scope: Scope::Object,
    serves: &[Serves::part("DV-09"), Serves::part("DE-06"), Serves::part("RA-24")],
    why: "The admission webhook that reads this label lets everything pass that carries it, or that lives in the \
          namespace. Anyone who may set the label can switch the policy off for himself.",
    fix: "Remove the label and except what needs it in the policy itself; keep such labels to the policy engine's own namespace and guard them by admission.",
    example: "",
};

/// The check.
pub(crate) const CHECK: ObjectCheck =
    ObjectCheck { scope: Scope::Object, rules: &[&SUPPRESSION, &ADMISSION_OPT_OUT], run: check };

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    if object.is("kyverno.io", "PolicyException") || object.is("policies.kyverno.io", "PolicyException") {
        sink.report(&SUPPRESSION, object.location(), "the object excepts resources from Kyverno policies");
    }
    if let Some(metadata) = object.metadata {
        marks(metadata, &Path::ROOT.key("metadata"), object, sink);
    }
    for pod in &object.pods {
        if let (Some(metadata), Some((above, _))) = (pod.metadata, pod.path.rsplit_once('.')) {
            marks(metadata, &Path::ROOT.key(above).key("metadata"), object, sink);
        }
    }
}

fn marks(metadata: Value<'_>, path: &Path<'_>, object: &Object<'_>, sink: &mut Sink<'_>) {
    for list in ["annotations", "labels"] {
        let Some(entries) = metadata.get(list) else { continue };
        for (key, value) in entries.entries() {
            let name = key.as_str().unwrap_or("");
            let field = || path.key(list).key(name).to_string();
            if let Some((_, tool)) = MARKS.iter().find(|(mark, _)| name.starts_with(mark)) {
                let message = format!("`{}` asks {tool} to look away; it has no effect here", shown(name));
                sink.report(&SUPPRESSION, key, message).field(field());
            } else if list == "labels"
                && let Some(label) = OPT_OUTS.iter().find(|label| label.key == name)
                && label.value.is_none_or(|text| value.text().is_some_and(|own| own == text))
                && (object.kind == "Namespace" || !label.on_namespaces)
                && !label.homes.contains(&object.name())
            {
                let message = format!("the label `{name}` takes {} out of {}", object.kind, label.engine);
                sink.report(&ADMISSION_OPT_OUT, key, message).field(field());
            }
        }
    }
}

/// Beginnings of annotation and label keys that silence a tool.
const MARKS: &[(&str, &str)] = &[
    ("bridgecrew.io/skip", "Checkov"),
    ("checkov.io/skip", "Checkov"),
    ("datree.skip/", "Datree"),
    ("ignore-check.kube-linter.io/", "KubeLinter"),
    ("kube-score/ignore", "kube-score"),
    ("kubeaudit.io/allow-", "kubeaudit"),
    ("container.kubeaudit.io/", "kubeaudit"),
    ("polaris.fairwinds.com/", "Polaris"),
    ("runterrascan.io/skip", "Terrascan"),
];

/// A label that a webhook takes as an order to pass.
struct OptOut {
    key: &'static str,
    /// The value that it must have; any when `None`.
    value: Option<&'static str>,
    engine: &'static str,
    /// Whether it counts on namespaces only.
    on_namespaces: bool,
    /// Namespaces that carry it by design.
    homes: &'static [&'static str],
}

const OPT_OUTS: &[OptOut] = &[
    OptOut {
        key: "admission.gatekeeper.sh/ignore",
        value: None,
        engine: "Gatekeeper",
        on_namespaces: true,
        homes: &["gatekeeper-system", "kube-system"],
    },
    OptOut {
        key: "securesystemsengineering.connaisseur/webhook",
        value: Some("ignore"),
        engine: "Connaisseur",
        on_namespaces: false,
        homes: &["connaisseur", "kube-system"],
    },
];
