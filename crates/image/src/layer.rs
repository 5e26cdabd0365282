//! One layer: its bytes verified on both sides of the packing while its files go to the scanner.
//!
//! Guarantees: facts are given only when the digest, the size and, where it is known, the digest of the unpacked layer are
//! what was promised. A layer whose archive is damaged is told as far as it could be read, with the damage.

use std::cell::Cell;
use std::collections::HashMap;
use std::io::{self, Read};
use std::rc::Rc;

use model::{Digest, causes};

use crate::compression::{Compression, Digesting, Unpacked};
use crate::facts::{Fault, LayerFacts};
use crate::limits::{
    self, DAMAGE_MAX, ENTRIES_MAX, HARD_LINKS_MAX, LAYER_BYTES_MAX, LINKS_MAX, LimitError, RATIO_FREE_BYTES, RATIO_MAX,
};
use crate::path::{Name, PathHash, beside, normalise};
use crate::scanner::{Content, Meta, Options, Scanner};
use crate::tar::{Archive, Entry, EntryKind, TarError};

mod names;

use names::{Folders, HardLinks};

/// What a manifest and a configuration promise of a layer.
#[derive(Clone, Debug)]
pub struct Promise {
    /// Media type.
    pub media_type: Box<str>,
    /// Digest as stored; `None` where the source keeps layers without one.
    pub digest: Option<Digest>,
    /// Bytes stored; `None` where the source does not say.
    pub size: Option<u64>,
    /// Digest unpacked.
    pub diff_id: Option<Digest>,
}

