//! `registries.conf` of the containers tools: mirrors, other locations, blocked registries.

use image::reference::{Reference, ReferenceError};
use serde::Deserialize;

/// What is done with names below prefixes.
#[derive(Clone, Debug, Default)]
pub struct Mirrors(Vec<Registry>);

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// It is not TOML of this shape.
    #[error("the configuration of registries cannot be read")]
    Toml(#[source] Box<toml::de::Error>),
    /// The older form, or a key whose meaning would be lost.
    #[error("the configuration of registries is in version 1; write `[[registry]]` tables")]
    Version1,
    /// Nobody may pull this.
    #[error("{0} is blocked by the configuration of registries")]
    Blocked(Reference),
    /// A location leads to no name.
    #[error("location {0:?} in the configuration of registries leads to no name of an image")]
    Location(Box<str>, #[source] ReferenceError),
}

/// A place to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) name: Reference,
    pub(super) insecure: bool,
}

#[derive(Clone, Debug, Deserialize)]
struct Registry {
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    location: String,
    #[serde(default)]
    insecure: bool,
    #[serde(default)]
    blocked: bool,
    #[serde(default, rename = "mirror-by-digest-only")]
    digest_only: bool,
    #[serde(default, rename = "mirror")]
    mirrors: Vec<Mirror>,
}

#[derive(Clone, Debug, Deserialize)]
struct Mirror {
    location: String,
    #[serde(default)]
    insecure: bool,
    #[serde(default, rename = "pull-from-mirror")]
    pull: Pull,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Pull {
    #[default]
    All,
    DigestOnly,
    TagOnly,
}

impl Mirrors {
    /// Reads `registries.conf`.
    ///
    /// # Errors
    /// Where it is no such file.
    pub fn read(text: &str) -> Result<Self, MirrorError> {
        #[derive(Deserialize)]
        struct Config {
            #[serde(default)]
            registry: Vec<Registry>,
            registries: Option<toml::Value>,
        }
        let config: Config = toml::from_str(text).map_err(|error| MirrorError::Toml(Box::new(error)))?;
        match config.registries {
            Some(_) => Err(MirrorError::Version1),
            None => Ok(Mirrors(config.registry)),
        }
    }

    /// Where to ask for `name`, in order.
    pub(super) fn endpoints(&self, name: &Reference) -> Result<Vec<Endpoint>, MirrorError> {
        let fitting = self.0.iter().filter(|registry| name.is_within(registry.key()));
        let Some(registry) = fitting.max_by_key(|registry| registry.key().len()) else {
            return Ok(vec![Endpoint { name: name.clone(), insecure: false }]);
        };
        if registry.blocked {
            return Err(MirrorError::Blocked(name.clone()));
        }
        let moved = |location: &str, insecure| {
            let endpoint = name.moved(location, registry.below(name)).map(|name| Endpoint { name, insecure });
            endpoint.map_err(|error| MirrorError::Location(location.into(), error))
        };
        let mut endpoints = Vec::new();
        for mirror in &registry.mirrors {
            let by_digest = name.digest().is_some();
            let wanted = match mirror.pull {
                Pull::All => by_digest || !registry.digest_only,
                Pull::DigestOnly => by_digest,
                Pull::TagOnly => !by_digest,
            };
            if wanted {
                endpoints.push(moved(&mirror.location, mirror.insecure)?);
            }
        }
        endpoints.push(match registry.location.as_str() {
            "" => Endpoint { name: name.clone(), insecure: registry.insecure },
            location if registry.prefix.is_empty() || location == registry.prefix => {
                Endpoint { name: name.clone(), insecure: registry.insecure }
            }
            location => moved(location, registry.insecure)?,
        });
        Ok(endpoints)
    }
}

impl Registry {
    fn key(&self) -> &str {
        if self.prefix.is_empty() { &self.location } else { &self.prefix }
    }

    /// The part of the repository's path after the prefix.
    fn below<'a>(&self, name: &'a Reference) -> &'a str {
        let path = self.key().split_once('/').map_or("", |(_, path)| path).trim_end_matches('/');
        name.repository().strip_prefix(path).unwrap_or(name.repository())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_are_asked_before_the_registry_and_blocked_ones_never() {
        let mirrors = Mirrors::read(
            r#"
            unqualified-search-registries = ["docker.io"]
            [[registry]]
            prefix = "docker.io/library"
            location = "hub.example/official"
            [[registry.mirror]]
            location = "mirror.example:5000/hub"
            insecure = true
            [[registry.mirror]]
            location = "digests.example"
            pull-from-mirror = "digest-only"
            [[registry]]
            location = "blocked.example"
            blocked = true
            "#,
        )
        .expect("a configuration");
        let names = |name: &str| -> Vec<String> {
            let endpoints = mirrors.endpoints(&name.parse().expect(name)).expect("endpoints");
            endpoints.iter().map(|endpoint| endpoint.name.to_string()).collect()
        };
        assert_eq!(names("nginx:1"), ["mirror.example:5000/hub/nginx:1", "hub.example/official/nginx:1"]);
        assert_eq!(names(&format!("nginx@sha256:{}", "0".repeat(64))).len(), 3);
        assert_eq!(names("team/app"), ["docker.io/team/app:latest"]);
        assert!(mirrors.endpoints(&"blocked.example/x".parse().expect("a name")).is_err());
        assert!(mirrors.endpoints(&"blocked.example.evil.example/x".parse().expect("a name")).is_ok());
        assert!(Mirrors::read("[registries.search]\nregistries = []").is_err());
    }
}
