//! The scan of an image or a folder: layers in parallel, each streamed once, what is known of them kept.
//!
//! Guarantees: nothing is written but the cache; memory is that of the layers in flight, one per thread, and of what was
//! found. A layer that cannot be verified gives no facts and is told; the others count.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ignore::Match;
use ignore::gitignore::Gitignore;
use image::catalog;
use image::containerfile::is_containerfile;
use image::facts::{Fault, LayerFacts};
use image::fold::{self, Inventory};
use image::layer::{self, LayerError, Promise};
use image::limits::LimitError;
use image::malware::KnownBad;
use image::manifest::MediaType;
use image::path::{Name, normalise};
use image::scanner::{Content, MakeWatch, Meta, Options, Scanner, Table};
use image::secrets::Allow;
use model::causes;
use model::package::{Damage, Doubt};

use crate::cache::Cache;
use crate::source::open_regular;

/// Layers of an image, bottom first.
pub trait Layers: Sync {
    /// How many.
    fn count(&self) -> usize;
    /// What the manifest and the configuration promise of one.
    fn promise(&self, index: usize) -> Promise;
    /// Its bytes as stored.
    ///
    /// # Errors
    /// When the source fails.
    fn open(&self, index: usize) -> io::Result<Box<dyn Read + Send>>;
    /// A folder with the layer's files instead of a stream, where the source keeps layers like that.
    fn folder(&self, _index: usize) -> Option<&Path> {
        None
    }
}

/// What is looked for, and with what means.
#[derive(Default)]
pub struct Settings<'a> {
    /// Threads; 0 is one per core.
    pub threads: usize,
    /// Where facts of layers are kept.
    pub cache: Option<&'a Cache>,
    /// Whether secrets are looked for.
    pub secrets: bool,
    /// Whether files that matter for hardening are.
    pub markers: bool,
    /// Secrets that are none.
    pub allow: Allow,
    /// Known malware.
    pub known_bad: Option<&'a KnownBad>,
    /// Makes what looks at executables.
    pub executables: Option<MakeWatch>,
    /// Whether files of source trees are read that `.gitignore` leaves out.
    pub no_ignore: bool,
    /// How long one image or folder may take; `None` is [`TIME_MAX`].
    pub time_max: Option<Duration>,
    /// Called after each layer with how many are done.
    pub progress: Option<&'a (dyn Fn(usize) + Sync)>,
}

/// What a scan found.
#[derive(Debug)]
pub struct Scanned {
    /// What the image or folder holds.
    pub inventory: Inventory,
    /// Layers that could not be read or verified, with why.
    pub failed: Vec<(usize, LayerError)>,
    /// Layers that were known from before.
    pub cached: usize,
}

/// Scans the layers of an image.
pub fn image(layers: &dyn Layers, settings: &Settings<'_>) -> Scanned {
    let table = Table::new(catalog::all(), true);
    let over = deadline(settings);
    let options = options(settings, &table, &over);
    let (next, done, cached) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let count = layers.count();
    let results: Vec<Mutex<Option<Result<LayerFacts, LayerError>>>> = (0..count).map(|_| Mutex::new(None)).collect();
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(slot) = results.get(index) else { return };
            let (result, was_cached) = one(layers, index, settings, &options);
            cached.fetch_add(usize::from(was_cached), Ordering::Relaxed);
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            if let Some(progress) = settings.progress {
                progress(done);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads(settings.threads).min(count) {
            scope.spawn(work);
        }
        work();
    });
    let (mut facts, mut failed) = (Vec::with_capacity(count), Vec::new());
    for (index, slot) in results.into_iter().enumerate() {
        match slot.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(Ok(layer)) => facts.push(Some(Arc::new(layer))),
            Some(Err(error)) => {
                failed.push((index, error));
                facts.push(None);
            }
            None => facts.push(None),
        }
    }
    Scanned { inventory: fold::fold(&facts), failed, cached: cached.into_inner() }
}

