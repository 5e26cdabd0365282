//! WordPress: the version of itself, and the headers of plug-ins and themes, as WordPress reads them.

use model::Package;
use model::package::Kind;

use super::document::{named, shown};
use super::{Cataloguer, Input, Settings, Sink, Wants};

/// All of these.
pub static CATALOGUERS: &[Cataloguer] = &[
    Cataloguer {
        name: "wordpress",
        wants: Wants { path_ends: &["wp-includes/version.php"], ..Wants::NOTHING },
        settings: Settings::Both,
        bytes_max: BYTES_MAX,
        read: core,
    },
    Cataloguer {
        name: "wordpress-plugin",
        wants: Wants { extensions: &[".php"], filter: |path| plugin_of(path).is_some(), ..Wants::NOTHING },
        settings: Settings::Both,
        bytes_max: BYTES_MAX,
        read: plugin,
    },
    Cataloguer {
        name: "wordpress-theme",
        wants: Wants { names: &["style.css"], filter: |path| theme_of(path).is_some(), ..Wants::NOTHING },
        settings: Settings::Both,
        bytes_max: BYTES_MAX,
        read: theme,
    },
];

/// `$wp_version = '6.4.2';`
fn core(input: &Input<'_>, sink: &mut Sink) {
    let text = String::from_utf8_lossy(input.bytes);
    let assigned =
        text.lines().find_map(|line| line.trim().strip_prefix("$wp_version")?.trim_start().strip_prefix('='));
    let quoted = assigned.and_then(|value| {
        let quote = value.trim_start().chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
        value.trim_start().get(1..)?.split_once(quote).map(|(version, _)| version)
    });
    match quoted.filter(|version| !version.is_empty()) {
        Some(version) => sink.package(Package::new(Kind::Generic, "wordpress", version)),
        None => sink.damage("the version of WordPress does not stand in it as a text"),
    }
}

/// The folder of a plug-in below `plugins`, or the name of its only file.
fn plugin_of(path: &str) -> Option<&str> {
    let (folder, file) = path.rsplit_once('/')?;
    if CONTENT.iter().any(|end| is_at(folder, end)) {
        return file.get(..file.len().checked_sub(".php".len())?).filter(|stem| *stem != "index");
    }
    let (parent, name) = folder.rsplit_once('/')?;
    CONTENT.iter().any(|end| is_at(parent, end)).then_some(name)
}

/// The folder of a theme below `themes`.
fn theme_of(path: &str) -> Option<&str> {
    let (parent, name) = path.rsplit_once('/')?.0.rsplit_once('/')?;
    is_at(parent, "wp-content/themes").then_some(name)
}

fn is_at(folder: &str, end: &str) -> bool {
    folder.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

fn plugin(input: &Input<'_>, sink: &mut Sink) {
    extension(input, "Plugin Name", plugin_of(input.path), "plugin", sink);
}

fn theme(input: &Input<'_>, sink: &mut Sink) {
    extension(input, "Theme Name", theme_of(input.path), "theme", sink);
}

/// Other files than the one with the header lie beside it, so a file without a name is no package.
fn extension(input: &Input<'_>, key: &str, folder: Option<&str>, part: &str, sink: &mut Sink) {
    let head = input.bytes.get(..HEADER_BYTES).unwrap_or(input.bytes);
    let text = String::from_utf8_lossy(head);
    let (Some(title), Some(folder)) = (header(&text, key), folder) else { return };
    let Some(version) = header(&text, "Version") else {
        let title = shown(title);
        return sink.damage(format!("the {part} {} ({title}) tells no version and was left out", shown(folder)));
    };
    let Some(mut package) = named(sink, Kind::WordPress, folder, version) else { return };
    package.supplier = header(&text, "Author").unwrap_or_default().into();
    package.licenses = header(&text, "License").map(crate::license::normalise).unwrap_or_default();
    package.properties = vec![("title".into(), title.into()), ("part".into(), part.into())];
    sink.package(package);
}

/// The first value of a field of the comment at the head of a file; empty ones are none.
fn header<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let mut values = text.split(['\n', '\r']).filter_map(|line| {
        let line = line.trim_start();
        let line = line.strip_prefix("<?php").unwrap_or(line);
        let line = line.trim_start_matches([' ', '\t', '/', '*', '#', '@']);
        let name = line.get(..key.len())?;
        line.get(key.len()..)?.strip_prefix(':').filter(|_| name.eq_ignore_ascii_case(key))
    });
    let value = values.next()?;
    let value = value.find("*/").or_else(|| value.find("?>")).and_then(|end| value.get(..end)).unwrap_or(value);
    Some(value.trim()).filter(|value| !value.is_empty())
}

/// Folders that hold plug-ins.
const CONTENT: &[&str] = &["wp-content/plugins", "wp-content/mu-plugins"];

/// What WordPress itself looks at.
const HEADER_BYTES: usize = 8 << 10;

/// Single files of plug-ins with tables of data in them reach some MB.
const BYTES_MAX: u64 = 32 << 20;

#[cfg(test)]
mod tests {
    use super::{core, plugin, plugin_of, theme};
    use crate::catalog::{listed, packages_read};

    #[test]
    fn the_core_tells_its_version_or_is_damaged() {
        let path = "var/www/html/wp-includes/version.php";
        assert_eq!(listed(core, path, b"<?php\n$wp_version = '6.4.2';\n"), ["wordpress 6.4.2"]);
        for other in ["", "<?php\n$wp_version = f();", "<?php\n$wp_version = '';", "<?php $x", "$wp_version='6"] {
            let found = listed(core, path, other.as_bytes());
            assert!(found.len() == 1 && found[0].contains("does not stand"), "{other} {found:?}");
        }
    }

    #[test]
    fn plugins_and_themes_are_named_by_their_folders() {
        let bytes = b"<?php\n/**\n * Plugin name: A Form\n * @Version: 5.3.1 */\n * Author: X\n * License: GPLv2\n */";
        let path = "srv/wp-content/plugins/a-form/main.php";
        let (packages, damage) = packages_read(plugin, path, bytes);
        assert_eq!((&*packages[0].name, &*packages[0].version), ("a-form", "5.3.1"));
        assert_eq!((packages[0].property("title"), &*packages[0].supplier, damage.len()), (Some("A Form"), "X", 0));
        assert_eq!(listed(plugin, path, b"<?php\n// no header"), [""; 0]);
        assert_eq!(
            listed(plugin, "wp-content/plugins/hello.php", b"<?php\n/* Plugin Name: H\nVersion: 1"),
            ["hello 1"]
        );
        assert_eq!(listed(theme, "wp-content/themes/t/style.css", b"/*\nTheme Name: T\nVersion: 2\n*/"), ["t 2"]);
        let found = listed(plugin, path, b"<?php\n/* Plugin Name: A\nRequires Version: 1\n*/");
        assert!(found.len() == 1 && found[0].contains("tells no version"), "{found:?}");
        assert_eq!(plugin_of("wp-content/plugins/a/b/c.php"), None);
        assert_eq!(plugin_of("xwp-content/plugins/a/c.php"), None);
        assert_eq!(plugin_of("wp-content/plugins/index.php"), None);
    }
}
