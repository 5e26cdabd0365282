//! OCaml: what a switch of opam has installed, and the files of projects that fix its versions or ask for them.

use model::package::{Kind, Need};

use super::document::{LOCK_BYTES_MAX, found, lock_text, locks, shown};
use super::locks::declares;
use super::{Cataloguer, Input, Settings, Sink, Wants};
use crate::facts::Manifest;

/// All of these.
pub static CATALOGUERS: &[Cataloguer] = &[
    Cataloguer {
        name: "opam-switch",
        wants: Wants { path_ends: &[".opam-switch/switch-state"], ..Wants::NOTHING },
        settings: Settings::Both,
        bytes_max: LOCK_BYTES_MAX,
        read: switch,
    },
    Cataloguer {
        name: "opam-locked",
        wants: Wants {
            extensions: &[".locked"],
            filter: |path| path.ends_with(".opam.locked") || path.rsplit('/').next() == Some("opam.locked"),
            ..Wants::NOTHING
        },
        settings: Settings::Sources,
        bytes_max: LOCK_BYTES_MAX,
        read: locked,
    },
    Cataloguer {
        name: "opam-manifest",
        wants: Wants { extensions: &[".opam"], ..Wants::NOTHING },
        settings: Settings::Sources,
        bytes_max: LOCK_BYTES_MAX,
        read: manifest,
    },
];

/// `installed: ["a.1.0" "b.2.0"]`; the first dot ends the name.
fn switch(input: &Input<'_>, sink: &mut Sink) {
    let text = lock_text(input, sink);
    let tokens = tokens(&text, sink);
    let roots: Vec<&str> = field(&tokens, "roots").unwrap_or_default().iter().filter_map(Token::text).collect();
    let Some(installed) = field(&tokens, "installed") else {
        return sink.damage("it has no field `installed`: it is cut off, or another format than its name says");
    };
    for entry in installed.iter().filter_map(Token::text) {
        let (name, version) = entry.split_once('.').unwrap_or((entry, ""));
        found(sink, Kind::Opam, name, version, if roots.contains(&entry) { Need::Direct } else { Need::Unstated });
    }
}

/// `depends: ["a" {= "1.0"} "b" {= "2.0" & with-test}]`.
fn locked(input: &Input<'_>, sink: &mut Sink) {
    locks(Kind::Opam, sink);
    let text = lock_text(input, sink);
    let tokens = tokens(&text, sink);
    let Some(depends) = field(&tokens, "depends") else {
        return sink.damage("it has no field `depends`: it is cut off, or another format than its name says");
    };
    for (name, filter) in requirements(depends) {
        let testing =
            filter.iter().any(|token| matches!(token, Token::Word("with-test" | "with-doc" | "with-dev-setup")));
        found(sink, Kind::Opam, name, exact(filter), if testing { Need::Development } else { Need::Unstated });
    }
}

/// `a.opam` of a project: its own name and version, and what it asks for.
fn manifest(input: &Input<'_>, sink: &mut Sink) {
    let text = lock_text(input, sink);
    let tokens = tokens(&text, sink);
    let file = input.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".opam");
    let single = |key: &str| field(&tokens, key).and_then(|value| value.first()?.text());
    let name = single("name").unwrap_or(file);
    if let Some(version) = single("version") {
        found(sink, Kind::Opam, name, version, Need::Unstated);
    }
    let (mut needs, mut open): (Vec<Box<str>>, Vec<Box<str>>) = Default::default();
    for (name, filter) in requirements(field(&tokens, "depends").unwrap_or_default()) {
        needs.push(name.into());
        match exact(filter) {
            "" => open.push(name.into()),
            version => found(sink, Kind::Opam, name, version, Need::Direct),
        }
    }
    declares(Manifest { kind: Kind::Opam, name: name.into(), needs, open, lockable: true }, sink);
}

/// The version that a filter fixes; empty where it fixes none, or one of several.
fn exact<'a>(filter: &[Token<'a>]) -> &'a str {
    let many = filter.iter().any(|token| matches!(token, Token::Mark('|')));
    let mut pairs = filter.windows(2).enumerate().filter(|(at, _)| {
        // `>=` and `!=` are no `=`.
        !matches!(at.checked_sub(1).and_then(|before| filter.get(before)), Some(Token::Mark('<' | '>' | '!')))
    });
    let version = pairs.find_map(|(_, pair)| match pair {
        [Token::Mark('='), Token::Text(version)] => Some(*version),
        _ => None,
    });
    version.filter(|_| !many).unwrap_or_default()
}

/// Names of a list of packages, each with the tokens of the filter behind it.
fn requirements<'t, 'a>(list: &'t [Token<'a>]) -> Vec<(&'a str, &'t [Token<'a>])> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(token) = list.get(at) {
        at += 1;
        let Some(name) = token.text() else { continue };
        let rest = list.get(at..).unwrap_or_default();
        let filter = match rest.first() {
            Some(Token::Mark('{')) => rest.get(..close(rest)).unwrap_or_default(),
            _ => &[],
        };
        at += filter.len();
        found.push((name, filter));
    }
    found
}

