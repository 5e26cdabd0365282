//! The dependency list that cargo-auditable puts into programs: JSON, packed by zlib, in the section `.dep-v0`.
//!
//! The table of sections stands at the end of a file, behind the list itself. As the file passes by once, the list is
//! found by its content instead: a zlib stream that unpacks to the beginning of such a list.

use flate2::{Decompress, FlushDecompress, Status};
use model::Package;
use model::package::{Kind, Need};

use crate::catalog::Sink;

use super::Reading;

/// Tries places where a zlib stream may begin.
#[derive(Debug)]
pub(super) struct Probe {
    inflate: Decompress,
    at: usize,
    broken: bool,
}

impl Probe {
    pub(super) fn new() -> Self {
        Probe { inflate: Decompress::new(true), at: 0, broken: false }
    }

    /// Where the list begins that was found, or is short of bytes.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Whether a list was seen that does not unpack whole.
    pub(super) fn broken(&self) -> bool {
        self.broken
    }

    /// Remembers that a list was given up.
    pub(super) fn give_up(&mut self) {
        self.broken = true;
    }

    /// The first list in these bytes, unpacked.
    pub(super) fn find(&mut self, window: &[u8], last: bool) -> Reading<Vec<u8>> {
        for at in memchr::memchr_iter(b'x', window) {
            let Some(stream) = window.get(at..) else { break };
            if !matches!(stream.get(1), Some(0x01 | 0x5e | 0x9c | 0xda)) {
                continue;
            }
            // Final or not, a block of the types fixed or dynamic; nobody stores a list unpacked.
            if !stream.get(2).is_some_and(|first| matches!(first & 7, 2..=5)) {
                continue;
            }
            if !last && stream.len() < HEAD_MIN {
                self.at = at;
                return Reading::Short;
            }
            let mut head = [0; BEGIN.len()];
            self.inflate.reset(true);
            let input = stream.get(..HEAD_MIN).unwrap_or(stream);
            let done = self.inflate.decompress(input, &mut head, FlushDecompress::None);
            if done.is_err() || head != *BEGIN {
                continue;
            }
            self.at = at;
            match self.whole(stream) {
                Some(list) => return Reading::Found(list),
                None if !last => return Reading::Short,
                None => self.broken = true,
            }
        }
        Reading::Nothing
    }

    fn whole(&mut self, stream: &[u8]) -> Option<Vec<u8>> {
        self.inflate.reset(true);
        let mut out = Vec::with_capacity(LIST_MAX.min(stream.len().saturating_mul(8)));
        loop {
            let used = usize::try_from(self.inflate.total_in()).ok()?;
            let before = out.len();
            let status = self.inflate.decompress_vec(stream.get(used..)?, &mut out, FlushDecompress::None).ok()?;
            if status == Status::StreamEnd {
                return Some(out);
            }
            let stuck = out.len() == before && out.len() < out.capacity();
            if stuck || out.len() >= LIST_MAX {
                return None;
            }
            if out.len() == out.capacity() {
                out.reserve(out.len().max(4096));
            } else {
                return None;
            }
        }
    }
}

/// The crates of a list.
pub(super) fn packages(list: &[u8], sink: &mut Sink) {
    let list: List = match serde_json::from_slice(list) {
        Ok(list) => list,
        Err(error) => return sink.damage(format!("its list of crates cannot be read: {error}")),
    };
    for entry in &list.packages {
        let mut package = Package::new(Kind::Cargo, entry.name.as_str(), entry.version.as_str());
        let names = entry.dependencies.iter().filter_map(|at| list.packages.get(*at));
        package.depends_on = names.map(|other| other.name.as_str().into()).collect();
        package.need = match (entry.root, entry.kind.as_str()) {
            (true, _) => Need::Direct,
            (_, "build") => Need::Development,
            _ => Need::Unstated,
        };
        if !entry.source.is_empty() {
            package.properties.push(("source".into(), entry.source.as_str().into()));
        }
        sink.package(package);
    }
}

#[derive(serde::Deserialize)]
struct List {
    packages: Vec<Listed>,
}

#[derive(serde::Deserialize)]
struct Listed {
    name: String,
    version: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    dependencies: Vec<usize>,
    #[serde(default)]
    root: bool,
}

const BEGIN: &[u8; 12] = b"{\"packages\":";

/// Enough packed bytes for the Huffman tables and the beginning.
const HEAD_MIN: usize = 512;

/// A list of a thousand crates is 100 KB; forty times that.
const LIST_MAX: usize = 4 << 20;
