//! Finds credentials of known formats in a text: one pass for all anchors, then a look at each place.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::formats::{FORMATS, Format, Shape};
use super::shape;

/// Shortest text that can hold a credential: an address with a password.
const TEXT_BYTES_MIN: usize = 12;

/// A credential found in a text.
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    /// What it is.
    pub(crate) format: &'static Format,
    /// Where it stands.
    pub(crate) range: Range<usize>,
}

/// All anchors in one automaton.
static ANCHORS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::DFA))
        .build(FORMATS.iter().map(|format| format.anchor))
        .ok()
});

/// Calls `each` for every credential in the text, in order of anchors.
pub(crate) fn credentials(text: &[u8], mut each: impl FnMut(Hit)) {
    if text.len() < TEXT_BYTES_MIN {
        return;
    }
    let Some(anchors) = &*ANCHORS else { return };
    for found in anchors.find_overlapping_iter(text) {
        let Some(format) = FORMATS.get(found.pattern().as_usize()) else { continue };
        let anchor = found.start()..found.end();
        let range = match format.shape {
            Shape::Run(set, least, most) => shape::run(text, anchor, set, least, most),
            Shape::Custom(look) => look(text, anchor),
        };
        if let Some(range) = range {
            each(Hit { format, range });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> Option<&'static str> {
        let mut name = None;
        credentials(text.as_bytes(), |hit| {
            name.get_or_insert(hit.format.name);
        });
        name
    }

    /// Characters of a set, without the patterns of placeholders.
    fn noise(alphabet: &str, length: usize) -> String {
        let letters: Vec<char> = alphabet.chars().collect();
        (0..length).map(|i| letters[(i * 7 + i * i * 3 + 5) % letters.len()]).collect()
    }

    #[test]
    fn every_format_by_length_is_found_and_one_character_less_is_not() {
        for format in FORMATS {
            let Shape::Run(set, least, _) = format.shape else { continue };
            let alphabet = match set {
                shape::Set::Hex => "0123456789abcdef",
                shape::Set::Upper => "ABCDEFGHJKLMNPQR234567",
                shape::Set::LowerAlphanumeric => "abcdefghijk0123456789",
                shape::Set::Letters => "abcdefghijkLMNOPQRSTUV",
                _ => "abcdefghjkLMNOPQRSTUV0123456789",
            };
            let found = |text: &str| {
                let mut any = false;
                credentials(text.as_bytes(), |hit| any |= std::ptr::eq(hit.format, format));
                any
            };
            let full = format!("x={}{} y", format.anchor, noise(alphabet, least));
            assert!(found(&full), "{}: {full}", format.name);
            let short = format!("x={}{} y", format.anchor, noise(alphabet, least - 1));
            assert!(!found(&short), "{}: {short}", format.name);
            let inside = format!("xy{}{}", format.anchor, noise(alphabet, least));
            assert!(!found(&inside) || format.anchor.starts_with('.'), "{}: {inside}", format.name);
        }
    }

    #[test]
    fn formats_with_several_parts_are_found() {
        let hex = |n| noise("0123456789abcdef", n);
        let word = |n| noise("abcdefghjkLMNOPQRSTUV0123456789", n);
        let upper = |n| noise("ABCDEFGHJKLMNPQR234567", n);
        for (text, name) in [
            (format!("https://hooks.slack.com/services/T{}/B{}/{}", upper(8), upper(8), word(24)), "Slack webhook"),
            (format!("https://discord.com/api/webhooks/123456789012345678/{}", word(68)), "Discord"),
            (format!("123456789:AA{}", word(33)), "Telegram"),
            (format!("SG.{}.{}", word(22), word(43)), "SendGrid"),
            (format!("{}-us12", hex(32)), "Mailchimp"),
            (format!("sk-{}T3BlbkFJ{}", word(20), word(20)), "OpenAI"),
            (format!("abc8Q~{}", word(34)), "Azure client"),
            (format!("dt0c01.{}.{}", upper(24), upper(64)), "Dynatrace"),
            (format!("pat{}.{}", word(14), hex(64)), "Airtable"),
            (format!("v1.0-{}-{}", hex(24), hex(146)), "Cloudflare"),
            (format!("eyJ{}.eyJ{}.{}", word(30), word(40), word(43)), "JSON web token"),
            ("postgres://shop:hxQ81kz@db:5432/x".to_owned(), "address with a password"),
            (format!("-----BEGIN RSA PRIVATE KEY-----\n{}", word(200)), "private key"),
            (format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{}", word(200)), "private key"),
            (format!("-----BEGIN ENCRYPTED PRIVATE KEY-----\n{}", word(200)), "private key"),
            (format!("{{\"private_key\": \"-----BEGIN PRIVATE KEY-----\\n{}", word(200)), "private key"),
            ("{\"auths\":{\"r\":{\"auth\": \"dXNlcjpwYXNzd29yZA==\"}}}".to_owned(), "registry login"),
            (format!("    client-key-data: {}", word(400)), "kubeconfig"),
        ] {
            assert!(first(&text).is_some_and(|found| found.contains(name)), "{name}: {:?} in {text}", first(&text));
        }
    }

    #[test]
    fn harmless_texts_hold_no_credential() {
        for text in [
            "https://example.com/path@v1",
            "https://user@example.com/x:y",
            "http://[::1]:8080/",
            "oci://ghcr.io/a/b@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUXyz",
            "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A",
            "-----BEGIN PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----",
            "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC",
            "550e8400-e29b-41d4-a716-446655440000",
            "task-runner-with-a-long-name-of-many-words",
            "eyJhbGciOiJIUzI1NiJ9",
            "",
        ] {
            assert_eq!(first(text), None, "{text}");
        }
    }

    #[test]
    fn anchors_at_every_distance_from_both_ends_are_safe() {
        for format in FORMATS {
            for around in 0..70 {
                let text = format!("{}{}{}", "a".repeat(around), format.anchor, ".1".repeat(around / 2));
                for (from, to) in [(0, text.len()), (around, text.len()), (0, around + format.anchor.len())] {
                    credentials(&text.as_bytes()[from..to], |hit| assert!(hit.range.end <= to - from));
                }
            }
        }
    }

    #[test]
    fn hostile_texts_are_read_in_linear_time() {
        for unit in ["eyJ", "-eyJ.", "://a:", "SG.", "PRIVATE KEY-----", "sk-T3BlbkFJ", "\"auth\":", ":AA", "xoxb-"] {
            credentials(unit.repeat(200_000 / unit.len()).as_bytes(), |_| {});
        }
    }
}
