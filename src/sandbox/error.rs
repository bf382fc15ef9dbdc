//! What can go wrong with a sandbox, always with the step.

use std::io;

use crate::cgroup::CgroupError;
use crate::sys::spawn::SpawnError;

/// An error of this room.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A control group failed.
    #[error("sandbox `{sandbox}`: {source}")]
    Cgroup {
        /// The sandbox.
        sandbox: String,
        /// What failed.
        source: CgroupError,
    },
    /// A limit that this machine cannot set.
    #[error("sandbox `{sandbox}`: {reason}")]
    Unsupported {
        /// The sandbox.
        sandbox: String,
        /// Which limit, why, and the remedy.
        reason: String,
    },
    /// The first process could not be started.
    #[error("sandbox `{sandbox}`: cannot start its first process: {source}")]
    Start {
        /// The sandbox.
        sandbox: String,
        /// The step and the errno.
        source: SpawnError,
    },
    /// A step of the harness failed.
    #[error("sandbox `{sandbox}`: {step}: {source}")]
    Step {
        /// The sandbox.
        sandbox: String,
        /// The step.
        step: String,
        /// Why.
        source: io::Error,
    },
    /// A step inside the sandbox failed.
    #[error("sandbox `{sandbox}`: inside: {step}: {error}")]
    Inside {
        /// The sandbox.
        sandbox: String,
        /// The step.
        step: String,
        /// Why.
        error: String,
    },
    /// The sandbox did not answer in time, or not at all.
    #[error("sandbox `{sandbox}` {what}{errors}")]
    Silent {
        /// The sandbox.
        sandbox: String,
        /// What was expected of it.
        what: String,
        /// The end of what it wrote to standard error, or nothing.
        errors: String,
    },
}
