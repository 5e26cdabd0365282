//! JSON text of a value.

use std::fmt::Write as _;

use crate::tree::{Data, Value};

impl Value<'_> {
    /// The value as compact JSON.
    pub fn to_json(self) -> String {
        let mut out = String::with_capacity(self.size() as usize * BYTES_PER_NODE);
        self.write_json(&mut out);
        out
    }

    /// Appends the value as compact JSON. Numbers that JSON cannot say, which only YAML can bring, are null.
    /// Calls nest as deep as the document, which its reader has bounded.
    pub fn write_json(self, out: &mut String) {
        match self.data() {
            Data::Map(_) => {
                out.push('{');
                for (index, (key, value)) in self.entries().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_text(key.as_str().unwrap_or(""), out);
                    out.push(':');
                    value.write_json(out);
                }
                out.push('}');
            }
            Data::Seq(_) => {
                out.push('[');
                for (index, item) in self.items().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write_json(out);
                }
                out.push(']');
            }
            Data::Str(text) => write_text(text, out),
            Data::Null => out.push_str("null"),
            Data::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            // Writing to a String cannot fail.
            Data::Int(value) => _ = write!(out, "{value}"),
            Data::Float(value) => write_float(*value, out),
        }
    }
}

/// Text in quotes, escaped no more than JSON demands.
fn write_text(text: &str, out: &mut String) {
    out.push('"');
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate().filter(|(_, byte)| matches!(byte, b'"' | b'\\' | 0..0x20)) {
        out.push_str(text.get(from..at).unwrap_or(""));
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            byte => _ = write!(out, "\\u{byte:04x}"),
        }
        from = at + 1;
    }
    out.push_str(text.get(from..).unwrap_or(""));
    out.push('"');
}

/// The shortest digits that read back the same, with an exponent where Go's encoder uses one. A number without
/// a fraction keeps one, so that it stays a float for whoever reads it.
fn write_float(value: f64, out: &mut String) {
    let size = value.abs();
    if !value.is_finite() {
        out.push_str("null");
    } else if size != 0.0 && !(1e-6..1e21).contains(&size) {
        _ = write!(out, "{value:e}");
    } else {
        _ = write!(out, "{value}");
        if value.fract() == 0.0 {
            out.push_str(".0");
        }
    }
}

/// A guess for the first allocation.
const BYTES_PER_NODE: usize = 12;

#[cfg(test)]
mod tests {
    use model::FileId;

    #[test]
    fn what_is_written_reads_the_same() {
        let text = r#"{"a\"\\\n\u0001é":[1,-2.5,1e300,2.0,0.000001,1e-7,true,null,{},[]],"":"x"}"#;
        let tree = crate::stream::json_document(text, FileId(0)).unwrap();
        assert_eq!(tree.root().to_json(), text);
    }
}
