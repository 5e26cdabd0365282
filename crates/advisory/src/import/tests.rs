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
    let stats = read(
        Format::OsvJson,
        None,
        b"{\"id\":\"A\",\"summary\":\"\"}\n{\"id\":1}\n{\"id\":\"B\",\"summary\":\"\"}\n",
        &mut |_| count += 1,
    )
    .unwrap();
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

/// Shapes that stand in what publishers give, each of which was read wrongly once.
#[test]
fn products_and_architectures_of_oval_hold_for_their_own_packages_only() {
    let suse = r#"<oval_definitions><generator><timestamp>2024-01-01T00:00:00</timestamp></generator><definition class="vulnerability" id="d"><metadata><title>CVE-2024-1</title><affected><platform>SUSE Linux Enterprise Server 15</platform></affected><reference ref_id="CVE-2024-1"/></metadata><criteria operator="OR">
      <criteria operator="AND"><criteria operator="OR"><criterion comment="SUSE Linux Enterprise Module for Basesystem 15 SP2 is installed"/><criterion comment="SUSE Linux Enterprise Desktop 15 SP2 is installed"/></criteria><criteria operator="OR"><criterion comment="kernel-default is not affected"/></criteria></criteria>
      <criteria operator="AND"><criterion comment="SUSE Linux Enterprise Server 15-LTSS is installed"/><criteria operator="OR"><criterion comment="kernel-default-4.12-150.72.1 is installed"/><criterion comment="kernel-docs is not affected"/></criteria></criteria>
      <criteria operator="AND"><criterion comment="SUSE Linux Enterprise Server for SAP Applications 15 is installed"/><criterion comment="kernel-docs-4.12-150.72.1 is installed"/></criteria>
      <criteria operator="AND"><criterion comment="Some Appliance 4 is installed"/><criterion comment="kernel-default-9-1 is installed"/></criteria>
    </criteria></definition></oval_definitions>"#;
    assert_eq!(
        lines(Format::Oval, suse),
        [
            "CVE-2024-1 SUSE:Linux Enterprise Server 15 SP2 kernel-default .. NotAffected",
            "CVE-2024-1 SUSE:Linux Enterprise Server 15 kernel-default ..4.12-150.72.1",
            "CVE-2024-1 SUSE:Linux Enterprise Server 15 kernel-docs ..4.12-150.72.1",
        ]
    );
    let oracle = r#"<oval_definitions><definition class="patch" id="d"><metadata><title>t</title><reference ref_id="ELSA-1"/></metadata><criteria operator="AND"><criterion comment="Oracle Linux 8 is installed"/><criteria operator="OR"><criteria operator="AND"><criterion comment="Oracle Linux arch is x86_64"/><criteria operator="OR"><criteria operator="AND"><criterion comment="openssl is earlier than 1:1.1-2.el8"/><criterion comment="openssl is signed with the Oracle Linux 8 key"/></criteria><criteria operator="AND"><criterion comment="openssl is earlier than 2:1.1-2.ksplice1.el8"/><criterion comment="openssl is ksplice-based"/></criteria></criteria></criteria></criteria></criteria></definition></oval_definitions>"#;
    assert_eq!(lines(Format::Oval, oracle), ["ELSA-1 Oracle Linux:8 openssl ..1:1.1-2.el8"]);
    let red_hat = r#"<oval_definitions><definition class="vulnerability" id="d"><metadata><title>t</title><reference ref_id="CVE-2024-1"/><advisory><affected><resolution state="Will not fix"><component>nodejs:18/nodejs</component></resolution></affected></advisory></metadata><criteria operator="OR"><criterion comment="Red Hat Enterprise Linux must be installed"/><criteria operator="AND"><criterion comment="Red Hat Enterprise Linux 8 is installed"/><criterion comment="nodejs is installed"/></criteria></criteria></definition></oval_definitions>"#;
    assert_eq!(lines(Format::Oval, red_hat), ["CVE-2024-1 Red Hat:enterprise_linux:8 nodejs .. WontFix"]);
    let photon = r#"<oval_definitions><definition class="patch" id="d"><metadata><title>t</title><reference ref_id="PHSA-1"/></metadata><criteria operator="AND"><criterion comment="Photon OS 3 is installed"/><criterion comment="sqlite is earlier than 0:3.27-5.ph3"/></criteria></definition></oval_definitions>"#;
    assert_eq!(lines(Format::Oval, photon), ["PHSA-1 Photon OS:3.0 sqlite ..3.27-5.ph3"]);
}

