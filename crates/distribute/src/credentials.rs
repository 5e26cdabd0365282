//! Who one is to a registry: Docker's and podman's configuration files and credential helpers.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use base64::Engine;
use serde::Deserialize;

use image::reference::Reference;

/// A user's name and password, or a token that stands for them. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// Name and password.
    Basic {
        /// The name.
        user: Box<str>,
        /// The password.
        password: Secret,
    },
    /// An OAuth2 refresh token: Docker's `identitytoken`.
    Identity(Secret),
}

/// Text that no output has.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

/// Where credentials come from.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    files: Vec<File>,
    given: Option<Credential>,
}

/// A configuration file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// It cannot be read.
    #[error("{0}: cannot be read")]
    Io(Box<str>, #[source] std::io::Error),
    /// It is not one.
    #[error("{0}: not a configuration of Docker or podman")]
    Shape(Box<str>),
    /// An entry in it.
    #[error("{path}: the entry of {registry} is not the base64 of USER:PASSWORD")]
    Entry {
        /// The file.
        path: Box<str>,
        /// The key of the entry.
        registry: Box<str>,
    },
    /// The name of a helper is not one.
    #[error("{0:?} is no name of a credential helper")]
    HelperName(Box<str>),
    /// A helper failed.
    #[error("the credential helper {0} failed: {1}")]
    Helper(Box<str>, &'static str),
}

impl Secret {
    /// Takes the text.
    pub fn new(text: &str) -> Self {
        Secret(text.into())
    }

    /// The text, for the one place where it is sent.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(secret)")
    }
}

impl Credentials {
    /// The same for every registry.
    pub fn given(credential: Credential) -> Self {
        Credentials { files: Vec::new(), given: Some(credential) }
    }

    /// From configuration files, the first that knows a registry counts. Files that do not exist are passed over.
    ///
    /// # Errors
    /// Where one exists and cannot be read: going on without it would ask as somebody else.
    pub fn from_files(paths: &[PathBuf]) -> Result<Self, CredentialError> {
        let files = paths.iter().filter_map(|path| File::read(path).transpose()).collect::<Result<_, _>>()?;
        Ok(Credentials { files, given: None })
    }

    /// The files where Docker and podman look. `variable` gives the value of an environment variable.
    pub fn usual_files(variable: impl Fn(&str) -> Option<String>) -> Vec<PathBuf> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(file) = set("REGISTRY_AUTH_FILE") {
            return vec![file];
        }
        let home = |rest: &str| set("HOME").map(|home| home.join(rest));
        let run = set("XDG_RUNTIME_DIR").map(|run| run.join("containers/auth.json"));
        let config =
            set("XDG_CONFIG_HOME").or_else(|| home(".config")).map(|config| config.join("containers/auth.json"));
        let docker = set("DOCKER_CONFIG").or_else(|| home(".docker")).map(|docker| docker.join("config.json"));
        [run, config, docker].into_iter().flatten().collect()
    }

    /// What is known for the repository of `name`: the longest path that has an entry, then its host.
    ///
    /// # Errors
    /// Where an entry is damaged or a helper fails.
    pub fn of(&self, name: &Reference) -> Result<Option<Credential>, CredentialError> {
        if self.given.is_some() {
            return Ok(self.given.clone());
        }
        for file in &self.files {
            if let Some(credential) = file.of(name)? {
                return Ok(Some(credential));
            }
        }
        Ok(None)
    }
}

#[derive(Clone)]
struct File {
    path: Box<str>,
    config: DockerConfig,
}

#[derive(Clone, Deserialize)]
struct DockerConfig {
    #[serde(default)]
    auths: BTreeMap<String, Auth>,
    #[serde(default, rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
    #[serde(default, rename = "credsStore")]
    store: String,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Auth {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "File({:?})", self.path)
    }
}

