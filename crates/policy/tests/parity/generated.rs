//! Requests with policies in force, put before the server.

use serde_json::{Value, json};

use crate::calls::{Answer, Call, calls};
use crate::objects::{Sort, changed, object};
use crate::policies::{Bound, Expressions, surroundings};
use crate::random::Random;
use crate::recording::{Batch, Case, Recording, create, create_definitions, facts, settle};
use crate::server::Server;
use crate::{examples, scenarios, typed};

/// What one namespace is asked about.
pub(crate) struct Plan {
    pub(crate) policies: Vec<Bound>,
    /// Sorts of the objects.
    pub(crate) sorts: Vec<Sort>,
    pub(crate) objects_per_sort: usize,
    /// Objects of the cluster that the policies need.
    pub(crate) needs: Vec<Value>,
    /// Requests that are written down.
    pub(crate) scripted: Vec<Value>,
}

/// Generated policies, all of them for objects of one sort per namespace.
pub(crate) fn plans(random: &mut Random, batches: usize, policies: usize, objects_per_sort: usize) -> Vec<Plan> {
    let table = Expressions::table();
    let plan = |batch: usize| {
        let sort = Sort::ALL[batch % Sort::ALL.len()];
        let policies = (0..policies).map(|number| table.policy(random, sort, batch, number)).collect();
        Plan { policies, sorts: vec![sort], objects_per_sort, needs: Vec::new(), scripted: Vec::new() }
    };
    (0..batches).map(plan).collect()
}

/// A request without the object that the server makes of it.
pub(crate) struct Asked {
    pub(crate) call: Call,
    pub(crate) operation: &'static str,
    /// Group, version and resource.
    pub(crate) resource: Value,
    /// Group, version and kind.
    pub(crate) kind: Value,
    pub(crate) sub_resource: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) manifest: Option<Value>,
    pub(crate) old: Option<Value>,
}

