//! What a guest is to do: a file in its initramfs, written by the host and read by the guest's init.

use serde::{Deserialize, Serialize};

use crate::record::Case;
use crate::scenario::{CgroupMode, VmSpec};

/// Where the file is in the guest.
pub const PATH: &str = "/job.json";

/// Where modules are in the guest, each in a file named for its place in the order.
pub const MODULES: &str = "/modules";

/// The guest's first program, which is this binary.
pub const INIT: &str = "/init";

/// The serial port that a guest speaks to its host through; the first is its console.
pub const LINK: &str = "/dev/ttyS1";

/// What a guest is to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// How to mount control groups.
    pub cgroup: CgroupMode,
    /// Modules to load, in order, by their paths.
    pub modules: Vec<String>,
    /// The device of a swap area.
    pub swap: Option<String>,
    /// The device of a disk with an ext4 file system.
    pub disk: Option<String>,
    /// What to do then.
    pub task: Task,
}

/// What to do once the guest is up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// Run cases.
    Run(RunTask),
    /// Run a program of the initramfs, and hand over what it writes.
    Execute {
        /// The program and its arguments.
        command: Vec<String>,
        /// Its environment.
        environment: Vec<(String, String)>,
    },
}

/// The cases that a guest is to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunTask {
    /// The guest's ID in the record.
    pub machine: String,
    /// The seed of the run.
    pub seed: u64,
    /// The guest of configs whose file names no machine, as on the host: controls depend on it.
    pub unsaid: Option<VmSpec>,
    /// Whether to measure no more than failures and ceilings need.
    #[serde(default)]
    pub quick: bool,
    /// Whether the configs are those of an ablation.
    #[serde(default)]
    pub ablate: bool,
    /// The scenarios.
    pub parts: Vec<PartTask>,
}

/// What to run of one scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartTask {
    /// Its file, for messages and the record.
    pub file: String,
    /// The text of the file.
    pub text: String,
    /// The configs to run, by name.
    pub wanted: Vec<String>,
    /// The cases of it that an earlier boot has measured.
    pub before: Vec<Case>,
}
