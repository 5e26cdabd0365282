//! Checks on how traffic comes in and goes out.

use super::{Form, Group};
use crate::checks::network::cluster_policy::ALLOWS_ALL;
use crate::checks::network::gateway::{BACKEND_UNVERIFIED, BROAD_GRANT, ROUTES_FROM_ALL};
use crate::checks::network::ingress::{
    CATCH_ALL, CLASS_ANNOTATION, HOST_WITHOUT_TLS, INJECTION, NO_TLS, OPEN_ALLOW_LIST, REDIRECT_OFF, SNIPPET,
};
use crate::checks::network::policy::{
    ALL_NAMESPACES, ALL_PORTS, FROM_ANYWHERE, METADATA_OPEN, NAMED_PORT, NAMESPACE_LABEL, RULES_IGNORED, TO_ANYWHERE,
};
use crate::checks::network::service::{
    ADMIN_PORT, EXTERNAL_IPS, EXTERNAL_NAME, LOAD_BALANCER_OPEN, NO_SELECTOR, NODE_PORT, NOT_READY,
};

const TYPE: (&str, &str) = ("type", "object.spec.?type.orValue('ClusterIP')");
const NOTES: (&str, &str) = ("notes", "object.metadata.?annotations.orValue({})");

/// Whether an annotation of a known cloud keeps the load balancer off the internet.
const INTERNAL: (&str, &str) = (
    "internal",
    "variables.notes[?'service.beta.kubernetes.io/aws-load-balancer-internal'].orValue('').lowerAscii() in
     ['true', '0.0.0.0/0'] ||
     variables.notes[?'service.beta.kubernetes.io/aws-load-balancer-scheme'].orValue('').lowerAscii() == 'internal' ||
     variables.notes[?'networking.gke.io/load-balancer-type'].orValue('').lowerAscii() == 'internal' ||
     variables.notes[?'cloud.google.com/load-balancer-type'].orValue('').lowerAscii() == 'internal' ||
     variables.notes[?'service.beta.kubernetes.io/azure-load-balancer-internal'].orValue('').lowerAscii() == 'true' ||
     variables.notes[?'service.beta.kubernetes.io/oci-load-balancer-internal'].orValue('').lowerAscii() == 'true' ||
     variables.notes[?'service.beta.kubernetes.io/openstack-internal-load-balancer'].orValue('').lowerAscii() ==
     'true' ||
     variables.notes[?'service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type'].orValue('').lowerAscii() ==
     'intranet' ||
     variables.notes[?'service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type'].orValue('').lowerAscii() ==
     'private' ||
     variables.notes[?'service.kubernetes.io/qcloud-loadbalancer-internal-subnetid'].orValue('') != ''",
);

/// Where a load balancer takes connections from; without a list, from everywhere.
const SOURCES: (&str, &str) = (
    "sources",
    "size(object.spec.?loadBalancerSourceRanges.orValue([])) > 0 ? object.spec.loadBalancerSourceRanges :
     variables.notes[?'service.beta.kubernetes.io/load-balancer-source-ranges'].orValue('0.0.0.0/0').split(',')",
);

const EXPOSED: (&str, &str) =
    ("exposed", "variables.type in ['LoadBalancer', 'NodePort'] || size(object.spec.?externalIPs.orValue([])) > 0");

const ADMIN_PORTS: (&str, &str) = (
    "adminPorts",
    "[22, 23, 1433, 1521, 2375, 2376, 2379, 2380, 3306, 3389, 5432, 5900, 5984, 6379, 6443, 8001, 8500, 9042, 9200,
     9300, 10250, 10255, 11211, 27017, 44134]",
);