fn one(
    layers: &dyn Layers,
    index: usize,
    settings: &Settings<'_>,
    options: &Options<'_>,
) -> (Result<LayerFacts, LayerError>, bool) {
    let promise = layers.promise(index);
    let wanted = wanted(settings);
    // A list of malware changes from day to day, and what it says is not kept.
    let cache = settings.cache.filter(|_| settings.known_bad.is_none());
    if let (Some(cache), Some(diff_id)) = (cache, &promise.diff_id)
        && let Some(facts) = cache.load(diff_id, &wanted)
        // Facts are kept of verified bytes. That these bytes are the ones that the manifest names is known only when the
        // digest of the stored side is the same too: otherwise a configuration that names a clean layer would speak for
        // another blob.
        && promise.digest.as_ref().is_none_or(|promised| *promised == facts.digest)
        && promise.size.is_none_or(|promised| promised == facts.size)
    {
        return (Ok(facts), true);
    }
    let read = || match layers.folder(index) {
        Some(folder) => layer::scan_folder(
            &promise,
            |scanner| {
                walk(folder, None, scanner, None, &|| options.is_over());
                Ok(())
            },
            options,
        ),
        None => layer::scan_twice(|| layers.open(index), &promise, options),
    };
    let facts = read();
    if let (Some(cache), Ok(facts), None) = (cache, &facts, layers.folder(index)) {
        // A cache that cannot be written costs time only.
        let _ = cache.store(facts, &wanted);
    }
    (facts, false)
}

/// Containerfiles by path, each with its content or why it cannot be read.
pub type Containerfiles = Vec<(String, io::Result<Vec<u8>>)>;

/// What a folder holds.
#[derive(Debug)]
pub struct FolderScanned {
    /// Packages and everything else that images have too.
    pub inventory: Inventory,
    /// Its Containerfiles, in the order of paths.
    pub containerfiles: Containerfiles,
}

/// Scans a folder: a root file system when `installed`, a source tree otherwise.
///
/// # Errors
/// When the folder itself cannot be read.
pub fn folder(root: &Path, installed: bool, settings: &Settings<'_>) -> io::Result<FolderScanned> {
    fs::read_dir(root)?;
    let table = Table::new(catalog::all(), installed);
    let over = deadline(settings);
    let options = options(settings, &table, &over);
    let mut scanner = Scanner::new(&options);
    let mut containerfiles = Vec::new();
    let ignores = (!installed && !settings.no_ignore).then(Ignores::default);
    walk(root, ignores, &mut scanner, Some(&mut containerfiles), &over);
    take_in(root, &mut scanner);
    if installed {
        databases_elsewhere(root, &mut scanner);
    }
    Ok(FolderScanned { inventory: fold::fold_folder(scanner.finish()), containerfiles })
}

/// Takes every regular file below a folder in the order of paths; what is neither file, folder nor link is told. Links are
/// never followed.
fn walk(
    root: &Path,
    mut ignores: Option<Ignores>,
    scanner: &mut Scanner<'_>,
    mut containerfiles: Option<&mut Containerfiles>,
    over: &dyn Fn() -> bool,
) {
    let mut entries = walkdir::WalkDir::new(root).follow_links(false).sort_by_file_name().into_iter();
    while let Some(entry) = entries.next() {
        if over() {
            scanner.damage("", LimitError::Time.to_string());
            break;
        }
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                scanner.damage("", format!("cannot be read: {error}"));
                continue;
            }
        };
        let Ok(relative) = entry.path().strip_prefix(root) else { continue };
        let path = match normalise(relative.as_os_str().as_encoded_bytes()) {
            Name::Path(path) if path.is_empty() => continue,
            Name::Path(path) => path,
            Name::Hostile(why) => {
                scanner.damage("", format!("a path below the folder {why}"));
                continue;
            }
        };
        let kind = entry.file_type();
        if kind.is_dir() {
            // What builds and package managers write is left out whole. Other folders that are ignored may hold projects.
            let built = entry.file_name().to_str().is_some_and(|name| BUILT.contains(&name));
            let left_out = |ignores: &mut Ignores| built && ignores.leaves_out(root, relative, true);
            if entry.file_name() == ".git" || ignores.as_mut().is_some_and(left_out) {
                entries.skip_current_dir();
            }
            continue;
        }
        let containerfile = is_containerfile(&path) && !path.split('/').any(|part| part == "node_modules");
        // What tells of packages counts though `.gitignore` has it: builds read it all the same.
        if ignores.as_mut().is_some_and(|ignores| ignores.leaves_out(root, relative, false)) && !scanner.wants(&path) {
            continue;
        }
        if kind.is_file() {
            if let Err(error) = file(entry.path(), &path, scanner) {
                scanner.damage(&path, format!("cannot be read: {error}"));
            }
        } else if kind.is_symlink() {
            if scanner.wants(&path) {
                link(root, &path, scanner);
            }
        } else {
            let message = "is neither a file nor a folder and was not read";
            let wanted = scanner.wants(&path);
            scanner.damage(&path, if wanted { message.into() } else { Fault::detail(message) });
        }
        if containerfile && let Some(found) = &mut containerfiles {
            found.push((path.to_string(), small_file(root, entry.path(), kind)));
        }
    }
}

