//! How long the Pod Security Standard "restricted", written in CEL, takes on a pod of three containers:
//! `cargo bench -p cel --bench eval`. One item is one evaluation of the whole set.

#![allow(clippy::unwrap_used)]

use std::cell::OnceCell;

use cel::context::BUDGET_DEFAULT;
use cel::{Activation, Context, Env, Fault, Program, Type, Value, standard};
use divan::counter::ItemsCount;
use model::FileId;

fn main() {
    divan::main();
}

/// All expressions, variables computed when they are first read.
#[divan::bench]
fn restricted(bencher: divan::Bencher<'_, '_>) {
    let set = Set::new(VARIABLES, RESTRICTED);
    measure(bencher, &set);
}

/// Both levels: what a pod must pass to be restricted.
#[divan::bench]
fn baseline_and_restricted(bencher: divan::Bencher<'_, '_>) {
    let all: Vec<&str> = BASELINE.iter().chain(RESTRICTED).copied().collect();
    let set = Set::new(VARIABLES, &all);
    measure(bencher, &set);
}

fn measure(bencher: divan::Bencher<'_, '_>, set: &Set) {
    let mut bencher = Some(bencher);
    manifest::documents(POD, FileId(0), |document| {
        let tree = document.unwrap();
        let object = Value::node(tree.root());
        assert_eq!(set.failures(&object), 0);
        bencher.take().unwrap().counter(ItemsCount::new(1_u32)).bench_local(|| set.failures(&object));
    });
}

/// Programs of variables and validations.
struct Set {
    variables: Vec<Program>,
    validations: Vec<Program>,
}

// === impl Set ===

impl Set {
    fn new(variables: &[(&str, &str)], validations: &[&str]) -> Set {
        let mut env = Env::default();
        env.add(standard::library());
        env.add(standard::optionals());
        env.declare("object", Type::Dyn);
        let program = |env: &Env, source: &str| {
            let ast = cel::parse(source, &env.syntax).unwrap();
            Program::new(env, &cel::check(env, ast).unwrap()).unwrap()
        };
        let mut programs = Vec::new();
        for (name, source) in variables {
            programs.push(program(&env, source));
            env.declare(&format!("variables.{name}"), Type::Dyn);
        }
        Set { variables: programs, validations: validations.iter().map(|source| program(&env, source)).collect() }
    }

    fn failures<'v>(&'v self, object: &Value<'v>) -> usize {
        let request = Request { set: self, object: object.clone(), values: Default::default() };
        let mut context = Context::new(BUDGET_DEFAULT);
        let mut failures = 0;
        for program in &self.validations {
            failures += usize::from(!matches!(program.eval(&request, &mut context), Ok(Value::Bool(true))));
        }
        failures
    }
}

struct Request<'v> {
    set: &'v Set,
    object: Value<'v>,
    values: [OnceCell<Value<'v>>; 8],
}

impl<'v> Activation<'v> for Request<'v> {
    fn variable(&self, slot: usize, context: &mut Context<'_>) -> Result<Value<'v>, Fault> {
        let Some(slot) = slot.checked_sub(1) else { return Ok(self.object.clone()) };
        if let Some(value) = self.values[slot].get() {
            return Ok(value.clone());
        }
        let value = self.set.variables[slot].eval(self, context)?;
        Ok(self.values[slot].get_or_init(|| value).clone())
    }
}

const VARIABLES: &[(&str, &str)] = &[
    (
        "pod",
        "object.kind == 'Pod' ? object :
         object.kind == 'PodTemplate' ? object.template :
         object.kind == 'CronJob' ? object.spec.jobTemplate.spec.template :
         object.spec.template",
    ),
    (
        "containers",
        "variables.pod.spec.containers +
         variables.pod.spec.?initContainers.orValue([]) +
         variables.pod.spec.?ephemeralContainers.orValue([])",
    ),
    (
        "contexts",
        "[variables.pod.spec.?securityContext.orValue({})] +
         variables.containers.map(c, c.?securityContext.orValue({}))",
    ),
    ("linux", "variables.pod.spec.?os.name.orValue('linux') != 'windows'"),
    ("nodeUsers", "variables.pod.spec.?hostUsers.orValue(true)"),
];

