//! What the server answered: enough to ask Kobuk the same, on another day and without a server.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::calls::{Answer, Call, calls};
use crate::server::Server;

/// Policies in force, and what the server said with them.
#[derive(Clone, Debug)]
pub(crate) struct Recording {
    /// Objects of the cluster: namespaces, parameters, RBAC.
    pub(crate) facts: Vec<Value>,
    pub(crate) batches: Vec<Batch>,
}

/// Policies that only look at the requests of the batch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batch {
    /// Policies and bindings that the server took.
    pub(crate) documents: Vec<Value>,
    /// Those it refused, with its words.
    pub(crate) refused: Vec<(Value, String)>,
    pub(crate) cases: Vec<Case>,
}

/// A request and its answer.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// What was sent. `None` for a request without one.
    pub(crate) manifest: Option<Value>,
    /// The request as the server would put it into an AdmissionReview.
    pub(crate) review: Value,
    /// Whether `object` of the review is what the server saw: not known of refused requests.
    pub(crate) exact: bool,
    pub(crate) status: u16,
    pub(crate) message: String,
    pub(crate) reason: String,
    pub(crate) warnings: Vec<String>,
    pub(crate) audit: Map<String, Value>,
    /// The object of the answer.
    pub(crate) answer: Value,
}

impl Case {
    pub(crate) fn new(manifest: Option<Value>, review: Value, exact: bool, answer: &Answer) -> Case {
        Case {
            manifest,
            review,
            exact,
            status: answer.status,
            message: answer.message().to_owned(),
            reason: answer.body["reason"].as_str().unwrap_or_default().to_owned(),
            warnings: answer.warnings.clone(),
            audit: answer.audit.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect(),
            answer: answer.body.clone(),
        }
    }
}

impl Recording {
    /// Reads what `write` wrote.
    pub(crate) fn read(path: &Path) -> Option<Recording> {
        let value: Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let case = |value: &Value| Case {
            manifest: Some(value["manifest"].clone()).filter(|manifest| !manifest.is_null()),
            review: value["review"].clone(),
            exact: value["exact"] == true,
            status: value["status"].as_u64().unwrap_or_default() as u16,
            message: text(&value["message"]),
            reason: text(&value["reason"]),
            warnings: list(&value["warnings"]).iter().map(text).collect(),
            audit: value["audit"].as_object().cloned().unwrap_or_default(),
            answer: value["answer"].clone(),
        };
        let batch = |value: &Value| Batch {
            documents: list(&value["documents"]),
            refused: list(&value["refused"]).iter().map(|pair| (pair[0].clone(), text(&pair[1]))).collect(),
            cases: list(&value["cases"]).iter().map(case).collect(),
        };
        Some(Recording { facts: list(&value["facts"]), batches: list(&value["batches"]).iter().map(batch).collect() })
    }

    /// Keeps it for runs without a server.
    pub(crate) fn write(&self, path: &Path) {
        let case = |case: &Case| {
            json!({"manifest": case.manifest, "review": case.review, "exact": case.exact, "status": case.status,
                "message": case.message, "reason": case.reason, "warnings": case.warnings, "audit": case.audit,
                "answer": case.answer})
        };
        let batch = |batch: &Batch| {
            json!({"documents": batch.documents, "refused": batch.refused,
                "cases": batch.cases.iter().map(case).collect::<Vec<_>>()})
        };
        let all = json!({"facts": self.facts, "batches": self.batches.iter().map(batch).collect::<Vec<_>>()});
        fs::write(path, serde_json::to_vec(&all).unwrap()).unwrap();
    }
}

/// Where an object is created.
pub(crate) fn collection(object: &Value) -> String {
    let (api, kind) = (object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
    let plural = match kind {
        "NetworkPolicy" => "networkpolicies".to_owned(),
        "Ingress" => "ingresses".to_owned(),
        _ if kind.ends_with("Policy") => format!("{}ies", kind.strip_suffix('y').unwrap().to_lowercase()),
        _ if kind.ends_with('s') => format!("{}es", kind.to_lowercase()),
        _ => format!("{}s", kind.to_lowercase()),
    };
    let root = if api.contains('/') { "apis" } else { "api" };
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("/{root}/{api}/namespaces/{namespace}/{plural}"),
        None => format!("/{root}/{api}/{plural}"),
    }
}

