//! Reports to test the formats with.

use std::sync::Arc;

use model::coverage::{Gap, GapKind};
use model::exception::{ExceptionScope, parse_date};
use model::report::{AdvisorySource, Upgrade, UpgradeBy};
use model::{
    Exception, ExceptionUse, FileCoverage, FileId, Finding, Judgement, Location, Report, Rule, Scope, Serves, Severity,
    State, Subject, posture,
};

use super::{Format, Render, write};

/// A report with the texts that it speaks of.
pub(crate) struct Sample {
    pub(crate) report: Report,
    pub(crate) texts: Vec<String>,
}

pub(crate) static PRIVILEGED: Rule = Rule {
    code: "sample-privileged",
    title: "A container runs privileged",
    severity: Severity::Critical,
    scope: Scope::Workload,
    serves: &[Serves::full("RC-10"), Serves::part("RC-11")],
    why: "A privileged container holds every capability and sees all devices, so whoever breaks out of the process owns the node.",
    fix: "Remove `privileged`, and add only the capabilities that the process needs.",
    example: "securityContext:\n  privileged: false\n  capabilities:\n    drop: [ALL]\n",
};

pub(crate) static TAG: Rule = Rule {
    code: "sample-image-tag",
    title: "An image is named by a tag that can move",
    severity: Severity::Medium,
    scope: Scope::Workload,
    serves: &[Serves::part("DI-05")],
    why: "A tag can be moved to other content after review, so what runs is not what was judged.",
    fix: "Pin the image by digest.",
    example: "",
};

pub(crate) static WILDCARD: Rule = Rule {
    code: "sample-wildcard-role",
    title: "A role grants every verb on every resource",
    severity: Severity::High,
    scope: Scope::Role,
    serves: &[Serves::full("RA-10")],
    why: "Whoever holds the role holds the namespace, including every Secret in it.",
    fix: "List the verbs and resources that are needed.",
    example: "rules:\n- apiGroups: [\"\"]\n  resources: [configmaps]\n  verbs: [get]\n",
};

pub(crate) static LABELS: Rule = Rule {
    code: "sample-owner-label",
    title: "A workload names no owner",
    severity: Severity::Info,
    scope: Scope::Workload,
    serves: &[Serves::part("OB-09")],
    why: "An alert about a workload without an owner reaches nobody.",
    fix: "Add the label `app.kubernetes.io/managed-by`.",
    example: "",
};

pub(crate) static RULES: &[&Rule] = &[&PRIVILEGED, &TAG, &WILDCARD, &LABELS];

/// Prints a report as the command line would.
pub(crate) fn printed(format: Format, sample: &Sample) -> String {
    printed_with(format, sample, |_| {})
}

