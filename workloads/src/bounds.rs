//! Hard bounds of every attacker, besides its cgroup: a dose cap and a dead-man timer.

use serde::{Deserialize, Serialize};

/// The most an attacker may ever take, whatever its limits are and whatever it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dose {
    /// Tasks alive at one time.
    pub tasks: u64,
    /// Seconds from switching on to the dead-man timer, which ends everything.
    pub seconds: u64,
    /// True in a throwaway guest without a guard, where the attack is to have whatever the kernel gives.
    #[serde(default)]
    pub unguarded: bool,
}

/// No order can raise a dose above these.
const ABSOLUTE: Dose = Dose { tasks: 4096, seconds: 300, unguarded: false };

/// The same for an attack that has a guest to itself: twice as many tasks as the kernel numbers on a small machine
/// (`PID_MAX_DEFAULT` of linux/threads.h), so that the kernel's own tables are what holds it.
const UNGUARDED: Dose = Dose { tasks: 65_536, seconds: 300, unguarded: true };

impl Dose {
    /// The dose, cut to what this program is willing to do at all.
    #[must_use]
    pub fn bounded(self) -> Self {
        let most = if self.unguarded { UNGUARDED } else { ABSOLUTE };
        Self { tasks: self.tasks.min(most.tasks), seconds: self.seconds.min(most.seconds), ..self }
    }

    /// How many tasks an intensity in percent asks for: at least one, unless it is 0.
    #[must_use]
    pub fn share(self, intensity: u8) -> u64 {
        match intensity.min(100) {
            0 => 0,
            percent => (self.tasks * u64::from(percent) / 100).max(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dose_is_cut_to_what_the_program_is_willing_to_do() {
        let dose = Dose { tasks: u64::MAX, seconds: u64::MAX, unguarded: false };
        assert_eq!(dose.bounded(), ABSOLUTE);
        assert_eq!(Dose { unguarded: true, ..dose }.bounded(), UNGUARDED);
    }

    #[test]
    fn intensity_is_a_share_of_the_dose() {
        let dose = Dose { tasks: 512, seconds: 1, unguarded: false };
        assert_eq!(dose.share(0), 0);
        assert_eq!(dose.share(1), 5);
        assert_eq!(dose.share(50), 256);
        assert_eq!(dose.share(100), 512);
        assert_eq!(Dose { tasks: 7, ..dose }.share(1), 1);
    }
}
