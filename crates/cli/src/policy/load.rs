//! Policies and facts, from what the flags name.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use policy::admission::Facts;
use policy::admission_policy::{Level, LoadIssue, TypeWarning};
use policy::gatekeeper::Inventory;
use policy::policies::{Options, Policies};

use super::args::{Engine, PolicyArgs};
use super::documents::Texts;
use super::eval::printable;
use super::packs;

/// Policies and facts of a run.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) policies: Policies,
    pub(crate) facts: Facts,
    /// The facts as templates in Rego see them, where some template looks.
    pub(crate) inventory: Option<Inventory>,
    /// What is worth a remark.
    pub(crate) remarks: Vec<String>,
    /// How they were loaded.
    options: Options,
    /// Where they came from.
    texts: Texts,
}

/// The run cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    /// A policy is refused, or its file cannot be read. A policy that is left out must not look like one that has
    /// nothing to say.
    #[error("policies cannot be used:\n  {}", .0.join("\n  "))]
    Policies(Vec<String>),
    /// There is nothing to judge with.
    #[error(
        "no policy in {0}; name files with admission policies, ConstraintTemplates or mutators, or a pack as in \
         `--policy pack:builtin`"
    )]
    NoPolicy(String),
    /// No `--policy`.
    #[error("no policy to judge with; name files, folders or packs with --policy, as in `--policy pack:builtin`")]
    NoPath,
    /// Facts cannot be read.
    #[error("facts cannot be used:\n  {}", .0.join("\n  "))]
    Facts(Vec<String>),
    /// No pack of this name.
    #[error("no pack `{0}`; there are {1}")]
    Pack(String, String),
    /// `--complete` names no kind.
    #[error(
        "--complete `{0}` is no kind; write `all`, `rbac`, or group and kind as in `apps/Deployment` or `ConfigMap`"
    )]
    Complete(String),
    /// `--complete` names a kind that does not exist.
    #[error("--complete `{0}`: neither the API server nor the facts or the policies know this kind; {1}")]
    NoSuchKind(String, String),
    /// No version of Kubernetes.
    #[error("--kubernetes-version `{0}` is not of the form v1.36")]
    KubernetesVersion(String),
    /// A version that nobody here knows.
    #[error("--kubernetes-version `{0}` is not known; the newest that is known is v1.{newest}", newest = policy::config::KUBERNETES_MINOR)]
    KubernetesVersionUnknown(String),
    /// kubectl does not answer.
    #[error("--cluster: {0}")]
    Cluster(String),
}

/// Loads all of it.
pub(crate) fn load(args: &PolicyArgs) -> Result<Loaded, LoadError> {
    let options = options(args.engine, minor(args.kubernetes_version.as_deref())?);
    if args.policies.is_empty() {
        return Err(LoadError::NoPath);
    }
    let texts = policy_texts(&args.policies)?;
    let (policies, remarks) = policies(&texts, options.clone())?;
    if policies.is_empty() {
        let paths: Vec<String> = args.policies.iter().map(|path| path.display().to_string()).collect();
        return Err(LoadError::NoPolicy(paths.join(", ")));
    }
    let mut facts = facts(&args.facts, &args.complete, &policies)?;
    if args.cluster {
        from_cluster(&mut facts)?;
    }
    let inventory = policies.inventory(&facts);
    Ok(Loaded { policies, facts, inventory, remarks, options, texts })
}

/// The minor version of Kubernetes that a flag names; without one the version that the tables are of.
pub(crate) fn minor(flag: Option<&str>) -> Result<u32, LoadError> {
    let Some(text) = flag else { return Ok(policy::config::KUBERNETES_MINOR) };
    let numbers: Option<Vec<u32>> =
        text.strip_prefix('v').unwrap_or(text).split('.').map(|number| number.parse().ok()).collect();
    match numbers.as_deref() {
        // What it will bring, and take away, nobody knows.
        Some([1, minor] | [1, minor, _]) if *minor > policy::config::KUBERNETES_MINOR => {
            Err(LoadError::KubernetesVersionUnknown(text.to_owned()))
        }
        Some([1, minor] | [1, minor, _]) => Ok(*minor),
        _ => Err(LoadError::KubernetesVersion(text.to_owned())),
    }
}

