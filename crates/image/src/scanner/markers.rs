//! Files that matter for hardening, by their mode and path.

use super::{Meta, base};
use crate::catalog::Sink;
use crate::facts::{Fact, Marker};

/// Marks of a regular file.
pub(super) fn of_file(meta: Meta<'_>, sink: &mut Sink) {
    let mut mark = |marker| sink.facts.push(Fact::Marker(marker));
    let executable = meta.mode & 0o111 != 0;
    if meta.mode & 0o4000 != 0 && executable {
        mark(Marker::Setuid);
    }
    if meta.mode & 0o2000 != 0 && meta.mode & 0o010 != 0 {
        mark(Marker::Setgid);
    }
    if meta.capabilities {
        mark(Marker::Capabilities);
    }
    if meta.mode & 0o002 != 0 {
        mark(Marker::WorldWritable);
    }
    // Programs are known by where they lie and what they are called; the folder is looked at first, because few files
    // lie in one of these.
    let folder = meta.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let name = base(meta.path);
    if name.starts_with("ld") && is_loader(folder, name) {
        mark(Marker::Loader);
    }
    if !executable || !PROGRAM_FOLDERS.contains(&folder) {
        return;
    }
    for (names, marker) in [(SHELLS, Marker::Shell), (PACKAGE_MANAGERS, Marker::PackageManager), (TOOLS, Marker::Tool)]
    {
        if names.contains(&name) {
            mark(marker);
        }
    }
}

/// `ld-linux-x86-64.so.2`, `ld-musl-aarch64.so.1`, `ld-2.31.so` and their like below `lib` or `usr/lib`.
fn is_loader(folder: &str, name: &str) -> bool {
    let loads = name.starts_with("ld-") || name.starts_with("ld64.so") || name.starts_with("ld.so");
    let folder = folder.strip_prefix("usr/").unwrap_or(folder);
    loads && name.contains(".so") && name != "ld.so.cache" && folder.starts_with("lib")
}

const PROGRAM_FOLDERS: &[&str] =
    &["bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "usr/local/sbin", "busybox", "opt/bin"];

const SHELLS: &[&str] =
    &["sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish", "csh", "tcsh", "busybox", "pwsh", "rbash"];

const PACKAGE_MANAGERS: &[&str] = &[
    "apt", "apt-get", "dpkg", "apk", "yum", "dnf", "dnf5", "microdnf", "tdnf", "rpm", "zypper", "pacman", "opkg",
    "emerge", "pip", "pip3", "npm", "gem", "conda", "nix", "brew", "snap", "flatpak",
];

const TOOLS: &[&str] = &[
    "gcc",
    "g++",
    "cc",
    "clang",
    "make",
    "gdb",
    "strace",
    "ltrace",
    "nc",
    "ncat",
    "netcat",
    "nc.openbsd",
    "nc.traditional",
    "socat",
    "nmap",
    "tcpdump",
    "tshark",
    "telnet",
    "ssh",
    "sshd",
    "scp",
    "ftp",
    "curl",
    "wget",
    "sudo",
    "su",
    "perf",
    "bpftrace",
    "nsenter",
    "debugfs",
    "kubectl",
    "docker",
    "ctr",
    "crictl",
    "rsync",
];
