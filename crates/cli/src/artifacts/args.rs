//! The command lines of `scan image|fs|repo` and `sbom`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use model::Severity;

use crate::args::{Color, FailOn};

/// `kobuk scan image`.
#[derive(Debug, Args)]
pub(crate) struct ImageArgs {
    /// Images: `registry.example/app:1.2`, `oci:DIR`, `oci-archive:FILE`, `docker-archive:FILE`, `containerd:NAME`,
    /// `podman:NAME`, or the path of an archive or OCI layout
    #[arg(value_name = "IMAGE", required = true)]
    pub(crate) targets: Vec<String>,
    /// Base image: upgrades of packages in the layers that it has in common with IMAGE are left to a newer base [default:
    /// packages of the operating system in the lowest layer that has any]
    #[arg(long, value_name = "IMAGE", help_heading = "Where images come from")]
    pub(crate) base: Option<String>,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    #[command(flatten)]
    pub(crate) scan: ScanArgs,
}

/// `kobuk scan fs` and `kobuk scan repo`.
#[derive(Debug, Args)]
pub(crate) struct FolderArgs {
    /// Folders
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) targets: Vec<PathBuf>,
    /// Read files of source trees that .gitignore leaves out
    #[arg(long, help_heading = "What is judged")]
    pub(crate) no_ignore: bool,
    #[command(flatten)]
    pub(crate) scan: ScanArgs,
}

/// Where images come from.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct SourceArgs {
    /// Platform of images that have several, as in linux/arm64/v8 [default: that of this machine]
    #[arg(long, value_name = "OS/ARCH[/VARIANT]", help_heading = "Where images come from")]
    pub(crate) platform: Option<String>,
    /// Speak HTTP without TLS to registries; those of this machine are always spoken to without
    #[arg(long, help_heading = "Where images come from")]
    pub(crate) plain_http: bool,
    /// Certificates of authorities that registries are verified with, beside those of the system
    #[arg(long, value_name = "FILE", help_heading = "Where images come from")]
    pub(crate) ca_file: Option<PathBuf>,
}

/// Images beside manifests.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct BesideArgs {
    /// Scan this image too, as in `kobuk scan image`; repeatable
    #[arg(long = "image", value_name = "IMAGE", help_heading = "Images")]
    pub(crate) images: Vec<String>,
    /// Scan the images that the manifests name, from their registries
    #[arg(long, help_heading = "Images")]
    pub(crate) pull: bool,
    /// Advisory database [default: the one that `kobuk advisories` keeps]
    #[arg(long, value_name = "FILE", help_heading = "Images")]
    pub(crate) advisories: Option<PathBuf>,
}

/// What is looked for, and what counts.
#[derive(Clone, Debug, Args)]
pub(crate) struct ScanArgs {
    /// Output format
    #[arg(long, short, value_enum)]
    pub(crate) format: Option<crate::report::Format>,
    /// Write the report to a file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// What to look for: vulnerabilities, secrets, hardening; repeatable [default: all]
    #[arg(long, value_enum, value_delimiter = ',', help_heading = "What is judged")]
    pub(crate) look_for: Vec<LookFor>,
    /// Only checks whose code matches (`*` stands for anything); repeatable
    #[arg(long, value_name = "GLOB", value_delimiter = ',', help_heading = "What is judged")]
    pub(crate) check: Vec<String>,
    /// No checks whose code matches; repeatable
    #[arg(long, value_name = "GLOB", value_delimiter = ',', help_heading = "What is judged")]
    pub(crate) skip: Vec<String>,
    /// Advisory database [default: the one that `kobuk advisories` keeps]
    #[arg(long, value_name = "FILE", help_heading = "What is judged")]
    pub(crate) advisories: Option<PathBuf>,
    /// VEX statements in OpenVEX, CSAF or CycloneDX: what they call not affected or fixed is listed as info; repeatable
    #[arg(long, value_name = "FILE", help_heading = "What is judged")]
    pub(crate) vex: Vec<PathBuf>,
    /// Write a draft of VEX statements, all under investigation, for vulnerabilities of which no given statement says
    /// anything: CycloneDX where the name ends in .cdx.json, else OpenVEX
    #[arg(long, value_name = "FILE", help_heading = "What is judged")]
    pub(crate) vex_draft: Option<PathBuf>,
    /// SHA-256 digests of known malware, one a line; repeatable
    #[arg(long, value_name = "FILE", help_heading = "What is judged")]
    pub(crate) malware: Vec<PathBuf>,
    /// Read Exceptions from here; repeatable
    #[arg(long, value_name = "PATH", help_heading = "What is judged")]
    pub(crate) exceptions: Vec<PathBuf>,

    /// Whether files that .gitignore leaves out are read; set by the verbs that have folders.
    #[arg(skip)]
    pub(crate) no_ignore: bool,
    /// The base image; set by the verb that has one.
    #[arg(skip)]
    pub(crate) base: Option<String>,

