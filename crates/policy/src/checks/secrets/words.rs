//! Names that promise a secret, and values that look like one.

/// How surely a name stands for a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// Passwords: any literal value is one.
    Password,
    /// Keys and tokens: a value that looks random is one.
    Token,
    /// The name only mentions secrets: a long random value may be one.
    Mention,
}

/// What a value is, given that its name promises a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Literal {
    /// A reference, a path, a switch, a placeholder: no secret.
    No,
    /// A password that everybody tries first.
    Default,
    /// A secret.
    Yes,
}

/// What a name promises; `None` for most names.
pub(crate) fn promise(name: &str) -> Option<Promise> {
    let found = letters(name);
    if !STEMS.iter().any(|stem| found & stem == *stem) {
        return None;
    }
    let (before, last) = last_words(name);
    let is = |word: &str| last.eq_ignore_ascii_case(word);
    let ends = |word: &str| {
        let from = last.len().checked_sub(word.len());
        from.and_then(|from| last.get(from..)).is_some_and(|end| end.eq_ignore_ascii_case(word))
    };
    if ["password", "passwd", "passphrase"].into_iter().any(ends)
        || is("pwd") && !before.is_empty()
        || is("pass") && !before.is_empty()
    {
        return Some(Promise::Password);
    }
    let key_of = |kinds: &[&str]| kinds.iter().any(|kind| before.eq_ignore_ascii_case(kind));
    if ["apikey", "secretkey", "privatekey", "accesskey"].into_iter().any(ends)
        || ["token", "secret", "credential", "credentials"].into_iter().any(is)
        || ["authtoken", "accesstoken", "clientsecret"].into_iter().any(ends)
        || is("key") && key_of(KEYS)
    {
        return Some(Promise::Token);
    }
    let mentions = MENTIONS.iter().any(|word| contains(name, word));
    (mentions && !HARMLESS.iter().any(|word| contains(name, word))).then_some(Promise::Mention)
}

/// What a value is.
pub(crate) fn literal(promise: Promise, value: &str, entropy_min: f32) -> Literal {
    let value = value.trim().trim_matches(['"', '\'']);
    if is_reference(value) {
        return Literal::No;
    }
    if promise == Promise::Password && DEFAULTS.iter().any(|word| word.eq_ignore_ascii_case(value)) {
        return Literal::Default;
    }
    if is_placeholder(value) {
        return Literal::No;
    }
    let secret = match promise {
        Promise::Password => value.len() >= 4 && !value.contains(char::is_whitespace),
        Promise::Token => value.len() >= 12 && is_random(value),
        Promise::Mention => value.len() >= 24 && is_random(value) && entropy(value) >= entropy_min,
    };
    if secret { Literal::Yes } else { Literal::No }
}

/// Whether a value only says where the secret is.
pub(crate) fn is_reference(value: &str) -> bool {
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| value.starts_with(prefix));
    value.is_empty()
        || starts(&["$", "<", "[", "{", "/", "./", "~/", "%", "*", "ENC[", "!", "@", "`"])
        || ["$(", "${", "{{", "%(", "<path:"].iter().any(|mark| value.contains(mark))
        || value.split_once(':').is_some_and(|(scheme, _)| SCHEMES.contains(&scheme))
        || value.contains("://")
        || value.starts_with("ref+")
}

/// Whether a value stands for one that is still to come.
pub(crate) fn is_placeholder(value: &str) -> bool {
    let mut bytes = value.bytes();
    let first = bytes.next();
    let uniform = first.is_none_or(|first| bytes.all(|byte| byte == first || byte == b'-'));
    uniform
        || SWITCHES.iter().any(|word| word.eq_ignore_ascii_case(value))
        || PLACEHOLDERS.iter().any(|word| contains(value, word))
        || contains(value, "xxxx")
}

/// Shannon entropy in bits for each byte.
pub(crate) fn entropy(value: &str) -> f32 {
    let mut counts = [0_u32; 256];
    for byte in value.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let total = value.len().max(1) as f32;
    counts.iter().filter(|count| **count > 0).map(|count| *count as f32 / total).map(|p| -p * p.log2()).sum()
}

