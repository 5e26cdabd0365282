//! The database as OSV, one record a line.

use std::io::Write;

use advisory::database::{Database, DatabaseError};
use advisory::record::{Advisory, Affected, End, Score};
use serde_json::{Value, json};

/// Why an export stops.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The database is damaged.
    #[error("the database cannot be read")]
    Database(#[from] DatabaseError),
    /// Nobody takes the output.
    #[error("the export cannot be written")]
    Write(#[from] std::io::Error),
}

/// Writes all records. What OSV has no field for stands in `database_specific`.
pub fn osv(database: &Database<'_>, out: &mut impl Write) -> Result<(), ExportError> {
    let sources = database.sources()?;
    for record in database.records() {
        let record = record?;
        let source = sources.get(record.source()?).cloned().unwrap_or_default();
        let mut value = value(&record.read()?);
        value["database_specific"]["source"] = json!(source.name);
        value["database_specific"]["license"] = json!(source.license);
        writeln!(out, "{value}")?;
    }
    Ok(())
}

fn value(advisory: &Advisory) -> Value {
    let time =
        |unix: Option<i64>| unix.and_then(|unix| jiff::Timestamp::from_second(unix).ok()).map(|time| time.to_string());
    let (vectors, words) = severities(&advisory.severities);
    let mut value = json!({
        "schema_version": "1.7.0",
        "id": advisory.id,
        "modified": time(advisory.modified_unix).unwrap_or_else(|| "1970-01-01T00:00:00Z".into()),
        "aliases": advisory.aliases,
        "upstream": advisory.upstream,
        "summary": advisory.summary,
        "severity": vectors,
        "references": advisory.references.iter().map(|url| json!({"type": "WEB", "url": url})).collect::<Vec<_>>(),
        "affected": advisory.affected.iter().map(affected).collect::<Vec<_>>(),
        "database_specific": {"cwe_ids": advisory.cwes, "informational": advisory.informational},
    });
    for (name, unix) in [("published", advisory.published_unix), ("withdrawn", advisory.withdrawn_unix)] {
        if let Some(time) = time(unix) {
            value[name] = json!(time);
        }
    }
    if let Some(word) = words.first() {
        value["database_specific"]["severity"] = word["severity"].clone();
        value["database_specific"]["severities"] = json!(words);
    }
    value
}

/// Vectors in the terms of OSV, and words with who says them.
fn severities(severities: &[advisory::record::Severity]) -> (Vec<Value>, Vec<Value>) {
    let (mut vectors, mut words) = (Vec::new(), Vec::new());
    for one in severities {
        match &one.score {
            Score::Cvss(vector) => vectors.push(severity(vector)),
            Score::Word(word) => words.push(json!({"by": one.by, "severity": word})),
        }
    }
    (vectors, words)
}

fn severity(vector: &str) -> Value {
    let kind = if vector.starts_with("CVSS:4") {
        "CVSS_V4"
    } else if vector.starts_with("CVSS:3") {
        "CVSS_V3"
    } else {
        "CVSS_V2"
    };
    json!({"type": kind, "score": vector})
}

fn affected(affected: &Affected) -> Value {
    let ranges: Vec<_> = affected
        .ranges
        .iter()
        .map(|range| {
            let start = range.introduced.as_deref().unwrap_or("0");
            let mut events = vec![json!({"introduced": start})];
            match &range.end {
                End::Open => {}
                End::Fixed(version) => events.push(json!({"fixed": version})),
                End::LastAffected(version) => events.push(json!({"last_affected": version})),
                End::Before(version) => events.push(json!({"limit": version})),
            }
            // OSV's beginnings are always affected themselves.
            let more = if range.exclusive { json!({"exclusive": true}) } else { json!({}) };
            json!({"type": "ECOSYSTEM", "events": events, "database_specific": more})
        })
        .collect();
    let (vectors, words) = severities(&affected.severities);
    json!({
        "package": {"ecosystem": affected.ecosystem, "name": affected.package},
        "ranges": ranges,
        "versions": affected.versions,
        "severity": vectors,
        "database_specific": {"severities": words, "of_source": affected.of_source, "status": format!("{:?}", affected.status), "module": affected.module, "arches": affected.arches, "symbols": affected.symbols},
    })
}
