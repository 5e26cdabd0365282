//! Runs the checks over documents and gathers what they say.
//!
//! Expected flow: one [`Engine`] per run; one [`Worker`] per thread, fed with files; then
//! [`Engine::finish`] with all workers.
//!
//! Guarantees: a document with duplicate keys is judged under every reading and the findings are
//! united; a check that panics on one object costs that object only, and is reported; every document
//! ends as judged objects or as a gap.

use std::collections::{BTreeMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use manifest::object::{Found, objects};
use manifest::stream::Segment;
use manifest::{Inventory, Object, Reading, Tree, Value};
use model::coverage::{Gap, GapKind, ScopeCounts};
use model::{Exception, FileCoverage, FileId, Finding, Judgement, Location, Rule, Scope, Serves, Severity, Subject};

use crate::admission::{Facts, Manifest, is_review};
use crate::admission_policy::Budgets;
use crate::check::{self, Context, InventoryCheck, ObjectCheck};
use crate::checks::manifest::path::Path;
use crate::checks::scopes::scopes;
use crate::gatekeeper;
use crate::policies::{Judged, Policies, Timekeeper, Undecided};
use crate::sink::Enabled;
use crate::{Config, Sink};

/// Two entries of one mapping have the same key.
pub static DUPLICATE_KEY: Rule = Rule {
    code: "manifest-duplicate-key",
    title: "A key stands twice in one mapping",
    severity: Severity::High,
    scope: Scope::Object,
    serves: &[Serves::part("DV-12"), Serves::part("DE-01")],
    why: "Readers disagree on which value counts: most take the last, some the first, and the API server merges \
          nested values of JSON. A reviewer and the cluster can therefore see two different objects.",
    fix: "Keep one entry per key.",
    example: "",
};

/// Rules that the engine itself reports.
pub(crate) const RULES: &[&Rule] = &[&DUPLICATE_KEY];

/// The checks that the settings select.
#[derive(Debug)]
pub struct Engine<'c> {
    config: &'c Config,
    by_scope: Vec<Vec<&'static ObjectCheck>>,
    inventory_checks: Vec<&'static InventoryCheck>,
    /// Rules of all checks, switched on or not, ordered by code.
    rules: Vec<&'static Rule>,
    enabled: EnabledRules,
    /// Users' own policies.
    policies: Option<(&'c Policies, &'c Facts, Option<&'c gatekeeper::Inventory>)>,
    /// Who looks at the clock while they judge.
    timekeeper: Option<&'c dyn Timekeeper>,
}

/// What one thread gathered.
#[derive(Debug)]
pub struct Worker<'e> {
    engine: &'e Engine<'e>,
    findings: Vec<Finding>,
    files: Vec<FileCoverage>,
    scopes: ScopeCounts,
    inventory: Inventory,
    exceptions: Vec<Exception>,
    /// The document at hand repeats a key.
    ambiguous: bool,
    /// What policies could not decide in the file at hand: how often, and where first.
    undecided: BTreeMap<Undecided, (usize, Location)>,
}

/// What a whole run gathered, before exceptions and posture.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Findings, ordered by file and place.
    pub findings: Vec<Finding>,
    /// One entry per file, ordered by file.
    pub files: Vec<FileCoverage>,
    /// What was seen.
    pub scopes: ScopeCounts,
    /// Facts about all objects.
    pub inventory: Inventory,
    /// Exceptions found among the objects.
    pub exceptions: Vec<Exception>,
}

/// Rules switched on, by address: every rule is one `static`.
#[derive(Debug)]
struct EnabledRules {
    all: bool,
    rules: HashSet<usize>,
}

impl Enabled for EnabledRules {
    fn enabled(&self, rule: &'static Rule) -> bool {
        self.all || self.rules.contains(&(std::ptr::from_ref(rule) as usize))
    }
}

// === impl Engine ===

impl<'c> Engine<'c> {
    /// An engine with the checks that the settings select.
    pub fn new(config: &'c Config) -> Self {
        Engine::with_checks(config, &[])
    }