/// Reads a link whose name is wanted as what it leads to below the root.
fn link(root: &Path, path: &str, scanner: &mut Scanner<'_>) {
    let Some(place) = resolve(root, path).map(|place| root.join(place)) else {
        return scanner.damage(path, "is a link that leads in a circle");
    };
    match fs::symlink_metadata(&place) {
        Ok(meta) if meta.is_file() => {
            if let Err(error) = file(&place, path, scanner) {
                scanner.damage(path, format!("is a link to what cannot be read: {error}"));
            }
        }
        Ok(meta) if meta.is_dir() => {}
        // In a root file system nothing lies outside.
        _ if scanner.is_of_installed() => scanner.damage(path, Fault::detail("is a link to no file")),
        _ => scanner.damage(path, "is a link to no file below the folder"),
    }
}

/// Reads the lists of requirements that other lists take in and that nobody has read yet.
fn take_in(root: &Path, scanner: &mut Scanner<'_>) {
    let mut seen = HashSet::new();
    loop {
        let mut new = scanner.includes();
        new.retain(|(_, path)| seen.insert(path.clone()));
        if new.is_empty() {
            return;
        }
        for (by, path) in new {
            if seen.len() > INCLUDES_MAX {
                return scanner.damage(&by, format!("more than {INCLUDES_MAX} files are taken in by others"));
            }
            if scanner.told(&path) {
                continue;
            }
            let place = resolve(root, &path).map(|place| root.join(place));
            let meta = place.as_ref().and_then(|place| fs::symlink_metadata(place).ok()).filter(fs::Metadata::is_file);
            let (Some(place), Some(meta)) = (place, meta) else {
                scanner.damage(&by, format!("takes in {path:?}, which is no file below the folder"));
                continue;
            };
            let meta = Meta { path: &path, size: meta.len(), mode: mode(&meta), capabilities: false };
            let mut content = Lazy { path: &place, file: None, buffer: Vec::new() };
            if let Err(error) = scanner.requirements(meta, &mut content) {
                scanner.damage(&path, format!("cannot be read: {error}"));
            }
        }
    }
}

/// What `.gitignore` files leave out, read as the walk comes to their folders.
#[derive(Default)]
struct Ignores {
    folders: HashMap<PathBuf, Option<Gitignore>>,
}

impl Ignores {
    /// Whether a path below the root is left out; the nearest file that says something decides.
    fn leaves_out(&mut self, root: &Path, relative: &Path, folder: bool) -> bool {
        let path = root.join(relative);
        for above in relative.ancestors().skip(1) {
            let above = root.join(above);
            let of_folder = self.folders.entry(above).or_insert_with_key(|above| {
                let file = above.join(".gitignore");
                // Faulty lines are passed over as git does.
                file.is_file().then(|| Gitignore::new(file).0)
            });
            match of_folder.as_ref().map(|rules| rules.matched_path_or_any_parents(&path, folder)) {
                Some(Match::Ignore(_)) => return true,
                Some(Match::Whitelist(_)) => return false,
                Some(Match::None) | None => {}
            }
        }
        false
    }
}