impl File {
    fn read(path: &Path) -> Result<Option<Self>, CredentialError> {
        let shown: Box<str> = path.to_string_lossy().into();
        let file = match std::fs::File::open(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|error| CredentialError::Io(shown.clone(), error))?,
        };
        let mut bytes = Vec::new();
        let read = file.take(CONFIG_BYTES_MAX + 1).read_to_end(&mut bytes);
        read.map_err(|error| CredentialError::Io(shown.clone(), error))?;
        // serde's own words could hold a part of the file.
        let config = (bytes.len() as u64 <= CONFIG_BYTES_MAX).then(|| serde_json::from_slice(&bytes).ok()).flatten();
        Ok(Some(File { config: config.ok_or_else(|| CredentialError::Shape(shown.clone()))?, path: shown }))
    }

    fn of(&self, name: &Reference) -> Result<Option<Credential>, CredentialError> {
        let keys = keys(name);
        for key in &keys {
            if let Some(helper) = self.config.helpers.get(key) {
                return ask_helper(helper, key);
            }
        }
        let entries = || self.config.auths.iter().map(|(key, auth)| (host_key(key), key, auth));
        for wanted in &keys {
            let Some((_, key, auth)) = entries().find(|(key, ..)| key == wanted) else { continue };
            if let Some(credential) = auth.credential().ok_or_else(|| self.damaged(key))? {
                return Ok(Some(credential));
            }
        }
        if self.config.store.is_empty() {
            return Ok(None);
        }
        let server = if name.registry() == "docker.io" { HUB_KEY } else { name.registry() };
        ask_helper(&self.config.store, server)
    }

    fn damaged(&self, key: &str) -> CredentialError {
        CredentialError::Entry { path: self.path.clone(), registry: key.into() }
    }
}

impl Auth {
    /// `None` is a damaged entry, `Some(None)` an empty one: with a store of credentials, entries are empty.
    fn credential(&self) -> Option<Option<Credential>> {
        if !self.identitytoken.is_empty() {
            return Some(Some(Credential::Identity(Secret::new(&self.identitytoken))));
        }
        let basic =
            |user: &str, password: &str| Credential::Basic { user: user.into(), password: Secret::new(password) };
        if !self.username.is_empty() {
            return Some(Some(basic(&self.username, &self.password)));
        }
        if self.auth.is_empty() {
            return Some(None);
        }
        let bytes = base64::engine::general_purpose::STANDARD.decode(self.auth.trim()).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (user, password) = text.trim_end_matches('\0').split_once(':')?;
        Some(Some(basic(user, password)))
    }
}

/// Keys under which a repository's credentials may stand, the most specific first.
fn keys(name: &Reference) -> Vec<String> {
    let whole = format!("{}/{}", name.registry(), name.repository());
    let cuts = whole.rmatch_indices('/').map(|(at, _)| whole.split_at(at).0.to_owned());
    let mut keys: Vec<String> = std::iter::once(whole.clone()).chain(cuts).collect();
    if name.registry() == "docker.io" {
        keys.extend(["index.docker.io".to_owned(), HUB_KEY.to_owned()]);
    }
    keys
}

/// Docker wrote whole addresses once: `https://registry.example/v1/`.
fn host_key(key: &str) -> &str {
    let Some(rest) = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")) else { return key };
    rest.split('/').next().unwrap_or(rest)
}

/// Runs `docker-credential-NAME get` with the server on its input. The answer `credentials not found` is none.
fn ask_helper(name: &str, server: &str) -> Result<Option<Credential>, CredentialError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || !name.bytes().all(plain) {
        return Err(CredentialError::HelperName(name.into()));
    }
    let program = format!("docker-credential-{name}");
    let failed = |why| CredentialError::Helper(program.as_str().into(), why);
    let command =
        Command::new(&program).arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut child = command.map_err(|_| failed("it cannot be started"))?;
    if let Some(mut input) = child.stdin.take() {
        // A helper that does not read its input says so by its answer.
        let _ = input.write_all(server.as_bytes());
    }
    let Some(output) = output(&mut child) else {
        let _ = child.kill();
        let _ = child.wait();
        return Err(failed("no answer in time"));
    };
    let status = child.wait().map_err(|_| failed("it was not found to end"))?;
    if !status.success() {
        let text = String::from_utf8_lossy(&output);
        return if text.contains("credentials not found") { Ok(None) } else { Err(failed("it ended with an error")) };
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        username: String,
        secret: String,
    }
    let answer: Answer =
        serde_json::from_slice(&output).map_err(|_| failed("its answer is not JSON with a Username"))?;
    Ok(Some(match answer.username.as_str() {
        "<token>" => Credential::Identity(Secret::new(&answer.secret)),
        user => Credential::Basic { user: user.into(), password: Secret::new(&answer.secret) },
    }))
}

