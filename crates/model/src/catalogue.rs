//! The control catalogue: 182 requirements in five phases, as data.

use std::sync::LazyLock;

/// Phase of the application lifecycle that a control belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Before and while code is written.
    Develop,
    /// Building, signing and moving artefacts.
    Distribute,
    /// The door of the cluster.
    Deploy,
    /// The running cluster.
    Runtime,
    /// Seeing what happens, and being able to trust it.
    Observability,
}

/// Area of a phase; the runtime phase has four.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// Develop.
    Develop,
    /// Distribute.
    Distribute,
    /// Deploy.
    Deploy,
    /// Runtime: API access, identities, credentials.
    Access,
    /// Runtime: nodes, runtimes, pods.
    Compute,
    /// Runtime: volumes, stored API data, backups.
    Storage,
    /// Runtime: traffic.
    Network,
    /// Observability.
    Observability,
}

/// What a control can be judged from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Input {
    /// Manifests and other infrastructure as code.
    Manifests,
    /// Container images and other artefacts.
    Image,
    /// The live API of a cluster.
    Cluster,
    /// Command lines and configuration files of cluster components.
    ConfigFiles,
    /// The registry API.
    Registry,
    /// Source repositories and their host's API.
    SourceRepo,
    /// Pipeline definitions and build attestations.
    Pipeline,
    /// Audit logs and event streams.
    AuditLog,
    /// Raw bytes of etcd or of volumes.
    StorageBytes,
    /// Active probes and tests.
    Probe,
    /// Recorded human evidence.
    HumanEvidence,
    /// An agent on the node.
    Node,
}

/// One control of the catalogue.
#[derive(Clone, Debug)]
pub struct Control {
    /// Stable id, for example `RC-10`.
    pub id: &'static str,
    /// Phase.
    pub phase: Phase,
    /// Area.
    pub area: Area,
    /// Short title.
    pub title: &'static str,
    /// What must hold.
    pub text: &'static str,
    /// Where the requirement comes from, as `Page §Section`.
    pub sources: Vec<&'static str>,
    /// Items of the Kubernetes Security Checklist.
    pub security_checklist: Vec<&'static str>,
    /// Items of the Kubernetes Application Security Checklist.
    pub app_checklist: Vec<&'static str>,
    /// Numbers in the CNCF Cloud Native Security Controls Catalog.
    pub cnsc: Vec<&'static str>,
    /// NIST SP 800-53 revision 5 control ids.
    pub nist: Vec<&'static str>,
    /// Inputs that can judge it.
    pub inputs: Vec<Input>,
    /// What evidence would tell.
    pub judged_by: &'static str,
    /// Where it can be enforced.
    pub enforce: Vec<&'static str>,
    /// What can be generated to meet it, empty when nothing.
    pub generate: &'static str,
}

/// One item of a Kubernetes checklist.
#[derive(Clone, Copy, Debug)]
pub struct ChecklistItem {
    /// Item number as printed in the outputs, for example `20b`.
    pub number: &'static str,
    /// Group heading.
    pub group: &'static str,
    /// What the item asks for.
    pub text: &'static str,
}

/// All controls in catalogue order.
pub fn controls() -> &'static [Control] {
    static CONTROLS: LazyLock<Vec<Control>> =
        LazyLock::new(|| include_str!("../data/catalogue.tsv").lines().skip(1).filter_map(parse_control).collect());
    &CONTROLS
}

/// The control with the given id, in any letter case.
pub fn control(id: &str) -> Option<&'static Control> {
    controls().iter().find(|control| control.id.eq_ignore_ascii_case(id))
}

/// Items of the Security Checklist.
pub fn security_checklist() -> Vec<ChecklistItem> {
    checklist("security")
}

/// Items of the Application Security Checklist.
pub fn app_checklist() -> Vec<ChecklistItem> {
    checklist("application")
}

// === impl Phase ===

impl Phase {
    /// All phases in order.
    pub const ALL: [Phase; 5] =
        [Phase::Develop, Phase::Distribute, Phase::Deploy, Phase::Runtime, Phase::Observability];

    /// The lower-case word.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Develop => "develop",
            Phase::Distribute => "distribute",
            Phase::Deploy => "deploy",
            Phase::Runtime => "runtime",
            Phase::Observability => "observability",
        }
    }
}

// === impl Area ===

