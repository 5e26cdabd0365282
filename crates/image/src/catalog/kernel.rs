//! The kernel and its modules, where an image has them: images of virtual machines, and node images.

use model::Package;
use model::package::Kind;

use super::{Cataloguer, Input, Settings, Sink, Wants};

/// Kernels, folders of their modules, and modules from elsewhere.
pub static CATALOGUERS: &[Cataloguer] = &[
    Cataloguer {
        name: "linux-kernel",
        wants: Wants { names: &["vmlinuz"], folders: &["boot"], filter: is_kernel, ..Wants::NOTHING },
        settings: Settings::Installed,
        bytes_max: 128 << 20,
        read: kernel,
    },
    Cataloguer {
        name: "linux-modules",
        wants: Wants {
            names: &["modules.builtin", "modules.dep", "modules.order"],
            filter: |path| version_of_modules(path).is_some(),
            ..Wants::NOTHING
        },
        settings: Settings::Installed,
        bytes_max: 64 << 20,
        read: |input, sink| {
            if let Some(version) = version_of_modules(input.path) {
                sink.package(Package::new(Kind::Generic, KERNEL, version));
            }
        },
    },
    Cataloguer {
        name: "linux-module",
        wants: Wants { extensions: &[".ko"], filter: is_foreign_module, ..Wants::NOTHING },
        settings: Settings::Installed,
        bytes_max: 64 << 20,
        read: module,
    },
];

fn is_kernel(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    ["vmlinuz", "bzImage", "kernel"].iter().any(|start| name.starts_with(start))
}

/// The header of the boot protocol says where the version stands: `6.1.0-18-amd64 (builder@host) #1 SMP …`.
fn kernel(input: &Input<'_>, sink: &mut Sink) {
    let header = input.bytes.get(HEADER_AT..HEADER_AT + 4) == Some(b"HdrS");
    let at =
        input.bytes.get(VERSION_AT..VERSION_AT + 2).and_then(|bytes| Some(u16::from_le_bytes(bytes.try_into().ok()?)));
    let text = at.filter(|at| header && *at != 0).and_then(|at| input.bytes.get(usize::from(at) + 0x200..));
    let word = text.and_then(|text| text.split(|byte| matches!(byte, b' ' | 0)).next());
    let from_header = word.and_then(|word| std::str::from_utf8(word).ok()).filter(|word| is_version(word));
    let name = input.path.rsplit('/').next().unwrap_or("");
    let from_name = name.split_once('-').map(|(_, version)| version).filter(|version| is_version(version));
    let from_folder = version_of_modules(input.path);
    match from_header.or(from_name).or(from_folder) {
        Some(version) => sink.package(Package::new(Kind::Generic, KERNEL, version)),
        None if name == "vmlinuz" || name.starts_with("vmlinuz-") => {
            sink.damage("the version of the kernel in it is not known")
        }
        None => {}
    }
}

/// `lib/modules/6.1.0-18-amd64/modules.dep`.
fn version_of_modules(path: &str) -> Option<&str> {
    let (folder, _) = path.rsplit_once('/')?;
    let (parent, version) = folder.rsplit_once('/')?;
    let known = parent == "lib/modules" || parent.ends_with("/lib/modules");
    (known && is_version(version)).then_some(version)
}

/// Modules that did not come with the kernel.
fn is_foreign_module(path: &str) -> bool {
    path.contains("lib/modules/")
        && ["/updates/", "/extra/", "/weak-updates/", "/dkms/"].iter().any(|part| path.contains(part))
}

/// `version=` and `vermagic=` of the section `.modinfo`, texts that end in NUL.
fn module(input: &Input<'_>, sink: &mut Sink) {
    let value = |key: &str| {
        let at = memchr::memmem::find(input.bytes, format!("\0{key}=").as_bytes())?;
        let rest = input.bytes.get(at + key.len() + 2..)?;
        let text = rest.get(..memchr::memchr(0, rest)?).filter(|text| text.len() <= VALUE_BYTES_MAX)?;
        std::str::from_utf8(text).ok()
    };
    let name = input.path.rsplit('/').next().unwrap_or("").trim_end_matches(".ko");
    let name = value("name").unwrap_or(name);
    let Some(version) = value("version") else { return };
    let mut package = Package::new(Kind::Generic, name, version);
    package.licenses = value("license").map(crate::license::normalise).unwrap_or_default();
    package.supplier = value("author").unwrap_or("").into();
    let kernel = value("vermagic").and_then(|magic| magic.split(' ').next());
    package.properties.extend(kernel.map(|kernel| ("kernel".into(), kernel.into())));
    sink.package(package);
}

/// Digits, a dot and a digit.
fn is_version(text: &str) -> bool {
    let minor = text.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix('.');
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | '_' | '~');
    text.starts_with(|c: char| c.is_ascii_digit())
        && minor.is_some_and(|minor| minor.starts_with(|c: char| c.is_ascii_digit()))
        && text.len() < VALUE_BYTES_MAX
        && text.chars().all(plain)
}

/// The name under which kernels are known.
const KERNEL: &str = "linux-kernel";

/// Where the boot protocol has its mark.
const HEADER_AT: usize = 0x202;

/// Where it has the place of the version, from 0x200 on.
const VERSION_AT: usize = 0x20e;

/// Longest value that is taken.
const VALUE_BYTES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::listed;

    #[test]
    fn kernels_and_modules_tell_their_versions() {
        let mut image = vec![0u8; 0x400];
        image[HEADER_AT..HEADER_AT + 4].copy_from_slice(b"HdrS");
        image[VERSION_AT] = 0x40;
        image[0x240..0x240 + 26].copy_from_slice(b"6.1.0-18-amd64 (x@y) #1 S\0");
        assert_eq!(listed(kernel, "boot/vmlinuz", &image), ["linux-kernel 6.1.0-18-amd64"]);
        assert_eq!(listed(kernel, "boot/vmlinuz-6.6.1", b"packed"), ["linux-kernel 6.6.1"]);
        assert_eq!(listed(kernel, "usr/lib/modules/6.7.0-1.fc40/vmlinuz", b"x"), ["linux-kernel 6.7.0-1.fc40"]);
        assert_eq!(listed(kernel, "boot/vmlinuz", b"x").len(), 1);
        assert_eq!(listed(kernel, "boot/kernel.txt", b"x"), [""; 0]);
        assert_eq!(version_of_modules("lib/modules/5.10.0-1-amd64/modules.dep"), Some("5.10.0-1-amd64"));
        assert_eq!(version_of_modules("lib/modules/x/modules.dep"), None);
        let bytes = b"\x7fELF\0version=550.54\0license=Dual MIT/GPL\0vermagic=6.1.0 SMP\0name=nvidia\0";
        assert_eq!(listed(module, "lib/modules/6.1.0/updates/nvidia.ko", bytes), ["nvidia 550.54"]);
    }
}
