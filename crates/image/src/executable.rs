//! Executable files: what they say they were built from.
//!
//! A file is fed in chunks and never held whole. Three things are looked for: the build information of Go, the dependency
//! list of cargo-auditable, and the version strings of well-known programs under their usual names.

mod go;
mod go_old;
mod program;
mod rust;

use memchr::memmem;

use crate::catalog::Sink;

/// Looks through one executable file that is fed in chunks.
#[derive(Debug)]
pub struct Scan {
    kind: FileKind,
    window: Vec<u8>,
    /// Where in the window the search goes on.
    searched: usize,
    go: Option<go::BuildInfo>,
    go_damage: bool,
    go_old: go_old::Old,
    /// Where in the file the window begins.
    base: u64,
    rust: Option<Vec<u8>>,
    rust_probes: rust::Probe,
    programs: Vec<program::Search>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileKind {
    Unknown,
    Executable,
    Other,
}

/// What a reader says about a place where something may begin.
enum Reading<T> {
    Found(T),
    /// More bytes are needed.
    Short,
    Nothing,
}

/// Whether a program of this path may be known by its own bytes.
pub(crate) fn is_known(path: &str) -> bool {
    program::is_known(path)
}

impl Scan {
    /// Begins a file. The size in bytes sizes the window of small files.
    pub fn new(path: &str, size: u64) -> Self {
        let capacity = usize::try_from(size).unwrap_or(STEP).min(STEP);
        Scan {
            kind: FileKind::Unknown,
            window: Vec::with_capacity(capacity),
            searched: 0,
            go: None,
            go_damage: false,
            go_old: go_old::Old::default(),
            base: 0,
            rust: None,
            rust_probes: rust::Probe::new(),
            programs: program::searches(path),
        }
    }

    /// Whether these first bytes, four at least, begin an executable file: ELF, PE or Mach-O.
    pub fn is_executable(head: &[u8]) -> bool {
        head.starts_with(b"\x7fELF")
            || head.starts_with(b"MZ")
            || [[0xcf, 0xfa, 0xed, 0xfe], [0xce, 0xfa, 0xed, 0xfe], [0xca, 0xfe, 0xba, 0xbe]]
                .iter()
                .any(|magic| head.starts_with(magic))
    }

    /// The next bytes of the file.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.kind != FileKind::Other {
            let room = (self.searched + STEP).saturating_sub(self.window.len()).max(1);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.window.extend_from_slice(now);
            bytes = later;
            if self.kind == FileKind::Unknown && self.window.len() >= 4 {
                let known = Scan::is_executable(&self.window);
                self.kind = if known { FileKind::Executable } else { FileKind::Other };
            }
            if self.window.len() >= self.searched + STEP {
                self.search(false);
            }
        }
    }

    /// Ends the file and says what was found.
    pub fn finish(mut self, sink: &mut Sink) {
        if self.kind != FileKind::Executable {
            return;
        }
        self.search(true);
        let old = self.go_old.finish();
        if let Some(info) = self.go.as_ref().or(old.as_ref().and_then(Option::as_ref)) {
            go::packages(info, sink);
        } else if self.go_damage || old.is_some() {
            sink.damage("the build information of Go in it cannot be read; its modules are not known");
        }
        if let Some(list) = &self.rust {
            rust::packages(list, sink);
        } else if self.rust_probes.broken() {
            sink.damage("the list of crates in it does not unpack; its crates are not known");
        }
        for search in &self.programs {
            search.package(sink);
        }
    }

    fn search(&mut self, last: bool) {
        // A place that was short of bytes is looked at again when more have come; all other bytes are looked at once,
        // but for the few that a needle across two windows needs.
        let mut keep = self.window.len().saturating_sub(OVERLAP);
        let window = self.window.as_slice();
        if self.go.is_none() {
            for at in memmem::find_iter(window, go::MAGIC) {
                match go::read(window.get(at..).unwrap_or_default()) {
                    Reading::Found(info) => {
                        self.go = Some(info);
                        break;
                    }
                    Reading::Short if !last && window.len() - at < CAPTURE_MAX => keep = keep.min(at),
                    Reading::Short => self.go_damage = true,
                    Reading::Nothing => {}
                }
            }
        }
        if self.go.is_none() {
            keep = keep.min(self.go_old.look(window, self.base, last));
        }
        if self.rust.is_none() {
            match self.rust_probes.find(window, last) {
                Reading::Found(list) => self.rust = Some(list),
                Reading::Short => {
                    let at = self.rust_probes.at();
                    if self.window.len() - at < CAPTURE_MAX {
                        keep = keep.min(at);
                    } else {
                        self.rust_probes.give_up();
                    }
                }
                Reading::Nothing => {}
            }
        }
        for search in &mut self.programs {
            search.look(window);
        }
        self.window.drain(..keep);
        self.base += keep as u64;
        // Kept captures are searched again from their start, once per step: at most CAPTURE_MAX / STEP times.
        self.searched = self.window.len();
    }
}

