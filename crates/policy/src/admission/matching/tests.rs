use model::FileId;

use super::*;

/// What a policy with these constraints says about a request with these fields.
fn says(constraints: &str, request: &str, facts: &str) -> String {
    let mut known = Facts::new();
    manifest::documents(facts, FileId(0), |document| known.add(document.unwrap().root()).unwrap());
    let review = format!("{{apiVersion: admission.k8s.io/v1, kind: AdmissionReview, request: {request}}}");
    let mut answer = String::new();
    manifest::documents(constraints, FileId(0), |document| {
        let tree = document.unwrap();
        let matching = MatchResources::read(tree.root()).unwrap();
        manifest::documents(&review, FileId(0), |document| {
            let tree = document.unwrap();
            let request = Request::from_review(tree.root()).unwrap();
            answer = match matching.matches(&request, &known) {
                Match::Match { kind, .. } => format!("{}/{}", kind.group, kind.version),
                Match::NoMatch(why) => format!("no: {why}"),
                Match::Unknown(facts) => {
                    format!("unknown: {}", facts.iter().map(|fact| &*fact.name).collect::<Vec<_>>().join(", "))
                }
            };
            // What matches is always among the candidates.
            let candidates = MatchIndex::new([&matching]).candidates(&request);
            assert!(!candidates.is_empty() || answer.starts_with("no: "));
        });
    });
    answer
}

fn rule(resources: &str) -> String {
    format!("resourceRules: [{{apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: [{resources}]}}]")
}

const POD: &str =
    "{operation: CREATE, object: {apiVersion: v1, kind: Pod, metadata: {name: a, namespace: shop, labels: {a: b}}}}";

const EXEC: &str = "{operation: CONNECT, kind: {version: v1, kind: PodExecOptions}, resource: {version: v1, resource: pods}, \
    subResource: exec, name: a, namespace: shop, object: {apiVersion: v1, kind: PodExecOptions}}";

#[test]
fn resources_and_subresources_are_told_apart() {
    const NO_RULE: &str = "no: no resource rule matches";
    for (words, pod, exec) in [
        ("pods", "/v1", NO_RULE),
        ("pods/exec", NO_RULE, "/v1"),
        ("pods/*", "/v1", "/v1"),
        ("'*'", "/v1", NO_RULE),
        ("'*/*'", "/v1", "/v1"),
        ("'*/exec'", NO_RULE, "/v1"),
        ("services", NO_RULE, NO_RULE),
    ] {
        assert_eq!(says(&rule(words), POD, ""), pod, "{words}");
        assert_eq!(says(&rule(words), EXEC, ""), exec, "{words}");
    }
    assert_eq!(says("{}", POD, ""), "/v1");
}

#[test]
fn scopes_names_operations_and_exclusions_count() {
    let with = |more: &str| {
        format!(
            "resourceRules: [{{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: ['*'], {more}}}]"
        )
    };
    let namespace = "{operation: CREATE, object: {apiVersion: v1, kind: Namespace, metadata: {name: shop}}}";
    assert_eq!(says(&with("scope: Namespaced"), POD, ""), "/v1");
    assert!(says(&with("scope: Cluster"), POD, "").starts_with("no: "));
    assert_eq!(says(&with("scope: Cluster"), namespace, ""), "/v1");
    assert!(says(&with("scope: Namespaced"), namespace, "").starts_with("no: "));
    assert_eq!(says(&with("resourceNames: [a]"), POD, ""), "/v1");
    assert!(says(&with("resourceNames: [b]"), POD, "").starts_with("no: "));
    let excluded = rule("pods").replace("resourceRules", "excludeResourceRules");
    assert_eq!(says(&excluded, POD, ""), "no: excludeResourceRules leave it out");
    assert!(says(&rule("pods").replace("['*'], res", "[UPDATE], res"), POD, "").starts_with("no: "));
}

