//! A registry that does what it should not, and what arrives where.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::credentials::{Credential, Secret};
use crate::source::tests::{Sample, sample, sha256};

/// A request as it arrived.
#[derive(Clone, Debug)]
struct Seen {
    method: String,
    path: String,
    authorization: Option<String>,
    range: Option<String>,
}

type Handler = dyn Fn(&Seen, &mut TcpStream) + Send + Sync;

/// An HTTP server of this test's process; its threads end with the process.
struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    fn new(handler: impl Fn(&Seen, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (handler, list): (Arc<Handler>, _) = (Arc::new(handler), Arc::clone(&seen));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (handler, list) = (Arc::clone(&handler), Arc::clone(&list));
                std::thread::spawn(move || serve(stream, &*handler, &list));
            }
        });
        Server { port, seen }
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("a list").clone()
    }

    fn name(&self, rest: &str) -> Reference {
        format!("127.0.0.1:{}/{rest}", self.port).parse().expect("a name")
    }
}

fn serve(mut stream: TcpStream, handler: &Handler, list: &Mutex<Vec<Seen>>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    let mut words = line.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut seen = Seen { method, path, authorization: None, range: None };
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
            break;
        }
        let (name, value) = line.trim().split_once(": ").unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "authorization" => seen.authorization = Some(value.to_owned()),
            "range" => seen.range = Some(value.to_owned()),
            _ => {}
        }
    }
    list.lock().expect("a list").push(seen.clone());
    handler(&seen, &mut stream);
}

