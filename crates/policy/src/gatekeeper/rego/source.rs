//! Looks over the text of a Rego module before it is parsed: bounds its nesting, and writes two things that OPA
//! reads out in full for a parser that reads them otherwise.
//!
//! - `(` on a new line starts an expression; it does not call what stands on the line before.
//! - A rule of a set may have several bodies, `rule[x] { … } { … }`; each becomes a rule of its own.
//!
//! Line numbers stay as they are, so that errors name the lines of the template.

/// Why a module is not even parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SourceError {
    /// Brackets are nested too deep.
    #[error("line {line}: brackets are nested deeper than {NESTING_MAX} levels")]
    Nesting {
        /// Where.
        line: u32,
    },
    /// Braces are nested too deep.
    #[error("line {line}: braces are nested deeper than {BRACES_MAX} levels")]
    Braces {
        /// Where.
        line: u32,
    },
    /// An expression has too many operators.
    #[error("line {line}: an expression has more than {OPERATORS_MAX} operators")]
    Operators {
        /// Where.
        line: u32,
    },
    /// The module is too long.
    #[error("the module is longer than {BYTES_MAX} bytes")]
    Bytes,
}

/// The text to parse.
pub(super) fn prepare(text: &str) -> Result<String, SourceError> {
    if text.len() > BYTES_MAX {
        return Err(SourceError::Bytes);
    }
    let text = &*without_comments(text);
    let mut out = Writer { text, copied: 0, out: String::with_capacity(text.len() + 64) };
    let mut state = State::default();
    for token in (Lexer { text, at: 0, line: 1 }) {
        state.nest(&token)?;
        state.chain(&token)?;
        if token.text == "(" && token.line > state.line && state.ends_operand {
            out.insert(token.at, ";");
        }
        if state.depth == 1 && token.text == "{" && state.previous_closed_body() {
            let head = state.head.clone();
            out.insert(token.at, " ");
            out.repeat(head);
            out.insert(token.at, " ");
        }
        state.step(&token, text);
    }
    Ok(out.finish())
}

/// The text with blanks in place of comments, so that whoever looks for a bracket finds a bracket.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let blank = |gap: &str, out: &mut String| {
        out.extend(gap.bytes().map(|byte| if matches!(byte, b'\n' | b'\r' | b'\t') { char::from(byte) } else { ' ' }));
    };
    let mut end = 0;
    for token in (Lexer { text, at: 0, line: 1 }) {
        blank(text.get(end..token.at).unwrap_or(""), &mut out);
        out.push_str(token.text);
        end = token.at + token.text.len();
    }
    blank(text.get(end..).unwrap_or(""), &mut out);
    out
}

/// Where in a rule the reader is.
#[derive(Debug, Default)]
struct State {
    /// Open brackets of all kinds.
    depth: usize,
    braces: usize,
    /// Operators since an expression began.
    operators: usize,
    line: u32,
    /// Whether the last token ends an operand, so that a `(` behind it would be a call.
    ends_operand: bool,
    /// Bytes of the head of the rule, from its name to the brace of its first body.
    head: std::ops::Range<usize>,
    in_head: bool,
    /// The rule is one of a set and has neither value nor `else`.
    set_rule: bool,
    closed_body: bool,
    brackets_in_head: bool,
}

