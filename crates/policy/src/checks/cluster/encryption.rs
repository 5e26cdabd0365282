//! EncryptionConfiguration: whether the API server takes it, and whether it encrypts what matters.

use std::collections::HashSet;

use manifest::{Object, Value};
use model::{Rule, Scope, Serves, Severity};

use super::encryption_keys::{self, Key};
use super::{duration, encryption_validity};
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// kube-apiserver refuses an encryption configuration.
pub static INVALID: Rule = Rule {
    code: "encryption-config-invalid",
    title: "kube-apiserver refuses an encryption configuration",
    severity: Severity::Medium,
    scope: Scope::Encryption,
    serves: &[Serves::full("RS-02")],
    why: "The API server does not start with it, or keeps the old keys at a reload, so nothing in the file \
          holds.",
    fix: "Correct the named field.",
    example: "resources:\n  - resources: [secrets]\n    providers:\n      - kms:\n          apiVersion: v2\n          name: vault\n          endpoint: unix:///run/kms/socket.sock\n",
};
/// New objects are written unencrypted.
pub static IDENTITY_FIRST: Rule = Rule {
    code: "encryption-identity-first",
    title: "New objects are written unencrypted",
    severity: Severity::High,
    scope: Scope::Encryption,
    serves: &[Serves::full("RS-02")],
    why: "The first provider writes, and identity writes plain text: the configuration looks like encryption \
          and is none.",
    fix: "Put a kms or secretbox provider first.",
    example: "providers:\n  - kms:\n      apiVersion: v2\n      name: vault\n      endpoint: unix:///run/kms/socket.sock\n  - identity: {}\n",
};
/// Secrets are left out of encryption.
pub static SECRETS_MISSING: Rule = Rule {
    code: "encryption-secrets-missing",
    title: "Secrets are left out of encryption",
    severity: Severity::High,
    scope: Scope::Encryption,
    serves: &[Serves::full("RS-02")],
    why: "The configuration encrypts other objects, and Secrets are stored in plain text.",
    fix: "Add secrets to the resources of the first element.",
    example: "resources:\n  - resources: [secrets, configmaps]\n",
};
/// ConfigMaps are left out of encryption.
pub static CONFIGMAPS_MISSING: Rule = Rule {
    code: "encryption-configmaps-missing",
    title: "ConfigMaps are left out of encryption",
    severity: Severity::Info,
    scope: Scope::Encryption,
    serves: &[Serves::part("RS-02")],
    why: "ConfigMaps often hold connection strings and keys that were meant to be Secrets.",
    fix: "Add configmaps to the resources.",
    example: "resources:\n  - resources: [secrets, configmaps]\n",
};
/// Objects are encrypted with AES-CBC.
pub static AESCBC: Rule = Rule {
    code: "encryption-aescbc",
    title: "Objects are encrypted with AES-CBC",
    severity: Severity::Medium,
    scope: Scope::Encryption,
    serves: &[Serves::full("RS-02")],
    why: "CBC without authentication lets somebody who can write to etcd and watch errors recover the plain \
          text.",
    fix: "Use kms v2, or secretbox where no key service exists.",
    example: "providers:\n  - kms:\n      apiVersion: v2\n      name: vault\n      endpoint: unix:///run/kms/socket.sock\n",
};
/// Objects are encrypted with AES-GCM and random nonces.
pub static AESGCM: Rule = Rule {
    code: "encryption-aesgcm",
    title: "Objects are encrypted with AES-GCM and random nonces",
    severity: Severity::Info,
    scope: Scope::Encryption,
    serves: &[Serves::part("RS-02"), Serves::part("RS-03")],
    why: "The key must be replaced at least every 200,000 writes; after that a repeated nonce becomes likely \
          and breaks the encryption.",
    fix: "Rotate the key automatically, or use kms v2 or secretbox.",
    example: "",
};
/// The outdated KMS v1 protocol is used.
pub static KMS_V1: Rule = Rule {
    code: "encryption-kms-v1",
    title: "The outdated KMS v1 protocol is used",
    severity: Severity::Medium,
    scope: Scope::Encryption,
    serves: &[Serves::full("RS-02"), Serves::part("RS-03")],
    why: "Version 1 is off by default since 1.29, asks the key service for every object and cannot tell which \
          key encrypted what.",
    fix: "Move to a plugin with apiVersion v2.",
    example: "providers:\n  - kms:\n      apiVersion: v2\n      name: vault\n      endpoint: unix:///run/kms/socket.sock\n",
};
/// The encryption key stands in the configuration file.
pub static KEY_INLINE: Rule = Rule {
    code: "encryption-key-inline",
    title: "The encryption key stands in the configuration file",
    severity: Severity::Low,
    scope: Scope::Encryption,
    serves: &[Serves::part("RS-02"), Serves::part("RA-17"), Serves::part("RA-31"), Serves::part("RS-07")],
    why: "Whoever reads the file of a control-plane node, or a backup that holds both, decrypts everything.",
    fix: "Keep the key in a key service or HSM and use kms v2.",
    example: "providers:\n  - kms:\n      apiVersion: v2\n      name: vault\n      endpoint: unix:///run/kms/socket.sock\n",
};
/// An encryption key was typed by a person.
pub static KEY_GUESSABLE: Rule = Rule {
    code: "encryption-key-guessable",
    title: "An encryption key was typed by a person",
    severity: Severity::High,
    scope: Scope::Encryption,
    serves: &[Serves::part("RA-17"), Serves::part("RS-02")],
    why: "A key of readable characters holds a fraction of the strength of a random one, and can be guessed \
          from a stolen copy of etcd.",
    fix: "Generate keys with `head -c 32 /dev/urandom | base64`.",
    example: "",
};
/// One key is listed twice.
pub static KEY_REUSED: Rule = Rule {
    code: "encryption-key-reused",
    title: "One key is listed twice",
    severity: Severity::Medium,
    scope: Scope::Encryption,
    serves: &[Serves::part("RA-17"), Serves::part("RS-03")],
    why: "A rotation from a key to itself changes nothing, and a key shared by two algorithms weakens both.",
    fix: "Give every entry a key and a name of its own.",
    example: "",
};
/// Unencrypted objects are still accepted.
pub static IDENTITY_FALLBACK: Rule = Rule {
    code: "encryption-identity-fallback",
    title: "Unencrypted objects are still accepted",
    severity: Severity::Info,
    scope: Scope::Encryption,
    serves: &[Serves::part("RS-03")],
    why: "As long as identity is listed, objects written before encryption, or placed into etcd by somebody, \
          are read as they are.",
    fix: "Rewrite all objects, then remove identity.",
    example: "",
};
/// The key service listens on an abstract socket.
pub static ABSTRACT_SOCKET: Rule = Rule {
    code: "encryption-kms-abstract-socket",
    title: "The key service listens on an abstract socket",
    severity: Severity::Medium,
    scope: Scope::Encryption,
    serves: &[Serves::part("RA-17"), Serves::part("RS-02")],
    why: "An abstract socket has no file permissions, so every process in the host's network namespace can ask \
          it to decrypt.",
    fix: "Use a socket file that only the API server can reach.",
    example: "endpoint: unix:///run/kms/socket.sock\n",
};
/// Requests wait long for the key service.
pub static KMS_TIMEOUT: Rule = Rule {
    code: "encryption-kms-timeout",
    title: "Requests wait long for the key service",
    severity: Severity::Low,
    scope: Scope::Encryption,
    serves: &[Serves::part("RC-24")],
    why: "When the key service hangs, every read and write of Secrets waits as long, and the API server runs \
          out of requests in flight.",
    fix: "Keep the timeout at a few seconds.",
    example: "timeout: 3s\n",
};
/// An encryption rule never applies.
pub static UNREACHABLE: Rule = Rule {
    code: "encryption-rule-unreachable",
    title: "An encryption rule never applies",
    severity: Severity::Medium,
    scope: Scope::Encryption,
    serves: &[Serves::part("RS-02")],
    why: "An earlier element already covers the resource, and the first match counts, so the providers written \
          for it are never used.",
    fix: "Put the narrower element first.",
    example: "",
};

