//! Bills of materials from end to end: what is written is valid, is the same every time, and is read back.

use image::sbom::{self, Bill, Format, Options, Subject, SubjectKind, cyclonedx, spdx};
use model::package::{Kind, Need, Place, Source};
use model::{Digest, Distro, Package};

const OPTIONS: Options<'_> = Options { tool_version: "1.0.0", timestamp: Some("2024-02-29T12:00:00Z"), serial: None };

fn debian() -> Distro {
    Distro {
        id: "debian".into(),
        version: "12".into(),
        pretty_name: "Debian GNU/Linux 12 (bookworm)".into(),
        codename: "bookworm".into(),
        ..Distro::default()
    }
}

fn packages() -> Vec<Package> {
    let mut libc = Package::new(Kind::Deb, "libc6", "2.36-9+deb12u4");
    libc.arch = "amd64".into();
    libc.source = Some(Source { name: "glibc".into(), version: "".into() });
    libc.licenses = vec!["GPL-2.0-only".into(), "LGPL-2.1-or-later".into()];
    libc.supplier = "GNU Libc Maintainers <debian-glibc@lists.debian.org>".into();
    libc.places = vec![Place { path: "var/lib/dpkg/status".into(), layer: Some(0), line: 0 }];
    let mut bash = Package::new(Kind::Deb, "bash", "5.2.15-2+b2");
    bash.arch = "amd64".into();
    bash.depends_on = vec!["libc6".into(), "absent".into()];
    bash.licenses = vec!["GPL-3.0-or-later OR Artistic-2.0".into()];
    bash.places = libc.places.clone();
    let mut core = Package::new(Kind::Npm, "@babel/core", "7.0.0");
    core.licenses = vec!["Do as <you> like".into(), "MIT".into()];
    core.depends_on = vec!["ms".into()];
    core.need = Need::Direct;
    core.properties = vec![("integrity".into(), "sha1-qUqP5cyxm6YcTAhz05Hph5gvu9M=".into())];
    core.places = vec![Place { path: "app/package-lock.json".into(), layer: Some(1), line: 7 }];
    let mut ms = Package::new(Kind::Npm, "ms", "2.1.3");
    ms.places = core.places.clone();
    let mut elsewhere = ms.clone();
    elsewhere.places = vec![Place::file("opt/x/package-lock.json")];
    vec![bash, libc, core, ms, elsewhere]
}

fn bill() -> Bill {
    let subject = Subject {
        kind: SubjectKind::Image,
        name: "registry.example/team/app".into(),
        version: "1.0".into(),
        digest: Digest::of_hash(&[1; 32]),
        arch: "amd64".into(),
        layers: [2, 3].iter().filter_map(|byte| Digest::of_hash(&[*byte; 32])).collect(),
    };
    Bill::new(subject, Some(&debian()), &packages())
}

fn written(bill: &Bill) -> [(Format, String); 5] {
    [
        (Format::CycloneDxJson, cyclonedx::write(bill, cyclonedx::Version::V1_6, &OPTIONS)),
        (Format::CycloneDxJson, cyclonedx::write(bill, cyclonedx::Version::V1_7, &OPTIONS)),
        (Format::SpdxJson, spdx::write_json(bill, &OPTIONS)),
        (Format::SpdxTagValue, spdx::write_tag_value(bill, &OPTIONS)),
        (Format::SpdxJsonLd, spdx::write_json_ld(bill, &OPTIONS)),
    ]
}

#[test]
fn every_format_reads_back_what_it_wrote_and_writes_it_alike_every_time() {
    let bill = bill();
    assert_eq!(bill.entries.len(), 4, "the same package at two places stands once");
    let reversed: Vec<Package> = packages().into_iter().rev().collect();
    let again = Bill::new(bill.subject.clone(), bill.distro.as_ref(), &reversed);
    for ((format, text), (_, same)) in written(&bill).into_iter().zip(written(&again)) {
        assert_eq!(text, same, "{format:?}");
        let read = sbom::read(text.as_bytes()).unwrap_or_else(|error| panic!("{format:?}: {error}\n{text}"));
        assert_eq!(read.origin.format, format);
        assert_eq!(read.damage, [] as [Box<str>; 0]);
        assert_eq!(read.origin.created, "2024-02-29T12:00:00Z".into());
        assert_eq!(read.subject.digest, bill.subject.digest, "{format:?}");
        assert_eq!(read.subject.name, bill.subject.name);
        let distro = read.distro.clone().unwrap_or_default();
        assert_eq!((&*distro.id, &*distro.version), ("debian", "12"));
        let difference = sbom::diff(&bill, &read);
        assert!(difference.is_empty(), "{format:?}: {difference:?}");
        for (before, after) in bill.entries.iter().zip(&read.entries) {
            assert_eq!(before.purl, after.purl);
            assert_eq!(before.needs, after.needs, "{format:?} {}", before.purl);
            assert_eq!(before.cpes, after.cpes, "{format:?}");
            assert_eq!(before.hashes, after.hashes, "{format:?}");
            assert_eq!(before.package.source, after.package.source, "{format:?}");
            let places =
                |places: &[Place]| places.iter().map(|place| (place.path.clone(), place.layer)).collect::<Vec<_>>();
            assert_eq!(places(&before.package.places), places(&after.package.places), "{format:?}");
        }
    }
}

