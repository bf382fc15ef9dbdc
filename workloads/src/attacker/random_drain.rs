//! The drain of random numbers: one worker that takes them as fast as the kernel gives them.
//!
//! One operation is one call that gave numbers; a call that failed is a refusal, by errno, and so is one that gave fewer than
//! asked for (EAGAIN: the pool has no more), as `/dev/random` did before Linux 5.6. Since then it waits for nothing once it is
//! seeded, and since 5.18 every CPU has a generator of its own (drivers/char/random.c, `crng_make_state`).

use std::fs::File;
use std::io::Read;

use nix::errno::Errno;

use super::{AttackOrder, Workload};
use crate::clock;
use crate::protocol::RandomSource;
use crate::raw::{self, exit_now};
use crate::tally::Tally;

/// Bytes of one getrandom(2): as many as it gives whole, without being interrupted by a signal.
const BYTES: usize = 256;
/// Bytes of one read(2) of a device: a page, so that most of the time is spent on the numbers and not on the call. `/dev/random` before Linux 5.6
/// never had as many.
const DEVICE_BYTES: usize = 4096;
/// Calls between two looks at the clock: a millisecond or two of reads, some tens of microseconds of the others.
const BATCH: u64 = 64;
/// The period of the load, in nanoseconds: that of a CPU quota, as for the CPU burner.
const PERIOD_NS: u64 = 100_000_000;
/// Pause after a failed call, in nanoseconds: a failure is quick, and it is no use to burn the CPU over it.
const RETRY_NS: u64 = 1_000_000;

/// See the module.
pub struct RandomDrain {
    source: RandomSource,
    tasks: u64,
    busy_ns: u64,
}

impl RandomDrain {
    /// One worker, or none at intensity 0; the intensity is the share of each period that it is busy.
    pub fn new(order: &AttackOrder) -> Self {
        Self {
            source: order.source,
            tasks: order.dose.share(order.intensity).min(1),
            busy_ns: PERIOD_NS * u64::from(order.intensity.min(100)) / 100,
        }
    }
}

impl Workload for RandomDrain {
    fn target(&self) -> u64 {
        self.tasks
    }

    fn start_is_operation(&self) -> bool {
        false
    }

    fn work(&self, tally: Tally) -> ! {
        let Ok(mut tap) = Tap::open(self.source) else { exit_now(1) };
        while !tally.is_overdue(clock::now()) {
            // Counted in CPU time, so that a worker that had to wait does not lose its share.
            let (end, busy_until) = (clock::now() + PERIOD_NS, clock::cpu_time() + self.busy_ns);
            while clock::cpu_time() < busy_until && clock::now() < end {
                if let Err(errno) = tap.drain(tally) {
                    tally.denied(errno);
                    clock::sleep(RETRY_NS);
                }
            }
            if self.busy_ns < PERIOD_NS {
                clock::sleep_until(end);
            }
        }
        exit_now(0)
    }
}

/// Where the numbers come from.
enum Tap {
    Call,
    Device(File),
}

impl Tap {
    fn open(source: RandomSource) -> std::io::Result<Self> {
        Ok(match source {
            RandomSource::Getrandom => Self::Call,
            RandomSource::Urandom => Self::Device(File::open("/dev/urandom")?),
            RandomSource::Random => Self::Device(File::open("/dev/random")?),
        })
    }

    /// A batch of calls, counted together; ends with the first that fails.
    fn drain(&mut self, tally: Tally) -> Result<(), Errno> {
        let mut buffer = [0; DEVICE_BYTES];
        let wanted = match self {
            Self::Call => BYTES,
            Self::Device(_) => DEVICE_BYTES,
        };
        for done in 0..BATCH {
            let part = &mut buffer[..wanted];
            let got = match self {
                Self::Call => raw::getrandom(part),
                Self::Device(file) => file
                    .read(part)
                    .map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(0))),
            };
            let refusal = match got {
                Ok(bytes) if bytes == wanted => continue,
                Ok(_) => Errno::EAGAIN,
                Err(errno) => errno,
            };
            tally.operated(done);
            return Err(refusal);
        }
        tally.operated(BATCH);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounds::Dose;

    fn order(intensity: u8) -> AttackOrder {
        let dose = Dose { tasks: 100, bytes: 0, seconds: 1, unguarded: false };
        let source = RandomSource::Urandom;
        AttackOrder { intensity, source, ..AttackOrder::full("random-drain", dose) }
    }

    #[test]
    fn intensity_is_the_busy_share_of_one_worker() {
        let drain = RandomDrain::new(&order(25));
        assert_eq!((drain.target(), drain.busy_ns), (1, PERIOD_NS / 4));
        assert_eq!(drain.source, RandomSource::Urandom);
        assert_eq!(RandomDrain::new(&order(0)).target(), 0);
        assert_eq!(RandomDrain::new(&order(255)).busy_ns, PERIOD_NS);
    }

    #[test]
    fn every_source_gives_numbers_and_each_call_is_counted() {
        for source in [RandomSource::Getrandom, RandomSource::Urandom, RandomSource::Random] {
            let tally = Tally::new().unwrap();
            tally.open(1, u64::MAX);
            let drained = Tap::open(source).unwrap().drain(tally);
            // Before Linux 5.6 /dev/random may be empty; every call but the last is counted all the same.
            let operations = tally.counts().operations;
            assert_eq!(drained.is_ok(), operations == BATCH, "{source:?}: {operations}");
            assert!(source == RandomSource::Random || drained.is_ok(), "{source:?}");
        }
    }
}
