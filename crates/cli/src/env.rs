//! Every environment variable that Kobuk reads.

use std::ffi::OsString;
use std::path::PathBuf;

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

/// `KOBUK_CACHE_DIR`, or `kobuk` below `XDG_CACHE_HOME` or `.cache` in `HOME`: what is known of layers.
pub(crate) fn cache_dir() -> Option<PathBuf> {
    folder("KOBUK_CACHE_DIR", "XDG_CACHE_HOME", ".cache")
}

/// `KOBUK_DATA_DIR`, or `kobuk` below `XDG_DATA_HOME` or `.local/share` in `HOME`: the database of advisories.
pub(crate) fn data_dir() -> Option<PathBuf> {
    folder("KOBUK_DATA_DIR", "XDG_DATA_HOME", ".local/share")
}

/// `REGISTRY_AUTH_FILE`, `DOCKER_CONFIG`, `XDG_RUNTIME_DIR` and `HOME`: where credentials of registries lie.
pub(crate) fn of_credentials(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn folder(own: &str, standard: &str, below_home: &str) -> Option<PathBuf> {
    let given = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    given(own)
        .or_else(|| given(standard).map(|folder| folder.join("kobuk")))
        .or_else(|| given("HOME").map(|home| home.join(below_home).join("kobuk")))
}

fn set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}
