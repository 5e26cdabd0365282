//! Renders Helm charts and Kustomize folders with the tools of the machine.
//!
//! Expected flow: look at all sources once, run one tool per chart and per outermost kustomization, and
//! return the sources with the rendered output added and the files that it stands for marked.
//!
//! Guarantees: a chart or kustomization that nothing rendered ends as *not rendered* in the coverage;
//! a tool gets at most [`RENDER_SECONDS_MAX`] and may write at most the limit of one file.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use manifest::limits::FILE_BYTES_MAX;
use manifest::{Tree, Value};
use model::coverage::GapKind;
use model::{FileId, Judgement};

use crate::input::{Content, Source};

/// Longest time that one rendering may take. Real charts need less than two seconds.
const RENDER_SECONDS_MAX: u64 = 60;

/// Names that Kustomize gives its file.
const KUSTOMIZATION_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Renders what can be rendered and marks what it stands for.
pub(crate) fn render(sources: Vec<Source>, run_tools: bool) -> Vec<Source> {
    let charts = folders_with(&sources, |name| name == "Chart.yaml");
    let kustomizations = folders_with(&sources, |name| KUSTOMIZATION_NAMES.contains(&name));
    if charts.is_empty() && kustomizations.is_empty() {
        return sources;
    }
    let mut plan = Plan { marks: BTreeMap::new(), added: Vec::new(), run_tools };
    plan.charts(&charts, &sources);
    plan.kustomizations(&kustomizations);
    let Plan { mut marks, added, .. } = plan;
    let mut sources = sources;
    for source in &mut sources {
        if let Content::File(path) = &source.content
            && let Some((judgement, gap)) = marks.remove(path)
        {
            source.content = Content::Skipped(judgement, gap);
        }
    }
    sources.extend(added);
    sources
}

/// What becomes of files that stand behind a rendering.
struct Plan {
    marks: BTreeMap<PathBuf, (Judgement, Option<(GapKind, String)>)>,
    added: Vec<Source>,
    run_tools: bool,
}

impl Plan {
    fn charts(&mut self, charts: &BTreeSet<PathBuf>, sources: &[Source]) {
        for chart in charts {
            // A chart inside another chart's `charts/` folder is rendered with it.
            let inside = chart.ancestors().skip(1).any(|above| {
                charts.contains(above) && chart.strip_prefix(above).is_ok_and(|rest| rest.starts_with("charts"))
            });
            let outer = if inside { None } else { Some(self.helm(chart)) };
            let templates = files_below(sources, &chart.join("templates"));
            let reason = match outer {
                Some(Ok(text)) => {
                    self.add(&chart.join("Chart.yaml"), "helm", text);
                    None
                }
                Some(Err(reason)) => Some(reason),
                None => None,
            };
            match reason {
                None => {
                    for file in templates {
                        self.marks.insert(file.clone(), (Judgement::Rendered, None));
                    }
                }
                Some(reason) => {
                    let gap = (GapKind::NotRendered, format!("the chart was not rendered: {reason}"));
                    self.marks.insert(chart.join("Chart.yaml"), (Judgement::NotJudged, Some(gap)));
                    for file in templates {
                        self.marks.insert(file.clone(), (Judgement::NotJudged, None));
                    }
                }
            }
            for name in ["values.yaml", "values.schema.json"] {
                self.marks.entry(chart.join(name)).or_insert((Judgement::NotKubernetes, None));
            }
        }
    }

