//! Where checks put what they find.

use std::sync::Arc;

use manifest::limits::FINDINGS_PER_OBJECT_MAX;
use model::{Finding, Location, Rule, Severity, Subject};

/// Collects the findings of one object, or of one check across objects.
#[derive(Debug)]
pub struct Sink<'s> {
    subject: Arc<Subject>,
    enabled: &'s dyn Enabled,
    findings: &'s mut Vec<Finding>,
    first: usize,
    dropped: usize,
    unjudged: Option<(Location, Box<str>)>,
}

/// Which rules are switched on.
pub trait Enabled: std::fmt::Debug {
    /// Whether the rule may be reported.
    fn enabled(&self, rule: &'static Rule) -> bool;
}

/// A finding just reported, to add details to.
#[derive(Debug)]
pub struct Entry<'e>(Option<&'e mut Finding>);

// === impl Sink ===

impl<'s> Sink<'s> {
    /// A sink for one subject that appends to `findings`.
    pub fn new(subject: Arc<Subject>, enabled: &'s dyn Enabled, findings: &'s mut Vec<Finding>) -> Self {
        let first = findings.len();
        Sink { subject, enabled, findings, first, dropped: 0, unjudged: None }
    }

    /// Reports that the rule is broken at a place. `message` is one sentence that names the field and
    /// the value, without a trailing period; never a secret.
    pub fn report(&mut self, rule: &'static Rule, at: impl Into<Location>, message: impl Into<Box<str>>) -> Entry<'_> {
        let subject = Arc::clone(&self.subject);
        self.report_on(&subject, rule, at, message)
    }

    /// Reports on another subject than the sink's own; for checks across objects.
    pub fn report_on(
        &mut self,
        subject: &Arc<Subject>,
        rule: &'static Rule,
        at: impl Into<Location>,
        message: impl Into<Box<str>>,
    ) -> Entry<'_> {
        let (at, message) = (at.into(), message.into());
        // What could not be judged is a gap of the coverage too, whichever rules are switched on.
        if std::ptr::eq(rule, &crate::pod_security::NOT_JUDGED) && self.unjudged.is_none() {
            self.unjudged = Some((at, message.clone()));
        }
        if !self.enabled.enabled(rule) {
            return Entry(None);
        }
        // Checks across objects have no kind of their own and no limit per object. Of every rule one finding
        // is kept whatever the limit: a rule that is silent is part of the proof that its controls hold.
        if self.findings.len() - self.first >= FINDINGS_PER_OBJECT_MAX
            && !self.subject.kind.is_empty()
            && self.findings.iter().skip(self.first).any(|finding| std::ptr::eq(finding.rule, rule))
        {
            self.dropped += 1;
            return Entry(None);
        }
        self.findings.push(Finding {
            rule,
            severity: rule.severity,
            message,
            subject: Arc::clone(subject),
            location: at,
            properties: None,
        });
        Entry(self.findings.last_mut())
    }

    /// Whether a rule is switched on, for checks that are costly to run.
    pub fn wants(&self, rule: &'static Rule) -> bool {
        self.enabled.enabled(rule)
    }

    /// The first part of the object that could not be judged.
    pub fn take_unjudged(&mut self) -> Option<(Location, Box<str>)> {
        self.unjudged.take()
    }

    /// Findings beyond the limit for one object.
    pub fn dropped(&self) -> usize {
        self.dropped
    }
}

// === impl Entry ===

impl Entry<'_> {
    /// Adds a machine-readable detail.
    pub fn property(self, name: &'static str, value: impl Into<Box<str>>) -> Self {
        if let Some(finding) = self.0 {
            finding.properties.get_or_insert_default().push((name, value.into()));
            return Entry(Some(finding));
        }
        self
    }

    /// Path of the field from the object's root.
    pub fn field(self, path: impl Into<Box<str>>) -> Self {
        self.property("field", path)
    }

    /// Name of the container that the finding is about.
    pub fn container(self, name: &str) -> Self {
        self.property("container", name)
    }

    /// Another severity than the rule's own.
    pub fn severity(self, severity: Severity) -> Self {
        if let Some(finding) = self.0 {
            finding.severity = severity;
            return Entry(Some(finding));
        }
        self
    }
}
