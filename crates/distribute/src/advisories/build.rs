//! Builds a database from files and folders.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use advisory::database::{BuildError, Builder, Database, KeepError};
use advisory::import::{self, Format, Item, Stats};
use advisory::record::{Epss, Exploited, Source};
use aws_lc_rs::digest::{SHA256, digest};
use bzip2::read::MultiBzDecoder;
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use image::tar::{Archive, EntryKind};
use model::digest::hex;
use rawzip::ZipArchive;

/// A source with where its files lie.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// What is said about it in the database.
    pub source: Source,
    /// A file, or a folder whose files are all read, in order of their names.
    pub path: PathBuf,
    /// The format; told by the content where it is left out.
    pub format: Option<Format>,
    /// The ecosystem, for formats that do not name it.
    pub ecosystem: Option<Box<str>>,
}

/// What became of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReport {
    /// The file, with the name inside of an archive after `!`.
    pub file: Box<str>,
    /// Its records, or why the whole file was not read.
    pub outcome: Result<Stats, Box<str>>,
}

/// What became of everything.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Files of which a record, or everything, could not be read; and files of no known format.
    pub problems: Vec<FileReport>,
    /// Sources that were kept as they were before.
    pub kept: Vec<Kept>,
    /// Files that were read.
    pub files: u64,
    /// Records that were read.
    pub records: u64,
}

/// A source whose files could not be used, and whose records are those of the database before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its name.
    pub source: Box<str>,
    /// Why.
    pub why: Box<str>,
    /// How many records were kept; none where the database before had none.
    pub records: u64,
}

/// Builds; gives the bytes of the file. Every file is accounted for: it is read, or stands among the problems.
pub fn build(inputs: &[Input], made_unix: i64) -> Result<(Vec<u8>, Report), BuildError> {
    build_on(inputs, made_unix, None, false)
}

/// Builds upon the database before: a source of which nothing can be read, or that gives an older file than before unless
/// `older` is allowed, keeps its records and its age. Each is named in [`Report::kept`].
pub fn build_on(
    inputs: &[Input],
    made_unix: i64,
    before: Option<&Database<'_>>,
    older: bool,
) -> Result<(Vec<u8>, Report), BuildError> {
    let (mut builder, mut report) = (Builder::new(), Report::default());
    let known = before.and_then(|before| before.sources().ok()).unwrap_or_default();
    let mut lost: Vec<Box<str>> = Vec::new();
    for input in inputs {
        let (records, problems) = (report.records, report.problems.len());
        let source = builder.source(input.source.clone());
        let mut work = Work {
            builder: &mut builder,
            report: &mut report,
            input,
            source,
            failed: None,
            made_unix: None,
            entries: Vec::new(),
        };
        work.path(&input.path, 0);
        let (failed, made, entries) = (work.failed, work.made_unix, work.entries);
        if let Some(error) = failed {
            return Err(error);
        }
        let old = known.iter().find(|old| old.name == input.source.name);
        let nothing = report.records == records && report.problems.len() > problems;
        let back = !older && made.zip(old.and_then(|old| old.made_unix)).is_some_and(|(new, old)| new < old);
        let why = if nothing { Some("nothing of it can be read") } else { None };
        let why = why.or(back.then_some("it is older than what was there before"));
        if let (Some(why), Some(before)) = (why, before) {
            builder.forget(source);
            let count = keep(&mut builder, before, old, source)?;
            report.kept.push(Kept { source: input.source.name.clone(), why: why.into(), records: count });
        } else {
            entries.into_iter().for_each(|entry| entry.add(&mut builder));
            if let Some(known) = builder.source_mut(source) {
                known.made_unix = known.made_unix.or(made);
            }
            // A source of which nothing or not everything was read does not cover anything wholly: its silence means
            // nothing, and other sources of the same ecosystem do not know what it knew.
            if report.records == records || report.problems.len() > problems {
                lost.extend(input.source.covers.iter().cloned());
            }
        }
    }
    if let Some(before) = before.filter(|_| !report.kept.is_empty()) {
        take_over(&mut builder, before);
    }
    for source in (0..inputs.len()).filter(|_| !lost.is_empty()) {
        if let Some(source) = builder.source_mut(source) {
            source.covers.retain(|cover| !lost.contains(cover));
        }
    }
    Ok((builder.finish(made_unix)?, report))
}

/// Keeps the records of a source. Where the database before knew nothing of it, or cannot be read, it covers nothing.
fn keep(builder: &mut Builder, before: &Database<'_>, old: Option<&Source>, source: usize) -> Result<u64, BuildError> {
    let kept = match old.map(|old| builder.keep(before, &old.name, source)) {
        None => None,
        Some(Ok(count)) => Some(count),
        Some(Err(KeepError::Build(error))) => return Err(error),
        Some(Err(KeepError::Read(_))) => None,
    };
    if let Some(slot) = builder.source_mut(source) {
        match old.filter(|_| kept.is_some()) {
            Some(old) => *slot = old.clone(),
            None => slot.covers.clear(),
        }
    }
    Ok(kept.unwrap_or_default())
}

