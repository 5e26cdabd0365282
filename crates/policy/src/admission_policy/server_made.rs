//! Fields that the API server makes between a manifest and the policies: nobody knows them before the request.
//!
//! A policy that looks at one of them has no verdict on a manifest that does not give it. Which policies look is told
//! from their expressions, once.

use std::sync::Arc;

use cel::ast::{Expr, ExprKind, Literal};
use cel::fault::Fact;
use manifest::Value;

use super::compile::{Compiled, Expression, visit};
use crate::admission::request::{Operation, Request};

/// A field that the server makes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Made {
    /// The field above it, where its own name is not telling enough.
    parent: Option<&'static str>,
    field: &'static str,
    /// Kind of the core group whose objects have it; any when empty.
    kind: &'static str,
    /// Name for people.
    shown: &'static str,
}

const fn made(parent: Option<&'static str>, field: &'static str, kind: &'static str, shown: &'static str) -> Made {
    Made { parent, field, kind, shown }
}

static MADE: [Made; 9] = [
    made(Some("metadata"), "name", "", "object.metadata.name, which the server generates"),
    made(Some("metadata"), "uid", "", "object.metadata.uid"),
    made(Some("metadata"), "creationTimestamp", "", "object.metadata.creationTimestamp"),
    made(None, "clusterIP", "Service", "object.spec.clusterIP"),
    made(None, "clusterIPs", "Service", "object.spec.clusterIPs"),
    made(None, "ipFamilies", "Service", "object.spec.ipFamilies"),
    made(None, "ipFamilyPolicy", "Service", "object.spec.ipFamilyPolicy"),
    made(None, "nodePort", "Service", "nodePort of object.spec.ports"),
    made(None, "healthCheckNodePort", "Service", "object.spec.healthCheckNodePort"),
];

/// The fields among them that a policy looks at.
pub(crate) fn looked_at(policy: &Compiled) -> Vec<&'static Made> {
    let mut found = Vec::new();
    let expressions = policy
        .match_conditions
        .iter()
        .chain(&policy.variables)
        .chain(&policy.validations)
        .chain(policy.messages.iter().flatten())
        .chain(&policy.audit_annotations)
        .chain(&policy.mutations);
    for Expression { checked, .. } in expressions {
        visit(&checked.ast.root, &mut |node| {
            let Some((operand, field)) = selected(node) else { return };
            let parent = selected(operand).map(|(_, parent)| parent);
            for made in &MADE {
                let fits = made.field == field && made.parent.is_none_or(|wanted| parent == Some(wanted));
                if fits && !found.contains(&made) {
                    found.push(made);
                }
            }
        });
    }
    found
}

/// What is selected from what: `a.b`, `a.?b`, `a['b']`, `a[?'b']`.
fn selected(node: &Expr) -> Option<(&Expr, &str)> {
    match &node.kind {
        ExprKind::Select(select) => Some((&select.operand, &select.field)),
        ExprKind::Call(call) if matches!(&*call.function, "_?._" | "_[_]" | "_[?_]") => {
            let mut parts = call.target.iter().chain(&call.args);
            let (operand, key) = (parts.next()?, parts.next()?);
            let ExprKind::Literal(Literal::Str(key)) = &key.kind else { return None };
            Some((operand, key))
        }
        _ => None,
    }
}

/// Those of them that this request will have and does not say.
pub(crate) fn missing(made: &[&'static Made], request: &Request<'_>) -> Option<Arc<[Fact]>> {
    if made.is_empty() || !request.planned || request.operation != Operation::Create {
        return None;
    }
    let object = request.object?;
    let facts: Arc<[Fact]> =
        made.iter().filter(|made| made.is_open(object, request)).map(|made| Fact { name: made.shown.into() }).collect();
    (!facts.is_empty()).then_some(facts)
}

impl Made {
    fn is_open(&self, object: Value<'_>, request: &Request<'_>) -> bool {
        if !self.kind.is_empty() && (&*request.kind.group, &*request.kind.kind) != ("", self.kind) {
            return false;
        }
        let spec = object.get("spec");
        let of_spec = |field| spec.is_some_and(|spec| spec.get(field).is_some());
        match self.field {
            "name" => request.name.is_empty(),
            "uid" | "creationTimestamp" => true,
            "nodePort" => {
                let opens = matches!(spec.and_then(|spec| spec.str_at("type")), Some("NodePort" | "LoadBalancer"));
                let mut ports = spec.into_iter().flat_map(|spec| spec.list("ports"));
                opens && ports.any(|port| port.get("nodePort").is_none())
            }
            "healthCheckNodePort" => {
                spec.and_then(|spec| spec.str_at("externalTrafficPolicy")) == Some("Local") && !of_spec(self.field)
            }
            // A Service that is only a name has no address.
            field => spec.and_then(|spec| spec.str_at("type")) != Some("ExternalName") && !of_spec(field),
        }
    }
}

#[cfg(test)]
mod tests {
    use model::FileId;

    use super::super::{Budgets, LoadOptions, PolicySet};
    use crate::admission::{Facts, Manifest, Ruling};

    /// What a policy of one expression says about the creation of an object.
    fn judged(expression: &str, object: &str) -> String {
        let policy = format!(
            "{{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {{name: p}}, spec: \
             {{matchConstraints: {{resourceRules: [{{apiGroups: ['*'], apiVersions: ['*'], operations: [CREATE], \
             resources: ['*']}}]}}, validations: [{{expression: \"{expression}\"}}]}}}}"
        );
        let mut said = String::new();
        manifest::documents(&policy, FileId(0), |policy| {
            let policy = policy.unwrap();
            let options = LoadOptions { env: cel::library::kubernetes((1, 36)), bind_all: true };
            let (set, issues) = PolicySet::load([policy.root()], &options);
            assert!(issues.iter().all(|issue| issue.level == super::super::Level::Warning), "{issues:?}");
            manifest::documents(object, FileId(1), |object| {
                let object = object.unwrap();
                let facts = Facts::new();
                let made = Manifest::create(object.root(), &facts).unwrap();
                let verdicts = set.evaluate(&made.request(), &facts, &mut Budgets::default());
                said = match &verdicts[0].ruling {
                    Ruling::Unknown(facts) => facts.iter().map(|fact| fact.name.to_string()).collect(),
                    other => format!("{other:?}").split('(').next().unwrap_or("").to_owned(),
                };
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
        let headless = "object.spec.?clusterIP.orValue('') == 'None'";
        assert_eq!(judged(headless, &service("clusterIP: None, ports: [{port: 80}]")), "Satisfied");
        assert_eq!(judged(headless, &service("ports: [{port: 80}]")), "object.spec.clusterIP");
        let ports = "object.spec.ports.all(p, p.?nodePort.orValue(30000) >= 30000)";
        assert_eq!(judged(ports, &service("type: NodePort, ports: [{port: 80}]")), "nodePort of object.spec.ports");
        assert_eq!(judged(ports, &service("type: NodePort, ports: [{port: 80, nodePort: 30001}]")), "Satisfied");
        assert_eq!(judged(ports, &service("ports: [{port: 80}]")), "Satisfied");
    }
}
