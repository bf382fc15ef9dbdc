//! How a memory eater eats.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::units::format_bytes;

/// How the workload `memory-eater` eats memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct MemorySpec {
    /// What all workers together want to hold, or the size of one allocation, in bytes; null for all of the node's memory.
    pub size_bytes: Option<u64>,
    /// Workers that share in it.
    pub workers: u64,
    /// What all workers together touch in a second at most, in bytes; null for as fast as they can.
    pub rate_bytes_per_second: Option<u64>,
    /// So many allocations of the whole size, one after the other and in all, instead of holding; null for holding.
    pub allocations: Option<u64>,
    /// Whom the OOM killer is to take.
    pub oom: OomChoice,
}

impl Default for MemorySpec {
    fn default() -> Self {
        Self {
            size_bytes: None,
            workers: 8,
            rate_bytes_per_second: None,
            allocations: None,
            oom: OomChoice::Natural,
        }
    }
}

impl fmt::Display for MemorySpec {
    /// What is not as usual, after the number of workers: `8 workers, size 64Mi`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.allocations {
            Some(number) => write!(f, "{number} allocations")?,
            None => {
                write!(f, "{} worker{}", self.workers, if self.workers == 1 { "" } else { "s" })?
            }
        }
        if let Some(size) = self.size_bytes {
            write!(f, ", size {}", format_bytes(size))?;
        }
        if let Some(rate) = self.rate_bytes_per_second {
            write!(f, ", {} a second", format_bytes(rate))?;
        }
        if self.oom != OomChoice::Natural {
            write!(f, ", oom {}", self.oom.name())?;
        }
        Ok(())
    }
}

/// Whom the OOM killer is to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OomChoice {
    /// Whom it finds worst by itself.
    Natural,
    /// The attacker's workers, which raise their own `oom_score_adj`.
    AttackerFirst,
}

impl OomChoice {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Natural, Self::AttackerFirst];

    /// The word used in files and records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Natural => "natural",
            Self::AttackerFirst => "attacker-first",
        }
    }
}
