//! Erlang and Elixir: the applications of a release, each with a resource file in its folder `ebin`.

use model::package::Kind;

use super::document::{lock_text, named, shown};
use super::{Cataloguer, Input, Settings, Sink, Wants};

/// The reader of resource files.
pub static CATALOGUERS: &[Cataloguer] = &[Cataloguer {
    name: "erlang-application",
    wants: Wants { extensions: &[".app"], filter: is_resource, ..Wants::NOTHING },
    settings: Settings::Installed,
    bytes_max: 4 << 20,
    read: application,
}];

fn is_resource(path: &str) -> bool {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    folder.rsplit('/').next() == Some("ebin")
}

/// `{application, cowboy, [{description, "…"}, {vsn, "2.9.0"}, …]}.`
fn application(input: &Input<'_>, sink: &mut Sink) {
    let text = lock_text(input, sink);
    if text.trim().is_empty() {
        return;
    }
    let plain: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('%')).collect();
    let plain = plain.join("\n");
    let Some(rest) = after(&plain, "application") else {
        return sink.damage("it describes no application: it is cut off, or another format than its name says");
    };
    let end = rest.find([',', '}']).unwrap_or(rest.len());
    let name = rest.get(..end).unwrap_or_default().trim().trim_matches('\'').to_ascii_lowercase();
    let version = after(rest, "vsn").and_then(|value| value.strip_prefix('"')?.split_once('"'));
    let Some((version, _)) = version else {
        return sink.damage(format!("the application {} has no version that is a text and was left out", shown(&name)));
    };
    // What comes with the runtime is in no package repository; everything else is taken for what is there by that name.
    let kind = if RUNTIME.contains(&name.as_str()) { Kind::Otp } else { Kind::Hex };
    if let Some(package) = named(sink, kind, &name, version) {
        sink.package(package);
    }
    if !plain.trim_end().ends_with("}.") {
        sink.remark("it does not end as resource files do");
    }
}

/// What stands behind the comma of a tuple that begins with an atom.
fn after<'a>(text: &'a str, atom: &str) -> Option<&'a str> {
    text.match_indices('{').find_map(|(at, _)| {
        let rest = text.get(at + 1..)?.trim_start().strip_prefix(atom)?;
        rest.trim_start().strip_prefix(',').map(str::trim_start)
    })
}

/// Applications of Erlang/OTP and of Elixir themselves.
const RUNTIME: &[&str] = &[
    "asn1",
    "common_test",
    "compiler",
    "crypto",
    "debugger",
    "dialyzer",
    "diameter",
    "edoc",
    "eex",
    "eldap",
    "elixir",
    "erl_docgen",
    "erl_interface",
    "erts",
    "et",
    "eunit",
    "ex_unit",
    "ftp",
    "iex",
    "inets",
    "jinterface",
    "kernel",
    "logger",
    "megaco",
    "mix",
    "mnesia",
    "observer",
    "odbc",
    "os_mon",
    "parsetools",
    "public_key",
    "reltool",
    "runtime_tools",
    "sasl",
    "snmp",
    "ssh",
    "ssl",
    "stdlib",
    "syntax_tools",
    "tftp",
    "tools",
    "wx",
    "xmerl",
];

#[cfg(test)]
mod tests {
    use super::{application, is_resource};
    use crate::catalog::packages_read;
    use model::package::Kind;

    #[test]
    fn applications_of_a_release_tell_name_and_version() {
        for (text, expected) in [
            (
                "%% c {vsn, \"9\"}\n{application, 'cowboy', [\n {description, \"x\"},\n {vsn,\"2.9.0\"}]}.",
                Ok((Kind::Hex, "cowboy", "2.9.0")),
            ),
            ("{application,ssl,[{vsn,\"11.1\"}]}.\n", Ok((Kind::Otp, "ssl", "11.1"))),
            ("{application,a,[{vsn, git}]}.", Err("no version that is a text")),
            ("{application,a,[{description,", Err("no version that is a text")),
            ("<plist/>", Err("no application")),
            ("", Err("empty")),
        ] {
            let (packages, damage) = packages_read(application, "lib/x/ebin/x.app", text.as_bytes());
            let told = packages.first().map(|package| (package.kind, &*package.name, &*package.version));
            match expected {
                Ok(package) => assert_eq!((told, damage.len()), (Some(package), 0), "{text}"),
                Err(why) => assert!(told.is_none() && damage[0].contains(why), "{text} {damage:?}"),
            }
        }
        assert!(is_resource("lib/cowboy-2.9.0/ebin/cowboy.app") && !is_resource("src/x.app"));
    }
}
