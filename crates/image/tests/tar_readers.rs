//! Archives as other readers list them: GNU tar, Python's tarfile and Go's archive/tar either see what is seen here, or the
//! archive is refused here. Readers that are not installed are left out; Go, which compiles first, is asked with `--ignored`.

use std::io::Write;
use std::process::{Command, Stdio};

use image::tar::{Archive, EntryKind};

/// What an archive is made of.
struct Case {
    name: &'static str,
    bytes: Vec<u8>,
    /// Whether it must be read; others may be refused.
    plain: bool,
}

#[test]
fn python_and_gnu_tar_see_the_same_entries_or_the_archive_is_refused() {
    let cases = cases();
    // One process for all of them: starting Python takes longer than the rest.
    let input: String = cases.iter().map(|case| hex(&case.bytes) + "\n").collect();
    let python = run("python3", &["-c", PYTHON], input.as_bytes()).unwrap_or_default();
    let python = python.lines().map(|line| line.strip_prefix('+').map(|names| plain(names.split('\x1f'))));
    let gnu = |bytes: &[u8]| {
        let text = run("tar", &["--quoting-style=literal", "--absolute-names", "-tf", "-"], bytes)?;
        Some(plain(text.lines()))
    };
    for (case, python) in cases.iter().zip(python.chain(std::iter::repeat(None))) {
        agrees(case, "Python", python, true);
        agrees(case, "GNU tar", gnu(&case.bytes), false);
    }
}