    /// An engine with further checks beside the built-in ones, for programs that embed this crate and
    /// bring their own. The settings select among both; codes must be unique.
    pub fn with_checks(config: &'c Config, more: &'static [ObjectCheck]) -> Self {
        let mut rules = check::rules().to_vec();
        rules.extend(more.iter().flat_map(|check| check.rules).copied());
        rules.sort_by_key(|rule| rule.code);
        rules.dedup_by_key(|rule| rule.code);
        let selected: HashSet<usize> = rules
            .iter()
            .filter(|rule| config.selects(rule))
            .map(|rule| std::ptr::from_ref::<Rule>(rule) as usize)
            .collect();
        let enabled = EnabledRules { all: selected.len() == rules.len(), rules: selected };
        let wanted = |rules: &[&'static Rule]| rules.iter().any(|rule| enabled.enabled(rule));
        // What cannot be judged is told whatever was selected, as a gap.
        let tells_gaps =
            |rules: &[&'static Rule]| rules.iter().any(|rule| std::ptr::eq(*rule, &crate::pod_security::NOT_JUDGED));
        let mut by_scope = vec![Vec::new(); Scope::COUNT];
        for check in check::object_checks().chain(more) {
            if wanted(check.rules) || tells_gaps(check.rules) {
                by_scope[check.scope as usize].push(check);
            }
        }
        let inventory_checks = check::inventory_checks().filter(|check| wanted(check.rules)).collect();
        Engine { config, by_scope, inventory_checks, rules, enabled, policies: None, timekeeper: None }
    }

    /// Bounds the time that users' own policies take for one object.
    #[must_use]
    pub fn with_timekeeper(mut self, timekeeper: &'c dyn Timekeeper) -> Self {
        self.timekeeper = Some(timekeeper);
        self
    }

    /// Judges with users' own policies too. The settings select among their rules as among the built-in ones.
    #[must_use]
    pub fn with_policies(
        mut self,
        policies: &'c Policies,
        facts: &'c Facts,
        inventory: Option<&'c gatekeeper::Inventory>,
    ) -> Self {
        for rule in policies.rules() {
            if self.config.selects(rule) {
                self.enabled.rules.insert(std::ptr::from_ref(rule) as usize);
            } else {
                self.enabled.all = false;
            }
            self.rules.push(rule);
        }
        self.rules.sort_by_key(|rule| rule.code);
        self.policies = Some((policies, facts, inventory));
        self
    }

    /// Rules that this engine may report.
    pub fn rules(&self) -> Vec<&'static Rule> {
        self.rules.iter().copied().filter(|rule| self.enabled.enabled(rule)).collect()
    }

    /// Rules that the settings leave out.
    pub fn rules_left_out(&self) -> Vec<&'static Rule> {
        self.rules.iter().copied().filter(|rule| !self.enabled.enabled(rule)).collect()
    }

    /// A worker for one thread.
    pub fn worker(&self) -> Worker<'_> {
        Worker {
            engine: self,
            findings: Vec::new(),
            files: Vec::new(),
            scopes: ScopeCounts::default(),
            inventory: Inventory::default(),
            exceptions: Vec::new(),
            ambiguous: false,
            undecided: BTreeMap::new(),
        }
    }

    /// Runs the checks across objects and puts everything in order.
    pub fn finish(&self, workers: Vec<Worker<'_>>) -> Outcome {
        let mut outcome = Outcome::default();
        for worker in workers {
            outcome.findings.extend(worker.findings);
            outcome.files.extend(worker.files);
            outcome.scopes.merge(&worker.scopes);
            outcome.inventory.merge(worker.inventory);
            outcome.exceptions.extend(worker.exceptions);
        }
        // Workers take files as they come; what checks across objects say must not depend on that.
        outcome.inventory.sort();
        outcome.exceptions.sort_by_key(|exception| exception.location);
        let nobody = Arc::new(Subject::default());
        for check in &self.inventory_checks {
            let mut sink = Sink::new(Arc::clone(&nobody), &self.enabled, &mut outcome.findings);
            (check.run)(&outcome.inventory, Context { config: self.config }, &mut sink);
        }
        outcome.files = add_up(outcome.files);
        outcome.findings.sort_by(|a, b| {
            (a.location.file, a.location.line, a.location.column, a.rule.code).cmp(&(
                b.location.file,
                b.location.line,
                b.location.column,
                b.rule.code,
            ))
        });
        outcome
    }
}

