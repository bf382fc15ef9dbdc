//! Whom the kernel's OOM killer took.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Processes that the OOM killer took during a case, by the kernel's own count in the group of each sandbox, whoever's memory had run
/// out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OomKills {
    /// Of the attacker's sandbox; null where the kernel does not tell.
    pub attacker: Option<u64>,
    /// Of the victim's sandbox; null where the kernel does not tell.
    pub victim: Option<u64>,
}

impl OomKills {
    /// True when the kernel tells nothing of either.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        self.attacker.is_none() && self.victim.is_none()
    }
}
