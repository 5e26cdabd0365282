//! Exit codes.

use std::process::ExitCode;

use model::Report;
use model::coverage::GapKind;

use crate::args::FailOn;

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: everything was judged and nothing at or above `--fail-on` was found.
    Clean,
    /// 1: findings at or above `--fail-on`.
    Findings,
    /// 2: something could not be judged: bad input, unreadable files, templates that nothing rendered.
    NotJudged,
    /// 3: the command line or the settings file is wrong.
    Usage,
}

/// What may stay unjudged without failing the run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Allow {
    /// Templates that nothing rendered.
    pub(crate) unrendered: bool,
    /// Policies that depend on facts nobody gave.
    pub(crate) unknown: bool,
}

impl Exit {
    /// How a run with this report ends.
    pub(crate) fn of(report: &Report, fail_on: FailOn, allow: Allow) -> Self {
        let allowed = |kind: GapKind| match kind {
            GapKind::NotRendered => allow.unrendered,
            GapKind::Undecided | GapKind::Unknown => allow.unknown,
            _ => false,
        };
        let not_judged = report.coverage.gaps().any(|gap| gap.kind.fails_run() && !allowed(gap.kind));
        // An input in which nothing was judged is no clean input: a mistyped path must not stay green.
        if not_judged || report.coverage.objects() == 0 {
            return Exit::NotJudged;
        }
        match fail_on {
            FailOn::From(severity) if crate::judge::worst(report) >= Some(severity) => Exit::Findings,
            _ => Exit::Clean,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Clean => 0,
            Exit::Findings => 1,
            Exit::NotJudged => 2,
            Exit::Usage => 3,
        })
    }
}
