//! ConstraintTemplates.

use std::sync::Arc;

use manifest::{Tree, Value};

use super::native::{self, Native};
use super::rego::Module;
use super::report::{Report, join, shape};

/// A template, ready to be evaluated.
#[derive(Debug)]
pub(super) struct Template {
    /// `metadata.name`
    pub(super) name: Arc<str>,
    /// The kind of its constraints.
    pub(super) kind: Arc<str>,
    /// `spec.crd.spec.validation.openAPIV3Schema`
    pub(super) schema: Option<Tree<'static>>,
    /// Fields that the schema does not have are kept, as older templates do.
    pub(super) legacy: bool,
    /// `targets[0].operations`; empty for all.
    pub(super) operations: Vec<Box<str>>,
    /// What it is written in.
    pub(super) code: Code,
    /// Annotations that say how Kobuk reports it.
    pub(super) annotations: Vec<(Box<str>, Box<str>)>,
}

/// Compiled code of a template.
#[derive(Debug)]
pub(super) enum Code {
    /// Rego.
    Rego(Box<Module>),
    /// `K8sNativeValidation`
    Native(Box<Native>),
}

/// Which code of a template is used when it has both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preference {
    /// CEL, as Gatekeeper does when nobody turned it off.
    #[default]
    Native,
    /// Rego, as Gatekeeper does without `--enable-k8s-native-validation`.
    Rego,
}

impl Template {
    /// Whether a document is a template of whatever version.
    pub(super) fn is(root: Value<'_>) -> bool {
        root.str_at("kind") == Some("ConstraintTemplate")
            && root.str_at("apiVersion").is_some_and(|version| version.starts_with("templates.gatekeeper.sh/"))
    }

    /// Reads and compiles a template. `None` when it is refused.
    pub(super) fn read(
        root: Value<'_>,
        preference: Preference,
        compiler: &mut native::Compilers,
        report: &mut Report,
    ) -> Option<Template> {
        let version = root.str_at("apiVersion").unwrap_or("").rsplit('/').next().unwrap_or("");
        if !["v1", "v1beta1", "v1alpha1"].contains(&version) {
            report.refuse(root, "apiVersion", "expected templates.gatekeeper.sh/v1, v1beta1 or v1alpha1");
        }
        report.known(root, "", &["apiVersion", "kind", "metadata", "spec", "status"], false);
        let name = root.path(&["metadata", "name"]).and_then(Value::as_str).unwrap_or("");
        let Some(spec) = report.map(root, "", "spec") else {
            report.refuse(root, "spec", "is required");
            return None;
        };
        report.known(spec, "spec", &["crd", "targets"], false);
        let (kind, schema, legacy) = definition(root, spec, name, version, report);
        let targets = report.list(spec, "spec", "targets");
        let [target] = targets.as_slice() else {
            report.refuse(spec, "spec.targets", format!("a template has exactly one target, found {}", targets.len()));
            return None;
        };
        let target = *target;
        report.known(target, TARGET, &["target", "rego", "libs", "code", "operations"], false);
        if report.text(target, TARGET, "target") != Some("admission.k8s.gatekeeper.sh") {
            report.refuse(target, "spec.targets[0].target", "expected admission.k8s.gatekeeper.sh");
        }
        let operations = report.texts(target, TARGET, "operations").into_iter().map(Box::from).collect();
        let code = code(target, &kind, preference, compiler, report)?;
        if report.refused() {
            return None;
        }
        Some(Template {
            name: name.into(),
            kind: kind.into(),
            schema: schema.map(Value::to_tree),
            legacy,
            operations,
            code,
            annotations: annotations(root),
        })
    }

    /// Whether requests of this operation are looked at. An empty one stands for a plain object.
    pub(super) fn has_operation(&self, operation: &str) -> bool {
        operation.is_empty()
            || self.operations.is_empty()
            || self.operations.iter().any(|known| **known == *"*" || **known == *operation)
    }
}

fn annotations(root: Value<'_>) -> Vec<(Box<str>, Box<str>)> {
    let annotations = root.path(&["metadata", "annotations"]);
    let text = |(key, value): (Value<'_>, Value<'_>)| Some((key.as_str()?.into(), value.as_str()?.into()));
    let entries = annotations.into_iter().flat_map(Value::entries).filter_map(text);
    entries.filter(|(key, _): &(Box<str>, Box<str>)| key.starts_with("kobuk.dev/")).collect()
}

