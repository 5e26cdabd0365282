//! Every format of advisories, told by the first byte: what is read stands in the database as it was read, and is found under
//! the names of its packages.
#![no_main]

use advisory::database::{Builder, Content, Database};
use advisory::import::{self, Format, Item};
use advisory::record::Source;
use libfuzzer_sys::fuzz_target;

const FORMATS: [Format; 14] = [
    Format::OsvJson,
    Format::OsvYaml,
    Format::RustSec,
    Format::Debian,
    Format::SecDb,
    Format::Csaf,
    Format::OpenVex,
    Format::Oval,
    Format::UpdateInfo,
    Format::Errata,
    Format::Nvd,
    Format::Kubernetes,
    Format::Kev,
    Format::Epss,
];

fuzz_target!(|input: &[u8]| {
    let Some((first, bytes)) = input.split_first() else { return };
    let _ = import::detect(bytes);
    let format = FORMATS[usize::from(*first) % FORMATS.len()];
    let mut advisories = Vec::new();
    let mut entries = 0u64;
    let stats = import::read(format, Some("Amazon Linux:2023"), bytes, &mut |item| match item {
        Item::Advisory(advisory) => advisories.push(advisory),
        Item::Exploited(_) | Item::Epss(_) => entries += 1,
    });
    let Ok(stats) = stats else { return };
    // What is counted as read was given, or is about nothing that packages are judged by.
    assert!(advisories.len() as u64 + entries <= stats.read && stats.read <= advisories.len() as u64 + entries + stats.outside);
    for advisory in advisories.iter().take(4) {
        let mut builder = Builder::new();
        let source = builder.source(Source::default());
        builder.add(source, advisory).expect("a record fits");
        let file = Content::new(builder.finish(0).expect("a record fits"));
        let database = Database::open(&file).expect("opens");
        database.verify().expect("is sound");
        let found = database.advisory(&advisory.id).expect("is read");
        assert_eq!(found[0].read().as_ref(), Ok(&**advisory));
        for part in advisory.affected.iter().take(4) {
            let hits = database.affected(&part.ecosystem, &part.package).expect("is read");
            assert!(hits.into_iter().any(|hit| hit.expect("is read").affected.read().as_ref() == Ok(part)));
        }
    }
});