#[test]
fn azure_linux_is_read_for_the_release_that_is_given() {
    let text = r#"<oval_definitions><definition class="vulnerability" id="d"><metadata><title>t</title><affected><platform>CBL-Mariner</platform></affected><reference ref_id="CVE-2024-1"/><advisory_date>2024-04-17T22:02:46Z</advisory_date><severity>High</severity></metadata><criteria operator="AND"><criterion comment="Package golang is earlier than 1.20.7-1, affected by CVE-2024-1"/><criterion comment="Package golang is greater than 1.19.0, affected by CVE-2024-1"/></criteria></definition>
    <definition class="vulnerability" id="e"><metadata><title>t</title><reference ref_id="CVE-2024-2"/></metadata><criteria operator="AND"><criterion comment="Package glibc is installed with version 2.35-4 or earlier"/></criteria></definition></oval_definitions>"#;
    let mut found = Vec::new();
    let stats = read(Format::Oval, Some("Azure Linux:2"), text.as_bytes(), &mut |item| {
        if let Item::Advisory(advisory) = item {
            found.extend(advisory.affected.iter().map(|part| (line(&advisory.id, part), part.ranges[0].exclusive)));
        }
    });
    assert_eq!(stats.map(|stats| stats.bad), Ok(0));
    let expected = [
        ("CVE-2024-1 Azure Linux:2 golang 1.19.0..1.20.7-1", true),
        ("CVE-2024-2 Azure Linux:2 glibc ..=2.35-4", false),
    ];
    assert_eq!(found.iter().map(|(line, after)| (line.as_str(), *after)).collect::<Vec<_>>(), expected);
    let stats = read(Format::Oval, None, text.as_bytes(), &mut |_| ()).unwrap();
    assert_eq!(stats.bad, 2, "without the release nothing is pretended");
}

#[test]
fn a_build_that_is_not_affected_clears_no_other_build() {
    let product = |id: &str, purl: &str| {
        format!(
            r#"{{"product":{{"product_id":"{id}","name":"{id}","product_identification_helper":{{"purl":"{purl}"}}}}}}"#
        )
    };
    let relation = |component: &str| {
        format!(
            r#"{{"product_reference":"{component}","relates_to_product_reference":"Base","full_product_name":{{"product_id":"Base:{component}"}}}}"#
        )
    };
    let branches = [
        r#"{"product":{"product_id":"Base","name":"RHEL","product_identification_helper":{"cpe":"cpe:/o:redhat:enterprise_linux:9::baseos"}}}"#.to_owned(),
        product("bind.x", "pkg:rpm/redhat/bind@9.8-2.el9?arch=x86_64&epoch=32"),
        product("bind.src", "pkg:rpm/redhat/bind@9.8-2.el9?arch=src&epoch=32"),
        product("box", "pkg:oci/box@sha256:00?arch=amd64"),
    ];
    let relations: Vec<_> = ["bind.x", "bind.src", "box"].iter().map(|name| relation(name)).collect();
    let text = format!(
        r#"{{"document":{{"category":"csaf_vex","csaf_version":"2.0","tracking":{{"id":"CVE-2024-1"}}}},"product_tree":{{"branches":[{}],"relationships":[{}]}},"vulnerabilities":[{{"cve":"CVE-2024-1","product_status":{{"fixed":["Base:bind.x","Base:box"],"known_not_affected":["Base:bind.src"]}}}}]}}"#,
        branches.join(","),
        relations.join(",")
    );
    let mut found = Vec::new();
    let stats = read(Format::Csaf, None, text.as_bytes(), &mut |item| {
        if let Item::Advisory(advisory) = item {
            found = advisory.affected;
        }
    })
    .unwrap();
    assert_eq!((stats.bad, stats.outside), (0, 1), "a container is no package, and no damage");
    assert_eq!(line("", &found[0]), " Red Hat:enterprise_linux:9 bind ..32:9.8-2.el9");
    assert_eq!(
        (found[1].status, &*found[1].versions[0], found[1].ranges.len()),
        (Status::NotAffected, "32:9.8-2.el9", 0)
    );
    let silent =
        r#"{"document":{"category":"csaf_vex","csaf_version":"2.0"},"vulnerabilities":[{"cve":"CVE-2024-1"}]}"#;
    assert_eq!(read(Format::Csaf, None, silent.as_bytes(), &mut |_| ()).map(|stats| stats.bad), Ok(1));
}

