//! Decides what of a file is looked at, and by whom.
//!
//! Expected flow: one [`Scanner`] per layer or folder takes every entry once, in order, and gives [`Found`] at the end.
//! Entries come from a tar stream or from a walk through a folder; content is lent in pieces.
//!
//! Guarantees: memory is bounded by the largest file that somebody wants whole, and is used again for the next one.

use std::collections::{HashMap, HashSet};
use std::io;

use model::package::{Doubt, Place};

use crate::catalog::{self, Cataloguer, Input, Settings, Sink, nix};
use crate::facts::{Fact, Fault, FileFacts, Marker, Project, Secret};
use crate::limits::DAMAGE_MAX;
use crate::malware::KnownBad;
use crate::secrets::{self, Allow, Encoding, SECRETS_MAX, Search, WHOLE_BYTES_MAX};

mod markers;

/// Content in pieces.
pub trait Content {
    /// The next piece, empty at the end.
    fn chunk(&mut self) -> io::Result<&[u8]>;
}

/// Looks at the content of one executable while it passes by.
pub trait Watch {
    /// The next piece.
    fn push(&mut self, piece: &[u8]);
    /// The end.
    fn finish(self: Box<Self>, sink: &mut Sink);
}

impl Watch for crate::executable::Scan {
    fn push(&mut self, piece: &[u8]) {
        crate::executable::Scan::push(self, piece);
    }

    fn finish(self: Box<Self>, sink: &mut Sink) {
        crate::executable::Scan::finish(*self, sink);
    }
}

/// Makes what looks at an executable, given its path and size in bytes.
pub type MakeWatch = fn(&str, u64) -> Box<dyn Watch>;

/// What looks at executables by default: build information and versions of known programs.
pub fn executables(path: &str, size: u64) -> Box<dyn Watch> {
    Box::new(crate::executable::Scan::new(path, size))
}

/// What is looked for.
pub struct Options<'a> {
    /// Cataloguers by the files that they want.
    pub table: &'a Table,
    /// Whether secrets are.
    pub secrets: bool,
    /// Secrets that are none.
    pub allow: Allow,
    /// Known malware.
    pub known_bad: Option<&'a KnownBad>,
    /// Whether markers for hardening are.
    pub markers: bool,
    /// Makes what looks at an executable, given its path and size.
    pub executables: Option<MakeWatch>,
    /// Asked while bytes come in whether the time for them is over. There is no clock here.
    pub over: Option<&'a (dyn Fn() -> bool + Sync)>,
}

impl Options<'_> {
    /// Whether the time is over.
    pub fn is_over(&self) -> bool {
        self.over.is_some_and(|over| over())
    }
}

/// One file, without its content.
#[derive(Clone, Copy, Debug)]
pub struct Meta<'a> {
    /// Path in the form of [`crate::path::normalise`].
    pub path: &'a str,
    /// Bytes of content.
    pub size: u64,
    /// Mode bits.
    pub mode: u32,
    /// Whether it has file capabilities.
    pub capabilities: bool,
}

/// Cataloguers by the files that they want.
pub struct Table {
    names: HashMap<&'static str, Vec<&'static Cataloguer>>,
    extensions: HashMap<&'static str, Vec<&'static Cataloguer>>,
    /// By the last component of the path end.
    ends: HashMap<&'static str, Vec<(&'static str, &'static Cataloguer)>>,
    /// By the last component of the folder.
    folders: HashMap<&'static str, Vec<(&'static str, &'static Cataloguer)>>,
    /// Whether it is for what is installed.
    installed: bool,
}

