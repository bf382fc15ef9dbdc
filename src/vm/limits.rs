//! How long a guest may take for anything.

use std::time::Duration;

/// Time limits of a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the start of QEMU until the guest is up. Under translation that takes some 4 s on a quiet machine.
    pub boot: Duration,
    /// The same under KVM, before it is taken for one that does not work.
    pub boot_by_kvm: Duration,
    /// Between two words of a guest that is up. The engine's own limits are 30 s and less but for the survey of files, and the guest's blocks are shorter still.
    pub silence: Duration,
    /// For one case, besides three times the budget of its blocks.
    pub case: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            boot: Duration::from_secs(60),
            boot_by_kvm: Duration::from_secs(10),
            silence: Duration::from_secs(60),
            case: Duration::from_secs(120),
        }
    }
}

impl Limits {
    /// For a whole boot that is to run cases with these budgets, in milliseconds.
    #[must_use]
    pub fn whole(&self, budgets_ms: impl Iterator<Item = u64>) -> Duration {
        let cases = budgets_ms.map(|budget| self.case + 3 * Duration::from_millis(budget));
        self.boot + cases.sum::<Duration>()
    }
}
