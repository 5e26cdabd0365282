//! Generated policies: expressions out of a table, put together in all ways that a policy knows.

use serde_json::{Value, json};

use crate::objects::{KEYS, Sort, TEXTS};
use crate::random::Random;

/// The table of expressions, by kind and type.
pub(crate) struct Expressions(Vec<[&'static str; 3]>);

/// A policy and its bindings.
pub(crate) struct Bound {
    pub(crate) policy: Value,
    pub(crate) bindings: Vec<Value>,
}

impl Expressions {
    pub(crate) fn table() -> Expressions {
        let lines = include_str!("expressions.txt").lines().filter(|line| !line.starts_with('#'));
        Expressions(lines.map(|line| line.splitn(3, ' ').collect::<Vec<_>>().try_into().unwrap()).collect())
    }

    /// How many there are for a sort of objects and a type.
    pub(crate) fn suited(&self, sort: Sort, ty: &str) -> Vec<&'static str> {
        let own = match sort {
            Sort::Pod | Sort::Deployment => "pod",
            Sort::Service => "service",
            Sort::ConfigMap => "config",
        };
        let fits = |[kinds, of, _]: &&[&str; 3]| (*kinds == own || *kinds == "any") && *of == ty;
        self.0.iter().filter(fits).map(|[_, _, text]| *text).collect()
    }

    /// One of them with its places filled in.
    fn one(&self, random: &mut Random, sort: Sort, ty: &str) -> String {
        let suited = self.suited(sort, ty);
        let template = suited[random.below(suited.len())];
        filled(random, sort, template)
    }

    /// A condition: one of the table, or several of it combined.
    pub(crate) fn condition(&self, random: &mut Random, sort: Sort, variables: &[String], params: bool) -> String {
        let a = self.one(random, sort, "bool");
        let named = match variables.len() {
            0 => "true".to_owned(),
            count => format!("variables.{}", variables[random.below(count)]),
        };
        if params && random.once_in(2) {
            let template = random_param(random);
            return filled(random, sort, template);
        }
        match random.below(12) {
            0 => format!("({a}) && ({})", self.one(random, sort, "bool")),
            1 => format!("({a}) || ({})", self.one(random, sort, "bool")),
            2 => format!("!({a})"),
            3 => format!("({a}) ? ({}) : ({})", self.one(random, sort, "bool"), self.one(random, sort, "bool")),
            4 | 5 if !variables.is_empty() => format!("{named} == ({a})"),
            6 if !variables.is_empty() => format!("[{named}].all(x, x == {named}) || ({a})"),
            _ => a,
        }
    }

    fn text(&self, random: &mut Random, sort: Sort, variables: &[String]) -> String {
        let a = self.one(random, sort, "string");
        match random.below(6) {
            0 => format!("({a}) + ' / ' + ({})", self.one(random, sort, "string")),
            1 if !variables.is_empty() => {
                format!("'%s: %s'.format([variables.{}, ({a})])", variables[random.below(variables.len())])
            }
            _ => a,
        }
    }

    /// A policy for objects of the sort, with bindings for the namespaces of a batch.
    pub(crate) fn policy(&self, random: &mut Random, sort: Sort, batch: usize, number: usize) -> Bound {
        let name = format!("p{batch}-{number}");
        let params = random.once_in(5);
        let mut spec = json!({"failurePolicy": if random.once_in(4) { "Ignore" } else { "Fail" }});
        spec["matchConstraints"] = constraints(random, sort);
        if params {
            spec["paramKind"] = json!({"apiVersion": "v1", "kind": "ConfigMap"});
        }
        let variables = self.variables(random, sort, &mut spec);
        if random.once_in(3) {
            let list = (0..1 + random.below(2)).map(
                |i| json!({"name": format!("condition-{i}"), "expression": self.condition(random, sort, &[], false)}),
            );
            spec["matchConditions"] = list.collect();
        }
        let annotations = random.below(3);
        let validations = if annotations == 0 { 1 + random.below(3) } else { random.below(3) };
        if validations > 0 {
            spec["validations"] = (0..validations).map(|_| self.validation(random, sort, &variables, params)).collect();
        }
        if annotations > 0 {
            let list = (0..annotations).map(|i| {
                let ty = if random.once_in(20) { "nullable" } else { "string" };
                json!({"key": format!("key-{i}"), "valueExpression": self.one(random, sort, ty)})
            });
            spec["auditAnnotations"] = list.collect();
        }
        let policy = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name}, "spec": spec,
        });
        let count = 1 + usize::from(random.once_in(6));
        let bindings = (0..count).map(|i| binding(random, &name, batch, i, params)).collect();
        Bound { policy, bindings }
    }

    fn variables(&self, random: &mut Random, sort: Sort, spec: &mut Value) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let mut list = Vec::new();
        for number in 0..random.below(4) {
            // Not composed of earlier ones too often: errors in variables hide everything else.
            let known: &[String] = if random.once_in(3) { &names } else { &[] };
            let expression = self.condition(random, sort, known, false);
            let name = format!("v{number}");
            list.push(json!({"name": name, "expression": expression}));
            names.push(name);
        }
        if !list.is_empty() {
            spec["variables"] = Value::Array(list);
        }
        names
    }

    fn validation(&self, random: &mut Random, sort: Sort, variables: &[String], params: bool) -> Value {
        let mut out = json!({"expression": self.condition(random, sort, variables, params)});
        if random.once_in(3) {
            out["message"] = random.one(&["a plain message", "  spaces  ", "with \"quotes\" and 日本語"]).into();
        }
        if random.once_in(2) {
            out["messageExpression"] = self.text(random, sort, variables).into();
        }
        if random.once_in(3) {
            out["reason"] = random.one(&["Invalid", "Forbidden", "RequestEntityTooLarge"]).into();
        }
        out
    }
}

