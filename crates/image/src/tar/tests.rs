use super::*;

/// A header with the checksum filled in.
fn header(name: &str, kind: u8, size: &str) -> Vec<u8> {
    let mut block = vec![0u8; BLOCK];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[100..107].copy_from_slice(b"0000644");
    block[124..124 + size.len()].copy_from_slice(size.as_bytes());
    block[156] = kind;
    block[257..263].copy_from_slice(b"ustar\0");
    checksum(&mut block);
    block
}

fn checksum(block: &mut [u8]) {
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
}

fn entry(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = header(name, kind, &format!("{:011o}", content.len()));
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    bytes
}

fn record(name: &str, value: &str) -> String {
    let body = format!(" {name}={value}\n");
    let mut length = body.len() + 1;
    while format!("{length}{body}").len() != length {
        length = format!("{length}{body}").len();
    }
    format!("{length}{body}")
}

/// Names and contents, or the error.
fn list(bytes: &[u8]) -> Result<Vec<(String, String)>, TarError> {
    let mut archive = Archive::new(bytes);
    let mut found = Vec::new();
    while let Some(entry) = archive.next_entry()? {
        let mut content = Vec::new();
        loop {
            let piece = archive.chunk()?;
            if piece.is_empty() {
                break;
            }
            content.extend_from_slice(piece);
        }
        found.push((String::from_utf8_lossy(&entry.name).into_owned(), String::from_utf8_lossy(&content).into_owned()));
    }
    Ok(found)
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, content)| (name.to_string(), content.to_string())).collect()
}

#[test]
fn files_are_read_with_and_without_end_blocks() {
    let mut bytes = [entry("a", b'0', b"one"), entry("b/", b'5', b""), entry("b/c", b'0', &[b'x'; 600])].concat();
    let expect = pairs(&[("a", "one"), ("b/", ""), ("b/c", &"x".repeat(600))]);
    assert_eq!(list(&bytes).unwrap(), expect);
    bytes.extend([0; 1024]);
    bytes.extend(entry("after the end", b'0', b"x"));
    assert_eq!(list(&bytes).unwrap(), expect);
}

#[test]
fn extended_headers_give_names_and_sizes() {
    let long = "d/".repeat(100) + "f";
    let pax = record("path", &long) + &record("size", "3");
    let mut file = header("short", b'0', "00000000000");
    file.extend_from_slice(b"abc");
    file.resize(BLOCK * 2, 0);
    let bytes = [entry("pax", b'x', pax.as_bytes()), file, entry("next", b'0', b"n")].concat();
    assert_eq!(list(&bytes).unwrap(), pairs(&[(&long, "abc"), ("next", "n")]));
    let gnu = [entry("././@LongLink", b'L', format!("{long}\0").as_bytes()), entry("x", b'0', b"y")].concat();
    assert_eq!(list(&gnu).unwrap(), pairs(&[(&long, "y")]));
}

#[test]
fn an_entry_cannot_hide_behind_sizes_that_disagree() {
    // The ustar size would skip over the inner header; the PAX size, which counts, does not.
    let inner = entry("smuggled", b'0', b"s");
    let pax = record("size", "0");
    let bytes = [entry("p", b'x', pax.as_bytes()), header("outer", b'0', "00000002000"), inner].concat();
    assert_eq!(list(&bytes).unwrap(), pairs(&[("outer", ""), ("smuggled", "s")]));
}

#[test]
fn hard_links_have_no_content_whatever_their_size_says() {
    let bytes = [header("l", b'1', "00000001000"), entry("f", b'0', b"x")].concat();
    assert_eq!(list(&bytes).unwrap(), pairs(&[("l", ""), ("f", "x")]));
}

#[test]
fn damage_is_an_error_and_never_a_shorter_list() {
    let good = [entry("a", b'0', b"one"), entry("b", b'0', b"two")].concat();
    let mut broken = good.clone();
    broken[BLOCK * 2] ^= 1;
    assert!(matches!(list(&broken), Err(TarError::Checksum(1024))));
    assert!(matches!(list(&good[..BLOCK * 3 + 1]), Err(TarError::Truncated(_))));
    assert!(matches!(list(&good[..BLOCK * 2 + 100]), Err(TarError::Truncated(_))));
    assert!(matches!(list(&header("a", b'0', "9999999999x")), Err(TarError::Number { .. })));
    for bad in ["5 a=b\n", "99999 a=b\n", "x a=b\n", "6 ab\n\n", "18446744073709551615 a=b\n", "12 path=a\0b\n"] {
        let bytes = [entry("p", b'x', bad.as_bytes()), entry("f", b'0', b"")].concat();
        assert!(matches!(list(&bytes), Err(TarError::Pax(_))), "{bad}");
    }
}

#[test]
fn sizes_in_base_256_and_endless_files_are_refused_when_the_bytes_are_missing() {
    let mut block = header("big", b'0', "");
    block[124..136].copy_from_slice(&[0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    checksum(&mut block);
    assert!(matches!(list(&block), Err(TarError::Truncated(_))));
    block[124..136].copy_from_slice(&[0xff; 12]);
    checksum(&mut block);
    assert!(matches!(list(&block), Err(TarError::Number { .. })));
}

#[test]
fn what_readers_take_differently_is_refused() {
    let pax = |records: &str, kind| entry("p", kind, records.as_bytes());
    let file = || entry("f", b'0', b"x");
    let sized = |name, kind| [header(name, kind, "00000001000"), vec![0; BLOCK], file()].concat();
    let cases = [
        // Skipping the content or not shows other entries, and its zeros would end the archive.
        sized("folder/", 0),
        sized("folder", b'5'),
        sized("link", b'2'),
        sized("pipe", b'6'),
        sized("device", b'3'),
        [pax(&record("path", "other"), b'g'), file()].concat(),
        [pax(&record("size", "0"), b'g'), file()].concat(),
        [pax(&record("path", "other"), b'X'), file()].concat(),
        [pax(&record("path", "a"), b'x'), pax(&record("comment", "b"), b'x'), file()].concat(),
        [pax(&record("path", "a"), b'x'), entry("l", b'L', b"b\0"), file()].concat(),
        [entry("l", b'L', b"a\0"), entry("l", b'L', b"b\0"), file()].concat(),
    ];
    for (index, bytes) in cases.iter().enumerate() {
        assert!(matches!(list(bytes), Err(TarError::Ambiguous { .. })), "case {index}: {:?}", list(bytes));
    }
    assert!(matches!(list(&header("a", b'0', "0000 1 2")), Err(TarError::Number { .. })));
    let slash = [header("folder/", b'0', "00000001000"), vec![0; BLOCK], file()].concat();
    assert_eq!(list(&slash).unwrap(), pairs(&[("folder/", &"\0".repeat(BLOCK)), ("f", "x")]));
    let harmless = [pax(&record("comment", "commit"), b'g'), file()].concat();
    assert_eq!(list(&harmless).unwrap(), pairs(&[("f", "x")]));
}

#[test]
fn every_form_of_sparse_files_is_known_as_one() {
    for records in [
        record("GNU.sparse.major", "1") + &record("GNU.sparse.minor", "0"),
        record("GNU.sparse.map", "0,1"),
        record("GNU.sparse.size", "9") + &record("GNU.sparse.numblocks", "0"),
    ] {
        let bytes = [entry("p", b'x', records.as_bytes()), entry("f", b'0', b"x")].concat();
        assert!(Archive::new(&bytes[..]).next_entry().unwrap().unwrap().sparse, "{records}");
    }
}
