//! Reading manifests: the events of the YAML parser alone, and our trees on top of them.
//!
//! `KOBUK_BENCH_DIR` names a directory of real manifests to read as well.

use std::fmt::Write as _;
use std::path::Path;

use divan::Bencher;
use divan::counter::BytesCount;
use granit_parser::{Parser, StrInput};
use manifest::documents;
use model::FileId;

fn main() {
    divan::main();
}

#[divan::bench(args = corpora())]
fn events_only(bencher: Bencher<'_, '_>, corpus: &Corpus) {
    bencher.counter(BytesCount::new(corpus.text.len())).bench(|| {
        let options = granit_parser::options! { emit_comments: false };
        Parser::<StrInput<'_>>::new_from_str_with_options(&corpus.text, options).filter(Result::is_ok).count()
    });
}

#[divan::bench(args = corpora())]
fn trees(bencher: Bencher<'_, '_>, corpus: &Corpus) {
    bencher.counter(BytesCount::new(corpus.text.len())).bench(|| {
        let mut nodes = 0;
        documents(&corpus.text, FileId(0), |document| nodes += document.map_or(0, |tree| tree.len()));
        nodes
    });
}

#[divan::bench]
fn json_list(bencher: Bencher<'_, '_>) {
    let item = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","labels":{"app":"shop"}},"spec":{"containers":[{"name":"c","image":"registry.example/shop:1.2","resources":{"limits":{"memory":"64Mi"}}}]}}"#;
    let text = format!(r#"{{"apiVersion":"v1","kind":"List","items":[{}]}}"#, vec![item; 5_000].join(","));
    bencher.counter(BytesCount::new(text.len())).bench(|| {
        let mut nodes = 0;
        documents(&text, FileId(0), |document| nodes += document.map_or(0, |tree| tree.len()));
        nodes
    });
}

struct Corpus {
    name: &'static str,
    text: String,
}

impl std::fmt::Display for Corpus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

fn corpora() -> Vec<Corpus> {
    let mut corpora = vec![Corpus { name: "made", text: made() }];
    if let Some(directory) = std::env::var_os("KOBUK_BENCH_DIR") {
        let mut text = String::new();
        gather(Path::new(&directory), &mut text);
        corpora.push(Corpus { name: "real", text });
    }
    corpora
}

/// Two thousand deployments and services, with the comments and annotations that real ones have.
fn made() -> String {
    let mut text = String::new();
    for index in 0..2_000 {
        write!(
            text,
            "---\n# Source: shop/templates/deployment.yaml\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  \
             name: shop-{index}\n  namespace: \"team-{}\"\n  labels:\n    app.kubernetes.io/name: shop\n    \
             app.kubernetes.io/instance: shop-{index}\n  annotations:\n    checksum/config: \
             \"4f1c0e5b8a2d9c7e6f3a1b0d8e5c2f9a7b6d4e3c1f0a9b8d7e6c5f4a3b2d1e0c\"\nspec:\n  replicas: 3\n  selector:\n    \
             matchLabels: {{app: shop}}\n  template:\n    metadata:\n      labels:\n        app: shop\n    spec:\n      \
             serviceAccountName: shop\n      containers:\n      - name: web\n        image: \
             registry.example/shop/web:1.{index}\n        args: [\"--listen\", \"0.0.0.0:8080\"]\n        env:\n        \
             - name: DATABASE\n          valueFrom:\n            secretKeyRef: {{name: shop, key: url}}\n        ports:\n        \
             - containerPort: 8080\n          protocol: TCP\n        resources:\n          limits:\n            cpu: 500m\n            \
             memory: 128Mi\n        securityContext:\n          allowPrivilegeEscalation: false\n          \
             runAsNonRoot: true\n          capabilities:\n            drop:\n            - ALL\n        readinessProbe:\n          \
             httpGet:\n            path: /healthz\n            port: 8080\n          periodSeconds: 10\n      volumes:\n      \
             - name: tmp\n        emptyDir: {{}}\n",
            index % 20
        )
        .unwrap_or_default();
    }
    text
}

fn gather(directory: &Path, text: &mut String) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            gather(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
            && let Ok(found) = std::fs::read_to_string(&path)
        {
            text.push_str(&found);
            text.push_str("\n---\n");
        }
    }
}
