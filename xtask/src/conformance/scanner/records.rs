//! The other scanner's database, written out as YAML: buckets in buckets, keys and values.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use advisory::matching::{Entry, Knowledge};
use advisory::record::{Advisory, Affected, End, Epss, Exploited, Range, Score, Severity, Source, Status};
use advisory::version::{Scheme, compare};
use serde_json::Value;

use super::{list, text};
use crate::files_below;

/// Records in memory.
#[derive(Default)]
pub(super) struct Memory {
    advisories: Vec<Advisory>,
    sources: Vec<Source>,
    /// Records in forms that are not understood.
    pub(super) left_out: usize,
}

impl Knowledge for Memory {
    fn affected(&self, ecosystem: &str, package: &str) -> Vec<Entry<'_>> {
        let all = self.advisories.iter().enumerate();
        all.flat_map(|(number, advisory)| advisory.affected.iter().map(move |affected| (number as u32, affected)))
            .filter(|(_, affected)| *affected.ecosystem == *ecosystem && *affected.package == *package)
            .map(|(advisory, affected)| Entry { advisory, affected: Cow::Borrowed(affected) })
            .collect()
    }

    fn advisory(&self, number: u32) -> Option<Cow<'_, Advisory>> {
        self.advisories.get(number as usize).map(Cow::Borrowed)
    }

    fn epss(&self, _: &str) -> Option<Epss> {
        None
    }

    fn exploited(&self, _: &str) -> Option<Exploited> {
        None
    }

    fn sources(&self) -> &[Source] {
        &self.sources
    }

    fn has_records(&self, ecosystem: &str) -> bool {
        self.advisories.iter().flat_map(|advisory| &advisory.affected).any(|one| *one.ecosystem == *ecosystem)
    }
}

impl Memory {
    /// `None` when the folder holds no records.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        let mut memory = Memory::default();
        let documents: Vec<Value> = files_below(folder, &[".yaml"])
            .iter()
            .filter_map(|path| serde_saphyr::from_str(&std::fs::read_to_string(path).ok()?).ok())
            .collect();
        let top = || documents.iter().filter_map(Value::as_array).flatten();
        let products = top().find(|bucket| text(bucket, "bucket") == "Red Hat CPE").map(products).unwrap_or_default();
        for bucket in top() {
            let name = text(bucket, "bucket");
            for package in list(bucket, "pairs") {
                for pair in list(package, "pairs") {
                    let (value, key) = (pair.get("value").unwrap_or(&Value::Null), text(pair, "key").trim());
                    let about = text(package, "bucket");
                    if name == "Red Hat" {
                        memory.red_hat(about, key, value, &products);
                    } else if let Some(ecosystem) = ecosystem(name) {
                        memory.plain(&ecosystem, about, key, value);
                    }
                }
            }
        }
        let mut covers: Vec<Box<str>> =
            memory.advisories.iter().flat_map(|advisory| &advisory.affected).map(|one| one.ecosystem.clone()).collect();
        covers.sort();
        covers.dedup();
        memory.sources = vec![Source { covers, ..Source::default() }];
        (!memory.advisories.is_empty()).then_some(memory)
    }

    fn plain(&mut self, ecosystem: &str, package: &str, id: &str, value: &Value) {
        let Some(scheme) = Scheme::of_ecosystem(ecosystem) else { return self.left_out += 1 };
        let patched: Vec<String> = list(value, "PatchedVersions").iter().map(plain_text).collect();
        let conditions = list(value, "VulnerableVersions");
        let language = !conditions.is_empty() || !patched.is_empty();
        let ranges: Option<Vec<Range>> = if language {
            conditions.iter().map(|one| range(scheme, &plain_text(one), &patched)).collect()
        } else {
            let fixed = value.get("FixedVersion").map(plain_text).unwrap_or_default();
            let end = if fixed.is_empty() { End::Open } else { End::Fixed(fixed.into()) };
            Some(vec![Range { end, ..Range::default() }])
        };
        let Some(ranges) = ranges.filter(|ranges| !ranges.is_empty()) else { return self.left_out += 1 };
        let family = ecosystem.split(':').next().unwrap_or_default();
        let affected = Affected {
            ecosystem: ecosystem.into(),
            package: advisory::import::package_name(ecosystem, package).into(),
            of_source: matches!(family, "Debian" | "Ubuntu" | "Alpine"),
            ranges,
            severities: severity(value).into_iter().collect(),
            ..Affected::default()
        };
        self.advisories.push(Advisory { id: id.into(), affected: vec![affected], ..Advisory::default() });
    }

    /// Entries name the products by numbers, and the vulnerabilities of an advisory one by one.
    fn red_hat(&mut self, package: &str, key: &str, value: &Value, products: &BTreeMap<String, String>) {
        for entry in list(value, "Entries") {
            let mut ecosystems: Vec<&String> =
                list(entry, "Affected").iter().filter_map(|number| products.get(&plain_text(number))).collect();
            ecosystems.dedup();
            let fixed = text(entry, "FixedVersion");
            let end = if fixed.is_empty() { End::Open } else { End::Fixed(fixed.into()) };
            for one in list(entry, "Cves") {
                let id = if text(one, "ID").is_empty() { key } else { text(one, "ID") };
                let affected = ecosystems.iter().map(|ecosystem| Affected {
                    ecosystem: ecosystem.as_str().into(),
                    package: package.into(),
                    ranges: vec![Range { end: end.clone(), ..Range::default() }],
                    severities: severity(one).into_iter().collect(),
                    arches: list(entry, "Arches").iter().filter_map(Value::as_str).map(Box::from).collect(),
                    status: if fixed.is_empty() { Status::WontFix } else { Status::Affected },
                    ..Affected::default()
                });
                let affected = affected.collect();
                self.advisories.push(Advisory { id: id.into(), affected, ..Advisory::default() });
            }
        }
    }
}

