//! Manifests, indexes and configurations that lie or can be read in two ways.

use serde_json::{Value, json};

use super::{base, folder, lodash, scan};
use crate::image::{Image, digest, gaps};

fn image() -> Image {
    Image::of(vec![base().layer(), lodash().layer()])
}

fn edited(edit: impl Fn(&mut Value) + 'static) -> Image {
    Image { manifest: Box::new(edit), ..image() }
}

/// An image whose layout is changed on disk, after every digest was taken.
fn tampered(edit: impl Fn(&mut crate::image::Files) + 'static) -> Image {
    Image { files: Box::new(edit), ..image() }
}

#[test]
fn manifests_that_cannot_be_believed_are_refused_with_the_reason() {
    let folder = folder("hostile-manifests");
    let other = digest(b"other");
    let cases: Vec<(&str, Image)> = vec![
        ("size of a layer", edited(|manifest| manifest["layers"][1]["size"] = json!(7))),
        ("negative size", edited(|manifest| manifest["layers"][1]["size"] = json!(-1))),
        ("size as text", edited(|manifest| manifest["layers"][1]["size"] = json!("12"))),
        ("digest of a layer", edited(move |manifest| manifest["layers"][1]["digest"] = json!(other))),
        (
            "digest that is a path",
            edited(|manifest| manifest["layers"][1]["digest"] = json!("sha256:../../../../etc/passwd")),
        ),
        (
            "digest of another kind",
            edited(|manifest| manifest["layers"][1]["digest"] = json!("md5:d41d8cd98f00b204e9800998ecf8427e")),
        ),
        ("no layers", edited(|manifest| manifest["layers"] = json!([]))),
        ("layers that are no list", edited(|manifest| manifest["layers"] = json!({"0": {}}))),
        (
            "a layer less than in the configuration",
            edited(|manifest| {
                manifest["layers"].as_array_mut().unwrap().pop();
            }),
        ),
        (
            "a layer more than in the configuration",
            edited(|manifest| {
                let again = manifest["layers"][1].clone();
                manifest["layers"].as_array_mut().unwrap().push(again);
            }),
        ),
        ("manifest and index in one", edited(|manifest| manifest["manifests"] = json!([]))),
        ("manifest of schema 1", edited(|manifest| manifest["schemaVersion"] = json!(1))),
        (
            "media type of an index",
            edited(|manifest| manifest["mediaType"] = json!("application/vnd.oci.image.index.v1+json")),
        ),
        (
            "layer of an unknown kind",
            edited(|manifest| manifest["layers"][1]["mediaType"] = json!("application/x-evil")),
        ),
        (
            "foreign layer",
            edited(|manifest| {
                manifest["layers"][1]["mediaType"] = json!("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip");
                manifest["layers"][1]["urls"] = json!(["http://169.254.169.254/latest"]);
            }),
        ),
        ("configuration that is a layer", edited(|manifest| manifest["config"] = manifest["layers"][0].clone())),
        ("manifest that is no object", edited(|manifest| *manifest = json!([1, 2]))),
    ];
    for (what, image) in cases {
        let outcome = scan(&folder, &image);
        assert_eq!(outcome.code, 2, "{what}: {}", outcome.says());
        assert!(!gaps(&outcome.report).is_empty(), "{what}: {}", outcome.says());
    }
}

