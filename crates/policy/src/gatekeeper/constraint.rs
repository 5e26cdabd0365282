//! Constraints: what a template is applied to, with which parameters, and what follows from a violation.

use std::sync::Arc;

use manifest::build::Draft;
use manifest::{Tree, Value};

use super::matching::Match;
use super::rego::Parameters;
use super::report::Report;
use super::schema;
use super::template::{Code, Template};
use crate::admission::verdict::Actions;

/// A constraint.
#[derive(Debug)]
pub(super) struct Constraint {
    /// `metadata.name`
    pub(super) name: Arc<str>,
    /// Its kind, that of the template.
    pub(super) kind: Arc<str>,
    /// Index of its template.
    pub(super) template: usize,
    /// The whole object with defaults.
    pub(super) tree: Tree<'static>,
    /// `spec.parameters` for Rego.
    pub(super) parameters: Parameters,
    /// `spec.match`
    pub(super) matches: Match,
    enforcement: Enforcement,
}

#[derive(Clone, Debug)]
enum Enforcement {
    One(Action),
    /// Action and the points where it is taken.
    Scoped(Vec<(Action, Vec<Point>)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Deny,
    Warn,
    Dryrun,
}

/// Where a constraint is enforced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Point {
    /// `validation.gatekeeper.sh`: the admission webhook.
    #[default]
    Webhook,
    /// `audit.gatekeeper.sh`
    Audit,
    /// `gator.gatekeeper.sh`: checks outside of a cluster.
    Gator,
    /// `vap.k8s.io`
    AdmissionPolicy,
    /// `*`
    All,
}

impl Point {
    fn read(name: &str) -> Option<Point> {
        Some(match name {
            "validation.gatekeeper.sh" => Point::Webhook,
            "audit.gatekeeper.sh" => Point::Audit,
            "gator.gatekeeper.sh" => Point::Gator,
            "vap.k8s.io" => Point::AdmissionPolicy,
            "*" => Point::All,
            _ => return None,
        })
    }
}

impl Constraint {
    /// Whether a document is a constraint of whatever kind and version.
    pub(super) fn is(root: Value<'_>) -> bool {
        root.str_at("apiVersion").is_some_and(|version| version.starts_with("constraints.gatekeeper.sh/"))
    }

    /// Reads a constraint of a template. `None` when it is refused.
    pub(super) fn read(
        root: Value<'_>,
        (index, template): (usize, &Template),
        report: &mut Report,
    ) -> Option<Constraint> {
        let version = root.str_at("apiVersion").unwrap_or("").rsplit('/').next().unwrap_or("");
        if !["v1beta1", "v1alpha1"].contains(&version) {
            report.refuse(root, "apiVersion", "expected constraints.gatekeeper.sh/v1beta1 or v1alpha1");
        }
        report.known(root, "", &["apiVersion", "kind", "metadata", "spec", "status"], true);
        let name = root.path(&["metadata", "name"]).and_then(Value::as_str).unwrap_or("");
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            report.refuse(root, "metadata.name", format!("must have 1 to {NAME_BYTES_MAX} characters"));
        }
        let spec = report.map(root, "", "spec");
        let parameters = spec.and_then(|spec| spec.get("parameters"));
        if let Some(spec) = spec {
            report.known(spec, "spec", &["match", "parameters", "enforcementAction", "scopedEnforcementActions"], true);
        }
        check_parameters(parameters, template, report);
        if parameters.is_none() {
            absent(root, template, report);
        }
        let matches = Match::read(spec.and_then(|spec| report.map(spec, "spec", "match")), "spec.match", report);
        let enforcement = enforcement(spec, report);
        unused(parameters, template, report);
        if report.refused() {
            return None;
        }
        let tree = complete(root, template);
        let parameters = Parameters::of(tree.root().path(&["spec", "parameters"]));
        let (name, kind) = (name.into(), template.kind.clone());
        Some(Constraint { name, kind, template: index, tree, parameters, matches, enforcement })
    }

    /// What follows from a violation at a point. `None` where the constraint is not enforced there.
    pub(super) fn actions(&self, point: Point) -> Option<Actions> {
        let mut actions = Actions::default();
        let mut add = |action: &Action| match action {
            Action::Deny => actions.deny = true,
            Action::Warn => actions.warn = true,
            Action::Dryrun => actions.audit = true,
        };
        match &self.enforcement {
            Enforcement::One(action) => add(action),
            Enforcement::Scoped(list) => {
                let here = |points: &[Point]| {
                    point == Point::All || points.iter().any(|known| *known == point || *known == Point::All)
                };
                let mut any = false;
                for (action, _) in list.iter().filter(|(_, points)| here(points)) {
                    any = true;
                    add(action);
                }
                if !any {
                    return None;
                }
            }
        }
        Some(actions)
    }
}

