//! A hundred validating policies over one pod: `cargo bench -p policy --bench admission_policy`.

#![allow(clippy::unwrap_used)]

use manifest::{Tree, documents};
use model::FileId;
use policy::admission::{Facts, Request};
use policy::admission_policy::{Budgets, LoadOptions, PolicySet};

fn main() {
    divan::main();
}

fn trees(text: &str) -> Vec<Tree<'static>> {
    let mut list = Vec::new();
    documents(text, FileId(0), |document| list.push(document.unwrap().root().to_tree()));
    list
}

fn policies() -> PolicySet {
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
    let options = LoadOptions { bind_all: true, ..LoadOptions::default() };
    PolicySet::load(trees(&text).iter().map(Tree::root), &options).0
}

const REVIEW: &str = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},"name":"web","namespace":"shop","operation":"CREATE","userInfo":{"username":"eve"},"object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"shop"},"spec":{"containers":[{"name":"a","image":"nginx:1"},{"name":"b","image":"redis:2"},{"name":"c","image":"busybox:3"}]}}}}"#;

#[divan::bench]
fn a_hundred_policies(bencher: divan::Bencher<'_, '_>) {
    let (set, facts, trees) = (policies(), Facts::new(), trees(REVIEW));
    let request = Request::from_review(trees.first().unwrap().root()).unwrap();
    bencher.bench_local(|| set.evaluate(&request, &facts, &mut Budgets::default()).len());
}

#[divan::bench]
fn loading_a_hundred_policies(bencher: divan::Bencher<'_, '_>) {
    bencher.bench_local(policies);
}
