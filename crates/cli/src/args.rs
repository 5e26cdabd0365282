//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use model::Severity;

/// Secures Kubernetes from the first commit to the running pod, and can prove it.
#[derive(Debug, Parser)]
#[command(name = "kobuk", version, about, after_help = AFTER_HELP, max_term_width = 110, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "\
Exit codes: 0 clean, 1 findings at or above --fail-on, 2 something could not be judged, 3 usage.
Start with: kobuk assess .";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Judge everything that can be judged here, folded over the control catalogue
    ///
    /// Prints phase by phase what stands, what is violated with the worst first, and what could not be known from
    /// this input and which input would tell.
    Assess(JudgeArgs),
    /// Print findings only
    #[command(subcommand)]
    Scan(ScanCommand),
    /// Write the bill of materials of an image or folder, or compare two
    Sbom(crate::artifacts::args::SbomArgs),
    /// Keep the database of known vulnerabilities
    #[command(subcommand)]
    Advisories(crate::advisories::AdvisoriesCommand),
    /// Judge, test and explain with policies of your own, in CEL and Rego
    #[command(subcommand)]
    Policy(crate::policy::args::PolicyCommand),
    /// Look up the controls of the catalogue
    #[command(subcommand)]
    Controls(ControlsCommand),
    /// Explain a finding code, or list all codes
    Explain(ExplainArgs),
    /// Write files that other tools take
    #[command(subcommand)]
    Generate(GenerateCommand),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ScanCommand {
    /// Kubernetes manifests, Helm charts, Kustomize folders and cluster configuration files
    Manifests(JudgeArgs),
    /// Container images: vulnerable packages, secrets, hardening
    Image(crate::artifacts::args::ImageArgs),
    /// Root file systems: vulnerable packages that are installed, secrets
    Fs(crate::artifacts::args::FolderArgs),
    /// Source trees: vulnerable packages in lock files, secrets, Containerfiles
    Repo(crate::artifacts::args::FolderArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ControlsCommand {
    /// List all controls
    List {
        /// Output format
        #[arg(long, value_enum, default_value = "text")]
        format: CatalogueFormat,
        /// Only this phase: develop, distribute, deploy, runtime, observability
        #[arg(long)]
        phase: Option<String>,
    },
    /// Show one control with the codes that serve it
    Show {
        /// Control id, for example RC-10
        id: String,
        /// Output format
        #[arg(long, value_enum, default_value = "text")]
        format: CatalogueFormat,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CatalogueFormat {
    Text,
    Json,
    Oscal,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Finding code, for example image-tag-latest; all codes when not given
    pub(crate) code: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: ExplainFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExplainFormat {
    Text,
    Json,
    Markdown,
}

#[derive(Debug, Subcommand)]
pub(crate) enum GenerateCommand {
    /// The CustomResourceDefinition of Exception
    Crd,
    /// The reference of all commands, as Markdown
    Reference,
    /// Man pages, into a folder
    Man {
        /// The folder
        dir: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct JudgeArgs {
    /// Files and folders; `-` reads standard input
    #[arg(value_name = "PATH", default_value = ".")]
    pub(crate) paths: Vec<PathBuf>,

    /// Output format
    #[arg(long, short, value_enum)]
    pub(crate) format: Option<crate::report::Format>,
    /// Write the report to a file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Settings file [default: ./kobuk.yaml when there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Pod Security Standard: `LEVEL[:VERSION]`, or `labels` to apply the namespaces' labels as the API server does
    #[arg(long, value_name = "LEVEL[:VERSION]", help_heading = "What is judged")]
    pub(crate) pod_security: Option<String>,
    /// Only checks whose code matches (`*` stands for anything); repeatable
    #[arg(long, value_name = "GLOB", value_delimiter = ',', help_heading = "What is judged")]
    pub(crate) check: Vec<String>,
    /// No checks whose code matches; repeatable
    #[arg(long, value_name = "GLOB", value_delimiter = ',', help_heading = "What is judged")]
    pub(crate) skip: Vec<String>,
    /// Only controls that match, for example RC-10 or `NW-*`; repeatable
    #[arg(long, value_name = "GLOB", value_delimiter = ',', help_heading = "What is judged")]
    pub(crate) controls: Vec<String>,
    /// Registry that images may come from, with an optional path; repeatable
    #[arg(long, value_name = "HOST[/PATH]", value_delimiter = ',', help_heading = "What is judged")]
    pub(crate) registry: Vec<String>,

    /// Only files whose path matches; repeatable
    #[arg(long, value_name = "GLOB", help_heading = "What is read")]
    pub(crate) include: Vec<String>,
    /// No files whose path matches; repeatable
    #[arg(long, value_name = "GLOB", help_heading = "What is read")]
    pub(crate) exclude: Vec<String>,
    /// Read files that .gitignore and .ignore leave out
    #[arg(long, help_heading = "What is read")]
    pub(crate) no_ignore: bool,
    /// Do not run helm or kustomize on charts and kustomizations
    #[arg(long, help_heading = "What is read")]
    pub(crate) no_render: bool,
    /// Read Exceptions from here, and honour no others; repeatable
    #[arg(long, value_name = "PATH", help_heading = "What is read")]
    pub(crate) exceptions: Vec<PathBuf>,

    /// Exit with 1 on findings at or above this severity, or `never` [default: low]
    #[arg(long, value_name = "SEVERITY", help_heading = "What counts")]
    pub(crate) fail_on: Option<FailOn>,
    /// Report only findings at or above this severity
    #[arg(long, value_name = "SEVERITY", value_parser = severity, help_heading = "What counts")]
    pub(crate) severity: Option<Severity>,
    /// Report only what this earlier JSON report does not have
    #[arg(long, value_name = "FILE", help_heading = "What counts")]
    pub(crate) baseline: Option<PathBuf>,
    /// Exit with 0 or 1 even when a template was not rendered
    #[arg(long, help_heading = "What counts")]
    pub(crate) allow_unrendered: bool,
    /// Exit with 0 or 1 even when a policy depends on facts that nobody gave
    #[arg(long, help_heading = "What counts")]
    pub(crate) allow_unknown: bool,

    #[command(flatten)]
    pub(crate) beside: crate::artifacts::args::BesideArgs,

    #[command(flatten)]
    pub(crate) policy: crate::policy::args::PolicyArgs,

    /// Threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256), help_heading = "How it runs")]
    pub(crate) jobs: Option<u16>,
    /// Colour: auto, always, never
    #[arg(long, value_enum, default_value = "auto", help_heading = "How it runs")]
    pub(crate) color: Color,
    /// No progress bar and no remarks on standard error
    #[arg(long, short, help_heading = "How it runs")]
    pub(crate) quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

/// From which severity on findings make the run fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailOn {
    Never,
    From(Severity),
}

impl FailOn {
    /// The severity from which on a report calls a run failed; a run that never fails is still judged by its worst.
    pub(crate) fn severity(self) -> Severity {
        match self {
            FailOn::Never => Severity::Critical,
            FailOn::From(severity) => severity,
        }
    }
}

impl std::str::FromStr for FailOn {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        if word == "never" { Ok(FailOn::Never) } else { severity(word).map(FailOn::From) }
    }
}

pub(crate) fn severity(word: &str) -> Result<Severity, String> {
    word.parse().map_err(|error: model::severity::UnknownSeverity| error.to_string())
}
