//! Requests to registries: tokens, redirects, retries.

use std::collections::HashMap;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use image::manifest::{DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST};
use image::reference::Reference;
use ureq::http::{HeaderValue, Method, Request, Response, Uri};
use ureq::tls::{PemItem, RootCerts, parse_pem};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body};

use super::challenge::Challenge;
use super::origin::{Origin, Reach, join, reach};
use super::{RegistryError, Settings};
use crate::credentials::{Credential, Secret};
use crate::tls;

/// Speaks HTTP. Owner of connections and tokens.
pub(super) struct Transport {
    pub(super) settings: Settings,
    /// By the reach of the registry that leads there. Agents keep connections.
    agents: [Agent; 3],
    /// This machine's own registries are never asked through a proxy: credentials would go to it in the clear.
    direct: Agent,
    /// By origin and repository. Locked for look-ups only, never while a request is on its way.
    authorizations: Mutex<HashMap<(Origin, Box<str>), Authorization>>,
    /// Lives for one client: what a name resolved to first decides.
    reaches: Mutex<HashMap<Origin, Reach>>,
}

/// What the header `Accept` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accept {
    /// Indexes and manifests.
    Manifest,
    /// Indexes.
    Index,
    /// JSON.
    Json,
    /// Blobs.
    Any,
}

/// An answer of status 200 or 206 whose body has not been read.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) origin: Box<str>,
    response: Response<Body>,
    until: Instant,
}

#[derive(Clone)]
struct Authorization(HeaderValue);

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transport")
    }
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name).and_then(|value| value.to_str().ok())
    }

    /// `Docker-Content-Digest`.
    pub(super) fn digest(&self) -> Option<&str> {
        self.header("docker-content-digest")
    }

    /// Path and query of the next page, at the same origin.
    pub(super) fn next_page(&self) -> Option<String> {
        let (target, rest) = self.header("link")?.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = rest.contains("rel=\"next\"") || rest.contains("rel=next");
        (is_next && target.starts_with('/') && !target.starts_with("//")).then(|| target.to_owned())
    }

    /// The body, at most `max` bytes and within two minutes.
    pub(super) fn bytes(self, max: usize) -> Result<Vec<u8>, RegistryError> {
        let (origin, until) = (self.origin.clone(), self.until);
        let broken = |why: &str| RegistryError::Connection { origin: origin.clone(), why: why.into() };
        let mut body = self.reader();
        let mut bytes = Vec::new();
        let mut part = [0; 8 << 10];
        loop {
            match body.read(&mut part) {
                Ok(0) => return Ok(bytes),
                Ok(count) => bytes.extend_from_slice(part.get(..count).unwrap_or_default()),
                Err(error) => return Err(broken(&error.kind().to_string())),
            }
            if bytes.len() > max {
                return Err(RegistryError::Large { origin, max });
            }
            if Instant::now() > until {
                return Err(broken("the answer takes too long"));
            }
        }
    }

    pub(super) fn reader(self) -> Box<dyn Read + Send> {
        Box::new(self.response.into_body().into_reader())
    }
}

impl Transport {
    pub(super) fn new(settings: Settings) -> Result<Self, RegistryError> {
        let roots = roots(&settings)?;
        let agents = [Reach::Public, Reach::Private, Reach::Loopback].map(|from| agent(&settings, &roots, from));
        let direct = agent(&Settings { proxy: false, ..settings.clone() }, &roots, Reach::Loopback);
        Ok(Transport { settings, agents, direct, authorizations: Mutex::default(), reaches: Mutex::default() })
    }

    /// How long to wait before attempt `attempt` (from 1 for the second one).
    pub(super) fn wait(&self, attempt: u32, retry_after: Option<u64>) -> Duration {
        let own = self.settings.backoff.saturating_mul(1 << attempt.saturating_sub(1).min(6));
        retry_after.map_or(own, |seconds| Duration::from_secs(seconds).min(RETRY_AFTER_MAX)).max(own)
    }

    pub(super) fn head(&self, name: &Reference, insecure: bool, path: &str) -> Result<Answer, RegistryError> {
        self.send(name, insecure, &Method::HEAD, path, Accept::Manifest, None)
    }