/// Bytes that are gathered before they are searched.
const STEP: usize = 1 << 18;

/// The longest build information of Go and dependency list seen are below 300 KB; several times that. With the step
/// it bounds the window below 8 MiB.
const CAPTURE_MAX: usize = 2 << 20;

/// Longer than every needle with the version behind it.
const OVERLAP: usize = 256;

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::Scan;
    use crate::catalog::Sink;
    use crate::facts::Fact;

    fn scan(path: &str, bytes: &[u8], chunk: usize) -> Vec<String> {
        let mut scan = Scan::new(path, bytes.len() as u64);
        bytes.chunks(chunk).for_each(|chunk| scan.push(chunk));
        let mut sink = Sink::default();
        scan.finish(&mut sink);
        let packages = sink.facts.iter().filter_map(|fact| match fact {
            Fact::Package(package) => Some(format!("{} {} {}", package.kind, package.name, package.version)),
            _ => None,
        });
        packages.chain(sink.damage.iter().map(|damage| damage.to_string())).collect()
    }

    fn go_info() -> Vec<u8> {
        let modules = "path\texample.com/a/cmd\nmod\texample.com/a\t(devel)\t\ndep\texample.com/b\tv1.2.0\th1:x=\n\
            dep\texample.com/c\tv1.0.0\n=>\texample.com/d\tv2.0.0\th1:y=\nbuild\tvcs.revision=abc\n";
        let mut out = b"\xff Go buildinf:\x08\x02".to_vec();
        out.resize(32, 0);
        let text = [&[b'0'; 16], modules.as_bytes(), &[b'1'; 16]].concat();
        for part in [b"go1.22.1".as_slice(), &text] {
            let mut length = part.len();
            while length >= 0x80 {
                out.push(length as u8 | 0x80);
                length >>= 7;
            }
            out.push(length as u8);
            out.extend(part);
        }
        out
    }

    /// A program of Go 1.17: a head with one part that is loaded, texts, then the pointers, then what they point to.
    fn old_go(between: usize) -> Vec<u8> {
        const ADDRESS: u64 = 0x40_0000;
        let mut out = b"\x7fELF\x02\x01".to_vec();
        out.resize(64, 0);
        for (at, value) in [(32, 64u64), (54, 56), (56, 1)] {
            let size = if at == 32 { 8 } else { 2 };
            out[at..at + size].copy_from_slice(&value.to_le_bytes()[..size]);
        }
        for value in [1, 0, ADDRESS, 0, 1 << 30, 1 << 30, 0] {
            out.extend(u64::to_le_bytes(value));
        }
        out.extend(b"\x04\0\0\0\x08\0\0\0\x04\0\0\0Go\0\0buildid ");
        out.resize(out.len() + between, b'.');
        out.extend(b"go1.9go1.17.5go1.9");
        let version = ADDRESS + out.len() as u64 - 13;
        let modules = ADDRESS + out.len() as u64;
        let text = "path\texample.com/a\nmod\texample.com/a\tv1.0.0\th1:x=\ndep\texample.com/b\tv1.2.0\th1:y=\n";
        let start = [0x30, 0x77, 0xaf, 0x0c, 0x92, 0x74, 0x08, 0x02, 0x41, 0xe1, 0xc1, 0x07, 0xe6, 0xd6, 0x18, 0xe6];
        let end = [0xf9, 0x32, 0x43, 0x31, 0x86, 0x18, 0x20, 0x72, 0x00, 0x82, 0x42, 0x10, 0x41, 0x16, 0xd8, 0xf2];
        out.extend([&start[..], text.as_bytes(), &end].concat());
        out.resize(out.len() + between, b'.');
        out.extend(b"\xff Go buildinf:\x08\x00");
        let headers = ADDRESS + (out.len() + 16 + between) as u64;
        out.extend(headers.to_le_bytes());
        out.extend((headers + 16).to_le_bytes());
        out.resize(out.len() + between, 0);
        for value in [version, 8, modules, text.len() as u64 + 32] {
            out.extend(value.to_le_bytes());
        }
        out
    }

    #[test]
    fn pointers_of_older_go_are_followed_or_told() {
        let expected = ["golang stdlib 1.17.5", "golang example.com/a v1.0.0", "golang example.com/b v1.2.0"];
        for between in [0, 100, (1 << 18) - 200, 300_000, 700_001] {
            let bytes = old_go(between);
            for chunk in [997, 65536, bytes.len()] {
                assert_eq!(scan("usr/bin/a", &bytes, chunk), expected, "{between} {chunk}");
            }
            // Without its end nothing says which version it is.
            let found = scan("usr/bin/a", &bytes[..bytes.len() - 32], 4096);
            assert!(found.len() == 1 && found[0].contains("build information of Go"), "{between} {found:?}");
        }
        // Without the mark of the linker nothing was gathered.
        let mut other = old_go(100);
        let at = memchr::memmem::find(&other, b"Go\0\0").unwrap();
        other[at] = b'g';
        assert_eq!(scan("a", &other, 4096).len(), 1);
    }

    fn elf(before: usize, data: &[u8]) -> Vec<u8> {
        let mut out = b"\x7fELF\x02\x01".to_vec();
        out.resize(before, b'.');
        out.extend(data);
        out.resize(out.len() + 1000, 0);
        out
    }

    #[test]
    fn go_modules_are_found_wherever_the_chunks_end() {
        let expected = [
            "golang stdlib 1.22.1",
            "golang example.com/a ",
            "golang example.com/b v1.2.0",
            "golang example.com/d v2.0.0",
        ];
        for before in [64, (1 << 18) - 10, (1 << 18) - 100, 600_000] {
            let bytes = elf(before, &go_info());
            for chunk in [997, 65536, bytes.len()] {
                assert_eq!(scan("usr/bin/a", &bytes, chunk), expected, "{before} {chunk}");
            }
        }
    }

    #[test]
    fn the_list_of_cargo_auditable_is_read() {
        let list = r#"{"packages":[{"name":"dep","version":"1.0.0","source":"crates.io"},
            {"name":"app","version":"0.1.0","source":"local","dependencies":[0],"root":true},
            {"name":"cc","version":"1.1.0","source":"crates.io","kind":"build"}]}"#;
        for before in [64, (1 << 18) - 20, 600_001] {
            let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(7));
            packed.write_all(list.as_bytes()).unwrap();
            let bytes = elf(before, &packed.finish().unwrap());
            assert_eq!(scan("a", &bytes, 4096), ["cargo dep 1.0.0", "cargo app 0.1.0", "cargo cc 1.1.0"], "{before}");
        }
    }

    #[test]
    fn programs_are_known_by_their_strings_and_names() {
        let cases: &[(&str, &str, &[&str])] = &[
            ("bin/busybox", "BusyBox v1.36.1 (2023)", &["generic busybox 1.36.1"]),
            ("usr/lib/libcrypto.so.3", "\0OpenSSL 3.0.11 19 Sep 2023", &["generic openssl 3.0.11"]),
            ("usr/sbin/nginx", "nginx/%s nginx/1.25.3\0", &["generic nginx 1.25.3"]),
            ("usr/sbin/mariadbd", "\x0010.11.4-MariaDB-log", &["generic mariadb 10.11.4"]),
            ("usr/bin/python3.11", "\x003.11.2\0", &["generic python 3.11.2"]),
            ("bin/redis-server", "\x007.2.41a2b3c4d5e6f-17071234560000000000\0", &["generic redis 7.2.4"]),
            ("bin/valkey-server", "\x008.0.1buildkitsandbox-17071234560000000000\0", &["generic valkey 8.0.1"]),
            ("bin/haproxy", "version 2.8.3-86e043a, released 2023/09/07", &["generic haproxy 2.8.3-86e043a"]),
            ("bin/erlexec", "/usr/src/otp_src_26.2.1/erts/", &["generic erlang 26.2.1"]),
            ("usr/bin/xz", "\0xz (XZ Utils) 5.4.1\0", &["generic xz 5.4.1"]),
            ("lib/libruby-3.1.so.3.1.2", "library for ruby 1.8)\0\0ruby 3.1.2p20 (2022)\0", &["generic ruby 3.1.2p20"]),
            ("usr/bin/other", "nginx/1.25.3\0", &[]),
        ];
        for (path, text, expected) in cases {
            for before in [64, (1 << 18) - 9] {
                assert_eq!(scan(path, &elf(before, text.as_bytes()), 1 << 16), *expected, "{path}");
            }
        }
    }

    #[test]
    fn build_information_that_is_cut_off_is_damage() {
        let mut bytes = elf(64, &[]);
        bytes.extend(&go_info()[..60]);
        assert_eq!(scan("a", &bytes, 100).len(), 1);
    }
}
