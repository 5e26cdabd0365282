//! One policy, one verdict: admission policies judged here and by a real kube-apiserver.
//!
//! Needs curl, openssl and a folder with kube-apiserver, etcd and kubectl that KUBEBUILDER_ASSETS names.
//! PARITY_RECORDING names a file that keeps what the server answered; if it is there, no server is asked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, dead_code)]

#[path = "parity/calls.rs"]
mod calls;
#[path = "parity/examples.rs"]
mod examples;
#[path = "parity/generated.rs"]
mod generated;
#[path = "parity/kobuk.rs"]
mod kobuk;
#[path = "parity/mutations.rs"]
mod mutations;
#[path = "parity/objects.rs"]
mod objects;
#[path = "parity/policies.rs"]
mod policies;
#[path = "parity/random.rs"]
mod random;
#[path = "parity/recording.rs"]
mod recording;
#[path = "../../manifest/tests/envtest/server.rs"]
mod server;

use std::path::PathBuf;

use crate::random::Random;
use crate::recording::Recording;
use crate::server::Server;

#[test]
#[ignore = "needs KUBEBUILDER_ASSETS"]
fn generated_policies_have_one_verdict() {
    let seed = number("PARITY_SEED", 0x9e37_79b9) as u64;
    let recording = recorded("generated", |server| {
        let mut random = Random(seed);
        let (batches, policies) = (number("PARITY_BATCHES", 120), number("PARITY_POLICIES", 6));
        let plans = generated::plans(&mut random, batches, policies, number("PARITY_OBJECTS", 24));
        generated::record(server, &mut random, &plans)
    });
    judge(&recording);
}

#[test]
#[ignore = "needs KUBEBUILDER_ASSETS"]
fn examples_have_one_verdict() {
    let folder = |path: &str| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    let mut folders = vec![folder("tests/parity/examples"), folder("../../policies")];
    // More policies than those that may be kept here.
    folders.extend(std::env::var_os("PARITY_EXAMPLES").map(PathBuf::from));
    let recording = recorded("examples", |server| {
        let style = policy::export::Style { actions: &["Warn"], prefix: "" };
        let (exported, _) = policy::export::write(style, |_| true);
        generated::record(server, &mut Random(7), &examples::plans(&folders, &exported))
    });
    judge(&recording);
}

#[test]
#[ignore = "needs KUBEBUILDER_ASSETS"]
fn mutations_make_one_object() {
    let recording = recorded("mutations", |server| {
        let mut random = Random(11);
        let plans = mutations::plans(&mut random, number("PARITY_OBJECTS", 12));
        generated::record(server, &mut random, &plans)
    });
    judge(&recording);
}

/// Holds Kobuk's verdicts against the recorded ones.
fn judge(recording: &Recording) {
    let documents: usize = recording.batches.iter().map(|batch| batch.documents.len()).sum();
    let tally = kobuk::compare(recording, SERVER_MINOR);
    eprintln!("{documents} policies and bindings in force, {} refused; {} requests:", tally.refused, tally.requests);
    eprintln!("  {} verdicts, {} warnings, {} audit annotations", tally.verdicts, tally.warnings, tally.annotations);
    eprintln!("  {} refused mutations", tally.refused_mutations);
    eprintln!("  from {} manifests {} verdicts", tally.manifests, tally.manifest_verdicts);
    eprintln!("  {} of them depend on what the server makes", tally.made_by_server);
    eprintln!("{} differ", tally.differences.len());
    if let Some(file) = std::env::var_os("PARITY_DIFFERENCES") {
        std::fs::write(file, tally.differences.join("\n---\n")).unwrap();
    }
    let shown: Vec<&str> = tally.differences.iter().take(20).map(String::as_str).collect();
    assert!(tally.differences.is_empty(), "{} differ:\n{}", tally.differences.len(), shown.join("\n---\n"));
}

/// The compatibility version of kube-apiserver 1.36: it takes new expressions of the version before.
const SERVER_MINOR: u32 = 35;

/// What a server answers, or answered.
fn recorded(name: &str, ask: impl FnOnce(&Server) -> Recording) -> Recording {
    let file = std::env::var_os("PARITY_RECORDING").map(|folder| PathBuf::from(folder).join(format!("{name}.json")));
    if let Some(recording) = file.as_deref().and_then(Recording::read) {
        return recording;
    }
    let recording = ask(&Server::start());
    if let Some(file) = file {
        recording.write(&file);
    }
    recording
}

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
