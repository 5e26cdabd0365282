//! Which names of users stand for root.

use super::{Cataloguer, Input, Settings, Sink, Wants};
use crate::facts::Fact;

/// The file with the names of users.
pub static CATALOGUERS: &[Cataloguer] = &[Cataloguer {
    name: "passwd",
    wants: Wants { path_ends: &["etc/passwd"], filter: |path| path == "etc/passwd", ..Wants::NOTHING },
    settings: Settings::Installed,
    bytes_max: 16 << 20,
    read,
}];

fn read(input: &Input<'_>, sink: &mut Sink) {
    let text = String::from_utf8_lossy(input.bytes);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut names: Vec<Box<str>> = lines.filter_map(root).map(Into::into).collect();
    names.sort();
    names.dedup();
    if names.len() > NAMES_MAX {
        names.truncate(NAMES_MAX);
        sink.remark(format!("it has more than {NAMES_MAX} names of root"));
    }
    // That there is one is told even where it names nobody.
    sink.facts.push(Fact::RootNames(names));
}

/// The name on a line, where it stands for root.
fn root(line: &str) -> Option<&str> {
    let mut fields = line.split(':');
    let (name, id) = (fields.next()?, fields.nth(1).unwrap_or("").trim());
    // Runtimes take an identifier that is no number for zero.
    let zero = id.parse::<i64>().map_or(true, |id| id.rem_euclid(1 << 32) == 0);
    (zero && !name.is_empty() && name != "root").then_some(name)
}

/// Names of root that are kept. A system has one, and sometimes `toor`.
const NAMES_MAX: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_the_number_of_root_are_told() {
        let mut sink = Sink::default();
        let bytes = b"root:x:0:0:root:/root:/bin/sh\napp:x:1000:0::/:\ntoor:x:0:0::/:\nodd:x:zero:5\nshort\n#no:x:0\nwrap:x:4294967296:0\n";
        read(&Input { path: "etc/passwd", bytes }, &mut sink);
        let names = ["odd", "short", "toor", "wrap"].map(Into::into).to_vec();
        assert_eq!(sink.facts, [Fact::RootNames(names)]);
    }
}
