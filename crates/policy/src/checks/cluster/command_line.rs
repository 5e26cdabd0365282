//! Command lines of cluster components: words in, flags with their places out.

use std::borrow::Cow;

use model::Location;

/// The flags of one program, in the order in which they are given.
#[derive(Clone, Debug, Default)]
pub struct CommandLine<'d> {
    flags: Vec<Flag<'d>>,
}

/// One flag.
#[derive(Clone, Debug)]
pub struct Flag<'d> {
    /// Name without dashes; underscores are dashes, as the components read them.
    pub name: Cow<'d, str>,
    /// Value as written; `true` for a flag without one.
    pub value: Cow<'d, str>,
    /// Where it stands.
    pub location: Location,
}

// === impl CommandLine ===

impl<'d> CommandLine<'d> {
    /// Reads the words after the program: `--a=b`, `--a b`, `-a`. A word after a flag without `=` is its
    /// value unless it is a flag itself: the components take no other words.
    pub fn parse(words: impl IntoIterator<Item = (Cow<'d, str>, Location)>) -> Self {
        let mut line = CommandLine::default();
        let mut open = false;
        for (word, location) in words {
            match split(&word) {
                Some((name, value)) => {
                    open = value.is_none();
                    line.push(name, value.map_or(Cow::Borrowed("true"), Cow::Owned), location);
                }
                None if open => {
                    open = false;
                    if let Some(flag) = line.flags.last_mut() {
                        flag.value = word;
                        flag.location = location;
                    }
                }
                None => {}
            }
        }
        line
    }

    /// Adds one flag by name, from a configuration that keeps them in a map.
    pub fn push(&mut self, name: impl Into<String>, value: Cow<'d, str>, location: Location) {
        let mut name: String = name.into();
        if name.contains('_') {
            name = name.replace('_', "-");
        }
        self.flags.push(Flag { name: Cow::Owned(name), value, location });
    }

    /// The flag of that name that counts: the last one.
    pub fn last(&self, name: &str) -> Option<&Flag<'d>> {
        self.flags.iter().rev().find(|flag| flag.name == name)
    }

    /// Every flag of that name.
    pub fn all<'c>(&'c self, name: &str) -> impl Iterator<Item = &'c Flag<'d>> {
        self.flags.iter().filter(move |flag| flag.name == name)
    }

    /// Every flag.
    pub fn flags(&self) -> &[Flag<'d>] {
        &self.flags
    }
}

// === impl Flag ===

impl Flag<'_> {
    /// Whether the value is known only when the program starts: it names a variable.
    pub fn opaque(&self) -> bool {
        self.value.contains("$(") || self.value.contains("${") || self.value.starts_with('$')
    }
}

fn split(word: &str) -> Option<(String, Option<String>)> {
    let body = word.strip_prefix("--").or_else(|| word.strip_prefix('-'))?;
    let (name, value) = match body.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (body, None),
    };
    let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    plain.then(|| (name.to_owned(), value))
}

/// The words of a shell script: quotes and escapes are taken off, operators stand alone.
pub fn shell_words(script: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut chars = script.chars();
    let mut end = |word: &mut String| {
        if !word.is_empty() {
            words.push(std::mem::take(word));
        }
    };
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(mark), _) if c == mark => quote = None,
            (Some('\''), _) => word.push(c),
            (None, '\'' | '"') => quote = Some(c),
            (_, '\\') => match chars.next() {
                Some('\n') | None => {}
                Some(escaped) => word.push(escaped),
            },
            (None, ';' | '|' | '&' | '\n' | '>' | '<') => {
                end(&mut word);
                end(&mut String::from(";"));
            }
            (None, c) if c.is_whitespace() => end(&mut word),
            (_, c) => word.push(c),
        }
    }
    end(&mut word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&'static str]) -> Vec<(String, String)> {
        let words = words.iter().map(|word| (Cow::Borrowed(*word), Location::default()));
        let flags = CommandLine::parse(words).flags;
        flags.into_iter().map(|flag| (flag.name.into_owned(), flag.value.into_owned())).collect()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn flags_have_values_after_an_equals_sign_or_a_space_or_none() {
        assert_eq!(
            parse(&["--a=b", "--c", "d", "--e", "-f=1", "--g_h=x=y"]),
            [pair("a", "b"), pair("c", "d"), pair("e", "true"), pair("f", "1"), pair("g-h", "x=y")]
        );
    }

    #[test]
    fn the_last_of_repeated_flags_counts() {
        let words = ["--a=1", "--a=2"].map(|word| (Cow::Borrowed(word), Location::default()));
        let line = CommandLine::parse(words);
        assert_eq!(line.last("a").unwrap().value, "2");
        assert_eq!(line.all("a").count(), 2);
        assert!(line.last("b").is_none());
    }

    #[test]
    fn shell_scripts_are_split_as_a_shell_would() {
        assert_eq!(
            shell_words("exec kube-apiserver --a='x y' \\\n  --b=\"$(C)\" >/dev/null 2>&1; date"),
            ["exec", "kube-apiserver", "--a=x y", "--b=$(C)", ";", "/dev/null", "2", ";", ";", "1", ";", "date"]
        );
    }
}
