//! Secrets in manifests: credentials of known formats anywhere, and values whose name gives them away.

mod detect;
mod formats;
mod shape;
mod walk;
mod words;

use std::borrow::Cow;

use manifest::{Object, Value};
use model::{Rule, Scope, Serves, Severity};

use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// A credential of a known format.
pub static CREDENTIAL: Rule = Rule {
    code: "secret-credential",
    title: "A manifest holds a credential",
    severity: Severity::Critical,
    scope: Scope::Object,
    serves: &[Serves::full("DV-20"), Serves::full("RS-08"), Serves::part("RA-32")],
    why: "Everyone who can read the repository, its history, the object in the cluster or a log of it has the \
          credential, and it keeps working wherever it was copied to.",
    fix: "Revoke the credential first, then take the new one from a secret store, or encrypt it before it is committed.",
    example: "env:\n- name: DB_PASSWORD_FILE\n  value: /etc/db/password\n",
};

/// A literal under a name that promises a secret.
pub static LITERAL: Rule = Rule {
    code: "secret-literal",
    title: "A password or token is written into a manifest",
    severity: Severity::High,
    scope: Scope::Object,
    serves: &[Serves::full("DV-20"), Serves::full("RS-08"), Serves::part("RA-32")],
    why: "Whoever may read the workload or the ConfigMap, which is far more people and tools than may read Secrets, \
          has the value; so has everyone with the repository.",
    fix: "Keep the value in a Secret from a store and mount it, and change the one that was written down.",
    example: "env:\n- name: DB_PASSWORD_FILE\n  value: /etc/db/password\n",
};

/// A password that everybody knows.
pub static DEFAULT_PASSWORD: Rule = Rule {
    code: "secret-default-password",
    title: "A password is one that everybody tries first",
    severity: Severity::Medium,
    scope: Scope::Object,
    serves: &[Serves::part("DV-20"), Serves::part("RA-32")],
    why: "Default passwords and notes such as `changeme` end up in production, and are what scanners on the \
          internet try.",
    fix: "Generate the password and keep it in a Secret.",
    example: "",
};

/// A long random value under a name that mentions secrets.
pub static HIGH_ENTROPY: Rule = Rule {
    code: "secret-high-entropy",
    title: "A value looks like a key",
    severity: Severity::Low,
    scope: Scope::Object,
    serves: &[Serves::part("DV-20"), Serves::part("RS-08")],
    why: "A long random value under a name that mentions keys or tokens is often one that was written down.",
    fix: "Move the value to a Secret if it is one, or list it as known to be harmless.",
    example: "",
};

/// A Secret with its values.
pub static IN_MANIFEST: Rule = Rule {
    code: "secret-in-manifest",
    title: "A Secret is written down with its values",
    severity: Severity::Medium,
    scope: Scope::Secret,
    serves: &[Serves::full("DV-20"), Serves::full("RS-08")],
    why: "Base64 is a spelling, not encryption: whoever reads the file has the values, and they stay in the history \
          of the repository.",
    fix: "Commit a SealedSecret, an ExternalSecret or a SOPS-encrypted file instead, and change the values that were committed.",
    example: "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata:\n  name: db\nspec:\n  secretStoreRef: {name: vault, kind: ClusterSecretStore}\n  target: {name: db}\n  dataFrom:\n  - extract: {key: shop/db}\n",
};

/// kubectl's copy of a Secret.
pub static LAST_APPLIED: Rule = Rule {
    code: "secret-last-applied",
    title: "An annotation repeats the values of a Secret",
    severity: Severity::Medium,
    scope: Scope::Secret,
    serves: &[Serves::part("RS-08"), Serves::part("DV-20")],
    why: "`kubectl apply` keeps a copy of the whole object in an annotation. Tools that hide `data` show annotations, \
          and old values stay there until the next apply.",
    fix: "Create Secrets with server-side apply, and remove the annotation.",
    example: "",
};

/// Checks on single objects.
pub(crate) const OBJECT_CHECKS: &[ObjectCheck] = &[
    ObjectCheck {
        scope: Scope::Object,
        rules: &[&CREDENTIAL, &LITERAL, &DEFAULT_PASSWORD, &HIGH_ENTROPY],
        run: walk::check,
    },
    ObjectCheck { scope: Scope::Secret, rules: &[&IN_MANIFEST, &LAST_APPLIED], run: check_secret },
];

