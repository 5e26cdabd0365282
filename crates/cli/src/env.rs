//! Every environment variable that Kobuk reads.

use std::ffi::OsString;

/// `NO_COLOR`: set and not empty, no colour.
pub(crate) fn no_color() -> bool {
    set("NO_COLOR")
}

/// `CLICOLOR_FORCE`: set and not empty, colour even into a pipe.
pub(crate) fn force_color() -> bool {
    set("CLICOLOR_FORCE")
}

/// `COLUMNS`: width of the terminal.
pub(crate) fn columns() -> Option<usize> {
    std::env::var("COLUMNS").ok()?.parse().ok()
}

/// `SOURCE_DATE_EPOCH`: seconds since 1970 to use instead of the clock, for reports that can be repeated.
pub(crate) fn source_date_epoch() -> Option<i64> {
    std::env::var("SOURCE_DATE_EPOCH").ok()?.parse().ok()
}

/// `PATH`: where helm, kustomize and kubectl are looked for.
pub(crate) fn path() -> Option<OsString> {
    std::env::var_os("PATH")
}

fn set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}
