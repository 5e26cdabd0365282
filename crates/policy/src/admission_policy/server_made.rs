//! Which fields that the API server makes an admission policy may come to.

use std::collections::HashMap;

use cel::ast::{Call, Comprehension, Expr, ExprId, ExprKind, Literal};

use super::compile::{Compiled, Expression};
use crate::admission::server_made::{Origin, Reached};

/// What the expressions of a policy may come to.
pub(crate) fn reached(policy: &Compiled) -> Reached {
    let mut reached = Reached::default();
    let mut variables: HashMap<&str, Origin> = HashMap::new();
    // A variable sees those before it.
    for (named, expression) in policy.spec.variables.iter().zip(&policy.variables) {
        let origin = follow(expression, &variables, &mut reached);
        variables.insert(&named.name, origin);
    }
    let expressions = policy
        .match_conditions
        .iter()
        .chain(&policy.validations)
        .chain(policy.messages.iter().flatten())
        .chain(&policy.audit_annotations);
    for expression in expressions {
        follow(expression, &variables, &mut reached);
    }
    reached
}

/// Where the value of an expression may come from.
fn follow(expression: &Expression, variables: &HashMap<&str, Origin>, reached: &mut Reached) -> Origin {
    let mut walk = Walk { variables, folds: HashMap::new(), scope: Vec::new(), reached, changed: false };
    for _ in 0..PASSES_MAX {
        walk.changed = false;
        let origin = walk.value(&expression.checked.ast.root);
        if !walk.changed {
            return origin;
        }
    }
    *reached = Reached::ALL;
    Origin::NOTHING
}

struct Walk<'w> {
    variables: &'w HashMap<&'w str, Origin>,
    /// Accumulators of folds, grown from one pass to the next.
    folds: HashMap<ExprId, Origin>,
    /// Names that folds declare, the innermost last.
    scope: Vec<(&'w str, Origin)>,
    reached: &'w mut Reached,
    changed: bool,
}

impl<'w> Walk<'w> {
    fn value(&mut self, node: &'w Expr) -> Origin {
        match &node.kind {
            ExprKind::Literal(_) => Origin::NOTHING,
            ExprKind::Ident(name) => self.name(name),
            ExprKind::Select(select) => {
                if matches!(&select.operand.kind, ExprKind::Ident(name) if &**name == "variables") {
                    return self.variables.get(&*select.field).copied().unwrap_or_default();
                }
                let part = self.value(&select.operand).part(Some(&select.field), self.reached);
                if select.test_only { Origin::NOTHING } else { part }
            }
            ExprKind::Call(call) => self.call(call),
            ExprKind::List(list) => self.all(&list.elements).within(),
            ExprKind::Map(entries) => {
                let each = entries.iter().map(|entry| self.value(&entry.key).or(self.value(&entry.value)));
                each.fold(Origin::NOTHING, Origin::or).within()
            }
            ExprKind::Struct(literal) => {
                let each = literal.fields.iter().map(|field| self.value(&field.value));
                each.fold(Origin::NOTHING, Origin::or).within()
            }
            ExprKind::Comprehension(fold) => self.fold(node.id, fold),
        }
    }

    fn name(&self, name: &str) -> Origin {
        if let Some((_, origin)) = self.scope.iter().rev().find(|(known, _)| *known == name) {
            return *origin;
        }
        match name {
            "object" | "oldObject" => Origin::OBJECT,
            "variables" => self.variables.values().copied().fold(Origin::NOTHING, Origin::or).within(),
            _ => name.strip_prefix("variables.").and_then(|name| self.variables.get(name)).copied().unwrap_or_default(),
        }
    }

    fn all(&mut self, parts: impl IntoIterator<Item = &'w Expr>) -> Origin {
        parts.into_iter().map(|part| self.value(part)).fold(Origin::NOTHING, Origin::or)
    }

