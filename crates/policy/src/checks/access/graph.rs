//! Checks over roles, bindings, accounts and workloads together.

use std::collections::{HashMap, HashSet};

use manifest::Inventory;
use manifest::inventory::{Binding, BindingSubject, Role, Service, Workload};
use model::{Rule, Scope, Serves, Severity};

use super::reach::{Graph, Reach, account};
use super::roles::is_system_namespace;
use crate::check::Context;
use crate::sink::Sink;

/// Rights for everyone that lead further.
pub static POWER_FOR_EVERYONE: Rule = Rule {
    code: "rbac-powerful-role-for-everyone",
    title: "A dangerous role is bound to a shared identity",
    severity: Severity::High,
    scope: Scope::RoleBinding,
    serves: &[Serves::full("RA-07"), Serves::part("RA-06")],
    why: "Every pod or caller that shares the identity, whoever wrote it, holds rights that lead to more rights.",
    fix: "Bind the role to the service account of the one workload that needs it.",
    example: "",
};

/// A DaemonSet carries a powerful token to every node.
pub static POWERFUL_DAEMON: Rule = Rule {
    code: "rbac-powerful-daemonset",
    title: "A DaemonSet brings powerful rights to every node",
    severity: Severity::Medium,
    scope: Scope::Workload,
    serves: &[Serves::part("RA-08")],
    why: "The service account's token lies on every node, so whoever breaks out on any one node holds these rights.",
    fix: "Move the part that needs the rights into a Deployment on trusted nodes and leave the DaemonSet with few.",
    example: "",
};

/// A workload reachable from outside carries a powerful token.
pub static POWERFUL_EXPOSED: Rule = Rule {
    code: "rbac-powerful-exposed-workload",
    title: "A workload open to the outside holds powerful rights",
    severity: Severity::High,
    scope: Scope::Workload,
    serves: &[Serves::part("RA-08")],
    why: "The pods take traffic from outside the cluster. One flaw in what they serve hands over their token.",
    fix: "Give the exposed workload a service account with few rights, or set automountServiceAccountToken to false.",
    example: "",
};

/// The role of a binding is not in the input.
pub static ROLE_NOT_FOUND: Rule = Rule {
    code: "rbac-role-not-found",
    title: "A binding refers to a role that was not shown",
    severity: Severity::Low,
    scope: Scope::RoleBinding,
    serves: &[Serves::full("RA-06"), Serves::full("RA-07")],
    why: "What the binding grants cannot be judged. If the role does not exist, whoever may create it decides what \
          the subjects hold.",
    fix: "Judge the role together with the binding, or delete the binding.",
    example: "",
};

/// The service account of a binding is not in the input.
pub static ACCOUNT_NOT_FOUND: Rule = Rule {
    code: "rbac-account-not-found",
    title: "A binding names a service account that was not shown",
    severity: Severity::Info,
    scope: Scope::RoleBinding,
    serves: &[Serves::part("RA-06")],
    why: "If the account does not exist, whoever may create it in that namespace gets the rights.",
    fix: "Delete the subject, or judge the service account together with the binding.",
    example: "",
};

/// An identity of another namespace holds rights in this one.
pub static CROSS_NAMESPACE: Rule = Rule {
    code: "rbac-cross-namespace-subject",
    title: "A service account of another namespace holds dangerous rights",
    severity: Severity::Low,
    scope: Scope::RoleBinding,
    serves: &[Serves::part("RA-06"), Serves::part("RA-33")],
    why: "Whoever controls the other namespace also controls this one; the border between the two is gone.",
    fix: "Use a service account of the same namespace, or leave out the rights that lead further.",
    example: "",
};

/// Rights cross from one environment to another.
pub static CROSS_ENVIRONMENT: Rule = Rule {
    code: "rbac-cross-environment-subject",
    title: "An identity of one environment holds rights in another",
    severity: Severity::Medium,
    scope: Scope::RoleBinding,
    serves: &[Serves::part("DV-10")],
    why: "Development and test are guarded less than production. An identity that reaches across carries a weakness \
          of one into the other.",
    fix: "Give every environment identities of its own.",
    example: "",
};

