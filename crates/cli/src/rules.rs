//! All rules of the product, in the order of their codes.

use std::sync::LazyLock;

use model::Rule;

/// Every rule that any check of any crate may report.
pub(crate) fn all() -> &'static [&'static Rule] {
    static RULES: LazyLock<Vec<&'static Rule>> = LazyLock::new(|| {
        let mut rules: Vec<&'static Rule> = policy::check::rules().to_vec();
        rules.extend(of_images());
        rules.sort_unstable_by_key(|rule| rule.code);
        rules
    });
    &RULES
}

/// Rules that scans of images and source trees may report.
pub(crate) fn of_images() -> impl Iterator<Item = &'static Rule> {
    image::rules().chain(advisory::rules())
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_code_is_unique_over_all_crates() {
        let codes: Vec<&str> = super::all().iter().map(|rule| rule.code).collect();
        assert!(codes.windows(2).all(|pair| pair[0] < pair[1]), "{codes:?}");
    }
}
