//! Attacks on the reader. Each is read or refused, in bounded time and memory.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use manifest::{Reading, documents};
use model::FileId;

/// Generous: tests run without optimisation, on shared machines. The bound in SPECIFICATION is one
/// second for an optimised build on a machine of its own; a million documents take two.
const WITHIN: Duration = Duration::from_secs(if cfg!(debug_assertions) { 20 } else { 3 });

/// Reads a text: documents read, and the complaints.
fn read(text: &str) -> (usize, Vec<String>) {
    let start = Instant::now();
    let (mut trees, mut errors) = (0, Vec::new());
    documents(text, FileId(0), |document| match document {
        Ok(tree) => {
            trees += 1;
            if tree.has_duplicates() {
                for reading in Reading::ALL {
                    assert!(tree.reading(reading).len() <= tree.len());
                }
            }
        }
        Err(error) => errors.push(error.to_string()),
    });
    let took = start.elapsed();
    assert!(took < WITHIN, "took {took:?}");
    (trees, errors)
}

fn refused(text: &str, because: &str) {
    let (_, errors) = read(text);
    assert!(errors.iter().any(|error| error.contains(because)), "{errors:?}");
}

fn accepted(text: &str) {
    let (trees, errors) = read(text);
    assert_eq!((trees, errors), (1, Vec::new()));
}

#[test]
fn a_billion_laughs_are_refused() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let before = level - 1;
        writeln!(text, "a{level}: &a{level} [{}]", vec![format!("*a{before}"); 10].join(", ")).unwrap();
    }
    refused(&text, "aliases expand to more than");
}

#[test]
fn aliases_of_a_huge_escaped_string_are_refused() {
    let text = format!("a: &a \"\\n{}\"\nb: [{}]\n", "x".repeat(1 << 20), vec!["*a"; 5000].join(", "));
    refused(&text, "aliases expand to more than");
}

#[test]
fn merge_bombs_are_refused() {
    let mut text = String::from("a0: &a0 {b: {k: 1, l: 2}}\n");
    for level in 1..30 {
        let before = level - 1;
        writeln!(text, "a{level}: &a{level} {{<<: *a{before}, x{level}: *a{before}, y{level}: *a{before}}}").unwrap();
    }
    refused(&text, "aliases expand to more than");
}

#[test]
fn a_cyclic_alias_is_refused() {
    for text in ["&a [*a]", "&a {x: *a}", "&a {<<: *a}", "a: &a {b: {c: [*a]}}"] {
        refused(text, "an alias that refers to the node it stands in");
    }
}

#[test]
fn ten_thousand_anchors_in_merged_mappings_are_read() {
    let mut text = String::from("base: &base {k: v}\nitems:\n");
    for index in 0..10_000 {
        writeln!(text, "- {{<<: *base, x: &x{index} y, z: *x{index}}}").unwrap();
    }
    accepted(&text);
}

#[test]
fn ten_thousand_merges_in_one_mapping_are_read() {
    let mut text = String::from("base: &base {k: v, l: w}\nmap:\n");
    for index in 0..10_000 {
        writeln!(text, "  k{index}: v\n  <<: *base").unwrap();
    }
    accepted(&text);
}

#[test]
fn depth_of_a_hundred_thousand_is_refused() {
    let depth = 100_000;
    refused(&"[".repeat(depth), "nested");
    refused(&format!("a: {}", "[".repeat(depth)), "nested");
    refused(&"{a: ".repeat(depth), "nested");
    refused(&"{\"a\":".repeat(depth), "nested");
    refused(&format!("{}1{}", "[".repeat(depth), "]".repeat(depth)), "nested");
    refused(&format!("{}x", "- ".repeat(depth)), "nested");
    refused(&format!("{}x", "? ".repeat(depth)), "as a key");
    let mut text = String::new();
    for level in 0..2_000 {
        writeln!(text, "{}k:", " ".repeat(level)).unwrap();
    }
    refused(&text, "nested");
}