/// A namespaced role is bound in the whole cluster.
pub static CLUSTER_WIDE: Rule = Rule {
    code: "rbac-cluster-wide-binding",
    title: "Rights on namespaced resources are granted in all namespaces",
    severity: Severity::Low,
    scope: Scope::RoleBinding,
    serves: &[Serves::part("RA-06")],
    why: "The role changes only things that live in namespaces, yet the ClusterRoleBinding grants it in kube-system \
          and in namespaces that do not exist yet.",
    fix: "Replace the ClusterRoleBinding by a RoleBinding in each namespace where the subject works.",
    example: "kind: RoleBinding\nmetadata:\n  name: ledger\n  namespace: shop\n",
};

/// A dashboard may write.
pub static DASHBOARD_WRITES: Rule = Rule {
    code: "rbac-dashboard-writes",
    title: "A dashboard may change the cluster",
    severity: Severity::Medium,
    scope: Scope::RoleBinding,
    serves: &[Serves::part("RA-34")],
    why: "Whoever reaches the dashboard, or steals a session, acts with its rights.",
    fix: "Bind the dashboard to a role with get, list and watch, without Secrets.",
    example: "roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: ClusterRole\n  name: view\n",
};

/// A service account has rights but no pods.
pub static ACCOUNT_UNUSED: Rule = Rule {
    code: "service-account-unused",
    title: "A service account holds rights but no workload runs as it",
    severity: Severity::Info,
    scope: Scope::ServiceAccount,
    serves: &[Serves::part("RA-14"), Serves::part("RA-05")],
    why: "Rights that nobody uses are rights that nobody misses when someone else uses them.",
    fix: "Delete the binding or the account, unless a controller starts pods that use it.",
    example: "",
};

/// Rules of [`check`].
pub(super) const RULES: &[&Rule] = &[
    &POWER_FOR_EVERYONE,
    &POWERFUL_DAEMON,
    &POWERFUL_EXPOSED,
    &ROLE_NOT_FOUND,
    &ACCOUNT_NOT_FOUND,
    &CROSS_NAMESPACE,
    &CROSS_ENVIRONMENT,
    &CLUSTER_WIDE,
    &DASHBOARD_WRITES,
    &ACCOUNT_UNUSED,
];

/// Judges all bindings, then all workloads, then all accounts.
pub(super) fn check(inventory: &Inventory, _: Context<'_>, sink: &mut Sink<'_>) {
    let graph = Graph::of(inventory);
    let accounts: HashSet<(&str, &str)> =
        inventory.service_accounts.iter().map(|account| (account.origin.namespace(), account.origin.name())).collect();
    let namespaces: HashSet<&str> = accounts.iter().map(|(namespace, _)| *namespace).collect();
    for binding in inventory.bindings.iter().filter(|binding| !is_builtin(&binding.role_name)) {
        let role = graph.role(binding);
        if role.is_none() && !inventory.roles.is_empty() {
            role_not_found(binding, sink);
        }
        let reach = graph.reach(binding);
        for subject in &binding.subjects {
            shared(binding, subject, reach, sink);
            environments(binding, subject, sink);
            let Some((namespace, name)) = account(binding, subject) else { continue };
            cross_namespace(binding, subject, reach, namespace, sink);
            // Accounts of a namespace are judged only where the input shows accounts of it.
            if namespaces.contains(namespace) && name != "default" && !accounts.contains(&(namespace, name)) {
                let message = format!("no ServiceAccount `{name}` in namespace `{namespace}` among what was shown");
                sink.report_on(&binding.origin.subject, &ACCOUNT_NOT_FOUND, subject.location, message);
            }
        }
        if let Some(role) = role {
            cluster_wide(&graph, binding, role, sink);
            dashboard(&graph, binding, role, sink);
        }
    }
    workloads(inventory, &graph, sink);
    unused(inventory, &graph, sink);
}

