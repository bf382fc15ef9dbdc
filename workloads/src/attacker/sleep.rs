//! The sham: one worker that sleeps.

use super::{AttackOrder, Workload};
use crate::clock;
use crate::raw;
use crate::tally::Tally;

const NAP_NS: u64 = 50_000_000;

/// See the module.
pub struct Sleep {
    tasks: u64,
}

impl Sleep {
    /// One task, or none at intensity 0.
    pub fn new(order: &AttackOrder) -> Self {
        Self { tasks: order.dose.share(order.intensity).min(1) }
    }
}

impl Workload for Sleep {
    fn target(&self) -> u64 {
        self.tasks
    }

    fn work(&self, tally: Tally) -> ! {
        while !tally.is_overdue(clock::now()) {
            clock::sleep(NAP_NS);
        }
        raw::exit_now(0)
    }
}
