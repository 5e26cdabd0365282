//! The configuration of an image: what its containers run as, and what its layers unpack to.
//!
//! Every value is the image maker's and is kept as text, however odd. Nothing here decides what `user` means to a
//! runtime; the checks of hardening do, and take what they cannot read for root.

use serde_json::{Map, Value};

use model::digest::{Digest, DigestError};

use crate::document::{self, DocumentError};
use crate::manifest::{CONFIG_BYTES_MAX, Platform};

/// An image configuration of OCI or Docker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// For which platform it says that it is. Fields that are missing are empty.
    pub platform: Platform,
    /// When it was made, as it stands: RFC 3339 in honest images.
    pub created: Option<Box<str>>,
    /// Who made it.
    pub author: Option<Box<str>>,
    /// `USER` as it stands; empty is root.
    pub user: Box<str>,
    /// `ENV` entries as they stand, `NAME=value` in honest images.
    pub env: Vec<Box<str>>,
    /// `ENTRYPOINT`.
    pub entrypoint: Vec<Box<str>>,
    /// `CMD`.
    pub cmd: Vec<Box<str>>,
    /// `WORKDIR`.
    pub working_dir: Box<str>,
    /// `LABEL` entries in order.
    pub labels: Vec<(Box<str>, Box<str>)>,
    /// `EXPOSE` entries as they stand: `80/tcp`. Ranges are not expanded.
    pub exposed_ports: Vec<Box<str>>,
    /// `VOLUME` entries.
    pub volumes: Vec<Box<str>>,
    /// `HEALTHCHECK`: its test, where there is one. `["NONE"]` turns an inherited one off.
    pub healthcheck: Option<Vec<Box<str>>>,
    /// `STOPSIGNAL`.
    pub stop_signal: Option<Box<str>>,
    /// How the layers came to be, from the lowest up.
    pub history: Vec<History>,
    /// Digests of the layers' tar streams, from the lowest up.
    pub diff_ids: Vec<Digest>,
    /// What was not as the specification says and does not matter for reading the layers, one sentence each.
    pub damage: Vec<Box<str>>,
}

/// One step of a build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// When, as it stands.
    pub created: Option<Box<str>>,
    /// The command.
    pub created_by: Box<str>,
    /// A comment.
    pub comment: Box<str>,
    /// Whether it made no layer.
    pub empty_layer: bool,
}

