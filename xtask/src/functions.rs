//! Finds functions in Rust source and measures them, well enough for a house rule.

/// Name, first line and number of lines of every function of a source text.
///
/// Formatted code is assumed: a function starts on a line with `fn ` at some indentation and ends with
/// the first line that is a closing brace at the same indentation.
pub fn functions(source: &str) -> Vec<(String, usize, usize)> {
    let lines: Vec<&str> = source.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let Some(name) = function_name(line.trim_start()) else { continue };
        let closing = lines[index..]
            .iter()
            .position(|other| other.len() - other.trim_start().len() == indent && other.trim_start().starts_with('}'));
        let declaration_only =
            lines[index..].iter().take(12).find(|other| other.contains('{') || other.trim_end().ends_with(';'));
        if declaration_only.is_some_and(|other| !other.contains('{')) || line.trim_end().ends_with('}') {
            continue;
        }
        if let Some(length) = closing {
            found.push((name.to_owned(), index + 1, length + 1));
        }
    }
    found
}

fn function_name(line: &str) -> Option<&str> {
    let mut rest = line;
    loop {
        let (word, after) = rest.split_once(' ')?;
        match word {
            "fn" => return after.split(['(', '<']).next(),
            "pub" | "pub(crate)" | "pub(super)" | "const" | "async" | "unsafe" | "extern" => rest = after,
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn functions_are_found_with_their_length() {
        let source = "fn a() {\n    b();\n}\n\nimpl X {\n    pub fn c<T>(\n        t: T,\n    ) {\n        d()\n    }\n    fn e();\n}\n";
        let found = super::functions(source);
        assert_eq!(found, [("a".to_owned(), 1, 3), ("c".to_owned(), 6, 5)]);
    }
}
