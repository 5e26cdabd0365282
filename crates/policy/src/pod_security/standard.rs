//! Levels, versions, and which of them a run applies.

use std::fmt;
use std::str::FromStr;

use super::admission::Admission;

/// Newest minor version whose checks are known; the policy of a later one is judged by these.
pub const MINOR_MAX: u32 = 37;

/// How the Pod Security Standards are applied.
#[derive(Clone, Debug)]
pub enum Standard {
    /// Every pod is judged by one level and version.
    Fixed(LevelVersion),
    /// Every pod is judged as admission in its namespace would. The content comes from the input,
    /// before the first pod is judged.
    Labels(Box<Admission>),
}

/// A level at a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LevelVersion {
    /// How strict.
    pub level: Level,
    /// The release whose definition of the level counts.
    pub version: Version,
}

/// A level of the Pod Security Standards, from lax to strict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Nothing is forbidden.
    Privileged,
    /// Known ways out of the container are forbidden.
    Baseline,
    /// Hardening is demanded as well.
    Restricted,
}

/// A version of the Pod Security Standards: a minor release of Kubernetes, or the latest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version(Option<u32>);

/// A text that is no Standard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StandardError {
    /// The word before the colon.
    #[error("`{0}` is no level; one of privileged, baseline, restricted, or labels alone")]
    Level(String),
    /// The word after the colon.
    #[error("`{0}` is no version; latest, or one like v1.36")]
    Version(String),
}

// === impl Standard ===

impl Standard {
    /// What the input says about admission, for `labels` only. Whoever reads the input calls
    /// [`Admission::collect`] on it for every object, before the first is judged.
    pub fn admission_mut(&mut self) -> Option<&mut Admission> {
        match self {
            Standard::Fixed(_) => None,
            Standard::Labels(admission) => Some(admission),
        }
    }

    /// Whether any pod can be judged. Under the level `privileged` none is.
    pub fn judges_pods(&self) -> bool {
        !matches!(self, Standard::Fixed(LevelVersion { level: Level::Privileged, .. }))
    }

    /// Whether a rule never runs, so that its silence must not count as a good sign.
    pub(crate) fn leaves_out(&self, rule: &model::Rule) -> bool {
        !self.judges_pods() && rule.code.starts_with("pod-security-")
    }
}

impl Default for Standard {
    fn default() -> Self {
        Standard::Fixed(LevelVersion { level: Level::Restricted, version: Version::LATEST })
    }
}

impl FromStr for Standard {
    type Err = StandardError;

    /// Reads `LEVEL`, `LEVEL:VERSION` or `labels`.
    fn from_str(text: &str) -> Result<Self, StandardError> {
        if text == "labels" {
            return Ok(Standard::Labels(Box::default()));
        }
        let (level, version) = text.split_once(':').unwrap_or((text, "latest"));
        Ok(Standard::Fixed(LevelVersion { level: level.parse()?, version: version.parse()? }))
    }
}

impl fmt::Display for Standard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Standard::Fixed(fixed) => fixed.fmt(f),
            Standard::Labels(_) => f.pad("labels"),
        }
    }
}

// === impl LevelVersion ===

impl fmt::Display for LevelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.level, self.version)
    }
}

// === impl Level ===

impl Level {
    /// The word used in labels and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Privileged => "privileged",
            Level::Baseline => "baseline",
            Level::Restricted => "restricted",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Level {
    type Err = StandardError;

    fn from_str(word: &str) -> Result<Self, StandardError> {
        [Level::Privileged, Level::Baseline, Level::Restricted]
            .into_iter()
            .find(|level| level.as_str() == word)
            .ok_or_else(|| StandardError::Level(word.to_owned()))
    }
}

// === impl Version ===

impl Version {
    /// The newest known.
    pub const LATEST: Version = Version(None);

    /// The version of minor release `minor`.
    pub const fn minor(minor: u32) -> Self {
        Version(Some(minor))
    }

    /// The minor release whose checks count: the newest known for `latest` and for later ones.
    pub fn known_minor(self) -> u32 {
        self.0.map_or(MINOR_MAX, |minor| minor.min(MINOR_MAX))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(minor) => write!(f, "v1.{minor}"),
            None => f.pad("latest"),
        }
    }
}

impl FromStr for Version {
    type Err = StandardError;

    /// Reads `latest` or `v1.N` with the same strictness as admission: no patch, no leading zero.
    fn from_str(word: &str) -> Result<Self, StandardError> {
        if word == "latest" {
            return Ok(Version::LATEST);
        }
        let digits = word.strip_prefix("v1.").filter(|digits| {
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            plain && (digits.len() == 1 || !digits.starts_with('0'))
        });
        // Far more digits than any release will have still mean "newer than known".
        digits
            .map(|digits| Version(Some(digits.parse().unwrap_or(u32::MAX))))
            .ok_or_else(|| StandardError::Version(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standard_reads_level_and_version() {
        for (text, shown) in [
            ("restricted", "restricted:latest"),
            ("baseline:v1.24", "baseline:v1.24"),
            ("privileged:latest", "privileged:latest"),
            ("restricted:v1.99", "restricted:v1.99"),
            ("labels", "labels"),
        ] {
            let standard: Standard = text.parse().unwrap();
            assert_eq!(standard.to_string(), shown);
        }
        assert_eq!(Standard::default().to_string(), "restricted:latest");
    }

    #[test]
    fn what_is_no_standard_is_refused_with_the_words_that_are() {
        for text in ["", "Restricted", "strict", "labels:v1.2", "restricted:"] {
            assert!(text.parse::<Standard>().is_err(), "{text}");
        }
        for text in ["1.24", "v1", "v1.", "v1.024", "v2.0", "v1.24.1", "v1.-1", "v1.+1", "Latest"] {
            assert_eq!(text.parse::<Version>(), Err(StandardError::Version(text.to_owned())));
        }
        let error = "strict".parse::<Standard>().unwrap_err().to_string();
        assert!(error.contains("privileged, baseline, restricted"), "{error}");
    }

    #[test]
    fn a_version_newer_than_known_is_judged_by_the_newest_known() {
        assert_eq!(Version::LATEST.known_minor(), MINOR_MAX);
        assert_eq!("v1.4000000000000".parse::<Version>().unwrap().known_minor(), MINOR_MAX);
        assert_eq!(Version::minor(24).known_minor(), 24);
    }
}