/// Figures and entries about exploitation do not tell their source: where none came, those before stay.
fn take_over(builder: &mut Builder, before: &Database<'_>) {
    if builder.knows_no_exploitation() {
        before.all_exploited().into_iter().flatten().for_each(|entry| builder.exploited(entry));
    }
    if builder.knows_no_epss()
        && let Ok(figures) = before.all_epss()
    {
        figures.for_each(|figure| {
            builder.epss(&figure);
        });
    }
}

/// What is no advisory; taken only when the file is.
enum Entry {
    Exploited(Exploited),
    Epss(Epss),
}

impl Entry {
    fn add(self, builder: &mut Builder) {
        match self {
            Self::Exploited(entry) => builder.exploited(entry),
            Self::Epss(entry) => {
                builder.epss(&entry);
            }
        }
    }
}

struct Work<'a> {
    builder: &'a mut Builder,
    report: &'a mut Report,
    input: &'a Input,
    source: usize,
    failed: Option<BuildError>,
    made_unix: Option<i64>,
    entries: Vec<Entry>,
}

impl Work<'_> {
    fn path(&mut self, path: &Path, depth: usize) {
        let name = path.to_string_lossy();
        // Links are followed at the top only, where the user names them: inside of a folder they could lead in circles.
        let kind = if depth == 0 { fs::metadata(path) } else { fs::symlink_metadata(path) };
        match kind {
            Err(error) => self.problem(&name, &error.to_string()),
            Ok(kind) if kind.is_dir() && depth < DEPTH => {
                let entries = fs::read_dir(path).and_then(|entries| {
                    entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()
                });
                match entries {
                    Err(error) => self.problem(&name, &error.to_string()),
                    Ok(mut entries) => {
                        entries.sort();
                        entries.iter().for_each(|entry| self.path(entry, depth + 1));
                    }
                }
            }
            Ok(kind) if !kind.is_file() => self.problem(&name, "is no regular file, or lies too deep"),
            Ok(kind) if kind.len() > FILE_MAX => self.problem(&name, "is larger than 4 GiB"),
            // Digests and signatures stand beside what they are of.
            Ok(_)
                if depth > 0
                    && ["sha256", "sha512", "asc"]
                        .iter()
                        .any(|kind| path.extension().is_some_and(|have| have == *kind)) => {}
            Ok(_) => match fs::read(path) {
                Ok(bytes) => match digest_beside(path, &bytes) {
                    Ok(()) => self.bytes(&name, &bytes, 0),
                    Err(problem) => self.problem(&name, &problem),
                },
                Err(error) => self.problem(&name, &error.to_string()),
            },
        }
    }

    fn bytes(&mut self, name: &str, bytes: &[u8], depth: usize) {
        if depth < 2
            && let Some(decoder) = decoder(bytes)
        {
            let unpacked =
                decoder.map_err(|error| error.to_string()).and_then(|reader| self.packed(name, reader, depth));
            if let Err(problem) = unpacked {
                self.problem(name, &problem);
            }
            return;
        }
        if depth < 2 && is_tar(bytes) {
            if let Err(problem) = self.tar(name, bytes, depth) {
                self.problem(name, &problem);
            }
            return;
        }
        if depth < 2 && bytes.starts_with(b"PK\x03\x04") {
            if let Err(problem) = self.zip(name, bytes, depth) {
                self.problem(name, &problem);
            }
            return;
        }
        let Some(format) = self.input.format.or_else(|| import::detect(bytes)) else {
            return self.problem(name, "is of no format that is known");
        };
        let (builder, source, failed) = (&mut *self.builder, self.source, &mut self.failed);
        let entries = &mut self.entries;
        let mut odd = 0u64;
        let result = import::read(format, self.input.ecosystem.as_deref(), bytes, &mut |item| match item {
            Item::Advisory(advisory) => {
                if let Err(error) = builder.add(source, &advisory) {
                    failed.get_or_insert(error);
                }
            }
            Item::Exploited(entry) => entries.push(Entry::Exploited(entry)),
            Item::Epss(entry) if Builder::accepts(&entry) => entries.push(Entry::Epss(entry)),
            Item::Epss(_) => odd += 1,
        });
        match result {
            Err(error) => self.problem(name, &error.to_string()),
            Ok(mut stats) => {
                if odd > 0 {
                    stats.bad("figures of EPSS", "cve", &format!("{odd} have a name that is none of a CVE"));
                }
                self.report.files += 1;
                self.report.records += stats.read;
                self.made_unix = self.made_unix.max(stats.made_unix);
                if stats.bad > 0 {
                    self.report.problems.push(FileReport { file: name.into(), outcome: Ok(stats) });
                }
            }
        }
    }

    /// What was packed: an archive, which is read as it comes, because the largest unpack to more than memory holds; or a
    /// file.
    fn packed(&mut self, name: &str, mut reader: Box<dyn Read + '_>, depth: usize) -> Result<(), String> {
        let mut head = Vec::new();
        (&mut reader).take(TAR_HEAD).read_to_end(&mut head).map_err(|error| error.to_string())?;
        if is_tar(&head) {
            return self.tar(name, head.as_slice().chain(reader), depth);
        }
        let whole = unpack(head.as_slice().chain(reader))?;
        self.bytes(name, &whole, depth + 1);
        Ok(())
    }

    fn tar(&mut self, name: &str, reader: impl Read, depth: usize) -> Result<(), String> {
        let mut archive = Archive::new(reader);
        let mut total = 0u64;
        while let Some(entry) = archive.next_entry().map_err(|error| error.to_string())? {
            if !matches!(entry.kind, EntryKind::File) {
                continue;
            }
            let inner = format!("{name}!{}", String::from_utf8_lossy(&entry.name));
            total = total.saturating_add(entry.size);
            if total > UNPACKED_MAX {
                return Err("unpacks to more than 64 GiB".into());
            }
            if entry.size > FILE_MAX {
                self.problem(&inner, "is larger than 4 GiB");
                continue;
            }
            let mut content = Vec::new();
            loop {
                let chunk = archive.chunk().map_err(|error| error.to_string())?;
                if chunk.is_empty() {
                    break;
                }
                content.extend_from_slice(chunk);
            }
            self.bytes(&inner, &content, depth + 1);
        }
        Ok(())
    }

    fn zip(&mut self, name: &str, bytes: &[u8], depth: usize) -> Result<(), String> {
        let archive = ZipArchive::from_slice(bytes).map_err(|error| error.to_string())?;
        let (mut entries, mut total) = (archive.entries(), 0u64);
        while let Some(entry) = entries.next_entry().map_err(|error| error.to_string())? {
            if entry.is_dir() {
                continue;
            }
            let inner = format!("{name}!{}", String::from_utf8_lossy(entry.file_path().as_ref()));
            let method = entry.compression_method();
            let unpacked =
                archive.get_entry(entry.wayfinder()).map_err(|error| error.to_string()).and_then(|part| match method {
                    rawzip::CompressionMethod::STORE => unpack(part.verifying_reader(part.data())),
                    rawzip::CompressionMethod::DEFLATE => {
                        unpack(part.verifying_reader(DeflateDecoder::new(part.data())))
                    }
                    other => Err(format!("is packed by a method that is not read: {other:?}")),
                });
            match unpacked {
                Err(problem) => self.problem(&inner, &problem),
                Ok(unpacked) => {
                    total += unpacked.len() as u64;
                    if total > UNPACKED_MAX {
                        return Err("unpacks to more than 64 GiB".into());
                    }
                    self.bytes(&inner, &unpacked, depth + 1);
                }
            }
        }
        Ok(())
    }

    fn problem(&mut self, file: &str, problem: &str) {
        self.report.problems.push(FileReport { file: file.into(), outcome: Err(problem.into()) });
    }
}

