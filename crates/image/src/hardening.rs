//! Whether an image is as small and as unprivileged as it can be: its configuration, its files, what was left in it.

use model::{Severity, package::Place};

use crate::facts::{Marker, Secret};
use crate::observation::Observation;
use crate::secrets::{self, Allow};

pub mod rules;

pub use rules::RULES;

/// What the configuration of an image says, as text that nobody verified.
#[derive(Clone, Debug, Default)]
pub struct Configured<'a> {
    /// `config.User`.
    pub user: &'a str,
    /// Names of users other than `root` that stand for root in the image.
    pub root_names: Vec<&'a str>,
    /// `config.Env`, each `NAME=value`.
    pub env: Vec<&'a str>,
    /// `config.Labels`.
    pub labels: Vec<(&'a str, &'a str)>,
    /// `config.ExposedPorts`: `80/tcp`.
    pub ports: Vec<&'a str>,
    /// `created_by` of the history, in order.
    pub history: Vec<&'a str>,
    /// Whether there is a health check that does something.
    pub healthcheck: bool,
}

/// Judges the configuration.
pub fn check_configuration(configured: &Configured<'_>) -> Vec<Observation> {
    let mut found = Vec::new();
    user(configured.user, &configured.root_names, &mut found);
    values(configured, &mut found);
    ports(configured, &mut found);
    history(configured, &mut found);
    if !configured.healthcheck {
        found.push(Observation::new(&rules::NO_HEALTHCHECK, "the image has no health check"));
    }
    found
}

/// Judges files of one kind; `places` are all of that marker.
pub fn check_marker(marker: Marker, places: &[&Place]) -> Vec<Observation> {
    let (rule, says) = match marker {
        Marker::Setuid => (&rules::SETUID, "runs with the rights of its owner"),
        Marker::Setgid => (&rules::SETUID, "runs with the rights of its group"),
        Marker::Capabilities => (&rules::CAPABILITIES, "has file capabilities"),
        Marker::WorldWritable => (&rules::WORLD_WRITABLE, "can be changed by every user"),
        Marker::Shell => (&rules::SHELL, "is a shell"),
        Marker::PackageManager => (&rules::PACKAGE_MANAGER, "is a package manager"),
        Marker::Tool => (&rules::TOOL, "is a tool for building, debugging or moving through networks"),
        Marker::Device => (&rules::DEVICE, "is a device node"),
        Marker::KnownBad => (&rules::MALWARE, "has the digest of known malware"),
        // A program that is linked dynamically needs one.
        Marker::Loader => return Vec::new(),
    };
    let tell = |place: &&Place| {
        let mut observation = Observation::new(rule, format!("`{}` {says}", place.path)).at(&place.path, 0, 0);
        if let Some(layer) = place.layer {
            observation = observation.with("layer", layer.to_string());
        }
        observation
    };
    let mut found: Vec<Observation> = places.iter().take(FILES_MAX).map(tell).collect();
    if places.len() > FILES_MAX {
        let more = format!("{} more files of which each {says}", places.len() - FILES_MAX);
        found.push(Observation::new(rule, more));
    }
    found
}

/// Tells of a secret in a file of an image.
pub fn secret_in_file(secret: &Secret, place: &Place, deleted: bool) -> Observation {
    let format = secrets::format(&secret.format);
    let title = format.map_or("A secret", |format| format.title);
    let message = match deleted {
        true => {
            format!("{title} in `{}`, which a later layer deletes but which everybody can still take out", place.path)
        }
        false => format!("{title} in `{}`: `{}`", place.path, secret.excerpt),
    };
    let mut observation = Observation::new(&rules::SECRET, message).at(&place.path, secret.line, secret.column);
    observation.severity = format.map_or(Severity::High, |format| format.severity);
    observation = observation.with("format", secret.format.clone());
    match place.layer {
        Some(layer) => observation.with("layer", layer.to_string()),
        None => observation,
    }
}

/// Which user the process starts as, as container runtimes read the field.
fn user(user: &str, root_names: &[&str], found: &mut Vec<Observation>) {
    let name = user.split(':').next().unwrap_or("").trim();
    if is_number(name) {
        match name.parse::<i64>() {
            Ok(1..=USER_ID_MAX) => {}
            Ok(0) => found.push(Observation::new(&rules::USER_ROOT, starts_as_root(user))),
            // Some runtimes refuse it, and some take what is left of it in 32 bits or start as root.
            _ => {
                let message = format!(
                    "the user is `{user}`, which is no number of a user; some runtimes start the process as root then"
                );
                found.push(Observation::new(&rules::USER_ROOT, message));
            }
        }
    } else if name.is_empty() || name == "root" {
        found.push(Observation::new(&rules::USER_ROOT, starts_as_root(user)));
    } else if root_names.contains(&name) {
        let message = format!("the user is `{user}`, which stands for root in the image's `etc/passwd`");
        found.push(Observation::new(&rules::USER_ROOT, message));
    } else {
        let message = format!("the user is `{user}`: Kubernetes cannot verify runAsNonRoot of a name");
        found.push(Observation::new(&rules::USER_NAME, message));
    }
}

