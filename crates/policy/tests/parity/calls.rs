//! Many requests to the API server with one process of curl, and what came back: the status, the warnings
//! and what the audit log was told.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::server::Server;

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
    /// Asked for as this user instead of the administrator.
    pub(crate) user: Option<String>,
}

/// What the server said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) warnings: Vec<String>,
    /// Annotations of the audit event.
    pub(crate) audit: BTreeMap<String, String>,
}

impl Call {
    pub(crate) fn new(method: &'static str, path: impl Into<String>, body: impl Into<Option<Value>>) -> Call {
        Call { method, path: path.into(), body: body.into(), user: None }
    }
}

impl Answer {
    /// The message of a refusal.
    pub(crate) fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

/// Makes all calls in order, over one connection.
pub(crate) fn calls(server: &Server, calls: &[Call]) -> Vec<Answer> {
    let directory = server.directory().join("calls");
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    let round = server.round();
    let mut config = String::new();
    for (number, call) in calls.iter().enumerate() {
        one(&mut config, server, &directory, (round, number), call);
    }
    let file = directory.join("config");
    fs::write(&file, config).unwrap();
    let output = Command::new("curl").arg("--config").arg(&file).output().expect("curl runs");
    let statuses = String::from_utf8_lossy(&output.stdout);
    let statuses: Vec<u16> = statuses.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(statuses.len(), calls.len(), "curl: {}", String::from_utf8_lossy(&output.stderr));
    let mut answers: Vec<Answer> = statuses
        .into_iter()
        .enumerate()
        .map(|(number, status)| {
            let body = fs::read(directory.join(format!("{number}.body"))).unwrap_or_default();
            let body = serde_json::from_slice(&body)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned()));
            let warnings = warnings(&directory.join(format!("{number}.head")));
            Answer { status, body, warnings, audit: BTreeMap::new() }
        })
        .collect();
    audit(server, round, &mut answers);
    answers
}

fn one(config: &mut String, server: &Server, directory: &Path, (round, number): (usize, usize), call: &Call) {
    if number > 0 {
        config.push_str("next\n");
    }
    let file = |suffix: &str| directory.join(format!("{number}.{suffix}")).display().to_string();
    let _ = write!(
        config,
        "silent\ninsecure\nmax-time = 30\ngloboff\nrequest = {}\nurl = \"{}{}\"\nwrite-out = \"%{{http_code}}\\n\"\n\
         output = \"{}\"\ndump-header = \"{}\"\nheader = \"Authorization: Bearer {}\"\nheader = \"Audit-ID: {round}-{number}\"\n",
        call.method,
        server.address(),
        call.path,
        file("body"),
        file("head"),
        Server::token(),
    );
    if let Some(user) = &call.user {
        let _ = writeln!(config, "header = \"Impersonate-User: {user}\"");
    }
    if let Some(body) = &call.body {
        fs::write(file("json"), serde_json::to_vec(body).unwrap()).unwrap();
        let kind = match call.method {
            "PATCH" => "application/merge-patch+json",
            _ => "application/json",
        };
        let _ = write!(config, "header = \"Content-Type: {kind}\"\ndata-binary = \"@{}\"\n", file("json"));
    }
}

/// Texts of the `Warning` headers.
fn warnings(file: &PathBuf) -> Vec<String> {
    let head = fs::read_to_string(file).unwrap_or_default();
    head.lines()
        .filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            let text = value.trim().strip_prefix("299 - \"")?.strip_suffix('"')?;
            name.eq_ignore_ascii_case("warning").then(|| unescaped(text))
        })
        .collect()
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut escaped = false;
    for c in text.chars() {
        if !escaped && c == '\\' {
            escaped = true;
        } else {
            out.push(c);
            escaped = false;
        }
    }
    out
}

/// Adds what the audit log says of these calls, once all of them are there.
fn audit(server: &Server, round: usize, answers: &mut [Answer]) {
    let deadline = Instant::now() + AUDIT_WITHIN;
    let prefix = format!("{round}-");
    // Reading every event whole would take longer than the requests.
    let marker = format!("\"auditID\":\"{prefix}");
    loop {
        let log = fs::read_to_string(server.directory().join("audit.log")).unwrap_or_default();
        let mut seen = 0;
        for line in log.lines().filter(|line| line.contains(&marker)) {
            let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
            let Some(number) = event["auditID"].as_str().and_then(|id| id.strip_prefix(&prefix)) else { continue };
            let Some(answer) = number.parse().ok().and_then(|n: usize| answers.get_mut(n)) else { continue };
            seen += 1;
            for (key, value) in event["annotations"].as_object().into_iter().flatten() {
                answer.audit.insert(key.clone(), value.as_str().unwrap_or_default().to_owned());
            }
        }
        if seen >= answers.len() || Instant::now() > deadline {
            return;
        }
        sleep(Duration::from_millis(200));
    }
}

/// Events are written before the answer is sent, so only a slow disk makes anyone wait.
const AUDIT_WITHIN: Duration = Duration::from_secs(3);
