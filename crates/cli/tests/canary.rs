//! Secret canaries: no output, of any format, ever holds a secret of the input, plain or in base 64.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "door/binary.rs"]
mod binary;

use std::fmt::Write;
use std::process::Output;

use crate::binary::{folder, kobuk};

const FORMATS: [&str; 9] = ["text", "json", "sarif", "junit", "markdown", "github", "html", "openreports", "oscal"];

/// A secret of the input. Put together at run time, so that no scanner takes this file for a leak.
struct Canary {
    place: &'static str,
    value: String,
}

/// Everything that is written into the folder, and what must not come out.
struct Input {
    canaries: Vec<Canary>,
    files: Vec<(&'static str, String)>,
}

impl Input {
    fn canary(&mut self, place: &'static str, value: impl Into<String>) -> String {
        let value = value.into();
        self.canaries.push(Canary { place, value: value.clone() });
        value
    }

    fn file(&mut self, name: &'static str, text: String) {
        self.files.push((name, text));
    }
}

fn input() -> Input {
    let mut input = Input { canaries: Vec::new(), files: Vec::new() };
    workload(&mut input);
    objects(&mut input);
    tokens(&mut input);
    configuration(&mut input);
    one_line(&mut input);
    input
}

/// A password in the environment, in arguments, in an annotation and in an address.
fn workload(input: &mut Input) {
    let env = input.canary("env", "Env-canary-7Qx2pLw9");
    let plain = input.canary("env of plain words", "correcthorsebattery");
    let split = input.canary("argument after its flag", "Split7canary2Kd8w");
    let flag = input.canary("argument", "Flag4canary9Zr3t");
    let shell = input.canary("command", "Shell5canary1Hy6u");
    let note = input.canary("annotation", "Note3canary8Vb2n");
    let dsn = input.canary("address", "Dsn6canary4Mj9k");
    let short = input.canary("short password in an address", "hx81kzQ");
    let header = input.canary("header", "Basic9canary5Gf7d");
    let probe = input.canary("probe header", "Probe2canary6Ws4e");
    let suffix = input.canary("environment with an odd name", "Zk3v9QpL0x7TnB2mZk4v8QpL1x6TnB3m");
    input.file(
        "pod.yaml",
        format!(
            "apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations:
    example.com/db-password: {note}
    example.com/dsn: postgres://shop:{short}@db.example.com/shop
spec:
  containers:
  - name: web
    image: web
    command: [sh, -c, 'export PGPASSWORD={shell}; curl -u admin:{header} http://a.example.com']
    args:
    - --password={flag}
    - --db-password
    - {split}
    - --listen=0.0.0.0
    env:
    - {{name: DB_PASSWORD, value: {env}}}
    - name: PASSPHRASE
      value: {plain}
    - name: KEY_A
      value: {suffix}
    - name: DSN
      value: 'amqp://user:{dsn}@mq.example.com:5672'
    livenessProbe:
      httpGet:
        port: 80
        httpHeaders: [{{name: Authorization, value: 'Bearer {probe}'}}]
"
        ),
    );
}

/// Secrets, ConfigMaps and a custom resource.
fn objects(input: &mut Input) {
    let data = input.canary("data of a Secret", "Data8canary3Lk5j");
    let text = input.canary("stringData of a Secret", "String1canary7Tg4r");
    let flow = input.canary("Secret in one line", "Flow2canary9Pq8s");
    let wrong = input.canary("number in a Secret", "90817263544536271");
    let applied = input.canary("last applied", "Applied5canary3Xc1v");
    let map = input.canary("ConfigMap", "Map4canary6Bn2h");
    let file = input.canary("file in a ConfigMap", "Ini7canary5Rt9y");
    let custom = input.canary("custom resource", "Custom3canary1Op8i");
    let twice = input.canary("first of two values", "Twice9canary2Az6s");
    let (data, applied) = (base64(&data), base64(&applied));
    input.file(
        "objects.yaml",
        format!(
            "apiVersion: v1
kind: Secret
metadata:
  name: db
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{{\"kind\":\"Secret\",\"data\":{{\"a\":\"{applied}\"}}}}'
data:
  password: {data}
stringData:
  token: {text}
  number: {wrong}
  password: {twice}
  password: {twice}
---
apiVersion: v1
kind: Secret
metadata: {{name: flow}}
stringData: {{password: {flow}, type: {flow}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: settings}}
data:
  db.password: {map}
  app.ini: |
    user = shop
    password = {file}
    host = db
---
apiVersion: example.com/v1
kind: Thing
metadata: {{name: t}}
spec:
  adminPassword: {custom}
"
        ),
    );
}

/// Formats that are known by their looks, in places whose names say nothing.
fn tokens(input: &mut Input) {
    let github = input.canary("GitHub token", format!("gh{}{}", "p_", "9f8Ke3Lq0ZtY7uWv2XsR5bNc1MdP4aHgJ6Qo"));
    let aws = input.canary("AWS key", format!("AK{}{}", "IA", "Q7ZX3MNB5VC8LKJ2"));
    let slack =
        input.canary("Slack token", format!("xo{}{}", "xb-", "123456789012-1234567890123-a1B2c3D4e5F6g7H8i9J0k1L2"));
    let jwt = input.canary(
        "JWT",
        format!(
            "ey{}.{}.{}",
            "JhbGciOiJIUzI1NiJ9", "eyJzdWIiOiJjYW5hcnkifQ", "d2hhdC1hLWNhbmFyeS1zaWduYXR1cmUtaXMtdGhpcw"
        ),
    );
    let stripe = input.canary("Stripe key", format!("sk_{}{}", "live_", "4eC39HqLyjWDarjtT1zdp7dc"));
    let key = input.canary("private key", "MIIEpAIBAAKCAQEA7canaryKeyLine0Zx9Yw8Vu7Ts6Rq5Po4Nm3Lk2Ji1Hg0Fe");
    let begin = format!("-----BEGIN {} KEY-----", "RSA PRIVATE");
    let end = format!("-----END {} KEY-----", "RSA PRIVATE");
    let json_key = key.clone();
    input.file(
        "tokens.yaml",
        format!(
            "apiVersion: v1
kind: ConfigMap
metadata: {{name: tokens, annotations: {{a: {github}}}, labels: {{b: {aws}}}}}
data:
  a: {github}
  b: {aws}
  c: {slack}
  d: {jwt}
  e: {stripe}
  f: |
    {begin}
    {key}
    {end}
  g: \"{begin}\\n{json_key}\\n{end}\\n\"
---
apiVersion: v1
kind: Pod
metadata: {{name: p}}
spec:
  containers:
  - name: c
    image: https://user:{github}@registry.example.com/a
    args: ['--header=Authorization: Bearer {jwt}', {slack}]
    env: [{{name: X, value: {stripe}}}, {{name: Y, value: '{aws}'}}]
"
        ),
    );
}

/// Files of the cluster's own components.
fn configuration(input: &mut Input) {
    let key = input.canary("key of EncryptionConfiguration", "c2VjcmV0IGNhbmFyeSBpcyBoZXJlISEhMTIzNDU2Nzg=");
    let weak = input.canary("guessable key", "canarycanarycanarycanarycanary12");
    let token = input.canary("kubeadm token", "ca9ry7.0123456789abcdef");
    let certificates =
        input.canary("kubeadm certificate key", "f8902e114ef118304e561c3ecd4d0b543adc226b7a07f675f56564185ffe0c07");
    let hook = input.canary("webhook address", "Hook1canary4Ui7o");
    let bearer = input.canary("kubeconfig token", "Kube8canary5Nm3bToken0Qa2w");
    let basic = input.canary("kubeconfig password", "Kube2canaryPass");
    let weak = base64(&weak);
    input.file(
        "cluster.yaml",
        format!(
            "apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers:
  - aescbc:
      keys:
      - {{name: key1, secret: {key}}}
      - name: key2
        secret: {key}
  - secretbox:
      keys: [{{name: key1, secret: {weak}}}]
  - identity: {{}}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
bootstrapTokens:
- token: {token}
  ttl: 0s
certificateKey: {certificates}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
discovery:
  bootstrapToken: {{token: {token}, apiServerEndpoint: '10.0.0.1:6443', unsafeSkipCAVerification: true}}
  tlsBootstrapToken: {token}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {{name: hook}}
webhooks:
- name: hook.example.com
  clientConfig: {{url: 'https://admin:{hook}@hook.example.com/validate?token={hook}'}}
---
apiVersion: v1
kind: Config
users:
- name: me
  user: {{token: {bearer}}}
- name: you
  user:
    username: admin
    password: {basic}
"
        ),
    );
}

/// The same in a line of JSON, where an excerpt shows neighbours; and files that cannot be read on.
fn one_line(input: &mut Input) {
    let env = input.canary("env in JSON", "Json6canary2Ed9c");
    let data = input.canary("Secret in JSON", "Json3canary7Rf5v");
    let broken = input.canary("broken YAML", "Broken4canary8Tb6n");
    let template = input.canary("template", "Templ5canary1Yh3m");
    let encoded = base64(&data);
    input.file(
        "line.json",
        format!(
            r#"{{"apiVersion":"v1","kind":"List","items":[{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"p"}},"spec":{{"containers":[{{"name":"c","image":"a","env":[{{"name":"API_TOKEN","value":"{env}"}}],"securityContext":{{"privileged":true}}}}]}}}},{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"s"}},"data":{{"password":"{encoded}"}},"stringData":{{"x":"{data}"}}}}]}}"#
        ),
    );
    input.file(
        "broken.yaml",
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData:\n  password: {broken}\n  'x: [\n"),
    );
    input.file(
        "template.yaml",
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: '{{{{ .Name }}}}'}}\nstringData:\n  password: {template}\n"
        ),
    );
}

