//! Shapes of credentials, matched by hand: no backtracking, each byte looked at a few times at most.

use std::ops::Range;

/// A set of characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Set {
    /// Letters and digits.
    Alphanumeric,
    /// Lower-case letters and digits.
    LowerAlphanumeric,
    /// Letters.
    Letters,
    /// Upper-case letters and digits.
    Upper,
    /// Hexadecimal digits in lower or upper case.
    Hex,
    /// Letters, digits, `_` and `-`; also `.` inside tokens of several parts.
    Word,
    /// Base 64 in either alphabet, with padding.
    Base64,
    /// What stands in the path of an address.
    UrlPath,
    /// Letters, digits, `$` and `_`.
    Dollar,
}

impl Set {
    fn holds(self, byte: u8) -> bool {
        match self {
            Set::Alphanumeric => byte.is_ascii_alphanumeric(),
            Set::LowerAlphanumeric => byte.is_ascii_lowercase() || byte.is_ascii_digit(),
            Set::Letters => byte.is_ascii_alphabetic(),
            Set::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Set::Hex => byte.is_ascii_hexdigit(),
            Set::Word => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'),
            Set::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-'),
            Set::UrlPath => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'/' | b'@' | b'.'),
            Set::Dollar => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'),
        }
    }

    /// Length of the run of the set at the start of the bytes, at most `most` + 1.
    fn run(self, bytes: &[u8], most: usize) -> usize {
        bytes.iter().take(most + 1).take_while(|byte| self.holds(**byte)).count()
    }
}

/// A run after the anchor, with nothing before it that would make it the middle of a word.
pub(crate) fn run(text: &[u8], anchor: Range<usize>, set: Set, least: usize, most: usize) -> Option<Range<usize>> {
    // An anchor that starts with a letter must not be the end of a longer word.
    if text.get(anchor.start).is_some_and(u8::is_ascii_alphanumeric) && !starts_word(text, anchor.start) {
        return None;
    }
    let rest = text.get(anchor.end..)?;
    let length = set.run(rest, most);
    let ends = rest.get(length).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    (length >= least && length <= most && ends).then_some(anchor.start..anchor.end + length)
}

/// Whether no letter or digit stands before the place.
fn starts_word(text: &[u8], at: usize) -> bool {
    before(text, at).is_none_or(|byte| !byte.is_ascii_alphanumeric())
}

fn before(text: &[u8], at: usize) -> Option<u8> {
    text.get(at.checked_sub(1)?).copied()
}

/// The anchor says it all.
pub(crate) fn found(_: &[u8], anchor: Range<usize>) -> Option<Range<usize>> {
    Some(anchor)
}

/// `-----BEGIN … PRIVATE KEY-----` with something behind it.
pub(crate) fn pem_private_key(text: &[u8], anchor: Range<usize>) -> Option<Range<usize>> {
    // "ENCRYPTED OPENSSH" and the dashes are the most that can stand before.
    let head = text.get(anchor.start.saturating_sub(40)..anchor.end)?;
    let begin = find(head, b"-----BEGIN ")?;
    let start = anchor.end - (head.len() - begin);
    // A header alone, as in documentation or in code that looks for keys, is no key.
    let body = text.get(anchor.end..)?;
    let base64 = body.iter().take(600).filter(|byte| byte.is_ascii_alphanumeric()).count();
    let elided = find(body.get(..body.len().min(60))?, b"...").is_some();
    (base64 >= 60 && !elided).then_some(start..anchor.end)
}

