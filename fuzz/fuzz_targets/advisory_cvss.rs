//! Vectors of CVSS: a score that is told is one of the scale.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|vector: &str| {
    if let Ok(score) = advisory::cvss::score(vector) {
        assert!((0.0..=10.0).contains(&score), "{vector}: {score}");
        assert!(((score * 10.0).round() - score * 10.0).abs() < 1e-6, "{vector}: {score}");
        let _ = advisory::cvss::of_score(score);
    }
    let _ = advisory::cvss::of_word(vector);
});
