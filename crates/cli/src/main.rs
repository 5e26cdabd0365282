//! Kobuk's command line.

mod report;

fn main() {}
