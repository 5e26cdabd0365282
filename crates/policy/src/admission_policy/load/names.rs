//! Rules for names, in the API server's words.

/// Whether a name is a lower-case DNS subdomain; else what is wrong.
pub(super) fn subdomain(name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if name.len() > SUBDOMAIN_BYTES_MAX {
        wrong.push(format!("must be no more than {SUBDOMAIN_BYTES_MAX} bytes"));
    }
    if !name.split('.').all(|label| is_label(label, |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())) {
        wrong.push(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must \
             start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
             '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
                .to_owned(),
        );
    }
    wrong
}

/// Whether a name is a DNS label that starts with a letter; else what is wrong.
pub(super) fn label_1035(name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if name.len() > LABEL_BYTES_MAX {
        wrong.push(format!("must be no more than {LABEL_BYTES_MAX} bytes"));
    }
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if !is_label(name, alphanumeric) || !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        wrong.push(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic \
             character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for \
             validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
                .to_owned(),
        );
    }
    wrong
}

/// Whether a name may be the key of a label; else what is wrong.
pub(super) fn qualified(name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut parts = name.split('/');
    let (first, second, third) = (parts.next().unwrap_or(""), parts.next(), parts.next());
    if third.is_some() {
        wrong.push(format!(
            "a valid label key {LABEL_KEY} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        ));
        return wrong;
    }
    if second.is_some() {
        if first.is_empty() {
            wrong.push("prefix part must be non-empty".to_owned());
        } else {
            wrong.extend(subdomain(first).into_iter().map(|message| format!("prefix part {message}")));
        }
    }
    let own = second.unwrap_or(first);
    if own.is_empty() {
        wrong.push("name part must be non-empty".to_owned());
    } else if own.len() > LABEL_BYTES_MAX {
        wrong.push(format!("name part must be no more than {LABEL_BYTES_MAX} bytes"));
    }
    if !is_label_key(own) {
        wrong.push(format!("name part {LABEL_KEY}"));
    }
    wrong
}

/// Whether a text may be the value of a label; else what is wrong.
pub(super) fn label_value(value: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if value.len() > LABEL_BYTES_MAX {
        wrong.push(format!("must be no more than {LABEL_BYTES_MAX} bytes"));
    }
    if !value.is_empty() && !is_label_key(value) {
        wrong.push(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must \
             start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used \
             for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
                .to_owned(),
        );
    }
    wrong
}

/// Whether a name can stand in a path; else what is wrong.
pub(super) fn path_segment(name: &str) -> Vec<String> {
    if matches!(name, "." | "..") {
        return vec![format!("may not be '{name}'")];
    }
    ["/", "%"].into_iter().filter(|part| name.contains(part)).map(|part| format!("may not contain '{part}'")).collect()
}

/// Whether a name can be a variable of CEL.
pub(super) fn is_cel_identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first == b'_' || first.is_ascii_alphabetic())
        && bytes.all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
        && !cel::is_reserved(name)
}

fn is_label_key(name: &str) -> bool {
    let (Some(first), Some(last)) = (name.bytes().next(), name.bytes().last()) else { return false };
    first.is_ascii_alphanumeric()
        && last.is_ascii_alphanumeric()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

fn is_label(label: &str, alphanumeric: impl Fn(u8) -> bool) -> bool {
    let (Some(first), Some(last)) = (label.bytes().next(), label.bytes().last()) else { return false };
    alphanumeric(first) && alphanumeric(last) && label.bytes().all(|byte| byte == b'-' || alphanumeric(byte))
}

/// The longest name of RFC 1123.
const SUBDOMAIN_BYTES_MAX: usize = 253;

/// The longest label of RFC 1123 and RFC 1035.
const LABEL_BYTES_MAX: usize = 63;

const LABEL_KEY: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
                         alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for \
                         validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_judged_as_the_api_server_judges_them() {
        assert!(subdomain("demo-policy.example.com").is_empty());
        assert!(subdomain("Demo")[0].starts_with("a lowercase RFC 1123 subdomain must consist"));
        assert!(subdomain("demo..x").len() == 1 && subdomain("").len() == 1);
        assert!(label_1035("v1beta1").is_empty() && label_1035("1v").len() == 1);
        assert!(qualified("demo/some-key").is_empty() && qualified("key").is_empty());
        assert_eq!(qualified("/key"), ["prefix part must be non-empty"]);
        assert!(qualified("a/b/c")[0].ends_with("(e.g. 'example.com/MyName')"));
        assert!(qualified("").len() == 2);
        assert!(label_value("").is_empty() && label_value("-a").len() == 1);
        assert_eq!(path_segment(".."), ["may not be '..'"]);
        assert_eq!(path_segment("a/b"), ["may not contain '/'"]);
        assert!(is_cel_identifier("_a1") && !is_cel_identifier("in") && !is_cel_identifier("a-b"));
    }
}