    /// GET of a path at the registry of `name`, from byte `from` on where it is given.
    pub(super) fn get(
        &self,
        name: &Reference,
        insecure: bool,
        path: &str,
        accept: Accept,
        from: Option<u64>,
    ) -> Result<Answer, RegistryError> {
        self.send(name, insecure, &Method::GET, path, accept, from)
    }

    fn send(
        &self,
        name: &Reference,
        insecure: bool,
        method: &Method,
        path: &str,
        accept: Accept,
        from: Option<u64>,
    ) -> Result<Answer, RegistryError> {
        let uri = self.address(name, insecure, path)?;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let result = self.once(name, method, &uri, accept, from);
            let retry_after = match &result {
                Ok((answer, retry_after)) if matches!(answer.status, 429 | 500 | 502..=504) => *retry_after,
                Err(RegistryError::Connection { .. }) => None,
                Ok(_) => {
                    let (answer, _) = result?;
                    return self.judge(name, answer);
                }
                Err(_) => return result.and_then(|(answer, _)| self.judge(name, answer)),
            };
            if attempt >= ATTEMPTS_MAX {
                return result.and_then(|(answer, _)| self.judge(name, answer));
            }
            std::thread::sleep(self.wait(attempt, retry_after));
        }
    }

    fn judge(&self, name: &Reference, answer: Answer) -> Result<Answer, RegistryError> {
        let origin = answer.origin.clone();
        match answer.status {
            200 | 206 => match answer.header("content-encoding") {
                Some(encoding) if !encoding.eq_ignore_ascii_case("identity") => {
                    Err(RegistryError::Encoding { origin, encoding: encoding.into() })
                }
                _ => Ok(answer),
            },
            404 => Err(RegistryError::NotFound(name.to_string().into())),
            401 | 403 => {
                let known = self.settings.credentials.of(name).is_ok_and(|credential| credential.is_some());
                let hint =
                    if known { " with the credentials that are known" } else { "; no credentials are known for it" };
                Err(RegistryError::Denied { origin, hint: hint.into() })
            }
            status => Err(RegistryError::Status { origin, status }),
        }
    }

    /// One request, with what it takes to be let in and the redirects after it.
    fn once(
        &self,
        name: &Reference,
        method: &Method,
        uri: &Uri,
        accept: Accept,
        from: Option<u64>,
    ) -> Result<(Answer, Option<u64>), RegistryError> {
        let home = Origin::of(uri).ok_or_else(|| RegistryError::NotFound(name.to_string().into()))?;
        let key = (home.clone(), name.repository().into());
        let known = self.authorizations.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let mut response = self.request(&home, &home, method, uri, accept, from, known.as_ref())?;
        if response.status().as_u16() == 401
            && let Some(authorization) = self.authorize(name, &home, &response)?
        {
            response = self.request(&home, &home, method, uri, accept, from, Some(&authorization))?;
            if response.status().is_success() || response.status().is_redirection() {
                self.authorizations.lock().unwrap_or_else(PoisonError::into_inner).insert(key, authorization.clone());
            }
            return self.follow(&home, uri, response, method, accept, from, Some(&authorization));
        }
        self.follow(&home, uri, response, method, accept, from, known.as_ref())
    }

    #[expect(clippy::too_many_arguments, reason = "a request has as many parts")]
    fn follow(
        &self,
        home: &Origin,
        start: &Uri,
        mut response: Response<Body>,
        method: &Method,
        accept: Accept,
        from: Option<u64>,
        authorization: Option<&Authorization>,
    ) -> Result<(Answer, Option<u64>), RegistryError> {
        let mut at = start.clone();
        let mut origin = home.clone();
        for _ in 0..=REDIRECTS_MAX {
            let status = response.status().as_u16();
            if !matches!(status, 301 | 302 | 303 | 307 | 308) {
                let seconds = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
                let until = Instant::now() + ANSWER_TIME_MAX;
                return Ok((Answer { status, origin: origin.to_string().into(), response, until }, seconds));
            }
            let location = response.headers().get("location").and_then(|value| value.to_str().ok()).unwrap_or_default();
            let refused = |target: String, why| RegistryError::Redirect {
                origin: origin.to_string().into(),
                target: target.into(),
                why,
            };
            // The scheme alone is told: the rest may hold signatures.
            let scheme = || location.split(':').next().unwrap_or_default().chars().take(20).collect();
            let target = join(&at, location).ok_or_else(|| refused(scheme(), "not an address"))?;
            let next = Origin::of(&target)
                .ok_or_else(|| refused(scheme(), "not an address of http or https without a user"))?;
            if origin.https && !next.https {
                return Err(refused(next.to_string(), "it gives up encryption"));
            }
            if next != *home && !self.reach(home).may_lead_to(next.reach()) {
                return Err(refused(next.to_string(), "it lies in a network that the registry does not"));
            }
            // Authorization is for the registry itself. Once gone elsewhere, it does not come back either.
            let kept = authorization.filter(|_| next == *home && origin == *home);
            response = self.request(home, &next, method, &target, accept, from, kept)?;
            (at, origin) = (target, next);
        }
        let (origin, target) = (home.to_string().into(), origin.to_string().into());
        Err(RegistryError::Redirect { origin, target, why: "too many redirects" })
    }

    #[expect(clippy::too_many_arguments, reason = "a request has as many parts")]
    fn request(
        &self,
        home: &Origin,
        target: &Origin,
        method: &Method,
        uri: &Uri,
        accept: Accept,
        from: Option<u64>,
        authorization: Option<&Authorization>,
    ) -> Result<Response<Body>, RegistryError> {
        let mut request = Request::builder().method(method.clone()).uri(uri.clone());
        request = request.header("accept", accept.header()).header("accept-encoding", "identity");
        if let Some(from) = from {
            request = request.header("range", format!("bytes={from}-"));
        }
        if let Some(Authorization(value)) = authorization {
            request = request.header("authorization", value.clone());
        }
        let broken = |why: String| RegistryError::Connection { origin: target.to_string().into(), why: why.into() };
        let request = request.body(()).map_err(|_| broken("the request cannot be written".to_owned()))?;
        self.agent(home, target).run(request).map_err(|error| broken(plain(&error)))
    }

    /// What lets the client in, by the challenge of an answer of status 401.
    fn authorize(
        &self,
        name: &Reference,
        home: &Origin,
        response: &Response<Body>,
    ) -> Result<Option<Authorization>, RegistryError> {
        let headers = response.headers().get_all("www-authenticate").iter().take(CHALLENGES_MAX);
        let challenges: Vec<Challenge> =
            headers.filter_map(|value| value.to_str().ok()).flat_map(Challenge::read).collect();
        let credential = self.settings.credentials.of(name)?;
        if let Some(bearer) = challenges.iter().find(|challenge| challenge.scheme == "bearer") {
            return self.token(name, home, bearer, credential).map(Some);
        }
        let is_basic = challenges.iter().any(|challenge| challenge.scheme == "basic");
        Ok(match credential {
            Some(Credential::Basic { user, password }) if is_basic => basic(&user, &password),
            _ => None,
        })
    }

    fn token(
        &self,
        name: &Reference,
        home: &Origin,
        challenge: &Challenge,
        credential: Option<Credential>,
    ) -> Result<Authorization, RegistryError> {
        let realm = challenge.parameter("realm").unwrap_or_default();
        let refused =
            |shown: String, why| RegistryError::Realm { origin: home.to_string().into(), realm: shown.into(), why };
        let service: Uri = realm.parse().map_err(|_| refused(String::new(), "not an address"))?;
        let origin = Origin::of(&service).ok_or_else(|| refused(String::new(), "not an address of http or https"))?;
        if !origin.https && origin != *home {
            return Err(refused(origin.to_string(), "it is not encrypted"));
        }
        if origin != *home && !self.reach(home).may_lead_to(origin.reach()) {
            return Err(refused(origin.to_string(), "it lies in a network that the registry does not"));
        }
        // A foreign service is asked as nobody: its tokens are good for what is public.
        let credential = credential.filter(|_| self.belongs(home, name.registry(), &origin));
        // The scope is the client's own, not the registry's: a token for more than reading is never asked for.
        let scope = format!("repository:{}:pull", name.repository());
        let mut query = vec![("scope", scope.as_str())];
        query.extend(challenge.parameter("service").map(|service| ("service", service)));
        let response = match &credential {
            Some(Credential::Identity(token)) => {
                query.extend([
                    ("grant_type", "refresh_token"),
                    ("client_id", "kobuk"),
                    ("refresh_token", token.reveal()),
                ]);
                let request = Request::post(service).header("content-type", "application/x-www-form-urlencoded");
                self.agent(home, &origin)
                    .run(request.body(form(&query)).map_err(|_| refused(origin.to_string(), "odd"))?)
            }
            other => {
                let separator = if service.query().is_some() { "&" } else { "?" };
                let mut request = Request::get(format!("{service}{separator}{}", form(&query)));
                if let Some(Credential::Basic { user, password }) = other
                    && let Some(Authorization(value)) = basic(user, password)
                {
                    request = request.header("authorization", value);
                }
                self.agent(home, &origin).run(request.body(()).map_err(|_| refused(origin.to_string(), "odd"))?)
            }
        };
        let shown: Box<str> = origin.to_string().into();
        let response =
            response.map_err(|error| RegistryError::Connection { origin: shown.clone(), why: plain(&error).into() })?;
        let status = response.status().as_u16();
        if matches!(status, 401 | 403) {
            let hint = if credential.is_some() { "" } else { "; it was asked without credentials" };
            return Err(RegistryError::Denied { origin: shown, hint: hint.into() });
        }
        if matches!(status, 429 | 500 | 502..=504) {
            return Err(RegistryError::Connection { origin: shown, why: format!("status {status}").into() });
        }
        // Redirects of token services are not followed: the credentials would go with them.
        if status != 200 {
            return Err(RegistryError::Status { origin: shown, status });
        }
        let answer = Answer { status, origin: shown.clone(), response, until: Instant::now() + ANSWER_TIME_MAX };
        bearer(&answer.bytes(TOKEN_BYTES_MAX)?).ok_or(RegistryError::Token(shown))
    }

    /// Whether a token service is the registry's own: the same host, one below it, or one that is known.
    pub(super) fn belongs(&self, home: &Origin, registry: &str, service: &Origin) -> bool {
        let host = |text: &str| text.rsplit_once(':').map_or(text.to_owned(), |(host, _)| host.to_owned());
        let below = service.host.strip_suffix(&home.host).is_some_and(|front| front.ends_with('.'));
        let known = KNOWN_REALMS.contains(&(registry, service.host.as_str()));
        let listed = self
            .settings
            .trusted_realms
            .iter()
            .any(|(own, realm)| (**own == *registry || host(own) == host(registry)) && **realm == *service.host);
        *service == *home || (service.https && (service.host == home.host || below || known || listed))
    }

    fn address(&self, name: &Reference, insecure: bool, path: &str) -> Result<Uri, RegistryError> {
        let host = if name.registry() == "docker.io" { HUB_HOST } else { name.registry() };
        let plain: Option<Origin> = format!("http://{host}/").parse().ok().and_then(|uri| Origin::of(&uri));
        let is_plain = insecure || self.settings.plain_http || plain.is_some_and(|origin| origin.is_local());
        let scheme = if is_plain { "http" } else { "https" };
        format!("{scheme}://{host}{path}").parse().map_err(|_| RegistryError::NotFound(name.to_string().into()))
    }

    fn reach(&self, home: &Origin) -> Reach {
        let known = self.reaches.lock().unwrap_or_else(PoisonError::into_inner).get(home).copied();
        known.unwrap_or_else(|| {
            let reach = home.reach();
            self.reaches.lock().unwrap_or_else(PoisonError::into_inner).insert(home.clone(), reach);
            reach
        })
    }

    /// The agent for a target: the registry itself is wherever the user says (link-local excepted); others are held to its reach, address by
    /// address when the connection is made, for names may resolve differently the second time.
    fn agent(&self, home: &Origin, target: &Origin) -> Agent {
        match self.reach(home) {
            _ if home == target && target.is_local() => self.direct.clone(),
            _ if home == target => self.agents[2].clone(),
            Reach::Private => self.agents[1].clone(),
            Reach::Loopback => self.agents[2].clone(),
            Reach::Public | Reach::Forbidden => self.agents[0].clone(),
        }
    }
}