/// Compares a file with the digest that stands beside it as `NAME.sha256`, when there is one.
fn digest_beside(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".sha256");
    let text = match fs::read_to_string(&beside) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        text => text.map_err(|error| format!("the digest beside it cannot be read: {error}"))?,
    };
    let wanted = crate::feeds::digest_in(&text).ok_or("the file .sha256 beside it has no digest")?;
    let found = hex(digest(&SHA256, bytes).as_ref());
    if found == wanted { Ok(()) } else { Err(format!("has SHA-256 {found}, and {wanted} stands beside it")) }
}

/// What unpacks the bytes, by their first ones; `None` where they are not packed.
fn decoder(bytes: &[u8]) -> Option<std::io::Result<Box<dyn Read + '_>>> {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return Some(Ok(Box::new(MultiGzDecoder::new(bytes))));
    }
    if bytes.starts_with(b"BZh") {
        return Some(Ok(Box::new(MultiBzDecoder::new(bytes))));
    }
    if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        return Some(zstd::Decoder::with_buffer(bytes).map(|decoder| Box::new(decoder) as Box<dyn Read>));
    }
    None
}

fn is_tar(bytes: &[u8]) -> bool {
    bytes.get(257..262) == Some(b"ustar")
}

fn unpack(reader: impl Read) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    reader.take(FILE_MAX + 1).read_to_end(&mut out).map_err(|error| error.to_string())?;
    if out.len() as u64 > FILE_MAX { Err("unpacks to more than 4 GiB".into()) } else { Ok(out) }
}

/// Folders in folders; the sources in use nest four deep.
const DEPTH: usize = 16;
/// The largest files of advisories in use, Red Hat's OVAL and the NVD in one piece, have about 2 GB.
const FILE_MAX: u64 = 4 << 30;
/// Red Hat's statements about all vulnerabilities, one file for each, unpack to some 20 GB; all of OSV to some 6 GB.
const UNPACKED_MAX: u64 = 64 << 30;
/// Bytes in which an archive shows itself.
const TAR_HEAD: u64 = 512;
