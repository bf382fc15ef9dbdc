//! What is done to a group on the machine, one change at a time: data, printable, the same list for a dry run and for the
//! real thing.

use std::fmt;
use std::path::PathBuf;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupStep {
    /// Make a directory.
    Create {
        /// Which.
        path: PathBuf,
    },
    /// Copy the parent's value of a file: a new cpuset of version 1 is empty and takes no process.
    Inherit {
        /// The file.
        file: PathBuf,
    },
    /// Let children use controllers.
    Enable {
        /// `cgroup.subtree_control` of the group.
        file: PathBuf,
        /// What is written, such as `+cpu +pids`.
        value: String,
    },
    /// Write a value and read it back.
    Set {
        /// The file, or its name alone where no hierarchy has its controller.
        file: PathBuf,
        /// The value.
        value: String,
    },
    /// Kill everything in the group.
    Kill {
        /// The group, below each hierarchy's root.
        group: PathBuf,
    },
    /// Remove a directory.
    Remove {
        /// Which.
        path: PathBuf,
    },
}

impl fmt::Display for GroupStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { path } => write!(f, "create cgroup {}", path.display()),
            Self::Inherit { file } => write!(f, "copy the parent's value to {}", file.display()),
            Self::Enable { file, value } => write!(f, "enable {value} in {}", file.display()),
            Self::Set { file, value } => write!(f, "set {} = {value}", file.display()),
            Self::Kill { group } => write!(f, "kill everything in cgroup {}", group.display()),
            Self::Remove { path } => write!(f, "remove cgroup {}", path.display()),
        }
    }
}