impl Table {
    /// The table of the cataloguers that are asked in a setting.
    pub fn new(cataloguers: impl IntoIterator<Item = &'static Cataloguer>, installed: bool) -> Self {
        let (names, extensions, ends, folders) = Default::default();
        let mut table = Table { names, extensions, ends, folders, installed };
        for cataloguer in cataloguers {
            let asked = match cataloguer.settings {
                Settings::Both => true,
                Settings::Installed => installed,
                Settings::Sources => !installed,
            };
            if !asked {
                continue;
            }
            for name in cataloguer.wants.names {
                table.names.entry(name).or_default().push(cataloguer);
            }
            for extension in cataloguer.wants.extensions {
                table.extensions.entry(extension.trim_start_matches('.')).or_default().push(cataloguer);
            }
            for end in cataloguer.wants.path_ends {
                table.ends.entry(base(end)).or_default().push((end, cataloguer));
            }
            for folder in cataloguer.wants.folders {
                table.folders.entry(base(folder)).or_default().push((folder, cataloguer));
            }
        }
        table
    }

    /// Who wants the file. Costs a few look-ups and no allocation where nobody does.
    fn who(&self, path: &str, wanted: &mut Vec<&'static Cataloguer>) {
        wanted.clear();
        let name = base(path);
        let mut add = |cataloguer: &'static Cataloguer| {
            let known = wanted.iter().any(|other| std::ptr::eq(*other, cataloguer));
            if !known && (cataloguer.wants.filter)(path) {
                wanted.push(cataloguer);
            }
        };
        self.names.get(name).into_iter().flatten().for_each(|cataloguer| add(cataloguer));
        for (end, cataloguer) in self.ends.get(name).into_iter().flatten() {
            if ends_at_slash(path, end) {
                add(cataloguer);
            }
        }
        if let Some((_, extension)) = name.rsplit_once('.') {
            let lower;
            let extension = match extension.bytes().any(|byte| byte.is_ascii_uppercase()) {
                true => {
                    lower = extension.to_ascii_lowercase();
                    lower.as_str()
                }
                false => extension,
            };
            self.extensions.get(extension).into_iter().flatten().for_each(|cataloguer| add(cataloguer));
        }
        if let Some((folder, _)) = path.rsplit_once('/') {
            for (end, cataloguer) in self.folders.get(base(folder)).into_iter().flatten() {
                if ends_at_slash(folder, end) {
                    add(cataloguer);
                }
            }
        }
    }
}

/// What the files of a layer or folder tell.
#[derive(Debug, Default)]
pub struct Found {
    /// By file, in the order in which they came.
    pub files: Vec<FileFacts>,
    /// Damage that was left out because there was too much, and behind which packages may be missing.
    pub damage_left_out: u64,
    /// Damage of details that was left out.
    pub remarks_left_out: u64,
    /// Files looked at.
    pub files_seen: u64,
    /// Bytes of their content.
    pub bytes_seen: u64,
}

impl Found {
    /// How much damage was left out, in words.
    pub fn left_out(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.damage_left_out > 0 {
            faults.push(Fault::from(format!("{} more faults of files are not told", self.damage_left_out)));
        }
        if self.remarks_left_out > 0 {
            faults.push(Fault::detail(format!("{} more remarks on files are not told", self.remarks_left_out)));
        }
        faults
    }
}

/// Takes the files of a layer or folder.
pub struct Scanner<'a> {
    options: &'a Options<'a>,
    found: Found,
    buffer: Vec<u8>,
    wanted: Vec<&'static Cataloguer>,
    /// More names of the next file.
    also: Vec<Box<str>>,
    damage: usize,
    /// Paths that told something.
    paths: HashSet<Box<str>>,
    /// Paths whose facts before that index of [`Found::files`] do not count. They go all at once at the end: taking each
    /// out when its successor comes would be quadratic in a layer made for that.
    forgotten: HashMap<Box<str>, usize>,
    /// Folders of a Nix store that were told.
    stored: HashSet<Box<str>>,
}

impl<'a> Scanner<'a> {
    /// Nothing seen yet.
    pub fn new(options: &'a Options<'a>) -> Self {
        Scanner {
            options,
            found: Found::default(),
            buffer: Vec::new(),
            wanted: Vec::new(),
            also: Vec::new(),
            damage: 0,
            paths: HashSet::new(),
            forgotten: HashMap::new(),
            stored: HashSet::new(),
        }
    }