pub(super) static SERVICES: Group = Group {
    name: "service-exposure",
    about: "Services open nothing to the outside by the way",
    resources: &[("", &["services"])],
    variables: &[TYPE, NOTES, INTERNAL, SOURCES, EXPOSED, ADMIN_PORTS],
    forms: &[
        Form { rule: &EXTERNAL_IPS, expression: "size(object.spec.?externalIPs.orValue([])) == 0" },
        Form { rule: &NODE_PORT, expression: "variables.type != 'NodePort'" },
        Form {
            rule: &NO_SELECTOR,
            expression: "variables.type == 'ExternalName' || size(object.spec.?selector.orValue({})) > 0",
        },
        Form { rule: &EXTERNAL_NAME, expression: "variables.type != 'ExternalName' || !has(object.spec.externalName)" },
        Form {
            // An address that the server chooses is never `None`, so the form need not wait for it.
            rule: &NOT_READY,
            expression: "!object.spec.?publishNotReadyAddresses.orValue(false) ||
                object.spec.?clusterIP.orValue('') == 'None'",
        },
        Form {
            rule: &ADMIN_PORT,
            expression: "!variables.exposed || object.spec.?ports.orValue([]).all(p,
                !(p.?targetPort.orValue(0) in variables.adminPorts) && !(p.?port.orValue(0) in variables.adminPorts))",
        },
        Form {
            rule: &LOAD_BALANCER_OPEN,
            expression: "variables.type != 'LoadBalancer' || variables.internal || !variables.sources.exists(s,
                isCIDR(s.trim()) && cidr(s.trim()).prefixLength() == 0)",
        },
    ],
};

const TLS: (&str, &str) = ("tls", "object.spec.?tls.orValue([])");

/// Some clouds take the certificate from an annotation.
const CERTIFICATE: (&str, &str) = (
    "certificate",
    "['alb.ingress.kubernetes.io/certificate-arn', 'networking.gke.io/managed-certificates',
     'networking.gke.io/pre-shared-certs', 'ingress.gcp.kubernetes.io/pre-shared-cert',
     'appgw.ingress.kubernetes.io/appgw-ssl-certificate'].exists(key, key in variables.notes)",
);

/// Annotations of the nginx and HAProxy controllers, without their prefixes.
const SETTINGS: (&str, &str) = (
    "settings",
    "variables.notes.transformList(key, value, string(key).split('/')[0] in ['nginx.ingress.kubernetes.io', 'nginx.org',
     'haproxy.org', 'haproxy-ingress.github.io'] && string(key).contains('/') &&
     value != '', [string(key).substring(string(key).indexOf('/') + 1), string(value)])",
);

/// Host names that the certificates are said to be for.
const NAMES: (&str, &str) = ("names", "variables.tls.map(t, t.?hosts.orValue([])).flatten()");

