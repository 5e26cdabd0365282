//! What a single NetworkPolicy says.

use manifest::{Object, Value};
use model::{Rule, Scope, Serves, Severity};

use super::cidr::{Cidr, METADATA};
use crate::check::{Context, ObjectCheck};
use crate::sink::Sink;

/// A rule admits pods of every namespace.
pub static ALL_NAMESPACES: Rule = Rule {
    code: "network-policy-all-namespaces",
    title: "A policy admits pods of every namespace",
    severity: Severity::Medium,
    scope: Scope::NetworkPolicy,
    serves: &[Serves::full("NW-04"), Serves::part("NW-02")],
    why: "An empty namespaceSelector matches every namespace there is and will be, so any tenant can put itself among \
          the allowed peers. A podSelector beside it does not help against somebody who sets labels in a namespace of \
          their own.",
    fix: "Name the namespaces, best by the label kubernetes.io/metadata.name, which only the API server sets.",
    example: "ingress:\n  - from:\n      - namespaceSelector:\n          matchLabels:\n            kubernetes.io/metadata.name: shop\n",
};

/// A rule trusts a label that others may set.
pub static NAMESPACE_LABEL: Rule = Rule {
    code: "network-policy-namespace-label",
    title: "A policy trusts a namespace label anybody may set",
    severity: Severity::Info,
    scope: Scope::NetworkPolicy,
    serves: &[Serves::part("NW-04")],
    why: "Whoever may edit a namespace can give it the label that the policy admits. Only kubernetes.io/metadata.name \
          is set by the API server and cannot be chosen.",
    fix: "Select by kubernetes.io/metadata.name, or make sure that tenants cannot write labels of namespaces.",
    example: "",
};

/// Ingress is open to everybody.
pub static FROM_ANYWHERE: Rule = Rule {
    code: "network-policy-ingress-from-anywhere",
    title: "An ingress rule admits every source",
    severity: Severity::Medium,
    scope: Scope::NetworkPolicy,
    serves: &[Serves::full("NW-02"), Serves::part("NW-03"), Serves::part("DV-01")],
    why: "A rule without peers, or with a block that holds every address, admits every pod, node and outside host. \
          For the ports it names, the policy only looks like one.",
    fix: "List the peers that call this workload in `from`; for traffic from outside, admit the ingress controller only.",
    example: "ingress:\n  - from:\n      - podSelector:\n          matchLabels:\n            app: front\n    ports:\n      - port: 8080\n",
};

/// Egress is open to everywhere.
pub static TO_ANYWHERE: Rule = Rule {
    code: "network-policy-egress-to-anywhere",
    title: "An egress rule allows every destination",
    severity: Severity::Medium,
    scope: Scope::NetworkPolicy,
    serves: &[Serves::full("NW-02"), Serves::part("NW-03"), Serves::part("NW-09"), Serves::part("DV-01")],
    why: "A rule without peers, or with a block that holds every address, lets an intruder reach other tenants, the \
          cloud metadata service and any host on the internet.",
    fix: "List the destinations in `to`. Where the internet is needed, use an ipBlock that leaves out private ranges \
          and 169.254.169.254/32.",
    example: "egress:\n  - to:\n      - ipBlock:\n          cidr: 0.0.0.0/0\n          except: [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 169.254.0.0/16]\n    ports:\n      - port: 443\n",
};

/// Egress reaches the metadata service of the cloud.
pub static METADATA_OPEN: Rule = Rule {
    code: "network-policy-egress-metadata",
    title: "An egress block holds the cloud metadata address",
    severity: Severity::Medium,
    scope: Scope::NetworkPolicy,
    serves: &[Serves::part("NW-09")],
    why: "At 169.254.169.254 most clouds hand out credentials of the node to whoever asks, so a taken-over pod can \
          continue as the node.",
    fix: "Add 169.254.169.254/32 to `except` of the block.",
    example: "egress:\n  - to:\n      - ipBlock:\n          cidr: 0.0.0.0/0\n          except: [169.254.169.254/32, 10.0.0.0/8]\n",
};