#[test]
fn cyclonedx_is_written_as_its_schema_demands() {
    for version in [cyclonedx::Version::V1_6, cyclonedx::Version::V1_7] {
        for text in [
            cyclonedx::write(&bill(), version, &OPTIONS),
            cyclonedx::write(&Bill::default(), version, &Options::default()),
        ] {
            let document = sbom::parse_json(text.as_bytes()).expect("JSON");
            assert_eq!(cyclonedx::validate(&document), [], "{text}");
        }
    }
    assert!(!cyclonedx::write(&bill(), cyclonedx::Version::V1_6, &Options::default()).contains("timestamp"));
}

#[test]
fn faults_name_the_path_and_what_is_wrong() {
    for (document, expected) in [
        (
            r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"lib","name":"a"}]}"#,
            "components[0].type: `lib` is not one of application, ",
        ),
        (r#"{"bomFormat":"CycloneDX","specVersion":"1.6","version":0}"#, "version: is less than 1"),
        (r#"{"bomFormat":"CycloneDX","specVersion":"1.5","extra":1}"#, "field `extra` is not known"),
        (
            r#"{"bomFormat":"CycloneDX","specVersion":"1.7","components":[{"name":"a"}]}"#,
            "components[0]: field `type` is missing",
        ),
        (
            r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"a","licenses":[{"license":{"id":"mit"}}]}]}"#,
            "components[0].licenses[0].license.id: `mit` is no identifier",
        ),
        (
            r#"{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"timestamp":"now\u001b[31m"}}"#,
            "metadata.timestamp: `now\u{fffd}[31m` is not a time",
        ),
        (r#"{"bomFormat":"CycloneDX","specVersion":"1.1"}"#, "specVersion: version `1.1` has no JSON schema"),
        (r#"{}"#, "specVersion: is missing"),
    ] {
        let faults = cyclonedx::validate(&sbom::parse_json(document.as_bytes()).expect(document));
        let shown: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert!(shown.iter().any(|fault| fault.starts_with(expected)), "{document}: {shown:?}");
    }
}

#[test]
fn a_declared_bill_is_compared_with_what_was_found() {
    let found = bill();
    let declared = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[
        {"type":"library","name":"ms","version":"2.0.0","purl":"pkg:npm/ms@2.0.0"},
        {"type":"library","name":"left-pad","version":"1.0.0","purl":"pkg:npm/left-pad@1.0.0"}]}"#;
    let difference = sbom::compare(&sbom::read(declared.as_bytes()).expect("valid"), &found);
    assert_eq!(difference.added, ["pkg:npm/%40babel/core@7.0.0".into()]);
    assert_eq!(difference.removed, ["pkg:npm/left-pad@1.0.0".into()]);
    assert_eq!(difference.changed.len(), 1, "packages of the system are not its business: {difference:?}");
}

