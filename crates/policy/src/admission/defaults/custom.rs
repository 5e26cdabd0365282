//! Objects of custom kinds under the structural schema of their definition: fields that it does not name are gone,
//! its defaults are filled in.

use std::borrow::Cow;

use manifest::{Data, Draft, Value};

use crate::admission::review::{RequestError, error};

/// The object under a schema.
pub(super) fn conform<'d>(object: Value<'d>, schema: Value<'_>) -> Result<Draft<'d>, RequestError> {
    if !object.is_map() {
        return Err(error(object, "", "expected a mapping"));
    }
    let mut draft = Draft::from(object);
    prune(&mut draft, schema, true);
    fill(&mut draft, schema);
    Ok(draft)
}

/// The object as it is read in a version other than that which it was stored in.
pub(super) fn converted<'d>(object: Value<'d>, api_version: String, schema: Option<Value<'_>>) -> Draft<'d> {
    let mut draft = Draft::from(object);
    draft.put("apiVersion", Draft::text(api_version));
    if let Some(schema) = schema {
        prune(&mut draft, schema, true);
    }
    draft
}

/// What the server sets when it makes an object. A status that is a resource of its own is not made along with it.
pub(super) fn create(draft: &mut Draft<'_>, has_status: bool) {
    if has_status {
        draft.take("status");
    }
    if let Some(metadata) = draft.get_mut("metadata") {
        metadata.put("generation", Draft::int(1));
    }
}

/// Drops fields that the schema does not name. `object` says that `apiVersion`, `kind` and `metadata` stay.
fn prune(draft: &mut Draft<'_>, schema: Value<'_>, object: bool) {
    let keeps = schema.bool_at("x-kubernetes-preserve-unknown-fields") == Some(true);
    let properties = schema.get("properties");
    let additional = schema.get("additionalProperties");
    match draft.data() {
        Data::Map(_) => {
            let Some(entries) = draft.entries_mut() else { return };
            entries.retain_mut(|(name, value)| {
                let embedded = value_is_embedded(schema);
                if (object || embedded) && matches!(&**name, "apiVersion" | "kind" | "metadata") {
                    return true;
                }
                match properties
                    .and_then(|properties| properties.get(name))
                    .or(additional.filter(|other| other.is_map()))
                {
                    Some(inner) => {
                        prune(value, inner, false);
                        true
                    }
                    None => keeps || matches!(additional.map(Value::data), Some(Data::Bool(true))),
                }
            });
        }
        Data::Seq(_) => {
            let Some(inner) = schema.get("items") else { return };
            draft.items_mut().into_iter().flatten().for_each(|item| prune(item, inner, false));
        }
        _ => {}
    }
}

fn value_is_embedded(schema: Value<'_>) -> bool {
    schema.bool_at("x-kubernetes-embedded-resource") == Some(true)
}

/// Fills in defaults. Null counts as missing where the schema has a default and does not allow null.
fn fill(draft: &mut Draft<'_>, schema: Value<'_>) {
    match draft.data() {
        Data::Map(_) => {
            for (name, inner) in schema.get("properties").into_iter().flat_map(Value::entries) {
                let name = name.as_str().unwrap_or("");
                let default = inner.entry("default").map(|(_, value)| value);
                let nullable = inner.bool_at("nullable") == Some(true);
                let missing = draft.get_mut(name).is_none_or(|value| value.is_null() && !nullable);
                if let Some(default) = default.filter(|_| missing) {
                    draft.put(Cow::Owned(name.to_owned()), copied(default));
                }
                if let Some(value) = draft.get_mut(name) {
                    fill(value, inner);
                }
            }
            let Some(inner) = schema.get("additionalProperties").filter(|inner| inner.is_map()) else { return };
            draft.entries_mut().into_iter().flatten().for_each(|(_, value)| fill(value, inner));
        }
        Data::Seq(_) => {
            let Some(inner) = schema.get("items") else { return };
            draft.items_mut().into_iter().flatten().for_each(|item| fill(item, inner));
        }
        _ => {}
    }
}

/// A copy that outlives the schema. Calls nest as deep as the definition, which its reader has bounded.
fn copied<'d>(value: Value<'_>) -> Draft<'d> {
    match value.data() {
        Data::Map(_) => Draft::map(
            value
                .entries()
                .map(|(key, value)| (Cow::Owned(key.as_str().unwrap_or("").to_owned()), copied(value)))
                .collect(),
        ),
        Data::Seq(_) => Draft::seq(value.items().map(copied).collect()),
        Data::Str(text) => Draft::text(String::from(&**text)),
        Data::Int(value) => Draft::int(*value),
        Data::Bool(value) => Draft::bool(*value),
        Data::Float(value) => Draft::scalar(Data::Float(*value)),
        Data::Null => Draft::null(),
    }
}