// === impl Worker ===

impl Worker<'_> {
    /// Judges all documents of one decoded file and records its coverage.
    pub fn file(&mut self, file: FileId, bytes: u64, text: &str) {
        self.segment(file, bytes, Segment::whole(text));
    }

    /// Judges some documents of a file; the engine adds up what the segments of one file cover.
    pub fn segment(&mut self, file: FileId, bytes: u64, segment: Segment<'_>) {
        let mut coverage = FileCoverage {
            file,
            bytes,
            documents: 0,
            objects: 0,
            judgement: Judgement::NotKubernetes,
            gaps: Vec::new(),
        };
        let mut claims = false;
        manifest::stream::segment_documents(segment, file, |document| {
            coverage.documents += 1;
            match document {
                Ok(tree) => {
                    claims |= self.document(&tree, &mut coverage);
                    tree.recycle();
                }
                Err(error) => {
                    claims = true;
                    let kind = match error {
                        manifest::ReadError::Template { .. } => GapKind::NotRendered,
                        _ => GapKind::Error,
                    };
                    coverage.gap(kind, error.location(), error.to_string());
                }
            }
        });
        self.tell_undecided(&mut coverage);
        coverage.judgement = match (coverage.objects, coverage.gaps.is_empty(), claims) {
            (0, true, false) => Judgement::NotKubernetes,
            (0, false, _) => Judgement::NotJudged,
            (_, false, _) => Judgement::Partly,
            (_, true, _) => Judgement::Judged,
        };
        self.files.push(coverage);
    }

    /// Records a file that was not judged at all.
    pub fn unjudged(&mut self, file: FileId, bytes: u64, judgement: Judgement, gap: Option<(GapKind, String)>) {
        let location = Location { file, ..Location::default() };
        let gaps = gap.into_iter().map(|(kind, message)| Gap { kind, location, message: message.into() }).collect();
        self.files.push(FileCoverage { file, bytes, documents: 0, objects: 0, judgement, gaps });
    }

    /// Judges one document; true when it claims to be Kubernetes configuration.
    fn document(&mut self, tree: &Tree<'_>, coverage: &mut FileCoverage) -> bool {
        if !tree.has_duplicates() {
            return self.objects(tree, coverage, true);
        }
        objects(tree, |found| {
            if let Found::Object(object) = found {
                let mut sink = Sink::new(Arc::clone(&object.subject), &self.engine.enabled, &mut self.findings);
                duplicate_keys(object.value, &Path::ROOT, &mut sink);
            }
        });
        let first = self.findings.len();
        let mut claims = false;
        let mut unread = Vec::new();
        self.ambiguous = true;
        for (index, reading) in Reading::ALL.into_iter().enumerate() {
            let read = tree.reading(reading);
            let mut part = FileCoverage { gaps: Vec::new(), ..coverage.clone() };
            claims |= self.objects(&read, &mut part, index == 0);
            if index == 0 {
                coverage.objects = part.objects;
                unread = part.gaps;
            }
        }
        self.ambiguous = false;
        coverage.gaps.extend(unread);
        unite(&mut self.findings, first);
        claims
    }

    fn objects(&mut self, tree: &Tree<'_>, coverage: &mut FileCoverage, counts: bool) -> bool {
        let mut claims = false;
        objects(tree, |found| match found {
            Found::Object(object) => {
                claims = true;
                if let Some(place) = template_place(&object) {
                    coverage.gap(
                        GapKind::NotRendered,
                        place.location(),
                        "holds template actions `{{ … }}`; judge the rendered output instead",
                    );
                    return;
                }
                coverage.objects += 1;
                self.object(&object, coverage, counts);
            }
            Found::Incomplete(value, missing) if looks_like_object(value) => {
                claims = true;
                coverage.gap(
                    GapKind::NotUnderstood,
                    value.location(),
                    format!("an object without `{missing}`; add it, or exclude the file"),
                );
            }
            Found::NotObject(value) => {
                claims = true;
                coverage.gap(
                    GapKind::NotUnderstood,
                    value.location(),
                    "an item of a List that is no object; remove it",
                );
            }
            Found::Incomplete(..) | Found::Other(_) => {}
        });
        claims
    }

    fn object(&mut self, object: &Object<'_>, coverage: &mut FileCoverage, counts: bool) {
        let engine = self.engine;
        let context = Context { config: engine.config };
        let first = self.findings.len();
        let mut dropped = 0;
        let mut unjudged = None;
        let judged = catch_unwind(AssertUnwindSafe(|| {
            let mut sink = Sink::new(Arc::clone(&object.subject), &engine.enabled, &mut self.findings);
            let mut run = |scope: Scope| {
                if counts {
                    self.scopes.see(scope);
                }
                for check in &engine.by_scope[scope as usize] {
                    (check.run)(object, context, &mut sink);
                }
            };
            run(Scope::Object);
            scopes(object, run);
            dropped = sink.dropped();
            unjudged = sink.take_unjudged();
            if counts {
                self.inventory.add(object);
            }
            self.judge_with_policies(object, coverage);
        }));
        if judged.is_err() {
            self.findings.truncate(first);
            coverage.gap(
                GapKind::CheckFailed,
                object.location(),
                "a check failed on this object; please report it with the manifest",
            );
        }
        if dropped > 0 {
            coverage.gap(
                GapKind::Truncated,
                object.location(),
                format!("{dropped} more findings on this object are not listed"),
            );
        }
        if let Some((location, message)) = unjudged {
            coverage.gap(GapKind::NotUnderstood, location, message);
            return;
        }
        let deletes = object.value.str_at("$patch") == Some("delete");
        if object.pods.is_empty() && manifest::pod::pod_path(object.group, object.kind).is_some() && !deletes {
            coverage.gap(
                GapKind::NotUnderstood,
                object.location(),
                format!("the {} has no pod spec to judge; add it, or exclude the file", object.kind),
            );
        }
        if let Some(image) = object.stray_image {
            coverage.gap(
                GapKind::NotUnderstood,
                image.location(),
                format!("{} names an image outside any pod template that is understood", object.kind),
            );
        }
        if counts && object.is("kobuk.dev", "Exception") {
            self.exception(object);
        }
    }

    /// Judges an object with users' own policies, as a request to create it.
    fn judge_with_policies(&mut self, object: &Object<'_>, coverage: &mut FileCoverage) {
        let Some((policies, facts, inventory)) = self.engine.policies else { return };
        if is_review(object.value) {
            // No policy is about such an object; what they are about stands inside.
            let message = "an AdmissionReview; judge it with `kobuk policy eval`";
            return coverage.gap(GapKind::NotUnderstood, object.location(), message);
        }
        let manifest = match Manifest::create_if(object.value, facts, |request| policies.look_at(request)) {
            Ok(Some(manifest)) => manifest,
            Ok(None) => return,
            Err(error) => {
                let message = format!("policies were not asked, as the API server would refuse the object: {error}");
                return coverage.gap(GapKind::NotUnderstood, error.location, message);
            }
        };
        let mut judged = Judged::default();
        let mut judge =
            |budgets: &mut Budgets<'_>| judged = policies.judge(&manifest.request(), facts, inventory, budgets);
        match self.engine.timekeeper {
            Some(timekeeper) => timekeeper.bounded(&mut judge),
            None => judge(&mut Budgets::default()),
        }
        let place = (&object.subject, object.location());
        let mut undecided = Vec::new();
        let first = self.findings.len();
        policies.findings(&judged.verdicts, place, &mut self.findings, &mut undecided);
        let mut index = 0;
        let enabled = &self.engine.enabled;
        self.findings.retain(|finding| {
            index += 1;
            index <= first || enabled.enabled(finding.rule)
        });
        for one in undecided {
            self.undecided.entry(one).or_insert((0, object.location())).0 += 1;
        }
    }

    /// What policies could not decide in a file, once per policy and fact.
    fn tell_undecided(&mut self, coverage: &mut FileCoverage) {
        for (Undecided { policy, facts }, (count, location)) in std::mem::take(&mut self.undecided) {
            let facts: Vec<&str> = facts.iter().map(|fact| &*fact.name).collect();
            let objects = if count == 1 { String::from("an object") } else { format!("{count} objects") };
            let convert = facts.iter().all(|fact| fact.starts_with("object as "));
            let hint = if convert { "write the manifest for that version" } else { "see --facts" };
            let message =
                format!("policy {policy} could not decide on {objects}; it needs {}: {hint}", facts.join(", "));
            coverage.gap(GapKind::Undecided, location, message);
        }
    }

    /// Takes an Exception, unless its document repeats a key: of two readings one may allow more.
    fn exception(&mut self, object: &Object<'_>) {
        if !self.ambiguous {
            self.exceptions.extend(crate::exceptions::read(object));
            return;
        }
        let mut sink = Sink::new(Arc::clone(&object.subject), &self.engine.enabled, &mut self.findings);
        let message = "a key stands twice in the document, so the Exception is not honoured";
        sink.report(&crate::checks::exceptions::INVALID, object.location(), message);
    }
}

