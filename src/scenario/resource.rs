//! The resources that everything on one kernel shares, and what of others can be seen on it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The seven resources that everything on one kernel shares, and what a sandbox may see of others, which nobody can use up.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Resource {
    /// CPU time.
    Cpu,
    /// Memory.
    Memory,
    /// File systems and block devices.
    Disk,
    /// Network.
    Network,
    /// Open files.
    Files,
    /// Process IDs.
    Pids,
    /// Random numbers.
    Random,
    /// All that can be seen of others: what a look around is judged on as a whole.
    View,
    /// Processes of others.
    Processes,
    /// System V objects, POSIX message queues and shared memory of others.
    Ipc,
    /// The host name of others.
    Hostname,
    /// Mounts of others.
    Mounts,
    /// Devices of the host.
    Devices,
    /// What steers the kernel as a whole.
    Kernel,
    /// Namespaces of others.
    Namespaces,
    /// Control groups of others.
    Cgroups,
}

impl Resource {
    /// What can only be seen or reached, and not drained, in the order of the report's rows. Of files and network, both is true.
    pub const SEEN: [Self; 9] = [
        Self::View,
        Self::Processes,
        Self::Ipc,
        Self::Hostname,
        Self::Mounts,
        Self::Devices,
        Self::Kernel,
        Self::Namespaces,
        Self::Cgroups,
    ];

    /// Everything that a cell may speak of, in the order of the report's rows.
    pub fn every() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().chain(Self::SEEN)
    }

    /// The resources that can be drained, in the order of the report's rows.
    pub const ALL: [Self; 7] =
        [Self::Cpu, Self::Memory, Self::Disk, Self::Network, Self::Files, Self::Pids, Self::Random];

    /// The word used in files, records and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::Network => "network",
            Self::Files => "files",
            Self::Pids => "pids",
            Self::Random => "random",
            Self::View => "view",
            Self::Processes => "processes",
            Self::Ipc => "ipc",
            Self::Hostname => "hostname",
            Self::Mounts => "mounts",
            Self::Devices => "devices",
            Self::Kernel => "kernel",
            Self::Namespaces => "namespaces",
            Self::Cgroups => "cgroups",
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