/// The configuration cannot be believed.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not a JSON document that every reader understands alike.
    #[error("the image configuration cannot be read")]
    Document(#[from] DocumentError),
    /// No list of digests of layers.
    #[error("the image configuration has no rootfs.diff_ids")]
    NoRootfs,
    /// A digest in it.
    #[error("rootfs.diff_ids[{0}] is no digest that can be verified")]
    DiffId(usize, #[source] DigestError),
    /// It is of another image than the manifest.
    #[error("the image configuration has {diff_ids} layers and the manifest {layers}")]
    LayerCount {
        /// In the configuration.
        diff_ids: usize,
        /// In the manifest.
        layers: usize,
    },
}

impl Config {
    /// Reads a configuration for a manifest of `layers` layers.
    ///
    /// # Errors
    /// Where it is no JSON object, or does not name one digest for each layer. Anything else that is odd is `damage`.
    pub fn read(bytes: &[u8], layers: usize) -> Result<Self, ConfigError> {
        let max = usize::try_from(CONFIG_BYTES_MAX).unwrap_or(usize::MAX);
        let map = document::object(bytes, max, &KEYS)?;
        let diff_ids = diff_ids(&map)?;
        if diff_ids.len() != layers {
            return Err(ConfigError::LayerCount { diff_ids: diff_ids.len(), layers });
        }
        let mut damage = Damage(Vec::new());
        let empty = Map::new();
        // Docker's schema has `container_config` beside it, which describes the container of the build.
        let run = match map.get("config") {
            None | Some(Value::Null) => &empty,
            Some(Value::Object(run)) => run,
            Some(_) => {
                damage.tell("config", "an object");
                &empty
            }
        };
        let history = history(&map, &mut damage);
        let made = history.iter().filter(|step| !step.empty_layer).count();
        if !history.is_empty() && made != layers {
            damage.0.push(format!("the history tells of {made} layers where there are {layers}").into());
        }
        let platform = Platform::of_json(&Value::Object(pick(&map, ["os", "architecture", "variant"])));
        let platform = platform.unwrap_or_else(|| {
            damage.tell("os, architecture or variant", "text");
            Platform { os: "".into(), architecture: "".into(), variant: None }
        });
        let healthcheck = run.get("Healthcheck").and_then(Value::as_object);
        Ok(Config {
            platform,
            created: damage.text(&map, "created"),
            author: damage.text(&map, "author"),
            user: damage.text(run, "User").unwrap_or_default(),
            env: damage.texts(run, "Env"),
            entrypoint: damage.texts(run, "Entrypoint"),
            cmd: damage.texts(run, "Cmd"),
            working_dir: damage.text(run, "WorkingDir").unwrap_or_default(),
            labels: damage.labels(run),
            exposed_ports: damage.keys(run, "ExposedPorts"),
            volumes: damage.keys(run, "Volumes"),
            healthcheck: healthcheck.map(|check| damage.texts(check, "Test")).filter(|test| !test.is_empty()),
            stop_signal: damage.text(run, "StopSignal"),
            history,
            diff_ids,
            damage: damage.0,
        })
    }

    /// The step of the build that made layer `index`, where the history is of as many layers as there are.
    pub fn step_of_layer(&self, index: usize) -> Option<&History> {
        let mut made = self.history.iter().filter(|step| !step.empty_layer);
        if made.clone().count() != self.diff_ids.len() {
            return None;
        }
        made.nth(index)
    }
}

struct Damage(Vec<Box<str>>);

impl Damage {
    fn tell(&mut self, field: &str, expected: &str) {
        self.0.push(format!("{field} in the image configuration is not {expected}").into());
    }

    fn text(&mut self, map: &Map<String, Value>, key: &str) -> Option<Box<str>> {
        match map.get(key) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.as_str().into()),
            // A number as USER is still what someone runs as; it is kept as it reads.
            Some(other) => {
                self.tell(key, "text");
                Some(other.to_string().into())
            }
        }
    }

    fn texts(&mut self, map: &Map<String, Value>, key: &str) -> Vec<Box<str>> {
        let list = match map.get(key) {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Array(list)) => list,
            Some(other) => {
                self.tell(key, "a list of text");
                return vec![plain(other)];
            }
        };
        if list.iter().any(|item| !item.is_string()) {
            self.tell(key, "a list of text");
        }
        list.iter().map(plain).collect()
    }

    fn keys(&mut self, map: &Map<String, Value>, key: &str) -> Vec<Box<str>> {
        match map.get(key) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Object(entries)) => entries.keys().map(|key| key.as_str().into()).collect(),
            Some(_) => {
                self.tell(key, "an object");
                Vec::new()
            }
        }
    }

    fn labels(&mut self, map: &Map<String, Value>) -> Vec<(Box<str>, Box<str>)> {
        match map.get("Labels") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Object(entries)) => {
                if entries.values().any(|value| !value.is_string()) {
                    self.tell("Labels", "an object of text");
                }
                entries.iter().map(|(key, value)| (key.as_str().into(), plain(value))).collect()
            }
            Some(_) => {
                self.tell("Labels", "an object");
                Vec::new()
            }
        }
    }
}

fn plain(value: &Value) -> Box<str> {
    value.as_str().map_or_else(|| value.to_string().into(), Into::into)
}

fn diff_ids(map: &Map<String, Value>) -> Result<Vec<Digest>, ConfigError> {
    let list = map.get("rootfs").and_then(|rootfs| rootfs.get("diff_ids")).and_then(Value::as_array);
    let digest = |(at, value): (usize, &Value)| {
        value.as_str().unwrap_or_default().parse().map_err(|error| ConfigError::DiffId(at, error))
    };
    list.ok_or(ConfigError::NoRootfs)?.iter().enumerate().map(digest).collect()
}