impl Accept {
    fn header(self) -> String {
        match self {
            Accept::Manifest => [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST].join(", "),
            Accept::Index => OCI_INDEX.to_owned(),
            Accept::Json => "application/json".to_owned(),
            Accept::Any => "*/*".to_owned(),
        }
    }
}

/// Resolves names to addresses within a reach.
#[derive(Debug)]
struct Within {
    from: Reach,
    inner: DefaultResolver,
}

impl Resolver for Within {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let all = self.inner.resolve(uri, config, timeout)?;
        // A proxy is the user's choice and may be anywhere.
        if config.proxy().is_some_and(|proxy| Some(proxy.host()) == uri.host()) {
            return Ok(all);
        }
        let mut kept = self.inner.empty();
        all.iter().filter(|address| self.from.may_lead_to(reach(address.ip()))).for_each(|address| kept.push(*address));
        if kept.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(kept) }
    }
}

fn agent(settings: &Settings, roots: &RootCerts, from: Reach) -> Agent {
    let mut config = Agent::config_builder()
        .tls_config(tls::config(roots.clone()))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_response_header_size(HEADER_BYTES_MAX)
        .user_agent("kobuk")
        .timeout_resolve(Some(settings.silence_max))
        .timeout_connect(Some(settings.silence_max))
        .timeout_recv_response(Some(settings.silence_max))
        .timeout_per_read(Some(settings.silence_max));
    if !settings.proxy {
        config = config.proxy(None);
    }
    Agent::with_parts(config.build(), DefaultConnector::default(), Within { from, inner: DefaultResolver::default() })
}