/// What the helper writes until it closes its output; `None` after the time is up.
fn output(child: &mut Child) -> Option<Vec<u8>> {
    let output = child.stdout.take()?;
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = output.take(HELPER_BYTES_MAX).read_to_end(&mut bytes);
        let _ = sender.send(read.map(|_| bytes));
    });
    receiver.recv_timeout(HELPER_TIME_MAX).ok()?.ok()
}

const HUB_KEY: &str = "https://index.docker.io/v1/";
/// A line for each registry; 1 MiB is thousands.
const CONFIG_BYTES_MAX: u64 = 1 << 20;
/// Tokens of cloud providers have up to 12 KiB.
const HELPER_BYTES_MAX: u64 = 64 << 10;
/// Helpers of clouds make a few requests of their own; some ask the user to touch a key.
const HELPER_TIME_MAX: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> File {
        File { path: "config.json".into(), config: serde_json::from_str(text).expect("a configuration") }
    }

    fn user(file: &File, name: &str) -> Option<String> {
        match file.of(&name.parse().expect(name)).expect("no error")? {
            Credential::Basic { user, password } => Some(format!("{user}:{}", password.reveal())),
            Credential::Identity(token) => Some(format!("token {}", token.reveal())),
        }
    }

    #[test]
    fn the_most_specific_entry_counts_and_hosts_are_whole() {
        let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        let file = config(&format!(
            r#"{{"auths": {{"https://index.docker.io/v1/": {{"auth": "{}"}}, "registry.example": {{"auth": "{}"}},
                "registry.example/team": {{"username": "t", "password": "p"}}, "token.example": {{"identitytoken": "x"}},
                "empty.example": {{}} }}}}"#,
            encode("hub:a:b"),
            encode("all:c")
        ));
        assert_eq!(user(&file, "nginx"), Some("hub:a:b".to_owned()));
        assert_eq!(user(&file, "registry.example/app"), Some("all:c".to_owned()));
        assert_eq!(user(&file, "registry.example/team/app"), Some("t:p".to_owned()));
        assert_eq!(user(&file, "registry.example/teammate/app"), Some("all:c".to_owned()));
        assert_eq!(user(&file, "token.example/app"), Some("token x".to_owned()));
        for none in ["registry.example.evil.example/app", "registry.example:5000/app", "empty.example/app"] {
            assert_eq!(user(&file, none), None, "{none}");
        }
    }

    #[test]
    fn nothing_prints_a_secret() {
        let credential = Credential::Basic { user: "u".into(), password: Secret::new("hunter2") };
        let credentials = Credentials::given(credential.clone());
        let file = config(r#"{"auths": {"a.example": {"auth": "aHVudGVyMg=="}}}"#);
        let error = file.of(&"a.example/x".parse().expect("a name")).expect_err("no colon");
        let shown = format!("{credential:?} {credentials:?} {file:?} {error:?} {error}");
        assert!(!shown.contains("hunter2") && !shown.contains("aHVudGVyMg"), "{shown}");
    }

    #[test]
    fn names_of_helpers_lead_to_no_other_program() {
        for bad in ["../../bin/sh", "", "a b", "/bin/sh"] {
            assert!(matches!(ask_helper(bad, "x"), Err(CredentialError::HelperName(_))), "{bad}");
        }
        assert!(matches!(ask_helper("surely-not-there", "x"), Err(CredentialError::Helper(..))));
    }
}
