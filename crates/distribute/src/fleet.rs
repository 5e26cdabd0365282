//! The index of a fleet: which images hold which packages, so that a new advisory finds them without a scan.

use std::path::Path;

use advisory::record::{Advisory, Affected};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Why the index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// The store.
    #[error("the index of the fleet cannot be used")]
    Store(#[source] Box<redb::Error>),
    /// An entry in it.
    #[error("an entry of the fleet's index is damaged")]
    Entry(#[from] serde_json::Error),
}

/// A package of an image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Installed {
    /// Ecosystem as in advisories.
    pub ecosystem: String,
    /// Name as in advisories: of the source package where those name it.
    pub package: String,
    /// Its version.
    pub version: String,
}

/// An image of the fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Digest of the image.
    pub digest: String,
    /// Its names.
    pub names: Vec<String>,
    /// Who runs it: `namespace/kind/name`.
    pub workloads: Vec<String>,
    /// What it holds.
    pub packages: Vec<Installed>,
}

/// An image that an advisory affects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impact {
    /// The advisory.
    pub advisory: Box<str>,
    /// The package.
    pub installed: Installed,
    /// Digest of the image.
    pub digest: String,
    /// Its names.
    pub names: Vec<String>,
    /// Who runs it.
    pub workloads: Vec<String>,
}

/// The index on disk. One process writes at a time, redb holds the lock.
#[derive(Debug)]
pub struct Fleet {
    store: Database,
}

impl Fleet {
    /// Opens the index, and makes it where there is none.
    pub fn open(path: &Path) -> Result<Self, FleetError> {
        let store = Database::create(path).map_err(failed)?;
        let write = store.begin_write().map_err(failed)?;
        write.open_table(MEMBERS).map_err(failed)?;
        write.open_table(PACKAGES).map_err(failed)?;
        write.open_table(NAMES).map_err(failed)?;
        write.open_table(OUTBOX).map_err(failed)?;
        write.open_table(DELIVERED).map_err(failed)?;
        write.commit().map_err(failed)?;
        Ok(Self { store })
    }

    /// Adds images in one step, each in place of an earlier one of the same digest.
    pub fn add(&self, members: &[Member]) -> Result<(), FleetError> {
        self.change(members.iter().map(|member| (member.digest.as_str(), Some(member))))
    }

    /// Removes images by digest.
    pub fn remove(&self, digests: &[&str]) -> Result<(), FleetError> {
        self.change(digests.iter().map(|digest| (*digest, None)))
    }

    /// All images, in order of their digests, without their packages.
    pub fn list(&self) -> Result<Vec<Member>, FleetError> {
        let read = self.store.begin_read().map_err(failed)?;
        let table = read.open_table(MEMBERS).map_err(failed)?;
        let mut all = Vec::new();
        for entry in table.iter().map_err(failed)? {
            let member: Member = serde_json::from_slice(entry.map_err(failed)?.1.value())?;
            all.push(Member { packages: Vec::new(), ..member });
        }
        Ok(all)
    }

    /// The images that advisories affect. `matches` compares a version with what an advisory says of the package;
    /// withdrawn advisories affect nothing.
    pub fn affected(
        &self,
        advisories: &[Advisory],
        matches: impl Fn(&Affected, &str) -> bool,
    ) -> Result<Vec<Impact>, FleetError> {
        let read = self.store.begin_read().map_err(failed)?;
        let (members, packages) =
            (read.open_table(MEMBERS).map_err(failed)?, read.open_table(PACKAGES).map_err(failed)?);
        let names = read.open_table(NAMES).map_err(failed)?;
        let mut out: Vec<Impact> = Vec::new();
        for advisory in advisories.iter().filter(|advisory| advisory.withdrawn_unix.is_none()) {
            for part in &advisory.affected {
                let from = (&*part.ecosystem, &*part.package, "", "");
                for entry in packages.range(from..).map_err(failed)? {
                    let entry = entry.map_err(failed)?;
                    let (ecosystem, package, version, digest) = entry.0.value();
                    if (ecosystem, package) != (&*part.ecosystem, &*part.package) {
                        break;
                    }
                    if !matches(part, version) {
                        continue;
                    }
                    // An index that was made before names stood by themselves has them with the packages.
                    let member = match names.get(digest).map_err(failed)? {
                        Some(member) => Some(member),
                        None => members.get(digest).map_err(failed)?,
                    };
                    let Some(member) = member else { continue };
                    let member: Names = serde_json::from_slice(member.value())?;
                    let installed =
                        Installed { ecosystem: ecosystem.into(), package: package.into(), version: version.into() };
                    let impact = Impact {
                        advisory: advisory.id.clone(),
                        installed,
                        digest: digest.into(),
                        names: member.names,
                        workloads: member.workloads,
                    };
                    if out.last() != Some(&impact) {
                        out.push(impact);
                    }
                }
            }
        }
        Ok(out)
    }

