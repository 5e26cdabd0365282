//! Flags of `kobuk policy` and of `--policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Judge manifests or AdmissionReviews with policies
    ///
    /// Every object is judged as a request to create it, unless --operation and --old say otherwise. Exit codes: 0
    /// nothing is refused, 1 something is refused, 2 a policy could not be judged or depends on facts nobody gave.
    Eval(EvalArgs),
    /// Run the tests of policies: PolicyTest tables and Gatekeeper's suite.yaml
    Test(TestArgs),
    /// Measure how long policies take on objects
    Bench(BenchArgs),
    /// Write policies in another form: built-in checks, or Gatekeeper's CEL templates, as ValidatingAdmissionPolicies
    Convert(ConvertArgs),
    /// Look for mistakes in policies without judging anything
    ///
    /// Lists what the API server or Gatekeeper would refuse, what has no effect, and what the type checker says when
    /// it knows the kinds that a policy names. Exit codes: 0 nothing is wrong, 1 something is refused or has no
    /// effect, 2 there is no policy or a file cannot be read.
    Check(CheckArgs),
    /// Show step by step how policies judge one request: every expression with its values and its cost
    Explain(ExplainArgs),
}

/// Which policies, and what is known about the cluster.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct PolicyArgs {
    /// Policies: files, folders, or `pack:NAME` for a pack that is built in; repeatable
    #[arg(long = "policy", short = 'p', value_name = "PATH", help_heading = "Policies")]
    pub(crate) policies: Vec<PathBuf>,
    /// What is known about the cluster: files and folders with namespaces, parameters, RBAC, definitions of custom
    /// resources, inventory; repeatable
    #[arg(long, value_name = "PATH", help_heading = "Policies")]
    pub(crate) facts: Vec<PathBuf>,
    /// Kinds of which the facts hold every object, so that what is not there does not exist: `rbac`, `all`, or a kind
    /// as `v1/ConfigMap`; repeatable
    #[arg(long, value_name = "KIND", value_delimiter = ',', help_heading = "Policies")]
    pub(crate) complete: Vec<String>,
    /// Take the facts from the cluster that kubectl is set up for, too
    #[arg(long, help_heading = "Policies")]
    pub(crate) cluster: bool,
    /// Which code of a ConstraintTemplate that has both is run
    #[arg(long, value_enum, value_name = "ENGINE", default_value = "cel", help_heading = "Policies")]
    pub(crate) engine: Engine,
    /// Kubernetes version that manifests and policies are for, for example v1.36
    #[arg(long, value_name = "VERSION", help_heading = "What is judged")]
    pub(crate) kubernetes_version: Option<String>,
}

/// Which code of a ConstraintTemplate runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// CEL where there is some, as Gatekeeper does
    #[default]
    Cel,
    /// Rego where there is some
    Rego,
}

#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    /// Manifests or AdmissionReviews: files and folders; `-` reads standard input
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
    #[command(flatten)]
    pub(crate) request: RequestArgs,
    /// Output format
    #[arg(long, short, value_enum, default_value = "text")]
    pub(crate) format: EvalFormat,
    /// Write objects as mutating policies leave them into this file, as a YAML stream
    #[arg(long, value_name = "FILE")]
    pub(crate) mutated: Option<PathBuf>,
    /// List policies that are satisfied or do not apply, too
    #[arg(long)]
    pub(crate) all: bool,
    /// Exit with 0 or 1 even when a policy depends on facts that nobody gave
    #[arg(long)]
    pub(crate) allow_unknown: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Manifests or AdmissionReviews: files and folders; `-` reads standard input
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
    #[command(flatten)]
    pub(crate) request: RequestArgs,
    /// Output format
    #[arg(long, short, value_enum, default_value = "text")]
    pub(crate) format: EvalFormat,
    /// Show policies that do not look at the request, too, and why
    #[arg(long)]
    pub(crate) all: bool,
}

