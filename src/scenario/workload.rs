//! The workloads and probes that scenarios can name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Resource;

/// A workload and how hard it tries.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WorkloadSpec {
    /// Which built-in program.
    pub name: Workload,
    /// Effort in percent, 0 to 100.
    pub intensity: u8,
    /// Workers that burn at the same time; only [`Workload::CpuBurn`] has more than one.
    pub threads: u64,
    /// Bursts instead of a steady load; only for [`Workload::CpuBurn`].
    pub burst: Option<Burst>,
}

impl WorkloadSpec {
    /// A workload at full effort, with one thread, steady.
    #[must_use]
    pub const fn full(name: Workload) -> Self {
        Self { name, intensity: 100, threads: 1, burst: None }
    }
}

/// A load that comes in bursts: busy at the beginning of each period, idle for the rest of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Burst {
    /// Busy time in each period, in microseconds.
    pub busy_us: u64,
    /// Length of a period, in microseconds.
    pub period_us: u64,
}

/// The built-in workloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Workload {
    /// Computes on registers, steadily or in bursts, on one thread or many.
    CpuBurn,
    /// Forks until it is refused, holds what it got, keeps trying.
    Forkbomb,
    /// Sleeps: the sham attacker.
    Sleep,
}

impl Workload {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::CpuBurn, Self::Forkbomb, Self::Sleep];

    /// The word used in files, records and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CpuBurn => "cpu-burn",
            Self::Forkbomb => "forkbomb",
            Self::Sleep => "sleep",
        }
    }

    /// One line for `list`.
    #[must_use]
    pub const fn summary(self) -> &'static str {
        match self {
            Self::CpuBurn => "computes without a pause, or in bursts, on one thread or many",
            Self::Forkbomb => "forks until it is refused, holds what it got, keeps trying",
            Self::Sleep => "sleeps: the sham attacker that shows the machine's own noise",
        }
    }

    /// The resource it drains, its own resource; the sham drains none and is judged on the resource of its scenario.
    #[must_use]
    pub const fn resource(self) -> Option<Resource> {
        match self {
            Self::CpuBurn => Some(Resource::Cpu),
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
