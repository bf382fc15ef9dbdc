//! How long a case is measured.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Scenario;

/// How many pairs of blocks a case begins with, and how much time its blocks may take when those do not settle it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Trials {
    /// Pairs of each kind to begin with; the tool's own numbers when absent.
    pub pairs: Option<u32>,
    /// No fresh pairs are begun once the blocks of a case have taken this long, in milliseconds. One round is run in any case; with 0 it is for what
    /// looks like a leak alone.
    pub budget_ms: u64,
    /// Length of one block, in milliseconds: neighbours in time are alike, and a long block has no near neighbour.
    #[serde(default = "default_block_ms")]
    pub block_ms: u64,
}

/// A quarter of a second.
const fn default_block_ms() -> u64 {
    250
}

impl Trials {
    /// So few and so short blocks that failures and ceilings show, and of slowdowns only large ones; fresh pairs are for confirming those alone.
    pub const QUICK: Self = Self { pairs: Some(4), budget_ms: 0, block_ms: 40 };

    /// Without time for more than what looks like a leak: decisions are few, and so are switches of the attack.
    #[must_use]
    pub const fn is_hurried(&self) -> bool {
        self.budget_ms == 0
    }

    /// No more than [`Self::QUICK`].
    fn hurried(&self) -> Self {
        let quick = Self::QUICK;
        Self {
            pairs: self.pairs.into_iter().chain(quick.pairs).min(),
            budget_ms: self.budget_ms.min(quick.budget_ms),
            block_ms: self.block_ms.min(quick.block_ms),
        }
    }
}

impl Scenario {
    /// Measures every config with no more than [`Trials::QUICK`].
    pub fn hurry(&mut self) {
        for config in &mut self.configs {
            config.trials = config.trials.hurried();
        }
    }
}

impl Default for Trials {
    fn default() -> Self {
        Self { pairs: None, budget_ms: 60_000, block_ms: default_block_ms() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hurry_takes_away_and_never_adds() {
        assert_eq!(Trials::default().hurried(), Trials::QUICK);
        let few = Trials { pairs: Some(1), budget_ms: 0, block_ms: 20 };
        assert_eq!(few.hurried(), few);
        let many = Trials { pairs: Some(100), budget_ms: 600_000, block_ms: 10_000 };
        assert_eq!(many.hurried(), Trials::QUICK);
    }
}
