//! Rego of a template: loading refuses or takes it, and what is taken is evaluated within its budget, without panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use manifest::{Draft, Tree};
use model::FileId;
use policy::admission::{Facts, Request};
use policy::admission_policy::Budgets;
use policy::gatekeeper::{Library, Options, Preference, Setting};

fuzz_target!(|rego: &str| {
    let template = one(TEMPLATE);
    let mut draft = Draft::from(template.root());
    if let Some(target) = draft.get_mut("spec").and_then(|spec| spec.get_mut("target")) {
        target.put("rego", Draft::text(rego));
        let target = target.clone();
        if let Some(spec) = draft.get_mut("spec") {
            spec.take("target");
            spec.put("targets", Draft::seq(vec![target]));
        }
    }
    let Ok(template) = draft.build(FileId(0)) else { return };
    let constraint = one(CONSTRAINT);
    let options = Options { env: cel::Env::default(), preference: Preference::Rego };
    let (library, _) = Library::load([template.root(), constraint.root()], &options);
    let review = one(REVIEW);
    let request = Request::from_review(review.root()).expect("a review");
    library.evaluate(&request, &Facts::new(), &Setting::default(), &mut Budgets::default());
});

fn one(text: &str) -> Tree<'_> {
    let mut tree = None;
    manifest::documents(text, FileId(0), |document| tree = document.ok());
    tree.expect("a document")
}

const TEMPLATE: &str = "{apiVersion: templates.gatekeeper.sh/v1, kind: ConstraintTemplate, metadata: {name: t}, spec: {crd: \
    {spec: {names: {kind: T}}}, target: {target: admission.k8s.gatekeeper.sh}}}";
const CONSTRAINT: &str = "{apiVersion: constraints.gatekeeper.sh/v1beta1, kind: T, metadata: {name: c}}";
const REVIEW: &str = "{apiVersion: admission.k8s.io/v1, kind: AdmissionReview, request: {operation: CREATE, userInfo: \
    {username: alice}, object: {apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a}, {name: b}]}}}}";
