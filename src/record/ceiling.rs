//! Ceilings: limits, and the kernel's evidence that they held.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scenario::Resource;

/// Whose limit it was that stopped the attacker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CeilingLevel {
    /// The sandbox's own limit: own usage at its limit, refusals counted, and the node below capacity.
    Sandbox,
    /// The limit of the sandbox's pod: the same of what all of its sandboxes use.
    Pod,
    /// The node's capacity.
    Node,
    /// The kernel's counters cannot name the level, or nothing was refused.
    Inferred,
}

/// One limit, and the kernel's evidence that it held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ceiling {
    /// The resource limited.
    pub resource: Resource,
    /// The kernel file that holds the limit, without its folder, such as `pids.max`.
    pub knob: String,
    /// The limit, in the knob's unit (tasks, bytes, microseconds per period, list of CPUs counted).
    pub limit: u64,
    /// The highest usage seen, in the same unit; null where the kernel offers nothing to read.
    pub peak: Option<u64>,
    /// Where the peak was read: the kernel's peak file, or `sampled` for the highest of the harness's samples.
    pub peak_source: String,
    /// The kernel counter that counts refusals, such as `pids.events max`; null without one.
    pub counter: Option<String>,
    /// How far that counter grew during the case.
    pub count: Option<u64>,
    /// Whether the limit held.
    pub kept: bool,
    /// Whose limit it was.
    pub level: CeilingLevel,
    /// The node's own peak in the same unit, to compare with its capacity.
    pub node_peak: Option<u64>,
    /// What counts towards the limit besides the workload, and what else a reader must know.
    pub note: String,
}

/// Where the peak comes from of a limit of memory that leaves swap open: no kernel has a peak of both together.
pub const WITH_SWAP: &str = "memory.current and memory.swap.current, sampled";

impl CeilingLevel {
    /// True when it was the limit in question itself, of the sandbox or of its pod.
    #[must_use]
    pub const fn is_own(self) -> bool {
        matches!(self, Self::Sandbox | Self::Pod)
    }
}

impl Ceiling {
    /// False for what is no amount, such as a weight, and for an amount that is no hard limit, such as `memory.high`: nothing can
    /// reach it, and nothing be refused by it.
    #[must_use]
    pub fn is_amount(&self) -> bool {
        (self.peak.is_some() || self.counter.is_some()) && !self.is_soft()
    }

    /// True for a file of cgroup v2 that holds an amount which usage may pass.
    #[must_use]
    pub fn is_soft(&self) -> bool {
        matches!(
            self.knob.as_str(),
            "memory.high"
                | "memory.low"
                | "memory.min"
                | "memory.swap.high"
                | "memory.oom.group"
                | "cpu.max.burst"
        )
    }

    /// True for a set of CPUs: limit and peak are numbers of CPUs.
    #[must_use]
    pub fn is_cpuset(&self) -> bool {
        self.knob == "cpuset.cpus"
    }

    /// True when swap was left open beside a limit of memory, and the peak is of both together.
    #[must_use]
    pub fn is_with_swap(&self) -> bool {
        self.peak_source == WITH_SWAP
    }

    /// True when what is counted is processes that the OOM killer took.
    #[must_use]
    pub fn counts_kills(&self) -> bool {
        self.counter.as_deref().is_some_and(|counter| counter.ends_with(" oom_kill"))
    }

    /// True for a quota of CPU time: limit and peak are microseconds in each 100 ms, and what is counted is throttling.
    #[must_use]
    pub fn is_quota(&self) -> bool {
        matches!(self.knob.as_str(), "cpu.max" | "cpu.cfs_quota_us")
    }

    /// True for a rate of a link: limit and peak are bits per second, and what is counted is how often a packet had to wait.
    #[must_use]
    pub fn is_link_rate(&self) -> bool {
        self.knob.starts_with("tbf ")
    }
}
