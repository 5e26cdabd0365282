//! Points in time: RFC 3339, and the getters of timestamps and durations.

use crate::context::Context;
use crate::decl::{Library, Run};
use crate::fault::Fault;
use crate::types::Type;
use crate::value::{Timestamp, Value, civil, days_of};

use super::zones;

type Outcome<'v> = Result<Value<'v>, Fault>;

pub(super) fn declare(library: Library) -> Library {
    let getters: [(&'static str, &'static str, &'static str, Run); 10] = [
        ("getFullYear", "timestamp_to_year", "timestamp_to_year_with_tz", |_, args| get(args, Fields::year)),
        ("getMonth", "timestamp_to_month", "timestamp_to_month_with_tz", |_, args| get(args, Fields::month)),
        ("getDayOfYear", "timestamp_to_day_of_year", "timestamp_to_day_of_year_with_tz", |_, args| {
            get(args, Fields::day_of_year)
        }),
        ("getDayOfMonth", "timestamp_to_day_of_month", "timestamp_to_day_of_month_with_tz", |_, args| {
            get(args, |fields| fields.day - 1)
        }),
        ("getDate", "timestamp_to_day_of_month_1_based", "timestamp_to_day_of_month_1_based_with_tz", |_, args| {
            get(args, |fields| fields.day)
        }),
        ("getDayOfWeek", "timestamp_to_day_of_week", "timestamp_to_day_of_week_with_tz", |_, args| {
            get(args, Fields::day_of_week)
        }),
        ("getHours", "timestamp_to_hours", "timestamp_to_hours_with_tz", hours),
        ("getMinutes", "timestamp_to_minutes", "timestamp_to_minutes_with_tz", minutes),
        ("getSeconds", "timestamp_to_seconds", "timestamp_to_seconds_tz", seconds),
        ("getMilliseconds", "timestamp_to_milliseconds", "timestamp_to_milliseconds_with_tz", milliseconds),
    ];
    let library = getters.into_iter().fold(library, |library, (name, id, with_zone, run)| {
        library.method(name, id, &[Type::Timestamp], Type::Int, run).method(
            name,
            with_zone,
            &[Type::Timestamp, Type::String],
            Type::Int,
            run,
        )
    });
    library
        .method("getHours", "duration_to_hours", &[Type::Duration], Type::Int, hours)
        .method("getMinutes", "duration_to_minutes", &[Type::Duration], Type::Int, minutes)
        .method("getSeconds", "duration_to_seconds", &[Type::Duration], Type::Int, seconds)
        .method("getMilliseconds", "duration_to_milliseconds", &[Type::Duration], Type::Int, milliseconds)
}

fn hours<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    match args {
        [Value::Duration(value)] => Ok(Value::Int(value.nanos / 3_600_000_000_000)),
        args => get(args, |fields| fields.second_of_day / 3600),
    }
}

fn minutes<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    match args {
        [Value::Duration(value)] => Ok(Value::Int(value.nanos / 60_000_000_000)),
        args => get(args, |fields| fields.second_of_day / 60 % 60),
    }
}

fn seconds<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    match args {
        [Value::Duration(value)] => Ok(Value::Int(value.nanos / 1_000_000_000)),
        args => get(args, |fields| fields.second_of_day % 60),
    }
}

fn milliseconds<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    match args {
        [Value::Duration(value)] => Ok(Value::Int(value.nanos / 1_000_000)),
        args => get(args, |fields| i64::from(fields.nanos / 1_000_000)),
    }
}

/// The milliseconds of a duration that do not fill a second.
pub(super) fn milliseconds_of_second<'v>(_: &mut Context<'_>, args: &[Value<'v>]) -> Outcome<'v> {
    match args {
        [Value::Duration(value)] => Ok(Value::Int(value.nanos / 1_000_000 % 1_000)),
        _ => Err(Fault::no_such_overload()),
    }
}

/// A point in time by the calendar of a zone.
struct Fields {
    days: i64,
    year: i64,
    month: i64,
    day: i64,
    second_of_day: i64,
    nanos: u32,
}

fn get<'v>(args: &[Value<'v>], field: fn(&Fields) -> i64) -> Outcome<'v> {
    let (moment, offset) = match args {
        [Value::Timestamp(moment)] => (moment, 0),
        [Value::Timestamp(moment), Value::Str(zone)] => (moment, zones::offset(zone.as_str(), moment.seconds)?),
        _ => return Err(Fault::no_such_overload()),
    };
    let seconds = moment.seconds + offset;
    let days = seconds.div_euclid(DAY);
    let (year, month, day) = civil(days);
    let fields = Fields {
        days,
        year,
        month: i64::from(month),
        day: i64::from(day),
        second_of_day: seconds.rem_euclid(DAY),
        nanos: moment.nanos,
    };
    Ok(Value::Int(field(&fields)))
}

