//! The whole engine over any bytes: no panic escapes, no check fails, every document is accounted for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use model::FileId;
use model::coverage::GapKind;
use policy::{Config, Engine};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = manifest::decode::decode(bytes) else { return };
    let config = Config::default();
    let engine = Engine::new(&config);
    let mut worker = engine.worker();
    worker.file(FileId(0), bytes.len() as u64, &text);
    let outcome = engine.finish(vec![worker]);
    for file in &outcome.files {
        assert!(file.gaps.iter().all(|gap| gap.kind != GapKind::CheckFailed), "{:?}", file.gaps);
    }
});
