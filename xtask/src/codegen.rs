//! Files made from code and committed, so that they can be read without building.

use std::io;
use std::path::{Path, PathBuf};

/// Every generated file with its text.
fn generated() -> Vec<(PathBuf, String)> {
    let mut files: Vec<(PathBuf, String)> = crate::rules()
        .iter()
        .copied()
        .map(|rule| (PathBuf::from(format!("docs/findings/{}.md", rule.code)), policy::docs::page(rule)))
        .collect();
    files.push((PathBuf::from("docs/findings/README.md"), index()));
    files.push((PathBuf::from("docs/secrets.md"), secrets()));
    files.push((PathBuf::from("docs/coverage.md"), crate::coverage::page()));
    files.push((PathBuf::from("docs/crd/exceptions.kobuk.dev.yaml"), policy::exceptions::CRD.to_owned()));
    files
}

/// Writes all generated files and removes pages of codes that are gone. Returns how many changed.
pub fn write(root: &Path) -> io::Result<usize> {
    let mut changed = 0;
    for (path, text) in generated() {
        let path = root.join(path);
        if std::fs::read_to_string(&path).ok().as_deref() != Some(&text) {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(&path, text)?;
            changed += 1;
        }
    }
    for orphan in orphans(root) {
        std::fs::remove_file(orphan)?;
        changed += 1;
    }
    Ok(changed)
}

/// What differs between the committed files and what the code says.
pub fn drift(root: &Path) -> Vec<String> {
    let stale = generated().into_iter().filter_map(|(path, text)| {
        let committed = std::fs::read_to_string(root.join(&path)).ok();
        (committed.as_deref() != Some(&text)).then(|| format!("{}: run `cargo xtask codegen`", path.display()))
    });
    let orphans = orphans(root).into_iter().map(|path| format!("{}: no rule has this code", path.display()));
    stale.chain(orphans).collect()
}

fn orphans(root: &Path) -> Vec<PathBuf> {
    let known: Vec<PathBuf> = generated().into_iter().map(|(path, _)| root.join(path)).collect();
    crate::files_below(&root.join("docs/findings"), &[".md"]).into_iter().filter(|path| !known.contains(path)).collect()
}

fn secrets() -> String {
    let mut text = String::from(
        "# Secrets\n\nMade by `cargo xtask codegen`. Formats that `kobuk scan image`, `fs` and `repo` look for. A value is told with its file, line and column, never \
         with itself; nothing is asked of the service that gave it out. Values that are placeholders, references such as `${NAME}`, or not random enough for their \
         format are none.\n",
    );
    for group in image::secrets::groups() {
        text.push_str(&format!("\n## {}\n\n| format | what it is | severity |\n|---|---|---|\n", group.title));
        for format in group.formats {
            text.push_str(&format!("| `{}` | {} | {} |\n", format.id, format.title, format.severity));
        }
    }
    text
}

fn index() -> String {
    let mut text = String::from(
        "# Finding codes\n\nEvery code is stable. `kobuk explain CODE` prints the same page.\n\n| code | severity | what is wrong | controls |\n|---|---|---|---|\n",
    );
    for rule in crate::rules() {
        let controls: Vec<&str> = rule.serves.iter().map(|serves| serves.control).collect();
        text.push_str(&format!(
            "| [{0}]({0}.md) | {1} | {2} | {3} |\n",
            rule.code,
            rule.severity,
            rule.title,
            controls.join(", ")
        ));
    }
    text
}