#[test]
fn cyclonedx_in_xml_is_read_without_entities_of_its_own() {
    let body = r#"<bom xmlns="http://cyclonedx.org/schema/bom/1.5" serialNumber="urn:uuid:1" version="1"><metadata>
        <timestamp>2024-01-01T00:00:00Z</timestamp><tools><tool><name>a &amp; b</name><version>1</version></tool></tools>
        <component type="container"><name>image</name><version>1</version></component></metadata><components>
        <component type="library" bom-ref="a"><group>org.x</group><name>y</name><version>1</version>
        <hashes><hash alg="SHA-1">AB</hash></hashes><licenses><license><id>MIT</id></license></licenses>
        <purl>pkg:maven/org.x/y@1</purl><components><component type="library" bom-ref="b"><name>&#x7a;</name></component></components>
        </component></components><dependencies><dependency ref="a"><dependency ref="b"/></dependency></dependencies></bom>"#;
    let bill = sbom::read(format!("<?xml version=\"1.0\"?>\n{body}").as_bytes()).expect("valid");
    assert_eq!(bill.origin.format, Format::CycloneDxXml);
    assert_eq!((&*bill.origin.version, &*bill.origin.tools), ("1.5", &["a & b 1".into()][..]));
    let names: Vec<&str> = bill.packages().map(|package| &*package.name).collect();
    assert_eq!(names, ["org.x:y", "z"]);
    assert_eq!(bill.entries[0].needs, [1]);
    assert_eq!(bill.entries[0].package.licenses, ["MIT".into()]);
    assert_eq!(bill.entries[0].hashes, [("SHA-1".into(), "ab".into())]);
    let deep = format!("<bom xmlns=\"http://cyclonedx.org/schema/bom/1.5\">{}", "<components>".repeat(100_000));
    let bomb = format!("<!DOCTYPE bom [<!ENTITY a \"aaaa\">]>{body}");
    for bad in [&deep, &bomb, &body[..body.len() - 3], &body.replace("&amp;", "&a;")] {
        assert!(sbom::read(bad.as_bytes()).is_err());
    }
}

#[test]
fn statements_and_envelopes_are_unwrapped_and_anything_else_is_refused() {
    let inner = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"library","name":"x"}]}"#;
    let statement = format!(r#"{{"predicateType":"https://cyclonedx.org/bom","predicate":{inner}}}"#);
    let envelope =
        format!(r#"{{"payloadType":"application/vnd.in-toto+json","payload":"{}"}}"#, base64(statement.as_bytes()));
    for text in [inner, &statement, &envelope] {
        assert_eq!(sbom::read(text.as_bytes()).expect(text).entries.len(), 1);
    }
    let mut nested = inner.to_owned();
    for _ in 0..6 {
        nested = format!(r#"{{"payload":"{}"}}"#, base64(nested.as_bytes()));
    }
    let provenance = r#"{"predicateType":"https://slsa.dev/provenance/v1","predicate":{}}"#;
    for text in [
        "",
        "x",
        "{}",
        "[]",
        "{\"payload\":\"*\"}",
        provenance,
        r#"{"bomFormat":"CycloneDX","bomFormat":"x"}"#,
        &nested,
    ] {
        assert!(sbom::read(text.as_bytes()).is_err(), "{text}");
    }
}

fn base64(bytes: &[u8]) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let number =
            chunk.iter().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            text.push(char::from(alphabet[(number >> (18 - 6 * place)) as usize & 63]));
        }
    }
    text
}

#[test]
fn hostile_names_stay_names() {
    let name = "a\nPackageName: evil\n<script>\u{1b}]0;x\u{7}</text>";
    let mut package = Package::new(Kind::Npm, name, "1\nRelationship: SPDXRef-DOCUMENT DESCRIBES NONE");
    package.licenses = vec!["</text>\nLicenseID: LicenseRef-evil".into()];
    package.places = vec![Place::file("x</te</text>xt>\nPackageName: evil")];
    let bill = Bill::new(Subject::default(), None, &[package]);
    for (format, text) in written(&bill) {
        let read = sbom::read(text.as_bytes()).unwrap_or_else(|error| panic!("{format:?}: {error}"));
        assert_eq!(read.entries.len(), 1, "{format:?}: {text}");
        assert!(!text.contains('\u{1b}'), "{format:?}: {text}");
    }
    for version in [cyclonedx::Version::V1_6, cyclonedx::Version::V1_7] {
        let document = sbom::parse_json(cyclonedx::write(&bill, version, &OPTIONS).as_bytes()).expect("JSON");
        assert_eq!(cyclonedx::validate(&document), []);
    }
}

#[test]
fn large_bills_are_read_checked_and_written_without_going_quadratic() {
    let packages: Vec<Package> = (0..3_000)
        .map(|index| {
            let mut package = Package::new(Kind::Npm, "twin", format!("1.0.{index}"));
            package.depends_on = vec!["twin".into()];
            package.places = vec![Place::file("package-lock.json")];
            package
        })
        .collect();
    let bill = Bill::new(Subject::default(), None, &packages);
    let text = cyclonedx::write(&bill, cyclonedx::Version::V1_6, &OPTIONS);
    let document = sbom::parse_json(text.as_bytes()).expect("JSON");
    assert_eq!(cyclonedx::validate(&document), []);
    assert_eq!(sbom::read(text.as_bytes()).expect("valid").entries.len(), packages.len());
}
