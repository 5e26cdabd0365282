use super::*;

fn found(text: &str) -> Vec<String> {
    search("app/config", text.as_bytes(), &Allow::default()).into_iter().map(|secret| secret.format.into()).collect()
}

/// Forty-odd random characters, made so that no scanner of this repository takes them for a real secret.
pub(super) fn noise(alphabet: &str, length: usize) -> String {
    let letters: Vec<char> = alphabet.chars().collect();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        letters[(state >> 20) as usize % letters.len()]
    };
    (0..length).map(|_| next()).collect()
}

pub(super) const WORD: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const HEX: &str = "0123456789abcdef";

#[test]
fn every_pattern_compiles_and_every_name_is_unique() {
    let mut names: Vec<&str> = formats().iter().map(|format| format.id).collect();
    for (index, format) in formats().iter().enumerate() {
        assert!(RULES.pattern(index).captures_len() >= 2, "{}: no group for the value", format.id);
        assert!(!format.words.is_empty() && !format.title.is_empty(), "{}", format.id);
    }
    assert!(names.len() >= 200, "{}", names.len());
    names.dedup();
    assert_eq!(names.len(), formats().len());
    assert!(format("github-token").is_some() && format("no-such").is_none());
}

#[test]
fn tokens_are_found_by_their_shape() {
    let upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    for (text, expect) in [
        (format!("id = AKIA{}\n", noise(upper, 16)), "aws-access-key-id"),
        (format!("aws_secret_access_key = {}\n", noise(WORD, 40)), "aws-secret-access-key"),
        (format!("token: ghp_{}", noise(WORD, 36)), "github-token"),
        (format!("curl -H 'PRIVATE-TOKEN: glpat-{}'", noise(WORD, 20)), "gitlab-token"),
        (format!("SLACK=xoxb-{}-{}", noise("0123456789", 12), noise(WORD, 24)), "slack-bot-token"),
        (format!("stripe sk_live_{}", noise(WORD, 24)), "stripe-secret-key"),
        (format!("//registry.example/:_authToken={}", noise(WORD, 36)), "npmrc-auth-token"),
        (format!("DATADOG_API_KEY={}", noise(HEX, 32)), "datadog-api-key"),
        (format!("postgres://app:{}@db.example/app", noise(WORD, 14)), "password-in-url"),
        (format!("root:$6$saltsalt${}:19000:0:99999:7:::", noise(WORD, 86)), "unix-password-hash"),
        (format!("\"client_secret\": \"{}\"", noise(WORD, 40)), "generic-secret"),
        (format!("key = SG.{}.{}", noise(WORD, 22), noise(WORD, 43)), "sendgrid-key"),
    ] {
        assert_eq!(found(&text), [expect], "{text}");
    }
}

#[test]
fn a_private_key_is_one_secret_and_a_public_one_is_none() {
    let body: String = (0..12).map(|line| format!("{}{line:02}\n", noise(WORD, 62))).collect();
    let key = format!("before\n-----BEGIN RSA PRIVATE KEY-----\n{body}-----END RSA PRIVATE KEY-----\n");
    let secrets = search("id_rsa", key.as_bytes(), &Allow::default());
    assert_eq!(secrets.len(), 1, "{secrets:?}");
    assert_eq!(&*secrets[0].format, "private-key");
    assert!(found("-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkq\n-----END PUBLIC KEY-----").is_empty());
    assert!(found("-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----").is_empty());
}

#[test]
fn placeholders_references_and_words_are_no_secrets() {
    for text in [
        "aws_secret_access_key = <your secret key>",
        "AKIAIOSFODNN7EXAMPLE",
        "password: \"${DB_PASSWORD}\"",
        "password = \"changeme-please\"",
        "token: ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "postgres://user:password@localhost/db",
        "https://user:$PASS@host.example/",
        "api_key = \"abcdefghijklmnopqrstuvwxyz\"",
        "secretName: \"my-application-tls-certificate\"",
        "stripe: sk_live_1234567890123456789012345678",
    ] {
        assert!(found(text).is_empty(), "{text}: {:?}", found(text));
    }
}

#[test]
fn the_place_is_told_and_the_value_never() {
    let value = noise(WORD, 36);
    let text = format!("first\nсекрет token = \"ghp_{value}\" # other\n");
    let secrets = search("a", text.as_bytes(), &Allow::default());
    assert_eq!((secrets[0].line, secrets[0].column), (2, 17));
    assert_eq!(&*secrets[0].excerpt, "token=********");
    assert!(!format!("{secrets:?}").contains(&value[..8]));
}

#[test]
fn what_a_user_allows_is_not_told() {
    let text = format!("token: ghp_{}", noise(WORD, 36));
    let allow = |paths: &[&str], formats: &[&str]| Allow {
        paths: paths.iter().map(|path| (*path).into()).collect(),
        formats: formats.iter().map(|id| (*id).into()).collect(),
        values: Vec::new(),
    };
    let count = |path: &str, allow: &Allow| search(path, text.as_bytes(), allow).len();
    assert_eq!(count("src/test/key.txt", &allow(&["test/key.txt"], &[])), 0);
    assert_eq!(count("src/test/key.txt", &allow(&["src/test"], &[])), 0);
    assert_eq!(count("src/test/key.txt", &allow(&["y.txt"], &[])), 1);
    assert_eq!(count("src/test/key.txt", &allow(&[], &["github-token"])), 0);
}

#[test]
fn environment_values_count_when_their_name_says_secret() {
    let of = |name, value| search_assignment(name, value, &Allow::default()).len();
    assert_eq!(of("DB_PASSWORD", "hunter22"), 1);
    assert_eq!(of("DB_PASSWORD_FILE", "/run/secrets/db"), 0);
    assert_eq!(of("DB_PASSWORD", "/run/secrets/db"), 0);
    assert_eq!(of("PATH", "/usr/local/bin:/usr/bin"), 0);
    assert_eq!(of("TOKEN", "true"), 0);
}

#[test]
fn hostile_text_takes_linear_time_and_a_bounded_report() {
    let many = format!("password = \"{}\"\n", noise(WORD, 20)).repeat(5000);
    assert_eq!(search("a", many.as_bytes(), &Allow::default()).len(), SECRETS_MAX + 1);
    let one_line = "password://:".repeat(200_000);
    assert!(search("a", one_line.as_bytes(), &Allow::default()).is_empty());
    let open = "-----BEGIN PRIVATE KEY-----\n".repeat(20_000);
    assert!(search("a", open.as_bytes(), &Allow::default()).is_empty());
}

#[test]
fn only_text_that_can_hold_secrets_is_searched() {
    assert!(may_search("app/.env", 200));
    assert!(!may_search("app/a.svg", 200));
    assert!(!may_search("usr/share/doc/x/readme", 200));
}
