//! The committed table of readings, and what its rows stand for.

/// One row of `reading_table.tsv`.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) line: usize,
    pub(crate) kind: String,
    pub(crate) spelling: String,
    pub(crate) reads: String,
    /// Documents and errors that Kobuk finds.
    pub(crate) documents: (usize, usize),
    /// What a client sends.
    pub(crate) body: Vec<u8>,
}

/// The rows of the table.
pub(crate) fn rows() -> Vec<Row> {
    let text = include_str!("../reading_table.tsv");
    let lines = text.lines().enumerate().filter(|(_, line)| !line.starts_with('#'));
    lines.map(|(index, line)| row(index + 1, line)).collect()
}

fn row(line: usize, text: &str) -> Row {
    let mut columns = text.split('\t');
    let mut next = || columns.next().map(str::to_owned);
    let (kind, spelling, reads) = (next().unwrap(), next().unwrap(), next().unwrap());
    let documents = next().unwrap_or_else(|| String::from(if reads == "unread" { "0+1" } else { "1+0" }));
    let (trees, errors) = documents.split_once('+').unwrap();
    let documents = (trees.parse().unwrap(), errors.parse().unwrap());
    let body = body(&kind, &unescape(&spelling));
    Row { line, kind, spelling, reads, documents, body }
}

impl Row {
    /// Whether a client sends the row as JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.kind.starts_with("json")
    }

    /// Where the value stands that a row of one value is about, and the facts of other rows.
    pub(crate) fn facts(&self) -> Vec<(String, String)> {
        let path = match self.kind.as_str() {
            "bool" | "json-bool" => "spec.containers[0].securityContext.privileged",
            "int" | "json-int" => "spec.tolerations[0].tolerationSeconds",
            "string" | "json-string" => "metadata.annotations.a",
            "key" => KEY_MAP,
            _ => return self.path_facts(),
        };
        vec![(path.to_owned(), self.reads.clone())]
    }

    fn path_facts(&self) -> Vec<(String, String)> {
        let root = if self.kind == "merge" { "spec.containers[2].securityContext." } else { "" };
        let fact = |fact: &str| {
            let (path, value) = fact.split_once('=').unwrap();
            (format!("{root}{path}"), value.to_owned())
        };
        self.reads.split(' ').map(fact).collect()
    }
}

/// The map whose only key is the spelling of a `key` row. The server checks no names there.
pub(crate) const KEY_MAP: &str = "spec.volumes[0].csi.volumeAttributes";

/// The body of a row.
pub(crate) fn body(kind: &str, spelling: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(spelling).into_owned();
    match kind {
        "bool" => pod(&format!("    securityContext:\n      privileged: {text}\n"), "").into(),
        "int" => {
            let extra =
                format!("  tolerations:\n  - operator: Exists\n    effect: NoExecute\n    tolerationSeconds: {text}\n");
            pod("", &extra).into()
        }
        "string" => format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: t\n  annotations:\n    a: {text}\n\
             spec:\n  containers:\n  - name: c\n    image: i\n"
        )
        .into(),
        "key" => {
            let extra = format!(
                "  volumes:\n  - name: v\n    csi:\n      driver: d\n      volumeAttributes:\n        {text}: v\n"
            );
            pod("", &extra).into()
        }
        "merge" => merge(&text).into(),
        "json-bool" => json_pod(&format!(
            r#""spec":{{"containers":[{{"name":"c","image":"i","securityContext":{{"privileged":{text}}}}}]}}"#
        )),
        "json-int" => json_pod(&format!(
            r#""spec":{{{CONTAINERS},"tolerations":[{{"operator":"Exists","effect":"NoExecute","tolerationSeconds":{text}}}]}}"#
        )),
        "json-string" => json_pod(&format!(r#""metadata":{{"annotations":{{"a":{text}}}}},"spec":{{{CONTAINERS}}}"#)),
        "json-pod" => json_pod(&text),
        "utf16le" | "utf16be" => {
            let text = String::from_utf8(expand(spelling)).unwrap();
            let bytes = if kind == "utf16le" { u16::to_le_bytes } else { u16::to_be_bytes };
            text.encode_utf16().flat_map(bytes).collect()
        }
        _ => expand(spelling),
    }
}

const CONTAINERS: &str = r#""containers":[{"name":"c","image":"i"}]"#;

fn pod(container: &str, spec: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: t\nspec:\n  containers:\n  - name: c\n    image: i\n\
         {container}{spec}"
    )
}

fn merge(body: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: t\n\
         l: &l [{{privileged: true}}]\nspec:\n  containers:\n\
         \x20 - name: a\n    image: i\n    securityContext: &a {{privileged: true, runAsUser: 1}}\n\
         \x20 - name: b\n    image: i\n    securityContext: &b {{privileged: false, runAsUser: 2, readOnlyRootFilesystem: true}}\n\
         \x20 - name: c\n    image: i\n    securityContext:\n      {}\n",
        body.replace('\n', "\n      ")
    )
}

fn json_pod(rest: &str) -> Vec<u8> {
    format!(r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"t"}},{rest}}}"#).into()
}

/// Puts pods in the place of `{YAML}`, `{JSON}` and the like.
fn expand(spelling: &[u8]) -> Vec<u8> {
    let yaml = pod("", "  hostNetwork: true\n");
    let json = String::from_utf8(json_pod(&format!(r#""spec":{{"hostNetwork":true,{CONTAINERS}}}"#))).unwrap();
    let mut bytes = spelling.to_vec();
    for (name, pod) in [
        ("{YAML}", yaml.clone()),
        ("{JSON}", json),
        ("{CRLF}", yaml.replace('\n', "\r\n")),
        ("{CR}", yaml.replace('\n', "\r")),
        ("{NEL}", yaml.replace('\n', "\u{85}")),
        ("{LS}", yaml.replace('\n', "\u{2028}")),
        ("{PS}", yaml.replace('\n', "\u{2029}")),
    ] {
        while let Some(at) = bytes.windows(name.len()).position(|window| window == name.as_bytes()) {
            bytes.splice(at..at + name.len(), pod.bytes());
        }
    }
    bytes
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend(before.bytes());
        let code = after.chars().next().unwrap();
        rest = &after[1..];
        match code {
            'n' => bytes.push(b'\n'),
            't' => bytes.push(b'\t'),
            'r' => bytes.push(b'\r'),
            'e' => {}
            'x' => {
                bytes.push(u8::from_str_radix(&rest[..2], 16).unwrap());
                rest = &rest[2..];
            }
            'u' => {
                let (number, after) = rest[1..].split_once('}').unwrap();
                let found = char::from_u32(u32::from_str_radix(number, 16).unwrap()).unwrap();
                bytes.extend(found.encode_utf8(&mut [0; 4]).bytes());
                rest = after;
            }
            other => bytes.push(other as u8),
        }
    }
    bytes.extend(rest.bytes());
    bytes
}
