//! The encoders extension: base64.

use super::arguments::text;
use crate::context::Context;
use crate::decl::Library;
use crate::fault::Fault;
use crate::types::Type;
use crate::value::Value;

/// `base64.encode` and `base64.decode`.
pub fn encoders() -> Library {
    Library::default().function("base64.decode", "base64_decode_string", &[Type::String], Type::Bytes, decode).function(
        "base64.encode",
        "base64_encode_bytes",
        &[Type::Bytes],
        Type::String,
        encode,
    )
}

fn decode<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let source = text(args, 0)?;
    context.allocate(source.len() / 4 * 3)?;
    let decoded = decode_standard(source.as_bytes(), true)
        .or_else(|_| decode_standard(source.as_bytes(), false))
        .map_err(|at| Fault::error(format!("illegal base64 data at input byte {at}")))?;
    Ok(Value::Bytes(decoded.into()))
}

fn encode<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let Some(Value::Bytes(bytes)) = args.first() else { return Err(Fault::no_such_overload()) };
    context.allocate(bytes.len().div_ceil(3).saturating_mul(4))?;
    let mut encoded = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let symbol = ALPHABET[(bits >> (18 - 6 * place) & 63) as usize];
            encoded.push(if place <= group.len() { char::from(symbol) } else { '=' });
        }
    }
    Ok(Value::string(encoded))
}

/// Decodes as Go does: line breaks are skipped, bits left over are ignored. With `padded`, groups are whole;
/// otherwise there is no `=` at all. The error is the byte that does not fit.
pub(super) fn decode_standard(source: &[u8], padded: bool) -> Result<Vec<u8>, usize> {
    let mut decoded = Vec::with_capacity(source.len() / 4 * 3);
    let mut group = [0u8; 4];
    let mut filled = 0;
    let mut at = 0;
    while let Some(&byte) = source.get(at) {
        at += 1;
        match byte {
            b'\n' | b'\r' => continue,
            b'=' if padded => {
                let rest = end_of_padding(source, at, filled)?;
                if rest < source.len() {
                    return Err(rest);
                }
                push_group(&group, filled, &mut decoded);
                return Ok(decoded);
            }
            byte => group[filled] = symbol_value(byte).ok_or(at - 1)?,
        }
        filled += 1;
        if filled == 4 {
            push_group(&group, 4, &mut decoded);
            filled = 0;
        }
    }
    match filled {
        0 => Ok(decoded),
        2 | 3 if !padded => {
            push_group(&group, filled, &mut decoded);
            Ok(decoded)
        }
        filled => Err(at - filled),
    }
}

/// Checks the padding whose first `=` lies before `at`; returns the byte after it and its line breaks.
fn end_of_padding(source: &[u8], at: usize, filled: usize) -> Result<usize, usize> {
    let skip = |mut at: usize| {
        while matches!(source.get(at), Some(b'\n' | b'\r')) {
            at += 1;
        }
        at
    };
    let after = match filled {
        0 | 1 => return Err(at - 1),
        2 => {
            let second = skip(at);
            match source.get(second) {
                None => return Err(source.len()),
                Some(b'=') => second + 1,
                Some(_) => return Err(second - 1),
            }
        }
        _ => at,
    };
    Ok(skip(after))
}

fn push_group(group: &[u8; 4], filled: usize, decoded: &mut Vec<u8>) {
    let bits = group.iter().take(filled).fold(0u32, |bits, value| bits << 6 | u32::from(*value)) << (6 * (4 - filled));
    let bytes = bits.to_be_bytes();
    decoded.extend_from_slice(&bytes[1..filled]);
}

fn symbol_value(symbol: u8) -> Option<u8> {
    Some(match symbol {
        b'A'..=b'Z' => symbol - b'A',
        b'a'..=b'z' => symbol - b'a' + 26,
        b'0'..=b'9' => symbol - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