/// How policies are loaded.
pub(crate) fn options(engine: Engine, kubernetes_minor: u32) -> Options {
    Options { kubernetes_minor, bind_all: true, prefer_rego: engine == Engine::Rego }
}

/// Texts of files, folders and packs.
pub(crate) fn policy_texts(paths: &[PathBuf]) -> Result<Texts, LoadError> {
    let is_pack = |path: &&PathBuf| packs::name(path).is_some();
    let files: Vec<PathBuf> = paths.iter().filter(|path| !is_pack(path)).cloned().collect();
    let mut texts = Texts::read(&files);
    for path in paths {
        let Some(name) = packs::name(path) else { continue };
        let text = packs::text(name).ok_or_else(|| LoadError::Pack(name.to_owned(), packs::names().join(", ")))?;
        texts.push(&path.display().to_string(), text);
    }
    Ok(texts)
}

/// Policies out of texts; any that is refused is an error.
pub(crate) fn policies(texts: &Texts, options: Options) -> Result<(Policies, Vec<String>), LoadError> {
    let (documents, faults) = texts.documents();
    let mut wrong: Vec<String> = texts.faults.iter().cloned().chain(faults).collect();
    let (policies, issues) = Policies::load(&documents.objects(), &options);
    let told = |file| issues.iter().any(|issue| issue.location.file == file && issue.message.starts_with("duplicate"));
    wrong.extend(documents.ambiguous(told));
    wrong.extend(documents.untyped());
    let mut remarks = Vec::new();
    for issue in &issues {
        let list = if issue.level == Level::Warning { &mut remarks } else { &mut wrong };
        list.push(said(issue, texts));
    }
    if wrong.is_empty() { Ok((policies, remarks)) } else { Err(LoadError::Policies(wrong)) }
}

/// A mistake that shows when the type of the object is known, with its place.
fn type_remark(warning: &TypeWarning, texts: &Texts) -> String {
    let lines: Vec<String> = warning.warning.lines().map(printable).collect();
    format!("{}: {} {}: {}", texts.place(warning.location), warning.policy, warning.field, lines.join("\n  "))
}

/// An issue with its place.
fn said(issue: &LoadIssue, texts: &Texts) -> String {
    let hint = issue.hint.map(|hint| format!("\n    hint: {hint}")).unwrap_or_default();
    let text = issue.to_string();
    // Below an expression stands the place of the mistake, on lines of their own.
    let lines: Vec<String> = text.lines().map(printable).collect();
    format!("{}: {}{hint}", texts.place(issue.location), lines.join("\n    "))
}

/// Facts out of files and folders.
pub(crate) fn facts(paths: &[PathBuf], complete: &[String], policies: &Policies) -> Result<Facts, LoadError> {
    let texts = Texts::read(paths);
    let (documents, faults) = texts.documents();
    let mut wrong: Vec<String> =
        texts.faults.iter().cloned().chain(faults).chain(documents.ambiguous(|_| false)).collect();
    let mut facts = Facts::new();
    for object in documents.objects() {
        if let Err(error) = facts.add(object) {
            wrong.push(format!("{}: {error}", texts.place(object.location())));
        }
    }
    for word in complete {
        set_complete(&mut facts, word, policies)?;
    }
    if wrong.is_empty() { Ok(facts) } else { Err(LoadError::Facts(wrong)) }
}

