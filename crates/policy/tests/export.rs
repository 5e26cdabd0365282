//! The built-in checks and the admission policies that are made of them say the same.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "export/objects.rs"]
mod objects;
#[path = "export/outside.rs"]
mod outside;
#[path = "parity/random.rs"]
mod random;

use std::collections::{BTreeMap, BTreeSet};

use manifest::Tree;
use model::FileId;
use policy::admission::{Facts, Manifest, Ruling};
use policy::admission_policy::{Budgets, Level};
use policy::export::{Group, Style, groups, write};
use policy::policies::{Options, Policies};
use policy::{Config, Engine};

use crate::random::Random;

/// Objects per kind. A kind has at most a dozen forms, and each must be met with both answers.
const OBJECTS: usize = 400;

const HOST_PORTS: &str = "pod-security-host-ports";

/// Both sides of one group.
struct Sides {
    policies: Policies,
    facts: Facts,
    codes: Vec<&'static str>,
    config: Config,
}

impl Sides {
    fn of(group: &'static Group) -> Self {
        let own = |rule: &model::Rule| group.forms.iter().any(|form| form.rule.code == rule.code);
        // A group is known by its rules: of two groups with the same rule only one would be judged.
        let (text, count) = write(Style { actions: &["Deny"], prefix: "" }, own);
        assert_eq!(count, group.forms.len(), "{} shares rules with another group", group.name);
        let written = trees(&text);
        let documents: Vec<_> = written.iter().map(Tree::root).collect();
        let options = Options { kubernetes_minor: 36, bind_all: false, prefer_rego: false };
        let (policies, issues) = Policies::load(&documents, &options);
        assert!(issues.iter().all(|issue| issue.level == Level::Warning), "{issues:#?}\n{text}");
        let codes: Vec<&'static str> = group.forms.iter().map(|form| form.rule.code).collect();
        let checks = codes.iter().map(|code| (*code).into()).collect();
        // The level restricted replaces some checks of baseline.
        let level = if group.name == "pod-security-baseline" { "baseline" } else { "restricted" };
        let config = Config { checks, pod_security: level.parse().unwrap(), ..Config::default() };
        let mut facts = Facts::new();
        trees(&outside::definitions()).iter().for_each(|tree| facts.add(tree.root()).unwrap());
        Sides { policies, facts, codes, config }
    }

    /// Codes that the built-in checks report.
    fn built_in(&self, engine: &Engine<'_>, text: &str) -> BTreeSet<&'static str> {
        let mut worker = engine.worker();
        worker.file(FileId(0), text.len() as u64, text);
        engine.finish(vec![worker]).findings.iter().map(|finding| finding.rule.code).collect()
    }

    /// The object as the API server shows it to policies, and the codes of the validations that it breaks.
    fn exported(&self, text: &str) -> (String, BTreeSet<&'static str>) {
        let tree = trees(text).remove(0);
        let manifest = Manifest::create(tree.root(), &self.facts).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let request = manifest.request();
        let seen = request.object.unwrap().to_json();
        let verdicts = self.policies.admission.evaluate(&request, &self.facts, &mut Budgets::default());
        let mut codes = BTreeSet::new();
        for verdict in verdicts {
            match verdict.ruling {
                Ruling::Satisfied => {}
                Ruling::Violated(violations) => codes.extend(violations.iter().map(|one| {
                    assert!(!one.from_error, "{}\n{text}", one.message);
                    self.codes[one.index]
                })),
                other => panic!("{other:?}\n{text}"),
            }
        }
        (seen, codes)
    }
}

/// Compares both sides on many objects. Returns how often each code was reported, and how many objects there were.
fn compare(group: &'static Group, texts: impl Iterator<Item = String>) -> (BTreeMap<&'static str, usize>, usize) {
    let sides = Sides::of(group);
    let engine = Engine::new(&sides.config);
    let mut met: BTreeMap<&'static str, usize> = sides.codes.iter().map(|code| (*code, 0)).collect();
    let mut count = 0;
    for text in texts {
        let (seen, exported) = sides.exported(&text);
        let built_in = sides.built_in(&engine, &seen);
        assert_eq!(built_in, exported, "{}: built in, exported, of the object in a cluster\n{seen}", group.name);
        let mut built_in = sides.built_in(&engine, &text);
        // On the network of the node every port of a container becomes one of the node: only the cluster shows that.
        if text.contains("\"hostNetwork\":true") && exported.contains(HOST_PORTS) {
            built_in.insert(HOST_PORTS);
        }
        assert_eq!(built_in, exported, "{}: built in, exported, of the manifest\n{text}", group.name);
        exported.iter().for_each(|code| *met.get_mut(code).unwrap() += 1);
        count += 1;
    }
    (met, count)
}

fn trees(text: &str) -> Vec<Tree<'static>> {
    let mut list = Vec::new();
    manifest::documents(text, FileId(0), |document| list.push(document.unwrap().root().to_tree()));
    list
}