    /// Leave out vulnerabilities for which no fixed version is known
    #[arg(long, help_heading = "What counts")]
    pub(crate) ignore_unfixed: bool,
    /// Exit with 1 on findings at or above this severity, or `never` [default: low]
    #[arg(long, value_name = "SEVERITY", help_heading = "What counts")]
    pub(crate) fail_on: Option<FailOn>,
    /// Report only findings at or above this severity
    #[arg(long, value_name = "SEVERITY", value_parser = crate::args::severity, help_heading = "What counts")]
    pub(crate) severity: Option<Severity>,
    /// Report only what this earlier JSON report does not have
    #[arg(long, value_name = "FILE", help_heading = "What counts")]
    pub(crate) baseline: Option<PathBuf>,
    /// Exit with 0 or 1 even when something could not be told: no database, stale advisories, an unknown system
    #[arg(long, help_heading = "What counts")]
    pub(crate) allow_unknown: bool,
    /// Advisories of a source that is older than this many days tell nothing
    #[arg(long, value_name = "DAYS", default_value_t = STALE_AFTER_DAYS, help_heading = "What counts")]
    pub(crate) stale_after: u32,

    /// Threads [default: one per core]
    #[arg(long, visible_alias = "parallel", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256), help_heading = "How it runs")]
    pub(crate) jobs: Option<u16>,
    /// Give up on a target after this time, as in 90s, 10m, 2h; what was not read by then is unknown [default: 2h]
    #[arg(long, value_name = "TIME", value_parser = timeout, help_heading = "How it runs")]
    pub(crate) timeout: Option<Duration>,
    /// Folder in which what is known of layers is kept [default: the user's cache folder]
    #[arg(long, value_name = "DIR", help_heading = "How it runs")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// Keep and use nothing of earlier scans
    #[arg(long, help_heading = "How it runs")]
    pub(crate) no_cache: bool,
    /// Colour: auto, always, never
    #[arg(long, value_enum, default_value = "auto", help_heading = "How it runs")]
    pub(crate) color: Color,
    /// No progress bar and no remarks on standard error
    #[arg(long, short, help_heading = "How it runs")]
    pub(crate) quiet: bool,
}

/// What a scan looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LookFor {
    /// Packages with known vulnerabilities
    Vulnerabilities,
    /// Tokens, keys and passwords in files and in the configuration
    Secrets,
    /// Root user, setuid files, shells, Containerfiles, known malware
    Hardening,
}

impl Default for ScanArgs {
    fn default() -> Self {
        ScanArgs {
            format: None,
            output: None,
            look_for: Vec::new(),
            check: Vec::new(),
            skip: Vec::new(),
            advisories: None,
            vex: Vec::new(),
            vex_draft: None,
            malware: Vec::new(),
            exceptions: Vec::new(),
            no_ignore: false,
            base: None,
            ignore_unfixed: false,
            fail_on: None,
            severity: None,
            baseline: None,
            allow_unknown: false,
            stale_after: STALE_AFTER_DAYS,
            jobs: None,
            timeout: None,
            cache_dir: None,
            no_cache: false,
            color: Color::Auto,
            quiet: false,
        }
    }
}

fn timeout(text: &str) -> Result<Duration, String> {
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err("a whole number and s, m or h, as in 10m".into()),
    };
    let number: u64 = digits.parse().map_err(|_| "a whole number and s, m or h, as in 10m")?;
    number
        .checked_mul(seconds)
        .filter(|seconds| *seconds > 0)
        .map(Duration::from_secs)
        .ok_or_else(|| "it is no time".into())
}

/// Days after which advisories are stale: distributions publish daily, and a week leaves room for a failed fetch.
const STALE_AFTER_DAYS: u32 = 7;

impl ScanArgs {
    /// Whether the scan looks for it.
    pub(crate) fn wants(&self, what: LookFor) -> bool {
        self.look_for.is_empty() || self.look_for.contains(&what)
    }
}

/// `kobuk sbom`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct SbomArgs {
    #[command(subcommand)]
    pub(crate) command: Option<SbomCommand>,
    /// An image as in `kobuk scan image`, or a folder
    #[arg(value_name = "IMAGE|DIR", required = true)]
    pub(crate) target: Option<String>,
    /// Output format
    #[arg(long, short, value_enum, default_value = "cyclonedx")]
    pub(crate) format: SbomFormat,
    /// Write to a file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Threads [default: one per core]
    #[arg(long, visible_alias = "parallel", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) jobs: Option<u16>,
    /// Folder in which what is known of layers is kept [default: the user's cache folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// Keep and use nothing of earlier scans
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// No remarks on standard error
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// Below `kobuk sbom`.
#[derive(Debug, Subcommand)]
pub(crate) enum SbomCommand {
    /// Tell what changed from one bill of materials to another
    Diff {
        /// CycloneDX or SPDX document
        old: PathBuf,
        /// CycloneDX or SPDX document
        new: PathBuf,
        /// Output format
        #[arg(long, short, value_enum, default_value = "text")]
        format: DiffFormat,
    },
    /// Tell whether documents are valid CycloneDX or SPDX
    Validate {
        /// The documents
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

/// Form of a bill of materials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SbomFormat {
    /// CycloneDX 1.6 in JSON
    Cyclonedx,
    /// CycloneDX 1.7 in JSON
    #[value(name = "cyclonedx-1.7")]
    Cyclonedx17,
    /// SPDX 2.3 in JSON
    Spdx,
    /// SPDX 2.3 as tags and values
    SpdxTag,
    /// SPDX 3.0 in JSON-LD
    #[value(name = "spdx-3")]
    Spdx3,
    /// One line a package
    Text,
}

/// Form of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DiffFormat {
    /// For people
    Text,
    /// For programs
    Json,
}