/// Asks the server.
pub(crate) fn record(server: &Server, random: &mut Random, plans: &[Plan]) -> Recording {
    for answer in create(server, &surroundings(plans.len())) {
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    create_definitions(server, &examples::documents(typed::CUSTOM));
    for plan in plans {
        // What exists already, or is of a kind that this server does not know, is no matter.
        create(server, &plan.needs);
    }
    let asked: Vec<Vec<Asked>> =
        plans.iter().enumerate().map(|(batch, plan)| asks(server, random, batch, plan)).collect();
    // Before there is a policy, the answers show the objects as policies will see them.
    let seen: Vec<Vec<Answer>> = asked.iter().map(|batch| ask(server, batch)).collect();
    let mut batches: Vec<Batch> = plans.iter().map(|plan| policies(server, &plan.policies)).collect();
    settle(server, "policies");
    let facts = facts(server);
    for ((asked, seen), batch) in asked.iter().zip(&seen).zip(&mut batches) {
        for ((asked, seen), answer) in asked.iter().zip(seen).zip(ask(server, asked)) {
            // Requests that the server refuses for reasons of its own never come to policies.
            if seen.status < 300 {
                batch.cases.push(Case::new(asked.manifest.clone(), review(asked, seen), true, &answer));
            }
        }
    }
    Recording { facts, batches }
}

/// Creates the policies of a batch; keeps apart what the server refuses.
fn policies(server: &Server, bound: &[Bound]) -> Batch {
    let mut out = Batch::default();
    let policies: Vec<Value> = bound.iter().map(|bound| bound.policy.clone()).collect();
    let answers = create(server, &policies);
    let mut bindings = Vec::new();
    for (bound, answer) in bound.iter().zip(answers) {
        match answer.status {
            201 => {
                out.documents.push(answer.body);
                bindings.extend(bound.bindings.iter().cloned());
            }
            _ => out.refused.push((bound.policy.clone(), answer.message().to_owned())),
        }
    }
    for (binding, answer) in bindings.iter().zip(create(server, &bindings)) {
        match answer.status {
            201 => out.documents.push(answer.body),
            _ => out.refused.push((binding.clone(), answer.message().to_owned())),
        }
    }
    out
}

fn asks(server: &Server, random: &mut Random, batch: usize, plan: &Plan) -> Vec<Asked> {
    let of_sort = |sort: &Sort| requests(server, random, batch, *sort, plan.objects_per_sort);
    let generated: Vec<Asked> = plan.sorts.iter().flat_map(of_sort).collect();
    let scripted = plan.scripted.iter().map(|request| scenarios::asked(server, request));
    generated.into_iter().chain(scripted).collect()
}

/// The requests of a batch. Objects that are changed and deleted are created on the way.
fn requests(server: &Server, random: &mut Random, batch: usize, sort: Sort, count: usize) -> Vec<Asked> {
    let namespace = format!("batch-{batch}");
    let path = sort.path(&namespace);
    let standing: Vec<Value> = (0..count / 3).map(|n| object(random, sort, &namespace, 1000 + n)).collect();
    let standing: Vec<Value> =
        create(server, &standing).into_iter().filter(|answer| answer.status == 201).map(|answer| answer.body).collect();
    let mut out: Vec<Asked> = (0..count - standing.len())
        .map(|number| {
            let manifest = object(random, sort, &namespace, number);
            let call = Call::new("POST", format!("{path}?dryRun=All"), manifest.clone());
            asked(call, "CREATE", sort, &namespace, (Some(manifest), None))
        })
        .collect();
    for old in standing {
        let name = old["metadata"]["name"].as_str().unwrap().to_owned();
        let at = |sub: &str| format!("{path}/{name}{sub}?dryRun=All");
        let new = changed(random, &old);
        let request = match random.below(5) {
            0 => {
                let call = Call::new("DELETE", at(""), None);
                asked(call, "DELETE", sort, &namespace, (None, Some(old)))
            }
            1 if sort == Sort::Deployment => scale(random, server, &at("/scale"), &namespace),
            1 if sort == Sort::Pod => {
                let call = Call::new("POST", format!("{path}/{name}/exec?command=ls&stdout=true"), None);
                let exec = json!({"kind": "PodExecOptions", "apiVersion": "v1", "stdout": true, "command": ["ls"]});
                let mut asked = asked(call, "CONNECT", sort, &namespace, (None, None));
                asked.kind = json!({"group": "", "version": "v1", "kind": "PodExecOptions"});
                (asked.sub_resource, asked.manifest, asked.name) = ("exec".to_owned(), Some(exec), name);
                asked
            }
            _ => {
                let call = Call::new("PUT", at(""), new.clone());
                asked(call, "UPDATE", sort, &namespace, (Some(new), Some(old)))
            }
        };
        out.push(request);
    }
    as_somebody(random, out)
}

fn scale(random: &mut Random, server: &Server, path: &str, namespace: &str) -> Asked {
    let get = Call::new("GET", path.split('?').next().unwrap(), None);
    let old = calls(server, &[get]).remove(0).body;
    let mut new = old.clone();
    new["spec"]["replicas"] = random.below(9).into();
    let call = Call::new("PUT", path, new.clone());
    let mut asked = asked(call, "UPDATE", Sort::Deployment, namespace, (Some(new), Some(old)));
    asked.sub_resource = "scale".to_owned();
    asked.kind = json!({"group": "autoscaling", "version": "v1", "kind": "Scale"});
    asked
}

fn asked(
    call: Call,
    operation: &'static str,
    sort: Sort,
    namespace: &str,
    (manifest, old): (Option<Value>, Option<Value>),
) -> Asked {
    let named = manifest.as_ref().or(old.as_ref());
    let name = named.and_then(|object| object["metadata"]["name"].as_str()).unwrap_or_default().to_owned();
    let (group, version, plural) = sort.resource();
    let resource = json!({"group": group, "version": version, "resource": plural});
    let kind = json!({"group": group, "version": version, "kind": sort.kind()});
    let (sub_resource, namespace) = (String::new(), namespace.to_owned());
    Asked { call, operation, resource, kind, sub_resource, name, namespace, manifest, old }
}

/// Lets somebody with fewer rights ask some of the requests.
fn as_somebody(random: &mut Random, mut asked: Vec<Asked>) -> Vec<Asked> {
    for asked in &mut asked {
        if random.once_in(3) {
            asked.call.user = Some("alice".to_owned());
        }
    }
    asked
}

fn ask(server: &Server, asked: &[Asked]) -> Vec<Answer> {
    let list: Vec<Call> = asked.iter().map(|asked| asked.call.clone()).collect();
    let mut answers = calls(server, &list);
    for (asked, answer) in asked.iter().zip(&mut answers) {
        // What runs nowhere cannot be connected to; policies were asked before that came out.
        if asked.operation == "CONNECT" && !answer.message().contains("denied request: ") {
            answer.status = 200;
            answer.body = asked.manifest.clone().unwrap();
        }
    }
    answers
}

/// The AdmissionReview of a request.
fn review(asked: &Asked, seen: &Answer) -> Value {
    let (resource, kind) = (&asked.resource, &asked.kind);
    let options = match asked.operation {
        "CREATE" => "CreateOptions",
        "UPDATE" => "UpdateOptions",
        _ => "DeleteOptions",
    };
    let user = match &asked.call.user {
        Some(name) => json!({"username": name, "groups": ["system:authenticated"]}),
        None => json!({"username": "admin", "uid": "admin", "groups": ["system:masters", "system:authenticated"]}),
    };
    let mut request = json!({
        "uid": "00000000-0000-0000-0000-000000000000", "kind": kind, "resource": resource,
        "requestKind": kind, "requestResource": resource,
        "name": asked.name, "namespace": asked.namespace, "operation": asked.operation,
        "userInfo": user,
        "object": null, "oldObject": asked.old, "dryRun": asked.operation != "CONNECT",
    });
    if !asked.sub_resource.is_empty() {
        request["subResource"] = asked.sub_resource.as_str().into();
        request["requestSubResource"] = asked.sub_resource.as_str().into();
    }
    if asked.operation != "CONNECT" {
        request["options"] = json!({"kind": options, "apiVersion": "meta.k8s.io/v1", "dryRun": ["All"]});
    }
    if asked.operation != "DELETE" {
        request["object"] = seen.body.clone();
    }
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request})
}
