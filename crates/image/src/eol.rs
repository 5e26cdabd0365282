//! When releases of operating systems stop getting fixes.
//!
//! The table holds the end of free security support as the projects announced it, and the end of paid or volunteer support
//! where there is one. Dates are days, `YYYY-MM-DD`, which compare as text.

use model::Distro;

/// The day on which the rows of the table were looked at last. It does not have every release of before: what has no row is
/// [`Support::Unknown`], never supported.
pub const TABLE_DATE: &str = "2026-11-01";

/// What is known of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// It gets fixes until that day.
    Until(&'static str),
    /// It gets no more fixes for everybody; whoever pays or volunteers, until the second day where there is one.
    Ended(&'static str, Option<&'static str>),
    /// It has no releases: it is as new as its last update.
    Rolling,
    /// The table does not know it.
    Unknown,
}

/// The support of a system on a day.
pub fn support(distro: &Distro, today: &str) -> Support {
    if ROLLING.contains(&&*distro.id) {
        return Support::Rolling;
    }
    let release = release(distro);
    // CentOS Stream calls itself as CentOS did, and ends on other days.
    let stream = &*distro.id == "centos" && distro.pretty_name.to_ascii_lowercase().contains("stream");
    let known = if stream { "centos-stream" } else { &*distro.id };
    let row = TABLE.iter().find(|(id, version, ..)| *id == known && *version == release);
    match row {
        Some((_, _, until, _)) if *until >= today => Support::Until(until),
        Some((_, _, until, more)) => Support::Ended(until, *more),
        None => Support::Unknown,
    }
}

/// The part of the version that names a release.
fn release(distro: &Distro) -> &str {
    let parts = match &*distro.id {
        "alpine" | "ubuntu" | "photon" | "opensuse-leap" | "sles" | "mariner" | "azurelinux" => 2,
        _ => 1,
    };
    let version = &*distro.version;
    let end = version.match_indices('.').nth(parts - 1).map_or(version.len(), |(at, _)| at);
    version.get(..end).unwrap_or(version)
}

const ROLLING: &[&str] =
    &["wolfi", "chainguard", "arch", "archlinux", "gentoo", "opensuse-tumbleweed", "nixos", "void", "kali", "manjaro"];

