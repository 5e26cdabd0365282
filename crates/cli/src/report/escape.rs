//! Foreign strings made harmless for the place they are printed in.
//!
//! A manifest is written by whoever opened the pull request. Its names, values and lines reach terminals,
//! browsers, build servers and code hosts, so each place has one wrapper here and prints through it.

use std::fmt::{self, Display, Formatter, Write};

/// For a terminal: control characters and invisible or direction-changing ones become `\u{…}`.
pub(crate) struct Shown<'a>(pub(crate) &'a str);

/// For HTML text and quoted attribute values.
pub(crate) struct Html<'a>(pub(crate) &'a str);

/// For XML 1.0 text and quoted attribute values; characters that XML cannot hold become `\u{…}`.
pub(crate) struct Xml<'a>(pub(crate) &'a str);

/// For running Markdown text and table cells, where nothing may become markup, a link or a mention.
pub(crate) struct Markdown<'a>(pub(crate) &'a str);

/// For a Markdown code span in a table cell.
pub(crate) struct Code<'a>(pub(crate) &'a str);

/// For the path of a relative link: everything but unreserved characters and `/` percent-encoded.
pub(crate) struct Link<'a>(pub(crate) &'a str);

/// Whether a character can move the cursor, hide itself or reorder its neighbours.
pub(crate) fn hostile(c: char) -> bool {
    c.is_control() || (!c.is_ascii() && invisible(c))
}

fn invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Copies `text`, handing each character that `special` selects to `replace`; runs are written whole.
fn rewrite(
    f: &mut Formatter<'_>,
    text: &str,
    special: impl Fn(char) -> bool,
    replace: impl Fn(&mut Formatter<'_>, char) -> fmt::Result,
) -> fmt::Result {
    let mut done = 0;
    for (at, c) in text.char_indices() {
        if special(c) {
            f.write_str(text.get(done..at).unwrap_or(""))?;
            replace(f, c)?;
            done = at + c.len_utf8();
        }
    }
    f.write_str(text.get(done..).unwrap_or(""))
}

fn spelled(f: &mut Formatter<'_>, c: char) -> fmt::Result {
    write!(f, "\\u{{{:x}}}", u32::from(c))
}

// === impl Shown ===

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        rewrite(f, self.0, hostile, spelled)
    }
}

// === impl Html ===

impl Display for Html<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let special = |c| matches!(c, '&' | '<' | '>' | '"' | '\'' | '`') || (c != '\n' && hostile(c));
        rewrite(f, self.0, special, markup)
    }
}

// === impl Xml ===

impl Display for Xml<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let special =
            |c| matches!(c, '&' | '<' | '>' | '"' | '\'' | '\u{fffe}' | '\u{ffff}') || (c != '\n' && hostile(c));
        rewrite(f, self.0, special, markup)
    }
}

fn markup(f: &mut Formatter<'_>, c: char) -> fmt::Result {
    match c {
        '&' => f.write_str("&amp;"),
        '<' => f.write_str("&lt;"),
        '>' => f.write_str("&gt;"),
        '"' => f.write_str("&quot;"),
        '\'' => f.write_str("&#39;"),
        '`' => f.write_str("&#96;"),
        '\t' => f.write_str("    "),
        c => spelled(f, c),
    }
}

// === impl Markdown ===

impl Display for Markdown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let special =
            |c: char| c.is_ascii_punctuation() && !matches!(c, '.' | ',' | '-' | '/' | '%' | '\'') || hostile(c);
        rewrite(f, self.0, special, |f, c| match c {
            // Entities where a backslash is not enough: mentions, issue links, raw HTML, bare addresses.
            '&' | '<' | '>' | '@' | '#' | ':' | '|' => write!(f, "&#{};", u32::from(c)),
            '\n' | '\t' => f.write_char(' '),
            c if hostile(c) => write!(f, "\\\\u{:x}", u32::from(c)),
            c => write!(f, "\\{c}"),
        })
    }
}

// === impl Code ===

impl Display for Code<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("<code>")?;
        Display::fmt(&Markdown(self.0), f)?;
        f.write_str("</code>")
    }
}

// === impl Link ===

impl Display for Link<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                    f.write_char(char::from(byte))?;
                }
                _ => write!(f, "%{byte:02X}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_no_escape_sequence_and_no_reordering() {
        assert_eq!(Shown("a\u{1b}[31mb\u{202e}c\r\n\u{9b}").to_string(), "a\\u{1b}[31mb\\u{202e}c\\u{d}\\u{a}\\u{9b}");
        assert_eq!(Shown("größe 日本").to_string(), "größe 日本");
    }

    #[test]
    fn markup_never_leaves_its_text() {
        assert_eq!(
            Html("</script><img a='b' c=\"d\">").to_string(),
            "&lt;/script&gt;&lt;img a=&#39;b&#39; c=&quot;d&quot;&gt;"
        );
        assert_eq!(Xml("]]>\u{0}\u{ffff}").to_string(), "]]&gt;\\u{0}\\u{ffff}");
    }

    #[test]
    fn markdown_stays_text_in_its_cell() {
        let text = Markdown("a|b`c`<b>[x](http://y) @all #1\n*z*").to_string();
        for forbidden in ["|", "<b>", "@", " #1", "://", "\n"] {
            assert!(!text.contains(forbidden), "{forbidden} in {text}");
        }
        assert!(text.contains("\\`c\\`") && text.contains("\\[x\\]\\("));
    }

    #[test]
    fn links_are_percent_encoded() {
        assert_eq!(Link("a b/ü)(javascript:x").to_string(), "a%20b/%C3%BC%29%28javascript%3Ax");
    }
}
