use super::*;

fn found(id: &str) -> Vulnerability {
    Vulnerability {
        package: 0,
        id: id.into(),
        aliases: vec!["GHSA-1".into()],
        ecosystem: "npm".into(),
        summary: "".into(),
        severity: None,
        fixed: None,
        remedy: crate::matching::Remedy::NotFixed,
        references: Vec::new(),
        cwes: Vec::new(),
        epss: None,
        exploited: None,
    }
}

/// What counts for a vulnerability of a package in an image: status, reason and author.
fn counts(documents: &[&str], id: &str, package: &str) -> Option<(Status, String, String)> {
    let statements: Vec<_> = documents.iter().flat_map(|document| read(document.as_bytes()).unwrap()).collect();
    let image = "pkg:oci/app@sha256%3Aab?repository_url=registry.example/app";
    let applied = applied(&[found(id)], &statements, Some(image), |_| package.to_string());
    applied[0].map(|one| (one.status, one.justification.to_string(), one.author.to_string()))
}

fn open_vex(status: &str, product: &str, timestamp: &str) -> String {
    format!(
        r#"{{"@context":"https://openvex.dev/ns/v0.2.0","author":"A","timestamp":"{timestamp}","statements":[{{"vulnerability":{{"name":"CVE-1"}},"products":[{{"@id":"{product}"}}],"status":"{status}","justification":"component_not_present"}}]}}"#
    )
}

#[test]
fn names_cover_what_they_leave_out() {
    for (name, purl, expected) in [
        ("pkg:deb/debian/a", "pkg:deb/debian/a@1?arch=amd64", true),
        ("pkg:deb/debian/a@1", "pkg:deb/debian/a@1?arch=amd64", true),
        ("pkg:deb/debian/a@2", "pkg:deb/debian/a@1", false),
        ("pkg:deb/debian/a?arch=arm64", "pkg:deb/debian/a@1?arch=amd64", false),
        ("pkg:deb/debian/a?distro=b&arch=amd64", "pkg:deb/debian/a@1?arch=amd64&distro=b", true),
        ("pkg:deb/debian/ab", "pkg:deb/debian/a@1", false),
        ("pkg:npm/%40a/b", "pkg:npm/@a/b@1", true),
        ("pkg:pypi/My_Lib@1", "pkg:pypi/my-lib@1", true),
        ("pkg:deb/debian/a@1%2Bb", "pkg:deb/debian/a@1+b", true),
        ("app", "app", true),
        ("app", "pkg:npm/app@1", false),
    ] {
        assert_eq!(Name::new(name).covers(&Name::new(purl)), expected, "{name} {purl}");
    }
}

#[test]
fn the_latest_instant_counts_and_of_equals_the_one_that_does_not_play_down() {
    let package = "pkg:npm/a@1";
    for (clear, alarm, expected) in [
        ("2024-01-01T12:00:00Z", "2024-01-01T12:30:00+01:00", Status::NotAffected),
        ("2024-01-01T12:00:00Z", "2024-01-01T12:30:00-01:00", Status::Affected),
        ("2024-01-01T12:00:00.25Z", "2024-01-01T12:00:00.5Z", Status::Affected),
        ("2024-01-01T12:00:00.5Z", "2024-01-01T12:00:00.25Z", Status::NotAffected),
        ("2024-01-01T12:00:00Z", "2024-01-01T12:00:00.0Z", Status::Affected),
        ("yesterday", "2001-01-01T00:00:00Z", Status::Affected),
    ] {
        let documents = [open_vex("not_affected", "pkg:npm/a", clear), open_vex("affected", package, alarm)];
        let status = |order: [usize; 2]| counts(&order.map(|place| &*documents[place]), "CVE-1", package).unwrap().0;
        assert_eq!((status([0, 1]), status([1, 0])), (expected, expected), "{clear} {alarm}");
    }
    assert_eq!(counts(&[&open_vex("fixed", "pkg:npm/a@2", "")], "CVE-1", package), None);
    assert_eq!(counts(&[&open_vex("fixed", "pkg:npm/a", "")], "CVE-2", package), None);
}

