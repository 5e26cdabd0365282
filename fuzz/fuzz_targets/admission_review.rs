//! AdmissionReviews: no panic on the way to a request, a match, the object as policies see it and back to JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use manifest::Draft;
use model::FileId;
use policy::admission::defaults::{Plugins, Stage, as_seen};
use policy::admission::{Facts, MatchIndex, MatchResources, Request, Sending};

fuzz_target!(|text: &str| {
    manifest::documents(text, FileId(0), |document| {
        let Ok(tree) = document else { return };
        let root = tree.root();
        let mut facts = Facts::new();
        let _ = facts.add(root);
        if let Ok(request) = Request::from_review(root) {
            let matching = MatchResources::read(root).unwrap_or_default();
            let matched = matching.matches(&request, &facts);
            let candidates = MatchIndex::new([&matching]).candidates(&request);
            assert!(!candidates.is_empty() || matches!(matched, policy::admission::Match::NoMatch(_)));
        }
        let _ = Request::from_manifest(root, Sending::default(), &facts);
        for stage in [Stage::Created, Stage::Stored] {
            let Ok(seen) = as_seen(root, "default", stage, Plugins::default(), &facts) else { continue };
            // Nothing is left to fill in, drop or rewrite.
            let again = as_seen(seen.root(), "default", stage, Plugins::default(), &facts);
            assert!(again.is_ok_and(|again| again.len() == seen.len()), "{}", seen.root().to_json());
        }
        let mut draft = Draft::from(root);
        draft.put("added", Draft::null());
        let _ = draft.build_owned(FileId(0));
    });
});
