//! The table of readings, and random spellings, against a real kube-apiserver.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

#[path = "envtest/server.rs"]
mod server;
#[path = "reading/table.rs"]
mod table;
#[path = "reading/typed.rs"]
mod typed;

use manifest::{Data, documents};
use model::FileId;

use crate::server::Server;
use crate::table::{Row, body};

const PODS: &str = "/api/v1/namespaces/default/pods?dryRun=All";

#[test]
#[ignore = "needs KUBEBUILDER_ASSETS; run with --ignored"]
fn kube_apiserver_reads_what_the_table_says() {
    let server = Server::start();
    let rows = table::rows();
    let complaints: Vec<String> = rows.iter().filter_map(|row| complaint(&server, row)).collect();
    assert!(complaints.is_empty(), "{} of {} rows differ:\n{}", complaints.len(), rows.len(), complaints.join("\n"));
    let mut random = Random(0x5eed);
    let mut differing = Vec::new();
    for _ in 0..RANDOM_SPELLINGS {
        let (kind, spelling) = random.spelling();
        differing.extend(difference(&server, kind, &spelling));
    }
    assert!(differing.is_empty(), "random spellings differ:\n{}", differing.join("\n"));
}

fn content_type(kind: &str) -> &'static str {
    if kind.starts_with("json") { "application/json" } else { "application/yaml" }
}

/// How the server's answer differs from the row.
fn complaint(server: &Server, row: &Row) -> Option<String> {
    let (status, answer) = server.post(PODS, content_type(&row.kind), &row.body);
    let complain =
        |what: &str| Some(format!("line {}: {} {}: {what}: {status} {answer}", row.line, row.kind, row.spelling));
    match (row.reads.as_str(), status) {
        ("refused" | "unread" | "lenient", 400) => None,
        // An empty first document is an empty pod.
        ("lenient", 422) => None,
        ("refused" | "unread" | "lenient", _) => complain("the server reads it"),
        (_, 201) => {
            let agrees = with_root(&answer, |root| {
                row.facts().iter().all(|(path, expected)| typed::agrees(row, typed::at(root, path), expected))
            });
            if agrees { None } else { complain("the server reads something else") }
        }
        // Read, and then found invalid.
        (_, 403 | 422) => None,
        _ => complain("the server does not read it"),
    }
}

/// How the server's reading of a random scalar differs from Kobuk's.
fn difference(server: &Server, kind: &'static str, spelling: &str) -> Option<String> {
    let body = body(kind, spelling.as_bytes());
    let (status, answer) = server.post(PODS, "application/yaml", &body);
    let path = match kind {
        "bool" => "spec.containers[0].securityContext.privileged",
        "int" => "spec.tolerations[0].tolerationSeconds",
        _ => "metadata.annotations.a",
    };
    let text = String::from_utf8_lossy(&body).into_owned();
    let ours = with_root(&text, |root| typed::at(root, path).map(|value| value.data().clone().to_typed()));
    let theirs =
        (status == 201).then(|| with_root(&answer, |root| typed::at(root, path).map(|v| v.data().clone().to_typed())));
    let wanted = |found: &Option<String>| match (kind, found) {
        (_, None) => true,
        ("bool", Some(found)) => found.starts_with("bool"),
        ("int", Some(found)) => found.starts_with("int"),
        (_, Some(found)) => found.starts_with("string"),
    };
    match theirs {
        Some(theirs)
            if theirs.clone().filter(|found| found != "string ") == ours.clone().filter(|found| found != "string ") =>
        {
            None
        }
        None if status == 422 || status == 403 || !wanted(&ours) => None,
        // Kobuk reads a little more than the server: see the rows that say `lenient`.
        None if spelling.contains('"') => None,
        None if ours.is_none() => None,
        theirs => Some(format!("{kind} {spelling:?}: {status} server {theirs:?}, Kobuk {ours:?}")),
    }
}

trait Typed {
    fn to_typed(self) -> String;
}

impl Typed for Data<'_> {
    fn to_typed(self) -> String {
        match self {
            Data::Bool(value) => format!("bool {value}"),
            Data::Int(value) => format!("int {value}"),
            Data::Float(value) => format!("float {value}"),
            Data::Str(text) => format!("string {text}"),
            Data::Null => String::from("null"),
            Data::Seq(_) | Data::Map(_) => String::from("collection"),
        }
    }
}

/// The root of the first document; of an empty one when there is none.
fn with_root<T>(text: &str, mut read: impl FnMut(manifest::Value<'_>) -> T) -> T {
    let mut results = Vec::new();
    for text in [text, "{}"] {
        documents(text, FileId(0), |document| results.extend(document.ok().map(|tree| read(tree.root()))));
    }
    results.swap_remove(0)
}

const RANDOM_SPELLINGS: usize = 400;

/// A xorshift generator: the same spellings on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % limit
    }

    fn spelling(&mut self) -> (&'static str, String) {
        let kind = ["bool", "int", "int", "string"][self.below(4)];
        let letters: &[char] = match kind {
            "bool" => &['y', 'e', 's', 'Y', 'n', 'o', 'N', 'O', 't', 'r', 'u', 'T', 'f', '~', ' '],
            "int" => &['0', '1', '7', '8', '9', '_', '.', '-', '+', 'e', 'E', 'x', 'o', 'b', 'B', 'a', 'f', ':'],
            _ => {
                &['a', '0', '1', '.', '-', '_', ':', ' ', '#', '"', '\'', '!', '~', 'y', '=', '<', '\\', '%', '\u{e9}']
            }
        };
        let length = 1 + self.below(6);
        (kind, (0..length).map(|_| letters[self.below(letters.len())]).collect())
    }
}
