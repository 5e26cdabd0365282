//! Images: pinned, well-formed, from registries that are allowed.

use std::borrow::Cow;

use manifest::{Object, PodTemplate, Value};
use model::{Rule, Scope, Serves, Severity};

use super::container_noun;
use super::image_reference::{ImageReference, ReferenceError};
use crate::check::{Context, ObjectCheck};
use crate::config::Config;
use crate::sink::Sink;

/// The reference names `latest`, or nothing that fixes a version.
pub static TAG_LATEST: Rule = Rule {
    code: "image-tag-latest",
    title: "An image is named without a version",
    severity: Severity::Medium,
    scope: Scope::Workload,
    serves: &[Serves::full("DE-04"), Serves::part("DV-12")],
    why: "`latest`, or no tag at all, means whatever was pushed last. Two nodes may run different code under one \
          name, nobody can tell which code was reviewed, and whoever can push to the repository decides what runs.",
    fix: "Name the image by its sha256 digest, with the version as tag for the reader.",
    example: "containers:\n- name: web\n  image: registry.example.com/shop/web:1.4.2@sha256:7cc4b5aefd1d0cadf8d97d4350462ba51c694ebca145b08d7d41b41acc8db5aa\n",
};

/// A version tag without a digest.
pub static DIGEST_MISSING: Rule = Rule {
    code: "image-digest-missing",
    title: "An image is not pinned by digest",
    severity: Severity::Low,
    scope: Scope::Workload,
    serves: &[Serves::full("DE-04"), Serves::part("DE-02")],
    why: "A tag can be moved to other content at any time by whoever may push to the repository. Only a digest \
          names exactly the bytes that were scanned and signed.",
    fix: "Add the digest to the reference, or let admission verify signature and provenance and replace the tag.",
    example: "containers:\n- name: web\n  image: registry.example.com/shop/web:1.4.2@sha256:7cc4b5aefd1d0cadf8d97d4350462ba51c694ebca145b08d7d41b41acc8db5aa\n",
};

/// The digest is not one.
pub static DIGEST_INVALID: Rule = Rule {
    code: "image-digest-invalid",
    title: "An image digest is not well-formed",
    severity: Severity::Medium,
    scope: Scope::Workload,
    serves: &[Serves::full("DE-04")],
    why: "The runtime refuses a reference with a broken digest, so the pod never starts; a pipeline that cuts \
          digests short has also stopped pinning.",
    fix: "Write `sha256:` and all 64 lower-case hexadecimal digits.",
    example: "image: registry.example.com/shop/web@sha256:7cc4b5aefd1d0cadf8d97d4350462ba51c694ebca145b08d7d41b41acc8db5aa\n",
};

/// The reference cannot be read.
pub static REFERENCE_INVALID: Rule = Rule {
    code: "image-reference-invalid",
    title: "An image reference is not well-formed",
    severity: Severity::Medium,
    scope: Scope::Workload,
    serves: &[Serves::part("DE-04"), Serves::part("DE-01")],
    why: "Policies and the runtime may read a malformed reference differently, so that a rule on registries looks \
          at one name and the node pulls another.",
    fix: "Write host, lower-case path, tag and digest the way registries define them, without spaces.",
    example: "image: registry.example.com/shop/web:1.4.2\n",
};

/// The registry is not on the user's list.
pub static REGISTRY_NOT_ALLOWED: Rule = Rule {
    code: "image-registry-not-allowed",
    title: "An image comes from a registry that is not allowed",
    severity: Severity::High,
    scope: Scope::Workload,
    serves: &[Serves::part("DI-08"), Serves::part("DE-01")],
    why: "Code from a registry outside the agreed ones was not staged, scanned or signed by the organisation, and \
          its owner may replace it.",
    fix: "Mirror the image into an allowed registry and name it there, or extend the list of registries.",
    example: "",
};

/// The name gives no registry.
pub static REGISTRY_IMPLICIT: Rule = Rule {
    code: "image-registry-implicit",
    title: "An image names no registry",
    severity: Severity::Info,
    scope: Scope::Workload,
    serves: &[Serves::part("DI-08")],
    why: "Which registry a short name stands for is a setting of each node: Docker Hub for most, a search list or a \
          mirror for others. The same manifest may run different code on different nodes.",
    fix: "Write the registry host in front of the name.",
    example: "image: docker.io/library/nginx:1.27\n",
};

