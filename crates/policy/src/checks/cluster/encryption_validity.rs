//! Whether kube-apiserver takes an EncryptionConfiguration. It reads the file strictly: a field that it
//! does not know is an error.

use std::collections::HashSet;

use manifest::Value;
use manifest::base64::decode;
use model::Location;

use super::component::shown;
use super::duration;
use super::encryption_keys::LOCAL;

/// One reason for which the file is refused.
#[derive(Debug)]
pub(super) struct Fault {
    /// Where.
    pub(super) at: Location,
    /// Path from the root.
    pub(super) field: String,
    /// What is wrong.
    pub(super) message: String,
}

/// Every reason for which the file is refused.
pub(super) fn faults(root: Value<'_>) -> Vec<Fault> {
    let mut validity = Validity { faults: Vec::new(), kms_names: HashSet::new() };
    validity.fields(root, "", &["apiVersion", "kind", "metadata", "resources"]);
    if root.get("resources").is_none_or(|resources| !resources.is_seq() || resources.is_empty()) {
        validity.fault(root.get("resources").unwrap_or(root), "resources", "`resources` is empty");
    }
    for (index, element) in root.list("resources").enumerate() {
        validity.element(element, &format!("resources[{index}]"));
    }
    validity.faults
}

struct Validity<'d> {
    faults: Vec<Fault>,
    kms_names: HashSet<&'d str>,
}

impl<'d> Validity<'d> {
    fn fault(&mut self, at: Value<'_>, field: impl Into<String>, message: impl Into<String>) {
        self.faults.push(Fault { at: at.location(), field: field.into(), message: message.into() });
    }

    /// Reports fields that the type does not have.
    fn fields(&mut self, value: Value<'d>, path: &str, known: &[&str]) {
        let dot = if path.is_empty() { "" } else { "." };
        for (key, _) in value.entries() {
            let name = key.as_str().unwrap_or("");
            if !known.contains(&name) {
                let field = format!("{path}{dot}{}", shown(name));
                let message = format!("`{field}` is no field of an EncryptionConfiguration");
                self.fault(key, field, message);
            }
        }
    }

    fn element(&mut self, element: Value<'d>, path: &str) {
        self.fields(element, path, &["resources", "providers"]);
        for list in ["resources", "providers"] {
            if element.list(list).next().is_none() {
                let field = format!("{path}.{list}");
                let message = format!("`{field}` is empty");
                self.fault(element, field, message);
            }
        }
        self.names(element, path);
        for (index, provider) in element.list("providers").enumerate() {
            self.provider(provider, &format!("{path}.providers[{index}]"));
        }
    }

