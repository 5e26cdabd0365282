//! The database of advisories on disk: built from files, put in place, mapped, reported on, exported.
//!
//! *Guarantees*: the file is written beside its place and renamed, so that a mapping never changes under its reader and a
//! build that is cut off leaves the old file. What arrives is verified as a whole before it takes the place. A database that
//! is older than the one in place, made in the future, or empty is refused: it would hide advisories silently.

mod build;
mod bundle;
mod export;

pub use build::{FileReport, Input, Kept, Report, build, build_on};
pub use bundle::{BundleError, BundledSource, Manifest, Piece, bundle, unbundle, verify_signature};
pub use export::osv;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use advisory::database::{Content, Database, DatabaseError};
use memmap2::Mmap;
use model::report::AdvisorySource;

/// Why the database cannot be used or replaced.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is none.
    #[error("there is no database of advisories at {path}")]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("{path} cannot be used")]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        #[source]
        source: io::Error,
    },
    /// The bytes are not a sound database.
    #[error("{path} is refused")]
    Database {
        /// The file.
        path: PathBuf,
        /// The reason.
        #[source]
        source: DatabaseError,
    },
    /// It holds nothing.
    #[error("the database has no advisories, and would make everything look clean")]
    Empty,
    /// It was made before the one in place.
    #[error("the database was made {new} and the one in place {old}, seconds since 1970: an older one is not taken")]
    RolledBack {
        /// Of the new one.
        new: i64,
        /// Of the one in place.
        old: i64,
    },
    /// It was made after now.
    #[error(
        "the database was made {made} and this machine's clock says {now}, seconds since 1970: one of them is wrong"
    )]
    FromTheFuture {
        /// Of the database.
        made: i64,
        /// Of the clock.
        now: i64,
    },
}

/// A database mapped into memory.
#[derive(Debug)]
pub struct Mapped {
    content: Content<Mmap>,
    path: PathBuf,
}

impl Mapped {
    /// Maps the file. Takes the same time for every size.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::Missing { path: path.into() });
            }
            file => file.map_err(|source| failed(path, source))?,
        };
        let map = map(&file).map_err(|source| failed(path, source))?;
        let mapped = Self { content: Content::new(map), path: path.into() };
        mapped.database()?;
        Ok(mapped)
    }

    /// The database in it.
    pub fn database(&self) -> Result<Database<'_>, StoreError> {
        Database::open(&self.content).map_err(|source| StoreError::Database { path: self.path.clone(), source })
    }

    /// All bytes of the file.
    pub fn bytes(&self) -> &[u8] {
        self.content.bytes()
    }

    /// The sources and their ages at `now_unix`; one above `stale_s` seconds is stale.
    pub fn ages(&self, now_unix: i64, stale_s: i64) -> Result<Vec<AdvisorySource>, StoreError> {
        let sources =
            self.database()?.sources().map_err(|source| StoreError::Database { path: self.path.clone(), source })?;
        let age = |source: advisory::record::Source| {
            let since = source.fetched_unix.min(source.made_unix.unwrap_or(source.fetched_unix));
            let age_s = now_unix.checked_sub(since).filter(|age| *age >= -CLOCK_SLACK_S);
            let stale = age_s.is_none_or(|age| age > stale_s);
            AdvisorySource { name: source.name, license: source.license, since_unix: since, age_s, stale }
        };
        Ok(sources.into_iter().map(age).collect())
    }
}

/// Verifies a database and puts it in place. `now_unix` is the clock of the machine.
pub fn install(path: &Path, bytes: &[u8], now_unix: i64) -> Result<(), StoreError> {
    let refused = |source| StoreError::Database { path: path.into(), source };
    let content = Content::new(bytes);
    let database = Database::open(&content).map_err(refused)?;
    database.verify().map_err(refused)?;
    if database.is_empty() {
        return Err(StoreError::Empty);
    }
    if database.made_unix() > now_unix.saturating_add(CLOCK_SLACK_S) {
        return Err(StoreError::FromTheFuture { made: database.made_unix(), now: now_unix });
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|source| failed(folder, source))?;
    // One writer at a time: the comparison with the old file and the renaming belong together.
    let lock_path = path.with_extension("lock");
    let lock = File::create(&lock_path).map_err(|source| failed(&lock_path, source))?;
    lock.lock().map_err(|source| failed(&lock_path, source))?;
    // A damaged file in place is no reason against a sound one.
    if let Ok(old) = Mapped::open(path)
        && let Ok(old) = old.database()
        && old.made_unix() > database.made_unix()
        && old.verify().is_ok()
    {
        return Err(StoreError::RolledBack { new: database.made_unix(), old: old.made_unix() });
    }
    write(path, bytes)
}

/// Puts bytes in the place of a file: whole, or not at all.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    replace(path, &mut |file| file.write_all(bytes)).map_err(|source| failed(path, source))
}

/// Writes a file beside its place and renames it, so that the place holds the old file or the new one, whole, whatever
/// fails in between.
pub(crate) fn replace(path: &Path, write: &mut dyn FnMut(&mut File) -> io::Result<()>) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let beside = path.with_extension(format!("new.{}", std::process::id()));
    let written = File::create(&beside).and_then(|mut file| {
        write(&mut file)?;
        file.sync_all()
    });
    let placed = written.and_then(|()| fs::rename(&beside, path));
    if placed.is_err() {
        let _ = fs::remove_file(&beside);
    }
    placed?;
    File::open(folder)?.sync_all()
}

fn failed(path: &Path, source: io::Error) -> StoreError {
    StoreError::Io { path: path.into(), source }
}

#[allow(unsafe_code)]
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: a mapping is sound while nobody changes the file. `install` never writes into a file in place: it writes a
    // new one and renames it, and the mapping keeps the old one. Other programs that write into it break this, as they
    // would any mapped library; the folder belongs to the user.
    unsafe { Mmap::map(file) }
}

/// Clocks of machines that are kept right differ by seconds; five minutes is what Kerberos and others allow.
const CLOCK_SLACK_S: i64 = 300;

#[cfg(test)]
mod tests;
