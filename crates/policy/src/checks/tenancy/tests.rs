//! Cases for the rules on namespaces, quotas and priorities.

use crate::checks::access::tests::{Case, findings, judge};

const CASES: &[Case] = &[
    (
        "namespace-pod-security-unset",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: baseline}}\n",
    ),
    (
        "namespace-pod-security-privileged",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: privileged}}\n",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: baseline}}\n",
    ),
    (
        "namespace-pod-security-unpinned",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: baseline, pod-security.kubernetes.io/enforce-version: latest}}\n",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: baseline, pod-security.kubernetes.io/enforce-version: v1.36}}\n",
    ),
    (
        "namespace-pod-security-silent",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: baseline}}\n",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: restricted}}\n",
    ),
    (
        "namespace-device-admin-access",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {resource.kubernetes.io/admin-access: 'true'}}\n",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n",
    ),
    (
        "namespace-quota-missing",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\napiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q, namespace: shop}\nspec: {hard: {pods: 5}}\n",
    ),
    (
        "namespace-quota-incomplete",
        "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q, namespace: shop}\nspec: {hard: {pods: 5}}\n",
        "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q, namespace: shop}\nspec: {hard: {pods: 5, requests.cpu: 4, limits.memory: 4Gi}}\n---\napiVersion: v1\nkind: ResourceQuota\nmetadata: {name: p, namespace: shop}\nspec: {hard: {requests.storage: 9Gi, services.nodeports: 0, count/secrets: 9}}\n",
    ),
    (
        "namespace-limit-range-missing",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\napiVersion: v1\nkind: LimitRange\nmetadata: {name: q, namespace: shop}\nspec: {limits: []}\n",
    ),
    (
        "limit-range-without-defaults",
        "apiVersion: v1\nkind: LimitRange\nmetadata: {name: q, namespace: shop}\nspec: {limits: [{type: Container, default: {cpu: 1}}]}\n",
        "apiVersion: v1\nkind: LimitRange\nmetadata: {name: q, namespace: shop}\nspec: {limits: [{type: Container, max: {memory: 1Gi}}]}\n",
    ),
    (
        "priority-class-global-default",
        "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: a}\nvalue: 100\nglobalDefault: true\n",
        "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: a}\nvalue: 0\nglobalDefault: true\n",
    ),
    (
        "priority-class-system-value",
        "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: a}\nvalue: 2000000000\n",
        "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: system-node-critical}\nvalue: 2000001000\n",
    ),
    (
        "flow-schema-exempt",
        "apiVersion: flowcontrol.apiserver.k8s.io/v1\nkind: FlowSchema\nmetadata: {name: a}\nspec: {priorityLevelConfiguration: {name: exempt}}\n",
        "apiVersion: flowcontrol.apiserver.k8s.io/v1\nkind: FlowSchema\nmetadata: {name: a}\nspec: {priorityLevelConfiguration: {name: workload-low}}\n",
    ),
];

#[test]
fn every_rule_reports_the_bad_form_and_accepts_the_good_one() {
    judge(CASES, super::OBJECT_CHECKS, super::INVENTORY_CHECKS);
}

#[test]
fn namespaces_of_the_cluster_itself_are_left_alone() {
    let text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: kube-system}\n";
    assert!(!findings(text).iter().any(|finding| finding.rule.code.starts_with("namespace-")));
}

#[test]
fn a_namespace_that_was_not_shown_is_not_judged() {
    let text =
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop}\nspec: {containers: [{name: a, image: a}]}\n";
    assert!(!findings(text).iter().any(|finding| finding.rule.code.starts_with("namespace-")));
}

#[test]
fn one_quota_without_a_namespace_does_not_cover_two() {
    let namespace = |name: &str| format!("---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n");
    let quota = "---\napiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q}\nspec: {hard: {pods: 5}}\n";
    let missing =
        |text: &str| findings(text).iter().filter(|found| found.rule.code == "namespace-quota-missing").count();
    assert_eq!(missing(&(namespace("a") + quota)), 0);
    assert_eq!(missing(&(namespace("a") + &namespace("b") + quota)), 2);
}