/// Three parts of base 64, the first two of them JSON.
pub(crate) fn jwt(text: &[u8], anchor: Range<usize>) -> Option<Range<usize>> {
    // Never from the middle of a part, which would be read once for each anchor in it.
    if before(text, anchor.start).is_some_and(|byte| Set::Word.holds(byte)) {
        return None;
    }
    let rest = text.get(anchor.start..)?;
    let part = |bytes: &[u8]| {
        bytes.iter().take(8192).take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')).count()
    };
    let head = part(rest);
    let claims = rest.get(head + 1..)?;
    let middle = part(claims);
    let signature = claims.get(middle + 1..)?;
    let last = part(signature);
    let dotted = rest.get(head) == Some(&b'.') && claims.get(middle) == Some(&b'.') && claims.starts_with(b"eyJ");
    (dotted && head >= 17 && middle >= 20 && last >= 20)
        .then_some(anchor.start..anchor.start + head + middle + last + 2)
}

/// `scheme://user:password@host`.
pub(crate) fn url_password(text: &[u8], anchor: Range<usize>) -> Option<Range<usize>> {
    let rest = text.get(anchor.end..)?;
    let authority_end = rest
        .iter()
        .take(512)
        .position(|byte| {
            byte.is_ascii_whitespace() || matches!(byte, b'/' | b'?' | b'#' | b'"' | b'\'' | b'`' | b'<' | b',')
        })
        .unwrap_or(rest.len().min(512));
    let authority = rest.get(..authority_end)?;
    let at = authority.iter().rposition(|byte| *byte == b'@')?;
    let (user, host) = (authority.get(..at)?, authority.get(at + 1..)?);
    let colon = user.iter().position(|byte| *byte == b':')?;
    let password = user.get(colon + 1..)?;
    // An address starts its word with a scheme of letters.
    let scheme = text
        .get(..anchor.start)?
        .iter()
        .rev()
        .take(24)
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        .count();
    let start = anchor.end + colon + 1;
    (scheme >= 2 && !password.is_empty() && !host.is_empty()).then_some(start..start + password.len())
}

/// `T…/B…/…` after the address of Slack.
pub(crate) fn slack_webhook(text: &[u8], anchor: Range<usize>) -> Option<Range<usize>> {
    let rest = text.get(anchor.end..)?;
    let team = Set::Upper.run(rest, 14);
    let channel = rest.get(team..)?.strip_prefix(b"/B")?;
    let second = Set::Upper.run(channel, 14);
    let key = channel.get(second..)?.strip_prefix(b"/")?;
    let third = Set::Alphanumeric.run(key, 30);
    (team >= 6 && second >= 6 && third >= 16).then_some(anchor.start..anchor.end + team + 2 + second + 1 + third)
}

/// A number and a key after the address of Discord.
pub(crate) fn discord_webhook(text: &[u8], anchor: Range<usize>) -> Option<Range<usize>> {
    let rest = text.get(anchor.end..)?;
    let number = rest.iter().take(24).take_while(|byte| byte.is_ascii_digit()).count();
    let key = rest.get(number..)?.strip_prefix(b"/")?;
    let length = Set::Word.run(key, 80);
    (number >= 16 && length >= 60).then_some(anchor.start..anchor.end + number + 1 + length)
}

/// Eight to ten digits, a colon, and 35 characters.
pub(crate) fn telegram_bot(text: &[u8], anchor: Range<usize>) -> Option<Range<usize>> {
    let digits = text.get(..anchor.start)?.iter().rev().take(11).take_while(|byte| byte.is_ascii_digit()).count();
    let length = Set::Word.run(text.get(anchor.end..)?, 40);
    let start = anchor.start.checked_sub(digits)?;
    ((8..=10).contains(&digits) && length == 33 && starts_word(text, start)).then_some(start..anchor.end + length)
}

/// 22 characters, a dot, 43 characters.
pub(crate) fn sendgrid(text: &[u8], anchor: Range<usize>) -> Option<Range<usize>> {
    let rest = text.get(anchor.end..)?;
    let part = |bytes: &[u8]| {
        bytes.iter().take(50).take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')).count()
    };
    let first = part(rest);
    let second = part(rest.get(first..)?.strip_prefix(b".")?);
    (starts_word(text, anchor.start) && first == 22 && second == 43).then_some(anchor.start..anchor.end + 66)
}