const CSAF: &str = r#"{"document":{"csaf_version":"2.0","category":"csaf_vex","publisher":{"name":"P"},
    "tracking":{"current_release_date":"2024-01-01T00:00:00Z"}},
    "product_tree":{"branches":[{"branches":[
        {"product":{"product_id":"A","name":"a","product_identification_helper":{"purl":"pkg:npm/a@1"}}},
        {"product":{"product_id":"B","name":"b","product_identification_helper":{"purl":"pkg:npm/b"}}},
        {"product":{"product_id":"IMAGE","name":"i","product_identification_helper":{"purl":"pkg:oci/app"}}},
        {"product":{"product_id":"SYSTEM","name":"Some System 9"}}]}],
      "relationships":[
        {"product_reference":"B","relates_to_product_reference":"IMAGE","full_product_name":{"product_id":"IMAGE:B"}},
        {"product_reference":"A","relates_to_product_reference":"SYSTEM","full_product_name":{"product_id":"SYSTEM:A"}}],
      "product_groups":[{"group_id":"G","product_ids":["IMAGE:B"]}]},
    "vulnerabilities":[
      {"cve":"CVE-1","product_status":{"known_not_affected":["A","IMAGE:B"]},
       "flags":[{"label":"component_not_present","product_ids":["A"]}],
       "threats":[{"category":"impact","details":"never called","group_ids":["G"]}]},
      {"cve":"CVE-2","product_status":{"known_not_affected":["SYSTEM:A"]},
       "flags":[{"label":"component_not_present","product_ids":["SYSTEM:A"]}]},
      {"ids":[{"text":"GHSA-1"}],"product_status":{"under_investigation":["B"]}}]}"#;

#[test]
fn csaf_speaks_of_products_of_its_tree() {
    let not = |reason: &str| Some((Status::NotAffected, reason.to_string(), "P".to_string()));
    let older = CSAF.replace("2024-01-01", "2023-01-01").replace("GHSA-1", "GHSA-2");
    assert_eq!(counts(&[&older], "CVE-1", "pkg:npm/a@1"), not("component_not_present"));
    assert_eq!(counts(&[&older], "CVE-1", "pkg:npm/a@2"), None);
    assert_eq!(counts(&[&older], "CVE-1", "pkg:npm/b@7"), not("never called"));
    // What is said of a package in another system is not said of it here.
    assert_eq!(counts(&[&older], "CVE-2", "pkg:npm/a@1"), None);
    assert_eq!(counts(&[CSAF], "CVE-9", "pkg:npm/b@7").unwrap().0, Status::UnderInvestigation);
    let bare = CSAF.replace("\"flags\"", "\"other\"");
    assert!(matches!(read(bare.as_bytes()), Err(VexError::Statement { index: 0, .. })));
}

