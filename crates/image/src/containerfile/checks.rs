//! The decisions. Each reads one Containerfile and tells what it finds.

use std::sync::LazyLock;

use model::{Rule, Severity};
use regex::Regex;

use super::parse::{Containerfile, Instruction, Stage};
use super::rules;
use crate::hardening;
use crate::secrets::{self, Allow};

/// Takes rule, severity, line and message of one case.
type Tell<'a> = dyn FnMut(&'static Rule, Severity, u32, String) + 'a;

/// All checks.
pub(super) const ALL: &[fn(&Containerfile, &mut Tell<'_>)] =
    &[user, bases, assigned_secrets, additions, copies, runs, shape, ports];

/// The user of the last stage, through the stages that it builds on.
fn user(file: &Containerfile, tell: &mut Tell<'_>) {
    let Some(last) = file.stages.last() else { return };
    let mut stage = last;
    // Each step goes to an earlier stage, so this ends.
    let mut index = file.stages.len() - 1;
    loop {
        if let Some(user) = stage.instructions.iter().rev().find(|step| &*step.keyword == "USER") {
            if is_root(&user.text) {
                tell(&rules::USER_ROOT, rules::USER_ROOT.severity, user.line, format!("USER is `{}`", user.text));
            }
            return;
        }
        match file.stages[..index].iter().rposition(|earlier| names(earlier, &stage.base)) {
            Some(earlier) => (index, stage) = (earlier, &file.stages[earlier]),
            None => break,
        }
    }
    if !runs_unprivileged(&stage.base) {
        let message = format!("no USER in the last stage, and `{}` may run as root", stage.base);
        tell(&rules::USER_ROOT, rules::USER_ROOT.severity, last.line, message);
    }
}

/// Whether a USER instruction leaves the process with the rights of root, as container runtimes read it.
fn is_root(user: &str) -> bool {
    let name = user.split(':').next().unwrap_or("").trim();
    let odd = || hardening::is_number(name) && !matches!(name.parse(), Ok(1..=hardening::USER_ID_MAX));
    name.is_empty() || name.eq_ignore_ascii_case("root") || odd()
}

/// Bases that say in their name that they set a user.
fn runs_unprivileged(base: &str) -> bool {
    let tag = base.rsplit('/').next().unwrap_or(base);
    tag.contains("nonroot") || tag.contains("rootless") || tag.contains("unprivileged")
}

fn names(stage: &Stage, base: &str) -> bool {
    !stage.name.is_empty() && stage.name.eq_ignore_ascii_case(base)
}

fn bases(file: &Containerfile, tell: &mut Tell<'_>) {
    for (index, stage) in file.stages.iter().enumerate() {
        let base = &*stage.base;
        let earlier = file.stages[..index].iter().any(|earlier| names(earlier, base));
        if earlier || base.eq_ignore_ascii_case("scratch") {
            continue;
        }
        let base = resolve(base, &file.globals);
        if base.contains("@sha256:") || base.contains("@sha512:") || base.contains('$') {
            continue;
        }
        let last = base.rsplit('/').next().unwrap_or(&base);
        match last.split_once(':') {
            None => tell(&rules::BASE_TAG, rules::BASE_TAG.severity, stage.line, format!("`{base}` names no version")),
            Some((_, "latest")) => {
                tell(&rules::BASE_TAG, rules::BASE_TAG.severity, stage.line, format!("`{base}` names no version"));
            }
            Some(_) => {
                tell(&rules::BASE_DIGEST, rules::BASE_DIGEST.severity, stage.line, format!("`{base}` has no digest"));
            }
        }
    }
}

/// A base with the defaults of global arguments put in; `$` stays where one has none.
fn resolve(base: &str, globals: &[Instruction]) -> String {
    let mut resolved = base.to_owned();
    for (name, value) in globals.iter().filter_map(|arg| arg.text.split_once('=')) {
        let value = value.trim_matches(['"', '\'']);
        for spelling in [format!("${{{name}}}"), format!("${name}")] {
            if resolved.len() < BASE_BYTES_MAX {
                resolved = resolved.replace(&spelling, value);
            }
        }
    }
    resolved
}

fn assigned_secrets(file: &Containerfile, tell: &mut Tell<'_>) {
    let allow = Allow::default();
    for step in steps(file).chain(&file.globals) {
        let found = match &*step.keyword {
            "ENV" | "ARG" | "LABEL" => {
                let pairs = assignments(&step.text).into_iter();
                pairs.flat_map(|(name, value)| secrets::search_assignment(&name, &value, &allow)).collect()
            }
            "RUN" | "CMD" | "ENTRYPOINT" | "COPY" | "ADD" | "HEALTHCHECK" => {
                secrets::search("", format!("{}\n{}", step.text, step.heredoc).as_bytes(), &allow)
            }
            _ => Vec::new(),
        };
        for secret in found {
            let message =
                format!("{} holds a value of the format `{}`: `{}`", step.keyword, secret.format, secret.excerpt);
            tell(&rules::SECRET, rules::SECRET.severity, step.line, message);
        }
    }
}

/// Names and values of `ENV`, `ARG` and `LABEL`: `a=b c="d e"`, and the old form `ENV name value`.
fn assignments(text: &str) -> Vec<(String, String)> {
    let words = words(text);
    match words.split_first() {
        Some((name, rest)) if !name.contains('=') && !rest.is_empty() => vec![(name.clone(), rest.join(" "))],
        _ => words
            .iter()
            .filter_map(|word| word.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    }
}

/// Words as a shell splits them, quotes and escapes removed.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut inside) = (Vec::new(), String::new(), None, false);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', None | Some('"')) => word.extend(chars.next()),
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => (quote, inside) = (Some(c), true),
            (c, None) if c.is_whitespace() => {
                if inside || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                inside = false;
            }
            (c, _) => word.push(c),
        }
    }
    if inside || !word.is_empty() {
        words.push(word);
    }
    words
}