/// 32 hexadecimal digits before `-us` and a number.
pub(crate) fn mailchimp(text: &[u8], anchor: Range<usize>) -> Option<Range<usize>> {
    let hex = text.get(..anchor.start)?.iter().rev().take(33).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let digits = text.get(anchor.end..)?.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
    let ends = text.get(anchor.end + digits).is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'-');
    let start = anchor.start.checked_sub(32)?;
    (hex == 32 && (1..=2).contains(&digits) && ends).then_some(start..anchor.end + digits)
}

/// 20 characters on both sides of the anchor.
pub(crate) fn openai(text: &[u8], anchor: Range<usize>) -> Option<Range<usize>> {
    let word = |byte: &u8| Set::Word.holds(*byte);
    let head = text.get(..anchor.start)?.iter().rev().take(200).take_while(|byte| word(byte)).count();
    let tail = text.get(anchor.end..)?.iter().take(200).take_while(|byte| word(byte)).count();
    let start = anchor.start - head;
    (text.get(start..)?.starts_with(b"sk-") && head >= 23 && tail >= 20).then_some(start..anchor.end + tail)
}

/// Three characters with a digit before the anchor, 31 to 34 behind it.
pub(crate) fn azure_client_secret(text: &[u8], anchor: Range<usize>) -> Option<Range<usize>> {
    let body = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'~' | b'.' | b'-');
    let head = text.get(..anchor.start)?.iter().rev().take(4).take_while(|byte| body(byte)).count();
    let tail = text.get(anchor.end..)?.iter().take(36).take_while(|byte| body(byte)).count();
    (head == 3 && (31..=34).contains(&tail)).then_some(anchor.start - head..anchor.end + tail)
}

/// 24 and 64 characters with a dot between them.
pub(crate) fn dynatrace(text: &[u8], anchor: Range<usize>) -> Option<Range<usize>> {
    let rest = text.get(anchor.end..)?;
    let first = Set::Upper.run(rest, 24);
    let second = Set::Upper.run(rest.get(first..)?.strip_prefix(b".")?, 64);
    (first == 24 && second == 64).then_some(anchor.start..anchor.end + 89)
}

/// 14 characters, a dot, 64 hexadecimal digits.
pub(crate) fn airtable(text: &[u8], anchor: Range<usize>) -> Option<Range<usize>> {
    let rest = text.get(anchor.end..)?;
    let first = Set::Alphanumeric.run(rest, 14);
    let second = Set::Hex.run(rest.get(first..)?.strip_prefix(b".")?, 64);
    (starts_word(text, anchor.start) && first == 14 && second == 64).then_some(anchor.start..anchor.end + 79)
}

/// 24 and 146 hexadecimal digits.
pub(crate) fn cloudflare_origin(text: &[u8], anchor: Range<usize>) -> Option<Range<usize>> {
    let rest = text.get(anchor.end..)?;
    let first = Set::Hex.run(rest, 24);
    let second = Set::Hex.run(rest.get(first..)?.strip_prefix(b"-")?, 146);
    (first == 24 && second == 146).then_some(anchor.start..anchor.end + 171)
}

/// `"auth": "…"` of a registry configuration, with a user and a password in base 64.
pub(crate) fn docker_auth(text: &[u8], anchor: Range<usize>) -> Option<Range<usize>> {
    quoted_base64(text, anchor, 8)
}

/// The key of a kubeconfig, in base 64.
pub(crate) fn kubeconfig_key(text: &[u8], anchor: Range<usize>) -> Option<Range<usize>> {
    quoted_base64(text, anchor, 100)
}

fn quoted_base64(text: &[u8], anchor: Range<usize>, least: usize) -> Option<Range<usize>> {
    let rest = text.get(anchor.end..)?;
    let skip = rest.iter().take(8).take_while(|byte| matches!(byte, b' ' | b'"' | b'\'')).count();
    let length = Set::Base64.run(rest.get(skip..)?, 100_000);
    let start = anchor.end + skip;
    (length >= least).then_some(start..start + length)
}

fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).position(|window| window == needle)
}