/// Where the bracket that the tokens begin with is closed, or their end.
fn close(tokens: &[Token<'_>]) -> usize {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Mark('{' | '[' | '(') => depth += 1,
            Token::Mark('}' | ']' | ')') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

/// The value of a field: the content of its list, or one token.
fn field<'t, 'a>(tokens: &'t [Token<'a>], name: &str) -> Option<&'t [Token<'a>]> {
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let rest = tokens.get(at..).unwrap_or_default();
        match (token, tokens.get(at + 1)) {
            (Token::Word(key), Some(Token::Mark(':'))) if *key == name => {
                let value = rest.get(2..)?;
                return match value.first()? {
                    Token::Mark('[') => value.get(1..close(value).max(1)),
                    _ => value.get(..1),
                };
            }
            // Fields of sections and lists are not those of the file.
            (Token::Mark('{' | '[' | '('), _) => at += close(rest),
            _ => at += 1,
        }
    }
    None
}

#[derive(Clone, Copy, Debug)]
enum Token<'a> {
    Text(&'a str),
    Word(&'a str),
    Mark(char),
}

impl<'a> Token<'a> {
    fn text(&self) -> Option<&'a str> {
        match self {
            Token::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Texts, words and marks; what is not closed is damage.
fn tokens<'a>(text: &'a str, sink: &mut Sink) -> Vec<Token<'a>> {
    let (mut found, mut depth) = (Vec::new(), 0i64);
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        rest = if first == '#' {
            after.split_once('\n').map_or("", |(_, next)| next)
        } else if rest.starts_with("(*") {
            let end = after.split_once("*)");
            if end.is_none() {
                sink.damage("a comment is not closed; what follows was not read");
            }
            end.map_or("", |(_, next)| next)
        } else if first == '"' {
            let (long, end) = if rest.starts_with("\"\"\"") { (2, "\"\"\"") } else { (0, "\"") };
            let inner = after.get(long..).unwrap_or_default();
            let Some(at) = end_of_text(inner, end) else {
                sink.damage(format!("the text {} is not closed; what follows was not read", shown(rest)));
                break;
            };
            found.push(Token::Text(inner.get(..at).unwrap_or_default()));
            inner.get(at + end.len()..).unwrap_or_default()
        } else if is_word(first) {
            let at = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            found.push(Token::Word(rest.get(..at).unwrap_or_default()));
            rest.get(at..).unwrap_or_default()
        } else {
            depth += i64::from(matches!(first, '[' | '{' | '(')) - i64::from(matches!(first, ']' | '}' | ')'));
            found.push(Token::Mark(first));
            after
        }
        .trim_start();
    }
    if depth != 0 {
        sink.damage("brackets are not closed: it is cut off");
    }
    found
}

fn end_of_text(text: &str, end: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let ends = !escaped && text.get(at..).is_some_and(|rest| rest.starts_with(end));
        escaped = c == '\\' && !escaped;
        ends.then_some(at)
    })
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '.')
}

#[cfg(test)]
mod tests {
    use super::{locked, manifest, switch};
    use crate::catalog::listed;

    #[test]
    fn a_switch_tells_what_is_installed() {
        let text = b"opam-version: \"2.0\"\ncompiler: [\"ocaml.5.1.0\"]\nroots: [\"dune.3.10.0\"]\n\
            installed: [\n  \"dune.3.10.0\"\n  \"ocaml.5.1.0\" # why\n]\n";
        let path = "root/.opam/default/.opam-switch/switch-state";
        assert_eq!(listed(switch, path, text), ["dune 3.10.0", "ocaml 5.1.0"]);
        for (text, expected) in [
            ("", "empty"),
            ("opam-version: \"2.0\"", "no field `installed`"),
            ("installed: [\"a.1\"", "not closed"),
            ("installed: [\"a.1\" \"b", "not closed"),
            ("installed: [\"a\"]", "no version"),
        ] {
            let found = listed(switch, path, text.as_bytes());
            assert!(found.iter().any(|line| line.contains(expected)), "{text} {found:?}");
        }
    }

    #[test]
    fn locked_versions_are_those_of_equal_signs() {
        let text = b"name: \"x\"\ndepends: [\n \"a\" {= \"1.0\" & with-test}\n \"b\" {build & = \"2.0\"}\n]\n\
            build: [[\"dune\" \"build\"]]\npin-depends: [[\"c.dev\" \"git+https://h/c\"]]\n";
        assert_eq!(listed(locked, "x.opam.locked", text), ["a 1.0", "b 2.0"]);
        for filter in ["{>= \"1.0\"}", "{= \"1.0\" | = \"2.0\"}", ""] {
            let found = listed(locked, "x.opam.locked", format!("depends: [\"a\" {filter}]").as_bytes());
            assert!(found.len() == 1 && found[0].contains("no version"), "{filter} {found:?}");
        }
        let text = b"version: \"3\"\ndepends: [\"a\" {= \"1\"} \"b\"]";
        assert_eq!(listed(manifest, "x.opam", text), ["x 3", "a 1"]);
    }
}
