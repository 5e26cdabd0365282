//! JSON: what is written out again reads the same.
#![no_main]

use std::fmt::Write as _;

use libfuzzer_sys::fuzz_target;
use manifest::{Data, Value, documents};
use model::FileId;

fuzz_target!(|text: &str| {
    documents(text, FileId(0), |document| {
        let Ok(tree) = document else { return };
        let mut written = String::new();
        write(tree.root(), &mut written);
        let mut read = 0;
        documents(&written, FileId(0), |again| {
            read += 1;
            let again = again.unwrap_or_else(|error| panic!("{error}: {written}"));
            assert!(again.root() == tree.root(), "{written}");
        });
        assert!(read == 1 || !matches!(tree.root().data(), Data::Map(_) | Data::Seq(_)));
    });
});

fn write(value: Value<'_>, out: &mut String) {
    match value.data() {
        Data::Map(_) => {
            out.push('{');
            for (index, (key, child)) in value.entries().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                write(key, out);
                out.push(':');
                write(child, out);
            }
            out.push('}');
        }
        Data::Seq(_) => {
            out.push('[');
            for (index, item) in value.items().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                write(item, out);
            }
            out.push(']');
        }
        Data::Str(text) => {
            out.push('"');
            for c in text.chars() {
                match c {
                    '"' | '\\' => out.extend(['\\', c]),
                    c if u32::from(c) < 0x20 => write!(out, "\\u{:04x}", u32::from(c)).unwrap(),
                    c => out.push(c),
                }
            }
            out.push('"');
        }
        Data::Null => out.push_str("null"),
        Data::Bool(value) => write!(out, "{value}").unwrap(),
        Data::Int(value) => write!(out, "{value}").unwrap(),
        Data::Float(value) if value.is_finite() => write!(out, "{value:e}").unwrap(),
        Data::Float(value) => out.push_str(if *value > 0.0 { "1e999" } else { "-1e999" }),
    }
}