impl State {
    fn nest(&mut self, token: &Token<'_>) -> Result<(), SourceError> {
        match token.text {
            "(" | "[" | "{" => self.depth += 1,
            ")" | "]" | "}" => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        match token.text {
            "{" => self.braces += 1,
            "}" => self.braces = self.braces.saturating_sub(1),
            _ => {}
        }
        if self.braces > BRACES_MAX {
            return Err(SourceError::Braces { line: token.line });
        }
        if self.depth > NESTING_MAX {
            return Err(SourceError::Nesting { line: token.line });
        }
        Ok(())
    }

    /// Operators make the syntax tree deep without any bracket.
    fn chain(&mut self, token: &Token<'_>) -> Result<(), SourceError> {
        let next_statement = token.line > self.line && self.ends_operand && token.is_word();
        match token.text {
            "," | ";" | "{" | "}" | ":=" | "=" => self.operators = 0,
            _ if next_statement => self.operators = 0,
            "+" | "-" | "*" | "/" | "%" | "|" | "&" | "." | "[" | "==" | "!=" | "<" | ">" | "<=" | ">=" | "in"
            | "not" => self.operators += 1,
            _ => {}
        }
        if self.operators > OPERATORS_MAX { Err(SourceError::Operators { line: token.line }) } else { Ok(()) }
    }

    fn previous_closed_body(&self) -> bool {
        self.closed_body && self.set_rule && !self.in_head
    }

    fn step(&mut self, token: &Token<'_>, text: &str) {
        let opens = matches!(token.text, "(" | "[" | "{");
        let outside = self.depth == usize::from(opens);
        if outside && !self.in_head && token.is_word() {
            // A word outside of all brackets starts a rule.
            self.head = token.at..token.at;
            self.in_head = true;
            self.set_rule = !matches!(token.text, "package" | "import" | "default" | "else");
            self.brackets_in_head = false;
            self.closed_body = false;
        } else if outside && self.in_head {
            match token.text {
                "[" => self.brackets_in_head = true,
                "(" | "=" | ":=" | "if" | "contains" => self.set_rule = false,
                "{" if self.brackets_in_head => {
                    self.head.end = text.get(..token.at).map_or(self.head.start, str::len);
                    self.in_head = false;
                }
                "{" => self.set_rule = false,
                _ => {}
            }
        }
        if token.text == "}" && self.depth == 0 {
            self.closed_body = self.set_rule && !self.in_head;
            self.in_head = false;
        } else if self.depth == 0 && !token.is_word() {
            self.closed_body = false;
        }
        self.ends_operand = matches!(token.text, ")" | "]" | "}")
            || (token.is_word() && !KEYWORDS.contains(&token.text))
            || token.text.starts_with(['"', '`']);
        self.line = token.line;
    }
}

/// Copies the text with insertions.
struct Writer<'t> {
    text: &'t str,
    copied: usize,
    out: String,
}

impl Writer<'_> {
    fn insert(&mut self, at: usize, what: &str) {
        self.out.push_str(self.text.get(self.copied..at).unwrap_or(""));
        self.copied = self.copied.max(at);
        self.out.push_str(what);
    }

    /// Writes a part of the text again, on one line.
    fn repeat(&mut self, part: std::ops::Range<usize>) {
        let part = self.text.get(part).unwrap_or("");
        let mut end = 0;
        for token in (Lexer { text: part, at: 0, line: 1 }) {
            // Comments and line ends become blanks.
            if token.at > end {
                self.out.push(' ');
            }
            self.out.push_str(token.text);
            end = token.at + token.text.len();
        }
    }

    fn finish(mut self) -> String {
        self.out.push_str(self.text.get(self.copied..).unwrap_or(""));
        self.out
    }
}

#[derive(Debug)]
struct Token<'t> {
    text: &'t str,
    at: usize,
    line: u32,
}

impl Token<'_> {
    fn is_word(&self) -> bool {
        self.text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
    }
}

/// Cuts a module into words, texts and single characters; blanks and comments fall away.
struct Lexer<'t> {
    text: &'t str,
    at: usize,
    line: u32,
}

impl<'t> Iterator for Lexer<'t> {
    type Item = Token<'t>;