/// What manifests do not say about a request. AdmissionReviews say it all.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct RequestArgs {
    /// What is done: CREATE, UPDATE, DELETE or CONNECT [default: CREATE, or UPDATE with --old]
    #[arg(long, value_name = "OPERATION", help_heading = "The request", value_parser = operation)]
    pub(crate) operation: Option<policy::admission::Operation>,
    /// The object before the request
    #[arg(long, value_name = "FILE", help_heading = "The request")]
    pub(crate) old: Option<PathBuf>,
    /// Plural of the resource, for requests whose object does not tell it
    #[arg(long, value_name = "PLURAL", help_heading = "The request")]
    pub(crate) resource: Option<String>,
    /// Sub-resource, for example scale or ephemeralcontainers
    #[arg(long, value_name = "NAME", help_heading = "The request")]
    pub(crate) sub_resource: Option<String>,
    /// Namespace of objects that name none
    #[arg(long, value_name = "NAME", default_value = "default", help_heading = "The request")]
    pub(crate) namespace: String,
    /// Name of the user; unknown when not given
    #[arg(long, value_name = "NAME", help_heading = "The request")]
    pub(crate) user: Option<String>,
    /// Group of the user, besides `system:authenticated`, which every known user is in; repeatable
    #[arg(long = "group", value_name = "NAME", help_heading = "The request", requires = "user")]
    pub(crate) groups: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EvalFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// Files and folders with tests
    #[arg(value_name = "PATH", default_value = ".")]
    pub(crate) paths: Vec<PathBuf>,
    /// Only tests whose name contains this text
    #[arg(long, value_name = "TEXT")]
    pub(crate) run: Option<String>,
    /// Which code of a ConstraintTemplate that has both is run
    #[arg(long, value_enum, value_name = "ENGINE", default_value = "cel")]
    pub(crate) engine: Engine,
    /// Kubernetes version that the policies are for, for example v1.36
    #[arg(long, value_name = "VERSION")]
    pub(crate) kubernetes_version: Option<String>,
    /// List what passed, too
    #[arg(long, short)]
    pub(crate) verbose: bool,
    /// Output format
    #[arg(long, short, value_enum, default_value = "text")]
    pub(crate) format: EvalFormat,
}

#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// Manifests or AdmissionReviews
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
    #[command(flatten)]
    pub(crate) request: RequestArgs,
    /// For how long, in seconds
    #[arg(long, default_value = "3", value_parser = clap::value_parser!(u16).range(1..=600))]
    pub(crate) seconds: u16,
    /// Output format
    #[arg(long, short, value_enum, default_value = "text")]
    pub(crate) format: EvalFormat,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Policies: files, folders, or `pack:NAME` for a pack that is built in
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Definitions of custom resources, whose types are checked then; repeatable
    #[arg(long, value_name = "PATH")]
    pub(crate) facts: Vec<PathBuf>,
    /// Which code of a ConstraintTemplate that has both is looked at
    #[arg(long, value_enum, value_name = "ENGINE", default_value = "cel")]
    pub(crate) engine: Engine,
    /// Kubernetes version that the policies are for, for example v1.36
    #[arg(long, value_name = "VERSION")]
    pub(crate) kubernetes_version: Option<String>,
    /// List what every expression costs, at least and at most for objects as large as the API server takes
    #[arg(long)]
    pub(crate) costs: bool,
    /// Output format
    #[arg(long, short, value_enum, default_value = "text")]
    pub(crate) format: EvalFormat,
}

#[derive(Debug, Args)]
pub(crate) struct ConvertArgs {
    /// ConstraintTemplates and constraints
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Write the built-in checks that CEL can say
    #[arg(long, conflicts_with = "paths", required_unless_present = "paths")]
    pub(crate) builtin: bool,
    /// Only checks whose code matches (`*` stands for anything); repeatable
    #[arg(long, value_name = "GLOB", value_delimiter = ',', requires = "builtin")]
    pub(crate) check: Vec<String>,
    /// What the bindings do about a violation: Deny, Warn, Audit; repeatable [default: Deny for built-in checks, what
    /// each constraint says for constraints]
    #[arg(long, value_name = "ACTION", value_delimiter = ',', value_parser = ["Deny", "Warn", "Audit"])]
    pub(crate) action: Vec<String>,
    /// Put before the names of policies and bindings [default: kobuk- for built-in checks, gatekeeper- for templates]
    #[arg(long, value_name = "TEXT")]
    pub(crate) prefix: Option<String>,
    /// Kubernetes version that the policies are for, for example v1.36
    #[arg(long, value_name = "VERSION")]
    pub(crate) kubernetes_version: Option<String>,
}

fn operation(word: &str) -> Result<policy::admission::Operation, String> {
    policy::admission::Operation::parse(&word.to_ascii_uppercase())
        .ok_or_else(|| String::from("one of CREATE, UPDATE, DELETE, CONNECT"))
}
