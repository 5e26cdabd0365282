//! Programs that are known by a string with their version.

use memchr::memmem;
use model::Package;
use model::package::Kind;

use crate::catalog::Sink;

/// A search for the version of one program.
#[derive(Debug)]
pub(super) struct Search {
    name: &'static str,
    needle: Box<[u8]>,
    side: Side,
    version: Option<Box<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// The version stands behind the needle.
    Behind,
    /// The version stands before the needle.
    Before,
    /// The needle is the beginning of the version, after one byte.
    Within,
}

/// What is worth looking for in a file of this path.
pub(super) fn searches(path: &str) -> Vec<Search> {
    let file = path.rsplit('/').next().unwrap_or(path);
    let mut searches: Vec<Search> = PROGRAMS
        .iter()
        .filter(|(files, ..)| files.iter().any(|name| is_named(file, name)))
        .map(|&(_, name, needle, side)| Search { name, needle: needle.as_bytes().into(), side, version: None })
        .collect();
    if let Some(minor) = file.strip_prefix("libpython").or_else(|| file.strip_prefix("python")) {
        let end = minor.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(minor.len());
        let minor = minor.get(..end).unwrap_or_default().trim_end_matches('.');
        if minor.contains('.') {
            let needle = format!("\0{minor}.").into_bytes().into();
            searches.push(Search { name: "python", needle, side: Side::Within, version: None });
        }
    }
    searches
}

impl Search {
    /// Looks in a part of the file.
    pub(super) fn look(&mut self, window: &[u8]) {
        if self.version.is_some() {
            return;
        }
        self.version = memmem::find_iter(window, &self.needle).take(HITS_MAX).find_map(|at| {
            let (start, end) = match self.side {
                Side::Behind => (at + self.needle.len(), None),
                Side::Within => (at + 1, None),
                Side::Before => (version_start(window, at), Some(at)),
            };
            version(window.get(start..end.unwrap_or(window.len()))?, end.is_some())
        });
    }

    /// The program as a package.
    pub(super) fn package(&self, sink: &mut Sink) {
        if let Some(version) = &self.version {
            sink.package(Package::new(Kind::Generic, self.name, version.clone()));
        }
    }
}

fn is_named(file: &str, name: &str) -> bool {
    match name.strip_suffix('*') {
        Some(begin) => file.starts_with(begin),
        None => file == name,
    }
}

fn version_start(window: &[u8], end: usize) -> usize {
    let before = window.get(end.saturating_sub(VERSION_MAX)..end).unwrap_or_default();
    let length = before.iter().rev().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    end - length
}

/// A version at the beginning: digits, a dot, more. The bytes are all there are if `whole`.
fn version(bytes: &[u8], whole: bool) -> Option<Box<str>> {
    let word = bytes.get(..VERSION_MAX).unwrap_or(bytes);
    let end = word.iter().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+' | b'_')));
    // A version that runs into the end of the window is looked at again with the next one.
    let end = if whole { end.unwrap_or(word.len()) } else { end? };
    let word = std::str::from_utf8(word.get(..end)?).ok()?;
    let word = word.trim_end_matches(['.', '-', '_', '+']);
    let mut parts = word.split('.');
    let digits = |part: Option<&str>| part.is_some_and(|part| part.starts_with(|c: char| c.is_ascii_digit()));
    (digits(parts.next()) && digits(parts.next())).then(|| word.into())
}

/// Files, name, needle, and where the version stands. A star ends a beginning of a name.
const PROGRAMS: &[(&[&str], &str, &str, Side)] = &[
    (&["busybox"], "busybox", "BusyBox v", Side::Behind),
    (&["openssl", "libcrypto.so*", "libssl.so*"], "openssl", "OpenSSL ", Side::Behind),
    (&["nginx", "nginx-debug"], "nginx", "nginx/", Side::Behind),
    (&["httpd", "apache2"], "httpd", "Apache/", Side::Behind),
    (&["node", "nodejs", "libnode.so*"], "node", "node.js/v", Side::Behind),
    (&["postgres"], "postgresql", "PostgreSQL ", Side::Behind),
    (&["mariadbd", "mysqld", "mariadb"], "mariadb", "-MariaDB", Side::Before),
    (&["mysqld", "mysql"], "mysql", "/mysql-", Side::Behind),
    (&["haproxy"], "haproxy", "HAProxy version ", Side::Behind),
    (&["haproxy"], "haproxy", "HA-Proxy version ", Side::Behind),
    (&["php", "php-fpm*", "php7*", "php8*", "libphp*"], "php", "PHP/", Side::Behind),
    (&["perl", "libperl.so*"], "perl", "/lib/perl5/", Side::Behind),
    (&["ruby", "libruby*"], "ruby", "ruby ", Side::Behind),
    (&["bash"], "bash", "Bash version ", Side::Behind),
    (&["curl"], "curl", "curl/", Side::Behind),
    (&["libcurl*"], "curl", "libcurl/", Side::Behind),
    (&["git"], "git", "git/", Side::Behind),
    (&["ssh", "sshd"], "openssh", "OpenSSH_", Side::Behind),
    (&["memcached"], "memcached", "memcached ", Side::Behind),
    (&["envoy"], "envoy", "/Clean/RELEASE/", Side::Before),
    (&["lighttpd"], "lighttpd", "lighttpd/", Side::Behind),
    (&["proftpd"], "proftpd", "ProFTPD Version ", Side::Behind),
];

/// A version with its suffixes is shorter.
const VERSION_MAX: usize = 64;

/// A needle that hits more often in one part than this is not the one that a version follows.
const HITS_MAX: usize = 10_000;
