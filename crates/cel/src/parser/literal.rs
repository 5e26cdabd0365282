//! What literals stand for.

use crate::ast::Literal;

/// The number that is written, with its sign.
pub(super) fn int(text: &str, negative: bool) -> Option<i64> {
    let (digits, base) = split_base(text);
    // The magnitude of the least number does not fit into `i64`.
    let magnitude = i128::from(u64::from_str_radix(digits, base).ok()?);
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

/// `1u`
pub(super) fn uint(text: &str) -> Option<u64> {
    let (digits, base) = split_base(text.strip_suffix(['u', 'U'])?);
    u64::from_str_radix(digits, base).ok()
}

/// A double; one that is too large is an error.
pub(super) fn double(text: &str, negative: bool) -> Option<f64> {
    let value: f64 = text.parse().ok()?;
    value.is_finite().then_some(if negative { -value } else { value })
}

/// `"s"`, `r'''s'''` and the like.
pub(super) fn string(text: &str) -> Result<Literal, &'static str> {
    let (content, raw) = content(text);
    let bytes = if raw { normal_lines(content).into_bytes() } else { unescape(content, false)? };
    String::from_utf8(bytes).map(|text| Literal::Str(text.into())).map_err(|_| UNESCAPABLE)
}

/// `b"s"` and the like.
pub(super) fn bytes(text: &str) -> Result<Literal, &'static str> {
    let (content, raw) = content(text.get(1..).unwrap_or_default());
    let bytes = if raw { normal_lines(content).into_bytes() } else { unescape(content, true)? };
    Ok(Literal::Bytes(bytes.into()))
}

fn split_base(text: &str) -> (&str, u32) {
    text.strip_prefix("0x").map_or((text, 10), |digits| (digits, 16))
}

/// What stands between the quotes, and whether backslashes mean themselves.
fn content(text: &str) -> (&str, bool) {
    let raw = text.starts_with(['r', 'R']);
    let text = text.get(usize::from(raw)..).unwrap_or_default();
    let three = text.len() >= 6 && (text.starts_with("'''") || text.starts_with("\"\"\""));
    let quotes = if three { 3 } else { 1 };
    (text.get(quotes..text.len().saturating_sub(quotes)).unwrap_or_default(), raw)
}

/// Every end of a line is `\n`.
fn normal_lines(text: &str) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_owned() }
}

/// The lexer has seen that escapes are well-formed; here it turns out whether they are characters.
fn unescape(text: &str, bytes: bool) -> Result<Vec<u8>, &'static str> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(stop) = rest.find(['\\', '\r']) {
        let (before, from) = rest.split_at(stop);
        out.extend_from_slice(before.as_bytes());
        rest = if let Some(after) = from.strip_prefix('\r') {
            out.push(b'\n');
            after.strip_prefix('\n').unwrap_or(after)
        } else {
            escape(from.get(1..).unwrap_or_default(), bytes, &mut out)?
        };
    }
    out.extend_from_slice(rest.as_bytes());
    Ok(out)
}

/// Reads one escape after its backslash and returns what follows it.
fn escape<'t>(text: &'t str, bytes: bool, out: &mut Vec<u8>) -> Result<&'t str, &'static str> {
    let kind = text.bytes().next().ok_or(UNESCAPABLE)?;
    let (from, length, base) = match kind {
        b'x' | b'X' => (1, 2, 16),
        // Characters beyond a byte are for text.
        b'u' | b'U' if bytes => return Err(UNESCAPABLE),
        b'u' => (1, 4, 16),
        b'U' => (1, 8, 16),
        b'0'..=b'3' => (0, 3, 8),
        _ => {
            out.push(match kind {
                b'a' => 0x07,
                b'b' => 0x08,
                b'f' => 0x0c,
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'v' => 0x0b,
                b'\\' | b'\'' | b'"' | b'`' | b'?' => kind,
                _ => return Err(UNESCAPABLE),
            });
            return text.get(1..).ok_or(UNESCAPABLE);
        }
    };
    let digits = text.get(from..from + length).ok_or(UNESCAPABLE)?;
    let code = u32::from_str_radix(digits, base).map_err(|_| UNESCAPABLE)?;
    match u8::try_from(code) {
        Ok(byte) if bytes => out.push(byte),
        _ => {
            let character = char::from_u32(code).ok_or("invalid unicode code point")?;
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    text.get(from + length..).ok_or(UNESCAPABLE)
}

const UNESCAPABLE: &str = "unable to unescape string";
