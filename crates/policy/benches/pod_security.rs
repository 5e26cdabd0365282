//! How long the Pod Security Standards take on one pod of three containers that meets them.

#![allow(clippy::unwrap_used)]

use divan::Bencher;
use manifest::object::{Found, objects};
use model::FileId;
use policy::check::Context;
use policy::{Config, Sink};

fn main() {
    divan::main();
}

/// Nothing is wrong, so nothing is reported and nothing allocated but the identity of the object.
#[divan::bench]
fn a_good_pod_of_three_containers(bencher: Bencher<'_, '_>) {
    judge(bencher, GOOD);
}

/// Nearly everything is wrong.
#[divan::bench]
fn a_bad_pod_of_three_containers(bencher: Bencher<'_, '_>) {
    judge(bencher, BAD);
}

fn judge(bencher: Bencher<'_, '_>, text: &str) {
    let config = Config::default();
    let mut bencher = Some(bencher);
    let check = policy::check::object_checks()
        .find(|check| check.rules.iter().any(|rule| rule.code == "pod-security-privileged"))
        .unwrap();
    manifest::documents(text, FileId(0), |document| {
        let tree = document.unwrap();
        objects(&tree, |found| {
            let Found::Object(object) = found else { return };
            let mut findings = Vec::new();
            bencher.take().unwrap().bench_local(|| {
                findings.clear();
                let mut sink = Sink::new(object.subject.clone(), &All, &mut findings);
                (check.run)(&object, Context { config: &config }, &mut sink);
            });
        });
    });
}

#[derive(Debug)]
struct All;

impl policy::sink::Enabled for All {
    fn enabled(&self, _: &'static model::Rule) -> bool {
        true
    }
}

const GOOD: &str = "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}, annotations: {team: payments}}
spec:
  serviceAccountName: web
  automountServiceAccountToken: false
  securityContext: {runAsNonRoot: true, runAsUser: 10001, fsGroup: 10001, seccompProfile: {type: RuntimeDefault}}
  initContainers:
  - name: migrate
    image: registry.example/migrate:1
    command: [migrate, up]
    securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
    resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {memory: 16Mi}}
  containers:
  - name: web
    image: registry.example/web:1
    ports: [{containerPort: 8080, name: http}, {containerPort: 9090, name: metrics}]
    env: [{name: A, value: b}]
    livenessProbe: {httpGet: {path: /healthz, port: http}}
    readinessProbe: {httpGet: {path: /ready, port: http}}
    securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
    resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {memory: 16Mi}}
    volumeMounts: [{name: data, mountPath: /data}, {name: tmp, mountPath: /tmp}]
  - name: proxy
    image: registry.example/proxy:1
    ports: [{containerPort: 8443}]
    lifecycle: {preStop: {exec: {command: [sleep, '5']}}}
    securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
    resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {memory: 16Mi}}
  volumes:
  - {name: data, persistentVolumeClaim: {claimName: data}}
  - {name: tmp, emptyDir: {}}
";

const BAD: &str = "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  hostNetwork: true
  hostPID: true
  containers:
  - {name: a, image: a, securityContext: {privileged: true}, ports: [{containerPort: 80, hostPort: 80}]}
  - {name: b, image: b, securityContext: {runAsUser: 0, capabilities: {add: [SYS_ADMIN, NET_RAW]}}}
  - {name: c, image: c}
  volumes:
  - {name: root, hostPath: {path: /}}
";
