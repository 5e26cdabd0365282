//! What `status.typeChecking` of a policy would say: its validations, checked against the schemas of the kinds it
//! names.

use std::sync::Arc;

use cel::{Env, Type};
use manifest::schema;
use model::Location;

use super::compile::field_type;
use super::environment::{self, Extras, Types};
use super::schema_types::{Root, SchemaTypes};
use super::set::{LoadOptions, PolicySet};
use super::spec::{PolicySpec, Source};
use crate::admission::facts::Facts;
use crate::admission::resources;

/// A mistake that shows when the type of the object is known.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeWarning {
    /// The policy.
    pub policy: Arc<str>,
    /// Path of the expression, for example `spec.validations[0].expression`.
    pub field: String,
    /// For each kind that it does not fit: the kind, and what is wrong in the words of the type checker.
    pub warning: String,
    /// Where the expression stands.
    pub location: Location,
}

/// A kind of the API.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Gvk {
    group: String,
    version: String,
    kind: String,
}

impl PolicySet {
    /// Checks validations and message expressions of validating policies against the schemas of the kinds that
    /// their rules name; custom ones need their definition among the facts. Warnings change no verdict.
    pub fn type_check(&self, facts: &Facts, options: &LoadOptions) -> Vec<TypeWarning> {
        let mut warnings = Vec::new();
        for entry in &self.validating {
            check(&entry.policy.spec, facts, &options.env, &mut warnings);
        }
        warnings
    }
}

fn check(spec: &PolicySpec, facts: &Facts, base: &Env, warnings: &mut Vec<TypeWarning>) {
    let kinds: Vec<(Gvk, Env)> = kinds(spec, facts)
        .into_iter()
        .filter_map(|gvk| environment_of(spec, &gvk, facts, base).map(|env| (gvk, env)))
        .collect();
    if kinds.is_empty() {
        return;
    }
    let expressions =
        spec.validations.iter().flat_map(|item| std::iter::once(&item.source).chain(&item.message_source));
    for source in expressions {
        let mut text = Vec::new();
        for (gvk, env) in &kinds {
            if let Err(issues) = result_type(env, source) {
                text.push(format!("{}/{}, Kind={}: {issues}\n", gvk.group, gvk.version, gvk.kind));
            }
        }
        if !text.is_empty() {
            warnings.push(TypeWarning {
                policy: spec.name.clone(),
                field: source.field.clone(),
                warning: text.join("\n"),
                location: source.location,
            });
        }
    }
}

/// The kinds that a policy names without wildcards, in order; no more rules are read once one has ten.
fn kinds(spec: &PolicySpec, facts: &Facts) -> Vec<Gvk> {
    let mut found = Vec::new();
    'rules: for rule in &spec.named_resources {
        let mut count = 0;
        for (group, version, plural) in rule {
            for (group, kind) in kinds_for(group, version, plural, facts) {
                found.push(Gvk { group: group.to_owned(), version: version.clone(), kind });
                count += 1;
                if count == KINDS_MAX {
                    break 'rules;
                }
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Group and kind of a resource. For the API server's mapping of resources the empty group is any group.
fn kinds_for<'f>(group: &'f str, version: &str, plural: &str, facts: &'f Facts) -> Vec<(&'f str, String)> {
    let fits = |own: &str| group.is_empty() || own == group;
    let built_in = resources::of_plurals(plural)
        .iter()
        .filter(|_| resources::is_stable(version))
        .filter(|entry| fits(entry.group) && schema::kind(entry.group, version, entry.kind).is_some())
        .map(|entry| (entry.group, entry.kind.to_owned()));
    let custom = facts
        .definitions()
        .filter(|own| *own.plural == *plural && fits(&own.group) && own.version(version).is_some())
        .map(|own| (&*own.group, own.kind.to_string()));
    built_in.chain(custom).collect()
}

/// The environment in which `object` is of a kind; `None` when its schema is not known.
fn environment_of(spec: &PolicySpec, gvk: &Gvk, facts: &Facts, base: &Env) -> Option<Env> {
    let mut types = SchemaTypes::default();
    let object = types.add(&gvk.kind, root_of(&gvk.group, &gvk.version, &gvk.kind, facts)?);
    let params = spec.param_kind.as_ref().and_then(|kind| {
        let (group, version) = kind.api_version.split_once('/').unwrap_or(("", &kind.api_version));
        root_of(group, version, &kind.kind, facts).map(|root| types.add(&kind.kind, root))
    });
    let schemas = Arc::new(types);
    let mut env = base.clone();
    let extras = Extras { params: spec.param_kind.is_some(), authorizer: true };
    environment::declare(&mut env, extras, &object, &params.unwrap_or(Type::Dyn));
    env.rename(environment::VARIABLES, "variables");
    let mut known = Types { patches: false, variables: Some(Vec::new()), schemas: Some(schemas) };
    env.types = Some(Arc::new(known.clone()));
    for variable in &spec.variables {
        let of = result_type(&env, &variable.source).map_or(Type::Dyn, |of| field_type(&of));
        env.declare(&format!("variables.{}", variable.name), of.clone());
        if let Some(variables) = &mut known.variables {
            variables.push((variable.name.clone(), of));
        }
        env.types = Some(Arc::new(known.clone()));
    }
    Some(env)
}

fn root_of(group: &str, version: &str, kind: &str, facts: &Facts) -> Option<Root> {
    if let Some(own) = schema::kind(group, version, kind) {
        return Some(Root::BuiltIn(own));
    }
    let definition = facts.definition(group, kind)?;
    definition.version(version)?.schema().map(|schema| Root::Custom(schema.to_tree()))
}

fn result_type(env: &Env, source: &Source) -> Result<Type, cel::Issues> {
    let ast = cel::parse(&source.text, &env.syntax)?;
    cel::check(env, ast).map(|checked| checked.result().clone())
}

/// The API server checks so many kinds of one rule.
const KINDS_MAX: usize = 10;