/// Pulling is not forced where the name can move.
pub static PULL_POLICY: Rule = Rule {
    code: "image-pull-policy",
    title: "A moving image tag is not pulled anew",
    severity: Severity::Low,
    scope: Scope::Workload,
    serves: &[Serves::part("DI-08"), Serves::part("DE-04")],
    why: "With a policy other than Always the node starts whatever it has cached under a moving name: an old image \
          with known holes, or a private image that the pod has no credentials for.",
    fix: "Pin the image by digest, or set imagePullPolicy to Always.",
    example: "containers:\n- name: web\n  image: registry.example.com/shop/web:latest\n  imagePullPolicy: Always\n",
};

/// The check on workloads.
pub(crate) const CHECK: ObjectCheck = ObjectCheck {
    scope: Scope::Workload,
    rules: &[
        &TAG_LATEST,
        &DIGEST_MISSING,
        &DIGEST_INVALID,
        &REFERENCE_INVALID,
        &REGISTRY_NOT_ALLOWED,
        &REGISTRY_IMPLICIT,
        &PULL_POLICY,
    ],
    run: check,
};

/// An image named somewhere in a pod.
struct Named<'d, 'p> {
    pod: &'p PodTemplate<'d>,
    value: Value<'d>,
    pull_policy: Option<Value<'d>>,
    container: Option<&'d str>,
    noun: &'p dyn Fn() -> String,
    path: &'p dyn Fn() -> String,
}

fn check(object: &Object<'_>, context: Context<'_>, sink: &mut Sink<'_>) {
    for pod in &object.pods {
        for container in pod.containers() {
            let Some(value) = container.value.get("image") else { continue };
            let named = Named {
                pod,
                value,
                pull_policy: container.value.get("imagePullPolicy"),
                container: Some(container.name()),
                noun: &|| container_noun(container.kind, container.name()),
                path: &|| container.path("image"),
            };
            judge(&named, context.config, sink);
        }
        for (index, volume) in pod.spec.list("volumes").enumerate() {
            let Some(image) = volume.get("image") else { continue };
            let Some(value) = image.get("reference") else { continue };
            let named = Named {
                pod,
                value,
                pull_policy: image.get("pullPolicy"),
                container: None,
                noun: &|| format!("volume `{}`", volume.str_at("name").unwrap_or("")),
                path: &|| format!("volumes[{index}].image.reference"),
            };
            judge(&named, context.config, sink);
        }
    }
}

fn judge(named: &Named<'_, '_>, config: &Config, sink: &mut Sink<'_>) {
    let Some(text) = named.value.as_str() else {
        return named.report(sink, &REFERENCE_INVALID, named.value, |noun| {
            format!("{noun} has an image reference that is no string")
        });
    };
    // An empty reference is filled in by whoever fills in the template.
    if text.is_empty() {
        return;
    }
    let image = match ImageReference::parse(text) {
        Ok(image) => image,
        Err(error) => {
            let rule = if error == ReferenceError::Digest { &DIGEST_INVALID } else { &REFERENCE_INVALID };
            named.report(sink, rule, named.value, |noun| format!("{noun} names the image `{}`: {error}", shown(text)));
            // A registry that cannot be told is none of the allowed ones.
            if !config.registries.is_empty() {
                named.report(sink, &REGISTRY_NOT_ALLOWED, named.value, |noun| {
                    format!("{noun} names the image `{}`, whose registry cannot be told", shown(text))
                });
            }
            return;
        }
    };
    let moving = image.digest.is_none() && matches!(image.tag, None | Some("latest"));
    if moving {
        let how = if image.tag.is_some() { "with the tag `latest`" } else { "without tag or digest" };
        named.report(sink, &TAG_LATEST, named.value, |noun| format!("{noun} names the image `{}` {how}", shown(text)));
    } else if image.digest.is_none() {
        named.report(sink, &DIGEST_MISSING, named.value, |noun| {
            format!("{noun} names the image `{}` by tag only", shown(text))
        });
    }
    if !config.registries.is_empty() && !config.registries.iter().any(|place| image.is_in(place)) {
        named.report(sink, &REGISTRY_NOT_ALLOWED, named.value, |noun| {
            format!("{noun} takes the image `{}` from {}, which is not allowed", shown(text), image.registry)
        });
    }
    if !image.explicit_registry {
        named.report(sink, &REGISTRY_IMPLICIT, named.value, |noun| {
            format!("{noun} names the image `{}` without a registry", shown(text))
        });
    }
    if let Some(policy) = named.pull_policy
        && let Some(word) = policy.as_str()
        && (moving && word == "IfNotPresent" || image.digest.is_none() && word == "Never")
    {
        named.report(sink, &PULL_POLICY, policy, |noun| {
            format!("{noun} pulls the image `{}` with the policy {word}", shown(text))
        });
    }
}

