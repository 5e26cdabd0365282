//! The reader against the table of what kube-apiserver reads.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

#[path = "reading/table.rs"]
mod table;
#[path = "reading/typed.rs"]
mod typed;
#[path = "reading/verdict.rs"]
mod verdict;

#[test]
fn every_spelling_reads_as_kube_apiserver_reads_it() {
    let rows = table::rows();
    assert!(rows.len() > 500, "{} rows", rows.len());
    let complaints: Vec<String> = rows.iter().filter_map(verdict::complaint).collect();
    assert!(complaints.is_empty(), "{} of {} rows differ:\n{}", complaints.len(), rows.len(), complaints.join("\n"));
}