    /// Another name of the file that comes next, under which cataloguers read it too.
    pub fn also(&mut self, name: Box<str>) {
        self.also.push(name);
    }

    /// Takes a regular file.
    pub fn file(&mut self, meta: Meta<'_>, content: &mut dyn Content) -> io::Result<()> {
        self.found.files_seen += 1;
        self.found.bytes_seen += meta.size;
        let mut sink = Sink::default();
        if self.options.markers {
            markers::of_file(meta, &mut sink);
        }
        self.stored(meta.path, &mut sink);
        self.who(meta.path, meta.size, &mut sink);
        self.content(meta, content, &mut sink)?;
        self.keep(meta.path, sink);
        for name in std::mem::take(&mut self.also) {
            self.under(&name, meta.size);
        }
        // One large package database must not hold its memory for the rest of the layer.
        if self.buffer.capacity() > BUFFER_KEPT_BYTES {
            self.buffer = Vec::new();
        }
        Ok(())
    }

    /// Takes a list of Python's requirements that another one takes in, whatever its name is.
    pub fn requirements(&mut self, meta: Meta<'_>, content: &mut dyn Content) -> io::Result<()> {
        let mut sink = Sink::default();
        self.wanted.clear();
        self.wanted.extend(catalog::all().filter(|cataloguer| cataloguer.name == catalog::python::REQUIREMENTS));
        self.content(meta, content, &mut sink)?;
        self.keep(meta.path, sink);
        Ok(())
    }

    /// Files that others take in: by whom, and which.
    pub fn includes(&self) -> Vec<(Box<str>, Box<str>)> {
        let facts = self.found.files.iter().flat_map(|file| file.facts.iter().map(|fact| (&file.path, fact)));
        facts
            .filter_map(|(by, fact)| match fact {
                Fact::Project(Project::Includes(path)) => Some((by.clone(), path.clone())),
                _ => None,
            })
            .collect()
    }

    /// Whether it looks for what is installed rather than for what is locked.
    pub fn is_of_installed(&self) -> bool {
        self.options.table.installed
    }

    /// Whether a path told something.
    pub fn told(&self, path: &str) -> bool {
        self.paths.contains(path)
    }

    /// Takes a name of a file whose content came under another name, or will: all that its place in a store tells.
    pub fn name(&mut self, path: &str) {
        if self.paths.contains(path) {
            return; // Each path is told once; another file of the folder tells of it.
        }
        let mut sink = Sink::default();
        self.stored(path, &mut sink);
        self.keep(path, sink);
    }

    /// The package whose folder of a Nix store the file lies in, once for each folder.
    fn stored(&mut self, path: &str, sink: &mut Sink) {
        let Some(folder) = nix::folder(path).filter(|_| self.options.table.installed) else { return };
        if self.stored.contains(folder) || self.stored.len() > nix::FOLDERS_MAX {
            return;
        }
        self.stored.insert(folder.into());
        if self.stored.len() > nix::FOLDERS_MAX {
            return sink
                .damage(format!("the Nix store has more than {} folders; the others are not told", nix::FOLDERS_MAX));
        }
        if let Some(package) = nix::package(folder) {
            sink.package(package);
        }
    }

    /// Reads the content that has just passed by under another name.
    fn under(&mut self, name: &str, size: u64) {
        let mut sink = Sink::default();
        self.stored(name, &mut sink);
        self.who(name, size, &mut sink);
        self.read(name, &mut sink);
        self.keep(name, sink);
    }

    fn read(&self, path: &str, sink: &mut Sink) {
        let input = Input { path, bytes: &self.buffer };
        self.wanted.iter().for_each(|cataloguer| (cataloguer.read)(&input, sink));
    }