/// Nothing of the layer is believed.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// The source failed.
    #[error("cannot read the layer")]
    Read(#[source] io::Error),
    /// The packed bytes cannot be unpacked.
    #[error("cannot unpack the layer")]
    Unpack(#[source] io::Error),
    /// Other bytes than promised.
    #[error("the layer has the digest {found}, and {promised} was promised")]
    Digest {
        /// Promised.
        promised: Digest,
        /// Found.
        found: Digest,
    },
    /// Other bytes than promised after unpacking.
    #[error("the unpacked layer has the digest {found}, and {promised} was promised")]
    DiffId {
        /// Promised.
        promised: Digest,
        /// Found.
        found: Digest,
    },
    /// More or fewer bytes than promised.
    #[error("the layer has {found} bytes, and {promised} were promised")]
    Size {
        /// Promised.
        promised: u64,
        /// Found.
        found: u64,
    },
    /// Over a bound.
    #[error(transparent)]
    Limit(#[from] LimitError),
}

/// Reads a layer to its end and verifies it. Hard links to files that a cataloguer wants are told as damage.
///
/// # Errors
/// When it cannot be read or unpacked, is not what was promised, or goes over a bound.
pub fn scan(reader: impl Read, promise: &Promise, options: &Options<'_>) -> Result<LayerFacts, LayerError> {
    pass(reader, promise, options, HardLinks::default()).map(|(facts, _)| facts)
}

/// Reads a layer as [`scan`] does, and once more where hard links give names that a cataloguer wants to files whose own
/// names told nothing when they passed by. The second reading is verified like the first, and it alone counts.
///
/// # Errors
/// As [`scan`], and when the layer cannot be opened.
pub fn scan_twice<R: Read>(
    open: impl Fn() -> io::Result<R>,
    promise: &Promise,
    options: &Options<'_>,
) -> Result<LayerFacts, LayerError> {
    let open = || open().map_err(LayerError::Read);
    let (facts, links) = pass(open()?, promise, options, HardLinks::default())?;
    match links.is_empty() {
        true => Ok(facts),
        false => pass(open()?, promise, options, links).map(|(facts, _)| facts),
    }
}

fn pass(
    reader: impl Read,
    promise: &Promise,
    options: &Options<'_>,
    links: HardLinks,
) -> Result<(LayerFacts, HardLinks), LayerError> {
    let (packed, unpacked) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let algorithm =
        |digest: &Option<Digest>| digest.as_ref().map_or(model::digest::Algorithm::Sha256, Digest::algorithm);
    // One byte more than promised is enough to know that the source does not keep its word.
    let bound = promise.size.map_or(LAYER_BYTES_MAX, |size| size.saturating_add(1));
    let mut head = Head::new(reader.take(bound)).map_err(LayerError::Read)?;
    let compression = Compression::of_bytes(head.first());
    let outer = Digesting::new(&mut head, algorithm(&promise.digest), Rc::clone(&packed));
    let unpacker = Unpacked::new(outer, compression).map_err(LayerError::Unpack)?;
    let bounded = Bounded { reader: unpacker, packed: Rc::clone(&packed), unpacked: 0, options };
    let inner = Digesting::new(bounded, algorithm(&promise.diff_id), Rc::clone(&unpacked));
    let mut walk = Walk::new(options);
    walk.known = links;
    if Compression::of_media_type(&promise.media_type).is_some_and(|told| told != compression) {
        let told = &promise.media_type;
        walk.damage
            .push(Fault::detail(format!("the media type `{told}` does not fit the bytes, which are {compression:?}")));
    }
    let mut archive = Archive::new(inner);
    let walked = walk.archive(&mut archive);
    // What a reader leaves is still part of what was promised.
    let drained = archive.drain();
    let entries = walk.entries;
    let (diff_id, bounded) = archive.into_inner().finish();
    match (walked, drained) {
        (Err(Stop::Limit(error)), _) => return Err(error.into()),
        (Err(Stop::Tar(TarError::Read(error))), _) | (_, Err(TarError::Read(error))) => {
            return Err(unpack_error(error));
        }
        (Err(Stop::Tar(error)), _) => {
            let message = format!("{}; what follows was not read", causes::chain(&error));
            walk.damage.push(message.into());
        }
        _ => {}
    }
    let (outer, left) = bounded.reader.finish().map_err(LayerError::Read)?;
    if left > 0 {
        walk.damage.push(format!("{left} bytes after the end of the packed layer were not read").into());
    }
    let digest = outer.digest();
    let (digest, diff_id) = verify(promise, digest, diff_id, packed.get())?;
    let found = std::mem::take(&mut walk.found);
    Ok((walk.facts(digest, diff_id, packed.get(), unpacked.get(), entries), found))
}

/// A layer whose files lie in a folder, as container stores keep them. Nothing can be verified, which is told.
///
/// # Errors
/// When `walk`, which hands every file to the scanner, fails.
pub fn scan_folder(
    promise: &Promise,
    walk: impl FnOnce(&mut Scanner<'_>) -> io::Result<()>,
    options: &Options<'_>,
) -> Result<LayerFacts, LayerError> {
    let mut walked = Walk::new(options);
    walk(&mut walked.scanner).map_err(LayerError::Read)?;
    let missing = || LayerError::Read(io::Error::other("the layer has no name"));
    let diff_id = promise.diff_id.clone().ok_or_else(missing)?;
    walked.damage.push("the layer is kept as a folder, so that its digest could not be verified".into());
    let digest = promise.digest.clone().unwrap_or_else(|| diff_id.clone());
    Ok(walked.facts(digest, diff_id, promise.size.unwrap_or(0), 0, 0))
}

fn verify(
    promise: &Promise,
    digest: Option<Digest>,
    diff_id: Option<Digest>,
    size: u64,
) -> Result<(Digest, Digest), LayerError> {
    let missing = || LayerError::Read(io::Error::other("no digest could be taken"));
    let (digest, diff_id) = (digest.ok_or_else(missing)?, diff_id.ok_or_else(missing)?);
    if let Some(promised) = promise.size.filter(|promised| *promised != size) {
        return Err(LayerError::Size { promised, found: size });
    }
    if let Some(promised) = promise.digest.as_ref().filter(|promised| **promised != digest) {
        return Err(LayerError::Digest { promised: promised.clone(), found: digest });
    }
    if let Some(promised) = promise.diff_id.as_ref().filter(|promised| **promised != diff_id) {
        return Err(LayerError::DiffId { promised: promised.clone(), found: diff_id });
    }
    Ok((digest, diff_id))
}

fn unpack_error(error: io::Error) -> LayerError {
    match error.downcast::<LimitError>() {
        Ok(limit) => LayerError::Limit(limit),
        Err(error) => LayerError::Unpack(error),
    }
}

/// A reader whose first bytes were looked at.
struct Head<R> {
    reader: R,
    head: Vec<u8>,
    given: usize,
}

impl<R: Read> Head<R> {
    fn new(mut reader: R) -> io::Result<Self> {
        let mut head = Vec::with_capacity(MAGIC_BYTES);
        reader.by_ref().take(MAGIC_BYTES as u64).read_to_end(&mut head)?;
        Ok(Head { reader, head, given: 0 })
    }

    fn first(&self) -> &[u8] {
        &self.head
    }
}

impl<R: Read> Read for Head<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = &self.head[self.given.min(self.head.len())..];
        if rest.is_empty() {
            return self.reader.read(buffer);
        }
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.given += length;
        Ok(length)
    }
}

/// Stops a bomb.
struct Bounded<'o, R> {
    reader: R,
    packed: Rc<Cell<u64>>,
    unpacked: u64,
    options: &'o Options<'o>,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.options.is_over() {
            return Err(LimitError::Time.into());
        }
        let length = self.reader.read(buffer)?;
        self.unpacked += length as u64;
        if self.unpacked > LAYER_BYTES_MAX {
            return Err(LimitError::LayerBytes.into());
        }
        if self.unpacked > RATIO_FREE_BYTES && self.unpacked / RATIO_MAX > self.packed.get() {
            return Err(LimitError::Ratio.into());
        }
        Ok(length)
    }
}