/// Id, release, end of support for everybody, end of longer support.
type Row = (&'static str, &'static str, &'static str, Option<&'static str>);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    ("debian", "7", "2016-04-25", Some("2018-05-31")),
    ("debian", "8", "2018-06-17", Some("2020-06-30")), ("debian", "9", "2020-07-18", Some("2022-06-30")), ("debian", "10", "2022-09-10", Some("2024-06-30")),
    ("debian", "11", "2024-08-14", Some("2026-08-31")), ("debian", "12", "2026-06-10", Some("2028-06-30")), ("debian", "13", "2028-08-09", Some("2030-06-30")),
    ("ubuntu", "14.04", "2019-04-25", Some("2026-04-01")), ("ubuntu", "16.04", "2021-04-30", Some("2028-04-01")), ("ubuntu", "18.04", "2023-05-31", Some("2030-04-01")),
    ("ubuntu", "20.04", "2025-05-31", Some("2032-04-01")), ("ubuntu", "22.04", "2027-04-01", Some("2034-04-01")), ("ubuntu", "24.04", "2029-04-25", Some("2036-04-25")),
    ("ubuntu", "23.04", "2024-01-25", None), ("ubuntu", "23.10", "2024-07-11", None), ("ubuntu", "24.10", "2025-07-10", None), ("ubuntu", "25.04", "2026-01-15", None),
    ("alpine", "3.12", "2022-05-01", None), ("alpine", "3.13", "2022-11-01", None), ("alpine", "3.14", "2023-05-01", None), ("alpine", "3.15", "2023-11-01", None),
    ("alpine", "3.16", "2024-05-23", None), ("alpine", "3.17", "2024-11-22", None), ("alpine", "3.18", "2025-05-09", None), ("alpine", "3.19", "2025-11-01", None),
    ("alpine", "3.20", "2026-04-01", None), ("alpine", "3.21", "2026-11-01", None), ("alpine", "3.22", "2027-05-01", None), ("alpine", "3.23", "2027-11-01", None),
    ("alpine", "3.9", "2020-11-01", None), ("alpine", "3.10", "2021-05-01", None), ("alpine", "3.11", "2021-11-01", None),
    ("rhel", "6", "2020-11-30", Some("2024-06-30")), ("rhel", "7", "2024-06-30", Some("2028-06-30")), ("rhel", "8", "2029-05-31", Some("2032-05-31")), ("rhel", "9", "2032-05-31", Some("2035-05-31")), ("rhel", "10", "2035-05-31", Some("2038-05-31")),
    ("centos", "6", "2020-11-30", None), ("centos", "7", "2024-06-30", None), ("centos", "8", "2021-12-31", None), ("centos", "5", "2017-03-31", None),
    ("centos-stream", "8", "2024-05-31", None), ("centos-stream", "9", "2027-05-31", None), ("centos-stream", "10", "2030-01-01", None),
    // There is no other CentOS of these numbers.
    ("centos", "9", "2027-05-31", None), ("centos", "10", "2030-01-01", None),
    ("rocky", "8", "2029-05-31", None), ("rocky", "9", "2032-05-31", None), ("rocky", "10", "2035-05-31", None),
    ("almalinux", "8", "2029-03-01", None), ("almalinux", "9", "2032-05-31", None), ("almalinux", "10", "2035-05-31", None),
    ("ol", "6", "2021-03-21", Some("2024-12-31")), ("ol", "7", "2024-12-31", Some("2028-06-30")), ("ol", "8", "2029-07-31", Some("2032-07-31")), ("ol", "9", "2032-06-30", Some("2035-06-30")),
    ("amzn", "2018", "2023-12-31", None), ("amzn", "2", "2026-06-30", None), ("amzn", "2023", "2029-06-30", None),
    ("fedora", "38", "2024-05-21", None), ("fedora", "39", "2024-11-26", None), ("fedora", "40", "2025-05-13", None), ("fedora", "41", "2025-12-15", None), ("fedora", "42", "2026-05-13", None),
    ("photon", "3.0", "2024-03-01", None), ("photon", "4.0", "2025-03-01", None),
    ("mariner", "1.0", "2023-07-31", None), ("mariner", "2.0", "2025-07-31", None),
    ("opensuse-leap", "15.3", "2022-12-31", None), ("opensuse-leap", "15.4", "2023-12-07", None), ("opensuse-leap", "15.5", "2024-12-31", None), ("opensuse-leap", "15.6", "2026-04-30", None), ("opensuse-leap", "16.0", "2027-10-31", None),
    ("sles", "12.5", "2024-10-31", Some("2027-10-31")), ("sles", "15.3", "2022-12-31", Some("2025-12-31")), ("sles", "15.4", "2023-12-31", Some("2026-12-31")), ("sles", "15.5", "2024-12-31", Some("2027-12-31")),
    ("sles", "15.6", "2025-12-31", Some("2028-12-31")), ("sles", "15.7", "2031-07-31", Some("2034-07-31")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_end_on_their_day() {
        let of = |id: &str, version: &str, today: &str| {
            support(&Distro { id: id.into(), version: version.into(), ..Distro::default() }, today)
        };
        assert_eq!(of("debian", "10", "2026-11-25"), Support::Ended("2022-09-10", Some("2024-06-30")));
        assert_eq!(of("debian", "13", "2026-11-25"), Support::Until("2028-08-09"));
        assert_eq!(of("alpine", "3.18.4", "2025-05-09"), Support::Until("2025-05-09"));
        assert_eq!(of("alpine", "3.18.4", "2025-05-10"), Support::Ended("2025-05-09", None));
        assert_eq!(of("centos", "7.9.2009", "2026-01-01"), Support::Ended("2024-06-30", None));
        let stream = Distro {
            id: "centos".into(),
            version: "8".into(),
            pretty_name: "CentOS Stream 8".into(),
            ..Distro::default()
        };
        assert_eq!(support(&stream, "2024-05-31"), Support::Until("2024-05-31"));
        assert_eq!(of("centos", "8", "2024-05-31"), Support::Ended("2021-12-31", None));
        assert_eq!(of("debian", "99", "2026-01-01"), Support::Unknown);
        assert_eq!(of("wolfi", "", "2026-01-01"), Support::Rolling);
        assert_eq!(of("madeup", "1", "2026-01-01"), Support::Unknown);
    }

    #[test]
    fn every_date_is_one_and_longer_support_is_longer() {
        for (id, version, until, more) in TABLE {
            let day = |text: &str| text.len() == 10 && text.bytes().filter(|byte| *byte == b'-').count() == 2;
            assert!(day(until) && more.is_none_or(|more| day(more) && more > *until), "{id} {version}");
        }
    }
}
