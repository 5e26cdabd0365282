//! Sandboxed runtimes: required where the user says so, and there when they are named.

use std::collections::HashSet;

use manifest::{Inventory, Object};
use model::exception::glob;
use model::{Rule, Scope, Serves, Severity};

use crate::check::{Context, InventoryCheck, ObjectCheck};
use crate::sink::Sink;

/// No sandbox where one is required.
pub static REQUIRED: Rule = Rule {
    code: "runtime-class-required",
    title: "A pod of a sandboxed namespace names no RuntimeClass",
    severity: Severity::Medium,
    scope: Scope::Workload,
    serves: &[Serves::part("RC-06"), Serves::part("RC-22"), Serves::part("RC-20")],
    why: "The namespace is set aside for code that is not trusted or data that is sensitive. With the default \
          runtime such a pod shares the node's kernel with everything else there.",
    fix: "Set runtimeClassName to a sandbox such as gVisor or Kata Containers.",
    example: "spec:\n  runtimeClassName: kata\n",
};

/// A name that nothing in the input defines.
pub static UNKNOWN: Rule = Rule {
    code: "runtime-class-unknown",
    title: "A pod names a RuntimeClass that was not shown",
    severity: Severity::Info,
    scope: Scope::Workload,
    serves: &[Serves::part("RC-06")],
    why: "A pod with an unknown RuntimeClass is refused; if the class comes from elsewhere, nothing here shows \
          whether its handler is a sandbox at all.",
    fix: "Judge the RuntimeClass along with the workload.",
    example: "apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata:\n  name: kata\nhandler: kata\n",
};

/// The check on workloads.
pub(crate) const CHECK: ObjectCheck = ObjectCheck { scope: Scope::Workload, rules: &[&REQUIRED], run: check };

/// The check that named classes exist.
pub(crate) const EXISTENCE_CHECK: InventoryCheck = InventoryCheck { rules: &[&UNKNOWN], run: check_existence };

fn check(object: &Object<'_>, context: Context<'_>, sink: &mut Sink<'_>) {
    let namespaces = &context.config.sandboxed_namespaces;
    let namespace = match object.namespace() {
        "" => "default",
        namespace => namespace,
    };
    if !namespaces.iter().any(|pattern| glob(pattern, namespace)) {
        return;
    }
    for pod in &object.pods {
        if pod.spec.str_at("runtimeClassName").unwrap_or("").is_empty() {
            let at = pod.spec.get("runtimeClassName").unwrap_or(pod.spec);
            let message = format!("the pod in the sandboxed namespace `{namespace}` sets no `runtimeClassName`");
            sink.report(&REQUIRED, at, message).field(pod.field("runtimeClassName"));
        }
    }
}

fn check_existence(inventory: &Inventory, _: Context<'_>, sink: &mut Sink<'_>) {
    let known: HashSet<&str> = inventory.runtime_classes.iter().map(|class| class.name()).collect();
    for workload in &inventory.workloads {
        let Some(class) = workload.runtime_class.as_deref().filter(|class| !class.is_empty()) else { continue };
        if !known.contains(class) {
            let message = format!("the RuntimeClass `{class}` is not part of the input");
            sink.report_on(&workload.origin.subject, &UNKNOWN, workload.pod, message)
                .field(format!("{}.runtimeClassName", workload.path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::door::{accepts, deployment, findings_with, pod, reports};
    use crate::Config;

    #[test]
    fn sandboxed_namespaces_require_a_class() {
        let config = Config { sandboxed_namespaces: vec!["shop*".into()], ..Config::default() };
        let broken = |yaml: &str| {
            findings_with(&config, yaml).iter().any(|finding| finding.rule.code == "runtime-class-required")
        };
        assert!(broken(&deployment("containers: []")));
        assert!(!broken(&deployment("runtimeClassName: kata")));
        assert!(!broken(&pod("containers: []")));
        accepts(&deployment("containers: []"), "runtime-class-required");
    }

    #[test]
    fn named_classes_are_looked_up() {
        let named = pod("runtimeClassName: kata");
        reports(&named, "runtime-class-unknown");
        let class = "---\napiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {name: kata}\nhandler: kata\n";
        accepts(&format!("{named}{class}"), "runtime-class-unknown");
    }
}
