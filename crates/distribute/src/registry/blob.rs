//! A blob as a stream that goes on where it broke.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use image::reference::Reference;
use model::digest::Digest;

use super::RegistryError;
use super::transport::{Accept, Transport};

/// The bytes of a blob, `size` at most. They are not verified here.
pub(super) struct Blob {
    transport: Arc<Transport>,
    name: Reference,
    insecure: bool,
    path: String,
    size: u64,
    at: u64,
    body: Option<Box<dyn Read + Send>>,
    breaks: u32,
    pace: Pace,
}

impl Blob {
    pub(super) fn open(
        transport: Arc<Transport>,
        name: Reference,
        insecure: bool,
        digest: &Digest,
        size: u64,
    ) -> Result<Self, RegistryError> {
        let path = format!("/v2/{}/blobs/{digest}", name.repository());
        let pace = Pace::new(transport.settings.silence_max);
        let mut blob = Blob { transport, name, insecure, path, size, at: 0, body: None, breaks: 0, pace };
        blob.connect()?;
        Ok(blob)
    }

    /// Asks for the bytes from `at` on.
    fn connect(&mut self) -> Result<(), RegistryError> {
        let from = (self.at > 0).then_some(self.at);
        let answer = self.transport.get(&self.name, self.insecure, &self.path, Accept::Any, from)?;
        let origin = answer.origin.clone();
        let skip = match (answer.status, from) {
            (206, Some(from)) => {
                let range = answer.header("content-range").unwrap_or_default();
                if !range.starts_with(&format!("bytes {from}-")) {
                    return Err(RegistryError::Status { origin, status: 206 });
                }
                0
            }
            // Ranges are not known there; what was read already is passed over.
            (200, from) => from.unwrap_or(0),
            (status, _) => return Err(RegistryError::Status { origin, status }),
        };
        self.pace = Pace::new(self.transport.settings.silence_max);
        let mut body = answer.reader();
        let mut sink = [0; 16 << 10];
        let mut left = skip;
        while left > 0 {
            let room = usize::try_from(left).map_or(sink.len(), |left| left.min(sink.len()));
            let before = Instant::now();
            let count = body.read(sink.get_mut(..room).unwrap_or_default()).unwrap_or(0);
            if count == 0 || !self.pace.is_kept(before, count) {
                return Err(RegistryError::Connection {
                    origin,
                    why: "it broke off again before the same place".into(),
                });
            }
            left = left.saturating_sub(count as u64);
        }
        self.body = Some(body);
        Ok(())
    }
}

impl Read for Blob {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let before = Instant::now();
            let result = match self.body.as_mut() {
                Some(body) => body.read(buffer),
                None => Ok(0),
            };
            match result {
                Ok(count) if count > 0 && self.pace.is_kept(before, count) => {
                    self.at = self.at.saturating_add(count as u64);
                    // Whoever reads stops at the size of the descriptor; endless bodies end here at the latest.
                    let odd = || {
                        io::Error::new(io::ErrorKind::InvalidData, "the blob has more bytes than its descriptor says")
                    };
                    return if self.at > self.size { Err(odd()) } else { Ok(count) };
                }
                Ok(0) if buffer.is_empty() || self.at >= self.size => return Ok(0),
                other => {
                    // Broken off, ended too early, or too slow.
                    self.body = None;
                    self.breaks += 1;
                    if self.breaks > BREAKS_MAX {
                        let error = other.err().unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into());
                        return Err(io::Error::new(error.kind(), "the download broke off or stalled too often"));
                    }
                    std::thread::sleep(self.transport.wait(self.breaks, None));
                    if let Err(error) = self.connect() {
                        return Err(io::Error::other(error));
                    }
                }
            }
        }
    }
}

/// Tells whether bytes come at a pace that ends some day. Only the time spent waiting for them counts.
struct Pace {
    spent: Duration,
    bytes: usize,
    window: Duration,
}

impl Pace {
    fn new(window: Duration) -> Self {
        Pace { spent: Duration::ZERO, bytes: 0, window }
    }

    /// Counts what came since `before`; `false` where a whole window brought too little.
    fn is_kept(&mut self, before: Instant, count: usize) -> bool {
        self.bytes = self.bytes.saturating_add(count);
        self.spent = self.spent.saturating_add(before.elapsed());
        if self.bytes >= PACE_BYTES_MIN {
            (self.spent, self.bytes) = (Duration::ZERO, 0);
            return true;
        }
        self.spent < self.window
    }
}

/// In each window of `silence_max` (30 s): about 500 B/s, below what a modem of 1990 brought.
const PACE_BYTES_MIN: usize = 16 << 10;
/// Lines that break more often bring no image.
const BREAKS_MAX: u32 = 5;
