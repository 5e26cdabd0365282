//! How bad a vulnerability is: scores of CVSS 2.0, 3.0, 3.1 and 4.0, words of publishers, and whose opinion counts.

use std::str::FromStr;

use cvss::Cvss;

use crate::record::{Score, Severity as Opinion};

/// A vector that is not one of CVSS.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CvssError {
    /// Longer than any vector can be.
    #[error("a CVSS vector of {0} bytes is longer than any can be")]
    Long(usize),
    /// Not by the grammar of its version.
    #[error("the CVSS vector cannot be read: {0}")]
    Unreadable(Box<str>),
}

/// The score, 0 to 10 with one decimal, with temporal (threat) and environmental metrics where the vector has some.
pub fn score(vector: &str) -> Result<f64, CvssError> {
    if vector.len() > VECTOR_BYTES_MAX {
        return Err(CvssError::Long(vector.len()));
    }
    let bare = vector.trim().trim_start_matches('(').trim_end_matches(')');
    let parsed = Cvss::from_str(bare).map_err(|error| CvssError::Unreadable(error.to_string().into()))?;
    // The parser of version 3 takes what is missing for harmless; nobody said so.
    let base = match parsed {
        Cvss::CvssV20(_) => BASE_2,
        Cvss::CvssV30(_) | Cvss::CvssV31(_) => BASE_3,
        _ => BASE_4,
    };
    let names = || bare.split('/').filter_map(|metric| metric.split_once(':')).map(|(name, _)| name);
    if let Some(missing) = base.iter().find(|name| names().filter(|given| given == *name).count() != 1) {
        return Err(CvssError::Unreadable(format!("{missing} does not stand in it once").into()));
    }
    // The beginning of versions 3 and 4 is a part as well.
    let parts = bare.bytes().filter(|byte| *byte == b'/').count() + 1;
    if parts <= base.len() + usize::from(bare.starts_with("CVSS:")) {
        return Ok(parsed.score());
    }
    let has = |names: &[&str]| {
        bare.split('/')
            .filter_map(|metric| metric.split_once(':'))
            .any(|(name, value)| names.contains(&name) && value != "X" && value != "ND")
    };
    Ok(match parsed {
        Cvss::CvssV20(v) if has(ENVIRONMENTAL_2) => v.environmental_score().value(),
        Cvss::CvssV20(v) if has(TEMPORAL) => v.temporal_score().value(),
        // The temporal metrics are factors of a score that has been rounded, and rounded again: over the base score, or
        // over the environmental score of the vector without them. Binary fractions would round some products up twice.
        Cvss::CvssV30(v) if has(ENVIRONMENTAL_3) => temporal(untimed(v).environmental_score().value(), bare, false),
        Cvss::CvssV31(v) if has(ENVIRONMENTAL_3) => temporal(untimed(v).environmental_score().value(), bare, true),
        Cvss::CvssV30(v) if has(TEMPORAL) => temporal(v.base_score().value(), bare, false),
        Cvss::CvssV31(v) if has(TEMPORAL) => temporal(v.base_score().value(), bare, true),
        other => other.score(),
    })
}

/// Whose opinion counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// The publisher of the matched record and package (the distribution), then GitHub, then the NVD, then the worst.
    #[default]
    VendorFirst,
    /// The NVD first, then as above.
    NvdFirst,
    /// The worst of all.
    Highest,
}

/// The severity by the policy among the opinions in order: those of the package before those of the record. `None` where
/// none can be read: unknown, not harmless.
pub fn severity<'a>(opinions: impl IntoIterator<Item = &'a Opinion>, policy: Policy) -> Option<model::Severity> {
    Levels::default().severity(opinions, policy)
}

/// Severities of vectors that have been read. Advisories share their vectors: a few hundred make up most of all.
#[derive(Debug, Default)]
pub struct Levels(std::collections::HashMap<Box<str>, Option<model::Severity>>);

impl Levels {
    /// As [`severity`].
    pub fn severity<'a>(
        &mut self,
        opinions: impl IntoIterator<Item = &'a Opinion>,
        policy: Policy,
    ) -> Option<model::Severity> {
        let level = |opinion: &Opinion| Some((rank(&opinion.by, policy), self.level(&opinion.score)?));
        let read = opinions.into_iter().filter_map(level);
        // Of opinions of the same rank the worst counts.
        read.max_by_key(|(rank, level)| (std::cmp::Reverse(*rank), *level)).map(|(_, level)| level)
    }

    fn level(&mut self, score: &Score) -> Option<model::Severity> {
        let Score::Cvss(vector) = score else { return level(score) };
        if let Some(known) = self.0.get(vector) {
            return *known;
        }
        let read = level(score);
        if self.0.len() < LEVELS_MAX && vector.len() <= VECTOR_BYTES_MAX {
            self.0.insert(vector.clone(), read);
        }
        read
    }
}

/// The severity of one score or word.
pub fn level(score: &Score) -> Option<model::Severity> {
    match score {
        Score::Cvss(vector) => Some(of_score(self::score(vector).ok()?)),
        Score::Word(word) => of_word(word),
    }
}

/// The severity of a score by the scale of CVSS 3 and 4; 0 is `Info`.
pub fn of_score(score: f64) -> model::Severity {
    match score {
        s if s >= 9.0 => model::Severity::Critical,
        s if s >= 7.0 => model::Severity::High,
        s if s >= 4.0 => model::Severity::Medium,
        s if s > 0.0 => model::Severity::Low,
        _ => model::Severity::Info,
    }
}