#[test]
fn analyses_of_cyclonedx_speak_of_components_versions_and_links() {
    let document = |analysis: &str, affects: &str| {
        format!(
            r#"{{"bomFormat":"CycloneDX","metadata":{{"timestamp":"2024-01-01T00:00:00Z","authors":[{{"name":"C"}}]}},
            "components":[{{"bom-ref":"x","components":[{{"bom-ref":"y","purl":"pkg:npm/a@1"}}]}}],
            "vulnerabilities":[{{"id":"CVE-1","analysis":{{{analysis}}},"affects":[{affects}]}}]}}"#
        )
    };
    let not = r#""state":"not_affected","justification":"code_not_reachable""#;
    for (analysis, affects, expected) in [
        (not, r#"{"ref":"y"}"#, Some(Status::NotAffected)),
        (not, r#"{"ref":"x"}"#, None),
        (not, r#"{"ref":"pkg:npm/a"}"#, Some(Status::NotAffected)),
        (not, r#"{"ref":"urn:cdx:3e671687/1#pkg:npm/a@1"}"#, Some(Status::NotAffected)),
        (not, r#"{"ref":"urn:cdx:3e671687/1#pkg%3Anpm%2Fa%401"}"#, Some(Status::NotAffected)),
        (not, r#"{"ref":"pkg:npm/a","versions":[{"version":"1"}]}"#, Some(Status::NotAffected)),
        (not, r#"{"ref":"pkg:npm/a","versions":[{"version":"2"}]}"#, None),
        (not, r#"{"ref":"pkg:npm/a","versions":[{"range":"vers:npm/<2"}]}"#, None),
        (r#""state":"exploitable""#, r#"{"ref":"y"}"#, Some(Status::Affected)),
        (
            r#""state":"exploitable""#,
            r#"{"ref":"pkg:npm/a","versions":[{"version":"1","status":"unaffected"},{"version":"2"}]}"#,
            Some(Status::NotAffected),
        ),
        (r#""state":"resolved""#, r#"{"ref":"y"}"#, Some(Status::Fixed)),
        (r#""state":"false_positive""#, r#"{"ref":"y"}"#, Some(Status::NotAffected)),
        (r#""state":"in_triage""#, r#"{"ref":"y"}"#, Some(Status::UnderInvestigation)),
        (r#""detail":"none yet""#, r#"{"ref":"y"}"#, None),
    ] {
        let status = counts(&[&document(analysis, affects)], "CVE-1", "pkg:npm/a@1").map(|one| one.0);
        assert_eq!(status, expected, "{analysis} {affects}");
    }
    let (_, reason, author) = counts(&[&document(not, r#"{"ref":"y"}"#)], "CVE-1", "pkg:npm/a@1").unwrap();
    assert_eq!((&*reason, &*author), ("code_not_reachable", "C"));
    assert!(read(document(r#""state":"fine""#, "").as_bytes()).is_err());
}

#[test]
fn drafts_are_read_as_under_investigation() {
    let purl = |_: usize| "pkg:npm/%40a/b@1".to_string();
    let vulnerabilities = [found("CVE-1"), found("CVE-2")];
    for draft in [
        draft(&vulnerabilities, "D", "2024-01-01T00:00:00Z", purl),
        draft_cyclonedx(&vulnerabilities, "D", "2024-01-01T00:00:00Z", purl),
    ] {
        let statements = read(draft.as_bytes()).unwrap();
        let applied = applied(&vulnerabilities, &statements, None, purl);
        assert_eq!(applied.len(), 2);
        for one in applied {
            let one = one.unwrap();
            assert_eq!((one.status, &*one.author), (Status::UnderInvestigation, "D"));
        }
    }
}

#[test]
fn documents_without_what_they_must_have_are_refused() {
    let head = r#"{"@context":"https://openvex.dev/ns/v0.2.0","statements":"#;
    for text in [
        "",
        "{}",
        "[]",
        r#"{"bomFormat":"CycloneDX"}"#,
        r#"{"document":{},"vulnerabilities":[]}"#,
        r#"{"document":{"csaf_version":"2.0"},"vulnerabilities":[{}]}"#,
        &format!("{head}[{{}}]}}"),
        &format!(r#"{head}[{{"vulnerability":{{"name":"CVE-1"}},"status":"good"}}]}}"#),
        &format!(r#"{head}[{{"vulnerability":{{"name":"CVE-1"}},"status":"not_affected"}}]}}"#),
        &"[".repeat(100_000),
    ] {
        assert!(read(text.as_bytes()).is_err(), "{}", &text[..text.len().min(80)]);
    }
    let sound = format!(
        r#"{head}[{{"vulnerability":{{"name":"CVE-1"}},"status":"fixed","products":[{{"@id":"pkg:a/b"}}]}}]}}"#
    );
    assert_eq!(read(sound.as_bytes()).map(|found| found.len()).ok(), Some(1));
}
