use super::{bun, installed, npm, pnpm, yarn};
use crate::catalog::{Input, Sink, listed};

type Case = (fn(&Input<'_>, &mut Sink), &'static str, &'static [&'static str]);

#[test]
fn every_form_of_lock_file_is_read() {
    let cases: &[Case] = &[
        (installed, r#"{"name":"@a/b","version":"1.0.0","license":{"type":"MIT"}}"#, &["@a/b 1.0.0"]),
        (
            npm::read,
            r#"{"lockfileVersion":2,"packages":{"":{"version":"9"},"node_modules/a":{"version":"1.0.0"},"node_modules/w":{"link":true},
            "node_modules/a/node_modules/@s/b":{"version":"2.0.0"},"node_modules/x":{"name":"y","version":"3.0.0"}}}"#,
            &["a 1.0.0", "@s/b 2.0.0", "y 3.0.0"],
        ),
        (
            npm::read,
            r#"{"lockfileVersion":1,"dependencies":{"a":{"version":"1.0.0","dependencies":{"b":{"version":"npm:@s/c@2.0.0"}}}}}"#,
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
            bun::read,
            "{ // lock\n \"lockfileVersion\": 1, \"packages\": {\n \"a\": [\"a@1.0.0\", \"\", {}, \"sha512-x\"],\n \"w\": [\"w@workspace:w\"],\n }, }",
            &["a 1.0.0"],
        ),
    ];
    for (read, text, expected) in cases {
        assert_eq!(listed(*read, "node_modules/f", text.as_bytes()), *expected, "{text}");
    }
}

#[test]
fn deep_json_is_damage() {
    let told = listed(npm::read, "package-lock.json", "[".repeat(100_000).as_bytes());
    assert!(told[0].contains("recursion limit"), "{told:?}");
}