    /// Asks who wants the file, and tells of those for whom it is too large.
    fn who(&mut self, path: &str, size: u64, sink: &mut Sink) {
        self.options.table.who(path, &mut self.wanted);
        let large = |cataloguer: &&'static Cataloguer| size > cataloguer.bytes_max;
        for cataloguer in self.wanted.iter().filter(|cataloguer| large(cataloguer)) {
            let message =
                format!("{} bytes are more than the {} that {} reads", size, cataloguer.bytes_max, cataloguer.name);
            sink.damage(message);
        }
        self.wanted.retain(|cataloguer| !large(cataloguer));
    }

    /// Whether a cataloguer wants the file.
    pub fn wants(&mut self, path: &str) -> bool {
        self.options.table.who(path, &mut self.wanted);
        !self.wanted.is_empty()
    }

    /// Whether a cataloguer wants the file for more than licences.
    pub fn wants_packages(&mut self, path: &str) -> bool {
        self.options.table.who(path, &mut self.wanted);
        self.wanted
            .iter()
            .any(|cataloguer| !cataloguer.name.contains("licen") && !cataloguer.name.contains("copyright"))
    }

    /// Marks a second name of a file as the first one is.
    pub fn mark(&mut self, path: &str, mode: u32) {
        if self.options.markers {
            let mut sink = Sink::default();
            markers::of_file(Meta { path, size: 0, mode, capabilities: false }, &mut sink);
            self.keep(path, sink);
        }
    }

    /// Forgets what a file told, because another one takes its place. Tells whether there was anything.
    pub fn forget(&mut self, path: &str) -> bool {
        if !self.paths.remove(path) {
            return false;
        }
        self.forgotten.insert(path.into(), self.found.files.len());
        // What comes in its place tells of the folder again.
        nix::folder(path).map(|folder| self.stored.remove(folder));
        true
    }

    /// Tells of damage of a path, or of the whole where the path is empty.
    pub fn damage(&mut self, path: &str, message: impl Into<Fault>) {
        let mut sink = Sink::default();
        sink.damage.push(message.into());
        self.keep(path, sink);
    }

    /// Tells that a path is a device node.
    pub fn device(&mut self, path: &str) {
        if self.options.markers {
            let mut sink = Sink::default();
            sink.facts.push(Fact::Marker(Marker::Device));
            self.keep(path, sink);
        }
    }

    /// Everything that was found.
    pub fn finish(mut self) -> Found {
        let mut index = 0;
        self.found.files.retain(|file| {
            let counts = self.forgotten.get(&file.path).is_none_or(|before| index >= *before);
            index += 1;
            counts
        });
        self.found
    }

