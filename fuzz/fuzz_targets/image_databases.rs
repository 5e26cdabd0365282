//! Files of operating systems of any bytes: no panic, no more packages than bytes, and a bounded list of faults.
#![no_main]

use image::catalog::{Cataloguer, Input, Sink, all};
use image::facts::Fact;
use libfuzzer_sys::fuzz_target;

/// Cataloguers with a path that each takes.
const PATHS: [(&str, &str); 14] = [
    ("dpkg-status", "var/lib/dpkg/status"),
    ("dpkg-status", "var/lib/dpkg/status.d/base"),
    ("dpkg-files", "var/lib/dpkg/info/a.list"),
    ("debian-copyright", "usr/share/doc/a/copyright"),
    ("apk-installed", "lib/apk/db/installed"),
    ("rpm-manifest", "var/lib/rpmmanifest/container-manifest-2"),
    ("pacman-desc", "var/lib/pacman/local/a-1-1/desc"),
    ("pacman-files", "var/lib/pacman/local/a-1-1/files"),
    ("opkg-status", "usr/lib/opkg/status"),
    ("os-release", "etc/os-release"),
    ("release-file", "etc/SuSE-release"),
    ("passwd", "etc/passwd"),
    ("linux-kernel", "boot/vmlinuz"),
    ("linux-module", "lib/modules/6.1.0/updates/a.ko"),
];

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let (name, path) = PATHS[usize::from(*choice) % PATHS.len()];
    let cataloguer: &Cataloguer = all().find(|cataloguer| cataloguer.name == name).expect("every name is one");
    let mut sink = Sink::default();
    (cataloguer.read)(&Input { path, bytes }, &mut sink);
    let packages = sink.facts.iter().filter(|fact| matches!(fact, Fact::Package(_))).count();
    assert!(packages <= bytes.len() && sink.damage.len() <= 20);
});
