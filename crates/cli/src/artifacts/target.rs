//! Opens what the user named and scans it.

use std::cell::OnceCell;
use std::path::PathBuf;
use std::time::Duration;

use distribute::cache::Cache;
use distribute::credentials::Credentials;
use distribute::registry::{Client, RegistryError};
use distribute::scan::{self, Settings};
use distribute::source::{self, Location, Opened};
use image::config::Config;
use image::fold::Inventory;
use image::malware::KnownBad;
use image::reference::Reference;
use image::sbom::{Subject, SubjectKind};
use model::package::{Damage, Doubt, Kind, Place};
use model::{Digest, Package};

use super::args::{LookFor, ScanArgs, SourceArgs};
use crate::env;
use crate::verbs::chain;

/// A scanned image or folder.
pub(crate) struct Scanned {
    /// The name by which the user knows it.
    pub(crate) name: String,
    /// The folder, where it is one.
    pub(crate) folder: Option<PathBuf>,
    /// What it holds.
    pub(crate) inventory: Inventory,
    /// What its configuration says, where it is an image.
    pub(crate) config: Option<Config>,
    /// What a bill of materials says that it is.
    pub(crate) subject: Subject,
    /// Layers and parts that could not be read: nothing is known of them.
    pub(crate) failed: Vec<Damage>,
    /// How many layers the base image that the user named has in common with it.
    pub(crate) base_layers: Option<u32>,
    /// What could not be had from beside the image.
    pub(crate) remarks: Vec<String>,
    /// Containerfiles of a folder.
    pub(crate) containerfiles: scan::Containerfiles,
}

/// What scans need.
pub(crate) struct Means {
    threads: usize,
    cache: Option<Cache>,
    secrets: bool,
    markers: bool,
    known_bad: Option<KnownBad>,
    /// Where images come from, where they may.
    source: Option<SourceArgs>,
    /// Made when the first registry is asked.
    client: OnceCell<Client>,
    options: source::Options,
    quiet: bool,
    no_ignore: bool,
    /// How long one target may take.
    time_max: Option<Duration>,
    /// Layers of the base image that the user named.
    base: Option<Vec<Digest>>,
    /// Whether bills that are attached to images are fetched.
    attached: bool,
}

impl Means {
    /// The means that the command line names.
    pub(crate) fn new(args: &ScanArgs, source: Option<&SourceArgs>) -> Result<Self, String> {
        let mut means = Means::plain(args.jobs, args.no_cache, args.cache_dir.as_ref(), source, args.quiet)?;
        means.secrets = args.wants(LookFor::Secrets);
        // Vulnerabilities need them too: a shell is a sign of an operating system.
        means.markers = args.wants(LookFor::Hardening) || args.wants(LookFor::Vulnerabilities);
        means.time_max = args.timeout;
        means.attached = args.wants(LookFor::Hardening);
        means.no_ignore = args.no_ignore;
        let mut feeds = String::new();
        for path in &args.malware {
            let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
            KnownBad::parse(&text).map_err(|error| format!("{}: {error}", path.display()))?;
            feeds.push_str(&text);
            feeds.push('\n');
        }
        if let Some(base) = &args.base {
            means.base = Some(means.diff_ids(base).map_err(|error| format!("--base {base}: {error}"))?);
        }
        if !feeds.is_empty() {
            means.known_bad = Some(KnownBad::parse(&feeds).map_err(|error| format!("--malware: {error}"))?);
        }
        Ok(means)
    }

    /// Means to find packages only.
    pub(crate) fn plain(
        jobs: Option<u16>,
        no_cache: bool,
        cache_dir: Option<&PathBuf>,
        source: Option<&SourceArgs>,
        quiet: bool,
    ) -> Result<Self, String> {
        let cache = match (no_cache, cache_dir.cloned().or_else(env::cache_dir)) {
            (true, _) | (_, None) => None,
            (false, Some(folder)) => Some(Cache::new(folder)),
        };
        let mut options = source::Options::default();
        if let Some(source) = source {
            let platform = |text: &String| text.parse().map_err(|error| format!("--platform `{text}`: {error}"));
            options.platform = source.platform.as_ref().map(platform).transpose()?;
            // A wrong file is told whether or not a registry will be asked.
            if let Some(path) = &source.ca_file {
                std::fs::File::open(path).map_err(|error| format!("--ca-file {}: {error}", path.display()))?;
            }
        }
        let threads = jobs.map_or(0, usize::from);
        Ok(Means {
            threads,
            cache,
            secrets: false,
            markers: false,
            known_bad: None,
            source: source.cloned(),
            client: OnceCell::new(),
            options,
            quiet,
            no_ignore: false,
            time_max: None,
            base: None,
            attached: false,
        })
    }