    fn kustomizations(&mut self, folders: &BTreeSet<PathBuf>) {
        let parsed: BTreeMap<&PathBuf, Kustomization> =
            folders.iter().filter_map(|folder| Some((folder, Kustomization::read(folder)?))).collect();
        let referenced: BTreeSet<PathBuf> =
            parsed.values().flat_map(|kustomization| kustomization.resources.iter().cloned()).collect();
        let mut rendered: BTreeSet<PathBuf> = BTreeSet::new();
        let mut failed: BTreeMap<PathBuf, String> = BTreeMap::new();
        for (folder, kustomization) in &parsed {
            if kustomization.component || referenced.contains(*folder) {
                continue;
            }
            let rendered_text = match remote_below(folder, &parsed) {
                Some(name) => {
                    Err(format!("it draws on `{name}`, which is no local file or folder; render it yourself"))
                }
                None => self.kustomize(folder),
            };
            match rendered_text {
                Ok(text) => {
                    self.add(&kustomization.file, "kustomize", text);
                    reach(folder, &parsed, &mut rendered);
                }
                Err(reason) => {
                    failed.insert((*folder).clone(), reason);
                }
            }
        }
        for (folder, kustomization) in &parsed {
            if rendered.contains(*folder) {
                self.marks.insert(kustomization.file.clone(), (Judgement::Rendered, None));
                for file in kustomization.resources.iter().chain(&kustomization.patches) {
                    self.marks.insert(file.clone(), (Judgement::Rendered, None));
                }
                continue;
            }
            let gap = failed.remove(*folder).map_or_else(
                || "no kustomization that was rendered uses it".to_owned(),
                |reason| format!("the kustomization was not rendered: {reason}"),
            );
            self.marks.insert(kustomization.file.clone(), (Judgement::NotJudged, Some((GapKind::NotRendered, gap))));
            // Resources are whole objects and are judged as they stand; patches are fragments.
            for patch in &kustomization.patches {
                self.marks.entry(patch.clone()).or_insert((Judgement::NotJudged, None));
            }
        }
    }

    fn add(&mut self, shown: &Path, how: &str, text: Vec<u8>) {
        let shown = shown.strip_prefix("./").unwrap_or(shown).display();
        self.added.push(Source { shown: format!("{shown} (rendered by {how})"), content: Content::Text(text) });
    }

    fn helm(&self, chart: &Path) -> Result<Vec<u8>, String> {
        self.run("helm", &["template", "kobuk"], chart, "install helm, or judge the output of `helm template`")
    }

    fn kustomize(&self, folder: &Path) -> Result<Vec<u8>, String> {
        let hint = "install kustomize or kubectl, or judge the output of `kustomize build`";
        if self.run_tools && find_program("kustomize").is_none() {
            return self.run("kubectl", &["kustomize"], folder, hint);
        }
        self.run("kustomize", &["build"], folder, hint)
    }

    fn run(&self, program: &str, words: &[&str], folder: &Path, hint: &str) -> Result<Vec<u8>, String> {
        if !self.run_tools {
            return Err(format!("rendering is switched off; {hint}"));
        }
        let Some(path) = find_program(program) else { return Err(format!("{program} is not installed; {hint}")) };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let mut command = Command::new(path);
        command.args(words).arg(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        bounded_output(&mut command).map_err(|reason| format!("{program}: {reason}"))
    }
}

/// A parsed kustomization file.
struct Kustomization {
    file: PathBuf,
    component: bool,
    /// Files and folders it takes whole objects from.
    resources: Vec<PathBuf>,
    /// Files that hold fragments.
    patches: Vec<PathBuf>,
    /// A source that is not on disk.
    remote: Option<String>,
}

impl Kustomization {
    fn read(folder: &Path) -> Option<Self> {
        let file = KUSTOMIZATION_NAMES.iter().map(|name| folder.join(name)).find(|file| file.is_file())?;
        let bytes = crate::input::read(&file).ok()?;
        let text = manifest::decode::decode(&bytes).ok()?;
        let mut found = None;
        manifest::documents(&text, FileId(0), |document| {
            if let (Ok(tree), None) = (document, &found) {
                found = Some(Kustomization::of(&tree, folder, &file));
            }
        });
        found
    }

