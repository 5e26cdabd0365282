//! URLs, as Go's `net/url` reads them.

use std::any::Any;
use std::fmt;

use super::super::arguments::{charge_list, go_quote, made_text, opaque, text};
use super::super::network;
use crate::context::Context;
use crate::decl::Library;
use crate::fault::Fault;
use crate::types::Type;
use crate::value::{Entries, Opaque, Value};

/// `url`, `isURL` and what a URL has.
pub fn urls() -> Library {
    let of = Type::opaque(TYPE);
    let one = [of.clone()];
    let query = Type::map(Type::String, Type::list(Type::String));
    Library::default()
        .function("url", "string_to_url", &[Type::String], of, |context, args| {
            let source = text(args, 0)?;
            context.allocate(source.len())?;
            let failed = |why| Fault::error(format!("URL parse error during conversion from string: {why}"));
            check_request(source).map_err(failed)?;
            Url::parse(source).map(Value::opaque).map_err(failed)
        })
        .function("isURL", "is_url_string", &[Type::String], Type::Bool, |_, args| {
            Ok(Value::Bool(check_request(text(args, 0)?).is_ok()))
        })
        .method("getScheme", "url_get_scheme", &one, Type::String, |context, args| {
            made_text(context, opaque::<Url>(args, 0)?.scheme.as_str())
        })
        .method("getHost", "url_get_host", &one, Type::String, |context, args| {
            made_text(context, opaque::<Url>(args, 0)?.host.as_str())
        })
        .method("getHostname", "url_get_hostname", &one, Type::String, |context, args| {
            made_text(context, split_port(&opaque::<Url>(args, 0)?.host).0)
        })
        .method("getPort", "url_get_port", &one, Type::String, |context, args| {
            made_text(context, split_port(&opaque::<Url>(args, 0)?.host).1)
        })
        .method("getEscapedPath", "url_get_escaped_path", &one, Type::String, |context, args| {
            made_text(context, opaque::<Url>(args, 0)?.escaped_path())
        })
        .method("getQuery", "url_get_query", &one, query, get_query)
}

const TYPE: &str = "kubernetes.URL";

/// A URL in its parts. What was escaped in host and user is not any more; text that would not be UTF-8 then
/// has replacement characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Url {
    scheme: String,
    /// After the scheme if there is no `/`.
    opaque: String,
    user: User,
    host: String,
    /// Without escapes, and as written if the escapes are not those that would be made.
    path: Vec<u8>,
    raw_path: String,
    query: String,
    /// A `?` with nothing behind it.
    bare_query: bool,
    /// A scheme and a path without `//`.
    no_host: bool,
    fragment: Vec<u8>,
    raw_fragment: String,
}

/// Whether a text is an absolute URL or an absolute path; the format `uri` of OpenAPI.
pub(super) fn check_request(source: &str) -> Result<(), String> {
    Url::read(source, true).map(drop).map_err(|why| format!("parse {}: {why}", go_quote(source)))
}

/// Where a part stands, which decides what may be in it.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Host,
    Zone,
    Path,
    User,
    Query,
    Fragment,
}

impl Url {
    fn parse(source: &str) -> Result<Url, String> {
        let (main, fragment) = source.split_once('#').unwrap_or((source, ""));
        let mut url = Url::read(main, false).map_err(|why| format!("parse {}: {why}", go_quote(main)))?;
        if !fragment.is_empty() {
            url.fragment =
                unescape(fragment, Part::Fragment).map_err(|why| format!("parse {}: {why}", go_quote(source)))?;
            if escape(&url.fragment, Part::Fragment) != fragment {
                url.raw_fragment = fragment.to_owned();
            }
        }
        Ok(url)
    }

    fn read(source: &str, request: bool) -> Result<Url, String> {
        if source.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        if source.is_empty() && request {
            return Err("empty url".to_owned());
        }
        let mut url = Url::default();
        if source == "*" {
            url.path = b"*".to_vec();
            return Ok(url);
        }
        let (scheme, mut rest) = scheme(source)?;
        url.scheme = scheme.to_ascii_lowercase();
        if rest.ends_with('?') && rest.matches('?').count() == 1 {
            url.bare_query = true;
            rest = &rest[..rest.len() - 1];
        } else if let Some((before, query)) = rest.split_once('?') {
            url.query = query.to_owned();
            rest = before;
        }
        if !rest.starts_with('/') {
            if !url.scheme.is_empty() {
                url.opaque = rest.to_owned();
                return Ok(url);
            }
            if request {
                return Err("invalid URI for request".to_owned());
            }
            if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
        }
        let has_authority = !url.scheme.is_empty() || (!request && !rest.starts_with("///"));
        if let Some(authority) = rest.strip_prefix("//").filter(|_| has_authority) {
            let (authority, path) = authority.split_at(authority.find('/').unwrap_or(authority.len()));
            (url.user, url.host) = read_authority(&url.scheme, authority)?;
            rest = path;
        } else if !url.scheme.is_empty() && rest.starts_with('/') {
            url.no_host = true;
        }
        url.path = unescape(rest, Part::Path)?;
        if escape(&url.path, Part::Path) != rest {
            url.raw_path = rest.to_owned();
        }
        Ok(url)
    }