/// Certificates of the system, and those of the file.
fn roots(settings: &Settings) -> Result<RootCerts, RegistryError> {
    let mut roots = tls::system_roots();
    if let Some(path) = &settings.ca_file {
        let refused = || RegistryError::Certificates(path.to_string_lossy().into());
        let pem = std::fs::read(path).map_err(|_| refused())?;
        let before = roots.len();
        for item in parse_pem(&pem) {
            if let PemItem::Certificate(certificate) = item.map_err(|_| refused())? {
                roots.push(certificate);
            }
        }
        if roots.len() == before {
            return Err(refused());
        }
    }
    Ok(RootCerts::Specific(Arc::new(roots)))
}

fn basic(user: &str, password: &Secret) -> Option<Authorization> {
    let text = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{}", password.reveal()));
    authorization(&format!("Basic {text}"))
}

fn bearer(bytes: &[u8]) -> Option<Authorization> {
    let answer: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    let text = |key: &str| answer.get(key).and_then(serde_json::Value::as_str).filter(|text| !text.is_empty());
    authorization(&format!("Bearer {}", text("token").or_else(|| text("access_token"))?))
}

fn authorization(text: &str) -> Option<Authorization> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(Authorization(value))
}

/// `a=b&c=d` with everything but letters, digits and `-._~` in percent form.
fn form(pairs: &[(&str, &str)]) -> String {
    let encode = |text: &str| -> String {
        let byte = |byte: u8| match byte {
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        };
        text.bytes().map(byte).collect()
    };
    let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("{}={}", encode(key), encode(value))).collect();
    pairs.join("&")
}