    fn call(&mut self, call: &'w Call) -> Origin {
        let parts: Vec<&Expr> = call.target.iter().chain(&call.args).collect();
        match (&*call.function, parts.as_slice()) {
            ("_?._" | "_[_]" | "_[?_]", [operand, key]) => self.part(operand, key),
            ("@in", [key, operand]) => {
                self.part(operand, key);
                Origin::NOTHING
            }
            ("_?_:_", [condition, yes, no]) => {
                self.value(condition);
                self.value(yes).or(self.value(no))
            }
            ("_==_" | "_!=_", [a, b]) if let Some(spec) = headless(a, b).or_else(|| headless(b, a)) => {
                self.value(spec);
                Origin::NOTHING
            }
            ("_==_" | "_!=_", [a, b]) => {
                let either = self.value(a).or(self.value(b));
                if !is_null(a) && !is_null(b) {
                    either.whole(self.reached);
                }
                Origin::NOTHING
            }
            ("size", [operand]) => {
                self.value(operand).size(self.reached);
                Origin::NOTHING
            }
            ("first" | "last", [list]) => self.value(list).element(),
            (name, _) if PASSED_ON.contains(&name) => self.all(parts.iter().copied()),
            ("type" | "hasValue" | "_&&_" | "_||_" | "!_", _) => {
                self.all(parts.iter().copied());
                Origin::NOTHING
            }
            _ => {
                self.all(parts.iter().copied()).whole(self.reached);
                Origin::NOTHING
            }
        }
    }

    /// `operand[key]` in its spellings.
    fn part(&mut self, operand: &'w Expr, key: &'w Expr) -> Origin {
        let operand = self.value(operand);
        match &key.kind {
            ExprKind::Literal(Literal::Str(key)) => operand.part(Some(key), self.reached),
            ExprKind::Literal(_) => operand.element(),
            _ => {
                self.value(key);
                operand.part(None, self.reached)
            }
        }
    }

    fn fold(&mut self, id: ExprId, fold: &'w Comprehension) -> Origin {
        let item = self.value(&fold.range).part(None, self.reached);
        let kept = self.folds.get(&id).copied().unwrap_or_default();
        let mut accumulated = kept.or(self.value(&fold.init));
        let depth = self.scope.len();
        self.scope.push((&fold.accu, accumulated));
        self.scope.push((&fold.var, item));
        self.scope.extend(fold.var2.as_deref().map(|name| (name, item)));
        self.value(&fold.condition);
        accumulated = accumulated.or(self.value(&fold.step));
        self.scope.truncate(depth);
        if accumulated != kept {
            self.folds.insert(id, accumulated);
            self.changed = true;
        }
        self.scope.push((&fold.accu, accumulated));
        let result = self.value(&fold.result);
        self.scope.truncate(depth);
        result
    }
}

/// Where a comparison asks whether a Service has an address at all, `spec.?clusterIP.orValue('') == 'None'`, what the
/// address would be in. An address that the server chooses is never `None`.
fn headless<'e>(asked: &'e Expr, with: &Expr) -> Option<&'e Expr> {
    let text = |node: &Expr, text: &str| matches!(&node.kind, ExprKind::Literal(Literal::Str(is)) if &**is == text);
    let ExprKind::Call(or_value) = &asked.kind else { return None };
    let (Some(optional), [default]) = (&or_value.target, or_value.args.as_slice()) else { return None };
    let ExprKind::Call(select) = &optional.kind else { return None };
    let [spec, field] = select.args.as_slice() else { return None };
    let names = (&*or_value.function, &*select.function) == ("orValue", "_?._");
    (names && text(with, "None") && text(default, "") && text(field, "clusterIP")).then_some(spec)
}

fn is_null(node: &Expr) -> bool {
    matches!(node.kind, ExprKind::Literal(Literal::Null))
}

/// Functions that give what they are given, or a list of some of its parts.
const PASSED_ON: [&str; 13] = [
    "dyn",
    "_+_",
    "optional.of",
    "optional.ofNonZeroValue",
    "optional.none",
    "value",
    "orValue",
    "or",
    "slice",
    "reverse",
    "flatten",
    "optional.unwrap",
    "unwrapOpt",
];

