//! `cargo xtask test`: everything that the tests need, then all tests.

use std::path::Path;
use std::process::Command;

/// The tests cannot be run, or one of them failed.
#[derive(Debug)]
pub struct CheckupFailed(pub String);

/// Runs all tests, the ones in a browser too, and those against a real API server when
/// `KUBEBUILDER_ASSETS` names one.
pub fn run(root: &Path) -> Result<(), CheckupFailed> {
    cargo(root, &["test", "--workspace"])?;
    install_browser();
    if std::env::var_os("KUBEBUILDER_ASSETS").is_some() {
        return cargo(root, &["test", "--workspace", "--", "--ignored"]);
    }
    cargo(root, &["test", "-p", "cli", "--test", "browser", "--", "--ignored"])?;
    println!("tests against a real kube-apiserver were ignored: set KUBEBUILDER_ASSETS to run them");
    Ok(())
}

fn cargo(root: &Path, words: &[&str]) -> Result<(), CheckupFailed> {
    let status = Command::new(env!("CARGO")).args(words).current_dir(root).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(CheckupFailed(format!("cargo {} ended with {status}", words.join(" ")))),
        Err(error) => Err(CheckupFailed(format!("cargo cannot be run: {error}"))),
    }
}

/// Installs Debian's Chromium where there is none and the user may install packages. Without it the
/// browser test fails and says so.
fn install_browser() {
    if Command::new("chromium").arg("--version").output().is_ok() {
        return;
    }
    for words in [&["update", "-qq"][..], &["install", "-y", "-qq", "--no-install-recommends", "chromium"][..]] {
        let done = Command::new("apt-get").args(words).env("DEBIAN_FRONTEND", "noninteractive").output();
        if !done.is_ok_and(|output| output.status.success()) {
            println!("chromium is missing and `apt-get {}` failed: install it by hand", words.join(" "));
            return;
        }
    }
}