enum Stop {
    Tar(TarError),
    Limit(LimitError),
}

/// The walk through the archive.
struct Walk<'o> {
    scanner: Scanner<'o>,
    entries: u64,
    hides: Vec<PathHash>,
    whiteouts: Vec<Box<str>>,
    opaque: Vec<Box<str>>,
    links: HashMap<Box<str>, Box<str>>,
    folders: Folders,
    /// Hard links that an earlier reading found.
    known: HardLinks,
    /// Hard links that this one finds.
    found: HardLinks,
    damage: Vec<Fault>,
}

impl<'o> Walk<'o> {
    fn new(options: &'o Options<'o>) -> Self {
        Walk {
            scanner: Scanner::new(options),
            entries: 0,
            hides: Vec::new(),
            whiteouts: Vec::new(),
            opaque: Vec::new(),
            links: HashMap::new(),
            folders: Folders::default(),
            known: HardLinks::default(),
            found: HardLinks::default(),
            damage: Vec::new(),
        }
    }

    fn archive<R: Read>(&mut self, archive: &mut Archive<R>) -> Result<(), Stop> {
        while let Some(entry) = archive.next_entry().map_err(Stop::Tar)? {
            self.entries += 1;
            if self.entries > ENTRIES_MAX {
                return Err(Stop::Limit(LimitError::Entries));
            }
            match normalise(&entry.name) {
                Name::Path(path) if path.is_empty() => {}
                Name::Path(path) => self.entry(&entry, &path, archive).map_err(Stop::Tar)?,
                Name::Hostile(why) => {
                    let shown: String = String::from_utf8_lossy(&entry.name).chars().take(NAME_SHOWN_CHARS).collect();
                    self.tell(format!("the entry `{}` {why}; it was left out", shown.escape_debug()));
                }
            }
        }
        Ok(())
    }

