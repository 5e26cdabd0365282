//! CSAF 2.0 and its VEX profile, as Red Hat and SUSE publish them.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::text::{summary, unescaped, unix, without_contradictions};
use super::{ImportError, Stats, errata::word, field, list, oval, parse};
use crate::record::{Advisory, Affected, End, Range, Score, Severity, Status};

/// Reads a document; one record per vulnerability in it.
pub(super) fn read(bytes: &[u8], sink: &mut impl FnMut(Advisory)) -> Result<Stats, ImportError> {
    let whole = parse("CSAF", bytes)?;
    let document = whole
        .get("document")
        .ok_or_else(|| ImportError::Malformed { format: "CSAF", problem: "document is missing".into() })?;
    let tracking = document.get("tracking").unwrap_or(&Value::Null);
    let products = Products::read(whole.get("product_tree").unwrap_or(&Value::Null));
    let modified = unix(field(tracking, "current_release_date"));
    let mut stats = Stats { made_unix: modified, ..Stats::default() };
    let aggregate = document.get("aggregate_severity").map(|severity| field(severity, "text")).unwrap_or_default();
    let title = field(document, "title");
    for (place, vulnerability) in list(&whole, "vulnerabilities").iter().enumerate() {
        let id = field(vulnerability, "cve");
        if id.is_empty() {
            stats.bad(&format!("{} vulnerability {}", field(tracking, "id"), place + 1), "cve", "is missing");
            continue;
        }
        let mut severities = word(aggregate);
        for score in list(vulnerability, "scores") {
            let vectors = ["cvss_v4", "cvss_v3", "cvss_v2"]
                .iter()
                .filter_map(|kind| score.get(kind))
                .map(|score| field(score, "vectorString"));
            for vector in vectors.filter(|vector| !vector.is_empty()) {
                let severity = Severity { by: "".into(), score: Score::Cvss(vector.into()) };
                if !severities.contains(&severity) && severities.len() < 8 {
                    severities.push(severity);
                }
            }
        }
        let cwe = vulnerability.get("cwe").map(|cwe| field(cwe, "id")).filter(|id| !id.is_empty());
        let mut advisory = Advisory {
            id: id.into(),
            summary: summary(Some(field(vulnerability, "title")).filter(|title| !title.is_empty()).unwrap_or(title)),
            // Documents of several vulnerabilities share their date, and documents of one vulnerability replace each other.
            modified_unix: modified,
            published_unix: unix(field(tracking, "initial_release_date")),
            severities,
            cwes: cwe.into_iter().map(Box::from).collect(),
            references: list(vulnerability, "references").iter().map(|one| field(one, "url").into()).take(12).collect(),
            affected: products.affected(vulnerability, id, &mut stats),
            ..Advisory::default()
        };
        if field(document, "category") != "csaf_vex" {
            let own = field(tracking, "id");
            advisory.upstream = vec![advisory.id];
            advisory.id = [own, "/", id].concat().into();
        }
        stats.read += 1;
        sink(advisory);
    }
    Ok(stats)
}

/// Products by their identifier.
#[derive(Default)]
struct Products<'a> {
    /// Name, CPE, package URL.
    known: HashMap<&'a str, (&'a str, &'a str, &'a str)>,
    /// Whole → (component, platform).
    parts: HashMap<&'a str, (&'a str, &'a str)>,
}

impl<'a> Products<'a> {
    fn read(tree: &'a Value) -> Self {
        let mut products = Self::default();
        let mut open: Vec<&Value> = vec![tree];
        while let Some(branch) = open.pop() {
            open.extend(list(branch, "branches"));
            for product in branch.get("product").into_iter().chain(list(branch, "full_product_names")) {
                products.product(product);
            }
        }
        for relation in list(tree, "relationships") {
            let whole = relation.get("full_product_name").map(|name| field(name, "product_id")).unwrap_or_default();
            products
                .parts
                .insert(whole, (field(relation, "product_reference"), field(relation, "relates_to_product_reference")));
        }
        products
    }

    fn product(&mut self, product: &'a Value) {
        let helper = product.get("product_identification_helper").unwrap_or(&Value::Null);
        self.known.insert(
            field(product, "product_id"),
            (field(product, "name"), field(helper, "cpe"), field(helper, "purl")),
        );
    }

