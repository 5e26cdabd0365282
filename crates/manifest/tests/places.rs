//! Every node knows its place: lines, columns in characters, bytes.
#![allow(clippy::unwrap_used)]

use manifest::{Data, Value, documents};
use model::FileId;

/// Checks the place of every scalar whose text stands in the source as it is; their number.
fn exact(text: &str) -> usize {
    let mut seen = 0;
    documents(text, FileId(0), |document| {
        walk(document.unwrap().root(), &mut |value| {
            let location = value.location();
            let source = &text[location.start as usize..location.end as usize];
            let before = &text[..location.start as usize];
            let line_start = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
            let lines = before.replace("\r\n", "\n").matches(['\n', '\r']).count();
            assert_eq!(location.line as usize, lines + 1, "line of {source:?} in {text:?}");
            assert_eq!(
                location.column as usize,
                before[line_start..].chars().count() + 1,
                "column of {source:?} in {text:?}"
            );
            match value.data() {
                Data::Str(name) if !source.starts_with(['"', '\'', '|', '>']) => assert_eq!(source, name),
                Data::Str(name) if source.starts_with('"') && !source.contains('\\') => {
                    assert_eq!(source, format!("\"{name}\""));
                }
                Data::Int(value) => assert_eq!(source, value.to_string()),
                Data::Bool(value) => assert_eq!(source, value.to_string()),
                _ => return,
            }
            seen += 1;
        });
    });
    seen
}

fn walk(value: Value<'_>, each: &mut impl FnMut(Value<'_>)) {
    each(value);
    for (key, child) in value.entries() {
        each(key);
        walk(child, each);
    }
    value.items().for_each(|item| walk(item, each));
}

#[test]
fn scalars_stand_where_their_location_says() {
    let yaml =
        "kind: Pod # é\nmetadata:\n  name: größe\n  labels: {日本: 語, b: \"c\"}\n  m: 12\nl:\n- true\n- x y\n-   z\n";
    assert_eq!(exact(yaml), 16);
    for text in [yaml.replace('\n', "\r\n"), yaml.replace('\n', "\r"), format!("# é\n---\n{yaml}---\n{yaml}")] {
        assert!(exact(&text) >= 16);
    }
}

#[test]
fn places_survive_line_breaks_of_yaml_1_1() {
    assert_eq!(exact("a: b # é\u{2028}c: ü\u{85}d: [1, true, e]\n---\nf: g\n"), 10);
}

#[test]
fn json_places_count_characters() {
    let json = "{\"kind\": \"größe\",\n \"日本\": [1, true, \"語\", {\"a\": \"b\"}]} {\"c\":\n2}\n";
    assert_eq!(exact(json), 10);
    let long = format!("[{}]", vec!["\"é\""; 1_500].join(","));
    assert_eq!(exact(&long), 1_500);
}

#[test]
fn random_documents_have_exact_places() {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut below = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as usize % limit
    };
    let words = ["a", "größe", "日本", "x-y", "12", "true", "nginx:1.2", "\"q é\"", "e/f"];
    for _ in 0..300 {
        let mut text = String::new();
        for line in 0..1 + below(8) {
            let word = words[below(words.len())];
            match below(5) {
                0 => text += &format!("k{line}: {word}\n"),
                1 => text += &format!("k{line}:\n  - {word}\n  # é\n  - {word}\n"),
                2 => text += &format!("k{line}: [{word}, {{é: {word}}}]\r\n"),
                3 => text += &format!("k{line}:   {word} # ü\n\n"),
                _ => text += &format!("---\nk{line}: {word}\n"),
            }
        }
        assert!(exact(&text) > 0);
    }
}
