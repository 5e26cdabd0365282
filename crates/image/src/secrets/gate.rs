//! What a hit of a word must meet before the pattern of its format is tried. Most words stand in text that is no secret;
//! a look at a few bytes beside them spares nearly all patterns, and never one that would match.

use super::formats::{Format, Shape};

/// The texts that a token begins with, each with a word of the format at its front; `None` where the pattern does not begin
/// with such a text, so that a hit says nothing about where the token begins.
pub(super) fn beginnings(format: &Format) -> Option<Vec<Vec<u8>>> {
    let Shape::Token(pattern) = format.shape else { return None };
    // An alternative on the top level may begin with anything.
    if top_level_alternatives(pattern) {
        return None;
    }
    let beginnings = literals(pattern.as_bytes());
    let has_word = |text: &Vec<u8>| {
        format
            .words
            .iter()
            .any(|word| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes())))
    };
    beginnings.iter().all(has_word).then_some(beginnings)
}

/// Whether a token with one of the beginnings stands there, set off from what is before it.
pub(super) fn begins(text: &[u8], start: usize, beginnings: &[Vec<u8>]) -> bool {
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let set_off = start.checked_sub(1).and_then(|before| text.get(before)).is_none_or(|before| !inside(before));
    set_off && text.get(start..).is_some_and(|rest| beginnings.iter().any(|beginning| rest.starts_with(beginning)))
}

/// Whether what follows a name can be an assignment: the rest of the name, a quote, blanks, a sign. Wider than the patterns
/// that it stands before.
pub(super) fn assigned(after: &[u8]) -> bool {
    let name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b' ');
    let mut rest = after;
    let mut skip = |most: usize, wanted: fn(&&u8) -> bool| {
        let length = rest.iter().take(most).take_while(wanted).count();
        rest = rest.get(length..).unwrap_or_default();
    };
    skip(NAME_REST_BYTES, name);
    skip(1, |byte| matches!(byte, b'"' | b'\'' | b'`'));
    skip(BLANKS, |byte| matches!(byte, b' ' | b'\t'));
    matches!(rest.first(), Some(b'=' | b':' | b',' | b'|'))
}

/// Whether what follows `://` can be a user with a password.
pub(super) fn user_and_password(after: &[u8]) -> bool {
    let user =
        after.iter().take_while(|byte| !matches!(byte, b':' | b'/' | b'?' | b'#' | b'@' | b'"' | b'\'' | b' ' | b'\n'));
    let user = user.take(USER_BYTES_MAX + 1).count();
    (1..=USER_BYTES_MAX).contains(&user) && after.get(user) == Some(&b':')
}

fn top_level_alternatives(pattern: &str) -> bool {
    let (mut depth, mut class, mut escaped) = (0usize, false, false);
    for byte in pattern.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'[' => class = true,
            b']' => class = false,
            _ if class => {}
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b'|' if depth == 0 => return true,
            _ => {}
        }
    }
    false
}

/// All texts that a pattern can begin with, as far as it consists of plain bytes and small classes of them.
fn literals(pattern: &[u8]) -> Vec<Vec<u8>> {
    let mut texts: Vec<Vec<u8>> = vec![Vec::new()];
    let mut rest = pattern;
    while let Some((choices, after)) = one(rest) {
        // What may be repeated or left out is not certain.
        if matches!(after.first(), Some(b'?' | b'*' | b'+' | b'{')) || texts.len() * choices.len() > BEGINNINGS_MAX {
            break;
        }
        texts =
            texts.iter().flat_map(|text| choices.iter().map(|choice| [text.as_slice(), &[*choice]].concat())).collect();
        rest = after;
    }
    texts
}

/// The bytes that the first element of a pattern stands for, and the pattern behind it.
fn one(pattern: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    match pattern {
        [b'\\', byte, rest @ ..] if byte.is_ascii_punctuation() => Some((vec![*byte], rest)),
        [b'[', rest @ ..] => {
            let end = rest.iter().position(|byte| *byte == b']')?;
            let class = rest.get(..end)?;
            let plain = !class.is_empty() && class.iter().all(u8::is_ascii_alphanumeric);
            plain.then(|| (class.to_vec(), rest.get(end + 1..).unwrap_or_default()))
        }
        [byte, rest @ ..] if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'~' | b'/' | b':') => {
            Some((vec![*byte], rest))
        }
        _ => None,
    }
}

/// Bytes between a word and the sign of an assignment: 24 of the name and the blanks behind it.
const NAME_REST_BYTES: usize = 28;

/// Blanks before the sign.
const BLANKS: usize = 4;

/// Longest name of a user in an address.
const USER_BYTES_MAX: usize = 64;

/// Beginnings of one token: one prefix with one letter that differs has five at most.
const BEGINNINGS_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_are_read_from_patterns() {
        let read = |pattern: &str| {
            literals(pattern.as_bytes()).into_iter().map(|text| String::from_utf8(text).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(read(r"hv[sb]\.[A-Za-z0-9_\-]{24,300}"), ["hvs.", "hvb."]);
        assert_eq!(read(r"ghp_[A-Za-z0-9]{36}"), ["ghp_"]);
        assert_eq!(read(r"abc?d"), ["ab"]);
        assert_eq!(read(r"(?:a|b)c"), [""]);
        assert!(top_level_alternatives("a|b") && !top_level_alternatives(r"(?:a|b)[|]\|"));
    }

    #[test]
    fn a_gate_lets_everything_through_that_a_pattern_could_match() {
        for after in ["=", "_id: x", "\" : ", "' => 'x'", "`||", "-prod.key \t:=", "\t\t=", " = "] {
            assert!(assigned(after.as_bytes()), "{after}");
        }
        for after in ["", "()", "_id;", " is a very long sentence about tokens: x", "\n="] {
            assert!(!assigned(after.as_bytes()), "{after}");
        }
        assert!(user_and_password(b"app:x@host") && !user_and_password(b"host/a:b") && !user_and_password(b":x@host"));
        let ghp = [b"ghp_".to_vec()];
        assert!(begins(b"ghp_x", 0, &ghp) && begins(b"=ghp_x", 1, &ghp));
        assert!(!begins(b"aghp_x", 1, &ghp) && !begins(b"GHP_x", 0, &ghp));
    }
}
