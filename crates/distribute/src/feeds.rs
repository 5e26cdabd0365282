//! Feeds of advisories: which there are, and bringing their files onto this machine.
//!
//! *Expected flow*: [`Feeds::read`] a configuration (or [`Feeds::standard`]), [`update`] fetches what changed into a folder,
//! and gives inputs for [`crate::advisories::build`]; [`crate::advisories::install`] puts the result in place.
//!
//! *Guarantees*: a file replaces its predecessor only when it has arrived as a whole and its digest, where one is pinned, is
//! right. A feed that fails keeps its old files with their old date, and is named among the failures.

use std::fs;
use std::io::{Read, Write};
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
    /// Whether the address gives a line of text with the name of the newest file, which stands beside it.
    #[serde(default)]
    pub latest: bool,
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
    /// Another digest than the one that is pinned or stands beside the file.
    #[error("{url} has SHA-256 {found} instead of the one that is pinned or stands beside it")]
    Digest {
        /// The address.
        url: String,
        /// In fact.
        found: String,
    },
    /// What should be a digest or the name of a file.
    #[error("{url} gives neither a digest nor the name of a file")]
    Text {
        /// The address.
        url: String,
    },
    /// The server had a newer file once.
    #[error("{url} gives a file of {new}, and one of {old} was there before: the older one is not taken")]
    Older {
        /// The address.
        url: String,
        /// `Last-Modified` of what it gives now.
        new: String,
        /// And of what is kept.
        old: String,
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
    /// The file that was the newest, where the address names it only.
    #[serde(default)]
    file: Option<String>,
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

/// Fetches what changed into `folder`. `now_unix` is the clock of the machine. A feed that fails is among the inputs too, with
/// the file that it had or with one that is missing, so that whoever builds knows that it belongs there. `older` takes
/// files that a server gives in place of newer ones.
pub fn update(feeds: &Feeds, folder: &Path, now_unix: i64, older: bool) -> Update {
    let (agent, mut update) = (agent(), Update::default());
    for feed in &feeds.feed {
        let (file, notes) = (folder.join(format!("{}.data", feed.name)), folder.join(format!("{}.json", feed.name)));
        let old = memory(&file, &notes).filter(|memory| memory.url == feed.url);
        let fetched = fetch(&agent, feed, (&file, &notes), old.as_ref(), (now_unix, older));
        let memory = match fetched {
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
        let source = Source {
            name: feed.name.as_str().into(),
            url: feed.url.as_str().into(),
            license: feed.license.as_str().into(),
            made_unix: None,
            // What never came is as old as can be.
            fetched_unix: memory.map_or(0, |memory| memory.fetched_unix),
            covers: feed.covers.iter().map(|cover| cover.as_str().into()).collect(),
        };
        let ecosystem = feed.ecosystem.as_deref().map(Box::from);
        update.inputs.push(Input { source, path: file, format: None, ecosystem });
    }
    update
}

/// The digest of a file `NAME.sha256`: 64 hexadecimal digits in front, alone or with the name behind; in small letters.
pub(crate) fn digest_in(text: &str) -> Option<String> {
    let word = text.split_whitespace().next()?;
    (word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| word.to_ascii_lowercase())
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
    (file, notes): (&Path, &Path),
    old: Option<&Memory>,
    (now_unix, older): (i64, bool),
) -> Result<(Memory, bool), FetchError> {
    let place_of = if feed.latest { newest(agent, &feed.url)? } else { feed.url.clone() };
    let url = || place_of.clone();
    let http = |source: ureq::Error| FetchError::Http { url: url(), source: Box::new(source) };
    // What is remembered is about the same file only.
    let same = old.filter(|old| !feed.latest || old.file.as_deref() == Some(place_of.as_str()));
    let mut request = agent.get(&place_of);
    if let Some(etag) = same.and_then(|old| old.etag.as_deref()) {
        request = request.header("If-None-Match", etag);
    }
    if let Some(date) = same.and_then(|old| old.last_modified.as_deref()) {
        request = request.header("If-Modified-Since", date);
    }
    let mut answer = request.call().map_err(http)?;
    let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (etag, last_modified, length) = (header("etag"), header("last-modified"), header("content-length"));
    let (memory, bytes) = match (answer.status().as_u16(), same) {
        (304, Some(old)) => (Memory { fetched_unix: now_unix, ..old.clone() }, None),
        (200, _) => {
            newer(&place_of, last_modified.as_deref(), old).or_else(|error| if older { Ok(()) } else { Err(error) })?;
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
            let beside = beside(agent, &place_of)?;
            if beside.is_some_and(|beside| beside != sha256) {
                return Err(FetchError::Digest { url: url(), found: sha256 });
            }
            let (url, file) = (feed.url.clone(), feed.latest.then(|| place_of.clone()));
            (Memory { url, file, etag, last_modified, sha256, fetched_unix: now_unix }, Some(bytes))
        }
        (status, _) => return Err(FetchError::Status { url: url(), status }),
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

/// Refuses what is older than what was there before, as far as the server tells.
fn newer(url: &str, new: Option<&str>, old: Option<&Memory>) -> Result<(), FetchError> {
    let time = |text: &str| jiff::fmt::rfc2822::parse(text).ok();
    let (Some(new), Some(old)) = (new, old.and_then(|old| old.last_modified.as_deref())) else { return Ok(()) };
    match (time(new), time(old)) {
        (Some(now), Some(before)) if now < before => {
            Err(FetchError::Older { url: url.into(), new: new.into(), old: old.into() })
        }
        _ => Ok(()),
    }
}

/// The digest beside a file, where the server has one.
fn beside(agent: &Agent, url: &str) -> Result<Option<String>, FetchError> {
    let place = format!("{url}.sha256");
    let Some(text) = small(agent, &place)? else { return Ok(None) };
    // Some servers answer with a page for whatever does not exist.
    if text.trim_start().starts_with('<') {
        return Ok(None);
    }
    digest_in(&text).map(Some).ok_or(FetchError::Text { url: place })
}

/// The address of the newest file, by the name that stands at `url`.
fn newest(agent: &Agent, url: &str) -> Result<String, FetchError> {
    let text = small(agent, url)?.ok_or_else(|| FetchError::Status { url: url.into(), status: 404 })?;
    let name = text.trim();
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    match url.rsplit_once('/') {
        Some((folder, _)) if !name.is_empty() && !name.starts_with('.') && name.bytes().all(sound) => {
            Ok(format!("{folder}/{name}"))
        }
        _ => Err(FetchError::Text { url: url.into() }),
    }
}

/// A short text; `None` where the server has none.
fn small(agent: &Agent, url: &str) -> Result<Option<String>, FetchError> {
    let http = |source: ureq::Error| FetchError::Http { url: url.into(), source: Box::new(source) };
    let mut answer = agent.get(url).call().map_err(http)?;
    match answer.status().as_u16() {
        200 => {}
        403 | 404 | 410 => return Ok(None),
        status => return Err(FetchError::Status { url: url.into(), status }),
    }
    let mut bytes = Vec::new();
    let read = answer.body_mut().as_reader().take(TEXT_MAX).read_to_end(&mut bytes);
    read.map_err(|error| http(ureq::Error::Io(error)))?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

fn place(path: &Path, bytes: &[u8]) -> Result<(), FetchError> {
    let placed = crate::advisories::replace(path, &mut |file| file.write_all(bytes));
    placed.map_err(|source| FetchError::Io { path: path.into(), source })
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
/// A digest or the name of a file, with room for a page that says that there is none.
const TEXT_MAX: u64 = 4096;
const CONNECT: Duration = Duration::from_secs(30);
/// 2 GiB at 1 MB/s take 36 minutes.
const WHOLE: Duration = Duration::from_secs(3600);
#[cfg(test)]
mod tests;
