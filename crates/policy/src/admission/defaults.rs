//! The object of a CREATE as policies in a cluster see it: decoded into its type, defaults filled in, system fields
//! as the server sets them before it asks policies, encoded again.
//!
//! What depends on chance, time, the client or a controller is not made up: uid, creationTimestamp, a generated
//! name, managedFields, allocated addresses and ports, the volume with the token of a service account.

mod custom;
mod kinds;
mod pod;
mod table;

use std::borrow::Cow;

use manifest::schema::{self, TypeRef};
use manifest::{Data, Draft, Tree, Value};

use super::facts::Facts;
use super::review::{RequestError, error, kind_of};
use super::{resources, typed};

/// Which of the built-in admission plugins that are on by default run before policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plugins {
    /// A pod without one gets the service account `default`.
    pub service_account: bool,
    /// A pod tolerates nodes that are not ready or not reachable for five minutes.
    pub default_toleration_seconds: bool,
    /// A pod without a class has the priority 0, as long as the cluster has no default class.
    pub priority: bool,
    /// Volumes and claims are not removed while they are in use.
    pub storage_object_in_use_protection: bool,
    /// New nodes are not ready.
    pub taint_nodes_by_condition: bool,
}

impl Default for Plugins {
    fn default() -> Self {
        Plugins {
            service_account: true,
            default_toleration_seconds: true,
            priority: true,
            storage_object_in_use_protection: true,
            taint_nodes_by_condition: true,
        }
    }
}

/// Whether the object is about to be made or there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A CREATE: system fields that a client wrote are dropped, the status is empty, plugins run.
    Created,
    /// The object of an UPDATE or DELETE: system fields and status stay as they are.
    Stored,
}

/// The object as policies see it. `namespace` is where the request goes; empty for objects of the cluster.
///
/// # Errors
/// When a field has the wrong type: the API server refuses such an object before any policy is asked.
pub fn as_seen<'d>(
    object: Value<'d>,
    namespace: &str,
    stage: Stage,
    plugins: Plugins,
    facts: &Facts,
) -> Result<Tree<'static>, RequestError> {
    let kind = kind_of(object).ok_or_else(|| error(object, "kind", "expected an object with apiVersion and kind"))?;
    let file = object.location().file;
    let build =
        |draft: Draft<'d>| draft.build_owned(file).map_err(|fault| error(object, &kind.kind, &fault.to_string()));
    let Some(type_ref) = schema::kind(&kind.group, &kind.version, &kind.kind) else {
        let version = facts.definition(&kind.group, &kind.kind).and_then(|known| known.version(&kind.version));
        let mut draft = match version.and_then(|version| version.schema()) {
            Some(schema) => custom::conform(object, schema)?,
            None => Draft::from(object),
        };
        let decoded = match (object.get("metadata"), schema::object_meta()) {
            (Some(value), Some(kind)) => typed::decode(value, kind, "metadata")?,
            _ => Draft::map(Vec::new()),
        };
        draft.put("metadata", decoded);
        metadata(&mut draft, object, namespace, stage);
        if stage == Stage::Created {
            custom::create(&mut draft, version.is_some_and(|version| version.status));
        }
        return build(draft);
    };
    let mut draft = typed::decode(object, type_ref, "")?;
    if stage == Stage::Created {
        draft.take("status");
    }
    fill(&mut draft, type_ref);
    kinds::fill(&mut draft, &kind);
    if (&*kind.group, &*kind.kind) == ("", "Pod") {
        pod::fill(&mut draft, stage, plugins);
    }
    metadata(&mut draft, object, namespace, stage);
    if stage == Stage::Created {
        kinds::create(&mut draft, &kind, plugins);
    }
    typed::encode(&mut draft, type_ref);
    build(draft)
}

/// An object of a custom kind without a converter of its own in another version: `apiVersion` is changed and fields
/// that the other schema does not name are gone, but its defaults are not filled in.
pub(crate) fn converted(object: Value<'_>, api_version: &str, facts: &Facts) -> Option<Tree<'static>> {
    let kind = kind_of(object)?;
    let definition = facts.definition(&kind.group, &kind.kind).filter(|definition| definition.same_schema)?;
    let (group, version) = api_version.split_once('/')?;
    let target = definition.version(version).filter(|_| *definition.group == *group)?;
    let draft = custom::converted(object, api_version.to_owned(), target.schema());
    draft.build_owned(object.location().file).ok()
}

/// Fills in the defaults of types, innermost last, so that what a default adds is filled in too.
fn fill(draft: &mut Draft<'_>, kind: TypeRef) {
    table::fill(draft, kind);
    let by_value: Vec<&'static str> = kind
        .always()
        .iter()
        .filter(|(_, presence)| *presence == schema::Presence::Struct)
        .map(|(field, _)| *field)
        .collect();
    for field in by_value {
        if draft.get_mut(field).is_none() {
            draft.put(field, Draft::map(Vec::new()));
        }
    }
    kinds::fill_type(draft, kind);
    typed::each_typed(draft, kind, &mut |part, kind| fill(part, kind));
}

/// `metadata` as the server keeps it.
fn metadata(draft: &mut Draft<'_>, object: Value<'_>, namespace: &str, stage: Stage) {
    let Some(metadata) = draft.get_mut("metadata") else { return };
    if stage == Stage::Created {
        SYSTEM_FIELDS.iter().for_each(|field| drop(metadata.take(field)));
    }
    if !scoped(object) {
        metadata.take("namespace");
    } else if !namespace.is_empty() {
        metadata.put("namespace", Draft::text(namespace.to_owned()));
    }
}

/// Whether an object may have a namespace of its own.
fn scoped(object: Value<'_>) -> bool {
    let entry = kind_of(object).and_then(|kind| resources::of_kind(&kind.group, &kind.kind));
    entry.is_none_or(|entry| entry.namespaced)
}

/// Puts a value where there is none, or an empty one.
fn put_if_empty<'d>(draft: &mut Draft<'d>, field: &'static str, value: impl FnOnce() -> Draft<'d>) {
    if !draft.has(field) {
        draft.put(Cow::Borrowed(field), value());
    }
}

/// Whether a field holds this text.
fn is(draft: &Draft<'_>, field: &str, text: &str) -> bool {
    draft.peek(field).is_some_and(|value| value.as_str() == Some(text))
}

/// Whether a field is there and not an empty collection.
fn is_filled(draft: &Draft<'_>, field: &str) -> bool {
    draft.peek(field).is_some_and(|value| !matches!(value.data(), Data::Seq(0) | Data::Map(0)))
}

/// Fields of `metadata` that the server sets itself when it makes an object.
const SYSTEM_FIELDS: [&str; 7] = [
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "managedFields",
    "selfLink",
    "uid",
];

#[cfg(test)]
mod tests;
