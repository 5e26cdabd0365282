//! Validating policies on one pod: `cargo bench -p policy --bench admission_policy`. One item is one request.

#![allow(clippy::unwrap_used)]

use divan::Bencher;
use divan::counter::ItemsCount;
use manifest::{Tree, documents};
use model::FileId;
use policy::admission::{Facts, Manifest, Request, Ruling};
use policy::admission_policy::{Budgets, LoadOptions, PolicySet};
use policy::export::{self, Style};

fn main() {
    divan::main();
}

/// A hundred policies of a user, each with a variable and two validations.
#[divan::bench]
fn a_hundred_policies(bencher: Bencher<'_, '_>) {
    requests(bencher, &load(&hundred_small()));
}

/// A hundred policies of one exported check each.
#[divan::bench]
fn a_hundred_exported_checks(bencher: Bencher<'_, '_>) {
    requests(bencher, &load(&hundred_exported()));
}

/// Pod Security "restricted" as it is exported: two policies with nineteen validations.
#[divan::bench]
fn pod_security(bencher: Bencher<'_, '_>) {
    requests(bencher, &load(&pod_security_policies()));
}

/// The same from the bytes of the review: what an admission webhook does per request.
#[divan::bench]
fn pod_security_from_bytes(bencher: Bencher<'_, '_>) {
    from_bytes(bencher, &load(&pod_security_policies()));
}

/// A hundred exported checks from the bytes of the review.
#[divan::bench]
fn a_hundred_exported_checks_from_bytes(bencher: Bencher<'_, '_>) {
    from_bytes(bencher, &load(&hundred_exported()));
}

/// What happens to a manifest before policies see it: decoded into its type, defaulted, encoded.
#[divan::bench]
fn normalisation(bencher: Bencher<'_, '_>) {
    let (facts, trees) = (Facts::new(), trees(REVIEW));
    let object = trees.first().unwrap().root().path(&["request", "object"]).unwrap();
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| Manifest::create(object, &facts).unwrap());
}

#[divan::bench]
fn loading_a_hundred_policies(bencher: Bencher<'_, '_>) {
    let text = hundred_small();
    bencher.bench_local(|| load(&text));
}

fn requests(bencher: Bencher<'_, '_>, set: &PolicySet) {
    let (facts, trees) = (Facts::new(), trees(REVIEW));
    let request = Request::from_review(trees.first().unwrap().root()).unwrap();
    passes(set, &request, &facts);
    let counted = bencher.counter(ItemsCount::new(1_u32));
    counted.bench_local(|| set.evaluate(&request, &facts, &mut Budgets::default()).len());
}

fn from_bytes(bencher: Bencher<'_, '_>, set: &PolicySet) {
    let facts = Facts::new();
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        let tree = manifest::json_document(REVIEW, FileId(0)).unwrap();
        let request = Request::from_review(tree.root()).unwrap();
        let verdicts = set.evaluate(&request, &facts, &mut Budgets::default()).len();
        drop(request);
        tree.recycle();
        verdicts
    });
}

/// The pod meets all policies, so that every expression is evaluated to its end.
fn passes(set: &PolicySet, request: &Request<'_>, facts: &Facts) {
    for verdict in set.evaluate(request, facts, &mut Budgets::default()) {
        assert_eq!(verdict.ruling, Ruling::Satisfied, "{}", verdict.policy);
    }
}

fn load(text: &str) -> PolicySet {
    let options = LoadOptions { bind_all: true, ..LoadOptions::default() };
    PolicySet::load(trees(text).iter().map(Tree::root), &options).0
}

fn trees(text: &str) -> Vec<Tree<'static>> {
    let mut list = Vec::new();
    documents(text, FileId(0), |document| list.push(document.unwrap().root().to_tree()));
    list
}

fn hundred_small() -> String {
    let mut text = String::new();
    for number in 0..100 {
        text.push_str(&format!(
            "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {{name: p{number}}}\n\
             spec:\n  matchConstraints:\n    resourceRules:\n    - {{apiGroups: [''], apiVersions: [v1], operations: \
             [CREATE], resources: [pods]}}\n  variables:\n  - {{name: images, expression: \
             \"object.spec.containers.map(c, c.image)\"}}\n  validations:\n  - expression: \
             \"variables.images.all(image, !image.endsWith(':latest'))\"\n  - expression: \
             \"!has(object.spec.hostNetwork) || !object.spec.hostNetwork\"\n---\n"
        ));
    }
    text
}

/// The checks of Pod Security, one policy for each, again and again under other names.
fn hundred_exported() -> String {
    let mut codes = Vec::new();
    export::write(STYLE, |rule| {
        codes.extend(rule.code.starts_with(POD_SECURITY).then_some(rule.code));
        false
    });
    let mut text = String::new();
    for (number, code) in codes.iter().cycle().take(100).enumerate() {
        let prefix = format!("p{number}-");
        text.push_str(&export::write(Style { prefix: &prefix, ..STYLE }, |rule| rule.code == *code).0);
    }
    text
}

fn pod_security_policies() -> String {
    export::write(STYLE, |rule| rule.code.starts_with(POD_SECURITY)).0
}

const STYLE: Style<'static> = Style { actions: &["Deny"], prefix: "" };

const POD_SECURITY: &str = "pod-security-";

/// A pod of three containers that meets the level.
const REVIEW: &str = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},"name":"web","namespace":"shop","operation":"CREATE","userInfo":{"username":"eve"},"object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"shop","labels":{"app":"web"},"annotations":{"team":"payments"}},"spec":{"securityContext":{"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}},"volumes":[{"name":"data","emptyDir":{}},{"name":"conf","configMap":{"name":"web"}}],"containers":[{"name":"web","image":"registry.example/web:1","ports":[{"containerPort":8080}],"resources":{"limits":{"memory":"64Mi"}},"livenessProbe":{"httpGet":{"path":"/live","port":8080}},"securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}}},{"name":"proxy","image":"registry.example/proxy:1","ports":[{"containerPort":8443}],"securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"],"add":["NET_BIND_SERVICE"]}}},{"name":"log","image":"registry.example/log:1","volumeMounts":[{"name":"data","mountPath":"/data"}],"securityContext":{"allowPrivilegeEscalation":false,"runAsUser":1000,"capabilities":{"drop":["ALL"]}}}]}}}}"#;