const DAY: i64 = 86_400;

// === impl Fields ===

impl Fields {
    fn year(&self) -> i64 {
        self.year
    }

    /// January is 0.
    fn month(&self) -> i64 {
        self.month - 1
    }

    /// The first of January is 0.
    fn day_of_year(&self) -> i64 {
        self.days - days_of(self.year, 1, 1)
    }

    /// Sunday is 0; 1970 began on a Thursday.
    fn day_of_week(&self) -> i64 {
        (self.days + 4).rem_euclid(7)
    }
}

/// Reads RFC 3339 as Go's `time.Parse` does: the hour may have one digit, and a comma may begin the fraction.
pub fn parse(text: &str) -> Option<Timestamp> {
    let mut rest = text.as_bytes();
    let year = number(&mut rest, 4, 4)?;
    literal(&mut rest, b'-')?;
    let month = number(&mut rest, 2, 2).filter(|month| (1..=12).contains(month))?;
    literal(&mut rest, b'-')?;
    let day = number(&mut rest, 2, 2)?;
    literal(&mut rest, b'T')?;
    let hour = number(&mut rest, 1, 2).filter(|hour| *hour < 24)?;
    literal(&mut rest, b':')?;
    let minute = number(&mut rest, 2, 2).filter(|minute| *minute < 60)?;
    literal(&mut rest, b':')?;
    let second = number(&mut rest, 2, 2).filter(|second| *second < 60)?;
    let nanos = fraction(&mut rest)?;
    let offset = zone(&mut rest)?;
    let days = days_of(year, month as u32, day as u32);
    let valid = (1..=31).contains(&day) && civil(days) == (year, month as u32, day as u32);
    if !rest.is_empty() || !valid {
        return None;
    }
    Some(Timestamp { seconds: days * DAY + hour * 3600 + minute * 60 + second - offset, nanos, offset: offset as i32 })
}

fn number(rest: &mut &[u8], min: usize, max: usize) -> Option<i64> {
    let length = rest.iter().take(max).take_while(|byte| byte.is_ascii_digit()).count();
    if length < min {
        return None;
    }
    let (digits, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(digits.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0')))
}

fn literal(rest: &mut &[u8], byte: u8) -> Option<()> {
    let (first, after) = rest.split_first()?;
    *rest = after;
    (*first == byte).then_some(())
}

fn fraction(rest: &mut &[u8]) -> Option<u32> {
    let [b'.' | b',', digits @ ..] = *rest else { return Some(0) };
    let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if length == 0 {
        return None;
    }
    let (digits, after) = digits.split_at_checked(length)?;
    *rest = after;
    let kept = digits.iter().take(9);
    let value = kept.fold(0_u32, |value, digit| value * 10 + u32::from(digit - b'0'));
    Some(value * 10_u32.pow(9 - length.min(9) as u32))
}

/// Seconds east of Greenwich.
fn zone(rest: &mut &[u8]) -> Option<i64> {
    let (first, after) = rest.split_first()?;
    *rest = after;
    let sign = match first {
        b'Z' => return Some(0),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours = number(rest, 2, 2).filter(|hours| *hours <= 24)?;
    literal(rest, b':')?;
    let minutes = number(rest, 2, 2).filter(|minutes| *minutes < 60)?;
    Some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_go_reads_them() {
        let shown = |text: &str| parse(text).map(|moment| moment.to_string());
        for (text, expected) in [
            ("2023-01-01T05:00:00Z", Some("2023-01-01T05:00:00Z")),
            ("2023-01-01T5:00:00Z", Some("2023-01-01T05:00:00Z")),
            ("2023-01-01T05:00:00,5Z", Some("2023-01-01T05:00:00.5Z")),
            ("2023-01-01T05:00:00.1234567891Z", Some("2023-01-01T05:00:00.123456789Z")),
            ("2023-01-01T00:30:00+01:00", Some("2023-01-01T00:30:00+01:00")),
            ("2023-01-01T05:00:60Z", None),
            ("2023-01-01T24:00:00Z", None),
            ("2023-02-29T05:00:00Z", None),
            ("2023-01-01t05:00:00z", None),
            ("2023-01-01T05:00:00.Z", None),
            ("2023-01-01T05:00:00", None),
            ("2023-01-01T05:00:00Zx", None),
        ] {
            assert_eq!(shown(text).as_deref(), expected, "{text}");
        }
    }
}
