//! Builds a database from files and folders.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use advisory::database::{BuildError, Builder};
use advisory::import::{self, Format, Item, Stats};
use advisory::record::Source;
use bzip2::read::MultiBzDecoder;
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use image::tar::{Archive, EntryKind};
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
    /// Files that were read.
    pub files: u64,
    /// Records that were read.
    pub records: u64,
}

/// Builds; gives the bytes of the file. Every file is accounted for: it is read, or stands among the problems.
pub fn build(inputs: &[Input], made_unix: i64) -> Result<(Vec<u8>, Report), BuildError> {
    let (mut builder, mut report) = (Builder::new(), Report::default());
    for input in inputs {
        let (records, problems) = (report.records, report.problems.len());
        let source = builder.source(input.source.clone());
        let mut work =
            Work { builder: &mut builder, report: &mut report, input, source, failed: None, made_unix: None };
        work.path(&input.path, 0);
        let (failed, made) = (work.failed, work.made_unix);
        if let Some(error) = failed {
            return Err(error);
        }
        // A source of which nothing or not everything was read does not cover anything wholly: its silence means nothing.
        let whole = report.records > records && report.problems.len() == problems;
        if let Some(known) = builder.source_mut(source) {
            known.made_unix = known.made_unix.or(made);
            if !whole {
                known.covers.clear();
            }
        }
    }
    Ok((builder.finish(made_unix)?, report))
}

struct Work<'a> {
    builder: &'a mut Builder,
    report: &'a mut Report,
    input: &'a Input,
    source: usize,
    failed: Option<BuildError>,
    made_unix: Option<i64>,
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
            Ok(_) => match fs::read(path) {
                Ok(bytes) => self.bytes(&name, &bytes, 0),
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
        let mut odd = 0u64;
        let result = import::read(format, self.input.ecosystem.as_deref(), bytes, &mut |item| match item {
            Item::Advisory(advisory) => {
                if let Err(error) = builder.add(source, &advisory) {
                    failed.get_or_insert(error);
                }
            }
            Item::Exploited(entry) => builder.exploited(entry),
            Item::Epss(entry) => odd += u64::from(!builder.epss(&entry)),
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