/// Checks on EncryptionConfiguration.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[ObjectCheck {
    scope: Scope::Encryption,
    rules: &[
        &INVALID,
        &IDENTITY_FIRST,
        &SECRETS_MISSING,
        &CONFIGMAPS_MISSING,
        &AESCBC,
        &AESGCM,
        &KMS_V1,
        &KEY_INLINE,
        &KEY_GUESSABLE,
        &KEY_REUSED,
        &IDENTITY_FALLBACK,
        &ABSTRACT_SOCKET,
        &KMS_TIMEOUT,
        &UNREACHABLE,
    ],
    run: check,
}];

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    for fault in encryption_validity::faults(object.value) {
        sink.report(&INVALID, fault.at, fault.message).field(fault.field);
    }
    let mut covered: Vec<&str> = Vec::new();
    for (index, element) in object.value.list("resources").enumerate() {
        unreachable(element, index, &covered, sink);
        covered.extend(element.list("resources").filter_map(Value::as_str));
        first_provider(element, index, sink);
        others(element, index, sink);
    }
    coverage(object, &covered, sink);
    keys(object, sink);
}

/// Whether a rule covers a resource of the core group.
fn covers_core(rule: &str, resource: &str) -> bool {
    rule == resource || rule == "*." || rule == "*.*"
}

/// Whether an earlier rule takes everything that a later one names.
fn masks(earlier: &str, later: &str) -> bool {
    let group = |rule: &str| rule.split_once('.').map_or(String::new(), |(_, group)| group.to_owned());
    earlier == later || earlier == "*.*" || (earlier.starts_with("*.") && group(earlier) == group(later))
}