/// Prints a report with changed settings.
pub(crate) fn printed_with(format: Format, sample: &Sample, change: impl FnOnce(&mut Render<'_>)) -> String {
    let source = |file: FileId| sample.texts.get(file.0 as usize).cloned();
    let mut render = Render {
        report: &sample.report,
        rules: RULES,
        source: &source,
        color: false,
        width: 100,
        assess: false,
        now_unix: 1_795_000_000,
        version: "0.1.0",
        elapsed_ms: 42,
        command: "assess",
        fail_on: Severity::High,
    };
    change(&mut render);
    let mut out = Vec::new();
    write(format, &render, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Nothing read, nothing found.
pub(crate) fn empty() -> Sample {
    Sample { report: Report::default(), texts: Vec::new() }
}

/// Five findings in two files, one more accepted, a template that nothing rendered.
pub(crate) fn typical() -> Sample {
    let web = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: shop\nspec:\n  template:\n    spec:\n      containers:\n      - name: web\n        image: registry.example.com/shop/web:1.4\n        securityContext:\n          privileged: true\n      - name: proxy\n        image: registry.example.com/mesh/proxy:2\n";
    let role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: everything\n  namespace: shop\nrules:\n- apiGroups: ['*']\n  resources: ['*']\n  verbs: ['*']\n";
    let mut maker = Maker::default();
    let deployment = maker.file("deploy/web.yaml", web, "apps/v1", "Deployment", "shop", "web");
    maker.find(&PRIVILEGED, &deployment, "true", "container `web` sets `securityContext.privileged` to true", "web");
    maker.find(&TAG, &deployment, "registry.example.com/shop/web:1.4", "container `web` names its image by tag", "web");
    maker.find(
        &TAG,
        &deployment,
        "registry.example.com/mesh/proxy:2",
        "container `proxy` names its image by tag",
        "proxy",
    );
    maker.find(&LABELS, &deployment, "name: web", "no label names the owner", "");
    let role = maker.file("rbac/role.yaml", role, "rbac.authorization.k8s.io/v1", "Role", "shop", "everything");
    maker.find(&WILDCARD, &role, "['*']", "`rules[0]` grants `*` on `*`", "");
    maker.accept("deploy/legacy.yaml");
    maker.unrendered("charts/shop/templates/web.yaml");
    maker.done()
}

/// An image with upgrades, judged by two sources of which one is stale.
pub(crate) fn vulnerable() -> Sample {
    let mut sample = typical();
    let source = |name: &str, days: i64| AdvisorySource {
        name: name.into(),
        license: "CC0-1.0".into(),
        since_unix: 1_795_000_000 - days * 86_400,
        age_s: Some(days * 86_400),
        stale: days > 7,
    };
    let upgrade = |package: &str, installed: &str, to: &str, by, stays: &[&str]| Upgrade {
        file: FileId(0),
        package: package.into(),
        installed: installed.into(),
        to: to.into(),
        clears: vec!["CVE-2026-0001".into(), "CVE-2026-0002".into()],
        stays: stays.iter().map(|id| (*id).into()).collect(),
        by,
    };
    sample.report.advisories = vec![source("debian", 1), source("ghsa", 30)];
    sample.report.upgrades = vec![
        upgrade("openssl", "3.0.11-1", "3.0.15-1", UpgradeBy::Base, &["CVE-2026-0003"]),
        upgrade("minimist", "1.2.5", "1.2.8", UpgradeBy::Dependent, &[]),
        upgrade("express", "4.17.1", "4.21.2", UpgradeBy::Package, &[]),
    ];
    sample
}

/// The same shape with an attack in every string.
pub(crate) fn hostile() -> Sample {
    let mut maker = Maker::default();
    let text = format!("name: {ATTACK}\nimage: \"{ATTACK}\"\n").replace('\r', "");
    let path = format!("a b/{ATTACK}.yaml").replace('\n', "");
    let subject = maker.file(&path, &text, ATTACK, ATTACK, ATTACK, ATTACK);
    maker.find(&PRIVILEGED, &subject, "name", &format!("the value {ATTACK} is bad"), ATTACK);
    maker.find(&TAG, &subject, "image", ATTACK, ATTACK);
    maker.accept(&path);
    maker.unrendered(&path);
    if let Some(used) = maker.report.exceptions.first_mut() {
        let exception = &mut used.exception;
        (exception.name, exception.owner, exception.reason) = (ATTACK.into(), ATTACK.into(), ATTACK.into());
    }
    let attack = || Box::<str>::from(ATTACK);
    maker.report.advisories =
        vec![AdvisorySource { name: attack(), license: attack(), since_unix: 0, age_s: None, stale: true }];
    maker.report.upgrades = vec![Upgrade {
        file: FileId(0),
        package: attack(),
        installed: attack(),
        to: attack(),
        clears: vec![attack()],
        stays: vec![attack()],
        by: UpgradeBy::Package,
    }];
    if let Some(gap) = maker.report.coverage.files.iter_mut().flat_map(|file| &mut file.gaps).next() {
        gap.message = ATTACK.into();
    }
    maker.done()
}

/// The typical report with every state in every area, as if many more rules had run.
pub(crate) fn varied() -> Sample {
    let mut sample = typical();
    for (at, entry) in sample.report.posture.iter_mut().enumerate().filter(|(_, entry)| entry.findings == 0) {
        (entry.state, entry.reason) = match at * 7 % 11 {
            0 | 5 => (State::Violated, "3 findings".into()),
            1 | 2 | 8 => (State::Satisfied, "12 objects looked at, nothing found".into()),
            3 => (State::NotApplicable, "no Secrets in this input".into()),
            _ => continue,
        };
        if entry.state == State::Violated {
            (entry.findings, entry.worst) = (3, Severity::ALL.get(at % 4).copied());
        }
    }
    sample
}

/// Many objects with the same findings, to test limits.
pub(crate) fn crowd(objects: usize) -> Sample {
    let mut maker = Maker::default();
    let text = "kind: Pod\nspec:\n  containers:\n  - securityContext:\n      privileged: true\n";
    for number in 0..objects {
        let name = format!("pod-{number}");
        let namespace = format!("ns-{}", number % 3);
        let subject = maker.file(&format!("pods/{name}.yaml"), text, "v1", "Pod", &namespace, &name);
        maker.find(&PRIVILEGED, &subject, "true", "container `a` is privileged", "a");
    }
    maker.done()
}

/// Markup, quotes, terminal sequences, direction changes, workflow commands, links and placeholders.
pub(crate) const ATTACK: &str =
    "\u{1b}[31m</script><img src=x onerror=alert(1)>\"'`|[x](javascript:1){0}@all\u{202e}\n::error::%0A\r]]>-->\u{0}é";

#[derive(Default)]
struct Maker {
    report: Report,
    texts: Vec<String>,
}

impl Maker {
    fn file(
        &mut self,
        path: &str,
        text: &str,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Arc<Subject> {
        self.add(path, text, Judgement::Judged, 1);
        Arc::new(Subject {
            api_version: api_version.into(),
            kind: kind.into(),
            namespace: namespace.into(),
            name: name.into(),
        })
    }

    fn add(&mut self, path: &str, text: &str, judgement: Judgement, objects: u32) -> FileId {
        let file = FileId(u32::try_from(self.report.files.len()).unwrap());
        self.report.files.push(path.into());
        self.texts.push(text.into());
        self.report.coverage.files.push(FileCoverage {
            file,
            bytes: text.len() as u64,
            documents: 1,
            objects,
            judgement,
            gaps: Vec::new(),
        });
        file
    }

    fn finding(
        &self,
        rule: &'static Rule,
        subject: &Arc<Subject>,
        marked: &str,
        message: &str,
        container: &str,
    ) -> Finding {
        let text = self.texts.last().unwrap();
        let start = text.find(marked).unwrap();
        let before = &text[..start];
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        let location = Location {
            file: FileId(u32::try_from(self.texts.len() - 1).unwrap()),
            line: u32::try_from(before.matches('\n').count() + 1).unwrap(),
            column: u32::try_from(column).unwrap(),
            start: u32::try_from(start).unwrap(),
            end: u32::try_from(start + marked.len()).unwrap(),
        };
        let properties = (!container.is_empty()).then(|| Box::new(vec![("container", container.into())]));
        Finding {
            rule,
            severity: rule.severity,
            message: message.into(),
            subject: Arc::clone(subject),
            location,
            properties,
        }
    }

    fn find(&mut self, rule: &'static Rule, subject: &Arc<Subject>, marked: &str, message: &str, container: &str) {
        let finding = self.finding(rule, subject, marked, message, container);
        self.report.findings.push(finding);
    }

    fn accept(&mut self, path: &str) {
        let subject = self.file(path, "kind: Pod\nprivileged: true\n", "v1", "Pod", "legacy", "old");
        let finding = self.finding(&PRIVILEGED, &subject, "true", "container `old` is privileged", "old");
        let exception = |name: &str, expires: &str| Exception {
            name: name.into(),
            owner: "team-payments@example.com".into(),
            reason: "vendor image needs it until release 7".into(),
            expires: expires.into(),
            expires_unix: parse_date(expires).unwrap(),
            findings: vec!["sample-privileged".into()],
            controls: Vec::new(),
            scope: ExceptionScope::default(),
            location: finding.location,
        };
        self.report.exceptions = vec![
            ExceptionUse { exception: exception("legacy-root", "2027-03-31"), expired: false, matched: 1 },
            ExceptionUse { exception: exception("forgotten", "2025-01-31"), expired: true, matched: 2 },
            ExceptionUse { exception: exception("spare", "2027-01-31"), expired: false, matched: 0 },
        ];
        self.report.excepted.push((finding, 0));
    }

    fn unrendered(&mut self, path: &str) {
        let file = self.add(path, "image: {{ .Values.image }}\n", Judgement::NotJudged, 0);
        let gap = Gap {
            kind: GapKind::NotRendered,
            location: Location { file, line: 1, column: 8, start: 7, end: 9 },
            message: "holds template actions `{{ … }}`; judge the rendered output instead".into(),
        };
        if let Some(coverage) = self.report.coverage.files.last_mut() {
            coverage.gaps.push(gap);
        }
    }

    fn done(mut self) -> Sample {
        let coverage = &mut self.report.coverage;
        for file in &coverage.files {
            (0..file.objects).for_each(|_| {
                coverage.scopes.see(Scope::Object);
                coverage.scopes.see(Scope::Workload);
            });
        }
        let excepted = self.report.excepted.iter().map(|(finding, _)| finding);
        self.report.posture = posture::fold(RULES, &[], self.report.findings.iter(), excepted, &self.report.coverage);
        self.report.findings.sort_by_key(|finding| finding.location);
        Sample { report: self.report, texts: self.texts }
    }
}

#[test]
#[ignore = "writes every format below the temporary directory, to look at"]
fn write_all_formats() {
    use clap::ValueEnum;
    let folder = std::env::temp_dir().join("kobuk-samples");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, sample) in [
        ("empty", empty()),
        ("typical", typical()),
        ("vulnerable", vulnerable()),
        ("varied", varied()),
        ("hostile", hostile()),
        ("crowd", crowd(7_000)),
    ] {
        for format in Format::value_variants() {
            for assess in [false, true] {
                let mode = if assess { "assess" } else { "scan" };
                let text = printed_with(*format, &sample, |render| render.assess = assess);
                std::fs::write(folder.join(format!("{name}-{mode}.{}", format!("{format:?}").to_lowercase())), text)
                    .unwrap();
            }
        }
    }
    let mut catalogue = Vec::new();
    super::oscal_catalogue(&mut catalogue).unwrap();
    std::fs::write(folder.join("catalogue.json"), catalogue).unwrap();
}
