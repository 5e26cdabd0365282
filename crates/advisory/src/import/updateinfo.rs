//! `updateinfo.xml` of rpm repositories.

use super::text::{evr, summary, unix};
use super::{ImportError, Stats, errata::word, xml};
use crate::record::{Advisory, Affected, End, Range};

/// Reads the updates of one repository; only those about security.
pub(super) fn read(bytes: &[u8], ecosystem: &str, sink: &mut impl FnMut(Advisory)) -> Result<Stats, ImportError> {
    let mut stats = Stats::default();
    xml::each("updateinfo.xml", bytes, &["update"], |update| {
        let id = update.text_of("id");
        if !matches!(update.attribute("type"), "security" | "") {
            (stats.read, stats.outside) = (stats.read + 1, stats.outside + 1);
            return;
        }
        if id.is_empty() {
            return stats.bad("an update", "id", "is missing");
        }
        let date = |name: &str| update.child(name).and_then(|element| unix(element.attribute("date")));
        let mut advisory = Advisory {
            id: id.into(),
            summary: summary(update.text_of("title")),
            published_unix: date("issued"),
            modified_unix: date("updated").or(date("issued")),
            severities: word(update.text_of("severity")),
            ..Advisory::default()
        };
        for reference in update.all("references").flat_map(|references| references.all("reference")) {
            let name = reference.attribute("id");
            if name.starts_with("CVE-") && !advisory.upstream.iter().any(|known| **known == *name) {
                advisory.upstream.push(name.into());
            }
            if advisory.references.len() < 12 && !reference.attribute("href").is_empty() {
                advisory.references.push(reference.attribute("href").into());
            }
        }
        for collection in update.all("pkglist").flat_map(|list| list.all("collection")) {
            let module = collection
                .child("module")
                .map(|module| [module.attribute("name"), ":", module.attribute("stream")].concat());
            for package in collection.all("package") {
                let (name, version) = (package.attribute("name"), package.attribute("version"));
                if name.is_empty() || version.is_empty() {
                    stats.bad(id, "pkglist.package", "has no name or no version");
                    continue;
                }
                let fixed = evr(package.attribute("epoch"), version, package.attribute("release"));
                advisory.affected.push(Affected {
                    ecosystem: ecosystem.into(),
                    package: name.into(),
                    ranges: vec![Range { end: End::Fixed(fixed), ..Range::default() }],
                    arches: Some(package.attribute("arch"))
                        .filter(|arch| !arch.is_empty())
                        .into_iter()
                        .map(Box::from)
                        .collect(),
                    module: module.clone().unwrap_or_default().into(),
                    ..Affected::default()
                });
            }
        }
        stats.read += 1;
        sink(advisory);
    })?;
    Ok(stats)
}
