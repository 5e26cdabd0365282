//! Generated pods, judged here and by the Pod Security admission of a real kube-apiserver.
//!
//! Needs curl, openssl and a folder with kube-apiserver, etcd and kubectl that KUBEBUILDER_ASSETS names.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

#[path = "../../manifest/tests/envtest/server.rs"]
mod server;

use std::collections::{BTreeMap, BTreeSet};

use model::FileId;
use policy::{Config, Engine};

use crate::server::Server;

const PODS: usize = 320;
const MINORS: [u32; 13] = [36, 0, 8, 18, 19, 22, 23, 25, 27, 29, 31, 32, 34];
const LEVELS: [&str; 2] = ["baseline", "restricted"];
/// Older versions that each pod is judged at, beside the newest.
const OLDER_PER_POD: usize = 2;

/// How the server names what it refuses, and the codes for it here.
const REASONS: [(&str, &[&str]); 17] = [
    ("host namespaces (", &["pod-security-host-namespaces"]),
    ("privileged (", &["pod-security-privileged"]),
    ("non-default capabilities (", &["pod-security-capabilities-baseline"]),
    ("hostPath volumes (", &["pod-security-host-path-volumes"]),
    ("hostPort (", &["pod-security-host-ports"]),
    ("probe or lifecycle host (", &["pod-security-host-probes-and-host-lifecycle"]),
    ("forbidden AppArmor profile", &["pod-security-app-armor-profile"]),
    ("seLinuxOptions (", &["pod-security-se-linux-options"]),
    ("procMount (", &["pod-security-proc-mount", "pod-security-proc-mount-restricted"]),
    ("seccompProfile (", &["pod-security-seccomp-profile-baseline", "pod-security-seccomp-profile-restricted"]),
    ("forbidden sysctls (", &["pod-security-sysctls"]),
    ("hostProcess (", &["pod-security-windows-host-process"]),
    ("restricted volume types (", &["pod-security-restricted-volumes"]),
    ("allowPrivilegeEscalation != false (", &["pod-security-allow-privilege-escalation"]),
    ("runAsNonRoot != true (", &["pod-security-run-as-non-root"]),
    ("runAsUser=0 (", &["pod-security-run-as-user"]),
    ("unrestricted capabilities (", &["pod-security-capabilities-restricted"]),
];

#[test]
#[ignore = "needs KUBEBUILDER_ASSETS"]
fn kube_apiserver_admits_what_is_admitted_here() {
    let server = Server::start();
    let configs = namespaces(&server);
    let engines: BTreeMap<&str, Engine<'_>> = configs.iter().map(|(name, c)| (name.as_str(), Engine::new(c))).collect();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut admitted, mut refused, mut undecided, mut differing) = (0, 0, 0, Vec::new());
    let mut reasons_seen = BTreeSet::new();
    for number in 0..PODS {
        let pod = random.pod(number);
        for name in random.namespaces() {
            let path = format!("/api/v1/namespaces/{name}/pods?dryRun=All");
            let (status, answer) = server.post(&path, "application/yaml", pod.as_bytes());
            let theirs: BTreeSet<&str> = match status {
                201 => BTreeSet::new(),
                403 if answer.contains("violates PodSecurity") => reasons(&answer),
                // Not decoded, or invalid by other rules: Pod Security admission was not asked.
                _ => {
                    undecided += 1;
                    continue;
                }
            };
            *(if status == 201 { &mut admitted } else { &mut refused }) += 1;
            reasons_seen.extend(theirs.iter().copied());
            let codes = judged(&engines[name.as_str()], &pod);
            if (status == 201) != codes.is_empty() || !agree(&theirs, &codes) {
                differing.push(format!("{name}: here {codes:?}, there {status} {theirs:?}\n{answer}\n{pod}"));
            }
        }
    }
    eprintln!("{admitted} admitted, {refused} refused, {undecided} not asked, {} differ", differing.len());
    let never: Vec<&str> = REASONS.iter().map(|(reason, _)| *reason).filter(|r| !reasons_seen.contains(r)).collect();
    assert!(differing.is_empty(), "{} differ:\n{}", differing.len(), differing.join("\n---\n"));
    assert!(admitted > 100 && refused > 300, "too few pods were judged: {admitted} and {refused}");
    assert!(never.is_empty(), "the server never refused for {never:?}");
}

