//! Bills of materials that lie in an image.

use super::{Cataloguer, Input, Settings, Sink, Wants};
use crate::facts::Fact;

/// Files that are bills by their names. What they say is held against what is found.
pub static CATALOGUERS: &[Cataloguer] = &[Cataloguer {
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
}];