    /// Digests of an image's layers as they are unpacked, bottom first.
    fn diff_ids(&self, text: &str) -> Result<Vec<Digest>, String> {
        match self.opened(text)? {
            Opened::Image(image) => Ok(image.config.diff_ids),
            _ => Err("this is no image".into()),
        }
    }

    fn opened(&self, text: &str) -> Result<Opened, String> {
        let location = Location::parse(text).map_err(|error| chain(&error))?;
        // A mistyped path must not be asked of a registry.
        let like_a_path =
            text.starts_with(['.', '/']) || [".tar", ".tgz", ".gz", ".json"].iter().any(|end| text.ends_with(end));
        if like_a_path && matches!(location, Location::Registry(_)) {
            return Err(format!("there is no file `{text}`; write registry:{text} when it is the name of an image"));
        }
        location.open(&self.options, || self.client()).map_err(|error| chain(&error))
    }

    /// What asks registries. Clones share connections and tokens.
    fn client(&self) -> Result<Client, RegistryError> {
        if let Some(client) = self.client.get() {
            return Ok(client.clone());
        }
        let client = registry_client(&self.source.clone().unwrap_or_default())?;
        Ok(self.client.get_or_init(|| client).clone())
    }

    /// An image, or what else the name stands for.
    pub(crate) fn image(&self, text: &str) -> Result<Scanned, String> {
        match self.opened(text)? {
            Opened::Image(image) => Ok(self.layers(*image, text)),
            Opened::Folder(path) => self.folder(&path.to_string_lossy(), true),
            Opened::Document(path) => document(text, &path),
        }
    }

    fn layers(&self, image: source::Image, text: &str) -> Scanned {
        let bar = super::target::progress(image.layers.len() as u64, self.quiet);
        let tick = |done: usize| bar.set_position(done as u64);
        let mut settings = self.settings();
        settings.progress = Some(&tick);
        let scanned = scan::image(&image, &settings);
        bar.finish_and_clear();
        let mut inventory = scanned.inventory;
        inventory.damage.extend(image.damage.iter().map(|message| Damage {
            path: "".into(),
            layer: None,
            message: message.clone(),
            doubt: Doubt::Packages,
            owner: None,
        }));
        let in_registry = matches!(Location::parse(text), Ok(Location::Registry(_)));
        let named = text.parse::<Reference>().ok().filter(|_| in_registry);
        let subject = Subject {
            kind: SubjectKind::Image,
            name: named
                .as_ref()
                .map_or_else(|| image.name.clone(), |name| format!("{}/{}", name.registry(), name.repository()).into()),
            version: named.as_ref().and_then(|name| name.tag()).unwrap_or("").into(),
            digest: image.manifest_digest.clone(),
            arch: image.config.platform.architecture.clone(),
            layers: image.config.diff_ids.clone(),
        };
        let failed = scan::damage(&scanned.failed);
        let mut remarks = Vec::new();
        if let (true, Some(name), Some(digest)) = (self.attached, &named, &image.manifest_digest) {
            self.attached(name, digest, &mut inventory, &mut remarks);
        }
        let shared = |base: &Vec<Digest>| base.iter().zip(&image.config.diff_ids).take_while(|(a, b)| a == b).count();
        let base_layers = self.base.as_ref().map(|base| u32::try_from(shared(base)).unwrap_or(u32::MAX));
        if base_layers == Some(0) {
            remarks.push("the base image that --base names has no layer in common with it".into());
        } else if let (Some(base), Some(shared)) = (&self.base, base_layers)
            && base.len() > shared as usize
        {
            let all = base.len();
            remarks.push(format!("of the {all} layers of the base image that --base names, {shared} are in it"));
        }
        let config = Some(image.config);
        Scanned { config, failed, base_layers, remarks, ..Scanned::of(text, inventory, subject) }
    }