/// Creates objects; the answers in order.
pub(crate) fn create(server: &Server, objects: &[Value]) -> Vec<Answer> {
    let list: Vec<Call> = objects.iter().map(|object| Call::new("POST", collection(object), object.clone())).collect();
    calls(server, &list)
}

/// Creates definitions of custom resources and waits until they are served.
pub(crate) fn create_definitions(server: &Server, definitions: &[Value]) {
    for answer in create(server, definitions) {
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    let served = definitions.iter().flat_map(|definition| {
        let (group, plural) = (definition["spec"]["group"].clone(), definition["spec"]["names"]["plural"].clone());
        let versions = definition["spec"]["versions"].as_array().into_iter().flatten();
        versions.map(move |version| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            Call::new("GET", format!("/apis/{}/{}/{}", text(&group), text(&version["name"]), text(&plural)), None)
        })
    });
    let served: Vec<Call> = served.collect();
    let deadline = Instant::now() + SETTLED_WITHIN;
    while calls(server, &served).iter().any(|answer| answer.status != 200) {
        assert!(Instant::now() < deadline, "the server does not serve custom resources");
        sleep(Duration::from_millis(300));
    }
}

/// Everything of the cluster that policies may ask about.
pub(crate) fn facts(server: &Server) -> Vec<Value> {
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    let paths = [
        ("v1", "Namespace", "/api/v1/namespaces".to_owned()),
        ("v1", "ConfigMap", "/api/v1/configmaps".to_owned()),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", format!("{rbac}/clusterroles")),
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", format!("{rbac}/clusterrolebindings")),
        ("rbac.authorization.k8s.io/v1", "Role", format!("{rbac}/roles")),
        ("rbac.authorization.k8s.io/v1", "RoleBinding", format!("{rbac}/rolebindings")),
    ];
    let list: Vec<Call> = paths.iter().map(|(_, _, path)| Call::new("GET", path.as_str(), None)).collect();
    let answers = calls(server, &list);
    let mut out = Vec::new();
    for ((api, kind, _), answer) in paths.iter().zip(answers) {
        for item in answer.body["items"].as_array().into_iter().flatten() {
            let mut item = item.clone();
            item["apiVersion"] = (*api).into();
            item["kind"] = (*kind).into();
            out.push(item);
        }
    }
    custom(server, &mut out);
    out
}

/// Definitions of custom resources, and their objects.
fn custom(server: &Server, out: &mut Vec<Value>) {
    let definitions = Call::new("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", None);
    let mut definitions = calls(server, &[definitions]).remove(0).body;
    for definition in definitions["items"].as_array_mut().into_iter().flatten() {
        let spec = &definition["spec"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (group, version) = (text(&spec["group"]), text(&spec["versions"][0]["name"]));
        let path = format!("/apis/{group}/{version}/{}", text(&spec["names"]["plural"]));
        let mut objects = calls(server, &[Call::new("GET", path, None)]).remove(0).body;
        definition["apiVersion"] = "apiextensions.k8s.io/v1".into();
        definition["kind"] = "CustomResourceDefinition".into();
        out.push(definition.take());
        out.extend(objects["items"].as_array_mut().into_iter().flatten().map(Value::take));
    }
}

/// Waits until the server heeds new policies: a policy made last, which refuses a certain name, says so.
pub(crate) fn settle(server: &Server, round: &str) {
    let name = format!("settled-{round}");
    let policy = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name}, "spec": {
            "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"],
                "resources": ["configmaps"]}]},
            "matchConditions": [{"name": "own", "expression": format!("request.name == '{name}'")}],
            "validations": [{"expression": "false"}]}});
    let binding = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name}, "spec": {"policyName": name, "validationActions": ["Deny"]}});
    for answer in create(server, &[policy, binding]) {
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    let probe = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}});
    let call = Call::new("POST", "/api/v1/namespaces/default/configmaps?dryRun=All", probe);
    let deadline = Instant::now() + SETTLED_WITHIN;
    while calls(server, std::slice::from_ref(&call))[0].status == 201 {
        assert!(Instant::now() < deadline, "the server does not heed policies");
        sleep(Duration::from_millis(200));
    }
    // Policies and bindings come by different watches: a breath for the slower one.
    sleep(Duration::from_secs(2));
}

const SETTLED_WITHIN: Duration = Duration::from_secs(120);
