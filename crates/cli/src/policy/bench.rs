//! `kobuk policy bench`: how long policies take on objects.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use policy::admission::Request;
use policy::admission_policy::Budgets;
use serde_json::json;

use super::args::{BenchArgs, EvalFormat};
use super::documents::Texts;
use super::eval::EvalError;
use super::load::{Loaded, load};
use super::requests::Requests;
use crate::exit::Exit;

/// One thing that was measured.
#[derive(Debug)]
struct Row {
    place: String,
    verdicts: usize,
    cost: u64,
    /// Time of each judgement, sorted.
    nanos: Vec<u64>,
}

/// `kobuk policy bench`.
pub(crate) fn bench(args: &BenchArgs, out: &mut dyn Write) -> Result<Exit, EvalError> {
    let loaded = load(&args.policy)?;
    let texts = Texts::read(&args.paths);
    let requests = Requests::new(&args.request, &loaded.facts)?;
    let mut count = 0_u32;
    requests.each(&texts, &mut |_, _| {
        count += 1;
        Ok::<(), io::Error>(())
    })?;
    let each = Duration::from_secs(args.seconds.into()) / count.max(1);
    let mut rows = Vec::new();
    let skipped = requests.each(&texts, &mut |place, request| {
        rows.push(measure(&loaded, place, request, each));
        Ok::<(), io::Error>(())
    })?;
    match args.format {
        EvalFormat::Json => {
            let rows: Vec<_> = rows.iter().map(Row::json).collect();
            serde_json::to_writer_pretty(&mut *out, &json!({ "requests": rows })).map_err(io::Error::from)?;
            writeln!(out)?;
        }
        EvalFormat::Text => {
            writeln!(
                out,
                "{:>12} {:>12} {:>12} {:>10} {:>9}  request",
                "per second", "median µs", "p99 µs", "cost", "verdicts"
            )?;
            rows.iter().try_for_each(|row| row.text(out))?;
            for one in &skipped {
                writeln!(out, "not judged  {}: {}", one.place, one.message)?;
            }
        }
    }
    Ok(if skipped.is_empty() && !rows.is_empty() { Exit::Clean } else { Exit::NotJudged })
}

fn measure(loaded: &Loaded, place: &str, request: &Request<'_>, time: Duration) -> Row {
    let mut row = Row { place: place.to_owned(), verdicts: 0, cost: 0, nanos: Vec::new() };
    let begun = Instant::now();
    while row.nanos.is_empty() || begun.elapsed() < time && row.nanos.len() < SAMPLES_MAX {
        let mut budgets = Budgets::default();
        let before = Instant::now();
        let judged = loaded.policies.judge(request, &loaded.facts, loaded.inventory.as_ref(), &mut budgets);
        row.nanos.push(before.elapsed().as_nanos() as u64);
        row.verdicts = judged.verdicts.len();
        row.cost = judged.verdicts.iter().map(|verdict| verdict.cost).sum();
    }
    row.nanos.sort_unstable();
    row
}

/// Most judgements of one request; the list of their times stays below 8 MB.
const SAMPLES_MAX: usize = 1_000_000;

impl Row {
    fn at(&self, percent: usize) -> f64 {
        let index = (self.nanos.len() * percent / 100).min(self.nanos.len().saturating_sub(1));
        self.nanos.get(index).copied().unwrap_or(0) as f64 / 1000.0
    }

    fn per_second(&self) -> f64 {
        let total: u64 = self.nanos.iter().sum();
        self.nanos.len() as f64 * 1e9 / total.max(1) as f64
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let (median, p99) = (self.at(50), self.at(99));
        writeln!(
            out,
            "{:>12.0} {median:>12.1} {p99:>12.1} {:>10} {:>9}  {}",
            self.per_second(),
            self.cost,
            self.verdicts,
            self.place
        )
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "place": self.place,
            "runs": self.nanos.len(),
            "perSecond": self.per_second(),
            "medianMicroseconds": self.at(50),
            "p99Microseconds": self.at(99),
            "cost": self.cost,
            "verdicts": self.verdicts,
        })
    }
}