#[test]
fn blobs_that_are_gone_or_other_than_their_name_are_refused() {
    let folder = folder("hostile-blobs");
    let honest = image();
    let layer = digest(&honest.layers[1].packed).replace(':', "/");
    let path = format!("blobs/{layer}");
    let (gone, grown, other) = (path.clone(), path.clone(), path);
    let cases: Vec<(&str, Image, bool)> = vec![
        ("missing layer", tampered(move |files| drop(files.remove(&gone))), false),
        ("longer layer", tampered(move |files| files.get_mut(&grown).unwrap().push(0)), false),
        (
            "other layer",
            tampered(move |files| {
                let bytes = files.get_mut(&other).unwrap();
                let last = bytes.len() - 1;
                bytes[last] ^= 1;
            }),
            false,
        ),
        ("missing index", tampered(|files| drop(files.remove("index.json"))), true),
        ("no layout file", tampered(|files| drop(files.remove("oci-layout"))), true),
        ("cut index", tampered(|files| files.get_mut("index.json").unwrap().truncate(40)), true),
        (
            "index with a key twice",
            tampered(|files| {
                let index = String::from_utf8(files["index.json"].clone()).unwrap();
                let twice = index.replacen('{', "{\"manifests\":[],", 1);
                files.insert("index.json".into(), twice.into_bytes());
            }),
            true,
        ),
        (
            "index of a hundred thousand levels",
            tampered(|files| {
                files.insert("index.json".into(), "[".repeat(100_000).into_bytes());
            }),
            true,
        ),
        (
            "index without images",
            tampered(|files| {
                files.insert("index.json".into(), br#"{"schemaVersion":2,"manifests":[]}"#.to_vec());
            }),
            true,
        ),
        (
            "index that names itself",
            tampered(|files| {
                let index = json!({"schemaVersion": 2, "manifests": [{"mediaType": "application/vnd.oci.image.index.v1+json",
                "digest": digest(b"self"), "size": 4}]});
                files.insert("index.json".into(), index.to_string().into_bytes());
            }),
            true,
        ),
    ];
    for (what, image, whole) in cases {
        let outcome = scan(&folder, &image);
        assert_eq!(outcome.code, 2, "{what}: {}", outcome.says());
        assert!(!outcome.names().contains(&"CVE-2021-23337".to_owned()), "{what} was believed");
        if !whole {
            let found = outcome.names().contains(&"CVE-2024-5535".to_owned());
            assert!(found || !gaps(&outcome.report).is_empty(), "{what}: {}", outcome.says());
        }
    }
}

#[test]
fn an_unknown_system_is_not_clean() {
    let folder = folder("hostile-systems");
    let status = super::STATUS;
    for os in [
        "",
        "ID=\n",
        "ID=evilos\nVERSION_ID=1\n",
        "ID=debian\n",
        "ID=debian\nVERSION_ID=99\n",
        "\0\0\0",
        "ID=../../etc\nVERSION_ID=$(id)\n",
    ] {
        let tar = crate::image::Tar::default().file("etc/os-release", os).file("var/lib/dpkg/status", status);
        let outcome = scan(&folder, &Image::of(vec![tar.layer()]));
        assert_eq!(outcome.code, 2, "{os:?}: {}", outcome.says());
    }
    let tar = crate::image::Tar::default().file("app/server", "x");
    assert_eq!(scan(&folder, &Image::of(vec![tar.layer()])).code, 2);
}

#[test]
fn users_that_are_root_in_disguise_are_root() {
    let folder = folder("hostile-users");
    for user in ["", "0", "root", "0:0", ":0", " 0", "00", "+0", "4294967296", "0x0", "root:1000", "0\n", "\u{660}"] {
        let config = json!({ "User": user, "Healthcheck": { "Test": ["CMD", "/ok"] } });
        let outcome = scan(&folder, &Image { config, ..image() });
        let codes = crate::image::codes(&outcome.report);
        assert!(codes.iter().any(|code| code.starts_with("image-user-")), "{user:?}: {codes:?}");
    }
    for user in [json!(0), json!(["0"]), Value::Null, json!({"uid": 0})] {
        let outcome = scan(&folder, &Image { config: json!({ "User": user }), ..image() });
        let codes = crate::image::codes(&outcome.report);
        assert!(codes.iter().any(|code| code.starts_with("image-user-")), "{user:?}: {codes:?}");
    }
}

#[test]
fn configurations_of_odd_shapes_are_told_and_the_layers_still_read() {
    let folder = folder("hostile-configurations");
    for config in [
        json!({ "Labels": ["a"], "Env": {"A": "b"}, "ExposedPorts": [22], "Cmd": 7 }),
        json!({ "Labels": {"a": {"b": ["c"]}}, "Env": [1, null], "ExposedPorts": {"1-65535/tcp": {}, "-1": {}, "99999999999": {}} }),
        json!({ "Env": (0..20_000).map(|number| format!("V{number}=x")).collect::<Vec<_>>() }),
        json!("text"),
        json!([]),
    ] {
        let shown: String = config.to_string().chars().take(60).collect();
        let outcome = scan(&folder, &Image { config, ..image() });
        assert_eq!(outcome.names(), ["CVE-2021-23337", "CVE-2024-5535"], "{shown}: {}", outcome.talk);
    }
}
