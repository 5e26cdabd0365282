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
    /// The version is the word that ends at the needle.
    Word,
    /// The needle is the beginning of the version, after one byte.
    Within,
    /// The version stands before the name of the machine that built the program, which is no word that is known; the needle
    /// is a part of that name or what follows it.
    Builder,
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
                Side::Word => (word_start(window, at), Some(at)),
                Side::Builder => return built(window, at),
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

/// Whether a version is looked for in files of this name.
pub(super) fn is_known(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.starts_with("python")
        || file.starts_with("libpython")
        || PROGRAMS.iter().any(|(files, ..)| files.iter().any(|name| is_named(file, name)))
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

fn word_start(window: &[u8], end: usize) -> usize {
    let before = window.get(end.saturating_sub(VERSION_MAX)..end).unwrap_or_default();
    let length =
        before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')).count();
    end - length
}

/// Redis and its kin write version, name of the build machine, a dash and 19 digits without anything between them. The name
/// is that of a container: 12 hexadecimal digits, or the one that BuildKit gives.
fn built(window: &[u8], dash: usize) -> Option<Box<str>> {
    let digits = window.get(dash + 1..dash + 20)?;
    let names: [&[u8]; 1] = [b"buildkitsandbox"];
    let before = window.get(dash.saturating_sub(VERSION_MAX)..dash)?;
    let known = names.iter().find_map(|name| before.strip_suffix(*name));
    let container = || {
        let (rest, name) = before.split_at_checked(before.len().checked_sub(12)?)?;
        name.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f')).then_some(rest)
    };
    let version_end = known.or_else(container).filter(|_| digits.iter().all(u8::is_ascii_digit))?.len();
    let end = dash.saturating_sub(VERSION_MAX) + version_end;
    version(window.get(version_start(window, end)..end)?, true).filter(|version| version.matches('.').count() == 2)
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
    (&["ruby", "libruby*"], "ruby", "\0ruby ", Side::Behind),
    (&["bash"], "bash", "Bash version ", Side::Behind),
    (&["curl"], "curl", "curl/", Side::Behind),
    (&["libcurl*"], "curl", "libcurl/", Side::Behind),
    (&["git"], "git", "git/", Side::Behind),
    (&["ssh", "sshd"], "openssh", "OpenSSH_", Side::Behind),
    (&["memcached"], "memcached", "memcached ", Side::Behind),
    (&["envoy"], "envoy", "/Clean/RELEASE/", Side::Before),
    (&["lighttpd"], "lighttpd", "lighttpd/", Side::Behind),
    (&["proftpd"], "proftpd", "ProFTPD Version ", Side::Behind),
    (&["redis-server", "redis-sentinel", "redis-check-*"], "redis", "-", Side::Builder),
    (&["valkey-server", "valkey-sentinel"], "valkey", "-", Side::Builder),
    (&["haproxy"], "haproxy", ", released 20", Side::Word),
    (&["erlexec", "beam.smp"], "erlang", "/src/otp_src_", Side::Behind),
    (&["libjulia-internal.so*"], "julia", "__init__\0", Side::Behind),
    (&["gcc"], "gcc", "GCC: (GNU) ", Side::Behind),
    (&["libstd-*"], "rust", "rustc version ", Side::Behind),
    (&["xz", "liblzma.so*"], "xz", "(XZ Utils) ", Side::Behind),
    (&["ffmpeg", "ffprobe"], "ffmpeg", "%s version ", Side::Behind),
    (&["ffmpeg", "ffprobe"], "ffmpeg", "%s version n", Side::Behind),
    (&["libavcodec.so*", "libavutil.so*", "libavformat.so*"], "ffmpeg", "FFmpeg version ", Side::Behind),
    (&["slapd"], "openldap", "OpenLDAP: slapd ", Side::Behind),
    (&["libpypy3*"], "pypy", "[PyPy ", Side::Behind),
    (&["squid"], "squid", "squid/", Side::Behind),
    (&["varnishd"], "varnish", "varnish-", Side::Behind),
    (&["openvpn"], "openvpn", "OpenVPN ", Side::Behind),
    (&["dropbear", "dropbearmulti"], "dropbear", "SSH-2.0-dropbear_", Side::Behind),
    (&["tor"], "tor", "Tor ", Side::Behind),
    (&["magick", "libMagickCore*"], "imagemagick", "ImageMagick ", Side::Behind),
];

/// A version with its suffixes is shorter.
const VERSION_MAX: usize = 64;

/// A needle that hits more often in one part than this is not the one that a version follows.
const HITS_MAX: usize = 10_000;
