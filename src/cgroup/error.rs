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
    /// A file of cgroup v2 was asked for by name, but its controller is not in the unified hierarchy.
    #[error(
        "`{file}` is a file of cgroup v2, and the controller `{controller}` is not in a unified hierarchy here: use the \
         limit's own name, or boot with `systemd.unified_cgroup_hierarchy=1`"
    )]
    NotUnified {
        /// The controller.
        controller: String,
        /// The file.
        file: String,
    },
    /// A file of cgroup v2 was asked for by name, but this kernel does not have it.
    #[error("this kernel has no {path}: it is too old, or was built without it")]
    NoFile {
        /// The file.
        path: PathBuf,
    },
    /// The killing could not begin.
    #[error("cannot kill what is in the cgroup {path}: {source}")]
    Kill {
        /// The group, below each hierarchy's root.
        path: PathBuf,
        /// Why.
        source: io::Error,
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

impl CgroupError {
    /// The file or directory that it happened to, if it is about one.
    #[must_use]
    pub const fn path(&self) -> Option<&PathBuf> {
        match self {
            Self::Read { path, .. }
            | Self::Write { path, .. }
            | Self::Create { path, .. }
            | Self::Remove { path, .. }
            | Self::NotInForce { path, .. }
            | Self::NoFile { path }
            | Self::Kill { path, .. }
            | Self::Undying { path, .. } => Some(path),
            Self::NoController { .. } | Self::NotUnified { .. } => None,
        }
    }

    /// True when the machine lacks what was asked for: nobody did anything wrong, and the limit cannot be tried here.
    #[must_use]
    pub const fn is_lack(&self) -> bool {
        matches!(self, Self::NoController { .. } | Self::NotUnified { .. } | Self::NoFile { .. })
    }
}