fn role_not_found(binding: &Binding, sink: &mut Sink<'_>) {
    let message = format!("`roleRef` names the {} `{}`, which was not shown", binding.role_kind, binding.role_name);
    // Lowered to `info`: nothing is violated, but what the rule proves stays open.
    sink.report_on(&binding.origin.subject, &ROLE_NOT_FOUND, binding.origin.location, message)
        .field("roleRef")
        .severity(Severity::Info);
}

/// Whether every cluster has the role and Kubernetes keeps it as it is.
fn is_builtin(role: &str) -> bool {
    role.starts_with("system:")
        || matches!(role, "cluster-admin" | "admin" | "edit" | "view" | "extension-apiserver-authentication-reader")
}

/// Dangerous roles of identities that many share. Built-in roles are judged with the binding alone.
fn shared(binding: &Binding, subject: &BindingSubject, reach: Option<Reach>, sink: &mut Sink<'_>) {
    let is_shared = match &*subject.kind {
        "ServiceAccount" => &*subject.name == "default",
        "User" => &*subject.name == "system:anonymous",
        "Group" => {
            matches!(&*subject.name, "system:unauthenticated" | "system:authenticated")
                || subject.name.starts_with("system:serviceaccounts")
        }
        _ => false,
    };
    let Some(reach) = reach.filter(|reach| is_shared && reach.severity >= Severity::High) else { return };
    let message = format!("everyone who is `{}` may {} through `{}`", subject.name, reach.phrase, binding.role_name);
    sink.report_on(&binding.origin.subject, &POWER_FOR_EVERYONE, subject.location, message).severity(reach.severity);
}

fn cross_namespace(
    binding: &Binding,
    subject: &BindingSubject,
    reach: Option<Reach>,
    namespace: &str,
    sink: &mut Sink<'_>,
) {
    let own = &*binding.origin.subject.namespace;
    let crosses = !binding.cluster && !own.is_empty() && !subject.namespace.is_empty() && own != namespace;
    let Some(reach) = reach.filter(|reach| crosses && reach.severity >= Severity::Medium) else { return };
    if is_system_namespace(namespace) {
        return;
    }
    let message = format!("`{}` of namespace `{namespace}` may {} in `{own}`", subject.name, reach.phrase);
    sink.report_on(&binding.origin.subject, &CROSS_NAMESPACE, subject.location, message);
}

fn environments(binding: &Binding, subject: &BindingSubject, sink: &mut Sink<'_>) {
    let own = &*binding.origin.subject.namespace;
    let (Some(here), Some(there)) = (environment(own), environment(&subject.namespace)) else { return };
    if !binding.cluster && here != there {
        let message = format!("`{}` of `{}` holds `{}` in `{own}`", subject.name, subject.namespace, binding.role_name);
        sink.report_on(&binding.origin.subject, &CROSS_ENVIRONMENT, subject.location, message);
    }
}

/// The environment that the first or last word of a namespace's name tells.
pub(super) fn environment(namespace: &str) -> Option<&'static str> {
    let word = |word: &str| {
        Some(match word {
            "dev" | "develop" | "development" | "sandbox" => "development",
            "test" | "testing" | "qa" | "uat" | "int" => "test",
            "stage" | "staging" | "stg" | "preprod" => "staging",
            "prod" | "production" | "prd" | "live" => "production",
            _ => return None,
        })
    };
    word(namespace.rsplit('-').next()?).or_else(|| word(namespace.split('-').next()?))
}

