//! Pressure stall information of a group: how long its tasks had to wait.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a group waited for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pressure {
    /// For a CPU.
    pub cpu: Stall,
    /// For memory: reclaim, swap, refaults; null where the kernel does not tell.
    pub memory: Option<Stall>,
    /// For a disk; null where the kernel does not tell.
    pub io: Option<Stall>,
}

/// Time in which tasks of a group had to wait, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stall {
    /// At least one of them.
    pub some_ms: f64,
    /// All of them that were not idle.
    pub full_ms: f64,
}
