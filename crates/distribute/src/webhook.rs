//! Events to whoever wants to know: CloudEvents over HTTP, signed, repeated, never redirected.
//!
//! *Guarantees*: credentials go to the address that the user named and nowhere else: a redirect is a failure, and a bearer
//! token is not sent unencrypted except to this machine. An event counts as delivered when the receiver says so with a
//! status of 2xx; everything else is an error with its reason.

use std::time::Duration;

use aws_lc_rs::hmac;
use model::digest::hex;
use serde_json::Value;
use ureq::Agent;
use ureq::tls::RootCerts;

use crate::tls;

/// How an event is written (CloudEvents 1.0, HTTP binding).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The whole event as the body.
    #[default]
    Structured,
    /// Its data as the body, its attributes as headers.
    Binary,
}

/// Where events go, and how.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// `https://…`; `http://…` where no bearer token is sent, or to this machine.
    pub url: String,
    /// The form.
    pub mode: Mode,
    /// Key of the signature in the header `Kobuk-Signature: sha256=…`, HMAC-SHA-256 of the body in hexadecimal digits.
    pub secret: Option<Vec<u8>>,
    /// Token of the header `Authorization: Bearer …`.
    pub bearer: Option<String>,
    /// How often an event is tried before it waits for the next round; at least once.
    pub attempts: u32,
    /// The pause after the first attempt; it doubles each time, to at most [`PAUSE_MAX`].
    pub pause: Duration,
    /// What one attempt may take.
    pub timeout: Duration,
}

/// Why an event was not delivered.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The address.
    #[error("{0} cannot be used: it must be http or https without a name and password in it")]
    Address(String),
    /// A token would be sent for everybody to read.
    #[error("{0} is not encrypted, and a bearer token would be read on the way")]
    Unencrypted(String),
    /// A redirect.
    #[error("{url} answers with a redirect (status {status}), which is not followed")]
    Redirect {
        /// The address.
        url: String,
        /// Of HTTP.
        status: u16,
    },
    /// Another status.
    #[error("{url} answers with status {status}")]
    Status {
        /// The address.
        url: String,
        /// Of HTTP.
        status: u16,
    },
    /// The network.
    #[error("{url} cannot be reached")]
    Http {
        /// The address.
        url: String,
        /// The reason.
        #[source]
        source: Box<ureq::Error>,
    },
}

impl DeliveryError {
    /// Whether the same may succeed later without anybody changing anything.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Http { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 425 | 429) || *status >= 500,
            Self::Address(_) | Self::Unencrypted(_) | Self::Redirect { .. } => false,
        }
    }
}

/// Sends events.
#[derive(Debug)]
pub struct Sender {
    endpoint: Endpoint,
    agent: Agent,
}

impl Sender {
    /// Checks the address; sends nothing yet.
    pub fn new(endpoint: Endpoint) -> Result<Self, DeliveryError> {
        let url = &endpoint.url;
        let (scheme, rest) = url.split_once("://").ok_or_else(|| DeliveryError::Address(url.clone()))?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if !matches!(scheme, "http" | "https") || authority.is_empty() || authority.contains('@') {
            return Err(DeliveryError::Address(url.clone()));
        }
        let host = match authority.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => authority.split(':').next().unwrap_or_default(),
        };
        let here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        if scheme == "http" && endpoint.bearer.is_some() && !here {
            return Err(DeliveryError::Unencrypted(url.clone()));
        }
        let config = Agent::config_builder()
            .tls_config(tls::config(RootCerts::from(tls::system_roots())))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent("kobuk")
            .timeout_global(Some(endpoint.timeout))
            .build();
        Ok(Self { agent: Agent::new_with_config(config), endpoint })
    }

    /// Delivers one event, with pauses between the attempts. `wait` sleeps; tests do not.
    pub fn deliver(&self, event: &Value, wait: &mut dyn FnMut(Duration)) -> Result<(), DeliveryError> {
        let mut pause = self.endpoint.pause;
        for left in (0..self.endpoint.attempts.max(1)).rev() {
            match self.once(event) {
                Ok(()) => return Ok(()),
                Err((error, _)) if left == 0 || !error.may_pass() => return Err(error),
                Err((_, asked)) => {
                    wait(asked.unwrap_or(pause).min(PAUSE_MAX));
                    pause = pause.saturating_mul(2).min(PAUSE_MAX);
                }
            }
        }
        Ok(())
    }

    /// One attempt. A failure comes with the pause that the receiver asks for.
    fn once(&self, event: &Value) -> Result<(), (DeliveryError, Option<Duration>)> {
        let url = || self.endpoint.url.clone();
        let (body, kind) = match self.endpoint.mode {
            Mode::Structured => (event.to_string(), "application/cloudevents+json; charset=utf-8"),
            Mode::Binary => (event.get("data").map(Value::to_string).unwrap_or_default(), "application/json"),
        };
        let mut request = self.agent.post(&self.endpoint.url).header("Content-Type", kind);
        if self.endpoint.mode == Mode::Binary {
            for (name, value) in event.as_object().into_iter().flatten() {
                if let (Some(value), false) = (value.as_str(), matches!(name.as_str(), "data" | "datacontenttype")) {
                    request = request.header(format!("ce-{name}"), percent(value));
                }
            }
        }
        if let Some(secret) = &self.endpoint.secret {
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), body.as_bytes());
            request = request.header("Kobuk-Signature", format!("sha256={}", hex(tag.as_ref())));
        }
        if let Some(token) = &self.endpoint.bearer {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let answer = request.send(body.as_bytes());
        let answer = answer.map_err(|source| (DeliveryError::Http { url: url(), source: Box::new(source) }, None))?;
        let asked = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        match answer.status().as_u16() {
            200..=299 => Ok(()),
            status @ 300..=399 => Err((DeliveryError::Redirect { url: url(), status }, None)),
            status => Err((DeliveryError::Status { url: url(), status }, asked.map(Duration::from_secs))),
        }
    }
}

