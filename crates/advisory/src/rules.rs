//! The rules about packages, with the words that explain them.

use model::{Rule, Scope, Serves, Severity};

const fn rule(
    code: &'static str,
    title: &'static str,
    severity: Severity,
    serves: &'static [Serves],
    words: [&'static str; 2],
) -> Rule {
    let [why, fix] = words;
    Rule { code, title, severity, scope: Scope::Package, serves, why, fix, example: "" }
}

/// A known vulnerability.
pub static VULNERABLE: Rule = rule(
    "vulnerable-package",
    "A package has a known vulnerability",
    Severity::High,
    &[Serves::full("DI-01"), Serves::part("DI-03"), Serves::part("DV-12")],
    [
        "Whoever finds the image or the service can look the vulnerability up, and mostly finds a program that uses it.",
        "Upgrade to the version in which it is fixed, or to a base image that has it; where it does not apply, say so with a VEX statement.",
    ],
);

/// A vulnerability that is used.
pub static EXPLOITED: Rule = rule(
    "exploited-vulnerability",
    "A package has a vulnerability that is being exploited",
    Severity::Critical,
    &[Serves::full("DI-03"), Serves::part("DI-01")],
    [
        "The catalogue of known exploited vulnerabilities lists it: it is not a possibility, attackers use it.",
        "Upgrade at once; until then take the service off the network, and look for traces.",
    ],
);

/// A package made to harm.
pub static MALICIOUS: Rule = rule(
    "malicious-package",
    "A package is malware",
    Severity::Critical,
    &[Serves::full("DI-02"), Serves::part("DV-27"), Serves::part("DI-01")],
    [
        "The version was published to steal or destroy; installing it may already have run it.",
        "Remove it, treat the machines that built or ran it as compromised, and change every secret they had.",
    ],
);

/// A package that nobody maintains.
pub static UNMAINTAINED: Rule = rule(
    "unmaintained-package",
    "A package is no longer maintained",
    Severity::Low,
    &[Serves::part("DV-27")],
    [
        "Faults that are found in it from now on stay.",
        "Move to the successor that the advisory names, or to another package.",
    ],
);

/// All rules about packages.
pub static RULES: &[&Rule] = &[&VULNERABLE, &EXPLOITED, &MALICIOUS, &UNMAINTAINED];

/// All rules of this crate.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    RULES.iter().copied()
}
