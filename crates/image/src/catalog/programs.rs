//! Runtimes that lie in a folder with a file telling their version.

use model::Package;
use model::package::Kind;

use super::{Cataloguer, Input, Settings, Sink, Wants};

/// The readers of such files.
pub static CATALOGUERS: &[Cataloguer] = &[
    Cataloguer {
        name: "java-release",
        wants: Wants { names: &["release"], ..Wants::NOTHING },
        settings: Settings::Installed,
        bytes_max: BYTES_MAX,
        read: java,
    },
    Cataloguer {
        name: "erlang-otp",
        wants: Wants { names: &["OTP_VERSION"], ..Wants::NOTHING },
        settings: Settings::Installed,
        bytes_max: BYTES_MAX,
        read: erlang,
    },
];

fn java(input: &Input<'_>, sink: &mut Sink) {
    let text = String::from_utf8_lossy(input.bytes);
    let value = |key: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once('='));
        lines.find(|(name, _)| *name == key).map(|(_, value)| value.trim().trim_matches('"').to_owned())
    };
    // Other programs have a file of this name too.
    let Some(version) = value("JAVA_VERSION") else { return };
    let mut package = Package::new(Kind::Generic, "openjdk", version);
    package.supplier = value("IMPLEMENTOR").unwrap_or_default().into();
    package.properties.extend(value("JAVA_RUNTIME_VERSION").map(|full| ("runtime".into(), full.into())));
    sink.package(package);
}

fn erlang(input: &Input<'_>, sink: &mut Sink) {
    let text = String::from_utf8_lossy(input.bytes);
    let version = text.trim();
    if version.starts_with(|first: char| first.is_ascii_digit()) && version.len() < 64 {
        sink.package(Package::new(Kind::Generic, "erlang", version));
    }
}

/// Such files are a few hundred bytes.
const BYTES_MAX: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::{erlang, java};
    use crate::catalog::listed;

    #[test]
    fn runtimes_tell_their_versions() {
        assert_eq!(listed(java, "release", b"IMPLEMENTOR=\"X\"\nJAVA_VERSION=\"17.0.8\"\n"), ["openjdk 17.0.8"]);
        assert_eq!(listed(java, "release", b"other"), [""; 0]);
        assert_eq!(listed(erlang, "OTP_VERSION", b"26.1.2\n"), ["erlang 26.1.2"]);
    }
}