    fn affected(&self, vulnerability: &Value, id: &str, stats: &mut Stats) -> Vec<Affected> {
        let Some(said) = vulnerability.get("product_status").filter(|said| said.is_object()) else {
            stats.bad(id, "product_status", "is missing, so nothing is said of any product");
            return Vec::new();
        };
        let mut remedies = HashMap::new();
        for remedy in list(vulnerability, "remediations") {
            let status = match field(remedy, "details").trim() {
                "Will not fix" => Status::WontFix,
                "Fix deferred" => Status::FixDeferred,
                "Out of support scope" => Status::EndOfLife,
                _ if field(remedy, "category") == "no_fix_planned" => Status::WontFix,
                _ => continue,
            };
            remedies
                .extend(list(remedy, "product_ids").iter().filter_map(Value::as_str).map(|product| (product, status)));
        }
        let (mut seen, mut out) = (BTreeSet::new(), Vec::new());
        let kinds = [
            ("fixed", Status::Affected),
            ("first_fixed", Status::Affected),
            ("recommended", Status::Affected),
            ("known_affected", Status::Affected),
            ("first_affected", Status::Affected),
            ("last_affected", Status::Affected),
            ("under_investigation", Status::UnderInvestigation),
            ("known_not_affected", Status::NotAffected),
        ];
        for (kind, status) in kinds {
            for product in list(said, kind).iter().filter_map(Value::as_str) {
                // Containers, and products that are more than one package, are nobody's packages.
                let Some(mut affected) = self.part(product) else {
                    stats.outside += 1;
                    continue;
                };
                affected.status = if status == Status::Affected && !kind.contains("fixed") {
                    remedies.get(product).copied().unwrap_or(status)
                } else {
                    status
                };
                if !kind.contains("fixed") && kind != "recommended" {
                    // A build that is not affected says nothing of another one; a build that is affected, of all.
                    let build = affected.ranges.pop().map(|range| range.end);
                    match build {
                        Some(End::Fixed(version)) if status == Status::NotAffected => affected.versions = vec![version],
                        _ => affected.ranges.push(Range::default()),
                    }
                } else if affected.ranges.is_empty() {
                    // A fix without a version cannot be compared.
                    stats.bad(id, "product_status", &format!("\"{product}\" is fixed in no version"));
                    continue;
                }
                if seen.insert(format!("{affected:?}")) {
                    out.push(affected);
                }
            }
        }
        without_contradictions(&mut out);
        out
    }

    /// A product as a package in an ecosystem, with its version as the end of a range if it has one.
    fn part(&self, product: &str) -> Option<Affected> {
        let (mut component, mut platform) = self.parts.get(product).copied()?;
        let mut module = "";
        // A package of a module relates to the module, and that to the platform. Two steps are all that there are.
        for _ in 0..2 {
            let Some((inner, outer)) = self.parts.get(platform).copied() else { break };
            (module, platform) = (inner, outer);
        }
        let (name, cpe, _) = self.known.get(platform).copied().unwrap_or((platform, "", ""));
        let ecosystem = ecosystem(name, cpe)?;
        let purl = self.known.get(component).map_or("", |(_, _, purl)| purl);
        if !purl.is_empty() && !purl.starts_with("pkg:rpm/") {
            return None;
        }
        if let Some((stream, package)) = component.split_once('/').filter(|(stream, _)| stream.contains(':')) {
            (module, component) = (stream, package);
        }
        let (package, version, arch, stream) =
            if purl.starts_with("pkg:rpm/") { of_purl(purl) } else { of_nevra(component) };
        let module = if stream.is_empty() { module.to_owned() } else { stream };
        let module = module.split(':').take(2).collect::<Vec<_>>().join(":");
        if package.is_empty() || package.contains([' ', '/']) {
            return None;
        }
        Some(Affected {
            ecosystem,
            package: package.into(),
            of_source: arch == "src",
            ranges: if version.is_empty() {
                Vec::new()
            } else {
                vec![Range { end: End::Fixed(version.into()), ..Range::default() }]
            },
            module: if module.contains(':') { module.into() } else { "".into() },
            ..Affected::default()
        })
    }
}

fn ecosystem(name: &str, cpe: &str) -> Option<Box<str>> {
    let rest = cpe.strip_prefix("cpe:/").and_then(|rest| rest.get(2..)).and_then(|rest| rest.strip_prefix("redhat:"));
    if let Some(rest) = rest {
        let mut parts = rest.split(':');
        let (product, version) = (parts.next()?, parts.next().unwrap_or_default());
        // Minor releases of the system itself share its packages: 9.4 is 9.
        let version = if product == "enterprise_linux" { version.split('.').next()? } else { version };
        return Some(["Red Hat:", product, if version.is_empty() { "" } else { ":" }, version].concat().into());
    }
    oval::ecosystem(name)
}

fn of_purl(purl: &str) -> (String, String, String, String) {
    let (path, qualifiers) = purl.split_once('?').unwrap_or((purl, ""));
    let path = path.rsplit('/').next().unwrap_or_default();
    let (name, version) = path.split_once('@').unwrap_or((path, ""));
    let qualifier = |key: &str| {
        unescaped(qualifiers.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('=')).unwrap_or_default())
    };
    let epoch = qualifier("epoch");
    let version = unescaped(version);
    let version = if version.is_empty() { version } else { super::text::evr(&epoch, &version, "").into() };
    (unescaped(name), version, qualifier("arch"), qualifier("rpmmod"))
}

/// `openssl-1:3.0.7-27.el9.x86_64`, or a name alone.
fn of_nevra(text: &str) -> (String, String, String, String) {
    let text = text.split("::").next().unwrap_or(text);
    let alone = || (text.to_owned(), String::new(), String::new(), String::new());
    let (body, arch) = match text.rsplit_once('.') {
        Some((body, arch)) if ARCHES.contains(&arch) => (body, arch),
        _ => (text, ""),
    };
    let Some((rest, release)) = body.rsplit_once('-') else { return alone() };
    let Some((name, version)) = rest.rsplit_once('-') else { return alone() };
    if !version.starts_with(|letter: char| letter.is_ascii_digit())
        || !release.starts_with(|letter: char| letter.is_ascii_digit())
    {
        return alone();
    }
    let version = version.strip_prefix("0:").unwrap_or(version);
    (name.to_owned(), format!("{version}-{release}"), arch.to_owned(), String::new())
}

const ARCHES: [&str; 9] = ["x86_64", "aarch64", "ppc64le", "s390x", "i686", "noarch", "src", "ppc64", "riscv64"];