fn kinds_of(group: &Group) -> Vec<(&'static str, &'static str)> {
    let mut kinds = Vec::new();
    for (api_group, resources) in group.resources {
        kinds.extend(resources.iter().filter_map(|plural| objects::kind(api_group, plural)));
    }
    kinds
}

/// Every form meets objects that break it and objects that do not, and says of all of them what its check says.
fn holds(name: &str) {
    let group = groups().find(|group| group.name == name).unwrap();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let kinds = kinds_of(group);
    assert!(!kinds.is_empty());
    let made = kinds.iter().flat_map(|kind| (0..OBJECTS).map(|number| (*kind, number)).collect::<Vec<_>>());
    let texts = made.map(|((api_version, kind), number)| objects::object(&mut random, api_version, kind, number));
    let (met, count) = compare(group, texts);
    for (code, broken) in met {
        assert!(broken > 0 && broken < count, "{name}: {code} was broken by {broken} of {count} objects");
    }
}

macro_rules! groups {
    ($($test:ident $name:literal,)*) => {
        $(#[test] fn $test() { holds($name); })*
        const TESTED: &[&str] = &[$($name),*];
    };
}

groups! {
    pod_security_baseline "pod-security-baseline",
    pod_security_restricted "pod-security-restricted",
    workload_hardening "workload-hardening",
    workload_operation "workload-operation",
    roles "roles",
    role_bindings "role-bindings",
    service_accounts "service-accounts",
    service_exposure "service-exposure",
    ingresses "ingresses",
    network_policies "network-policies",
    gateways "gateways",
    cluster_network_policies "cluster-network-policies",
    namespaces "namespaces",
    secrets "secrets",
    volumes "volumes",
    storage_drivers "storage-drivers",
    priorities "priorities",
}

#[test]
fn every_group_is_tested() {
    assert_eq!(groups().map(|group| group.name).collect::<Vec<_>>(), TESTED);
}

#[test]
fn no_form_is_exported_twice() {
    let codes: Vec<&str> = groups().flat_map(|group| group.forms).map(|form| form.rule.code).collect();
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
    assert!(codes.len() >= 80, "{}", codes.len());
}

/// The policies of a run that wants a few checks hold the variables that these need, and no others.
#[test]
fn each_form_alone_is_a_policy_that_the_api_server_takes() {
    for form in groups().flat_map(|group| group.forms) {
        let (text, count) =
            write(Style { actions: &["Audit", "Warn"], prefix: "x-" }, |rule| rule.code == form.rule.code);
        assert_eq!(count, 1, "{}", form.rule.code);
        let written = trees(&text);
        let documents: Vec<_> = written.iter().map(Tree::root).collect();
        let options = Options { kubernetes_minor: 36, bind_all: false, prefer_rego: false };
        let (policies, issues) = Policies::load(&documents, &options);
        assert!(issues.is_empty(), "{issues:#?}\n{text}");
        assert_eq!(policies.rules().len(), 1);
    }
}
