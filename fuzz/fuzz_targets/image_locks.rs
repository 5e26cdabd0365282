//! Lock files, manifests and installed packages of languages of any bytes, told by the first byte: no panic, packages that
//! have names and that the size of the file bounds, a bounded list of faults, and the same answer twice.
#![no_main]

use image::catalog::{Cataloguer, Input, Sink, all};
use image::facts::Fact;
use libfuzzer_sys::fuzz_target;

/// Cataloguers with a path that each takes. New ones go to the end, so that inputs that are kept mean the same.
const PATHS: [(&str, &str); 69] = [
    ("npm-lock", "package-lock.json"),
    ("npm-manifest", "package.json"),
    ("npm-installed", "node_modules/a/package.json"),
    ("yarn-lock", "yarn.lock"),
    ("pnpm-lock", "pnpm-lock.yaml"),
    ("bun-lock", "bun.lock"),
    ("bun-lock-binary", "bun.lockb"),
    ("deno-lock", "deno.lock"),
    ("composer-lock", "composer.lock"),
    ("composer-manifest", "composer.json"),
    ("composer-installed", "vendor/composer/installed.json"),
    ("dotnet-deps", "a.deps.json"),
    ("nuget-lock", "packages.lock.json"),
    ("nuget-assets", "obj/project.assets.json"),
    ("nuspec", "a.nuspec"),
    ("nuget-declared", "packages.config"),
    ("pubspec-lock", "pubspec.lock"),
    ("pubspec-manifest", "pubspec.yaml"),
    ("conan-lock", "conan.lock"),
    ("conan-text", "conanfile.txt"),
    ("swift-resolved", "Package.resolved"),
    ("podfile-lock", "Podfile.lock"),
    ("julia-manifest", "Manifest.toml"),
    ("renv-lock", "renv.lock"),
    ("sbt-lock", "build.sbt.lock"),
    ("stack-lock", "stack.yaml.lock"),
    ("conda-meta", "conda-meta/a-1-0.json"),
    ("mix-lock", "mix.lock"),
    ("rebar-lock", "rebar.lock"),
    ("terraform-lock", ".terraform.lock.hcl"),
    ("gradle-lock", "gradle.lockfile"),
    ("gradle-verification", "gradle/verification-metadata.xml"),
    ("pom", "pom.xml"),
    ("cabal-freeze", "cabal.project.freeze"),
    ("cpanfile-snapshot", "cpanfile.snapshot"),
    ("cpan-meta", ".meta/a-1/MYMETA.json"),
    ("perllocal", "usr/lib/perllocal.pod"),
    ("packlist", "usr/lib/auto/A/.packlist"),
    ("go-mod", "go.mod"),
    ("go-sum", "go.sum"),
    ("go-vendor", "vendor/modules.txt"),
    ("cargo-lock", "Cargo.lock"),
    ("cargo-manifest", "Cargo.toml"),
    ("gemfile-lock", "Gemfile.lock"),
    ("gemspec", "specifications/a-1.gemspec"),
    ("opam-switch", ".opam-switch/switch-state"),
    ("opam-locked", "a.opam.locked"),
    ("opam-manifest", "a.opam"),
    ("rockspec", "a-1-1.rockspec"),
    ("erlang-application", "ebin/a.app"),
    ("python-metadata", "a-1.dist-info/METADATA"),
    ("python-egg-info", "a-1.egg-info"),
    ("python-setup", "setup.py"),
    ("python-requirements", "requirements.txt"),
    ("python-lock", "poetry.lock"),
    ("python-lock", "uv.lock"),
    ("python-lock", "pylock.toml"),
    ("pyproject", "pyproject.toml"),
    ("pipenv-lock", "Pipfile.lock"),
    ("pipenv-manifest", "Pipfile"),
    ("wordpress", "wp-includes/version.php"),
    ("wordpress-plugin", "wp-content/plugins/a/a.php"),
    ("wordpress-theme", "wp-content/themes/a/style.css"),
    ("bill-of-materials", "bom.json"),
    ("r-description", "usr/lib/R/library/a/DESCRIPTION"),
    ("vcpkg-status", "vcpkg/status"),
    ("vcpkg-info", "vcpkg/info/a_1_x64-linux.list"),
    ("actions", ".github/workflows/a.yaml"),
    ("conda-environment", "environment.yaml"),
];

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let (name, path) = PATHS[usize::from(*choice) % PATHS.len()];
    let cataloguer: &Cataloguer = all().find(|cataloguer| cataloguer.name == name).expect("every name is one");
    let read = || {
        let mut sink = Sink::default();
        (cataloguer.read)(&Input { path, bytes }, &mut sink);
        sink
    };
    let sink = read();
    let packages = || {
        sink.facts.iter().filter_map(|fact| match fact {
            Fact::Package(package) => Some(package),
            _ => None,
        })
    };
    // Some packages are named by the path alone.
    assert!(packages().count() <= bytes.len() + 1 && sink.damage.len() <= 20);
    assert!(packages().all(|package| !package.name.is_empty()));
    assert_eq!(format!("{:?}", sink.facts), format!("{:?}", read().facts));
});
