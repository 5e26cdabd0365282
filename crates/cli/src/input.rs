//! Which files are read: walks folders, respects ignore files, opens nothing that is not a regular file.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use globset::{Glob, GlobSet, GlobSetBuilder};
use manifest::limits::FILE_BYTES_MAX;
use model::Judgement;
use model::coverage::GapKind;

use crate::args::JudgeArgs;

/// Most files of one run. A monorepo of a large company stays below a tenth.
const FILES_MAX: usize = 1_000_000;

/// One thing to judge, or the reason why it is not judged.
#[derive(Debug)]
pub(crate) struct Source {
    /// Path as shown.
    pub(crate) shown: String,
    /// Where the bytes come from.
    pub(crate) content: Content,
}

#[derive(Debug)]
pub(crate) enum Content {
    /// A file to read when its turn comes.
    File(PathBuf),
    /// Text already at hand: standard input, or the output of a renderer.
    Text(Vec<u8>),
    /// Not judged.
    Skipped(Judgement, Option<(GapKind, String)>),
}

/// A pattern given by the user is no glob.
#[derive(Debug, thiserror::Error)]
#[error("`{pattern}` is no valid pattern: {source}")]
pub(crate) struct BadGlob {
    pattern: String,
    source: globset::Error,
}

/// A walk over the paths that the user named.
#[derive(Debug)]
pub(crate) struct Walk {
    include: Option<GlobSet>,
    exclude: GlobSet,
    ignore: bool,
}

impl Walk {
    /// A walk over every file that may hold documents, ignored ones too.
    pub(crate) fn everything() -> Self {
        Walk { include: None, exclude: GlobSet::empty(), ignore: false }
    }

    pub(crate) fn new(args: &JudgeArgs) -> Result<Self, BadGlob> {
        Ok(Walk {
            include: if args.include.is_empty() { None } else { Some(globs(&args.include)?) },
            exclude: globs(&args.exclude)?,
            ignore: !args.no_ignore,
        })
    }

    /// All sources below the given paths, in a stable order.
    pub(crate) fn sources(&self, paths: &[PathBuf]) -> Vec<Source> {
        let mut sources = Vec::new();
        for path in paths {
            if path == Path::new("-") {
                sources.push(standard_input());
            } else {
                self.path(path, &mut sources);
            }
        }
        sources
    }

    fn path(&self, path: &Path, sources: &mut Vec<Source>) {
        let skip = |kind, message: String| Source {
            shown: path.display().to_string(),
            content: Content::Skipped(Judgement::NotJudged, Some((kind, message))),
        };
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) => {
                sources.push(skip(GapKind::Unreadable, format!("cannot be opened: {error}; check the path")));
                return;
            }
        };
        if metadata.is_dir() {
            self.folder(path, sources);
        } else {
            // A file that the user names is read whatever it is called; the read refuses devices.
            sources.push(Source { shown: path.display().to_string(), content: Content::File(path.to_owned()) });
        }
    }

    fn folder(&self, folder: &Path, sources: &mut Vec<Source>) {
        let walk = ignore::WalkBuilder::new(folder)
            .hidden(false)
            .ignore(self.ignore)
            .git_ignore(self.ignore)
            .git_exclude(self.ignore)
            .git_global(false)
            .require_git(false)
            .parents(self.ignore)
            .follow_links(false)
            .sort_by_file_name(std::cmp::Ord::cmp)
            .filter_entry(|entry| entry.depth() == 0 || entry.file_name() != ".git")
            .build();
        let first = sources.len();
        for entry in walk {
            if sources.len() - first >= FILES_MAX {
                sources.push(Source {
                    shown: folder.display().to_string(),
                    content: Content::Skipped(
                        Judgement::NotJudged,
                        Some((GapKind::Error, format!("more than {FILES_MAX} files; name smaller folders"))),
                    ),
                });
                return;
            }
            match entry {
                Ok(entry) => self.entry(folder, &entry, sources),
                Err(error) => sources.push(Source {
                    shown: folder.display().to_string(),
                    content: Content::Skipped(
                        Judgement::NotJudged,
                        Some((GapKind::Unreadable, format!("cannot be walked: {error}"))),
                    ),
                }),
            }
        }
    }

    fn entry(&self, folder: &Path, entry: &ignore::DirEntry, sources: &mut Vec<Source>) {
        let path = entry.path();
        let Some(kind) = entry.file_type() else { return };
        let linked_folder = kind.is_symlink() && std::fs::metadata(path).is_ok_and(|target| target.is_dir());
        let template = kind.is_file() && is_template_name(path);
        if kind.is_dir() || !(is_manifest_name(path) || linked_folder || template) {
            return;
        }
        let shown = path.strip_prefix("./").unwrap_or(path).display().to_string();
        let below = path.strip_prefix(folder).unwrap_or(path);
        let excluded = |set: &GlobSet| set.is_match(below) || set.is_match(path);
        if excluded(&self.exclude) || self.include.as_ref().is_some_and(|set| !excluded(set)) {
            sources.push(Source { shown, content: Content::Skipped(Judgement::Excluded, None) });
            return;
        }
        let content = if template {
            let message = "a template of another tool; judge its rendered output instead, or exclude it".to_owned();
            Content::Skipped(Judgement::NotJudged, Some((GapKind::NotRendered, message)))
        } else if kind.is_file() {
            Content::File(path.to_owned())
        } else {
            let what = if kind.is_symlink() { "a symbolic link, which is not followed" } else { "no regular file" };
            let gap = (GapKind::NotUnderstood, format!("{what}; name the target to have it judged"));
            Content::Skipped(Judgement::NotJudged, Some(gap))
        };
        sources.push(Source { shown, content });
    }
}

