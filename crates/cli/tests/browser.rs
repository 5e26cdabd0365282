//! The HTML report in a real browser.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// Renders the page at a path and returns the document as the browser sees it, with the browser's log.
fn rendered(page: &Path) -> (String, String) {
    let profile = page.with_extension("profile");
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"])
        .args(["--disable-component-update", "--disable-sync", "--disable-quic", "--enable-logging=stderr", "--v=0"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg("--dump-dom")
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("chromium is installed: `cargo xtask test` does that");
    let _ = std::fs::remove_dir_all(profile);
    (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn report(name: &str, manifest: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("input.yaml"), manifest).unwrap();
    let page = folder.join("report.html");
    let status = Command::new(env!("CARGO_BIN_EXE_kobuk"))
        .current_dir(&folder)
        .args(["assess", "input.yaml", "--format", "html", "--output", "report.html"])
        .status()
        .unwrap();
    assert!(matches!(status.code(), Some(0..=2)), "{status}");
    page
}

#[test]
#[ignore = "needs Debian's chromium; `cargo xtask test` installs it and runs this"]
fn the_page_runs_under_its_own_content_security_policy() {
    let page = report(
        "policy",
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n    - name: web\n      image: web:latest\n",
    );
    let (document, log) = rendered(&page);
    assert!(document.contains("image-tag-latest"), "the findings are in the page");
    assert!(!log.contains("Content Security Policy"), "the browser refused something:\n{log}");
    assert!(!document.contains("http://") || !document.contains("src=\"http"), "nothing is loaded from outside");
}

#[test]
#[ignore = "needs Debian's chromium; `cargo xtask test` installs it and runs this"]
fn hostile_names_stay_text() {
    let page = report(
        "hostile",
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: \"</script><script>document.title='owned'</script><img src=x onerror=document.title='owned'>\"\nspec:\n  containers:\n    - name: \"\\\"><svg onload=document.title='owned'>\"\n      image: \"web:latest\"\n",
    );
    let (document, _) = rendered(&page);
    assert!(!document.contains("<title>owned"), "a script from the input ran");
    assert!(document.contains("&lt;/script&gt;") || document.contains("&lt;img"), "the name is shown as text");
}
