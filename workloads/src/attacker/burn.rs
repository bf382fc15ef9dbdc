//! The CPU burner: workers that compute on registers, without a pause or in bursts.
//!
//! One operation is one worker that was started. Nothing refuses CPU time, so there are no refusals but those of fork(2),
//! where a pids limit is tighter than the number of workers. What the burner received, only the kernel's account says.
//!
//! Bursts are counted in CPU time, not by the wall clock: a worker that had to wait burns the rest of its busy time later in
//! the same period. Each worker is a process with one thread; to the scheduler it is a task like any thread.

use super::{AttackOrder, Workload};
use crate::clock;
use crate::raw;
use crate::spin::spin;
use crate::tally::Tally;

/// The period of a load without bursts, in microseconds: that of a CPU quota, so that an intensity of 50 % is the same load as
/// a quota of half a CPU would leave.
const STEADY_PERIOD_US: u64 = 100_000;
/// Rounds of arithmetic between two looks at the clock: a few microseconds.
const ROUNDS: u64 = 2_000;
/// The most workers of one attacker.
const MOST_WORKERS: u64 = 256;

/// See the module.
pub struct Burn {
    workers: u64,
    busy_ns: u64,
    period_ns: u64,
    spread: bool,
}

impl Burn {
    /// As ordered; the intensity is the share of the busy time that is burnt.
    pub fn new(order: &AttackOrder) -> Self {
        let (busy_us, period_us) =
            order.burst.map_or((STEADY_PERIOD_US, STEADY_PERIOD_US), |burst| {
                (burst.busy_us, burst.period_us.max(1))
            });
        let intensity = u64::from(order.intensity.min(100));
        let workers = order.threads.min(MOST_WORKERS).min(order.dose.tasks);
        Self {
            workers: if intensity == 0 { 0 } else { workers },
            busy_ns: busy_us.min(period_us) * 1000 * intensity / 100,
            period_ns: period_us * 1000,
            spread: false,
        }
    }

    /// A load whose workers do not wake together but each at a time of its own within the period, as the workers of other
    /// attackers do.
    pub fn spread(workers: u64, busy_us: u64, period_us: u64) -> Self {
        let period_us = period_us.max(1);
        Self {
            workers,
            busy_ns: busy_us.min(period_us) * 1000,
            period_ns: period_us * 1000,
            spread: true,
        }
    }

    /// Where in the period this worker's busy time begins, in nanoseconds.
    fn phase(&self) -> u64 {
        if !self.spread {
            return 0;
        }
        // Fibonacci hashing: neighbouring process IDs land far from each other.
        u64::from(std::process::id()).wrapping_mul(0x9E37_79B9_7F4A_7C15) % self.period_ns
    }
}

impl Workload for Burn {
    fn target(&self) -> u64 {
        self.workers
    }

    fn workers(&self) -> u64 {
        self.workers
    }

    fn work(&self, tally: Tally) -> ! {
        if self.busy_ns >= self.period_ns {
            while !tally.is_overdue(clock::now()) {
                spin(ROUNDS);
            }
            raw::exit_now(0);
        }
        let phase = self.phase();
        while !tally.is_overdue(clock::now()) {
            // Periods are counted on the machine's clock, so that all workers of one burner have the same.
            let number = clock::now().saturating_sub(phase) / self.period_ns;
            let end = (number + 1) * self.period_ns + phase;
            let busy_until = clock::cpu_time() + self.busy_ns;
            while clock::cpu_time() < busy_until && clock::now() < end {
                spin(ROUNDS);
            }
            clock::sleep_until(end);
        }
        raw::exit_now(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounds::Dose;
    use crate::protocol::Burst;

    fn order(threads: u64, intensity: u8, burst: Option<Burst>) -> AttackOrder {
        let dose = Dose { tasks: 100, bytes: 0, seconds: 1, unguarded: false };
        AttackOrder { intensity, threads, burst, ..AttackOrder::full("cpu-burn", dose) }
    }

    #[test]
    fn intensity_shortens_the_busy_time_and_nothing_else() {
        let burn = Burn::new(&order(3, 50, None));
        assert_eq!((burn.target(), burn.busy_ns, burn.period_ns), (3, 50_000_000, 100_000_000));
        let burst = Some(Burst { busy_us: 20_000, period_us: 100_000 });
        let burn = Burn::new(&order(4, 100, burst));
        assert_eq!((burn.busy_ns, burn.period_ns), (20_000_000, 100_000_000));
        assert_eq!(Burn::new(&order(4, 0, burst)).target(), 0);
    }

    #[test]
    fn neither_dose_nor_period_is_passed() {
        assert_eq!(Burn::new(&order(u64::MAX, 100, None)).target(), 100);
        let burst = Some(Burst { busy_us: u64::MAX, period_us: 1000 });
        let burn = Burn::new(&order(1, 100, burst));
        assert_eq!(burn.busy_ns, burn.period_ns);
        assert_eq!(
            Burn::new(&order(1, 100, Some(Burst { busy_us: 0, period_us: 0 }))).period_ns,
            1000
        );
    }

    #[test]
    fn a_spread_load_begins_within_its_period() {
        let burn = Burn::spread(9, 50, 10_000);
        assert!(burn.phase() < burn.period_ns);
        assert_eq!(Burn::new(&order(1, 100, None)).phase(), 0);
    }
}