fn set_complete(facts: &mut Facts, word: &str, policies: &Policies) -> Result<(), LoadError> {
    match word {
        "all" => facts.set_all_complete(),
        "rbac" => RBAC_KINDS.iter().for_each(|kind| facts.set_complete("rbac.authorization.k8s.io", kind)),
        _ => {
            let (group, kind) = word.rsplit_once('/').unwrap_or(("", word));
            // `v1/ConfigMap` and `apps/v1/Deployment` are what people copy out of a manifest.
            let is_version =
                |word: &str| word.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
            let group = match group.rsplit_once('/') {
                Some((group, version)) if is_version(version) => group,
                None if is_version(group) => "",
                _ => group,
            };
            if !kind.starts_with(|c: char| c.is_ascii_uppercase()) {
                return Err(LoadError::Complete(word.to_owned()));
            }
            if !facts.has_kind(group, kind) && !policies.names_kind(group, kind) {
                let meant = policy::admission::resources::nearest_kind(group, kind);
                let hint = meant.map_or_else(
                    || String::from("add its definition to the facts"),
                    |meant| format!("did you mean `{meant}`"),
                );
                return Err(LoadError::NoSuchKind(word.to_owned(), hint));
            }
            facts.set_complete(group, kind);
        }
    }
    Ok(())
}

const RBAC_KINDS: [&str; 4] = ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"];

/// Kinds that are asked of a cluster: namespaces, parameters as ConfigMaps, RBAC, definitions.
const CLUSTER_KINDS: &[(&str, &str, &str)] = &[
    ("namespaces", "", "Namespace"),
    ("configmaps", "", "ConfigMap"),
    ("clusterroles.rbac.authorization.k8s.io", "rbac.authorization.k8s.io", "ClusterRole"),
    ("clusterrolebindings.rbac.authorization.k8s.io", "rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ("roles.rbac.authorization.k8s.io", "rbac.authorization.k8s.io", "Role"),
    ("rolebindings.rbac.authorization.k8s.io", "rbac.authorization.k8s.io", "RoleBinding"),
    ("customresourcedefinitions.apiextensions.k8s.io", "apiextensions.k8s.io", "CustomResourceDefinition"),
];

/// Asks the cluster that kubectl is set up for. Only kubectl talks to it; nothing that a policy says can make it.
fn from_cluster(facts: &mut Facts) -> Result<(), LoadError> {
    let kubectl = crate::render::find_program("kubectl")
        .ok_or_else(|| LoadError::Cluster("kubectl is not in PATH".to_owned()))?;
    for (resource, group, kind) in CLUSTER_KINDS {
        let text = ask(&kubectl, resource)?;
        let mut problem = None;
        manifest::documents(&text, model::FileId(0), |document| match document {
            Ok(tree) => problem = facts.add(tree.root()).err().map(|error| error.to_string()),
            Err(error) => problem = Some(error.to_string()),
        });
        match problem {
            Some(problem) => return Err(LoadError::Cluster(format!("{resource}: {problem}"))),
            None => facts.set_complete(group, kind),
        }
    }
    Ok(())
}

fn ask(kubectl: &Path, resource: &str) -> Result<String, LoadError> {
    let mut command = Command::new(kubectl);
    command.args(["get", resource, "--all-namespaces", "--output", "json", "--request-timeout", CLUSTER_TIMEOUT]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = crate::render::bounded_output(&mut command).map_err(|error| {
        let hint = "check KUBECONFIG and the context with `kubectl config view`, or give --facts instead";
        LoadError::Cluster(format!("kubectl get {resource}: {error}\n  hint: {hint}"))
    })?;
    String::from_utf8(output).map_err(|_| LoadError::Cluster(format!("{resource}: the answer is no UTF-8")))
}

/// How long the cluster may take for one kind. A list of ten thousand objects takes a few seconds.
const CLUSTER_TIMEOUT: &str = "30s";

// === impl Loaded ===

impl Loaded {
    /// What the API server would write into `status.typeChecking`. Asked for by verbs that are about policies; a scan
    /// does not spend the time.
    pub(crate) fn type_remarks(&self) -> Vec<String> {
        let warnings = self.policies.type_check(&self.facts, &self.options);
        warnings.iter().map(|warning| type_remark(warning, &self.texts)).collect()
    }
}