/// Passes until nothing changes: each adds at least one part of the request to the origin of one fold, and folds that
/// hand on to one another settle in two or three.
const PASSES_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use model::FileId;

    use super::super::{Budgets, LoadOptions, PolicySet};
    use crate::admission::{Facts, Manifest, Operation, Ruling, Sending};

    const POLICY: &str = "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: p}, \
        spec: {matchConstraints: {resourceRules: [{apiGroups: ['*'], apiVersions: ['*'], operations: [CREATE], \
        resources: ['*']}]}, variables: [{name: m, expression: object.metadata}, {name: all, expression: '[object.metadata]'}], \
        validations: [{expression: \"EXPRESSION\"}]}}";

    fn options() -> LoadOptions {
        LoadOptions { env: cel::library::kubernetes((1, 36)), bind_all: true }
    }

    fn ruling(ruling: &Ruling) -> String {
        match ruling {
            Ruling::Unknown(facts) => facts.iter().map(|fact| fact.name.to_string()).collect(),
            other => format!("{other:?}").split('(').next().unwrap_or("").to_owned(),
        }
    }

    /// What a policy of one expression says about the creation of an object.
    fn judged(expression: &str, object: &str) -> String {
        let policy = POLICY.replace("EXPRESSION", expression);
        let mut said = String::new();
        manifest::documents(&policy, FileId(0), |policy| {
            let policy = policy.unwrap();
            let (set, issues) = PolicySet::load([policy.root()], &options());
            assert!(issues.iter().all(|issue| issue.level == super::super::Level::Warning), "{issues:?}");
            manifest::documents(object, FileId(1), |object| {
                let object = object.unwrap();
                let facts = Facts::new();
                let made = Manifest::create(object.root(), &facts).unwrap();
                said = ruling(&set.evaluate(&made.request(), &facts, &mut Budgets::default())[0].ruling);
            });
        });
        said
    }

    #[test]
    fn what_the_server_makes_is_unknown_before_the_request() {
        let pod = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: i}]}}";
        assert_eq!(judged("has(object.metadata.uid)", pod), "object.metadata.uid");
        assert_eq!(judged("object.metadata['uid'] != ''", pod), "object.metadata.uid");
        assert_eq!(judged("object.metadata.name != 'x'", pod), "Satisfied");
        assert_eq!(judged("request.userInfo.uid == 'x' || true", pod), "Satisfied");
        assert_eq!(judged("object.spec.?clusterIP.orValue('') == ''", pod), "Satisfied");
        assert_eq!(judged("object.spec.?template.?metadata.?uid.orValue('') == ''", pod), "Satisfied");
        let generated = "{apiVersion: v1, kind: ConfigMap, metadata: {generateName: p-}}";
        assert_eq!(
            judged("object.metadata.name != 'x'", generated),
            "object.metadata.name, which the server generates"
        );
    }

    #[test]
    fn what_the_manifest_gives_is_known() {
        let service =
            |spec: &str| format!("{{apiVersion: v1, kind: Service, metadata: {{name: s}}, spec: {{{spec}}}}}");
        // An address that the server chooses is never `None`.
        let headless = "object.spec.?clusterIP.orValue('') == 'None'";
        assert_eq!(judged(headless, &service("clusterIP: None, ports: [{port: 80}]")), "Satisfied");
        assert_eq!(judged(headless, &service("ports: [{port: 80}]")), "Violated");
        let private = "object.spec.?clusterIP.orValue('') != '203.0.113.1'";
        assert_eq!(judged(private, &service("ports: [{port: 80}]")), "object.spec.clusterIP");
        let ports = "object.spec.ports.all(p, p.?nodePort.orValue(30000) >= 30000)";
        assert_eq!(judged(ports, &service("type: NodePort, ports: [{port: 80}]")), "nodePort of object.spec.ports");
        assert_eq!(judged(ports, &service("type: NodePort, ports: [{port: 80, nodePort: 30001}]")), "Satisfied");
        assert_eq!(judged(ports, &service("ports: [{port: 80}]")), "Satisfied");
    }

    /// What a policy with a variable `m` says about a pod.
    fn of_pod(expression: &str) -> String {
        judged(
            expression,
            "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: i}]}}",
        )
    }

    #[test]
    fn whatever_way_leads_to_a_field_that_the_server_makes() {
        for way in [
            "has(variables.m.uid)",
            "'uid' in object.metadata",
            "size(object.metadata) == 2",
            "object.metadata.exists(k, k == 'uid')",
            "object.metadata.all(k, v, k != 'uid' || v != '')",
            "object.metadata == {'name': 'p'}",
            "[object.metadata].all(m, has(m.uid))",
            "{'m': object.metadata}.m.?uid.orValue('') != ''",
            "object['meta' + 'data'].?uid.orValue('') != ''",
            "optional.of(object).?metadata.?uid.orValue('') != ''",
            "object.all(k, object[k] == object[k])",
            "optional.of(object.metadata).optMap(m, has(m.uid)).orValue(false)",
            "[1, 2].map(i, object.metadata).exists(m, has(m.uid))",
            "[[object.metadata]].all(l, l.all(m, has(m.uid)))",
            "(object.kind == 'Pod' ? object.metadata : {}).?uid.orValue('') != ''",
            "object.metadata.?managedFields.hasValue()",
            "variables.all.exists(m, 'uid' in m)",
        ] {
            let said = of_pod(way);
            assert!(said.starts_with("object.metadata."), "{way}: {said}");
        }
    }

    #[test]
    fn what_does_not_lead_there_has_a_verdict() {
        for way in [
            "object != null",
            "object.metadata != null && has(object.metadata.labels) || true",
            "variables.m.name == 'p'",
            "'name' in object.metadata",
            "object.metadata.?labels.orValue({}).all(k, k != 'uid')",
            "object.spec.containers.all(c, c.name != 'uid')",
            "[object.spec.containers, object.spec.?initContainers.orValue([])].all(l, l.all(c, c.image != ''))",
            "object.metadata.?ownerReferences.orValue([]).all(r, r.uid != '')",
            "object.spec == object.spec",
        ] {
            assert_eq!(of_pod(way), "Satisfied", "{way}");
        }
    }

    /// What a policy says about the update of a ConfigMap by a manifest.
    fn of_update(expression: &str, old: &str) -> String {
        let policy = POLICY.replace("EXPRESSION", expression).replace("[CREATE]", "[UPDATE]");
        let object = "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: shop}, data: {a: b}}";
        let mut said = String::new();
        manifest::documents(&policy, FileId(0), |policy| {
            let policy = policy.unwrap();
            let (set, _) = PolicySet::load([policy.root()], &options());
            manifest::documents(object, FileId(1), |object| {
                let object = object.unwrap();
                manifest::documents(old, FileId(2), |old| {
                    let old = old.unwrap();
                    let sending = Sending {
                        operation: Some(Operation::Update),
                        old_object: Some(old.root()),
                        namespace: Some("shop"),
                        ..Sending::default()
                    };
                    let facts = Facts::new();
                    let made = Manifest::new(object.root(), sending, &facts).unwrap();
                    said = ruling(&set.evaluate(&made.request(), &facts, &mut Budgets::default())[0].ruling);
                });
            });
        });
        said
    }

    #[test]
    fn what_the_server_keeps_of_an_object_is_unknown_in_an_update_by_a_manifest() {
        let old = "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: shop}, data: {a: c}}";
        for (expression, said) in [
            ("has(object.metadata.uid)", "object.metadata.uid"),
            ("has(oldObject.metadata.uid)", "object.metadata.uid"),
            ("has(oldObject.metadata.resourceVersion)", "object.metadata.resourceVersion"),
            ("object.metadata.?generation == oldObject.metadata.?generation", "object.metadata.generation"),
            ("has(oldObject.status)", "object.status"),
            ("object.data != oldObject.data", "Satisfied"),
            ("object.metadata.name == oldObject.metadata.name", "Satisfied"),
        ] {
            assert_eq!(of_update(expression, old), said, "{expression}");
        }
    }
}