/// A value of a header as CloudEvents writes it: blanks, quotes, percent signs and what is not ASCII are escaped.
fn percent(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if matches!(byte, 0x21..=0x7e) && !matches!(byte, b'"' | b'%') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Receivers that want longer are asked again in the next round.
pub const PAUSE_MAX: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;
    use std::sync::mpsc;

    use serde_json::json;

    use super::*;

    /// Answers each request with the next of the statuses, and hands over what came.
    fn server(answers: &'static [&'static str]) -> (String, mpsc::Receiver<(Vec<String>, String)>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (send, receive) = mpsc::channel();
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut headers, mut length) = (Vec::new(), 0);
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    if line.trim().is_empty() {
                        break;
                    }
                    let line = line.trim().to_ascii_lowercase();
                    length = line.strip_prefix("content-length: ").map_or(length, |text| text.parse().unwrap());
                    headers.push(line);
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                send.send((headers, String::from_utf8(body).unwrap())).unwrap();
                let head = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                stream.write_all(head.as_bytes()).unwrap();
            }
        });
        (url, receive)
    }

    fn endpoint(url: String) -> Endpoint {
        Endpoint {
            url,
            mode: Mode::Structured,
            secret: Some(b"key".to_vec()),
            bearer: Some("token".into()),
            attempts: 3,
            pause: Duration::from_secs(1),
            timeout: Duration::from_secs(5),
        }
    }

    #[test]
    fn events_are_signed_repeated_with_growing_pauses_and_written_in_both_modes() {
        let event = json!({"specversion": "1.0", "id": "A/ä", "type": "t", "data": {"a": 1}});
        let (url, came) = server(&["503 Busy", "429 Slow\r\nRetry-After: 7", "200 OK", "204 None"]);
        let mut pauses = Vec::new();
        let sender = Sender::new(endpoint(url.clone())).unwrap();
        sender.deliver(&event, &mut |pause| pauses.push(pause.as_secs())).unwrap();
        assert_eq!(pauses, [1, 7]);
        let (headers, body) = came.iter().nth(2).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), event);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"key"), body.as_bytes());
        for wanted in [
            format!("kobuk-signature: sha256={}", hex(tag.as_ref())),
            "authorization: bearer token".into(),
            "content-type: application/cloudevents+json; charset=utf-8".into(),
        ] {
            assert!(headers.contains(&wanted), "{wanted} {headers:?}");
        }
        let sender = Sender::new(Endpoint { mode: Mode::Binary, ..endpoint(url) }).unwrap();
        sender.deliver(&event, &mut |_| ()).unwrap();
        let (headers, body) = came.recv().unwrap();
        assert_eq!(body, r#"{"a":1}"#);
        assert!(headers.contains(&"ce-id: a/%c3%a4".into()) && headers.contains(&"ce-specversion: 1.0".into()));
    }

    #[test]
    fn redirects_are_not_followed_and_refusals_are_not_repeated() {
        let (url, came) = server(&["302 Found\r\nLocation: http://127.0.0.1:1/", "403 No"]);
        let sender = Sender::new(endpoint(url)).unwrap();
        let mut wait = |_| panic!("nothing is waited for");
        assert!(matches!(sender.deliver(&json!({}), &mut wait), Err(DeliveryError::Redirect { status: 302, .. })));
        assert!(matches!(sender.deliver(&json!({}), &mut wait), Err(DeliveryError::Status { status: 403, .. })));
        assert_eq!(came.iter().count(), 2);
    }

    #[test]
    fn tokens_are_not_sent_for_everybody_to_read() {
        let of = |url: &str| Sender::new(endpoint(url.into())).map(|_| ());
        assert!(matches!(of("http://registry.example/hook"), Err(DeliveryError::Unencrypted(_))));
        assert!(matches!(of("https://a:b@registry.example/"), Err(DeliveryError::Address(_))));
        assert!(matches!(of("file:///etc/passwd"), Err(DeliveryError::Address(_))));
        assert!(of("https://registry.example/hook").is_ok() && of("http://[::1]:80/").is_ok());
    }

    #[test]
    fn a_receiver_that_is_away_is_tried_as_often_as_asked() {
        let sender = Sender::new(endpoint("http://127.0.0.1:1/".into())).unwrap();
        let mut pauses = 0;
        assert!(matches!(sender.deliver(&json!({}), &mut |_| pauses += 1), Err(DeliveryError::Http { .. })));
        assert_eq!(pauses, 2);
    }
}