const BASELINE: &[&str] = &[
    "!variables.pod.spec.?hostNetwork.orValue(false) &&
        !variables.pod.spec.?hostPID.orValue(false) && !variables.pod.spec.?hostIPC.orValue(false)",
    "variables.containers.all(c, !c.?securityContext.privileged.orValue(false))",
    "variables.containers.all(c, c.?securityContext.capabilities.add.orValue([]).all(name,
        name in ['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD',
        'NET_BIND_SERVICE', 'SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT']))",
    "variables.pod.spec.?volumes.orValue([]).all(v, !has(v.hostPath))",
    "variables.containers.all(c, c.?ports.orValue([]).all(p, p.?hostPort.orValue(0) == 0))",
    "variables.containers.all(c,
        [c.?livenessProbe, c.?readinessProbe, c.?startupProbe, c.?lifecycle.postStart, c.?lifecycle.preStop]
        .all(h, h.?httpGet.host.orValue('') == '' && h.?tcpSocket.host.orValue('') == ''))",
    "variables.contexts.all(s, !has(s.appArmorProfile) ||
        s.appArmorProfile.?type.orValue('') in ['RuntimeDefault', 'Localhost']) &&
        variables.pod.?metadata.annotations.orValue({}).all(key, value,
        !key.startsWith('container.apparmor.security.beta.kubernetes.io/') ||
        value in ['', 'runtime/default'] || value.startsWith('localhost/'))",
    "variables.contexts.all(s,
        s.?seLinuxOptions.type.orValue('') in ['', 'container_t', 'container_init_t', 'container_kvm_t',
        'container_engine_t'] &&
        s.?seLinuxOptions.user.orValue('') == '' && s.?seLinuxOptions.role.orValue('') == '')",
    "!variables.nodeUsers ||
        variables.containers.all(c, c.?securityContext.procMount.orValue('Default') == 'Default')",
    "variables.contexts.all(s, !has(s.seccompProfile) ||
        s.seccompProfile.?type.orValue('') in ['RuntimeDefault', 'Localhost'])",
    "variables.pod.spec.?securityContext.sysctls.orValue([]).all(s,
        s.?name.orValue('') in ['kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.tcp_syncookies',
        'net.ipv4.ping_group_range', 'net.ipv4.ip_unprivileged_port_start', 'net.ipv4.ip_local_reserved_ports',
        'net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_keepalive_intvl',
        'net.ipv4.tcp_keepalive_probes', 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem',
        'net.ipv4.tcp_slow_start_after_idle', 'net.ipv4.tcp_notsent_lowat'])",
    "variables.contexts.all(s, !s.?windowsOptions.hostProcess.orValue(false))",
];

const RESTRICTED: &[&str] = &[
    "variables.pod.spec.?volumes.orValue([]).all(v, v.all(source, source in ['name', 'configMap',
        'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'image', 'persistentVolumeClaim', 'projected', 'secret']))",
    "!variables.linux ||
        variables.containers.all(c, !c.?securityContext.allowPrivilegeEscalation.orValue(true))",
    "!variables.nodeUsers ||
        (variables.pod.spec.?securityContext.runAsNonRoot.orValue(true) && variables.containers.all(c,
        c.?securityContext.runAsNonRoot.orValue(
        variables.pod.spec.?securityContext.runAsNonRoot.orValue(false))))",
    "!variables.nodeUsers || variables.contexts.all(s, s.?runAsUser.orValue(1) != 0)",
    "!variables.linux || (variables.contexts.all(s, !has(s.seccompProfile) ||
        s.seccompProfile.?type.orValue('') in ['RuntimeDefault', 'Localhost']) &&
        (has(variables.pod.spec.securityContext) && has(variables.pod.spec.securityContext.seccompProfile) ||
        variables.containers.all(c, has(c.securityContext) && has(c.securityContext.seccompProfile))))",
    "!variables.linux || variables.containers.all(c,
        'ALL' in c.?securityContext.capabilities.drop.orValue([]) &&
        c.?securityContext.capabilities.add.orValue([]).all(name, name == 'NET_BIND_SERVICE'))",
    "variables.containers.all(c, c.?securityContext.procMount.orValue('Default') == 'Default')",
];

const POD: &str = "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}, annotations: {team: payments}}
spec:
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  volumes: [{name: data, emptyDir: {}}, {name: conf, configMap: {name: web}}]
  containers:
  - name: web
    image: registry.example/web:1
    ports: [{containerPort: 8080}]
    resources: {limits: {memory: 64Mi}}
    livenessProbe: {httpGet: {path: /live, port: 8080}}
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
  - name: proxy
    image: registry.example/proxy:1
    ports: [{containerPort: 8443}]
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}}
  - name: log
    image: registry.example/log:1
    volumeMounts: [{name: data, mountPath: /data}]
    securityContext: {allowPrivilegeEscalation: false, runAsUser: 1000, capabilities: {drop: [ALL]}}
";