    /// Puts events that have not been delivered to `receiver` into its outbox, where they wait. Gives how many are new.
    pub fn post(&self, receiver: &str, events: &[Value]) -> Result<u64, FleetError> {
        let write = self.store.begin_write().map_err(failed)?;
        let mut new = 0;
        {
            let mut outbox = write.open_table(OUTBOX).map_err(failed)?;
            let delivered = write.open_table(DELIVERED).map_err(failed)?;
            for event in events {
                let id = event.get("id").and_then(Value::as_str).unwrap_or_default();
                if delivered.get((receiver, id)).map_err(failed)?.is_some()
                    || outbox.get((receiver, id)).map_err(failed)?.is_some()
                {
                    continue;
                }
                outbox.insert((receiver, id), serde_json::to_vec(event)?.as_slice()).map_err(failed)?;
                new += 1;
            }
        }
        write.commit().map_err(failed)?;
        Ok(new)
    }

    /// The events that wait for `receiver`, in order of their names.
    pub fn waiting(&self, receiver: &str) -> Result<Vec<Value>, FleetError> {
        let read = self.store.begin_read().map_err(failed)?;
        let outbox = read.open_table(OUTBOX).map_err(failed)?;
        let mut events = Vec::new();
        for entry in outbox.range((receiver, "")..).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.0.value().0 != receiver {
                break;
            }
            events.push(serde_json::from_slice(entry.1.value())?);
        }
        Ok(events)
    }

    /// Notes that events, by their names, were delivered at `now_unix`: they are not sent again.
    pub fn delivered(&self, receiver: &str, ids: &[&str], now_unix: i64) -> Result<(), FleetError> {
        let write = self.store.begin_write().map_err(failed)?;
        {
            let mut outbox = write.open_table(OUTBOX).map_err(failed)?;
            let mut delivered = write.open_table(DELIVERED).map_err(failed)?;
            for id in ids {
                outbox.remove((receiver, *id)).map_err(failed)?;
                delivered.insert((receiver, *id), now_unix).map_err(failed)?;
            }
        }
        write.commit().map_err(failed)
    }

    fn change<'a>(&self, changes: impl Iterator<Item = (&'a str, Option<&'a Member>)>) -> Result<(), FleetError> {
        let write = self.store.begin_write().map_err(failed)?;
        {
            let mut members = write.open_table(MEMBERS).map_err(failed)?;
            let mut packages = write.open_table(PACKAGES).map_err(failed)?;
            let mut names = write.open_table(NAMES).map_err(failed)?;
            for (digest, member) in changes {
                let old =
                    members.remove(digest).map_err(failed)?.map(|old| serde_json::from_slice::<Member>(old.value()));
                for one in old.transpose()?.into_iter().flat_map(|old| old.packages) {
                    packages.remove((&*one.ecosystem, &*one.package, &*one.version, digest)).map_err(failed)?;
                }
                names.remove(digest).map_err(failed)?;
                let Some(member) = member else { continue };
                let own = Names { names: member.names.clone(), workloads: member.workloads.clone() };
                names.insert(digest, serde_json::to_vec(&own)?.as_slice()).map_err(failed)?;
                for one in &member.packages {
                    packages.insert((&*one.ecosystem, &*one.package, &*one.version, digest), ()).map_err(failed)?;
                }
                members.insert(digest, serde_json::to_vec(member)?.as_slice()).map_err(failed)?;
            }
        }
        write.commit().map_err(failed)
    }
}

