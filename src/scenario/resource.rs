//! The resources that everything on one kernel shares.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The seven resources that everything on one kernel shares.
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
}

impl Resource {
    /// All of them, in the order of the report's rows.
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
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
