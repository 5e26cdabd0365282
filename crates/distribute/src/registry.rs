//! A client of registries (OCI distribution specification 1.1) that trusts no answer.
//!
//! Guarantees: credentials go to the registry's own host and to its token service where that is the same host, one below
//! it, or one that is known to belong to it; never to the target of a redirect. Registries in the world cannot lead the
//! client into private networks, and none leads it to link-local addresses. Manifests are verified by the digest that was
//! asked for; a tag is looked up once and everything after goes by digest. Every answer is bounded in bytes and time.
//! Nothing that is printed holds a secret.

mod attached;
mod blob;
pub mod challenge;
mod mirror;
mod origin;
mod transport;

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use image::manifest::{Descriptor, Document, MANIFEST_BYTES_MAX, ManifestError, MediaType, Platform};
use image::reference::Reference;
use model::digest::{Algorithm, Digest};
use serde::Deserialize;

use crate::credentials::{CredentialError, Credentials};
use crate::source::store::{self, Store, digest_of};
use crate::source::{Image, Options, SourceError};
pub use attached::Attached;
pub use mirror::{MirrorError, Mirrors};
use transport::{Accept, Transport};

/// How registries are asked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who asks.
    pub credentials: Credentials,
    /// Where else to ask.
    pub mirrors: Mirrors,
    /// A file of certificates in PEM to trust beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// Whether to speak HTTP without TLS to every registry. This machine's own are always spoken to without.
    pub plain_http: bool,
    /// Further token services that may see credentials: registry and host of the service.
    pub trusted_realms: Vec<(Box<str>, Box<str>)>,
    /// Whether `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` count.
    pub proxy: bool,
    /// The longest wait for a connection, for an answer, and for the next bytes of it.
    pub silence_max: Duration,
    /// The wait before the second attempt; each one after waits twice as long.
    pub backoff: Duration,
}

/// Asks registries. Clones share connections and tokens.
#[derive(Clone, Debug)]
pub struct Client {
    transport: Arc<Transport>,
}

/// A manifest of a registry, verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The digest of its bytes: the one that was asked for, where one was.
    pub digest: Digest,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// `Content-Type`.
    pub media_type: Option<Box<str>>,
}

/// Something that refers to an image: a signature, a bill of materials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referrer {
    /// Digest of its manifest.
    pub digest: Digest,
    /// Size of its manifest in bytes.
    pub size: u64,
    /// What it is.
    pub artifact_type: Box<str>,
}

/// The registry did not answer as it must.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Certificates cannot be read.
    #[error("{0}: no certificates can be read from it")]
    Certificates(Box<str>),
    /// Credentials.
    #[error("the credentials cannot be used")]
    Credentials(#[from] CredentialError),
    /// Mirrors.
    #[error("no place to ask")]
    Mirrors(#[from] MirrorError),
    /// No connection, or it broke.
    #[error("{origin}: {why}")]
    Connection {
        /// Where.
        origin: Box<str>,
        /// Why, without addresses of requests: those of object stores hold signatures.
        why: Box<str>,
    },
    /// No such manifest or blob.
    #[error("{0}: not found")]
    NotFound(Box<str>),
    /// No permission.
    #[error("{origin}: no permission{hint}")]
    Denied {
        /// Where.
        origin: Box<str>,
        /// What may help.
        hint: Box<str>,
    },
    /// Another status.
    #[error("{origin}: status {status}")]
    Status {
        /// Where.
        origin: Box<str>,
        /// HTTP status.
        status: u16,
    },
    /// A redirect that is not followed.
    #[error("{origin}: redirects to {target}, which is not followed: {why}")]
    Redirect {
        /// Who redirects.
        origin: Box<str>,
        /// Where to, without path and query.
        target: Box<str>,
        /// Why not.
        why: &'static str,
    },
    /// A token service that is not asked.
    #[error("{origin}: sends to the token service {realm}, which is not asked: {why}")]
    Realm {
        /// The registry.
        origin: Box<str>,
        /// The service.
        realm: Box<str>,
        /// Why not.
        why: &'static str,
    },
    /// The token service's answer.
    #[error("{0}: the token service gave no token")]
    Token(Box<str>),
    /// More bytes than are read.
    #[error("{origin}: the answer has more than {max} bytes")]
    Large {
        /// Where.
        origin: Box<str>,
        /// The limit.
        max: usize,
    },
    /// The answer is packed though nobody asked for it.
    #[error("{origin}: the answer has the content encoding {encoding:?}, which was not asked for")]
    Encoding {
        /// Where.
        origin: Box<str>,
        /// Of HTTP.
        encoding: Box<str>,
    },
    /// Other bytes than were named.
    #[error("{origin}: {named} was named, {actual} came")]
    Digest {
        /// Where.
        origin: Box<str>,
        /// By whom it was asked for or by the registry's header.
        named: Box<str>,
        /// Of the bytes.
        actual: Digest,
    },
    /// A list.
    #[error("{0}: a list that cannot be read")]
    List(Box<str>),
    /// A document that is not what it was announced as.
    #[error("the manifest is refused")]
    Manifest(#[from] ManifestError),
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            credentials: Credentials::default(),
            mirrors: Mirrors::default(),
            ca_file: None,
            plain_http: false,
            trusted_realms: Vec::new(),
            proxy: true,
            silence_max: Duration::from_secs(30),
            backoff: Duration::from_millis(500),
        }
    }
}

