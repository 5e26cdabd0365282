//! `WWW-Authenticate`: what a registry wants to see (RFC 9110 § 11.6.1).

/// One challenge: its scheme in lower case and its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// `bearer`, `basic`.
    pub scheme: String,
    /// Names in lower case with values.
    pub parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The challenges of one header, as many as can be read from its beginning.
    pub fn read(header: &str) -> Vec<Self> {
        let mut challenges: Vec<Challenge> = Vec::new();
        let mut rest = header.get(..HEADER_BYTES_MAX).unwrap_or(header);
        if header.len() > HEADER_BYTES_MAX && rest.len() == header.len() {
            return challenges;
        }
        loop {
            rest = rest.trim_start_matches([' ', '\t', ',']);
            let Some((word, after)) = token(rest) else { return challenges };
            let blank = after.trim_start_matches([' ', '\t']);
            match (blank.strip_prefix('='), challenges.last_mut()) {
                (Some(value), Some(challenge)) => {
                    let Some((value, after)) = parameter(value.trim_start_matches([' ', '\t'])) else {
                        return challenges;
                    };
                    challenge.parameters.push((word.to_ascii_lowercase(), value));
                    rest = after;
                }
                (Some(_), None) => return challenges,
                (None, _) => {
                    challenges.push(Challenge { scheme: word.to_ascii_lowercase(), parameters: Vec::new() });
                    rest = after;
                }
            }
        }
    }

    /// The value of a parameter; `None` where it is missing or stands twice.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut found = self.parameters.iter().filter(|(own, _)| own == name);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }
}

fn token(text: &str) -> Option<(&str, &str)> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let end = text.bytes().position(|byte| !plain(byte)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// A token or a quoted text.
fn parameter(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        return token(text).map(|(value, rest)| (value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((value, quoted.get(at + 1..)?)),
            '\\' => value.push(chars.next()?.1),
            char if char.is_control() => return None,
            char => value.push(char),
        }
    }
    None
}

/// Those of real registries are below 1 KiB.
const HEADER_BYTES_MAX: usize = 8 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read_as_the_standard_says() {
        let read = Challenge::read(
            r#"Basic realm="a, \"b\"", BEARER  realm = "https://auth.example/token",service=reg.example,scope="a:b:pull,push""#,
        );
        assert_eq!(read.len(), 2);
        assert_eq!(read[0].parameter("realm"), Some("a, \"b\""));
        assert_eq!((read[1].scheme.as_str(), read[1].parameter("service")), ("bearer", Some("reg.example")));
        assert_eq!(read[1].parameter("scope"), Some("a:b:pull,push"));
        let twice = Challenge::read(r#"Bearer realm="https://a.example", realm="https://b.example""#);
        assert_eq!(twice[0].parameter("realm"), None);
        for odd in ["", "=", "Bearer realm=\"x", "Bearer realm=", "\"", "Bearer realm=\"x\\", &"a ".repeat(9000)] {
            for challenge in Challenge::read(odd) {
                assert_eq!(challenge.parameter("realm"), None, "{odd}");
            }
        }
    }
}
