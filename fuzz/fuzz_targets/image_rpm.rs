//! Databases of rpm of any bytes, in each of the three forms: no panic, and work that the size of the file bounds.
#![no_main]

use image::catalog::{Input, Sink, all};
use image::facts::Fact;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let mut database = bytes.to_vec();
    // What tells the form and the size of pages is given, so that what follows is reached.
    let head: &[(usize, &[u8])] = match choice % 4 {
        0 => &[(0, b"SQLite format 3\0\x02\0")],
        1 => &[(0, b"RpmP"), (12, &[1, 0, 0, 0])],
        2 => &[(12, &[0x61, 0x15, 6, 0]), (20, &[0, 2, 0, 0])],
        _ => &[],
    };
    for (at, part) in head {
        if let Some(place) = database.get_mut(*at..at + part.len()) {
            place.copy_from_slice(part);
        }
    }
    let mut sink = Sink::default();
    let cataloguer = all().find(|cataloguer| cataloguer.name == "rpm-database").expect("there is one");
    (cataloguer.read)(&Input { path: "var/lib/rpm/Packages", bytes: &database }, &mut sink);
    let packages = sink.facts.iter().filter(|fact| matches!(fact, Fact::Package(_))).count();
    assert!(packages <= database.len());
    assert!(packages > 0 || !sink.damage.is_empty(), "nothing was found, and nothing is told");
});