/// A rule limits peers but not ports.
pub static ALL_PORTS: Rule = Rule {
    code: "network-policy-all-ports",
    title: "A policy rule allows every port",
    severity: Severity::Low,
    scope: Scope::NetworkPolicy,
    serves: &[Serves::part("NW-02")],
    why: "A rule without ports opens debug, metrics and administration ports to the peer together with the one port \
          it needs.",
    fix: "List the ports that the peer uses.",
    example: "ingress:\n  - from:\n      - podSelector: {}\n    ports:\n      - port: 8080\n",
};

/// Rules of a direction that the policy does not govern.
pub static RULES_IGNORED: Rule = Rule {
    code: "network-policy-rules-ignored",
    title: "Policy rules stand in a direction that policyTypes leaves out",
    severity: Severity::Medium,
    scope: Scope::NetworkPolicy,
    serves: &[Serves::full("NW-02")],
    why: "policyTypes decides which directions are isolated. Rules of another direction are ignored without a word, \
          and the traffic they were meant to limit stays open.",
    fix: "Add the direction to policyTypes, or remove its rules.",
    example: "policyTypes: [Ingress, Egress]\n",
};

/// A peer or port that is refused, or does not do what it seems to.
pub static INVALID: Rule = Rule {
    code: "network-policy-invalid-rule",
    title: "A peer or port of a policy is not valid",
    severity: Severity::Medium,
    scope: Scope::NetworkPolicy,
    serves: &[Serves::full("NW-02"), Serves::part("DV-12")],
    why: "The API server refuses the whole policy, so the namespace stays as open as it was before.",
    fix: "Write blocks as address/prefix with exceptions strictly inside, give each peer either an ipBlock or selectors, \
          and let endPort follow a numeric port that is not greater.",
    example: "egress:\n  - to:\n      - ipBlock:\n          cidr: 10.0.0.0/8\n          except: [10.1.0.0/16]\n    ports:\n      - port: 32000\n        endPort: 32768\n",
};

/// A port is named instead of numbered.
pub static NAMED_PORT: Rule = Rule {
    code: "network-policy-named-port",
    title: "A policy names a port that the pod defines",
    severity: Severity::Info,
    scope: Scope::NetworkPolicy,
    serves: &[Serves::part("NW-02")],
    why: "A named port means whatever number the selected pod gives it, so whoever writes the pod chooses what is open.",
    fix: "Use the number where pods and policies have different owners.",
    example: "",
};

/// The check on one policy.
pub(super) const CHECK: ObjectCheck = ObjectCheck {
    scope: Scope::NetworkPolicy,
    rules: &[
        &ALL_NAMESPACES,
        &NAMESPACE_LABEL,
        &FROM_ANYWHERE,
        &TO_ANYWHERE,
        &METADATA_OPEN,
        &ALL_PORTS,
        &RULES_IGNORED,
        &INVALID,
        &NAMED_PORT,
    ],
    run: check,
};

/// One half of a policy.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Ingress,
    Egress,
}

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    if object.kind != "NetworkPolicy" {
        return;
    }
    let Some(spec) = object.spec() else { return };
    for direction in [Direction::Ingress, Direction::Egress] {
        let Some(rules) = spec.get(direction.field()) else { continue };
        if !rules.is_empty() && !governs(spec, direction) {
            let message = format!(
                "`spec.{}` has rules, but `spec.policyTypes` leaves out {}",
                direction.field(),
                direction.type_name()
            );
            sink.report(&RULES_IGNORED, rules, message).field("spec.policyTypes");
            continue;
        }
        for (index, rule) in rules.items().enumerate() {
            check_rule(rule, direction, &format!("spec.{}[{index}]", direction.field()), sink);
        }
    }
}

fn governs(spec: Value<'_>, direction: Direction) -> bool {
    // Without policyTypes, egress is governed as soon as there are egress rules, and ingress always.
    match spec.get("policyTypes") {
        Some(types) if !types.is_empty() => types.items().any(|word| word.as_str() == Some(direction.type_name())),
        _ => true,
    }
}

