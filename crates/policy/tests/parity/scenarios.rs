//! Policies and requests that are written down: what the generator does not make up.
//!
//! A scenario has `needs` (objects of the cluster), `policies`, `bindings` and `requests`. What it leaves out is
//! filled in: the version of policies, a binding for a policy that has none, and that bindings look only at the
//! namespace of the scenario, `batch-NUMBER`, which the scenario calls `$ns`.

use serde_json::{Value, json};

use crate::calls::{Call, calls};
use crate::examples::documents;
use crate::generated::{Asked, Plan};
use crate::policies::Bound;
use crate::recording::{collection, create};
use crate::server::Server;

pub(crate) fn plans() -> Vec<Plan> {
    let texts = [
        include_str!("scenarios/custom.yaml"),
        include_str!("scenarios/requests.yaml"),
        include_str!("scenarios/policies.yaml"),
    ];
    let scenarios: Vec<Value> = texts.iter().flat_map(|text| documents(text)).collect();
    scenarios.iter().enumerate().map(|(batch, scenario)| plan(batch, scenario)).collect()
}

fn plan(batch: usize, scenario: &Value) -> Plan {
    let text = scenario.to_string().replace("$long", &"l".repeat(5 * 1024)).replace("$huge", &"h".repeat(12_000));
    let text = text.replace("$ns", &format!("batch-{batch}")).replace("$batch", &batch.to_string());
    let scenario: Value = serde_json::from_str(&text).unwrap();
    let list = |key: &str| scenario[key].as_array().cloned().unwrap_or_default();
    let policies = list("policies").iter().map(|policy| bound(batch, policy, &list("bindings"))).collect();
    Plan { policies, sorts: Vec::new(), objects_per_sort: 0, needs: list("needs"), scripted: list("requests") }
}

fn bound(batch: usize, policy: &Value, bindings: &[Value]) -> Bound {
    let mut policy = policy.clone();
    let old = policy["name"].as_str().unwrap().to_owned();
    let kind = policy["kind"].as_str().unwrap_or("ValidatingAdmissionPolicy").to_owned();
    let name = format!("s{batch}-{old}");
    let api = policy["apiVersion"].as_str().unwrap_or("admissionregistration.k8s.io/v1").to_owned();
    policy = json!({"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": policy["spec"]});
    let mut own: Vec<Value> = bindings.iter().filter(|binding| binding["policy"] == *old).cloned().collect();
    if own.is_empty() {
        own.push(json!({"spec": {}}));
    }
    for (number, binding) in own.iter_mut().enumerate() {
        let mut spec = binding["spec"].clone();
        spec["policyName"] = name.as_str().into();
        if spec["matchResources"]["namespaceSelector"].is_null() {
            spec["matchResources"]["namespaceSelector"] = json!({"matchLabels": {"batch": batch.to_string()}});
        }
        if kind.starts_with("Validating") && spec["validationActions"].is_null() {
            spec["validationActions"] = json!(["Warn", "Audit"]);
        }
        *binding = json!({"apiVersion": api, "kind": format!("{kind}Binding"),
            "metadata": {"name": format!("{name}-{number}")}, "spec": spec});
    }
    Bound { policy, bindings: own }
}

/// The request; an object that is changed, deleted or connected to is created first.
pub(crate) fn asked(server: &Server, request: &Value) -> Asked {
    let text = |key: &str| request[key].as_str().unwrap_or_default().to_owned();
    let object = request["object"].clone();
    let api = request["through"].as_str().or(object["apiVersion"].as_str()).unwrap().to_owned();
    let mut sent = object.clone();
    sent["apiVersion"] = api.as_str().into();
    let (group, version) = api.split_once('/').unwrap_or(("", &api));
    let path = collection(&sent);
    let plural = path.rsplit('/').next().unwrap();
    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let sub = text("sub");
    let ending = if sub.is_empty() { String::new() } else { format!("/{sub}") };
    let kind = match sub.as_str() {
        "scale" => json!({"group": "autoscaling", "version": "v1", "kind": "Scale"}),
        _ => json!({"group": group, "version": version, "kind": object["kind"]}),
    };
    let operation = match request["operation"].as_str() {
        Some("UPDATE") => "UPDATE",
        Some("DELETE") => "DELETE",
        Some("CONNECT") => "CONNECT",
        _ => "CREATE",
    };
    if operation != "CREATE" {
        create(server, std::slice::from_ref(&object));
    }
    let own = format!("{path}/{name}{ending}");
    let old = (operation == "UPDATE" || operation == "DELETE")
        .then(|| calls(server, &[Call::new("GET", own.as_str(), None)]).remove(0).body);
    let (method, at, body) = match operation {
        "UPDATE" => ("PUT", format!("{own}?dryRun=All"), Some(merged(old.clone().unwrap(), &request["changed"]))),
        "DELETE" if request["collection"] == true => {
            ("DELETE", format!("{path}?dryRun=All&fieldSelector=metadata.name%3D{name}"), None)
        }
        "DELETE" => ("DELETE", format!("{own}?dryRun=All"), None),
        "CONNECT" => ("POST", format!("{own}{}", text("query")), None),
        _ => ("POST", format!("{path}?dryRun=All"), Some(sent.clone())),
    };
    let mut call = Call::new(method, at, body.clone());
    call.user = request["user"].as_str().map(str::to_owned);
    let options = Some(request["options"].clone()).filter(|options| !options.is_null());
    let kind = options.as_ref().map_or(kind, |options| json!({"group": "", "version": "v1", "kind": options["kind"]}));
    Asked {
        call,
        operation,
        resource: json!({"group": group, "version": version, "resource": plural}),
        kind,
        sub_resource: sub,
        name: if request["collection"] == true { String::new() } else { name.clone() },
        namespace: match object["kind"].as_str() {
            Some("Namespace") => name,
            _ => object["metadata"]["namespace"].as_str().unwrap_or_default().to_owned(),
        },
        manifest: options.or(body),
        old,
    }
}

/// A merge patch.
fn merged(mut object: Value, change: &Value) -> Value {
    for (key, value) in change.as_object().into_iter().flatten() {
        if value.is_null() {
            object.as_object_mut().unwrap().remove(key);
        } else if value.is_object() && object[key].is_object() {
            object[key] = merged(object[key].take(), value);
        } else {
            object[key] = value.clone();
        }
    }
    object
}
