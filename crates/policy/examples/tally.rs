//! Counts findings by code over files, and measures the time: a look at false positives and at speed.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::time::Instant;

use model::FileId;
use policy::{Config, Engine};

fn main() {
    let mut arguments = std::env::args().skip(1).peekable();
    let show = arguments.next_if(|argument| argument.starts_with('-')).map(|argument| argument[1..].to_owned());
    let files: Vec<(String, String)> =
        arguments.filter_map(|path| Some((path.clone(), std::fs::read_to_string(path).ok()?))).collect();
    let none = Config { checks: vec!["manifest-duplicate-key".into()], ..Config::default() };
    let all = Config::default();
    let (mut documents, mut bytes) = (0, 0);
    for (name, config) in [("none", &none), ("all", &all)] {
        let engine = Engine::new(config);
        let start = Instant::now();
        let mut worker = engine.worker();
        for (index, (_, text)) in files.iter().enumerate() {
            worker.file(FileId(u32::try_from(index).unwrap_or(0)), text.len() as u64, text);
        }
        let outcome = engine.finish(vec![worker]);
        let spent = start.elapsed();
        documents = outcome.files.iter().map(|file| file.documents).sum();
        bytes = files.iter().map(|(_, text)| text.len()).sum();
        println!("{name}: {spent:?}, {:.1} µs per document", spent.as_secs_f64() * 1e6 / f64::from(documents));
        let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for finding in &outcome.findings {
            *counts.entry((finding.rule.code, finding.severity.as_str())).or_default() += 1;
            if show.as_ref().is_some_and(|code| model::exception::glob(code, finding.rule.code)) {
                let file = &files[finding.location.file.0 as usize].0;
                println!(
                    "{} {} {file}:{} {}",
                    finding.severity, finding.rule.code, finding.location.line, finding.message
                );
            }
        }
        for ((code, severity), count) in counts {
            println!("{count:6} {code} {severity}");
        }
    }
    println!("{documents} documents, {bytes} bytes");
}
