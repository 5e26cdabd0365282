//! Rego: a template like Pod Security `restricted` on a pod of three containers, from the bytes of an AdmissionReview.

#![allow(clippy::unwrap_used)]

use divan::Bencher;
use divan::counter::ItemsCount;
use model::FileId;
use policy::admission::{Facts, Request, Ruling};
use policy::admission_policy::Budgets;
use policy::gatekeeper::{Library, Options, Preference, Setting};

fn main() {
    divan::main();
}

/// From bytes to the verdict of one constraint.
#[divan::bench(sample_count = 500, sample_size = 20)]
fn one_constraint(bencher: Bencher<'_, '_>) {
    measure(bencher, 1);
}

/// Ten constraints of the template: the review is converted once.
#[divan::bench(sample_count = 200, sample_size = 10)]
fn ten_constraints(bencher: Bencher<'_, '_>) {
    measure(bencher, 10);
}

fn measure(bencher: Bencher<'_, '_>, constraints: usize) {
    let mut text = TEMPLATE.to_owned();
    for index in 0..constraints {
        text.push_str(&format!(
            "---\n{CONSTRAINT}{index}}}\nspec: {{parameters: {{volumes: [configMap, emptyDir]}}}}\n"
        ));
    }
    let mut trees = Vec::new();
    manifest::documents(&text, FileId(0), |document| trees.push(document.unwrap()));
    let options = Options { env: cel::library::kubernetes((1, 36)), preference: Preference::Rego };
    let (library, issues) = Library::load(trees.iter().map(|tree| tree.root()), &options);
    assert!(issues.is_empty(), "{issues:?}");
    let facts = Facts::new();
    bencher.counter(ItemsCount::new(constraints)).bench_local(|| {
        let tree = manifest::json_document(REVIEW, FileId(0)).unwrap();
        let request = Request::from_review(tree.root()).unwrap();
        let verdicts = library.evaluate(&request, &facts, &Setting::default(), &mut Budgets::default());
        assert!(verdicts.iter().all(|verdict| verdict.ruling == Ruling::Satisfied), "{verdicts:?}");
        drop(request);
        tree.recycle();
        verdicts.len()
    });
}

const CONSTRAINT: &str = "apiVersion: constraints.gatekeeper.sh/v1beta1\nkind: Restricted\nmetadata: {name: r";

const TEMPLATE: &str = r#"
apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: restricted}
spec:
  crd:
    spec:
      names: {kind: Restricted}
      validation:
        openAPIV3Schema:
          type: object
          properties: {volumes: {type: array, items: {type: string}}}
  targets:
  - target: admission.k8s.gatekeeper.sh
    rego: |
      package restricted

      containers[c] { c := input.review.object.spec.containers[_] }
      containers[c] { c := input.review.object.spec.initContainers[_] }
      containers[c] { c := input.review.object.spec.ephemeralContainers[_] }

      violation[{"msg": msg}] {
        c := containers[_]
        c.securityContext.privileged
        msg := sprintf("container %v is privileged", [c.name])
      }
      violation[{"msg": msg}] {
        c := containers[_]
        not no_escalation(c)
        msg := sprintf("container %v may escalate privileges", [c.name])
      }
      no_escalation(c) { c.securityContext.allowPrivilegeEscalation == false }
      violation[{"msg": msg}] {
        c := containers[_]
        not drops_all(c)
        msg := sprintf("container %v keeps capabilities", [c.name])
      }
      drops_all(c) { c.securityContext.capabilities.drop[_] == "ALL" }
      violation[{"msg": msg}] {
        c := containers[_]
        added := c.securityContext.capabilities.add[_]
        added != "NET_BIND_SERVICE"
        msg := sprintf("container %v adds %v", [c.name, added])
      }
      violation[{"msg": msg}] {
        c := containers[_]
        not non_root(c)
        msg := sprintf("container %v may run as root", [c.name])
      }
      non_root(c) { c.securityContext.runAsNonRoot == true }
      non_root(c) {
        not c.securityContext.runAsNonRoot
        input.review.object.spec.securityContext.runAsNonRoot == true
      }
      violation[{"msg": msg}] {
        c := containers[_]
        not seccomp(c)
        msg := sprintf("container %v has no seccomp profile", [c.name])
      }
      allowed_profiles := {"RuntimeDefault", "Localhost"}
      seccomp(c) { allowed_profiles[c.securityContext.seccompProfile.type] }
      seccomp(c) {
        not c.securityContext.seccompProfile
        allowed_profiles[input.review.object.spec.securityContext.seccompProfile.type]
      }
      violation[{"msg": "host namespaces are shared"}] {
        shares[_] == true
      }
      shares := [object.get(input.review.object.spec, key, false) | key := ["hostNetwork", "hostPID", "hostIPC"][_]]
      violation[{"msg": msg}] {
        c := containers[_]
        c.ports[_].hostPort > 0
        msg := sprintf("container %v takes a port of the host", [c.name])
      }
      allowed_volumes := {v | v := input.parameters.volumes[_]} | {"name", "persistentVolumeClaim"}
      violation[{"msg": msg}] {
        v := input.review.object.spec.volumes[_]
        v[kind]
        not allowed_volumes[kind]
        msg := sprintf("volume %v is of the kind %v", [v.name, kind])
      }