fn history(map: &Map<String, Value>, damage: &mut Damage) -> Vec<History> {
    let list = match map.get("history") {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(list)) => list,
        Some(_) => {
            damage.tell("history", "a list");
            return Vec::new();
        }
    };
    if list.iter().any(|step| !step.is_object()) {
        damage.tell("history", "a list of objects");
    }
    let step = |step: &Map<String, Value>| {
        let text = |key: &str| step.get(key).and_then(Value::as_str);
        History {
            created: text("created").map(Into::into),
            created_by: text("created_by").unwrap_or_default().into(),
            comment: text("comment").unwrap_or_default().into(),
            empty_layer: step.get("empty_layer").and_then(Value::as_bool).unwrap_or(false),
        }
    };
    list.iter().filter_map(Value::as_object).map(step).collect()
}

fn pick<const N: usize>(map: &Map<String, Value>, keys: [&str; N]) -> Map<String, Value> {
    keys.into_iter().filter_map(|key| Some((key.to_owned(), map.get(key)?.clone()))).collect()
}

const KEYS: [&str; 8] = ["architecture", "os", "variant", "config", "rootfs", "history", "created", "author"];

#[cfg(test)]
mod tests {
    use super::*;

    fn with(config: &str, more: &str) -> String {
        let digest = format!("sha256:{}", "ab".repeat(32));
        format!(
            r#"{{"os": "linux", "architecture": "amd64", "config": {config},
                "rootfs": {{"type": "layers", "diff_ids": ["{digest}", "{digest}"]}}{more}}}"#
        )
    }

    #[test]
    fn a_configuration_is_read_as_it_stands() {
        let text = with(
            r#"{"User": " 0", "Env": ["A=b", "odd"], "Entrypoint": ["/a"], "Cmd": null, "Labels": {"k": "\u001b[31m"},
                "ExposedPorts": {"1-65535/tcp": {}}, "Volumes": {"/data": {}}, "Healthcheck": {"Test": ["NONE"]}}"#,
            r#", "history": [{"created_by": "ADD"}, {"created_by": "ENV", "empty_layer": true}, {"created_by": "RUN"}]"#,
        );
        let config = Config::read(text.as_bytes(), 2).expect("a configuration");
        assert_eq!((&*config.user, config.env.len(), &*config.labels[0].1), (" 0", 2, "\u{1b}[31m"));
        assert_eq!((&*config.exposed_ports[0], &*config.volumes[0]), ("1-65535/tcp", "/data"));
        assert_eq!(config.healthcheck, Some(vec!["NONE".into()]));
        assert_eq!(config.step_of_layer(1).map(|step| &*step.created_by), Some("RUN"));
        assert_eq!((config.platform.to_string(), config.damage.len()), ("linux/amd64".to_owned(), 0));
    }

    #[test]
    fn odd_values_are_damage_and_the_rest_is_read() {
        let text = with(r#"{"User": 0, "Env": "A=b", "Labels": [], "Cmd": [1]}"#, r#", "history": [{}]"#);
        let config = Config::read(text.as_bytes(), 2).expect("a configuration");
        assert_eq!((&*config.user, &*config.env[0], &*config.cmd[0]), ("0", "A=b", "1"));
        assert_eq!(config.damage.len(), 5, "{:?}", config.damage);
        assert_eq!(config.step_of_layer(0), None);
    }

    #[test]
    fn a_configuration_of_other_layers_is_refused() {
        assert!(matches!(Config::read(with("{}", "").as_bytes(), 3), Err(ConfigError::LayerCount { .. })));
        assert!(matches!(Config::read(b"{}", 1), Err(ConfigError::NoRootfs)));
        let bad = with("{}", "").replace("sha256", "sha1");
        assert!(matches!(Config::read(bad.as_bytes(), 2), Err(ConfigError::DiffId(0, _))));
        assert!(Config::read(with("{}", r#", "rootfs": {}"#).as_bytes(), 2).is_err());
    }
}
