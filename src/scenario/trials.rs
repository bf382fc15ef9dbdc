//! How long a case is measured.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many pairs of blocks a case begins with, and how much time its blocks may take when those do not settle it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Trials {
    /// Pairs of each kind to begin with; the tool's own numbers when absent.
    pub pairs: Option<u32>,
    /// No fresh pairs are begun once the blocks of a case have taken this long, in milliseconds.
    pub budget_ms: u64,
    /// Length of one block, in milliseconds: neighbours in time are alike, and a long block has no near neighbour.
    #[serde(default = "default_block_ms")]
    pub block_ms: u64,
}

/// A quarter of a second.
const fn default_block_ms() -> u64 {
    250
}

impl Default for Trials {
    fn default() -> Self {
        Self { pairs: None, budget_ms: 30_000, block_ms: default_block_ms() }
    }
}
