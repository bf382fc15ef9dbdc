//! What ends a case or a run early.

use std::io;
use std::path::PathBuf;

use crate::cgroup::CgroupError;
use crate::node::UplinkError;
use crate::sandbox::SandboxError;

/// An error of this room.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A signal asked for the end.
    #[error("stopped by signal {0}")]
    Signal(i32),
    /// A sandbox failed.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The node failed.
    #[error("node: {0}")]
    Node(#[from] CgroupError),
    /// The node's uplink failed.
    #[error(transparent)]
    Uplink(#[from] UplinkError),
    /// A file or directory of the run failed.
    #[error("cannot {action} {path}: {source}")]
    File {
        /// What was tried, such as `create`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A step failed.
    #[error("{part} step {number} ({step}): {source}; remedy: {remedy}")]
    Step {
        /// `set-up` or `tear-down`.
        part: &'static str,
        /// Which one, from 1.
        number: usize,
        /// The step, printable.
        step: String,
        /// Why.
        source: Box<EngineError>,
        /// What to do.
        remedy: &'static str,
    },
    /// The guardian died: without it nobody would take down what a dying harness leaves.
    #[error(
        "the guardian was killed, so the run was ended: whoever kills it takes away what would clean up after the harness"
    )]
    Unguarded,
    /// The machine cannot run it: that is neither a failure of the tool nor a finding.
    #[error("{0}")]
    Unable(String),
    /// A sandbox, the node or the watcher did not do within its time limit what was asked of it, or is gone.
    #[error("{0}")]
    Unanswered(String),
    /// The same while an attack without a guard was on: it has taken the machine, which is what the case was to find out.
    #[error("{0}")]
    Drowned(String),
    /// Anything else, in a sentence.
    #[error("{0}")]
    Failed(String),
}

impl EngineError {
    /// True when the case was not measured, but nothing failed either.
    pub(super) const fn is_skip(&self) -> bool {
        matches!(
            self,
            Self::Unable(_) | Self::Signal(_) | Self::Sandbox(SandboxError::Unsupported { .. })
        )
    }

    /// What an error is that came after the attack was first switched on, on a node with or without a guard.
    pub(super) fn under_attack(self, guard: bool) -> Self {
        match self {
            Self::Unanswered(how) if !guard => Self::Drowned(how),
            other => other,
        }
    }

    /// What of a step's text tells that it is the one that failed: its end, or a path in it.
    pub(super) fn subject(&self) -> Option<String> {
        let of_cgroup = |error: &CgroupError| error.path().map(|path| path.display().to_string());
        match self {
            Self::Sandbox(SandboxError::Inside { step, .. } | SandboxError::Step { step, .. }) => {
                Some(step.clone())
            }
            Self::Sandbox(SandboxError::Cgroup { source, .. }) | Self::Node(source) => {
                of_cgroup(source)
            }
            Self::Uplink(error) => Some(error.step.clone()),
            Self::File { path, .. } => Some(path.display().to_string()),
            _ => None,
        }
    }

    /// An error about a file.
    pub(super) fn file(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::File { action, path: path.into(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_a_finding_only_where_no_guard_was() {
        let silence = || EngineError::Unanswered("no answer".to_owned());
        assert!(matches!(silence().under_attack(false), EngineError::Drowned(_)));
        assert!(matches!(silence().under_attack(true), EngineError::Unanswered(_)));
        let fault = EngineError::Failed("a bug".to_owned());
        assert!(matches!(fault.under_attack(false), EngineError::Failed(_)));
    }
}
