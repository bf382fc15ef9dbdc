//! What ends a case or a run early.

use std::io;
use std::path::PathBuf;

use crate::cgroup::CgroupError;
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
    /// The machine cannot run it: that is neither a failure of the tool nor a finding.
    #[error("{0}")]
    Unable(String),
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

    /// An error about a file.
    pub(super) fn file(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::File { action, path: path.into(), source }
    }
}