"#;

/// A pod of three containers that meets the level.
const REVIEW: &str = r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"705ab4f5-6393-11e8-b7cc-42010a800002","kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},"requestKind":{"group":"","version":"v1","kind":"Pod"},"requestResource":{"group":"","version":"v1","resource":"pods"},"name":"web","namespace":"shop","operation":"CREATE","userInfo":{"username":"alice","uid":"u-1","groups":["developers","system:authenticated"]},"object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"shop","labels":{"app":"web"},"annotations":{"team":"payments"}},"spec":{"serviceAccountName":"web","automountServiceAccountToken":false,"securityContext":{"runAsNonRoot":true,"runAsUser":10001,"fsGroup":10001,"seccompProfile":{"type":"RuntimeDefault"}},"initContainers":[{"name":"migrate","image":"registry.example/migrate:1","command":["migrate","up"],"securityContext":{"allowPrivilegeEscalation":false,"readOnlyRootFilesystem":true,"capabilities":{"drop":["ALL"]}},"resources":{"requests":{"cpu":"10m","memory":"16Mi"},"limits":{"memory":"16Mi"}}}],"containers":[{"name":"web","image":"registry.example/web:1","ports":[{"containerPort":8080,"name":"http"},{"containerPort":9090,"name":"metrics"}],"env":[{"name":"A","value":"b"}],"livenessProbe":{"httpGet":{"path":"/healthz","port":"http"}},"readinessProbe":{"httpGet":{"path":"/ready","port":"http"}},"securityContext":{"allowPrivilegeEscalation":false,"readOnlyRootFilesystem":true,"capabilities":{"drop":["ALL"]}},"resources":{"requests":{"cpu":"10m","memory":"16Mi"},"limits":{"memory":"16Mi"}},"volumeMounts":[{"name":"data","mountPath":"/data"},{"name":"tmp","mountPath":"/tmp"}]},{"name":"proxy","image":"registry.example/proxy:1","ports":[{"containerPort":8443}],"lifecycle":{"preStop":{"exec":{"command":["sleep","5"]}}},"securityContext":{"allowPrivilegeEscalation":false,"readOnlyRootFilesystem":true,"capabilities":{"drop":["ALL"]}},"resources":{"requests":{"cpu":"10m","memory":"16Mi"},"limits":{"memory":"16Mi"}}}],"volumes":[{"name":"data","persistentVolumeClaim":{"claimName":"data"}},{"name":"tmp","emptyDir":{}}]}},"oldObject":null,"dryRun":false,"options":{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1","fieldManager":"kubectl-client-side-apply"}}}"#;
