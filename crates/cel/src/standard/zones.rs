//! Time zones, by name or as an offset.

use jiff::Timestamp;
use jiff::tz::TimeZoneDatabase;

use crate::fault::Fault;

/// Seconds east of Greenwich at a point in time (seconds since 1970).
pub(super) fn offset(zone: &str, seconds: i64) -> Result<i64, Fault> {
    if let Some((hours, minutes)) = zone.split_once(':') {
        let (hours, minutes_east) = (number(hours)?, number(minutes)?);
        let minutes = if zone.starts_with('-') { hours * 60 - minutes_east } else { hours * 60 + minutes_east };
        return Ok(minutes * 60);
    }
    // Go takes "Local" to mean the zone of the machine, which for an API server is UTC.
    if matches!(zone, "" | "UTC" | "Local") {
        return Ok(0);
    }
    let unknown = || Fault::error(format!("unknown time zone {zone}"));
    let found = TimeZoneDatabase::bundled().get(zone).map_err(|_| unknown())?;
    // Names are files to Go, so case matters.
    if found.iana_name() != Some(zone) {
        return Err(unknown());
    }
    let moment = Timestamp::from_second(seconds).map_err(|_| unknown())?;
    Ok(i64::from(found.to_offset(moment).seconds()))
}

fn number(text: &str) -> Result<i64, Fault> {
    // So many digits cannot overflow when hours become seconds.
    text.parse::<i32>()
        .map(i64::from)
        .map_err(|_| Fault::error(format!("strconv.Atoi: parsing \"{text}\": invalid syntax")))
}

#[cfg(test)]
mod tests {
    use super::offset;

    #[test]
    fn zones_have_names_or_offsets() {
        assert_eq!(offset("America/Los_Angeles", 1_600_000_000), Ok(-7 * 3600));
        assert_eq!(offset("America/Los_Angeles", 1_700_000_000), Ok(-8 * 3600));
        assert_eq!(offset("Asia/Kathmandu", 4_000_000_000), Ok(5 * 3600 + 45 * 60));
        assert_eq!(offset("-08:30", 0), Ok(-(8 * 3600 + 30 * 60)));
        assert_eq!(offset("02:00", 0), Ok(2 * 3600));
        assert!(offset("america/los_angeles", 0).is_err());
        assert!(offset("Nowhere/Else", 0).is_err());
        assert!(offset("x:00", 0).is_err());
    }
}
