//! JavaScript: installed packages, and the lock files of npm, yarn, pnpm, bun and deno.

mod pnpm;
mod yarn;

use model::Package;
use model::package::{Kind, Need};
use serde_json::{Map, Value};

use super::{Cataloguer, Input, Settings, Sink, Wants};

/// The readers of JavaScript's files.
pub static CATALOGUERS: &[Cataloguer] = &[
    Cataloguer {
        name: "npm-installed",
        wants: Wants {
            names: &["package.json"],
            filter: |path| path.starts_with("node_modules/") || path.contains("/node_modules/"),
            ..Wants::NOTHING
        },
        settings: Settings::Installed,
        bytes_max: BYTES_MAX,
        read: installed,
    },
    lock("npm-lock", &["package-lock.json", "npm-shrinkwrap.json", ".package-lock.json"], npm_lock),
    lock("yarn-lock", &["yarn.lock"], yarn::read),
    lock("pnpm-lock", &["pnpm-lock.yaml"], pnpm::read),
    lock("bun-lock", &["bun.lock"], bun_lock),
    lock("deno-lock", &["deno.lock"], deno_lock),
];

const fn lock(name: &'static str, names: &'static [&'static str], read: fn(&Input<'_>, &mut Sink)) -> Cataloguer {
    let wants = Wants { names, ..Wants::NOTHING };
    Cataloguer { name, wants, settings: Settings::Sources, bytes_max: LOCK_BYTES_MAX, read }
}

fn installed(input: &Input<'_>, sink: &mut Sink) {
    let Some(root) = json(input.bytes, sink) else { return };
    // Folders of a package hold further files of this name, mostly without name or version.
    let (Some(name), Some(version)) = (text(&root, "name"), text(&root, "version")) else { return };
    if name.is_empty() || version.is_empty() {
        return;
    }
    let mut package = Package::new(Kind::Npm, name, version);
    package.licenses = licenses(&root);
    package.supplier = match root.get("author") {
        Some(Value::String(author)) => author.as_str().into(),
        Some(author) => text(author, "name").unwrap_or_default().into(),
        None => "".into(),
    };
    package.depends_on = keys(root.get("dependencies"));
    sink.package(package);
}

fn npm_lock(input: &Input<'_>, sink: &mut Sink) {
    let Some(root) = json(input.bytes, sink) else { return };
    if let Some(Value::Object(packages)) = root.get("packages") {
        for (path, entry) in packages {
            let Some((_, folder)) = path.rsplit_once("node_modules/") else { continue };
            // A link points to a member of the workspace, which stands under its own folder.
            let Some(version) = text(entry, "version").filter(|_| !flag(entry, "link")) else { continue };
            let mut package = Package::new(Kind::Npm, text(entry, "name").unwrap_or(folder), version);
            package.need = development(flag(entry, "dev") || flag(entry, "devOptional") && !flag(entry, "optional"));
            package.licenses = licenses(entry);
            package.depends_on = keys(entry.get("dependencies"));
            checksum(&mut package, text(entry, "integrity"));
            sink.package(package);
        }
    } else {
        npm_tree(root.get("dependencies"), sink);
    }
}

/// Dependencies of lock files of version 1; the depth is bounded by that of the JSON reader.
fn npm_tree(dependencies: Option<&Value>, sink: &mut Sink) {
    for (name, entry) in dependencies.and_then(Value::as_object).into_iter().flatten() {
        npm_tree(entry.get("dependencies"), sink);
        let Some(version) = text(entry, "version").filter(|version| !version.starts_with("file:")) else { continue };
        let alias = version.strip_prefix("npm:").and_then(|alias| alias.rsplit_once('@'));
        let (name, version) = alias.unwrap_or((name, version));
        let mut package = Package::new(Kind::Npm, name, version);
        package.need = development(flag(entry, "dev"));
        package.depends_on = keys(entry.get("requires"));
        checksum(&mut package, text(entry, "integrity"));
        sink.package(package);
    }
}

fn bun_lock(input: &Input<'_>, sink: &mut Sink) {
    let Some(root) = json(&without_comments(input.bytes), sink) else { return };
    for entry in root.get("packages").and_then(Value::as_object).into_iter().flat_map(Map::values) {
        let Some((name, version)) = entry.get(0).and_then(Value::as_str).and_then(split_at_version) else { continue };
        if version.starts_with("workspace:") || version.starts_with("link:") || version.starts_with("file:") {
            continue;
        }
        let mut package = Package::new(Kind::Npm, name, version);
        package.depends_on = keys(entry.get(2).and_then(|about| about.get("dependencies")));
        checksum(&mut package, entry.get(3).and_then(Value::as_str));
        sink.package(package);
    }
}

fn deno_lock(input: &Input<'_>, sink: &mut Sink) {
    let Some(root) = json(input.bytes, sink) else { return };
    let old = root.get("packages").and_then(|packages| packages.get("npm"));
    let npm = root.get("npm").map(|npm| npm.get("packages").unwrap_or(npm)).or(old);
    for (key, entry) in npm.and_then(Value::as_object).into_iter().flatten() {
        // Peers follow behind an underscore, which no version holds.
        let Some((name, version)) = split_at_version(key) else { continue };
        let mut package = Package::new(Kind::Npm, name, version.split('_').next().unwrap_or(version));
        checksum(&mut package, text(entry, "integrity"));
        sink.package(package);
    }
}

fn json(bytes: &[u8], sink: &mut Sink) -> Option<Value> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(bytes).map_err(|error| sink.damage(format!("it is no JSON: {error}"))).ok()
}

