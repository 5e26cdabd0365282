//! Names of images that look like those of an allowed registry.

use policy::admission::{Operation, Sending};
use serde_json::json;

use crate::random::Random;
use crate::{facts, judge, pack, policies, said, trees};

const ALLOWED: &[&str] = &["registry.example.com/shop", "registry.k8s.io", "localhost:5000", "docker.io/library"];

/// Host and path, as container runtimes read a name.
fn parts(image: &str) -> Vec<String> {
    let (first, rest) = image.split_once('/').unwrap_or(("", image));
    let is_host = first.contains(['.', ':']) || first == "localhost" || first.chars().any(char::is_uppercase);
    let whole = match (is_host, first) {
        (true, _) => format!("{first}/{rest}"),
        (false, "") => format!("docker.io/library/{image}"),
        (false, _) => format!("docker.io/{image}"),
    };
    let mut parts: Vec<String> = whole.split('/').map(str::to_owned).collect();
    // Tag and digest are no part of the last component.
    if let Some(last) = parts.last_mut() {
        let name = last.split(['@', ':']).next().unwrap_or("");
        *last = name.to_owned();
    }
    parts
}

fn is_allowed(image: &str) -> bool {
    let parts = parts(image);
    ALLOWED.iter().any(|place| {
        let wanted: Vec<&str> = place.split('/').collect();
        parts.len() > wanted.len() && wanted.iter().zip(&parts).all(|(wanted, part)| wanted == part)
    })
}

#[test]
fn names_are_compared_part_by_part() {
    let policies = policies(&pack("allowed-registries"));
    let listed = ALLOWED.join("\\n");
    let facts = facts(&format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: allowed-registries, namespace: kube-system}}\n\
         data: {{registries: \"{listed}\"}}\n"
    ));
    let mut random = Random(0x0fed_cba9_8765_4321);
    let hosts = [
        "",
        "registry.example.com",
        "registry.example.com.evil.test",
        "evil.test",
        "registry.k8s.io",
        "registry.k8s.io.",
        "REGISTRY.K8S.IO",
        "registry.k8s.io:443",
        "localhost",
        "localhost:5000",
        "localhost:50000",
        "docker.io",
        "index.docker.io",
        "docker.io.evil.test",
        "xregistry.k8s.io",
        "Library",
        "library",
        "evil",
    ];
    let paths =
        ["shop/web", "shopping/web", "shop", "web", "library/web", "shop/../evil", "registry.k8s.io/web", "a/b/c"];
    let ends = ["", ":1", ":latest", "@sha256:0000", ":1@sha256:0000"];
    let (mut allowed, mut refused) = (0, 0);
    for _ in 0..1500 {
        let (host, path, end) = (random.one(&hosts), random.one(&paths), random.one(&ends));
        let image = if host.is_empty() { format!("{path}{end}") } else { format!("{host}/{path}{end}") };
        let list = random.one(&["containers", "initContainers", "ephemeralContainers"]);
        let mut spec = json!({"containers": [{"name": "fine", "image": "registry.k8s.io/pause:3"}]});
        spec[list] = json!([{"name": "judged", "image": image}]);
        let pod =
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "shop"}, "spec": spec});
        let sending = Sending { operation: Some(Operation::Create), ..Sending::default() };
        let said = said(&judge(&policies, &trees(&pod.to_string())[0], sending, &facts).verdicts);
        let admitted = said.iter().all(|one| one.contains("Satisfied"));
        assert_eq!(admitted, is_allowed(&image), "{image}: {said:?}");
        if admitted { allowed += 1 } else { refused += 1 }
    }
    assert!(allowed > 100 && refused > 100, "{allowed} {refused}");
}
