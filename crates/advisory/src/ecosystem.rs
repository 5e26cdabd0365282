//! Which ecosystem's advisories speak of a distribution.

use model::Distro;

/// OSV's names of the ecosystems whose advisories judge this distribution, the most exact first. `None` when nobody is
/// known to publish any: its packages are unknown, not clean. An unknown derivative is not judged by its parent, because
/// it builds other versions.
pub fn ecosystems(distro: &Distro) -> Option<Vec<Box<str>>> {
    let version = &*distro.version;
    let major = version.split('.').next().unwrap_or_default();
    let two = || version.split('.').take(2).collect::<Vec<_>>().join(".");
    let named = |name: &str, version: &str| (!version.is_empty()).then(|| vec![format!("{name}:{version}").into()]);
    match &*distro.id {
        "debian" if version.is_empty() => named("Debian", debian(&distro.codename)?),
        "debian" => named("Debian", major),
        "ubuntu" => {
            let lts = major.parse::<u32>().is_ok_and(|year| year % 2 == 0) && version.ends_with(".04");
            named("Ubuntu", &if lts { format!("{version}:LTS") } else { version.into() })
        }
        "alpine" if version.contains("_alpha") || version.is_empty() => named("Alpine", "edge"),
        "alpine" => named("Alpine", &format!("v{}", two())),
        "wolfi" => Some(vec!["Wolfi".into()]),
        "chainguard" => Some(vec!["Chainguard".into(), "Wolfi".into()]),
        "rhel" | "centos" | "redhat" => named("Red Hat", &prefixed("enterprise_linux:", major)),
        "rocky" => named("Rocky Linux", major),
        "almalinux" => named("AlmaLinux", major),
        "ol" | "oracle" => named("Oracle Linux", major),
        "amzn" => named("Amazon Linux", major),
        "fedora" => named("Fedora", major),
        "photon" => named("Photon OS", &two()),
        "azurelinux" | "mariner" => named("Azure Linux", major),
        "arch" | "archlinux" => Some(vec!["Arch Linux".into()]),
        "sles" | "sle_hpc" | "sled" | "sles_sap" => {
            let (major, pack) = version.split_once('.').unwrap_or((version, "0"));
            // From 16 on releases have numbers of two parts and no service packs.
            if major.parse().is_ok_and(|major: u32| major >= 16) {
                return named("SUSE", &format!("Linux Enterprise Server {version}"));
            }
            let pack = if pack == "0" { String::new() } else { format!(" SP{pack}") };
            (!major.is_empty()).then(|| vec![format!("SUSE:Linux Enterprise Server {major}{pack}").into()])
        }
        "sle-micro" | "sle-micro-rancher" => named("SUSE", &prefixed("Linux Enterprise Micro ", version)),
        "sl-micro" => named("SUSE", &prefixed("Linux Micro ", version)),
        "opensuse-leap" | "opensuse.leap" => {
            (!version.is_empty()).then(|| vec![format!("openSUSE:Leap {version}").into()])
        }
        "opensuse-tumbleweed" | "opensuse.tumbleweed" => Some(vec!["openSUSE:Tumbleweed".into()]),
        "mageia" => named("Mageia", major),
        "openEuler" | "openeuler" => named("openEuler", version),
        "minimos" => Some(vec!["MinimOS".into()]),
        "echo" => Some(vec!["Echo".into()]),
        _ => None,
    }
}

fn prefixed(prefix: &str, version: &str) -> String {
    if version.is_empty() { String::new() } else { format!("{prefix}{version}") }
}

fn debian(codename: &str) -> Option<&'static str> {
    Some(match codename {
        "buster" => "10",
        "bullseye" => "11",
        "bookworm" => "12",
        "trixie" => "13",
        "forky" => "14",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distributions_have_the_ecosystems_that_judge_them() {
        for (id, version, codename, expected) in [
            ("debian", "12", "bookworm", Some("Debian:12")),
            ("debian", "", "trixie", Some("Debian:13")),
            ("debian", "", "", None),
            ("ubuntu", "22.04", "jammy", Some("Ubuntu:22.04:LTS")),
            ("ubuntu", "23.10", "", Some("Ubuntu:23.10")),
            ("alpine", "3.20.1", "", Some("Alpine:v3.20")),
            ("alpine", "3.21_alpha20240807", "", Some("Alpine:edge")),
            ("centos", "8", "", Some("Red Hat:enterprise_linux:8")),
            ("rhel", "", "", None),
            ("sles", "15.5", "", Some("SUSE:Linux Enterprise Server 15 SP5")),
            ("sles", "16.0", "", Some("SUSE:Linux Enterprise Server 16.0")),
            ("sle-micro", "5.3", "", Some("SUSE:Linux Enterprise Micro 5.3")),
            ("opensuse-leap", "15.5", "", Some("openSUSE:Leap 15.5")),
            ("amzn", "2023", "", Some("Amazon Linux:2023")),
            ("madeup", "1", "", None),
        ] {
            let distro =
                Distro { id: id.into(), version: version.into(), codename: codename.into(), ..Distro::default() };
            let found = ecosystems(&distro);
            assert_eq!(found.as_ref().and_then(|names| names.first()).map(|name| &**name), expected, "{id} {version}");
        }
    }
}