    /// Bills of materials that lie beside an image in its registry.
    fn attached(&self, name: &Reference, digest: &Digest, inventory: &mut Inventory, remarks: &mut Vec<String>) {
        match self.client().and_then(|client| client.bills(name, digest)) {
            Ok(bills) => inventory.sboms.extend(
                bills
                    .into_iter()
                    .map(|bill| (Place::file(format!("attached by {}", bill.manifest)), bill.bytes.into_boxed_slice())),
            ),
            Err(error) => remarks.push(format!("bills of materials attached to the image: {}", chain(&error))),
        }
    }

    /// A folder.
    pub(crate) fn folder(&self, text: &str, installed: bool) -> Result<Scanned, String> {
        let path = PathBuf::from(text.strip_prefix("dir:").unwrap_or(text));
        let mut settings = self.settings();
        // What a source tree builds is not what it is made of.
        settings.executables = settings.executables.filter(|_| installed);
        let found =
            scan::folder(&path, installed, &settings).map_err(|error| format!("{}: {error}", path.display()))?;
        let subject = Subject { kind: SubjectKind::Folder, name: text.into(), ..Subject::default() };
        Ok(Scanned {
            folder: Some(path),
            containerfiles: found.containerfiles,
            ..Scanned::of(text, found.inventory, subject)
        })
    }

    fn settings(&self) -> Settings<'_> {
        Settings {
            threads: self.threads,
            cache: self.cache.as_ref(),
            secrets: self.secrets,
            markers: self.markers,
            known_bad: self.known_bad.as_ref(),
            no_ignore: self.no_ignore,
            time_max: self.time_max,
            executables: Some(image::scanner::executables),
            ..Settings::default()
        }
    }
}

/// A bill of materials in the place of an image.
fn document(text: &str, path: &std::path::Path) -> Result<Scanned, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let bill = image::sbom::read(&bytes).map_err(|error| format!("{}: {}", path.display(), chain(&error)))?;
    let told = |message: Box<str>| Damage { message, ..Damage::default() };
    let inventory = Inventory {
        distro: bill.distro.clone(),
        packages: bill.entries.iter().map(declared).collect(),
        damage: bill.damage.iter().cloned().chain(sourceless(&bill)).map(told).collect(),
        ..Inventory::default()
    };
    Ok(Scanned::of(text, inventory, bill.subject))
}

/// Debian's advisories speak of source packages. A bill that names none, by a tool that is not known to name those that
/// differ, may have other names than they have.
fn sourceless(bill: &image::sbom::Bill) -> Option<Box<str>> {
    let names_sources = ["kobuk", "syft", "trivy"];
    let known = bill.origin.tools.iter().any(|tool| {
        let tool = tool.to_ascii_lowercase();
        names_sources.iter().any(|name| tool.starts_with(name))
    });
    let mut debian = bill.packages().filter(|package| package.kind == Kind::Deb).peekable();
    let none = debian.peek().is_some() && debian.all(|package| package.source.is_none());
    (none && !known).then(|| "it names no source packages, of which the advisories of its system speak".into())
}

/// A package of a bill, with the name in the NVD that the bill gives it.
fn declared(entry: &image::sbom::Entry) -> Package {
    let mut package = entry.package.clone();
    if let (Some(cpe), None) = (entry.cpes.first(), package.property("cpe")) {
        package.properties.push(("cpe".into(), cpe.clone()));
    }
    package
}

impl Scanned {
    fn of(name: &str, inventory: Inventory, subject: Subject) -> Self {
        Scanned {
            name: name.to_owned(),
            folder: None,
            inventory,
            config: None,
            subject,
            failed: Vec::new(),
            base_layers: None,
            remarks: Vec::new(),
            containerfiles: Vec::new(),
        }
    }
}

fn registry_client(source: &SourceArgs) -> Result<Client, RegistryError> {
    let files = Credentials::usual_files(env::of_credentials);
    let credentials = Credentials::from_files(&files)?;
    let settings = distribute::registry::Settings {
        credentials,
        plain_http: source.plain_http,
        ca_file: source.ca_file.clone(),
        ..distribute::registry::Settings::default()
    };
    Client::new(settings)
}

fn progress(layers: u64, quiet: bool) -> indicatif::ProgressBar {
    use std::io::IsTerminal;
    match quiet || layers < 2 || !std::io::stderr().is_terminal() {
        true => indicatif::ProgressBar::hidden(),
        false => {
            let bar = indicatif::ProgressBar::new(layers);
            bar.set_message("layers");
            bar
        }
    }
}