impl Area {
    /// All areas in order.
    pub const ALL: [Area; 8] = [
        Area::Develop,
        Area::Distribute,
        Area::Deploy,
        Area::Access,
        Area::Compute,
        Area::Storage,
        Area::Network,
        Area::Observability,
    ];

    /// The lower-case word.
    pub fn as_str(self) -> &'static str {
        match self {
            Area::Develop => "develop",
            Area::Distribute => "distribute",
            Area::Deploy => "deploy",
            Area::Access => "access",
            Area::Compute => "compute",
            Area::Storage => "storage",
            Area::Network => "network",
            Area::Observability => "observability",
        }
    }

    /// The phase it belongs to.
    pub fn phase(self) -> Phase {
        match self {
            Area::Develop => Phase::Develop,
            Area::Distribute => Phase::Distribute,
            Area::Deploy => Phase::Deploy,
            Area::Access | Area::Compute | Area::Storage | Area::Network => Phase::Runtime,
            Area::Observability => Phase::Observability,
        }
    }
}

// === impl Input ===

impl Input {
    const ALL: [Input; 12] = [
        Input::Manifests,
        Input::Image,
        Input::Cluster,
        Input::ConfigFiles,
        Input::Registry,
        Input::SourceRepo,
        Input::Pipeline,
        Input::AuditLog,
        Input::StorageBytes,
        Input::Probe,
        Input::HumanEvidence,
        Input::Node,
    ];

    /// The machine word of the catalogue.
    pub fn as_str(self) -> &'static str {
        match self {
            Input::Manifests => "manifests",
            Input::Image => "image",
            Input::Cluster => "cluster",
            Input::ConfigFiles => "config-files",
            Input::Registry => "registry",
            Input::SourceRepo => "source-repo",
            Input::Pipeline => "pipeline",
            Input::AuditLog => "audit-log",
            Input::StorageBytes => "storage-bytes",
            Input::Probe => "probe",
            Input::HumanEvidence => "human-evidence",
            Input::Node => "node",
        }
    }

    /// What a user would have to provide, as a noun phrase.
    pub fn noun(self) -> &'static str {
        match self {
            Input::Manifests => "manifests",
            Input::Image => "the images",
            Input::Cluster => "the live cluster",
            Input::ConfigFiles => "control-plane and kubelet configuration files",
            Input::Registry => "the registry",
            Input::SourceRepo => "the source repository and its host",
            Input::Pipeline => "pipeline definitions and attestations",
            Input::AuditLog => "audit logs",
            Input::StorageBytes => "stored bytes of etcd or volumes",
            Input::Probe => "an active probe",
            Input::HumanEvidence => "recorded evidence by people",
            Input::Node => "an agent on the nodes",
        }
    }
}

impl Control {
    /// Whether the given input can say something about the control.
    pub fn judged_from(&self, input: Input) -> bool {
        self.inputs.contains(&input)
    }
}

fn parse_control(line: &'static str) -> Option<Control> {
    let mut cells = line.split('\t');
    let id = cells.next()?;
    let phase = cells.next().and_then(|word| Phase::ALL.into_iter().find(|p| p.as_str() == word))?;
    let area = cells.next().and_then(|word| Area::ALL.into_iter().find(|a| a.as_str() == word))?;
    Some(Control {
        id,
        phase,
        area,
        title: cells.next()?,
        text: cells.next()?,
        sources: list(cells.next()?, "; "),
        security_checklist: list(cells.next()?, ","),
        app_checklist: list(cells.next()?, ","),
        cnsc: list(cells.next()?, ","),
        nist: list(cells.next()?, ","),
        inputs: list(cells.next()?, ",")
            .into_iter()
            .filter_map(|word| Input::ALL.into_iter().find(|input| input.as_str() == word))
            .collect(),
        judged_by: cells.next()?,
        enforce: list(cells.next()?, ","),
        generate: cells.next().map(|cell| if cell == "-" { "" } else { cell })?,
    })
}

fn list(cell: &'static str, separator: &str) -> Vec<&'static str> {
    if cell == "-" { Vec::new() } else { cell.split(separator).map(str::trim).collect() }
}

fn checklist(which: &str) -> Vec<ChecklistItem> {
    include_str!("../data/checklists.tsv")
        .lines()
        .filter_map(|line| {
            let mut cells = line.split('\t');
            (cells.next()? == which).then_some(())?;
            Some(ChecklistItem { number: cells.next()?, group: cells.next()?, text: cells.next()? })
        })
        .collect()
}
