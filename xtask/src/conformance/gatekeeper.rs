//! Gatekeeper's policy library: every case of every suite, under both languages where a template has both.

use std::path::Path;

use manifest::Value;
use model::FileId;
use policy::gatekeeper::{Options, Preference, suite};

use super::{FAILURES_MAX, Score};
use crate::files_below;

/// Scores all suites below a folder, one score per language.
pub(super) fn score(folder: &Path) -> Vec<Score> {
    let suites = files_below(folder, &["suite.yaml"]);
    if suites.is_empty() {
        return Vec::new();
    }
    [("gatekeeper library, Rego", Preference::Rego), ("gatekeeper library, CEL", Preference::Native)]
        .into_iter()
        .map(|(name, preference)| {
            let env = cel::library::kubernetes((1, 36));
            let mut tally = Tally::default();
            for path in &suites {
                tally.suite(path, &Options { env: env.clone(), preference });
            }
            tally.score(name)
        })
        .collect()
}

#[derive(Default)]
struct Tally {
    /// Passed and all, of cases without and with violations.
    classes: [(usize, usize); 2],
    failures: Vec<String>,
    skipped: usize,
}

impl Tally {
    fn suite(&mut self, path: &Path, options: &Options) {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let folder = path.parent().unwrap_or(path);
        let mut files = |name: &str| std::fs::read_to_string(folder.join(name)).map_err(|error| error.to_string());
        let mut run = |root: Value<'_>| {
            let Some((suite, issues)) = suite::read(root) else { return };
            for issue in issues {
                self.fail(path, &issue.to_string());
            }
            for (test, result) in suite.tests.iter().zip(suite.run(options, &mut files)) {
                if let Some(error) = &result.error {
                    self.fail(path, &format!("{}: {error}", result.name));
                    for case in &test.cases {
                        let wants = case.assertions.first().is_some_and(|first| first.violations.wants_some());
                        self.classes[usize::from(wants)].1 += 1;
                    }
                }
                for case in &result.cases {
                    if case.skipped {
                        self.skipped += 1;
                        continue;
                    }
                    let class = &mut self.classes[usize::from(case.wants_violations)];
                    class.1 += 1;
                    match &case.error {
                        None => class.0 += 1,
                        Some(error) => self.fail(path, &format!("{}/{}: {error}", result.name, case.name)),
                    }
                }
            }
        };
        manifest::documents(&text, FileId(0), |document| {
            if let Ok(tree) = document {
                run(tree.root());
            }
        });
    }

    fn fail(&mut self, path: &Path, what: &str) {
        if self.failures.len() < FAILURES_MAX {
            self.failures.push(format!("{}: {what}", path.display()));
        }
    }

    fn score(self, suite: &'static str) -> Score {
        let rates: Vec<f64> = self
            .classes
            .iter()
            .filter(|(_, total)| *total > 0)
            .map(|(passed, total)| *passed as f64 / *total as f64)
            .collect();
        Score {
            suite,
            passed: self.classes.iter().map(|(passed, _)| passed).sum(),
            total: self.classes.iter().map(|(_, total)| total).sum(),
            balanced: rates.iter().sum::<f64>() / rates.len().max(1) as f64,
            failures: self.failures,
            note: if self.skipped > 0 { format!("{} skipped by the suites", self.skipped) } else { String::new() },
        }
    }
}
