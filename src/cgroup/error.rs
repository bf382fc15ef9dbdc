//! What can go wrong with a control group, always with the file.

use std::io;
use std::path::PathBuf;

/// An error of this room.
#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    /// A file could not be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write `{value}` to {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// The value.
        value: String,
        /// Why.
        source: io::Error,
    },
    /// A group could not be made.
    #[error("cannot create the cgroup {path}: {source}")]
    Create {
        /// The group's directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A group could not be removed.
    #[error("cannot remove the cgroup {path}: {source}")]
    Remove {
        /// The group's directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A limit was written, but the kernel shows something else.
    #[error("{path} reads `{seen}` after `{written}` was written to it: the limit is not in force")]
    NotInForce {
        /// The file.
        path: PathBuf,
        /// The value written.
        written: String,
        /// The value read back.
        seen: String,
    },
    /// No hierarchy offers the controller.
    #[error("no mounted cgroup hierarchy has the controller `{controller}` that `{knob}` needs")]
    NoController {
        /// The controller.
        controller: String,
        /// The limit that needs it.
        knob: String,
    },
    /// Processes would not die.
    #[error("{count} processes are still in {path} after {seconds} s of killing")]
    Undying {
        /// The group's directory.
        path: PathBuf,
        /// How many.
        count: usize,
        /// How long it was tried.
        seconds: u64,
    },
}
