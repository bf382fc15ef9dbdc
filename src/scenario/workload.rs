//! The workloads and probes that scenarios can name.

use serde::{Deserialize, Serialize};

use super::Resource;

/// A workload and how hard it tries.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WorkloadSpec {
    /// Which built-in program.
    pub name: Workload,
    /// Effort in percent, 0 to 100.
    pub intensity: u8,
}

/// The built-in workloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Workload {
    /// Forks until it is refused, holds what it got, keeps trying.
    Forkbomb,
    /// Sleeps: the sham attacker.
    Sleep,
}

impl Workload {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Forkbomb, Self::Sleep];

    /// The word used in files, records and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Forkbomb => "forkbomb",
            Self::Sleep => "sleep",
        }
    }

    /// One line for `list`.
    #[must_use]
    pub const fn summary(self) -> &'static str {
        match self {
            Self::Forkbomb => "forks until it is refused, holds what it got, keeps trying",
            Self::Sleep => "sleeps: the sham attacker that shows the machine's own noise",
        }
    }

    /// The resource it drains, its own resource; the sham drains none and is judged on the resource of its scenario.
    #[must_use]
    pub const fn resource(self) -> Option<Resource> {
        match self {
            Self::Forkbomb => Some(Resource::Pids),
            Self::Sleep => None,
        }
    }

    /// The fewest tasks in which it can do anything: its init, which is also its supervisor, and one worker.
    #[must_use]
    pub const fn min_pids(self) -> u64 {
        2
    }
}

/// The victim's fewest tasks: its init, one process for each probe, and one child of the fork probe.
pub const VICTIM_MIN_PIDS: u64 = 4;

/// The victim's probes, named `resource/operation`.
pub const PROBES: &[&str] = &["pids/fork", "cpu/work"];
