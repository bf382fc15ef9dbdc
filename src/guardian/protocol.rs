//! What the harness tells its guardian: one JSON object a line, each answered by one.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What the harness tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "kebab-case")]
pub enum Order {
    /// These things are about to be made, in this order.
    Expect {
        /// What takes each of them back.
        undo: Vec<Undo>,
    },
    /// Processes are about to be in these directories of one cgroup, which exist.
    Arm {
        /// One in each hierarchy.
        directories: Vec<PathBuf>,
    },
    /// Only the first `keep` of the expected things are still there, and no cgroup is occupied.
    Forget {
        /// How many.
        keep: usize,
    },
    /// Keep the descriptor that comes along open: the lock of the run.
    Hold,
    /// Nothing is left to do: the guardian may end.
    Done,
    /// Something is left that the harness could not take down: the guardian tries, and ends.
    TakeDown,
}

/// How one thing is taken back. What is not there counts as taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "undo", rename_all = "kebab-case")]
pub enum Undo {
    /// Remove an empty directory of the run's files.
    Directory {
        /// Which.
        path: PathBuf,
    },
    /// Remove a file of the run.
    File {
        /// Which.
        path: PathBuf,
    },
    /// Let go of a mount.
    Mount {
        /// Where.
        path: PathBuf,
    },
    /// Remove what a look around has planted on the machine.
    Planted {
        /// The run's ID.
        run_id: String,
    },
    /// Remove a cgroup's directory.
    Cgroup {
        /// Which.
        path: PathBuf,
    },
    /// Write what a file of the kernel held before.
    Write {
        /// Which.
        path: PathBuf,
        /// What it held.
        value: String,
    },
}

/// What the guardian answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "kebab-case")]
pub enum Reply {
    /// It runs; sent once, unasked.
    Ready {
        /// Whether its memory cannot be taken from it.
        memory_locked: bool,
        /// What the kernel thinks of killing it when memory runs out, from -1000 (never) to 1000.
        oom_score_adj: i32,
    },
    /// The order is carried out.
    Done,
    /// It is not.
    Failed {
        /// Why.
        error: String,
    },
}