/// The reference, cut where it is longer than any real one, without the credentials of an address.
fn shown(text: &str) -> Cow<'_, str> {
    match text.rsplit_once('@') {
        // A digest has no slash.
        Some((_, rest)) if rest.contains('/') => Cow::Owned(format!("[redacted]@{}", cut(rest))),
        _ => Cow::Borrowed(cut(text)),
    }
}

fn cut(text: &str) -> &str {
    let end = (0..=200).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or(text)
}

impl Named<'_, '_> {
    fn report(&self, sink: &mut Sink<'_>, rule: &'static Rule, at: Value<'_>, message: impl FnOnce(&str) -> String) {
        if !sink.wants(rule) {
            return;
        }
        let message = message(&(self.noun)());
        let entry = sink.report(rule, at, message).field(self.pod.field(&(self.path)()));
        if let Some(name) = self.container {
            entry.container(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::door::{accepts, container, findings_with, pod, reports};
    use crate::Config;

    const SHA: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn moving_names_are_reported_in_every_list_of_containers() {
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            for image in ["nginx", "nginx:latest", "reg.io:5000/nginx"] {
                let yaml = pod(&format!("{list}:\n- name: web\n  image: {image}"));
                reports(&yaml, "image-tag-latest");
                accepts(&yaml, "image-digest-missing");
            }
        }
        accepts(&container(&format!("image: reg.io/nginx:latest@{SHA}")), "image-tag-latest");
    }

    #[test]
    fn credentials_in_a_reference_are_not_repeated() {
        for image in ["https://me:hunter22@reg.io/a", "hunter22@reg.io/a"] {
            let finding = reports(&container(&format!("image: {image}")), "image-digest-invalid");
            assert!(!finding.message.contains("hunter") && finding.message.contains("reg.io/a"), "{}", finding.message);
        }
    }

    #[test]
    fn a_version_needs_a_digest() {
        let finding = reports(&container("image: reg.io/nginx:1.27"), "image-digest-missing");
        assert_eq!(finding.property("field"), Some("spec.containers[0].image"));
        assert_eq!(finding.property("container"), Some("web"));
        let good = container(&format!("image: reg.io/nginx:1.27@{SHA}"));
        for code in ["image-digest-missing", "image-digest-invalid", "image-registry-implicit", "image-pull-policy"] {
            accepts(&good, code);
        }
    }

    #[test]
    fn broken_references_are_named() {
        reports(&container("image: reg.io/nginx@sha256:0123"), "image-digest-invalid");
        reports(&container("image: 'reg.io/ng inx'"), "image-reference-invalid");
        reports(&container("image: 17"), "image-reference-invalid");
        reports(&container("image: Reg/Nginx:1"), "image-reference-invalid");
        accepts(&container("image: ''"), "image-reference-invalid");
    }

    #[test]
    fn image_volumes_count_as_images() {
        let finding = reports(&pod("volumes:\n- name: m\n  image:\n    reference: reg.io/m"), "image-tag-latest");
        assert_eq!(finding.property("field"), Some("spec.volumes[0].image.reference"));
        assert!(finding.message.contains("volume `m`"));
    }

    #[test]
    fn only_listed_registries_are_allowed() {
        let config = Config { registries: vec!["myreg.io".into(), "docker.io/mycompany".into()], ..Config::default() };
        let refused = |image: &str| {
            findings_with(&config, &container(&format!("image: {image}")))
                .iter()
                .any(|finding| finding.rule.code == "image-registry-not-allowed")
        };
        for image in ["myreg.io/a:1", "mycompany/app:1", "index.docker.io/mycompany/app:1"] {
            assert!(!refused(image), "{image}");
        }
        for image in ["myreg.io.evil.com/a:1", "mycompanyevil/app:1", "nginx:1", "myreg.io:444/a:1"] {
            assert!(refused(image), "{image}");
        }
        accepts(&container("image: evil.com/a:1"), "image-registry-not-allowed");
    }

    #[test]
    fn implicit_registries_and_stale_pulls_are_reported() {
        reports(&container("image: nginx:1"), "image-registry-implicit");
        reports(&container("image: nginx\nimagePullPolicy: IfNotPresent"), "image-pull-policy");
        reports(&container("image: nginx:1\nimagePullPolicy: Never"), "image-pull-policy");
        accepts(&container("image: nginx\nimagePullPolicy: Always"), "image-pull-policy");
        accepts(&container("image: nginx:1\nimagePullPolicy: IfNotPresent"), "image-pull-policy");
    }
}
