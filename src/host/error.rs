//! What can go wrong while the machine is looked at.

use std::io;
use std::path::PathBuf;

/// An error of this room; each names the file, and the value where there is one.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// A kernel file is not there or may not be read.
    #[error("cannot read {}: {source} (is the file system mounted, and may this user read it?)", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A kernel file has no line or no value where one is expected.
    #[error("{file} has an unexpected value `{value}`: expected {expected}")]
    Unexpected {
        /// The file, and the field in it.
        file: String,
        /// What stands there.
        value: String,
        /// What should stand there.
        expected: &'static str,
    },
    /// There is no folder for the run's ledger.
    #[error(
        "no writable runtime directory among {}: run with `sudo`, or set XDG_RUNTIME_DIR to a writable folder",
        tried.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    NoRuntimeDirectory {
        /// The folders tried, in order.
        tried: Vec<PathBuf>,
    },
}
