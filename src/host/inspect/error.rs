//! Why a process could not be inspected at all. What is missing of one that could be is no error.

use std::io;
use std::path::PathBuf;

/// An error of this folder; each names the process and the file.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// There is none of that number.
    #[error("there is no process {pid}: {} does not exist", file.display())]
    NoProcess {
        /// The number.
        pid: u32,
        /// The file that a process would have.
        file: PathBuf,
    },
    /// It went away in the middle.
    #[error("process {pid} ended while {} was read", file.display())]
    Ended {
        /// Its ID.
        pid: u32,
        /// The file.
        file: PathBuf,
    },
    /// A file that every user may read could not be read, or is none of this kernel.
    #[error("cannot read {} of process {pid}: {why}", file.display())]
    Unreadable {
        /// Its ID.
        pid: u32,
        /// The file.
        file: PathBuf,
        /// The system's answer, or what is wrong with the text.
        why: String,
    },
}

impl InspectError {
    /// What to do about it.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        match self {
            Self::NoProcess { .. } => {
                "find it with `ps -e`; processes of other PID namespaces, and where /proc is mounted with `hidepid` those of \
                 other users, do not show: look from the host, with `sudo`"
            }
            Self::Ended { .. } => {
                "inspect it while it runs, or another process of the same container"
            }
            Self::Unreadable { .. } => {
                "run it with `sudo`, and where /proc is mounted: `mount -t proc proc /proc`"
            }
        }
    }
}

/// True for the kernel's answers about a process that is not there any more: the folder is gone (`ENOENT`), or was open (`ESRCH`).
pub(super) fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
        || error.raw_os_error() == Some(nix::errno::Errno::ESRCH as i32)
}
