//! Hard bounds of every attacker, besides its cgroup: a dose cap and a dead-man timer.

use serde::{Deserialize, Serialize};

/// The most an attacker may ever take, whatever its limits are and whatever it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dose {
    /// Tasks alive at one time.
    pub tasks: u64,
    /// Bytes of memory held at one time, all workers together.
    pub bytes: u64,
    /// Seconds from switching on to the dead-man timer, which ends everything.
    pub seconds: u64,
    /// True in a throwaway guest without a guard, where the attack is to have whatever the kernel gives.
    #[serde(default)]
    pub unguarded: bool,
}

/// No order can raise a dose above these.
const ABSOLUTE: Dose = Dose { tasks: 4096, bytes: 64 << 30, seconds: 300, unguarded: false };

/// The same for an attack that has a guest to itself: twice as many tasks as the kernel numbers on a small machine
/// (`PID_MAX_DEFAULT` of linux/threads.h), so that the kernel's own tables are what holds it, and as many bytes as a guest can have.
const UNGUARDED: Dose = Dose { tasks: 65_536, bytes: 1 << 40, seconds: 300, unguarded: true };

/// The most descriptors that all processes of an attacker may ever hold together, whatever it is told: the table of open files
/// belongs to the whole system, and no cgroup bounds it.
const MOST_DESCRIPTORS: u64 = 1_000_000;

/// The same for an attack that has a guest to itself: as many as there are by default on a machine of 40 GiB (fs/file_table.c,
/// `files_maxfiles_init`), so that the kernel's own table is what holds it.
const MOST_DESCRIPTORS_UNGUARDED: u64 = 4_000_000;

/// How many open files the whole system may have (`fs.file-max`, proc_sys_fs(5)).
///
/// # Errors
/// The file and what is wrong with it: without the number nobody knows how many are safe.
pub fn table_of_open_files() -> Result<u64, String> {
    const FILE: &str = "/proc/sys/fs/file-max";
    let text = std::fs::read_to_string(FILE).map_err(|error| format!("{FILE}: {error}"))?;
    text.trim().parse().map_err(|_| format!("{FILE} reads {text:?}, which is no number"))
}

/// What an intensity in percent asks for of an amount: at least one, unless it is 0.
#[must_use]
pub fn share_of(amount: u64, intensity: u8) -> u64 {
    match intensity.min(100) {
        0 => 0,
        percent => (amount.saturating_mul(u64::from(percent)) / 100).max(1),
    }
}

impl Dose {
    /// How many descriptors may be held at once on a system that may have `table` open files: half of that, so that the other half
    /// stays with the machine. In a guest of its own an attack may have all that the kernel gives.
    #[must_use]
    pub fn descriptors(self, table: u64) -> u64 {
        if self.unguarded { MOST_DESCRIPTORS_UNGUARDED } else { MOST_DESCRIPTORS.min(table / 2) }
    }

    /// The dose, cut to what this program is willing to do at all.
    #[must_use]
    pub fn bounded(self) -> Self {
        let most = if self.unguarded { UNGUARDED } else { ABSOLUTE };
        Self {
            tasks: self.tasks.min(most.tasks),
            bytes: self.bytes.min(most.bytes),
            seconds: self.seconds.min(most.seconds),
            ..self
        }
    }

    /// How many tasks an intensity in percent asks for: at least one, unless it is 0.
    #[must_use]
    pub fn share(self, intensity: u8) -> u64 {
        share_of(self.tasks, intensity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dose_is_cut_to_what_the_program_is_willing_to_do() {
        let dose = Dose { tasks: u64::MAX, bytes: u64::MAX, seconds: u64::MAX, unguarded: false };
        assert_eq!(dose.bounded(), ABSOLUTE);
        assert_eq!(Dose { unguarded: true, ..dose }.bounded(), UNGUARDED);
    }

    #[test]
    fn half_of_the_systems_open_files_stay_with_the_machine() {
        let dose = Dose { tasks: 1, bytes: 0, seconds: 1, unguarded: false };
        assert_eq!(dose.descriptors(200_000), 100_000);
        assert_eq!(dose.descriptors(u64::MAX), 1_000_000);
        assert_eq!(Dose { unguarded: true, ..dose }.descriptors(200_000), 4_000_000);
        assert!(table_of_open_files().unwrap() > 0);
    }

    #[test]
    fn intensity_is_a_share_of_the_dose() {
        let dose = Dose { tasks: 512, bytes: 0, seconds: 1, unguarded: false };
        assert_eq!(dose.share(0), 0);
        assert_eq!(dose.share(1), 5);
        assert_eq!(dose.share(50), 256);
        assert_eq!(dose.share(100), 512);
        assert_eq!(Dose { tasks: 7, ..dose }.share(1), 1);
    }
}
