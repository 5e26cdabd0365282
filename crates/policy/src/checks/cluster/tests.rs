//! Every rule with a form that it reports and a form that it accepts.

use std::collections::BTreeSet;

use model::{FileId, Scope, Severity};

use super::OBJECT_CHECKS;
use crate::{Config, Engine};

/// Codes of this area that a text gives rise to, with severity and message.
fn judge(yaml: &str) -> Vec<(&'static str, Severity, String)> {
    let config = Config::default();
    let engine = Engine::new(&config);
    let mut worker = engine.worker();
    worker.file(FileId(0), yaml.len() as u64, yaml);
    let outcome = engine.finish(vec![worker]);
    let own = codes();
    let findings = outcome.findings.iter().filter(|finding| own.contains(finding.rule.code));
    findings.map(|finding| (finding.rule.code, finding.severity, finding.message.to_string())).collect()
}

fn codes() -> BTreeSet<&'static str> {
    OBJECT_CHECKS.iter().flat_map(|checks| checks.iter()).flat_map(|check| check.rules).map(|rule| rule.code).collect()
}

#[track_caller]
fn reports(yaml: &str, code: &str) {
    let found = judge(yaml);
    assert!(found.iter().any(|(found, ..)| *found == code), "no {code} in {found:#?}\n{yaml}");
}

#[track_caller]
fn lacks(yaml: &str, code: &str) {
    let found = judge(yaml);
    assert!(!found.iter().any(|(found, ..)| *found == code), "{code} in {found:#?}\n{yaml}");
}

#[track_caller]
fn accepts(yaml: &str) {
    let found = judge(yaml);
    assert!(found.is_empty(), "{found:#?}\n{yaml}");
}

fn pod(program: &str, flags: &str) -> String {
    let mut text = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: x}}\nspec:\n  containers:\n  - name: c\n    image: i\n    command:\n    - {program}\n"
    );
    for flag in flags.split_whitespace() {
        text.push_str(&format!("    - {flag}\n"));
    }
    text
}

/// A hardened command line with some flags replaced or, with a leading `!`, removed.
fn changed(program: &str, base: &str, change: &str) -> String {
    let name = |flag: &str| flag.trim_start_matches('!').split('=').next().unwrap_or("").to_owned();
    let gone: Vec<String> = change.split_whitespace().map(name).collect();
    let kept = base.split_whitespace().filter(|flag| !gone.contains(&name(flag)));
    let added = change.split_whitespace().filter(|flag| !flag.starts_with('!'));
    pod(program, &kept.chain(added).collect::<Vec<_>>().join(" "))
}

const API_SERVER: &str = "--anonymous-auth=false --authorization-mode=Node,RBAC --client-ca-file=/pki/ca.crt \
    --enable-admission-plugins=NodeRestriction,DenyServiceExternalIPs,AlwaysPullImages,EventRateLimit \
    --admission-control-config-file=/a.yaml --encryption-provider-config=/e.yaml \
    --encryption-provider-config-automatic-reload=true --audit-policy-file=/p.yaml --audit-log-path=/log \
    --audit-webhook-config-file=/w.yaml --etcd-servers=https://10.0.0.1:2379 --etcd-cafile=/pki/etcd/ca.crt \
    --etcd-certfile=/c --etcd-keyfile=/k --kubelet-certificate-authority=/kca --kubelet-client-certificate=/c \
    --kubelet-client-key=/k --profiling=false --service-account-issuer=https://k --service-account-key-file=/sa.pub \
    --service-account-signing-key-file=/sa.key --service-account-extend-token-expiration=false \
    --service-account-max-token-expiration=24h --tls-cert-file=/c --tls-private-key-file=/k";

