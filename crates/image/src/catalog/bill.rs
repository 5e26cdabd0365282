//! Bills of materials that lie in an image.

use super::document::named;
use super::{Cataloguer, Input, Settings, Sink, Wants};
use crate::facts::Fact;
use crate::sbom::SubjectKind;
use model::package::Kind;

/// Files that are bills by their names. What they say is held against what is found.
pub static CATALOGUERS: &[Cataloguer] = &[BILL, BITNAMI];

const BILL: Cataloguer = Cataloguer {
    name: "bill-of-materials",
    wants: Wants {
        names: &["sbom.json", "bom.json", "sbom.cdx.json", "sbom.spdx.json", "bom.xml", "sbom.spdx"],
        extensions: &[".cdx", ".spdx"],
        path_ends: &[],
        folders: &["var/lib/db/sbom"],
        filter: |_| true,
    },
    settings: Settings::Installed,
    bytes_max: 16 << 20,
    read: |input: &Input<'_>, sink: &mut Sink| sink.facts.push(Fact::Sbom(input.bytes.into())),
};

/// `opt/bitnami/redis/.spdx-redis.spdx`: what Bitnami built, of which no package manager knows.
const BITNAMI: Cataloguer = Cataloguer {
    name: "bitnami",
    wants: Wants { extensions: &[".spdx"], filter: is_of_bitnami, ..Wants::NOTHING },
    settings: Settings::Installed,
    bytes_max: 16 << 20,
    read: bitnami,
};

fn is_of_bitnami(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    name.starts_with(".spdx-") && folder.split('/').any(|part| part == "bitnami")
}

fn bitnami(input: &Input<'_>, sink: &mut Sink) {
    let bill = match crate::sbom::read(input.bytes) {
        Ok(bill) => bill,
        Err(error) => return sink.damage(format!("the bill of what was built cannot be read: {error}")),
    };
    bill.damage.into_iter().for_each(|message| sink.damage(message));
    // What the bill describes is the program itself.
    let subject = bill.subject;
    let described = !subject.name.is_empty() && subject.kind == SubjectKind::Other;
    if described && let Some(mut package) = named(sink, Kind::Bitnami, &subject.name, &subject.version) {
        package.arch = subject.arch;
        sink.package(package);
    }
    if bill.entries.is_empty() && !described {
        sink.damage("it names no package: it is cut off, or another format than its name says");
    }
    for entry in bill.entries {
        let told = entry.package;
        if told.kind.is_of_system() {
            continue; // Their own database tells of them.
        }
        let Some(mut package) = named(sink, told.kind, &told.name, &told.version) else { continue };
        (package.arch, package.licenses, package.supplier) = (told.arch, told.licenses, told.supplier);
        sink.package(package);
    }
}

#[cfg(test)]
mod tests {
    use super::{bitnami, is_of_bitnami};
    use crate::catalog::packages_read;
    use model::package::Kind;

    #[test]
    fn what_bitnami_built_is_told_by_its_bill() {
        let text = r#"{"spdxVersion":"SPDX-2.3","dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"redis",
            "documentNamespace":"https://example.com/redis","creationInfo":{"created":"2024-01-01T00:00:00Z","creators":["Tool: x"]},
            "packages":[{"name":"redis","SPDXID":"SPDXRef-Package-redis","versionInfo":"7.2.4-3","downloadLocation":"NOASSERTION",
            "licenseConcluded":"BSD-3-Clause","licenseDeclared":"BSD-3-Clause","copyrightText":"NOASSERTION","filesAnalyzed":false,
            "externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl",
            "referenceLocator":"pkg:bitnami/redis@7.2.4-3?arch=amd64&distro=debian-12"}]}],
            "relationships":[{"spdxElementId":"SPDXRef-DOCUMENT","relatedSpdxElement":"SPDXRef-Package-redis","relationshipType":"DESCRIBES"}]}"#;
        let (packages, damage) = packages_read(bitnami, "opt/bitnami/redis/.spdx-redis.spdx", text.as_bytes());
        let contained = text.replace("DESCRIBES", "OTHER");
        let (again, _) = packages_read(bitnami, "opt/bitnami/redis/.spdx-redis.spdx", contained.as_bytes());
        assert_eq!((again.len(), &*again[0].name, again[0].kind), (1, "redis", Kind::Bitnami));
        let told: Vec<_> = packages.iter().map(|package| (package.kind, &*package.name, &*package.version)).collect();
        assert_eq!(told, [(Kind::Bitnami, "redis", "7.2.4-3")], "{damage:?}");
        assert_eq!(damage.len(), 0, "{damage:?}");
        for other in ["", "{}", &text[..300], &text.replace("7.2.4-3", "")] {
            assert!(!packages_read(bitnami, "x", other.as_bytes()).1.is_empty(), "{other}");
        }
        assert!(is_of_bitnami("opt/bitnami/common/.spdx-wait-for-port.spdx") && !is_of_bitnami("opt/x/.spdx-a.spdx"));
    }
}