/// One entry per file out of one per segment.
fn add_up(mut parts: Vec<FileCoverage>) -> Vec<FileCoverage> {
    parts.sort_by_key(|part| part.file);
    let mut files: Vec<FileCoverage> = Vec::with_capacity(parts.len());
    for part in parts {
        match files.last_mut().filter(|file| file.file == part.file) {
            None => files.push(part),
            Some(file) => {
                file.documents += part.documents;
                file.objects += part.objects;
                file.gaps.extend(part.gaps);
                file.judgement = both(file.judgement, part.judgement);
            }
        }
    }
    for file in &mut files {
        file.gaps.sort_by_key(|gap| gap.location);
    }
    files
}

/// The judgement on a file of which two halves were judged like this.
fn both(a: Judgement, b: Judgement) -> Judgement {
    match (a, b) {
        (a, b) if a == b => a,
        (Judgement::NotKubernetes, other) | (other, Judgement::NotKubernetes) => other,
        _ => Judgement::Partly,
    }
}

/// Reports every repeated key below a value.
fn duplicate_keys(value: Value<'_>, path: &Path<'_>, sink: &mut Sink<'_>) {
    let mut seen: HashSet<&str> = HashSet::new();
    for (key, child) in value.entries() {
        let name = key.as_str().unwrap_or("");
        let here = path.key(name);
        if !seen.insert(name) {
            sink.report(&DUPLICATE_KEY, key, format!("the key `{here}` stands here for the second time"))
                .property("key", name)
                .field(here.to_string());
        }
        duplicate_keys(child, &here, sink);
    }
    for (index, item) in value.items().enumerate() {
        duplicate_keys(item, &path.index(index), sink);
    }
}

