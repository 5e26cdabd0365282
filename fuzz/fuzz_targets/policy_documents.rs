//! Policy documents, and the judging of one pod with them: nothing panics, whatever they hold.

#![no_main]

use libfuzzer_sys::fuzz_target;
use manifest::object::{Found, objects};
use model::FileId;
use policy::admission::{Facts, Request};
use policy::admission_policy::Budgets;
use policy::policies::{Options, Policies};

fuzz_target!(|text: &str| {
    let mut trees = Vec::new();
    manifest::documents(text, FileId(0), |document| trees.extend(document.ok()));
    let mut documents = Vec::new();
    for tree in &trees {
        objects(tree, |found| {
            if let Found::Object(object) = found {
                documents.push(object.value);
            }
        });
    }
    let options = Options { kubernetes_minor: 36, bind_all: true, prefer_rego: text.len() % 2 == 0 };
    let (policies, issues) = Policies::load(&documents, &options);
    for issue in issues {
        assert!(!issue.to_string().is_empty());
    }
    let review = manifest::json_document(REVIEW, FileId(1)).unwrap();
    let request = Request::from_review(review.root()).unwrap();
    let mut budgets = Budgets { cost_max: 200_000, bytes: 1 << 20, ..Budgets::default() };
    let facts = Facts::new();
    policies.judge(&request, &facts, policies.inventory(&facts).as_ref(), &mut budgets);
});

const REVIEW: &str = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},"name":"p","namespace":"shop","operation":"CREATE","userInfo":{"username":"alice","groups":["dev"]},"object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"shop","labels":{"app":"p"}},"spec":{"containers":[{"name":"c","image":"registry.test/c:1","securityContext":{"privileged":true}}]}},"oldObject":null,"dryRun":false}}"#;