#[test]
#[ignore = "compiles a program of Go"]
fn go_sees_the_same_entries_or_the_archive_is_refused() {
    let folder = std::env::temp_dir().join(format!("kobuk-tar-readers-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (source, program) = (folder.join("list.go"), folder.join("list"));
    std::fs::write(&source, GO).unwrap();
    let built = Command::new("go").arg("build").arg("-o").arg(&program).arg(&source).env("GO111MODULE", "off").status();
    if built.is_ok_and(|status| status.success()) {
        for case in cases() {
            agrees(&case, "Go", run(program.to_str().unwrap(), &[], &case.bytes).map(|text| plain(text.lines())), true);
        }
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// `theirs` is `None` where that reader is missing or refuses.
fn agrees(case: &Case, reader: &str, theirs: Option<Vec<String>>, with_sizes: bool) {
    let ours = list(&case.bytes, with_sizes);
    assert!(ours.is_some() || !case.plain, "{}: refused", case.name);
    if let (Some(ours), Some(theirs)) = (ours, theirs) {
        assert_eq!(ours, theirs, "{}: {reader} sees the list on the right", case.name);
    }
}

/// Names, and sizes of files behind a tab. Slashes at the end of names are left out: readers differ there.
fn list(bytes: &[u8], with_sizes: bool) -> Option<Vec<String>> {
    let mut archive = Archive::new(bytes);
    let mut names = Vec::new();
    while let Some(entry) = archive.next_entry().ok()? {
        let name = String::from_utf8_lossy(&entry.name).trim_end_matches('/').to_owned();
        let size = if matches!(entry.kind, EntryKind::File | EntryKind::Folder) { entry.size } else { 0 };
        names.push(if with_sizes { format!("{name}\t{size}") } else { name });
    }
    Some(names)
}

fn plain<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let plain = |line: &str| match line.split_once('\t') {
        Some((name, size)) => format!("{}\t{size}", name.trim_end_matches('/')),
        None => line.trim_end_matches('/').to_owned(),
    };
    lines.map(plain).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a program writes; `None` when it is missing or fails.
fn run(program: &str, arguments: &[&str], input: &[u8]) -> Option<String> {
    let (inn, out) = (Stdio::piped(), Stdio::piped());
    let command = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .stdin(inn)
        .stdout(out)
        .stderr(Stdio::null())
        .spawn();
    let mut child = command.ok()?;
    // A reader that stops early closes the pipe.
    let _ = child.stdin.take()?.write_all(input);
    let output = child.wait_with_output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn cases() -> Vec<Case> {
    let file = || entry(b"f", b'0', b"x");
    let long = "d/".repeat(120) + "f";
    let pax = |kind, text: &str| entry(b"p", kind, text.as_bytes());
    let sized = |name: &[u8], kind| [header(name, kind, b"00000001000"), vec![0; 512], file()].concat();
    let hidden = || [header(b"outer", b'0', b"00000002000"), entry(b"smuggled", b'0', b"s")].concat();
    let named = |record_name: &str, value: &str, rest: Vec<u8>| [pax(b'x', &record(record_name, value)), rest].concat();
    let sizes_base_256 = [&header(b"b", b'0', &[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3])[..], &padded(b"abc")].concat();
    let cases = [
        ("files", true, [file(), entry(b"d/", b'5', b""), entry(b"d/g", b'0', &[b'y'; 1000])].concat()),
        ("long name of GNU", true, [entry(b"l", b'L', format!("{long}\0").as_bytes()), file()].concat()),
        ("long name of PAX", true, named("path", &long, file())),
        ("size of PAX over ustar", true, named("size", "0", [hidden(), file()].concat())),
        (
            "larger size of PAX",
            true,
            named("size", "1536", [header(b"o", b'0', b"00000000000"), hidden(), file()].concat()),
        ),
        ("size in base 256", true, [sizes_base_256, file()].concat()),
        ("hard link with a size", true, [header(b"l", b'1', b"00000001000"), file()].concat()),
        ("symbolic link with a size", false, sized(b"l", b'2')),
        ("folder with a size", false, sized(b"d", b'5')),
        ("folder by its slash with a size", true, sized(b"d/", b'0')),
        ("old folder by its slash with a size", false, sized(b"d/", 0)),
        ("pipe with a size", false, sized(b"p", b'6')),
        ("device with a size", false, sized(b"c", b'3')),
        ("global name", false, [pax(b'g', &record("path", "other")), file(), entry(b"g", b'0', b"")].concat()),
        ("global size", false, [pax(b'g', &record("size", "0")), file(), entry(b"g", b'0', b"")].concat()),
        ("extended header of Solaris", false, [pax(b'X', &record("path", "other")), file()].concat()),
        ("two extended headers", false, [pax(b'x', &record("path", "a")), named("size", "1", file())].concat()),
        ("two long names", false, named("path", "a", [entry(b"l", b'L', b"b\0"), file()].concat())),
        ("two long names, the other way", false, [entry(b"l", b'L', b"b\0"), named("path", "a", file())].concat()),
        ("record given twice", true, [pax(b'x', &(record("path", "a") + &record("path", "b"))), file()].concat()),
        ("malformed record", false, [pax(b'x', "8 path=a\n"), file()].concat()),
        ("size with a sign", false, named("size", "+1", file())),
        ("negative size", false, named("size", "-1", file())),
        ("blank inside a number", false, [header(b"s", b'0', b"0000 0001000"), vec![0; 512], file()].concat()),
        ("unknown kind with content", true, [entry(b"v", b'V', b""), file()].concat()),
        ("doubles", true, [file(), file()].concat()),
        ("hostile names", true, [entry(b"../../a", b'0', b"x"), entry(b"/etc/b", b'0', b"x")].concat()),
        ("one block of zeros", false, [file(), vec![0; 512], file()].concat()),
        ("more behind the end", true, [file(), vec![0; 1024], entry(b"g", b'0', b"")].concat()),
        ("wrong checksum", false, [file(), header(b"g", b'0', b"00000000000").split_off(1), vec![0], file()].concat()),
    ];
    let ended = |(name, plain, mut bytes): (_, _, Vec<u8>)| {
        bytes.extend([0; 1024]);
        Case { name, bytes, plain }
    };
    cases.into_iter().map(ended).collect()
}

fn header(name: &[u8], kind: u8, size: &[u8]) -> Vec<u8> {
    let mut block = vec![0u8; 512];
    block[..name.len()].copy_from_slice(name);
    for (at, text) in [(100, &b"0000644\0"[..]), (108, b"0000000\0"), (116, b"0000000\0"), (136, b"00000000000\0")] {
        block[at..at + text.len()].copy_from_slice(text);
    }
    block[124..124 + size.len()].copy_from_slice(size);
    block[156] = kind;
    if matches!(kind, b'1' | b'2') {
        block[157..158].copy_from_slice(b"t");
    }
    block[257..265].copy_from_slice(b"ustar\x0000");
    for at in [329, 337] {
        block[at..at + 8].copy_from_slice(b"0000000\0");
    }
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

fn padded(content: &[u8]) -> Vec<u8> {
    let mut bytes = content.to_vec();
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn entry(name: &[u8], kind: u8, content: &[u8]) -> Vec<u8> {
    [header(name, kind, format!("{:011o}", content.len()).as_bytes()), padded(content)].concat()
}

fn record(name: &str, value: &str) -> String {
    let body = format!(" {name}={value}\n");
    let mut length = body.len() + 1;
    while format!("{length}{body}").len() != length {
        length = format!("{length}{body}").len();
    }
    format!("{length}{body}")
}

const PYTHON: &str = r#"
import sys, io, tarfile
for line in sys.stdin:
    try:
        archive = tarfile.open(fileobj=io.BytesIO(bytes.fromhex(line)))
        names = ["%s\t%d" % (entry.name, entry.size if entry.isreg() else 0) for entry in archive]
        print("+" + "\x1f".join(names))
    except Exception:
        print("-")
"#;

const GO: &str = r#"
package main

import (
    "archive/tar"
    "fmt"
    "io"
    "os"
)

func main() {
    reader := tar.NewReader(os.Stdin)
    for {
        header, err := reader.Next()
        if err == io.EOF {
            return
        }
        if err != nil {
            os.Exit(1)
        }
        if header.Typeflag == tar.TypeXGlobalHeader {
            continue
        }
        size := header.Size
        if header.Typeflag != tar.TypeReg {
            size = 0
        }
        fmt.Printf("%s\t%d\n", header.Name, size)
    }
}
"#;
