//! The sham: one worker that sleeps.

use super::{AttackOrder, Workload};
use crate::clock;
use crate::raw;
use crate::tally::Tally;

const NAP_NS: u64 = 50_000_000;

/// See the module.
pub struct Sleep;

impl Workload for Sleep {
    fn target(&self, order: &AttackOrder) -> u64 {
        order.dose.share(order.intensity).min(1)
    }

    fn work(&self, tally: Tally) -> ! {
        while !tally.is_overdue(clock::now()) {
            clock::sleep(NAP_NS);
        }
        raw::exit_now(0)
    }
}
