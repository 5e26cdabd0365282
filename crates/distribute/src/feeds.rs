//! Feeds of advisories: which there are, and bringing their files onto this machine.
//!
//! *Expected flow*: [`Feeds::read`] a configuration (or [`Feeds::standard`]), [`update`] fetches what changed into a folder,
//! and gives inputs for [`crate::advisories::build`]; [`crate::advisories::install`] puts the result in place.
//!
//! *Guarantees*: a file replaces its predecessor only when it has arrived as a whole and its digest, where one is pinned, is
//! right. A feed that fails keeps its old files with their old date, and is named among the failures.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use advisory::record::Source;
use aws_lc_rs::digest::{SHA256, digest};
use model::digest::hex;
use serde::{Deserialize, Serialize};
use ureq::Agent;
use ureq::tls::RootCerts;

use crate::advisories::Input;
use crate::tls;

/// A configuration of feeds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feeds {
    /// The feeds.
    pub feed: Vec<Feed>,
}

/// One file of a source.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// Name of the source: small letters, digits, `-`.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// SPDX expression of the licence of the data.
    pub license: String,
    /// Ecosystems that it covers wholly.
    #[serde(default)]
    pub covers: Vec<String>,
    /// Ecosystem, for formats that do not name theirs.
    pub ecosystem: Option<String>,
    /// SHA-256 that the file must have, in hexadecimal digits.
    pub sha256: Option<String>,
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum FeedsError {
    /// Not the form.
    #[error("the configuration of feeds is refused")]
    Form(#[from] toml::de::Error),
    /// A name that cannot be one of a folder, or stands there twice.
    #[error("\"{0}\" cannot be the name of a feed, or is there twice")]
    Name(String),
}

/// Why one feed was not fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The server does not answer as it should.
    #[error("{url} cannot be fetched")]
    Http {
        /// The address.
        url: String,
        /// The reason.
        #[source]
        source: Box<ureq::Error>,
    },
    /// Another status.
    #[error("{url} answers with status {status}")]
    Status {
        /// The address.
        url: String,
        /// Of HTTP.
        status: u16,
    },
    /// Too few or too many bytes.
    #[error("{url} gives {found} bytes: it is cut off, empty, or above the limit of {FILE_MAX}")]
    Length {
        /// The address.
        url: String,
        /// That arrived.
        found: u64,
    },
    /// A page for people, or something else that no format of advisories begins with.
    #[error("{url} gives something that is no file of advisories; what was fetched before is kept")]
    NotData {
        /// The address.
        url: String,
    },
    /// Another digest than the pinned one.
    #[error("{url} has SHA-256 {found} instead of the pinned one")]
    Digest {
        /// The address.
        url: String,
        /// In fact.
        found: String,
    },
    /// The disk.
    #[error("{path} cannot be written or read")]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
}

/// What an update brought.
#[derive(Debug, Default)]
pub struct Update {
    /// Everything that is on this machine now, old and new.
    pub inputs: Vec<Input>,
    /// Feeds whose files changed.
    pub changed: Vec<String>,
    /// Feeds that failed; their old files, if there are any, are among the inputs.
    pub failures: Vec<(String, FetchError)>,
}

/// What is remembered of a file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Memory {
    url: String,
    etag: Option<String>,
    last_modified: Option<String>,
    sha256: String,
    fetched_unix: i64,
}

impl Feeds {
    /// The configuration that is used where nothing else is.
    pub const STANDARD: &str = include_str!("feeds/standard.toml");

    /// Reads a configuration.
    pub fn read(text: &str) -> Result<Self, FeedsError> {
        let feeds: Self = toml::from_str(text)?;
        let mut names = std::collections::BTreeSet::new();
        for feed in &feeds.feed {
            let sound = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            if feed.name.is_empty() || !feed.name.bytes().all(sound) || !names.insert(&feed.name) {
                return Err(FeedsError::Name(feed.name.clone()));
            }
        }
        Ok(feeds)
    }

    /// The feeds that are used where nothing else is configured.
    pub fn standard() -> Result<Self, FeedsError> {
        Self::read(Self::STANDARD)
    }
}

/// Fetches what changed into `folder`. `now_unix` is the clock of the machine.
pub fn update(feeds: &Feeds, folder: &Path, now_unix: i64) -> Update {
    let (agent, mut update) = (agent(), Update::default());
    for feed in &feeds.feed {
        let (file, notes) = (folder.join(format!("{}.data", feed.name)), folder.join(format!("{}.json", feed.name)));
        let old = memory(&file, &notes).filter(|memory| memory.url == feed.url);
        let memory = match fetch(&agent, feed, &file, &notes, old.as_ref(), now_unix) {
            Ok((memory, changed)) => {
                if changed {
                    update.changed.push(feed.name.clone());
                }
                Some(memory)
            }
            Err(error) => {
                update.failures.push((feed.name.clone(), error));
                old
            }
        };
        if let Some(memory) = memory {
            let source = Source {
                name: feed.name.as_str().into(),
                url: feed.url.as_str().into(),
                license: feed.license.as_str().into(),
                made_unix: None,
                fetched_unix: memory.fetched_unix,
                covers: feed.covers.iter().map(|cover| cover.as_str().into()).collect(),
            };
            update.inputs.push(Input {
                source,
                path: file,
                format: None,
                ecosystem: feed.ecosystem.as_deref().map(Box::from),
            });
        }
    }
    update
}