/// The severity that a publisher's word means; `None` for words that say that nobody judged.
pub fn of_word(word: &str) -> Option<model::Severity> {
    Some(match word.trim().trim_end_matches('*').to_ascii_lowercase().as_str() {
        "critical" => model::Severity::Critical,
        "high" | "important" => model::Severity::High,
        "medium" | "moderate" => model::Severity::Medium,
        "low" | "minor" => model::Severity::Low,
        "negligible" | "unimportant" | "none" | "informational" => model::Severity::Info,
        _ => return None,
    })
}

fn rank(by: &str, policy: Policy) -> u8 {
    match (policy, by) {
        (Policy::Highest, _) => 0,
        (Policy::NvdFirst, "nvd") => 0,
        (_, "nvd") => 3,
        (_, "ghsa") => 2,
        _ => 1,
    }
}

/// A vector of version 3 without its temporal metrics.
fn untimed(mut vector: cvss::v3::Vector) -> cvss::v3::Vector {
    (vector.e, vector.rl, vector.rc) = (None, None, None);
    vector
}

/// A score of one decimal times the temporal metrics, rounded up to one decimal: by 3.0 exactly, by 3.1 after five decimals
/// (its appendix A).
fn temporal(score: f64, vector: &str, five_decimals: bool) -> f64 {
    let percent = |metric: &str| match metric {
        "E:U" => 91,
        "E:P" => 94,
        "E:F" | "RL:W" => 97,
        "RL:O" => 95,
        "RL:T" | "RC:R" => 96,
        "RC:U" => 92,
        _ => 100,
    };
    let tenths = (score * 10.0).round() as u64;
    let mut factors = [100; 3];
    for metric in vector.split('/') {
        match metric.split_once(':').map(|(name, _)| name) {
            Some("E") => factors[0] = percent(metric),
            Some("RL") => factors[1] = percent(metric),
            Some("RC") => factors[2] = percent(metric),
            _ => {}
        }
    }
    let product = tenths * factors.iter().product::<u64>();
    let product = if five_decimals { (product + 50) / 100 * 100 } else { product };
    product.div_ceil(1_000_000) as f64 / 10.0
}

/// All metrics of 4.0 with their longest values take about 210 bytes.
const VECTOR_BYTES_MAX: usize = 512;
/// All base vectors of version 3 are 2,592; a hostile database shall not fill the memory.
const LEVELS_MAX: usize = 8192;
const BASE_2: &[&str] = &["AV", "AC", "Au", "C", "I", "A"];
const BASE_3: &[&str] = &["AV", "AC", "PR", "UI", "S", "C", "I", "A"];
const BASE_4: &[&str] = &["AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"];
const TEMPORAL: &[&str] = &["E", "RL", "RC"];
const ENVIRONMENTAL_2: &[&str] = &["CDP", "TD", "CR", "IR", "AR"];
const ENVIRONMENTAL_3: &[&str] = &["CR", "IR", "AR", "MAV", "MAC", "MPR", "MUI", "MS", "MC", "MI", "MA"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_those_of_the_standard() {
        for (vector, expected) in [
            ("AV:N/AC:L/Au:N/C:N/I:N/A:C", 7.8),
            ("AV:N/AC:L/Au:N/C:N/I:N/A:C/E:F/RL:OF/RC:C", 6.4),
            ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:P/RL:O/RC:C", 8.8),
            ("AV:N/AC:L/Au:N/C:N/I:N/A:C/E:F/RL:OF/RC:C/CDP:H/TD:H/CR:M/IR:M/AR:H", 9.2),
            ("AV:N/AC:L/Au:N/C:N/I:N/A:C/CDP:N/TD:N", 0.0),
            ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:N/RC:U/IR:H/MPR:N/MS:C/MC:L/MI:H", 9.2),
            ("CVSS:3.0/AV:P/AC:H/PR:H/UI:R/S:C/C:L/I:N/A:L/RC:U/CR:L/IR:H/MC:L", 2.3),
            (
                "CVSS:3.0/AV:L/AC:L/PR:H/UI:R/S:U/C:H/I:N/A:H/E:H/RL:W/RC:U/CR:H/IR:H/AR:M/MAV:L/MPR:H/MS:C/MC:N/MI:H/MA:L",
                7.0,
            ),
            ("CVSS:4.0/AV:P/AC:H/AT:P/PR:H/UI:A/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H/E:P", 5.9),
            ("CVSS:4.0/AV:P/AC:H/AT:P/PR:H/UI:A/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H/CR:H/IR:H/AR:M", 7.2),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", 10.0),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 9.3),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N", 0.0),
        ] {
            assert_eq!(score(vector), Ok(expected), "{vector}");
        }
    }

    #[test]
    fn what_is_no_vector_is_an_error() {
        for vector in [
            "",
            "CVSS:3.1/",
            "CVSS:9.9/AV:N",
            &"A".repeat(10_000),
            "CVSS:4.0/AV:é",
            "AV:N/AC:L/Au:N/C:N/I:N/E:F",
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/E:P",
            "CVSS:3.0/AV:N",
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/A:N",
            "CVSS:4.0/AV:N/AC:L",
        ] {
            assert!(score(vector).is_err(), "{vector}");
        }
    }

    #[test]
    fn the_distribution_counts_before_the_nvd() {
        let opinion = |by: &str, word: &str| Opinion { by: by.into(), score: Score::Word(word.into()) };
        let opinions = [opinion("nvd", "critical"), opinion("ghsa", "high"), opinion("debian", "low")];
        assert_eq!(severity(&opinions, Policy::VendorFirst), Some(model::Severity::Low));
        assert_eq!(severity(&opinions, Policy::NvdFirst), Some(model::Severity::Critical));
        assert_eq!(severity(&opinions, Policy::Highest), Some(model::Severity::Critical));
        assert_eq!(severity(&[opinion("debian", "untriaged")], Policy::VendorFirst), None);
    }
}
