//! Policy packs that the binary carries: `--policy pack:NAME`.

use std::path::Path;

use policy::export::{Style, write};

/// The name in `pack:NAME`.
pub(crate) fn name(path: &Path) -> Option<&str> {
    path.to_str()?.strip_prefix("pack:")
}

/// The documents of a pack.
pub(crate) fn text(name: &str) -> Option<String> {
    if name == BUILTIN {
        return Some(write(Style { actions: &["Deny"], prefix: "kobuk-" }, |_| true).0);
    }
    PACKS.iter().find(|(own, _)| *own == name).map(|(_, text)| (*text).to_owned())
}

/// Names of all packs.
pub(crate) fn names() -> Vec<&'static str> {
    std::iter::once(BUILTIN).chain(PACKS.iter().map(|(name, _)| *name)).collect()
}

/// The built-in checks that CEL can say.
const BUILTIN: &str = "builtin";

macro_rules! pack {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../../policies/", $name, "/policy.yaml")))
    };
}

const PACKS: &[(&str, &str)] = &[
    pack!("allowed-registries"),
    pack!("exec-guard"),
    pack!("image-digests"),
    pack!("namespace-labels"),
    pack!("required-labels"),
    pack!("safe-defaults"),
];
