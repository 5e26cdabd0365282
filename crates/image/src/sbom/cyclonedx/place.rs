//! Where in the text of a document something stands.

/// Line and column, both from 1, of the value that a JSON pointer (RFC 6901) names. Columns count characters. `None`
/// where the text has no such value.
pub fn locate(text: &str, pointer: &str) -> Option<(u32, u32)> {
    let mut scanner = Scanner { bytes: text.as_bytes(), at: 0 };
    for token in pointer.split('/').skip(1) {
        scanner.enter(&token.replace("~1", "/").replace("~0", "~"))?;
    }
    scanner.blanks();
    let before = text.get(..scanner.at)?;
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Some((line.try_into().ok()?, column.try_into().ok()?))
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// From the start of a value to the start of what lies in it under a name or an index.
    fn enter(&mut self, token: &str) -> Option<()> {
        self.blanks();
        let object = match self.peek()? {
            b'{' => true,
            b'[' => false,
            _ => return None,
        };
        self.at += 1;
        let mut left: usize = if object { 0 } else { token.parse().ok()? };
        loop {
            self.blanks();
            if object {
                let start = self.at;
                self.string()?;
                let name: String = serde_json::from_slice(self.bytes.get(start..self.at)?).ok()?;
                self.blanks();
                self.at += 1;
                if name == token {
                    return Some(());
                }
            } else if left == 0 {
                return (self.peek()? != b']').then_some(());
            }
            self.value()?;
            left = left.saturating_sub(1);
            self.blanks();
            if self.peek()? != b',' {
                return None;
            }
            self.at += 1;
        }
    }

    /// Over a value, however deep, without recursion.
    fn value(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => self.string()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' if depth == 0 => return Some(()),
                b'}' | b']' => {
                    depth -= 1;
                    self.at += 1;
                }
                b',' if depth == 0 => return Some(()),
                _ => self.at += 1,
            }
        }
    }

    fn string(&mut self) -> Option<()> {
        if self.peek()? != b'"' {
            return None;
        }
        self.at += 1;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::locate;

    #[test]
    fn values_are_found_where_they_stand() {
        let text = "{\n  \"a\\\"/b\": [1, {\"é\": \"x\", \"c\": {}}],\n  \"d\": true\n}";
        for (pointer, expected) in [
            ("", Some((1, 1))),
            ("/a\"~1b", Some((2, 12))),
            ("/a\"~1b/1/c", Some((2, 32))),
            ("/d", Some((3, 8))),
            ("/e", None),
            ("/d/0", None),
            ("/a\"~1b/2", None),
            ("/a\"~1b/x", None),
        ] {
            assert_eq!(locate(text, pointer), expected, "{pointer}");
        }
        assert_eq!(locate("{\"a\": [", "/a/0"), None);
    }
}
