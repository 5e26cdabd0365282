//! Bytes to text, documents, readings and objects: no panic, and every place inside the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use manifest::object::objects;
use manifest::{Reading, Value, decode, documents};
use model::FileId;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = decode::decode(bytes) else { return };
    let mut trees = 0;
    documents(&text, FileId(0), |document| match document {
        Err(error) => assert!(error.location().start as usize <= text.len()),
        Ok(tree) => {
            trees += 1;
            places(tree.root(), &text);
            objects(&tree, |found| drop(found));
            for reading in Reading::ALL {
                let read = tree.reading(reading);
                assert!(tree.has_duplicates() || read.root() == tree.root() || has_nan(tree.root()));
                objects(&read, |found| drop(found));
            }
        }
    });
    // Segments hold the same documents.
    let mut segmented = 0;
    for segment in manifest::stream::segments(&text, 16) {
        manifest::stream::segment_documents(segment, FileId(0), |document| segmented += usize::from(document.is_ok()));
    }
    assert_eq!(trees, segmented);
});

fn places(value: Value<'_>, text: &str) {
    let location = value.location();
    assert!(text.get(location.start as usize..location.end as usize).is_some());
    for (key, child) in value.entries() {
        assert!(key.as_str().is_some());
        places(child, text);
    }
    value.items().for_each(|item| places(item, text));
}

fn has_nan(value: Value<'_>) -> bool {
    matches!(value.data(), manifest::Data::Float(number) if number.is_nan())
        || value.items().any(has_nan)
        || value.entries().any(|(_, child)| has_nan(child))
}