fn random_param(random: &mut Random) -> &'static str {
    random.one(&[
        "params.data.limit == '{i}'",
        "params != null && int(params.data.limit) > {i}",
        "params == null",
        "object.metadata.name.startsWith(params.data['prefix'])",
        "params.metadata.name == '{s}'",
        "params.metadata.namespace == object.metadata.namespace",
        "params.kind == 'ConfigMap' && params.apiVersion == 'v1'",
        "has(params.data) && params.data.size() < {i}",
        "params.data.nothing == ''",
        "params.metadata.?labels[?'{k}'].hasValue()",
    ])
}

fn filled(random: &mut Random, sort: Sort, template: &str) -> String {
    let spec = if sort == Sort::Deployment { "object.spec.template.spec" } else { "object.spec" };
    let text = template.replace("{p}", spec);
    let number = random.below(7).to_string();
    text.replace("{i}", &number).replace("{s}", random.one(&TEXTS)).replace("{k}", random.one(&KEYS))
}

fn constraints(random: &mut Random, sort: Sort) -> Value {
    let (group, version, plural) = sort.resource();
    let rule = match random.below(8) {
        0 => json!({"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}),
        1 => json!({"apiGroups": [group], "apiVersions": [version], "operations": ["CREATE"], "resources": [plural]}),
        2 => json!({"apiGroups": [group, "batch"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE", "DELETE"],
            "resources": ["jobs", plural, format!("{plural}/status")], "scope": "Namespaced"}),
        3 => {
            json!({"apiGroups": [group], "apiVersions": [version], "operations": ["UPDATE", "DELETE"], "resources": [plural]})
        }
        4 => json!({"apiGroups": [group], "apiVersions": ["v1", "v1beta1"], "operations": ["CREATE", "UPDATE"],
            "resources": [format!("{plural}/*"), plural]}),
        _ => json!({"apiGroups": [group], "apiVersions": [version], "operations": ["*"], "resources": [plural]}),
    };
    let mut out = json!({"resourceRules": [rule]});
    if random.once_in(8) {
        out["objectSelector"] = selector(random);
    }
    if random.once_in(12) {
        out["excludeResourceRules"] =
            json!([{"apiGroups": [group], "apiVersions": [version], "operations": ["UPDATE"], "resources": [plural]}]);
    }
    if random.once_in(12) {
        out["matchPolicy"] = random.one(&["Exact", "Equivalent"]).into();
    }
    if random.once_in(15) {
        out["resourceRules"][0]["resourceNames"] = json!(["web-1", "a-2", "db-3"]);
    }
    out
}

fn selector(random: &mut Random) -> Value {
    let (key, text) = (random.one(&KEYS), random.one(&TEXTS));
    match random.below(4) {
        0 => json!({"matchLabels": {key: text}}),
        1 => json!({"matchExpressions": [{"key": key, "operator": "NotIn", "values": [text, "b"]}]}),
        2 => json!({"matchExpressions": [{"key": key, "operator": "Exists"}]}),
        _ => json!({"matchExpressions": [{"key": key, "operator": "DoesNotExist"}]}),
    }
}

fn binding(random: &mut Random, policy: &str, batch: usize, number: usize, params: bool) -> Value {
    let actions = match random.below(6) {
        0 => json!(["Warn", "Audit"]),
        1 => json!(["Audit"]),
        // Few refuse: the first refusal hides the object.
        2 if batch.is_multiple_of(3) => json!(["Deny"]),
        _ => json!(["Warn"]),
    };
    let mut spec = json!({"policyName": policy, "validationActions": actions,
        "matchResources": {"namespaceSelector": {"matchLabels": {"batch": batch.to_string()}}}});
    if random.once_in(8) {
        spec["matchResources"]["objectSelector"] = selector(random);
    }
    if params {
        let missing = random.one(&["Allow", "Deny"]);
        spec["paramRef"] = match random.below(6) {
            0 => json!({"name": "nobody", "namespace": "params", "parameterNotFoundAction": missing}),
            1 => {
                json!({"selector": {"matchLabels": {"set": random.one(&["one", "two", "none"])}}, "namespace": "params",
                "parameterNotFoundAction": missing})
            }
            2 => json!({"selector": {}, "namespace": "params", "parameterNotFoundAction": missing}),
            3 => json!({"name": "own", "parameterNotFoundAction": missing}),
            _ => {
                json!({"name": random.one(&["first", "second"]), "namespace": "params", "parameterNotFoundAction": missing})
            }
        };
    }
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": format!("{policy}-{number}")}, "spec": spec,
    })
}

/// Somebody who is not the administrator, and a service account.
fn permissions() -> Vec<Value> {
    let api = "rbac.authorization.k8s.io/v1";
    let rbac = "rbac.authorization.k8s.io";
    vec![
        json!({"apiVersion": api, "kind": "ClusterRole", "metadata": {"name": "worker"}, "rules": [
            {"apiGroups": ["", "apps"], "resources": ["pods", "pods/exec", "services", "configmaps", "deployments", "deployments/scale"],
                "verbs": ["create", "update", "get", "delete"]},
            {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["one"], "verbs": ["get"]},
            {"nonResourceURLs": ["/metrics", "/logs/*"], "verbs": ["get"]}]}),
        json!({"apiVersion": api, "kind": "ClusterRoleBinding", "metadata": {"name": "worker"},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "worker"},
            "subjects": [{"apiGroup": rbac, "kind": "User", "name": "alice"}]}),
        json!({"apiVersion": api, "kind": "Role", "metadata": {"name": "reader", "namespace": "params"}, "rules": [
            {"apiGroups": ["*"], "resources": ["pods"], "verbs": ["list", "watch"]}]}),
        json!({"apiVersion": api, "kind": "RoleBinding", "metadata": {"name": "reader", "namespace": "params"},
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "reader"},
            "subjects": [{"kind": "ServiceAccount", "name": "builder", "namespace": "params"},
                {"apiGroup": rbac, "kind": "Group", "name": "system:serviceaccounts"}]}),
    ]
}

