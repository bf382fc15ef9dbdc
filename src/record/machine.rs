//! The machine a case ran on, as stored in every record.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Guest;
use crate::scenario::{CgroupMode, MachineFacts};

/// Host or virtual machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MachineKind {
    /// The kernel that the harness itself runs on.
    Host,
    /// A throwaway guest.
    Vm,
}

/// A kernel and what it can do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Machine {
    /// Short ID that cases refer to, such as `host`.
    pub id: String,
    /// Host or guest.
    pub kind: MachineKind,
    /// Kernel release, as `uname -r` prints it.
    pub kernel: String,
    /// Machine architecture, as `uname -m` prints it.
    pub arch: String,
    /// `v1`, `v2` or `hybrid`; null where there are no cgroups.
    pub cgroup: Option<CgroupMode>,
    /// Controllers that limits can be set with, by the kernel's names.
    pub controllers: Vec<String>,
    /// Options that the unified hierarchy is mounted with and that change what its files mean, such as
    /// `memory_recursiveprot`; empty without one.
    #[serde(default)]
    pub cgroup_options: Vec<String>,
    /// Whether its CPUs say of themselves that they are emulated by software, where nothing is known about speed.
    #[serde(default)]
    pub emulated: bool,
    /// Online CPUs.
    pub cpus: u32,
    /// Total memory, in bytes.
    pub memory_bytes: u64,
    /// Total swap, in bytes.
    pub swap_bytes: u64,
    /// Effective user ID of the harness, as the machine knows it.
    pub uid: u32,
    /// Effective capabilities of the harness, by name, lower case.
    pub capabilities: Vec<String>,
    /// Whether pressure stall information is on.
    pub psi: bool,
    /// Every requirement, met or not.
    pub requirements: Vec<Requirement>,
    /// For a guest: who ran it and how; null for the host.
    #[serde(default)]
    pub guest: Option<Guest>,
    /// For a harness without root: in whose name and in which cgroup it runs; null with root.
    #[serde(default)]
    pub rootless: Option<Rootless>,
}

/// What a harness without root has instead: user namespaces, and a part of the cgroup tree that was delegated to its user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rootless {
    /// The user that the harness belongs to.
    pub uid: u32,
    /// The delegated cgroup, below the top of the unified hierarchy, as `/proc/PID/cgroup` names it.
    pub cgroup: String,
}

impl Machine {
    /// What the conditions of a scenario ask about it.
    #[must_use]
    pub fn facts(&self) -> MachineFacts<'_> {
        MachineFacts {
            cgroup: self.cgroup,
            kernel: &self.kernel,
            arch: &self.arch,
            emulated: self.emulated,
        }
    }
}

/// One named thing that a machine must have or may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Requirement {
    /// Its name, such as `cgroup.pids`.
    pub name: String,
    /// True when nothing can run without it; false when only some configs need it.
    pub required: bool,
    /// Whether the machine has it.
    pub met: bool,
    /// What was found.
    pub found: String,
    /// The command or step that mends it; empty when met.
    pub remedy: String,
}
