//! Pod Security `restricted` from the bytes of an AdmissionReview: what an admission webhook does per request.

#![allow(clippy::unwrap_used)]

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use manifest::Object;
use model::FileId;
use policy::check::Context;
use policy::{Config, Sink};

fn main() {
    divan::main();
}

/// Reading alone, as the floor.
#[divan::bench(sample_count = 1000, sample_size = 20)]
fn read(bencher: Bencher<'_, '_>) {
    bencher.counter(BytesCount::new(REVIEW.len())).counter(ItemsCount::new(1_usize)).bench_local(|| {
        let tree = manifest::json_document(REVIEW, FileId(0)).unwrap();
        let nodes = tree.len();
        tree.recycle();
        nodes
    });
}

/// From bytes to the verdict.
#[divan::bench(sample_count = 1000, sample_size = 20)]
fn judge(bencher: Bencher<'_, '_>) {
    let config = Config::default();
    let check = policy::check::object_checks()
        .find(|check| check.rules.iter().any(|rule| rule.code == "pod-security-privileged"))
        .unwrap();
    let mut findings = Vec::new();
    bencher.counter(BytesCount::new(REVIEW.len())).counter(ItemsCount::new(1_usize)).bench_local(|| {
        let tree = manifest::json_document(REVIEW, FileId(0)).unwrap();
        findings.clear();
        let object = Object::at(tree.root().path(&["request", "object"]).unwrap()).unwrap();
        let mut sink = Sink::new(object.subject.clone(), &All, &mut findings);
        (check.run)(&object, Context { config: &config }, &mut sink);
        assert!(findings.is_empty());
        drop(object);
        tree.recycle();
    });
}

#[derive(Debug)]
struct All;

impl policy::sink::Enabled for All {
    fn enabled(&self, _: &'static model::Rule) -> bool {
        true
    }
}

/// A pod of three containers that meets the level.
const REVIEW: &str = r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"705ab4f5-6393-11e8-b7cc-42010a800002","kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},"requestKind":{"group":"","version":"v1","kind":"Pod"},"requestResource":{"group":"","version":"v1","resource":"pods"},"name":"web","namespace":"shop","operation":"CREATE","userInfo":{"username":"alice","uid":"u-1","groups":["developers","system:authenticated"]},"object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"shop","labels":{"app":"web"},"annotations":{"team":"payments"}},"spec":{"serviceAccountName":"web","automountServiceAccountToken":false,"securityContext":{"runAsNonRoot":true,"runAsUser":10001,"fsGroup":10001,"seccompProfile":{"type":"RuntimeDefault"}},"initContainers":[{"name":"migrate","image":"registry.example/migrate:1","command":["migrate","up"],"securityContext":{"allowPrivilegeEscalation":false,"readOnlyRootFilesystem":true,"capabilities":{"drop":["ALL"]}},"resources":{"requests":{"cpu":"10m","memory":"16Mi"},"limits":{"memory":"16Mi"}}}],"containers":[{"name":"web","image":"registry.example/web:1","ports":[{"containerPort":8080,"name":"http"},{"containerPort":9090,"name":"metrics"}],"env":[{"name":"A","value":"b"}],"livenessProbe":{"httpGet":{"path":"/healthz","port":"http"}},"readinessProbe":{"httpGet":{"path":"/ready","port":"http"}},"securityContext":{"allowPrivilegeEscalation":false,"readOnlyRootFilesystem":true,"capabilities":{"drop":["ALL"]}},"resources":{"requests":{"cpu":"10m","memory":"16Mi"},"limits":{"memory":"16Mi"}},"volumeMounts":[{"name":"data","mountPath":"/data"},{"name":"tmp","mountPath":"/tmp"}]},{"name":"proxy","image":"registry.example/proxy:1","ports":[{"containerPort":8443}],"lifecycle":{"preStop":{"exec":{"command":["sleep","5"]}}},"securityContext":{"allowPrivilegeEscalation":false,"readOnlyRootFilesystem":true,"capabilities":{"drop":["ALL"]}},"resources":{"requests":{"cpu":"10m","memory":"16Mi"},"limits":{"memory":"16Mi"}}}],"volumes":[{"name":"data","persistentVolumeClaim":{"claimName":"data"}},{"name":"tmp","emptyDir":{}}]}},"oldObject":null,"dryRun":false,"options":{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1","fieldManager":"kubectl-client-side-apply"}}}"#;