/// What went wrong, without the address of the request.
fn plain(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => error.kind().to_string(),
        ureq::Error::BadUri(_) | ureq::Error::RequireHttpsOnly(_) => "the address cannot be used".to_owned(),
        other => other.to_string(),
    }
}

const HUB_HOST: &str = "registry-1.docker.io";
/// Registries whose token service has another host of the same owner.
const KNOWN_REALMS: [(&str, &str); 3] =
    [("docker.io", "auth.docker.io"), ("registry.gitlab.com", "gitlab.com"), ("registry.redhat.io", "sso.redhat.com")];
/// A registry leads to an object store, and that perhaps to a network of caches.
const REDIRECTS_MAX: usize = 5;
/// With waits of 0.5, 1 and 2 seconds.
const ATTEMPTS_MAX: u32 = 4;
/// A registry that wants a longer pause is as good as down.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(20);
/// 4 MiB at 35 KiB/s.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(120);
/// Signed `Location` headers are about 2 KiB; policies for content security in front of registries a few more.
const HEADER_BYTES_MAX: usize = 32 << 10;
/// JSON web tokens with many grants reach 16 KiB.
const TOKEN_BYTES_MAX: usize = 256 << 10;
/// Basic and Bearer, and room for those that are not known.
const CHALLENGES_MAX: usize = 8;
