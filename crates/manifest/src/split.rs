//! Where documents start, and what a document may hold at all.

use memchr::{memchr, memmem};

/// Length of the first chunk: up to the next separator line that has content before it.
///
/// `kubectl` splits at lines that start with `---`, followed by white space or a comment only. The
/// YAML library behind it and behind kube-apiserver also takes a lone carriage return for a line end.
pub(crate) fn chunk_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    // The separator that opens this chunk belongs to it.
    let mut from = if is_separator(text, 0) { 3 } else { 0 };
    while let Some(at) = next_dashes(bytes, from) {
        // Directives (`%YAML`) stand before the separator of the document that they are for.
        if is_separator(text, at) && !only_directives(&text[..at]) {
            return at;
        }
        from = at + 2;
    }
    text.len()
}

/// A place between two documents, at least `bytes_min` bytes on, found without a look at most of the
/// text before it.
///
/// Of two separators the second always starts a chunk: what stands before it, the first included, is
/// more than directives. A carriage return ends no line there, so the first must follow a line feed.
pub(crate) fn boundary_after(text: &str, bytes_min: usize) -> usize {
    let mut from = bytes_min.max(1);
    let mut one = false;
    while from < text.len() {
        let Some(at) = next_dashes(text.as_bytes(), from) else { break };
        if is_separator(text, at) {
            if one {
                return at;
            }
            one = text.as_bytes()[at - 1] == b'\n';
        }
        from = at + 2;
    }
    text.len()
}

/// The next `---` at the start of a line.
fn next_dashes(bytes: &[u8], from: usize) -> Option<usize> {
    memmem::find_iter(&bytes[from..], b"---")
        .map(|at| from + at)
        .find(|at| at.checked_sub(1).is_some_and(|before| matches!(bytes[before], b'\n' | b'\r')))
}

fn is_separator(text: &str, at: usize) -> bool {
    let Some(rest) = text[at..].strip_prefix("---") else { return false };
    match rest.as_bytes().first() {
        None | Some(b' ' | b'\t' | b'\r' | b'\n' | b'#') => true,
        Some(byte) if byte.is_ascii() => false,
        // `kubectl` trims all white space that Unicode knows.
        Some(_) => {
            let line = &rest[..memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len())];
            line.trim_start().is_empty() || line.trim_start().starts_with('#')
        }
    }
}

/// Length of the opening line when it separates documents for `kubectl`, but is text to YAML: such as
/// `---# comment`.
pub(crate) fn odd_separator(chunk: &str) -> usize {
    match chunk.as_bytes().get(3) {
        None | Some(b' ' | b'\t' | b'\r' | b'\n') => 0,
        Some(_) if is_separator(chunk, 0) => memchr(b'\n', chunk.as_bytes()).map_or(chunk.len(), |at| at + 1),
        Some(_) => 0,
    }
}

fn only_directives(text: &str) -> bool {
    let mut directive = false;
    for line in text.lines() {
        match line.trim_start_matches('\u{feff}').as_bytes().first() {
            Some(b'%') => directive = true,
            None | Some(b'#') => {}
            Some(_) => return false,
        }
    }
    directive
}

/// Whether there is anything but white space, comments and separators.
pub(crate) fn has_content(text: &str) -> bool {
    // A comment may end at line breaks other than these; only ASCII text is judged line by line.
    text.lines().any(|line| {
        let bare = line.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\u{feff}');
        let comment = bare.starts_with('#') || bare.starts_with("--- #");
        !(bare.is_empty() || bare == "---" || bare == "..." || comment && bare.is_ascii() && !bare.contains('\r'))
    })
}

/// Lines that end in a text: at line feeds, and at carriage returns without one.
pub(crate) fn newlines(text: &str) -> u32 {
    let bytes = text.as_bytes();
    let feeds = memchr::memchr_iter(b'\n', bytes).count();
    let lone = memchr::memchr_iter(b'\r', bytes).filter(|at| bytes.get(at + 1) != Some(&b'\n')).count();
    (feeds + lone) as u32
}

/// The first character that makes the server's YAML library refuse a document: a control character
/// other than tab and line breaks, or U+FFFE and U+FFFF.
pub(crate) fn forbidden(text: &str) -> Option<usize> {
    // Most text needs no second look.
    let plain = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n' | b'\t' | b'\r' | 0x80..=0xc1 | 0xc3..=0xee | 0xf0..);
    let mut from = 0;
    while let Some(found) = text.as_bytes()[from..].iter().position(|byte| !plain(byte)) {
        let at = from + found;
        let bad = match text.as_bytes()[at] {
            0..=0x7f => true,
            0xc2 => text.as_bytes().get(at + 1).is_some_and(|next| (0x80..0xa0).contains(next) && *next != 0x85),
            0xef => text[at..].starts_with(['\u{fffe}', '\u{ffff}']),
            _ => false,
        };
        if bad {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boundary_found_from_the_middle_is_one_found_from_the_start() {
        let parts = ["---\n", "%YAML 1.1\n", "# c\n", "a: 1\n", "\r", "\n", "---\r", "--- x\n", "----\n", "b: é ---\n"];
        let mut state = 7_usize;
        for _ in 0..500 {
            let mut text = String::new();
            for _ in 0..24 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                text.push_str(parts[(state >> 33) % parts.len()]);
            }
            let mut boundaries = vec![0];
            while let Some(at) = boundaries.last().copied().filter(|at| *at < text.len()) {
                boundaries.push(at + chunk_length(&text[at..]));
            }
            for from in 0..text.len() {
                let found = boundary_after(&text, from);
                assert!(boundaries.contains(&found) && found >= from, "{from} {found} {boundaries:?} {text:?}");
            }
        }
    }
}