    fn of(tree: &Tree<'_>, folder: &Path, file: &Path) -> Self {
        let root = tree.root();
        let local = |text: &str| (!text.contains('\n')).then(|| normalise(&folder.join(text)));
        let listed =
            |key: &str| -> Vec<PathBuf> { root.list(key).filter_map(Value::as_str).filter_map(local).collect() };
        let paths = |key: &str| -> Vec<PathBuf> {
            root.list(key).filter_map(|item| item.str_at("path")).filter_map(local).collect()
        };
        let remote = remote_source(root, folder);
        let resources = ["resources", "bases", "components"].iter().flat_map(|key| listed(key)).collect();
        let fragments = ["patchesStrategicMerge", "configurations", "transformers", "generators"];
        let patches = fragments
            .iter()
            .flat_map(|key| listed(key))
            .chain(["patches", "patchesJson6902", "replacements"].iter().flat_map(|key| paths(key)))
            .collect();
        Kustomization {
            file: file.to_owned(),
            component: root.str_at("kind") == Some("Component"),
            resources,
            patches,
            remote,
        }
    }
}

/// The first source of a kustomization that is an address, or is not on disk.
fn remote_source(root: Value<'_>, folder: &Path) -> Option<String> {
    const SCHEMES: [&str; 6] = ["http:", "https:", "git@", "git:", "ssh:", "file:"];
    let entries = root.entries().flat_map(|(_, value)| value.items());
    let words = entries.flat_map(|item| [Some(item), item.get("path")]).chain([root.path(&["openapi", "path"])]);
    let mut far =
        words.flatten().filter_map(Value::as_str).filter(|text| SCHEMES.iter().any(|scheme| text.starts_with(scheme)));
    let listed = ["resources", "bases", "components"].into_iter().flat_map(|key| root.list(key));
    let mut missing =
        listed.filter_map(Value::as_str).filter(|text| !text.contains('\n') && !folder.join(text).exists());
    far.next().or_else(|| missing.next()).map(str::to_owned)
}

/// Collects a folder and all kustomizations that it draws on.
fn reach(folder: &Path, parsed: &BTreeMap<&PathBuf, Kustomization>, reached: &mut BTreeSet<PathBuf>) {
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        if let Some(kustomization) = parsed.get(&folder)
            && reached.insert(folder)
        {
            waiting.extend(kustomization.resources.iter().cloned());
        }
    }
}

/// A source that a folder, or a kustomization it draws on, does not have on disk. Kustomize would fetch
/// it: a scan opens no connection to wherever a file that it judges points.
fn remote_below(folder: &Path, parsed: &BTreeMap<&PathBuf, Kustomization>) -> Option<String> {
    let mut reached = BTreeSet::new();
    reach(folder, parsed, &mut reached);
    reached.iter().filter_map(|folder| parsed.get(folder)).find_map(|kustomization| kustomization.remote.clone())
}

/// Runs a command with limits on time and output.
pub(crate) fn bounded_output(command: &mut Command) -> Result<Vec<u8>, String> {
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    let reader = |pipe: Option<Box<dyn Read + Send>>, limit: u64| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(pipe) = pipe {
                // A read error leaves what came before it; the exit status tells the rest.
                let _ = pipe.take(limit + 1).read_to_end(&mut bytes);
            }
            bytes
        })
    };
    let out = reader(stdout.map(|pipe| Box::new(pipe) as Box<dyn Read + Send>), FILE_BYTES_MAX);
    let err = reader(stderr.map(|pipe| Box::new(pipe) as Box<dyn Read + Send>), 64 << 10);
    let deadline = Instant::now() + Duration::from_secs(RENDER_SECONDS_MAX);
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(5)),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("took longer than {RENDER_SECONDS_MAX} s"));
            }
            Err(error) => return Err(error.to_string()),
        }
    };
    let (out, err) = (out.join().unwrap_or_default(), err.join().unwrap_or_default());
    if !status.success() {
        let words = String::from_utf8_lossy(&err);
        let line = words.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no message");
        return Err(format!("{status}: {}", line.trim().chars().take(300).collect::<String>()));
    }
    if out.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("output larger than {} MiB", FILE_BYTES_MAX >> 20));
    }
    Ok(out)
}

pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&crate::env::path()?).map(|folder| folder.join(name)).find(|path| path.is_file())
}

fn folders_with(sources: &[Source], wanted: impl Fn(&str) -> bool) -> BTreeSet<PathBuf> {
    sources
        .iter()
        .filter_map(|source| if let Content::File(path) = &source.content { Some(path) } else { None })
        .filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(&wanted))
        .filter_map(|path| path.parent().map(Path::to_owned))
        .collect()
}

fn files_below<'s>(sources: &'s [Source], folder: &Path) -> Vec<&'s PathBuf> {
    sources
        .iter()
        .filter_map(|source| if let Content::File(path) = &source.content { Some(path) } else { None })
        .filter(|path| path.starts_with(folder))
        .collect()
}

/// Resolves `.` and `..` by the text alone, so that a path compares equal to the one of the walk.
fn normalise(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    // The walk keeps a leading `./`; joining the same folder keeps it here too.
    if path.starts_with(".") { Path::new(".").join(out) } else { out }
}
