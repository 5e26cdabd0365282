//! A real kube-apiserver takes every exported policy, and refuses what the built-in checks report.
//!
//! Needs curl, openssl and a folder with kube-apiserver, etcd and kubectl that KUBEBUILDER_ASSETS names.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

#[path = "../../manifest/tests/envtest/server.rs"]
mod server;

use policy::export::{Style, groups, write};
use server::Server;

#[test]
#[ignore = "needs KUBEBUILDER_ASSETS"]
fn every_exported_policy_is_taken() {
    let server = Server::start();
    let (text, count) = write(Style { actions: &["Deny"], prefix: "kobuk-" }, |_| true);
    let file = server.directory().join("exported.yaml");
    std::fs::write(&file, text).unwrap();
    let said = server.kubectl(&["apply", "--validate=strict", "-f", file.to_str().unwrap()]).unwrap();
    assert_eq!(said.matches(" created").count(), 2 * groups().count(), "{said}");
    assert!(count >= 80);
    let warnings: Vec<&str> = said.lines().filter(|line| line.contains("arning")).collect();
    assert!(warnings.is_empty(), "{warnings:?}");
}
