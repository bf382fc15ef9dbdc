//! Limits of a sandbox, in the model's units.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::IoLimits;

/// Limits of one sandbox; `None` leaves the kernel's default, which is no limit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Limits {
    /// `pids.max`: tasks.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pids: Option<u64>,
    /// `memory.max` or `memory.limit_in_bytes`, in bytes. Swap is 0 with it unless `swap_bytes` says otherwise.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub memory_bytes: Option<u64>,
    /// `memory.swap.max`, or on v1 what `memory.memsw.limit_in_bytes` allows beyond memory, in bytes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub swap_bytes: Option<u64>,
    /// `cpu.max` or `cpu.cfs_quota_us`, in thousandths of a CPU.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cpu_millis: Option<u64>,
    /// `cpu.weight` (1 to 10000, default 100); on v1 the `cpu.shares` it stands for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub weight: Option<u64>,
    /// `cpu.idle`: runs only when nobody else wants the CPU.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub idle: bool,
    /// `cpuset.cpus`, in the kernel's list format.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cpuset: Option<String>,
    /// `RLIMIT_NOFILE`, soft and hard.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub nofile: Option<u64>,
    /// `RLIMIT_NPROC`, soft and hard: tasks of the sandbox's user.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub nproc: Option<u64>,
    /// The size of the tmpfs at /tmp, in bytes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tmpfs_bytes: Option<u64>,
    /// Rates at the node's disk.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub io: Option<IoLimits>,
    /// What it may send, in bits per second, Ethernet headers included.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub net_egress_bits_per_second: Option<u64>,
    /// What it may receive, in bits per second, Ethernet headers included.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub net_ingress_bits_per_second: Option<u64>,
    /// Exact kernel files of cgroup v2 and their values, such as `memory.high: 48Mi`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub unified: BTreeMap<String, String>,
}

impl Limits {
    /// True when nothing is limited: such an attacker makes its config an open case.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Those of its link.
    #[must_use]
    pub const fn net(&self) -> NetLimits {
        NetLimits {
            egress_bits_per_second: self.net_egress_bits_per_second,
            ingress_bits_per_second: self.net_ingress_bits_per_second,
        }
    }
}

/// Limits of a sandbox's link, as the sandbox sees the directions; `None` leaves what the uplink carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NetLimits {
    /// What it may send, in bits per second.
    pub egress_bits_per_second: Option<u64>,
    /// What it may receive, in bits per second.
    pub ingress_bits_per_second: Option<u64>,
}

impl NetLimits {
    /// True when nothing is limited.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}
