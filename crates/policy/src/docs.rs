//! The docs page of a rule, made from the rule itself so that the two cannot disagree.

use std::fmt::Write as _;

use model::{Proof, Rule};

/// The page `docs/findings/<code>.md`.
pub fn page(rule: &Rule) -> String {
    let mut page = format!("# {}\n\n{}.\n\n", rule.code, rule.title);
    let looks_at = rule.scope.noun();
    // Writing to a String cannot fail.
    let _ = writeln!(page, "| severity | looks at | controls |\n|---|---|---|");
    let controls: Vec<String> =
        rule.serves
            .iter()
            .map(|serves| {
                if serves.proof == Proof::Full { format!("**{}**", serves.control) } else { serves.control.to_owned() }
            })
            .collect();
    let _ = writeln!(page, "| {} | {looks_at} | {} |", rule.severity, controls.join(", "));
    let _ = writeln!(page, "\n## Why it matters\n\n{}", rule.why);
    let _ = writeln!(page, "\n## What to do\n\n{}", rule.fix);
    if !rule.example.is_empty() {
        let _ = writeln!(page, "\n```yaml\n{}\n```", rule.example.trim_end());
    }
    let _ = writeln!(
        page,
        "\n## Accepting the risk\n\nAn [Exception](../exceptions.md) with `findings: [{}]`, an owner, a reason and an expiry date.",
        rule.code
    );
    page
}