/// Tells of package databases that programs reach through links, and that lie where none is looked for.
fn databases_elsewhere(root: &Path, scanner: &mut Scanner<'_>) {
    for database in catalog::databases() {
        let place = resolve(root, database);
        let known = place.as_ref().is_some_and(|place| catalog::databases().any(|end| place.ends_with(end)));
        if known || scanner.told(database) || place.as_ref().is_some_and(|place| !root.join(place).exists()) {
            continue;
        }
        let place = place.map_or("a circle".to_owned(), |place| format!("`{}`", place.display()));
        scanner.damage(database, format!("links lead from here to {place}, where the package database was not read"));
    }
}

/// Where a path below a root leads when every link on it is followed without leaving the root. `None` for a circle.
fn resolve(root: &Path, path: &str) -> Option<PathBuf> {
    let mut place = PathBuf::new();
    let parts = |path: &Path| path.components().rev().map(|part| PathBuf::from(part.as_os_str())).collect::<Vec<_>>();
    let mut rest = parts(Path::new(path));
    for _ in 0..STEPS_MAX {
        let Some(step) = rest.pop() else { return Some(place) };
        match step.components().next() {
            Some(Component::Normal(name)) => {
                let here = place.join(name);
                match fs::read_link(root.join(&here)) {
                    Ok(target) => rest.extend(parts(&target)),
                    Err(_) => place = here,
                }
            }
            Some(Component::RootDir | Component::Prefix(_)) => place.clear(),
            Some(Component::ParentDir) => drop(place.pop()),
            Some(Component::CurDir) | None => {}
        }
    }
    None
}

fn file(path: &Path, name: &str, scanner: &mut Scanner<'_>) -> io::Result<()> {
    let meta = fs::symlink_metadata(path)?;
    let meta = Meta { path: name, size: meta.len(), mode: mode(&meta), capabilities: false };
    let mut content = Lazy { path, file: None, buffer: Vec::new() };
    scanner.file(meta, &mut content)
}

#[cfg(unix)]
fn mode(meta: &fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    meta.permissions().mode() & 0o7777
}

#[cfg(not(unix))]
fn mode(_: &fs::Metadata) -> u32 {
    0o644
}

/// A file that is opened when somebody looks at it.
struct Lazy<'a> {
    path: &'a Path,
    file: Option<File>,
    buffer: Vec<u8>,
}

impl Content for Lazy<'_> {
    fn chunk(&mut self) -> io::Result<&[u8]> {
        let file = match &mut self.file {
            Some(file) => file,
            slot => slot.insert(open_regular(self.path)?),
        };
        self.buffer.resize(CHUNK_BYTES, 0);
        let length = file.read(&mut self.buffer)?;
        Ok(&self.buffer[..length])
    }
}

/// Tells when the time of a scan that begins now is over.
fn deadline(settings: &Settings<'_>) -> impl Fn() -> bool + Sync + use<> {
    let (start, most) = (Instant::now(), settings.time_max.unwrap_or(TIME_MAX));
    move || start.elapsed() > most
}

fn options<'a>(settings: &'a Settings<'a>, table: &'a Table, over: &'a (dyn Fn() -> bool + Sync)) -> Options<'a> {
    Options {
        table,
        secrets: settings.secrets,
        allow: settings.allow.clone(),
        known_bad: settings.known_bad,
        markers: settings.markers,
        executables: settings.executables,
        over: Some(over),
    }
}

/// What was looked for, as part of the name of what is kept.
fn wanted(settings: &Settings<'_>) -> String {
    let allow = &settings.allow;
    let parts = [
        ("packages", true),
        ("secrets", settings.secrets),
        ("markers", settings.markers),
        ("programs", settings.executables.is_some()),
    ];
    let mut name: Vec<String> = parts.iter().filter(|(_, on)| *on).map(|(name, _)| (*name).to_owned()).collect();
    if !allow.paths.is_empty() || !allow.formats.is_empty() || !allow.values.is_empty() {
        let text = format!("{allow:?}");
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        name.push(hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect());
    }
    name.join("-")
}