fn check_secret(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    let values = |key: &'static str| {
        let entries = object.value.get(key).into_iter().flat_map(Value::entries);
        entries.filter(move |(_, value)| value.as_str().is_some_and(|text| is_confidential(text, key == "data")))
    };
    let mut confidential = values("data").chain(values("stringData"));
    if let Some((key, _)) = confidential.next() {
        let count = 1 + confidential.count();
        let values = if count == 1 { "value" } else { "values" };
        let message =
            format!("the Secret is written down with {count} {values}, the first is `{}`", key.as_str().unwrap_or(""));
        sink.report(&IN_MANIFEST, key, message).field("data");
    }
    let annotation = "kubectl.kubernetes.io/last-applied-configuration";
    if let Some(value) = object.metadata.and_then(|metadata| metadata.path(&["annotations", annotation]))
        && value.as_str().is_some_and(|text| text.contains("\"data\":{\"") || text.contains("\"stringData\":{\""))
    {
        sink.report(&LAST_APPLIED, value, format!("the annotation `{annotation}` repeats the Secret's values"))
            .field("metadata.annotations");
    }
}

/// Whether a value of a Secret is there in the clear: not empty, encrypted, a placeholder or public.
fn is_confidential(value: &str, encoded: bool) -> bool {
    let decoded = if encoded { base64_text(value) } else { None };
    let plain = decoded.unwrap_or(Cow::Borrowed(value.as_bytes()));
    let Ok(text) = std::str::from_utf8(&plain) else { return true };
    let text = text.trim();
    let public = text.starts_with("-----BEGIN CERTIFICATE-----") || text.starts_with("-----BEGIN PUBLIC KEY-----");
    !public && !words::is_placeholder(text) && !is_encrypted_or_template(text) && !is_encrypted_or_template(value)
}

fn is_encrypted_or_template(text: &str) -> bool {
    let starts = |marks: &[&str]| marks.iter().any(|mark| text.starts_with(mark));
    starts(&["ENC[", "<", "$(", "${", "{{", "ref+", "vault:"]) || text.contains("{{") || text.contains("<path:")
}