/// A ClusterRoleBinding whose role writes only well-known namespaced resources.
fn cluster_wide<'i>(graph: &Graph<'i>, binding: &Binding, role: &'i Role, sink: &mut Sink<'_>) {
    let only_people = binding.subjects.iter().all(|subject| &*subject.kind != "ServiceAccount");
    if !binding.cluster || only_people {
        return;
    }
    if graph.summary(role).writes_only_in_namespaces() {
        let message =
            format!("`{}` changes only namespaced resources but is bound in every namespace", role.origin.name());
        sink.report_on(&binding.origin.subject, &CLUSTER_WIDE, binding.origin.location, message).field("roleRef");
    }
}

fn dashboard<'i>(graph: &Graph<'i>, binding: &Binding, role: &'i Role, sink: &mut Sink<'_>) {
    let Some(subject) = binding.subjects.iter().find(|subject| is_dashboard(&subject.name)) else { return };
    if graph.summary(role).changes_any {
        let message = format!("`{}` may write through `{}`", subject.name, binding.role_name);
        sink.report_on(&binding.origin.subject, &DASHBOARD_WRITES, subject.location, message);
    }
}

fn is_dashboard(name: &str) -> bool {
    name.contains("dashboard") || name.contains("headlamp") || name.contains("weave-scope")
}

fn workloads<'i>(inventory: &'i Inventory, graph: &Graph<'i>, sink: &mut Sink<'_>) {
    let mut exposed: HashMap<&str, Vec<&Service>> = HashMap::new();
    for service in &inventory.services {
        if matches!(&*service.kind, "LoadBalancer" | "NodePort") && !service.selector.is_empty() {
            exposed.entry(service.origin.namespace()).or_default().push(service);
        }
    }
    let mut comparisons = EXPOSED_COMPARISONS_MAX;
    for workload in &inventory.workloads {
        if workload.automount == Some(false) {
            continue;
        }
        let worst = graph
            .worst(workload.origin.namespace(), &workload.service_account)
            .filter(|(reach, _)| reach.severity >= Severity::High);
        let Some((reach, binding)) = worst else { continue };
        let account = &workload.service_account;
        let holds = format!("`{account}`, which may {} through `{}`", reach.phrase, binding.origin.name());
        let subject = &workload.origin.subject;
        if &*subject.kind == "DaemonSet" {
            let message = format!("the pods on every node run as {holds}");
            sink.report_on(subject, &POWERFUL_DAEMON, workload.origin.location, message);
        }
        let mut services = exposed.get(workload.origin.namespace()).into_iter().flatten().take(comparisons);
        let service = services.find(|service| {
            comparisons -= 1;
            selects(service, workload)
        });
        if let Some(service) = service {
            let message = format!("Service `{}` opens pods to the outside that run as {holds}", service.origin.name());
            sink.report_on(subject, &POWERFUL_EXPOSED, workload.origin.location, message);
        }
    }
}

fn selects(service: &Service, workload: &Workload) -> bool {
    service.selector.0.iter().all(|(key, value)| workload.pod_labels.get(key) == Some(value))
}

fn unused<'i>(inventory: &'i Inventory, graph: &Graph<'i>, sink: &mut Sink<'_>) {
    let used: HashSet<(&str, &str)> =
        inventory.workloads.iter().map(|workload| (workload.origin.namespace(), &*workload.service_account)).collect();
    let shown: HashSet<&str> = used.iter().map(|(namespace, _)| *namespace).collect();
    for account in &inventory.service_accounts {
        let key = (account.origin.namespace(), account.origin.name());
        let bound = graph.is_bound(key.0, key.1);
        if bound && key.1 != "default" && shown.contains(key.0) && !used.contains(&key) {
            let message = format!("no workload among what was shown runs as `{}`", key.1);
            sink.report_on(&account.origin.subject, &ACCOUNT_UNUSED, account.origin.location, message);
        }
    }
}

/// 1,000 powerful workloads beside 1,000 exposed Services of one namespace are ample for a real cluster;
/// hostile input with more would otherwise take quadratic time.
const EXPOSED_COMPARISONS_MAX: usize = 1_000_000;