    fn names(&mut self, element: Value<'d>, path: &str) {
        let field = format!("{path}.resources");
        let names: Vec<&str> = element.list("resources").filter_map(Value::as_str).collect();
        let mut seen = HashSet::new();
        for item in element.list("resources") {
            let Some(name) = item.as_str() else {
                self.fault(item, field.as_str(), format!("`{field}` holds something that is no string"));
                continue;
            };
            let group = name.split_once('.').map(|(_, group)| group);
            let masked = names.len() > 1
                && (name == "*.*"
                    || name.strip_prefix("*.").is_some_and(|group| {
                        names
                            .iter()
                            .any(|other| *other != name && other.split_once('.').map_or("", |(_, g)| g) == group)
                    }));
            let why = if name.is_empty() {
                "is empty"
            } else if name == "*" {
                "must be `*.` for the core group or `*.*` for everything"
            } else if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
                "must be in lower case"
            } else if group == Some("events.k8s.io") {
                "must be `events`, the group that events are stored in"
            } else if group == Some("extensions") {
                "is in a group that was removed"
            } else if NO_REST.contains(&name) {
                "has no API and cannot be encrypted"
            } else if !seen.insert(name) {
                "stands twice"
            } else if masked {
                "overlaps with other resources of the same list"
            } else {
                continue;
            };
            self.fault(item, field.as_str(), format!("`{}` in `{field}` {why}", shown(name)));
        }
    }

    fn provider(&mut self, provider: Value<'d>, path: &str) {
        let kinds: Vec<&str> = provider
            .entries()
            .filter(|(_, value)| !value.is_null())
            .filter_map(|(key, _)| key.as_str())
            .filter(|key| PROVIDERS.contains(key))
            .collect();
        self.fields(provider, path, PROVIDERS);
        if kinds.len() != 1 {
            let message = format!("`{path}` names {} providers instead of one", kinds.len());
            self.fault(provider, path, message);
        }
        for (kind, lengths) in LOCAL {
            if let Some(settings) = provider.get(kind) {
                self.keys(settings, &format!("{path}.{kind}"), lengths);
            }
        }
        if let Some(kms) = provider.get("kms") {
            self.kms(kms, &format!("{path}.kms"));
        }
        if let Some(identity) = provider.get("identity") {
            self.fields(identity, &format!("{path}.identity"), &[]);
        }
    }

    fn keys(&mut self, settings: Value<'d>, path: &str, lengths: &[usize]) {
        self.fields(settings, path, &["keys"]);
        if settings.list("keys").next().is_none() {
            let field = format!("{path}.keys");
            let message = format!("`{field}` is empty");
            self.fault(settings, field, message);
        }
        for (index, key) in settings.list("keys").enumerate() {
            let field = format!("{path}.keys[{index}]");
            self.fields(key, &field, &["name", "secret"]);
            if key.str_at("name").is_none_or(str::is_empty) {
                self.fault(key, format!("{field}.name"), format!("`{field}.name` is missing"));
            }
            let Some(secret) = key.get("secret").filter(|secret| secret.as_str().is_some_and(|s| !s.is_empty())) else {
                self.fault(key, format!("{field}.secret"), format!("`{field}.secret` is missing"));
                continue;
            };
            match decode(secret.as_str().unwrap_or("")) {
                None => self.fault(secret, format!("{field}.secret"), format!("`{field}.secret` is no base64")),
                Some(bytes) if !lengths.contains(&bytes.len()) => {
                    let message =
                        format!("`{field}.secret` holds a key of {} bytes, not one of {lengths:?}", bytes.len());
                    self.fault(secret, format!("{field}.secret"), message);
                }
                Some(_) => {}
            }
        }
    }

    fn kms(&mut self, kms: Value<'d>, path: &str) {
        self.fields(kms, path, &["apiVersion", "name", "cachesize", "endpoint", "timeout"]);
        let version = kms.str_at("apiVersion").filter(|version| !version.is_empty()).unwrap_or("v1");
        if !matches!(version, "v1" | "v2") {
            let message = format!("`{path}.apiVersion` is `{}`, neither v1 nor v2", shown(version));
            self.fault(kms.get("apiVersion").unwrap_or(kms), format!("{path}.apiVersion"), message);
        }
        match kms.str_at("name").unwrap_or("") {
            "" => self.fault(kms, format!("{path}.name"), format!("`{path}.name` is missing")),
            name => {
                let at = kms.get("name").unwrap_or(kms);
                if version != "v1" && name.contains(':') {
                    self.fault(at, format!("{path}.name"), format!("`{path}.name` holds a colon"));
                }
                if !self.kms_names.insert(name) && version != "v1" {
                    let message = format!("`{path}.name` is the name of another key service");
                    self.fault(at, format!("{path}.name"), message);
                }
            }
        }
        match kms.str_at("endpoint").unwrap_or("") {
            "" => self.fault(kms, format!("{path}.endpoint"), format!("`{path}.endpoint` is missing")),
            endpoint if !endpoint.starts_with("unix://") => {
                let message = format!("`{path}.endpoint` is no unix socket");
                self.fault(kms.get("endpoint").unwrap_or(kms), format!("{path}.endpoint"), message);
            }
            _ => {}
        }
        if let Some(timeout) = kms.get("timeout")
            && !timeout.text().and_then(|text| duration::seconds(&text)).is_some_and(|seconds| seconds > 0.0)
        {
            self.fault(timeout, format!("{path}.timeout"), format!("`{path}.timeout` is no positive duration"));
        }
        if let Some(size) = kms.get("cachesize") {
            let why = match (version, size.as_i64()) {
                ("v1", Some(0)) => "is zero",
                (_, None) => "is no number",
                ("v1", _) => return,
                _ => "is not supported by apiVersion v2",
            };
            self.fault(size, format!("{path}.cachesize"), format!("`{path}.cachesize` {why}"));
        }
    }
}

/// Providers that there are.
const PROVIDERS: &[&str] = &["aesgcm", "aescbc", "secretbox", "identity", "kms"];

/// Stored resources without an API of their own.
const NO_REST: &[&str] = &["serviceipallocations", "servicenodeportallocations", "apiserveripinfo"];
