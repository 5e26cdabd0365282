//! Issues in the order in which the API server tells them: field by field.

use std::collections::HashMap;
use std::sync::Arc;

use crate::admission_policy::issue::LoadIssue;

/// Sorts issues: objects in the order in which they came, and within each the fields as the API server checks
/// them. Compiling finds its issues after the shape of the whole document was looked at.
pub(crate) fn sort(issues: &mut [LoadIssue]) {
    let mut objects: HashMap<Arc<str>, usize> = HashMap::new();
    for issue in issues.iter() {
        let next = objects.len();
        objects.entry(issue.object.clone()).or_insert(next);
    }
    issues.sort_by_key(|issue| (objects.get(&issue.object).copied(), rank(issue)));
}

/// Place of a field: its list, the index in that, and the field of the item.
fn rank(issue: &LoadIssue) -> (usize, usize, usize) {
    let Some(field) = issue.field.strip_prefix("spec.") else { return (0, 0, 0) };
    let end = field.find(['[', '.']).unwrap_or(field.len());
    let (list, rest) = field.split_at(end);
    let place = FIELDS.iter().position(|name| *name == list).map_or(FIELDS.len(), |place| place);
    let Some((index, item)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
        return (place + 1, 0, 0);
    };
    let name = item.trim_start_matches('.');
    let order = ITEMS.iter().find(|(own, _)| *own == list).map_or(&[][..], |(_, order)| order);
    let within = match issue.message.starts_with("Duplicate value") {
        // Whether a name was there before is asked when everything else about the item is said.
        true => order.len() + 1,
        false => order.iter().position(|field| *field == name).unwrap_or(order.len()),
    };
    (place + 1, index.parse().unwrap_or(usize::MAX), within)
}

const FIELDS: [&str; 9] = [
    "failurePolicy",
    "paramKind",
    "matchConstraints",
    "matchConditions",
    "variables",
    "validations",
    "auditAnnotations",
    "mutations",
    "reinvocationPolicy",
];

/// Fields of the items of lists in which more than one field can be wrong.
const ITEMS: [(&str, &[&str]); 4] = [
    ("matchConditions", &["expression", "name"]),
    ("variables", &["name", "expression"]),
    ("validations", &["expression", "messageExpression", "message", "reason"]),
    ("auditAnnotations", &["key", "valueExpression"]),
];