    fn entry<R: Read>(&mut self, entry: &Entry, path: &str, archive: &mut Archive<R>) -> Result<(), TarError> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if let Some(deleted) = name.strip_prefix(".wh.") {
            match deleted {
                ".wh..opq" => self.opaque.push(folder.into()),
                // Book-keeping of aufs.
                deleted if deleted.starts_with(".wh.") => {}
                "" | "." | ".." => {
                    let path = path.escape_debug();
                    self.tell(Fault::detail(format!("the whiteout `{path}` deletes nothing that can exist")));
                }
                deleted if folder.is_empty() => self.whiteouts.push(deleted.into()),
                deleted => self.whiteouts.push(format!("{folder}/{deleted}").into()),
            }
            self.folders.beneath(folder);
            return Ok(());
        }
        self.folders.beneath(folder);
        self.place(entry, path);
        match entry.kind {
            EntryKind::File if entry.sparse => {
                if self.scanner.wants(path) {
                    self.scanner.damage(path, "it is stored as a sparse file, whose content is not put together here");
                }
            }
            EntryKind::File => {
                let meta = Meta { path, size: entry.size, mode: entry.mode, capabilities: entry.capabilities };
                for name in self.known.serve(path, entry.size) {
                    self.scanner.forget(&name);
                    self.scanner.also(name);
                }
                let mut content = Pieces { archive, error: None };
                let taken = self.scanner.file(meta, &mut content);
                if let (Err(_), Some(error)) = (taken, content.error) {
                    return Err(error);
                }
            }
            EntryKind::HardLink => {
                self.hard_link(entry, path);
                self.scanner.name(path);
            }
            EntryKind::Device => self.scanner.device(path),
            EntryKind::Other(kind) => self.tell(format!("`{}` is of the unknown kind {kind}", path.escape_debug())),
            EntryKind::Symlink => self.symbolic_link(entry, path),
            EntryKind::Folder | EntryKind::Fifo => {}
        }
        Ok(())
    }

    /// What an entry puts in the place of others, whatever it holds.
    fn place(&mut self, entry: &Entry, path: &str) {
        if entry.kind == EntryKind::Folder {
            self.links.remove(path);
            self.folders.add(path);
            return;
        }
        let hash = PathHash::of(path);
        self.hides.push(hash);
        self.folders.remove(&hash);
        // The name of a hard link whose content came with its target.
        let served = entry.kind == EntryKind::HardLink && self.known.is_served(path);
        if !served {
            self.known.replaced(path);
            if self.scanner.forget(path) {
                let path = path.escape_debug();
                self.tell(Fault::detail(format!("`{path}` is in the layer twice; the last one counts")));
            }
        }
        if entry.kind != EntryKind::Symlink {
            self.links.remove(path);
            return;
        }
        if self.folders.holds(&hash) {
            let path = path.escape_debug();
            self.tell(format!(
                "the link `{path}` takes the place of a folder of its own layer; what lay there is not told apart"
            ));
        }
        if self.links.len() < LINKS_MAX {
            let target = String::from_utf8_lossy(&entry.link[..entry.link.len().min(limits::PATH_BYTES_MAX)]);
            self.links.insert(path.into(), target.into());
        } else if self.links.len() == LINKS_MAX {
            self.tell(format!("it has more than {LINKS_MAX} symbolic links; the others are not followed"));
            self.links.insert("".into(), "".into());
        }
    }

    /// A link whose name tells of packages, to something whose name does not, hides them: only names are looked at.
    fn symbolic_link(&mut self, entry: &Entry, path: &str) {
        if !self.scanner.wants_packages(path) {
            return;
        }
        let target = String::from_utf8_lossy(&entry.link);
        let place = match target.strip_prefix('/') {
            Some(absolute) => beside("", absolute),
            None => beside(path, &target),
        };
        let known = match &place {
            Name::Path(place) => self.scanner.wants_packages(place),
            Name::Hostile(_) => false,
        };
        if !known {
            let target = target.escape_debug();
            self.scanner.damage(path, format!("it is a link to `{target}`, which nobody reads under that name"));
        }
    }

    /// A second name of a file. Where it is wanted, the content must have come before, in the same layer.
    fn hard_link(&mut self, entry: &Entry, path: &str) {
        self.scanner.mark(path, entry.mode);
        let target = match normalise(&entry.link) {
            Name::Path(target) => target,
            Name::Hostile(_) => String::new(),
        };
        if self.known.take(&target, path) || !self.scanner.wants(path) {
            return;
        }
        let shown = target.escape_debug();
        self.scanner.damage(
            path,
            format!("it is a hard link to `{shown}`, which is no file of this layer that comes before it"),
        );
        if !self.found.add(target, path) {
            self.tell(format!("it has more than {HARD_LINKS_MAX} hard links to files that were wanted"));
        }
    }

    fn tell(&mut self, message: impl Into<Fault>) {
        match self.damage.len() {
            DAMAGE_MAX => self.damage.push("there is more damage than is told here".into()),
            0..DAMAGE_MAX => self.damage.push(message.into()),
            _ => {}
        }
    }

    fn facts(mut self, digest: Digest, diff_id: Digest, size: u64, unpacked: u64, entries: u64) -> LayerFacts {
        let found = self.scanner.finish();
        self.damage.extend(found.left_out());
        let mut files = found.files;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        // A file may tell several times: its markers, its damage, its facts.
        files.dedup_by(|later, first| {
            let same = later.path == first.path;
            if same {
                first.facts.append(&mut later.facts);
                first.damage.append(&mut later.damage);
            }
            same
        });
        self.hides.sort_unstable();
        self.hides.dedup();
        self.whiteouts.sort();
        self.opaque.sort();
        self.links.remove("");
        let mut links: Vec<(Box<str>, Box<str>)> = self.links.into_iter().collect();
        links.sort();
        let (folders, implied) = self.folders.finish();
        LayerFacts {
            digest,
            diff_id,
            size,
            unpacked,
            entries,
            files_seen: found.files_seen,
            files,
            hides: self.hides,
            folders,
            implied,
            whiteouts: self.whiteouts,
            opaque: self.opaque,
            links,
            damage: self.damage,
        }
    }
}

/// The content of an entry as the scanner takes it.
struct Pieces<'a, R> {
    archive: &'a mut Archive<R>,
    error: Option<TarError>,
}

impl<R: Read> Content for Pieces<'_, R> {
    fn chunk(&mut self) -> io::Result<&[u8]> {
        match self.archive.chunk() {
            Ok(piece) => Ok(piece),
            Err(error) => {
                self.error = Some(error);
                Err(io::Error::other("the archive failed"))
            }
        }
    }
}

/// Bytes that tell how a layer is packed.
const MAGIC_BYTES: usize = 4;

/// How much of a hostile name is shown, in characters.
const NAME_SHOWN_CHARS: usize = 80;

#[cfg(test)]
mod tests;