/// JSON without the comments and trailing commas that bun writes.
fn without_comments(bytes: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len());
    let (mut at, mut quoted) = (0, false);
    while let Some(byte) = bytes.get(at) {
        let next = bytes.get(at + 1);
        match (quoted, byte) {
            (true, b'\\') => {
                out.push(*byte);
                out.extend(next);
                at += 2;
                continue;
            }
            (_, b'"') => quoted = !quoted,
            (false, b'/') if next == Some(&b'/') => {
                let rest = bytes.get(at..).unwrap_or_default();
                at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                continue;
            }
            (false, b'/') if next == Some(&b'*') => {
                let rest = bytes.get(at..).unwrap_or_default();
                at += memchr::memmem::find(rest, b"*/").map_or(rest.len(), |end| end + 2);
                continue;
            }
            (false, b'}' | b']') => {
                let end = out.iter().rposition(|byte| !byte.is_ascii_whitespace());
                if let Some(comma) = end.filter(|end| out.get(*end) == Some(&b',')) {
                    out.truncate(comma);
                }
            }
            _ => {}
        }
        out.push(*byte);
        at += 1;
    }
    out
}

/// `@scope/name@version`.
fn split_at_version(text: &str) -> Option<(&str, &str)> {
    let at = text.get(1..)?.find('@')? + 1;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// `license` and `licenses` in all forms that were ever written.
fn licenses(entry: &Value) -> Vec<Box<str>> {
    fn one(value: &Value) -> Option<Box<str>> {
        let text = value.as_str().or_else(|| text(value, "type")).or_else(|| text(value, "name"))?;
        (!text.is_empty() && text != "UNLICENSED").then(|| text.into())
    }
    let values = [entry.get("license"), entry.get("licenses")];
    let all = values.into_iter().flatten().flat_map(|value| match value {
        Value::Array(values) => values.iter().filter_map(one).collect::<Vec<_>>(),
        value => one(value).into_iter().collect(),
    });
    all.collect()
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool) == Some(true)
}

fn keys(value: Option<&Value>) -> Vec<Box<str>> {
    value.and_then(Value::as_object).into_iter().flat_map(Map::keys).map(|key| key.as_str().into()).collect()
}

fn checksum(package: &mut Package, sum: Option<&str>) {
    package.properties.extend(sum.map(|sum| ("checksum".into(), sum.into())));
}

fn development(yes: bool) -> Need {
    if yes { Need::Development } else { Need::Unstated }
}

/// `package.json` of published packages stays below 1 MB.
const BYTES_MAX: u64 = 8 << 20;

/// Lock files of the largest repositories reach 10 MB.
const LOCK_BYTES_MAX: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::{bun_lock, installed, npm_lock, pnpm, yarn};
    use crate::catalog::{Input, Sink, listed};

    type Case = (fn(&Input<'_>, &mut Sink), &'static str, &'static [&'static str]);

    #[test]
    fn every_form_of_lock_file_is_read() {
        let cases: &[Case] = &[
            (installed, r#"{"name":"@a/b","version":"1.0.0","license":{"type":"MIT"}}"#, &["@a/b 1.0.0"]),
            (installed, r#"{"name":"folder"}"#, &[]),
            (
                npm_lock,
                r#"{"packages":{"":{"version":"9"},"node_modules/a":{"version":"1.0.0"},"node_modules/w":{"link":true},
                "node_modules/a/node_modules/@s/b":{"version":"2.0.0"},"node_modules/x":{"name":"y","version":"3.0.0"}}}"#,
                &["a 1.0.0", "@s/b 2.0.0", "y 3.0.0"],
            ),
            (
                npm_lock,
                r#"{"dependencies":{"a":{"version":"1.0.0","dependencies":{"b":{"version":"npm:@s/c@2.0.0"}}}}}"#,
                &["@s/c 2.0.0", "a 1.0.0"],
            ),
            (
                yarn::read,
                "# yarn lockfile v1\n\n\"@s/a@^1.0.0\", \"@s/a@^1.1.0\":\n  version \"1.1.0\"\n\nx@npm:b@^2:\n  version \"2.0.0\"\n",
                &["@s/a 1.1.0", "b 2.0.0"],
            ),
            (
                yarn::read,
                "__metadata:\n  version: 8\n\n\"a@npm:^1.0.0\":\n  version: 1.0.0\n  resolution: \"a@npm:1.0.0\"\n\n\
                 \"w@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"w@workspace:.\"\n",
                &["a 1.0.0"],
            ),
            (
                pnpm::read,
                "lockfileVersion: 5.4\npackages:\n  /@s/a/1.0.0_b@2.0.0:\n    dev: false\n  /b/2.0.0:\n    dev: true\n",
                &["@s/a 1.0.0", "b 2.0.0"],
            ),
            (
                pnpm::read,
                "lockfileVersion: '9.0'\npackages:\n  '@s/a@1.0.0':\n    resolution: {}\nsnapshots:\n  '@s/a@1.0.0(b@2.0.0)': {}\n",
                &["@s/a 1.0.0"],
            ),
            (
                bun_lock,
                "{ // lock\n \"packages\": {\n \"a\": [\"a@1.0.0\", \"\", {}, \"sha512-x\"],\n \"w\": [\"w@workspace:w\"],\n }, }",
                &["a 1.0.0"],
            ),
        ];
        for (read, text, expected) in cases {
            assert_eq!(listed(*read, "node_modules/f", text.as_bytes()), *expected, "{text}");
        }
    }

    #[test]
    fn deep_json_is_damage() {
        assert_eq!(listed(npm_lock, "package-lock.json", "[".repeat(100_000).as_bytes()).len(), 1);
    }
}
