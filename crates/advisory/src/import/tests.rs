use super::*;
use crate::record::{Affected, End, Status};

/// Reads text and gives advisories as `id|ecosystem|package|range|status`.
fn lines(format: Format, text: &str) -> Vec<String> {
    assert_eq!(detect(text.as_bytes()), Some(format));
    let mut out = Vec::new();
    let stats = read(
        format,
        Some("Amazon Linux:2023").filter(|_| matches!(format, Format::UpdateInfo | Format::Errata)),
        text.as_bytes(),
        &mut |item| {
            if let Item::Advisory(advisory) = item {
                for part in &advisory.affected {
                    out.push(line(&advisory.id, part));
                }
            }
        },
    );
    assert_eq!(stats.map(|stats| stats.faults), Ok(Vec::new()));
    out
}

fn line(id: &str, part: &Affected) -> String {
    let ranges: Vec<_> = part
        .ranges
        .iter()
        .map(|range| {
            let start = range.introduced.as_deref().unwrap_or("");
            match &range.end {
                End::Open => format!("{start}.."),
                End::Fixed(version) => format!("{start}..{version}"),
                End::LastAffected(version) => format!("{start}..={version}"),
                End::Before(version) => format!("{start}..<{version}"),
            }
        })
        .collect();
    let status = if part.status == Status::Affected { String::new() } else { format!(" {:?}", part.status) };
    let module = if part.module.is_empty() { String::new() } else { format!(" {}", part.module) };
    format!("{id} {} {} {}{module}{status}", part.ecosystem, part.package, ranges.join(","))
}