const API_SERVER_CASES: &[(&str, &str)] = &[
    ("api-server-anonymous-auth", "--anonymous-auth=true"),
    ("api-server-anonymous-auth", "!--anonymous-auth"),
    ("api-server-token-file", "--token-auth-file=/t.csv"),
    ("api-server-basic-auth", "--basic-auth-file=/t.csv"),
    ("api-server-client-ca", "!--client-ca-file"),
    ("api-server-bootstrap-tokens", "--enable-bootstrap-token-auth"),
    ("api-server-oidc-issuer", "--oidc-issuer-url=http://x"),
    ("api-server-oidc-prefix", "--oidc-issuer-url=https://x --oidc-username-prefix=-"),
    ("api-server-oidc-prefix", "--oidc-issuer-url=https://x --oidc-groups-claim=groups"),
    ("api-server-front-proxy-names", "--requestheader-client-ca-file=/f.crt"),
    ("api-server-token-lookup", "--service-account-lookup=false"),
    ("api-server-token-issuer", "--service-account-issuer=kubernetes"),
    ("api-server-token-key", "!--service-account-key-file"),
    ("api-server-token-extension", "!--service-account-extend-token-expiration"),
    ("api-server-token-lifetime", "--service-account-max-token-expiration=1000h"),
    ("api-server-token-lifetime", "!--service-account-max-token-expiration"),
    ("api-server-always-allow", "--authorization-mode=AlwaysAllow"),
    ("api-server-always-allow", "!--authorization-mode"),
    ("api-server-authorization-modes", "--authorization-mode=RBAC"),
    ("api-server-abac", "--authorization-mode=Node,RBAC,ABAC"),
    ("api-server-authorization-cache", "--authorization-webhook-cache-authorized-ttl=1h"),
    ("api-server-insecure-port", "--insecure-port=8080"),
    ("api-server-secure-port-off", "--secure-port=0"),
    ("api-server-debug-socket", "--debug-socket-path=/x.sock"),
    ("api-server-node-restriction", "--enable-admission-plugins=DenyServiceExternalIPs"),
    ("api-server-node-restriction", "!--enable-admission-plugins"),
    ("api-server-external-ips", "--enable-admission-plugins=NodeRestriction"),
    ("api-server-always-admit", "--enable-admission-plugins=AlwaysAdmit"),
    ("api-server-admission-disabled", "--disable-admission-plugins=PodSecurity"),
    ("api-server-admission-disabled", "--admission-control=NodeRestriction"),
    ("api-server-admission-consider", "--enable-admission-plugins=NodeRestriction"),
    ("api-server-admission-unknown", "--enable-admission-plugins=PodSecurityPolicy"),
    ("api-server-admission-config", "!--admission-control-config-file"),
    ("api-server-serving-certificate", "!--tls-cert-file"),
    ("api-server-kubelet-ca", "!--kubelet-certificate-authority"),
    ("api-server-kubelet-identity", "!--kubelet-client-key"),
    ("api-server-kubelet-http", "--kubelet-https=false"),
    ("api-server-etcd-http", "--etcd-servers=https://a:2379,http://b:2379"),
    ("api-server-etcd-tls", "!--etcd-certfile"),
    ("api-server-etcd-ca-shared", "--etcd-cafile=/pki/ca.crt"),
    ("api-server-proxy-client", "--requestheader-client-ca-file=/f.crt --requestheader-allowed-names=f"),
    ("api-server-peer-ca", "--peer-advertise-ip=10.0.0.1"),
    ("api-server-aggregator-redirect", "--aggregator-reject-forwarding-redirect=false"),
    ("api-server-cors", "--cors-allowed-origins=.*"),
    ("api-server-encryption-missing", "!--encryption-provider-config"),
    ("api-server-encryption-reload", "!--encryption-provider-config-automatic-reload"),
    ("api-server-logs-handler", "--enable-logs-handler"),
    ("api-server-request-timeout", "--request-timeout=1h"),
    ("api-server-allow-privileged", "--allow-privileged=true"),
    ("api-server-fairness-off", "--enable-priority-and-fairness=false"),
    ("component-flag-unknown", "--anonymus-auth=false"),
    ("api-server-audit-off", "!--audit-policy-file"),
    ("api-server-audit-off", "!--audit-log-path !--audit-webhook-config-file"),
    ("api-server-audit-retention", "--audit-log-maxage=7"),
    ("api-server-audit-loss", "--audit-log-mode=batch"),
    ("api-server-audit-loss", "--audit-webhook-batch-buffer-size=10"),
    ("api-server-audit-truncated", "--audit-webhook-truncate-enabled=true"),
    ("api-server-audit-format", "--audit-log-format=legacy"),
    ("api-server-audit-local", "!--audit-webhook-config-file"),
    ("component-tls-version", "--tls-min-version=VersionTLS10"),
    ("component-tls-ciphers", "--tls-cipher-suites=TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
    ("component-profiling", "!--profiling"),
    ("component-alpha-features", "--feature-gates=AllAlpha=true"),
    ("component-alpha-features", "--feature-gates=kube:EventedPLEG=true"),
    ("component-alpha-features", "--runtime-config=api/all=true"),
    ("component-security-feature-off", "--feature-gates=KubeletFineGrainedAuthz=false"),
    ("component-serving-rotation-off", "--feature-gates=RotateKubeletServerCertificate=false"),
];

const CONTROLLER_MANAGER: &str = "--use-service-account-credentials=true --root-ca-file=/pki/ca.crt \
    --service-account-private-key-file=/sa.key --bind-address=127.0.0.1 --profiling=false \
    --cluster-signing-cert-file=/pki/issuing.crt";

const CONTROLLER_MANAGER_CASES: &[(&str, &str)] = &[
    ("controller-manager-shared-account", "!--use-service-account-credentials"),
    ("controller-manager-root-ca", "!--root-ca-file"),
    ("controller-manager-token-key", "!--service-account-private-key-file"),
    ("controller-manager-listen-address", "!--bind-address"),
    ("controller-manager-insecure-port", "--port=10252"),
    ("controller-manager-certificate-lifetime", "--cluster-signing-duration=87600h"),
    ("controller-manager-root-key", "--cluster-signing-cert-file=/pki/ca.crt"),
    ("controller-manager-pod-gc", "--terminated-pod-gc-threshold=0"),
    ("controller-manager-open-paths", "--authorization-always-allow-paths=/healthz,/metrics"),
    ("controller-manager-token-cleaner", "--controllers=*,bootstrapsigner"),
    ("component-profiling", "--profiling=true"),
];

const SCHEDULER: &str = "--authentication-kubeconfig=/s.conf --authentication-tolerate-lookup-failure=false \
    --bind-address=127.0.0.1 --requestheader-client-ca-file=/f.crt --profiling=false \
    --tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384";

const SCHEDULER_CASES: &[(&str, &str)] = &[
    ("scheduler-authentication", "!--authentication-kubeconfig"),
    ("scheduler-lookup-failure", "!--authentication-tolerate-lookup-failure"),
    ("scheduler-lookup-skipped", "--authentication-skip-lookup=true"),
    ("scheduler-open-paths", "--authorization-always-allow-paths=/healthz,/metrics"),
    ("scheduler-listen-address", "--bind-address=0.0.0.0"),
    ("scheduler-port-sharing", "--permit-port-sharing"),
    ("scheduler-insecure-port", "--port=10251"),
    ("scheduler-request-header-ca", "!--requestheader-client-ca-file"),
    ("scheduler-tls-ciphers-default", "!--tls-cipher-suites"),
];

const ETCD: &str = "--client-cert-auth=true --trusted-ca-file=/pki/etcd/ca.crt --peer-client-cert-auth=true \
    --peer-trusted-ca-file=/pki/etcd/ca.crt --listen-client-urls=https://10.0.0.1:2379,https://127.0.0.1:2379 \
    --listen-peer-urls=https://10.0.0.1:2380 --cert-file=/c --key-file=/k --peer-cert-file=/c --peer-key-file=/k \
    --listen-metrics-urls=http://127.0.0.1:2381";

const ETCD_CASES: &[(&str, &str)] = &[
    ("etcd-client-auth", "--client-cert-auth=false"),
    ("etcd-client-auth", "!--trusted-ca-file"),
    ("etcd-peer-auth", "!--peer-client-cert-auth"),
    ("etcd-auto-tls", "--auto-tls=true"),
    ("etcd-plain-http", "--listen-client-urls=http://10.0.0.1:2379"),
    ("etcd-plain-http", "!--listen-peer-urls"),
    ("etcd-serving-certificate", "!--cert-file"),
    ("etcd-listen-address", "--listen-client-urls=https://0.0.0.0:2379"),
    ("etcd-metrics-address", "--listen-metrics-urls=http://10.0.0.1:2381"),
    ("etcd-ca-shared", "--trusted-ca-file=/etc/kubernetes/pki/ca.crt"),
    ("etcd-peer-names", "--peer-skip-client-san-verification"),
    ("etcd-no-fsync", "--unsafe-no-fsync"),
    ("component-profiling", "--enable-pprof"),
    ("component-tls-version", "--tls-min-version=TLS1.1"),
];

#[test]
fn hardened_command_lines_are_accepted_and_each_change_is_reported() {
    for (program, base, cases) in [
        ("kube-apiserver", API_SERVER, API_SERVER_CASES),
        ("kube-controller-manager", CONTROLLER_MANAGER, CONTROLLER_MANAGER_CASES),
        ("kube-scheduler", SCHEDULER, SCHEDULER_CASES),
        ("etcd", ETCD, ETCD_CASES),
    ] {
        accepts(&pod(program, base));
        for (code, change) in cases {
            reports(&changed(program, base, change), code);
        }
    }
}

const KUBELET: &str = "apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {x509: {clientCAFile: /ca.crt}}
rotateCertificates: true
serverTLSBootstrap: true
seccompDefault: true
podPidsLimit: 1024
protectKernelDefaults: true
enableProfilingHandler: false
enableDebugFlagsHandler: false
enableSystemLogHandler: false
";

const KUBELET_CASES: &[(&str, &str)] = &[
    ("kubelet-anonymous-auth", "authentication: {anonymous: {enabled: true}}"),
    ("kubelet-token-auth", "authentication: {webhook: {enabled: false}}"),
    ("kubelet-client-ca", "authentication: {}"),
    ("kubelet-authorization", "authorization: {mode: AlwaysAllow}"),
    ("kubelet-read-only-port", "readOnlyPort: 10255"),
    ("kubelet-certificate-rotation", "rotateCertificates: false"),
    ("kubelet-serving-certificate", "serverTLSBootstrap: false"),
    ("kubelet-health-address", "healthzBindAddress: 0.0.0.0"),
    ("kubelet-static-pod-url", "staticPodURL: https://x"),
    ("kubelet-static-pod-path", "staticPodPath: /etc/kubernetes/manifests"),
    ("kubelet-log-handler", "enableSystemLogHandler: true"),
    ("kubelet-log-handler", "enableSystemLogQuery: true"),
    ("kubelet-debug-flags", "enableDebugFlagsHandler: true"),
    ("kubelet-seccomp-default", "seccompDefault: false"),
    ("kubelet-pod-pid-limit", "podPidsLimit: -1"),
    ("kubelet-kernel-defaults", "protectKernelDefaults: false"),
    ("kubelet-iptables-chains", "makeIPTablesUtilChains: false"),
    ("kubelet-rate-limits", "eventRecordQPS: 0"),
    ("kubelet-idle-timeout", "streamingConnectionIdleTimeout: 0s"),
    ("kubelet-unsafe-sysctls", "allowedUnsafeSysctls: [kernel.*]"),
    ("kubelet-swap", "failSwapOn: false"),
    ("kubelet-image-credentials", "imagePullCredentialsVerificationPolicy: NeverVerify"),
    ("component-profiling", "enableProfilingHandler: true"),
    ("component-tls-ciphers", "tlsCipherSuites: [TLS_RSA_WITH_AES_128_CBC_SHA]"),
    ("component-security-feature-off", "featureGates: {KubeletFineGrainedAuthz: false}"),
];

#[test]
fn a_hardened_kubelet_is_accepted_and_each_change_is_reported() {
    accepts(KUBELET);
    for (code, line) in KUBELET_CASES {
        let key = line.split(':').next().unwrap_or("");
        let kept: String =
            KUBELET.lines().filter(|kept| !kept.starts_with(key)).map(|line| format!("{line}\n")).collect();
        reports(&format!("{kept}{line}\n"), code);
    }
}

#[test]
fn kubelet_flags_have_older_defaults_than_its_file() {
    let bare = pod("kubelet", "");
    for code in ["kubelet-anonymous-auth", "kubelet-authorization", "kubelet-read-only-port"] {
        reports(&bare, code);
        lacks(&pod("kubelet", "--config=/var/lib/kubelet/config.yaml"), code);
    }
    reports(&pod("kubelet", "--config=/c --hostname-override=x"), "kubelet-hostname-override");
}

const ENCRYPTION: &str = "apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets, configmaps]
  providers:
  - kms: {apiVersion: v2, name: vault, endpoint: 'unix:///run/kms.sock', timeout: 3s}
";

fn encryption(resources: &str, providers: &str) -> String {
    format!(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- resources: {resources}\n  providers: {providers}\n"
    )
}

const KEY: &str = "{keys: [{name: a, secret: +qcnfOFX3aRXM9PuY7lQXDWYIQ3GWUdBc3nYBo91SCA=}]}";

#[test]
fn encryption_with_a_key_service_is_accepted_and_weaker_forms_are_reported() {
    accepts(ENCRYPTION);
    let all = "[secrets, configmaps]";
    reports(&encryption(all, "[{identity: {}}]"), "encryption-identity-first");
    reports(&encryption(all, &format!("[{{aescbc: {KEY}}}]")), "encryption-aescbc");
    reports(&encryption(all, &format!("[{{aesgcm: {KEY}}}]")), "encryption-aesgcm");
    reports(&encryption(all, &format!("[{{secretbox: {KEY}}}]")), "encryption-key-inline");
    reports(&encryption(all, &format!("[{{secretbox: {KEY}}}, {{identity: {{}}}}]")), "encryption-identity-fallback");
    reports(&encryption(all, &format!("[{{secretbox: {KEY}}}, {{aesgcm: {KEY}}}]")), "encryption-key-reused");
    reports(&encryption(all, "[{kms: {name: a, endpoint: 'unix:///a'}}]"), "encryption-kms-v1");
    reports(
        &encryption(all, "[{kms: {apiVersion: v2, name: a, endpoint: 'unix:///@a'}}]"),
        "encryption-kms-abstract-socket",
    );
    reports(
        &encryption(all, "[{kms: {apiVersion: v2, name: a, endpoint: 'unix:///a', timeout: 5m}}]"),
        "encryption-kms-timeout",
    );
    reports(&encryption("[configmaps]", &format!("[{{secretbox: {KEY}}}]")), "encryption-secrets-missing");
    reports(&encryption("[secrets]", &format!("[{{secretbox: {KEY}}}]")), "encryption-configmaps-missing");
    let typed = "{keys: [{name: a, secret: YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY=}]}";
    reports(&encryption(all, &format!("[{{secretbox: {typed}}}]")), "encryption-key-guessable");
    let second = "- resources: [secrets]\n  providers: [{kms: {apiVersion: v2, name: b, endpoint: 'unix:///b'}}]\n";
    reports(&format!("{ENCRYPTION}{second}"), "encryption-rule-unreachable");
    lacks(&encryption("['*.*']", &format!("[{{secretbox: {KEY}}}]")), "encryption-secrets-missing");
}

#[test]
fn encryption_keys_are_never_printed() {
    let secret = "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY";
    for secret in [format!("{secret}="), secret.to_owned(), secret[..20].to_owned()] {
        let text = encryption("[secrets]", &format!("[{{aesgcm: {{keys: [{{name: a, secret: {secret}}}]}}}}]"));
        assert!(judge(&text).iter().all(|(_, _, message)| !message.contains(&secret[..8])), "{:#?}", judge(&text));
    }
}

#[test]
fn encryption_that_the_api_server_refuses_is_reported() {
    let kms = |fields: &str| encryption("[secrets]", &format!("[{{kms: {{{fields}}}}}]"));
    for text in [
        encryption("[]", "[{identity: {}}]"),
        encryption("[secrets]", "[]"),
        encryption("[secrets]", "[{}]"),
        encryption("[secrets]", "[{identity: {}, kms: {apiVersion: v2, name: a, endpoint: 'unix:///a'}}]"),
        encryption("[secrets]", "[{aesgcm: {keys: []}}]"),
        encryption("[secrets]", "[{aesgcm: {keys: [{name: a, secret: QUJD}]}}]"),
        encryption("[secrets]", "[{aesgcm: {keys: [{name: a, secret: '???'}]}}]"),
        encryption("[secrets]", "[{aesgcm: {keys: [{secret: c2VjcmV0IGlzIHNlY3VyZQ==}]}}]"),
        encryption("['*']", "[{identity: {}}]"),
        encryption("['*.', secrets]", "[{identity: {}}]"),
        encryption("['*.*', deployments.apps]", "[{identity: {}}]"),
        encryption("['*.events.k8s.io']", "[{identity: {}}]"),
        encryption("[Secrets]", "[{identity: {}}]"),
        encryption("[secrets, secrets]", "[{identity: {}}]"),
        encryption("[secrets]", "[{identity: {}, pandas: {}}]"),
        kms("apiVersion: v3, name: a, endpoint: 'unix:///a'"),
        kms("apiVersion: v2, name: 'a:b', endpoint: 'unix:///a'"),
        kms("apiVersion: v2, name: a, endpoint: 'http://a'"),
        kms("apiVersion: v2, name: a"),
        kms("apiVersion: v2, endpoint: 'unix:///a'"),
        kms("apiVersion: v2, name: a, endpoint: 'unix:///a', cachesize: 10"),
        kms("apiVersion: v2, name: a, endpoint: 'unix:///a', timeout: 0s"),
        "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources: []\n".to_owned(),
    ] {
        reports(&text, "encryption-config-invalid");
    }
    lacks(&encryption("['*.apps', secrets]", "[{identity: {}}]"), "encryption-config-invalid");
    lacks(&kms("name: a, endpoint: 'unix:///a', cachesize: 10"), "encryption-config-invalid");
}

const AUTHENTICATION: &str = "apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer: {url: 'https://login.example.com', audiences: [c], certificateAuthority: pem}
  claimValidationRules: [{expression: \"'mfa' in claims.amr\"}]
  claimMappings: {username: {claim: sub, prefix: 'oidc:'}, groups: {expression: \"claims.groups.map(g, 'oidc:' + g)\"}}
anonymous: {enabled: true, conditions: [{path: /livez}]}
";

#[test]
fn a_restrained_authentication_is_accepted_and_each_change_is_reported() {
    accepts(AUTHENTICATION);
    for (code, from, to) in [
        ("authentication-config-invalid", "https://login", "http://login"),
        ("authentication-config-invalid", "audiences: [c]", "audiences: [c, d]"),
        ("authentication-config-invalid", "audiences: [c]", "audiences: []"),
        ("authentication-config-invalid", "username: {claim: sub, prefix: 'oidc:'}, ", ""),
        ("authentication-config-invalid", "claim: sub, prefix: 'oidc:'", "claim: sub"),
        ("authentication-config-invalid", "enabled: true", "enabled: false"),
        ("authentication-system-names", "prefix: 'oidc:'", "prefix: ''"),
        ("authentication-system-names", "claims.groups.map(g, 'oidc:' + g)", "claims.groups"),
        ("authentication-claim-rules", "claimValidationRules: [{expression: \"'mfa' in claims.amr\"}]", "x: y"),
        ("authentication-second-factor", "'mfa' in claims.amr", "claims.email_verified"),
        ("authentication-anonymous-unlimited", ", conditions: [{path: /livez}]", ""),
        ("authentication-anonymous-paths", "/livez", "/metrics"),
        ("authentication-issuer-ca", ", certificateAuthority: pem", ""),
    ] {
        let text = AUTHENTICATION.replace(from, to);
        assert_ne!(text, AUTHENTICATION, "{from}");
        reports(&text, code);
    }
    let guarded = "  userValidationRules: [{expression: \"!user.username.startsWith('system:')\"}]\nanonymous";
    let text = AUTHENTICATION.replace("prefix: 'oidc:'", "prefix: ''").replace("anonymous", guarded);
    lacks(&text, "authentication-system-names");
}

const AUTHORIZATION: &str = "apiVersion: apiserver.config.k8s.io/v1
kind: AuthorizationConfiguration
authorizers:
- {type: Node, name: node}
- type: Webhook
  name: hook
  webhook:
    timeout: 3s
    authorizedTTL: 60s
    failurePolicy: Deny
    subjectAccessReviewVersion: v1
    connectionInfo: {type: KubeConfigFile, kubeConfigFile: /k.conf}
- {type: RBAC, name: rbac}
";

#[test]
fn a_closed_chain_of_authorizers_is_accepted_and_each_change_is_reported() {
    accepts(AUTHORIZATION);
    for (code, from, to) in [
        ("authorization-always-allow", "type: RBAC", "type: AlwaysAllow"),
        ("authorization-modes", "- {type: RBAC, name: rbac}\n", ""),
        ("authorization-abac", "type: RBAC", "type: ABAC"),
        ("authorization-webhook-fails-open", "failurePolicy: Deny", "failurePolicy: NoOpinion"),
        ("authorization-webhook-first", "- {type: Node, name: node}\n", ""),
        ("authorization-webhook-cache", "60s", "1h"),
        ("authorization-config-invalid", "timeout: 3s", "timeout: 60s"),
        ("authorization-config-invalid", "type: RBAC", "type: Rbac"),
        ("authorization-config-invalid", "name: rbac", "name: node"),
        ("authorization-config-invalid", "KubeConfigFile,", "File,"),
        ("authorization-config-invalid", "    subjectAccessReviewVersion: v1\n", ""),
    ] {
        let text = AUTHORIZATION.replace(from, to);
        assert_ne!(text, AUTHORIZATION, "{from}");
        reports(&text, code);
    }
}

fn audit(rules: &str) -> String {
    format!("apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n{rules}")
}

const CAREFUL: &str = "- level: Metadata
  resources:
  - {group: '', resources: [secrets, configmaps, serviceaccounts/token]}
  - {group: authentication.k8s.io, resources: [tokenreviews]}
- level: RequestResponse
  verbs: [create, update, patch, delete]
- level: Metadata
";

#[test]
fn a_careful_audit_policy_is_accepted_and_blind_spots_are_reported() {
    accepts(&audit(CAREFUL));
    for (code, first) in [
        ("audit-secret-access-unrecorded", "- {level: None, resources: [{group: '', resources: [secrets]}]}\n"),
        ("audit-secret-access-unrecorded", "- {level: None, verbs: [get, list, watch]}\n"),
        ("audit-secret-access-unrecorded", "- {level: None, userGroups: ['system:masters']}\n"),
        ("audit-secret-content", "- {level: Request, resources: [{group: ''}]}\n"),
        ("audit-secret-content", "- {level: RequestResponse, resources: [{group: '', resources: ['*']}]}\n"),
        ("audit-change-unrecorded", "- {level: None, verbs: [delete]}\n"),
        ("audit-session-unrecorded", "- {level: None, resources: [{group: '', resources: ['pods/*']}]}\n"),
        ("audit-session-unrecorded", "- {level: None, resources: [{group: '', resources: ['*/proxy']}]}\n"),
        ("audit-no-catch-all", "- {level: None, resources: [{group: apps.example.com}]}\n"),
        ("audit-change-detail", "- {level: Metadata, resources: [{group: rbac.authorization.k8s.io}]}\n"),
        ("audit-policy-invalid", "- {level: Everything}\n"),
    ] {
        reports(&audit(&format!("{first}{CAREFUL}")), code);
    }
    reports("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: []\n", "audit-policy-invalid");
    reports(&audit(CAREFUL).replace("RequestReceived", "ResponseComplete"), "audit-stage-omitted");
    reports(&audit("- {level: Metadata, resources: [{group: ''}]}\n"), "audit-no-catch-all");
    for harmless in [
        "- {level: None, users: ['system:kube-proxy'], verbs: [watch]}\n",
        "- {level: None, nonResourceURLs: ['/healthz*']}\n",
        "- {level: None, namespaces: [kube-system], resources: [{group: '', resources: [configmaps]}]}\n",
        "- {level: None, resources: [{group: '', resources: [events]}]}\n",
    ] {
        accepts(&audit(&format!("{harmless}{CAREFUL}")));
    }
}

const ADMISSION: &str = "apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- name: PodSecurity
  configuration:
    apiVersion: pod-security.admission.config.k8s.io/v1
    kind: PodSecurityConfiguration
    defaults: {enforce: restricted}
    exemptions: {usernames: [], namespaces: [kube-system], runtimeClasses: []}
- name: ImagePolicyWebhook
  configuration: {imagePolicy: {kubeConfigFile: /k, allowTTL: 50, defaultAllow: false}}
";

#[test]
fn a_strict_admission_configuration_is_accepted_and_each_change_is_reported() {
    accepts(ADMISSION);
    for (code, from, to) in [
        ("admission-config-invalid", "name: PodSecurity\n", "name: PodSecurityPolicy\n"),
        ("admission-config-invalid", "ImagePolicyWebhook", "PodSecurity"),
        ("admission-config-invalid", "ImagePolicyWebhook\n", "ImagePolicyWebhook\n  path: x\n"),
        ("admission-config-invalid", "restricted", "strict"),
        ("admission-pod-security-default", "restricted", "privileged"),
        ("admission-pod-security-default", "{enforce: restricted}", "{audit: restricted}"),
        ("admission-pod-security-exempt-users", "usernames: []", "usernames: [alice]"),
        ("admission-pod-security-exempt-namespaces", "[kube-system]", "[kube-system, apps]"),
        ("admission-pod-security-exempt-runtimes", "runtimeClasses: []", "runtimeClasses: [runc]"),
        ("admission-image-policy-open", "defaultAllow: false", "defaultAllow: true"),
        ("admission-image-policy-cache", "allowTTL: 50", "allowTTL: 5000"),
    ] {
        let text = ADMISSION.replace(from, to);
        assert_ne!(text, ADMISSION, "{from}");
        reports(&text, code);
    }
    let alone = "apiVersion: pod-security.admission.config.k8s.io/v1\nkind: PodSecurityConfiguration\ndefaults: {}\n";
    reports(alone, "admission-pod-security-default");
}

#[test]
fn kubeadm_is_judged_with_the_flags_that_it_passes_itself() {
    let cluster = |rest: &str| format!("apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n{rest}");
    let bare = cluster("kubernetesVersion: v1.36.0\n");
    for code in ["api-server-always-allow", "api-server-client-ca", "etcd-client-auth", "scheduler-listen-address"] {
        lacks(&bare, code);
    }
    for code in ["api-server-audit-off", "api-server-kubelet-ca", "component-profiling", "scheduler-lookup-failure"] {
        reports(&bare, code);
    }
    for args in ["{authorization-mode: AlwaysAllow}", "[{name: authorization-mode, value: AlwaysAllow}]"] {
        reports(&cluster(&format!("apiServer:\n  extraArgs: {args}\n")), "api-server-always-allow");
    }
    reports(&cluster("etcd: {local: {extraArgs: {client-cert-auth: 'false'}}}\n"), "etcd-client-auth");
    lacks(
        &cluster("etcd: {external: {endpoints: ['https://e:2379'], caFile: /a, certFile: /b, keyFile: /c}}\n"),
        "etcd-client-auth",
    );
    reports(&cluster("etcd: {external: {endpoints: ['http://e:2379']}}\n"), "api-server-etcd-http");
    reports(&cluster("certificateValidityPeriod: 87600h\n"), "kubeadm-certificate-lifetime");
    lacks(&cluster("certificateValidityPeriod: 8760h\n"), "kubeadm-certificate-lifetime");
}

#[test]
fn joining_nodes_are_judged_by_what_is_written() {
    let join = |rest: &str| format!("apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\n{rest}");
    accepts(&join("discovery: {bootstrapToken: {caCertHashes: [x]}}\n"));
    reports(&join("discovery: {bootstrapToken: {token: abcdef.0123456789abcdef}}\n"), "kubeadm-token-inline");
    reports(&join("discovery: {bootstrapToken: {unsafeSkipCAVerification: true}}\n"), "kubeadm-discovery-unverified");
    reports(&join("bootstrapTokens: [{ttl: '0'}]\n"), "kubeadm-token-never-expires");
    lacks(&join("bootstrapTokens: [{ttl: 1h}]\n"), "kubeadm-token-never-expires");
    let args = "nodeRegistration: {kubeletExtraArgs: [{name: anonymous-auth, value: 'true'}]}\n";
    reports(&join(args), "kubelet-anonymous-auth");
    lacks(&join(args), "kubelet-authorization");
}

#[test]
fn small_configuration_files_are_judged() {
    let proxy =
        |rest: &str| format!("apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n{rest}");
    accepts(&proxy("nodePortAddresses: [primary]\nmetricsBindAddress: 127.0.0.1:10249\n"));
    reports(&proxy("metricsBindAddress: 0.0.0.0:10249\n"), "kube-proxy-metrics-address");
    reports(&proxy("mode: nftables\n"), "kube-proxy-node-port-addresses");
    reports(&proxy("enableProfiling: true\n"), "kube-proxy-profiling");
    let egress = |transport: &str| {
        format!(
            "apiVersion: apiserver.k8s.io/v1beta1\nkind: EgressSelectorConfiguration\negressSelections: [{{name: cluster, connection: {{transport: {transport}}}}}]\n"
        )
    };
    accepts(&egress("{uds: {udsName: /run/k.sock}}"));
    reports(&egress("{tcp: {url: 'http://k:8131'}}"), "egress-connection-plain");
    let tracing = |endpoint: &str| {
        format!("apiVersion: apiserver.config.k8s.io/v1beta1\nkind: TracingConfiguration\nendpoint: {endpoint}\n")
    };
    accepts(&tracing("localhost:4317"));
    reports(&tracing("otel.example.com:4317"), "tracing-endpoint-remote");
    reports("apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfigurations\n", "cluster-config-kind-unknown");
    reports(
        "apiVersion: audit.k8s.io/v1beta1\nkind: Policy\nrules: [{level: Metadata}]\n",
        "cluster-config-version-removed",
    );
    let scheduler = |rest: &str| {
        format!(
            "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nenableProfiling: false\n{rest}"
        )
    };
    accepts(&scheduler("profiles: [{plugins: {filter: {enabled: [{name: NodeName}]}}}]\n"));
    reports(&scheduler("profiles: [{plugins: {filter: {enabled: [{name: Mine}]}}}]\n"), "scheduler-custom-plugins");
    reports(&scheduler("extenders: [{urlPrefix: 'http://x'}]\n"), "scheduler-extender-plain");
}

#[test]
fn command_lines_are_found_behind_shells_wrappers_and_images() {
    let container = |rest: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: x}}\nspec: {{containers: [{{name: c, image: 'registry.k8s.io/kube-apiserver:v1.36.0', {rest}}}]}}\n"
        )
    };
    for rest in [
        "command: [kube-apiserver, --authorization-mode, AlwaysAllow]",
        "command: [/usr/local/bin/kube-apiserver], args: ['--authorization-mode=AlwaysAllow']",
        "command: [sh, -c, 'exec kube-apiserver --authorization-mode=AlwaysAllow >/dev/null 2>&1']",
        "command: [/go-runner, --log-file=/x, kube-apiserver, --authorization-mode=AlwaysAllow]",
        "args: ['--authorization-mode=AlwaysAllow']",
        "command: [kube-apiserver, --authorization_mode=Node, --authorization-mode=AlwaysAllow]",
    ] {
        reports(&container(rest), "api-server-always-allow");
    }
    lacks(&container("command: [kube-apiserver, '--authorization-mode=$(MODE)']"), "api-server-always-allow");
    lacks(&container("command: [echo, kube-apiserver]"), "api-server-always-allow");
}

#[test]
fn etcd_takes_flags_from_the_environment() {
    let etcd = "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: c, image: i, command: [etcd], env: [{name: ETCD_CLIENT_CERT_AUTH, value: 'true'}, {name: ETCD_TRUSTED_CA_FILE, value: /a}]}]}\n";
    lacks(etcd, "etcd-client-auth");
    reports(&etcd.replace("value: 'true'", "value: 'false'"), "etcd-client-auth");
    lacks(&pod("etcd", "--config-file=/etcd.yaml"), "etcd-client-auth");
}

#[test]
fn severities_follow_what_an_attacker_gains() {
    let severity = |yaml: &str, code: &str| {
        judge(yaml).into_iter().filter(|(found, ..)| *found == code).map(|(_, severity, _)| severity).max()
    };
    let shared = changed("kube-apiserver", API_SERVER, "--requestheader-client-ca-file=/pki/ca.crt");
    assert_eq!(severity(&shared, "api-server-front-proxy-names"), Some(Severity::Critical));
    let long = changed("kube-controller-manager", CONTROLLER_MANAGER, "--cluster-signing-duration=87600h");
    assert_eq!(severity(&long, "controller-manager-certificate-lifetime"), Some(Severity::High));
    let local = changed("etcd", ETCD, "--client-cert-auth=false --listen-client-urls=https://127.0.0.1:2379");
    assert_eq!(severity(&local, "etcd-client-auth"), Some(Severity::Medium));
}

/// The text of this file names every code, so a rule without a case is found.
#[test]
fn every_rule_has_a_case_and_a_sound_text() {
    let cases = include_str!("tests.rs");
    for check in OBJECT_CHECKS.iter().flat_map(|checks| checks.iter()) {
        for rule in check.rules {
            assert!(cases.contains(&format!("\"{}\"", rule.code)), "no case for {}", rule.code);
            assert!(!rule.serves.is_empty() && rule.title.split_whitespace().count() <= 10, "{}", rule.code);
            for serves in rule.serves {
                assert!(
                    model::catalogue::controls().iter().any(|control| control.id == serves.control),
                    "{}",
                    rule.code
                );
            }
        }
        assert_ne!(check.scope, Scope::File);
    }
}
