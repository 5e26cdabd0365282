//! Private keys, and passwords that are known only by the names they are assigned to.

use model::Severity;

use super::super::{gate, judge};
use super::{Format, Shape, format, token};

pub(super) static FORMATS: &[Format] = &[
    format(
        "private-key",
        "Private key in PEM",
        Severity::Critical,
        &["PRIVATE KEY-----", "PRIVATE KEY BLOCK-----"],
        Shape::Whole(
            r"-----BEGIN (?:(?:RSA|DSA|EC|OPENSSH|ENCRYPTED|ANY|SSH2 ENCRYPTED) )?PRIVATE KEY-----((?:[^-]|-[^-])+?)-----END ",
        ),
    )
    .lines()
    .if_so(judge::pem_body),
    format(
        "pgp-private-key",
        "OpenPGP private key",
        Severity::Critical,
        &["PGP PRIVATE KEY BLOCK-----"],
        Shape::Whole(r"-----BEGIN PGP PRIVATE KEY BLOCK-----((?:[^-]|-[^-])+?)(?:-----END |\z)"),
    )
    .lines()
    .if_so(judge::pem_body),
    format(
        "putty-private-key",
        "PuTTY private key",
        Severity::Critical,
        &["PuTTY-User-Key-File-"],
        Shape::Whole(r"PuTTY-User-Key-File-[23]: [^\n]+\n(?:[^\n]*\n)+?Private-Lines: \d+\r?\n([A-Za-z0-9+/=\r\n]{40,})"),
    )
    .lines(),
    token("age-secret-key", "age secret key", &["AGE-SECRET-KEY-"], r"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}"),
    token("age-plugin-key", "age post-quantum or plug-in secret key", &["AGE-SECRET-KEY-PQ-", "AGE-PLUGIN-"], r"AGE-(?:SECRET-KEY-PQ|PLUGIN-[A-Z0-9]+)-1[A-Z0-9]{40,}"),
    token("minisign-secret-key", "minisign secret key", &["minisign encrypted secret key", "minisign secret key"], r"RWR[A-Za-z0-9+/]{200,}={0,2}"),
    format(
        "json-web-key",
        "Private JSON Web Key",
        Severity::Critical,
        &["\"kty\""],
        Shape::Whole(r#""kty"\s*:\s*"(?:RSA|EC|OKP)"[^}]*?"d"\s*:\s*"([A-Za-z0-9_\-]{40,})""#),
    )
    .lines()
    .bits(4.0),
    format(
        "json-web-token",
        "JSON Web Token",
        Severity::Medium,
        &["eyJ"],
        Shape::Token(r"eyJ[A-Za-z0-9_\-]{10,600}\.eyJ[A-Za-z0-9_\-]{10,900}\.[A-Za-z0-9_\-]{20,700}"),
    )
    .bits(4.0)
    .if_so(judge::json_web_token),
    format(
        "password-in-url",
        "Password in the address of a service",
        Severity::High,
        &["://"],
        Shape::Whole(r#"\b[a-z][a-z0-9+.\-]{1,20}://[^\s:/?#@"'<>\[\]{}$%]{1,64}:([^\s:/?#@"'<>\[\]{}()$]{4,128})@[A-Za-z0-9\[]"#),
    )
    .bits(2.0)
    .followed(gate::user_and_password)
    .if_so(|value| !value.eq_ignore_ascii_case(b"password") && !value.eq_ignore_ascii_case(b"pass") && judge::is_plain_value(value)),
    format(
        "basic-authorization",
        "HTTP basic credentials",
        Severity::High,
        &["basic "],
        Shape::Whole(r#"(?i:authorization)["']?\s*[:=]\s*["']?[Bb]asic ([A-Za-z0-9+/]{8,256}={0,2})"#),
    )
    .if_so(judge::basic_credentials),
    format(
        "bearer-authorization",
        "HTTP bearer token",
        Severity::High,
        &["bearer "],
        Shape::Whole(r#"(?i:authorization)["']?\s*[:=]\s*["']?[Bb]earer ([A-Za-z0-9_\-.+/=]{20,900})"#),
    )
    .bits(3.5)
    .if_so(judge::mixed),
    format(
        "docker-config-auth",
        "Credentials of a container registry",
        Severity::High,
        &["\"auth\""],
        Shape::Whole(r#""auth"\s*:\s*"([A-Za-z0-9+/]{8,512}={0,2})""#),
    )
    .if_so(judge::basic_credentials),
    format(
        "kubeconfig-client-key",
        "Client key in a kubeconfig",
        Severity::Critical,
        &["client-key-data"],
        Shape::Whole(r#"client-key-data["']?\s*:\s*["']?(LS0t[A-Za-z0-9+/]{80,800})"#),
    ),
    format(
        "kubernetes-bootstrap-token",
        "Kubernetes bootstrap token",
        Severity::High,
        &["token", "--token"],
        Shape::Whole(r#"(?i:token)["']?\s*[:= ]\s*["']?([a-z0-9]{6}\.[a-z0-9]{16})(?:$|[^A-Za-z0-9])"#),
    )
    .bits(3.0)
    .if_so(judge::mixed),
    format(
        "unix-password-hash",
        "Password hash of a user",
        Severity::High,
        &["$1$", "$2a$", "$2b$", "$2y$", "$5$", "$6$", "$y$", "$7$"],
        Shape::Whole(
            r"^[a-z_][a-z0-9_\-]{0,31}:(\$(?:1|5|6)\$(?:rounds=\d+\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{22,86}|\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}|\$(?:y|7|gy)\$[./A-Za-z0-9$]{30,120})(?::|$)",
        ),
    ),
    format(
        "netrc-password",
        "Password in a netrc file",
        Severity::High,
        &["machine "],
        Shape::Whole(r"\bmachine\s+\S+\s+login\s+\S+\s+password\s+(\S{4,128})"),
    ),
    format(
        "pgpass-password",
        "Password in a pgpass file",
        Severity::High,
        &[":5432:"],
        Shape::Whole(r"^[^\s:#]+:5432:[^\s:]+:[^\s:]+:(\S{4,128})$"),
    ),
    format(
        "generic-secret",
        "Random value assigned to a name that says secret",
        Severity::Medium,
        &[
            "secret", "token", "api_key", "apikey", "api-key", "access_key", "accesskey", "access-key", "private_key", "client_secret", "auth_key",
            "encryption_key", "signing_key", "private-key", "auth-key", "encryption-key", "signing-key",
        ],
        Shape::Whole(
            r#"(?i)[A-Za-z0-9_.\-]{0,40}(?:secret|token|api[_\-]?key|access[_\-]?key|private[_\-]key|auth[_\-]key|encryption[_\-]key|signing[_\-]key)(?:[_\-][a-z0-9]{1,12})?["']?[ \t]{0,4}(?:=>|:=|=|:)[ \t]{0,4}["']([A-Za-z0-9_+/=.~\-]{20,200})["']"#,
        ),
    )
    .bits(3.8)
    .followed(gate::assigned)
    .if_so(judge::mixed),
    format(
        "assigned-password",
        "Password written out",
        Severity::Medium,
        &["password", "passwd", "passphrase"],
        Shape::Whole(
            r#"(?i)(?:^|[\s"',;{(]|[A-Za-z0-9]_)(?:password|passwd|passphrase)["']?[ \t]{0,4}(?:=>|:=|=|:)[ \t]{0,4}["']([^\s"'`<>{}$%()\\]{8,100})["']"#,
        ),
    )
    .bits(2.8)
    .followed(gate::assigned)
    .if_so(|value| judge::mixed(value) && judge::is_plain_value(value)),
    format(
        "environment-password",
        "Password or token in an environment variable",
        Severity::Medium,
        &["PASSWORD=", "PASSWD=", "SECRET=", "API_KEY=", "TOKEN=", "ACCESS_KEY="],
        Shape::Whole(r"^(?:export |ENV )?[A-Z][A-Z0-9_]{0,60}(?:PASSWORD|PASSWD|SECRET|API_KEY|TOKEN|ACCESS_KEY)=([^\s$`<>(){}\x22']{8,200})\r?$"),
    )
    .bits(2.8)
    .if_so(|value| judge::mixed(value) && judge::is_plain_value(value)),
];