    fn escaped_path(&self) -> String {
        if !self.raw_path.is_empty()
            && valid_encoded(&self.raw_path, Part::Path)
            && unescape(&self.raw_path, Part::Path).is_ok_and(|path| path == self.path)
        {
            return self.raw_path.clone();
        }
        if self.path == b"*" { "*".to_owned() } else { escape(&self.path, Part::Path) }
    }

    fn escaped_fragment(&self) -> String {
        if !self.raw_fragment.is_empty()
            && valid_encoded(&self.raw_fragment, Part::Fragment)
            && unescape(&self.raw_fragment, Part::Fragment).is_ok_and(|fragment| fragment == self.fragment)
        {
            return self.raw_fragment.clone();
        }
        escape(&self.fragment, Part::Fragment)
    }
}

fn scheme(source: &str) -> Result<(&str, &str), String> {
    for (at, byte) in source.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => return Ok((&source[..at], &source[at + 1..])),
            _ => break,
        }
    }
    Ok(("", source))
}

/// Name and password, if they are there.
type User = Option<(Vec<u8>, Option<Vec<u8>>)>;

fn read_authority(scheme: &str, authority: &str) -> Result<(User, String), String> {
    let Some((user, host)) = authority.rsplit_once('@') else { return Ok((None, read_host(scheme, authority)?)) };
    let host = read_host(scheme, host)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
    if !user.bytes().all(allowed) {
        return Err("net/url: invalid userinfo".to_owned());
    }
    let user = match user.split_once(':') {
        Some((name, password)) => (unescape(name, Part::User)?, Some(unescape(password, Part::User)?)),
        None => (unescape(user, Part::User)?, None),
    };
    Ok((Some(user), host))
}

fn read_host(scheme: &str, host: &str) -> Result<String, String> {
    match host.rfind('[') {
        Some(0) => return read_bracketed(host),
        Some(_) => return Err("invalid IP-literal".to_owned()),
        None => {}
    }
    if let (Some(first), Some(last)) = (host.find(':'), host.rfind(':')) {
        // Lists of hosts with ports are left to schemes other than those of the web.
        let at = if matches!(scheme, "http" | "https") { first } else { last };
        if !is_port(&host[at..]) {
            return Err(format!("invalid port {} after host", go_quote(&host[at..])));
        }
    }
    unescape(host, Part::Host).map(text_of)
}

/// `[fe80::1%25en0]:80`
fn read_bracketed(host: &str) -> Result<String, String> {
    let Some((name, port)) = host[1..].rsplit_once(']') else { return Err("missing ']' in host".to_owned()) };
    if !is_port(port) {
        return Err(format!("invalid port {} after host", go_quote(port)));
    }
    let port = text_of(unescape(port, Part::Host)?);
    let name = match name.find("%25") {
        Some(zone) => {
            let mut bytes = unescape(&name[..zone], Part::Host)?;
            bytes.extend(unescape(&name[zone..], Part::Zone)?);
            text_of(bytes)
        }
        None => text_of(unescape(name, Part::Host)?),
    };
    match network::is_v6(&name) {
        Ok(true) => Ok(format!("[{name}]{port}")),
        Ok(false) => Err("invalid IP-literal".to_owned()),
        Err(why) => Err(format!("invalid host: {why}")),
    }
}

/// Nothing, or a colon and digits.
fn is_port(port: &str) -> bool {
    port.is_empty() || port.strip_prefix(':').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

fn split_port(host: &str) -> (&str, &str) {
    let (mut name, mut port) = (host, "");
    if let Some(colon) = host.rfind(':').filter(|colon| is_port(&host[*colon..])) {
        (name, port) = (&host[..colon], &host[colon + 1..]);
    }
    if let Some(inner) = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        name = inner;
    }
    (name, port)
}