fn answer(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) {
    let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

/// What an honest registry says.
fn honest(sample: &Sample, seen: &Seen, stream: &mut TcpStream) {
    let blob = sample.blobs.iter().find(|(digest, _)| seen.path.ends_with(digest.as_str()));
    match blob {
        Some((_, bytes)) => answer(stream, "200 OK", "", bytes),
        None if seen.path.contains("/manifests/") => answer(stream, "200 OK", MANIFEST_HEADER, &sample.manifest),
        None => answer(stream, "404 Not Found", "", b""),
    }
}

fn image_of_files() -> Sample {
    sample(&[("etc/os-release", b"ID=debian\n"), ("data", &[7; 200_000])])
}

fn client() -> Client {
    let credential = Credential::Basic { user: "user".into(), password: Secret::new(PASSWORD) };
    client_with(|settings| settings.credentials = Credentials::given(credential))
}

fn client_with(change: impl FnOnce(&mut Settings)) -> Client {
    let (silence_max, backoff) = (Duration::from_millis(400), Duration::from_millis(5));
    let mut settings = Settings { proxy: false, silence_max, backoff, ..Settings::default() };
    change(&mut settings);
    Client::new(settings).expect("a client")
}

/// The whole image through `client`: `Ok` only where every byte was the right one.
fn pull(client: &Client, name: &Reference, sample: &Sample) -> Result<(), String> {
    let amd64 = Platform::linux("amd64");
    let image = client.open(name, Some(&amd64)).map_err(|error| chain(&error))?;
    let mut bytes = Vec::new();
    image.open(0).map_err(|error| chain(&error))?.read_to_end(&mut bytes).map_err(|error| chain(&error))?;
    if sha256(&bytes) == sample.layer { Ok(()) } else { Err("other bytes".to_owned()) }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut at = error.source();
    while let Some(error) = at {
        text = format!("{text}: {error}");
        at = error.source();
    }
    assert!(!text.contains(PASSWORD) && !text.contains(TOKEN), "{text}");
    text
}

#[track_caller]
fn rejects(result: Result<(), String>, words: &str) {
    let error = result.expect_err(words);
    assert!(words.split('|').any(|words| error.contains(words)), "{error}");
}

#[test]
fn an_image_is_pulled_with_basic_credentials_and_by_digest() {
    let sample = Arc::new(image_of_files());
    let own = Arc::clone(&sample);
    let server = Server::new(move |seen, stream| match &seen.authorization {
        None => answer(stream, "401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", b""),
        Some(_) => honest(&own, seen, stream),
    });
    assert_eq!(pull(&client(), &server.name("team/app:1"), &sample), Ok(()));
    let by_digest = server.name("team/app").at(sample.digest.clone());
    assert_eq!(pull(&client(), &by_digest, &sample), Ok(()));
    let nobody = client_with(|_| ());
    rejects(pull(&nobody, &server.name("team/app:1"), &sample), "no credentials are known");
    assert_eq!(client().head(&server.name("team/app:1")).ok(), Some(sample.digest.clone()));
}

#[test]
fn credentials_go_neither_to_a_foreign_realm_nor_after_a_redirect() {
    let sample = Arc::new(image_of_files());
    // Another host by name, though it is the same machine.
    let token_service = Server::new(|_, stream| {
        answer(stream, "200 OK", "", format!(r#"{{"token": "{TOKEN}"}}"#).as_bytes());
    });
    let own = Arc::clone(&sample);
    let store = Server::new(move |seen, stream| honest(&own, seen, stream));
    let own = Arc::clone(&sample);
    let (realm, elsewhere) = (token_service.port, store.port);
    let server = Server::new(move |seen, stream| {
        let home = seen.path.starts_with("/token");
        let bearer = format!("Bearer {TOKEN}");
        match &seen.authorization {
            _ if home => answer(stream, "200 OK", "", format!(r#"{{"access_token": "{TOKEN}"}}"#).as_bytes()),
            Some(value) if *value == bearer && seen.path.contains("/blobs/") => {
                let to = format!("Location: http://127.0.0.1:{elsewhere}{}\r\n", seen.path);
                answer(stream, "307 Temporary Redirect", &to, b"");
            }
            Some(value) if *value == bearer => honest(&own, seen, stream),
            _ if seen.path.contains("/foreign/") => {
                let to = format!("WWW-Authenticate: Bearer realm=\"http://localhost:{realm}/token\",service=\"s\"\r\n");
                answer(stream, "401 Unauthorized", &to, b"");
            }
            _ => {
                let host = "WWW-Authenticate: Bearer realm=\"http://HOST/token\",service=\"a b\"\r\n";
                let to = host.replace("HOST", &stream.local_addr().expect("an address").to_string());
                answer(stream, "401 Unauthorized", &to, b"");
            }
        }
    });
    assert_eq!(pull(&client(), &server.name("own/app:1"), &sample), Ok(()));
    let seen = server.seen();
    let token: Vec<_> = seen.iter().filter(|seen| seen.path.starts_with("/token")).collect();
    assert_eq!(token[0].path, "/token?scope=repository%3Aown%2Fapp%3Apull&service=a%20b");
    assert!(token[0].authorization.as_ref().is_some_and(|value| value.starts_with("Basic ")));
    assert!(
        store.seen().len() >= 2 && store.seen().iter().all(|seen| seen.authorization.is_none()),
        "{:?}",
        store.seen()
    );

    // A realm elsewhere that is not encrypted is not even asked.
    rejects(pull(&client(), &server.name("foreign/app:1"), &sample), "it is not encrypted");
    assert!(token_service.seen().is_empty());
}

#[test]
fn a_token_service_is_the_registrys_own_or_is_asked_as_nobody() {
    let transport = Transport::new(Settings {
        trusted_realms: vec![("registry.example".into(), "login.example".into())],
        ..Settings::default()
    })
    .expect("a transport");
    let origin = |text: &str| origin::Origin::of(&text.parse().expect(text)).expect(text);
    let check = |home: &str, registry: &str, realm: &str| transport.belongs(&origin(home), registry, &origin(realm));
    assert!(check("https://registry-1.docker.io", "docker.io", "https://auth.docker.io"));
    assert!(check("https://registry.example", "registry.example", "https://registry.example:5001"));
    assert!(check("https://registry.example", "registry.example", "https://auth.registry.example"));
    assert!(check("https://registry.example", "registry.example", "https://login.example"));
    assert!(check("http://127.0.0.1:1", "127.0.0.1:1", "http://127.0.0.1:1"));
    for realm in [
        "https://auth.docker.io.evil.example",
        "https://evilregistry.example",
        "https://example",
        "http://registry.example",
    ] {
        assert!(!check("https://registry.example", "registry.example", realm), "{realm}");
    }
    assert!(!check("https://evil.example", "evil.example", "https://auth.docker.io"));
    assert!(!check("http://127.0.0.1:1", "127.0.0.1:1", "http://127.0.0.1:2"));
}

#[test]
fn redirects_out_of_bounds_are_not_followed() {
    let sample = Arc::new(image_of_files());
    for (location, words) in [
        ("file:///etc/passwd", "not an address"),
        ("http://169.254.169.254/latest/meta-data/", "a network that the registry does not"),
        ("http://[::ffff:169.254.169.254]/", "a network that the registry does not"),
        ("http://[fe80::1]/", "a network that the registry does not"),
        ("http://user:pw@127.0.0.1/", "not an address"),
        ("gopher://127.0.0.1/", "not an address"),
        ("/v2/loop/blobs/again", "too many redirects"),
        ("", "not an address"),
    ] {
        let own = Arc::clone(&sample);
        let server = Server::new(move |seen, stream| match seen.path.contains("/blobs/") {
            true => answer(stream, "302 Found", &format!("Location: {location}\r\n"), b""),
            false => honest(&own, seen, stream),
        });
        rejects(pull(&client(), &server.name("app:1"), &sample), words);
        assert!(server.seen().len() < 10, "{location}");
    }
}

#[test]
fn other_bytes_than_were_named_are_refused() {
    let (sample, other) = (Arc::new(image_of_files()), Arc::new(crate::source::tests::sample(&[("a", b"b")])));
    // The tag changes with every question; what was named first is what is pulled.
    let (own, second, count) = (Arc::clone(&sample), Arc::clone(&other), AtomicUsize::new(0));
    let server = Server::new(move |seen, stream| {
        let is_tag = seen.path.ends_with("/manifests/1");
        match is_tag && count.fetch_add(1, Ordering::SeqCst) > 0 {
            true => honest(&second, seen, stream),
            false => honest(&own, seen, stream),
        }
    });
    assert_eq!(pull(&client(), &server.name("app:1"), &sample), Ok(()));
    let asked = server.seen().iter().filter(|seen| seen.path.ends_with("/manifests/1")).count();
    assert_eq!(asked, 1);
    rejects(pull(&client(), &server.name("app").at(other.digest.clone()), &other), "was named");

    let header = format!("Docker-Content-Digest: {}\r\n", other.digest);
    let own = Arc::clone(&sample);
    let server = Server::new(move |_, stream| answer(stream, "200 OK", &header, &own.manifest));
    rejects(pull(&client(), &server.name("app:1"), &sample), "was named");

    let own = Arc::clone(&sample);
    let server = Server::new(move |seen, stream| match seen.path.contains("/blobs/") {
        true => answer(stream, "200 OK", "", &[b' '; 30]),
        false => honest(&own, seen, stream),
    });
    rejects(pull(&client(), &server.name("app:1"), &sample), "broke off");
}

#[test]
fn a_broken_download_goes_on_where_it_broke() {
    let sample = Arc::new(image_of_files());
    for ranges in [true, false] {
        let (own, count) = (Arc::clone(&sample), AtomicUsize::new(0));
        let server = Server::new(move |seen, stream| {
            let (layer, bytes) = &own.blobs[1];
            if !seen.path.ends_with(layer.as_str()) {
                return honest(&own, seen, stream);
            }
            let from =
                seen.range.as_ref().and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
            let from: usize = from.filter(|_| ranges).unwrap_or(0);
            // Three times the line breaks after some more bytes.
            let end = bytes.len().min(50_000 * (1 + count.fetch_add(1, Ordering::SeqCst)));
            let status = if from > 0 { "206 Partial Content" } else { "200 OK" };
            let range = format!("Content-Range: bytes {from}-{}/{}\r\n", bytes.len() - 1, bytes.len());
            let length = bytes.len() - from;
            let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{range}Content-Length: {length}\r\n\r\n");
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&bytes[from..end.max(from)]));
        });
        assert_eq!(pull(&client(), &server.name("app:1"), &sample), Ok(()), "ranges: {ranges}");
        assert!(server.seen().iter().filter(|seen| seen.range.is_some()).count() >= 3);
    }
}

#[test]
fn endless_slow_and_packed_answers_end() {
    let sample = Arc::new(image_of_files());
    let with = |misbehave: fn(&mut TcpStream), words: &str| {
        for part in ["/manifests/", "/blobs/"] {
            let own = Arc::clone(&sample);
            let server = Server::new(move |seen, stream| match seen.path.contains(part) {
                true => misbehave(stream),
                false => honest(&own, seen, stream),
            });
            let error = pull(&client(), &server.name("app:1"), &sample).expect_err(words);
            assert!(words.split('|').any(|words| error.contains(words)), "{part}: {error}");
        }
    };
    with(
        |stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            while stream.write_all(&[b' '; 64 << 10]).is_ok() {}
        },
        "more than 4194304 bytes|was named|bytes",
    );
    with(
        |stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nX: ");
            while stream.write_all(&[b'a'; 4 << 10]).is_ok() {}
        },
        "header|Header",
    );
    with(|stream| answer(stream, "200 OK", "Content-Encoding: gzip\r\n", &[0x1f, 0x8b]), "content encoding");
    with(|stream| answer(stream, "503 Service Unavailable", "", b""), "status 503");
    with(|stream| answer(stream, "429 Too Many Requests", "Retry-After: 0\r\n", b""), "status 429");
    with(|stream| drop(stream.write_all(b"\0\0\0")), "http://127.0.0.1");
}

#[test]
fn a_layer_that_drips_is_given_up() {
    let sample = Arc::new(image_of_files());
    let own = Arc::clone(&sample);
    let server = Server::new(move |seen, stream| {
        if !seen.path.ends_with(own.layer.as_str()) {
            return honest(&own, seen, stream);
        }
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        while stream.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let quick = client_with(|settings| settings.silence_max = Duration::from_millis(100));
    rejects(pull(&quick, &server.name("app:1"), &sample), "stalled too often|broke off again");
}

#[test]
fn a_storm_passes_and_the_image_is_pulled() {
    let sample = Arc::new(image_of_files());
    let (own, count) = (Arc::clone(&sample), AtomicUsize::new(0));
    let server = Server::new(move |seen, stream| match count.fetch_add(1, Ordering::SeqCst) % 3 {
        0 | 1 => answer(stream, "429 Too Many Requests", "", b""),
        _ => honest(&own, seen, stream),
    });
    assert_eq!(pull(&client(), &server.name("app:1"), &sample), Ok(()));
}

#[test]
fn mirrors_are_asked_first_and_the_registry_after_them() {
    let sample = Arc::new(image_of_files());
    let own = Arc::clone(&sample);
    let mirror = Server::new(|_, stream| answer(stream, "404 Not Found", "", b""));
    let server = Server::new(move |seen, stream| honest(&own, seen, stream));
    let text = format!(
        "[[registry]]\nprefix = \"registry.example/team\"\nlocation = \"127.0.0.1:{}/real\"\n[[registry.mirror]]\nlocation = \"127.0.0.1:{}/mirror\"\n",
        server.port, mirror.port
    );
    let client = client_with(|settings| settings.mirrors = Mirrors::read(&text).expect("mirrors"));
    assert_eq!(pull(&client, &"registry.example/team/app:1".parse().expect("a name"), &sample), Ok(()));
    assert_eq!(mirror.seen()[0].path, "/v2/mirror/app/manifests/1");
    assert_eq!((server.seen()[0].method.as_str(), server.seen()[0].path.as_str()), ("GET", "/v2/real/app/manifests/1"));
}

#[test]
fn lists_are_bounded_and_pages_stay_at_the_registry() {
    let server = Server::new(|seen, stream| match seen.path.as_str() {
        path if path.starts_with("/v2/endless/") => {
            let next = format!("Link: <{path}x>; rel=\"next\"\r\n");
            answer(stream, "200 OK", &next, br#"{"tags": ["a", "b"]}"#);
        }
        path if path.starts_with("/v2/away/") => {
            answer(stream, "200 OK", "Link: <http://169.254.169.254/>; rel=\"next\"\r\n", br#"{"tags": ["a"]}"#);
        }
        path if path.contains("/manifests/sha256-") => {
            let digest = "ab".repeat(32);
            let body = format!(
                r#"{{"manifests": [{{"digest": "sha256:{digest}", "size": 3, "artifactType": "application/spdx+json"}}]}}"#
            );
            answer(stream, "200 OK", "", body.as_bytes());
        }
        _ => answer(stream, "404 Not Found", "", b""),
    });
    assert_eq!(client().tags(&server.name("endless/app")).expect("tags").len(), 200);
    assert_eq!(client().tags(&server.name("away/app")).expect("tags").len(), 1);
    assert!(matches!(client().tags(&server.name("none/app")), Err(RegistryError::NotFound(_))));
    let referrers = client().referrers(&server.name("x/app"), &sha256(b"")).expect("referrers");
    assert_eq!(&*referrers[0].artifact_type, "application/spdx+json");
}

/// A registry with a bill that refers to an image, or a tag of old that does.
fn with_bill(by_tag: bool, bill: &'static [u8], served: &'static [u8]) -> Server {
    let digest = sha256(bill);
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","layers":[{{"mediaType":"application/vnd.cyclonedx+json","digest":"{digest}","size":{}}}]}}"#,
        bill.len()
    );
    let of_manifest = sha256(manifest.as_bytes());
    Server::new(move |seen, stream| {
        let tag = format!("{}.sbom", sha256(b"image").as_str().replace(':', "-"));
        match seen.path.as_str() {
            path if path.contains("/referrers/") && !by_tag => {
                let entry = format!(
                    r#"{{"manifests":[{{"digest":"{of_manifest}","size":{},"artifactType":"application/vnd.cyclonedx+json"}},{{"digest":"{}","size":1,"artifactType":"application/vnd.example.signature"}}]}}"#,
                    manifest.len(),
                    sha256(b"signature")
                );
                answer(stream, "200 OK", "Content-Type: application/vnd.oci.image.index.v1+json\r\n", entry.as_bytes());
            }
            path if path.ends_with(of_manifest.as_str()) || by_tag && path.ends_with(&tag) => {
                answer(stream, "200 OK", MANIFEST_HEADER, manifest.as_bytes());
            }
            path if path.ends_with(digest.as_str()) => answer(stream, "200 OK", "", served),
            _ => answer(stream, "404 Not Found", "", b""),
        }
    })
}

#[test]
fn attached_bills_are_fetched_and_verified() {
    for by_tag in [false, true] {
        let server = with_bill(by_tag, BILL, BILL);
        let bills = client().bills(&server.name("x/app"), &sha256(b"image")).expect("bills");
        assert_eq!(bills.iter().map(|bill| &*bill.bytes).collect::<Vec<_>>(), [BILL], "by tag: {by_tag}");
        assert!(!server.seen().iter().any(|seen| seen.path.ends_with(sha256(b"signature").as_str())));
    }
    let server = Server::new(|_, stream| answer(stream, "404 Not Found", "", b""));
    assert_eq!(client().bills(&server.name("x/app"), &sha256(b"image")).expect("none"), []);
}

#[test]
fn an_attached_bill_with_other_bytes_is_an_error_and_not_no_bill() {
    let server = with_bill(false, BILL, br#"{"bomFormat":"CycloneDY"}"#);
    let error = client().bills(&server.name("x/app"), &sha256(b"image")).expect_err("other bytes");
    assert!(matches!(error, RegistryError::Digest { .. }), "{error}");
}

const BILL: &[u8] = br#"{"bomFormat":"CycloneDX"}"#;
const PASSWORD: &str = "correct-horse";
const TOKEN: &str = "battery-staple";
const MANIFEST_HEADER: &str = "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n";
