//! Whether a value that has the shape of a secret is one.

use super::formats::Format;

/// Whether the value is random enough, is no placeholder, and passes the check of its format.
pub(super) fn is_secret(format: &Format, value: &[u8]) -> bool {
    if format.entropy > 0.0 && entropy(value) < format.entropy {
        return false;
    }
    let name_like = format.words.iter().any(|word| value.eq_ignore_ascii_case(word.as_bytes()));
    !name_like && !is_placeholder(value) && (format.check)(value)
}

/// Whether a name says that its value is secret.
pub(super) fn names_secret(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let says =
        ["password", "passwd", "secret", "api_key", "apikey", "access_key", "private_key", "credential", "token"];
    let harmless =
        ["_file", "_path", "_url", "_name", "_dir", "_id", "_ttl", "_expiry", "_length", "_policy", "_type", "_host"];
    says.iter().any(|word| lower.contains(word)) && !harmless.iter().any(|end| lower.ends_with(end))
}

/// Whether a value is written out, not a reference to another place and no placeholder.
pub(super) fn is_plain_value(value: &[u8]) -> bool {
    let switch = [&b"true"[..], b"false", b"yes", b"no", b"on", b"off", b"none", b"null", b"0", b"1"];
    value.len() >= 4
        && !switch.iter().any(|word| value.eq_ignore_ascii_case(word))
        && !value.starts_with(b"/")
        && !is_placeholder(value)
}

/// Shannon entropy in bits per byte.
pub(super) fn entropy(value: &[u8]) -> f32 {
    let mut counts = [0u32; 256];
    value.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
    let total = value.len() as f32;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| *count as f32 / total)
        .map(|share| -share * share.log2())
        .sum()
}

/// Words in documentation and templates where a secret will stand.
fn is_placeholder(value: &[u8]) -> bool {
    let reference = [&b"${"[..], b"{{", b"$(", b"<", b"%(", b"#{", b"@@"];
    if reference.iter().any(|start| value.starts_with(start)) || value.starts_with(b"$") && !value[1..].contains(&b'$')
    {
        return true;
    }
    if one_byte_repeated(value) || counts_up(value) {
        return true;
    }
    let lower: Vec<u8> = value.iter().map(u8::to_ascii_lowercase).collect();
    PLACEHOLDERS.iter().any(|word| memchr::memmem::find(&lower, word.as_bytes()).is_some())
}

/// `xxxxxxxx`, `********`, and the same after a prefix.
fn one_byte_repeated(value: &[u8]) -> bool {
    let longest = value.chunk_by(|a, b| a.eq_ignore_ascii_case(b)).map(<[u8]>::len).max().unwrap_or(0);
    longest >= 8 || longest * 2 > value.len()
}

/// `1234567890`, `abcdefgh`: eight bytes in a row that each follow the one before.
fn counts_up(value: &[u8]) -> bool {
    let follows = |pair: &[u8]| pair[1] == pair[0].wrapping_add(1) || pair[0] == b'9' && pair[1] == b'0';
    let mut run = 0;
    value.windows(2).any(|pair| {
        run = if follows(pair) { run + 1 } else { 0 };
        run >= 7
    })
}

/// Whether a value has letters and digits: what a person or a program made as a secret, not a word.
pub(super) fn mixed(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic)
}

/// Whether the first part of a JSON web token is a JSON object that names an algorithm.
pub(super) fn json_web_token(value: &[u8]) -> bool {
    let head = value.split(|byte| *byte == b'.').next().unwrap_or(value);
    decode_base64(head).is_some_and(|head| head.starts_with(b"{") && memchr::memmem::find(&head, b"\"alg\"").is_some())
}

/// Whether the value is the Base64 of `user:password`.
pub(super) fn basic_credentials(value: &[u8]) -> bool {
    let Some(plain) = decode_base64(value) else { return false };
    let colon = plain.iter().position(|byte| *byte == b':');
    colon.is_some_and(|colon| colon > 0 && colon + 1 < plain.len())
        && plain.iter().all(|byte| (0x20..0x7f).contains(byte))
}

/// Whether the body between the lines of a PEM key is one: enough Base64, or an encrypted one with its header.
pub(super) fn pem_body(value: &[u8]) -> bool {
    let body = value.iter().filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')).count();
    body >= 100 && entropy(value) > 4.0
}

fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut buffer, mut bits) = (0u32, 0);
    for byte in text {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            _ => return None,
        };
        buffer = buffer << 6 | u32::from(digit);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((buffer >> bits) as u8);
        }
    }
    Some(bytes)
}

const PLACEHOLDERS: &[&str] = &[
    "example",
    "placeholder",
    "changeme",
    "change_me",
    "change-me",
    "your_",
    "your-",
    "yourpass",
    "yourtoken",
    "insert_",
    "replace_",
    "replaceme",
    "dummy",
    "sample",
    "redacted",
    "notreal",
    "not-real",
    "fake",
    "todo",
    "xxxxxx",
    "foobar",
    "abcdef123456",
    "deadbeef",
    "test_test",
    "secret_here",
    "token_here",
    "key_here",
    "my_secret",
    "mysecret",
    "supersecret",
];