fn check_parameters(parameters: Option<Value<'_>>, template: &Template, report: &mut Report) {
    let Some(parameters) = parameters else { return };
    let mut breaches = Vec::new();
    match &template.schema {
        Some(schema) => schema::validate(schema.root(), parameters, "spec.parameters", template.legacy, &mut breaches),
        None if template.legacy => {}
        None => {
            report.refuse(parameters, "spec.parameters", "unknown field; the template has no schema for parameters");
        }
    }
    for breach in breaches {
        report.refuse(parameters, &breach.field, breach.message);
    }
}

/// Parameters that must be there in a constraint that has none at all. The API server looks into parameters only
/// where there are some, so such a constraint is taken and then judges with what it does not have.
fn absent(root: Value<'_>, template: &Template, report: &mut Report) {
    let Some(schema) = template.schema.as_ref().map(Tree::root) else { return };
    if schema.entry("default").is_some() {
        return;
    }
    for name in schema.list("required").filter_map(Value::as_str) {
        report.useless(root, &format!("spec.parameters.{name}"), "is required, and the constraint has no parameters");
    }
}

/// Parameters that no code of the template reads: whoever sets one believes that it does something.
fn unused(parameters: Option<Value<'_>>, template: &Template, report: &mut Report) {
    let read = match &template.code {
        Code::Rego(module) => &module.parameters,
        Code::Native(native) => &native.parameters,
    };
    let (Some(parameters), Some(read)) = (parameters, read) else { return };
    for (key, _) in parameters.entries() {
        let name = key.as_str().unwrap_or("");
        if !read.contains(name) {
            report.useless(key, &format!("spec.parameters.{name}"), "the template never reads this parameter");
        }
    }
}

fn complete(root: Value<'_>, template: &Template) -> Tree<'static> {
    let Some(schema) = &template.schema else { return root.to_tree() };
    let own = root.to_tree();
    let built = {
        let mut draft = Draft::from(own.root());
        if let Some(parameters) = draft.get_mut("spec").and_then(|spec| spec.get_mut("parameters")) {
            schema::complete(schema.root(), parameters);
        } else if let Some((_, default)) = schema.root().entry("default")
            && let Some(spec) = draft.get_mut("spec")
        {
            let mut value = Draft::from(default);
            schema::complete(schema.root(), &mut value);
            spec.put("parameters", value);
        }
        draft.build_owned(root.location().file).ok()
    };
    built.unwrap_or(own)
}

fn enforcement(spec: Option<Value<'_>>, report: &mut Report) -> Enforcement {
    let Some(spec) = spec else { return Enforcement::One(Action::Deny) };
    let scoped = spec.get("scopedEnforcementActions");
    match report.text(spec, "spec", "enforcementAction") {
        None | Some("" | "deny") => not_scoped(spec, scoped, Action::Deny, report),
        Some("warn") => not_scoped(spec, scoped, Action::Warn, report),
        Some("dryrun") => not_scoped(spec, scoped, Action::Dryrun, report),
        Some("scoped") => {
            if scoped.is_none() {
                report.refuse(
                    spec,
                    "spec.scopedEnforcementActions",
                    "is required, because enforcementAction is `scoped`",
                );
            }
            Enforcement::Scoped(scopes(spec, report))
        }
        Some(other) => {
            let message = format!("`{other}` is none of deny, warn, dryrun, scoped");
            report.refuse(spec, "spec.enforcementAction", message);
            Enforcement::One(Action::Deny)
        }
    }
}

fn not_scoped(spec: Value<'_>, scoped: Option<Value<'_>>, action: Action, report: &mut Report) -> Enforcement {
    if scoped.is_some() {
        let message = "has no effect, because enforcementAction is not `scoped`";
        report.useless(spec, "spec.scopedEnforcementActions", message);
    }
    Enforcement::One(action)
}

fn scopes(spec: Value<'_>, report: &mut Report) -> Vec<(Action, Vec<Point>)> {
    let mut list = Vec::new();
    for (index, item) in report.list(spec, "spec", "scopedEnforcementActions").into_iter().enumerate() {
        let path = format!("spec.scopedEnforcementActions[{index}]");
        report.known(item, &path, &["action", "enforcementPoints"], true);
        let action = match report.text(item, &path, "action") {
            Some("deny") => Action::Deny,
            Some("warn") => Action::Warn,
            Some("dryrun") => Action::Dryrun,
            other => {
                let message = format!("`{}` is none of deny, warn, dryrun", other.unwrap_or(""));
                report.refuse(item, &format!("{path}.action"), message);
                continue;
            }
        };
        let mut points = Vec::new();
        for (index, point) in report.list(item, &path, "enforcementPoints").into_iter().enumerate() {
            let path = format!("{path}.enforcementPoints[{index}]");
            report.known(point, &path, &["name"], true);
            let name = report.text(point, &path, "name").unwrap_or("");
            match Point::read(name) {
                Some(point) => points.push(point),
                None => report.useless(point, &format!("{path}.name"), format!("`{name}` is no enforcement point")),
            }
        }
        if points.is_empty() {
            report.useless(item, &format!("{path}.enforcementPoints"), "names no point, so the action is never taken");
        }
        list.push((action, points));
    }
    list
}

/// As in the definition that Gatekeeper makes for constraints.
const NAME_BYTES_MAX: usize = 63;