#[test]
fn every_format_gives_its_ranges() {
    let osv = r#"{"id":"GHSA-1","modified":"2024-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"PyPI","name":"A_b"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1"},{"introduced":"2"},{"last_affected":"3"}]}]}]}"#;
    assert_eq!(lines(Format::OsvJson, osv), ["GHSA-1 PyPI a-b ..1,2..=3"]);
    let yaml = "id: PYSEC-1\nmodified: 2024-01-01T00:00:00Z\naffected:\n- package:\n    ecosystem: PyPI\n    name: x\n  ranges:\n  - type: ECOSYSTEM\n    events:\n    - introduced: \"0\"\n";
    assert_eq!(lines(Format::OsvYaml, yaml), ["PYSEC-1 PyPI x .."]);
    let rust = "```toml\n[advisory]\nid = \"RUSTSEC-1\"\npackage = \"x\"\ndate = \"2024-01-01\"\n[versions]\npatched = [\"^0.3.5\", \">= 0.4.2\"]\nunaffected = [\"< 0.2.0\"]\n```\n# T\n";
    assert_eq!(lines(Format::RustSec, rust), ["RUSTSEC-1 crates.io x 0.2.0..0.3.5,0.4.0-0..0.4.2"]);
    let debian = r#"{"openssl":{"CVE-2024-1":{"releases":{"bookworm":{"status":"resolved","fixed_version":"3.0","urgency":"low","repositories":{}},"sid":{"status":"open","nodsa_reason":"ignored"}}}}}"#;
    assert_eq!(
        lines(Format::Debian, debian),
        ["CVE-2024-1 Debian:12 openssl ..3.0", "CVE-2024-1 Debian:sid openssl .. WontFix"]
    );
    let secdb = r#"{"distroversion":"v3.20","packages":[{"pkg":{"name":"curl","secfixes":{"8.1-r0":["CVE-2024-1"],"0":["CVE-2024-2"]}}}]}"#;
    assert_eq!(
        lines(Format::SecDb, secdb),
        ["CVE-2024-1 Alpine:v3.20 curl ..8.1-r0", "CVE-2024-2 Alpine:v3.20 curl .. NotAffected"]
    );
    let update = r#"<updates><update type="security"><id>ALAS-1</id><title>t</title><pkglist><collection><package name="curl" epoch="0" version="8" release="1.amzn2023" arch="x86_64"/></collection></pkglist></update></updates>"#;
    assert_eq!(lines(Format::UpdateInfo, update), ["ALAS-1 Amazon Linux:2023 curl ..8-1.amzn2023"]);
    let oval = r#"<oval_definitions><definition class="patch" id="d"><metadata><title>t</title><reference ref_id="ELSA-1"/></metadata><criteria><criterion comment="Oracle Linux 9 is installed"/><criteria><criterion comment="Module nodejs:18 is enabled"/><criterion comment="nodejs is earlier than 1:18.2-1.el9"/></criteria></criteria></definition></oval_definitions>"#;
    assert_eq!(lines(Format::Oval, oval), ["ELSA-1 Oracle Linux:9 nodejs ..1:18.2-1.el9 nodejs:18"]);
    let nvd = r#"{"format":"NVD_CVE","vulnerabilities":[{"cve":{"id":"CVE-2024-1","configurations":[{"nodes":[{"cpeMatch":[{"vulnerable":true,"criteria":"cpe:2.3:a:v\\:x:p:*:*:*:*:*:*:*:*","versionEndExcluding":"2"}]}]}]}}]}"#;
    assert_eq!(lines(Format::Nvd, nvd), ["CVE-2024-1 CPE v:x:p ..<2"]);
    let vex = r#"{"@context":"https://openvex.dev/ns","statements":[{"vulnerability":{"name":"CVE-2024-1"},"products":[{"@id":"pkg:deb/ubuntu/openssl@3.0?arch=source&distro=jammy"}],"status":"fixed"}]}"#;
    assert_eq!(lines(Format::OpenVex, vex), ["CVE-2024-1 Ubuntu:22.04:LTS openssl ..3.0"]);
    let errata = r#"[{"updateinfo_id":"ALSA-1","pkglist":{"packages":[{"name":"curl","epoch":"1","version":"2","release":"3"}]}}]"#;
    assert_eq!(lines(Format::Errata, errata), ["ALSA-1 Amazon Linux:2023 curl ..1:2-3"]);
    let feed = r#####"{"version":"https://jsonfeed.org/version/1.1","items":[{"id":"CVE-2023-1","content_text":"### Affected Versions\n- kubelet v1.28.0 - v1.28.3\n- kubelet <= v1.27.7\n\n#### Fixed Versions\n- kubelet v1.29.0"}]}"#####;
    assert_eq!(lines(Format::Kubernetes, feed), ["CVE-2023-1 Kubernetes kubelet 1.28.0..=1.28.3,..=1.27.7"]);
    let csaf = r#"{"document":{"category":"csaf_vex","csaf_version":"2.0","tracking":{"id":"CVE-2024-1"}},"product_tree":{"branches":[{"product":{"product_id":"AppStream-9","name":"Red Hat Enterprise Linux AppStream","product_identification_helper":{"cpe":"cpe:/a:redhat:enterprise_linux:9::appstream"}}}],"relationships":[{"product_reference":"openssl-1:3.0.7-27.el9.x86_64","relates_to_product_reference":"AppStream-9","full_product_name":{"product_id":"f"}},{"product_reference":"compat","relates_to_product_reference":"AppStream-9","full_product_name":{"product_id":"a"}}]},"vulnerabilities":[{"cve":"CVE-2024-1","product_status":{"fixed":["f"],"known_affected":["a"]},"remediations":[{"category":"no_fix_planned","details":"Will not fix","product_ids":["a"]}]}]}"#;
    assert_eq!(
        lines(Format::Csaf, csaf),
        [
            "CVE-2024-1 Red Hat:enterprise_linux:9 openssl ..1:3.0.7-27.el9",
            "CVE-2024-1 Red Hat:enterprise_linux:9 compat .. WontFix"
        ]
    );
}

#[test]
fn times_are_read() {
    assert_eq!(unix("1970-01-02"), Some(86_400));
    assert_eq!(unix("2024-02-29T12:00:00.5Z"), Some(1_709_208_000));
    assert_eq!(unix("2024-02-29T12:00:00+02:00"), Some(1_709_200_800));
    assert_eq!(unix("0001-01-01T00:00:00Z"), None);
}

#[test]
fn a_broken_record_is_counted_and_the_others_are_read() {
    let mut count = 0;
    let stats =
        read(Format::OsvJson, None, b"{\"id\":\"A\"}\n{\"id\":1}\n{\"id\":\"B\"}\n", &mut |_| count += 1).unwrap();
    assert_eq!((count, stats.read, stats.bad), (2, 2, 1));
}

#[test]
fn deep_and_cut_files_are_refused() {
    let deep = [b"<oval_definitions><definition>".as_slice(), &b"<a>".repeat(100_000)].concat();
    assert!(read(Format::Oval, None, &deep, &mut |_| ()).is_err());
    for format in [Format::Csaf, Format::OsvJson, Format::Nvd, Format::Debian, Format::Kev, Format::OpenVex] {
        assert!(read(format, None, &b"[".repeat(100_000), &mut |_| ()).is_err(), "{format:?}");
        assert!(read(format, None, b"{", &mut |_| ()).is_err(), "{format:?}");
    }
}
