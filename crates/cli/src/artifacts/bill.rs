//! `kobuk sbom`.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use image::sbom::{self, Bill, Change, Difference, Options, cyclonedx, spdx};
use model::package::{Damage, Doubt};
use serde_json::json;

use super::args::{DiffFormat, SbomArgs, SbomCommand, SbomFormat};
use super::target::Means;
use crate::env;
use crate::exit::Exit;
use crate::report::Shown;
use crate::verbs::{chain, remark, talk, usage};

/// Writes, compares or validates bills of materials.
pub(crate) fn run(args: &SbomArgs, out: &mut dyn Write) -> Exit {
    match &args.command {
        Some(SbomCommand::Diff { old, new, format }) => diff(old, new, *format, out),
        Some(SbomCommand::Validate { files }) => validate(files, out),
        None => write(args, out),
    }
}

fn write(args: &SbomArgs, out: &mut dyn Write) -> Exit {
    let Some(target) = &args.target else { return usage("name an image or a folder") };
    let means = Means::plain(args.jobs, args.no_cache, args.cache_dir.as_ref(), Some(&args.source), args.quiet);
    let scanned =
        means.and_then(|means| match Path::new(target).is_dir() && !Path::new(target).join("oci-layout").exists() {
            true => means.folder(target, is_root(Path::new(target))),
            false => means.image(target),
        });
    let scanned = match scanned {
        Ok(scanned) => scanned,
        Err(message) => {
            talk("error", &message);
            return Exit::NotJudged;
        }
    };
    for damage in scanned.failed.iter().chain(&scanned.inventory.damage).filter(|_| !args.quiet) {
        let path = if damage.path.is_empty() { String::new() } else { format!("{}: ", damage.path) };
        remark(&format!("{path}{}", damage.message));
    }
    let inventory = &scanned.inventory;
    let mut bill = Bill::new(scanned.subject, inventory.distro.as_ref(), &inventory.packages);
    // What may hide packages and was not brought by a package of the system.
    let doubted = |damage: &&Damage| damage.doubt == Doubt::Packages && damage.owner.is_none();
    let incomplete = !scanned.failed.is_empty() || inventory.damage.iter().any(|damage| doubted(&damage));
    if incomplete {
        bill.damage.push("packages may be missing".into());
    }
    let time = env::source_date_epoch().map(model::exception::format_date);
    let options = Options { tool_version: env!("CARGO_PKG_VERSION"), timestamp: time.as_deref(), serial: None };
    let text = match args.format {
        SbomFormat::Cyclonedx => cyclonedx::write(&bill, cyclonedx::Version::V1_6, &options),
        SbomFormat::Cyclonedx17 => cyclonedx::write(&bill, cyclonedx::Version::V1_7, &options),
        SbomFormat::Spdx => spdx::write_json(&bill, &options),
        SbomFormat::SpdxTag => spdx::write_tag_value(&bill, &options),
        SbomFormat::Spdx3 => spdx::write_json_ld(&bill, &options),
        SbomFormat::Text => lines(&bill),
    };
    // Freeing thousands of packages one by one shortly before the process ends would cost a tenth of a cached run.
    std::mem::forget(bill);
    std::mem::forget(scanned.inventory);
    let written = match &args.output {
        Some(path) => fs::write(path, text),
        None => out.write_all(text.as_bytes()).and_then(|()| out.flush()),
    };
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            talk("error", &format!("cannot write the bill: {error}"));
            Exit::NotJudged
        }
        // A bill that may lack packages must not look like one that is whole.
        _ if incomplete => Exit::NotJudged,
        _ => Exit::Clean,
    }
}

/// Whether a folder looks like the root of a system rather than a source tree.
fn is_root(folder: &Path) -> bool {
    ["etc/os-release", "usr/lib/os-release", "var/lib/dpkg/status", "lib/apk/db/installed"]
        .iter()
        .any(|path| folder.join(path).exists())
}