pub(super) static INGRESSES: Group = Group {
    name: "ingresses",
    about: "Ingresses use TLS, and carry no configuration of the controller",
    resources: &[("networking.k8s.io", &["ingresses"])],
    variables: &[NOTES, TLS, CERTIFICATE, SETTINGS, NAMES],
    forms: &[
        Form { rule: &NO_TLS, expression: "size(variables.tls) > 0 || variables.certificate" },
        Form {
            rule: &HOST_WITHOUT_TLS,
            expression: "size(variables.tls) == 0 || variables.tls.exists(t, size(t.?hosts.orValue([])) == 0) ||
                object.spec.?rules.orValue([]).all(r, r.?host.orValue('') == '' || r.host in variables.names ||
                r.host.contains('.') && '*' + r.host.substring(r.host.indexOf('.')) in variables.names)",
        },
        Form {
            rule: &REDIRECT_OFF,
            expression: "size(variables.tls) == 0 && !variables.certificate ||
                variables.settings.all(s, s[0] != 'ssl-redirect' || s[1].lowerAscii() != 'false')",
        },
        Form {
            rule: &SNIPPET,
            expression: "variables.settings.all(s, !s[0].endsWith('-snippet') && !s[0].endsWith('-snippets'))",
        },
        Form {
            rule: &INJECTION,
            expression: "variables.settings.all(s, !(s[0] in ['auth-url', 'auth-signin', 'auth-tls-match-cn',
                'mirror-target', 'mirror-host', 'auth-proxy-set-headers', 'canary-by-header', 'permanent-redirect',
                'temporal-redirect', 'rewrite-target', 'server-alias', 'upstream-vhost']) ||
                !s[1].trim().matches('[\\\\n\\\\r;{}\"\\'`]'))",
        },
        Form {
            rule: &OPEN_ALLOW_LIST,
            expression: "variables.settings.all(s, !(s[0] in ['whitelist-source-range', 'allowlist-source-range']) ||
                !s[1].split(',').exists(range, isCIDR(range.trim()) && cidr(range.trim()).prefixLength() == 0))",
        },
        Form { rule: &CLASS_ANNOTATION, expression: "!('kubernetes.io/ingress.class' in variables.notes)" },
        Form {
            rule: &CATCH_ALL,
            expression: "!has(object.spec.defaultBackend) && object.spec.?rules.orValue([]).all(r,
                r.?host.orValue('') != '' && !r.host.startsWith('*'))",
        },
    ],
};

const INGRESS: (&str, &str) =
    ("ingress", "'Ingress' in object.spec.?policyTypes.orValue(['Ingress']) ? object.spec.?ingress.orValue([]) : []");
const EGRESS: (&str, &str) =
    ("egress", "'Egress' in object.spec.?policyTypes.orValue(['Egress']) ? object.spec.?egress.orValue([]) : []");

/// Peers that are named by labels.
const SELECTED: (&str, &str) = (
    "selected",
    "(variables.ingress.map(r, r.?from.orValue([])) + variables.egress.map(r, r.?to.orValue([]))).flatten()
     .filter(p, !has(p.ipBlock) && has(p.namespaceSelector))",
);

/// Rules of both directions, each with its peers.
const RULES: (&str, &str) = (
    "rules",
    "variables.ingress.map(r, [r.?ports.orValue([]), r.?from.orValue([])]) +
     variables.egress.map(r, [r.?ports.orValue([]), r.?to.orValue([])])",
);

pub(super) static NETWORK_POLICIES: Group = Group {
    name: "network-policies",
    about: "NetworkPolicies name whom they let in and out",
    resources: &[("networking.k8s.io", &["networkpolicies"])],
    variables: &[INGRESS, EGRESS, SELECTED, RULES],
    forms: &[
        Form {
            rule: &RULES_IGNORED,
            expression: "size(variables.ingress) == size(object.spec.?ingress.orValue([])) &&
                size(variables.egress) == size(object.spec.?egress.orValue([]))",
        },
        Form {
            rule: &FROM_ANYWHERE,
            expression: "variables.ingress.all(r, size(r.?from.orValue([])) > 0 && !r.from.exists(p, has(p.ipBlock) &&
                cidr(p.ipBlock.cidr).prefixLength() == 0 && size(p.ipBlock.?except.orValue([])) == 0))",
        },
        Form {
            // Name resolution for everyone is the usual companion of a default deny.
            rule: &TO_ANYWHERE,
            expression: "variables.egress.all(r, size(r.?to.orValue([])) > 0 ?
                !r.to.exists(p, has(p.ipBlock) && cidr(p.ipBlock.cidr).prefixLength() == 0 &&
                size(p.ipBlock.?except.orValue([])) == 0) :
                size(r.?ports.orValue([])) > 0 && r.ports.all(p, p.?port.orValue(0) == 53 && !has(p.endPort)))",
        },
        Form {
            rule: &METADATA_OPEN,
            expression: "variables.egress.all(r, !(size(r.?ports.orValue([])) == 0 || r.ports.exists(p,
                !has(p.port) || type(p.port) == int && (has(p.endPort) ? p.port <= 80 && 80 <= p.endPort :
                p.port == 80) || type(p.port) == string && !has(p.endPort))) ||
                r.?to.orValue([]).all(p, !has(p.ipBlock) ||
                !cidr(p.ipBlock.cidr).containsIP('169.254.169.254') ||
                cidr(p.ipBlock.cidr).prefixLength() == 0 && size(p.ipBlock.?except.orValue([])) == 0 ||
                p.ipBlock.?except.orValue([]).exists(e, cidr(e).containsIP('169.254.169.254') &&
                cidr(e).prefixLength() > cidr(p.ipBlock.cidr).prefixLength())))",
        },
        Form {
            rule: &ALL_NAMESPACES,
            expression: "variables.selected.all(p, size(p.namespaceSelector.?matchLabels.orValue({})) > 0 ||
                size(p.namespaceSelector.?matchExpressions.orValue([])) > 0)",
        },
        Form {
            rule: &NAMESPACE_LABEL,
            expression: "variables.selected.all(p,
                size(p.namespaceSelector.?matchLabels.orValue({})) == 0 &&
                size(p.namespaceSelector.?matchExpressions.orValue([])) == 0 ||
                'kubernetes.io/metadata.name' in p.namespaceSelector.?matchLabels.orValue({}) ||
                p.namespaceSelector.?matchExpressions.orValue([]).exists(e, e.key == 'kubernetes.io/metadata.name'))",
        },
        Form {
            rule: &ALL_PORTS,
            expression: "variables.rules.all(r, size(r[0]) > 0 || size(r[1]) == 0 || r[1].exists(p, has(p.ipBlock) ?
                cidr(p.ipBlock.cidr).prefixLength() == 0 && size(p.ipBlock.?except.orValue([])) == 0 :
                has(p.namespaceSelector) && size(p.namespaceSelector.?matchLabels.orValue({})) == 0 &&
                size(p.namespaceSelector.?matchExpressions.orValue([])) == 0 &&
                size(p.?podSelector.matchLabels.orValue({})) == 0 &&
                size(p.?podSelector.matchExpressions.orValue([])) == 0))",
        },
        Form {
            rule: &NAMED_PORT,
            expression: "variables.rules.all(r, r[0].all(p, type(p.?port.orValue(0)) != string || has(p.endPort)))",
        },
    ],
};

pub(super) static GATEWAYS: Group = Group {
    name: "gateways",
    about: "Gateways take routes of those who are meant, and verify their backends",
    resources: &[("gateway.networking.k8s.io", &["gateways", "referencegrants", "backendtlspolicies"])],
    variables: &[("trust", "object.?spec.validation.or(object.?spec.tls).orValue({})")],
    forms: &[
        Form {
            rule: &ROUTES_FROM_ALL,
            expression: "object.kind != 'Gateway' || object.spec.?listeners.orValue([]).all(l,
                l.?allowedRoutes.namespaces.from.orValue('') != 'All')",
        },
        Form {
            rule: &BROAD_GRANT,
            expression: "object.kind != 'ReferenceGrant' || object.spec.?to.orValue([]).all(t,
                t.?name.orValue('') != '')",
        },
        Form {
            rule: &BACKEND_UNVERIFIED,
            expression: "object.kind != 'BackendTLSPolicy' || variables.trust.?hostname.orValue('') != '' &&
                (['caCertificateRefs', 'caCertRefs'].exists(key, size(variables.trust[?key].orValue([])) > 0) ||
                ['wellKnownCACertificates', 'wellKnownCACerts'].exists(key, variables.trust[?key].orValue('') != ''))",
        },
    ],
};

pub(super) static CLUSTER_POLICIES: Group = Group {
    name: "cluster-network-policies",
    about: "Cluster-wide policies do not allow every peer",
    resources: &[("policy.networking.k8s.io", &["adminnetworkpolicies", "clusternetworkpolicies"])],
    variables: &[
        (
            "rules",
            "object.spec.?tier.orValue('') == 'Baseline' ? [] :
             object.spec.?ingress.orValue([]).map(r, [r, r.?from.orValue([])]) +
             object.spec.?egress.orValue([]).map(r, [r, r.?to.orValue([])])",
        ),
        (
            "open",
            "variables.rules.filter(r, r[0].?action.orValue('') in ['Allow', 'Accept'] &&
             size(r[0].?ports.orValue([])) == 0 && size(r[0].?protocols.orValue([])) == 0).map(r, r[1]).flatten()",
        ),
    ],
    forms: &[Form {
        rule: &ALLOWS_ALL,
        expression: "variables.open.all(p,
            !p.?namespaces.optMap(s, s.all(key, terms, key in ['matchLabels', 'matchExpressions'] &&
            size(terms) == 0)).orValue(false) &&
            !(has(p.pods) && [p.pods.?namespaceSelector, p.pods.?podSelector].all(s,
            s.optMap(t, t.all(key, terms, key in ['matchLabels', 'matchExpressions'] && size(terms) == 0))
            .orValue(true))) &&
            !p.?networks.orValue([]).exists(n, isCIDR(n) && cidr(n).prefixLength() == 0))",
    }],
};
