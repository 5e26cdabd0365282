//! What the controller manager writes to `status.typeChecking`, and what Kobuk says of the same policies.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use manifest::schema::{self, Expect, Leaf, TypeRef};
use policy::admission_policy::LoadOptions;
use serde_json::{Value, json};

use crate::calls::{Call, calls};
use crate::examples::documents;
use crate::kobuk;
use crate::recording::{create, create_definitions};
use crate::server::Server;

/// Policies with their warnings, by the place of the expression.
pub(crate) fn record(server: &Server, controller: &str) -> Vec<(Value, BTreeMap<String, String>)> {
    create_definitions(server, &documents(CUSTOM));
    for answer in create(server, &policies()) {
        assert_eq!(answer.status, 201, "{}", answer.message());
    }
    let _running = Running(
        Command::new(controller)
            .args(["--server", server.address(), "--token", Server::token()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the controller starts"),
    );
    let list = Call::new("GET", "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies", None);
    let deadline = Instant::now() + CHECKED_WITHIN;
    loop {
        sleep(Duration::from_secs(1));
        let answer = calls(server, std::slice::from_ref(&list)).remove(0);
        let items = answer.body["items"].as_array().unwrap();
        if items.iter().all(|item| item["status"]["observedGeneration"].is_number()) {
            return items.iter().map(|item| (item.clone(), warnings(item))).collect();
        }
        assert!(Instant::now() < deadline, "the controller does not write the status of policies");
    }
}

fn warnings(policy: &Value) -> BTreeMap<String, String> {
    let list = policy["status"]["typeChecking"]["expressionWarnings"].as_array();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    list.into_iter().flatten().map(|warning| (text(&warning["fieldRef"]), text(&warning["warning"]))).collect()
}

/// How many expressions there are, how many have warnings, and what differs.
pub(crate) fn compare(recorded: &[(Value, BTreeMap<String, String>)], minor: u32) -> (usize, usize, Vec<String>) {
    let (mut expressions, mut warned, mut differences) = (0, 0, Vec::new());
    let facts = kobuk::facts(&documents(CUSTOM));
    let options = LoadOptions { env: cel::library::kubernetes((1, minor)), bind_all: true };
    for (policy, theirs) in recorded {
        let mut policy = policy.clone();
        policy["kind"] = "ValidatingAdmissionPolicy".into();
        policy["apiVersion"] = "admissionregistration.k8s.io/v1".into();
        let (set, _) = kobuk::load(&[policy.to_string()], minor);
        let ours: BTreeMap<String, String> =
            set.type_check(&facts, &options).into_iter().map(|warning| (warning.field, warning.warning)).collect();
        let validations = policy["spec"]["validations"].as_array().unwrap();
        expressions += validations.len();
        warned += theirs.len();
        for (index, validation) in validations.iter().enumerate() {
            for part in ["expression", "messageExpression"] {
                let field = format!("spec.validations[{index}].{part}");
                let (one, other) = (ours.get(&field), theirs.get(&field).map(|text| without_time(text)));
                if one != other.as_ref() {
                    differences.push(format!("{}\n  server {other:?}\n  kobuk  {one:?}", validation[part]));
                }
            }
        }
    }
    (expressions, warned, differences)
}

/// The server makes names of types unique by the time of day: a number behind the kind, before the first dot.
fn without_time(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        let end = from.find(|c: char| !c.is_ascii_digit()).unwrap_or(from.len());
        out.push_str(before);
        // Numbers of source positions and literals are shorter.
        let made = end >= 6 && before.ends_with(|c: char| c.is_ascii_alphabetic());
        if !made {
            out.push_str(&from[..end]);
        }
        rest = &from[end..];
    }
    out + rest
}

/// One policy for each place with all ways to use it, and one for each kind with all its fields.
fn policies() -> Vec<Value> {
    let lines = include_str!("typed.txt").lines().filter(|line| !line.starts_with('#'));
    let mut out: Vec<Value> = lines.enumerate().map(|(number, line)| policy(number, line)).collect();
    let resources = include_str!("../../data/resources.txt").lines().filter(|line| !line.starts_with('#'));
    for line in resources {
        let [group, kind, plural, _]: [&str; 4] = line.splitn(4, ' ').collect::<Vec<_>>().try_into().unwrap();
        let group = if group == "core" { "" } else { group };
        for version in schema::versions(group, kind) {
            let mut places = Vec::new();
            fields(schema::kind(group, version, kind).unwrap(), "object", 0, &mut places);
            for part in places.chunks(PLACES_MAX) {
                let expressions: Vec<String> = part.iter().map(|place| format!("{place} == duration('1s')")).collect();
                out.push(checked(out.len(), [group, version, plural], &expressions));
            }
        }
    }
    out
}

/// Expressions for the fields of a type, a few levels deep.
fn fields(kind: TypeRef, place: &str, depth: usize, out: &mut Vec<String>) {
    for name in kind.fields().filter(|name| !name.contains('$')) {
        let place = format!("{place}.{}", name.replace('-', "__dash__"));
        let mut shape = kind.field(name).unwrap();
        let mut inner = place.clone();
        out.push(place);
        loop {
            match shape.expect() {
                Expect::List(items) => (shape, inner) = (items, inner + "[0]"),
                Expect::Map(values) => (shape, inner) = (values, inner + "['a']"),
                Expect::Leaf(Leaf::Fields(own)) if depth < FIELDS_DEPTH && !inner.contains(".metadata.") => {
                    break fields(own, &inner, depth + 1, out);
                }
                _ => break,
            }
        }
    }
}

fn policy(number: usize, line: &str) -> Value {
    let [group, version, plural, place]: [&str; 4] = line.splitn(4, ' ').collect::<Vec<_>>().try_into().unwrap();
    let group = if group == "core" { "" } else { group };
    let expressions = USES.map(|ending| ending.replace("{}", place));
    let mut policy = checked(number, [group, version, plural], &expressions);
    let spec = &mut policy["spec"];
    if place.starts_with("params") {
        let custom = place.contains("most") || place.contains("names");
        spec["paramKind"] = match custom {
            true => json!({"apiVersion": "example.com/v1", "kind": "Limit"}),
            false => json!({"apiVersion": "v1", "kind": "ConfigMap"}),
        };
    }
    if place.ends_with("template.spec.volumes") {
        spec["matchConstraints"]["resourceRules"] = json!([
            {"apiGroups": ["apps", "", "batch"], "apiVersions": ["v1"], "operations": ["*"],
                "resources": ["deployments", "jobs", "pods/status", "nothing", "daemonsets"]},
            {"apiGroups": ["example.com", "apps"], "apiVersions": ["v2", "v1", "v3"], "operations": ["*"],
                "resources": ["widgets", "deployments"]},
            {"apiGroups": ["*"], "apiVersions": ["v1"], "operations": ["*"], "resources": ["*"]}]);
        spec["validations"][0]["messageExpression"] =
            format!("string({place}[0].name) + string(object.kind.nothing)").into();
    }
    if place.starts_with("variables") {
        spec["variables"] = json!([{"name": "own", "expression": "object.spec.parts"},
            {"name": "list", "expression": "object.spec.lists"}, {"name": "wrong", "expression": "object.spec.nothing"}]);
    }
    policy
}

fn checked(number: usize, [group, version, plural]: [&str; 3], expressions: &[String]) -> Value {
    let validations: Vec<Value> = expressions.iter().map(|expression| json!({"expression": expression})).collect();
    json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": format!("t{number}")}, "spec": {
            "matchConstraints": {"resourceRules": [{"apiGroups": [group], "apiVersions": [version], "operations": ["*"],
                "resources": [plural]}]},
            "validations": validations}})
}

/// Ways to use a place: each tells another part of its type.
const USES: [&str; 9] = [
    "{} == 1",
    "{} == 'a'",
    "{} == null",
    "{}.nothing == 1",
    "{}.all(x, x == true)",
    "{}['a'] == b'x'",
    "has({}.more) && {} > 2.5",
    "size({}) > 0 ||\n  {} + 1 == {} ? true : false",
    "{} == timestamp('2020-01-01T00:00:00Z') || [{}] == [1] || {'a': {} } == {'a': 1}",
];

/// The controller, as long as it is needed.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Definitions of custom resources.
pub(crate) const CUSTOM: &str = include_str!("custom.yaml");

/// Levels of fields that are looked at.
const FIELDS_DEPTH: usize = 2;
/// Expressions of one policy.
const PLACES_MAX: usize = 100;

const CHECKED_WITHIN: Duration = Duration::from_secs(200);
