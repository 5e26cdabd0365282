//! `K8sNativeValidation`: CEL in a template, evaluated as a ValidatingAdmissionPolicy whose parameters are the
//! constraint.

mod parameters;

use std::collections::BTreeSet;
use std::sync::Arc;

use manifest::Value;

use super::report::{Report, join};
use crate::admission::facts::Facts;
use crate::admission::matching::MatchResources;
use crate::admission::request::Request;
use crate::admission::server_made::Reached;
use crate::admission_policy::activation::{Given, Inputs};
use crate::admission_policy::compile::{Compiled, Compiler};
use crate::admission_policy::evaluate;
use crate::admission_policy::server_made;
use crate::admission_policy::trace::Trace;
use crate::admission_policy::validate::{self, Judgement};
use crate::admission_policy::{Budgets, Flavour, Named, ParamKind, PolicySpec, Source, Validation};

/// Compiles expressions; keeps environments from one template to the next.
pub(super) type Compilers = Compiler;

/// The CEL of one template.
#[derive(Debug)]
pub(super) struct Native {
    policy: Compiled,
    /// Parameters that are read by name; `None` when they are also read as a whole.
    pub(super) parameters: Option<BTreeSet<String>>,
    /// Fields that it may come to and that the API server makes.
    pub(super) reached: Reached,
}

/// Reads and compiles the source of the engine. `None` when it is refused.
pub(super) fn read(
    source: Value<'_>,
    path: &str,
    kind: &str,
    compiler: &mut Compilers,
    report: &mut Report,
) -> Option<Native> {
    report.known(source, path, &FIELDS, true);
    let ignores_failure = match report.text(source, path, "failurePolicy") {
        None | Some("Fail") => false,
        Some("Ignore") => true,
        Some(other) => {
            let message = format!("unrecognized failure policy: {other}");
            report.refuse(source, &join(path, "failurePolicy"), message);
            false
        }
    };
    let mut variables: Vec<Named> = OWN_VARIABLES
        .iter()
        .map(|(name, text)| Named { name: Arc::from(*name), source: own_source(text, path, source) })
        .collect();
    variables.extend(named(source, path, "variables", report));
    let match_conditions = named(source, path, "matchCondition", report);
    let validations = validations(source, path, report);
    if validations.is_empty() {
        report.useless(source, &join(path, "validations"), "is empty, so nothing is ever violated");
    }
    let spec = PolicySpec {
        flavour: Flavour::Validating,
        name: kind.to_lowercase().into(),
        location: source.location(),
        annotations: Vec::new(),
        ignores_failure,
        param_kind: Some(ParamKind { api_version: "constraints.gatekeeper.sh/v1beta1".into(), kind: kind.into() }),
        constraints: MatchResources::default(),
        named_resources: Vec::new(),
        match_conditions,
        variables,
        validations,
        audit_annotations: Vec::new(),
        mutations: Vec::new(),
        reinvoked: false,
    };
    if report.refused() {
        return None;
    }
    match compiler.compile(spec) {
        Ok((policy, _)) => {
            for raw in parameters::raw(&policy) {
                report.refuse(
                    source,
                    &raw.field,
                    "undeclared reference to 'params'; parameters are `variables.params`",
                );
            }
            (!report.refused()).then(|| Native {
                parameters: parameters::read(&policy),
                reached: server_made::reached(&policy),
                policy,
            })
        }
        Err(broken) => {
            for broken in broken {
                report.refuse(source, &broken.source.field, broken.message);
            }
            None
        }
    }
}

impl Native {
    /// Its expressions.
    pub(super) fn policy(&self) -> &Compiled {
        &self.policy
    }

    /// What it says, with Gatekeeper's own variables in front.
    pub(super) fn spec(&self) -> &PolicySpec {
        &self.policy.spec
    }

    /// Judges a request under a constraint.
    pub(super) fn judge<'v>(
        &'v self,
        request: &'v Request<'v>,
        constraint: Value<'v>,
        facts: &'v Facts,
        budgets: &mut Budgets<'_>,
        trace: &mut Trace,
    ) -> Judgement {
        let inputs: Inputs<'v> = evaluate::inputs(request, &request.kind, request.resource.as_ref(), facts);
        let inputs = Inputs { params: Given::Object(constraint), ..inputs };
        validate::judge(&self.policy, &inputs, budgets, trace)
    }
}

fn named(source: Value<'_>, path: &str, key: &str, report: &mut Report) -> Vec<Named> {
    let mut list = Vec::new();
    for (index, item) in report.list(source, path, key).into_iter().enumerate() {
        let path = format!("{}[{index}]", join(path, key));
        report.known(item, &path, &["name", "expression"], true);
        let name = report.text(item, &path, "name").unwrap_or("");
        if name.starts_with(RESERVED_PREFIX) {
            let message = format!("`{name}` cannot have \"{RESERVED_PREFIX}\" as a prefix");
            report.refuse(item, &join(&path, "name"), message);
        }
        if key == "variables" && OWN_VARIABLES.iter().any(|(own, _)| *own == name) {
            report.refuse(item, &join(&path, "name"), format!("\"{name}\" is a reserved keyword"));
        }
        if let Some(source) = expression(item, &path, "expression", report) {
            list.push(Named { name: name.into(), source });
        } else {
            report.refuse(item, &join(&path, "expression"), "is required");
        }
    }
    list
}

fn validations(source: Value<'_>, path: &str, report: &mut Report) -> Vec<Validation> {
    let mut list = Vec::new();
    for (index, item) in report.list(source, path, "validations").into_iter().enumerate() {
        let path = format!("{}[{index}]", join(path, "validations"));
        report.known(item, &path, &["expression", "message", "messageExpression"], true);
        let message = report.text(item, &path, "message").filter(|text| !text.is_empty()).map(Arc::from);
        let message_source = expression(item, &path, "messageExpression", report);
        match expression(item, &path, "expression", report) {
            Some(source) => list.push(Validation { source, message, message_source, reason: None }),
            None => report.refuse(item, &join(&path, "expression"), "is required"),
        }
    }
    list
}

fn expression(item: Value<'_>, path: &str, key: &str, report: &mut Report) -> Option<Source> {
    let text = report.text(item, path, key).filter(|text| !text.is_empty())?;
    let location = item.get(key).unwrap_or(item).location();
    Some(Source { text: text.into(), field: join(path, key), location })
}

fn own_source(text: &str, path: &str, source: Value<'_>) -> Source {
    Source { text: text.into(), field: path.to_owned(), location: source.location() }
}

/// What Gatekeeper puts before a template's own variables.
const OWN_VARIABLES: [(&str, &str); 2] = [
    ("anyObject", r#"has(request.operation) && request.operation == "DELETE" && object == null ? oldObject : object"#),
    ("params", "!has(params.spec) ? null : !has(params.spec.parameters) ? null: params.spec.parameters"),
];

const RESERVED_PREFIX: &str = "gatekeeper_internal_";

/// `matchCondition` is what Gatekeeper reads; the plural of other policies would have no effect.
const FIELDS: [&str; 5] = ["validations", "failurePolicy", "matchCondition", "variables", "generateVAP"];