#[test]
fn other_versions_of_the_same_objects_match_unless_exact() {
    let deployment = "{operation: CREATE, object: {apiVersion: extensions/v1beta1, kind: Deployment, metadata: {name: a, namespace: shop}}}";
    let hpa = "{operation: CREATE, object: {apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: a, namespace: shop}}}";
    let rule = |group: &str, version: &str, plural: &str| {
        format!(
            "resourceRules: [{{apiGroups: [{group}], apiVersions: [{version}], operations: ['*'], resources: [{plural}]}}]"
        )
    };
    assert_eq!(says(&rule("apps", "v1", "deployments"), deployment, ""), "apps/v1");
    let exact = format!("{}\nmatchPolicy: Exact", rule("apps", "v1", "deployments"));
    assert!(says(&exact, deployment, "").starts_with("no: "));
    assert_eq!(
        says(&rule("autoscaling", "v1", "horizontalpodautoscalers"), hpa, ""),
        "unknown: HorizontalPodAutoscaler converted to autoscaling/v1"
    );
    let custom = "{operation: CREATE, object: {apiVersion: example.com/v2, kind: Widget, metadata: {name: a}}, \
        resource: {group: example.com, version: v2, resource: widgets}}";
    let definition = |conversion: &str| {
        format!(
            "{{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {{name: widgets.example.com}}, \
             spec: {{group: example.com, scope: Cluster, names: {{kind: Widget, plural: widgets}}, {conversion} \
             versions: [{{name: v1, served: true}}, {{name: v2, served: true}}]}}}}"
        )
    };
    let widgets = rule("example.com", "v1", "widgets");
    assert_eq!(says(&widgets, custom, &definition("")), "example.com/v1");
    assert_eq!(
        says(&widgets, custom, &definition("conversion: {strategy: Webhook},")),
        "unknown: Widget converted to example.com/v1"
    );
    assert!(says(&widgets, custom, "").starts_with("no: "));
}

#[test]
fn namespaces_that_nobody_described_are_unknown_where_it_matters() {
    let selector = |text: &str| format!("{}\nnamespaceSelector: {{matchLabels: {{{text}}}}}", rule("pods"));
    assert_eq!(says(&selector("tier: gold"), POD, ""), "unknown: labels of namespace shop");
    let gold = "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {tier: gold}}}";
    assert_eq!(says(&selector("tier: gold"), POD, gold), "/v1");
    assert!(says(&selector("tier: tin"), POD, gold).starts_with("no: namespaceSelector"));
    assert_eq!(says(&selector("kubernetes.io/metadata.name: shop"), POD, ""), "/v1");
    // A rule that does not match needs no labels.
    assert!(says(&selector("tier: gold").replace("pods", "jobs"), POD, "").starts_with("no: "));
    // Objects of the cluster are never left out; Namespaces go by their own labels.
    let node = "{operation: CREATE, object: {apiVersion: v1, kind: Node, metadata: {name: a}}}";
    assert_eq!(says(&selector("tier: gold").replace("pods", "nodes"), node, ""), "/v1");
    let namespace =
        "{operation: CREATE, object: {apiVersion: v1, kind: Namespace, metadata: {name: x, labels: {tier: gold}}}}";
    assert_eq!(says(&selector("tier: gold").replace("pods", "namespaces"), namespace, ""), "/v1");
}

#[test]
fn object_selectors_look_at_both_objects() {
    let selector = |text: &str| format!("{}\nobjectSelector: {{matchLabels: {{{text}}}}}", rule("'*/*'"));
    assert_eq!(says(&selector("a: b"), POD, ""), "/v1");
    assert!(says(&selector("a: c"), POD, "").starts_with("no: objectSelector"));
    let update = POD.replace("CREATE", "UPDATE");
    assert_eq!(says(&selector("a: c"), &update, ""), "unknown: request.oldObject");
    assert_eq!(says(&selector("a: b"), &update, ""), "/v1");
    let absent =
        format!("{}\nobjectSelector: {{matchExpressions: [{{key: a, operator: DoesNotExist}}]}}", rule("'*/*'"));
    assert!(says(&absent, EXEC, "").starts_with("no: objectSelector"));
}

#[test]
fn a_kind_without_definition_matches_only_rules_for_everything() {
    let custom = "{operation: CREATE, object: {apiVersion: example.com/v1, kind: Widget, metadata: {name: a}}}";
    assert_eq!(says(&rule("'*'"), custom, ""), "example.com/v1");
    assert_eq!(says(&rule("widgets"), custom, ""), "unknown: definition of kind Widget in group example.com");
}