#[test]
fn no_secret_of_the_input_comes_out_in_any_format() {
    let input = input();
    let folder = folder("canary");
    for (name, text) in &input.files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let mut leaks = String::new();
    let mut findings = 0;
    for verb in [&["scan", "manifests"][..], &["assess"][..]] {
        for format in FORMATS {
            for more in [&["--color", "always"][..], &["--color", "never", "--pod-security", "labels"][..]] {
                let words = [verb, &[".", "--format", format], more].concat();
                let output = kobuk(&folder, &words);
                assert_eq!(output.status.code(), Some(2), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
                assert!(!output.stdout.is_empty(), "{words:?}");
                findings += count(&output.stdout, b"secret-literal");
                complain(&input, &words, &output, &mut leaks);
            }
        }
    }
    assert!(findings > 100, "only {findings} times a secret was reported: the input no longer shows what it should");
    assert!(leaks.is_empty(), "{leaks}");
}

#[test]
fn a_settings_file_that_cannot_be_used_is_not_repeated() {
    let folder = folder("canary-settings");
    let secret = "Settings7canary4Gh2j";
    std::fs::write(folder.join("kobuk.yaml"), format!("checks: ['*']\npassword: {secret}\n")).unwrap();
    let output = kobuk(&folder, &["scan", "manifests", "."]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(count(&output.stderr, secret.as_bytes()), 0, "{}", String::from_utf8_lossy(&output.stderr));
}

/// Names every canary that the output holds, with the line that holds it.
fn complain(input: &Input, words: &[&str], output: &Output, leaks: &mut String) {
    // Colour may not hide a secret from this test.
    let plain = without_color(&String::from_utf8_lossy(&output.stdout));
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    for canary in &input.canaries {
        for needle in [canary.value.clone(), base64(&canary.value)] {
            for line in plain.lines().chain(talk.lines()).filter(|line| line.contains(&needle)).take(2) {
                let at = line.find(&needle).unwrap();
                let around: String =
                    line.chars().skip(line[..at].chars().count().saturating_sub(200)).take(320).collect();
                let _ = writeln!(leaks, "{}: {words:?}: {around}", canary.place);
            }
        }
    }
}

fn without_color(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain + rest
}

fn count(bytes: &[u8], needle: &[u8]) -> usize {
    bytes.windows(needle.len()).filter(|window| *window == needle).count()
}

fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let word = chunk.iter().chain([&0; 2]).take(3).fold(0_usize, |word, byte| word << 8 | usize::from(*byte));
        for place in 0..4 {
            let digit = DIGITS[word >> (18 - 6 * place) & 63] as char;
            out.push(if place <= chunk.len() { digit } else { '=' });
        }
    }
    out
}