fn check_rule(rule: Value<'_>, direction: Direction, path: &str, sink: &mut Sink<'_>) {
    let any_port = rule.get("ports").is_none_or(Value::is_empty);
    let peers = rule.get(direction.peers()).filter(|peers| !peers.is_empty());
    for (index, port) in rule.list("ports").enumerate() {
        check_port(port, &format!("{path}.ports[{index}]"), sink);
    }
    let Some(peers) = peers else {
        report_everyone(rule, direction, any_port, path, sink);
        return;
    };
    let mut open = false;
    for (index, peer) in peers.items().enumerate() {
        let field = format!("{path}.{}[{index}]", direction.peers());
        open |= check_peer(peer, direction, rule, &field, sink);
    }
    if any_port && !open {
        sink.report(&ALL_PORTS, rule, format!("`{path}` lists no `ports`, which allows all of them"))
            .field(format!("{path}.ports"));
    }
}

/// A rule without peers.
fn report_everyone(rule: Value<'_>, direction: Direction, any_port: bool, path: &str, sink: &mut Sink<'_>) {
    let is_dns = |port: Value<'_>| port.i64_at("port") == Some(53) && port.get("endPort").is_none();
    // Name resolution for everyone is the usual companion of a default deny.
    if direction == Direction::Egress && !any_port && rule.list("ports").all(is_dns) {
        return;
    }
    let severity = if any_port { Severity::Medium } else { Severity::Low };
    let ports = if any_port { "on all ports" } else { "on the ports it lists" };
    let message = format!("`{path}` lists no peers in `{}`, which allows everyone {ports}", direction.peers());
    sink.report(direction.anywhere(), rule, message).field(format!("{path}.{}", direction.peers())).severity(severity);
}

/// Judges one peer; true when it alone makes the rule open to everyone.
fn check_peer(peer: Value<'_>, direction: Direction, rule: Value<'_>, field: &str, sink: &mut Sink<'_>) -> bool {
    let (namespaces, pods) = (peer.get("namespaceSelector"), peer.get("podSelector"));
    if let Some(block) = peer.get("ipBlock") {
        if namespaces.is_some() || pods.is_some() {
            sink.report(&INVALID, peer, format!("`{field}` has both an ipBlock and a selector")).field(field);
        }
        return check_block(block, direction, rule, &format!("{field}.ipBlock"), sink);
    }
    let Some(namespaces) = namespaces else {
        if pods.is_none() {
            sink.report(&INVALID, peer, format!("`{field}` names no peer at all")).field(field);
        }
        return false;
    };
    let terms = || namespaces.get("matchLabels").into_iter().flat_map(Value::entries).map(|(key, _)| key);
    let expressions = || namespaces.list("matchExpressions").filter_map(|expression| expression.get("key"));
    if terms().chain(expressions()).next().is_none() {
        let all_pods = pods.is_none_or(selects_all);
        let severity = if direction == Direction::Ingress && all_pods { Severity::Medium } else { Severity::Low };
        let which = if all_pods { "every pod of every namespace" } else { "pods of every namespace" };
        sink.report(&ALL_NAMESPACES, namespaces, format!("`{field}.namespaceSelector` is empty and selects {which}"))
            .field(format!("{field}.namespaceSelector"))
            .severity(severity);
        return all_pods;
    }
    if !terms().chain(expressions()).any(|key| key.as_str() == Some(super::NAMESPACE_NAME_LABEL)) {
        let key = terms().chain(expressions()).find_map(Value::as_str).unwrap_or("");
        let message = format!("`{field}.namespaceSelector` selects by `{key}`, which editors of a namespace can set");
        sink.report(&NAMESPACE_LABEL, namespaces, message).field(format!("{field}.namespaceSelector"));
    }
    false
}

fn selects_all(selector: Value<'_>) -> bool {
    ["matchLabels", "matchExpressions"].iter().all(|key| selector.get(key).is_none_or(Value::is_empty))
}

