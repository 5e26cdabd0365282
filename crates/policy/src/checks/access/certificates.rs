//! Checks on certificate requests and trust bundles.

use manifest::{Object, Value};
use model::{Rule, Scope, Serves, Severity};

use crate::check::Context;
use crate::sink::Sink;

/// The certificate would be an administrator's.
pub static MASTERS: Rule = Rule {
    code: "csr-system-masters",
    title: "A certificate request asks for the group system:masters",
    severity: Severity::Critical,
    scope: Scope::Certificate,
    serves: &[Serves::part("RA-01"), Serves::part("RA-16")],
    why: "Whoever holds such a certificate passes every authorization check until it expires; it cannot be revoked.",
    fix: "Request a certificate for a named user and bind that user to the role it needs.",
    example: "",
};

/// The certificate would be a system component's.
pub static SYSTEM_IDENTITY: Rule = Rule {
    code: "csr-system-identity",
    title: "A client certificate request asks for a system: name",
    severity: Severity::High,
    scope: Scope::Certificate,
    serves: &[Serves::part("RA-16")],
    why: "Names that begin with system: are those of nodes, service accounts and control-plane components. A second \
          certificate for one of them acts as that component.",
    fix: "Use a name without the prefix; kubelets use the signer kubernetes.io/kube-apiserver-client-kubelet.",
    example: "",
};

/// The certificate lives too long.
pub static LIFETIME: Rule = Rule {
    code: "csr-lifetime",
    title: "A certificate request sets no short lifetime",
    severity: Severity::Medium,
    scope: Scope::Certificate,
    serves: &[Serves::part("RA-04"), Serves::part("RA-11"), Serves::part("RA-16")],
    why: "The API server checks no revocation list, so the lifetime is the only thing that ends a stolen \
          certificate. Without `expirationSeconds` the signer's default applies, commonly a year.",
    fix: "Set spec.expirationSeconds to hours or days, and never above three years.",
    example: "spec:\n  signerName: kubernetes.io/kube-apiserver-client\n  expirationSeconds: 86400\n",
};

/// The usages are more than a leaf needs.
pub static USAGES: Rule = Rule {
    code: "csr-usages",
    title: "A certificate request asks for usages beyond its purpose",
    severity: Severity::High,
    scope: Scope::Certificate,
    serves: &[Serves::part("RA-16")],
    why: "`any` makes one certificate client and server at once, and `cert sign` makes its holder an authority that \
          issues identities for others.",
    fix: "List digital signature and key encipherment with either client auth or server auth.",
    example: "spec:\n  usages: [digital signature, client auth]\n",
};

/// The signer is the one without rules.
pub static LEGACY_SIGNER: Rule = Rule {
    code: "csr-legacy-signer",
    title: "A certificate request names no or the legacy signer",
    severity: Severity::Medium,
    scope: Scope::Certificate,
    serves: &[Serves::part("RA-16")],
    why: "kubernetes.io/legacy-unknown signs any subject and usage for no stated purpose; v1 of the API refuses it.",
    fix: "Name the signer whose trust the certificate is for.",
    example: "spec:\n  signerName: example.com/serving\n",
};

/// The bundle belongs to no signer.
pub static UNLINKED_BUNDLE: Rule = Rule {
    code: "trust-bundle-unlinked",
    title: "A ClusterTrustBundle belongs to no signer",
    severity: Severity::Info,
    scope: Scope::Certificate,
    serves: &[Serves::part("RA-16")],
    why: "Anyone who may write ClusterTrustBundles can change it; one that names a signer also needs `attest` for it.",
    fix: "Set spec.signerName where one signer stands behind the bundle.",
    example: "",
};

/// Rules of [`check`].
pub(super) const RULES: &[&Rule] = &[&MASTERS, &SYSTEM_IDENTITY, &LIFETIME, &USAGES, &LEGACY_SIGNER, &UNLINKED_BUNDLE];

/// Judges one object of certificates.k8s.io.
pub(super) fn check(object: &Object<'_>, _: Context<'_>, sink: &mut Sink<'_>) {
    let Some(spec) = object.spec() else { return };
    match object.kind {
        "CertificateSigningRequest" => request(object, spec, sink),
        "ClusterTrustBundle" if spec.str_at("signerName").is_none_or(str::is_empty) => {
            sink.report(&UNLINKED_BUNDLE, object.location(), "`spec.signerName` is not set").field("spec.signerName");
        }
        _ => {}
    }
}

fn request(object: &Object<'_>, spec: Value<'_>, sink: &mut Sink<'_>) {
    let signer = spec.str_at("signerName").unwrap_or("");
    if matches!(signer, "" | "kubernetes.io/legacy-unknown") {
        let at = spec.get("signerName").map_or(object.location(), |value| value.location());
        sink.report(&LEGACY_SIGNER, at, format!("`spec.signerName` is `{signer}`")).field("spec.signerName");
    }
    lifetime(object, spec, signer, sink);
    for usage in spec.list("usages") {
        if let Some(text @ ("any" | "cert sign" | "crl sign")) = usage.as_str() {
            sink.report(&USAGES, usage, format!("`spec.usages` holds `{text}`")).field("spec.usages");
        }
    }
    if let Some(request) = spec.get("request") {
        subject(request, signer, sink);
    }
}

fn lifetime(object: &Object<'_>, spec: Value<'_>, signer: &str, sink: &mut Sink<'_>) {
    let field = "spec.expirationSeconds";
    match spec.get("expirationSeconds") {
        Some(value) => {
            if let Some(seconds) = value.as_i64().filter(|seconds| *seconds > THREE_YEARS_SECONDS) {
                let message = format!("`{field}` is {seconds}, more than three years");
                sink.report(&LIFETIME, value, message).field(field);
            }
        }
        None if signer == CLIENT_SIGNER => {
            sink.report(&LIFETIME, object.location(), format!("`{field}` is not set"))
                .severity(Severity::Low)
                .field(field);
        }
        None => {}
    }
}

/// Names in the request. They are looked for as bytes: the subject's strings stand in the encoding as
/// they are, and a request that cannot be decoded is left to the API server.
fn subject(request: Value<'_>, signer: &str, sink: &mut Sink<'_>) {
    let Some(der) = request.as_str().and_then(decode) else { return };
    if holds(&der, b"system:masters") {
        sink.report(&MASTERS, request, "`spec.request` names `system:masters`").field("spec.request");
    } else if matches!(signer, CLIENT_SIGNER | "" | "kubernetes.io/legacy-unknown") && holds(&der, b"system:") {
        sink.report(&SYSTEM_IDENTITY, request, "`spec.request` names an identity that begins with `system:`")
            .field("spec.request");
    }
}

/// From base64 of PEM to DER.
fn decode(text: &str) -> Option<Vec<u8>> {
    let pem = base64(text)?;
    let pem = std::str::from_utf8(&pem).ok()?;
    let (_, body) = pem.split_once("REQUEST-----")?;
    let (body, _) = body.split_once("-----END")?;
    base64(body)
}

fn base64(text: &str) -> Option<Vec<u8>> {
    if text.len() > REQUEST_BYTES_MAX {
        return None;
    }
    manifest::base64::pack(text.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'='))
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

const CLIENT_SIGNER: &str = "kubernetes.io/kube-apiserver-client";

/// The security checklist's limit for leaf certificates.
const THREE_YEARS_SECONDS: i64 = 3 * 366 * 24 * 60 * 60;

/// A request with a 16384-bit key and many names is below 16 KiB; twice encoded that is 32 KiB.
const REQUEST_BYTES_MAX: usize = 64 * 1024;