/// Whether a user is given by number, with or without a sign.
pub(crate) fn is_number(name: &str) -> bool {
    let digits = name.strip_prefix(['+', '-']).unwrap_or(name);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn starts_as_root(user: &str) -> String {
    let shown = if user.is_empty() { "no user is set".to_owned() } else { format!("the user is `{user}`") };
    format!("{shown}, so the process starts as root")
}

fn values(configured: &Configured<'_>, found: &mut Vec<Observation>) {
    let allow = Allow::default();
    let mut told: Vec<(String, Secret)> = Vec::new();
    for variable in &configured.env {
        let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
        let place = format!("environment variable {name}");
        told.extend(secrets::search_assignment(name, value, &allow).into_iter().map(|secret| (place.clone(), secret)));
    }
    for (name, value) in &configured.labels {
        let place = format!("label {name}");
        told.extend(secrets::search_assignment(name, value, &allow).into_iter().map(|secret| (place.clone(), secret)));
    }
    for (index, step) in configured.history.iter().enumerate() {
        let secrets = secrets::search("", step.as_bytes(), &allow).into_iter();
        told.extend(secrets.map(|secret| (format!("step {} of the history", index + 1), secret)));
        // `|2 A=x B=y /bin/sh -c …`: values of build arguments.
        let Some(arguments) = step.strip_prefix('|') else { continue };
        for (name, value) in
            arguments.split(" /bin/").next().unwrap_or("").split(' ').filter_map(|word| word.split_once('='))
        {
            let secrets = secrets::search_assignment(name, value, &allow).into_iter();
            told.extend(
                secrets.map(|secret| (format!("build argument {name} in step {} of the history", index + 1), secret)),
            );
        }
    }
    for (place, secret) in told.into_iter().take(FILES_MAX) {
        let title = secrets::format(&secret.format).map_or("a secret", |format| format.title);
        let message = format!("{title} in the {place}");
        found.push(Observation::new(&rules::CONFIG_SECRET, message).with("format", secret.format));
    }
}

fn ports(configured: &Configured<'_>, found: &mut Vec<Observation>) {
    for port in &configured.ports {
        let number = port.split('/').next().and_then(|number| number.split('-').next()?.parse::<u16>().ok());
        match number {
            Some(22) => found.push(Observation::new(&rules::SSH, format!("the image exposes port `{port}`"))),
            Some(1..1024) => {
                let message = format!("the image exposes port `{port}`, which only root may open");
                found.push(Observation::new(&rules::PRIVILEGED_PORT, message));
            }
            _ => {}
        }
    }
}

fn history(configured: &Configured<'_>, found: &mut Vec<Observation>) {
    for (index, step) in configured.history.iter().enumerate() {
        let added = step.find("ADD http").is_some_and(|at| step[..at].ends_with(['(', ' ', ')']) || at == 0);
        if added && !step.contains("--checksum=") {
            let message = format!("step {} of the history adds a file from the network without a checksum", index + 1);
            found.push(Observation::new(&rules::ADD_URL, message));
        }
    }
}

/// The largest number of a user that runtimes take.
pub(crate) const USER_ID_MAX: i64 = (1 << 31) - 1;

/// Files of one kind that are told one by one. A distribution has some thirty setuid files; a thousand tell nothing more.
const FILES_MAX: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(configured: Configured<'_>) -> Vec<&'static str> {
        let found = check_configuration(&Configured { healthcheck: true, ..configured });
        found.iter().map(|observation| observation.rule.code).collect()
    }

    #[test]
    fn every_spelling_of_root_is_root() {
        for user in [
            "",
            "0",
            "root",
            "0:0",
            "root:app",
            ":0",
            " 0",
            "4294967296",
            "00",
            "0:1000",
            "+0",
            "-0",
            "-1",
            "-1:5",
            "2147483648",
            "99999999999999999999",
        ] {
            assert_eq!(codes(Configured { user, ..Configured::default() }), ["image-user-root"], "{user:?}");
        }
        let root_names = vec!["toor"];
        assert_eq!(codes(Configured { user: "toor:1", root_names, ..Configured::default() }), ["image-user-root"]);
        assert_eq!(codes(Configured { user: "2147483647", ..Configured::default() }), Vec::<&str>::new());
        assert_eq!(codes(Configured { user: "app", ..Configured::default() }), ["image-user-name"]);
        assert_eq!(codes(Configured { user: "65532:0", ..Configured::default() }), Vec::<&str>::new());
    }

    #[test]
    fn values_of_the_configuration_are_searched() {
        let user = "10";
        let env = vec!["PATH=/bin", "DB_PASSWORD=hunter22x", "DB_PASSWORD_FILE=/run/x"];
        assert_eq!(codes(Configured { user, env, ..Configured::default() }), ["image-config-secret"]);
        let labels = vec![("api_token", "q8fj2kd9sk2k")];
        assert_eq!(codes(Configured { user, labels, ..Configured::default() }), ["image-config-secret"]);
        let history = vec!["|1 NPM_TOKEN=q8fj2kd9sk2k /bin/sh -c npm ci"];
        assert_eq!(codes(Configured { user, history, ..Configured::default() }), ["image-config-secret"]);
        let history = vec!["/bin/sh -c #(nop) ADD https://host.example/a in /a"];
        assert_eq!(codes(Configured { user, history, ..Configured::default() }), ["image-add-url"]);
    }

    #[test]
    fn ports_that_need_root_are_told() {
        let ports = vec!["22/tcp", "80/tcp", "8080", "443/udp", "x"];
        let expect = ["image-ssh-port", "image-privileged-port", "image-privileged-port"];
        assert_eq!(codes(Configured { user: "10", ports, ..Configured::default() }), expect);
    }

    #[test]
    fn a_thousand_files_of_one_kind_are_told_in_a_bounded_list() {
        let places: Vec<Place> = (0..1000).map(|n| Place::file(format!("bin/{n}"))).collect();
        let places: Vec<&Place> = places.iter().collect();
        assert_eq!(check_marker(Marker::Setuid, &places).len(), FILES_MAX + 1);
    }
}