#[test]
fn texts_of_kubernetes_give_components_and_versions() {
    let of = |title: &str, text: &str| {
        let item = serde_json::json!({"id": "CVE-1", "summary": title, "content_text": text});
        let feed = serde_json::json!({"_kubernetes_io": {"updated_at": "2024-01-01T00:00:00Z"}, "items": [item]});
        lines(Format::Kubernetes, &feed.to_string())
    };
    for (title, text, expected) in [
        (
            "Bypass in kubelet",
            "**Affected Versions**\r\nv1.27.0 - v1.27.1\r\n<= v1.26.4\r\n\r\n**Fixed Versions**\r\nv1.27.2\r\n",
            vec!["CVE-1 Kubernetes kubelet 1.27.0..1.27.2,..=1.26.4"],
        ),
        (
            "",
            "#### Affected Versions\n- Kubernetes kube-apiserver <= v1.25.3\n- Kubernetes kube-apiserver <= v1.23.7\n",
            vec!["CVE-1 Kubernetes kube-apiserver 1.24.0..=1.25.3,..=1.23.7"],
        ),
        (
            "",
            "### Affected Versions\n- kubelet/kube-proxy v1.18.0-1.18.3\n- all kubelet versions prior to v1.16.0\n### Fixed\n- kubelet v1.99.0\n",
            vec!["CVE-1 Kubernetes kubelet 1.18.0..=1.18.3,..<1.16.0", "CVE-1 Kubernetes kube-proxy 1.18.0..=1.18.3"],
        ),
        (
            "",
            "**Vulnerable versions:**\n* Kubernetes v1.0.x-1.12.x\n* Kubernetes v1.13.0-v1.13.11, resolved in v1.13.12 by https://example.org/83436\n",
            vec!["CVE-1 Kubernetes kubernetes 1.0.0..<1.13.0,1.13.0..1.13.12"],
        ),
        (
            "",
            "**What versions are affected?**\nkubectl v1.8.0+\nkubernetes-cni 0.8.6\n",
            vec!["CVE-1 Kubernetes kubectl 1.8.0.."],
        ),
    ] {
        assert_eq!(of(title, text).first(), expected.first().map(ToString::to_string).as_ref(), "{text}");
    }
    let two =
        r#"{"_kubernetes_io":{},"items":[{"id":"CVE-1, CVE-2","content_text":"Affected Versions\n- kubelet v1.1.0"}]}"#;
    let mut names = Vec::new();
    let take = &mut |item| {
        if let Item::Advisory(advisory) = item {
            names.push(advisory.id);
        }
    };
    read(Format::Kubernetes, None, two.as_bytes(), take).unwrap();
    names.sort();
    assert_eq!(names, ["CVE-1".into(), "CVE-2".into()] as [Box<str>; 2]);
}