/// Judges one block; true when it alone makes the rule open to everyone.
fn check_block(block: Value<'_>, direction: Direction, rule: Value<'_>, field: &str, sink: &mut Sink<'_>) -> bool {
    let text = block.str_at("cidr").unwrap_or("");
    let Some(cidr) = Cidr::parse(text) else {
        let at = block.get("cidr").unwrap_or(block);
        sink.report(&INVALID, at, format!("`{field}.cidr` is `{text}`, which is no address block"))
            .field(format!("{field}.cidr"));
        return false;
    };
    let mut hides_metadata = false;
    let mut exceptions = false;
    for except in block.list("except") {
        exceptions = true;
        let text = except.as_str().unwrap_or("");
        match Cidr::parse(text) {
            Some(inner) if cidr.covers(inner) && inner != cidr => {
                hides_metadata |= Cidr::parse(METADATA).is_some_and(|metadata| inner.covers(metadata));
            }
            _ => {
                sink.report(
                    &INVALID,
                    except,
                    format!("`{field}.except` has `{text}`, which is not strictly inside the cidr"),
                )
                .field(format!("{field}.except"));
            }
        }
    }
    if cidr.is_everything() && !exceptions {
        let any_port = rule.get("ports").is_none_or(Value::is_empty);
        let severity = if any_port { Severity::Medium } else { Severity::Low };
        sink.report(direction.anywhere(), block, format!("`{field}.cidr` is `{text}`, which holds every address"))
            .field(format!("{field}.cidr"))
            .severity(severity);
        return any_port;
    }
    let holds_metadata = Cidr::parse(METADATA).is_some_and(|metadata| cidr.covers(metadata)) && !hides_metadata;
    if direction == Direction::Egress && holds_metadata && reaches_http(rule) {
        let message = format!("`{field}` holds 169.254.169.254, and `except` does not leave it out");
        sink.report(&METADATA_OPEN, block, message).field(format!("{field}.except"));
    }
    false
}

/// Whether the rule opens port 80, where metadata services answer.
fn reaches_http(rule: Value<'_>) -> bool {
    let ports = rule.get("ports").filter(|ports| !ports.is_empty());
    ports.is_none_or(|ports| {
        ports.items().any(|port| match (port.i64_at("port"), port.i64_at("endPort")) {
            (Some(first), Some(last)) => (first..=last).contains(&80),
            (Some(only), None) => only == 80,
            (None, _) => true,
        })
    })
}

fn check_port(entry: Value<'_>, field: &str, sink: &mut Sink<'_>) {
    let port = entry.get("port");
    let number = port.and_then(Value::as_i64);
    let problem = match (port, number, entry.i64_at("endPort")) {
        (_, Some(number), _) if !(1..=65535).contains(&number) => Some(format!("`{field}.port` is {number}")),
        (None, _, Some(_)) => Some(format!("`{field}` has an endPort without a port")),
        (Some(_), None, Some(_)) => Some(format!("`{field}` has an endPort beside a named port")),
        (_, Some(first), Some(last)) if last < first || last > 65535 => {
            Some(format!("`{field}.endPort` is {last}, which cannot end a range that starts at {first}"))
        }
        _ => None,
    };
    if let Some(problem) = problem {
        sink.report(&INVALID, entry, problem).field(field);
    } else if let (Some(port), None) = (port, number) {
        let name = port.as_str().unwrap_or("");
        sink.report(&NAMED_PORT, port, format!("`{field}.port` is the name `{name}`")).field(format!("{field}.port"));
    }
}

// === impl Direction ===

impl Direction {
    fn field(self) -> &'static str {
        if self == Direction::Ingress { "ingress" } else { "egress" }
    }

    fn peers(self) -> &'static str {
        if self == Direction::Ingress { "from" } else { "to" }
    }

    fn type_name(self) -> &'static str {
        if self == Direction::Ingress { "Ingress" } else { "Egress" }
    }

    fn anywhere(self) -> &'static Rule {
        if self == Direction::Ingress { &FROM_ANYWHERE } else { &TO_ANYWHERE }
    }
}