/// Reads a file whole, unless it is a device, a pipe or above the limit.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    // Looked at before opening: opening a FIFO would wait for its writer.
    let metadata = std::fs::metadata(path).map_err(|error| format!("cannot be opened: {error}; check the path"))?;
    if !metadata.is_file() {
        return Err("no regular file; pass its content on standard input".to_owned());
    }
    let file = File::open(path).map_err(|error| format!("cannot be opened: {error}; check its permissions"))?;
    let mut bytes = Vec::with_capacity(metadata.len().min(FILE_BYTES_MAX) as usize + 1);
    read_bounded(file, &mut bytes)?;
    Ok(bytes)
}

fn standard_input() -> Source {
    let mut bytes = Vec::new();
    let content = match read_bounded(std::io::stdin().lock(), &mut bytes) {
        Ok(()) => Content::Text(bytes),
        Err(message) => Content::Skipped(Judgement::NotJudged, Some((GapKind::Error, message))),
    };
    Source { shown: "<stdin>".to_owned(), content }
}

fn read_bounded(from: impl Read, bytes: &mut Vec<u8>) -> Result<(), String> {
    let read = from.take(FILE_BYTES_MAX + 1).read_to_end(bytes).map_err(|error| format!("cannot be read: {error}"))?;
    if read as u64 > FILE_BYTES_MAX {
        return Err(format!("larger than {} MiB; split it", FILE_BYTES_MAX >> 20));
    }
    Ok(())
}

fn is_manifest_name(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    ["yaml", "yml", "json", "jsonl", "ndjson"].iter().any(|known| extension.eq_ignore_ascii_case(known))
        || path.file_name().is_some_and(|name| name == "Kustomization")
}

/// Whether the name says that a template engine makes a manifest of the file: `deploy.yaml.j2`.
fn is_template_name(path: &Path) -> bool {
    const ENGINES: [&str; 10] =
        ["tpl", "tmpl", "j2", "jinja", "jinja2", "gotmpl", "template", "erb", "mustache", "hbs"];
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or("");
    ENGINES.contains(&ending) && path.file_stem().is_some_and(|stem| is_manifest_name(Path::new(stem)))
}

fn globs(patterns: &[String]) -> Result<GlobSet, BadGlob> {
    let bad = |pattern: &str| {
        let pattern = pattern.to_owned();
        move |source| BadGlob { pattern, source }
    };
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(Glob::new(pattern).map_err(bad(pattern))?);
        // A bare name means that name anywhere, and a folder means everything in it.
        let trimmed = pattern.trim_end_matches('/');
        set.add(Glob::new(&format!("{trimmed}/**")).map_err(bad(pattern))?);
        set.add(Glob::new(&format!("**/{trimmed}")).map_err(bad(pattern))?);
    }
    set.build().map_err(bad(""))
}