fn get_query<'v>(context: &mut Context<'_>, args: &[Value<'v>]) -> Result<Value<'v>, Fault> {
    let url = opaque::<Url>(args, 0)?;
    let pairs = url.query.split('&');
    // As there, a query of too many parameters has none.
    if url.query.matches('&').count() + 1 > QUERY_PARAMETERS_MAX {
        return Ok(Value::map(Entries::default()));
    }
    let mut found: Vec<(String, Vec<Value<'v>>)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for pair in pairs.filter(|pair| !pair.is_empty() && !pair.contains(';')) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (Ok(key), Ok(value)) = (unescape(key, Part::Query), unescape(value, Part::Query)) else { continue };
        charge_list(context, 2)?;
        let (key, value) = (text_of(key), made_text(context, text_of(value))?);
        let at = *places.entry(key.clone()).or_insert(found.len());
        match found.get_mut(at) {
            Some((_, values)) => values.push(value),
            None => found.push((key, vec![value])),
        }
    }
    let mut entries = Entries::with_capacity(found.len());
    for (key, values) in found {
        entries.insert(made_text(context, key)?, Value::list(values))?;
    }
    Ok(Value::map(entries))
}

/// Go's limit against queries that cost much to read.
const QUERY_PARAMETERS_MAX: usize = 10_000;

fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn unescape(source: &str, part: Part) -> Result<Vec<u8>, String> {
    let bytes = source.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'%' {
            let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
            let cut = text_of(bytes[at..bytes.len().min(at + 3)].to_vec());
            let failed = || format!("invalid URL escape {}", go_quote(&cut));
            let (Some(high), Some(low)) = (digit(at + 1), digit(at + 2)) else { return Err(failed()) };
            let value = (high * 16 + low) as u8;
            // In a host, only bytes outside ASCII may be escaped, and the sign of the zone.
            if part == Part::Host && high < 8 && cut != "%25" {
                return Err(failed());
            }
            if part == Part::Zone && cut != "%25" && value != b' ' && must_escape(value, Part::Host) {
                return Err(failed());
            }
            out.push(value);
            at += 3;
            continue;
        }
        if matches!(part, Part::Host | Part::Zone) && byte < 0x80 && must_escape(byte, part) {
            return Err(format!("invalid character {} in host name", go_quote(&char::from(byte).to_string())));
        }
        out.push(if byte == b'+' && part == Part::Query { b' ' } else { byte });
        at += 1;
    }
    Ok(out)
}

fn escape(bytes: &[u8], part: Part) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        if must_escape(*byte, part) {
            out.push_str(&format!("%{byte:02X}"));
        } else {
            out.push(char::from(*byte));
        }
    }
    out
}

fn must_escape(byte: u8, part: Part) -> bool {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => false,
        b'!' | b'(' | b')' | b'*' => !matches!(part, Part::Host | Part::Zone | Part::Fragment),
        b'\'' => !matches!(part, Part::Host | Part::Zone),
        b'[' | b']' | b'<' | b'>' | b'"' => !matches!(part, Part::Host | Part::Zone),
        b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@' => match part {
            Part::Host | Part::Zone => matches!(byte, b'/' | b'?' | b'@'),
            Part::Path => byte == b'?',
            Part::User => matches!(byte, b'@' | b'/' | b'?' | b':'),
            Part::Query => true,
            Part::Fragment => false,
        },
        _ => true,
    }
}

fn valid_encoded(source: &str, part: Part) -> bool {
    source.bytes().all(|byte| b"!$&'()*+,;=:@[]%".contains(&byte) || !must_escape(byte, part))
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.scheme.is_empty() {
            write!(f, "{}:", self.scheme)?;
        }
        if self.opaque.is_empty() {
            let has_authority = !self.scheme.is_empty() || !self.host.is_empty() || self.user.is_some();
            let omitted = self.no_host && self.host.is_empty() && self.user.is_none();
            if has_authority && !omitted {
                if !self.host.is_empty() || !self.path.is_empty() || self.user.is_some() {
                    f.write_str("//")?;
                }
                if let Some((name, password)) = &self.user {
                    f.write_str(&escape(name, Part::User))?;
                    if let Some(password) = password {
                        write!(f, ":{}", escape(password, Part::User))?;
                    }
                    f.write_str("@")?;
                }
                f.write_str(&escape(self.host.as_bytes(), Part::Host))?;
            }
            let path = self.escaped_path();
            if !path.is_empty() && !path.starts_with('/') && !self.host.is_empty() {
                f.write_str("/")?;
            }
            f.write_str(&path)?;
        } else {
            f.write_str(&self.opaque)?;
        }
        if self.bare_query || !self.query.is_empty() {
            write!(f, "?{}", self.query)?;
        }
        if !self.fragment.is_empty() {
            write!(f, "#{}", self.escaped_fragment())?;
        }
        Ok(())
    }
}

impl Opaque for Url {
    fn type_name(&self) -> &'static str {
        TYPE
    }

    fn equals(&self, other: &dyn Opaque) -> bool {
        other.as_any().downcast_ref::<Url>().is_some_and(|other| self.to_string() == other.to_string())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn describe(&self) -> String {
        self.to_string()
    }
}