/// Numbers of products to ecosystems: `cpe:/o:redhat:enterprise_linux:7::server` is release 7.
fn products(bucket: &Value) -> BTreeMap<String, String> {
    let parts = list(bucket, "pairs").iter().filter(|part| text(part, "bucket") == "cpe");
    parts
        .flat_map(|part| list(part, "pairs"))
        .filter_map(|pair| {
            let rest = text(pair, "value").strip_prefix("cpe:/o:redhat:enterprise_linux:")?;
            let major = rest.split([':', '.']).next()?;
            Some((text(pair, "key").to_owned(), format!("Red Hat:enterprise_linux:{major}")))
        })
        .collect()
}

/// The scanner counts from 1, the lowest.
fn severity(value: &Value) -> Option<Severity> {
    let word = ["low", "medium", "high", "critical"].get(value.get("Severity")?.as_f64()? as usize - 1)?;
    Some(Severity { by: "".into(), score: Score::Word((*word).into()) })
}

fn ecosystem(bucket: &str) -> Option<String> {
    if let Some((kind, _)) = bucket.split_once("::") {
        let name = match kind {
            "npm" => "npm",
            "pip" => "PyPI",
            "go" => "Go",
            "maven" => "Maven",
            "nuget" => "NuGet",
            "rubygems" => "RubyGems",
            "pub" => "Pub",
            "erlang" => "Hex",
            "cargo" => "crates.io",
            "composer" => "Packagist",
            "swift" => "SwiftURL",
            "conan" => "ConanCenter",
            "cocoapods" => "CocoaPods",
            "k8s" => "Kubernetes",
            _ => return None,
        };
        return Some(name.into());
    }
    let (name, release) = bucket.rsplit_once(' ')?;
    Some(match name {
        "debian" => format!("Debian:{release}"),
        "ubuntu" => format!("Ubuntu:{release}:LTS"),
        "alpine" if release == "edge" => "Alpine:edge".into(),
        "alpine" => format!("Alpine:v{release}"),
        "rocky" => format!("Rocky Linux:{release}"),
        "alma" => format!("AlmaLinux:{release}"),
        "Oracle Linux" | "Photon OS" => bucket.replacen(&format!(" {release}"), &format!(":{release}"), 1),
        "amazon linux" => format!("Amazon Linux:{release}"),
        "openSUSE Leap" => format!("openSUSE:Leap {release}"),
        "CBL-Mariner" => format!("Azure Linux:{}", release.split('.').next().unwrap_or_default()),
        _ => return None,
    })
}

/// `>= 1, < 2`, or Maven's `[1,2)`. An end that is itself affected is followed by the smallest fix behind it, as the
/// published form of the same records has it.
fn range(scheme: Scheme, condition: &str, patched: &[String]) -> Option<Range> {
    let written = condition.trim();
    let interval = written.strip_prefix(['[', '(']).and_then(|rest| rest.strip_suffix([']', ')']));
    let parts: Vec<String> = match interval.and_then(|inner| inner.split_once(',')) {
        Some((from, to)) => {
            let from = if from.is_empty() { "0" } else { from };
            let sign = if written.ends_with(']') { "<=" } else { "<" };
            let start = if written.starts_with('[') || from == "0" { format!(">={from}") } else { return None };
            if to.is_empty() { vec![start] } else { vec![start, format!("{sign}{to}")] }
        }
        None => written.split(',').map(|part| part.trim().to_owned()).collect(),
    };
    let mut range = Range::default();
    for part in parts {
        let sign = part.len() - part.trim_start_matches(['<', '>', '=']).len();
        let (sign, version) = part.split_at_checked(sign)?;
        let version = version.trim();
        match sign {
            ">=" => range.introduced = (version != "0").then(|| version.into()),
            "<" if patched.iter().any(|fix| compare(scheme, fix, version).is_ok_and(|order| order.is_eq())) => {
                range.end = End::Fixed(version.into());
            }
            "<" | "<=" => {
                let behind = |fix: &&String| {
                    compare(scheme, fix, version)
                        .is_ok_and(|order| if sign == "<" { order.is_ge() } else { order.is_gt() })
                };
                let next = patched
                    .iter()
                    .filter(behind)
                    .min_by(|a, b| compare(scheme, a, b).unwrap_or(std::cmp::Ordering::Equal));
                range.end = match next {
                    Some(fix) => End::Fixed(fix.as_str().into()),
                    None if sign == "<" => End::Before(version.into()),
                    None => End::LastAffected(version.into()),
                };
            }
            "=" => {
                range.introduced = Some(version.into());
                range.end = End::LastAffected(version.into());
            }
            _ => return None,
        }
    }
    Some(range)
}

fn plain_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), String::from)
}