/// What the generated bindings refer to: a namespace for each batch and objects for parameters.
pub(crate) fn surroundings(batches: usize) -> Vec<Value> {
    let namespace = |batch: usize| {
        let mut labels = json!({"batch": batch.to_string(), "app": TEXTS[batch % TEXTS.len()]});
        if batch.is_multiple_of(2) {
            labels["env"] = "prod".into();
        }
        let mut metadata = json!({"name": format!("batch-{batch}"), "labels": labels});
        if batch.is_multiple_of(4) {
            metadata["annotations"] = json!({"note": "x"});
        }
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    };
    let settings = |namespace: &str, name: &str, labels: Value, data: Value| {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "data": data,
            "metadata": {"name": name, "namespace": namespace, "labels": labels}})
    };
    let mut all: Vec<Value> = (0..batches).map(namespace).collect();
    all.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "params"}}));
    all.push(settings("params", "first", json!({"set": "one", "app": "web"}), json!({"limit": "3", "prefix": "web"})));
    all.push(settings("params", "second", json!({"set": "two"}), json!({"limit": "none"})));
    all.push(settings("params", "third", json!({"set": "one"}), json!({"limit": "1", "prefix": "a", "more": ""})));
    all.extend(permissions());
    for batch in (0..batches).step_by(2) {
        all.push(settings(&format!("batch-{batch}"), "own", json!({}), json!({"limit": "5", "prefix": "db"})));
    }
    all
}
