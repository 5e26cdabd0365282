//! Names of the modules of a template: packages, rules, imports.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::syntax::{items, path, rule_name};

/// What names of a template's modules mean.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Packages by module: `data.lib.helpers`.
    pub(super) packages: Vec<String>,
    /// Short names of imports by module.
    aliases: Vec<BTreeMap<String, String>>,
    /// Rules by full name.
    rules: BTreeSet<String>,
}

impl Names {
    /// Those of syntax trees as the parser writes them.
    pub(super) fn of(trees: &Value) -> Names {
        let mut names = Names::default();
        for tree in trees.as_array().into_iter().flatten() {
            let Some(module) = tree.get("ast") else { continue };
            let text = tree.get("source").and_then(|source| source.get("contents")?.as_str()).unwrap_or("");
            let package = module.get("package").and_then(|package| path(package.get("refr")?)).unwrap_or_default();
            let package = format!("data.{}", package.join("."));
            names.rules.extend(items(module, "rules").filter_map(rule_name).map(|name| format!("{package}.{name}")));
            names.packages.push(package);
            names.aliases.push(items(module, "imports").filter_map(|import| alias(import, text)).collect());
        }
        names
    }

    /// Rules without arguments, by name and path, in order.
    pub(super) fn values<'t>(&'t self, trees: &'t Value) -> impl Iterator<Item = (String, String)> + 't {
        let modules = trees.as_array().into_iter().flatten().filter_map(|tree| tree.get("ast"));
        let named = modules.zip(&self.packages).flat_map(|(module, package)| {
            let plain = |rule: &&Value| rule.get("Spec").is_some_and(|spec| spec["head"].get("Func").is_none());
            items(module, "rules").filter(plain).filter_map(rule_name).map(move |name| {
                let path = format!("{package}.{name}");
                (name, path)
            })
        });
        let mut seen = BTreeSet::new();
        named.filter(move |(_, path)| seen.insert(path.clone()))
    }

    /// The rule that a name means in a module: of its package, of an import, or by its whole path.
    pub(super) fn resolve(&self, module: usize, name: &str) -> Option<String> {
        let package = self.packages.get(module).map_or("", String::as_str);
        let (first, rest) = name.split_once('.').unwrap_or((name, ""));
        let mut candidates = vec![format!("{package}.{name}"), name.to_owned()];
        if let Some(full) = self.aliases.get(module).and_then(|aliases| aliases.get(first)) {
            candidates.push(if rest.is_empty() { full.clone() } else { format!("{full}.{rest}") });
        }
        for candidate in candidates {
            // The end of a reference may lead into the value of a rule.
            let mut whole = candidate.as_str();
            loop {
                if self.rules.contains(whole) {
                    return Some(whole.to_owned());
                }
                match whole.rsplit_once('.') {
                    Some((shorter, _)) if !shorter.is_empty() => whole = shorter,
                    _ => break,
                }
            }
        }
        None
    }
}

/// The short name of an import and what it stands for. The parser keeps the place of a new name, not its text.
fn alias(import: &Value, text: &str) -> Option<(String, String)> {
    let parts = import.get("refr").and_then(path)?;
    let renamed = import.get("as").filter(|span| !span.is_null()).map(|span| {
        let at = |key| span.get(key).and_then(Value::as_u64).unwrap_or(0) as usize;
        text.get(at("start")..at("end")).unwrap_or("").to_owned()
    });
    let name = renamed.or_else(|| parts.last().cloned())?;
    Some((name, parts.join(".")))
}