impl Impact {
    /// The event of CloudEvents 1.0, structured mode. Its `id` is the same for the same fact, so that receivers can drop
    /// what comes twice. `time` is RFC 3339.
    pub fn event(&self, source: &str, time: &str) -> Value {
        json!({
            "specversion": "1.0",
            "type": "kobuk.advisory.affected",
            "source": source,
            "id": format!("{}/{}/{}/{}", self.advisory, self.installed.package, self.installed.version, self.digest),
            "time": time,
            "subject": self.digest,
            "datacontenttype": "application/json",
            "data": {
                "advisory": self.advisory,
                "package": self.installed,
                "images": self.names,
                "workloads": self.workloads,
            },
        })
    }
}

/// A member without its packages, which are not needed for an answer.
#[derive(Deserialize, Serialize)]
struct Names {
    names: Vec<String>,
    workloads: Vec<String>,
}

fn failed(error: impl Into<redb::Error>) -> FleetError {
    FleetError::Store(Box::new(error.into()))
}

/// Digest → member as JSON.
const MEMBERS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("members");
/// Digest → names and workloads as JSON: what an answer needs of a member.
const NAMES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("names");
/// Receiver, event → the event as JSON.
const OUTBOX: TableDefinition<'_, (&str, &str), &[u8]> = TableDefinition::new("outbox");
/// Receiver, event → when it was delivered.
const DELIVERED: TableDefinition<'_, (&str, &str), i64> = TableDefinition::new("delivered");
/// Ecosystem, package, version, digest.
const PACKAGES: TableDefinition<'_, (&str, &str, &str, &str), ()> = TableDefinition::new("packages");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_advisories_find_the_images_that_they_affect() {
        let path = std::env::temp_dir().join(format!("kobuk-fleet-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let fleet = Fleet::open(&path).unwrap();
        let member = |digest: &str, version: &str| Member {
            digest: digest.into(),
            names: vec!["app".into()],
            workloads: vec!["default/Deployment/app".into()],
            packages: vec![Installed { ecosystem: "npm".into(), package: "x".into(), version: version.into() }],
        };
        fleet.add(&[member("sha256:a", "1"), member("sha256:b", "2"), member("sha256:c", "1")]).unwrap();
        fleet.remove(&["sha256:c"]).unwrap();
        fleet.add(&[member("sha256:b", "3")]).unwrap();
        let part = Affected { ecosystem: "npm".into(), package: "x".into(), ..Affected::default() };
        let advisory = Advisory { id: "A".into(), affected: vec![part], ..Advisory::default() };
        let found = fleet.affected(std::slice::from_ref(&advisory), |_, version| version == "1").unwrap();
        assert_eq!(found.iter().map(|impact| impact.digest.as_str()).collect::<Vec<_>>(), ["sha256:a"]);
        assert_eq!(found[0].event("kobuk", "2024-01-01T00:00:00Z")["specversion"], "1.0");
        assert_eq!(fleet.affected(&[advisory], |_, version| version == "2").unwrap(), []);
        assert_eq!(fleet.list().unwrap().len(), 2);
        let event = json!({"id": "A"});
        let twice = [event.clone(), event.clone()];
        assert_eq!((fleet.post("u", &twice).unwrap(), fleet.post("v", &twice).unwrap()), (1, 1));
        assert_eq!(fleet.waiting("u").unwrap(), std::slice::from_ref(&event));
        fleet.delivered("u", &["A"], 1).unwrap();
        assert_eq!((fleet.waiting("u").unwrap().len(), fleet.waiting("v").unwrap().len()), (0, 1));
        assert_eq!(fleet.post("u", &[event]).unwrap(), 0, "what was delivered is not sent again");
        std::fs::remove_file(path).unwrap();
    }
}