/// One namespace for each level and version, and what Kobuk is told for it.
fn namespaces(server: &Server) -> BTreeMap<String, Config> {
    let mut configs = BTreeMap::new();
    for level in LEVELS {
        for minor in MINORS {
            let name = namespace(level, minor);
            let prefix = "pod-security.kubernetes.io/enforce";
            let body = format!(
                r#"{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"{name}","labels":{{"{prefix}":"{level}","{prefix}-version":"v1.{minor}"}}}}}}"#
            );
            let (status, answer) = server.post("/api/v1/namespaces", "application/json", body.as_bytes());
            assert_eq!(status, 201, "{answer}");
            let standard = format!("{level}:v1.{minor}").parse().unwrap();
            let checks = vec!["pod-security-*".into(), "pod-not-judged".into()];
            configs.insert(name, Config { pod_security: standard, checks, ..Config::default() });
        }
    }
    configs
}

fn namespace(level: &str, minor: u32) -> String {
    format!("{level}-{minor}")
}

/// What the server refuses for.
fn reasons(answer: &str) -> BTreeSet<&'static str> {
    REASONS.iter().map(|(reason, _)| *reason).filter(|reason| answer.contains(&format!(" {reason}"))).collect()
}

fn judged(engine: &Engine<'_>, pod: &str) -> BTreeSet<&'static str> {
    let mut worker = engine.worker();
    worker.file(FileId(0), pod.len() as u64, pod);
    let outcome = engine.finish(vec![worker]);
    assert!(outcome.files.iter().all(|file| file.gaps.is_empty() && file.objects == 1), "{:?}\n{pod}", outcome.files);
    outcome.findings.iter().map(|finding| finding.rule.code).collect()
}

/// Whether both refuse for the same reasons.
fn agree(theirs: &BTreeSet<&str>, codes: &BTreeSet<&str>) -> bool {
    // On the host's network the server fills in every host port; the one fact is found once here.
    let host_network = theirs.contains("host namespaces (");
    REASONS.iter().all(|(reason, known)| {
        let here = known.iter().any(|code| codes.contains(code));
        here == theirs.contains(reason) || (host_network && *reason == "hostPort (")
    })
}

/// A xorshift generator: the same pods on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % limit
    }

    fn one<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    /// One of the choices, once in a while.
    fn rarely<'a>(&mut self, odds: usize, choices: &[&'a str]) -> &'a str {
        if self.below(odds) == 0 { self.one(choices) } else { "" }
    }

    /// The newest version at both levels and some older ones.
    fn namespaces(&mut self) -> Vec<String> {
        let mut names: Vec<String> = LEVELS.iter().map(|level| namespace(level, MINORS[0])).collect();
        for _ in 0..OLDER_PER_POD {
            let minor = MINORS[1 + self.below(MINORS.len() - 1)];
            names.push(namespace(LEVELS[self.below(LEVELS.len())], minor));
        }
        names
    }

    fn pod(&mut self, number: usize) -> String {
        // Every other pod starts from what `restricted` asks for; odd things are rare, so that few come together.
        let strict = self.below(2) == 0;
        let odds = 6 + self.below(30);
        let system = self.below(14);
        let shape =
            Shape { strict, odds, windows: system < 2, host_process: system == 0, own_users: self.below(7) == 0 };
        let count = 1 + usize::from(self.below(4) == 0);
        let containers = self.list(count, "c", &shape);
        let init = if self.below(4) == 0 { self.list(1, "i", &shape) } else { String::from("[]") };
        let spec = [
            if shape.windows { "os: {name: windows}" } else { self.rarely(8, &["os: {name: linux}", "os: null"]) }
                .into(),
            if shape.own_users && !shape.host_process {
                format!("hostUsers: {}", self.one(FALSE))
            } else {
                String::new()
            },
            self.host_namespaces(&shape),
            self.pod_security(&shape),
            self.volumes(odds),
            format!("initContainers: {init}"),
            format!("containers: {containers}"),
        ];
        let lines: String = spec.iter().filter(|line| !line.is_empty()).map(|line| format!("  {line}\n")).collect();
        let annotations = self.annotations(odds);
        let metadata = format!("metadata:\n  name: p{number}\n  annotations: {{{annotations}}}\n");
        format!("apiVersion: v1\nkind: Pod\n{metadata}spec:\n{lines}")
    }

    fn annotations(&mut self, odds: usize) -> String {
        let app_armor = "container.apparmor.security.beta.kubernetes.io/c0: ";
        let armor = self.one(&["unconfined", "runtime/default", "localhost/a", "'localhost/'", "''"]);
        let seccomp = self.one(&[
            "seccomp.security.alpha.kubernetes.io/pod: ",
            "container.seccomp.security.alpha.kubernetes.io/c0: ",
        ]);
        let profile = self.one(&["unconfined", "runtime/default", "docker/default", "localhost/a", "other"]);
        let mut all = vec!["note: fine".to_owned()];
        if self.below(odds) == 0 {
            all.push(format!("{app_armor}{armor}"));
        }
        if self.below(odds) == 0 {
            all.push(format!("{seccomp}{profile}"));
        }
        all.join(", ")
    }

    fn host_namespaces(&mut self, shape: &Shape) -> String {
        if shape.host_process {
            return format!("hostNetwork: {}", self.one(TRUE));
        }
        let key = self.one(&["hostNetwork", "hostPID", "hostIPC"]);
        let value = if self.below(2) == 0 { self.one(TRUE) } else { self.one(FALSE) };
        let value = if self.below(8) == 0 { "null" } else { value };
        if self.below(shape.odds / 2) == 0 && !shape.own_users { format!("{key}: {value}") } else { String::new() }
    }

    fn pod_security(&mut self, shape: &Shape) -> String {
        let odds = shape.odds;
        let mut fields: Vec<String> = Vec::new();
        if shape.strict || self.below(4) == 0 {
            fields.push(format!("runAsNonRoot: {}", self.one(TRUE)));
        }
        if shape.windows {
            let process = if shape.host_process { self.one(TRUE) } else { self.one(FALSE) };
            fields.push(format!("windowsOptions: {{hostProcess: {process}}}"));
            return format!("securityContext: {}", flow(&fields));
        }
        if shape.strict {
            fields.push("seccompProfile: {type: RuntimeDefault}".into());
        } else {
            fields.push(self.rarely(odds, SECCOMP).into());
        }
        fields.push(self.rarely(odds, USERS).into());
        fields.push(self.rarely(odds, SE_LINUX).into());
        fields.push(self.rarely(odds, APP_ARMOR).into());
        if self.below(odds) < 2 {
            let (first, second) = (self.one(SYSCTLS), self.one(SYSCTLS));
            let second = if first == second { "kernel.shm_rmid_forced" } else { second };
            let second = if first == second { String::new() } else { format!(", {{name: {second}, value: '1'}}") };
            fields.push(format!("sysctls: [{{name: {first}, value: '1'}}{second}]"));
        }
        format!("securityContext: {}", flow(&fields))
    }

    fn volumes(&mut self, odds: usize) -> String {
        let mut volumes = Vec::new();
        for index in 0..self.below(3) {
            let source = if self.below(odds) < 2 { self.one(ODD_VOLUMES) } else { self.one(VOLUMES) };
            volumes.push(flow(&[format!("name: v{index}"), source.to_owned()]));
        }
        format!("volumes: [{}]", volumes.join(", "))
    }

    fn list(&mut self, count: usize, prefix: &str, shape: &Shape) -> String {
        let containers: Vec<String> = (0..count)
            .map(|index| {
                let mut fields = vec![format!("name: {prefix}{index}"), "image: registry.example.com/a:1".into()];
                fields.push(self.container_security(shape));
                fields.push(self.rarely(shape.odds, PORTS).into());
                if prefix == "c" {
                    fields.push(self.rarely(shape.odds, PROBES).into());
                }
                flow(&fields)
            })
            .collect();
        format!("[{}]", containers.join(", "))
    }

    fn container_security(&mut self, shape: &Shape) -> String {
        let odds = shape.odds;
        let mut fields: Vec<String> = Vec::new();
        if shape.windows {
            fields.push(self.rarely(4, &["runAsNonRoot: true", "runAsNonRoot: off", "windowsOptions: {}"]).into());
            return format!("securityContext: {}", flow(&fields));
        }
        let spelling = if self.below(2) == 0 { self.one(TRUE) } else { self.one(FALSE) };
        let privileged = self.below(odds) == 0;
        if privileged {
            fields.push(format!("privileged: {spelling}"));
        } else if shape.strict && self.below(12) != 0 || self.below(5) == 0 {
            fields.push(format!("allowPrivilegeEscalation: {}", self.one(FALSE)));
        }
        let drop = if shape.strict && self.below(12) != 0 { "drop: [ALL]" } else { self.rarely(3, DROPS) };
        let add = self.rarely(odds / 2, ADDS);
        fields.push(format!("capabilities: {}", flow(&[drop.to_owned(), add.to_owned()])));
        fields.push(self.rarely(odds, &["runAsNonRoot: true", "runAsNonRoot: off", "runAsNonRoot: null"]).into());
        fields.push(self.rarely(odds, USERS).into());
        fields.push(self.rarely(odds, SECCOMP).into());
        fields.push(self.rarely(odds, SE_LINUX).into());
        fields.push(self.rarely(odds, APP_ARMOR).into());
        let odds = if shape.own_users { 3 } else { odds };
        fields.push(self.rarely(odds, &["procMount: Default", "procMount: Unmasked", "procMount: null"]).into());
        format!("securityContext: {}", flow(&fields))
    }
}

