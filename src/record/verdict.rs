//! The words for what was found.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The verdict on a cell or a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Limit kept, victim within tolerance, and the open attack shown to hurt.
    Contained,
    /// The limit itself did not hold, whatever the neighbour felt.
    Breached,
    /// The victim was slower beyond tolerance.
    Degraded,
    /// The victim's operations failed, or it died.
    Denied,
    /// The node or the machine went down.
    Lost,
    /// An open attack that did not hurt.
    Harmless,
    /// A limited config that looks contained, but the open attack was harmless too: it proves nothing.
    Vacuous,
    /// Nothing of others was seen, though it was there to be found.
    Hidden,
    /// Something of others was seen, and not reached.
    Visible,
    /// Something of others was reached.
    Reachable,
    /// Neither a leak nor containment could be shown. Never a pass.
    Inconclusive,
    /// The machine cannot run it.
    Skipped,
    /// The harness failed.
    Error,
}

impl Verdict {
    /// True for what the umbrella word `leaks` covers.
    #[must_use]
    pub const fn leaks(self) -> bool {
        matches!(
            self,
            Self::Breached
                | Self::Degraded
                | Self::Denied
                | Self::Lost
                | Self::Visible
                | Self::Reachable
        )
    }

    /// The word itself.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contained => "contained",
            Self::Breached => "breached",
            Self::Degraded => "degraded",
            Self::Denied => "denied",
            Self::Lost => "lost",
            Self::Harmless => "harmless",
            Self::Vacuous => "vacuous",
            Self::Hidden => "hidden",
            Self::Visible => "visible",
            Self::Reachable => "reachable",
            Self::Inconclusive => "inconclusive",
            Self::Skipped => "skipped",
            Self::Error => "error",
        }
    }

    /// How bad it is: the verdict of a case is the one with the highest rank among its own cells and ceilings.
    #[must_use]
    pub const fn severity(self) -> u8 {
        match self {
            Self::Lost => 8,
            Self::Breached => 7,
            Self::Denied | Self::Reachable => 6,
            Self::Degraded | Self::Visible => 5,
            Self::Error => 4,
            Self::Inconclusive => 3,
            Self::Vacuous => 2,
            Self::Skipped => 1,
            Self::Contained | Self::Harmless | Self::Hidden => 0,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What became of the attacker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Its limit refused it.
    Refused,
    /// Its limit killed it.
    KilledByLimit,
    /// Its limit slowed it down.
    Throttled,
    /// No limit of its own stopped it.
    RanFree,
    /// It left its cgroup.
    Escaped,
}
