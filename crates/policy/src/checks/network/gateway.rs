//! The Gateway API: listeners, routes, grants.

use manifest::inventory::{Gateway, HttpRoute, PlainListener};
use manifest::{Inventory, Object, Value};
use model::{Rule, Scope, Serves, Severity};

use crate::check::{Context, InventoryCheck, ObjectCheck};
use crate::sink::Sink;

/// A listener serves clear text.
pub static PLAIN_LISTENER: Rule = Rule {
    code: "gateway-listener-plain-http",
    title: "A Gateway listener serves clear-text HTTP",
    severity: Severity::Medium,
    scope: Scope::Ingress,
    serves: &[Serves::part("NW-11"), Serves::part("DV-01")],
    why: "Cookies, passwords and tokens of the users cross the network in clear text, and anyone on the way can change \
          the answers.",
    fix: "Use a listener with protocol HTTPS, and let the routes of the HTTP listener only redirect to it.",
    example: "listeners:\n  - name: https\n    port: 443\n    protocol: HTTPS\n    tls:\n      certificateRefs:\n        - name: shop-tls\n",
};

/// Every namespace may attach routes.
pub static ROUTES_FROM_ALL: Rule = Rule {
    code: "gateway-routes-from-all",
    title: "A Gateway listener takes routes of every namespace",
    severity: Severity::Low,
    scope: Scope::Ingress,
    serves: &[Serves::part("NW-11")],
    why: "Any tenant can attach a route to the listener and take over paths, or hosts that nobody has claimed yet.",
    fix: "Set allowedRoutes.namespaces.from to Same, or to Selector with the namespaces that are meant.",
    example: "allowedRoutes:\n  namespaces:\n    from: Selector\n    selector:\n      matchLabels:\n        kubernetes.io/metadata.name: shop\n",
};

/// A grant covers more than one object.
pub static BROAD_GRANT: Rule = Rule {
    code: "reference-grant-broad",
    title: "A ReferenceGrant opens every object of a kind",
    severity: Severity::Low,
    scope: Scope::Ingress,
    serves: &[Serves::part("NW-11"), Serves::part("RA-32")],
    why: "Without a name, the grant lets another namespace use all objects of the kind that exist here or ever will: \
          all Services as backends, or all Secrets as certificates.",
    fix: "Name the one object in spec.to[].name.",
    example: "to:\n  - group: \"\"\n    kind: Secret\n    name: shop-tls\n",
};

/// TLS to a backend proves nothing.
pub static BACKEND_UNVERIFIED: Rule = Rule {
    code: "backend-tls-not-verified",
    title: "A BackendTLSPolicy does not verify the backend",
    severity: Severity::Medium,
    scope: Scope::Ingress,
    serves: &[Serves::part("NW-11"), Serves::part("DV-01")],
    why: "Without a host name and a trusted authority the gateway cannot tell the backend from somebody in between.",
    fix: "Set validation.hostname, and caCertificateRefs or wellKnownCACertificates.",
    example: "validation:\n  hostname: shop.internal\n  caCertificateRefs:\n    - group: \"\"\n      kind: ConfigMap\n      name: internal-ca\n",
};

/// The check on one object.
pub(super) const CHECK: ObjectCheck =
    ObjectCheck { scope: Scope::Ingress, rules: &[&ROUTES_FROM_ALL, &BROAD_GRANT, &BACKEND_UNVERIFIED], run: check };

/// The check of listeners against routes.
pub(super) const REDIRECT_CHECK: InventoryCheck = InventoryCheck { rules: &[&PLAIN_LISTENER], run: check_listeners };

fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    let Some(spec) = object.spec().filter(|_| object.group == "gateway.networking.k8s.io") else { return };
    match object.kind {
        "Gateway" => {
            for (index, listener) in spec.list("listeners").enumerate() {
                let from = listener.path(&["allowedRoutes", "namespaces", "from"]);
                if let Some(from) = from.filter(|from| from.as_str() == Some("All")) {
                    let path = format!("spec.listeners[{index}].allowedRoutes.namespaces.from");
                    sink.report(&ROUTES_FROM_ALL, from, format!("`{path}` is All")).field(path);
                }
            }
        }
        "ReferenceGrant" => {
            for (index, to) in spec.list("to").enumerate() {
                if to.str_at("name").is_none_or(str::is_empty) {
                    let kind = to.str_at("kind").unwrap_or("");
                    let severity = if kind == "Secret" { Severity::Medium } else { Severity::Low };
                    sink.report(&BROAD_GRANT, to, format!("`spec.to[{index}]` opens every {kind} of the namespace"))
                        .field(format!("spec.to[{index}].name"))
                        .severity(severity);
                }
            }
        }
        "BackendTLSPolicy" => check_backend(object, spec, sink),
        _ => {}
    }
}

fn check_backend(object: &Object<'_>, spec: Value<'_>, sink: &mut Sink<'_>) {
    // v1alpha2 called the field `tls`.
    let Some(validation) = spec.get("validation").or_else(|| spec.get("tls")) else {
        sink.report(&BACKEND_UNVERIFIED, object.location(), "`spec.validation` is missing").field("spec.validation");
        return;
    };
    let has = |keys: &[&str]| {
        keys.iter().any(|key| validation.get(key).is_some_and(|v| !v.is_empty() || v.as_str().is_some()))
    };
    if !has(&["hostname"]) {
        sink.report(&BACKEND_UNVERIFIED, validation, "`spec.validation.hostname` is missing")
            .field("spec.validation.hostname");
    }
    if !has(&["caCertificateRefs", "caCertRefs", "wellKnownCACertificates", "wellKnownCACerts"]) {
        sink.report(&BACKEND_UNVERIFIED, validation, "`spec.validation` names no trusted authority")
            .field("spec.validation.caCertificateRefs");
    }
}

fn check_listeners(inventory: &Inventory, _: Context<'_>, sink: &mut Sink<'_>) {
    let mut routes: std::collections::HashMap<(&str, &str), Vec<(&str, bool)>> = std::collections::HashMap::new();
    for route in &inventory.http_routes {
        for parent in &route.parents {
            let namespace = parent_namespace(route, &parent.namespace);
            routes.entry((namespace, &parent.name)).or_default().push((&parent.section, route.redirects));
        }
    }
    for gateway in &inventory.gateways {
        let attached = routes.get(&(gateway.origin.namespace(), gateway.origin.name())).map_or(&[][..], Vec::as_slice);
        for listener in &gateway.plain_listeners {
            judge_listener(gateway, listener, attached, sink);
        }
    }
}

fn judge_listener(gateway: &Gateway, listener: &PlainListener, attached: &[(&str, bool)], sink: &mut Sink<'_>) {
    let mut own = attached.iter().filter(|(section, _)| section.is_empty() || *section == &*listener.name).peekable();
    let unused = own.peek().is_none();
    if !unused && own.all(|(_, redirects)| *redirects) {
        return;
    }
    let path = format!("spec.listeners[{}].protocol", listener.index);
    let (message, severity) = if unused {
        (format!("`{path}` is HTTP, and no HTTPRoute here tells whether it only redirects"), Severity::Info)
    } else {
        (format!("`{path}` is HTTP, and a route serves it without redirecting to HTTPS"), Severity::Medium)
    };
    sink.report_on(&gateway.origin.subject, &PLAIN_LISTENER, listener.location, message).field(path).severity(severity);
}

fn parent_namespace<'r>(route: &'r HttpRoute, written: &'r str) -> &'r str {
    if written.is_empty() { route.origin.namespace() } else { written }
}
