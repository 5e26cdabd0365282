//! The rules about Containerfiles, with the words that explain them.

use model::{Rule, Scope, Serves, Severity};

const fn rule(
    code: &'static str,
    title: &'static str,
    severity: Severity,
    serves: &'static [Serves],
    words: [&'static str; 3],
) -> Rule {
    let [why, fix, example] = words;
    Rule { code, title, severity, scope: Scope::Containerfile, serves, why, fix, example }
}

/// The file cannot be read.
pub static SYNTAX: Rule = rule(
    "containerfile-syntax",
    "A Containerfile cannot be read",
    Severity::Medium,
    &[Serves::part("DI-17")],
    ["What cannot be read cannot be judged, and does not build either.", "Correct the line that is named.", ""],
);

/// The image runs as root.
pub static USER_ROOT: Rule = rule(
    "containerfile-user-root",
    "The image runs as root",
    Severity::High,
    &[Serves::full("DI-18"), Serves::part("DI-17")],
    [
        "A process that runs as root inside the container is root on the node as soon as one isolation fails.",
        "Create a user in the last stage and switch to it by number, so that Kubernetes can verify runAsNonRoot.",
        "FROM registry.example/base:nonroot\nUSER 65532\n",
    ],
);

/// The base may change.
pub static BASE_TAG: Rule = rule(
    "containerfile-base-latest",
    "The base image is whatever is newest",
    Severity::Medium,
    &[Serves::full("DI-17")],
    [
        "Without a version every build may have another base, and nobody can say which one an image was built on.",
        "Name a version, and better its digest.",
        "FROM debian:12.8-slim@sha256:…\n",
    ],
);

/// The base is not pinned.
pub static BASE_DIGEST: Rule = rule(
    "containerfile-base-not-pinned",
    "The base image is not pinned to a digest",
    Severity::Low,
    &[Serves::full("DI-17")],
    [
        "A tag can be moved to another image, by its owner or by whoever took over the account.",
        "Add the digest after the tag, and let a bot update both.",
        "FROM debian:12.8-slim@sha256:…\n",
    ],
);

/// A secret in the recipe.
pub static SECRET: Rule = rule(
    "containerfile-secret",
    "A Containerfile holds a secret",
    Severity::Critical,
    &[Serves::full("DI-17"), Serves::full("DV-20"), Serves::part("DI-18")],
    [
        "What stands in ENV, ARG, LABEL or RUN stays in the image's history for everybody who pulls it, even when a later line removes it.",
        "Revoke the value, and hand it to the build with `RUN --mount=type=secret`.",
        "RUN --mount=type=secret,id=npm,target=/root/.npmrc npm ci\n",
    ],
);

/// ADD from the network.
pub static ADD_URL: Rule = rule(
    "containerfile-add-url",
    "ADD fetches a file that nothing verifies",
    Severity::Medium,
    &[Serves::full("DI-17")],
    [
        "The address may give another file tomorrow, and the build would not notice.",
        "Give `--checksum=sha256:…`, or fetch it in a RUN that checks a signature.",
        "ADD --checksum=sha256:… https://example.com/tool.tar.gz /tool.tar.gz\n",
    ],
);

/// ADD where COPY would do.
pub static ADD: Rule = rule(
    "containerfile-add",
    "ADD is used where COPY would do",
    Severity::Low,
    &[Serves::part("DI-17")],
    [
        "ADD unpacks archives by itself and follows addresses, so what it does depends on the content of the file.",
        "Use COPY for files of the build context.",
        "COPY app /app\n",
    ],
);

/// A script from the network, run at once.
pub static PIPE_SHELL: Rule = rule(
    "containerfile-pipe-to-shell",
    "A downloaded script is run unseen",
    Severity::High,
    &[Serves::full("DI-17")],
    [
        "Whoever controls the server, or the connection, runs commands in the build.",
        "Download a fixed version, verify its digest or signature, then run it.",
        "",
    ],
);

/// TLS or signatures switched off.
pub static INSECURE_FETCH: Rule = rule(
    "containerfile-insecure-fetch",
    "A download is not verified",
    Severity::High,
    &[Serves::full("DI-17")],
    [
        "Without TLS or with verification switched off, anybody on the path can put their own software into the image.",
        "Use https with verification, and install the certificate authority where one is private.",
        "",
    ],
);

/// Upgrade of the whole system.
pub static UPGRADE: Rule = rule(
    "containerfile-upgrade",
    "The build upgrades the operating system",
    Severity::Low,
    &[Serves::full("DI-17")],
    [
        "The result differs from day to day, and the versions are nowhere written down.",
        "Take a newer base image, and rebuild when it changes.",
        "",
    ],
);

/// sudo in the image.
pub static SUDO: Rule = rule(
    "containerfile-sudo",
    "The build uses or installs sudo",
    Severity::Medium,
    &[Serves::part("DI-18")],
    [
        "sudo is a setuid program: it gives the process a way back to root.",
        "Do what needs root before the USER instruction, and leave sudo out.",
        "",
    ],
);

/// The SSH port.
pub static SSH: Rule = rule(
    "containerfile-ssh",
    "The image offers SSH",
    Severity::Medium,
    &[Serves::part("DI-18")],
    [
        "A second way into the container needs its own keys and updates, and goes past the API server's audit.",
        "Leave the SSH server out; `kubectl exec` and `kubectl debug` are audited.",
        "",
    ],
);

/// Files for everybody.
pub static PERMISSIONS: Rule = rule(
    "containerfile-permissions",
    "Files are made writable for everybody or setuid",
    Severity::Medium,
    &[Serves::full("DI-18")],
    [
        "Any process in the container may change what others run, or become the owner of the file.",
        "Give the files to the user that needs them with `COPY --chown`, and drop setuid bits.",
        "",
    ],
);

/// Credentials and repositories copied in.
pub static SENSITIVE_COPY: Rule = rule(
    "containerfile-copies-credentials",
    "Keys, credentials or the repository are copied into the image",
    Severity::High,
    &[Serves::full("DI-17"), Serves::part("DI-18")],
    [
        "They stay in a layer for everybody who pulls the image, even when a later line deletes them.",
        "List them in .dockerignore, and hand what the build needs to it with `--mount=type=secret` or `--mount=type=ssh`.",
        "",
    ],
);

/// The build escapes its sandbox.
pub static PRIVILEGED_RUN: Rule = rule(
    "containerfile-privileged-run",
    "A step of the build runs without isolation",
    Severity::High,
    &[Serves::part("DI-17")],
    [
        "`--security=insecure` and `--network=host` give what the step downloads the rights of the build host.",
        "Leave the flag out, or do the step outside of the build.",
        "",
    ],
);

/// Working folder.
pub static WORKDIR: Rule = rule(
    "containerfile-workdir-relative",
    "WORKDIR is relative",
    Severity::Low,
    &[Serves::part("DI-17")],
    ["Where it lies depends on the base image.", "Write the whole path.", "WORKDIR /app\n"],
);

/// Health.
pub static HEALTHCHECK: Rule = rule(
    "containerfile-no-healthcheck",
    "There is no HEALTHCHECK",
    Severity::Info,
    &[Serves::part("DI-18")],
    [
        "Kubernetes ignores it and uses probes; outside of Kubernetes a hung process is not noticed without one.",
        "Add one where the image is also run outside of Kubernetes.",
        "HEALTHCHECK CMD [\"/app\", \"--health\"]\n",
    ],
);

/// Instructions without effect.
pub static SHADOWED: Rule = rule(
    "containerfile-shadowed",
    "An instruction has no effect",
    Severity::Low,
    &[Serves::part("DI-17")],
    [
        "Only the last CMD, ENTRYPOINT and HEALTHCHECK of a stage count; whoever reads the first one is misled.",
        "Remove the earlier ones.",
        "",
    ],
);

/// Versions of packages.
pub static UNPINNED: Rule = rule(
    "containerfile-unpinned-packages",
    "Packages are installed without a version",
    Severity::Info,
    &[Serves::part("DI-17")],
    [
        "Each build takes what is newest, so a build of last month cannot be repeated.",
        "Install from a lock file with digests, or name versions.",
        "RUN pip install --require-hashes -r requirements.txt\n",
    ],
);

/// An old instruction.
pub static MAINTAINER: Rule = rule(
    "containerfile-maintainer",
    "MAINTAINER is used",
    Severity::Info,
    &[Serves::part("DI-17")],
    [
        "Builders no longer support it; who made an image belongs in a label.",
        "Use the OCI label.",
        "LABEL org.opencontainers.image.authors=\"team@example.com\"\n",
    ],
);

/// All rules about Containerfiles.
pub static RULES: &[&Rule] = &[
    &SYNTAX,
    &USER_ROOT,
    &BASE_TAG,
    &BASE_DIGEST,
    &SECRET,
    &ADD_URL,
    &ADD,
    &PIPE_SHELL,
    &INSECURE_FETCH,
    &UPGRADE,
    &SUDO,
    &SSH,
    &PERMISSIONS,
    &SENSITIVE_COPY,
    &PRIVILEGED_RUN,
    &WORKDIR,
    &HEALTHCHECK,
    &SHADOWED,
    &UNPINNED,
    &MAINTAINER,
];
