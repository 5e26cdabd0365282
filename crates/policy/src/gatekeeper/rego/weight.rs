//! How large a value is when it is written out. Values share their parts, so a value of a few bytes can stand for
//! one of gigabytes, and whoever compares or prints it walks through all of it.

use regorus::Value;

/// The weight of a value, or `None` above a limit: one for each part and for each [`TEXT_BYTES`] of text.
pub(super) fn weigh(value: &Value, max: usize) -> Option<usize> {
    let mut left = max;
    take(value, &mut left, 0).then(|| max - left)
}

fn take(value: &Value, left: &mut usize, depth: usize) -> bool {
    let own = match value {
        Value::String(text) => 1 + text.len() / TEXT_BYTES,
        Value::Number(number) => match number.as_i64() {
            Some(_) => 1,
            None if !number.is_integer() => 1,
            None => match number.as_big().map_or(0, |number| number.bits()) {
                bits if bits > NUMBER_BITS_MAX => return false,
                bits => 1 + bits as usize / (8 * TEXT_BYTES),
            },
        },
        _ => 1,
    };
    let Some(rest) = left.checked_sub(own) else { return false };
    *left = rest;
    if depth > DEPTH_MAX {
        return false;
    }
    match value {
        Value::Array(items) => items.iter().all(|item| take(item, left, depth + 1)),
        Value::Set(items) => items.iter().all(|item| take(item, left, depth + 1)),
        Value::Object(entries) => {
            entries.iter().all(|(key, value)| take(key, left, depth + 1) && take(value, left, depth + 1))
        }
        _ => true,
    }
}

/// Weight of any value that a rule makes. A pod of ten thousand containers weighs about 100,000; comparing two
/// values of this weight takes some tens of milliseconds.
pub(super) const WEIGHT_MAX: usize = 1 << 20;

/// Weight of arguments of functions whose time is the product of the two: 16 KiB of text.
pub(super) const WEIGHT_SMALL_MAX: usize = 1 << 10;

/// Bytes of text that weigh as much as a number.
pub(super) const TEXT_BYTES: usize = 16;

/// Bits of a number. Quantities and times fit into 64; nothing needs to multiply further than this.
const NUMBER_BITS_MAX: u64 = 4096;

/// Nesting of a value. Documents are at most 200 deep.
const DEPTH_MAX: usize = 250;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_parts_weigh_each_time() {
        let mut value = Value::from("x");
        for _ in 0..10 {
            value = Value::from(vec![value.clone(), value]);
        }
        assert_eq!(weigh(&value, WEIGHT_MAX), Some(2047));
        for _ in 0..40 {
            value = Value::from(vec![value.clone(), value]);
        }
        assert_eq!(weigh(&value, WEIGHT_MAX), None);
    }

    #[test]
    fn long_texts_and_deep_values_are_heavy() {
        assert_eq!(weigh(&Value::from("x".repeat(1600)), 101), Some(101));
        assert_eq!(weigh(&Value::from("x".repeat(1600)), 100), None);
        let mut deep = Value::Null;
        for _ in 0..300 {
            deep = Value::from(vec![deep]);
        }
        assert_eq!(weigh(&deep, WEIGHT_MAX), None);
    }
}