fn threads(asked: usize) -> usize {
    match asked {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        asked => asked,
    }
}

/// Damage of layers that gave nothing, in the words of an inventory.
pub fn damage(failed: &[(usize, LayerError)]) -> Vec<Damage> {
    failed
        .iter()
        .map(|(index, error)| Damage {
            path: "".into(),
            layer: u32::try_from(*index).ok(),
            message: causes::chain(error).into(),
            doubt: Doubt::Packages,
            owner: None,
        })
        .collect()
}

/// How long one image or folder may take when nothing else is said. The largest images are of 60 GB and come from registries
/// that give ten megabytes a second.
pub const TIME_MAX: Duration = Duration::from_secs(2 * 60 * 60);

/// Steps and links followed for one path: forty links of forty steps.
const STEPS_MAX: usize = 1600;

/// Bytes read of a file at once.
const CHUNK_BYTES: usize = 64 * 1024;

impl Layers for crate::source::Image {
    fn count(&self) -> usize {
        self.layers.len()
    }

    fn promise(&self, index: usize) -> Promise {
        let layer = self.layers.get(index);
        let (kind, size) = match layer.map(|layer| &layer.content) {
            Some(crate::source::Content::Blob { kind, size }) => (Some(*kind), Some(*size)),
            Some(crate::source::Content::Folder(_)) | None => (None, None),
        };
        // The first bytes tell how a layer is packed; where a manifest says something else, that is told.
        Promise {
            media_type: kind.map_or("", media_type).into(),
            digest: layer.and_then(|layer| layer.digest.clone()),
            size,
            diff_id: layer.map(|layer| layer.diff_id.clone()),
        }
    }

    fn open(&self, index: usize) -> io::Result<Box<dyn Read + Send>> {
        crate::source::Image::open(self, index).map_err(|error| io::Error::other(causes::chain(&error)))
    }

    fn folder(&self, index: usize) -> Option<&Path> {
        match &self.layers.get(index)?.content {
            crate::source::Content::Folder(path) => Some(path),
            crate::source::Content::Blob { .. } => None,
        }
    }
}

/// The content of a Containerfile; that of a link to a file below the root too.
fn small_file(root: &Path, path: &Path, kind: fs::FileType) -> io::Result<Vec<u8>> {
    let mut path = path.to_owned();
    if kind.is_symlink() {
        path = path.canonicalize()?;
        if !path.starts_with(root.canonicalize()?) {
            return Err(io::Error::other("it is a link that leads out of the folder"));
        }
    }
    if !fs::symlink_metadata(&path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    open_regular(&path)?.take(CONTAINERFILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The name of a layer's form, in the words of the OCI specification whatever the manifest calls it.
fn media_type(kind: MediaType) -> &'static str {
    match kind {
        MediaType::Tar => "application/vnd.oci.image.layer.v1.tar",
        MediaType::TarGzip => "application/vnd.oci.image.layer.v1.tar+gzip",
        MediaType::TarZstd => "application/vnd.oci.image.layer.v1.tar+zstd",
        MediaType::Index | MediaType::Manifest | MediaType::Config => "",
    }
}

/// Folders that builds, package managers and editors write; where they are ignored, nothing in them is the project's own.
const BUILT: [&str; 22] = [
    "node_modules",
    "bower_components",
    "jspm_packages",
    "target",
    "build",
    "dist",
    "out",
    "bin",
    "obj",
    "vendor",
    "venv",
    ".venv",
    "env",
    ".tox",
    ".nox",
    "__pycache__",
    ".cache",
    ".gradle",
    ".terraform",
    "Pods",
    ".yarn",
    ".pnpm-store",
];

/// Files of requirements that others take in; large projects have dozens.
const INCLUDES_MAX: usize = 1000;

/// More than the parser takes, so that it tells that the file is too large.
const CONTAINERFILE_BYTES_MAX: u64 = (4 << 20) + 1;

#[cfg(test)]
mod tests;