/// The bytes that a base 64 text stands for; `None` when it is none. Padding may be missing, and ends it.
fn base64_text(text: &str) -> Option<Cow<'static, [u8]>> {
    let symbols = || text.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r' | b' '));
    let ended = symbols().skip_while(|byte| *byte != b'=').any(|byte| byte != b'=');
    if ended {
        return None;
    }
    manifest::base64::pack(symbols().take_while(|byte| *byte != b'=')).map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;
    use crate::checks::workload::door::{accepts, container, findings, findings_with, reports};

    // Put together at run time, so that no scanner takes this file for a leak.
    fn github() -> String {
        format!("gh{}{}", "p_", "9f8Ke3Lq0ZtY7uWv2XsR5bNc1MdP4aHgJ6Qo")
    }

    fn config_map(entry: &str) -> String {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata:\n  {entry}\n")
    }

    fn secret(fields: &str) -> String {
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\n{fields}\n")
    }

    #[test]
    fn credentials_are_found_wherever_a_text_can_be() {
        let token = github();
        let encoded = "Z2hwXzlmOEtlM0xxMFp0WTd1V3YyWHNSNWJOYzFNZFA0YUhnSjZRbw==";
        for yaml in [
            container(&format!("env: [{{name: X, value: {token}}}]")),
            container(&format!("args: ['--header=Bearer {token}']")),
            container(&format!("command: [sh, -c, 'curl -H {token}']")),
            config_map(&format!("a.conf: |\n    x = {token}\n    y = 1")),
            config_map("x: y").replace("{name: c}", &format!("{{name: c, annotations: {{a: {token}}}}}")),
            format!(
                "apiVersion: example.com/v1\nkind: Thing\nmetadata: {{name: t}}\nspec: {{deep: [[{{x: {token}}}]]}}\n"
            ),
            secret(&format!("stringData: {{x: {token}}}")),
            secret(&format!("data: {{x: {encoded}}}")),
            config_map("x: y").replace("data:", &format!("binaryData: {{b: {encoded}}}\ndata:")),
        ] {
            let finding = reports(&yaml, "secret-credential");
            assert_eq!(finding.severity, Severity::Critical, "{yaml}");
            assert!(!finding.message.contains(&token[..8]), "{}", finding.message);
        }
    }

    #[test]
    fn a_finding_names_field_and_container() {
        let yaml = container(&format!("image: a\nenv:\n- name: A\n  value: b\n- name: X\n  value: {}", github()));
        let finding = reports(&yaml, "secret-credential");
        assert_eq!(finding.property("field"), Some("spec.containers[0].env[1].value"));
        assert_eq!(finding.property("container"), Some("web"));
    }

    #[test]
    fn examples_weigh_less() {
        let example = format!("AKIA{}", "IOSFODNN7EXAMPLE");
        assert_eq!(reports(&config_map(&format!("k: {example}")), "secret-credential").severity, Severity::Low);
    }

    #[test]
    fn passwords_in_addresses_are_judged_like_passwords() {
        let url = |password: &str| config_map(&format!("dsn: 'postgres://shop:{password}@db:5432/shop'"));
        assert_eq!(reports(&url("hxQ81kz"), "secret-credential").severity, Severity::High);
        reports(&url("postgres"), "secret-default-password");
        for reference in ["$(PASSWORD)", "${PASSWORD}", "<password>", "xxxx", "$PASSWORD"] {
            accepts(&url(reference), "secret-credential");
        }
    }

    #[test]
    fn names_give_literals_away() {
        for fields in [
            "env: [{name: DB_PASSWORD, value: hunter22}]",
            "env: [{name: API_KEY, value: 9f8e7d6c5b4a39281706}]",
            "args: [--db-password=hunter22]",
            "args: [--db-password, hunter22]",
            "command: [sh, -c, 'PGPASSWORD=hunter22 psql']",
        ] {
            let finding = reports(&container(fields), "secret-literal");
            assert!(!finding.message.contains("hunter"), "{}", finding.message);
        }
        for entry in ["db.password: hunter22", "app.ini: |\n    user = a\n    password = hunter22\n    x = y"] {
            reports(&config_map(entry), "secret-literal");
        }
        reports(
            "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t}\nspec: {adminPassword: Hunter22}\n",
            "secret-literal",
        );
    }

    #[test]
    fn what_is_no_secret_is_left_alone() {
        for fields in [
            "env: [{name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: a, key: password}}}]",
            "env: [{name: DB_PASSWORD, value: $(OTHER)}]",
            "env: [{name: DB_PASSWORD_FILE, value: /run/secrets/db}]",
            "env: [{name: TOKEN_TTL, value: '3600'}]",
            "env: [{name: SECRET_NAME, value: db-credentials}]",
            "env: [{name: API_TOKEN, value: my-token-secret}]",
            "args: [--token-auth-file=/etc/x, --tls-private-key-file=/etc/tls.key, --set-password=true]",
            "volumeMounts: [{name: password, mountPath: /x}]",
            "image: registry.example.com/token@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        ] {
            for rule in [&CREDENTIAL, &LITERAL, &DEFAULT_PASSWORD, &HIGH_ENTROPY] {
                accepts(&container(fields), rule.code);
            }
        }
        let schema = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: t}\nspec: {password: Hunter22}\n";
        accepts(schema, "secret-literal");
    }

    #[test]
    fn default_passwords_and_long_values_are_reported_as_such() {
        reports(&container("env: [{name: MYSQL_ROOT_PASSWORD, value: changeme}]"), "secret-default-password");
        reports(&secret("data: {password: YWRtaW4=}"), "secret-default-password");
        reports(&container("env: [{name: KEY_A, value: Zk3v9QpL0x7TnB2mZk4v8QpL1x6TnB3m}]"), "secret-high-entropy");
        accepts(&container("env: [{name: KEY_HASH, value: Zk3v9QpL0x7TnB2mZk4v8QpL1x6TnB3m}]"), "secret-high-entropy");
    }

    #[test]
    fn users_may_list_what_is_known() {
        let config = Config { secrets_allowed: vec!["hunter*".into(), "ghp_*".into()], ..Config::default() };
        let yaml = container(&format!("env: [{{name: PASSWORD, value: hunter22}}, {{name: X, value: {}}}]", github()));
        assert!(!findings_with(&config, &yaml).iter().any(|finding| finding.rule.code.starts_with("secret-")));
    }

    #[test]
    fn secrets_with_values_are_reported_unless_encrypted_or_public() {
        for fields in ["data: {password: aHVudGVyMjI=}", "stringData: {a: hunter22}", "data: {b: not+base64!}"] {
            reports(&secret(fields), "secret-in-manifest");
        }
        for fields in [
            "data: {}",
            "data: {password: ''}",
            "stringData: {a: 'ENC[AES256_GCM,data:x,type:str]'}",
            "stringData: {a: <path:secret/data/x#y>}",
            "stringData: {a: '${PASSWORD}'}",
            "data: {ca.crt: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUI=}",
            "stringData: {a: xxxxxxxx}",
        ] {
            accepts(&secret(fields), "secret-in-manifest");
        }
        accepts(
            "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: s}\nspec: {encryptedData: {a: AgBy8hCi}}\n",
            "secret-in-manifest",
        );
    }

    #[test]
    fn copies_of_secrets_in_annotations_are_reported() {
        let copy = |data: &str| {
            secret("x: y").replace(
                "{name: s}",
                &format!("{{name: s, annotations: {{kubectl.kubernetes.io/last-applied-configuration: '{{\"kind\":\"Secret\",{data}}}'}}}}"),
            )
        };
        reports(&copy("\"data\":{\"a\":\"aHVudGVyMjI=\"}"), "secret-last-applied");
        accepts(&copy("\"data\":{}"), "secret-last-applied");
    }

    #[test]
    fn no_message_holds_a_value() {
        let yaml =
            container("env: [{name: PASSWORD, value: correcthorse}, {name: DSN, value: 'amqp://u:correcthorse@h'}]");
        assert!(findings(&yaml).iter().all(|finding| !finding.message.contains("corr")));
    }
}