impl Client {
    /// A client. Nothing is asked yet.
    ///
    /// # Errors
    /// Where the file of certificates cannot be read.
    pub fn new(settings: Settings) -> Result<Self, RegistryError> {
        Ok(Client { transport: Arc::new(Transport::new(settings)?) })
    }

    /// The image `name` for a platform; `None` is Linux on the processor of this machine, or the only one there is.
    /// Mirrors are asked in order until one has it.
    ///
    /// # Errors
    /// What the last place that was asked said.
    pub fn open(&self, name: &Reference, platform: Option<&Platform>) -> Result<Image, SourceError> {
        let told = |error| SourceError::Registry(name.to_string().into(), Box::new(error));
        let endpoints = self.transport.settings.mirrors.endpoints(name).map_err(|error| told(error.into()))?;
        let mut last = told(RegistryError::NotFound(name.to_string().into()));
        for endpoint in endpoints {
            let options = Options { platform: platform.cloned(), ..Options::default() };
            let remote = Remote { client: self.clone(), name: endpoint.name.clone(), insecure: endpoint.insecure };
            match remote.image(&name.to_string(), &options) {
                Ok(image) => return Ok(image),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The manifest or index of `name`, verified by its digest where the name has one. Asks the registry itself.
    ///
    /// # Errors
    /// Where the registry has none, or gives others.
    pub fn manifest(&self, name: &Reference) -> Result<Fetched, RegistryError> {
        self.fetch(name, name.target(), false)
    }

    /// The digest that the tag of `name` has at the registry now. The manifest is fetched where the registry does not
    /// say; what it says is a hint and no proof.
    ///
    /// # Errors
    /// Where there is no such tag.
    pub fn head(&self, name: &Reference) -> Result<Digest, RegistryError> {
        let path = format!("/v2/{}/manifests/{}", name.repository(), name.target());
        let answer = self.transport.head(name, false, &path)?;
        match answer.digest().map(str::parse) {
            Some(Ok(digest)) if name.digest().is_none_or(|wanted| *wanted == digest) => Ok(digest),
            _ => self.manifest(name).map(|fetched| fetched.digest),
        }
    }

    /// Tags of the repository, at most `TAGS_MAX` (10,000), in the registry's order.
    ///
    /// # Errors
    /// Where the registry does not list them.
    pub fn tags(&self, name: &Reference) -> Result<Vec<Box<str>>, RegistryError> {
        #[derive(Deserialize)]
        struct Tags {
            tags: Option<Vec<Box<str>>>,
        }
        let mut all = Vec::new();
        let mut path = format!("/v2/{}/tags/list?n={TAGS_PAGE}", name.repository());
        for _ in 0..PAGES_MAX {
            let answer = self.transport.get(name, false, &path, Accept::Json, None)?;
            let (origin, next) = (answer.origin.clone(), answer.next_page());
            let bytes = answer.bytes(MANIFEST_BYTES_MAX)?;
            let page: Tags = serde_json::from_slice(&bytes).map_err(|_| RegistryError::List(origin))?;
            all.extend(page.tags.unwrap_or_default());
            all.truncate(TAGS_MAX);
            match next {
                Some(next) if all.len() < TAGS_MAX && next != path => path = next,
                _ => break,
            }
        }
        Ok(all)
    }

    /// What refers to the manifest `digest` in the repository of `name`: by the referrers API, else by the tag that
    /// stands in for it. At most 1,000 are read.
    ///
    /// # Errors
    /// Where neither can be read; none is an empty list.
    pub fn referrers(&self, name: &Reference, digest: &Digest) -> Result<Vec<Referrer>, RegistryError> {
        let path = format!("/v2/{}/referrers/{digest}", name.repository());
        let bytes = match self.transport.get(name, false, &path, Accept::Index, None) {
            Ok(answer) => answer.bytes(MANIFEST_BYTES_MAX)?,
            Err(RegistryError::NotFound(_) | RegistryError::Status { .. }) => {
                let tag = digest.as_str().replace(':', "-");
                match self.fetch(name, &tag, false) {
                    Ok(fetched) => fetched.bytes,
                    Err(RegistryError::NotFound(_)) => return Ok(Vec::new()),
                    Err(error) => return Err(error),
                }
            }
            Err(error) => return Err(error),
        };
        referrers(&bytes).ok_or_else(|| RegistryError::List(name.to_string().into()))
    }

    fn fetch(&self, name: &Reference, target: &str, insecure: bool) -> Result<Fetched, RegistryError> {
        let path = format!("/v2/{}/manifests/{target}", name.repository());
        let answer = self.transport.get(name, insecure, &path, Accept::Manifest, None)?;
        let origin = answer.origin.clone();
        let (announced, media_type) =
            (answer.digest().map(str::to_owned), answer.header("content-type").map(Into::into));
        let bytes = answer.bytes(MANIFEST_BYTES_MAX)?;
        let asked = target.parse::<Digest>().ok();
        // What was asked for counts. The header's word is compared too: a registry that contradicts itself is not read.
        for named in [asked.clone(), announced.and_then(|text| text.parse().ok())].into_iter().flatten() {
            let actual = digest_of(named.algorithm(), &bytes);
            if actual != named {
                return Err(RegistryError::Digest { origin, named: named.as_str().into(), actual });
            }
        }
        let digest = asked.unwrap_or_else(|| digest_of(Algorithm::Sha256, &bytes));
        Ok(Fetched { digest, bytes, media_type })
    }
}

/// One repository at one place.
#[derive(Debug)]
struct Remote {
    client: Client,
    name: Reference,
    insecure: bool,
}

impl Remote {
    fn image(self, shown: &str, options: &Options) -> Result<Image, SourceError> {
        let told = |error| SourceError::Registry(shown.into(), Box::new(error));
        // The tag is asked for once. Whatever it says later, everything below is fetched by digest.
        let fetched = self.client.fetch(&self.name, self.name.target(), self.insecure).map_err(told)?;
        let document = Document::read(&fetched.bytes, fetched.media_type.as_deref());
        let kind = match document.map_err(|error| told(error.into()))? {
            Document::Index(_) => MediaType::Index,
            Document::Manifest(_) => MediaType::Manifest,
        };
        let start = Descriptor {
            kind,
            size: fetched.bytes.len() as u64,
            digest: fetched.digest.clone(),
            platform: None,
            names: Vec::new(),
            has_urls: false,
        };
        let remote = Started { remote: self, first: fetched };
        store::image(shown, Arc::new(remote), start, options)
    }
}

/// A repository, and the document that its tag named when it was asked.
#[derive(Debug)]
struct Started {
    remote: Remote,
    first: Fetched,
}

impl Store for Started {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, SourceError> {
        if descriptor.digest == self.first.digest {
            return Ok(Box::new(std::io::Cursor::new(self.first.bytes.clone())));
        }
        let told = |error| SourceError::Registry(descriptor.digest.as_str().into(), Box::new(error));
        let Remote { client, name, insecure } = &self.remote;
        match descriptor.kind {
            MediaType::Index | MediaType::Manifest => {
                let fetched = client.fetch(name, descriptor.digest.as_str(), *insecure).map_err(told)?;
                Ok(Box::new(std::io::Cursor::new(fetched.bytes)))
            }
            _ => {
                let transport = Arc::clone(&client.transport);
                let blob = blob::Blob::open(transport, name.clone(), *insecure, &descriptor.digest, descriptor.size);
                Ok(Box::new(blob.map_err(told)?))
            }
        }
    }
}

fn referrers(bytes: &[u8]) -> Option<Vec<Referrer>> {
    let map = image::document::object(bytes, MANIFEST_BYTES_MAX, &["manifests"]).ok()?;
    let list = map.get("manifests")?.as_array()?;
    let referrer = |entry: &serde_json::Value| {
        let text = |key: &str| entry.get(key).and_then(serde_json::Value::as_str);
        Some(Referrer {
            digest: text("digest")?.parse().ok()?,
            size: entry.get("size")?.as_u64()?,
            artifact_type: text("artifactType").unwrap_or_default().into(),
        })
    };
    list.iter().take(REFERRERS_MAX).map(referrer).collect()
}

/// Pages of a thousand; more is not looked through by anybody.
const TAGS_MAX: usize = 10_000;
const TAGS_PAGE: usize = 1000;
/// Registries may send smaller pages than they were asked for: 100 tags at least in those that are known.
const PAGES_MAX: usize = 100;
/// An image has a handful; flooding one with signatures must not make it cost more to look at.
const REFERRERS_MAX: usize = 1000;

#[cfg(test)]
mod tests;