/// Whether bytes begin as a format of advisories does: an archive, JSON, XML that is no page, a table, YAML, Markdown.
fn is_data(bytes: &[u8]) -> bool {
    let packed: [&[u8]; 4] = [b"PK", &[0x1f, 0x8b], b"BZh", &[0x28, 0xb5, 0x2f, 0xfd]];
    if packed.iter().any(|magic| bytes.starts_with(magic)) {
        return true;
    }
    let head = String::from_utf8_lossy(bytes.get(..bytes.len().min(512)).unwrap_or_default()).to_ascii_lowercase();
    !head.contains("<!doctype html") && !head.contains("<html") && !head.trim().is_empty()
}

/// What is remembered, if the file is still the one that it is about.
fn memory(file: &Path, notes: &Path) -> Option<Memory> {
    let memory: Memory = serde_json::from_slice(&fs::read(notes).ok()?).ok()?;
    (hex(digest(&SHA256, &fs::read(file).ok()?).as_ref()) == memory.sha256).then_some(memory)
}

fn fetch(
    agent: &Agent,
    feed: &Feed,
    file: &Path,
    notes: &Path,
    old: Option<&Memory>,
    now_unix: i64,
) -> Result<(Memory, bool), FetchError> {
    let url = || feed.url.clone();
    let http = |source: ureq::Error| FetchError::Http { url: url(), source: Box::new(source) };
    let mut request = agent.get(&feed.url);
    if let Some(etag) = old.and_then(|old| old.etag.as_deref()) {
        request = request.header("If-None-Match", etag);
    }
    if let Some(date) = old.and_then(|old| old.last_modified.as_deref()) {
        request = request.header("If-Modified-Since", date);
    }
    let mut answer = request.call().map_err(http)?;
    let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (etag, last_modified, length) = (header("etag"), header("last-modified"), header("content-length"));
    let status = answer.status().as_u16();
    let (memory, bytes) = match (status, old) {
        (304, Some(old)) => (Memory { fetched_unix: now_unix, ..old.clone() }, None),
        (200, _) => {
            let mut bytes = Vec::new();
            let read = answer.body_mut().as_reader().take(FILE_MAX + 1).read_to_end(&mut bytes);
            read.map_err(|error| http(ureq::Error::Io(error)))?;
            let found = bytes.len() as u64;
            let cut = length.and_then(|length| length.parse::<u64>().ok()).is_some_and(|length| length != found);
            if found == 0 || found > FILE_MAX || cut {
                return Err(FetchError::Length { url: url(), found });
            }
            if !is_data(&bytes) {
                return Err(FetchError::NotData { url: url() });
            }
            let sha256 = hex(digest(&SHA256, &bytes).as_ref());
            (Memory { url: url(), etag, last_modified, sha256, fetched_unix: now_unix }, Some(bytes))
        }
        _ => return Err(FetchError::Status { url: url(), status }),
    };
    if feed.sha256.as_ref().is_some_and(|pinned| !pinned.eq_ignore_ascii_case(&memory.sha256)) {
        return Err(FetchError::Digest { url: url(), found: memory.sha256 });
    }
    let changed = bytes.is_some() && old.is_none_or(|old| old.sha256 != memory.sha256);
    if let Some(bytes) = bytes {
        place(file, &bytes)?;
    }
    place(notes, &serde_json::to_vec(&memory).unwrap_or_default())?;
    Ok((memory, changed))
}

fn place(path: &Path, bytes: &[u8]) -> Result<(), FetchError> {
    let failed = |source| FetchError::Io { path: path.into(), source };
    let beside = path.with_extension(format!("new.{}", std::process::id()));
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let placed = fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    if placed.is_err() {
        let _ = fs::remove_file(&beside);
    }
    placed.map_err(failed)
}

fn agent() -> Agent {
    let tls = tls::config(RootCerts::from(tls::system_roots()));
    Agent::new_with_config(
        Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .user_agent("kobuk")
            .max_redirects(5)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(CONNECT))
            .timeout_global(Some(WHOLE))
            .build(),
    )
}

/// The largest feeds, packed, have some hundreds of megabytes.
const FILE_MAX: u64 = 2 << 30;
const CONNECT: Duration = Duration::from_secs(30);
/// 2 GiB at 1 MB/s take 36 minutes.
const WHOLE: Duration = Duration::from_secs(3600);
#[cfg(test)]
mod tests;
