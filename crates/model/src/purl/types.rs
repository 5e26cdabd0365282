//! What the registered types of package URLs demand beyond the standard.

/// Rules of one type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Type {
    /// Whether there is a namespace.
    pub(super) namespaced: Need,
    /// Form of the namespace.
    pub(super) namespace: Form,
    /// Most segments of the namespace.
    pub(super) segments_max: usize,
    /// Whether the namespace is the first segment alone and the name all that follow, slashes included.
    pub(super) name_is_path: bool,
    /// Form of the name.
    pub(super) name: Form,
    /// Form of the version.
    pub(super) version: Form,
    /// Form of the subpath.
    pub(super) subpath: Form,
    /// Qualifiers that must be there.
    pub(super) qualifiers: &'static [&'static str],
    /// Which names there can be.
    pub(super) name_permits: fn(&str) -> bool,
    /// Which versions there can be.
    pub(super) version_permits: fn(&str) -> bool,
}

/// Whether a part is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Optional,
    Required,
    Prohibited,
}

/// How a part is put into its canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    AsIs,
    Lower,
    Upper,
    /// Underscores become dashes.
    Dashes,
    /// Lower case, underscores become dashes.
    LowerDashes,
    /// Lower case, all but letters and digits becomes an underscore.
    LowerUnderscores,
    /// Lower case on the servers of Databricks alone, which do not tell case apart.
    LowerOnDatabricks,
}

impl Form {
    pub(super) fn apply(self, text: &str) -> String {
        match self {
            Form::AsIs | Form::LowerOnDatabricks => text.to_owned(),
            Form::Lower => text.to_lowercase(),
            Form::Upper => text.to_uppercase(),
            Form::Dashes => text.replace('_', "-"),
            Form::LowerDashes => text.to_lowercase().replace('_', "-"),
            Form::LowerUnderscores => {
                text.to_lowercase().replace(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit(), "_")
            }
        }
    }
}

impl Type {
    /// The name in its canonical form, given the address of the repository.
    pub(super) fn name_of(&self, name: &str, repository: &str) -> String {
        match self.name {
            Form::LowerOnDatabricks if repository.contains("databricks") => name.to_lowercase(),
            form => form.apply(name),
        }
    }

    const fn namespaced(mut self, need: Need) -> Self {
        self.namespaced = need;
        self
    }

    const fn namespace(mut self, form: Form) -> Self {
        self.namespace = form;
        self
    }

    const fn name(mut self, form: Form) -> Self {
        self.name = form;
        self
    }

    const fn version(mut self, form: Form) -> Self {
        self.version = form;
        self
    }

    const fn needs(mut self, qualifiers: &'static [&'static str]) -> Self {
        self.qualifiers = qualifiers;
        self
    }
}

const ANY: Type = Type {
    namespaced: Need::Optional,
    namespace: Form::AsIs,
    segments_max: usize::MAX,
    name_is_path: false,
    name: Form::AsIs,
    version: Form::AsIs,
    subpath: Form::AsIs,
    qualifiers: &[],
    name_permits: |_| true,
    version_permits: |_| true,
};

const BARE: Type = ANY.namespaced(Need::Prohibited);
const OWNED: Type = ANY.namespaced(Need::Required);
const FOLDED: Type = OWNED.namespace(Form::Lower).name(Form::Lower);

/// The registered types in alphabetical order; those without rules of their own are left out.
static TYPES: &[(&str, Type)] = &[
    ("alpm", FOLDED),
    ("apk", FOLDED),
    ("bazel", BARE),
    ("bitbucket", FOLDED),
    ("bitnami", BARE.name(Form::Lower)),
    ("brew", ANY.namespace(Form::Lower).name(Form::Lower)),
    ("cargo", BARE),
    ("chrome-extension", Type { name_permits: extension, version_permits: four_numbers, ..BARE.name(Form::Lower) }),
    ("cocoapods", BARE),
    ("composer", FOLDED),
    ("conda", BARE),
    ("cpan", Type { name_permits: |name| !name.contains("::"), ..ANY.namespace(Form::Upper) }),
    ("cran", BARE),
    ("deb", FOLDED),
    ("gem", BARE),
    ("git", Type { name_is_path: true, ..FOLDED }),
    ("github", FOLDED),
    ("golang", OWNED),
    ("hackage", BARE.name(Form::Dashes)),
    ("hex", ANY.namespace(Form::Lower).name(Form::Lower)),
    ("huggingface", OWNED.version(Form::Lower)),
    ("julia", BARE.needs(&["uuid"])),
    ("luarocks", ANY.namespace(Form::Lower).name(Form::Lower)),
    ("maven", OWNED),
    ("mlflow", BARE.name(Form::LowerOnDatabricks)),
    ("nuget", BARE),
    ("oci", BARE.name(Form::Lower).version(Form::Lower)),
    ("opam", BARE),
    ("otp", Type { subpath: Form::Lower, ..BARE.name(Form::Lower) }),
    ("pub", BARE.name(Form::LowerUnderscores)),
    ("pypi", BARE.name(Form::LowerDashes).version(Form::Lower)),
    ("qpkg", OWNED.namespace(Form::Lower)),
    ("rpm", OWNED.namespace(Form::Lower)),
    ("swid", Type { segments_max: 2, ..ANY.needs(&["tag_id"]) }),
    ("swift", OWNED),
    ("vcpkg", BARE),
    ("vscode-extension", FOLDED.version(Form::Lower)),
    ("yocto", ANY.namespace(Form::Lower)),
];

/// The rules of a type; those that everything follows for a type that is not registered.
pub(super) fn of(kind: &str) -> &'static Type {
    static UNKNOWN: Type = ANY;
    TYPES
        .binary_search_by(|(name, _)| (*name).cmp(kind))
        .ok()
        .and_then(|index| TYPES.get(index))
        .map_or(&UNKNOWN, |(_, rules)| rules)
}

/// Chrome writes the hash of a key with the letters a to p.
fn extension(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|byte| matches!(byte, b'a'..=b'p'))
}

fn four_numbers(version: &str) -> bool {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    version.split('.').count() <= 4 && version.split('.').all(number)
}

#[cfg(test)]
mod tests {
    use super::TYPES;

    #[test]
    fn the_types_stand_in_order() {
        assert!(TYPES.is_sorted_by(|(a, _), (b, _)| a < b));
    }
}