fn definition<'d>(
    root: Value<'d>,
    spec: Value<'d>,
    name: &str,
    version: &str,
    report: &mut Report,
) -> (String, Option<Value<'d>>, bool) {
    let inner = spec.path(&["crd", "spec"]).unwrap_or(spec);
    report.known(inner, "spec.crd.spec", &["names", "validation"], false);
    let kind = inner.path(&["names", "kind"]).and_then(Value::as_str).unwrap_or("");
    if kind.is_empty() {
        report.refuse(inner, "spec.crd.spec.names.kind", "is required");
    } else if name != kind.to_lowercase() {
        let message = format!("must be the kind in lower case, `{}`", kind.to_lowercase());
        report.refuse(root.get("metadata").unwrap_or(root), "metadata.name", message);
    }
    let Some(validation) = inner.get("validation") else { return (kind.to_owned(), None, version != "v1") };
    report.known(validation, "spec.crd.spec.validation", &["openAPIV3Schema", "legacySchema"], false);
    let schema = report.map(validation, "spec.crd.spec.validation", "openAPIV3Schema");
    // Older versions keep what the schema does not know unless told otherwise; v1 does not.
    let legacy = validation.bool_at("legacySchema").unwrap_or(version != "v1");
    (kind.to_owned(), schema, legacy)
}

fn code(
    target: Value<'_>,
    kind: &str,
    preference: Preference,
    compilers: &mut native::Compilers,
    report: &mut Report,
) -> Option<Code> {
    let (mut rego, mut native) = (None, None);
    for (index, item) in report.list(target, TARGET, "code").into_iter().enumerate() {
        let path = format!("spec.targets[0].code[{index}]");
        report.known(item, &path, &["engine", "source"], false);
        let source = report.map(item, &path, "source");
        let path = join(&path, "source");
        match (report.text(item, &path, "engine"), source) {
            (Some("Rego"), Some(source)) => rego = rego.or(Some((source, path))),
            (Some("K8sNativeValidation"), Some(source)) => native = native.or(Some((source, path))),
            (_, None) => report.refuse(item, &path, "is required"),
            (engine, Some(_)) => {
                let engine = engine.unwrap_or("").to_owned();
                report.refuse(
                    item,
                    &path,
                    format!("unknown engine `{engine}`; known are `Rego` and `K8sNativeValidation`"),
                );
            }
        }
    }
    if target.get("rego").is_some() {
        if rego.is_some() {
            report.useless(target, "spec.targets[0].rego", "is not used, because `code` has Rego too");
        }
        rego = rego.or(Some((target, TARGET.to_owned())));
    }
    let first_rego = preference == Preference::Rego;
    match (rego, native) {
        (Some((source, path)), native) if first_rego || native.is_none() => {
            read_rego(source, &path, report).map(|module| Code::Rego(Box::new(module)))
        }
        (_, Some((source, path))) => {
            native::read(source, &path, kind, compilers, report).map(|native| Code::Native(Box::new(native)))
        }
        _ => {
            report.refuse(target, "spec.targets[0].code", "has neither Rego nor K8sNativeValidation");
            None
        }
    }
}

fn read_rego(source: Value<'_>, path: &str, report: &mut Report) -> Option<Module> {
    if path != TARGET {
        report.known(source, path, &["rego", "libs", "version"], false);
    }
    let Some(main) = report.text(source, path, "rego") else {
        report.refuse(source, &join(path, "rego"), "is required");
        return None;
    };
    let libraries = report.texts(source, path, "libs");
    let version_1 = match source.get("version").filter(|_| path != TARGET) {
        None => false,
        Some(version) => match version.as_str() {
            Some("v1") => true,
            Some("v0" | "") => false,
            _ => {
                let shown = version.text().unwrap_or(shape(version).into()).into_owned();
                report.useless(
                    version,
                    &join(path, "version"),
                    format!("`{shown}` is read as v0; known are v0 and v1"),
                );
                false
            }
        },
    };
    let place = |module: usize| match module {
        0 => (source.get("rego").unwrap_or(source), join(path, "rego")),
        index => {
            let libraries = source.get("libs").unwrap_or(source);
            let at = libraries.items().nth(index - 1).unwrap_or(libraries);
            (at, format!("{}[{}]", join(path, "libs"), index - 1))
        }
    };
    match Module::compile(main, &libraries, version_1) {
        Ok(module) => {
            for stray in &module.strays {
                let (at, field) = place(stray.module);
                report.useless(at, &field, stray.message.clone());
            }
            Some(module)
        }
        Err(errors) => {
            for error in errors {
                let (at, field) = place(error.module);
                report.refuse(at, &field, error.message);
            }
            None
        }
    }
}

const TARGET: &str = "spec.targets[0]";
