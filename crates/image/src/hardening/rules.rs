//! The rules about images, with the words that explain them.

use model::{Rule, Scope, Serves, Severity};

const fn rule(
    code: &'static str,
    title: &'static str,
    severity: Severity,
    serves: &'static [Serves],
    words: [&'static str; 2],
) -> Rule {
    let [why, fix] = words;
    Rule { code, title, severity, scope: Scope::Image, serves, why, fix, example: "" }
}

/// Root.
pub static USER_ROOT: Rule = rule(
    "image-user-root",
    "The image starts as root",
    Severity::Medium,
    &[Serves::full("DI-18")],
    [
        "Unless the Pod says otherwise, the process is root in the container, and root on the node when one isolation fails.",
        "Set a numeric user in the image, and runAsNonRoot in the Pod.",
    ],
);

/// A name.
pub static USER_NAME: Rule = rule(
    "image-user-name",
    "The image names its user instead of numbering it",
    Severity::Low,
    &[Serves::part("DI-18")],
    [
        "The kubelet refuses to start a container with runAsNonRoot when the user is a name, and a name may stand for root in the image's own passwd file.",
        "Write the number into the USER instruction.",
    ],
);

/// Values in the configuration.
pub static CONFIG_SECRET: Rule = rule(
    "image-config-secret",
    "The configuration of an image holds a secret",
    Severity::Critical,
    &[Serves::full("DI-18"), Serves::full("DI-17"), Serves::part("DV-20")],
    [
        "Everybody who may pull the image reads its environment, labels and history without even starting it.",
        "Revoke the value, and hand it to the container at run time, or to the build with a secret mount.",
    ],
);

/// Values in files.
pub static SECRET: Rule = rule(
    "image-secret",
    "A file of an image holds a secret",
    Severity::High,
    &[Serves::full("DI-18"), Serves::part("DV-20")],
    [
        "Everybody who may pull the image can take the file out, also from a layer below the one that deletes it.",
        "Revoke the value, rebuild the image without the file, and mount the secret at run time.",
    ],
);

/// SSH.
pub static SSH: Rule = rule(
    "image-ssh-port",
    "The image offers SSH",
    Severity::Medium,
    &[Serves::part("DI-18")],
    [
        "A second way into the container needs its own keys and updates, and goes past the API server's audit.",
        "Leave the SSH server out; `kubectl exec` and `kubectl debug` are audited.",
    ],
);

/// Low ports.
pub static PRIVILEGED_PORT: Rule = rule(
    "image-privileged-port",
    "The image exposes a port below 1024",
    Severity::Info,
    &[Serves::part("DI-18")],
    [
        "It tempts whoever deploys the image to run it as root or with NET_BIND_SERVICE.",
        "Listen above 1024; a Service maps the port.",
    ],
);

/// Health.
pub static NO_HEALTHCHECK: Rule = rule(
    "image-no-healthcheck",
    "The image has no health check",
    Severity::Info,
    &[Serves::part("DI-18")],
    [
        "Kubernetes ignores it and uses probes; outside of Kubernetes a hung process is not noticed without one.",
        "Add a HEALTHCHECK where the image is also run outside of Kubernetes.",
    ],
);

/// ADD.
pub static ADD_URL: Rule = rule(
    "image-add-url",
    "The image was built with a file that nothing verified",
    Severity::Medium,
    &[Serves::part("DI-17")],
    [
        "The address may give another file tomorrow, and the build would not notice.",
        "Give ADD a `--checksum`, or fetch the file in a step that checks a signature.",
    ],
);

/// Setuid.
pub static SETUID: Rule = rule(
    "image-setuid-file",
    "The image has setuid or setgid files",
    Severity::Low,
    &[Serves::full("DI-18")],
    [
        "A fault in such a program gives a process of the container the rights of its owner, which mostly is root.",
        "Remove the bit in the build with `chmod a-s`, and set allowPrivilegeEscalation to false.",
    ],
);

/// Capabilities of files.
pub static CAPABILITIES: Rule = rule(
    "image-file-capabilities",
    "The image has files with capabilities",
    Severity::Low,
    &[Serves::full("DI-18")],
    [
        "Whoever runs the file gains rights that the process does not have itself.",
        "Remove them with `setcap -r`, or drop the capability in the Pod.",
    ],
);

/// World-writable.
pub static WORLD_WRITABLE: Rule = rule(
    "image-world-writable",
    "Files of the image can be changed by every user",
    Severity::Low,
    &[Serves::full("DI-18")],
    [
        "A process with few rights can change what one with more rights runs.",
        "Give the files to one user, and set readOnlyRootFilesystem.",
    ],
);

/// Shell.
pub static SHELL: Rule = rule(
    "image-shell",
    "The image has a shell",
    Severity::Info,
    &[Serves::part("DI-18")],
    [
        "With a shell every fault that runs one command runs a script.",
        "Build on a base without one, and debug with `kubectl debug`.",
    ],
);

/// Package manager.
pub static PACKAGE_MANAGER: Rule = rule(
    "image-package-manager",
    "The image has a package manager",
    Severity::Info,
    &[Serves::part("DI-18")],
    [
        "It installs an attacker's tools, and what it installs is in no bill of materials.",
        "Build in one stage, and copy the result into a base without package manager.",
    ],
);

/// Tools.
pub static TOOL: Rule = rule(
    "image-attack-tool",
    "The image has tools that help an attacker",
    Severity::Low,
    &[Serves::part("DI-18")],
    [
        "Compilers, debuggers and network tools are what an intruder would otherwise have to bring.",
        "Leave them in the build stage.",
    ],
);

/// Devices.
pub static DEVICE: Rule = rule(
    "image-device-node",
    "The image has device nodes",
    Severity::Medium,
    &[Serves::part("DI-18")],
    [
        "A device node gives access to the node's hardware where the runtime lets it be opened.",
        "Leave them out; the runtime makes the few that a container needs.",
    ],
);

/// Malware.
pub static MALWARE: Rule = rule(
    "image-malware",
    "A file of the image is known malware",
    Severity::Critical,
    &[Serves::full("DI-02"), Serves::part("DI-18")],
    [
        "The file has the digest of one that a feed lists as malicious.",
        "Do not run the image; find out how the file came into it, and rebuild from a clean base.",
    ],
);

/// No database.
pub static NO_PACKAGE_DATABASE: Rule = rule(
    "image-no-package-database",
    "The image was slimmed and does not say what it is made of",
    Severity::Medium,
    &[Serves::full("DI-19")],
    [
        "Without the package database, or a bill of materials, nobody can tell which vulnerabilities the image has.",
        "Keep the database, or attach a bill of materials that was made before slimming.",
    ],
);

/// End of life.
pub static END_OF_LIFE: Rule = rule(
    "image-os-end-of-life",
    "The operating system of the image gets no more fixes",
    Severity::High,
    &[Serves::full("DI-01"), Serves::part("DI-18")],
    [
        "New vulnerabilities are neither fixed nor, mostly, even written down for it, so a scan that finds little says little.",
        "Build on a release that is maintained.",
    ],
);

/// A bill of materials that does not fit.
pub static SBOM_DIFFERS: Rule = rule(
    "image-sbom-differs",
    "The bill of materials in the image does not fit the image",
    Severity::Medium,
    &[Serves::full("DI-11"), Serves::part("DI-19")],
    [
        "What is not in the bill is not watched; what is in the bill only hides what is there.",
        "Make the bill from the finished image, and sign it together with it.",
    ],
);

/// All rules about images.
pub static RULES: &[&Rule] = &[
    &USER_ROOT,
    &USER_NAME,
    &CONFIG_SECRET,
    &SECRET,
    &SSH,
    &PRIVILEGED_PORT,
    &NO_HEALTHCHECK,
    &ADD_URL,
    &SETUID,
    &CAPABILITIES,
    &WORLD_WRITABLE,
    &SHELL,
    &PACKAGE_MANAGER,
    &TOOL,
    &DEVICE,
    &MALWARE,
    &NO_PACKAGE_DATABASE,
    &END_OF_LIFE,
    &SBOM_DIFFERS,
    &SOURCE_SECRET,
];

/// A secret in a source tree.
pub static SOURCE_SECRET: Rule = Rule {
    code: "source-secret",
    title: "A file of a source tree holds a secret",
    severity: Severity::High,
    scope: Scope::SourceTree,
    serves: &[Serves::full("DV-20"), Serves::part("DI-35")],
    why: "Everybody who may read the repository has it, and it stays in the history after the file is changed.",
    fix: "Revoke the value first, then take it from a secret store; rewriting the history does not make it secret again.",
    example: "",
};
