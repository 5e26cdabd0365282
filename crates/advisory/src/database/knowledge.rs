//! The database as what the matcher asks.

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};

use super::{Database, DatabaseError};
use crate::matching::{Entry, Knowledge};
use crate::record::{Advisory, Epss, Exploited, Source};

/// A database that answers the matcher. What it could not read it remembers: the answers are unknown then, not clean.
#[derive(Debug)]
pub struct Answers<'a> {
    database: Database<'a>,
    sources: Vec<Source>,
    fault: RefCell<Option<DatabaseError>>,
    ecosystems: OnceCell<Vec<&'a str>>,
}

impl<'a> Answers<'a> {
    /// Answers of a database.
    ///
    /// # Errors
    /// When its table of sources is damaged.
    pub fn new(database: Database<'a>) -> Result<Self, DatabaseError> {
        Ok(Answers { database, sources: database.sources()?, fault: RefCell::new(None), ecosystems: OnceCell::new() })
    }

    /// The first part that could not be read, when there was one.
    pub fn fault(&self) -> Option<DatabaseError> {
        self.fault.borrow().clone()
    }

    fn note<T>(&self, result: Result<T, DatabaseError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.fault.borrow_mut().get_or_insert(error);
                None
            }
        }
    }
}

impl Knowledge for Answers<'_> {
    fn affected(&self, ecosystem: &str, package: &str) -> Vec<Entry<'_>> {
        let Some(hits) = self.note(self.database.affected(ecosystem, package)) else { return Vec::new() };
        let mut entries = Vec::new();
        for hit in hits {
            let Some(hit) = self.note(hit) else { continue };
            let withdrawn = self.note(hit.record.withdrawn_unix());
            if withdrawn.is_none_or(|withdrawn| withdrawn.is_some()) {
                continue;
            }
            let number = u32::try_from(hit.record.place()).ok();
            let number = self.note(number.ok_or(DatabaseError::Damaged { what: "the place of a record" }));
            if let (Some(affected), Some(advisory)) = (self.note(hit.affected.read()), number) {
                entries.push(Entry { advisory, affected: Cow::Owned(affected) });
            }
        }
        entries
    }

    fn advisory(&self, number: u32) -> Option<Cow<'_, Advisory>> {
        let record = self.note(self.database.record_at(u64::from(number)))?;
        self.note(record.read_head()).map(|(advisory, _)| Cow::Owned(advisory))
    }

    fn epss(&self, id: &str) -> Option<Epss> {
        self.note(self.database.epss(id))?
    }

    fn exploited(&self, id: &str) -> Option<Exploited> {
        self.note(self.database.exploited(id))?
    }

    fn sources(&self) -> &[Source] {
        &self.sources
    }

    fn has_records(&self, ecosystem: &str) -> bool {
        let read = || self.note(self.database.ecosystems()).unwrap_or_default();
        self.ecosystems.get_or_init(read).binary_search(&ecosystem).is_ok()
    }
}