/// Drops findings from `first` on that say the same as an earlier one.
fn unite(findings: &mut Vec<Finding>, first: usize) {
    let mut seen = HashSet::new();
    let mut index = 0;
    findings.retain(|finding| {
        index += 1;
        index <= first
            || seen.insert((finding.rule.code, Arc::clone(&finding.subject), finding.location, finding.message.clone()))
    });
}

/// A template action in a field that no rendered object can have one in.
fn template_place<'d>(object: &Object<'d>) -> Option<Value<'d>> {
    let metadata = object.metadata;
    let named = ["name", "namespace", "generateName"].into_iter().filter_map(|key| metadata?.get(key));
    let images = object.pods.iter().flat_map(|pod| pod.containers()).filter_map(|c| c.value.get("image"));
    ["apiVersion", "kind"]
        .into_iter()
        .filter_map(|key| object.value.get(key))
        .chain(named)
        .chain(images)
        .find(|value| value.is_map() || value.as_str().is_some_and(|text| text.contains("{{")))
}

/// Whether a mapping without one of `apiVersion` and `kind` was still meant as an object.
fn looks_like_object(value: Value<'_>) -> bool {
    value.get("metadata").is_some_and(Value::is_map)
        || value.get("spec").is_some_and(Value::is_map)
        || value.str_at("apiVersion").is_some_and(|version| version.contains(".config.k8s.io/"))
}