    fn next(&mut self) -> Option<Token<'t>> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at)? {
                b'\n' => {
                    self.line += 1;
                    self.at += 1;
                }
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'#' => {
                    while bytes.get(self.at).is_some_and(|byte| *byte != b'\n') {
                        self.at += 1;
                    }
                }
                _ => break,
            }
        }
        let (start, line) = (self.at, self.line);
        match bytes.get(start)? {
            b'"' => self.quoted(b'"', true),
            b'`' => self.quoted(b'`', false),
            byte if byte.is_ascii_alphanumeric() || *byte == b'_' => {
                while bytes.get(self.at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
                    self.at += 1;
                }
            }
            b':' if bytes.get(start + 1) == Some(&b'=') => self.at += 2,
            b'=' | b'!' | b'<' | b'>' if bytes.get(start + 1) == Some(&b'=') => self.at += 2,
            _ => {
                self.at += 1;
                while !self.text.is_char_boundary(self.at) {
                    self.at += 1;
                }
            }
        }
        Some(Token { text: self.text.get(start..self.at).unwrap_or(""), at: start, line })
    }
}

impl Lexer<'_> {
    fn quoted(&mut self, quote: u8, escapes: bool) {
        let bytes = self.text.as_bytes();
        self.at += 1;
        while let Some(byte) = bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'\n' => self.line += 1,
                b'\\' if escapes => {
                    self.at += 1;
                    // The escaped character may have several bytes.
                    while !self.text.is_char_boundary(self.at.min(bytes.len())) {
                        self.at += 1;
                    }
                    self.at = self.at.min(bytes.len());
                }
                byte if *byte == quote => return,
                _ => {}
            }
        }
    }
}

/// Words behind which a `(` is no call.
const KEYWORDS: [&str; 12] =
    ["not", "in", "if", "as", "with", "else", "some", "every", "default", "import", "package", "contains"];

/// Bytes of a module. The longest template that is published has 20 KiB; etcd stores at most 1.5 MiB.
pub(super) const BYTES_MAX: usize = 256 << 10;

/// Open brackets. The parser's own limit for expressions is 32.
const NESTING_MAX: usize = 30;

/// Operators of one expression. Each is a level of the syntax tree; expressions of published templates have at most
/// ten.
const OPERATORS_MAX: usize = 50;

/// Open braces. A brace may start a set, an object or a comprehension, and the parser tries one after the other, so
/// its time triples with each level; eight levels are a few milliseconds and twice what templates need.
const BRACES_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parenthesis_on_a_new_line_is_no_call() {
        assert_eq!(prepare("f(x) {\n  x.y\n  (x.z - 1) > 2\n}").unwrap(), "f(x) {\n  x.y\n  ;(x.z - 1) > 2\n}");
        for same in ["f(x) { g(\n (1)) }", "p { x := \n (1) }", "p { \"(\"; `\n(`\n}"] {
            assert_eq!(prepare(same).unwrap(), same);
        }
    }

    #[test]
    fn comments_become_blanks() {
        assert_eq!(prepare("p { # é (\n x } # {").unwrap(), "p {       \n x }    ");
        assert_eq!(prepare("p { x := \"#\" }").unwrap(), "p { x := \"#\" }");
    }

    #[test]
    fn bodies_of_a_rule_of_a_set_become_rules() {
        assert_eq!(prepare("v[x] { a } { b }\nw { c }").unwrap(), "v[x] { a }  v[x] { b }\nw { c }");
        for same in ["f(x) = y { a } { b }", "p = {\"a\": 1} { b }", "v[x] { a } w[x] { b }", "v[x] { a[{1}] }"] {
            assert_eq!(prepare(same).unwrap(), same);
        }
    }

    #[test]
    fn nesting_is_bounded_before_the_parser_sees_it() {
        assert_eq!(prepare(&"{".repeat(9)), Err(SourceError::Braces { line: 1 }));
        assert_eq!(prepare(&format!("\n{}", "[".repeat(31))), Err(SourceError::Nesting { line: 2 }));
        assert_eq!(prepare(&"\"{".repeat(9)), Ok("\"{".repeat(9)));
        assert_eq!(prepare(&" ".repeat(BYTES_MAX + 1)), Err(SourceError::Bytes));
    }
}
