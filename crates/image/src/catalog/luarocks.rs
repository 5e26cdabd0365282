//! Lua: the specifications of rocks that lie in a tree of LuaRocks. They are programs, which are never run: only literal
//! values count.

use model::package::Kind;

use super::document::{lock_text, named, shown};
use super::{Cataloguer, Input, Settings, Sink, Wants};

/// The reader of them.
pub static CATALOGUERS: &[Cataloguer] = &[Cataloguer {
    name: "rockspec",
    wants: Wants { extensions: &[".rockspec"], ..Wants::NOTHING },
    settings: Settings::Installed,
    bytes_max: 1 << 20,
    read: rockspec,
}];

fn rockspec(input: &Input<'_>, sink: &mut Sink) {
    let text = lock_text(input, sink);
    let file = input.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rockspec");
    // `name-version-revision`, where neither version nor revision has a dash.
    let parts = file.rsplit_once('-').and_then(|(rest, revision)| {
        let (name, version) = rest.rsplit_once('-')?;
        Some((name, format!("{version}-{revision}")))
    });
    let (from_name, from_version) = parts.unwrap_or_default();
    let name = literal(&text, "package").unwrap_or(from_name);
    let version = literal(&text, "version").unwrap_or(&from_version);
    if text.trim().is_empty() {
        return;
    }
    if name.is_empty() || version.is_empty() {
        return sink.damage(format!("neither it nor its name tells name and version of {}", shown(file)));
    }
    let Some(mut package) = named(sink, Kind::LuaRocks, name, version) else { return };
    package.licenses = literal(&text, "license").map(crate::license::normalise).unwrap_or_default();
    package.supplier = literal(&text, "maintainer").unwrap_or_default().into();
    sink.package(package);
}

/// The first literal text that is given to a name; none where it is computed.
fn literal<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let value = text.lines().find_map(|line| {
        let rest = line.trim_start().trim_start_matches('{').trim_start().strip_prefix(key)?;
        rest.trim_start().strip_prefix('=').map(str::trim_start)
    })?;
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''));
    let (inside, rest) = match quote {
        Some(quote) => value.get(1..)?.split_once(quote)?,
        None => value.strip_prefix("[[")?.split_once("]]")?,
    };
    // `"1.0" .. revision` is computed.
    (!rest.trim_start().starts_with("..") && !inside.contains('\\')).then_some(inside)
}

#[cfg(test)]
mod tests {
    use super::rockspec;
    use crate::catalog::listed;

    #[test]
    fn rocks_tell_literal_values_and_else_their_file_names_do() {
        let path = "usr/local/lib/luarocks/rocks-5.1/lua-cjson/2.1.0-1/lua-cjson-2.1.0-1.rockspec";
        for (text, expected) in [
            ("package = \"cjson\"\nversion = '3.0-1'\ndescription = {\n license = [[MIT]]\n}", "cjson 3.0-1"),
            ("package = 'lua-cjson'\nversion = v .. '-1'", "lua-cjson 2.1.0-1"),
            ("local x = 1", "lua-cjson 2.1.0-1"),
            ("version = \"1\" .. r", "lua-cjson 2.1.0-1"),
        ] {
            assert_eq!(listed(rockspec, path, text.as_bytes()), [expected], "{text}");
        }
        assert!(listed(rockspec, "x.rockspec", b"local x = 1")[0].contains("neither it nor its name"));
        assert!(listed(rockspec, path, b"")[0].contains("empty"));
    }
}
