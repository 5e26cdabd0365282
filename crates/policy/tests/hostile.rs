//! What must hold for every policy, whatever somebody thinks up: one verdict for all ways to the same object, unknown
//! where a fact is missing, and no sum of exceptions that is more than its parts.

#![allow(clippy::unwrap_used, clippy::panic, dead_code)]

#[path = "hostile/builtins.rs"]
mod builtins;
#[path = "hostile/exceptions.rs"]
mod exceptions;
#[path = "hostile/lookups.rs"]
mod lookups;
#[path = "export/objects.rs"]
mod objects;
#[path = "export/outside.rs"]
mod outside;
#[path = "parity/random.rs"]
mod random;
#[path = "hostile/registries.rs"]
mod registries;
#[path = "hostile/seccomp.rs"]
mod seccomp;
#[path = "hostile/sizes.rs"]
mod sizes;
#[path = "hostile/ways.rs"]
mod ways;

use manifest::Tree;
use model::FileId;
use policy::admission::{Facts, Manifest, Sending, Verdict};
use policy::admission_policy::{Budgets, Level};
use policy::export::{Style, write};
use policy::policies::{Judged, Options, Policies};

/// All documents of a text.
fn trees(text: &str) -> Vec<Tree<'static>> {
    let mut list = Vec::new();
    manifest::documents(text, FileId(0), |document| list.push(document.unwrap().root().to_tree()));
    list
}

/// Policies that load without a complaint. What nothing binds is judged all the same.
fn policies(text: &str) -> Policies {
    let (policies, issues) = load(text);
    assert!(issues.is_empty(), "{issues:#?}");
    policies
}

/// Policies, and what is wrong with them.
fn load(text: &str) -> (Policies, Vec<String>) {
    let trees = trees(text);
    let documents: Vec<_> = trees.iter().map(Tree::root).collect();
    let options = Options { kubernetes_minor: 36, bind_all: true, prefer_rego: false };
    let (policies, issues) = Policies::load(&documents, &options);
    (policies, issues.iter().filter(|issue| issue.level != Level::Warning).map(ToString::to_string).collect())
}

/// The built-in checks that CEL can say.
fn builtin() -> Policies {
    policies(&write(Style { actions: &["Deny"], prefix: "" }, |_| true).0)
}

/// A policy pack of the repository.
fn pack(name: &str) -> String {
    let path = format!("{}/../../policies/{name}/policy.yaml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

fn facts(text: &str) -> Facts {
    let mut facts = Facts::new();
    trees(text).iter().for_each(|tree| facts.add(tree.root()).unwrap());
    facts
}

/// Judges a manifest as it is sent.
fn judge<'d>(policies: &Policies, object: &'d Tree<'_>, sending: Sending<'d>, facts: &Facts) -> Judged {
    let manifest = Manifest::new(object.root(), sending, facts)
        .unwrap_or_else(|error| panic!("{error}\n{}", object.root().to_json()));
    policies.judge(&manifest.request(), facts, policies.inventory(facts).as_ref(), &mut Budgets::default())
}

/// What verdicts say, without what they cost.
fn said(verdicts: &[Verdict]) -> Vec<String> {
    verdicts.iter().map(|verdict| format!("{}: {:?}", verdict.policy, verdict.ruling)).collect()
}