/// What the parts of one pod have in common.
struct Shape {
    strict: bool,
    odds: usize,
    windows: bool,
    /// A pod of Windows that is a process of its node, which must be on the node's network.
    host_process: bool,
    own_users: bool,
}

/// A flow mapping of the fields that are not empty.
fn flow(fields: &[String]) -> String {
    let fields: Vec<&str> = fields.iter().map(String::as_str).filter(|field| !field.is_empty()).collect();
    format!("{{{}}}", fields.join(", "))
}

const TRUE: &[&str] = &["true", "true", "True", "TRUE", "yes", "Yes", "on", "ON", "YES"];
const FALSE: &[&str] = &["false", "false", "False", "FALSE", "no", "No", "off", "OFF", "NO"];
const USERS: &[&str] = &["runAsUser: 0", "runAsUser: 0x0", "runAsUser: 00", "runAsUser: 1000", "runAsUser: null"];
const SECCOMP: &[&str] = &[
    "seccompProfile: {type: Unconfined}",
    "seccompProfile: {type: RuntimeDefault}",
    "seccompProfile: {type: Localhost, localhostProfile: a.json}",
    "seccompProfile: null",
];
const SE_LINUX: &[&str] = &[
    "seLinuxOptions: {type: container_t}",
    "seLinuxOptions: {type: container_init_t}",
    "seLinuxOptions: {type: container_kvm_t}",
    "seLinuxOptions: {type: container_engine_t}",
    "seLinuxOptions: {type: spc_t}",
    "seLinuxOptions: {type: '', level: 's0:c1'}",
    "seLinuxOptions: {user: system_u}",
    "seLinuxOptions: {role: system_r}",
    "seLinuxOptions: {}",
];
const APP_ARMOR: &[&str] = &[
    "appArmorProfile: {type: Unconfined}",
    "appArmorProfile: {type: RuntimeDefault}",
    "appArmorProfile: {type: Localhost, localhostProfile: a}",
];
const SYSCTLS: &[&str] = &[
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
    "kernel.msgmax",
    "net/ipv4/tcp_rmem",
    "fs.mqueue.msg_max",
];
const VOLUMES: &[&str] = &[
    "emptyDir: {}",
    "emptyDir: null",
    "",
    "configMap: {name: a}",
    "secret: {secretName: a}",
    "downwardAPI: {}",
    "projected: {sources: []}",
    "persistentVolumeClaim: {claimName: a}",
    "csi: {driver: a.example.com}",
    "ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}}",
];
const ODD_VOLUMES: &[&str] = &[
    "hostPath: {path: /}",
    "hostPath: {path: /var/log, type: Directory}",
    "nfs: {server: a, path: /}",
    "iscsi: {targetPortal: '10.0.0.1:3260', iqn: 'iqn.2001-04.com.example:a', lun: 0}",
    "fc: {targetWWNs: [a], lun: 0}",
    "gcePersistentDisk: {pdName: a}",
    "image: {reference: 'registry.example.com/a:1'}",
    "configMap: {name: a}, hostPath: null",
    "flexVolume: {driver: a/b}",
];
const DROPS: &[&str] = &["drop: [ALL]", "drop: [all]", "drop: [NET_RAW, ALL]", "drop: [NET_RAW]", "drop: []"];
const ADDS: &[&str] = &[
    "add: [NET_BIND_SERVICE]",
    "add: [CHOWN]",
    "add: [SETPCAP, NET_BIND_SERVICE]",
    "add: [NET_ADMIN]",
    "add: [SYS_TIME, CHOWN]",
    "add: [NET_RAW]",
    "add: [chown]",
    "add: [CAP_CHOWN]",
    "add: [ALL]",
    "add: []",
    "add: null",
];
const PORTS: &[&str] = &[
    "ports: [{containerPort: 80, hostPort: 8080}]",
    "ports: [{containerPort: 80}]",
    "ports: [{containerPort: 80, hostPort: 0}]",
    "ports: [{containerPort: 80, hostPort: 0x50}]",
    "ports: [{containerPort: 80, hostPort: null}, {containerPort: 81, hostPort: 81, name: b}]",
];
const PROBES: &[&str] = &[
    "livenessProbe: {httpGet: {port: 80, host: 10.0.0.1}}",
    "livenessProbe: {httpGet: {port: 80, host: ''}}",
    "readinessProbe: {tcpSocket: {port: 80, host: example.com}}",
    "startupProbe: {tcpSocket: {port: 80}}",
    "startupProbe: {httpGet: {port: 80, host: localhost}}",
    "lifecycle: {postStart: {httpGet: {port: 80, host: 127.0.0.1}}}",
    "lifecycle: {preStop: {tcpSocket: {port: 80, host: '::1'}}}",
    "lifecycle: {preStop: {exec: {command: ['true']}}}",
    "livenessProbe: {grpc: {port: 80}}",
];
