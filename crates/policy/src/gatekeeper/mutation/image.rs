//! Parts of an image reference: `domain/path:tag`.

/// Which parts are set; empty ones stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    /// Without the slash.
    pub(super) domain: Box<str>,
    /// Between domain and tag.
    pub(super) path: Box<str>,
    /// With its `:` or `@`.
    pub(super) tag: Box<str>,
}

impl Parts {
    /// What is wrong with the parts, if anything.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.domain.is_empty() && self.path.is_empty() && self.tag.is_empty() {
            return Err("at least one of `assignDomain`, `assignPath`, `assignTag` must be set".to_owned());
        }
        if !self.domain.is_empty() && !is_domain(&self.domain) {
            return Err(format!("assignDomain `{}` is no domain", self.domain));
        }
        if !self.path.is_empty() && !is_path(&self.path) {
            return Err(format!("assignPath `{}` is no path", self.path));
        }
        if !self.tag.is_empty() && !is_tag(&self.tag) {
            return Err(format!("assignTag `{}` is neither `:tag` nor `@algorithm:digest`", self.tag));
        }
        // Part of the path would be read as the domain the next time, and the mutation would never come to an end.
        if self.domain.is_empty() && !split_domain(&self.path).0.is_empty() {
            return Err(format!("assignPath `{}` looks like a domain with a path; set assignDomain too", self.path));
        }
        Ok(())
    }

    /// A reference with the parts replaced.
    pub(super) fn apply(&self, reference: &str) -> String {
        let (domain, rest) = split_domain(reference);
        let cut = rest.find([':', '@']).unwrap_or(rest.len());
        let (path, tag) = rest.split_at(cut);
        let pick = |new: &str, old: &str| if new.is_empty() { old.to_owned() } else { new.to_owned() };
        let domain = pick(&self.domain, domain);
        let slash = if domain.is_empty() { "" } else { "/" };
        format!("{domain}{slash}{}{}", pick(&self.path, path), pick(&self.tag, tag))
    }
}

fn split_domain(reference: &str) -> (&str, &str) {
    match reference.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest),
        _ => ("", reference),
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// `\w[\w\-_]*\.[\w\-_\.]*\w(:\d+)?` or `localhost(:\d+)?`
fn is_domain(text: &str) -> bool {
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    if port.is_some_and(|port| port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit())) {
        return false;
    }
    if host == "localhost" {
        return true;
    }
    let Some((label, rest)) = host.split_once('.') else { return false };
    label.starts_with(is_word)
        && label.chars().all(|c| is_word(c) || c == '-')
        && rest.ends_with(is_word)
        && rest.chars().all(|c| is_word(c) || "-.".contains(c))
}

/// `[a-z0-9]+` in runs, between them `.`, `_`, `/`, `__` or dashes.
fn is_path(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !text.starts_with(plain) || !text.ends_with(plain) {
        return false;
    }
    let separators: Vec<&str> = text.split(plain).filter(|part| !part.is_empty()).collect();
    separators.iter().all(|part| matches!(*part, "." | "_" | "/" | "__") || part.chars().all(|c| c == '-'))
}

fn is_tag(text: &str) -> bool {
    if let Some(tag) = text.strip_prefix(':') {
        return tag.len() <= 128 && tag.starts_with(is_word) && tag.chars().all(|c| is_word(c) || ".-".contains(c));
    }
    let Some((algorithm, digest)) = text.strip_prefix('@').and_then(|digest| digest.split_once(':')) else {
        return false;
    };
    let named = algorithm.split(['-', '_', '+', '.']).all(|part| {
        part.starts_with(|c: char| c.is_ascii_alphabetic()) && part.chars().all(|c| c.is_ascii_alphanumeric())
    });
    named && digest.len() >= 32 && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(domain: &str, path: &str, tag: &str) -> Parts {
        Parts { domain: domain.into(), path: path.into(), tag: tag.into() }
    }

    #[test]
    fn parts_are_replaced() {
        assert_eq!(parts("r.io", "", "").apply("nginx:1"), "r.io/nginx:1");
        assert_eq!(parts("r.io", "a/b", ":2").apply("docker.io/library/nginx@sha256:00"), "r.io/a/b:2");
        assert_eq!(parts("", "", ":2").apply("localhost:5000/x"), "localhost:5000/x:2");
        assert_eq!(parts("", "x", "").apply(""), "x");
    }

    #[test]
    fn parts_that_leak_into_each_other_are_refused() {
        assert!(parts("r.io:5000", "a__b/c-d", ":1.0-x").check().is_ok());
        assert!(parts("", "", &format!("@sha256:{}", "0a".repeat(32))).check().is_ok());
        for (domain, path, tag) in
            [("", "", ""), ("myreg", "", ""), ("r.io/", "", ""), ("", "r.io/x", ""), ("", "a:b", ""), ("", "", "1")]
        {
            assert!(parts(domain, path, tag).check().is_err(), "{domain} {path} {tag}");
        }
    }
}
