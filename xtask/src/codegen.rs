//! `cargo xtask codegen`: tables that are made from published facts and committed.

mod schema;

use crate::Done;

/// Runs `codegen WHAT …`.
pub(crate) fn run(words: &[String]) -> Done {
    match words {
        [what, flag, file] if what == "schema" && flag == "--openapi" => {
            let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
            let table = schema::table(&text)?;
            let target = crate::root().join("crates/manifest/data/schema.txt");
            std::fs::write(&target, table).map_err(|error| format!("{}: {error}", target.display()))?;
            Ok(())
        }
        _ => Err("usage: cargo xtask codegen schema --openapi FILE".into()),
    }
}
