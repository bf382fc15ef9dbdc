//! The fork bomb that holds nothing: workers that fork a child, which ends at once, and reap it, over and over.
//!
//! It stays below any sensible limit, so no limit on the number of tasks stops it; what it costs is the kernel's work on processes
//! that come and go. One operation is one child that was forked, ended and was reaped. A refusal is a fork(2) that failed, by errno,
//! which happens only where a limit leaves no room for the child.

use nix::unistd::Pid;

use super::{AttackOrder, End, Workload};
use crate::clock;
use crate::raw::{self, Fork};
use crate::tally::Tally;
use nix::sys::wait::waitpid;

/// The period in which the intensity is a share of the time, in nanoseconds: that of a CPU quota.
const PERIOD_NS: u64 = 100_000_000;
/// Pause of one worker after a refusal, in nanoseconds.
const RETRY_NS: u64 = 10_000_000;
/// The most workers of one attacker: beyond it they wait for each other in the kernel, not for a CPU.
const MOST_WORKERS: u64 = 16;
/// Tasks that a worker needs: itself, and the child that it waits for.
const TASKS_OF_WORKER: u64 = 2;

/// See the module.
pub struct Churn {
    workers: u64,
    busy_ns: u64,
}

impl Churn {
    /// One worker for each CPU that the sandbox may use, no more than the dose has room for; the intensity is the share of the
    /// time in which they fork.
    pub fn new(order: &AttackOrder) -> Self {
        let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self::on(u64::try_from(cpus).unwrap_or(1), order)
    }

    fn on(cpus: u64, order: &AttackOrder) -> Self {
        let intensity = u64::from(order.intensity.min(100));
        let room = (order.dose.tasks / TASKS_OF_WORKER).max(1);
        Self {
            workers: if intensity == 0 { 0 } else { cpus.clamp(1, MOST_WORKERS).min(room) },
            busy_ns: PERIOD_NS * intensity / 100,
        }
    }

    /// One operation. The child does nothing that could go wrong, so it needs no signal for the death of its parent.
    fn once(tally: Tally) {
        match raw::fork() {
            Ok(Fork::Child) => raw::exit_now(0),
            Ok(Fork::Parent(child)) => {
                if waitpid(child, None).is_ok() {
                    tally.operated(1);
                }
            }
            Err(errno) => {
                tally.denied(errno);
                clock::sleep(RETRY_NS);
            }
        }
    }
}

impl Workload for Churn {
    fn target(&self) -> u64 {
        self.workers
    }

    fn workers(&self) -> u64 {
        self.workers
    }

    fn start_is_operation(&self) -> bool {
        false
    }

    fn ended(&self, _child: Pid, end: End, tally: Tally) {
        // A child whose parent was killed comes to the supervisor too, and was never held.
        if end.is_worker {
            tally.lost();
        }
    }

    fn work(&self, tally: Tally) -> ! {
        while !tally.is_overdue(clock::now()) {
            let begin = clock::now() / PERIOD_NS * PERIOD_NS;
            while clock::now() < begin + self.busy_ns {
                Self::once(tally);
            }
            if self.busy_ns < PERIOD_NS {
                clock::sleep_until(begin + PERIOD_NS);
            }
        }
        raw::exit_now(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounds::Dose;

    fn churn(cpus: u64, tasks: u64, intensity: u8) -> Churn {
        let dose = Dose { tasks, bytes: 0, seconds: 1, unguarded: false };
        let kind = Some("churn".to_owned());
        Churn::on(cpus, &AttackOrder { kind, intensity, ..AttackOrder::full("forkbomb", dose) })
    }

    #[test]
    fn there_is_a_worker_for_each_cpu_and_room_for_its_child() {
        assert_eq!(churn(2, 512, 100).target(), 2);
        assert_eq!(churn(64, 512, 100).target(), MOST_WORKERS);
        assert_eq!(
            churn(64, 7, 100).target(),
            3,
            "seven tasks are three workers with a child each"
        );
        assert_eq!(churn(0, 1, 100).target(), 1);
    }

    #[test]
    fn intensity_is_a_share_of_the_time() {
        assert_eq!((churn(1, 512, 25).busy_ns, churn(1, 512, 25).target()), (25_000_000, 1));
        assert_eq!(churn(1, 512, 0).target(), 0);
    }

    #[test]
    fn a_child_that_its_worker_left_behind_is_not_taken_for_a_worker() {
        let churn = churn(1, 512, 100);
        let tally = Tally::new().unwrap();
        tally.open(churn.target(), u64::MAX);
        assert!(tally.reserve());
        tally.joined();
        let end = |is_worker| End { is_worker, is_over: true };
        churn.ended(Pid::from_raw(7), end(false), tally);
        assert_eq!(tally.held(), 1);
        churn.ended(Pid::from_raw(7), end(true), tally);
        assert_eq!((tally.held(), tally.counts().operations), (0, 0));
    }
}
