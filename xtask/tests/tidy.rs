//! The house rules hold.

#[test]
fn the_tree_keeps_its_own_rules() {
    let faults = xtask::tidy::faults(&xtask::root());
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