fn unreachable(element: Value<'_>, index: usize, covered: &[&str], sink: &mut Sink<'_>) {
    for rule in element.list("resources") {
        let Some(name) = rule.as_str() else { continue };
        if let Some(earlier) = covered.iter().find(|earlier| masks(earlier, name)) {
            let message = format!("`{name}` is already covered by `{earlier}` of an earlier element");
            sink.report(&UNREACHABLE, rule, message).field(format!("resources[{index}].resources"));
        }
    }
}

fn first_provider(element: Value<'_>, index: usize, sink: &mut Sink<'_>) {
    let Some(first) = element.list("providers").next() else { return };
    let Some((key, settings)) = first.entries().next() else { return };
    let field = format!("resources[{index}].providers[0]");
    let local = |sink: &mut Sink<'_>| {
        let message = format!("`{field}` keeps its key in this file");
        sink.report(&KEY_INLINE, key, message).field(field.as_str());
    };
    match key.as_str().unwrap_or("") {
        "identity" => {
            let secrets = element.list("resources").filter_map(Value::as_str).any(|rule| covers_core(rule, "secrets"));
            let severity = if secrets { Severity::High } else { Severity::Low };
            sink.report(&IDENTITY_FIRST, key, format!("`{field}` is identity, which writes plain text"))
                .field(field.as_str())
                .severity(severity);
        }
        "aescbc" => {
            sink.report(&AESCBC, key, format!("`{field}` is aescbc")).field(field.as_str());
            local(sink);
        }
        "aesgcm" => {
            sink.report(&AESGCM, key, format!("`{field}` is aesgcm")).field(field.as_str());
            local(sink);
        }
        "secretbox" => local(sink),
        "kms" if settings.str_at("apiVersion").unwrap_or("v1") == "v1" => {
            sink.report(&KMS_V1, key, format!("`{field}` is kms without apiVersion v2")).field(field.as_str());
        }
        _ => {}
    }
}

fn others(element: Value<'_>, index: usize, sink: &mut Sink<'_>) {
    for (place, provider) in element.list("providers").enumerate() {
        let field = format!("resources[{index}].providers[{place}]");
        if place > 0
            && let Some((key, _)) = provider.entry("identity")
        {
            sink.report(&IDENTITY_FALLBACK, key, format!("`{field}` is identity")).field(field.as_str());
        }
        let Some(kms) = provider.get("kms") else { continue };
        if let Some(endpoint) = kms.get("endpoint")
            && endpoint.as_str().is_some_and(|text| text.starts_with("unix:///@") || text.starts_with("unix://@"))
        {
            let message =
                format!("`{field}.kms.endpoint` is `{}`", super::component::shown(endpoint.as_str().unwrap_or("")));
            sink.report(&ABSTRACT_SOCKET, endpoint, message).field(format!("{field}.kms.endpoint"));
        }
        if let Some(timeout) = kms.get("timeout")
            && let Some(seconds) = timeout.as_str().and_then(duration::seconds).filter(|s| *s > KMS_SECONDS_MAX)
        {
            sink.report(&KMS_TIMEOUT, timeout, format!("`{field}.kms.timeout` is {seconds} seconds"))
                .field(format!("{field}.kms.timeout"));
        }
    }
}

fn coverage(object: &Object<'_>, covered: &[&str], sink: &mut Sink<'_>) {
    if covered.is_empty() {
        return;
    }
    for (resource, rule) in [("secrets", &SECRETS_MISSING), ("configmaps", &CONFIGMAPS_MISSING)] {
        if !covered.iter().any(|covered| covers_core(covered, resource)) {
            sink.report(rule, object.location(), format!("no element of `resources` covers `{resource}`"))
                .field("resources");
        }
    }
}

fn keys(object: &Object<'_>, sink: &mut Sink<'_>) {
    let mut seen: HashSet<(usize, &str)> = HashSet::new();
    let mut names: HashSet<(usize, usize, &str)> = HashSet::new();
    for Key { element, provider, field, entry, name, secret } in encryption_keys::keys(object.value) {
        if encryption_keys::is_typed(secret) {
            let at = entry.get("secret").unwrap_or(entry);
            sink.report(&KEY_GUESSABLE, at, format!("the key `{name}` in `{field}` is readable text"))
                .field(field.as_str());
        }
        let again = !secret.is_empty() && !seen.insert((element, secret));
        if again || !names.insert((element, provider, name)) {
            let what = if again { "has the same bytes as another key" } else { "has the name of another key" };
            sink.report(&KEY_REUSED, entry, format!("the key `{name}` in `{field}` {what}")).field(field.as_str());
        }
    }
}

/// Half a minute; the API server's own default is three seconds.
const KMS_SECONDS_MAX: f64 = 30.0;
