//! The grammar of Containerfiles as BuildKit reads it: continuation lines, parser directives, here-documents, the JSON
//! form, flags, stages.

/// A file as its stages and what stands before them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Containerfile {
    /// `ARG` instructions before the first stage.
    pub globals: Vec<Instruction>,
    /// Stages in order; the last one becomes the image.
    pub stages: Vec<Stage>,
}

/// From one `FROM` to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// The base as written, without flags.
    pub base: Box<str>,
    /// Name after `AS`, lower case; empty when it has none.
    pub name: Box<str>,
    /// Line of the `FROM`.
    pub line: u32,
    /// Instructions after the `FROM`.
    pub instructions: Vec<Instruction>,
}

/// One instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Upper case: `RUN`.
    pub keyword: Box<str>,
    /// Flags such as `--chown=app`, in order.
    pub flags: Vec<Box<str>>,
    /// The arguments as one text, continuation lines joined with a blank, without flags.
    pub text: Box<str>,
    /// The arguments where they were written in JSON form.
    pub json: Option<Vec<Box<str>>>,
    /// Bodies of here-documents, joined.
    pub heredoc: Box<str>,
    /// First line, from 1.
    pub line: u32,
}

/// What makes a file no Containerfile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxError {
    /// A word that is no instruction.
    #[error("line {line}: `{word}` is no instruction of a Containerfile")]
    Keyword {
        /// The word.
        word: Box<str>,
        /// Its line.
        line: u32,
    },
    /// An instruction other than `ARG` before the first stage.
    #[error("line {line}: {keyword} stands before the first FROM")]
    BeforeFrom {
        /// The instruction.
        keyword: Box<str>,
        /// Its line.
        line: u32,
    },
    /// `FROM` without an image, or with words that do not belong there.
    #[error("line {line}: FROM needs an image, and may have `AS name` after it")]
    From {
        /// Its line.
        line: u32,
    },
    /// A here-document whose end never comes.
    #[error("line {line}: the here-document `{word}` does not end")]
    Heredoc {
        /// Its delimiter.
        word: Box<str>,
        /// The line that opens it.
        line: u32,
    },
    /// No stage at all.
    #[error("there is no FROM in it")]
    Empty,
    /// Too large.
    #[error("it is larger than {0} bytes")]
    Size(usize),
}

/// Reads a file.
pub fn parse(text: &str) -> Result<Containerfile, SyntaxError> {
    if text.len() > FILE_BYTES_MAX {
        return Err(SyntaxError::Size(FILE_BYTES_MAX));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let escape = escape_character(text);
    let mut file = Containerfile::default();
    let mut lines = text.lines().zip(1u32..).peekable();
    while let Some((first, line)) = lines.next() {
        let trimmed = first.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let mut joined = String::new();
        let mut current = first;
        loop {
            let piece = current.trim_end();
            let Some(kept) = piece.strip_suffix(escape) else {
                joined.push_str(piece);
                break;
            };
            joined.push_str(kept);
            joined.push(' ');
            // Comments and, for old files, empty lines inside a continued instruction are skipped.
            let next = std::iter::from_fn(|| lines.next())
                .find(|(next, _)| !next.trim().is_empty() && !next.trim_start().starts_with('#'));
            match next {
                Some((next, _)) => current = next,
                None => break,
            }
        }
        let mut instruction = instruction(joined.trim(), line)?;
        if matches!(&*instruction.keyword, "RUN" | "COPY" | "ADD") {
            let mut body = String::new();
            for (word, strip) in delimiters(&instruction.text) {
                loop {
                    let Some((next, _)) = lines.next() else {
                        return Err(SyntaxError::Heredoc { word: word.into(), line });
                    };
                    let next = if strip { next.trim_start_matches('\t') } else { next };
                    if next == word {
                        break;
                    }
                    body.push_str(next);
                    body.push('\n');
                }
            }
            instruction.heredoc = body.into();
        }
        place(&mut file, instruction)?;
    }
    if file.stages.is_empty() { Err(SyntaxError::Empty) } else { Ok(file) }
}

fn place(file: &mut Containerfile, instruction: Instruction) -> Result<(), SyntaxError> {
    let line = instruction.line;
    if &*instruction.keyword == "FROM" {
        let words: Vec<&str> = instruction.text.split_whitespace().collect();
        let (base, name) = match words[..] {
            [base] => (base, String::new()),
            [base, word, name] if word.eq_ignore_ascii_case("as") => (base, name.to_ascii_lowercase()),
            _ => return Err(SyntaxError::From { line }),
        };
        file.stages.push(Stage { base: base.into(), name: name.into(), line, instructions: Vec::new() });
        return Ok(());
    }
    match file.stages.last_mut() {
        Some(stage) => stage.instructions.push(instruction),
        None if &*instruction.keyword == "ARG" => file.globals.push(instruction),
        None => return Err(SyntaxError::BeforeFrom { keyword: instruction.keyword, line }),
    }
    Ok(())
}

fn instruction(text: &str, line: u32) -> Result<Instruction, SyntaxError> {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let keyword = word.to_ascii_uppercase();
    if !KEYWORDS.contains(&keyword.as_str()) {
        let word: String = word.chars().take(40).collect();
        return Err(SyntaxError::Keyword { word: word.into(), line });
    }
    let mut rest = rest.trim_start();
    let mut flags = Vec::new();
    while rest.starts_with("--") && keyword != "CMD" && keyword != "ENTRYPOINT" {
        let (flag, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        flags.push(flag.into());
        rest = after.trim_start();
    }
    let json = rest.starts_with('[').then(|| serde_json::from_str::<Vec<Box<str>>>(rest).ok()).flatten();
    Ok(Instruction { keyword: keyword.into(), flags, text: rest.trim().into(), json, heredoc: "".into(), line })
}

/// Delimiters of the here-documents that a line opens, each with whether tabs are stripped.
fn delimiters(text: &str) -> Vec<(&str, bool)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("<<") {
        let before_is_less = text[..at].ends_with('<');
        let rest = &text[at + 2..];
        if before_is_less || rest.starts_with('<') || found.len() == HEREDOCS_MAX {
            continue;
        }
        let strip = rest.starts_with('-');
        let rest = rest.strip_prefix('-').unwrap_or(rest);
        let word = rest.split([' ', '\t', ';', '|', '&', '>', ')']).next().unwrap_or("").trim_matches(['"', '\'']);
        let is_word = word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if is_word {
            found.push((word, strip));
        }
    }
    found
}

/// The character that continues a line: a backslash unless a directive at the top says otherwise.
fn escape_character(text: &str) -> char {
    for line in text.lines() {
        let Some(directive) = line.trim().strip_prefix('#') else { break };
        let Some((name, value)) = directive.split_once('=') else { break };
        if name.trim().eq_ignore_ascii_case("escape") && value.trim() == "`" {
            return '`';
        }
    }
    '\\'
}

const KEYWORDS: &[&str] = &[
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// Here-documents of one instruction; the shell itself allows more, nobody writes them.
const HEREDOCS_MAX: usize = 16;

/// The largest Containerfiles known are some hundred kilobytes.
const FILE_BYTES_MAX: usize = 4 << 20;