fn lines(bill: &Bill) -> String {
    bill.entries.iter().map(|entry| format!("{}\n", entry.purl)).collect()
}

fn read(path: &Path) -> Result<Bill, String> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    sbom::read(&bytes).map_err(|error| format!("{}: {}", path.display(), chain(&error)))
}

fn diff(old: &Path, new: &Path, format: DiffFormat, out: &mut dyn Write) -> Exit {
    let (old, new) = match (read(old), read(new)) {
        (Ok(old), Ok(new)) => (old, new),
        (Err(message), _) | (_, Err(message)) => {
            talk("error", &message);
            return Exit::NotJudged;
        }
    };
    let difference = sbom::diff(&old, &new);
    let written = match format {
        DiffFormat::Text => text(&difference, out),
        DiffFormat::Json => {
            let changes = |list: &[Change]| list.iter().map(change_json).collect::<Vec<_>>();
            let value = json!({
                "added": difference.added, "removed": difference.removed, "changed": changes(&difference.changed),
                "relicensed": changes(&difference.relicensed), "same": difference.same,
            });
            serde_json::to_writer_pretty(&mut *out, &value).map_err(io::Error::from).and_then(|()| writeln!(out))
        }
    };
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => usage(&error.to_string()),
        _ if difference.is_empty() => Exit::Clean,
        _ => Exit::Findings,
    }
}

fn change_json(change: &Change) -> serde_json::Value {
    json!({ "package": change.package, "before": change.before, "after": change.after })
}

fn text(difference: &Difference, out: &mut dyn Write) -> io::Result<()> {
    for purl in &difference.removed {
        writeln!(out, "- {}", Shown(purl))?;
    }
    for purl in &difference.added {
        writeln!(out, "+ {}", Shown(purl))?;
    }
    for (changes, word) in [(&difference.changed, "version"), (&difference.relicensed, "license")] {
        for change in changes {
            let (before, after) = (change.before.join(", "), change.after.join(", "));
            writeln!(out, "~ {} {word} {} -> {}", Shown(&change.package), Shown(&before), Shown(&after))?;
        }
    }
    writeln!(
        out,
        "{} added, {} removed, {} changed, {} relicensed, {} the same",
        difference.added.len(),
        difference.removed.len(),
        difference.changed.len(),
        difference.relicensed.len(),
        difference.same
    )
}

/// Whether documents are what their formats ask for.
fn validate(files: &[std::path::PathBuf], out: &mut dyn Write) -> Exit {
    let mut exit = Exit::Clean;
    for path in files {
        let shown = path.display();
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                talk("error", &format!("{shown}: {error}"));
                exit = Exit::NotJudged;
                continue;
            }
        };
        let faults = faults(&bytes);
        let told = match faults.is_empty() {
            true => writeln!(out, "{shown}: valid"),
            false => faults.iter().try_for_each(|fault| writeln!(out, "{shown}:{}", Shown(fault))),
        };
        if !faults.is_empty() && exit == Exit::Clean {
            exit = Exit::Findings;
        }
        if told.is_err() {
            return exit;
        }
    }
    let _ = out.flush();
    exit
}

/// What is wrong with a document: of CycloneDX in JSON everything, of other formats the first thing that keeps them from
/// being read.
fn faults(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let cyclonedx = sbom::parse_json(bytes)
        .ok()
        .filter(|value| value.get("spdxVersion").is_none() && value.get("@context").is_none());
    if let Some(document) = cyclonedx {
        let place = |fault: &cyclonedx::Fault| match cyclonedx::locate(&text, &fault.pointer) {
            Some((line, column)) => format!("{line}:{column}: {fault}"),
            None => format!(" {fault}"),
        };
        return cyclonedx::validate(&document).iter().map(place).collect();
    }
    match sbom::read(bytes) {
        Ok(bill) => bill.damage.iter().map(|damage| format!(" {damage}")).collect(),
        Err(error) => vec![format!(" {}", chain(&error))],
    }
}