#[test]
fn a_scalar_of_a_hundred_megabytes_is_read() {
    let size = if cfg!(debug_assertions) { 4 << 20 } else { 100 << 20 };
    let line = format!("  {}\n", "x".repeat(998));
    accepted(&format!("a: |\n{}", line.repeat(size / line.len())));
    accepted(&format!("{{\"a\": \"{}\"}}", "x".repeat(size)));
    accepted(&format!("a: {}\n", "x".repeat(size)));
    accepted(&format!("a: \"{}\"\n", "x".repeat(size)));
}

#[test]
fn a_million_documents_are_read_up_to_the_limit() {
    let count = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };
    assert_eq!(read(&"---\n".repeat(count)), (0, Vec::new()));
    assert_eq!(read(&"a: b\n---\n".repeat(count)).0, count);
    assert_eq!(read(&"{}".repeat(count)).0, count);
    assert_eq!(read(&"{}\n".repeat(count)).0, count);
}

#[test]
fn a_hundred_thousand_keys_in_one_mapping_are_read() {
    let keys = |separator: &str| (0..100_000).map(|key| format!("\"k{key}\": 1")).collect::<Vec<_>>().join(separator);
    accepted(&keys("\n"));
    accepted(&format!("{{{}}}", keys(",")));
    // With one repeated, which asks for every reading.
    accepted(&format!("{{{},\"k1\":2}}", keys(",")));
}

#[test]
fn duplicates_of_wide_and_deep_values_are_read() {
    let wide = vec!["{\"name\":\"c\"}"; 50_000].join(",");
    accepted(&format!("{{\"spec\":{{\"containers\":[{wide}],\"containers\":[{wide}]}}}}"));
    let deep = |inner: &str| format!("{}{inner}{}", "{\"a\":".repeat(150), "}".repeat(150));
    let repeated = vec![format!("\"s\":{}", deep("1")); 200].join(",");
    accepted(&format!("{{{repeated}}}"));
}

#[test]
fn keys_of_a_megabyte_are_refused_or_read() {
    let key = "k".repeat(1 << 20);
    accepted(&format!("{{\"{key}\": 1, \"{key}x\": 2}}"));
    refused(&format!("{key}: 1\n"), "a second `: ` in one line, or a key of more than 1024 characters");
    accepted(&format!("? {key}\n: 1\n? {key}x\n: 2\n"));
}

#[test]
fn a_million_values_on_one_line_are_placed_in_linear_time() {
    let count = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };
    accepted(&format!("[{}]", vec!["\"é\""; count].join(",")));
    let (_, errors) = read(&format!("[{}, x x", vec!["1"; count].join(", ")));
    assert_eq!(errors.len(), 1);
}

#[test]
fn a_comment_cannot_hide_fields_behind_a_line_break_of_another_kind() {
    for end in ["\r", "\u{85}", "\u{2028}", "\u{2029}"] {
        let text = format!("a: 1 # comment{end}b: 2\n# more{end}c: 3\n");
        let mut keys = Vec::new();
        documents(&text, FileId(0), |document| {
            keys.extend(document.unwrap().root().entries().map(|(key, _)| key.as_str().unwrap().to_owned()));
        });
        assert_eq!(keys, ["a", "b", "c"], "{end:?}");
    }
}

#[test]
fn a_broken_document_hides_none_of_its_neighbours() {
    for broken in
        ["a: [", "a:\n\tb: c", "a: \u{1}", "a: *x", "a: 'b", "a: {{ .x }}", "- a\nb: c", "{\"a\": ", "a: \u{fffe}"]
    {
        for separator in ["\n---\n", "\r---\r", "\r\n---\r\n"] {
            let text = ["first: 1", broken, "last: 1"].join(separator);
            let (trees, errors) = read(&text);
            assert_eq!((trees, errors.len()), (2, 1), "{text:?}: {errors:?}");
        }
    }
}