#[test]
fn configurations_of_the_nvd_lose_nothing_and_begin_behind_what_is_left_out() {
    let found = |criteria: &str, more: &str| {
        format!(r#"{{"vulnerable":true,"criteria":"cpe:2.3:a:v:{criteria}:*:*:*:*:*:*"{more}}}"#)
    };
    let text = format!(
        r#"{{"format":"NVD_CVE","vulnerabilities":[{{"cve":{{"id":"CVE-1","configurations":[{{"operator":"AND","nodes":[{{"operator":"OR","negate":false,"cpeMatch":[{},{},{}]}},{{"operator":"OR","negate":false,"cpeMatch":[{{"vulnerable":false,"criteria":"cpe:2.3:o:m:w:-:*:*:*:*:*:*:*"}}]}}]}}]}}}}]}}"#,
        found("p:*:*", r#","versionStartExcluding":"1.0","versionEndIncluding":"2.0""#),
        found("q:-:*", ""),
        found("r:1.2:rc1", "")
    );
    let mut parts = Vec::new();
    let stats = read(Format::Nvd, None, text.as_bytes(), &mut |item| {
        if let Item::Advisory(advisory) = item {
            parts = advisory.affected;
        }
    });
    assert_eq!(stats.map(|stats| stats.bad), Ok(0));
    let versions = |part: &Affected| part.versions.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(line("", &parts[0]), " CPE v:p 1.0..=2.0");
    assert!(parts[0].ranges[0].exclusive);
    assert_eq!((line("", &parts[1]), versions(&parts[1]).len()), (" CPE v:q ".into(), 0), "no version is all of them");
    assert_eq!(versions(&parts[2]), ["1.2-rc1"]);
    let judged = |version| crate::matching::judge(crate::version::Scheme::Generic, version, &parts[0]).unwrap();
    assert_eq!(judged("1.0"), crate::matching::Verdict::Unaffected);
    assert_eq!(judged("1.0.1"), crate::matching::Verdict::Affected(None));
    let empty = r#"{"format":"NVD_CVE","totalResults":0}"#;
    assert_eq!(read(Format::Nvd, None, empty.as_bytes(), &mut |_| ()).map(|stats| stats.read), Ok(0));
}

#[test]
fn entries_of_lists_are_no_records() {
    let stats = read(Format::OsvJson, None, br#"[{"id":"A","modified":"2024-01-01T00:00:00Z"}]"#, &mut |_| ()).unwrap();
    assert_eq!((stats.read, stats.bad), (0, 1));
    let secdb = r#"{"urlprefix":"https://packages.mini.dev","packages":[{"pkg":{"name":"a","secfixes":{"1-r0":{},"2-r0":"CVE-2024-1"}}}]}"#;
    assert_eq!(lines(Format::SecDb, secdb), ["CVE-2024-1 MinimOS a ..2-r0"]);
    assert_eq!(
        lines(
            Format::Debian,
            r#"{"a":{"CVE-2024-1":{"releases":[]},"CVE-2024-2":{"releases":{"sid":{"status":"open","repositories":{}}}}}}"#
        ),
        ["CVE-2024-2 Debian:sid a .."]
    );
}

#[test]
fn what_suse_names_is_judged_by_its_release() {
    for (name, expected) in [
        ("SUSE:Linux Enterprise Module for Basesystem 15 SP5", "SUSE:Linux Enterprise Server 15 SP5"),
        ("SUSE:Linux Enterprise Server 15 SP1-LTSS", "SUSE:Linux Enterprise Server 15 SP1"),
        ("SUSE:Linux Enterprise Server 12-LTSS", "SUSE:Linux Enterprise Server 12"),
        ("SUSE:Linux Enterprise Micro 5.3", "SUSE:Linux Enterprise Micro 5.3"),
        ("SUSE:Linux Enterprise Server 16.0", "SUSE:Linux Enterprise Server 16.0"),
        ("SUSE:Manager Server 4.3", "SUSE:Manager Server 4.3"),
        ("openSUSE:Leap 15.5", "openSUSE:Leap 15.5"),
    ] {
        assert_eq!(text::suse(name), expected);
    }
}

#[test]
fn records_about_subscriptions_and_maintenance_are_what_they_are() {
    let osv = |id: &str, ecosystem: &str| {
        format!(
            r#"{{"id":"{id}","modified":"2024-01-01T00:00:00Z","affected":[{{"package":{{"ecosystem":"{ecosystem}","name":"netty"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"1"}}]}}]}}]}}"#
        )
    };
    assert_eq!(lines(Format::OsvJson, &osv("A", "Ubuntu:Pro:24.04:LTS")), ["A Ubuntu:24.04:LTS netty ..1"]);
    assert_eq!(
        lines(Format::OsvJson, &osv("A", "Ubuntu:Pro:FIPS:20.04:LTS")),
        ["A Ubuntu:Pro:FIPS:20.04:LTS netty ..1"]
    );
    assert!(lines(Format::OsvJson, &osv("ALBA-2021:1", "AlmaLinux:8")).is_empty());
    let errata =
        r#"[{"updateinfo_id":"ALBA-1","type":"bugfix","pkglist":{"packages":[{"name":"curl","version":"2"}]}}]"#;
    assert!(lines(Format::Errata, errata).is_empty());
    let vex = r#"{"@context":"https://openvex.dev/ns","statements":[{"vulnerability":{"name":"CVE-2024-1"},"products":[{"@id":"pkg:deb/ubuntu/g%2B%2B@1%3A3.0?arch=source&distro=esm-infra/focal"}],"status":"not_affected"}]}"#;
    assert_eq!(lines(Format::OpenVex, vex), ["CVE-2024-1 Ubuntu:20.04:LTS g++  NotAffected"]);
}

#[test]
fn one_bad_version_between_good_ones_is_found() {
    let text = "```toml\n[advisory]\nid = \"RUSTSEC-1\"\npackage = \"x\"\ndate = \"2024-01-01\"\n[versions]\nunaffected = [\"< 1.4.1\", \"> 1.4.1\"]\npatched = []\n```\n# T\n";
    assert_eq!(lines(Format::RustSec, text), ["RUSTSEC-1 crates.io x 1.4.1..=1.4.1"]);
}

#[test]
fn an_empty_list_of_fixes_is_known_as_one() {
    let text = r#"{"apkurl":"{{urlprefix}}","distroversion":"v3.11","packages":[]}"#;
    assert!(lines(Format::SecDb, text).is_empty());
}
