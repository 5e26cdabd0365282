//! CSAF 2: what its products are stands in a tree, what is said of them refers to it.

use std::collections::HashMap;

use serde_json::Value;

use super::{Products, Statement, Status, VexError, list, text};

/// Reads the statements; `None` when it is not CSAF.
pub(super) fn read(document: &Value) -> Option<Result<Vec<Statement>, VexError>> {
    let head = document.get("document").filter(|head| !text(head, "csaf_version").is_empty())?;
    let tree = Tree::read(document.get("product_tree").unwrap_or(&Value::Null));
    let author = head.get("publisher").map(|publisher| text(publisher, "name")).unwrap_or_default();
    let released = head.get("tracking").map(|tracking| text(tracking, "current_release_date")).unwrap_or_default();
    let mut out = Vec::new();
    for (index, one) in list(document, "vulnerabilities").iter().enumerate() {
        if let Err(error) = vulnerability(index, one, &tree, (author, released), &mut out) {
            return Some(Err(error));
        }
    }
    Some(Ok(out))
}

fn vulnerability(
    index: usize,
    one: &Value,
    tree: &Tree<'_>,
    (author, released): (&str, &str),
    out: &mut Vec<Statement>,
) -> Result<(), VexError> {
    let wrong = |what| VexError::Statement { index, what };
    let numbers = list(one, "ids").iter().map(|id| text(id, "text"));
    let names: Vec<Box<str>> =
        std::iter::once(text(one, "cve")).chain(numbers).filter(|name| !name.is_empty()).map(Box::from).collect();
    if names.is_empty() {
        return Err(wrong("it names no vulnerability"));
    }
    let said = one.get("product_status").unwrap_or(&Value::Null);
    let reasons = reasons(one, tree);
    for (group, status) in GROUPS {
        // Products with the same reason share a statement.
        let mut by_reason: HashMap<&str, Products> = HashMap::new();
        for product in list(said, group).iter().filter_map(Value::as_str) {
            let reason = reasons.get(product).copied().unwrap_or_default();
            if reason.is_empty() && status == Status::NotAffected {
                return Err(wrong("it does not say why it is not affected"));
            }
            by_reason.entry(reason).or_default().push(tree.product(product));
        }
        let mut groups: Vec<_> = by_reason.into_iter().collect();
        groups.sort();
        out.extend(groups.into_iter().map(|(reason, products)| Statement {
            vulnerability: names.clone(),
            products,
            status,
            justification: if status == Status::NotAffected { reason.into() } else { "".into() },
            timestamp: released.into(),
            author: author.into(),
        }));
    }
    Ok(())
}

/// Why products are not affected: the label of a flag, else what is said of the impact.
fn reasons<'a>(one: &'a Value, tree: &Tree<'a>) -> HashMap<&'a str, &'a str> {
    let mut reasons = HashMap::new();
    let impacts = list(one, "threats").iter().filter(|threat| text(threat, "category") == "impact");
    let told = list(one, "flags").iter().map(|flag| (flag, text(flag, "label")));
    for (about, reason) in told.chain(impacts.map(|threat| (threat, text(threat, "details")))) {
        let groups = list(about, "group_ids").iter().filter_map(Value::as_str);
        let members = groups.flat_map(|group| tree.groups.get(group).copied().unwrap_or_default());
        for product in list(about, "product_ids").iter().chain(members).filter_map(Value::as_str) {
            reasons.entry(product).or_insert(reason);
        }
    }
    reasons
}

/// Products by their identifiers.
#[derive(Default)]
struct Tree<'a> {
    /// The package URL, else the name.
    names: HashMap<&'a str, &'a str>,
    /// Whole → (component, platform).
    parts: HashMap<&'a str, (&'a str, &'a str)>,
    groups: HashMap<&'a str, &'a [Value]>,
}

impl<'a> Tree<'a> {
    fn read(value: &'a Value) -> Self {
        let mut tree = Tree::default();
        let mut open = vec![value];
        while let Some(branch) = open.pop() {
            open.extend(list(branch, "branches"));
            for product in branch.get("product").into_iter().chain(list(branch, "full_product_names")) {
                tree.name(product);
            }
        }
        for relation in list(value, "relationships") {
            let whole = relation.get("full_product_name").unwrap_or(&Value::Null);
            tree.name(whole);
            let parts = (text(relation, "product_reference"), text(relation, "relates_to_product_reference"));
            tree.parts.insert(text(whole, "product_id"), parts);
        }
        for group in list(value, "product_groups") {
            tree.groups.insert(text(group, "group_id"), list(group, "product_ids"));
        }
        tree
    }

    fn name(&mut self, product: &'a Value) {
        let helper = product.get("product_identification_helper").unwrap_or(&Value::Null);
        let purl = Some(text(helper, "purl")).filter(|purl| !purl.is_empty());
        let first = list(helper, "purls").first().and_then(Value::as_str);
        let name = purl.or(first).unwrap_or_else(|| text(product, "name"));
        self.names.insert(text(product, "product_id"), name);
    }

    /// A product as a statement names it. A component in a platform counts only in that platform.
    fn product(&self, id: &str) -> (Box<str>, Vec<Box<str>>) {
        let name = |id: &str| Box::from(self.names.get(id).copied().filter(|name| !name.is_empty()).unwrap_or(id));
        match self.parts.get(id) {
            Some((component, platform)) => (name(platform), vec![name(component)]),
            None => (name(id), Vec::new()),
        }
    }
}

/// What the groups of products say. Recommended and last affected versions say nothing of their own.
const GROUPS: [(&str, Status); 6] = [
    ("fixed", Status::Fixed),
    ("first_fixed", Status::Fixed),
    ("known_affected", Status::Affected),
    ("first_affected", Status::Affected),
    ("under_investigation", Status::UnderInvestigation),
    ("known_not_affected", Status::NotAffected),
];
