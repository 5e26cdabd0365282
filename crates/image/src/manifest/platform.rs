//! Platforms, and which of those in an index a machine runs.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::{Descriptor, Index};

/// Operating system, processor and its variant in the words of Go: `linux/arm/v7`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    /// `linux`, `windows`.
    pub os: Box<str>,
    /// `amd64`, `arm64`.
    pub architecture: Box<str>,
    /// `v7`, where it is known.
    pub variant: Option<Box<str>>,
}

/// The text is no platform.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no platform; one reads `linux/amd64` or `linux/arm/v7`")]
pub struct PlatformError(Box<str>);

/// No entry of an index is for the platform.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no image for {wanted} among {found}")]
pub struct NoPlatform {
    /// What was asked for.
    pub wanted: Platform,
    /// What there is, separated by commas.
    pub found: Box<str>,
}

impl Platform {
    /// Linux on this processor in the words of Go.
    pub fn linux(architecture: &str) -> Self {
        Platform { os: "linux".into(), architecture: architecture.into(), variant: None }.normalized()
    }

    /// From `platform` of a descriptor, or the same fields of an image configuration. `None` where it has other shapes.
    pub fn of_json(value: &Value) -> Option<Self> {
        let text = |key: &str| match value.get(key) {
            None | Some(Value::Null) => Some(""),
            Some(value) => value.as_str(),
        };
        let (os, architecture, variant) = (text("os")?, text("architecture")?, text("variant")?);
        let variant = (!variant.is_empty()).then(|| variant.into());
        value.as_object()?;
        Some(Platform { os: os.into(), architecture: architecture.into(), variant }.normalized())
    }

    /// How well an image for `self` runs where `wanted` is: 0 is exact, more is older; `None` where it does not run.
    ///
    /// Processors run what was built for their older variants: `arm` v8 down to v5, `amd64` v4 down to v1.
    pub fn distance(&self, wanted: &Platform) -> Option<u32> {
        if self.os != wanted.os || self.architecture != wanted.architecture {
            return None;
        }
        let variant =
            |platform: &Platform| platform.variant.clone().unwrap_or_else(|| platform.default_variant().into());
        let (has, wants) = (variant(self), variant(wanted));
        if has == wants {
            return Some(0);
        }
        let level = |text: &str| text.strip_prefix('v').and_then(|digits| digits.parse::<u32>().ok());
        match (&*self.architecture, level(&has), level(&wants)) {
            ("arm" | "amd64" | "arm64", Some(has), Some(wants)) if has < wants => Some(wants - has),
            _ => None,
        }
    }

    /// The words of kernels and of other tools become those of Go.
    fn normalized(mut self) -> Self {
        let lower = |text: &str| -> Box<str> { text.to_ascii_lowercase().into() };
        (self.os, self.architecture) = (lower(&self.os), lower(&self.architecture));
        let (architecture, variant) = match &*self.architecture {
            "x86_64" | "x86-64" => ("amd64", None),
            "i386" | "i686" => ("386", None),
            "aarch64" => ("arm64", None),
            "armhf" => ("arm", Some("v7")),
            "armel" => ("arm", Some("v6")),
            _ => return self,
        };
        self.variant = self.variant.or(variant.map(Into::into));
        self.architecture = architecture.into();
        self
    }

    fn default_variant(&self) -> &'static str {
        match &*self.architecture {
            "arm" => "v7",
            "arm64" => "v8",
            "amd64" => "v1",
            _ => "",
        }
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let refused = || PlatformError(text.into());
        let word = |part: &str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
        };
        let parts: Vec<&str> = text.split('/').collect();
        if text.len() > PLATFORM_BYTES_MAX || !parts.iter().all(|part| word(part)) {
            return Err(refused());
        }
        let (os, architecture, variant) = match parts.as_slice() {
            [os, architecture] => (*os, *architecture, None),
            [os, architecture, variant] => (*os, *architecture, Some((*variant).into())),
            _ => return Err(refused()),
        };
        Ok(Platform { os: os.into(), architecture: architecture.into(), variant }.normalized())
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.iter().try_for_each(|variant| write!(f, "/{variant}"))
    }
}

impl Index {
    /// The entry that `wanted` runs best; the first of those that are equal. An index of one entry without a platform
    /// is that entry.
    ///
    /// # Errors
    /// What there is, where nothing fits.
    pub fn select(&self, wanted: &Platform) -> Result<&Descriptor, NoPlatform> {
        if let [only] = self.manifests.as_slice()
            && only.platform.is_none()
        {
            return Ok(only);
        }
        let fitting =
            self.manifests.iter().filter_map(|entry| Some((entry.platform.as_ref()?.distance(wanted)?, entry)));
        fitting.min_by_key(|(distance, _)| *distance).map(|(_, entry)| entry).ok_or_else(|| {
            let name =
                |entry: &Descriptor| entry.platform.as_ref().map_or("no platform".to_owned(), Platform::to_string);
            let mut found: Vec<String> = self.manifests.iter().map(name).collect();
            found.sort();
            found.dedup();
            found.truncate(PLATFORMS_NAMED_MAX);
            let found = if found.is_empty() { "none".to_owned() } else { found.join(", ") };
            NoPlatform { wanted: wanted.clone(), found: found.into() }
        })
    }
}

/// The longest in use is `linux/mips64le/softfloat`.
const PLATFORM_BYTES_MAX: usize = 64;
/// An error that a person reads.
const PLATFORMS_NAMED_MAX: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_run_their_older_variants() {
        #[track_caller]
        fn check(image: &str, machine: &str, expect: Option<u32>) {
            let [image, machine] = [image, machine].map(|text| text.parse::<Platform>().expect(text));
            assert_eq!(image.distance(&machine), expect, "{image} on {machine}");
        }
        check("linux/amd64", "linux/amd64", Some(0));
        check("linux/x86_64", "linux/amd64/v1", Some(0));
        check("linux/amd64", "linux/amd64/v3", Some(2));
        check("linux/amd64/v3", "linux/amd64", None);
        check("linux/arm/v6", "linux/arm", Some(1));
        check("linux/arm/v7", "linux/arm/v6", None);
        check("linux/armhf", "linux/arm", Some(0));
        check("linux/aarch64", "linux/arm64/v8", Some(0));
        check("windows/amd64", "linux/amd64", None);
        check("linux/386", "linux/amd64", None);
        for bad in ["linux", "", "linux/", "linux/amd64/v1/x", "linux/a b"] {
            assert!(bad.parse::<Platform>().is_err(), "{bad}");
        }
    }
}
