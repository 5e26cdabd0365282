//! Perl: distributions that were installed from CPAN, as the tools that did it wrote them down.

use std::collections::BTreeMap;

use model::package::Kind;

use super::document::{LOCK_BYTES_MAX, json, lock_text, member, named, shown, texts};
use super::{Cataloguer, Input, Settings, Sink, Wants};

/// All of these.
pub static CATALOGUERS: &[Cataloguer] = &[
    Cataloguer {
        name: "cpan-meta",
        wants: Wants { names: &["MYMETA.json", "META.json"], filter: |path| path.contains(".meta/"), ..Wants::NOTHING },
        settings: Settings::Installed,
        bytes_max: LOCK_BYTES_MAX,
        read: meta,
    },
    Cataloguer {
        name: "perllocal",
        wants: Wants { names: &["perllocal.pod"], ..Wants::NOTHING },
        settings: Settings::Installed,
        bytes_max: LOCK_BYTES_MAX,
        read: perllocal,
    },
    Cataloguer {
        name: "packlist",
        wants: Wants { names: &[".packlist"], filter: |path| path.contains("/auto/"), ..Wants::NOTHING },
        settings: Settings::Installed,
        bytes_max: LOCK_BYTES_MAX,
        read: packlist,
    },
];

/// `.meta/Name-1.0/MYMETA.json`, which cpanm leaves.
fn meta(input: &Input<'_>, sink: &mut Sink) {
    let Some(document) = json(input, sink) else { return };
    let number = document.get("version").filter(|version| version.is_number()).map(ToString::to_string);
    let version = number.as_deref().unwrap_or(member(&document, "version"));
    let Some(mut package) = named(sink, Kind::Cpan, member(&document, "name"), version) else { return };
    // `perl_5` stands for the two licences of Perl itself.
    package.licenses =
        texts(&document, "license").map(|name| if name == "perl_5" { PERL } else { name }.into()).collect();
    package.licenses.retain(|name| &**name != "unknown");
    sink.package(package);
}

/// One section for each time that something was installed; the last of a name counts.
fn perllocal(input: &Input<'_>, sink: &mut Sink) {
    let text = lock_text(input, sink);
    let mut found: BTreeMap<String, &str> = BTreeMap::new();
    let mut current: Option<String> = None;
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("=head2") {
            current = head.split_once("L<").and_then(|(_, rest)| rest.split(['|', '>']).next()).map(distribution);
            match &current {
                Some(name) => drop(found.insert(name.clone(), "")),
                None => sink.damage(format!("the section {} names no module", shown(head.trim()))),
            }
        }
        let version = line.strip_prefix("C<VERSION:").and_then(|rest| rest.trim().strip_suffix('>'));
        if let (Some(name), Some(version)) = (&current, version) {
            found.insert(name.clone(), version.trim());
        }
    }
    for (name, version) in found {
        if let Some(package) = named(sink, Kind::Cpan, &name, version) {
            sink.package(package);
        }
    }
}

/// `auto/DBI/.packlist`: the files of a distribution, which tell no version. Distributions that stand in one of the other
/// files too are known all the same, so this is told and leaves nothing in doubt that they tell.
fn packlist(input: &Input<'_>, sink: &mut Sink) {
    let name = input.path.rsplit_once("/auto/").and_then(|(_, rest)| rest.strip_suffix("/.packlist"));
    let name = shown(&name.unwrap_or_default().replace('/', "-"));
    sink.remark(format!(
        "the distribution {name} of Perl was installed from here; its version does not stand in this file"
    ));
}

fn distribution(module: &str) -> String {
    module.trim().replace("::", "-")
}

const PERL: &str = "Artistic-1.0-Perl OR GPL-1.0-or-later";

#[cfg(test)]
mod tests {
    use super::{meta, packlist, perllocal};
    use crate::catalog::listed;

    #[test]
    fn installed_distributions_are_told() {
        let path = "usr/local/lib/perl5/site_perl/5.38.0/x86_64-linux/.meta/URI-5.21/MYMETA.json";
        assert_eq!(listed(meta, path, br#"{"name":"URI","version":"5.21","license":["perl_5"]}"#), ["URI 5.21"]);
        assert_eq!(listed(meta, path, br#"{"name":"URI","version":5.21}"#), ["URI 5.21"]);
        assert!(listed(meta, path, br#"{"name":"URI"}"#)[0].contains("no version"));
        assert!(!listed(meta, path, b"{\"name\":\"URI\",").is_empty());
        let section = |name: &str, version: &str| {
            format!(
                "=head2 Wed Jan  1: C<Module> L<{name}|{name}>\n\n=over 4\n\n=item *\n\nC<VERSION: {version}>\n\n=back\n\n"
            )
        };
        let text = [section("DBI", "1.0"), section("HTTP::Date", "6.06"), section("DBI", "1.643")].concat();
        assert_eq!(listed(perllocal, "perllocal.pod", text.as_bytes()), ["DBI 1.643", "HTTP-Date 6.06"]);
        let cut = listed(perllocal, "perllocal.pod", "=head2 x: C<Module> L<DBI|DBI>\n".as_bytes());
        assert!(cut[0].contains("no version"), "{cut:?}");
        assert!(listed(packlist, "lib/auto/HTTP/Date/.packlist", b"/x\n")[0].contains("HTTP-Date"));
    }
}
