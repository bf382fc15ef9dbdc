//! `cpu/work`: a fixed number of rounds of integer arithmetic, about one millisecond on the quiet machine.
//!
//! One round is one step of a xorshift generator (Marsaglia, 2003) on a register: no memory, no system call, nothing
//! but CPU time. The number of rounds is fixed once, on the quiet node, and does not change afterwards.

use nix::errno::Errno;

use super::probe::Probe;
use crate::clock;
use crate::spin::spin;

/// The probe's name.
pub const NAME: &str = "cpu/work";

const UNIT_NS: u64 = 1_000_000;
const TRIAL_ROUNDS: u64 = 200_000;
const TRIALS: usize = 9;

/// See the module.
pub struct Work {
    rounds: u64,
}

impl Default for Work {
    fn default() -> Self {
        Self { rounds: TRIAL_ROUNDS }
    }
}

impl Probe for Work {
    /// The fastest of several trials is the one that nothing interrupted.
    fn prepare(&mut self) {
        let fastest = (0..TRIALS)
            .map(|_| {
                let begun = clock::now();
                spin(TRIAL_ROUNDS);
                clock::now() - begun
            })
            .min()
            .unwrap_or(UNIT_NS)
            .max(1);
        self.rounds = (TRIAL_ROUNDS * UNIT_NS / fastest).max(1);
    }

    fn operate(&mut self) -> Result<(), Errno> {
        spin(self.rounds);
        Ok(())
    }
}