fn additions(file: &Containerfile, tell: &mut Tell<'_>) {
    for step in steps(file).filter(|step| &*step.keyword == "ADD") {
        let sources = sources(step);
        let remote = |source: &&String| {
            ["http://", "https://", "ftp://", "git@"].iter().any(|scheme| source.starts_with(scheme))
        };
        let verified = step.flags.iter().any(|flag| flag.starts_with("--checksum="));
        if let Some(source) = sources.iter().find(remote) {
            // A commit is a digest too.
            let pinned = source.rsplit_once('#').is_some_and(|(_, commit)| {
                commit.len() >= 40 && commit.bytes().take(40).all(|byte| byte.is_ascii_hexdigit())
            });
            if !verified && !pinned {
                let message = format!("ADD fetches `{source}` without a checksum");
                tell(&rules::ADD_URL, rules::ADD_URL.severity, step.line, message);
            }
        } else if !sources.iter().any(|source| is_archive(source)) {
            tell(&rules::ADD, rules::ADD.severity, step.line, format!("ADD {}", step.text));
        }
    }
}

fn is_archive(name: &str) -> bool {
    [".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".txz", ".tbz2"].iter().any(|end| name.ends_with(end))
}

/// All but the last argument.
fn sources(step: &Instruction) -> Vec<String> {
    let mut sources: Vec<String> = match &step.json {
        Some(words) => words.iter().map(|word| word.to_string()).collect(),
        None => words(&step.text),
    };
    sources.pop();
    sources
}

fn copies(file: &Containerfile, tell: &mut Tell<'_>) {
    for step in steps(file).filter(|step| matches!(&*step.keyword, "COPY" | "ADD")) {
        if step.flags.iter().any(|flag| flag.starts_with("--from=")) {
            continue;
        }
        for source in sources(step) {
            let name = source.trim_end_matches('/').rsplit('/').next().unwrap_or("");
            if SENSITIVE_NAMES.contains(&name) || SENSITIVE_ENDS.iter().any(|end| name.ends_with(end)) {
                let message = format!("{} takes `{source}` into the image", step.keyword);
                tell(&rules::SENSITIVE_COPY, rules::SENSITIVE_COPY.severity, step.line, message);
            }
        }
    }
}

fn runs(file: &Containerfile, tell: &mut Tell<'_>) {
    for step in steps(file).filter(|step| matches!(&*step.keyword, "RUN" | "SHELL")) {
        for flag in step.flags.iter().filter(|flag| matches!(&***flag, "--security=insecure" | "--network=host")) {
            tell(&rules::PRIVILEGED_RUN, rules::PRIVILEGED_RUN.severity, step.line, format!("RUN {flag}"));
        }
        let joined = step.json.as_ref().map(|words| words.join(" "));
        let text = format!("{}\n{}", joined.as_deref().unwrap_or(&step.text), step.heredoc);
        for pattern in PATTERNS.iter() {
            let hit =
                pattern.regex.find_iter(&text).find(|hit| !pattern.but.is_some_and(|but| hit.as_str().contains(but)));
            if let Some(hit) = hit {
                let what: String = hit.as_str().split_whitespace().collect::<Vec<_>>().join(" ");
                let what: String = what.chars().take(EXCERPT_CHARS).collect();
                tell(pattern.rule, pattern.rule.severity, step.line, format!("RUN {}: `{what}`", pattern.says));
            }
        }
    }
}

fn shape(file: &Containerfile, tell: &mut Tell<'_>) {
    for stage in &file.stages {
        for keyword in ["CMD", "ENTRYPOINT", "HEALTHCHECK"] {
            let mut all = stage.instructions.iter().filter(|step| &*step.keyword == keyword).rev();
            all.next();
            for step in all {
                let message = format!("this {keyword} is replaced by a later one of the stage");
                tell(&rules::SHADOWED, rules::SHADOWED.severity, step.line, message);
            }
        }
        for step in &stage.instructions {
            match &*step.keyword {
                "WORKDIR"
                    if !step.text.trim_matches(['"', '\'']).starts_with(['/', '$', '\\'])
                        && !step.text.contains(":\\") =>
                {
                    tell(&rules::WORKDIR, rules::WORKDIR.severity, step.line, format!("WORKDIR is `{}`", step.text));
                }
                "MAINTAINER" => {
                    let message = String::from("MAINTAINER is no longer supported");
                    tell(&rules::MAINTAINER, rules::MAINTAINER.severity, step.line, message);
                }
                _ => {}
            }
        }
    }
    let Some(last) = file.stages.last() else { return };
    let health = last.instructions.iter().rev().find(|step| &*step.keyword == "HEALTHCHECK");
    if health.is_none_or(|step| step.text.eq_ignore_ascii_case("none")) {
        let line = health.map_or(last.line, |step| step.line);
        tell(&rules::HEALTHCHECK, rules::HEALTHCHECK.severity, line, String::from("the image has no HEALTHCHECK"));
    }
}

fn ports(file: &Containerfile, tell: &mut Tell<'_>) {
    for step in steps(file).filter(|step| &*step.keyword == "EXPOSE") {
        let ssh = step.text.split_whitespace().any(|port| matches!(port, "22" | "22/tcp" | "2222" | "2222/tcp"));
        if ssh {
            tell(&rules::SSH, rules::SSH.severity, step.line, format!("EXPOSE {}", step.text));
        }
    }
}

fn steps(file: &Containerfile) -> impl Iterator<Item = &Instruction> {
    file.stages.iter().flat_map(|stage| &stage.instructions)
}

/// Something in a command line that tells a fault.
struct Pattern {
    rule: &'static Rule,
    says: &'static str,
    regex: Regex,
    /// A hit with this in it is none.
    but: Option<&'static str>,
}

static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    let table: [(&'static Rule, &'static str, &str, Option<&'static str>); 17] = [
        (
            &rules::PIPE_SHELL,
            "runs what it downloads",
            r"\b(?:curl|wget)\b[^\n|;&]*\|\s*(?:sudo\s+)?(?:env\s+\S+\s+)?(?:/\S*/)?(?:ba|z|da|a)?sh\b",
            None,
        ),
        (
            &rules::PIPE_SHELL,
            "runs what it downloads",
            r"\b(?:curl|wget)\b[^\n|;&]*\|\s*(?:sudo\s+)?(?:python3?|perl|ruby|node)\b",
            None,
        ),
        (
            &rules::PIPE_SHELL,
            "runs what it downloads",
            r"(?:ba|z)?sh\s+(?:-c\s+)?[\x22']?(?:<\(|\$\()\s*(?:curl|wget)\b",
            None,
        ),
        (
            &rules::INSECURE_FETCH,
            "does not verify TLS",
            r"\bcurl\b[^\n|;&]*\s(?:-[a-zA-Z]*k[a-zA-Z]*|--insecure)\b",
            None,
        ),
        (&rules::INSECURE_FETCH, "does not verify TLS", r"\bwget\b[^\n|;&]*--no-check-certificate\b", None),
        (
            &rules::INSECURE_FETCH,
            "fetches without TLS",
            r"\b(?:curl|wget)\b[^\n|;&]*[\s\x22']http://[^\s\x22'|;&]+",
            Some("http://localhost"),
        ),
        (
            &rules::INSECURE_FETCH,
            "installs what is not signed",
            r"--(?:allow-unauthenticated|force-yes|no-gpg-checks?|nogpgcheck|allow-untrusted|no-gpgcheck)\b",
            None,
        ),
        (
            &rules::INSECURE_FETCH,
            "does not verify a package index",
            r"--trusted-host\b|\bstrict-ssl[ =]false\b|http\.sslVerify[ =]false|\bNODE_TLS_REJECT_UNAUTHORIZED=0",
            None,
        ),
        (
            &rules::UPGRADE,
            "upgrades the system",
            r"\bapt(?:-get)?\b[^\n|;&]*\s(?:dist-upgrade|full-upgrade|upgrade)\b",
            None,
        ),
        (
            &rules::UPGRADE,
            "upgrades the system",
            r"\b(?:yum|dnf|microdnf|zypper)\b[^\n|;&]*\s(?:update|upgrade|dup)\b(?:\s*(?:-y|&&|;|\n|$))",
            None,
        ),
        (&rules::UPGRADE, "upgrades the system", r"\bapk\b[^\n|;&]*\supgrade\b", None),
        (&rules::SUDO, "uses sudo", r"(?:^|[\s;&|(])sudo\s", None),
        (
            &rules::PERMISSIONS,
            "lets everybody write",
            r"\bchmod\b[^\n|;&]*\s(?:0?777|a\+rwx|a=rwx|o\+w|ugo\+w)\b",
            None,
        ),
        (
            &rules::PERMISSIONS,
            "sets setuid or setgid",
            r"\bchmod\b[^\n|;&]*\s(?:[2467][0-7]{3}|[ug]\+s|u\+s,g\+s)\b",
            None,
        ),
        (
            &rules::SSH,
            "installs an SSH server",
            r"\b(?:apt(?:-get)?|apk|yum|dnf|microdnf)\b[^\n|;&]*\s(?:install|add)\b[^\n|;&]*\b(?:openssh-server|openssh-sshd|dropbear)\b",
            None,
        ),
        (&rules::UNPINNED, "installs without versions", r"\bpip3?\s+install\b[^\n|;&]*", Some("-r ")),
        (
            &rules::UNPINNED,
            "installs without versions",
            r"\bnpm\s+(?:install|i)\b(?:[^\n|;&]*\s(?:-g|--global)\b)[^\n|;&@]*(?:$|[;&\n])",
            None,
        ),
    ];
    let pattern = |(rule, says, text, but): (&'static Rule, &'static str, &str, Option<&'static str>)| {
        Regex::new(text).ok().map(|regex| Pattern { rule, says, regex, but })
    };
    table.into_iter().filter_map(pattern).collect()
});

#[cfg(test)]
pub(super) fn patterns() -> usize {
    PATTERNS.len()
}

/// Names of files and folders that hold credentials.
const SENSITIVE_NAMES: &[&str] = &[
    ".ssh",
    ".aws",
    ".azure",
    ".gcloud",
    ".kube",
    ".docker",
    ".gnupg",
    ".git",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".env",
    ".pgpass",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "kubeconfig",
    "credentials.json",
    ".git-credentials",
    ".dockercfg",
    ".dockerconfigjson",
    "service-account.json",
    ".vault-token",
    ".terraform.d",
];

/// Ends of such names.
const SENSITIVE_ENDS: &[&str] =
    &[".pem", ".key", ".p12", ".pfx", ".jks", ".keystore", ".ppk", ".kdbx", ".tfstate", ".ovpn"];

/// Longest name of an image with all its arguments put in; registries allow far less.
const BASE_BYTES_MAX: usize = 4096;

/// How much of a command a message shows, in characters.
const EXCERPT_CHARS: usize = 100;