/// Whether letters and digits are mixed in a way that words and names are not.
fn is_random(value: &str) -> bool {
    let allowed = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-' | b'.' | b'~' | b'!')
    };
    if !value.bytes().all(allowed) || is_uuid(value) || is_dotted(value) {
        return false;
    }
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    // Words with a number behind them change between letters and digits once or twice, noise all the time.
    let kind = |byte: u8| (byte.is_ascii_digit(), byte.is_ascii_uppercase());
    let changes = value.bytes().zip(value.bytes().skip(1)).filter(|(a, b)| kind(*a) != kind(*b)).count();
    digits >= 2 && letters >= 2 && changes * 4 >= value.len() && entropy(value) >= 2.8
}

fn is_uuid(value: &str) -> bool {
    value.len() == 36
        && value.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Host names, versions and class names: parts with dots between them that start with letters.
fn is_dotted(value: &str) -> bool {
    value.contains('.') && value.split('.').all(|part| part.len() < 20)
}

/// The last word of a name and the one before, by separators and by case.
fn last_words(name: &str) -> (&str, &str) {
    let name = name.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let start = word_start(name);
    let (head, last) = name.split_at_checked(start).unwrap_or(("", name));
    let head = head.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let before = head.get(word_start(head)..).unwrap_or("");
    (before, last)
}

fn word_start(name: &str) -> usize {
    let bytes = name.as_bytes();
    let mut at = bytes.len();
    while let Some(index) = at.checked_sub(1) {
        let Some(byte) = bytes.get(index) else { break };
        if !byte.is_ascii_alphanumeric() {
            break;
        }
        at = index;
        let before = index.checked_sub(1).and_then(|index| bytes.get(index));
        let after = bytes.get(index + 1);
        let starts = byte.is_ascii_uppercase()
            && (before.is_some_and(u8::is_ascii_lowercase)
                || before.is_some_and(u8::is_ascii_uppercase) && after.is_some_and(u8::is_ascii_lowercase));
        if starts {
            break;
        }
    }
    at
}

/// The letters of a text, one bit each, in any case.
const fn letters(text: &str) -> u32 {
    let bytes = text.as_bytes();
    let (mut found, mut at) = (0, 0);
    while at < bytes.len() {
        let letter = (bytes[at] | 0x20).wrapping_sub(b'a');
        if letter < 26 {
            found |= 1 << letter;
        }
        at += 1;
    }
    found
}

/// Letters of words of which every name that promises a secret has one: most names lack some letter
/// of each, and need no closer look.
const STEMS: [u32; 10] = [
    letters("pass"),
    letters("pwd"),
    letters("token"),
    letters("secret"),
    letters("cred"),
    letters("key"),
    letters("auth"),
    letters("hmac"),
    letters("salt"),
    letters("signature"),
];

/// Whether a text holds a lower-case word, whatever its own case.
fn contains(text: &str, word: &str) -> bool {
    text.as_bytes().windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

/// What keys are for when they are secret.
const KEYS: &[&str] = &[
    "access",
    "account",
    "api",
    "app",
    "auth",
    "cookie",
    "encryption",
    "hmac",
    "jwt",
    "license",
    "master",
    "private",
    "secret",
    "session",
    "shared",
    "signing",
    "storage",
];

/// Words by which a name mentions secrets.
const MENTIONS: &[&str] = &["auth", "cred", "hmac", "key", "passw", "salt", "secret", "signature", "token"];

/// Words that say that a long random value is harmless.
const HARMLESS: &[&str] = &[
    "address",
    "author",
    "checksum",
    "commit",
    "digest",
    "fingerprint",
    "hash",
    "host",
    "id",
    "image",
    "issuer",
    "keyring",
    "keyspace",
    "name",
    "path",
    "pub",
    "ref",
    "revision",
    "sha",
    "uri",
    "url",
    "uuid",
    "version",
];

/// Schemes of references to a store.
const SCHEMES: &[&str] = &[
    "arn",
    "aws",
    "awssm",
    "azurekeyvault",
    "env",
    "file",
    "gcp",
    "gcpsm",
    "kms",
    "op",
    "secret",
    "sm",
    "ssm",
    "vault",
];

/// Values that switch something.
const SWITCHES: &[&str] = &[
    "true",
    "false",
    "yes",
    "no",
    "on",
    "off",
    "none",
    "null",
    "nil",
    "undefined",
    "enabled",
    "disabled",
    "required",
    "optional",
    "ignore",
    "auto",
    "string",
    "empty",
    "plain",
    "basic",
    "bearer",
    "stdin",
    "prompt",
];

/// Words in values that are not the value yet.
const PLACEHOLDERS: &[&str] = &[
    "your",
    "example",
    "placeholder",
    "replace",
    "todo",
    "redacted",
    "insert",
    "fixme",
    "dummy",
    "sample",
    "fake",
    "not-set",
    "notset",
    "generated",
    "secret-name",
];

/// Passwords that everybody tries first, and notes to change them.
const DEFAULTS: &[&str] = &[
    "admin",
    "admin123",
    "administrator",
    "changeit",
    "change-it",
    "changeme",
    "change-me",
    "change_me",
    "changethis",
    "default",
    "demo",
    "elastic",
    "grafana",
    "guest",
    "letmein",
    "mariadb",
    "minio",
    "minio123",
    "minioadmin",
    "mongo",
    "mysql",
    "pass",
    "pass123",
    "passw0rd",
    "password",
    "password1",
    "password123",
    "postgres",
    "postgresql",
    "qwerty",
    "rabbitmq",
    "redis",
    "root",
    "rootpassword",
    "secret",
    "secret123",
    "supersecret",
    "test",
    "test123",
    "toor",
    "user",
    "welcome",
    "welcome1",
    "1234",
    "12345",
    "123456",
    "12345678",
    "123456789",
    "111111",
    "000000",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_of_a_name_decides() {
        use Promise::*;
        for (name, expected) in [
            ("PASSWORD", Some(Password)),
            ("DB_PASS", Some(Password)),
            ("mysqlRootPassword", Some(Password)),
            ("dbpassword", Some(Password)),
            ("redis-password", Some(Password)),
            ("API_KEY", Some(Token)),
            ("APIKey", Some(Token)),
            ("apikey", Some(Token)),
            ("GITHUB_TOKEN", Some(Token)),
            ("clientSecret", Some(Token)),
            ("AWS_SECRET_ACCESS_KEY", Some(Token)),
            ("spring.datasource.password", Some(Password)),
            ("PASSWORD_FILE", Some(Mention)),
            ("TOKEN_URL", None),
            ("SECRET_NAME", None),
            ("AWS_ACCESS_KEY_ID", None),
            ("PUBLIC_KEY", None),
            ("pass", None),
            ("compass", None),
            ("name", None),
            ("", None),
        ] {
            assert_eq!(promise(name), expected, "{name}");
        }
    }

    #[test]
    fn references_switches_and_placeholders_are_no_secrets() {
        for value in [
            "",
            "$(DB_PASSWORD)",
            "${X}",
            "{{ .Values.x }}",
            "<password>",
            "/run/secrets/x",
            "true",
            "None",
            "xxxxxxxx",
            "********",
            "your-password",
            "vault:secret/data/x#y",
            "ref+vault://x",
            "ENC[AES256_GCM,data:x]",
            "REPLACE_ME",
            "op://vault/item",
            "file:/etc/x",
            "arn:aws:secretsmanager:x",
        ] {
            assert_eq!(literal(Promise::Password, value, 3.5), Literal::No, "{value}");
            assert_eq!(literal(Promise::Token, value, 3.5), Literal::No, "{value}");
        }
    }

    #[test]
    fn passwords_are_secrets_or_defaults() {
        for value in ["hunter22", "S3cr3t!9", "correcthorsebattery"] {
            assert_eq!(literal(Promise::Password, value, 3.5), Literal::Yes, "{value}");
        }
        for value in ["changeme", "Password", "123456", "minioadmin"] {
            assert_eq!(literal(Promise::Password, value, 3.5), Literal::Default, "{value}");
        }
    }

    #[test]
    fn tokens_must_look_random() {
        for value in ["a8f5f167f44f4964e6c998dee827110c", "Zk3v9QpL0x7TnB2m", "9f8e7d6c5b4a39281706"] {
            assert_eq!(literal(Promise::Token, value, 3.5), Literal::Yes, "{value}");
        }
        for value in [
            "my-tls-secret",
            "kubernetes.io/service-account-token",
            "550e8400-e29b-41d4-a716-446655440000",
            "db-credentials-v2",
            "secret",
            "com.example.Token2Provider",
            "registry-credentials-2024",
        ] {
            assert_eq!(literal(Promise::Token, value, 3.5), Literal::No, "{value}");
        }
    }
}
