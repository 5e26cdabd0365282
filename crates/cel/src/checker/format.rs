//! Literal format strings against the types of their arguments.

use crate::ast::{Expr, ExprId, ExprKind};
use crate::checker::Checked;
use crate::types::Type;

/// What is wrong with a format string, at the argument to blame or at the call.
pub(super) type Wrong = (Option<ExprId>, String);

/// Checks the clauses of `text` against the arguments of `text.format([args])`.
pub(super) fn check(checked: &Checked, text: &str, args: &[Expr]) -> Result<(), Wrong> {
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut used = 0;
    while let Some(found) = bytes.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'%')) {
        at += found + 1;
        let Some(next) = bytes.get(at) else { return Err((None, "unexpected end of string".into())) };
        if *next == b'%' {
            at += 1;
            continue;
        }
        let Some(arg) = args.get(used) else { return Err((None, format!("index {used} out of range"))) };
        let (read, clause) = clause(bytes.get(at..).unwrap_or_default())
            .map_err(|why| (None, format!("could not parse formatting clause: {why}")))?;
        verify(checked, clause, arg).map_err(|(id, why)| (Some(id), format!("error during formatting: {why}")))?;
        at += read;
        used += 1;
    }
    if args.len() > used {
        let message = format!("too many arguments supplied to string.format (expected {used}, got {})", args.len());
        return Err((None, message));
    }
    Ok(())
}

/// The letter of the clause after `%`, and its length with the precision.
fn clause(bytes: &[u8]) -> Result<(usize, u8), String> {
    let mut at = 0;
    if bytes.first() == Some(&b'.') {
        let digits: Vec<u8> = bytes.iter().skip(1).copied().take_while(u8::is_ascii_digit).collect();
        at = 1 + digits.len();
        if at >= bytes.len() {
            return Err("error while parsing precision: could not find end of precision specifier".into());
        }
        let digits: String = digits.into_iter().map(char::from).collect();
        if digits.parse::<i64>().is_err() {
            let why = if digits.is_empty() { "invalid syntax" } else { "value out of range" };
            return Err(format!(
                "error while parsing precision: error while converting precision to integer: strconv.Atoi: parsing \"{digits}\": {why}"
            ));
        }
    }
    match bytes.get(at) {
        Some(letter @ (b's' | b'd' | b'f' | b'e' | b'b' | b'x' | b'X' | b'o')) => Ok((at + 1, *letter)),
        other => {
            let letter = char::from(other.copied().unwrap_or_default());
            Err(format!("unrecognized formatting clause \"{letter}\""))
        }
    }
}

/// Whether an argument is of a type that a clause can print.
fn verify(checked: &Checked, clause: u8, arg: &Expr) -> Result<(), (ExprId, String)> {
    let of = unwrapped(checked.type_of(arg.id));
    let (fits, wanted) = match clause {
        b's' => return verify_text(checked, arg),
        b'd' => (matches!(of, Type::Int | Type::Uint), "decimal clause can only be used on integers"),
        b'f' => (matches!(of, Type::Double | Type::String), "fixed-point clause can only be used on doubles"),
        b'e' => (matches!(of, Type::Double | Type::String), "scientific clause can only be used on doubles"),
        b'b' => {
            (matches!(of, Type::Int | Type::Uint | Type::Bool), "only integers and bools can be formatted as binary")
        }
        b'o' => (matches!(of, Type::Int | Type::Uint), "octal clause can only be used on integers"),
        _ => (
            matches!(of, Type::Int | Type::Uint | Type::String | Type::Bytes),
            "only integers, byte buffers, and strings can be formatted as hex",
        ),
    };
    if fits || *of == Type::Dyn { Ok(()) } else { Err((arg.id, format!("{wanted}, was given {}", of.name()))) }
}

/// `%s` prints lists and maps too; what is in them must be printable.
fn verify_text(checked: &Checked, arg: &Expr) -> Result<(), (ExprId, String)> {
    let of = unwrapped(checked.type_of(arg.id));
    if matches!(of, Type::Opaque(_) | Type::Optional(_) | Type::Struct(_) | Type::Error) {
        return Err((
            arg.id,
            format!(
                "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given {}",
                of.name()
            ),
        ));
    }
    match &arg.kind {
        ExprKind::List(list) => list.elements.iter().try_for_each(|element| verify_text(checked, element)),
        ExprKind::Map(entries) => entries.iter().try_for_each(|entry| {
            verify_text(checked, &entry.key)?;
            verify_text(checked, &entry.value)
        }),
        _ => Ok(()),
    }
}

fn unwrapped(of: &Type) -> &Type {
    if let Type::Wrapper(inner) = of { inner } else { of }
}
