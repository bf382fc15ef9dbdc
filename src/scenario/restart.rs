//! When a sidecar that has ended is started again, and how soon.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The `restartPolicy` of a Pod, which holds for its sidecars.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RestartPolicy {
    /// However it ended.
    #[default]
    Always,
    /// When it ended with another status than 0, or by a signal.
    OnFailure,
    /// Never.
    Never,
}

impl RestartPolicy {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Always, Self::OnFailure, Self::Never];

    /// The word used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::OnFailure => "on-failure",
            Self::Never => "never",
        }
    }

    /// Whether a sidecar is started again that ended well or not.
    #[must_use]
    pub const fn restarts(self, succeeded: bool) -> bool {
        match self {
            Self::Always => true,
            Self::OnFailure => !succeeded,
            Self::Never => false,
        }
    }
}

/// The wait of the kubelet before the second restart, in milliseconds.
pub const KUBELET_BACKOFF_MS: u64 = 10_000;

/// The longest wait, as a multiple of the base: the kubelet's are 10 s and 5 min.
const LONGEST: u32 = 30;

/// Who has run for so many times the base begins anew: the kubelet forgets after twice its longest wait.
const FORGOTTEN: u32 = 2 * LONGEST;

/// How long to wait before each restart, as the kubelet does it: not at all before the first, the base before the second, twice as
/// long before each more, up to thirty times the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    base: Duration,
    next: Duration,
}

impl Backoff {
    /// Before the first restart.
    #[must_use]
    pub const fn new(base: Duration) -> Self {
        Self { base, next: Duration::ZERO }
    }

    /// The wait after an end, of one that had run for so long.
    pub fn after(&mut self, ran: Duration) -> Duration {
        if ran >= self.base * FORGOTTEN {
            self.next = Duration::ZERO;
        }
        let wait = self.next;
        self.next = (self.next * 2).clamp(self.base, self.base * LONGEST);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_policy_asks_how_it_ended() {
        let of = |policy: RestartPolicy| (policy.restarts(true), policy.restarts(false));
        assert_eq!(of(RestartPolicy::Always), (true, true));
        assert_eq!(of(RestartPolicy::OnFailure), (false, true));
        assert_eq!(of(RestartPolicy::Never), (false, false));
    }

    #[test]
    fn waits_double_up_to_thirty_times_the_base_and_are_forgotten() {
        let second = Duration::from_secs(1);
        let mut backoff = Backoff::new(10 * second);
        let waits: Vec<u64> = (0..8).map(|_| backoff.after(second).as_secs()).collect();
        assert_eq!(waits, [0, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(backoff.after(599 * second).as_secs(), 300);
        assert_eq!(backoff.after(600 * second).as_secs(), 0, "it had run for ten minutes");
        assert_eq!(backoff.after(second).as_secs(), 10);
    }
}