    fn content(&mut self, meta: Meta<'_>, content: &mut dyn Content, sink: &mut Sink) -> io::Result<()> {
        let digests = self.options.known_bad.is_some();
        let may_hold_secrets = self.options.secrets && secrets::may_search(meta.path, meta.size);
        let may_run = self.options.executables.is_some() && meta.size >= EXECUTABLE_BYTES_MIN;
        let wanted = !self.wanted.is_empty() || !self.also.is_empty();
        if meta.size == 0 {
            // A lock file without a byte is none.
            self.buffer.clear();
            self.read(meta.path, sink);
            return Ok(());
        }
        if !wanted && !digests && !may_hold_secrets && !may_run {
            return Ok(());
        }
        let head = content.chunk()?;
        let mut search = self.search_of(meta, may_hold_secrets, head);
        let make = self.options.executables.filter(|_| may_run && is_executable(head));
        let mut watch = make.map(|make| make(meta.path, meta.size));
        let whole = wanted || matches!(search, Searching::Whole);
        if !whole && watch.is_none() && !digests && matches!(search, Searching::Not) {
            return Ok(());
        }
        let mut context = digests.then(|| aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256));
        self.buffer.clear();
        let mut piece = head;
        while !piece.is_empty() {
            if let Some(watch) = &mut watch {
                watch.push(piece);
            }
            if let Some(context) = &mut context {
                context.update(piece);
            }
            if let Searching::Pieces(search) = &mut search {
                search.push(piece);
            }
            if whole {
                // A vector that grows by itself would take twice as much for a large file.
                if self.buffer.is_empty() && meta.size > BUFFER_KEPT_BYTES as u64 {
                    self.buffer.reserve_exact(usize::try_from(meta.size.min(BUFFER_BYTES_MAX)).unwrap_or(0));
                }
                self.buffer.extend_from_slice(piece);
            }
            piece = content.chunk()?;
        }
        if let Some(watch) = watch {
            watch.finish(sink);
        }
        if let (Some(context), Some(known_bad)) = (context, self.options.known_bad)
            && known_bad.name(context.finish().as_ref()).is_some()
        {
            sink.facts.push(Fact::Marker(Marker::KnownBad));
        }
        self.read(meta.path, sink);
        match search {
            Searching::Not => {}
            Searching::Whole => tell_secrets(secrets::search(meta.path, &self.buffer, &self.options.allow), 0, sink),
            Searching::Pieces(search) => {
                let (secrets, left) = search.finish();
                tell_secrets(secrets, left, sink);
            }
        }
        Ok(())
    }

    /// How a file that begins like this is searched for secrets.
    fn search_of(&self, meta: Meta<'_>, may_hold_secrets: bool, head: &[u8]) -> Searching<'a> {
        match Encoding::of(head).filter(|_| may_hold_secrets) {
            None => Searching::Not,
            Some(Encoding::Plain) if meta.size <= WHOLE_BYTES_MAX => Searching::Whole,
            Some(_) if self.options.allow.path(meta.path) => Searching::Not,
            Some(encoding) => Searching::Pieces(Search::new(encoding, &self.options.allow)),
        }
    }

    fn keep(&mut self, path: &str, mut sink: Sink) {
        let mut faults = sink.faults();
        for fault in faults.split_off(faults.len().min(DAMAGE_MAX.saturating_sub(self.damage))) {
            match fault.doubt {
                Doubt::Packages => self.found.damage_left_out += 1,
                Doubt::Detail => self.found.remarks_left_out += 1,
            }
        }
        self.damage += faults.len();
        if sink.facts.is_empty() && faults.is_empty() {
            return;
        }
        for fact in &mut sink.facts {
            match fact {
                // Exactly one: a vector that grows makes room for four.
                Fact::Package(package) if package.places.is_empty() => package.places = vec![Place::file(path)],
                Fact::Distro(distro) if distro.path.is_empty() => distro.path = path.into(),
                _ => {}
            }
        }
        self.paths.insert(path.into());
        self.found.files.push(FileFacts { path: path.into(), facts: sink.facts, damage: faults });
    }
}

/// How a file is searched for secrets.
enum Searching<'a> {
    Not,
    Whole,
    Pieces(Search<'a>),
}

fn tell_secrets(mut secrets: Vec<Secret>, left: u64, sink: &mut Sink) {
    if secrets.len() > SECRETS_MAX {
        secrets.truncate(SECRETS_MAX);
        sink.remark(format!("it holds more than {SECRETS_MAX} secrets; the others are not told"));
    }
    if left > 0 {
        sink.remark(format!("its last {left} bytes were not searched for secrets"));
    }
    sink.facts.extend(secrets.into_iter().map(Fact::Secret));
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn ends_at_slash(path: &str, end: &str) -> bool {
    path.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}

/// ELF, PE, Mach-O.
fn is_executable(head: &[u8]) -> bool {
    matches!(
        head,
        [0x7f, b'E', b'L', b'F', ..]
            | [b'M', b'Z', ..]
            | [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..]
            | [0xca, 0xfe, 0xba, 0xbe, ..]
    )
}

/// The smallest ELF programs that a linker makes; what is smaller holds no build information.
const EXECUTABLE_BYTES_MIN: u64 = 4096;

/// Bytes that room is made for at once. No cataloguer reads larger files.
const BUFFER_BYTES_MAX: u64 = 512 << 20;

/// Capacity of the buffer that is kept from file to file.
const BUFFER_KEPT_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests;
