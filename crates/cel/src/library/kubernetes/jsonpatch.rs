//! Paths of JSON patches.

use super::super::arguments::{made_text, text};
use crate::decl::Library;
use crate::types::Type;

/// `jsonpatch.escapeKey`
pub fn jsonpatch() -> Library {
    Library::default().function(
        "jsonpatch.escapeKey",
        "string_jsonpatch_escapeKey_string",
        &[Type::String],
        Type::String,
        |context, args| {
            let key = text(args, 0)?;
            context.allocate(key.len().saturating_mul(2))?;
            made_text(context, key.replace('~', "~0").replace('/', "~1"))
        },
    )
}
